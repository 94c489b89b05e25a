//! What can be set up, and in which surroundings.

use super::server::{Server, conversation};
use super::*;

const CHILD: &str = "AUTOCLOSED_TEST_CHILD";

/// Runs the named test of this file again, in a process with these variables. True in that process.
fn in_surroundings(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let path = format!("{}::{test}", module_path!());
    let path = path.split_once("::").unwrap().1;
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", path])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && shown.contains("1 passed"), "{shown}");
    false
}

fn new(base_url: &str, api_version: &str, token: &str) -> Result<Intercom, SetupError> {
    let settings = ClientSettings { api_version: api_version.into(), ..settings(Url::parse(base_url).unwrap()) };
    Intercom::new(settings, SecretString::from(token), text_key().into(), Clock::System)
}

#[test]
fn the_token_travels_by_https_or_not_beyond_this_machine() {
    for (base, want) in [
        ("http://127.0.0.1:4010", None),
        ("http://127.8.8.8/api/", None),
        ("http://[::1]:4010", None),
        ("http://localhost:4010", None),
        ("http://api.example.com", Some("plain http")),
        ("http://localhost.example.com", Some("plain http")),
        ("http://10.0.0.1", Some("plain http")),
        ("http://0.0.0.0:4010", Some("plain http")),
        ("https://me:pass@api.example.com", Some("must be an https")),
        ("http://me@127.0.0.1", Some("must be an https")),
        ("ftp://127.0.0.1", Some("must be an https")),
        ("mailto:me@example.com", Some("must be an https")),
    ] {
        let said = new(base, "2.16", TOKEN).err().map(|error| error.to_string());
        match (want, said) {
            (None, None) => {}
            (Some(want), Some(said)) => assert!(said.contains(want), "{base}: {said}"),
            (want, said) => panic!("{base}: {said:?} in place of {want:?}"),
        }
    }
}

#[test]
fn a_token_or_version_that_fits_no_header_is_refused_without_showing_it() {
    for (version, token, want) in [
        ("2.16", "", "the access token"),
        ("2.16", "  ", "the access token"),
        ("2.16", "hidden\nX-Other: 1", "the access token"),
        ("2.\n16", TOKEN, "`api_version`"),
    ] {
        let error = new("http://127.0.0.1:9", version, token).unwrap_err();
        assert!(error.to_string().starts_with(want), "{error}");
        assert!(!format!("{error:?}").contains("hidden"));
    }
}

#[test]
fn a_machine_without_certificates_is_told_what_to_install_and_can_still_talk_to_itself() {
    let nowhere = [("SSL_CERT_FILE", "/nowhere/bundle.pem"), ("SSL_CERT_DIR", "/nowhere")];
    let name = "a_machine_without_certificates_is_told_what_to_install_and_can_still_talk_to_itself";
    if in_surroundings(name, &nowhere) {
        let error = new("https://api.example.com", "2.16", TOKEN).unwrap_err();
        assert!(matches!(error, SetupError::NoCertificates(_)), "{error:?}");
        assert!(error.to_string().contains("ca-certificates"));
        assert!(new("http://127.0.0.1:9", "2.16", TOKEN).is_ok());
    }
}

#[test]
fn proxy_variables_are_ignored() {
    let dead = "http://127.0.0.1:1";
    let variables =
        [("http_proxy", dead), ("HTTP_PROXY", dead), ("ALL_PROXY", dead), ("no_proxy", ""), ("NO_PROXY", "")];
    if in_surroundings("proxy_variables_are_ignored", &variables) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::playing([conversation("7", "open")]).await;
            let (intercom, _) = client(settings(server.url.clone()));
            intercom.conversation(&id("7")).await.unwrap();
            assert_eq!(server.received()[0].line, "GET /conversations/7 HTTP/1.1");
        });
    }
}
