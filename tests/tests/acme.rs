//! The certificate that the portal gets by itself, from a real ACME server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    process::Command,
    time::Duration,
};

use ferryport_tests::{
    pebble::{ACCOUNT_ID, ACCOUNT_KEY, Options as Authority, Pebble},
    peer_certificate::{self, Shown},
    portal,
    portal::{Options, Portal},
    portal_program,
    postgres::Postgres,
    process::wait_for,
};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
const DOMAIN: &str = "upload.example.org";

/// A portal that gets its certificate from an authority.
struct Site {
    pebble: Pebble,
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { pebble: Pebble::reserve(), folder: tempfile::tempdir().unwrap() }
    }

    /// Starts a portal that keeps its certificate in a directory, with further flags.
    fn portal(&self, further: &[&str]) -> Portal {
        let folder = self.folder.path().join("acme");
        self.start(&[&["--acme-dir", folder.to_str().unwrap()], further].concat())
    }

    fn start(&self, further: &[&str]) -> Portal {
        self.start_waiting(["300 ms", "2 s"], further)
    }

    /// Starts a portal with the first and the longest wait after a failed order.
    fn start_waiting(&self, [first, longest]: [&str; 2], further: &[&str]) -> Portal {
        let (directory, ca_file) = (self.pebble.directory(), self.pebble.ca_file());
        let flags = [
            "--acme-domains",
            DOMAIN,
            "--acme-directory",
            &directory,
            "--acme-ca-file",
            ca_file.to_str().unwrap(),
            "--acme-email",
            "it@example.org",
            "--acme-retry-wait",
            first,
            "--max-acme-retry-wait",
            longest,
        ];
        portal!(Options::only(&[&flags, further].concat()))
    }
}

/// Waits for a certificate at this portal.
fn certificate(portal: &Portal, pebble: &Pebble) -> Shown {
    let shown = wait_for(LIMIT, || peer_certificate::shown(portal.address(), DOMAIN).ok());
    shown.unwrap_or_else(|| panic!("no certificate:\n{}\n{}", portal.output(), pebble.output()))
}

/// Waits until the portal has logged this.
fn logged(portal: &Portal, text: &str) {
    let found = wait_for(LIMIT, || portal.output().contains(text).then_some(()));
    assert!(found.is_some(), "{text:?} is not in:\n{}", portal.output());
}

#[test]
fn without_a_certificate_tls_is_refused_until_the_authority_that_was_away_has_issued_one() {
    let mut site = Site::new();
    let portal = site.portal(&[]);
    assert!(portal.output().contains("listening on https://"), "{}", portal.output());
    logged(&portal, "cannot be reached");
    logged(&portal, "Check `acme_directory`");
    peer_certificate::shown(portal.address(), DOMAIN).unwrap_err();

    // It refuses some nonces, as RFC 8555 §6.5 lets it.
    site.pebble.start(Authority { refused_nonces: 30, ..Authority::with(portal.address().port()) });
    let shown = certificate(&portal, &site.pebble);
    assert_eq!(shown.names, [DOMAIN]);
    assert!(shown.issuer.contains("Pebble"), "{shown:?}");
    assert!(portal.output().contains("a new certificate is in use"), "{}", portal.output());
}

