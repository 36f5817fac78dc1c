//! The sentences of the page's language, as the page brought them: `templates/words/`.
//!
//! The program holds keys only. Each key is here once, with the places that its sentence has.

use std::cell::Cell;

/// Makes an enum of keys: `Variant = "key" (place, …)`, the places where it has any.
macro_rules! words {
    ($($word:ident = $key:literal $(($($place:ident),+))?,)*) => {
        /// One sentence, or a word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Word {
            $($word,)*
        }

        /// The key of each [`Word`], and the places of its sentence in the order in which
        /// [`Word::fill`] takes their values.
        const KEYS: &[(&str, &[&str])] = &[$(($key, &[$($(stringify!($place)),+)?]),)*];
    };
}

words! {
    NumberDecimal = "number.decimal",
    NumberRate = "number.rate" (size),
    NumberUnknownSize = "number.unknown_size",
    NumberUnknownDate = "number.unknown_date",
    NumberSizeAndDate = "number.size_and_date" (size, date),
    NumberProgress = "number.progress" (taken, size),
    NumberBytesOne = "number.bytes.one" (number),
    NumberBytesOther = "number.bytes.other" (number),
    NumberFilesOne = "number.files.one" (number),
    NumberFilesOther = "number.files.other" (number),
    UnitByte = "unit.byte",
    UnitKilobyte = "unit.kilobyte",
    UnitMegabyte = "unit.megabyte",
    UnitGigabyte = "unit.gigabyte",
    UnitTerabyte = "unit.terabyte",
    UnitPetabyte = "unit.petabyte",
    UnitExabyte = "unit.exabyte",
    DurationSeconds = "duration.seconds" (seconds),
    DurationMinutesAndSeconds = "duration.minutes_and_seconds" (minutes, seconds),
    DurationMinutes = "duration.minutes" (minutes),
    DurationHoursAndMinutes = "duration.hours_and_minutes" (hours, minutes),
    ConnectionNone = "connection.none",
    ConnectionEnded = "connection.ended",
    ConnectionTo = "connection.to" (host),
    ConnectionOnTheWayTo = "connection.on_the_way_to" (host),
    ConnectionAgain = "connection.again",
    ConnectionLost = "connection.lost",
    ConnectionLostNextTry = "connection.lost_next_try" (left),
    ConnectionOffline = "connection.offline",
    ConnectionRetryToGoOn = "connection.retry_to_go_on",
    ConnectionExplicitHint = "connection.explicit_hint",
    ConnectionImplicitHint = "connection.implicit_hint",
    ConnectionPlace = "connection.place" (host, port),
    ConnectionPlaceAndAddress = "connection.place_and_address" (host, port, address),
    ConnectionExplicitTls = "connection.explicit_tls" (version, suite),
    ConnectionImplicitTls = "connection.implicit_tls" (version, suite),
    CertificateAnother = "certificate.another",
    CertificateNoNames = "certificate.no_names",
    StopResolve = "stop.resolve",
    StopConnect = "stop.connect",
    StopTls = "stop.tls",
    StopCertificate = "stop.certificate",
    StopLogin = "stop.login",
    StopProtect = "stop.protect",
    StopSetup = "stop.setup",
    StopPassed = "stop.passed",
    StopCurrent = "stop.current",
    StopAhead = "stop.ahead",
    StagePortal = "stage.portal",
    StageResolve = "stage.resolve",
    StagePolicy = "stage.policy",
    StageConnect = "stage.connect",
    StageGreeting = "stage.greeting",
    StageAuth = "stage.auth",
    StageTls = "stage.tls",
    StageCertificate = "stage.certificate",
    StageLogin = "stage.login",
    StageProtect = "stage.protect",
    StageSetup = "stage.setup",
    StageList = "stage.list",
    StageMakeDirectory = "stage.make_directory",
    StageDataConnection = "stage.data_connection",
    StageDataTls = "stage.data_tls",
    StageTransfer = "stage.transfer",
    StageVerify = "stage.verify",
    StageRename = "stage.rename",
    StageDelete = "stage.delete",
    StageIdle = "stage.idle",
    WhoYou = "who.you",
    WhoHost = "who.host",
    WhoNetwork = "who.network",
    WhoOperator = "who.operator",
    LogStatus = "log.status",
    LogCommand = "log.command",
    LogResponse = "log.response",
    LogError = "log.error",
    LogSession = "log.session" (number),
    LogMissingOne = "log.missing.one" (number),
    LogMissingOther = "log.missing.other" (number),
    StatusQueued = "status.queued",
    StatusQueuedNext = "status.queued_next",
    StatusPausedBefore = "status.paused_before",
    StatusPaused = "status.paused" (taken),
    StatusUploading = "status.uploading" (taken),
    StatusUploadingRate = "status.uploading_rate" (taken, rate),
    StatusUploadingLeft = "status.uploading_left" (taken, left),
    StatusUploadingRateLeft = "status.uploading_rate_left" (taken, rate, left),
    StatusVerifying = "status.verifying",
    StatusTryingAgain = "status.trying_again" (taken),
    StatusCutNextTry = "status.cut_next_try" (taken, left),
    StatusCut = "status.cut" (taken),
    StatusInterrupted = "status.interrupted",
    StatusPressContinue = "status.press_continue",
    StatusPickAgain = "status.pick_again",
    StatusKept = "status.kept",
    StatusNotNewer = "status.not_newer",
    StatusCancelled = "status.cancelled",
    StatusFailed = "status.failed",
    StatusExists = "status.exists",
    StatusExistsSameSize = "status.exists_same_size",
    StatusDoneDigest = "status.done_digest",
    StatusDoneSize = "status.done_size",
    StatusDoneReply = "status.done_reply",
    StatusDoneAs = "status.done_as" (done, path),
    DigestEverywhere = "digest.everywhere",
    DigestBrowserAndPortal = "digest.browser_and_portal",
    DigestPortalAndServer = "digest.portal_and_server",
    DigestPortal = "digest.portal",
    NewerOurs = "newer.ours",
    NewerTheirs = "newer.theirs",
    TotalCount = "total.count" (done, files),
    TotalLeft = "total.left" (left),
    TotalFailed = "total.failed" (number),
    TotalWaiting = "total.waiting" (number),
    TotalPaused = "total.paused" (number),
    TotalSkipped = "total.skipped" (number),
    TitleSending = "title.sending" (percent),
    TitlePaused = "title.paused",
    TitleDone = "title.done",
    TitleAttention = "title.attention",
    TitleIdle = "title.idle",
    SayFinished = "say.finished" (files),
    SayFinishedFailed = "say.finished_failed" (files, failed),
    SayWaiting = "say.waiting" (files, waiting),
    SayFailedWaiting = "say.failed_waiting" (files, failed, waiting),
    SayMilestone = "say.milestone" (percent, done, files),
    SayAdded = "say.added" (files),
    SayCleared = "say.cleared" (files),
    SayFailed = "say.failed" (path, message),
    SayAsks = "say.asks" (path),
    SayFound = "say.found" (files),
    SayAllPaused = "say.all_paused",
    SayAllResumed = "say.all_resumed",
    SayAllCancelled = "say.all_cancelled",
    RestoredUploadsOne = "restored.uploads.one" (number),
    RestoredUploadsOther = "restored.uploads.other" (number),
    RestoredConnectAndContinue = "restored.connect_and_continue",
    RestoredConnectAndPick = "restored.connect_and_pick",
    RestoredContinue = "restored.continue",
    RestoredPick = "restored.pick",
    RemoteWaits = "remote.waits",
    RemoteLeftOutOne = "remote.left_out.one" (number),
    RemoteLeftOutOther = "remote.left_out.other" (number),
    NoticeOtherFile = "notice.other_file" (path),
    NoticeNoFolder = "notice.no_folder" (path, message),
    NoticeNoFolderReply = "notice.no_folder_reply" (path, message, reply),
    NoticeLeftover = "notice.leftover" (path, message),
    NoticeUnreadable = "notice.unreadable" (names),
    NoticeUnreadableMore = "notice.unreadable_more" (names, number),
    ProblemTakenOver = "problem.taken_over",
    ProblemTakenOverRemedy = "problem.taken_over_remedy",
    ProblemPassword = "problem.password",
    ProblemPasswordRemedy = "problem.password_remedy",
    ProblemFileChanged = "problem.file_changed",
    ProblemFileChangedCause = "problem.file_changed_cause",
    ProblemFileChangedRemedy = "problem.file_changed_remedy",
    ProblemOutdated = "problem.outdated",
    ProblemNotUnderstood = "problem.not_understood",
    ProblemReloadRemedy = "problem.reload_remedy",
    ProblemOutOfReach = "problem.out_of_reach",
    ProblemOutOfReachRemedy = "problem.out_of_reach_remedy",
    ProblemNoSession = "problem.no_session" (status),
    ProblemNoSessionRemedy = "problem.no_session_remedy",
    ProblemCertificateRefused = "problem.certificate_refused",
    ProblemCertificateRefusedRemedy = "problem.certificate_refused_remedy",
}

