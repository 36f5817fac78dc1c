//! Causes of TLS that fails: the handshake, the session of a data connection, client certificates.

use std::io;

use super::Cause;
use crate::{
    error::{ClientCertificateFault, Error},
    stage::Stage,
    tls::TlsVersion,
};

/// Returns the cause of a data connection whose TLS the server rejected.
pub(super) fn reuse_cause(error: &Error) -> Cause {
    let evidence = error.evidence();
    let had_worked = evidence.data_connections > 0;
    let is_tls_13 = evidence.tls.as_ref().is_some_and(|tls| tls.version == TlsVersion::Tls13);
    if had_worked && evidence.may_be_too_old_to_resume() {
        Cause::SessionTooOld
    } else if had_worked && is_tls_13 {
        Cause::TicketsRunOut
    } else {
        Cause::SessionReuseRefused
    }
}

/// Returns the cause of a failed handshake.
pub(super) fn handshake_cause(error: &Error, source: &io::Error) -> Cause {
    if error.stage() == Stage::DataTls {
        return reuse_cause(error);
    }
    if let Some(cause) = client_certificate_cause(error) {
        return cause;
    }
    match tls_error(source) {
        Some(tls) if is_incompatible(tls) => Cause::TlsTooOld,
        None if is_cut(source) => Cause::TlsCut,
        _ => Cause::TlsFailed,
    }
}

/// Returns the cause where the server rejects our client certificate, or requires one.
pub(super) fn client_certificate_cause(error: &Error) -> Option<Cause> {
    error.client_certificate_fault().map(|fault| match fault {
        ClientCertificateFault::Needed => Cause::ClientCertificateNeeded,
        ClientCertificateFault::Refused => Cause::ClientCertificateRefused,
    })
}

fn tls_error(source: &io::Error) -> Option<&rustls::Error> {
    source.get_ref().and_then(|error| error.downcast_ref())
}

fn is_cut(source: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(source.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

fn is_incompatible(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    matches!(
        error,
        rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                HandshakeFailure | InsufficientSecurity | ProtocolVersion
            )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::samples::{alert, at_login, cause_with, diagnosed, io, of_session, reply},
        error::{Evidence, Kind, Operation},
    };

    #[test]
    fn tls_alert_handshake_failure_or_protocol_version() {
        use rustls::AlertDescription::{HandshakeFailure, ProtocolVersion};
        for description in [HandshakeFailure, ProtocolVersion] {
            let error = Kind::Handshake(alert(description)).at(Stage::Tls);
            assert_eq!(diagnosed(&error).cause, Cause::TlsTooOld);
        }
    }

    fn at_data_tls(line: &str, evidence: Evidence) -> Cause {
        let kind = Kind::Refused { verb: "STOR", reply: reply(line) };
        cause_with(kind, Stage::DataTls, evidence)
    }

    #[test]
    fn data_connection_refused_for_its_tls_session_425() {
        let line = "425 Unable to build data connection: TLS session of data connection not \
                    resumed.";
        let first = of_session(TlsVersion::Tls13, 0, 1);
        assert_eq!(at_data_tls(line, first), Cause::SessionReuseRefused);
    }

    #[test]
    fn data_connection_refused_for_its_tls_session_522() {
        let line = "522 SSL connection failed: session reuse required";
        let first = of_session(TlsVersion::Tls12, 0, 1);
        assert_eq!(at_data_tls(line, first), Cause::SessionReuseRefused);
    }

    #[test]
    fn security_bad_ip_connecting() {
        let line = "425 Security: Bad IP connecting.";
        assert_eq!(at_data_tls(line, Evidence::default()), Cause::DataAddressRefused);
    }

    #[test]
    fn operation_not_permitted_after_the_session_cache_forgot() {
        let line = "425 Unable to build data connection: Operation not permitted";
        let old = of_session(TlsVersion::Tls12, 3, 301);
        assert_eq!(at_data_tls(line, old), Cause::SessionTooOld);
    }

    #[test]
    fn third_upload_refused_under_tls_13() {
        let line = "522 SSL connection failed: session reuse required";
        let later = of_session(TlsVersion::Tls13, 2, 5);
        let kind = Kind::Refused { verb: "STOR", reply: reply(line) };
        let diagnosis = diagnosed(&kind.at(Stage::DataTls).with_evidence(later));
        assert_eq!(diagnosis.cause, Cause::TicketsRunOut);
    }

    #[test]
    fn client_certificate_required() {
        use rustls::AlertDescription::CertificateRequired;
        let needed = Cause::ClientCertificateNeeded;
        // TLS 1.3 reports it after the handshake, TLS 1.2 during it.
        let later = io(Operation::Control, alert(CertificateRequired));
        assert_eq!(cause_with(later, Stage::Login, Evidence::default()), needed);
        let handshake = Kind::Handshake(alert(CertificateRequired));
        assert_eq!(cause_with(handshake, Stage::Tls, Evidence::default()), needed);
        assert_eq!(at_login("531 Certificate required"), needed);
        assert_eq!(at_login("530 Client certificate required"), needed);
    }
}
