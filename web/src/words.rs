//! What the program says of each thing, in the words of [`crate::sentences`].

use std::time::Duration;

use protocol::{
    Encryption, Problem, Remedy, Stage,
    problem::Who,
    server::{Algorithm, Certificate, EntryKind, FileDigest, LogKind, Tally, Tls, Verified},
};

use crate::{
    connection::Destination,
    format, mask,
    page::BulkAction,
    queue::{self, FileAccess, Outage, PauseState, Skipped, State, Stored, Totals, Upload},
    recent::RecentDestination,
    remote::{ChangeDialog, RemoteChange},
    sentences::{Counted, Word},
    time::millis,
};

/// A step that takes less is told in milliseconds.
const SHORT_STEP: Duration = Duration::from_secs(10);
/// Digits of a digest that tell two files apart at a glance.
const DIGEST_GLANCE_DIGITS: usize = 8;

const FILES: Counted = Counted { one: Word::NumberFilesOne, other: Word::NumberFilesOther };
const DIRECTORIES: Counted =
    Counted { one: Word::NumberDirectoriesOne, other: Word::NumberDirectoriesOther };
const RESTORED: Counted =
    Counted { one: Word::RestoredUploadsOne, other: Word::RestoredUploadsOther };
const LINES_MISSING: Counted = Counted { one: Word::LogMissingOne, other: Word::LogMissingOther };
const LEFT_OUT: Counted = Counted { one: Word::RemoteLeftOutOne, other: Word::RemoteLeftOutOther };

/// What is said of a stop for those who do not see it.
#[must_use]
pub fn stop_passed() -> &'static str {
    Word::StopPassed.text()
}

/// The stop at hand.
#[must_use]
pub fn stop_current() -> &'static str {
    Word::StopCurrent.text()
}

/// A stop to come.
#[must_use]
pub fn stop_ahead() -> &'static str {
    Word::StopAhead.text()
}

/// The stop where it ended.
#[must_use]
pub fn stop_failed() -> &'static str {
    Word::StopFailed.text()
}

/// How long a step took.
#[must_use]
pub fn step_took(took: Duration) -> String {
    if took < SHORT_STEP {
        Word::NumberMillis.fill(&[&millis(took)])
    } else {
        format::duration(took)
    }
}

/// A doubt about a certificate that replaced a trusted one.
#[must_use]
pub fn other_certificate() -> &'static str {
    Word::CertificateAnother.text()
}

/// Nothing is connected.
#[must_use]
pub fn not_connected() -> &'static str {
    Word::ConnectionNone.text()
}

/// The person disconnected.
#[must_use]
pub fn disconnected() -> &'static str {
    Word::ConnectionEnded.text()
}

/// The portal is being asked for a session.
#[must_use]
pub fn reconnecting() -> &'static str {
    Word::ConnectionLost.text()
}

/// Uploads were broken off.
#[must_use]
pub fn retry_to_go_on() -> &'static str {
    Word::ConnectionRetryToGoOn.text()
}

/// The browser says that there is no network.
#[must_use]
pub fn offline() -> &'static str {
    Word::ConnectionOffline.text()
}

/// Back after a break.
#[must_use]
pub fn back_again() -> &'static str {
    Word::ConnectionAgain.text()
}

/// Said when a person did something with all uploads, or with those of a folder; nothing where
/// what is seen says enough.
#[must_use]
pub fn acted_on(folder: Option<&str>, bulk: BulkAction) -> Option<String> {
    let (all, folders) = match bulk {
        BulkAction::Pause => (Word::SayAllPaused, Word::SayFolderPaused),
        BulkAction::Resume => (Word::SayAllResumed, Word::SayFolderResumed),
        BulkAction::Cancel => (Word::SayAllCancelled, Word::SayFolderCancelled),
        BulkAction::RetryFailed | BulkAction::ClearFinished => return None,
    };
    Some(match folder {
        None => all.text().to_owned(),
        Some(folder) => folders.fill(&[&format::visible(folder)]),
    })
}

/// The summary is on the clipboard.
#[must_use]
pub fn summary_copied() -> &'static str {
    Word::SayCopied.text()
}

/// The summary is selected, because the browser lets no page write to the clipboard here.
#[must_use]
pub fn summary_selected() -> &'static str {
    Word::SaySelected.text()
}

