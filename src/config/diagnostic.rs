//! Mistakes in the configuration, as a person reads them: where, what, and what to write instead.
//!
//! Owns: positions, the excerpt with its underline, the rendering. Refuses: repeating a line that may hold a
//! secret.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Characters of a long line shown before and after the place.
const AROUND: usize = 160;

/// One mistake or doubt, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write or do instead.
    pub help: String,
    /// The offending text in bytes from the start of the file, a byte order mark and carriage returns not counted.
    pub span: Range<usize>,
    excerpt: Option<Excerpt>,
}

/// The offending line, or the part of it around the place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    span: Range<usize>,
}

/// What a file holds may be quoted, but steers no terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

impl Diagnostic {
    /// About something in `text`, the whole of the file.
    pub(super) fn at(file: &str, text: &str, span: Range<usize>, message: &str, help: &str) -> Diagnostic {
        let start = text.floor_char_boundary(span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Diagnostic {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message: plain(message),
            help: plain(help),
            // Nothing to point at: it concerns the whole file.
            excerpt: if span == (0..0) { None } else { excerpt(text, line_start, start..span.end) },
            span,
        }
    }

    /// About something that has no text to point at: a file that cannot be read, the environment.
    pub fn about(file: &str, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic {
            file: file.to_owned(),
            line: 1,
            column: 1,
            message: message.into(),
            help: help.into(),
            span: 0..0,
            excerpt: None,
        }
    }

    /// The same place, with what is wrong there.
    pub(super) fn saying(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic { message: message.into(), help: help.into(), ..self.clone() }
    }

    fn render(&self, level: Level<'_>, word: &str, colour: bool) -> String {
        let (bold, plain) = if colour { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
        let Diagnostic { file, line, column, message, help, .. } = self;
        let excerpt = self.excerpt.as_ref().map(|excerpt| excerpt.render(*line, level, colour)).unwrap_or_default();
        format!("{bold}{file}:{line}:{column}: {word}{message}{plain}\n{excerpt}{bold}help:{plain} {help}\n")
    }
}

impl Excerpt {
    fn render(&self, line: usize, level: Level<'_>, colour: bool) -> String {
        let mark = AnnotationKind::Primary.span(self.span.clone());
        let snippet = Snippet::source(self.text.as_str()).line_start(line).annotation(mark);
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[Group::with_level(level).element(snippet)]) + "\n"
    }
}

fn excerpt(text: &str, line_start: usize, span: Range<usize>) -> Option<Excerpt> {
    let line_end = text[line_start..].find('\n').map_or(text.len(), |length| line_start + length);
    let line_end = line_start + text[line_start..line_end].trim_end_matches('\r').len();
    if may_hold_a_secret(&text[line_start..line_end]) {
        return None;
    }
    let start = span.start.min(line_end);
    let end = text.ceil_char_boundary(span.end).clamp(start, line_end);
    let from = text.floor_char_boundary(start.saturating_sub(AROUND)).max(line_start);
    let to = text.ceil_char_boundary(end.min(start + AROUND) + AROUND).min(line_end);
    let shown = text[from..to].to_owned();
    (!shown.is_empty()).then(|| Excerpt { span: start - from..end.min(to) - from, text: shown })
}

/// Configuration never holds secrets, but people try; what they tried must not reach a log.
fn may_hold_a_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let credentials = line.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    credentials || ["token", "secret", "password"].iter().any(|word| line.contains(word))
}

/// Everything found in one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// Mistakes: the configuration is refused.
    pub errors: Vec<Diagnostic>,
    /// Doubts: the configuration works, but perhaps not as meant.
    pub warnings: Vec<Diagnostic>,
    /// How many more mistakes were found than are listed.
    pub more: usize,
}

impl Diagnostics {
    /// The text for a person: each begins with `FILE:LINE:COLUMN:`. With `colour`, for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let errors = self.errors.iter().map(|error| error.render(Level::ERROR, "", colour));
        let warnings = self.warnings.iter().map(|warning| warning.render(Level::WARNING, "warning: ", colour));
        let more = format!("and {} more mistakes; mend these first\n", self.more);
        let more = (self.more > 0).then_some(more);
        errors.chain(warnings).chain(more).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(error: Diagnostic) -> Diagnostics {
        Diagnostics { errors: vec![error], ..Diagnostics::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(text: &str, word: &str) -> Diagnostics {
        let start = text.find(word).unwrap();
        Diagnostic::at("a.toml", text, start..start + word.len(), "wrong", "right").into()
    }

    #[test]
    fn the_offending_text_is_underlined_and_columns_are_characters() {
        insta::assert_snapshot!(about("a = 1\r\n\"ü\" = \"later\" # so\r\n", "\"later\""), @r#"
        a.toml:2:7: wrong
          |
        2 | "ü" = "later" # so
          |       ^^^^^^^
        help: right
        "#);
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_repeated() {
        for line in ["access_token = tok:example", "Client-Secret = 1", "base_url = \"http://me:pw@example.com\""] {
            let shown = about(line, "=").to_string();
            assert_eq!(shown.lines().count(), 2, "{shown}");
        }
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_place() {
        let text = format!("{}X{}", "é".repeat(100_000), "é".repeat(100_000));
        let shown = about(&text, "X");
        assert_eq!((shown.errors[0].line, shown.errors[0].column), (1, 100_001));
        assert!(shown.to_string().len() < 2_000);
    }

    #[test]
    fn a_terminal_gets_colours() {
        let found = about("a = 1", "1");
        assert!(found.render(true).contains('\u{1b}'));
        assert!(!found.render(false).contains('\u{1b}'));
    }
}
