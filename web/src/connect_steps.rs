//! The steps of connecting: which are done, which is running, which one failed, and how long each
//! took.

use std::time::Duration;

use protocol::Stage;

use crate::{
    connection::{Connection, FtpsState},
    format, problem,
    texts::Text,
    time::{Millis, millis},
};

/// The stages that the page shows as steps, in order. The last one is the first listing.
pub const CONNECT_STEPS: [Stage; 7] = [
    Stage::Resolve,
    Stage::Connect,
    Stage::Tls,
    Stage::Certificate,
    Stage::Login,
    Stage::Protect,
    Stage::List,
];

/// Attempts that last longer show their steps.
const STEPS_DELAY: Duration = Duration::from_secs(1);

/// Shorter steps show their duration in milliseconds.
const SHORT_STEP: Duration = Duration::from_secs(10);

/// The state of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not started.
    Pending,
    /// Running.
    Current,
    /// Done.
    Done,
    /// Failed.
    Failed,
}

impl StepState {
    /// Returns the state for screen readers.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => Text::StepPending.text(),
            Self::Current => Text::StepCurrent.text(),
            Self::Done => Text::StepDone.text(),
            Self::Failed => Text::StepFailed.text(),
        }
    }
}

/// The state of all steps together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Not started, or given up.
    #[default]
    Idle,
    Running,
    Done,
    Failed,
}

/// The steps of one attempt to connect.
#[derive(Debug, Default)]
pub struct ConnectSteps {
    progress: Progress,
    /// The current step, by [`CONNECT_STEPS`].
    at: usize,
    /// The start of each step, by [`CONNECT_STEPS`]; a skipped step starts with the next one.
    started: [Millis; CONNECT_STEPS.len()],
    ended: Millis,
    /// Whether the attempt has lasted long enough to be shown step by step.
    are_shown: bool,
}

impl ConnectSteps {
    /// Follows the state of the connection.
    pub fn follow(&mut self, connection: &Connection, now: Millis) {
        match connection.ftps() {
            FtpsState::Connecting(stage) => self.reach(step_of(*stage), now),
            FtpsState::CertificateQuestion(_) => self.reach(step_of(Stage::Certificate), now),
            FtpsState::Connected(_) if self.is_running() => self.reach(step_of(Stage::List), now),
            FtpsState::Connected(_) => {}
            FtpsState::Disconnected => {
                self.end_early(connection.problem().map(|problem| problem.stage), now);
            }
            FtpsState::Disconnecting(_) => self.progress = Progress::Idle,
        }
    }

    /// Returns when the steps of a running attempt are to be shown.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        let is_awaited = self.is_running() && !self.are_shown;
        is_awaited.then(|| self.started.first().copied().unwrap_or_default() + STEPS_DELAY)
    }

    /// Shows the steps if they are due. Returns whether that changed something.
    pub fn tick(&mut self, now: Millis) -> bool {
        let is_due = self.due().is_some_and(|at| at <= now);
        self.are_shown |= is_due;
        is_due
    }

    /// Returns whether the attempt has lasted long enough to be shown step by step.
    #[must_use]
    pub fn are_shown(&self) -> bool {
        self.are_shown
    }

    /// The first listing arrived.
    pub fn listed(&mut self, now: Millis) {
        self.end_listing(Progress::Done, now);
    }

    /// The first listing was refused.
    pub fn listing_failed(&mut self, now: Millis) {
        self.end_listing(Progress::Failed, now);
    }

    /// Returns whether a step is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.progress == Progress::Running
    }

    /// Returns whether a step failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.progress == Progress::Failed
    }

    /// Returns the state of a step, by [`CONNECT_STEPS`].
    #[must_use]
    pub fn state(&self, index: usize) -> StepState {
        match (self.progress, index.cmp(&self.at)) {
            (Progress::Done, _) | (_, std::cmp::Ordering::Less) => StepState::Done,
            (Progress::Idle, _) | (_, std::cmp::Ordering::Greater) => StepState::Pending,
            (Progress::Running, _) => StepState::Current,
            (Progress::Failed, _) => StepState::Failed,
        }
    }

    /// Returns the duration of a step that has ended.
    #[must_use]
    pub fn took(&self, index: usize) -> Option<Duration> {
        let end = match self.state(index) {
            StepState::Pending | StepState::Current => return None,
            StepState::Failed => self.ended,
            StepState::Done if index >= self.at => self.ended,
            StepState::Done => *self.started.get(index + 1)?,
        };
        Some(end.since(*self.started.get(index)?))
    }

    /// Goes forward to a step. Going back starts another attempt.
    fn reach(&mut self, step: usize, now: Millis) {
        let continues = self.is_running() && step >= self.at;
        if continues && step == self.at {
            return;
        }
        let first = if continues { self.at + 1 } else { 0 };
        self.are_shown &= self.is_running();
        for started in self.started.iter_mut().take(step + 1).skip(first) {
            *started = now;
        }
        self.progress = Progress::Running;
        self.at = step;
    }

    fn end_listing(&mut self, progress: Progress, now: Millis) {
        if self.is_running() && self.at == step_of(Stage::List) {
            self.progress = progress;
            self.ended = now;
        }
    }

    /// Nothing is connected: a failure marks its step; without one, the user gave up.
    fn end_early(&mut self, failed: Option<Stage>, now: Millis) {
        match (self.progress, failed) {
            (Progress::Running, Some(stage)) if stage >= Stage::Resolve => {
                self.reach(step_of(stage).max(self.at), now);
                self.progress = Progress::Failed;
                self.ended = now;
            }
            (Progress::Failed, Some(_)) if self.at < step_of(Stage::List) => {}
            (_, _) => self.progress = Progress::Idle,
        }
    }
}