/// Under a listing that waits for its answer while uploads are under way.
#[must_use]
pub fn listing_waits() -> &'static str {
    Word::RemoteWaits.text()
}

/// How a stop is called; a stage that is none has the name of its stage.
#[must_use]
pub fn stop(at: Stage) -> &'static str {
    match at {
        Stage::Resolve => Word::StopResolve.text(),
        Stage::Connect => Word::StopConnect.text(),
        Stage::Tls => Word::StopTls.text(),
        Stage::Certificate => Word::StopCertificate.text(),
        Stage::Login => Word::StopLogin.text(),
        Stage::Protect => Word::StopProtect.text(),
        Stage::List => Word::StopList.text(),
        other => stage(other),
    }
}

/// How one stage is called in front of a problem.
#[must_use]
pub fn stage(stage: Stage) -> &'static str {
    let word = match stage {
        Stage::Portal => Word::StagePortal,
        Stage::Resolve => Word::StageResolve,
        Stage::Policy => Word::StagePolicy,
        Stage::Connect => Word::StageConnect,
        Stage::Greeting => Word::StageGreeting,
        Stage::Auth => Word::StageAuth,
        Stage::Tls => Word::StageTls,
        Stage::Certificate => Word::StageCertificate,
        Stage::Login => Word::StageLogin,
        Stage::Protect => Word::StageProtect,
        Stage::Setup => Word::StageSetup,
        Stage::List => Word::StageList,
        Stage::MakeDirectory => Word::StageMakeDirectory,
        Stage::DataConnection => Word::StageDataConnection,
        Stage::DataTls => Word::StageDataTls,
        Stage::Transfer => Word::StageTransfer,
        Stage::Verify => Word::StageVerify,
        Stage::Rename => Word::StageRename,
        Stage::Delete => Word::StageDelete,
        Stage::Idle => Word::StageIdle,
    };
    word.text()
}

/// Who can mend a problem.
#[must_use]
pub fn who(who: Who) -> &'static str {
    let word = match who {
        Who::You => Word::WhoYou,
        Who::Host => Word::WhoHost,
        Who::Network => Word::WhoNetwork,
        Who::Operator => Word::WhoOperator,
    };
    word.text()
}

/// Which FTPS session a line of the log belongs to: a page's uploads run over several at once.
#[must_use]
pub fn ftps_session(number: u32) -> String {
    Word::LogSession.fill(&[&number])
}

/// An error of the log, for those who listen.
#[must_use]
pub fn error_said(text: &str) -> String {
    Word::LogErrorSaid.fill(&[&text])
}

/// Under a line of the log that needs no explanation.
#[must_use]
pub fn explanation_none(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Error => Word::LogErrorPassing.text(),
        LogKind::Status | LogKind::Command | LogKind::Response => Word::LogExplanationNone.text(),
    }
}

/// Under a line of the log whose explanation did not arrive.
#[must_use]
pub fn explanations_missing() -> &'static str {
    Word::LogExplanationsMissing.text()
}

/// Which of the places where the text stands is the one at hand, from 1.
#[must_use]
pub fn found(at: u32, number: u32) -> String {
    match number {
        0 => Word::LogFoundNone.text().to_owned(),
        number => Word::LogFound.fill(&[&at, &number]),
    }
}

/// The log was copied.
#[must_use]
pub fn log_copied(lines: usize) -> String {
    Word::LogCopied.fill(&[&lines])
}

/// The browser refused.
#[must_use]
pub fn copy_refused() -> &'static str {
    Word::LogCopyRefused.text()
}

/// Above a log that is copied or downloaded.
#[must_use]
pub fn log_head(date: &str, browser: &str, greeting: &str) -> String {
    Word::LogHead.fill(&[&env!("CARGO_PKG_VERSION"), &date, &browser, &greeting])
}

/// What stands in the log instead of a name that is hidden.
#[must_use]
pub fn masked(kind: mask::NameKind, number: u32) -> String {
    let word = match kind {
        mask::NameKind::Host => Word::LogMaskedHost,
        mask::NameKind::User => Word::LogMaskedUser,
        mask::NameKind::Path => Word::LogMaskedPath,
    };
    word.fill(&[&number])
}

/// Who speaks in a line of the log.
#[must_use]
pub fn log_kind(kind: LogKind) -> &'static str {
    let word = match kind {
        LogKind::Status => Word::LogStatus,
        LogKind::Command => Word::LogCommand,
        LogKind::Response => Word::LogResponse,
        LogKind::Error => Word::LogError,
    };
    word.text()
}

