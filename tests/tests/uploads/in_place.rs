//! Servers that forbid renaming, and servers that forbid temporary names.

use std::fs;

use ferryport_tests::{
    content::Content,
    engine::SessionLog,
    servers::{Kind, Names, Renaming},
    with_each_kind,
};

use crate::{
    setup::{assert_stored, managed_client, plan, server, upload},
    source::FileSource,
};

with_each_kind! {
    async fn where_renaming_is_forbidden_a_file_is_written_in_place_and_the_log_says_so_before(kind: Kind) {
        let server = server(kind, |options| options.renaming = Renaming::Forbidden);
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        for (name, len) in [("small", 1000), ("large", 3 << 20)] {
            let content = Content { len, seed: len };
            upload(&mut session, &plan(name, content), &mut FileSource::of(content), &log).await;
            assert_stored(&server, name, content, &log);
        }
        assert_eq!(log.count("does not allow renames in this directory"), 1, "{}", log.text());
        let said = log.position_of("without a temporary name");
        let stored = log
            .lines()
            .iter()
            .position(|line| line.starts_with("Command: STOR") && line.ends_with("/small"));
        assert!(stored.is_some_and(|stored| said < stored), "{}", log.text());
        let left = server.files().iter().filter(|name| name.ends_with(".part")).count();
        // vsftpd forbids deleting too: the first attempt's part file stays.
        assert_eq!(left, usize::from(kind == Kind::Vsftpd), "{:?}\n{}", server.files(), log.text());
        println!("{}: files {:?}", kind.name(), server.files());
    }

    async fn where_temporary_names_are_forbidden_a_file_goes_through_a_temporary_directory(kind: Kind) {
        let server = server(kind, |options| options.names = Names::WithoutPart);
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        for (name, len) in [("small.csv", 1000), ("large.csv", 3 << 20)] {
            let content = Content { len, seed: len };
            let uploaded =
                upload(&mut session, &plan(name, content), &mut FileSource::of(content), &log).await;
            assert_stored(&server, name, content, &log);
            assert_eq!(uploaded.not_deleted, [], "{}", log.text());
        }
        session.quit().await;
        let left = fs::read_dir(server.root()).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("ferryport-")
        });
        assert_eq!(left.count(), 0, "{}", log.text());
        let directories = if kind == Kind::PureFtpd { 0 } else { 2 };
        assert_eq!(log.count("Making the temporary directory"), directories, "{}", log.text());
        assert_eq!(log.count("without a temporary name"), 0, "{}", log.text());
    }
}
