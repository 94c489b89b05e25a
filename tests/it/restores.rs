//! An old copy of the database in the place of a newer one: what the daemon did meanwhile is in Intercom, and not in it.

use std::os::unix::fs::FileExt;

use autoclosed::engine::ConversationId;
use autoclosed::sabotage::{Bug, plant};
use jiff::SignedDuration;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::harness::{House, QUIET_A_DAY, days, hours, minutes};

/// Reminds, leaves a note, and closes with a word.
const LADDER: &str = r#"
[[rule]]
name = "quiet"
match_all = true
[[rule.step]]
after = "3 days"
do = "reply"
body = "<p>Hi {{ contact.first_name | default('there') }}, did that solve it?</p><p>We close this on {{ closes_at | date }}.</p>"
[[rule.step]]
after = "4 days"
do = "note"
body = "Reminded by rule {{ rule }}; nobody has answered."
[[rule.step]]
after = "7 days"
do = "close"
body = "Closing this for now."
tags = ["auto-closed"]
"#;

/// Begins and ends as the reminder does.
const OTHER_WORDS: &str = "Hi Ann, your export is ready, and it took us so long as there were a great many before it, and \
                           the holidays, did that solve it? We close this on demand.";

/// Takes a copy of the database now, as an operator does.
async fn backed_up(house: &House) -> std::path::PathBuf {
    let copy = house.folder().join("backup.db");
    autoclosed::command::backup::backup(&house.file(), &copy).await.unwrap();
    copy
}

/// Puts the copy in the place of the database, as docs/operations.md says, and starts on it.
async fn restore(house: &mut House, copy: &std::path::Path) {
    house.stop().await;
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", house.database().display()));
    }
    std::fs::copy(copy, house.database()).unwrap();
    house.start().await;
    house.look().await;
}

/// Lets days pass, with a sweep in every third hour.
async fn pass(house: &House, time: SignedDuration) {
    let end = house.clock.now() + time;
    while house.clock.now() < end {
        house.after(hours(3)).await;
    }
}

/// What our teammate has said in it, by kind: replies, notes, closes.
fn said(house: &House, id: &ConversationId) -> [usize; 3] {
    ["comment", "note", "close"].map(|kind| house.ours(id, kind))
}

#[tokio::test]
async fn what_was_sent_after_the_copy_was_made_is_not_sent_again_and_the_ladder_goes_on_as_it_was() {
    for (sent_until, want) in [(days(3), [1, 0, 0]), (days(4), [1, 1, 0]), (days(7), [1, 1, 1])] {
        let mut house = House::with(LADDER).await;
        let id = house.answered().await;
        pass(&house, days(2)).await;
        let copy = backed_up(&house).await;
        pass(&house, sent_until - days(2)).await;
        assert_eq!(said(&house, &id), want, "before the copy came back");
        restore(&mut house, &copy).await;
        pass(&house, days(7) - sent_until).await;
        assert_eq!((said(&house, &id), house.state(&id)), ([1, 1, 1], "closed"), "{:?}", house.journal(&id).await);
        pass(&house, days(14)).await;
        assert_eq!(said(&house, &id), [1, 1, 1]);
    }
}

#[tokio::test]
async fn after_a_contact_has_spoken_it_is_all_said_once_more() {
    let mut house = House::with(LADDER).await;
    let id = house.answered().await;
    let copy = backed_up(&house).await;
    pass(&house, days(7)).await;
    assert_eq!(said(&house, &id), [1, 1, 1]);
    house.intercom.contact_replies(&id, "One more thing.");
    restore(&mut house, &copy).await;
    pass(&house, days(9)).await;
    assert_eq!((said(&house, &id), house.state(&id)), ([1, 1, 1], "open"), "we owe the answer");
    house.intercom.teammate_replies(&id, "Here you are.");
    pass(&house, days(8)).await;
    assert_eq!((said(&house, &id), house.state(&id)), ([2, 2, 2], "closed"));
}

