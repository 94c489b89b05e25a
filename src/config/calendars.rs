//! Reads `[[calendar]]`, and where rules name one.
//!
//! Owns: hours, holidays and their zone; which file holidays come from. Refuses: to guess at hours, and to go on
//! without a file of holidays: a holiday missed is a day worked.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::{io, str};

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::DeValue;

use super::conditions::date;
use super::notes::Problem;
use super::reader::{Reader, nearest, one_or_all, shown};
use super::{LARGEST, duration, ics, sections};
use crate::engine::calendar::{Calendar, CalendarError, HoursError, OpenRange, Week, hours};

/// Reads a file that the configuration names.
pub(super) type Files<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

const EXAMPLE: &str = "hours = { mon-fri = [\"09:00-18:00\"] }";

/// All calendars, by name.
pub(super) struct Calendars {
    /// With `None` for those that are wrong.
    known: Vec<(String, Option<Arc<Calendar>>)>,
    /// Between one sweep and the next.
    gap: SignedDuration,
}

/// What a rule counts by.
pub(super) enum RuleClock {
    /// Every hour.
    None,
    /// A calendar that is wrong or unknown; a mistake was noted.
    Broken,
    /// The hours of a calendar.
    Of(Arc<Calendar>),
}

impl RuleClock {
    pub(super) fn into_calendar(self) -> Option<Arc<Calendar>> {
        if let RuleClock::Of(calendar) = self { Some(calendar) } else { None }
    }
}

/// All calendars, in the order of the file. `gap` is the longest time between two sweeps.
pub(super) fn calendars(top: &mut Reader<'_>, timezone: &TimeZone, gap: SignedDuration, files: Files<'_>) -> Calendars {
    let mut calendars = Calendars { known: Vec::new(), gap };
    for mut table in top.tables("calendar", "a calendar", "[[calendar]]") {
        let name = calendars.name(&mut table);
        let calendar = calendar(table, name.as_deref().unwrap_or_default(), timezone, files);
        calendars.known.extend(name.map(|name| (name, calendar.map(Arc::new))));
    }
    calendars
}

impl Calendars {
    pub(super) fn into_good(self) -> Vec<Arc<Calendar>> {
        self.known.into_iter().filter_map(|(_, calendar)| calendar).collect()
    }

    fn name(&self, table: &mut Reader<'_>) -> Option<String> {
        if !table.has("name") {
            let help = "write name = \"office\": rules call the calendar by it";
            table.notes.missing(table.span.clone(), "this calendar has no name", help);
        }
        let name = table.parsed("name", "office", |name| match name {
            _ if name.trim().is_empty() || name.trim() != name || name.chars().any(char::is_control) => {
                let message = "the name of a calendar is a word or two, with no spaces around it and on one line";
                Err(Problem::new(message, "write for example name = \"office\""))
            }
            _ => Ok(name.to_owned()),
        })?;
        if self.known.iter().any(|(known, _)| known == name.get_ref()) {
            let message = format!("another calendar above is named \"{}\" too", shown(name.get_ref()));
            table.notes.error(name.span(), message, "give each calendar a name of its own: rules call it by that");
        }
        Some(name.into_inner())
    }

    /// The calendar that a rule counts by.
    pub(super) fn clock(&self, rule: &mut Reader<'_>) -> RuleClock {
        match self.named(rule, "clock") {
            Some((_, calendar)) => RuleClock::Of(calendar),
            None if rule.has("clock") => RuleClock::Broken,
            None => RuleClock::None,
        }
    }

    /// The calendar outside of which a rule does nothing. Every opening must see a sweep, even a late one.
    pub(super) fn act_only(&self, rule: &mut Reader<'_>) -> Option<Arc<Calendar>> {
        let (place, calendar) = self.named(rule, "act_only")?;
        let least = self.gap * 2;
        if let Some(shortest) = calendar.shortest_opening().filter(|shortest| *shortest < least) {
            let (name, shortest) = (shown(&calendar.name), duration::in_words(shortest));
            let message = format!("\"{name}\" opens for as little as {shortest}: sweeps could miss it");
            let help = format!(
                "up to {} pass between two sweeps: sweep more often, or open for {} at least",
                duration::in_words(self.gap),
                duration::in_words(least)
            );
            rule.notes.error(place, message, help);
        }
        Some(calendar)
    }

    fn named(&self, rule: &mut Reader<'_>, key: &'static str) -> Option<(Range<usize>, Arc<Calendar>)> {
        let name = rule.text(key, "office")?;
        let known = self.known.iter().find(|(known, _)| known == name.get_ref());
        if known.is_none() {
            let message = format!("there is no calendar named \"{}\"", shown(name.get_ref()));
            rule.notes.missing(name.span(), message, self.known_ones(name.get_ref()));
        }
        known?.1.clone().map(|calendar| (name.span(), calendar))
    }

    fn known_ones(&self, name: &str) -> String {
        let names: Vec<&str> = self.known.iter().map(|(known, _)| known.as_str()).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names.is_empty() => format!("add a [[calendar]] with that name and its {EXAMPLE}"),
            None => format!("the calendars are \"{}\"", names.join("\", \"")),
        }
    }
}

