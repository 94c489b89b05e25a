//! Writes each event as one line, whatever is in it.
//!
//! Owns: what a line looks like, and that no value can break out of it. Refuses: choosing which events are written.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// Most characters of one value; what comes after is cut.
const LONGEST: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Human { colour: bool },
    Json,
}

/// A layer that hands every event to `write` as a line, with its newline.
pub(super) struct Lines {
    style: Style,
    clock: Clock,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

impl Lines {
    pub(super) fn new(style: Style, clock: Clock, write: impl Fn(&str) + Send + Sync + 'static) -> Lines {
        Lines { style, clock, write: Box::new(write) }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        event.record(&mut fields);
        let level = *event.metadata().level();
        let target = fields.take_text("log.target").unwrap_or_else(|| event.metadata().target().to_owned());
        fields.0.retain(|(name, _)| !name.starts_with("log."));
        let message = fields.take_text("message").unwrap_or_default();
        let at = format!("{:.3}", self.clock.now());
        let line = Line { at, level, target, message, fields };
        (self.write)(&match self.style {
            Style::Human { colour } => line.human(colour),
            Style::Json => line.json(),
        });
    }
}

struct Line {
    at: String,
    level: Level,
    target: String,
    message: String,
    fields: Fields,
}

impl Line {
    fn human(&self, colour: bool) -> String {
        let Line { at, level, message, .. } = self;
        let level = match (colour, *level) {
            (false, level) => format!("{level:>5}"),
            (true, Level::ERROR) => "\x1b[31mERROR\x1b[0m".to_owned(),
            (true, Level::WARN) => "\x1b[33m WARN\x1b[0m".to_owned(),
            (true, level) => format!("\x1b[2m{level:>5}\x1b[0m"),
        };
        let fields: Vec<_> = self.fields.0.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{at} {level} {message}{}\n", fields.concat())
    }

    fn json(&self) -> String {
        let own = [
            ("timestamp", Value::from(self.at.as_str())),
            ("level", Value::from(self.level.as_str())),
            ("target", Value::from(self.target.as_str())),
            ("message", Value::from(self.message.as_str())),
        ];
        let others = self.fields.0.iter().filter(|(name, _)| own.iter().all(|(taken, _)| taken != name));
        let pairs: Vec<_> =
            own.iter().chain(others).map(|(name, value)| format!("{}:{value}", Value::from(*name))).collect();
        format!("{{{}}}\n", pairs.join(","))
    }
}

/// The values of a span or an event, cleaned, each name once.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    fn extend(&mut self, others: &Fields) {
        for (name, value) in &others.0 {
            self.put(name, value.clone());
        }
    }

    fn take_text(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(known, _)| *known == name)?;
        match self.0.remove(place).1 {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), Value::String(clean(format_args!("{value:?}"))));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), Value::String(clean(format_args!("{value}"))));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut text = clean(format_args!("{error}"));
        let mut source = error.source();
        while let Some(cause) = source {
            text = clean(format_args!("{text}: {cause}"));
            source = cause.source();
        }
        self.put(field.name(), Value::String(text));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), Value::from(value));
    }
}

/// The text without anything that could end the line or steer a terminal, and cut when it is long.
fn clean(text: fmt::Arguments<'_>) -> String {
    let mut cleaned = Cleaned::default();
    if write!(cleaned, "{text}").is_err() {
        cleaned.text.push('…');
    }
    cleaned.text
}

#[derive(Default)]
struct Cleaned {
    text: String,
    characters: usize,
}

impl Write for Cleaned {
    /// Fails when the text is long enough, which ends the formatting of whatever is being written.
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            if self.characters == LONGEST {
                return Err(fmt::Error);
            }
            self.characters += 1;
            if steers(character) {
                self.text.extend(character.escape_default());
            } else {
                self.text.push(character);
            }
        }
        Ok(())
    }
}

/// Control characters, line and paragraph separators, and those that turn the direction of what follows.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{Span, info, info_span, warn};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::clock::ManualClock;

    pub(crate) type Written = Arc<Mutex<String>>;

    pub(crate) fn noon() -> Clock {
        ManualClock::at("2026-03-02T12:00:00Z".parse().unwrap()).into()
    }

    pub(crate) fn to(written: &Written, style: Style, clock: Clock) -> Lines {
        let written = Arc::clone(written);
        Lines::new(style, clock, move |line| written.lock().unwrap().push_str(line))
    }

    fn written(style: Style, log: impl FnOnce()) -> String {
        let written = Written::default();
        let subscriber = tracing_subscriber::registry().with(to(&written, style, noon()));
        tracing::subscriber::with_default(subscriber, log);
        written.lock().unwrap().clone()
    }

    fn closed() {
        let _span = info_span!("sweep", conversation.id = %"42", rule = tracing::field::Empty).entered();
        Span::current().record("rule", "quiet");
        info!(waited_s = 604_800, live = true, "closed conversation");
    }

    #[test]
    fn people_get_a_sentence_and_its_fields() {
        insta::assert_snapshot!(written(Style::Human { colour: false }, closed), @r#"2026-03-02T12:00:00.000Z  INFO closed conversation conversation.id="42" rule="quiet" waited_s=604800 live=true"#);
    }

    #[test]
    fn programs_get_one_json_object() {
        let line = written(Style::Json, closed);
        insta::assert_snapshot!(line, @r#"{"timestamp":"2026-03-02T12:00:00.000Z","level":"INFO","target":"autoclosed::telemetry::lines::tests","message":"closed conversation","conversation.id":"42","rule":"quiet","waited_s":604800,"live":true}"#);
        assert!(serde_json::from_str::<Value>(&line).unwrap().is_object());
    }

    #[test]
    fn colour_marks_the_level_and_nothing_else() {
        let line = written(Style::Human { colour: true }, || warn!("odd"));
        assert_eq!(line, "2026-03-02T12:00:00.000Z \x1b[33m WARN\x1b[0m odd\n");
    }

    #[test]
    fn nothing_in_a_value_can_break_out_of_its_line() {
        let evil = "a\r\nb\x1b[2Jc\u{9b}d\u{2028}e\u{202e}f\0\"}";
        for style in [Style::Human { colour: false }, Style::Json] {
            let line = written(style, || {
                let _span = info_span!("request", path = evil).entered();
                info!(shown = %evil, debugged = ?evil, message = evil);
            });
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert!(line.ends_with('\n'));
            assert!(!line.trim_end().contains(steers), "{line:?}");
        }
    }

    #[test]
    fn a_value_cannot_pass_for_one_of_the_line_s_own() {
        let line = written(Style::Json, || info!(level = "ERROR", timestamp = 0, "calm"));
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&parsed["level"], &parsed["timestamp"]), (&"INFO".into(), &"2026-03-02T12:00:00.000Z".into()));
        assert_eq!(line.matches("level").count(), 1);
    }

    #[test]
    fn a_long_value_is_cut_at_256_characters() {
        for (length, want) in [(LONGEST, "é".repeat(LONGEST)), (LONGEST + 1, format!("{}…", "é".repeat(LONGEST)))] {
            let line = written(Style::Json, || info!(text = "é".repeat(length), "long"));
            let parsed: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(parsed["text"], want.as_str(), "{length} characters");
        }
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let cause = io::Error::other("disk\nfull");
        let error = io::Error::other(Chained(cause));
        let line = written(Style::Json, || info!(error = &error as &dyn Error, "failed"));
        assert!(line.contains(r#""error":"not written: disk\\nfull""#), "{line}");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("not written")]
    struct Chained(#[source] io::Error);
}
