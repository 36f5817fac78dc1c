//! The doctor: examines an FTPS server step by step, and reports what works, what does not, why, and who
//! can change it.
//!
//! It connects only where [`Policy::vet`] permits it, within [`DoctorLimits`], and logs in once at most.
//! What needs a step that failed is not tried. Reports are [`protocol::doctor::DoctorReport`]s.
//!
//! # Layers
//! - `limits`: how much an examination may do.
//! - `dialler`: connects within the limits.
//! - `evidence`: what a server sends, check by check.
//! - [`words`]: the words that do not depend on a check.
//! - `finding`: what a check has found, in a language.
//! - `found_ports`: what was found at other ports.
//! - `run`: one examination while it runs.
//! - `ports`: name, ports, SFTP.
//! - `before_login`: greeting, TLS.
//! - `certificates`: the certificate and its chain.
//! - `session`: login, features, data connections.
//! - `test_upload`: the test file.
//! - [`masked`]: hides names in a report.
//! - [`html`]: the report as a file.
//! - this module: the order of the checks.

mod before_login;
mod certificates;
mod dialler;
mod evidence;
mod finding;
mod found_ports;
pub mod html;
mod limits;
pub mod masked;
mod ports;
mod run;
mod session;
mod test_upload;
#[cfg(test)]
mod tests;
pub mod words;

use std::{sync::Arc, time::SystemTime};

use protocol::doctor::{CheckId, DoctorCheck, DoctorReport};
use rustls::RootCertStore;
use tokio::time::timeout;

pub use self::{
    limits::DoctorLimits,
    run::{Examination, TestUpload},
};
use self::{ports::Rules, run::Run, session::AFTER_LOGIN};
use crate::{lookup::LookupSlot, policy::Policy, texts::Text};

/// The checks that need TLS.
const WITH_TLS: [CheckId; 6] = [
    CheckId::TlsVersions,
    CheckId::OldTls,
    CheckId::Certificate,
    CheckId::Chain,
    CheckId::AddressesAgree,
    CheckId::Tickets,
];

/// Examines FTPS servers.
#[derive(Clone, Debug)]
pub struct Doctor {
    policy: Policy,
    roots: Arc<RootCertStore>,
    slot: LookupSlot,
    limits: DoctorLimits,
}

impl Doctor {
    /// Creates a doctor with these rules about destinations and these trusted authorities.
    #[must_use]
    pub fn new(policy: Policy, roots: Arc<RootCertStore>, slot: LookupSlot) -> Self {
        Self { policy, roots, slot, limits: DoctorLimits::default() }
    }

    /// Uses other limits.
    #[must_use]
    pub fn with_limits(self, limits: DoctorLimits) -> Self {
        Self { limits, ..self }
    }

    /// Examines a server. `tell` gets each check as it ends.
    pub async fn examine(
        &self,
        examination: &Examination,
        tell: &mut (dyn FnMut(&DoctorCheck) + Send),
    ) -> DoctorReport {
        let at = SystemTime::now();
        let mut run = Run::new(examination, self.limits, Arc::clone(&self.roots), tell);
        let rules = Rules { policy: &self.policy, slot: &self.slot };
        if timeout(self.limits.total, all(&mut run, rules)).await.is_err() {
            run.end_out_of_time();
        }
        run.report(at)
    }
}

/// All checks, in the order of a report.
async fn all(run: &mut Run<'_>, rules: Rules<'_>) {
    run.name(rules).await;
    run.ports(rules).await;
    run.skip(&[CheckId::Name, CheckId::Ports], Text::DoctorNotReached);
    let is_ready = run.start().await;
    run.skip(&[CheckId::Greeting, CheckId::AuthTls], Text::DoctorNotReached);
    if !run.has(CheckId::ImplicitTls) {
        run.implicit_tls().await;
    }
    let gate = if !is_ready {
        LoginGate::NotReached
    } else if encryption(run).await {
        LoginGate::Open
    } else {
        LoginGate::Untrusted
    };
    run.skip(&WITH_TLS, Text::DoctorNotReached);
    session(run, gate).await;
    run.sftp();
}

/// TLS and certificates. Returns whether a password may be sent.
async fn encryption(run: &mut Run<'_>) -> bool {
    let works = run.tls_versions().await;
    run.old_tls().await;
    let is_trusted = works && run.certificates();
    if works {
        run.addresses_agree().await;
        run.tickets();
    }
    is_trusted
}

/// Whether a password may be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LoginGate {
    /// The server has answered, and its certificate is trusted.
    Open,
    /// The server has answered, and its certificate is not trusted, or there was none.
    Untrusted,
    /// No server has answered.
    NotReached,
}

/// The login, and what follows it.
async fn session(run: &mut Run<'_>, gate: LoginGate) {
    if run.examination.credentials.is_none() {
        run.skip(&[CheckId::Login], Text::DoctorNoLogin);
        run.skip(&AFTER_LOGIN, Text::DoctorNoLogin);
        return;
    }
    if gate == LoginGate::Open {
        run.log_in().await;
        run.data().await;
        if run.known.client.is_some() && !run.has(CheckId::TestUpload) {
            run.test_upload().await;
        }
        if let Some(client) = run.known.client.take() {
            client.quit().await;
        }
    } else if gate == LoginGate::Untrusted && run.known.tls.is_some() {
        run.skip_login_for_certificate();
    }
    run.skip(&[CheckId::Login], Text::DoctorNotReached);
    run.skip(&AFTER_LOGIN, Text::DoctorNotReached);
}
