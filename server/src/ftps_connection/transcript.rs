//! The engine's transcript as lines of the session log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ftps::{Connection, Event, EventKind, LogExplainer, Stage, Transcript};
use protocol::{ServerMessage, server::DataTls};

use crate::{
    convert,
    locking::lock,
    metrics::Metrics,
    outbox::{Outbox, OutgoingLine},
};

/// The most FTPS sessions whose replies are explained by the commands that they answer. Beyond it
/// the oldest are forgotten; they have ended long before.
const MAX_EXPLAINERS: usize = 64;

/// Creates a transcript that adds its events to the session log, and sends the page the stages of
/// connecting and the TLS facts of data connections. `metrics` get the durations of the stages.
#[must_use]
pub(super) fn transcript(outbox: Outbox, metrics: Arc<Metrics>) -> Transcript {
    let explainers = LogExplainers::default();
    let clock = StageClock::default();
    Transcript::new(move |event| {
        // Before any event is left out: an explainer needs all of them.
        let explanation = explainers.explain(&event);
        if let EventKind::Stage(stage) = &event.kind {
            if let Some((ended, time)) = clock.begin(event.session, *stage, Instant::now()) {
                metrics.stage_took(convert::stage(ended), time);
            }
            // After the login, the commands and replies themselves show the stage.
            if *stage > Stage::Setup {
                return;
            }
            outbox.send_lossy(ServerMessage::Connecting { stage: convert::stage(*stage) });
            // The next event names the address.
            if *stage == Stage::Connect {
                return;
            }
        }
        if let (EventKind::Tls(facts), Connection::Data(_)) = (&event.kind, event.connection) {
            outbox.data_tls(DataTls { tls: convert::tls(facts), connection: event.session });
        }
        outbox.log(OutgoingLine {
            connection: event.session,
            explanation,
            kind: convert::log_kind(event.line_kind()),
            text: event.to_string(),
        });
    })
}

/// The stage that each FTPS session of a connection is in, and its begin.
#[derive(Debug, Default)]
struct StageClock(Mutex<BTreeMap<Option<u32>, (Stage, Instant)>>);

impl StageClock {
    /// Notes the begin of a stage. Returns the stage that ended with it and its duration. After a stage
    /// that ends with the session at work, what follows may be idle time: that is no duration.
    fn begin(&self, session: Option<u32>, stage: Stage, now: Instant) -> Option<(Stage, Duration)> {
        let mut stages = lock(&self.0);
        let earlier = stages.insert(session, (stage, now));
        while stages.len() > MAX_EXPLAINERS {
            stages.pop_first();
        }
        let (ended, begun) = earlier?;
        let is_measured = ended < Stage::Setup || ended == Stage::DataConnection;
        is_measured.then(|| (ended, now.duration_since(begun)))
    }
}

/// One explainer for each FTPS session of a connection.
#[derive(Debug, Default)]
struct LogExplainers(Mutex<BTreeMap<u32, LogExplainer>>);

impl LogExplainers {
    /// Returns the number of the explanation of an event; `None` where the event needs none.
    fn explain(&self, event: &Event) -> Option<u16> {
        let Some(session) = event.session else {
            return ftps::Explanation::of(event).map(ftps::Explanation::number);
        };
        let mut explainers = lock(&self.0);
        let explanation = explainers.entry(session).or_default().explain(event);
        while explainers.len() > MAX_EXPLAINERS {
            explainers.pop_first();
        }
        explanation.map(ftps::Explanation::number)
    }
}

#[cfg(test)]
mod tests {
    use ftps::Status;

    use super::*;

    fn connecting(session: u32) -> Event {
        let kind = Status::TryingAuthSsl.into();
        Event { session: Some(session), connection: Connection::Control, kind }
    }

    #[test]
    fn numbers_are_those_of_the_engines_explanations() {
        let explainers = LogExplainers::default();
        let number = explainers.explain(&connecting(1)).unwrap();
        let explanation = ftps::Explanation::ALL.get(usize::from(number)).unwrap();
        assert_eq!(*explanation, ftps::Explanation::StatusTryingAuthSsl);
        let of_none = Event { session: None, ..connecting(1) };
        assert_eq!(explainers.explain(&of_none), Some(number));
    }

    #[test]
    fn stage_ends_with_the_begin_of_the_next_one_of_its_session() {
        let clock = StageClock::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(clock.begin(Some(1), Stage::Connect, start), None);
        assert_eq!(clock.begin(Some(2), Stage::Connect, after(1)), None);
        let connect = (Stage::Connect, Duration::from_secs(2));
        assert_eq!(clock.begin(Some(1), Stage::Greeting, after(2)), Some(connect));
        clock.begin(Some(1), Stage::Setup, after(3));
        assert_eq!(clock.begin(Some(1), Stage::List, after(60)), None, "it was idle");
    }

    #[test]
    fn sessions_that_ended_long_ago_are_forgotten() {
        let explainers = LogExplainers::default();
        for session in 0..1000 {
            assert!(explainers.explain(&connecting(session)).is_some());
        }
        assert_eq!(explainers.0.lock().unwrap().len(), MAX_EXPLAINERS);
    }
}
