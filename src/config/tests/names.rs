//! Which names of a configuration must mean something in the workspace.

use super::good;
use crate::engine::rule::{Act, Assignment, Called, Match};

const RULES: &str = r#"
[safety]
hold_tags = ["held"]

[[rule]]
name = "vip"
match.tags = ["vip", "asked"]
match.not_tags = "never"
match.attribute.plan = "gold"
leave = true

[[rule]]
name = "quiet"
match.all_tags = ["billing", "moved"]
match.team = ["Support", "Sales"]
match.not_assignee = "5784329"
match.attribute."Plan type" = [5, 6]
step = [
    { after = "1 day", do = "tag", tags = "asked" },
    { after = "2 days", do = "untag", tags = ["old", "asked"] },
    { after = "3 days", do = "assign", team = "2nd level", teammate = "a@example.com" },
    { after = "4 days", do = "update", set.by = "{{ rule }}" },
    { after = "5 days", do = "close", silent = true, tags = "moved", set.plan = "none" },
]

[[rule]]
name = "rest"
match.not_team = "Press"
match.assignee = ["a@example.com", "b@example.com"]
step = [{ after = "1 day", do = "assign", to = "nobody" }]
"#;

#[test]
fn names_that_rules_match_on_assign_to_or_take_off_must_exist() {
    let names: Vec<String> = good(RULES).rules.names().iter().map(|called| format!("{called:?}")).collect();
    insta::assert_snapshot!(names.join("\n"), @r#"
    Team("2nd level")
    Team("Press")
    Team("Sales")
    Team("Support")
    Teammate("5784329")
    Teammate("a@example.com")
    Teammate("b@example.com")
    Tag("billing")
    Tag("old")
    Tag("vip")
    "#);
}

#[test]
fn without_rules_nothing_needs_to_exist() {
    assert_eq!(good("").rules.names().len(), 0);
    assert_eq!(good("").rules.attributes().len(), 0);
}

#[test]
fn attributes_that_rules_look_at_or_set_are_known() {
    let attributes: Vec<String> = good(RULES).rules.attributes().into_iter().collect();
    assert_eq!(attributes, ["Plan type", "by", "plan"]);
}

#[test]
fn ids_are_filled_in_where_names_stand_and_taken_away_again() {
    let known = |called: &Called| match called {
        Called::Team(name) if name == "Press" => None,
        Called::Team(name) => Some(format!("team {name}")),
        Called::Teammate(name) => Some(format!("teammate {name}")),
        Called::Tag(_) => panic!("tags are matched by name"),
    };
    let rules = good(RULES).rules.with_ids(known);
    let mut found = Vec::new();
    for rule in &rules.rules {
        let Match { team, not_team, assignee, not_assignee, .. } = &rule.matches;
        found.extend([team, not_team, assignee, not_assignee].into_iter().flatten());
        for step in &rule.steps {
            if let Act::Assign(Assignment::To { team, teammate }) = &step.act {
                found.extend(team.iter().chain(teammate));
            }
        }
    }
    let told: Vec<String> =
        found.iter().map(|named| format!("{}: {}", named.name, named.id.as_deref().unwrap_or("-"))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Support: team Support
    Sales: team Sales
    5784329: teammate 5784329
    2nd level: team 2nd level
    a@example.com: teammate a@example.com
    Press: -
    a@example.com: teammate a@example.com
    b@example.com: teammate b@example.com
    "#);
    assert_eq!(rules.with_ids(|_| None), good(RULES).rules);
}
