//! The recent destinations that this browser remembers. No password.

use crate::join::{concat, join};
use crate::{address, destination::Destination, format, texts::Text};

/// The most destinations that are remembered: the oldest is dropped.
pub const MAX_RECENT: usize = 8;

/// The key of the certificate's fingerprint after a link. The values of a link contain no `&`.
const CERTIFICATE: &str = "&certificate";

/// A destination that the user logged in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentDestination {
    /// The destination.
    pub destination: Destination,
    /// The start folder, [`crate::address::Address::folder`]; may be empty.
    pub folder: String,
    /// The fingerprint of the certificate that the user trusts there on this device.
    pub certificate: Option<String>,
}

/// The recent destinations, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentDestinations(Vec<RecentDestination>);

impl RecentDestinations {
    /// Reads what [`RecentDestinations::write`] wrote, except invalid lines.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.split('\n').filter_map(read).take(MAX_RECENT).collect())
    }

    /// Returns a line with a link for each destination.
    #[must_use]
    pub fn write(&self) -> String {
        let line = |recent: &RecentDestination| {
            let mut line = address::to_link(&recent.destination, &recent.folder);
            if let Some(certificate) = &recent.certificate {
                line.push_str(CERTIFICATE);
                line.push('=');
                line.push_str(certificate);
            }
            line
        };
        join(&self.0.iter().map(line).collect::<Vec<_>>(), "\n")
    }

    /// Returns the destinations, newest first.
    #[must_use]
    pub fn destinations(&self) -> &[RecentDestination] {
        &self.0
    }

    /// Returns whether the user has logged in to a host before.
    #[must_use]
    pub fn knows_host(&self, host: &str) -> bool {
        self.0.iter().any(|known| known.destination.host.eq_ignore_ascii_case(host))
    }

    /// Returns the fingerprint of the certificate that the user trusts at the server of a destination.
    #[must_use]
    pub fn certificate_at(&self, destination: &Destination) -> Option<&String> {
        let Destination { host, port, .. } = destination;
        let at = |known: &&RecentDestination| {
            known.destination.host == *host && known.destination.port == *port
        };
        self.0.iter().filter(at).find_map(|known| known.certificate.as_ref())
    }

    /// Adds a destination at the front. The same destination is kept once, with its last folder.
    pub fn remember(&mut self, recent: RecentDestination) {
        self.forget(&recent.destination);
        self.0.insert(0, recent);
        self.0.truncate(MAX_RECENT);
    }

    /// Removes a destination.
    pub fn forget(&mut self, destination: &Destination) {
        self.0.retain(|known| known.destination != *destination);
    }
}

fn read(line: &str) -> Option<RecentDestination> {
    let last = line.rsplit_once('=');
    let certified = last.and_then(|(before, last)| Some((before.strip_suffix(CERTIFICATE)?, last)));
    let (line, certificate) = match certified {
        Some((line, certificate)) => (line, Some(certificate.to_owned())),
        None => (line, None),
    };
    let link = address::parse_link(line)?;
    let destination = Destination {
        host: link.host,
        port: link.port?,
        encryption: Some(link.encryption?),
        username: link.username.unwrap_or_default(),
    };
    Some(RecentDestination { destination, folder: link.folder.unwrap_or_default(), certificate })
}

/// User name and host.
#[must_use]
pub fn label(destination: &Destination) -> String {
    let (username, host) = (&destination.username, &destination.host);
    concat(&[&*format::name(username), "@", &*format::name(host)])
}

/// Encryption, port and folder; `encryption` is its name in the form.
#[must_use]
pub fn details(recent: &RecentDestination, encryption: &str) -> String {
    let port = recent.destination.port;
    match recent.folder.as_str() {
        "" => Text::RecentHow.fill(&[&encryption, &port]),
        folder => Text::RecentHowAndFolder.fill(&[&encryption, &port, &format::name(folder)]),
    }
}

/// Says that the server's certificate is trusted on this device.
#[must_use]
pub fn certificate_remembered() -> &'static str {
    Text::RecentCertificate.text()
}

/// The label of the button that removes a recent destination.
#[must_use]
pub fn remove_label(place: &str) -> String {
    Text::RecentRemove.fill(&[&place])
}

#[cfg(test)]
mod tests {
    use protocol::Encryption;

    use super::*;

    fn recent(port: u16, folder: &str) -> RecentDestination {
        let destination = Destination {
            host: "h".into(),
            port,
            encryption: Some(Encryption::Explicit),
            username: "u".into(),
        };
        RecentDestination { destination, folder: folder.into(), certificate: None }
    }

    #[test]
    fn newest_is_first_and_the_oldest_gives_way() {
        let mut recents = RecentDestinations::default();
        for port in 1..=10 {
            recents.remember(recent(port, ""));
        }
        let ports: Vec<_> =
            recents.destinations().iter().map(|known| known.destination.port).collect();
        assert_eq!(ports, [10, 9, 8, 7, 6, 5, 4, 3]);
    }

    #[test]
    fn same_destination_is_kept_once_with_its_last_folder() {
        let mut recents = RecentDestinations::default();
        recents.remember(recent(1, "a"));
        recents.remember(recent(2, ""));
        recents.remember(recent(1, "b"));
        assert_eq!(recents.destinations(), [recent(1, "b"), recent(2, "")]);
        recents.forget(&recent(1, "").destination);
        assert_eq!(recents.destinations(), [recent(2, "")]);
    }

    #[test]
    fn trusted_certificate_is_that_of_the_server_for_all_its_users_until_it_is_forgotten() {
        let trusted = RecentDestination { certificate: Some("ab".into()), ..recent(1, "a") };
        let mut recents = RecentDestinations::default();
        recents.remember(trusted.clone());
        let mut recents = RecentDestinations::read(&recents.write());
        assert_eq!(recents.destinations(), std::slice::from_ref(&trusted));
        let other = Destination { username: "v".into(), ..trusted.destination.clone() };
        assert_eq!(recents.certificate_at(&other).map(String::as_str), Some("ab"));
        let elsewhere = Destination { port: 2, ..other.clone() };
        assert_eq!(recents.certificate_at(&elsewhere), None);
        recents.forget(&trusted.destination);
        assert_eq!(recents.certificate_at(&other), None);
    }

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_left_out() {
        let mut recents = RecentDestinations::default();
        recents.remember(recent(1, "ä\n&b"));
        recents.remember(recent(2, ""));
        let text = recents.write();
        assert_eq!(RecentDestinations::read(&text), recents);
        assert_eq!(RecentDestinations::read(&format!("what?\n{text}\nhost=a")), recents);
        assert_eq!(RecentDestinations::read(""), RecentDestinations::default());
    }
}
