//! The migrations. Both databases have the same ones, with the same columns.

use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::database_kind::DatabaseKind;

/// One change of the tables.
struct Change {
    version: i64,
    what: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// All changes, oldest first. One that was released is never edited: sqlx compares its digest.
const CHANGES: [Change; 2] = [
    Change {
        version: 1,
        what: "secrets and certificates",
        sqlite: include_str!("../migrations/sqlite/0001_secrets_and_certificates.sql"),
        postgres: include_str!("../migrations/postgres/0001_secrets_and_certificates.sql"),
    },
    Change {
        version: 2,
        what: "drops",
        sqlite: include_str!("../migrations/sqlite/0002_drops.sql"),
        postgres: include_str!("../migrations/postgres/0002_drops.sql"),
    },
];

/// Returns the migrations of an kind. sqlx runs each in a transaction, and holds a lock in PostgreSQL,
/// so that portals that start together do not collide.
pub(crate) fn migrator(kind: DatabaseKind) -> Migrator {
    let migrations = CHANGES.iter().map(|change| {
        let sql = match kind {
            DatabaseKind::Sqlite => change.sqlite,
            DatabaseKind::Postgres => change.postgres,
        };
        let kind = MigrationType::Simple;
        Migration::new(change.version, change.what.into(), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines without comments, the one type that differs written alike.
    fn statements(sql: &str) -> Vec<String> {
        let lines = sql.lines().filter(|line| !line.starts_with("--") && !line.is_empty());
        lines.map(|line| line.replace("BYTEA", "BLOB")).collect()
    }

    #[test]
    fn both_databases_have_the_same_tables_and_columns() {
        for change in CHANGES {
            assert!(!change.sqlite.contains("BYTEA") && !change.postgres.contains("BLOB"));
            assert_eq!(statements(change.sqlite), statements(change.postgres), "{}", change.what);
        }
    }

    #[test]
    fn columns_have_one_of_three_types() {
        for change in CHANGES {
            for line in statements(change.sqlite) {
                let Some(column) = line.strip_prefix("    ") else { continue };
                let mut words = column.split_whitespace();
                if words.next() == Some("PRIMARY") {
                    continue;
                }
                let kind = words.next().unwrap_or_default();
                assert!(["BIGINT", "TEXT", "BLOB"].contains(&kind), "{line}");
            }
        }
    }

    #[test]
    fn versions_rise_by_one() {
        for (position, change) in CHANGES.iter().enumerate() {
            assert_eq!(change.version, position as i64 + 1);
        }
    }
}
