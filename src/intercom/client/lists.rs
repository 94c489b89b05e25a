//! The calls that list what is in the workspace: conversations page by page, people, teams and tags as a whole.
//!
//! Owns: what a search asks for. Refuses: going from page to page by itself, and taking half of a list for the whole.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::Intercom;
use super::answers::{self, Admin, Page, Tag, Team};
use super::transport::{self, Request};
use crate::intercom::error::IntercomError;

/// Most conversations that Intercom lists on one page.
const LARGEST_PAGE: u32 = 150;

/// Which conversations to list, in ascending order of `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// In one of these states; `None` is any.
    pub states: Option<Vec<&'static str>>,
    /// Updated at or after this second.
    pub updated_since: Option<Timestamp>,
    /// Conversations in one answer, 1 to 150.
    pub per_page: u32,
}

impl Intercom {
    /// One page of conversations; `cursor` is [`Page::next`] of the page before.
    pub async fn search(&self, query: &Search, cursor: Option<&str>) -> Result<Page, IntercomError> {
        let request = Request::new(Method::POST, &["conversations", "search"]).json(query.body(cursor));
        let page = self.call(request, |json, _| transport::parse(json).and_then(|page| goes_on(page, cursor)));
        Ok(page.await?.value)
    }

    /// The teammates. One whose id is not 1 to 20 digits is left out.
    pub async fn admins(&self) -> Result<Vec<Admin>, IntercomError> {
        self.list("admins", answers::admins).await
    }

    /// The teams. One without a name, or whose id is not 1 to 20 digits, is left out.
    pub async fn teams(&self) -> Result<Vec<Team>, IntercomError> {
        self.list("teams", answers::teams).await
    }

    /// The tags. One without a name, or whose id is not 1 to 20 digits, is left out.
    pub async fn tags(&self) -> Result<Vec<Tag>, IntercomError> {
        self.list("tags", answers::tags).await
    }

    async fn list<T>(
        &self,
        place: &str,
        read: impl FnOnce(&[u8]) -> Result<T, IntercomError>,
    ) -> Result<T, IntercomError> {
        let request = Request::new(Method::GET, &[place]);
        Ok(self.call(request, |json, _| read(json)).await?.value)
    }
}

impl Search {
    fn body(&self, cursor: Option<&str>) -> Value {
        let mut filters = Vec::new();
        if let Some(states) = &self.states {
            filters.push(json!({ "field": "state", "operator": "IN", "value": states }));
        }
        // `>` is documented both as "greater" and as "greater or equal": one second less includes ours either way.
        // With neither bound asked for, every conversation is after the first second: a search needs a filter.
        if self.updated_since.is_some() || filters.is_empty() {
            let after = self.updated_since.map_or(0, |since| since.as_second().saturating_sub(1).max(0));
            filters.push(json!({ "field": "updated_at", "operator": ">", "value": after }));
        }
        let mut pagination = json!({ "per_page": self.per_page.clamp(1, LARGEST_PAGE) });
        if let Some(cursor) = cursor {
            pagination["starting_after"] = cursor.into();
        }
        json!({
            "query": { "operator": "AND", "value": filters },
            "pagination": pagination,
            "sort": { "field": "updated_at", "order": "ascending" },
        })
    }
}

/// A page that leads back to itself would be read for ever.
fn goes_on(page: Page, cursor: Option<&str>) -> Result<Page, IntercomError> {
    if cursor.is_some() && page.next.as_deref() == cursor {
        return Err(IntercomError::WrongAnswer("a page of conversations that leads back to itself"));
    }
    Ok(page)
}
