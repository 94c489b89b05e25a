//! The reasons, in words. Journal, logs and people get the same ones.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Activity, Class};
use super::rule::{After, RuleName, StepId};

/// Why a decision is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The time has come, or will.
    Quiet {
        /// What it counts from.
        since: Activity,
        /// The step's distance from there.
        after: After,
    },
    /// Outside the hours in which the rule may act.
    OutsideHours,
    /// A rule says that it is to be left alone.
    LeftByRule {
        /// The rule.
        rule: RuleName,
    },
    /// Known only by its id, or a fact that a rule asks for is unknown.
    NotRead,
    /// Deleted or merged away.
    Gone,
    /// Closed already.
    Closed,
    /// A ticket.
    Ticket,
    /// It carries a tag that keeps every rule away.
    Held {
        /// The tag.
        tag: String,
    },
    /// An operator has said that it is to be left alone.
    OnHold {
        /// Until then; `None`: until it is released.
        until: Option<Timestamp>,
    },
    /// An operator has had our close taken back, and no person has spoken since.
    Undone {
        /// When.
        at: Timestamp,
    },
    /// An answer of Intercom's was lost; first it is found out what became of the call.
    Unclear,
    /// Its snooze has ended, but Intercom still says snoozed.
    Overslept {
        /// When the snooze ended.
        since: Timestamp,
    },
    /// Snoozed; the rules look at it again when it wakes.
    UntilItWakes(Box<Why>),
    /// No rule fits.
    NoRuleFits(Vec<(RuleName, Misfit)>),
    /// The contact spoke after what the rule counts from.
    Owed,
    /// None of what the rule counts from was ever seen.
    NothingToCountFrom,
    /// The rule has done all its steps.
    LadderDone,
    /// A step failed for good, so nothing follows it.
    StepFailed {
        /// The step.
        step: StepId,
    },
    /// Intercom refused the step; it rests.
    Parked,
    /// Closed often enough without a word from the contact.
    ClosedOften {
        /// How often.
        times: u32,
    },
    /// A person reopened it after our close and nobody has spoken since.
    Reopened,
    /// Another rule wrote to the contact less than a day ago.
    JustWritten {
        /// The rule that wrote.
        rule: RuleName,
    },
    /// An operator has discarded what the rule had to do in this period.
    Discarded,
}

