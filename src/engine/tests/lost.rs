//! A message whose answer was lost, and of which nobody ever found out whether it left.

use super::world::{attempt, step};
use super::*;

const RULES: &str = r#"
[[rule]]
name = "quiet"
match_all = true
[[rule.step]]
after = "1 day"
do = "reply"
body = "Did that solve it?"
[[rule.step]]
after = "2 days"
do = "close"
silent = true
"#;

const DAY: i64 = 86_400;

/// The reply was sent after a day; our admin wrote something this many seconds after that.
fn after_a_lost_reply(seconds: i64) -> String {
    let rules = rules(RULES);
    let sent_at = at(DAY + 20);
    let lost = Attempt {
        phase: Phase::Failed,
        sent_at: Some(sent_at),
        template: Some(rule::digest("Did that solve it?")),
        text: Some("keyed".to_owned()),
        ..attempt("quiet".into(), step("reply 1"), at(20), sent_at)
    };
    let parts = vec![
        part(1, at(10), Actor::Contact, &[Class::ContactReply]),
        part(2, at(20), Actor::Teammate, &[Class::TeammateReply]),
        Part {
            admin_id: Some(ADMIN.to_owned()),
            digest: Some("keyed otherwise".to_owned()),
            reads_as: [].into(),
            ..part(3, at(DAY + 20 + seconds), Actor::Teammate, &[Class::TeammateReply])
        },
    ];
    let (snapshot, channel) = (Some(fetched(at(20), State::Open, &[])), Some("conversation".to_owned()));
    let seen = Sighting { parts, snapshot, channel, whole: true, ..Sighting::of(id()) };
    let conversation = Conversation::unread(id()).after(&seen, Some(ADMIN));
    brief(&decide(&conversation, &History { attempts: vec![lost], ..History::default() }, &rules, at(9 * DAY)))
}

#[test]
fn it_is_not_sent_again_because_it_passes_for_a_teammate_s() {
    assert_eq!(after_a_lost_reply(2), "leave: step `reply 1` failed, so nothing follows it");
}

#[test]
fn what_was_written_long_after_the_call_is_a_teammate_s() {
    assert!(after_a_lost_reply(3_600).starts_with("reply"), "{}", after_a_lost_reply(3_600));
}
