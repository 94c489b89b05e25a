//! What Intercom might sign one day by mistake, or a customer might make it say.

use std::collections::BTreeMap;

use super::peer::signed;
use super::*;

/// What was made of a body: its result and why it was kept aside, and how many activities came of it.
async fn made_of(house: &House, body: &[u8]) -> String {
    let before = stored(house).await;
    let kept = rows(house, "SELECT reason FROM notification_body ORDER BY id").await.len();
    let activities = activities(house).await;
    let answer = peer(house).await.ask(&signed(CLIENT_SECRET, body)).await.unwrap();
    assert_eq!(answer.status, 200);
    let results = rows(house, "SELECT id || char(9) || result FROM notification").await;
    let new = results.iter().filter_map(|row| row.rsplit_once('\t')).find(|(id, _)| !before.iter().any(|it| it == id));
    let reason = rows(house, "SELECT reason FROM notification_body ORDER BY id").await.split_off(kept).pop();
    let came = self::activities(house).await - activities;
    format!("{}, {} new, {}", new.map_or("nothing", |(_, result)| result), came, reason.as_deref().unwrap_or("-"))
}

async fn activities(house: &House) -> usize {
    rows(house, "SELECT part_id FROM activity").await.len()
}

/// A good notification about a conversation of its own, with this in the place of that.
fn altered(number: u64, that: &str, this: &str) -> Vec<u8> {
    let body = reply(number, &format!("n{number}")).to_string();
    assert!(body.contains(that), "{that} in {body}");
    body.replacen(that, this, 1).into_bytes()
}

/// What is altered in it, and into what.
fn alterations() -> Vec<(&'static str, &'static str, String)> {
    let deep = |levels: usize| format!("\"x\":{}{},\"state\":", "[".repeat(levels), "]".repeat(levels));
    let attributes = |levels: usize| {
        format!("\"custom_attributes\":{{\"x\":{}{}}},\"state\":", "[".repeat(levels), "]".repeat(levels))
    };
    let (state, text) = ("\"state\":", "<p>Hi</p>");
    vec![
        ("127 deep where nobody looks", state, deep(127)),
        ("10,000 deep where nobody looks", state, deep(10_000)),
        ("100 deep in an attribute", state, attributes(100)),
        ("124 deep in an attribute", state, attributes(124)),
        ("125 deep in an attribute", state, attributes(125)),
        ("128 deep in an attribute", state, attributes(128)),
        ("10,000 deep in an attribute", state, attributes(10_000)),
        ("a number without end where nobody looks", state, format!("\"x\":{},\"state\":", "9".repeat(10_000))),
        ("1e400 where nobody looks", state, "\"x\":1e400,\"state\":".into()),
        ("1e400 in an attribute", state, "\"custom_attributes\":{\"x\":1e400},\"state\":".into()),
        ("NaN", state, "\"x\":NaN,\"state\":".into()),
        ("a NUL in a text", text, "\\u0000".into()),
        ("a bare NUL in a text", text, "\0".into()),
        ("a NUL in the channel", "\"type\":\"conversation\"},", "\"type\":\"conversation\\u0000\"},".into()),
        ("a NUL in the state", "\"open\"", "\"op\\u0000en\"".into()),
        ("a lone surrogate in a text", text, "\\ud800".into()),
        ("a lone surrogate in the state", "\"open\"", "\"\\udfff\"".into()),
        ("a line end in a text", text, "a\nb".into()),
        ("a topic of two lines", "user.replied", "user.replied\\n{}".into()),
        ("a topic that steers a terminal", "user.replied", "user.\\u001b[2J".into()),
        ("a topic of 10 KiB", "user.replied", "x".repeat(10 * 1024)),
        ("an unknown field twice", state, "\"x\":1,\"x\":2,\"state\":".into()),
        ("the state twice", state, "\"state\":\"closed\",\"state\":".into()),
        ("the state twice, once in escapes", state, "\"st\\u0061te\":\"closed\",\"state\":".into()),
        ("the parts twice", "\"conversation_parts\":{", "\"conversation_parts\":null,\"conversation_parts\":{".into()),
        ("the topic twice", "\"topic\":", "\"topic\":\"ping\",\"topic\":".into()),
        ("its id twice", "\"id\":\"n", "\"id\":\"other\",\"id\":\"n".into()),
        ("the workspace twice", "\"app_id\":", "\"app_id\":\"zz\",\"app_id\":".into()),
        ("the data twice", "\"data\":{", "\"data\":null,\"data\":{".into()),
        (
            "a part's author twice",
            "\"part_type\":",
            "\"author\":{\"type\":\"admin\",\"id\":\"1\"},\"part_type\":".into(),
        ),
        ("a comma too many", "}]}", "},]}".into()),
        ("a comment", state, "/* */\"state\":".into()),
        ("a text of half a MiB", text, "x".repeat(512 * 1024)),
    ]
}

