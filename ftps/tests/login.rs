//! From the address to the session: what is refused, what is said, what is never sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::{net::Ipv4Addr, time::Duration};

use ftps::{
    Cause, Connector, Credentials, Diagnosis, Doubt, Encryption, Fallback, Fingerprint, Password,
    Stage, Target, TlsVersion, TlsVersions, Username, Who,
};
use rustls::ProtocolVersion;
use scripted::{Claims, Identity, Log, ONLY_TLS12, SECRET, Server, path, script, upload};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// The error of a session that does not open.
async fn refused(server: &Server, log: &Log) -> ftps::Error {
    server.connector(server.config(), log).open().await.expect_err("the session must not open")
}

#[tokio::test]
async fn session_opens_with_its_facts() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.let_go().await;
    })
    .await;
    let log = Log::default();
    let client = server.open(&log).await;
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
    server.finished().await;
    for stage in ["Connect", "Greeting", "Auth", "Tls", "Login", "Protect", "Setup"] {
        assert!(log.has(&format!("kind: Stage({stage})")), "{stage}");
    }
    assert!(log.has("Response: 220 ready"));
    assert!(log.has("Command: AUTH TLS"));
}

#[tokio::test]
async fn bytes_after_the_auth_reply_end_the_session() {
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.expect("AUTH TLS").await;
        peer.send(b"234 go\r\n230 you are in\r\n").await;
        peer.expect_end().await;
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.stage(), Stage::Auth);
    assert_eq!(Cause::of(&error), Cause::InjectedBytes);
    server.finished().await;
}

#[tokio::test]
async fn auth_ssl_is_tried_where_auth_tls_is_refused() {
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "504 no such mechanism").await;
        peer.answer("AUTH SSL", "234 go").await;
        peer.start_tls().await;
        peer.let_in().await;
    })
    .await;
    let log = Log::default();
    let connector = server.connector(server.config(), &log);
    connector.open().await.unwrap();
    assert!(log.has("Trying AUTH SSL"));
    assert_eq!(connector.profile().auth, ftps::profile::AuthName::Ssl);
    server.finished().await;
}

#[tokio::test]
async fn server_without_tls_never_hears_a_user_name() {
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "502 unknown").await;
        peer.answer("AUTH SSL", "502 still unknown").await;
        peer.expect_end().await;
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.reply().unwrap().to_string(), "502 unknown");
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::NoTls, Who::Host));
    server.finished().await;
}

#[tokio::test]
async fn no_user_before_tls() {
    // 230 in answer to AUTH is a login that nobody asked for, and no start of TLS.
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "230 you are in, no TLS needed").await;
        peer.expect_end().await;
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.stage(), Stage::Auth);
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
    server.finished().await;
}

#[tokio::test]
async fn prot_refused_ends_before_any_data_connection() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230 in").await;
        peer.answer("PBSZ 0", "200 ok").await;
        peer.answer("PROT P", "536 not supported").await;
        for sent_with_it in ["FEAT", "OPTS UTF8 ON", "TYPE I", "PWD"] {
            peer.answer(sent_with_it, "500 what?").await;
        }
        peer.expect_end().await;
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.stage(), Stage::Protect);
    assert_eq!(Cause::of(&error), Cause::ProtectionRefused);
    server.finished().await;
}

/// One round trip for all that follows the login: the server sees it at once.
#[tokio::test]
async fn what_follows_the_login_is_one_flight() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230 in").await;
        for command in ["PBSZ 0", "PROT P", "FEAT", "OPTS UTF8 ON", "TYPE I", "PWD"] {
            peer.expect(command).await;
        }
        peer.say("200 ok\r\n200 ok\r\n211 none\r\n200 ok\r\n200 ok\r\n257 \"/\"").await;
    })
    .await;
    let client = server.open(&Log::default()).await;
    assert_eq!(client.facts().initial_directory, Some(path("/")));
    server.finished().await;
}

