//! The texts of the server's facts: its address, and how its connections are encrypted.

use protocol::{Encryption, server::Tls};

use crate::join::{concat, join};
use crate::{format, texts::Text};

/// Host, port and, where it says more, the address.
#[must_use]
pub fn server(host: &str, port: u16, address: &str) -> String {
    let (host, address) = (format::name(host), format::visible(address));
    // An IPv6 address stands in brackets; the user may have typed it without.
    let says_host = [&*address, address.trim_start_matches('[')];
    if address.is_empty() || says_host.iter().any(|address| address.starts_with(&*host)) {
        Text::ConnectionPlace.fill(&[&host, &port])
    } else {
        Text::ConnectionPlaceAndAddress.fill(&[&host, &port, &address])
    }
}

/// The user name and the TLS version, in one line.
#[must_use]
pub fn user_and_tls(user: &str, tls: &Tls) -> String {
    concat(&[&*format::name(user), " · ", &*format::visible(&tls.version)])
}

/// The control connection's TLS version, and when TLS starts.
#[must_use]
pub fn control_tls(tls: &Tls, encryption: Encryption) -> String {
    let word = match encryption {
        Encryption::Explicit => Text::ConnectionExplicitTls,
        Encryption::Implicit => Text::ConnectionImplicitTls,
    };
    word.fill(&[&format::visible(&tls.version)])
}

/// Says whether an earlier TLS session was resumed.
#[must_use]
pub fn tls_session(tls: &Tls) -> &'static str {
    if tls.resumed { Text::SecurityResumed.text() } else { Text::SecurityNew.text() }
}

/// A connection's encryption in one line; `version` may say more than the version.
#[must_use]
pub fn tls_summary(version: &str, tls: &Tls) -> String {
    let facts = join(&[version, &*format::visible(&tls.cipher_suite)], ", ");
    Text::SecuritySummary.fill(&[&facts, &tls_session(tls)])
}

/// Says that there was no data connection yet.
#[must_use]
pub fn no_data_connection() -> &'static str {
    Text::SecurityNoneYet.text()
}
