//! A small FTPS server in memory that is right in everything except one thing, which a test chooses.
//!
//! - `identity`: its certificate.
//! - `blocked_port`: a data port that does not answer.
//! - `session`: the commands.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

mod blocked_port;
mod identity;
mod session;

pub use self::identity::{ISSUER_URL, Shown};
use self::{blocked_port::BlockedPort, identity::identity};

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It sends this and closes.
    Greets(&'static str),
    /// It accepts connections and sends nothing.
    Silent,
    /// It expects TLS from the first byte on.
    Implicit,
    /// It does not know `AUTH`.
    NoTls,
    /// It knows `AUTH SSL` only.
    OnlyAuthSsl,
    /// It speaks TLS 1.2 and nothing newer.
    OnlyTls12,
    /// It answers any TLS handshake with a ServerHello of TLS 1.0.
    OldTls,
    /// It resumes no sessions.
    NoTickets,
    /// It answers a command with a refusal.
    Refuses(&'static str, &'static str),
    /// It lists no features.
    NoFeatures,
    /// It names data ports that do not answer.
    BlockedPorts,
    /// Its replies to `PASV` name data ports that do not answer, those to `EPSV` others.
    BlockedPasvPorts,
    /// It names this address in its replies to `PASV`.
    PassiveAddress([u8; 4]),
    /// It breaks the TLS handshakes of data connections off, and says that it wants resumed sessions.
    RefusesDataTls,
    /// It closes data connections without close_notify.
    CutsData,
    /// It reports one byte less than it has.
    ShortSize,
    /// Its clock is an hour slow.
    SlowClock,
    /// It repeats the password in its reply to it.
    RepeatsPassword,
}

/// A running server; it ends with the test's runtime.
#[derive(Debug)]
pub struct FaultyServer {
    address: SocketAddr,
    roots: RootCertStore,
    certificate: CertificateDer<'static>,
    counts: Arc<Counts>,
    files: Files,
}

/// What a server has counted.
#[derive(Debug, Default)]
pub struct Counts {
    control: AtomicU32,
    data: AtomicU32,
    passwords: AtomicU32,
}

type Files = Arc<Mutex<HashMap<String, Stored>>>;

#[derive(Clone, Debug)]
struct Stored {
    content: Vec<u8>,
    date: String,
}

/// The one password that is accepted.
pub const PASSWORD: &str = "Fähre-26-s3same";

#[derive(Clone)]
struct Server {
    fault: Fault,
    acceptor: TlsAcceptor,
    data_acceptor: TlsAcceptor,
    ip: IpAddr,
    counts: Arc<Counts>,
    files: Files,
    blocked: Arc<Option<BlockedPort>>,
}

impl FaultyServer {
    /// Starts a server with a valid certificate on 127.0.0.1.
    pub async fn start(fault: Fault) -> Self {
        Self::start_with(fault, Shown::Valid).await
    }

    /// Starts a server with a certificate on 127.0.0.1.
    pub async fn start_with(fault: Fault, shown: Shown) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), fault, shown).await
    }

    /// Starts a server at an address.
    ///
    /// # Panics
    /// When the address is taken.
    pub async fn start_at(address: SocketAddr, fault: Fault, shown: Shown) -> Self {
        let (roots, chain, key) = identity(shown);
        let certificate = chain[0].clone();
        let acceptor = acceptor(fault, chain, key);
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("the listener is bound");
        let (counts, files) = (Arc::<Counts>::default(), Files::default());
        let blocked = match fault {
            Fault::BlockedPorts | Fault::BlockedPasvPorts => Some(BlockedPort::new().await),
            _ => None,
        };
        let server = Server {
            fault,
            data_acceptor: acceptor.clone(),
            acceptor,
            ip: address.ip(),
            counts: Arc::clone(&counts),
            files: Arc::clone(&files),
            blocked: Arc::new(blocked),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                server.counts.control.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    // The doctor may end the connection at any time.
                    let _ended = server.serve(stream).await;
                });
            }
        });
        Self { address, roots, certificate, counts, files }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Authorities, of which one vouches for a valid certificate of the server.
    #[must_use]
    pub fn roots(&self) -> RootCertStore {
        self.roots.clone()
    }

    /// The certificate that it shows.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// How often a password was tried.
    #[must_use]
    pub fn passwords_tried(&self) -> u32 {
        self.counts.passwords.load(Ordering::Relaxed)
    }

    /// Connections to the control port so far.
    #[must_use]
    pub fn control_connections(&self) -> u32 {
        self.counts.control.load(Ordering::Relaxed)
    }

    /// Data connections so far.
    #[must_use]
    pub fn data_connections(&self) -> u32 {
        self.counts.data.load(Ordering::Relaxed)
    }

    /// The names of the files that it holds.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        lock(&self.files).keys().cloned().collect()
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

