//! One session that is logged in: one method for each command.
//!
//! Each method borrows the client until the last reply has arrived, so replies cannot be mixed up.
//! [`Client::store`] returns a [`Store`], which borrows the client until it is finished or aborted.
//!
//! | method | commands | specified in |
//! |---|---|---|
//! | [`list`](Client::list) | `MLSD`; else `CWD`, `LIST`, `MDTM` | RFC 3659 §7, RFC 959 §4.1.3 |
//! | [`entry`](Client::entry) | `MLST` | RFC 3659 §7 |
//! | [`size`](Client::size) | `SIZE` | RFC 3659 §4 |
//! | [`target_state`](Client::target_state) | `SIZE`, `CWD`; else `MLST`, `MDTM`, `LIST`, `NLST`, `RNFR` | RFC 959 §4.1.3, RFC 3659 |
//! | [`modified`](Client::modified) | `MDTM` | RFC 3659 §3 |
//! | [`set_modified`](Client::set_modified) | `MFMT`; else `MDTM` with a date, `SITE UTIME` | draft-somers-ftp-mfxx |
//! | [`free_space`](Client::free_space) | `AVBL` | draft, streamlined FTP command extensions |
//! | [`chmod`](Client::chmod) | `SITE CHMOD`; else `MFF` | none; draft-somers-ftp-mfxx |
//! | [`digest`](Client::digest) | `OPTS HASH`, `HASH`; else `XSHA256` and the like | draft-bryan-ftpext-hash |
//! | [`store`](Client::store) | `EPSV` or `PASV`, `REST`, `STOR` | RFC 959 §4.1.3, RFC 2428, RFC 3659 §5 |
//! | [`append`](Client::append) | `EPSV` or `PASV`, `APPE` | RFC 959 §4.1.3, RFC 2428 |
//! | [`ask_data_port`](Client::ask_data_port), [`try_data_port`](Client::try_data_port) | `EPSV` or `PASV` | RFC 2428, RFC 959 §4.1.2 |
//! | [`make_directory`](Client::make_directory), [`make_directories`](Client::make_directories) | `MKD`, `CWD` | RFC 959 §4.1.3 |
//! | [`remove_directory`](Client::remove_directory) | `RMD` | RFC 959 §4.1.3 |
//! | [`delete`](Client::delete) | `DELE` | RFC 959 §4.1.3 |
//! | [`delete_tree`](Client::delete_tree) | `MLSD` or `LIST`, `DELE`, `RMD` | RFC 959 §4.1.3 |
//! | [`rename`](Client::rename), [`rename_to_free`](Client::rename_to_free) | `RNFR`, `RNTO` | RFC 959 §4.1.3 |
//! | [`quit`](Client::quit) | `QUIT` | RFC 959 §4.1.1 |

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    certificate::CertificateFacts,
    command::Command,
    config::{Config, Timeouts},
    control::Control,
    dial::Dial,
    digest::Algorithm,
    error::{Error, Kind},
    features::Features,
    path::RemotePath,
    profile::{PartNames, SharedProfile},
    random::Random,
    reply::Reply,
    stage::Stage,
    tls::TlsFacts,
    transcript::{Status, Transcript},
};

mod attributes;
mod data;
mod data_port;
mod date;
pub(crate) mod digest;
mod directories;
mod directory;
mod list;
mod prefetched;
mod rename;
pub(crate) mod size;
mod store;
mod target_state;
mod transfer;
mod tree;

pub use data_port::PassiveCommand;
pub(crate) use date::Date;
pub(crate) use directories::{Directories, Naming};
pub(crate) use directory::quoted_path;
pub(crate) use prefetched::{Found, PrefetchedFile};
use rename::PendingRnfr;
pub use rename::Renamed;
pub use store::{Store, Stored};
pub(crate) use target_state::{ListedName, names_missing_file};
pub use target_state::{TargetState, UnknownTarget};
pub use tree::{DeleteTreeError, DeleteTreeReason, DeletedCounts, TreeLimits};

/// The facts of an open session.
#[derive(Clone, Debug)]
pub struct ConnectionFacts {
    /// The address that was dialled.
    pub address: SocketAddr,
    /// The greeting.
    pub banner: Reply,
    /// The TLS of the control connection.
    pub tls: TlsFacts,
    /// The certificate that the server showed and that was accepted.
    pub certificate: CertificateFacts,
    /// The features that the server lists.
    pub features: Features,
    /// The directory that the login opened, where the server names it.
    pub initial_directory: Option<RemotePath>,
}

