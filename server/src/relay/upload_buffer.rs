//! One upload's bytes between the page's socket and the FTPS data connection.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use bytes::Bytes;
use protocol::{Attempt, ChunkHeader, Window, flow::FlowError};
use tokio::sync::Notify;

use super::Reservation;
use crate::locking::lock;

/// The queue of the bytes that have arrived of one upload, and the window that bounds it.
///
/// The socket [delivers](Self::deliver), the upload [takes](Self::next). The page is granted as
/// many bytes as the window has reserved of the budget: see [`Self::credit`].
#[derive(Debug)]
pub struct UploadBuffer {
    state: Mutex<State>,
    arrived: Notify,
    min_chunk: u64,
}

#[derive(Debug)]
struct State {
    attempt: Attempt,
    window: Window,
    /// The end of the taken bytes whose memory is free again, as an offset in the file.
    freed: u64,
    reservation: Reservation,
    parts: VecDeque<Bytes>,
    /// Whether the page has no socket: then the window shrinks to the bytes that have arrived.
    is_page_away: bool,
}

/// What the page may send, and what has arrived: see [`protocol::ServerMessage::Credit`].
///
/// The greater of two credits is the later one: within an attempt, no number goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credit {
    /// The attempt that the page's chunks have to name.
    pub attempt: Attempt,
    /// The number of bytes that the data connection has taken.
    pub taken: u64,
    /// The number of bytes that have arrived here, the taken ones included.
    pub received: u64,
    /// The offset up to which the page may send.
    pub limit: u64,
}

/// A part of a chunk, as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkPart {
    /// The chunk's header, but with the offset of this part.
    pub header: ChunkHeader,
    /// The bytes. The last part of a chunk may have none.
    pub payload: Bytes,
    /// With the last part of a chunk: the length of the chunk's whole payload in bytes.
    pub ends_chunk_of: Option<u64>,
}

/// A chunk that the page was not allowed to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkViolation {
    /// The chunk is out of order or beyond the credit.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The chunk is too small and does not end its file.
    #[error("a chunk of {len} bytes is smaller than {min} bytes and does not end its file")]
    TooSmall {
        /// The length of the payload in bytes.
        len: u64,
        /// The least length in bytes.
        min: u64,
    },
    /// The chunk names an attempt that the portal has not begun.
    #[error("a chunk names an attempt that has not begun")]
    UnknownAttempt,
}

impl UploadBuffer {
    /// Creates the buffer of a file of `size` bytes, with the credit of `reservation`.
    #[must_use]
    pub fn new(size: u64, min_chunk: u64, reservation: Reservation) -> Self {
        let mut state = State {
            attempt: Attempt::default(),
            window: Window::new(size),
            freed: 0,
            reservation,
            parts: VecDeque::new(),
            is_page_away: false,
        };
        state.grant();
        Self { state: Mutex::new(state), arrived: Notify::new(), min_chunk }
    }

    /// Returns the file's size in bytes.
    pub fn size(&self) -> u64 {
        self.state().window.size()
    }

    /// Returns the number of bytes that the window has reserved of the budget.
    pub fn reserved_bytes(&self) -> u64 {
        self.state().reservation.bytes()
    }

    /// Widens the window.
    pub fn widen(&self, reservation: Reservation) {
        let mut state = self.state();
        state.reservation.merge(reservation);
        state.grant();
    }

    /// Returns the credit that the page has now.
    pub fn credit(&self) -> Credit {
        let state = self.state();
        Credit {
            attempt: state.attempt,
            taken: state.window.taken(),
            received: state.window.sent(),
            limit: state.window.limit(),
        }
    }

