//! The session that a socket is for.

use serde::{Deserialize, Serialize};

use crate::{secret::Secret, tagged::messages};

/// The name of a session and its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct SessionCredentials {
    /// The session's name, which may be logged.
    pub name: String,
    /// Proves that a socket belongs to the session; it may not be logged.
    pub secret: Secret,
}

messages! {
    /// Which session a socket joins.
    pub enum Join = "Join" {
        /// A new one. [`crate::ServerMessage::Welcome`] has its name and its secret.
        New,
        /// One that exists.
        Existing {
            /// The session's name.
            name: String,
            /// The session's secret.
            secret: Secret,
            /// What the page has received. Absent from a page that was reloaded and has lost the
            /// session's state.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<ResumeState>,
        },
        /// A new one of a guest of a drop, whose link has this id and this secret. From here on the client
        /// sends [`crate::GuestMessage`]s and gets [`crate::ToGuest`]; it comes back with
        /// [`Join::Existing`].
        Drop {
            /// The id in the link.
            id: String,
            /// The secret in the link, behind its `#`.
            secret: Secret,
            /// The password, where the drop has one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            password: Option<Secret>,
        },
    }
}

/// What a page that comes back has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct ResumeState {
    /// The number of counted messages that have arrived since the session began; the following ones
    /// are sent again. See [`crate::delivery`].
    pub messages: u64,
    /// The first line of the session log that the page lacks: [`crate::server::LogLine::seq`].
    pub log: u64,
}

crate::objects!(SessionCredentials, ResumeState);

impl SessionCredentials {
    /// Returns the request to join this session.
    #[must_use]
    pub fn join(self, resume: Option<ResumeState>) -> Join {
        Join::Existing { name: self.name, secret: self.secret, resume }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_have_the_documented_json() {
        let credentials =
            SessionCredentials { name: "n".into(), secret: Secret::new("hush".into()) };
        let again = r#"{"type":"existing","name":"n","secret":"hush"}"#;
        let with_state =
            r#"{"type":"existing","name":"n","secret":"hush","resume":{"messages":1,"log":2}}"#;
        let resume = Some(ResumeState { messages: 1, log: 2 });
        for (join, json) in [
            (Join::New, r#"{"type":"new"}"#),
            (credentials.clone().join(None), again),
            (credentials.join(resume), with_state),
        ] {
            assert_eq!(serde_json::to_string(&join).unwrap(), json);
            assert_eq!(serde_json::from_str::<Join>(json).unwrap(), join);
            assert!(!format!("{join:?}").contains("hush"));
        }
    }
}
