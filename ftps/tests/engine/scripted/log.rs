//! The transcript that a client wrote during a test.

use std::sync::{Arc, Mutex};

use ftps::Transcript;

/// Collects the lines of a transcript.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<NumberedLine>>>);

/// The number of a session and a line of it.
type NumberedLine = (Option<u32>, String);

impl Log {
    pub(crate) fn transcript(&self) -> Transcript {
        let lines = Arc::clone(&self.0);
        Transcript::new(move |event| {
            // The Debug form is kept too: it must not hold a secret either.
            let line = format!("{:?}: {event} {{{event:?}}}", event.line_kind());
            lines.lock().unwrap().push((event.session, line));
        })
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap();
        lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Returns the session of each line that contains a text.
    pub(crate) fn sessions_with(&self, needle: &str) -> Vec<Option<u32>> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|(_, line)| line.contains(needle)).map(|(of, _)| *of).collect()
    }

    pub(crate) fn has(&self, needle: &str) -> bool {
        self.count(needle) > 0
    }

    pub(crate) fn count(&self, needle: &str) -> usize {
        self.sessions_with(needle).len()
    }

    /// Fails unless a line contains the text.
    #[track_caller]
    pub(crate) fn must_have(&self, needle: &str) {
        assert!(self.has(needle), "{needle:?} is missing in\n{}", self.text());
    }
}
