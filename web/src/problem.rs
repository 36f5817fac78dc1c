//! Problems as the page states them: the names of stages and parties, and the page's own problems.

use protocol::{Problem, Remedy, Stage, problem::Who};

use crate::texts::Text;

/// The name of a stage, shown in front of a problem.
#[must_use]
pub fn stage(stage: Stage) -> &'static str {
    let word = match stage {
        Stage::Portal => Text::StagePortal,
        Stage::Resolve => Text::StageResolve,
        Stage::Policy => Text::StagePolicy,
        Stage::Connect => Text::StageConnect,
        Stage::Greeting => Text::StageGreeting,
        Stage::Auth => Text::StageAuth,
        Stage::Tls => Text::StageTls,
        Stage::Certificate => Text::StageCertificate,
        Stage::Login => Text::StageLogin,
        Stage::Protect => Text::StageProtect,
        Stage::Setup => Text::StageSetup,
        Stage::List => Text::StageList,
        Stage::MakeDirectory => Text::StageMakeDirectory,
        Stage::DataConnection => Text::StageDataConnection,
        Stage::DataTls => Text::StageDataTls,
        Stage::Transfer => Text::StageTransfer,
        Stage::Verify => Text::StageVerify,
        Stage::Rename => Text::StageRename,
        Stage::Delete => Text::StageDelete,
        Stage::Idle => Text::StageIdle,
    };
    word.text()
}

/// The name of the party that can solve a problem.
#[must_use]
pub fn who(who: Who) -> &'static str {
    let word = match who {
        Who::You => Text::WhoYou,
        Who::ServerOperator => Text::WhoHost,
        Who::Network => Text::WhoNetwork,
        Who::PortalOperator => Text::WhoOperator,
    };
    word.text()
}

/// A problem between the page and the portal, with what the user can do.
pub(crate) fn of_portal(message: &str, what: Text) -> Problem {
    by_user(Stage::Portal, message.to_owned(), what)
}

/// A problem that the user can solve.
pub(crate) fn by_user(stage: Stage, message: String, remedy: Text) -> Problem {
    let remedy = Some(Remedy { who: Who::You, what: remedy.text().to_owned() });
    Problem { remedy, ..Problem::new(stage, message) }
}

/// Says in a few words what failed while the page connected; the problem's message is for those who
/// know FTP.
#[must_use]
pub fn headline(problem: &Problem) -> &str {
    if problem.expected_encryption.is_some() {
        return Text::FailureEncryption.text();
    }
    let text = match problem.stage {
        Stage::Portal | Stage::Policy => return &problem.message,
        Stage::Resolve => Text::FailureResolve,
        Stage::Connect => Text::FailureConnect,
        Stage::Greeting | Stage::Auth | Stage::Tls => Text::FailureTls,
        Stage::Certificate => Text::FailureCertificate,
        Stage::Login => Text::FailureLogin,
        Stage::Protect | Stage::Setup | Stage::List => Text::FailureSetup,
        Stage::MakeDirectory
        | Stage::DataConnection
        | Stage::DataTls
        | Stage::Transfer
        | Stage::Verify
        | Stage::Rename
        | Stage::Delete
        | Stage::Idle => Text::FailureEnded,
    };
    text.text()
}

/// Returns whether to connect once more may help, with nothing changed.
#[must_use]
pub fn is_worth_a_retry(problem: &Problem) -> bool {
    let is_users = problem.remedy.as_ref().is_none_or(|remedy| remedy.who == Who::You);
    match problem.stage {
        Stage::Portal | Stage::Policy | Stage::Certificate => false,
        Stage::Login => !is_users,
        _ => problem.expected_encryption.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::Encryption;

    use super::*;

    #[test]
    fn another_try_is_offered_only_where_it_may_help() {
        let at = |stage, who| Problem {
            remedy: Some(Remedy { who, what: String::new() }),
            ..by_user(stage, String::new(), Text::StageLogin)
        };
        for (problem, worth) in [
            (at(Stage::Connect, Who::You), true),
            (at(Stage::Login, Who::You), false),
            (at(Stage::Login, Who::ServerOperator), true),
            (at(Stage::Policy, Who::PortalOperator), false),
            (at(Stage::Certificate, Who::You), false),
        ] {
            assert_eq!(is_worth_a_retry(&problem), worth, "{problem:?}");
        }
        let expected_encryption = Some(Encryption::Implicit);
        let other = Problem { expected_encryption, ..at(Stage::Greeting, Who::You) };
        assert!(!is_worth_a_retry(&other), "the other encryption is what helps");
    }
}
