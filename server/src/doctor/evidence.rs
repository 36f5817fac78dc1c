//! Collects what a server sends and what the engine observes, for one check after the other.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use ftps::{Connection, Event, EventKind, LineKind, Password, Status, TlsFacts, Transcript};

use crate::locking::lock;

/// The most lines of one check.
const MAX_LINES: usize = 60;

/// The most characters of a line.
const MAX_LINE_CHARS: usize = 300;

/// The lines since the last check. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    shared: Arc<Mutex<Collected>>,
    /// It never stands in a line: a server may repeat it in a reply.
    password: Option<Password>,
}

#[derive(Debug, Default)]
struct Collected {
    lines: Vec<String>,
    omitted: usize,
    data: Vec<TlsFacts>,
    without_close: usize,
}

/// What was observed on data connections.
#[derive(Clone, Debug, Default)]
pub(super) struct DataFacts {
    /// The TLS of each data connection, in order.
    pub(super) tls: Vec<TlsFacts>,
    /// The data connections that the server closed without `close_notify`.
    pub(super) without_close: usize,
}

impl Evidence {
    /// Creates a collection in which this password never stands.
    pub(super) fn without(password: Option<Password>) -> Self {
        Self { password, ..Self::default() }
    }

    /// Returns a transcript that adds to the lines.
    pub(super) fn transcript(&self) -> Transcript {
        let evidence = self.clone();
        Transcript::new(move |event| evidence.observe(&event))
    }

    /// Adds a line of the doctor's own.
    pub(super) fn add(&self, line: impl Into<String>) {
        let line = cut(&visible(&line.into()));
        let mut collected = lock(&self.shared);
        match collected.lines.len() < MAX_LINES {
            true => collected.lines.push(line),
            false => collected.omitted += 1,
        }
    }

    /// Takes the lines since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        let mut collected = lock(&self.shared);
        let mut lines = std::mem::take(&mut collected.lines);
        match std::mem::take(&mut collected.omitted) {
            0 => {}
            omitted => lines.push(format!("({omitted} more lines)")),
        }
        lines
    }

    /// Takes what was observed on data connections since the last call.
    pub(super) fn take_data_facts(&self) -> DataFacts {
        let mut collected = lock(&self.shared);
        DataFacts {
            tls: std::mem::take(&mut collected.data),
            without_close: std::mem::take(&mut collected.without_close),
        }
    }

    /// Hides the password in a text that a server may have a part in.
    pub(super) fn hide_password(&self, text: &str) -> String {
        self.password.as_ref().map_or_else(|| text.to_owned(), |own| own.hidden_in(text))
    }

    fn observe(&self, event: &Event) {
        match (&event.kind, event.connection) {
            (EventKind::Tls(facts), Connection::Data(_)) => {
                lock(&self.shared).data.push(facts.clone());
            }
            (EventKind::Status(Status::NoCloseNotify), Connection::Data(_)) => {
                lock(&self.shared).without_close += 1;
            }
            _ => {}
        }
        let is_telling = match (&event.kind, event.line_kind()) {
            (EventKind::Tls(_), _) => true,
            (_, LineKind::Command | LineKind::Response | LineKind::Error) => true,
            (_, LineKind::Status) => false,
        };
        if is_telling {
            let text = event.to_string();
            let text = match event.line_kind() {
                // What we send never contains it, and a username may look like it.
                LineKind::Command => text,
                LineKind::Response | LineKind::Error | LineKind::Status => {
                    self.hide_password(&text)
                }
            };
            self.add(format!("{:?}: {text}", event.line_kind()));
        }
    }
}

/// Replaces control characters: a certificate may hold some that a terminal obeys.
pub(super) fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

/// Returns the line about a port.
pub(super) fn port_line(address: SocketAddr, found: &str) -> String {
    format!("port {} at {}: {found}", address.port(), address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_in_number_and_length() {
        let evidence = Evidence::default();
        for _ in 0..MAX_LINES + 5 {
            evidence.add("ü".repeat(1000));
        }
        let lines = evidence.take();
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines.last().map(String::as_str), Some("(5 more lines)"));
        assert_eq!(lines[0].chars().count(), MAX_LINE_CHARS + 1);
        assert!(evidence.take().is_empty());
    }

    #[test]
    fn control_characters_are_not_shown() {
        let evidence = Evidence::default();
        evidence.add("subject CN=\u{1b}]0;owned\u{7}ü");
        assert_eq!(evidence.take(), ["subject CN=\u{fffd}]0;owned\u{fffd}ü"]);
    }

    #[test]
    fn password_is_hidden_where_a_server_repeats_it() {
        let evidence = Evidence::without(Password::new("s3same").ok());
        assert_eq!(evidence.hide_password("530 no user with s3same"), "530 no user with ********");
        assert_eq!(Evidence::default().hide_password("530 no"), "530 no");
        assert!(!format!("{evidence:?}").contains("s3same"));
    }
}
