//! The control connection: sends commands and reads replies, one for each.
//!
//! It counts the outstanding replies. A dropped future, a timeout or an unexpected reply makes the
//! count wrong for good: then the connection is not usable any more, so that no reply is taken for
//! another command's.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    time::{Duration, Instant, Sleep, sleep, timeout, timeout_at},
};
use zeroize::Zeroizing;

use crate::{
    certificate::{CertificateChain, CertificateFacts},
    command::Command,
    config::{Config, Timeouts},
    error::{Batch, Error, Evidence, Kind, Operation},
    profile::Pipelining,
    reply::{
        Code, Reply, Severity,
        decoder::{DecodeError, Decoded, ReplyDecoder},
    },
    stage::Stage,
    target::Encryption,
    tls::{TlsFacts, session::TlsSession},
    transcript::{Status, Transcript},
};

mod reply_log;
mod stream;

use self::reply_log::ReplyLog;
pub(crate) use self::stream::{ControlStream, Recorder};

/// Bytes read at a time.
const READ_BYTES: usize = 2048;

/// Lines of replies that are read before other tasks get their turn.
const LINES_A_POLL: usize = 64;

/// Replies that are read, at most, until the one to `NOOP` arrives.
const STRAY_REPLIES: u32 = 4;

/// The control connection of a session.
#[derive(Debug)]
pub(crate) struct Control {
    stream: ControlStream,
    decoder: ReplyDecoder,
    transcript: Transcript,
    timeouts: Timeouts,
    target: (SocketAddr, Encryption),
    local: Option<std::net::IpAddr>,
    tls: Option<ControlTls>,
    opened: Instant,
    /// Commands whose final reply has not arrived.
    outstanding: u32,
    /// Preliminary replies since the last final one.
    preliminary: usize,
    max_preliminary: usize,
    reply_log: ReplyLog,
    sync: ReplySync,
    pipelining: Pipelining,
    /// Commands sent so far.
    commands: u32,
    /// Runs while a reply may have ended with another code.
    settling: Option<Pin<Box<Sleep>>>,
    data_connections: u32,
}

/// The TLS of a control connection.
#[derive(Clone, Debug)]
pub(crate) struct ControlTls {
    pub(crate) session: Arc<TlsSession>,
    pub(crate) facts: TlsFacts,
    pub(crate) certificate: CertificateFacts,
}

/// Whether replies can be matched to commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplySync {
    /// They can.
    InSync,
    /// A transfer failed: some servers send a second reply then.
    Doubtful,
    /// They cannot, or the connection is closed.
    Lost,
}

impl Control {
    /// Creates a connection on which the greeting is expected.
    pub(crate) fn new(
        stream: ControlStream,
        target: (SocketAddr, Encryption),
        config: &Config,
        pipelining: Pipelining,
        transcript: Transcript,
    ) -> Self {
        Self {
            local: stream.local_ip(),
            stream,
            decoder: ReplyDecoder::new(config.limits.reply),
            transcript,
            timeouts: config.timeouts,
            target,
            tls: None,
            opened: Instant::now(),
            // The greeting counts as a reply.
            outstanding: 1,
            preliminary: 0,
            reply_log: ReplyLog::new(config.limits.reply.log_lines_per_second),
            max_preliminary: config.limits.reply.preliminary,
            sync: ReplySync::InSync,
            pipelining,
            commands: 0,
            settling: None,
            data_connections: 0,
        }
    }

