//! What else happens between a client and its servers: the cases that old clients were caught by.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use ftps::{
    Cause, Encryption, RemotePath, Stage, Verified,
    upload::{Existing, Stop},
};
use scripted::{
    Identity, Log, Peer, SECRET, Server, path, read_to_end, script, upload,
    uploads::{Memory, Script, bring, content, line, log_in_with, plan, read_some},
};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn implicit_tls_stores_as_explicit_tls_does() {
    let server = Server::start(async |mut peer| {
        peer.start_tls().await;
        peer.say("220 ready").await;
        peer.let_in().await;
        assert_eq!(peer.store("a").await, b"content");
    })
    .await;
    let connector = server.connector_over(Encryption::Implicit, server.config(), &Log::default());
    let mut client = connector.open().await.unwrap();
    assert!(upload(&mut client, "a", b"content").await.unwrap().tls.resumed);
    server.finished().await;
}

#[tokio::test]
async fn whole_session_goes_over_ipv6() {
    let stores = script(async |mut peer: Peer| {
        peer.log_in().await;
        assert_eq!(peer.store("a").await, b"content");
    });
    let Some(server) = Server::start_over_ipv6(stores).await else { return };
    let mut client = server.open(&Log::default()).await;
    assert!(client.facts().address.is_ipv6());
    upload(&mut client, "a", b"content").await.unwrap();
    server.finished().await;
}

/// A 227 has no place for an IPv6 address, and some servers refuse `PASV` there with a 425.
#[tokio::test]
async fn pasv_is_not_tried_over_ipv6() {
    let refuses = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.answer("EPSV", "500 unknown").await;
        peer.answer("SIZE /home/a", "213 4").await;
    });
    let Some(server) = Server::start_over_ipv6(refuses).await else { return };
    let mut client = server.open(&Log::default()).await;
    let error = upload(&mut client, "a", b"content").await.unwrap_err();
    assert_eq!(error.reply().unwrap().to_string(), "500 unknown");
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn file_is_appended_to() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let port = peer.extended_passive().await;
        peer.answer("APPE /home/a", "150 go").await;
        assert_eq!(read_to_end(&mut port.accept().await).await, b"more");
        peer.say("226 done").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    let mut store = client.append(&path("a")).await.unwrap();
    store.write(b"more").await.unwrap();
    assert_eq!(store.finish().await.unwrap().bytes, 4);
    server.finished().await;
}

/// What is left after a break is fetched up by `APPE`, and only that.
#[tokio::test]
async fn server_that_refuses_rest_and_takes_appe_gets_the_rest() {
    let file = content(300_000);
    let (first_part, rest) = (file.clone(), file[100_000..].to_vec());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let breaks = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 100_000).await, first_part[..100_000]);
        name.send(temporary).unwrap();
    });
    let appends = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 100000", "502 not here").await;
        peer.look_again("a", &temporary, 100_000).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 0", "502 not here").await;
        peer.answer(&format!("APPE {temporary}"), "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == rest);
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", 300_000).await;
    });
    let server = Server::start_with(Identity::default(), vec![breaks, appends]).await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn upload_with_nothing_left_to_go_on_from_starts_at_the_first_byte() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        peer.answer("SIZE /home/a.0123abcd.part", "550 none").await;
        let (temporary, content) = peer.stor_all().await;
        assert_eq!((temporary.as_str(), &content[..]), ("/home/a.0123abcd.part", &b"abc"[..]));
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("/home/a.0123abcd.part"));
    bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap();
    server.finished().await;
}

/// What `EPSV` and `PASV` may be answered with that leads nowhere.
#[tokio::test]
async fn answers_that_name_no_port_are_said_to_name_none() {
    let nonsense = [
        ("229 Entering Extended Passive Mode (|||1000000|)", None),
        ("229 Entering Extended Passive Mode", None),
        ("229 Extended (|||0|)", None),
        ("200 fine", None),
        ("502 unknown", Some("227 Entering Passive Mode (1216,256,2,127,127,127)")),
        ("502 unknown", Some("227 Entering Passive Mode")),
        ("502 unknown", Some("227 Passive (127,0,0,1,0,0)")),
        ("502 unknown", Some("200 fine")),
    ];
    for (epsv, pasv) in nonsense {
        let server = Server::start(async move |mut peer| {
            peer.log_in().await;
            peer.answer("EPSV", epsv).await;
            if let Some(pasv) = pasv {
                peer.answer("PASV", pasv).await;
            }
            peer.answer("SIZE /home/a", "213 4").await;
        })
        .await;
        let log = Log::default();
        let mut client = server.open(&log).await;
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::DataConnection, "{epsv} {pasv:?}");
        assert!(!log.has("for the data"), "{epsv} {pasv:?}");
        // Nothing is left half done.
        assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
        server.finished().await;
    }
}

