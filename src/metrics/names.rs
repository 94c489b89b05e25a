//! Every metric: its name, its kind, its labels and what it tells.
//!
//! Owns: what dashboards rely on; renaming is not allowed, adding is. Refuses: labels whose values are not few: no ids of
//! conversations, nobody's words. A rule's name is the operator's own.

/// What the figures of a metric do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, from 0 at each start.
    Counter,
    /// They go up and down.
    Gauge,
    /// They count by size.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its whole name, unit and all.
    pub name: &'static str,
    /// What its figures do.
    pub kind: Kind,
    /// The labels of each figure.
    pub labels: &'static [&'static str],
    /// What it tells; no full stop at the end.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels, help }
}

pub(super) const BUILD: Family = gauge("autoclosed_build_info", &["version"], "Always 1; the version is in the label");
pub(super) const HEALTH: Family =
    gauge("autoclosed_health", &["check"], "1 for each check of the health report that is well, 0 for one that is not");
pub(super) const LIVE: Family =
    gauge("autoclosed_live", &[], "1 in live mode, 0 in dry-run, by the rules that are in force");
pub(super) const PAUSED: Family =
    gauge("autoclosed_paused", &[], "1 while an operator has paused everything, 0 otherwise");
pub(super) const STANDS_BY: Family = gauge(
    "autoclosed_standing_by",
    &[],
    "1 while another autoclosed acts on this database and this one only records, 0 otherwise",
);
pub(super) const NOTIFICATIONS: Family =
    counter("autoclosed_notifications_total", &["result"], "Notifications received, by what became of them");
pub(super) const TOPICS: Family = counter(
    "autoclosed_notifications_by_topic_total",
    &["topic", "result"],
    "The same notifications by topic as well; a topic that is not documented counts as other",
);
pub(super) const REQUESTS: Family = counter(
    "autoclosed_webhook_requests_total",
    &["status"],
    "Requests that brought a notification, by the HTTP status they were answered with",
);
pub(super) const ACKNOWLEDGED: Family = histogram(
    "autoclosed_webhook_acknowledgement_seconds",
    &[],
    "Time from a signed notification's arrival to its answer, 200 or 503; Intercom wants it within half a second",
);
pub(super) const MISSED: Family =
    counter("autoclosed_missed_notifications_total", &[], "Changes found in Intercom that no notification had told");
pub(super) const REORDERED: Family = counter(
    "autoclosed_reordered_notifications_total",
    &[],
    "Notifications that arrived after something newer was known of their conversation; no fault, as order does not matter",
);
pub(super) const WAITING: Family = gauge(
    "autoclosed_notifications_waiting",
    &[],
    "Signed notifications that wait to be written down; beyond 4096 they are answered 503",
);
pub(super) const ACTIONS: Family = gauge(
    "autoclosed_actions",
    &["rule", "outcome"],
    "Steps that were taken up, each counted once for its period, by their present outcome",
);
pub(super) const DUE: Family = gauge(
    "autoclosed_due",
    &[],
    "Steps that were taken up as due: those done, raced, left, deferred, failed and unclear together; dry_run is none of them",
);
pub(super) const ENDED: Family =
    counter("autoclosed_actions_total", &["rule", "outcome"], "Steps that are over for good, by how they ended");
pub(super) const BACKLOG: Family = gauge("autoclosed_backlog", &[], "Steps that wait for an operator");
pub(super) const SENT: Family =
    gauge("autoclosed_sent_last_hour", &["kind"], "Closes and messages that left in the last hour");
pub(super) const HOURLY: Family =
    gauge("autoclosed_hourly_limit", &["kind"], "How many closes and messages may leave in any hour");
pub(super) const CALLS: Family = counter(
    "autoclosed_api_requests_total",
    &["endpoint", "status"],
    "Requests to Intercom by the HTTP status of the answer; not_sent and lost had none, unusable made no sense",
);
pub(super) const RATE_LIMIT: Family = gauge(
    "autoclosed_api_rate_limit",
    &[],
    "Requests in ten seconds that Intercom allows, as it said last; our own cap may be lower",
);
pub(super) const RATE_REMAINING: Family = gauge(
    "autoclosed_api_rate_limit_remaining",
    &[],
    "Requests left in Intercom's window when it last said so; other apps of the workspace use it too",
);
pub(super) const TROUBLE: Family = gauge(
    "autoclosed_api_in_trouble",
    &[],
    "1 while so many calls to Intercom fail that only one is sent now and then, 0 otherwise",
);
pub(super) const WAITED: Family =
    counter("autoclosed_api_wait_seconds_total", &[], "Time that requests to Intercom have waited for their turn");
pub(super) const JOBS: Family = histogram(
    "autoclosed_job_duration_seconds",
    &["job"],
    "Time that sweeps and looks at the workspace took, failed ones included",
);
pub(super) const SUCCEEDED: Family = gauge(
    "autoclosed_job_last_success_timestamp_seconds",
    &["job"],
    "When a sweep or a look at the workspace last ended well since the start, in seconds since 1970",
);
pub(super) const SKIPPED: Family =
    counter("autoclosed_sweeps_skipped_total", &[], "Sweeps that were not begun because the one before still ran");
pub(super) const DATABASE: Family =
    gauge("autoclosed_database_size_bytes", &[], "Size of the database without its write-ahead log");
pub(super) const LOG: Family =
    gauge("autoclosed_database_log_size_bytes", &[], "Size of the write-ahead log beside the database");
pub(super) const FREE: Family =
    gauge("autoclosed_database_free_bytes", &[], "Room left for the daemon on the disk of the database");

/// All of them, in the order in which they are told.
pub const ALL: [Family; 29] = [
    BUILD,
    HEALTH,
    LIVE,
    PAUSED,
    STANDS_BY,
    NOTIFICATIONS,
    TOPICS,
    REQUESTS,
    ACKNOWLEDGED,
    MISSED,
    REORDERED,
    WAITING,
    ACTIONS,
    DUE,
    ENDED,
    BACKLOG,
    SENT,
    HOURLY,
    CALLS,
    RATE_LIMIT,
    RATE_REMAINING,
    TROUBLE,
    WAITED,
    JOBS,
    SUCCEEDED,
    SKIPPED,
    DATABASE,
    LOG,
    FREE,
];
