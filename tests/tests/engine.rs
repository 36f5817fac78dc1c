//! The FTPS engine against vsftpd, `ProFTPD` and Pure-FTPd at Debian's defaults.
//!
//! Each run of many uploads prints how many there were, how many data connections resumed the
//! session and how often the engine had to connect again: `cargo test --test engine -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::time::Duration;

use ferryport_tests::{
    engine::{EngineSetup, SessionLog, remote},
    greeting_relay,
    servers::{Kind, Options, Server, TlsMax, hex},
    with_each_server,
};
use ftps::{
    Cause, Client, Connector, Diagnosis, Encryption, EntryKind, Error, Stage, TlsVersion, Who,
};
use sha2::{Digest as _, Sha256};

/// Uploads in one session.
const MANY: usize = 200;

/// A client that reconnects by the fallback that a server needs.
struct ReconnectingClient {
    connector: Connector,
    client: Client,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    uploads: usize,
    resumed: usize,
    full: usize,
    reconnects: usize,
}

impl ReconnectingClient {
    async fn open(server: &Server) -> Self {
        let connector = EngineSetup::of(server).connector();
        let client = connector.open().await.unwrap_or_else(|e| panic!("{e:?}\n{}", server.log()));
        Self { connector, client, counts: Counts::default() }
    }

    async fn upload(&mut self, name: &str, content: &[u8]) {
        for _ in 0..3 {
            match self.try_upload(name, content).await {
                Ok(()) => return,
                Err(error) => self.reconnect(error).await,
            }
        }
        panic!("three attempts and no upload");
    }

    async fn try_upload(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let mut upload = self.client.store(&remote(name), 0).await?;
        upload.write(content).await?;
        let stored = upload.finish().await?;
        assert_eq!(stored.bytes, content.len() as u64);
        self.counts.uploads += 1;
        if stored.tls.resumed {
            self.counts.resumed += 1;
        } else {
            self.counts.full += 1;
        }
        Ok(())
    }

    async fn reconnect(&mut self, error: Error) {
        let fallback = self.connector.learn(&error);
        fallback.unwrap_or_else(|| panic!("no other way is known: {error:?}"));
        self.client = self.connector.open().await.unwrap();
        self.counts.reconnects += 1;
    }
}

/// Bytes that differ from file to file and compress badly.
fn content(seed: usize, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut block = Sha256::digest(seed.to_le_bytes());
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(length);
    bytes
}

async fn many_uploads(kind: Kind, encryption: protocol::Encryption, tls_max: TlsMax) {
    let server = Server::start(kind, Options { encryption, tls_max, ..Options::default() });
    let mut session = ReconnectingClient::open(&server).await;
    let sizes = [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 5 * 1024 * 1024 + 1];
    let all: Vec<usize> = sizes.into_iter().chain([4096; MANY]).collect();
    for (index, &size) in all.iter().enumerate() {
        session.upload(&format!("file-{index}"), &content(index, size)).await;
    }
    for (index, &size) in all.iter().enumerate() {
        let expected = hex(&Sha256::digest(content(index, size)));
        assert_eq!(server.sha256_of(&format!("file-{index}")), Some(expected), "file-{index}");
    }
    let last = all.len() - 1;
    let size = session.client.size(&remote(&format!("file-{last}"))).await.unwrap();
    assert_eq!(size, Some(4096));

    let tls = session.client.facts().tls.version;
    let Counts { uploads, resumed, full, reconnects } = session.counts;
    println!(
        "{}, {encryption:?}, server up to {tls_max:?}, {tls}: {uploads} uploads, \
         {resumed} resumed, {full} full, {reconnects} reconnects",
        kind.name()
    );
    assert_eq!(uploads, all.len());
    assert_eq!(reconnects, 0);
    if kind != Kind::PureFtpd || tls == TlsVersion::Tls12 {
        assert_eq!(full, 0, "a server that requires resumed sessions got a new one");
    }
    session.client.quit().await;
}

/// One test for each server, encryption and TLS version.
macro_rules! cells {
    ($($name:ident: $kind:ident, $encryption:ident, $tls_max:ident;)+) => {
        mod many_uploads_in_one_session_are_all_stored {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    many_uploads(Kind::$kind, protocol::Encryption::$encryption, TlsMax::$tls_max)
                        .await;
                }
            )+
        }
    };
}

cells! {
    vsftpd_tls12: Vsftpd, Explicit, V12;
    vsftpd_tls13: Vsftpd, Explicit, V13;
    vsftpd_implicit_tls12: Vsftpd, Implicit, V12;
    vsftpd_implicit_tls13: Vsftpd, Implicit, V13;
    proftpd_tls12: ProFtpd, Explicit, V12;
    proftpd_tls13: ProFtpd, Explicit, V13;
    proftpd_implicit_tls12: ProFtpd, Implicit, V12;
    proftpd_implicit_tls13: ProFtpd, Implicit, V13;
    pure_ftpd_tls12: PureFtpd, Explicit, V12;
    pure_ftpd_tls13: PureFtpd, Explicit, V13;
}

