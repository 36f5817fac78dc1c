//! The FTPS engine, set up for a server of the tests.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use ftps::{
    Config, Connector, Credentials, Encryption, Password, RemotePath, Target, Transcript, Username,
};
use rustls::RootCertStore;

use crate::servers::Server;

/// A connector to a server, with the server's own login and certificate unless changed.
pub struct EngineSetup {
    target: Target,
    config: Config,
    credentials: Credentials,
    transcript: Transcript,
}

impl EngineSetup {
    /// Connects to the server directly, with the engine's default configuration.
    ///
    /// # Panics
    /// When the server's login is malformed.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        let encryption = match server.encryption() {
            protocol::Encryption::Explicit => Encryption::Explicit,
            protocol::Encryption::Implicit => Encryption::Implicit,
        };
        let mut roots = RootCertStore::empty();
        roots.add(server.certificate()).expect("the server's certificate is well-formed");
        Self {
            target: Target { address: server.address(), host: "localhost".to_owned(), encryption },
            config: Config::new(Arc::new(roots)),
            credentials: Credentials {
                username: Username::new(server.username()).expect("the user name is well-formed"),
                password: Password::new(server.password()).expect("the password is well-formed"),
            },
            transcript: Transcript::discard(),
        }
    }

    /// Connects to another address, such as a proxy's.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.target.address = address;
        self
    }

    /// Expects a certificate for another name.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.target.host);
        self
    }

    /// Starts TLS at this time, whatever the server expects.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.target.encryption = encryption;
        self
    }

    /// Logs in with another password.
    ///
    /// # Panics
    /// When the password has characters that no command may hold.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.credentials.password = Password::new(password).expect("the password is well-formed");
        self
    }

    /// Changes the configuration.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Trusts no certificate.
    #[must_use]
    pub fn untrusting(self) -> Self {
        self.configure(|config| *config = Config::new(Arc::new(RootCertStore::empty())))
    }

    /// Records the transcript.
    #[must_use]
    pub fn logging(mut self, log: &SessionLog) -> Self {
        self.transcript = log.transcript();
        self
    }

    /// Returns the connector.
    #[must_use]
    pub fn connector(self) -> Connector {
        Connector::new(self.target, self.config, self.credentials, self.transcript)
    }
}

/// The lines of a transcript: commands, replies, and decisions of the engine.
#[derive(Clone, Debug, Default)]
pub struct SessionLog(Arc<Mutex<Vec<String>>>);

impl SessionLog {
    /// Returns a transcript that adds its lines to this log.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        let log = self.clone();
        Transcript::new(move |event| {
            let line = format!("{:?}: {event}", event.line_kind());
            log.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        })
    }

    /// Returns a copy of the lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the log as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Returns whether a line contains `part`.
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        self.count(part) > 0
    }

    /// Returns how many lines contain `part`.
    #[must_use]
    pub fn count(&self, part: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(part)).count()
    }

    /// Returns the index of the first line that contains `part`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn position_of(&self, part: &str) -> usize {
        let position = self.lines().iter().position(|line| line.contains(part));
        position.unwrap_or_else(|| panic!("no {part:?} in\n{}", self.text()))
    }

    /// Returns how many logins there were.
    #[must_use]
    pub fn logins(&self) -> usize {
        self.count("Response: 230")
    }
}

/// Returns the path on a server.
///
/// # Panics
/// When no command may hold it.
#[must_use]
pub fn remote(path: &str) -> RemotePath {
    RemotePath::try_from(path).expect("the path is well-formed")
}
