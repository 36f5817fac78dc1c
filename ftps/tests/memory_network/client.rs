//! The engine's connector to a server in memory.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use ftps::{
    Config, Connector, Credentials, Encryption, Password, Random, Target, Transcript, Username,
};
use rustls::RootCertStore;

use super::{
    network::{CONTROL_PORT, Dialler, Host, Network},
    tls,
};

/// The engine's random bytes.
#[derive(Debug)]
struct SeededRandom(Mutex<fastrand::Rng>);

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.0.lock().unwrap().fill(bytes);
        Ok(())
    }
}

/// The default configuration, with random bytes from a seed.
pub(crate) fn config(random: fastrand::Rng) -> Config {
    let mut roots = RootCertStore::empty();
    roots.add(tls::certificate()).unwrap();
    let mut config = Config::new(Arc::new(roots));
    config.random = Arc::new(SeededRandom(Mutex::new(random)));
    config
}

/// Connects to the host.
pub(crate) fn connector<H: Host>(
    host: Arc<H>,
    config: Config,
    transcript: Transcript,
) -> Connector {
    let target = Target {
        address: (Ipv4Addr::LOCALHOST, CONTROL_PORT).into(),
        host: "localhost".to_owned(),
        encryption: Encryption::Explicit,
    };
    let credentials = Credentials {
        username: Username::new("ada").unwrap(),
        password: Password::new("sesame").unwrap(),
    };
    let dialler = Dialler(Network::new(host));
    Connector::new(target, config, credentials, transcript).with_dialler(Arc::new(dialler))
}
