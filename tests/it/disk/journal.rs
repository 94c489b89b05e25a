//! What a disk holds after a power cut, from the journal of everything that was done to it.
//!
//! What was synced is there. What was not is there or not, by dice, in pieces of a sector (512 bytes) each: a part of
//! all of them, or everything up to a moment with the last write torn. After a sync that failed the system has forgotten
//! what it was about: the dice fall at once, and no later sync brings it back. A file's name counts as kept from the
//! moment that it is made, changed or deleted, and no sector is ever half written or spoils another: what is not written
//! stays as it was.

use std::collections::BTreeMap;

use crate::simulation::dice::Dice;

const SECTOR: u64 = 512;

/// The files of a disk.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// What there was to lose.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Changes that no sync had followed.
    pub(crate) unsynced: u64,
    /// Of these, such of the database file itself: the log was being emptied into it.
    pub(crate) of_the_database: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Cut { to: u64 },
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    what: u8,
    name: String,
    at: u64,
    bytes: Vec<u8>,
}

/// A file: what surely is there, and what may be.
#[derive(Debug, Default)]
struct Kept {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

/// Without half an entry at the end: whoever was killed in it has told nobody of what it says.
pub(crate) fn whole(journal: &[u8]) -> &[u8] {
    let entries = entries(journal);
    let length = |entry: &Entry| 1 + 2 + entry.name.len() + 8 + 8 + entry.bytes.len();
    &journal[..entries.iter().map(length).sum()]
}

fn entries(mut journal: &[u8]) -> Vec<Entry> {
    fn take<'a>(from: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = from.split_at_checked(length)?;
        *from = rest;
        Some(taken)
    }
    let mut next = || {
        let what = take(&mut journal, 1)?[0];
        let named = u16::from_ne_bytes(take(&mut journal, 2)?.try_into().unwrap());
        let name = String::from_utf8(take(&mut journal, named.into())?.to_vec()).unwrap();
        let at = u64::from_ne_bytes(take(&mut journal, 8)?.try_into().unwrap());
        let length = u64::from_ne_bytes(take(&mut journal, 8)?.try_into().unwrap());
        let length = if matches!(what, b'W' | b'R') { usize::try_from(length).unwrap() } else { 0 };
        Some(Entry { what, name, at, bytes: take(&mut journal, length)?.to_vec() })
    };
    std::iter::from_fn(&mut next).collect()
}

/// The disk as it is found when the power comes back.
pub(crate) fn after_power_cut(before: Image, journal: &[u8], dice: &mut Dice) -> (Image, Lost) {
    let luck = Luck::drawn(dice);
    let mut files: BTreeMap<String, Kept> =
        before.into_iter().map(|(name, synced)| (name, Kept { synced, unsynced: Vec::new() })).collect();
    for Entry { what, name, at, bytes } in entries(journal) {
        match what {
            b'W' => files.entry(name).or_default().unsynced.push(Change::Write { at, bytes }),
            b'T' => files.entry(name).or_default().unsynced.push(Change::Cut { to: at }),
            b'S' => {
                let file = files.entry(name).or_default();
                for change in std::mem::take(&mut file.unsynced) {
                    change.on(&mut file.synced);
                }
            }
            b'F' => files.entry(name).or_default().loses(luck, dice),
            b'U' => drop(files.remove(&name)),
            b'R' => {
                let file = files.remove(&name).unwrap_or_default();
                files.insert(String::from_utf8(bytes).unwrap(), file);
            }
            other => unreachable!("an entry of kind {other}"),
        }
    }
    let mut lost = Lost::default();
    for (name, file) in &mut files {
        let count = u64::try_from(file.unsynced.len()).unwrap();
        lost.unsynced += count;
        lost.of_the_database += if name == "a.db" { count } else { 0 };
        file.loses(luck, dice);
    }
    (files.into_iter().map(|(name, file)| (name, file.synced)).collect(), lost)
}

/// How the disk deals with what it was not told to keep.
#[derive(Debug, Clone, Copy)]
enum Luck {
    /// Each piece is there with so many percent.
    Pieces(usize),
    /// All up to a moment is there, and what was being written then is torn.
    Torn,
}

