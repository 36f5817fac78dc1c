//! One examination while it runs: the checks so far, and what later ones need.

use std::{sync::Arc, time::SystemTime};

use ftps::{
    Client, Config, Connector, Credentials, ExaminedTls, Fingerprint, Password, SharedProfile,
    Target, Username,
    profile::{HostProfile, Pipelining},
};
use protocol::{
    Encryption,
    doctor::{
        CheckId, CheckState, DoctorCheck, DoctorReport, DoctorTarget, DoctorVerdict, REPORT_VERSION,
    },
};
use rustls::RootCertStore;
use tokio::time::{Duration, Instant};

use super::{
    dialler::LimitedDialler,
    evidence::{Evidence, visible},
    finding::{Finding, FindingBuilder},
    found_ports::{FoundPorts, IMPLICIT_PORT, SFTP_PORT},
    limits::DoctorLimits,
};
use crate::{
    policy::Destination,
    texts::{Language, Text, span},
};

/// What to examine.
#[derive(Clone, Debug)]
pub struct Examination {
    /// A host name or an address.
    pub host: String,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts; `None` to find out.
    pub encryption: Option<Encryption>,
    /// Without them, everything before the login is examined.
    pub credentials: Option<Credentials>,
    /// The folder to list and to write to; `None` for the one where the login starts.
    pub folder: Option<String>,
    /// Whether a test file may be uploaded.
    pub test_upload: TestUpload,
    /// The one certificate that is trusted although no authority vouches for it.
    pub trusted_certificate: Option<Fingerprint>,
    /// The language of the report.
    pub language: Language,
}

/// Whether a test file is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestUpload {
    /// It is, and deleted again.
    Made,
    /// Nothing is written.
    NotMade,
}

/// An examination while it runs.
pub(super) struct Run<'r> {
    pub(super) examination: &'r Examination,
    pub(super) limits: DoctorLimits,
    pub(super) findings: FindingBuilder,
    pub(super) evidence: Evidence,
    pub(super) dialler: Arc<LimitedDialler>,
    roots: Arc<RootCertStore>,
    profile: SharedProfile,
    checks: Vec<DoctorCheck>,
    tell: &'r mut (dyn FnMut(&DoctorCheck) + Send),
    begun: Instant,
    /// What later checks need.
    pub(super) known: Known,
}

