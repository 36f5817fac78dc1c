//! Drops whose uploads are interrupted: by the guest, by the portal, by their ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::time::Duration;

use ferryport_tests::{
    drop_site::DropSite,
    guest::{GuestFile, GuestOutcome},
    portal_program,
    postgres::Postgres,
    process::wait_for,
    servers::{self, Kind, Server},
    with_each_server,
};
use protocol::{GuestMessage, UploadId, guest::GuestReason};

const LIMIT: Duration = Duration::from_secs(60);

fn site(server: &Server) -> DropSite {
    DropSite::new(portal_program!(), server, None, "")
}

with_each_server! {
    async fn a_guest_goes_on_where_the_server_is_after_a_restart_of_the_portal(server: Server) {
        let site = site(&server);
        let link = site.create(&["--max-files", "1"]);
        let file = GuestFile::new("large.bin", 8 << 20, 5);
        let mut portal = site.portal();
        let mut guest = site.open(&portal, &link).await.unwrap();
        let arrival = guest.begin(&[]).await.unwrap();
        let id = guest.deliver_a_part(&file, 4 << 20).await;
        // Another socket of the same session.
        guest.reconnect().await;
        assert!(!guest.outcomes.contains_key(&id));
        portal.signal("KILL");
        portal.wait_for_exit(LIMIT);
        drop(guest);

        let portal = site.portal();
        let mut guest = site.open(&portal, &link).await.unwrap();
        assert_eq!(guest.go_on(&arrival).await.unwrap(), arrival);
        let outcome = guest.deliver_one(&file).await;
        let sha256 = Some(file.sha256());
        let is_whole = matches!(&outcome, GuestOutcome::Done { sha256: own, .. } if *own == sha256);
        assert!(is_whole, "{outcome:?}\n{}", portal.output());
        let files = server.files();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(server.sha256_of(&files[0]), sha256);
        // ProFTPD discards what was not complete.
        if server.resumes_uploads() {
            let opened = guest.frames.iter().find(|frame| frame.contains("\"opened\"")).unwrap();
            assert!(!opened.contains("\"offset\":0}"), "it did not begin again: {opened}");
        }
        let listed = site.told(&["list", "--json"]);
        assert!(listed.contains("\"files\": 1") && listed.contains("\"state\": \"full\""), "{listed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_ends_an_upload_and_leaves_nothing_on_the_server() {
    let server = servers::start(Kind::ProFtpd);
    let site = site(&server);
    let portal = site.portal();
    let link = site.create(&[]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    guest.begin(&[]).await.unwrap();
    let id = guest.deliver_a_part(&GuestFile::new("large.bin", 64 << 20, 5), 4 << 20).await;
    assert_eq!(server.files().len(), 1, "a part file");
    let _told = site.told(&["revoke", &link.id]);
    let (last, _) = guest.goodbye().await;
    assert_eq!(last, Some(GuestReason::Withdrawn));
    assert_eq!(guest.outcomes[&id].reason(), Some(GuestReason::Withdrawn));
    let is_gone = wait_for(LIMIT, || server.files().is_empty().then_some(()));
    assert!(is_gone.is_some(), "{:?}", server.files());
    let shown = site.told(&["show", &link.id]);
    assert!(shown.contains("files        0\n"), "it is given back: {shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_with_the_time_of_its_drop() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let link = site.create(&["--expires", "6s"]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    guest.begin(&[]).await.unwrap();
    let id = guest.deliver_a_part(&GuestFile::new("large.bin", 64 << 20, 5), 2 << 20).await;
    assert_eq!(guest.goodbye().await.0, Some(GuestReason::Over));
    assert_eq!(guest.outcomes[&id].reason(), Some(GuestReason::Over));
    let refused = site.open(&portal, &link).await.err().unwrap();
    assert_eq!(refused.problem.reason, GuestReason::Over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_file_of_a_guest_who_does_not_come_back_is_given_back_and_removed() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server).with_settings("drop_resume_window = \"1 s\"");
    let portal = site.portal();
    let link = site.create(&["--max-files", "1"]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    guest.begin(&[]).await.unwrap();
    let id = guest.deliver_a_part(&GuestFile::new("large.bin", 8 << 20, 5), 2 << 20).await;
    guest.send(&GuestMessage::Pause { upload: UploadId(id) }).await;
    assert_eq!(guest.ended(id).await, GuestOutcome::Paused);
    assert_eq!(server.files().len(), 1, "it could go on");
    let is_gone = wait_for(LIMIT, || server.files().is_empty().then_some(()));
    assert!(is_gone.is_some(), "{:?}\n{}", server.files(), portal.output());
    let shown = site.told(&["show", &link.id]);
    assert!(shown.contains("files        0 of 1\n"), "{shown}");
    guest.send_the_rest(id).await;
    assert!(guest.deliver_one(&GuestFile::new("large.bin", 8 << 20, 5)).await.is_done());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_two_portals_is_killed_and_the_guest_goes_on_at_the_other() {
    let server = servers::start(Kind::PureFtpd);
    let cluster = Postgres::start();
    let address = cluster.database("drops");
    let site = DropSite::new(portal_program!(), &server, Some(&address), "");
    let link = site.create(&["--max-files", "1", "--max-bytes", "9 MiB"]);
    let (mut first, second) = (site.portal(), site.portal());
    let file = GuestFile::new("large.bin", 8 << 20, 5);
    let mut guest = site.open(&first, &link).await.unwrap();
    let arrival = guest.begin(&[]).await.unwrap();
    guest.deliver_a_part(&file, 4 << 20).await;
    first.signal("KILL");
    first.wait_for_exit(LIMIT);
    drop(guest);
    // The other portal releases the claim once its lease is over.
    let released = wait_for(LIMIT, || {
        let shown = site.told(&["show", &link.id]);
        shown.contains("files        0 of 1\n").then_some(())
    });
    assert!(released.is_some(), "{}\n{}", site.told(&["show", &link.id]), second.output());
    let mut guest = site.open(&second, &link).await.unwrap();
    guest.go_on(&arrival).await.unwrap();
    let outcome = guest.deliver_one(&file).await;
    assert!(outcome.is_done(), "{outcome:?}\n{}", second.output());
    assert_eq!(server.files().len(), 1, "{:?}", server.files());
    assert_eq!(server.sha256_of(&server.files()[0]), Some(file.sha256()));
    let shown = site.told(&["show", &link.id]);
    assert!(
        shown.contains("files        1 of 1\n") && shown.contains("arrivals     1\n"),
        "{shown}"
    );
    let sums = cluster.run("drops", "SELECT used_files, used_bytes FROM drops");
    assert_eq!(sums.trim(), format!("1|{}", 8 << 20));
}
