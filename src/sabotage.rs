//! Where a test may end the daemon, which of its safeguards a test may take away, and what it may answer in Intercom's
//! place.
//!
//! Owns: the names of the first two, and the switches. Refuses: existing in what is shipped: without the feature `sabotage`,
//! which only this package's own tests turn on, a point is nothing and no bug is ever planted.
//!
//! The switch belongs to the thread, so that tests beside each other do not meet: whoever uses it runs everything on
//! a current-thread runtime. A program of its own is ended at a point by the environment variable
//! `AUTOCLOSED_ENDS_AT`, with the name of the point and perhaps how often it is passed before: `sent`, `sent:2`. From one a
//! safeguard is taken away, on all of its threads, by `AUTOCLOSED_PLANTED` with the name of the bug.

mod answers;

/// A moment between two steps of acting, at which the daemon may die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// It is due; nothing is written down.
    Picked,
    /// The step is claimed.
    Claimed,
    /// The conversation was read and decided on again.
    Read,
    /// It is written down that a call leaves, and none has left.
    WrittenDown,
    /// Intercom has answered; nothing of the answer is written down.
    Answered,
    /// The answer is folded in; the attempt does not know it yet.
    Folded,
    /// Our parts are known as ours; the outcome is not written down.
    Known,
    /// The transaction that writes the outcome has begun.
    Settling,
    /// The outcome is committed; what follows it has not begun.
    Settled,
    /// What follows was picked; nothing of it was asked.
    Following,
    /// What follows was done and answered; that is not written down.
    Followed,
    /// A lost answer is looked into; nothing was asked.
    Examining,
    /// What became of it was read; that is not written down.
    Examined,
    /// What came due all at once was counted and is too much; nothing of it was put aside.
    Counted,
}

impl Point {
    /// All of them with their names, in the order in which a deed passes them.
    pub const ALL: [(Point, &'static str); 14] = [
        (Point::Picked, "picked"),
        (Point::Claimed, "claimed"),
        (Point::Read, "read"),
        (Point::WrittenDown, "written_down"),
        (Point::Answered, "answered"),
        (Point::Folded, "folded"),
        (Point::Known, "known"),
        (Point::Settling, "settling"),
        (Point::Settled, "settled"),
        (Point::Following, "following"),
        (Point::Followed, "followed"),
        (Point::Examining, "examining"),
        (Point::Examined, "examined"),
        (Point::Counted, "counted"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Point::ALL.iter().find(|(point, _)| *point == self).map_or("", |(_, name)| name)
    }
}

/// A safeguard that is taken away, so that a test can show that it would be missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bug {
    /// What Intercom shows just before the deed is not what is decided on.
    DecidesOnWhatIsStored,
    /// When Intercom asks to wait, nobody waits.
    IgnoresTheReset,
    /// The client goes wherever an answer sends it.
    FollowsRedirects,
    /// A call whose answer was lost is sent once more at once.
    SendsAgainBlindly,
    /// What is due is told by the machine's clock alone.
    GoesByTheLocalClock,
    /// Nobody finds out when Intercom's trouble is over.
    NeverHalfOpens,
    /// However much contacts reopen, no rule trips.
    JudgesNoRule,
    /// An undo opens a conversation before it is written down that no rule may touch it.
    UndoLeavesNoMark,
    /// What came due all at once is not counted.
    ForgetsWhatCameDueAtOnce,
    /// What is too late is done all the same.
    IsNeverTooLate,
    /// Whoever was taken over goes on as if nobody had.
    IgnoresTheEpoch,
    /// What health says of the first look keeps nobody from acting.
    ActsBeforeItHasLooked,
    /// A contact's reply in the second of the close counts as later than it.
    TieCountsAsLater,
    /// An operator's word is asked for when a deed is planned, and not again when it leaves.
    AsksTheOperatorOnce,
    /// What the daemon itself has done counts as somebody's doing.
    OwnPartsCount,
    /// What Intercom shows that we said, and the database does not know, was somebody else's.
    ForgetsWhatItSaid,
    /// The budget of an hour is that of a sweep.
    BudgetIsForgotten,
    /// That a call leaves is written down after it.
    WritesDownLate,
    /// What a conversation comes to is not computed again after a deed.
    LosesWakeUps,
    /// What was closed over a contact's reply stays closed.
    NeverTakesBack,
    /// What is to follow a deed is known to who did it alone.
    ForgetsWhatFollows,
    /// Lost answers are not looked into.
    NeverLooksIntoLostAnswers,
    /// What is no JSON is answered as such before anybody asks who signed it.
    ParsesBeforeItVerifies,
    /// A signature fits that begins as the right one does.
    ComparesAPrefix,
    /// A notification is answered when it waits to be written.
    AcknowledgesBeforeItCommits,
    /// A notification that was seen is not looked at again, whatever it says now.
    DeduplicatesByIdAlone,
    /// However large what waits to be written is, more may wait.
    QueuesWithoutBound,
    /// What was refused is logged with all its headers.
    QuotesTheSignature,
    /// The client shows its token when it is written out for a log.
    ShowsTheToken,
    /// A commit does not wait until the disk has it (`synchronous=NORMAL`).
    CommitsWithoutSync,
    /// Whatever stands where a conversation's id should is taken for one.
    TakesAnythingForAnId,
    /// A date may lie in any year.
    BelievesAnyDate,
    /// Of several signatures the first counts.
    BelievesTheFirstSignature,
    /// A start writes behind what it finds in the log.
    BuildsOnAnOldLog,
    /// What is left of erased rows in unused space stays there.
    LeavesRemains,
    /// A file of ours is opened without looking through it.
    TrustsTheFile,
    /// Damage that was met is not remembered.
    ForgetsDamage,
    /// What reading shows and no webhook has told is taken for told.
    MissesNothing,
    /// What is older than `retention` stays.
    KeepsEverything,
}

#[cfg(not(feature = "sabotage"))]
mod switch {
    use super::{Bug, Point};

