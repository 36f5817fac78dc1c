//! Public reports about other clients and servers, played against the engine.

use ftps::Verified;

use crate::scripted::{Scenario, path, read_to_end, uploads::store};

/// The names that a server's listing shows.
async fn names(command: &'static str, lines: &'static [u8]) -> Vec<String> {
    let features = if command == "MLSD" { " MLST type*;size*;modify*;\r\n" } else { "" };
    let server = Scenario::session(async move |peer| {
        peer.list(command, lines).await;
        peer.expect_quit().await;
    })
    .features(features)
    .start();
    let mut client = server.open().await;
    let listing = client.list(&path("/home")).await.unwrap();
    assert_eq!(listing.left_out, 0);
    client.quit().await;
    listing.entries.iter().map(|entry| entry.name.to_string()).collect()
}

/// <https://github.com/proftpd/proftpd/issues/1495>: a group of LDAP has a space in its name.
#[tokio::test]
async fn group_with_a_space_is_no_part_of_a_name() {
    let lines = b"modify=20220803180421;perm=adfrw;size=281;type=file;unique=FD02U240A37;UNIX.group=1051;\
UNIX.groupname=domain users;UNIX.mode=0600;UNIX.owner=1039733;UNIX.ownername=homologftp; .bash_history\r\n\
modify=20220803163454;perm=flcdmpe;type=dir;UNIX.groupname=domain users; bkp\r\n";
    assert_eq!(names("MLSD", lines).await, [".bash_history", "bkp"]);
}

/// <https://github.com/crazy-max/ftpgrab/issues/55>, <https://github.com/elfmz/far2l/pull/3159>.
#[tokio::test]
async fn semicolons_and_equal_signs_are_parts_of_a_name() {
    let lines = b"type=file;size=7903718;modify=20190718185113;UNIX.mode=0644; file;test.txt\r\n\
type=file;size=1; hello=world;\r\ntype=file;size=1; a=b; c=d;\r\n";
    assert_eq!(names("MLSD", lines).await, ["file;test.txt", "hello=world;", "a=b; c=d;"]);
}

/// <https://github.com/fsspec/filesystem_spec/pull/2043>, <https://github.com/sergi/jsftp/issues/300>,
/// <https://github.com/lavv17/lftp/issues/16>.
#[tokio::test]
async fn spaces_dates_and_arrows_in_the_lines_of_list_leave_the_name_right() {
    let lines = b"-rw-r--r-- 1 owner group 38283 Jan 12 07:08 my file.pdf\r\n\
lrwxrwxrwx 1 owner group 9 Jan 12 07:08 a link -> my file.pdf\r\n\
-rw-r--r-- 1 owner group 3 Jan 12 07:08  two spaces\r\n\
-rw-r--r-- 1 owner group 3 Jan 12 2012 12 22:56 test.txt\r\n";
    let shown = ["my file.pdf", "a link", " two spaces", "12 22:56 test.txt"];
    assert_eq!(names("LIST", lines).await, shown);
}

/// <https://github.com/yob/em-ftpd/pull/7>: 200 in place of 226. The size shows that the file is stored.
#[tokio::test]
async fn reply_200_ends_an_upload_as_226_does() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_to_end(&mut data).await, b"abc");
        drop(data);
        peer.say("200 OK, received 3 bytes").await;
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let uploaded = store(&mut server.managed(), "a", b"abc").await.unwrap();
    assert_eq!((uploaded.verified, uploaded.attempts), (Verified::Size { bytes: 3 }, 1));
}
