//! Servers that the operator offers: with a native client, and on the page in a headless Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, path::PathBuf};

use ferryport_tests::{
    browser::Page,
    client::{Attempted, Client, File, Outcome, to},
    content::Content,
    portal,
    portal::{Demo, Options, Portal},
    portal_program,
    servers::{self, Kind, Server},
    user::{WIDE, status_of},
};
use protocol::{
    Problem, Stage,
    client::{Connect, Secret},
    problem::Who,
};
use tempfile::TempDir;

/// A configuration file with a preset, and the file with its password.
struct Config {
    folder: TempDir,
}

impl Config {
    /// Writes a preset with the name `site`, to which the portal logs in.
    fn of(server: &Server, password: &str, further: &str) -> Self {
        let config = Self { folder: tempfile::tempdir().unwrap() };
        let secret = config.folder.path().join("password");
        fs::write(&secret, format!("{password}\n")).unwrap();
        let encryption = match server.encryption() {
            protocol::Encryption::Explicit => "explicit",
            protocol::Encryption::Implicit => "implicit",
        };
        let text = format!(
            "[[preset]]\nname = \"site\"\ntitle = \"The site\"\nhost = \"{}\"\nport = {}\n\
             encryption = \"{encryption}\"\nusername = \"{}\"\npassword_file = \"{}\"\n\
             login = \"portal\"\n{further}\n",
            server.address().ip(),
            server.port(),
            server.username(),
            secret.display(),
        );
        fs::write(config.path(), text).unwrap();
        config
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ferryport.toml")
    }

    fn portal(&self) -> Portal {
        let path = self.path();
        portal!(Options::only(&["--config", path.to_str().unwrap()]))
    }
}

fn pin(server: &Server) -> String {
    format!("pins = [\"{}\"]", server.certificate_sha256())
}

/// The request to connect to a preset; the page has nothing else to say.
fn to_preset(name: &str) -> Connect {
    Connect {
        host: name.to_owned(),
        port: 21,
        encryption: Some(protocol::Encryption::Explicit),
        username: String::new(),
        password: Secret::default(),
        trusted_certificate: None,
    }
}

async fn fail(client: &mut Client, connect: Connect) -> Problem {
    match client.attempt(connect).await {
        Attempted::Failed(problem) => *problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_portal_logs_in_to_a_preset_and_its_password_reaches_no_page() {
    let server = servers::start(Kind::ProFtpd);
    let config = Config::of(&server, server.password(), &pin(&server));
    let portal = config.portal();
    let mut client = Client::open(&portal).await;
    match client.attempt(to_preset("site")).await {
        Attempted::Connected(connected) => assert_eq!(connected.host, "site"),
        other => panic!("{other:?}"),
    }
    let file = File::new("a.bin", Content { len: 1 << 20, seed: 1 });
    let outcome = client.upload_one(&file).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert!(client.transcript().contains("PASS ********"), "{}", client.transcript());
    let heard = client.frames().join("\n") + &portal.output() + &portal.ask("GET", "/", &[]).body;
    assert!(!heard.contains(server.password()), "{heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_no_preset_is_refused_before_anything_is_connected_to() {
    let server = servers::start(Kind::ProFtpd);
    let config = Config::of(&server, server.password(), &pin(&server));
    let portal = config.portal();
    let mut client = Client::open(&portal).await;
    let problem = fail(&mut client, to(&server)).await;
    assert_eq!(problem.stage, Stage::Policy, "{problem:?}");
    assert!(problem.message.contains("offers no server named"), "{problem:?}");
    assert!(!client.transcript().contains("220"), "{}", client.transcript());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_a_preset_goes_to_no_server_that_a_user_trusts() {
    let server = servers::start(Kind::ProFtpd);
    let other_pin = format!("pins = [\"{}\"]", "0a".repeat(32));
    for further in ["", other_pin.as_str()] {
        let config = Config::of(&server, server.password(), further);
        let portal = config.portal();
        let mut client = Client::open(&portal).await;
        let trusted_certificate = Some(server.certificate_sha256());
        let connect = Connect { trusted_certificate, ..to_preset("site") };
        let problem = fail(&mut client, connect).await;
        assert_eq!(problem.stage, Stage::Certificate, "{problem:?}");
        let remedy = problem.remedy.unwrap();
        assert_eq!(remedy.who, Who::PortalOperator);
        let names_preset = remedy.what.contains("`pins` of the preset `site`");
        assert_eq!(names_preset, further.is_empty(), "{remedy:?}");
        assert!(!client.transcript().contains("USER"), "{}", client.transcript());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_of_a_preset_is_the_administrators_problem() {
    let server = servers::start(Kind::ProFtpd);
    let config = Config::of(&server, "wrong", &pin(&server));
    let portal = config.portal();
    let mut client = Client::open(&portal).await;
    let problem = fail(&mut client, to_preset("site")).await;
    assert_eq!(problem.stage, Stage::Login, "{problem:?}");
    assert!(problem.message.contains("that this portal logs in with"), "{problem:?}");
    let remedy = problem.remedy.unwrap();
    assert_eq!(remedy.who, Who::PortalOperator);
    assert!(remedy.what.contains("the preset `site`"), "{remedy:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_is_one_press_and_asks_nothing() {
    let demo = Demo::start(portal_program!());
    let page = Page::open(&demo.portal.support_url(), WIDE).await;
    assert!(page.all("textbox", "Username").await.is_empty(), "nothing to type");
    page.press_button("Connect").await;
    page.find("button", "Choose files").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hello.txt");
    fs::write(&file, "hello").unwrap();
    page.choose("Choose files", &[file]).await;
    status_of(&page, "hello.txt", "Done").await;
    assert_eq!(fs::read_to_string(demo.folder.join("hello.txt")).unwrap(), "hello");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_asks_for_what_the_chosen_preset_needs() {
    let server = servers::start(Kind::ProFtpd);
    let config = Config::of(
        &server,
        server.password(),
        &format!(
            "{}\n[[preset]]\nname = \"own\"\ntitle = \"With your own account\"\n\
             host = \"127.0.0.1\"\nport = {}\nfolder = \"incoming\"\npins = [\"{}\"]\n",
            pin(&server),
            server.port(),
            server.certificate_sha256(),
        ),
    );
    let portal = config.portal();
    let page = Page::open(&portal.support_url(), WIDE).await;
    for name in ["Username", "Password", "Host", "Port"] {
        assert!(page.all("textbox", name).await.is_empty(), "{name}");
    }
    page.select("Server", "With your own account").await;
    page.fill("Username", server.username()).await;
    page.fill("Password", server.password()).await;
    let folder = page.run("document.getElementById('start-folder').value").await;
    assert_eq!(folder, "incoming");
    page.select("Server", "The site").await;
    assert!(page.all("textbox", "Password").await.is_empty());
    let password = page.run("document.getElementById('password').value").await;
    assert_eq!(password, "", "it was for the other server");

    // A link names a preset, and nothing else.
    page.run("location.hash = '#host=own&user=bea'; null").await;
    page.until("the user of the link", async || {
        let username = page.run("document.getElementById('username').value").await;
        (username == "bea").then_some(())
    })
    .await;
    page.fill("Username", server.username()).await;
    page.fill("Password", server.password()).await;
    page.press_button("Connect").await;
    page.find("button", "Disconnect").await;
    page.finish().await;
}
