//! One transfer: a data connection and the replies that belong to it, driven at the same time.
//!
//! While bytes go one way over the data connection, three things are watched: the other direction,
//! since TLS 1.3 tickets arrive there and the next data connection needs one; the control
//! connection, since the server may refuse at any moment; and the clock.
//!
//! - `handshake`: the start.
//! - this module: writing, reading, finishing, aborting.
//! - `failure`: turns failures of a transfer into errors.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Duration, timeout},
};

use tokio_rustls::client::TlsStream;

use self::failure::FailedTransfer;
use crate::{
    command::Command,
    control::Control,
    dial::BoxedStream,
    error::{Error, Kind, Operation},
    reply::{Reply, Severity},
    stage::Stage,
    tls::TlsFacts,
    transcript::{Connection, Status},
};

mod failure;
mod handshake;

/// Bytes read from a listing at a time.
pub(super) const READ_BYTES: usize = 16 * 1024;

/// Bytes read at a time from the server's direction of an upload, where nothing but TLS records arrives.
const DRAIN_BYTES: usize = 512;

/// The stream of a data connection.
type DataStream = TlsStream<BoxedStream>;

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Transfer<'c> {
    control: &'c mut Control,
    stream: DataStream,
    replies: Replies,
    tls: TlsFacts,
    peer: PeerDirection,
    /// The data connection's place in the transcript and in errors.
    info: TransferInfo,
    bytes: u64,
}

/// What describes a transfer in the transcript and in its errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransferInfo {
    /// The command that started it.
    pub(super) verb: &'static str,
    /// The stage of its errors once the data connection is open.
    pub(super) stage: Stage,
    /// The port of its data connection.
    pub(super) port: u16,
    /// The number of its data connection.
    pub(super) number: u32,
}

/// A transfer that the server confirmed.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) reply: Reply,
    /// The reply to the pipelined command.
    pub(super) answer: Option<Reply>,
    /// Bytes of content that went over the data connection.
    pub(super) bytes: u64,
    pub(super) tls: TlsFacts,
}

/// The replies to a transfer command so far.
#[derive(Debug, Default)]
struct Replies {
    /// 1yz arrived: the server starts.
    started: bool,
    /// 2yz arrived: the server is done.
    done: Option<Reply>,
}

/// The server's direction of the data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerDirection {
    Open,
    Ended,
}

/// How a transfer failed, before the server's final reply is known.
#[derive(Debug)]
enum TransferFailure {
    /// The server refused it.
    Refused(Reply),
    /// The control connection failed: there is no final reply.
    Control(Kind),
    /// The data connection failed: the server's reply may say why.
    Data(Kind),
}

impl Replies {
    /// Reads the replies that have arrived; a refusal is a failure.
    fn poll(&mut self, control: &mut Control, cx: &mut Context<'_>) -> Result<(), TransferFailure> {
        while self.done.is_none() {
            match control.poll_reply(cx) {
                Poll::Pending => break,
                Poll::Ready(Err(kind)) => return Err(TransferFailure::Control(kind)),
                Poll::Ready(Ok(reply)) => self.take(reply)?,
            }
        }
        Ok(())
    }

    /// Whether the server has replied at all.
    fn any(&self) -> bool {
        self.started || self.done.is_some()
    }

    /// 1yz may arrive once, never or several times (RFC 959 §5.4 requires one); the control connection
    /// limits their number.
    fn take(&mut self, reply: Reply) -> Result<(), TransferFailure> {
        match reply.code().severity() {
            Severity::Preliminary => self.started = true,
            Severity::Completion => self.done = Some(reply),
            Severity::Intermediate | Severity::TransientFailure | Severity::PermanentFailure => {
                return Err(TransferFailure::Refused(reply));
            }
        }
        Ok(())
    }
}

impl<'c> Transfer<'c> {
    /// The TLS of the data connection.
    pub(super) fn tls(&self) -> &TlsFacts {
        &self.tls
    }

