//! What steps come to.

use std::fmt::Write;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{good, parse, told};
use crate::engine::rule::{Act, Assignment, Labels, Named, Setting};

fn rule(steps: &str) -> String {
    format!("[[rule]]\nname = \"a\"\nmatch_all = true\nstep = [\n{steps}\n]")
}

#[test]
fn every_step_reaches_the_engine() {
    let hours = SignedDuration::from_hours;
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let named = |name: &str| Some(Named::new(name));
    let by = || [("by".to_owned(), Setting::Template("{{ rule }}".into()))].into();
    for (step, want) in [
        ("\"reply\", body = \"Hello?\"", Act::Reply { body: "Hello?".into() }),
        ("\"note\", body = \"Quiet for {{ quiet_for }}.\"", Act::Note { body: "Quiet for {{ quiet_for }}.".into() }),
        ("\"close\", body = \"Bye.\"", Act::Close { body: Some("Bye.".into()), labels: Labels::default() }),
        (
            "\"close\", silent = true, tags = \"auto-closed\", set.by = \"{{ rule }}\"",
            Act::Close { body: None, labels: Labels { tags: owned(&["auto-closed"]), set: by(), ..Labels::default() } },
        ),
        ("\"snooze\", for = \"3 days\"", Act::Snooze { length: hours(72) }),
        ("\"snooze\", for = \"2 weeks\"", Act::Snooze { length: hours(336) }),
        ("\"open\"", Act::Open),
        ("\"assign\", to = \"nobody\"", Act::Assign(Assignment::Nobody)),
        ("\"assign\", team = \"Support\"", Act::Assign(Assignment::To { team: named("Support"), teammate: None })),
        ("\"assign\", teammate = \"5784329\"", Act::Assign(Assignment::To { team: None, teammate: named("5784329") })),
        (
            "\"assign\", team = \"2nd level\", teammate = \"a@example.com\"",
            Act::Assign(Assignment::To { team: named("2nd level"), teammate: named("a@example.com") }),
        ),
        ("\"tag\", tags = \"a\"", Act::Label(Labels { tags: owned(&["a"]), ..Labels::default() })),
        ("\"tag\", tags = [\"a\", \"b c\"]", Act::Label(Labels { tags: owned(&["a", "b c"]), ..Labels::default() })),
        ("\"untag\", tags = \"a\"", Act::Label(Labels { untag: owned(&["a"]), ..Labels::default() })),
        ("\"update\", read = true", Act::Label(Labels { read: Some(true), ..Labels::default() })),
        ("\"update\", set.by = \"{{ rule }}\"", Act::Label(Labels { set: by(), ..Labels::default() })),
    ] {
        let config = good(&rule(&format!("{{ after = \"1 day\", do = {step} }}")));
        assert_eq!(config.rules.rules[0].steps[0].act, want, "{step}");
    }
}

#[test]
fn a_step_is_known_by_its_kind_and_its_place_among_those() {
    let kinds = [
        "\"note\", body = \"a\"",
        "\"tag\", tags = \"a\"",
        "\"reply\", body = \"b\"",
        "\"note\", body = \"c\"",
        "\"snooze\", for = \"1 day\"",
        "\"open\"",
        "\"open\"",
        "\"tag\", tags = \"b\"",
        "\"untag\", tags = \"a\"",
        "\"assign\", to = \"nobody\"",
        "\"update\", read = true",
        "\"reply\", body = \"d\"",
        "\"close\", silent = true",
    ];
    let steps = kinds.iter().enumerate().fold(String::new(), |mut steps, (index, kind)| {
        writeln!(steps, "{{ after = \"{} hours\", do = {kind} }},", index + 1).unwrap();
        steps
    });
    let config = good(&rule(&steps));
    let ids: Vec<String> = config.rules.rules[0].steps.iter().map(|step| step.id.to_string()).collect();
    insta::assert_snapshot!(
        ids.join(", "),
        @"note 1, tag 1, reply 1, note 2, snooze 1, open 1, open 2, tag 2, untag 1, assign 1, update 1, reply 2, close"
    );
}

#[test]
fn a_snooze_by_the_wall_clock_goes_with_a_rule_that_counts_by_a_calendar() {
    let text = "[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n[[rule]]\nname = \"a\"\n\
                match_all = true\nclock = \"office\"\n\
                step = [{ after = \"2 working days\", do = \"snooze\", for = \"3 days\" }]";
    assert_eq!(told(text), "");
}