impl Server {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        match self.fault {
            Fault::Silent => {
                // Until the client gives up: it sends nothing before the greeting.
                let _read = stream.read(&mut [0; 1024]).await?;
                return Ok(());
            }
            Fault::Greets(text) => {
                stream.write_all(text.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Fault::Implicit => {
                let tls = self.acceptor.accept(stream).await?;
                let mut control = BufReader::new(Box::new(tls) as Box<dyn Duplex>);
                say(&mut control, "220 ready").await?;
                return self.session(control).await;
            }
            _ => {}
        }
        let mut control = BufReader::new(stream);
        say(&mut control, "220 ready").await?;
        loop {
            let Some(line) = read_line(&mut control).await? else { return Ok(()) };
            let is_accepted = match (line.as_str(), self.fault) {
                ("AUTH TLS" | "AUTH SSL", Fault::NoTls) | ("AUTH TLS", Fault::OnlyAuthSsl) => false,
                ("AUTH TLS" | "AUTH SSL", _) => true,
                ("QUIT", _) => return say(&mut control, "221 bye").await,
                _ => false,
            };
            if is_accepted {
                break;
            }
            say(&mut control, "500 unknown command").await?;
        }
        say(&mut control, "234 go").await?;
        let mut stream = control.into_inner();
        if self.fault == Fault::OldTls {
            let mut hello = [0; 11];
            stream.peek(&mut hello).await?;
            // A ClientHello whose own version is TLS 1.0 or 1.1.
            if hello[9..11] < [3, 3][..] {
                let version = hello[10];
                let answer = [0x16, 3, version, 0, 80, 2, 0, 0, 76, 3, version];
                stream.write_all(&answer).await?;
                return stream.shutdown().await;
            }
        }
        let tls = self.acceptor.accept(stream).await?;
        self.session(BufReader::new(Box::new(tls) as Box<dyn Duplex>)).await
    }
}

async fn say<S: AsyncWrite + Unpin>(to: &mut S, reply: &str) -> io::Result<()> {
    to.write_all(format!("{reply}\r\n").as_bytes()).await?;
    to.flush().await
}

async fn read_line<S: AsyncRead + Unpin>(from: &mut BufReader<S>) -> io::Result<Option<String>> {
    let mut line = String::new();
    match from.read_line(&mut line).await? {
        0 => Ok(None),
        _ => Ok(Some(line.trim_end().to_owned())),
    }
}

fn lock(files: &Files) -> std::sync::MutexGuard<'_, HashMap<String, Stored>> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

fn acceptor(
    fault: Fault,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> TlsAcceptor {
    let versions = match fault {
        Fault::OnlyTls12 => &[&rustls::version::TLS12][..],
        _ => rustls::ALL_VERSIONS,
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions that exist");
    let mut config =
        builder.with_no_client_auth().with_single_cert(chain, key).expect("the key fits");
    if fault == Fault::NoTickets {
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    }
    TlsAcceptor::from(Arc::new(config))
}
