//! What the operators of the simulated worlds have configured, and what of it the laws must know: written a second
//! time by hand, so that a misreading of the rules cannot excuse itself.

use super::world::World;

/// One rule, as far as the laws need it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// The states in which it may begin.
    pub(crate) states: &'static [&'static str],
    /// The contact may be the one who waits.
    pub(crate) anyone: bool,
    /// Its timer counts from the last person who spoke, and from a bot too if `bot`.
    pub(crate) exact: bool,
    pub(crate) bot: bool,
    /// It acts in opening hours only.
    pub(crate) office: bool,
    /// Its steps with their hours.
    pub(crate) steps: &'static [(&'static str, i64)],
}

/// What most rules are.
pub(crate) const PLAIN: Spec =
    Spec { name: "", states: &["open", "snoozed"], anyone: false, exact: true, bot: false, office: false, steps: &[] };

/// A configuration.
pub(crate) struct Plan {
    pub(crate) rules: &'static str,
    pub(crate) specs: &'static [Spec],
    /// A conversation that a teammate spoke in last is closed at last, whatever else.
    pub(crate) closes_all: bool,
}

impl Plan {
    pub(crate) fn spec(&self, rule: &str) -> Option<&'static Spec> {
        self.specs.iter().find(|spec| spec.name == rule.trim_end_matches(" again"))
    }

    /// The hours after which all its steps are done.
    pub(crate) fn longest(&self) -> i64 {
        self.specs.iter().flat_map(|spec| spec.steps).map(|(_, hours)| *hours).max().unwrap_or(0)
    }
}

const PEOPLE: &str = r#"counts_from = ["contact_reply", "teammate_reply"]"#;

pub(crate) const PLANS: [Plan; 7] = [
    Plan {
        rules: r#"
[[rule]]
name = "quiet"
match_all = true
PEOPLE
step = [{ after = "1 day", do = "close", body = "[quiet] Closing this." }]
"#,
        specs: &[Spec { name: "quiet", steps: &[("close", 24)], ..PLAIN }],
        closes_all: true,
    },
    Plan {
        rules: r#"
[[rule]]
name = "ladder"
match_all = true
PEOPLE
[[rule.step]]
after = "1 day"
do = "reply"
body = "[first] Hello {{ contact.first_name | default('there') }}."
[[rule.step]]
after = "2 days"
do = "reply"
body = "[second] {% if rule %}Still there?{% endif %}"
[[rule.step]]
after = "3 days"
do = "close"
body = "[ladder] Closing this."
tags = ["auto-closed"]
set.auto_closed_by = "{{ rule }}"
"#,
        specs: &[Spec { name: "ladder", steps: &[("reply 1", 24), ("reply 2", 48), ("close", 72)], ..PLAIN }],
        closes_all: true,
    },
    Plan {
        rules: r#"
[[rule]]
name = "snoozed"
match.state = ["snoozed", "woken"]
PEOPLE
step = [
    { after = "20 hours", do = "reply", body = "[snoozed] {% if rule %}Did that solve it?{% endif %}" },
    { after = "44 hours", do = "close", body = "[over] {% if rule %}Closing this.{% endif %}" },
]
"#,
        specs: &[Spec { name: "snoozed", steps: &[("reply 1", 20), ("close", 44)], ..PLAIN }],
        closes_all: false,
    },
    Plan {
        rules: r#"
[[rule]]
name = "bot"
match.state = ["open"]
match.last_speaker = ["bot"]
match.waiting_on = "anyone"
match.unassigned = true
counts_from = ["contact_reply", "teammate_reply", "bot_reply"]
step = [{ after = "1 day", do = "close", silent = true }]
[[rule]]
name = "rest"
match_all = true
PEOPLE
step = [
    { after = "20 hours", do = "reply", body = "[rest] {% if rule %}Still there?{% endif %}" },
    { after = "30 hours", do = "close", body = "[rested] Closing this." },
]
"#,
        specs: &[
            Spec { name: "bot", states: &["open"], anyone: true, bot: true, steps: &[("close", 24)], ..PLAIN },
            Spec { name: "rest", steps: &[("reply 1", 20), ("close", 30)], ..PLAIN },
        ],
        closes_all: false,
    },
    Plan {
        rules: r#"
[[rule]]
name = "deeds"
match_all = true
PEOPLE
step = [
    { after = "6 hours", do = "note", body = "[note] Quiet." },
    { after = "12 hours", do = "assign", team = "Support", teammate = "1001" },
    { after = "18 hours", do = "tag", tags = ["quiet", "vip"] },
    { after = "24 hours", do = "snooze", for = "3 hours" },
    { after = "30 hours", do = "update", set = { order_number = 7 }, read = true },
    { after = "36 hours", do = "open" },
    { after = "42 hours", do = "untag", tags = ["quiet"] },
    { after = "48 hours", do = "close", body = "[deeds] Closing this.", tags = ["a", "b"] },
]
"#,
        specs: &[Spec {
            name: "deeds",
            steps: &[
                ("note 1", 6),
                ("assign 1", 12),
                ("tag 1", 18),
                ("snooze 1", 24),
                ("update 1", 30),
                ("open 1", 36),
                ("untag 1", 42),
                ("close", 48),
            ],
            ..PLAIN
        }],
        closes_all: true,
    },
    Plan {
        rules: r#"
[[calendar]]
name = "office"
hours = { mon-fri = ["09:00-18:00"] }
[[rule]]
name = "vip"
match.tags = ["vip"]
leave = true
[[rule]]
name = "office"
match_all = true
act_only = "office"
PEOPLE
step = [
    { after = "20 hours", do = "reply", body = "[office] Still there?" },
    { after = "44 hours", do = "close", body = "[shut] Closing this." },
]
"#,
        specs: &[Spec { name: "office", office: true, steps: &[("reply 1", 20), ("close", 44)], ..PLAIN }],
        closes_all: false,
    },
    Plan {
        rules: r#"
[[rule]]
name = "vip"
match.tags = ["vip"]
step = [
    { after = "10 hours", do = "reply", body = "[vip] May we help?" },
    { after = "40 hours", do = "close", silent = true },
]
[[rule]]
name = "rest"
match_all = true
step = [
    { after = "12 hours", do = "reply", body = "[plain] Still there?" },
    { after = "30 hours", do = "close", body = "[bye] Closing this." },
]
"#,
        specs: &[
            Spec { name: "vip", exact: false, steps: &[("reply 1", 10), ("close", 40)], ..PLAIN },
            Spec { name: "rest", exact: false, steps: &[("reply 1", 12), ("close", 30)], ..PLAIN },
        ],
        closes_all: false,
    },
];

