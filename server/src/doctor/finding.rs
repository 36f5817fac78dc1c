//! What a check has found, in the language of the report.

use std::fmt::Display;

use ftps::{Cause, error::Evidence as ErrorEvidence};
use protocol::{Remedy, doctor::CheckState, problem::Who};

use crate::{
    problems::{ProblemBuilder, remedy},
    texts::{Language, Text},
};

/// What a check has found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) state: CheckState,
    pub(super) says: String,
    pub(super) remedy: Option<Remedy>,
}

impl Finding {
    /// The same with a remedy.
    pub(super) fn with(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// The same with another state.
    pub(super) fn in_state(self, state: CheckState) -> Self {
        Self { state, ..self }
    }

    /// The same with a further sentence.
    pub(super) fn and(self, sentence: &str) -> Self {
        Self { says: format!("{} {sentence}", self.says), ..self }
    }

    /// Whether the steps that need this one can be made.
    pub(super) fn is_passed(&self) -> bool {
        !matches!(self.state, CheckState::Failed | CheckState::Skipped)
    }
}

/// Builds findings in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct FindingBuilder {
    language: Language,
    problems: ProblemBuilder,
}

impl FindingBuilder {
    pub(super) fn new(language: Language) -> Self {
        Self { language, problems: ProblemBuilder::new(language) }
    }

    pub(super) fn language(self) -> Language {
        self.language
    }

    pub(super) fn problems(self) -> ProblemBuilder {
        self.problems
    }

    /// A finding with this sentence.
    pub(super) fn of(self, state: CheckState, text: Text, values: &[&dyn Display]) -> Finding {
        Finding { state, says: self.language.fill(text, values), remedy: None }
    }

    pub(super) fn ok(self, text: Text, values: &[&dyn Display]) -> Finding {
        self.of(CheckState::Ok, text, values)
    }

    pub(super) fn skipped(self, text: Text) -> Finding {
        self.of(CheckState::Skipped, text, &[])
    }

    /// The failure of a step, as the engine diagnoses it.
    pub(super) fn of_error(self, error: &ftps::Error) -> Finding {
        Finding {
            state: CheckState::Failed,
            says: self.problems.cause(error),
            remedy: Some(self.problems.remedy(Cause::of(error))),
        }
    }

    /// A failure with a cause that is known without an error.
    pub(super) fn of_cause(self, cause: Cause, evidence: &ErrorEvidence) -> Finding {
        Finding {
            state: CheckState::Failed,
            says: self.problems.explanation(cause, evidence),
            remedy: Some(self.problems.remedy(cause)),
        }
    }

    /// The remedy for a cause.
    pub(super) fn remedy_for(self, cause: Cause) -> Remedy {
        self.problems.remedy(cause)
    }

    /// A remedy that the operator of the server can apply.
    pub(super) fn host_remedy(self, text: Text, values: &[&dyn Display]) -> Remedy {
        remedy(Who::ServerOperator, self.language.fill(text, values))
    }

    /// A remedy that somebody else can apply.
    pub(super) fn remedy_of(self, who: Who, text: Text) -> Remedy {
        remedy(who, self.language.text(text).to_owned())
    }
}
