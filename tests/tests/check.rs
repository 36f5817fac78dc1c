//! `ferryport check`: what it finds behind real nginx, configured well and badly.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    process::{Command, Output},
};

use ferryport_tests::{
    portal,
    portal::{Options, PageCertificate, Portal},
    portal_program,
    reverse_proxy::{ReservedAddress, ReverseProxy},
};

/// What nginx needs to pass a WebSocket on.
const UPGRADE: &str = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                       proxy_set_header Connection \"upgrade\";";

/// What nginx needs to name the client.
const NAMED: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";

/// Makes nginx pass on what it gets.
const UNBUFFERED: &str = "proxy_buffering off;";

fn run(url: &str, flags: &[&str]) -> Output {
    Command::new(portal_program!()).args(["check", url]).args(flags).output().unwrap()
}

/// Checks a portal. Returns the exit code, and the gravest state of each subject.
fn check(url: &str, flags: &[&str]) -> (Option<i32>, BTreeMap<String, String>, String) {
    let output = run(url, &[flags, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdicts: Vec<serde_json::Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let mut states = BTreeMap::new();
    for verdict in verdicts {
        let word = |key: &str| verdict[key].as_str().unwrap().to_owned();
        let has_remedy = verdict.get("remedy").is_some();
        assert_eq!(has_remedy, word("state") != "ok", "{verdict}");
        let state = states.entry(word("subject")).or_insert_with(|| "ok".to_owned());
        if word("state") != "ok" {
            *state = word("state");
        }
    }
    (output.status.code(), states, text)
}

#[track_caller]
fn expect(url: &str, flags: &[&str], code: i32, wrong: &[(&str, &str)]) -> String {
    let (found, states, text) = check(url, flags);
    let bad = states.iter().filter(|(_, state)| *state != "ok");
    let bad: Vec<(&str, &str)> = bad.map(|(subject, state)| (&**subject, &**state)).collect();
    assert_eq!((found, bad.as_slice()), (Some(code), wrong), "{text}");
    text
}

/// A portal behind nginx with these directives, and the address of its page there.
fn behind(directives: &str, flags: &[&str]) -> (Portal, ReverseProxy, String) {
    let at = ReservedAddress::take();
    let url = format!("http://{}", at.get());
    let portal = portal!(Options::with(&[&["--public-url", &url], flags].concat()));
    let locations =
        format!("location / {{ {directives} proxy_pass http://{}; }}", portal.address());
    (portal, ReverseProxy::nginx_at(at, &locations), url)
}

#[test]
fn portal_without_a_proxy_has_nothing_wrong() {
    let portal = portal!();
    expect(&portal.origin(), &[], 0, &[]);
    let told = run(&portal.origin(), &[]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    for line in ["ok       connection", "ok       WebSocket", "ok       stream"] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn portal_behind_a_good_proxy_has_nothing_wrong_with_path_and_idle_too() {
    let directives = format!("{UPGRADE} {NAMED} {UNBUFFERED}");
    let flags = ["--trusted-proxies", "127.0.0.1", "--ping-interval", "1 s"];
    let (_portal, _nginx, url) = behind(&directives, &flags);
    expect(&url, &["--idle", "3 s"], 0, &[]);
}

#[test]
fn proxy_that_buffers_is_told() {
    let at = ReservedAddress::take();
    let url = format!("http://{}", at.get());
    let flags = ["--public-url", &url, "--trusted-proxies", "127.0.0.1"];
    let portal = portal!(Options::with(&flags));
    let to = format!("{NAMED} proxy_pass http://{};", portal.address());
    // nginx asks for pages by HTTP/1.0, unless it is told otherwise, and holds their parts back.
    let locations = format!("location / {{ {to} }} location /session/socket {{ {UPGRADE} {to} }}");
    let buffering = ReverseProxy::nginx_at(at, &locations);
    let text = expect(&url, &[], 1, &[("stream", "warning")]);
    assert!(text.contains("proxy_buffering off"), "{text}");
    drop(buffering);
}

#[test]
fn proxy_that_hides_the_client_is_told_however_it_does() {
    let directives = format!("{UPGRADE} {UNBUFFERED}");
    let (_portal, _nginx, url) = behind(&directives, &[]);
    let text = expect(&url, &[], 1, &[("client", "warning")]);
    assert!(text.contains("hides the client") && text.contains("nginx"), "{text}");

    let (_portal, _nginx, url) = behind(&directives, &["--trusted-proxies", "127.0.0.1"]);
    let text = expect(&url, &[], 1, &[("client", "warning")]);
    assert!(text.contains("a trusted proxy does not name"), "{text}");

    let (_portal, _nginx, url) = behind(&format!("{directives} {NAMED}"), &[]);
    let text = expect(&url, &[], 1, &[("client", "warning")]);
    assert!(text.contains("does not trust it"), "{text}");
}

#[test]
fn proxy_without_the_upgrade_is_told() {
    let (_portal, _nginx, url) =
        behind(&format!("{NAMED} {UNBUFFERED}"), &["--trusted-proxies", "127.0.0.1"]);
    let text = expect(&url, &[], 2, &[("web_socket", "problem")]);
    assert!(text.contains("proxy_set_header Upgrade"), "{text}");
}

#[test]
fn proxy_that_cuts_idle_sockets_is_told() {
    let cuts = format!("{UPGRADE} {NAMED} {UNBUFFERED} proxy_read_timeout 2s;");
    let (_portal, _nginx, url) = behind(&cuts, &["--trusted-proxies", "127.0.0.1"]);
    let text = expect(&url, &["--idle", "10 s"], 2, &[("idle", "problem")]);
    assert!(text.contains("is cut after"), "{text}");
}

#[test]
fn portal_that_does_not_know_its_address_is_told_what_to_set() {
    let portal = portal!();
    let nginx = ReverseProxy::nginx(&format!(
        "location / {{ {UPGRADE} {UNBUFFERED} proxy_pass http://{}; }}",
        portal.address()
    ));
    let url = format!("http://{}", nginx.address());
    let wrong = [("client", "warning"), ("origin", "problem")];
    let text = expect(&url, &[], 2, &wrong);
    assert!(text.contains("public_url"), "{text}");
}

#[test]
fn certificate_that_the_system_does_not_trust_is_told() {
    let portal = Portal::start_https(portal_program!(), Options::default());
    let text = expect(&portal.origin(), &[], 2, &[("tls", "problem")]);
    assert!(text.contains("the TLS handshake fails"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.pem");
    let certificate = PageCertificate::generate();
    fs::write(&file, &certificate.pem).unwrap();
    let file = file.to_str().unwrap();
    let portal = portal!(Options::with(&["--tls-certificate-file", file]));
    let url = format!("https://localhost:{}", portal.address().port());
    let checked = Command::new(portal_program!())
        .args(["check", &url])
        .env("SSL_CERT_FILE", file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(told.contains("TLS 1.3; the certificate is valid until"), "{told}");
}

#[test]
fn address_without_a_portal_is_a_problem_and_one_that_is_none_bad_usage() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    expect(&format!("http://{closed}"), &[], 2, &[("connection", "problem")]);
    let nginx = ReverseProxy::nginx("location / { return 404; }");
    expect(&format!("http://{}", nginx.address()), &[], 2, &[("portal", "problem")]);
    for arguments in [&["check"][..], &["check", "up.example.com"], &["check", "http://a", "--x"]] {
        let ended = Command::new(portal_program!()).args(arguments).output().unwrap();
        assert_eq!(ended.status.code(), Some(64), "{ended:?}");
    }
}
