//! Where Intercom's descriptions are known to be wrong or silent, and what says so.

/// Misfits that are none.
#[derive(Debug)]
pub(super) struct Exception {
    /// In the name of the operation; empty for all.
    on: &'static str,
    /// The ends of the places in the body.
    at: &'static [&'static str],
    /// How the misfit begins.
    is: &'static str,
    /// The versions whose descriptions need it.
    versions: &'static [&'static str],
    /// Why it is none, and who says so.
    because: &'static str,
}

impl Exception {
    /// Which of the places it is, if it is one.
    pub(super) fn covers(&self, version: &str, operation: &str, at: &str, what: &str) -> Option<&'static str> {
        assert!(!self.because.is_empty());
        if !self.versions.contains(&version) || !operation.contains(self.on) || !what.starts_with(self.is) {
            return None;
        }
        let ends = |end: &str| at.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        self.at.iter().copied().find(|end| ends(end))
    }

    /// Each of the places, for each of the versions.
    pub(super) fn places(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let versions = self.versions;
        self.at.iter().flat_map(move |at| versions.iter().map(move |version| (*version, *at)))
    }
}

const UNDESCRIBED: &str = "is not described";
const BOTH: &[&str] = &["2.12", "2.16"];
const OLD: &[&str] = &["2.12"];
const NEW: &[&str] = &["2.16"];

pub(super) const OF_REQUESTS: &[Exception] = &[
    Exception {
        on: "/conversations/search",
        at: &["sort"],
        is: UNDESCRIBED,
        versions: BOTH,
        because: "issue 114 of the descriptions' repository: conversations can be sorted, the schema has been left behind",
    },
    Exception {
        on: "PUT /conversations/",
        at: &["custom_attributes.escalated", "custom_attributes.refund", "custom_attributes.orders"],
        is: "fits none of 4 choices",
        versions: BOTH,
        because: "attributes can be boolean, decimal or a relationship, which the schema has been left without",
    },
];

pub(super) const OF_ANSWERS: &[Exception] = &[
    Exception {
        on: "",
        at: &[
            "statistics.first_admin_reply_at",
            "statistics.first_assignment_at",
            "statistics.first_close_at",
            "statistics.first_contact_reply_at",
            "statistics.last_admin_reply_at",
            "statistics.last_assignment_admin_reply_at",
            "statistics.last_assignment_at",
            "statistics.last_close_at",
            "statistics.last_closed_by_id",
            "statistics.last_contact_reply_at",
            "statistics.median_time_to_reply",
            "statistics.time_to_admin_reply",
            "statistics.time_to_assignment",
            "statistics.time_to_first_close",
            "statistics.time_to_last_close",
        ],
        is: "is null",
        versions: BOTH,
        because: "what has not happened has no time; captured conversations have null there",
    },
    Exception { on: "", at: &["statistics.handling_time"], is: "is null", versions: NEW, because: "the same" },
    Exception {
        on: "",
        at: &["teammates.admins"],
        is: UNDESCRIBED,
        versions: BOTH,
        because: "captured conversations have `admins`, over REST and in notifications, where the schema has `teammates`",
    },
    Exception {
        on: "",
        at: &["ticket", "topics"],
        is: UNDESCRIBED,
        versions: BOTH,
        because: "the examples in the same description have them",
    },
    Exception {
        on: "/conversations/search",
        at: &["pages.next.page"],
        is: UNDESCRIBED,
        versions: BOTH,
        because: "captured lists have it; what counts is `starting_after` beside it",
    },
    Exception {
        on: "/data_attributes",
        at: &["data[].model"],
        is: "is a text, not of enum",
        versions: OLD,
        because: "the request of the same version can ask for attributes of conversations",
    },
    Exception {
        on: "",
        at: &["custom_attributes.escalated", "custom_attributes.refund"],
        is: "fits none of 4 choices",
        versions: NEW,
        because: "they can be set, see the requests",
    },
    Exception {
        on: "",
        at: &["custom_attributes"],
        is: UNDESCRIBED,
        versions: OLD,
        because: "the request of the same version sets them, and captured conversations have them",
    },
    Exception {
        on: "",
        at: &["statistics.handling_time", "statistics.assigned_team_first_response_time_in_office_hours"],
        is: UNDESCRIBED,
        versions: OLD,
        because: "the fake gives every version what the newest has, where that only adds to it",
    },
    Exception {
        on: "",
        at: &[
            "conversation_parts[].app_package_code",
            "conversation_parts[].author.from_ai_agent",
            "conversation_parts[].author.is_ai_answer",
            "conversation_parts[].email_message_metadata",
            "conversation_parts[].event_details",
            "conversation_parts[].metadata",
            "conversation_parts[].state",
            "conversation_parts[].tags",
        ],
        is: UNDESCRIBED,
        versions: OLD,
        because: "the same",
    },
    Exception {
        on: "",
        at: &["conversation_parts[].event_details"],
        is: "fits none of 6 choices",
        versions: NEW,
        because: "a snooze tells its end there in captured notifications; the schema knows attributes and actions only",
    },
];

pub(super) const OF_REFUSALS: &[Exception] = &[
    Exception {
        on: "",
        at: &["status"],
        is: "406 is not described",
        versions: BOTH,
        because: "the documentation's page of HTTP statuses: without an Accept header that asks for JSON, on any path",
    },
    Exception {
        on: "",
        at: &["status"],
        is: "429 is not described",
        versions: BOTH,
        because: "the documentation's page of rate limits: on any path",
    },
    Exception {
        on: "",
        at: &["status"],
        is: "400 is not described",
        versions: BOTH,
        because: "the page of HTTP statuses: parameters that are missing or wrong, and a version that is not known",
    },
    Exception {
        on: "GET /me",
        at: &["status"],
        is: "401 is not described",
        versions: BOTH,
        because: "the page of HTTP statuses: no token opens any path that is not its own",
    },
    Exception {
        on: "/conversations/search",
        at: &["status"],
        is: "401 is not described",
        versions: BOTH,
        because: "the same",
    },
    Exception {
        on: "GET /contacts/",
        at: &["status"],
        is: "404 is not described",
        versions: BOTH,
        because: "the page of HTTP statuses: what does not exist, on any path",
    },
    Exception {
        on: "/parts",
        at: &["status"],
        is: "500 is not described",
        versions: BOTH,
        because: "a snooze in milliseconds was seen to be answered so; the page of HTTP statuses has it on any path",
    },
];
