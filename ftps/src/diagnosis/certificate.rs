//! What the reasons against a certificate mean.

use super::Cause;
use crate::certificate::Doubt;

/// The reason that decides the remedy: a wrong name or date only matters for a certificate with a
/// trusted issuer.
pub(super) fn cause(doubts: &[Doubt]) -> Cause {
    let causes = doubts.iter().map(cause_of);
    causes.min_by_key(|cause| rank(*cause)).unwrap_or(Cause::CertificateNotTrusted)
}

fn cause_of(doubt: &Doubt) -> Cause {
    match doubt {
        Doubt::SelfSigned => Cause::CertificateSelfSigned,
        Doubt::UnknownIssuer => Cause::CertificateUnknownIssuer,
        Doubt::NoIssuerShown => Cause::CertificateChainIncomplete,
        Doubt::Expired { .. } => Cause::CertificateExpired,
        Doubt::NotYetValid { .. } => Cause::CertificateNotYetValid,
        Doubt::NameMismatch { .. } => Cause::CertificateNameMismatch,
        Doubt::Revoked | Doubt::NotForServers => Cause::CertificateUnfit,
        Doubt::NotTheTrusted { .. } => Cause::CertificateChanged,
        Doubt::Unreadable | Doubt::Other(_) => Cause::CertificateNotTrusted,
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
