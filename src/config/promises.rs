//! Texts that name another time than their timer: "we close this in 3 days", while the close comes in two.
//!
//! Owns: which lengths of time a text may name. Refuses: to read more than English, and to doubt what could be meant
//! otherwise. [`sentences`] says which lengths speak of the close or of the silence at all; of those a text may name
//!
//! - the time from its step to the close, and the silence so far, which is the step's `after`;
//! - the time since an earlier step, told as "… ago";
//! - the whole silence up to the close, unless it is told as time to come ("in …", "within …").
//!
//! By a calendar, so many working days may be told as as many days, and a week as its days with hours. Opening time
//! ("9 hours") is compared with hours alone. What a template expression writes is never doubted.

mod sentences;

use toml::Spanned;

use super::duration::distance_in_words;
use super::notes::Notes;
use super::reader::shown;
use crate::engine::rule::{After, StepKind};
use crate::engine::{Rule, Step};
use sentences::{Named, Topic, Unit};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Notes each length of time in the text of `rule`'s `index`th step that is not its timer's.
pub(super) fn doubt(notes: &Notes<'_>, body: &Spanned<&str>, rule: &Rule, index: usize) {
    let Some(timer) = Timer::of(rule, index) else { return };
    for named in sentences::lengths(body.get_ref()) {
        if timer.may_be_named(&named) {
            continue;
        }
        let message = format!("this text says \"{}\", but its timer says otherwise", shown(&named.text));
        notes.warning(notes.within(body, Some(named.place.clone())), message, timer.help(&named));
    }
}

/// The times around one step.
struct Timer<'r> {
    rule: &'r Rule,
    step: &'r Step,
    /// From here to the close; none in the close itself and where there is no close.
    left: Option<After>,
    /// Since each step before.
    since: Vec<After>,
    /// From the anchor to the close.
    whole: Option<After>,
}

impl Timer<'_> {
    fn of(rule: &Rule, index: usize) -> Option<Timer<'_>> {
        let step = rule.steps.get(index)?;
        let close = rule.close().map(|close| close.after);
        let left = close.filter(|_| step.id.kind != StepKind::Close).map(|close| close.less(step.after));
        let since = rule.steps[..index].iter().map(|before| step.after.less(before.after)).collect();
        Some(Timer { rule, step, left, since, whole: close })
    }

    fn may_be_named(&self, named: &Named) -> bool {
        let since = self.since.iter().filter(|_| named.ago);
        let whole = self.whole.iter().filter(|_| named.of_silence && !named.ahead);
        let mut right = self.left.iter().chain([&self.step.after]).chain(since).chain(whole);
        right.any(|after| self.is_told_as(*after, named) != Some(false))
    }

    /// Whether this is how a text would tell it; `None` if nobody can say.
    fn is_told_as(&self, after: After, named: &Named) -> Option<bool> {
        let number = i64::from(named.number);
        match (after, &self.rule.clock) {
            (After::Time(time), None) => {
                let unit = match named.unit {
                    Unit::Hours => HOUR,
                    Unit::Days => DAY,
                    Unit::Weeks => 7 * DAY,
                    Unit::WorkingDays => return Some(false),
                };
                Some(time.as_secs() == number * unit)
            }
            (After::Time(time), Some(_)) => (named.unit == Unit::Hours).then(|| time.as_secs() == number * HOUR),
            (After::WorkingDays(days), clock) => {
                let open = clock.as_ref().map_or(7, |clock| clock.week().iter().filter(|day| !day.is_empty()).count());
                let told = match named.unit {
                    Unit::Hours => number * HOUR == i64::from(days) * DAY,
                    Unit::Days | Unit::WorkingDays => number == i64::from(days),
                    Unit::Weeks => named.number as usize * open == days as usize,
                };
                Some(told)
            }
        }
    }

    fn help(&self, named: &Named) -> String {
        let words = |after| distance_in_words(after, self.rule.clock.is_some());
        let silent = words(self.step.after);
        match (self.step.id.kind, named.topic, self.left) {
            (StepKind::Close, ..) => {
                format!("the close comes after {silent} of silence: write {silent}, or {{{{ quiet_for }}}}")
            }
            (_, Topic::Silence, _) => {
                format!("this message comes after {silent} of silence: write {silent}, or {{{{ quiet_for }}}}")
            }
            (_, Topic::Close, Some(left)) => {
                let left = words(left);
                format!("the close comes {left} after this message: write {left}, or {{{{ closes_at | date }}}}")
            }
            (_, Topic::Close, None) => "this rule never closes: add a close to it, or do not promise one".to_owned(),
        }
    }
}
