//! What can be wrong with a template.

use std::ops::Range;

use minijinja::{Error, ErrorKind};

use crate::config;

/// What is wrong with a template, or why it gave no text. Never holds values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("this template cannot be read: {detail}")]
    Syntax {
        /// What the parser says.
        detail: String,
        /// The place in the template, in bytes.
        range: Option<Range<usize>>,
    },
    /// A variable that does not exist.
    #[error("unknown template variable `{name}`")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The place in the template, in bytes.
        range: Option<Range<usize>>,
    },
    /// A filter, test or function that does not exist.
    #[error("{detail} here")]
    UnknownFilter {
        /// What is unknown.
        detail: String,
        /// The place in the template, in bytes.
        range: Option<Range<usize>>,
    },
    /// A value that is not always known, used without a default.
    #[error("{detail} is not always known")]
    Missing {
        /// Which value.
        detail: String,
        /// The place in the template, in bytes.
        range: Option<Range<usize>>,
    },
    /// It asks for something that does not work.
    #[error("this template does not work: {detail}")]
    Broken {
        /// What does not work.
        detail: String,
        /// The place in the template, in bytes.
        range: Option<Range<usize>>,
    },
    /// It uses a part of the template language that could go on for ever, or grow without end.
    #[error("`{word}` has no place in a text")]
    Foreign {
        /// What.
        word: String,
        /// The place in the template, in bytes.
        range: Range<usize>,
    },
    /// Nobody would read it.
    #[error("this text is too long to be sent")]
    TooLong,
    /// It gives a blank text.
    #[error("this template can come out empty")]
    Blank,
    /// It gave no text for a conversation, though it passed the check.
    #[error("the message could not be written ({kind}); check the template with `autoclosed check`")]
    Failed {
        /// The kind of failure, without values.
        kind: String,
    },
}

/// The only variable that nearly ends so; after a dot, of the same kind.
fn meant(name: &str) -> Option<&'static str> {
    let (kind, end) = name.rsplit_once('.').map_or((None, name), |(kind, end)| (Some(kind), end));
    let parts = |variable: &'static str| variable.split_once('.').unwrap_or(("", variable));
    let fits = |variable: &&'static str| kind.is_none_or(|kind| parts(variable).0 == kind);
    let near = config::nearest(end, super::VARIABLES.into_iter().filter(fits).map(|variable| parts(variable).1))?;
    let mut named = super::VARIABLES.into_iter().filter(fits).filter(|variable| parts(variable).1 == near);
    named.next().filter(|_| named.next().is_none())
}

impl TemplateError {
    /// The place in the template, in bytes, if known.
    pub fn range(&self) -> Option<Range<usize>> {
        match self {
            TemplateError::Syntax { range, .. }
            | TemplateError::UnknownVariable { range, .. }
            | TemplateError::UnknownFilter { range, .. }
            | TemplateError::Missing { range, .. }
            | TemplateError::Broken { range, .. } => range.clone(),
            TemplateError::Foreign { range, .. } => Some(range.clone()),
            TemplateError::Blank | TemplateError::TooLong | TemplateError::Failed { .. } => None,
        }
    }

    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            TemplateError::UnknownVariable { name, .. } => {
                let near = meant(name).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                format!("{near}the variables are {}", super::VARIABLES.join(", "))
            }
            TemplateError::UnknownFilter { .. } => {
                "the filters are default('…') and date; there are no tests and no functions".to_owned()
            }
            TemplateError::Missing { detail, .. } => {
                let name = detail.trim_matches('`');
                format!("write {{{{ {name} | default('there') }}}}, with the word to use instead")
            }
            TemplateError::Foreign { .. } => {
                "write values as {{ rule }}, and choose between words with {% if … %}, {% elif … %}, {% else %} and {% endif %}".to_owned()
            }
            TemplateError::TooLong => "write a shorter text: of 64 KiB at most, and with its values 256 KiB".to_owned(),
            TemplateError::Blank => "add words that are always there".to_owned(),
            TemplateError::Syntax { .. } | TemplateError::Broken { .. } | TemplateError::Failed { .. } => {
                "write values as {{ contact.first_name | default('there') }}, everything else as plain text".to_owned()
            }
        }
    }

    /// A value that is missing is pointed at itself, not the whole expression around it.
    pub(super) fn pointing_into(mut self, template: &str) -> TemplateError {
        if let TemplateError::Missing { detail, range: Some(range) } = &mut self
            && let Some(around) = template.get(range.clone())
            && let Some(at) = super::variable(around, detail.trim_matches('`'))
        {
            *range = range.start + at..range.start + at + detail.trim_matches('`').len();
        }
        self
    }

    /// From rendering sample data, so that details may be shown.
    pub(super) fn from_check(error: &Error, template: &str) -> TemplateError {
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        // Of a text that breaks off, it may name a place behind the end.
        let range = error.range().filter(|range| template.get(range.clone()).is_some());
        match error.kind() {
            ErrorKind::SyntaxError | ErrorKind::BadEscape | ErrorKind::InvalidDelimiter => {
                TemplateError::Syntax { detail, range }
            }
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
                TemplateError::UnknownFilter { detail, range }
            }
            ErrorKind::UndefinedError => {
                let name = detail.strip_suffix(" is undefined").unwrap_or(&detail).to_owned();
                TemplateError::Missing { detail: name, range }
            }
            _ => TemplateError::Broken { detail, range },
        }
    }

    /// From rendering real data: the kind alone, as details may quote what a contact wrote.
    pub(super) fn from_render(error: &Error) -> TemplateError {
        TemplateError::Failed { kind: error.kind().to_string() }
    }
}
