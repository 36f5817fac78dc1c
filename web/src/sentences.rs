//! The sentences of the page's language, as the page brought them: `templates/words/`.
//!
//! The program holds none of them, and no keys either: page and program come from one portal, and
//! both put the keys in the same order.

use std::{cell::Cell, fmt::Display, fmt::Write as _};

/// Makes an enum of keys, `Variant = "key" (place, …)` with the places where it has any.
macro_rules! words {
    ($($word:ident = $key:literal $(($($place:ident),+))?,)*) => {
        /// One sentence, or a word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Word {
            $($word,)*
        }

        /// By [`Word`]: the places of its sentence, in the order in which [`Word::fill`] takes
        /// their values.
        const PLACES: &[&[&str]] = &[$(&[$($(stringify!($place)),+)?]),*];

        /// By [`Word`]: its key.
        #[cfg(test)]
        const KEYS: &[&str] = &[$($key),*];
    };
}

// In the order of their keys, which is that of the page's words.
words! {
    CertificateAnother = "certificate.another",
    CertificateNoNames = "certificate.no_names",
    ConnectionAgain = "connection.again",
    ConnectionEnded = "connection.ended",
    ConnectionExplicitHint = "connection.explicit_hint",
    ConnectionExplicitTls = "connection.explicit_tls" (version),
    ConnectionImplicitHint = "connection.implicit_hint",
    ConnectionImplicitTls = "connection.implicit_tls" (version),
    ConnectionLost = "connection.lost",
    ConnectionLostNextTry = "connection.lost_next_try" (left),
    ConnectionNone = "connection.none",
    ConnectionOffline = "connection.offline",
    ConnectionOnTheWayTo = "connection.on_the_way_to" (host),
    ConnectionPlace = "connection.place" (host, port),
    ConnectionPlaceAndAddress = "connection.place_and_address" (host, port, address),
    ConnectionRetryToGoOn = "connection.retry_to_go_on",
    ConnectionTo = "connection.to" (host),
    CopiedFingerprint = "copied.fingerprint",
    CopiedLink = "copied.link",
    CopiedNot = "copied.not",
    CopiedToAddress = "copied.to_address",
    DigestBrowserAndPortal = "digest.browser_and_portal",
    DigestEverywhere = "digest.everywhere",
    DigestPortal = "digest.portal",
    DigestPortalAndServer = "digest.portal_and_server",
    DurationHoursAndMinutes = "duration.hours_and_minutes" (hours, minutes),
    DurationMinutes = "duration.minutes" (minutes),
    DurationMinutesAndSeconds = "duration.minutes_and_seconds" (minutes, seconds),
    DurationSeconds = "duration.seconds" (seconds),
    FolderName = "folder.name" (path),
    FormPasswordIgnored = "form.password_ignored",
    FormPasswordMoved = "form.password_moved",
    LogCommand = "log.command",
    LogCopied = "log.copied" (number),
    LogCopyRefused = "log.copy_refused",
    LogError = "log.error",
    LogErrorPassing = "log.error_passing",
    LogErrorSaid = "log.error_said" (text),
    LogExplanationNone = "log.explanation_none",
    LogExplanationsMissing = "log.explanations_missing",
    LogFound = "log.found" (at, number),
    LogFoundNone = "log.found_none",
    LogHead = "log.head" (version, date, browser, greeting),
    LogMaskedHost = "log.masked_host" (number),
    LogMaskedPath = "log.masked_path" (number),
    LogMaskedUser = "log.masked_user" (number),
    LogMissingOne = "log.missing.one" (number),
    LogMissingOther = "log.missing.other" (number),
    LogResponse = "log.response",
    LogSession = "log.session" (number),
    LogStatus = "log.status",
    NewerOurs = "newer.ours",
    NewerTheirs = "newer.theirs",
    NoticeLeftover = "notice.leftover" (path, message),
    NoticeNoFolder = "notice.no_folder" (path, message),
    NoticeNoFolderReply = "notice.no_folder_reply" (path, message, reply),
    NoticeNotChanged = "notice.not_changed" (path, message),
    NoticeNotTaken = "notice.not_taken" (names),
    NoticeNotTakenMore = "notice.not_taken_more" (names, number),
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
    NumberProgress = "number.progress" (taken, size),
    NumberRate = "number.rate" (size),
    NumberSizeAndDate = "number.size_and_date" (size, date),
    NumberUnknownDate = "number.unknown_date",
    NumberUnknownSize = "number.unknown_size",
    ProblemCertificateRefused = "problem.certificate_refused",
    ProblemCertificateRefusedRemedy = "problem.certificate_refused_remedy",
    ProblemFileChanged = "problem.file_changed",
    ProblemFileChangedCause = "problem.file_changed_cause",
    ProblemFileChangedRemedy = "problem.file_changed_remedy",
    ProblemNoSession = "problem.no_session" (status),
    ProblemNoSessionRemedy = "problem.no_session_remedy",
    ProblemNotUnderstood = "problem.not_understood",
    ProblemOutOfReach = "problem.out_of_reach",
    ProblemOutOfReachRemedy = "problem.out_of_reach_remedy",
    ProblemOutdated = "problem.outdated",
    ProblemPassword = "problem.password",
    ProblemPasswordRemedy = "problem.password_remedy",
    ProblemReloadRemedy = "problem.reload_remedy",
    ProblemTakenOver = "problem.taken_over",
    ProblemTakenOverRemedy = "problem.taken_over_remedy",
    ProofByPortal = "proof.by_portal",
    ProofByYou = "proof.by_you",
    ProofNew = "proof.new",
    ProofNoneYet = "proof.none_yet",
    ProofResumed = "proof.resumed",
    ProofShort = "proof.short" (tls, session),
    RecentHow = "recent.how" (encryption, port),
    RecentHowAndFolder = "recent.how_and_folder" (encryption, port, folder),
    RecentRemove = "recent.remove" (place),
    RemoteAsked = "remote.asked",
    RemoteBroken = "remote.broken",
    RemoteBrokenRemedy = "remote.broken_remedy",
    RemoteDelete = "remote.delete",
    RemoteDeleteAll = "remote.delete_all",
    RemoteDeleteAllText = "remote.delete_all_text",
    RemoteDeleteDirectory = "remote.delete_directory" (name),
    RemoteDeleteDirectoryText = "remote.delete_directory_text",
    RemoteDeleteFile = "remote.delete_file" (name),
    RemoteDeleteFileText = "remote.delete_file_text",
    RemoteDeleted = "remote.deleted" (name),
    RemoteDeletedPart = "remote.deleted_part" (gone),
    RemoteDeletedPartLeft = "remote.deleted_part_left" (gone, left),
    RemoteLeftOutOne = "remote.left_out.one" (number),
    RemoteLeftOutOther = "remote.left_out.other" (number),
    RemoteLeftover = "remote.leftover" (name),
    RemoteMade = "remote.made" (name),
    RemoteMake = "remote.make",
    RemoteMakeTitle = "remote.make_title",
    RemoteNameMissing = "remote.name_missing",
    RemoteNameMissingRemedy = "remote.name_missing_remedy",
    RemoteNameTaken = "remote.name_taken" (name),
    RemoteNameTakenRemedy = "remote.name_taken_remedy",
    RemoteNoName = "remote.no_name" (name),
    RemoteNoNameRemedy = "remote.no_name_remedy",
    RemoteNoSuchBegin = "remote.no_such_begin" (path, message),
    RemoteRemove = "remote.remove",
    RemoteRemoveText = "remote.remove_text",
    RemoteRemoveTitle = "remote.remove_title" (name),
    RemoteRename = "remote.rename",
    RemoteRenameTitle = "remote.rename_title" (name),
    RemoteRenamed = "remote.renamed" (from, to),
    RemoteTally = "remote.tally" (files, directories),
    RemoteWaits = "remote.waits",
    RestoredConnectAndContinue = "restored.connect_and_continue",
    RestoredConnectAndPick = "restored.connect_and_pick",
    RestoredContinue = "restored.continue",
    RestoredPick = "restored.pick",
    RestoredUploadsOne = "restored.uploads.one" (number),
    RestoredUploadsOther = "restored.uploads.other" (number),
    SayAdded = "say.added" (files),
    SayAllCancelled = "say.all_cancelled",
    SayAllPaused = "say.all_paused",
    SayAllResumed = "say.all_resumed",
    SayAsks = "say.asks" (path),
    SayCleared = "say.cleared" (files),
    SayCopied = "say.copied",
    SayFailed = "say.failed" (path, message),
    SayFailedWaiting = "say.failed_waiting" (files, failed, waiting),
    SayFinished = "say.finished" (files),
    SayFinishedFailed = "say.finished_failed" (files, failed),
    SayFolderCancelled = "say.folder_cancelled" (path),
    SayFolderPaused = "say.folder_paused" (path),
    SayFolderResumed = "say.folder_resumed" (path),
    SayFound = "say.found" (files),
    SayMilestone = "say.milestone" (percent, done, files),
    SaySelected = "say.selected",
    SayWaiting = "say.waiting" (files, waiting),
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
    StatusCancelled = "status.cancelled",
    StatusCut = "status.cut" (taken),
    StatusCutNextTry = "status.cut_next_try" (taken, left),
    StatusDoneAs = "status.done_as" (done, path),
    StatusDoneDigest = "status.done_digest",
    StatusDoneReply = "status.done_reply",
    StatusDoneSize = "status.done_size",
    StatusExists = "status.exists",
    StatusExistsSameSize = "status.exists_same_size",
    StatusFailed = "status.failed",
    StatusInterrupted = "status.interrupted",
    StatusKept = "status.kept",
    StatusNotNewer = "status.not_newer",
    StatusPaused = "status.paused" (taken),
    StatusPausedBefore = "status.paused_before",
    StatusPickAgain = "status.pick_again",
    StatusPressContinue = "status.press_continue",
    StatusQueued = "status.queued",
    StatusQueuedNext = "status.queued_next",
    StatusTryingAgain = "status.trying_again" (taken),
    StatusUploading = "status.uploading" (taken),
    StatusUploadingLeft = "status.uploading_left" (taken, left),
    StatusUploadingRate = "status.uploading_rate" (taken, rate),
    StatusUploadingRateLeft = "status.uploading_rate_left" (taken, rate, left),
    StatusVerifying = "status.verifying",
    StopAhead = "stop.ahead",
    StopCertificate = "stop.certificate",
    StopConnect = "stop.connect",
    StopCurrent = "stop.current",
    StopFailed = "stop.failed",
    StopList = "stop.list",
    StopLogin = "stop.login",
    StopPassed = "stop.passed",
    StopProtect = "stop.protect",
    StopResolve = "stop.resolve",
    StopTls = "stop.tls",
    SummaryRate = "summary.rate" (files, size, took, rate),
    SummaryStored = "summary.stored" (files, size, took),
    TitleAttention = "title.attention",
    TitleDone = "title.done",
    TitleIdle = "title.idle",
    TitlePaused = "title.paused",
    TitleSending = "title.sending" (percent),
    TotalCount = "total.count" (done, files),
    TotalFailed = "total.failed" (number),
    TotalLeft = "total.left" (left),
    TotalPaused = "total.paused" (number),
    TotalSkipped = "total.skipped" (number),
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
    /// By [`Word`]. The page's program is one thread, and has one language for as long as it lives.
    static SENTENCES: Cell<&'static [String]> = const { Cell::new(&[]) };
}

