//! What has been heard of Intercom: when, and of which topics.

use jiff::Timestamp;

use super::rows::{at, ms};
use super::{Store, StoreError};

// Nearly all that came is of one workspace: with the `+`, SQLite goes by age, and not through every key of it.
pub(super) const NEWEST: &str =
    "SELECT received_at FROM notification WHERE +app_id = $1 ORDER BY received_at DESC LIMIT 1";
pub(super) const TOPICS: &str =
    "SELECT DISTINCT topic FROM notification WHERE received_at >= $1 AND +app_id = $2 ORDER BY topic";
pub(super) const ARRIVED: &str = "SELECT EXISTS (SELECT 1 FROM notification WHERE received_at >= $1 AND +app_id = $2)";

impl Store {
    /// When the newest notification of this workspace came, as far back as they are kept.
    pub async fn newest_notification(&self, app_id: &str) -> Result<Option<Timestamp>, StoreError> {
        let newest: Option<i64> = sqlx::query_scalar(NEWEST).bind(app_id).fetch_optional(&self.readers).await?;
        newest.map(at).transpose()
    }

    /// The topics of this workspace's notifications since then, in the order of the alphabet.
    pub async fn topics_since(&self, app_id: &str, since: Timestamp) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(TOPICS).bind(ms(since)).bind(app_id).fetch_all(&self.readers).await?)
    }
}
