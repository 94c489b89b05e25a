//! The attributes that rules name: whether they are there, and whether their values fit.

use super::Place;

/// A rule that matches and sets these.
fn rule(matched: &str, set: &str) -> String {
    format!(
        "[[rule]]\nname = \"a\"\nmatch.state = \"open\"\n{matched}\n[[rule.step]]\nafter = \"1 day\"\ndo = \"update\"\n{set}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_workspace_does_not_have_or_does_not_take_is_told_at_its_place() {
    let matched = r#"
match.attribute.topics = "Bug"
match.attribute.topic = ["Bug", "Bill"]
match.attribute.escalated = "true"
match.attribute.orders = "o-1"
match.attribute.old = "x""#;
    let set = r#"
set.auto_closed_by = 7
set.order_number = 1.5
set.refund = "a lot"
set.topic = "Other"
set.older = "x"
set.nowhere = true"#;
    let place = Place::new("", &rule(matched, set)).await;
    place.intercom.change_workspace(|workspace| {
        for name in ["old", "older"] {
            let mut archived = workspace.conversation_attributes[0].clone();
            name.clone_into(&mut archived.name);
            workspace.conversation_attributes.push(archived);
            workspace.archived_attributes.push(name.to_owned());
        }
    });
    insta::assert_snapshot!(place.finds_of("attributes"), @r#"
    wrong  attributes     a.toml:10:17: conversations have no attribute "topics"
    help: did you mean "topic"?
    wrong  attributes     a.toml:11:33: the attribute "topic" does not offer "Bill"
    help: write one of "Billing", "Bug"
    wrong  attributes     a.toml:12:29: the attribute "escalated" never equals this: it holds true or false
    help: write true or false, without quotes
    wrong  attributes     a.toml:13:26: the attribute "orders" never equals this: it holds objects
    help: a step can set their ids, as a list of texts; a match cannot look at them
    doubt  attributes     a.toml:14:17: the attribute "old" was archived
    help: restore it in Intercom, or leave it out
    wrong  attributes     a.toml:19:22: the attribute "auto_closed_by" does not take this: it holds text
    help: write it in quotes
    wrong  attributes     a.toml:20:20: the attribute "order_number" does not take this: it holds a whole number
    help: write it without quotes, such as 7
    wrong  attributes     a.toml:21:14: the attribute "refund" does not take this: it holds a number
    help: write it without quotes, such as 2.5
    wrong  attributes     a.toml:22:13: the attribute "topic" does not offer "Other"
    help: write one of "Billing", "Bug"
    wrong  attributes     a.toml:23:5: the attribute "older" was archived
    help: restore it in Intercom, or leave it out
    wrong  attributes     a.toml:24:5: conversations have no attribute "nowhere"
    help: create it in Intercom, under Settings and the attributes of conversations
    [2]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_is_not_complained_of_in_any_version() {
    let matched = r#"
match.attribute.topic = ["Bug", "Billing"]
match.attribute.escalated = true
match.attribute.order_number = [1, 2]
match.attribute.refund = 2.5
match.attribute.renewal = 1767225600"#;
    let set = r#"
set.auto_closed_by = "{{ rule }}"
set.order_number = 7
set.refund = 7
set.topic = "{{ rule }}"
set.renewal = 1767225600"#;
    for version in ["2.12", "2.15", "2.16"] {
        let place = Place::new(&format!("api_version = \"{version}\""), &rule(matched, set)).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(place.finds_of("attributes"), @r#"
            ok     attributes     "auto_closed_by", "escalated", "order_number", "refund", "renewal", "topic"
            [0]
            "#);
        }
    }
    let old = Place::new("api_version = \"2.15\"", &rule("", "set.orders = [\"o-1\"]")).await;
    insta::assert_snapshot!(old.finds_of("attributes"), @r#"
    doubt  attributes     a.toml:13:5: whether conversations have an attribute "orders" that holds objects is not told
    help: look in Intercom; its API tells it from version 2.16 on
    [0]
    "#);
    let objects = Place::new("", &rule("", "set.orders = [\"o-1\"]")).await;
    insta::assert_snapshot!(objects.finds_of("attributes"), @r#"
    ok     attributes     "orders"
    [0]
    "#);
}
