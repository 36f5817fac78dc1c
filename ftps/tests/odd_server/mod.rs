//! A server in memory that is odd in ways that combine: each [`Oddity`] is one that a real server has.
//!
//! - `disk`: the files.
//! - `session`: one control connection.
//! - this module: the oddities, and the state of the server.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::io::DuplexStream;
use tokio_rustls::TlsAcceptor;

use crate::memory_network::{
    faults::{Fate, Fault, Faults},
    network::{Host, Network},
    tls::acceptor,
};

pub(crate) mod disk;
mod session;

pub(crate) use session::VIRUS;

use disk::{Disk, Folding};

/// The login's directory.
pub(crate) const HOME: &str = "/home";

/// One way in which a server is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Oddity {
    /// There is no `SIZE`.
    NoSize,
    /// There is only `LIST`, with dates in another language.
    ForeignList,
    /// There is only `LIST`, and some of its lines are messages.
    UnreadableLines,
    /// Directories hold more than the client reads.
    LongListing,
    /// The disk ignores case.
    FoldsCase,
    /// The disk ignores the Unicode form.
    FoldsUnicode,
    /// Some files are executable.
    Modes,
    /// Some names are symbolic links.
    Links,
    /// The size of a new file is 0 for a while.
    LateSize,
    /// `RNTO` is confirmed and has no effect.
    RenameIgnored,
    /// `RNTO` is refused.
    RenameRefused,
    /// `RNTO` is refused where a file has the name.
    NoReplacing,
    /// `STOR a` stores `a.1`.
    StoredElsewhere,
    /// Each file is taken away at the end of its transfer.
    Mailbox,
    /// Only names that end with `.csv` are allowed.
    OnlyCsv,
    /// Only names with a single dot are allowed, which no temporary name has.
    OneDot,
    /// Refused names get the reply of a denied command, which does not tell that the name is the reason.
    Denied550,
    /// No directory can be made.
    NoDirectories,
    /// `RNTO` is refused in another directory than the file's.
    NoMoving,
    /// Nothing can be read or listed.
    UploadOnly,
    /// Directories have the names of files to come.
    DirectoryOfName,
    /// Some files are refused when they have arrived.
    RefusedAtEnd,
    /// `MLSD` and `MLST` are listed as features, and refused.
    FactsRefused,
    /// `MLSD` ignores its argument.
    ArgumentIgnored,
}

impl Oddity {
    pub(crate) const ALL: [Self; 24] = [
        Self::NoSize,
        Self::ForeignList,
        Self::UnreadableLines,
        Self::LongListing,
        Self::FoldsCase,
        Self::FoldsUnicode,
        Self::Modes,
        Self::Links,
        Self::LateSize,
        Self::RenameIgnored,
        Self::RenameRefused,
        Self::NoReplacing,
        Self::StoredElsewhere,
        Self::Mailbox,
        Self::OnlyCsv,
        Self::OneDot,
        Self::NoDirectories,
        Self::NoMoving,
        Self::Denied550,
        Self::UploadOnly,
        Self::DirectoryOfName,
        Self::RefusedAtEnd,
        Self::FactsRefused,
        Self::ArgumentIgnored,
    ];
}

/// The constant properties of a server.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    pub(crate) oddities: BTreeSet<Oddity>,
    pub(crate) banner: &'static str,
    /// The optional commands that it knows.
    pub(crate) commands: BTreeSet<&'static str>,
    /// `MLSD` tells the directory that it shows.
    pub(crate) names_listed_directory: bool,
    /// For so long, the size of a new file is 0 ([`Oddity::LateSize`]).
    pub(crate) size_delay: Duration,
}

impl Traits {
    /// A server with up to four of the oddities.
    fn random(rng: &mut fastrand::Rng, drawn: &[Oddity]) -> Self {
        let count = rng.usize(..5).min(drawn.len());
        let oddities: BTreeSet<_> =
            rng.choose_multiple(drawn.iter().copied(), count).into_iter().collect();
        let banners = ["220 ready", "220 (vsFTPd 3.0.5)", "220 ProFTPD Server", "220 Pure-FTPd"];
        let has = |oddity| oddities.contains(&oddity);
        let lists_only = has(Oddity::ForeignList) || has(Oddity::UnreadableLines);
        let knows_facts = has(Oddity::FactsRefused) || has(Oddity::ArgumentIgnored);
        let optional = [("SIZE", 1, 1), ("MLST", 2, 3), ("MDTM", 2, 3), ("MFMT", 2, 3)];
        let commands = optional
            .into_iter()
            .chain([("XCRC", 1, 4), ("CHMOD", 2, 3), ("MFF", 1, 3), ("REST", 4, 5), ("APPE", 2, 3)])
            .filter(|&(command, known, of)| match command {
                "SIZE" if has(Oddity::NoSize) => false,
                "MLST" if lists_only => false,
                "MLST" if knows_facts => true,
                _ => rng.u32(..of) < known,
            })
            .map(|(command, ..)| command)
            .collect();
        Self {
            banner: banners[rng.usize(..banners.len())],
            commands,
            names_listed_directory: rng.bool(),
            size_delay: Duration::from_millis([1_500, 20_000, 600_000][rng.usize(..3)]),
            oddities,
        }
    }

    pub(crate) fn has(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }

    pub(crate) fn knows(&self, command: &str) -> bool {
        self.commands.contains(command)
    }
}

/// The server's files and faults.
pub(crate) struct OddServer {
    pub(crate) traits: Traits,
    acceptor: TlsAcceptor,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) disk: Disk,
    faults: Faults,
    log: String,
}

impl OddServer {
    /// A server with some of the oddities and at most `faults` faults.
    pub(crate) fn new(mut rng: fastrand::Rng, drawn: &[Oddity], faults: u32) -> Arc<Self> {
        let traits = Traits::random(&mut rng, drawn);
        let mut disk = Disk::new(Folding {
            case: traits.has(Oddity::FoldsCase),
            unicode: traits.has(Oddity::FoldsUnicode),
        });
        disk.add_directory(HOME);
        let state = State { disk, faults: Faults::new(rng, faults), log: String::new() };
        Arc::new(Self { traits, acceptor: acceptor(), state: Mutex::new(state) })
    }

    /// The state, also after a claim about it did not hold.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self) -> String {
        self.state().log.clone()
    }
}

impl Host for OddServer {
    fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    fn note(&self, line: String) {
        writeln!(self.state().log, "{line}").unwrap();
    }

    fn fault_of(&self, _verb: &str) -> Option<Fault> {
        self.state().faults.of_command(false)
    }

    fn fate_of_connection(&self, is_control: bool) -> Fate {
        let fate = self.state().faults.of_connection(is_control);
        if !matches!(fate, Fate::Connected(None)) {
            let what = if is_control { "control" } else { "data" };
            self.note(format!("{what} connection: {fate:?}"));
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
