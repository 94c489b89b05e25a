//! Every request that the client can make, every answer of the fake and every refusal of it, held against Intercom's own descriptions.
//!
//! The descriptions are Intercom's and no part of this repository: the folder that `AUTOCLOSED_OPENAPI` names holds
//! them as `openapi-2.12.yaml` and `openapi-2.16.yaml`. Without it those tests say that they were skipped.

#![expect(clippy::panic, reason = "what a description says otherwise than expected fails its test")]

mod description;
mod exceptions;
mod recorder;
mod refusals;
mod schema;
mod schema_tests;
mod script;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::description::{Description, Operation};
use self::exceptions::Exception;
use self::recorder::Exchange;
use self::schema::Misfit;
use self::script::{Case, Script};

pub(crate) use self::script::client;

/// The descriptions, and which versions they are of: the ends of what was described when this was written.
const VERSIONS: [&str; 2] = ["2.12", "2.16"];

const SKIPPED: &str = "skipped: AUTOCLOSED_OPENAPI names no folder with descriptions of Intercom's API";

fn folder() -> Option<PathBuf> {
    std::env::var_os("AUTOCLOSED_OPENAPI").map(PathBuf::from)
}

#[tokio::test]
async fn every_request_is_one_that_both_descriptions_know() {
    match folder() {
        Some(folder) => hold(&folder, Script::played, Description::judge_request, exceptions::OF_REQUESTS).await,
        None => eprintln!("{SKIPPED}"),
    }
}

#[tokio::test]
async fn every_answer_of_the_fake_is_one_that_both_descriptions_know() {
    match folder() {
        Some(folder) => hold(&folder, Script::played, Description::judge_answer, exceptions::OF_ANSWERS).await,
        None => eprintln!("{SKIPPED}"),
    }
}

#[tokio::test]
async fn every_refusal_of_the_fake_is_one_that_both_descriptions_know() {
    match folder() {
        Some(folder) => hold(&folder, refusals::provoked, Description::judge_answer, exceptions::OF_REFUSALS).await,
        None => eprintln!("{SKIPPED}"),
    }
}

/// The calls of the client, read from its source: a new one is held against the descriptions, or this fails.
#[tokio::test]
async fn every_call_of_the_client_is_among_the_cases() {
    let played = Script::played("2.16").await;
    let cases: BTreeSet<&str> = played.iter().map(|case| case.method).collect();
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/intercom/client");
    let files = std::fs::read_dir(&client).unwrap().map(|file| file.unwrap().path());
    let files = files.chain([client.with_extension("rs")]).filter(|path| path.extension().is_some());
    let mut calls = BTreeSet::new();
    for source in files.map(|path| std::fs::read_to_string(path).unwrap()) {
        let begun = source.split("pub async fn ").skip(1);
        calls.extend(begun.map(|rest| rest.split(['(', '<']).next().unwrap().to_owned()));
    }
    assert!(calls.remove("permits"), "it waits for its turn and sends nothing");
    assert!(calls.remove("next"), "its pages are those of `search`");
    assert_eq!(cases, calls.iter().map(String::as_str).collect());
}

type Judge = fn(&Description, &Operation<'_>, &Exchange) -> Vec<Misfit>;
/// Version, operation's place in the list of exceptions, and which of its places.
type Met = BTreeSet<(&'static str, usize, &'static str)>;

async fn hold(folder: &Path, played: impl AsyncFn(&'static str) -> Vec<Case>, judge: Judge, exceptions: &[Exception]) {
    let (mut wrong, mut met) = (BTreeSet::new(), Met::new());
    for version in VERSIONS {
        let description = Description::read(folder, version);
        for case in played(version).await {
            wrong.extend(judged(&description, &case, judge, exceptions, &mut met));
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let known = (0..).zip(exceptions).flat_map(|(index, one)| one.places().map(move |(of, at)| (of, index, at)));
    let unmet: Vec<_> = known.filter(|place| !met.contains(place)).collect();
    assert!(unmet.is_empty(), "these are no exceptions any more: {unmet:?}");
}

/// What is wrong with a case, but for the exceptions; those that are met are told in `met`.
fn judged(
    description: &Description,
    case: &Case,
    judge: Judge,
    exceptions: &[Exception],
    met: &mut Met,
) -> Vec<String> {
    let (version, exchange) = (description.version, &case.exchange);
    let Some(operation) = description.operation(&exchange.method, &exchange.path) else {
        return vec![format!("{version} {}: there is no {} {}", case.what, exchange.method, exchange.path)];
    };
    let mut wrong = Vec::new();
    for Misfit { at, what } in judge(description, &operation, exchange) {
        let excuses = (0..).zip(exceptions);
        let excuse =
            excuses.filter_map(|(index, one)| Some((index, one.covers(version, &operation.name, &at, &what)?)));
        match excuse.min() {
            Some((index, end)) => drop(met.insert((version, index, end))),
            None => wrong.push(format!("{version} {}: {} `{at}` {what}", case.what, operation.name)),
        }
    }
    wrong
}
