//! The client's view of a server: its address, its certificate, and clients for it.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use ftps::{
    Client, Config, Connector, Credentials, Encryption, Error, HostProfile, ManagedClient,
    Password, RemotePath, SharedProfile, Target, Username,
    profile::{FinalNames, SizeSupport},
    upload::{Failed, Plan, Source, Uploaded},
};
use rustls::RootCertStore;

use super::{Identity, Log, SECRET, upload, uploads};

/// A server as its clients know it, and the log of all of them.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Identity,
    pub(crate) log: Log,
    encryption: Encryption,
}

impl Server {
    pub(crate) fn new(address: SocketAddr, identity: Identity, encryption: Encryption) -> Self {
        Self { address, identity, log: Log::default(), encryption }
    }

    /// A server at an address where none has to listen.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self::new(address, Identity::default(), Encryption::Explicit)
    }

    /// Roots that contain the server's certificate.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.identity.certificate.clone()).unwrap();
        roots
    }

    /// Returns the engine's defaults with short deadlines.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(Arc::new(self.roots()));
        let timeouts = &mut config.timeouts;
        timeouts.greeting = Duration::from_secs(10);
        timeouts.silence = Duration::from_secs(10);
        timeouts.reply = Duration::from_secs(10);
        timeouts.stall = Duration::from_secs(10);
        timeouts.final_reply = Duration::from_secs(10);
        timeouts.verdict = Duration::from_secs(5);
        timeouts.drain = Duration::from_millis(200);
        timeouts.settle = Duration::from_millis(50);
        timeouts.size_lag = Duration::ZERO;
        config
    }

    pub(crate) fn connector(&self) -> Connector {
        self.connector_with(|_| ())
    }

    /// A connector whose configuration differs; its host is known to tell sizes and to rename files.
    pub(crate) fn connector_with(&self, change: impl FnOnce(&mut Config)) -> Connector {
        let known = HostProfile {
            sizes: SizeSupport::Proven,
            final_names: FinalNames::Proven,
            ..HostProfile::default()
        };
        self.stranger_with(change).with_profile(SharedProfile::new(known))
    }

    /// A connector without knowledge about the host.
    pub(crate) fn stranger(&self) -> Connector {
        self.stranger_with(|_| ())
    }

    fn stranger_with(&self, change: impl FnOnce(&mut Config)) -> Connector {
        let mut config = self.config();
        change(&mut config);
        connector_to(self.address, self.encryption, config, &self.log)
    }

    /// A connector that calls the server by another name.
    pub(crate) fn connector_by_name(&self, host: &str) -> Connector {
        let (address, encryption) = (self.address, self.encryption);
        let target = Target { address, host: host.to_owned(), encryption };
        Connector::new(target, self.config(), credentials_of("ada", SECRET), self.log.transcript())
    }

    /// A connector of another user.
    pub(crate) fn connector_as(&self, credentials: &Credentials) -> Connector {
        let (address, encryption) = (self.address, self.encryption);
        let target = Target { address, host: "localhost".to_owned(), encryption };
        Connector::new(target, self.config(), credentials.clone(), self.log.transcript())
    }

    /// Opens a session.
    pub(crate) async fn open(&self) -> Client {
        self.open_with(|_| ()).await
    }

    pub(crate) async fn open_with(&self, change: impl FnOnce(&mut Config)) -> Client {
        self.connector_with(change).open().await.unwrap()
    }

    /// Returns the error of a session that must not open.
    pub(crate) async fn refused(&self) -> Error {
        self.refused_with(|_| ()).await
    }

    pub(crate) async fn refused_with(&self, change: impl FnOnce(&mut Config)) -> Error {
        let connector = self.connector_with(change);
        connector.open().await.expect_err("the session must not open")
    }

    /// Opens a session and uploads the same file twice: the second upload shows that the first left
    /// the session in step.
    pub(crate) async fn upload_twice(&self) {
        let mut client = self.open().await;
        for _ in 0..2 {
            upload(&mut client, "a", b"a").await.unwrap();
        }
    }

    /// Opens a session for an upload that must fail.
    pub(crate) async fn failed_upload(&self) -> (Client, Error) {
        let mut client = self.open().await;
        let error = upload(&mut client, "a", b"a").await.expect_err("the upload must fail");
        (client, error)
    }

    /// Uploads content over a client that reconnects.
    pub(crate) async fn store(
        &self,
        name: &str,
        content: &[u8],
    ) -> Result<Uploaded, Failed<Infallible>> {
        uploads::store(&mut self.managed(), name, content).await
    }

    /// Runs an upload over a client that reconnects.
    pub(crate) async fn run<S: Source>(
        &self,
        plan: &Plan,
        source: &mut S,
    ) -> Result<Uploaded, Failed<S::Error>> {
        uploads::run(&mut self.managed(), plan, source).await
    }

    /// A client that reconnects, and retries at once.
    pub(crate) fn managed(&self) -> ManagedClient {
        self.managed_with(|_| ())
    }

    pub(crate) fn managed_with(&self, change: impl FnOnce(&mut Config)) -> ManagedClient {
        let connector = self.connector_with(|config| {
            config.retry.first = Duration::from_millis(10);
            config.retry.tries = 3;
            config.timeouts.verdict = Duration::from_millis(200);
            change(config);
        });
        ManagedClient::new(connector)
    }
}

/// A connector to any address, by the name `localhost`.
pub(crate) fn connector_to(
    address: SocketAddr,
    encryption: Encryption,
    config: Config,
    log: &Log,
) -> Connector {
    let target = Target { address, host: "localhost".to_owned(), encryption };
    Connector::new(target, config, credentials_of("ada", SECRET), log.transcript())
}

/// The credentials of a user.
pub(crate) fn credentials_of(username: &str, password: &str) -> Credentials {
    Credentials {
        username: Username::new(username).unwrap(),
        password: Password::new(password).unwrap(),
    }
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::try_from(text).unwrap()
}
