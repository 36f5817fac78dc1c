//! What a session does that a restart of the portal should not interrupt.

use std::sync::Arc;

use tokio::sync::watch;

/// The uploads and requests of a session that have started and have not ended; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<watch::Sender<usize>>);

/// One upload or request, until this is dropped.
#[derive(Debug)]
pub struct Started(UnderWay);

impl UnderWay {
    /// Counts an upload or a request that starts.
    #[must_use]
    pub fn start(&self) -> Started {
        self.0.send_modify(|number| *number += 1);
        Started(self.clone())
    }

    /// Waits until there is none.
    pub async fn none(&self) {
        let mut number = self.0.subscribe();
        // The sender lives as long as this does.
        let _never_closed = number.wait_for(|number| *number == 0).await;
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.0.0.send_modify(|number| *number -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn all_that_started_is_waited_for() {
        let under_way = UnderWay::default();
        assert!(under_way.none().now_or_never().is_some());
        let (upload, request) = (under_way.start(), under_way.start());
        drop(upload);
        assert!(under_way.none().now_or_never().is_none());
        drop(request);
        assert!(under_way.none().now_or_never().is_some());
    }
}
