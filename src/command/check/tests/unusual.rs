//! What `check` tells of keys that most rules leave at their default.

use super::checked;

#[test]
fn what_is_not_as_usual_is_told_too() {
    let step = |after: u32, rest: &str| format!("[[rule.step]]\nafter = \"{after} days\"\n{rest}\n");
    let text = [
        "[[rule]]\nname = \"a\"\nmatch_all = true\nafter_reopen = \"count_again\"\n".to_owned(),
        step(1, "do = \"reply\"\nbody = \"Hello?\"\nchannels = [\"email\", \"sms\"]"),
        step(2, "do = \"close\"\nbody = \"Bye.\"\nchannels = \"email\"\nset.a = [\"x\", \"y\"]\nset.b = true"),
    ];
    let (_, out, _) = checked(&text.concat(), true, false);
    let (_, out) = out.split_once("owns a conversation:\n").unwrap();
    insta::assert_snapshot!(out, @r#"

    a: all conversations waiting for the contact
      counting from the latest contact_reply, teammate_reply, snoozed, unsnoozed or opened
      counting again as soon as a person opens what was closed, without waiting for a word
      after 1 day:  send a message by email or sms only
        | Hello?
      after 2 days: close with a last word by email only, silently on other channels, then set a to the list "x", "y" and b to true
        | Bye.
    "#);
}
