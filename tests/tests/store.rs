//! The store on SQLite and on real PostgreSQL, its keyring, and the commands about both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use ferryport_tests::{
    client::{Attempted, Client, File, Outcome},
    content::Content,
    portal,
    portal::{Options, Portal},
    portal_program,
    postgres::Postgres,
    servers::{self, Kind, Server},
};
use protocol::client::{Connect, Secret};
use store::{
    Address, Challenge, Opener, ResealError, Sealed, Store, StoreError, StoredCertificate,
};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

/// The exit codes of a start that may succeed later, and of one that never will.
const TEMPORARY: Option<i32> = Some(75);
const BAD_CONFIGURATION: Option<i32> = Some(78);

async fn open(address: &str) -> Result<Store, StoreError> {
    Store::open(&address.parse().unwrap(), Opener::Portal, LIMIT).await
}

fn sealed(key_id: &str, text: &str) -> Sealed {
    Sealed { key_id: key_id.to_owned(), ciphertext: text.into() }
}

/// What every engine has to do.
async fn keeps_what_it_is_given(address: &str) {
    let store = open(address).await.unwrap();
    secrets_are_kept_replaced_and_removed(&store).await;
    secrets_are_sealed_again_a_transaction_at_a_time(&store).await;
    certificates_are_kept_with_their_keys(&store).await;
    challenges_end(&store).await;
    leases_exclude_others_until_they_end(&store).await;
    store.close().await;
    drop(store);
    let again = open(address).await.unwrap();
    assert!(again.secret("kind", "name").await.unwrap().is_some(), "it outlives the process");
    again.close().await;
}

async fn secrets_are_kept_replaced_and_removed(store: &Store) {
    assert_eq!(store.secret("kind", "name").await.unwrap(), None);
    for text in ["first", "second"] {
        store.put_secret("kind", "name", &sealed("a", text)).await.unwrap();
        assert_eq!(store.secret("kind", "name").await.unwrap(), Some(sealed("a", text)));
    }
    let bytes: Vec<u8> = (0..=255).collect();
    let every_byte = Sealed { key_id: "a".to_owned(), ciphertext: bytes };
    store.put_secret("kind", "ÄÖÜ ' \" ; --", &every_byte).await.unwrap();
    assert_eq!(store.secret("kind", "ÄÖÜ ' \" ; --").await.unwrap(), Some(every_byte));
    assert!(store.remove_secret("kind", "ÄÖÜ ' \" ; --").await.unwrap());
    assert!(!store.remove_secret("kind", "ÄÖÜ ' \" ; --").await.unwrap());
    assert_eq!(store.secret("other", "name").await.unwrap(), None);
}

async fn secrets_are_sealed_again_a_transaction_at_a_time(store: &Store) {
    for number in 0..5 {
        store.put_secret("many", &format!("{number}"), &sealed("old", "x")).await.unwrap();
    }
    // The second row fails, so the first one keeps its old key too.
    let mut calls = 0;
    let failed = store.reseal("new", 100, |_| {
        calls += 1;
        if calls == 1 { Ok(sealed("new", "y")) } else { Err("it does not open") }
    });
    assert!(matches!(failed.await, Err(ResealError::Secret("it does not open"))));
    let keys = store.secret_keys().await.unwrap();
    assert_eq!(keys, [("a".to_owned(), 1), ("old".to_owned(), 5)]);

    let mut done = Vec::new();
    loop {
        let reseal = |row: &store::SecretRow| {
            assert_ne!(row.sealed.key_id, "new");
            Ok::<_, String>(sealed("new", "y"))
        };
        done.push(store.reseal("new", 4, reseal).await.unwrap());
        if done.last() == Some(&0) {
            break;
        }
    }
    assert_eq!(done, [4, 2, 0]);
    assert_eq!(store.secret_keys().await.unwrap(), [("new".to_owned(), 6)]);
}

async fn certificates_are_kept_with_their_keys(store: &Store) {
    assert_eq!(store.certificate("ca example.org").await.unwrap(), None);
    for chain in ["chain 1", "chain 2"] {
        let certificate = StoredCertificate { chain: chain.to_owned(), key: sealed("new", chain) };
        store.put_certificate("ca example.org", &certificate).await.unwrap();
        let kept = store.certificate("ca example.org").await.unwrap();
        assert_eq!(kept, Some(certificate));
    }
}

