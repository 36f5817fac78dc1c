//! Commands that go together, ports that are asked for ahead, connections that are made side by
//! side, and sessions that are replaced: what is gained by it, and what becomes of servers that do
//! not take it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::time::Duration;

use ftps::{
    Cause, Fallback, ManagedClient, RotationScope, Stage, Verified,
    profile::PipelineDuringTransfer, upload::Stop,
};
use scripted::{
    Identity, Log, Peer, SECRET, Server, Stuffed, path, read_to_end, script, upload,
    uploads::{Memory, Script, bring, line, plan},
};
use tokio::sync::oneshot;

/// So long nothing may come.
const A_WHILE: Duration = Duration::from_millis(30);

const VSFTPD: &str = "220 (vsFTPd 3.0.5)";

/// A file behind which another one follows.
fn followed_by(name: &str) -> Memory {
    let mut source = Memory::new(b"x");
    source.upcoming = Some(path(name));
    source
}

#[tokio::test]
async fn auth_user_and_pass_go_alone() {
    let server = Server::start(async |mut peer| {
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
        // The client goes away before it is answered.
    })
    .await;
    let mut line = line(&server, &Log::default());
    assert!(line.client().await.is_err());
    server.finished().await;
}

/// A `STOR` that is not followed by a file would leave an empty one.
#[tokio::test]
async fn upload_that_may_follow_is_asked_about_and_not_begun() {
    let server = Server::start(async |mut peer| {
        peer.log_in_as(VSFTPD).await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        peer.say("226 done").await;
        let port = peer.open_port().await;
        peer.say(&port.reply()).await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
        peer.look("b", "550 none").await;
        peer.expect("QUIT").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap();
    line.quit().await;
    server.finished().await;
}

#[tokio::test]
async fn port_that_was_refused_ahead_is_asked_for_again() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.let_in_so_far().await;
        peer.answer("EPSV", "500 not so early").await;
        peer.look("a", "550 none").await;
        peer.answer("EPSV", "425 not yet").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    assert_eq!(log.count("Command: EPSV"), 3);
    server.finished().await;
}

/// What was asked ahead holds for half a minute: servers give a port up after a minute or so.
#[tokio::test]
async fn what_was_asked_long_ago_is_asked_again() {
    let (is_done, done) = oneshot::channel();
    let (is_old, old) = oneshot::channel();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
        peer.look("b", "550 none").await;
        let _expires = peer.extended_passive().await;
        done.await.unwrap();
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
        tokio::time::resume();
        is_old.send(()).unwrap();
        peer.look("b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "b", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap();
    is_done.send(()).unwrap();
    old.await.unwrap();
    bring(&mut line, &plan("b", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

/// The port comes with the end of the last file, and the connection to it before `STOR`.
async fn stored_with_the_port_asked_behind(greeting: &'static str) {
    let server = Server::start(async move |mut peer| {
        peer.log_in_as(greeting).await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        let port = peer.open_port().await;
        peer.say(&format!("226 done\r\n{}", port.reply())).await;
        peer.expect(&format!("SIZE {temporary}")).await;
        // Side by side with the flight; no command asks for it.
        let tcp = port.accept_tcp().await;
        peer.say("213 1").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
        peer.look("b", "550 none").await;
        let command = peer.command().await.unwrap();
        let temporary = command.strip_prefix("STOR ").unwrap().to_owned();
        peer.say("150 go").await;
        assert_eq!(read_to_end(&mut port.accept_over(tcp).await).await, b"y");
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "b", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap();
    bring(&mut line, &plan("b", b"y"), &mut Memory::new(b"y")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn port_is_asked_for_behind_a_transfer_where_the_greeting_names_a_server_that_takes_it() {
    for greeting in [VSFTPD, "220-FileZilla Server 1.9.4\r\n220 welcome"] {
        stored_with_the_port_asked_behind(greeting).await;
    }
}

#[tokio::test]
async fn port_is_not_asked_for_behind_a_transfer_of_another_server() {
    for greeting in ["220 ready", "220 ProFTPD Server", "220 Microsoft FTP Service"] {
        let server = Server::start(async move |mut peer| {
            peer.log_in_as(greeting).await;
            peer.look("a", "550 none").await;
            let (temporary, mut data) = peer.stor().await;
            read_to_end(&mut data).await;
            peer.expect_silence(A_WHILE).await;
            peer.say("226 done").await;
            peer.check_and_rename_at_once(&temporary, "a", 1).await;
            peer.look("b", "550 none").await;
            let _port = peer.extended_passive().await;
        })
        .await;
        let mut line = line(&server, &Log::default());
        bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap();
        server.finished().await;
    }
}

/// After what happened to the command behind the first transfer, the second session has the file
/// already, and nothing is sent behind a transfer any more.
fn careful_afterwards(temporary: oneshot::Receiver<String>) -> scripted::BoxedScript {
    script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in_as(VSFTPD).await;
        peer.look_again("a", &temporary, 1).await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
        peer.look("b", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect_silence(A_WHILE).await;
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "b", 1).await;
        peer.look("c", "550 none").await;
        let _port = peer.extended_passive().await;
    })
}

async fn learns_to_ask_no_more_behind_transfers(server: Server, log: &Log) {
    let mut config = server.config();
    config.timeouts.flight = Duration::from_millis(50);
    config.retry.first = Duration::from_millis(10);
    let connector = server.connector(config, log);
    let mut line = ManagedClient::new(connector.clone());
    bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap();
    assert_eq!(connector.profile().pipeline_during_transfer, PipelineDuringTransfer::Never);
    bring(&mut line, &plan("b", b"x"), &mut followed_by("c")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn server_that_drops_what_comes_behind_a_transfer_is_not_asked_so_again() {
    let (name, temporary) = oneshot::channel();
    let drops = script(async move |mut peer: Peer| {
        peer.log_in_as(VSFTPD).await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        name.send(temporary).unwrap();
        peer.say("226 done").await;
        peer.expect_end().await;
    });
    let scripts = vec![drops, careful_afterwards(temporary)];
    let server = Server::start_with(Identity::default(), scripts).await;
    learns_to_ask_no_more_behind_transfers(server, &Log::default()).await;
}

/// The answer to the command comes before that to the transfer, and is no refusal of the file.
#[tokio::test]
async fn server_that_knows_no_command_during_a_transfer_is_not_asked_so_again() {
    let (name, temporary) = oneshot::channel();
    let refuses = script(async move |mut peer: Peer| {
        peer.log_in_as(VSFTPD).await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        name.send(temporary).unwrap();
        peer.say("500 Unknown command").await;
        let _client_may_be_gone = peer.try_send(b"226 done\r\n").await;
        peer.expect_end().await;
    });
    let scripts = vec![refuses, careful_afterwards(temporary)];
    let server = Server::start_with(Identity::default(), scripts).await;
    learns_to_ask_no_more_behind_transfers(server, &Log::default()).await;
}

#[tokio::test]
async fn refusal_of_a_transfer_with_a_command_behind_it_is_the_refusal() {
    let (name, temporary) = oneshot::channel();
    let full = script(async move |mut peer: Peer| {
        peer.log_in_as(VSFTPD).await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        name.send(temporary).unwrap();
        peer.say("452 Error writing file.").await;
        let port = peer.open_port().await;
        let _client_may_be_gone = peer.try_send(format!("{}\r\n", port.reply()).as_bytes()).await;
        peer.expect_end().await;
    });
    // What was written is removed in another session: in this one, which answer is whose is not
    // certain.
    let removes = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in_as(VSFTPD).await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
    });
    let server = Server::start_with(Identity::default(), vec![full, removes]).await;
    let mut line = line(&server, &Log::default());
    let failed = bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::DiskFull);
    server.finished().await;
}

/// The connection that was made ahead was closed meanwhile: another one is asked for.
#[tokio::test]
async fn connection_that_was_made_ahead_and_closed_is_made_again() {
    let (is_closed, closed) = oneshot::channel();
    let server = Server::start(async move |mut peer| {
        peer.log_in_as(VSFTPD).await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect("EPSV").await;
        let port = peer.open_port().await;
        peer.say(&format!("226 done\r\n{}", port.reply())).await;
        peer.expect(&format!("SIZE {temporary}")).await;
        let tcp = port.accept_tcp().await;
        peer.say("213 1").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
        peer.look("b", "550 none").await;
        drop((tcp, port));
        is_closed.send(()).unwrap();
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "b", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut followed_by("b")).await.unwrap();
    closed.await.unwrap();
    bring(&mut line, &plan("b", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

/// `STOR` goes out while the connection is made, which never stands.
#[tokio::test]
async fn refusal_is_heard_before_the_data_connection_stands() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.store("a").await;
        let stuffed = Stuffed::new().await;
        peer.answer("EPSV", &stuffed.reply()).await;
        peer.answer("STOR /home/b", "553 Could not create file.").await;
        peer.answer_noop().await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    upload(&mut client, "a", b"a").await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(5), upload(&mut client, "b", b"b"));
    let error = refused.await.unwrap().unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

/// A server that waits for the connection takes no other command meanwhile.
#[tokio::test]
async fn data_connection_that_never_stands_costs_the_session() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.store("a").await;
        let stuffed = Stuffed::new().await;
        peer.answer("EPSV", &stuffed.reply()).await;
        peer.expect("STOR /home/b").await;
        peer.expect_end().await;
    })
    .await;
    let mut config = server.config();
    config.timeouts.data_connect = Duration::from_millis(100);
    config.timeouts.verdict = Duration::from_millis(50);
    let connector = server.connector(config, &Log::default());
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    let error = upload(&mut client, "b", b"b").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataConnection);
    assert_eq!(Cause::of(&error), Cause::DataConnectionBlocked);
    assert!(!client.is_usable());
    assert_eq!(connector.learn(&error), Some(Fallback::NewConnection));
    drop(client);
    server.finished().await;
}

/// A server that refuses closes its port first; the reply comes later, and says why.
#[tokio::test]
async fn port_that_is_closed_by_a_refusal_is_the_refusal() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.store("a").await;
        let port = peer.extended_passive().await;
        drop(port);
        peer.expect("STOR /home/b").await;
        tokio::time::sleep(A_WHILE).await;
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    upload(&mut client, "a", b"a").await.unwrap();
    let error = upload(&mut client, "b", b"b").await.unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Transfer, Cause::NotPermitted));
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

/// A session for one file, which is logged out of.
fn one_file(name: &'static str, greeting: &'static str) -> scripted::BoxedScript {
    script(async move |mut peer: Peer| {
        peer.log_in_as(greeting).await;
        peer.look(name, "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, name, 1).await;
        peer.let_go().await;
    })
}

#[tokio::test]
async fn session_is_replaced_after_so_many_commands() {
    let scripts = vec![one_file("a", "220 ready"), one_file("b", VSFTPD)];
    let server = Server::start_with(Identity::default(), scripts).await;
    let mut config = server.config();
    config.rotation.commands = 14;
    config.retry.tries = 0;
    let log = Log::default();
    let mut line = ManagedClient::new(server.connector(config, &log));
    for name in ["a", "b"] {
        bring(&mut line, &plan(name, b"x"), &mut Memory::new(b"x")).await.unwrap();
    }
    assert_eq!(log.count("A new one goes on, before a firewall"), 1);
    // The second runs on Unix: it is not worn out by commands.
    assert!(line.client().await.is_ok());
    assert_eq!(log.count("A new one goes on, before a firewall"), 1);
    line.quit().await;
    server.finished().await;
}

#[tokio::test]
async fn session_is_replaced_whoever_the_server_is_where_that_is_wanted() {
    let scripts = vec![one_file("a", VSFTPD), one_file("b", VSFTPD)];
    let server = Server::start_with(Identity::default(), scripts).await;
    let mut config = server.config();
    config.rotation.commands = 14;
    config.retry.tries = 0;
    config.rotation.applies_to = RotationScope::All;
    let log = Log::default();
    let mut line = ManagedClient::new(server.connector(config, &log));
    for name in ["a", "b"] {
        bring(&mut line, &plan(name, b"x"), &mut Memory::new(b"x")).await.unwrap();
    }
    assert!(log.has("This session took"));
    line.quit().await;
    server.finished().await;
}

#[tokio::test]
async fn session_is_replaced_when_it_is_old() {
    let scripts = vec![one_file("a", VSFTPD), one_file("b", VSFTPD)];
    let server = Server::start_with(Identity::default(), scripts).await;
    let mut config = server.config();
    config.rotation.age = Duration::ZERO;
    config.retry.tries = 0;
    let mut line = ManagedClient::new(server.connector(config, &Log::default()));
    for name in ["a", "b"] {
        bring(&mut line, &plan(name, b"x"), &mut Memory::new(b"x")).await.unwrap();
    }
    line.quit().await;
    server.finished().await;
}

/// One file, and then the session ends with these words, or without any.
fn ends_while_idle(words: &'static [u8], ended: oneshot::Sender<()>) -> scripted::BoxedScript {
    script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
        peer.send(words).await;
        drop(peer);
        ended.send(()).unwrap();
    })
}

#[tokio::test]
async fn session_that_ended_while_it_was_idle_costs_no_file_and_no_attempt() {
    for words in [&b""[..], b"421 Timeout.\r\n", b"421-Timeout.\r\n421 Bye.\r\n"] {
        let (end, ended) = oneshot::channel();
        let scripts = vec![ends_while_idle(words, end), one_file("b", "220 ready")];
        let server = Server::start_with(Identity::default(), scripts).await;
        let mut line = line(&server, &Log::default());
        bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
        ended.await.unwrap();
        let mut source = Memory::new(b"x");
        let uploaded = bring(&mut line, &plan("b", b"x"), &mut source).await.unwrap();
        assert_eq!((uploaded.attempts, uploaded.verified), (1, Verified::Size { bytes: 1 }));
        assert!(!source.seen.contains(&"interrupted".to_owned()));
        line.quit().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn end_of_an_idle_session_is_noticed_while_nothing_is_asked() {
    let (end, ended) = oneshot::channel();
    let scripts = vec![ends_while_idle(b"421 Timeout.\r\n", end), one_file("b", "220 ready")];
    let server = Server::start_with(Identity::default(), scripts).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    line.idle().await;
    assert!(log.has("421 Timeout.") && !line.is_usable());
    ended.await.unwrap();
    bring(&mut line, &plan("b", b"x"), &mut Memory::new(b"x")).await.unwrap();
    line.quit().await;
    server.finished().await;
}
