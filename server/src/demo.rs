//! An FTPS server to try the portal on: libunftp on loopback, a temporary folder, a fresh
//! self-signed certificate, which goes through the same trust dialog as any other.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use async_trait::async_trait;
use ftps::profile::Pipelining;
use libunftp::{ServerBuilder, options::FtpsRequired};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use unftp_core::auth::{AuthenticationError, Authenticator, Credentials, DefaultUser, Principal};
use unftp_sbe_fs::Filesystem;

use crate::{host::Host, http::listener::ACCEPT_PAUSE, portal::Profiles};

/// The one account's name.
pub const USERNAME: &str = "demo";

/// Random bytes of its password, which is written in hexadecimal.
const PASSWORD_BYTES: usize = 6;

/// How long its certificate is valid: longer than anybody tries a demo.
const CERTIFICATE_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How far behind a browser's machine the demo's clock may be.
const CLOCK_LEEWAY: Duration = Duration::from_secs(60 * 60);

/// An FTPS server whose port is open; the folder is removed when this is dropped.
#[derive(Debug)]
pub struct DemoServer {
    listener: TcpListener,
    address: SocketAddr,
    folder: TempDir,
    account: Arc<Account>,
    tls: Arc<ServerConfig>,
    certificate_sha256: String,
}

impl DemoServer {
    /// Opens a free port on loopback and serves it from a thread of its own, to the process's end.
    ///
    /// # Errors
    /// When there is no port, no folder, no randomness, no thread to be had.
    pub fn start() -> anyhow::Result<Self> {
        let demo = Self::new()?;
        let runtime = single_threaded_runtime().context("no runtime for the demo")?;
        let listener = demo.listener.try_clone().context("the demo's port cannot be shared")?;
        let service = demo.service();
        std::thread::Builder::new()
            .name("demo-ftps-server".to_owned())
            .spawn(move || runtime.block_on(serve(listener, &service)))
            .context("no thread for the demo's FTPS server")?;
        Ok(demo)
    }

    fn new() -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind("127.0.0.1:0").context("no port for the demo's FTPS server")?;
        listener.set_nonblocking(true).context("the demo's port cannot be served")?;
        let address = listener.local_addr().context("the demo's FTPS server has no address")?;
        let folder = tempfile::Builder::new()
            .prefix("ferryport-demo-")
            .tempdir()
            .context("no temporary folder for the demo's FTPS server")?;
        let (tls, certificate_sha256) = self_signed().context("no certificate for the demo")?;
        Ok(Self {
            listener,
            address,
            folder,
            account: Arc::new(Account::with_random_password()?),
            tls,
            certificate_sha256,
        })
    }

    /// The control port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account's password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.account.password
    }

    /// Where uploads arrive.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Tells the portal what it would find out by itself, at the price of a second connection:
    /// libunftp answers first what it has done first, so commands have to go one by one.
    pub fn introduce(&self, profiles: &Profiles) {
        let Some(host) = Host::parse(&self.address.ip().to_string()) else { return };
        let (port, encryption) = (self.address.port(), protocol::Encryption::Explicit);
        let profile = profiles.of(&host, port, encryption, USERNAME);
        profile.update(|profile| profile.pipelining = Pipelining::Off);
    }

    /// SHA-256 of the certificate in the form of the page's dialog: `AB:CD:…`.
    #[must_use]
    pub fn certificate_sha256(&self) -> &str {
        &self.certificate_sha256
    }

    fn service(&self) -> Service {
        Service {
            folder: self.folder.path().to_owned(),
            account: Arc::clone(&self.account),
            tls: Arc::clone(&self.tls),
        }
    }
}

/// What each connection to the demo's server needs.
#[derive(Debug)]
struct Service {
    folder: PathBuf,
    account: Arc<Account>,
    tls: Arc<ServerConfig>,
}

/// A runtime that looks at its sockets only when it has nothing else to do.
///
/// libunftp 0.24 answers `AUTH TLS` first and stops reading commands a moment later; a client
/// whose handshake arrives within that moment has it read as a command. Here the step between the
/// two is always ready before a socket is looked at again.
fn single_threaded_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().event_interval(u32::MAX).build()
}

async fn serve(listener: TcpListener, service: &Service) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the demo's port cannot be served");
            return;
        }
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // libunftp writes a reply in pieces: without this each waits for the client's TCP to say
        // that it has the one before.
        let _best_effort = stream.set_nodelay(true);
        match service.server() {
            Ok(server) => drop(tokio::spawn(server.service(stream))),
            Err(error) => tracing::error!(error = format!("{error:#}"), "no FTPS session"),
        }
    }
}

impl Service {
    fn server(&self) -> anyhow::Result<libunftp::Server<Filesystem, DefaultUser>> {
        let folder = self.folder.clone();
        // libunftp makes a backend a session, through a function that cannot fail.
        Filesystem::new(&folder).context("the demo's folder is gone")?;
        #[expect(clippy::expect_used, reason = "checked one line above; libunftp allows no error")]
        let backend = Box::new(move || Filesystem::new(&folder).expect("the demo's folder"));
        ServerBuilder::with_authenticator(backend, Arc::clone(&self.account) as _)
            .greeting("Ferryport demo")
            .ftps_manual::<PathBuf>(Arc::clone(&self.tls))
            .ftps_required(FtpsRequired::All, FtpsRequired::All)
            .logger(slog_discard())
            .build()
            .context("the demo's FTPS server could not be set up")
    }
}

/// The one account.
#[derive(Debug)]
struct Account {
    password: String,
}

impl Account {
    fn with_random_password() -> anyhow::Result<Self> {
        let mut bytes = [0; PASSWORD_BYTES];
        getrandom::fill(&mut bytes).context("no random password for the demo")?;
        Ok(Self { password: hex(&bytes) })
    }
}

#[async_trait]
impl Authenticator for Account {
    async fn authenticate(
        &self,
        username: &str,
        credentials: &Credentials,
    ) -> Result<Principal, AuthenticationError> {
        if username != USERNAME {
            return Err(AuthenticationError::BadUser);
        }
        if credentials.password.as_deref() != Some(self.password.as_str()) {
            return Err(AuthenticationError::BadPassword);
        }
        Ok(Principal { username: username.to_owned() })
    }
}

fn self_signed() -> anyhow::Result<(Arc<ServerConfig>, String)> {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Ferryport demo");
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_LEEWAY).into();
    params.not_after = (now + CERTIFICATE_LIFE).into();
    let signing_key = KeyPair::generate()?;
    let certificate = params.self_signed(&signing_key)?.der().clone();
    let sha256 = fingerprint(&Sha256::digest(&certificate));
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok((Arc::new(config), sha256))
}

/// The demo's server says nothing of its own: the session log on the page does.
fn slog_discard() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

fn fingerprint(sha256: &[u8]) -> String {
    let pairs: Vec<String> = sha256.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _never_fails = write!(text, "{byte:02x}");
        text
    })
}
