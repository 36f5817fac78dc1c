//! PostgreSQL, as Debian packages it: a cluster of its own for each test.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    ports::PortBlock,
    process::{Process, wait_for},
};

/// Where Debian has the programs, below a directory for each version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// The superuser of the cluster, and its password over TCP.
const USER: &str = "ferryport";
const PASSWORD: &str = "sesame-of-the-cluster";

/// The user as which it runs where the tests run as root, which PostgreSQL refuses.
const RUN_AS: &str = "postgres";

/// Long enough for a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running cluster; stopped when it is dropped.
pub struct Postgres {
    process: Option<Process>,
    programs: PathBuf,
    folder: TempDir,
    user: Option<User>,
    ports: PortBlock,
}

/// The numbers of a user of the system.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Panics
    /// When PostgreSQL is missing or does not start.
    #[must_use]
    pub fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let user = is_root().then(|| User::named(RUN_AS));
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).expect("the folder is ours");
        if let Some(User { uid, gid }) = user {
            for path in [folder.path(), &password] {
                chown(path, Some(uid), Some(gid)).expect("root may give files away");
            }
        }
        let mut cluster = Self { process: None, programs, folder, user, ports: PortBlock::take() };
        let made = cluster
            .command("initdb")
            .args(["--username", USER, "--auth-local=trust", "--auth-host=scram-sha-256"])
            .args(["--no-sync", "--encoding=UTF8", "--pwfile"])
            .arg(&password)
            .arg(cluster.data())
            .output()
            .expect("initdb can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        cluster.restart();
        cluster
    }

    /// Starts it, if it was stopped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        let port = self.ports.control().to_string();
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(User { uid, gid }) = self.user {
            arguments.push(format!("--reuid={uid}").into());
            arguments.push(format!("--regid={gid}").into());
            arguments.push("--clear-groups".into());
            arguments.push(self.programs.join("postgres").into());
        }
        arguments.extend(["-D".into(), self.data().into()]);
        arguments.extend(["-k".into(), self.folder.path().into()]);
        for argument in ["-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"] {
            arguments.push(argument.into());
        }
        let program = match self.user {
            Some(_) => PathBuf::from("/usr/bin/setpriv"),
            None => self.programs.join("postgres"),
        };
        let log = self.folder.path().join("postgres.log");
        let process = Process::start(&program, arguments, [], log);
        self.process = Some(process);
        let is_ready = || {
            let asked = self
                .command("pg_isready")
                .arg("-h")
                .arg(self.folder.path())
                .args(["-p", &port])
                .output();
            asked.is_ok_and(|asked| asked.status.success()).then_some(())
        };
        let is_up = wait_for(START_LIMIT, is_ready);
        let output = self.process.as_ref().map(Process::output).unwrap_or_default();
        assert!(is_up.is_some(), "PostgreSQL does not start:\n{output}");
    }

    /// Stops it at once, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
        // A crash leaves it, and the number in it may be another program's by now.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Makes an empty database. Returns its address.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        let port = self.ports.control().to_string();
        let made = self
            .command("createdb")
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &port, "-U", USER, name])
            .output()
            .expect("createdb can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.address(PASSWORD, name)
    }

    /// The address of a database with a password.
    #[must_use]
    pub fn address(&self, password: &str, name: &str) -> String {
        format!("postgres://{USER}:{password}@127.0.0.1:{}/{name}", self.ports.control())
    }

    /// The password of its user.
    #[must_use]
    pub fn password(&self) -> &str {
        PASSWORD
    }

    /// Runs SQL on a database as its superuser.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, name: &str, sql: &str) -> String {
        let port = self.ports.control().to_string();
        let run = self
            .command("psql")
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &port, "-U", USER, "-v", "ON_ERROR_STOP=1", "-At", "-c", sql, name])
            .output()
            .expect("psql can be started");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs, run by its user.
    fn command(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let Some(User { uid, gid }) = self.user else { return Command::new(program) };
        let mut command = Command::new("/usr/bin/setpriv");
        command
            .args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()])
            .arg(program)
            .current_dir(self.folder.path());
        command
    }
}

impl User {
    fn named(name: &str) -> Self {
        Self { uid: id("-u", name), gid: id("-g", name) }
    }
}

/// Asks `id` for a number of a user.
fn id(which: &str, name: &str) -> u32 {
    let asked = Command::new("id").args([which, name]).output().expect("every system has id");
    let number = String::from_utf8_lossy(&asked.stdout).trim().parse();
    number.unwrap_or_else(|_| panic!("the user {name} is missing: apt-get install postgresql"))
}

fn is_root() -> bool {
    let asked = Command::new("id").arg("-u").output().expect("every system has id");
    asked.stdout.starts_with(b"0\n")
}

/// The programs of the newest version.
fn programs() -> PathBuf {
    let versions = Path::new(PROGRAMS).read_dir().into_iter().flatten();
    let folders = versions.map(|entry| entry.expect("a directory can be read").path().join("bin"));
    let newest = folders.filter(|folder| folder.join(OsStr::new("initdb")).exists()).max();
    newest.expect("PostgreSQL is missing: apt-get install postgresql")
}
