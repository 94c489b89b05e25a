//! Conditions on what a conversation is, in three values: yes, no and why, or not known without reading.

use super::*;

type Change = fn(&mut Sighting, &mut Facts);

/// A conversation in which the contact asked and a teammate answered, changed as told.
fn fits(condition: &str, change: Change) -> String {
    let rule = format!(
        "[[rule]]\nname = \"r\"\n{condition}\nstep = [{{ after = \"9 days\", do = \"close\", silent = true }}]"
    );
    let rules = RuleSet { hold_tags: Vec::new(), ..rules(&rule) };
    let mut facts = Facts { state: Some(State::Open), tags: Some(Vec::new()), ..Facts::default() };
    let mut seen = Sighting { created_at: Some(at(0)), ..Sighting::of(id()) };
    seen.parts.push(part(1, at(1), Actor::Contact, &[Class::ContactReply]));
    seen.parts.push(part(2, at(2), Actor::Teammate, &[Class::TeammateReply]));
    change(&mut seen, &mut facts);
    seen.snapshot = Some(Snapshot { facts, ..fetched(at(0), State::Open, &[]) });
    let conversation = Conversation::unread(id()).after(&seen, Some(ADMIN));
    match decide(&conversation, &History::default(), &rules, at(100)).why() {
        Why::Quiet { .. } => "yes".to_owned(),
        Why::NotRead => "unknown".to_owned(),
        Why::NoRuleFits(reasons) => reasons[0].1.to_string(),
        Why::UntilItWakes(why) => match why.as_ref() {
            Why::NoRuleFits(reasons) => reasons[0].1.to_string(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

fn tags(facts: &mut Facts, names: &[&str]) {
    let tag = |name: &&str| conversation::Tag { id: (*name).into(), name: (*name).into() };
    facts.tags = Some(names.iter().map(tag).collect());
}

fn later(seen: &mut Sighting, second: i64, actor: Actor, class: Class) {
    let number = u64::try_from(second).unwrap();
    seen.parts.push(part(number, at(second), actor, &[class]));
}

#[test]
fn every_condition_on_facts_holds_or_not_or_is_unknown() {
    let table: &[(&str, Change, &str)] = &[
        ("match.all_tags = [\"a\", \"b\"]", |_, facts| tags(facts, &["a", "b", "c"]), "yes"),
        ("match.all_tags = [\"a\", \"b\"]", |_, facts| tags(facts, &["a"]), "it does not have all of the tags"),
        ("match.all_tags = [\"a\"]", |_, facts| facts.tags = None, "unknown"),
        ("match.unassigned = true", |_, f| (f.admin_assignee_id, f.team_assignee_id) = (Some(None), Some(None)), "yes"),
        ("match.unassigned = true", |_, f| f.team_assignee_id = Some(Some("7".into())), "it is assigned"),
        ("match.unassigned = true", |_, f| f.admin_assignee_id = Some(None), "unknown"),
        ("match.unassigned = false", |_, f| f.admin_assignee_id = Some(Some("7".into())), "yes"),
        (
            "match.unassigned = false",
            |_, f| (f.admin_assignee_id, f.team_assignee_id) = (Some(None), Some(None)),
            "it is not assigned",
        ),
        ("match.priority = \"high\"", |_, f| f.priority = Some("high".into()), "yes"),
        ("match.priority = [\"high\", \"urgent\"]", |_, f| f.priority = Some("none".into()), "its priority is none"),
        ("match.priority = \"high\"", |_, _| {}, "unknown"),
        ("match.channel = \"email\"", |seen, _| seen.channel = Some("email".into()), "yes"),
        ("match.channel = \"email\"", |seen, _| seen.channel = Some("sms".into()), "its channel is sms"),
        ("match.channel = \"email\"", |_, _| {}, "unknown"),
        ("match.channel = \"email\"", |seen, _| seen.whole = true, "its channel is not told"),
        ("match.delivered_as = \"automated\"", |seen, _| seen.delivered_as = Some("automated".into()), "yes"),
        (
            "match.delivered_as = \"automated\"",
            |seen, _| seen.delivered_as = Some("customer_initiated".into()),
            "its beginning is customer_initiated",
        ),
        ("match.ai_resolution = \"escalated\"", |_, f| f.ai_resolution = Some(Some("escalated".into())), "yes"),
        ("match.ai_resolution = \"escalated\"", |_, f| f.ai_resolution = Some(None), "its AI resolution is none"),
        ("match.ai_resolution = \"escalated\"", |_, _| {}, "unknown"),
        ("match.not_ai_resolution = \"escalated\"", |_, f| f.ai_resolution = Some(None), "yes"),
        ("match.not_ai_resolution = \"escalated\"", |_, f| f.ai_resolution = Some(Some("abandoned".into())), "yes"),
        (
            "match.not_ai_resolution = \"escalated\"",
            |_, f| f.ai_resolution = Some(Some("escalated".into())),
            "its AI resolution is escalated",
        ),
        ("match.not_ai_resolution = \"escalated\"", |_, _| {}, "unknown"),
        ("match.rated = true", |seen, _| later(seen, 3, Actor::Contact, Class::Rated), "yes"),
        ("match.rated = false", |seen, _| later(seen, 3, Actor::Contact, Class::Rated), "it is rated"),
        ("match.rated = false", |_, _| {}, "unknown"),
        ("match.rated = false", |seen, _| seen.whole = true, "yes"),
        ("match.rated = true", |seen, _| seen.whole = true, "it is not rated"),
        ("match.created_after = 2020-01-01", |_, _| {}, "yes"),
        ("match.created_before = 2020-01-01", |_, _| {}, "it began at another time"),
        ("match.created_after = 2020-01-01", |seen, _| seen.created_at = None, "unknown"),
        ("match.last_speaker = \"teammate\"", |_, _| {}, "yes"),
        (
            "match.last_speaker = \"teammate\"",
            |seen, _| later(seen, 3, Actor::Bot, Class::BotReply),
            "a bot spoke last",
        ),
        ("match.last_speaker = \"contact\"\nmatch.waiting_on = \"anyone\"", |_, _| {}, "a teammate spoke last"),
        (
            "match.last_speaker = \"bot\"\nmatch.waiting_on = \"anyone\"",
            |seen, _| later(seen, 3, Actor::Bot, Class::BotReply),
            "yes",
        ),
        (
            "match.last_speaker = \"bot\"\nmatch.waiting_on = \"anyone\"",
            |seen, _| {
                later(seen, 3, Actor::Bot, Class::BotReply);
                later(seen, 4, Actor::Bot, Class::Assigned);
            },
            "the bot has handed it over",
        ),
        (
            "match.last_speaker = \"bot\"\nmatch.waiting_on = \"anyone\"",
            |seen, _| {
                later(seen, 4, Actor::Bot, Class::BotReply);
                later(seen, 3, Actor::Bot, Class::Assigned);
            },
            "yes",
        ),
        ("match.snooze_at_most = \"1 hour\"", |_, _| {}, "yes"),
        (
            "match.snooze_at_most = \"1 hour\"",
            |seen, facts| {
                later(seen, 3, Actor::Teammate, Class::Snoozed);
                facts.state = Some(State::Snoozed { until: Some(at(3_603)) });
            },
            "yes",
        ),
        (
            "match.snooze_at_most = \"1 hour\"",
            |seen, facts| {
                later(seen, 3, Actor::Teammate, Class::Snoozed);
                facts.state = Some(State::Snoozed { until: Some(at(3_604)) });
            },
            "it is snoozed for longer",
        ),
        (
            "match.snooze_at_most = \"1 hour\"",
            |_, facts| facts.state = Some(State::Snoozed { until: Some(at(3_600)) }),
            "unknown",
        ),
    ];
    for (condition, change, want) in table {
        assert_eq!(fits(condition, *change), *want, "{condition}");
    }
}

#[test]
fn a_condition_ends_where_it_says() {
    let table: &[(&str, Change, &str)] = &[
        ("match.created_after = 2026-03-02", |_, _| {}, "yes"),
        ("match.created_before = 2026-03-02", |_, _| {}, "it began at another time"),
        ("match.created_before = 2026-03-03", |_, _| {}, "yes"),
        (
            "match.attribute.plan = \"gold\"",
            |_, f| drop(f.attributes.insert("plan".into(), Some(AttributeValue::Text("tin".into())))),
            "its attribute `plan` is another one",
        ),
        (
            "match.ai_resolution = \"escalated\"",
            |_, f| f.ai_resolution = Some(Some("abandoned".into())),
            "its AI resolution is abandoned",
        ),
        (
            "match.last_speaker = \"contact\"\nmatch.waiting_on = \"anyone\"\nmatch.contact_replied = \"any\"",
            |seen, _| {
                seen.parts.clear();
                seen.whole = true;
            },
            "no person has spoken",
        ),
        (
            "match.last_speaker = \"bot\"\nmatch.waiting_on = \"anyone\"",
            |seen, _| {
                later(seen, 3, Actor::Bot, Class::BotReply);
                seen.parts[2].classes.insert(Class::Assigned);
            },
            "yes",
        ),
        (
            "match.snooze_at_most = \"1 hour\"",
            |seen, facts| {
                facts.state = Some(State::Snoozed { until: None });
                seen.whole = true;
            },
            "it is snoozed for longer",
        ),
    ];
    for (condition, change, want) in table {
        assert_eq!(fits(condition, *change), *want, "{condition}");
    }
}

/// Only the id of team A is known: whoever is of it is A's, and nobody else is known not to be of the other one.
#[test]
fn a_team_whose_id_is_not_known_matters_only_where_it_could_make_a_difference() {
    let decided = |condition: &str, team: &str| {
        let text = format!(
            "[[rule]]\nname = \"r\"\n{condition}\nstep = [{{ after = \"9 days\", do = \"close\", silent = true }}]"
        );
        let rules = rules(&text).with_ids(|called| (*called == rule::Called::Team("A".into())).then(|| "5".into()));
        let mut snapshot = fetched(at(0), State::Open, &[]);
        snapshot.facts.team_assignee_id = Some(Some(team.into()));
        let parts = vec![
            part(1, at(1), Actor::Contact, &[Class::ContactReply]),
            part(2, at(2), Actor::Teammate, &[Class::TeammateReply]),
        ];
        let seen = Sighting { parts, snapshot: Some(snapshot), ..Sighting::of(id()) };
        decide(&Conversation::unread(id()).after(&seen, Some(ADMIN)), &History::default(), &rules, at(9))
    };
    let (one_of_two, but_not) = ("match.team = [\"A\", \"B\"]", "match.team = \"A\"\nmatch.not_team = \"B\"");
    for (condition, team, want) in [
        (one_of_two, "5", "9 days without a word"),
        (one_of_two, "6", "not read yet"),
        (but_not, "5", "not read yet"),
        (but_not, "6", "no rule fits: `r`: it is assigned to another team"),
    ] {
        let why = decided(condition, team).why().to_string();
        assert!(why.starts_with(want), "{condition}, of {team}: {why}");
    }
}

/// Monday to Friday, nine to six, in Dublin; closed on Tuesday the 3rd.
const OFFICE: &str = "[[calendar]]\nname = \"office\"\ntimezone = \"Europe/Dublin\"\nhours = { mon-fri = \"09:00-18:00\" }\nholidays = [2026-03-03]\n";

/// When the close is due after a teammate's answer then, and if asked at `asked`, what is said.
fn close_after(rule: &str, answered: &str, asked: &str) -> String {
    let text = format!("{OFFICE}[[rule]]\nname = \"r\"\nmatch_all = true\n{rule}");
    let answered: Timestamp = answered.parse().unwrap();
    let mut seen = Sighting { whole: true, channel: Some("conversation".into()), ..Sighting::of(id()) };
    seen.parts.push(part(1, answered - SignedDuration::from_mins(9), Actor::Contact, &[Class::ContactReply]));
    seen.parts.push(part(2, answered, Actor::Teammate, &[Class::TeammateReply]));
    seen.snapshot = Some(fetched(answered, State::Open, &[]));
    let conversation = Conversation::unread(id()).after(&seen, Some(ADMIN));
    match decide(&conversation, &History::default(), &rules(&text), asked.parse().unwrap()) {
        Decision::Wait { until, why, .. } => {
            format!("wait until {until}{}", if matches!(why, Why::OutsideHours) { ", outside hours" } else { "" })
        }
        Decision::Act { due_at, .. } => format!("act, due {due_at}"),
        Decision::Leave { why } => why.to_string(),
    }
}

#[test]
fn a_clock_counts_opening_hours_only_and_act_only_waits_for_them() {
    let hours = "clock = \"office\"\nstep = [{ after = \"10 hours\", do = \"close\", silent = true }]";
    let days = "clock = \"office\"\nstep = [{ after = \"2 working days\", do = \"close\", silent = true }]";
    let only = "act_only = \"office\"\nstep = [{ after = \"1 day\", do = \"close\", silent = true }]";
    for (rule, answered, asked, want) in [
        // Friday 17:00: an hour on Friday, nine on Monday, none on the holiday.
        (hours, "2026-02-27T17:00:00Z", "2026-02-27T17:00:00Z", "wait until 2026-03-02T18:00:00Z"),
        (hours, "2026-02-27T17:00:00Z", "2026-03-02T17:59:59Z", "wait until 2026-03-02T18:00:00Z"),
        (hours, "2026-02-27T17:00:00Z", "2026-03-02T18:00:00Z", "act, due 2026-03-02T18:00:00Z"),
        // Two working days from Friday 17:30 are Monday and, past the holiday, Wednesday.
        (days, "2026-02-27T17:30:00Z", "2026-02-27T17:30:00Z", "wait until 2026-03-04T17:30:00Z"),
        // From outside the hours on, it counts from the next opening.
        (days, "2026-02-28T12:00:00Z", "2026-02-28T12:00:00Z", "wait until 2026-03-05T09:00:00Z"),
        // A day after Friday 20:00 is Saturday; the rule may act on Monday.
        (only, "2026-02-27T20:00:00Z", "2026-02-27T20:00:00Z", "wait until 2026-03-02T09:00:00Z"),
        (only, "2026-02-27T20:00:00Z", "2026-03-02T09:00:00Z", "act, due 2026-03-02T09:00:00Z"),
        // Late for some reason, and it is evening by now: tomorrow is the holiday.
        (only, "2026-02-27T20:00:00Z", "2026-03-02T20:00:00Z", "wait until 2026-03-04T09:00:00Z, outside hours"),
        // Summer time begins on the 29th: the hours follow the clock on the wall.
        (hours, "2026-03-27T17:00:00Z", "2026-03-27T17:00:00Z", "wait until 2026-03-30T17:00:00Z"),
    ] {
        assert_eq!(close_after(rule, answered, asked), want, "{rule}, answered {answered}, asked {asked}");
    }
}

#[test]
fn what_a_rule_leaves_alone_no_rule_below_takes() {
    let rules_text = "
        [[rule]]
        name = \"vip\"
        match.tags = \"vip\"
        leave = true
        [[rule]]
        name = \"any\"
        match.waiting_on = \"anyone\"
        step = [{ after = \"1 day\", do = \"close\", silent = true }]";
    let mut seen = Sighting { whole: true, ..Sighting::of(id()) };
    seen.parts.push(part(1, at(1), Actor::Contact, &[Class::ContactReply]));
    for (tags, want) in [(&["vip"][..], "rule `vip` leaves it alone"), (&[], "1 day without a word")] {
        seen.snapshot = Some(fetched(at(0), State::Open, tags));
        let conversation = Conversation::unread(id()).after(&seen, Some(ADMIN));
        let decision = decide(&conversation, &History::default(), &rules(rules_text), at(2 * 86_400));
        assert!(decision.why().to_string().starts_with(want), "{decision:?}");
    }
}
