//! Explains a transcript event by event.

use std::collections::VecDeque;

use super::{
    Explanation,
    commands::{command, words},
    of_other,
    replies::reply,
};
use crate::{
    reply::{Code, Severity},
    stage::Stage,
    transcript::{Event, EventKind},
};

/// The maximum number of unanswered commands that a [`LogExplainer`] remembers.
const MAX_OUTSTANDING: usize = 64;

/// Explains a transcript event by event, and knows which command each reply answers.
///
/// Takes the transcript of one session, in the order of its events.
#[derive(Clone, Debug, Default)]
pub struct LogExplainer {
    /// The unanswered commands: verb and first parameter.
    outstanding: VecDeque<String>,
    /// The code of an incomplete reply.
    partial: Option<Code>,
}

impl LogExplainer {
    /// Creates an explainer that has seen no event yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Explains an event; `None` where it needs no explanation, and for all lines of a reply but the
    /// last.
    pub fn explain(&mut self, event: &Event) -> Option<Explanation> {
        match &event.kind {
            EventKind::Command(line) => self.take_command(line.as_str()),
            EventKind::Response(line) => self.take_line(line.as_bytes()),
            EventKind::Stage(Stage::Connect) => {
                // A new connection: the commands of the last one will not be answered.
                *self = Self::new();
                None
            }
            _ => of_other(event),
        }
    }

    fn take_command(&mut self, line: &str) -> Option<Explanation> {
        let (verb, argument) = words(line);
        // Keeps nothing that a person typed.
        let is_ours = ["AUTH", "OPTS", "PROT", "SITE", "TYPE"].contains(&verb.as_str());
        let argument = if is_ours { argument.as_str() } else { "" };
        self.outstanding.push_back(format!("{verb} {argument}"));
        if self.outstanding.len() > MAX_OUTSTANDING {
            self.outstanding.pop_front();
        }
        command(line)
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Explanation> {
        let code = Code::at_start_of(line);
        let is_last = !matches!(line.get(3), Some(b'-'));
        let code = match (self.partial, code) {
            (None, Some(code)) if is_last => code,
            (Some(partial), Some(code)) if is_last && partial == code => code,
            (None, started) => {
                self.partial = started;
                return None;
            }
            (Some(_), _) => return None,
        };
        self.partial = None;
        let answers = match code.severity() {
            Severity::Preliminary => self.outstanding.front().cloned(),
            _ => self.outstanding.pop_front(),
        };
        Some(reply(code, answers.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Password, RemotePath, TlsFacts, Username,
        command::Command,
        explain::{
            replies::by_code,
            samples::{events, sent},
        },
        profile::Fallback,
        transcript::{Connection, Status},
    };

    #[test]
    fn encryption_of_both_connections_is_explained() {
        let facts = |resumed| TlsFacts {
            version: crate::TlsVersion::Tls13,
            cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(),
            resumed,
        };
        let told = |connection, resumed| {
            let event = Event { session: Some(1), connection, kind: facts(resumed).into() };
            LogExplainer::new().explain(&event).unwrap()
        };
        assert_eq!(told(Connection::Control, false), Explanation::TlsControl);
        assert_eq!(told(Connection::Data(1), true), Explanation::TlsDataResumed);
        assert_eq!(told(Connection::Data(1), false), Explanation::TlsDataNew);
        let fallback = Event {
            session: None,
            connection: Connection::Control,
            kind: Status::FallingBack(Fallback::Tls12).into(),
        };
        assert_eq!(Explanation::of(&fallback), Some(Explanation::StatusFallbackTls12));
    }

    fn explained(code: u16, answers: &str) -> Explanation {
        reply(Code::new(code).unwrap(), Some(answers))
    }

    #[test]
    fn explainer_knows_which_command_a_reply_answers() {
        let path = RemotePath::try_from("/a").unwrap();
        let mut explainer = LogExplainer::new();
        let mut events_so_far = vec![Event {
            session: Some(1),
            connection: Connection::Control,
            kind: Stage::Connect.into(),
        }];
        events_so_far.extend(events(b"220-Hello\r\n 331 is no end\r\n220 ready\r\n"));
        // Two at once, answered in order; one of them twice.
        events_so_far.push(sent(Command::Epsv));
        events_so_far.push(sent(Command::Stor(&path)));
        events_so_far.extend(events(b"522 no\r\n150 go\r\n522 no\r\n"));
        let told: Vec<_> = events_so_far.iter().map(|event| explainer.explain(event)).collect();
        assert_eq!((told[0], told[1], told[2]), (None, None, None));
        assert_eq!(told[3], by_code(220));
        assert_eq!((told[4], told[5]), (command("EPSV"), command("STOR")));
        assert_eq!(told[6], Some(explained(522, "EPSV")));
        assert_eq!(told[7], Some(explained(150, "STOR")));
        assert_eq!(told[8], Some(explained(522, "STOR")));
    }

    #[test]
    fn explainer_keeps_no_secret_and_no_name() {
        let (name, password) = (Username::new("ada").unwrap(), Password::new("hunter2").unwrap());
        let mut explainer = LogExplainer::new();
        explainer.explain(&sent(Command::User(&name)));
        explainer.explain(&sent(Command::Pass(&password)));
        let debug = format!("{explainer:?}").to_lowercase();
        assert!(!debug.contains("ada") && !debug.contains("hunter2") && !debug.contains('*'));
    }
}
