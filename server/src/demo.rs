//! An FTPS server to try the portal with: libunftp on loopback, with a temporary folder and a new
//! self-signed certificate. The portal offers it as a preset, and pins its certificate.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use async_trait::async_trait;
use ftps::{Credentials, Password, Username, profile::Pipelining};
use libunftp::{ServerBuilder, options::FtpsRequired};
use protocol::Encryption;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use unftp_core::auth::{self, AuthenticationError, Authenticator, DefaultUser, Principal};
use unftp_sbe_fs::Filesystem;

use crate::{
    host::Host,
    http::listener::ACCEPT_PAUSE,
    portal::Profiles,
    settings::{Preset, PresetLogin, PresetTrust},
};

/// The name of the preset.
pub const PRESET: &str = "demo";

/// The username of the only account.
pub const USERNAME: &str = "demo";

/// The number of random bytes of the password, which is in hexadecimal.
const PASSWORD_BYTES: usize = 6;

/// The validity of the certificate: longer than a demo runs.
const CERTIFICATE_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How far the clock of a program that checks the certificate may be behind.
const CLOCK_LEEWAY: Duration = Duration::from_secs(60 * 60);

/// A running FTPS server. Its folder is removed on drop.
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
    /// Opens a free port on loopback and serves it on a separate thread until the process ends.
    ///
    /// # Errors
    /// When the system has no port, folder, random bytes or thread for it.
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

    /// Returns the address of the control port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the password of the account.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.account.password
    }

    /// Returns the folder that stores the uploads.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the preset of the server: the portal logs in, and accepts its certificate only.
    ///
    /// # Errors
    /// Never: address, credentials and fingerprint are well-formed.
    pub fn preset(&self) -> anyhow::Result<Preset> {
        let host =
            Host::parse(&self.address.ip().to_string()).context("the demo has no address")?;
        Ok(Preset {
            name: PRESET.to_owned(),
            title: "Demo server".to_owned(),
            host,
            port: self.address.port(),
            encryption: Encryption::Explicit,
            folder: String::new(),
            login: PresetLogin::Portal(Credentials {
                username: Username::new(USERNAME)?,
                password: Password::new(self.password())?,
            }),
            drops: None,
            trust: PresetTrust {
                pins: vec![self.certificate_sha256.parse()?],
                ..PresetTrust::default()
            },
        })
    }

    /// Tells the portal not to pipeline commands: libunftp replies in the order in which commands
    /// complete. The portal would detect it, but with a second connection.
    pub fn add_profile(&self, profiles: &Profiles) {
        let Some(host) = Host::parse(&self.address.ip().to_string()) else { return };
        let (port, encryption) = (self.address.port(), Encryption::Explicit);
        let profile = profiles.of(&host, port, encryption, USERNAME);
        profile.update(|profile| profile.pipelining = Pipelining::Off);
    }

    /// Returns the SHA-256 of the certificate, in the form of the page's dialog: `AB:CD:…`.
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

/// The configuration of each connection to the demo's server.
#[derive(Debug)]
struct Service {
    folder: PathBuf,
    account: Arc<Account>,
    tls: Arc<ServerConfig>,
}

/// Creates a runtime that polls its sockets only when no task is ready.
///
/// libunftp 0.24 replies to `AUTH TLS` first and stops reading commands a moment later. A TLS
/// handshake that arrives in between would be read as a command. In this runtime the task that stops
/// the reading is always ready before a socket is polled again.
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
        // libunftp writes a reply in pieces. Without this option each piece waits until the client's
        // TCP has acknowledged the one before.
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
        // libunftp creates a backend for each session, by a function that must not fail.
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

/// The only account.
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
        credentials: &auth::Credentials,
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

/// Returns a logger that discards everything: the page shows the session log.
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
