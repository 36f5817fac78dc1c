//! The steps on the way to the server: which is done, which is under way, which one failed, and how
//! long each took.

use std::time::Duration;

use protocol::Stage;

use crate::{
    connection::{Connection, Ftps},
    time::Millis,
};

/// The stages that a person sees, in their order. The last is the first listing's.
pub const STOPS: [Stage; 7] = [
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
pub enum Stop {
    /// To come.
    Ahead,
    /// Under way.
    Current,
    /// Done.
    Passed,
    /// Here it ended.
    Failed,
}

/// Whether the voyage goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Course {
    /// Not begun, or given up.
    #[default]
    None,
    UnderWay,
    Arrived,
    Failed,
}

/// One way to a server.
#[derive(Debug, Default)]
pub struct Voyage {
    course: Course,
    /// By [`STOPS`].
    at: usize,
    /// When each stop was begun, by [`STOPS`]; one that was passed by has the time of the next.
    began: [Millis; STOPS.len()],
    ended: Millis,
}

impl Voyage {
    /// Takes in where the connection is now.
    pub fn follow(&mut self, connection: &Connection, now: Millis) {
        match connection.ftps() {
            Ftps::Connecting(stage) => self.reach(stop_of(*stage), now),
            Ftps::Asking(_) => self.reach(stop_of(Stage::Certificate), now),
            Ftps::In(_) if self.course == Course::UnderWay => self.reach(stop_of(Stage::List), now),
            Ftps::In(_) => {}
            Ftps::Out => self.end_early(connection.problem().map(|problem| problem.stage), now),
            Ftps::Leaving(_) => self.course = Course::None,
        }
    }

    /// The first listing is there.
    pub fn arrive(&mut self, now: Millis) {
        self.end_listing(Course::Arrived, now);
    }

    /// The first listing was refused.
    pub fn fail_to_list(&mut self, now: Millis) {
        self.end_listing(Course::Failed, now);
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.course == Course::UnderWay
    }

    /// Whether it ended on the way.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.course == Course::Failed
    }

    /// Where the stop with this number of [`STOPS`] is.
    #[must_use]
    pub fn stop(&self, index: usize) -> Stop {
        match (self.course, index.cmp(&self.at)) {
            (Course::Arrived, _) | (_, std::cmp::Ordering::Less) => Stop::Passed,
            (Course::None, _) | (_, std::cmp::Ordering::Greater) => Stop::Ahead,
            (Course::UnderWay, _) => Stop::Current,
            (Course::Failed, _) => Stop::Failed,
        }
    }

    /// How long it took, once it is over.
    #[must_use]
    pub fn took(&self, index: usize) -> Option<Duration> {
        let end = match self.stop(index) {
            Stop::Ahead | Stop::Current => return None,
            Stop::Failed => self.ended,
            Stop::Passed if index >= self.at => self.ended,
            Stop::Passed => *self.began.get(index + 1)?,
        };
        Some(end.since(*self.began.get(index)?))
    }

    /// Steps go forward; one that goes back is another try.
    fn reach(&mut self, stop: usize, now: Millis) {
        let goes_on = self.course == Course::UnderWay && stop >= self.at;
        if goes_on && stop == self.at {
            return;
        }
        let first = if goes_on { self.at + 1 } else { 0 };
        for began in self.began.iter_mut().take(stop + 1).skip(first) {
            *began = now;
        }
        self.course = Course::UnderWay;
        self.at = stop;
    }

    fn end_listing(&mut self, course: Course, now: Millis) {
        if self.course == Course::UnderWay && self.at == stop_of(Stage::List) {
            self.course = course;
            self.ended = now;
        }
    }

    /// Nothing is connected: a failure marks its step, and who gave up has no steps.
    fn end_early(&mut self, failed: Option<Stage>, now: Millis) {
        match (self.course, failed) {
            (Course::UnderWay, Some(stage)) if stage >= Stage::Resolve => {
                self.reach(stop_of(stage).max(self.at), now);
                self.course = Course::Failed;
                self.ended = now;
            }
            (Course::Failed, Some(_)) if self.at < stop_of(Stage::List) => {}
            (_, _) => self.course = Course::None,
        }
    }
}

