//! The doctor: what it finds at servers that are wrong in one thing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ferryport::{
    doctor::{Doctor, DoctorLimits, Examination, TestUpload},
    lookup::LookupSlot,
    policy::Policy,
    settings::{Settings, Sources},
};
use ferryport_tests::faulty_server::{Fault, FaultyServer, ISSUER_URL, PASSWORD, Shown};
use ftps::{Credentials, Fingerprint, Password, Username};
use protocol::{
    Encryption,
    doctor::{CheckId, CheckState, DoctorCheck, DoctorReport, DoctorVerdict},
    problem::Who,
};

/// Limits that let no test wait long.
fn limits() -> DoctorLimits {
    DoctorLimits {
        connect: Duration::from_secs(1),
        greeting: Duration::from_secs(2),
        silence: Duration::from_millis(400),
        ..DoctorLimits::default()
    }
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        username: Username::new("ada").unwrap(),
        password: Password::new(password).unwrap(),
    }
}

fn examination(address: SocketAddr) -> Examination {
    Examination {
        host: address.ip().to_string(),
        port: address.port(),
        encryption: None,
        credentials: Some(credentials(PASSWORD)),
        folder: None,
        test_upload: TestUpload::NotMade,
        trusted_certificate: None,
        language: ferryport::texts::Language::default(),
    }
}

/// A doctor that may connect to these networks.
fn doctor(server: &FaultyServer, networks: &str) -> Doctor {
    let mut sources = Sources::default();
    sources.flag("allow_network", networks.to_owned());
    let settings = Settings::from_sources(&sources).unwrap();
    let roots = Arc::new(server.roots());
    let policy = Policy::new(&settings);
    Doctor::new(policy, roots, LookupSlot::default()).with_limits(limits())
}

async fn examine(server: &FaultyServer, examination: &Examination) -> DoctorReport {
    // Its own port only: those for implicit TLS and SFTP belong to the machine.
    let network = server.address().to_string();
    let mut told = Vec::new();
    let doctor = doctor(server, &network);
    let report = doctor.examine(examination, &mut |check| told.push(check.id)).await;
    let ids: Vec<_> = report.checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CheckId::ALL, "each check stands in the report once");
    told.sort();
    assert_eq!(told, CheckId::ALL, "each check was told once");
    assert!(!serde_json::to_string(&report).unwrap().contains(PASSWORD));
    report
}

async fn report_of(fault: Fault) -> DoctorReport {
    let server = FaultyServer::start(fault).await;
    examine(&server, &examination(server.address())).await
}

async fn report_with_upload(fault: Fault) -> (DoctorReport, FaultyServer) {
    let server = FaultyServer::start(fault).await;
    let asked = Examination { test_upload: TestUpload::Made, ..examination(server.address()) };
    (examine(&server, &asked).await, server)
}

fn check(report: &DoctorReport, id: CheckId) -> &DoctorCheck {
    report.checks.iter().find(|check| check.id == id).unwrap()
}

/// The checks that are not right, with their states. A private address is no fault of a test.
fn wrong(report: &DoctorReport) -> Vec<(CheckId, CheckState)> {
    let checks = report.checks.iter().filter(|check| check.id != CheckId::Name);
    let checks = checks.filter(|check| check.state > CheckState::Ok);
    checks.map(|check| (check.id, check.state)).collect()
}

#[track_caller]
fn expect_wrong(report: &DoctorReport, expected: &[(CheckId, CheckState)]) {
    assert_eq!(wrong(report), expected, "{report:#?}");
}

#[track_caller]
fn expect_failure(report: &DoctorReport, id: CheckId, who: Who, words: &str) {
    expect_wrong(report, &[(id, CheckState::Failed)]);
    assert_eq!(report.verdict, DoctorVerdict::Fails);
    assert!(report.summary.starts_with("Does not work: "), "{}", report.summary);
    let failed = check(report, id);
    assert!(failed.says.contains(words), "{}", failed.says);
    assert_eq!(failed.remedy.as_ref().map(|remedy| remedy.who), Some(who), "{failed:?}");
}

