//! From the address to the session: refusals, diagnoses, and secrets that are never sent.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use ftps::{
    Cause, CertificateFault, Config, Diagnosis, Encryption, Fallback, Fingerprint, Stage,
    TlsVersion,
};
use rustls::{ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::scripted::{
    Claims, Identity, Log, SECRET, Scenario, Server, closed_port, connection, connector_to,
    credentials_of, path, port_of_tls, port_where_each, session, upload,
};

#[tokio::test]
async fn session_opens_with_its_facts() {
    let server = Scenario::session(async |peer| peer.expect_quit().await).start();
    let client = server.open().await;
    let facts = client.facts();
    assert_eq!(facts.address, server.address);
    assert_eq!(facts.banner.to_string(), "220 ready");
    assert_eq!(facts.tls.version, TlsVersion::Tls13);
    assert!(facts.tls.cipher_suite.starts_with("TLS_AES_"));
    assert_eq!(facts.certificate.sha256, Fingerprint::of(&server.identity.certificate));
    assert_eq!(facts.certificate.names, ["localhost"]);
    assert_eq!(facts.initial_directory, Some(path("/home")));
    assert!(facts.features.size());
    client.quit().await;
    for stage in ["Connect", "Greeting", "Auth", "Tls", "Login", "Protect", "Setup"] {
        assert!(server.log.has(&format!("kind: Stage({stage})")), "{stage}");
    }
    server.log.must_have("Response: 220 ready");
    server.log.must_have("Command: AUTH TLS");
}

#[tokio::test]
async fn bytes_after_the_auth_reply_end_the_session() {
    let server = Scenario::connection(async |peer| {
        peer.say("220 ready").await;
        peer.expect("AUTH TLS").await;
        peer.send(b"234 go\r\n230 you are in\r\n").await;
        peer.expect_end().await;
    })
    .start();
    let error = server.refused().await;
    assert_eq!(error.stage(), Stage::Auth);
    assert_eq!(Cause::of(&error), Cause::InjectedBytes);
}

#[tokio::test]
async fn auth_ssl_is_tried_where_auth_tls_is_refused() {
    let server = Scenario::connection(async |peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "504 no such mechanism").await;
        peer.answer("AUTH SSL", "234 go").await;
        peer.start_tls().await;
        peer.let_in().await;
    })
    .start();
    let connector = server.connector();
    connector.open().await.unwrap();
    server.log.must_have("Trying AUTH SSL");
    assert_eq!(connector.profile().auth, ftps::profile::AuthName::Ssl);
}

#[tokio::test]
async fn reply_230_to_auth_does_not_replace_tls() {
    // 230 in reply to AUTH is a login that the client did not ask for, and does not start TLS.
    let server = Scenario::connection(async |peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "230 you are in, no TLS needed").await;
        peer.expect_end().await;
    })
    .start();
    let error = server.refused().await;
    assert_eq!(error.stage(), Stage::Auth);
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
}

#[tokio::test]
async fn refused_prot_ends_the_session_before_any_data_connection() {
    let server = Scenario::session(async |peer| peer.expect_end().await)
        .answering("PROT P", "536 not supported")
        .start();
    let error = server.refused().await;
    assert_eq!(error.stage(), Stage::Protect);
    assert_eq!(Cause::of(&error), Cause::ProtectionRefused);
}

/// The set-up after the login takes one round trip.
#[tokio::test]
async fn set_up_after_the_login_is_one_batch() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.expect_set_up().await;
        peer.say("200 ok\r\n200 ok\r\n211 none\r\n200 ok\r\n200 ok\r\n257 \"/\"").await;
    })
    .start();
    let client = server.open().await;
    assert_eq!(client.facts().initial_directory, Some(path("/")));
}

/// The server reads one command at a time and drops the rest of the batch.
#[tokio::test]
async fn server_that_drops_commands_gets_them_one_by_one() {
    let drops = connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.answer("PBSZ 0", "200 ok").await;
        while peer.command().await.is_some() {}
    });
    let careful = connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.set_up_one_by_one(Duration::from_millis(20)).await;
    });
    let server = Scenario::of([drops, careful]).start();
    let connector =
        server.connector_with(|config| config.timeouts.batch = Duration::from_millis(100));
    let error = connector.open().await.unwrap_err();
    assert_eq!(error.evidence().batch.map(|batch| batch.answered), Some(1));
    assert_eq!(connector.learn(&error), Some(Fallback::WithoutPipelining));
    connector.open().await.unwrap();
    server.log.must_have("one by one");
}

