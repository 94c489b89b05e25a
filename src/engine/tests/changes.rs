//! Thinking a change of ours away: where it still stands, and where somebody has changed it since.

use super::*;
use crate::engine::rule::StateName;

fn facts(tags: &[&str], teammate: Option<&str>, team: Option<&str>, plan: Option<&str>) -> Facts {
    let tag = |name: &&str| conversation::Tag { id: (*name).to_owned(), name: (*name).to_owned() };
    Facts {
        tags: Some(tags.iter().map(tag).collect()),
        admin_assignee_id: Some(teammate.map(str::to_owned)),
        team_assignee_id: Some(team.map(str::to_owned)),
        attributes: [("plan".to_owned(), plan.map(text))].into(),
        ..Facts::default()
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

/// In short: tags, teammate, team, plan.
fn told(facts: &Facts) -> String {
    let tags = facts.tags.as_ref().map(|tags| tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>().join("+"));
    let who = |known: &Option<Option<String>>| match known {
        None => "?".to_owned(),
        Some(known) => known.clone().unwrap_or("-".to_owned()),
    };
    let plan = match facts.attributes.get("plan") {
        None => "?".to_owned(),
        Some(Some(AttributeValue::Text(plan))) => plan.clone(),
        Some(_) => "-".to_owned(),
    };
    let tags = tags.map_or("?".to_owned(), |tags| if tags.is_empty() { "-".to_owned() } else { tags });
    format!("{tags} {} {} {plan}", who(&facts.admin_assignee_id), who(&facts.team_assignee_id))
}

fn team(was: Option<&str>, is: Option<&str>) -> Change {
    Change::Team { was: was.map(str::to_owned), is: is.map(str::to_owned) }
}

fn teammate(was: Option<&str>, is: Option<&str>) -> Change {
    Change::Teammate { was: was.map(str::to_owned), is: is.map(str::to_owned) }
}

fn plan(was: Option<&str>, is: Option<&str>) -> Change {
    Change::Attribute { name: "plan".to_owned(), was: was.map(text), is: is.map(text) }
}

#[test]
fn a_change_is_thought_away_only_where_it_still_stands() {
    let known = || facts(&["a", "b"], Some("7"), Some("sales"), Some("gold"));
    for (name, facts, change, want) in [
        ("a tag of ours", known(), Change::Tagged("a".into()), "b 7 sales gold"),
        ("a tag of ours that somebody took off", known(), Change::Tagged("c".into()), "a+b 7 sales gold"),
        ("a tag that we took off", known(), Change::Untagged("c".into()), "a+b+c 7 sales gold"),
        ("one that somebody has put back", known(), Change::Untagged("a".into()), "a+b 7 sales gold"),
        ("a teammate of ours", known(), teammate(None, Some("7")), "a+b - sales gold"),
        ("somebody else's teammate", known(), teammate(None, Some("8")), "a+b 7 sales gold"),
        ("nobody, but somebody has it since", known(), teammate(Some("8"), None), "a+b 7 sales gold"),
        ("a team of ours", known(), team(Some("support"), Some("sales")), "a+b 7 support gold"),
        ("somebody else's team", known(), team(None, Some("support")), "a+b 7 sales gold"),
        ("nobody's, and still", facts(&[], None, None, None), team(Some("sales"), None), "- - sales -"),
        ("an attribute of ours", known(), plan(None, Some("gold")), "a+b 7 sales -"),
        ("one of another value before", known(), plan(Some("tin"), Some("gold")), "a+b 7 sales tin"),
        ("one that somebody has set since", known(), plan(None, Some("tin")), "a+b 7 sales gold"),
        (
            "a state, which the facts alone do not tell",
            known(),
            Change::State { was: StateName::Woken, until: None },
            "a+b 7 sales gold",
        ),
        ("what is not known: a tag", Facts::default(), Change::Tagged("a".into()), "? ? ? ?"),
        ("what is not known: no tag", Facts::default(), Change::Untagged("a".into()), "? ? ? ?"),
        ("what is not known: a team", Facts::default(), team(Some("sales"), None), "? ? ? ?"),
        ("what is not known: a teammate", Facts::default(), teammate(Some("7"), None), "? ? ? ?"),
        ("what is not known: an attribute", Facts::default(), plan(Some("gold"), None), "? ? ? ?"),
    ] {
        assert_eq!(told(&facts.without(&change)), want, "{name}");
    }
}

/// The newest first.
#[test]
fn several_changes_are_thought_away_back_to_where_somebody_else_came_between() {
    let known = || facts(&["a"], None, Some("sales"), Some("gold"));
    for (name, changes, want) in [
        ("one after the other", vec![team(Some("support"), Some("sales")), team(None, Some("support"))], "a - - gold"),
        (
            "since the newest, somebody has gone back to the one before",
            vec![team(Some("sales"), Some("support")), team(None, Some("sales"))],
            "a - sales gold",
        ),
        (
            "taken off, then put back by somebody",
            vec![Change::Untagged("a".into()), Change::Tagged("a".into())],
            "a - sales gold",
        ),
        (
            "put on again after that, then taken off by somebody",
            vec![Change::Tagged("b".into()), Change::Untagged("b".into())],
            "a - sales gold",
        ),
        ("put on again after that", vec![Change::Tagged("a".into()), Change::Untagged("a".into())], "a - sales gold"),
        (
            "an attribute set back by somebody",
            vec![plan(Some("gold"), Some("tin")), plan(None, Some("gold"))],
            "a - sales gold",
        ),
        (
            "of several facts each goes its own way",
            vec![team(None, Some("support")), Change::Tagged("a".into()), plan(None, Some("gold"))],
            "- - sales -",
        ),
    ] {
        assert_eq!(told(&known().without_all(&changes)), want, "{name}");
    }
}
