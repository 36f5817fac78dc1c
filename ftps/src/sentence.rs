//! Sentences of errors as data: a stable code, the English sentence, and the values of its placeholders,
//! so that a program can translate it.
//!
//! The engine itself has English sentences only.

use std::{fmt, io, time::Duration};

/// Makes an enum of codes with their English sentences; `{name}` is a placeholder.
macro_rules! sentences {
    ($($variant:ident = $code:literal => $english:literal,)*) => {
        /// The code of a sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "each is explained by its sentence")]
        pub enum SentenceCode {
            $($variant,)*
        }

        impl SentenceCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as text, such as `error.closed`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The sentence in English, with its placeholders.
            #[must_use]
            pub const fn english(self) -> &'static str {
                match self {
                    $(Self::$variant => $english,)*
                }
            }
        }
    };
}

sentences! {
    ErrorInvalidHost = "error.invalid_host" => "\"{host}\" is neither a host name nor an address",
    ErrorFailedControlTcp = "error.failed.control_tcp" => "the TCP connection to the server failed",
    ErrorFailedDataTcp = "error.failed.data_tcp" => "the TCP connection for the data failed",
    ErrorFailedGreeting = "error.failed.greeting" => "waiting for the server's greeting failed",
    ErrorFailedReply = "error.failed.reply" => "waiting for the server's reply failed",
    ErrorFailedFinalReply = "error.failed.final_reply" => "waiting for the server's reply to the transfer failed",
    ErrorFailedDigest = "error.failed.digest" => "waiting for the server's checksum of the file failed",
    ErrorFailedControlTls = "error.failed.control_tls" => "the TLS handshake failed",
    ErrorFailedDataTls = "error.failed.data_tls" => "the TLS handshake of the data connection failed",
    ErrorFailedControl = "error.failed.control" => "the control connection failed",
    ErrorFailedData = "error.failed.data" => "the data connection failed",
    ErrorTimedOutControlTcp = "error.timed_out.control_tcp" => "the server did not accept the TCP connection within {seconds} s",
    ErrorTimedOutDataTcp = "error.timed_out.data_tcp" => "the server did not accept the TCP connection for the data within {seconds} s",
    ErrorTimedOutGreeting = "error.timed_out.greeting" => "the server did not send its greeting within {seconds} s",
    ErrorTimedOutReply = "error.timed_out.reply" => "the server did not reply within {seconds} s",
    ErrorTimedOutFinalReply = "error.timed_out.final_reply" => "the server did not confirm the transfer within {seconds} s",
    ErrorTimedOutDigest = "error.timed_out.digest" => "the server did not send the file's checksum within {seconds} s",
    ErrorTimedOutControlTls = "error.timed_out.control_tls" => "the TLS handshake did not finish within {seconds} s",
    ErrorTimedOutDataTls = "error.timed_out.data_tls" => "the TLS handshake of the data connection did not finish within {seconds} s",
    ErrorTimedOutControl = "error.timed_out.control" => "the control connection made no progress for {seconds} s",
    ErrorTimedOutData = "error.timed_out.data" => "the data connection made no progress for {seconds} s",
    ErrorProxySocks5Control = "error.proxy.socks5_control" => "the SOCKS5 proxy did not open the connection to the server",
    ErrorProxySocks5Data = "error.proxy.socks5_data" => "the SOCKS5 proxy did not open the connection for the data",
    ErrorProxyHttpControl = "error.proxy.http_control" => "the HTTP proxy did not open the connection to the server",
    ErrorProxyHttpData = "error.proxy.http_data" => "the HTTP proxy did not open the connection for the data",
    ErrorProxyUnreachable = "error.proxy.unreachable" => "it cannot be reached",
    ErrorProxyLost = "error.proxy.lost" => "the connection to it was lost",
    ErrorProxySilent = "error.proxy.silent" => "it did not answer in time",
    ErrorProxyCredentials = "error.proxy.credentials" => "it requires valid credentials and answered: {answer}",
    ErrorProxyRefused = "error.proxy.refused" => "it refused: {answer}",
    ErrorProxyServer = "error.proxy.server" => "it could not connect to the server: {answer}",
    ErrorProxyNotAProxy = "error.proxy.not_a_proxy" => "its answer is not that of a proxy: {answer}",
    ErrorClosed = "error.closed" => "the server closed the control connection",
    ErrorEnded = "error.ended" => "the server ended the session with {code}",
    ErrorRefused = "error.refused" => "the server refused {verb} with {code}",
    ErrorUnexpected = "error.unexpected" => "the server answered {verb} with {code}, which is not a valid answer to it",
    ErrorMalformedNotAReply = "error.malformed.not_a_reply" => "a line does not start with a reply code: \"{start}\"",
    ErrorMalformedLineTooLong = "error.malformed.line_too_long" => "a reply line is longer than {limit} bytes",
    ErrorMalformedTooManyLines = "error.malformed.too_many_lines" => "a reply has more than {limit} lines",
    ErrorMalformedReplyTooLong = "error.malformed.reply_too_long" => "a reply is longer than {limit} bytes",
    ErrorMalformedTooManyPreliminary = "error.malformed.too_many_preliminary" => "a command got more than {limit} preliminary replies",
    ErrorBytesAfterAuth = "error.bytes_after_auth" => "{count} unencrypted bytes came with the reply to AUTH",
    ErrorTlsSetup = "error.tls_setup" => "TLS could not be set up",
    ErrorHandshake = "error.handshake" => "the TLS handshake failed",
    ErrorImplicitTlsExpected = "error.implicit_tls_expected" => "the server sends no greeting and expects TLS from the first byte",
    ErrorPlaintextAnswer = "error.plaintext_answer" => "the server answered the TLS handshake without encryption: \"{start}\"",
    ErrorUntrusted = "error.untrusted" => "the server's certificate is not trusted",
    ErrorNotPinned = "error.not_pinned" => "the server's certificate is not one of the pinned ones: it has SHA-256 {shown}",
    ErrorDataCertificate = "error.data_certificate" => "the data connection shows the certificate {data}, the control connection {control}",
    ErrorPassiveOtherCode = "error.passive.other_code" => "the reply {code} is neither 227 nor 229",
    ErrorPassiveNoPort = "error.passive.no_port" => "the reply names no port",
    ErrorPassiveForbiddenPort = "error.passive.forbidden_port" => "the reply names port {port}, which is below {lowest}",
    ErrorUnexpectedData = "error.unexpected_data" => "the server sent data over the connection of an upload",
    ErrorEndedEarly = "error.ended_early" => "the server ended the transfer with {code} before all bytes were sent",
    ErrorWrongSize = "error.wrong_size" => "the server reported the file as stored, but holds {stored} of its {sent} bytes",
    ErrorNotStored = "error.not_stored" => "the server reported the file as stored, but the file is not there",
    ErrorWrongDigest = "error.wrong_digest" => "the server stored other content than was sent: {stored} instead of {sent}",
    ErrorIncompleteFileRemains = "error.incomplete_file_remains" => "\"{path}\" may be incomplete: the server did not allow it to be renamed or removed",
    ErrorStoredElsewhere = "error.stored_elsewhere" => "the server stored the file as \"{stored}\" instead of \"{path}\"",
    ErrorSourceLengthMismatch = "error.source_length_mismatch" => "the program gave {given} bytes of the file at once, but only {missing} were missing",
    ErrorNameNotKept = "error.name_not_kept" => "the server drops spaces at the end of a name: it would store the file under another name",
    ErrorTargetIsDirectory = "error.target_is_directory" => "\"{path}\" is a folder on the server: a file cannot have the same name",
    ErrorPathsNotSupported = "error.paths_not_supported" => "the login's directory is \"{directory}\", which is no path with slashes",
    ErrorNoRandomness = "error.no_randomness" => "the operating system gave no random bytes",
    ErrorOutOfSync = "error.out_of_sync" => "the session's commands and replies no longer match",
    ErrorMalformedReply = "error.malformed.reply" => "the server sent something that is not a reply",
    ErrorPassiveReply = "error.passive.reply" => "the server's answer to {verb} is unusable",
    SystemConnectionRefused = "system.connection_refused" => "connection refused",
    SystemConnectionRefusedNumber = "system.connection_refused_number" => "Connection refused (os error {number})",
    SystemConnectionReset = "system.connection_reset" => "connection reset",
    SystemConnectionResetNumber = "system.connection_reset_number" => "Connection reset by peer (os error {number})",
    SystemConnectionAborted = "system.connection_aborted" => "connection aborted",
    SystemConnectionAbortedNumber = "system.connection_aborted_number" => "Software caused connection abort (os error {number})",
    SystemBrokenPipe = "system.broken_pipe" => "broken pipe",
    SystemBrokenPipeNumber = "system.broken_pipe_number" => "Broken pipe (os error {number})",
    SystemHostUnreachable = "system.host_unreachable" => "host unreachable",
    SystemHostUnreachableNumber = "system.host_unreachable_number" => "No route to host (os error {number})",
    SystemNetworkUnreachable = "system.network_unreachable" => "network unreachable",
    SystemNetworkUnreachableNumber = "system.network_unreachable_number" => "Network is unreachable (os error {number})",
    SystemTimedOut = "system.timed_out" => "timed out",
    SystemTimedOutNumber = "system.timed_out_number" => "Connection timed out (os error {number})",
    SystemUnexpectedEof = "system.unexpected_eof" => "unexpected end of file",
    FaultSelfSigned = "certificate_fault.self_signed" => "The certificate is self-signed: only the server itself vouches for it.",
    FaultUnknownIssuer = "certificate_fault.unknown_issuer" => "The certificate was issued by an authority that the portal does not trust.",
    FaultNoIssuerShown = "certificate_fault.no_issuer_shown" => "The server does not send the certificate of the authority that issued its own, and the portal does not know that authority.",
    FaultExpired = "certificate_fault.expired" => "The certificate expired on {not_after}.",
    FaultNotYetValid = "certificate_fault.not_yet_valid" => "The certificate is not valid before {not_before}.",
    FaultNoNames = "certificate_fault.no_names" => "The certificate names no host at all, so it is not for \"{host}\" either.",
    FaultNameMismatch = "certificate_fault.name_mismatch" => "The certificate is for {names}, not for \"{host}\".",
    FaultRevoked = "certificate_fault.revoked" => "The certificate was revoked by its issuer.",
    FaultNotForServers = "certificate_fault.not_for_servers" => "The certificate is not meant for a server.",
    FaultUnreadable = "certificate_fault.unreadable" => "The certificate cannot be read.",
    FaultNotTheTrusted = "certificate_fault.not_the_trusted" => "The certificate is not the one that was trusted before. That one has the SHA-256 fingerprint {trusted}.",
    FaultOther = "certificate_fault.other" => "The certificate was not accepted: {what}.",
}

