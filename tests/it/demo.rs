//! The demo tells the truth, and quickly; and so does the page that shows its end.

use std::time::Duration;

use autoclosed::config;

/// Everything that the demo prints, without styles, when nobody watches it.
async fn told() -> String {
    let mut plain = anstream::StripStream::new(Vec::new());
    autoclosed::demo::run_at(&mut plain, Duration::ZERO).await.unwrap();
    without_the_calls(&String::from_utf8(plain.into_inner()).unwrap())
}

#[tokio::test]
async fn every_fate_of_the_demo_comes_out_as_promised() {
    let told = tokio::time::timeout(Duration::from_secs(10), told()).await.expect("it ends in seconds");
    assert_eq!(told.lines().find(|line| line.chars().count() > 96), None);
    insta::assert_snapshot!(end_of(&told), @r"
    Conversation  Now      What happened, and why in the words of journal and decision
    Leo           open     left alone: we owe the answer
                           leave: no rule fits: `remind-first`: the contact is owed an answer;
                           `snoozed-a-week`: it is open; `answered-3-days`: the contact is owed an
                           answer
    Kim           closed   closed after a snoozed week
                           done close: 7 days without a word since a teammate wrote at 2026-03-02
                           10:00:00 UTC
    Noor          open     rescued by a reply an hour before its close
                           leave: no rule fits: `remind-first`: the contact is owed an answer;
                           `snoozed-a-week`: it is open; `answered-3-days`: the contact is owed an
                           answer
    Ada           closed   reminded, snoozed again, and closed two days later
                           done reply 1: 5 days without a word since a teammate wrote at 2026-03-02
                           12:00:00 UTC
                           done reply 1: the snooze that our message ended was restored
                           done close: 7 days without a word since a teammate wrote at 2026-03-02
                           12:00:00 UTC
    Mia           open     left alone: a teammate holds it by a tag
                           leave: held by the tag `autoclose-hold`
    Ben           open     wrote during its close, and was opened again at once
                           raced close: the contact wrote while it was being closed
                           raced close: opened again
    Zoe           closed   closed once, although the answer to the close was lost
                           unclear close: the answer was lost; looking into it
                           done close: the answer was lost, but it was done

    Counted
        28  notifications received and their signatures verified, 1 of them a repeat
         1  forged, and refused
         5  messages to contacts: 1 to remind, 4 to close
         4  closed
         1  opened again at once
        NN  calls to Intercom, 7 of which changed something
       186  sweeps
            GET /health on the admin listener: ok

    Next: copy config/autoclosed.toml, write your rules, run `autoclosed check --config <copy>`.
    ");
}

#[tokio::test]
async fn the_week_is_told_as_it_happens() {
    let told = told().await;
    insta::assert_snapshot!(told.strip_suffix(end_of(&told)).unwrap(), @r#"
    autoclosed demo: a week in about ten seconds

    The daemon runs as it would for you, in live mode, against an Intercom that lives inside this
    process: real HTTP, real signatures, a real database, and a clock that runs fast. Nothing leaves
    this machine.

    Its rules:
      remind-first     tagged so, the contact silent: reminded after 5 days, closed after 7
      snoozed-a-week   snoozed, or just woken, and nobody has spoken for 7 days: closed
      answered-3-days  open, answered, and the contact silent for 3 days: closed

    Sunday, 1 March
      15:00  Leo   asks: "The export stops at 90 %."
      16:00  Leo   Sam answers: "Please try again, it should work now."

    Monday, 2 March
      08:30  Leo   writes: "It still stops."
      09:00        autoclosed starts and looks at the whole workspace: 1 to read
      09:10  Kim   asks: "How do I export my data?"
      09:20  Noor  asks: "Can I move my plan to next month?"
      09:30  Ada   asks: "My invoice shows the old address."
      09:40  Mia   asks: "We would like to move 400 seats."
      10:00  Kim   Sam answers: "Under Settings, then Export."
      10:00  Kim   Sam snoozes it until Mon 9 Mar, 09:00
      11:00  Noor  Sam answers: "Yes. Shall we do that for you?"
      11:00  Noor  Sam snoozes it until Thu 12 Mar, 09:00
      12:00  Ada   Alex answers: "It is corrected. Does the new one look right?"
      12:00  Ada   is tagged `remind-first`
      12:00  Ada   Alex snoozes it until Mon 16 Mar, 09:00
      13:00  Mia   Sam answers: "Gladly. We are working on an offer."
      13:00  Mia   is tagged `autoclose-hold`
      13:30  Ben   asks: "Where can I change my password?"
      15:00  Ben   Alex answers: "Under Profile, then Security."

    Tuesday, 3 March
      09:00  Zoe   asks: "Do you have a dark theme?"
      11:00  Zoe   Alex answers: "Yes: under Settings, then Display."

    Wednesday, 4 March
      10:00        (somebody forges a notification about Noor: it is answered 401)
      14:00        (Intercom sends a notification about Kim a second time: it is answered 200 and
                   changes nothing)

    Thursday, 5 March
      14:55        (Ben is about to write, at the very moment when the close is on its way)
      15:00  Ben   writes: "Wait, I cannot find Security!"
      15:00  Ben   autoclosed closes it: "We hope that helped. Reply any time and this opens again."
      15:00  Ben   autoclosed opens it again, without a word
                   journal: raced close: the contact wrote while it was being closed
                   journal: raced close: opened again

    Friday, 6 March
      10:55        (the next close will be done, but the connection will break before its answer)
      11:00  Zoe   autoclosed closes it: "We hope that helped. Reply any time and this opens again."
                   journal: unclear close: the answer was lost; looking into it
      11:01  Zoe   journal: done close: the answer was lost, but it was done

    Saturday, 7 March
      12:00  Ada   autoclosed reminds: "Hi Ada, did that solve it? If not, tell us by Monday 9 March
                   2026."
                   (in Intercom, a message ends a snooze)
      12:00  Ada   autoclosed snoozes it again until Mon 16 Mar, 09:00
                   journal: done reply 1: 5 days without a word since a teammate wrote at 2026-03-02
                   12:00:00 UTC
                   journal: done reply 1: the snooze that our message ended was restored

    Sunday, 8 March
      nothing to do

    Monday, 9 March
      09:00  Kim   the snooze ends
      10:00        (Noor's conversation would be closed at 11:00)
      10:00  Noor  writes: "Yes please, from the 15th."
      10:00  Kim   autoclosed closes it: "Closing this for now. Reply any time and it opens again."
                   journal: done close: 7 days without a word since a teammate wrote at 2026-03-02
                   10:00:00 UTC
      12:00  Ada   autoclosed closes it: "Closing this for now. Reply any time and it opens again."
                   journal: done close: 7 days without a word since a teammate wrote at 2026-03-02
                   12:00:00 UTC
    "#);
}

/// From the table on.
fn end_of(told: &str) -> &str {
    &told[told.find("Conversation  Now").unwrap()..]
}

/// How often Intercom must be asked is the daemon's affair, and may change.
fn without_the_calls(text: &str) -> String {
    let line = |line: &str| match line.split_once("  calls to Intercom") {
        Some((_, rest)) => format!("    NN  calls to Intercom{rest}"),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The fenced blocks of that language, without their indentation.
fn blocks_of_the_readme(language: &str) -> Vec<String> {
    let readme = include_str!("../../README.md");
    let fence = format!("```{language}");
    let mut lines = readme.lines();
    let mut blocks = Vec::new();
    while let Some(opening) = lines.find(|line| line.trim_start() == fence) {
        let indent = opening.len() - opening.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        blocks.push(inside.map(|line| line.get(indent..).unwrap_or("")).collect::<Vec<_>>().join("\n"));
    }
    blocks
}

#[tokio::test]
async fn the_readme_shows_how_the_demo_ends() {
    let told = told().await;
    let [shown] = blocks_of_the_readme("text").try_into().expect("one block");
    assert_eq!(without_the_calls(&shown), end_of(&told));
}

#[test]
fn the_configuration_in_the_readme_is_one() {
    let [toml] = blocks_of_the_readme("toml").try_into().expect("one block");
    let loaded = config::parse("README.md", toml.as_bytes()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.warnings.is_empty(), "{}", loaded.warnings);
    assert_eq!(loaded.config.mode, config::Mode::DryRun);
}
