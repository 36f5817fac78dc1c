//! A running portal reads its configuration again, and takes over the sockets of its supervisor.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use ferryport_tests::{
    client::{Attempted, Client, File, Outcome, ask_for_session, to},
    content::Content,
    portal,
    portal::{Options, Portal},
    portal_program,
    postgres::Postgres,
    process::{Process, wait_for},
    servers::{self, Kind},
};
use protocol::ServerMessage;
use tempfile::TempDir;

/// How long a change may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A portal with a configuration file and a control socket.
struct Configured {
    portal: Portal,
    file: PathBuf,
    socket: PathBuf,
    _folder: TempDir,
}

impl Configured {
    fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [file, socket] =
            ["ferryport.toml", "control.sock"].map(|name| folder.path().join(name));
        fs::write(&file, text).unwrap();
        let flags = ["--config", path(&file), "--control-socket", path(&socket)];
        let portal = portal!(Options::with(&flags));
        Self { portal, file, socket, _folder: folder }
    }

    fn write(&self, text: &str) {
        fs::write(&self.file, text).unwrap();
    }

    /// Runs `ferryport reload`.
    fn reload(&self) -> Output {
        let mut reload = Command::new(portal_program!());
        reload.args(["reload", "--control-socket", path(&self.socket)]).output().unwrap()
    }

    /// Asks for a session as a page of this origin. Returns whether there is one.
    async fn serves(&self, origin: &str) -> bool {
        let answer = ask_for_session(&self.portal.acceptor(), &[("Origin", origin)]).await;
        matches!(answer, ServerMessage::Welcome { .. })
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_uses_the_new_configuration_or_keeps_the_old_one_and_says_why() {
    let configured = Configured::start("origins = [\"https://a.example\"]\n");
    let (a, b) = ("https://a.example", "https://b.example");
    assert_eq!((configured.serves(a).await, configured.serves(b).await), (true, false));

    configured.write("origins = [\"https://b.example\"]\nmax_sesions = 3\nretries = -1\n");
    configured.portal.signal("HUP");
    let told = wait_for(LIMIT, || {
        let output = configured.portal.output();
        output.contains("the old configuration stays in use").then_some(output)
    });
    let told = told.unwrap_or_else(|| panic!("{}", configured.portal.output()));
    let file = configured.file.display();
    assert!(told.contains(&format!("line 2 of {file}: `max_sesions`")), "{told}");
    assert!(told.contains(&format!("`retries` from line 3 of {file}")), "{told}");
    assert_eq!((configured.serves(a).await, configured.serves(b).await), (true, false));

    configured.write("origins = [\"https://b.example\"]\n");
    configured.portal.signal("HUP");
    let end = Instant::now() + LIMIT;
    while !configured.serves(b).await {
        assert!(Instant::now() < end, "{}", configured.portal.output());
    }
    assert!(!configured.serves(a).await);
}

#[test]
fn command_tells_whether_the_new_configuration_is_in_use() {
    let configured = Configured::start("");
    configured.write("max_sessions = 3\nmax_connections = 99\n");
    let done = configured.reload();
    assert!(done.status.success(), "{done:?}");
    let told = text(&done.stdout);
    assert!(told.contains("is in use") && told.contains("restart: max_connections"), "{told}");

    configured.write("max_sessions = 0\n");
    let refused = configured.reload();
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    let told = text(&refused.stderr);
    assert!(told.contains("the old configuration stays in use"), "{told}");
    assert!(told.contains("`max_sessions` may not be 0"), "{told}");
    assert!(told.contains(&format!("from line 1 of {}", configured.file.display())), "{told}");

    let unset = Command::new(portal_program!()).arg("reload").output().unwrap();
    assert_eq!(unset.status.code(), Some(1));
    assert!(text(&unset.stderr).contains("SIGHUP"), "{unset:?}");
}

#[test]
fn store_that_is_away_during_a_reload_is_no_error_of_the_configuration() {
    let mut cluster = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring");
    let made = Command::new(portal_program!()).args(["keys", "new"]).output().unwrap();
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&keyring);
    file.unwrap().write_all(&made.stdout).unwrap();
    let text = format!(
        "store = \"{}\"\nkeyring_file = \"{}\"\n[[preset]]\nname = \"acme\"\n\
         host = \"ftp.acme.example\"\nlogin = \"portal\"\nusername = \"intake\"\n\
         password_store = true\npins = [\"{}\"]\n",
        cluster.database("reload"),
        keyring.display(),
        "0".repeat(64)
    );
    let config = folder.path().join("given.toml");
    fs::write(&config, &text).unwrap();
    let mut set = Command::new(portal_program!());
    set.args(["preset", "set-password", "acme", "--config", path(&config)]);
    let mut set = set.stdin(Stdio::piped()).spawn().unwrap();
    set.stdin.take().unwrap().write_all(b"sesame\n").unwrap();
    assert!(set.wait().unwrap().success());

    let configured = Configured::start(&text);
    cluster.kill();
    let later = configured.reload();
    assert_eq!(later.status.code(), Some(75), "{later:?}");
    let told = String::from_utf8_lossy(&later.stderr);
    assert!(told.contains("try again when the store answers"), "{told}");
    cluster.restart();
    assert!(configured.reload().status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_connection_goes_on_and_the_next_one_follows_the_new_rules() {
    let configured = Configured::start("");
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&configured.portal).await;
    client.connect(&server).await;

    configured.write("deny_host = [\"127.0.0.1\"]\n");
    let done = configured.reload();
    assert!(done.status.success(), "{done:?}");
    let file = File::new("after-reload.bin", Content { len: 100_000, seed: 7 });
    assert!(matches!(client.upload_one(&file).await, Outcome::Done { .. }));

    let mut connect = to(&server);
    connect.trusted_certificate = Some(server.certificate_sha256());
    assert!(matches!(client.attempt(connect).await, Attempted::Failed(_)));
}

/// Opens a port, and starts the portal on it again whenever it has ended. Prints the port and the portal's
/// process.
const SUPERVISOR: &str = "
import os, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
print(f'port {listener.getsockname()[1]}', flush=True)
while True:
    child = os.fork()
    if child == 0:
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
        os.execv(sys.argv[1], sys.argv[1:])
    print(f'child {child}', flush=True)
    os.waitpid(child, 0)
";

#[test]
fn portal_with_a_passed_socket_refuses_nobody_while_it_restarts() {
    let folder = tempfile::tempdir().unwrap();
    // The address of the flag is of no use.
    let arguments = ["-c", SUPERVISOR, portal_program!(), "serve", "--listen", "192.0.2.1:1"];
    let log = folder.path().join("output.log");
    let supervisor = Process::start(Path::new("/usr/bin/python3"), arguments, [], log);
    let printed = |word: &str| {
        let found = wait_for(LIMIT, || {
            let output = supervisor.output();
            let line = output.lines().rev().find_map(|line| line.strip_prefix(word))?;
            line.parse::<u32>().ok()
        });
        found.unwrap_or_else(|| panic!("no {word:?} in\n{}", supervisor.output()))
    };
    let port = u16::try_from(printed("port ")).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let first = printed("child ");
    assert_eq!(healthz(address), "ok");
    let stopped = Command::new("kill").args(["-TERM", &first.to_string()]).status().unwrap();
    assert!(stopped.success());
    let restarted = wait_for(LIMIT, || {
        assert_eq!(healthz(address), "ok");
        (printed("child ") != first).then_some(())
    });
    assert!(restarted.is_some(), "{}", supervisor.output());
    assert_eq!(healthz(address), "ok");
    assert_eq!(supervisor.output().matches("listening on").count(), 2);
}

/// Asks whether the portal serves. A connection that is refused fails the test.
fn healthz(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").map_or(answer.clone(), |(_, body)| body.to_owned())
}
