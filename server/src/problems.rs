//! Builds a [`Problem`] in a person's language. Modules above word their own problems with it.
//!
//! What others wrote stays as it is: the server's reply, an operating system's or a name service's
//! words, the names of things. So do the details of a breach of the protocol, which tell a
//! programmer what to look for and a person nothing.
//!
//! A path stands in straight quotes in every language: by them the page knows where it begins and
//! ends, and hides it on request.

use std::{fmt::Display, time::Duration};

use ftps::{
    Cause, Doubt, FileDigest, RemotePath,
    error::Evidence,
    sentence::{Fact, Place, Sentence},
};
use protocol::{Problem, Remedy, Stage, problem::Who};

use crate::{
    convert,
    texts::{Language, Text, quoted, span},
};

/// Builds problems in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems(Language);

/// What happened and what the person can do, at the portal itself.
fn yours(message: String, remedy: String) -> Problem {
    at(Stage::Portal, Who::You, message, remedy)
}

fn at(stage: Stage, who: Who, message: String, remedy: String) -> Problem {
    let remedy = Some(Remedy { who, what: remedy });
    Problem { stage, message, logged: None, reply: None, cause: None, remedy }
}

/// The same problem in other words than the session log's.
fn put_otherwise(problem: Problem, message: String) -> Problem {
    let logged = problem.logged.or(Some(problem.message));
    Problem { message, logged, ..problem }
}

impl Problems {
    /// Builds problems in a language.
    #[must_use]
    pub const fn new(language: Language) -> Self {
        Self(language)
    }

    /// Returns a text in the language.
    pub(crate) fn text(self, text: Text) -> String {
        self.0.text(text).to_owned()
    }

    /// Returns a text in the language with its places filled.
    pub(crate) fn fill(self, text: Text, values: &[&dyn Display]) -> String {
        self.0.fill(text, values)
    }

    /// Builds a problem at the portal itself that the person at the page can solve.
    pub(crate) fn at_portal(self, message: String, remedy: String) -> Problem {
        yours(message, remedy)
    }

    /// Builds a problem at a stage.
    pub(crate) fn at_stage(
        self,
        stage: Stage,
        who: Who,
        message: String,
        remedy: String,
    ) -> Problem {
        at(stage, who, message, remedy)
    }

    /// Returns the language.
    pub(crate) fn language(self) -> Language {
        self.0
    }

    // From the FTPS server, and on the way there.

    /// An error of the engine: facts, likely cause, remedy.
    pub(crate) fn engine(self, error: &ftps::Error) -> Problem {
        let (message, logged) = (self.chain(error), error.chain());
        Problem {
            stage: convert::stage(error.stage()),
            logged: (logged != message).then_some(logged),
            message,
            reply: error.reply().map(ToString::to_string),
            cause: Some(self.cause(error)),
            remedy: Some(self.remedy(Cause::of(error))),
        }
    }

    /// The error and its sources, one after the other.
    fn chain(self, error: &ftps::Error) -> String {
        let facts = error.facts().into_iter().map(|fact| match fact {
            Fact::Sentence(sentence) => self.sentence(&sentence),
            Fact::Verbatim(text) => text,
        });
        facts.collect::<Vec<_>>().join(": ")
    }

    fn sentence(self, sentence: &Sentence) -> String {
        self.0.fill_key(sentence.code().as_str(), |place| {
            Some(match sentence.place(place)? {
                Place::Text(text) => text.clone(),
                Place::Seconds(seconds) => self.0.decimal(seconds.as_secs_f32()),
            })
        })
    }

    /// What speaks against the certificate, if that is the error, then the cause.
    fn cause(self, error: &ftps::Error) -> String {
        let doubts = error.is_certificate().map_or(&[][..], |untrusted| &untrusted.doubts);
        self.cause_after(doubts, Cause::of(error), error.evidence())
    }

    fn cause_after(self, doubts: &[Doubt], cause: Cause, evidence: &Evidence) -> String {
        let sentences = self.doubts(doubts).into_iter();
        sentences.chain([self.explanation(cause, evidence)]).collect::<Vec<_>>().join(" ")
    }

    fn explanation(self, cause: Cause, evidence: &Evidence) -> String {
        let port = evidence.data_port.or(evidence.target.map(|(address, _)| address.port()));
        let code = cause.code();
        let without_port = format!("{code}.explanation_without_port");
        if let (None, Some(text)) = (port, self.0.find(&without_port)) {
            return text.to_owned();
        }
        self.0.fill_key(&format!("{code}.explanation"), |place| {
            Some(match place {
                "port" => port?.to_string(),
                "address" => evidence.passive_address?.to_string(),
                "data_connections" => evidence.data_connections.to_string(),
                "commands" => evidence.commands.to_string(),
                _ => return None,
            })
        })
    }

