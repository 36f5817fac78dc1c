//! The admin listener: health and figures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    collections::BTreeMap, fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, process::Command,
    time::Duration,
};

use ferryport_tests::{
    client::{Attempted, Client, File, Outcome, to},
    content::Content,
    portal,
    portal::{Options, Portal},
    portal_program,
    postgres::Postgres,
    process::wait_for,
    servers::{self, Kind},
};
use protocol::client::Secret;
use rcgen::{CertificateParams, KeyPair};

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A portal with an admin listener.
const WITH_ADMIN: Options<'static> = Options::with(&["--admin-listen", "127.0.0.1:0"]);

/// The samples of the figures, by name and labels.
struct Figures(BTreeMap<String, f64>);

impl Figures {
    fn of(portal: &Portal) -> Self {
        let answer = portal.ask_admin("/metrics").unwrap();
        assert_eq!(answer.status, 200);
        let content_type = answer.header("content-type").unwrap().to_owned();
        assert!(content_type.starts_with("application/openmetrics-text; version=1.0.0"));
        Self::parse(&answer.body)
    }

    /// Parses OpenMetrics text: each family has its `# HELP` and `# TYPE` before its samples, each
    /// sample a number, and the text ends with `# EOF`.
    fn parse(text: &str) -> Self {
        let mut types: BTreeMap<&str, &str> = BTreeMap::new();
        let mut helped = "";
        let mut samples = BTreeMap::new();
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        for line in body.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                helped = help.split(' ').next().unwrap();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, helped, "help before type");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(types.insert(name, kind).is_none(), "{line}: twice");
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let name = sample.split('{').next().unwrap();
                let suffixes = ["", "_total", "_count", "_sum", "_bucket"];
                let of_family = |suffix: &&str| {
                    name.strip_suffix(*suffix).is_some_and(|family| family == helped)
                };
                assert!(suffixes.iter().any(of_family), "{line}: {helped}");
                let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
                assert!(samples.insert(sample.to_owned(), value).is_none(), "{line}: twice");
            }
        }
        Self(samples)
    }

    #[track_caller]
    fn get(&self, sample: &str) -> f64 {
        *self.0.get(sample).unwrap_or_else(|| panic!("no {sample}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_follow_an_upload_and_name_no_host_user_or_path() {
    let portal = portal!(WITH_ADMIN);
    let server = servers::start(Kind::PureFtpd);
    let before = Figures::of(&portal);
    assert!(before.get("ferryport_sessions{kind=\"person\"}") == 0.0);

    let mut client = Client::open(&portal).await;
    let mut wrong = to(&server);
    wrong.trusted_certificate = Some(server.certificate_sha256());
    wrong.password = Secret::new("not-this-one".to_owned());
    assert!(matches!(client.attempt(wrong).await, Attempted::Failed(_)));
    client.connect(&server).await;
    let file = File::new("figures-path.bin", Content { len: 1_000_000, seed: 5 });
    assert!(matches!(client.upload_one(&file).await, Outcome::Done { .. }));
    assert!(matches!(client.upload_one(&file).await, Outcome::Conflict { .. }));

    let after = Figures::of(&portal);
    for (sample, expected) in [
        ("ferryport_sessions{kind=\"person\"}", 1.0),
        ("ferryport_uploads_total{kind=\"person\",outcome=\"done\"}", 1.0),
        ("ferryport_uploads_total{kind=\"person\",outcome=\"conflict\"}", 1.0),
        ("ferryport_uploads_total{kind=\"person\",outcome=\"failed\"}", 0.0),
        ("ferryport_bytes_total{direction=\"to_server\"}", 1_000_000.0),
        ("ferryport_failures_total{stage=\"login\",who=\"you\"}", 1.0),
        ("ferryport_logins_total{outcome=\"accepted\"}", 1.0),
        ("ferryport_logins_total{outcome=\"refused\"}", 1.0),
        ("ferryport_remote_connections", 1.0),
        ("ferryport_file_seconds_count", 1.0),
        ("ferryport_draining", 0.0),
        ("ferryport_connections{listener=\"admin\"}", 1.0),
    ] {
        assert!(after.get(sample) == expected, "{sample}: {}", after.get(sample));
    }
    assert!(after.get("ferryport_bytes_total{direction=\"from_page\"}") >= 1_000_000.0);
    assert!(after.get("ferryport_stage_seconds_count{stage=\"connect\"}") >= 2.0);
    assert!(after.get("ferryport_connections{listener=\"page\"}") >= 1.0);
    assert!(after.get("process_resident_memory_bytes") > 1e6);
    // The username is a part of the product's name.
    let text = portal.ask_admin("/metrics").unwrap().body.replace("ferryport_", "");
    for private in ["127.0.0.1", server.username(), "figures-path", &client.session().name] {
        assert!(!text.contains(private), "{private}:\n{text}");
    }
}

#[test]
fn figures_are_on_the_admin_listener_only() {
    let portal = portal!(WITH_ADMIN);
    for path in ["/metrics", "/livez", "/readyz"] {
        assert_eq!(portal.ask("GET", path, &[]).status, 404, "{path}");
    }
    assert_eq!(portal.ask_admin("/livez").unwrap().body, "ok");
    assert_eq!(portal.ask_admin("/").unwrap().status, 404);
    let ready = portal.ask_admin("/readyz").unwrap();
    assert_eq!(ready.status, 200);
    let checks: serde_json::Value = serde_json::from_str(&ready.body).unwrap();
    assert_eq!(checks["ready"], true);
    let names = ["listening", "store", "keyring", "audit", "certificate", "not_draining"];
    for name in names {
        assert_eq!(checks["checks"][name], true, "{name}: {checks}");
    }
    assert_eq!(checks["checks"].as_object().unwrap().len(), names.len(), "{checks}");
}

/// The conditions of `/readyz` that are not met.
fn failing(portal: &Portal) -> Vec<String> {
    let ready = portal.ask_admin("/readyz").unwrap();
    let told: serde_json::Value = serde_json::from_str(&ready.body).unwrap();
    let checks = told["checks"].as_object().unwrap();
    let failing = checks.iter().filter(|(_, passes)| **passes == false);
    let failing: Vec<String> = failing.map(|(name, _)| name.clone()).collect();
    assert_eq!(ready.status, if failing.is_empty() { 200 } else { 503 }, "{told}");
    assert_eq!(told["ready"], failing.is_empty(), "{told}");
    failing
}

#[test]
fn readiness_names_a_certificate_that_is_missing_or_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let acme = folder.path().join("acme");
    // No authority answers there.
    let flags = [
        "--admin-listen",
        "127.0.0.1:0",
        "--acme-domains",
        "upload.example.org",
        "--acme-dir",
        acme.to_str().unwrap(),
        "--acme-directory",
        "https://127.0.0.1:1/dir",
    ];
    fails_for_its_certificate(&portal!(Options::only(&flags)));

    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2001, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let ended = parameters.self_signed(&key).unwrap();
    let file = folder.path().join("both.pem");
    fs::write(&file, ended.pem() + &key.serialize_pem()).unwrap();
    let flags = ["--admin-listen", "127.0.0.1:0", "--tls-certificate-file", file.to_str().unwrap()];
    fails_for_its_certificate(&portal!(Options::only(&flags)));
}

/// Waits until the portal listens and has only this reason left.
fn fails_for_its_certificate(portal: &Portal) {
    let found = wait_for(LIMIT, || (failing(portal) == ["certificate"]).then_some(()));
    assert!(found.is_some(), "{:?}\n{}", failing(portal), portal.output());
}

#[test]
fn readiness_names_a_store_that_is_away_and_a_key_that_is_missing() {
    let mut cluster = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring");
    let made = Command::new(portal_program!()).args(["keys", "new"]).output().unwrap();
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&keyring);
    file.unwrap().write_all(&made.stdout).unwrap();
    let database = cluster.database("ready");
    let flags = [
        "--admin-listen",
        "127.0.0.1:0",
        "--store",
        &database,
        "--keyring-file",
        keyring.to_str().unwrap(),
    ];
    let portal = portal!(Options::only(&flags));
    let ready = wait_for(LIMIT, || failing(&portal).is_empty().then_some(()));
    assert!(ready.is_some(), "{:?}", failing(&portal));
    let secret = "INSERT INTO secrets (kind, name, key_id, ciphertext, changed_ms) \
                  VALUES ('preset_password', 'acme', 'lost', '\\x00', 0)";
    cluster.run("ready", secret);
    assert_eq!(failing(&portal), ["keyring"]);
    cluster.kill();
    assert_eq!(failing(&portal), ["store"]);
    cluster.restart();
    let again = wait_for(LIMIT, || (failing(&portal) == ["keyring"]).then_some(()));
    assert!(again.is_some(), "{}", portal.output());
}