/// An upload's status. In English its first words are a contract with those who look for them.
#[must_use]
pub fn status(upload: &Upload) -> String {
    let word = match upload.state() {
        State::Queued => Word::StatusQueued,
        State::Paused if upload.taken() > 0 => return paused(upload),
        State::Paused => Word::StatusPausedBefore,
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (queue::Phase::Verifying, _) => Word::StatusVerifying,
            (_, PauseState::Paused) => return paused(upload),
            (_, PauseState::Unreadable) => Word::StatusFailed,
            (queue::Phase::Offered, _) => Word::StatusQueuedNext,
            (queue::Phase::Sending, _) => return uploading(upload),
            (queue::Phase::Retrying, _) => {
                return Word::StatusTryingAgain.fill(&[&format::bytes(upload.taken())]);
            }
        },
        State::Done(stored) => return done(upload, stored),
        State::Interrupted => match upload.source() {
            FileAccess::Available => Word::StatusInterrupted,
            FileAccess::ByHandle => Word::StatusPressContinue,
            FileAccess::Missing => Word::StatusPickAgain,
        },
        State::Skipped(Skipped::ServerFileKept) => Word::StatusKept,
        State::Skipped(Skipped::NotNewer) => Word::StatusNotNewer,
        State::Skipped(Skipped::Cancelled) => Word::StatusCancelled,
        State::Failed(_) => Word::StatusFailed,
        State::NeedsDecision(existing) if existing.size == Some(upload.size()) => {
            Word::StatusExistsSameSize
        }
        State::NeedsDecision(_) => Word::StatusExists,
    };
    word.text().to_owned()
}

fn paused(upload: &Upload) -> String {
    Word::StatusPaused.fill(&[&format::bytes(upload.taken())])
}

fn done(upload: &Upload, stored: &Stored) -> String {
    let how = match stored.verified {
        Verified::Digest => Word::StatusDoneDigest,
        Verified::Size => Word::StatusDoneSize,
        Verified::ReplyOnly => Word::StatusDoneReply,
    };
    match upload.renamed() {
        Some(path) => Word::StatusDoneAs.fill(&[&how.text(), &format::visible(&path)]),
        None => how.text().to_owned(),
    }
}

/// How a digest is called.
#[must_use]
pub fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "BLAKE3",
        Algorithm::Crc32 => "CRC-32",
        Algorithm::Sha256 => "SHA-256",
    }
}

/// A digest in short: `BLAKE3 1f3a9c0d…`.
#[must_use]
pub fn digest_glance(digest: &FileDigest) -> String {
    let shown: String = digest.hex.chars().take(DIGEST_GLANCE_DIGITS).collect();
    let rest = if shown.len() < digest.hex.len() { "…" } else { "" };
    [algorithm(digest.algorithm), " ", &*format::visible(&shown), rest].concat()
}

/// Who made a digest and found it equal.
#[must_use]
pub fn digest_makers(stored: &Stored) -> &'static str {
    let word = match (stored.page_agrees, stored.verified) {
        (true, Verified::Digest) => Word::DigestEverywhere,
        (true, Verified::Size | Verified::ReplyOnly) => Word::DigestBrowserAndPortal,
        (false, Verified::Digest) => Word::DigestPortalAndServer,
        (false, Verified::Size | Verified::ReplyOnly) => Word::DigestPortal,
    };
    word.text()
}

/// The same while the link to the portal is lost: what is open goes on by itself.
#[must_use]
pub fn status_during_outage(upload: &Upload, outage: Outage) -> String {
    let State::Open(open) = upload.state() else { return status(upload) };
    if let PauseState::Paused | PauseState::Unreadable = open.pause_state() {
        return status(upload);
    }
    let at = format::bytes(upload.taken());
    match outage.retry_in {
        Some(left) => Word::StatusCutNextTry.fill(&[&at, &format::duration(left)]),
        None => Word::StatusCut.fill(&[&at]),
    }
}

