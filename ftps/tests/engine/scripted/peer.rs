//! The server's side of a control connection: what a script is written in.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use ftps::Encryption;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{DataPort, Identity, SCRIPT_LIMIT, SECRET};

/// How a server greets its clients and answers their login.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) greeting: String,
    pub(crate) encryption: Encryption,
    /// The reply to each command that is not answered as usual.
    pub(crate) replies: BTreeMap<String, String>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            greeting: "220 ready".to_owned(),
            encryption: Encryption::Explicit,
            replies: BTreeMap::new(),
        }
    }
}

/// The name that the last `STOR` of an upload named, in this session or an earlier one.
#[derive(Clone, Default)]
pub(crate) struct TemporaryName(Arc<Mutex<String>>);

impl TemporaryName {
    pub(crate) fn get(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// The commands that follow a login, in one batch, and what the usual server replies.
const SET_UP: [(&str, &str); 6] = [
    ("PBSZ 0", "200 ok"),
    ("PROT P", "200 ok"),
    ("FEAT", "211-Features\r\n SIZE\r\n MLST type*;size*;modify*;\r\n211 End"),
    ("OPTS UTF8 ON", "200 ok"),
    ("TYPE I", "200 ok"),
    ("PWD", "257 \"/home\" is here"),
];

/// The server's side of a control connection.
pub(crate) struct Peer {
    stream: Stream,
    /// The server's address.
    ip: IpAddr,
    acceptor: TlsAcceptor,
    data_acceptor: TlsAcceptor,
    login: Login,
    /// The port that was prefetched with the login.
    port: Option<DataPort>,
    temporary: TemporaryName,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Closed,
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

impl Peer {
    pub(super) async fn accept(
        listener: &TcpListener,
        identity: &Identity,
        login: Login,
        temporary: TemporaryName,
    ) -> Self {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let ip = tcp.local_addr().unwrap().ip();
        Self {
            stream: Stream::Plain(tcp),
            ip,
            acceptor: identity.acceptor.clone(),
            data_acceptor: identity.data_acceptor.clone(),
            login,
            port: None,
            temporary,
        }
    }

    fn stream(&mut self) -> &mut dyn Duplex {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls,
            Stream::Closed => panic!("the connection is closed"),
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

    /// Sends bytes to a client that may have closed the connection.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream().write_all(bytes).await?;
        self.stream().flush().await
    }

    /// Reads one command, which must be this one.
    pub(crate) async fn expect(&mut self, command: &str) {
        let line = self.command().await;
        assert_eq!(line.as_deref(), Some(command));
    }

    /// Reads one command; `None` when the client has closed the connection.
    pub(crate) async fn command(&mut self) -> Option<String> {
        let line = self.try_command_bytes().await?;
        let line = String::from_utf8(line).unwrap();
        Some(line.strip_suffix("\r\n").expect("commands end with CR LF").to_owned())
    }

    /// Reads the bytes of one command, its CR LF included.
    pub(crate) async fn command_bytes(&mut self) -> Vec<u8> {
        self.try_command_bytes().await.expect("the client has not closed the connection")
    }

    async fn try_command_bytes(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let byte = timeout(SCRIPT_LIMIT, self.stream().read_u8()).await;
            line.push(byte.expect("a command arrives in time").ok()?);
        }
        Some(line)
    }

    /// Reads one command, which must be this one, and replies.
    pub(crate) async fn answer(&mut self, command: &str, reply: &str) {
        self.expect(command).await;
        self.say(reply).await;
    }

    /// Reads some bytes, whatever they are.
    pub(crate) async fn read_some_bytes(&mut self) {
        let read = self.stream().read(&mut [0; 4096]).await;
        assert!(read.is_ok_and(|count| count > 0), "the client sends something");
    }

    /// Waits until the client closes the connection, without a `QUIT`.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.command().await, None);
    }

    /// Fails if the client sends anything within this time.
    pub(crate) async fn expect_silence(&mut self, lasting: Duration) {
        if let Ok(byte) = timeout(lasting, self.stream().read_u8()).await {
            panic!("the client sent {byte:?}");
        }
    }

    pub(crate) fn temporary(&self) -> String {
        self.temporary.get()
    }

    /// From here on the temporary file has this name.
    pub(crate) fn set_temporary(&self, name: &str) {
        name.clone_into(&mut self.temporary.0.lock().unwrap());
    }

    /// Closes the connection in the middle of the session.
    pub(crate) fn disconnect(&mut self) {
        self.stream = Stream::Closed;
    }

    /// Lets the client log out and close the connection; any other command fails the test.
    pub(super) async fn finish(&mut self) {
        while !matches!(self.stream, Stream::Closed) {
            match self.command().await.as_deref() {
                None => self.disconnect(),
                // The client may close without waiting for the reply.
                Some("QUIT") => drop(self.try_send(b"221 bye\r\n").await),
                Some(command) => panic!("no script expects {command:?}"),
            }
        }
    }

    /// Performs the TLS handshake on the control connection.
    pub(crate) async fn start_tls(&mut self) {
        self.try_start_tls().await.unwrap();
    }

    pub(crate) async fn try_start_tls(&mut self) -> std::io::Result<()> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Closed) else {
            panic!("TLS was started before");
        };
        let tls = self.acceptor.accept(tcp).await?;
        self.stream = Stream::Tls(Box::new(tls));
        Ok(())
    }

    pub(crate) fn tls_version(&self) -> Option<rustls::ProtocolVersion> {
        match &self.stream {
            Stream::Tls(tls) => tls.get_ref().1.protocol_version(),
            Stream::Plain(_) | Stream::Closed => None,
        }
    }

    /// Returns the host and the protocol that the client named in its handshake.
    pub(crate) fn names_sent(&self) -> (Option<String>, Option<String>) {
        match &self.stream {
            Stream::Tls(tls) => names_sent(tls),
            Stream::Plain(_) | Stream::Closed => (None, None),
        }
    }

    /// Greets the client and starts TLS, in the order of the encryption.
    pub(crate) async fn secure(&mut self) {
        let greeting = self.login.greeting.clone();
        self.secure_as(&greeting).await;
    }

    /// The same with another greeting.
    pub(crate) async fn secure_as(&mut self, greeting: &str) {
        match self.login.encryption {
            Encryption::Explicit => {
                self.say(greeting).await;
                self.answer_login("AUTH TLS", "234 go").await;
                self.start_tls().await;
            }
            Encryption::Implicit => {
                self.start_tls().await;
                self.say(greeting).await;
            }
        }
    }

    /// Answers a command of the login as this server does, or as usual.
    async fn answer_login(&mut self, command: &str, usual: &str) {
        let reply = self.login.replies.get(command).cloned();
        self.answer(command, reply.as_deref().unwrap_or(usual)).await;
    }

    /// `USER` and `PASS`.
    pub(crate) async fn authenticate(&mut self) {
        self.answer_login("USER ada", "331 password").await;
        self.answer_login(&format!("PASS {SECRET}"), "230 in").await;
    }

    /// The batch from `PBSZ` to `PWD`.
    pub(crate) async fn set_up(&mut self) {
        for (command, usual) in SET_UP {
            self.answer_login(command, usual).await;
        }
    }

    /// The same batch, answered one command at a time: the client must wait for each reply.
    pub(crate) async fn set_up_one_by_one(&mut self, silence: Duration) {
        for (command, usual) in SET_UP {
            self.expect(command).await;
            self.expect_silence(silence).await;
            self.say(usual).await;
        }
    }

    /// Reads the batch and answers nothing yet.
    pub(crate) async fn expect_set_up(&mut self) {
        for (command, _) in SET_UP {
            self.expect(command).await;
        }
    }

    /// Names the port that a managed client prefetches in the batch that ends with `PWD`. A
    /// connector does not ask for one.
    pub(crate) async fn answer_prefetch(&mut self) {
        // The rest of a batch is there already; what comes later is another command.
        let mut next = std::pin::pin!(self.stream().read_u8());
        let next = std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
        let Poll::Ready(Ok(first)) = next else { return };
        let rest = self.command().await.unwrap();
        assert_eq!((first, rest.as_str()), (b'E', "PSV"));
        let port = self.open_port().await;
        self.say(&port.reply()).await;
        self.port = Some(port);
    }

    /// Everything from the greeting to a session that is ready.
    pub(crate) async fn log_in(&mut self) {
        let greeting = self.login.greeting.clone();
        self.log_in_as(&greeting).await;
    }

    /// The same with another greeting.
    pub(crate) async fn log_in_as(&mut self, greeting: &str) {
        self.secure_as(greeting).await;
        self.let_in().await;
    }

    /// The login of a connection that is secure.
    pub(crate) async fn let_in(&mut self) {
        self.authenticate().await;
        self.set_up().await;
        self.answer_prefetch().await;
    }

    /// Starts TLS and refuses the password.
    pub(crate) async fn refuse_login(&mut self, reply: &str) {
        self.secure().await;
        self.answer("USER ada", "331 password").await;
        self.answer(&format!("PASS {SECRET}"), reply).await;
    }

    /// Greets the client, which must break the TLS handshake off.
    pub(crate) async fn fail_handshake(&mut self) {
        self.say("220 ready").await;
        self.answer("AUTH TLS", "234 go").await;
        let handshake = self.try_start_tls().await;
        assert!(handshake.is_err(), "the client breaks the handshake off");
    }

    /// Opens a port for a data connection.
    pub(crate) async fn open_port(&self) -> DataPort {
        DataPort::open(self.ip, &self.data_acceptor).await
    }

    /// Answers `EPSV` with an open port, unless it was answered with the login.
    pub(crate) async fn extended_passive(&mut self) -> DataPort {
        if let Some(port) = self.port.take() {
            return port;
        }
        let port = self.open_port().await;
        self.answer("EPSV", &port.reply()).await;
        port
    }

    /// The client keeps a port that it has not used.
    pub(crate) fn keep_port(&mut self, port: DataPort) {
        self.port = Some(port);
    }

    /// Answers `PASV` with an open port and an address.
    pub(crate) async fn passive(&mut self, address: [u8; 4]) -> DataPort {
        let port = self.open_port().await;
        self.answer("PASV", &port.passive_reply(address)).await;
        port
    }

    /// Receives a whole upload of `a` over `PASV`, with this address in its reply.
    pub(crate) async fn store_over_passive(&mut self, address: [u8; 4]) {
        let port = self.passive(address).await;
        self.answer("STOR /home/a", "150 go").await;
        read_to_end(&mut port.accept().await).await;
        self.say("226 done").await;
    }

    /// `EPSV`, `STOR` to a name, 150, and the data connection.
    pub(crate) async fn receive(&mut self, name: &str) -> TlsStream<TcpStream> {
        let port = self.extended_passive().await;
        self.answer(&format!("STOR /home/{name}"), "150 go").await;
        port.accept().await
    }

    /// The same, read to the client's end of it.
    pub(crate) async fn receive_all(&mut self, name: &str) -> Vec<u8> {
        read_to_end(&mut self.receive(name).await).await
    }

    /// Receives a whole upload and returns its content.
    pub(crate) async fn store(&mut self, name: &str) -> Vec<u8> {
        let mut data = self.receive(name).await;
        let content = read_to_end(&mut data).await;
        data.shutdown().await.unwrap();
        self.say("226 done").await;
        content
    }

    /// Sends a whole listing in answer to a command.
    pub(crate) async fn list(&mut self, command: &str, content: &[u8]) {
        let port = self.extended_passive().await;
        self.answer(command, "150 here it comes").await;
        let mut data = port.accept().await;
        data.write_all(content).await.unwrap();
        data.shutdown().await.unwrap();
        self.say("226 done").await;
    }

    /// Refuses a listing.
    pub(crate) async fn list_refused(&mut self, command: &str, reply: &str) {
        let _port = self.extended_passive().await;
        self.answer(command, reply).await;
    }

    /// Answers the `NOOP` that follows a refused transfer.
    pub(crate) async fn answer_noop(&mut self) {
        self.answer("NOOP", "200 ok").await;
    }

    /// Answers `QUIT`.
    pub(crate) async fn expect_quit(&mut self) {
        self.answer("QUIT", "221 bye").await;
    }
}

/// Returns the host and the protocol that a client named in a TLS handshake.
pub(crate) fn names_sent(tls: &TlsStream<TcpStream>) -> (Option<String>, Option<String>) {
    let (_, connection) = tls.get_ref();
    let protocol = connection.alpn_protocol().map(|name| String::from_utf8(name.into()).unwrap());
    (connection.server_name().map(str::to_owned), protocol)
}

/// Reads to the client's `close_notify`, which must come.
pub(crate) async fn read_to_end(data: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut content = Vec::new();
    data.read_to_end(&mut content).await.expect("the client sends close_notify");
    content
}

/// Reads exactly so many bytes.
pub(crate) async fn read_some(data: &mut TlsStream<TcpStream>, count: usize) -> Vec<u8> {
    let mut content = vec![0; count];
    data.read_exact(&mut content).await.unwrap();
    content
}
