//! The course of a world: things happen, then calm returns and everything must come to its end.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use autoclosed::fake_intercom::SeenPart;
use autoclosed::sabotage::{Bug, Point, plant};
use jiff::SignedDuration;

use super::dice::Dice;
use super::plans::PLANS;
use super::truth::{Who, is_ours, last_of, said};
use super::world::{Broken, End, World};
use crate::harness::{hours, minutes, seconds};

/// What may happen in a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) steps: usize,
    pub(crate) faults: usize,
    pub(crate) deaths: usize,
    pub(crate) operators: usize,
    pub(crate) clocks: usize,
    pub(crate) races: bool,
    pub(crate) dry_runs: bool,
    /// So many conversations fall due together.
    pub(crate) crowd: usize,
}

impl Course {
    pub(crate) const ALL: Course =
        Course { steps: 32, faults: 10, deaths: 12, operators: 3, clocks: 2, races: true, dry_runs: true, crowd: 0 };
}

/// How a world has ended.
pub(crate) struct Ended {
    pub(crate) broken: Option<Broken>,
    pub(crate) story: Vec<String>,
    pub(crate) hours: u64,
    pub(crate) deeds: usize,
    pub(crate) amid: usize,
    pub(crate) deaths: usize,
}

/// How many worlds have ended.
#[derive(Debug, Default)]
pub(crate) struct Total {
    pub(crate) worlds: u64,
    pub(crate) hours: u64,
    pub(crate) deeds: u64,
    /// Of these so many while anything could still go wrong.
    pub(crate) amid: u64,
    pub(crate) deaths: u64,
    pub(crate) broken: Vec<(u64, Broken)>,
}

impl Total {
    /// One line for each world that broke a promise, with what runs it again.
    pub(crate) fn told(&self) -> String {
        let line = |(seed, broken): &(u64, Broken)| {
            let Broken { law, how } = broken;
            format!(
                "{law}: {how}\n  again: AUTOCLOSED_SEED={seed} cargo test --locked --test it simulation::worlds -- --nocapture"
            )
        };
        self.broken.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Runs one world to its end.
pub(crate) fn run(seed: u64, course: &Course) -> Ended {
    on_its_own(async {
        let mut dice = Dice::of(!seed);
        let mut world = World::new(seed, dice.pick(&PLANS)).await;
        world.dry_run = course.dry_runs && dice.chance(8);
        world.lost_mail = *dice.pick(&[0, 0, 1, 30]);
        world.races = if course.races { *dice.pick(&[0, 0, 5, 20]) } else { 0 };
        world.interruptions = if course.operators > 0 { 10 } else { 0 };
        let began = world.clock.now();
        let broken = live(&mut world, course).await.err();
        world.stop().await;
        let hours = world.clock.now().duration_since(began).as_hours();
        Ended {
            broken,
            hours: u64::try_from(hours).unwrap(),
            deeds: world.deeds,
            amid: world.amid,
            deaths: world.deaths,
            story: std::mem::take(&mut world.story),
        }
    })
}

/// Runs it on this thread alone, where the points and the bugs of it are.
pub(crate) fn on_its_own<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(what);
    runtime.shutdown_background();
    ended
}

/// Runs many worlds, on every core; stops at the third that breaks a promise.
pub(crate) fn many(seeds: Range<u64>, course: &Course, bug: Option<Bug>) -> Total {
    let (next, total) = (AtomicU64::new(seeds.start), Mutex::new(Total::default()));
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let enough = if bug.is_some() { 1 } else { 3 };
                    if seed >= seeds.end || total.lock().unwrap().broken.len() >= enough {
                        return;
                    }
                    let planted = bug.map(plant);
                    let ended = run(seed, course);
                    drop(planted);
                    let mut total = total.lock().unwrap();
                    total.worlds += 1;
                    total.hours += ended.hours;
                    total.deeds += u64::try_from(ended.deeds).unwrap();
                    total.amid += u64::try_from(ended.amid).unwrap();
                    total.deaths += u64::try_from(ended.deaths).unwrap();
                    total.broken.extend(ended.broken.map(|broken| (seed, broken)));
                }
            });
        }
    });
    total.into_inner().unwrap()
}

