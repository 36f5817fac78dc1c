//! The outcome of a check, for people and for programs.

use std::fmt;

use serde::Serialize;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Name and port.
    Connection,
    /// The certificate and the TLS version.
    Tls,
    /// That a portal answers.
    Portal,
    /// That the page may open sessions, and pages of other origins may not.
    Origin,
    /// The WebSocket.
    WebSocket,
    /// The address of the client.
    Client,
    /// That answers are passed on as they come.
    Stream,
    /// That an idle WebSocket stays open.
    Idle,
}

/// How grave a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing to do.
    Ok,
    /// The portal works, but not as it should.
    Warning,
    /// The portal does not work.
    Problem,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was checked.
    pub subject: Checked,
    /// How grave it is.
    pub state: State,
    /// What was found, in one sentence.
    pub sentence: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub(super) fn ok(subject: Checked, sentence: impl Into<String>) -> Self {
        Self { subject, state: State::Ok, sentence: sentence.into(), remedy: None }
    }

    /// The portal works, but not as it should.
    pub(super) fn warning(
        subject: Checked,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { subject, state: State::Warning, sentence: sentence.into(), remedy }
    }

    /// The portal does not work.
    pub(super) fn problem(
        subject: Checked,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { subject, state: State::Problem, sentence: sentence.into(), remedy }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connection => "connection",
            Self::Tls => "TLS",
            Self::Portal => "portal",
            Self::Origin => "origin",
            Self::WebSocket => "WebSocket",
            Self::Client => "client",
            Self::Stream => "stream",
            Self::Idle => "idle",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, state, sentence, remedy } = self;
        write!(f, "{state:<8} {subject:<11} {sentence}")?;
        match remedy {
            Some(remedy) => write!(f, "\n{:<20} hint: {remedy}", ""),
            None => Ok(()),
        }
    }
}

/// All verdicts of a check, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report(pub Vec<Verdict>);

impl Report {
    /// Returns the gravest state.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.iter().map(|verdict| verdict.state).max().unwrap_or(State::Ok)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|verdict| writeln!(f, "{verdict}"))
    }
}
