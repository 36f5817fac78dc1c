//! Data connections: where they go, what they must show, what is tried when they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::time::Duration;

use ftps::{Cause, Diagnosis, Fallback, Stage, TlsVersion, profile::PassiveMode};
use scripted::{Claims, DataPort, Identity, Log, ONLY_TLS12, Peer, Server, path, script, upload};

#[tokio::test]
async fn every_data_connection_resumes_the_session() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        for _ in 0..20 {
            assert_eq!(peer.store("a").await, b"content");
        }
    })
    .await;
    let log = Log::default();
    let mut client = server.open(&log).await;
    for _ in 0..20 {
        let stored = upload(&mut client, "a", b"content").await.unwrap();
        assert!(stored.tls.resumed);
        assert_eq!((stored.bytes, stored.tls.version), (7, TlsVersion::Tls13));
    }
    assert_eq!(log.count(", session resumed {"), 20);
    server.finished().await;
}

#[tokio::test]
async fn every_data_connection_resumes_the_session_of_tls_12_too() {
    let claims = Claims { versions: ONLY_TLS12, ..Claims::default() };
    let stores = script(async |mut peer: Peer| {
        peer.log_in().await;
        for _ in 0..20 {
            peer.store("a").await;
        }
    });
    let server = Server::start_with(Identity::new(&claims), vec![stores]).await;
    let mut client = server.open(&Log::default()).await;
    for _ in 0..20 {
        assert!(upload(&mut client, "a", b"content").await.unwrap().tls.resumed);
    }
    server.finished().await;
}

#[tokio::test]
async fn a_227_to_another_host_is_dialled_at_the_control_peer() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("EPSV", "502 unknown").await;
        let port = peer.passive([192, 168, 1, 7]).await;
        peer.answer("STOR /home/a", "150 go").await;
        let mut data = port.accept().await;
        scripted::read_to_end(&mut data).await;
        peer.say("226 done").await;
    })
    .await;
    let log = Log::default();
    let mut client = server.open(&log).await;
    upload(&mut client, "a", b"a").await.unwrap();
    assert!(log.has("The server named the address 192.168.1.7 for the data. It is ignored"));
    server.finished().await;
}

#[tokio::test]
async fn epsv_refused_falls_back_to_pasv_and_is_remembered() {
    let first = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.answer("EPSV", "500 unknown").await;
        peer.store_over_passive().await;
        peer.store_over_passive().await;
    });
    let second = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.store_over_passive().await;
        peer.store_over_passive().await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let connector = server.connector(server.config(), &log);
    for _ in 0..2 {
        let mut client = connector.open().await.unwrap();
        upload(&mut client, "a", b"a").await.unwrap();
        upload(&mut client, "a", b"a").await.unwrap();
    }
    assert_eq!(connector.profile().passive, PassiveMode::PassiveOnly);
    assert_eq!(log.count("Command: EPSV"), 1);
    server.finished().await;
}

#[tokio::test]
async fn epsv_port_that_nobody_answers_at_leads_to_pasv() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("EPSV", "229 Extended (|||1024|)").await;
        for _ in 0..2 {
            peer.store_over_passive().await;
        }
    })
    .await;
    let log = Log::default();
    let connector = server.connector(server.config(), &log);
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(connector.profile().passive, PassiveMode::ExtendedSuspect);
    assert!(log.has("Trying PASV once"));
    server.finished().await;
}

#[tokio::test]
async fn data_port_that_cannot_be_reached_is_said_with_its_number() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        // Nobody listens below.
        peer.answer("EPSV", "229 Extended (|||1024|)").await;
        peer.answer("PASV", "227 Passive (127,0,0,1,4,0)").await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataConnection);
    let diagnosis = Diagnosis::of(&error);
    assert_eq!(diagnosis.cause, Cause::DataConnectionRefused);
    assert!(diagnosis.explanation.contains("port 1024"));
    // No command was left half done.
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn well_known_port_is_not_dialled() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("EPSV", "229 Extended (|||22|)").await;
    })
    .await;
    let log = Log::default();
    let mut client = server.open(&log).await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataConnection);
    assert_eq!(Cause::of(&error), Cause::PassiveUnusable);
    assert!(!log.has("for the data"));
    server.finished().await;
}

#[tokio::test]
async fn data_certificate_must_equal_the_control_certificate() {
    // The other certificate is vouched for as well: it is refused all the same.
    let other = Identity::default();
    let shown = other.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        assert!(port.try_accept_as(&shown).await.is_err(), "nothing is sent over it");
        peer.expect_end().await;
    })
    .await;
    let mut config = server.config();
    let mut roots = server.roots();
    roots.add(other.certificate.clone()).unwrap();
    config.tls.roots = std::sync::Arc::new(roots);
    config.timeouts.verdict = Duration::from_millis(50);
    let mut client = server.connector(config, &Log::default()).open().await.unwrap();
    let error = upload(&mut client, "a", b"secret content").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataTls);
    assert_eq!(Cause::of(&error), Cause::DataCertificateDiffers);
    assert!(!client.is_usable());
    drop(client);
    server.finished().await;
}

