//! The stream of the control connection: plain at first, TLS later.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use crate::{dial::BoxedStream, reply::decoder::EVIDENCE_BYTES};

/// The stream of a control connection.
#[derive(Debug)]
pub(crate) enum ControlStream {
    /// Before `AUTH`.
    Plain(Recorder),
    /// From the TLS handshake on.
    Tls(Box<TlsStream<Recorder>>),
    /// During the TLS handshake, and for good if it fails.
    Taken,
}

impl ControlStream {
    /// The local address.
    pub(crate) fn local_ip(&self) -> Option<IpAddr> {
        match self {
            Self::Plain(recorder) => recorder.stream.local_ip(),
            Self::Tls(tls) => tls.get_ref().0.stream.local_ip(),
            Self::Taken => None,
        }
    }

    /// The certificates that the server showed, its own first.
    pub(crate) fn certificates(&self) -> &[CertificateDer<'static>] {
        match self {
            Self::Tls(tls) => tls.get_ref().1.peer_certificates().unwrap_or_default(),
            Self::Plain(_) | Self::Taken => &[],
        }
    }

    /// Takes the plain stream, if TLS has not started.
    pub(crate) fn take_plain(&mut self) -> Option<Recorder> {
        match std::mem::replace(self, Self::Taken) {
            Self::Plain(recorder) => Some(recorder),
            Self::Tls(_) | Self::Taken => None,
        }
    }
}

impl AsyncRead for ControlStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(recorder) => Pin::new(recorder).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
            Self::Taken => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for ControlStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(recorder) => Pin::new(recorder).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            Self::Taken => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(recorder) => Pin::new(recorder).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Self::Taken => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(recorder) => Pin::new(recorder).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Self::Taken => Poll::Ready(Ok(())),
        }
    }
}

/// A stream that keeps the first bytes received, at most [`EVIDENCE_BYTES`].
///
/// When a TLS handshake fails, they show the server's protocol.
#[derive(Debug)]
pub(crate) struct Recorder {
    stream: BoxedStream,
    start: Vec<u8>,
}

impl Recorder {
    pub(crate) fn new(stream: BoxedStream) -> Self {
        Self { stream, start: Vec::new() }
    }

    /// The first bytes received.
    pub(crate) fn into_start(self) -> Vec<u8> {
        self.start
    }

    /// The first bytes received, and those that have arrived but were not read, at most
    /// [`EVIDENCE_BYTES`] each. Waits for nothing.
    pub(crate) fn into_start_and_unread(self) -> (Vec<u8>, Vec<u8>) {
        let mut unread = [0; EVIDENCE_BYTES];
        let read = self.stream.read_arrived(&mut unread);
        let unread = unread.get(..read.unwrap_or_default()).unwrap_or_default();
        (self.start, unread.to_vec())
    }
}

impl AsyncRead for Recorder {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let came = buffer.filled().get(before..).unwrap_or_default();
        let missing = EVIDENCE_BYTES.saturating_sub(this.start.len());
        this.start.extend(came.iter().take(missing));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recorder {
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
