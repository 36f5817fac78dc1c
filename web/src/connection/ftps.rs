//! The portal's connection to the FTPS server, and which one the user wants.

use protocol::{
    Stage,
    server::{Certificate, Connected, Tls},
};

use super::Login;
use crate::{certificate, destination::Destination};

/// The state of the FTPS connection.
#[derive(Debug, Default)]
pub enum FtpsState {
    /// No connection, and none is being made.
    #[default]
    Disconnected,
    /// A connection is being made: the stage that has started.
    Connecting(Stage),
    /// The user is asked about the certificate.
    CertificateQuestion(Certificate),
    /// Logged in.
    Connected(Box<Connected>),
    /// The user disconnected, and the portal has not confirmed it. The destination to connect to
    /// after that.
    Disconnecting(Option<Destination>),
}

/// The FTPS connection and its destinations.
#[derive(Debug, Default)]
pub(super) struct FtpsConnection {
    pub(super) state: FtpsState,
    /// The TLS facts of the last data connection.
    pub(super) data_tls: Option<Tls>,
    /// The destination that the user wants.
    pub(super) wanted: Option<Destination>,
    /// The destination of the last login, which the page restores by itself.
    pub(super) last: Option<Destination>,
    /// The destination of the uploads.
    pub(super) home: Option<Destination>,
    pub(super) trusted: TrustedCertificates,
}

/// The certificates that the user trusts: few enough for a linear search.
#[derive(Debug, Default)]
pub(super) struct TrustedCertificates(Vec<TrustedCertificate>);

#[derive(Debug)]
struct TrustedCertificate {
    host: String,
    port: u16,
    fingerprint: String,
}

impl FtpsConnection {
    pub(super) fn is_at_last_login(&self) -> bool {
        self.last == self.wanted
    }

    /// Returns whether the portal is connected to the destination of the uploads.
    pub(super) fn is_home(&self, connected: &Connected) -> bool {
        self.home.as_ref().is_some_and(|home| home.is_at(connected))
    }

    /// Gives up the destination.
    pub(super) fn give_up(&mut self) {
        self.wanted = None;
        self.state = FtpsState::Disconnected;
    }

    /// A stage has started. With implicit TLS the handshake comes before the greeting: stages never
    /// go back.
    pub(super) fn advance(&mut self, stage: Stage) {
        if let FtpsState::Connecting(current) = &mut self.state {
            *current = stage.max(*current);
        }
    }

    /// Asks the user about a certificate.
    pub(super) fn ask_about(&mut self, mut certificate: Certificate) {
        let (FtpsState::Connecting(_), Some(wanted)) = (&self.state, &self.wanted) else {
            return;
        };
        let trusted = self.trusted.at(wanted);
        if trusted.is_some_and(|fingerprint| *fingerprint != certificate.sha256) {
            certificate.doubts.insert(0, certificate::changed().to_owned());
        }
        self.state = FtpsState::CertificateQuestion(certificate);
    }

    /// Trusts the certificate in question, if it has this fingerprint: after a break another one
    /// may be in question.
    pub(super) fn trust(&mut self, fingerprint: &str) -> bool {
        let (FtpsState::CertificateQuestion(certificate), Some(wanted)) =
            (&self.state, &self.wanted)
        else {
            return false;
        };
        if certificate.sha256 != fingerprint {
            return false;
        }
        self.trusted.add(wanted, fingerprint.to_owned());
        self.state = FtpsState::Connecting(Stage::Portal);
        true
    }

    /// Logged in, unless the user wants another destination by now.
    pub(super) fn log_in(&mut self, connected: Connected) -> Option<Login> {
        let FtpsState::Connecting(_) = self.state else {
            return None;
        };
        // The answer may be one to an earlier page.
        let wanted = self.wanted.as_mut().filter(|wanted| wanted.is_at(&connected))?;
        wanted.encryption = Some(connected.encryption);
        let login = if self.home == self.wanted { Login::Restored } else { Login::First };
        self.last.clone_from(&self.wanted);
        self.home.clone_from(&self.wanted);
        self.data_tls = None;
        self.state = FtpsState::Connected(Box::new(connected));
        Some(login)
    }
}

impl TrustedCertificates {
    /// Returns the fingerprint of the certificate that is trusted at a destination.
    pub(super) fn at(&self, destination: &Destination) -> Option<&String> {
        let known = self.0.iter().find(|known| known.is_at(destination));
        known.map(|known| &known.fingerprint)
    }

    pub(super) fn add(&mut self, destination: &Destination, fingerprint: String) {
        self.0.retain(|known| !known.is_at(destination));
        let (host, port) = (destination.host.clone(), destination.port);
        self.0.push(TrustedCertificate { host, port, fingerprint });
    }
}

impl TrustedCertificate {
    fn is_at(&self, destination: &Destination) -> bool {
        self.host == destination.host && self.port == destination.port
    }
}
