//! What the reasons against a certificate mean.

use super::Cause;
use crate::certificate::CertificateFault;

/// The reason that decides the remedy: a wrong name or date only matters for a certificate with a
/// trusted issuer.
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
