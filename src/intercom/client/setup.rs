//! What the client needs before it can send anything: address, token, certificates.
//!
//! Owns: every option of the HTTP client and the reasons why one cannot be built. Refuses: sending.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::sabotage::{Bug, planted};

/// Longest wait for a connection. Past it, certainly nothing was sent.
const CONNECT: Duration = Duration::from_secs(3);
/// Idle connections are dropped before a server is likely to: a request on one just closed would be lost.
const IDLE: Duration = Duration::from_secs(30);
/// A connection whose bytes nobody has confirmed for so long is dead: one that somebody on the way has forgotten would
/// else take one request after the other.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the other side of an HTTP/2 connection may take to answer when it is asked whether it is there.
const PING: Duration = Duration::from_secs(5);
pub(super) const VERSION: HeaderName = HeaderName::from_static("intercom-version");

/// Where and how to call Intercom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// Of the workspace's region. Plain http only on this machine.
    pub base_url: Url,
    /// The `Intercom-Version` header, such as `2.16`.
    pub api_version: String,
    /// Of one request, from its start to the last byte of its answer.
    pub timeout: Duration,
    /// Our own cap of requests in any ten seconds; without one, half of what Intercom announces.
    /// At 1, no deed can follow its look at once.
    pub requests_per_10s: Option<u32>,
}

/// Why no client can be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address cannot be called.
    #[error("the address of Intercom must be an https:// URL without user and password; set `region` or `base_url`")]
    BadAddress,
    /// Plain http to another machine would show the token to everybody on the way.
    #[error("plain http is only for this machine (127.0.0.1); write https:// in `base_url`")]
    PlainHttp,
    /// The token cannot stand in a header.
    #[error("the access token is empty or has characters that cannot be sent; copy it again from the Developer Hub")]
    BadToken,
    /// The version cannot stand in a header.
    #[error("`api_version` is not a version; write one such as \"2.16\"")]
    BadVersion,
    /// This machine trusts nobody.
    #[error(
        "https could not be set up, most likely because no CA certificates are installed; \
         install the package ca-certificates, or point SSL_CERT_FILE to a bundle"
    )]
    NoCertificates(#[source] reqwest::Error),
    /// The HTTP client could not be built for another reason.
    #[error("the HTTP client could not be set up; please report this")]
    Client(#[source] reqwest::Error),
}

/// Chooses the cryptography behind https for the whole program. Harmless when repeated.
pub fn install_tls() {
    // It fails only when a provider is installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The client itself; the token goes with each request, as it may be replaced.
pub(super) fn build(settings: &ClientSettings) -> Result<reqwest::Client, SetupError> {
    install_tls();
    let plain = is_plain(&settings.base_url)?;
    let builder = reqwest::Client::builder()
        .user_agent(concat!("autoclosed/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers(settings)?)
        .connect_timeout(CONNECT)
        .timeout(settings.timeout)
        .pool_idle_timeout(IDLE)
        .tcp_user_timeout(SILENCE)
        .http2_keep_alive_interval(SILENCE)
        .http2_keep_alive_timeout(PING)
        .redirect(redirects())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy();
    if plain {
        // No certificates are needed, so a machine without any will do.
        builder.tls_certs_only([]).build().map_err(SetupError::Client)
    } else {
        builder.https_only(true).build().map_err(SetupError::NoCertificates)
    }
}

/// A redirect would take the token somewhere else.
fn redirects() -> reqwest::redirect::Policy {
    use reqwest::redirect::Policy;
    if planted(Bug::FollowsRedirects) { Policy::limited(3) } else { Policy::none() }
}

/// Whether the address is plain http on this machine; errors if it is no address for us.
fn is_plain(base: &Url) -> Result<bool, SetupError> {
    if base.cannot_be_a_base() || !base.username().is_empty() || base.password().is_some() {
        return Err(SetupError::BadAddress);
    }
    let here = match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(SetupError::BadAddress),
    };
    match base.scheme() {
        "https" => Ok(false),
        "http" if here => Ok(true),
        "http" => Err(SetupError::PlainHttp),
        _ => Err(SetupError::BadAddress),
    }
}

/// The `Authorization` header for a token.
pub(super) fn bearer(token: &SecretString) -> Result<HeaderValue, SetupError> {
    let token = token.expose_secret();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| SetupError::BadToken)?;
    bearer.set_sensitive(true);
    if token.trim().is_empty() { Err(SetupError::BadToken) } else { Ok(bearer) }
}

fn headers(settings: &ClientSettings) -> Result<HeaderMap, SetupError> {
    let version = HeaderValue::from_str(&settings.api_version).map_err(|_| SetupError::BadVersion)?;
    let json = HeaderValue::from_static("application/json");
    Ok(HeaderMap::from_iter([(ACCEPT, json), (VERSION, version)]))
}
