//! The page in a headless Chromium against the portal against each of the real FTPS servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::Page,
    content::{Content, ODD_NAMES},
    fake_peers::{ClosedPort, FakePeer},
    portal,
    portal::Options,
    servers::{self, Kind, Server},
    user::{
        Files, NARROW, WIDE, assert_all_stored, assert_connects_again, connect, connected_page,
        fail_with_wrong_encryption, fail_with_wrong_password, fill_form, log_with, look_at_width,
        open_connected, open_technical_details, problem, refuse_certificate, trust, upload_one,
    },
    with_each_server,
};
use protocol::Encryption;

with_each_server! {
    async fn files_of_awkward_sizes_and_names_arrive_byte_for_byte(server: Server) {
        let portal = portal!();
        let page = open_connected(&portal, &server).await;

        let files = Files::new();
        files.add("empty.bin", Content { len: 0, seed: 1 });
        files.add("one byte.bin", Content { len: 1, seed: 2 });
        files.add("5 MiB and 1.bin", Content { len: (5 << 20) + 1, seed: 3 });
        for (name, seed) in ODD_NAMES.into_iter().zip(100..) {
            files.add(name, Content { len: 1000, seed });
        }
        page.choose("Choose files", &files.paths()).await;
        assert_all_stored(&page, &server, &files, "").await;
        page.finish().await;
    }

    async fn a_folder_of_200_files_two_levels_deep_arrives(server: Server) {
        let portal = portal!();
        let page = open_connected(&portal, &server).await;

        let files = Files::new();
        for n in 0..200 {
            let path = format!("part {}/box {}/file {n}.txt", n % 4, n % 3);
            files.add(&path, Content { len: n * 41, seed: n });
        }
        page.choose("Choose folder", &[files.folder()]).await;
        let prefix = format!("{}/", files.folder_name());
        assert_all_stored(&page, &server, &files, &prefix).await;
        assert_eq!(server.files().len(), 200, "no temporary name stays behind");
        page.finish().await;
    }

    async fn a_file_of_300_mib_arrives(server: Server) {
        let portal = portal!();
        let page = open_connected(&portal, &server).await;

        let files = Files::new();
        files.add("big.bin", Content { len: 300 << 20, seed: 300 });
        page.choose("Choose files", &files.paths()).await;
        assert_all_stored(&page, &server, &files, "").await;
        println!(
            "peak memory of the portal, 300 MiB from Chromium to {}: {} KiB",
            server.kind().name(),
            portal.peak_memory() / 1024
        );
        page.finish().await;
    }

    async fn files_that_are_dropped_arrive(server: Server) {
        let portal = portal!();
        let page = open_connected(&portal, &server).await;

        let files = Files::new();
        files.add("dropped.bin", Content { len: 100_000, seed: 1 });
        files.add("and another.bin", Content { len: 70_000, seed: 2 });
        let zone = page.find("button", "Choose files").await;
        page.drop_files(&zone, &files.paths()).await;
        assert_all_stored(&page, &server, &files, "").await;
        page.finish().await;
    }

    async fn the_session_log_holds_commands_and_replies_verbatim_and_no_password(server: Server) {
        let portal = portal!();
        let page = open_connected(&portal, &server).await;
        upload_one(&page, &server, "logged.bin").await;

        let words = ["220", "AUTH TLS", "234", "USER", "PASS ********", "230", "STOR", "226"];
        log_with(&page, &words).await;
        assert!(!page.all_text().await.contains(server.password()));
        page.finish().await;
    }

    async fn a_wrong_password_shows_the_servers_reply_and_the_page_connects_again(server: Server) {
        let portal = portal!();
        let page = Page::open(&portal.support_url(), WIDE).await;
        fail_with_wrong_password(&page, &server).await;
        assert_connects_again(&page, &server).await;
        page.finish().await;
    }

    async fn a_refused_certificate_is_asked_about_again_and_can_be_trusted(server: Server) {
        let portal = portal!();
        let page = Page::open(&portal.support_url(), WIDE).await;
        fill_form(&page, &server).await;
        page.press_button("Connect").await;
        refuse_certificate(&page).await;
        let log = log_with(&page, &["the server's certificate is not trusted"]).await;
        assert!(!log.contains("USER") && !log.contains("PASS"), "{log}");

        page.press_button("Connect").await;
        trust(&page, &server).await;
        page.find("button", "Choose files").await;
        upload_one(&page, &server, "trusted.bin").await;
        page.finish().await;
    }

    async fn a_read_only_directory_shows_the_servers_reply(server: Server) {
        let portal = portal!();
        let page = open_connected(&portal, &server).await;

        let remote = page.find("list", "Remote files").await;
        let directory = page.find_in(&remote, "button", Server::READ_ONLY).await;
        page.click(&directory).await;
        page.until("the directory", async || {
            let list = page.all("list", "Remote files").await.pop()?;
            page.children(&list, "listitem").await.is_empty().then_some(())
        })
        .await;
        let files = Files::new();
        files.add("refused.bin", Content { len: 1000, seed: 1 });
        page.choose("Choose files", &files.paths()).await;
        let failed = page.until("a failed upload", async || {
            page.uploads().await.into_iter().find(|shown| shown.status.starts_with("Failed"))
        });
        assert!(failed.await.percent < 100);
        let list = page.find("list", "Uploads").await;
        let text = page.text(&list).await;
        let refusal = ["550", "553"].into_iter().find(|code| text.contains(code));
        assert!(refusal.is_some(), "{text}");
        assert_eq!(server.files(), Vec::<String>::new());

        page.press_button("Disconnect").await;
        assert_connects_again(&page, &server).await;
        page.finish().await;
    }

    async fn implicit_tls_to_an_explicit_port_is_diagnosed_and_the_page_connects_again(server: Server) {
        let portal = portal!(Options::IMPATIENT);
        let page = Page::open(&portal.support_url(), WIDE).await;
        fail_with_wrong_encryption(&page, &server).await;
        assert_connects_again(&page, &server).await;
        page.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn implicit_tls_works_and_explicit_tls_to_its_port_is_diagnosed() {
    for kind in Kind::WITH_IMPLICIT_TLS {
        let options =
            servers::Options { encryption: Encryption::Implicit, ..servers::Options::default() };
        let server = Server::start(kind, options);
        let portal = portal!(Options::IMPATIENT);
        let page = Page::open(&portal.support_url(), WIDE).await;
        fail_with_wrong_encryption(&page, &server).await;
        assert_connects_again(&page, &server).await;
        page.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_port_and_a_silent_server_are_diagnosed_and_the_page_connects_again() {
    let server = servers::start(Kind::PureFtpd);
    let closed = ClosedPort::take();
    let silent = FakePeer::silent();
    let ssh = FakePeer::greeting("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
    let portal = portal!(Options::IMPATIENT);
    let page = Page::open(&portal.support_url(), WIDE).await;
    for (port, words) in [
        (closed.port(), "refused"),
        (silent.port(), "Greeting"),
        (ssh.port(), "SSH-2.0-OpenSSH_9.2p1"),
    ] {
        fill_form(&page, &server).await;
        page.fill("Port", &port.to_string()).await;
        page.press_button("Connect").await;
        page.until(&format!("the problem with {words:?}"), async || {
            let group = page.all("group", "What went wrong").await.pop()?;
            open_technical_details(&page).await;
            page.text(&group).await.contains(words).then_some(())
        })
        .await;
    }
    assert_connects_again(&page, &server).await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bar_reaches_its_end_only_when_the_file_is_done() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::ProFtpd).await;
    page.run(
        r"window.tooEarly = [];
        new MutationObserver(() => {
            for (const item of document.querySelectorAll('[aria-label=Uploads] li')) {
                const bar = item.querySelector('[role=progressbar]');
                const full = bar.getAttribute('aria-valuenow') === bar.getAttribute('aria-valuemax');
                if (full && !/Done/.test(item.textContent)) window.tooEarly.push(item.textContent);
            }
        }).observe(document.body, { subtree: true, childList: true, attributes: true,
                                    characterData: true });
        null",
    )
    .await;
    let files = Files::new();
    for n in 0..20 {
        let len = if n % 2 == 0 { n } else { n << 18 };
        files.add(&format!("{n}.bin"), Content { len, seed: n });
    }
    page.choose("Choose files", &files.paths()).await;
    assert_all_stored(&page, &server, &files, "").await;
    assert_eq!(page.run("window.tooEarly.join('\\n')").await, "");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_states_fit_a_wide_and_a_narrow_window() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    page.find("button", "Connect").await;
    look(&page, "1-start").await;

    fill_form(&page, &server).await;
    page.fill("Password", "not the password").await;
    page.press_button("Connect").await;
    page.find("dialog", "Certificate not trusted").await;
    look(&page, "2-certificate").await;
    page.press_button("Trust this certificate").await;
    problem(&page).await;
    look(&page, "3-wrong-password").await;

    connect(&page, &server).await;
    look(&page, "4-connected").await;

    let files = Files::new();
    for (name, seed) in ODD_NAMES.into_iter().zip(1..) {
        files.add(name, Content { len: seed * 77_777, seed });
    }
    page.choose("Choose files", &files.paths()).await;
    assert_all_stored(&page, &server, &files, "").await;
    look(&page, "5-done").await;

    let again = &files.paths()[..2];
    page.choose("Choose files", again).await;
    page.until("two questions", async || {
        let shown = page.uploads().await;
        let asked = shown.iter().filter(|shown| shown.status.starts_with("Needs a decision"));
        (asked.count() == 2).then_some(())
    })
    .await;
    look(&page, "6-decision").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_texts_of_the_german_page_are_german() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = Page::open(&format!("{}?lang=de&view=support", portal.url()), WIDE).await;
    assert_eq!(page.run("document.documentElement.lang").await, "de");
    page.fill("Host", "127.0.0.1").await;
    page.select("Verschlüsselung", "Explizites TLS").await;
    page.fill("Port", &server.port().to_string()).await;
    page.fill("Benutzername", server.username()).await;
    page.fill("Passwort", server.password()).await;
    page.press_button("Verbinden").await;
    page.find("dialog", "Zertifikat nicht vertrauenswürdig").await;
    page.press_button("Diesem Zertifikat vertrauen").await;
    page.find("button", "Dateien wählen").await;

    let files = Files::new();
    files.add("Grüße.bin", Content { len: 1_500_000, seed: 7 });
    page.choose("Dateien wählen", &files.paths()).await;
    let list = page.find("list", "Uploads").await;
    page.until("the file, done", async || {
        page.text(&list).await.contains("Fertig, ").then_some(())
    })
    .await;
    for (path, content) in files.known() {
        assert_eq!(server.sha256_of(&path), Some(content.sha256()));
    }
    for words in ["Verbunden mit 127.0.0.1", "1 von 1 fertig", "1,5\u{a0}MB", "Befehl:"] {
        page.see(words).await;
    }
    // The portal's own log lines are English.
    let region = page.find("region", "Uploads").await;
    let text = page.text(&region).await;
    for words in ["Drop", "Choose", "Done", "done", "MB of", "bytes", "Checksum"] {
        assert!(!text.contains(words), "{words:?} in {text}");
    }
    for width in [NARROW, WIDE] {
        page.resize(width).await;
        let sticks_out = page.run("document.documentElement.scrollWidth - window.innerWidth").await;
        assert!(sticks_out.as_i64().unwrap() <= 0, "{width}: {sticks_out} px too wide");
    }
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_german_on_the_german_page() {
    let server = servers::start(Kind::ProFtpd);
    let closed = ClosedPort::take();
    let portal = portal!();
    let page = Page::open(&format!("{}?lang=de&view=support", portal.url()), WIDE).await;
    page.fill("Host", "10.1.2.3").await;
    page.select("Verschlüsselung", "Explizites TLS").await;
    page.fill("Port", "21").await;
    page.fill("Benutzername", server.username()).await;
    page.fill("Passwort", "nicht das Passwort").await;
    page.press_button("Verbinden").await;
    let told = told_in_german(
        &page,
        "hat die Adresse 10.1.2.3, und die gehört zu einem privaten Netzwerk",
    )
    .await;
    assert!(told.contains("Administrator") && told.contains("`allow_network`"), "{told}");

    page.fill("Host", "127.0.0.1").await;
    page.fill("Port", &closed.port().to_string()).await;
    page.press_button("Verbinden").await;
    let told = told_in_german(&page, "Verbindung abgelehnt (Systemfehler 111)").await;
    assert!(
        told.contains(&format!("Auf Port {} nimmt kein Server Verbindungen an.", closed.port())),
        "{told}"
    );

    page.fill("Port", &server.port().to_string()).await;
    page.press_button("Verbinden").await;
    page.find("dialog", "Zertifikat nicht vertrauenswürdig").await;
    page.press_button("Diesem Zertifikat vertrauen").await;
    let told = told_in_german(&page, "Der Server hat PASS mit 530 abgelehnt").await;
    assert!(told.contains("530 Login incorrect."), "the server's own words stay: {told}");

    // The log is in English, and the explanation of its line says the same.
    let log = page.find("log", "Zeilen des Sitzungsprotokolls").await;
    let line = page
        .until("the line of the error", async || {
            let mut lines = page.children(&log, "button").await.into_iter();
            lines.find(|line| line.name.contains("the server refused PASS with 530"))
        })
        .await;
    page.click(&line).await;
    page.until("the problem, in the log", async || {
        page.text(&log)
            .await
            .contains("akzeptiert diesen Benutzernamen mit diesem Passwort nicht")
            .then_some(())
    })
    .await;
    page.finish().await;
}

/// Returns the problem on the page as soon as it contains `words`: in German, except for the reply.
async fn told_in_german(page: &Page, words: &str) -> String {
    const ENGLISH: [&str; 10] =
        ["the", "is", "and", "of", "to", "your", "refused", "connection", "address", "failed"];
    let told = page
        .until(&format!("the problem with {words:?}"), async || {
            let group = page.all("group", "Was nicht funktioniert hat").await.pop()?;
            open_technical_details(page).await;
            Some(page.text(&group).await).filter(|told| told.contains(words))
        })
        .await;
    let own = told.lines().filter(|line| !line.starts_with("530"));
    for line in own {
        let mut words = line.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        assert!(words.all(|word| !ENGLISH.contains(&word.as_str())), "{told}");
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_the_language_keeps_the_fragment_of_the_address_and_is_remembered() {
    let portal = portal!();
    let page =
        Page::open(&format!("{}?lang=de&view=support#host=ftp.example.org", portal.url()), WIDE)
            .await;
    let link = page.find("link", "English").await;
    page.click(&link).await;
    page.find("button", "Connect").await;
    let address = page.run("location.search + location.hash").await;
    assert_eq!(address, "?lang=en#host=ftp.example.org");
    page.click(&page.find("link", "Deutsch").await).await;
    page.find("button", "Verbinden").await;
    page.run("location.assign(location.pathname); null").await;
    page.until("the page without a language in its address", async || {
        (page.run("location.search").await == "").then_some(())
    })
    .await;
    page.find("button", "Verbinden").await;
    page.finish().await;
}

/// Pictures of a state; nothing may stick out to the side.
async fn look(page: &Page, state: &str) {
    for width in [NARROW, WIDE] {
        look_at_width(page, state, width, None).await;
    }
}
