//! The week as it is written: who takes part, what people do and when, and what must have become of each in the end.
//!
//! Owns: the story and its promises. Refuses: making anything come true; the daemon does, and the promises are checked.

use crate::fake_intercom::{Admin, Contact, Named, Workspace};

/// A conversation of the week, called by the contact who begins it.
pub(super) struct Role {
    /// The contact's first name.
    pub(super) name: &'static str,
    /// What must have become of the conversation.
    pub(super) promise: Promise,
}

/// What must be true in the end. Everything is compared exactly.
pub(super) struct Promise {
    /// In a few words.
    pub(super) fate: &'static str,
    /// `open`, `snoozed` or `closed`.
    pub(super) state: &'static str,
    /// Every part that the daemon's teammate left, as "day, time kind".
    pub(super) deeds: &'static [&'static str],
    /// Every line of the journal, as "outcome step".
    pub(super) journal: &'static [&'static str],
    /// When a step was planned that a contact's reply then kept from being done.
    pub(super) spared: Option<&'static str>,
}

const NOTHING: Promise = Promise { fate: "", state: "open", deeds: &[], journal: &[], spared: None };

/// In the order in which they first write: the workspace takes its contacts in turn.
pub(super) const CAST: [Role; 7] = [
    Role { name: "Leo", promise: Promise { fate: "left alone: we owe the answer", ..NOTHING } },
    Role {
        name: "Kim",
        promise: Promise {
            fate: "closed after a snoozed week",
            state: "closed",
            deeds: &["Mon 9 Mar, 10:00 close"],
            journal: &["done close"],
            ..NOTHING
        },
    },
    Role {
        name: "Noor",
        promise: Promise {
            fate: "rescued by a reply an hour before its close",
            spared: Some("Mon 9 Mar, 11:00"),
            ..NOTHING
        },
    },
    Role {
        name: "Ada",
        promise: Promise {
            fate: "reminded, snoozed again, and closed two days later",
            state: "closed",
            deeds: &[
                "Sat 7 Mar, 12:00 comment",
                "Sat 7 Mar, 12:00 unsnoozed",
                "Sat 7 Mar, 12:00 snoozed",
                "Mon 9 Mar, 12:00 close",
            ],
            journal: &["done reply 1", "done reply 1", "done close"],
            ..NOTHING
        },
    },
    Role { name: "Mia", promise: Promise { fate: "left alone: a teammate holds it by a tag", ..NOTHING } },
    Role {
        name: "Ben",
        promise: Promise {
            fate: "wrote during its close, and was opened again at once",
            deeds: &["Thu 5 Mar, 15:00 close", "Thu 5 Mar, 15:00 open"],
            journal: &["raced close", "raced close"],
            ..NOTHING
        },
    },
    Role {
        name: "Zoe",
        promise: Promise {
            fate: "closed once, although the answer to the close was lost",
            state: "closed",
            deeds: &["Fri 6 Mar, 11:00 close"],
            journal: &["unclear close", "done close"],
            ..NOTHING
        },
    },
];

/// The teammate that the daemon acts as.
pub(super) const DAEMON: (&str, &str) = ("1009", "autoclosed");
const SAM: &str = "1001";
const ALEX: &str = "1002";

/// The workspace of the story.
pub(super) fn workspace() -> Workspace {
    let contact = |(number, role): (usize, &Role)| Contact {
        id: format!("65f0{number:020}"),
        role: "user".to_owned(),
        name: Some(role.name.to_owned()),
        email: Some(format!("{}@example.com", role.name.to_lowercase())),
    };
    let admin = |(id, name): (&str, &str)| Admin {
        id: id.to_owned(),
        name: name.to_owned(),
        email: format!("{}@example.com", name.to_lowercase()),
        has_inbox_seat: true,
    };
    Workspace {
        admins: [(SAM, "Sam"), (ALEX, "Alex"), DAEMON].map(admin).to_vec(),
        token_admin: DAEMON.0.to_owned(),
        contacts: CAST.iter().enumerate().map(contact).collect(),
        tags: vec![Named { id: "3001".to_owned(), name: "remind-first".to_owned() }],
        ..Workspace::default()
    }
}

/// Something that is done to the conversation of that name.
pub(super) struct Scene {
    /// When, in UTC.
    pub(super) at: &'static str,
    /// Whose conversation.
    pub(super) name: &'static str,
    /// What.
    pub(super) what: What,
}

