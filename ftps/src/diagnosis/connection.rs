//! Causes of connections that fail: TCP, timeouts, proxies, and sessions that end without a reply.

use std::{io, net::Ipv4Addr};

use super::{
    Cause,
    tls::{client_certificate_cause, reuse_cause},
};
use crate::{
    error::{Error, Operation},
    proxy::{ProxyFailure, ServerTrouble},
    stage::Stage,
};

/// A session that ends without a reply after this many commands may have been cut because of their
/// number: a filter of the Windows firewall does so at about 700.
const MANY_COMMANDS: u32 = 400;

/// Returns the cause of an I/O error.
pub(super) fn io_cause(error: &Error, operation: Operation, source: &io::Error) -> Cause {
    if let Some(cause) = client_certificate_cause(error) {
        return cause;
    }
    match (operation, source.kind()) {
        (Operation::DataTcp, _) if names_unroutable_address(error) => Cause::PrivateAddress,
        (Operation::DataTcp, io::ErrorKind::ConnectionRefused) => Cause::DataConnectionRefused,
        (Operation::DataTcp, _) => Cause::DataConnectionBlocked,
        (Operation::ControlTcp, io::ErrorKind::ConnectionRefused) => Cause::ConnectionRefused,
        (Operation::ControlTcp, _) => Cause::Unreachable,
        (Operation::Data, _) if error.stage() == Stage::Verify => Cause::EndRefused,
        (Operation::Data | Operation::DataTls, _) => Cause::TransferBroken,
        _ => closed_cause(error),
    }
}

/// Returns the cause of an exceeded time limit.
pub(super) fn timeout_cause(error: &Error, operation: Operation) -> Cause {
    match operation {
        Operation::ControlTcp => Cause::NoAnswer,
        Operation::DataTcp if names_unroutable_address(error) => Cause::PrivateAddress,
        Operation::DataTcp => Cause::DataConnectionBlocked,
        Operation::Greeting | Operation::ControlTls => Cause::SilentServer,
        Operation::FinalReply if error.stage() == Stage::Verify => Cause::ConfirmationMissing,
        Operation::Reply
        | Operation::FinalReply
        | Operation::Digest
        | Operation::Control
        | Operation::Data
        | Operation::DataTls => Cause::ServerTooSlow,
    }
}

/// Whether the server named an address for the data connection that is only reachable in its own
/// network.
fn names_unroutable_address(error: &Error) -> bool {
    error.evidence().passive_address.is_some_and(is_unroutable)
}

fn is_unroutable(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is used inside of carriers' networks (RFC 6598).
    let is_carriers = matches!(address.octets(), [100, 64..=127, ..]);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || is_carriers
}

/// Returns the cause of a control connection that was closed without a reply.
pub(super) fn closed_cause(error: &Error) -> Cause {
    let evidence = error.evidence();
    match error.stage() {
        Stage::Greeting if evidence.tls.is_none() => Cause::NotFtp,
        Stage::Auth | Stage::Tls => Cause::TlsCut,
        Stage::DataTls => reuse_cause(error),
        _ if evidence.commands >= MANY_COMMANDS => Cause::CutAfterMany,
        _ => Cause::ConnectionLost,
    }
}

