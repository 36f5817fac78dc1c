//! A session from its first socket to its end.
//!
//! The story, in order: a socket takes its turn, and an earlier one lets go; when the page is away,
//! the session waits for it, and what is under way goes on with what it has; then it ends, what the
//! server holds of its uploads is kept, and nothing of it stays behind.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as TurnMutex, OwnedMutexGuard, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    conversation::Conversation,
    outbox::{LogLimits, Outbox, OutboxLimits},
};
use crate::{portal::Portal, settings::Settings};

/// One page's session.
#[derive(Debug)]
pub struct Session {
    name: String,
    outbox: Outbox,
    /// Held by the socket whose turn it is.
    conversation: Arc<TurnMutex<Conversation>>,
    /// Cancelled when another socket takes the turn.
    let_go: Mutex<CancellationToken>,
    page: watch::Sender<Page>,
    over: CancellationToken,
    why: OnceLock<Over>,
}

/// Whether the page is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Here,
    /// It may come back; since then.
    Away(Instant),
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// The page said goodbye.
    #[error("the page said goodbye")]
    Left,
    /// It broke the protocol.
    #[error("the page broke the protocol")]
    ProtocolViolation,
    /// It does not hear what is said.
    #[error("the page does not hear")]
    Deaf,
    /// It went away, and there is nothing that it could come back to.
    #[error("the page went away, and nothing is left for it")]
    NothingLeft,
    /// It went away and did not come back.
    #[error("the page was away for {}", humantime::format_duration(*.0))]
    Absent(Duration),
    /// It is too old.
    #[error("the session reached its longest life of {}", humantime::format_duration(*.0))]
    Lifetime(Duration),
    /// The portal ends.
    #[error("the portal is shutting down")]
    Shutdown,
}

/// The turn of one socket: until it is dropped, no other one has the conversation.
#[derive(Debug)]
pub struct Turn {
    session: Arc<Session>,
    /// What the page's messages set in motion.
    pub conversation: OwnedMutexGuard<Conversation>,
    /// Cancelled when the page has come back on another socket.
    pub let_go: CancellationToken,
}

impl Session {
    /// A session whose page has not come yet, and the task that ends it.
    #[must_use]
    pub fn begin(name: String, portal: &Arc<Portal>) -> Arc<Self> {
        let outbox = Outbox::new(outbox_limits(&portal.settings));
        let conversation = Conversation::new(Arc::clone(portal), outbox.clone());
        let session = Arc::new(Self {
            name,
            outbox,
            conversation: Arc::new(TurnMutex::new(conversation)),
            let_go: Mutex::default(),
            page: watch::Sender::new(Page::Away(Instant::now())),
            over: CancellationToken::new(),
            why: OnceLock::new(),
        });
        portal.tasks.spawn(Arc::clone(&session).live(Arc::clone(portal)));
        session
    }

    /// The session's name: it may be logged.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The way to the page.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes the turn for a socket; an earlier one lets go of it.
    pub async fn take_turn(self: &Arc<Self>) -> Turn {
        let let_go = CancellationToken::new();
        {
            let mut current = self.let_go.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, let_go.clone()).cancel();
        }
        let conversation = Arc::clone(&self.conversation).lock_owned().await;
        self.page.send_replace(Page::Here);
        Turn { session: Arc::clone(self), conversation, let_go }
    }

    /// Ends it, for the first reason that is given.
    pub fn end(&self, why: Over) {
        let _earlier = self.why.set(why);
        self.over.cancel();
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Resolves when it is over.
    pub async fn over(&self) -> Over {
        self.over.cancelled().await;
        self.why.get().copied().unwrap_or(Over::NothingLeft)
    }

    async fn live(self: Arc<Self>, portal: Arc<Portal>) {
        let settings = &portal.settings;
        let why = tokio::select! {
            why = self.over() => why,
            () = self.away_for(settings.session_grace) => Over::Absent(settings.session_grace),
            () = sleep(settings.session_lifetime) => Over::Lifetime(settings.session_lifetime),
            () = portal.shutdown.cancelled() => Over::Shutdown,
        };
        self.end(why);
        self.outbox.close();
        self.conversation.lock().await.close().await;
        portal.sessions.remove(&self.name);
        tracing::info!(session = self.name, reason = %why, "session ended");
    }

    /// Resolves when the page was away for so long, or went where there is nothing to come back to.
    async fn away_for(&self, grace: Duration) {
        let mut page = self.page.subscribe();
        loop {
            let now = *page.borrow_and_update();
            let too_long = async {
                match now {
                    Page::Here => std::future::pending().await,
                    Page::Away(since) => sleep_until(since + grace).await,
                }
            };
            tokio::select! {
                () = too_long => return,
                _never_closed = page.changed() => {}
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // One that was taken over has a page, and what the page has not heard is kept for it.
        let is_worth_the_wait = self.let_go.is_cancelled()
            || self.conversation.has_link()
            || self.session.outbox.has_unheard();
        if is_worth_the_wait {
            self.conversation.page_left();
            self.session.page.send_replace(Page::Away(Instant::now()));
        } else {
            self.session.end(Over::NothingLeft);
        }
    }
}

fn outbox_limits(settings: &Settings) -> OutboxLimits {
    OutboxLimits {
        unheard_bytes: settings.max_unheard.as_usize(),
        log: LogLimits {
            lines: settings.max_log_lines as usize,
            bytes: settings.max_log.as_usize(),
        },
    }
}
