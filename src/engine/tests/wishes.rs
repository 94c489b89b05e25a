//! What is to become so of a conversation: whether it is so, what granting it changes, and what of that still stands.

use super::*;
use crate::engine::rule::StateName;
use crate::engine::wish::{Wish, changes, standing};

const UNTIL: i64 = 90_000;

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

/// Open, tagged `a`, with teammate 7 and team 5, and on the plan `gold`.
fn known() -> Facts {
    Facts {
        admin_assignee_id: Some(Some("7".into())),
        team_assignee_id: Some(Some("5".into())),
        attributes: [("plan".to_owned(), Some(text("gold")))].into(),
        ..fetched(at(20), State::Open, &["a"]).facts
    }
}

fn conversation(facts: Facts) -> Conversation {
    let snapshot = Snapshot { facts, ..fetched(at(20), State::Open, &[]) };
    let seen = Sighting { snapshot: Some(snapshot), whole: true, ..Sighting::of(id()) };
    Conversation::unread(id()).after(&seen, Some(ADMIN))
}

/// Each that is so already, and each that is not with what it changes.
fn wishes() -> (Vec<Wish>, Vec<(Wish, Change)>) {
    let some = |text: &str| Some(text.to_owned());
    let so = vec![
        Wish::Open,
        Wish::Team(some("5")),
        Wish::Teammate(some("7")),
        Wish::Tagged("a".into()),
        Wish::Untagged("b".into()),
        Wish::Attribute("plan".into(), text("gold")),
    ];
    let (was, is) = (Some(text("gold")), Some(text("tin")));
    let not = vec![
        (Wish::Snoozed(at(UNTIL)), Change::State { was: StateName::Open, until: Some(at(UNTIL)) }),
        (Wish::Team(None), Change::Team { was: some("5"), is: None }),
        (Wish::Teammate(some("8")), Change::Teammate { was: some("7"), is: some("8") }),
        (Wish::Tagged("b".into()), Change::Tagged("b".into())),
        (Wish::Untagged("a".into()), Change::Untagged("a".into())),
        (Wish::Attribute("plan".into(), text("tin")), Change::Attribute { name: "plan".into(), was, is }),
    ];
    (so, not)
}

#[test]
fn a_wish_changes_what_is_not_so_yet_and_is_so_once_it_is_granted() {
    let (so, not) = wishes();
    let changed = |wish: &Wish, facts| {
        changes(std::slice::from_ref(wish), &conversation(facts), &History::default(), &[], at(30))
    };
    for wish in so {
        assert!(wish.is_so(&known()), "{wish}");
        assert_eq!(changed(&wish, known()), [], "{wish}");
        let mut facts = known();
        wish.grant(&mut facts);
        assert_eq!(facts, known(), "{wish}");
    }
    for (wish, change) in not {
        assert!(!wish.is_so(&known()) && !wish.is_so(&Facts::default()), "{wish}");
        assert_eq!(changed(&wish, known()), [change], "{wish}");
        assert_eq!(changed(&wish, Facts::default()), [], "nobody knows how it was: {wish}");
        let mut facts = known();
        wish.grant(&mut facts);
        assert!(wish.is_so(&facts), "{wish}");
    }
    let mut read = known();
    Wish::Read(true).grant(&mut read);
    assert_eq!((read, Wish::Read(true).is_so(&known())), (known(), false));
    let snoozed = Facts { state: Some(State::Snoozed { until: Some(at(UNTIL)) }), ..known() };
    assert!(Wish::Snoozed(at(UNTIL)).is_so(&snoozed) && !Wish::Snoozed(at(1)).is_so(&snoozed));
    assert_eq!(changed(&Wish::Open, snoozed), [Change::State { was: StateName::Snoozed, until: None }]);
}

#[test]
fn what_an_earlier_try_has_changed_and_still_stands_goes_on_standing() {
    let (ours, gone) = (Change::Tagged("a".into()), Change::Tagged("z".into()));
    let before = [ours.clone(), gone.clone(), Change::Untagged("a".into())];
    assert_eq!(changes(&[], &conversation(known()), &History::default(), &before, at(30)), before[..1]);
    let attribute = |is: &str| Change::Attribute { name: "plan".into(), was: None, is: Some(text(is)) };
    for (changes, count) in [
        (vec![], 0),
        (vec![gone], 0),
        (vec![ours.clone()], 1),
        (vec![ours, attribute("gold"), attribute("tin"), Change::Untagged("b".into())], 3),
    ] {
        assert_eq!(standing(&changes, &known()), count, "{changes:?}");
    }
}

#[test]
fn a_wish_is_told_in_words() {
    for (wish, want) in [
        (Wish::Snoozed(at(0)), "a snooze until 2026-03-02 00:00:00 UTC"),
        (Wish::Open, "opening it"),
        (Wish::Team(None), "the team"),
        (Wish::Teammate(None), "the teammate"),
        (Wish::Tagged("a".into()), "the tag `a`"),
        (Wish::Untagged("a".into()), "taking off the tag `a`"),
        (Wish::Attribute("plan".into(), text("gold")), "the attribute `plan`"),
        (Wish::Read(true), "whether it is read"),
    ] {
        assert_eq!(wish.to_string(), want);
    }
}

/// Since our newest change of the plan somebody has set it back: both are theirs now. Another attribute goes its own way.
#[test]
fn attributes_are_thought_away_by_their_names() {
    let set = |name: &str, was: &str, is: &str| Change::Attribute {
        name: name.into(),
        was: Some(text(was)),
        is: Some(text(is)),
    };
    let changes = [set("plan", "gold", "tin"), set("plan", "none", "gold"), set("size", "small", "large")];
    let mut facts = known();
    facts.attributes.insert("size".into(), Some(text("large")));
    let before = facts.without_all(&changes);
    assert_eq!(before.attributes["plan"], Some(text("gold")));
    assert_eq!(before.attributes["size"], Some(text("small")));
}
