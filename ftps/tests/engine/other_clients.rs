//! Cases that other FTP clients have failed on.

use ftps::{Cause, RemotePath, Stage};

use crate::scripted::{Scenario, path, read_to_end, upload, uploads::assert_in_step};

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
        peer.expect_in_step().await;
    });
    let Some(server) = scenario.start_over_ipv6() else { return };
    let mut client = server.open().await;
    let error = upload(&mut client, "a", b"content").await.unwrap_err();
    assert_eq!(error.reply().unwrap().to_string(), "500 unknown");
    assert_in_step(&mut client).await;
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

/// Replies to `EPSV` and `PASV` without a usable port.
#[tokio::test]
async fn reply_without_a_usable_port_is_an_error_of_the_data_connection() {
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
            peer.expect_in_step().await;
        })
        .start();
        let mut client = server.open().await;
        let error = upload(&mut client, "a", b"a").await.unwrap_err();
        assert_eq!(error.stage(), Stage::DataConnection, "{epsv} {pasv:?}");
        assert!(!server.log.has("Opening the data connection to"), "{epsv} {pasv:?}");
        assert_in_step(&mut client).await;
    }
}

#[tokio::test]
async fn refusal_of_epsv_and_pasv_is_reported_with_the_last_reply() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "500 unknown").await;
        peer.answer("PASV", "500 unknown as well").await;
        peer.expect_in_step().await;
    })
    .start();
    let (mut client, error) = server.failed_upload().await;
    assert_eq!(error.reply().unwrap().to_string(), "500 unknown as well");
    assert_in_step(&mut client).await;
}

#[tokio::test]
async fn unusual_success_codes_are_accepted() {
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
async fn multi_line_replies_are_accepted_to_every_command() {
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
async fn reply_of_200_lines_is_accepted() {
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
async fn invalid_reply_code_ends_the_session() {
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
    assert_in_step(&mut client).await;
    assert!(!server.log.has("\0") && server.log.has("230 logged"));
}

/// The reply to `PWD`, and the path of `a` after it.
#[tokio::test]
async fn login_directory_is_read_from_odd_replies_to_pwd() {
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
        peer.answer("CWD /a", "550 none").await;
        peer.stor_all().await;
        assert!(peer.temporary().starts_with("/a."), "{}", peer.temporary());
        peer.answer_temporary_size(1).await;
        peer.answer_for_temporary("RNFR", "350 to?").await;
        peer.answer("RNTO /a", "250 ok").await;
        peer.answer("SIZE /a", "213 1").await;
    })
    .start();
    server.store("/a", b"x").await.unwrap();
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
    server.store(&target, b"x").await.unwrap();
}

/// Another session makes the same directory first: the server replies in one of several ways that it
/// exists.
#[tokio::test]
async fn directory_that_another_session_made_first_is_used() {
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
        server.store("d/a", b"x").await.unwrap();
    }
}

/// A name is bytes: only NUL, CR and LF are excluded.
#[tokio::test]
async fn names_are_sent_unchanged_or_refused() {
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
