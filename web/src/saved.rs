//! What survives the page: the unfinished uploads in the browser's store, and the session of this
//! tab. No password, and no byte of a file.

use protocol::server::NewSession;
use serde::{Deserialize, Serialize};

use crate::{destination::Destination, queue::SavedRow};

/// What all saved rows have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedHome {
    /// The destination of the uploads.
    pub destination: Destination,
    /// The fingerprint of the certificate that the person trusted there.
    pub trusted_certificate: Option<String>,
}

/// What a tab keeps for the page that follows after a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedTab {
    /// The name of this tab's queue in the store.
    pub queue: String,
    /// The destination of the session.
    pub home: Option<SavedHome>,
    /// The session to resume.
    pub session: Option<NewSession>,
}

protocol::objects!(SavedHome, SavedTab);

/// Everything that an earlier page left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredPage {
    /// What the rows have in common.
    pub home: SavedHome,
    /// The rows in order.
    pub rows: Vec<SavedRow>,
    /// The dropped folders and files that the browser can open again, sorted:
    /// [`crate::path::root`].
    pub handles: Vec<String>,
    /// The session to resume.
    pub session: Option<NewSession>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_of_a_session_is_in_the_tab_and_in_no_debug_print() {
        let tab = SavedTab {
            queue: "q".into(),
            home: None,
            session: Some(NewSession {
                session: "s".into(),
                secret: protocol::client::Secret::new("hush".into()),
            }),
        };
        let text = serde_json::to_string(&tab).unwrap();
        assert_eq!(serde_json::from_str::<SavedTab>(&text).unwrap(), tab);
        assert!(text.contains("hush"));
        assert!(!format!("{tab:?}").contains("hush"));
    }
}
