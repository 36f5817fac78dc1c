//! An FTPS client: explicit and implicit TLS, passive data connections, uploads.
//!
//! It speaks FTP (RFC 959) over TLS (RFC 4217) and never without: TLS has to be established before
//! the login, `PROT P` before any data connection, and the server's certificate is
//! verified, on data connections too. Every data connection resumes the control connection's TLS
//! session, since most servers insist on it.
//!
//! It resolves no names and chooses no destination: the caller gives an address, and perhaps a proxy
//! that connects to it; the engine dials nothing else. It reads no files and keeps nothing on disk. It
//! has no active mode, no ASCII type, and no command that ends encryption.
//!
//! # Layers
//! A module imports only modules that stand above it in this list.
//!
//! Values, parsers and codecs, without I/O:
//! - [`sentence`]: the sentences of errors, with the codes that they are translated by.
//! - `lock`: locks a mutex after a panic too.
//! - [`random`]: random bytes.
//! - [`time`]: dates, timestamps, and how far a server's clock is from UTC.
//! - [`reply`]: replies, and their decoder.
//! - [`path`]: paths on the server.
//! - [`charset`]: the character sets of names.
//! - [`credentials`]: user names and passwords.
//! - [`digest`]: digests of files.
//! - [`command`]: commands, and what a log may show of them.
//! - [`passive`]: the replies to `EPSV` and `PASV`.
//! - [`features`]: the reply to `FEAT`.
//! - [`listing`]: the lines of `MLSD` and `LIST`.
//! - [`certificate`]: the facts of a certificate, and why it is not trusted.
//! - [`tls`]: TLS settings, sessions, and the verification of certificates.
//! - [`target`]: the server that a session goes to.
//! - [`stage`]: the stages of a session.
//! - [`proxy`]: SOCKS5 and HTTP proxies.
//! - [`config`]: every deadline and limit, with its default.
//! - [`profile`]: what the engine has learned about a host, and the fallbacks.
//! - [`transcript`]: every command, reply, TLS fact and decision, as it happens.
//! - [`error`]: errors, with their stage and their evidence.
//! - [`diagnosis`]: the likely cause of an error, and its remedy.
//! - [`explain`]: explains commands and replies to users who do not know FTP.
//!
//! With I/O:
//! - [`dial`]: makes connections.
//! - `control`: the control connection.
//! - [`client`]: one session: one method for each command, and the [`Store`].
//! - [`connect`]: opens sessions, and examines what a server does before the login. [`Connector`] starts
//!   here.
//! - [`pool`]: several sessions to one server, and the [`ManagedClient`], which reconnects.
//! - [`upload`]: uploads one file, across breaks of the connection.
//! - `fuzzing`: the oracles of the fuzz targets.
//!
//! # Round trips
//! Small files cost round trips rather than bandwidth, so commands that do not depend on each other's
//! replies are sent in one batch ([`profile::Pipelining`] is off for servers that lose some of them):
//!
//! | step | round trips | at the same time |
//! |---|---|---|
//! | greeting, `AUTH` | 3 | |
//! | TLS | 1, in TLS 1.2 2 | |
//! | `USER`, `PASS` | 2 | |
//! | set-up | 1 | `PBSZ`, `PROT`, `FEAT`, `OPTS`, `TYPE`, `PWD`, and `EPSV` for the first file |
//! | check | 1 for the first file | `SIZE`, and the TCP connection for the data |
//! | open | 1 | `STOR` and the TCP connection; TLS and the 1yz |
//! | TLS | 1 | |
//! | bytes | 1 | the last byte, close_notify, the 226; a pipelined `EPSV` where the server accepts that |
//! | end | 1 | `MFMT`, `SIZE`, a digest, `RNFR`, `RNTO`; `SIZE` and `EPSV` for the next file |
//!
//! Nothing but `AUTH` is sent before TLS is established, and no `STOR` before the lookup has shown that
//! the file may be written.
//!
//! # Example
//! Uploads a file from memory. [`upload::Source`] provides the bytes; the example `put` in this crate
//! uploads a file from disk.
//! ```no_run
//! # use std::{convert::Infallible, sync::Arc};
//! # use ftps::upload::{Progress, Source};
//! # use bytes::Bytes;
//! # struct Memory(Bytes, usize);
//! # impl Source for Memory {
//! #     type Error = Infallible;
//! #     async fn next(&mut self) -> Result<Bytes, Infallible> {
//! #         Ok(self.0.slice(std::mem::replace(&mut self.1, self.0.len())..))
//! #     }
//! #     async fn seek(&mut self, offset: u64) -> Result<(), Infallible> {
//! #         self.1 = usize::try_from(offset).unwrap_or(usize::MAX);
//! #         Ok(())
//! #     }
//! #     async fn progress(&mut self, _: Progress<'_>) {}
//! # }
//! # async fn example(address: std::net::SocketAddr, roots: Arc<rustls::RootCertStore>)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! use ftps::{Config, Connector, Credentials, Encryption, Password, Pool, RemotePath, Target,
//!     Transcript, Username, upload::{Existing, Plan}};
//! use tokio_util::sync::CancellationToken;
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
//! let pool = Pool::new(Connector::new(target, Config::new(roots), credentials, transcript));
//!
//! let content = Bytes::from_static(b"hello");
//! let plan = Plan {
//!     path: RemotePath::try_from("greetings/hello.txt")?,
//!     size: content.len() as u64,
//!     modified_millis: Some(1_769_860_800_000),
//!     existing: Existing::Keep,
//!     resume: None,
//!     digest: None,
//! };
//! let mut client = pool.lease().await;
//! let (mut source, cancel) = (Memory(content, 0), CancellationToken::new());
//! match ftps::upload::upload(&mut client, &plan, &mut source, &cancel).await {
//!     Ok(uploaded) => println!("{}: {}", uploaded.path, uploaded.verified),
//!     Err(failed) => println!("{:?}, left on the server: {:?}", failed.error, failed.leftover),
//! }
//! pool.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//! [`Limits`] bound replies, listings and the buffers of data connections; [`Timeouts`] every wait;
//! [`Retry`] the attempts. There is no queue.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod certificate;
pub mod charset;
pub mod client;
pub mod command;
pub mod config;
pub mod connect;
mod control;
pub mod credentials;
pub mod diagnosis;
pub mod dial;
pub mod digest;
pub mod error;
pub mod explain;
pub mod features;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod listing;
mod lock;
pub mod passive;
pub mod path;
pub mod pool;
pub mod profile;
pub mod proxy;
pub mod random;
pub mod reply;
pub mod sentence;
pub mod stage;
pub mod target;
pub mod time;
pub mod tls;
pub mod transcript;
pub mod upload;

