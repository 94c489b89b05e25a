//! A changed configuration while everything runs: what changes at once, what follows, and what must not be lost.

use autoclosed::config::Secrets;
use autoclosed::daemon::Sweeping;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault, Workspace};
use autoclosed::intercom::signature::sign;
use autoclosed::safety::Blocked;
use jiff::Timestamp;
use secrecy::SecretString;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::oneshot;

use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY, arrived, days, hours, minutes, monday, seconds};

const OTHER_TOKEN: &str = "another-token-of-the-fake-workspace";

fn live(rules: &str) -> String {
    format!("mode = \"live\"\n{rules}")
}

fn quiet(after: &str) -> String {
    live(&QUIET_A_DAY.replace("1 day", after))
}

fn secrets(token: &str, client_secret: &str) -> Secrets {
    Secrets { access_token: SecretString::from(token), client_secrets: vec![SecretString::from(client_secret)] }
}

fn token() -> String {
    Workspace::default().token
}

/// Reads this configuration, with the secrets as they were.
async fn reload(house: &mut House, configuration: &str) {
    house.configure(configuration);
    let config = house.config();
    let waiting = house.daemon().reload(&config, &secrets(&token(), CLIENT_SECRET)).await.unwrap();
    assert_eq!(waiting, Vec::<&str>::new());
}

async fn change_token(house: &House, token: &str) {
    let config = house.config();
    house.daemon().reload(&config, &secrets(token, CLIENT_SECRET)).await.unwrap();
}

async fn stranger(house: &House) -> SqliteConnection {
    SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap()
}

/// When a conversation is due, as the database says.
async fn due_at(house: &House, id: &ConversationId) -> Option<Timestamp> {
    let due = sqlx::query_scalar::<_, Option<i64>>("SELECT due_at FROM conversation WHERE id = $1").bind(id.as_str());
    let due = due.fetch_one(&mut stranger(house).await).await.unwrap();
    due.map(|due| Timestamp::from_millisecond(due).unwrap())
}

#[tokio::test]
async fn due_dates_follow_the_rules_that_were_reloaded() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let answered_at = house.clock.now();
    assert_eq!(due_at(&house, &id).await, Some(answered_at + days(1)));
    reload(&mut house, &quiet("3 days")).await;
    assert_eq!(due_at(&house, &id).await, Some(answered_at + days(3)));
    house.after(days(3) - seconds(1)).await;
    assert_eq!(house.deeds(), Vec::<String>::new());
    reload(&mut house, &quiet("2 days")).await;
    house.sweep().await;
    assert_eq!((house.state(&id), house.deeds()), ("closed", vec!["close 200".to_owned()]));
    assert_eq!(house.check("config").await, "ok: 1 rule, live");
}

#[tokio::test]
async fn a_message_is_sent_in_the_words_that_were_reloaded() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    reload(&mut house, &live(&QUIET_A_DAY.replace("Closing this for now.", "So long."))).await;
    house.after(days(1)).await;
    let last = house.intercom.conversation(&id).unwrap().parts.pop().unwrap();
    assert_eq!(last.body.as_deref(), Some("<p>So long.</p>"));
}

#[tokio::test]
async fn a_tag_that_holds_from_now_on_holds_at_once() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    assert!(house.intercom.tag(&id, "vip"));
    house.clock.advance(days(1));
    reload(&mut house, &live(&format!("[safety]\nhold_tags = [\"vip\"]\n{QUIET_A_DAY}"))).await;
    house.look().await;
    house.sweep().await;
    assert_eq!((house.state(&id), house.deeds()), ("open", vec![]));
}

#[tokio::test]
async fn the_mode_changes_both_ways_and_what_was_rehearsed_is_done_then() {
    let mut house = House::with(QUIET_A_DAY).await;
    let (first, second) = (house.answered().await, house.answered().await);
    house.clock.advance(days(1));
    reload(&mut house, QUIET_A_DAY).await;
    assert_eq!(house.check("config").await, "ok: 1 rule, dry-run: nothing is sent");
    house.sweep().await;
    house.sweep().await;
    assert_eq!(house.deeds(), Vec::<String>::new());
    assert_eq!(house.journal(&first).await.len(), 1, "rehearsed once");
    reload(&mut house, &live(QUIET_A_DAY)).await;
    house.sweep().await;
    assert_eq!((house.state(&first), house.state(&second)), ("closed", "closed"));
    assert_eq!(house.deeds().len(), 2);
}

