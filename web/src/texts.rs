//! The texts of the page's language, as the page brought them: `texts/`.
//!
//! The program holds none of them, and no keys either: page and program come from one portal, and
//! both put the keys in the same order.

use std::{cell::Cell, fmt::Display, fmt::Write as _};

/// Makes an enum of keys, `Variant = "key" (place, …)` with the places where it has any.
macro_rules! texts {
    ($($text:ident = $key:literal $(($($place:ident),+))?,)*) => {
        /// One text of the page's program.
        #[allow(clippy::enum_variant_names, reason = "the variants are the keys")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Text {
            $($text,)*
        }

        /// By [`Text`]: its places, in the order in which [`Text::fill`] takes their values.
        const PLACES: &[&[&str]] = &[$(&[$($(stringify!($place)),+)?]),*];
    };
}

// In the order of their keys, which is that of the page's data block.
texts! {
    AnnounceAdded = "announce.added" (files),
    AnnounceAllCancelled = "announce.all_cancelled",
    AnnounceAllPaused = "announce.all_paused",
    AnnounceAllResumed = "announce.all_resumed",
    AnnounceCleared = "announce.cleared" (files),
    AnnounceDecide = "announce.decide" (path),
    AnnounceFailed = "announce.failed" (path, message),
    AnnounceFailedWaiting = "announce.failed_waiting" (files, failed, waiting),
    AnnounceFinished = "announce.finished" (files),
    AnnounceFinishedFailed = "announce.finished_failed" (files, failed),
    AnnounceFolderCancelled = "announce.folder_cancelled" (path),
    AnnounceFolderPaused = "announce.folder_paused" (path),
    AnnounceFolderResumed = "announce.folder_resumed" (path),
    AnnounceFound = "announce.found" (files),
    AnnounceMilestone = "announce.milestone" (percent, done, files),
    AnnounceWaiting = "announce.waiting" (files, waiting),
    CertificateAnother = "certificate.another",
    CertificateAsk = "certificate.ask" (host, port),
    CertificateNoNames = "certificate.no_names",
    ConnectionConnectingTo = "connection.connecting_to" (host),
    ConnectionEnded = "connection.ended",
    ConnectionExplicitTls = "connection.explicit_tls" (version),
    ConnectionImplicitTls = "connection.implicit_tls" (version),
    ConnectionLost = "connection.lost",
    ConnectionLostNextTry = "connection.lost_next_try" (left),
    ConnectionNone = "connection.none",
    ConnectionOffline = "connection.offline",
    ConnectionPlace = "connection.place" (host, port),
    ConnectionPlaceAndAddress = "connection.place_and_address" (host, port, address),
    ConnectionRestored = "connection.restored",
    ConnectionRetryToGoOn = "connection.retry_to_go_on",
    ConnectionTo = "connection.to" (host),
    CopiedFingerprint = "copied.fingerprint",
    CopiedLink = "copied.link",
    CopiedRefused = "copied.refused",
    CopiedRefusedLink = "copied.refused_link",
    DigestBrowserAndPortal = "digest.browser_and_portal",
    DigestEverywhere = "digest.everywhere",
    DigestPortal = "digest.portal",
    DigestPortalAndServer = "digest.portal_and_server",
    DurationHoursAndMinutes = "duration.hours_and_minutes" (hours, minutes),
    DurationMinutes = "duration.minutes" (minutes),
    DurationMinutesAndSeconds = "duration.minutes_and_seconds" (minutes, seconds),
    DurationSeconds = "duration.seconds" (seconds),
    FailureCertificate = "failure.certificate",
    FailureConnect = "failure.connect",
    FailureEncryption = "failure.encryption",
    FailureEnded = "failure.ended",
    FailureLogin = "failure.login",
    FailureResolve = "failure.resolve",
    FailureSetup = "failure.setup",
    FailureTls = "failure.tls",
    FolderName = "folder.name" (path),
    FormInvitation = "form.invitation" (host),
    FormLinkLeadsTo = "form.link_leads_to" (host),
    FormNotAHost = "form.not_a_host",
    FormPasswordIgnored = "form.password_ignored",
    FormPasswordMoved = "form.password_moved",
    LogCommand = "log.command",
    LogCopyRefused = "log.copy_refused",
    LogError = "log.error",
    LogErrorHandled = "log.error_handled",
    LogErrorInLog = "log.error_in_log" (text),
    LogExplanationNone = "log.explanation_none",
    LogExplanationsMissing = "log.explanations_missing",
    LogFound = "log.found" (at, number),
    LogFoundNone = "log.found_none",
    LogMaskedHost = "log.masked_host" (number),
    LogMaskedPath = "log.masked_path" (number),
    LogMaskedUser = "log.masked_user" (number),
    LogMissingOne = "log.missing.one" (number),
    LogMissingOther = "log.missing.other" (number),
    LogResponse = "log.response",
    LogSession = "log.session" (number),
    LogStatus = "log.status",
    NewerIdentical = "newer.identical",
    NewerOnServer = "newer.on_server",
    NewerSame = "newer.same",
    NewerYours = "newer.yours",
    NoticeLeftover = "notice.leftover" (path, message),
    NoticeNoFolder = "notice.no_folder" (path, message),
    NoticeNoFolderReply = "notice.no_folder_reply" (path, message, reply),
    NoticeNotChanged = "notice.not_changed" (path, message),
    NoticeNotConnected = "notice.not_connected" (names),
    NoticeNotConnectedMore = "notice.not_connected_more" (names, number),
    NoticeObstructed = "notice.obstructed" (names),
    NoticeObstructedMore = "notice.obstructed_more" (names, number),
    NoticeOtherFile = "notice.other_file" (path),
    NoticeUnreadable = "notice.unreadable" (names),
    NoticeUnreadableMore = "notice.unreadable_more" (names, number),
    NumberBytesOne = "number.bytes.one" (number),
    NumberBytesOther = "number.bytes.other" (number),
    NumberDecimal = "number.decimal",
    NumberDirectoriesOne = "number.directories.one" (number),
    NumberDirectoriesOther = "number.directories.other" (number),
    NumberFilesOne = "number.files.one" (number),
    NumberFilesOther = "number.files.other" (number),
    NumberMillis = "number.millis" (number),
    NumberProgress = "number.progress" (sent, size),
    NumberRate = "number.rate" (size),
    NumberSizeAndDate = "number.size_and_date" (size, date),
    NumberUnknownDate = "number.unknown_date",
    NumberUnknownSize = "number.unknown_size",
    ObstacleCopied = "obstacle.copied",
    ObstacleData = "obstacle.data",
    ObstacleOperator = "obstacle.operator" (host, port, time),
    ObstacleStartFolder = "obstacle.start_folder" (path),
    ProblemCertificateRefused = "problem.certificate_refused",
    ProblemCertificateRefusedRemedy = "problem.certificate_refused_remedy",
    ProblemFileChanged = "problem.file_changed",
    ProblemFileChangedCause = "problem.file_changed_cause",
    ProblemFileChangedRemedy = "problem.file_changed_remedy",
    ProblemNotUnderstood = "problem.not_understood",
    ProblemPageOutdated = "problem.page_outdated",
    ProblemPageOutdatedRemedy = "problem.page_outdated_remedy",
    ProblemPasswordNeeded = "problem.password_needed",
    ProblemPasswordNeededRemedy = "problem.password_needed_remedy",
    ProblemPortalUnreachable = "problem.portal_unreachable",
    ProblemPortalUnreachableRemedy = "problem.portal_unreachable_remedy",
    ProblemSessionInOtherTab = "problem.session_in_other_tab",
    ProblemSessionInOtherTabRemedy = "problem.session_in_other_tab_remedy",
    ReadyFilesOne = "ready.files.one" (number),
    ReadyFilesOther = "ready.files.other" (number),
    RecentCertificate = "recent.certificate",
    RecentHow = "recent.how" (encryption, port),
    RecentHowAndFolder = "recent.how_and_folder" (encryption, port, folder),
    RecentRemove = "recent.remove" (place),
    RemoteConnectionLost = "remote.connection_lost",
    RemoteConnectionLostRemedy = "remote.connection_lost_remedy",
    RemoteCounts = "remote.counts" (files, directories),
    RemoteCreate = "remote.create",
    RemoteCreateTitle = "remote.create_title",
    RemoteCreated = "remote.created" (name),
    RemoteDelete = "remote.delete",
    RemoteDeleteAll = "remote.delete_all",
    RemoteDeleteAllText = "remote.delete_all_text",
    RemoteDeleteDirectory = "remote.delete_directory" (name),
    RemoteDeleteDirectoryText = "remote.delete_directory_text",
    RemoteDeleteFile = "remote.delete_file" (name),
    RemoteDeleteFileText = "remote.delete_file_text",
    RemoteDeleted = "remote.deleted" (name),
    RemoteDeletedPart = "remote.deleted_part" (deleted),
    RemoteDeletedPartLeft = "remote.deleted_part_left" (deleted, left),
    RemoteLeftOutOne = "remote.left_out.one" (number),
    RemoteLeftOutOther = "remote.left_out.other" (number),
    RemoteLeftover = "remote.leftover" (name),
    RemoteNameInvalid = "remote.name_invalid" (name),
    RemoteNameInvalidRemedy = "remote.name_invalid_remedy",
    RemoteNameMissing = "remote.name_missing",
    RemoteNameMissingRemedy = "remote.name_missing_remedy",
    RemoteNameTaken = "remote.name_taken" (name),
    RemoteNameTakenRemedy = "remote.name_taken_remedy",
    RemoteRemove = "remote.remove",
    RemoteRemoveText = "remote.remove_text",
    RemoteRemoveTitle = "remote.remove_title" (name),
    RemoteRename = "remote.rename",
    RemoteRenameTitle = "remote.rename_title" (name),
    RemoteRenamed = "remote.renamed" (from, to),
    RemoteStartFolderFailed = "remote.start_folder_failed" (path, message),
    RemoteWaiting = "remote.waiting",
    RemoteWorking = "remote.working",
    RestoredConnectAndContinue = "restored.connect_and_continue",
    RestoredConnectAndPick = "restored.connect_and_pick",
    RestoredContinue = "restored.continue",
    RestoredPick = "restored.pick",
    RestoredUploadsOne = "restored.uploads.one" (number),
    RestoredUploadsOther = "restored.uploads.other" (number),
    SecurityNew = "security.new",
    SecurityNoneYet = "security.none_yet",
    SecurityResumed = "security.resumed",
    SecuritySummary = "security.summary" (tls, session),
    SecurityTrustedByPortal = "security.trusted_by_portal",
    SecurityTrustedByYou = "security.trusted_by_you",
    StageAuth = "stage.auth",
    StageCertificate = "stage.certificate",
    StageConnect = "stage.connect",
    StageDataConnection = "stage.data_connection",
    StageDataTls = "stage.data_tls",
    StageDelete = "stage.delete",
    StageGreeting = "stage.greeting",
    StageIdle = "stage.idle",
    StageList = "stage.list",
    StageLogin = "stage.login",
    StageMakeDirectory = "stage.make_directory",
    StagePolicy = "stage.policy",
    StagePortal = "stage.portal",
    StageProtect = "stage.protect",
    StageRename = "stage.rename",
    StageResolve = "stage.resolve",
    StageSetup = "stage.setup",
    StageTls = "stage.tls",
    StageTransfer = "stage.transfer",
    StageVerify = "stage.verify",
    StatusDecideExists = "status.decide_exists",
    StatusDecideExistsSameSize = "status.decide_exists_same_size",
    StatusDecideLongName = "status.decide_long_name" (path),
    StatusDecideMayExist = "status.decide_may_exist",
    StatusDoneAs = "status.done_as" (done, path),
    StatusDoneDigest = "status.done_digest",
    StatusDoneReply = "status.done_reply",
    StatusDoneSize = "status.done_size",
    StatusFailed = "status.failed",
    StatusInterruptedAt = "status.interrupted_at" (sent),
    StatusInterruptedDisconnected = "status.interrupted_disconnected",
    StatusInterruptedLost = "status.interrupted_lost",
    StatusInterruptedNextTry = "status.interrupted_next_try" (sent, left),
    StatusPaused = "status.paused" (sent),
    StatusPausedBefore = "status.paused_before",
    StatusPickAgain = "status.pick_again",
    StatusPressContinue = "status.press_continue",
    StatusQueued = "status.queued",
    StatusQueuedNext = "status.queued_next",
    StatusQueuedSameFile = "status.queued_same_file",
    StatusQueuedUnplaced = "status.queued_unplaced",
    StatusSkippedCancelled = "status.skipped_cancelled",
    StatusSkippedExisting = "status.skipped_existing",
    StatusSkippedNotNewer = "status.skipped_not_newer",
    StatusTryingAgain = "status.trying_again" (sent),
    StatusUploading = "status.uploading" (sent),
    StatusUploadingRate = "status.uploading_rate" (sent, rate),
    StatusVerifying = "status.verifying",
    StepCertificate = "step.certificate",
    StepConnect = "step.connect",
    StepCurrent = "step.current",
    StepDone = "step.done",
    StepFailed = "step.failed",
    StepList = "step.list",
    StepLogin = "step.login",
    StepPending = "step.pending",
    StepProtect = "step.protect",
    StepResolve = "step.resolve",
    StepTls = "step.tls",
    SummaryRate = "summary.rate" (files, size, duration, rate),
    SummaryStored = "summary.stored" (files, size, duration),
    TitleAttention = "title.attention",
    TitleDone = "title.done",
    TitleIdle = "title.idle",
    TitlePaused = "title.paused",
    TitleSending = "title.sending" (percent),
    TotalCount = "total.count" (done, files),
    TotalFailed = "total.failed" (number),
    TotalFailedCount = "total.failed_count" (failed, files),
    TotalLeft = "total.left" (left),
    TotalNoConnection = "total.no_connection",
    TotalPaused = "total.paused" (number),
    TotalPercent = "total.percent" (percent),
    TotalSkipped = "total.skipped" (number),
    TotalUndecided = "total.undecided" (number),
    TotalWaiting = "total.waiting" (number),
    UnitByte = "unit.byte",
    UnitExabyte = "unit.exabyte",
    UnitGigabyte = "unit.gigabyte",
    UnitKilobyte = "unit.kilobyte",
    UnitMegabyte = "unit.megabyte",
    UnitPetabyte = "unit.petabyte",
    UnitTerabyte = "unit.terabyte",
    WhoHost = "who.host",
    WhoNetwork = "who.network",
    WhoOperator = "who.operator",
    WhoYou = "who.you",
}

