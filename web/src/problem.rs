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
    Problem {
        stage: Stage::Portal,
        message: message.to_owned(),
        logged: None,
        reply: None,
        cause: None,
        remedy: Some(Remedy { who: Who::You, what: what.text().to_owned() }),
    }
}

/// A problem that the user can solve.
pub(crate) fn by_user(stage: Stage, message: String, remedy: Text) -> Problem {
    let remedy = Some(Remedy { who: Who::You, what: remedy.text().to_owned() });
    Problem { stage, message, logged: None, reply: None, cause: None, remedy }
}
