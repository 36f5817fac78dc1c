//! Listings, attributes of files, and names in other character sets.

use ftps::{
    Client, EntryKind, HostProfile, Listing, NameError, Permission, ServerClock, SharedProfile,
    Stage, UtcOffset,
};

use crate::scripted::{Scenario, path, uploads::assert_in_step};

fn names(listing: &Listing) -> Vec<String> {
    listing.entries.iter().map(|entry| entry.name.to_string()).collect()
}

/// 2019-12-31 23:00 UTC in milliseconds.
const UTC: i64 = 1_577_833_200_000;

#[tokio::test]
async fn one_mdtm_a_host_dates_the_entries_of_list() {
    let lines = b"drwxr-xr-x 2 u g 4096 2020-01-01 00:00 d\r\n\
                  -rw-r--r-- 1 u g 1 Jan  1 2020 to the day\r\n\
                  -rw-r--r-- 1 u g 1 2020-01-01 01:00 a\r\n\
                  -rw-r--r-- 1 u g 1 2020-01-01 02:00 b\r\n";
    let server = Scenario::session(async move |peer| {
        peer.list("LIST", lines).await;
        // Two hours ahead of UTC.
        peer.answer("MDTM /home/a", "213 20191231230000").await;
        peer.list("LIST", lines).await;
        peer.expect_quit().await;
    })
    .features(" MDTM\r\n")
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    for _ in 0..2 {
        let listing = client.list(&path("/home")).await.unwrap();
        assert_eq!(names(&listing), ["d", "to the day", "a", "b"]);
        let millis: Vec<_> = listing.entries.iter().map(|e| e.modified_millis.unwrap()).collect();
        let hour = 3_600_000;
        assert_eq!(millis, [UTC - hour, UTC - hour, UTC, UTC + hour]);
    }
    let offset = UtcOffset::new(120).unwrap();
    assert_eq!(connector.profile().clock, ServerClock::Offset(offset));
    server.log.must_have("the server's local time, UTC+02:00");
    client.quit().await;
}

#[tokio::test]
async fn entries_of_list_stay_undated_without_a_usable_mdtm() {
    let line = b"-rw-r--r-- 1 u g 1 2020-01-01 01:00 a\r\n";
    for (features, mdtm) in
        [("", None), (" MDTM\r\n", Some("550 no")), (" MDTM\r\n", Some("213 x"))]
    {
        let server = Scenario::session(async move |peer| {
            peer.list("LIST", line).await;
            if let Some(reply) = mdtm {
                peer.answer("MDTM /home/a", reply).await;
            }
            peer.list("LIST", line).await;
            peer.expect_quit().await;
        })
        .features(features)
        .start();
        let mut client = server.open().await;
        for _ in 0..2 {
            let listing = client.list(&path("/home")).await.unwrap();
            assert_eq!(listing.entries[0].modified_millis, None);
            assert!(listing.entries[0].listed.is_some());
        }
        client.quit().await;
    }
}

#[tokio::test]
async fn known_utc_offset_is_not_requested_again() {
    let server = Scenario::session(async |peer| {
        peer.list("LIST", b"01-01-20  01:00AM  1 a\r\n").await;
        peer.expect_quit().await;
    })
    .features(" MDTM\r\n")
    .start();
    let clock = ServerClock::Offset(UtcOffset::new(120).unwrap());
    let profile = HostProfile { clock, ..HostProfile::default() };
    let connector = server.connector().with_profile(SharedProfile::new(profile));
    let mut client = connector.open().await.unwrap();
    let listing = client.list(&path("/home")).await.unwrap();
    assert_eq!(listing.entries[0].modified_millis, Some(UTC));
    client.quit().await;
}

#[tokio::test]
async fn lines_of_list_in_no_dialect_are_counted() {
    let server = Scenario::session(async |peer| {
        let lines = b"total 2\r\nA.DIR 1 on 31-JAN-2026\r\n\
                      -rw-r--r-- 1 u g 1 Jan  1 2020 a\r\n";
        peer.list("LIST", lines).await;
        peer.expect_quit().await;
    })
    .features("")
    .start();
    let mut client = server.open().await;
    let listing = client.list(&path("/home")).await.unwrap();
    assert_eq!((names(&listing), listing.left_out), (vec!["a".to_owned()], 1));
    client.quit().await;
}