#[test]
fn only_texts_that_contacts_see_have_channels() {
    let steps = "{ after = \"1 day\", do = \"note\", body = \"a\" },\n{ after = \"2 days\", do = \"reply\", body = \"b\" },\n\
                 { after = \"3 days\", do = \"close\", body = \"c\", channels = [\"email\"] }";
    let config = good(&rule(steps));
    let channels: Vec<_> = config.rules.rules[0].steps.iter().map(|step| step.channels.join(" ")).collect();
    assert_eq!(channels, ["", "conversation email", "email"]);
}

#[test]
fn a_rule_that_never_closes_is_fine() {
    assert_eq!(told(&rule("{ after = \"1 day\", do = \"assign\", to = \"nobody\" }")), "");
}

#[test]
fn a_step_that_holds_the_rest_of_its_own_rule_is_doubted() {
    let text = r#"
[safety]
hold_tags = ["hands-off", "wait"]
[[rule]]
name = "quiet"
match.state = "open"
step = [
    { after = "1 day", do = "tag", tags = ["asked", "wait"] },
    { after = "2 days", do = "untag", tags = "hands-off" },
    { after = "7 days", do = "close", silent = true, tags = "hands-off" },
]
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:53: warning: the tag "wait" holds the conversation, so no step after this one is done
      |
    7 |     { after = "1 day", do = "tag", tags = ["asked", "wait"] },
      |                                                     ^^^^^^
    help: attach it in the last step, or attach a tag that is not in hold_tags

    a.toml:8:46: warning: no rule touches a conversation with the tag "hands-off", so this step never takes it off
      |
    8 |     { after = "2 days", do = "untag", tags = "hands-off" },
      |                                              ^^^^^^^^^^^
    help: take the tag out of hold_tags under [safety], or use another one here
    "#);
}

#[test]
fn tags_that_a_rule_itself_rules_out_or_nothing_matches_are_fine() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
match.not_tags = "asked"
step = [
    { after = "1 day", do = "tag", tags = "asked" },
    { after = "2 days", do = "untag", tags = "never seen" },
    { after = "7 days", do = "close", silent = true },
]
"#;
    assert_eq!(told(text), "");
}

#[test]
fn a_promise_to_close_needs_a_close_in_notes_and_attributes_too() {
    let text = r#"
[[rule]]
name = "quiet"
match.state = "open"
[[rule.step]]
after = "1 day"
do = "note"
body = "Will close {{ closes_at | date }}."
[[rule.step]]
after = "2 days"
do = "update"
set.closing = "{{ closes_at | date }}"
"#;
    insta::assert_snapshot!(told(text), @r#"
    a.toml:7:23: `closes_at` in a rule that never closes
      |
    7 | body = "Will close {{ closes_at | date }}."
      |                       ^^^^^^^^^
    help: add a close to the rule, or do not promise one

    a.toml:11:19: `closes_at` in a rule that never closes
       |
    11 | set.closing = "{{ closes_at | date }}"
       |                   ^^^^^^^^^
    help: add a close to the rule, or do not promise one
    "#);
    let closes = format!("{text}[[rule.step]]\nafter = \"7 days\"\ndo = \"close\"\nsilent = true\n");
    assert_eq!(told(&closes), "");
}

/// Arguments with good and bad values.
const PIECES: [&str; 22] = [
    "body = \"Hello?\"",
    "body = \" \"",
    "body = \"{{ closes_at | date }}\"",
    "silent = true",
    "silent = false",
    "channels = \"email\"",
    "for = \"3 days\"",
    "for = \"3 working days\"",
    "team = \"Support\"",
    "team = 5",
    "teammate = \"a@example.com\"",
    "teammate = \"a\"",
    "to = \"nobody\"",
    "to = \"Support\"",
    "tags = \"a\"",
    "tags = []",
    "set.a = 1",
    "set = {}",
    "set.a = 2026-01-01",
    "read = true",
    "read = 1",
    "matches = 1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A step that was refused without a word would be left out of the ladder, and the next one done in its place.
    #[test]
    fn no_step_is_left_out_without_a_word(
        kinds in proptest::collection::vec((0..10_usize, proptest::sample::subsequence(&PIECES[..], 0..4)), 1..4)
    ) {
        let names = ["reply", "note", "close", "snooze", "open", "assign", "tag", "untag", "update", "oops"];
        let steps = kinds.iter().enumerate().map(|(index, (kind, pieces))| {
            let head = [format!("after = \"{} days\"", index + 1), format!("do = \"{}\"", names[*kind])];
            let all = head.iter().map(String::as_str).chain(pieces.iter().copied()).collect::<Vec<_>>();
            format!("{{ {} }}", all.join(", "))
        });
        let text = rule(&steps.collect::<Vec<_>>().join(",\n"));
        if let Ok(loaded) = parse("a.toml", text.as_bytes()) {
            prop_assert_eq!(loaded.config.rules.rules[0].steps.len(), kinds.len(), "{}", text);
        }
    }
}
