//! The portal as a process of its own, started as a person starts it.

use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::{
    Encryption,
    client::{Connect, Secret},
};
use tempfile::TempDir;

use crate::process::{Process, wait_for};

/// Long enough for a busy machine; the portal starts in a few milliseconds.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long one answer over HTTP may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A running `ferryport serve`; stopped when it is dropped.
pub struct Portal {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

/// How a portal is to run.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Flags beside `--listen`.
    pub flags: &'a [&'a str],
    /// The variable `RUST_LOG`.
    pub log: &'a str,
}

impl Default for Options<'_> {
    /// May connect to this machine's loopback addresses, where the servers of the tests are.
    fn default() -> Self {
        Self { flags: &["--allow-network", "127.0.0.0/8"], log: "info" }
    }
}

/// The answer to a request over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers as they came, one a line.
    pub headers: String,
    /// What follows them.
    pub body: String,
}

impl Answer {
    /// The value of a header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Portal {
    /// Starts `program` and waits until it says where it listens.
    ///
    /// A test gives `env!("CARGO_BIN_EXE_portal-under-test")`: cargo builds that, from the
    /// portal's own `main.rs`, before it runs the test, so that it is never a stale one.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(program: &str, options: Options<'_>) -> Self {
        Self::start_as("serve", "\n", program, options)
    }

    /// Starts a subcommand and waits until it printed its address and then `last_words`.
    fn start_as(command: &str, last_words: &str, program: &str, options: Options<'_>) -> Self {
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let arguments = [command, "--listen", "127.0.0.1:0"];
        let mut process = Process::start(
            Path::new(program),
            arguments.iter().chain(options.flags),
            [("RUST_LOG", OsString::from(options.log))],
            folder.path().join("output.log"),
        );
        let port = wait_for(START_LIMIT, || {
            if let Some(status) = process.exit_status() {
                panic!("the portal ended: {status}\n{}", process.output());
            }
            printed_port(&process.output(), last_words)
        });
        let Some(port) = port else {
            panic!("the portal does not say where it listens:\n{}", process.output());
        };
        Self { process, address: (Ipv4Addr::LOCALHOST, port).into(), _folder: folder }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to open in a browser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/", self.origin())
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that it printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// The most memory that it ever held, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.process.peak_memory()
    }

    /// Sends a request without a body; `headers` is `Name: value` for each.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("the portal listens");
        stream.set_read_timeout(Some(ANSWER_LIMIT)).expect("a limit that is not zero");
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("Content-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the portal reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the portal answers");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let (status_line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        Answer {
            status: status_line
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or_else(|| panic!("no HTTP: {answer}")),
            headers: headers.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// `ferryport demo`: a portal and an FTPS server of its own, and what it prints about them.
pub struct Demo {
    /// The portal.
    pub portal: Portal,
    /// Where its FTPS server is, and who may log in; the certificate is not trusted.
    pub connect: Connect,
    /// The certificate's SHA-256, 64 lower-case hexadecimal digits.
    pub certificate_sha256: String,
    /// Where uploads arrive.
    pub folder: PathBuf,
}

impl Demo {
    /// Starts it, and reads what a person reads.
    ///
    /// # Panics
    /// When it does not start, or does not say what it takes to connect.
    #[must_use]
    pub fn start(program: &str) -> Self {
        let options = Options { flags: &[], log: "off" };
        let portal = Portal::start_as("demo", "Ctrl-C.\n", program, options);
        let output = portal.output();
        let after = |label: &str| -> String {
            let rest = output.split_once(label).map(|(_, rest)| rest.trim_start());
            let word = rest.and_then(|rest| rest.split_whitespace().next());
            word.unwrap_or_else(|| panic!("no {label:?} in:\n{output}")).to_owned()
        };
        assert!(output.contains("Encryption  Explicit TLS"), "{output}");
        let connect = Connect {
            host: after("Host "),
            port: after("Port ").parse().expect("the number of a port"),
            encryption: Encryption::Explicit,
            username: after("Username "),
            password: Secret::new(after("Password ")),
            trusted_certificate: None,
        };
        let folder = PathBuf::from(after("Uploads arrive in "));
        let certificate_sha256 = after("SHA-256 fingerprint is").replace(':', "").to_lowercase();
        Self { portal, connect, certificate_sha256, folder }
    }
}

/// The port of the first address that was printed, once `last_words` were printed after it.
fn printed_port(output: &str, last_words: &str) -> Option<u16> {
    let (_, rest) = output.split_once("http://127.0.0.1:")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    rest.contains(last_words).then(|| digits.parse().ok()).flatten()
}