#[tokio::test]
async fn mlsd_tells_permissions_and_mode() {
    let server = Scenario::session(async |peer| {
        let lines = b"type=file;size=3;modify=20191231230000;perm=rf;unix.mode=0640; a\r\n";
        peer.list("MLSD", lines).await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open().await;
    let entry = client.list(&path("/home")).await.unwrap().entries.remove(0);
    assert_eq!((entry.modified_millis, entry.mode, entry.listed), (Some(UTC), Some(0o640), None));
    let permissions = entry.permissions.unwrap();
    assert!(permissions.allows(Permission::Rename) && !permissions.allows(Permission::Write));
    client.quit().await;
}

/// A session whose server gives these replies, in order.
async fn with_answers<F>(answers: &'static [(&'static str, &'static str)], claim: F)
where
    F: AsyncFnOnce(&mut Client),
{
    let server = Scenario::session(async move |peer| {
        for (command, reply) in answers {
            peer.answer(command, reply).await;
        }
        peer.expect_quit().await;
    })
    .features(" AVBL\r\n MDTM\r\n MLST\r\n")
    .start();
    let mut client = server.open().await;
    claim(&mut client).await;
    client.quit().await;
}

#[tokio::test]
async fn mlst_gives_the_facts_of_one_file() {
    let answers = &[
        ("MLST /home/a b", "250-Listing\r\n type=file;size=3; /home/a b\r\n250 End"),
        ("MLST /home/no", "550 No such file"),
        ("MLST /home/odd", "250 what?"),
    ];
    with_answers(answers, async |client| {
        let entry = client.entry(&path("a b")).await.unwrap().unwrap();
        assert_eq!((entry.name, entry.kind), (path("a b"), EntryKind::File));
        assert_eq!(entry.size, Some(3));
        assert_eq!(client.entry(&path("no")).await.unwrap(), None);
        let error = client.entry(&path("odd")).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Attributes);
    })
    .await;
}

#[tokio::test]
async fn mdtm_gives_the_date_of_one_file() {
    let answers = &[
        ("MDTM /home/a", "213 20191231230000.250"),
        ("MDTM /home/no", "550 No such file"),
        ("MDTM /home/b", "500 what?"),
    ];
    with_answers(answers, async |client| {
        assert_eq!(client.modified(&path("a")).await.unwrap(), Some(UTC + 250));
        assert_eq!(client.modified(&path("no")).await.unwrap(), None);
        assert!(client.modified(&path("b")).await.unwrap_err().is_not_supported());
    })
    .await;
}

#[tokio::test]
async fn avbl_gives_the_free_space_where_it_is_listed() {
    let answers = &[("AVBL /home/d", "213 123456789012"), ("AVBL /home/no", "550 no")];
    with_answers(answers, async |client| {
        assert_eq!(client.free_space(&path("d")).await.unwrap(), Some(123_456_789_012));
        assert_eq!(client.free_space(&path("no")).await.unwrap(), None);
    })
    .await;
    let server = Scenario::session(async |peer| peer.expect_quit().await).start();
    let mut client = server.open().await;
    assert_eq!(client.free_space(&path("d")).await.unwrap(), None);
    client.quit().await;
}

#[tokio::test]
async fn mode_is_changed_in_three_digits() {
    let answers = &[
        ("SITE CHMOD 044 /home/a", "200 ok"),
        ("SITE CHMOD 1755 /home/a", "200 ok"),
        ("SITE CHMOD 644 /home/a", "500 what?"),
    ];
    with_answers(answers, async |client| {
        client.chmod(&path("a"), 0o44).await.unwrap();
        client.chmod(&path("a"), 0o101_755).await.unwrap();
        assert!(client.chmod(&path("a"), 0o644).await.unwrap_err().is_not_supported());
    })
    .await;
}

#[tokio::test]
async fn directory_that_the_session_is_in_is_left_before_it_is_removed() {
    let answers = &[
        ("RMD /home/d", "250 gone"),
        ("MKD /home/e", "550 exists"),
        ("CWD /home/e", "250 ok"),
        ("CWD /home", "250 ok"),
        ("RMD /home/e", "250 gone"),
        ("RMD /home/f", "550 Directory not empty"),
    ];
    with_answers(answers, async |client| {
        client.remove_directory(&path("d")).await.unwrap();
        client.make_directory(&path("e")).await.unwrap();
        client.remove_directory(&path("e")).await.unwrap();
        let error = client.remove_directory(&path("f")).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Delete);
        assert!(client.is_usable());
    })
    .await;
}

#[tokio::test]
async fn names_are_encoded_and_decoded_in_another_charset() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.answer("PBSZ 0", "200 ok").await;
        peer.answer("PROT P", "200 ok").await;
        peer.answer("FEAT", "211-Features\r\n UTF8\r\n MLST\r\n211 End").await;
        peer.answer("OPTS UTF8 OFF", "200 ok").await;
        peer.answer("TYPE I", "200 ok").await;
        peer.answer("PWD", "257 \"/home\" is here").await;
        peer.list("MLSD", b"type=file; f\xfcr\r\n").await;
        let line = peer.command_bytes().await;
        assert_eq!(line, b"DELE /home/f\xfcr\r\n");
        peer.say("250 gone").await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open_with(|config| config.charset = "latin1".parse().unwrap()).await;
    let entry = client.list(&path("/home")).await.unwrap().entries.remove(0);
    assert_eq!(client.text_of(&entry.name), "für");
    assert_eq!(client.path_of("für").unwrap(), entry.name);
    let beyond = client.path_of("日本").unwrap_err();
    assert!(matches!(beyond, NameError::Unmappable { character: '日', .. }), "{beyond}");
    client.delete(&client.path_of("für").unwrap()).await.unwrap();
    client.quit().await;
}

