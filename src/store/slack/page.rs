//! Which bytes of a page of `SQLite`'s file mean nothing (<https://www.sqlite.org/fileformat2.html#b_tree_pages>).
//!
//! Owns: the gap between the pointers and the rows, and the free blocks between rows. Refuses: guessing; a page that does not
//! add up is none that anything is written into.

use std::ops::Range;

/// The unused bytes of the page whose header begins at `head`; none of one that holds no rows. `None`: it does not add up.
pub(super) fn unused(page: &[u8], head: usize) -> Option<Vec<Range<usize>>> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let pointers = match page.get(head)? {
        2 | 5 => head + 12,
        10 | 13 => head + 8,
        // A long row's rest, or a page that is not in use and was overwritten when it went.
        _ => return Some(Vec::new()),
    };
    let rows = number(head + 3)?;
    let content = match number(head + 5)? {
        0 => 65_536,
        at => at,
    };
    let gap = pointers + 2 * rows..content;
    if gap.start > gap.end || gap.end > page.len() {
        return None;
    }
    let mut unused = vec![gap];
    let mut block = number(head + 1)?;
    while block != 0 {
        let (next, size) = (number(block)?, number(block + 2)?);
        let end = block + size;
        let before = unused.last().map_or(0, |range| range.end);
        if block < before || size < 4 || end > page.len() || (next != 0 && next < end) {
            return None;
        }
        unused.push(block + 4..end);
        block = next;
    }
    for row in 0..rows {
        let at = number(pointers + 2 * row)?;
        // A free block's own four bytes come before its range.
        if at < content
            || at >= page.len()
            || unused.iter().skip(1).any(|free| (free.start - 4..free.end).contains(&at))
        {
            return None;
        }
    }
    Some(unused)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf of 64 bytes with rows at 40 and 60, and a free block of 8 bytes at 48.
    fn leaf() -> Vec<u8> {
        let mut page = vec![0xee; 64];
        page[..12].copy_from_slice(&[13, 0, 48, 0, 2, 0, 40, 0, 0, 60, 0, 40]);
        page[48..52].copy_from_slice(&[0, 0, 0, 8]);
        page
    }

    #[test]
    fn what_lies_between_pointers_and_rows_and_in_free_blocks_is_unused() {
        assert_eq!(unused(&leaf(), 0), Some(vec![12..40, 52..56]));
        let mut first = vec![0; 100];
        first.extend(leaf());
        first[101..112].copy_from_slice(&[0, 148, 0, 2, 0, 140, 0, 0, 160, 0, 140]);
        assert_eq!(unused(&first, 100), Some(vec![112..140, 152..156]));
        let rest_of_a_long_row = vec![0; 64];
        assert_eq!(unused(&rest_of_a_long_row, 0), Some(Vec::new()));
    }

    #[test]
    fn nothing_is_written_into_a_page_that_does_not_add_up() {
        for (name, at, byte) in [
            ("more rows than fit", 3, 1),
            ("rows before their pointers", 6, 11),
            ("rows behind the end", 5, 1),
            ("a free block behind the end", 2, 62),
            ("a free block in the gap", 2, 20),
            ("a free block larger than the page", 51, 60),
            ("a free block smaller than itself", 51, 3),
            ("free blocks in a circle", 49, 48),
            ("a row in the gap", 9, 30),
            ("a row in a free block", 9, 53),
            ("a row on a free block's size", 9, 50),
            ("a row behind the end", 8, 1),
        ] {
            let mut page = leaf();
            page[at] = byte;
            assert_eq!(unused(&page, 0), None, "{name}");
        }
    }
}