    pub(crate) fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// The server's address: data connections go there too.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.target.0
    }

    /// Our address: data connections are made from there too, since servers compare.
    pub(crate) fn local_ip(&self) -> Option<std::net::IpAddr> {
        self.local
    }

    pub(crate) fn tls(&self) -> Option<&ControlTls> {
        self.tls.as_ref()
    }

    /// All certificates that the server showed.
    pub(crate) fn chain(&self) -> CertificateChain {
        CertificateChain::of(self.stream.certificates())
    }

    pub(crate) fn set_tls(&mut self, tls: ControlTls) {
        self.tls = Some(tls);
    }

    /// Whether a command can be sent and its reply be recognised.
    pub(crate) fn is_usable(&self) -> bool {
        self.sync != ReplySync::Lost && self.outstanding == 0
    }

    /// Whether the reply to a command is outstanding.
    pub(crate) fn awaits_reply(&self) -> bool {
        self.sync != ReplySync::Lost && self.outstanding > 0
    }

    /// Notes that replies can no longer be matched to commands.
    pub(crate) fn mark_out_of_sync(&mut self) {
        self.sync = ReplySync::Lost;
    }

    /// Notes that a second reply may follow a refusal.
    pub(crate) fn mark_maybe_out_of_sync(&mut self) {
        if self.sync == ReplySync::InSync {
            self.sync = ReplySync::Doubtful;
        }
    }

    /// Commands sent so far.
    pub(crate) fn commands(&self) -> u32 {
        self.commands
    }

    /// How long the connection has been open.
    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    pub(crate) fn count_data_connection(&mut self) {
        self.data_connections = self.data_connections.saturating_add(1);
    }

    /// The evidence for an error, as of now.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            session: self.transcript.session(),
            target: Some(self.target),
            tls: self.tls.as_ref().map(|tls| tls.facts.clone()),
            client_certificate: self
                .tls
                .as_ref()
                .map(|tls| tls.session.client_certificate())
                .unwrap_or_default(),
            tickets: self.tls.as_ref().map_or(0, |tls| tls.session.tickets()),
            data_connections: self.data_connections,
            commands: self.commands,
            age: self.opened.elapsed(),
            ..Evidence::default()
        }
    }

    /// An error at a stage, with the current evidence.
    pub(crate) fn error(&self, kind: Kind, stage: Stage) -> Error {
        kind.at(stage).with_evidence(self.evidence())
    }

    /// Sends a command and returns its reply, whatever it says, unless the session ends with it.
    pub(crate) async fn exchange(
        &mut self,
        command: Command<'_>,
        stage: Stage,
    ) -> Result<Reply, Error> {
        self.send(command, stage).await?;
        let reply = self.last_reply(self.timeouts.reply, Operation::Reply).await;
        let reply = reply.map_err(|kind| self.error(kind, stage))?;
        if !command.may_get(reply.code()) {
            self.transcript.control(Status::UnexpectedReply);
            self.sync = ReplySync::Lost;
            return Err(self.error(Kind::OutOfSync, stage));
        }
        Ok(reply)
    }

    /// Sends a command whose reply must be 2yz.
    pub(crate) async fn complete(
        &mut self,
        command: Command<'_>,
        stage: Stage,
    ) -> Result<Reply, Error> {
        let reply = self.exchange(command, stage).await?;
        self.expect(reply, Severity::Completion, command, stage)
    }

    /// The reply if it has that severity, else an error.
    pub(crate) fn expect(
        &self,
        reply: Reply,
        severity: Severity,
        command: Command<'_>,
        stage: Stage,
    ) -> Result<Reply, Error> {
        let verb = command.verb();
        if reply.code().severity() == severity {
            Ok(reply)
        } else if reply.code().is_refusal() {
            Err(self.error(Kind::Refused { verb, reply }, stage))
        } else {
            Err(self.error(Kind::Unexpected { verb, reply }, stage))
        }
    }

    /// Sends commands in one batch and returns their replies in order: one round trip for all.
    ///
    /// RFC 959 §5.4 has a client wait for each reply, but most servers read the next command when
    /// they are done with the last. For those that do not, the fallback is [`Pipelining::Off`].
    pub(crate) fn batch(
        &mut self,
        commands: &[Command<'_>],
        stage: Stage,
    ) -> impl Future<Output = Result<Vec<Reply>, Error>> {
        self.batch_with_digest(commands, self.timeouts.batch, stage)
    }

    /// Sends commands as [`Self::batch`] does. The server may take `digest` for the digest of a file: it
    /// reads the file for it.
    pub(crate) async fn batch_with_digest(
        &mut self,
        commands: &[Command<'_>],
        digest: Duration,
        stage: Stage,
    ) -> Result<Vec<Reply>, Error> {
        let together = match self.pipelining {
            Pipelining::On => commands.len().max(1),
            Pipelining::Off => 1,
        };
        let mut replies = Vec::with_capacity(commands.len());
        for commands in commands.chunks(together) {
            self.make_ready(stage).await?;
            let sent = self.write(commands).await;
            sent.map_err(|kind| self.error(kind, stage))?;
            self.replies_to(commands, digest, &mut replies, stage).await?;
        }
        Ok(replies)
    }

    async fn replies_to(
        &mut self,
        commands: &[Command<'_>],
        digest: Duration,
        replies: &mut Vec<Reply>,
        stage: Stage,
    ) -> Result<(), Error> {
        for (index, command) in commands.iter().enumerate() {
            // A server that replied to the first and lost the others stays silent for good.
            let within = match (index, command) {
                (_, Command::Hash(_) | Command::XDigest(..)) => digest,
                (0, _) => self.timeouts.reply,
                _ => self.timeouts.batch,
            };
            let kind = match self.last_reply(within, Operation::Reply).await {
                Ok(reply) if commands.len() == 1 || command.may_get(reply.code()) => {
                    replies.push(reply);
                    continue;
                }
                // Some servers reply in another order.
                Ok(_misplaced) => {
                    self.transcript.control(Status::MisplacedReply);
                    self.sync = ReplySync::Lost;
                    Kind::OutOfSync
                }
                Err(kind) => kind,
            };
            let batch = Batch { commands: commands.len(), answered: index };
            let mut evidence = self.evidence();
            evidence.batch = (commands.len() > 1).then_some(batch);
            return Err(kind.at(stage).with_evidence(evidence));
        }
        Ok(())
    }

    /// Sends a command. Its reply is outstanding from then on.
    pub(crate) async fn send(&mut self, command: Command<'_>, stage: Stage) -> Result<(), Error> {
        self.make_ready(stage).await?;
        let sent = self.write(&[command]).await;
        sent.map_err(|kind| self.error(kind, stage))
    }

    /// Sends a command during another one's transfer, to a server that is known to accept that: its
    /// reply follows the transfer's.
    pub(crate) async fn send_pipelined(&mut self, command: Command<'_>) -> Result<(), Kind> {
        self.write(&[command]).await
    }

    /// Makes sure that replies can be matched and that none has arrived unsolicited.
    async fn make_ready(&mut self, stage: Stage) -> Result<(), Error> {
        if self.sync == ReplySync::Doubtful {
            self.resynchronise(stage).await?;
        }
        if !self.is_usable() {
            return Err(self.error(Kind::OutOfSync, stage));
        }
        self.refuse_unsolicited(stage).await
    }

    async fn write(&mut self, commands: &[Command<'_>]) -> Result<(), Kind> {
        self.reply_log.flush(&self.transcript);
        let mut bytes = Zeroizing::new(Vec::new());
        for command in commands {
            // Counted before the first byte: if this future is dropped, the reply stays
            // outstanding.
            self.outstanding += 1;
            self.commands = self.commands.saturating_add(1);
            self.transcript.control(command.line());
            match bytes.is_empty() {
                true => bytes = command.encode(),
                // A command with a secret is sent alone: a growing buffer leaves copies behind.
                false => bytes.extend_from_slice(&command.encode()),
            }
        }
        let after = self.timeouts.reply;
        let written = timeout(after, async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(self.broken(source).await),
            Err(_) => Err(Kind::TimedOut { operation: Operation::Control, after }),
        }
    }

    /// A write failed. If the server sent the reason before it closed, that is the error; it has
    /// arrived, but may not have been read yet.
    async fn broken(&mut self, source: io::Error) -> Kind {
        self.sync = ReplySync::Lost;
        match timeout(self.timeouts.settle, self.reply()).await {
            Ok(Ok(reply) | Err(Kind::Ended { reply })) => Kind::Ended { reply },
            Ok(Err(said)) if said.alert().is_some() => said,
            Ok(Err(_)) | Err(_) => Kind::Io { operation: Operation::Control, source },
        }
    }

    /// Fails if something has arrived while no command was outstanding.
    async fn refuse_unsolicited(&mut self, stage: Stage) -> Result<(), Error> {
        match poll_fn(|cx| Poll::Ready(self.poll_unsolicited(cx))).await {
            Poll::Pending => Ok(()),
            Poll::Ready(kind) => Err(self.error(kind, stage)),
        }
    }

    /// Takes what arrived while no command was outstanding: the end of the session, or an unsolicited
    /// reply.
    pub(crate) fn take_unsolicited(&mut self) -> Option<Kind> {
        if !self.is_usable() {
            return None;
        }
        match self.poll_unsolicited(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(kind) => Some(kind),
            Poll::Pending => None,
        }
    }

    /// Waits for what arrives while no command is outstanding: the end of the session, or an
    /// unsolicited reply.
    pub(crate) async fn idle(&mut self) -> Kind {
        if !self.is_usable() {
            return Kind::OutOfSync;
        }
        poll_fn(|cx| self.poll_unsolicited(cx)).await
    }

    fn poll_unsolicited(&mut self, cx: &mut Context<'_>) -> Poll<Kind> {
        let came = ready!(self.poll_reply(cx));
        if came.is_ok() {
            self.transcript.control(Status::UnexpectedReply);
        }
        self.sync = ReplySync::Lost;
        Poll::Ready(came.err().unwrap_or(Kind::OutOfSync))
    }

    /// Waits for the next reply that is not preliminary, at most for `after`.
    pub(crate) async fn last_reply(
        &mut self,
        after: Duration,
        operation: Operation,
    ) -> Result<Reply, Kind> {
        let deadline = Instant::now() + after;
        loop {
            let reply = timeout_at(deadline, self.reply()).await;
            let reply = reply.map_err(|_| Kind::TimedOut { operation, after })??;
            if reply.code().severity() != Severity::Preliminary {
                return Ok(reply);
            }
        }
    }

    /// Waits for the next reply. Cancel safe.
    async fn reply(&mut self) -> Result<Reply, Kind> {
        poll_fn(|cx| self.poll_reply(cx)).await
    }

    /// Polls for the next reply; 421 and the end of the connection are errors.
    pub(crate) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Kind>> {
        let reply = ready!(self.poll_any_reply(cx)).inspect_err(|_| self.end())?;
        if reply.code() == Code::CLOSING {
            self.sync = ReplySync::Lost;
            return Poll::Ready(Err(Kind::Ended { reply }));
        }
        if reply.code().severity() != Severity::Preliminary {
            self.outstanding = self.outstanding.saturating_sub(1);
            self.preliminary = 0;
            return Poll::Ready(Ok(reply));
        }
        self.preliminary += 1;
        if self.preliminary > self.max_preliminary {
            self.end();
            let limit = self.max_preliminary;
            return Poll::Ready(Err(Kind::Malformed(DecodeError::TooManyPreliminary { limit })));
        }
        Poll::Ready(Ok(reply))
    }

    /// Notes that no further reply can be read.
    fn end(&mut self) {
        self.sync = ReplySync::Lost;
        self.reply_log.flush(&self.transcript);
    }

    /// Whether the server has sent a part of the reply that is outstanding: some bytes, or a preliminary
    /// reply.
    pub(crate) fn is_being_answered(&self) -> bool {
        self.preliminary > 0 || !self.decoder.is_empty()
    }

    fn poll_any_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Kind>> {
        let mut lines = 0;
        loop {
            if lines == LINES_A_POLL {
                // Other tasks get their turn before the next lines.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.decoder.decode().map_err(Kind::Malformed)? {
                Some(Decoded::ReplyLine(line)) => {
                    lines += 1;
                    self.reply_log.add(line, &self.transcript);
                }
                Some(Decoded::Reply(reply)) => {
                    self.settling = None;
                    return Poll::Ready(Ok(reply));
                }
                None => match self.poll_fill(cx) {
                    Poll::Ready(filled) => filled?,
                    Poll::Pending => return self.poll_settled(cx).map(Ok),
                },
            }
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Kind>> {
        let mut bytes = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
        self.settling = None;
        Poll::Ready(match read {
            Ok(()) if buffer.filled().is_empty() => Err(Kind::Closed),
            Ok(()) => {
                self.decoder.push(buffer.filled());
                Ok(())
            }
            // Many servers close without close_notify.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Kind::Closed),
            Err(source) => Err(Kind::Io { operation: Operation::Control, source }),
        })
    }

    /// Ends a reply whose last line has another code, once nothing more has arrived for a while.
    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        if !self.decoder.ends_with_another_code() {
            return Poll::Pending;
        }
        let after = self.timeouts.settle;
        let settling = self.settling.get_or_insert_with(|| Box::pin(sleep(after)));
        ready!(settling.as_mut().poll(cx));
        self.settling = None;
        match self.decoder.end_here() {
            Some(reply) => {
                self.transcript.control(Status::OtherCodeEndsReply);
                Poll::Ready(reply)
            }
            None => Poll::Pending,
        }
    }

    /// After a failed transfer: sends `NOOP` and skips replies until its own arrives.
    pub(crate) async fn resynchronise(&mut self, stage: Stage) -> Result<(), Error> {
        if self.sync == ReplySync::Doubtful {
            self.sync = ReplySync::InSync;
        }
        if !self.is_usable() {
            return Err(self.error(Kind::OutOfSync, stage));
        }
        self.transcript.control(Status::Resynchronising);
        let found = self.find_reply_to_noop().await;
        if found.is_err() {
            self.sync = ReplySync::Lost;
        }
        found.map_err(|kind| self.error(kind, stage))
    }

    async fn find_reply_to_noop(&mut self) -> Result<(), Kind> {
        self.write(&[Command::Noop]).await?;
        for _ in 0..STRAY_REPLIES {
            let reply = self.last_reply(self.timeouts.abort, Operation::Reply).await?;
            // A late 226 or 250 is the transfer's.
            let fits = Command::Noop.may_get(reply.code()) && reply.code().value() != 250;
            if fits && reply.code().severity() == Severity::Completion {
                self.outstanding = 0;
                return Ok(());
            }
            self.transcript.control(Status::UnexpectedReply);
        }
        Err(Kind::OutOfSync)
    }

    /// Takes the plain connection out to start TLS on it.
    ///
    /// The server must have sent nothing after its reply: unencrypted bytes are not part of the TLS
    /// session (RFC 4217 §4), and may have been injected.
    pub(crate) fn take_plain(&mut self) -> Result<Recorder, Kind> {
        if !self.decoder.is_empty() {
            return Err(Kind::BytesAfterAuth { count: self.decoder.held() });
        }
        self.stream.take_plain().ok_or(Kind::OutOfSync)
    }

    /// Continues over TLS.
    pub(crate) fn put_tls(&mut self, stream: tokio_rustls::client::TlsStream<Recorder>) {
        self.stream = ControlStream::Tls(Box::new(stream));
    }

    /// Logs out, within a short time limit.
    pub(crate) async fn quit(mut self) {
        let within = self.timeouts.quit;
        // The session is over in any case.
        let _ = timeout(within, async {
            if self.is_usable() && self.write(&[Command::Quit]).await.is_ok() {
                let _ = self.last_reply(within, Operation::Reply).await;
            }
            let _ = self.stream.shutdown().await;
        })
        .await;
    }
}
