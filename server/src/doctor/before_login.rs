//! What a server does before the login: greeting, `AUTH`, TLS.

use std::collections::BTreeSet;

use ftps::{
    Encryption as EngineEncryption, Error, ExaminedAuth, ExaminedTls, OldTlsAnswer, OldTlsVersion,
    Reply, Stage, Target, TlsVersion, TlsVersions, profile::AuthName,
};
use protocol::{
    Encryption,
    doctor::{CheckId, CheckState},
    problem::Who,
};

use super::{finding::Finding, found_ports::PortState, run::Run};
use crate::{problems::expected_encryption, texts::Text};

/// The connections that are kept for the login and for a probe.
const RESERVED_CONNECTIONS: u32 = 2;

/// The most further addresses of the name whose certificates are compared.
const MAX_OTHER_ADDRESSES: usize = 2;

/// Products by their greetings.
const PRODUCTS: [(&str, &str); 12] = [
    ("vsftpd", "vsftpd"),
    ("proftpd", "ProFTPD"),
    ("pure-ftpd", "Pure-FTPd"),
    ("filezilla server", "FileZilla Server"),
    ("microsoft ftp", "Microsoft IIS"),
    ("pyftpdlib", "pyftpdlib"),
    ("libunftp", "libunftp"),
    ("serv-u", "Serv-U"),
    ("ws_ftp", "WS_FTP"),
    ("cerberus", "Cerberus FTP Server"),
    ("crushftp", "CrushFTP"),
    ("wing ftp", "Wing FTP Server"),
];

const ONLY_TLS13: TlsVersions = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 };

/// What the start of a control connection showed.
enum Start {
    /// TLS can be examined.
    Ready,
    /// It cannot.
    Failed,
    /// The server expects the other encryption, which may be tried.
    Other(Encryption),
}

