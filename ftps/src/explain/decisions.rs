//! Explains the engine's decisions, stages and connections.

use super::Explanation;
use crate::{
    digest::Verified,
    profile::Fallback,
    stage::Stage,
    tls::TlsFacts,
    transcript::{Connection, Status},
};

/// Explains a decision of the engine.
#[must_use]
pub fn status(status: &Status) -> Explanation {
    match status {
        Status::Connecting { .. } => Explanation::StatusConnecting,
        Status::ConnectingData { .. } => Explanation::StatusConnectingData,
        Status::ThroughProxy { .. } => Explanation::StatusThroughProxy,
        Status::Probing { .. } => Explanation::StatusProbing,
        Status::TryingAuthSsl => Explanation::StatusTryingAuthSsl,
        Status::BannerLimitsTls { .. } => Explanation::StatusBannerLimitsTls,
        Status::AlpnRefused => Explanation::StatusAlpnRefused,
        Status::Reconnecting => Explanation::StatusReconnecting,
        Status::TlsTooEarly => Explanation::StatusTlsTooEarly,
        Status::MlsdRefused => Explanation::StatusMlsdRefused,
        Status::LinesFolded { .. } => Explanation::StatusLinesFolded,
        Status::LinesOmitted { .. } => Explanation::StatusLinesOmitted,
        Status::NoPasswordNeeded => Explanation::StatusNoPasswordNeeded,
        Status::NoFeatures => Explanation::StatusNoFeatures,
        Status::Utf8Refused => Explanation::StatusUtf8Refused,
        Status::LoggedIn { .. } => Explanation::StatusLoggedIn,
        Status::EpsvRefused => Explanation::StatusEpsvRefused,
        Status::EpsvUnreachable { .. } => Explanation::StatusEpsvUnreachable,
        Status::PassiveAddressIgnored { .. } => Explanation::StatusPassiveAddressIgnored,
        Status::OtherCodeEndsReply => Explanation::StatusOtherCodeEndsReply,
        Status::UnexpectedReply => Explanation::StatusUnexpectedReply,
        Status::MisplacedReply => Explanation::StatusMisplacedReply,
        Status::NoCloseNotify => Explanation::StatusNoCloseNotify,
        Status::Transferred { .. } => Explanation::StatusTransferred,
        Status::Listed { .. } => Explanation::StatusListed,
        Status::ListingCutOff { .. } => Explanation::StatusListingCutOff,
        Status::ServerClock { .. } => Explanation::StatusServerClock,
        Status::ServerClockUndetermined => Explanation::StatusServerClockUnknown,
        Status::DirectoryExists { .. } => Explanation::StatusDirectoryExists,
        Status::DirectoryNamed { .. } => Explanation::StatusDirectoryNamed,
        Status::Aborted => Explanation::StatusAborted,
        Status::Suspended { .. } => Explanation::StatusSuspended,
        Status::Resynchronising => Explanation::StatusResynchronising,
        Status::FallingBack(Fallback::Tls12) => Explanation::StatusFallbackTls12,
        Status::FallingBack(Fallback::WithoutAlpn) => Explanation::StatusFallbackWithoutAlpn,
        Status::FallingBack(Fallback::NewConnection) => Explanation::StatusFallbackNewConnection,
        Status::FallingBack(Fallback::WithoutPipelining) => {
            Explanation::StatusFallbackWithoutPipelining
        }
        Status::Rotating { .. } => Explanation::StatusSessionReplaced,
        Status::TryingAgain { .. } => Explanation::StatusTryingAgain,
        Status::WaitingForSession => Explanation::StatusWaitingForSession,
        Status::SessionsLimited { .. } => Explanation::StatusSessionsLimited,
        Status::Resuming { .. } => Explanation::StatusResuming,
        Status::StartingOver { .. } => Explanation::StatusStartingOver,
        Status::TailVerified { .. } => Explanation::StatusEndVerified,
        Status::ReplyLost { .. } => Explanation::StatusReplyLost,
        Status::AlreadyComplete { .. } => Explanation::StatusAlreadyComplete,
        Status::AdoptingFile { .. } => Explanation::StatusContinuingFile,
        Status::WritingThroughLink { .. } => Explanation::StatusWritingThroughLink,
        Status::ModeNotKept { .. } => Explanation::StatusModeNotKept,
        Status::BeginningUnproven => Explanation::StatusBeginningUnproven,
        Status::BeginningDiffers { .. } => Explanation::StatusBeginningDiffers,
        Status::AdoptedFileKept { .. } => Explanation::StatusFileKept,
        Status::TemporaryNameLocked { .. } => Explanation::StatusFileLocked,
        Status::RenameReplyLost { .. } => Explanation::StatusRenameReplyLost,
        Status::RestartRefused => Explanation::StatusRestartRefused,
        Status::AppendRefused => Explanation::StatusAppendRefused,
        Status::RenameForbidden => Explanation::StatusRenameForbidden,
        Status::RenamesRefused => Explanation::StatusRenamesRefused,
        Status::RenamesIgnored => Explanation::StatusRenamesIgnored,
        Status::FileTaken { .. } => Explanation::StatusFileTaken,
        Status::ModeUntold { .. } => Explanation::StatusModeUntold,
        Status::TemporaryNameRefused { .. } => Explanation::StatusTemporaryNameRefused,
        Status::MakingTemporaryDirectory { .. } => Explanation::StatusTemporaryDirectory,
        Status::PartFileTaken { .. } => Explanation::StatusPartFileTaken,
        Status::SizeCameLate { .. } => Explanation::StatusSizeCameLate,
        Status::WritingInPlace { .. } => Explanation::StatusWritingInPlace,
        Status::MovedAside { .. } => Explanation::StatusMovedAside,
        Status::TargetUnknown { .. } => Explanation::StatusTargetUnknown,
        Status::DateRefused => Explanation::StatusDateRefused,
        Status::DigestRefused => Explanation::StatusDigestRefused,
        Status::Checked(Verified::Digest(_)) => Explanation::StatusVerifiedDigest,
        Status::Checked(Verified::Size { .. }) => Explanation::StatusVerifiedSize,
        Status::Checked(Verified::ReplyOnly) => Explanation::StatusVerifiedReplyOnly,
    }
}

/// Explains a stage; `None` where its commands are explained instead.
#[must_use]
pub fn stage(stage: Stage) -> Option<Explanation> {
    Some(match stage {
        Stage::Greeting => Explanation::StageGreeting,
        Stage::Auth => Explanation::StageAuth,
        Stage::Tls => Explanation::StageTls,
        Stage::Certificate => Explanation::StageCertificate,
        Stage::Login => Explanation::StageLogin,
        Stage::Protect => Explanation::StageProtect,
        Stage::Setup => Explanation::StageSetup,
        Stage::Connect
        | Stage::List
        | Stage::MakeDirectory
        | Stage::DataConnection
        | Stage::DataTls
        | Stage::Transfer
        | Stage::Verify
        | Stage::Rename
        | Stage::Delete
        | Stage::Attributes
        | Stage::Idle => return None,
    })
}

/// Explains the encryption of a connection.
#[must_use]
pub fn tls(connection: Connection, facts: &TlsFacts) -> Explanation {
    match (connection, facts.resumed) {
        (Connection::Control, _) => Explanation::TlsControl,
        (Connection::Data(_), true) => Explanation::TlsDataResumed,
        (Connection::Data(_), false) => Explanation::TlsDataNew,
    }
}
