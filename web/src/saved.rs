//! What the browser stores for the page after a reload: the unfinished uploads in the browser's store, and the session of this
//! tab. No password, and no byte of a file.

use protocol::server::NewSession;
use serde::{Deserialize, Serialize};

use crate::{destination::Destination, queue::SavedRow};

/// The state that all saved rows share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedHome {
    /// The destination of the uploads.
    pub destination: Destination,
    /// The fingerprint of the certificate that the user trusted there.
    pub trusted_certificate: Option<String>,
}

/// The state of a tab, for the page after a reload.
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

/// Everything that an earlier page stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredPage {
    /// The state that the rows share.
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