/// `None` only after a mistake was noted.
fn calendar(mut table: Reader<'_>, name: &str, timezone: &TimeZone, files: Files<'_>) -> Option<Calendar> {
    if !table.has("hours") {
        table.notes.missing(table.span.clone(), "this calendar has no hours", format!("add {EXAMPLE}"));
    }
    let place = table.place_of("hours");
    let week = week(&mut table);
    let holidays = holidays(&mut table, files);
    let own = table.parsed("timezone", "Europe/Dublin", sections::timezone);
    let misread = table.has("timezone") && own.is_none();
    let zone_place = own.as_ref().map_or(table.span.clone(), Spanned::span);
    let zone = own.map_or_else(|| timezone.clone(), Spanned::into_inner);
    let notes = table.notes;
    table.finish(|_| None);
    match Calendar::new(name, zone, week?, holidays?) {
        Ok(calendar) => (!misread).then_some(calendar),
        Err(error @ CalendarError::NeverOpens) => {
            notes.error(place, format!("this is {error}"), format!("write for example {EXAMPLE}"));
            None
        }
        Err(error @ CalendarError::NoZone) => {
            notes.error(zone_place, format!("this is {error}"), "write timezone = \"Europe/Dublin\", or another name");
            None
        }
    }
}

/// `None` when the hours are missing or wrong.
fn week(table: &mut Reader<'_>) -> Option<Week> {
    let value = table.value("hours")?;
    let Some(days) = value.get_ref().as_table() else {
        table.wrong_type("hours", value, "a table of days", "{ mon-fri = [\"09:00-18:00\"] }");
        return None;
    };
    let mut days: Vec<_> = days.iter().collect();
    days.sort_by_key(|(day, _)| day.span().start);
    let wrong = |place, error: &HoursError| table.notes.error(place, error.to_string(), error.help());
    let mut good = true;
    let mut given: Vec<(&str, Vec<OpenRange>)> = Vec::new();
    for (day, value) in days {
        let key = day.get_ref().as_ref();
        let named = hours::days(key).map_err(|error| wrong(day.span(), &error));
        let ranges = table.texts_of(key, value, "09:00-18:00").map(|texts| {
            let ranges =
                texts.get_ref().iter().map(|text| hours::range(text.get_ref()).map_err(|e| wrong(text.span(), &e)));
            ranges.collect::<Result<Vec<_>, _>>()
        });
        let (Ok(_), Some(Ok(ranges))) = (named, ranges) else {
            good = false;
            continue;
        };
        given.push((key, ranges));
        if let Err(error) = hours::week(given.iter().cloned()) {
            wrong(day.span(), &error);
            given.pop();
            good = false;
        }
    }
    hours::week(given).ok().filter(|_| good)
}

/// `None` only after a mistake was noted.
fn holidays(table: &mut Reader<'_>, files: Files<'_>) -> Option<BTreeSet<Date>> {
    let listed = table.value("holidays");
    let file = table.text("holidays_file", "holidays.ics");
    if listed.is_some() && table.has("holidays_file") {
        let help = "keep one of the two: all days in the list, or all in the file";
        let message = "`holidays` and `holidays_file` both say when it is closed";
        table.notes.error(table.place_of("holidays_file"), message, help);
        return None;
    }
    match (listed, file) {
        (Some(listed), _) => dates(table, listed),
        (None, Some(file)) => match from_file(file.get_ref(), files) {
            Ok(days) => {
                if days.is_empty() {
                    let help = "is it the right file? a holiday that is missing is a day like any other";
                    table.notes.warning(
                        file.span(),
                        format!("there is no holiday in `{}`", shown(file.get_ref())),
                        help,
                    );
                }
                Some(days.into_iter().collect())
            }
            Err(problem) => {
                table.notes.error(file.span(), problem.message, problem.help);
                None
            }
        },
        (None, None) => (!table.has("holidays_file")).then(BTreeSet::new),
    }
}

fn dates(table: &Reader<'_>, listed: &Spanned<DeValue<'_>>) -> Option<BTreeSet<Date>> {
    let items = one_or_all(listed);
    let days: Vec<Option<Date>> = items.iter().map(|item| holiday(table, item)).collect();
    days.into_iter().collect()
}

fn holiday(table: &Reader<'_>, item: &Spanned<DeValue<'_>>) -> Option<Date> {
    let text = match item.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(day) => day.to_string(),
        _ => {
            table.wrong_type("holidays", item, "a date, or a list of such", "[\"2026-12-25\"]");
            return None;
        }
    };
    let day = date(text.trim());
    if day.is_none() {
        let help = "write year, month and day, such as \"2026-12-25\"; a holiday is a whole day";
        table.notes.error(item.span(), "this is no date", help);
    }
    day
}

fn from_file(name: &str, files: Files<'_>) -> Result<Vec<Date>, Problem> {
    let shown = shown(name);
    if name.trim().is_empty() {
        return Err(Problem::new(
            "`holidays_file` names no file",
            "write for example holidays_file = \"holidays.ics\"",
        ));
    }
    let found = files(Path::new(name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Problem::new(format!("there is no file `{shown}`"), "its path starts in the folder of the configuration")
        }
        io::ErrorKind::IsADirectory => {
            Problem::new(format!("`{shown}` is a folder"), "name an .ics file, such as \"holidays.ics\"")
        }
        _ => Problem::new(
            format!("`{shown}` cannot be read: {error}"),
            "make the file readable for the user that runs autoclosed",
        ),
    })?;
    if found.len() > LARGEST {
        return Err(Problem::new(format!("`{shown}` is larger than 10 MiB"), "name an .ics file with holidays alone"));
    }
    let text = str::from_utf8(&found)
        .map_err(|_| Problem::new(format!("`{shown}` is not UTF-8 text"), "export or download it again as UTF-8"))?;
    ics::holidays(text).map_err(|error| Problem::new(format!("`{shown}`, {error}"), error.help))
}
