//! A server that does what a test tells it to, step by step, on both kinds of connection.
//!
//! A script is an async closure over a [`Peer`], the server's side of one control connection. It
//! asserts what the client sends; [`Server::finished`] carries its panic into the test. Every
//! socket is on 127.0.0.1 at a port that the system chose.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a script that does not go as written fails its test"
)]

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use ftps::{
    Client, Config, Connector, Credentials, Encryption, HostProfile, Password, RemotePath,
    SharedProfile, Target, Transcript, Username, profile::Sizes,
};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub(crate) mod storing_server;
pub(crate) mod uploads;

/// The secret of every test, to be looked for where it must not be.
pub(crate) const SECRET: &str = "sesame-4711";

/// The longest that a script may take; only a test that fails ever waits for it.
const SCRIPT_LIMIT: Duration = Duration::from_secs(30);

/// A server that is no newer.
pub(crate) static ONLY_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// Who the server is.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    acceptor: TlsAcceptor,
    /// Of data connections.
    data_acceptor: TlsAcceptor,
}

/// What the certificate says; the default is for `localhost` and valid.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) name: &'static str,
    pub(crate) years: (i32, i32),
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    /// The protocols that it knows by ALPN; with none it takes any.
    pub(crate) protocols: &'static [&'static str],
    /// Who vouches for its clients; without any it asks for no certificate.
    pub(crate) clients: Option<CertificateDer<'static>>,
    /// TLS 1.3 tickets that a control connection and a data connection bring.
    pub(crate) tickets: (usize, usize),
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            name: "localhost",
            years: (2000, 2100),
            versions: rustls::ALL_VERSIONS,
            protocols: &[],
            clients: None,
            tickets: (2, 2),
        }
    }
}

impl Identity {
    pub(crate) fn new(claims: &Claims) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new([claims.name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(claims.years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(claims.years.1, 1, 1);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(claims.versions)
            .unwrap();
        let builder = match &claims.clients {
            None => builder.with_no_client_auth(),
            Some(root) => builder.with_client_cert_verifier(expect_clients_of(root)),
        };
        let mut config = builder.with_single_cert(vec![certificate.clone()], key).unwrap();
        config.alpn_protocols =
            claims.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        // Both know the sessions of both.
        let mut data_config = config.clone();
        (config.send_tls13_tickets, data_config.send_tls13_tickets) = claims.tickets;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let data_acceptor = TlsAcceptor::from(Arc::new(data_config));
        Self { certificate, acceptor, data_acceptor }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new(&Claims::default())
    }
}

fn expect_clients_of(
    root: &CertificateDer<'static>,
) -> Arc<dyn rustls::server::danger::ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
}

pub(crate) type BoxedScript =
    Box<dyn FnOnce(Peer) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A script for one control connection.
pub(crate) fn script<F, R>(script: F) -> BoxedScript
where
    F: FnOnce(Peer) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    Box::new(|peer| Box::pin(script(peer)))
}

/// A server that plays one script for each control connection, in order.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Identity,
    task: JoinHandle<()>,
}

