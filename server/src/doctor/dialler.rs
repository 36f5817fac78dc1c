//! Connects within the limits of an examination, whatever the engine tries.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use ftps::{
    Keepalive,
    dial::{BoxedStream, Dial, Dialling, Stream, Tcp},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::limits::DoctorLimits;

/// Counts connections, and makes no more than the limits permit.
#[derive(Debug)]
pub(super) struct LimitedDialler {
    /// Connections to these ports count as control connections, all others as data connections.
    control_ports: Vec<u16>,
    control_left: AtomicU32,
    data_left: AtomicU32,
    open: Arc<Semaphore>,
}

impl LimitedDialler {
    pub(super) fn new(limits: &DoctorLimits, control_ports: Vec<u16>) -> Self {
        Self {
            control_ports,
            control_left: AtomicU32::new(limits.control_connections),
            data_left: AtomicU32::new(limits.data_connections),
            open: Arc::new(Semaphore::new(limits.at_once)),
        }
    }

    /// Returns how many control connections may still be made.
    pub(super) fn control_left(&self) -> u32 {
        self.control_left.load(Ordering::Relaxed)
    }

    fn take(&self, port: u16) -> io::Result<()> {
        let (left, kind) = match self.control_ports.contains(&port) {
            true => (&self.control_left, "control"),
            false => (&self.data_left, "data"),
        };
        let taken =
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.map(drop).map_err(|_| {
            io::Error::other(format!("an examination makes no more {kind} connections"))
        })
    }
}

impl Dial for LimitedDialler {
    fn dial(&self, address: SocketAddr, from: Option<IpAddr>) -> Dialling<'_> {
        Box::pin(async move {
            let permit = Arc::clone(&self.open).acquire_owned().await.map_err(io::Error::other)?;
            self.take(address.port())?;
            let stream = Tcp.dial(address, from).await?;
            Ok(Box::new(LimitedStream { stream, _permit: permit }) as BoxedStream)
        })
    }
}

/// A connection that counts as open until it is dropped.
#[derive(Debug)]
struct LimitedStream {
    stream: BoxedStream,
    _permit: OwnedSemaphorePermit,
}

impl Stream for LimitedStream {
    fn local_ip(&self) -> Option<IpAddr> {
        self.stream.local_ip()
    }

    fn is_quiet(&self) -> bool {
        self.stream.is_quiet()
    }

    fn keep_alive(&self, keepalive: Keepalive) -> io::Result<()> {
        self.stream.keep_alive(keepalive)
    }

    fn read_arrived(self: Box<Self>, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read_arrived(buffer)
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{net::TcpListener, time::timeout};

    use super::*;

    async fn dialler(limits: DoctorLimits) -> (LimitedDialler, TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (LimitedDialler::new(&limits, vec![address.port()]), listener, address)
    }

    #[tokio::test]
    async fn no_more_connections_are_made_than_the_limit() {
        let limits = DoctorLimits { control_connections: 3, ..DoctorLimits::default() };
        let (dialler, _listener, address) = dialler(limits).await;
        for _ in 0..3 {
            drop(dialler.dial(address, None).await.unwrap());
        }
        assert_eq!(dialler.control_left(), 0);
        let error = dialler.dial(address, None).await.unwrap_err();
        assert!(error.to_string().contains("no more control connections"), "{error}");
    }

    #[tokio::test]
    async fn other_ports_count_as_data_connections() {
        let limits = DoctorLimits { data_connections: 1, ..DoctorLimits::default() };
        let (dialler, _listener, _) = dialler(limits).await;
        let data = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        // Nothing listens there any more: a failed one counts too.
        assert!(dialler.dial(data, None).await.is_err());
        let error = dialler.dial(data, None).await.unwrap_err();
        assert!(error.to_string().contains("no more data connections"), "{error}");
        assert_eq!(dialler.control_left(), limits.control_connections);
    }

    #[tokio::test]
    async fn further_connection_waits_until_an_open_one_is_dropped() {
        let limits = DoctorLimits { at_once: 1, ..DoctorLimits::default() };
        let (dialler, _listener, address) = dialler(limits).await;
        let first = dialler.dial(address, None).await.unwrap();
        let mut second = std::pin::pin!(dialler.dial(address, None));
        assert!(timeout(Duration::from_millis(50), &mut second).await.is_err());
        drop(first);
        assert!(second.await.is_ok());
    }
}
