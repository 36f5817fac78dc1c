//! What errors say, in English and beside it in German.
//!
//! What others wrote stays as it is in both: the server's words, and what the TLS library and the
//! operating system say of an error beneath, but for the system's commonest errors.

use std::{error::Error as StdError, fmt, io, time::Duration};

use super::{Error, Kind, What};
use crate::{language::Language, reply::display_text, say};

impl Error {
    /// The error and its sources, one after the other, as the transcript has them.
    #[must_use]
    pub fn chain(&self) -> String {
        self.chain_in(Language::English)
    }

    /// The same in a language. What the TLS library says, and the operating system of rare errors,
    /// is in English still.
    #[must_use]
    pub fn chain_in(&self, language: Language) -> String {
        let sentence = self.kind().text(language);
        match self.kind() {
            Kind::Proxy { failure, .. } => {
                let sentence = format!("{sentence}: {}", failure.text(language));
                with_sources(sentence, failure.source(), language)
            }
            Kind::Malformed(source) => format!("{sentence}: {}", source.text(language)),
            Kind::Passive { source, .. } => format!("{sentence}: {}", source.text(language)),
            Kind::NotTakenBack { check, .. } => format!("{sentence}: {}", check.chain_in(language)),
            kind => with_sources(sentence, kind.source(), language),
        }
    }
}

fn with_sources(
    mut text: String,
    mut source: Option<&(dyn StdError + 'static)>,
    language: Language,
) -> String {
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&of_the_system(error, language).unwrap_or_else(|| error.to_string()));
        source = error.source();
    }
    text
}

