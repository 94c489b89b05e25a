//! `autoclosed forget`: nothing is left of a conversation, nothing brings it back, and nothing counts less for it.

use std::process::Command;
use std::time::Duration;

use autoclosed::clock::Clock;
use autoclosed::command::desk::Desk;
use autoclosed::command::forget::forget;
use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Contact, Endpoint, Fault, Workspace};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::{said, told};
use crate::harness::{House, QUIET_A_DAY, days, hours, minutes};

/// Each conversation has a contact of its own.
fn many_contacts() -> Workspace {
    let contact = |number: u32| Contact {
        id: format!("65f0000000000000000{number:05}"),
        role: "user".to_owned(),
        name: Some(format!("Kim {number:05}")),
        email: Some(format!("kim.{number:05}@example.com")),
    };
    Workspace { contacts: (50_000..51_000).map(contact).collect(), ..Workspace::default() }
}

async fn reader(house: &House) -> SqliteConnection {
    SqliteConnectOptions::new().filename(house.database()).read_only(true).connect().await.unwrap()
}

/// Files of the house in which this stands anywhere. Another process looks: whoever closes a file of the database loses
/// the locks that his own process has on it.
fn files_with(house: &House, needle: &str) -> String {
    let mut grep = Command::new("grep");
    let found = grep.args(["-rlaF", "--", needle, "."]).current_dir(house.folder()).output().unwrap();
    String::from_utf8(found.stdout).unwrap()
}

/// Everything by which a conversation could be known again.
fn traces(house: &House, id: &ConversationId) -> Vec<String> {
    let seen = house.intercom.conversation(id).unwrap();
    let nth = id.as_str().parse::<u64>().unwrap() - 215_470_000_000_001;
    let mut traces: Vec<String> = seen.parts.iter().map(|part| part.id.to_string()).collect();
    traces.extend([id.to_string(), (3_380_000_001 + nth).to_string()]);
    traces.extend([format!("65f0000000000000000{:05}", 50_000 + nth), format!("kim.{:05}@", 50_000 + nth)]);
    traces
}

#[tokio::test]
async fn not_a_byte_is_left_in_database_log_and_later_backups_and_nothing_brings_it_back() {
    let mut house =
        House::configured(&format!("mode = \"live\"\n[safety]\nmax_due_at_once = 99\n{QUIET_A_DAY}"), many_contacts())
            .await;
    house.keep_all_bodies();
    house.start().await;
    house.look().await;
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(house.answered().await);
    }
    house.intercom.tag(&ids[30], "vip");
    house.after(hours(12)).await;
    let id = ids[30].clone();
    house.intercom.contact_replies(&id, "And my invoices?");
    house.intercom.teammate_replies(&id, "The same.");
    house.intercom.settle().await;
    let (there, nowhere): (Vec<_>, Vec<_>) =
        traces(&house, &id).into_iter().partition(|trace| !files_with(&house, trace).is_empty());
    assert!((there.len(), nowhere.len()) == (7, 1), "all but the part of the tag: {there:?} {nowhere:?}");
    let said = said(&house, &["forget", id.as_str(), "--json"]).await;
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&document["conversation"], &document["forgotten"]), (&id.as_str().into(), &true.into()));
    assert!(document["rows"].as_u64().unwrap() > 10, "{document}");
    for trace in &there {
        assert_eq!(files_with(&house, trace), "", "{trace}");
    }

    house.clock.advance(minutes(5));
    for notification in house.intercom.notifications() {
        house.intercom.resend(&notification);
    }
    house.intercom.teammate_replies(&id, "One more thing.");
    house.intercom.settle().await;
    house.look().await;
    assert_eq!(super::said(&house, &["reconcile"]).await.status, Some(0));
    house.restart().await;
    house.after(days(2)).await;
    assert_eq!((house.state(&id), house.ours(&id, "close")), ("open", 0), "it is never touched again");
    assert_eq!(house.state(&ids[3]), "closed", "unlike the others");
    assert_eq!(super::said(&house, &["backup", "copy.db"]).await.status, Some(0));
    for trace in &there {
        assert_eq!(files_with(&house, trace), "", "{trace}");
    }
    let again = told(&house, &["forget", id.as_str()]).await.replace(id.as_str(), "ID");
    insta::assert_snapshot!(again, @r"
    0Conversation ID had been forgotten before. No trace of it is left in the database.
    No rule touches it any more. Backups and logs made before still tell of it.
    ");
}