fn uploading(upload: &Upload) -> String {
    let taken = format::bytes(upload.taken());
    let rest = upload.size() - upload.taken();
    let rate = upload.rate().bytes_per_second().filter(|rate| *rate > 0).map(format::rate);
    let left = upload.rate().time_for(rest).filter(|left| worth_saying(*left));
    match (rate, left.map(format::duration)) {
        (None, None) => Word::StatusUploading.fill(&[&taken]),
        (Some(rate), None) => Word::StatusUploadingRate.fill(&[&taken, &rate]),
        (None, Some(left)) => Word::StatusUploadingLeft.fill(&[&taken, &left]),
        (Some(rate), Some(left)) => Word::StatusUploadingRateLeft.fill(&[&taken, &rate, &left]),
    }
}

fn worth_saying(left: Duration) -> bool {
    left >= Duration::from_secs(2) && left < Duration::from_secs(100 * 3600)
}

/// A file's size and date, side by side with another's. `date` is by the person's clock.
#[must_use]
pub fn size_and_date(size: Option<u64>, date: Option<&str>) -> String {
    let size = size.map_or_else(|| Word::NumberUnknownSize.text().to_owned(), format::exact_bytes);
    Word::NumberSizeAndDate.fill(&[&size, &date.unwrap_or_else(|| Word::NumberUnknownDate.text())])
}

/// Which of two files is newer, if both dates are known.
#[must_use]
pub fn which_is_newer(ours: Option<i64>, theirs: Option<i64>) -> &'static str {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours > theirs => Word::NewerOurs.text(),
        (Some(ours), Some(theirs)) if ours < theirs => Word::NewerTheirs.text(),
        (_, _) => "",
    }
}

/// The progress of one upload, spoken.
#[must_use]
pub fn spoken_progress(upload: &Upload) -> String {
    progress(upload.taken(), upload.size())
}

fn progress(taken: u64, size: u64) -> String {
    Word::NumberProgress.fill(&[&format::bytes(taken), &format::bytes(size)])
}

/// All uploads in a few words, for the heading.
#[must_use]
pub fn count(totals: &Totals) -> String {
    match totals.files {
        0 => String::new(),
        files => Word::TotalCount.fill(&[&totals.done, &files]),
    }
}

/// All uploads in a line.
#[must_use]
pub fn total(totals: &Totals, rate: Option<u64>, left: Option<Duration>) -> String {
    let mut parts = vec![progress(totals.taken, totals.bytes)];
    if totals.active > 0 {
        let left = left.filter(|left| worth_saying(*left)).map(format::duration);
        parts.extend(rate.filter(|rate| *rate > 0).map(format::rate));
        parts.extend(left.map(|left| Word::TotalLeft.fill(&[&left])));
    }
    parts.extend(not_stored(totals));
    parts.join(" · ")
}

/// How many are not stored, for each reason.
fn not_stored(totals: &Totals) -> impl Iterator<Item = String> {
    let reasons = [
        (totals.failed, Word::TotalFailed),
        (totals.waiting, Word::TotalWaiting),
        (totals.paused, Word::TotalPaused),
        (totals.skipped, Word::TotalSkipped),
    ];
    let there = reasons.into_iter().filter(|(number, _)| *number > 0);
    there.map(|(number, word)| word.fill(&[&number]))
}

/// A folder's uploads in a line.
#[must_use]
pub fn folder_total(totals: &Totals) -> String {
    let mut parts = vec![count(totals), format::bytes(totals.bytes)];
    parts.extend(not_stored(totals));
    parts.join(" · ")
}

/// What a folder is called in the list of uploads.
#[must_use]
pub fn folder(path: &str) -> String {
    Word::FolderName.fill(&[&format::visible(path)])
}

/// What became of all uploads.
#[must_use]
pub fn summary(totals: &Totals, took: Duration, rate: Option<u64>) -> String {
    let (files, size) = (FILES.fill(totals.done), format::bytes(totals.stored));
    let took = format::duration(took);
    let stored = match rate {
        Some(rate) => Word::SummaryRate.fill(&[&files, &size, &took, &format::rate(rate)]),
        None => Word::SummaryStored.fill(&[&files, &size, &took]),
    };
    let mut parts = vec![stored];
    parts.extend(not_stored(totals));
    parts.join(" · ")
}

/// How all uploads are, in the window's title and its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is nothing to tell.
    Idle,
    /// Something is under way.
    Sending,
    /// What is left is paused.
    Paused,
    /// All are stored.
    Done,
    /// What is left needs the person.
    Attention,
}

