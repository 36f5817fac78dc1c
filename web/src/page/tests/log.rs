//! Errors of the session log.

use super::*;

#[test]
fn of_many_errors_in_the_log_the_first_is_announced_and_the_next_after_a_pause() {
    let mut page = connected();
    let mut announced = |seq, millis| {
        let line = LogLine {
            seq,
            at_millis: 0,
            connection: Some(1),
            explanation: None,
            kind: LogKind::Error,
            text: format!("broken {seq}"),
        };
        let message = ServerMessage::Log { lines: vec![line] };
        at(&mut page, millis, Event::Received(Box::new(message), 9))
    };
    let sent = Effect::Announce("In the session log: broken 0".into());
    assert_eq!(announced(0, 1000), [sent]);
    assert_eq!(announced(1, 2000), []);
    let sent = Effect::Announce("In the session log: broken 2".into());
    assert_eq!(announced(2, 1000 + 5000), [sent]);
}

#[test]
fn error_in_the_log_has_the_remedy_of_the_problem_that_says_the_same() {
    let mut page = connected();
    let problem = problems::portal_unreachable();
    let text = problem.message.clone();
    receive(
        &mut page,
        ServerMessage::ListingFailed { path: "/a".into(), problem: problem.clone() },
    );
    let line = LogLine {
        seq: 0,
        at_millis: 0,
        connection: None,
        explanation: None,
        kind: LogKind::Error,
        text,
    };
    assert_eq!(page.log().problem_of(&line), Some(&problem));
}
