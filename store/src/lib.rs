//! What a portal keeps: sealed secrets, certificates, leases, drops and what arrived through them.
//!
//! A [`Store`] is a SQLite file, for one portal, or a PostgreSQL database, for any number of them. It
//! knows neither HTTP nor FTPS, and no key: secrets arrive and leave sealed.
//!
//! All columns have one of three types: `BIGINT` (numbers, and times in milliseconds since 1970),
//! `TEXT`, and `BYTEA` or `BLOB`. So one SQL text serves both databases. The API is sqlx's `Any`: it
//! handles these three types in both databases, and prepared statements, transactions and migrations
//! work through it. Few statements differ between the two databases, and `database_kind` has them.
//!
//! The key of an ACME account is a secret like any other, so there is no table of accounts.
//!
//! # Layers
//! - [`address`]: where a store is.
//! - [`error`]: why a store cannot be used.
//! - `lock_file`: keeps a second portal from a SQLite file.
//! - `database_kind`: what differs between SQLite and PostgreSQL.
//! - `schema`: the migrations.
//! - [`database`]: the store itself, and what it keeps.

pub mod address;
pub mod database;
mod database_kind;
pub mod error;
mod lock_file;
mod schema;

pub use address::Address;
pub use database::{
    Opener, Store,
    arrivals::{ArrivalRow, FileRow},
    certificates::{self, Challenge, StoredCertificate},
    claims::{
        self, ClaimOutcome, ClaimRefusal, ClaimRequest, Claimant, EarlierClaim, EarlierFile,
        ExpiredClaim, NewArrival, NotStored, StoredFacts,
    },
    drops::{self, DropLimits, DropRow, DropState, DropTerms, DropUse, NewDrop},
    secrets::{ResealError, Sealed, SecretRow},
};
pub use error::StoreError;
