//! Ports of a server: for data connections, for none, and for other protocols than FTPS.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    thread,
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    runtime,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Identity, SCRIPT_LIMIT};

/// A port that accepts data connections.
pub(crate) struct DataPort {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl DataPort {
    pub(super) async fn open(ip: IpAddr, acceptor: &TlsAcceptor) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        Self { listener, acceptor: acceptor.clone() }
    }

    /// The reply to `EPSV`.
    pub(crate) fn reply(&self) -> String {
        extended_passive_reply(self.number())
    }

    /// The reply to `PASV` that names this address.
    pub(crate) fn passive_reply(&self, [a, b, c, d]: [u8; 4]) -> String {
        let [high, low] = self.number().to_be_bytes();
        format!("227 Passive ({a},{b},{c},{d},{high},{low})")
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

    /// Performs the TLS handshake over a connection that was accepted before.
    pub(crate) async fn accept_over(&self, tcp: TcpStream) -> TlsStream<TcpStream> {
        self.acceptor.accept(tcp).await.unwrap()
    }

    /// Shows another certificate, and reads a byte from a client that accepts it.
    pub(crate) async fn try_accept_as(&self, identity: &Identity) -> std::io::Result<()> {
        let tcp = self.accept_tcp().await;
        let mut tls = identity.acceptor.accept(tcp).await?;
        let mut byte = [0];
        tls.read_exact(&mut byte).await.map(drop)
    }
}

/// A port whose queue of connections is full: another one is never accepted.
pub(crate) struct FullPort {
    listener: socket2::Socket,
    queue: Vec<TcpStream>,
}

impl FullPort {
    pub(crate) async fn new() -> Self {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.unwrap();
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let mut full = Self { listener, queue: Vec::new() };
        let address = (Ipv4Addr::LOCALHOST, full.number());
        let soon = Duration::from_millis(50);
        while let Ok(connection) = timeout(soon, TcpStream::connect(address)).await {
            full.queue.push(connection.unwrap());
        }
        full
    }

    fn number(&self) -> u16 {
        self.listener.local_addr().unwrap().as_socket().unwrap().port()
    }

    /// The reply to `EPSV`.
    pub(crate) fn reply(&self) -> String {
        extended_passive_reply(self.number())
    }
}

fn extended_passive_reply(port: u16) -> String {
    format!("229 Entering Extended Passive Mode (|||{port}|)")
}

/// Listens at a port and treats each connection in the same way, also while the test's own runtime
/// waits.
pub(crate) fn port_where_each<F, R>(treat: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = listen();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(treat(tcp));
            }
        });
    });
    address
}

/// Listens at a port that waits for a TLS handshake on each connection.
pub(crate) fn port_of_tls(acceptor: TlsAcceptor) -> SocketAddr {
    port_where_each(move |tcp| {
        let handshake = acceptor.accept(tcp);
        async move { drop(handshake.await) }
    })
}

/// Returns an address at which nothing listens.
pub(crate) fn closed_port() -> SocketAddr {
    listen().local_addr().unwrap()
}

fn listen() -> std::net::TcpListener {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}
