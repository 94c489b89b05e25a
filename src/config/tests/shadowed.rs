//! What is said about rules that nothing is left to, or that fit nothing: and that it is true.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::told;
use crate::config::example::Example;
use crate::config::shadowed::takers;
use crate::engine::conversation::{Tag, Version};
use crate::engine::rule::{AfterReopen, ContactReplied, Match, Speaker, StateName, WaitingOn};
use crate::engine::{
    Actor, Class, Conversation, ConversationId, Facts, History, Part, PartId, Rule, RuleSet, Sighting, Snapshot, State,
    Why, decide,
};

fn rule(name: &str, conditions: &[&str]) -> String {
    let conditions: Vec<_> = conditions.iter().map(|condition| format!("match.{condition}\n")).collect();
    let conditions = conditions.concat();
    let step = "[[rule.step]]\nafter = \"7 days\"\ndo = \"close\"\nsilent = true\n";
    format!("[[rule]]\nname = \"{name}\"\n{conditions}{step}")
}

#[test]
fn a_rule_that_nothing_is_left_to_is_told_an_example() {
    let wide =
        rule("wide", &["state = [\"open\", \"snoozed\"]", "contact_replied = \"any\"", "waiting_on = \"anyone\""]);
    let conditions = [
        "state = \"snoozed\"",
        "waiting_on = \"teammate\"",
        "snooze_at_most = \"3 days\"",
        "tags = [\"vip\", \"press\"]",
        "all_tags = \"late\"",
        "not_tags = \"vip\"",
        "last_speaker = \"bot\"",
        "unassigned = true",
        "rated = false",
        "priority = \"high\"",
        "ai_resolution = [\"escalated\", \"abandoned\"]",
        "not_ai_resolution = \"escalated\"",
        "channel = \"email\"",
        "delivered_as = \"customer_initiated\"",
        "created_after = 2026-07-01",
    ];
    let narrow = rule("narrow", &conditions).replace("\"teammate\"", "\"anyone\"");
    insta::assert_snapshot!(told(&format!("{wide}{narrow}")), @r#"
    a.toml:10:1: warning: rule "narrow" never gets a conversation: "wide" above takes all that it fits, for example one that is snoozed for 3 days, last word by a bot, assigned to nobody, not rated, of priority high, with the AI resolution abandoned, tagged late and press, by email, begun as customer_initiated, begun at 2026-07-01 00:00:00 UTC
       |
    10 | [[rule]]
       | ^^^^^^^^
    help: move "narrow" above "wide", or remove one of the two
    "#);
}

#[test]
fn rules_that_leave_nothing_together_are_told_together() {
    let open = rule("open", &["state = \"open\""]);
    let snoozed = rule("snoozed", &["state = \"snoozed\""]);
    let urgent = rule("urgent", &["priority = [\"urgent\", \"low\"]", "tags = \"vip\""]);
    let high = rule("high", &["priority = \"high\""]);
    let both = rule("both", &["state = [\"snoozed\", \"woken\"]"]);
    let all = rule("all", &["contact_replied = true"]);
    let pressing = rule("pressing", &["priority = [\"high\", \"low\", \"urgent\"]", "tags = \"vip\""]);
    insta::assert_snapshot!(told(&format!("{open}{snoozed}{both}{all}")), @r#"
    a.toml:15:1: warning: rule "both" never gets a conversation: "open" and "snoozed" above take all that it fits, for example one that is snoozed, waiting for the contact
       |
    15 | [[rule]]
       | ^^^^^^^^
    help: move "both" above "open" and "snoozed", or remove it

    a.toml:22:1: warning: rule "all" never gets a conversation: "open" and "snoozed" above take all that it fits, for example one that is open, waiting for the contact
       |
    22 | [[rule]]
       | ^^^^^^^^
    help: move "all" above "open" and "snoozed", or remove it
    "#);
    insta::assert_snapshot!(told(&format!("{urgent}{high}{pressing}")), @r#"
    a.toml:16:1: warning: rule "pressing" never gets a conversation: "urgent" and "high" above take all that it fits, for example one that is open, waiting for the contact, of priority high, tagged vip
       |
    16 | [[rule]]
       | ^^^^^^^^
    help: move "pressing" above "urgent" and "high", or remove it
    "#);
    let wider = pressing.replace("match.tags = \"vip\"\n", "");
    assert_eq!(told(&format!("{urgent}{high}{wider}")), "", "what is not tagged is left to it");
    assert_eq!(told(&format!("{open}{both}")), "", "what is snoozed is left to it");
}

#[test]
fn a_rule_that_contradicts_itself_is_doubted() {
    let tags = rule("tags", &["all_tags = [\"a\", \"b\"]", "not_tags = [\"c\", \"b\"]"]);
    let any = rule("any", &["tags = [\"a\", \"b\"]", "not_tags = [\"b\", \"a\", \"c\"]"]);
    let fin = rule("fin", &["ai_resolution = \"escalated\"", "not_ai_resolution = [\"abandoned\", \"escalated\"]"]);
    let turn = rule("turn", &["contact_replied = false", "waiting_on = \"teammate\""]);
    let last = rule("last", &["contact_replied = false", "waiting_on = \"anyone\"", "last_speaker = \"contact\""]);
    insta::assert_snapshot!(told(&[tags, any, fin, turn, last].concat()), @r#"
    a.toml:4:24: warning: this rule fits nothing: it asks for the tag "b" and bars it too
      |
    4 | match.not_tags = ["c", "b"]
      |                        ^^^
    help: leave the tag out of match.all_tags, or out of match.not_tags

    a.toml:12:7: warning: this rule fits nothing: `not_tags` bars all that `tags` asks for
       |
    12 | match.not_tags = ["b", "a", "c"]
       |       ^^^^^^^^
    help: leave something of match.tags out of match.not_tags, or leave out one of the two

    a.toml:20:7: warning: this rule fits nothing: `not_ai_resolution` bars all that `ai_resolution` asks for
       |
    20 | match.not_ai_resolution = ["abandoned", "escalated"]
       |       ^^^^^^^^^^^^^^^^^
    help: leave something of match.ai_resolution out of match.not_ai_resolution, or leave out one of the two

    a.toml:27:7: warning: this rule fits nothing: it is never a teammate's turn when the contact never wrote
       |
    27 | match.contact_replied = false
       |       ^^^^^^^^^^^^^^^
    help: leave out match.contact_replied, or write match.waiting_on = "anyone" and another last_speaker

    a.toml:35:7: warning: this rule fits nothing: a contact who never wrote did not speak last
       |
    35 | match.contact_replied = false
       |       ^^^^^^^^^^^^^^^
    help: leave out match.contact_replied, or write match.waiting_on = "anyone" and another last_speaker
    "#);
}

#[test]
fn conditions_that_only_overlap_are_not_doubted() {
    for conditions in [
        ["tags = [\"a\", \"b\"]", "not_tags = [\"b\", \"c\"]"],
        ["all_tags = [\"a\", \"b\"]", "not_tags = \"c\""],
        ["ai_resolution = [\"escalated\", \"abandoned\"]", "not_ai_resolution = \"escalated\""],
        ["contact_replied = false", "last_speaker = \"teammate\""],
        ["contact_replied = false", "waiting_on = \"contact\""],
    ] {
        assert_eq!(told(&rule("a", &conditions)), "", "{conditions:?}");
    }
}

#[test]
fn a_rule_that_fits_nothing_is_not_told_to_be_shadowed_too() {
    let text = format!(
        "{}{}",
        rule("a", &["state = \"open\""]),
        rule("b", &["state = \"open\"", "tags = \"x\"", "not_tags = \"x\""])
    );
    let found = told(&text);
    assert!(found.contains("fits nothing") && !found.contains("never gets"), "{found}");
}

/// A conversation like the example, read whole.
fn conversation(example: &Example<'_>, matches: &Match) -> Conversation {
    let at = |seconds: i64| Timestamp::from_second(1_772_409_600 + seconds).unwrap();
    let mut seen = Sighting { whole: true, ..Sighting::of(ConversationId::try_from("42").unwrap()) };
    let mut happen = |actor: Actor, class: Class| {
        let number = i64::try_from(seen.parts.len()).unwrap() + 1;
        let admin_id = (actor == Actor::Teammate).then(|| "7".to_owned());
        let id = Some(PartId::Part(number.unsigned_abs()));
        seen.parts.push(Part {
            id,
            at: at(number),
            actor,
            admin_id,
            classes: BTreeSet::from([class]),
            digest: None,
            reads_as: BTreeSet::new(),
        });
    };
    for speaker in &example.spoke {
        match speaker {
            Speaker::Contact => happen(Actor::Contact, Class::ContactReply),
            Speaker::Teammate => happen(Actor::Teammate, Class::TeammateReply),
            Speaker::Bot => happen(Actor::Bot, Class::BotReply),
        }
    }
    if matches.rated == Some(true) {
        happen(Actor::Contact, Class::Rated);
    }
    if example.state != StateName::Open {
        happen(Actor::Teammate, Class::Snoozed);
    }
    if example.state == StateName::Woken {
        happen(Actor::Timer, Class::Unsnoozed);
    }
    let tag = |name: &&str| Tag { id: (*name).to_owned(), name: (*name).to_owned() };
    let snoozed = State::Snoozed { until: Some(at(120)) };
    let facts = Facts {
        state: Some(if example.state == StateName::Snoozed { snoozed } else { State::Open }),
        tags: Some(example.tags.iter().map(tag).collect()),
        admin_assignee_id: Some((matches.unassigned == Some(false)).then(|| "7".to_owned())),
        team_assignee_id: Some(None),
        priority: Some(example.priority.unwrap_or("none").to_owned()),
        ai_resolution: Some(example.ai_resolution.map(str::to_owned)),
        attributes: std::collections::BTreeMap::new(),
    };
    let version = Version { updated_at: at(50), fetched: true, created_at: at(50), notification_id: String::new() };
    seen.snapshot = Some(Snapshot { version, facts });
    seen.channel = Some(example.channel.unwrap_or("conversation").to_owned());
    seen.delivered_as = Some(example.delivered_as.unwrap_or("customer_initiated").to_owned());
    seen.created_at = Some(example.began.unwrap_or(at(0)));
    Conversation::unread(seen.id.clone()).after(&seen, Some("99"))
}

fn leaving_alone(matches: Match) -> Rule {
    Rule {
        name: "a".into(),
        matches,
        counts_from: vec![Class::ContactReply],
        after_reopen: AfterReopen::CountAgain,
        clock: None,
        act_only: None,
        steps: Vec::new(),
    }
}

/// Whether the engine finds that it fits.
fn fits(matches: &Match, conversation: &Conversation) -> bool {
    let rules = RuleSet { rules: vec![leaving_alone(matches.clone())], hold_tags: Vec::new(), max_auto_closes: 1 };
    let now = Timestamp::from_second(1_772_409_660).unwrap();
    let decision = decide(conversation, &History::default(), &rules, now);
    let why = if let Why::UntilItWakes(why) = decision.why() { why } else { decision.why() };
    match why {
        Why::LeftByRule { .. } => true,
        Why::NoRuleFits(_) => false,
        other => panic!("{other}"),
    }
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = Vec<T>> + use<T> {
    subsequence(all.to_vec(), 0..=all.len())
}

fn names(all: &[&str]) -> impl Strategy<Value = Vec<String>> + use<> {
    some_of(&all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
}

/// Conditions of few values, so that they often meet.
fn any_match() -> impl Strategy<Value = Match> {
    let state = prop::option::of(some_of(&[StateName::Open, StateName::Snoozed, StateName::Woken]));
    let state = state.prop_map(|states| states.filter(|states| !states.is_empty()));
    let people = (
        state,
        select(vec![WaitingOn::Contact, WaitingOn::Teammate, WaitingOn::Anyone]),
        some_of(&[Speaker::Contact, Speaker::Teammate, Speaker::Bot]),
        select(vec![ContactReplied::Yes, ContactReplied::No, ContactReplied::Any]),
    );
    let tags = (names(&["a", "b", "c"]), names(&["a", "b"]), names(&["a", "b"]));
    let labels = (
        names(&["low", "high"]),
        names(&["escalated", "abandoned"]),
        names(&["escalated"]),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<bool>()),
    );
    (people, tags, labels, any::<[bool; 5]>()).prop_map(|(people, tags, labels, keep)| {
        let list = |keep: bool, names: Vec<String>| if keep { names } else { Vec::new() };
        Match {
            state: people.0,
            waiting_on: people.1,
            last_speaker: if keep[0] { people.2 } else { Vec::new() },
            contact_replied: people.3,
            tags: list(keep[1], tags.0),
            all_tags: list(keep[2], tags.1),
            not_tags: list(keep[3], tags.2),
            priority: list(keep[4], labels.0),
            ai_resolution: list(!keep[3], labels.1),
            not_ai_resolution: list(!keep[2], labels.2),
            unassigned: labels.3.filter(|_| keep[1]),
            rated: labels.4.filter(|_| keep[0]),
            ..Match::default()
        }
    })
}

proptest! {
    #[test]
    fn an_example_fits_its_rule(matches in any_match()) {
        if let Some(example) = Example::of(&matches) {
            prop_assert!(fits(&matches, &conversation(&example, &matches)), "{}", example.in_words());
        }
    }

    /// Whatever is an example of something near the rule and fits it, is taken by one of those that are said to take
    /// it all.
    #[test]
    fn what_is_said_to_be_taken_is_taken(
        above in vec((any_match(), 0..12_usize), 1..6), narrow in any_match(), others in vec((any_match(), 0..12_usize), 12)
    ) {
        // With conditions of their own hardly any rule would take all of it: each differs in one.
        let above: Vec<Rule> = above.iter().map(|(other, key)| leaving_alone(with_one_of(&narrow, other, *key))).collect();
        let takers = takers(&above, &narrow);
        if takers.is_empty() {
            return Ok(());
        }
        let near: Vec<Match> = others.iter().map(|(other, key)| with_one_of(&narrow, other, *key)).collect();
        let tagged = |tag: &str| Match { all_tags: [narrow.all_tags.clone(), vec![tag.to_owned()]].concat(), ..narrow.clone() };
        for matches in near.iter().chain(&["a", "b", "c"].map(tagged)).chain([&narrow]) {
            let Some(example) = Example::of(matches) else { continue };
            let conversation = conversation(&example, matches);
            let taken = takers.iter().any(|taker| fits(&taker.matches, &conversation));
            prop_assert!(taken || !fits(&narrow, &conversation), "{}", example.in_words());
        }
    }
}

/// The same conditions but for one, which is as in `other`.
fn with_one_of(matches: &Match, other: &Match, key: usize) -> Match {
    let (mut mixed, other) = (matches.clone(), other.clone());
    match key {
        0 => mixed.state = other.state,
        1 => mixed.waiting_on = other.waiting_on,
        2 => mixed.last_speaker = other.last_speaker,
        3 => mixed.contact_replied = other.contact_replied,
        4 => mixed.tags = other.tags,
        5 => mixed.all_tags = other.all_tags,
        6 => mixed.not_tags = other.not_tags,
        7 => mixed.priority = other.priority,
        8 => mixed.ai_resolution = other.ai_resolution,
        9 => mixed.not_ai_resolution = other.not_ai_resolution,
        10 => mixed.unassigned = other.unassigned,
        _ => mixed.rated = other.rated,
    }
    mixed
}
