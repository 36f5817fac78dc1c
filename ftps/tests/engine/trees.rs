//! Deleting a directory with its contents, where listings are forged.

use ftps::{DeleteTreeError, DeleteTreeReason, DeletedCounts, TreeLimits};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Peer, Scenario, ScriptedServer, path};

const LIMITS: TreeLimits = TreeLimits { entries: 100, bytes: 10_000 };

/// What `LIST` shows of the home directory.
const HOME: &[u8] = b"drwxr-xr-x 2 u g 4096 Jan  1 2020 a\r\n";

async fn delete(server: &ScriptedServer) -> Result<DeletedCounts, DeleteTreeError> {
    let mut client = server.open().await;
    let deleted = client.delete_tree(&path("a"), LIMITS, &CancellationToken::new()).await;
    client.quit().await;
    deleted
}

fn reason(deleted: Result<DeletedCounts, DeleteTreeError>) -> DeleteTreeReason {
    let error = deleted.unwrap_err();
    assert_eq!((error.deleted, error.left), (DeletedCounts::default(), None));
    error.reason
}

/// The client changes to a directory, and the server names it by `PWD`.
async fn enter(peer: &mut Peer, directory: &str, pwd: &str) {
    peer.answer(&format!("CWD {directory}"), "250 ok").await;
    peer.answer("PWD", &format!("257 \"{pwd}\"")).await;
}

/// The client finds the directory in the listing of `/home`, which `PWD` calls `pwd`.
async fn find(peer: &mut Peer, pwd: &str) {
    peer.list("LIST", HOME).await;
    peer.answer("PWD", &format!("257 \"{pwd}\"")).await;
}

/// A link above the home directory is no reason to refuse.
#[tokio::test]
async fn a_tree_is_deleted_where_each_directory_is_where_its_parent_is() {
    let server = Scenario::session(async |peer| {
        find(peer, "/data/home").await;
        enter(peer, "/home/a", "/data/home/a").await;
        peer.list(
            "LIST",
            b"drwxr-xr-x 2 u g 4096 Jan  1 2020 b\r\n-rw-r--r-- 1 u g 1 Jan  1 2020 x\r\n",
        )
        .await;
        enter(peer, "/home/a/b", "/data/home/a/b").await;
        peer.list("LIST", b"").await;
        peer.answer("CWD /home/a", "250 ok").await;
        peer.answer("RMD /home/a/b", "250 gone").await;
        peer.answer("DELE /home/a/x", "250 gone").await;
        peer.answer("CWD /home", "250 ok").await;
        peer.answer("RMD /home/a", "250 gone").await;
        peer.expect_quit().await;
    })
    .features("")
    .start();
    assert_eq!(delete(&server).await.unwrap(), DeletedCounts { files: 1, directories: 2 });
}

/// A file whose name holds a line break forges a second entry of the link's name.
#[tokio::test]
async fn a_tree_with_two_entries_of_one_name_stays() {
    let server = Scenario::session(async |peer| {
        find(peer, "/home").await;
        enter(peer, "/home/a", "/home/a").await;
        peer.list(
            "LIST",
            b"lrwxrwxrwx 1 u g 4 Jan  1 2020 b -> /etc\r\n\
              -rw-r--r-- 1 u g 1 Jan  1 2020 x\r\n\
              drwxr-xr-x 2 u g 4096 Jan  1 2020 b\r\n",
        )
        .await;
        peer.expect_quit().await;
    })
    .features("")
    .start();
    let reason = reason(delete(&server).await);
    assert!(matches!(reason, DeleteTreeReason::NamedTwice), "{reason:?}");
}

#[tokio::test]
async fn a_directory_that_two_entries_of_its_parent_name_stays() {
    let server = Scenario::session(async |peer| {
        peer.list("LIST", &[HOME, b"lrwxrwxrwx 1 u g 4 Jan  1 2020 a -> /etc\r\n"].concat()).await;
        peer.expect_quit().await;
    })
    .features("")
    .start();
    let reason = reason(delete(&server).await);
    assert!(matches!(reason, DeleteTreeReason::NamedTwice), "{reason:?}");
}

/// A forged line shows a hidden link as a directory.
#[tokio::test]
async fn a_link_that_a_listing_shows_as_a_directory_is_not_entered() {
    let server = Scenario::session(async |peer| {
        find(peer, "/home").await;
        enter(peer, "/home/a", "/home/a").await;
        peer.list("LIST", b"drwxr-xr-x 2 u g 4096 Jan  1 2020 .b\r\n").await;
        enter(peer, "/home/a/.b", "/etc").await;
        peer.expect_quit().await;
    })
    .features("")
    .start();
    let reason = reason(delete(&server).await);
    assert!(matches!(reason, DeleteTreeReason::LeadsElsewhere), "{reason:?}");
}

#[tokio::test]
async fn an_entry_that_mlst_does_not_call_a_directory_is_not_entered() {
    let server = Scenario::session(async |peer| {
        peer.list("MLSD", b"type=dir; a\r\n").await;
        peer.answer("PWD", "257 \"/home\"").await;
        peer.answer("MLST /home/a", "250-Facts\r\n type=OS.unix=slink; /home/a\r\n250 End").await;
        enter(peer, "/home/a", "/home/a").await;
        peer.expect_quit().await;
    })
    .features(" MLST type*;\r\n")
    .start();
    let reason = reason(delete(&server).await);
    assert!(matches!(reason, DeleteTreeReason::LeadsElsewhere), "{reason:?}");
}

#[tokio::test]
async fn a_tree_stays_where_the_server_confirms_no_directory() {
    let server = Scenario::session(async |peer| {
        peer.list("LIST", HOME).await;
        peer.answer("PWD", "502 unknown").await;
        peer.answer("CWD /home/a", "250 ok").await;
        peer.answer("PWD", "502 unknown").await;
        peer.expect_quit().await;
    })
    .features("")
    .start();
    let reason = reason(delete(&server).await);
    assert!(matches!(reason, DeleteTreeReason::LeadsElsewhere), "{reason:?}");
}
