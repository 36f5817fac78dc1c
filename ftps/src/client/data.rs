//! Opens a data connection: `EPSV` or `PASV`, TCP, the transfer command, TLS.
//!
//! The TLS handshake starts right after the command was sent and runs at the same time as the wait
//! for its reply: some servers want TLS before they reply, some start TLS only once they have the
//! command.

use std::{
    future::ready,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::time::{Duration, Instant};

use super::{
    Client,
    transfer::{Transfer, TransferInfo},
};
use crate::{
    command::Command,
    dial::{BoxedStream, Outgoing},
    error::{Error, Kind, Operation},
    passive::{self, PassiveEndpoint},
    profile::{DataPorts, PassiveMode, PipelineDuringTransfer, Pipelining},
    reply::{Reply, Severity},
    stage::Stage,
    transcript::{Connection, Status},
};

/// How long a prefetched port is used. Servers close it after about 60 s.
const PREFETCHED_FOR: Duration = Duration::from_secs(30);

/// A connection to a data port, before TLS.
#[derive(Debug)]
pub(super) struct DialledPort {
    stream: BoxedStream,
    port: u16,
    number: u32,
}

/// How a transfer starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransferStart {
    /// The offset in the file, in bytes; sent as `REST` unless it is 0.
    pub(super) offset: u64,
    /// The stage of an error when the server refuses.
    pub(super) stage: Stage,
}

/// A data port that the server named before the transfer was requested.
#[derive(Clone, Copy, Debug)]
pub(super) struct PrefetchedPort {
    endpoint: PassiveEndpoint,
    at: Instant,
}

