//! Stories in which a person takes back what a step of ours did: what they changed counts.

use super::world::tale;

#[test]
fn what_a_person_assigns_elsewhere_is_no_longer_nobody_s() {
    let book = "
        rule nobody-s
        match.unassigned = true
        1 day assign team support
        3 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 09:00 teammate assigns team sales
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `nobody-s`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `assign 1` of `nobody-s`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** assign to support by `assign 1` of `nobody-s`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until thu 05 09:05 for `close` of `nobody-s`: 3 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:00  teammate assigns team sales
            leave: no rule fits: `nobody-s`: it is assigned
        ");
}

#[test]
fn what_a_person_assigns_back_to_where_we_had_it_for_a_while_is_theirs() {
    let book = "
        rule nobody-s
        match.unassigned = true
        1 day assign team support
        2 days assign team sales
        4 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 12:00 teammate assigns team support
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `nobody-s`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `assign 1` of `nobody-s`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** assign to support by `assign 1` of `nobody-s`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `assign 2` of `nobody-s`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** assign to sales by `assign 2` of `nobody-s`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `nobody-s`: 4 days without a word since a teammate wrote at mon 02 09:05
        wed 04 12:00  teammate assigns team support
            leave: no rule fits: `nobody-s`: it is assigned
        ");
}