async fn live(world: &mut World, course: &Course) -> Result<(), Broken> {
    world.start().await;
    for _ in 0..world.dice.between(1, 4) {
        world.somebody_asks();
    }
    for _ in 0..course.crowd {
        world.somebody_asks();
    }
    if course.crowd > 0 {
        world.pass(minutes(1));
        for (id, _) in &world.talks {
            world.fake.teammate_replies(id, "Under Settings.");
        }
        world.bring_mail().await;
        world.pass(hours(30));
        for _ in 0..4 {
            world.pass(seconds(30));
            world.tick().await?;
        }
    }
    for _ in 0..course.steps {
        step(world, course).await?;
    }
    calm(world).await?;
    in_doubt(world).await?;
    world.nothing_is_closed_over()?;
    long_after(world).await
}

async fn step(world: &mut World, course: &Course) -> Result<(), Broken> {
    if world.daemon.is_none() && world.dice.chance(70) {
        world.start().await;
    }
    if world.dice.chance(course.faults) {
        world.something_breaks();
    }
    if world.dice.chance(course.deaths) {
        world.end = Some(some_end(&mut world.dice));
    }
    if world.dice.chance(course.operators) {
        world.operator_speaks().await?;
    }
    if world.paused && world.dice.chance(30) {
        world.resume().await;
    }
    if world.dice.chance(course.clocks) {
        world.clock_is_moved();
    }
    if world.dice.chance(50) {
        world.somebody_acts();
    } else {
        let time = if world.dice.chance(50) { until_something_is_due(world).await } else { None };
        let time = time.unwrap_or_else(|| some_time(&mut world.dice));
        world.pass(time);
    }
    world.bring_mail().await;
    if world.dice.chance(15) {
        world.look().await?;
    }
    // Intercom's clock is known from its last answer alone, and a leap of time ends some waits.
    for _ in 0..*world.dice.weighed(&[(3, 1), (1, 2)]) {
        world.tick().await?;
    }
    world.quiet()
}

/// What is to go wrong goes wrong where something is done: without this, people leave hardly any silence for that.
async fn until_something_is_due(world: &mut World) -> Option<SignedDuration> {
    let now = world.clock.now().as_millisecond();
    let due = world.ask("SELECT CAST(due_at AS TEXT) FROM conversation WHERE due_at IS NOT NULL ORDER BY due_at").await;
    let next = due.iter().map(|at| at.parse::<i64>().unwrap()).find(|at| *at > now)?;
    Some(SignedDuration::from_millis(next - now) + seconds(world.dice.between(0, 90)))
}

fn some_time(dice: &mut Dice) -> SignedDuration {
    match dice.below(10) {
        0..2 => seconds(dice.between(1, 60)),
        2..5 => minutes(dice.between(1, 60)),
        5..9 => minutes(dice.between(60, 780)),
        _ => hours(dice.between(13, 50)),
    }
}

fn some_end(dice: &mut Dice) -> End {
    if dice.chance(60) {
        End::At(dice.pick(&Point::ALL).0, dice.below(3))
    } else {
        End::During { done: dice.chance(50), before: dice.below(3) }
    }
}

/// No more faults, no more crashes; the post arrives, the clock is right, operators let everything go on.
async fn calm(world: &mut World) -> Result<(), Broken> {
    world.tell("calm returns");
    world.amid = world.deeds;
    world.fake.clear_faults();
    (world.races, world.interruptions, world.end, world.lost_mail) = (0, 0, None, 0);
    world.wrong_by = SignedDuration::ZERO;
    world.wall.set_wrong_by(SignedDuration::ZERO);
    world.start().await;
    world.pass(seconds(10));
    world.resume().await;
    let store = world.daemon.as_ref().unwrap().store().clone();
    let app_id = autoclosed::fake_intercom::Workspace::default().app_id;
    for id in std::mem::take(&mut world.held) {
        store.release(&app_id, &id, world.clock.now()).await.unwrap();
    }
    drop(store);
    for _ in 0..12 {
        world.pass(seconds(50));
        world.bring_mail().await;
        world.tick().await?;
    }
    Ok(())
}

