//! Several sessions of one pool to one server.

use std::{fs, sync::Arc, time::Duration};

use ferryport_tests::{
    content::Content,
    engine::{SessionLog, remote},
    servers::Server,
    with_each_kind, with_each_server,
};
use ftps::{
    ManagedClient, Pool,
    config::RotationScope,
    upload::{Existing, Failed, Plan, UploadError},
};
use futures_util::future::join_all;
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    setup::{
        WAIT_LIMIT, assert_stored, connector, managed_client, on_disk, plan, server, try_upload,
        upload,
    },
    source::{FileSource, GatedSource, PIECE},
};

/// Uploads all files at once through a pool.
async fn upload_all(pool: &Pool, files: &[(String, Content)], pause: Duration, log: &SessionLog) {
    let uploads = files.iter().map(|(name, content)| {
        let pool = pool.clone();
        async move {
            let mut lease = pool.lease().await;
            let mut source = FileSource::of(*content).pausing(pause);
            upload(&mut lease, &plan(name, *content), &mut source, log).await;
        }
    });
    join_all(uploads).await;
}

fn files(count: u64, len: u64) -> Vec<(String, Content)> {
    (0..count).map(|seed| (format!("file {seed}"), Content { len, seed })).collect()
}

fn assert_all_stored(server: &Server, files: &[(String, Content)], log: &SessionLog) {
    for (name, content) in files {
        assert_stored(server, name, *content, log);
    }
    assert_eq!(server.files().len(), files.len(), "{:?}\n{}", server.files(), log.text());
}

with_each_kind! {
    async fn a_server_limited_to_two_sessions_stores_all_of_forty_files(kind: Kind) {
        let server = server(kind, |options| options.max_sessions = Some(2));
        let log = SessionLog::default();
        let connector = connector(&server, &log, |config| {
            config.sessions.start = 4;
            config.sessions.max = 4;
        });
        let pool = Pool::new(connector);
        let profile = pool.profile().clone();
        let files = files(40, 100_000);
        upload_all(&pool, &files, Duration::from_millis(20), &log).await;
        assert_all_stored(&server, &files, &log);
        let refused = log.count("Response: 421") + log.count("Response: 530");
        println!(
            "{}: {} logins, {refused} refused, {} allowed in the end, profile {:?}",
            kind.name(),
            log.logins(),
            pool.allowed(),
            profile.get().max_sessions
        );
        assert!(refused > 0, "{}", log.text());
        assert_eq!(pool.allowed(), 2, "{}", log.text());
        assert_eq!(profile.get().max_sessions.map(|known| known.count), Some(2));
        assert!(log.has("accepts at most"), "{}", log.text());
        // Uploads beyond the limit wait instead of failing.
        pool.lease_for_request().await.client().await.unwrap().list(&remote(".")).await.unwrap();
        pool.close().await;
    }
}

