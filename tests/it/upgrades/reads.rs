//! What the program itself reads in a database of each schema, and what it then does.

use std::fmt::Write as _;

use super::*;

/// What was said of each schema: all of the first, and of the others what is different from the one before.
fn by_schema(said: &BTreeMap<i64, Vec<String>>) -> String {
    let mut told = String::new();
    let mut before: &[String] = &[];
    for (schema, lines) in said {
        let gone = before.iter().filter(|line| !lines.contains(line)).map(|line| format!("- {line}"));
        let new = lines.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
        let changes: Vec<_> = if told.is_empty() { lines.clone() } else { gone.chain(new).collect() };
        let same = if changes.is_empty() { ": the same" } else { "" };
        writeln!(told, "schema {schema}{same}").unwrap();
        for line in changes {
            writeln!(told, "  {line}").unwrap();
        }
        before = lines;
    }
    told
}

/// The journal, the backlog, the figures, and what is to become of each conversation.
async fn read(story: &Story) -> Vec<String> {
    let desk = story.house.desk().await;
    let mut lines = Vec::new();
    let mut journal = Vec::new();
    history::write(&desk, None, &line::Filters::default(), true, &mut journal).await.unwrap();
    let journal: Vec<Value> = serde_json::from_slice(&journal).unwrap();
    for line in journal {
        let [does, outcome, why, id] = ["do", "outcome", "why", "conversation"].map(|key| line[key].as_str().unwrap());
        lines.push(format!("journal   {}: {outcome} {does}: {why}", story.name(id)));
    }
    let waiting = serde_json::to_value(backlog::list(&desk).await.unwrap()).unwrap();
    for entry in waiting.as_array().unwrap() {
        let [id, reason] = ["conversation", "reason"].map(|key| entry[key].as_str().unwrap());
        lines.push(format!("backlog   {}: {reason}", story.name(id)));
    }
    let figures = serde_json::to_value(status::status(&desk).await.unwrap()).unwrap();
    for key in ["tracked", "held", "paused_rules", "notifications", "actions"] {
        lines.push(format!("status    {key}: {}", figures[key]));
    }
    for name in CAST {
        let explained = explain::explain(&desk, story.id(name), &mut Vec::new()).await;
        let told = explained.map_or_else(
            |error| error.to_string().replace(story.id(name).as_str(), "[id]"),
            |explained| {
                let told = serde_json::to_value(explained).unwrap();
                format!("{}: {}", told["decision"].as_str().unwrap(), told["why"].as_str().unwrap())
            },
        );
        lines.push(format!("explain   {name}: {told}"));
    }
    desk.store.close().await;
    lines
}