/// The server reads one command at a time and throws away what came with it.
#[tokio::test]
async fn server_that_drops_commands_gets_them_one_by_one() {
    let drops = script(async |mut peer: scripted::Peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230 in").await;
        peer.answer("PBSZ 0", "200 ok").await;
        while peer.command().await.is_some() {}
    });
    let careful = script(async |mut peer: scripted::Peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230 in").await;
        for command in ["PBSZ 0", "PROT P", "FEAT", "OPTS UTF8 ON", "TYPE I", "PWD"] {
            peer.expect(command).await;
            // Nothing may follow before the answer.
            peer.expect_silence(Duration::from_millis(20)).await;
            peer.say("200 ok").await;
        }
    });
    let server = Server::start_with(Identity::default(), vec![drops, careful]).await;
    let mut config = server.config();
    config.timeouts.flight = Duration::from_millis(100);
    let log = Log::default();
    let connector = server.connector(config, &log);
    let error = connector.open().await.unwrap_err();
    assert_eq!(error.evidence().flight.map(|flight| flight.answered), Some(1));
    assert_eq!(connector.learn(&error), Some(Fallback::WithoutPipelining));
    connector.open().await.unwrap();
    assert!(log.has("one by one"));
    server.finished().await;
}

#[tokio::test]
async fn user_that_needs_no_password_sends_none() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.answer("USER ada", "232 in by certificate").await;
        peer.answer("PBSZ 0", "200 ok").await;
        peer.answer("PROT P", "200 ok").await;
        peer.answer("FEAT", "502 what?").await;
        peer.answer("OPTS UTF8 ON", "501 what?").await;
        peer.answer("TYPE I", "200 ok").await;
        peer.answer("PWD", "502 what?").await;
    })
    .await;
    let log = Log::default();
    let client = server.open(&log).await;
    assert_eq!(client.facts().initial_directory, None);
    assert_eq!(client.facts().features.lines().len(), 0);
    server.finished().await;
}

#[tokio::test]
async fn wrong_password_is_said_in_the_servers_words() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "530-No.\r\n530 Login incorrect.").await;
        peer.expect_end().await;
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.stage(), Stage::Login);
    assert_eq!(error.reply().unwrap().to_string(), "530-No.\n530 Login incorrect.");
    assert_eq!(Cause::of(&error), Cause::WrongCredentials);
    assert!(error.is_permanent());
    server.finished().await;
}

#[tokio::test]
async fn too_many_connections_are_told_from_a_wrong_password() {
    let server = Server::start(async |mut peer| {
        peer.say("421 Too many connections (8) from this IP").await;
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.stage(), Stage::Greeting);
    assert_eq!(Cause::of(&error), Cause::TooManyConnections);
    assert!(error.is_transient());
    server.finished().await;
}

#[tokio::test]
async fn greeting_may_be_announced_first() {
    let server = Server::start(async |mut peer| {
        peer.say("120 in a minute").await;
        peer.log_in().await;
    })
    .await;
    server.open(&Log::default()).await;
    server.finished().await;
}

#[tokio::test]
async fn silent_server_ends_within_the_deadline() {
    let server = Server::start(async |mut peer| peer.expect_end().await).await;
    let mut config = server.config();
    config.timeouts.silence = Duration::from_millis(100);
    config.timeouts.greeting = Duration::from_millis(300);
    config.timeouts.tls_handshake = Duration::from_millis(100);
    let log = Log::default();
    let error = server.connector(config, &log).open().await.unwrap_err();
    assert_eq!(error.stage(), Stage::Greeting);
    assert!(error.is_timeout());
    assert_eq!(Cause::of(&error), Cause::SilentServer);
    assert!(error.to_string().contains("within 0.3 s"), "the whole limit is named: {error}");
    assert!(log.has("tries whether the port expects TLS at once"));
    server.finished().await;
}

#[tokio::test]
async fn server_that_stops_answering_ends_within_the_deadline() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.expect("USER ada").await;
        peer.expect_end().await;
    })
    .await;
    let mut config = server.config();
    config.timeouts.reply = Duration::from_millis(100);
    let error = server.connector(config, &Log::default()).open().await.unwrap_err();
    assert_eq!(error.stage(), Stage::Login);
    assert!(error.is_timeout());
    server.finished().await;
}

#[tokio::test]
async fn silent_port_that_answers_tls_is_called_implicit() {
    let server = ImplicitServer::start(Identity::default()).await;
    let log = Log::default();
    let error = server.explicit(&log, Duration::from_millis(100)).open().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::ImplicitTlsExpected);
    assert_eq!(Diagnosis::of(&error).remedy, "Choose Implicit TLS.");
}

