//! Real FTPS servers, each a process with its own directory, ports and certificate.
//!
//! The servers are Debian's, unpacked by `cargo xtask setup` into `target/servers/` of the
//! workspace, and run with the defaults of Debian's packages and of the servers: above all, vsftpd
//! and `ProFTPD` require that a data connection resumes the TLS session of the control connection.
//! pyftpdlib is a library that `cargo xtask setup` installs.
//!
//! # Layers
//! - `vsftpd`, `proftpd`, `pure_ftpd`, `pyftpdlib`: the command line and the configuration of each.
//! - this module: what they have in common, from the certificate to the wait for the `220`.
//!
//! # Limits
//! Most servers change their user at a login, so the tests must run as root.

mod proftpd;
mod pure_ftpd;
mod pyftpdlib;
mod vsftpd;

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    ops::RangeInclusive,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::Encryption;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::CertificateDer,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{
    delayed_link::Place,
    ports::PortBlock,
    process::{Process, read_lossy, wait_for},
};

/// `daemon`, user and group: who the sessions run as. vsftpd wants a user whose home exists.
const DAEMON: u32 = 1;

/// Long enough for a busy machine; a server that starts takes a few milliseconds.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// vsftpd; requires session reuse, and has implicit TLS.
    Vsftpd,
    /// `ProFTPD` with `mod_tls`; requires session reuse, and has implicit TLS.
    ProFtpd,
    /// Pure-FTPd; does not ask for session reuse, and has no implicit TLS.
    PureFtpd,
    /// pyftpdlib; does not ask for session reuse, and has implicit TLS by its launcher.
    Pyftpdlib,
}

impl Kind {
    /// Debian's servers that hosting companies run; each test must hold for all of them.
    pub const ALL: [Self; 3] = [Self::Vsftpd, Self::ProFtpd, Self::PureFtpd];

    /// Those that can start with TLS at once.
    pub const WITH_IMPLICIT_TLS: [Self; 2] = [Self::Vsftpd, Self::ProFtpd];

    /// Its name, as its makers write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vsftpd => "vsftpd",
            Self::ProFtpd => "ProFTPD",
            Self::PureFtpd => "Pure-FTPd",
            Self::Pyftpdlib => "pyftpdlib",
        }
    }
}

/// The newest TLS that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMax {
    /// TLS 1.2 and nothing newer.
    V12,
    /// TLS 1.3.
    V13,
}

impl TlsMax {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V12, Self::V13];

    /// Its name in OpenSSL's configuration.
    fn openssl_name(self) -> &'static str {
        match self {
            Self::V12 => "TLSv1.2",
            Self::V13 => "TLSv1.3",
        }
    }
}

/// How a server is to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// When TLS starts.
    pub encryption: Encryption,
    /// The newest TLS that it speaks.
    pub tls_max: TlsMax,
    /// Whether a rename replaces an existing file.
    pub existing: Existing,
    /// Whether it requires client certificates.
    pub clients: Clients,
    /// Where it listens.
    pub place: Place,
    /// Whether files may be renamed.
    pub renaming: Renaming,
    /// Whether files get the date that they are given.
    pub dates: Dates,
    /// Whether an upload may resume another one.
    pub restart: Restart,
    /// Whether it makes digests of files.
    pub digests: Digests,
    /// The most sessions that it takes from one address at once.
    pub max_sessions: Option<u32>,
}

/// Whether a server renames files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Renaming {
    /// It does: the default of all of them.
    Allowed,
    /// It refuses. vsftpd refuses to delete too then; Pure-FTPd refuses only to rename over a file.
    Forbidden,
}

/// Whether a server sets the dates of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dates {
    /// It does: the default of all of them.
    Set,
    /// It refuses, although it lists the feature. Pure-FTPd has no such option.
    Refused,
}

/// Whether a server lets an upload resume another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restart {
    /// `ProFTPD` does not, the others do.
    ByDefault,
    /// `ProFTPD` does too: `AllowStoreRestart on`.
    Allowed,
}

/// Whether a server makes digests of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digests {
    /// None of them does by default.
    None,
    /// `ProFTPD` with `mod_digest`: `HASH`, `XSHA256` and their like.
    All,
    /// The same, by CRC-32 alone.
    Crc,
    /// It lists digests, and refuses them.
    Refused,
}

