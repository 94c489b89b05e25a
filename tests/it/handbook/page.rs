//! The page as text: its fenced blocks, its headings and its tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How a fragment becomes a configuration, as the page itself says: lines of a rule stand in a rule for every
/// conversation, and a rule that says no more closes without a word after seven days.
pub(super) fn completed(block: &str) -> String {
    if block.contains("[[rule]]") {
        return block.to_owned();
    }
    if block.starts_with('[') && !block.starts_with("[[rule.step]]") {
        return format!("{block}\n{}", completed(""));
    }
    let all = if block.contains("match") { "" } else { "match_all = true\n" };
    let name = if block.starts_with("name") { "" } else { "name = \"example\"\n" };
    let ends = block.contains("leave") || block.contains("step");
    let step = "\n[[rule.step]]\nafter = \"7 days\"\ndo = \"close\"\nsilent = true\n";
    format!("[[rule]]\n{name}{all}{block}{}", if ends { "" } else { step })
}

/// A fenced block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) language: String,
    /// The heading that it stands under.
    pub(super) heading: String,
    /// Of its first line, counted from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// The page.
pub(super) struct Page {
    lines: Vec<String>,
}

impl Page {
    pub(super) fn rules() -> Page {
        let text = fs::read_to_string(root().join("docs/rules.md")).unwrap();
        Page { lines: text.lines().map(str::to_owned).collect() }
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut heading) = (Vec::new(), String::new());
        let mut open: Option<Block> = None;
        for (number, line) in (1..).zip(&self.lines) {
            match (&mut open, line.strip_prefix("```")) {
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, Some(language)) => {
                    let (language, heading) = (language.to_owned(), heading.clone());
                    open = Some(Block { language, heading, line: number + 1, text: String::new() });
                }
                (None, None) if line.starts_with('#') => line.trim_start_matches(['#', ' ']).clone_into(&mut heading),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "a block is not closed");
        blocks
    }

    /// Every example with the story that follows it.
    pub(super) fn examples(&self) -> Vec<(Block, Block)> {
        let mut examples = Vec::new();
        let mut blocks = self.blocks().into_iter().peekable();
        while let Some(block) = blocks.next() {
            if block.language != "toml" {
                continue;
            }
            let story = blocks.next_if(|next| next.language == "text" && next.heading == block.heading);
            let story = story.unwrap_or_else(|| panic!("no story follows the example in line {}", block.line));
            examples.push((block, story));
        }
        examples
    }

    /// What links within the page point to.
    pub(super) fn links(&self) -> BTreeSet<String> {
        let links = self.lines.iter().flat_map(|line| line.split("](#").skip(1));
        links.filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
    }

    /// What headings are called in links: small letters and digits, a hyphen for each space.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let headings = self.lines.iter().filter_map(|line| line.strip_prefix('#'));
        let spelt =
            headings.map(|heading| heading.trim_start_matches('#').trim_start().to_lowercase().replace(' ', "-"));
        spelt.map(|name| name.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()).collect()
    }

    /// The rows under a heading, in cells.
    pub(super) fn rows(&self, heading: &str) -> Vec<Vec<String>> {
        let is_heading = |line: &&String| line.starts_with('#');
        let start =
            self.lines.iter().position(|line| is_heading(&line) && line.trim_start_matches(['#', ' ']) == heading);
        let start = start.unwrap_or_else(|| panic!("there is no heading `{heading}`"));
        let section = self.lines[start + 1..].iter().take_while(|line| !is_heading(line));
        let rows = section.filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
        rows.skip(1).map(|row| cells(row)).collect()
    }

    /// The page with other stories in it, written where a person can compare and copy it.
    pub(super) fn with_stories(mut self, stories: &[(Block, String)]) -> PathBuf {
        for (block, text) in stories.iter().rev() {
            let (from, length) = (block.line - 1, block.text.lines().count());
            self.lines.splice(from..from + length, text.lines().map(str::to_owned));
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules.md");
        fs::write(&path, self.lines.join("\n") + "\n").unwrap();
        path
    }
}

fn cells(row: &str) -> Vec<String> {
    let inside = row.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')).unwrap_or(row);
    // A bar within a cell is written `\|`.
    inside.replace("\\|", "\0").split('|').map(|cell| cell.trim().replace('\0', "|")).collect()
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