/// How all uploads are.
#[must_use]
pub fn condition(totals: &Totals) -> Condition {
    match (totals.active, totals.failed + totals.waiting) {
        (1.., _) => Condition::Sending,
        (0, 1..) => Condition::Attention,
        (0, 0) if totals.paused > 0 => Condition::Paused,
        (0, 0) if totals.done > 0 => Condition::Done,
        (0, 0) => Condition::Idle,
    }
}

/// The window's title.
#[must_use]
pub fn title(totals: &Totals) -> String {
    let word = match condition(totals) {
        Condition::Sending => return Word::TitleSending.fill(&[&(totals.permille() / 10)]),
        Condition::Idle => Word::TitleIdle,
        Condition::Paused => Word::TitlePaused,
        Condition::Done => Word::TitleDone,
        Condition::Attention => Word::TitleAttention,
    };
    word.text().to_owned()
}

/// Said once when nothing is left to do.
#[must_use]
pub fn finished(totals: &Totals) -> String {
    let done = FILES.fill(totals.done);
    let (failed, waiting) = (totals.failed, totals.waiting);
    match (totals.failed, totals.waiting) {
        (0, 0) => Word::SayFinished.fill(&[&done]),
        (_, 0) => Word::SayFinishedFailed.fill(&[&done, &failed]),
        (0, _) => Word::SayWaiting.fill(&[&done, &waiting]),
        (_, _) => Word::SayFailedWaiting.fill(&[&done, &failed, &waiting]),
    }
}

/// Said at each quarter of the way.
#[must_use]
pub fn milestone(permille: u64, totals: &Totals) -> String {
    Word::SayMilestone.fill(&[&(permille / 10), &totals.done, &FILES.fill(totals.files)])
}

/// Said when files were picked.
#[must_use]
pub fn added(number: usize) -> String {
    Word::SayAdded.fill(&[&FILES.fill(number as u64)])
}

/// Said when rows were taken out of the list.
#[must_use]
pub fn cleared(number: usize) -> String {
    Word::SayCleared.fill(&[&FILES.fill(number as u64)])
}

/// Said when an upload failed.
#[must_use]
pub fn failed(path: &str, problem: &Problem) -> String {
    Word::SayFailed.fill(&[&format::visible(path), &format::visible(&problem.message)])
}

/// Said when an upload waits for a decision.
#[must_use]
pub fn asks(path: &str) -> String {
    Word::SayAsks.fill(&[&format::visible(path)])
}

/// Where the page is connected to.
#[must_use]
pub fn connected_to(host: &str) -> String {
    Word::ConnectionTo.fill(&[&format::visible(host)])
}

/// Where the page is on its way to.
#[must_use]
pub fn connecting_to(host: &str) -> String {
    Word::ConnectionOnTheWayTo.fill(&[&format::visible(host)])
}

/// Host, port and address, for the facts.
#[must_use]
pub fn server_fact(host: &str, port: u16, address: &str) -> String {
    let (host, address) = (format::visible(host), format::visible(address));
    // An IPv6 address stands in brackets; the person may have typed it without.
    let says_host = [&*address, address.trim_start_matches('[')];
    if address.is_empty() || says_host.iter().any(|address| address.starts_with(&*host)) {
        Word::ConnectionPlace.fill(&[&host, &port])
    } else {
        Word::ConnectionPlaceAndAddress.fill(&[&host, &port, &address])
    }
}

/// Who is logged in, and how it is encrypted, for a line of its own.
#[must_use]
pub fn user_and_tls(user: &str, tls: &Tls) -> String {
    [&*format::visible(user), " · ", &*format::visible(&tls.version)].concat()
}

/// The control connection's TLS, and when it starts.
#[must_use]
pub fn control_tls(tls: &Tls, encryption: Encryption) -> String {
    let word = match encryption {
        Encryption::Explicit => Word::ConnectionExplicitTls,
        Encryption::Implicit => Word::ConnectionImplicitTls,
    };
    word.fill(&[&format::visible(&tls.version)])
}

/// Whether an earlier TLS session was resumed.
#[must_use]
pub fn tls_session(tls: &Tls) -> &'static str {
    if tls.resumed { Word::ProofResumed.text() } else { Word::ProofNew.text() }
}