/// Returns the step that a stage belongs to.
fn step_of(stage: Stage) -> usize {
    CONNECT_STEPS.iter().rposition(|step| *step <= stage).unwrap_or(0)
}

/// Returns the name of a step; a stage that is no step has the name of its stage.
#[must_use]
pub fn step_name(step: Stage) -> &'static str {
    match step {
        Stage::Resolve => Text::StepResolve.text(),
        Stage::Connect => Text::StepConnect.text(),
        Stage::Tls => Text::StepTls.text(),
        Stage::Certificate => Text::StepCertificate.text(),
        Stage::Login => Text::StepLogin.text(),
        Stage::Protect => Text::StepProtect.text(),
        Stage::List => Text::StepList.text(),
        other => problem::stage(other),
    }
}

/// Returns the duration of a step as the page shows it.
#[must_use]
pub fn duration_text(took: Duration) -> String {
    if took < SHORT_STEP {
        Text::NumberMillis.fill(&[&millis(took)])
    } else {
        format::duration(took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(steps: &ConnectSteps) -> String {
        let sign = |index| match steps.state(index) {
            StepState::Pending => '.',
            StepState::Current => '>',
            StepState::Done => '+',
            StepState::Failed => '!',
        };
        (0..CONNECT_STEPS.len()).map(sign).collect()
    }

    fn under_way(stages: &[(Stage, u64)]) -> ConnectSteps {
        let mut steps = ConnectSteps::default();
        for (stage, at) in stages {
            steps.reach(step_of(*stage), Millis(*at));
        }
        steps
    }

    #[test]
    fn each_step_takes_until_the_next_begins() {
        let mut steps = under_way(&[
            (Stage::Portal, 0),
            (Stage::Policy, 5),
            (Stage::Connect, 10),
            (Stage::Tls, 30),
            (Stage::Login, 60),
            (Stage::Setup, 100),
        ]);
        assert_eq!(states(&steps), "+++++>.");
        steps.reach(step_of(Stage::List), Millis(110));
        assert_eq!(states(&steps), "++++++>");
        assert_eq!(steps.took(6), None);
        steps.listed(Millis(150));
        assert_eq!(states(&steps), "+++++++");
        let took: Vec<_> = (0..7).map(|index| steps.took(index).unwrap().as_millis()).collect();
        assert_eq!(took, [10, 20, 30, 0, 40, 10, 40]);
    }

    #[test]
    fn failure_marks_its_step_and_the_rest_stays_pending() {
        let mut steps = under_way(&[(Stage::Portal, 0), (Stage::Login, 70)]);
        steps.end_early(Some(Stage::Login), Millis(100));
        assert_eq!(states(&steps), "++++!..");
        assert_eq!(steps.took(4), Some(Duration::from_millis(30)));
        assert_eq!(steps.took(5), None);
        steps.end_early(Some(Stage::Login), Millis(200));
        assert!(steps.has_failed(), "the failure is looked at for as long as it is shown");
        steps.end_early(None, Millis(300));
        assert!(!steps.has_failed());
    }

    #[test]
    fn unreachable_portal_is_no_step_of_connecting() {
        let mut steps = under_way(&[(Stage::Portal, 0)]);
        steps.end_early(Some(Stage::Portal), Millis(9));
        assert_eq!(states(&steps), ".......");
    }

    #[test]
    fn steps_are_shown_after_a_second_and_stay_until_the_attempt_ends() {
        let mut steps = under_way(&[(Stage::Portal, 100), (Stage::Tls, 300)]);
        assert_eq!(steps.due(), Some(Millis(1100)));
        assert!(!steps.tick(Millis(1099)) && !steps.are_shown());
        assert!(steps.tick(Millis(1100)) && steps.are_shown());
        assert_eq!(steps.due(), None);
        // The user has trusted a certificate.
        steps.reach(step_of(Stage::Portal), Millis(5000));
        assert!(steps.are_shown());
        steps.end_early(None, Millis(6000));
        steps.reach(step_of(Stage::Portal), Millis(7000));
        assert!(!steps.are_shown());
        assert_eq!(steps.due(), Some(Millis(8000)));
    }

    #[test]
    fn another_attempt_starts_again() {
        let mut steps = under_way(&[(Stage::Portal, 0), (Stage::Certificate, 50)]);
        steps.reach(step_of(Stage::Portal), Millis(900));
        assert_eq!(states(&steps), ">......");
        steps.reach(step_of(Stage::Connect), Millis(910));
        assert_eq!(steps.took(0), Some(Duration::from_millis(10)));
    }

    #[test]
    fn connection_that_ends_after_the_listing_has_failed_at_no_step() {
        let mut steps = under_way(&[(Stage::List, 0)]);
        steps.listing_failed(Millis(5));
        assert_eq!(states(&steps), "++++++!");
        steps.end_early(Some(Stage::Idle), Millis(9));
        assert!(!steps.has_failed());
        let mut steps = under_way(&[(Stage::List, 0)]);
        steps.listed(Millis(5));
        steps.listing_failed(Millis(6));
        assert!(!steps.has_failed());
        steps.end_early(Some(Stage::Login), Millis(9));
        assert!(!steps.has_failed());
    }
}