impl Run<'_> {
    /// Greeting and `AUTH`, or greeting and implicit TLS. Returns whether TLS can be examined.
    pub(super) async fn start(&mut self) -> bool {
        let Some(target) = self.known.target.clone() else { return false };
        let start = match self.try_start(target, self.examination.encryption.is_none()).await {
            Start::Other(encryption) => {
                self.use_encryption(encryption);
                match self.known.target.clone() {
                    Some(target) => self.try_start(target, false).await,
                    None => Start::Failed,
                }
            }
            start => start,
        };
        matches!(start, Start::Ready)
    }

    fn use_encryption(&mut self, encryption: Encryption) {
        let destination = self.known.destination.take();
        self.known.destination =
            destination.map(|destination| destination.with_encryption(encryption));
        if let Some(target) = &mut self.known.target {
            target.encryption = match encryption {
                Encryption::Explicit => EngineEncryption::Explicit,
                Encryption::Implicit => EngineEncryption::Implicit,
            };
        }
    }

    async fn try_start(&mut self, target: Target, may_change: bool) -> Start {
        self.begin();
        let Some(connector) = self.connector_without_login(target.clone()) else {
            return Start::Failed;
        };
        match target.encryption {
            EngineEncryption::Explicit => match connector.examine_auth().await {
                Ok(examined) => self.explicit_start(&examined),
                Err(error) => self.failed_start(&error, may_change),
            },
            EngineEncryption::Implicit => match connector.examine_tls(TlsVersions::default()).await
            {
                Ok(examined) => {
                    self.end(CheckId::Greeting, self.greeted(&examined.greeting));
                    self.end(CheckId::AuthTls, self.findings.skipped(Text::DoctorAuthImplicit));
                    let port = target.address.port();
                    let finding = self.findings.ok(Text::DoctorImplicitMain, &[&port]);
                    self.end(CheckId::ImplicitTls, finding);
                    self.known.tls = Some(examined);
                    Start::Ready
                }
                Err(error) => self.failed_start(&error, may_change),
            },
        }
    }

    fn failed_start(&mut self, error: &Error, may_change: bool) -> Start {
        if let (true, Some(other)) = (may_change, expected_encryption(error)) {
            return Start::Other(other);
        }
        let is_before_greeting = self.encryption() == Encryption::Implicit
            && matches!(error.stage(), Stage::Tls | Stage::Certificate)
            && expected_encryption(error).is_none();
        let id = if is_before_greeting { CheckId::ImplicitTls } else { CheckId::Greeting };
        self.end(id, self.findings.of_error(error));
        Start::Failed
    }

    fn explicit_start(&mut self, examined: &ExaminedAuth) -> Start {
        let lines = self.evidence.take();
        let auth = lines.iter().position(|line| line.starts_with("Command: AUTH"));
        let (of_greeting, of_auth) = lines.split_at(auth.unwrap_or(lines.len()));
        of_greeting.iter().for_each(|line| self.evidence.add(line));
        self.end(CheckId::Greeting, self.greeted(&examined.greeting));
        of_auth.iter().for_each(|line| self.evidence.add(line));
        let finding = match &examined.auth {
            Ok(AuthName::Tls) => self.findings.ok(Text::DoctorAuthOk, &[]),
            Ok(AuthName::Ssl) => {
                let remedy = self.findings.host_remedy(Text::DoctorAuthOnlySslRemedy, &[]);
                let only_ssl = Text::DoctorAuthOnlySsl;
                self.findings.of(CheckState::Warning, only_ssl, &[]).with(remedy)
            }
            Err(error) => self.findings.of_error(error),
        };
        self.end(CheckId::AuthTls, finding);
        if examined.auth.is_ok() { Start::Ready } else { Start::Failed }
    }

    fn greeted(&self, greeting: &Reply) -> Finding {
        let text = greeting.to_string().to_ascii_lowercase();
        match PRODUCTS.iter().find(|(words, _)| text.contains(words)) {
            Some((_, product)) => self.findings.ok(Text::DoctorGreetingProduct, &[product]),
            None => self.findings.ok(Text::DoctorGreetingOk, &[]),
        }
    }

    /// Implicit TLS at port 990, where that is not the examined port.
    pub(super) async fn implicit_tls(&mut self) {
        self.begin();
        let finding = match self.known.ports.implicit {
            PortState::NotExamined => self.findings.skipped(Text::DoctorPortNotExamined),
            PortState::Closed | PortState::Filtered | PortState::Unreachable => {
                self.findings.ok(Text::DoctorImplicitNone, &[])
            }
            PortState::Open(address) => {
                let host = self.examination.host.clone();
                let target = Target { address, host, encryption: EngineEncryption::Implicit };
                let connector = self.connector_without_login(target);
                let examined = match connector {
                    Some(connector) => connector.examine_tls(TlsVersions::default()).await.is_ok(),
                    None => false,
                };
                match examined {
                    true if address.port() == self.examination.port => {
                        self.findings.ok(Text::DoctorImplicitMain, &[&address.port()])
                    }
                    true => self.findings.ok(Text::DoctorImplicitAlso, &[]),
                    false => self.findings.of(CheckState::Note, Text::DoctorImplicitOther, &[]),
                }
            }
        };
        self.end(CheckId::ImplicitTls, finding);
    }

    /// TLS 1.3 and 1.2, each alone. Returns whether one of them works.
    pub(super) async fn tls_versions(&mut self) -> bool {
        let Some(target) = self.known.target.clone() else { return false };
        self.begin();
        let Some(connector) = self.connector_without_login(target) else { return false };
        let newer = connector.examine_tls(ONLY_TLS13).await;
        let older = connector.examine_tls(TlsVersions::ONLY_TLS12).await;
        self.known.resumes_tls12 = older.as_ref().is_ok_and(|examined| examined.is_resumable);
        let finding = match (&newer, &older) {
            (Ok(_), Ok(_)) => self.findings.ok(Text::DoctorTlsBoth, &[]),
            (Ok(_), Err(_)) => self.findings.of(CheckState::Note, Text::DoctorTlsOnly13, &[]),
            (Err(_), Ok(_)) => self.findings.of(CheckState::Note, Text::DoctorTlsOnly12, &[]),
            (Err(_), Err(error)) => self.findings.of_error(error),
        };
        self.end(CheckId::TlsVersions, finding);
        let works = newer.is_ok() || older.is_ok();
        self.known.tls = newer.or(older).ok();
        works
    }

    /// TLS 1.1 and 1.0.
    pub(super) async fn old_tls(&mut self) {
        let Some(target) = self.known.target.clone() else { return };
        self.begin();
        let Some(connector) = self.connector_without_login(target) else { return };
        let mut accepted = BTreeSet::new();
        for version in OldTlsVersion::ALL {
            if accepted.contains(&version) {
                continue;
            }
            match connector.examine_old_tls(version).await {
                Ok(OldTlsAnswer::Accepted(version)) => {
                    self.evidence.add(format!("{version}: accepted"));
                    accepted.insert(version);
                }
                Ok(OldTlsAnswer::Refused) => self.evidence.add(format!("{version}: refused")),
                Err(_) => {
                    self.end(CheckId::OldTls, self.findings.skipped(Text::DoctorNotReached));
                    return;
                }
            }
        }
        let finding = match accepted.is_empty() {
            true => self.findings.ok(Text::DoctorOldTlsNone, &[]),
            false => {
                let versions: Vec<_> = accepted.iter().map(ToString::to_string).collect();
                let remedy = self.findings.host_remedy(Text::DoctorOldTlsRemedy, &[]);
                let versions = versions.join(", ");
                let offered = Text::DoctorOldTlsOffered;
                self.findings.of(CheckState::Warning, offered, &[&versions]).with(remedy)
            }
        };
        self.end(CheckId::OldTls, finding);
    }

    /// Compares the certificates at the addresses of the name.
    pub(super) async fn addresses_agree(&mut self) {
        let (Some(destination), Some(own), Some(tls)) =
            (self.known.destination.clone(), self.known.target.clone(), self.known.tls.clone())
        else {
            return;
        };
        self.begin();
        let others = destination.targets().filter(|target| target.address != own.address);
        let others: Vec<_> = others.take(MAX_OTHER_ADDRESSES).collect();
        let mut finding = match others.is_empty() {
            true => self.findings.ok(Text::DoctorAddressesOne, &[]),
            false => self.findings.ok(Text::DoctorAddressesSame, &[]),
        };
        let shown = |examined: &ExaminedTls| {
            examined.chain.certificates().first().map(|one| one.facts.sha256)
        };
        for target in others {
            if self.dialler.control_left() <= RESERVED_CONNECTIONS {
                break;
            }
            let address = target.address.ip();
            let Some(connector) = self.connector_without_login(target) else { return };
            match connector.examine_tls(TlsVersions::default()).await {
                Ok(examined) if shown(&examined) == shown(&tls) => {
                    self.evidence.add(format!("{address}: the same certificate"));
                }
                Ok(_) => {
                    self.evidence.add(format!("{address}: another certificate"));
                    let both = format!("{}, {address}", own.address.ip());
                    let remedy = self.findings.host_remedy(Text::DoctorAddressesDifferRemedy, &[]);
                    let differ = Text::DoctorAddressesDiffer;
                    finding = self.findings.of(CheckState::Warning, differ, &[&both]).with(remedy);
                }
                Err(_) => {
                    let remedy = Text::DoctorAddressesUnreachableRemedy;
                    let remedy = self.findings.host_remedy(remedy, &[]);
                    let unreachable = Text::DoctorAddressesUnreachable;
                    finding = self
                        .findings
                        .of(CheckState::Warning, unreachable, &[&address])
                        .with(remedy);
                }
            }
        }
        self.end(CheckId::AddressesAgree, finding);
    }

    /// Whether TLS sessions can be resumed.
    pub(super) fn tickets(&mut self) {
        let Some(tls) = self.known.tls.clone() else { return };
        self.begin();
        self.evidence.add(format!("{}: {} tickets", tls.facts.version, tls.tickets));
        let resumable = if self.known.resumes_tls12 { "yes" } else { "no" };
        self.evidence.add(format!("TLS 1.2 session resumable: {resumable}"));
        let finding = match (tls.tickets, self.known.resumes_tls12) {
            (0, false) => {
                let remedy = self.findings.host_remedy(Text::DoctorTicketsRemedy, &[]);
                self.findings.of(CheckState::Note, Text::DoctorTicketsNone, &[]).with(remedy)
            }
            (0, true) => self.findings.ok(Text::DoctorTicketsTls12, &[]),
            (tickets, _) => self.findings.ok(Text::DoctorTicketsOk, &[&tickets]),
        };
        self.end(CheckId::Tickets, finding);
    }

    /// Ends the checks of the login where the certificate is not trusted.
    pub(super) fn skip_login_for_certificate(&mut self) {
        self.begin();
        let who = self.findings.remedy_of(Who::You, Text::DoctorLoginUntrustedRemedy);
        let finding = self.findings.skipped(Text::DoctorLoginUntrusted).with(who);
        self.end(CheckId::Login, finding);
    }
}
