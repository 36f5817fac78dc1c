//! An FTPS client: explicit and implicit TLS, passive data connections, uploads.
//!
//! It speaks FTP (RFC 959) over TLS (RFC 4217) and never without: `AUTH` has to succeed before
//! anybody logs in, `PROT P` before any data connection is made, and the server's certificate is
//! verified, on data connections too. Every data connection resumes the control connection's TLS
//! session, since most servers insist on it.
//!
//! It resolves no names and decides on no destination: the caller gives an address, and perhaps a
//! proxy that is asked for it; nothing else is ever dialled. It reads no files and keeps nothing on disk. It knows no active mode, no
//! ASCII type, and no way back to the clear.
//!
//! # Layers
//! Without I/O:
//! - [`reply`]: replies, and the decoder that makes them of bytes.
//! - [`command`]: commands by their verbs, and what a log may show of them.
//! - [`passive`], [`features`], [`listing`]: what particular replies and listings say.
//! - [`credentials`], [`path`], [`charset`], [`certificate`]: values that cannot be wrong.
//!
//! With I/O, in the order of the conversation:
//! - [`connect`]: from an address to a session that is ready. [`Connector`] starts here.
//! - [`client`]: the verbs of a session, and the [`Store`].
//!
//! Across:
//! - [`config`]: every deadline and limit, with its default.
//! - [`transcript`]: every command, reply, TLS fact and decision, as it happens.
//! - [`error`], [`diagnosis`]: what failed, where, with what evidence, and what to do.
//! - [`explain`]: what commands and replies mean, for somebody who has never read an RFC.
//! - [`profile`]: what was learned about a host, and other ways to try.
//!
//! # Example
//! ```no_run
//! # use std::sync::Arc;
//! # async fn example(address: std::net::SocketAddr, roots: Arc<rustls::RootCertStore>)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! use ftps::{Config, Connector, Credentials, Encryption, Password, RemotePath, Target,
//!     Transcript, Username};
//!
//! let target = Target {
//!     address,
//!     host: "ftp.example.org".to_owned(),
//!     encryption: Encryption::Explicit,
//! };
//! let credentials = Credentials {
//!     username: Username::new("ada")?,
//!     password: Password::new("secret")?,
//! };
//! let transcript = Transcript::new(|event| println!("{:?}: {event}", event.line_kind()));
//! let connector = Connector::new(target, Config::new(roots), credentials, transcript);
//!
//! let mut client = connector.open().await?;
//! let mut upload = client.store(&RemotePath::try_from("hello.txt")?, 0).await?;
//! upload.write(b"hello").await?;
//! let stored = upload.finish().await?;
//! println!("{}", stored.reply);
//! client.quit().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//! Replies, listings and what waits in front of a data connection are bounded by [`Limits`]; every
//! wait by [`Timeouts`]. There is no queue.

pub mod certificate;
pub mod charset;
pub mod client;
pub mod command;
pub mod config;
pub mod connect;
mod control;
pub mod credentials;
pub mod diagnosis;
pub mod digest;
pub mod error;
pub mod explain;
pub mod features;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod line;
pub mod listing;
pub mod passive;
pub mod path;
pub mod pool;
pub mod profile;
pub mod reply;
pub mod time;
pub mod tls;
pub mod transcript;
pub mod upload;

pub use certificate::{CertificateFacts, Doubt, Fingerprint, UntrustedCertificate};
pub use charset::{Charset, NameError};
pub use client::{Client, ConnectionFacts, Store, Stored};
pub use config::{
    Config, Keepalive, Limits, Retry, Rotated, Rotation, Sessions, Timeouts, TlsConfig,
};
pub use connect::{Connector, Encryption, Proxy, ProxyError, ProxyProtocol, Target};
pub use credentials::{Credentials, Password, Username};
pub use diagnosis::{Cause, Diagnosis, Who};
pub use digest::{Algorithm, FileDigest};
pub use error::{Error, Stage};
pub use explain::Narrator;
pub use features::Features;
pub use line::Line;
pub use listing::{
    Entry, EntryKind, Listing, LocalTime, Permission, Permissions, Precision, UtcOffset,
};
pub use path::{ForbiddenByte, RemotePath};
pub use pool::{Lease, Pool};
pub use profile::{Alpn, HostProfile, Rung, ServerClock, SharedProfile};
pub use reply::{Code, Reply};
pub use time::Timestamp;
pub use tls::{
    ClientCertificate, ClientIdentity, IdentityError, TlsFacts, TlsVersion, TlsVersions,
};
pub use transcript::{Connection, Event, EventKind, LineKind, Status, Transcript};
