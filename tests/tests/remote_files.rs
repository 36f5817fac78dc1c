//! Files and directories renamed and deleted through the portal, on vsftpd, `ProFTPD` and Pure-FTPd.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    collections::VecDeque,
    fs,
    os::unix::fs::{chown, lchown, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use ferryport_tests::{
    client::{Client, File, NotDeleted, Outcome},
    content::Content,
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    portal,
    portal::{Options, Portal},
    servers::{self, Deleting, Existing, Kind, Server, UploadOnly},
    with_each_server,
};
use protocol::{
    ClientMessage, Problem, ServerMessage, Stage,
    server::{DeletedCounts, EntryKind},
};
use tokio::time::{sleep, timeout};

/// The longest wait for something that must come.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// The user whose files the servers' logins may change.
const DAEMON: u32 = 1;

/// At most 20 entries go with their directory.
const WITH_20_DELETED_ENTRIES: Options<'static> = Options::with(&["--max-deleted-entries", "20"]);

with_each_server! {
    async fn a_file_and_a_directory_are_renamed(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        write_on_server(&server, "a.txt", "one");
        write_on_server(&server, "old folder/in it.txt", "two");
        client.rename("a.txt", "Grüße aus Köln.txt").await.unwrap();
        client.rename("Grüße aus Köln.txt", "old folder/b  c.txt").await.unwrap();
        client.rename("old folder", "neuer Ordner").await.unwrap();
        assert_eq!(server.files(), ["neuer Ordner/b  c.txt", "neuer Ordner/in it.txt"]);
        assert_eq!(content(&server, "neuer Ordner/b  c.txt"), "one");
        // A session that listed it went there, and stays there whatever its name is.
        assert_eq!(client.list("neuer Ordner").await.unwrap().len(), 2);
        client.rename("neuer Ordner", "moved").await.unwrap();
        mkdir(&server, "neuer Ordner");
        assert_eq!(client.list("neuer Ordner").await.unwrap(), []);
    }

    async fn a_rename_replaces_no_existing_file(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        write_on_server(&server, "a.txt", "mine");
        write_on_server(&server, "b.txt", "precious");
        write_on_server(&server, ".hidden", "precious too");
        write_on_server(&server, "folder/c", "");
        symlink("b.txt", server.root().join("link")).unwrap();
        lchown(server.root().join("link"), Some(DAEMON), Some(DAEMON)).unwrap();
        for taken in ["b.txt", "./b.txt", ".hidden", "folder", "folder/", "a.txt", "link"] {
            let problem = client.rename("a.txt", taken).await.unwrap_err();
            assert_eq!(problem.stage, Stage::Rename, "{taken}: {problem:?}");
            assert!(problem.message.contains("already"), "{taken}: {problem:?}");
            assert!(problem.remedy.is_some(), "{taken}: {problem:?}");
        }
        let problem = client.rename("folder", "a.txt").await.unwrap_err();
        assert!(problem.message.contains("already"), "{problem:?}");
        let problem = client.rename("folder", "folder/below").await.unwrap_err();
        assert!(problem.message.contains("into itself"), "{problem:?}");
        assert!(!client.transcript().contains("RNTO"), "{}", client.transcript());
        assert_eq!(content(&server, "b.txt"), "precious");
        assert_eq!(content(&server, ".hidden"), "precious too");
        // In other letters it is the same name to some servers, and to these another one.
        client.rename("a.txt", "A.txt").await.unwrap();
        assert_eq!(content(&server, "A.txt"), "mine");
    }

    async fn a_file_is_deleted_and_a_missing_one_is_reported(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        for name in ["a.txt", "with  spaces.txt", "Grüße.txt", "-rf", "*"] {
            write_on_server(&server, name, "x");
            write_on_server(&server, "stays.txt", "x");
            let deleted = client.delete(name, EntryKind::File).await.unwrap();
            assert_eq!(deleted, DeletedCounts { files: 1, directories: 0 }, "{name}");
            assert_eq!(server.files(), ["stays.txt"], "{name}");
        }
        let refused = client.delete("a.txt", EntryKind::File).await.unwrap_err();
        assert_eq!(refused.problem.stage, Stage::Delete);
        assert!(reply(&refused.problem).starts_with("550"), "{refused:?}");
    }

    async fn only_an_empty_directory_is_deleted_without_its_entries(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        mkdir(&server, "empty");
        write_on_server(&server, "full/a.txt", "x");
        let deleted = client.delete("empty", EntryKind::Directory).await.unwrap();
        assert_eq!(deleted, DeletedCounts { files: 0, directories: 1 });
        let refused = client.delete("full", EntryKind::Directory).await.unwrap_err();
        assert!(refused.not_empty, "{refused:?}");
        assert_eq!((refused.deleted, refused.left), (DeletedCounts::default(), None));
        assert!(refused.problem.message.contains("not empty"), "{refused:?}");
        assert!(refused.problem.reply.is_some(), "{refused:?}");
        assert_eq!(server.files(), ["full/a.txt"]);
        // One that is missing is not called full.
        let refused = client.delete("missing", EntryKind::Directory).await.unwrap_err();
        assert!(!refused.not_empty, "{refused:?}");
    }

    async fn a_directory_is_deleted_with_200_files_in_nested_folders(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        for n in 0..200 {
            write_on_server(&server, &format!("all/part {}/über/file {n}.txt", n % 10), "x");
        }
        mkdir(&server, "all/empty");
        write_on_server(&server, "all of it.txt", "stays");
        let deleted = client.delete_all_of("all").await.unwrap();
        assert_eq!(deleted, DeletedCounts { files: 200, directories: 22 });
        assert_eq!(server.files(), ["all of it.txt"]);
        assert!(!server.root().join("all").exists());
    }

    async fn a_link_is_deleted_and_its_target_stays(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        write_on_server(&server, "kept/precious.txt", "precious");
        write_on_server(&server, "all/a.txt", "x");
        for (target, link) in [("../kept", "all/to folder"), ("../kept/precious.txt", "all/to file")]
        {
            symlink(target, server.root().join(link)).unwrap();
            lchown(server.root().join(link), Some(DAEMON), Some(DAEMON)).unwrap();
        }
        let outcome = client.delete_all_of("all").await;
        assert_eq!(content(&server, "kept/precious.txt"), "precious", "{outcome:?}");
        assert_eq!(outcome.unwrap(), DeletedCounts { files: 3, directories: 1 });
        assert_eq!(server.files(), ["kept/precious.txt"]);
    }

    /// A name with a line break forges an entry: beside the link of that name, or of a link that the
    /// listing hides. Servers that show such a name otherwise delete the link alone.
    async fn a_forged_listing_deletes_nothing_behind_a_link(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        let forged = [
            "drwxr-xr-x    2 1        1            4096 Jan 01 12:00 ",
            "type=dir;modify=20240101000000;perm=flcdmpe; ",
        ];
        for (number, (line, link)) in
            forged.into_iter().flat_map(|line| [(line, "link"), (line, ".link")]).enumerate()
        {
            let (kept, all) = (format!("kept{number}"), format!("all{number}"));
            write_on_server(&server, &format!("{kept}/precious.txt"), "precious");
            write_on_server(&server, &format!("{all}/x\r\n{line}{link}"), "x");
            let path = server.root().join(&all).join(link);
            symlink(format!("../{kept}"), &path).unwrap();
            lchown(&path, Some(DAEMON), Some(DAEMON)).unwrap();
            let deleted = client.delete_all_of(&all).await;
            println!("{}, {line}{link}: {deleted:?}", server.kind().name());
            let precious = server.root().join(kept).join("precious.txt");
            assert!(precious.exists(), "{line}{link}: {deleted:?}\n{}", client.transcript());
        }
    }

    async fn a_directory_with_more_entries_than_the_limit_stays(server: Server) {
        let (_portal, mut client) = connected(&server, WITH_20_DELETED_ENTRIES).await;
        for n in 0..21 {
            write_on_server(&server, &format!("all/{}/{n}", n % 2), "x");
        }
        let refused = client.delete_all_of("all").await.unwrap_err();
        assert!(refused.problem.message.contains("20 entries"), "{refused:?}");
        assert_eq!((refused.deleted, refused.left), (DeletedCounts::default(), None));
        assert_eq!(server.files().len(), 21);
        // Two directories and 10 or 11 files.
        let deleted = client.delete_all_of("all/0").await.unwrap();
        assert_eq!(deleted, DeletedCounts { files: 11, directories: 1 });
    }

    async fn the_first_refusal_ends_a_delete_and_the_remaining_entries_are_counted(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        for name in ["all/a.txt", "all/sub/b.txt", "all/sub/deep/c.txt"] {
            write_on_server(&server, name, "x");
        }
        // Its files are root's, and so is it.
        let sub = server.root().join("all/sub");
        chown(&sub, Some(0), Some(0)).unwrap();
        let refused = client.delete_all_of("all").await.unwrap_err();
        assert!(reply(&refused.problem).starts_with('5'), "{refused:?}");
        assert!(refused.problem.message.contains("all/sub"), "{refused:?}");
        let left = refused.left.unwrap();
        let all = DeletedCounts { files: 3, directories: 3 };
        assert_eq!(left.files + refused.deleted.files, all.files, "{refused:?}");
        assert_eq!(left.directories + refused.deleted.directories, all.directories);
        assert_eq!(server.files().len() as u64, left.files);
        assert!(server.root().join("all/a.txt").exists(), "what follows is left alone");
    }

    async fn a_refused_change_shows_the_servers_reply(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        let folder = server.root().join(Server::READ_ONLY);
        fs::write(folder.join("root's.txt"), "x").unwrap();
        let path = format!("{}/root's.txt", Server::READ_ONLY);
        let refused = client.delete(&path, EntryKind::File).await.unwrap_err();
        assert!(reply(&refused.problem).starts_with("550"), "{refused:?}");
        assert!(refused.problem.remedy.is_some());
        let problem = client.rename(&path, "mine.txt").await.unwrap_err();
        // Pure-FTPd says 451.
        assert!(reply(&problem).starts_with(['4', '5']), "{problem:?}");
        assert_eq!(server.files(), [path]);
    }

    async fn ambiguous_paths_are_refused_before_the_server_sees_them(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        write_on_server(&server, "b", "precious");
        write_on_server(&server, "folder/b", "precious");
        let before = client.transcript();
        let home = client.list("").await.unwrap().len();
        for path in ["a\r\nDELE b", "a\nDELE b", "a\0b", "../b", "folder/../b", "", "/", ".", "//", "a\u{fffd}"] {
            let NotDeleted { problem, .. } = client.delete(path, EntryKind::File).await.unwrap_err();
            assert!(problem.remedy.is_some(), "{path:?}: {problem:?}");
            client.delete_all_of(path).await.unwrap_err();
            client.rename(path, "c").await.unwrap_err();
            if !path.is_empty() {
                client.rename("b", path).await.unwrap_err();
            }
        }
        let said = client.transcript();
        for verb in ["DELE", "RMD", "RNFR"] {
            assert_eq!(said.matches(verb).count(), before.matches(verb).count(), "{said}");
        }
        assert_eq!(server.files(), ["b", "folder/b"]);
        assert_eq!(client.list("").await.unwrap().len(), home);
    }

    async fn files_are_changed_while_an_upload_runs(server: Server) {
        let (_portal, mut client) = connected(&server, Options::default()).await;
        write_on_server(&server, "old name", "x");
        write_on_server(&server, "all/of/it", "x");
        // More than a window: it cannot end before the portal was asked.
        let file = File::new("big.bin", Content { len: 20 << 20, seed: 1 });
        let mut asks = VecDeque::from([
            ClientMessage::Rename { from: "old name".to_owned(), to: "new name".to_owned() },
            ClientMessage::Delete {
                path: "all".to_owned(),
                kind: EntryKind::Directory,
                recursive: true,
            },
        ]);
        let outcomes = client
            .upload_and(std::slice::from_ref(&file), |message, _| match message {
                ServerMessage::Opened { .. } | ServerMessage::Credit { .. } => asks.pop_front(),
                _ => None,
            })
            .await;
        assert!(matches!(outcomes[..], [Outcome::Done { .. }]), "{outcomes:?}");
        // Answers come in the order of the requests.
        client.list("").await.unwrap();
        assert_eq!(server.files(), ["big.bin", "new name"], "{}", client.transcript());
        assert_eq!(server.sha256_of("big.bin"), Some(file.content.sha256()));
    }

    async fn a_disconnect_ends_a_delete_and_the_answer_counts_the_deleted_entries(server: Server) {
        const FILES: u64 = 1000;
        let (_portal, mut client) = connected(&server, Options::default()).await;
        for n in 0..FILES {
            write_on_server(&server, &format!("all/{n}"), "x");
        }
        let delete = ClientMessage::Delete {
            path: "all".to_owned(),
            kind: EntryKind::Directory,
            recursive: true,
        };
        client.send(&delete).await;
        wait_for_log(&client, "DELE").await;
        client.send(&ClientMessage::Disconnect).await;
        let (mut gone, mut remain) = (None, None);
        loop {
            match client.receive().await {
                ServerMessage::NotDeleted { deleted, left, .. } => {
                    (gone, remain) = (Some(deleted.files), left.map(|left| left.files));
                }
                // It was faster than the disconnect.
                ServerMessage::Deleted { deleted, .. } => {
                    (gone, remain) = (Some(deleted.files), Some(0));
                }
                ServerMessage::Disconnected { problem } => {
                    assert_eq!(problem, None);
                    break;
                }
                _ => {}
            }
        }
        let on_server = server.files().len() as u64;
        assert_eq!((gone, remain), (Some(FILES - on_server), Some(on_server)));
        client.connect(&server).await;
        client.list("").await.unwrap();
    }

    async fn a_disconnect_does_not_hide_that_a_file_was_renamed(server: Server) {
        let portal = portal!();
        let network = FaultProxy::before(&server).await;
        let mut client = Client::open(&portal).await;
        client.connect_at(network.address(), &server).await;
        write_on_server(&server, "old", "x");
        // So that the command takes a while.
        network.slow_down(200);
        let (from, to) = ("old".to_owned(), "new".to_owned());
        client.send(&ClientMessage::Rename { from, to }).await;
        wait_for_log(&client, "RNTO").await;
        client.send(&ClientMessage::Disconnect).await;
        let was_renamed = loop {
            match client.receive().await {
                ServerMessage::Renamed { .. } => break true,
                ServerMessage::NotRenamed { .. } => break false,
                _ => {}
            }
        };
        assert!(was_renamed, "{}", client.transcript());
        assert_eq!(server.files(), ["new"]);
    }

    async fn a_disconnect_ends_a_request_that_waits_for_its_connection(server: Server) {
        let mut server = server;
        let portal = portal!();
        let network = FaultProxy::before(&server).await;
        let mut client = Client::open(&portal).await;
        client.connect_at(network.address(), &server).await;
        // Its session has ended, and the next one gets no message of it.
        server.restart();
        let (on, way, kind) = (On::Control, Way::ToClient, FaultKind::Freeze);
        network.plan((0..4).map(|_| Fault { on, way, after: 0, kind }));
        let sessions = |client: &Client| client.log().iter().filter_map(|l| l.connection).max();
        let before = sessions(&client);
        client.send(&ClientMessage::List { path: String::new() }).await;
        let dials = async {
            while sessions(&client) == before {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(WAIT_LIMIT, dials).await.expect("another session is opened");
        client.send(&ClientMessage::Disconnect).await;
        let problem = loop {
            if let ServerMessage::ListingFailed { problem, .. } = client.receive().await {
                break problem;
            }
        };
        assert_eq!(problem.stage, Stage::Portal, "not the server's silence: {problem:?}");
        while !matches!(client.receive().await, ServerMessage::Disconnected { problem: None }) {}
    }
}

/// Waits until a line of the session log has that word.
async fn wait_for_log(client: &Client, word: &str) {
    let logged = async {
        while !client.transcript().contains(word) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(WAIT_LIMIT, logged).await.unwrap_or_else(|_| panic!("{word}: {}", client.transcript()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_space_at_the_end_of_a_name_is_refused_for_pure_ftpd() {
    let server = servers::start(Kind::PureFtpd);
    let (_portal, mut client) = connected(&server, Options::default()).await;
    write_on_server(&server, "a ", "one");
    write_on_server(&server, "a_", "precious");
    assert!(client.delete("a ", EntryKind::File).await.is_err());
    assert!(client.delete("a ", EntryKind::Directory).await.is_err());
    assert!(client.rename("a_", "b ").await.is_err());
    assert_eq!(server.files(), ["a ", "a_"]);
}

/// The directory can be entered, but the server denies to list it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_only_directory_is_used_and_says_why_it_looks_empty() {
    let options = servers::Options { upload_only: UploadOnly::Directory, ..Default::default() };
    let server = Server::start(Kind::ProFtpd, options);
    let (_portal, mut client) = connected(&server, Options::default()).await;
    let old = format!("{}/old.txt", Server::UPLOAD_ONLY);
    write_on_server(&server, &old, "precious");
    let (path, problem) = client.list_hidden(Server::UPLOAD_ONLY).await;
    assert_eq!(path, format!("/{}", Server::UPLOAD_ONLY));
    assert!(reply(&problem).starts_with("550"), "{problem:?}");
    assert!(problem.remedy.is_some(), "{problem:?}");
    // The server denies to tell the size of an existing file, and that of a missing one is missing.
    let new = Content { len: 1000, seed: 1 };
    let outcome = client.upload_one(&File::new(&old, new)).await;
    let Outcome::Conflict { existing, .. } = outcome else {
        panic!("{outcome:?}\n{}", client.transcript())
    };
    assert_eq!(existing.size, None);
    assert_eq!(content(&server, &old), "precious");
    let free = format!("{}/new.txt", Server::UPLOAD_ONLY);
    for file in [File::new(&old, new).overwriting(), File::new(free, new)] {
        let outcome = client.upload_one(&file).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
        assert_eq!(server.sha256_of(&file.path), Some(new.sha256()));
    }
    // A directory that is missing is an error still.
    client.list("missing").await.unwrap_err();
}

/// The server renames over no file, so the old one is moved aside, and then does not delete it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_file_that_the_server_does_not_delete_is_reported() {
    let options = servers::Options {
        existing: Existing::Kept,
        deleting: Deleting::Forbidden,
        ..Default::default()
    };
    let server = Server::start(Kind::ProFtpd, options);
    let (_portal, mut client) = connected(&server, Options::default()).await;
    write_on_server(&server, "a.txt", "old");
    let new = Content { len: 1000, seed: 1 };
    let outcome = client.upload_one(&File::new("a.txt", new).overwriting()).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
    assert_eq!(server.sha256_of("a.txt"), Some(new.sha256()));
    let aside = server.files().into_iter().find(|file| file != "a.txt").unwrap();
    assert_eq!(content(&server, &aside), "old");
    let frames = client.frames();
    let told = frames.iter().find(|frame| frame.contains("remove_failed")).expect("it is told");
    assert!(told.contains(&aside), "{told}");
}

async fn connected(server: &Server, options: Options<'_>) -> (Portal, Client) {
    let portal = portal!(options);
    let mut client = Client::open(&portal).await;
    client.connect(server).await;
    (portal, client)
}

/// A file of the server's own user, in directories of its own.
fn write_on_server(server: &Server, path: &str, content: &str) {
    if let Some(above) = Path::new(path).parent() {
        mkdir(server, &above.to_string_lossy());
    }
    let file = server.root().join(path);
    fs::write(&file, content).unwrap();
    own(file);
}

fn mkdir(server: &Server, path: &str) {
    let mut directory = server.root();
    for part in Path::new(path) {
        directory.push(part);
        if !directory.is_dir() {
            fs::create_dir(&directory).unwrap();
            own(directory.clone());
        }
    }
}

fn own(path: PathBuf) {
    chown(path, Some(DAEMON), Some(DAEMON)).unwrap();
}

fn content(server: &Server, path: &str) -> String {
    fs::read_to_string(server.root().join(path)).unwrap()
}

fn reply(problem: &Problem) -> &str {
    problem.reply.as_deref().unwrap_or_default()
}