/// Whether a server requires client certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clients {
    /// It does not ask.
    Anybody,
    /// It refuses clients without a certificate of its own authority, on data connections too.
    /// Pure-FTPd has no such option in these tests.
    Certified,
}

/// Changes a plan so that the server runs in this place.
fn move_to(place: Place, plan: Plan) -> Plan {
    match place {
        Place::Loopback => plan,
        Place::Far { namespace, .. } => {
            let (program, arguments) = namespace.enter(&plan.program, plan.arguments);
            Plan { program, arguments }
        }
    }
}

/// What a rename does with an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Existing {
    /// It is replaced: Debian's default for all three.
    Replaced,
    /// It stays, and the other one is refused: `AllowOverwrite off`. Only `ProFTPD` has it.
    Kept,
}

impl Default for Options {
    /// Explicit TLS up to 1.3, files may be replaced, on the loopback address.
    fn default() -> Self {
        Self {
            encryption: Encryption::Explicit,
            tls_max: TlsMax::V13,
            existing: Existing::Replaced,
            clients: Clients::Anybody,
            place: Place::Loopback,
            renaming: Renaming::Allowed,
            dates: Dates::Set,
            restart: Restart::ByDefault,
            digests: Digests::None,
            max_sessions: None,
        }
    }
}

/// A running FTPS server with one user; stopped and removed when it is dropped.
pub struct Server {
    kind: Kind,
    options: Options,
    login: Login,
    certificate: Certificate,
    client: ClientFiles,
    process: Process,
    plan: Plan,
    environment: Vec<(&'static str, OsString)>,
    ports: PortBlock,
    folder: TempDir,
}

/// The login of the one user.
struct Login {
    username: &'static str,
    password: &'static str,
}

/// A self-signed certificate for `localhost` and 127.0.0.1.
struct Certificate {
    der: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

/// A client's certificate from the server's own authority, and its key, both PEM.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    authority: PathBuf,
}

/// The command line of a server.
struct Plan {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Plan {
    fn start(&self, environment: &[(&'static str, OsString)], output: PathBuf) -> Process {
        let environment = environment.iter().map(|(name, value)| (*name, value.clone()));
        Process::start(&self.program, &self.arguments, environment, output)
    }
}

/// The folder, the ports and the options of a server.
struct Site<'a> {
    options: Options,
    /// For configuration and logs; only root may write it.
    folder: &'a Path,
    /// The directory that the login opens.
    root: &'a Path,
    /// Certificate and key.
    pem: &'a Path,
    /// The certificate of the authority that its clients are to be from.
    clients: &'a Path,
    ports: &'a PortBlock,
}

impl Site<'_> {
    /// The address to listen at.
    fn address(&self) -> Ipv4Addr {
        self.options.place.address()
    }
}

/// Starts a server with [`Options::default`].
#[must_use]
pub fn start(kind: Kind) -> Server {
    Server::start(kind, Options::default())
}

impl Server {
    /// The name of the directory inside [`Self::root`] that the login may read and not write.
    pub const READ_ONLY: &'static str = "read-only";

    /// Starts a server and waits until it greets with `220`.
    ///
    /// # Panics
    /// When it is not installed, or does not greet in time.
    #[must_use]
    pub fn start(kind: Kind, options: Options) -> Self {
        must_be_root();
        let mut last = String::new();
        // Another program may hold one of the ports; a server that fails for another reason fails
        // each time.
        for _ in 0..3 {
            match Self::try_start(kind, options) {
                Ok(server) => return server,
                Err(log) => last = log,
            }
        }
        panic!("{} ({}) did not start. What it said:\n{last}", kind.name(), installed_versions());
    }

