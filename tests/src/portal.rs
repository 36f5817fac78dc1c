//! The portal as a process of its own, started by its command line.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use protocol::{
    Encryption,
    client::{Connect, Secret},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::process::{Process, wait_for};

/// Long enough for a busy machine; the portal starts in a few milliseconds.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Its certificate and key, in the portal's folder.
const CERTIFICATE_FILE: &str = "certificate.pem";

/// How long one HTTP response may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A running `ferryport serve`; stopped when it is dropped.
pub struct Portal {
    process: Process,
    address: SocketAddr,
    /// The certificate of a portal that serves HTTPS.
    https: Option<Https>,
    _folder: TempDir,
}

/// The certificate of a portal that serves HTTPS, and its clients' trust.
struct Https {
    /// What the portal's clients trust.
    trusted: Arc<ClientConfig>,
    /// Where the certificate's file is.
    folder: TempDir,
}

/// The address of a portal, and the origin of its page.
#[derive(Clone, Debug)]
pub struct Acceptor {
    address: SocketAddr,
    origin: String,
    /// The TLS configuration for a portal that serves HTTPS.
    trusted: Option<Arc<ClientConfig>>,
    /// The query of the socket's address.
    query: String,
    /// The address of the client, as a trusted proxy names it.
    client: Option<String>,
}

impl Acceptor {
    /// Opens sockets as a proxy does for the client at this address.
    #[must_use]
    pub fn for_client(self, address: &str) -> Self {
        Self { client: Some(address.to_owned()), ..self }
    }

    /// Returns the headers of the page that opens a socket.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, &str)> {
        let client = self.client.as_deref().map(|client| ("X-Forwarded-For", client));
        [("Origin", self.origin.as_str())].into_iter().chain(client).collect()
    }

    /// Returns the same portal at another address, such as that of a proxy.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Names the session whose sockets are opened.
    #[must_use]
    pub fn of_session(self, name: &str) -> Self {
        self.with_query(&format!("?lang=en&session={name}"))
    }

    /// Sets the query of the socket's address, with its question mark.
    #[must_use]
    pub fn with_query(self, query: &str) -> Self {
        Self { query: query.to_owned(), ..self }
    }

    /// The WebSocket's address.
    #[must_use]
    pub fn socket_url(&self) -> String {
        format!("ws://{}/{}{}", self.address, protocol::SOCKET_PATH, self.query)
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = tokio::net::TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(trusted) = &self.trusted else { return Ok(Box::new(stream)) };
        let connector = TlsConnector::from(Arc::clone(trusted));
        Ok(Box::new(connector.connect(localhost(), stream).await?))
    }
}

/// A connection to the portal.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How a portal is to run.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The networks that it may connect to.
    pub network: Network,
    /// Further flags.
    pub flags: &'a [&'a str],
    /// The variable `RUST_LOG`.
    pub log: &'a str,
}

/// The networks that a portal may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// This machine's loopback addresses, where the servers of the tests are, besides the public
    /// addresses.
    Loopback,
    /// Public addresses, as by default.
    Public,
}

impl Network {
    /// The flags that allow it.
    const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Loopback => &["--allow-network", "127.0.0.0/8:*"],
            Self::Public => &[],
        }
    }
}

impl<'a> Options<'a> {
    /// Returns options for the servers of the tests, with further flags.
    #[must_use]
    pub const fn with(flags: &'a [&'a str]) -> Self {
        Self { network: Network::Loopback, flags, log: "info" }
    }

    /// Gives up a silent server soon, but not before the portal has probed the port for TLS.
    pub const IMPATIENT: Self = Self::with(&["--greeting-timeout", "8 s", "--tls-timeout", "4 s"]);

    /// Returns options with these flags only.
    #[must_use]
    pub const fn only(flags: &'a [&'a str]) -> Self {
        Self { network: Network::Public, flags, log: "info" }
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self::with(&[])
    }
}

