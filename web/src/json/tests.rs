use proptest::prelude::*;
use protocol::{
    ClientMessage, Encryption, OnConflict, Problem, ServerMessage, Stage, UploadId, VERSION,
    client::{Connect, Offer, Secret},
    session::{Join, ResumeState},
};
use serde::de::IgnoredAny;

use super::*;
use crate::{queue::ConflictPolicy, queue::SavedRow};

fn row() -> SavedRow {
    SavedRow {
        path: "a/ü \"b\"\n\u{1}\u{1f6a2}.txt".into(),
        size: u64::MAX,
        modified_millis: Some(i64::MIN),
        directory: "/".into(),
        choice: Some(ConflictPolicy::OnlyNewer),
        name_number: 7,
        temporary_path: None,
        kept_bytes: 0,
        edges: Some(1),
        paused: true,
        stored: None,
        stored_at: None,
        new_path: None,
        skipped: None,
        problem: Some(Problem::new(Stage::Transfer, "\u{1f6a2}".into())),
        name_limit: Some(142),
    }
}

#[test]
fn what_was_saved_is_read() {
    let text = serde_json::to_string(&row()).unwrap();
    assert_eq!(read(&text), Ok(row()));
}

#[test]
fn messages_are_read_as_serde_json_reads_them() {
    for text in [
        r#"{"type":"pong"}"#,
        r#" { "type" : "pong" , "later" : { "a" : [ 1 , -2.5e+3 , null , true , "x" ] } } "#,
        r#"{"type":"verifying","upload":3}"#,
        r#"{"type":"credit","upload":1,"attempt":0,"taken":0,"received":9,"limit":9007199254740993}"#,
        r#"{"type":"done","upload":3,"path":"/a","verified":"reply_only","page_agrees":true,
            "digest":{"algorithm":"crc32","hex":"00ff00ff"}}"#,
        r#"{"type":"conflict","upload":3,"existing":{"size":5,"modified_millis":-1},"resume":null}"#,
        r#"{"type":"failed","upload":3,"problem":{"stage":"data_tls","message":"m","reply":"5\r\n5",
            "cause":null,"remedy":{"who":"host","what":"w"}}}"#,
        r#"{"type":"log","lines":[{"seq":1,"at_millis":2,"connection":1,"kind":"response",
            "text":"220 \u00e4\ud83d\udea2\/"},{"seq":2,"at_millis":2,"kind":"error","text":""}]}"#,
        r#"{"type":"listing","path":"/","entries":[],"left_out":0}"#,
        r#"{"type":"connecting","stage":"tls"}"#,
    ] {
        let expected: ServerMessage = serde_json::from_str(text).unwrap();
        assert_eq!(read(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_serde_json_refuses_is_malformed() {
    for text in [
        "",
        "null",
        "[]",
        "7",
        r#""pong""#,
        r#"{"type":"pong""#,
        r#"{"type":"pong",}"#,
        r#"{,"type":"pong"}"#,
        r#"{"type":"pong"}}"#,
        r#"{"type":"pong"} x"#,
        r#"{"type":"nonsense"}"#,
        r#"{"type":7}"#,
        r#"{"upload":3,"type":"verifying"}"#,
        r#"{"type":"verifying"}"#,
        r#"{"type":"verifying","upload":3,"upload":3}"#,
        r#"{"type":"verifying","upload":-3}"#,
        r#"{"type":"verifying","upload":03}"#,
        r#"{"type":"verifying","upload":3.5}"#,
        r#"{"type":"verifying","upload":4294967296}"#,
        r#"{"type":"ack","messages":18446744073709551616}"#,
        r#"{"type":"verifying","upload":}"#,
        r#"{"type":"verifying","upload":"3"}"#,
        r#"{"type":"verifying" "upload":3}"#,
        r#"{"type":"connecting","stage":"moon"}"#,
        r#"{"type":"removed","path":"\ud83d"}"#,
        r#"{"type":"removed","path":"\ud83d\u0041"}"#,
        r#"{"type":"removed","path":"\x"}"#,
        r#"{"type":"removed","path":"\u12"}"#,
        r#"{"type":"removed","path":"a"#,
        "{\"type\":\"removed\",\"path\":\"\n\"}",
        r#"{"type":"pong","later":[1,]}"#,
        r#"{"type":"pong","later":01}"#,
        r#"{"type":"pong","later":1.}"#,
        r#"{"type":"pong","later":tru}"#,
        r#"{"type":"conflict","upload":3,"existing":[5,null]}"#,
    ] {
        assert!(serde_json::from_str::<ServerMessage>(text).is_err(), "serde_json: {text}");
        assert_eq!(read::<ServerMessage>(text), Err(Malformed), "{text}");
    }
}

#[test]
fn what_the_page_says_is_written_as_serde_json_writes_it() {
    for message in [
        ClientMessage::Hello {
            version: VERSION,
            join: Join::Existing {
                name: "s".into(),
                secret: Secret::new("\"\\\u{7f}ü".into()),
                resume: Some(ResumeState { messages: u64::MAX, log: 0 }),
            },
            language: protocol::client::Language::default(),
        },
        ClientMessage::Hello {
            version: VERSION,
            join: Join::New,
            language: protocol::client::Language::default(),
        },
        ClientMessage::Connect(Connect {
            host: "h".into(),
            port: 21,
            encryption: Some(Encryption::Implicit),
            username: "u".into(),
            password: Secret::new("p".into()),
            trusted_certificate: None,
        }),
        ClientMessage::Offer(Offer {
            upload: UploadId(7),
            path: "a/b".into(),
            size: 5,
            modified_millis: Some(-1),
            on_conflict: OnConflict::Ask,
            resume: Some(String::new()),
            digest: true,
            compare: true,
        }),
        ClientMessage::Digest { upload: UploadId(1), from: 0, hex: None },
        ClientMessage::Ping,
    ] {
        assert_eq!(write(&message).unwrap(), serde_json::to_string(&message).unwrap());
    }
    assert_eq!(write(&["a", "b"][..]), Ok(r#"["a","b"]"#.into()));
    assert_eq!(write(&0.5), Err(Malformed));
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read::<IgnoredAny>(&nested(100)).is_ok());
    assert_eq!(read::<IgnoredAny>(&nested(100_000)).err(), Some(Malformed));
}

/// Pieces of JSON, so that many texts are almost valid.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"type\"",
    "\"pong\"",
    "0",
    "12",
    "-",
    ".",
    "e5",
    "true",
    "false",
    "null",
    " ",
    "\\",
    "\\u00e4",
    "\\ud83d\\udea2",
    "ü",
    "\\n",
];

proptest! {
    #[test]
    fn names_of_any_kind_come_back(path in any::<String>(), size in any::<u64>()) {
        let row = SavedRow { path, size, ..row() };
        prop_assert_eq!(read(&serde_json::to_string(&row).unwrap()), Ok(row.clone()));
        let written = write(&row).unwrap();
        prop_assert_eq!(read(&written), Ok(row.clone()));
        prop_assert_eq!(serde_json::from_str::<SavedRow>(&written).unwrap(), row);
    }

    #[test]
    fn any_text_is_json_here_if_it_is_for_serde_json(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12),
    ) {
        let text = pieces.concat();
        prop_assert_eq!(
            read::<IgnoredAny>(&text).is_ok(),
            serde_json::from_str::<IgnoredAny>(&text).is_ok(),
            "{}", text
        );
        prop_assert_eq!(read::<String>(&text).ok(), serde_json::from_str::<String>(&text).ok());
    }

    #[test]
    fn message_that_is_cut_or_damaged_is_malformed_or_what_serde_json_reads(
        at in 0..80_usize,
        with in prop::sample::select(&PIECES[..]),
    ) {
        let text = r#"{"type":"opened","upload":3,"temporary_path":"/ä/b","offset":12}"#;
        let at = text.floor_char_boundary(at);
        let (before, after) = text.split_at(at);
        for damaged in [format!("{before}{with}{after}"), before.to_owned()] {
            prop_assert_eq!(
                read::<ServerMessage>(&damaged).ok(),
                serde_json::from_str::<ServerMessage>(&damaged).ok()
            );
        }
    }
}