/// Every text that may go out to a contact, by what it begins with, and the rule that says it.
pub(crate) const TEXTS: [(&str, &str); 14] = [
    ("[quiet]", "quiet"),
    ("[first]", "ladder"),
    ("[second]", "ladder"),
    ("[ladder]", "ladder"),
    ("[snoozed]", "snoozed"),
    ("[over]", "snoozed"),
    ("[rest]", "rest"),
    ("[rested]", "rest"),
    ("[deeds]", "deeds"),
    ("[office]", "office"),
    ("[shut]", "office"),
    ("[vip]", "vip"),
    ("[plain]", "rest"),
    ("[bye]", "rest"),
];

/// The closes of an hour, and the messages.
pub(crate) const BUDGETS: (usize, usize) = (3, 4);

/// The file that the daemon reads.
pub(crate) fn file(world: &World) -> String {
    let mut rules = world.plan.rules.replace("PEOPLE", PEOPLE);
    if world.again {
        for spec in world.plan.specs {
            let name = |name: &str| format!("name = \"{name}\"\nmatch");
            rules = rules.replace(&name(spec.name), &name(&format!("{} again", spec.name)));
        }
    }
    let mode = if world.dry_run { "dry-run" } else { "live" };
    let (closes, messages) = if world.generous { (100_000, 100_000) } else { BUDGETS };
    let actions = if world.generous { 100_000 } else { 30 };
    format!(
        "mode = \"{mode}\"\n[intercom]\nbase_url = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"sqlite:{}\"\n\
         [safety]\nmax_closes_per_hour = {closes}\nmax_messages_per_hour = {messages}\n\
         max_actions_per_sweep = {actions}\n{rules}",
        world.fake.url(),
        world.database().display()
    )
}