async fn challenges_end(store: &Store) {
    let challenge = |token: &str| Challenge {
        token: token.to_owned(),
        domain: "example.org".to_owned(),
        key_authorization: format!("{token}.thumbprint"),
    };
    store.put_challenge(&challenge("short"), Duration::ZERO).await.unwrap();
    store.put_challenge(&challenge("long"), Duration::from_secs(600)).await.unwrap();
    assert_eq!(store.challenges().await.unwrap(), [challenge("long")]);
    store.remove_challenge("long").await.unwrap();
    assert_eq!(store.challenges().await.unwrap(), []);
}

async fn leases_exclude_others_until_they_end(store: &Store) {
    let long = Duration::from_secs(600);
    assert!(store.take_lease("work", "a", long).await.unwrap());
    assert!(!store.take_lease("work", "b", long).await.unwrap());
    assert!(store.take_lease("other", "b", long).await.unwrap());
    store.give_back_lease("work", "b").await.unwrap();
    assert!(!store.take_lease("work", "b", long).await.unwrap(), "it was not b's");
    // a extends it, and it ends at once.
    assert!(store.take_lease("work", "a", Duration::ZERO).await.unwrap());
    assert!(store.take_lease("work", "b", long).await.unwrap());
    store.give_back_lease("work", "b").await.unwrap();
    assert!(store.take_lease("work", "a", long).await.unwrap());
}