/// What is done.
pub(super) enum What {
    /// The contact begins it.
    Asks(&'static str),
    /// The contact writes.
    Writes(&'static str),
    /// This teammate writes.
    Answers(&'static str, &'static str),
    /// This teammate snoozes it.
    Snoozes(&'static str, &'static str),
    /// This teammate tags it.
    Tags(&'static str, &'static str),
    /// The contact is going to write this while the next close is on its way.
    WillWriteDuringTheClose(&'static str),
    /// The answer to the next close is going to be lost.
    WillLoseTheAnswer,
    /// Somebody who does not know the client secret sends a notification about it.
    IsForged,
    /// Intercom sends its first notification about it again.
    IsRepeated,
}

/// When the daemon starts.
pub(super) const STARTS: &str = "2026-03-02T09:00:00Z";
/// When the story ends.
pub(super) const ENDS: &str = "2026-03-09T13:00:00Z";

/// What happens, in order.
#[rustfmt::skip]
pub(super) const SCENES: [Scene; 25] = [
    Scene { at: "2026-03-01T15:00:00Z", name: "Leo", what: What::Asks("The export stops at 90 %.") },
    Scene { at: "2026-03-01T16:00:00Z", name: "Leo", what: What::Answers(SAM, "Please try again, it should work now.") },
    Scene { at: "2026-03-02T08:30:00Z", name: "Leo", what: What::Writes("It still stops.") },
    Scene { at: "2026-03-02T09:10:00Z", name: "Kim", what: What::Asks("How do I export my data?") },
    Scene { at: "2026-03-02T09:20:00Z", name: "Noor", what: What::Asks("Can I move my plan to next month?") },
    Scene { at: "2026-03-02T09:30:00Z", name: "Ada", what: What::Asks("My invoice shows the old address.") },
    Scene { at: "2026-03-02T09:40:00Z", name: "Mia", what: What::Asks("We would like to move 400 seats.") },
    Scene { at: "2026-03-02T10:00:00Z", name: "Kim", what: What::Answers(SAM, "Under Settings, then Export.") },
    Scene { at: "2026-03-02T10:00:00Z", name: "Kim", what: What::Snoozes(SAM, "2026-03-09T09:00:00Z") },
    Scene { at: "2026-03-02T11:00:00Z", name: "Noor", what: What::Answers(SAM, "Yes. Shall we do that for you?") },
    Scene { at: "2026-03-02T11:00:00Z", name: "Noor", what: What::Snoozes(SAM, "2026-03-12T09:00:00Z") },
    Scene { at: "2026-03-02T12:00:00Z", name: "Ada", what: What::Answers(ALEX, "It is corrected. Does the new one look right?") },
    Scene { at: "2026-03-02T12:00:00Z", name: "Ada", what: What::Tags(ALEX, "remind-first") },
    Scene { at: "2026-03-02T12:00:00Z", name: "Ada", what: What::Snoozes(ALEX, "2026-03-16T09:00:00Z") },
    Scene { at: "2026-03-02T13:00:00Z", name: "Mia", what: What::Answers(SAM, "Gladly. We are working on an offer.") },
    Scene { at: "2026-03-02T13:00:00Z", name: "Mia", what: What::Tags(SAM, "autoclose-hold") },
    Scene { at: "2026-03-02T13:30:00Z", name: "Ben", what: What::Asks("Where can I change my password?") },
    Scene { at: "2026-03-02T15:00:00Z", name: "Ben", what: What::Answers(ALEX, "Under Profile, then Security.") },
    Scene { at: "2026-03-03T09:00:00Z", name: "Zoe", what: What::Asks("Do you have a dark theme?") },
    Scene { at: "2026-03-03T11:00:00Z", name: "Zoe", what: What::Answers(ALEX, "Yes: under Settings, then Display.") },
    Scene { at: "2026-03-04T10:00:00Z", name: "Noor", what: What::IsForged },
    Scene { at: "2026-03-04T14:00:00Z", name: "Kim", what: What::IsRepeated },
    Scene { at: "2026-03-05T14:55:00Z", name: "Ben", what: What::WillWriteDuringTheClose("Wait, I cannot find Security!") },
    Scene { at: "2026-03-06T10:55:00Z", name: "Zoe", what: What::WillLoseTheAnswer },
    Scene { at: "2026-03-09T10:00:00Z", name: "Noor", what: What::Writes("Yes please, from the 15th.") },
];
