//! Whether a dry run was right: what people did after the daemon would have closed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rule::RuleName;

/// A step that would have been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// The rule.
    pub rule: RuleName,
    /// It would have closed the conversation.
    pub closes: bool,
    /// It would have said something to the contact.
    pub speaks: bool,
    /// When a teammate closed the conversation after it.
    pub closed_by_person_at: Option<Timestamp>,
    /// When the contact wrote after it.
    pub contact_replied_at: Option<Timestamp>,
}

/// What people did after a close that was only rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A person closed it too: it would have been right.
    ClosedByPerson,
    /// The contact came back first: the close would have been in the way.
    ContactCameBack,
    /// Neither, so far.
    Open,
}

impl Rehearsal {
    /// What came first. In one second the contact's reply counts as the later, as everywhere.
    pub fn verdict(&self) -> Verdict {
        match (self.closed_by_person_at, self.contact_replied_at) {
            (Some(closed), Some(replied)) if closed <= replied => Verdict::ClosedByPerson,
            (_, Some(_)) => Verdict::ContactCameBack,
            (Some(_), None) => Verdict::ClosedByPerson,
            (None, None) => Verdict::Open,
        }
    }
}

/// What a rule would have done, and how right that would have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Conversations that it would have closed.
    pub closes: u64,
    /// Messages to contacts that it would have sent, closing texts included.
    pub messages: u64,
    /// Steps that are neither.
    pub others: u64,
    /// Closes after which a person closed the conversation too.
    pub closed_by_person: u64,
    /// Closes after which the contact came back first.
    pub contact_came_back: u64,
}

/// Rule by rule.
pub fn by_rule(rehearsals: &[Rehearsal]) -> BTreeMap<RuleName, Rehearsed> {
    let mut rules: BTreeMap<RuleName, Rehearsed> = BTreeMap::new();
    for rehearsal in rehearsals {
        let told = rules.entry(rehearsal.rule.clone()).or_default();
        told.closes += u64::from(rehearsal.closes);
        told.messages += u64::from(rehearsal.speaks);
        told.others += u64::from(!rehearsal.closes && !rehearsal.speaks);
        let verdict = rehearsal.closes.then(|| rehearsal.verdict());
        told.closed_by_person += u64::from(verdict == Some(Verdict::ClosedByPerson));
        told.contact_came_back += u64::from(verdict == Some(Verdict::ContactCameBack));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_did_first_tells_whether_it_would_have_been_right() {
        let at = |second: Option<i64>| second.map(|second| Timestamp::from_second(second).unwrap());
        for (closed, replied, want) in [
            (None, None, Verdict::Open),
            (Some(5), None, Verdict::ClosedByPerson),
            (None, Some(5), Verdict::ContactCameBack),
            (Some(5), Some(6), Verdict::ClosedByPerson),
            (Some(6), Some(5), Verdict::ContactCameBack),
            (Some(5), Some(5), Verdict::ClosedByPerson),
        ] {
            let rehearsal = Rehearsal {
                rule: RuleName::from("quiet"),
                closes: true,
                speaks: false,
                closed_by_person_at: at(closed),
                contact_replied_at: at(replied),
            };
            assert_eq!(rehearsal.verdict(), want, "{closed:?} {replied:?}");
        }
    }

    #[test]
    fn a_message_that_closes_nothing_proves_nothing() {
        let reminder = Rehearsal {
            rule: RuleName::from("quiet"),
            closes: false,
            speaks: true,
            closed_by_person_at: Some(Timestamp::UNIX_EPOCH),
            contact_replied_at: None,
        };
        let silent = Rehearsal { speaks: false, ..reminder.clone() };
        let told = by_rule(&[reminder, silent.clone(), silent]);
        let want = Rehearsed { messages: 1, others: 2, ..Rehearsed::default() };
        assert_eq!(told[&RuleName::from("quiet")], want);
    }

    #[test]
    fn closes_are_counted_by_rule_and_by_what_people_did_after_them() {
        let close = |closed: Option<i64>, replied: Option<i64>| Rehearsal {
            rule: RuleName::from("quiet"),
            closes: true,
            speaks: true,
            closed_by_person_at: closed.map(|second| Timestamp::from_second(second).unwrap()),
            contact_replied_at: replied.map(|second| Timestamp::from_second(second).unwrap()),
        };
        let told = by_rule(&[close(Some(1), None), close(Some(2), Some(1)), close(None, Some(1)), close(None, None)]);
        let want = Rehearsed { closes: 4, messages: 4, others: 0, closed_by_person: 1, contact_came_back: 2 };
        assert_eq!(told[&RuleName::from("quiet")], want);
    }
}
