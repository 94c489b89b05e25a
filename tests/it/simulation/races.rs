//! A contact who writes just as we close: before the claim, between claim and look, between look and close, while it
//! is closed, before the answer, and after it. `AUTOCLOSED_RACES` says how many closes are tried.

use autoclosed::fake_intercom::{Endpoint, Fault};
use autoclosed::sabotage::{Bug, plant};

use super::number;
use super::plans::PLANS;
use super::run::on_its_own;
use super::truth::{Opening, Who};
use super::world::{Broken, World};
use crate::harness::{days, minutes, seconds};

/// Conversations that fall due together.
const TOGETHER: usize = 40;
const ROUNDS: usize = 5;

/// Conversations fall due, sweep after sweep, and somebody writes at any moment of their closes. Returns how many closes
/// there were.
async fn raced(seed: u64) -> Result<usize, Broken> {
    let mut world = World::new(seed, &PLANS[0]).await;
    world.generous = true;
    world.start().await;
    world.look().await?;
    for _ in 0..ROUNDS {
        let ids: Vec<_> = (0..TOGETHER).map(|_| world.fake.contact_starts("Hello?")).collect();
        let opening = Opening { at: world.clock.now(), who: Who::Contact };
        world.talks = ids.iter().map(|id| (id.clone(), opening)).collect();
        world.pass(minutes(1));
        for id in &ids {
            world.fake.teammate_replies(id, "Hello.");
        }
        world.lost_mail = 0;
        world.bring_all_mail().await;
        world.pass(days(1));
        if world.dice.chance(30) {
            let lost = [Fault::ApplyThenDrop, Fault::Drop, Fault::HideContactTime, Fault::Html502];
            world.fake.fault(Endpoint::Close, world.dice.pick(&lost).clone());
        }
        world.lost_mail = 80;
        // An answer that shows the conversation open again ends a sweep.
        for tick in 0..12 {
            world.interjections = if tick < 9 { 10 } else { 0 };
            world.tick().await?;
            world.pass(seconds(70));
            world.bring_mail().await;
        }
        world.nothing_is_closed_over()?;
    }
    let closes = world.count_closes();
    world.stop().await;
    Ok(closes)
}

/// Runs worlds until there were so many closes, on every core.
pub(super) fn many(closes: usize, bug: Option<Bug>) -> Result<usize, (u64, Broken)> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let share = closes.div_ceil(cores);
    let lane = |lane: usize| {
        let (mut done, mut seed) = (0, u64::try_from(lane).unwrap());
        while done < share {
            let planted = bug.map(plant);
            done += on_its_own(raced(seed)).map_err(|broken| (seed, broken))?;
            drop(planted);
            seed += u64::try_from(cores).unwrap();
        }
        Ok(done)
    };
    std::thread::scope(|scope| {
        let lane = &lane;
        let lanes: Vec<_> = (0..cores).map(|number| scope.spawn(move || lane(number))).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).sum()
    })
}

#[test]
fn no_conversation_stays_closed_over_a_contact_who_wrote_meanwhile() {
    let wanted = usize::try_from(number("AUTOCLOSED_RACES").unwrap_or(400)).unwrap();
    match many(wanted, None) {
        Ok(closes) => println!("{closes} closes"),
        Err((seed, broken)) => panic!("world {seed}: {broken:?}"),
    }
}