    fn remedy(self, cause: Cause) -> Remedy {
        let who = match cause.who() {
            ftps::Who::You => Who::You,
            ftps::Who::Host => Who::Host,
            ftps::Who::Network => Who::Network,
            ftps::Who::Operator => Who::Operator,
        };
        Remedy { who, what: self.0.fill_key(&format!("{}.remedy", cause.code()), |_| None) }
    }

    /// What speaks against a certificate.
    pub(crate) fn doubts(self, doubts: &[Doubt]) -> Vec<String> {
        doubts.iter().map(|doubt| self.sentence(&doubt.sentence())).collect()
    }

    /// The proxy's name has no address. The problem does not contain the name.
    pub(crate) fn proxy_not_found(self) -> Problem {
        at(
            Stage::Connect,
            Who::Operator,
            self.text(Text::ProxyNotFound),
            self.text(Text::ProxyNotFoundRemedy),
        )
    }

    // Requests of the page.

    /// There is no FTPS connection.
    pub(crate) fn not_connected(self) -> Problem {
        yours(self.text(Text::NotConnected), self.text(Text::NotConnectedRemedy))
    }

    /// The connection closed before the server reported the result of a command.
    pub(crate) fn result_unknown(self, limit: Duration) -> Problem {
        yours(
            self.fill(Text::OutcomeUnknown, &[&span(limit)]),
            self.text(Text::OutcomeUnknownRemedy),
        )
    }

    /// The certificate that is to be trusted is not named by its fingerprint.
    pub(crate) fn not_a_fingerprint(self) -> Problem {
        yours(self.text(Text::NotAFingerprint), self.text(Text::NotAFingerprintRemedy))
    }

    /// No FTP command can carry the username.
    pub(crate) fn unfit_username(self) -> Problem {
        let message = self.text(Text::UsernameInvalid);
        yours(message, self.no_line_breaks())
    }

    /// The username is longer than any.
    pub(crate) fn long_username(self, most: usize) -> Problem {
        let message = self.fill(Text::UsernameTooLong, &[&most]);
        yours(message, self.text(Text::UsernameTooLongRemedy))
    }

    /// No FTP command can carry the password.
    pub(crate) fn unfit_password(self) -> Problem {
        let message = self.text(Text::PasswordInvalid);
        yours(message, self.no_line_breaks())
    }

    fn no_line_breaks(self) -> String {
        self.text(Text::LineBreaksRemedy)
    }

    /// The path is invalid or too long.
    pub(crate) fn bad_path(self, path: &str, max_len: usize) -> Problem {
        yours(
            self.fill(Text::PathInvalid, &[&quoted(path)]),
            self.fill(Text::PathInvalidRemedy, &[&max_len]),
        )
    }

    /// The name is not that of a file that an upload left behind.
    pub(crate) fn not_a_leftover(self, path: &str) -> Problem {
        yours(self.fill(Text::NotALeftover, &[&quoted(path)]), self.text(Text::NotALeftoverRemedy))
    }

    /// The text does not tell which file is meant.
    pub(crate) fn name_not_exact(self, path: &str) -> Problem {
        yours(self.fill(Text::NameNotExact, &[&quoted(path)]), self.text(Text::NameNotExactRemedy))
    }

    /// The root, the login's own directory, or one above it.
    pub(crate) fn not_to_be_changed(self, path: &str) -> Problem {
        yours(
            self.fill(Text::HomeProtected, &[&quoted(path)]),
            self.text(Text::HomeProtectedRemedy),
        )
    }

    /// A rename would replace something.
    pub(crate) fn name_taken(self, to: &str) -> Problem {
        at(
            Stage::Rename,
            Who::You,
            self.fill(Text::NameTaken, &[&quoted(to)]),
            self.text(Text::NameTakenRemedy),
        )
    }

    /// A directory cannot be in itself.
    pub(crate) fn moved_into_itself(self, from: &str, to: &str) -> Problem {
        at(
            Stage::Rename,
            Who::You,
            self.fill(Text::MovedIntoItself, &[&quoted(to), &quoted(from)]),
            self.text(Text::MovedIntoItselfRemedy),
        )
    }

    /// The server would take the name for another one.
    pub(crate) fn name_not_kept(self) -> Problem {
        yours(self.text(Text::NameNotKept), self.text(Text::NameNotKeptRemedy))
    }

