//! Builds a [`Problem`] in the user's language.
//!
//! This module builds the problems of the FTPS engine's errors. Every other module has the texts of
//! its own problems in a file `problems.rs`, and builds them with [`ProblemBuilder`].
//!
//! Not translated are the server's reply, messages of the operating system and the name service, names,
//! and the details of a protocol violation, which only a developer can use.
//!
//! A path is in straight quotes in every language, so that the page can find and hide it.

use std::fmt::Display;

use ftps::{
    Cause, CertificateFault,
    error::Evidence,
    sentence::{Fact, PlaceholderValue, Sentence},
};
use protocol::{Encryption, Problem, Remedy, Stage, problem::Who};

use crate::{
    convert,
    texts::{Language, Text},
};

/// Builds problems in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProblemBuilder(Language);

/// Returns the encryption that a server proved to expect instead of the one that was tried.
pub(crate) fn expected_encryption(error: &ftps::Error) -> Option<Encryption> {
    match Cause::of(error) {
        Cause::ImplicitTlsExpected => Some(Encryption::Implicit),
        Cause::ExplicitTlsExpected => Some(Encryption::Explicit),
        _ => None,
    }
}

/// Builds a problem without cause and reply.
pub(crate) fn problem(stage: Stage, who: Who, message: String, remedy: String) -> Problem {
    let remedy = Some(Remedy { who, what: remedy });
    Problem { remedy, ..Problem::new(stage, message) }
}

/// Builds a remedy.
pub(crate) fn remedy(who: Who, what: String) -> Remedy {
    Remedy { who, what }
}

/// Replaces the message of a problem. The session log has the earlier one.
pub(crate) fn reworded(problem: Problem, message: String) -> Problem {
    let logged = problem.logged.or(Some(problem.message));
    Problem { message, logged, ..problem }
}

impl ProblemBuilder {
    /// Builds problems in a language.
    #[must_use]
    pub const fn new(language: Language) -> Self {
        Self(language)
    }

    /// Returns a text in the language.
    pub(crate) fn text(self, text: Text) -> String {
        self.0.text(text).to_owned()
    }

    /// Returns a text in the language with its placeholders filled.
    pub(crate) fn fill(self, text: Text, values: &[&dyn Display]) -> String {
        self.0.fill(text, values)
    }

    /// Returns the language.
    pub(crate) fn language(self) -> Language {
        self.0
    }

    /// Builds a problem of the portal itself that the user can solve.
    pub(crate) fn at_portal(self, message: Text, values: &[&dyn Display], remedy: Text) -> Problem {
        problem(Stage::Portal, Who::You, self.fill(message, values), self.text(remedy))
    }

    /// Builds the problem of an error of the engine: facts, likely cause, remedy.
    pub(crate) fn engine(self, error: &ftps::Error) -> Problem {
        let (message, logged) = (self.chain(error), error.chain());
        Problem {
            stage: convert::stage(error.stage()),
            logged: (logged != message).then_some(logged),
            message,
            reply: error.reply().map(ToString::to_string),
            cause: Some(self.cause(error)),
            remedy: Some(self.remedy(Cause::of(error))),
            expected_encryption: expected_encryption(error),
        }
    }

    /// Returns the error and its sources, separated by colons.
    fn chain(self, error: &ftps::Error) -> String {
        let facts = error.facts().into_iter().map(|fact| match fact {
            Fact::Sentence(sentence) => self.sentence(&sentence),
            Fact::Verbatim(text) => text,
        });
        facts.collect::<Vec<_>>().join(": ")
    }

    fn sentence(self, sentence: &Sentence) -> String {
        self.0.fill_key(sentence.code().as_str(), |place| {
            Some(match sentence.placeholder(place)? {
                PlaceholderValue::Text(text) => text.clone(),
                PlaceholderValue::Seconds(seconds) => self.0.decimal(seconds.as_secs_f32()),
            })
        })
    }

    /// Returns the reasons not to trust the certificate, if there are any, then the likely cause.
    pub(crate) fn cause(self, error: &ftps::Error) -> String {
        let faults = error.is_certificate().map_or(&[][..], |untrusted| &untrusted.faults);
        self.cause_after(faults, Cause::of(error), error.evidence())
    }

    fn cause_after(self, faults: &[CertificateFault], cause: Cause, evidence: &Evidence) -> String {
        let sentences = self.faults(faults).into_iter();
        sentences.chain([self.explanation(cause, evidence)]).collect::<Vec<_>>().join(" ")
    }

    /// Returns the text about a cause.
    pub(crate) fn explanation(self, cause: Cause, evidence: &Evidence) -> String {
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

    /// Returns the remedy for a cause.
    pub(crate) fn remedy(self, cause: Cause) -> Remedy {
        let who = match cause.who() {
            ftps::Who::You => Who::You,
            ftps::Who::ServerOperator => Who::ServerOperator,
            ftps::Who::Network => Who::Network,
            ftps::Who::PortalOperator => Who::PortalOperator,
        };
        Remedy { who, what: self.0.fill_key(&format!("{}.remedy", cause.code()), |_| None) }
    }

    /// Returns the reasons not to trust a certificate, one sentence each.
    pub(crate) fn faults(self, faults: &[CertificateFault]) -> Vec<String> {
        faults.iter().map(|fault| self.sentence(&fault.sentence())).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
