//! The TLS handshake of a data connection, at the same time as the reply to the transfer command.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use tokio::time::{Duration, timeout};
use tokio_rustls::Connect;

use super::{
    DataStream, PeerDirection, Replies, Transfer, TransferFailure, TransferInfo,
    failure::FailedTransfer,
};
use crate::{
    certificate::Fingerprint,
    control::Control,
    dial::BoxedStream,
    error::{Error, Kind, Operation},
    stage::Stage,
    tls::{TlsFacts, session::TlsSession},
    transcript::Connection,
};

impl<'c> Transfer<'c> {
    /// Performs the handshake of a transfer whose command was sent, as soon as the connection is
    /// open.
    pub(in crate::client) async fn start(
        control: &'c mut Control,
        info: TransferInfo,
        dial: impl Future<Output = Result<BoxedStream, Kind>>,
        buffer_bytes: usize,
    ) -> Result<Self, Error> {
        let mut replies = Replies::default();
        let stream = match dialled(control, &mut replies, dial).await {
            Ok(stream) => stream,
            Err(failure) => {
                let failed = FailedTransfer { control, replies: &mut replies, info, tls: None };
                return Err(failed.before_tcp(failure).await);
            }
        };
        let connection = Connection::Data(info.number);
        control.transcript().add(connection, Stage::DataTls);
        let Some(tls) = control.tls().cloned() else {
            return Err(control.error(Kind::OutOfSync, Stage::DataTls));
        };
        let handshake = Handshake {
            connect: tls.session.handshake(stream, buffer_bytes),
            session: &tls.session,
            expected: tls.certificate.sha256,
            control,
            replies: &mut replies,
        };
        match handshake.run().await {
            Ok((stream, tls)) => {
                control.transcript().add(connection, tls.clone());
                let peer = PeerDirection::Open;
                Ok(Self { control, stream, replies, tls, peer, info, bytes: 0 })
            }
            Err(failure) => {
                let failed = FailedTransfer { control, replies: &mut replies, info, tls: None };
                Err(failed.before_tls(failure).await)
            }
        }
    }
}

/// Waits for the connection, unless the server refuses the transfer first.
async fn dialled(
    control: &mut Control,
    replies: &mut Replies,
    dial: impl Future<Output = Result<BoxedStream, Kind>>,
) -> Result<BoxedStream, TransferFailure> {
    let mut dial = pin!(dial);
    poll_fn(|cx| {
        // The connection first: if it is open already, no reply need be read yet.
        match dial.as_mut().poll(cx) {
            Poll::Ready(dialled) => Poll::Ready(dialled.map_err(TransferFailure::Data)),
            Poll::Pending => replies
                .poll(control, cx)
                .map_or_else(|failure| Poll::Ready(Err(failure)), |()| Poll::Pending),
        }
    })
    .await
}

/// A handshake under way.
struct Handshake<'a> {
    control: &'a mut Control,
    replies: &'a mut Replies,
    connect: Connect<BoxedStream>,
    session: &'a TlsSession,
    /// The certificate of the control connection.
    expected: Fingerprint,
}

impl Handshake<'_> {
    async fn run(mut self) -> Result<(DataStream, TlsFacts), TransferFailure> {
        let timeouts = *self.control.timeouts();
        // Until it sends 1yz, the server may be busy with something else.
        let after = timeouts.reply;
        let announced = timeout(after, poll_fn(|cx| self.poll_announced(cx))).await;
        let stream = match announced.unwrap_or_else(|_| Err(too_slow(after)))? {
            Some(stream) => stream,
            None => {
                let after = timeouts.tls_handshake;
                let done = timeout(after, poll_fn(|cx| self.poll_done(cx))).await;
                done.unwrap_or_else(|_| Err(too_slow(after)))?
            }
        };
        check(stream, self.expected)
    }

    /// Resolves when the handshake is done, or to `None` when the server has sent 1yz.
    fn poll_announced(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<DataStream>, TransferFailure>> {
        match self.poll_done(cx)? {
            Poll::Ready(stream) => Poll::Ready(Ok(Some(stream))),
            Poll::Pending if self.replies.any() => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Result<DataStream, TransferFailure>> {
        self.replies.poll(self.control, cx)?;
        let shaken = ready!(Pin::new(&mut self.connect).poll(cx));
        Poll::Ready(shaken.map_err(|source| {
            TransferFailure::Data(handshake_error(self.session, self.expected, source))
        }))
    }
}

fn too_slow(after: Duration) -> TransferFailure {
    TransferFailure::Data(Kind::TimedOut { operation: Operation::DataTls, after })
}

/// Why a handshake on a data connection failed.
fn handshake_error(session: &TlsSession, control: Fingerprint, source: io::Error) -> Kind {
    match session.take_refused() {
        Some(refused) => Kind::DataCertificate { control, data: refused.facts().sha256 },
        None => Kind::Handshake(source),
    }
}

/// The data connection must show the control connection's certificate. In a resumed session that is
/// the certificate of the original handshake.
fn check(
    stream: DataStream,
    control: Fingerprint,
) -> Result<(DataStream, TlsFacts), TransferFailure> {
    let (_, connection) = stream.get_ref();
    let facts = TlsFacts::of(connection).ok_or(TransferFailure::Data(Kind::OutOfSync))?;
    let shown = connection.peer_certificates().and_then(<[_]>::first);
    let shown = shown.map(Fingerprint::of).ok_or(TransferFailure::Data(Kind::OutOfSync))?;
    if shown != control {
        return Err(TransferFailure::Data(Kind::DataCertificate { control, data: shown }));
    }
    Ok((stream, facts))
}