impl Server {
    /// A server for one connection.
    pub(crate) async fn start<F, R>(the_script: F) -> Self
    where
        F: FnOnce(Peer) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self::start_with(Identity::default(), vec![script(the_script)]).await
    }

    pub(crate) async fn start_with(identity: Identity, scripts: Vec<BoxedScript>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::start_at(listener, identity, scripts)
    }

    /// A server for one connection over IPv6; `None` where the machine has none.
    pub(crate) async fn start_over_ipv6(the_script: BoxedScript) -> Option<Self> {
        let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.ok()?;
        Some(Self::start_at(listener, Identity::default(), vec![the_script]))
    }

    fn start_at(listener: TcpListener, identity: Identity, scripts: Vec<BoxedScript>) -> Self {
        let address = listener.local_addr().unwrap();
        let who = identity.clone();
        let task = tokio::spawn(async move {
            for script in scripts {
                script(Peer::accept(&listener, &who).await).await;
            }
        });
        Self { address, identity, task }
    }

    /// A server that plays the scripts side by side, each as soon as its connection comes.
    pub(crate) async fn start_side_by_side(scripts: Vec<BoxedScript>) -> Self {
        let identity = Identity::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let who = identity.clone();
        let task = tokio::spawn(async move {
            let mut played = JoinSet::new();
            for script in scripts {
                played.spawn(script(Peer::accept(&listener, &who).await));
            }
            while let Some(ended) = played.join_next().await {
                ended.unwrap();
            }
        });
        Self { address, identity, task }
    }

    /// Waits until all scripts have been played, and fails if one did not go as written.
    pub(crate) async fn finished(self) {
        let played = timeout(SCRIPT_LIMIT, self.task).await.expect("the script ends");
        if let Err(error) = played {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    /// The same server as if it were somewhere else.
    pub(crate) fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Roots that vouch for the server.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.identity.certificate.clone()).unwrap();
        roots
    }

    /// The engine's defaults with short deadlines.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(Arc::new(self.roots()));
        let timeouts = &mut config.timeouts;
        timeouts.greeting = Duration::from_secs(10);
        timeouts.silence = Duration::from_secs(10);
        timeouts.reply = Duration::from_secs(10);
        timeouts.stall = Duration::from_secs(10);
        timeouts.final_reply = Duration::from_secs(10);
        timeouts.verdict = Duration::from_secs(5);
        timeouts.drain = Duration::from_millis(200);
        timeouts.settle = Duration::from_millis(50);
        config
    }

    pub(crate) fn connector(&self, config: Config, log: &Log) -> Connector {
        self.connector_over(Encryption::Explicit, config, log)
    }

    pub(crate) fn connector_over(
        &self,
        encryption: Encryption,
        config: Config,
        log: &Log,
    ) -> Connector {
        let host = "localhost".to_owned();
        let target = Target { address: self.address, host, encryption };
        // A host that is known to tell sizes.
        let told = HostProfile { sizes: Sizes::Told, ..HostProfile::default() };
        Connector::new(target, config, credentials(), log.transcript())
            .with_profile(SharedProfile::new(told))
    }

    /// The same by another name of the server.
    pub(crate) fn connector_for(&self, host: &str, encryption: Encryption, log: &Log) -> Connector {
        let target = Target { address: self.address, host: host.to_owned(), encryption };
        Connector::new(target, self.config(), credentials(), log.transcript())
    }

    /// A session that is logged in.
    pub(crate) async fn open(&self, log: &Log) -> Client {
        self.connector(self.config(), log).open().await.unwrap()
    }
}

fn credentials() -> Credentials {
    Credentials {
        username: Username::new("ada").unwrap(),
        password: Password::new(SECRET).unwrap(),
    }
}

/// The lines of a transcript.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Said>>>);

/// A session and its line.
type Said = (Option<u32>, String);

impl Log {
    pub(crate) fn transcript(&self) -> Transcript {
        let lines = Arc::clone(&self.0);
        Transcript::new(move |event| {
            // The Debug form goes in too: it must not hold a secret either.
            let line = format!("{:?}: {event} {{{event:?}}}", event.line_kind());
            lines.lock().unwrap().push((event.session, line));
        })
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap();
        lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Whose the lines are in which something is said.
    pub(crate) fn sessions_that_say(&self, needle: &str) -> Vec<Option<u32>> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|(_, line)| line.contains(needle)).map(|(of, _)| *of).collect()
    }

    pub(crate) fn has(&self, needle: &str) -> bool {
        self.text().contains(needle)
    }

    pub(crate) fn count(&self, needle: &str) -> usize {
        self.sessions_that_say(needle).len()
    }
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::try_from(text).unwrap()
}

/// The server's side of a control connection.
pub(crate) struct Peer {
    stream: Stream,
    /// The server's address.
    ip: IpAddr,
    acceptor: TlsAcceptor,
    data_acceptor: TlsAcceptor,
    /// The port that was named with the login.
    port: Option<DataPort>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    None,
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

impl Peer {
    async fn accept(listener: &TcpListener, who: &Identity) -> Self {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (acceptor, data_acceptor) = (who.acceptor.clone(), who.data_acceptor.clone());
        let ip = tcp.local_addr().unwrap().ip();
        Self { stream: Stream::Plain(tcp), ip, acceptor, data_acceptor, port: None }
    }

    fn stream(&mut self) -> &mut dyn Duplex {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls,
            Stream::None => panic!("the connection is gone"),
        }
    }

    /// Sends a reply; CR LF is added.
    pub(crate) async fn say(&mut self, reply: &str) {
        self.send(format!("{reply}\r\n").as_bytes()).await;
    }

