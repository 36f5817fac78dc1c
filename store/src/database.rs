//! The store itself, and what it keeps.
//!
//! # Layers
//! - [`secrets`]: sealed secrets.
//! - [`certificates`]: certificates, and the challenges for them.
//! - [`leases`]: work that only one portal may do at a time.
//! - [`drops`]: links that anybody can upload to.
//! - [`claims`]: the files of arrivals, from the claim before their first byte to their end.
//! - [`arrivals`]: what guests have delivered.
//! - this module: [`Store`], and its start.

pub mod arrivals;
pub mod certificates;
pub mod claims;
pub mod drops;
pub mod leases;
pub mod secrets;

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use sqlx::{
    Any, AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};
use tokio::time::timeout;

use crate::{
    address::Address, database_kind::DatabaseKind, error::StoreError, lock_file,
    lock_file::LockFile, schema::migrator,
};

/// The longest time for which a statement waits for a connection to the database.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Who opens a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// A portal. It has a SQLite file for itself.
    Portal,
    /// A command of the operator, which works beside a portal.
    Command,
    /// A command that changes nothing: it neither creates a file nor brings the tables up to date.
    Inspector,
}

/// A store that is open, with its tables up to date. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    address: Address,
    pool: AnyPool,
    /// Of a SQLite file, until the last clone is dropped.
    _lock: Option<Arc<LockFile>>,
}

impl Store {
    /// Opens a store, creates a SQLite file that is missing, and brings the tables up to date, within
    /// `limit`.
    ///
    /// # Errors
    /// When the store cannot be used. [`StoreError::is_temporary`] says whether to try again.
    pub async fn open(
        address: &Address,
        opener: Opener,
        limit: Duration,
    ) -> Result<Self, StoreError> {
        let opened = timeout(limit, Self::open_without_limit(address, opener)).await;
        opened.unwrap_or_else(|_| {
            Err(StoreError::Unreachable {
                address: address.to_string(),
                reason: "it does not answer".to_owned(),
            })
        })
    }

    async fn open_without_limit(address: &Address, opener: Opener) -> Result<Self, StoreError> {
        install_drivers();
        let lock = match (address.file(), opener) {
            (Some(path), Opener::Portal) => Some(Arc::new(LockFile::take(path)?)),
            (Some(path), Opener::Command) => {
                lock_file::create(path)?;
                None
            }
            (Some(_), Opener::Inspector) | (None, _) => None,
        };
        let kind = DatabaseKind::of(address);
        let options = address.options().map_err(|error| StoreError::of(address, &error))?;
        // Not through the pool, which says only that no connection came in time.
        let probe = connect(address, &options).await?;
        let _best_effort = probe.close().await;

        let pool = AnyPoolOptions::new()
            .max_connections(kind.connections())
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(set_up(connection, kind)))
            .connect_lazy_with(options);
        if opener != Opener::Inspector {
            let migrated = migrator(kind).run(&pool).await;
            migrated.map_err(|error| StoreError::of_migration(address, &error))?;
        }
        let is_alone = lock.is_some();
        let store = Self { address: address.clone(), pool, _lock: lock };
        if is_alone {
            store.remove_leases().await?;
            store.take_all_claims().await?;
        }
        Ok(store)
    }

    /// Returns where the store is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Asks the database for the time, in milliseconds since 1970. It also shows that the database
    /// answers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now_ms(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(self.kind().now_ms()).fetch_one(&self.pool).await;
        self.classified(row.and_then(|row| row.try_get("now_ms")))
    }

    /// Returns whether a portal has used the store before: it has tables.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_tables(&self) -> Result<bool, StoreError> {
        let asked = sqlx::query("SELECT COUNT(*) AS secrets FROM secrets").fetch_one(&self.pool);
        match asked.await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(error)) if self.kind().is_missing_table(&*error) => Ok(false),
            Err(error) => self.classified(Err(error)),
        }
    }

    /// Closes the connections. A SQLite file is free for another portal once all clones are dropped.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        self.classified(self.pool.begin_with(self.kind().begin()).await)
    }

    fn classified<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::of(&self.address, &error))
    }

    fn kind(&self) -> DatabaseKind {
        DatabaseKind::of(&self.address)
    }
}

/// Installs the drivers of `Any`, which is possible once a process.
fn install_drivers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(sqlx::any::install_default_drivers);
}

async fn connect(
    address: &Address,
    options: &AnyConnectOptions,
) -> Result<AnyConnection, StoreError> {
    let connected = async {
        let mut connection = options.connect().await?;
        set_up(&mut connection, DatabaseKind::of(address)).await?;
        Ok(connection)
    };
    connected.await.map_err(|error: sqlx::Error| StoreError::of(address, &error))
}

async fn set_up(connection: &mut AnyConnection, kind: DatabaseKind) -> Result<(), sqlx::Error> {
    for statement in kind.setup() {
        connection.execute(*statement).await?;
    }
    Ok(())
}

/// Returns a duration in milliseconds.
fn as_ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
