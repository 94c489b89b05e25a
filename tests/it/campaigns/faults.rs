//! A disk that fails at one point: the n-th write or sync, once or from then on, a disk that is full, writes that are
//! cut short, somebody else's lock; while the program starts, runs or stops. Then the power goes, or not, and it is
//! started on a good disk.

use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{FakeIntercom, Workspace};
use tokio::time::{Instant, sleep};

use super::{Campaign, Round};
use crate::disk::Fault;
use crate::disk::machine::{Machine, PATIENCE, Up};
use crate::disk::senders::{Senders, notification};
use crate::harness::CLIENT_SECRET;

/// Closes with a text, a second after a teammate has answered.
const RULE: &str = r#"
[schedule]
sweep = "* * * * * *"

[[rule]]
name = "quiet"
match.state = ["open"]
match.waiting_on = "anyone"
step = [{ after = "1 second", do = "close", body = "Closing this for now." }]
"#;

use When::{Acting, Running, Starting, Stopping};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// From the first moment on an empty disk.
    Starting,
    /// While notifications come in.
    Running,
    /// While a conversation falls due and is closed, and nothing else comes.
    Acting,
    /// When it is told to end, and the log is emptied into the database.
    Stopping,
}

/// What fails, of which files, when, and up to which point there is something that can.
const KINDS: [(&str, &str, When, usize); 20] = [
    ("write-once", "-wal", Running, 120),
    ("write-once", "-wal", Acting, 120),
    ("write-once", "", Starting, 250),
    ("write-once", ".db", Stopping, 50),
    ("sync-once", "-wal", Running, 20),
    ("sync-once", "-wal", Acting, 10),
    ("sync-once", "", Starting, 30),
    ("sync-once", ".db", Stopping, 1),
    ("write-on", "", Running, 120),
    ("write-on", "", Acting, 120),
    ("write-on", "", Starting, 250),
    ("sync-on", "", Running, 20),
    ("sync-on", "", Acting, 10),
    ("sync-on", "", Starting, 30),
    ("full", "", Running, 120),
    ("full", "", Acting, 120),
    ("full", "", Starting, 250),
    ("full", "", Stopping, 50),
    ("short", "", Running, 9),
    ("lock", "", Running, 30),
];

/// How long a disk stays bad.
const BAD_FOR: Duration = Duration::from_millis(2_500);
/// As long as a close may take that nothing hinders.
const ACTS_WITHIN: Duration = Duration::from_secs(6);
const SENDERS: usize = 4;

struct Trial {
    machine: Machine,
    fake: FakeIntercom,
    fault: Fault,
    when: When,
    acknowledged: Vec<String>,
    refused: u64,
    healed: Option<Duration>,
}

/// In the long form each kind gets points from the first one on, at first one by one; the short form draws.
fn drawn(round: &mut Round, long: bool) -> (Fault, When) {
    let step = usize::try_from(round.number - 1).unwrap();
    let (kind, of, when, most) = KINDS[if long { step % KINDS.len() } else { round.dice.below(KINDS.len()) }];
    let point = match step / KINDS.len() {
        _ if !long && kind == "lock" => 0,
        _ if !long => round.dice.below(most),
        few @ 0..6 => few,
        more => 6 + (more - 6) * 7 + round.dice.below(7),
    };
    (Fault { kind, of, nth: u64::try_from(1 + point % most).unwrap() }, when)
}

impl Trial {
    async fn of(fault: Fault, when: When) -> Trial {
        let fake = FakeIntercom::start(Clock::System, Workspace::default()).await.unwrap();
        let machine = Machine::new(&fake.url(), RULE);
        Trial { machine, fake, fault, when, acknowledged: Vec::new(), refused: 0, healed: None }
    }

    /// The program, ready; on a disk that fails meanwhile it says so, and waits until it is mended. Half of those disks
    /// have a database already.
    async fn started(&mut self, round: &mut Round) -> Result<Up, String> {
        if self.when == Starting {
            if round.dice.chance(50) {
                let up = self.machine.start(None).map_err(|over| format!("it did not start: {over:#?}"))?;
                self.acknowledged.push("before".into());
                assert!(up.post(notification("before", 1)).await.is_some_and(|status| status == 200));
                up.ends("KILL");
            }
            self.machine.arm();
        }
        let up = self.machine.start(Some(&self.fault));
        up.map_err(|over| format!("it ended, and may have gone on: {over:#?}"))
    }

    /// Under load, or with a conversation to close, the disk fails, and is mended after a while.
    async fn runs(&mut self, up: &mut Up, name: &str) -> Result<(), String> {
        self.fake.send_notifications_to(&up.webhook, CLIENT_SECRET);
        let id = self.fake.contact_starts("How do I export my data?");
        self.fake.teammate_replies(&id, "Under Settings, then Export.");
        self.fake.settle().await;
        if matches!(self.when, Running | Acting) {
            self.machine.arm();
        }
        let calls = self.fake.mutating_calls().len();
        match self.when {
            Acting => self.acts(&id).await,
            Starting | Running | Stopping => self.takes(up, name).await?,
        }
        if self.fault.stays() && self.machine.failed() > 0 {
            sleep(BAD_FOR).await;
            // One may have been written down before, and have been on its way.
            let calls = self.fake.mutating_calls().len() - calls;
            if calls > 1 {
                return Err(format!("{calls} calls left while nothing could be written down"));
            }
        }
        self.machine.mend();
        self.heals(up, name).await
    }