#[test]
fn a_tag_that_a_person_puts_back_after_us_bars_the_rule_that_leaves_it_out() {
    let book = "
        rule quiet
        match.not_tags = [\"waiting\"]
        1 day tag waiting
        2 days untag waiting
        4 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 12:00 tagged waiting
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `tag 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** tag `waiting` by `tag 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `untag 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** untag `waiting` by `untag 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
        wed 04 12:00  tagged waiting
            leave: no rule fits: `quiet`: it is tagged `waiting`
        ");
}

#[test]
fn a_tag_of_ours_that_a_person_takes_off_leaves_the_rule_as_it_was() {
    let book = "
        rule quiet
        match.not_tags = [\"waiting\"]
        1 day tag waiting
        4 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 12:00 untagged waiting
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `tag 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** tag `waiting` by `tag 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
        wed 04 12:00  untagged waiting
        fri 06 09:05  ** close silently by `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_snooze_of_ours_that_a_person_ends_leaves_a_rule_on_open_ones_as_it_was() {
    let book = "
        rule quiet
        match.state = [\"open\"]
        counts_from = [\"teammate_reply\"]
        1 day snooze 5 days
        4 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 12:00 teammate unsnoozes
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `snooze 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** snooze until sun 08 09:05 by `snooze 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
        wed 04 12:00  teammate unsnoozes
        fri 06 09:05  ** close silently by `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_snooze_of_ours_that_a_person_ends_or_replaces_ends_the_keeping_where_the_match_then_fails() {
    let woken = "
        rule woken
        match.state = [\"woken\"]
        counts_from = [\"teammate_reply\"]
        2 days snooze 5 days
        4 days close
    ";
    insta::assert_snapshot!(tale(woken, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until tue 09:00
        thu 12:00 teammate opens
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `woken`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until tue 09:00
            wait until tue 03 09:00: no rule fits: `woken`: it is snoozed; decided again when its snooze ends
        tue 03 09:00  (read again)
            wait until wed 04 09:05 for `snooze 1` of `woken`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** snooze until mon 09 09:05 by `snooze 1` of `woken`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `woken`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  teammate opens
            leave: no rule fits: `woken`: it is open
        ");
    let open = woken.replace("woken", "open");
    insta::assert_snapshot!(tale(&open, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        thu 12:00 teammate snoozes until second mon 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `open`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `snooze 1` of `open`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** snooze until mon 09 09:05 by `snooze 1` of `open`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `open`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  teammate snoozes until second mon 09:00
            wait until mon 16 09:00: no rule fits: `open`: it is snoozed; decided again when its snooze ends
        mon 16 09:00  ** close silently by `close` of `open`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn what_a_person_snoozes_again_after_we_opened_it_is_their_own_snooze() {
    let book = "
        rule sleeping
        match.state = [\"snoozed\"]
        match.snooze_at_most = \"6 days\"
        counts_from = [\"teammate_reply\"]
        1 day open
        4 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:10 teammate snoozes until sat 09:00
        wed 09:10 teammate snoozes until second mon 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `sleeping`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:10  teammate snoozes until sat 09:00
            wait until tue 03 09:05 for `open 1` of `sleeping`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** open by `open 1` of `sleeping`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `sleeping`: 4 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:10  teammate snoozes until second mon 09:00
            wait until mon 16 09:00: no rule fits: `sleeping`: it is snoozed for longer; decided again when its snooze ends
        mon 16 09:00  (read again)
            leave: no rule fits: `sleeping`: it is woken
        ");
}

/// Woken: nobody has done anything since the snooze ended.
#[test]
fn a_note_that_a_person_leaves_during_a_snooze_of_ours_ends_the_waking_that_it_began_in() {
    let book = "
        rule woken
        match.state = [\"woken\"]
        counts_from = [\"teammate_reply\"]
        2 days snooze 2 days
        5 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate assigns teammate 7
        mon 09:06 teammate snoozes until tue 09:00
        thu 12:00 teammate notes
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `woken`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate assigns teammate 7
        mon 02 09:06  teammate snoozes until tue 09:00
            wait until tue 03 09:00: no rule fits: `woken`: it is snoozed; decided again when its snooze ends
        tue 03 09:00  (read again)
            wait until wed 04 09:05 for `snooze 1` of `woken`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** snooze until fri 06 09:05 by `snooze 1` of `woken`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
        thu 05 12:00  teammate notes
            wait until fri 06 09:05: no rule fits: `woken`: it is snoozed; decided again when its snooze ends
        fri 06 09:05  (read again)
            wait until sat 07 09:05 for `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  ** close silently by `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_rule_keeps_what_it_snoozes_in_the_very_second_in_which_it_wakes() {
    let book = "
        rule woken
        match.state = [\"woken\"]
        match.not_tags = [\"late\"]
        counts_from = [\"teammate_reply\"]
        1 day snooze 9 days
        4 days tag late
        5 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until wed 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `woken`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until wed 09:00
            wait until wed 04 09:00: no rule fits: `woken`: it is snoozed; decided again when its snooze ends
        wed 04 09:00  ** snooze until fri 13 09:00 by `snooze 1` of `woken`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:00 for `tag 1` of `woken`: 4 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:00  ** tag `late` by `tag 1` of `woken`: 4 days without a word since a teammate wrote at mon 02 09:05
            wait until sun 08 09:00 for `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
        sun 08 09:00  ** close silently by `close` of `woken`: 5 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_snooze_of_ours_is_no_promise_of_a_teammate_s_however_long_ago_they_snoozed_it() {
    let book = "
        rule first
        match.not_tags = [\"other\"]
        counts_from = [\"teammate_reply\"]
        2 days snooze 3 days

        rule other
        match.state = [\"snoozed\", \"woken\"]
        match.snooze_at_most = \"3 days\"
        counts_from = [\"teammate_reply\"]
        9 days close
    ";
    let happens = "
        mon 08:00 contact writes
        mon 08:05 teammate replies
        mon 09:00 teammate snoozes until tue 08:00
        tue 09:05 teammate replies
        fri 09:00 tagged other
    ";
    insta::assert_snapshot!(tale(book, happens), @r"
        mon 02 08:00  contact writes
            leave: no rule fits: `first`: the contact is owed an answer; `other`: it is open
        mon 02 08:05  teammate replies
            wait until wed 04 08:05 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at mon 02 08:05
        mon 02 09:00  teammate snoozes until tue 08:00
            wait until tue 03 08:00 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at mon 02 08:05
        tue 03 08:00  (read again)
            wait until wed 04 08:05 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at mon 02 08:05
        tue 03 09:05  teammate replies
            wait until thu 05 09:05 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at tue 03 09:05
        thu 05 09:05  ** snooze until sun 08 09:05 by `snooze 1` of `first`: 2 days without a word since a teammate wrote at tue 03 09:05
            wait until sun 08 09:05: every step of the rule is done; decided again when its snooze ends
        fri 06 09:00  tagged other
            wait until sun 08 09:05 for `close` of `other`: 9 days without a word since a teammate wrote at tue 03 09:05
        sun 08 09:05  (read again)
            wait until thu 12 09:05 for `close` of `other`: 9 days without a word since a teammate wrote at tue 03 09:05
        thu 12 09:05  ** close silently by `close` of `other`: 9 days without a word since a teammate wrote at tue 03 09:05
            leave: it is closed
        ");
    insta::assert_snapshot!(tale(&book.replace("3 days\"", "2 days\""), happens), @r"
        mon 02 08:00  contact writes
            leave: no rule fits: `first`: the contact is owed an answer; `other`: it is open
        mon 02 08:05  teammate replies
            wait until wed 04 08:05 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at mon 02 08:05
        mon 02 09:00  teammate snoozes until tue 08:00
            wait until tue 03 08:00 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at mon 02 08:05
        tue 03 08:00  (read again)
            wait until wed 04 08:05 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at mon 02 08:05
        tue 03 09:05  teammate replies
            wait until thu 05 09:05 for `snooze 1` of `first`: 2 days without a word since a teammate wrote at tue 03 09:05
        thu 05 09:05  ** snooze until sun 08 09:05 by `snooze 1` of `first`: 2 days without a word since a teammate wrote at tue 03 09:05
            wait until sun 08 09:05: every step of the rule is done; decided again when its snooze ends
        fri 06 09:00  tagged other
            wait until sun 08 09:05: no rule fits: `first`: it is tagged `other`; `other`: it is snoozed for longer; decided again when its snooze ends
        sun 08 09:05  (read again)
            leave: no rule fits: `first`: it is tagged `other`; `other`: it is snoozed for longer
        ");
}
