//! The way back to an earlier version, and a backup that is restored: by the commands of docs/deploy.md, as they stand
//! there.

use std::path::PathBuf;
use std::process::Command;

use autoclosed::command::backup::backup_into;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::*;
use crate::harness::{days, hours};

/// What stands in the `sh` blocks of a section of docs/deploy.md, line by line.
fn commands(heading: &str) -> Vec<String> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, section) = document.split_once(&format!("\n{heading}\n")).expect("the section is there");
    let (mut inside, mut lines) = (false, Vec::new());
    for line in section.lines() {
        match line {
            line if !inside && line.starts_with("##") => break,
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// A program that knows the migrations up to this one.
async fn earlier_program(schema: i64, path: &Path) -> Result<(), MigrateError> {
    let known = migrations().into_iter().filter(|(number, _)| *number <= schema);
    let known = known.map(|(number, text)| {
        let sql = AssertSqlSafe(text).into_sql_str();
        Migration::new(number, "".into(), MigrationType::Simple, sql, false)
    });
    let mut connection = connection(path).await;
    let opened = Migrator::with_migrations(known.collect()).run(&mut connection).await;
    connection.close().await.unwrap();
    opened
}

/// What is done by somebody else than a shell.
enum Done {
    Stop,
    Install,
    Start,
}

/// Stops the daemon, and leaves its log beside the database, as a daemon does that is ended by a signal.
async fn stop(story: &mut Story) {
    let log = log_of(story);
    let left = fs::read(&log).unwrap();
    assert!(!left.is_empty());
    story.house.stop().await;
    fs::write(log, left).unwrap();
}

fn log_of(story: &Story) -> PathBuf {
    story.house.folder().join("autoclosed.db-wal")
}

/// Runs the commands one by one, and hands over at those that are not a shell's. `/var/lib` is the house's folder; the copy
/// that the document names is `copy`.
async fn follow(heading: &str, story: &mut Story, copy: &str, mut at: impl AsyncFnMut(Done, &mut Story)) {
    let home = story.house.folder().to_owned();
    let mut ran = 0;
    for line in commands(heading) {
        match line.as_str() {
            // Without the socket, the next notification would start it on half of its files.
            "systemctl stop autoclosed.socket autoclosed.service" => at(Done::Stop, story).await,
            "systemctl start autoclosed.service" => at(Done::Start, story).await,
            line if line.starts_with("apt-get install ") => at(Done::Install, story).await,
            "autoclosed status" => {
                let said = tokio::task::block_in_place(|| story.house.says(&["status"]));
                assert!(said.out.starts_with("Health"), "{}{}", said.out, said.err);
            }
            line => {
                let line = line
                    .replace("/var/lib/autoclosed-backup/autoclosed-20261122T031500Z.db", copy)
                    .replace("autoclosed.db.schema-12", copy)
                    .replace("/var/lib/autoclosed", home.to_str().unwrap());
                let done = Command::new("sh").args(["-ec", &line]).current_dir(&home).output().unwrap();
                assert!(done.status.success() && done.stderr.is_empty(), "{line}: {done:?}");
                ran += 1;
            }
        }
    }
    assert!(ran >= 4, "{heading} has so many: {ran}");
}

/// Until the reminder of what was answered at its beginning is out.
async fn three_days(story: &mut Story) {
    story.house.intercom.teammate_replies(story.id("unanswered"), "It is under Settings.");
    story.house.after(hours(1)).await;
    for _ in 0..13 {
        story.house.after(hours(6)).await;
    }
    assert_eq!(story.house.ours(story.id("unanswered"), "comment"), 1, "it was reminded");
    assert_eq!(story.house.state(story.id("reminded")), "closed");
}

/// Nobody hears anything twice, and the ladder goes on where it was.
async fn goes_on_as_it_was(story: &mut Story) {
    for _ in 0..20 {
        story.house.after(hours(6)).await;
    }
    assert_eq!(story.said_twice(), BTreeSet::new());
    let seen = story.house.intercom.conversation(story.id("unanswered")).unwrap();
    assert_eq!(seen.state, "closed");
    let answered = seen.parts.iter().find(|part| part.author_id == "1001").unwrap().at;
    let closed = seen.parts.last().unwrap().at;
    assert!((days(7)..days(7) + hours(7)).contains(&closed.duration_since(answered)), "{answered} {closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_from_before_the_upgrade_leads_back_to_the_earlier_version() {
    let mut story = Story::told().await;
    let earlier = Fixture::of(12);
    story.put(&earlier).await;
    let database = story.house.database();
    let mut old = connection(&database).await;
    let before = fixture::text(&mut old).await;
    old.close().await.unwrap();
    story.house.start().await;
    story.house.look().await;
    three_days(&mut story).await;
    follow("## The way back", &mut story, "autoclosed.db.schema-12", async |done, story| match done {
        Done::Stop => stop(story).await,
        Done::Install => {
            // Of a copy, as whoever closes a database last takes its log away.
            let other = tempfile::tempdir().unwrap();
            for suffix in ["", "-wal"] {
                let (from, to) = (format!("{}{suffix}", database.display()), format!("a.db{suffix}"));
                fs::copy(from, other.path().join(to)).unwrap();
            }
            let refused = earlier_program(12, &other.path().join("a.db")).await;
            assert!(matches!(refused, Err(MigrateError::VersionMissing(13))), "{refused:?}");
        }
        Done::Start => {
            assert!(!log_of(story).exists(), "it belongs to the database that was there");
            earlier_program(12, &database).await.unwrap();
            assert_eq!(fixture::text(&mut connection(&database).await).await, before);
            // And forward again, as an older daemon cannot be had here.
            story.house.start().await;
            story.house.look().await;
        }
    })
    .await;
    let aside = story.house.folder().join("aside/autoclosed.db");
    assert_eq!(connection_schema(&aside).await, *migrations().keys().max().unwrap(), "what was there is kept");
    goes_on_as_it_was(&mut story).await;
}

async fn connection_schema(path: &Path) -> i64 {
    let newest = "SELECT max(version) FROM _sqlx_migrations";
    sqlx::query_scalar(newest).fetch_one(&mut connection(path).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_restored_as_the_document_says_says_nothing_twice() {
    let mut story = Story::told().await;
    story.house.start().await;
    story.house.look().await;
    let backups = story.house.folder().join("backups");
    fs::create_dir(&backups).unwrap();
    let (_, _) = backup_into(&story.house.file(), &backups, Some(14), story.house.clock.now()).await.unwrap();
    let copy = fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    three_days(&mut story).await;
    follow("### Restore", &mut story, copy.to_str().unwrap(), async |done, story| match done {
        Done::Stop => stop(story).await,
        Done::Install => panic!("nothing is installed"),
        Done::Start => {
            assert!(!log_of(story).exists(), "it belongs to the database that was there");
            story.house.start().await;
            story.house.look().await;
        }
    })
    .await;
    goes_on_as_it_was(&mut story).await;
}