with_each_server! {
    async fn another_session_is_opened_while_leases_change_hands(server: Server) {
        let log = SessionLog::default();
        let connector = connector(&server, &log, |config| {
            config.sessions.start = 1;
            config.sessions.window = Duration::from_millis(200);
        });
        let pool = Pool::new(connector);
        // Many windows for one session, and several files in each.
        let files = files(40, PIECE);
        upload_all(&pool, &files, Duration::from_millis(50), &log).await;
        assert_all_stored(&server, &files, &log);
        println!(
            "{}: {} sessions, {} allowed in the end",
            server.kind().name(), log.logins(), pool.allowed()
        );
        assert!(log.logins() > 1, "{}", log.text());
        pool.close().await;
    }

    async fn stalled_uploads_make_room_for_others(server: Server) {
        let log = SessionLog::default();
        let connector = connector(&server, &log, |config| {
            config.sessions.start = 1;
            config.sessions.max = 4;
            config.sessions.window = Duration::from_millis(100);
        });
        let pool = Pool::new(connector);
        let gate = Arc::new(Semaphore::new(0));
        let uploads = start_held(&pool, 4, &gate, &log);
        wait_for_files(&server, 4).await;
        gate.add_permits(1000);
        for upload in uploads {
            upload.await.unwrap();
        }
        assert_eq!(log.logins(), 4, "{}", log.text());
        pool.close().await;
    }

    async fn a_listing_is_answered_while_uploads_run(server: Server) {
        let log = SessionLog::default();
        let connector = connector(&server, &log, |config| {
            config.sessions.start = 2;
            config.sessions.max = 2;
        });
        let pool = Pool::new(connector);
        let gate = Arc::new(Semaphore::new(0));
        let uploads = start_held(&pool, 2, &gate, &log);
        wait_for_files(&server, 2).await;
        let mut request = pool.lease_for_request().await;
        let listing = request.client().await.unwrap().list(&remote(".")).await.unwrap();
        assert_eq!(listing.entries.len(), 3, "two parts and a directory: {listing:?}");
        drop(request);
        gate.add_permits(1000);
        for upload in uploads {
            upload.await.unwrap();
        }
        pool.close().await;
    }

    async fn directories_that_four_sessions_share_are_created_once(server: Server) {
        let log = SessionLog::default();
        let connector = connector(&server, &log, |config| config.sessions.start = 4);
        let pool = Pool::new(connector);
        let files: Vec<_> = (0..40)
            .map(|seed| {
                let name = format!("new/of {}/folder {}/file {seed}", seed % 2, seed % 10);
                (name, Content { len: 1000, seed })
            })
            .collect();
        upload_all(&pool, &files, Duration::ZERO, &log).await;
        assert_all_stored(&server, &files, &log);
        assert_eq!(log.count("Error: "), 0, "{}", log.text());
        for folder in 0..10 {
            let made = format!("/new/of {}/folder {folder}", folder % 2);
            let asked = log.lines().iter()
                .filter(|line| line.starts_with("Command: MKD") && line.ends_with(&made))
                .count();
            assert_eq!(asked, 1, "{made}\n{}", log.text());
        }
        pool.close().await;
    }

    async fn two_uploads_to_one_path_do_not_mix_their_bytes(server: Server) {
        for round in 0..5 {
            let contents = [1, 2].map(|seed| Content { len: 2 << 20, seed: round * 2 + seed });
            let log = SessionLog::default();
            let ended = join_all(contents.map(|content| {
                let mut session = managed_client(&server, &log);
                let plan = Plan { existing: Existing::Replace, ..plan("same", content) };
                async move { try_upload(&mut session, &plan, &mut FileSource::of(content)).await }
            }))
            .await;
            for ended in ended {
                ended.unwrap_or_else(|failed| panic!("{failed:?}\n{}", log.text()));
            }
            let stored = server.sha256_of("same").unwrap();
            assert!(contents.map(|content| content.sha256()).contains(&stored), "{}", log.text());
            assert_eq!(server.files(), ["same"], "{}", log.text());
        }
    }

    async fn of_two_uploads_to_one_path_that_keep_existing_files_one_is_stored_whole(server: Server) {
        for round in 0..5 {
            let contents = [1, 2].map(|seed| Content { len: 2 << 20, seed: round * 2 + seed });
            let name = format!("same {round}");
            let log = SessionLog::default();
            let ended = join_all(contents.map(|content| {
                let (mut session, plan) = (managed_client(&server, &log), plan(&name, content));
                async move { try_upload(&mut session, &plan, &mut FileSource::of(content)).await }
            }))
            .await;
            let stored = server.sha256_of(&name).unwrap();
            let mut whole = Vec::new();
            let mut leftovers = Vec::new();
            for (content, ended) in contents.iter().zip(ended) {
                match ended {
                    Ok(_) => whole.push(content.sha256()),
                    Err(Failed { error: UploadError::Exists { size, .. }, leftover, .. }) => {
                        assert_eq!(size, Some(content.len), "{}", log.text());
                        leftovers.extend(leftover.map(|leftover| (leftover, content)));
                    }
                    Err(failed) => panic!("{failed:?}\n{}", log.text()),
                }
            }
            // If both checked the name before either renamed, the last one has it.
            assert!(whole.contains(&stored), "{}", log.text());
            // The other file is complete too, under a name of its own.
            for (leftover, content) in leftovers {
                let held = fs::read(on_disk(&server, &leftover)).unwrap();
                assert!(held == content.piece(0, content.len), "{}", log.text());
                fs::remove_file(on_disk(&server, &leftover)).unwrap();
            }
            assert_eq!(server.files().len(), usize::try_from(round).unwrap() + 1);
        }
    }

    async fn a_session_is_replaced_after_its_number_of_commands(server: Server) {
        let log = SessionLog::default();
        let connector = connector(&server, &log, |config| {
            config.rotation.commands = 50;
            config.rotation.applies_to = RotationScope::All;
        });
        let mut session = ManagedClient::new(connector);
        let files = files(100, 500);
        for (name, content) in &files {
            upload(&mut session, &plan(name, *content), &mut FileSource::of(*content), &log).await;
        }
        session.quit().await;
        assert_all_stored(&server, &files, &log);
        println!("{}: {} sessions for 100 files", server.kind().name(), log.logins());
        assert!(log.logins() >= 5, "{}", log.text());
        assert_eq!(log.count("Replacing this session"), log.logins() - 1);
        assert_eq!(log.count("Error: "), 0, "{}", log.text());
    }

    async fn a_session_is_replaced_at_its_maximum_age(server: Server) {
        let log = SessionLog::default();
        let age = Duration::from_millis(500);
        let mut session = ManagedClient::new(connector(&server, &log, |config| config.rotation.age = age));
        let files = files(2, 500);
        for (name, content) in &files {
            upload(&mut session, &plan(name, *content), &mut FileSource::of(*content), &log).await;
            tokio::time::sleep(age).await;
        }
        session.quit().await;
        assert_all_stored(&server, &files, &log);
        assert_eq!(log.logins(), 2, "{}", log.text());
    }
}

/// Parallel uploads whose sources give a piece for each permit.
fn start_held(
    pool: &Pool,
    count: u64,
    gate: &Arc<Semaphore>,
    log: &SessionLog,
) -> Vec<JoinHandle<()>> {
    let start = |seed| {
        let (pool, gate, log) = (pool.clone(), Arc::clone(gate), log.clone());
        tokio::spawn(async move {
            let content = Content { len: 1 << 20, seed };
            let mut lease = pool.lease().await;
            let mut source = GatedSource { source: FileSource::of(content), gate };
            let plan = plan(&format!("file {seed}"), content);
            let ended =
                ftps::upload::upload(&mut lease, &plan, &mut source, &CancellationToken::new())
                    .await;
            ended.unwrap_or_else(|failed| panic!("{failed:?}\n{}", log.text()));
        })
    };
    (0..count).map(start).collect()
}

async fn wait_for_files(server: &Server, count: usize) {
    let there = async {
        while server.files().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, there).await.expect("the uploads begin");
}