/// A connection's encryption in one line; `version` may say more than the version.
#[must_use]
pub fn tls_in_short(version: &str, tls: &Tls) -> String {
    let facts = [version, &format::visible(&tls.cipher_suite)].join(", ");
    Word::ProofShort.fill(&[&facts, &tls_session(tls)])
}

/// There was no data connection so far.
#[must_use]
pub fn no_data_connection() -> &'static str {
    Word::ProofNoneYet.text()
}

/// Who vouches for the certificate.
#[must_use]
pub fn trusted_by(person: bool) -> &'static str {
    if person { Word::ProofByYou.text() } else { Word::ProofByPortal.text() }
}

/// The link is in the clipboard.
#[must_use]
pub fn link_copied() -> &'static str {
    Word::CopiedLink.text()
}

/// The same for the fingerprint.
#[must_use]
pub fn fingerprint_copied() -> &'static str {
    Word::CopiedFingerprint.text()
}

/// The browser does not let the page copy; the link stands in its address bar instead.
#[must_use]
pub fn link_in_address() -> &'static str {
    Word::CopiedToAddress.text()
}

/// The browser does not let the page copy.
#[must_use]
pub fn not_copied() -> &'static str {
    Word::CopiedNot.text()
}

/// There was a password in the address that was put into the host's field.
#[must_use]
pub fn password_moved() -> &'static str {
    Word::FormPasswordMoved.text()
}

/// There was a password in the link.
#[must_use]
pub fn password_ignored() -> &'static str {
    Word::FormPasswordIgnored.text()
}

/// Who and where, of a destination that this browser remembers.
#[must_use]
pub fn recent_place(destination: &Destination) -> String {
    let (username, host) = (&destination.username, &destination.host);
    [&*format::visible(username), "@", &*format::visible(host)].concat()
}

/// How to get there; `encryption` is what the form calls it.
#[must_use]
pub fn recent_how(recent: &RecentDestination, encryption: &str) -> String {
    let port = recent.destination.port;
    match recent.folder.as_str() {
        "" => Word::RecentHow.fill(&[&encryption, &port]),
        folder => Word::RecentHowAndFolder.fill(&[&encryption, &port, &format::visible(folder)]),
    }
}

/// The button that takes a remembered destination out.
#[must_use]
pub fn recent_remove(place: &str) -> String {
    Word::RecentRemove.fill(&[&place])
}

/// The folder to begin in could not be opened.
#[must_use]
pub fn no_such_begin(path: &str, message: &str) -> String {
    Word::RemoteNoSuchBegin.fill(&[&format::visible(path), &format::visible(message)])
}

/// Under the choice of encryption.
#[must_use]
pub fn encryption_hint(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Explicit => Word::ConnectionExplicitHint.text(),
        Encryption::Implicit => Word::ConnectionImplicitHint.text(),
    }
}

/// The names in a certificate.
#[must_use]
pub fn names(certificate: &Certificate) -> String {
    if certificate.names.is_empty() {
        return Word::CertificateNoNames.text().to_owned();
    }
    certificate.names.join(", ")
}

/// How long until the next try.
#[must_use]
pub fn retry_in(left: Duration) -> String {
    Word::ConnectionLostNextTry.fill(&[&format::duration(left)])
}

/// Said when rows of an earlier page are there again; also above them.
#[must_use]
pub fn restored(number: usize) -> String {
    RESTORED.fill(number as u64)
}

/// What has to be done so that rows of an earlier page go on.
#[must_use]
pub fn to_go_on(connected: bool, source: FileAccess) -> &'static str {
    let word = match (connected, source) {
        (false, FileAccess::ByHandle) => Word::RestoredConnectAndContinue,
        (false, _) => Word::RestoredConnectAndPick,
        (true, FileAccess::ByHandle) => Word::RestoredContinue,
        (true, _) => Word::RestoredPick,
    };
    word.text()
}

/// Said when files of an earlier page were found.
#[must_use]
pub fn files_found(number: usize) -> String {
    Word::SayFound.fill(&[&FILES.fill(number as u64)])
}

/// A file that is not the one that an earlier page was uploading.
#[must_use]
pub fn other_file(path: &str) -> String {
    Word::NoticeOtherFile.fill(&[&format::visible(path)])
}

/// The session goes on elsewhere.
#[must_use]
pub fn taken_over() -> Problem {
    problem(Word::ProblemTakenOver.text(), Word::ProblemTakenOverRemedy)
}

