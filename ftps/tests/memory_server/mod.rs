//! An FTPS server in memory, with real TLS, whose connections break and which refuses, delays and
//! loses replies at random: for tests on paused time.
//!
//! - `network`: connections that break.
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
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::ServerSessionMemoryCache,
};
use tokio_rustls::TlsAcceptor;

pub(crate) mod network;
pub(crate) mod session;

use network::{Break, BreakKind, Fate};

/// The login's directory.
pub(crate) const HOME: &str = "/home";

/// The TLS sessions that a server remembers.
const SESSIONS: usize = 256;

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

/// What goes wrong with a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The connection closes before the command is carried out.
    Dropped,
    /// The command is carried out, and the connection closes.
    ReplyLost,
    /// The command is carried out, and the server says nothing any more.
    ReplyUnsent,
    /// The command is carried out, and the reply comes after this.
    ReplyLate(Duration),
    /// 4yz.
    RefusedForNow,
    /// 5yz.
    RefusedForGood,
    /// 421.
    Ended,
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
    pub(crate) rng: fastrand::Rng,
    /// Faults that are still to come, at most.
    pub(crate) faults: u32,
    /// One in so many commands and connections has one.
    pub(crate) rarity: u32,
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(mut rng: fastrand::Rng, faults: u32) -> Arc<Self> {
        let traits = Traits::random(&mut rng);
        let rarity = rng.u32(3..25);
        let state = State {
            files: BTreeMap::new(),
            directories: BTreeSet::from(["/".to_owned(), HOME.to_owned()]),
            locked_until: BTreeMap::new(),
            sessions: 0,
            not_deleted: BTreeSet::new(),
            rename_refused: false,
            rng,
            faults,
            rarity,
            log: Vec::new(),
        };
        Arc::new(Self { traits, acceptor: acceptor(), state: Mutex::new(state) })
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From here on everything works.
    pub(crate) fn end_faults(&self) {
        let mut state = self.state();
        state.faults = 0;
        state.locked_until.clear();
    }

    pub(crate) fn note(&self, line: String) {
        self.state().log.push(line);
    }

    pub(super) fn fate_of_connection(&self, is_control: bool) -> Fate {
        let mut state = self.state();
        if !state.strikes() {
            return Fate::Connected(None);
        }
        let most = if is_control { 9_000 } else { 60_000 };
        let kind = if state.rng.bool() { BreakKind::Reset } else { BreakKind::Silence };
        let fate = match state.rng.u32(..10) {
            0 => Fate::Refused,
            1 => Fate::Unanswered,
            _ => Fate::Connected(Some(Break { after: state.rng.usize(1..most), kind })),
        };
        let what = if is_control { "control" } else { "data" };
        state.log.push(format!("{what} connection: {fate:?}"));
        fate
    }
}

impl State {
    fn strikes(&mut self) -> bool {
        let strikes = self.faults > 0 && self.rng.u32(..self.rarity) == 0;
        self.faults -= u32::from(strikes);
        strikes
    }

    /// What goes wrong with a command.
    pub(crate) fn fault_of(&mut self, verb: &str) -> Option<Fault> {
        if !self.strikes() {
            return None;
        }
        let may_be_refused = [
            "SIZE", "STOR", "REST", "APPE", "RNFR", "RNTO", "MFMT", "MKD", "EPSV", "PASV", "DELE",
            "XCRC", "MLST", "MLSD",
        ];
        let kinds = if may_be_refused.contains(&verb) { 7 } else { 5 };
        Some(match self.rng.u32(..kinds) {
            0 => Fault::Dropped,
            1 => Fault::ReplyLost,
            2 => Fault::ReplyUnsent,
            3 => Fault::ReplyLate(Duration::from_millis(self.rng.u64(1..100_000))),
            4 => Fault::Ended,
            5 => Fault::RefusedForNow,
            _ => Fault::RefusedForGood,
        })
    }
}

/// The certificate of every server, made once, and its TLS.
///
/// Serial number, key and signature have the same length in every run: breaks count bytes.
fn identity() -> &'static (CertificateDer<'static>, ServerConfig) {
    static IDENTITY: OnceLock<(CertificateDer<'static>, ServerConfig)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.serial_number = Some(1_u64.into());
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        (certificate, config)
    })
}

/// The certificate of every server.
pub(crate) fn certificate() -> CertificateDer<'static> {
    identity().0.clone()
}

/// TLS whose sessions no other server knows: which handshakes are short depends on this server alone.
fn acceptor() -> TlsAcceptor {
    let mut config = identity().1.clone();
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    TlsAcceptor::from(Arc::new(config))
}
