//! Opens a data connection: `EPSV` or `PASV`, TCP, the transfer command, TLS.
//!
//! TCP comes before the command, so that a port that cannot be reached leaves no command half done.
//! TLS starts right after the command was sent and goes side by side with its reply: some servers
//! want TLS before they answer, some start TLS only once they have the command.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use super::{
    Client,
    transfer::{About, Transfer},
};
use crate::{
    command::Command,
    connect::socket,
    error::{Error, Kind, Stage, What},
    passive::{self, PassiveEndpoint},
    profile::PassiveMode,
    reply::{Reply, Severity},
    transcript::{Connection, Status},
};

/// A TCP connection to a data port.
struct Dialled {
    tcp: TcpStream,
    port: u16,
    number: u32,
}

/// What a transfer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    /// Where in the file it starts, in bytes; sent as `REST` unless it is 0.
    pub(super) offset: u64,
    /// The stage that a refusal belongs to.
    pub(super) stage: Stage,
}

impl Client {
    /// Opens a data connection and starts a transfer over it.
    pub(super) async fn transfer(
        &mut self,
        command: Command<'_>,
        purpose: Purpose,
    ) -> Result<Transfer<'_>, Error> {
        let dialled = self.dial_data().await?;
        if purpose.offset > 0 {
            self.restart_at(purpose.offset, purpose.stage).await?;
        }
        self.control.send(command, purpose.stage).await?;
        let Dialled { tcp, port, number } = dialled;
        let about = About { verb: command.verb(), stage: purpose.stage, port, number };
        let buffer_bytes = self.config.limits.data_buffer_bytes;
        Transfer::start(&mut self.control, about, tcp, buffer_bytes).await
    }

    /// `REST` counts for the command that follows it, and only for that (RFC 3659 §5).
    async fn restart_at(&mut self, offset: u64, stage: Stage) -> Result<(), Error> {
        let command = Command::Rest(offset);
        let reply = self.control.exchange(command, stage).await?;
        self.control.expect(reply, Severity::Intermediate, command, stage)?;
        Ok(())
    }

    /// `EPSV` first; `PASV` where that is refused, or where its port cannot be reached.
    async fn dial_data(&mut self) -> Result<Dialled, Error> {
        self.transcript().control(Stage::DataConnection);
        if self.profile.get().passive != PassiveMode::Extended {
            return self.dial_passive().await;
        }
        let Some(endpoint) = self.ask_extended().await? else {
            return self.dial_passive().await;
        };
        let unreachable = match self.dial_port(endpoint).await {
            Err(error) if self.control.peer().is_ipv4() => error,
            dialled => return dialled,
        };
        let port = endpoint.port;
        self.transcript().control(Status::EpsvUnreachable { port });
        // If PASV does no better, the ports are blocked, and that was the first to show it.
        let dialled = self
            .dial_passive()
            .await
            .map_err(|error| if self.control.is_usable() { unreachable } else { error })?;
        self.profile.update(|profile| profile.passive = PassiveMode::ExtendedSuspect);
        Ok(dialled)
    }

    /// `None` where the server refuses `EPSV` and `PASV` is another way. PASV knows IPv4 only.
    async fn ask_extended(&mut self) -> Result<Option<PassiveEndpoint>, Error> {
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

    async fn dial_passive(&mut self) -> Result<Dialled, Error> {
        let command = Command::Pasv;
        let reply = self.control.exchange(command, Stage::DataConnection).await?;
        let endpoint = self.endpoint(command, reply)?;
        self.dial_port(endpoint).await
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

    /// Dials the control connection's peer, from the control connection's own address: servers
    /// compare both, and an address that a server names is not for us to dial.
    async fn dial_port(&mut self, endpoint: PassiveEndpoint) -> Result<Dialled, Error> {
        let port = endpoint.port;
        let address = SocketAddr::new(self.control.peer().ip(), port);
        self.data_connections = self.data_connections.saturating_add(1);
        let number = self.data_connections;
        self.transcript().add(Connection::Data(number), Status::ConnectingData { address });
        let within = self.config.timeouts.data_connect;
        let local = self.control.local_ip();
        let tcp = socket::dial(address, local, within, What::DataTcp).await;
        let tcp = tcp.map_err(|kind| self.unreachable(kind, port))?;
        Ok(Dialled { tcp, port, number })
    }

    fn unreachable(&self, kind: Kind, port: u16) -> Error {
        let mut evidence = self.control.evidence();
        evidence.data_port = Some(port);
        self.report(kind.at(Stage::DataConnection).with_evidence(evidence))
    }
}
