//! Every command in the documents is one that works: those of the program are run, in their order, against a daemon that
//! has something to tell; the others are run by `.ci/run`, or are named here with the reason why they are not.

use std::fs;
use std::path::Path;

use crate::harness::{House, QUIET_A_DAY, days};

/// What cannot be run here, and why.
const ELSEWHERE: [(&str, &str); 5] = [
    ("cargo ", "by .ci/run"),
    ("export ", "the tests set the environment themselves"),
    ("sh -c 'cd /var/lib/autoclosed ", "by tests/it/operates/beside.rs, in a folder of another name"),
    ("systemctl ", "there is no systemd in a test"),
    ("journalctl ", "there is no systemd in a test"),
];

/// The conversation that the documents name.
const THEIR_ID: &str = "215470000000001";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The command lines of a document: what stands in its `console` blocks, without what is answered.
fn commands(document: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() && !line.starts_with('#') => {
                let line = line.split_once("  #").map_or(line, |(line, _)| line.trim_end());
                found.push(line.trim_start_matches("$ ").trim_start_matches("sudo ").to_owned());
            }
            _ => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_in_the_documents_works() {
    // It pins what is locked; to read, the shorter line is the same.
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap().replace(" --locked", "");
    let house = House::with(QUIET_A_DAY).await;
    let id = house.answered().await;
    assert_eq!(id.as_str(), THEIR_ID, "the documents name the first conversation of the fake");
    house.after(days(2)).await;
    house.look().await;
    let mut run = 0;
    for document in ["README.md", "docs/intercom.md", "docs/operations.md", "docs/rules.md"] {
        for line in commands(document) {
            let (program, arguments) = line.split_once(' ').unwrap_or((&line, ""));
            match program {
                "autoclosed" if arguments.starts_with("run") => {}
                "autoclosed" => {
                    works(&house, arguments);
                    run += 1;
                }
                "curl" => answers(&house, arguments).await,
                "cargo" => assert!(ci.contains(&line) || line == "cargo build --release", "{document}: {line}"),
                _ => assert!(ELSEWHERE.iter().any(|(known, _)| line.starts_with(known)), "{document}: {line}"),
            }
        }
    }
    assert!(run >= 8, "the README alone has so many: {run}");
}

/// The file is the house's, whatever the document calls it. What it asks needs the house's runtime meanwhile.
fn works(house: &House, arguments: &str) {
    let arguments = arguments.replace("--config autoclosed.toml", "").replace("FILE", "copy.db");
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    let answer = tokio::task::block_in_place(|| house.says(&arguments));
    if arguments.contains(&"--online") {
        // The program goes by the clock on the wall and the house lives in a time of its own: that alone is wrong.
        let wrong: Vec<_> = answer.out.lines().filter(|line| line.starts_with("wrong")).collect();
        assert!(wrong.iter().all(|line| line.starts_with("wrong  clock ")), "{}{}", answer.out, answer.err);
        return;
    }
    assert_eq!(answer.status, Some(0), "autoclosed {}: {}", arguments.join(" "), answer.err);
    assert!(!answer.out.is_empty(), "autoclosed {}", arguments.join(" "));
}

/// `curl -I` of the webhook's address, by way of the proxy that the document speaks of.
async fn answers(house: &House, arguments: &str) {
    let address = arguments.strip_prefix("-I https://autoclosed.example.com/").expect("what else would be asked?");
    let address = format!("http://{}/{address}", house.daemon().public_address());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    assert_eq!(client.head(&address).send().await.unwrap().status(), 200, "{address}");
}
