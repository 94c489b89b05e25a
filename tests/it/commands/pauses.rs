//! `pause` and `resume`.

use autoclosed::command::pause::{pause, resume};
use autoclosed::daemon::Sweeping;
use autoclosed::safety::Blocked;

use crate::harness::{House, QUIET_A_DAY, days, minutes};

const TWO_RULES: &str = r#"
[[rule]]
name = "tagged"
match.tags = ["trial"]
step = [{ after = "1 day", do = "close", silent = true }]
[[rule]]
name = "all"
match_all = true
step = [{ after = "1 day", do = "close", silent = true }]
"#;

#[tokio::test]
async fn while_everything_is_paused_nothing_is_asked_nothing_is_done_and_all_is_recorded() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    pause(&house.desk().await, None).await.unwrap();
    let calls = house.intercom.calls().len();
    assert_eq!(house.after(days(2)).await, Sweeping::Blocked(Blocked::Paused));
    assert_eq!(house.intercom.calls().len(), calls);
    let other = house.answered().await;
    assert!(house.known(&other).await.is_some(), "recording goes on");
    house.restart().await;
    assert_eq!(house.after(days(2)).await, Sweeping::Blocked(Blocked::Paused));
    assert_eq!(house.deeds(), Vec::<String>::new());
    resume(&house.desk().await, None).await.unwrap();
    house.sweep().await;
    assert_eq!((house.state(&id), house.state(&other)), ("closed", "closed"));
}

#[tokio::test]
async fn health_says_paused_and_is_not_bad() {
    let house = House::with(QUIET_A_DAY).await;
    house.sweep().await;
    assert_eq!(house.health().await["status"], "ok");
    pause(&house.desk().await, None).await.unwrap();
    house.sweep().await;
    assert_eq!(house.health().await["status"], "paused");
    insta::assert_snapshot!(house.check("paused").await, @"ok: since 2026-03-02 09:00:00 UTC; `autoclosed resume` ends it");
    insta::assert_snapshot!(house.check("sweep").await, @"ok: nothing is done while paused, 0 seconds ago");
    resume(&house.desk().await, None).await.unwrap();
    pause(&house.desk().await, Some("quiet-a-day")).await.unwrap();
    assert_eq!(house.health().await["status"], "ok");
    insta::assert_snapshot!(house.check("paused").await, @"ok: rule `quiet-a-day` is paused");
}

#[tokio::test]
async fn what_is_worse_than_a_pause_is_told() {
    let house = House::with(QUIET_A_DAY).await;
    pause(&house.desk().await, None).await.unwrap();
    house.clock.advance(days(2));
    // The clock has leapt, and Intercom's last answer is two days old.
    assert_eq!(house.health().await["status"], "bad");
}

#[tokio::test]
async fn a_paused_rule_does_nothing_and_its_conversations_go_to_no_other() {
    let house = House::with(TWO_RULES).await;
    let (tagged, other) = (house.answered().await, house.answered().await);
    house.intercom.tag(&tagged, "trial");
    house.intercom.settle().await;
    // Only now is there such a tag in the workspace.
    house.look().await;
    pause(&house.desk().await, Some("tagged")).await.unwrap();
    house.after(days(2)).await;
    house.after(minutes(5)).await;
    assert_eq!((house.state(&tagged), house.state(&other)), ("open", "closed"));
    insta::assert_snapshot!(house.journal(&tagged).await.join("\n"), @"deferred close: rule `tagged` is paused");
    resume(&house.desk().await, Some("tagged")).await.unwrap();
    house.sweep().await;
    assert_eq!(house.state(&tagged), "closed", "at once, though it had been put off");
}

#[tokio::test]
async fn a_rule_that_was_paused_by_name_stays_so_when_everything_is_resumed() {
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let desk = house.desk().await;
    pause(&desk, Some("quiet-a-day")).await.unwrap();
    pause(&desk, None).await.unwrap();
    resume(&desk, None).await.unwrap();
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "open");
}

