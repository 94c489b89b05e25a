//! I18: whatever the local clock shows, what is done is what a true clock would have had done, or less, and never sooner.

use std::collections::BTreeMap;

use autoclosed::engine::ConversationId;
use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::plans::PLANS;
use super::run::on_its_own;
use super::truth::{closed_by_us, our_messages};
use super::world::{Broken, World};
use crate::harness::{hours, minutes, seconds};

/// A local clock: what it is wrong by, so long after the beginning.
type Wrong = fn(SignedDuration, &mut Dice) -> SignedDuration;

const CLOCKS: [(&str, Wrong); 8] = [
    ("it jumps an hour to and fro", |_, dice| *dice.pick(&[SignedDuration::ZERO, hours(1), hours(-1)])),
    ("it jumps a day to and fro", |_, dice| *dice.pick(&[SignedDuration::ZERO, hours(24), hours(-24)])),
    ("it falls back to 1970", |since, _| if since > hours(20) { hours(-24 * 365 * 56) } else { SignedDuration::ZERO }),
    ("it leaps to 2100", |since, _| if since > hours(20) { hours(24 * 365 * 74) } else { SignedDuration::ZERO }),
    ("it stands still from time to time", |since, _| -SignedDuration::from_secs(since.as_secs() % 7_200)),
    ("it drifts ahead", |since, _| since / 400),
    ("it drifts behind", |since, _| -(since / 400)),
    ("it is a little wrong", |_, dice| seconds(dice.between(-280, 280))),
];

/// When each text was said and each conversation closed.
type Deeds = BTreeMap<(ConversationId, String), Timestamp>;

/// The same people in the same world, with such a clock.
async fn lived(seed: u64, wrong: Wrong) -> Result<Deeds, Broken> {
    let plan = &PLANS[Dice::of(seed).below(4)];
    let (mut world, mut dice) = (World::new(seed, plan).await, Dice::of(seed + 1));
    world.generous = true;
    world.start().await;
    for _ in 0..4 {
        world.somebody_asks();
    }
    let began = world.clock.now();
    for step in 0..80 {
        // What the daemon does must not change what people do.
        world.dice = Dice::of(seed * 1_000 + step);
        let time = world.dice.between(1, 180);
        world.pass(minutes(if step < 20 { time / 5 + 1 } else { time }));
        if step < 20 {
            world.somebody_acts();
        }
        world.bring_mail().await;
        world.wrong_by = wrong(world.clock.now().duration_since(began), &mut dice);
        world.wall.set_wrong_by(world.wrong_by);
        world.tick().await?;
    }
    let mut deeds = Deeds::new();
    for (id, _) in &world.talks {
        let Some(shown) = world.fake.conversation(id) else { continue };
        deeds.extend(our_messages(&shown).map(|(part, text)| ((id.clone(), text.to_owned()), part.at)));
        deeds.extend(closed_by_us(&shown).map(|part| ((id.clone(), "closed".to_owned()), part.at)));
    }
    world.stop().await;
    Ok(deeds)
}

#[test]
fn a_local_clock_delays_what_is_done_and_never_hastens_it() {
    let mut shared = 0;
    for (seed, (name, wrong)) in (0..24).zip(CLOCKS.iter().cycle()) {
        let truly = on_its_own(lived(seed, |_, _| SignedDuration::ZERO)).unwrap();
        let deeds = on_its_own(lived(seed, *wrong)).unwrap();
        for (what, at) in &deeds {
            let true_at = truly.get(what);
            assert!(
                true_at.is_some_and(|truly| truly <= at),
                "seed {seed}, {name}: {what:?} at {at}, truly {true_at:?}"
            );
        }
        shared += deeds.len();
    }
    assert!(shared > 30, "only {shared} deeds were done");
}
