//! Pairs the replies of the session log with their commands.

use protocol::server::{LogKind, LogLine};

/// The most commands without a reply that are remembered for one FTPS session: a server that answers
/// none of them does not make the page grow.
const MAX_PENDING: usize = 256;

/// The commands that wait for their replies, for each FTPS session.
#[derive(Debug, Default)]
pub struct Pairs(Vec<Pending>);

/// The commands of one FTPS session that wait for their replies, oldest first.
#[derive(Debug)]
struct Pending {
    session: Option<u32>,
    commands: Vec<Command>,
}

#[derive(Debug)]
struct Command {
    verb: String,
    at_millis: u64,
}

/// The command that a reply answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    /// The first word of the command.
    pub verb: String,
    /// The time from the command to its reply, in milliseconds.
    pub took_millis: u64,
}

impl Pairs {
    /// Follows the log: takes its next line. Returns the command that it answers, if it is a reply. The
    /// first reply that is not a preliminary one (1yz) is the last to a command (RFC 959 §4.2).
    pub fn next(&mut self, line: &LogLine) -> Option<Answered> {
        let pending = self.of(line.connection)?;
        match line.kind {
            LogKind::Command => {
                pending.truncate(MAX_PENDING);
                let verb = line.text.split(' ').next().unwrap_or_default().to_owned();
                pending.push(Command { verb, at_millis: line.at_millis });
                None
            }
            LogKind::Response if is_end_of_reply(&line.text) => {
                let command = pending.first()?;
                let took_millis = line.at_millis.saturating_sub(command.at_millis);
                let answered = Answered { verb: command.verb.clone(), took_millis };
                if !line.text.starts_with('1') {
                    pending.remove(0);
                }
                Some(answered)
            }
            _ => None,
        }
    }

    fn of(&mut self, session: Option<u32>) -> Option<&mut Vec<Command>> {
        let known = self.0.iter().position(|pending| pending.session == session);
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(Pending { session, commands: Vec::new() });
        }
        self.0.get_mut(index).map(|pending| &mut pending.commands)
    }
}

/// Whether a line ends a reply: a code and a space, after the last line break if there is one.
fn is_end_of_reply(text: &str) -> bool {
    let last = text.lines().next_back().unwrap_or_default();
    matches!(
        last.as_bytes(),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] | [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ', ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(session: u32, at_millis: u64, kind: LogKind, text: &str) -> LogLine {
        LogLine {
            seq: 0,
            at_millis,
            connection: Some(session),
            explanation: None,
            kind,
            text: text.into(),
        }
    }

    #[test]
    fn replies_answer_the_commands_of_their_session_in_order() {
        use LogKind::{Command, Response, Status};
        let mut pairs = Pairs::default();
        let mut answered = |session, at, kind, text| {
            let answer = pairs.next(&line(session, at, kind, text));
            answer.map(|Answered { verb, took_millis }| (verb, took_millis))
        };
        let pair = |verb: &str, took| Some((verb.to_owned(), took));
        // The greeting answers no command.
        assert_eq!(answered(1, 0, Response, "220 hello"), None);
        // Two commands are sent together.
        assert_eq!(answered(1, 10, Command, "TYPE I"), None);
        assert_eq!(answered(1, 12, Command, "STOR a b"), None);
        assert_eq!(answered(2, 13, Command, "FEAT"), None);
        assert_eq!(answered(1, 20, Response, "200 ok"), pair("TYPE", 10));
        assert_eq!(answered(1, 25, Status, "something else"), None);
        // A preliminary reply is followed by another one to the same command.
        assert_eq!(answered(1, 30, Response, "150 here it comes"), pair("STOR", 18));
        assert_eq!(answered(1, 42, Response, "226 done"), pair("STOR", 30));
        // Only the last line of a reply ends it.
        assert_eq!(answered(2, 14, Response, "211-Features:"), None);
        assert_eq!(answered(2, 14, Response, " SIZE"), None);
        assert_eq!(answered(2, 15, Response, "211 End"), pair("FEAT", 2));
        assert_eq!(answered(2, 16, Response, "421 bye"), None);
    }

    #[test]
    fn server_that_answers_nothing_fills_no_memory() {
        let mut pairs = Pairs::default();
        for _ in 0..10 * MAX_PENDING {
            pairs.next(&line(1, 0, LogKind::Command, "NOOP"));
        }
        assert!(pairs.0.iter().all(|pending| pending.commands.len() <= MAX_PENDING + 1));
    }
}
