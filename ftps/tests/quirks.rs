//! What real servers do and no RFC has: each by name, and what becomes of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::time::Duration;

use ftps::{Cause, Config, Fallback, Stage, TlsVersion, upload::Existing, upload::Stop};
use rustls::HandshakeKind;
use scripted::{
    Claims, Identity, Log, Peer, SECRET, Server, path, read_to_end, script, upload,
    uploads::{Memory, Script, bring, content, line, log_in_with, plan, read_some},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};
use tokio_rustls::server::TlsStream;

fn kind(tls: &TlsStream<TcpStream>) -> Option<HandshakeKind> {
    tls.get_ref().1.handshake_kind()
}

/// A server whose data connections bring no tickets, as `FileZilla` Server's.
fn tickets_on_control_only(tickets: usize) -> Identity {
    Identity::new(&Claims { tickets: (tickets, 0), ..Claims::default() })
}

#[tokio::test]
async fn tickets_of_the_control_connection_resume_data_connections_that_bring_none() {
    let stores = script(async |mut peer: Peer| {
        peer.log_in().await;
        for _ in 0..4 {
            let mut data = peer.receive("a").await;
            assert_eq!(kind(&data), Some(HandshakeKind::Resumed));
            read_to_end(&mut data).await;
            peer.say("226 done").await;
        }
    });
    let server = Server::start_with(tickets_on_control_only(4), vec![stores]).await;
    let mut client = server.open(&Log::default()).await;
    for _ in 0..4 {
        assert!(upload(&mut client, "a", b"a").await.unwrap().tls.resumed);
    }
    server.finished().await;
}

#[tokio::test]
async fn refusal_425_when_the_tickets_ran_out_costs_one_connection_and_no_file() {
    let runs_out = script(async |mut peer: Peer| {
        peer.log_in().await;
        for name in ["a", "b"] {
            peer.look(name, "550 none").await;
            let (temporary, _) = peer.stor_all().await;
            peer.check_and_rename_at_once(&temporary, name, 1).await;
        }
        peer.look("c", "550 none").await;
        let (_, mut data) = peer.stor().await;
        assert_eq!(kind(&data), Some(HandshakeKind::Full));
        read_to_end(&mut data).await;
        peer.say(
            "425 Unable to build data connection: TLS session of data connection not resumed.",
        )
        .await;
    });
    let goes_on = script(async |mut peer: Peer| {
        peer.log_in().await;
        assert_eq!(peer.tls_version(), Some(rustls::ProtocolVersion::TLSv1_2));
        peer.look("c", "550 none").await;
        let temporary = peer.command().await.unwrap();
        assert!(temporary.starts_with("SIZE /home/c."));
        peer.say("550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(kind(&data), Some(HandshakeKind::Resumed));
        read_to_end(&mut data).await;
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "c", 1).await;
    });
    let identity = tickets_on_control_only(2);
    let server = Server::start_with(identity, vec![runs_out, goes_on]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    for name in ["a", "b", "c"] {
        bring(&mut line, &plan(name, b"x"), &mut Memory::new(b"x")).await.unwrap();
    }
    assert!(log.has("The next connection uses TLS 1.2"), "{}", log.text());
    server.finished().await;
}

/// The server takes new keys in the middle: what it says from there on is read with them.
#[tokio::test]
async fn key_update_in_the_middle_of_an_upload_does_no_harm() {
    let file = content(3_000_000);
    let expected = file.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        let mut data = peer.receive("a").await;
        let mut came = read_some(&mut data, 1_000_000).await;
        data.get_mut().1.refresh_traffic_keys().unwrap();
        data.flush().await.unwrap();
        came.extend(read_to_end(&mut data).await);
        assert!(came == expected);
        // This goes out with the new keys.
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
        assert_eq!(peer.store("b").await, b"b");
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    upload(&mut client, "a", &file).await.unwrap();
    assert!(upload(&mut client, "b", b"b").await.unwrap().tls.resumed);
    server.finished().await;
}

/// As IIS: no close_notify ever, and no 226 before the client's FIN.
#[tokio::test]
async fn server_that_waits_for_the_fin_gets_it() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        for _ in 0..2 {
            let mut data = peer.receive("a").await;
            assert_eq!(read_to_end(&mut data).await, b"a");
            let (mut tcp, _) = data.into_inner();
            assert_eq!(tcp.read(&mut [0]).await.unwrap(), 0);
            peer.say("226 Transfer complete.").await;
        }
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    upload(&mut client, "a", b"a").await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn reply_426_although_every_byte_is_there_is_settled_by_the_size() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        drop(data);
        peer.say("426 Failure reading network stream.").await;
        peer.answer_noop().await;
        peer.look_again("a", &temporary, 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let uploaded = bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    assert_eq!(uploaded.attempts, 1);
    assert!(log.has("it has finished"), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn server_that_wants_tls_before_it_says_150_gets_it() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        for _ in 0..2 {
            let port = peer.extended_passive().await;
            peer.expect("STOR /home/a").await;
            let mut data = port.accept().await;
            peer.say("150 go").await;
            assert_eq!(read_to_end(&mut data).await, b"a");
            peer.say("226 done").await;
        }
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    upload(&mut client, "a", b"a").await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn server_that_starts_tls_long_after_150_is_waited_for() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        let tcp = port.accept_tcp().await;
        peer.expect("STOR /home/a").await;
        // A server that is busy says nothing at first.
        sleep(Duration::from_millis(300)).await;
        peer.say("150 go").await;
        let mut data = port.accept_over(tcp).await;
        assert_eq!(read_to_end(&mut data).await, b"a");
        peer.say("226 done").await;
    })
    .await;
    let mut config = server.config();
    // Counts from the moment when the server says that it starts.
    config.timeouts.tls_handshake = Duration::from_millis(200);
    let mut client = server.connector(config, &Log::default()).open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    server.finished().await;
}

