//! Derives the cause from the faults of a certificate.

use super::Cause;
use crate::certificate::CertificateFault;

/// Returns the cause that decides the remedy: a wrong name or date only matters for a certificate with
/// a trusted issuer.
pub(super) fn cause(faults: &[CertificateFault]) -> Cause {
    let causes = faults.iter().map(cause_of);
    causes.min_by_key(|cause| rank(*cause)).unwrap_or(Cause::CertificateNotTrusted)
}

fn cause_of(fault: &CertificateFault) -> Cause {
    match fault {
        CertificateFault::SelfSigned => Cause::CertificateSelfSigned,
        CertificateFault::UnknownIssuer => Cause::CertificateUnknownIssuer,
        CertificateFault::NoIssuerShown => Cause::CertificateChainIncomplete,
        CertificateFault::Expired { .. } => Cause::CertificateExpired,
        CertificateFault::NotYetValid { .. } => Cause::CertificateNotYetValid,
        CertificateFault::NameMismatch { .. } => Cause::CertificateNameMismatch,
        CertificateFault::Revoked | CertificateFault::NotForServers => Cause::CertificateUnfit,
        CertificateFault::NotTheTrusted { .. } => Cause::CertificateChanged,
        CertificateFault::Unreadable | CertificateFault::Other(_) => Cause::CertificateNotTrusted,
    }
}

/// The rank of a cause; the lowest decides.
fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::CertificateChanged => 0,
        Cause::CertificateUnfit => 1,
        Cause::CertificateNotTrusted => 2,
        Cause::CertificateSelfSigned => 3,
        Cause::CertificateUnknownIssuer => 4,
        Cause::CertificateChainIncomplete => 5,
        Cause::CertificateExpired => 6,
        Cause::CertificateNotYetValid => 7,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        certificate::{CertificateFacts, Fingerprint, UntrustedCertificate},
        diagnosis::{Diagnosis, Who, samples::diagnosed},
        error::Kind,
        stage::Stage,
    };

    fn untrusted(faults: Vec<CertificateFault>) -> Diagnosis {
        let facts = CertificateFacts {
            subject: "CN=a".to_owned(),
            issuer: "CN=b".to_owned(),
            names: vec!["a".to_owned()],
            not_before: String::new(),
            not_after: String::new(),
            sha256: Fingerprint::new([0; 32]),
        };
        let untrusted = Box::new(UntrustedCertificate { facts, faults });
        diagnosed(&Kind::Untrusted(untrusted).at(Stage::Certificate))
    }

    #[test]
    fn certificate_that_expired() {
        let diagnosis = untrusted(vec![CertificateFault::Expired { not_after: "2001".to_owned() }]);
        assert_eq!(
            (diagnosis.cause, diagnosis.who),
            (Cause::CertificateExpired, Who::ServerOperator)
        );
    }

    #[test]
    fn certificate_that_is_not_yet_valid() {
        let diagnosis =
            untrusted(vec![CertificateFault::NotYetValid { not_before: "2099".to_owned() }]);
        assert_eq!(diagnosis.cause, Cause::CertificateNotYetValid);
    }

    #[test]
    fn certificate_for_another_name() {
        let names = vec!["web7.hoster.example".to_owned()];
        let diagnosis = untrusted(vec![CertificateFault::NameMismatch {
            host: "ada.example".to_owned(),
            names,
        }]);
        assert_eq!(diagnosis.cause, Cause::CertificateNameMismatch);
    }

    #[test]
    fn self_signed_certificate_and_one_of_an_unknown_authority() {
        assert_eq!(
            untrusted(vec![CertificateFault::SelfSigned]).cause,
            Cause::CertificateSelfSigned
        );
        assert_eq!(
            untrusted(vec![CertificateFault::UnknownIssuer]).cause,
            Cause::CertificateUnknownIssuer
        );
    }

    #[test]
    fn certificate_without_its_chain() {
        let diagnosis = untrusted(vec![CertificateFault::NoIssuerShown]);
        assert_eq!(
            (diagnosis.cause, diagnosis.who),
            (Cause::CertificateChainIncomplete, Who::ServerOperator)
        );
    }

    #[test]
    fn certificate_that_is_not_the_trusted_one_or_unfit() {
        let trusted = Fingerprint::new([1; 32]);
        let changed = untrusted(vec![CertificateFault::NotTheTrusted { trusted }]);
        assert_eq!(changed.cause, Cause::CertificateChanged);
        assert_eq!(untrusted(vec![CertificateFault::Revoked]).cause, Cause::CertificateUnfit);
        assert_eq!(untrusted(vec![CertificateFault::NotForServers]).cause, Cause::CertificateUnfit);
        assert_eq!(
            untrusted(vec![CertificateFault::Unreadable]).cause,
            Cause::CertificateNotTrusted
        );
    }

    #[test]
    fn of_several_faults_the_missing_trust_decides() {
        let diagnosis = untrusted(vec![
            CertificateFault::SelfSigned,
            CertificateFault::Expired { not_after: "2001".to_owned() },
            CertificateFault::NameMismatch { host: "a".to_owned(), names: Vec::new() },
        ]);
        assert_eq!(diagnosis.cause, Cause::CertificateSelfSigned);
    }
}
