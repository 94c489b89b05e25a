//! Asks a running daemon how it is, at its admin listener.
//!
//! Owns: telling a daemon's answer from anything else that may answer there. Refuses: waiting for long.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use serde::Serialize;
use serde_json::Value;

/// Longer than a database that is busy lets the daemon wait, which is something for it to tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the daemon says of itself.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: String,
    /// How it acts; an older daemon does not say.
    pub(super) mode: Option<String>,
    pub(super) checks: Vec<Check>,
}

/// One check, as the daemon tells it.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) ok: bool,
    pub(super) detail: String,
}

/// No daemon has answered.
#[derive(Debug)]
pub(super) struct Silence {
    /// Where it was asked; `None` if there was no place to ask at.
    pub(super) url: Option<String>,
    /// What was found instead.
    pub(super) why: &'static str,
}

/// Asks the daemon whose admin listener is configured so.
pub(super) async fn ask(listen: SocketAddr) -> Result<Answer, Silence> {
    if listen.port() == 0 {
        return Err(Silence { url: None, why: "[admin] listen names no fixed port to ask at" });
    }
    let url = format!("http://{}/health", reachable(listen));
    match fetch(&url).await {
        Ok(body) => answer(&body).ok_or(Silence { url: Some(url), why: "something else answers there" }),
        Err(error) if error.is_timeout() => Err(Silence { url: Some(url), why: "it took longer than 5 seconds" }),
        Err(error) if error.is_connect() => Err(Silence { url: Some(url), why: "nothing listens there" }),
        Err(_) => Err(Silence { url: Some(url), why: "what came was no answer" }),
    }
}

/// Where a listener on all addresses is reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The health of a daemon that is not well comes with a 503, so any status will do.
async fn fetch(url: &str) -> Result<Vec<u8>, reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).timeout(PATIENCE);
    let answer = client.build()?.get(url).send().await?;
    Ok(answer.bytes().await?.to_vec())
}

fn answer(body: &[u8]) -> Option<Answer> {
    let told: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let check = |told: &Value| {
        Some(Check { name: text(&told["name"])?, ok: told["ok"].as_bool()?, detail: text(&told["detail"])? })
    };
    let status = text(&told["status"]).filter(|status| ["ok", "bad", "paused"].contains(&status.as_str()))?;
    let checks = told["checks"].as_array()?.iter().map(check).collect::<Option<_>>()?;
    Some(Answer { status, mode: text(&told["mode"]), checks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_this_machine() {
        for (listen, asked) in [
            ("127.0.0.1:8081", "127.0.0.1:8081"),
            ("0.0.0.0:8081", "127.0.0.1:8081"),
            ("[::]:8081", "[::1]:8081"),
            ("192.0.2.7:8081", "192.0.2.7:8081"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn only_a_daemon_s_own_words_are_taken_for_its_answer() {
        for (body, taken) in [
            (r#"{"status":"ok","checks":[]}"#, true),
            (r#"{"status":"bad","mode":"live","checks":[{"name":"clock","ok":false,"detail":"far"}]}"#, true),
            (r#"{"status":"UP","checks":[]}"#, false),
            (r#"{"status":"ok"}"#, false),
            (r#"{"status":"ok","checks":[{"name":"clock"}]}"#, false),
            ("<html>", false),
            ("", false),
        ] {
            assert_eq!(answer(body.as_bytes()).is_some(), taken, "{body}");
        }
    }
}