/// `ProFTPD` accepts tickets of the control connection only: TLS 1.3 runs out of them, the engine
/// connects again with TLS 1.2, and everything is stored.
#[tokio::test]
async fn after_a_refused_data_connection_an_unnamed_server_gets_tls_12() {
    let server = ferryport_tests::servers::start(Kind::ProFtpd);
    let log = SessionLog::default();
    let relay = greeting_relay::start(&server).await;
    let connector = EngineSetup::of(&server).at(relay).logging(&log).connector();
    let client = connector.open().await.unwrap();
    assert_eq!(client.facts().tls.version, TlsVersion::Tls13);
    let mut session = ReconnectingClient { connector, client, counts: Counts::default() };
    for index in 0..MANY {
        session.upload(&format!("file-{index}"), &content(index, 4096)).await;
    }
    for index in 0..MANY {
        let expected = hex(&Sha256::digest(content(index, 4096)));
        assert_eq!(server.sha256_of(&format!("file-{index}")), Some(expected), "file-{index}");
    }
    println!("ProFTPD, banner hidden: {:?}", session.counts);
    assert_eq!((session.counts.uploads, session.counts.reconnects), (MANY, 1));
    assert!(log.has("Reconnecting with TLS 1.2"));
}

/// Returns the diagnosis of a session with the wrong encryption.
async fn cause_of_wrong_mode(server: &Server) -> Cause {
    let wrong = match server.encryption() {
        protocol::Encryption::Explicit => Encryption::Implicit,
        protocol::Encryption::Implicit => Encryption::Explicit,
    };
    let setup = EngineSetup::of(server).encryption(wrong).untrusting();
    let setup = setup.configure(|config| config.timeouts.silence = Duration::from_millis(200));
    let connector = setup.connector();
    Cause::of(&connector.open().await.unwrap_err())
}

#[tokio::test]
async fn explicit_tls_at_an_implicit_port_is_diagnosed() {
    for kind in Kind::WITH_IMPLICIT_TLS {
        let options = Options { encryption: protocol::Encryption::Implicit, ..Options::default() };
        let server = Server::start(kind, options);
        assert_eq!(cause_of_wrong_mode(&server).await, Cause::ImplicitTlsExpected, "{kind:?}");
    }
}

async fn session_of(server: &Server) -> Client {
    ReconnectingClient::open(server).await.client
}

