//! Batches of commands, prefetched ports, parallel connections and replaced sessions, and the
//! fallbacks for servers that do not support them.

use std::time::Duration;

use ftps::{
    Cause, Fallback, ManagedClient, RotationScope, Stage, Verified, profile::PipelineDuringTransfer,
};
use tokio::sync::oneshot;

use crate::scripted::{
    FullPort, SECRET, Scenario, Script, Server, connection, path, read_to_end, session, upload,
    uploads::{Memory, assert_in_step, engine_error, plan, run, store},
};

/// Within this time nothing may come.
const A_WHILE: Duration = Duration::from_millis(30);

const VSFTPD: &str = "220 (vsFTPd 3.0.5)";

#[tokio::test]
async fn auth_user_and_pass_are_never_batched() {
    let server = Scenario::connection(async |peer| {
        peer.say("220 ready").await;
        peer.expect("AUTH TLS").await;
        peer.expect_silence(A_WHILE).await;
        peer.say("234 go").await;
        peer.start_tls().await;
        peer.expect("USER ada").await;
        peer.expect_silence(A_WHILE).await;
        peer.say("331 password").await;
        peer.expect(&format!("PASS {SECRET}")).await;
        peer.expect_silence(A_WHILE).await;
        peer.say("230 in").await;
        for command in ["PBSZ 0", "PROT P", "FEAT", "OPTS UTF8 ON", "TYPE I", "PWD", "EPSV"] {
            peer.expect(command).await;
        }
        peer.disconnect();
    })
    .start();
    let mut client = server.managed();
    assert!(client.client().await.is_err());
}

/// A `STOR` without a file would leave an empty file.
#[tokio::test]
async fn next_upload_is_looked_up_and_not_started() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect("EPSV").await;
        peer.say("226 done").await;
        let port = peer.open_port().await;
        peer.say(&port.reply()).await;
        peer.check_and_rename("a", 1).await;
        peer.expect_free("b").await;
        peer.expect_quit().await;
    })
    .greeting(VSFTPD)
    .start();
    let mut client = server.managed();
    run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    client.quit().await;
}

#[tokio::test]
async fn port_is_requested_again_after_a_refused_prefetch() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.set_up().await;
        peer.answer("EPSV", "500 not so early").await;
        peer.expect_free("a").await;
        peer.answer("EPSV", "425 not yet").await;
        peer.complete_new("a").await;
    })
    .start();
    server.store("a", b"x").await.unwrap();
    assert_eq!(server.log.count("Command: EPSV"), 3);
}

/// A prefetched port is used within 30 s: servers close a port after about a minute.
#[tokio::test]
async fn expired_prefetch_is_requested_again() {
    let server = Scenario::session(async move |peer| {
        peer.upload("a").await;
        peer.expect_free("b").await;
        let _expires = peer.extended_passive().await;
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    store(&mut client, "b", b"x").await.unwrap();
}

/// The port comes with the reply to the last transfer, and the connection to it before `STOR`.
async fn stored_with_the_port_asked_for_during_the_transfer(greeting: &'static str) {
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect("EPSV").await;
        let port = peer.open_port().await;
        peer.say(&format!("226 done\r\n{}", port.reply())).await;
        peer.expect_for_temporary("SIZE").await;
        // The client connects beside the batch, without another command.
        let tcp = port.accept_tcp().await;
        peer.say("213 1").await;
        peer.rename_and_look("a", 1).await;
        peer.expect_free("b").await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        assert_eq!(read_to_end(&mut port.accept_over(tcp).await).await, b"y");
        peer.say("226 done").await;
        peer.check_and_rename("b", 1).await;
    })
    .greeting(greeting)
    .start();
    let mut client = server.managed();
    run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    store(&mut client, "b", b"y").await.unwrap();
}

#[tokio::test]
async fn port_is_prefetched_during_a_transfer_to_servers_known_to_allow_it() {
    for greeting in [VSFTPD, "220-FileZilla Server 1.9.4\r\n220 welcome"] {
        stored_with_the_port_asked_for_during_the_transfer(greeting).await;
    }
}