#[tokio::test]
async fn budgets_that_were_reloaded_hold_in_the_next_sweep() {
    let mut house = House::with(QUIET_A_DAY).await;
    for _ in 0..4 {
        house.answered().await;
    }
    house.clock.advance(days(1));
    reload(&mut house, &live(&format!("[safety]\nmax_closes_per_hour = 0\n{QUIET_A_DAY}"))).await;
    house.sweep().await;
    assert_eq!(house.deeds().len(), 0);
    reload(&mut house, &live(&format!("[safety]\nmax_actions_per_sweep = 3\n{QUIET_A_DAY}"))).await;
    house.after(minutes(2)).await;
    assert_eq!(house.deeds().len(), 3);
    house.after(minutes(2)).await;
    assert_eq!(house.deeds().len(), 4);
}

#[tokio::test]
async fn a_reload_without_a_change_decides_on_nothing_again() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    // Only a new decision would undo this.
    sqlx::query("UPDATE conversation SET due_at = 4711").execute(&mut stranger(&house).await).await.unwrap();
    let same = format!("# Only this is new.\n{}", live(QUIET_A_DAY));
    reload(&mut house, &same).await;
    reload(&mut house, &live(&format!("[safety]\nmax_closes_per_hour = 9\n{QUIET_A_DAY}"))).await;
    assert_eq!(due_at(&house, &id).await, Some(Timestamp::from_millisecond(4711).unwrap()));
    reload(&mut house, &quiet("2 days")).await;
    assert_eq!(due_at(&house, &id).await, Some(monday() + minutes(1) + days(2)));
}

#[tokio::test]
async fn what_cannot_change_while_running_is_told_and_everything_else_is_changed() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.configure(&live(&format!("[schedule]\nsweep = \"0 * * * * *\"\n{}", QUIET_A_DAY.replace("1 day", "2 days"))));
    let mut config = house.config();
    config.server.webhook_path = "/elsewhere".into();
    let waiting = house.daemon().reload(&config, &secrets(&token(), CLIENT_SECRET)).await.unwrap();
    assert_eq!(waiting, ["[server]", "[schedule]"]);
    let told = "ok: 1 rule, live; changed, but only from the next start on: [server], [schedule]";
    assert_eq!(house.check("config").await, told);
    assert_eq!(due_at(&house, &id).await, Some(monday() + minutes(1) + days(2)));
    assert_eq!(house.intercom.notifications().last().unwrap().status, Some(200));
    reload(&mut house, &quiet("2 days")).await;
    assert_eq!(house.check("config").await, "ok: 1 rule, live");
}

#[tokio::test]
async fn what_cannot_be_read_changes_nothing_and_health_tells_until_it_can() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.daemon().reload_failed("a.toml:3:1: unknown key `rul` (and 1 more)");
    let told = "bad: a.toml:3:1: unknown key `rul` (and 1 more); not reloaded, the old rules still hold";
    assert_eq!(house.check("config").await, told);
    assert_eq!(house.bad().await, ["sweep", "config"], "no sweep has run yet");
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed", "the old rules still hold");
    let config = house.config();
    house.daemon().reload(&config, &secrets(" ", CLIENT_SECRET)).await.unwrap_err();
    reload(&mut house, &live(QUIET_A_DAY)).await;
    house.look().await;
    assert_eq!(house.bad().await, Vec::<String>::new());
}

/// The status for a notification that is signed with this secret.
async fn status_by(house: &House, client_secret: &str) -> u16 {
    let body = br#"{"topic":"ping"}"#.as_slice();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = client.post(format!("http://{}/webhooks/intercom", house.daemon().public_address()));
    let signature = sign(&SecretString::from(client_secret), body);
    request.header("X-Hub-Signature", signature).body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_client_secret_is_accepted_until_the_reload_that_leaves_it_out() {
    let house = House::with(QUIET_A_DAY).await;
    assert_eq!((status_by(&house, CLIENT_SECRET).await, status_by(&house, "fresh").await), (200, 401));
    let config = house.config();
    let mut both = secrets(&token(), CLIENT_SECRET);
    both.client_secrets.push(SecretString::from("fresh"));
    house.daemon().reload(&config, &both).await.unwrap();
    assert_eq!((status_by(&house, CLIENT_SECRET).await, status_by(&house, "fresh").await), (200, 200));
    house.daemon().reload(&config, &secrets(&token(), "fresh")).await.unwrap();
    assert_eq!((status_by(&house, CLIENT_SECRET).await, status_by(&house, "fresh").await), (401, 200));
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced_without_a_restart() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    house.intercom.change_workspace(|workspace| workspace.token = OTHER_TOKEN.into());
    house.sweep().await;
    assert_eq!(house.sweep().await, Sweeping::Blocked(Blocked::Refused));
    let before = house.intercom.calls().len();
    change_token(&house, OTHER_TOKEN).await;
    let asked: Vec<_> = house.intercom.calls()[before..].iter().map(|call| call.path.clone()).collect();
    assert_eq!(asked, ["/me", "/admins"], "asked before anything is done, as it may be somebody else who acts now");
    house.sweep().await;
    house.look().await;
    assert_eq!((house.state(&id), house.bad().await), ("closed", vec![]));
}

#[tokio::test]
async fn nothing_is_done_with_a_new_token_until_intercom_says_whose_it_is() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    house.intercom.change_workspace(|workspace| workspace.token = OTHER_TOKEN.into());
    house.intercom.fault(Endpoint::Me, Fault::Status { status: 500, body: "{}".into() });
    change_token(&house, OTHER_TOKEN).await;
    let told = "bad: the access token was replaced; Intercom has not said yet whose it is";
    assert_eq!(house.check("intercom").await, told);
    assert_eq!(house.sweep().await, Sweeping::Blocked(Blocked::Refused));
    assert_eq!(house.deeds(), Vec::<String>::new());
    house.clock.advance(minutes(1));
    house.daemon().tick().await;
    house.look().await;
    assert_eq!((house.state(&id), house.bad().await), ("closed", vec![]));
}