    /// Sends bytes as they are, in one write.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    /// The same for a client that may have gone.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream().write_all(bytes).await?;
        self.stream().flush().await
    }

    /// Reads one command, which has to be this one.
    pub(crate) async fn expect(&mut self, command: &str) {
        let line = self.command().await;
        assert_eq!(line.as_deref(), Some(command));
    }

    /// Reads one command; `None` when the client has closed.
    pub(crate) async fn command(&mut self) -> Option<String> {
        let line = self.try_command_bytes().await?;
        let line = String::from_utf8(line).unwrap();
        Some(line.strip_suffix("\r\n").expect("commands end with CR LF").to_owned())
    }

    /// Reads one command as it came, its end included.
    pub(crate) async fn command_bytes(&mut self) -> Vec<u8> {
        self.try_command_bytes().await.expect("the client is there")
    }

    async fn try_command_bytes(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let byte = timeout(SCRIPT_LIMIT, self.stream().read_u8()).await;
            line.push(byte.expect("a command comes").ok()?);
        }
        Some(line)
    }

    /// `expect` and `say`.
    pub(crate) async fn answer(&mut self, command: &str, reply: &str) {
        self.expect(command).await;
        self.say(reply).await;
    }

    /// The client closes and has sent nothing more.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.command().await, None);
    }

    /// The client sends nothing for a while.
    pub(crate) async fn expect_silence(&mut self, lasting: Duration) {
        if let Ok(byte) = timeout(lasting, self.stream().read_u8()).await {
            panic!("the client sent {byte:?}");
        }
    }

    /// The TLS handshake on the control connection.
    pub(crate) async fn start_tls(&mut self) {
        self.try_start_tls().await.unwrap();
    }

    pub(crate) async fn try_start_tls(&mut self) -> std::io::Result<()> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::None) else {
            panic!("TLS was started before");
        };
        let tls = self.acceptor.accept(tcp).await?;
        self.stream = Stream::Tls(Box::new(tls));
        Ok(())
    }

    pub(crate) fn tls_version(&self) -> Option<rustls::ProtocolVersion> {
        match &self.stream {
            Stream::Tls(tls) => tls.get_ref().1.protocol_version(),
            Stream::Plain(_) | Stream::None => None,
        }
    }

    /// What the client sent along in its handshake: the host's name and the protocol's, where the
    /// server knows that.
    pub(crate) fn named(&self) -> (Option<String>, Option<String>) {
        match &self.stream {
            Stream::Tls(tls) => named(tls),
            Stream::Plain(_) | Stream::None => (None, None),
        }
    }

    /// Greeting, `AUTH TLS`, the handshake.
    pub(crate) async fn secure(&mut self) {
        self.secure_as("220 ready").await;
    }

    /// The same with another greeting.
    pub(crate) async fn secure_as(&mut self, greeting: &str) {
        self.say(greeting).await;
        self.answer("AUTH TLS", "234 go").await;
        self.start_tls().await;
    }

    /// From `USER` to `PWD`, and the port that a line asks for with it.
    pub(crate) async fn let_in(&mut self) {
        self.let_in_so_far().await;
        self.name_port_ahead().await;
    }

    /// From `USER` to `PWD`.
    pub(crate) async fn let_in_so_far(&mut self) {
        self.answer("USER ada", "331 password").await;
        self.answer(&format!("PASS {SECRET}"), "230 in").await;
        self.answer("PBSZ 0", "200 ok").await;
        self.answer("PROT P", "200 ok").await;
        self.answer("FEAT", "211-Features\r\n SIZE\r\n MLST type*;size*;modify*;\r\n211 End").await;
        self.answer("OPTS UTF8 ON", "200 ok").await;
        self.answer("TYPE I", "200 ok").await;
        self.answer("PWD", "257 \"/home\" is here").await;
    }

    /// A line asks for its first port in the flight that ends with `PWD`; a connector does not.
    pub(crate) async fn name_port_ahead(&mut self) {
        // What came in one flight is there already; what comes later is another one.
        let mut next = std::pin::pin!(self.stream().read_u8());
        let next = std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
        let Poll::Ready(Ok(first)) = next else { return };
        let rest = self.command().await.unwrap();
        assert_eq!((first, rest.as_str()), (b'E', "PSV"));
        let port = self.open_port().await;
        self.say(&port.reply()).await;
        self.port = Some(port);
    }

    /// Everything up to a session that is ready.
    pub(crate) async fn log_in(&mut self) {
        self.secure().await;
        self.let_in().await;
    }

    /// The same with another greeting.
    pub(crate) async fn log_in_as(&mut self, greeting: &str) {
        self.secure_as(greeting).await;
        self.let_in().await;
    }

    /// Greeting and TLS, and a password that is not let in.
    pub(crate) async fn refuse_login(&mut self, reply: &str) {
        self.secure().await;
        self.answer("USER ada", "331 password").await;
        self.answer(&format!("PASS {SECRET}"), reply).await;
    }

    /// A port that is listened at for a data connection.
    pub(crate) async fn open_port(&self) -> DataPort {
        DataPort::open(self.ip, &self.data_acceptor).await
    }

    /// Answers `EPSV` with a port that is listened at, unless one was named with the login.
    pub(crate) async fn extended_passive(&mut self) -> DataPort {
        if let Some(port) = self.port.take() {
            return port;
        }
        let port = self.open_port().await;
        self.answer("EPSV", &port.reply()).await;
        port
    }

    /// Answers `PASV` with a port that is listened at and an address.
    pub(crate) async fn passive(&mut self, address: [u8; 4]) -> DataPort {
        let port = self.open_port().await;
        let ([a, b, c, d], [high, low]) = (address, port.number().to_be_bytes());
        self.answer("PASV", &format!("227 Passive ({a},{b},{c},{d},{high},{low})")).await;
        port
    }

    /// A whole upload of `a` over `PASV`.
    pub(crate) async fn store_over_passive(&mut self) {
        let port = self.passive([127, 0, 0, 1]).await;
        self.answer("STOR /home/a", "150 go").await;
        let mut data = port.accept().await;
        read_to_end(&mut data).await;
        self.say("226 done").await;
    }

    /// `EPSV`, `STOR name`, 150, the data connection.
    pub(crate) async fn receive(&mut self, name: &str) -> TlsStream<TcpStream> {
        let port = self.extended_passive().await;
        self.answer(&format!("STOR /home/{name}"), "150 go").await;
        port.accept().await
    }

    /// A whole upload as it should be; what came.
    pub(crate) async fn store(&mut self, name: &str) -> Vec<u8> {
        let mut data = self.receive(name).await;
        let content = read_to_end(&mut data).await;
        data.shutdown().await.unwrap();
        self.say("226 done").await;
        content
    }

    /// `NOOP`, which follows a refused transfer.
    pub(crate) async fn answer_noop(&mut self) {
        self.answer("NOOP", "200 ok").await;
    }

    /// `QUIT`, and the end.
    pub(crate) async fn let_go(&mut self) {
        self.answer("QUIT", "221 bye").await;
    }
}

