//! Servers that forbid renaming: files are written in place.

use ferryport_tests::{
    content::Content,
    engine::SessionLog,
    servers::{Kind, Renaming},
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
}
