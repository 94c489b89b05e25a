//! Every condition of a rule: when it holds, when it does not, and when nothing can be said without reading.

use super::*;

/// A conversation that was seen in these words: `contact`, `teammate` and `bot` in the order of their last words,
/// then what is known of it.
fn seen(words: &str) -> Conversation {
    let mut seen = Sighting { snapshot: Some(fetched(at(0), State::Open, &[])), ..Sighting::of(id()) };
    let mut facts = Facts { state: Some(State::Open), tags: Some(Vec::new()), ..Facts::default() };
    for (number, word) in (1..).zip(words.split_whitespace()) {
        let second = at(i64::try_from(number).unwrap());
        match word {
            "contact" => seen.parts.push(part(number, second, Actor::Contact, &[Class::ContactReply])),
            "teammate" => seen.parts.push(part(number, second, Actor::Teammate, &[Class::TeammateReply])),
            "bot" => seen.parts.push(part(number, second, Actor::Bot, &[Class::BotReply])),
            "tie" => seen.parts[0].at = seen.parts[1].at,
            "rings" => seen.parts.push(part(number, second, Actor::Timer, &[Class::Unsnoozed])),
            "whole" => seen.whole = true,
            "snoozed" => facts.state = Some(State::Snoozed { until: Some(at(99_999)) }),
            "endless" => facts.state = Some(State::Snoozed { until: None }),
            "overslept" => facts.state = Some(State::Snoozed { until: Some(at(0)) }),
            "closed" => facts.state = Some(State::Closed),
            "stateless" => facts.state = None,
            "untold" => facts.tags = None,
            tag => facts.tags.as_mut().unwrap().push(conversation::Tag { id: tag.into(), name: tag.into() }),
        }
    }
    seen.snapshot = Some(Snapshot { facts, ..fetched(at(0), State::Open, &[]) });
    Conversation::unread(id()).after(&seen, Some(ADMIN))
}

/// `yes`, `unknown`, or why not. Time is far from what is due, so that only the conditions speak.
fn fits(condition: &str, words: &str) -> String {
    let rule = format!(
        "[[rule]]\nname = \"r\"\n{condition}\n[[rule.step]]\nafter = \"9 days\"\ndo = \"close\"\nsilent = true"
    );
    let rules = RuleSet { hold_tags: Vec::new(), ..rules(&rule) };
    let decision = decide(&seen(words), &History::default(), &rules, at(100));
    match decision.why() {
        Why::UntilItWakes(why) => bare(why),
        // Fits, though nothing is done as long as Intercom says snoozed.
        Why::Overslept { .. } => {
            if matches!(decision, Decision::Wait { next: Some(_), .. }) { "yes" } else { "no" }.into()
        }
        why => bare(why),
    }
}

fn bare(why: &Why) -> String {
    match why {
        Why::Quiet { .. } => "yes".to_owned(),
        Why::NotRead => "unknown".to_owned(),
        Why::NoRuleFits(reasons) => reasons[0].1.to_string(),
        other => other.to_string(),
    }
}