#[tokio::test]
async fn healthy_server_works_within_the_limits_and_with_one_login() {
    let (report, server) = report_with_upload(Fault::None).await;
    expect_wrong(&report, &[]);
    assert_eq!((report.verdict, report.summary.as_str()), (DoctorVerdict::Works, "Works"));
    let skipped = report.checks.iter().filter(|check| check.state == CheckState::Skipped);
    let skipped: Vec<_> = skipped.map(|check| check.id).collect();
    assert_eq!(skipped, [CheckId::ImplicitTls, CheckId::Sftp]);
    assert_eq!(server.passwords_tried(), 1);
    assert!(server.control_connections() <= limits().control_connections);
    assert!(server.data_connections() <= limits().data_connections);
    assert!(server.files().is_empty(), "{:?}", server.files());
    let resumption = check(&report, CheckId::DataResumption);
    assert!(resumption.says.contains("All 5 data connections"), "{}", resumption.says);
    let certificate = &check(&report, CheckId::Certificate).evidence;
    let plain = Fingerprint::of(server.certificate()).to_string();
    assert!(certificate.iter().any(|line| line.contains(&plain)), "{certificate:?}");
    assert!(check(&report, CheckId::Login).evidence.contains(&"Command: PASS ********".to_owned()));
}

#[tokio::test]
async fn without_a_username_all_before_the_login_is_examined() {
    let server = FaultyServer::start(Fault::None).await;
    let asked = Examination { credentials: None, ..examination(server.address()) };
    let report = examine(&server, &asked).await;
    assert_eq!(report.verdict, DoctorVerdict::Works);
    let tickets = check(&report, CheckId::Tickets);
    assert_eq!(tickets.state, CheckState::Ok, "{tickets:?}");
    assert!(check(&report, CheckId::Login).says.contains("no username"));
    assert_eq!(server.passwords_tried(), 0);
}

#[tokio::test]
async fn name_that_leads_nowhere_ends_the_examination() {
    let server = FaultyServer::start(Fault::None).await;
    let host = "no-such-host.invalid".to_owned();
    let asked = Examination { host, ..examination(server.address()) };
    let report = examine(&server, &asked).await;
    assert_eq!(check(&report, CheckId::Name).state, CheckState::Failed);
    assert_eq!(report.summary, "Does not work: the name leads to no server");
    let others = report.checks.iter().skip(1);
    assert!(others.into_iter().all(|check| check.state == CheckState::Skipped), "{report:#?}");
    assert_eq!(server.control_connections(), 0);
}

#[tokio::test]
async fn address_that_the_policy_forbids_is_not_connected_to() {
    let server = FaultyServer::start(Fault::None).await;
    let doctor = doctor(&server, "10.0.0.0/8");
    let report = doctor.examine(&examination(server.address()), &mut |_| ()).await;
    assert_eq!(check(&report, CheckId::Name).state, CheckState::Failed);
    assert_eq!(server.control_connections(), 0);
}

#[tokio::test]
async fn closed_port_is_told_from_one_that_does_not_answer() {
    let server = FaultyServer::start(Fault::None).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let doctor = doctor(&server, "127.0.0.1:*");
    let report = doctor.examine(&examination(closed), &mut |_| ()).await;
    let ports = check(&report, CheckId::Ports);
    assert_eq!(ports.state, CheckState::Failed);
    assert!(ports.says.contains("No server accepts connections"), "{}", ports.says);
    assert_eq!(report.summary, "Does not work: the port cannot be reached");
}

#[tokio::test]
async fn servers_of_other_protocols_are_recognised() {
    for (greeting, words) in [
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "a web server"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"),
    ] {
        let report = report_of(Fault::Greets(greeting)).await;
        expect_failure(&report, CheckId::Greeting, Who::You, words);
    }
}

#[tokio::test]
async fn silent_port_is_told() {
    let report = report_of(Fault::Silent).await;
    expect_failure(&report, CheckId::Greeting, Who::You, "sends nothing");
}

