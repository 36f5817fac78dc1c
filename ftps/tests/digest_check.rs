//! The sender's digest, which is checked before the file gets its name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::ops::Range;

use bytes::Bytes;
use ftps::{
    Algorithm, Cause, FileDigest, RemotePath, Verified,
    upload::{DigestError, Failed, Plan, Progress, Source, UploadError, Uploaded},
};
use scripted::{
    Scenario, path, read_some, session,
    uploads::{Memory, content, engine_error, hex, plan, run},
};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A sender that is asked for its digest.
struct Witness {
    memory: Memory,
    /// Its answer: nothing, the digest of the whole file, or that the bytes differ.
    says: Says,
    /// The digests that it was asked to compare.
    heard: Vec<(Range<u64>, FileDigest)>,
}

#[derive(Clone, Debug)]
enum Says {
    Agrees(Option<FileDigest>),
    Differs,
    Untold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disagrees;

impl Witness {
    fn of(content: &[u8]) -> Self {
        Self { memory: Memory::new(content), says: Says::Agrees(None), heard: Vec::new() }
    }
}

impl Source for Witness {
    type Error = Disagrees;

    async fn next(&mut self) -> Result<Bytes, Disagrees> {
        Ok(self.memory.next().await.unwrap())
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Disagrees> {
        self.memory.seek(offset).await.unwrap();
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        self.memory.progress(progress).await;
    }

    async fn check_digest(
        &mut self,
        range: Range<u64>,
        digest: &FileDigest,
    ) -> Result<Option<FileDigest>, DigestError<Disagrees>> {
        self.heard.push((range, digest.clone()));
        match self.says.clone() {
            Says::Agrees(whole) => Ok(whole),
            Says::Differs => Err(DigestError::Mismatch(Disagrees)),
            Says::Untold => Err(DigestError::Unavailable(Disagrees)),
        }
    }
}

fn digest(algorithm: Algorithm, hex: &str) -> FileDigest {
    FileDigest::new(algorithm, hex).unwrap()
}

fn sha256(bytes: &[u8]) -> FileDigest {
    digest(Algorithm::Sha256, &hex(&Sha256::digest(bytes)))
}

fn blake3_of_abc() -> FileDigest {
    let hex = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    digest(Algorithm::Blake3, hex)
}

#[tokio::test]
async fn digest_is_made_where_the_server_makes_none_and_the_sender_hears_of_it() {
    let server = Scenario::session(async |peer| {
        peer.upload("a").await;
    })
    .start();
    let mut client = server.managed();
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let mut source = Witness::of(b"abc");
    let uploaded = run(&mut client, &plan, &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..3, blake3_of_abc())]);
    assert_eq!(uploaded.digest, Some(blake3_of_abc()));
    assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
}

#[tokio::test]
async fn sender_is_not_asked_where_the_plan_wants_no_digest() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        let answer = format!("250 {}", sha256(b"abc").hex());
        peer.hash_and_rename("a", ("XSHA256", 3, &answer)).await;
    })
    .features(" XSHA256\r\n")
    .start();
    let mut client = server.managed();
    let mut source = Witness { says: Says::Differs, ..Witness::of(b"abc") };
    let uploaded = run(&mut client, &plan("a", b"abc"), &mut source).await.unwrap();
    assert_eq!((source.heard, uploaded.digest), (Vec::new(), Some(sha256(b"abc"))));
}

/// Its bytes are wrong: they must neither get the name nor be resumed.
#[tokio::test]
async fn file_that_the_sender_does_not_agree_to_gets_no_name_and_does_not_stay() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.delete_temporary().await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.managed();
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let mut source = Witness { says: Says::Differs, ..Witness::of(b"abc") };
    let failed = run(&mut client, &plan, &mut source).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Source(Disagrees)), "{failed:?}");
    assert_eq!(failed.leftover, None);
    client.quit().await;
}

/// The plan's algorithm is used, although the server supports a stronger one.
#[tokio::test]
async fn server_is_asked_for_the_digest_of_the_plan() {
    let crc = digest(Algorithm::Crc32, "352441c2");
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.hash_and_rename("a", ("XCRC", 3, "250 352441C2")).await;
    })
    .features(" XSHA256\r\n XCRC\r\n")
    .start();
    let mut client = server.managed();
    let session = client.client().await.unwrap();
    let choose = |preferred: &[Algorithm]| session.makes_digest(preferred);
    assert_eq!(choose(&[Algorithm::Blake3, Algorithm::Crc32]), Some(Algorithm::Crc32));
    assert_eq!(choose(&[Algorithm::Sha256, Algorithm::Crc32]), Some(Algorithm::Sha256));
    assert_eq!(choose(&[Algorithm::Blake3, Algorithm::Md5]), None);
    let plan = Plan { digest: Some(Algorithm::Crc32), ..plan("a", b"abc") };
    let uploaded = run(&mut client, &plan, &mut Witness::of(b"abc")).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(crc.clone()));
    assert_eq!(uploaded.digest, Some(crc));
}

