//! Steps that are never done, though nothing in them is wrong.
//!
//! Owns: words said already, tags that keep the rule itself away, a close that is never due. Refuses: to guess; each of
//! these is certain.

use super::reader::{Reader, shown};
use crate::engine::rule::{Act, Speaker, StepKind, WaitingOn};
use crate::engine::{Class, Rule, Step};

const HELD: &str = "take the tag out of hold_tags under [safety], or use another one here";

/// Notes what a rule with steps never does. `table` is read a second time: only one without mistakes.
pub(super) fn doubt(table: &mut Reader<'_>, rule: &Rule, hold_tags: &[String]) {
    if rule.steps.is_empty() {
        return;
    }
    held(&mut table.section("match", "[rule.match]"), rule, hold_tags);
    never_closes(table, rule);
    for (index, mut step) in table.tables("step", "a step", "[[rule.step]]").into_iter().enumerate() {
        said_already(&step, rule, index);
        if rule.steps.get(index).is_some_and(|step| step.id.kind == StepKind::Untag) {
            never_taken_off(&mut step, hold_tags);
        }
    }
}

/// A match on a tag that holds.
fn held(conditions: &mut Reader<'_>, rule: &Rule, hold_tags: &[String]) {
    let holds = |tag: &&String| hold_tags.contains(tag);
    let any = rule.matches.tags.iter().find(holds).filter(|_| rule.matches.tags.iter().all(|tag| holds(&tag)));
    let all = rule.matches.all_tags.iter().find(holds);
    let found = any.map(|tag| ("tags", tag)).or(all.map(|tag| ("all_tags", tag)));
    if let Some((key, tag)) = found {
        let message = format!("{}, so this one never does", untouched(tag));
        conditions.notes.warning(conditions.place_of(key), message, HELD);
    }
}

fn never_taken_off(step: &mut Reader<'_>, hold_tags: &[String]) {
    let tags = step.texts("tags", "").map(toml::Spanned::into_inner).unwrap_or_default();
    for tag in tags.iter().filter(|tag| hold_tags.iter().any(|held| held == tag.get_ref())) {
        let message = format!("{}, so this step never takes it off", untouched(tag.get_ref()));
        step.notes.warning(tag.span(), message, HELD);
    }
}

fn untouched(tag: &str) -> String {
    format!("no rule touches a conversation with the tag \"{}\"", shown(tag))
}

/// The same text, where an earlier step may write too.
fn said_already(table: &Reader<'_>, rule: &Rule, index: usize) {
    let Some(step) = rule.steps.get(index) else { return };
    if rule.steps[..index].iter().any(|earlier| says_the_same(earlier, step)) {
        let kind = step.id.kind.name();
        let message = format!("an earlier {kind} of this rule has the same words, so this one is passed over");
        let help = "use other words, or leave the step out: a text goes out once in a silence";
        table.notes.warning(table.place_of("body"), message, help);
    }
}

fn says_the_same(earlier: &Step, step: &Step) -> bool {
    match (&earlier.act, &step.act) {
        // Where only the later one may write, it does.
        (Act::Reply { body: said }, Act::Reply { body }) => {
            said == body && step.channels.iter().all(|channel| earlier.channels.contains(channel))
        }
        (Act::Note { body: said }, Act::Note { body }) => said == body,
        _ => false,
    }
}

/// Where the contact spoke last, only what can come after that leaves a close to be due.
fn never_closes(table: &Reader<'_>, rule: &Rule) {
    let contact_last =
        rule.matches.waiting_on == WaitingOn::Teammate || rule.matches.last_speaker == [Speaker::Contact];
    let before = rule.counts_from.iter().all(|class| *class == Class::TeammateReply);
    if contact_last && before && rule.close().is_some() {
        let message = "this rule never closes: the contact has spoken after all that it counts from";
        table.notes.warning(table.place_of("counts_from"), message, "add \"contact_reply\" to counts_from");
    }
}
