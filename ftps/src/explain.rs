//! Explains commands, replies and decisions to users who do not know FTP, with one [`Explanation`]
//! each.
//!
//! The sentence of an explanation belongs to the program that shows it. It is shown beside the server's
//! words and never replaces them.
//!
//! Many codes have one meaning in the RFC and another after a certain command. A reply is therefore
//! explained together with its command where that is known; a [`LogExplainer`] keeps track.
//!
//! - `codes`: all explanations.
//! - `commands`, `replies`, `decisions`: one table each.
//! - `log_explainer`: explains a transcript.

use crate::{
    reply::Code,
    transcript::{Event, EventKind},
};

mod codes;
mod commands;
mod decisions;
mod log_explainer;
mod replies;
#[cfg(test)]
mod samples;

pub use self::{
    codes::Explanation,
    commands::command,
    decisions::{stage, status, tls},
    log_explainer::LogExplainer,
    replies::reply,
};

/// Explains an event that is neither a command nor a reply.
fn of_other(event: &Event) -> Option<Explanation> {
    match &event.kind {
        EventKind::Stage(of) => stage(*of),
        EventKind::Status(of) => Some(status(of)),
        EventKind::Tls(facts) => Some(tls(event.connection, facts)),
        EventKind::Certificate(_) => Some(Explanation::Certificate),
        EventKind::Untrusted(_) => Some(Explanation::Untrusted),
        // An error has its diagnosis.
        EventKind::Error(_) | EventKind::Command(_) | EventKind::Response(_) => None,
    }
}

impl Explanation {
    /// Explains an event to people who do not know FTP; `None` where it needs no explanation. A reply
    /// is explained without its command, which a single event does not know: a [`LogExplainer`]
    /// does.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match &event.kind {
            EventKind::Command(line) => command(line.as_str()),
            EventKind::Response(line) => {
                let is_last = !matches!(line.as_bytes().get(3), Some(b'-'));
                let code = Code::at_start_of(line.as_bytes()).filter(|_| is_last)?;
                Some(reply(code, None))
            }
            _ => of_other(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        replies::by_code,
        samples::{events, sent},
        *,
    };
    use crate::{command::Command, stage::Stage, transcript::Connection};

    #[test]
    fn every_explanation_is_given_somewhere_and_has_a_code_of_its_own() {
        let source = [
            include_str!("explain.rs"),
            include_str!("explain/commands.rs"),
            include_str!("explain/decisions.rs"),
            include_str!("explain/replies.rs"),
        ];
        let source =
            source.map(|text| text.split("#[cfg(test)]\nmod tests").next().unwrap()).concat();
        for (number, explanation) in (0..).zip(Explanation::ALL) {
            assert_eq!(explanation.number(), number);
            let name = format!("Explanation::{explanation:?}");
            let mut given = source.match_indices(&name).map(|(at, _)| &source[at + name.len()..]);
            let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
            assert!(given.any(is_whole), "{name}");
            let same = Explanation::ALL.iter().filter(|other| other.code() == explanation.code());
            assert_eq!(same.count(), 1, "{name}");
        }
    }

    #[test]
    fn event_explains_itself_without_its_context() {
        let told: Vec<_> = events(b"211-x\r\n SIZE\r\n211 End\r\n226 ok\r\n")
            .iter()
            .map(Explanation::of)
            .collect();
        assert_eq!(told[..2], [None, None]);
        assert_eq!(told[2], by_code(211));
        assert_eq!(told[3], by_code(226));
        let feat = Explanation::of(&sent(Command::Feat));
        assert_eq!(feat, command("FEAT"));
        let of_stage = |stage: Stage| {
            let (session, connection) = (Some(1), Connection::Control);
            Explanation::of(&Event { session, connection, kind: stage.into() })
        };
        assert!(of_stage(Stage::Login).is_some());
        assert_eq!(of_stage(Stage::Transfer), None);
    }
}