/// After the proxy made the control connection, a failing data connection is most often due to the
/// server's firewall.
pub(super) fn proxy_cause(operation: Operation, failure: &ProxyFailure) -> Cause {
    match (failure, operation) {
        (ProxyFailure::Silent | ProxyFailure::Server { .. }, Operation::DataTcp) => {
            Cause::DataConnectionBlocked
        }
        (ProxyFailure::Silent, _) => Cause::ProxySilent,
        (ProxyFailure::Server { trouble, .. }, _) => match trouble {
            ServerTrouble::Refused => Cause::ConnectionRefused,
            ServerTrouble::Unreachable => Cause::Unreachable,
            ServerTrouble::NoAnswer => Cause::NoAnswer,
        },
        (ProxyFailure::Unreachable(_) | ProxyFailure::Lost(_), _) => Cause::ProxyUnreachable,
        (ProxyFailure::Credentials(_), _) => Cause::ProxyCredentials,
        (ProxyFailure::Refused(_), _) => Cause::ProxyRefused,
        (ProxyFailure::NotAProxy(_), _) => Cause::NotAProxy,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        diagnosis::{
            Diagnosis, Who,
            samples::{cause_with, diagnosed, io, of_session},
        },
        error::{Evidence, Kind},
        tls::TlsVersion,
    };

    fn to_data_port(kind: Kind, passive_address: Option<[u8; 4]>) -> Diagnosis {
        let evidence = Evidence {
            data_port: Some(50_000),
            passive_address: passive_address.map(Ipv4Addr::from),
            ..Evidence::default()
        };
        diagnosed(&kind.at(Stage::DataConnection).with_evidence(evidence))
    }

    fn timed_out() -> Kind {
        Kind::TimedOut { operation: Operation::DataTcp, after: Duration::from_secs(15) }
    }

    #[test]
    fn data_port_that_does_not_answer() {
        let diagnosis = to_data_port(timed_out(), None);
        assert_eq!(
            (diagnosis.cause, diagnosis.who),
            (Cause::DataConnectionBlocked, Who::ServerOperator)
        );
    }

    #[test]
    fn data_port_that_refuses_the_connection() {
        let refused = io(Operation::DataTcp, io::ErrorKind::ConnectionRefused);
        assert_eq!(to_data_port(refused, None).cause, Cause::DataConnectionRefused);
    }

    #[test]
    fn private_address_in_the_227() {
        for address in [
            [10, 0, 0, 7],
            [192, 168, 1, 2],
            [172, 16, 0, 1],
            [127, 0, 0, 1],
            [0, 0, 0, 0],
            [100, 64, 0, 1],
        ] {
            let diagnosis = to_data_port(timed_out(), Some(address));
            assert_eq!(diagnosis.cause, Cause::PrivateAddress, "{address:?}");
        }
        let public = to_data_port(timed_out(), Some([93, 184, 216, 34]));
        assert_eq!(public.cause, Cause::DataConnectionBlocked);
    }

    #[test]
    fn hang_at_100_percent() {
        let kind =
            Kind::TimedOut { operation: Operation::FinalReply, after: Duration::from_secs(300) };
        assert_eq!(
            cause_with(kind, Stage::Verify, Evidence::default()),
            Cause::ConfirmationMissing
        );
    }

    #[test]
    fn reset_after_auth() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let handshake = Kind::Handshake(reset);
        assert_eq!(cause_with(handshake, Stage::Tls, Evidence::default()), Cause::TlsCut);
        assert_eq!(cause_with(Kind::Closed, Stage::Auth, Evidence::default()), Cause::TlsCut);
        let reset = io(Operation::Control, io::ErrorKind::ConnectionReset);
        assert_eq!(cause_with(reset, Stage::Auth, Evidence::default()), Cause::TlsCut);
    }

    #[test]
    fn address_that_no_way_leads_to() {
        for (kind, cause) in [
            (io::ErrorKind::NetworkUnreachable, Cause::Unreachable),
            (io::ErrorKind::HostUnreachable, Cause::Unreachable),
            (io::ErrorKind::ConnectionRefused, Cause::ConnectionRefused),
        ] {
            let dialled = io(Operation::ControlTcp, kind);
            assert_eq!(cause_with(dialled, Stage::Connect, Evidence::default()), cause);
        }
        let silent =
            Kind::TimedOut { operation: Operation::ControlTcp, after: Duration::from_secs(15) };
        assert_eq!(cause_with(silent, Stage::Connect, Evidence::default()), Cause::NoAnswer);
        let host = Kind::InvalidHost { host: "a b".to_owned() };
        assert_eq!(cause_with(host, Stage::Connect, Evidence::default()), Cause::InvalidHost);
    }

    #[test]
    fn session_that_dies_after_hundreds_of_commands() {
        let many = |commands| Evidence { commands, ..of_session(TlsVersion::Tls12, 150, 60) };
        let reset = || io(Operation::Control, io::ErrorKind::ConnectionReset);
        assert_eq!(cause_with(reset(), Stage::Transfer, many(700)), Cause::CutAfterMany);
        assert_eq!(cause_with(Kind::Closed, Stage::Rename, many(700)), Cause::CutAfterMany);
        assert_eq!(cause_with(reset(), Stage::Transfer, many(20)), Cause::ConnectionLost);
    }
}