with_each_server! {
    /// The server replies to a ClientHello with a greeting in clear text.
    async fn implicit_tls_at_an_explicit_port_is_diagnosed(server: Server) {
        assert_eq!(cause_of_wrong_mode(&server).await, Cause::ExplicitTlsExpected);
    }

    /// The certificate is shown with its doubts, and accepted by its fingerprint alone.
    async fn an_untrusted_certificate_is_shown_and_can_be_trusted_by_its_fingerprint(server: Server) {
        let log = SessionLog::default();
        let setup = || EngineSetup::of(&server).host("other.example").untrusting().logging(&log);
        let refusing = setup().connector();
        let error = refusing.open().await.unwrap_err();
        let untrusted = error.is_certificate().unwrap();
        assert_eq!(untrusted.facts.sha256.to_string(), server.certificate_sha256());
        assert_eq!(untrusted.faults.len(), 2, "{:?}", untrusted.faults);
        assert!(!log.has("USER"));
        let trusted = untrusted.facts.sha256;
        let trusting = setup().configure(|config| config.tls.trusted_certificate = Some(trusted));
        let mut client = trusting.connector().open().await.unwrap();
        let upload = client.store(&remote("x"), 0).await.unwrap();
        upload.finish().await.unwrap();
        assert_eq!(server.files(), ["x"]);
    }

    /// The login fails with 530, and the password is in no line of the log.
    async fn a_wrong_password_fails_with_the_servers_530(server: Server) {
        let log = SessionLog::default();
        let connector =
            EngineSetup::of(&server).password("not the password").logging(&log).connector();
        let error = connector.open().await.unwrap_err();
        assert_eq!(error.stage(), Stage::Login);
        assert_eq!(error.reply().unwrap().code().value(), 530);
        let diagnosis = Diagnosis::of(&error);
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::WrongCredentials, Who::You));
        assert!(log.has("Command: PASS ********"));
        assert!(!log.has("not the password"));
    }

    /// The refusal leaves commands and replies in step.
    async fn a_read_only_directory_is_diagnosed_and_the_session_continues(server: Server) {
        let mut session = ReconnectingClient::open(&server).await;
        let refused = format!("{}/x", Server::READ_ONLY);
        let error = session.client.store(&remote(&refused), 0).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Transfer);
        assert!([550, 553].contains(&error.reply().unwrap().code().value()), "{error}");
        assert_eq!(Cause::of(&error), Cause::NotPermitted);
        session.upload("y", b"after").await;
        assert_eq!(session.counts.reconnects, 0);
        assert_eq!(server.files(), ["y"]);
    }

    /// `mkdir -p` twice, and a directory that another client made.
    async fn directories_are_created_once_and_found_again(server: Server) {
        let mut client = session_of(&server).await;
        client.make_directories(&remote("a/b c/d")).await.unwrap();
        client.make_directories(&remote("a/b c/e")).await.unwrap();
        assert!(server.root().join("a/b c/d").is_dir());
        assert!(server.root().join("a/b c/e").is_dir());
        let mut other = session_of(&server).await;
        other.make_directories(&remote("a/b c/d/f")).await.unwrap();
        other.make_directory(&remote("a")).await.unwrap();
        assert!(server.root().join("a/b c/d/f").is_dir());
        let refused = format!("{}/x", Server::READ_ONLY);
        let error = other.make_directory(&remote(&refused)).await.unwrap_err();
        assert_eq!(error.stage(), Stage::MakeDirectory);
    }

    /// What is uploaded under an odd name is listed under that name.
    async fn odd_names_are_stored_and_listed(server: Server) {
        let names = [
            "a b.txt", " leading", "ümläut", "日本語", "🚢", "a#b%41", "-dash", "a;b=c", "a'b\"c",
            "a[b]c", "-rw-r--r-- 1 0 0 1 Jan 1 12:00 x",
        ];
        let mut session = ReconnectingClient::open(&server).await;
        session.client.make_directories(&remote("odd {names}")).await.unwrap();
        for name in names {
            session.upload(&format!("odd {{names}}/{name}"), name.as_bytes()).await;
        }
        let listing = session.client.list(&remote("odd {names}")).await.unwrap();
        assert_eq!((listing.left_out, listing.is_complete), (0, true));
        let mut listed: Vec<_> = listing.entries.iter().map(|e| e.name.to_string()).collect();
        let mut expected: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
        for entry in &listing.entries {
            assert_eq!(entry.kind, EntryKind::File);
            assert_eq!(entry.size, Some(entry.name.as_bytes().len() as u64));
        }
    }

    /// A listing of nothing is nothing, one of no directory is an error.
    async fn empty_and_missing_directories_are_told_apart(server: Server) {
        let mut client = session_of(&server).await;
        client.make_directory(&remote("empty")).await.unwrap();
        assert_eq!(client.list(&remote("empty")).await.unwrap().entries, []);
        let error = client.list(&remote("missing")).await.unwrap_err();
        assert_eq!(error.stage(), Stage::List, "{error:?}");
        assert!(client.is_usable());
        assert_eq!(client.list(&remote("empty")).await.unwrap().entries, []);
    }

    /// `RNFR`, `RNTO` over a file that exists, `DELE`, `SIZE` of nothing.
    async fn rename_replaces_and_delete_removes(server: Server) {
        let mut session = ReconnectingClient::open(&server).await;
        session.upload("old", b"old").await;
        session.upload("new.part", b"newer").await;
        session.client.rename(&remote("new.part"), &remote("old")).await.unwrap();
        assert_eq!(session.client.size(&remote("old")).await.unwrap(), Some(5));
        assert_eq!(session.client.size(&remote("new.part")).await.unwrap(), None);
        session.client.delete(&remote("old")).await.unwrap();
        assert_eq!(server.files(), Vec::<String>::new());
        assert!(session.client.delete(&remote("old")).await.unwrap_err().reply().is_some());
    }

    /// One upload is aborted, and the next one uses the same session or a new one.
    async fn after_an_aborted_upload_the_client_is_in_step_or_unusable(server: Server) {
        let mut session = ReconnectingClient::open(&server).await;
        session.upload("before", b"before").await;
        let mut upload = session.client.store(&remote("half"), 0).await.unwrap();
        upload.write(&content(1, 100_000)).await.unwrap();
        let aborted = upload.abort().await;
        println!("{}: abort {aborted:?}", server.kind().name());
        assert_eq!(aborted.is_ok(), session.client.is_usable());
        session.upload("after", b"after").await;
        assert_eq!(server.sha256_of("after"), Some(hex(&Sha256::digest(b"after"))));
        println!("{}: {:?}", server.kind().name(), session.counts);
    }

    /// An upload resumes at an offset. `ProFTPD` forbids that by default, and its reply says so.
    async fn store_resumes_at_an_offset(server: Server) {
        let mut session = ReconnectingClient::open(&server).await;
        let whole = content(7, 100_000);
        session.upload("whole", &whole[..60_000]).await;
        match session.client.store(&remote("whole"), 60_000).await {
            Ok(mut upload) => {
                upload.write(&whole[60_000..]).await.unwrap();
                upload.finish().await.unwrap();
                assert_eq!(server.sha256_of("whole"), Some(hex(&Sha256::digest(&whole))));
            }
            Err(error) => {
                assert_eq!(server.kind(), Kind::ProFtpd, "{error:?}");
                assert_eq!(error.stage(), Stage::Transfer);
                assert_eq!(error.reply().unwrap().code().value(), 451);
            }
        }
        session.upload("next", b"next").await;
        assert_eq!(session.counts.reconnects, 0);
    }
}
