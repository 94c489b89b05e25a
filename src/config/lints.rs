//! Doubts about rules that have no mistakes.
//!
//! Owns: which doubts there are, and that the tables are read a second time for their places. Refuses: mistakes; it is
//! asked only about a file without any.

use super::reader::Reader;
use super::{contradictions, idle, promises};
use crate::engine::Rule;

/// Notes what is doubtful about `rules`, which were read from `top` without a mistake.
pub(super) fn doubt(top: &mut Reader<'_>, rules: &[Rule], hold_tags: &[String]) {
    let tables = top.tables("rule", "a rule", "[[rule]]");
    for (mut table, rule) in tables.into_iter().zip(rules) {
        contradictions::doubt(&mut table.section("match", "[rule.match]"), &rule.matches);
        idle::doubt(&mut table, rule, hold_tags);
        for (index, mut step) in table.tables("step", "a step", "[[rule.step]]").into_iter().enumerate() {
            if let Some(body) = step.text("body", "") {
                promises::doubt(top.notes, &body, rule, index);
            }
        }
    }
}
