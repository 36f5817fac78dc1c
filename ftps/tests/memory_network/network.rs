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

use tokio_rustls::TlsAcceptor;

use super::faults::{Break, BreakKind, Fate, Fault};
use ftps::dial::{BoxedStream, Dial, Dialling, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::oneshot,
};

/// Bytes that a connection holds on their way, in each direction.
const IN_FLIGHT_BYTES: usize = 8 * 1024;

/// The port of the control connection.
pub(crate) const CONTROL_PORT: u16 = 21;

/// A server that clients connect to over a [`Network`].
pub(crate) trait Host: Send + Sync + Sized + 'static {
    /// The TLS of its connections.
    fn acceptor(&self) -> &TlsAcceptor;

    /// Adds a line to the log.
    fn note(&self, line: String);

    /// Chooses what goes wrong with a command.
    fn fault_of(&self, verb: &str) -> Option<Fault>;

    /// Chooses the fate of a connection before it is made.
    fn fate_of_connection(&self, is_control: bool) -> Fate;

    /// Serves a control connection to its end.
    fn serve(
        network: Arc<Network<Self>>,
        control: DuplexStream,
    ) -> impl Future<Output = ()> + Send + 'static;
}

/// Makes the connections to a host.
pub(crate) struct Network<H> {
    host: Arc<H>,
    ports: Mutex<HashMap<u16, oneshot::Sender<DuplexStream>>>,
    last_port: AtomicU16,
}

impl<H> Network<H> {
    pub(crate) fn new(host: Arc<H>) -> Arc<Self> {
        Arc::new(Self { host, ports: Mutex::default(), last_port: AtomicU16::new(1024) })
    }

    /// Opens a port for one data connection.
    pub(crate) fn open_port(&self) -> (u16, oneshot::Receiver<DuplexStream>) {
        let port = self.last_port.fetch_add(1, Ordering::Relaxed);
        let (opened, connected) = oneshot::channel();
        self.ports.lock().unwrap().insert(port, opened);
        (port, connected)
    }

    pub(crate) fn host(&self) -> &Arc<H> {
        &self.host
    }
}

/// Dials over a network.
pub(crate) struct Dialler<H>(pub(crate) Arc<Network<H>>);

impl<H> fmt::Debug for Dialler<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialler")
    }
}

impl<H: Host> Dial for Dialler<H> {
    fn dial(&self, address: SocketAddr, _from: Option<IpAddr>) -> Dialling<'_> {
        let network = Arc::clone(&self.0);
        Box::pin(async move {
            let port = address.port();
            let broken = match network.host.fate_of_connection(port == CONTROL_PORT) {
                Fate::Refused => return Err(io::ErrorKind::ConnectionRefused.into()),
                Fate::Unanswered => std::future::pending().await,
                Fate::Connected(broken) => broken,
            };
            let (client, server) = tokio::io::duplex(IN_FLIGHT_BYTES);
            if port == CONTROL_PORT {
                tokio::spawn(H::serve(Arc::clone(&network), server));
            } else {
                let opened = network.ports.lock().unwrap().remove(&port);
                let opened = opened.ok_or(io::ErrorKind::ConnectionRefused)?;
                opened.send(server).map_err(|_| io::ErrorKind::ConnectionRefused)?;
            }
            Ok(Box::new(BreakingStream { inner: Some(client), broken, passed: 0 }) as BoxedStream)
        })
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
