//! What is left of a message's text: whether it says something, and a keyed digest to know it again.
//!
//! Owns: reading HTML and plain text as one. Refuses: keeping either. Intercom spells one text in several ways (HTML
//! when asked, plain text in newer notifications), so both are brought down to the same bare characters.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub mod wording;

/// How many layers of escaping are taken off; text that was escaped more often does not occur outside attacks.
const LAYERS: usize = 4;

/// Longest character reference that is looked for, from behind `&` up to `;`, in bytes.
const LONGEST_NAME: usize = 10;

/// Elements that only shape text, and say nothing when empty. Any other says something by itself: a picture, or
/// plain words in angle brackets that only look like an element.
const SHAPING: [&str; 44] = [
    "a",
    "abbr",
    "article",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "div",
    "em",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "li",
    "meta",
    "ol",
    "p",
    "pre",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "tr",
    "u",
    "ul",
];

/// The character references by name that mail programs and editors write.
const NAMED: [(&str, char); 40] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("shy", '\u{ad}'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("deg", '°'),
    ("times", '×'),
    ("sect", '§'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("cent", '¢'),
    ("eacute", 'é'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
];

/// The key of text digests: with it, and only with it, a digest can be compared with a guessed text.
#[derive(Clone)]
pub struct TextKey(Hmac<Sha256>);

impl TextKey {
    /// A key from 32 random bytes.
    pub fn new(key: &[u8; 32]) -> TextKey {
        TextKey(keyed(key))
    }

    /// A digest that is the same for every spelling of a text: 32 hexadecimal digits. `None` if there is no text.
    pub fn digest(&self, html_or_plain: &str) -> Option<String> {
        let bare = bare(html_or_plain);
        if bare.is_empty() {
            return None;
        }
        let code = self.0.clone().chain_update(bare.as_bytes()).finalize().into_bytes();
        Some(hex::encode(&code[..16]))
    }
}

impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextKey(..)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Whether anything can be seen in a body: text, or a picture and the like.
pub fn says_something(body: Option<&str>) -> bool {
    let Some(body) = body else { return false };
    let mut pieces = Pieces::of(body);
    pieces.any(|piece| match piece {
        Piece::Text(text) => shows(text),
        Piece::Tag(tag) => stands_for_itself(tag),
    })
}

/// Whether anything of a text between tags can be seen.
fn shows(text: &str) -> bool {
    let mut plain = String::with_capacity(text.len());
    decode(text, &mut plain);
    plain.chars().any(|c| !is_blank(c))
}

/// The text without tags, character references and any white space at all. Notifications and answers differ in where
/// a tag turns into white space, so that only its absence can be compared.
fn bare(text: &str) -> String {
    let mut bare = text.to_owned();
    // A plain "<b>" is "&lt;b&gt;" in HTML. Taking off layers until nothing changes makes the two meet.
    for _ in 0..LAYERS {
        // Most texts have one layer, and looking for these is far cheaper than taking off what is not there.
        if !bare.contains('<') && !bare.contains('&') {
            break;
        }
        let next = without_markup(&bare);
        if next == bare {
            break;
        }
        bare = next;
    }
    let mut whole = String::with_capacity(bare.len());
    whole.extend(bare.split(is_blank));
    whole
}

fn without_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in Pieces::of(text) {
        match piece {
            Piece::Text(text) => decode(text, &mut out),
            Piece::Tag(_) => out.push(' '),
        }
    }
    out
}

/// White space, and characters that take no room.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

enum Piece<'a> {
    Text(&'a str),
    /// What stands between `<` and `>`.
    Tag(&'a str),
}

/// A text cut into tags and what is between them, in one pass.
struct Pieces<'a> {
    rest: &'a str,
    /// Whether a `>` is still ahead; without one, no `<` begins a tag.
    closes: bool,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str) -> Pieces<'a> {
        Pieces { rest: text, closes: true }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let start = if self.closes { tag_start(self.rest) } else { None };
        match start {
            None => Some(Piece::Text(self.take(self.rest.len()))),
            Some(0) => {
                let Some(end) = self.rest.find('>') else {
                    self.closes = false;
                    return self.next();
                };
                let tag = self.take(end + 1);
                Some(Piece::Tag(&tag[1..end]))
            }
            Some(start) => Some(Piece::Text(self.take(start))),
        }
    }
}

/// Where the first tag begins: at a `<` with a letter or one of `/!?` behind it. "1 < 2" begins none.
fn tag_start(text: &str) -> Option<usize> {
    let begins = |at: usize| {
        let behind = text.as_bytes().get(at + 1);
        behind.is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?'))
    };
    text.match_indices('<').map(|(at, _)| at).find(|at| begins(*at))
}

fn stands_for_itself(tag: &str) -> bool {
    let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let comment = tag.starts_with(['!', '?']);
    !comment && !SHAPING.iter().any(|shaping| shaping.eq_ignore_ascii_case(name))
}

/// Appends the text with its character references resolved, once. Unknown ones stay as they are.
fn decode(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        if let Some((meant, length)) = reference(behind) {
            out.push(meant);
            rest = &behind[length..];
        } else {
            out.push('&');
            rest = behind;
        }
    }
    out.push_str(rest);
}

