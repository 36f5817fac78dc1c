//! A link to another network with a delay, for kernels without `tc netem`.
//!
//! Two TUN devices, the far one in a network namespace of its own, are joined by threads that hold
//! each packet for half of the round trip. Packets keep their order, and a full queue drops packets,
//! as a router does. The delay covers all packets, those of TCP's handshake too. A server runs at
//! the far end by [`DelayedLink::place`].
//!
//! The namespace has no name and lives as long as the process that holds it, so a test that is
//! killed leaves nothing behind.
//!
//! # Limits
//! IPv4, Linux, root, and `ip` of Debian's package iproute2. The link has no bandwidth limit;
//! it carries some hundred MB/s.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::process::{Process, wait_for};

/// Packets that one direction holds at most: at 1,500 bytes each, 25 ms of 2 Gbit/s.
const QUEUE_PACKETS: usize = 4096;

/// The largest packet of IPv4, in bytes.
const PACKET_BYTES: usize = 64 * 1024;

/// Links that there can be at a time on one machine.
const LINKS: u8 = 64;

/// Long enough for a busy machine; a namespace takes a few milliseconds.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A link to another network; removed when it is dropped.
pub struct DelayedLink {
    number: u8,
    namespace: Namespace,
    /// Keeps the namespace; the processes in it end by themselves.
    _holder: Process,
    _folder: TempDir,
    /// The lock ends with the file.
    _lock: File,
}

/// A network namespace.
#[derive(Clone, Copy, Debug)]
pub struct Namespace {
    /// The process that holds it.
    holder: u32,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// At the loopback address of this machine.
    Loopback,
    /// At the far end of a [`DelayedLink`].
    Far {
        /// The address of the far end.
        address: Ipv4Addr,
        /// The network that has that address.
        namespace: Namespace,
    },
}

impl Place {
    /// The address to listen at.
    pub(crate) fn address(self) -> Ipv4Addr {
        match self {
            Self::Loopback => Ipv4Addr::LOCALHOST,
            Self::Far { address, .. } => address,
        }
    }
}

/// A packet and when it is to arrive.
struct Parcel {
    due: Instant,
    packet: Vec<u8>,
}

impl DelayedLink {
    /// Creates a link whose packets take half of `round_trip` in each direction.
    ///
    /// # Panics
    /// Without root, `/dev/net/tun` or `ip`.
    #[must_use]
    pub fn start(round_trip: Duration) -> Self {
        let (number, lock) = take_number();
        let folder = tempfile::Builder::new()
            .prefix("ferryport-link-")
            .tempdir()
            .expect("the temporary directory can be written");
        let (holder, namespace) = Namespace::start(&folder.path().join("output.log"));
        let link = Self { number, namespace, _holder: holder, _folder: folder, _lock: lock };
        let near = device(&link.near_name());
        let far = device(&link.far_name());
        link.connect();
        carry(Arc::clone(&near), Arc::clone(&far), round_trip / 2);
        carry(far, near, round_trip / 2);
        link
    }

    /// Returns the place of a server at the far end.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Far { address: self.far(), namespace: self.namespace }
    }

    /// The address of the far end.
    #[must_use]
    pub fn far(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, 2)
    }

    /// The address of this end. Both are of the network that is set aside for benchmarks (RFC
    /// 2544), so that no real network is hidden.
    fn near(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, 1)
    }

    fn near_name(&self) -> String {
        format!("ferry{}near", self.number)
    }

    fn far_name(&self) -> String {
        format!("ferry{}far", self.number)
    }

    /// Gives the devices their networks and addresses.
    fn connect(&self) {
        let (near, far) = (self.near().to_string(), self.far().to_string());
        let (near_name, far_name) = (self.near_name(), self.far_name());
        ip(None, &["link", "set", "dev", &far_name, "netns", &self.namespace.holder.to_string()]);
        ip(None, &["address", "add", &near, "peer", &far, "dev", &near_name]);
        ip(None, &["link", "set", "dev", &near_name, "up"]);
        let inside = Some(self.namespace);
        ip(inside, &["address", "add", &far, "peer", &near, "dev", &far_name]);
        ip(inside, &["link", "set", "dev", &far_name, "up"]);
        ip(inside, &["link", "set", "dev", "lo", "up"]);
    }
}