thread_local! {
    /// By [`Text`]. The page's program is one thread, and has one language for as long as it lives.
    static TEXTS: Cell<&'static [String]> = const { Cell::new(&[]) };

    static PLURAL_RULE: Cell<PluralRule> = const { Cell::new(PluralRule::OneIs1) };
}

/// Takes the page's data block: the name of the language's plural rule, then the texts in the order
/// of their keys.
pub fn load(block: impl IntoIterator<Item = String>) {
    let mut block = block.into_iter();
    PLURAL_RULE.set(PluralRule::named(&block.next().unwrap_or_default()));
    TEXTS.set(block.collect::<Vec<_>>().leak());
}

impl Text {
    /// The text as it is.
    pub(crate) fn text(self) -> &'static str {
        #[cfg(test)]
        tests::speak_english();
        TEXTS.get().get(self as usize).map_or("", String::as_str)
    }

    /// The text with its places filled, in the order in which `texts!` names them.
    pub(crate) fn fill(self, values: &[&dyn Display]) -> String {
        let places = PLACES.get(self as usize).copied().unwrap_or_default();
        debug_assert_eq!(places.len(), values.len(), "{self:?}");
        let mut filled = String::new();
        let mut text = self.text();
        while let Some((before, rest)) = text.split_once('{') {
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            filled.push_str(before);
            let place = places.iter().position(|place| *place == name);
            if let Some(value) = place.and_then(|place| values.get(place)) {
                // Writing into a string cannot fail.
                let _ = write!(filled, "{value}");
            }
            text = after;
        }
        filled.push_str(text);
        filled
    }
}