#[tokio::test]
async fn what_a_teammate_opens_without_a_word_is_not_closed_with_the_same_word_again() {
    let rules = LADDER.replace("match_all = true", "match_all = true\nafter_reopen = \"count_again\"");
    let mut house = House::with(&rules).await;
    let id = house.answered().await;
    let copy = backed_up(&house).await;
    pass(&house, days(7)).await;
    house.intercom.teammate_opens(&id);
    restore(&mut house, &copy).await;
    pass(&house, days(10)).await;
    let words = house.intercom.mutating_calls();
    let words =
        words.iter().filter(|call| call.body.as_ref().is_some_and(|body| body["body"] == "Closing this for now."));
    assert_eq!((said(&house, &id), words.count(), house.state(&id)), ([1, 1, 2], 1, "closed"));
}

#[tokio::test]
async fn a_message_of_ours_that_the_copy_does_not_know_answers_nobody() {
    let rules = r#"
[[rule]]
name = "we owe an answer"
match.waiting_on = "teammate"
step = [{ after = "1 day", do = "reply", body = "We have not forgotten you, and answer tomorrow." }]

[[rule]]
name = "quiet"
match.waiting_on = "contact"
step = [{ after = "3 days", do = "close", silent = true }]
"#;
    let mut house = House::with(rules).await;
    let id = house.intercom.contact_starts("How do I export my data?");
    house.intercom.settle().await;
    let copy = backed_up(&house).await;
    pass(&house, days(1)).await;
    assert_eq!(said(&house, &id), [1, 0, 0]);
    restore(&mut house, &copy).await;
    pass(&house, days(9)).await;
    assert_eq!((said(&house, &id), house.state(&id)), ([1, 0, 0], "open"));
}

#[tokio::test]
async fn another_rule_keeps_quiet_after_a_reminder_that_the_copy_does_not_know() {
    let rules = r#"
[[rule]]
name = "first"
match.not_tags = ["moved"]
step = [{ after = "3 days", do = "reply", body = "Hi {{ contact.first_name | default('there') }}, did that solve it?" }]

[[rule]]
name = "second"
match_all = true
step = [
    { after = "4 days", do = "reply", body = "Are you still there, {{ contact.name | default('dear reader') }}?" },
    { after = "100 hours", do = "close", silent = true },
]
"#;
    let mut house = House::with(rules).await;
    let id = house.answered().await;
    let copy = backed_up(&house).await;
    pass(&house, days(3) + hours(12)).await;
    assert_eq!(said(&house, &id), [1, 0, 0]);
    house.intercom.tag(&id, "moved");
    restore(&mut house, &copy).await;
    pass(&house, hours(9)).await;
    assert_eq!((said(&house, &id), house.state(&id)), ([1, 0, 0], "open"), "24 hours after the other's message");
    pass(&house, hours(12)).await;
    assert_eq!((said(&house, &id), house.state(&id)), ([1, 0, 1], "closed"));
}

#[tokio::test]
async fn other_words_of_the_same_teammate_are_a_person_s() {
    let mut house = House::with(LADDER).await;
    let id = house.answered().await;
    let copy = backed_up(&house).await;
    pass(&house, days(2)).await;
    house.intercom.by("1009").teammate_replies(&id, OTHER_WORDS);
    restore(&mut house, &copy).await;
    pass(&house, days(2)).await;
    assert_eq!(said(&house, &id), [1, 0, 0], "counts from the person's word");
    house.clock.advance(minutes(1));
    pass(&house, days(5) + hours(3)).await;
    assert_eq!((said(&house, &id), house.state(&id)), ([2, 1, 1], "closed"));
}

#[tokio::test]
async fn whoever_forgets_what_was_said_says_it_twice() {
    let _bug = plant(Bug::ForgetsWhatItSaid);
    let mut house = House::with(LADDER).await;
    let id = house.answered().await;
    let copy = backed_up(&house).await;
    pass(&house, days(3)).await;
    restore(&mut house, &copy).await;
    pass(&house, days(4)).await;
    assert_eq!(said(&house, &id), [2, 1, 0], "and the close has moved away too");
}

