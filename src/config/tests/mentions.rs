//! What a file names that only the workspace knows, with its places.

use super::*;

#[test]
fn everything_that_only_the_workspace_knows_has_its_place() {
    let text = r#"[intercom]
admin_id = 7
[safety]
hold_tags = ["hold"]
[[rule]]
name = "a"
match.team = "Support"
match.not_team = ["Sales"]
match.assignee = "7"
match.tags = ["t"]
match.not_tags = "n"
match.attribute.plan = ["gold", 2]
step = [
  { after = "1 day", do = "assign", team = "Billing", teammate = "a@example.com" },
  { after = "2 days", do = "untag", tags = "u" },
  { after = "3 days", do = "close", silent = true, tags = ["x"], set.by = "{{ rule }}", set.n = 3 },
]
"#;
    let loaded = parse("a.toml", text.as_bytes()).unwrap();
    let told = loaded.mentions.iter().map(|mention| {
        let at = mention.saying("", "");
        format!("{}:{} {:?}", at.line, at.column, mention.what)
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r#"
    2:1 Intercom("admin_id")
    4:14 Barring("hold")
    7:14 Needed(Team("Support"))
    8:19 Needed(Team("Sales"))
    9:18 Needed(Teammate("7"))
    10:15 Needed(Tag("t"))
    11:18 Barring("n")
    12:17 Matched("plan")
    12:25 MatchedValue("plan", Text("gold"))
    12:33 MatchedValue("plan", Number("2"))
    14:44 Needed(Team("Billing"))
    14:66 Needed(Teammate("a@example.com"))
    15:44 Needed(Tag("u"))
    16:60 Attached("x")
    16:70 Set("by")
    16:75 SetValue("by", Template("{{ rule }}"))
    16:93 Set("n")
    16:97 SetValue("n", Value(Number("3")))
    "#);
}