/// Takes in the sentences of the page's language, in the order of their keys.
pub fn take_in(sentences: Vec<String>) {
    SENTENCES.set(sentences.leak());
}

impl Word {
    /// The sentence as it is.
    pub(crate) fn text(self) -> &'static str {
        #[cfg(test)]
        tests::speak_english();
        SENTENCES.get().get(self as usize).map_or("", String::as_str)
    }

    /// The sentence with its places filled, in the order in which `words!` names them.
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

/// A sentence that depends on a number, with a place for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) one: Word,
    pub(crate) other: Word,
}

impl Counted {
    /// The sentence for a number.
    pub(crate) fn word(self, number: u64) -> Word {
        match category(number) {
            Category::One => self.one,
            Category::Other => self.other,
        }
    }

    /// The sentence for a number, with it.
    pub(crate) fn fill(self, number: u64) -> String {
        self.word(number).fill(&[&number])
    }
}

/// A plural category of CLDR (Unicode TS 35, part 3, §5).
enum Category {
    One,
    Other,
}

/// The category of a whole number: the rule of English, and of German.
fn category(number: u64) -> Category {
    if number == 1 { Category::One } else { Category::Other }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ENGLISH: &str = include_str!("../../templates/words/en.toml");
    const GERMAN: &str = include_str!("../../templates/words/de.toml");

    /// Tests speak English until they say something else.
    pub(super) fn speak_english() {
        if SENTENCES.get().is_empty() {
            speak(ENGLISH);
        }
    }

    /// This test speaks German from now on.
    pub(crate) fn speak_german() {
        speak(GERMAN);
    }

    fn speak(language: &str) {
        take_in(sentences(language).into_values().collect());
    }

    /// What the program may say, by key.
    fn sentences(language: &str) -> BTreeMap<String, String> {
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
        let words: toml::Table = language.parse().unwrap();
        let mut found = BTreeMap::new();
        collect("", words["program"].as_table().unwrap(), &mut found);
        found
    }

    #[test]
    fn program_says_every_sentence_that_it_is_given_in_the_order_of_their_keys() {
        for language in [ENGLISH, GERMAN] {
            let given: Vec<_> = sentences(language).into_keys().collect();
            assert_eq!(KEYS, given);
        }
    }

    #[test]
    fn every_place_of_a_sentence_is_one_that_the_program_fills() {
        for language in [ENGLISH, GERMAN] {
            let sentences = sentences(language);
            for (key, places) in KEYS.iter().zip(PLACES) {
                let mut named: Vec<_> = sentences[*key]
                    .split('{')
                    .skip(1)
                    .map(|rest| rest.split_once('}').unwrap().0)
                    .collect();
                let mut places = places.to_vec();
                named.sort_unstable();
                places.sort_unstable();
                assert_eq!(named, places, "{key}");
            }
        }
    }

    #[test]
    fn what_fills_a_place_is_never_read_for_places() {
        let text = Word::ConnectionPlace.fill(&[&"{port}", &21]);
        assert_eq!(text, "{port}, port 21");
    }

    #[test]
    fn places_may_stand_in_any_order() {
        speak_english();
        let mut sentences: Vec<_> = SENTENCES.get().to_vec();
        sentences[Word::NumberProgress as usize] = "of {size} only {taken}!".to_owned();
        take_in(sentences);
        assert_eq!(Word::NumberProgress.fill(&[&"1", &"2"]), "of 2 only 1!");
    }

    #[test]
    fn numbers_choose_their_sentence() {
        let lines = Counted { one: Word::LogMissingOne, other: Word::LogMissingOther };
        speak_german();
        assert!(lines.fill(1).starts_with("Hier fehlt 1 Zeile:"));
        assert!(lines.fill(0).starts_with("Hier fehlen 0 Zeilen:"));
        assert!(lines.fill(21).starts_with("Hier fehlen 21 Zeilen:"));
    }
}
