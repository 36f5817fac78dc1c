//! Makes connections: TCP to the server itself, or through a proxy. Nothing else dials.

use std::{
    fmt,
    future::Future,
    io::{self, Read as _},
    mem::MaybeUninit,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout_at},
};

use crate::{
    config::Keepalive,
    error::{Kind, Operation},
    proxy::{Proxy, ProxyFailure},
};

/// Makes the connections of a [`Connector`](crate::Connector). [`Tcp`] is the one for real servers.
pub trait Dial: fmt::Debug + Send + Sync {
    /// Connects to `address`, from the local address `from` where that is given.
    ///
    /// The caller limits the time.
    fn dial(&self, address: SocketAddr, from: Option<IpAddr>) -> Dialling<'_>;
}

/// A connection that is being made.
pub type Dialling<'a> = Pin<Box<dyn Future<Output = io::Result<BoxedStream>> + Send + 'a>>;

/// A connection to a server, as [`Dial`] makes it.
pub type BoxedStream = Box<dyn Stream>;

/// A connection, with the operations of its socket. The defaults are right for a stream without a
/// socket.
pub trait Stream: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin {
    /// The address of its local end.
    fn local_ip(&self) -> Option<IpAddr> {
        None
    }

    /// Whether the peer has neither sent anything nor closed it. Asked only while nothing was read.
    fn is_quiet(&self) -> bool {
        true
    }

    /// Sends probes when the connection is quiet (RFC 1122 §4.2.3.6).
    ///
    /// # Errors
    /// When the operating system refuses.
    fn keep_alive(&self, keepalive: Keepalive) -> io::Result<()> {
        let _no_socket = keepalive;
        Ok(())
    }

    /// Reads what has already arrived, also after a write failed. Waits for nothing.
    ///
    /// # Errors
    /// When the stream cannot be read, or nothing has arrived.
    fn read_arrived(self: Box<Self>, buffer: &mut [u8]) -> io::Result<usize> {
        let _no_socket = buffer;
        Ok(0)
    }
}

/// A connection in memory.
impl Stream for tokio::io::DuplexStream {}

impl Stream for TcpStream {
    fn local_ip(&self) -> Option<IpAddr> {
        Some(self.local_addr().ok()?.ip())
    }

    fn is_quiet(&self) -> bool {
        // The operating system is asked: the runtime may not have noticed yet that something arrived.
        let arrived = SockRef::from(self).peek(&mut [MaybeUninit::uninit()]);
        arrived.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    fn keep_alive(&self, keepalive: Keepalive) -> io::Result<()> {
        let probes = TcpKeepalive::new().with_time(keepalive.idle);
        SockRef::from(self).set_tcp_keepalive(&probes.with_interval(keepalive.interval))
    }

    fn read_arrived(self: Box<Self>, buffer: &mut [u8]) -> io::Result<usize> {
        // A socket that reports an error for writing can still be read.
        self.into_std()?.read(buffer)
    }
}

/// Dials over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Dial for Tcp {
    fn dial(&self, address: SocketAddr, from: Option<IpAddr>) -> Dialling<'_> {
        Box::pin(async move { Ok(Box::new(connect(address, from).await?) as BoxedStream) })
    }
}

/// A connection to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The local address to connect from. Not used through a proxy: the server sees the proxy's.
    pub(crate) from: Option<IpAddr>,
    /// The limit for all of it.
    pub(crate) within: Duration,
    /// The operation that an error names.
    pub(crate) operation: Operation,
}

impl Outgoing {
    /// Makes the connection: through the proxy if there is one, else with the dialler.
    pub(crate) async fn connect(
        self,
        dialler: &dyn Dial,
        proxy: Option<&Proxy>,
    ) -> Result<BoxedStream, Kind> {
        match proxy {
            None => self.directly(dialler).await,
            Some(proxy) => self.through(proxy).await.map_err(|failure| Kind::Proxy {
                protocol: proxy.protocol(),
                operation: self.operation,
                failure,
            }),
        }
    }

    async fn directly(self, dialler: &dyn Dial) -> Result<BoxedStream, Kind> {
        let Self { address, from, within, operation } = self;
        let dialled = timeout_at(Instant::now() + within, dialler.dial(address, from)).await;
        let dialled = dialled.map_err(|_| Kind::TimedOut { operation, after: within })?;
        dialled.map_err(|source| Kind::Io { operation, source })
    }

    async fn through(self, proxy: &Proxy) -> Result<BoxedStream, ProxyFailure> {
        let deadline = Instant::now() + self.within;
        let tcp = connect_to_any(proxy.addresses(), deadline).await;
        let tcp = tcp.map_err(ProxyFailure::Unreachable)?;
        let connected = timeout_at(deadline, proxy.connect_to(self.address, tcp)).await;
        Ok(Box::new(connected.unwrap_or(Err(ProxyFailure::Silent))?))
    }
}

/// Connects to the first address that answers; each gets its share of the time that is left.
async fn connect_to_any(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut left = addresses;
    while let Some((address, others)) = left.split_first() {
        let now = Instant::now();
        let shares = u32::try_from(left.len()).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(now) / shares;
        match timeout_at(now + share, connect(*address, None)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
        left = others;
    }
    Err(last)
}

async fn connect(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    if let Some(from) = from.filter(|from| from.is_ipv4() == address.is_ipv4()) {
        // The ports of data connections that are closing may be used again.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn quiet_connection_is_probed() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect(server.local_addr().unwrap(), None).await.unwrap();
        assert!(!SockRef::from(&stream).keepalive().unwrap());
        stream.keep_alive(Keepalive::default()).unwrap();
        assert!(SockRef::from(&stream).keepalive().unwrap());
    }
}
