//! Directories and the attributes of their entries, on vsftpd, `ProFTPD` and Pure-FTPd.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ferryport_tests::{
    engine::{EngineSetup, remote},
    servers::{Kind, Server},
    with_each_server,
};
use ftps::{Cause, Client, EntryKind, Permission, Stage};

/// Entries of a large directory.
const MANY: usize = 1000;

async fn open(server: &Server) -> Client {
    let opened = EngineSetup::of(server).connector().open().await;
    opened.unwrap_or_else(|error| panic!("{error:?}\n{}", server.log()))
}

/// A file of the server's own user, modified then.
fn put(path: &Path, content: &[u8], modified: SystemTime) {
    fs::write(path, content).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
    chown(path, Some(1), Some(1)).unwrap();
}

fn millis(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

with_each_server! {
    /// `RMD` removes an empty directory only.
    async fn an_empty_directory_is_removed_and_one_with_entries_stays(server: Server) {
        let mut client = open(&server).await;
        client.make_directories(&remote("a/b")).await.unwrap();
        let error = client.remove_directory(&remote("a")).await.unwrap_err();
        assert_eq!((error.stage(), error.reply().unwrap().code().value()), (Stage::Delete, 550));
        // Listing it, the session goes there.
        assert_eq!(client.list(&remote("a/b")).await.unwrap().entries, []);
        client.remove_directory(&remote("a/b")).await.unwrap();
        client.remove_directory(&remote("a")).await.unwrap();
        assert!(!server.root().join("a").exists());
        // A removed directory is created again, although the client knew it.
        client.make_directories(&remote("a/b")).await.unwrap();
        assert!(server.root().join("a/b").is_dir());
    }

    /// `SITE CHMOD`. vsftpd does not have it for its anonymous user.
    async fn a_mode_is_changed_or_refused_with_a_cause(server: Server) {
        put(&server.root().join("a"), b"a", SystemTime::now());
        let mut client = open(&server).await;
        let changed = client.chmod(&remote("a"), 0o604).await;
        let mode = fs::metadata(server.root().join("a")).unwrap().permissions().mode() & 0o7777;
        match changed {
            Ok(()) => assert_eq!(mode, 0o604),
            Err(error) => {
                assert_eq!(server.kind(), Kind::Vsftpd, "{error:?}");
                let cause = Cause::of(&error);
                assert!([Cause::NotSupported, Cause::NotPermitted].contains(&cause), "{error:?}");
            }
        }
        assert!(client.is_usable());
    }

    /// One old file and one of this month: `MDTM`, `MLST` and the listing agree.
    async fn sizes_and_times_are_exact_to_the_precision_of_the_listing(server: Server) {
        let old = UNIX_EPOCH + Duration::from_secs(1_577_833_200);
        let recent = SystemTime::now() - Duration::from_secs(20 * 86_400);
        let recent = UNIX_EPOCH + Duration::from_secs(recent.duration_since(UNIX_EPOCH).unwrap().as_secs());
        put(&server.root().join("old"), &[7; 12_345], old);
        put(&server.root().join("recent"), b"", recent);
        let mut client = open(&server).await;
        let listing = client.list(&remote(".")).await.unwrap();
        for (name, size, time) in [("old", 12_345, old), ("recent", 0, recent)] {
            let entry = listing.entries.iter().find(|entry| entry.name == remote(name)).unwrap();
            assert_eq!((entry.kind, entry.size), (EntryKind::File, Some(size)));
            // `LIST` has recent times to the minute and old ones to the day, in the server's own
            // zone.
            let precision = match entry.listed.map(|listed| listed.precision) {
                None | Some(ftps::Precision::Second) => 0,
                Some(ftps::Precision::Minute) => 60_000,
                Some(ftps::Precision::Day) => 2 * 86_400_000,
            };
            let told = entry.modified_millis.unwrap();
            assert!((millis(time) - told).abs() <= precision, "{name}: {told}, {:?}", entry.listed);
            assert_eq!(client.modified(&remote(name)).await.unwrap(), Some(millis(time)));
            assert_eq!(client.size(&remote(name)).await.unwrap(), Some(size));
        }
        assert_eq!(client.modified(&remote("missing")).await.unwrap(), None);
    }

    /// `MLST` where the server has it.
    async fn facts_of_one_file_are_returned_or_unsupported(server: Server) {
        put(&server.root().join("a b"), b"abc", SystemTime::now());
        let mut client = open(&server).await;
        let entry = match client.entry(&remote("a b")).await {
            Ok(entry) => entry.unwrap(),
            Err(error) => {
                assert!(error.is_not_supported(), "{error:?}");
                assert!(!client.facts().features.has("MLST"));
                return;
            }
        };
        assert_eq!((entry.name, entry.kind, entry.size), (remote("a b"), EntryKind::File, Some(3)));
        if let Some(permissions) = entry.permissions {
            assert!(permissions.allows(Permission::Read) && permissions.allows(Permission::Delete));
        }
        assert_eq!(client.entry(&remote("missing")).await.unwrap(), None);
    }

    /// A large directory is listed completely, each entry once, with its size.
    async fn a_thousand_entries_are_listed(server: Server) {
        let folder = server.root().join("many");
        fs::create_dir(&folder).unwrap();
        for number in 0..MANY {
            let modified = SystemTime::now() - Duration::from_secs(86_400 * number as u64);
            put(&folder.join(format!("f {number:04}")), &vec![0; number], modified);
        }
        let mut client = open(&server).await;
        let listing = client.list(&remote("many")).await.unwrap();
        assert_eq!((listing.left_out, listing.is_complete), (0, true));
        let mut entries = listing.entries;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(entries.len(), MANY);
        for (number, entry) in entries.iter().enumerate() {
            assert_eq!(entry.name, remote(&format!("f {number:04}")));
            assert_eq!(entry.size, Some(number as u64));
            let metadata = fs::metadata(folder.join(entry.name.to_string())).unwrap();
            let difference = entry.modified_millis.unwrap() / 1000 - metadata.mtime();
            assert!(difference.abs() <= 86_400, "{entry:?}");
        }
    }
}
