//! A network in memory: connections that break at a chosen byte, with a reset or in silence.

use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    task::{Context, Poll},
};

use ftps::dial::{BoxedStream, Dial, Dialling, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::oneshot,
};

use super::World;

/// Bytes that a connection holds on their way, in each direction.
const IN_FLIGHT_BYTES: usize = 8 * 1024;

/// The port of the control connection.
pub(crate) const CONTROL_PORT: u16 = 21;

/// The fate of a connection that a client wants to make.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Refused,
    /// No answer ever comes.
    Unanswered,
    Connected(Option<Break>),
}

/// A break of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Break {
    /// After so many bytes, in both directions together.
    pub(crate) after: usize,
    pub(crate) kind: BreakKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakKind {
    Reset,
    /// Nothing arrives any more, and neither end is told.
    Silence,
}

/// Makes the connections to a [`World`].
pub(crate) struct Network {
    world: Arc<World>,
    ports: Mutex<HashMap<u16, oneshot::Sender<DuplexStream>>>,
    last_port: AtomicU16,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, ports: Mutex::default(), last_port: AtomicU16::new(1024) })
    }

    /// Opens a port for one data connection.
    pub(crate) fn open_port(&self) -> (u16, oneshot::Receiver<DuplexStream>) {
        let port = self.last_port.fetch_add(1, Ordering::Relaxed);
        let (opened, connected) = oneshot::channel();
        self.ports.lock().unwrap().insert(port, opened);
        (port, connected)
    }
}

/// Dials over a network.
#[derive(Debug)]
pub(crate) struct Dialler(pub(crate) Arc<Network>);

impl Dial for Dialler {
    fn dial(&self, address: SocketAddr, _from: Option<IpAddr>) -> Dialling<'_> {
        let network = Arc::clone(&self.0);
        Box::pin(async move {
            let port = address.port();
            let broken = match network.world.fate_of_connection(port == CONTROL_PORT) {
                Fate::Refused => return Err(io::ErrorKind::ConnectionRefused.into()),
                Fate::Unanswered => std::future::pending().await,
                Fate::Connected(broken) => broken,
            };
            let (client, server) = tokio::io::duplex(IN_FLIGHT_BYTES);
            if port == CONTROL_PORT {
                tokio::spawn(super::session::serve(Arc::clone(&network), server));
            } else {
                let opened = network.ports.lock().unwrap().remove(&port);
                let opened = opened.ok_or(io::ErrorKind::ConnectionRefused)?;
                opened.send(server).map_err(|_| io::ErrorKind::ConnectionRefused)?;
            }
            Ok(Box::new(BreakingStream { inner: Some(client), broken, passed: 0 }) as BoxedStream)
        })
    }
}

impl Network {
    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }
}

/// The client's end of a connection that may break.
#[derive(Debug)]
struct BreakingStream {
    /// `None` after a reset.
    inner: Option<DuplexStream>,
    broken: Option<Break>,
    /// Bytes in both directions so far.
    passed: usize,
}

impl BreakingStream {
    /// How many of `wanted` bytes pass before the break; `None` where it has come.
    fn allowed(&mut self, wanted: usize) -> Option<usize> {
        let Some(Break { after, kind }) = self.broken else { return Some(wanted) };
        let left = after.saturating_sub(self.passed);
        if left == 0 {
            if kind == BreakKind::Reset {
                self.inner = None;
            }
            return None;
        }
        Some(left.min(wanted))
    }

    fn after_break<T>(&self) -> Poll<io::Result<T>> {
        match self.broken.map(|broken| broken.kind) {
            Some(BreakKind::Silence) => Poll::Pending,
            Some(BreakKind::Reset) | None => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }
}

impl Stream for BreakingStream {
    fn is_quiet(&self) -> bool {
        self.inner.is_some()
    }
}

impl AsyncRead for BreakingStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let allowed = this.allowed(buffer.remaining().min(IN_FLIGHT_BYTES));
        let (Some(allowed), Some(inner)) = (allowed, &mut this.inner) else {
            return this.after_break();
        };
        let mut bytes = vec![0; allowed];
        let mut part = ReadBuf::new(&mut bytes);
        std::task::ready!(Pin::new(inner).poll_read(cx, &mut part))?;
        buffer.put_slice(part.filled());
        this.passed += part.filled().len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BreakingStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let allowed = this.allowed(bytes.len());
        let (Some(allowed), Some(inner)) = (allowed, &mut this.inner) else {
            return this.after_break();
        };
        let written = std::task::ready!(Pin::new(inner).poll_write(cx, &bytes[..allowed]))?;
        this.passed += written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Some(inner) => Pin::new(inner).poll_flush(cx),
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // FIN after a silent break does not arrive either.
        if this.allowed(1).is_none() {
            return Poll::Ready(Ok(()));
        }
        match &mut this.inner {
            Some(inner) => Pin::new(inner).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
