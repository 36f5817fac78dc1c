//! Data connections: their address, their certificate, and the fallbacks when they fail.

use std::{sync::Arc, time::Duration};

use ftps::{Cause, Fallback, Stage, TlsVersion, profile::PassiveMode};

use crate::scripted::{
    Claims, DataPort, Identity, ONLY_TLS12, Peer, Scenario, read_to_end, session, upload,
    uploads::assert_in_step,
};

const LOCALHOST: [u8; 4] = [127, 0, 0, 1];

#[tokio::test]
async fn every_data_connection_resumes_the_session() {
    let server = Scenario::session(async |peer| {
        for _ in 0..20 {
            assert_eq!(peer.store("a").await, b"content");
        }
    })
    .start();
    let mut client = server.open().await;
    for _ in 0..20 {
        let stored = upload(&mut client, "a", b"content").await.unwrap();
        assert!(stored.tls.resumed);
        assert_eq!((stored.bytes, stored.tls.version), (7, TlsVersion::Tls13));
    }
    assert_eq!(server.log.count(", session resumed {"), 20);
}

#[tokio::test]
async fn every_data_connection_resumes_the_session_of_tls_12_too() {
    let claims = Claims { versions: ONLY_TLS12, ..Claims::default() };
    let server = Scenario::session(async |peer| {
        for _ in 0..20 {
            peer.store("a").await;
        }
    })
    .claiming(&claims)
    .start();
    let mut client = server.open().await;
    for _ in 0..20 {
        assert!(upload(&mut client, "a", b"content").await.unwrap().tls.resumed);
    }
}

#[tokio::test]
async fn a_227_to_another_host_is_dialled_at_the_control_peer() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "502 unknown").await;
        peer.store_over_passive([192, 168, 1, 7]).await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    server.log.must_have("The server named the address 192.168.1.7 for the data connection");
}

#[tokio::test]
async fn epsv_refused_falls_back_to_pasv_and_is_remembered() {
    let first = session(async |peer| {
        peer.answer("EPSV", "500 unknown").await;
        peer.store_over_passive(LOCALHOST).await;
        peer.store_over_passive(LOCALHOST).await;
    });
    let second = session(async |peer| {
        peer.store_over_passive(LOCALHOST).await;
        peer.store_over_passive(LOCALHOST).await;
    });
    let server = Scenario::of([first, second]).start();
    let connector = server.connector();
    for _ in 0..2 {
        let mut client = connector.open().await.unwrap();
        upload(&mut client, "a", b"a").await.unwrap();
        upload(&mut client, "a", b"a").await.unwrap();
    }
    assert_eq!(connector.profile().passive, PassiveMode::PasvOnly);
    assert_eq!(server.log.count("Command: EPSV"), 1);
}

#[tokio::test]
async fn unreachable_epsv_port_leads_to_pasv() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "229 Extended (|||1024|)").await;
        for _ in 0..2 {
            peer.store_over_passive(LOCALHOST).await;
        }
    })
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(connector.profile().passive, PassiveMode::PasvAfterUnreachableEpsv);
    server.log.must_have("Trying PASV once");
}

#[tokio::test]
async fn error_names_the_data_port_that_cannot_be_reached() {
    let server = Scenario::session(async |peer| {
        // Nothing listens at port 1024.
        peer.answer("EPSV", "229 Extended (|||1024|)").await;
        peer.answer("PASV", "227 Passive (127,0,0,1,4,0)").await;
        peer.expect_in_step().await;
    })
    .start();
    let (mut client, error) = server.failed_upload().await;
    assert_eq!(error.stage(), Stage::DataConnection);
    assert_eq!(Cause::of(&error), Cause::DataConnectionRefused);
    assert_eq!(error.evidence().data_port, Some(1024));
    assert_in_step(&mut client).await;
}

#[tokio::test]
async fn well_known_port_is_not_dialled() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "229 Extended (|||22|)").await;
    })
    .start();
    let (_client, error) = server.failed_upload().await;
    assert_eq!(error.stage(), Stage::DataConnection);
    assert_eq!(Cause::of(&error), Cause::PassiveUnusable);
    assert!(!server.log.has("Opening the data connection to"));
}

#[tokio::test]
async fn data_certificate_must_equal_the_control_certificate() {
    // A root vouches for the other certificate too, and it is refused all the same.
    let other = Identity::default();
    let shown = other.clone();
    let server = Scenario::session(async move |peer| {
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        assert!(port.try_accept_as(&shown).await.is_err(), "nothing is sent over it");
        peer.expect_end().await;
    })
    .start();
    let mut roots = server.roots();
    roots.add(other.certificate.clone()).unwrap();
    let mut client = server
        .open_with(|config| {
            config.tls.roots = Arc::new(roots);
            config.timeouts.verdict = Duration::from_millis(50);
        })
        .await;
    let error = upload(&mut client, "a", b"secret content").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataTls);
    assert_eq!(Cause::of(&error), Cause::DataCertificateDiffers);
    assert!(!client.is_usable());
}

