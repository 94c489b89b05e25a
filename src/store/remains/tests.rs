//! Which bytes of a page are unused, and that no others are named.
//!
//! Owns: odd pages. Refuses: whole files; src/store/tests/remains.rs has those.

use proptest::prelude::*;

use super::*;

/// A page of 512 bytes with these rows (where each begins), and unused blocks (where each begins, and its length).
fn page(kind: u8, first_row: u16, rows: &[u16], blocks: &[(u16, u16)]) -> Vec<u8> {
    let mut page = vec![0xAA; 512];
    let mut put = |at: usize, number: u16| page[at..at + 2].copy_from_slice(&number.to_be_bytes());
    put(1, blocks.first().map_or(0, |(at, _)| *at));
    put(3, u16::try_from(rows.len()).unwrap());
    put(5, first_row);
    let list = if kind > 5 { 8 } else { 12 };
    for (index, row) in rows.iter().enumerate() {
        put(list + 2 * index, *row);
    }
    for (index, (at, length)) in blocks.iter().enumerate() {
        put(usize::from(*at), blocks.get(index + 1).map_or(0, |(at, _)| *at));
        put(usize::from(*at) + 2, *length);
    }
    page[0] = kind;
    page
}

/// Where each unused piece begins and ends.
fn ends(number: i64, page: &[u8]) -> Option<Vec<(usize, usize)>> {
    Some(unused(number, page)?.into_iter().map(|range| (range.start, range.end)).collect())
}

#[test]
fn unused_is_what_lies_between_the_list_and_the_rows_and_in_the_blocks_between_them() {
    let cases = [
        (page(13, 400, &[400, 450], &[]), vec![(12, 400)]),
        (page(10, 400, &[400, 450], &[(420, 10), (480, 32)]), vec![(12, 400), (424, 430), (484, 512)]),
        (page(5, 500, &[500], &[]), vec![(14, 500)]),
        (page(2, 14, &[500], &[]), vec![(14, 14)]),
        (page(13, 512, &[], &[]), vec![(8, 512)]),
    ];
    for (page, expected) in cases {
        assert_eq!(ends(2, &page), Some(expected));
    }
    let mut first = vec![0; 100];
    first.extend(page(13, 400, &[400], &[]));
    assert_eq!(ends(1, &first), Some(vec![(110, 400)]), "the first page begins with the header of the file");
}

#[test]
fn a_page_in_which_anything_does_not_fit_is_left_alone() {
    let odd = [
        ("a page of another kind", page(0, 400, &[400], &[])),
        ("the rows begin within the list", page(13, 9, &[400], &[])),
        ("the rows begin beyond the page", page(13, 513, &[], &[])),
        ("a row lies before the rows", page(13, 400, &[399], &[])),
        ("a row lies beyond the page", page(13, 400, &[512], &[])),
        ("a block lies before the rows", page(13, 400, &[400], &[(390, 10)])),
        ("a block ends beyond the page", page(13, 400, &[400], &[(500, 13)])),
        ("a block is shorter than its head", page(13, 400, &[400], &[(420, 3)])),
        ("the blocks go back", page(13, 400, &[400], &[(460, 8), (420, 8)])),
        ("the blocks overlap", page(13, 400, &[400], &[(420, 40), (440, 8)])),
        ("a page of nothing", Vec::new()),
    ];
    for (what, page) in odd {
        assert_eq!(unused(2, &page), None, "{what}");
    }
}

proptest! {
    #[test]
    fn whatever_a_page_holds_only_its_own_unused_bytes_are_named(
        bytes in proptest::collection::vec(any::<u8>(), 0..512), kind in prop::sample::select(vec![2u8, 5, 10, 13]),
    ) {
        let mut page = bytes;
        if let Some(first) = page.first_mut() {
            *first = kind;
        }
        let mut from = 8;
        for range in unused(2, &page).unwrap_or_default() {
            prop_assert!(range.start >= from && range.end <= page.len() && range.start <= range.end);
            from = range.end;
        }
    }
}