#[tokio::test]
async fn a_new_token_of_another_workspace_stops_acting_and_its_conversations_are_not_read() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(days(1));
    let theirs = |workspace: &mut Workspace| {
        workspace.token = OTHER_TOKEN.into();
        workspace.app_id = "zz99zz99".into();
    };
    house.intercom.change_workspace(theirs);
    let before = house.reads(&id);
    change_token(&house, OTHER_TOKEN).await;
    assert!(matches!(house.sweep().await, Sweeping::Blocked(Blocked::Identity(_))));
    assert!(house.daemon().reconcile().await.is_err());
    let told = house.check("workspace").await;
    assert!(told.starts_with("bad: the access token belongs to workspace zz99zz99, not to ab12cd34"), "{told}");
    assert_eq!((house.reads(&id), house.deeds()), (before, vec![]));

    house.intercom.change_workspace(|workspace| *workspace = Workspace::default());
    change_token(&house, &token()).await;
    house.sweep().await;
    house.look().await;
    assert_eq!((house.state(&id), house.bad().await), ("closed", vec![]));
}

/// With the token of another workspace, what that does not know would count as gone here.
#[tokio::test]
async fn a_look_that_goes_on_reads_with_the_old_token_until_the_new_one_has_proved_to_be_ours() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    for _ in 0..20 {
        house.intercom.contact_starts("Hello?");
    }
    house.start().await;
    let (reached, held) = oneshot::channel();
    house.intercom.before_answer(Endpoint::Conversation, move |_| reached.send(()).unwrap());
    let changed = async {
        arrived(held).await;
        change_token(&house, OTHER_TOKEN).await;
    };
    let (looked, ()) = tokio::join!(house.daemon().reconcile(), changed);
    assert_eq!(looked.unwrap().changed, 20);
    let refused: Vec<_> = house.intercom.calls().into_iter().filter(|call| call.status == Some(401)).collect();
    assert_eq!(refused.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), ["/me"]);
    assert_eq!(house.sweep().await, Sweeping::Blocked(Blocked::Refused));
    assert!(house.check("intercom").await.starts_with("bad: Intercom refuses the access token"));
}

/// So many more conversations like this one, for work that takes a while.
async fn multiply(house: &House, id: &ConversationId, count: i64) {
    let columns = "app_id, state, snoozed_until, facts, updated_at, fetched, told_at, notification_id, created_at,
        channel, delivered_as, flags, latest, by_admin, snooze_ends, due_at, fetch_at";
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         INSERT INTO conversation (id, {columns}) SELECT 700000000 + i, {columns} FROM conversation, n WHERE id = $2"
    );
    let sql = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(count).bind(id.as_str());
    sql.execute(&mut stranger(house).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_flow_while_everything_is_decided_again_and_follow_the_new_rules() {
    let mut house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await];
    multiply(&house, &ids[0], 10_000).await;
    let before = house.intercom.notifications().len();
    house.configure(&quiet("4 days"));
    let config = house.config();
    let secrets = secrets(&token(), CLIENT_SECRET);
    let mut reloading = Box::pin(house.daemon().reload(&config, &secrets));
    let mut answers = 0;
    loop {
        tokio::select! {
            biased;
            reloaded = &mut reloading => break assert_eq!(reloaded.unwrap(), Vec::<&str>::new()),
            () = async {
                house.clock.advance(seconds(1));
                house.intercom.teammate_replies(&ids[answers % 3], "And another thing.");
                house.intercom.settle().await;
            } => answers += 1,
        }
    }
    assert!(answers > 0, "nothing was told while everything was decided again");
    house.intercom.settle().await;
    let told = house.intercom.notifications().split_off(before);
    let refused: Vec<_> = told.iter().map(|sent| sent.status).filter(|status| *status != Some(200)).collect();
    assert_eq!(refused, [], "of {}", told.len());
    for id in &ids {
        let last = house.known(id).await.unwrap().latest.values().map(|(at, _)| *at).max().unwrap();
        assert_eq!(due_at(&house, id).await, Some(last + days(4)));
    }
    let stale = "SELECT count(*) FROM conversation WHERE id > '7' AND due_at IS NOT $1";
    let want = monday() + minutes(1) + days(4);
    let stale = sqlx::query_scalar::<_, i64>(stale).bind(want.as_millisecond());
    assert_eq!(stale.fetch_one(&mut stranger(&house).await).await.unwrap(), 0);
}