#[tokio::test]
async fn user_that_needs_no_password_sends_none() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.answer("USER ada", "232 in by certificate").await;
        peer.set_up().await;
    })
    .answering("FEAT", "502 what?")
    .answering("OPTS UTF8 ON", "501 what?")
    .answering("PWD", "502 what?")
    .start();
    let client = server.open().await;
    assert_eq!(client.facts().initial_directory, None);
    assert_eq!(client.facts().features.lines().len(), 0);
}

#[tokio::test]
async fn wrong_password_is_reported_with_the_servers_reply() {
    let server = Scenario::connection(async |peer| {
        peer.refuse_login("530-No.\r\n530 Login incorrect.").await;
        peer.expect_end().await;
    })
    .start();
    let error = server.refused().await;
    assert_eq!(error.stage(), Stage::Login);
    assert_eq!(error.reply().unwrap().to_string(), "530-No.\n530 Login incorrect.");
    assert_eq!(Cause::of(&error), Cause::WrongCredentials);
    assert!(error.is_permanent());
}

#[tokio::test]
async fn too_many_connections_are_told_from_a_wrong_password() {
    let server = Scenario::connection(async |peer| {
        peer.say("421 Too many connections (8) from this IP").await;
    })
    .start();
    let error = server.refused().await;
    assert_eq!(error.stage(), Stage::Greeting);
    assert_eq!(Cause::of(&error), Cause::TooManyConnections);
    assert!(error.is_transient());
}

#[tokio::test]
async fn greeting_may_be_announced_first() {
    let server = Scenario::connection(async |peer| {
        peer.say("120 in a minute").await;
        peer.log_in().await;
    })
    .start();
    server.open().await;
}

#[tokio::test]
async fn silent_server_ends_within_the_deadline() {
    let server = Scenario::connection(async |peer| peer.expect_end().await).start();
    let error = server
        .refused_with(|config| {
            config.timeouts.silence = Duration::from_millis(100);
            config.timeouts.greeting = Duration::from_millis(300);
            config.timeouts.tls_handshake = Duration::from_millis(100);
        })
        .await;
    assert_eq!(error.stage(), Stage::Greeting);
    assert!(error.is_timeout());
    assert_eq!(Cause::of(&error), Cause::SilentServer);
    assert!(error.to_string().contains("within 0.3 s"), "the whole limit is named: {error}");
    server.log.must_have("whether the port expects TLS from the first byte");
}

#[tokio::test]
async fn server_that_stops_answering_ends_within_the_deadline() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.expect("USER ada").await;
        peer.expect_end().await;
    })
    .start();
    let error =
        server.refused_with(|config| config.timeouts.reply = Duration::from_millis(100)).await;
    assert_eq!(error.stage(), Stage::Login);
    assert!(error.is_timeout());
}

#[tokio::test]
async fn probe_runs_even_if_the_greeting_timeout_is_shorter_than_the_silence() {
    let error = refused_by_implicit_port(Duration::from_secs(60)).await;
    assert_eq!(Cause::of(&error), Cause::ImplicitTlsExpected);
}

/// Returns the error at a port that waits for TLS on each connection.
async fn refused_by_implicit_port(silence: Duration) -> ftps::Error {
    let server = Server::at(port_of_tls(Identity::default().acceptor()));
    server
        .refused_with(|config| {
            config.timeouts.silence = silence;
            config.timeouts.greeting = Duration::from_secs(4);
        })
        .await
}

/// The engine's defaults, without roots.
fn untrusting() -> Config {
    Config::new(no_roots())
}

fn no_roots() -> Arc<RootCertStore> {
    Arc::new(RootCertStore::empty())
}

#[tokio::test]
async fn web_server_that_waits_for_a_request_is_found_by_the_probe() {
    let address = port_where_each(|mut tcp| async move {
        if tcp.read_u8().await.is_ok() {
            tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            let _ = tcp.read_to_end(&mut rest).await;
        }
    });
    let mut config = untrusting();
    config.timeouts.silence = Duration::from_millis(100);
    let connector = connector_to(address, Encryption::Explicit, config, &Log::default());
    assert_eq!(Cause::of(&connector.open().await.unwrap_err()), Cause::HttpServer);
}

#[tokio::test]
async fn port_where_nothing_listens_is_diagnosed() {
    let address = closed_port();
    let error = Server::at(address).refused().await;
    assert_eq!(error.stage(), Stage::Connect);
    assert_eq!(Cause::of(&error), Cause::ConnectionRefused);
    assert_eq!(error.evidence().target.unwrap().0, address);
}

#[tokio::test]
async fn endless_reply_line_is_cut_off() {
    let server = Scenario::connection(async |peer| {
        let _ = peer.try_send(b"220 ").await;
        while peer.try_send(&[b'x'; 4096]).await.is_ok() {}
    })
    .start();
    let error = server.refused().await;
    assert_eq!(error.stage(), Stage::Greeting);
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
}