    /// Accepts a part of a chunk from the page. A part of an earlier attempt was in flight when the
    /// portal started over, and is dropped.
    ///
    /// # Errors
    /// [`ChunkViolation`]: the page broke the protocol.
    pub fn deliver(&self, part: ChunkPart) -> Result<(), ChunkViolation> {
        let ChunkPart { header, payload, ends_chunk_of } = part;
        let mut state = self.state();
        if header.attempt > state.attempt {
            return Err(ChunkViolation::UnknownAttempt);
        }
        if header.attempt < state.attempt {
            return Ok(());
        }
        let len = payload.len() as u64;
        let end = header.offset.saturating_add(len);
        if let Some(len) = ends_chunk_of {
            self.check_chunk(len, end == state.window.size())?;
        }
        state.window.send(header.offset, len)?;
        if !payload.is_empty() {
            state.parts.push_back(payload);
        }
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    fn check_chunk(&self, len: u64, ends_the_file: bool) -> Result<(), ChunkViolation> {
        if len == 0 || (len < self.min_chunk && !ends_the_file) {
            return Err(ChunkViolation::TooSmall { len, min: self.min_chunk });
        }
        Ok(())
    }

    /// Returns whether no byte waits.
    pub fn is_empty(&self) -> bool {
        self.state().parts.is_empty()
    }

    /// Waits for the next bytes. Returns `None` when no byte waits and the page's credit is too small for
    /// a chunk: see [`Self::is_window_exhausted`]. There may be one waiter at a time.
    ///
    /// # Cancel safety
    /// Cancel safe: bytes leave the buffer only when they are returned.
    pub async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.state();
                if let Some(bytes) = state.parts.pop_front() {
                    return Some(bytes);
                }
                if state.is_window_exhausted(self.min_chunk) {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Returns whether the page has a socket and its credit is smaller than the smallest chunk.
    pub fn is_window_exhausted(&self) -> bool {
        self.state().is_window_exhausted(self.min_chunk)
    }

    /// Returns whether the page has no socket.
    pub fn is_page_away(&self) -> bool {
        self.state().is_page_away
    }

    /// Notes that the data connection has taken `len` more bytes.
    pub fn note_taken(&self, len: u64) {
        let mut state = self.state();
        let taken = state.window.taken() + len;
        state.window.take(taken);
    }

    /// Notes that the memory of all taken bytes is free, and grants the page as many again.
    pub fn release_taken(&self) {
        let mut state = self.state();
        state.freed = state.window.taken();
        state.grant();
    }

    /// Notes that the memory of all taken bytes is free, and returns it to the budget, down to a
    /// window of `least` bytes.
    pub fn return_taken(&self, least: u64) {
        let mut state = self.state();
        let taken = state.window.taken();
        let freed = taken - state.freed;
        state.reservation.shrink(freed, least);
        state.freed = taken;
        state.grant();
    }

    /// Returns the whole window to the budget: all bytes were taken.
    pub fn release_window(&self) {
        let mut state = self.state();
        state.freed = state.window.taken();
        state.reservation = Reservation::default();
    }

    /// Drops what has arrived and starts over at `offset`, under the next attempt.
    pub fn restart_at(&self, offset: u64) {
        let mut state = self.state();
        state.attempt = state.attempt.next();
        state.window = Window::starting_at(state.window.size(), offset);
        state.freed = state.window.taken();
        state.parts.clear();
        if state.is_page_away {
            state.revoke_credit();
        }
        state.grant();
    }

    /// Notes that the page's socket is lost: its unused credit returns to the budget.
    pub fn page_left(&self) {
        let mut state = self.state();
        state.is_page_away = true;
        state.revoke_credit();
    }

    /// Notes that the page is back on another socket. The bytes in flight on the socket before are
    /// lost: the page continues after the bytes that have arrived, under the next attempt.
    pub fn page_returned(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.is_page_away) {
            // The rest of the credit may be smaller than a chunk.
            state.revoke_credit();
        }
        state.attempt = state.attempt.next();
        drop(state);
        // An upload that waits for bytes has to open the window again.
        self.arrived.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn is_window_exhausted(&self, min_chunk: u64) -> bool {
        let window = &self.window;
        let is_too_small = window.sendable() < min_chunk && window.limit() < window.size();
        is_too_small && !self.is_page_away
    }

    /// Shrinks the window to the bytes that have arrived. The limit decreases, which is allowed only
    /// with the next attempt.
    fn revoke_credit(&mut self) {
        let (taken, sent) = (self.window.taken(), self.window.sent());
        self.window = Window::resumed(self.window.size(), taken, sent);
        self.reservation.shrink(u64::MAX, sent.saturating_sub(self.freed));
    }

    fn grant(&mut self) {
        self.window.grant(self.freed.saturating_add(self.reservation.bytes()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::UploadId;

    use super::*;
    use crate::relay::Budget;

    const KIB: u64 = 1024;

    fn buffer(size: u64, reserved: u64) -> UploadBuffer {
        UploadBuffer::new(size, 2, Budget::new(64 * KIB).try_reserve(reserved).unwrap())
    }

    fn chunk(
        buffer: &UploadBuffer,
        attempt: u32,
        offset: u64,
        len: usize,
    ) -> Result<(), ChunkViolation> {
        let header = ChunkHeader { upload: UploadId(0), attempt: Attempt(attempt), offset };
        let payload = Bytes::from(vec![7; len]);
        buffer.deliver(ChunkPart { header, payload, ends_chunk_of: Some(len as u64) })
    }

    /// A part of a chunk whose end has not arrived.
    fn part(
        buffer: &UploadBuffer,
        attempt: u32,
        offset: u64,
        len: usize,
    ) -> Result<(), ChunkViolation> {
        let header = ChunkHeader { upload: UploadId(0), attempt: Attempt(attempt), offset };
        buffer.deliver(ChunkPart { header, payload: vec![7; len].into(), ends_chunk_of: None })
    }

    #[tokio::test]
    async fn credit_follows_the_freed_bytes() {
        let buffer = buffer(10 * KIB, 2 * KIB);
        assert_eq!(
            buffer.credit(),
            Credit { attempt: Attempt(0), taken: 0, received: 0, limit: 2 * KIB }
        );
        chunk(&buffer, 0, 0, 1024).unwrap();
        let first = buffer.next().await.unwrap();
        buffer.note_taken(512);
        assert_eq!(
            buffer.credit(),
            Credit { attempt: Attempt(0), taken: 512, received: KIB, limit: 2 * KIB }
        );
        buffer.note_taken(512);
        drop(first);
        buffer.release_taken();
        assert_eq!(
            buffer.credit(),
            Credit { attempt: Attempt(0), taken: KIB, received: KIB, limit: 3 * KIB }
        );
    }

    #[test]
    fn chunk_beyond_the_credit_is_a_violation() {
        let buffer = buffer(10 * KIB, KIB);
        assert!(matches!(chunk(&buffer, 0, 0, 1025), Err(ChunkViolation::Flow(_))));
    }

    #[test]
    fn tiny_chunk_is_a_violation_unless_it_ends_the_file() {
        let buffer = buffer(3, KIB);
        assert_eq!(chunk(&buffer, 0, 0, 1), Err(ChunkViolation::TooSmall { len: 1, min: 2 }));
        chunk(&buffer, 0, 0, 2).unwrap();
        chunk(&buffer, 0, 2, 1).unwrap();
        assert_eq!(chunk(&buffer, 0, 3, 0), Err(ChunkViolation::TooSmall { len: 0, min: 2 }));
    }

    #[tokio::test]
    async fn chunk_of_an_earlier_attempt_is_dropped() {
        let buffer = buffer(10 * KIB, 4 * KIB);
        chunk(&buffer, 0, 0, 1024).unwrap();
        buffer.restart_at(0);
        assert_eq!(
            buffer.credit(),
            Credit { attempt: Attempt(1), taken: 0, received: 0, limit: 4 * KIB }
        );
        chunk(&buffer, 0, 1024, 1024).unwrap();
        chunk(&buffer, 1, 0, 100).unwrap();
        assert_eq!(buffer.next().await.unwrap().len(), 100);
        assert_eq!(chunk(&buffer, 2, 0, 100), Err(ChunkViolation::UnknownAttempt));
    }

    #[tokio::test]
    async fn page_on_another_socket_continues_after_the_bytes_that_have_arrived() {
        let buffer = buffer(10 * KIB, 4 * KIB);
        chunk(&buffer, 0, 0, 1024).unwrap();
        buffer.page_returned();
        let credit = Credit { attempt: Attempt(1), taken: 0, received: KIB, limit: 4 * KIB };
        assert_eq!(buffer.credit(), credit);
        chunk(&buffer, 0, 1024, 1024).unwrap();
        chunk(&buffer, 1, 1024, 512).unwrap();
        assert_eq!(
            (buffer.next().await.unwrap().len(), buffer.next().await.unwrap().len()),
            (1024, 512)
        );
    }

    #[tokio::test]
    async fn bytes_of_a_chunk_that_broke_off_count() {
        let buffer = buffer(10 * KIB, 4 * KIB);
        part(&buffer, 0, 0, 1).unwrap();
        buffer.page_returned();
        assert_eq!(buffer.credit().received, 1);
        chunk(&buffer, 1, 1, 1024).unwrap();
        assert_eq!(
            (buffer.next().await.unwrap().len(), buffer.next().await.unwrap().len()),
            (1, 1024)
        );
    }

    #[tokio::test]
    async fn rest_of_a_chunk_is_dropped_when_the_portal_starts_over_in_its_middle() {
        let buffer = buffer(10 * KIB, 4 * KIB);
        part(&buffer, 0, 0, 1024).unwrap();
        buffer.restart_at(512);
        chunk(&buffer, 0, 1024, 1024).unwrap();
        assert!(buffer.is_empty());
        assert_eq!(buffer.credit().received, 512);
    }

    #[test]
    fn credit_and_order_hold_for_each_part_of_a_chunk() {
        let buffer = buffer(10 * KIB, KIB);
        part(&buffer, 0, 0, 1000).unwrap();
        assert!(matches!(part(&buffer, 0, 999, 1), Err(ChunkViolation::Flow(_))));
        assert!(matches!(part(&buffer, 0, 1000, 25), Err(ChunkViolation::Flow(_))));
        assert_eq!(buffer.credit().received, 1000);
    }

    #[tokio::test]
    async fn window_that_returns_bytes_grants_no_less_than_it_has() {
        let budget = Budget::new(64 * KIB);
        let buffer = UploadBuffer::new(100 * KIB, 2, budget.try_reserve(8 * KIB).unwrap());
        chunk(&buffer, 0, 0, 4096).unwrap();
        buffer.next().await.unwrap();
        buffer.note_taken(4096);
        buffer.return_taken(KIB);
        assert_eq!((buffer.credit().limit, buffer.reserved_bytes()), (8 * KIB, 4 * KIB));
        chunk(&buffer, 0, 4096, 4096).unwrap();
        buffer.next().await.unwrap();
        buffer.note_taken(4096);
        buffer.return_taken(KIB);
        assert_eq!((buffer.credit().limit, buffer.reserved_bytes()), (9 * KIB, KIB));
        buffer.release_window();
        assert_eq!(budget.free_bytes(), 64 * KIB);
    }

    #[tokio::test]
    async fn window_of_a_page_that_is_away_shrinks_to_the_bytes_that_have_arrived() {
        let budget = Budget::new(64 * KIB);
        let buffer = UploadBuffer::new(100 * KIB, 2, budget.try_reserve(8 * KIB).unwrap());
        chunk(&buffer, 0, 0, 3 * 1024).unwrap();
        buffer.page_left();
        assert_eq!((budget.free_bytes(), buffer.reserved_bytes()), (61 * KIB, 3 * KIB));
        assert!(!buffer.is_window_exhausted(), "no page is there to send");
        buffer.next().await.unwrap();
        buffer.note_taken(3 * KIB);
        buffer.return_taken(0);
        assert_eq!(budget.free_bytes(), 64 * KIB);
        buffer.page_returned();
        let credit =
            Credit { attempt: Attempt(1), taken: 3 * KIB, received: 3 * KIB, limit: 3 * KIB };
        assert_eq!(buffer.credit(), credit);
        assert!(buffer.is_window_exhausted() && buffer.next().await.is_none());
        buffer.widen(budget.try_reserve(4 * KIB).unwrap());
        assert!(!buffer.is_window_exhausted());
        chunk(&buffer, 1, 3 * KIB, 4 * 1024).unwrap();
    }

    #[tokio::test]
    async fn upload_that_waits_for_a_page_that_was_away_learns_that_the_window_is_exhausted() {
        let buffer = Arc::new(buffer(10 * KIB, 2 * KIB));
        buffer.page_left();
        let shared = Arc::clone(&buffer);
        let waiting = tokio::spawn(async move { shared.next().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        buffer.page_returned();
        assert_eq!(waiting.await.unwrap(), None);
    }

    #[test]
    fn restart_while_the_page_is_away_reserves_nothing() {
        let budget = Budget::new(64 * KIB);
        let buffer = UploadBuffer::new(100 * KIB, 2, budget.try_reserve(8 * KIB).unwrap());
        chunk(&buffer, 0, 0, 3 * 1024).unwrap();
        buffer.page_left();
        buffer.restart_at(0);
        assert_eq!((budget.free_bytes(), buffer.credit().limit), (64 * KIB, 0));
    }

    #[test]
    fn wider_window_grants_more() {
        let budget = Budget::new(64 * KIB);
        let buffer = UploadBuffer::new(10 * KIB, 2, Reservation::default());
        assert_eq!(buffer.credit().limit, 0);
        buffer.widen(budget.try_reserve(20 * KIB).unwrap());
        assert_eq!(buffer.credit().limit, 10 * KIB);
    }
}