/// One sentence with the values of its placeholders. Its `Display` is English.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    code: SentenceCode,
    placeholders: Vec<(&'static str, PlaceholderValue)>,
}

/// The value of a placeholder.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaceholderValue {
    /// The same in every language.
    Text(String),
    /// Seconds, which languages write with other decimal separators.
    Seconds(Duration),
}

impl Sentence {
    pub(crate) fn new(code: SentenceCode) -> Self {
        Self { code, placeholders: Vec::new() }
    }

    pub(crate) fn with(mut self, placeholder: &'static str, value: impl fmt::Display) -> Self {
        self.placeholders.push((placeholder, PlaceholderValue::Text(value.to_string())));
        self
    }

    pub(crate) fn with_seconds(mut self, placeholder: &'static str, value: Duration) -> Self {
        self.placeholders.push((placeholder, PlaceholderValue::Seconds(value)));
        self
    }

    /// The code of the sentence.
    #[must_use]
    pub fn code(&self) -> SentenceCode {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn is_filled(&self) -> bool {
        let names = self.code.english().split('{').skip(1);
        let names: Vec<_> = names.filter_map(|rest| rest.split('}').next()).collect();
        let filled: Vec<_> = self.placeholders.iter().map(|(name, _)| *name).collect();
        names == filled
    }

    /// The value of the placeholder with that name.
    #[must_use]
    pub fn placeholder(&self, name: &str) -> Option<&PlaceholderValue> {
        self.placeholders
            .iter()
            .find(|(placeholder, _)| *placeholder == name)
            .map(|(_, value)| value)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.code.english();
        while let Some((before, rest)) = text.split_once('{') {
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            f.write_str(before)?;
            if let Some(value) = self.placeholder(name) {
                value.fmt(f)?;
            }
            text = after;
        }
        f.write_str(text)
    }
}

impl fmt::Display for PlaceholderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Seconds(seconds) => seconds.as_secs_f32().fmt(f),
        }
    }
}

