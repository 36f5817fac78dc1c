//! Searches the memory of this process for a secret.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
};

/// The bytes of memory that are searched at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Hides the secret, so that the search does not find its own pattern.
const HIDE: u8 = 0x80;

/// A secret that is nowhere in memory in clear.
pub(crate) struct HiddenSecret(Vec<u8>);

impl HiddenSecret {
    /// Creates a secret of 64 digits.
    pub(crate) fn random() -> Self {
        let mut bytes = vec![0; 64];
        getrandom::fill(&mut bytes).unwrap();
        Self(bytes.iter().map(|byte| (b'0' + byte % 10) ^ HIDE).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the secret as a client sends it, with the mask of its frame.
    pub(crate) fn masked_with(&self, mask: &[u8; 4]) -> Vec<u8> {
        self.0.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ HIDE ^ mask).collect()
    }

    pub(crate) fn is(&self, text: &[u8]) -> bool {
        text.len() == self.0.len()
            && text.iter().zip(&self.0).all(|(byte, own)| byte ^ HIDE == *own)
    }

    /// Counts the copies in the writable memory of this process.
    pub(crate) fn copies_in_memory(&self) -> usize {
        let mut memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut chunk = vec![0_u8; CHUNK_BYTES];
        let zeros = vec![0_u8; CHUNK_BYTES];
        let own = chunk.as_ptr() as u64;
        let mut copies = 0;
        for (start, end) in maps.lines().filter_map(writable) {
            let mut at = start;
            while at < end {
                // The search has its own copy of each chunk.
                if (own..own + CHUNK_BYTES as u64).contains(&at) {
                    at = own + CHUNK_BYTES as u64;
                    continue;
                }
                let stop = if at < own { end.min(own) } else { end };
                let len = usize::try_from(stop - at).unwrap().min(CHUNK_BYTES);
                memory.seek(SeekFrom::Start(at)).unwrap();
                let Ok(read) = memory.read(&mut chunk[..len]) else { break };
                if chunk[..read] == zeros[..read] {
                    at += len as u64;
                    continue;
                }
                copies +=
                    chunk[..read].windows(self.len()).filter(|window| self.is(window)).count();
                // The next chunk overlaps, so that no copy between two chunks is missed.
                let step = if len == CHUNK_BYTES { len - self.len() } else { len };
                at += step as u64;
            }
        }
        copies
    }
}

/// The address range of a line of `/proc/self/maps`, if it is writable.
fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    rest.starts_with("rw").then_some((number(start)?, number(end)?))
}
