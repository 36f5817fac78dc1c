//! The sender's digest, which is checked before the file gets its name.

use std::ops::Range;

use bytes::Bytes;
use ftps::{
    Algorithm, Cause, FileDigest, Verified,
    upload::{DigestError, Failed, Plan, Progress, Source, UploadError, Uploaded},
};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::scripted::{
    Scenario, path,
    uploads::{Memory, content, engine_error, hex, plan, run},
};

/// A source that is asked to compare digests.
struct Witness {
    memory: Memory,
    /// Its answer: nothing, the digest of the whole file, or that the bytes differ.
    says: Says,
    /// The digests that it was asked to compare.
    checked: Vec<(Range<u64>, FileDigest)>,
}

#[derive(Clone, Debug)]
enum Says {
    Agrees(Option<FileDigest>),
    Mismatch,
    Unavailable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disagrees;

impl Witness {
    fn of(content: &[u8]) -> Self {
        Self { memory: Memory::new(content), says: Says::Agrees(None), checked: Vec::new() }
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
        self.checked.push((range, digest.clone()));
        match self.says.clone() {
            Says::Agrees(whole) => Ok(whole),
            Says::Mismatch => Err(DigestError::Mismatch(Disagrees)),
            Says::Unavailable => Err(DigestError::Unavailable(Disagrees)),
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
async fn sender_checks_the_engines_digest_where_the_server_computes_none() {
    let server = Scenario::session(async |peer| {
        peer.upload("a").await;
    })
    .start();
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let mut source = Witness::of(b"abc");
    let uploaded = server.run(&plan, &mut source).await.unwrap();
    assert_eq!(source.checked, [(0..3, blake3_of_abc())]);
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
    let mut source = Witness { says: Says::Mismatch, ..Witness::of(b"abc") };
    let uploaded = server.run(&plan("a", b"abc"), &mut source).await.unwrap();
    assert_eq!((source.checked, uploaded.digest), (Vec::new(), Some(sha256(b"abc"))));
}

/// Its bytes are wrong: they must neither get the name nor be resumed.
#[tokio::test]
async fn file_with_another_digest_than_the_senders_is_removed_before_the_rename() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.delete_temporary().await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.managed();
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let mut source = Witness { says: Says::Mismatch, ..Witness::of(b"abc") };
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
async fn digest_of_the_server_is_compared_in_the_servers_algorithm() {
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
    assert_eq!(source.checked, [(0..3, blake3_of_abc())]);
    assert_eq!(uploaded.verified, Verified::Digest(digest(Algorithm::Md5, MD5_OF_ABC)));
    assert_eq!(uploaded.digest, Some(blake3_of_abc()));
    let error =
        engine_error(run(&mut client, &plan_of("b"), &mut Witness::of(b"abc")).await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}

/// Both digests continue, although some bytes are sent twice.
#[tokio::test]
async fn both_digests_continue_over_a_break() {
    let file = content(700_000);
    let expected = file.clone();
    let sha1 = hex(&Sha1::digest(&file));
    let of_server = digest(Algorithm::Sha1, &sha1);
    let server = Scenario::after_break(200_000, &file, async move |peer| {
        peer.expect_retry("a", 150_001).await;
        assert!(peer.stor_from(150_001).await == expected[150_001..]);
        let answer = format!("213 SHA-1 0-700000 {sha1} {}", peer.temporary());
        let hash = ("HASH", expected.len(), answer.as_str());
        peer.hash_and_rename("a", hash).await;
    })
    .features(" HASH SHA-1*;MD5\r\n")
    .start();
    let plan = Plan { digest: Some(Algorithm::Sha256), ..plan("a", &file) };
    let mut source = Witness::of(&file);
    let uploaded = server.run(&plan, &mut source).await.unwrap();
    assert_eq!(source.checked, [(0..700_000, sha256(&file))]);
    assert_eq!(uploaded.verified, Verified::Digest(of_server));
    assert_eq!(uploaded.digest, Some(sha256(&file)));
}

/// The sender is too slow.
#[tokio::test]
async fn part_file_stays_where_the_senders_digest_is_not_available() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
    })
    .start();
    let mut source = Witness { says: Says::Unavailable, ..Witness::of(b"abc") };
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let failed = server.run(&plan, &mut source).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Source(Disagrees)), "{failed:?}");
    assert!(failed.leftover.is_some());
}

