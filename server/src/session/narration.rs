//! What each line of the session log means, as a number.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ftps::{Event, LogExplainer};

/// The most FTPS sessions whose replies are explained by the commands that they answer; beyond it
/// the oldest are forgotten, which have ended long before.
const MAX_NARRATORS: usize = 64;

/// One narrator for each FTPS session of a link.
#[derive(Debug, Default)]
pub struct LogExplainers(Mutex<BTreeMap<u32, LogExplainer>>);

impl LogExplainers {
    /// The number of what an event means; `None` where it speaks for itself.
    #[must_use]
    pub fn explain(&self, event: &Event) -> Option<u16> {
        let Some(session) = event.session else {
            return event.explanation().map(ftps::Explanation::number);
        };
        // Whole after a panic too.
        let mut narrators = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let explanation = narrators.entry(session).or_default().explain(event);
        while narrators.len() > MAX_NARRATORS {
            narrators.pop_first();
        }
        explanation.map(ftps::Explanation::number)
    }
}

#[cfg(test)]
mod tests {
    use ftps::{Connection, Language, Status};

    use super::*;

    fn connecting(session: u32) -> Event {
        let kind = Status::TryingAuthSsl.into();
        Event { session: Some(session), connection: Connection::Control, kind }
    }

    #[test]
    fn numbers_are_those_of_the_engines_list() {
        let narration = LogExplainers::default();
        let number = narration.explain(&connecting(1)).unwrap();
        let told = ftps::Explanation::all().nth(usize::from(number)).unwrap();
        assert!(told.text(Language::English).contains("older name"), "{told:?}");
        let of_none = Event { session: None, ..connecting(1) };
        assert_eq!(narration.explain(&of_none), Some(number));
    }

    #[test]
    fn sessions_that_ended_long_ago_are_forgotten() {
        let narration = LogExplainers::default();
        for session in 0..1000 {
            assert!(narration.explain(&connecting(session)).is_some());
        }
        assert_eq!(narration.0.lock().unwrap().len(), MAX_NARRATORS);
    }
}
