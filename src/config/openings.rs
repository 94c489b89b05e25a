//! Calendars that stay shut for long: a slip in their holidays, or in the year of one.
//!
//! Owns: what is doubted at one time and not at another. Refuses: to read the clock.

use jiff::{SignedDuration, Timestamp};
use toml::de::DeTable;

use super::Loaded;
use super::diagnostic::Diagnostic;
use super::notes::Notes;
use super::reader::{one_or_all, shown};
use crate::engine::calendar::Calendar;

/// A calendar that opens later than this is doubted.
const SOON: SignedDuration = SignedDuration::from_hours(31 * 24);

impl Loaded {
    /// Adds what is doubtful about the configuration at `now`.
    pub fn doubt_at(&mut self, now: Timestamp) {
        for (calendar, place) in self.config.calendars.iter().zip(&self.calendar_places) {
            if let Some(message) = stays_shut(calendar, now) {
                let help = "look through its holidays: nothing counts by it until then";
                self.warnings.warnings.push(place.saying(message, help));
            }
        }
        self.warnings.warnings.sort_by_key(|warning| warning.span.start);
    }
}

/// The places of all calendars: of the holidays, else of the name.
pub(super) fn places(notes: &Notes<'_>, top: &DeTable<'_>) -> Vec<Diagnostic> {
    let Some(calendars) = top.get("calendar") else { return Vec::new() };
    let place = |calendar: &toml::Spanned<toml::de::DeValue<'_>>| {
        let table = calendar.get_ref().as_table();
        let key = |name| table.and_then(|table| table.get_key_value(name)).map(|(key, _)| key.span());
        key("holidays").or(key("holidays_file")).or(key("name")).unwrap_or(calendar.span())
    };
    one_or_all(calendars).iter().map(|calendar| notes.blank(place(calendar))).collect()
}

fn stays_shut(calendar: &Calendar, now: Timestamp) -> Option<String> {
    let next = calendar.next_open(now);
    if next.is_some_and(|next| next.duration_since(now) <= SOON) {
        return None;
    }
    let name = shown(&calendar.name);
    Some(match next {
        Some(next) => {
            let day = calendar.timezone().to_datetime(next).strftime("%a %Y-%m-%d");
            format!("calendar \"{name}\" does not open before {day}")
        }
        None => format!("calendar \"{name}\" does not open in the next ten years"),
    })
}
