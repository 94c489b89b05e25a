//! A disk that fails: the program on a file system that refuses, fills up, loses what was not synced, or is locked by
//! somebody else. `shim.c` is loaded into it; nothing of the program knows.

mod deeds;
mod full;
pub(crate) mod journal;
mod locks;
mod logs;
pub(crate) mod machine;
pub(crate) mod senders;
mod syncs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library, built once for all tests of this run.
pub(crate) fn shim() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk/shim.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library).arg(source);
        let done = compiler.arg("-ldl").output();
        let done = done.expect("the tests of failing disks need a C compiler called `cc`: install gcc or clang");
        assert!(done.status.success(), "cc: {}", String::from_utf8_lossy(&done.stderr));
        (folder, library)
    });
    library
}

/// What goes wrong, from the `nth` operation on or with it alone, while the machine is armed.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// As `shim.c` calls it.
    pub(crate) kind: &'static str,
    /// How the names of the files end that it is about.
    pub(crate) of: &'static str,
    pub(crate) nth: u64,
}

impl Fault {
    fn told(&self) -> String {
        format!("{}:{}:{}", self.kind, self.of, self.nth)
    }

    /// Whether it stays until somebody mends it.
    pub(crate) fn stays(&self) -> bool {
        matches!(self.kind, "write-on" | "sync-on" | "full")
    }
}