/// Returns the error of an upload that the server ends after `STOR`, and what is learned from it.
async fn learned_from(
    identity: Identity,
    after_stor: impl AsyncFnOnce(&mut Peer, DataPort) + Send + 'static,
) -> (ftps::Error, Option<Fallback>) {
    let server = Scenario::session(async move |peer| {
        let port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        after_stor(peer, port).await;
    })
    .identified_by(identity)
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert!(!client.is_usable(), "a failed data TLS leaves nothing to rely on");
    let fallback = connector.learn(&error);
    (error, fallback)
}

#[tokio::test]
async fn data_tls_refused_with_425_leads_to_tls_12() {
    // The handshake succeeds; the server checks the TLS session afterwards, and refuses twice.
    let (error, fallback) =
        learned_from(Identity::default(), async |peer: &mut Peer, port: DataPort| {
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
    let (error, fallback) =
        learned_from(Identity::default(), async |peer: &mut Peer, port: DataPort| {
            peer.say("150 go").await;
            read_to_end(&mut port.accept().await).await;
            peer.say("425 Unable to build data connection: Operation not permitted").await;
            peer.say("550 STOR: Operation not permitted").await;
        })
        .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, Some(Fallback::Tls12)));
}

#[tokio::test]
async fn data_tls_refused_with_522_after_150_leads_to_tls_12() {
    let (error, fallback) =
        learned_from(Identity::default(), async |peer: &mut Peer, port: DataPort| {
            peer.say("150 go").await;
            let data = port.accept().await;
            peer.say("522 SSL connection failed: session reuse required").await;
            drop(data);
        })
        .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, Some(Fallback::Tls12)));
    assert_eq!(error.reply().unwrap().code().value(), 522);
}

/// The first time may be a fault of the network.
#[tokio::test]
async fn server_that_vanishes_over_its_data_tls_twice_leads_to_tls_12() {
    let vanishes = || {
        session(async |peer| {
            let port = peer.extended_passive().await;
            peer.answer("STOR /home/a", "150 go").await;
            drop(port.accept_tcp().await);
            peer.disconnect();
        })
    };
    let server = Scenario::of([vanishes(), vanishes()]).start();
    let connector = server.connector();
    for expected in [Fallback::NewConnection, Fallback::Tls12] {
        let mut client = connector.open().await.unwrap();
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::DataTls);
        assert_eq!(connector.learn(&error), Some(expected));
    }
}

#[tokio::test]
async fn data_tls_refused_under_tls_12_is_explained() {
    let identity = Identity::new(&Claims { versions: ONLY_TLS12, ..Claims::default() });
    let (error, fallback) = learned_from(identity, async |peer: &mut Peer, port: DataPort| {
        let data = port.accept().await;
        peer.say("425 TLS session of data connection not resumed.").await;
        drop(data);
    })
    .await;
    assert_eq!((error.stage(), fallback), (Stage::DataTls, None));
    assert_eq!(Cause::of(&error), Cause::SessionReuseRefused);
}

#[tokio::test]
async fn refused_client_address_is_told_from_refused_tls() {
    let (error, _) = learned_from(Identity::default(), async |peer: &mut Peer, port: DataPort| {
        peer.say("425 Security: Bad IP connecting.").await;
        drop(port.accept_tcp().await);
    })
    .await;
    assert_eq!(Cause::of(&error), Cause::DataAddressRefused);
}

#[tokio::test]
async fn next_session_after_the_fallback_uses_tls_12_and_works() {
    let refusing = session(async |peer| {
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        let data = port.accept().await;
        peer.say("522 SSL connection failed: session reuse required").await;
        drop(data);
        peer.disconnect();
    });
    let working = session(async |peer| {
        assert_eq!(peer.tls_version(), Some(rustls::ProtocolVersion::TLSv1_2));
        assert_eq!(peer.store("a").await, b"content");
    });
    let server = Scenario::of([refusing, working]).start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"content").await.unwrap_err();
    assert_eq!(connector.learn(&error), Some(Fallback::Tls12));
    server.log.must_have("Reconnecting with TLS 1.2");
    let mut client = connector.open().await.unwrap();
    assert!(upload(&mut client, "a", b"content").await.unwrap().tls.resumed);
}

#[tokio::test]
async fn refusal_outweighs_a_closed_data_connection() {
    // The client may see either of the two first: the reply decides, and the session continues.
    for _ in 0..20 {
        let server = Scenario::session(async |peer| {
            let port = peer.extended_passive().await;
            peer.expect("STOR /home/a").await;
            drop(port.accept_tcp().await);
            peer.say("550 /home/a: Permission denied").await;
            peer.answer_noop().await;
            peer.expect_in_step().await;
        })
        .start();
        let mut client = server.open().await;
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::Transfer);
        assert_eq!(Cause::of(&error), Cause::NotPermitted);
        assert_in_step(&mut client).await;
    }
}