pub use certificate::{
    CertificateChain, CertificateFacts, CertificateFault, ChainCertificate, ChainOrder,
    Fingerprint, UntrustedCertificate,
};
pub use charset::{Charset, NameError};
pub use client::{
    Client, ConnectionFacts, DeleteTreeError, DeleteTreeReason, DeletedCounts, PassiveCommand,
    Renamed, Store, Stored, TargetState, TreeLimits, UnknownTarget,
};
pub use config::{Config, Keepalive, Limits, Retry, Rotation, RotationScope, Sessions, Timeouts};
pub use connect::{Connector, ExaminedAuth, ExaminedTls, OldTlsAnswer, OldTlsVersion};
pub use credentials::{Credentials, Password, Username};
pub use diagnosis::{Cause, Diagnosis, Who};
pub use digest::{Algorithm, FileDigest, Verified};
pub use error::Error;
pub use explain::{Explanation, LogExplainer};
pub use features::Features;
pub use listing::{Entry, EntryKind, Listing, ListingLimits, Permission, Permissions};
pub use path::{ForbiddenByte, RemotePath};
pub use pool::{ManagedClient, Pool, PooledClient};
pub use profile::{Fallback, HostProfile, ServerClock, SharedProfile};
pub use proxy::{Proxy, ProxyError, ProxyProtocol};
pub use random::{Random, SystemRandom};
pub use reply::{Code, Reply};
pub use stage::Stage;
pub use target::{Encryption, Target};
pub use time::{LocalTime, Precision, Timestamp, UtcOffset};
pub use tls::{
    Alpn, ClientCertificate, ClientIdentity, IdentityError, TlsConfig, TlsFacts, TlsVersion,
    TlsVersions,
};
pub use transcript::{Connection, Event, EventKind, LineKind, Status, Transcript};
