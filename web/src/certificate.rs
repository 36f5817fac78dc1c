//! Texts about a server's certificate.

use protocol::{Problem, Remedy, Stage, problem::Who, server::Certificate};

use crate::join::join;
use crate::texts::Text;

/// The doubt about a certificate that differs from the trusted one.
#[must_use]
pub fn changed() -> &'static str {
    Text::CertificateAnother.text()
}

/// The problem after the user rejected the certificate.
#[must_use]
pub fn rejected() -> Problem {
    Problem {
        remedy: Some(Remedy {
            who: Who::ServerOperator,
            what: Text::ProblemCertificateRefusedRemedy.text().to_owned(),
        }),
        ..Problem::new(Stage::Certificate, Text::ProblemCertificateRefused.text().to_owned())
    }
}

/// The host names in a certificate, joined.
#[must_use]
pub fn names(certificate: &Certificate) -> String {
    if certificate.names.is_empty() {
        return Text::CertificateNoNames.text().to_owned();
    }
    join(&certificate.names, ", ")
}

/// Says who trusts the certificate: the user or the portal.
#[must_use]
pub fn trusted_by(user: bool) -> &'static str {
    if user { Text::SecurityTrustedByYou.text() } else { Text::SecurityTrustedByPortal.text() }
}

/// Confirms that the fingerprint is on the clipboard.
#[must_use]
pub fn fingerprint_copied() -> &'static str {
    Text::CopiedFingerprint.text()
}

/// Says that the browser refused to copy the fingerprint.
#[must_use]
pub fn fingerprint_not_copied() -> &'static str {
    Text::CopiedRefused.text()
}
