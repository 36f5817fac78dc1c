//! The way to a server on the page in a headless Chromium: addresses, links, destinations that are
//! remembered, steps, and the security details.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, path::PathBuf, time::Duration};

use ferryport_tests::{
    axe,
    browser::{Node, Page},
    fault_proxy::FaultProxy,
    portal,
    portal::Options,
    servers::{self, Kind, Server},
    user::{self, NARROW, WIDE, look_at_width},
};
use tempfile::TempDir;

/// The field for the fingerprint to compare with.
const GIVEN: &str = "Fingerprint that the server's administrator gave you";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_links_fill_the_form_and_no_link_holds_a_password() {
    let portal = portal!();
    let link =
        "#host=ftp.example.org&port=2121&encryption=implicit&user=anna&path=web&password=hush";
    let page = Page::open(&format!("{}{link}", portal.support_url()), WIDE).await;
    page.see("The link contained a password").await;
    assert_form(&page, "ftp.example.org", "2121", "implicit", "anna", "").await;
    assert_eq!(value(&page, "Folder").await, "web");
    assert_eq!(focused(&page).await, "Password");
    let hash = page.run("location.hash").await;
    let hash = hash.as_str().unwrap();
    assert!(hash.contains("anna") && !hash.contains("hush"), "{hash}");

    page.fill("Host", "ftps://bea:s%20ecret@[2001:db8::1]:990/a/b").await;
    page.press("Tab").await;
    assert_form(&page, "2001:db8::1", "990", "automatic", "bea", "s ecret").await;
    assert_eq!(value(&page, "Folder").await, "a/b");
    page.see("was moved to the password field").await;

    paste_into_host(&page, "ftpes://ftp.example.org").await;
    // A password that was meant for one server goes to no other.
    assert_form(&page, "ftp.example.org", "21", "explicit", "bea", "").await;

    page.fill("Host", "files.example.org:2122").await;
    page.press("Tab").await;
    assert_form(&page, "files.example.org", "2122", "explicit", "bea", "").await;
    page.select("Encryption", "Implicit TLS").await;
    assert_eq!(value(&page, "Port").await, "2122", "a port that was given stays");

    watch_clipboard(&page).await;
    page.press_button("Copy link").await;
    page.see("Link copied.").await;
    let copied = copied(&page).await;
    let wanted = "#host=files.example.org&port=2122&encryption=implicit&user=bea";
    assert_eq!(copied, format!("{}{wanted}", portal.url()));

    // A link that is opened in the same tab.
    page.run("location.hash = '#ftps://carla@other.example.org/pub'; null").await;
    page.until("the link's host", async || {
        (value(&page, "Host").await == "other.example.org").then_some(())
    })
    .await;
    assert_eq!(value(&page, "Username").await, "carla");
    look(&page, "connect-1-link").await;

    // As over plain HTTP from another machine: there is no clipboard.
    page.run("Object.defineProperty(window, 'isSecureContext', { value: false }); null").await;
    page.press_button("Copy link").await;
    page.see("The link is now in the address bar").await;
    let hash = page.run("location.hash").await;
    assert_eq!(hash, "#host=other.example.org&port=21&user=carla&path=pub");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pasted_mail_fills_the_form_and_its_password_is_in_its_field_alone() {
    let portal = portal!();
    let page = Page::open(&portal.url(), WIDE).await;
    assert!(page.all("button", "Copy link").await.is_empty(), "there is nothing to link");
    let mail = "Hello,\nServer: ftp.example.org\nPort: 2121\nUsername: anna\nPassword: hush:1\n";
    paste_into_host(&page, mail).await;
    // The script that reads it is loaded first.
    page.until("the host", async || (!value(&page, "Host").await.is_empty()).then_some(())).await;
    assert_form(&page, "ftp.example.org", "2121", "automatic", "anna", "hush:1").await;
    page.see("Read from your message: Host, Port, Username, Password.").await;
    page.find("button", "Copy link").await;

    assert_eq!(page.run("document.getElementById('password').type").await, "password");
    page.press_button("Show password").await;
    assert_eq!(page.run("document.getElementById('password').type").await, "text");
    look(&page, "form-1-pasted").await;
    page.press_button("Hide password").await;
    assert_eq!(page.run("document.getElementById('password').type").await, "password");

    paste_into_host(&page, "Please use ftps://bea:s%20ecret@files.example.org:990/in now").await;
    page.until("the other host", async || {
        (value(&page, "Host").await == "files.example.org").then_some(())
    })
    .await;
    assert_form(&page, "files.example.org", "990", "automatic", "bea", "s ecret").await;
    assert_eq!(value(&page, "Folder").await, "in");

    page.fill("Host", "").await;
    paste_into_host(&page, "Dear Sir,\nthe password is on its way").await;
    page.see("No server was found in this text.").await;
    assert_eq!(value(&page, "Host").await, "");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_invites_and_asks_for_what_it_lacks() {
    let portal = portal!();
    let link = format!("{}#host=ftp.example.org&user=anna", portal.url());
    let page = Page::open(&link, WIDE).await;
    page.see("You were invited to upload to ftp.example.org").await;
    assert_eq!(focused(&page).await, "Password");
    look(&page, "form-2-invited").await;
    // What the link has filled in can be changed in its place.
    page.fill("Host", "other.example.org").await;
    page.press("Tab").await;
    let text = page.all_text().await;
    assert!(!text.contains("You were invited"), "{text}");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn advanced_fields_stay_open_for_who_opened_them_and_open_for_what_is_unusual() {
    let portal = portal!();
    let page = Page::open(&portal.url(), WIDE).await;
    page.find("button", "Connect").await;
    assert!(page.all("spinbutton", "Port").await.is_empty());
    page.fill("Host", "ftp.example.org:21").await;
    page.press("Tab").await;
    assert!(page.all("spinbutton", "Port").await.is_empty(), "this says nothing unusual");
    page.fill("Host", "ftp.example.org:2121").await;
    page.press("Tab").await;
    page.find("spinbutton", "Port").await;
    page.reload().await;
    page.find("button", "Connect").await;
    page.run("document.querySelector('#advanced').open = false; null").await;
    page.run("document.querySelector('#advanced > summary').click(); null").await;
    page.reload().await;
    page.find("spinbutton", "Port").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_offers_the_encryption_that_the_server_expects_and_a_message() {
    let portal = portal!();
    let server = servers::start(Kind::ProFtpd);
    let page = Page::open(&portal.url(), WIDE).await;
    fill_form(&page, &server, server.password()).await;
    page.select("Encryption", "Implicit TLS").await;
    page.press_button("Connect").await;
    page.see("The server expects the other kind of encryption").await;
    look(&page, "form-3-failure").await;
    watch_clipboard(&page).await;
    page.press_button("Copy message for the server's administrator").await;
    page.see("Message copied.").await;
    let message = copied(&page).await;
    for words in ["Time: ", "Host: 127.0.0.1\n", "GMT", "What failed: ", "Connecting to"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(!message.contains(server.password()), "{message}");
    page.press_button("Use explicit TLS and connect").await;
    trust_if_asked(&page).await;
    page.find("button", "Choose files").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_compared_asked_about_and_remembered_on_this_device() {
    let portal = portal!();
    let server = servers::start(Kind::ProFtpd);
    let page = Page::open(&portal.url(), WIDE).await;
    fill_form(&page, &server, server.password()).await;
    page.press_button("Connect").await;
    page.find("dialog", "Certificate not trusted").await;
    let sha256 = server.certificate_sha256();
    let pairs: Vec<String> =
        sha256.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into()).collect();
    for given in [
        sha256.clone(),
        pairs.join(":").to_uppercase(),
        pairs.join(" "),
        format!("SHA256 Fingerprint={}", pairs.join(":").to_uppercase()),
        format!("SHA-256: {sha256}"),
    ] {
        page.fill(GIVEN, &given).await;
        page.see("It matches").await;
        page.fill(GIVEN, &"00:".repeat(32)).await;
        page.see("Wrong fingerprint").await;
    }
    page.fill(GIVEN, "00:11").await;
    page.see("A complete SHA-256 fingerprint has 64 digits.").await;
    let is_disabled = page.run("document.getElementById('certificate-trust').disabled").await;
    assert_eq!(is_disabled, true, "a fingerprint that is wrong is not passed over");
    page.fill(GIVEN, "").await;
    look(&page, "form-4-certificate").await;
    watch_clipboard(&page).await;
    page.press_button("Copy question").await;
    page.see("Message copied.").await;
    let question = copied(&page).await;
    assert!(question.contains("127.0.0.1") && question.contains(&pairs.join(":").to_uppercase()));
    page.press_button("Copy fingerprint").await;
    page.see("Fingerprint copied.").await;
    let remember = page.find("checkbox", "Remember on this device").await;
    page.click(&remember).await;
    page.press_button("Trust this certificate").await;
    page.find("button", "Choose files").await;
    page.press_button("Disconnect").await;
    page.see("Certificate remembered").await;

    // Another page of this browser does not ask, until the destination is removed.
    page.run("sessionStorage.clear(); null").await;
    page.reload().await;
    fill_form(&page, &server, server.password()).await;
    page.press_button("Connect").await;
    page.find("button", "Choose files").await;
    page.press_button("Disconnect").await;
    page.run("document.querySelector('[aria-label^=Remove]').click(); null").await;
    page.run("sessionStorage.clear(); null").await;
    page.reload().await;
    fill_form(&page, &server, server.password()).await;
    page.press_button("Connect").await;
    page.find("dialog", "Certificate not trusted").await;
    page.finish().await;
}

/// A page cannot be used to guess passwords: it tells how long to wait, and the wait grows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_logins_cause_a_wait_that_the_page_tells() {
    let portal = portal!(Options::with(&["--max-failed-logins", "2"]));
    let server = servers::start(Kind::PureFtpd);
    let page = Page::open(&portal.support_url(), WIDE).await;
    user::fail_with_wrong_password(&page, &server).await;
    page.fill("Password", "another guess").await;
    page.press_button("Connect").await;
    page.until("the second refusal", async || {
        if !page.all("dialog", "Certificate not trusted").await.is_empty() {
            user::trust(&page, &server).await;
        }
        let log = user::log_with(&page, &[]).await;
        let (before, last) = log.rsplit_once("PASS ********")?;
        (before.contains("PASS ********") && last.contains("530")).then_some(())
    })
    .await;
    page.find("button", "Connect").await;
    // Even the right password has to wait.
    page.fill("Password", server.password()).await;
    page.press_button("Connect").await;
    page.see("too many logins of this user at this server have failed").await;
    let problem = user::problem(&page).await;
    let wait = problem.split("Wait ").nth(1).and_then(|rest| rest.split(' ').next());
    let seconds: u32 = wait.and_then(|wait| wait.parse().ok()).expect(&problem);
    assert!((1..=31).contains(&seconds), "{problem}");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_data_connections_take_the_place_of_the_drop_zone() {
    let server = servers::start(Kind::ProFtpd);
    let fault_proxy = FaultProxy::with_blocked_data_ports(&server).await;
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    fill_form(&page, &server, server.password()).await;
    page.fill("Host", &fault_proxy.address().ip().to_string()).await;
    page.press_button("Connect").await;
    trust_if_asked(&page).await;
    page.within(Duration::from_secs(120), "the obstacle", async || {
        let shown = page.all_text().await;
        shown.contains("You are logged in, but files cannot be transferred.").then_some(())
    })
    .await;
    assert!(page.all("button", "Choose files").await.is_empty());
    watch_clipboard(&page).await;
    page.press_button("Copy message for the server's administrator").await;
    page.see("Message copied.").await;
    let message = copied(&page).await;
    assert!(message.contains("Data connection: ") && message.contains("\nPASV\n"), "{message}");
    assert!(!message.contains(server.password()), "{message}");
    look(&page, "connect-7-blocked").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_in_the_host_field_or_beside_a_link_goes_nowhere() {
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    page.fill("Host", "anna:hush@ftp.example.org:2121/in").await;
    page.press("Tab").await;
    assert_form(&page, "ftp.example.org", "2121", "automatic", "anna", "hush").await;
    assert_eq!(value(&page, "Folder").await, "in");

    // A link that changes only the port leads to another server.
    page.run("location.hash = '#host=ftp.example.org&port=990'; null").await;
    page.see("This link leads to ftp.example.org.").await;
    assert_form(&page, "ftp.example.org", "990", "automatic", "anna", "").await;

    watch_clipboard(&page).await;
    page.fill("Host", "scp://anna:hush@ftp.example.org").await;
    page.press_button("Copy link").await;
    page.see("This is not a host name.").await;
    page.press_button("Connect").await;
    assert_eq!(focused(&page).await, "Host");
    assert_eq!(page.run("window.copied ?? null").await, serde_json::Value::Null);
    let shown = page.all_text().await;
    assert!(!shown.contains("hush"), "{shown}");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_shows_its_security_and_its_destination_is_remembered() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;

    a_step_that_failed_is_marked(&page, &server).await;
    page.fill("Password", server.password()).await;
    page.press_button("Connect").await;
    page.find("button", "Certificate and details").await;
    both_connections_are_proven(&page, &server).await;

    let folder = Folder::new();
    page.choose("Choose folder", &[folder.0.path().to_owned()]).await;
    until_done(&page, &format!("{}/first.txt", folder.name())).await;

    watch_clipboard(&page).await;
    page.press_button("Copy link").await;
    page.see("Link copied.").await;
    let link = copied(&page).await;
    assert!(link.contains("#host=127.0.0.1&port="), "{link}");
    assert!(!link.contains(server.password()), "{link}");

    page.press_button("Disconnect").await;
    a_recent_destination_fills_the_form(&page, &server).await;
    a_folder_of_a_link_is_begun_in(&page, &server, &folder).await;
    page.press_button("Disconnect").await;
    a_folder_that_is_not_there_is_told(&page, &server).await;
    page.press_button("Disconnect").await;
    recent_destinations_are_removed_by_keyboard(&page).await;

    page.run_before_load(
        "Object.defineProperty(window, 'localStorage', {
            get() { throw new DOMException('denied', 'SecurityError'); },
        })",
    )
    .await;
    page.reload().await;
    fill_form(&page, &server, server.password()).await;
    page.press_button("Connect").await;
    trust_if_asked(&page).await;
    page.press_button("Disconnect").await;
    page.find("button", "Connect").await;
    assert!(page.all("list", "Recent").await.is_empty(), "nothing is kept, and nothing broke");
    page.finish().await;
}

async fn a_step_that_failed_is_marked(page: &Page, server: &Server) {
    fill_form(page, server, "not the password").await;
    page.press_button("Connect").await;
    trust_if_asked(page).await;
    user::problem(page).await;
    let steps = page.find("list", "Steps").await;
    let shown = texts(page, &steps).await;
    let names = [
        "Find the address",
        "Connect",
        "Encrypt",
        "Check the certificate",
        "Log in",
        "Protect the data",
        "List the files",
    ];
    let states = ["done", "done", "done", "done", "failed", "not started", "not started"];
    assert_eq!(shown.len(), names.len(), "{shown:?}");
    for (shown, (name, state)) in shown.iter().zip(names.iter().zip(states)) {
        assert!(shown.starts_with(name) && shown.ends_with(state), "{shown:?}: {name} {state}");
        assert_eq!(shows_a_time(shown), state != "not started", "{shown:?}");
    }
    look(page, "connect-2-failed").await;
}

/// Whether a step shows how long it took: in milliseconds, or in seconds on a slow machine.
fn shows_a_time(step: &str) -> bool {
    step.split_whitespace().any(|word| matches!(word, "ms" | "s"))
        && step.contains(|character: char| character.is_ascii_digit())
}

async fn both_connections_are_proven(page: &Page, server: &Server) {
    let security = page.find("group", "Encryption").await;
    let text = page
        .until("the first data connection", async || {
            let text = page.text(&security).await;
            (!text.contains("none yet")).then_some(text)
        })
        .await;
    let (control, data) = text.split_once("Data connections").unwrap();
    assert!(control.contains("Control connection") && control.contains("(explicit), "), "{text}");
    for connection in [control, data] {
        assert!(connection.contains("TLS 1.") && connection.contains("TLS_"), "{text}");
        let ends = ["session resumed", "full handshake"];
        assert!(ends.iter().any(|end| connection.contains(end)), "{text}");
    }
    look(page, "connect-3-connected").await;

    page.press_button("Certificate and details").await;
    let security = page.find("region", "Security").await;
    assert_eq!(focused(page).await, "Security", "the button that closes it");
    let text = page.text(&security).await;
    assert!(!text.contains("Cipher suite"), "the plain words come first: {text}");
    for words in ["Your browser", "Encrypted by TLS.", "You trusted exactly this"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    page.run("document.querySelector('#security summary').click(); null").await;
    let text = page.text(&security).await;
    let digits: String = text.to_lowercase().chars().filter(char::is_ascii_hexdigit).collect();
    assert!(digits.contains(&server.certificate_sha256()), "{text}");
    for words in ["They showed the same certificate", "Cipher suite", "Find the address"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    watch_clipboard(page).await;
    let button = page.find_in(&security, "button", "Copy fingerprint").await;
    page.click(&button).await;
    page.see("Fingerprint copied.").await;
    let fingerprint = copied(page).await.replace(':', "").to_lowercase();
    assert_eq!(fingerprint, server.certificate_sha256());
    look(page, "connect-4-security").await;
    page.press_button("Security").await;
    page.until("the drawer, closed", async || {
        page.all("button", "Copy fingerprint").await.is_empty().then_some(())
    })
    .await;
}

async fn a_recent_destination_fills_the_form(page: &Page, server: &Server) {
    page.fill("Host", "elsewhere.example.org").await;
    page.fill("Port", "1").await;
    page.fill("Username", "nobody").await;
    let list = page.find("list", "Recent").await;
    let shown = texts(page, &list).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    let port = server.port().to_string();
    assert!(shown.iter().all(|shown| shown.contains(&port)), "{shown:?}");
    look(page, "connect-5-recent").await;
    let buttons = page.children(&list, "button").await;
    page.click(buttons.first().unwrap()).await;
    assert_eq!(focused(page).await, "Password");
    assert_form(page, "127.0.0.1", &port, "explicit", server.username(), "").await;
    page.fill("Password", server.password()).await;
}

async fn a_folder_of_a_link_is_begun_in(page: &Page, server: &Server, folder: &Folder) {
    follow(page, server, &folder.name()).await;
    page.press_button("Connect").await;
    page.see(&format!("Target folder: /{}", folder.name())).await;
    let file = folder.0.path().join("second.txt");
    fs::write(&file, "second").unwrap();
    page.choose("Choose files", &[file]).await;
    until_done(page, "second.txt").await;
    let stored = format!("{}/second.txt", folder.name());
    assert!(server.files().contains(&stored), "{:?}", server.files());
}

async fn a_folder_that_is_not_there_is_told(page: &Page, server: &Server) {
    follow(page, server, "no such folder").await;
    page.press_button("Connect").await;
    page.see("no such folder could not be opened, so you are in the folder where your login").await;
    page.until("the folder of the login", async || {
        // The list may be out of view, below the problem.
        let shown =
            page.run("document.querySelector('[aria-label=\"Remote files\"]').textContent").await;
        shown.as_str().unwrap().contains(Server::READ_ONLY).then_some(())
    })
    .await;
    assert!(page.all("button", "Choose files").await.is_empty(), "the user has not decided");
    look(page, "connect-6-no-folder").await;
    page.press_button("Use the folder in view").await;
    page.find("button", "Choose files").await;
    page.until("the folder of the login as the target", async || {
        page.all_text().await.contains("Target folder: / (main folder)").then_some(())
    })
    .await;
}

async fn recent_destinations_are_removed_by_keyboard(page: &Page) {
    let list = page.find("list", "Recent").await;
    let shown = texts(page, &list).await;
    assert!(shown.len() == 1 && !shown.iter().any(|shown| shown.contains("folder")), "{shown:?}");
    page.run("document.querySelector('[aria-label^=Remove]').focus(); null").await;
    page.press("Enter").await;
    page.until("no list", async || page.all("list", "Recent").await.is_empty().then_some(())).await;
    assert_eq!(focused(page).await, "Host");
    page.reload().await;
    page.find("button", "Connect").await;
    assert!(page.all("list", "Recent").await.is_empty());
}

/// A folder on this machine's disk with a file in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("inbox ").tempdir().unwrap();
        fs::write(folder.path().join("first.txt"), "first").unwrap();
        Self(folder)
    }

    fn name(&self) -> String {
        let path: PathBuf = self.0.path().to_owned();
        path.file_name().unwrap().to_string_lossy().into_owned()
    }
}

async fn fill_form(page: &Page, server: &Server, password: &str) {
    page.fill("Host", &format!("127.0.0.1:{}", server.port())).await;
    page.fill("Username", server.username()).await;
    page.fill("Password", password).await;
}

/// Opens a link in the same tab.
async fn follow(page: &Page, server: &Server, folder: &str) {
    page.find("button", "Connect").await;
    let (port, user) = (server.port(), server.username());
    page.run(&format!(
        "location.hash = 'host=127.0.0.1&port={port}&user={user}&path=' + encodeURIComponent({folder:?});
        null"
    ))
    .await;
    page.until("the folder", async || (value(page, "Folder").await == folder).then_some(())).await;
}

async fn trust_if_asked(page: &Page) {
    page.until("an answer to the connection", async || {
        let dialogs = page.all("dialog", "Certificate not trusted").await;
        if !dialogs.is_empty() {
            page.press_button("Trust this certificate").await;
            return Some(());
        }
        (!page.all("button", "Disconnect").await.is_empty()).then_some(())
    })
    .await;
}

async fn until_done(page: &Page, label: &str) {
    page.until("the upload, done", async || {
        let shown = page.uploads().await;
        let done = |shown: &&_| -> bool {
            let shown: &ferryport_tests::browser::Shown = shown;
            shown.label.ends_with(label) && shown.status.starts_with("Done")
        };
        shown.iter().find(done).map(|_| ())
    })
    .await;
}

async fn texts(page: &Page, list: &Node) -> Vec<String> {
    let mut texts = Vec::new();
    for item in page.children(list, "listitem").await {
        texts.push(page.text(&item).await.trim().to_owned());
    }
    texts
}

async fn assert_form(
    page: &Page,
    host: &str,
    port: &str,
    encryption: &str,
    username: &str,
    password: &str,
) {
    for (label, text) in [
        ("Host", host),
        ("Port", port),
        ("Encryption", encryption),
        ("Username", username),
        ("Password", password),
    ] {
        assert_eq!(value(page, label).await, text, "{label}");
    }
}

/// Returns the value of the field with a label.
async fn value(page: &Page, label: &str) -> String {
    let value = page
        .run(&format!(
            "[...document.querySelectorAll('label')]
                .find((label) => label.textContent === {label:?}).control.value"
        ))
        .await;
    value.as_str().unwrap().to_owned()
}

/// Returns the name of the focused element.
async fn focused(page: &Page) -> String {
    let name = page
        .run(
            "document.activeElement.labels?.[0]?.textContent
                ?? document.activeElement.getAttribute('aria-label')
                ?? document.activeElement.textContent",
        )
        .await;
    name.as_str().unwrap_or_default().trim().to_owned()
}

async fn paste_into_host(page: &Page, text: &str) {
    page.find("textbox", "Host").await;
    page.run(&format!(
        "{{ const data = new DataTransfer(); data.setData('text/plain', {text:?});
            const paste = {{ clipboardData: data, bubbles: true, cancelable: true }};
            document.querySelector('input[name=host]')
                .dispatchEvent(new ClipboardEvent('paste', paste)); null }}"
    ))
    .await;
}

/// Records the texts that the page copies, which needs no permission.
async fn watch_clipboard(page: &Page) {
    page.run(
        "{ const clipboard = navigator.clipboard;
           const write = clipboard.constructor.prototype.writeText;
           clipboard.writeText = (text) => {
               window.copied = text;
               return write.call(clipboard, text);
           }; null }",
    )
    .await;
}

async fn copied(page: &Page) -> String {
    page.run("window.copied").await.as_str().unwrap().to_owned()
}

/// Pictures of a state; nothing may stick out to the side, and axe-core has nothing to say.
async fn look(page: &Page, state: &str) {
    for width in [NARROW, WIDE] {
        look_at_width(page, state, width, None).await;
        let violations = axe::violations(page).await;
        let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{state}, {width}: {}", violations.join("\n"));
    }
}