impl Luck {
    fn drawn(dice: &mut Dice) -> Luck {
        *dice.pick(&[Luck::Pieces(0), Luck::Pieces(20), Luck::Pieces(80), Luck::Pieces(50), Luck::Torn, Luck::Torn])
    }
}

impl Kept {
    fn loses(&mut self, luck: Luck, dice: &mut Dice) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let until = dice.below(unsynced.len() + 1);
        for (index, change) in unsynced.into_iter().enumerate() {
            for piece in change.pieces() {
                let kept = match luck {
                    Luck::Pieces(percent) => dice.chance(percent),
                    Luck::Torn => index < until || (index == until && dice.chance(50)),
                };
                if kept {
                    piece.on(&mut self.synced);
                }
            }
        }
    }
}

impl Change {
    fn on(&self, file: &mut Vec<u8>) {
        match self {
            Change::Cut { to } => file.resize(usize::try_from(*to).unwrap(), 0),
            Change::Write { at, bytes } => {
                let at = usize::try_from(*at).unwrap();
                if file.len() < at + bytes.len() {
                    file.resize(at + bytes.len(), 0);
                }
                file[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }

    /// Its sectors; a cut is whole.
    fn pieces(self) -> Vec<Change> {
        let Change::Write { mut at, bytes } = self else { return vec![self] };
        let (mut rest, mut pieces) = (bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            let room = usize::try_from(SECTOR - at % SECTOR).unwrap().min(rest.len());
            let (piece, more) = rest.split_at(room);
            pieces.push(Change::Write { at, bytes: piece.to_vec() });
            at += u64::try_from(room).unwrap();
            rest = more;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(what: u8, at: u64, bytes: &[u8]) -> Vec<u8> {
        let mut entry = vec![what];
        entry.extend(1_u16.to_ne_bytes());
        entry.push(b'a');
        entry.extend(at.to_ne_bytes());
        entry.extend(u64::try_from(bytes.len()).unwrap().to_ne_bytes());
        entry.extend(bytes);
        entry
    }

    fn found(journal: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let drawn = (0..200).map(|seed| after_power_cut(Image::new(), &journal.concat(), &mut Dice::of(seed)).0);
        let mut found: Vec<_> = drawn.map(|mut image| image.remove("a").unwrap_or_default()).collect();
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn what_was_synced_is_there_and_the_rest_may_be() {
        let (write, sync) = (entry(b'W', 0, b"one"), entry(b'S', 0, b""));
        assert_eq!(found(&[write.clone(), sync.clone()]), [b"one"]);
        assert_eq!(found(std::slice::from_ref(&write)), [b"".to_vec(), b"one".to_vec()]);
        let more = entry(b'W', 3, b"two");
        assert_eq!(found(&[write.clone(), sync.clone(), more]), [b"one".to_vec(), b"onetwo".to_vec()]);
        let cut = entry(b'T', 1, b"");
        assert_eq!(found(&[write, sync, cut]), [b"o".to_vec(), b"one".to_vec()]);
    }

    #[test]
    fn what_a_sync_failed_for_is_brought_by_no_later_one() {
        let (write, failed, sync) = (entry(b'W', 0, b"one"), entry(b'F', 0, b""), entry(b'S', 0, b""));
        assert_eq!(found(&[write.clone(), failed.clone(), sync.clone()]), [b"".to_vec(), b"one".to_vec()]);
        assert_eq!(found(&[write.clone(), failed, write, sync]), [b"one"]);
    }

    #[test]
    fn a_write_of_several_sectors_may_be_torn() {
        let found = found(&[entry(b'W', 0, &[b'x'; 1024])]);
        let told = |file: &Vec<u8>| (file.len(), file.iter().map(|byte| usize::from(*byte == b'x')).sum::<usize>());
        let told: Vec<_> = found.iter().map(told).collect();
        assert_eq!(told, [(0, 0), (1024, 512), (512, 512), (1024, 1024)]);
    }

    #[test]
    fn half_an_entry_at_the_end_is_none() {
        let (write, sync) = (entry(b'W', 0, b"one"), entry(b'S', 0, b""));
        let half = write[..write.len() - 1].to_vec();
        let journal = [write, sync].concat();
        assert_eq!(whole(&[journal.clone(), half.clone()].concat()), journal);
        assert_eq!(found(&[journal, half]), [b"one"]);
    }
}