/// Whoever forgets to take the log away puts an old file beside a newer log.
#[tokio::test]
async fn the_log_of_the_newer_database_beside_the_copy_is_refused_or_does_no_harm() {
    let mut house = House::with(LADDER).await;
    let id = house.answered().await;
    pass(&house, days(2)).await;
    let copy = backed_up(&house).await;
    pass(&house, days(2)).await;
    assert_eq!(said(&house, &id), [1, 1, 0]);
    let log = format!("{}-wal", house.database().display());
    let newer = std::fs::read(&log).unwrap();
    assert!(!newer.is_empty());
    house.stop().await;
    std::fs::copy(&copy, house.database()).unwrap();
    std::fs::write(&log, newer).unwrap();
    match autoclosed::store::Store::open(&house.database()).await {
        Err(error) => assert!(error.refuses_the_database(), "{error:?}"),
        Ok(store) => {
            store.close().await;
            house.start().await;
            house.look().await;
            pass(&house, days(4)).await;
            assert_eq!((said(&house, &id), house.state(&id)), ([1, 1, 1], "closed"));
        }
    }
}

/// Ruins all but the first page under a daemon that runs, and has it read them. What stood there before.
async fn ruin(house: &House) -> Vec<u8> {
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut stranger).await.unwrap();
    let before = std::fs::read(house.database()).unwrap()[4096..].to_vec();
    stranger.close().await.unwrap();
    put(house, &vec![0xa5; before.len()]).await;
    before
}

/// Puts these bytes in the place of all but the first page.
async fn put(house: &House, bytes: &[u8]) {
    let file = std::fs::OpenOptions::new().write(true).open(house.database()).unwrap();
    file.write_all_at(bytes, 4096).unwrap();
    // Whoever sees that somebody has written reads everything again.
    let mut stranger = SqliteConnectOptions::new().filename(house.database()).connect().await.unwrap();
    let again = format!("PRAGMA user_version = {}", bytes[4095]);
    sqlx::query(sqlx::AssertSqlSafe(again)).execute(&mut stranger).await.unwrap();
    stranger.close().await.unwrap();
}

/// What is due is not done where damage was met, also when the pages read well again. How many calls were made after that.
async fn after_damage_that_is_gone_again() -> usize {
    let house = House::with(QUIET_A_DAY).await;
    for _ in 0..5 {
        house.answered().await;
    }
    let good = ruin(&house).await;
    house.after(days(1)).await;
    assert_eq!(house.deeds(), Vec::<String>::new());
    put(&house, &good).await;
    for _ in 0..3 {
        house.after(minutes(1)).await;
    }
    house.deeds().len()
}

#[tokio::test]
async fn a_page_that_reads_well_again_is_no_reason_to_go_on() {
    assert_eq!(after_damage_that_is_gone_again().await, 0);
}

#[tokio::test]
async fn whoever_forgets_damage_is_caught() {
    let _planted = plant(Bug::ForgetsDamage);
    assert!(after_damage_that_is_gone_again().await > 0, "it goes on with a file that was damaged");
}

#[tokio::test]
async fn damage_that_is_met_while_it_runs_ends_all_acting_and_health_says_so() {
    let house = House::with(QUIET_A_DAY).await;
    for _ in 0..5 {
        house.answered().await;
    }
    ruin(&house).await;
    house.after(days(1)).await;
    for _ in 0..3 {
        house.after(minutes(1)).await;
    }
    assert_eq!(house.deeds(), Vec::<String>::new());
    let check = house.check("database").await;
    assert!(["bad: ", "damaged", "keep the file", "restore a backup"].iter().all(|it| check.contains(it)), "{check}");
    assert!(house.daemon().store().damage().is_some(), "and it is not forgotten");
}
