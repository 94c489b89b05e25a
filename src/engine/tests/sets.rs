//! What is known is a function of the set of what was seen.

use proptest::prelude::*;

use super::generators::{folded, sightings, snapshot};
use super::*;

proptest! {
    #[test]
    fn neither_order_nor_repetition_nor_batches_change_what_is_known(
        (seen, order) in sightings().prop_flat_map(|seen| {
            let twice: Vec<_> = seen.iter().chain(&seen).cloned().collect();
            (Just(seen), Just(twice).prop_shuffle())
        }),
    ) {
        let known = folded(&seen);
        prop_assert_eq!(&folded(&order), &known);
        let mut one_by_one = Vec::new();
        for sighting in &seen {
            for part in &sighting.parts {
                one_by_one.push(Sighting { parts: vec![part.clone()], ..Sighting::of(id()) });
            }
            one_by_one.push(Sighting { parts: Vec::new(), ..sighting.clone() });
        }
        prop_assert_eq!(&folded(&one_by_one), &known);
    }

    #[test]
    fn of_two_stories_of_one_second_the_order_of_telling_picks_none_and_the_later_reading_wins(
        one in snapshot(), other in snapshot(),
    ) {
        let tell = |snapshot: &Snapshot| Sighting { snapshot: Some(snapshot.clone()), ..Sighting::of(id()) };
        let known = folded(&[tell(&one), tell(&other)]);
        prop_assert_eq!(&folded(&[tell(&other), tell(&one)]), &known);
        let newest = known.snapshot.clone().unwrap();
        prop_assert!(newest.version >= one.version && newest.version >= other.version);
        let differ = one.version == other.version && one.facts != other.facts;
        prop_assert!(!differ || folded(&[tell(&one)]).disagrees_with(&tell(&other)), "it must be read again");
    }
}

#[test]
fn many_parts_by_our_admin_are_remembered_as_a_set_too() {
    let by_us = |number: u64| {
        let classes = [Class::TeammateReply].into();
        let at = at(i64::try_from(number / 2).unwrap());
        let admin_id = Some(ADMIN.to_owned());
        Part {
            id: Some(PartId::Part(number)),
            at,
            actor: Actor::Teammate,
            admin_id,
            classes,
            digest: None,
            reads_as: [].into(),
        }
    };
    let one = |number: &u64| Sighting { parts: vec![by_us(*number)], ..Sighting::of(id()) };
    let forwards: Vec<_> = (1..=90).collect();
    let backwards: Vec<_> = (1..=90).rev().collect();
    let known = folded(forwards.iter().map(one).collect::<Vec<_>>().iter());
    assert_eq!(folded(backwards.iter().map(one).collect::<Vec<_>>().iter()), known);
    assert_eq!(known.by_admin.len(), 64);
}

#[test]
fn versions_order_by_change_then_reading_then_telling_then_name() {
    let version = |updated: i64, fetched: bool, created: i64, name: &str| Version {
        updated_at: at(updated),
        fetched,
        created_at: at(created),
        notification_id: name.to_owned(),
    };
    let rising = [
        version(0, true, 9, ""),
        version(1, false, 1, "a"),
        version(1, false, 1, "b"),
        version(1, false, 2, "a"),
        version(1, true, 1, ""),
        version(1, true, 2, ""),
        version(2, false, 0, "a"),
    ];
    assert!(rising.is_sorted_by(|one, next| one < next));
}