#[tokio::test]
async fn endless_reply_is_cut_off() {
    let server =
        Scenario::connection(
            async |peer| {
                while peer.try_send(b"220-and another line\r\n").await.is_ok() {}
            },
        )
        .start();
    let error = server.refused().await;
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
}

#[tokio::test]
async fn multi_line_reply_that_ends_with_another_code_is_taken() {
    let server = Scenario::connection(async |peer| {
        peer.log_in_as("220-welcome\r\n230 and so on").await;
    })
    .start();
    let client = server.open().await;
    assert_eq!(client.facts().banner.code().value(), 220);
    server.log.must_have("has another code than the first");
}

#[tokio::test]
async fn untrusted_certificate_sends_nothing_secret() {
    let server = Scenario::connection(async |peer| peer.fail_handshake().await).start();
    let error = server.refused_with(|config| config.tls.roots = no_roots()).await;
    assert_eq!(error.stage(), Stage::Certificate);
    let untrusted = error.is_certificate().unwrap();
    assert_eq!(untrusted.facts.sha256, Fingerprint::of(&server.identity.certificate));
    assert_eq!(untrusted.faults, [CertificateFault::SelfSigned]);
    assert_eq!(Cause::of(&error), Cause::CertificateSelfSigned);
    assert!(!server.log.has("USER") && !server.log.has("PASS"));
}

#[tokio::test]
async fn every_doubt_is_named() {
    let claims = Claims { name: "example.org", years: (2000, 2001), ..Claims::default() };
    let server =
        Scenario::connection(async |peer| peer.fail_handshake().await).claiming(&claims).start();
    let error = server.refused_with(|config| config.tls.roots = no_roots()).await;
    let faults = &error.is_certificate().unwrap().faults;
    assert_eq!(
        *faults,
        [
            CertificateFault::SelfSigned,
            CertificateFault::Expired { not_after: "2001-01-01T00:00:00Z".to_owned() },
            CertificateFault::NameMismatch {
                host: "localhost".to_owned(),
                names: vec!["example.org".to_owned()]
            },
        ]
    );
}

#[tokio::test]
async fn trusted_certificate_is_accepted_whatever_the_doubts() {
    let claims = Claims { name: "example.org", years: (2000, 2001), ..Claims::default() };
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
    })
    .claiming(&claims)
    .start();
    let mut client = server
        .open_with(|config| {
            config.tls.roots = no_roots();
            config.tls.trusted_certificate = Some(Fingerprint::of(&server.identity.certificate));
        })
        .await;
    upload(&mut client, "a", b"a").await.unwrap();
}

#[tokio::test]
async fn only_the_trusted_certificate_is_accepted() {
    // The roots vouch for the server, but another certificate was trusted.
    let server = Scenario::connection(async |peer| peer.fail_handshake().await).start();
    let trusted = Fingerprint::of(&Identity::default().certificate);
    let error = server.refused_with(|config| config.tls.trusted_certificate = Some(trusted)).await;
    assert_eq!(
        error.is_certificate().unwrap().faults,
        [CertificateFault::NotTheTrusted { trusted }]
    );
}

#[tokio::test]
async fn banner_of_proftpd_chooses_tls_12_before_tls_starts() {
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.tls_version(), Some(ProtocolVersion::TLSv1_2));
    })
    .greeting("220 ProFTPD Server (Debian)")
    .start();
    let connector = server.connector();
    connector.open().await.unwrap();
    server.log.must_have("The server is ProFTPD");
    assert_eq!(connector.profile().tls_max, Some(TlsVersion::Tls12));
}

#[tokio::test]
async fn banner_of_proftpd_behind_implicit_tls_13_connects_again_before_the_login() {
    let first = connection(async |peer| {
        peer.secure().await;
        assert_eq!(peer.tls_version(), Some(ProtocolVersion::TLSv1_3));
        peer.expect_end().await;
    });
    let second = session(async |peer| {
        assert_eq!(peer.tls_version(), Some(ProtocolVersion::TLSv1_2));
    });
    let server =
        Scenario::of([first, second]).implicit().greeting("220 ProFTPD Server (Debian)").start();
    let client = server.open().await;
    assert_eq!(client.facts().tls.version, TlsVersion::Tls12);
    server.log.must_have("Reconnecting before the login");
}

#[tokio::test]
async fn reply_421_while_idle_is_read() {
    let server = Scenario::session(async |peer| peer.say("421 Timeout.").await).start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    let error = client.idle().await;
    assert_eq!(error.reply().unwrap().to_string(), "421 Timeout.");
    assert_eq!(error.stage(), Stage::Idle);
    assert!(!client.is_usable());
    // No transfer had worked before: another connection may not help either.
    assert_eq!(connector.learn(&error), None);
}

