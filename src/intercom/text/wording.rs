//! Knowing a message by the template that it was made from, when nobody remembers having sent it.
//!
//! Owns: comparing the fixed words of a template with a text, and how much may stand where a value was. Refuses: knowing
//! what the values were: nobody does any more. A database that was put back from a backup does not know what was sent
//! after the backup was made; Intercom shows it.

use std::collections::BTreeSet;

use super::bare;

/// Stands where a value will be. No text has it: it is a character for private use.
const VALUE: char = '\u{e000}';
/// Most bytes that a value may take: a name or a date does not take more, and a sentence that a person puts between the
/// same words is no value.
const LONGEST_VALUE: usize = 48;
/// Fixed bytes that a template with values in it must have: fewer could be anybody's words.
const FEWEST_FIXED: usize = 12;

/// The fixed words of one template, without any white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    template: String,
    pieces: Vec<String>,
}

impl Wording {
    /// `id` is what the template is called. `None` if hardly anything in it is fixed, or if it says different things at
    /// different times.
    pub fn of(id: String, template: &str) -> Option<Wording> {
        let pieces: Vec<String> = bare(&with_places(template)?).split(VALUE).map(str::to_owned).collect();
        let fixed: usize = pieces.iter().map(String::len).sum();
        let least = if pieces.len() == 1 { 1 } else { FEWEST_FIXED };
        (fixed >= least).then_some(Wording { template: id, pieces })
    }

    fn fits(&self, text: &str) -> bool {
        let Some((first, others)) = self.pieces.split_first() else { return false };
        let mut ends = BTreeSet::new();
        if text.starts_with(first.as_str()) {
            ends.insert(first.len());
        }
        for piece in others {
            ends = ends.into_iter().flat_map(|end| after_a_value(text, end, piece)).collect();
        }
        ends.contains(&text.len())
    }
}

/// What those templates are called that a text, in HTML or plain, may have been made from.
pub fn fitting(wordings: &[Wording], html_or_plain: &str) -> BTreeSet<String> {
    if wordings.is_empty() {
        return BTreeSet::new();
    }
    let text = bare(html_or_plain);
    wordings.iter().filter(|wording| wording.fits(&text)).map(|wording| wording.template.clone()).collect()
}

/// Where `piece` may end if a value stands between `from` and it.
fn after_a_value<'a>(text: &'a str, from: usize, piece: &'a str) -> impl Iterator<Item = usize> + 'a {
    let begins =
        (from..=from + LONGEST_VALUE).filter(move |at| text.get(*at..).is_some_and(|rest| rest.starts_with(piece)));
    begins.map(|at| at + piece.len())
}

/// The template with a mark for each value.
fn with_places(template: &str) -> Option<String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        let end = at + rest[at..].find("}}")?;
        out.push_str(&rest[..at]);
        out.push(VALUE);
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    (!out.contains("{%") && !out.contains("{#")).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wording(template: &str) -> Wording {
        Wording::of("t".to_owned(), template).unwrap()
    }

    fn fits(wording: &Wording, text: &str) -> bool {
        fitting(std::slice::from_ref(wording), text).contains("t")
    }

    #[test]
    fn a_text_is_known_by_the_words_around_its_values() {
        let greeting = "<p>Hi {{ contact.first_name | default('there') }}, did that solve it?</p>
            We close this on {{ closes_at | date }}.";
        for (name, template, text, want) in [
            ("as sent", greeting, "<p>Hi Ann, did that solve it?</p> We close this on Monday 2 March 2026.", true),
            ("plain", greeting, "Hi there, did that solve it?\n\nWe close this on Monday 2 March 2026.", true),
            ("without a value", greeting, "Hi , did that solve it? We close this on .", true),
            ("more behind it", greeting, "Hi Ann, did that solve it? We close this on Monday. Or so.", true),
            ("other words", greeting, "Hi Ann, that solves it. We close this on Monday.", false),
            ("words before it", greeting, "Oh. Hi Ann, did that solve it? We close this on Monday.", false),
            ("fixed", "Closing this for now.", "<p>Closing this&nbsp;for now.</p>", true),
            ("fixed, and more", "Closing this for now.", "Closing this for now. Bye.", false),
            ("short and fixed", "Bye.", "<p>Bye.</p>", true),
            ("a value twice", "{{ rule }} and {{ rule }} are rules.", "a and b and c are rules.", true),
            ("escaped", "It's {{ contact.name }} & you again.", "It&#39;s &lt;Ann&gt; &amp; you again.", true),
            ("of two bytes each", "{{ contact.name }}, are you there?", "Éé, are you there?", true),
        ] {
            assert_eq!(fits(&wording(template), text), want, "{name}");
        }
    }

    #[test]
    fn a_sentence_is_no_value() {
        let hello = wording("Hello {{ contact.name }}, bye for now.");
        let said = |value: &str| format!("Hello {value}, bye for now.");
        assert!(fits(&hello, &said(&"x".repeat(LONGEST_VALUE))));
        assert!(!fits(&hello, &said(&"x".repeat(LONGEST_VALUE + 1))));
    }

    #[test]
    fn what_is_hardly_fixed_or_says_different_things_is_known_by_nothing() {
        for template in
            ["{{ contact.name }}", "Hi {{ contact.name }}", "{% if rule %}A{% else %}B{% endif %}", "{{", " "]
        {
            assert_eq!(Wording::of("t".to_owned(), template), None, "{template}");
        }
    }

    #[test]
    fn a_long_text_is_read_in_little_time() {
        // Were every way to split it tried, this would not end.
        let many = wording(&format!("{}aaaaaaaaaaaa", "{{ rule }}a".repeat(40)));
        assert!(!fits(&many, &format!("{}b", "a".repeat(100_000))));
    }
}
