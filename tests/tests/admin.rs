//! The admin listener: health and figures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::collections::BTreeMap;

use ferryport_tests::{
    client::{Attempted, Client, File, Outcome, to},
    content::Content,
    portal,
    portal::{Options, Portal},
    servers::{self, Kind},
};
use protocol::client::Secret;

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
    assert_eq!(checks["checks"]["listening"], true);
    assert_eq!(checks["checks"]["not_draining"], true);
}

#[test]
fn without_the_setting_there_is_no_admin_listener() {
    let portal = portal!();
    assert_eq!(portal.ask("GET", "/metrics", &[]).status, 404);
    assert!(!portal.output().contains("admin"), "{}", portal.output());
}
