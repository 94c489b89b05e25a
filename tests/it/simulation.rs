//! Whole worlds by dice: people, lost and late post, faults, crashes, clocks, operators; and the promises held against
//! what is true after every step. A world is one number.
//!
//! ```text
//! cargo test --locked --test it simulation::                                    what every build runs
//! AUTOCLOSED_SEED=123 cargo test --locked --test it simulation::worlds          one world, told step by step
//! AUTOCLOSED_SEEDS=100000 cargo test --release --locked --test it simulation::worlds
//! ```

mod clocks;
mod crashes;
pub(crate) mod dice;
mod judge;
pub(crate) mod laws;
mod people;
mod plans;
mod races;
mod run;
mod teeth;
pub(crate) mod truth;
mod world;

use run::{Course, run};

/// So many worlds are run where nobody says otherwise.
const SEEDS: u64 = 500;

#[test]
fn worlds_keep_every_promise() {
    if let Some(seed) = number("AUTOCLOSED_SEED") {
        let course = if std::env::var("AUTOCLOSED_ROUGH").is_ok() { teeth::ROUGH } else { Course::ALL };
        let ended = run(seed, &course);
        println!("{}", ended.story.join("\n"));
        assert!(ended.broken.is_none(), "seed {seed} breaks {:?}", ended.broken);
        return;
    }
    let count = number("AUTOCLOSED_SEEDS").unwrap_or(SEEDS);
    let total = run::many(0..count, &Course::ALL, None);
    println!("{total:?}");
    assert!(total.broken.is_empty(), "{}", total.told());
    assert!(total.amid > count * 2 && total.deaths > count / 4, "too little happened: {total:?}");
}

#[test]
fn the_same_number_is_the_same_world() {
    for seed in [3, 7, 11] {
        assert_eq!(run(seed, &Course::ALL).story, run(seed, &Course::ALL).story, "seed {seed}");
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
