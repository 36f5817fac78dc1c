//! Batches of commands, prefetched ports, parallel connections and replaced sessions, and the
//! fallbacks for servers that do not support them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::time::Duration;

use ftps::{
    Cause, Fallback, ManagedClient, RotationScope, Stage, Verified, profile::PipelineDuringTransfer,
};
use scripted::{
    FullPort, SECRET, Scenario, Script, Server, connection, path, read_to_end, session, upload,
    uploads::{Memory, engine_error, plan, run, store},
};
use tokio::sync::oneshot;

/// Within this time nothing may come.
const A_WHILE: Duration = Duration::from_millis(30);

const VSFTPD: &str = "220 (vsFTPd 3.0.5)";

#[tokio::test]
async fn auth_user_and_pass_go_alone() {
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
async fn upload_that_may_follow_is_asked_about_and_not_started() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
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
async fn port_whose_prefetch_was_refused_is_asked_for_again() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.set_up().await;
        peer.answer("EPSV", "500 not so early").await;
        peer.expect_free("a").await;
        peer.answer("EPSV", "425 not yet").await;
        peer.stor_all().await;
        peer.check_and_rename("a", 1).await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "a", b"x").await.unwrap();
    assert_eq!(server.log.count("Command: EPSV"), 3);
}

/// A prefetched port is used within 30 s: servers close a port after about a minute.
#[tokio::test]
async fn what_was_prefetched_long_ago_is_asked_for_again() {
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
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        let port = peer.open_port().await;
        peer.say(&format!("226 done\r\n{}", port.reply())).await;
        peer.expect_for_temporary("SIZE").await;
        // The client connects beside the batch, without another command.
        let tcp = port.accept_tcp().await;
        peer.say("213 1").await;
        peer.rename("a").await;
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
async fn port_is_asked_for_during_a_transfer_where_the_greeting_names_a_server_that_takes_it() {
    for greeting in [VSFTPD, "220-FileZilla Server 1.9.4\r\n220 welcome"] {
        stored_with_the_port_asked_for_during_the_transfer(greeting).await;
    }
}

#[tokio::test]
async fn port_is_not_asked_for_during_a_transfer_of_another_server() {
    for greeting in ["220 ready", "220 ProFTPD Server", "220 Microsoft FTP Service"] {
        let server = Scenario::session(async move |peer| {
            peer.expect_free("a").await;
            let mut data = peer.stor().await;
            read_to_end(&mut data).await;
            peer.expect_silence(A_WHILE).await;
            peer.say("226 done").await;
            peer.check_and_rename("a", 1).await;
            peer.expect_free("b").await;
            let _port = peer.extended_passive().await;
        })
        .greeting(greeting)
        .start();
        let mut client = server.managed();
        run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
    }
}

/// The session after a failed command during a transfer: the file is stored already, and no command
/// is sent during a transfer.
fn careful_afterwards() -> Script {
    session(async move |peer| {
        peer.expect_retry("a", 1).await;
        peer.check_and_rename("a", 1).await;
        peer.expect_free("b").await;
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
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
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
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
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        peer.say("500 Unknown command").await;
        let _client_may_be_gone = peer.try_send(b"226 done\r\n").await;
        peer.expect_end().await;
    });
    let server = Scenario::of([refuses, careful_afterwards()]).greeting(VSFTPD).start();
    learns_to_pipeline_no_more_during_transfers(&server).await;
}

#[tokio::test]
async fn refusal_of_a_transfer_during_which_a_command_was_sent_is_the_refusal() {
    let full = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
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
    let mut client = server.managed();
    let error = engine_error(
        run(&mut client, &plan("a", b"x"), &mut Memory::followed_by("b")).await.unwrap_err(),
    );
    assert_eq!(Cause::of(&error), Cause::DiskFull);
}

/// The server closed the prefetched connection: the client asks for another one.
#[tokio::test]
async fn prefetched_connection_that_was_closed_is_made_again() {
    let (is_closed, closed) = oneshot::channel();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        let port = peer.open_port().await;
        peer.say(&format!("226 done\r\n{}", port.reply())).await;
        peer.expect_for_temporary("SIZE").await;
        let tcp = port.accept_tcp().await;
        peer.say("213 1").await;
        peer.rename("a").await;
        peer.expect_free("b").await;
        drop((tcp, port));
        is_closed.send(()).unwrap();
        peer.stor_all().await;
        peer.check_and_rename("b", 1).await;
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
        peer.expect_taken("a", 4).await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(5), upload(&mut client, "b", b"b"));
    let error = refused.await.unwrap().unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
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
async fn port_that_is_closed_by_a_refusal_is_the_refusal() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        let port = peer.extended_passive().await;
        drop(port);
        peer.expect("STOR /home/b").await;
        tokio::time::sleep(A_WHILE).await;
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.expect_taken("a", 4).await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    let error = upload(&mut client, "b", b"b").await.unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
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
async fn session_is_replaced_after_so_many_commands() {
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
async fn session_is_replaced_whoever_the_server_is_where_that_is_wanted() {
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
async fn end_of_an_idle_session_is_noticed_while_nothing_is_asked() {
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
