//! Names of teams, teammates and tags: what the workspace does not know stops acting, never recording.

use autoclosed::daemon::{Daemon, Sweeping};
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::safety::Blocked;

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::oneshot;

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, days, hours, secrets};

/// The team of that name.
const SUPPORT: &str = "2001";

const OF_THE_TEAM: &str = r#"
[[rule]]
name = "support"
match.team = ["Support"]
match.not_assignee = ["alex@example.com"]
match.not_tags = ["no-such-tag"]
step = [{ after = "2 days", do = "close", body = "{{ teammate.name | default('The team') }} closes this." }]
"#;

fn quiet(head: &str, rules: &str) -> String {
    format!("mode = \"live\"\n{head}\n{rules}")
}

/// The teams of the workspace, without the one that is called so.
fn without_team(house: &House, name: &str) {
    house.intercom.change_workspace(|workspace| workspace.teams.retain(|team| team.name != name));
}

#[tokio::test]
async fn a_rule_for_a_team_closes_what_the_team_has_and_nothing_else() {
    let house = House::with(OF_THE_TEAM).await;
    let (theirs, nobodys) = (house.answered().await, house.answered().await);
    house.intercom.teammate_assigns_team(&theirs, Some(SUPPORT));
    house.after(days(3)).await;
    assert_eq!((house.state(&theirs), house.state(&nobodys)), ("closed", "open"));
}

#[tokio::test]
async fn the_name_of_the_teammate_stands_in_a_text_that_asks_for_it() {
    let house = House::with(OF_THE_TEAM).await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some(SUPPORT));
    let admin = Workspace::default().admins[0].clone();
    house.intercom.teammate_assigns(&id, Some(&admin.id), None);
    house.after(days(3)).await;
    let last = house.intercom.conversation(&id).unwrap().parts.last().unwrap().body.clone().unwrap();
    assert!(last.contains(&format!("{} closes this.", admin.name)), "{last}");
}

