//! Reads off an expression of Prometheus which metrics and labels it names. Whether it is one at all, `promtool` says.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;

/// What an expression names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) metrics: Vec<Metric>,
    /// Labels of `by (…)`, and the metrics that are grouped so, by their place in `metrics`.
    pub(crate) grouped: Vec<(String, Range<usize>)>,
    /// Labels of `on (…)` and the like.
    pub(crate) matched: Vec<String>,
}

/// A metric, with the label, sign and value of each of its conditions.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) conditions: Vec<(String, String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

const GROUPING: [&str; 2] = ["by", "without"];
const MATCHING: [&str; 4] = ["on", "ignoring", "group_left", "group_right"];
const BETWEEN: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

impl Named {
    pub(crate) fn of(expression: &str) -> Named {
        let tokens = tokens(expression);
        let mut named = Named::default();
        let mut at = 0;
        named.read(&tokens, &mut at);
        assert_eq!(at, tokens.len(), "unbalanced: {expression}");
        named
    }

    /// Labels that a figure of the result can have, if it is grouped.
    pub(crate) fn kept(&self) -> Option<BTreeSet<&str>> {
        let kept: BTreeSet<&str> = self.grouped.iter().map(|(label, _)| label.as_str()).collect();
        Some(kept).filter(|kept| !kept.is_empty())
    }

    /// Up to the parenthesis that closes what is read.
    fn read(&mut self, tokens: &[Token], at: &mut usize) {
        while let Some(token) = tokens.get(*at) {
            *at += 1;
            match token {
                Token::Sign(sign) if sign == ")" => {
                    *at -= 1;
                    return;
                }
                Token::Sign(sign) if sign == "(" => self.read_inside(tokens, at),
                Token::Sign(sign) if sign == "{" => unreachable!("a condition without a metric matches anything"),
                Token::Word(word) if GROUPING.contains(&word.as_str()) => self.read_group(tokens, at),
                Token::Word(word) if MATCHING.contains(&word.as_str()) => self.matched.extend(list(tokens, at)),
                Token::Word(word) if !is_metric(word, tokens.get(*at)) => {}
                Token::Word(name) => {
                    let conditions = conditions(tokens, at);
                    self.metrics.push(Metric { name: name.clone(), conditions });
                }
                Token::Sign(_) | Token::Text(_) => {}
            }
        }
    }

    fn read_inside(&mut self, tokens: &[Token], at: &mut usize) {
        self.read(tokens, at);
        assert_eq!(tokens.get(*at), Some(&Token::Sign(")".into())), "a parenthesis is not closed");
        *at += 1;
    }

    /// `by (a, b) (what is grouped)`.
    fn read_group(&mut self, tokens: &[Token], at: &mut usize) {
        let labels = list(tokens, at);
        assert_eq!(tokens.get(*at), Some(&Token::Sign("(".into())), "write what is grouped behind its labels");
        *at += 1;
        let from = self.metrics.len();
        self.read_inside(tokens, at);
        let grouped = from..self.metrics.len();
        self.grouped.extend(labels.into_iter().map(|label| (label, grouped.clone())));
    }
}

/// Functions stand before a parenthesis or before `by`, everything else that is a word is a metric.
fn is_metric(word: &str, next: Option<&Token>) -> bool {
    let is_function = match next {
        Some(Token::Sign(sign)) => sign == "(",
        Some(Token::Word(next)) => GROUPING.contains(&next.as_str()),
        _ => false,
    };
    !is_function && !BETWEEN.contains(&word) && !word.starts_with(|first: char| first.is_ascii_digit())
}

/// `(a, b)`
fn list(tokens: &[Token], at: &mut usize) -> Vec<String> {
    assert_eq!(tokens.get(*at), Some(&Token::Sign("(".into())), "labels stand in parentheses");
    let mut labels = Vec::new();
    loop {
        *at += 1;
        match &tokens[*at] {
            Token::Word(label) => labels.push(label.clone()),
            Token::Sign(sign) if sign == ")" => break,
            _ => {}
        }
    }
    *at += 1;
    labels
}

/// `{a="b", c=~"d"}`, if it is there.
fn conditions(tokens: &[Token], at: &mut usize) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    if tokens.get(*at) != Some(&Token::Sign("{".into())) {
        return found;
    }
    *at += 1;
    loop {
        match &tokens[*at..] {
            [Token::Sign(sign), ..] if sign == "}" => break,
            [Token::Sign(sign), ..] if sign == "," => *at += 1,
            [Token::Word(label), Token::Sign(sign), Token::Text(value), ..] => {
                found.push((label.clone(), sign.clone(), value.clone()));
                *at += 3;
            }
            other => unreachable!("no condition: {other:?}"),
        }
    }
    *at += 1;
    found
}

fn tokens(expression: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '[' => assert!(rest.any(|c| c == ']'), "a range is not closed"),
            '#' => drop(rest.find(|c| *c == '\n')),
            '"' => found.push(Token::Text(rest.by_ref().take_while(|c| *c != '"').collect())),
            '=' | '!' | '<' | '>' => found.push(Token::Sign(with(next, &mut rest, |c| "=~".contains(c)))),
            c if is_of_word(c) => found.push(Token::Word(with(next, &mut rest, is_of_word))),
            c if c.is_whitespace() => {}
            c => found.push(Token::Sign(c.into())),
        }
    }
    found
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_:$.".contains(c)
}

fn with(first: char, rest: &mut Peekable<Chars<'_>>, more: impl Fn(char) -> bool) -> String {
    let mut text = String::from(first);
    while let Some(next) = rest.next_if(|c| more(*c)) {
        text.push(next);
    }
    text
}