/// What the checks so far have found.
#[derive(Default)]
pub(super) struct Known {
    pub(super) destination: Option<Destination>,
    /// The address that is examined, once it is known that the port is open there.
    pub(super) target: Option<Target>,
    pub(super) ports: FoundPorts,
    /// The TLS of the control connection, from the newest version that works.
    pub(super) tls: Option<ExaminedTls>,
    /// Whether a TLS 1.2 session can be resumed.
    pub(super) resumes_tls12: bool,
    pub(super) client: Option<Client>,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        examination: &'r Examination,
        limits: DoctorLimits,
        roots: Arc<RootCertStore>,
        tell: &'r mut (dyn FnMut(&DoctorCheck) + Send),
    ) -> Self {
        let password = examination.credentials.as_ref().map(|own| own.password.clone());
        let ports = vec![examination.port, IMPLICIT_PORT, SFTP_PORT];
        // Each command alone: some servers lose those of a batch, and there is one login only.
        let profile = HostProfile { pipelining: Pipelining::Off, ..HostProfile::default() };
        Self {
            examination,
            limits,
            findings: FindingBuilder::new(examination.language),
            evidence: Evidence::without(password),
            dialler: Arc::new(LimitedDialler::new(&limits, ports)),
            roots,
            profile: SharedProfile::new(profile),
            checks: Vec::new(),
            tell,
            begun: Instant::now(),
            known: Known::default(),
        }
    }

    /// Returns the profile of the server, which all connectors share.
    pub(super) fn profile(&self) -> &SharedProfile {
        &self.profile
    }

    /// Returns a connector that cannot log in, because it does not have the credentials.
    pub(super) fn connector_without_login(&self, target: Target) -> Option<Connector> {
        let username = Username::new("anonymous").ok()?;
        let nobody = Credentials { username, password: Password::new("").ok()? };
        Some(self.connector(target, nobody))
    }

    /// Returns a connector to a server.
    pub(super) fn connector(&self, target: Target, credentials: Credentials) -> Connector {
        let mut config = Config::new(Arc::clone(&self.roots));
        config.tls.trusted_certificate = self.examination.trusted_certificate;
        self.limits.apply_to(&mut config.timeouts);
        Connector::new(target, config, credentials, self.evidence.transcript())
            .with_profile(self.profile.clone())
            .with_dialler(Arc::clone(&self.dialler) as _)
    }

    /// Begins a check: its evidence and its time.
    pub(super) fn begin(&mut self) {
        self.evidence.take();
        self.begun = Instant::now();
    }

    /// Returns the time since the check began.
    pub(super) fn begun_ago(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Ends a check.
    pub(super) fn end(&mut self, id: CheckId, finding: Finding) {
        self.end_after(id, finding, self.begun.elapsed());
    }

    /// Ends a check that took so long.
    pub(super) fn end_after(&mut self, id: CheckId, finding: Finding, took: Duration) {
        let Finding { state, says, remedy } = finding;
        let title = self.findings.language().get(&format!("doctor.title.{}", id.word())).to_owned();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let evidence = self.evidence.take();
        let says = visible(&self.evidence.hide_password(&says));
        let check = DoctorCheck { id, state, title, says, evidence, took_ms, remedy };
        (self.tell)(&check);
        self.checks.push(check);
        self.begun = Instant::now();
    }

    /// Ends checks that cannot be made, unless they have ended already.
    pub(super) fn skip(&mut self, ids: &[CheckId], reason: Text) {
        for id in ids {
            if !self.has(*id) {
                self.begin();
                self.end(*id, self.findings.skipped(reason));
            }
        }
    }

    /// Whether a check has ended.
    pub(super) fn has(&self, id: CheckId) -> bool {
        self.checks.iter().any(|check| check.id == id)
    }

    /// Ends the checks that did not end in time.
    pub(super) fn end_out_of_time(&mut self) {
        let limit = span(self.limits.total);
        let mut missing = CheckId::ALL.iter().filter(|id| !self.has(**id)).copied();
        let first = missing.next();
        if let Some(first) = first {
            let finding = self.findings.of(CheckState::Failed, Text::DoctorOutOfTime, &[&limit]);
            self.end(first, finding.with(self.findings.remedy_for(ftps::Cause::ServerTooSlow)));
        }
        self.skip(CheckId::ALL, Text::DoctorNotReached);
    }

    /// Builds the report.
    pub(super) fn report(mut self, at: SystemTime) -> DoctorReport {
        self.checks.sort_by_key(|check| check.id);
        let verdict = DoctorVerdict::of(&self.checks);
        let examination = self.examination;
        let encryption = self.encryption();
        let credentials = examination.credentials.as_ref();
        DoctorReport {
            version: REPORT_VERSION,
            at: humantime::format_rfc3339_seconds(at).to_string(),
            target: DoctorTarget {
                host: examination.host.clone(),
                port: examination.port,
                encryption,
                username: credentials.map(|own| own.username.as_str().to_owned()),
                folder: examination.folder.clone(),
            },
            verdict,
            summary: summary(examination.language, verdict, &self.checks),
            checks: self.checks,
        }
    }

    /// Returns when TLS starts: what was found, or what is tried first.
    pub(super) fn encryption(&self) -> Encryption {
        let found = self.known.destination.as_ref().map(Destination::encryption);
        let first = || Encryption::first_at(self.examination.port);
        found.or(self.examination.encryption).unwrap_or_else(first)
    }
}

/// Returns the verdict as a sentence.
fn summary(language: Language, verdict: DoctorVerdict, checks: &[DoctorCheck]) -> String {
    let in_state = |state| checks.iter().filter(move |check| check.state == state);
    match verdict {
        DoctorVerdict::Works => language.text(Text::DoctorWorks).to_owned(),
        DoctorVerdict::Remarks => {
            let remarks = in_state(CheckState::Warning).count();
            language.fill(Text::DoctorRemarks, &[&remarks])
        }
        DoctorVerdict::Fails => {
            let first = in_state(CheckState::Failed).next().map(|check| check.id.word());
            let reason = format!("doctor.fails.{}", first.unwrap_or_default());
            language.fill(Text::DoctorFails, &[&language.get(&reason)])
        }
    }
}
