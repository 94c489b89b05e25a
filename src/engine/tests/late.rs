//! Stories of reminders that come late, and of the close that keeps its distance.

use super::book::book;
use super::world::{story_of, tale};

const LADDER: &str = r"
rule quiet
match_all = true
3 days reply We close this on {{ closes_at | date }}.
5 days close Closing this.
";

#[test]
fn an_outage_moves_the_reminder_and_the_close() {
    insta::assert_snapshot!(tale(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 daemon down until sat 12:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        mon 02 10:00  daemon down until sat 12:00
        sat 07 12:00  ** reply that it closes mon 09 12:00 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until mon 09 12:00 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        mon 09 12:00  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_spent_budget_moves_the_reminder_and_the_close() {
    insta::assert_snapshot!(tale(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 budget spent until fri 12:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        mon 02 10:00  budget spent until fri 12:00
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  put off: the messages of this hour are used up
        fri 06 12:00  ** reply that it closes sun 08 12:00 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sun 08 12:00 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sun 08 12:00  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_refusal_moves_the_reminder_and_the_close() {
    insta::assert_snapshot!(tale(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 refused 2 times
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        mon 02 10:00  refused 2 times
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  refused
        fri 06 09:05  ** reply that it closes sun 08 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  refused
        sat 07 09:05  ** reply that it closes mon 09 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until mon 09 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn no_close_follows_a_reminder_that_was_refused_for_good() {
    insta::assert_snapshot!(tale(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 refused 3 times
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        mon 02 10:00  refused 3 times
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  refused
        fri 06 09:05  ** reply that it closes sun 08 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  refused
        sat 07 09:05  ** reply that it closes mon 09 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  refused for good
            leave: step `reply 1` failed, so nothing follows it
        ");
}

const OFFICE: &str = "[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n";

#[test]
fn a_weekend_moves_the_reminders_the_close_and_the_date_that_they_tell() {
    let book = format!("{OFFICE}{LADDER}")
        .replace("match_all = true", "match_all = true\nact_only = \"office\"\n1 day reply All well?");
    insta::assert_snapshot!(tale(&book, "
        thu 19:00 contact writes
        thu 20:00 teammate replies
    "), @r"
        thu 05 19:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        thu 05 20:00  teammate replies
            wait until mon 09 09:00 for `reply 1` of `quiet`: 1 day without a word since a teammate wrote at thu 05 20:00
        mon 09 09:00  ** reply that it closes fri 13 09:00 by `reply 1` of `quiet`: 1 day without a word since a teammate wrote at thu 05 20:00
            wait until wed 11 09:00 for `reply 2` of `quiet`: 3 days without a word since a teammate wrote at thu 05 20:00
        wed 11 09:00  ** reply that it closes fri 13 09:00 by `reply 2` of `quiet`: 3 days without a word since a teammate wrote at thu 05 20:00
            wait until fri 13 09:00 for `close` of `quiet`: 5 days without a word since a teammate wrote at thu 05 20:00
        fri 13 09:00  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at thu 05 20:00
            leave: it is closed
        ");
    let book = format!(
        "{OFFICE}rule quiet\nmatch_all = true\nact_only = \"office\"\n1 day reply All well?\n2 days reply Still there?\n3 days close\n"
    );
    insta::assert_snapshot!(tale(&book, "
        thu 09:00 contact writes
        thu 10:00 teammate replies
    "), @r"
        thu 05 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        thu 05 10:00  teammate replies
            wait until fri 06 10:00 for `reply 1` of `quiet`: 1 day without a word since a teammate wrote at thu 05 10:00
        fri 06 10:00  ** reply that it closes tue 10 09:00 by `reply 1` of `quiet`: 1 day without a word since a teammate wrote at thu 05 10:00
            wait until mon 09 09:00 for `reply 2` of `quiet`: 2 days without a word since a teammate wrote at thu 05 10:00
        mon 09 09:00  ** reply that it closes tue 10 09:00 by `reply 2` of `quiet`: 2 days without a word since a teammate wrote at thu 05 10:00
            wait until tue 10 09:00 for `close` of `quiet`: 3 days without a word since a teammate wrote at thu 05 10:00
        tue 10 09:00  ** close silently by `close` of `quiet`: 3 days without a word since a teammate wrote at thu 05 10:00
            leave: it is closed
        ");
}

/// The rules that hold first, and those that the operator changes them to.
fn edited(first: &str, then: &str, happens: &str) -> String {
    story_of(vec![book(first), book(then)], happens)
}

const ANSWERED: &str = "
    mon 09:00 contact writes
    mon 09:05 teammate replies
    thu 12:00 the rules change
";

#[test]
fn a_changed_text_is_not_sent_instead_of_the_one_that_was() {
    insta::assert_snapshot!(edited(LADDER, &LADDER.replace("We close", "Soon we close"), ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
        sat 07 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn changed_distances_keep_the_distance_from_what_was_done() {
    let sooner = LADDER.replace("3 days", "1 day").replace("5 days", "2 days");
    insta::assert_snapshot!(edited(LADDER, &sooner, ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
            wait until fri 06 09:05 for `close` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** close with a last word by `close` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
    let later = LADDER.replace("3 days", "6 days").replace("5 days", "9 days");
    insta::assert_snapshot!(edited(LADDER, &later, ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
            wait until wed 11 09:05 for `close` of `quiet`: 9 days without a word since a teammate wrote at mon 02 09:05
        wed 11 09:05  ** close with a last word by `close` of `quiet`: 9 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_renamed_rule_says_nothing_again_and_closes_no_sooner() {
    insta::assert_snapshot!(edited(LADDER, &LADDER.replace("quiet", "calm"), ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
            passed over: another rule wrote to the contact in this silence by `reply 1` of `calm`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  ** passed over: another rule wrote to the contact in this silence by `reply 1` of `calm`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `calm`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close with a last word by `close` of `calm`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn steps_put_before_and_after_one_that_is_done_repeat_nothing() {
    let before = LADDER.replace("3 days", "1 day reply All well?\n3 days");
    insta::assert_snapshot!(edited(LADDER, &before, ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
            wait until sat 07 09:05 for `reply 2` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** passed over: the same message went out in this silence already by `reply 2` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until mon 09 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
    let after = LADDER.replace("5 days", "4 days note Nearly closed.\n5 days");
    insta::assert_snapshot!(edited(LADDER, &after, ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
            wait until fri 06 09:05 for `note 1` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** note by `note 1` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_reminder_that_was_late_and_is_no_longer_in_the_rule_still_keeps_the_close_away_for_a_day() {
    let without = LADDER.replace("3 days reply We close this on {{ closes_at | date }}.", "");
    insta::assert_snapshot!(edited(LADDER, &without, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 daemon down until sun 12:00
        sun 13:00 the rules change
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        mon 02 10:00  daemon down until sun 12:00
        sun 08 12:00  ** reply that it closes tue 10 12:00 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until tue 10 12:00 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sun 08 13:00  the rules change
            wait until mon 09 12:00 for `close` of `quiet`: rule `quiet` wrote to the contact less than a day ago
        mon 09 12:00  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_step_put_before_one_that_is_done_is_not_done_after_it() {
    let before = LADDER.replace("3 days", "1 day note All well.\n2 days snooze 9 days\n3 days");
    insta::assert_snapshot!(edited(LADDER, &before, ANSWERED), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  the rules change
        sat 07 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}
