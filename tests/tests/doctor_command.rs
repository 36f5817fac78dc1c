//! `ferryport doctor`: real servers, exit codes, the report as JSON and as a file.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use ferryport::demo::{DemoServer, USERNAME};
use ferryport_tests::{
    fake_peers::FakePeer,
    portal_program,
    servers::{self, Kind, Server},
};
use protocol::doctor::{CheckId, CheckState, DoctorReport, DoctorVerdict};
use schemars::{JsonSchema as _, generate::SchemaSettings};
use serde_json::{Value, json};

const SCHEMA: &str = "docs/doctor-report.schema.json";

/// Runs the command with a password on standard input, and these trusted certificates.
fn doctor(arguments: &[&str], password: &str, trusted: &Path) -> Output {
    let mut child = Command::new(portal_program!())
        .arg("doctor")
        .args(arguments)
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for nothing may have ended.
    let _ended = child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The arguments for a server at a port of 127.0.0.1, and no other port.
fn at_port(port: u16, more: &[&str]) -> Vec<String> {
    let network = format!("127.0.0.1:{port}");
    let port = port.to_string();
    let own = ["127.0.0.1", "--port", &port, "--allow-network", &network];
    own.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

fn at(server: &Server, more: &[&str]) -> Vec<String> {
    at_port(server.port(), more)
}

fn run(arguments: &[String], password: &str, trusted: &Path) -> Output {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    doctor(&arguments, password, trusted)
}

/// Writes the certificate of a server into a file, as the only one that is trusted.
fn trusted(server: &Server) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(server.certificate_pem().as_bytes()).unwrap();
    file
}

fn report(output: &Output) -> DoctorReport {
    let told = text(&output.stdout);
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The checks that are worth a word, a private address aside.
fn remarks(report: &DoctorReport) -> Vec<(CheckId, CheckState)> {
    let checks = report.checks.iter().filter(|check| check.id != CheckId::Name);
    let checks = checks.filter(|check| check.state > CheckState::Ok);
    checks.map(|check| (check.id, check.state)).collect()
}

/// Every server works, and what is known of it is noted.
fn expect_server_works(kind: Kind, known: &[(CheckId, CheckState)]) {
    let server = servers::start(kind);
    let trusted = trusted(&server);
    let arguments = at(&server, &["--user", server.username(), "--write", "--json"]);
    let output = run(&arguments, server.password(), trusted.path());
    let report = report(&output);
    assert_eq!(remarks(&report), known, "{report:#?}\n{}", server.log());
    assert_eq!(report.verdict, DoctorVerdict::Works, "{report:#?}");
    assert_eq!(output.status.code(), Some(0));
    let left = fs::read_dir(server.root()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, [Server::READ_ONLY], "the test file is deleted");
}

#[test]
fn vsftpd_works() {
    expect_server_works(Kind::Vsftpd, &[]);
}

#[test]
fn proftpd_works() {
    // It does not let uploads resume by default.
    expect_server_works(Kind::ProFtpd, &[(CheckId::TestUpload, CheckState::Note)]);
}

#[test]
fn pure_ftpd_works() {
    // It resumes no TLS 1.3 session, and does not ask for it.
    expect_server_works(Kind::PureFtpd, &[(CheckId::DataResumption, CheckState::Note)]);
}

#[test]
fn pyftpdlib_works() {
    expect_server_works(Kind::Pyftpdlib, &[]);
}

#[test]
fn libunftp_works() {
    let server = DemoServer::start().unwrap();
    let arguments = at_port(
        server.address().port(),
        &["--user", USERNAME, "--write", "--json", "--trust", server.certificate_sha256()],
    );
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let output = run(&arguments, server.password(), nothing.path());
    let report = report(&output);
    // Its certificate is self-signed, and trusted by its fingerprint.
    let known = [(CheckId::Chain, CheckState::Note), (CheckId::TestUpload, CheckState::Note)];
    assert_eq!(remarks(&report), known, "{report:#?}");
    assert_eq!(report.verdict, DoctorVerdict::Works);
    assert!(fs::read_dir(server.folder()).unwrap().next().is_none(), "the test file is deleted");
}

#[test]
fn exit_code_tells_the_verdict() {
    let server = servers::start(Kind::PureFtpd);
    let trusted = trusted(&server);
    let with_login = at(&server, &["--user", server.username()]);
    let works = run(&with_login, server.password(), trusted.path());
    assert_eq!(works.status.code(), Some(0), "{works:?}");
    let told = text(&works.stdout);
    assert!(told.ends_with("\nWorks\n"), "{told}");
    assert!(told.contains("Command: PASS ********") && !told.contains(server.password()), "{told}");

    let refused = run(&with_login, "wrong", trusted.path());
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let told = text(&refused.stdout);
    assert!(told.ends_with("\nDoes not work: the login is refused\n"), "{told}");
    assert!(told.contains("What you can do: Check both"), "{told}");

    let slow_tls = FakePeer::start("220 ready\r\n", |line| match line {
        "AUTH TLS" | "AUTH SSL" => Some("500 unknown\r\n"),
        _ => None,
    });
    let without = run(&at_port(slow_tls.port(), &[]), "", trusted.path());
    assert_eq!(without.status.code(), Some(2), "{without:?}");
    assert!(!slow_tls.lines().iter().any(|line| line.starts_with("USER")));
}

#[test]
fn command_line_that_cannot_be_used_has_its_exit_code() {
    let nothing = tempfile::NamedTempFile::new().unwrap();
    for arguments in [
        &[][..],
        &["h", "--no-such-flag"],
        &["h", "--port", "0"],
        &["h", "--write"],
        &["h", "--password-file", "/no/such/file"],
        &["h", "--user", "ada", "--password-file", "/no/such/file"],
        &["h", "--language", "tlh"],
        &["h", "--allow-network", "everything"],
        &["h", "--trust", "abc"],
        &["ftps://ada:s3same@h"],
    ] {
        let output = doctor(arguments, "", nothing.path());
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {output:?}");
        let told = text(&output.stderr);
        assert!(!told.contains("s3same"), "{told}");
    }
}

#[test]
fn address_may_name_user_port_and_folder() {
    let server = servers::start(Kind::Vsftpd);
    let trusted = trusted(&server);
    let folder = server.root().join(Server::READ_ONLY);
    let address =
        format!("ftps://{}@127.0.0.1:{}/{}", server.username(), server.port(), folder.display());
    let network = format!("127.0.0.1:{}", server.port());
    let password = tempfile::NamedTempFile::new().unwrap();
    fs::write(password.path(), format!("{}\n", server.password())).unwrap();
    let password = password.path().to_str().unwrap();
    let arguments =
        [&address, "--allow-network", &network, "--password-file", password, "--write", "--json"];
    let output = doctor(&arguments, "", trusted.path());
    let report = report(&output);
    // The folder can be read, and not be written to.
    assert_eq!(remarks(&report), [(CheckId::TestUpload, CheckState::Failed)], "{report:#?}");
    assert_eq!(report.target.folder.as_deref(), folder.to_str());
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn html_file_needs_no_network_and_holds_no_password() {
    let server = servers::start(Kind::Vsftpd);
    let trusted = trusted(&server);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let file = file.to_str().unwrap();
    let more = ["--user", server.username(), "--html", file, "--language", "fr"];
    let output = run(&at(&server, &more), server.password(), trusted.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let html = fs::read_to_string(file).unwrap();
    for reference in ["src=", "href=", "url(", "@import", "<link", "<img"] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(!html.contains(server.password()));
    assert!(html.contains("<html lang=\"fr\">") && html.contains("Fonctionne"), "{html}");
    let (_, json) = html.split_once("id=\"report\">").unwrap();
    let (json, _) = json.split_once("</script>").unwrap();
    let report: DoctorReport = serde_json::from_str(json).unwrap();
    assert_eq!(report.checks.len(), CheckId::ALL.len());
}

#[test]
fn masked_report_names_no_host_no_user_and_no_path() {
    let server = servers::start(Kind::Vsftpd);
    let trusted = trusted(&server);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let file = file.to_str().unwrap();
    let root = server.root();
    let root = root.to_str().unwrap();
    let names = [server.username(), "127.0.0.1", "localhost", root, "ferryport-test-"];
    for form in [&["--json"][..], &[]] {
        let own = ["--user", server.username(), "--folder", root, "--write", "--html", file];
        let mask = ["--mask", "hosts,users,paths"];
        let arguments = at(&server, &[&own[..], &mask, form].concat());
        let output = run(&arguments, server.password(), trusted.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let told = text(&output.stdout) + &fs::read_to_string(file).unwrap();
        for name in names {
            assert!(!told.contains(name), "{name} in {told}");
        }
        assert!(told.contains("STOR [path ") && told.contains("USER [user 1]"), "{told}");
        assert!(told.contains("Response: 234"), "{told}");
    }
}

#[test]
fn report_has_no_member_that_its_schema_lacks() {
    let server = servers::start(Kind::PureFtpd);
    let trusted = trusted(&server);
    let arguments = at(&server, &["--user", server.username(), "--json"]);
    let output = run(&arguments, "wrong", trusted.path());
    let value: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    let again = serde_json::to_value(report(&output)).unwrap();
    assert_eq!(value, again);
    let schema = schema();
    let of_report = members(&schema["properties"]);
    assert!(members(&value).iter().all(|name| of_report.contains(name)), "{value}");
    for name in schema["required"].as_array().unwrap() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{name}");
    }
    let of_check = members(&schema["$defs"]["DoctorCheck"]["properties"]);
    for check in value["checks"].as_array().unwrap() {
        assert!(members(check).iter().all(|name| of_check.contains(name)), "{check}");
    }
}

fn members(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_in_the_docs_is_that_of_the_report() {
    let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let kept = fs::read_to_string(root.join(SCHEMA)).unwrap_or_default();
    if made != kept {
        let new = root.join("target/doctor-report.schema.json");
        fs::write(&new, made).unwrap();
        panic!("{SCHEMA} is not that of the types: `cp {} {SCHEMA}`", new.display());
    }
}

fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = DoctorReport::json_schema(&mut generator).to_value();
    let shared = generator.take_definitions(true);
    let members = schema.as_object_mut().unwrap();
    members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    members.insert("title".to_owned(), json!("The report of `ferryport doctor`, version 1"));
    members.insert("$defs".to_owned(), shared.into());
    schema
}