/// The directory that was listed with one of these replies; `None` where the reply is an error.
async fn listed_with(reply: &'static str) -> Option<Listing> {
    let server = Scenario::session(async move |peer| {
        peer.answer("CWD /home/d", "250 there").await;
        let _port = peer.extended_passive().await;
        peer.answer("MLSD", reply).await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let mut client = server.open().await;
    let listing = client.list(&path("d")).await;
    assert_in_step(&mut client).await;
    listing.ok()
}

#[tokio::test]
async fn refusal_to_list_an_empty_directory_is_an_empty_listing() {
    for reply in [
        "550 No files found.",
        "550 No such file or directory",
        "450 No files found or invalid directory or permission problem",
        "550 No data sets found.",
        "550 Directory is empty",
    ] {
        assert_eq!(listed_with(reply).await, Some(Listing::default()), "{reply}");
    }
    for reply in ["550 Permission denied", "450 Busy", "451 No files found"] {
        assert_eq!(listed_with(reply).await, None, "{reply}");
    }
}

#[tokio::test]
async fn list_is_used_where_mlsd_is_listed_and_not_known() {
    for reply in ["500 Unknown command", "502 not implemented"] {
        let line = b"-rw-r--r-- 1 u g 1 Jan  1 2020 a\r\n";
        let server = Scenario::session(async move |peer| {
            let port = peer.extended_passive().await;
            peer.answer("MLSD", reply).await;
            peer.answer_noop().await;
            drop(port);
            peer.list("LIST", line).await;
            peer.list("LIST", line).await;
        })
        .start();
        let mut client = server.open().await;
        for _ in 0..2 {
            assert_eq!(names(&client.list(&path("/home")).await.unwrap()), ["a"]);
        }
        server.log.must_have("does not know MLSD");
    }
}

/// The other checks tell whether the new name is free.
#[tokio::test]
async fn file_is_renamed_where_mlst_is_listed_and_not_known() {
    let server = Scenario::session(async |peer| {
        for name in ["b", "c"] {
            peer.answer_size(name, "502 unknown").await;
            peer.answer_no_directory(name).await;
            if name == "b" {
                peer.answer("MLST /home/b", "500 Unknown command").await;
            } else {
                // A directory may have been renamed.
                peer.answer("CWD /home", "250 there").await;
            }
            // The second look is for links without a target.
            for _ in 0..2 {
                peer.list("MLSD", b"type=file; a\r\n").await;
            }
            peer.answer("RNFR /home/a", "350 to?").await;
            peer.answer(&format!("RNTO /home/{name}"), "250 ok").await;
        }
    })
    .start();
    let mut client = server.open().await;
    for name in ["b", "c"] {
        let renamed = client.rename_to_free(&path("a"), &path(name)).await.unwrap();
        assert_eq!(renamed, ftps::Renamed::Done);
    }
}

/// `cdir` names the directory that is listed. Behind a link, `PWD` names the same one.
#[tokio::test]
async fn listing_of_another_directory_is_an_error() {
    for (current, is_listed) in [("/home/sub", false), ("/real", true)] {
        let server = Scenario::session(async move |peer| {
            peer.answer("CWD /home/sub", "250 there").await;
            peer.list("MLSD", b"type=cdir; /real/\r\ntype=file; a\r\n").await;
            peer.answer("PWD", &format!("257 \"{current}\"")).await;
        })
        .start();
        let mut client = server.open().await;
        assert_eq!(client.list(&path("sub")).await.is_ok(), is_listed, "{current}");
    }
}
