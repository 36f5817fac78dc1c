//! The certificate of a server, and who vouches for it: checks `certificate` and `chain`.

use std::{
    fmt::Display,
    time::{Duration, SystemTime},
};

use ftps::{Cause, CertificateFault, ChainCertificate, ChainOrder, ExaminedTls, Fingerprint};
use protocol::doctor::{CheckId, CheckState};

use super::{finding::Finding, run::Run};
use crate::texts::Text;

/// A certificate that expires within this time is a remark.
const EXPIRES_SOON: Duration = Duration::from_secs(21 * 24 * 60 * 60);

/// The shortest RSA key that programs accept, in bits.
const MIN_RSA_BITS: u32 = 2048;

impl Run<'_> {
    /// Certificate and chain. Returns whether a password may be sent.
    pub(super) fn certificates(&mut self) -> bool {
        let Some(tls) = self.known.tls.clone() else { return false };
        self.begin();
        let certificate = self.certificate(&tls);
        self.show_certificate(&tls);
        let is_valid = certificate.is_passed();
        self.end(CheckId::Certificate, certificate);
        self.begin();
        let chain = self.chain(&tls);
        for (at, one) in tls.chain.certificates().iter().enumerate() {
            let facts = &one.facts;
            self.evidence.add(format!("{at}: subject {}, issuer {}", facts.subject, facts.issuer));
        }
        let is_trusted = chain.is_passed();
        self.end(CheckId::Chain, chain);
        is_valid && is_trusted
    }

    /// Whether the user trusts this certificate by its fingerprint.
    fn is_trusted_by_user(&self, tls: &ExaminedTls) -> bool {
        let shown = tls.chain.certificates().first().map(|one| one.facts.sha256);
        shown.is_some() && shown == self.examination.trusted_certificate
    }

    fn certificate(&self, tls: &ExaminedTls) -> Finding {
        let Some(own) = tls.chain.certificates().first() else {
            return self.findings.skipped(Text::DoctorNotReached);
        };
        let faults = self.faults(tls, |fault| certificate_cause(fault).is_some());
        let cause = faults.iter().find_map(certificate_cause);
        if let Some(cause) = cause {
            let says = self.findings.problems().faults(&faults).join(" ");
            let remedy = Some(self.findings.remedy_for(cause));
            let finding = Finding { state: CheckState::Failed, says, remedy };
            return self.unless_trusted(tls, finding);
        }
        if let Some(trusted) = self.examination.trusted_certificate
            && trusted != own.facts.sha256
        {
            let fault = [CertificateFault::NotTheTrusted { trusted }];
            let says = self.findings.problems().faults(&fault).join(" ");
            let remedy = Some(self.findings.remedy_for(Cause::CertificateChanged));
            return Finding { state: CheckState::Failed, says, remedy };
        }
        let not_after = &own.facts.not_after;
        if is_weak(own) {
            let remedy = self.findings.host_remedy(Text::DoctorCertificateWeakRemedy, &[]);
            let values: [&dyn Display; 2] = [&own.key, &own.signature];
            let weak = self.findings.of(CheckState::Warning, Text::DoctorCertificateWeak, &values);
            return weak.with(remedy);
        }
        let soon = humantime::format_rfc3339_seconds(SystemTime::now() + EXPIRES_SOON).to_string();
        // RFC 3339 in UTC sorts by time.
        if *not_after < soon {
            let remedy = self.findings.host_remedy(Text::DoctorCertificateSoonRemedy, &[]);
            let soon = Text::DoctorCertificateSoon;
            return self.findings.of(CheckState::Warning, soon, &[not_after]).with(remedy);
        }
        let host = &self.examination.host;
        self.findings.ok(Text::DoctorCertificateOk, &[not_after, host])
    }

    /// A certificate that the user trusts is used in spite of its faults.
    fn unless_trusted(&self, tls: &ExaminedTls, finding: Finding) -> Finding {
        if !self.is_trusted_by_user(tls) {
            return finding;
        }
        let trusted = self.findings.ok(Text::DoctorCertificateTrusted, &[]).says;
        Finding { remedy: None, ..finding.and(&trusted).in_state(CheckState::Note) }
    }

    fn faults(
        &self,
        tls: &ExaminedTls,
        are: impl Fn(&CertificateFault) -> bool,
    ) -> Vec<CertificateFault> {
        let faults = tls.untrusted.as_ref().map_or(&[][..], |untrusted| &untrusted.faults);
        faults.iter().filter(|fault| are(fault)).cloned().collect()
    }

    fn chain(&self, tls: &ExaminedTls) -> Finding {
        let faults = self.faults(tls, |fault| certificate_cause(fault).is_none());
        let Some(fault) = faults.first() else {
            return match tls.chain.order() {
                ChainOrder::Right => self.findings.ok(Text::DoctorChainOk, &[]),
                ChainOrder::Wrong => {
                    let remedy = self.findings.host_remedy(Text::DoctorChainOrderRemedy, &[]);
                    let order = Text::DoctorChainOrder;
                    self.findings.of(CheckState::Warning, order, &[]).with(remedy)
                }
            };
        };
        let finding = match (fault, missing_issuer(tls)) {
            (CertificateFault::SelfSigned, _) => self.fault(fault, Cause::CertificateSelfSigned),
            (_, Some((end, url))) => {
                self.evidence.add(format!("the issuer's certificate: {url}"));
                let issuer = &end.facts.issuer;
                let incomplete = Text::DoctorChainIncomplete;
                let finding = self.findings.of(CheckState::Failed, incomplete, &[issuer]);
                let remedy = Text::DoctorChainIncompleteRemedy;
                finding.with(self.findings.host_remedy(remedy, &[&url]))
            }
            (CertificateFault::NoIssuerShown, None) => {
                self.fault(fault, Cause::CertificateChainIncomplete)
            }
            (CertificateFault::UnknownIssuer, None) => {
                self.fault(fault, Cause::CertificateUnknownIssuer)
            }
            (_, None) => self.fault(fault, Cause::CertificateNotTrusted),
        };
        self.unless_trusted(tls, finding)
    }

    fn fault(&self, fault: &CertificateFault, cause: Cause) -> Finding {
        let says = self.findings.problems().faults(std::slice::from_ref(fault)).join(" ");
        Finding { state: CheckState::Failed, says, remedy: Some(self.findings.remedy_for(cause)) }
    }

    fn show_certificate(&self, tls: &ExaminedTls) {
        let Some(own) = tls.chain.certificates().first() else { return };
        let facts = &own.facts;
        self.evidence.add(format!("subject {}", facts.subject));
        self.evidence.add(format!("issuer {}", facts.issuer));
        self.evidence.add(format!("names {}", facts.names.join(", ")));
        self.evidence.add(format!("valid from {} to {}", facts.not_before, facts.not_after));
        self.evidence.add(format!("key {}, signature {}", own.key, own.signature));
        for notation in notations(facts.sha256) {
            self.evidence.add(format!("SHA-256 {notation}"));
        }
    }
}