/// A port that is listened at for one data connection.
pub(crate) struct DataPort {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl DataPort {
    async fn open(ip: IpAddr, acceptor: &TlsAcceptor) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        Self { listener, acceptor: acceptor.clone() }
    }

    /// The answer to `EPSV`.
    pub(crate) fn reply(&self) -> String {
        format!("229 Entering Extended Passive Mode (|||{}|)", self.number())
    }

    pub(crate) fn number(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        timeout(SCRIPT_LIMIT, self.listener.accept()).await.unwrap().unwrap().0
    }

    pub(crate) async fn accept(&self) -> TlsStream<TcpStream> {
        let tcp = self.accept_tcp().await;
        self.accept_over(tcp).await
    }

    /// TLS over a connection that was accepted before.
    pub(crate) async fn accept_over(&self, tcp: TcpStream) -> TlsStream<TcpStream> {
        self.acceptor.accept(tcp).await.unwrap()
    }

    /// The same as somebody else.
    pub(crate) async fn try_accept_as(&self, identity: &Identity) -> std::io::Result<()> {
        let tcp = self.accept_tcp().await;
        let mut tls = identity.acceptor.accept(tcp).await?;
        let mut byte = [0];
        tls.read_exact(&mut byte).await.map(drop)
    }
}

/// A port that takes no connection: the queue is full, and nobody looks at it.
pub(crate) struct Stuffed {
    listener: socket2::Socket,
    waiting: Vec<TcpStream>,
}

impl Stuffed {
    pub(crate) async fn new() -> Self {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.unwrap();
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let mut stuffed = Self { listener, waiting: Vec::new() };
        let address = (Ipv4Addr::LOCALHOST, stuffed.number());
        let soon = Duration::from_millis(50);
        while let Ok(waiting) = timeout(soon, TcpStream::connect(address)).await {
            stuffed.waiting.push(waiting.unwrap());
        }
        stuffed
    }

    fn number(&self) -> u16 {
        self.listener.local_addr().unwrap().as_socket().unwrap().port()
    }

    /// The answer to `EPSV`.
    pub(crate) fn reply(&self) -> String {
        format!("229 Entering Extended Passive Mode (|||{}|)", self.number())
    }
}

/// The name that a client sent along, and the protocol, on any connection.
pub(crate) fn named(tls: &TlsStream<TcpStream>) -> (Option<String>, Option<String>) {
    let (_, connection) = tls.get_ref();
    let protocol = connection.alpn_protocol().map(|name| String::from_utf8(name.into()).unwrap());
    (connection.server_name().map(str::to_owned), protocol)
}

/// Reads to the client's close_notify, which has to come.
pub(crate) async fn read_to_end(data: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut content = Vec::new();
    data.read_to_end(&mut content).await.expect("the client sends close_notify");
    content
}

/// Uploads content and gives what came of it.
pub(crate) async fn upload(
    client: &mut Client,
    name: &str,
    content: &[u8],
) -> Result<ftps::Stored, ftps::Error> {
    let mut upload = client.store(&path(name), 0).await?;
    upload.write(content).await?;
    upload.finish().await
}