/// What a session that ends so is an error of, and what is learned from it.
async fn learned_from<F, R>(identity: Identity, after_stor: F) -> (ftps::Error, Option<Fallback>)
where
    F: FnOnce(Peer, DataPort) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let failing = script(async move |mut peer: Peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        after_stor(peer, port).await;
    });
    let server = Server::start_with(identity, vec![failing]).await;
    let connector = server.connector(server.config(), &Log::default());
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert!(!client.is_usable(), "a failed data TLS leaves nothing to rely on");
    let fallback = connector.learn(&error);
    server.finished().await;
    (error, fallback)
}

#[tokio::test]
async fn data_tls_refused_with_425_leads_to_tls_12() {
    // The handshake succeeds; the server looks at the session afterwards, and says no twice.
    let (error, fallback) = learned_from(Identity::default(), async |mut peer, port| {
        let data = port.accept().await;
        peer.say("425 Unable to build data connection: Operation not permitted").await;
        peer.say("550 STOR: Operation not permitted").await;
        drop(data);
    })
    .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, Some(Fallback::Tls12)));
    assert_eq!(error.reply().unwrap().code().value(), 425);
    assert_eq!(Cause::of(&error), Cause::SessionReuseRefused);
}

#[tokio::test]
async fn data_tls_refused_with_425_after_the_last_byte_leads_to_tls_12() {
    let (error, fallback) = learned_from(Identity::default(), async |mut peer, port| {
        peer.say("150 go").await;
        let mut data = port.accept().await;
        scripted::read_to_end(&mut data).await;
        peer.say("425 Unable to build data connection: Operation not permitted").await;
        peer.say("550 STOR: Operation not permitted").await;
    })
    .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, Some(Fallback::Tls12)));
}

#[tokio::test]
async fn data_tls_refused_with_522_after_150_leads_to_tls_12() {
    let (error, fallback) = learned_from(Identity::default(), async |mut peer, port| {
        peer.say("150 go").await;
        let data = port.accept().await;
        peer.say("522 SSL connection failed: session reuse required").await;
        drop(data);
    })
    .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, Some(Fallback::Tls12)));
    assert_eq!(error.reply().unwrap().code().value(), 522);
}

/// Once may be the network.
#[tokio::test]
async fn server_that_vanishes_over_its_data_tls_twice_leads_to_tls_12() {
    let vanishes = || {
        script(async |mut peer: Peer| {
            peer.log_in().await;
            let port = peer.extended_passive().await;
            peer.answer("STOR /home/a", "150 go").await;
            drop((port.accept_tcp().await, peer));
        })
    };
    let server = Server::start_with(Identity::default(), vec![vanishes(), vanishes()]).await;
    let connector = server.connector(server.config(), &Log::default());
    for expected in [Fallback::NewConnection, Fallback::Tls12] {
        let mut client = connector.open().await.unwrap();
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::DataTls);
        assert_eq!(connector.learn(&error), Some(expected));
    }
    server.finished().await;
}

#[tokio::test]
async fn data_tls_refused_under_tls_12_is_explained() {
    let identity = Identity::new(&Claims { versions: ONLY_TLS12, ..Claims::default() });
    let (error, fallback) = learned_from(identity, async |mut peer, port| {
        let data = port.accept().await;
        peer.say("425 TLS session of data connection not resumed.").await;
        drop(data);
    })
    .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, None));
    assert_eq!(Cause::of(&error), Cause::SessionReuseRefused);
}

#[tokio::test]
async fn data_connection_from_a_foreign_address_is_told_from_refused_tls() {
    let (error, _) = learned_from(Identity::default(), async |mut peer, port| {
        peer.say("425 Security: Bad IP connecting.").await;
        drop(port.accept_tcp().await);
    })
    .await;
    assert_eq!(Cause::of(&error), Cause::DataAddressRefused);
}

#[tokio::test]
async fn next_session_after_the_ladder_uses_tls_12_and_works() {
    let refusing = script(async |mut peer: Peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        let data = port.accept().await;
        peer.say("522 SSL connection failed: session reuse required").await;
        drop((data, peer));
    });
    let working = script(async |mut peer: Peer| {
        peer.log_in().await;
        assert_eq!(peer.tls_version(), Some(rustls::ProtocolVersion::TLSv1_2));
        assert_eq!(peer.store("a").await, b"content");
    });
    let server = Server::start_with(Identity::default(), vec![refusing, working]).await;
    let log = Log::default();
    let connector = server.connector(server.config(), &log);
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"content").await.unwrap_err();
    assert_eq!(connector.learn(&error), Some(Fallback::Tls12));
    assert!(log.has("The next connection uses TLS 1.2"));
    let mut client = connector.open().await.unwrap();
    assert!(upload(&mut client, "a", b"content").await.unwrap().tls.resumed);
    server.finished().await;
}

#[tokio::test]
async fn refusal_that_comes_with_a_closed_data_connection_is_the_refusal() {
    // Whichever of the two is seen first, the server's words are what counts, and the session
    // goes on.
    for _ in 0..20 {
        let server = Server::start(async |mut peer| {
            peer.log_in().await;
            let port = peer.extended_passive().await;
            peer.expect("STOR /home/a").await;
            drop(port.accept_tcp().await);
            peer.say("550 /home/a: Permission denied").await;
            peer.answer_noop().await;
            peer.answer("SIZE /home/a", "213 4").await;
        })
        .await;
        let mut client = server.open(&Log::default()).await;
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::Transfer);
        assert_eq!(Cause::of(&error), Cause::NotPermitted);
        assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
        server.finished().await;
    }
}
