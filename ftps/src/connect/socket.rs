//! TCP connections: the one place that dials, the server itself or a proxy in its stead.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout_at},
};

use super::proxy::{Proxy, ProxyFailure};
use crate::{
    config::Keepalive,
    error::{Kind, What},
};

/// A connection to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial {
    /// The server.
    pub(crate) address: SocketAddr,
    /// Our own address, where it matters. A proxy's view of us is not the server's: through one it
    /// does not.
    pub(crate) local: Option<IpAddr>,
    /// The time for all of it.
    pub(crate) within: Duration,
    /// What it is for.
    pub(crate) what: What,
}

impl Dial {
    /// Makes the connection, through the proxy if there is one.
    pub(crate) async fn run(self, proxy: Option<&Proxy>) -> Result<TcpStream, Kind> {
        match proxy {
            None => self.directly().await,
            Some(proxy) => self.through(proxy).await.map_err(|failure| Kind::Proxy {
                protocol: proxy.protocol(),
                what: self.what,
                failure,
            }),
        }
    }

    async fn directly(self) -> Result<TcpStream, Kind> {
        let Self { address, local, within, what } = self;
        let dialled = timeout_at(Instant::now() + within, connect(address, local)).await;
        let dialled = dialled.map_err(|_| Kind::TimedOut { what, after: within })?;
        dialled.map_err(|source| Kind::Io { what, source })
    }

    async fn through(self, proxy: &Proxy) -> Result<TcpStream, ProxyFailure> {
        let deadline = Instant::now() + self.within;
        let tcp = connect_to_any(proxy.addresses(), deadline).await;
        let tcp = tcp.map_err(ProxyFailure::Unreachable)?;
        let connected = timeout_at(deadline, proxy.connect_to(self.address, tcp)).await;
        connected.unwrap_or(Err(ProxyFailure::Silent))
    }
}

/// The first address that can be connected to; each has its share of the time that is left.
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

async fn connect(address: SocketAddr, local: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    if let Some(local) = local.filter(|local| local.is_ipv4() == address.is_ipv4()) {
        // Ports of data connections that are closing may be taken again.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(local, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends probes when the connection is quiet (RFC 1122 §4.2.3.6).
pub(crate) fn keep_alive(stream: &TcpStream, keepalive: Keepalive) -> io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn quiet_connection_is_probed() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect(server.local_addr().unwrap(), None).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(!socket.keepalive().unwrap());
        keep_alive(&stream, Keepalive::default()).unwrap();
        assert!(socket.keepalive().unwrap());
    }
}