/// The stop that a stage belongs to.
fn stop_of(stage: Stage) -> usize {
    STOPS.iter().rposition(|stop| *stop <= stage).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(voyage: &Voyage) -> String {
        let sign = |index| match voyage.stop(index) {
            Stop::Ahead => '.',
            Stop::Current => '>',
            Stop::Passed => '+',
            Stop::Failed => '!',
        };
        (0..STOPS.len()).map(sign).collect()
    }

    fn under_way(stages: &[(Stage, u64)]) -> Voyage {
        let mut voyage = Voyage::default();
        for (stage, at) in stages {
            voyage.reach(stop_of(*stage), Millis(*at));
        }
        voyage
    }

    #[test]
    fn each_step_takes_until_the_next_begins() {
        let mut voyage = under_way(&[
            (Stage::Portal, 0),
            (Stage::Policy, 5),
            (Stage::Connect, 10),
            (Stage::Tls, 30),
            (Stage::Login, 60),
            (Stage::Setup, 100),
        ]);
        assert_eq!(stops(&voyage), "+++++>.");
        voyage.reach(stop_of(Stage::List), Millis(110));
        assert_eq!(stops(&voyage), "++++++>");
        assert_eq!(voyage.took(6), None);
        voyage.arrive(Millis(150));
        assert_eq!(stops(&voyage), "+++++++");
        let took: Vec<_> = (0..7).map(|index| voyage.took(index).unwrap().as_millis()).collect();
        assert_eq!(took, [10, 20, 30, 0, 40, 10, 40]);
    }

    #[test]
    fn failure_marks_its_step_and_the_rest_stays_ahead() {
        let mut voyage = under_way(&[(Stage::Portal, 0), (Stage::Login, 70)]);
        voyage.end_early(Some(Stage::Login), Millis(100));
        assert_eq!(stops(&voyage), "++++!..");
        assert_eq!(voyage.took(4), Some(Duration::from_millis(30)));
        assert_eq!(voyage.took(5), None);
        voyage.end_early(Some(Stage::Login), Millis(200));
        assert!(voyage.has_failed(), "the failure is looked at for as long as it is shown");
        voyage.end_early(None, Millis(300));
        assert!(!voyage.has_failed());
    }

    #[test]
    fn portal_out_of_reach_is_no_step_on_the_way_to_the_server() {
        let mut voyage = under_way(&[(Stage::Portal, 0)]);
        voyage.end_early(Some(Stage::Portal), Millis(9));
        assert_eq!(stops(&voyage), ".......");
    }

    #[test]
    fn another_try_begins_anew() {
        let mut voyage = under_way(&[(Stage::Portal, 0), (Stage::Certificate, 50)]);
        voyage.reach(stop_of(Stage::Portal), Millis(900));
        assert_eq!(stops(&voyage), ">......");
        voyage.reach(stop_of(Stage::Connect), Millis(910));
        assert_eq!(voyage.took(0), Some(Duration::from_millis(10)));
    }

    #[test]
    fn connection_that_ends_after_the_listing_has_failed_at_no_step() {
        let mut voyage = under_way(&[(Stage::List, 0)]);
        voyage.fail_to_list(Millis(5));
        assert_eq!(stops(&voyage), "++++++!");
        voyage.end_early(Some(Stage::Idle), Millis(9));
        assert!(!voyage.has_failed());
        let mut voyage = under_way(&[(Stage::List, 0)]);
        voyage.arrive(Millis(5));
        voyage.fail_to_list(Millis(6));
        assert!(!voyage.has_failed());
        voyage.end_early(Some(Stage::Login), Millis(9));
        assert!(!voyage.has_failed());
    }
}
