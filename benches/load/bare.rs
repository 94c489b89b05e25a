//! What the machine allows: the same HTTP library, the signature, and nothing behind it.

use std::net::SocketAddr;

use anyhow::Result;
use autoclosed::intercom::signature::Secrets;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::SecretString;

use crate::people::CLIENT_SECRET;

pub(crate) fn run(listen: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let secrets = Secrets::new([&SecretString::from(CLIENT_SECRET)]);
        let answer = async move |head: HeaderMap, body: Bytes| {
            let signatures = head.get_all("x-hub-signature").iter().map(axum::http::HeaderValue::as_bytes);
            secrets.verify(signatures, body).map_or(StatusCode::UNAUTHORIZED, |_| StatusCode::OK)
        };
        let router = axum::Router::new().route("/webhooks/intercom", post(answer));
        let listener = tokio::net::TcpListener::bind(listen).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "without deadlines: it is the ceiling, not a server for anybody"
        )]
        axum::serve(listener, router).await?;
        Ok(())
    })
}