/// 90 s: a virus scanner, or a disk far away. The defaults wait for it.
#[tokio::test]
async fn reply_226_that_comes_90_seconds_late_is_awaited() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let mut data = peer.receive("a").await;
        read_to_end(&mut data).await;
        data.shutdown().await.unwrap();
        drop(data);
        // From here on the clock jumps to whatever is waited for.
        tokio::time::pause();
        sleep(Duration::from_secs(90)).await;
        tokio::time::resume();
        peer.say("226 done at last").await;
    })
    .await;
    let config = Config::new(std::sync::Arc::new(server.roots()));
    let mut client = server.connector(config, &Log::default()).open().await.unwrap();
    let stored = upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(stored.reply.to_string(), "226 done at last");
    server.finished().await;
}

/// Some servers answer at once with 500 to whatever comes meanwhile, and answer one too few.
#[tokio::test]
async fn nothing_goes_over_the_control_connection_during_a_transfer() {
    let server = Server::start(async |mut peer| {
        peer.log_in_as("220 Welcome to Pure-FTPd").await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect_silence(Duration::from_millis(100)).await;
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
        peer.look("b", "550 none").await;
        let _port = peer.extended_passive().await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut source = Memory::new(b"x");
    // That an upload follows is known, and what it needs is asked for all the same only later.
    source.upcoming = Some(path("b"));
    bring(&mut line, &plan("a", b"x"), &mut source).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn reply_421_instead_of_150_costs_one_connection_and_no_file() {
    let ends = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let _port = peer.extended_passive().await;
        assert!(peer.command().await.unwrap().starts_with("STOR /home/a."));
        peer.say("421 Service not available, closing control connection.").await;
    });
    let works = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        assert!(peer.command().await.unwrap().starts_with("SIZE /home/a."));
        peer.say("550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
    });
    let server = Server::start_with(Identity::default(), vec![ends, works]).await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn quit_that_is_not_answered_ends_within_its_time() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.expect("QUIT").await;
        peer.expect_end().await;
    })
    .await;
    let mut config = server.config();
    config.timeouts.quit = Duration::from_millis(100);
    let client = server.connector(config, &Log::default()).open().await.unwrap();
    tokio::time::timeout(Duration::from_secs(2), client.quit()).await.unwrap();
    server.finished().await;
}

/// What a server in the cloud, behind a router or with ill intent names: it is never dialled.
#[tokio::test]
async fn address_in_a_227_is_never_dialled_whatever_it_is() {
    let named = [[0, 0, 0, 0], [10, 1, 2, 3], [169, 254, 169, 254], [255, 255, 255, 255]];
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.answer("EPSV", "502 unknown").await;
        for address in named {
            let port = peer.passive(address).await;
            peer.answer("STOR /home/a", "150 go").await;
            read_to_end(&mut port.accept().await).await;
            peer.say("226 done").await;
        }
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    for _ in named {
        upload(&mut client, "a", b"a").await.unwrap();
    }
    server.finished().await;
}

