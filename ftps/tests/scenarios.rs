//! Cases that other FTP clients have failed on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use ftps::{
    Cause, RemotePath, Stage, Verified,
    upload::{Existing, UploadError},
};
use scripted::{
    Peer, Scenario, connection, path, read_some, read_to_end, session, upload,
    uploads::{Memory, content, plan, run, store},
};

const PASS: &str = "PASS sesame-4711";

#[tokio::test]
async fn implicit_tls_stores_as_explicit_tls_does() {
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.store("a").await, b"content");
    })
    .implicit()
    .start();
    let mut client = server.open().await;
    assert!(upload(&mut client, "a", b"content").await.unwrap().tls.resumed);
}

#[tokio::test]
async fn whole_session_goes_over_ipv6() {
    let scenario = Scenario::session(async |peer| {
        assert_eq!(peer.store("a").await, b"content");
    });
    let Some(server) = scenario.start_over_ipv6() else { return };
    let mut client = server.open().await;
    assert!(client.facts().address.is_ipv6());
    upload(&mut client, "a", b"content").await.unwrap();
}

/// A 227 cannot name an IPv6 address, and some servers refuse `PASV` over IPv6 with a 425.
#[tokio::test]
async fn pasv_is_not_tried_over_ipv6() {
    let scenario = Scenario::session(async |peer| {
        peer.answer("EPSV", "500 unknown").await;
        peer.expect_taken("a", 4).await;
    });
    let Some(server) = scenario.start_over_ipv6() else { return };
    let mut client = server.open().await;
    let error = upload(&mut client, "a", b"content").await.unwrap_err();
    assert_eq!(error.reply().unwrap().to_string(), "500 unknown");
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
}

#[tokio::test]
async fn file_is_appended_to() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        peer.answer("APPE /home/a", "150 go").await;
        assert_eq!(read_to_end(&mut port.accept().await).await, b"more");
        peer.say("226 done").await;
    })
    .start();
    let mut client = server.open().await;
    let mut store = client.append(&path("a")).await.unwrap();
    store.write(b"more").await.unwrap();
    assert_eq!(store.finish().await.unwrap().bytes, 4);
}

/// After a break, `APPE` sends only the missing bytes.
#[tokio::test]
async fn server_that_refuses_rest_and_takes_appe_gets_the_rest() {
    let file = content(300_000);
    let (first_part, rest) = (file.clone(), file[100_000..].to_vec());
    let breaks = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 100_000).await, first_part[..100_000]);
        peer.disconnect();
    });
    let appends = session(async move |peer| {
        peer.expect_retry("a", 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 100000", "502 not here").await;
        peer.expect_retry("a", 100_000).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 0", "502 not here").await;
        peer.answer_for_temporary("APPE", "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == rest);
        peer.say("226 done").await;
        peer.check_and_rename("a", 300_000).await;
    });
    let server = Scenario::of([breaks, appends]).start();
    let mut client = server.managed();
    store(&mut client, "a", &file).await.unwrap();
}

#[tokio::test]
async fn upload_with_nothing_left_to_resume_from_starts_at_the_first_byte() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.expect_free("a.0123abcd.part").await;
        assert_eq!(peer.stor_all().await, b"abc");
        assert_eq!(peer.temporary(), "/home/a.0123abcd.part");
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("/home/a.0123abcd.part"));
    run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap();
}

/// Replies to `EPSV` and `PASV` without a usable port.
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
        let server = Scenario::session(async move |peer| {
            peer.answer("EPSV", epsv).await;
            if let Some(pasv) = pasv {
                peer.answer("PASV", pasv).await;
            }
            peer.expect_taken("a", 4).await;
        })
        .start();
        let mut client = server.open().await;
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::DataConnection, "{epsv} {pasv:?}");
        assert!(!server.log.has("Opening the data connection to"), "{epsv} {pasv:?}");
        // The session is in step.
        assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    }
}

#[tokio::test]
async fn epsv_and_pasv_that_are_refused_are_an_error_with_the_last_words() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "500 unknown").await;
        peer.answer("PASV", "500 unknown as well").await;
        peer.expect_taken("a", 4).await;
    })
    .start();
    let mut client = server.open().await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.reply().unwrap().to_string(), "500 unknown as well");
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
}

#[tokio::test]
async fn reply_425_without_a_data_connection_is_tried_again() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let port = peer.extended_passive().await;
        peer.expect_stor().await;
        drop(port.accept_tcp().await);
        peer.say("450 try again, there are too few ports").await;
        peer.answer_noop().await;
        peer.expect_free("a").await;
        let temporary = peer.temporary();
        peer.stor_all().await;
        assert_eq!(peer.temporary(), temporary);
        peer.check_and_rename("a", 1).await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "a", b"x").await.unwrap();
}

