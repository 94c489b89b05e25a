//! Small facts to remember across restarts.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Store, StoreError};

impl Store {
    /// A setting; `None` if it was never set.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let value = sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(key);
        Ok(value.fetch_optional(&self.readers).await?)
    }

    /// Sets a setting.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut writer = self.write().await;
        sqlx::query(
            "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .execute(writer.connection())
        .await?;
        Ok(())
    }

    /// A moment remembered by [`Store::set_moment`].
    pub async fn moment(&self, key: &str) -> Result<Option<Timestamp>, StoreError> {
        let Some(value) = self.setting(key).await? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| StoreError::Odd(format!("setting {key}")))
    }

    /// Remembers a moment.
    pub async fn set_moment(&self, key: &str, at: Timestamp) -> Result<(), StoreError> {
        self.set_setting(key, &at.to_string()).await
    }

    /// The key under which digests of texts are made; drawn at random once, and never leaving the database.
    pub async fn text_key(&self) -> Result<[u8; 32], StoreError> {
        text_key(self.write().await.connection()).await
    }
}

pub(super) async fn text_key(writer: &mut SqliteConnection) -> Result<[u8; 32], StoreError> {
    let known = "SELECT value FROM setting WHERE key = 'text_key'";
    let draw =
        "INSERT INTO setting (key, value) VALUES ('text_key', lower(hex(randomblob(32)))) ON CONFLICT (key) DO NOTHING";
    let mut text: Option<String> = sqlx::query_scalar(known).fetch_optional(&mut *writer).await?;
    if text.is_none() {
        sqlx::query(draw).execute(&mut *writer).await?;
        text = sqlx::query_scalar(known).fetch_optional(writer).await?;
    }
    let mut key = [0; 32];
    hex::decode_to_slice(text.unwrap_or_default(), &mut key).map_err(|_| StoreError::Odd("setting text_key".into()))?;
    Ok(key)
}