#[tokio::test]
async fn what_is_resumed_goes_on_at_once_though_intercom_s_clock_is_behind() {
    let mut house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    let ahead = house.give_the_daemon_a_clock();
    ahead.advance(minutes(4));
    house.restart().await;
    pause(&house.desk().await, Some("quiet-a-day")).await.unwrap();
    ahead.advance(days(2));
    house.after(days(2)).await;
    assert_eq!(house.state(&id), "open");
    resume(&house.desk().await, Some("quiet-a-day")).await.unwrap();
    house.sweep().await;
    assert_eq!(house.state(&id), "closed");
}

#[tokio::test]
async fn that_a_pause_names_no_rule_any_more_is_told() {
    let mut house = House::with(QUIET_A_DAY).await;
    pause(&house.desk().await, Some("quiet-a-day")).await.unwrap();
    house.configure(&format!("mode = \"live\"\n{}", QUIET_A_DAY.replace("quiet-a-day", "silent-a-day")));
    house.restart().await;
    insta::assert_snapshot!(house.check("paused").await, @"ok: rule `quiet-a-day` is paused; no rule is called `quiet-a-day` any more: if one was renamed, pause it by its new name");
}

#[tokio::test]
async fn the_program_says_what_is_paused_and_what_is_not() {
    let house = House::with(TWO_RULES).await;
    let told = house.talk(&[
        &["pause"],
        &["pause"],
        &["pause", "--rule", "tagged"],
        &["pause", "--rule", "tagged", "--json"],
        &["resume"],
        &["resume"],
        &["resume", "--rule", "tagged"],
        &["resume", "--rule", "tagged"],
        &["resume", "--json"],
        &["pause", "--rule", "taged"],
        &["resume", "--rule", "taged"],
    ]);
    insta::assert_snapshot!(told, @r#"
    $ autoclosed pause
    Paused: nothing is sent to Intercom, notifications are recorded. `autoclosed resume` ends it.
    [0]
    $ autoclosed pause
    Paused already: nothing is sent to Intercom, notifications are recorded. `autoclosed resume` ends it.
    [0]
    $ autoclosed pause --rule tagged
    Rule `tagged` is paused. `autoclosed resume --rule tagged` ends it.
    [0]
    $ autoclosed pause --rule tagged --json
    {
      "rule": "tagged",
      "changed": false,
      "paused": true,
      "paused_rules": [
        "tagged"
      ],
      "lifted": []
    }
    [0]
    $ autoclosed resume
    Resumed: the rules act again.
    Paused by name still: `tagged`. `autoclosed resume --rule NAME` lets one act again.
    [0]
    $ autoclosed resume
    It was not paused.
    Paused by name still: `tagged`. `autoclosed resume --rule NAME` lets one act again.
    [0]
    $ autoclosed resume --rule tagged
    Rule `tagged` acts again.
    [0]
    $ autoclosed resume --rule tagged
    Rule `tagged` was not paused.
    [0]
    $ autoclosed resume --json
    {
      "rule": null,
      "changed": false,
      "paused": false,
      "paused_rules": [],
      "lifted": []
    }
    [0]
    $ autoclosed pause --rule taged
    autoclosed: there is no rule `taged`; did you mean `tagged`?
    [2]
    $ autoclosed resume --rule taged
    autoclosed: there is no rule `taged`; did you mean `tagged`?
    [2]
    "#);
}

#[tokio::test]
async fn what_is_said_to_end_a_pause_can_be_typed_as_it_stands() {
    let mut house = House::with(TWO_RULES).await;
    house.configure(&format!("mode = \"live\"\n{}", TWO_RULES.replace("\"tagged\"", "\"Anna's: tagged, quiet\"")));
    let id = house.answered().await;
    house.intercom.tag(&id, "tagged");
    let said = house.says(&["pause", "--rule", "Anna's: tagged, quiet"]);
    let says = r"`autoclosed resume --rule 'Anna'\''s: tagged, quiet'`";
    assert!(said.out.contains(says), "{}{}", said.out, said.err);
}