#[tokio::test]
async fn probe_has_its_time_where_the_greeting_has_less_than_the_silence() {
    let server = ImplicitServer::start(Identity::default()).await;
    let error = server.explicit(&Log::default(), Duration::from_secs(60)).open().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::ImplicitTlsExpected);
}

/// A port that takes any number of connections and waits for TLS on each.
struct ImplicitServer {
    address: std::net::SocketAddr,
    identity: Identity,
}

impl ImplicitServer {
    async fn start(identity: Identity) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = identity.acceptor();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(acceptor.accept(tcp));
            }
        });
        Self { address, identity }
    }

    fn explicit(&self, log: &Log, silence: Duration) -> Connector {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.identity.certificate.clone()).unwrap();
        let mut config = ftps::Config::new(std::sync::Arc::new(roots));
        config.timeouts.silence = silence;
        config.timeouts.greeting = Duration::from_secs(4);
        connector_to(self.address, Encryption::Explicit, config, log)
    }
}

fn connector_to(
    address: std::net::SocketAddr,
    encryption: Encryption,
    config: ftps::Config,
    log: &Log,
) -> Connector {
    let target = Target { address, host: "localhost".to_owned(), encryption };
    let credentials = Credentials {
        username: Username::new("ada").unwrap(),
        password: Password::new(SECRET).unwrap(),
    };
    Connector::new(target, config, credentials, log.transcript())
}

/// The cause that is found where a port answers anything with `bytes`.
async fn cause_of(encryption: Encryption, bytes: &'static [u8]) -> Cause {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tcp.write_all(bytes).await.unwrap();
            let mut rest = Vec::new();
            let _ = tcp.read_to_end(&mut rest).await;
        }
    });
    let config = ftps::Config::new(std::sync::Arc::new(rustls::RootCertStore::empty()));
    let connector = connector_to(address, encryption, config, &Log::default());
    Cause::of(&connector.open().await.unwrap_err())
}

#[tokio::test]
async fn other_protocols_are_called_by_their_names() {
    let ssh = b"SSH-2.0-OpenSSH_9.2p1\r\n";
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let ftp = b"220 (vsFTPd 3.0.3)\r\n";
    let smtp = b"+OK POP3 ready\r\n";
    assert_eq!(cause_of(Encryption::Explicit, ssh).await, Cause::SshServer);
    assert_eq!(cause_of(Encryption::Implicit, ssh).await, Cause::SshServer);
    assert_eq!(cause_of(Encryption::Explicit, http).await, Cause::HttpServer);
    assert_eq!(cause_of(Encryption::Implicit, http).await, Cause::HttpServer);
    assert_eq!(cause_of(Encryption::Implicit, ftp).await, Cause::ExplicitTlsExpected);
    assert_eq!(cause_of(Encryption::Explicit, smtp).await, Cause::NotFtp);
}

#[tokio::test]
async fn web_server_that_waits_for_a_request_is_found_by_the_probe() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                if tcp.read_u8().await.is_ok() {
                    tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
                    let mut rest = Vec::new();
                    let _ = tcp.read_to_end(&mut rest).await;
                }
            });
        }
    });
    let mut config = ftps::Config::new(std::sync::Arc::new(rustls::RootCertStore::empty()));
    config.timeouts.silence = Duration::from_millis(100);
    let connector = connector_to(address, Encryption::Explicit, config, &Log::default());
    assert_eq!(Cause::of(&connector.open().await.unwrap_err()), Cause::HttpServer);
}

#[tokio::test]
async fn port_where_nothing_listens_is_said() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = ftps::Config::new(std::sync::Arc::new(rustls::RootCertStore::empty()));
    let connector = connector_to(address, Encryption::Explicit, config, &Log::default());
    let error = connector.open().await.unwrap_err();
    assert_eq!(error.stage(), Stage::Connect);
    assert_eq!(Cause::of(&error), Cause::ConnectionRefused);
    let port = format!("port {}", address.port());
    assert!(Diagnosis::of(&error).explanation.contains(&port));
}