#[tokio::test]
async fn codes_that_are_as_good_as_the_usual_ones_are_taken() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "125 already open").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("250 stored").await;
    })
    .answering(PASS, "202 superfluous, but fine")
    .answering("PBSZ 0", "200 PBSZ=0")
    .answering("PROT P", "234 private")
    .answering("FEAT", "211 no-features")
    .answering("OPTS UTF8 ON", "202 always on")
    .answering("TYPE I", "226 kind of on the positive side")
    .answering("PWD", "257 \"/home\"")
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
}

#[tokio::test]
async fn replies_of_many_lines_are_taken_wherever_they_come() {
    let server = Scenario::session(async |peer| {
        let port = peer.open_port().await;
        peer.answer("EPSV", &format!("{}\r\n229 go", port.reply().replacen(' ', "-", 1))).await;
        peer.answer("STOR /home/a", "150-soon\r\n150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226-3 files left\r\n226-of your quota\r\n226 done").await;
    })
    .greeting("220-hello\r\n220 ready")
    .answering("AUTH TLS", "234-soon\r\n234 go")
    .answering("USER ada", "331-who?\r\n331 password")
    .answering(PASS, "230-news:\r\n 550 is a number\r\n230 in")
    .answering("PBSZ 0", "200-\r\n200 ok")
    .answering("FEAT", "211-Features\r\n211-SIZE\r\n211-MFMT\r\n211 End")
    .answering("PWD", "257-\"/home\"\r\n257 is where you are")
    .start();
    let mut client = server.open().await;
    assert!(client.facts().features.has("MFMT"));
    let stored = upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(stored.reply.lines().len(), 3);
}

#[tokio::test]
async fn reply_of_hundreds_of_lines_is_taken() {
    let lines: String = (0..200).map(|_| format!("250-{}\r\n", "A".repeat(70))).collect();
    let server = Scenario::session(async move |peer| {
        peer.answer("CWD /home/d", &format!("{lines}250 there")).await;
        peer.answer("SIZE /home/d/a", "213 4").await;
    })
    .start();
    let mut client = server.open().await;
    client.make_directories(&path("d")).await.unwrap();
    assert_eq!(client.size(&path("d/a")).await.unwrap(), Some(4));
}

#[tokio::test]
async fn code_that_no_reply_has_ends_the_session() {
    for nonsense in ["633 nothing", "099 nothing", "2a0 nothing", "hello"] {
        let server = Scenario::connection(async move |peer| {
            peer.secure().await;
            peer.answer("USER ada", nonsense).await;
            peer.expect_end().await;
        })
        .start();
        let error = server.refused().await;
        assert_eq!(Cause::of(&error), Cause::ProtocolViolation, "{nonsense}");
    }
}

#[tokio::test]
async fn nul_in_a_reply_does_no_harm() {
    let server = Scenario::session(async |peer| peer.answer("SIZE /a", "213 4").await)
        .answering(PASS, "230 logged\0 in")
        // A directory that no command could name: paths start at the root.
        .answering("PWD", "257 \"/a\0b\"")
        .start();
    let mut client = server.open().await;
    assert_eq!(client.facts().initial_directory, None);
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
    assert!(!server.log.has("\0") && server.log.has("230 logged"));
}

/// The reply to `PWD`, and the path of `a` after it.
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
        let server = Scenario::session(async move |peer| {
            peer.answer(&format!("SIZE {expected}"), "213 4").await;
        })
        .answering("PWD", pwd)
        .start();
        let mut client = server.open().await;
        client.size(&path("a")).await.unwrap();
        assert!(!server.log.has("\u{3}"));
    }
}