/// An error, or one of its sources.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A sentence of the engine's.
    Sentence(Sentence),
    /// The message of another library or of the operating system.
    Verbatim(String),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sentence(sentence) => sentence.fmt(f),
            Self::Verbatim(text) => f.write_str(text),
        }
    }
}

/// The sentence for the commonest errors of the operating system.
pub(crate) fn of_the_system(error: &io::Error) -> Option<Sentence> {
    use SentenceCode as Code;
    if error.get_ref().is_some() {
        return None;
    }
    let (plain, numbered) = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            (Code::SystemConnectionRefused, Code::SystemConnectionRefusedNumber)
        }
        io::ErrorKind::ConnectionReset => {
            (Code::SystemConnectionReset, Code::SystemConnectionResetNumber)
        }
        io::ErrorKind::ConnectionAborted => {
            (Code::SystemConnectionAborted, Code::SystemConnectionAbortedNumber)
        }
        io::ErrorKind::BrokenPipe => (Code::SystemBrokenPipe, Code::SystemBrokenPipeNumber),
        io::ErrorKind::HostUnreachable => {
            (Code::SystemHostUnreachable, Code::SystemHostUnreachableNumber)
        }
        io::ErrorKind::NetworkUnreachable => {
            (Code::SystemNetworkUnreachable, Code::SystemNetworkUnreachableNumber)
        }
        io::ErrorKind::TimedOut => (Code::SystemTimedOut, Code::SystemTimedOutNumber),
        io::ErrorKind::UnexpectedEof if error.raw_os_error().is_none() => {
            return Some(Sentence::new(Code::SystemUnexpectedEof));
        }
        _ => return None,
    };
    Some(match error.raw_os_error() {
        Some(number) => Sentence::new(numbered).with("number", number),
        None => Sentence::new(plain),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_that_of_one_sentence() {
        for code in SentenceCode::ALL {
            let same = SentenceCode::ALL.iter().filter(|other| other.as_str() == code.as_str());
            assert_eq!(same.count(), 1, "{code:?}");
        }
    }

    #[test]
    fn system_says_what_the_library_says() {
        use io::ErrorKind as Kind;
        for kind in [
            Kind::ConnectionRefused,
            Kind::ConnectionReset,
            Kind::ConnectionAborted,
            Kind::BrokenPipe,
            Kind::HostUnreachable,
            Kind::NetworkUnreachable,
            Kind::TimedOut,
            Kind::UnexpectedEof,
        ] {
            let error = io::Error::from(kind);
            assert_eq!(of_the_system(&error).unwrap().to_string(), error.to_string());
        }
        // ECONNREFUSED, ECONNRESET, ECONNABORTED, EPIPE, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT.
        for number in [111, 104, 103, 32, 113, 101, 110] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(of_the_system(&error).unwrap().to_string(), error.to_string());
        }
        assert_eq!(of_the_system(&io::Error::other("x")), None);
        assert_eq!(of_the_system(&io::Error::from_raw_os_error(28)), None);
    }
}
