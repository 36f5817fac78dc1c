//! Real FTPS servers, each a process with its own directory, ports and certificate.
//!
//! The servers are Debian's, unpacked by `cargo xtask setup` into `target/servers/` of the
//! workspace, and run with the defaults of Debian's packages and of the servers: above all, vsftpd
//! and `ProFTPD` require that a data connection resumes the TLS session of the control connection.
//! pyftpdlib is a library that `cargo xtask setup` installs.
//!
//! # Layers
//! - `options`: how a server is to run.
//! - `certificates`: the server's certificate, and a client's.
//! - `installation`: the programs.
//! - `site`: folder, ports, login and command line.
//! - `vsftpd`, `proftpd`, `pure_ftpd`, `pyftpdlib`: the configuration of each.
//! - `disk`: the files that a server holds.
//! - this module: the start, up to the `220`.
//!
//! # Limits
//! Most servers change their user at a login, so the tests must run as root.

mod certificates;
mod disk;
pub(crate) mod installation;
mod options;
mod proftpd;
mod pure_ftpd;
mod pyftpdlib;
mod site;
mod vsftpd;

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    ops::RangeInclusive,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::Encryption;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::CertificateDer,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use self::{
    certificates::Certificate,
    installation::library_path,
    site::{CommandLine, Login, Site},
};
pub use self::{
    certificates::ClientFiles,
    disk::hex,
    installation::installed_versions,
    options::{
        ClientCertificate, Dates, Deleting, Digests, Disk, Existing, Modes, Names, Options,
        Renaming, Restart, TlsMax, UploadOnly,
    },
};
use crate::{
    ports::PortBlock,
    process::{Process, read_lossy, wait_for},
};

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

/// A running FTPS server with one user; stopped and removed when it is dropped.
pub struct Server {
    kind: Kind,
    options: Options,
    login: Login,
    certificate: Certificate,
    client: ClientFiles,
    process: Process,
    command_line: CommandLine,
    environment: Vec<(&'static str, OsString)>,
    ports: PortBlock,
    folder: TempDir,
}

/// Starts a server with [`Options::default`].
#[must_use]
pub fn start(kind: Kind) -> Server {
    Server::start(kind, Options::default())
}

impl Server {
    /// The name of the directory inside [`Self::root`] that the login may read and not write.
    pub const READ_ONLY: &'static str = "read-only";

    /// The name of the directory inside [`Self::root`] that shows nothing, under
    /// [`UploadOnly::Directory`].
    pub const UPLOAD_ONLY: &'static str = "drop box";

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
        panic!("{} ({}) did not start. Its output:\n{last}", kind.name(), installed_versions());
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
        site::make_root(&root);
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
        let (login, command_line) = match kind {
            Kind::Vsftpd => (vsftpd::LOGIN, vsftpd::command_line(&site)),
            Kind::ProFtpd => (proftpd::LOGIN, proftpd::command_line(&site)),
            Kind::PureFtpd => (pure_ftpd::LOGIN, pure_ftpd::command_line(&site)),
            Kind::Pyftpdlib => (pyftpdlib::LOGIN, pyftpdlib::command_line(&site)),
        };
        let command_line = command_line.in_place(options.place);
        let mut environment = library_path();
        environment.push(("OPENSSL_CONF", site::openssl_configuration(&site).into()));
        let output = folder.path().join("output.log");
        let process = command_line.start(&environment, output);
        let mut server = Self {
            kind,
            options,
            login,
            certificate,
            client,
            process,
            command_line,
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
            self.process = self.command_line.start(&self.environment, output);
            match self.await_greeting() {
                Ok(()) => return,
                // A killed session may hold the port for a moment.
                Err(log) => {
                    assert!(begun.elapsed() < START_LIMIT, "it did not come back:\n{log}");
                }
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

    /// Returns whether an upload may resume another one. `ProFTPD` forbids that by default.
    #[must_use]
    pub fn resumes_uploads(&self) -> bool {
        self.kind != Kind::ProFtpd || self.options.restart == Restart::Allowed
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

    /// Returns the certificate that the server accepts under [`ClientCertificate::Required`].
    #[must_use]
    pub fn client(&self) -> &ClientFiles {
        &self.client
    }

    /// SHA-256 of its certificate's DER form, 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn certificate_sha256(&self) -> String {
        hex(&Sha256::digest(&self.certificate.der))
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
