//! Replacing: the mode of the old file stays, and so does a link.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, lchown, symlink},
};

use ferryport_tests::{
    content::Content,
    engine::SessionLog,
    servers::{Kind, Modes, Server},
    with_each_server,
};
use ftps::upload::{Existing, Plan};

use crate::{
    setup::{assert_stored, managed_client, plan, server, try_upload, upload, write_as_server},
    source::FileSource,
};

const NEW: Content = Content { len: 300_000, seed: 1 };

fn replacing(name: &str) -> Plan {
    Plan { existing: Existing::Replace, ..plan(name, NEW) }
}

async fn replace(server: &Server, name: &str) -> SessionLog {
    let log = SessionLog::default();
    let mut session = managed_client(server, &log);
    upload(&mut session, &replacing(name), &mut FileSource::of(NEW), &log).await;
    session.quit().await;
    assert_stored(server, name, NEW, &log);
    log
}

#[tokio::test]
async fn mode_of_a_replaced_file_is_set_by_mff_where_proftpd_denies_site_chmod() {
    let server = server(Kind::ProFtpd, |options| options.modes = Modes::ByFacts);
    write_as_server(&server, "script", b"old");
    let file = server.root().join("script");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let log = replace(&server, "script").await;
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o755, "{}", log.text());
    assert_eq!(log.count("Command: MFF UNIX.mode=0755; "), 1, "{}", log.text());
}

with_each_server! {
    /// vsftpd has no `SITE CHMOD` for its anonymous user.
    async fn a_replaced_file_keeps_its_mode_or_the_log_says_so(server: Server) {
        write_as_server(&server, "script", b"old");
        let file = server.root().join("script");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let log = replace(&server, "script").await;
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
        if server.kind() == Kind::Vsftpd {
            let before = log.position_of("the mode 0755 of the old one");
            assert!(before < log.position_of("Command: RNTO"), "{}", log.text());
        } else {
            assert_eq!(mode, 0o755, "{}", log.text());
        }
    }

    /// Pure-FTPd writes to no link: the upload fails, and both stay as they are.
    async fn a_link_stays_and_the_file_that_it_leads_to_is_replaced(server: Server) {
        write_as_server(&server, "current", b"old");
        let link = server.root().join("link");
        symlink("current", &link).unwrap();
        lchown(&link, Some(1), Some(1)).unwrap();
        if server.kind() == Kind::PureFtpd {
            let log = SessionLog::default();
            let mut session = managed_client(&server, &log);
            let mut source = FileSource::of(NEW);
            try_upload(&mut session, &replacing("link"), &mut source).await.unwrap_err();
            assert_eq!(fs::read(&link).unwrap(), b"old", "{}", log.text());
        } else {
            let log = replace(&server, "link").await;
            assert_stored(&server, "current", NEW, &log);
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(server.files(), ["current", "link"]);
    }
}
