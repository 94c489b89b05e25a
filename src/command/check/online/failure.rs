//! What does not answer or is refused, and which permission that is.
//!
//! Owns: the reads, the permission that each needs, and the words for every way to fail. Refuses: trying what would
//! change something; whether that is permitted shows with the first deed.

use std::error::Error;

use super::{Desk, ENVIRONMENT, Finding};
use crate::config::{Diagnostic, Mentioned};
use crate::engine::rule::Called;
use crate::intercom::{IntercomError, Refusal};

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Admins,
    Teams,
    Tags,
    Attributes,
    Conversations,
    Contacts,
}

impl Read {
    fn name(self) -> &'static str {
        match self {
            Read::Admins => "teammates",
            Read::Teams => "teams",
            Read::Tags => "tags",
            Read::Attributes => "attributes",
            Read::Conversations => "conversations",
            Read::Contacts => "contacts",
        }
    }

    /// As the Developer Hub calls it. That of attributes is not documented.
    fn permission(self) -> Option<&'static str> {
        match self {
            Read::Admins | Read::Teams => Some("Read admins"),
            Read::Tags => Some("Read tags"),
            Read::Conversations => Some("Read conversations"),
            Read::Contacts => Some("Read users and companies"),
            Read::Attributes => None,
        }
    }

    /// Whether the daemon does nothing without it.
    fn is_needed(self, desk: &Desk<'_>) -> bool {
        let needs =
            |is: fn(&Called) -> bool| desk.names(|what| matches!(what, Mentioned::Needed(called) if is(called)));
        match self {
            Read::Admins => needs(|called| matches!(called, Called::Teammate(_))),
            Read::Tags => needs(|called| matches!(called, Called::Tag(_))),
            Read::Teams | Read::Conversations => true,
            Read::Attributes | Read::Contacts => false,
        }
    }
}

/// What was read, each with what there is to say if it could not be.
pub(super) type Reads = Vec<(Read, Option<Finding>)>;

/// The permissions that the answers have shown.
pub(super) fn permissions(desk: &Desk<'_>, reads: &[(Read, Option<Finding>)]) -> Finding {
    let mut shown: Vec<&str> = Vec::new();
    for permission in reads.iter().filter(|(_, failed)| failed.is_none()).filter_map(|(read, _)| read.permission()) {
        if !shown.contains(&permission) {
            shown.push(permission);
        }
    }
    let tags = desk.names(|what| matches!(what, Mentioned::Attached(_)));
    let writes = if tags { "Write conversations, Write tags" } else { "Write conversations" };
    let shown = if shown.is_empty() { "none by reading".to_owned() } else { shown.join(", ") };
    Finding::ok("permissions", format!("{shown}; the first deed will show the others: {writes}"))
}

impl Desk<'_> {
    /// Intercom does not say whose token it is.
    pub(super) fn not_let_in(&self, error: &IntercomError) -> Finding {
        match error {
            IntercomError::AuthDead(refusal) => {
                let help = "copy the token again from Authentication in the Developer Hub into \
                    INTERCOM_ACCESS_TOKEN; it works in the workspace's own region alone, see [intercom] region";
                let message = format!("Intercom refuses the access token ({refusal})");
                Finding::wrong("token", Diagnostic::about(ENVIRONMENT, message, help))
            }
            IntercomError::Refused(refusal) if is_of_version(refusal) => {
                let message = format!(
                    "Intercom does not know version {} of its API ({refusal})",
                    self.config().intercom.api_version
                );
                let help = "write api_version = \"2.16\", or another version that Intercom documents";
                Finding::wrong("api_version", self.about("api_version", message, help))
            }
            IntercomError::Refused(refusal) | IntercomError::Gone(refusal) => {
                let message = format!("Intercom does not say whose the access token is ({refusal})");
                let help = "give the app the permission Read admins in the Developer Hub, and check the address under \
                    [intercom]";
                Finding::wrong("token", Diagnostic::about(ENVIRONMENT, message, help))
            }
            error => self.unanswered("intercom", error),
        }
    }

    /// One of the other reads failed.
    pub(super) fn not_read(&self, what: Read, error: &IntercomError) -> Finding {
        let (IntercomError::AuthDead(refusal) | IntercomError::Refused(refusal) | IntercomError::Gone(refusal)) = error
        else {
            return self.unanswered(what.name(), error);
        };
        let message = format!("Intercom does not show the {} ({refusal})", what.name());
        let help = match what.permission() {
            Some(permission) => {
                format!("give the app the permission {permission} in the Developer Hub, under Authentication")
            }
            None => "the rules work without; only whether they name and fill attributes rightly is not checked".into(),
        };
        let told = Diagnostic::about(ENVIRONMENT, message, help);
        if what.is_needed(self) { Finding::wrong("permissions", told) } else { Finding::doubt("permissions", told) }
    }

    fn unanswered(&self, check: &'static str, error: &IntercomError) -> Finding {
        let again = "try again in a few minutes";
        let (message, help) = match error {
            IntercomError::NotSent(why) => (
                format!("Intercom could not be reached at {} ({})", self.config().intercom.base_url, root(why)),
                "check the network, and the address under [intercom]",
            ),
            IntercomError::Lost(why) => (
                format!("Intercom's answer did not arrive whole ({})", root(why)),
                "try again; timeout under [intercom] says how long an answer is waited for",
            ),
            IntercomError::RateLimited { .. } => ("Intercom asks to slow down".to_owned(), again),
            IntercomError::Failed(refusal) => (format!("Intercom fails to answer at present ({refusal})"), again),
            _ => (
                "what answered makes no sense as Intercom's API".to_owned(),
                "check the address under [intercom]; if it is right, please report this",
            ),
        };
        Finding::unanswered(check, Diagnostic::about(ENVIRONMENT, message, help))
    }
}

fn is_of_version(refusal: &Refusal) -> bool {
    refusal.code.as_deref() == Some("intercom_version_invalid")
}

/// The first reason of all, which says the most.
fn root(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(reason) = root.source() {
        root = reason;
    }
    root.to_string()
}
