//! A data port that does not answer.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    net::TcpStream,
    time::{Duration, timeout},
};

/// A port whose queue of connections is full: another connection is never answered, as behind a firewall
/// that drops everything.
pub(super) struct BlockedPort {
    listener: socket2::Socket,
    queue: Vec<TcpStream>,
}

impl BlockedPort {
    pub(super) async fn new() -> Self {
        use socket2::{Domain, Socket, Type};
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        listener.bind(&any.into()).expect("a port is free");
        listener.listen(0).expect("it can listen");
        let mut blocked = Self { listener, queue: Vec::new() };
        let address = (Ipv4Addr::LOCALHOST, blocked.port());
        let soon = Duration::from_millis(100);
        while let Ok(connection) = timeout(soon, TcpStream::connect(address)).await {
            blocked.queue.push(connection.expect("the queue takes some"));
        }
        blocked
    }

    pub(super) fn port(&self) -> u16 {
        let address = self.listener.local_addr().ok().and_then(|address| address.as_socket());
        address.map_or(0, |address| address.port())
    }
}