#[tokio::test]
async fn explicit_tls_at_a_port_for_implicit_tls_is_told() {
    let server = FaultyServer::start(Fault::Implicit).await;
    let explicit = Some(Encryption::Explicit);
    let asked = Examination { encryption: explicit, ..examination(server.address()) };
    let report = examine(&server, &asked).await;
    expect_failure(&report, CheckId::Greeting, Who::You, "encryption from the first byte");
    let remedy = check(&report, CheckId::Greeting).remedy.clone().unwrap();
    assert_eq!(remedy.what, "Choose Implicit TLS.");
    assert_eq!(server.passwords_tried(), 0);
}

#[tokio::test]
async fn implicit_tls_at_a_port_for_explicit_tls_is_told() {
    let server = FaultyServer::start(Fault::None).await;
    let implicit = Some(Encryption::Implicit);
    let asked = Examination { encryption: implicit, ..examination(server.address()) };
    let report = examine(&server, &asked).await;
    expect_failure(&report, CheckId::Greeting, Who::You, "expects explicit TLS");
}

#[tokio::test]
async fn automatic_encryption_finds_implicit_tls() {
    let server = FaultyServer::start(Fault::Implicit).await;
    let report = examine(&server, &examination(server.address())).await;
    expect_wrong(&report, &[]);
    assert_eq!(report.target.encryption, Encryption::Implicit);
    assert_eq!(check(&report, CheckId::ImplicitTls).state, CheckState::Ok);
}

#[tokio::test]
async fn server_without_tls_gets_no_login() {
    let server = FaultyServer::start(Fault::NoTls).await;
    let report = examine(&server, &examination(server.address())).await;
    expect_failure(&report, CheckId::AuthTls, Who::ServerOperator, "offers no encryption");
    assert_eq!(check(&report, CheckId::Greeting).state, CheckState::Ok);
    let evidence = &check(&report, CheckId::AuthTls).evidence;
    assert!(evidence.contains(&"Response: 500 unknown command".to_owned()), "{evidence:?}");
    assert_eq!(server.passwords_tried(), 0);
}

#[tokio::test]
async fn old_name_of_auth_is_a_remark() {
    let report = report_of(Fault::OnlyAuthSsl).await;
    expect_wrong(&report, &[(CheckId::AuthTls, CheckState::Warning)]);
    assert_eq!(report.summary, "Works. Remarks: 1");
}

#[tokio::test]
async fn server_with_tls_12_alone_works() {
    let report = report_of(Fault::OnlyTls12).await;
    expect_wrong(&report, &[(CheckId::TlsVersions, CheckState::Note)]);
    assert_eq!(report.verdict, DoctorVerdict::Works);
}

#[tokio::test]
async fn old_versions_of_tls_are_a_remark() {
    let report = report_of(Fault::OldTls).await;
    expect_wrong(&report, &[(CheckId::OldTls, CheckState::Warning)]);
    let says = &check(&report, CheckId::OldTls).says;
    assert!(says.contains("TLS 1.0, TLS 1.1"), "{says}");
}

async fn report_with(shown: Shown) -> (DoctorReport, FaultyServer) {
    let server = FaultyServer::start_with(Fault::None, shown).await;
    (examine(&server, &examination(server.address())).await, server)
}

#[tokio::test]
async fn certificate_that_has_expired_or_is_for_another_host_gets_no_password() {
    for (shown, who, words) in [
        (Shown::Expired, Who::ServerOperator, "expired on 2001-01-01"),
        (Shown::OtherName, Who::You, "is for other.example"),
    ] {
        let (report, server) = report_with(shown).await;
        expect_failure(&report, CheckId::Certificate, who, words);
        assert_eq!(report.summary, "Does not work: the certificate is not valid");
        let login = check(&report, CheckId::Login);
        assert!(login.says.contains("no password is sent"), "{}", login.says);
        assert_eq!(server.passwords_tried(), 0);
    }
}

#[tokio::test]
async fn certificate_that_expires_soon_is_a_remark() {
    let (report, _server) = report_with(Shown::ExpiresSoon).await;
    expect_wrong(&report, &[(CheckId::Certificate, CheckState::Warning)]);
}

