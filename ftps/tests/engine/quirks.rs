//! Behaviours of real servers that no RFC describes.

use std::{sync::Arc, time::Duration};

use ftps::{Cause, Config, Fallback, Stage, TlsVersion};
use rustls::HandshakeKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::sleep,
};
use tokio_rustls::server::TlsStream;

use crate::scripted::{
    Claims, Identity, Scenario, read_some, read_to_end, session, upload,
    uploads::{Memory, assert_in_step, content, plan, run, store},
};

fn kind(tls: &TlsStream<TcpStream>) -> Option<HandshakeKind> {
    tls.get_ref().1.handshake_kind()
}

/// A server whose data connections send no tickets, as `FileZilla` Server's.
fn tickets_on_control_only(tickets: usize) -> Identity {
    Identity::new(&Claims { tickets: (tickets, 0), ..Claims::default() })
}

#[tokio::test]
async fn tickets_of_the_control_connection_resume_data_connections_that_bring_none() {
    let server = Scenario::session(async |peer| {
        for _ in 0..4 {
            let mut data = peer.receive("a").await;
            assert_eq!(kind(&data), Some(HandshakeKind::Resumed));
            read_to_end(&mut data).await;
            peer.say("226 done").await;
        }
    })
    .identified_by(tickets_on_control_only(4))
    .start();
    let mut client = server.open().await;
    for _ in 0..4 {
        assert!(upload(&mut client, "a", b"a").await.unwrap().tls.resumed);
    }
}

#[tokio::test]
async fn refusal_425_when_the_tickets_ran_out_costs_one_connection_and_no_file() {
    let runs_out = session(async |peer| {
        for name in ["a", "b"] {
            peer.upload(name).await;
        }
        peer.expect_free("c").await;
        let mut data = peer.stor().await;
        assert_eq!(kind(&data), Some(HandshakeKind::Full));
        read_to_end(&mut data).await;
        let reason = "TLS session of data connection not resumed.";
        peer.say(&format!("425 Unable to build data connection: {reason}")).await;
        peer.disconnect();
    });
    let goes_on = session(async |peer| {
        assert_eq!(peer.tls_version(), Some(rustls::ProtocolVersion::TLSv1_2));
        peer.answer_size("c", "550 none").await;
        let temporary = peer.command().await.unwrap();
        assert!(temporary.starts_with("SIZE /home/c."));
        peer.say("550 none").await;
        let mut data = peer.stor().await;
        assert_eq!(kind(&data), Some(HandshakeKind::Resumed));
        read_to_end(&mut data).await;
        peer.say("226 done").await;
        peer.check_and_rename("c", 1).await;
    });
    let identity = tickets_on_control_only(2);
    let server = Scenario::of([runs_out, goes_on]).identified_by(identity).start();
    let mut client = server.managed();
    for name in ["a", "b", "c"] {
        store(&mut client, name, b"x").await.unwrap();
    }
    server.log.must_have("Reconnecting with TLS 1.2");
}

/// The server updates its TLS keys during the transfer.
#[tokio::test]
async fn key_update_in_the_middle_of_an_upload_does_no_harm() {
    let file = content(3_000_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        let mut data = peer.receive("a").await;
        let mut came = read_some(&mut data, 1_000_000).await;
        data.get_mut().1.refresh_traffic_keys().unwrap();
        data.flush().await.unwrap();
        came.extend(read_to_end(&mut data).await);
        assert!(came == expected);
        // close_notify is sent with the new keys.
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
        assert_eq!(peer.store("b").await, b"b");
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", &file).await.unwrap();
    assert!(upload(&mut client, "b", b"b").await.unwrap().tls.resumed);
}

/// IIS sends no close_notify, and no 226 before the client's FIN.
#[tokio::test]
async fn server_that_waits_for_the_fin_gets_it() {
    let server = Scenario::session(async |peer| {
        for _ in 0..2 {
            let mut data = peer.receive("a").await;
            assert_eq!(read_to_end(&mut data).await, b"a");
            let (mut tcp, _) = data.into_inner();
            assert_eq!(tcp.read(&mut [0]).await.unwrap(), 0);
            peer.say("226 Transfer complete.").await;
        }
    })
    .start();
    server.upload_twice().await;
}

#[tokio::test]
async fn reply_426_after_all_bytes_is_settled_by_the_size() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.say("426 Failure reading network stream.").await;
        peer.answer_noop().await;
        peer.expect_retry("a", 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let uploaded = server.store("a", b"abc").await.unwrap();
    assert_eq!(uploaded.attempts, 1);
    server.log.must_have("the transfer is complete");
}

#[tokio::test]
async fn data_tls_starts_before_the_150() {
    let server = Scenario::session(async |peer| {
        for _ in 0..2 {
            let port = peer.extended_passive().await;
            peer.expect("STOR /home/a").await;
            let mut data = port.accept().await;
            peer.say("150 go").await;
            assert_eq!(read_to_end(&mut data).await, b"a");
            peer.say("226 done").await;
        }
    })
    .start();
    server.upload_twice().await;
}

#[tokio::test]
async fn deadline_of_data_tls_starts_with_the_150() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        let tcp = port.accept_tcp().await;
        peer.expect("STOR /home/a").await;
        // A busy server replies late.
        sleep(Duration::from_millis(300)).await;
        peer.say("150 go").await;
        let mut data = port.accept_over(tcp).await;
        assert_eq!(read_to_end(&mut data).await, b"a");
        peer.say("226 done").await;
    })
    .start();
    let mut client = server
        .open_with(|config| {
            // The deadline counts from the 150.
            config.timeouts.tls_handshake = Duration::from_millis(200);
        })
        .await;
    upload(&mut client, "a", b"a").await.unwrap();
}