#[test]
fn a_restart_orders_nothing_and_the_files_are_for_the_portals_user_only() {
    let mut site = Site::new();
    let mut portal = site.portal(&[]);
    site.pebble.start(Authority::with(portal.address().port()));
    let first = certificate(&portal, &site.pebble);
    let kept = wait_for(LIMIT, || {
        let files = fs::read_dir(site.folder.path().join("acme")).ok()?;
        let files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
        let is_done = files.iter().any(|file| file.extension().unwrap() == "pem");
        is_done.then_some(files)
    });
    let kept = kept.unwrap();
    assert_eq!(kept.len(), 2, "account and certificate: {kept:?}");
    for file in &kept {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    portal.stop();

    let issued = site.pebble.issued();
    let again = site.portal(&[]);
    assert_eq!(certificate(&again, &site.pebble).serial, first.serial);
    assert!(!again.output().contains("a certificate is ordered"), "{}", again.output());
    assert_eq!(site.pebble.issued(), issued);
}

#[test]
fn http_is_used_where_tls_cannot_be_and_redirects_to_known_hosts_only() {
    let mut site = Site::new();
    let http = format!("127.0.0.1:{}", site.pebble.http_port());
    let portal =
        site.portal(&["--http-listen", &http, "--origins", "https://upload.example.org:8443"]);
    // The authority asks for TLS at a port where nobody is.
    site.pebble.start(Authority::with(1));
    let shown = certificate(&portal, &site.pebble);
    assert_eq!(shown.names, [DOMAIN]);
    logged(&portal, "tls-alpn-01");

    let http: SocketAddr = http.parse().unwrap();
    for (host, path) in
        [(DOMAIN, "/"), ("evil.example", "/?lang=de"), ("UPLOAD.example.org:80", "/a")]
    {
        let answer = ask(http, host, path);
        let location = format!("location: https://upload.example.org:8443{path}\r\n");
        assert!(answer.starts_with("HTTP/1.1 308 ") && answer.contains(&location), "{answer}");
    }
    let unknown = ask(http, DOMAIN, "/.well-known/acme-challenge/unknown");
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
}

#[test]
fn redirects_follow_a_reload_and_connections_that_ask_nothing_are_closed() {
    let site = Site::new();
    let http = format!("127.0.0.1:{}", site.pebble.http_port());
    let file = site.folder.path().join("ferryport.toml");
    fs::write(&file, "").unwrap();
    let socket = site.folder.path().join("control.sock");
    let socket = socket.to_str().unwrap();
    let config = ["--config", file.to_str().unwrap(), "--control-socket", socket];
    let bounds = ["--http-connection-lifetime", "3 s", "--max-http-connections", "2"];
    let portal = site.portal(&[&["--http-listen", &http], &config[..], &bounds].concat());
    let http: SocketAddr = http.parse().unwrap();
    let location = |answer: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix("location: "));
        line.unwrap_or_else(|| panic!("{answer}\n{}", portal.output())).to_owned()
    };
    assert_eq!(location(&ask(http, DOMAIN, "/a")), format!("https://{DOMAIN}/a"));
    fs::write(&file, format!("origins = [\"https://{DOMAIN}:8443\"]\n")).unwrap();
    let reload =
        Command::new(portal_program!()).args(["reload", "--control-socket", socket]).output();
    assert!(reload.as_ref().unwrap().status.success(), "{reload:?}");
    assert_eq!(location(&ask(http, DOMAIN, "/a")), format!("https://{DOMAIN}:8443/a"));

    // All places are taken; the next request waits for the end of one of them.
    let silent = [(); 2].map(|()| TcpStream::connect(http).unwrap());
    assert_eq!(location(&ask(http, DOMAIN, "/b")), format!("https://{DOMAIN}:8443/b"));
    for mut stream in silent {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        assert_eq!(stream.read(&mut [0; 512]).unwrap_or(0), 0, "it gets no answer");
    }
}

