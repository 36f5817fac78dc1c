//! Where the page was connected lately, as this browser keeps it. No password.

use serde::{Deserialize, Serialize};

use crate::connection::Destination;

/// More than so many are not offered: the oldest gives way.
pub const MAX_RECENT: usize = 8;

/// A destination that let the person in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Recent {
    /// Where, and as whom.
    pub destination: Destination,
    /// The folder that the person began in, [`crate::address::Address::folder`]; may be empty.
    pub folder: String,
}

/// All of them, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Recents {
    places: Vec<Recent>,
}

protocol::objects!(Recent, Recents);

impl Recents {
    /// The newest first.
    #[must_use]
    pub fn places(&self) -> &[Recent] {
        &self.places
    }

    /// Puts one in front. The same destination is kept once, with the folder of the last time.
    pub fn remember(&mut self, recent: Recent) {
        self.forget(&recent.destination);
        self.places.insert(0, recent);
        self.places.truncate(MAX_RECENT);
    }

    /// Takes one out.
    pub fn forget(&mut self, destination: &Destination) {
        self.places.retain(|known| known.destination != *destination);
    }
}

#[cfg(test)]
mod tests {
    use protocol::Encryption;

    use super::*;
    use crate::json;

    fn recent(port: u16, folder: &str) -> Recent {
        let destination = Destination {
            host: "h".into(),
            port,
            encryption: Encryption::Explicit,
            username: "u".into(),
        };
        Recent { destination, folder: folder.into() }
    }

    #[test]
    fn newest_is_first_and_the_oldest_gives_way() {
        let mut recents = Recents::default();
        for port in 1..=10 {
            recents.remember(recent(port, ""));
        }
        let ports: Vec<_> = recents.places().iter().map(|known| known.destination.port).collect();
        assert_eq!(ports, [10, 9, 8, 7, 6, 5, 4, 3]);
    }

    #[test]
    fn same_destination_is_kept_once_with_its_last_folder() {
        let mut recents = Recents::default();
        recents.remember(recent(1, "a"));
        recents.remember(recent(2, ""));
        recents.remember(recent(1, "b"));
        assert_eq!(recents.places(), [recent(1, "b"), recent(2, "")]);
        recents.forget(&recent(1, "").destination);
        assert_eq!(recents.places(), [recent(2, "")]);
    }

    #[test]
    fn what_is_written_is_read_and_holds_no_password() {
        let mut recents = Recents::default();
        recents.remember(recent(1, "ä"));
        let text = json::write(&recents).unwrap();
        assert_eq!(json::read::<Recents>(&text).unwrap(), recents);
        assert!(!text.contains("password"), "{text}");
    }
}