/// Some servers reply 500 at once to a command during a transfer, and send one reply too few.
#[tokio::test]
async fn nothing_is_sent_during_a_transfer_to_other_servers() {
    for greeting in ["220 ready", "220 ProFTPD Server", "220 Microsoft FTP Service"] {
        let server = Scenario::session(async move |peer| {
            peer.expect_free("a").await;
            peer.stor_unconfirmed().await;
            peer.expect_silence(A_WHILE).await;
            peer.say("226 done").await;
            peer.check_and_rename("a", 1).await;
            peer.expect_free("b").await;
            let _port = peer.extended_passive().await;
        })
        .greeting(greeting)
        .start();
        server.run(&plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    }
}

/// It delays its reply to a `CWD` that fails by up to a second.
#[tokio::test]
async fn pure_ftpd_gets_no_cwd_before_an_upload_and_nothing_during_the_transfer() {
    let server = Scenario::session(async move |peer| {
        peer.answer_size("a", "550 none").await;
        peer.stor_unconfirmed().await;
        peer.expect_silence(A_WHILE).await;
        peer.say("226 done").await;
        peer.check_and_rename("a", 1).await;
        peer.answer_size("b", "550 none").await;
        let _port = peer.extended_passive().await;
    })
    .greeting("220 Welcome to Pure-FTPd")
    .start();
    server.run(&plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
}

/// The session after a failed command during a transfer: the file is stored already, and no command
/// is sent during a transfer.
fn careful_afterwards() -> Script {
    session(async move |peer| {
        peer.expect_retry("a", 1).await;
        peer.check_and_rename("a", 1).await;
        peer.expect_free("b").await;
        peer.stor_unconfirmed().await;
        peer.expect_silence(A_WHILE).await;
        peer.say("226 done").await;
        peer.check_and_rename("b", 1).await;
        peer.expect_free("c").await;
        let _port = peer.extended_passive().await;
    })
}

async fn learns_to_pipeline_no_more_during_transfers(server: &Server) {
    let connector = server.connector_with(|config| {
        config.timeouts.batch = Duration::from_millis(50);
        config.retry.first = Duration::from_millis(10);
    });
    let mut client = ManagedClient::new(connector.clone());
    run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    assert_eq!(connector.profile().pipeline_during_transfer, PipelineDuringTransfer::Never);
    run(&mut client, &plan("b", b"x"), &mut Memory::followed_by("c")).await.unwrap();
}

#[tokio::test]
async fn server_that_drops_commands_during_a_transfer_is_sent_none_again() {
    let drops = session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect("EPSV").await;
        peer.say("226 done").await;
        peer.expect_end().await;
    });
    let server = Scenario::of([drops, careful_afterwards()]).greeting(VSFTPD).start();
    learns_to_pipeline_no_more_during_transfers(&server).await;
}

/// The reply to the command comes before the reply to the transfer, and does not refuse the file.
#[tokio::test]
async fn server_that_refuses_commands_during_a_transfer_is_sent_none_again() {
    let refuses = session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect("EPSV").await;
        peer.say("500 Unknown command").await;
        let _client_may_be_gone = peer.try_send(b"226 done\r\n").await;
        peer.expect_end().await;
    });
    let server = Scenario::of([refuses, careful_afterwards()]).greeting(VSFTPD).start();
    learns_to_pipeline_no_more_during_transfers(&server).await;
}

#[tokio::test]
async fn refused_transfer_keeps_its_cause_beside_a_pipelined_command() {
    let full = session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect("EPSV").await;
        peer.say("452 Error writing file.").await;
        let port = peer.open_port().await;
        let _client_may_be_gone = peer.try_send(format!("{}\r\n", port.reply()).as_bytes()).await;
        peer.expect_end().await;
    });
    // The part is removed in another session: in this one, replies cannot be matched to commands.
    let removes = session(async move |peer| {
        peer.delete_temporary().await;
    });
    let server = Scenario::of([full, removes]).greeting(VSFTPD).start();
    let error = engine_error(
        server.run(&plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap_err(),
    );
    assert_eq!(Cause::of(&error), Cause::DiskFull);
}

