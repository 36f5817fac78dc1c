//! A child process that never outlives its test.
//!
//! The child and all that it starts share a process group with a watchdog that holds the reading
//! end of a pipe. When the test drops the [`Process`], or dies however hard, the pipe closes and
//! the watchdog kills the group. Nothing is left behind, and nothing but the group is touched.

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

/// Waits on descriptor 3, the pipe, beside the program; the program takes the shell's place, so
/// that the child's id is the program's. Descriptor 0 is the log: vsftpd, a child of inetd, says
/// there why it does not start.
const WATCHDOG: &str = "exec 3<&0 0>&1; \
    { read -r _ <&3; kill -KILL $$ 0; } >/dev/null 2>&1 & \
    exec 3<&-; exec \"$@\"";

/// Longer than the portal takes to end its sessions.
const TERMINATE_LIMIT: Duration = Duration::from_secs(30);

/// A running program; killed with everything that it started when it is dropped.
pub struct Process {
    child: Child,
    /// Closed to tell the watchdog.
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

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the program with everything that it started.
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

    /// Asks the program to end, and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub fn terminate(&mut self) {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("every system has kill").success());
        let ended = wait_for(TERMINATE_LIMIT, || self.exit_status());
        assert!(ended.is_some(), "it does not end:\n{}", self.output());
    }

    /// Everything that the program printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        read_lossy(&self.output)
    }

    /// How the program ended, if it did.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// The most memory that the program ever held, in bytes: `VmHWM` of proc(5).
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// The memory that the program holds now, in bytes: `VmRSS` of proc(5).
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

/// Asks until there is an answer, or gives up after `limit`.
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

/// A text file, or nothing where there is none.
pub(crate) fn read_lossy(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let _ = file.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
