//! The sender's digest: asked for before the file gets its name.
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
    Algorithm, Cause, FileDigest, ManagedClient, RemotePath, Verified,
    upload::{DigestError, Failed, Plan, Progress, Source, Stop, Uploaded},
};
use scripted::{
    Identity, Log, Peer, Server, path, read_to_end, script,
    uploads::{Memory, Script, content, line, log_in_with, plan, read_some},
};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// A sender that is asked for its digest.
struct Witness {
    memory: Memory,
    /// What it says: nothing, the digest of the whole file, or that the bytes are others.
    says: Says,
    /// What it was told.
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

    async fn agree(
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

async fn bring(
    line: &mut ManagedClient,
    plan: &Plan,
    source: &mut Witness,
) -> Result<Uploaded, Failed<Disagrees>> {
    line.upload(plan, source, &CancellationToken::new()).await
}

fn digest(algorithm: Algorithm, hex: &str) -> FileDigest {
    FileDigest::new(algorithm, hex).unwrap()
}

fn sha256(bytes: &[u8]) -> FileDigest {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digest(Algorithm::Sha256, &hex)
}

fn blake3_of_abc() -> FileDigest {
    let hex = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    digest(Algorithm::Blake3, hex)
}

#[tokio::test]
async fn digest_is_made_where_the_server_makes_none_and_the_sender_hears_of_it() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let mut source = Witness::of(b"abc");
    let uploaded = bring(&mut line, &plan, &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..3, blake3_of_abc())]);
    assert_eq!(uploaded.digest, Some(blake3_of_abc()));
    assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    server.finished().await;
}

#[tokio::test]
async fn sender_is_not_asked_where_the_plan_wants_no_digest() {
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " XSHA256\r\n").await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        let answer = format!("250 {}", sha256(b"abc").hex());
        peer.hash_and_rename_at_once(&temporary, "a", ("XSHA256", 3, &answer)).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut source = Witness { says: Says::Differs, ..Witness::of(b"abc") };
    let uploaded = bring(&mut line, &plan("a", b"abc"), &mut source).await.unwrap();
    assert_eq!((source.heard, uploaded.digest), (Vec::new(), Some(sha256(b"abc"))));
    server.finished().await;
}

/// Its bytes are wrong: nobody is to find them under the name, or to go on with them.
#[tokio::test]
async fn file_that_the_sender_does_not_agree_to_gets_no_name_and_does_not_stay() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
        peer.let_go().await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let mut source = Witness { says: Says::Differs, ..Witness::of(b"abc") };
    let failed = bring(&mut line, &plan, &mut source).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Source(Disagrees)), "{failed:?}");
    assert_eq!(failed.leftover, None);
    line.quit().await;
    server.finished().await;
}

/// The plan's algorithm decides, although the server can make a better digest.
#[tokio::test]
async fn server_is_asked_for_the_digest_of_the_plan() {
    let crc = digest(Algorithm::Crc32, "352441c2");
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " XSHA256\r\n XCRC\r\n").await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.hash_and_rename_at_once(&temporary, "a", ("XCRC", 3, "250 352441C2")).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let client = line.client().await.unwrap();
    let choose = |preferred: &[Algorithm]| client.makes_digest(preferred);
    assert_eq!(choose(&[Algorithm::Blake3, Algorithm::Crc32]), Some(Algorithm::Crc32));
    assert_eq!(choose(&[Algorithm::Sha256, Algorithm::Crc32]), Some(Algorithm::Sha256));
    assert_eq!(choose(&[Algorithm::Blake3, Algorithm::Md5]), None);
    let plan = Plan { digest: Some(Algorithm::Crc32), ..plan("a", b"abc") };
    let uploaded = bring(&mut line, &plan, &mut Witness::of(b"abc")).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(crc.clone()));
    assert_eq!(uploaded.digest, Some(crc));
    server.finished().await;
}

const MD5_OF_ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