#[tokio::test]
async fn epsv_that_is_answered_with_227_is_taken() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.let_in_so_far().await;
        let port = peer.open_port().await;
        let [high, low] = port.number().to_be_bytes();
        // In a flight, where the code has to fit the command.
        peer.answer("EPSV", &format!("227 Passive (127,0,0,1,{high},{low})")).await;
        peer.look("a", "550 none").await;
        let command = peer.command().await.unwrap();
        let temporary = command.strip_prefix("STOR ").unwrap().to_owned();
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn greeting_with_codes_in_its_text_is_one_greeting() {
    let server = Server::start(async |mut peer| {
        peer.log_in_as(
            "220-\r\n 500 visitors today\r\n421 is not the time\r\n220-more\r\n220 ready",
        )
        .await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    assert!(client.facts().banner.to_string().contains("500 visitors"));
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn login_without_feat_opts_and_pwd_is_a_login() {
    for refusal in ["500 what?", "502 not here", "530 not now"] {
        let server = Server::start(async move |mut peer| {
            peer.secure().await;
            peer.answer("USER ada", "331 password").await;
            peer.answer(&format!("PASS {SECRET}"), "230 in").await;
            peer.answer("PBSZ 0", "200 ok").await;
            peer.answer("PROT P", "200 ok").await;
            peer.answer("FEAT", refusal).await;
            peer.answer("OPTS UTF8 ON", refusal).await;
            peer.answer("TYPE I", "200 ok").await;
            peer.answer("PWD", refusal).await;
            // SIZE is asked for all the same: a server that hides what it knows may know it.
            peer.answer("SIZE /a", "213 4").await;
        })
        .await;
        let mut client = server.open(&Log::default()).await;
        assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
        server.finished().await;
    }
}

#[tokio::test]
async fn pbsz_that_is_refused_ends_before_any_data_connection() {
    for refusal in ["503 PBSZ before PROT", "534 not by our policy", "421 no"] {
        let server = Server::start(async move |mut peer| {
            peer.secure().await;
            peer.answer("USER ada", "331 password").await;
            peer.answer(&format!("PASS {SECRET}"), "230 in").await;
            peer.answer("PBSZ 0", refusal).await;
            while peer.command().await.is_some() {
                let _client_may_be_gone = peer.try_send(b"503 no\r\n").await;
            }
        })
        .await;
        let connector = server.connector(server.config(), &Log::default());
        let error = connector.open().await.unwrap_err();
        assert_eq!(error.stage(), Stage::Protect);
        assert_eq!(error.reply().unwrap().to_string(), refusal);
        server.finished().await;
    }
}

#[tokio::test]
async fn auth_that_is_answered_with_334_starts_tls() {
    let server = Server::start(async |mut peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "334 go on").await;
        peer.start_tls().await;
        peer.let_in().await;
    })
    .await;
    server.open(&Log::default()).await;
    server.finished().await;
}

/// A greeting that says that somebody is logged in already spares nobody TLS.
#[tokio::test]
async fn greeting_230_does_not_spare_tls() {
    let server = Server::start(async |mut peer| {
        peer.say("230 you are in").await;
        peer.answer("AUTH TLS", "500 no need").await;
        peer.answer("AUTH SSL", "500 no need").await;
        peer.expect_end().await;
    })
    .await;
    let connector = server.connector(server.config(), &Log::default());
    let error = connector.open().await.unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Auth, Cause::NoTls));
    server.finished().await;
}

/// Some servers keep the offset of `REST` when what follows it is refused.
#[tokio::test]
async fn offset_of_a_refused_restart_is_taken_back() {
    let file = content(300_000);
    let (first_part, whole) = (file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let breaks = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 100_000).await, first_part[..100_000]);
        name.send(temporary).unwrap();
    });
    let keeps_the_offset = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 100000", "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "451 Restart not permitted").await;
        peer.answer_noop().await;
        peer.look_again("a", &temporary, 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 0", "350 from the start").await;
        peer.answer(&format!("APPE {temporary}"), "451 Append not permitted").await;
        peer.answer_noop().await;
        peer.look_again("a", &temporary, 100_000).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == whole);
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", 300_000).await;
    });
    let scripts = vec![breaks, keeps_the_offset];
    let server = Server::start_with(Identity::default(), scripts).await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap();
    server.finished().await;
}

/// As IIS, where a name is taken: the person chose to replace the file.
#[tokio::test]
async fn old_file_makes_way_where_the_server_renames_over_none() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "213 9").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 1").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "550 File exists").await;
        // Only a file makes way.
        peer.answer("SIZE /home/a", "213 9").await;
        peer.answer("RNFR /home/a", "350 to?").await;
        let aside = peer.command().await.unwrap();
        let aside = aside.strip_prefix("RNTO ").unwrap();
        peer.say("250 ok").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
        peer.answer(&format!("DELE {aside}"), "250 gone").await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let mut plan = plan("a", b"x");
    plan.existing = Existing::Replace;
    bring(&mut line, &plan, &mut Memory::new(b"x")).await.unwrap();
    assert!(log.has("made way"));
    server.finished().await;
}

