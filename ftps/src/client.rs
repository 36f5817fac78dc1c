//! A session that is logged in, and its verbs.
//!
//! Each verb borrows the client until its last reply has come, so replies cannot be mixed up.
//! [`Client::store`] gives a [`Store`] that holds the client until it is finished or aborted.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    certificate::CertificateFacts,
    command::Command,
    config::Config,
    control::Control,
    dial::Dial,
    digest::Algorithm,
    error::{Error, Kind},
    features::Features,
    path::RemotePath,
    profile::SharedProfile,
    reply::Reply,
    stage::Stage,
    tls::TlsFacts,
    transcript::{Status, Transcript},
};

mod attributes;
mod data;
pub(crate) mod digest;
mod directories;
mod directory;
mod list;
mod prefetched;
mod rename;
pub(crate) mod size;
mod store;
mod transfer;
mod tree;

pub(crate) use directories::{Directories, Naming};
pub(crate) use prefetched::{Found, PrefetchedFile};
pub use rename::Renamed;
pub use store::{Store, Stored};
pub use tree::{DeleteTreeError, DeleteTreeReason, DeletedCounts, TreeLimits};

/// What is known about a session from its opening.
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
    /// What the server says that it can do.
    pub features: Features,
    /// The directory that the login opened, where the server says it.
    pub initial_directory: Option<RemotePath>,
}

/// A session: logged in, with protected data connections.
#[derive(Debug)]
pub struct Client {
    control: Control,
    config: Arc<Config>,
    dialler: Arc<dyn Dial>,
    profile: SharedProfile,
    facts: ConnectionFacts,
    /// Where the session is, as far as it is known.
    directory: Option<RemotePath>,
    /// [`Directories::changes`] when it went there.
    entered_at: u64,
    directories: Directories,
    /// What `HASH` makes, where we chose it.
    algorithm: Option<Algorithm>,
    /// Whether an offset was asked for that no other one followed. It should count once, and some
    /// servers keep it where the transfer is refused.
    restarted: bool,
    /// Data connections so far.
    data_connections: u32,
    /// The port of the next one, where it was asked for already.
    prefetched_port: Option<data::PrefetchedPort>,
    /// The next one, where it stands already, and since when.
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
            data_connections: 0,
            prefetched_port: None,
            dialled: None,
        }
    }

    /// What is known about the session from its opening.
    #[must_use]
    pub fn facts(&self) -> &ConnectionFacts {
        &self.facts
    }

    /// Whether another verb can be sent.
    ///
    /// `false` once a reply could be taken for another one's, and once the connection is gone:
    /// then only dropping the client is right.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.control.is_usable()
    }

    /// Whether another verb can be sent, and the server has not ended the session meanwhile.
    pub fn is_alive(&mut self) -> bool {
        match self.control.take_unsolicited() {
            Some(kind) => {
                self.report(self.control.error(kind, Stage::Idle));
                false
            }
            None => self.is_usable(),
        }
    }

    /// Waits, with nothing under way, until the server ends the session, and says how.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is sent and nothing that came is lost.
    pub async fn idle(&mut self) -> Error {
        let kind = self.control.idle().await;
        self.report(self.control.error(kind, Stage::Idle))
    }

    /// Deletes a file (`DELE`, RFC 959 §4.1.3).
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses, or where there is no such file.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn delete(&mut self, path: &RemotePath) -> Result<(), Error> {
        let path = self.absolute(path);
        self.control.complete(Command::Dele(&path), Stage::Delete).await?;
        Ok(())
    }

    /// Logs out. Whatever the server answers, the session is over after at most
    /// [`Timeouts::quit`](crate::Timeouts::quit).
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn quit(self) {
        self.control.quit().await;
    }

    fn transcript(&self) -> &Transcript {
        self.control.transcript()
    }

    pub(crate) fn profile(&self) -> &SharedProfile {
        &self.profile
    }

    /// Where the bytes of a file go first.
    pub(crate) fn naming(&self, path: &RemotePath) -> Naming {
        self.directories.naming(path)
    }

    pub(crate) fn log(&self, status: Status) {
        self.transcript().control(status);
    }

    /// An error with what is known now, told to the transcript where it is no reply.
    pub(crate) fn error(&self, kind: Kind, stage: Stage) -> Error {
        self.report(self.control.error(kind, stage))
    }

    /// Commands that were sent so far.
    pub(crate) fn commands(&self) -> u32 {
        self.control.commands()
    }

    /// How long the session has been open.
    pub(crate) fn age(&self) -> Duration {
        self.control.age()
    }

    /// The path from the root: the session changes its directory to list, and what a relative path
    /// means must not change with it. A server that does not say where it starts, starts there.
    pub(crate) fn absolute(&self, path: &RemotePath) -> RemotePath {
        self.home().join(path)
    }

    /// Where relative paths start.
    pub(crate) fn home(&self) -> RemotePath {
        self.facts.initial_directory.clone().unwrap_or_else(RemotePath::root)
    }

    /// Puts an error into the transcript, unless it is a reply, which is in there already.
    fn report(&self, error: Error) -> Error {
        if error.reply().is_none() {
            self.transcript().control(error.line());
        }
        error
    }
}