#[tokio::test]
async fn missing_intermediate_certificate_is_named_with_its_address() {
    let (report, server) = report_with(Shown::IncompleteChain).await;
    expect_failure(&report, CheckId::Chain, Who::ServerOperator, "CN=test issuer");
    let remedy = check(&report, CheckId::Chain).remedy.clone().unwrap();
    assert!(remedy.what.contains(ISSUER_URL), "{}", remedy.what);
    assert_eq!(server.passwords_tried(), 0);
}

#[tokio::test]
async fn self_signed_certificate_is_used_only_if_it_is_the_trusted_one() {
    let (report, server) = report_with(Shown::SelfSigned).await;
    expect_wrong(&report, &[(CheckId::Chain, CheckState::Failed)]);
    assert_eq!(server.passwords_tried(), 0);

    let own = Some(Fingerprint::of(server.certificate()));
    let trusting = Examination { trusted_certificate: own, ..examination(server.address()) };
    let report = examine(&server, &trusting).await;
    expect_wrong(&report, &[(CheckId::Chain, CheckState::Note)]);
    assert_eq!(check(&report, CheckId::Login).state, CheckState::Ok);

    let other = Some(Fingerprint::new([7; 32]));
    let trusting = Examination { trusted_certificate: other, ..examination(server.address()) };
    let report = examine(&server, &trusting).await;
    assert_eq!(check(&report, CheckId::Certificate).state, CheckState::Failed);
    assert_eq!(server.passwords_tried(), 1);
}

#[tokio::test]
async fn server_that_resumes_no_session_is_noted() {
    let report = report_of(Fault::NoTickets).await;
    let note = CheckState::Note;
    expect_wrong(&report, &[(CheckId::Tickets, note), (CheckId::DataResumption, note)]);
}

#[tokio::test]
async fn refused_password_is_tried_once() {
    let server = FaultyServer::start(Fault::None).await;
    let wrong = Some(credentials("wrong"));
    let asked = Examination { credentials: wrong, ..examination(server.address()) };
    let report = examine(&server, &asked).await;
    expect_failure(&report, CheckId::Login, Who::You, "does not accept this username");
    let evidence = &check(&report, CheckId::Login).evidence;
    assert!(evidence.contains(&"Response: 530 Login incorrect.".to_owned()), "{evidence:?}");
    assert_eq!(server.passwords_tried(), 1);
}

#[tokio::test]
async fn password_that_a_server_repeats_is_in_no_report() {
    let report = report_of(Fault::RepeatsPassword).await;
    let evidence = &check(&report, CheckId::Login).evidence;
    assert!(evidence.contains(&"Response: 230 in with ********".to_owned()), "{evidence:?}");
    let server = FaultyServer::start(Fault::RepeatsPassword).await;
    let asked = Examination {
        credentials: Some(credentials("another-s3cret")),
        ..examination(server.address())
    };
    let report = examine(&server, &asked).await;
    assert!(!serde_json::to_string(&report).unwrap().contains("another-s3cret"));
}

#[tokio::test]
async fn refused_protection_is_not_a_refused_login() {
    let report = report_of(Fault::Refuses("PROT", "536 not here")).await;
    expect_failure(&report, CheckId::Protection, Who::ServerOperator, "does not encrypt");
    assert_eq!(check(&report, CheckId::Login).state, CheckState::Ok);
}

#[tokio::test]
async fn server_that_lists_no_features_is_noted() {
    let report = report_of(Fault::NoFeatures).await;
    expect_wrong(&report, &[(CheckId::Features, CheckState::Note)]);
}

#[tokio::test]
async fn one_of_the_two_passive_commands_is_enough() {
    for (verb, id) in [("EPSV", CheckId::Epsv), ("PASV", CheckId::PassivePorts)] {
        let report = report_of(Fault::Refuses(verb, "502 not here")).await;
        expect_wrong(&report, &[(id, CheckState::Note)]);
        assert_eq!(check(&report, CheckId::Listing).state, CheckState::Ok);
    }
}

