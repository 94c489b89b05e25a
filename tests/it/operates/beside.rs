//! Commands beside a daemon that runs as another user, as under `DynamicUser`. Needs root to become somebody else.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use super::*;

/// Nobody's, as systemd hands them out.
const OWNER: u32 = 61_234;

/// A place whose database lies in a folder of the owner's alone; none where we cannot make one.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
fn place() -> Option<Place> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("skipped: only root can make what belongs to another user");
        return None;
    }
    let place = Place::new(&lonely(CALM).replace("sqlite:a.db", "sqlite:state/a.db"));
    let state = place.file("state");
    std::fs::create_dir(&state).unwrap();
    for (path, mode) in [(place.folder.path(), 0o755), (&state, 0o700), (&place.file("a.toml"), 0o644)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    // Whoever the program is run as must reach it, wherever it was built.
    std::fs::copy(env!("CARGO_BIN_EXE_autoclosed"), place.file("autoclosed")).unwrap();
    std::os::unix::fs::chown(&state, Some(OWNER), Some(OWNER)).unwrap();
    Some(place)
}

fn by(place: &Place, user: u32, command: &str) -> Command {
    let mut program = crate::campaigns::starting(place.file("autoclosed"));
    program.args([command, "--config", "a.toml"]).current_dir(place.folder.path()).env_clear().stdin(Stdio::null());
    program.env("INTERCOM_ACCESS_TOKEN", Workspace::default().token).env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET);
    program.uid(user).gid(user);
    program
}

/// The files of the database, as `name owner mode`.
fn files(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.file("state")).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let (name, file) = (entry.file_name(), entry.metadata().unwrap());
            format!("{} {} {:o}", name.display(), file.uid(), file.mode() & 0o777)
        })
        .collect();
    files.sort();
    files
}

const ALL: [&str; 4] = ["a.db 61234 600", "a.db-shm 61234 600", "a.db-wal 61234 600", "a.db.lock 61234 600"];

#[test]
fn root_s_commands_leave_nothing_behind_that_locks_the_daemon_out() {
    let Some(place) = place() else { return };
    let mut running = Running::of(&mut by(&place, OWNER, "run"));
    running.wait_for("is ready");
    let paused = by(&place, 0, "pause").output().unwrap();
    assert_eq!(paused.status.code(), Some(0), "{}", told(&paused.stderr));
    assert_eq!(files(&place), ALL, "beside the running daemon");
    running.send("KILL");
    let _ = running.ended();
    for command in ["resume", "pause"] {
        assert_eq!(by(&place, 0, command).status().unwrap().code(), Some(0));
        assert!(files(&place).iter().all(|file| ALL.contains(&file.as_str())), "{:?}", files(&place));
    }
    let mut running = Running::of(&mut by(&place, OWNER, "run"));
    running.wait_for("is ready");
    let (status, _, lines) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

/// `SQLite` gives what root makes to whom the database belongs; a build of it that does not would end here.
#[tokio::test]
async fn what_root_s_command_makes_beside_the_database_belongs_to_its_owner_at_once() {
    let Some(place) = place() else { return };
    let mut running = Running::of(&mut by(&place, OWNER, "run"));
    running.wait_for("is ready");
    running.send("KILL");
    let _ = running.ended();
    // The last to close a database takes both files away.
    let file = place.file("state/a.db");
    autoclosed::store::Store::open_beside(&file).await.unwrap().close().await;
    assert_eq!(files(&place), [ALL[0], ALL[3]]);
    let store = autoclosed::store::Store::open_beside(&file).await.unwrap();
    store.takes_commits().await.unwrap();
    assert_eq!(files(&place), ALL, "while root has it open, and if it were killed now");
    store.close().await;
}

#[test]
fn whoever_may_not_open_the_database_is_told_who_may() {
    let Some(place) = place() else { return };
    let mut running = Running::of(&mut by(&place, OWNER, "run"));
    running.wait_for("is ready");
    let refused = by(&place, OWNER + 1, "pause").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let why = told(&refused.stderr).replace(place.folder.path().to_str().unwrap(), "/var/lib/private");
    insta::assert_snapshot!(why, @"autoclosed: the database at /var/lib/private/state/a.db is open to its owner and to root alone; run this as one of them, for example with sudo");
}
