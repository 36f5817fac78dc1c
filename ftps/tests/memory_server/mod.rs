//! An FTPS server in memory, with real TLS, whose connections break and which refuses, delays and
//! loses replies at random: for tests on paused time.
//!
//! - `session`: one control connection.
//! - this module: the files, what the server is like, and its faults.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::io::DuplexStream;
use tokio_rustls::TlsAcceptor;

use crate::memory_network::{
    faults::{Fate, Fault, Faults},
    network::{Host, Network},
    tls::acceptor,
};

pub(crate) mod session;

/// The login's directory.
pub(crate) const HOME: &str = "/home";

/// The constant properties of a server.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    pub(crate) banner: &'static str,
    /// The commands that it knows beyond those that every server knows. Where neither `SIZE` nor
    /// `MLST` is among them, a listing tells what is there.
    pub(crate) commands: BTreeSet<&'static str>,
    pub(crate) renames: Renames,
    pub(crate) on_break: OnBreak,
    /// A file stays locked for so long after a break.
    pub(crate) lock: Duration,
    pub(crate) max_sessions: usize,
    /// Bytes of all files together.
    pub(crate) disk: usize,
}

/// What becomes of a file whose data connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnBreak {
    /// The part that arrived is kept: 426.
    Kept,
    /// The break is taken for the end of the file: 226.
    Confirmed,
    /// The file is removed, unless it was there before: 426.
    Removed,
}

/// What a server allows to be renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renames {
    All,
    /// Not to a name that a file has.
    ToFreeNames,
    /// Nothing: `RNFR` is refused.
    NoRnfr,
    /// Nothing: `RNTO` is refused.
    NoRnto,
}

impl Traits {
    pub(crate) fn random(rng: &mut fastrand::Rng) -> Self {
        let banners = [
            "220 ready",
            "220 (vsFTPd 3.0.5)",
            "220 ProFTPD Server",
            "220-FileZilla Server 1.8\r\n220 ok",
            "220 Pure-FTPd",
        ];
        let one_in = |rng: &mut fastrand::Rng, count: u32| rng.u32(..count) == 0;
        Self {
            banner: banners[rng.usize(..banners.len())],
            commands: [("SIZE", 11, 12), ("MLST", 2, 3), ("MFMT", 2, 3), ("XCRC", 1, 3)]
                .into_iter()
                .chain([("REST", 4, 5), ("APPE", 2, 3)])
                .filter(|(_, known, of)| rng.u32(..*of) < *known)
                .map(|(command, ..)| command)
                .collect(),
            renames: match rng.u32(..12) {
                0 => Renames::NoRnfr,
                1 => Renames::NoRnto,
                2 | 3 => Renames::ToFreeNames,
                _ => Renames::All,
            },
            on_break: match rng.u32(..12) {
                0 | 1 => OnBreak::Removed,
                2..5 => OnBreak::Confirmed,
                _ => OnBreak::Kept,
            },
            lock: Duration::from_secs(if one_in(rng, 5) { rng.u64(1..90) } else { 0 }),
            max_sessions: if one_in(rng, 3) { rng.usize(1..3) } else { 8 },
            disk: if one_in(rng, 10) { rng.usize(10_000..80_000) } else { usize::MAX },
        }
    }
}

/// The server's files and faults.
pub(crate) struct World {
    pub(crate) traits: Traits,
    acceptor: TlsAcceptor,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) directories: BTreeSet<String>,
    pub(crate) locked_until: BTreeMap<String, tokio::time::Instant>,
    pub(crate) sessions: usize,
    /// Files that the server refused to delete, or of which it lost the reply to that.
    pub(crate) not_deleted: BTreeSet<String>,
    /// A rename was refused for good.
    pub(crate) rename_refused: bool,
    /// `None` once everything works.
    pub(crate) faults: Option<Faults>,
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(mut rng: fastrand::Rng, faults: u32) -> Arc<Self> {
        let traits = Traits::random(&mut rng);
        let state = State {
            files: BTreeMap::new(),
            directories: BTreeSet::from(["/".to_owned(), HOME.to_owned()]),
            locked_until: BTreeMap::new(),
            sessions: 0,
            not_deleted: BTreeSet::new(),
            rename_refused: false,
            faults: Some(Faults::new(rng, faults)),
            log: Vec::new(),
        };
        Arc::new(Self { traits, acceptor: acceptor(), state: Mutex::new(state) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From here on everything works.
    pub(crate) fn end_faults(&self) {
        let mut state = self.state();
        state.faults = None;
        state.locked_until.clear();
    }

    pub(crate) fn note(&self, line: String) {
        self.state().log.push(line);
    }
}

impl Host for World {
    fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    fn note(&self, line: String) {
        World::note(self, line);
    }

    fn fault_of(&self, verb: &str) -> Option<Fault> {
        let may_be_refused = [
            "SIZE", "STOR", "REST", "APPE", "RNFR", "RNTO", "MFMT", "MKD", "EPSV", "PASV", "DELE",
            "XCRC", "MLST", "MLSD",
        ];
        let mut state = self.state();
        state.faults.as_mut()?.of_command(may_be_refused.contains(&verb))
    }

    fn fate_of_connection(&self, is_control: bool) -> Fate {
        let mut state = self.state();
        let Some(faults) = &mut state.faults else { return Fate::Connected(None) };
        let fate = faults.of_connection(is_control);
        if !matches!(fate, Fate::Connected(None)) {
            let what = if is_control { "control" } else { "data" };
            state.log.push(format!("{what} connection: {fate:?}"));
        }
        fate
    }

    fn serve(
        network: Arc<Network<Self>>,
        control: DuplexStream,
    ) -> impl Future<Output = ()> + Send + 'static {
        session::serve(network, control)
    }
}