#[tokio::test]
async fn blocked_data_ports_are_named() {
    let report = report_of(Fault::BlockedPorts).await;
    let failed = CheckState::Failed;
    expect_wrong(&report, &[(CheckId::Epsv, failed), (CheckId::PassivePorts, failed)]);
    assert_eq!(report.summary, "Does not work: the data connection is blocked");
    let ports = check(&report, CheckId::PassivePorts);
    assert!(ports.says.contains("The server named these ports: "), "{}", ports.says);
    let remedy = ports.remedy.as_ref().unwrap();
    assert_eq!(remedy.who, Who::ServerOperator);
    assert!(remedy.what.contains("open its passive port range"), "{}", remedy.what);
    for id in [CheckId::DataResumption, CheckId::Listing, CheckId::TestUpload] {
        assert_eq!(check(&report, id).state, CheckState::Skipped);
    }
}

#[tokio::test]
async fn ports_of_which_only_some_are_reached_are_named() {
    let report = report_of(Fault::BlockedPasvPorts).await;
    expect_wrong(&report, &[(CheckId::PassivePorts, CheckState::Failed)]);
    let says = &check(&report, CheckId::PassivePorts).says;
    assert!(says.contains("blocks some of the server's data ports"), "{says}");
    assert_eq!(check(&report, CheckId::Listing).state, CheckState::Ok);
}

#[tokio::test]
async fn private_address_for_the_data_is_a_remark() {
    let report = report_of(Fault::PassiveAddress([192, 168, 1, 5])).await;
    expect_wrong(&report, &[(CheckId::PassivePorts, CheckState::Warning)]);
    let says = &check(&report, CheckId::PassivePorts).says;
    assert!(says.contains("192.168.1.5"), "{says}");
}

#[tokio::test]
async fn refused_tls_on_data_connections_is_told() {
    let report = report_of(Fault::RefusesDataTls).await;
    let words = "TLS session of the data connection";
    expect_failure(&report, CheckId::DataResumption, Who::ServerOperator, words);
}

#[tokio::test]
async fn data_connections_without_close_notify_are_a_remark() {
    let report = report_of(Fault::CutsData).await;
    expect_wrong(&report, &[(CheckId::Listing, CheckState::Warning)]);
}

#[tokio::test]
async fn refused_listing_is_told() {
    let server = FaultyServer::start(Fault::Refuses("CWD", "550 Permission denied.")).await;
    let folder = Some("in".to_owned());
    let report = examine(&server, &Examination { folder, ..examination(server.address()) }).await;
    expect_failure(&report, CheckId::Listing, Who::You, "does not allow it");
}

#[tokio::test]
async fn test_upload_tells_what_the_server_does_with_files() {
    let (report, _server) = report_with_upload(Fault::None).await;
    let says = &check(&report, CheckId::TestUpload).says;
    for words in ["uploaded, renamed and deleted", "can be resumed", "keep their dates"] {
        assert!(says.contains(words), "{says}");
    }
}

#[tokio::test]
async fn refused_upload_is_told() {
    let (report, server) = report_with_upload(Fault::Refuses("STOR", "552 Quota exceeded")).await;
    expect_failure(&report, CheckId::TestUpload, Who::You, "uota");
    assert!(server.files().is_empty());
}

#[tokio::test]
async fn restrictions_on_files_are_told() {
    let note = CheckState::Note;
    for (verb, state, words) in [
        ("REST", note, "start again"),
        ("MFMT", note, "the date of their upload"),
        ("RNFR", CheckState::Warning, "does not rename"),
    ] {
        let (report, server) = report_with_upload(Fault::Refuses(verb, "550 not here")).await;
        expect_wrong(&report, &[(CheckId::TestUpload, state)]);
        let says = &check(&report, CheckId::TestUpload).says;
        assert!(says.contains(words), "{verb}: {says}");
        assert!(server.files().is_empty(), "{verb}: {:?}", server.files());
    }
}

#[tokio::test]
async fn file_that_is_left_behind_is_named() {
    let (report, server) = report_with_upload(Fault::Refuses("DELE", "550 not here")).await;
    expect_wrong(&report, &[(CheckId::TestUpload, CheckState::Warning)]);
    let [name] = &server.files()[..] else { panic!("{:?}", server.files()) };
    assert!(name.starts_with("ferryport-test-") && name.contains("-ü"), "{name}");
    let says = &check(&report, CheckId::TestUpload).says;
    assert!(says.contains(name), "{says}");
}