#[tokio::test]
async fn session_that_worked_and_ended_may_be_opened_again() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        peer.disconnect();
    })
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    let error = client.size(&path("a")).await.unwrap_err();
    assert!(!client.is_usable());
    assert_eq!(connector.learn(&error), Some(Fallback::NewConnection));
}

#[tokio::test]
async fn password_never_in_transcript() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        peer.answer("DELE /home/a", "550 no").await;
        peer.expect_quit().await;
    })
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    let error = client.delete(&path("a")).await.unwrap_err();
    let shown = [
        format!("{connector:?}"),
        format!("{client:?}"),
        format!("{:?}", client.facts()),
        format!("{error} {error:?} {:?} {}", Diagnosis::of(&error), error.chain()),
        format!("{:?}", server.config()),
        server.log.text(),
    ];
    client.quit().await;
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
    server.log.must_have("Command: PASS ********");
}

#[tokio::test]
async fn invalid_host_name_is_refused_before_dialling() {
    let server = Server::at((Ipv4Addr::LOCALHOST, 9).into());
    let error = server.connector_by_name("not a host").open().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::InvalidHost);
    assert!(!server.log.has("Connecting to"));
}

#[tokio::test]
async fn announced_greeting_is_awaited_without_a_probe() {
    let server = Scenario::connection(async |peer| {
        peer.say("120 in a moment").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        peer.log_in().await;
    })
    .start();
    server.open_with(|config| config.timeouts.silence = Duration::from_millis(50)).await;
    assert!(!server.log.has("kind: Status(Probing"), "{}", server.log.text());
}

/// Some servers read on in the clear for a moment, and take the start of the handshake for a command.
#[tokio::test]
async fn server_that_is_not_ready_for_tls_after_auth_gets_a_pause() {
    let early = connection(async |peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go").await;
        peer.read_some_bytes().await;
        peer.say("500 what?").await;
    });
    let server = Scenario::of([early, session(async |_| ())]).start();
    let connector = server.connector_with(|config| {
        config.timeouts.tls_pause = Duration::from_millis(10);
    });
    connector.open().await.unwrap();
    assert_eq!(connector.profile().tls_start, ftps::profile::TlsStart::AfterPause);
    server.log.must_have("with a short pause before TLS");
}

/// Other servers read the password in another character set. It is not sent again: a second refusal may
/// lock the account.
#[tokio::test]
async fn refused_password_beyond_ascii_is_blamed_on_the_charset_too() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer("PASS grün", "530 Login incorrect.").await;
        peer.expect_end().await;
    })
    .start();
    let connector = server.connector_as(&credentials_of("ada", "grün"));
    let error = connector.open().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::CredentialsCharset);
}

#[tokio::test]
async fn login_to_a_directory_that_is_no_path_is_explained() {
    for directory in ["'DEVX.'", "SYS$SYSDEVICE:[ADA]"] {
        let server = Scenario::session(async |peer| peer.expect_end().await)
            .answering("PWD", &format!("257 \"{directory}\" is working directory"))
            .start();
        let error = server.refused().await;
        assert_eq!(Cause::of(&error), Cause::PathsNotSupported, "{directory}");
        assert!(error.to_string().contains(directory), "{error}");
    }
}

#[tokio::test]
async fn library_of_ibm_i_is_a_path_after_namefmt() {
    for words in ["is current library.", "ist die aktuelle Bibliothek."] {
        let server = Scenario::session(async |peer| {
            peer.answer("SITE NAMEFMT 1", "250 Now using naming format \"1\".").await;
            peer.answer("PWD", "257 \"/home/ADA\" is current directory.").await;
            peer.expect_quit().await;
        })
        .answering("PWD", &format!("257 \"QGPL\" {words}"))
        .start();
        let client = server.open().await;
        let directory = client.facts().initial_directory.clone();
        assert_eq!(directory, Some(path("/home/ADA")));
        client.quit().await;
    }
}

#[tokio::test]
async fn library_of_ibm_i_without_namefmt_is_explained() {
    let server = Scenario::session(async |peer| {
        peer.answer("SITE NAMEFMT 1", "501 not allowed").await;
        peer.answer("PWD", "257 \"QGPL\" is current library.").await;
        peer.expect_end().await;
    })
    .answering("PWD", "257 \"QGPL\" is current library.")
    .start();
    let error = server.refused().await;
    assert_eq!(Cause::of(&error), Cause::PathsNotSupported);
    assert!(error.to_string().contains("QGPL"), "{error}");
}

#[tokio::test]
async fn host_with_a_dot_at_its_end_is_named_without_it_in_tls() {
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.names_sent().0.as_deref(), Some("localhost"));
    })
    .start();
    server.connector_by_name("localhost.").open().await.unwrap();
}
