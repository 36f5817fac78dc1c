//! The bytes of one upload for the engine, and the window that the page sends them in.

use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::Attempt;

use super::{Budget, Credit, UploadBuffer};
use crate::settings::Settings;

/// The interval in which a slow upload reports its progress to the page.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// The first window is this fraction of the widest one.
const FIRST_WINDOW_DIVISOR: u64 = 8;

/// Sends the credit of one upload to the page.
pub trait CreditSink {
    /// Sends a credit; a later one replaces it.
    fn send_credit(&self, credit: Credit);
}

/// No bytes arrive that the engine could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageSourceError {
    /// All of the budget is in use, and no upload returns any of it.
    #[error("the memory for uploads was full for {}", humantime::format_duration(*.0))]
    BudgetExhausted(Duration),
    /// The page has stopped sending.
    #[error("the page sent nothing for {}", humantime::format_duration(*.0))]
    PageSilent(Duration),
}

/// The bytes that the page sends of one upload.
#[derive(Debug)]
pub struct PageSource<'a, S> {
    buffer: &'a UploadBuffer,
    budget: &'a Budget,
    settings: &'a Settings,
    credits: S,
    pace: CreditPace,
    /// The end of the bytes that the data connection has taken, as an offset in the file.
    taken: u64,
}

impl<'a, S: CreditSink> PageSource<'a, S> {
    /// Creates the source of the bytes that arrive in `buffer`.
    pub fn new(
        buffer: &'a UploadBuffer,
        budget: &'a Budget,
        settings: &'a Settings,
        credits: S,
    ) -> Self {
        let pace = CreditPace::new(settings, buffer);
        Self { buffer, budget, settings, credits, pace, taken: 0 }
    }

    /// Opens the first window. It grows as the page uses it, so that a page that sends nothing
    /// holds little of the budget.
    ///
    /// # Errors
    /// [`PageSourceError::BudgetExhausted`].
    pub async fn open_window(&self) -> Result<(), PageSourceError> {
        if self.buffer.is_page_away() {
            // The window opens when the page is back.
            return Ok(());
        }
        let first =
            (self.settings.window.0 / FIRST_WINDOW_DIVISOR).max(self.settings.ahead_window.0);
        let wanted = self.buffer.size().min(first).saturating_sub(self.buffer.reserved_bytes());
        if wanted == 0 {
            return Ok(());
        }
        let reservation = match self.budget.try_reserve(wanted) {
            Some(reservation) => reservation,
            // An upload that has a window does not wait for a wider one: all uploads could wait for
            // each other. It widens the window later, while it sends.
            None if !self.buffer.is_window_exhausted() => return Ok(()),
            // When little is left, any window will do.
            None => {
                let least = self.budget.reserve(wanted.min(self.settings.ahead_window.0));
                let limit = self.settings.page_chunk_timeout;
                let reserved = tokio::time::timeout(limit, least).await;
                reserved.map_err(|_| PageSourceError::BudgetExhausted(limit))?
            }
        };
        self.buffer.widen(reservation);
        self.announce();
        Ok(())
    }

    /// Waits for the next bytes of the file.
    ///
    /// # Errors
    /// [`PageSourceError`].
    pub async fn next(&mut self) -> Result<Bytes, PageSourceError> {
        // The engine asks for more when it has freed the earlier bytes.
        self.reuse_freed_bytes();
        let limit = self.settings.page_chunk_timeout;
        loop {
            self.reopen_window().await?;
            self.announce_if_due();
            let bytes = tokio::time::timeout(limit, self.buffer.next()).await;
            if let Some(bytes) = bytes.map_err(|_| PageSourceError::PageSilent(limit))? {
                return Ok(bytes);
            }
        }
    }

    /// Requests the bytes from `offset` on, under the next attempt.
    ///
    /// # Errors
    /// [`PageSourceError::BudgetExhausted`].
    pub async fn seek(&mut self, offset: u64) -> Result<(), PageSourceError> {
        self.buffer.restart_at(offset);
        self.taken = offset;
        self.pace = CreditPace::new(self.settings, self.buffer);
        if !self.reopen_window().await? {
            self.announce();
        }
        Ok(())
    }

    /// Notes that the data connection has taken all bytes before `offset`. Returns how many bytes were
    /// taken since the last call.
    pub fn note_taken(&mut self, offset: u64) -> u64 {
        let taken = offset - self.taken;
        self.buffer.note_taken(taken);
        self.taken = offset;
        if self.pace.mark_sent_if_due(self.buffer.credit()) {
            self.announce();
        }
        taken
    }