#[tokio::test]
async fn whatever_is_signed_is_answered_200_and_kept_or_understood() {
    let house = house().await;
    let mut told = Vec::new();
    for (number, (name, that, this)) in (1000..).zip(alterations()) {
        told.push(format!("{name}: {}", made_of(&house, &altered(number, that, &this)).await));
    }
    let good = |number| reply(number, &format!("n{number}")).to_string();
    let utf_16: Vec<u8> = good(2001).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let whole: Vec<(&str, Vec<u8>)> = vec![
        ("a byte order mark", [b"\xef\xbb\xbf".as_slice(), good(2000).as_bytes()].concat()),
        ("UTF-16", utf_16),
        (
            "a byte that is no UTF-8",
            good(2002).replace("Hi", "\u{1}").into_bytes().into_iter().map(|b| if b == 1 { 0xff } else { b }).collect(),
        ),
        ("half a character", [&good(2003).as_bytes()[..60], b"\xc3"].concat()),
        ("more behind it", [good(2004).as_bytes(), b"{}"].concat()),
        ("spaces round it", format!(" \r\n\t{} \n", good(2005)).into_bytes()),
        ("cut in the middle", good(2006).as_bytes()[..200].to_vec()),
        ("a list of it", format!("[{}]", good(2007)).into_bytes()),
        ("1 MiB of spaces", vec![b' '; 1 << 20]),
        ("1 MiB of opening brackets", vec![b'['; 1 << 20]),
        ("1 MiB of opening braces", b"{\"x\":".repeat(200_000)),
        ("1 MiB of parts", good(2008).replace("[{\"", &format!("[{}{{\"", "{},".repeat(349_000))).into_bytes()),
        ("one NUL", vec![0]),
    ];
    for (name, body) in whole {
        told.push(format!("{name}: {}", made_of(&house, &body).await));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    127 deep where nobody looks: stored, 2 new, -
    10,000 deep where nobody looks: stored, 2 new, -
    100 deep in an attribute: stored, 2 new, -
    124 deep in an attribute: stored, 2 new, -
    125 deep in an attribute: quarantined, 0 new, it is not JSON
    128 deep in an attribute: quarantined, 0 new, it is not JSON
    10,000 deep in an attribute: quarantined, 0 new, it is not JSON
    a number without end where nobody looks: stored, 2 new, -
    1e400 where nobody looks: stored, 2 new, -
    1e400 in an attribute: quarantined, 0 new, it is not JSON
    NaN: quarantined, 0 new, it is not JSON
    a NUL in a text: stored, 2 new, -
    a bare NUL in a text: quarantined, 0 new, it is not JSON
    a NUL in the channel: stored, 2 new, -
    a NUL in the state: stored, 2 new, -
    a lone surrogate in a text: quarantined, 0 new, it is not JSON
    a lone surrogate in the state: quarantined, 0 new, it is not JSON
    a line end in a text: quarantined, 0 new, it is not JSON
    a topic of two lines: quarantined, 0 new, the topic is missing or unusable
    a topic that steers a terminal: quarantined, 0 new, the topic is missing or unusable
    a topic of 10 KiB: quarantined, 0 new, the topic is missing or unusable
    an unknown field twice: stored, 2 new, -
    the state twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    the state twice, once in escapes: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    the parts twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    the topic twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    its id twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    the workspace twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    the data twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    a part's author twice: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    a comma too many: quarantined, 0 new, it is not JSON
    a comment: quarantined, 0 new, it is not JSON
    a text of half a MiB: stored, 2 new, -
    a byte order mark: quarantined, 0 new, it is not JSON
    UTF-16: quarantined, 0 new, it is not JSON
    a byte that is no UTF-8: quarantined, 0 new, it is not UTF-8
    half a character: quarantined, 0 new, it is not UTF-8
    more behind it: quarantined, 0 new, it is not JSON
    spaces round it: stored, 2 new, -
    cut in the middle: quarantined, 0 new, it is not JSON
    a list of it: quarantined, 0 new, it is JSON of another shape, or a field is there twice
    1 MiB of spaces: quarantined, 0 new, it is not JSON
    1 MiB of opening brackets: quarantined, 0 new, it is not JSON
    1 MiB of opening braces: quarantined, 0 new, it is not JSON
    1 MiB of parts: quarantined, 0 new, the list of parts is no list of objects
    one NUL: quarantined, 0 new, it is not JSON
    ");
    takes_the_next(&house, 3000).await;
    assert_eq!(house.deeds(), Vec::<String>::new());
}

/// Of an attribute that is there twice the last counts, as in most readers of JSON, and in what Intercom shows of it.
#[tokio::test]
async fn of_an_attribute_that_is_there_twice_the_last_one_counts() {
    let rule = "[[rule]]\nname = \"plan\"\nmatch.attribute.plan = \"b\"\nstep = [{ after = \"1 day\", do = \"close\", silent = true }]";
    let house = House::with(rule).await;
    let twice = altered(1, "\"state\":", "\"custom_attributes\":{\"plan\":\"a\",\"plan\":\"b\"},\"state\":");
    made_of(&house, &twice).await;
    let facts = rows(&house, "SELECT facts FROM conversation").await.join("");
    assert!(facts.contains("\"b\"") && !facts.contains("\"a\""), "{facts}");
}

/// Times that no calendar has, in every place where one may stand.
#[tokio::test]
async fn absurd_times_are_kept_aside_or_taken_for_none_and_never_act() {
    let house = house().await;
    let values = [
        "292277026596",
        "9223372036854775807",
        "-9223372036854775808",
        "1e400",
        "1e18",
        "-1",
        "0",
        "1.5",
        "1772442000.0",
        "\"1772442000\"",
        "\"292277026596-12-04T15:30:08Z\"",
        "\"-2026-03-02T09:00:00Z\"",
        "\"2026-02-30T00:00:00Z\"",
        "\"tomorrow\"",
        "\"\"",
        "\"\\u0000\"",
        "true",
        "[]",
        "{}",
        "null",
    ];
    let places = [
        ("the notification's", "\"created_at\":1772442000,\"data\"", "\"created_at\":VALUE,\"data\""),
        ("the end of its snooze", "\"state\":\"open\"", "\"state\":\"snoozed\",\"snoozed_until\":VALUE"),
        ("its last change", "\"updated_at\":1772442000", "\"updated_at\":VALUE"),
        ("a part's", "\"created_at\":1772442000,\"id\":\"7\"", "\"created_at\":VALUE,\"id\":\"7\""),
        ("statistics", "\"state\":", "\"statistics\":{\"last_contact_reply_at\":VALUE},\"state\":"),
    ];
    let (mut number, mut told) = (10_000, Vec::new());
    for (place, that, this) in places {
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for value in values {
            number += 1;
            let made = made_of(&house, &altered(number, that, &this.replace("VALUE", value))).await;
            outcomes.entry(made).or_default().push(value);
        }
        told.extend(outcomes.iter().map(|(made, values)| format!("{place}: {made}: {}", values.join(" "))));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    the notification's: quarantined, 0 new, a date is missing, unreadable, or not between 2000 and 2100: 292277026596 9223372036854775807 -9223372036854775808 1e18 -1 0 1.5 1772442000.0 "292277026596-12-04T15:30:08Z" "-2026-03-02T09:00:00Z" "2026-02-30T00:00:00Z" "tomorrow" "" "\u0000" true [] {} null
    the notification's: quarantined, 0 new, it is not JSON: 1e400
    the notification's: stored, 2 new, -: "1772442000"
    the end of its snooze: quarantined, 0 new, a date is missing, unreadable, or not between 2000 and 2100: 292277026596 9223372036854775807 -9223372036854775808 1e18 -1 0 1.5 1772442000.0 "292277026596-12-04T15:30:08Z" "-2026-03-02T09:00:00Z" "2026-02-30T00:00:00Z" "tomorrow" "" "\u0000" true [] {}
    the end of its snooze: quarantined, 0 new, it is not JSON: 1e400
    the end of its snooze: stored, 2 new, -: "1772442000" null
    its last change: quarantined, 0 new, a date is missing, unreadable, or not between 2000 and 2100: 292277026596 9223372036854775807 -9223372036854775808 1e18 -1 0 1.5 1772442000.0 "292277026596-12-04T15:30:08Z" "-2026-03-02T09:00:00Z" "2026-02-30T00:00:00Z" "tomorrow" "" "\u0000" true [] {}
    its last change: quarantined, 0 new, it is not JSON: 1e400
    its last change: stored, 2 new, -: "1772442000" null
    a part's: quarantined, 0 new, a date is missing, unreadable, or not between 2000 and 2100: 292277026596 9223372036854775807 -9223372036854775808 1e18 -1 0 1.5 1772442000.0 "292277026596-12-04T15:30:08Z" "-2026-03-02T09:00:00Z" "2026-02-30T00:00:00Z" "tomorrow" "" "\u0000" true [] {} null
    a part's: quarantined, 0 new, it is not JSON: 1e400
    a part's: stored, 2 new, -: "1772442000"
    statistics: quarantined, 0 new, a date is missing, unreadable, or not between 2000 and 2100: 292277026596 9223372036854775807 -9223372036854775808 1e18 -1 0 1.5 1772442000.0 "292277026596-12-04T15:30:08Z" "-2026-03-02T09:00:00Z" "2026-02-30T00:00:00Z" "tomorrow" "" "\u0000" true [] {}
    statistics: quarantined, 0 new, it is not JSON: 1e400
    statistics: stored, 2 new, -: "1772442000" null
    "#);
    house.look().await;
    house.sweep().await;
    assert_eq!(house.deeds(), Vec::<String>::new());
    takes_the_next(&house, 3000).await;
}
