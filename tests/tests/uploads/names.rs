//! Unusual names: each is stored exactly, or refused.

use ferryport_tests::{
    content::Content,
    engine::SessionLog,
    servers::{Digests, Kind, Options, Server},
    with_each_server,
};
use ftps::{
    Cause,
    upload::{Existing, Failed, Plan, UploadError},
};

use crate::{
    setup::{assert_stored, managed_client, plan, server, try_upload, upload},
    source::FileSource,
};

/// Names that servers, shells and listings may misread.
fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "with some  spaces",
        "quote'and\"double",
        "\"quoted\"",
        "Grüße 船 선적 ⛴️",
        "-dash",
        "-la",
        "trailing ",
        " leading",
        "[x]",
        "{x}",
        "*",
        "a*b?c",
        "~",
        "#",
        "%41",
        "a\\b",
        "a;b=c",
        "...",
        "name.part",
        "name.0123abcd.part",
        "-rw-r--r-- 1 0 0 1 Jan 1 12:00 x",
    ]
    .map(str::to_owned)
    .into();
    names.push("n".repeat(200));
    names.push("ü".repeat(120));
    names
}

async fn store_odd_names(server: Server) {
    let log = SessionLog::default();
    let mut session = managed_client(&server, &log);
    let mut names = odd_names();
    if server.kind() == Kind::PureFtpd {
        // It forbids backslashes, and stores a space at the end as an underscore: see below.
        names.retain(|name| !name.contains('\\') && !name.ends_with(' '));
    }
    let mut expected = Vec::new();
    for (name, seed) in names.iter().zip(1..) {
        let full = format!("odd names/{name}");
        for len in [1000, (1 << 20) + seed] {
            let content = Content { len, seed };
            let plan = Plan { existing: Existing::Replace, ..plan(&full, content) };
            upload(&mut session, &plan, &mut FileSource::of(content), &log).await;
            assert_stored(&server, &full, content, &log);
        }
        let content = Content { len: 10, seed };
        let kept =
            try_upload(&mut session, &plan(&full, content), &mut FileSource::of(content)).await;
        let exists = Some((1 << 20) + seed);
        assert!(
            matches!(&kept, Err(Failed { error: UploadError::Exists { size, .. }, .. }) if *size == exists),
            "{name}: {kept:?}\n{}",
            log.text()
        );
        expected.push(full);
    }
    expected.sort();
    assert_eq!(server.files(), expected, "{}", log.text());
    assert!(!log.has("made no digest"), "{}", log.text());
}

with_each_server! {
    async fn odd_names_are_stored_exactly(server: Server) {
        store_odd_names(server).await;
    }
}

/// Pure-FTPd replaces a space at the end of a name by an underscore.
#[tokio::test]
async fn a_name_that_the_server_would_change_is_refused_and_the_file_of_that_name_stays() {
    let server = Server::start(Kind::PureFtpd, Options::default());
    let log = SessionLog::default();
    let mut session = managed_client(&server, &log);
    let content = Content { len: 1000, seed: 1 };
    upload(&mut session, &plan("trailing_", content), &mut FileSource::of(content), &log).await;
    let other = Content { len: 1000, seed: 2 };
    let plan = Plan { existing: Existing::Replace, ..plan("trailing ", other) };
    let ended = try_upload(&mut session, &plan, &mut FileSource::of(other)).await;
    let Err(Failed { error: UploadError::Engine(error), leftover: None, .. }) = ended else {
        panic!("{ended:?}\n{}", log.text())
    };
    assert_eq!(Cause::of(&error), Cause::NameNotAllowed, "{error:?}");
    assert_stored(&server, "trailing_", content, &log);
    assert_eq!(server.files(), ["trailing_"]);
}

#[tokio::test]
async fn odd_names_are_verified_by_digest() {
    store_odd_names(server(Kind::ProFtpd, |options| options.digests = Digests::All)).await;
}
