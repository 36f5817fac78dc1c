//! Opens a data connection: `EPSV` or `PASV`, TCP, the transfer command, TLS.
//!
//! TLS starts right after the command was sent and goes side by side with its reply: some servers
//! want TLS before they answer, some start TLS only once they have the command.

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
    error::{Error, Kind, What},
    passive::{self, PassiveEndpoint},
    profile::{DataPorts, PassiveMode, PipelineDuringTransfer, Pipelining},
    reply::{Reply, Severity},
    stage::Stage,
    transcript::{Connection, Status},
};

/// How long a port that was asked for ahead of time is used: servers close it after 60 s or so.
const PREFETCHED_FOR: Duration = Duration::from_secs(30);

/// A TCP connection to a data port.
#[derive(Debug)]
pub(super) struct DialledPort {
    stream: BoxedStream,
    port: u16,
    number: u32,
}

/// What a transfer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransferStart {
    /// Where in the file it starts, in bytes; sent as `REST` unless it is 0.
    pub(super) offset: u64,
    /// The stage that a refusal belongs to.
    pub(super) stage: Stage,
}

/// A port that the server named before a transfer was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct PrefetchedPort {
    endpoint: PassiveEndpoint,
    at: Instant,
}

impl Client {
    /// Opens a data connection and starts a transfer over it.
    ///
    /// Where a data port of the host was reached before, the command goes out before the TCP
    /// connection stands: one round trip less. Until then the connection comes first, since a
    /// server that waits for one in vain takes no other command meanwhile.
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

    /// Commands in one flight, and side by side with them the next data connection, where its port
    /// is known already.
    pub(crate) async fn batch_and_dial(
        &mut self,
        commands: &[Command<'_>],
        stage: Stage,
    ) -> Result<Vec<Reply>, Error> {
        let Some(endpoint) = self.take_prefetched_port() else {
            return self.control.batch(commands, stage).await;
        };
        let (number, port) = (self.next_number(), endpoint.port);
        let dial = self.dial(number, endpoint);
        let (replies, stream) = tokio::join!(self.control.batch(commands, stage), dial);
        // One that is not there is made again when it is needed, in every way that is known.
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

    /// Whether the next data connection has its port or stands already.
    pub(crate) fn has_prefetched(&self) -> bool {
        self.prefetched_port.is_some() || self.dialled.is_some()
    }

    /// Whether the server takes a command while a transfer is under way, and answers it behind the
    /// transfer. Pure-FTPd drops it, `ProFTPD` answers it before the transfer; where the greeting
    /// does not tell, it is not tried.
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
            // Whatever it answers: a server that forgot the offset has nothing to take back.
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

    /// `REST` counts for the command that follows it, and only for that (RFC 3659 §5). It is not
    /// sent together with `STOR`: where it is refused, `STOR` would start the file anew.
    async fn restart_at(&mut self, offset: u64, stage: Stage) -> Result<(), Error> {
        let command = Command::Rest(offset);
        self.restarted = true;
        let reply = self.control.exchange(command, stage).await?;
        self.control.expect(reply, Severity::Intermediate, command, stage)?;
        Ok(())
    }

    /// The command that asks for a port now, where one may be asked for ahead of time.
    pub(crate) fn passive_command(&self) -> Command<'static> {
        self.profile.get().passive.command(self.control.peer().ip())
    }

    fn port_command_is_passive(&self) -> bool {
        matches!(self.passive_command(), Command::Pasv)
    }

    /// Keeps the port that a server named ahead of time; what it refuses is asked for again when
    /// it is needed.
    pub(crate) fn keep_prefetched_port(&mut self, command: Command<'_>, reply: Reply) {
        self.prefetched_port = match reply.code().is_refusal() {
            true => None,
            false => {
                let endpoint = self.endpoint(command, reply).ok();
                endpoint.map(|endpoint| PrefetchedPort { endpoint, at: Instant::now() })
            }
        };
    }

    /// Keeps the port that was asked for behind a transfer. A server that did not answer loses
    /// commands that way, and this session with it.
    pub(crate) fn keep_pipelined_port(&mut self, command: Command<'_>, answer: Option<Reply>) {
        match answer.filter(|reply| command.may_get(reply.code())) {
            Some(reply) => self.keep_prefetched_port(command, reply),
            None => {
                self.profile.learn_expiring(|profile| {
                    profile.pipeline_during_transfer = PipelineDuringTransfer::Never
                });
                self.control.mark_out_of_sync();
            }
        }
    }

    /// The port for the next data connection: the one that was asked for ahead, or a new one.
    async fn data_endpoint(&mut self) -> Result<PassiveEndpoint, Error> {
        if let Some(endpoint) = self.take_prefetched_port() {
            return Ok(endpoint);
        }
        if !self.port_command_is_passive()
            && let Some(endpoint) = self.send_epsv().await?
        {
            return Ok(endpoint);
        }
        self.send_pasv().await
    }

    /// `EPSV` first; `PASV` where that is refused, or where its port cannot be reached.
    async fn dial_data(&mut self) -> Result<DialledPort, Error> {
        if self.port_command_is_passive() {
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
        // If PASV does no better, the ports are blocked, and that was the first to show it.
        let dialled = self.dial_pasv().await.map_err(|error| {
            let named = error.evidence().passive_address;
            if self.control.is_usable() { unreachable.naming(named) } else { error }
        })?;
        self.profile.update(|profile| profile.passive = PassiveMode::ExtendedSuspect);
        Ok(dialled)
    }

    /// `None` where the server refuses `EPSV` and `PASV` is another way. PASV knows IPv4 only.
    async fn send_epsv(&mut self) -> Result<Option<PassiveEndpoint>, Error> {
        let command = Command::Epsv;
        let reply = self.control.exchange(command, Stage::DataConnection).await?;
        if reply.code().is_refusal() && self.control.peer().is_ipv4() {
            self.transcript().control(Status::EpsvRefused);
            if reply.code().severity() == Severity::PermanentFailure {
                self.profile.update(|profile| profile.passive = PassiveMode::PassiveOnly);
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

    fn endpoint(&self, command: Command<'_>, reply: Reply) -> Result<PassiveEndpoint, Error> {
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

    async fn dial_port(&mut self, endpoint: PassiveEndpoint) -> Result<DialledPort, Error> {
        let (number, port) = (self.next_number(), endpoint.port);
        let stream = self.dial(number, endpoint).await;
        let stream = stream.map_err(|kind| self.unreachable(kind, endpoint))?;
        Ok(DialledPort { stream, port, number })
    }

    fn next_number(&mut self) -> u32 {
        self.data_connections = self.data_connections.saturating_add(1);
        self.data_connections
    }

    /// Dials the control connection's peer, from the control connection's own address: servers
    /// compare both, and an address that a server names is not for us to dial.
    fn dial(
        &self,
        number: u32,
        endpoint: PassiveEndpoint,
    ) -> impl Future<Output = Result<BoxedStream, Kind>> + use<> {
        let address = SocketAddr::new(self.control.peer().ip(), endpoint.port);
        self.transcript().add(Connection::Data(number), Status::ConnectingData { address });
        let within = self.config.timeouts.data_connect;
        let from = self.control.local_ip();
        let outgoing = Outgoing { address, from, within, what: What::DataTcp };
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