#[tokio::test]
async fn what_is_unknown_is_told_and_not_remembered() {
    let house = House::with(QUIET_A_DAY).await;
    insta::assert_snapshot!(told(&house, &["forget", "404"]).await, @"1autoclosed: conversation 404 is not known; look for a slip in the id, or run `autoclosed reconcile` to have all looked at that is open or snoozed");
    let marks: i64 =
        sqlx::query_scalar("SELECT count(*) FROM forgotten").fetch_one(&mut reader(&house).await).await.unwrap();
    assert_eq!(marks, 0, "a slip in the id must not silence another conversation");
}

#[tokio::test]
async fn a_conversation_with_a_deed_on_its_way_is_not_forgotten_until_that_is_known() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Close, Fault::ApplyThenDrop);
    house.after(days(1)).await;
    let refused = told(&house, &["forget", id.as_str()]).await.replace(id.as_str(), "ID");
    insta::assert_snapshot!(refused, @"1autoclosed: conversation ID is not forgotten yet, as something about it is under way: a call to Intercom, or what follows one; let the daemon run, unpaused, for a few minutes, and run `autoclosed forget ID` again");
    assert!(house.known(&id).await.is_some(), "nothing of it is erased");
    house.after(minutes(2)).await;
    let done = told(&house, &["forget", id.as_str()]).await.replace(id.as_str(), "ID");
    let rows = done.split_once(": ").unwrap().1.split_once(' ').unwrap().0.to_owned();
    insta::assert_snapshot!(done.replacen(&rows, "N", 1), @r#"
0Conversation ID is forgotten: N rows erased, and no trace left in the database.
No rule touches it any more. Backups and logs made before still tell of it.
"#);
    assert!(house.known(&id).await.is_none());
}

#[tokio::test]
async fn budgets_and_counters_go_on_counting_what_was_done() {
    let mut house = House::configured(
        &format!("mode = \"live\"\n[safety]\nmax_closes_per_hour = 1\n{QUIET_A_DAY}"),
        many_contacts(),
    )
    .await;
    house.start().await;
    house.look().await;
    let (first, second) = (house.answered().await, house.answered().await);
    house.after(days(1)).await;
    assert_eq!((house.state(&first), house.state(&second)), ("closed", "open"));
    let counted = house.daemon().store().actions().await.unwrap();
    let due = |counted: &[(String, String, i64)]| counted.iter().map(|(.., count)| count).sum::<i64>();
    assert_eq!(said(&house, &["forget", first.as_str()]).await.status, Some(0));
    let after = house.daemon().store().actions().await.unwrap();
    assert_eq!(due(&after), due(&counted), "{after:?}");
    house.after(minutes(30)).await;
    assert_eq!(house.state(&second), "open", "the hour's close is still spent");
    house.after(hours(1)).await;
    assert_eq!(house.state(&second), "closed");
}

#[tokio::test]
async fn a_log_that_somebody_reads_is_told_as_not_emptied_and_the_next_try_empties_it() {
    let house = House::with(QUIET_A_DAY).await;
    let (id, _other) = (house.answered().await, house.answered().await);
    let mut reader = reader(&house).await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    let _: i64 = sqlx::query_scalar("SELECT count(*) FROM conversation").fetch_one(&mut reader).await.unwrap();
    let desk = Desk::open(&house.file(), Clock::System).await.unwrap();
    let left = forget(&desk, &id, Duration::ZERO).await.unwrap_err();
    assert_eq!(left.exit_status(), 1);
    insta::assert_snapshot!(left.to_string().replace(id.as_str(), "ID"), @"conversation ID is erased, but traces of it are left in the database's log, as somebody still reads an older state; run `autoclosed forget ID` again, and if it stays so, end whatever else has the database open");
    assert!(house.known(&id).await.is_none(), "for whoever asks, it is gone");
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    let document = serde_json::to_value(forget(&desk, &id, Duration::ZERO).await.unwrap()).unwrap();
    assert_eq!(document["rows"], 0);
    assert_eq!(files_with(&house, id.as_str()), "");
}
