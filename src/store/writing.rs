//! The one writing connection, and whether a transaction is open on it.
//!
//! Owns: that nobody finds a transaction which somebody else left open. A future that is dropped in the middle of one
//! (a job cut off at shutdown, a request given up) leaves it open; what the next one wrote would be part of it, and
//! gone with it.

use sqlx::SqliteConnection;

/// The connection; the field is private, so that each use of it is told here.
#[derive(Debug)]
pub(super) struct Writing {
    connection: SqliteConnection,
    open: bool,
    #[cfg(test)]
    pub(super) round_trips: u32,
}

impl Writing {
    pub(super) fn new(connection: SqliteConnection) -> Writing {
        Writing {
            connection,
            open: false,
            #[cfg(test)]
            round_trips: 0,
        }
    }

    /// For one round trip outside of a transaction, or further inside one.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        #[cfg(test)]
        {
            self.round_trips += 1;
        }
        &mut self.connection
    }

    /// For the round trip that begins a transaction.
    pub(super) fn beginning(&mut self) -> &mut SqliteConnection {
        self.open = true;
        self.connection()
    }

    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(self.beginning()).await?;
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("COMMIT").execute(self.connection()).await?;
        self.committed();
        Ok(())
    }

    /// The transaction has ended with the last round trip.
    pub(super) fn committed(&mut self) {
        self.open = false;
    }

    /// Ends a transaction that went wrong or was left behind; the next one must not find it open.
    pub(super) async fn roll_back(&mut self) {
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            tracing::debug!(error = %error, "nothing to roll back");
        }
        self.open = false;
    }

    pub(super) async fn roll_back_what_is_left(&mut self) {
        if self.open {
            tracing::debug!("a transaction was given up half-way; nothing of it is kept");
            self.roll_back().await;
        }
    }

    /// How long a statement waits for another process's lock from now on.
    pub(super) async fn be_patient_for(&mut self, patience: std::time::Duration) -> Result<(), sqlx::Error> {
        let sql = format!("PRAGMA busy_timeout = {}", patience.as_millis());
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(self.connection()).await?;
        Ok(())
    }

    pub(super) fn into_inner(self) -> SqliteConnection {
        self.connection
    }
}