/// I16: ten minutes after the last fault nothing is unclear, and nothing is half done.
pub(crate) async fn in_doubt(world: &mut World) -> Result<(), Broken> {
    let law = "I16: ten minutes after the last fault everything is out of doubt";
    let doubtful = "SELECT conversation_id || ' ' || rule || ' ' || step || ' ' || phase || ' ' || coalesce(follow_up, '') || ': ' || why
        FROM attempt WHERE (phase = 'unclear' OR follow_up IS NOT NULL OR outcome = 'claimed')
            AND conversation_id IN (SELECT id FROM conversation WHERE flags & 2 = 0)";
    if !world.dry_run
        && let Some(one) = world.ask(doubtful).await.into_iter().next()
    {
        return Err(Broken { law, how: one });
    }
    Ok(())
}

/// Everybody is silent from now on, and what came too late is let go: what the rules say comes to be.
async fn long_after(world: &mut World) -> Result<(), Broken> {
    let longest = world.plan.longest() + 24 * 4;
    for round in 0..=longest / 12 {
        world.pass(hours(12));
        let_the_backlog_go(world).await;
        if round % 2 == 0 {
            world.look().await?;
        }
        for _ in 0..2 {
            world.pass(minutes(1));
            world.bring_mail().await;
            world.tick().await?;
        }
    }
    world.nothing_is_closed_over()?;
    nothing_stays_due(world).await?;
    everything_is_closed(world).await
}

/// The operator looks into the backlog twice a day.
async fn let_the_backlog_go(world: &World) {
    let app_id = autoclosed::fake_intercom::Workspace::default().app_id;
    let store = world.daemon.as_ref().unwrap().store();
    store.release_backlog(&app_id, 1_000, 1_000, world.clock.now()).await.unwrap();
}

async fn nothing_stays_due(world: &mut World) -> Result<(), Broken> {
    let now = world.clock.now().as_millisecond() - 600_000;
    let due =
        "SELECT id || ' due ' || due_at FROM conversation WHERE due_at IS NOT NULL AND flags & 2 = 0 ORDER BY due_at";
    for one in world.ask(due).await {
        let at: i64 = one.rsplit(' ').next().unwrap().parse().unwrap();
        if at < now && !world.dry_run {
            return Err(Broken { law: "I16: nothing due stays due", how: one });
        }
    }
    Ok(())
}

/// Where the rules leave nothing open, nothing is.
async fn everything_is_closed(world: &mut World) -> Result<(), Broken> {
    if !world.plan.closes_all || world.dry_run {
        return Ok(());
    }
    for (id, opening) in world.talks.clone() {
        let Some(seen) = world.fake.conversation(&id) else { continue };
        let words = said(opening, &seen);
        let person = last_of(&words, &[Who::Contact, Who::Teammate]);
        let last = person.filter(|said| said.who == Who::Teammate);
        let Some(last) = last.filter(|_| seen.state != "closed" && !world.tickets.contains(&id)) else { continue };
        let contact = last_of(&words, &[Who::Contact]).map_or(0, |said| said.part);
        let closes = seen.parts.iter().filter(|part| part.kind == "close" && is_ours(part) && part.id > contact);
        let ours = closes.map(|part| part.id).collect::<Vec<_>>();
        let held = seen.tags.iter().any(|tag| tag == "autoclose-hold");
        // It is closed once for what was said last; and whoever opens that keeps it open until somebody speaks.
        let opens = |part: &&SeenPart| part.id > last.part && !is_ours(part) && part.kind.contains("open");
        let once = ours.iter().any(|part| *part > last.part);
        let reopened = !ours.is_empty() && seen.parts.iter().any(|part| opens(&part));
        let rows = world.attempts(&id).await;
        let failed = rows.iter().any(|row| row.phase == "failed" || row.phase == "parked" || row.phase == "raced");
        if ours.len() < 2 && !held && !once && !reopened && !failed {
            let last = rows.first().map(|row| format!("{} {} {}: {}", row.step, row.phase, row.outcome, row.why));
            let how = format!("{id} is {}, its last attempt: {last:?}; {}", seen.state, world.reasons(&id).await);
            return Err(Broken { law: "I16: what is due is done at last", how });
        }
    }
    Ok(())
}
