//! Stories of reminders, closes and what comes between them.

use super::world::story;

const LADDER: &str = r#"
[[rule]]
name = "quiet"
match.state = ["open"]
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "3 days"
do = "reply"
body = "Did that solve it? We close this on {{ closes_at | date }}."
[[rule.step]]
after = "5 days"
do = "close"
body = "Closing this for now."
"#;

#[test]
fn a_reminder_comes_first_and_then_the_close() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_conversation_that_is_rescued_an_hour_before_is_not_closed() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        sat 08:05 contact writes
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 08:05  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        ");
}

#[test]
fn a_reply_that_no_webhook_told_of_is_seen_before_the_close() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        sat 08:05 contact writes unseen
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 08:05  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        ");
}

#[test]
fn a_late_reminder_moves_the_close() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 daemon down until fri 12:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        mon 02 10:00  daemon down until fri 12:00
        fri 06 12:00  ** reply that it closes sun 08 12:00 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sun 08 12:00 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sun 08 12:00  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn neither_bots_nor_notes_nor_assignments_move_the_timer() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        tue 09:00 bot replies
        tue 10:00 teammate notes
        tue 11:00 teammate assigns
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        tue 03 09:00  bot replies
        tue 03 10:00  teammate notes
        tue 03 11:00  teammate assigns
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_bot_answers_nobody() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:01 bot replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:01  bot replies
        ");
}

#[test]
fn a_tie_within_a_second_counts_for_the_contact() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        tue 09:00 teammate replies
        tue 09:00 contact writes
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        tue 03 09:00  teammate replies
            wait until fri 06 09:00 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at tue 03 09:00
        tue 03 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        ");
}

#[test]
fn a_hold_tag_between_reminder_and_close_keeps_it_and_lets_it_go() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        fri 09:00 tagged autoclose-hold
        mon 09:00 untagged autoclose-hold
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:00  tagged autoclose-hold
            leave: held by the tag `autoclose-hold`
        mon 09 09:00  untagged autoclose-hold
            close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:00  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn what_a_person_writes_as_our_admin_is_a_teammate_s() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 sharer replies
        tue 09:05 sharer replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  sharer replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  sharer replies
            wait until fri 06 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at tue 03 09:05
        fri 06 09:05  ** reply that it closes sun 08 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at tue 03 09:05
            wait until sun 08 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at tue 03 09:05
        sun 08 09:05  ** close with a last word by `close` of `quiet`: 5 days without a word since a teammate wrote at tue 03 09:05
            leave: it is closed
        ");
}

#[test]
fn where_the_step_may_not_write_it_is_passed_over_and_the_close_is_silent() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:00 it is on whatsapp
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:00  it is on whatsapp
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** passed over: the step may not write on this conversation's channel by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close, muted by `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_conversation_that_was_closed_by_a_teammate_is_left() {
    insta::assert_snapshot!(story(LADDER, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        fri 09:05 teammate closes
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until thu 05 09:05 for `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** reply that it closes sat 07 09:05 by `reply 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 5 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  teammate closes
            leave: it is closed
        ");
}

const CLOSES: &str = r#"
[[rule]]
name = "quiet"
match.state = ["open"]
[[rule.step]]
after = "1 day"
do = "close"
silent = true
"#;

#[test]
fn what_a_person_reopens_without_a_word_stays_open_until_somebody_speaks() {
    insta::assert_snapshot!(story(CLOSES, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 09:00 teammate opens
        fri 09:00 bot replies
        mon 09:00 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `close` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** close silently by `close` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        wed 04 09:00  teammate opens
            leave: a person reopened it, and nobody has spoken since
        fri 06 09:00  bot replies
        mon 09 09:00  teammate replies
            wait until tue 10 09:00 for `close` of `quiet`: 1 day without a word since a teammate wrote at mon 09 09:00
        tue 10 09:00  ** close silently by `close` of `quiet`: 1 day without a word since a teammate wrote at mon 09 09:00
            leave: it is closed
        ");
}

#[test]
fn a_conversation_is_closed_twice_and_then_left_until_the_contact_writes() {
    insta::assert_snapshot!(story(&CLOSES.replace("[[rule.step]]", "after_reopen = \"count_again\"\n[[rule.step]]"), "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 09:00 teammate opens
        fri 09:00 teammate opens
        sat 09:00 teammate replies
        sun 09:00 contact writes
        sun 10:00 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `close` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** close silently by `close` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        wed 04 09:00  teammate opens
            wait until thu 05 09:00 for `close` of `quiet`: 1 day without a word since it was opened at wed 04 09:00
        thu 05 09:00  ** close silently by `close` of `quiet`: 1 day without a word since it was opened at wed 04 09:00
            leave: it is closed
        fri 06 09:00  teammate opens
            leave: closed 2 times without a word from the contact
        sat 07 09:00  teammate replies
        sun 08 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        sun 08 10:00  teammate replies
            wait until mon 09 10:00 for `close` of `quiet`: 1 day without a word since a teammate wrote at sun 08 10:00
        mon 09 10:00  ** close silently by `close` of `quiet`: 1 day without a word since a teammate wrote at sun 08 10:00
            leave: it is closed
        ");
}