const MD5_OF_ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

/// The sender uses a fast algorithm; the server's digest is compared by its own algorithm.
#[tokio::test]
async fn server_that_makes_another_digest_is_compared_by_its_own() {
    let server = Scenario::session(async |peer| {
        for (name, md5) in [("a", MD5_OF_ABC), ("b", "0123456789abcdef0123456789abcdef")] {
            peer.expect_free(name).await;
            peer.stor_all().await;
            let answer = format!("250 {md5}");
            peer.hash_and_rename(name, ("XMD5", 3, &answer)).await;
            if name == "b" {
                peer.take_back("b").await;
                peer.delete_temporary().await;
            }
        }
    })
    .features(" XCRC\r\n XMD5\r\n")
    .start();
    let mut client = server.managed();
    let plan_of = |name| Plan { digest: Some(Algorithm::Blake3), ..plan(name, b"abc") };
    let mut source = Witness::of(b"abc");
    let uploaded = run(&mut client, &plan_of("a"), &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..3, blake3_of_abc())]);
    assert_eq!(uploaded.verified, Verified::Digest(digest(Algorithm::Md5, MD5_OF_ABC)));
    assert_eq!(uploaded.digest, Some(blake3_of_abc()));
    let error =
        engine_error(run(&mut client, &plan_of("b"), &mut Witness::of(b"abc")).await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}

/// Both digests continue, although some bytes are sent twice.
#[tokio::test]
async fn digest_of_the_server_continues_over_a_break_beside_the_senders() {
    let file = content(700_000);
    let (sent, expected) = (file.clone(), file.clone());
    let sha1 = hex(&Sha1::digest(&file));
    let of_server = digest(Algorithm::Sha1, &sha1);
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 150_001).await;
        assert!(peer.stor_from(150_001).await == expected[150_001..]);
        let answer = format!("213 SHA-1 0-700000 {sha1} {}", peer.temporary());
        let hash = ("HASH", expected.len(), answer.as_str());
        peer.hash_and_rename("a", hash).await;
    });
    let server = Scenario::of([first, second]).features(" HASH SHA-1*;MD5\r\n").start();
    let mut client = server.managed();
    let plan = Plan { digest: Some(Algorithm::Sha256), ..plan("a", &file) };
    let mut source = Witness::of(&file);
    let uploaded = run(&mut client, &plan, &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..700_000, sha256(&file))]);
    assert_eq!(uploaded.verified, Verified::Digest(of_server));
    assert_eq!(uploaded.digest, Some(sha256(&file)));
}

const HELD: usize = 100_000;

/// The part on the server stays when the sender is too slow.
#[tokio::test]
async fn file_stays_to_be_resumed_where_the_sender_cannot_tell() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
    })
    .start();
    let mut client = server.managed();
    let mut source = Witness { says: Says::Untold, ..Witness::of(b"abc") };
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let failed = run(&mut client, &plan, &mut source).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Source(Disagrees)), "{failed:?}");
    assert!(failed.leftover.is_some());
}

/// Resumes an upload whose beginning this client has not seen.
async fn resumed(says: Option<FileDigest>) -> (Result<Uploaded, Failed<Disagrees>>, Witness) {
    let file = content(200_000);
    let (expected, is_told) = (file.clone(), says.is_some());
    let is_right = says == Some(sha256(&file));
    let server = Scenario::session(async move |peer| {
        peer.set_temporary("/home/a.0123abcd.part");
        peer.expect_retry("a", HELD).await;
        assert!(peer.stor_from(HELD).await == expected[HELD..]);
        if !is_told {
            peer.check_and_rename("a", expected.len()).await;
            return;
        }
        let answer = format!("250 {}", sha256(&expected).hex());
        let hash = ("XSHA256", expected.len(), answer.as_str());
        peer.hash_and_rename("a", hash).await;
        if !is_right {
            peer.take_back("a").await;
            peer.delete_temporary().await;
        }
    })
    .features(" XSHA256\r\n")
    .start();
    let mut client = server.managed();
    let resume: Option<RemotePath> = Some(path("a.0123abcd.part"));
    let plan = Plan { digest: Some(Algorithm::Sha256), resume, ..plan("a", &file) };
    let mut source = Witness { says: Says::Agrees(says), ..Witness::of(&file) };
    let ended = run(&mut client, &plan, &mut source).await;
    let rest = sha256(&file[HELD..]);
    assert_eq!(source.heard, [(HELD as u64..200_000, rest)]);
    (ended, source)
}