#[tokio::test]
async fn old_file_comes_back_where_making_way_does_not_help() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "213 9").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 1").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "553 no").await;
        // Only a file makes way.
        peer.answer("SIZE /home/a", "213 9").await;
        peer.answer("RNFR /home/a", "350 to?").await;
        let aside = peer.command().await.unwrap();
        let aside = aside.strip_prefix("RNTO ").unwrap();
        peer.say("250 ok").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "553 no").await;
        peer.answer(&format!("RNFR {aside}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"x");
    plan.existing = Existing::Replace;
    let failed = bring(&mut line, &plan, &mut Memory::new(b"x")).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::NotReplaced { old, .. } if old == path("/home/a")));
    server.finished().await;
}

/// `MFMT` is listed, and refused: the file is as good without. Whether it is asked for again depends
/// on whom the refusal is about: the server, or this one file.
async fn undated(refusal: &'static str, asks_again: bool) {
    let server = Server::start(async move |mut peer| {
        log_in_with(&mut peer, " MFMT\r\n").await;
        for (name, asks) in [("a", true), ("b", asks_again)] {
            peer.look(name, "550 none").await;
            let (temporary, _) = peer.stor_all().await;
            if asks {
                peer.answer(&format!("MFMT 20260131120000 {temporary}"), refusal).await;
            }
            peer.check_and_rename_at_once(&temporary, name, 1).await;
        }
    })
    .await;
    let mut line = line(&server, &Log::default());
    for name in ["a", "b"] {
        let mut plan = plan(name, b"x");
        plan.modified_millis = Some(1_769_860_800_000);
        bring(&mut line, &plan, &mut Memory::new(b"x")).await.unwrap();
    }
    server.finished().await;
}

#[tokio::test]
async fn date_that_the_server_does_not_set_after_all_is_done_without() {
    undated("502 not here", false).await;
    undated("550 not this one", true).await;
}

/// What the server calls it, and the command that is sent for it.
async fn dated_by(greeting: &'static str, feature: &'static str, command: &'static str) {
    let server = Server::start(async move |mut peer| {
        peer.secure_as(greeting).await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230 in").await;
        peer.answer("PBSZ 0", "200 ok").await;
        peer.answer("PROT P", "200 ok").await;
        peer.answer("FEAT", &format!("211-Features\r\n {feature}\r\n211 End")).await;
        peer.answer("OPTS UTF8 ON", "200 ok").await;
        peer.answer("TYPE I", "200 ok").await;
        peer.answer("PWD", "257 \"/home\"").await;
        peer.name_port_ahead().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&command.replace("FILE", &temporary), "200 ok").await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"x");
    plan.modified_millis = Some(1_769_860_800_000);
    let brought = bring(&mut line, &plan, &mut Memory::new(b"x")).await;
    server.finished().await;
    brought.unwrap();
}

/// Elsewhere a second argument of `MDTM` may be taken for a part of the name.
#[tokio::test]
async fn date_is_set_by_mdtm_only_where_the_server_is_known_to_take_it() {
    dated_by("220 (vsFTPd 3.0.3)", "MDTM", "MDTM 20260131120000 FILE").await;
    dated_by("220 ready", "MDTM YYYYMMDDHHMMSS[+-TZ];filename", "MDTM 20260131120000 FILE").await;
    dated_by("220 ready", "MDTM\r\n SITE UTIME", "SITE UTIME 20260131120000 FILE").await;
}

#[tokio::test]
async fn second_refusal_to_open_the_data_connection_is_no_answer_to_the_next_command() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let _port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        peer.say("450 /home/a: busy\r\n550 STOR: not permitted").await;
        peer.answer_noop().await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.reply().unwrap().code().value(), 450);
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn refusal_is_heard_while_the_data_connection_hangs() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        let _hangs = port.accept_tcp().await;
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn data_connection_that_never_starts_tls_ends_within_the_deadline() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        let _hangs = port.accept_tcp().await;
        peer.expect_end().await;
    })
    .await;
    let mut config = server.config();
    config.timeouts.tls_handshake = Duration::from_millis(200);
    config.timeouts.verdict = Duration::from_millis(50);
    let connector = server.connector(config, &Log::default());
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataTls);
    assert!(error.is_timeout());
    // A hang is no matter of the TLS version.
    assert_eq!(connector.learn(&error), Some(Fallback::NewConnection));
    assert_eq!(connector.profile().tls_max, None::<TlsVersion>);
    drop(client);
    server.finished().await;
}
