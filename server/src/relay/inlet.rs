//! One upload's bytes between the socket loop and the FTPS data connection.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use protocol::{Attempt, ChunkHeader, Window, flow::FlowError};
use tokio::sync::Notify;

use super::Lease;

/// Where an upload's bytes arrive and wait.
///
/// The socket loop [delivers](Self::deliver), the upload [takes](Self::next). What may wait is
/// what the page was credited, and the credit is what the lease holds: see [`Self::credit`].
#[derive(Debug)]
pub struct Inlet {
    state: Mutex<State>,
    arrived: Notify,
    min_chunk: u64,
}

#[derive(Debug)]
struct State {
    attempt: Attempt,
    window: Window,
    /// The end of the last piece whose memory is free again.
    released: u64,
    lease: Lease,
    pieces: VecDeque<Bytes>,
    /// Whether the page has no socket: then it holds no more of the budget than its bytes take.
    is_away: bool,
}

/// What the page is told: see [`protocol::ServerMessage::Credit`]. The greater of two is the later
/// one: within an attempt, nothing of it goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credit {
    /// The attempt that it is for.
    pub attempt: Attempt,
    /// Bytes that the data connection took.
    pub taken: u64,
    /// Bytes that arrived here, those that the data connection took included.
    pub received: u64,
    /// The offset up to which the page may send.
    pub limit: u64,
}

/// A chunk as far as it has arrived, or what has arrived of it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The chunk's header, but with the offset of this piece.
    pub header: ChunkHeader,
    /// The bytes; the last piece of a chunk may have none.
    pub payload: Bytes,
    /// The length of the chunk's whole payload in bytes, when this is its last piece.
    pub ends_chunk_of: Option<u64>,
}

/// A chunk that the page was not allowed to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It is out of order or beyond the credit.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// It is smaller than a chunk may be that does not end its file.
    #[error("a chunk of {len} bytes is smaller than {min} bytes and does not end its file")]
    TooSmall {
        /// Its payload's length in bytes.
        len: u64,
        /// The least length in bytes.
        min: u64,
    },
    /// It names an attempt that the portal has not begun.
    #[error("a chunk names an attempt that was never asked for")]
    UnknownAttempt,
}

impl Inlet {
    /// The inlet of a file of `size` bytes, with the credit that `lease` allows.
    #[must_use]
    pub fn new(size: u64, min_chunk: u64, lease: Lease) -> Self {
        let mut state = State {
            attempt: Attempt::default(),
            window: Window::new(size),
            released: 0,
            lease,
            pieces: VecDeque::new(),
            is_away: false,
        };
        state.grant();
        Self { state: Mutex::new(state), arrived: Notify::new(), min_chunk }
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.state().window.size()
    }

    /// Bytes of the budget that the window holds.
    pub fn lease_bytes(&self) -> u64 {
        self.state().lease.bytes()
    }

    /// Widens the window.
    pub fn widen(&self, lease: Lease) {
        let mut state = self.state();
        state.lease.merge(lease);
        state.grant();
    }

    /// What the page may be told now.
    pub fn credit(&self) -> Credit {
        let state = self.state();
        Credit {
            attempt: state.attempt,
            taken: state.window.taken(),
            received: state.window.sent(),
            limit: state.window.limit(),
        }
    }

