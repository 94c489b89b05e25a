//! Stories of what comes between the steps: answers of bots, snoozes, assignments, holds, reopenings, other rules.

use super::world::tale;

const BOT: &str = r#"
rule bot-left-alone
match.state = ["open"]
match.last_speaker = ["bot"]
match.waiting_on = "anyone"
2 days reply Did that solve it?
3 days close
"#;

#[test]
fn a_bot_s_answer_counts_until_it_hands_over() {
    insta::assert_snapshot!(tale(BOT, "
        mon 09:00 contact writes
        mon 09:01 bot replies
        thu 09:00 bot assigns team support
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `bot-left-alone`: the contact spoke last
        mon 02 09:01  bot replies
            wait until wed 04 09:01 for `reply 1` of `bot-left-alone`: 2 days without a word since a bot wrote at mon 02 09:01
        wed 04 09:01  ** reply that it closes thu 05 09:01 by `reply 1` of `bot-left-alone`: 2 days without a word since a bot wrote at mon 02 09:01
            wait until thu 05 09:01 for `close` of `bot-left-alone`: 3 days without a word since a bot wrote at mon 02 09:01
        thu 05 09:00  bot assigns team support
            leave: no rule fits: `bot-left-alone`: the bot has handed it over
        ");
}

#[test]
fn a_bot_that_answers_after_a_hand_over_counts_again() {
    insta::assert_snapshot!(tale(BOT, "
        mon 09:00 contact writes
        mon 09:01 bot replies
        mon 09:01 bot assigns team support
        mon 09:02 bot replies
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `bot-left-alone`: the contact spoke last
        mon 02 09:01  bot replies
            wait until wed 04 09:01 for `reply 1` of `bot-left-alone`: 2 days without a word since a bot wrote at mon 02 09:01
        mon 02 09:01  bot assigns team support
            leave: no rule fits: `bot-left-alone`: the bot has handed it over
        mon 02 09:02  bot replies
            wait until wed 04 09:02 for `reply 1` of `bot-left-alone`: 2 days without a word since a bot wrote at mon 02 09:02
        wed 04 09:02  ** reply that it closes thu 05 09:02 by `reply 1` of `bot-left-alone`: 2 days without a word since a bot wrote at mon 02 09:02
            wait until thu 05 09:02 for `close` of `bot-left-alone`: 3 days without a word since a bot wrote at mon 02 09:02
        thu 05 09:02  ** close silently by `close` of `bot-left-alone`: 3 days without a word since a bot wrote at mon 02 09:02
            leave: it is closed
        ");
}

const SNOOZED: &str = r#"
rule snoozed-a-week
match.state = ["snoozed", "woken"]
match.snooze_at_most = "14 days"
5 days reply Did that solve it?
7 days close Closing this.
"#;

#[test]
fn a_snooze_made_longer_during_the_ladder_starts_it_anew_and_one_too_long_ends_it() {
    insta::assert_snapshot!(tale(SNOOZED, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        mon 09:06 teammate snoozes until second mon 09:00
        sun 09:00 teammate snoozes until second sat 09:00
        sat 09:00 teammate snoozes until second sun 09:00
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `snoozed-a-week`: it is open
        mon 02 09:05  teammate replies
        mon 02 09:06  teammate snoozes until second mon 09:00
            wait until sat 07 09:06 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06  ** reply that it closes mon 09 09:06 by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at mon 02 09:06
        sat 07 09:06:20  snoozed again until mon 16 09:00
            wait until mon 09 09:06 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at mon 02 09:06
        sun 08 09:00  teammate snoozes until second sat 09:00
            wait until fri 13 09:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at sun 08 09:00
        fri 13 09:00  ** passed over: the same message went out in this silence already by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at sun 08 09:00
            wait until sun 15 09:00 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at sun 08 09:00
        sat 14 09:00  teammate snoozes until second sun 09:00
            wait until thu 19 09:00 for `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at sat 14 09:00
        thu 19 09:00  ** passed over: the same message went out in this silence already by `reply 1` of `snoozed-a-week`: 5 days without a word since it was snoozed at sat 14 09:00
            wait until sat 21 09:00 for `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at sat 14 09:00
        sat 21 09:00  ** close with a last word by `close` of `snoozed-a-week`: 7 days without a word since it was snoozed at sat 14 09:00
            leave: it is closed
        ");
}

const TEAM: &str = r#"
rule support
match.team = "support"
2 days reply Did that solve it?
4 days close
"#;

#[test]
fn what_is_assigned_away_during_the_ladder_is_left_and_goes_on_where_it_was_once_it_is_back() {
    insta::assert_snapshot!(tale(TEAM, "
        mon 09:00 contact writes
        mon 09:01 teammate assigns team support
        mon 09:05 teammate replies
        thu 09:00 teammate assigns team sales
        sat 09:00 teammate assigns team support
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: it is assigned to no team
        mon 02 09:01  teammate assigns team support
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  teammate assigns team sales
            leave: no rule fits: `support`: it is assigned to another team
        sat 07 09:00  teammate assigns team support
            close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        sat 07 09:00  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn the_same_by_assignee() {
    let book = TEAM.replace("team = \"support\"", "assignee = \"7\"");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:01 teammate assigns teammate 7
        mon 09:05 teammate replies
        thu 09:00 teammate assigns teammate 8
        thu 10:00 teammate assigns teammate 7
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: it is assigned to no teammate
        mon 02 09:01  teammate assigns teammate 7
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  teammate assigns teammate 8
            leave: no rule fits: `support`: it is assigned to another teammate
        thu 05 10:00  teammate assigns teammate 7
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn the_same_where_nobody_may_have_it() {
    let book = TEAM.replace("team = \"support\"", "unassigned = true");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        thu 09:00 teammate assigns teammate 8
        fri 12:00 teammate assigns nobody
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  teammate assigns teammate 8
            leave: no rule fits: `support`: it is assigned
        fri 06 12:00  teammate assigns nobody
            close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 12:00  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_hold_between_reminder_and_close_keeps_it_and_lets_it_go() {
    let book = TEAM.replace("match.team = \"support\"", "match.priority = [\"none\", \"high\"]");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        thu 09:00 tagged autoclose-hold
        fri 12:00 untagged autoclose-hold
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  tagged autoclose-hold
            leave: held by the tag `autoclose-hold`
        fri 06 12:00  untagged autoclose-hold
            close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 12:00  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_priority_that_the_rule_does_not_name_stops_it_and_another_one_does_not() {
    let book = TEAM.replace("match.team = \"support\"", "match.priority = [\"none\", \"high\"]");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        thu 09:00 priority high
        thu 10:00 priority urgent
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  priority high
        thu 05 10:00  priority urgent
            leave: no rule fits: `support`: its priority is urgent
        ");
}

#[test]
fn what_becomes_a_ticket_is_left_alone_for_good() {
    let book = TEAM.replace("match.team = \"support\"", "match_all = true");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        thu 09:00 it becomes a ticket
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  it becomes a ticket
            leave: it is a ticket
        ");
}

#[test]
fn what_is_reopened_without_a_word_is_counted_again_only_if_the_rule_says_so() {
    let again = TEAM.replace("match.team = \"support\"", "match_all = true\nafter_reopen = \"count_again\"");
    let happens = "
        mon 09:00 contact writes
        mon 09:05 teammate replies
        fri 12:00 contact opens
    ";
    insta::assert_snapshot!(tale(&again, happens), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        fri 06 12:00  contact opens
            wait until sun 08 12:00 for `reply 1` of `support`: 2 days without a word since it was opened at fri 06 12:00
        sun 08 12:00  ** passed over: the same message went out in this silence already by `reply 1` of `support`: 2 days without a word since it was opened at fri 06 12:00
            wait until tue 10 12:00 for `close` of `support`: 4 days without a word since it was opened at fri 06 12:00
        tue 10 12:00  ** close silently by `close` of `support`: 4 days without a word since it was opened at fri 06 12:00
            leave: it is closed
        ");
    let wait = again.replace("count_again", "wait_for_reply");
    insta::assert_snapshot!(tale(&wait, happens), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        fri 06 09:05  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        fri 06 12:00  contact opens
            leave: a person reopened it, and nobody has spoken since
        ");
}

const BOTH: &str = r#"
rule vip
match.tags = ["vip"]
2 days reply We are still here.
9 days close

rule all
match_all = true
3 days reply Did that solve it?
4 days close Closing this.
"#;

#[test]
fn of_two_rules_that_fit_in_turn_only_one_reminds_and_each_keeps_its_own_distance() {
    insta::assert_snapshot!(tale(BOTH, "
        mon 09:00 contact writes
        mon 09:01 tagged vip
        mon 09:05 teammate replies
        thu 09:00 untagged vip
        thu 09:10 tagged vip
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `vip`: the contact is owed an answer; `all`: the contact is owed an answer
        mon 02 09:01  tagged vip
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes wed 11 09:05 by `reply 1` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until wed 11 09:05 for `close` of `vip`: 9 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  untagged vip
            wait until thu 05 09:05 for `reply 1` of `all`: 3 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:05  ** passed over: another rule wrote to the contact in this silence by `reply 1` of `all`: 3 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `all`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:10  tagged vip
            wait until wed 11 09:05 for `close` of `vip`: 9 days without a word since a teammate wrote at mon 02 09:05
        wed 11 09:05  ** close silently by `close` of `vip`: 9 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_leave_rule_that_begins_to_fit_stops_a_ladder_and_lets_it_go_on() {
    let book = format!("rule urgent\nmatch.priority = \"urgent\"\nleave = true\n{TEAM}");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:01 teammate assigns team support
        mon 09:05 teammate replies
        thu 09:00 priority urgent
        sun 09:00 priority none
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `urgent`: its priority is none; `support`: it is assigned to no team
        mon 02 09:01  teammate assigns team support
            leave: no rule fits: `urgent`: its priority is none; `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  priority urgent
            leave: rule `urgent` leaves it alone
        sun 08 09:00  priority none
            close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        sun 08 09:00  ** close silently by `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
            leave: it is closed
        ");
}

#[test]
fn a_leave_rule_on_an_attribute_stops_a_ladder() {
    let book = format!("rule gold\nmatch.attribute.plan = \"gold\"\nleave = true\n{TEAM}");
    insta::assert_snapshot!(tale(&book, "
        mon 09:00 contact writes
        mon 09:01 teammate assigns team support
        mon 09:05 teammate replies
        thu 09:00 attribute plan is gold
    "), @r"
        mon 02 09:00  contact writes
            leave: no rule fits: `gold`: its attribute `plan` is not set; `support`: it is assigned to no team
        mon 02 09:01  teammate assigns team support
            leave: no rule fits: `gold`: its attribute `plan` is not set; `support`: the contact is owed an answer
        mon 02 09:05  teammate replies
            wait until wed 04 09:05 for `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
        wed 04 09:05  ** reply that it closes fri 06 09:05 by `reply 1` of `support`: 2 days without a word since a teammate wrote at mon 02 09:05
            wait until fri 06 09:05 for `close` of `support`: 4 days without a word since a teammate wrote at mon 02 09:05
        thu 05 09:00  attribute plan is gold
            leave: rule `gold` leaves it alone
        ");
}

/// The attribute `tier` was never read.
#[test]
fn a_leave_rule_of_which_nothing_is_known_stops_a_ladder_that_has_begun() {
    let first = super::book::book(TEAM);
    let leaves = format!("rule gold\nmatch.attribute.tier = \"gold\"\nleave = true\n{TEAM}");
    let told = super::world::story_of(
        vec![first, super::book::book(&leaves)],
        "
        mon 09:00 contact writes
        mon 09:01 teammate assigns team support
        mon 09:05 teammate replies
        thu 09:00 the rules change
    ",
    );
    assert_eq!(told.lines().last().unwrap().trim(), "leave: not read yet");
}
