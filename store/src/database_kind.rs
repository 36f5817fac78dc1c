//! What differs between SQLite and PostgreSQL.

use sqlx::error::DatabaseError;

use crate::address::Address;

/// The program behind a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Sqlite,
    Postgres,
}

impl DatabaseKind {
    pub(crate) fn of(address: &Address) -> Self {
        match address {
            Address::Sqlite(_) => Self::Sqlite,
            Address::Postgres(_) => Self::Postgres,
        }
    }

    /// The statements that prepare a new connection.
    ///
    /// SQLite: readers do not wait for the writer (WAL), each commit is on the disk before it is
    /// confirmed, and a writer waits for another one for 10 s. PostgreSQL needs nothing.
    pub(crate) fn setup(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 10000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
            ],
            Self::Postgres => &[],
        }
    }

    /// The statement that begins a transaction that writes. SQLite takes the writer's lock at once: a
    /// transaction that needs it later fails if another one has written meanwhile.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// The statement that reads secrets to seal them again, as a part of a transaction: nobody else may
    /// change them before its end. SQLite's transaction has the writer's lock.
    pub(crate) fn secrets_to_seal_again(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT kind, name, key_id, ciphertext FROM secrets WHERE key_id <> $1 \
                 ORDER BY kind, name LIMIT $2"
            }
            Self::Postgres => {
                "SELECT kind, name, key_id, ciphertext FROM secrets WHERE key_id <> $1 \
                 ORDER BY kind, name LIMIT $2 FOR UPDATE"
            }
        }
    }

    /// The statement that asks the database for the time, in milliseconds since 1970. All portals of
    /// one store use this clock, because their own may differ.
    pub(crate) fn now_ms(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT CAST(unixepoch('subsec') * 1000 AS BIGINT) AS now_ms",
            Self::Postgres => {
                "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms"
            }
        }
    }

    /// Whether a statement failed because its table does not exist.
    pub(crate) fn is_missing_table(self, error: &dyn DatabaseError) -> bool {
        match self {
            // SQLite has no code for it.
            Self::Sqlite => error.message().starts_with("no such table"),
            // `undefined_table`
            Self::Postgres => error.code().as_deref() == Some("42P01"),
        }
    }

    /// The most connections. SQLite has one writer at a time anyway.
    pub(crate) fn connections(self) -> u32 {
        match self {
            Self::Sqlite => 4,
            Self::Postgres => 8,
        }
    }
}
