//! Text for a terminal: aligned, and no line wider than people like to read.

use std::io::{self, Write};

/// Columns that a line may take.
pub const WIDTH: usize = 100;
/// Labels up to this long are aligned; a longer one has a line of its own.
const LABEL: usize = 34;
const INDENT: usize = 2;

/// Labels with what is to be said of each, aligned; long texts go on below themselves.
pub fn table(out: &mut dyn Write, rows: &[(String, String)]) -> io::Result<()> {
    let lengths = rows.iter().map(|(label, _)| length(label));
    let column = INDENT + lengths.filter(|length| *length <= LABEL).max().unwrap_or(LABEL) + 2;
    for (label, text) in rows {
        let mut start = format!("{:INDENT$}{}", "", label.trim_end());
        if length(&start) + 2 > column {
            writeln!(out, "{}", start.trim_end())?;
            start = String::new();
        }
        let free = column - length(&start);
        wrapped(out, &format!("{start}{:free$}", ""), column, text)?;
    }
    Ok(())
}

/// A text behind `start`, and below it indented by `indent`.
pub fn wrapped(out: &mut dyn Write, start: &str, indent: usize, text: &str) -> io::Result<()> {
    let mut line = start.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && length(&line) + 1 + length(word) > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = format!("{:indent$}", "");
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rows: &[(&str, &str)]) -> String {
        let rows: Vec<_> = rows.iter().map(|(label, text)| ((*label).to_owned(), (*text).to_owned())).collect();
        let mut out = Vec::new();
        table(&mut out, &rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn labels_are_aligned_and_long_texts_go_on_below_themselves() {
        let text = "a rule that asks for more than fits on a line ".repeat(3);
        insta::assert_snapshot!(told(&[("one", "short"), ("second", text.trim())]), @r"
        one     short
        second  a rule that asks for more than fits on a line a rule that asks for more than fits on a
                line a rule that asks for more than fits on a line
        ");
    }

    #[test]
    fn a_long_label_has_a_line_of_its_own_and_a_long_word_is_kept() {
        insta::assert_snapshot!(told(&[("a", "b"), (&"long ".repeat(9), "its text"), ("c", &"x".repeat(110))]), @r"
        a  b
        long long long long long long long long long
           its text
        c  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        ");
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        let told = told(&[("label", &"word ".repeat(80)), (&"é".repeat(LABEL), &"ü ".repeat(200))]);
        assert!(told.lines().all(|line| length(line) <= WIDTH), "{told}");
    }
}