#[tokio::test]
async fn sqlite_keeps_what_it_is_given_in_a_file_for_the_portals_user_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file with spaces & %41.db");
    keeps_what_it_is_given(&format!("sqlite:{}", file.display())).await;
    let mut names = Vec::new();
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
    names.sort();
    assert_eq!(names, ["a file with spaces & %41.db", "a file with spaces & %41.db.lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_keeps_what_it_is_given_and_a_connection_that_broke_is_replaced() {
    let mut cluster = Postgres::start();
    let address = cluster.database("kept");
    keeps_what_it_is_given(&address).await;
    let store = open(&address).await.unwrap();
    assert!(store.now_ms().await.unwrap() > 1_700_000_000_000);
    cluster.kill();
    let error = store.secret("kind", "name").await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    assert!(!error.to_string().contains(cluster.password()), "{error}");
    cluster.restart();
    let found = ferryport_tests::process::wait_for(LIMIT, || {
        let store = store.clone();
        let asked = async move { store.secret("kind", "name").await };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(asked)).ok()
    });
    assert!(found.flatten().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn portals_that_start_together_share_one_postgresql_database() {
    let cluster = Postgres::start();
    let address = cluster.database("shared");
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let address = address.clone();
            tokio::spawn(async move { open(&address).await.unwrap() })
        })
        .collect();
    let mut stores = Vec::new();
    for start in starts {
        stores.push(start.await.unwrap());
    }
    let takers = stores.iter().enumerate().map(|(number, store)| {
        let (store, instance) = (store.clone(), number.to_string());
        tokio::spawn(async move { store.take_lease("work", &instance, LIMIT).await.unwrap() })
    });
    let mut taken = 0;
    for taker in takers.collect::<Vec<_>>() {
        taken += usize::from(taker.await.unwrap());
    }
    assert_eq!(taken, 1, "one portal has the lease");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_sqlite_file_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}/f.db", folder.path().display());
    let store = open(&address).await.unwrap();
    let beside = Store::open(&address.parse().unwrap(), Opener::Command, LIMIT).await.unwrap();
    let writers: Vec<_> = (0..40)
        .map(|number| {
            let store = if number % 2 == 0 { store.clone() } else { beside.clone() };
            tokio::spawn(async move {
                store.put_secret("many", &number.to_string(), &sealed("a", "x")).await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(store.secret_keys().await.unwrap(), [("a".to_owned(), 40)]);
}

/// A folder with a keyring and the settings that name it.
struct Site {
    folder: TempDir,
    store: String,
}

impl Site {
    /// With a new key, and a SQLite file that is not there yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}/ferryport.db", folder.path().display());
        let site = Self { folder, store };
        site.write_keyring(&new_key("first"));
        site
    }

    fn with_store(store: String) -> Self {
        Self { store, ..Self::new() }
    }

    fn keyring(&self) -> PathBuf {
        self.folder.path().join("keyring")
    }

    fn write_keyring(&self, text: &str) {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(self.keyring());
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("ferryport.toml")
    }

    /// Writes the configuration, with further lines.
    fn write_config(&self, further: &str) -> &Self {
        let text = format!(
            "store = \"{}\"\nkeyring_file = \"{}\"\nstore_timeout = \"1 s\"\n{further}\n",
            self.store,
            self.keyring().display()
        );
        fs::write(self.config(), text).unwrap();
        self
    }

    fn portal(&self) -> Portal {
        let path = self.config();
        portal!(Options::only(&["--config", path.to_str().unwrap()]))
    }

    /// Runs a command with the configuration and this standard input.
    fn run(&self, command: &[&str], input: &str) -> Output {
        let mut child = Command::new(portal_program!())
            .args(command)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Starts a portal that has to refuse. Returns its exit code and what it said.
    fn refusal(&self) -> (Option<i32>, String) {
        let output = self.run(&["serve", "--listen", "127.0.0.1:0"], "");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

/// The line of a new key.
fn new_key(id: &str) -> String {
    let made = Command::new(portal_program!()).args(["keys", "new", "--id", id]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The configuration of a preset whose password is in the store.
fn preset(server: &Server) -> String {
    format!(
        "[[preset]]\nname = \"site\"\nhost = \"{}\"\nport = {}\nusername = \"{}\"\n\
         login = \"portal\"\npassword_store = true\npins = [\"{}\"]",
        server.address().ip(),
        server.port(),
        server.username(),
        server.certificate_sha256(),
    )
}

async fn uploads_to_the_preset(portal: &Portal, name: &str) {
    let mut client = Client::open(portal).await;
    let connect = Connect {
        host: "site".to_owned(),
        port: 21,
        encryption: Some(protocol::Encryption::Explicit),
        username: String::new(),
        password: Secret::default(),
        trusted_certificate: None,
    };
    let attempted = client.attempt(connect).await;
    assert!(matches!(attempted, Attempted::Connected(_)), "{attempted:?}");
    let file = File::new(name, Content { len: 1 << 16, seed: 1 });
    let outcome = client.upload_one(&file).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_stored_logs_in_before_and_after_a_rotation_of_keys() {
    let server = servers::start(Kind::PureFtpd);
    let site = Site::new();
    site.write_config(&preset(&server));
    let (code, missing) = site.refusal();
    assert_eq!(code, BAD_CONFIGURATION, "{missing}");
    assert!(missing.contains("ferryport preset set-password site"), "{missing}");

    let password = format!("{}\n", server.password());
    let stored = said(&site.run(&["preset", "set-password", "site"], &password));
    assert!(stored.contains("is stored") && !stored.contains(server.password()), "{stored}");
    for entry in site.folder.path().read_dir().unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let secret = server.password().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "it is sealed");
    }
    let mut portal = site.portal();
    uploads_to_the_preset(&portal, "a.bin").await;

    // The commands work beside the portal that runs.
    let old = fs::read_to_string(site.keyring()).unwrap();
    site.write_keyring(&format!("{}{old}", new_key("second")));
    let listed = said(&site.run(&["keys", "list"], ""));
    assert_eq!(listed, "second  seals  0 secrets\nfirst  opens  1 secrets\n");
    let rotated = said(&site.run(&["keys", "rotate"], ""));
    assert!(rotated.contains("1 secrets were sealed again"), "{rotated}");
    assert!(rotated.contains("key first can be removed"), "{rotated}");
    let again = said(&site.run(&["keys", "rotate"], ""));
    assert!(again.contains("0 secrets were sealed again"), "{again}");
    portal.stop();

    let both = fs::read_to_string(site.keyring()).unwrap();
    site.write_keyring(both.lines().next().unwrap());
    uploads_to_the_preset(&site.portal(), "b.bin").await;

    site.write_keyring(&old);
    let (code, missing) = site.refusal();
    assert_eq!(code, BAD_CONFIGURATION, "{missing}");
    assert!(
        missing.contains("the keyring lacks keys") && missing.contains("`second`"),
        "{missing}"
    );
    // Another key with the id of the one that sealed.
    site.write_keyring(&new_key("second"));
    let (code, wrong) = site.refusal();
    assert_eq!(code, BAD_CONFIGURATION, "{wrong}");
    assert!(wrong.contains("`second` does not open"), "{wrong}");
}

#[test]
fn a_second_portal_on_a_sqlite_file_is_refused_until_the_first_one_has_ended() {
    let site = Site::new();
    site.write_config("");
    let mut first = site.portal();
    let (code, refused) = site.refusal();
    assert_eq!(code, TEMPORARY, "{refused}");
    for part in ["in use by another portal", "PostgreSQL", "ferryport.db"] {
        assert!(refused.contains(part), "{refused}");
    }
    first.signal("KILL");
    first.wait_for_exit(LIMIT);
    drop(site.portal());
}

#[test]
fn two_portals_serve_with_one_postgresql_database() {
    let cluster = Postgres::start();
    let site = Site::with_store(cluster.database("two"));
    site.write_config("");
    let portals = [site.portal(), site.portal()];
    for portal in &portals {
        assert_eq!(portal.ask("GET", "/healthz", &[]).status, 200);
        assert!(!portal.output().contains(cluster.password()));
    }
}

#[test]
fn a_store_that_cannot_be_used_ends_the_start_with_its_remedy_and_without_a_password() {
    let cluster = Postgres::start();
    let _exists = cluster.database("refusals");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("postgres://ferryport:{}@{free}/ferryport", cluster.password());
    let folder = tempfile::tempdir().unwrap();
    let no_database = folder.path().join("text.db");
    fs::write(
        &no_database,
        "This is a text file and no database, whatever its name says.".repeat(99),
    )
    .unwrap();
    let cases = [
        (cluster.address("wrong", "refusals"), BAD_CONFIGURATION, "Check user, password"),
        (
            cluster.address(cluster.password(), "missing"),
            BAD_CONFIGURATION,
            "\"missing\" does not exist",
        ),
        (closed, TEMPORARY, "Check that the database runs"),
        ("sqlite:/nonexistent/f.db".to_owned(), BAD_CONFIGURATION, "Its folder has to exist"),
        ("sqlite:/proc/f.db".to_owned(), BAD_CONFIGURATION, "has to be able to write the folder"),
        (
            format!("sqlite:{}", no_database.display()),
            BAD_CONFIGURATION,
            "is not a store of Ferryport",
        ),
    ];
    for (store, expected, remedy) in cases {
        let site = Site::with_store(store.clone());
        let (code, refused) = site.write_config("").refusal();
        assert_eq!(code, expected, "{store}: {refused}");
        assert!(refused.contains(remedy), "{store}: {refused}");
        assert!(!refused.contains(cluster.password()), "{refused}");
    }
}

#[test]
fn a_schema_of_a_newer_version_is_left_alone() {
    let cluster = Postgres::start();
    let site = Site::with_store(cluster.database("newer"));
    site.write_config("");
    drop(site.portal());
    cluster.run(
        "newer",
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, \
         execution_time) VALUES (1000, 'later', now(), true, '\\x00', 0)",
    );
    let (code, refused) = site.refusal();
    assert_eq!(code, BAD_CONFIGURATION, "{refused}");
    assert!(refused.contains("by a newer version of Ferryport"), "{refused}");
}

#[test]
fn a_full_disk_is_told_and_leaves_the_store_whole() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Tmpfs::mount(folder.path());
    let site = Site::with_store(format!("sqlite:{}/f.db", folder.path().display()));
    site.write_config("");
    drop(site.portal());
    fs::write(folder.path().join("filler"), vec![0; 8 << 20]).unwrap_err();
    let server = "[[preset]]\nname = \"site\"\nhost = \"ftp.example.org\"\nusername = \"u\"\n\
                  login = \"portal\"\npassword_store = true";
    site.write_config(server);
    let refused = site.run(&["preset", "set-password", "site"], "sesame\n");
    let text = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), TEMPORARY, "{text}");
    assert!(text.contains("is full") || text.contains("No space left"), "{text}");
    fs::remove_file(folder.path().join("filler")).unwrap();
    said(&site.run(&["preset", "set-password", "site"], "sesame\n"));
    drop(disk);
}

/// A small disk, until it is dropped.
struct Tmpfs<'f>(&'f Path);

impl<'f> Tmpfs<'f> {
    fn mount(folder: &'f Path) -> Self {
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder).status();
        assert!(mounted.unwrap().success(), "the tests run as root, who may mount a tmpfs");
        Self(folder)
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn an_address_of_another_kind_is_refused_by_the_settings_without_its_password() {
    let site = Site::with_store("mysql://porter:sesame@db/ferryport".to_owned());
    let (code, refused) = site.write_config("").refusal();
    assert_eq!(code, BAD_CONFIGURATION, "{refused}");
    assert!(refused.contains("`sqlite:/` or `postgres://`"), "{refused}");
    assert!(!refused.contains("sesame"), "{refused}");
    assert!("sqlite:relative.db".parse::<Address>().is_err());
}

#[test]
fn a_keyring_that_others_can_read_ends_the_start() {
    let site = Site::new();
    fs::set_permissions(site.keyring(), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, refused) = site.write_config("").refusal();
    assert_eq!(code, BAD_CONFIGURATION, "{refused}");
    assert!(refused.contains("`keyring_file`") && refused.contains("chmod 600"), "{refused}");
}