thread_local! {
    /// By [`Word`]. The page's program is one thread, and has one language for as long as it lives.
    static SENTENCES: Cell<&'static [String]> = const { Cell::new(&[]) };
}

/// Takes in the sentences of the page's language, by their keys. A key without one speaks for
/// itself.
pub fn take_in(sentence: impl Fn(&str) -> Option<String>) {
    let sentences: Vec<_> =
        KEYS.iter().map(|(key, _)| sentence(key).unwrap_or_else(|| (*key).to_owned())).collect();
    SENTENCES.set(sentences.leak());
}

impl Word {
    /// The sentence as it is.
    pub(crate) fn text(self) -> &'static str {
        #[cfg(test)]
        tests::speak_english();
        SENTENCES.get().get(self as usize).map_or("", String::as_str)
    }

    /// The sentence with its places filled, in the order in which its key names them.
    pub(crate) fn fill(self, values: &[&str]) -> String {
        let places = KEYS.get(self as usize).map_or(&[][..], |(_, places)| *places);
        debug_assert_eq!(places.len(), values.len(), "{self:?}");
        let mut text = String::new();
        for piece in self.text().split_inclusive(['{', '}']) {
            let value = piece.strip_suffix('}').and_then(|name| {
                let place = places.iter().position(|place| *place == name)?;
                values.get(place)
            });
            text.push_str(value.copied().unwrap_or_else(|| piece.trim_end_matches('{')));
        }
        text
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
        self.word(number).fill(&[&number.to_string()])
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
    use std::collections::{BTreeMap, BTreeSet};

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
        let sentences = sentences(language);
        take_in(|key| sentences.get(key).cloned());
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
    fn program_says_every_sentence_that_it_is_given_and_no_other() {
        let known: BTreeSet<_> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(known.len(), KEYS.len(), "a key stands here twice");
        for language in [ENGLISH, GERMAN] {
            let given: BTreeSet<_> = sentences(language).into_keys().collect();
            assert_eq!(
                known.symmetric_difference(&given).collect::<Vec<_>>(),
                Vec::<&String>::new()
            );
        }
    }

    #[test]
    fn every_place_of_a_sentence_is_one_that_the_program_fills() {
        for language in [ENGLISH, GERMAN] {
            let sentences = sentences(language);
            for (key, places) in KEYS {
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
        let text = Word::ConnectionPlace.fill(&["{port}", "21"]);
        assert_eq!(text, "{port}, port 21");
    }

    #[test]
    fn places_may_stand_in_any_order() {
        take_in(|key| (key == "number.progress").then(|| "of {size} only {taken}!".to_owned()));
        assert_eq!(Word::NumberProgress.fill(&["1", "2"]), "of 2 only 1!");
        assert_eq!(Word::StatusQueued.text(), "status.queued", "what is missing names itself");
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