    /// Passes a point.
    #[expect(clippy::unused_async, reason = "where tests may stop it, it is a moment of waiting")]
    #[inline]
    pub(crate) async fn reached(_: Point) {}

    /// Whether a safeguard is taken away: never.
    #[inline]
    pub(crate) const fn planted(_: Bug) -> bool {
        false
    }
}

#[cfg(feature = "sabotage")]
mod switch {
    use std::cell::{Cell, RefCell};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, OnceLock};

    use tokio::sync::Notify;

    use super::{Bug, Point};

    type Hook = Box<dyn FnMut(Point) -> Then>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
        static BUG: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// What becomes of whoever has reached a point.
    #[derive(Debug, Clone)]
    pub enum Then {
        /// Nothing.
        GoesOn,
        /// It never goes on; the test drops it, which is as near to death as a part of a process gets.
        Stands,
        /// It goes on when it is told to; meanwhile other things may happen.
        Waits(Arc<Notify>),
    }

    /// While it lives, the hook or the bug is in force on this thread.
    #[derive(Debug)]
    #[must_use = "with it goes what it stands for"]
    pub struct InForce(std::marker::PhantomData<*const ()>);

    impl Drop for InForce {
        fn drop(&mut self) {
            HOOK.with_borrow_mut(Option::take);
            BUG.set(None);
        }
    }

    /// Asks `hook` at every point that is reached on this thread.
    pub fn at_points(hook: impl FnMut(Point) -> Then + 'static) -> InForce {
        HOOK.with_borrow_mut(|place| *place = Some(Box::new(hook)));
        InForce(std::marker::PhantomData)
    }

    /// Takes a safeguard away on this thread.
    pub fn plant(bug: Bug) -> InForce {
        BUG.set(Some(bug));
        InForce(std::marker::PhantomData)
    }

    /// Passes a point, if it may.
    pub(crate) async fn reached(point: Point) {
        if ends_here(point) {
            std::process::abort();
        }
        let then = HOOK.with_borrow_mut(|hook| hook.as_mut().map(|hook| hook(point)));
        match then {
            None | Some(Then::GoesOn) => {}
            Some(Then::Stands) => std::future::pending().await,
            Some(Then::Waits(told)) => told.notified().await,
        }
    }

    /// Whether a safeguard is taken away.
    pub(crate) fn planted(bug: Bug) -> bool {
        BUG.get() == Some(bug) || everywhere(bug)
    }

    /// Whether the environment takes a safeguard away from the whole program.
    fn everywhere(bug: Bug) -> bool {
        static PLANTED: OnceLock<Option<String>> = OnceLock::new();
        let planted = PLANTED.get_or_init(|| std::env::var("AUTOCLOSED_PLANTED").ok());
        planted.as_ref().is_some_and(|name| *name == format!("{bug:?}"))
    }

    /// Whether the environment ends the program here.
    fn ends_here(point: Point) -> bool {
        static END: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();
        let end = END.get_or_init(|| {
            let end = std::env::var("AUTOCLOSED_ENDS_AT").ok()?;
            let (name, times) = end.split_once(':').unwrap_or((&end, "0"));
            Some((name.to_owned(), AtomicU32::new(times.parse().ok()?)))
        });
        let Some((name, before)) = end else { return false };
        name == point.name()
            && before.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}

pub(crate) use answers::made_up;
#[cfg(feature = "sabotage")]
pub use answers::{InPlace, answering};
#[cfg(feature = "sabotage")]
pub use switch::{InForce, Then, at_points, plant};
pub(crate) use switch::{planted, reached};