/// The answer to a request over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers as they came, one a line.
    pub headers: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The value of a header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Portal {
    /// Starts `program` and waits until it prints its address.
    ///
    /// Tests call it by [`portal!`](crate::portal!): cargo builds that program from the portal's own
    /// `main.rs` before the test, so that it is up to date.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(program: &str, options: Options<'_>) -> Self {
        Self::start_as("serve", "\n", program, options)
    }

    /// Starts `program` with a certificate of its own, for `localhost` and 127.0.0.1; its clients
    /// trust that one alone.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_https(program: &str, options: Options<'_>) -> Self {
        let certificate = PageCertificate::generate();
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let file = folder.path().join(CERTIFICATE_FILE);
        fs::write(&file, &certificate.pem).expect("the folder is ours");
        let file = file.to_str().expect("a plain path");
        let flags = [options.flags, &["--tls-certificate-file", file]].concat();
        let options = Options { flags: &flags, ..options };
        let https = Some(Https { trusted: certificate.trusted(), folder });
        Self { https, ..Self::start_as("serve", "\n", program, options) }
    }

    /// Replaces its certificate, and its clients' trust.
    ///
    /// # Panics
    /// When it does not speak HTTPS.
    pub fn renew_certificate(&mut self, certificate: &PageCertificate) {
        self.write_certificate_file(&certificate.pem);
        self.https.as_mut().expect("it speaks HTTPS").trusted = certificate.trusted();
    }

    /// Replaces the text of its certificate's file.
    ///
    /// # Panics
    /// When it does not speak HTTPS.
    pub fn write_certificate_file(&self, text: &str) {
        let folder = self.https.as_ref().expect("it speaks HTTPS").folder.path();
        let fresh = folder.join("fresh.pem");
        fs::write(&fresh, text).expect("the folder is ours");
        fs::rename(fresh, folder.join(CERTIFICATE_FILE)).expect("the folder is ours");
    }

    /// Starts a subcommand and waits until it printed its address and then `last_words`.
    fn start_as(command: &str, last_words: &str, program: &str, options: Options<'_>) -> Self {
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let arguments = [command, "--listen", "127.0.0.1:0"];
        let mut process = Process::start(
            Path::new(program),
            arguments.iter().chain(options.network.flags()).chain(options.flags),
            [
                ("RUST_LOG", OsString::from(options.log)),
                // A test that stops it does not wait for its uploads, unless a flag says so.
                ("FERRYPORT_DRAIN_TIMEOUT", OsString::from("0 s")),
            ],
            folder.path().join("output.log"),
        );
        let port = wait_for(START_LIMIT, || {
            if let Some(status) = process.exit_status() {
                panic!("the portal ended: {status}\n{}", process.output());
            }
            printed_port(&process.output(), last_words)
        });
        let Some(port) = port else {
            panic!("the portal does not print its address:\n{}", process.output());
        };
        Self { process, address: (Ipv4Addr::LOCALHOST, port).into(), https: None, _folder: folder }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the support view, in which everything is open.
    #[must_use]
    pub fn support_url(&self) -> String {
        format!("{}/?view=support", self.origin())
    }

    /// The address to open in a browser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/", self.origin())
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.https.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address of its admin listener.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        let printed = wait_for(START_LIMIT, || {
            let output = self.process.output();
            let (_, rest) = output.split_once("admin listener on http://")?;
            rest.split_once('\n').map(|(address, _)| address.to_owned())
        });
        printed.expect("it prints the address").parse().expect("an address")
    }

    /// Asks its admin listener; `None` when it does not answer.
    #[must_use]
    pub fn ask_admin(&self, path: &str) -> Option<Answer> {
        let stream = TcpStream::connect(self.admin_address()).ok()?;
        stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
        self.ask_over(stream, "GET", path, &[]).ok()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A connection to it, its TLS handshake done where it speaks HTTPS.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        self.acceptor().connect().await
    }

    /// Returns its address and the page's origin.
    #[must_use]
    pub fn acceptor(&self) -> Acceptor {
        Acceptor {
            address: self.address,
            origin: self.origin(),
            trusted: self.https.as_ref().map(|https| Arc::clone(&https.trusted)),
            query: String::new(),
            client: None,
        }
    }

    /// Stops it by SIGTERM, and waits until it has ended.
    pub fn stop(&mut self) {
        self.process.terminate();
    }

    /// Sends it a signal: `TERM`.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for its end. Returns its exit code; `None` if it still runs or was killed.
    pub fn wait_for_exit(&mut self, limit: Duration) -> Option<i32> {
        wait_for(limit, || self.process.exit_status())?.code()
    }

    /// Everything that it printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// The memory that it holds now, in bytes.
    #[must_use]
    pub fn memory_now(&self) -> u64 {
        self.process.memory_now()
    }

    /// The most memory that it ever held, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.process.peak_memory()
    }

    /// Sends a request without a body; `headers` is `Name: value` for each.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        self.try_ask(method, path, headers).expect("the portal answers")
    }

    /// The same, where a response may be missing.
    ///
    /// # Errors
    /// When the portal does not listen, shows a certificate that is not trusted, or ends early.
    ///
    /// # Panics
    /// When the answer is no HTTP.
    pub fn try_ask(&self, method: &str, path: &str, headers: &[&str]) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        match &self.https {
            None => self.ask_over(stream, method, path, headers),
            Some(https) => {
                let tls = ClientConnection::new(Arc::clone(&https.trusted), localhost());
                let tls = tls.map_err(io::Error::other)?;
                self.ask_over(StreamOwned::new(tls, stream), method, path, headers)
            }
        }
    }

    /// Sends a request through a reverse proxy at `proxy`, without TLS.
    ///
    /// # Errors
    /// When the proxy ends the connection early.
    ///
    /// # Panics
    /// When the answer is no HTTP.
    pub fn ask_through(
        &self,
        proxy: SocketAddr,
        method: &str,
        path: &str,
        headers: &[&str],
    ) -> io::Result<Answer> {
        let stream = TcpStream::connect(proxy)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        self.ask_over(stream, method, path, headers)
    }

    /// Sends a request without TLS.
    ///
    /// # Errors
    /// When the portal ends the connection early.
    ///
    /// # Panics
    /// When the answer is no HTTP.
    pub fn ask_in_clear(&self, method: &str, path: &str) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        self.ask_over(stream, method, path, &[])
    }

    fn ask_over(
        &self,
        mut stream: impl Read + Write,
        method: &str,
        path: &str,
        headers: &[&str],
    ) -> io::Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("Content-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let (status_line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        Ok(Answer {
            status: status_line
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or_else(|| panic!("no HTTP: {answer}")),
            headers: headers.to_owned(),
            body: body.to_owned(),
        })
    }
}