/// The page was loaded again, and holds no password.
#[must_use]
pub fn password_needed() -> Problem {
    problem(Word::ProblemPassword.text(), Word::ProblemPasswordRemedy)
}

/// A line in the log where lines are missing.
#[must_use]
pub fn lines_missing(number: u64) -> String {
    LINES_MISSING.fill(number)
}

/// Under a listing that is not complete.
#[must_use]
pub fn left_out(number: u64) -> String {
    LEFT_OUT.fill(number)
}

/// A folder that the server did not make.
#[must_use]
pub fn folder_not_made(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    match &problem.reply {
        Some(reply) => Word::NoticeNoFolderReply.fill(&[&path, &message, &format::visible(reply)]),
        None => Word::NoticeNoFolder.fill(&[&path, &message]),
    }
}

/// What an upload left on the server, and could not be removed.
#[must_use]
pub fn leftover_not_removed(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    Word::NoticeLeftover.fill(&[&path, &message])
}

/// Something on the server was not renamed, or not deleted.
#[must_use]
pub fn not_changed(path: &str, problem: &Problem) -> String {
    Word::NoticeNotChanged.fill(&[&format::visible(path), &format::visible(&problem.message)])
}

/// A name for something on the server is missing.
#[must_use]
pub fn name_missing(stage: Stage) -> Problem {
    yours(stage, Word::RemoteNameMissing.text().to_owned(), Word::RemoteNameMissingRemedy)
}

/// Nothing on the server can have this name.
#[must_use]
pub fn no_name(stage: Stage, name: &str) -> Problem {
    yours(stage, Word::RemoteNoName.fill(&[&name]), Word::RemoteNoNameRemedy)
}

/// Something in the directory in view has this name.
#[must_use]
pub fn name_taken(stage: Stage, name: &str) -> Problem {
    yours(stage, Word::RemoteNameTaken.fill(&[&name]), Word::RemoteNameTakenRemedy)
}

/// The connection broke before the answer to what the person wanted.
#[must_use]
pub fn unanswered(stage: Stage) -> Problem {
    yours(stage, Word::RemoteBroken.text().to_owned(), Word::RemoteBrokenRemedy)
}

fn yours(stage: Stage, message: String, remedy: Word) -> Problem {
    let remedy = Some(Remedy { who: Who::You, what: remedy.text().to_owned() });
    Problem { stage, message, logged: None, reply: None, cause: None, remedy }
}

/// Said when something was made, renamed or deleted on the server; `name` is what it is called now.
#[must_use]
pub fn change_done(change: &RemoteChange, name: &str) -> String {
    let name = format::visible(name);
    match change {
        RemoteChange::MakeDirectory => Word::RemoteMade.fill(&[&name]),
        RemoteChange::Rename(entry) => {
            Word::RemoteRenamed.fill(&[&format::visible(&entry.name), &name])
        }
        RemoteChange::Delete(_) | RemoteChange::DeleteAll(_) | RemoteChange::Remove(_) => {
            Word::RemoteDeleted.fill(&[&name])
        }
    }
}

/// The question about something on the server.
#[must_use]
pub fn change_title(change: &RemoteChange) -> String {
    let (word, name) = match change {
        RemoteChange::MakeDirectory => return Word::RemoteMakeTitle.text().to_owned(),
        RemoteChange::Rename(entry) => (Word::RemoteRenameTitle, &entry.name),
        RemoteChange::Delete(entry) if entry.kind != EntryKind::Directory => {
            (Word::RemoteDeleteFile, &entry.name)
        }
        RemoteChange::Delete(entry) | RemoteChange::DeleteAll(entry) => {
            (Word::RemoteDeleteDirectory, &entry.name)
        }
        RemoteChange::Remove(entry) => {
            (Word::RemoteRemoveTitle, entry.leftover_of.as_ref().unwrap_or(&entry.name))
        }
    };
    word.fill(&[&format::visible(name)])
}

/// What comes of it.
#[must_use]
pub fn change_consequence(change: &RemoteChange) -> &'static str {
    match change {
        RemoteChange::MakeDirectory | RemoteChange::Rename(_) => "",
        RemoteChange::Delete(entry) if entry.kind == EntryKind::Directory => {
            Word::RemoteDeleteDirectoryText.text()
        }
        RemoteChange::Delete(_) => Word::RemoteDeleteFileText.text(),
        RemoteChange::DeleteAll(_) => Word::RemoteDeleteAllText.text(),
        RemoteChange::Remove(_) => Word::RemoteRemoveText.text(),
    }
}