    /// Bytes of content that were read, or written to the data connection and its buffers.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes some of the bytes and returns how many.
    pub(super) async fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let stall = self.control.timeouts().stall;
        let written = timeout(stall, poll_fn(|cx| self.poll_write(cx, bytes))).await;
        match written.unwrap_or_else(|_| Err(stalled(stall))) {
            Ok(written) => {
                self.bytes += written as u64;
                Ok(written)
            }
            Err(failure) => Err(self.fail(failure).await),
        }
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, TransferFailure>> {
        self.poll_watch(cx)?;
        if let Some(reply) = self.replies.done.take() {
            return Poll::Ready(Err(TransferFailure::Control(Kind::EndedEarly { reply })));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        written.map_err(|source| TransferFailure::Data(data_io(source)))
    }

    /// Drives the transfer with nothing to write, until it fails.
    pub(super) async fn watch(&mut self) -> Error {
        let failure = poll_fn(|cx| match self.poll_flush(cx) {
            Ok(()) => Poll::Pending,
            Err(failure) => Poll::Ready(failure),
        });
        let failure = failure.await;
        self.fail(failure).await
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<(), TransferFailure> {
        self.poll_watch(cx)?;
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Err(source)) => Err(TransferFailure::Data(data_io(source))),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Reads replies, and the data connection's other direction, where nothing but TLS records may
    /// arrive.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Result<(), TransferFailure> {
        self.replies.poll(self.control, cx)?;
        while self.peer == PeerDirection::Open {
            let mut bytes = [0; DRAIN_BYTES];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    self.peer = PeerDirection::Ended;
                }
                Poll::Ready(Ok(())) => return Err(TransferFailure::Data(Kind::UnexpectedData)),
                Poll::Ready(Err(source)) => {
                    self.peer = PeerDirection::Ended;
                    if source.kind() != io::ErrorKind::UnexpectedEof {
                        return Err(TransferFailure::Data(data_io(source)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads some bytes; 0 at the end. Once the server has confirmed the transfer, the data connection
    /// needs no end: silence ends it.
    ///
    /// # Cancel safety
    /// Cancel safe: no byte is lost.
    pub(super) async fn read_some(&mut self, bytes: &mut [u8]) -> Result<usize, Error> {
        let timeouts = *self.control.timeouts();
        loop {
            let is_confirmed = self.replies.done.is_some();
            let within = if is_confirmed { timeouts.drain } else { timeouts.stall };
            let read = poll_fn(|cx| match self.poll_read(cx, bytes) {
                // Confirmed just now: the rest has less time.
                Poll::Pending if self.replies.done.is_some() != is_confirmed => {
                    Poll::Ready(Ok(None))
                }
                read => read.map_ok(Some),
            });
            match timeout(within, read).await {
                Ok(Ok(Some(read))) => {
                    self.bytes += read as u64;
                    return Ok(read);
                }
                Ok(Ok(None)) => (),
                Ok(Err(failure)) => return Err(self.fail(failure).await),
                Err(_) if is_confirmed => {
                    self.peer = PeerDirection::Ended;
                    return Ok(0);
                }
                Err(_) => return Err(self.fail(stalled(within)).await),
            }
        }
    }

    /// Ends a transfer that is too slow.
    pub(super) async fn give_up(&mut self, after: Duration) -> Error {
        self.fail(stalled(after)).await
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<Result<usize, TransferFailure>> {
        self.replies.poll(self.control, cx)?;
        let mut buffer = ReadBuf::new(bytes);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
        match read {
            Ok(()) => (),
            // The server's reply tells whether the listing is complete.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.log(Status::NoCloseNotify);
            }
            Err(source) => return Poll::Ready(Err(TransferFailure::Data(data_io(source)))),
        }
        let read = buffer.filled().len();
        if read == 0 {
            self.peer = PeerDirection::Ended;
        }
        Poll::Ready(Ok(read))
    }

    /// Closes our direction of the data connection and waits for both the server's close and its
    /// last reply, in either order.
    ///
    /// close_notify, then FIN, then reading on: a server whose connection is reset while it still
    /// sends may lose the end of the file.
    pub(super) async fn finish(self) -> Result<Finished, Error> {
        self.finish_and_pipeline(None).await
    }

    /// The same, with a command that is sent before the reply arrives.
    pub(super) async fn finish_and_pipeline(
        mut self,
        behind: Option<Command<'_>>,
    ) -> Result<Finished, Error> {
        let finished = self.close_and_confirm(behind).await;
        match finished {
            Ok((reply, answer)) => {
                self.control.count_data_connection();
                self.log(Status::Transferred { bytes: self.bytes });
                Ok(Finished { reply, answer, bytes: self.bytes, tls: self.tls })
            }
            Err(failure) => {
                self.info.stage = self.info.stage_after_last_byte();
                let error = self.fail(failure).await;
                if behind.is_none() {
                    return Err(error);
                }
                // Replies can no longer be matched to commands.
                self.control.mark_out_of_sync();
                // The server supports the transfer command: this reply is to the other command, out
                // of order, and says nothing about the file.
                match error.is_not_supported() {
                    true => Err(self.control.error(Kind::OutOfSync, self.info.stage)),
                    false => Err(error),
                }
            }
        }
    }

    async fn close_and_confirm(
        &mut self,
        behind: Option<Command<'_>>,
    ) -> Result<(Reply, Option<Reply>), TransferFailure> {
        let timeouts = *self.control.timeouts();
        let closed = timeout(timeouts.stall, poll_fn(|cx| self.poll_close(cx)));
        closed.await.unwrap_or_else(|_| Err(stalled(timeouts.stall)))?;
        if let Some(command) = behind {
            self.control.send_pipelined(command).await.map_err(TransferFailure::Control)?;
        }
        let reply = self.confirmed(timeouts.final_reply).await?;
        // The server has replied; some wait for us to close, so this wait is short.
        let _ = timeout(timeouts.drain, poll_fn(|cx| self.poll_drained(cx))).await;
        let answer = match behind {
            Some(_) => self.control.last_reply(timeouts.batch, Operation::Reply).await.ok(),
            None => None,
        };
        Ok((reply, answer))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransferFailure>> {
        self.poll_watch(cx)?;
        let closed = Pin::new(&mut self.stream).poll_shutdown(cx);
        closed.map(|closed| match closed {
            Ok(()) => Ok(()),
            // A listing was read completely: a failing close loses nothing.
            Err(_) if self.info.stage == Stage::List => Ok(()),
            Err(source) => Err(TransferFailure::Data(data_io(source))),
        })
    }

    /// Waits for the reply that ends the transfer, 2yz: usually 226.
    async fn confirmed(&mut self, after: Duration) -> Result<Reply, TransferFailure> {
        let confirmed = timeout(after, poll_fn(|cx| self.poll_confirmed(cx))).await;
        confirmed.unwrap_or(Err(TransferFailure::Control(Kind::TimedOut {
            operation: Operation::FinalReply,
            after,
        })))
    }

    fn poll_confirmed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, TransferFailure>> {
        match self.poll_watch(cx) {
            // Our direction is closed: a reset is the server's way to close its own.
            Ok(()) | Err(TransferFailure::Data(Kind::Io { .. })) => (),
            Err(failure) => return Poll::Ready(Err(failure)),
        }
        match self.replies.done.take() {
            Some(reply) => Poll::Ready(Ok(reply)),
            None => Poll::Pending,
        }
    }

    /// Waits until the server has closed its direction.
    fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.peer == PeerDirection::Open {
            let mut bytes = [0; DRAIN_BYTES];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => (),
                Poll::Ready(_) => self.peer = PeerDirection::Ended,
            }
        }
        Poll::Ready(())
    }

    /// Closes the data connection early and matches commands and replies again.
    ///
    /// Sends no close_notify, so that the server can tell that the file is incomplete.
    pub(super) async fn abort(self) -> Result<(), Error> {
        let Self { control, stream, replies, info, .. } = self;
        control.transcript().add(Connection::Data(info.number), Status::Aborted);
        drop(stream);
        if replies.done.is_none() && control.awaits_reply() {
            let within = control.timeouts().abort;
            let last = control.last_reply(within, Operation::FinalReply).await;
            if let Err(kind) = last {
                control.mark_out_of_sync();
                return Err(control.error(kind, info.stage));
            }
        }
        control.mark_maybe_out_of_sync();
        control.resynchronise(info.stage).await
    }

    /// Ends the transfer early, as if the file ended here, so that the server keeps it: some delete
    /// the file of an aborted transfer. Takes at most [`Timeouts::abort`](crate::Timeouts::abort).
    pub(super) async fn suspend(mut self) -> Result<(), Error> {
        self.log(Status::Suspended { bytes: self.bytes });
        let after = self.control.timeouts().abort;
        let closed = timeout(after, self.close_and_confirm(None)).await;
        let too_slow =
            TransferFailure::Control(Kind::TimedOut { operation: Operation::FinalReply, after });
        match closed.unwrap_or(Err(too_slow)) {
            Ok(_) => {
                self.control.count_data_connection();
                Ok(())
            }
            // Whether the server accepts the end no longer matters.
            Err(failure) => {
                self.info.stage = self.info.stage_after_last_byte();
                Err(self.fail(failure).await)
            }
        }
    }

    fn log(&self, status: Status) {
        self.control.transcript().add(Connection::Data(self.info.number), status);
    }

    async fn fail(&mut self, failure: TransferFailure) -> Error {
        let tls = Some(self.tls.clone());
        let info = self.info;
        let failed =
            FailedTransfer { control: self.control, replies: &mut self.replies, info, tls };
        failed.after_tls(failure).await
    }
}

impl TransferInfo {
    fn stage_after_last_byte(self) -> Stage {
        if self.stage == Stage::Transfer { Stage::Verify } else { self.stage }
    }
}

fn data_io(source: io::Error) -> Kind {
    Kind::Io { operation: Operation::Data, source }
}

fn stalled(after: Duration) -> TransferFailure {
    TransferFailure::Data(Kind::TimedOut { operation: Operation::Data, after })
}