#[tokio::test]
async fn endless_reply_line_is_cut_off() {
    let server = Server::start(async |mut peer| {
        let _ = peer.try_send(b"220 ").await;
        while peer.try_send(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(error.stage(), Stage::Greeting);
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
    server.finished().await;
}

#[tokio::test]
async fn endless_reply_is_cut_off() {
    let server = Server::start(
        async |mut peer| {
            while peer.try_send(b"220-and another line\r\n").await.is_ok() {}
        },
    )
    .await;
    let error = refused(&server, &Log::default()).await;
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
    server.finished().await;
}

#[tokio::test]
async fn multi_line_reply_that_ends_with_another_code_is_taken() {
    let server = Server::start(async |mut peer| {
        peer.say("220-welcome\r\n230 and so on").await;
        peer.answer("AUTH TLS", "234 go").await;
        peer.start_tls().await;
        peer.let_in().await;
    })
    .await;
    let log = Log::default();
    let client = server.open(&log).await;
    assert_eq!(client.facts().banner.code().value(), 220);
    assert!(log.has("ended with another code"));
    server.finished().await;
}

#[tokio::test]
async fn untrusted_certificate_sends_nothing_secret() {
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go").await;
        assert!(peer.try_start_tls().await.is_err(), "the client breaks the handshake off");
    })
    .await;
    let mut config = server.config();
    config.tls.roots = std::sync::Arc::new(rustls::RootCertStore::empty());
    let log = Log::default();
    let error = server.connector(config, &log).open().await.unwrap_err();
    assert_eq!(error.stage(), Stage::Certificate);
    let untrusted = error.is_certificate().unwrap();
    assert_eq!(untrusted.facts.sha256, Fingerprint::of(&server.identity.certificate));
    assert_eq!(untrusted.doubts, [Doubt::SelfSigned]);
    assert_eq!(Cause::of(&error), Cause::CertificateSelfSigned);
    assert!(!log.has("USER") && !log.has("PASS"));
    server.finished().await;
}

#[tokio::test]
async fn every_doubt_is_named() {
    let claims = Claims { name: "example.org", years: (2000, 2001), ..Claims::default() };
    let refuse = script(async |mut peer: scripted::Peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go").await;
        assert!(peer.try_start_tls().await.is_err());
    });
    let server = Server::start_with(Identity::new(&claims), vec![refuse]).await;
    let mut config = server.config();
    config.tls.roots = std::sync::Arc::new(rustls::RootCertStore::empty());
    let error = server.connector(config, &Log::default()).open().await.unwrap_err();
    let doubts = &error.is_certificate().unwrap().doubts;
    assert_eq!(
        *doubts,
        [
            Doubt::SelfSigned,
            Doubt::Expired { not_after: "2001-01-01T00:00:00Z".to_owned() },
            Doubt::NameMismatch {
                host: "localhost".to_owned(),
                names: vec!["example.org".to_owned()]
            },
        ]
    );
    server.finished().await;
}

#[tokio::test]
async fn trusted_certificate_is_accepted_whatever_the_doubts() {
    let claims = Claims { name: "example.org", years: (2000, 2001), ..Claims::default() };
    let welcome = script(async |mut peer: scripted::Peer| {
        peer.log_in().await;
        peer.store("a").await;
    });
    let server = Server::start_with(Identity::new(&claims), vec![welcome]).await;
    let mut config = server.config();
    config.tls.roots = std::sync::Arc::new(rustls::RootCertStore::empty());
    config.tls.trusted_certificate = Some(Fingerprint::of(&server.identity.certificate));
    let mut client = server.connector(config, &Log::default()).open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn only_the_trusted_certificate_is_accepted() {
    // The roots vouch for the server, but another certificate was trusted.
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go").await;
        assert!(peer.try_start_tls().await.is_err());
    })
    .await;
    let trusted = Fingerprint::of(&Identity::default().certificate);
    let mut config = server.config();
    config.tls.trusted_certificate = Some(trusted);
    let error = server.connector(config, &Log::default()).open().await.unwrap_err();
    assert_eq!(error.is_certificate().unwrap().doubts, [Doubt::NotTheTrusted { trusted }]);
    server.finished().await;
}

#[tokio::test]
async fn server_with_no_tls_version_in_common_is_called_too_old() {
    let claims = Claims { versions: ONLY_TLS12, ..Claims::default() };
    let refuse = script(async |mut peer: scripted::Peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go").await;
        assert!(peer.try_start_tls().await.is_err());
    });
    let server = Server::start_with(Identity::new(&claims), vec![refuse]).await;
    let mut config = server.config();
    config.tls.versions = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 };
    let error = server.connector(config, &Log::default()).open().await.unwrap_err();
    assert_eq!(error.stage(), Stage::Tls);
    assert_eq!(Cause::of(&error), Cause::TlsTooOld);
    server.finished().await;
}