impl Drop for DelayedLink {
    fn drop(&mut self) {
        // Removing the devices ends the threads. A server that still runs keeps the namespace, so
        // both devices are removed by name.
        let _ = command(None, &["link", "delete", &self.near_name()]).output();
        let _ = command(Some(self.namespace), &["link", "delete", &self.far_name()]).output();
    }
}

impl Namespace {
    fn start(output: &Path) -> (Process, Self) {
        let arguments = ["--net", "sleep", "infinity"];
        let holder =
            Process::start(Path::new("/usr/bin/unshare"), arguments, [], output.to_owned());
        let namespace = Self { holder: holder.id() };
        let ours = fs::read_link("/proc/self/ns/net").expect("proc(5) is mounted");
        let apart = wait_for(START_LIMIT, || {
            fs::read_link(namespace.file()).ok().filter(|theirs| *theirs != ours)
        });
        assert!(
            apart.is_some(),
            "no network namespace was made, which takes root: {}",
            holder.output()
        );
        (holder, namespace)
    }

    /// Returns the command line that runs a program in it.
    #[must_use]
    pub fn enter<A: AsRef<OsStr>>(
        self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> (PathBuf, Vec<OsString>) {
        let mut line = vec![format!("--net={}", self.file().display()).into(), program.into()];
        line.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        (PathBuf::from("/usr/bin/nsenter"), line)
    }

    fn file(self) -> PathBuf {
        format!("/proc/{}/ns/net", self.holder).into()
    }
}

/// Takes a number that no other link of this machine has. It names the link's devices and
/// addresses.
fn take_number() -> (u8, File) {
    let folder = env::temp_dir().join("ferryport-test-links");
    fs::create_dir_all(&folder).expect("the temporary directory can be written");
    for number in 0..LINKS {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(number.to_string()))
            .expect("a lock file can be opened");
        if file.try_lock().is_ok() {
            return (number, file);
        }
    }
    panic!("all {LINKS} links are taken");
}

fn device(name: &str) -> Arc<SyncDevice> {
    let device = DeviceBuilder::new().name(name).enable(false).build_sync();
    Arc::new(device.unwrap_or_else(|error| {
        panic!("no TUN device, which takes root and /dev/net/tun: {error}")
    }))
}

/// Runs `ip`, in a namespace or in this machine's network.
fn ip(namespace: Option<Namespace>, arguments: &[&str]) {
    let output = command(namespace, arguments)
        .output()
        .unwrap_or_else(|error| panic!("`ip` cannot be started; run `cargo xtask setup`: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}", arguments.join(" "));
}

fn command(namespace: Option<Namespace>, arguments: &[&str]) -> Command {
    let (program, arguments) = match namespace {
        Some(namespace) => namespace.enter(Path::new("ip"), arguments),
        None => ("ip".into(), arguments.iter().map(Into::into).collect()),
    };
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Carries packets in one direction, by two threads, until a device is wait_until_gone.
///
/// Threads and not tasks: the clock of tokio's runtime counts whole milliseconds.
fn carry(from: Arc<SyncDevice>, to: Arc<SyncDevice>, delay: Duration) {
    let (queue, arrivals) = sync_channel(QUEUE_PACKETS);
    thread::spawn(move || read_packets(&from, &queue, delay));
    thread::spawn(move || hand_over(&to, &arrivals));
}

fn read_packets(from: &SyncDevice, queue: &SyncSender<Parcel>, delay: Duration) {
    let mut buffer = vec![0; PACKET_BYTES];
    loop {
        match from.recv(&mut buffer) {
            Ok(len) => {
                let packet = buffer.get(..len).unwrap_or_default().to_vec();
                // A full queue drops the packet, and TCP sends it again.
                let _ = queue.try_send(Parcel { due: Instant::now() + delay, packet });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn hand_over(to: &SyncDevice, arrivals: &Receiver<Parcel>) {
    for parcel in arrivals {
        thread::sleep(parcel.due.saturating_duration_since(Instant::now()));
        // A device that is down drops the packet.
        let _ = to.send(&parcel.packet);
    }
}
