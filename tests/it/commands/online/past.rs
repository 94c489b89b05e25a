//! What the database adds, with and without a daemon on it.

use autoclosed::clock::Clock;

use super::{Answer, Place, RULES, joined};
use crate::harness::{House, QUIET_A_DAY};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_ours_is_wrong_and_left_as_it_was() {
    let place = Place::new("", RULES).await;
    let text = "notes of somebody else's, long enough to be looked into as a database would be";
    std::fs::write(place.file("a.db"), text).unwrap();
    insta::assert_snapshot!(place.finds_of("database"), @r"
    wrong  database       a.db is not an autoclosed database
    help: name another file in [database] url
    [2]
    ");
    assert_eq!(std::fs::read_to_string(place.file("a.db")).unwrap(), text);
}

/// What it finds beside a daemon at the machine's time, from this check on.
fn beside(house: &House, check: &str) -> String {
    let Answer { status, out, err } = house.says(&["check", "--online"]);
    assert_eq!((house.deeds(), err.as_str()), (vec![], ""));
    let out = joined(&out);
    let kept: Vec<&str> = out.lines().skip_while(|line| !line.contains(&format!("  {check} "))).collect();
    format!("{}\n[{}]", kept.join("\n"), status.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_daemon_the_newest_notification_and_the_topics_are_told() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    house.clock.set(Clock::System.now());
    house.start().await;
    house.look().await;
    insta::assert_snapshot!(beside(&house, "notifications"), @r"
    doubt  notifications  none has come yet
                          help: check address and topics under Webhooks in the Developer Hub, and that its requests reach autoclosed

    Nothing is wrong, 1 doubt.
    [0]
    ");
    let id = house.intercom.contact_starts("Hello?");
    house.intercom.teammate_replies(&id, "Hello!");
    house.intercom.contact_replies(&id, "Where?");
    house.intercom.settle().await;
    insta::assert_snapshot!(beside(&house, "topics"), @r"
    doubt  topics         3 of 18 seen in the last 7 days; not conversation.admin.single.created, conversation.operator.replied, conversation.admin.noted, conversation.admin.assigned, conversation.admin.open.assigned, conversation.admin.opened, conversation.admin.closed, conversation.admin.snoozed, conversation.admin.unsnoozed, conversation.rating.added, conversation.priority.updated, conversation_part.tag.created, conversation_part.redacted, conversation.deleted, ticket.created
                          help: check address and topics under Webhooks in the Developer Hub, and that its requests reach autoclosed

    Nothing is wrong, 1 doubt.
    [0]
    ");
    let told = beside(&house, "notifications");
    assert!(told.starts_with("ok     notifications  the newest came "), "{told}");
    house.intercom.teammate_closes(&id, None);
    house.intercom.settle().await;
    assert!(beside(&house, "topics").starts_with("ok     topics         4 of 18 seen in the last 7 days; not "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_workspace_than_the_database_s_is_wrong() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    house.clock.set(Clock::System.now());
    house.start().await;
    house.look().await;
    assert!(beside(&house, "workspace").starts_with("ok     workspace      ab12cd34, the one that the database"));
    house.intercom.change_workspace(|workspace| "zz99zz99".clone_into(&mut workspace.app_id));
    let told = beside(&house, "workspace");
    let lines: Vec<&str> = told.lines().take(2).map(str::trim_start).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    wrong  workspace      the access token belongs to workspace zz99zz99, not to ab12cd34, which the database is of
    help: use that workspace's token, or another database
    ");
    assert!(told.ends_with("[2]"), "{told}");
}
