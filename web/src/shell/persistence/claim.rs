//! Finds the saved queue that belongs to this tab.
//!
//! The page of a queue holds its lock. A new tab claims a queue whose lock is free: uploads survive
//! a crash of the browser. A duplicated tab finds the lock taken and starts an empty queue. Without
//! locks, over plain HTTP, a page continues the queue of its tab if the page before was left or
//! reloaded, which excludes that the tab was duplicated.

use std::time::Duration;

use js_sys::{Math, Reflect};
use web_sys::Window;

use super::tab;
use crate::shell::{
    database::Database,
    dom::{Dom, Exception},
    locks::{self, LockState},
};

/// The prefix of a queue's name in the name of its lock.
const LOCK_PREFIX: &str = "ferryport-queue-";
/// Requests for the lock of the tab's queue: the page before a reload may hold it a moment longer.
const LOCK_ATTEMPTS: u32 = 5;
/// The pause between two requests.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// A queue that this page may write.
pub(super) struct Claim {
    pub(super) queue: String,
    /// Whether it is the queue that the tab had before a reload.
    pub(super) is_own: bool,
}

/// Claims the tab's own queue, else one without a page, else a new one.
pub(super) async fn claim(
    dom: &Dom,
    database: &Database,
    own: Option<&str>,
) -> Result<Claim, Exception> {
    if let Some(queue) = own
        && claim_own(dom, queue).await
    {
        return Ok(Claim { queue: queue.to_owned(), is_own: true });
    }
    for queue in database.queues().await? {
        // Without locks another tab may be using the queue: leave it alone.
        if locks::request(&dom.window, &lock_name(&queue)).await == LockState::Held {
            let is_own = own == Some(&*queue);
            return Ok(Claim { queue, is_own });
        }
    }
    let queue = new_name();
    locks::request(&dom.window, &lock_name(&queue)).await;
    Ok(Claim { queue, is_own: false })
}

async fn claim_own(dom: &Dom, queue: &str) -> bool {
    for attempt in 0..LOCK_ATTEMPTS {
        if attempt > 0 {
            dom.sleep(LOCK_PAUSE).await;
        }
        match locks::request(&dom.window, &lock_name(queue)).await {
            LockState::Held => return true,
            // The session storage of a duplicated tab is a copy: the queue may be in use.
            LockState::Unknown => {
                return tab::was_left(&dom.window, queue) || was_reloaded(&dom.window);
            }
            LockState::Taken => {}
        }
    }
    false
}

/// Whether the page was reloaded in its tab, which excludes that the tab was duplicated.
fn was_reloaded(window: &Window) -> bool {
    let entries = window.performance().map(|clock| clock.get_entries_by_type("navigation"));
    let navigation = entries.map(|entries| entries.get(0)).unwrap_or_default();
    let kind = Reflect::get(&navigation, &"type".into()).ok().and_then(|kind| kind.as_string());
    kind.as_deref() == Some("reload")
}

/// Returns a random name that ends in the time.
fn new_name() -> String {
    let letters: String = (0..4).map(|_| char::from(b'a' + random_below(26))).collect();
    format!("{letters}{}", millis(js_sys::Date::now()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since 1970")]
fn millis(now: f64) -> u64 {
    now as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a small bound")]
fn random_below(bound: u8) -> u8 {
    (Math::random() * f64::from(bound)) as u8
}

fn lock_name(queue: &str) -> String {
    format!("{LOCK_PREFIX}{queue}")
}
