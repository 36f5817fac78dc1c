//! Why a store cannot be used.

use std::{io, path::PathBuf};

use sqlx::migrate::MigrateError;

use crate::address::Address;

/// Why a store cannot be used. Each says what to do; none contains a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is none.
    #[error(
        "the store {address}: the address cannot be used: write `sqlite:/path/to/file` or \
             `postgres://user:password@host/database`"
    )]
    BadAddress {
        /// The address.
        address: String,
    },
    /// The database does not answer.
    #[error(
        "the store {address} cannot be reached: {reason}. Check that the database runs and that \
             the portal may connect to it"
    )]
    Unreachable {
        /// The address.
        address: String,
        /// What sqlx says.
        reason: String,
    },
    /// PostgreSQL refuses the login, or has no such database.
    #[error(
        "the store {address} refuses the portal: {reason}. Check user, password and the name of the \
             database in the setting `store`"
    )]
    Refused {
        /// The address.
        address: String,
        /// What the database says.
        reason: String,
    },
    /// Another portal uses the SQLite file.
    #[error("the store {} is in use by another portal. SQLite serves one portal: stop the other one, or \
             give both the same PostgreSQL database: store = \"postgres://…\"", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The folder or the file cannot be written.
    #[error("the store {} cannot be written: {reason}. Its folder has to exist, and the portal's user has \
             to be able to write the folder and the file", .path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The disk has no space left.
    #[error("the disk of the store {address} is full: {reason}. Free some space")]
    Full {
        /// The address.
        address: String,
        /// What the database says.
        reason: String,
    },
    /// A newer version of the portal has changed the tables.
    #[error(
        "the store {address} was changed by a newer version of Ferryport (its schema {schema} is \
             unknown here): start that version, or restore a backup of the store"
    )]
    Newer {
        /// The address.
        address: String,
        /// The first version of the schema that is unknown.
        schema: i64,
    },
    /// The file is no database, or its tables are not those of the portal.
    #[error(
        "the store {address} is damaged or is not a store of Ferryport: {reason}. Restore a backup, or \
             name another file or database"
    )]
    Damaged {
        /// The address.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The database aborted a transaction, because another one waited for it, or it for that one.
    #[error(
        "the store {address}: a transaction met another one, and was aborted: {reason}. Try again"
    )]
    Aborted {
        /// The address.
        address: String,
        /// What the database says.
        reason: String,
    },
    /// The database refuses a statement for another reason.
    #[error("the store {address}: {reason}")]
    Other {
        /// The address.
        address: String,
        /// What the database says.
        reason: String,
    },
}

impl StoreError {
    /// Returns whether another attempt may succeed without a change of the configuration.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::InUse { .. }
            | Self::Full { .. }
            | Self::Aborted { .. } => true,
            Self::BadAddress { .. }
            | Self::Refused { .. }
            | Self::NotWritable { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Other { .. } => false,
        }
    }

    /// Classifies an error of sqlx.
    pub(crate) fn of(address: &Address, error: &sqlx::Error) -> Self {
        let (shown, reason) = (address.to_string(), error.to_string());
        match error {
            sqlx::Error::Database(source) => {
                let code = source.code().unwrap_or_default();
                match address {
                    Address::Sqlite(path) => Self::of_sqlite(path.clone(), shown, reason, &code),
                    Address::Postgres(_) => Self::of_postgres(shown, reason, &code),
                }
            }
            sqlx::Error::Configuration(_) => Self::BadAddress { address: shown },
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::AnyDriverError(_) => Self::Damaged { address: shown, reason },
            _ => Self::Unreachable { address: shown, reason },
        }
    }

    /// Classifies by the primary result code, the lowest byte: <https://www.sqlite.org/rescode.html>.
    fn of_sqlite(path: PathBuf, address: String, reason: String, code: &str) -> Self {
        const BUSY: u32 = 5;
        const LOCKED: u32 = 6;
        const READ_ONLY: u32 = 8;
        const CORRUPT: u32 = 11;
        const FULL: u32 = 13;
        const CANNOT_OPEN: u32 = 14;
        const NOT_A_DATABASE: u32 = 26;
        match code.parse::<u32>().unwrap_or_default() & 0xff {
            BUSY | LOCKED => Self::Unreachable { address, reason },
            READ_ONLY | CANNOT_OPEN => Self::NotWritable { path, reason },
            FULL => Self::Full { address, reason },
            CORRUPT | NOT_A_DATABASE => Self::Damaged { address, reason },
            _ => Self::Other { address, reason },
        }
    }

    /// Classifies by the SQLSTATE: PostgreSQL's documentation, appendix A.
    fn of_postgres(address: String, reason: String, code: &str) -> Self {
        /// The class of connection exceptions, `too_many_connections`, and the class of a shutdown.
        const UNREACHABLE: [&str; 3] = ["08", "53300", "57P"];
        /// The class of refused logins, `invalid_catalog_name` and `insufficient_privilege`.
        const REFUSED: [&str; 3] = ["28", "3D000", "42501"];
        /// `serialization_failure` and `deadlock_detected`.
        const ABORTED: [&str; 2] = ["40001", "40P01"];
        let is_one_of = |classes: &[&str]| classes.iter().any(|class| code.starts_with(class));
        if is_one_of(&UNREACHABLE) {
            Self::Unreachable { address, reason }
        } else if is_one_of(&REFUSED) {
            Self::Refused { address, reason }
        } else if is_one_of(&ABORTED) {
            Self::Aborted { address, reason }
        } else if code == "53100" {
            Self::Full { address, reason }
        } else {
            Self::Other { address, reason }
        }
    }

    /// Classifies an error of the migrations.
    pub(crate) fn of_migration(address: &Address, error: &MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(schema) | MigrateError::VersionTooNew(schema, _) => {
                Self::Newer { address: address.to_string(), schema: *schema }
            }
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                Self::of(address, source)
            }
            other => Self::Damaged { address: address.to_string(), reason: other.to_string() },
        }
    }

    /// Builds the error about a file that cannot be opened.
    pub(crate) fn of_file(path: PathBuf, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full {
                address: format!("sqlite:{}", path.display()),
                reason: error.to_string(),
            },
            _ => Self::NotWritable { path, reason: error.to_string() },
        }
    }
}
