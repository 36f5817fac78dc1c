//! Dates: the stored file has the date of its plan where the server permits it.

use ferryport_tests::{
    content::Content,
    engine::SessionLog,
    servers::{Dates, Kind},
    with_each_server,
};
use ftps::upload::{Failed, UploadError};

use crate::{
    setup::{
        MODIFIED, MODIFIED_MILLIS, assert_stored, managed_client, modified, plan, server,
        try_upload, upload,
    },
    source::FileSource,
};

with_each_server! {
    async fn a_file_has_the_date_of_its_plan_to_the_second(server: Server) {
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        // A small file, finished in one batch, and a large one, in several.
        for (name, len) in [("small one", 1000), ("large one", 3 << 20)] {
            let content = Content { len, seed: len };
            upload(&mut session, &plan(name, content), &mut FileSource::of(content), &log).await;
            assert_stored(&server, name, content, &log);
            assert_eq!(modified(&server, name), MODIFIED, "{name}\n{}", log.text());
        }
        let verb = ["MFMT 20231114221320", "MDTM 20231114221320", "SITE UTIME 20231114221320"]
            .into_iter()
            .find(|verb| log.has(&format!("Command: {verb}")));
        println!("{}: {verb:?}", server.kind().name());
    }

    async fn an_existing_file_is_reported_with_its_size_and_date(server: Server) {
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        let content = Content { len: 1000, seed: 1 };
        upload(&mut session, &plan("a b", content), &mut FileSource::of(content), &log).await;
        let other = Content { len: 2000, seed: 2 };
        let kept = try_upload(&mut session, &plan("a b", other), &mut FileSource::of(other)).await;
        let Err(Failed { error: UploadError::Exists { size, modified_millis }, leftover, .. }) = kept else {
            panic!("{kept:?}\n{}", log.text())
        };
        assert_eq!((size, modified_millis), (Some(1000), Some(MODIFIED_MILLIS)));
        assert_eq!(leftover, None);
        assert_stored(&server, "a b", content, &log);
    }
}

async fn store_where_dates_are_refused(kind: Kind) {
    let server = server(kind, |options| options.dates = Dates::Refused);
    let log = SessionLog::default();
    let mut session = managed_client(&server, &log);
    for seed in 0..3 {
        let content = Content { len: 1000, seed };
        let plan = plan(&seed.to_string(), content);
        upload(&mut session, &plan, &mut FileSource::of(content), &log).await;
        assert_stored(&server, &seed.to_string(), content, &log);
    }
    // A refusal of one file does not affect the next one.
    let asked = log.count("Command: MFMT") + log.count("Command: MDTM");
    assert_eq!(asked, 3, "{}", log.text());
    assert_eq!(log.count("Error: "), 0, "{}", log.text());
}

mod a_server_that_refuses_dates_stores_the_files {
    use super::*;

    #[tokio::test]
    async fn vsftpd() {
        store_where_dates_are_refused(Kind::Vsftpd).await;
    }

    #[tokio::test]
    async fn proftpd() {
        store_where_dates_are_refused(Kind::ProFtpd).await;
    }
}