/// The sender makes what it can make fast; the server's is compared all the same.
#[tokio::test]
async fn server_that_makes_another_digest_is_compared_by_its_own() {
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " XCRC\r\n XMD5\r\n").await;
        for (name, md5) in [("a", MD5_OF_ABC), ("b", "0123456789abcdef0123456789abcdef")] {
            peer.look(name, "550 none").await;
            let (temporary, _) = peer.stor_all().await;
            let answer = format!("250 {md5}");
            peer.hash_and_rename_at_once(&temporary, name, ("XMD5", 3, &answer)).await;
            if name == "b" {
                peer.answer("RNFR /home/b", "350 to?").await;
                peer.answer(&format!("RNTO {temporary}"), "250 ok").await;
                peer.answer(&format!("DELE {temporary}"), "250 gone").await;
            }
        }
    })
    .await;
    let mut line = line(&server, &Log::default());
    let plan_of = |name| Plan { digest: Some(Algorithm::Blake3), ..plan(name, b"abc") };
    let mut source = Witness::of(b"abc");
    let uploaded = bring(&mut line, &plan_of("a"), &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..3, blake3_of_abc())]);
    assert_eq!(uploaded.verified, Verified::Digest(digest(Algorithm::Md5, MD5_OF_ABC)));
    assert_eq!(uploaded.digest, Some(blake3_of_abc()));
    let failed = bring(&mut line, &plan_of("b"), &mut Witness::of(b"abc")).await.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::NotWhole);
    server.finished().await;
}

/// Both digests go on, whichever bytes are sent twice.
#[tokio::test]
async fn digest_of_the_server_goes_on_over_a_break_beside_the_senders() {
    let file = content(700_000);
    let (sent, expected) = (file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let sha1: String = Sha1::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    let of_server = digest(Algorithm::Sha1, &sha1);
    let first = script(async move |mut peer: Peer| {
        log_in_with(&mut peer, " HASH SHA-1*;MD5\r\n").await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        log_in_with(&mut peer, " HASH SHA-1*;MD5\r\n").await;
        peer.look_again("a", &temporary, 150_001).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 150001", "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == expected[150_001..]);
        peer.say("226 done").await;
        let answer = format!("213 SHA-1 0-700000 {sha1} {temporary}");
        let hash = ("HASH", expected.len(), answer.as_str());
        peer.hash_and_rename_at_once(&temporary, "a", hash).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let mut line = line(&server, &Log::default());
    let plan = Plan { digest: Some(Algorithm::Sha256), ..plan("a", &file) };
    let mut source = Witness::of(&file);
    let uploaded = bring(&mut line, &plan, &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..700_000, sha256(&file))]);
    assert_eq!(uploaded.verified, Verified::Digest(of_server));
    assert_eq!(uploaded.digest, Some(sha256(&file)));
    server.finished().await;
}

const HELD: usize = 100_000;

/// An upload that goes on with an earlier one, of which nobody here saw the beginning.
/// A sender that was too slow takes nothing away from what the server holds.
#[tokio::test]
async fn file_stays_to_be_gone_on_with_where_the_sender_cannot_tell() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        peer.stor_all().await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut source = Witness { says: Says::Untold, ..Witness::of(b"abc") };
    let plan = Plan { digest: Some(Algorithm::Blake3), ..plan("a", b"abc") };
    let failed = bring(&mut line, &plan, &mut source).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Source(Disagrees)), "{failed:?}");
    assert!(failed.leftover.is_some());
    drop(line);
    server.finished().await;
}

async fn gone_on_with(says: Option<FileDigest>) -> (Result<Uploaded, Failed<Disagrees>>, Witness) {
    let file = content(200_000);
    let (expected, is_told) = (file.clone(), says.is_some());
    let is_right = says == Some(sha256(&file));
    let server = Server::start(async move |mut peer| {
        let temporary = "/home/a.0123abcd.part";
        log_in_with(&mut peer, " XSHA256\r\n").await;
        peer.look_again("a", temporary, HELD).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("REST {HELD}"), "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == expected[HELD..]);
        peer.say("226 done").await;
        if !is_told {
            peer.check_and_rename_at_once(temporary, "a", expected.len()).await;
            return;
        }
        let answer = format!("250 {}", sha256(&expected).hex());
        let hash = ("XSHA256", expected.len(), answer.as_str());
        peer.hash_and_rename_at_once(temporary, "a", hash).await;
        if !is_right {
            peer.answer("RNFR /home/a", "350 to?").await;
            peer.answer(&format!("RNTO {temporary}"), "250 ok").await;
            peer.answer(&format!("DELE {temporary}"), "250 gone").await;
        }
    })
    .await;
    let mut line = line(&server, &Log::default());
    let resume: Option<RemotePath> = Some(path("a.0123abcd.part"));
    let plan = Plan { digest: Some(Algorithm::Sha256), resume, ..plan("a", &file) };
    let mut source = Witness { says: Says::Agrees(says), ..Witness::of(&file) };
    let ended = bring(&mut line, &plan, &mut source).await;
    server.finished().await;
    let rest = sha256(&file[HELD..]);
    assert_eq!(source.heard, [(HELD as u64..200_000, rest)]);
    (ended, source)
}

