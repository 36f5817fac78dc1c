//! Pebble, the ACME server of Let's Encrypt for tests, as Debian packages it, with its DNS server.

use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::{
    ports::PortBlock,
    process::{Process, wait_for},
};

/// The id and the HMAC key of an account that the authority knows already.
pub const ACCOUNT_ID: &str = "kid-1";
/// Its key in base64url.
pub const ACCOUNT_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/// Long enough for a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// An authority whose ports are known, and which may run.
pub struct Pebble {
    folder: TempDir,
    ports: PortBlock,
    running: Option<(Process, Process)>,
}

/// How the authority is to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The port at which it asks by TLS-ALPN-01.
    pub tls_port: u16,
    /// How long its certificates are valid, in seconds.
    pub validity_seconds: u64,
    /// Whether it requires an account that it knows already.
    pub requires_account: bool,
    /// The address that all names lead to.
    pub address: Ipv4Addr,
    /// The percentage of requests that it refuses for their nonce.
    pub refused_nonces: u8,
}

impl Options {
    /// For a portal at this port.
    #[must_use]
    pub const fn with(tls_port: u16) -> Self {
        Self {
            tls_port,
            validity_seconds: 90 * 24 * 3600,
            requires_account: false,
            address: Ipv4Addr::LOCALHOST,
            refused_nonces: 0,
        }
    }
}

impl Pebble {
    /// Takes ports, and makes the certificate of its API.
    ///
    /// # Panics
    /// When the temporary directory cannot be written.
    #[must_use]
    pub fn reserve() -> Self {
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let key = KeyPair::generate().expect("a key can be made");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).expect("both are names");
        let certificate = certificate.self_signed(&key).expect("a certificate can be made");
        fs::write(folder.path().join("api.pem"), certificate.pem()).expect("the folder is ours");
        fs::write(folder.path().join("api.key"), key.serialize_pem()).expect("the folder is ours");
        Self { folder, ports: PortBlock::take(), running: None }
    }

    /// The URL of its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port(0))
    }

    /// The file with the authority of its API.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("api.pem")
    }

    /// The port at which it asks by HTTP-01.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.port(1)
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self, options: Options) {
        let config = self.folder.path().join("pebble.json");
        fs::write(&config, self.config(options)).expect("the folder is ours");
        let dns = format!("127.0.0.1:{}", self.port(2));
        let management = format!("127.0.0.1:{}", self.port(3));
        let address = options.address.to_string();
        let names = Process::start(
            Path::new("/usr/bin/pebble-challtestsrv"),
            [
                "-dns01",
                &dns,
                "-management",
                &management,
                "-defaultIPv4",
                &address,
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
            ],
            [],
            self.folder.path().join("names.log"),
        );
        let pebble = Process::start(
            Path::new("/usr/bin/pebble"),
            ["-config".as_ref(), config.as_os_str(), "-dnsserver".as_ref(), dns.as_ref()],
            [
                ("PEBBLE_VA_NOSLEEP", OsString::from("1")),
                ("PEBBLE_WFE_NONCEREJECT", OsString::from(options.refused_nonces.to_string())),
                ("PEBBLE_AUTHZREUSE", OsString::from("0")),
            ],
            self.folder.path().join("pebble.log"),
        );
        let ports = [self.port(0), self.port(3)];
        let is_up = wait_for(START_LIMIT, || {
            let up = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok();
            ports.iter().all(up).then_some(())
        });
        assert!(
            is_up.is_some(),
            "Pebble does not start (apt-get install pebble):\n{}\n{}",
            pebble.output(),
            names.output()
        );
        self.running = Some((pebble, names));
    }

    /// Stops it. It forgets all accounts.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Everything that it printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.running.as_ref().map(|(pebble, _)| pebble.output()).unwrap_or_default()
    }

    /// How many certificates it issued.
    #[must_use]
    pub fn issued(&self) -> usize {
        self.output().matches("Issued certificate serial").count()
    }

    fn port(&self, number: u16) -> u16 {
        self.ports.control() + number
    }

    fn config(&self, options: Options) -> String {
        let folder = self.folder.path();
        serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port(0)),
            "managementListenAddress": format!("127.0.0.1:{}", self.port(4)),
            "certificate": folder.join("api.pem"),
            "privateKey": folder.join("api.key"),
            "httpPort": self.http_port(),
            "tlsPort": options.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": options.requires_account,
            "externalAccountMACKeys": { ACCOUNT_ID: ACCOUNT_KEY },
            "domainBlocklist": ["blocked.example.org"],
            "certificateValidityPeriod": options.validity_seconds,
        }})
        .to_string()
    }
}
