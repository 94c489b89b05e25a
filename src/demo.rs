//! The demo.
/// Runs it.
pub async fn run(_out: &mut impl std::io::Write) -> anyhow::Result<()> {
    std::future::ready(()).await;
    Ok(())
}
