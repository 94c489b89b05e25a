//! A folder for the database, gone when the demo ends in whatever way.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Removes itself and what is in it when dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new folder in `place` that nobody else can read.
    pub(super) fn new_in(place: &Path) -> io::Result<Folder> {
        let names = (0_u32..).map(|number| format!("autoclosed-demo-{}-{number}", std::process::id()));
        for path in names.map(|name| place.join(name)) {
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A temporary folder that cannot be removed is left to the system's own tidying.
        let _left = std::fs::remove_dir_all(&self.0).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_new_private_and_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (Folder::new_in(place.path()).unwrap(), Folder::new_in(place.path()).unwrap());
        assert_ne!(one.path(), other.path());
        std::fs::write(one.path().join("autoclosed.db"), "x").unwrap();
        assert_eq!(std::fs::metadata(one.path()).unwrap().permissions().mode() & 0o777, 0o700);
        drop((one, other));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
