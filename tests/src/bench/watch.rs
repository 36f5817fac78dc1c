//! What processes cost while something is done: proc(5), read every now and then.

use std::{
    collections::{HashMap, HashSet},
    fs,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use crate::measure::cores;

/// Ticks of processor time in a second: `sysconf(_SC_CLK_TCK)` is 100 on every Linux.
const TICKS: f64 = 100.0;

/// The most figures of a curve that are shown.
const CURVE_POINTS: usize = 12;

/// A process and all that it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    pub(crate) name: &'static str,
    pub(crate) root: u32,
}

/// What one of them cost.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) name: &'static str,
    /// User and system, in seconds.
    pub(crate) cpu_seconds: f64,
    /// The memory that the root itself held (`VmRSS`), in bytes, at each look.
    pub(crate) curve: Vec<u64>,
}

/// What all of them cost.
#[derive(Clone, Debug)]
pub(crate) struct Usages {
    pub(crate) seconds: f64,
    pub(crate) all: Vec<Usage>,
}

/// Does the work and looks at the processes `every` so often meanwhile.
pub(crate) fn watch<T>(
    trees: &[Tree],
    every: Duration,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Usages)> {
    let before: Vec<f64> = trees.iter().map(|tree| cpu_seconds(tree.root)).collect();
    let start = Instant::now();
    let (stop, stopped) = sync_channel::<()>(0);
    let (done, seconds, curves) = thread::scope(|scope| {
        let sampler = scope.spawn(move || {
            let mut curves = vec![Vec::new(); trees.len()];
            loop {
                for (curve, tree) in curves.iter_mut().zip(trees) {
                    curve.extend(memory(tree.root));
                }
                if stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                    return curves;
                }
            }
        });
        let done = work();
        let seconds = start.elapsed().as_secs_f64();
        drop(stop);
        (done, seconds, sampler.join())
    });
    let curves = curves.map_err(|_| anyhow!("the sampler ended early"))?;
    let all = trees.iter().zip(before).zip(curves).map(|((tree, before), curve)| Usage {
        name: tree.name,
        cpu_seconds: cpu_seconds(tree.root) - before,
        curve,
    });
    Ok((done?, Usages { seconds, all: all.collect() }))
}

impl Usages {
    /// One of them.
    pub(crate) fn of(&self, name: &str) -> Option<&Usage> {
        self.all.iter().find(|usage| usage.name == name)
    }

    /// Records the costs of a process that is not watched.
    pub(crate) fn add(&mut self, name: &'static str, cpu_seconds: f64) {
        self.all.push(Usage { name, cpu_seconds, curve: Vec::new() });
    }

    /// Who used how much of a core, the greatest first, and what of all cores was left: who is at
    /// 100 % holds up the rest, and where nothing is left, the machine does.
    pub(crate) fn bound(&self) -> String {
        let mut shares: Vec<_> =
            self.all.iter().map(|usage| (usage.name, usage.cpu_seconds / self.seconds)).collect();
        shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let used: f64 = shares.iter().map(|(_, share)| share).sum();
        let left = (cores() - used).max(0.0) / cores();
        let words: Vec<_> =
            shares.iter().map(|(name, share)| format!("{name} {:.0} %", share * 100.0)).collect();
        format!("{}; {:.0} % of the machine left", words.join(", "), left * 100.0)
    }
}

impl Usage {
    /// The curve in MiB, thinned out.
    pub(crate) fn curve(&self) -> String {
        let step = self.curve.len().div_ceil(CURVE_POINTS).max(1);
        // Of each stretch the greatest, so that no peak is left out.
        let points = self.curve.chunks(step).filter_map(|stretch| stretch.iter().max());
        let points: Vec<_> = points.map(|bytes| format!("{:.0}", mib(*bytes))).collect();
        points.join(", ")
    }
}

/// A number of bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// The memory that a process holds now (`VmRSS`), in bytes.
pub(crate) fn memory(process: u32) -> Option<u64> {
    status(process, "VmRSS:")
}

/// The most memory that a process ever held (`VmHWM`), in bytes.
pub(crate) fn peak_memory(process: u32) -> Option<u64> {
    status(process, "VmHWM:")
}

fn status(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(value.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// Of a process, of all that it started and that still run, and of all of those that were waited
/// for.
fn cpu_seconds(root: u32) -> f64 {
    let stats = stats();
    let mut tree = HashSet::from([root]);
    loop {
        let children =
            stats.iter().filter(|(id, stat)| tree.contains(&stat.parent) && !tree.contains(*id));
        let children: Vec<u32> = children.map(|(id, _)| *id).collect();
        if children.is_empty() {
            break;
        }
        tree.extend(children);
    }
    let ticks = tree.iter().filter_map(|id| stats.get(id)).map(|stat| stat.ticks);
    ticks.sum::<f64>() / TICKS
}

/// The facts of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    /// Its own, and of its children that were waited for.
    ticks: f64,
}

fn stats() -> HashMap<u32, Stat> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stat = |folder: fs::DirEntry| {
        let id: u32 = folder.file_name().to_str()?.parse().ok()?;
        // The name in brackets may hold anything; the fields after it are numbers.
        let text = fs::read_to_string(folder.path().join("stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let parent = fields.get(1)?.parse().ok()?;
        let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
        Some((id, Stat { parent, ticks }))
    };
    folders.filter_map(stat).collect()
}