/// Why a rule does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It is in another state.
    State(&'static str),
    /// The contact wrote.
    ContactWrote,
    /// The contact never wrote.
    ContactNeverWrote,
    /// The contact is owed an answer.
    WaitingOnTeammate,
    /// It is the contact's turn.
    WaitingOnContact,
    /// No person has spoken.
    NobodySpoke,
    /// It has none of the tags.
    NoSuchTag,
    /// It does not have all of the tags.
    MissingTag,
    /// Somebody else spoke last.
    Speaker(&'static str),
    /// A bot spoke last, but has handed it over since.
    HandedOver,
    /// It is snoozed for longer than the rule takes on.
    LongSnooze,
    /// It is assigned, or not, as against what the rule asks for.
    Assigned(bool),
    /// It is assigned to no team, or no teammate.
    Unassigned(&'static str),
    /// It is assigned to another team, or teammate.
    OtherAssignee(&'static str),
    /// It is assigned to a team, or teammate, that the rule leaves out.
    Barred(&'static str),
    /// An attribute has another value, or none. What it is may be personal.
    Attribute {
        /// Its name.
        name: String,
        /// It has a value.
        set: bool,
    },
    /// A fact is another one: which, and what it is.
    Other(&'static str, String),
    /// It is rated, or not.
    Rated(bool),
    /// It began at another time.
    Began,
    /// It has this tag.
    Tagged(String),
}

/// Why a step is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// The same message was sent in this silence already.
    SaidAlready,
    /// The same note was left in this silence already.
    NotedAlready,
    /// Another rule wrote to the contact in this silence.
    OtherRuleWrote,
    /// Its channel is not one that the step may write on.
    Channel,
}

impl PassedOver {
    /// What stands in the way, in words.
    pub fn cause(&self) -> &'static str {
        match self {
            PassedOver::SaidAlready => "the same message went out in this silence already",
            PassedOver::NotedAlready => "the same note was left in this silence already",
            PassedOver::OtherRuleWrote => "another rule wrote to the contact in this silence",
            PassedOver::Channel => "the step may not write on this conversation's channel",
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "passed over: {}", self.cause())
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::State(is) => write!(f, "it is {is}"),
            Misfit::ContactWrote => f.write_str("the contact has written"),
            Misfit::ContactNeverWrote => f.write_str("the contact never wrote"),
            Misfit::WaitingOnTeammate => f.write_str("the contact is owed an answer"),
            Misfit::WaitingOnContact => f.write_str("it is the contact's turn"),
            Misfit::NobodySpoke => f.write_str("no person has spoken"),
            Misfit::NoSuchTag => f.write_str("it has none of the tags"),
            Misfit::MissingTag => f.write_str("it does not have all of the tags"),
            Misfit::Speaker(who) => write!(f, "{who} spoke last"),
            Misfit::HandedOver => f.write_str("the bot has handed it over"),
            Misfit::LongSnooze => f.write_str("it is snoozed for longer"),
            Misfit::Assigned(true) => f.write_str("it is assigned"),
            Misfit::Assigned(false) => f.write_str("it is not assigned"),
            Misfit::Unassigned(what) => write!(f, "it is assigned to no {what}"),
            Misfit::OtherAssignee(what) => write!(f, "it is assigned to another {what}"),
            Misfit::Barred(what) => write!(f, "it is assigned to a {what} that the rule leaves out"),
            Misfit::Attribute { name, set: true } => write!(f, "its attribute `{name}` is another one"),
            Misfit::Attribute { name, set: false } => write!(f, "its attribute `{name}` is not set"),
            Misfit::Other(what, is) => write!(f, "its {what} is {is}"),
            Misfit::Rated(true) => f.write_str("it is rated"),
            Misfit::Rated(false) => f.write_str("it is not rated"),
            Misfit::Began => f.write_str("it began at another time"),
            Misfit::Tagged(tag) => write!(f, "it is tagged `{tag}`"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, &at)
    }
}

impl Why {
    /// The same words, with moments as somebody else says them.
    pub fn with_moments(&self, at: impl Fn(Timestamp) -> String) -> String {
        let mut words = String::new();
        // Writing to a string cannot fail.
        let _ = self.say(&mut words, &at);
        words
    }

    fn say(&self, f: &mut dyn fmt::Write, at: &dyn Fn(Timestamp) -> String) -> fmt::Result {
        match self {
            Why::OutsideHours => f.write_str("outside the hours in which the rule may act"),
            Why::LeftByRule { rule } => write!(f, "rule `{rule}` leaves it alone"),
            Why::Quiet { since, after } => {
                write!(f, "{} without a word since {} at {}", distance(*after), did(since), at(since.at))
            }
            Why::NotRead => f.write_str("not read yet"),
            Why::Gone => f.write_str("it no longer exists in Intercom"),
            Why::Closed => f.write_str("it is closed"),
            Why::Ticket => f.write_str("it is a ticket"),
            Why::Held { tag } => write!(f, "held by the tag `{tag}`"),
            Why::OnHold { until: None } => f.write_str("held by hand until it is released"),
            Why::OnHold { until: Some(until) } => write!(f, "held by hand until {}", at(*until)),
            Why::Undone { at: then } => {
                write!(
                    f,
                    "its close was undone at {}; no rule touches it until the contact or a teammate writes",
                    at(*then)
                )
            }
            Why::Unclear => f.write_str("the answer to the last call was lost; looking into it"),
            Why::Overslept { since } => {
                write!(f, "its snooze ended at {}, but Intercom still says snoozed", at(*since))
            }
            Why::UntilItWakes(why) => {
                why.say(f, at)?;
                f.write_str("; decided again when its snooze ends")
            }
            Why::NoRuleFits(reasons) => no_rule_fits(f, reasons),
            Why::Owed => f.write_str("the contact spoke after what the rule counts from and is owed an answer"),
            Why::NothingToCountFrom => f.write_str("there is nothing to count from"),
            Why::LadderDone => f.write_str("every step of the rule is done"),
            Why::StepFailed { step } => write!(f, "step `{step}` failed, so nothing follows it"),
            Why::Parked => f.write_str("Intercom refused it; trying again later"),
            Why::ClosedOften { times: 1 } => f.write_str("closed once without a word from the contact"),
            Why::ClosedOften { times } => write!(f, "closed {times} times without a word from the contact"),
            Why::Reopened => f.write_str("a person reopened it, and nobody has spoken since"),
            Why::Discarded => {
                f.write_str("an operator discarded it from the backlog; it counts anew when somebody speaks")
            }
            Why::JustWritten { rule } => write!(f, "rule `{rule}` wrote to the contact less than a day ago"),
        }
    }
}

fn no_rule_fits(f: &mut dyn fmt::Write, reasons: &[(RuleName, Misfit)]) -> fmt::Result {
    f.write_str("no rule fits")?;
    for (index, (rule, misfit)) in reasons.iter().enumerate() {
        write!(f, "{} `{rule}`: {misfit}", if index == 0 { ":" } else { ";" })?;
    }
    Ok(())
}

fn did(activity: &Activity) -> &'static str {
    match activity.class {
        Class::ContactReply => "the contact wrote",
        Class::TeammateReply => "a teammate wrote",
        Class::BotReply => "a bot wrote",
        Class::Snoozed => "it was snoozed",
        Class::Unsnoozed => "its snooze ended",
        Class::Opened => "it was opened",
        Class::Closed => "it was closed",
        Class::Note => "a note was left",
        Class::Assigned => "it was assigned",
        Class::Rated => "it was rated",
        Class::Read => "the contact read it",
        Class::Own | Class::Other => "something happened",
    }
}

/// A distance between steps as people say it.
pub fn distance(after: After) -> String {
    match after {
        After::Time(length) => span(length),
        After::WorkingDays(1) => "1 working day".to_owned(),
        After::WorkingDays(days) => format!("{days} working days"),
    }
}

/// A moment as people read it, in UTC.
pub fn at(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A length of time in its two largest units: "7 days", "1 day 2 hours", "45 seconds".
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut words = Vec::new();
    for (size, name) in units.iter().skip(first).take(2) {
        let count = left / size;
        left %= size;
        if count > 0 || words.is_empty() {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_said_in_their_two_largest_units() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute 30 seconds"),
            (3_600, "1 hour"),
            (93_784, "1 day 2 hours"),
            (604_800, "7 days"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn what_happened_once_is_said_so() {
        for (times, said) in [(1, "closed once"), (2, "closed 2 times")] {
            assert_eq!(Why::ClosedOften { times }.to_string(), format!("{said} without a word from the contact"));
        }
    }
}