/// The character that a reference means, and its length behind `&`.
fn reference(behind: &str) -> Option<(char, usize)> {
    let end = behind.bytes().take(LONGEST_NAME).position(|byte| byte == b';')?;
    let name = &behind[..end];
    let meant = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, meant)| *meant)?,
    };
    Some((meant, end + 1))
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok()?,
        None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok()?,
        _ => return None,
    };
    char::from_u32(code).filter(|c| *c != '\0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> TextKey {
        TextKey::new(&[7; 32])
    }

    #[test]
    fn html_and_plain_text_of_the_same_words_have_one_digest() {
        for (name, html, plain) in [
            ("a paragraph", "<p>Hi &amp; bye</p>", "Hi & bye"),
            ("a line break", "<p>One<br>two<br/>three</p>", "One\ntwo\r\nthree"),
            ("paragraphs", "<p>One.</p>\n<p>Two.</p>", "One.\n\nTwo."),
            ("a list", "<ul><li>red</li><li>blue</li></ul>", "red\nblue"),
            ("a no-break space", "<p>5&nbsp;days</p>", "5 days"),
            ("the no-break space itself", "<p>5\u{a0}days</p>", "5  days"),
            ("a decimal reference", "<p>It&#39;s done</p>", "It's done"),
            ("a hexadecimal reference", "<p>and&#x2f;or</p>", "and/or"),
            ("upper-case digits", "<p>and&#X2F;or</p>", "and/or"),
            ("quotes", "<p>&quot;yes&quot; &apos;no&apos;</p>", "\"yes\" 'no'"),
            ("a dash and dots", "<p>so&mdash;well&hellip;</p>", "so—well…"),
            ("attributes", "<p class=\"no-margin\">Hi</p>", "Hi"),
            ("a link", "<a href=\"https://example.com/a?b&amp;c\">here</a>", "here"),
            ("a comparison", "<p>1 &lt; 2 and 3 &gt; 2</p>", "1 < 2 and 3 > 2"),
            ("words that look like a tag", "<p>type &lt;b&gt; there</p>", "type <b> there"),
            ("an address", "<p>A &lt;a@example.com&gt;</p>", "A <a@example.com>"),
            ("words that look like a reference", "<p>write &amp;amp; here</p>", "write &amp; here"),
            ("an unknown reference", "<p>AT&amp;T&co; rest</p>", "AT&T&co; rest"),
            ("a lone ampersand", "<p>A & B</p>", "A & B"),
            ("a zero-width space", "<p>a\u{200b}b</p>", "ab"),
            ("an unclosed tag", "a &lt;b", "a <b"),
        ] {
            assert_eq!(key().digest(html), key().digest(plain), "{name}");
            assert!(key().digest(plain).is_some(), "{name}");
        }
    }

    /// Digests are stored: after another way of reading a text, none that lies there would fit any more.
    #[test]
    fn a_digest_never_changes() {
        for (text, want) in [
            ("Hi & bye", "d09bf6c3c82011bff776838b887a8f11"),
            ("<p>Hi&nbsp;&amp;\u{200b} bye</p>", "d09bf6c3c82011bff776838b887a8f11"),
            ("&lt;p&gt;Hi &amp;amp; bye&lt;/p&gt;", "d09bf6c3c82011bff776838b887a8f11"),
            ("a &amp;amp;amp;lt;b", "51ca46084564cd6f891b15bd8698b23f"),
            ("a &amp;amp;amp;amp;lt;b", "ba630d7ad53eead666173776a94a49b7"),
            ("Größe\u{2003}1 < 2 &co; <b", "cd7f7cf23c048d23445e8baf6852b71f"),
        ] {
            assert_eq!(key().digest(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn other_words_have_another_digest() {
        for (one, other) in [("Hi & bye", "Hi and bye"), ("One", "one"), ("a b", "b a"), ("it's", "its")] {
            assert_ne!(key().digest(one), key().digest(other), "{one}");
        }
        assert_ne!(key().digest("Hi"), TextKey::new(&[8; 32]).digest("Hi"));
    }

    #[test]
    fn a_digest_is_thirty_two_hexadecimal_digits_and_needs_the_key() {
        let digest = key().digest("<p>Hi</p>").unwrap();
        assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
        assert_eq!(format!("{:?}", key()), "TextKey(..)");
    }

    #[test]
    fn a_body_says_something_when_something_is_left_to_see() {
        for (body, want) in [
            (None, false),
            (Some(""), false),
            (Some(" \n\t\u{a0}"), false),
            (Some("<p></p>"), false),
            (Some("<p>&nbsp;<br/></p>"), false),
            (Some("<p>\u{feff}&#8203;</p>"), false),
            (Some("<p>.</p>"), true),
            (Some("👍"), true),
            (Some("1 < 2"), true),
            (Some("<"), true),
            (Some("<p><IMG src=\"https://example.com/a.png\"></p>"), true),
            (Some("<happy>"), true),
            (Some("<DIV class=\"x\"><span/></DIV><!-- a comment -->"), false),
        ] {
            assert_eq!(says_something(body), want, "{body:?}");
            let text_too = key().digest(body.unwrap_or_default()).is_some();
            assert!(want || !text_too, "{body:?} has a digest but says nothing");
        }
    }

    #[test]
    fn a_long_text_full_of_openings_is_read_in_one_pass() {
        for (unit, left) in
            [("<a", "<a"), ("&", "&"), ("&amp;", "&"), ("<<", "<<"), ("&#", "&#"), ("<a>", ""), ("&lt;", "<")]
        {
            // Were the work not linear, this would take minutes.
            assert!(bare(&unit.repeat(200_000)) == left.repeat(200_000), "{unit}");
        }
    }

    proptest! {
        #[test]
        fn escaping_a_text_does_not_change_its_digest(plain in "[a-z<>;#'\" 0-9é]{0,40}") {
            let html = plain.replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;");
            prop_assert_eq!(key().digest(&format!("<p>{html}</p>")), key().digest(&plain));
        }

        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            prop_assert_eq!(key().digest(&text).is_some() && !says_something(Some(&text)), false);
        }
    }
}