/// Returns the cause of a fault of the certificate itself; `None` for one of its chain.
fn certificate_cause(fault: &CertificateFault) -> Option<Cause> {
    match fault {
        CertificateFault::Expired { .. } => Some(Cause::CertificateExpired),
        CertificateFault::NotYetValid { .. } => Some(Cause::CertificateNotYetValid),
        CertificateFault::NameMismatch { .. } => Some(Cause::CertificateNameMismatch),
        CertificateFault::Revoked
        | CertificateFault::NotForServers
        | CertificateFault::Unreadable => Some(Cause::CertificateUnfit),
        _ => None,
    }
}

/// Returns the last certificate of a chain whose issuer is missing, and where the issuer's certificate
/// is. An authority of one's own names no such place.
fn missing_issuer(tls: &ExaminedTls) -> Option<(&ChainCertificate, String)> {
    let end = tls.chain.end()?;
    end.issuer_urls.first().map(|url| (end, url.clone()))
}

fn is_weak(certificate: &ChainCertificate) -> bool {
    let bits = certificate.key.strip_prefix("RSA ").and_then(|bits| bits.parse::<u32>().ok());
    let signature = certificate.signature.to_ascii_lowercase();
    bits.is_some_and(|bits| bits < MIN_RSA_BITS)
        || signature.starts_with("sha1")
        || signature.starts_with("md5")
        || signature.ends_with("sha1")
}

/// The notations of a fingerprint that programs show: plain, with colons, base64.
fn notations(fingerprint: Fingerprint) -> [String; 3] {
    use base64::Engine as _;
    let bytes = fingerprint.as_bytes();
    let colons: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    [fingerprint.to_string(), colons.join(":"), base64]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_has_three_notations() {
        let [plain, colons, base64] = notations(Fingerprint::new([0xab; 32]));
        assert_eq!(plain, "ab".repeat(32));
        assert!(colons.starts_with("AB:AB:") && colons.len() == 95);
        assert_eq!(base64, "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=");
    }
}
