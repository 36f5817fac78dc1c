//! Ports that no other test takes.
//!
//! A server needs a control port and a range for its data connections. Each block of ports below
//! the ephemeral range has a lock on a file, so that tests of one process and of several never get
//! the same block. A server that cannot bind a port which another program holds gets the next block.

use std::{
    env, fs,
    fs::{File, OpenOptions},
    net::TcpListener,
    ops::RangeInclusive,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

const FIRST: u16 = 10_240;
const LEN: u16 = 200;
const BLOCKS: u16 = 100;

/// A block of ports, kept from other tests until it is dropped.
pub(crate) struct PortBlock {
    base: u16,
    /// The lock ends with the file.
    _lock: File,
}

impl PortBlock {
    /// Takes a block that no other test holds and whose first port is free.
    pub(crate) fn take() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = env::temp_dir().join("ferryport-test-ports");
        fs::create_dir_all(&folder).expect("the temporary directory can be written");
        let start = u16::try_from(process::id() % u32::from(BLOCKS)).unwrap_or(0);
        for _ in 0..2 * BLOCKS {
            let block = (start + NEXT.fetch_add(1, Ordering::Relaxed)) % BLOCKS;
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(folder.join(block.to_string()))
                .expect("a lock file can be opened");
            let base = FIRST + block * LEN;
            if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", base)).is_ok() {
                return Self { base, _lock: file };
            }
        }
        panic!("all {BLOCKS} blocks of ports from {FIRST} on are taken");
    }

    /// Returns the port of the control connection.
    pub(crate) fn control(&self) -> u16 {
        self.base
    }

    /// Returns the ports of data connections.
    pub(crate) fn passive(&self) -> RangeInclusive<u16> {
        self.base + 1..=self.base + LEN - 1
    }
}
