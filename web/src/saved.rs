//! What the browser stores for the page after a reload: the unfinished uploads and the last batch of
//! finished ones in its store, the session and the view of the tab. No password, and no byte of a file.

use std::time::Duration;

use protocol::session::SessionCredentials;
use serde::{Deserialize, Serialize};

use crate::{
    destination::Destination,
    queue::{ConflictPolicy, OfferOrder, SavedRow},
    upload_list::Grouping,
};

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
    pub session: Option<SessionCredentials>,
    /// The folder in view, and what the user chose.
    #[serde(default)]
    pub view: SavedView,
}

/// The folder in view in a tab, and the user's choices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedView {
    /// The folder in view on the server; empty without a connection.
    pub directory: String,
    /// The choice for files whose name is taken.
    pub policy: ConflictPolicy,
    /// The order of queued uploads.
    pub order: OfferOrder,
    /// Whether the uploads are listed by folder.
    pub grouping: Grouping,
    /// For how long uploads have been under way, up to the last pause between them, in milliseconds.
    #[serde(default)]
    pub busy_millis: u64,
}

protocol::objects!(SavedHome, SavedTab, SavedView);

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
    pub session: Option<SessionCredentials>,
    /// The folder in view; empty if it is not known.
    pub directory: String,
    /// For how long the uploads were under way.
    pub busy: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_of_a_session_is_in_the_tab_and_in_no_debug_print() {
        let tab = SavedTab {
            queue: "q".into(),
            home: None,
            session: Some(SessionCredentials {
                name: "s".into(),
                secret: protocol::client::Secret::new("hush".into()),
            }),
            view: SavedView { directory: "/in".into(), ..SavedView::default() },
        };
        let text = serde_json::to_string(&tab).unwrap();
        assert_eq!(serde_json::from_str::<SavedTab>(&text).unwrap(), tab);
        assert!(text.contains("hush"));
        assert!(!format!("{tab:?}").contains("hush"));
    }

    #[test]
    fn tab_of_a_page_before_this_one_is_read_too() {
        let text = r#"{"queue":"q","home":null,"session":null}"#;
        let tab: SavedTab = crate::json::read(text).unwrap();
        assert_eq!(tab.view, SavedView::default());
        let view = SavedView { grouping: Grouping::Off, directory: "/a b".into(), ..tab.view };
        let text = crate::json::write(&view).unwrap();
        assert_eq!(crate::json::read::<SavedView>(&text).unwrap(), view);
    }
}