    fn try_start(kind: Kind, options: Options) -> Result<Self, String> {
        let ports = PortBlock::take();
        let folder = tempfile::Builder::new()
            .prefix("ferryport-ftps-")
            .tempdir()
            .expect("the temporary directory can be written");
        // `daemon` must reach its files.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .expect("the folder is ours");
        let root = folder.path().join("root");
        make_root(&root);
        let certificate = Certificate::generate();
        let pem = folder.path().join("server.pem");
        let both = format!("{}{}", certificate.key_pem, certificate.certificate_pem);
        fs::write(&pem, both).expect("the folder is ours");
        fs::set_permissions(&pem, fs::Permissions::from_mode(0o600)).expect("the file is ours");

        let client = ClientFiles::generate(folder.path());
        let site = Site {
            options,
            folder: folder.path(),
            root: &root,
            pem: &pem,
            clients: &client.authority,
            ports: &ports,
        };
        let (login, plan) = match kind {
            Kind::Vsftpd => (vsftpd::LOGIN, vsftpd::plan(&site)),
            Kind::ProFtpd => (proftpd::LOGIN, proftpd::plan(&site)),
            Kind::PureFtpd => (pure_ftpd::LOGIN, pure_ftpd::plan(&site)),
            Kind::Pyftpdlib => (pyftpdlib::LOGIN, pyftpdlib::plan(&site)),
        };
        let plan = move_to(options.place, plan);
        let mut environment = library_path();
        environment.push(("OPENSSL_CONF", openssl_configuration(&site).into()));
        let output = folder.path().join("output.log");
        let process = plan.start(&environment, output);
        let mut server = Self {
            kind,
            options,
            login,
            certificate,
            client,
            process,
            plan,
            environment,
            ports,
            folder,
        };
        server.await_greeting().map(|()| server)
    }

    fn await_greeting(&mut self) -> Result<(), String> {
        let greeted = wait_for(START_LIMIT, || match self.process.exit_status() {
            Some(status) => Some(Err(format!("{status}"))),
            None => self.greeting().map(Ok),
        });
        match greeted {
            Some(Ok(_)) => Ok(()),
            Some(Err(status)) => Err(format!("{status}\n{}", self.log())),
            None => Err(format!("no 220 within {START_LIMIT:?}\n{}", self.log())),
        }
    }

    /// Ends the server with all its sessions, and starts it again.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn restart(&mut self) {
        self.process.kill();
        let begun = Instant::now();
        loop {
            let output = self.folder.path().join("output-again.log");
            self.process = self.plan.start(&self.environment, output);
            match self.await_greeting() {
                Ok(()) => return,
                // A killed session may hold the port for a moment.
                Err(log) => assert!(begun.elapsed() < START_LIMIT, "it did not come back:\n{log}"),
            }
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Which server it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When TLS starts.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        self.options.encryption
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (self.options.place.address(), self.ports.control()).into()
    }

    /// The ports of data connections.
    #[must_use]
    pub fn data_ports(&self) -> RangeInclusive<u16> {
        self.ports.passive()
    }

    /// The port of the control connection.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.control()
    }

    /// Returns the directory of the login, as a path of this machine.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// The one user.
    #[must_use]
    pub fn username(&self) -> &'static str {
        self.login.username
    }