/// A certificate for `localhost` and 127.0.0.1 that vouches for itself.
pub struct PageCertificate {
    /// The certificate and its key.
    pub pem: String,
    der: CertificateDer<'static>,
}

impl PageCertificate {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no randomness.
    #[must_use]
    pub fn generate() -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let parameters = CertificateParams::new(names).expect("the names are well-formed");
        let certificate = parameters.self_signed(&key).expect("a certificate can be made");
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        Self { pem, der: certificate.der().clone() }
    }

    /// Returns the configuration of a client that trusts this certificate only.
    fn trusted(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Arc::new(config)
    }
}

fn localhost() -> ServerName<'static> {
    "localhost".try_into().expect("a name")
}

/// `ferryport demo`: a portal and an FTPS server of its own, with the facts that it prints.
pub struct Demo {
    /// The portal.
    pub portal: Portal,
    /// The request to connect to its preset.
    pub connect: Connect,
    /// The certificate's SHA-256, 64 lower-case hexadecimal digits.
    pub certificate_sha256: String,
    /// Where uploads arrive.
    pub folder: PathBuf,
}

impl Demo {
    /// Starts it, and parses its output.
    ///
    /// # Panics
    /// When it does not start, or prints no credentials.
    #[must_use]
    pub fn start(program: &str) -> Self {
        let options = Options { log: "off", ..Options::only(&[]) };
        let portal = Portal::start_as("demo", "Ctrl-C.\n", program, options);
        let output = portal.output();
        let after = |label: &str| -> String {
            let rest = output.split_once(label).map(|(_, rest)| rest.trim_start());
            let word = rest.and_then(|rest| rest.split_whitespace().next());
            word.unwrap_or_else(|| panic!("no {label:?} in:\n{output}")).to_owned()
        };
        assert!(output.contains("Encryption  Explicit TLS"), "{output}");
        let connect = Connect {
            host: "demo".to_owned(),
            port: after("Port ").parse().expect("the number of a port"),
            encryption: Some(Encryption::Explicit),
            username: after("Username "),
            password: Secret::default(),
            trusted_certificate: None,
        };
        let folder = PathBuf::from(after("Uploads are stored in "));
        let certificate_sha256 = after("SHA-256 fingerprint is").replace(':', "").to_lowercase();
        Self { portal, connect, certificate_sha256, folder }
    }
}

/// The port of the first address that was printed, once `last_words` were printed after it.
fn printed_port(output: &str, last_words: &str) -> Option<u16> {
    let (_, rest) = output.split_once("://127.0.0.1:")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    rest.contains(last_words).then(|| digits.parse().ok()).flatten()
}
