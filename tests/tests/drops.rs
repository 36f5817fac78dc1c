//! Drops end to end: a native guest delivers through a link onto real servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, process::Command};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ferryport_tests::{
    drop_site::{DropSite, PRESET_FOLDER},
    guest::{Guest, GuestFile, GuestOutcome, Link},
    portal_program,
    postgres::Postgres,
    servers::{self, Kind, Server},
    with_each_server,
};
use protocol::{ClientMessage, guest::GuestReason};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn site(server: &Server) -> DropSite {
    DropSite::new(portal_program!(), server, None, "")
}

/// The files on the server whose path ends so.
fn found(server: &Server, end: &str) -> Vec<String> {
    server.files().into_iter().filter(|path| path.ends_with(end)).collect()
}

/// Delivers files and folders, and checks the receipt against the server's disk.
async fn delivers(server: &Server, site: &DropSite) {
    let portal = site.portal();
    let link = site.create(&["--ask", "name=required", "--folder", "{drop}/{date} {name}"]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    assert_eq!(guest.facts.title, "Tax papers 2026");
    assert_eq!(guest.facts.ask[0].key, "name");
    guest.begin(&[("name", "Anna ../ Muster")]).await.unwrap();
    let files = [
        GuestFile::new("large.bin", 3 << 20, 1),
        GuestFile::new("photos/2026/ü 1.jpg", 70_000, 2),
        GuestFile::new("photos/empty.txt", 0, 3),
        GuestFile { digest: false, ..GuestFile::new("unread.bin", 200_000, 4) },
    ];
    let outcomes = guest.deliver(&files).await;
    let receipt = guest.finish().await.unwrap();
    assert_eq!(receipt.files.len(), files.len(), "{receipt:?}");
    for (file, outcome) in files.iter().zip(outcomes) {
        let sha256 = file.sha256();
        assert!(
            matches!(&outcome, GuestOutcome::Done { sha256: Some(own), .. } if *own == sha256),
            "{}: {outcome:?}\n{}",
            file.path,
            portal.output()
        );
        let paths = found(server, &format!("/{}", file.path));
        assert_eq!(paths.len(), 1, "{:?}", server.files());
        let start = format!("{PRESET_FOLDER}/Tax papers 2026/2");
        assert!(paths[0].starts_with(&start) && paths[0].contains(" Anna .. Muster/"), "{paths:?}");
        assert_eq!(server.sha256_of(&paths[0]), Some(sha256.clone()));
        let listed = receipt.files.iter().find(|listed| listed.path == file.path).unwrap();
        assert_eq!(listed.sha256.as_ref(), Some(&sha256));
    }
    let arrivals = site.told(&["arrivals", &link.id, "--csv"]);
    assert!(arrivals.contains("Anna ../ Muster") && arrivals.contains(&files[0].sha256()));
    assert_eq!(arrivals.matches(",stored,").count(), files.len(), "{arrivals}");
}

with_each_server! {
    async fn a_guest_delivers_files_and_folders_with_a_store_in_sqlite(server: Server) {
        delivers(&server, &site(&server)).await;
    }

    async fn a_guest_delivers_files_and_folders_with_a_store_in_postgresql(server: Server) {
        let cluster = Postgres::start();
        let address = cluster.database("drops");
        let site = DropSite::new(portal_program!(), &server, Some(&address), "");
        delivers(&server, &site).await;
    }

    async fn two_guests_with_one_name_both_deliver_and_nothing_is_replaced(server: Server) {
        let site = site(&server);
        let portal = site.portal();
        let links = [site.create(&["--folder", "same"]), site.create(&["--folder", "same"])];
        let file = |seed| GuestFile::new("Report.pdf", 300_000, seed);
        let mut guests = Vec::new();
        for link in [&links[0], &links[1], &links[0]] {
            let mut guest = site.open(&portal, link).await.unwrap();
            guest.begin(&[]).await.unwrap();
            guests.push(guest);
        }
        let [one, two, three] = &mut guests[..] else { unreachable!() };
        let (first, second) = (file(1), file(2));
        let (a, b) = tokio::join!(one.deliver_one(&first), two.deliver_one(&second));
        let c = three.deliver_one(&file(3)).await;
        for outcome in [a, b, c] {
            assert!(outcome.is_done(), "{outcome:?}\n{}", portal.output());
        }
        let folder = format!("{PRESET_FOLDER}/same");
        let mut sums = Vec::new();
        for name in ["Report.pdf", "Report (2).pdf", "Report (3).pdf"] {
            sums.push(server.sha256_of(&format!("{folder}/{name}")).expect(name));
        }
        sums.sort();
        let mut expected = [1, 2, 3].map(|seed| file(seed).sha256());
        expected.sort();
        assert_eq!(sums, expected);
        assert_eq!(server.files().len(), 3, "{:?}", server.files());
    }

    /// What a web server would run, or be configured by.
    async fn what_a_web_server_runs_never_arrives(server: Server) {
        let site = site(&server);
        let portal = site.portal();
        let mut guest = site.open(&portal, &site.create(&["--types", "php,txt,htaccess"])).await.unwrap();
        guest.begin(&[]).await.unwrap();
        let script = b"<?php system($_GET['x']);";
        let names = [".htaccess", "x.php", "X.PHP", "a/.htaccess", "x.php.txt", "x.php ", "../x.php"];
        for name in names {
            let outcome = guest.deliver_one(&GuestFile::given(name, script)).await;
            assert_eq!(outcome.reason(), Some(GuestReason::Name), "{name}");
        }
        let program = GuestFile::given("x.txt", &[b"\x7fELF".as_slice(), &[0; 500]].concat());
        assert_eq!(guest.deliver_one(&program).await.reason(), Some(GuestReason::Program));
        assert!(guest.deliver_one(&GuestFile::given("fine.txt", b"fine")).await.is_done());
        assert_eq!(server.files().len(), 1, "{:?}", server.files());
    }
}

/// Reads a JWS with openssl alone, and returns its payload where the signature is right.
fn checked_by_openssl(keys: &str, signed: &str) -> Option<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (content, signature) = signed.rsplit_once('.').unwrap();
    let (header, payload) = content.split_once('.').unwrap();
    let header: serde_json::Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header["alg"], "EdDSA");
    let keys: serde_json::Value = serde_json::from_str(keys).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
    // RFC 8410 §4: the prefix of a SubjectPublicKeyInfo for Ed25519.
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let key = [&prefix[..], &decode(key.unwrap()["x"].as_str().unwrap())].concat();
    let verified = Command::new("openssl")
        .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"])
        .arg(write("key.der", &key))
        .arg("-in")
        .arg(write("content", content.as_bytes()))
        .arg("-sigfile")
        .arg(write("signature", &decode(signature)))
        .output()
        .unwrap();
    verified.status.success().then(|| serde_json::from_slice(&decode(payload)).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_checked_with_the_published_key_by_openssl() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let mut guest = site.open(&portal, &site.create(&[])).await.unwrap();
    assert_eq!(guest.finish().await.unwrap_err().reason, GuestReason::NotBegun);
    let arrival = guest.begin(&[]).await.unwrap();
    assert_eq!(guest.finish().await.unwrap_err().reason, GuestReason::NotBegun, "nothing arrived");
    let file = GuestFile::new("a.bin", 100_000, 1);
    assert!(guest.deliver_one(&file).await.is_done());
    let receipt = guest.finish().await.unwrap();
    let keys = portal.ask("GET", "/.well-known/ferryport-receipt.json", &[]);
    let payload = checked_by_openssl(&keys.body, &receipt.signed).expect("it is genuine");
    assert_eq!(payload["jti"], arrival.id.as_str());
    assert_eq!(payload["iss"], "https://up.example.com/in/");
    assert_eq!(payload["files"][0]["sha256"], file.sha256());
    let changed = receipt.signed.replacen('.', ".x", 1);
    assert!(checked_by_openssl(&keys.body, &changed).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opens_nothing_with_a_wrong_secret_too_early_over_or_withdrawn_and_says_why() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let open = site.create(&[]);
    let unknown = Link { id: "AAAAAAAAAAAA".to_owned(), ..open.clone() };
    let wrong = Link { secret: "x".repeat(43), ..open.clone() };
    let mut answers = Vec::new();
    for link in [&unknown, &wrong] {
        answers.push(site.open(&portal, link).await.err().unwrap());
    }
    assert_eq!(answers[0], answers[1], "one answer");
    assert_eq!((answers[0].problem.reason, &answers[0].title), (GuestReason::NotValid, &None));
    let revoked = site.create(&[]);
    let _told = site.told(&["revoke", &revoked.id]);
    for (link, reason) in [
        (&site.create(&["--starts", "1h"]), GuestReason::TooEarly),
        (&revoked, GuestReason::Withdrawn),
    ] {
        let refused = site.open(&portal, link).await.err().unwrap();
        assert_eq!(refused.problem.reason, reason);
        assert_eq!(refused.title.as_deref(), Some("Tax papers 2026"));
    }
    let link = site.told(&["link", &open.id]);
    assert_eq!(Link::parse(&link), open, "the owner gets the link again");
    assert!(site.open(&portal, &open).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_asks_for_more_than_uploads_breaks_the_protocol() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let link = site.create(&[]);
    for message in [
        ClientMessage::List { path: String::new() },
        ClientMessage::Disconnect,
        ClientMessage::Remove { path: "a.0123abcd.part".to_owned() },
        ClientMessage::Rename { from: "a".to_owned(), to: "b".to_owned() },
    ] {
        let mut guest = site.open(&portal, &link).await.unwrap();
        guest.begin(&[]).await.unwrap();
        guest.send_raw(&message).await;
        let end = guest.goodbye().await;
        assert_eq!(end, (Some(GuestReason::Protocol), Some(CloseCode::Protocol)), "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_of_a_client_are_limited_and_the_right_one_opens_the_link() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let file = site.folder().join("drop-password");
    fs::write(&file, "sesame\n").unwrap();
    let link = site.create(&["--password-file", file.to_str().unwrap()]);
    let from = |address: &str| portal.acceptor().for_client(address);
    let refused = Guest::open(from("192.0.2.1"), &link).await.err().unwrap();
    assert_eq!((refused.problem.reason, refused.wait_seconds), (GuestReason::Password, None));
    let wrong = link.clone().with_password("open");
    for number in 1..=5 {
        let refused = Guest::open(from("192.0.2.1"), &wrong).await.err().unwrap();
        assert_eq!(refused.problem.reason, GuestReason::Password, "{number}");
        assert_eq!(refused.wait_seconds.is_some(), number == 5, "{number}: {refused:?}");
    }
    let right = link.clone().with_password("sesame");
    let refused = Guest::open(from("192.0.2.1"), &right).await.err().unwrap();
    assert_eq!(refused.problem.reason, GuestReason::TooMany, "it waits first");
    assert!(Guest::open(from("192.0.2.2"), &right).await.is_ok(), "another client does not");
    let guessed = Link { secret: "x".repeat(43), ..link };
    for _ in 0..30 {
        let _refused = Guest::open(from("192.0.2.3"), &guessed).await.err().unwrap();
    }
    let refused = Guest::open(from("192.0.2.3"), &guessed).await.err().unwrap();
    assert_eq!(refused.problem.reason, GuestReason::TooMany);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_a_drop_hold_and_each_is_said_before_a_byte_is_sent() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let limits = ["--max-files", "2", "--max-bytes", "300 KiB", "--max-file-bytes", "200 KiB"];
    let link = site.create(&[&limits[..], &["--types", "bin", "--max-arrivals", "1"]].concat());
    let mut guest = site.open(&portal, &link).await.unwrap();
    assert_eq!((guest.facts.files_left, guest.facts.bytes_left), (Some(2), Some(300 << 10)));
    let before = guest.deliver_one(&GuestFile::new("early.bin", 5, 1)).await;
    assert_eq!(before.reason(), Some(GuestReason::NotBegun));
    guest.begin(&[]).await.unwrap();
    let kib = |name: &str, kib: u64| GuestFile::new(name, kib << 10, 7);
    for (file, reason) in [
        (kib("a.bin", 201), Some(GuestReason::FileTooLarge)),
        (kib("a.txt", 1), Some(GuestReason::Type)),
        (kib("a.bin", 200), None),
        (kib("b.bin", 101), Some(GuestReason::Bytes)),
        (kib("b.bin", 100), None),
        (kib("c.bin", 0), Some(GuestReason::Files)),
    ] {
        let outcome = guest.deliver_one(&file).await;
        assert_eq!(outcome.reason(), reason, "{file:?}: {outcome:?}");
    }
    let mut other = site.open(&portal, &link).await.unwrap();
    other.begin(&[]).await.unwrap();
    let outcome = other.deliver_one(&kib("d.bin", 1)).await;
    assert_eq!(outcome.reason(), Some(GuestReason::Files));
    assert_eq!(server.files().len(), 2, "{:?}", server.files());
    assert_eq!(guest.finish().await.unwrap().files.len(), 2);
    let refused = site.open(&portal, &link).await.err().unwrap();
    assert_eq!(refused.problem.reason, GuestReason::Full, "nobody has to finish");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changed_during_its_upload_is_neither_stored_nor_counted() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let link = site.create(&[]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    guest.begin(&[]).await.unwrap();
    let file = GuestFile { digest: false, ..GuestFile::new("a.bin", 1 << 20, 5) };
    let upload = guest.offer_with_digest(&file, &"ab".repeat(32)).await;
    assert_eq!(guest.ended(upload).await.reason(), Some(GuestReason::Changed));
    assert!(server.files().is_empty(), "{:?}", server.files());
    let shown = site.told(&["show", &link.id]);
    assert!(shown.contains("files        0\n"), "{shown}");
}

/// 200 names of files and folders that lead elsewhere, or that some system takes for something else.
fn hostile_names() -> Vec<String> {
    let parts = [
        "..",
        ".",
        "...",
        "..\\..",
        "/",
        "//",
        "~",
        "a\0b",
        "CON",
        "nul.txt",
        "x.php",
        ".ssh",
        "a:b",
        "\u{202e}cod.exe",
        "e\u{301}",
        "\u{2215}",
        "%2e%2e",
        "-rf",
        "a b ",
        "* ? |",
        "$(id)",
        "`id`",
        "\r\nDELE x",
        "\u{feff}..",
        "ferryport-0123abcd",
        "x.0123abcd.part",
        "\t",
        "'; --",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let name = |number| {
        let parts: Vec<_> =
            (0..random.usize(1..4)).map(|_| parts[random.usize(..parts.len())]).collect();
        // The number keeps files from having the names of folders.
        format!("{}{number}", parts.join(["/", "", "/../"][random.usize(..3)]))
    };
    (0..200).map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_end_below_the_folder_of_the_arrival() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let portal = site.portal();
    let link = site.create(&["--ask", "name", "--folder", "in/{name}/x"]);
    let (mut stored, mut refused) = (0, 0);
    for (number, names) in hostile_names().chunks(40).enumerate() {
        let mut guest = site.open(&portal, &link).await.unwrap();
        // The answers are hostile too.
        let answer = names[number].replace(char::is_control, "");
        guest.begin(&[("name", &answer)]).await.unwrap();
        let files: Vec<_> = names.iter().map(|name| GuestFile::given(name, b"x")).collect();
        for (file, outcome) in files.iter().zip(guest.deliver(&files).await) {
            match outcome.reason() {
                None => stored += 1,
                Some(GuestReason::Name) => refused += 1,
                Some(_) => panic!("{file:?}: {outcome:?}\n{}\n{}", portal.output(), server.log()),
            }
        }
        // Its FTPS sessions would count against the limit of the server.
        guest.leave().await;
    }
    assert!(stored > 20 && refused > 20, "{stored} {refused}");
    let root = server.root().canonicalize().unwrap();
    let files = server.files();
    assert_eq!(files.len(), stored, "{files:#?}");
    for file in files {
        let real = root.join(&file).canonicalize().unwrap();
        let below =
            real.strip_prefix(root.join(PRESET_FOLDER).join("in")).expect("below the folder");
        assert_eq!(below.iter().nth(1).unwrap(), "x", "{file}");
        assert!(!file.contains("/.") && !file.ends_with(".php"), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guest_never_hears_of_the_server() {
    let mut server = servers::start(Kind::ProFtpd);
    let site = site(&server).with_settings("retries = 0\nconnect_timeout = \"2 s\"");
    let portal = site.portal();
    let link = site.create(&["--folder", "secret-place/{arrival}"]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    guest.begin(&[]).await.unwrap();
    assert!(guest.deliver_one(&GuestFile::new("a.bin", 2 << 20, 1)).await.is_done());
    // A name twice, a cancelled file, a refused one.
    assert!(guest.deliver_one(&GuestFile::new("a.bin", 1000, 2)).await.is_done());
    guest.deliver_one(&GuestFile::given(".htaccess", b"x")).await;
    guest.finish().await.unwrap();
    guest.begin(&[]).await.unwrap();
    // The server breaks off, and stays away.
    let id = guest.deliver_a_part(&GuestFile::new("b.bin", 32 << 20, 3), 2 << 20).await;
    server.restart();
    guest.send_the_rest(id).await;
    let _outcome = guest.ended(id).await;
    let port = server.port();
    let (user, password) = (server.username(), server.password());
    let host = format!("{}:{port}", server.address().ip());
    drop(server);
    let outcome = guest.deliver_one(&GuestFile::new("c.bin", 1000, 4)).await;
    assert_eq!(outcome.reason(), Some(GuestReason::Server), "{outcome:?}");
    let heard = guest.frames.join("\n");
    let words =
        ["127.0.0.1", "secret-place", PRESET_FOLDER, "\"site\"", "ProFTPD", "FTP", ".part", "530"];
    for word in [user, password, &host].into_iter().chain(words) {
        assert!(!heard.contains(word), "{word}: {heard}");
    }
    for type_ in ["log", "connected", "connecting", "data_tls", "disconnected", "listing"] {
        assert!(!heard.contains(&format!("{{\"type\":\"{type_}\"")), "{type_}: {heard}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_secret_of_a_visit_stands_in_no_log_no_audit_and_no_database() {
    let server = servers::start(Kind::PureFtpd);
    let site = site(&server);
    let mut portal = site.portal();
    let link = site.create(&["--ask", "name=required", "--folder", "{arrival}"]);
    let mut guest = site.open(&portal, &link).await.unwrap();
    let arrival = guest.begin(&[("name", "Anna Mustermann")]).await.unwrap();
    assert!(guest.deliver_one(&GuestFile::new("Steuer.pdf", 5000, 1)).await.is_done());
    guest.finish().await.unwrap();
    portal.stop();
    let audit = fs::read_to_string(site.audit()).unwrap();
    let of_drop = format!("\"drop\":\"{}\"", link.id);
    let of_arrival = format!("\"arrival\":\"{}\"", arrival.id);
    let lines: Vec<_> = audit.lines().filter(|line| line.contains(&of_drop)).collect();
    let has = |event: &str, outcome: &str| {
        let (event, outcome) =
            (format!("\"event\":\"{event}\""), format!("\"outcome\":\"{outcome}\""));
        lines.iter().any(|line| line.contains(&event) && line.contains(&outcome))
    };
    assert!(has("drop", "created"), "{audit}");
    assert!(has("arrival", "started") && has("arrival", "ended"), "{audit}");
    assert!(has("upload", "done") && has("session", "started"), "{audit}");
    assert!(lines.iter().filter(|line| line.contains(&of_arrival)).count() >= 3, "{audit}");
    let mut places = vec![("the log".to_owned(), portal.output().into_bytes())];
    for entry in site.folder().read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("ferryport.db") || name == "audit.jsonl" {
            places.push((name, fs::read(&path).unwrap()));
        }
    }
    for (place, bytes) in places {
        // The audit has paths, unless `audit_paths = false`.
        let names =
            ["Anna Mustermann", "Steuer.pdf"].into_iter().filter(|_| place != "audit.jsonl");
        for secret in [link.secret.as_str(), arrival.key.expose()].into_iter().chain(names) {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {place}");
        }
    }
}