#[tokio::test]
async fn epsv_and_pasv_that_are_refused_are_an_error_with_the_last_words() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("EPSV", "500 unknown").await;
        peer.answer("PASV", "500 unknown as well").await;
        peer.answer("SIZE /home/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.reply().unwrap().to_string(), "500 unknown as well");
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn reply_425_without_a_data_connection_is_tried_again() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let port = peer.extended_passive().await;
        let command = peer.command().await.unwrap();
        let temporary = command.strip_prefix("STOR ").unwrap().to_owned();
        drop(port.accept_tcp().await);
        peer.say("450 try again, there are too few ports").await;
        peer.answer_noop().await;
        peer.look("a", "550 none").await;
        let (again, _) = peer.stor_all().await;
        assert_eq!(again, temporary);
        peer.check_and_rename_at_once(&temporary, "a", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn codes_that_are_as_good_as_the_usual_ones_are_taken() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "202 superfluous, but fine").await;
        peer.answer("PBSZ 0", "200 PBSZ=0").await;
        peer.answer("PROT P", "234 private").await;
        peer.answer("FEAT", "211 no-features").await;
        peer.answer("OPTS UTF8 ON", "202 always on").await;
        peer.answer("TYPE I", "226 kind of on the positive side").await;
        peer.answer("PWD", "257 \"/home\"").await;
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "125 already open").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("250 stored").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    upload(&mut client, "a", b"a").await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn replies_of_many_lines_are_taken_wherever_they_come() {
    let server = Server::start(async |mut peer| {
        peer.say("220-hello\r\n220 ready").await;
        peer.answer("AUTH TLS", "234-soon\r\n234 go").await;
        peer.start_tls().await;
        peer.answer("USER ada", "331-who?\r\n331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230-news:\r\n 550 is a number\r\n230 in").await;
        peer.answer("PBSZ 0", "200-\r\n200 ok").await;
        peer.answer("PROT P", "200 ok").await;
        peer.answer("FEAT", "211-Features\r\n211-SIZE\r\n211-MFMT\r\n211 End").await;
        peer.answer("OPTS UTF8 ON", "200 ok").await;
        peer.answer("TYPE I", "200 ok").await;
        peer.answer("PWD", "257-\"/home\"\r\n257 is where you are").await;
        let port = peer.open_port().await;
        peer.answer("EPSV", &format!("{}\r\n229 go", port.reply().replacen(' ', "-", 1))).await;
        peer.answer("STOR /home/a", "150-soon\r\n150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226-3 files left\r\n226-of your quota\r\n226 done").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    assert!(client.facts().features.has("MFMT"));
    let stored = upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(stored.reply.lines().len(), 3);
    server.finished().await;
}

#[tokio::test]
async fn reply_of_hundreds_of_lines_is_taken() {
    let lines: String = (0..200).map(|_| format!("250-{}\r\n", "A".repeat(70))).collect();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.answer("CWD /home/d", &format!("{lines}250 there")).await;
        peer.answer("SIZE /home/d/a", "213 4").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    client.make_directories(&path("d")).await.unwrap();
    assert_eq!(client.size(&path("d/a")).await.unwrap(), Some(4));
    server.finished().await;
}

#[tokio::test]
async fn code_that_no_reply_has_ends_the_session() {
    for nonsense in ["633 nothing", "099 nothing", "2a0 nothing", "hello"] {
        let server = Server::start(async move |mut peer| {
            peer.secure().await;
            peer.answer("USER ada", nonsense).await;
            peer.expect_end().await;
        })
        .await;
        let connector = server.connector(server.config(), &Log::default());
        let error = connector.open().await.unwrap_err();
        assert_eq!(Cause::of(&error), Cause::ProtocolViolation, "{nonsense}");
        server.finished().await;
    }
}

#[tokio::test]
async fn nul_in_a_reply_does_no_harm() {
    let server = Server::start(async |mut peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {SECRET}"), "230 logged\0 in").await;
        peer.answer("PBSZ 0", "200 ok").await;
        peer.answer("PROT P", "200 ok").await;
        peer.answer("FEAT", "211 none").await;
        peer.answer("OPTS UTF8 ON", "200 ok").await;
        peer.answer("TYPE I", "200 ok").await;
        // A directory that no command could name: paths start at the root then.
        peer.answer("PWD", "257 \"/a\0b\"").await;
        peer.answer("SIZE /a", "213 4").await;
    })
    .await;
    let log = Log::default();
    let mut client = server.open(&log).await;
    assert_eq!(client.facts().initial_directory, None);
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    assert!(!log.has("\0") && log.has("230 logged"));
    server.finished().await;
}

/// What the server calls the directory, and what `a` is then.
#[tokio::test]
async fn directory_of_the_login_is_understood_as_far_as_it_can_be() {
    let answers = [
        ("257 \"/with \"\"quotes\"\"\" is where you are", "/with \"quotes\"/a"),
        ("257 \"/uneven", "/a"),
        ("257 /bare", "/a"),
        ("257 \"/\u{3}\"", "/\u{3}/a"),
        ("550 hidden", "/a"),
    ];
    for (pwd, expected) in answers {
        let server = Server::start(async move |mut peer| {
            peer.secure().await;
            peer.answer("USER ada", "331 password").await;
            peer.answer(&format!("PASS {SECRET}"), "230 in").await;
            for command in ["PBSZ 0", "PROT P", "FEAT", "OPTS UTF8 ON", "TYPE I"] {
                peer.answer(command, "200 ok").await;
            }
            peer.answer("PWD", pwd).await;
            peer.answer(&format!("SIZE {expected}"), "213 4").await;
        })
        .await;
        let log = Log::default();
        let mut client = server.open(&log).await;
        client.size(&path("a")).await.unwrap();
        assert!(!log.has("\u{3}"));
        server.finished().await;
    }
}

#[tokio::test]
async fn path_from_the_root_is_not_put_below_the_directory_of_the_login() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("SIZE /a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        assert!(temporary.starts_with("/a."), "{temporary}");
        peer.answer(&format!("SIZE {temporary}"), "213 1").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /a", "250 ok").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("/a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn path_of_a_hundred_directories_is_made_and_stored_at() {
    let directories: Vec<String> =
        (1..=100).map(|depth| format!("/home/{}", vec!["d"; depth].join("/"))).collect();
    let deepest = directories.last().unwrap().clone();
    let target = format!("{}/a", deepest.strip_prefix("/home/").unwrap());
    let file = target.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.answer(&format!("CWD {deepest}"), "550 none").await;
        for directory in &directories {
            peer.answer(&format!("MKD {directory}"), "257 made").await;
        }
        peer.look(&file, "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, &file, 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan(&target, b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

/// Two sessions at once, or somebody else, make the same directory: whoever comes second is told
/// that it exists, in one of many ways.
#[tokio::test]
async fn directory_that_somebody_else_was_quicker_to_make_is_fine() {
    for refusal in ["550 File exists", "521 \"/home/d\" directory exists", "250 created"] {
        let server = Server::start(async move |mut peer| {
            peer.log_in().await;
            peer.answer("CWD /home/d", "550 none").await;
            peer.answer("MKD /home/d", refusal).await;
            if !refusal.starts_with('2') {
                peer.answer("CWD /home/d", "250 there").await;
            }
            peer.look("d/a", "550 none").await;
            let (temporary, _) = peer.stor_all().await;
            peer.check_and_rename_at_once(&temporary, "d/a", 1).await;
        })
        .await;
        let mut line = line(&server, &Log::default());
        bring(&mut line, &plan("d/a", b"x"), &mut Memory::new(b"x")).await.unwrap();
        server.finished().await;
    }
}

/// A name is bytes: what could end a command cannot be part of one, all else goes as it is.
#[tokio::test]
async fn names_go_over_the_wire_as_they_are_or_not_at_all() {
    for injection in ["a\r\nDELE b", "a\nDELE b", "a\rDELE b", "a\0b"] {
        assert!(RemotePath::try_from(injection).is_err(), "{injection:?}");
    }
    let names = ["with space ", " lead", "[a]*?", "a;b|c", "ümläut", "-l", "\"quoted\"", "a\\b"];
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        for name in names {
            assert_eq!(peer.store(name).await, b"x");
        }
        let port = peer.extended_passive().await;
        assert_eq!(peer.command_bytes().await, b"STOR /home/\xff\xe4\r\n");
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
    })
    .await;
    let mut client = server.open(&Log::default()).await;
    for name in names {
        upload(&mut client, name, b"x").await.unwrap();
    }
    let odd = RemotePath::new(b"\xff\xe4".to_vec()).unwrap();
    client.store(&odd, 0).await.unwrap().finish().await.unwrap();
    server.finished().await;
}

/// `SIZE` is not known: what is there is looked for in the listing, and the reply has to do.
#[tokio::test]
async fn server_without_size_is_asked_for_a_listing_before_anything_is_written() {
    async fn list(peer: &mut Peer, entries: &[u8]) {
        let port = peer.extended_passive().await;
        peer.answer("MLSD /home", "150 go").await;
        let mut data = port.accept().await;
        data.write_all(entries).await.unwrap();
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
    }
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " MLST type*;size*;\r\n").await;
        peer.look("taken", "502 unknown").await;
        list(&mut peer, b"type=file;size=9; taken\r\n").await;
        peer.look("a", "502 unknown").await;
        list(&mut peer, b"type=file;size=9; taken\r\n").await;
        let (temporary, _) = peer.stor_all().await;
        // Nobody took the name meanwhile.
        peer.answer(&format!("SIZE {temporary}"), "502 unknown").await;
        peer.look("a", "502 unknown").await;
        let facts = format!("250-Facts\r\n type=file;size=1; {temporary}\r\n250 End");
        peer.answer(&format!("MLST {temporary}"), &facts).await;
        list(&mut peer, b"").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let taken = bring(&mut line, &plan("taken", b"x"), &mut Memory::new(b"x")).await.unwrap_err();
    assert!(matches!(taken.stop, Stop::Exists { size: Some(9), .. }), "{taken:?}");
    let uploaded = bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 1 });
    server.finished().await;
}

