//! Figures about the process, named as Prometheus' own client libraries name them.

use std::{
    fmt, fs,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// The unit of processor times in proc(5): Linux shows all programs 100 ticks a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the figures when they are asked for. A figure that the system does not show is left out.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    start_seconds: f64,
}

impl ProcessCollector {
    /// Creates a collector at the start of the process.
    pub(super) fn new() -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start_seconds: start.as_secs_f64() }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let start = ConstGauge::new(self.start_seconds);
        add(&mut encoder, "start_time_seconds", "When the process started, since 1970", &start)?;
        if let Some(seconds) = cpu_seconds() {
            let help = "User and system processor time";
            add(&mut encoder, "cpu_seconds", help, &ConstCounter::new(seconds))?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (field, name, help) in [
            ("VmRSS:", "resident_memory_bytes", "Memory in use"),
            ("VmSize:", "virtual_memory_bytes", "Address space in use"),
        ] {
            if let Some(bytes) = memory_bytes(&status, field) {
                add(&mut encoder, name, help, &ConstGauge::new(bytes))?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let open = ConstGauge::new(open.count() as u64);
            add(&mut encoder, "open_fds", "Open file descriptors", &open)?;
        }
        if let Ok((most, _)) = rlimit::Resource::NOFILE.get() {
            let most = ConstGauge::new(most);
            add(&mut encoder, "max_fds", "The most file descriptors", &most)?;
        }
        Ok(())
    }
}

fn add(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    let name = format!("process_{name}");
    metric.encode(encoder.encode_descriptor(&name, help, None, metric.metric_type())?)
}

/// Returns the processor time of proc(5): the fields 14 and 15 of `stat`, after the command's name,
/// which may contain anything.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().ok());
    Some(ticks.sum::<Option<u32>>().map(f64::from)? / TICKS_PER_SECOND)
}

fn memory_bytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_their_units() {
        let status = "Name:\tx\nVmSize:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(memory_bytes(status, "VmRSS:"), Some(10 << 20));
        assert_eq!(memory_bytes(status, "VmSwap:"), None);
        assert!(cpu_seconds().is_some_and(|seconds| seconds < 3600.0));
    }
}
