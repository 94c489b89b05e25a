//! Stories of the steps beside reply and close.

use super::world::tale;

#[test]
fn our_own_snooze_ends_without_starting_the_timer_again() {
    let book = "
        rule quiet
        match.state = [\"open\"]
        2 days reply Did that solve it?
        3 days snooze 2 days
        7 days close Closing this.
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes mon 09 09:05 by `reply 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until thu 05 09:05 for `snooze 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** snooze until sat 07 09:05 by `snooze 1` of `quiet`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until sat 07 09:05 for `close` of `quiet`: 7 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:05  (read again)
            wait until mon 09 09:05 for `close` of `quiet`: 7 days without a word since a teammate wrote at mon 02 09:05
        mon 09 09:05  ** close with a last word by `close` of `quiet`: 7 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn our_own_snooze_moves_nothing_though_a_teammate_s_ended_before_it() {
    let book = "
        rule quiet
        match.state = [\"woken\"]
        1 day reply Did that solve it?
        2 days snooze 2 days
        5 days close Closing this.
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:10 teammate snoozes until tue 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:10  teammate snoozes until tue 09:00
            wait until tue 03 09:00: no rule fits: `quiet`: it is snoozed; decided again when its snooze ends
        tue 03 09:00  (read again)
            wait until wed 04 09:00 for `reply 1` of `quiet`: 1 day without a word since its snooze ended at tue 03 09:00
        wed 04 09:00  ** reply that it closes sun 08 09:00 by `reply 1` of `quiet`: 1 day without a word since its snooze ended at tue 03 09:00
            wait until thu 05 09:00 for `snooze 1` of `quiet`: 2 days without a word since its snooze ended at tue 03 09:00
        thu 05 09:00  ** snooze until sat 07 09:00 by `snooze 1` of `quiet`: 2 days without a word since its snooze ended at tue 03 09:00
            wait until sat 07 09:00 for `close` of `quiet`: 5 days without a word since its snooze ended at tue 03 09:00
        sat 07 09:00  (read again)
            wait until sun 08 09:00 for `close` of `quiet`: 5 days without a word since its snooze ended at tue 03 09:00
        sun 08 09:00  ** close with a last word by `close` of `quiet`: 5 days without a word since its snooze ended at tue 03 09:00
            leave: it is closed
        ");
}

#[test]
fn a_rule_goes_on_after_a_snooze_and_a_tag_of_its_own() {
    let book = "
        rule quiet
        match.state = [\"open\"]
        match.not_tags = [\"sleeping\"]
        1 day snooze 5 days
        2 days tag sleeping
        4 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `snooze 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** snooze until sun 08 09:05 by `snooze 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `tag 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** tag `sleeping` by `tag 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** close silently by `close` of `quiet`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_rule_goes_on_after_taking_off_the_tag_that_it_asks_for() {
    let book = "
        rule waiting
        match.tags = [\"waiting\"]
        1 day untag waiting
        2 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:01 tagged waiting
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `waiting`: it has none of the tags
        mon 02 09:01  tagged waiting
            leave: no rule fits: `waiting`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `untag 1` of `waiting`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** untag `waiting` by `untag 1` of `waiting`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `close` of `waiting`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** close silently by `close` of `waiting`: 2 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_rule_goes_on_after_assigning_what_nobody_had() {
    let book = "
        rule nobody-s
        match.unassigned = true
        1 day assign team support
        2 days assign teammate 8
        3 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `nobody-s`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `assign 1` of `nobody-s`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** assign to support by `assign 1` of `nobody-s`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `assign 2` of `nobody-s`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** assign to 8 by `assign 2` of `nobody-s`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until thu 05 09:05 for `close` of `nobody-s`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** close silently by `close` of `nobody-s`: 3 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_rule_goes_on_after_opening_what_was_snoozed_even_past_the_end_of_that_snooze() {
    let book = "
        rule sleeping
        match.state = [\"snoozed\"]
        1 day open
        2 days tag woken
        9 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:10 teammate snoozes until sat 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `sleeping`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:10  teammate snoozes until sat 09:00
            wait until tue 03 09:10 for `open 1` of `sleeping`: 1 day without a word since it was snoozed at mon 02 09:10
        tue 03 09:10  ** open by `open 1` of `sleeping`: 1 day without a word since it was snoozed at mon 02 09:10
            wait until wed 04 09:10 for `tag 1` of `sleeping`: 2 days without a word since it was snoozed at mon 02 09:10
        wed 04 09:10  ** tag `woken` by `tag 1` of `sleeping`: 2 days without a word since it was snoozed at mon 02 09:10
            wait until wed 11 09:10 for `close` of `sleeping`: 9 days without a word since it was snoozed at mon 02 09:10
        wed 11 09:10  ** close silently by `close` of `sleeping`: 9 days without a word since it was snoozed at mon 02 09:10
            leave: it is closed
        ");
}

#[test]
fn a_rule_goes_on_after_setting_the_attribute_that_it_looks_at() {
    let book = "
        rule trial
        match.attribute.plan = \"trial\"
        1 day set plan ended
        2 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:01 attribute plan is trial
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `trial`: its attribute `plan` is not set
        mon 02 09:01  attribute plan is trial
            leave: no rule fits: `trial`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `update 1` of `trial`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** set `plan` by `update 1` of `trial`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `close` of `trial`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** close silently by `close` of `trial`: 2 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

const NOTED: &str = "
    rule sleeping
    match.state = [\"snoozed\", \"woken\"]
    1 day note Nobody has answered.
    2 days assign team support
    9 days close
";

#[test]
fn a_snooze_that_a_note_or_an_assignment_wakes_is_restored_and_counts_on() {
    insta::assert_snapshot!(tale(NOTED, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:10 teammate snoozes until sat 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `sleeping`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:10  teammate snoozes until sat 09:00
            wait until tue 03 09:10 for `note 1` of `sleeping`: 1 day without a word since it was snoozed at mon 02 09:10
        tue 03 09:10  ** note by `note 1` of `sleeping`: 1 day without a word since it was snoozed at mon 02 09:10
        tue 03 09:10:20  snoozed again until sat 07 09:00
            wait until wed 04 09:10 for `assign 1` of `sleeping`: 2 days without a word since it was snoozed at mon 02 09:10
        wed 04 09:10  ** assign to support by `assign 1` of `sleeping`: 2 days without a word since it was snoozed at mon 02 09:10
        wed 04 09:10:20  snoozed again until sat 07 09:00
            wait until sat 07 09:00 for `close` of `sleeping`: 9 days without a word since it was snoozed at mon 02 09:10
        sat 07 09:00  (read again)
            wait until sun 08 09:00 for `note 1` of `sleeping`: 1 day without a word since its snooze ended at sat 07 09:00
        sun 08 09:00  ** passed over: the same note was left in this silence already by `note 1` of `sleeping`: 1 day without a word since its snooze ended at sat 07 09:00
            wait until mon 09 09:00 for `assign 1` of `sleeping`: 2 days without a word since its snooze ended at sat 07 09:00
        mon 09 09:00  ** assign to support by `assign 1` of `sleeping`: 2 days without a word since its snooze ended at sat 07 09:00
            wait until mon 16 09:00 for `close` of `sleeping`: 9 days without a word since its snooze ended at sat 07 09:00
        mon 16 09:00  ** close silently by `close` of `sleeping`: 9 days without a word since its snooze ended at sat 07 09:00
            leave: it is closed
        ");
}

#[test]
fn a_note_wakes_our_own_snooze_and_its_end_still_moves_nothing() {
    let book = "
        rule quiet
        match.state = [\"open\"]
        1 day snooze 3 days
        2 days note Nobody has answered.
        6 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `quiet`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `snooze 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** snooze until fri 06 09:05 by `snooze 1` of `quiet`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until wed 04 09:05 for `note 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** note by `note 1` of `quiet`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05:20  snoozed again until fri 06 09:05
            wait until fri 06 09:05 for `close` of `quiet`: 6 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  (read again)
            wait until sun 08 09:05 for `close` of `quiet`: 6 days without a word since a teammate wrote at mon 02 09:05
        sun 08 09:05  ** close silently by `close` of `quiet`: 6 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_note_is_left_once_in_a_silence() {
    let book = "
        rule sleeping
        match.state = [\"snoozed\"]
        1 day note Nobody has answered.
        5 days close
    ";
    insta::assert_snapshot!(tale(book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:10 teammate snoozes until second mon 09:00
        wed 09:10 teammate snoozes until second wed 09:00
        fri 09:10 teammate replies
        fri 09:15 teammate snoozes until second wed 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `sleeping`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:10  teammate snoozes until second mon 09:00
            wait until tue 03 09:10 for `note 1` of `sleeping`: 1 day without a word since it was snoozed at mon 02 09:10
        tue 03 09:10  ** note by `note 1` of `sleeping`: 1 day without a word since it was snoozed at mon 02 09:10
        tue 03 09:10:20  snoozed again until mon 16 09:00
            wait until sat 07 09:10 for `close` of `sleeping`: 5 days without a word since it was snoozed at mon 02 09:10
        wed 04 09:10  teammate snoozes until second wed 09:00
            wait until thu 05 09:10 for `note 1` of `sleeping`: 1 day without a word since it was snoozed at wed 04 09:10
        thu 05 09:10  ** passed over: the same note was left in this silence already by `note 1` of `sleeping`: 1 day without a word since it was snoozed at wed 04 09:10
            wait until mon 09 09:10 for `close` of `sleeping`: 5 days without a word since it was snoozed at wed 04 09:10
        fri 06 09:10  teammate replies
            leave: no rule fits: `sleeping`: it is open
        fri 06 09:15  teammate snoozes until second wed 09:00
            wait until sat 07 09:15 for `note 1` of `sleeping`: 1 day without a word since it was snoozed at fri 06 09:15
        sat 07 09:15  ** note by `note 1` of `sleeping`: 1 day without a word since it was snoozed at fri 06 09:15
        sat 07 09:15:20  snoozed again until wed 18 09:00
            wait until wed 11 09:15 for `close` of `sleeping`: 5 days without a word since it was snoozed at fri 06 09:15
        wed 11 09:15  ** close silently by `close` of `sleeping`: 5 days without a word since it was snoozed at fri 06 09:15
            leave: it is closed
        ");
}

#[test]
fn a_note_is_left_once_by_a_renamed_rule_too() {
    let book =
        |name: &str| super::book::book(&format!("rule {name}\nmatch_all = true\n1 day note Quiet.\n4 days close"));
    insta::assert_snapshot!(super::world::story_of(vec![book("one"), book("other")], "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        wed 09:00 the rules change
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `one`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until tue 03 09:05 for `note 1` of `one`: 1 day without a word since a teammate wrote at mon 02 09:05
        tue 03 09:05  ** note by `note 1` of `one`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `one`: 4 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:00  the rules change
            passed over: the same note was left in this silence already by `note 1` of `other`: 1 day without a word since a teammate wrote at mon 02 09:05
        wed 04 09:00  ** passed over: the same note was left in this silence already by `note 1` of `other`: 1 day without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `other`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** close silently by `close` of `other`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

/// What comes after a first step that Intercom refuses for good.
fn refused(step: &str) -> String {
    let book = format!("rule quiet\nmatch_all = true\n1 day {step}\n9 days close");
    let told = tale(
        &book,
        "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 10:00 refused 3 times
    ",
    );
    told.lines().last().unwrap().trim().to_owned()
}

#[test]
fn a_label_that_fails_stops_nothing_and_anything_else_does() {
    for (step, end) in [
        ("tag done", "leave: it is closed"),
        ("untag done", "leave: it is closed"),
        ("set plan ended", "leave: it is closed"),
        ("note Quiet.", "leave: step `note 1` failed, so nothing follows it"),
        ("assign team support", "leave: step `assign 1` failed, so nothing follows it"),
        ("snooze 1 day", "leave: step `snooze 1` failed, so nothing follows it"),
        ("open", "leave: step `open 1` failed, so nothing follows it"),
        ("reply Hello?", "leave: step `reply 1` failed, so nothing follows it"),
    ] {
        assert_eq!(refused(step), end, "{step}");
    }
}