/// The rules come, are dropped half-way, and the old ones come back: then the database must not believe that every due
/// date still follows from the old ones.
#[tokio::test]
async fn due_dates_are_whole_again_when_the_old_rules_come_back_after_a_reload_that_was_cut_off() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let due = due_at(&house, &id).await;
    multiply(&house, &id, 10_000).await;
    house.configure(&live(""));
    {
        let config = house.config();
        let secrets = secrets(&token(), CLIENT_SECRET);
        let cut_off = async {
            while due_at(&house, &id).await.is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = cut_off => {}
            reloaded = house.daemon().reload(&config, &secrets) => unreachable!("nothing was left to cut off: {reloaded:?}"),
        }
    }
    house.stop().await;
    house.configure(&live(QUIET_A_DAY));
    house.start().await;
    house.look().await;
    assert_eq!(due_at(&house, &id).await, due);
    house.after(days(1)).await;
    let waiting = house.daemon().store().count_backlog().await.unwrap().waiting;
    assert!(waiting > 0 && house.state(&id) == "open", "ten thousand that are due at once wait for an operator");
}

/// What was told between a start with other rules and its first look was decided by those.
#[tokio::test]
async fn due_dates_are_whole_again_after_a_start_with_other_rules_that_never_looked() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.stop().await;
    house.configure(&live(""));
    house.start().await;
    house.intercom.teammate_replies(&id, "And another thing.");
    house.intercom.settle().await;
    assert_eq!(due_at(&house, &id).await, None);
    house.stop().await;
    house.configure(&live(QUIET_A_DAY));
    house.start().await;
    house.look().await;
    house.after(days(1)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_reload_before_the_first_look_holds_from_that_look_on() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.start().await;
    house.intercom.teammate_replies(&id, "And another thing.");
    house.intercom.settle().await;
    reload(&mut house, &quiet("2 days")).await;
    assert_eq!(house.sweep().await, Sweeping::Blocked(Blocked::NoAnswerYet));
    house.look().await;
    assert_eq!(due_at(&house, &id).await, Some(monday() + minutes(1) + days(2)));
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn a_sweep_that_runs_ends_by_the_old_rules_before_the_new_ones_hold() {
    let mut house = House::with(QUIET_A_DAY).await;
    let ids = [house.answered().await, house.answered().await, house.answered().await];
    house.clock.advance(days(1));
    house.configure(QUIET_A_DAY);
    let config = house.config();
    let secrets = secrets(&token(), CLIENT_SECRET);
    let (reached, held) = oneshot::channel();
    house.intercom.before_answer(Endpoint::Conversation, move |_| reached.send(()).unwrap());
    let reloading = async {
        arrived(held).await;
        house.daemon().reload(&config, &secrets).await.unwrap();
    };
    let (swept, ()) = tokio::join!(house.daemon().sweep(), reloading);
    assert!(matches!(swept, Sweeping::Ran(swept) if swept.done == 1), "{swept:?}");
    house.sweep().await;
    let closed = ids.iter().filter(|id| house.state(id) == "closed").count();
    assert_eq!((closed, house.deeds().len()), (1, 1), "dry-run from the reload on");
}

#[tokio::test]
async fn a_reload_while_a_look_goes_on_waits_for_nothing_and_what_it_reads_follows_the_new_rules() {
    let mut house = House::without_daemon(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.start().await;
    house.configure(&quiet("2 days"));
    let config = house.config();
    let secrets = secrets(&token(), CLIENT_SECRET);
    let (reached, held) = oneshot::channel();
    house.intercom.before_answer(Endpoint::Search, move |_| reached.send(()).unwrap());
    let reloading = async {
        arrived(held).await;
        house.daemon().reload(&config, &secrets).await.unwrap();
    };
    let (looked, ()) = tokio::join!(house.daemon().reconcile(), reloading);
    looked.unwrap();
    assert_eq!(due_at(&house, &id).await, Some(monday() + minutes(1) + days(2)));
}

#[tokio::test]
async fn what_could_not_be_decided_again_is_before_the_next_sweep_does_anything() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.clock.advance(hours(25));
    // As a reload leaves it whose decisions could not be written.
    house.daemon().store().set_setting("decided_by", "").await.unwrap();
    sqlx::query("UPDATE conversation SET due_at = NULL").execute(&mut stranger(&house).await).await.unwrap();
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}
