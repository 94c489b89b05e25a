//! Every step that a rule can have: what it asks of Intercom, what becomes of the conversation, what the journal tells.

mod closes;
mod crashes;
mod keeps;
mod labels;
mod notes;
mod partly;
mod snoozes;

use autoclosed::engine::ConversationId;
use autoclosed::fake_intercom::{Endpoint, Fault};

use crate::harness::{House, days, seconds};

/// A rule named `steps` that does these, one a line, of what fits `head`.
fn rule(head: &str, steps: &str) -> String {
    format!("[[rule]]\nname = \"steps\"\n{head}\nstep = [\n{steps}\n]\n")
}

/// A daemon that does these steps of everything, and has looked once.
async fn house(steps: &str) -> House {
    house_of(&rule("match_all = true", steps)).await
}

async fn house_of(rules: &str) -> House {
    let mut house = House::without_daemon(rules).await;
    start(&mut house).await;
    house
}

async fn start(house: &mut House) {
    house.start().await;
    house.look().await;
}

/// Lets the time pass in which lost answers are looked into and follow-ups are tried again.
async fn a_while(house: &House) {
    for _ in 0..8 {
        house.after(seconds(50)).await;
    }
}

fn status(status: u16, code: &str) -> Fault {
    let body = format!(r#"{{"type":"error.list","errors":[{{"code":"{code}","message":"no"}}]}}"#);
    Fault::Status { status, body }
}

fn refused() -> Fault {
    status(422, "data_invalid")
}

/// What becomes of a call whose answer does not come, or does not help: each is found out, and done once.
fn lost() -> Vec<(&'static str, Fault)> {
    vec![
        ("left before it was done", Fault::Drop),
        ("done, then cut", Fault::ApplyThenDrop),
        ("done, then 500", Fault::ApplyThenStatus(500)),
        ("500", status(500, "server_error")),
        ("garbage", Fault::Garbage200),
        ("cut short", Fault::Truncated),
    ]
}

/// Calls that asked for a change, as `METHOD path body status`, without what all of them share.
fn calls(house: &House) -> Vec<String> {
    let told = |call: &autoclosed::fake_intercom::Call| {
        let path = call.path.strip_prefix("/conversations/").map_or(call.path.as_str(), |path| {
            path.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('/')
        });
        let mut body = call.body.clone().unwrap_or_default();
        let admin = body.as_object_mut().and_then(|body| body.remove("admin_id"));
        assert!(admin.is_none_or(|admin| admin == "1009"));
        let status = call.status.map_or("unanswered".to_owned(), |status| status.to_string());
        format!("{} {path} {body} {status}", call.method).replace("  ", " ")
    };
    house.intercom.mutating_calls().iter().map(told).collect()
}

/// How often Intercom was asked for this.
fn asked(house: &House, endpoint: Endpoint) -> usize {
    house.intercom.calls().iter().filter(|call| call.endpoint == endpoint).count()
}

/// What the conversation is like, in one line.
fn looks(house: &House, id: &ConversationId) -> String {
    let seen = house.intercom.conversation(id).unwrap();
    let until = seen.snoozed_until.map_or(String::new(), |until| format!(" until {until}"));
    let (team, teammate) = (seen.team_assignee.unwrap_or("-".into()), seen.admin_assignee.unwrap_or("-".into()));
    let attributes = serde_json::Value::Object(seen.attributes);
    format!("{}{until}, team {team}, teammate {teammate}, tags {:?}, {attributes}", seen.state, seen.tags)
}

/// Every kind of step, one a day.
const ALL: &str = r#"
{ after = "1 day", do = "note", body = "Quiet for {{ quiet_for }}: {{ contact.first_name | default('somebody') }}." },
{ after = "2 days", do = "tag", tags = ["quiet", "vip"] },
{ after = "3 days", do = "untag", tags = "vip" },
{ after = "4 days", do = "update", set.order_number = 7, set.topic = "Bug", read = true },
{ after = "5 days", do = "assign", team = "Support", teammate = "alex@example.com" },
{ after = "6 days", do = "snooze", for = "3 days" },
{ after = "7 days", do = "open" },
{ after = "8 days", do = "snooze", for = "1 day" },
{ after = "10 days", do = "assign", to = "nobody" },
{ after = "11 days", do = "reply", body = "Did that solve it?" },
{ after = "12 days", do = "close", body = "Closing this.", tags = "auto-closed", set.auto_closed_by = "{{ rule }}" },
"#;

#[tokio::test]
async fn a_ladder_of_every_step_does_each_once_and_in_order() {
    let house = house(ALL).await;
    let id = house.answered().await;
    let mut story = Vec::new();
    for day in 1..=14 {
        let before = calls(&house).len();
        house.after(days(1)).await;
        story.extend(calls(&house).split_off(before).into_iter().map(|call| format!("day {day}: {call}")));
    }
    insta::assert_snapshot!(story.join("\n"), @r#"
    day 1: POST reply {"body":"Quiet for 1 day: Kim.","message_type":"note","type":"admin"} 200
    day 2: POST /tags {"name":"quiet"} 200
    day 2: POST tags {"id":"3003"} 200
    day 2: POST /tags {"name":"vip"} 200
    day 2: POST tags {"id":"3001"} 200
    day 3: DELETE tags/3001 {} 200
    day 4: PUT {"custom_attributes":{"order_number":7}} 200
    day 4: PUT {"custom_attributes":{"topic":"Bug"}} 200
    day 4: PUT {"read":true} 200
    day 5: POST parts {"assignee_id":"2001","message_type":"assignment","type":"team"} 200
    day 5: POST parts {"assignee_id":"1002","message_type":"assignment","type":"admin"} 200
    day 6: POST parts {"message_type":"snoozed","snoozed_until":1773219660} 200
    day 7: POST parts {"message_type":"open"} 200
    day 8: POST parts {"message_type":"snoozed","snoozed_until":1773219660} 200
    day 10: POST parts {"assignee_id":"0","message_type":"assignment","type":"team"} 200
    day 10: POST parts {"assignee_id":"0","message_type":"assignment","type":"admin"} 200
    day 11: POST reply {"body":"Did that solve it?","message_type":"comment","type":"admin"} 200
    day 12: POST parts {"body":"Closing this.","message_type":"close","type":"admin"} 200
    day 12: POST /tags {"name":"auto-closed"} 200
    day 12: POST tags {"id":"3004"} 200
    day 12: PUT {"custom_attributes":{"auto_closed_by":"steps"}} 200
    "#);
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    done note 1: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done tag 1: 2 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done untag 1: 3 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done update 1: 4 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done assign 1: 5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done snooze 1: 6 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done open 1: 7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done snooze 2: 8 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done assign 2: 10 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done reply 1: 11 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done close: 12 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    done close: its tags and attributes were put on
    ");
    insta::assert_snapshot!(looks(&house, &id), @r#"closed, team -, teammate -, tags ["quiet", "auto-closed"], {"auto_closed_by":"steps","order_number":7,"topic":"Bug"}"#);
}

#[tokio::test]
async fn dry_run_rehearses_every_step_and_asks_for_no_change() {
    let mut house = House::without_daemon(&rule("match_all = true", ALL)).await;
    house.configure(&format!("mode = \"dry-run\"\n{}", rule("match_all = true", ALL)));
    start(&mut house).await;
    let id = house.answered().await;
    for _ in 0..28 {
        house.after(days(1) / 2).await;
        house.sweep().await;
    }
    assert_eq!(calls(&house), Vec::<String>::new());
    insta::assert_snapshot!(house.journal(&id).await.join("\n"), @r"
    dry_run note 1: 1 day without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run tag 1: 2 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run untag 1: 3 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run update 1: 4 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run assign 1: 5 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run snooze 1: 6 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run open 1: 7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run snooze 2: 8 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run assign 2: 10 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run reply 1: 11 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    dry_run close: 12 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
    ");
}