/// Sends a request over plain HTTP. Returns the answer.
fn ask(address: SocketAddr, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_certificate_is_renewed_in_time_without_a_restart() {
    let mut site = Site::new();
    let portal = site.portal(&["--admin-listen", "127.0.0.1:0"]);
    let port = portal.address().port();
    site.pebble.start(Authority { validity_seconds: 15, ..Authority::with(port) });
    let first = certificate(&portal, &site.pebble);
    let renewed = wait_for(LIMIT, || {
        let shown =
            peer_certificate::shown(portal.address(), DOMAIN).expect("it is never without one");
        (shown.serial != first.serial).then_some(shown)
    });
    assert!(renewed.is_some(), "{}", portal.output());
    let figures = portal.ask_admin("/metrics").unwrap().body;
    let line =
        figures.lines().find(|line| line.starts_with("ferryport_certificate_expiry_seconds "));
    let end: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(end.abs_diff(now) < 60, "{end} is not near {now}");
}

#[test]
fn an_authority_that_is_away_for_the_renewal_leaves_the_certificate_in_use() {
    let mut site = Site::new();
    let portal = site.portal(&[]);
    let port = portal.address().port();
    site.pebble.start(Authority { validity_seconds: 12, ..Authority::with(port) });
    let first = certificate(&portal, &site.pebble);
    site.pebble.stop();
    logged(&portal, "no certificate was issued");
    logged(&portal, "the certificate ends soon");
    assert_eq!(certificate(&portal, &site.pebble).serial, first.serial);

    // It has forgotten the account too.
    site.pebble.start(Authority::with(port));
    let renewed = wait_for(LIMIT, || {
        let shown = peer_certificate::shown(portal.address(), DOMAIN).unwrap();
        (shown.serial != first.serial).then_some(())
    });
    assert!(renewed.is_some(), "{}\n{}", portal.output(), site.pebble.output());
    assert!(portal.output().contains("does not know the account"), "{}", portal.output());
}

#[test]
fn a_domain_that_leads_elsewhere_is_named_with_the_remedy() {
    let mut site = Site::new();
    let portal = site.portal(&[]);
    let elsewhere = Ipv4Addr::new(127, 0, 0, 9);
    site.pebble.start(Authority { address: elsewhere, ..Authority::with(portal.address().port()) });
    logged(&portal, "did not find the portal at upload.example.org");
    logged(&portal, "port 443 of it has to be reachable");
    peer_certificate::shown(portal.address(), DOMAIN).unwrap_err();
}

#[test]
fn an_account_of_the_operator_is_needed_and_has_to_fit() {
    let mut site = Site::new();
    let key = site.folder.path().join("key");
    let with_key = |text: &str| {
        fs::write(&key, text).unwrap();
        ["--acme-eab-key-id", ACCOUNT_ID, "--acme-eab-hmac-key-file", key.to_str().unwrap()]
    };
    let requiring = |portal: &Portal| Authority {
        requires_account: true,
        ..Authority::with(portal.address().port())
    };
    let mut without = site.portal(&[]);
    site.pebble.start(requiring(&without));
    logged(&without, "Set `acme_eab_key_id` and `acme_eab_hmac_key_file`");
    without.stop();

    let mut wrong = site.portal(&with_key("d3JvbmcgYnV0IGxvbmcgZW5vdWdoIGZvciBhIGtleQ"));
    logged(&wrong, "check `acme_eab_key_id`");
    assert!(!wrong.output().contains("d3JvbmcgYnV0"), "{}", wrong.output());
    wrong.stop();
    let mut broken = Command::new(portal_program!());
    broken.args(["serve", "--listen", "127.0.0.1:0", "--acme-domains", DOMAIN, "--acme-dir"]);
    broken.arg(site.folder.path().join("broken")).args(with_key("no base64!"));
    let broken = broken.output().unwrap();
    let text = String::from_utf8(broken.stderr).unwrap();
    assert_eq!(broken.status.code(), Some(78), "{text}");
    assert!(text.contains("`acme_eab_hmac_key_file`") && text.contains("base64url"), "{text}");

    let right = site.portal(&with_key(ACCOUNT_KEY));
    site.pebble.stop();
    site.pebble.start(requiring(&right));
    assert_eq!(certificate(&right, &site.pebble).names, [DOMAIN]);
}

/// Makes a keyring in a folder. Returns its path.
fn keyring(folder: &TempDir) -> String {
    let keyring = folder.path().join("keyring");
    let made = Command::new(portal_program!()).args(["keys", "new"]).output().unwrap();
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&keyring);
    file.unwrap().write_all(&made.stdout).unwrap();
    keyring.to_str().unwrap().to_owned()
}

#[test]
fn a_portal_that_waits_for_hours_after_a_failed_order_has_its_lease_for_minutes_only() {
    let cluster = Postgres::start();
    let site = Site::new();
    let (database, keyring) = (cluster.database("lease"), keyring(&site.folder));
    let flags = ["--store", &database, "--keyring-file", &keyring];
    let portal = site.start_waiting(["6 h", "12 h"], &flags);
    logged(&portal, "21600");
    let left = wait_for(LIMIT, || {
        let left = cluster.run(
            "lease",
            "SELECT (until_ms - EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT FROM leases",
        );
        // The lease of the order itself lasts longer.
        left.trim().parse::<i64>().ok().filter(|left| *left < 180_000)
    });
    assert!(left.is_some_and(|left| left > 0), "{left:?}");
}

#[test]
fn portals_of_one_store_order_once_and_each_answers_for_the_other() {
    let cluster = Postgres::start();
    let mut site = Site::new();
    let keyring = keyring(&site.folder);
    let database = cluster.database("acme");
    let flags = ["--store", &database, "--keyring-file", &keyring];
    // Before there is an authority, the first one orders and has the lease.
    let first = site.start(&flags);
    logged(&first, "cannot be reached");
    let second = site.start(&flags);
    // The authority asks the second one, which knows the challenge from the store.
    site.pebble.start(Authority::with(second.address().port()));
    for portal in [&first, &second] {
        let shown = certificate(portal, &site.pebble);
        assert_eq!(shown.names, [DOMAIN]);
    }
    let serials = [&first, &second].map(|portal| certificate(portal, &site.pebble).serial);
    assert_eq!(serials[0], serials[1]);
    assert_eq!(site.pebble.issued(), 1, "{}", site.pebble.output());
    let kept = cluster.run("acme", "SELECT chain FROM acme_certificates");
    assert!(kept.contains("BEGIN CERTIFICATE") && !kept.contains("PRIVATE KEY"), "{kept}");
    let sealed = cluster.run("acme", "SELECT encode(ciphertext, 'escape') FROM secrets");
    assert!(!sealed.contains("PRIVATE KEY") && !sealed.contains("key_pkcs8"), "it is sealed");
}