#[tokio::test]
async fn wrong_size_of_the_test_file_is_a_failure() {
    let (report, server) = report_with_upload(Fault::ShortSize).await;
    expect_wrong(&report, &[(CheckId::TestUpload, CheckState::Failed)]);
    let says = &check(&report, CheckId::TestUpload).says;
    assert!(says.contains("1 bytes for the test file, but 2 were sent"), "{says}");
    assert!(server.files().is_empty());
}

#[tokio::test]
async fn clock_that_is_slow_is_noted() {
    let (report, _server) = report_with_upload(Fault::SlowClock).await;
    expect_wrong(&report, &[(CheckId::TestUpload, CheckState::Note)]);
    let says = &check(&report, CheckId::TestUpload).says;
    assert!(says.contains("differ by 1 h"), "{says}");
}

#[tokio::test]
async fn other_ports_of_the_server_are_examined_where_they_are_permitted() {
    let at = |port: u16| SocketAddr::from(([127, 77, 0, 1], port));
    let server = FaultyServer::start_at(at(0), Fault::None, Shown::Valid).await;
    let ssh = Fault::Greets("SSH-2.0-OpenSSH_9.2\r\n");
    let _ssh = FaultyServer::start_at(at(22), ssh, Shown::Valid).await;
    let _implicit = FaultyServer::start_at(at(990), Fault::Implicit, Shown::Valid).await;
    // At the port for implicit TLS, the remedy for explicit TLS is seen to work.
    let permitted = doctor(&server, "127.77.0.1:*");
    let explicit = Some(Encryption::Explicit);
    let asked = Examination { encryption: explicit, ..examination(at(990)) };
    let report = permitted.examine(&asked, &mut |_| ()).await;
    assert_eq!(check(&report, CheckId::Greeting).state, CheckState::Failed);
    assert_eq!(check(&report, CheckId::ImplicitTls).state, CheckState::Ok, "{report:#?}");

    let doctor = doctor(&server, "127.77.0.1:*");
    let own = Some(Fingerprint::of(server.certificate()));
    let asked = Examination { trusted_certificate: own, ..examination(server.address()) };
    let report = doctor.examine(&asked, &mut |_| ()).await;
    let implicit = check(&report, CheckId::ImplicitTls);
    assert!(implicit.says.contains("Port 990 offers implicit TLS too"), "{implicit:?}");
    let sftp = check(&report, CheckId::Sftp);
    assert!(sftp.says.contains("perhaps SFTP"), "{sftp:?}");
    let banner = "port 22: SSH-2.0-OpenSSH_9.2".to_owned();
    assert!(sftp.evidence.contains(&banner), "{sftp:?}");
}

#[tokio::test]
async fn examination_ends_in_time_and_says_so() {
    let server = FaultyServer::start(Fault::Silent).await;
    let limits = DoctorLimits {
        total: Duration::from_millis(700),
        greeting: Duration::from_secs(60),
        silence: Duration::from_secs(60),
        ..limits()
    };
    let doctor = doctor(&server, &server.address().to_string()).with_limits(limits);
    let report = doctor.examine(&examination(server.address()), &mut |_| ()).await;
    let greeting = check(&report, CheckId::Greeting);
    assert_eq!(greeting.state, CheckState::Failed);
    assert!(greeting.says.contains("took longer than 700 ms"), "{}", greeting.says);
    let ids: Vec<_> = report.checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CheckId::ALL);
}

#[tokio::test]
async fn report_is_in_the_chosen_language() {
    let server = FaultyServer::start(Fault::NoTls).await;
    let language = ferryport::texts::Language::of_tag("de").unwrap();
    let report = examine(&server, &Examination { language, ..examination(server.address()) }).await;
    assert!(report.summary.starts_with("Funktioniert nicht: "), "{}", report.summary);
    assert_eq!(check(&report, CheckId::AuthTls).title, "Beginn der Verschlüsselung");
    let evidence = &check(&report, CheckId::AuthTls).evidence;
    assert!(evidence.contains(&"Command: AUTH TLS".to_owned()), "{evidence:?}");
}