#[tokio::test]
async fn a_name_that_the_workspace_does_not_know_stops_acting_until_it_does() {
    let mut house = House::without_daemon(OF_THE_TEAM).await;
    let support = Workspace::default().teams.into_iter().find(|team| team.name == "Support").unwrap();
    without_team(&house, "Support");
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some("2002"));
    let blocked = house.after(days(3)).await;
    assert!(matches!(blocked, Sweeping::Blocked(Blocked::Names(_))), "{blocked:?}");
    insta::assert_snapshot!(house.check("config").await, @r#"bad: nothing is done: the workspace has no team "Support"; write its name as Intercom shows it, or create it"#);
    assert!(house.known(&id).await.is_some(), "recording goes on");
    house.intercom.change_workspace(|workspace| workspace.teams.push(support.clone()));
    house.intercom.teammate_assigns_team(&id, Some(SUPPORT));
    house.clock.advance(hours(1));
    house.daemon().tick().await;
    assert_eq!(house.check("config").await, "ok: 1 rule, live");
    house.after(days(3)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn two_teams_of_one_name_stop_acting() {
    let mut house = House::without_daemon(OF_THE_TEAM).await;
    house.intercom.change_workspace(|workspace| {
        let mut twin = workspace.teams[0].clone();
        (twin.id, twin.name) = ("99".to_owned(), "Support".to_owned());
        workspace.teams.push(twin);
    });
    house.start().await;
    house.look().await;
    insta::assert_snapshot!(house.check("config").await, @r#"bad: nothing is done: the workspace has 2 teams called "Support"; rename all but one of them in Intercom"#);
}

#[tokio::test]
async fn names_that_were_known_stay_known_while_the_lists_cannot_be_had() {
    let mut house = House::with(OF_THE_TEAM).await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some(SUPPORT));
    house.intercom.settle().await;
    house.intercom.fault_always(Endpoint::Teams, Fault::Status { status: 500, body: String::new() });
    house.restart().await;
    house.after(days(3)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn names_that_were_never_known_are_waited_for() {
    let mut house = House::without_daemon(OF_THE_TEAM).await;
    house.intercom.fault_always(Endpoint::Teams, Fault::Status { status: 500, body: String::new() });
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some(SUPPORT));
    house.after(days(3)).await;
    insta::assert_snapshot!(house.check("config").await, @r#"bad: nothing is done: the teams, teammates and tags that the rules name could not be looked up: Intercom gave no answer that can be used; it is asked again"#);
    house.intercom.clear_faults();
    house.clock.advance(hours(1));
    house.daemon().tick().await;
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_team_that_goes_away_stops_acting_at_the_next_look() {
    let house = House::with(OF_THE_TEAM).await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some(SUPPORT));
    without_team(&house, "Support");
    house.look().await;
    house.after(days(3)).await;
    assert_eq!((house.state(&id), house.bad().await.contains(&"config".to_owned())), ("open", true));
}

#[tokio::test]
async fn tags_that_hold_or_are_ruled_out_need_not_exist_but_those_matched_must() {
    let exists = quiet("[safety]\nhold_tags = [\"nowhere\"]", OF_THE_TEAM);
    let mut house = House::configured(&exists, Workspace::default()).await;
    house.start().await;
    house.look().await;
    assert_eq!(house.check("config").await, "ok: 1 rule, live");
    house.configure(&quiet("", &OF_THE_TEAM.replace("match.not_tags", "match.tags")));
    house.restart().await;
    insta::assert_snapshot!(house.check("config").await, @r#"bad: nothing is done: the workspace has no tag "no-such-tag"; write its name as Intercom shows it, or create it"#);
}

#[tokio::test]
async fn an_assignment_goes_to_the_team_and_the_teammate_that_were_named() {
    let house = House::with(
        r#"
[[rule]]
name = "hand-over"
match.unassigned = true
step = [{ after = "1 day", do = "assign", team = "Support", teammate = "alex@example.com" }]
"#,
    )
    .await;
    let id = house.answered().await;
    house.after(days(2)).await;
    let seen = house.intercom.conversation(&id).unwrap();
    assert_eq!((seen.team_assignee.as_deref(), seen.admin_assignee.as_deref()), (Some(SUPPORT), Some("1002")));
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @"done assign 1: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC");
}

#[tokio::test]
async fn a_look_by_the_old_names_does_not_make_new_ones_unknown() {
    let many = OF_THE_TEAM.replace("match.not_tags = [\"no-such-tag\"]", "match.tags = [\"vip\"]");
    let mut house = House::configured(&quiet("", &many), Workspace::default()).await;
    house.start().await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some("2002"));
    let other = Workspace::default().teams.into_iter().find(|team| team.id == "2002").unwrap();
    house.configure(&quiet("", &OF_THE_TEAM.replace("Support", &other.name).replace("match.not_assignee", "# ")));
    let (config, secrets) = (house.config(), secrets());
    let (reached, held) = oneshot::channel();
    house.intercom.before_answer(Endpoint::Teams, move |_| reached.send(()).unwrap());
    let reloading = async {
        held.await.unwrap();
        house.daemon().reload(&config, &secrets).await.unwrap();
    };
    let (looked, ()) = tokio::join!(house.daemon().reconcile(), reloading);
    looked.unwrap();
    assert_eq!(house.check("config").await, "ok: 1 rule, live");
    house.after(days(3)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn names_that_cannot_be_written_down_after_a_reload_stop_acting_until_they_can() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.teammate_assigns_team(&id, Some(SUPPORT));
    house.intercom.settle().await;
    house.configure(&quiet("", OF_THE_TEAM));
    let (config, secrets) = (house.config(), secrets());
    let mut gate = house.intercom.gate();
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    let locking = async {
        let passing = loop {
            let passing = gate.recv().await.unwrap();
            if passing.call.endpoint == Endpoint::Teams {
                break passing;
            }
        };
        // The answer waits until the lock is taken.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
        drop((passing, gate));
    };
    let (reloaded, ()) = tokio::join!(house.daemon().reload(&config, &secrets), locking);
    assert!(reloaded.is_ok(), "the new rules hold: {reloaded:?}");
    assert!(house.check("config").await.starts_with("bad: nothing is done: what the rules name could not be written"));
    sqlx::query("ROLLBACK").execute(&mut stranger).await.unwrap();
    house.clock.advance(days(3));
    house.daemon().tick().await;
    house.sweep().await;
    assert_eq!((house.check("config").await.as_str(), house.state(&id)), ("ok: 1 rule, live", "closed"));
}

#[tokio::test]
async fn an_attribute_that_the_token_s_own_teammate_sets_for_us_is_our_deed() {
    let rules = r#"
[[rule]]
name = "woken"
match.state = ["woken"]
step = [
    { after = "1 day", do = "update", set.escalated = true },
    { after = "2 days", do = "close", silent = true },
]
"#;
    let mut house = House::without_daemon(rules).await;
    let mut config = house.config();
    config.intercom.admin_id = Some("1002".to_owned());
    let daemon = Daemon::start(&config, &secrets(), house.clock.clone().into()).await.unwrap();
    let webhook = format!("http://{}/webhooks/intercom", daemon.public_address());
    house.intercom.send_notifications_to(&webhook, CLIENT_SECRET);
    house.daemon = Some(daemon);
    house.look().await;
    let id = house.answered().await;
    house.intercom.teammate_snoozes(&id, house.clock.now() + hours(5));
    house.clock.advance(hours(6));
    house.intercom.wake_due_snoozes();
    house.look().await;
    for _ in 0..3 {
        house.after(days(1)).await;
    }
    assert_eq!(house.state(&id), "closed", "{:#?}", house.journal(&id).await);
}