    /// Returns the window to the budget: all bytes were taken.
    pub fn release_window(&self) {
        self.buffer.release_window();
        self.announce();
    }

    /// Opens the window where the page may send nothing: when a resumed upload starts, or a page
    /// has come back. Returns whether it did; then the credit was sent too.
    async fn reopen_window(&self) -> Result<bool, PageSourceError> {
        let is_exhausted = self.buffer.is_window_exhausted();
        if is_exhausted {
            self.open_window().await?;
        }
        Ok(is_exhausted)
    }

    /// Grants the freed bytes again, and widens the window while half of the budget is free: later
    /// uploads find room even if every page is suspended with its widest window. While
    /// another upload waits for the budget, or the page is away, the bytes return to the budget.
    fn reuse_freed_bytes(&self) {
        if self.buffer.is_page_away() {
            return self.buffer.return_taken(0);
        }
        if self.budget.has_waiters() {
            return self.buffer.return_taken(self.settings.ahead_window.0);
        }
        self.buffer.release_taken();
        let reserved = self.buffer.reserved_bytes();
        let missing = self.buffer.size().saturating_sub(self.taken);
        let widest = missing.min(self.settings.window.0);
        let wanted = widest.min(reserved * 2).saturating_sub(reserved);
        if wanted > 0
            && let Some(reservation) = self.budget.try_reserve_spare(wanted)
        {
            self.buffer.widen(reservation);
        }
    }

    fn announce_if_due(&mut self) {
        let credit = self.buffer.credit();
        // An empty buffer means that the page may wait for exactly this credit.
        let is_needed = self.buffer.is_empty() && self.pace.mark_sent_if_greater(credit);
        if is_needed || self.pace.mark_sent_if_due(credit) {
            self.announce();
        }
    }

    fn announce(&self) {
        self.credits.send_credit(self.buffer.credit());
    }
}

/// Decides when a credit is sent: when a good part of the window is free again, and often enough
/// that the user sees progress.
#[derive(Debug)]
struct CreditPace {
    /// A credit is sent when so many bytes are free again.
    step: u64,
    last: SentCredit,
}

/// The credit that was sent last.
#[derive(Debug)]
struct SentCredit {
    attempt: Attempt,
    limit: u64,
    taken: u64,
    at: Instant,
}

impl SentCredit {
    fn now(credit: Credit) -> Self {
        let Credit { attempt, limit, taken, .. } = credit;
        Self { attempt, limit, taken, at: Instant::now() }
    }
}

impl CreditPace {
    fn new(settings: &Settings, buffer: &UploadBuffer) -> Self {
        Self { step: settings.window.0 / 8, last: SentCredit::now(buffer.credit()) }
    }

    /// Returns whether the credit is greater than the one that was sent last, and counts it as sent.
    fn mark_sent_if_greater(&mut self, credit: Credit) -> bool {
        let is_greater = credit.attempt > self.last.attempt
            || credit.limit > self.last.limit
            || credit.taken > self.last.taken;
        if is_greater {
            self.last = SentCredit::now(credit);
        }
        is_greater
    }

    /// Returns whether it is time to send a credit, and counts it as sent.
    fn mark_sent_if_due(&mut self, credit: Credit) -> bool {
        let widened = credit.limit.saturating_sub(self.last.limit);
        let is_time = widened >= self.step || self.last.at.elapsed() >= PROGRESS_INTERVAL;
        is_time && self.mark_sent_if_greater(credit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_sent_when_a_part_of_the_window_is_free() {
        let settings = Settings::defaults().unwrap();
        let window = settings.window.0;
        let reservation = Budget::new(window).try_reserve(window).unwrap();
        let buffer = UploadBuffer::new(1 << 30, 1, reservation);
        let mut pace = CreditPace::new(&settings, &buffer);
        let credit = |taken: u64| Credit {
            attempt: Attempt(0),
            taken,
            received: taken,
            limit: window + taken,
        };
        assert!(!pace.mark_sent_if_due(credit(1)));
        assert!(pace.mark_sent_if_due(credit(window / 8)));
        assert!(!pace.mark_sent_if_due(credit(window / 8 + 1)));
        assert!(
            pace.mark_sent_if_greater(credit(window / 8 + 1)),
            "and before the upload waits for the page"
        );
        assert!(!pace.mark_sent_if_greater(credit(window / 8 + 1)));
    }
}