#[tokio::test]
async fn the_program_reads_in_each_what_was_written_then() {
    let story = Story::told().await;
    let mut said = BTreeMap::new();
    for fixture in Fixture::all() {
        story.put(&fixture).await;
        Store::open(&story.house.database()).await.unwrap().close().await;
        said.insert(fixture.schema, read(&story).await);
    }
    insta::assert_snapshot!(by_schema(&said), @r#"
    schema 1
      journal   late: deferred close: the conversation could not be read
      journal   undone: done close: 1 day without a word since a teammate wrote at 2026-03-02 09:03:00 UTC
      journal   closed: done reply: 3 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
      journal   reminded: done reply: 3 days without a word since a teammate wrote at 2026-03-05 09:04:00 UTC
      journal   snoozed: done reply: 3 days without a word since it was snoozed at 2026-03-05 09:07:00 UTC
      journal   snoozed: done reply: the snooze that our message ended was restored
      journal   closed: done close: 7 days without a word since a teammate wrote at 2026-03-02 09:01:00 UTC
      journal   closed: done close: its tags and attributes were put on
      journal   lost: unclear close: the answer was lost; looking into it
      status    tracked: 9
      status    held: 0
      status    paused_rules: []
      status    notifications: {"duplicate":0,"foreign":0,"ignored":0,"quarantined":1,"stored":32}
      status    actions: {"deferred":1,"done":5,"due":7,"failed":0,"left":0,"raced":0,"unclear":1}
      explain   closed: leave: it is closed
      explain   late: act: 1 day without a word since a teammate wrote at 2026-03-02 09:02:00 UTC
      explain   undone: leave: every step of the rule is done
      explain   reminded: wait: 7 days without a word since a teammate wrote at 2026-03-05 09:04:00 UTC
      explain   snoozed: wait: 7 days without a word since it was snoozed at 2026-03-05 09:07:00 UTC
      explain   vip: leave: rule `vip` leaves it alone
      explain   held: act: 3 days without a word since a teammate wrote at 2026-03-05 09:07:00 UTC
      explain   unanswered: leave: no rule fits: `vip`: it has none of the tags; `slow`: the contact is owed an answer; `hasty`: the contact is owed an answer; `ladder`: the contact is owed an answer
      explain   forgotten: conversation [id] is not known; look for a slip in the id, or run `autoclosed reconcile` to have all looked at that is open or snoozed
      explain   lost: leave: it is closed
    schema 2: the same
    schema 3: the same
    schema 4: the same
    schema 5
      - journal   late: deferred close: the conversation could not be read
      - status    held: 0
      - status    paused_rules: []
      - explain   held: act: 3 days without a word since a teammate wrote at 2026-03-05 09:07:00 UTC
      + journal   late: deferred close: rule `slow` is paused
      + journal   held: done hold: held by hand until it is released
      + status    held: 1
      + status    paused_rules: ["ladder of old"]
      + explain   held: leave: held by hand until it is released
    schema 6: the same
    schema 7: the same
    schema 8
      - explain   forgotten: conversation [id] is not known; look for a slip in the id, or run `autoclosed reconcile` to have all looked at that is open or snoozed
      + explain   forgotten: conversation [id] was forgotten; nothing is known of it, and no rule touches it any more
    schema 9
      - status    notifications: {"duplicate":0,"foreign":0,"ignored":0,"quarantined":1,"stored":32}
      + status    notifications: {"duplicate":0,"foreign":0,"ignored":0,"quarantined":1,"stored":34}
    schema 10
      + journal   late: deferred close: waits in the backlog for an operator: 5 days 23 hours late; [safety] max_lateness allows 3 days
      + backlog   late: 5 days 23 hours late; [safety] max_lateness allows 3 days
    schema 11: the same
    schema 12
      - explain   undone: leave: every step of the rule is done
      + journal   undone: done undo: its close was undone by hand: open again
      + explain   undone: leave: its close was undone at 2026-03-05 09:08:00 UTC; no rule touches it until the contact or a teammate writes
    schema 13: the same
    schema 14: the same
    schema 15: the same
    "#);
}

/// Of the schemas every fourth, and the newest; all of them where `AUTOCLOSED_SCHEMAS=all`.
fn some() -> Vec<Fixture> {
    let (all, mut fixtures) = (std::env::var_os("AUTOCLOSED_SCHEMAS").is_some(), Fixture::all());
    let newest = fixtures.len() - 1;
    let mut place = 0..;
    fixtures.retain(|_| place.next().is_some_and(|place| all || place % 4 == 0 || place == newest));
    fixtures
}

/// Ten days on each of them, from the oldest straight to the newest schema too: what Intercom was asked to do.
#[tokio::test]
async fn the_daemon_goes_on_with_each_and_says_nothing_twice() {
    let mut did = BTreeMap::new();
    for fixture in some() {
        let mut story = Story::told().await;
        let before = story.house.intercom.mutating_calls().len();
        story.put(&fixture).await;
        story.goes_on().await;
        assert_eq!(story.said_twice(), BTreeSet::new(), "schema {}", fixture.schema);
        let calls = story.house.intercom.mutating_calls().split_off(before);
        did.insert(fixture.schema, calls.iter().map(|call| story.told_of(call)).collect());
        story.house.stop().await;
    }
    insta::assert_snapshot!(by_schema(&did), @"
    schema 1
      2026-03-09T21:34:00Z POST held: comment Hi Kim, did that solve it?
      2026-03-12T09:34:00Z POST reminded: close Closing this for now.
      2026-03-12T09:34:00Z POST : auto-closed
      2026-03-12T09:34:00Z POST reminded: 3012
      2026-03-12T09:34:00Z POST snoozed: close Closing this for now.
      2026-03-12T09:34:00Z POST : auto-closed
      2026-03-12T09:34:00Z POST snoozed: 3012
      2026-03-13T21:34:00Z POST held: close Closing this for now.
      2026-03-13T21:34:00Z POST : auto-closed
      2026-03-13T21:34:00Z POST held: 3012
    schema 5
      - 2026-03-09T21:34:00Z POST held: comment Hi Kim, did that solve it?
      - 2026-03-13T21:34:00Z POST held: close Closing this for now.
      - 2026-03-13T21:34:00Z POST : auto-closed
      - 2026-03-13T21:34:00Z POST held: 3012
    schema 9: the same
    schema 13: the same
    schema 15: the same
    ");
}
