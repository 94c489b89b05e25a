//! Copies in a folder, each named by its moment, of which the newest stay.
//!
//! Owns: their names, and which of them are too many. Refuses: deleting anything that is not named as a copy of this
//! database, and the copy that was made just now, whatever the clock says.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Digits stand for digits; UTC, so that the names sort as the moments do.
const MOMENT: &str = "00000000T000000Z";
const ENDING: &str = ".db";
/// What a copy is called while it is made.
pub(super) const HALF: &str = ".partial";
/// No copy takes so long: what began before and is not whole was cut off.
const CUT_OFF: SignedDuration = SignedDuration::from_hours(24);

/// The copies of one database in one folder.
#[derive(Debug)]
pub(super) struct Series {
    folder: PathBuf,
    /// What all their names begin with.
    prefix: String,
}

impl Series {
    /// Of the database at `database`; its name, without what follows the last dot, is theirs.
    pub(super) fn of(database: &Path, folder: &Path) -> Series {
        let stem = database.file_stem().and_then(OsStr::to_str).unwrap_or("autoclosed");
        Series { folder: folder.to_owned(), prefix: format!("{stem}-") }
    }

    /// Where the copy of this moment goes.
    pub(super) fn at(&self, now: Timestamp) -> PathBuf {
        self.folder.join(format!("{}{}{ENDING}", self.prefix, moment(now)))
    }

    /// Deletes all but the `keep` newest, of which `new` is one, and what was cut off. What was deleted, the oldest first;
    /// or what could not be.
    pub(super) fn keep_newest(
        &self,
        keep: usize,
        new: &Path,
        now: Timestamp,
    ) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
        let mut names = self.names().map_err(|error| (self.folder.clone(), error))?;
        names.sort_unstable();
        let long_ago = now.checked_sub(CUT_OFF).map(moment).unwrap_or_default();
        let of = |ending: &str| -> Vec<&str> {
            names.iter().filter(|name| self.moment_in(name, ending).is_some()).map(String::as_str).collect()
        };
        let mut whole = of(ENDING);
        whole.retain(|name| new.file_name() != Some(OsStr::new(name)));
        whole.truncate((whole.len() + 1).saturating_sub(keep));
        let ending = format!("{ENDING}{HALF}");
        let halves = of(&ending).into_iter().filter(|name| self.moment_in(name, &ending) < Some(long_ago.as_str()));
        let mut deleted = Vec::new();
        for name in whole.iter().copied().chain(halves) {
            let path = self.folder.join(name);
            std::fs::remove_file(&path).map_err(|error| (path.clone(), error))?;
            deleted.push(path);
        }
        Ok(deleted)
    }

    /// Names of the files in the folder. Links are nobody's copies.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The moment in the name of a copy of ours.
    fn moment_in<'a>(&self, name: &'a str, ending: &str) -> Option<&'a str> {
        let moment = name.strip_prefix(&self.prefix)?.strip_suffix(ending)?;
        let fits = |(is, like): (u8, u8)| if like == b'0' { is.is_ascii_digit() } else { is == like };
        (moment.len() == MOMENT.len() && moment.bytes().zip(MOMENT.bytes()).all(fits)).then_some(moment)
    }
}

fn moment(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}
