//! The name and the ports of a server: checks `name`, `ports` and `sftp`.

use std::{io, net::SocketAddr};

use ftps::{
    dial::{BoxedStream, Dial as _},
    error::Evidence as ErrorEvidence,
};
use protocol::{
    Encryption,
    doctor::{CheckId, CheckState},
};
use tokio::{
    io::AsyncReadExt as _,
    time::{Duration, Instant, timeout},
};

use super::{
    evidence::port_line,
    finding::Finding,
    found_ports::{FoundPorts, IMPLICIT_PORT, PortState, SFTP_PORT},
    run::Run,
};
use crate::{
    lookup::LookupSlot,
    policy::{Destination, Policy, Scope},
    texts::Text,
};

/// The most addresses of a name that are tried for an open port.
const MAX_TRIED_ADDRESSES: usize = 3;

/// The most bytes of an SSH server's first line (RFC 4253 §4.2).
const MAX_BANNER_BYTES: u64 = 255;

/// The rules by which destinations are checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'r> {
    pub(super) policy: &'r Policy,
    pub(super) slot: &'r LookupSlot,
}

impl Run<'_> {
    /// Looks the name up.
    pub(super) async fn name(&mut self, rules: Rules<'_>) {
        self.begin();
        let (host, port) = (&self.examination.host, self.examination.port);
        let vetted = rules.policy.vet(host, port, self.encryption(), rules.slot).await;
        let finding = match vetted {
            Ok(destination) => {
                let finding = self.named(&destination);
                self.known.destination = Some(destination);
                finding
            }
            Err(refusal) => {
                let problem = refusal.problem(self.findings.problems());
                let says = as_sentence(&problem.message);
                Finding { state: CheckState::Failed, says, remedy: problem.remedy }
            }
        };
        self.end(CheckId::Name, finding);
    }

    fn named(&self, destination: &Destination) -> Finding {
        let addresses: Vec<_> = destination.targets().map(|target| target.address.ip()).collect();
        for address in &addresses {
            self.evidence.add(format!("{address} ({:?})", Scope::of(*address)));
        }
        let is_name = destination.host().as_str().parse::<std::net::IpAddr>().is_err();
        let finding = match is_name {
            true => {
                let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                self.findings.ok(Text::DoctorNameOk, &[&all.join(", ")])
            }
            false => self.findings.ok(Text::DoctorNameAddress, &[]),
        };
        let private = addresses.iter().find(|address| Scope::of(**address) != Scope::Public);
        match private {
            Some(address) => {
                let sentence = self.findings.ok(Text::DoctorNamePrivate, &[address]).says;
                finding.and(&sentence).in_state(CheckState::Note)
            }
            None => finding,
        }
    }

    /// Connects to the ports.
    pub(super) async fn ports(&mut self, rules: Rules<'_>) {
        let Some(destination) = self.known.destination.clone() else { return };
        self.begin();
        let mut own = PortState::NotExamined;
        for target in destination.targets().take(MAX_TRIED_ADDRESSES) {
            own = self.knock(target.address).await.0;
            if matches!(own, PortState::Open(_)) {
                self.known.target = Some(target);
                break;
            }
        }
        self.known.ports = self.other_ports(rules).await;
        if destination.port() == IMPLICIT_PORT {
            self.known.ports.implicit = own;
        }
        let port = destination.port();
        let finding = match own.cause() {
            None => self.findings.ok(Text::DoctorPortsOk, &[&port]),
            Some(cause) => {
                let address = destination.targets().next().map(|target| target.address);
                let target = address.map(|address| (address, ftps::Encryption::Explicit));
                let evidence = ErrorEvidence { target, ..ErrorEvidence::default() };
                self.and_open_ports(self.findings.of_cause(cause, &evidence))
            }
        };
        self.end(CheckId::Ports, finding);
    }

    /// Adds which other ports are open: the right one may be among them.
    fn and_open_ports(&self, finding: Finding) -> Finding {
        let ports = &self.known.ports;
        let states = [(IMPLICIT_PORT, ports.implicit), (SFTP_PORT, ports.sftp)];
        let open: Vec<_> = states
            .iter()
            .filter(|(_, state)| matches!(state, PortState::Open(_)))
            .map(|(port, _)| port.to_string())
            .collect();
        if open.is_empty() {
            return finding;
        }
        finding.and(&self.findings.ok(Text::DoctorPortsOthers, &[&open.join(", ")]).says)
    }

    /// Connects to the ports 990 and 22, as far as the policy permits it.
    async fn other_ports(&self, rules: Rules<'_>) -> FoundPorts {
        let implicit = self.permitted(rules, IMPLICIT_PORT).await;
        let sftp = self.permitted(rules, SFTP_PORT).await;
        let examine = async |address: Option<SocketAddr>| match address {
            Some(address) => self.knock(address).await,
            None => (PortState::NotExamined, None),
        };
        let ((implicit, _), (sftp, stream)) = tokio::join!(examine(implicit), async {
            let (state, stream) = examine(sftp).await;
            let banner = match stream {
                Some(stream) => self.ssh_banner(stream).await,
                None => None,
            };
            (state, banner)
        });
        FoundPorts { implicit, sftp, ssh_banner: stream }
    }

    /// Returns the address of another port of the server, if it may be connected to and is not the
    /// examined one. The same address as for the control connection, if there is one.
    async fn permitted(&self, rules: Rules<'_>, port: u16) -> Option<SocketAddr> {
        if port == self.examination.port {
            return None;
        }
        let host = &self.examination.host;
        let vetted = rules.policy.vet(host, port, Encryption::Implicit, rules.slot).await;
        let vetted = vetted.ok()?;
        let own = self.known.target.as_ref().map(|target| target.address.ip());
        let addresses: Vec<_> = vetted.targets().map(|target| target.address).collect();
        let same = addresses.iter().find(|address| Some(address.ip()) == own);
        same.or(addresses.first()).copied()
    }

    /// Connects to a port. Returns the connection too.
    async fn knock(&self, address: SocketAddr) -> (PortState, Option<BoxedStream>) {
        let started = Instant::now();
        let within = self.limits.connect;
        match timeout(within, self.dialler.dial(address, None)).await {
            Ok(Ok(stream)) => {
                let millis = started.elapsed().as_millis();
                self.evidence.add(port_line(address, &format!("open, {millis} ms")));
                (PortState::Open(address), Some(stream))
            }
            Ok(Err(error)) => {
                self.evidence.add(port_line(address, &error.to_string()));
                let state = match error.kind() {
                    io::ErrorKind::ConnectionRefused => PortState::Closed,
                    _ => PortState::Unreachable,
                };
                (state, None)
            }
            Err(_) => {
                let seconds = within.as_secs_f32();
                self.evidence.add(port_line(address, &format!("no answer within {seconds} s")));
                (PortState::Filtered, None)
            }
        }
    }

    /// Reads the first line of an SSH server.
    async fn ssh_banner(&self, stream: BoxedStream) -> Option<String> {
        let mut read = Vec::new();
        let mut stream = stream.take(MAX_BANNER_BYTES);
        let until_line = async {
            while !read.contains(&b'\n') && stream.read_buf(&mut read).await? > 0 {}
            io::Result::Ok(())
        };
        // Half a line is enough to tell.
        let _in_time = timeout(self.limits.silence.min(Duration::from_secs(3)), until_line).await;
        let line = String::from_utf8_lossy(&read);
        let line = line.lines().next().unwrap_or_default();
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        line.starts_with("SSH-").then_some(line)
    }

    /// Tells whether there is an SFTP server too.
    pub(super) fn sftp(&mut self) {
        self.begin();
        let finding = match (&self.known.ports.ssh_banner, self.known.ports.sftp) {
            (Some(banner), _) => {
                self.evidence.add(format!("port {SFTP_PORT}: {banner}"));
                self.findings.ok(Text::DoctorSftpFound, &[])
            }
            (None, PortState::NotExamined) => self.findings.skipped(Text::DoctorPortNotExamined),
            (None, _) => self.findings.ok(Text::DoctorSftpNone, &[]),
        };
        self.end(CheckId::Sftp, finding);
    }
}

/// Makes a sentence of a problem's message, which follows a colon elsewhere.
fn as_sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
