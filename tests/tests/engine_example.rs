//! The engine's example uploads to real servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::fs;

use ferryport_tests::with_each_server;

#[path = "../../ftps/examples/put.rs"]
#[allow(dead_code, reason = "its own main reads the arguments")]
mod put;

with_each_server! {
    async fn example_uploads_once_the_certificate_is_known(server: Server) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.txt");
        fs::write(&file, "from the example").unwrap();
        let login = format!("{}@127.0.0.1:{}", server.username(), server.port());
        let files = [file];

        let refused = put::put_all(&login, server.password(), None, &files).await.unwrap_err();
        assert!(refused.to_string().contains("certificate"), "{refused}");
        assert!(server.files().is_empty(), "{:?}", server.files());

        let fingerprint = server.certificate_sha256();
        put::put_all(&login, server.password(), Some(&fingerprint), &files).await.unwrap();
        assert_eq!(server.files(), ["report.txt"]);
        assert_eq!(fs::read(server.root().join("report.txt")).unwrap(), b"from the example");
    }
}
