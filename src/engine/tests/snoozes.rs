//! Stories of snoozes: how they end, what they move, and what our own messages do to them.

use super::world::story;

const WEEK: &str = r#"
[[rule]]
name = "snoozed-a-week"
match.state = ["snoozed", "woken"]
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "5 days"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."
"#;

/// Counts from the snooze and from its end too, as rules do by default.
fn by_default() -> String {
    WEEK.replace("counts_from = [\"contact_reply\", \"teammate_reply\"]\n", "")
}

#[test]
fn a_conversation_snoozed_for_a_week_is_reminded_snoozed_again_and_closed() {
    insta::assert_snapshot!(story(WEEK, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until second fri 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until second fri 10:00
            wait until sat 07 09:05 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** reply that it closes mon 09 09:05 by `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05:20  snoozed again until fri 13 10:00
            wait until mon 09 09:05 for `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:05  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_woken_conversation_is_closed_as_a_snoozed_one_is() {
    insta::assert_snapshot!(story(WEEK, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until wed 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until wed 10:00
            wait until wed 04 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        wed 04 10:00  (read again)
            wait until sat 07 09:05 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** reply that it closes mon 09 09:05 by `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
            wait until mon 09 09:05 for `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:05  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn somebody_who_does_something_after_the_timer_ends_the_waking() {
    insta::assert_snapshot!(story(WEEK, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until wed 10:00
        thu 10:00 teammate assigns
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until wed 10:00
            wait until wed 04 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        wed 04 10:00  (read again)
            wait until sat 07 09:05 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 10:00  teammate assigns
            leave: no rule fits: `snoozed-a-week`: it is open
        ");
}

#[test]
fn what_a_bot_opens_is_not_woken() {
    insta::assert_snapshot!(story(WEEK, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until wed 10:00
        thu 10:00 bot closes
        thu 11:00 bot opens
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until wed 10:00
            wait until wed 04 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        wed 04 10:00  (read again)
            wait until sat 07 09:05 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 10:00  bot closes
            leave: it is closed
        thu 05 11:00  bot opens
            leave: no rule fits: `snoozed-a-week`: it is open
        ");
}

#[test]
fn a_conversation_in_which_the_contact_is_owed_an_answer_is_left_when_it_wakes() {
    insta::assert_snapshot!(story(WEEK, "
        mon 09:00 contact writes
        mon 09:06 teammate snoozes until wed 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:06  teammate snoozes until wed 10:00
            wait until wed 04 10:00: no rule fits: `snoozed-a-week`: the contact is owed an answer; decided again when its snooze ends
        wed 04 10:00  (read again)
            leave: no rule fits: `snoozed-a-week`: the contact is owed an answer
        ");
}

#[test]
fn a_rule_for_woken_ones_alone_begins_when_the_timer_rings() {
    insta::assert_snapshot!(story(&by_default().replace("\"snoozed\", ", ""), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until wed 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until wed 10:00
            wait until wed 04 10:00: no rule fits: `snoozed-a-week`: it is snoozed; decided again when its snooze ends
        wed 04 10:00  (read again)
            wait until mon 09 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since its snooze ended at wed 04 10:00
        mon 09 10:00  ** reply that it closes wed 11 10:00 by `reply 1` of `snoozed-a-week`: 5 days without a word since its snooze ended at wed 04 10:00
            wait until wed 11 10:00 for `close` of `snoozed-a-week`: 7 days without a word since its snooze ended at wed 04 10:00
        wed 11 10:00  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since its snooze ended at wed 04 10:00
            leave: it is closed
        ");
}

#[test]
fn a_second_snooze_during_the_ladder_counts_anew_but_nothing_is_said_twice() {
    insta::assert_snapshot!(story(&by_default(), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until second mon 10:00
        sun 09:00 teammate snoozes until second mon 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until second mon 10:00
            wait until sat 07 09:06 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06  ** reply that it closes mon 09 09:06 by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06:20  snoozed again until mon 09 10:00
            wait until mon 09 09:06 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at mon 02 09:06
        sun 08 09:00  teammate snoozes until second mon 10:00
            wait until fri 13 09:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at sun 08 09:00
        fri 13 09:00  ** passed over: the same message went out in this silence already by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at sun 08 09:00
            wait until sun 15 09:00 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at sun 08 09:00
        sun 15 09:00  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at sun 08 09:00
            leave: it is closed
        ");
}

#[test]
fn a_snooze_that_ends_without_a_webhook_moves_the_anchor_to_its_end() {
    insta::assert_snapshot!(story(&by_default(), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until wed 10:00
        wed 10:07 look ahead
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until wed 10:00
            wait until wed 04 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        wed 04 10:00  (read again)
            wait until mon 09 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since its snooze ended at wed 04 10:00
        wed 04 10:07  look ahead
        mon 09 10:00  ** reply that it closes wed 11 10:00 by `reply 1` of `snoozed-a-week`: 5 days without a word since its snooze ended at wed 04 10:00
            wait until wed 11 10:00 for `close` of `snoozed-a-week`: 7 days without a word since its snooze ended at wed 04 10:00
        wed 11 10:00  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since its snooze ended at wed 04 10:00
            leave: it is closed
        ");
}

#[test]
fn while_intercom_still_says_snoozed_it_is_asked_again_and_nothing_is_done() {
    insta::assert_snapshot!(story(&WEEK.replace("5 days", "25 hours"), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 the timer sticks
        mon 09:07 teammate snoozes until tue 10:00
        tue 13:20 the timer rings
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  the timer sticks
        mon 02 09:07  teammate snoozes until tue 10:00
            wait until tue 03 10:00 for `reply 1` of `snoozed-a-week`: 1 day 1 hour without a word since a teammate wrote at mon 02 09:05
        tue 03 10:00  (read again)
            wait until tue 03 10:01 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:01  (read again)
            wait until tue 03 10:03 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:03  (read again)
            wait until tue 03 10:05 for `reply 1` of `snoozed-a-week`: 1 day 1 hour without a word since a teammate wrote at mon 02 09:05
        tue 03 10:05  (read again)
            wait until tue 03 10:07 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:07  (read again)
            wait until tue 03 10:15 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:15  (read again)
            wait until tue 03 10:31 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:31  (read again)
            wait until tue 03 11:03 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 11:03  (read again)
            wait until tue 03 12:03 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 12:03  (read again)
            wait until tue 03 13:03 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 13:03  (read again)
            wait until tue 03 14:03 for `reply 1` of `snoozed-a-week`: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 13:20  the timer rings
            reply that it closes mon 09 12:20 by `reply 1` of `snoozed-a-week`: 1 day 1 hour without a word since a teammate wrote at mon 02 09:05
        tue 03 13:20  ** reply that it closes mon 09 12:20 by `reply 1` of `snoozed-a-week`: 1 day 1 hour without a word since a teammate wrote at mon 02 09:05
            wait until mon 09 12:20 for `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
        mon 09 12:20  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_stuck_snooze_is_asked_about_even_where_no_rule_fits() {
    insta::assert_snapshot!(story(&WEEK.replace(", \"woken\"", ""), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 the timer sticks
        mon 09:07 teammate snoozes until tue 10:00
        tue 10:04 teammate snoozes until tue 10:09 unseen
        tue 10:10 the timer rings
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  the timer sticks
        mon 02 09:07  teammate snoozes until tue 10:00
            wait until tue 03 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        tue 03 10:00  (read again)
            wait until tue 03 10:01: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:01  (read again)
            wait until tue 03 10:03: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:03  (read again)
            wait until tue 03 10:07: its snooze ended at tue 03 10:00, but Intercom still says snoozed
        tue 03 10:04  teammate snoozes until tue 10:09
            wait until tue 03 10:09 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        tue 03 10:09  (read again)
            wait until tue 03 10:10: its snooze ended at tue 03 10:09, but Intercom still says snoozed
        tue 03 10:10  the timer rings
            leave: no rule fits: `snoozed-a-week`: it is woken
        ");
}

#[test]
fn a_snooze_that_our_message_broke_and_nobody_restored_still_ends_when_it_would_have() {
    insta::assert_snapshot!(story(&by_default(), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 restoring fails
        mon 09:06 teammate snoozes until sun 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  restoring fails
        mon 02 09:06  teammate snoozes until sun 10:00
            wait until sat 07 09:06 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06  ** reply that it closes mon 09 09:06 by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06:20  restoring the snooze is refused
            wait until sun 08 10:00 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at mon 02 09:06
        sun 08 10:00  (read again)
            wait until fri 13 10:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since its snooze ended at sun 08 10:00
        fri 13 10:00  ** passed over: the same message went out in this silence already by `reply 1` of `snoozed-a-week`: 5 days without a word since its snooze ended at sun 08 10:00
            wait until sun 15 10:00 for `close` of `snoozed-a-week`: 7 days without a word since its snooze ended at sun 08 10:00
        sun 15 10:00  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since its snooze ended at sun 08 10:00
            leave: it is closed
        ");
}

#[test]
fn a_teammate_s_word_after_our_message_lets_the_snooze_go() {
    insta::assert_snapshot!(story(&by_default(), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 restoring fails
        mon 09:06 teammate snoozes until sun 10:00
        sun 09:00 teammate assigns
        sun 09:30 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  restoring fails
        mon 02 09:06  teammate snoozes until sun 10:00
            wait until sat 07 09:06 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06  ** reply that it closes mon 09 09:06 by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06:20  restoring the snooze is refused
            wait until sun 08 10:00 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at mon 02 09:06
        sun 08 09:00  teammate assigns
        sun 08 09:30  teammate replies
            leave: no rule fits: `snoozed-a-week`: it is open
        ");
}

#[test]
fn a_second_message_does_not_forget_the_snooze_that_the_first_one_broke() {
    let twice = WEEK.replace("[[rule.step]]\nafter = \"7 days\"", "[[rule.step]]\nafter = \"6 days\"\ndo = \"reply\"\nbody = \"Still there?\"\n[[rule.step]]\nafter = \"7 days\"").replace(", \"woken\"", "");
    insta::assert_snapshot!(story(&twice, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 restoring fails
        mon 09:06 teammate snoozes until second fri 10:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  restoring fails
        mon 02 09:06  teammate snoozes until second fri 10:00
            wait until sat 07 09:05 for `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** reply that it closes mon 09 09:05 by `reply 1` of `snoozed-a-week`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05:20  restoring the snooze is refused
            wait until sun 08 09:05 for `reply 2` of `snoozed-a-week`: 6 days without a word since a teammate wrote at mon 02 09:05
        sun 08 09:05  ** reply that it closes mon 09 09:05 by `reply 2` of `snoozed-a-week`: 6 days without a word since a teammate wrote at mon 02 09:05
        sun 08 09:05:20  restoring the snooze is refused
            wait until mon 09 09:05 for `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:05  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_second_close_in_one_silence_does_not_say_its_last_word_again() {
    let soon = by_default().replace("5 days", "1 day").replace("7 days", "2 days");
    insta::assert_snapshot!(story(&soon, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until tue 10:00
        fri 09:00 teammate snoozes until sat 09:00
    "), @"
    mon 02 09:00  contact writes
        leave: no rule fits: `snoozed-a-week`: it is open
    mon 02 09:05  teammate replies
    mon 02 09:06  teammate snoozes until tue 10:00
        wait until tue 03 09:06 for `reply 1` of `snoozed-a-week`: 1 day without a word since it was snoozed at mon 02 09:06
    tue 03 09:06  ** reply that it closes wed 04 09:06 by `reply 1` of `snoozed-a-week`: 1 day without a word since it was snoozed at mon 02 09:06
    tue 03 09:06:20  snoozed again until tue 03 10:00
        wait until tue 03 10:00 for `close` of `snoozed-a-week`: 2 days without a word since it was snoozed at mon 02 09:06
    tue 03 10:00  (read again)
        wait until wed 04 10:00 for `reply 1` of `snoozed-a-week`: 1 day without a word since its snooze ended at tue 03 10:00
    wed 04 10:00  ** passed over: the same message went out in this silence already by `reply 1` of `snoozed-a-week`: 1 day without a word since its snooze ended at tue 03 10:00
        wait until thu 05 10:00 for `close` of `snoozed-a-week`: 2 days without a word since its snooze ended at tue 03 10:00
    thu 05 10:00  ** close with a last word by `close` of `snoozed-a-week`: 2 days without a word since its snooze ended at tue 03 10:00
        leave: it is closed
    fri 06 09:00  teammate snoozes until sat 09:00
        wait until sat 07 09:00 for `reply 1` of `snoozed-a-week`: 1 day without a word since it was snoozed at fri 06 09:00
    sat 07 09:00  (read again)
        wait until sun 08 09:00 for `reply 1` of `snoozed-a-week`: 1 day without a word since its snooze ended at sat 07 09:00
    sun 08 09:00  ** passed over: the same message went out in this silence already by `reply 1` of `snoozed-a-week`: 1 day without a word since its snooze ended at sat 07 09:00
        wait until mon 09 09:00 for `close` of `snoozed-a-week`: 2 days without a word since its snooze ended at sat 07 09:00
    mon 09 09:00  ** close, muted by `close` of `snoozed-a-week`: 2 days without a word since its snooze ended at sat 07 09:00
        leave: it is closed
    ");
}
