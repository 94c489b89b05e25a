//! What rules name, what their steps are, and how long the hours were closed in which they act.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::engine::calendar::{Calendar, OpenRange};
use crate::engine::rule::{Act, Called, Labels, RuleName, Setting, StepKind};

const RULES: &str = r#"
[[rule]]
name = "all of it"
match.tags = ["vip", "made"]
match.all_tags = ["gold"]
match.not_tags = ["never"]
match.team = "Billing"
match.not_team = "Sales"
match.assignee = "7"
match.not_assignee = "8"
match.attribute.plan = "pro"
step = [
    { after = "1 day", do = "tag", tags = ["made"] },
    { after = "2 days", do = "untag", tags = ["old"] },
    { after = "3 days", do = "assign", team = "Support", teammate = "9" },
    { after = "4 days", do = "update", set = { size = "large" } },
    { after = "5 days", do = "reply", body = "Hello?" },
    { after = "6 days", do = "note", body = "Silent." },
    { after = "7 days", do = "close", body = "Bye." },
]
"#;

#[test]
fn whatever_only_the_workspace_knows_is_named_but_for_tags_that_need_not_exist() {
    let rules = rules(RULES);
    let teams = ["Billing", "Sales", "Support"].map(|name| Called::Team(name.into()));
    let teammates = ["7", "8", "9"].map(|name| Called::Teammate(name.into()));
    let tags = ["gold", "old", "vip"].map(|name| Called::Tag(name.into()));
    assert_eq!(rules.names(), teams.into_iter().chain(teammates).chain(tags).collect());
    assert_eq!(rules.attributes(), ["plan", "size"].map(str::to_owned).into());
    let texts: BTreeSet<&str> = rules.texts().into_iter().map(AsRef::as_ref).collect();
    assert_eq!(texts, ["Bye.", "Hello?", "Silent."].into());
    assert_eq!(rules.rules[0].name.as_str(), "all of it");
    assert_eq!(RuleName::from("quiet").as_str(), "quiet");
    assert_eq!(rules.rules[0].close().map(|step| step.id.kind), Some(StepKind::Close));
}

#[test]
fn rules_are_resolved_once_every_team_and_teammate_of_a_condition_has_an_id() {
    let all = |but: &'static str| {
        rules(RULES).with_ids(|called| match called {
            Called::Team(name) | Called::Teammate(name) => (name != but).then(|| "1".to_owned()),
            Called::Tag(_) => None,
        })
    };
    assert!(!rules(RULES).is_resolved());
    for (but, resolved) in
        [("nobody", true), ("Support", true), ("Billing", false), ("Sales", false), ("7", false), ("8", false)]
    {
        assert_eq!(all(but).is_resolved(), resolved, "all but {but}");
    }
}

#[test]
fn rules_ask_beyond_facts_in_which_an_attribute_of_theirs_was_not_asked_for() {
    let with = |attributes: &[&str]| Facts {
        attributes: attributes.iter().map(|name| ((*name).to_owned(), None)).collect(),
        ..Facts::default()
    };
    for (known, beyond) in [(&[][..], true), (&["size"], true), (&["plan"], false), (&["plan", "size"], false)] {
        assert_eq!(rules(RULES).asks_beyond(&with(known)), beyond, "{known:?}");
    }
}

#[test]
fn each_kind_of_step_is_of_some_sorts_and_of_no_others() {
    for (kind, writes, labels, wakes, changes_state) in [
        (StepKind::Reply, true, false, true, false),
        (StepKind::Note, true, false, true, false),
        (StepKind::Close, true, false, false, true),
        (StepKind::Snooze, false, false, false, true),
        (StepKind::Open, false, false, false, true),
        (StepKind::Assign, false, false, true, false),
        (StepKind::Tag, false, true, false, false),
        (StepKind::Untag, false, true, false, false),
        (StepKind::Update, false, true, false, false),
    ] {
        let is = (kind.writes(), kind.labels(), kind.wakes(), kind.changes_state());
        assert_eq!(is, (writes, labels, wakes, changes_state), "{}", kind.name());
    }
}

#[test]
fn a_step_has_its_text_its_labels_and_the_templates_of_both() {
    let (text, value): (Arc<str>, Arc<str>) = ("Bye.".into(), "{{ rule }}".into());
    let set = [("by".to_owned(), Setting::Template(value.clone()))].into();
    let labels = Labels { set, ..Labels::default() };
    assert!(Labels::default().is_empty() && !labels.is_empty());
    let close = Act::Close { body: Some(text.clone()), labels: labels.clone() };
    assert_eq!((close.body(), close.labels()), (Some(&text), Some(&labels)));
    assert_eq!(close.templates().collect::<Vec<_>>(), [&text, &value]);
    let note = Act::Note { body: text.clone() };
    assert_eq!((note.body(), note.labels(), note.templates().count()), (Some(&text), None, 1));
    assert_eq!((Act::Open.body(), Act::Open.labels(), Act::Open.templates().count()), (None, None, 0));
}

/// Monday is the 2nd.
#[test]
fn what_is_asked_is_how_long_it_was_closed_the_last_time() {
    let office = "[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n[[rule]]\nname = \"r\"\n\
        match_all = true\nact_only = \"office\"\nstep = [{ after = \"1 day\", do = \"close\", silent = true }]";
    let office = rules(office).rules.remove(0);
    let on = |day: i64, hour: i64| at((day - 2) * 86_400 + hour * 3_600);
    for (name, since, now, closed) in [
        ("within one day", on(2, 10), on(2, 17), 0),
        ("over a night", on(2, 10), on(3, 10), 15),
        ("until it opens", on(2, 10), on(3, 9), 15),
        ("while it is closed", on(2, 10), on(3, 8), 0),
        ("over two nights and a weekend", on(4, 10), on(9, 10), 63),
        ("from a night on", on(3, 0), on(3, 10), 9),
    ] {
        assert_eq!(office.closed_before(since, now), hours(closed), "{name}");
    }
    let at_any_time = Rule { act_only: None, ..office.clone() };
    assert_eq!(at_any_time.closed_before(on(2, 10), on(9, 10)), hours(0));
    let week = std::array::from_fn(|_| vec![OpenRange::new(0, 1_440).unwrap()]);
    let always = Calendar::new("always", jiff::tz::TimeZone::UTC, week, BTreeSet::new()).unwrap();
    let never_closed = Rule { act_only: Some(Arc::new(always)), ..office };
    assert_eq!(never_closed.closed_before(on(2, 10), on(9, 10)), hours(0));
}