/// A virus scanner or a slow disk may take 90 s. The defaults wait for it.
#[tokio::test]
async fn reply_226_that_comes_90_seconds_late_is_awaited() {
    let (whole, is_whole) = oneshot::channel();
    let (is_late, late) = oneshot::channel();
    let server = Scenario::session(async move |peer| {
        let mut data = peer.receive("a").await;
        read_to_end(&mut data).await;
        data.shutdown().await.unwrap();
        drop(data);
        whole.send(()).unwrap();
        late.await.unwrap();
        peer.say("226 done at last").await;
    })
    .start();
    let defaults = Config::new(Arc::new(server.roots()));
    let mut client = server.open_with(|config| *config = defaults).await;
    let time_passes = async {
        is_whole.await.unwrap();
        // Until the client waits for the reply.
        sleep(Duration::from_millis(50)).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(90)).await;
        tokio::time::resume();
        is_late.send(()).unwrap();
    };
    let (stored, ()) = tokio::join!(upload(&mut client, "a", b"a"), time_passes);
    let stored = stored.unwrap();
    assert_eq!(stored.reply.to_string(), "226 done at last");
}

#[tokio::test]
async fn reply_421_instead_of_150_costs_one_connection_and_no_file() {
    let ends = session(async |peer| {
        peer.expect_free("a").await;
        let _port = peer.extended_passive().await;
        assert!(peer.command().await.unwrap().starts_with("STOR /home/a."));
        peer.say("421 Service not available, closing control connection.").await;
        peer.disconnect();
    });
    let works = session(async |peer| {
        peer.answer_size("a", "550 none").await;
        assert!(peer.command().await.unwrap().starts_with("SIZE /home/a."));
        peer.say("550 none").await;
        peer.complete_new("a").await;
    });
    let server = Scenario::of([ends, works]).start();
    server.store("a", b"x").await.unwrap();
}

#[tokio::test]
async fn unanswered_quit_ends_within_its_timeout() {
    let server = Scenario::session(async |peer| {
        peer.expect("QUIT").await;
        peer.expect_end().await;
    })
    .start();
    let client = server.open_with(|config| config.timeouts.quit = Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_secs(2), client.quit()).await.unwrap();
}

/// Misconfigured or malicious servers name such addresses; the client never connects to them.
#[tokio::test]
async fn address_in_a_227_is_never_dialled() {
    let named = [[0, 0, 0, 0], [10, 1, 2, 3], [169, 254, 169, 254], [255, 255, 255, 255]];
    let server = Scenario::session(async move |peer| {
        peer.answer("EPSV", "502 unknown").await;
        for address in named {
            peer.store_over_passive(address).await;
        }
    })
    .start();
    let mut client = server.open().await;
    for _ in named {
        upload(&mut client, "a", b"a").await.unwrap();
    }
}

#[tokio::test]
async fn reply_227_to_epsv_is_accepted() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.set_up().await;
        let port = peer.open_port().await;
        // In a batch, where the code must fit the command.
        peer.answer("EPSV", &port.passive_reply([127, 0, 0, 1])).await;
        peer.expect_free("a").await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
        peer.check_and_rename("a", 1).await;
    })
    .start();
    server.store("a", b"x").await.unwrap();
}

#[tokio::test]
async fn greeting_with_codes_in_its_text_is_one_greeting() {
    let server = Scenario::session(async |peer| {
        peer.expect_in_step().await;
    })
    .greeting("220-\r\n 500 visitors today\r\n421 is not the time\r\n220-more\r\n220 ready")
    .start();
    let mut client = server.open().await;
    assert!(client.facts().banner.to_string().contains("500 visitors"));
    assert_in_step(&mut client).await;
}

#[tokio::test]
async fn login_succeeds_without_feat_opts_and_pwd() {
    for refusal in ["500 what?", "502 not here", "530 not now"] {
        // The client sends SIZE: a server that lists no features may support it.
        let server = Scenario::session(async |peer| peer.answer("SIZE /a", "213 4").await)
            .answering("FEAT", refusal)
            .answering("OPTS UTF8 ON", refusal)
            .answering("PWD", refusal)
            .start();
        let mut client = server.open().await;
        assert_in_step(&mut client).await;
    }
}