/// A text that depends on a number, with a place for it: one for each plural category.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plural {
    pub(crate) one: Text,
    pub(crate) other: Text,
}

impl Plural {
    /// The text for a number.
    pub(crate) fn text(self, number: u64) -> Text {
        if PLURAL_RULE.get().is_one(number) { self.one } else { self.other }
    }

    /// The text for a number, with it.
    pub(crate) fn fill(self, number: u64) -> String {
        self.text(number).fill(&[&number])
    }
}

/// The names of the plural rules, as a language's file has them.
pub const PLURAL_RULES: [&str; 2] = ["one-is-1", "one-is-0-or-1"];

/// The rule that says which whole numbers take the category `one` (Unicode TS 35, part 3, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PluralRule {
    /// English, German, Spanish.
    OneIs1,
    /// French.
    OneIs0Or1,
}

impl PluralRule {
    /// The rule that a language's file names as its `plural`.
    fn named(name: &str) -> Self {
        match name {
            "one-is-0-or-1" => Self::OneIs0Or1,
            _ => Self::OneIs1,
        }
    }

    fn is_one(self, number: u64) -> bool {
        match self {
            Self::OneIs1 => number == 1,
            Self::OneIs0Or1 => number <= 1,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ENGLISH: &str = include_str!("../../texts/en.toml");
    const GERMAN: &str = include_str!("../../texts/de.toml");

    /// Tests speak English until they say something else.
    pub(super) fn speak_english() {
        if TEXTS.get().is_empty() {
            speak(ENGLISH);
        }
    }

    /// This test speaks German from now on.
    pub(crate) fn speak_german() {
        speak(GERMAN);
    }

    fn speak(language: &str) {
        let language: toml::Table = language.parse().unwrap();
        let mut found = BTreeMap::new();
        collect("", language["program"].as_table().unwrap(), &mut found);
        let plural = language["language"]["plural"].as_str().unwrap().to_owned();
        load([plural].into_iter().chain(found.into_values()));
    }

    fn collect(prefix: &str, table: &toml::Table, found: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value.as_table() {
                Some(table) => collect(&format!("{key}."), table, found),
                None => {
                    found.insert(key, value.as_str().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn what_fills_a_place_is_never_read_for_places() {
        let text = Text::ConnectionPlace.fill(&[&"{port}", &21]);
        assert_eq!(text, "{port}, port 21");
    }

    #[test]
    fn places_may_stand_in_any_order() {
        speak_english();
        let mut texts: Vec<_> = TEXTS.get().to_vec();
        texts[Text::NumberProgress as usize] = "of {size} only {sent}!".to_owned();
        load([String::new()].into_iter().chain(texts));
        assert_eq!(Text::NumberProgress.fill(&[&"1", &"2"]), "of 2 only 1!");
    }

    #[test]
    fn numbers_choose_their_text_by_the_rule_of_the_language() {
        let lines = Plural { one: Text::LogMissingOne, other: Text::LogMissingOther };
        speak_german();
        assert!(lines.fill(1).starts_with("Hier fehlt 1 Zeile:"));
        assert!(lines.fill(0).starts_with("Hier fehlen 0 Zeilen:"));
        assert!(lines.fill(21).starts_with("Hier fehlen 21 Zeilen:"));
        PLURAL_RULE.set(PluralRule::named("one-is-0-or-1"));
        assert_eq!([0, 1, 2].map(|number| lines.text(number)), [lines.one, lines.one, lines.other]);
    }
}