/// The size of the file whose upload resumes, in bytes.
const SIZE: usize = 200_000;

/// Resumes an upload of which the server holds so many bytes, which this client has not seen. The
/// sender names the digest `says` for the whole file.
async fn resumed_from(
    held: usize,
    features: &'static str,
    says: Option<FileDigest>,
) -> Result<Uploaded, Failed<Disagrees>> {
    let file = content(SIZE);
    let (expected, whole) = (file.clone(), sha256(&file));
    let is_asked = says.is_some() && features.contains("XSHA256");
    let is_right = says.as_ref() == Some(&whole);
    let server = Scenario::session(async move |peer| {
        peer.set_temporary("/home/a.0123abcd.part");
        peer.expect_retry("a", held).await;
        if held < SIZE {
            assert!(peer.stor_from(held).await == expected[held..]);
        }
        if !is_asked {
            peer.check_and_rename("a", SIZE).await;
            return;
        }
        let answer = format!("250 {}", whole.hex());
        peer.hash_and_rename("a", ("XSHA256", SIZE, &answer)).await;
        if !is_right {
            peer.take_back("a").await;
            peer.delete_temporary().await;
        }
    })
    .features(features)
    .start();
    let resume = Some(path("a.0123abcd.part"));
    let plan = Plan { digest: Some(Algorithm::Sha256), resume, ..plan("a", &file) };
    let mut source = Witness { says: Says::Agrees(says), ..Witness::of(&file) };
    let ended = server.run(&plan, &mut source).await;
    assert_eq!(source.checked, [(held as u64..SIZE as u64, sha256(&file[held..]))]);
    ended
}

async fn resumed(says: Option<FileDigest>) -> Result<Uploaded, Failed<Disagrees>> {
    resumed_from(SIZE / 2, " XSHA256\r\n", says).await
}

/// Uploads a file that the server holds completely.
async fn already_whole(
    features: &'static str,
    says: Option<FileDigest>,
) -> Result<Uploaded, Failed<Disagrees>> {
    resumed_from(SIZE, features, says).await
}

#[tokio::test]
async fn resumed_file_is_verified_by_the_digests_of_sender_and_server() {
    let whole = sha256(&content(200_000));
    let uploaded = resumed(Some(whole.clone())).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(whole.clone()));
    assert_eq!(uploaded.digest, Some(whole));
}

#[tokio::test]
async fn resumed_file_with_another_beginning_is_found_by_the_digest() {
    let failed = resumed(Some(sha256(b"another file"))).await.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::NotWhole);
}

#[tokio::test]
async fn without_a_digest_of_the_whole_file_its_size_is_compared() {
    let uploaded = resumed(None).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
    assert_eq!(uploaded.digest, None);
}

#[tokio::test]
async fn complete_part_file_is_verified_by_the_senders_digest() {
    let whole = sha256(&content(200_000));
    let uploaded = already_whole(" XSHA256\r\n", Some(whole.clone())).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(whole.clone()));
    assert_eq!((uploaded.digest, uploaded.attempts), (Some(whole), 0));
}

#[tokio::test]
async fn complete_part_file_with_other_content_is_found() {
    let other = Some(sha256(b"another file"));
    let failed = already_whole(" XSHA256\r\n", other).await.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::NotWhole);
}

#[tokio::test]
async fn complete_part_file_is_verified_by_size_where_no_digest_is_available() {
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
    let expected = file.clone();
    let server = Scenario::after_break(200_000, &file, async move |peer| {
        peer.complete("a", 150_001, &expected).await;
    })
    .start();
    let plan = Plan { digest: Some(Algorithm::Sha256), ..plan("a", &file) };
    let mut source = Witness::of(&file);
    let uploaded = server.run(&plan, &mut source).await.unwrap();
    assert_eq!(source.checked, [(0..700_000, sha256(&file))]);
    assert_eq!(uploaded.digest, Some(sha256(&file)));
}