#[tokio::test]
async fn sender_tells_the_digest_of_what_was_not_seen_and_the_servers_is_compared() {
    let whole = sha256(&content(200_000));
    let uploaded = resumed(Some(whole.clone())).await.0.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(whole.clone()));
    assert_eq!(uploaded.digest, Some(whole));
}

#[tokio::test]
async fn beginning_that_is_another_files_is_found_by_the_senders_digest() {
    let failed = resumed(Some(sha256(b"another file"))).await.0.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::NotWhole);
}

#[tokio::test]
async fn without_a_digest_of_the_whole_file_its_size_is_compared() {
    let uploaded = resumed(None).await.0.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
    assert_eq!(uploaded.digest, None);
}

/// Uploads a file that the server holds completely.
async fn already_whole(
    features: &'static str,
    says: Option<FileDigest>,
) -> Result<Uploaded, Failed<Disagrees>> {
    let file = content(200_000);
    let (size, whole) = (file.len(), sha256(&file));
    let is_asked = says.is_some() && features.contains("XSHA256");
    let is_right = says.as_ref() == Some(&whole);
    let server = Scenario::session(async move |peer| {
        peer.set_temporary("/home/a.0123abcd.part");
        peer.expect_retry("a", size).await;
        if !is_asked {
            peer.check_and_rename("a", size).await;
            return;
        }
        let answer = format!("250 {}", whole.hex());
        peer.hash_and_rename("a", ("XSHA256", size, &answer)).await;
        if !is_right {
            peer.take_back("a").await;
            peer.delete_temporary().await;
        }
    })
    .features(features)
    .start();
    let mut client = server.managed();
    let resume: Option<RemotePath> = Some(path("a.0123abcd.part"));
    let plan = Plan { digest: Some(Algorithm::Sha256), resume, ..plan("a", &file) };
    let mut source = Witness { says: Says::Agrees(says), ..Witness::of(&file) };
    let ended = run(&mut client, &plan, &mut source).await;
    // Nothing was sent.
    assert_eq!(source.heard, [(200_000..200_000, sha256(b""))]);
    ended
}

#[tokio::test]
async fn file_that_the_server_has_already_is_compared_by_the_senders_digest() {
    let whole = sha256(&content(200_000));
    let uploaded = already_whole(" XSHA256\r\n", Some(whole.clone())).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(whole.clone()));
    assert_eq!((uploaded.digest, uploaded.attempts), (Some(whole), 0));
}

#[tokio::test]
async fn another_file_of_the_same_size_that_the_server_has_already_is_found() {
    let other = Some(sha256(b"another file"));
    let failed = already_whole(" XSHA256\r\n", other).await.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::NotWhole);
}

#[tokio::test]
async fn file_that_the_server_has_already_is_known_by_its_size_where_nobody_can_tell_more() {
    let whole = sha256(&content(200_000));
    // The server supports no digest, or another algorithm, or the sender computes none.
    for features in ["", " XMD5\r\n"] {
        let uploaded = already_whole(features, Some(whole.clone())).await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
        assert_eq!(uploaded.digest, Some(whole.clone()));
    }
    let uploaded = already_whole(" XSHA256\r\n", None).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
    assert_eq!(uploaded.digest, None);
}

/// The break comes between two counts: the server may hold more than was counted.
#[tokio::test]
async fn digest_continues_over_a_break() {
    let file = content(700_000);
    let (sent, expected) = (file.clone(), file.clone());
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 150_001).await;
        assert!(peer.stor_from(150_001).await == expected[150_001..]);
        peer.check_and_rename("a", expected.len()).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    let plan = Plan { digest: Some(Algorithm::Sha256), ..plan("a", &file) };
    let mut source = Witness::of(&file);
    let uploaded = run(&mut client, &plan, &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..700_000, sha256(&file))]);
    assert_eq!(uploaded.digest, Some(sha256(&file)));
}