/// One session: logged in, with encrypted data connections.
#[derive(Debug)]
pub struct Client {
    control: Control,
    config: Arc<Config>,
    dialler: Arc<dyn Dial>,
    profile: SharedProfile,
    facts: ConnectionFacts,
    /// The session's current directory, where it is known.
    directory: Option<RemotePath>,
    /// [`Directories::changes`] when the session changed to `directory`.
    entered_at: u64,
    directories: Directories,
    /// The algorithm of `HASH`, where it was chosen with `OPTS HASH`.
    algorithm: Option<Algorithm>,
    /// Whether the server may still hold the offset of a `REST`. It should apply to one transfer, but some
    /// servers keep it when the transfer is refused.
    restarted: bool,
    /// Whether the server may still hold the name of an `RNFR` that no `RNTO` followed.
    pending_rnfr: PendingRnfr,
    /// Data connections opened so far.
    data_connections: u32,
    /// The port of the next data connection, where it was prefetched.
    prefetched_port: Option<data::PrefetchedPort>,
    /// The next data connection and when it was opened, where it is open already.
    dialled: Option<(data::DialledPort, Instant)>,
}

impl Client {
    pub(crate) fn new(
        control: Control,
        config: Arc<Config>,
        dialler: Arc<dyn Dial>,
        profile: SharedProfile,
        directories: Directories,
        facts: ConnectionFacts,
    ) -> Self {
        Self {
            control,
            config,
            dialler,
            profile,
            directory: facts.initial_directory.clone(),
            entered_at: directories.changes(),
            facts,
            directories,
            algorithm: None,
            restarted: false,
            pending_rnfr: PendingRnfr::None,
            data_connections: 0,
            prefetched_port: None,
            dialled: None,
        }
    }

    /// The facts of the session.
    #[must_use]
    pub fn facts(&self) -> &ConnectionFacts {
        &self.facts
    }

    /// Returns whether another command can be sent.
    ///
    /// `false` once replies can no longer be matched to commands, and once the connection is
    /// closed: drop the client then.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.control.is_usable()
    }

    /// Returns whether another command can be sent and the server has not ended the session
    /// meanwhile.
    pub fn is_alive(&mut self) -> bool {
        match self.control.take_unsolicited() {
            Some(kind) => {
                self.report(self.control.error(kind, Stage::Idle));
                false
            }
            None => self.is_usable(),
        }
    }

    /// Waits until the server ends the idle session, and returns the error.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent, and no reply is lost.
    pub async fn idle(&mut self) -> Error {
        let kind = self.control.idle().await;
        self.report(self.control.error(kind, Stage::Idle))
    }

    /// Deletes a file (`DELE`, RFC 959 §4.1.3).
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses, or where the file does not exist.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn delete(&mut self, path: &RemotePath) -> Result<(), Error> {
        let path = self.absolute(path);
        self.control.complete(Command::Dele(&path), Stage::Delete).await?;
        Ok(())
    }

    /// Logs out. The session is over after at most [`Timeouts::quit`](crate::Timeouts::quit),
    /// whatever the server replies.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn quit(self) {
        self.control.quit().await;
    }

    fn transcript(&self) -> &Transcript {
        self.control.transcript()
    }

    /// Notes that files in the directory of `path` are written under their final names.
    pub(crate) fn write_in_place(&self, path: &RemotePath) {
        self.directories.write_in_place(path);
    }

    /// Notes that the server refused every `RNTO` in the directory of `path`. Its files are written under
    /// their final names. Returns whether that holds for the whole server.
    pub(crate) fn note_renames_refused(&self, path: &RemotePath) -> bool {
        self.directories.note_renames_refused(path)
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.config.timeouts
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.config.random
    }

    pub(crate) fn profile(&self) -> &SharedProfile {
        &self.profile
    }

    /// Where the bytes of a file are written first.
    pub(crate) fn naming(&self, path: &RemotePath) -> Naming {
        match self.profile.get().part_names {
            PartNames::Temporary | PartNames::WithExtension | PartNames::InDirectory => {
                self.directories.naming(path)
            }
            PartNames::Final => Naming::InPlace,
        }
    }

    pub(crate) fn log(&self, status: Status) {
        self.transcript().control(status);
    }

    /// Builds an error with the current evidence, and logs it unless it is a reply.
    pub(crate) fn error(&self, kind: Kind, stage: Stage) -> Error {
        self.report(self.control.error(kind, stage))
    }

    /// Commands sent so far.
    pub(crate) fn commands(&self) -> u32 {
        self.control.commands()
    }

    /// How long the session has been open.
    pub(crate) fn age(&self) -> Duration {
        self.control.age()
    }

    /// Resolves a path against the login's directory. `list` changes the current directory, so
    /// relative paths would change their meaning. A server that does not name the login's directory
    /// is taken to start at the root. Directories that the server made under other names have those.
    pub(crate) fn absolute(&self, path: &RemotePath) -> RemotePath {
        self.directories.as_named(self.home().join(path))
    }

    /// The directory that relative paths start from.
    pub(crate) fn home(&self) -> RemotePath {
        self.facts.initial_directory.clone().unwrap_or_else(RemotePath::root)
    }

    /// Logs an error, unless it is a reply: replies are in the transcript already.
    fn report(&self, error: Error) -> Error {
        if error.reply().is_none() {
            self.transcript().control(error.event());
        }
        error
    }
}
