//! A search from its first page to its last, in pages as large as Intercom can bear.
//!
//! Owns: the size of the next page. A page that Intercom could not give is asked for again at half the size, from the
//! same cursor, which stands for a place in the order and not for a number of pages; ten pages that went well double
//! the size again. Refuses: repeating what failed for any other reason but our pace, and knowing the conversations:
//! one that changes meanwhile may be listed twice, and the next look's overlap finds what was passed over.

use std::collections::HashSet;

use super::Intercom;
use super::answers::Page;
use super::lists::Search;
use crate::intercom::error::IntercomError;

/// No page is made smaller: what ten conversations are too much for is no matter of size.
const SMALLEST: u32 = 10;
/// So many pages that went well double the size.
const WELL: u32 = 10;
/// So often in a row may Intercom ask to slow down over one page; each time it is waited as long as it asks.
const PATIENCE: u32 = 5;

/// The pages of one search, in order.
#[derive(Debug)]
pub struct Pages<'a> {
    intercom: &'a Intercom,
    query: Search,
    size: u32,
    went_well: u32,
    cursors: HashSet<String>,
    cursor: Option<String>,
    is_over: bool,
}

impl Intercom {
    /// What the search lists, page by page; `per_page` is the size of the largest.
    pub fn pages(&self, query: Search) -> Pages<'_> {
        let size = query.per_page;
        Pages { intercom: self, query, size, went_well: 0, cursors: HashSet::new(), cursor: None, is_over: false }
    }
}

impl Pages<'_> {
    /// The next page; `None` after the last. After an error the same page is asked for again.
    pub async fn next(&mut self) -> Result<Option<Page>, IntercomError> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.listed().await?;
        if page.next.as_ref().is_some_and(|next| self.cursors.contains(next)) {
            return Err(IntercomError::WrongAnswer("pages of conversations that lead in a circle"));
        }
        self.cursors.extend(page.next.clone());
        self.is_over = page.next.is_none();
        self.cursor.clone_from(&page.next);
        self.went_well += 1;
        if self.went_well >= WELL {
            self.resize(self.size.saturating_mul(2).min(self.query.per_page));
        }
        Ok(Some(page))
    }

    async fn listed(&mut self) -> Result<Page, IntercomError> {
        let mut slowed_down = 0;
        loop {
            let query = Search { per_page: self.size, ..self.query.clone() };
            match self.intercom.search(&query, self.cursor.as_deref()).await {
                Err(error) if error.is_of_size() && self.size > SMALLEST => {
                    self.resize((self.size / 2).max(SMALLEST));
                    tracing::info!(per_page = self.size, error = %error, "a page of conversations was too much for Intercom; asking for fewer");
                }
                Err(IntercomError::RateLimited { .. }) if slowed_down < PATIENCE => slowed_down += 1,
                ended => return ended,
            }
        }
    }

    fn resize(&mut self, size: u32) {
        self.size = size;
        self.went_well = 0;
    }
}
