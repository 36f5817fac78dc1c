//! Where a store is.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::AnyConnectOptions;
use zeroize::Zeroizing;

/// What is written as it is in the path of a URL (RFC 3986 §3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// The address of a store: `sqlite:/path/to/file` or `postgres://user:password@host/database`.
#[derive(Clone)]
pub enum Address {
    /// A file of SQLite, by its absolute path.
    Sqlite(PathBuf),
    /// A database of PostgreSQL.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL database. It may hold a password, and is never shown whole.
#[derive(Clone)]
pub struct PostgresUrl(Zeroizing<String>);

impl Address {
    /// Returns the file of a SQLite store.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Returns how sqlx connects to it.
    pub(crate) fn options(&self) -> Result<AnyConnectOptions, sqlx::Error> {
        let url = match self {
            Self::Sqlite(path) => Zeroizing::new(format!(
                "sqlite:{}?mode=rw",
                utf8_percent_encode(&path.to_string_lossy(), PATH)
            )),
            Self::Postgres(PostgresUrl(url)) => url.clone(),
        };
        url.parse()
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            // `sqlite:///var/lib/file` is the same file.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') && !path.ends_with('/') && !path.contains('?') {
                Ok(Self::Sqlite(path.into()))
            } else {
                Err("after `sqlite:` the absolute path of a file is needed".to_owned())
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("it has to begin with `sqlite:/` or `postgres://`".to_owned());
        }
        let address = Self::Postgres(PostgresUrl(Zeroizing::new(text.to_owned())));
        match address.options() {
            Ok(_) => Ok(address),
            Err(_) => Err("a URL like postgres://user:password@host/database is needed".to_owned()),
        }
    }
}

/// Shows the address without user, password and options.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(PostgresUrl(url)) => {
                let (_, rest) = url.split_once("://").unwrap_or_default();
                let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
                // A password may contain `@` only in its encoded form, but users make mistakes.
                let (_, host) = rest.rsplit_once('@').unwrap_or(("", rest));
                write!(f, "postgres://{host}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let address: Address = text.parse().unwrap();
        format!("{address} {address:?}")
    }

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        for text in [
            "postgres://porter:sesame@db.example.org/ferryport?options=sesame",
            "postgres://porter:ses@me@db.example.org/ferryport",
            "postgres://porter@db.example.org/ferryport?password=sesame",
        ] {
            let shown = shown(text);
            assert!(shown.contains("postgres://db.example.org/ferryport"), "{shown}");
            for secret in ["porter", "sesame", "ses@me"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    #[test]
    fn only_absolute_files_and_postgresql_are_addresses() {
        assert_eq!(shown("sqlite:///var/lib/f.db"), shown("sqlite:/var/lib/f.db"));
        for text in [
            "",
            "/var/lib/f.db",
            "sqlite::memory:",
            "sqlite:f.db",
            "sqlite:/var/lib/",
            "sqlite:/f.db?mode=memory",
            "mysql://db/ferryport",
            "postgres://[",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
