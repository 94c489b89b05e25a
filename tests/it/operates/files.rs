//! What lies where the database is to be: taken, or refused within two seconds and left as it was.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;

use sha2::{Digest, Sha256};

use super::*;

/// Somebody who is not root.
const SOMEBODY: u32 = 61_235;

/// A digest of everything in a folder but the lock, which is empty and stays.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let all = entries.map(|entry| {
        let bytes = std::fs::read(entry.path());
        let digest = bytes.map_or_else(
            |error| error.kind().to_string(),
            |bytes| format!("{} bytes, {}", bytes.len(), hex::encode(&Sha256::digest(bytes)[..8])),
        );
        (entry.file_name().into_string().unwrap(), digest)
    });
    all.filter(|(name, _)| name != "a.db.lock").collect()
}

fn sqlite(path: &Path, statements: &[&'static str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        for statement in statements {
            sqlx::query(*statement).execute(&mut connection).await.unwrap();
        }
        sqlx::Connection::close(connection).await.unwrap();
    });
}

fn ours(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { autoclosed::store::Store::open(path).await.unwrap().close().await });
}

fn nonsense(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7_919 + at / 251) % 256).unwrap()).collect()
}

fn spoil(path: &Path, spoil: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    spoil(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

type Case = (&'static str, i32, fn(&Path));

const REFUSED: [Case; 13] = [
    ("a missing folder", 1, |file| std::fs::remove_dir(file.parent().unwrap()).unwrap()),
    ("a folder in its place", 3, |file| std::fs::create_dir(file).unwrap()),
    ("a link into a folder that is not there", 1, |file| symlink("nowhere/b.db", file).unwrap()),
    ("a link to itself", 1, |file| symlink("a.db", file).unwrap()),
    ("text", 3, |file| std::fs::write(file, "[intercom]\n").unwrap()),
    ("bytes that look encrypted", 3, |file| std::fs::write(file, nonsense(40_960)).unwrap()),
    ("a database of somebody else's", 3, |file| sqlite(file, &["CREATE TABLE t (a)"])),
    ("one with a mark of its own", 3, |file| sqlite(file, &["PRAGMA application_id = 7", "CREATE TABLE t (a)"])),
    ("a newer schema", 3, |file| {
        ours(file);
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (99, 'later', 1, x'', 0)";
        sqlite(file, &[newer]);
    }),
    ("a migration that was broken off by another program", 3, |file| {
        ours(file);
        sqlite(file, &["UPDATE _sqlx_migrations SET success = 0 WHERE version = 3"]);
    }),
    ("a damaged page", 3, |file| {
        ours(file);
        spoil(file, |bytes| bytes[8_192..12_288].fill(0xa5));
    }),
    ("half of it", 3, |file| {
        ours(file);
        spoil(file, |bytes| bytes.truncate(bytes.len() / 2 - 100));
    }),
    ("nothing but a header", 3, |file| {
        ours(file);
        spoil(file, |bytes| bytes.truncate(100));
    }),
];

fn place() -> (Place, PathBuf) {
    let place = Place::new(&lonely(CALM).replace("sqlite:a.db", "sqlite:state/a.db"));
    std::fs::create_dir(place.file("state")).unwrap();
    let file = place.file("state/a.db");
    (place, file)
}

#[test]
fn what_is_refused_is_refused_at_once_with_the_next_step_and_left_as_it_was() {
    let mut lines = Vec::new();
    for (name, status, prepare) in REFUSED {
        let (place, file) = place();
        prepare(&file);
        let state = place.file("state");
        let before = state.exists().then(|| contents(&state));
        let began = Instant::now();
        let done = place.output("run");
        let took = began.elapsed();
        assert_eq!(done.status.code(), Some(status), "{name}: {}", told(&done.stderr));
        assert_eq!(state.exists().then(|| contents(&state)), before, "{name}: something was changed");
        // Two seconds on a machine that does nothing else.
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
        let why = told(&done.stderr);
        let newest = of_any_schema(&why);
        lines.push(format!("{name}: {}", newest.trim_end()));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    a missing folder: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: No such file or directory (os error 2)
    a folder in its place: autoclosed: state/a.db is not an autoclosed database; name another file in [database] url
    a link into a folder that is not there: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: No such file or directory (os error 2)
    a link to itself: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: Too many levels of symbolic links (os error 40)
    text: autoclosed: state/a.db is not an autoclosed database; name another file in [database] url
    bytes that look encrypted: autoclosed: state/a.db is not an autoclosed database; name another file in [database] url
    a database of somebody else's: autoclosed: state/a.db is not an autoclosed database; name another file in [database] url
    one with a mark of its own: autoclosed: state/a.db is not an autoclosed database; name another file in [database] url
    a newer schema: autoclosed: the database was written by a newer autoclosed (schema 99); this one knows schema N: install the newer version again
    a migration that was broken off by another program: autoclosed: another program has changed the database half-way (step 3), and nobody knows what of it was done; keep the file, restore a backup and start again
    a damaged page: autoclosed: the database is damaged (database disk image is malformed); keep the file, restore a backup and start again
    half of it: autoclosed: the database is damaged (database disk image is malformed); keep the file, restore a backup and start again
    nothing but a header: autoclosed: the database is damaged (database disk image is malformed); keep the file, restore a backup and start again
    ");
}

/// The newest schema changes; the rest of the words does not.
fn of_any_schema(why: &str) -> String {
    match why.split_once("this one knows schema ") {
        Some((before, behind)) => {
            let rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}this one knows schema N{rest}")
        }
        None => why.to_owned(),
    }
}

/// Those that only somebody else than root meets.
#[test]
fn where_it_may_not_write_it_says_so_and_changes_nothing() {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("skipped: only root can make what belongs to another user");
        return;
    }
    let mut lines = Vec::new();
    for (name, owner, of_folder, of_file) in [
        ("a file that may only be read", SOMEBODY, 0o700, 0o400),
        ("a folder that may only be read", SOMEBODY, 0o500, 0o600),
        ("somebody else's file", 0, 0o755, 0o600),
        ("somebody else's folder", 0, 0o700, 0o600),
    ] {
        let (place, file) = place();
        ours(&file);
        let state = place.file("state");
        for (path, owner, mode) in
            [(place.folder.path(), SOMEBODY, 0o755), (&state, owner, of_folder), (&file, owner, of_file)]
        {
            chown(path, Some(owner), Some(owner)).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::set_permissions(place.file("a.toml"), std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_autoclosed"), place.file("autoclosed")).unwrap();
        let before = contents(&state);
        let mut program = crate::campaigns::starting(place.file("autoclosed"));
        program.args(["run", "--config", "a.toml"]).current_dir(place.folder.path()).env_clear().stdin(Stdio::null());
        program.env("INTERCOM_ACCESS_TOKEN", Workspace::default().token).env("INTERCOM_CLIENT_SECRET", CLIENT_SECRET);
        let done = program.uid(SOMEBODY).gid(SOMEBODY).output().unwrap();
        assert_eq!(done.status.code(), Some(1), "{name}: {}", told(&done.stderr));
        assert_eq!(contents(&state), before, "{name}: something was changed");
        lines.push(format!("{name}: {}", told(&done.stderr).trim_end()));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    a file that may only be read: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: Permission denied (os error 13)
    a folder that may only be read: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: Permission denied (os error 13)
    somebody else's file: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: Permission denied (os error 13)
    somebody else's folder: autoclosed: the database state/a.db cannot be written; its folder must be there, and both belong to the user that autoclosed runs as
      because: Permission denied (os error 13)
    ");
}
