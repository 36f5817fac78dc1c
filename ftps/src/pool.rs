//! Several sessions to one server for one login: as many as help, and as the server takes.
//!
//! A session opens when an upload needs it and none is free. Their number grows while the
//! throughput grows with it, and shrinks when the server says that it has enough.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use self::growth::Growth;
use crate::{
    config::Sessions,
    connect::Connector,
    error::Error,
    line::Line,
    profile::{MaxSessions, SharedProfile},
};

mod growth;
mod meter;

pub(crate) use self::meter::Meter;

/// Several sessions to one server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// A line that was taken out of a pool; it returns when it is dropped.
#[derive(Debug)]
pub struct Lease {
    line: Option<Line>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connector: Connector,
    sessions: Sessions,
    meter: Arc<Meter>,
    state: Mutex<State>,
    /// A line came back, or more may be taken out.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Lines with a session, the one that was used last on top.
    idle: Vec<Line>,
    /// Lines that are taken out.
    leased: u32,
    growth: Growth,
    is_closed: bool,
}

/// The pool that a line belongs to, if it belongs to one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner(Weak<Shared>);

/// What a line is taken out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Upload,
    Errand,
}

impl Pool {
    /// A pool that opens no session yet. All of them log in as `connector` does, and share what
    /// is learned about the host.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        let sessions = connector.config().sessions;
        let known = connector.shared_profile().get().max_sessions;
        let known = known.filter(|known| known.at.elapsed() < sessions.recheck);
        let state = State {
            idle: Vec::new(),
            leased: 0,
            growth: Growth::new(sessions, known.map(|known| known.count), Instant::now()),
            is_closed: false,
        };
        let shared = Shared {
            connector,
            sessions,
            meter: Arc::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A line for an upload, as soon as one may be used.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn lease(&self) -> Lease {
        self.take(Purpose::Upload).await
    }

    /// A line for something short that somebody waits for, beside the uploads where the server
    /// takes one session more.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn lease_for_errand(&self) -> Lease {
        self.take(Purpose::Errand).await
    }

    /// How many sessions may be open for uploads now.
    #[must_use]
    pub fn allowed(&self) -> u32 {
        self.shared.state().growth.allowed()
    }

    /// What is known about the host.
    #[must_use]
    pub fn profile(&self) -> &SharedProfile {
        self.shared.connector.shared_profile()
    }

    /// Logs out of every session that is not taken out; those return to nothing.
    pub async fn close(&self) {
        let idle = {
            let mut state = self.shared.state();
            state.is_closed = true;
            std::mem::take(&mut state.idle)
        };
        for line in idle {
            line.quit().await;
        }
    }

    async fn take(&self, purpose: Purpose) -> Lease {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(line) = self.shared.try_take(purpose) {
                return Lease { line: Some(line), shared: Arc::clone(&self.shared) };
            }
            // Whether more sessions help is looked at now and then.
            let _looked_again = timeout(self.shared.sessions.window, changed).await;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the numbers would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(self: &Arc<Self>, purpose: Purpose) -> Option<Line> {
        let mut state = self.state();
        self.look_at(&mut state);
        let allowed = match purpose {
            Purpose::Upload => state.growth.allowed(),
            Purpose::Errand => state.growth.with_errands(),
        };
        if state.leased >= allowed {
            return None;
        }
        state.leased += 1;
        let line = state.idle.pop();
        Some(line.unwrap_or_else(|| {
            let owner = Owner(Arc::downgrade(self));
            Line::new(self.connector.clone()).of_pool(owner, Arc::clone(&self.meter))
        }))
    }

    /// The server takes no more sessions. Those that nobody uses make room: whoever was refused
    /// tries again, and would wait for them in vain.
    fn make_room(&self) {
        let mut state = self.state();
        let (leased, now) = (state.leased, Instant::now());
        state.growth.refused(leased, now);
        let known = MaxSessions { count: state.growth.allowed(), at: now };
        self.connector.shared_profile().update(|profile| profile.max_sessions = Some(known));
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    /// Lets the number of sessions follow what was measured.
    fn look_at(&self, state: &mut State) {
        let is_full = state.leased >= state.growth.allowed();
        let (bytes, files) = self.meter.totals();
        state.growth.observe(Instant::now(), bytes, files, is_full);
    }

    fn take_back(&self, line: Line) {
        let mut state = self.state();
        self.look_at(&mut state);
        state.leased = state.leased.saturating_sub(1);
        let open = state.leased + u32::try_from(state.idle.len()).unwrap_or(u32::MAX);
        let is_wanted = !state.is_closed && line.is_usable() && open < state.growth.with_errands();
        if is_wanted {
            state.idle.push(line);
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl Owner {
    /// The server refused the line a session because there are too many.
    pub(crate) fn make_room(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.make_room();
        }
    }
}

impl Lease {
    /// Whether more lines are taken out than the server takes sessions: who has something else to
    /// bring should give this one back first.
    #[must_use]
    pub fn is_surplus(&self) -> bool {
        let mut state = self.shared.state();
        self.shared.look_at(&mut state);
        state.leased > state.growth.with_errands()
    }

    /// Connects, if that was not done yet.
    ///
    /// # Errors
    /// As [`Line::client`].
    ///
    /// # Cancel safety
    /// As [`Line::client`].
    pub async fn connect(&mut self) -> Result<(), Error> {
        self.client().await.map(drop)
    }
}

impl Deref for Lease {
    type Target = Line;

    #[expect(clippy::expect_used, reason = "only `drop` takes the line out")]
    fn deref(&self) -> &Line {
        self.line.as_ref().expect("a lease has its line")
    }
}

impl DerefMut for Lease {
    #[expect(clippy::expect_used, reason = "only `drop` takes the line out")]
    fn deref_mut(&mut self) -> &mut Line {
        self.line.as_mut().expect("a lease has its line")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.shared.take_back(line);
        }
    }
}
