//! Stories of several rules: which one owns a conversation, and what one may do after another has written.

use super::world::story;

const TWO: &str = r#"
[[rule]]
name = "vip"
match.tags = ["vip"]
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "2 days"
do = "reply"
body = "Anything else that we can do?"
[[rule.step]]
after = "20 days"
do = "close"
silent = true

[[rule]]
name = "all"
match_all = true
counts_from = ["contact_reply", "teammate_reply"]
[[rule.step]]
after = "49 hours"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "50 hours"
do = "close"
body = "Closing this for now."
"#;

#[test]
fn a_second_rule_neither_writes_nor_closes_within_a_day_of_the_first_one_s_message() {
    insta::assert_snapshot!(story(TWO, "
        mon 08:00 contact writes
        mon 08:01 tagged vip
        mon 09:00 teammate replies
        wed 09:30 untagged vip
    "), @r"
        mon 02 08:00  contact writes
            leave: no rule fits: `vip`: the contact is owed an answer; `all`: the contact is owed an answer
        mon 02 08:01  tagged vip
        mon 02 09:00  teammate replies
            wait until wed 04 09:00 for `reply 1` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:00
        wed 04 09:00  ** reply that it closes sun 22 09:00 by `reply 1` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:00
            wait until sun 22 09:00 for `close` of `vip`: 20 days without a word since a teammate wrote at mon 02 09:00
        wed 04 09:30  untagged vip
            wait until wed 04 10:00 for `reply 1` of `all`: 2 days 1 hour without a word since a teammate wrote at mon 02 09:00
        wed 04 10:00  ** passed over: another rule wrote to the contact in this silence by `reply 1` of `all`: 2 days 1 hour without a word since a teammate wrote at mon 02 09:00
            wait until thu 05 09:00 for `close` of `all`: rule `vip` wrote to the contact less than a day ago
        thu 05 09:00  ** close with a last word by `close` of `all`: 2 days 2 hours without a word since a teammate wrote at mon 02 09:00
            leave: it is closed
        ");
}

#[test]
fn a_rule_that_has_begun_keeps_the_conversation_from_one_above_it() {
    insta::assert_snapshot!(story(TWO, "
        mon 08:00 contact writes
        mon 09:00 teammate replies
        wed 10:30 tagged vip
    "), @r"
        mon 02 08:00  contact writes
            leave: no rule fits: `vip`: the contact is owed an answer; `all`: the contact is owed an answer
        mon 02 09:00  teammate replies
            wait until wed 04 10:00 for `reply 1` of `all`: 2 days 1 hour without a word since a teammate wrote at mon 02 09:00
        wed 04 10:00  ** reply that it closes wed 04 11:00 by `reply 1` of `all`: 2 days 1 hour without a word since a teammate wrote at mon 02 09:00
            wait until wed 04 11:00 for `close` of `all`: 2 days 2 hours without a word since a teammate wrote at mon 02 09:00
        wed 04 10:30  tagged vip
        wed 04 11:00  ** close with a last word by `close` of `all`: 2 days 2 hours without a word since a teammate wrote at mon 02 09:00
            leave: it is closed
        ");
}

#[test]
fn a_rule_that_has_not_begun_gives_way_to_one_above_it() {
    insta::assert_snapshot!(story(TWO, "
        mon 08:00 contact writes
        mon 09:00 teammate replies
        tue 09:00 tagged vip
    "), @r"
        mon 02 08:00  contact writes
            leave: no rule fits: `vip`: the contact is owed an answer; `all`: the contact is owed an answer
        mon 02 09:00  teammate replies
            wait until wed 04 10:00 for `reply 1` of `all`: 2 days 1 hour without a word since a teammate wrote at mon 02 09:00
        tue 03 09:00  tagged vip
            wait until wed 04 09:00 for `reply 1` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:00
        wed 04 09:00  ** reply that it closes sun 22 09:00 by `reply 1` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:00
            wait until sun 22 09:00 for `close` of `vip`: 20 days without a word since a teammate wrote at mon 02 09:00
        sun 22 09:00  ** close silently by `close` of `vip`: 20 days without a word since a teammate wrote at mon 02 09:00
            leave: it is closed
        ");
}

const LAST_WORD: &str = r#"
[[rule]]
name = "vip"
match.tags = ["vip"]
[[rule.step]]
after = "2 days"
do = "close"
body = "Closing this for now."

[[rule]]
name = "all"
match_all = true
after_reopen = "count_again"
[[rule.step]]
after = "1 hour"
do = "close"
silent = true
"#;

#[test]
fn a_last_word_is_a_message_too_and_no_other_rule_closes_within_a_day_of_it() {
    insta::assert_snapshot!(story(LAST_WORD, "
        mon 08:00 contact writes
        mon 08:01 tagged vip
        mon 09:00 teammate replies
        wed 10:00 teammate opens
        wed 10:01 untagged vip
    "), @r"
        mon 02 08:00  contact writes
            leave: no rule fits: `vip`: the contact is owed an answer; `all`: the contact is owed an answer
        mon 02 08:01  tagged vip
        mon 02 09:00  teammate replies
            wait until wed 04 09:00 for `close` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:00
        wed 04 09:00  ** close with a last word by `close` of `vip`: 2 days without a word since a teammate wrote at mon 02 09:00
            leave: it is closed
        wed 04 10:00  teammate opens
            leave: a person reopened it, and nobody has spoken since
        wed 04 10:01  untagged vip
            wait until thu 05 09:00 for `close` of `all`: rule `vip` wrote to the contact less than a day ago
        thu 05 09:00  ** close silently by `close` of `all`: 1 hour without a word since it was opened at wed 04 10:00
            leave: it is closed
        ");
}