impl Client {
    /// Opens a data connection and starts a transfer over it.
    ///
    /// Where a data port of the host was reached before, the command is sent before the TCP
    /// connection is open, which saves one round trip. Until then the connection is opened first: a
    /// server that waits for a connection which never comes accepts no other command.
    pub(super) async fn transfer(
        &mut self,
        command: Command<'_>,
        start: TransferStart,
    ) -> Result<Transfer<'_>, Error> {
        self.transcript().control(Stage::DataConnection);
        if let Some(DialledPort { stream, port, number }) = self.take_dialled() {
            let info = TransferInfo { verb: command.verb(), stage: start.stage, port, number };
            self.send_transfer_command(command, start).await?;
            return self.start(info, ready(Ok(stream))).await;
        }
        match self.profile.get().data_ports {
            DataPorts::Untried => {
                let DialledPort { stream, port, number } = self.dial_data().await?;
                let info = TransferInfo { verb: command.verb(), stage: start.stage, port, number };
                self.send_transfer_command(command, start).await?;
                self.start(info, ready(Ok(stream))).await
            }
            DataPorts::Reached => {
                let endpoint = self.data_endpoint().await?;
                let (number, port) = (self.next_number(), endpoint.port);
                let info = TransferInfo { verb: command.verb(), stage: start.stage, port, number };
                self.send_transfer_command(command, start).await?;
                let dial = self.dial(number, endpoint);
                self.start(info, dial).await
            }
        }
    }

    /// Sends commands in one batch and, where the next data port is known, opens the next data
    /// connection at the same time. See [`Self::batch`].
    pub(crate) async fn batch_and_dial(
        &mut self,
        commands: &[Command<'_>],
        digest_bytes: u64,
        stage: Stage,
    ) -> Result<Vec<Reply>, Error> {
        let Some(endpoint) = self.take_prefetched_port() else {
            return self.batch(commands, digest_bytes, stage).await;
        };
        let digest = self.config.digest_deadline(digest_bytes);
        let (number, port) = (self.next_number(), endpoint.port);
        let dial = self.dial(number, endpoint);
        let batch = self.control.batch_with_digest(commands, digest, stage);
        let (replies, stream) = tokio::join!(batch, dial);
        // A connection that failed is made again when it is needed.
        let at = Instant::now();
        self.dialled = stream.ok().map(|stream| (DialledPort { stream, port, number }, at));
        replies
    }

    fn take_dialled(&mut self) -> Option<DialledPort> {
        let (dialled, at) = self.dialled.take()?;
        (at.elapsed() < PREFETCHED_FOR && dialled.stream.is_quiet()).then_some(dialled)
    }

    fn take_prefetched_port(&mut self) -> Option<PassiveEndpoint> {
        let prefetched = self.prefetched_port.take()?;
        (prefetched.at.elapsed() < PREFETCHED_FOR).then_some(prefetched.endpoint)
    }

    /// Whether the next data connection is open, or its port is known.
    pub(crate) fn has_prefetched(&self) -> bool {
        self.prefetched_port.is_some() || self.dialled.is_some()
    }

    /// Whether the server accepts a command during a transfer and replies to it after the transfer.
    /// Pure-FTPd drops the command, `ProFTPD` replies to it before the transfer. Decided by the
    /// greeting, never tried.
    pub(crate) fn pipelines_during_transfer(&self) -> bool {
        let known = ["vsftpd", "filezilla server"];
        let profile = self.profile.get();
        profile.pipelining == Pipelining::On
            && profile.pipeline_during_transfer == PipelineDuringTransfer::ByBanner
            && known.iter().any(|name| self.facts.banner.mentions(name))
    }

    async fn send_transfer_command(
        &mut self,
        command: Command<'_>,
        start: TransferStart,
    ) -> Result<(), Error> {
        if start.offset > 0 {
            self.restart_at(start.offset, start.stage).await?;
        } else if std::mem::take(&mut self.restarted) {
            // The reply does not matter: a server that refuses has no offset to reset.
            self.control.exchange(Command::Rest(0), start.stage).await?;
        }
        self.control.send(command, start.stage).await
    }

    async fn start(
        &mut self,
        info: TransferInfo,
        dial: impl Future<Output = Result<BoxedStream, Kind>>,
    ) -> Result<Transfer<'_>, Error> {
        let buffer_bytes = self.config.limits.data_buffer_bytes;
        let transfer = Transfer::start(&mut self.control, info, dial, buffer_bytes).await?;
        self.profile.update(|profile| {
            profile.data_ports = DataPorts::Reached;
            profile.broken_data_tls = 0;
        });
        Ok(transfer)
    }

    /// Sends `REST`, which applies to the next command only (RFC 3659 §5). It is not batched with
    /// `STOR`: were it refused, `STOR` would truncate the file.
    async fn restart_at(&mut self, offset: u64, stage: Stage) -> Result<(), Error> {
        let command = Command::Rest(offset);
        self.restarted = true;
        let reply = self.control.exchange(command, stage).await?;
        self.control.expect(reply, Severity::Intermediate, command, stage)?;
        Ok(())
    }

    /// The command that requests a data port, by the profile of the host.
    pub(crate) fn passive_command(&self) -> Command<'static> {
        self.profile.get().passive.command(self.control.peer().ip())
    }

    fn uses_pasv(&self) -> bool {
        matches!(self.passive_command(), Command::Pasv)
    }

    /// Keeps a prefetched port. A refusal is ignored: the port is requested again when it is
    /// needed.
    pub(crate) fn keep_prefetched_port(&mut self, command: Command<'_>, reply: Reply) {
        self.prefetched_port = match reply.code().is_refusal() {
            true => None,
            false => {
                let endpoint = self.endpoint(command, reply).ok();
                endpoint.map(|endpoint| PrefetchedPort { endpoint, at: Instant::now() })
            }
        };
    }

    /// Keeps the port that was requested during a transfer. A server that did not reply loses such
    /// commands, and replies can no longer be matched.
    pub(crate) fn keep_pipelined_port(&mut self, command: Command<'_>, answer: Option<Reply>) {
        match answer.filter(|reply| command.may_get(reply.code())) {
            Some(reply) => self.keep_prefetched_port(command, reply),
            None => {
                self.profile.learn_expiring(|profile| {
                    profile.pipeline_during_transfer = PipelineDuringTransfer::Never;
                });
                self.control.mark_out_of_sync();
            }
        }
    }

    /// The port of the next data connection: the prefetched one, or a new one.
    async fn data_endpoint(&mut self) -> Result<PassiveEndpoint, Error> {
        if let Some(endpoint) = self.take_prefetched_port() {
            return Ok(endpoint);
        }
        if !self.uses_pasv()
            && let Some(endpoint) = self.send_epsv().await?
        {
            return Ok(endpoint);
        }
        self.send_pasv().await
    }

    /// Connects to a data port: with `EPSV`, or with `PASV` where `EPSV` is refused or its port
    /// cannot be reached.
    async fn dial_data(&mut self) -> Result<DialledPort, Error> {
        if self.uses_pasv() {
            return self.dial_pasv().await;
        }
        let endpoint = match self.take_prefetched_port() {
            Some(endpoint) => Some(endpoint),
            None => self.send_epsv().await?,
        };
        let Some(endpoint) = endpoint else {
            return self.dial_pasv().await;
        };
        let unreachable = match self.dial_port(endpoint).await {
            Err(error) if self.control.peer().is_ipv4() => error,
            dialled => return dialled,
        };
        let port = endpoint.port;
        self.transcript().control(Status::EpsvUnreachable { port });
        // If PASV fails too, the ports are blocked: report the first error.
        let dialled = self.dial_pasv().await.map_err(|error| {
            let named = error.evidence().passive_address;
            if self.control.is_usable() { unreachable.naming(named) } else { error }
        })?;
        self.profile.update(|profile| profile.passive = PassiveMode::PasvAfterUnreachableEpsv);
        Ok(dialled)
    }

    /// Sends `EPSV`; `None` where the server refuses it and `PASV` can be used, which is IPv4 only.
    async fn send_epsv(&mut self) -> Result<Option<PassiveEndpoint>, Error> {
        let command = Command::Epsv;
        let reply = self.control.exchange(command, Stage::DataConnection).await?;
        if reply.code().is_refusal() && self.control.peer().is_ipv4() {
            self.transcript().control(Status::EpsvRefused);
            if reply.code().severity() == Severity::PermanentFailure {
                self.profile.update(|profile| profile.passive = PassiveMode::PasvOnly);
            }
            return Ok(None);
        }
        self.endpoint(command, reply).map(Some)
    }

    async fn dial_pasv(&mut self) -> Result<DialledPort, Error> {
        let endpoint = self.send_pasv().await?;
        self.dial_port(endpoint).await
    }

    async fn send_pasv(&mut self) -> Result<PassiveEndpoint, Error> {
        let command = Command::Pasv;
        let reply = self.control.exchange(command, Stage::DataConnection).await?;
        self.endpoint(command, reply)
    }

    pub(super) fn endpoint(
        &self,
        command: Command<'_>,
        reply: Reply,
    ) -> Result<PassiveEndpoint, Error> {
        let stage = Stage::DataConnection;
        let reply = self.control.expect(reply, Severity::Completion, command, stage)?;
        let endpoint = passive::parse(&reply).map_err(|source| {
            let verb = command.verb();
            self.control.error(Kind::Passive { verb, reply, source }, stage)
        })?;
        let dialled = self.control.peer().ip();
        if let Some(named) = endpoint.address.map(IpAddr::V4).filter(|named| *named != dialled) {
            self.transcript().control(Status::PassiveAddressIgnored { named, dialled });
        }
        Ok(endpoint)
    }

    pub(super) async fn dial_port(
        &mut self,
        endpoint: PassiveEndpoint,
    ) -> Result<DialledPort, Error> {
        let (number, port) = (self.next_number(), endpoint.port);
        let stream = self.dial(number, endpoint).await;
        let stream = stream.map_err(|kind| self.unreachable(kind, endpoint))?;
        Ok(DialledPort { stream, port, number })
    }

    fn next_number(&mut self) -> u32 {
        self.data_connections = self.data_connections.saturating_add(1);
        self.data_connections
    }

    /// Connects to the control connection's peer, from the control connection's local address:
    /// servers compare both, and an address that a server names is never dialled.
    fn dial(
        &self,
        number: u32,
        endpoint: PassiveEndpoint,
    ) -> impl Future<Output = Result<BoxedStream, Kind>> + use<> {
        let address = SocketAddr::new(self.control.peer().ip(), endpoint.port);
        self.transcript().add(Connection::Data(number), Status::ConnectingData { address });
        let within = self.config.timeouts.data_connect;
        let from = self.control.local_ip();
        let outgoing = Outgoing { address, from, within, operation: Operation::DataTcp };
        let (config, dialler) = (Arc::clone(&self.config), Arc::clone(&self.dialler));
        async move { outgoing.connect(&*dialler, config.proxy.as_ref()).await }
    }

    fn unreachable(&self, kind: Kind, endpoint: PassiveEndpoint) -> Error {
        let mut evidence = self.control.evidence();
        evidence.data_port = Some(endpoint.port);
        let is_other = |named: &Ipv4Addr| IpAddr::V4(*named) != self.control.peer().ip();
        evidence.passive_address = endpoint.address.filter(is_other);
        self.report(kind.at(Stage::DataConnection).with_evidence(evidence))
    }
}
