//! The steps on the way to the server: which is done, which is under way, which one failed, and how
//! long each took.

use std::time::Duration;

use protocol::Stage;

use crate::{
    connection::{Connection, FtpsState},
    time::Millis,
};

/// The stages that a person sees, in their order. The last is the first listing's.
pub const CONNECT_STEPS: [Stage; 7] = [
    Stage::Resolve,
    Stage::Connect,
    Stage::Tls,
    Stage::Certificate,
    Stage::Login,
    Stage::Protect,
    Stage::List,
];

/// Where a stop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// To come.
    Pending,
    /// Under way.
    Current,
    /// Done.
    Done,
    /// Here it ended.
    Failed,
}

/// Whether the voyage goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Not begun, or given up.
    #[default]
    Idle,
    Running,
    Done,
    Failed,
}

/// One way to a server.
#[derive(Debug, Default)]
pub struct ConnectSteps {
    progress: Progress,
    /// By [`CONNECT_STEPS`].
    at: usize,
    /// When each stop was begun, by [`CONNECT_STEPS`]; one that was passed by has the time of the next.
    began: [Millis; CONNECT_STEPS.len()],
    ended: Millis,
}

impl ConnectSteps {
    /// Takes in where the connection is now.
    pub fn follow(&mut self, connection: &Connection, now: Millis) {
        match connection.ftps() {
            FtpsState::Connecting(stage) => self.reach(step_of(*stage), now),
            FtpsState::CertificateQuestion(_) => self.reach(step_of(Stage::Certificate), now),
            FtpsState::Connected(_) if self.progress == Progress::Running => {
                self.reach(step_of(Stage::List), now);
            }
            FtpsState::Connected(_) => {}
            FtpsState::Disconnected => {
                self.end_early(connection.problem().map(|problem| problem.stage), now);
            }
            FtpsState::Disconnecting(_) => self.progress = Progress::Idle,
        }
    }

    /// The first listing is there.
    pub fn arrive(&mut self, now: Millis) {
        self.end_listing(Progress::Done, now);
    }

    /// The first listing was refused.
    pub fn fail_to_list(&mut self, now: Millis) {
        self.end_listing(Progress::Failed, now);
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.progress == Progress::Running
    }

    /// Whether it ended on the way.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.progress == Progress::Failed
    }

    /// Where the stop with this number of [`CONNECT_STEPS`] is.
    #[must_use]
    pub fn state(&self, index: usize) -> StepState {
        match (self.progress, index.cmp(&self.at)) {
            (Progress::Done, _) | (_, std::cmp::Ordering::Less) => StepState::Done,
            (Progress::Idle, _) | (_, std::cmp::Ordering::Greater) => StepState::Pending,
            (Progress::Running, _) => StepState::Current,
            (Progress::Failed, _) => StepState::Failed,
        }
    }

    /// How long it took, once it is over.
    #[must_use]
    pub fn took(&self, index: usize) -> Option<Duration> {
        let end = match self.state(index) {
            StepState::Pending | StepState::Current => return None,
            StepState::Failed => self.ended,
            StepState::Done if index >= self.at => self.ended,
            StepState::Done => *self.began.get(index + 1)?,
        };
        Some(end.since(*self.began.get(index)?))
    }

    /// Steps go forward; one that goes back is another try.
    fn reach(&mut self, stop: usize, now: Millis) {
        let goes_on = self.progress == Progress::Running && stop >= self.at;
        if goes_on && stop == self.at {
            return;
        }
        let first = if goes_on { self.at + 1 } else { 0 };
        for began in self.began.iter_mut().take(stop + 1).skip(first) {
            *began = now;
        }
        self.progress = Progress::Running;
        self.at = stop;
    }

    fn end_listing(&mut self, progress: Progress, now: Millis) {
        if self.progress == Progress::Running && self.at == step_of(Stage::List) {
            self.progress = progress;
            self.ended = now;
        }
    }

    /// Nothing is connected: a failure marks its step, and who gave up has no steps.
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

/// The stop that a stage belongs to.
fn step_of(stage: Stage) -> usize {
    CONNECT_STEPS.iter().rposition(|stop| *stop <= stage).unwrap_or(0)
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
        steps.arrive(Millis(150));
        assert_eq!(states(&steps), "+++++++");
        let took: Vec<_> = (0..7).map(|index| steps.took(index).unwrap().as_millis()).collect();
        assert_eq!(took, [10, 20, 30, 0, 40, 10, 40]);
    }

    #[test]
    fn failure_marks_its_step_and_the_rest_stays_ahead() {
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
    fn portal_out_of_reach_is_no_step_on_the_way_to_the_server() {
        let mut steps = under_way(&[(Stage::Portal, 0)]);
        steps.end_early(Some(Stage::Portal), Millis(9));
        assert_eq!(states(&steps), ".......");
    }

    #[test]
    fn another_try_begins_anew() {
        let mut steps = under_way(&[(Stage::Portal, 0), (Stage::Certificate, 50)]);
        steps.reach(step_of(Stage::Portal), Millis(900));
        assert_eq!(states(&steps), ">......");
        steps.reach(step_of(Stage::Connect), Millis(910));
        assert_eq!(steps.took(0), Some(Duration::from_millis(10)));
    }

    #[test]
    fn connection_that_ends_after_the_listing_has_failed_at_no_step() {
        let mut steps = under_way(&[(Stage::List, 0)]);
        steps.fail_to_list(Millis(5));
        assert_eq!(states(&steps), "++++++!");
        steps.end_early(Some(Stage::Idle), Millis(9));
        assert!(!steps.has_failed());
        let mut steps = under_way(&[(Stage::List, 0)]);
        steps.arrive(Millis(5));
        steps.fail_to_list(Millis(6));
        assert!(!steps.has_failed());
        steps.end_early(Some(Stage::Login), Millis(9));
        assert!(!steps.has_failed());
    }
}