/// The button that does it.
#[must_use]
pub fn change_button(change: &RemoteChange) -> &'static str {
    let word = match change {
        RemoteChange::MakeDirectory => Word::RemoteMake,
        RemoteChange::Rename(_) => Word::RemoteRename,
        RemoteChange::Delete(_) => Word::RemoteDelete,
        RemoteChange::DeleteAll(_) => Word::RemoteDeleteAll,
        RemoteChange::Remove(_) => Word::RemoteRemove,
    };
    word.text()
}

/// Under a question that was answered: the server is asked, or how far a deletion came.
#[must_use]
pub fn change_state(dialog: &ChangeDialog) -> String {
    match dialog.part() {
        _ if dialog.is_pending() => Word::RemoteAsked.text().to_owned(),
        None => String::new(),
        Some((gone, None)) => Word::RemoteDeletedPart.fill(&[&tally(gone)]),
        Some((gone, Some(left))) => Word::RemoteDeletedPartLeft.fill(&[&tally(gone), &tally(left)]),
    }
}

fn tally(tally: Tally) -> String {
    Word::RemoteTally.fill(&[&FILES.fill(tally.files), &DIRECTORIES.fill(tally.directories)])
}

/// What a file under a temporary name is.
#[must_use]
pub fn leftover(of: &str) -> String {
    Word::RemoteLeftover.fill(&[&format::visible(of)])
}

/// A file that is not what it was when it was picked.
#[must_use]
pub fn file_changed() -> Problem {
    Problem {
        stage: Stage::Transfer,
        message: Word::ProblemFileChanged.text().to_owned(),
        logged: None,
        reply: None,
        cause: Some(Word::ProblemFileChangedCause.text().to_owned()),
        remedy: Some(Remedy {
            who: Who::You,
            what: Word::ProblemFileChangedRemedy.text().to_owned(),
        }),
    }
}

/// What the browser could not read.
#[must_use]
pub fn unreadable(names: &[String]) -> String {
    first_of(names, Word::NoticeUnreadable, Word::NoticeUnreadableMore)
}

/// What was picked and had nowhere to go.
#[must_use]
pub fn not_taken(names: &[String]) -> String {
    first_of(names, Word::NoticeNotTaken, Word::NoticeNotTakenMore)
}

/// A sentence about all of the names, or about the first of them and the number of the others.
fn first_of(names: &[String], all: Word, first: Word) -> String {
    let shown: Vec<_> = names.iter().take(3).map(|name| format::visible(name)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(3) {
        0 => all.fill(&[&shown]),
        more => first.fill(&[&shown, &more]),
    }
}

/// The portal speaks another version.
#[must_use]
pub fn outdated() -> Problem {
    problem(Word::ProblemOutdated.text(), Word::ProblemReloadRemedy)
}

/// No session, no socket.
#[must_use]
pub fn portal_out_of_reach() -> Problem {
    problem(Word::ProblemOutOfReach.text(), Word::ProblemOutOfReachRemedy)
}

/// An answer to the request for a session that is not one of the portal's.
#[must_use]
pub fn no_session(status: u16) -> Problem {
    problem(&Word::ProblemNoSession.fill(&[&status]), Word::ProblemNoSessionRemedy)
}

/// The portal sent something else than a message.
#[must_use]
pub fn not_understood() -> Problem {
    problem(Word::ProblemNotUnderstood.text(), Word::ProblemReloadRemedy)
}

/// The person did not trust the certificate.
#[must_use]
pub fn certificate_refused() -> Problem {
    Problem {
        stage: Stage::Certificate,
        message: Word::ProblemCertificateRefused.text().to_owned(),
        logged: None,
        reply: None,
        cause: None,
        remedy: Some(Remedy {
            who: Who::Host,
            what: Word::ProblemCertificateRefusedRemedy.text().to_owned(),
        }),
    }
}

/// A problem of the portal's, and what the person can do.
fn problem(message: &str, what: Word) -> Problem {
    Problem {
        stage: Stage::Portal,
        message: message.to_owned(),
        logged: None,
        reply: None,
        cause: None,
        remedy: Some(Remedy { who: Who::You, what: what.text().to_owned() }),
    }
}
