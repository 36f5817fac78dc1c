//! Writes the lines of the audit, and keeps those that cannot be written for a later attempt.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use crate::settings::AuditTarget;

/// The most bytes of lines that are kept while they cannot be written.
const MAX_UNWRITTEN_BYTES: usize = 1024 * 1024;

/// The mode of a new file: its group may read it.
const MODE: u32 = 0o640;

/// The target of the audit.
pub(super) struct Writer {
    target: AuditTarget,
    sink: Box<dyn Write + Send>,
    /// The rest of a line that was written in part, and the lines after it.
    unwritten: Vec<u8>,
    /// Lines that were lost because too many others wait.
    lost: u64,
}

impl Writer {
    /// Opens the target.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(target: AuditTarget) -> io::Result<Self> {
        let sink = sink(&target)?;
        Ok(Self { target, sink, unwritten: Vec::new(), lost: 0 })
    }

    /// Opens the target again: another program has renamed the file. What waits is written there.
    ///
    /// # Errors
    /// When the file cannot be opened; then the earlier one stays in use. Or when it cannot be written.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.sink = sink(&self.target)?;
        self.flush()
    }

    /// Writes a line after those that wait.
    ///
    /// # Errors
    /// When it cannot be written. It waits for the next attempt, unless too many lines wait.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.unwritten.len() + line.len() > MAX_UNWRITTEN_BYTES {
            self.lost += 1;
        } else {
            self.unwritten.extend_from_slice(line);
        }
        self.flush()
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.unwritten.is_empty() {
            match self.sink.write(&self.unwritten) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.unwritten.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sink.flush()
    }

    /// Returns how many lines were lost since the last call.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

fn sink(target: &AuditTarget) -> io::Result<Box<dyn Write + Send>> {
    Ok(match target {
        AuditTarget::Stdout => Box::new(io::stdout()),
        AuditTarget::File(path) => Box::new(open(path)?),
    })
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(MODE).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk with a number of free bytes.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (stored, free) = &mut *self.0.lock().unwrap();
            let len = bytes.len().min(*free);
            if len == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *free -= len;
            stored.extend_from_slice(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writer(disk: &Disk) -> Writer {
        let sink = Box::new(disk.clone());
        Writer { target: AuditTarget::Stdout, sink, unwritten: Vec::new(), lost: 0 }
    }

    #[test]
    fn line_that_a_full_disk_cut_is_completed_when_there_is_room() {
        let disk = Disk::default();
        let mut writer = writer(&disk);
        disk.0.lock().unwrap().1 = 5;
        assert!(writer.append(b"first\n").is_err());
        assert!(writer.append(b"second\n").is_err());
        disk.0.lock().unwrap().1 = 100;
        writer.append(b"third\n").unwrap();
        assert_eq!(disk.0.lock().unwrap().0, b"first\nsecond\nthird\n");
    }

    #[test]
    fn lines_that_wait_are_bounded_and_the_lost_ones_counted() {
        let mut writer = writer(&Disk::default());
        let line = vec![b'x'; MAX_UNWRITTEN_BYTES / 4];
        for _ in 0..6 {
            assert!(writer.append(&line).is_err());
        }
        assert_eq!(writer.unwritten.len(), MAX_UNWRITTEN_BYTES);
        assert_eq!(writer.take_lost(), 2);
    }
}