/// The part that came before is not enough to be left alone, and nothing harms the old file.
#[tokio::test]
async fn file_that_comes_to_be_while_the_upload_runs_is_kept() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        peer.look_and_find("a", 9).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let plan = plan("a", &file);
    assert_eq!(plan.existing, Existing::Keep);
    let failed = bring(&mut line, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Exists { size: Some(9), .. }), "{failed:?}");
    server.finished().await;
}

/// What a server that stores one file has of it.
#[derive(Default)]
struct OneFile {
    is_stored: bool,
    is_named: bool,
    port: Option<scripted::DataPort>,
}

impl OneFile {
    async fn answer(&mut self, peer: &mut Peer, command: &str) {
        let (verb, path) = command.split_once(' ').unwrap_or((command, ""));
        let is_there = if path == "/home/a" { self.is_named } else { self.is_stored };
        match verb {
            "SIZE" if is_there => peer.say("213 1").await,
            "SIZE" => peer.say("550 none").await,
            "EPSV" => {
                let port = peer.open_port().await;
                peer.say(&port.reply()).await;
                self.port = Some(port);
            }
            "STOR" => {
                assert!(!self.is_stored && !self.is_named, "what is there is not sent again");
                peer.say("150 go").await;
                read_to_end(&mut self.port.take().unwrap().accept().await).await;
                self.is_stored = true;
                peer.say("226 done").await;
            }
            "RNFR" => peer.say("350 to?").await,
            "RNTO" => {
                (self.is_stored, self.is_named) = (false, true);
                peer.say("250 ok").await;
            }
            other => panic!("{other}"),
        }
    }
}

/// The session ends behind each answer in turn: that costs a connection and never a byte.
#[tokio::test]
async fn session_that_ends_behind_any_command_of_an_upload_is_survived() {
    for answers in 0..6 {
        let (give, take) = tokio::sync::oneshot::channel();
        let breaks = script(async move |mut peer: Peer| {
            let mut file = OneFile::default();
            peer.secure().await;
            peer.let_in_so_far().await;
            for _ in 0..answers {
                let command = peer.command().await.unwrap();
                file.answer(&mut peer, &command).await;
            }
            let _taken = give.send(file);
        });
        let works = script(async move |mut peer: Peer| {
            let mut file = take.await.unwrap();
            peer.secure().await;
            peer.let_in_so_far().await;
            while let Some(command) = peer.command().await.filter(|command| command != "QUIT") {
                file.answer(&mut peer, &command).await;
            }
        });
        let server = Server::start_with(Identity::default(), vec![breaks, works]).await;
        let mut line = line(&server, &Log::default());
        let uploaded = bring(&mut line, &plan("a", b"x"), &mut Memory::new(b"x")).await;
        uploaded.unwrap_or_else(|failed| panic!("after {answers} answers: {failed:?}"));
        line.quit().await;
        server.finished().await;
    }
}
