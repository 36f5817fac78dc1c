//! The files of `contrib/`, the systemd unit and the Grafana board, and what the image and the compose file
//! set.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ferryport::settings::{DESCRIPTIONS, Description};
use ferryport_tests::{portal, portal::Options, portal_program};

/// The greatest exposure that `systemd-analyze security` may find, in tenths.
const MAX_EXPOSURE: &str = "--threshold=15";

fn contrib(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("contrib").join(path)
}

fn systemd_analyze(arguments: &[&str], unit: &Path) -> Output {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output();
    output.expect("systemd-analyze can be started: `apt-get install systemd`")
}

#[test]
fn unit_is_valid_and_exposes_little() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("ferryport.service");
    let text = fs::read_to_string(contrib("systemd/ferryport.service")).unwrap();
    assert!(text.contains("ExecStart=/usr/bin/ferryport serve "), "{text}");
    fs::write(&unit, text.replace("/usr/bin/ferryport", portal_program!())).unwrap();
    let verified = systemd_analyze(&["verify", "--man=no"], &unit);
    assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:?}");
    let exposed = systemd_analyze(&["security", "--offline=true", MAX_EXPOSURE], &unit);
    assert!(exposed.status.success(), "{}", String::from_utf8_lossy(&exposed.stdout));
}

#[test]
fn socket_unit_is_valid_beside_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("ferryport.socket");
    fs::copy(contrib("systemd/ferryport.socket"), &socket).unwrap();
    let service = fs::read_to_string(contrib("systemd/ferryport.service")).unwrap();
    let service = service.replace("/usr/bin/ferryport", portal_program!());
    fs::write(folder.path().join("ferryport.service"), service).unwrap();
    let verified = systemd_analyze(&["verify", "--man=no"], &socket);
    assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:?}");
}

/// Returns the variables of the portal that a file sets, each `NAME: value` or `ENV NAME=value`.
fn variables(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(contrib("..").join(file)).unwrap();
    let set = text.lines().map(|line| line.trim().trim_start_matches("ENV "));
    let set = set.filter(|line| line.starts_with("FERRYPORT_"));
    let set = set.filter_map(|line| line.split_once(": ").or_else(|| line.split_once('=')));
    set.map(|(name, value)| (name.to_owned(), with_defaults(value))).collect()
}

/// Puts the default in the place of `${NAME:-default}`.
fn with_defaults(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (variable, after) = rest.split_once('}').unwrap();
    let (_, default) = variable.split_once(":-").unwrap();
    with_defaults(&format!("{before}{default}{after}"))
}

#[test]
fn image_with_the_variables_of_the_compose_file_can_be_started() {
    let (image, compose) = (variables("Dockerfile"), variables("docker-compose.yml"));
    assert!(!image.is_empty() && compose.len() > 2, "{image:?} {compose:?}");
    let known: BTreeSet<String> = DESCRIPTIONS.iter().map(Description::variable).collect();
    let all: Vec<_> = image.into_iter().chain(compose).collect();
    for (name, _) in &all {
        assert!(known.contains(name), "{name} is no setting");
    }
    let mut check = Command::new(portal_program!());
    let checked = check.args(["config", "check"]).envs(all).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// Every figure of the board is one that the portal has.
#[test]
fn board_shows_figures_that_exist() {
    let portal = portal!(Options::with(&["--admin-listen", "127.0.0.1:0"]));
    let text = portal.ask_admin("/metrics").unwrap().body;
    let known: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().unwrap())
        .collect();
    let board = fs::read_to_string(contrib("grafana/ferryport.json")).unwrap();
    let board: serde_json::Value = serde_json::from_str(&board).unwrap();
    let mut shown = BTreeSet::new();
    for panel in board["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let figures =
                words.filter(|word| word.starts_with("ferryport_") || word.starts_with("process_"));
            shown.extend(figures.map(str::to_owned));
        }
    }
    assert!(shown.len() > 10, "{shown:?}");
    for figure in &shown {
        assert!(known.contains(figure.as_str()), "{figure} is none of {known:?}");
    }
}