/// What the operating system says, where it says so in English alone and a person may meet it.
fn of_the_system(error: &(dyn StdError + 'static), language: Language) -> Option<String> {
    let error = error.downcast_ref::<io::Error>().filter(|error| error.get_ref().is_none())?;
    let text = match (language, error.kind()) {
        (Language::German, io::ErrorKind::ConnectionRefused) => "Verbindung abgelehnt",
        (Language::German, io::ErrorKind::ConnectionReset) => "Verbindung zurückgesetzt",
        (Language::German, io::ErrorKind::ConnectionAborted) => "Verbindung abgebrochen",
        (Language::German, io::ErrorKind::BrokenPipe) => "Verbindung von der Gegenseite beendet",
        (Language::German, io::ErrorKind::UnexpectedEof) => "Verbindung vorzeitig beendet",
        (Language::German, io::ErrorKind::HostUnreachable) => "Kein Weg zum Rechner",
        (Language::German, io::ErrorKind::NetworkUnreachable) => "Kein Weg zum Netz",
        (Language::German, io::ErrorKind::TimedOut) => "Zeit abgelaufen",
        _ => return None,
    };
    Some(match error.raw_os_error() {
        Some(number) => format!("{text} (Systemfehler {number})"),
        None => text.to_owned(),
    })
}

impl Kind {
    /// One fact. In German it begins as a sentence does; neither has a full stop.
    pub(super) fn text(&self, language: Language) -> String {
        match self {
            Self::InvalidHost { host } => say!(
                language,
                "\"{host}\" is neither a host name nor an address",
                "\"{host}\" ist weder ein Hostname noch eine Adresse",
                host = host
            ),
            Self::Io { what, .. } => say!(
                language,
                "{what} failed",
                "{what} ist gescheitert",
                what = what.text(language)
            ),
            Self::TimedOut { what, after } => too_late(*what, *after, language),
            Self::Proxy { protocol, what, .. } => say!(
                language,
                "the {protocol} did not make {what}",
                "{what} kam über den {protocol} nicht zustande",
                protocol = protocol.text(language),
                what = what.text(language)
            ),
            Self::Closed => say!(
                language,
                "the server closed the control connection",
                "Der Server hat die Steuerverbindung geschlossen"
            ),
            Self::Ended { reply } => say!(
                language,
                "the server ended the session with {code}",
                "Der Server hat die Sitzung mit {code} beendet",
                code = reply.code()
            ),
            Self::Refused { verb, reply } => say!(
                language,
                "the server refused {verb} with {code}",
                "Der Server hat {verb} mit {code} abgelehnt",
                verb = verb,
                code = reply.code()
            ),
            Self::Unexpected { verb, reply } => say!(
                language,
                "the server answered {verb} with {code}, which does not fit",
                "Der Server hat auf {verb} mit {code} geantwortet, was nicht passt",
                verb = verb,
                code = reply.code()
            ),
            Self::Malformed(_) => say!(
                language,
                "what the server sent is no reply",
                "Was der Server gesendet hat, ist keine Antwort"
            ),
            Self::BytesAfterAuth { count } => say!(
                language,
                "{count} bytes came in the clear with the reply to AUTH",
                "Mit der Antwort auf AUTH kamen {count} Bytes im Klartext",
                count = count
            ),
            Self::TlsSetup(_) => {
                say!(language, "TLS could not be set up", "TLS ließ sich nicht einrichten")
            }
            Self::Handshake(_) => {
                say!(language, "the TLS handshake failed", "Der TLS-Handshake ist gescheitert")
            }
            Self::TlsAtOnce => say!(
                language,
                "the server says nothing in the clear and answers TLS at once",
                "Der Server sagt im Klartext nichts und antwortet sofort auf TLS"
            ),
            Self::ClearAnswer { start } => say!(
                language,
                "the server answered the TLS handshake in the clear: \"{start}\"",
                "Der Server hat auf den TLS-Handshake im Klartext geantwortet: \"{start}\"",
                start = display_text(start)
            ),
            Self::Untrusted(_) => say!(
                language,
                "the server's certificate is not trusted",
                "Dem Zertifikat des Servers wird nicht vertraut"
            ),
            Self::NotPinned { shown } => say!(
                language,
                "the server's certificate is none of the pinned ones, it has SHA-256 {shown}",
                "Das Zertifikat des Servers ist keines der festgelegten, es hat SHA-256 {shown}",
                shown = shown
            ),
            Self::DataCertificate { control, data } => say!(
                language,
                "the data connection shows the certificate {data}, the control connection \
                 {control}",
                "Die Datenverbindung zeigt das Zertifikat {data}, die Steuerverbindung {control}",
                data = data,
                control = control
            ),
            Self::Passive { verb, .. } => say!(
                language,
                "the server's answer to {verb} cannot be used",
                "Die Antwort des Servers auf {verb} ist nicht zu gebrauchen",
                verb = verb
            ),
            Self::UnexpectedData => say!(
                language,
                "the server sent data over a data connection that only takes data",
                "Der Server hat Daten über eine Datenverbindung gesendet, auf der er nur empfängt"
            ),
            Self::EndedEarly { reply } => say!(
                language,
                "the server ended the transfer with {code} before all bytes were sent",
                "Der Server hat die Übertragung mit {code} beendet, bevor alle Bytes gesendet waren",
                code = reply.code()
            ),
            Self::WrongSize { sent, stored: Some(stored) } => say!(
                language,
                "the server said that the file is stored, but it holds {stored} of its {sent} bytes",
                "Der Server hat die Datei als gespeichert gemeldet, hat aber {stored} ihrer {sent} \
                 Bytes",
                stored = stored,
                sent = sent
            ),
            Self::WrongSize { stored: None, .. } => say!(
                language,
                "the server said that the file is stored, but it is not there",
                "Der Server hat die Datei als gespeichert gemeldet, aber sie ist nicht da"
            ),
            Self::WrongDigest { sent, stored } => say!(
                language,
                "the server holds another content than was sent: {stored} instead of {sent}",
                "Der Server hat einen anderen Inhalt, als gesendet wurde: {stored} statt {sent}",
                stored = stored,
                sent = sent
            ),
            Self::NotTakenBack { path, .. } => say!(
                language,
                "\"{path}\" may stand for a file that is not whole: the server did not let it be \
                 taken back",
                "\"{path}\" steht vielleicht für eine Datei, die nicht ganz ist: Der Server ließ \
                 sie nicht zurücknehmen",
                path = path
            ),
            Self::WrongPiece { given, missing } => say!(
                language,
                "the program gave {given} bytes of the file at a time, of {missing} that are \
                 missing",
                "Das Programm gab {given} Bytes der Datei auf einmal, von {missing}, die fehlen",
                given = given,
                missing = missing
            ),
            Self::NameNotKept => say!(
                language,
                "the server keeps no space at the end of a name: it would store the file under \
                 another",
                "Der Server behält kein Leerzeichen am Ende eines Namens: Er würde die Datei unter \
                 einem anderen speichern"
            ),
            Self::NoRandomness(_) => say!(
                language,
                "the operating system gave no random bytes",
                "Das Betriebssystem gab keine Zufallsbytes"
            ),
            Self::OutOfSync => say!(
                language,
                "the session's commands and replies are out of step",
                "Befehle und Antworten der Sitzung sind aus dem Takt"
            ),
        }
    }
}

/// What is late comes about, arrives or goes on; English has one word for them.
fn too_late(what: What, after: Duration, language: Language) -> String {
    let seconds = seconds(after, language);
    let name = what.text(language);
    match what {
        What::ControlTcp | What::DataTcp | What::ControlTls | What::DataTls => say!(
            language,
            "{what} was not there within {seconds} s",
            "{what} kam nicht innerhalb von {seconds} s zustande",
            what = name,
            seconds = seconds
        ),
        What::Greeting | What::Reply | What::FinalReply | What::Digest => say!(
            language,
            "{what} was not there within {seconds} s",
            "{what} kam nicht innerhalb von {seconds} s",
            what = name,
            seconds = seconds
        ),
        What::Control | What::Data => say!(
            language,
            "{what} was not there within {seconds} s",
            "{what} stand {seconds} s lang still",
            what = name,
            seconds = seconds
        ),
    }
}

fn seconds(after: Duration, language: Language) -> String {
    let seconds = after.as_secs_f32().to_string();
    match language {
        Language::English => seconds,
        Language::German => seconds.replace('.', ","),
    }
}

impl What {
    /// In German it begins a sentence.
    fn text(self, language: Language) -> String {
        match self {
            Self::ControlTcp => {
                say!(language, "the TCP connection to the server", "Die TCP-Verbindung zum Server")
            }
            Self::DataTcp => say!(
                language,
                "the TCP connection for the data",
                "Die TCP-Verbindung für die Daten"
            ),
            Self::Greeting => {
                say!(language, "the server's greeting", "Die Begrüßung des Servers")
            }
            Self::Reply => say!(language, "the server's reply", "Die Antwort des Servers"),
            Self::FinalReply => say!(
                language,
                "the server's reply to the transfer",
                "Die Antwort des Servers auf die Übertragung"
            ),
            Self::Digest => say!(
                language,
                "the server's digest of the file",
                "Die Prüfsumme der Datei vom Server"
            ),
            Self::ControlTls => say!(language, "the TLS handshake", "Der TLS-Handshake"),
            Self::DataTls => {
                say!(language, "the TLS handshake for the data", "Der TLS-Handshake für die Daten")
            }
            Self::Control => say!(language, "the control connection", "Die Steuerverbindung"),
            Self::Data => say!(language, "the data connection", "Die Datenverbindung"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Algorithm, CertificateFacts, Code, FileDigest, Fingerprint, ProxyProtocol, Reply, Stage,
        UntrustedCertificate,
        passive::PassiveError,
        proxy::{ProxyFailure, ServerTrouble},
        reply::decoder::DecodeError,
    };

    /// Words that are in English sentences, and in no German ones.
    const ENGLISH: [&str; 9] =
        ["the", "server's", "with", "and", "is", "has", "not", "connection", "reply"];

    /// What the operating system says.
    const OF_THE_SYSTEM: &str = "Connection refused";

    fn reply() -> Reply {
        Reply::from_lines(Code::at_start_of(b"550").unwrap(), vec![b"550 No.".to_vec()])
    }

    fn system() -> io::Error {
        io::Error::other(OF_THE_SYSTEM)
    }

    fn digest(byte: u8) -> FileDigest {
        FileDigest::new(Algorithm::Crc32, &format!("{byte:02x}").repeat(4)).unwrap()
    }

    fn untrusted() -> Box<UntrustedCertificate> {
        let facts = CertificateFacts {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            sha256: Fingerprint::new([0; 32]),
        };
        Box::new(UntrustedCertificate { facts, doubts: Vec::new() })
    }

    const WHATS: [What; 10] = [
        What::ControlTcp,
        What::DataTcp,
        What::Greeting,
        What::Reply,
        What::FinalReply,
        What::Digest,
        What::ControlTls,
        What::DataTls,
        What::Control,
        What::Data,
    ];

    fn of_whats() -> impl Iterator<Item = Kind> {
        let after = Duration::from_millis(1500);
        WHATS.into_iter().flat_map(move |what| {
            [Kind::TimedOut { what, after }, Kind::Io { what, source: system() }]
        })
    }

    fn of_proxies() -> impl Iterator<Item = Kind> {
        let said = || "no".to_owned();
        let (trouble, answer) = (ServerTrouble::Refused, said());
        let failures = [
            ProxyFailure::Unreachable(system()),
            ProxyFailure::Lost(system()),
            ProxyFailure::Silent,
            ProxyFailure::Credentials(said()),
            ProxyFailure::Refused(said()),
            ProxyFailure::Server { trouble, answer },
            ProxyFailure::NotAProxy(said()),
        ];
        let protocols = [ProxyProtocol::Socks5, ProxyProtocol::HttpConnect].into_iter().cycle();
        protocols.zip(failures).map(|(protocol, failure)| Kind::Proxy {
            protocol,
            what: What::ControlTcp,
            failure,
        })
    }

    fn of_replies() -> Vec<Kind> {
        let (verb, start, limit) = ("STOR", b"SSH-2.0".to_vec(), 3);
        let decode = [
            DecodeError::NotAReply { start: start.clone() },
            DecodeError::LineTooLong { limit },
            DecodeError::TooManyLines { limit },
            DecodeError::ReplyTooLong { limit },
        ];
        let passive = [
            PassiveError::OtherCode(reply().code()),
            PassiveError::NoPort,
            PassiveError::ForbiddenPort(7),
        ];
        let passive = passive.map(|source| Kind::Passive { verb, reply: reply(), source });
        let kinds = [
            Kind::Closed,
            Kind::Ended { reply: reply() },
            Kind::Refused { verb, reply: reply() },
            Kind::Unexpected { verb, reply: reply() },
            Kind::EndedEarly { reply: reply() },
            Kind::BytesAfterAuth { count: 7 },
            Kind::TlsAtOnce,
            Kind::ClearAnswer { start },
        ];
        kinds.into_iter().chain(decode.map(Kind::Malformed)).chain(passive).collect()
    }

    fn others() -> Vec<Kind> {
        let (control, data) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
        vec![
            Kind::InvalidHost { host: "a b".to_owned() },
            Kind::TlsSetup(rustls::Error::General(OF_THE_SYSTEM.to_owned())),
            Kind::Handshake(system()),
            Kind::Untrusted(untrusted()),
            Kind::NotPinned { shown: control },
            Kind::DataCertificate { control, data },
            Kind::UnexpectedData,
            Kind::WrongSize { sent: 9, stored: Some(7) },
            Kind::WrongSize { sent: 9, stored: None },
            Kind::WrongDigest { sent: digest(1), stored: digest(2) },
            Kind::NotTakenBack { path: "/a/b".to_owned(), check: Kind::Closed.at(Stage::Verify) },
            Kind::WrongPiece { given: 7, missing: 3 },
            Kind::NameNotKept,
            Kind::NoRandomness(system()),
            Kind::OutOfSync,
        ]
    }

    fn every_error() -> impl Iterator<Item = Error> {
        let kinds = of_whats().chain(of_proxies()).chain(of_replies()).chain(others());
        kinds.map(|kind| kind.at(Stage::Transfer))
    }

    #[test]
    fn chain_is_what_the_error_and_each_of_its_sources_display() {
        for error in every_error() {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(beneath) = source {
                text = format!("{text}: {beneath}");
                source = beneath.source();
            }
            assert_eq!(error.chain(), text);
        }
    }

    #[test]
    fn german_has_no_english_but_what_the_system_says() {
        for error in every_error() {
            let said = error.chain_in(Language::German).replace(OF_THE_SYSTEM, "");
            let mut words = said.split(|c: char| !c.is_alphabetic() && c != '\'');
            assert!(words.all(|word| !ENGLISH.contains(&word)), "{said}");
            assert!(said.starts_with(|c: char| !c.is_lowercase()), "{said}");
            assert!(!said.ends_with('.'), "{said}");
        }
    }

    #[test]
    fn german_tells_the_same_facts() {
        let told = |kind: Kind| kind.at(Stage::Transfer).chain_in(Language::German);
        let late = Kind::TimedOut { what: What::Reply, after: Duration::from_millis(1500) };
        assert_eq!(told(late), "Die Antwort des Servers kam nicht innerhalb von 1,5 s");
        let refused = Kind::Io { what: What::ControlTcp, source: system() };
        assert_eq!(
            told(refused),
            "Die TCP-Verbindung zum Server ist gescheitert: Connection refused"
        );
        let source = io::Error::from_raw_os_error(111);
        let number = told(Kind::Io { what: What::DataTcp, source });
        assert!(number.ends_with(": Verbindung abgelehnt (Systemfehler 111)"), "{number}");
        let check = Kind::WrongSize { sent: 9, stored: Some(7) }.at(Stage::Verify);
        let kept = told(Kind::NotTakenBack { path: "/a".to_owned(), check });
        assert!(kept.starts_with("\"/a\" steht") && kept.ends_with("7 ihrer 9 Bytes"), "{kept}");
    }
}