#[test]
fn every_condition_holds_or_not_or_is_unknown() {
    let table = [
        // Whose turn it is.
        ("match.waiting_on = \"contact\"", "contact teammate whole", "yes"),
        ("match.waiting_on = \"contact\"", "contact teammate", "yes"),
        ("match.waiting_on = \"contact\"", "teammate contact whole", "the contact is owed an answer"),
        ("match.waiting_on = \"contact\"", "contact teammate tie whole", "the contact is owed an answer"),
        ("match.waiting_on = \"contact\"", "contact teammate bot whole", "yes"),
        ("match.waiting_on = \"contact\"", "contact bot whole", "the contact is owed an answer"),
        ("match.waiting_on = \"contact\"", "contact", "unknown"),
        ("match.waiting_on = \"teammate\"", "teammate contact", "yes"),
        ("match.waiting_on = \"teammate\"", "contact bot whole", "yes"),
        ("match.waiting_on = \"teammate\"", "contact teammate tie", "yes"),
        ("match.waiting_on = \"teammate\"", "contact teammate", "it is the contact's turn"),
        ("match.waiting_on = \"teammate\"", "contact", "unknown"),
        ("match.waiting_on = \"anyone\"", "contact", "yes"),
        ("match.waiting_on = \"anyone\"", "contact bot", "yes"),
        // Whether the contact ever wrote.
        ("match.contact_replied = true", "contact teammate", "yes"),
        ("match.contact_replied = true", "teammate whole", "the contact never wrote"),
        ("match.contact_replied = true", "teammate", "unknown"),
        ("match.contact_replied = false", "teammate whole", "yes"),
        ("match.contact_replied = false", "teammate", "unknown"),
        ("match.contact_replied = false", "contact teammate", "the contact has written"),
        ("match.contact_replied = \"any\"", "teammate", "yes"),
        ("match.contact_replied = \"any\"", "contact teammate", "yes"),
        ("match.contact_replied = \"any\"", "bot whole", "no person has spoken"),
        // States.
        ("match.state = \"open\"", "contact teammate", "yes"),
        ("match.state = \"open\"", "contact teammate snoozed", "it is snoozed"),
        ("match.state = \"open\"", "contact teammate rings", "yes"),
        ("match.state = \"open\"", "contact teammate overslept", "yes"),
        ("match.state = \"snoozed\"", "contact teammate snoozed", "yes"),
        ("match.state = \"snoozed\"", "contact teammate endless", "yes"),
        ("match.state = \"snoozed\"", "contact teammate overslept", "no"),
        ("match.state = \"snoozed\"", "contact teammate", "it is open"),
        ("match.state = \"snoozed\"", "contact teammate rings", "it is woken"),
        ("match.state = \"woken\"", "contact teammate rings", "yes"),
        ("match.state = \"woken\"", "contact teammate overslept", "yes"),
        ("match.state = \"woken\"", "contact rings teammate", "it is open"),
        ("match.state = \"woken\"", "contact teammate rings bot", "it is open"),
        ("match.state = [\"woken\", \"snoozed\"]", "contact teammate", "it is open"),
        ("match.state = \"open\"", "contact teammate stateless", "unknown"),
        ("match.state = \"open\"", "contact teammate closed", "it is closed"),
        ("match_all = true", "teammate contact stateless", "unknown"),
        // Tags.
        ("match.tags = [\"vip\", \"beta\"]", "contact teammate beta", "yes"),
        ("match.tags = [\"vip\", \"beta\"]", "contact teammate gold", "it has none of the tags"),
        ("match.all_tags = [\"vip\", \"beta\"]", "contact teammate vip", "it does not have all of the tags"),
        ("match.all_tags = [\"vip\", \"beta\"]", "contact teammate vip beta", "yes"),
        ("match.tags = [\"vip\", \"beta\"]", "contact teammate untold", "unknown"),
        ("match.tags = [\"vip\"]", "contact teammate VIP", "it has none of the tags"),
        ("match.not_tags = [\"vip\", \"beta\"]", "contact teammate gold", "yes"),
        ("match.not_tags = [\"vip\", \"beta\"]", "contact teammate beta", "it is tagged `beta`"),
        ("match.not_tags = [\"vip\", \"beta\"]", "contact teammate untold", "unknown"),
        // What certainly fails settles it, whatever else is unknown.
        ("match.not_tags = [\"vip\"]", "teammate contact untold", "the contact is owed an answer"),
        ("match_all = true", "contact teammate untold", "yes"),
    ];
    for (condition, words, want) in table {
        assert_eq!(fits(condition, words), want, "{condition}, seen: {words}");
    }
}

/// `a` asks for a tag, `b` for none.
#[test]
fn an_unknown_rule_ahead_of_the_first_fitting_one_leaves_and_one_behind_it_does_not() {
    let tagged = "[[rule]]\nname = \"a\"\nmatch.tags = [\"vip\"]\n[[rule.step]]\nafter = \"9 days\"\ndo = \"close\"\nsilent = true\n";
    let all =
        "[[rule]]\nname = \"b\"\nmatch_all = true\n[[rule.step]]\nafter = \"9 days\"\ndo = \"close\"\nsilent = true\n";
    let of = |text: &str, words: &str| {
        let rules = RuleSet { hold_tags: Vec::new(), ..rules(text) };
        match decide(&seen(words), &History::default(), &rules, at(100)) {
            Decision::Wait { next: Some((rule, _)), .. } => rule.to_string(),
            other => other.why().to_string(),
        }
    };
    for (order, words, want) in [
        (format!("{tagged}{all}"), "contact teammate untold", "not read yet"),
        (format!("{all}{tagged}"), "contact teammate untold", "b"),
        (format!("{tagged}{all}"), "contact teammate vip", "a"),
        (format!("{tagged}{all}"), "contact teammate", "b"),
        (
            format!("{tagged}{all}"),
            "teammate contact untold",
            "no rule fits: `a`: the contact is owed an answer; `b`: the contact is owed an answer",
        ),
    ] {
        assert_eq!(of(&order, words), want, "{words}: {order}");
    }
}