/// The server closed the prefetched connection: the client asks for another one.
#[tokio::test]
async fn prefetched_connection_that_was_closed_is_made_again() {
    let (is_closed, closed) = oneshot::channel();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect("EPSV").await;
        let port = peer.open_port().await;
        peer.say(&format!("226 done\r\n{}", port.reply())).await;
        peer.expect_for_temporary("SIZE").await;
        let tcp = port.accept_tcp().await;
        peer.say("213 1").await;
        peer.rename_and_look("a", 1).await;
        peer.expect_free("b").await;
        drop((tcp, port));
        is_closed.send(()).unwrap();
        peer.complete_new("b").await;
    })
    .greeting(VSFTPD)
    .start();
    let mut client = server.managed();
    run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    closed.await.unwrap();
    store(&mut client, "b", b"x").await.unwrap();
}

/// `STOR` is sent while the client connects to a port that never accepts.
#[tokio::test]
async fn refusal_is_read_before_the_data_connection_is_open() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        let full = FullPort::new().await;
        peer.answer("EPSV", &full.reply()).await;
        peer.answer("STOR /home/b", "553 Could not create file.").await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(5), upload(&mut client, "b", b"b"));
    let error = refused.await.unwrap().unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_in_step(&mut client).await;
}

/// A server that waits for the data connection reads no other command.
#[tokio::test]
async fn data_connection_that_never_opens_costs_the_session() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        let full = FullPort::new().await;
        peer.answer("EPSV", &full.reply()).await;
        peer.expect("STOR /home/b").await;
        peer.expect_end().await;
    })
    .start();
    let connector = server.connector_with(|config| {
        config.timeouts.data_connect = Duration::from_millis(100);
        config.timeouts.verdict = Duration::from_millis(50);
    });
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    let error = upload(&mut client, "b", b"b").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataConnection);
    assert_eq!(Cause::of(&error), Cause::DataConnectionBlocked);
    assert!(!client.is_usable());
    assert_eq!(connector.learn(&error), Some(Fallback::NewConnection));
}

/// The server closes its port, and refuses later with a reply that says why.
#[tokio::test]
async fn refusal_outweighs_a_port_that_was_closed_before() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        let port = peer.extended_passive().await;
        drop(port);
        peer.expect("STOR /home/b").await;
        tokio::time::sleep(A_WHILE).await;
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    let error = upload(&mut client, "b", b"b").await.unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_in_step(&mut client).await;
}

/// A session of one upload and a logout.
fn one_file(name: &'static str, greeting: &'static str) -> Script {
    connection(async move |peer| {
        peer.log_in_as(greeting).await;
        peer.upload(name).await;
        peer.expect_quit().await;
    })
}

#[tokio::test]
async fn session_is_replaced_after_the_command_limit() {
    let server = Scenario::of([one_file("a", "220 ready"), one_file("b", VSFTPD)]).start();
    let mut client = server.managed_with(|config| {
        config.rotation.commands = 14;
        config.retry.tries = 0;
    });
    for name in ["a", "b"] {
        store(&mut client, name, b"x").await.unwrap();
    }
    assert_eq!(server.log.count("Replacing this session"), 1);
    // The second server runs on Unix: the command limit does not apply to it.
    assert!(client.client().await.is_ok());
    assert_eq!(server.log.count("Replacing this session"), 1);
    client.quit().await;
}

#[tokio::test]
async fn command_limit_applies_to_all_servers_if_configured() {
    let server = Scenario::of([one_file("a", VSFTPD), one_file("b", VSFTPD)]).start();
    let mut client = server.managed_with(|config| {
        config.rotation.commands = 14;
        config.retry.tries = 0;
        config.rotation.applies_to = RotationScope::All;
    });
    for name in ["a", "b"] {
        store(&mut client, name, b"x").await.unwrap();
    }
    server.log.must_have("Replacing this session");
    client.quit().await;
}

#[tokio::test]
async fn session_is_replaced_when_it_is_old() {
    let server = Scenario::of([one_file("a", VSFTPD), one_file("b", VSFTPD)]).start();
    let mut client = server.managed_with(|config| {
        config.rotation.age = Duration::ZERO;
        config.retry.tries = 0;
    });
    for name in ["a", "b"] {
        store(&mut client, name, b"x").await.unwrap();
    }
    client.quit().await;
}

