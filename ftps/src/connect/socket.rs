//! TCP connections: the one place that dials.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    config::Keepalive,
    error::{Kind, What},
};

/// Connects within a time, from our address `local` if one is given.
pub(crate) async fn dial(
    address: SocketAddr,
    local: Option<IpAddr>,
    within: Duration,
    what: What,
) -> Result<TcpStream, Kind> {
    let dialled = timeout(within, connect(address, local)).await;
    let dialled = dialled.map_err(|_| Kind::TimedOut { what, after: within })?;
    dialled.map_err(|source| Kind::Io { what, source })
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
