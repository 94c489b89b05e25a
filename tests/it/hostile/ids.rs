//! Ids that would be a path, a query or another host if anybody put them into an address as they are.

use autoclosed::fake_intercom::Workspace;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::peer::signed;
use super::*;
use crate::harness::days;

const HOSTILE: [&str; 22] = [
    "../admins",
    "1/../../me",
    "1?x=",
    "1#",
    "%2e%2e",
    "%2e%2e%2fme",
    "1%00",
    "..",
    ".",
    "",
    " 1",
    "1 ",
    "+1",
    "-1",
    "1.0",
    "1e3",
    "0x1",
    "１２３",
    "1\n2",
    "1;DROP TABLE conversation",
    "//example.com/",
    "123456789012345678901",
];

/// Whatever an id is, only requests to these places are made.
fn is_expected(path: &str) -> bool {
    let segments: Vec<&str> = path.strip_prefix('/').unwrap().split('/').collect();
    let digits = |id: &str| (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    match segments[..] {
        ["me" | "admins" | "tags" | "teams" | "data_attributes"] | ["conversations", "search"] => true,
        ["conversations", id] | ["conversations", id, "parts" | "reply" | "tags"] => digits(id),
        _ => false,
    }
}

#[tokio::test]
async fn an_id_that_is_no_number_is_kept_aside_and_asked_for_nowhere() {
    let house = house().await;
    let long = "1".repeat(10 * 1024);
    for (number, id) in HOSTILE.into_iter().chain([long.as_str()]).enumerate() {
        let mut body = reply(1, &format!("n{number}"));
        body["data"]["item"]["id"] = json!(id);
        let answer = peer(&house).await.ask(&signed(CLIENT_SECRET, body.to_string().as_bytes())).await.unwrap();
        assert_eq!((answer.status, stored(&house).await.len()), (200, number + 1), "{id:?}");
    }
    assert_eq!(rows(&house, "SELECT id FROM conversation").await, Vec::<String>::new());
    takes_the_next(&house, 7).await;
}

/// Ids of all sorts, half of them near to being good.
fn ids(count: usize) -> Vec<String> {
    let strategy = prop_oneof!["[0-9]{1,22}", "[0-9./%?#\\\\ -]{1,24}", "\\PC{0,12}", any::<String>()];
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[tokio::test]
async fn whatever_an_id_is_the_paths_that_are_asked_for_have_the_expected_segments() {
    let house = house().await;
    let mut connection = peer(&house).await;
    for (number, id) in ids(400).into_iter().enumerate() {
        let mut body = reply(1, &format!("n{number}"));
        body["data"]["item"]["id"] = json!(id);
        let answer = connection.ask(&signed(CLIENT_SECRET, body.to_string().as_bytes())).await.unwrap();
        assert_eq!(answer.status, 200, "{id:?}");
    }
    house.look().await;
    house.after(days(2)).await;
    house.look().await;
    let asked: Vec<_> = house.intercom.calls().into_iter().map(|call| call.path).collect();
    assert!(asked.iter().any(|path| path.starts_with("/conversations/") && !path.ends_with("search")), "{asked:?}");
    let stray: Vec<_> = asked.iter().filter(|path| !is_expected(path)).collect();
    assert_eq!(stray, Vec::<&String>::new());
}

/// A contact's id comes from Intercom itself, and goes into an address for the contact's name.
#[tokio::test]
async fn a_contact_s_id_is_one_segment_whatever_is_in_it() {
    for id in ["../admins", "1?x=", "a#b", "%2e%2e", "..", "１２３"] {
        let mut workspace = Workspace::default();
        workspace.contacts.iter_mut().for_each(|contact| contact.id = id.into());
        let rules = QUIET_A_DAY.replace("Closing this", "{{ contact.first_name | default('Hi') }}, closing this");
        let mut house = House::configured(&format!("mode = \"live\"\n{rules}"), workspace).await;
        house.start().await;
        house.look().await;
        house.answered().await;
        house.after(days(1)).await;
        let calls = house.intercom.calls();
        let asked: Vec<_> =
            calls.iter().filter(|call| !is_expected(&call.path)).map(|call| call.path.as_str()).collect();
        for path in &asked {
            let segments: Vec<_> = path.split('/').collect();
            assert!(segments.len() == 3 && segments[1] == "contacts", "{id}: {asked:?}");
            assert!(!["..", "."].contains(&segments[2]), "{id}: {asked:?}");
        }
        assert_eq!(house.deeds(), ["close 200"], "{id}: {asked:?}");
    }
}