#[tokio::test]
async fn refused_pbsz_ends_the_session_before_any_data_connection() {
    for refusal in ["503 PBSZ before PROT", "534 not by our policy", "421 no"] {
        let server = Scenario::connection(async move |peer| {
            peer.secure().await;
            peer.authenticate().await;
            peer.answer("PBSZ 0", refusal).await;
            while peer.command().await.is_some() {
                let _client_may_be_gone = peer.try_send(b"503 no\r\n").await;
            }
        })
        .start();
        let error = server.refused().await;
        assert_eq!(error.stage(), Stage::Protect);
        assert_eq!(error.reply().unwrap().to_string(), refusal);
    }
}

#[tokio::test]
async fn reply_334_or_200_to_auth_starts_tls() {
    for reply in ["334 go on", "200 fine"] {
        let server = Scenario::session(async |_| ()).answering("AUTH TLS", reply).start();
        server.open().await;
    }
}

/// A greeting that claims a login does not replace TLS.
#[tokio::test]
async fn greeting_230_does_not_spare_tls() {
    let server = Scenario::connection(async |peer| {
        peer.say("230 you are in").await;
        peer.answer("AUTH TLS", "500 no need").await;
        peer.answer("AUTH SSL", "500 no need").await;
        peer.expect_end().await;
    })
    .start();
    let error = server.refused().await;
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Auth, Cause::NoTls));
}

/// Uploads two files where `MFMT` is listed and refused. The client sends it again if the refusal is
/// about the one file only.
async fn undated(refusal: &'static str, asks_again: bool) {
    let server = Scenario::session(async move |peer| {
        for (name, asks) in [("a", true), ("b", asks_again)] {
            peer.expect_free(name).await;
            peer.stor_all().await;
            if asks {
                peer.answer_for_temporary("MFMT 20260131120000", refusal).await;
            }
            peer.check_and_rename(name, 1).await;
        }
    })
    .features(" MFMT\r\n")
    .start();
    let mut client = server.managed();
    for name in ["a", "b"] {
        let mut plan = plan(name, b"x");
        plan.modified_millis = Some(1_769_860_800_000);
        run(&mut client, &plan, &mut Memory::new(b"x")).await.unwrap();
    }
}

#[tokio::test]
async fn refused_date_does_not_fail_the_upload() {
    undated("502 not here", false).await;
    undated("550 not this one", true).await;
}

/// Uploads a file with a date to a server with this feature, which must get this command.
async fn dated_by(greeting: &'static str, feature: &'static str, command: &'static str) {
    let features = format!(
        "211-Features
 {feature}
211 End"
    );
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_for_temporary(command, "200 ok").await;
        peer.check_and_rename("a", 1).await;
    })
    .greeting(greeting)
    .answering("FEAT", &features)
    .start();
    let mut plan = plan("a", b"x");
    plan.modified_millis = Some(1_769_860_800_000);
    server.run(&plan, &mut Memory::new(b"x")).await.unwrap();
}

/// Other servers may take the date in `MDTM` for a part of the name.
#[tokio::test]
async fn date_is_set_by_mdtm_only_where_the_server_is_known_to_take_it() {
    dated_by("220 (vsFTPd 3.0.3)", "MDTM", "MDTM 20260131120000").await;
    dated_by("220 ready", "MDTM YYYYMMDDHHMMSS[+-TZ];filename", "MDTM 20260131120000").await;
    dated_by("220 ready", "MDTM\r\n SITE UTIME", "SITE UTIME 20260131120000").await;
}

#[tokio::test]
async fn second_refusal_is_no_reply_to_the_next_command() {
    let server = Scenario::session(async |peer| {
        let _port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        peer.say("450 /home/a: busy\r\n550 STOR: not permitted").await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let (mut client, error) = server.failed_upload().await;
    assert_eq!(error.reply().unwrap().code().value(), 450);
    assert_in_step(&mut client).await;
}

#[tokio::test]
async fn refusal_is_read_while_the_data_connection_hangs() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        let _hangs = port.accept_tcp().await;
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let (mut client, error) = server.failed_upload().await;
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_in_step(&mut client).await;
}

#[tokio::test]
async fn data_connection_that_never_starts_tls_ends_within_the_deadline() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        let _hangs = port.accept_tcp().await;
        peer.expect_end().await;
    })
    .start();
    let connector = server.connector_with(|config| {
        config.timeouts.tls_handshake = Duration::from_millis(200);
        config.timeouts.verdict = Duration::from_millis(50);
    });
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataTls);
    assert!(error.is_timeout());
    // A hang does not depend on the TLS version.
    assert_eq!(connector.learn(&error), Some(Fallback::NewConnection));
    assert_eq!(connector.profile().tls_max, None::<TlsVersion>);
}