    /// The user's password; any other is refused with 530.
    #[must_use]
    pub fn password(&self) -> &'static str {
        self.login.password
    }

    /// The certificate that it shows, DER.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.der.clone()
    }

    /// The certificate that it shows, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate.certificate_pem
    }

    /// Returns the certificate that the server accepts under [`Clients::Certified`].
    #[must_use]
    pub fn client(&self) -> &ClientFiles {
        &self.client
    }

    /// SHA-256 of its certificate's DER form, 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn certificate_sha256(&self) -> String {
        hex(&Sha256::digest(&self.certificate.der))
    }

    /// SHA-256 of a file under [`Self::root`], 64 lower-case hexadecimal digits; nothing where
    /// there is no such file.
    #[must_use]
    pub fn sha256_of(&self, path: &str) -> Option<String> {
        let mut file = fs::File::open(self.root().join(path)).ok()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(hex(&hasher.finalize())),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// The paths of all files under [`Self::root`], relative to it, sorted.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("root may read everything") {
                let path = entry.expect("a directory entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(relative) = path.strip_prefix(self.root()) {
                    files.push(relative.to_string_lossy().into_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// Everything that the server logged and printed, for the message of a failed test.
    #[must_use]
    pub fn log(&self) -> String {
        let mut log = format!("{} ({})\n", self.kind.name(), installed_versions());
        let mut files: Vec<_> = fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        files.sort();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let _ = writeln!(log, "--- {name}\n{}", read_lossy(&path));
        }
        log
    }

    /// The first line of its greeting, if it greets.
    fn greeting(&self) -> Option<String> {
        let limit = Duration::from_secs(5);
        let stream = TcpStream::connect_timeout(&self.address(), limit).ok()?;
        stream.set_read_timeout(Some(limit)).ok()?;
        let mut line = String::new();
        match self.options.encryption {
            Encryption::Explicit => BufReader::new(stream).read_line(&mut line).ok()?,
            Encryption::Implicit => {
                let mut roots = RootCertStore::empty();
                roots.add(self.certificate()).ok()?;
                let config =
                    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
                let name = "localhost".try_into().ok()?;
                let tls = ClientConnection::new(Arc::new(config), name).ok()?;
                let mut reader = BufReader::new(StreamOwned::new(tls, stream));
                reader.read_line(&mut line).ok()?
            }
        };
        line.starts_with("220").then_some(line)
    }
}

impl Certificate {
    fn generate() -> Self {
        // RSA: the only kind that vsftpd's default cipher suite for TLS 1.2 goes with.
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            .expect("a key can be made");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).expect("the names are well-formed");
        parameters.distinguished_name.push(DnType::CommonName, "ferryport test server");
        let certificate = parameters.self_signed(&key).expect("a certificate can be made");
        Self {
            der: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl ClientFiles {
    /// Makes an authority and a client of it.
    fn generate(folder: &Path) -> Self {
        let authority_key = KeyPair::generate().expect("a key can be made");
        let mut authority = CertificateParams::new([]).expect("no name at all");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each server has an authority of its own.
        let name = format!("authority of {}", folder.display());
        authority.distinguished_name.push(DnType::CommonName, name);
        let authority_pem = authority.self_signed(&authority_key).expect("a certificate").pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().expect("a key can be made");
        let mut client = CertificateParams::new([]).expect("no name at all");
        client.distinguished_name.push(DnType::CommonName, "ferryport test client");
        let client_pem = client.signed_by(&key, &issuer).expect("a certificate").pem();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).expect("the folder is ours");
            path
        };
        Self {
            certificate: write("client.pem", client_pem),
            key: write("client.key", key.serialize_pem()),
            authority: write("clients.pem", authority_pem),
        }
    }
}

/// A program of one of the servers, as `cargo xtask setup` unpacked it.
fn program(path: &str) -> PathBuf {
    let program = installation().join(path);
    assert!(
        program.exists(),
        "{} is missing: run `cargo xtask setup`, which fetches the FTPS servers",
        program.display()
    );
    program
}

/// Where `cargo xtask setup` puts the servers.
fn installation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/servers")
}

/// The packages and versions that `cargo xtask setup` unpacked.
#[must_use]
pub fn installed_versions() -> String {
    let versions = read_lossy(&installation().join("versions.txt"));
    versions.lines().collect::<Vec<_>>().join(", ")
}

/// Where the servers find the libraries that were unpacked with them.
fn library_path() -> Vec<(&'static str, OsString)> {
    let mut folders = Vec::new();
    for folder in ["usr/lib", "lib"] {
        let folder = installation().join(folder);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with("-linux-gnu") {
                folders.push(entry.path());
            }
        }
    }
    let joined = std::env::join_paths(folders).expect("paths without a colon");
    vec![("LD_LIBRARY_PATH", joined)]
}

/// Writes OpenSSL's configuration, the one way to limit the TLS version of all servers.
fn openssl_configuration(site: &Site<'_>) -> PathBuf {
    let path = site.folder.join("openssl.cnf");
    let text = format!(
        "openssl_conf = init\n\
         [init]\nssl_conf = ssl\n\
         [ssl]\nsystem_default = tls\n\
         [tls]\nMinProtocol = TLSv1.2\nMaxProtocol = {}\n",
        site.options.tls_max.openssl_name()
    );
    fs::write(&path, text).expect("the folder is ours");
    path
}

/// Creates the directory of the login, with a subdirectory that it may not write.
fn make_root(root: &Path) {
    fs::create_dir(root).expect("the folder is ours");
    let read_only = root.join(Server::READ_ONLY);
    fs::create_dir(&read_only).expect("the folder is ours");
    for path in [root, read_only.as_path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    }
    chown(root, Some(DAEMON), Some(DAEMON)).expect("root may change the owner");
}

fn must_be_root() {
    let status = fs::read_to_string("/proc/self/status").expect("proc(5) is mounted");
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1));
    assert_eq!(
        effective,
        Some("0"),
        "the FTPS servers change user and root directory at a login: run the tests as root"
    );
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
