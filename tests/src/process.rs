//! A child process that never outlives its test.
//!
//! The child and its own children share a process group with a watchdog that holds the reading end
//! of a pipe. When the test drops the [`Process`] or is killed, the pipe closes, and the watchdog
//! kills the group and nothing else.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The watchdog waits on descriptor 3, the pipe. The program replaces the shell, so that the child's
/// id is the program's. Descriptor 0 is the log: vsftpd writes there why it does not start.
const WATCHDOG: &str = "exec 3<&0 0>&1; \
    { read -r _ <&3; kill -KILL $$ 0; } >/dev/null 2>&1 & \
    exec 3<&-; exec \"$@\"";

/// Longer than the portal takes to end its sessions.
const TERMINATE_LIMIT: Duration = Duration::from_secs(30);

/// A running program; killed with everything that it started when it is dropped.
pub struct Process {
    child: Child,
    /// Closing it tells the watchdog.
    lifeline: Option<ChildStdin>,
    output: PathBuf,
}

impl Process {
    /// Starts `program` with its standard output and standard error in the file `output`.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: impl IntoIterator<Item = (&'static str, OsString)>,
        output: PathBuf,
    ) -> Self {
        let log = File::create(&output).expect("the log of a child process can be created");
        let mut child = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(program)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
        Self { lifeline: child.stdin.take(), child, output }
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the program and all processes that it started.
    ///
    /// # Panics
    /// When there is no `kill`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let group = format!("-{}", self.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).output();
        killed.expect("every system has kill");
        let _ = self.child.wait();
    }

    /// Sends the program a signal: `TERM`.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.expect("every system has kill").success());
    }

    /// Asks the program to end, and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub fn terminate(&mut self) {
        self.signal("TERM");
        let ended = wait_for(TERMINATE_LIMIT, || self.exit_status());
        assert!(ended.is_some(), "it does not end:\n{}", self.output());
    }

    /// Returns everything that the program has printed.
    #[must_use]
    pub fn output(&self) -> String {
        read_lossy(&self.output)
    }

    /// Returns the exit status of a program that has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Returns the peak memory of the program, in bytes: `VmHWM` of proc(5).
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Returns the memory of the program, in bytes: `VmRSS` of proc(5).
    #[must_use]
    pub fn memory_now(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))
            .expect("the program runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap_or_else(|| panic!("/proc has no {field}"));
        let kibibytes = line.trim().trim_end_matches("kB").trim();
        kibibytes.parse::<u64>().expect("a number of kB") * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The program itself first: it may have left the group of the watchdog.
        let _ = self.child.kill();
        drop(self.lifeline.take());
        let _ = self.child.wait();
    }
}

/// Polls until there is an answer, for `limit` at most.
pub fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the content of a text file, or an empty text where there is none.
pub(crate) fn read_lossy(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let _ = file.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