#[tokio::test]
async fn banner_of_proftpd_chooses_tls_12_before_tls_starts() {
    let server = Server::start(async |mut peer| {
        peer.say("220 ProFTPD Server (Debian)").await;
        peer.answer("AUTH TLS", "234 go").await;
        peer.start_tls().await;
        assert_eq!(peer.tls_version(), Some(ProtocolVersion::TLSv1_2));
        peer.let_in().await;
    })
    .await;
    let log = Log::default();
    let connector = server.connector(server.config(), &log);
    connector.open().await.unwrap();
    assert!(log.has("The greeting says ProFTPD"));
    assert_eq!(connector.profile().tls_max, Some(TlsVersion::Tls12));
    server.finished().await;
}

#[tokio::test]
async fn banner_of_proftpd_behind_implicit_tls_13_connects_again_before_the_login() {
    let first = script(async |mut peer: scripted::Peer| {
        peer.start_tls().await;
        assert_eq!(peer.tls_version(), Some(ProtocolVersion::TLSv1_3));
        peer.say("220 ProFTPD Server (Debian)").await;
        peer.expect_end().await;
    });
    let second = script(async |mut peer: scripted::Peer| {
        peer.start_tls().await;
        assert_eq!(peer.tls_version(), Some(ProtocolVersion::TLSv1_2));
        peer.say("220 ProFTPD Server (Debian)").await;
        peer.let_in().await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let connector = server.connector_over(Encryption::Implicit, server.config(), &log);
    let client = connector.open().await.unwrap();
    assert_eq!(client.facts().tls.version, TlsVersion::Tls12);
    assert!(log.has("Connecting again before logging in"));
    server.finished().await;
}

#[tokio::test]
async fn reply_421_while_idle_is_heard() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.say("421 Timeout.").await;
    })
    .await;
    let connector = server.connector(server.config(), &Log::default());
    let mut client = connector.open().await.unwrap();
    let error = client.idle().await;
    assert_eq!(error.reply().unwrap().to_string(), "421 Timeout.");
    assert_eq!(error.stage(), Stage::Idle);
    assert!(!client.is_usable());
    // Nothing had worked before: whether another connection does better is not known.
    assert_eq!(connector.learn(&error), None);
    server.finished().await;
}

#[tokio::test]
async fn session_that_worked_and_ended_may_be_opened_again() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.store("a").await;
    })
    .await;
    let connector = server.connector(server.config(), &Log::default());
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    let error = client.size(&path("a")).await.unwrap_err();
    assert!(!client.is_usable());
    assert_eq!(connector.learn(&error), Some(Fallback::NewConnection));
    server.finished().await;
}

#[tokio::test]
async fn password_never_in_transcript() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.store("a").await;
        peer.answer("DELE /home/a", "550 no").await;
        peer.let_go().await;
    })
    .await;
    let log = Log::default();
    let connector = server.connector(server.config(), &log);
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    let error = client.delete(&path("a")).await.unwrap_err();
    let shown = [
        format!("{connector:?}"),
        format!("{client:?}"),
        format!("{:?}", client.facts()),
        format!("{error} {error:?} {:?} {}", Diagnosis::of(&error), error.chain()),
        format!("{:?}", server.config()),
        log.text(),
    ];
    client.quit().await;
    server.finished().await;
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(log.has("Command: PASS ********"));
}

#[tokio::test]
async fn host_that_is_no_name_is_refused_before_anything_is_dialled() {
    let config = ftps::Config::new(std::sync::Arc::new(rustls::RootCertStore::empty()));
    let target = Target {
        address: (Ipv4Addr::LOCALHOST, 9).into(),
        host: "not a host".to_owned(),
        encryption: Encryption::Explicit,
    };
    let credentials = Credentials {
        username: Username::new("ada").unwrap(),
        password: Password::new("x").unwrap(),
    };
    let log = Log::default();
    let connector = Connector::new(target, config, credentials, log.transcript());
    let error = connector.open().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::InvalidHost);
    assert!(!log.has("Connecting to"));
}