#[test]
fn log_ties_the_id_of_a_request_to_the_session_of_its_socket() {
    let flags = ["--trusted-proxies", "127.0.0.1", "--log-format", "json"];
    let portal = portal!(Options::with(&flags));
    let answer = portal.ask("GET", "/healthz", &["X-Request-Id: proxy-7f1c.22"]);
    assert_eq!(answer.header("x-request-id"), Some("proxy-7f1c.22"));
    let made = portal.ask("GET", "/healthz", &["X-Request-Id: not well formed"]);
    assert_eq!(made.header("x-request-id").map(str::len), Some(12), "{made:?}");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(Client::open(&portal));
    let session = client.session().name;
    let found = wait_for(LIMIT, || {
        let output = portal.output();
        let lines = output.lines().filter_map(|line| serde_json::from_str(line).ok());
        let mut lines = lines.filter(|line: &serde_json::Value| {
            line["message"] == "socket begun" && line["session"] == session
        });
        lines.next()
    });
    let line = found.unwrap_or_else(|| panic!("{}", portal.output()));
    assert_eq!(line["span"]["name"], "request", "{line}");
    assert_eq!(line["span"]["id"].as_str().map(str::len), Some(12), "{line}");
}

#[test]
fn without_the_setting_there_is_no_admin_listener() {
    let portal = portal!();
    assert_eq!(portal.ask("GET", "/metrics", &[]).status, 404);
    assert!(!portal.output().contains("admin"), "{}", portal.output());
}