    /// Takes in a piece of a chunk from the page. One of an earlier attempt was under way when the
    /// portal started over, and is dropped.
    ///
    /// # Errors
    /// [`Violation`]: the page broke the protocol.
    pub fn deliver(&self, piece: Piece) -> Result<(), Violation> {
        let Piece { header, payload, ends_chunk_of } = piece;
        let mut state = self.state();
        if header.attempt > state.attempt {
            return Err(Violation::UnknownAttempt);
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
            state.pieces.push_back(payload);
        }
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    fn check_chunk(&self, len: u64, ends_the_file: bool) -> Result<(), Violation> {
        if len == 0 || (len < self.min_chunk && !ends_the_file) {
            return Err(Violation::TooSmall { len, min: self.min_chunk });
        }
        Ok(())
    }

    /// Whether no piece waits.
    pub fn is_empty(&self) -> bool {
        self.state().pieces.is_empty()
    }

    /// The next piece, as soon as it is there; `None` when the page is back and can send nothing,
    /// since its window is [shut](Self::is_shut). One waiter at a time.
    ///
    /// # Cancel safety
    /// Cancel safe: a piece is taken out only when it is returned.
    pub async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.state();
                if let Some(piece) = state.pieces.pop_front() {
                    return Some(piece);
                }
                if self.lets_nothing_in(&state) {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Whether a page that is there may not send the least chunk.
    pub fn is_shut(&self) -> bool {
        self.lets_nothing_in(&self.state())
    }

    fn lets_nothing_in(&self, state: &State) -> bool {
        let window = &state.window;
        let is_too_little = window.sendable() < self.min_chunk && window.limit() < window.size();
        is_too_little && !state.is_away
    }

    /// Whether the page has no socket.
    pub fn is_away(&self) -> bool {
        self.state().is_away
    }

    /// Notes that the data connection took `len` bytes more.
    pub fn took(&self, len: u64) {
        let mut state = self.state();
        let taken = state.window.taken() + len;
        state.window.take(taken);
    }

    /// Notes that all bytes taken so far are out of memory, and grants as many again.
    pub fn release_taken(&self) {
        let mut state = self.state();
        state.released = state.window.taken();
        state.grant();
    }

    /// The same, but what they took of the window goes back to the budget, down to a window of
    /// `least` bytes.
    pub fn give_back_taken(&self, least: u64) {
        let mut state = self.state();
        let taken = state.window.taken();
        let freed = taken - state.released;
        state.lease.give_back(freed, least);
        state.released = taken;
        state.grant();
    }

    /// Every byte was taken: the window is not needed any more.
    pub fn close_window(&self) {
        let mut state = self.state();
        state.released = state.window.taken();
        state.lease = Lease::default();
    }

    /// Starts over at `offset`, under the next attempt.
    pub fn rewind(&self, offset: u64) {
        let mut state = self.state();
        state.attempt = state.attempt.next();
        state.window = Window::starting_at(state.window.size(), offset);
        state.released = state.window.taken();
        state.pieces.clear();
        if state.is_away {
            state.withdraw_credit();
        }
        state.grant();
    }

    /// The page's socket is lost: what it may still send is for others, until it is back.
    pub fn leave(&self) {
        let mut state = self.state();
        state.is_away = true;
        state.withdraw_credit();
    }

    /// The page is back on another socket: what was under way on the one before is lost, and the
    /// page goes on where the portal's bytes end, under the next attempt.
    pub fn resend(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.is_away) {
            // Less than a chunk may have been left of what was granted.
            state.withdraw_credit();
        }
        state.attempt = state.attempt.next();
        drop(state);
        // Whoever waits for bytes has to open the window again.
        self.arrived.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the offsets would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Of the budget stays what the bytes take that have arrived. The limit goes back: the page
    /// hears of it under the next attempt.
    fn withdraw_credit(&mut self) {
        let (taken, sent) = (self.window.taken(), self.window.sent());
        self.window = Window::going_on(self.window.size(), taken, sent);
        self.lease.give_back(u64::MAX, sent.saturating_sub(self.released));
    }

    fn grant(&mut self) {
        self.window.grant(self.released.saturating_add(self.lease.bytes()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::UploadId;

    use super::*;
    use crate::relay::Budget;

    const KIB: u64 = 1024;

    fn inlet(size: u64, lease: u64) -> Inlet {
        Inlet::new(size, 2, Budget::new(64 * KIB).try_lease(lease).unwrap())
    }

    fn chunk(inlet: &Inlet, attempt: u32, offset: u64, len: usize) -> Result<(), Violation> {
        let header = ChunkHeader { upload: UploadId(0), attempt: Attempt(attempt), offset };
        let payload = Bytes::from(vec![7; len]);
        inlet.deliver(Piece { header, payload, ends_chunk_of: Some(len as u64) })
    }

    /// A piece of a chunk whose end has not come.
    fn piece(inlet: &Inlet, attempt: u32, offset: u64, len: usize) -> Result<(), Violation> {
        let header = ChunkHeader { upload: UploadId(0), attempt: Attempt(attempt), offset };
        inlet.deliver(Piece { header, payload: vec![7; len].into(), ends_chunk_of: None })
    }

    #[tokio::test]
    async fn credit_follows_what_left_memory() {
        let inlet = inlet(10 * KIB, 2 * KIB);
        assert_eq!(
            inlet.credit(),
            Credit { attempt: Attempt(0), taken: 0, received: 0, limit: 2 * KIB }
        );
        chunk(&inlet, 0, 0, 1024).unwrap();
        let first = inlet.next().await.unwrap();
        inlet.took(512);
        assert_eq!(
            inlet.credit(),
            Credit { attempt: Attempt(0), taken: 512, received: KIB, limit: 2 * KIB }
        );
        inlet.took(512);
        drop(first);
        inlet.release_taken();
        assert_eq!(
            inlet.credit(),
            Credit { attempt: Attempt(0), taken: KIB, received: KIB, limit: 3 * KIB }
        );
    }

    #[test]
    fn chunk_beyond_the_credit_is_a_violation() {
        let inlet = inlet(10 * KIB, KIB);
        assert!(matches!(chunk(&inlet, 0, 0, 1025), Err(Violation::Flow(_))));
    }

    #[test]
    fn tiny_chunk_is_a_violation_unless_it_ends_the_file() {
        let inlet = inlet(3, KIB);
        assert_eq!(chunk(&inlet, 0, 0, 1), Err(Violation::TooSmall { len: 1, min: 2 }));
        chunk(&inlet, 0, 0, 2).unwrap();
        chunk(&inlet, 0, 2, 1).unwrap();
        assert_eq!(chunk(&inlet, 0, 3, 0), Err(Violation::TooSmall { len: 0, min: 2 }));
    }

    #[tokio::test]
    async fn chunk_of_an_earlier_attempt_is_dropped() {
        let inlet = inlet(10 * KIB, 4 * KIB);
        chunk(&inlet, 0, 0, 1024).unwrap();
        inlet.rewind(0);
        assert_eq!(
            inlet.credit(),
            Credit { attempt: Attempt(1), taken: 0, received: 0, limit: 4 * KIB }
        );
        chunk(&inlet, 0, 1024, 1024).unwrap();
        chunk(&inlet, 1, 0, 100).unwrap();
        assert_eq!(inlet.next().await.unwrap().len(), 100);
        assert_eq!(chunk(&inlet, 2, 0, 100), Err(Violation::UnknownAttempt));
    }

    #[tokio::test]
    async fn page_on_another_socket_goes_on_where_the_portals_bytes_end() {
        let inlet = inlet(10 * KIB, 4 * KIB);
        chunk(&inlet, 0, 0, 1024).unwrap();
        inlet.resend();
        let credit = Credit { attempt: Attempt(1), taken: 0, received: KIB, limit: 4 * KIB };
        assert_eq!(inlet.credit(), credit);
        chunk(&inlet, 0, 1024, 1024).unwrap();
        chunk(&inlet, 1, 1024, 512).unwrap();
        assert_eq!(
            (inlet.next().await.unwrap().len(), inlet.next().await.unwrap().len()),
            (1024, 512)
        );
    }

    #[tokio::test]
    async fn chunk_that_broke_off_counts_as_far_as_it_came() {
        let inlet = inlet(10 * KIB, 4 * KIB);
        piece(&inlet, 0, 0, 1).unwrap();
        inlet.resend();
        assert_eq!(inlet.credit().received, 1);
        chunk(&inlet, 1, 1, 1024).unwrap();
        assert_eq!(
            (inlet.next().await.unwrap().len(), inlet.next().await.unwrap().len()),
            (1, 1024)
        );
    }

    #[tokio::test]
    async fn rest_of_a_chunk_is_dropped_when_the_portal_starts_over_in_its_middle() {
        let inlet = inlet(10 * KIB, 4 * KIB);
        piece(&inlet, 0, 0, 1024).unwrap();
        inlet.rewind(512);
        chunk(&inlet, 0, 1024, 1024).unwrap();
        assert!(inlet.is_empty());
        assert_eq!(inlet.credit().received, 512);
    }

    #[test]
    fn credit_and_order_hold_for_each_piece() {
        let inlet = inlet(10 * KIB, KIB);
        piece(&inlet, 0, 0, 1000).unwrap();
        assert!(matches!(piece(&inlet, 0, 999, 1), Err(Violation::Flow(_))));
        assert!(matches!(piece(&inlet, 0, 1000, 25), Err(Violation::Flow(_))));
        assert_eq!(inlet.credit().received, 1000);
    }

    #[tokio::test]
    async fn window_that_gives_back_grants_no_less_than_it_has() {
        let budget = Budget::new(64 * KIB);
        let inlet = Inlet::new(100 * KIB, 2, budget.try_lease(8 * KIB).unwrap());
        chunk(&inlet, 0, 0, 4096).unwrap();
        inlet.next().await.unwrap();
        inlet.took(4096);
        inlet.give_back_taken(KIB);
        assert_eq!((inlet.credit().limit, inlet.lease_bytes()), (8 * KIB, 4 * KIB));
        chunk(&inlet, 0, 4096, 4096).unwrap();
        inlet.next().await.unwrap();
        inlet.took(4096);
        inlet.give_back_taken(KIB);
        assert_eq!((inlet.credit().limit, inlet.lease_bytes()), (9 * KIB, KIB));
        inlet.close_window();
        assert_eq!(budget.free_bytes(), 64 * KIB);
    }

    #[tokio::test]
    async fn page_that_is_away_holds_what_its_bytes_take() {
        let budget = Budget::new(64 * KIB);
        let inlet = Inlet::new(100 * KIB, 2, budget.try_lease(8 * KIB).unwrap());
        chunk(&inlet, 0, 0, 3 * 1024).unwrap();
        inlet.leave();
        assert_eq!((budget.free_bytes(), inlet.lease_bytes()), (61 * KIB, 3 * KIB));
        assert!(!inlet.is_shut(), "nobody is there to send");
        inlet.next().await.unwrap();
        inlet.took(3 * KIB);
        inlet.give_back_taken(0);
        assert_eq!(budget.free_bytes(), 64 * KIB);
        inlet.resend();
        let credit =
            Credit { attempt: Attempt(1), taken: 3 * KIB, received: 3 * KIB, limit: 3 * KIB };
        assert_eq!(inlet.credit(), credit);
        assert!(inlet.is_shut() && inlet.next().await.is_none());
        inlet.widen(budget.try_lease(4 * KIB).unwrap());
        assert!(!inlet.is_shut());
        chunk(&inlet, 1, 3 * KIB, 4 * 1024).unwrap();
    }

    #[tokio::test]
    async fn who_waits_for_bytes_of_a_page_that_was_away_hears_that_its_window_is_shut() {
        let inlet = Arc::new(inlet(10 * KIB, 2 * KIB));
        inlet.leave();
        let waits = Arc::clone(&inlet);
        let waiting = tokio::spawn(async move { waits.next().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        inlet.resend();
        assert_eq!(waiting.await.unwrap(), None);
    }

    #[test]
    fn start_over_while_the_page_is_away_takes_nothing_of_the_budget() {
        let budget = Budget::new(64 * KIB);
        let inlet = Inlet::new(100 * KIB, 2, budget.try_lease(8 * KIB).unwrap());
        chunk(&inlet, 0, 0, 3 * 1024).unwrap();
        inlet.leave();
        inlet.rewind(0);
        assert_eq!((budget.free_bytes(), inlet.credit().limit), (64 * KIB, 0));
    }

    #[test]
    fn wider_window_grants_more() {
        let budget = Budget::new(64 * KIB);
        let inlet = Inlet::new(10 * KIB, 2, Lease::default());
        assert_eq!(inlet.credit().limit, 0);
        inlet.widen(budget.try_lease(20 * KIB).unwrap());
        assert_eq!(inlet.credit().limit, 10 * KIB);
    }
}
