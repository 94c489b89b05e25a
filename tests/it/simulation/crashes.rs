//! Every deed, ended at every named point of it, and a second time while that is put right: it comes to the same end as
//! if nobody had died, and nothing is said two times.

use autoclosed::sabotage::Point;

use super::plans::{PLAIN, Plan, Spec};
use super::run::{in_doubt, on_its_own};
use super::truth::{Opening, Who, is_ours};
use super::world::{Broken, End, World};
use crate::harness::{days, minutes, seconds};

/// A deed, and how its conversation stands before it.
struct Deed {
    name: &'static str,
    plan: Plan,
    snoozed: bool,
    /// A contact writes between the look and the call.
    raced: bool,
}

static DEEDS: [Deed; 12] = [
    Deed {
        name: "a close with a text, tags and attributes",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"close\", body = \"[quiet] Bye.\", tags = [\"a\", \"b\"], set = { order_number = 7 } }]\n",
            specs: &[Spec { name: "deed", steps: &[("close", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: false,
    },
    Deed {
        name: "a silent close",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"close\", silent = true }]\n",
            specs: &[Spec { name: "deed", steps: &[("close", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: false,
    },
    Deed {
        name: "a close over a contact's reply",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"close\", body = \"[quiet] Bye.\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("close", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: true,
    },
    Deed {
        name: "a reply that ends a snooze",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"reply\", body = \"[first] Still there?\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("reply 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: true,
        raced: false,
    },
    Deed {
        name: "a note that ends a snooze",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"note\", body = \"Quiet.\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("note 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: true,
        raced: false,
    },
    Deed {
        name: "an assignment that ends a snooze",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"assign\", team = \"Support\", teammate = \"1001\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("assign 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: true,
        raced: false,
    },
    Deed {
        name: "a snooze",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"snooze\", for = \"30 days\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("snooze 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: false,
    },
    Deed {
        name: "a snooze over a contact's reply",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"snooze\", for = \"30 days\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("snooze 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: true,
    },
    Deed {
        name: "an opening",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"open\" }]\n",
            specs: &[Spec { name: "deed", steps: &[("open 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: true,
        raced: false,
    },
    Deed {
        name: "tags",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"tag\", tags = [\"a\", \"b\"] }]\n",
            specs: &[Spec { name: "deed", steps: &[("tag 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: true,
        raced: false,
    },
    Deed {
        name: "a tag taken off",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"untag\", tags = [\"vip\"] }]\n",
            specs: &[Spec { name: "deed", steps: &[("untag 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: false,
    },
    Deed {
        name: "an update",
        plan: Plan {
            rules: "[[rule]]\nname = \"deed\"\nmatch_all = true\nPEOPLE\nstep = [{ after = \"1 day\", do = \"update\", set = { order_number = 7, topic = \"Bug\" }, read = true }]\n",
            specs: &[Spec { name: "deed", steps: &[("update 1", 24)], ..PLAIN }],
            closes_all: false,
        },
        snoozed: false,
        raced: false,
    },
];

/// How it ends, and at how many of the ends that were laid for it the daemon died.
type Ended = (String, usize);

/// What is to be seen of the conversation. Whether it counts as read depends on whether our text came before the
/// contact's.
fn looks(world: &World, raced: bool) -> String {
    let seen = world.fake.conversation(&world.talks[0].0).unwrap();
    let mut tags = seen.tags.clone();
    tags.sort();
    let snooze = seen.snoozed_until.map(|until| until.duration_since(world.clock.now()).as_hours() / 48);
    let (team, admin) = (seen.team_assignee, seen.admin_assignee);
    format!("{} {snooze:?} {tags:?} {:?} {team:?} {admin:?} read {}", seen.state, seen.attributes, seen.read || raced)
}

/// One conversation, one deed, and these ends one after the other; then an hour passes.
async fn tried(deed: &'static Deed, ends: &[Point]) -> Result<Ended, Broken> {
    let mut world = World::new(0, &deed.plan).await;
    let id = world.fake.contact_starts("Hello?");
    world.talks.push((id.clone(), Opening { at: world.clock.now(), who: Who::Contact }));
    world.pass(minutes(1));
    world.fake.tag(&id, "vip");
    world.fake.teammate_replies(&id, "Hello.");
    if deed.snoozed {
        world.fake.teammate_snoozes(&id, world.clock.now() + days(30));
    }
    world.start().await;
    world.look().await?;
    world.pass(days(1));
    world.interjects = deed.raced.then_some(Point::WrittenDown);
    for end in ends {
        world.end = Some(End::At(*end, 0));
        let deaths = world.deaths;
        for _ in 0..6 {
            world.tick().await?;
            world.pass(seconds(31));
            if world.deaths > deaths {
                break;
            }
        }
        world.start().await;
    }
    world.end = None;
    for _ in 0..20 {
        world.pass(minutes(3));
        world.tick().await?;
    }
    in_doubt(&mut world).await?;
    world.nothing_is_closed_over()?;
    let seen = world.fake.conversation(&id).unwrap();
    let said = seen.parts.iter().filter(|part| is_ours(part) && part.body.is_some()).count();
    let broken = |how| Broken { law: "what was begun is done once and whole", how };
    if said > 1 {
        return Err(broken(format!("it was said {said} times")));
    }
    let told = (looks(&world, deed.raced), world.deaths);
    let outcomes = world.ask("SELECT outcome FROM attempt").await;
    if !deed.raced && outcomes != ["done"] {
        return Err(broken(format!("the attempts stand at {outcomes:?}, it is {}", told.0)));
    }
    world.stop().await;
    Ok(told)
}

fn alone(deed: &'static Deed, ends: &[Point]) -> Ended {
    on_its_own(async {
        let ended = tried(deed, ends).await;
        ended.map_err(|broken| format!("{}, ended at {ends:?}: {broken:?}", deed.name)).unwrap()
    })
}

/// Runs every deed on a core of its own, with these ends.
fn each(ends: impl Fn(usize) -> Vec<Vec<Point>> + Sync) -> usize {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let deaths = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let Some(deed) = DEEDS.get(index) else { return };
            let (wanted, _) = alone(deed, &[]);
            for ends in ends(index) {
                let (ended, times) = alone(deed, &ends);
                assert_eq!(ended, wanted, "{}, ended at {ends:?}", deed.name);
                deaths.fetch_add(times, std::sync::atomic::Ordering::SeqCst);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        for thread in threads {
            thread.join().unwrap();
        }
    });
    deaths.into_inner()
}

fn points() -> impl Iterator<Item = Point> {
    Point::ALL.into_iter().map(|(point, _)| point)
}

#[test]
fn whatever_was_begun_when_the_daemon_died_comes_to_its_end_once() {
    let deaths = each(|_| points().map(|point| vec![point]).collect());
    assert!(deaths > 80, "only {deaths} ends were reached");
}

#[test]
fn dying_again_while_that_is_put_right_changes_nothing() {
    let again = [Point::Examining, Point::Examined, Point::Following, Point::Followed, Point::Settling, Point::Settled];
    let deaths = each(|deed| {
        let pairs = points().enumerate().map(|(index, point)| vec![point, again[(deed + index) % again.len()]]);
        pairs.collect()
    });
    assert!(deaths > 100, "only {deaths} ends were reached");
}

/// It may never be due again, and would be counted nowhere.
#[test]
fn what_a_dead_sweep_had_claimed_is_let_go_of() {
    let outcomes = on_its_own(async {
        let mut world = World::new(0, &DEEDS[0].plan).await;
        let id = world.fake.contact_starts("Hello?");
        world.pass(minutes(1));
        world.fake.teammate_replies(&id, "Hello.");
        world.start().await;
        world.look().await.unwrap();
        world.pass(days(1));
        world.end = Some(End::At(Point::Claimed, 0));
        world.tick().await.unwrap();
        assert_eq!(world.deaths, 1);
        world.fake.contact_replies(&id, "One more thing.");
        world.start().await;
        world.tick().await.unwrap();
        let outcomes = world.ask("SELECT outcome || ': ' || why FROM attempt").await;
        world.stop().await;
        outcomes
    });
    assert_eq!(outcomes, ["left: the daemon ended before anything was sent"]);
}
