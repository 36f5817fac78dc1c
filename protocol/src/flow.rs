//! The arithmetic of windows and credit, the same on both sides.
//!
//! The portal grants an upload a window: the bytes that may be in flight between the page's File and
//! the FTPS data connection. As the data connection takes bytes, the window moves on.

/// The window of one upload, as one side knows it. All numbers are offsets in the file.
///
/// `taken <= sent <= limit <= size` always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    size: u64,
    taken: u64,
    sent: u64,
    limit: u64,
}

/// A chunk that would break the order `taken <= sent <= limit <= size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowError {
    /// The chunk does not start where the one before it ended.
    NotInOrder {
        /// The expected start.
        expected: u64,
        /// The start.
        offset: u64,
    },
    /// The chunk ends beyond the limit that was granted.
    BeyondLimit {
        /// The limit.
        limit: u64,
        /// The end of the chunk.
        end: u64,
    },
}

impl std::fmt::Display for FlowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInOrder { expected, offset } => {
                write!(f, "a chunk starts at {offset} where {expected} was expected")
            }
            Self::BeyondLimit { limit, end } => {
                write!(f, "a chunk ends at {end}, beyond the limit {limit} that was granted")
            }
        }
    }
}

impl std::error::Error for FlowError {}

impl Window {
    /// Creates the window of a new file of `size` bytes, without credit.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self::starting_at(size, 0)
    }

    /// Creates the window of an attempt that continues from `offset`, without credit.
    #[must_use]
    pub fn starting_at(size: u64, offset: u64) -> Self {
        Self::resumed(size, offset, offset)
    }

    /// Creates the window of an attempt that continues from `sent`, without credit. The receiver has
    /// taken the bytes before `taken` and still holds those between `taken` and `sent`.
    #[must_use]
    pub fn resumed(size: u64, taken: u64, sent: u64) -> Self {
        let sent = sent.min(size);
        Self { size, taken: taken.min(sent), sent, limit: sent }
    }

    /// Returns the file's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of bytes that the receiver has taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns the number of bytes that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the offset up to which bytes may be sent.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns the number of bytes that may be sent now.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.limit - self.sent
    }

    /// Returns the number of bytes that were sent and not yet taken.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.sent - self.taken
    }

    /// Returns whether every byte was sent.
    #[must_use]
    pub fn all_sent(&self) -> bool {
        self.sent == self.size
    }

    /// Returns whether every byte was taken.
    #[must_use]
    pub fn all_taken(&self) -> bool {
        self.taken == self.size
    }

    /// Raises the limit to `limit`, at most to the file's end. A lower limit changes nothing.
    pub fn grant(&mut self, limit: u64) {
        self.limit = self.limit.max(limit.min(self.size));
    }

    /// Notes that `len` bytes from `offset` on were sent.
    ///
    /// # Errors
    /// [`FlowError`] when they are out of order or beyond the limit; then nothing changes.
    pub fn send(&mut self, offset: u64, len: u64) -> Result<(), FlowError> {
        if offset != self.sent {
            return Err(FlowError::NotInOrder { expected: self.sent, offset });
        }
        let end = offset.saturating_add(len);
        if end > self.limit {
            return Err(FlowError::BeyondLimit { limit: self.limit, end });
        }
        self.sent = end;
        Ok(())
    }

    /// Notes that the bytes before `taken` were taken, at most those that were sent. A lower offset
    /// changes nothing.
    pub fn take(&mut self, taken: u64) {
        self.taken = self.taken.max(taken.min(self.sent));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chunk_beyond_the_limit_is_refused_and_changes_nothing() {
        let mut window = Window::new(100);
        window.grant(10);
        assert_eq!(window.send(0, 11), Err(FlowError::BeyondLimit { limit: 10, end: 11 }));
        assert_eq!(window.sent(), 0);
    }

    #[test]
    fn chunk_out_of_order_is_refused() {
        let mut window = Window::new(100);
        window.grant(100);
        window.send(0, 10).unwrap();
        assert_eq!(window.send(0, 10), Err(FlowError::NotInOrder { expected: 10, offset: 0 }));
    }

    proptest! {
        #[test]
        fn order_holds_after_any_steps(
            size in 0..1000_u64,
            steps in prop::collection::vec((0..3_u8, 0..1200_u64), 0..50),
        ) {
            let mut window = Window::new(size);
            for (step, n) in steps {
                match step {
                    0 => window.grant(n),
                    1 => { let _ = window.send(window.sent(), n); }
                    _ => window.take(n),
                }
                prop_assert!(window.taken <= window.sent);
                prop_assert!(window.sent <= window.limit);
                prop_assert!(window.limit <= window.size);
            }
        }
    }
}