#[tokio::test]
async fn path_from_the_root_is_not_put_below_the_directory_of_the_login() {
    let server = Scenario::session(async |peer| {
        peer.answer("SIZE /a", "550 none").await;
        peer.stor_all().await;
        assert!(peer.temporary().starts_with("/a."), "{}", peer.temporary());
        peer.answer_temporary_size(1).await;
        peer.answer_for_temporary("RNFR", "350 to?").await;
        peer.answer("RNTO /a", "250 ok").await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "/a", b"x").await.unwrap();
}

#[tokio::test]
async fn path_of_a_hundred_directories_is_made_and_stored_at() {
    let directories: Vec<String> =
        (1..=100).map(|depth| format!("/home/{}", vec!["d"; depth].join("/"))).collect();
    let deepest = directories.last().unwrap().clone();
    let target = format!("{}/a", deepest.strip_prefix("/home/").unwrap());
    let file = target.clone();
    let server = Scenario::session(async move |peer| {
        peer.answer(&format!("CWD {deepest}"), "550 none").await;
        for directory in &directories {
            peer.answer(&format!("MKD {directory}"), "257 made").await;
        }
        peer.upload(&file).await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, &target, b"x").await.unwrap();
}

/// Another session makes the same directory first: the server replies in one of several ways that it
/// exists.
#[tokio::test]
async fn directory_that_somebody_else_was_quicker_to_make_is_fine() {
    for refusal in ["550 File exists", "521 \"/home/d\" directory exists", "250 created"] {
        let server = Scenario::session(async move |peer| {
            peer.answer("CWD /home/d", "550 none").await;
            peer.answer("MKD /home/d", refusal).await;
            if !refusal.starts_with('2') {
                peer.answer("CWD /home/d", "250 there").await;
            }
            peer.upload("d/a").await;
        })
        .start();
        let mut client = server.managed();
        store(&mut client, "d/a", b"x").await.unwrap();
    }
}

/// A name is bytes: only NUL, CR and LF are excluded.
#[tokio::test]
async fn names_go_over_the_wire_as_they_are_or_not_at_all() {
    for injection in ["a\r\nDELE b", "a\nDELE b", "a\rDELE b", "a\0b"] {
        assert!(RemotePath::try_from(injection).is_err(), "{injection:?}");
    }
    let names = ["with space ", " lead", "[a]*?", "a;b|c", "ümläut", "-l", "\"quoted\"", "a\\b"];
    let server = Scenario::session(async move |peer| {
        for name in names {
            assert_eq!(peer.store(name).await, b"x");
        }
        let port = peer.extended_passive().await;
        assert_eq!(peer.command_bytes().await, b"STOR /home/\xff\xe4\r\n");
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
    })
    .start();
    let mut client = server.open().await;
    for name in names {
        upload(&mut client, name, b"x").await.unwrap();
    }
    let odd = RemotePath::new(b"\xff\xe4".to_vec()).unwrap();
    client.store(&odd, 0).await.unwrap().finish().await.unwrap();
}

/// Without `SIZE`, the client looks for existing files in the listing.
#[tokio::test]
async fn server_without_size_is_asked_for_a_listing_before_anything_is_written() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("taken", "502 unknown").await;
        peer.list("MLSD /home", b"type=file;size=9; taken\r\n").await;
        peer.answer_size("a", "502 unknown").await;
        peer.list("MLSD /home", b"type=file;size=9; taken\r\n").await;
        peer.stor_all().await;
        // The name is still free.
        peer.answer_for_temporary("SIZE", "502 unknown").await;
        peer.answer_size("a", "502 unknown").await;
        let facts = format!("250-Facts\r\n type=file;size=1; {}\r\n250 End", peer.temporary());
        peer.answer_for_temporary("MLST", &facts).await;
        peer.list("MLSD /home", b"").await;
        peer.rename("a").await;
    })
    .features(" MLST type*;size*;\r\n")
    .start();
    let mut client = server.managed();
    let taken = store(&mut client, "taken", b"x").await.unwrap_err();
    assert!(matches!(taken.error, UploadError::Exists { size: Some(9), .. }), "{taken:?}");
    let uploaded = store(&mut client, "a", b"x").await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 1 });
}

/// Another file gets the name during the upload: it stays.
#[tokio::test]
async fn file_that_comes_to_be_while_the_upload_runs_is_kept() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(size).await;
        peer.expect_conflict("a", 9).await;
    })
    .start();
    let mut client = server.managed();
    let plan = plan("a", &file);
    assert_eq!(plan.existing, Existing::Keep);
    let failed = run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { size: Some(9), .. }), "{failed:?}");
}

/// The state of a server that stores one file.
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

/// The session ends after each reply in turn: that costs a connection, and no byte is sent twice.
#[tokio::test]
async fn session_that_ends_behind_any_command_of_an_upload_is_survived() {
    for answers in 0..6 {
        let (give, take) = tokio::sync::oneshot::channel();
        let breaks = connection(async move |peer| {
            let mut file = OneFile::default();
            peer.secure().await;
            peer.authenticate().await;
            peer.set_up().await;
            for _ in 0..answers {
                let command = peer.command().await.unwrap();
                file.answer(peer, &command).await;
            }
            let _taken = give.send(file);
            peer.disconnect();
        });
        let works = connection(async move |peer| {
            let mut file = take.await.unwrap();
            peer.secure().await;
            peer.authenticate().await;
            peer.set_up().await;
            while let Some(command) = peer.command().await.filter(|command| command != "QUIT") {
                file.answer(peer, &command).await;
            }
            peer.disconnect();
        });
        let server = Scenario::of([breaks, works]).start();
        let mut client = server.managed();
        let uploaded = store(&mut client, "a", b"x").await;
        uploaded.unwrap_or_else(|failed| panic!("after {answers} answers: {failed:?}"));
        client.quit().await;
    }
}
