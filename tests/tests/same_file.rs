//! Uploads to paths that are one file on the server: each waits for the other one and sees its file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::collections::BTreeMap;

use ferryport_tests::{
    client::{Client, File, Outcome},
    content::Content,
    portal,
    servers::{Disk, Kind, Options, Server},
    with_each_server,
};
use futures_util::future::join;
use protocol::{ClientMessage, ServerMessage};

/// Rounds of two offers each.
const ROUNDS: u64 = 15;

/// Two different files for one path.
fn two_files(path: &str, round: u64) -> [File; 2] {
    [1, 2].map(|number| {
        File::new(path, Content { len: 1000 * number + round, seed: 2 * round + number })
    })
}

/// Checks that the first file that was stored is on the disk, and that the other one was asked about.
fn assert_one_stored_and_one_asked_about(
    server: &Server,
    files: &[File; 2],
    outcomes: &[Outcome],
    transcript: &str,
) {
    let [stored, asked] = match outcomes {
        [Outcome::Done { .. }, Outcome::Conflict { .. }] => [0, 1],
        [Outcome::Conflict { .. }, Outcome::Done { .. }] => [1, 0],
        other => panic!("{other:?}\n{transcript}"),
    };
    let Outcome::Conflict { existing, .. } = &outcomes[asked] else { unreachable!() };
    let content = files[stored].content;
    assert_eq!(existing.size, Some(content.len), "{transcript}");
    let on_disk = server.sha256_of(&files[stored].path);
    assert_eq!(on_disk, Some(content.sha256()), "{transcript}");
}

with_each_server! {
    /// The sessions are logged in already, so that both uploads start at once.
    async fn of_two_offers_of_one_path_the_second_is_asked_about(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let warm: Vec<_> = (0..8)
            .map(|n| File::new(format!("warm/{n}"), Content { len: 100_000, seed: n }))
            .collect();
        client.upload(&warm).await;
        for round in 0..ROUNDS {
            let files = two_files(&format!("{round}.bin"), round);
            let outcomes = client.upload(&files).await;
            assert_one_stored_and_one_asked_about(&server, &files, &outcomes, &client.transcript());
        }
    }

    async fn of_two_sessions_that_offer_one_path_the_second_is_asked_about(server: Server) {
        let portal = portal!();
        let mut clients = [Client::open(&portal).await, Client::open(&portal).await];
        for client in &mut clients {
            client.connect(&server).await;
        }
        let [one, other] = &mut clients;
        for round in 0..ROUNDS {
            let files = two_files(&format!("{round}.bin"), round);
            let (first, second) =
                join(one.upload_one(&files[0]), other.upload_one(&files[1])).await;
            let transcript = format!("{}\n---\n{}", one.transcript(), other.transcript());
            assert_one_stored_and_one_asked_about(&server, &files, &[first, second], &transcript);
        }
    }

    /// The page of the first session was closed in mid-upload: the session has its grace time left.
    async fn an_upload_says_that_it_waits_for_another_one_to_the_same_file(server: Server) {
        let portal = portal!();
        let [file, same] = two_files("shared.bin", 0);
        let mut closed = Client::open(&portal).await;
        closed.connect(&server).await;
        closed.offer(&file).await;
        while !matches!(closed.receive().await, ServerMessage::Opened { .. }) {}
        closed.close_socket().await;
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let upload = client.offer(&same).await;
        while client.receive().await != (ServerMessage::Waiting { upload }) {}
        assert!(client.transcript().contains("Another upload writes to \"shared.bin\""));
        // The user is not bound to wait.
        client.send(&ClientMessage::Cancel { upload }).await;
        while client.receive().await != (ServerMessage::Cancelled { upload }) {}
    }

    /// An upload that is under way has a part file only: the name looks free on the server.
    async fn a_rename_does_not_take_the_name_of_an_upload_under_way(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let other = File::new("other.bin", Content { len: 1000, seed: 1 });
        client.upload_one(&other).await;
        let file = File::new("file.bin", Content { len: 64 << 20, seed: 2 });
        client.upload_until(&file, |message| {
            matches!(message, ServerMessage::Credit { taken, .. } if *taken > 0)
        })
        .await;
        client.rename("other.bin", "file.bin").await.unwrap_err();
        assert_eq!(server.sha256_of("other.bin"), Some(other.content.sha256()));
    }
}

/// 20 pairs of names that differ by case, and 5 that differ by Unicode form: as many names as files on
/// the disk are done, and the rest is asked about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_disk_that_folds_names_every_done_file_is_stored() {
    let options = Options { disk: Disk::Folding, ..Options::default() };
    let server = Server::start(Kind::Pyftpdlib, options);
    let portal = portal!();
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let pairs = (0..20).map(|n| [format!("img{n}.jpg"), format!("IMG{n}.JPG")]);
    let forms = (0..5).map(|n| [format!("caf\u{e9} {n}"), format!("cafe\u{301} {n}")]);
    let files: Vec<_> = (pairs.chain(forms).flatten().zip(0..))
        .map(|(name, seed)| File::new(name, Content { len: 1000 + seed, seed }))
        .collect();
    let outcomes = client.upload(&files).await;
    let on_disk: BTreeMap<_, _> =
        server.files().into_iter().map(|name| (server.sha256_of(&name).unwrap(), name)).collect();
    assert_eq!(on_disk.len(), 25, "{on_disk:?}");
    for (file, outcome) in files.iter().zip(&outcomes) {
        match outcome {
            Outcome::Done { .. } => {
                assert!(on_disk.contains_key(&file.content.sha256()), "{}", file.path);
            }
            Outcome::Conflict { existing, .. } => {
                assert!(existing.size.is_some(), "{}: {existing:?}", file.path);
            }
            other => panic!("{}: {other:?}\n{}", file.path, client.transcript()),
        }
    }
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!(done, on_disk.len());
}
