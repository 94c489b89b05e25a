//! 200 comes after the commit and 503 where there is none.

use tokio::time::timeout;

use super::*;

async fn locked(desk: &Desk) -> SqliteConnection {
    let mut stranger = desk.stranger().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut stranger).await.unwrap();
    stranger
}

async fn unlock(mut stranger: SqliteConnection) {
    sqlx::query("ROLLBACK").execute(&mut stranger).await.unwrap();
}

/// The wait is real: nothing but time can show that an answer does not come. Half a second is well below the three
/// that the daemon waits for a lock.
#[tokio::test]
async fn no_200_is_sent_while_the_database_takes_no_commit() {
    let desk = Desk::new().await;
    let lock = locked(&desk).await;
    let mut answer = tokio::spawn(desk.signed(reply().to_string()).send());
    assert!(timeout(Duration::from_millis(500), &mut answer).await.is_err(), "answered before its commit");
    assert_eq!(desk.stored().await, 0);
    unlock(lock).await;
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(desk.stored().await, 1);
}

/// Takes the three real seconds for which the database waits for somebody else's lock.
#[tokio::test]
async fn a_database_that_stays_locked_gives_503_and_then_all_is_well_again() {
    let desk = Desk::new().await;
    let lock = locked(&desk).await;
    let notifications = [reply(), payload("v1.conversation.admin.snoozed")].map(|body| body.to_string());
    let (one, two, ready) = tokio::join!(
        desk.post(notifications[0].clone()),
        desk.post(notifications[1].clone()),
        desk.json(desk.admin("/ready"))
    );
    assert_eq!((one, two), (StatusCode::SERVICE_UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!((ready.0, ready.1), (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "bad"})));
    unlock(lock).await;
    for body in notifications {
        assert_eq!(desk.post(body).await, StatusCode::OK);
    }
    assert_eq!(desk.stored().await, 2);
    assert_eq!(desk.json(desk.admin("/ready")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_sender_that_hangs_up_leaves_no_transaction_behind() {
    let desk = Desk::new().await;
    for number in 0..10 {
        let mut body = reply();
        body["id"] = json!(number.to_string());
        let cut = timeout(Duration::from_millis(number), desk.post(body.to_string())).await;
        drop(cut);
        // Fails as locked if a transaction were left open.
        sqlx::query("UPDATE setting SET value = value").execute(&mut desk.stranger().await).await.unwrap();
    }
    let mut last = reply();
    last["id"] = json!("last");
    assert_eq!(desk.post(last.to_string()).await, StatusCode::OK);
}

/// Every payload of ours, and the rows that it leaves: part, class and who.
#[tokio::test]
async fn every_family_of_payloads_ends_in_its_activity_rows() {
    let desk = Desk::new().await;
    let mut told = Vec::new();
    for name in names() {
        desk.rows("DELETE FROM activity RETURNING class").await;
        assert_eq!(desk.post(payload(&name).to_string()).await, StatusCode::OK, "{name}");
        let rows =
            desk.rows("SELECT iif(part_id = '', 'no part', part_id) || ' ' || class || ' ' || actor FROM activity ORDER BY at, part_id, class").await;
        told.push(format!("{name}: {}", if rows.is_empty() { "-".to_owned() } else { rows.join(", ") }));
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    ping: -
    unknown.conversation.topic: source:9201 contact_reply contact, no part other unknown
    v0.conversation.admin.closed: source:9001 contact_reply contact, 7001 closed teammate, 7001 teammate_reply teammate
    v0.conversation.user.created: source:9001 contact_reply contact
    v1.conversation.admin.assigned: source:9101 contact_reply contact, 7103 assigned teammate, 7103 teammate_reply teammate
    v1.conversation.admin.noted: source:9101 contact_reply contact, 7104 note teammate, 7104 unsnoozed teammate
    v1.conversation.admin.single.created: source:9102 teammate_reply teammate
    v1.conversation.admin.snoozed: source:9101 contact_reply contact, 7102 snoozed teammate
    v1.conversation.user.replied: source:9101 contact_reply contact, 7101 contact_reply contact, 7101 opened contact
    v1.conversation_part.redacted: source:9101 contact_reply contact, 7100 contact_reply contact
    v1.conversation_part.tag.created: source:9101 contact_reply contact, 7100 contact_reply contact
    v2.contact.deleted: -
    v2.contact.merged: -
    v2.conversation.admin.closed: source:9201 contact_reply contact, 7207 bot_reply bot, 7207 closed bot
    v2.conversation.admin.snoozed: source:9201 contact_reply contact, 7202 snoozed teammate
    v2.conversation.admin.unsnoozed: source:9201 contact_reply contact, 7206 unsnoozed timer
    v2.conversation.contact.attached: -
    v2.conversation.deleted: -
    v2.conversation.operator.replied: source:9201 contact_reply contact, 7203 other bot
    v2.conversation.read: source:9201 contact_reply contact, 7204 bot_reply bot, 7205 other bot, no part read contact
    v2.conversation.user.replied: source:9201 contact_reply contact, 7201 contact_reply contact
    v2.ticket.contact.replied: -
    v2.ticket.created: -
    v2.ticket.state.updated: -
    v2b.conversation.admin.replied: source:9201 contact_reply contact, 7301 assigned teammate, 7301 teammate_reply teammate, 7301 unsnoozed teammate
    v2b.conversation.admin.replied.translated: source:9201 contact_reply contact, 7301 assigned teammate, 7301 teammate_reply teammate, 7301 unsnoozed teammate
    v2b.conversation.admin.snoozed: source:9201 contact_reply contact, 7302 snoozed teammate
    v2b.conversation.operator.replied: source:9302 bot_reply bot, 7303 bot_reply bot
    v2b.conversation.rating.added: source:9201 contact_reply contact, no part rated contact
    v2b.conversation.user.created: source:9301 contact_reply contact
    v2b.ticket.closed: -
    ");
    assert_eq!(desk.aside().await, Vec::<String>::new());
}

fn names() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/payloads");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.retain(|name| !name.starts_with("rest-"));
    names.sort();
    names
}
