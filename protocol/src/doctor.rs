//! The report of the doctor: what an examination of an FTPS server has found.

use serde::{Deserialize, Serialize};

use crate::{connect::Encryption, problem::Remedy};

/// The version of the report's form.
pub const REPORT_VERSION: u32 = 1;

/// Makes the enum of checks with their words.
macro_rules! checks {
    ($($(#[$about:meta])* $variant:ident = $word:literal,)*) => {
        /// What is checked, in the order of a report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum CheckId {
            $($(#[$about])* #[serde(rename = $word)] $variant,)*
        }

        impl CheckId {
            /// All checks.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the word in reports.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

checks! {
    /// The addresses of the name.
    Name = "name",
    /// The ports for explicit TLS, implicit TLS and SFTP.
    Ports = "ports",
    /// The first reply.
    Greeting = "greeting",
    /// `AUTH TLS` and `AUTH SSL`.
    AuthTls = "auth_tls",
    /// TLS from the first byte on.
    ImplicitTls = "implicit_tls",
    /// TLS 1.2 and 1.3.
    TlsVersions = "tls_versions",
    /// TLS 1.0 and 1.1.
    OldTls = "old_tls",
    /// The server's own certificate.
    Certificate = "certificate",
    /// Who vouches for the certificate.
    Chain = "chain",
    /// Whether all addresses of the name show the same certificate.
    AddressesAgree = "addresses_agree",
    /// Whether TLS sessions can be resumed.
    Tickets = "tickets",
    /// `USER` and `PASS`.
    Login = "login",
    /// `PBSZ` and `PROT`.
    Protection = "protection",
    /// The reply to `FEAT`.
    Features = "features",
    /// `EPSV`, and the port that it names.
    Epsv = "epsv",
    /// `PASV`, and the ports that it names.
    PassivePorts = "passive_ports",
    /// Whether data connections resume the TLS session.
    DataResumption = "data_resumption",
    /// A folder's listing.
    Listing = "listing",
    /// A small file that is uploaded, resumed, dated, renamed and deleted.
    TestUpload = "test_upload",
    /// Whether there is an SFTP server too.
    Sftp = "sftp",
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It was not made, or could not be.
    Skipped,
    /// Nothing is wrong.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// It works here, but not for everybody or not for long.
    Warning,
    /// It does not work.
    Failed,
}

/// The outcome of an examination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DoctorVerdict {
    /// No check failed or has a warning.
    Works,
    /// No check failed, but some have warnings.
    Remarks,
    /// A check failed.
    Fails,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct DoctorCheck {
    /// What was checked.
    pub id: CheckId,
    /// What came of it.
    pub state: CheckState,
    /// Its name, for people.
    pub title: String,
    /// What was found, for people.
    pub says: String,
    /// What the server sent and what was measured, line by line, in English or in the server's words.
    pub evidence: Vec<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What to do; absent where nothing has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// The examined server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct DoctorTarget {
    /// The host, as it was written.
    pub host: String,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts: what was asked for or, with automatic encryption, what was found.
    pub encryption: Encryption,
    /// The username, if there was a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The folder, if it was not the one where the login starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// The report of an examination. It never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct DoctorReport {
    /// The version of the report's form: 1.
    pub version: u32,
    /// When the examination began, RFC 3339, UTC.
    pub at: String,
    /// The examined server.
    pub target: DoctorTarget,
    /// The outcome.
    pub verdict: DoctorVerdict,
    /// The outcome as a sentence, for people.
    pub summary: String,
    /// All checks, each once, in their order.
    pub checks: Vec<DoctorCheck>,
}

crate::objects!(DoctorCheck, DoctorReport, DoctorTarget);

impl CheckState {
    /// Returns the word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl DoctorVerdict {
    /// Returns the word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Remarks => "remarks",
            Self::Fails => "fails",
        }
    }

    /// Returns the outcome of these checks.
    #[must_use]
    pub fn of(checks: &[DoctorCheck]) -> Self {
        match checks.iter().map(|check| check.state).max() {
            Some(CheckState::Failed) => Self::Fails,
            Some(CheckState::Warning) => Self::Remarks,
            Some(CheckState::Skipped | CheckState::Ok | CheckState::Note) | None => Self::Works,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: CheckState) -> DoctorCheck {
        DoctorCheck {
            id: CheckId::AuthTls,
            state,
            title: "T".to_owned(),
            says: "S.".to_owned(),
            evidence: vec!["Response: 234 go".to_owned()],
            took_ms: 3,
            remedy: None,
        }
    }

    #[test]
    fn gravest_check_decides_the_verdict() {
        use CheckState::{Failed, Note, Ok, Skipped, Warning};
        for (states, verdict) in [
            (&[][..], DoctorVerdict::Works),
            (&[Ok, Note, Skipped], DoctorVerdict::Works),
            (&[Ok, Warning, Note], DoctorVerdict::Remarks),
            (&[Skipped, Failed, Warning], DoctorVerdict::Fails),
        ] {
            let checks: Vec<_> = states.iter().copied().map(check).collect();
            assert_eq!(DoctorVerdict::of(&checks), verdict, "{states:?}");
        }
    }

    #[test]
    fn report_has_the_documented_json() {
        let json = r#"{"id":"auth_tls","state":"ok","title":"T","says":"S.","evidence":["Response: 234 go"],"took_ms":3}"#;
        let check = check(CheckState::Ok);
        assert_eq!(serde_json::to_string(&check).unwrap(), json);
        assert_eq!(serde_json::from_str::<DoctorCheck>(json).unwrap(), check);
        for id in CheckId::ALL {
            assert_eq!(serde_json::to_string(id).unwrap(), format!("\"{}\"", id.word()));
        }
        assert_eq!(CheckId::ALL.len(), 20);
        for verdict in [DoctorVerdict::Works, DoctorVerdict::Remarks, DoctorVerdict::Fails] {
            let word = format!("\"{}\"", verdict.word());
            assert_eq!(serde_json::to_string(&verdict).unwrap(), word);
        }
    }
}