    /// A directory that holds something was to be deleted as an empty one.
    pub(crate) fn not_empty(self, problem: Problem, path: &str) -> Problem {
        let message = self.fill(Text::DirectoryNotEmpty, &[&quoted(path)]);
        let what = self.text(Text::DirectoryNotEmptyRemedy);
        let remedy = Some(Remedy { who: Who::You, what });
        Problem { cause: None, remedy, ..put_otherwise(problem, message) }
    }

    /// What was to be deleted with everything in it is no directory.
    pub(crate) fn not_a_directory(self, path: &RemotePath) -> Problem {
        at(
            Stage::Delete,
            Who::You,
            self.fill(Text::NotADirectory, &[&path]),
            self.text(Text::NotADirectoryRemedy),
        )
    }

    /// A directory holds more than may be deleted at once.
    pub(crate) fn too_much_to_delete(self, path: &RemotePath, max: u32) -> Problem {
        at(
            Stage::Delete,
            Who::You,
            self.fill(Text::TooMuchToDelete, &[&max, &path]),
            self.text(Text::TooMuchToDeleteRemedy),
        )
    }

    /// A refusal on the way through a directory.
    pub(crate) fn stopped_at(self, problem: Problem, path: &RemotePath) -> Problem {
        let message = self.fill(Text::NotDeleted, &[&path, &problem.message]);
        put_otherwise(problem, message)
    }

    // Uploads.

    /// The page has gone silent about an upload.
    pub(crate) fn page_stopped_sending(self, limit: Duration) -> Problem {
        yours(
            self.fill(Text::PageStoppedSending, &[&span(limit)]),
            self.text(Text::PageStoppedSendingRemedy),
        )
    }

    /// All of the memory that the uploads share is in use, and no upload returns any.
    pub(crate) fn portal_has_no_room(self, limit: Duration) -> Problem {
        yours(self.fill(Text::MemoryFull, &[&span(limit)]), self.text(Text::MemoryFullRemedy))
    }

    /// The page has not said the digest that it promised.
    pub(crate) fn page_says_no_digest(self, limit: Duration) -> Problem {
        yours(self.fill(Text::NoDigest, &[&span(limit)]), self.text(Text::NoDigestRemedy))
    }

    /// What the portal relayed is not what the page has.
    pub(crate) fn digests_differ(self, relayed: &FileDigest, of_page: &str) -> Problem {
        let message = self.fill(
            Text::DigestsDiffer,
            &[&relayed, &format_args!("{} {of_page}", relayed.algorithm())],
        );
        let cause = self.text(Text::DigestsDifferCause);
        let remedy = self.text(Text::DigestsDifferRemedy);
        Problem { cause: Some(cause), ..yours(message, remedy) }
    }

    /// A complete file could not take the place of the old one; both are there.
    pub(crate) fn not_replaced(
        self,
        problem: Problem,
        path: &RemotePath,
        new: &RemotePath,
        old: &RemotePath,
    ) -> Problem {
        let what = self.fill(Text::NotReplacedRemedy, &[&new, &old, &path]);
        Problem { remedy: Some(Remedy { who: Who::You, what }), ..problem }
    }

    // Sessions and their sockets.

    /// Too many sockets wait for their `hello`.
    pub(crate) fn too_many_sockets(self) -> Problem {
        yours(self.text(Text::TooManySockets), self.text(Text::TooManySocketsRemedy))
    }

    /// The request is not a valid WebSocket handshake.
    pub(crate) fn no_web_socket(self, error: impl Display) -> Problem {
        yours(self.fill(Text::NoWebSocket, &[&error]), self.text(Text::NoWebSocketRemedy))
    }

    /// The page has another origin than the portal.
    pub(crate) fn other_origin(self, origin: &str) -> Problem {
        yours(self.fill(Text::OtherOrigin, &[&quoted(origin)]), self.text(Text::OtherOriginRemedy))
    }

    pub(crate) fn connect_again_remedy(self) -> String {
        self.text(Text::ConnectAgainRemedy)
    }

    /// The page acknowledges no messages.
    pub(crate) fn page_stalled(self, limit: Duration) -> Problem {
        let message = self.fill(Text::PageStalled, &[&span(limit)]);
        yours(message, self.connect_again_remedy())
    }

    /// The page sends no `hello`.
    pub(crate) fn no_hello(self, limit: Duration) -> Problem {
        let message = self.fill(Text::NoHello, &[&span(limit)]);
        yours(message, self.reload())
    }

    /// The session is unknown, or the secret is wrong.
    pub(crate) fn session_unknown(self) -> Problem {
        let message = self.text(Text::SessionUnknown);
        yours(message, self.reload())
    }

    fn reload(self) -> String {
        self.text(Text::ReloadRemedy)
    }
}

#[cfg(test)]
mod tests;