    async fn acts(&self, id: &ConversationId) {
        let (began, failed) = (Instant::now(), self.machine.failed());
        while self.fake.conversation(id).unwrap().state != "closed"
            && began.elapsed() < ACTS_WITHIN
            && (self.machine.failed() == failed || !self.fault.stays())
        {
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn takes(&mut self, up: &Up, name: &str) -> Result<(), String> {
        let lock = if self.fault.kind == "lock" { Some(self.locked().await) } else { None };
        let mut senders = Senders::start(up, SENDERS, name);
        if let Some(mut lock) = lock {
            sleep(Duration::from_secs(self.fault.nth)).await;
            sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
        }
        let enough = 40 + 6 * usize::try_from(self.fault.nth).unwrap().min(20);
        senders.until(|answered| answered.acknowledged.len() >= enough || answered.refused >= 4).await;
        let answered = senders.stop().await;
        self.acknowledged.extend(answered.acknowledged);
        self.refused += answered.refused;
        if answered.odd.is_empty() { Ok(()) } else { Err(format!("answered {:?}", answered.odd)) }
    }

    async fn locked(&self) -> sqlx::SqliteConnection {
        let mut stranger = self.machine.stranger().await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
        stranger
    }

    async fn heals(&mut self, up: &mut Up, name: &str) -> Result<(), String> {
        let began = Instant::now();
        for try_number in 0.. {
            let id = format!("{name}-after-{try_number}");
            let status = up.post(notification(&id, 1)).await;
            if status.is_some_and(|status| status == 200) && up.is_ready().await {
                self.acknowledged.push(id);
                break;
            }
            if up.is_over() || began.elapsed() > PATIENCE {
                return Err(format!("it did not recover on a good disk within {:?}: {status:?}", began.elapsed()));
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.healed = Some(began.elapsed());
        Ok(())
    }

    /// Ends it as the dice say; whatever the disk did, what was acknowledged is there, and the database is whole.
    async fn ends(&mut self, up: Up, round: &mut Round) -> Result<(), String> {
        if self.when == Stopping {
            self.machine.arm();
            let over = up.ends("TERM");
            if over.status.code() != Some(0) {
                return Err(format!("it did not end well: {over:#?}"));
            }
        } else {
            up.ends("KILL");
        }
        self.machine.mend();
        // What comes after a restart is built on what was found then, and must be as safe.
        if round.dice.chance(50) {
            let up = self.machine.start(None).map_err(|over| format!("it did not start again: {over:#?}"))?;
            for number in 0..3 {
                let id = format!("again-{number}");
                if up.post(notification(&id, 2)).await.is_some_and(|status| status == 200) {
                    self.acknowledged.push(id);
                }
            }
            up.ends("KILL");
        }
        if round.dice.chance(70) {
            self.machine.loses_power(&mut round.dice);
        }
        let up = self.machine.start(None).map_err(|over| format!("it did not start again: {over:#?}"))?;
        let (missing, damage) = (self.machine.missing(&self.acknowledged).await, self.machine.damage().await);
        if !missing.is_empty() || damage.is_some() {
            return Err(format!("acknowledged and lost: {missing:?}; damage: {damage:?}"));
        }
        if !up.is_ready().await {
            return Err("it started and takes no commits".into());
        }
        up.ends("KILL");
        let closes = self.fake.mutating_calls().iter().filter(|call| call.path.ends_with("/parts")).count();
        if closes > 1 { Err(format!("it was said {closes} times")) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_point_of_the_disk_fails_nothing_acknowledged_is_lost() {
    let mut campaign = Campaign::of("faults", 10);
    while let Some(mut round) = campaign.next() {
        let (fault, when) = drawn(&mut round, campaign.is_long());
        let mut trial = Trial::of(fault, when).await;
        let done = async {
            let mut up = trial.started(&mut round).await?;
            trial.runs(&mut up, &round.number.to_string()).await?;
            trial.ends(up, &mut round).await
        };
        if let Err(how) = done.await {
            campaign.broken(&round, &format!("{:?} {:?}: {how}", trial.when, trial.fault));
        }
        campaign.count("closes", u64::try_from(trial.fake.mutating_calls().len()).unwrap());
        campaign.count("points that were met", u64::from(trial.machine.failed() > 0));
        campaign.count("acknowledged", u64::try_from(trial.acknowledged.len()).unwrap());
        campaign.count("answered 503", trial.refused);
        match trial.healed {
            Some(took) if trial.fault.kind == "lock" => campaign.took("well again after a lock", took),
            Some(took) if trial.machine.failed() > 0 => campaign.took("well again after a fault", took),
            _ => {}
        }
        campaign.done(&round);
    }
    assert!(campaign.counted("points that were met") > 0);
    if campaign.is_long() {
        for (what, seconds) in [("well again after a fault", 30), ("well again after a lock", 1)] {
            assert!(campaign.p99(what) <= Duration::from_secs(seconds), "{what}: {:?}", campaign.p99(what));
        }
    }
    campaign.verdict("nothing that was acknowledged was lost, nothing said twice, and every database was whole");
}
