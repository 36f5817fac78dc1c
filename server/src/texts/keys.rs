//! The keys of the portal's own texts.

/// Makes an enum of keys, `Variant = "key" (place, …)` with the places where it has any.
macro_rules! texts {
    ($($text:ident = $key:literal $(($($place:ident),+))?,)*) => {
        /// One text of the portal's own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Text {
            $($text,)*
        }

        impl Text {
            /// The key.
            pub(crate) const fn key(self) -> &'static str {
                match self {
                    $(Self::$text => $key,)*
                }
            }

            /// The places, in the order in which they are filled.
            pub(super) const fn places(self) -> &'static [&'static str] {
                match self {
                    $(Self::$text => &[$($(stringify!($place)),+)?],)*
                }
            }

            /// All texts, for the check of the language files.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$text),*];
        }
    };
}

texts! {
    NumberDecimal = "program.number.decimal",
    AddressNotAllowedLinkLocal = "problem.address_not_allowed.link_local" (host, address),
    AddressNotAllowedLoopback = "problem.address_not_allowed.loopback" (host, address),
    AddressNotAllowedMetadata = "problem.address_not_allowed.metadata" (host, address),
    AddressNotAllowedMulticast = "problem.address_not_allowed.multicast" (host, address),
    AddressNotAllowedNat64 = "problem.address_not_allowed.nat64" (host, address),
    AddressNotAllowedPrivate = "problem.address_not_allowed.private" (host, address),
    AddressNotAllowedPublic = "problem.address_not_allowed.public" (host, address),
    AddressNotAllowedReserved = "problem.address_not_allowed.reserved" (host, address),
    AddressNotAllowedSharedAddressSpace = "problem.address_not_allowed.shared_address_space" (host, address),
    AddressNotAllowedThisNetwork = "problem.address_not_allowed.this_network" (host, address),
    AddressNotAllowedTransition = "problem.address_not_allowed.transition" (host, address),
    AddressNotAllowedRemedy = "problem.address_not_allowed_remedy",
    AnswersNotTaken = "problem.answers_not_taken",
    ConnectAgainRemedy = "problem.connect_again_remedy",
    DigestsDiffer = "problem.digests_differ" (relayed, of_page),
    DigestsDifferCause = "problem.digests_differ_cause",
    DigestsDifferRemedy = "problem.digests_differ_remedy",
    DirectoryNotEmpty = "problem.directory_not_empty" (path),
    DirectoryNotEmptyRemedy = "problem.directory_not_empty_remedy",
    HomeProtected = "problem.home_protected" (path),
    HomeProtectedRemedy = "problem.home_protected_remedy",
    HostInvalid = "problem.host_invalid" (host),
    HostNotAllowed = "problem.host_not_allowed" (host),
    HostNotAllowedRemedy = "problem.host_not_allowed_remedy",
    HostNotFound = "problem.host_not_found" (host),
    HostNotFoundRemedy = "problem.host_not_found_remedy",
    HostRemedy = "problem.host_remedy",
    LimitClientFailures = "problem.limit_client_failures",
    LimitClientSessions = "problem.limit_client_sessions" (max),
    LimitConnects = "problem.limit_connects",
    LimitFailuresRemedy = "problem.limit_failures_remedy" (wait),
    LimitRemedy = "problem.limit_remedy" (wait),
    LimitSessions = "problem.limit_sessions",
    LimitTarget = "problem.limit_target",
    LimitTargetFailures = "problem.limit_target_failures",
    LimitUserFailures = "problem.limit_user_failures",
    LineBreaksRemedy = "problem.line_breaks_remedy",
    MemoryFull = "problem.memory_full" (limit),
    MemoryFullRemedy = "problem.memory_full_remedy",
    MovedIntoItself = "problem.moved_into_itself" (to, from),
    MovedIntoItselfRemedy = "problem.moved_into_itself_remedy",
    NameMayBeTaken = "problem.name_may_be_taken" (to),
    NameMayBeTakenRemedy = "problem.name_may_be_taken_remedy",
    NameNotExact = "problem.name_not_exact" (path),
    NameNotExactRemedy = "problem.name_not_exact_remedy",
    NameNotKept = "problem.name_not_kept",
    NameNotKeptRemedy = "problem.name_not_kept_remedy",
    NameServiceSilent = "problem.name_service_silent" (host, limit),
    NameServiceSilentRemedy = "problem.name_service_silent_remedy",
    NameTaken = "problem.name_taken" (to),
    NameTakenRemedy = "problem.name_taken_remedy",
    NoDigest = "problem.no_digest" (limit),
    NoDigestRemedy = "problem.no_digest_remedy",
    NoHello = "problem.no_hello" (limit),
    NoRandomness = "problem.no_randomness",
    NoRandomnessRemedy = "problem.no_randomness_remedy",
    NoWebSocket = "problem.no_web_socket" (refusal),
    NoWebSocketRemedy = "problem.no_web_socket_remedy",
    LeadsElsewhere = "problem.leads_elsewhere" (path),
    LeadsElsewhereRemedy = "problem.leads_elsewhere_remedy",
    ListingHidden = "problem.listing_hidden" (path),
    ListingHiddenRemedy = "problem.listing_hidden_remedy",
    NamedTwice = "problem.named_twice" (path),
    NamedTwiceRemedy = "problem.named_twice_remedy",
    NotADirectory = "problem.not_a_directory" (path),
    NotADirectoryRemedy = "problem.not_a_directory_remedy",
    NotAPreset = "problem.not_a_preset" (name),
    NotAPresetRemedy = "problem.not_a_preset_remedy",
    PresetCertificateRemedy = "problem.preset_certificate_remedy" (name),
    PresetLoginRefused = "problem.preset_login_refused",
    PresetLoginRefusedRemedy = "problem.preset_login_refused_remedy" (name),
    NotAFingerprint = "problem.not_a_fingerprint",
    NotAFingerprintRemedy = "problem.not_a_fingerprint_remedy",
    NotALeftover = "problem.not_a_leftover" (path),
    NotALeftoverRemedy = "problem.not_a_leftover_remedy",
    NotConnected = "problem.not_connected",
    NotConnectedRemedy = "problem.not_connected_remedy",
    NotDeleted = "problem.not_deleted" (path, message),
    LeftoverNotDeleted = "problem.leftover_not_deleted",
    LeftoverNotDeletedRemedy = "problem.leftover_not_deleted_remedy",
    NotReplacedRemedy = "problem.not_replaced_remedy" (new, old, path),
    OtherOrigin = "problem.other_origin" (origin),
    OtherOriginRemedy = "problem.other_origin_remedy",
    OutcomeUnknown = "problem.outcome_unknown" (limit),
    OutcomeUnknownRemedy = "problem.outcome_unknown_remedy",
    PageAway = "problem.page_away" (limit),
    PageStalled = "problem.page_stalled" (limit),
    PageStoppedSending = "problem.page_stopped_sending" (limit),
    PageStoppedSendingRemedy = "problem.page_stopped_sending_remedy",
    PasswordInvalid = "problem.password_invalid",
    PathInvalid = "problem.path_invalid" (path),
    PathInvalidRemedy = "problem.path_invalid_remedy" (max),
    PortNotAllowed = "problem.port_not_allowed" (port, host),
    PortNotAllowedRemedy = "problem.port_not_allowed_remedy",
    PortZero = "problem.port_zero",
    ProtocolViolation = "problem.protocol_violation" (detail),
    ProtocolViolationRemedy = "problem.protocol_violation_remedy",
    ProxyNotFound = "problem.proxy_not_found",
    ProxyNotFoundRemedy = "problem.proxy_not_found_remedy",
    ReloadRemedy = "problem.reload_remedy",
    SessionAbandoned = "problem.session_abandoned",
    SessionEndedByPage = "problem.session_ended_by_page",
    SessionTooOld = "problem.session_too_old" (limit),
    SessionUnknown = "problem.session_unknown",
    NoAudit = "problem.no_audit",
    SessionsFull = "problem.sessions_full" (max),
    SessionsFullRemedy = "problem.sessions_full_remedy",
    ShuttingDown = "problem.shutting_down",
    ShuttingDownRemedy = "problem.shutting_down_remedy",
    TooManyRequests = "problem.too_many_requests",
    TooManySockets = "problem.too_many_sockets",
    TooManySocketsRemedy = "problem.too_many_sockets_remedy",
    TooManyUploads = "problem.too_many_uploads" (max),
    TooMuchToDelete = "problem.too_much_to_delete" (max, path),
    TooMuchToDeleteRemedy = "problem.too_much_to_delete_remedy",
    UsernameInvalid = "problem.username_invalid",
    UsernameTooLong = "problem.username_too_long" (max),
    UsernameTooLongRemedy = "problem.username_too_long_remedy",
}