/// A session of one upload, which ends with these bytes.
fn ends_while_idle(words: &'static [u8], ended: oneshot::Sender<()>) -> Script {
    session(async move |peer| {
        peer.upload("a").await;
        peer.send(words).await;
        peer.disconnect();
        ended.send(()).unwrap();
    })
}

#[tokio::test]
async fn session_that_ended_while_it_was_idle_costs_no_file_and_no_attempt() {
    for words in [&b""[..], b"421 Timeout.\r\n", b"421-Timeout.\r\n421 Bye.\r\n"] {
        let (end, ended) = oneshot::channel();
        let server =
            Scenario::of([ends_while_idle(words, end), one_file("b", "220 ready")]).start();
        let mut client = server.managed();
        store(&mut client, "a", b"x").await.unwrap();
        ended.await.unwrap();
        let mut source = Memory::new(b"x");
        let uploaded = run(&mut client, &plan("b", b"x"), &mut source).await.unwrap();
        assert_eq!((uploaded.attempts, uploaded.verified), (1, Verified::Size { bytes: 1 }));
        assert!(!source.seen.contains(&"interrupted".to_owned()));
        client.quit().await;
    }
}

#[tokio::test]
async fn end_of_an_idle_session_is_noticed_without_a_command() {
    let (end, ended) = oneshot::channel();
    let server =
        Scenario::of([ends_while_idle(b"421 Timeout.\r\n", end), one_file("b", "220 ready")])
            .start();
    let mut client = server.managed();
    store(&mut client, "a", b"x").await.unwrap();
    client.idle().await;
    assert!(server.log.has("421 Timeout.") && !client.is_usable());
    ended.await.unwrap();
    store(&mut client, "b", b"x").await.unwrap();
    client.quit().await;
}

#[tokio::test]
async fn lookup_and_port_of_the_next_upload_are_prefetched() {
    let server = Scenario::session(async |peer| {
        peer.upload("a").await;
        peer.expect_free("b").await;
        // The reply to EPSV is used by the next upload.
        let content = peer.stor_all().await;
        assert_eq!(content, b"xyz");
        peer.check_and_rename("b", 3).await;
    })
    .start();
    let mut client = server.managed();
    let mut source = Memory::new(b"abc");
    source.upcoming = Some(path("b"));
    run(&mut client, &plan("a", b"abc"), &mut source).await.unwrap();
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// The next upload does not wait for one that is retried.
#[tokio::test]
async fn next_upload_is_released_when_this_one_is_retried() {
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename("a", 3).await;
        peer.expect_free("b").await;
    });
    let server = Scenario::of([first, second]).start();
    let mut source = Memory::new(b"abc");
    source.upcoming = Some(path("b"));
    server.run(&plan("a", b"abc"), &mut source).await.unwrap();
    let given_back = source.seen.iter().filter(|seen| *seen == "upcoming given back").count();
    assert_eq!(given_back, 1, "{:?}", source.seen);
    assert_eq!(source.upcoming, None, "it was asked for again in the end");
}

/// Some servers run commands of a batch in parallel and reply out of order.
#[tokio::test]
async fn server_that_answers_out_of_order_gets_commands_one_by_one() {
    let mixes = session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.expect_for_temporary("SIZE").await;
        peer.expect_for_temporary("RNFR").await;
        peer.expect("RNTO /home/a").await;
        peer.expect("SIZE /home/a").await;
        peer.say("350 to?\r\n213 3\r\n250 ok").await;
        while peer.command().await.is_some() {}
    });
    let careful = connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.set_up_one_by_one(A_WHILE).await;
        peer.answer_size("a", "213 3").await;
        let temporary = peer.command().await.unwrap();
        assert!(temporary.starts_with("SIZE /home/a."), "{temporary}");
        peer.expect_silence(A_WHILE).await;
        peer.say("550 none").await;
        let _port = peer.extended_passive().await;
        peer.answer_size("a", "213 3").await;
    });
    let server = Scenario::of([mixes, careful]).start();
    server.store("a", b"abc").await.unwrap();
    server.log.must_have("in another order");
    server.log.must_have("one by one");
}
