//! Markdown, printed and written to `docs/benchmarks.md`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use ferryport_tests::servers;

/// A table with its explanation and notes.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    /// The contestants' work, and which direction is better.
    pub(crate) about: String,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What went wrong.
    pub(crate) notes: Vec<String>,
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{}\n\n", self.title, self.about);
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text += &line(&self.header);
        text += &line(&vec!["---".to_owned(); self.header.len()]);
        for row in &self.rows {
            text += &line(row);
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text
    }
}

/// What the figures were measured with.
pub(crate) struct Conditions {
    /// As a user typed it.
    pub(crate) command: String,
    /// The contestants that are not ours, with their versions.
    pub(crate) programs: Vec<String>,
    /// Anything else that matters.
    pub(crate) remarks: Vec<String>,
    /// The average load of the machine before the run: another's work makes the figures worse.
    pub(crate) load: String,
}

impl Conditions {
    fn markdown(&self) -> String {
        let mut lines = vec![
            format!("`{}`, {}", self.command, said(&mut Command::new("date"), &["--utc", "+%F"])),
            machine(),
            format!("load average before the run: {}", self.load),
            format!("Ferryport {} ({})", env!("CARGO_PKG_VERSION"), commit()),
            format!("other programs: {}", self.programs.join(", ")),
            format!("servers: {}", servers::installed_versions()),
        ];
        lines.extend(self.remarks.iter().cloned());
        lines.iter().fold(String::new(), |text, line| text + "- " + line + "\n")
    }
}

/// The load of the machine in the last minute, as the kernel counts it.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

/// The whole section of a suite.
pub(crate) fn section(conditions: &Conditions, tables: &[Table]) -> String {
    let tables: Vec<_> = tables.iter().map(Table::markdown).collect();
    format!("{}\n{}", conditions.markdown(), tables.join("\n"))
}

/// Puts the section of a suite between its two marks in `docs/benchmarks.md`.
pub(crate) fn write(suite: &str, section: &str) -> Result<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = tests.parent().unwrap_or(tests).join("docs/benchmarks.md");
    let old = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let (begin, end) = (format!("<!-- bench {suite} -->\n"), format!("<!-- end {suite} -->\n"));
    let place = || {
        let (before, rest) = old.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    };
    let (before, after) =
        place().with_context(|| format!("{} has no marks for {suite}", path.display()))?;
    fs::write(&path, format!("{before}{begin}\n{section}\n{end}{after}"))?;
    Ok(path)
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(|c: char| c == ':' || c.is_whitespace());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.current_dir(env!("CARGO_MANIFEST_DIR"));
    said(&mut git, &["describe", "--always", "--dirty"])
}

/// The name of a program and its version, which is a word of the first line that it prints.
pub(crate) fn version(program: &str, before: usize) -> String {
    let text = said(&mut Command::new(program), &["--version"]);
    let mut words = text.lines().next().unwrap_or_default().split_whitespace().skip(before);
    let (_name, version) = (words.next(), words.next().unwrap_or("?"));
    format!("{program} {version}")
}

fn said(command: &mut Command, arguments: &[&str]) -> String {
    let output = command.args(arguments).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).trim().to_owned()
}