#[tokio::test]
async fn sender_tells_the_digest_of_what_was_not_seen_and_the_servers_is_compared() {
    let whole = sha256(&content(200_000));
    let uploaded = gone_on_with(Some(whole.clone())).await.0.unwrap();
    assert_eq!(uploaded.verified, Verified::Digest(whole.clone()));
    assert_eq!(uploaded.digest, Some(whole));
}

#[tokio::test]
async fn beginning_that_is_another_files_is_found_by_the_senders_digest() {
    let failed = gone_on_with(Some(sha256(b"another file"))).await.0.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::NotWhole);
    assert_eq!(failed.leftover, None);
}

#[tokio::test]
async fn without_a_digest_of_the_whole_file_its_size_is_compared() {
    let uploaded = gone_on_with(None).await.0.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
    assert_eq!(uploaded.digest, None);
}

/// An upload of a file that the server has all of already.
async fn already_whole(
    features: &'static str,
    says: Option<FileDigest>,
) -> Result<Uploaded, Failed<Disagrees>> {
    let file = content(200_000);
    let (size, whole) = (file.len(), sha256(&file));
    let is_asked = says.is_some() && features.contains("XSHA256");
    let is_right = says.as_ref() == Some(&whole);
    let server = Server::start(async move |mut peer| {
        let temporary = "/home/a.0123abcd.part";
        log_in_with(&mut peer, features).await;
        peer.look_again("a", temporary, size).await;
        if !is_asked {
            peer.check_and_rename_at_once(temporary, "a", size).await;
            return;
        }
        let answer = format!("250 {}", whole.hex());
        peer.hash_and_rename_at_once(temporary, "a", ("XSHA256", size, &answer)).await;
        if !is_right {
            peer.answer("RNFR /home/a", "350 to?").await;
            peer.answer(&format!("RNTO {temporary}"), "250 ok").await;
            peer.answer(&format!("DELE {temporary}"), "250 gone").await;
        }
    })
    .await;
    let mut line = line(&server, &Log::default());
    let resume: Option<RemotePath> = Some(path("a.0123abcd.part"));
    let plan = Plan { digest: Some(Algorithm::Sha256), resume, ..plan("a", &file) };
    let mut source = Witness { says: Says::Agrees(says), ..Witness::of(&file) };
    let ended = bring(&mut line, &plan, &mut source).await;
    server.finished().await;
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
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::NotWhole);
    assert_eq!(failed.leftover, None);
}

#[tokio::test]
async fn file_that_the_server_has_already_is_known_by_its_size_where_nobody_can_tell_more() {
    let whole = sha256(&content(200_000));
    // The server makes no such digest, or another one, or the sender makes none.
    for features in ["", " XMD5\r\n"] {
        let uploaded = already_whole(features, Some(whole.clone())).await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
        assert_eq!(uploaded.digest, Some(whole.clone()));
    }
    let uploaded = already_whole(" XSHA256\r\n", None).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 200_000 });
    assert_eq!(uploaded.digest, None);
}

/// Also where the break came in the middle of a step: the server may hold more than was counted.
#[tokio::test]
async fn digest_goes_on_over_a_break() {
    let file = content(700_000);
    let (sent, expected) = (file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 150_001).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 150001", "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == expected[150_001..]);
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", expected.len()).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let mut line = line(&server, &Log::default());
    let plan = Plan { digest: Some(Algorithm::Sha256), ..plan("a", &file) };
    let mut source = Witness::of(&file);
    let uploaded = bring(&mut line, &plan, &mut source).await.unwrap();
    assert_eq!(source.heard, [(0..700_000, sha256(&file))]);
    assert_eq!(uploaded.digest, Some(sha256(&file)));
    server.finished().await;
}
