//! What the portal says to a person, in the person's language: every [`Problem`] is made here.
//!
//! Each sentence stands in English, and beside it in German. What others wrote stays as it is: the
//! server's reply, an operating system's or a name service's words, the names of things. So do the
//! details of a breach of the protocol, which tell a programmer what to look for and a person
//! nothing.
//!
//! A path stands in straight quotes in both languages: the page knows by them where it begins and
//! ends, and hides it on request.

use std::time::Duration;

use ftps::{Doubt, FileDigest, Language, RemotePath, say};
use protocol::{Problem, Remedy, Stage, problem::Who};

use crate::{
    convert,
    policy::{Refusal, Scope},
    remote_path,
    session::{EndReason, ProtocolViolation, registry::NoSession},
    websocket::handshake,
};

mod span;

use span::span;

/// Says what the portal has to say, in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speech(Language);

/// What happened and what the person can do, at the portal itself.
fn yours(message: String, remedy: String) -> Problem {
    at(Stage::Portal, Who::You, message, remedy)
}

fn at(stage: Stage, who: Who, message: String, remedy: String) -> Problem {
    let remedy = Some(Remedy { who, what: remedy });
    Problem { stage, message, logged: None, reply: None, cause: None, remedy }
}

/// The same problem in other words than the session log's.
fn put_otherwise(problem: Problem, message: String) -> Problem {
    let logged = problem.logged.or(Some(problem.message));
    Problem { message, logged, ..problem }
}

impl Speech {
    /// In a language.
    #[must_use]
    pub const fn new(language: Language) -> Self {
        Self(language)
    }

    // From the FTPS server, and on the way there.

    /// An error of the engine: facts, likely cause, remedy.
    pub(crate) fn engine(self, error: &ftps::Error) -> Problem {
        let diagnosis = ftps::Diagnosis::of_in(error, self.0);
        let (message, logged) = (error.chain_in(self.0), error.chain());
        Problem {
            stage: convert::stage(error.stage()),
            logged: (logged != message).then_some(logged),
            message,
            reply: error.reply().map(ToString::to_string),
            cause: Some(diagnosis.explanation),
            remedy: Some(Remedy {
                who: match diagnosis.who {
                    ftps::Who::You => Who::You,
                    ftps::Who::Host => Who::Host,
                    ftps::Who::Network => Who::Network,
                    ftps::Who::Operator => Who::Operator,
                },
                what: diagnosis.remedy,
            }),
        }
    }

    /// What speaks against a certificate.
    pub(crate) fn doubts(self, doubts: &[Doubt]) -> Vec<String> {
        doubts.iter().map(|doubt| doubt.text(self.0)).collect()
    }

    /// A destination that the policy does not let pass.
    pub(crate) fn refusal(self, refusal: &Refusal) -> Problem {
        let (stage, who) = match refusal {
            Refusal::NotAHost(_) | Refusal::PortZero | Refusal::NotFound { .. } => {
                (Stage::Resolve, Who::You)
            }
            Refusal::NoAnswer { .. } => (Stage::Resolve, Who::Operator),
            Refusal::NotAllowed { .. } => (Stage::Policy, Who::Operator),
        };
        let (message, logged) = (refusal.text(self.0), refusal.to_string());
        Problem {
            logged: (logged != message).then_some(logged),
            cause: self.cause_of_refusal(refusal),
            ..at(stage, who, message, self.remedy_of_refusal(refusal))
        }
    }

    fn remedy_of_refusal(self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::NotAHost(_) | Refusal::PortZero => say!(
                self.0,
                "Enter the server's host name, for example ftp.example.com, and its port.",
                "Geben Sie den Hostnamen des Servers ein, zum Beispiel ftp.example.com, und seinen \
                 Port."
            ),
            Refusal::NotFound { .. } => say!(
                self.0,
                "Check the spelling of the host name. If it is right, it may be known only inside \
                 a network that the portal is not in.",
                "Prüfen Sie, ob der Hostname richtig geschrieben ist. Ist er es, kennt ihn \
                 vielleicht nur ein Netz, zu dem das Portal nicht gehört."
            ),
            Refusal::NoAnswer { .. } => say!(
                self.0,
                "Try again in a minute. If it stays, the portal's name service needs a look.",
                "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, muss jemand nach dem \
                 Namensdienst des Portals sehen."
            ),
            Refusal::NotAllowed { .. } => say!(
                self.0,
                "This portal connects to public addresses only. Whoever runs it can allow this \
                 network with the setting `allow_network`.",
                "Dieses Portal verbindet sich nur mit öffentlichen Adressen. Sein Betreiber kann \
                 dieses Netz mit der Einstellung `allow_network` erlauben."
            ),
        }
    }

    fn cause_of_refusal(self, refusal: &Refusal) -> Option<String> {
        match refusal {
            Refusal::NotFound { source: Some(source), .. } => Some(say!(
                self.0,
                "The name service said: {source}.",
                "Der Namensdienst sagte: {source}.",
                source = source
            )),
            Refusal::NotFound { source: None, .. }
            | Refusal::NotAHost(_)
            | Refusal::PortZero
            | Refusal::NoAnswer { .. }
            | Refusal::NotAllowed { .. } => None,
        }
    }

    /// The proxy's own name has no address. The page is not told the name.
    pub(crate) fn proxy_not_found(self) -> Problem {
        at(
            Stage::Connect,
            Who::Operator,
            say!(
                self.0,
                "the address of the portal's proxy was not found",
                "Die Adresse des Proxys, den das Portal benutzt, wurde nicht gefunden"
            ),
            say!(
                self.0,
                "Tell whoever runs the portal: the setting `proxy` names a host that the name \
                 service does not know.",
                "Sagen Sie es dem Betreiber des Portals: Die Einstellung `proxy` nennt einen Host, \
                 den der Namensdienst nicht kennt."
            ),
        )
    }

    // What the page asks for.

    /// There is no FTPS connection to do it on.
    pub(crate) fn not_connected(self) -> Problem {
        yours(
            say!(
                self.0,
                "there is no connection to an FTPS server",
                "Es gibt keine Verbindung zu einem FTPS-Server"
            ),
            say!(self.0, "Connect first.", "Verbinden Sie sich erst."),
        )
    }

    /// The link ended before the server said what became of something.
    pub(crate) fn left_open(self, limit: Duration) -> Problem {
        yours(
            say!(
                self.0,
                "the connection was ended, and the server did not say within {limit} whether it \
                 was done",
                "Die Verbindung wurde beendet, und der Server hat nicht innerhalb von {limit} \
                 gesagt, ob es geschehen ist",
                limit = span(limit)
            ),
            say!(
                self.0,
                "Connect again and look at the directory.",
                "Verbinden Sie sich wieder und sehen Sie im Verzeichnis nach."
            ),
        )
    }

    /// The certificate that is to be trusted is not named by its fingerprint.
    pub(crate) fn not_a_fingerprint(self) -> Problem {
        yours(
            say!(
                self.0,
                "the page named a certificate by something that is no SHA-256 fingerprint",
                "Die Seite hat ein Zertifikat mit etwas benannt, das kein SHA-256-Fingerabdruck ist"
            ),
            say!(
                self.0,
                "Reload the page and try again.",
                "Laden Sie die Seite neu und versuchen Sie es noch einmal."
            ),
        )
    }

    /// No FTP command can carry the username.
    pub(crate) fn unfit_username(self) -> Problem {
        let message = say!(
            self.0,
            "the username holds a character that FTP cannot carry",
            "Im Benutzernamen steht ein Zeichen, das FTP nicht übertragen kann"
        );
        yours(message, self.no_line_breaks())
    }

    /// The username is longer than any.
    pub(crate) fn long_username(self, most: usize) -> Problem {
        let message = say!(
            self.0,
            "the username is longer than {most} bytes",
            "Der Benutzername ist länger als {most} Bytes",
            most = most
        );
        yours(message, say!(self.0, "Enter a shorter one.", "Geben Sie einen kürzeren ein."))
    }

    /// No FTP command can carry the password.
    pub(crate) fn unfit_password(self) -> Problem {
        let message = say!(
            self.0,
            "the password holds a character that FTP cannot carry",
            "Im Passwort steht ein Zeichen, das FTP nicht übertragen kann"
        );
        yours(message, self.no_line_breaks())
    }

    fn no_line_breaks(self) -> String {
        say!(
            self.0,
            "Remove line breaks and null characters.",
            "Entfernen Sie Zeilenumbrüche und Nullzeichen."
        )
    }

    /// A path that cannot go over the wire.
    pub(crate) fn bad_path(self, path: &str) -> Problem {
        yours(
            say!(
                self.0,
                "the path {path:?} cannot be used on an FTP server",
                "Der Pfad {path:?} ist auf einem FTP-Server nicht zu gebrauchen",
                path = path
            ),
            say!(
                self.0,
                "Rename the file: no line breaks, no null characters, no `..`, at most {most} \
                 bytes.",
                "Benennen Sie die Datei um: keine Zeilenumbrüche, keine Nullzeichen, kein `..`, \
                 höchstens {most} Bytes.",
                most = remote_path::MAX_LEN
            ),
        )
    }

    /// The name is that of no upload's leftover.
    pub(crate) fn not_a_leftover(self, path: &str) -> Problem {
        yours(
            say!(
                self.0,
                "{path:?} is not the temporary name of an upload",
                "{path:?} ist nicht der vorläufige Name eines Uploads",
                path = path
            ),
            say!(
                self.0,
                "Remove other files with another client: the portal removes only what uploads left \
                 behind.",
                "Entfernen Sie andere Dateien mit einem anderen Programm: Das Portal entfernt nur, \
                 was Uploads hinterlassen haben."
            ),
        )
    }

    /// The text does not tell which file is meant.
    pub(crate) fn name_not_exact(self, path: &str) -> Problem {
        yours(
            say!(
                self.0,
                "the name in {path:?} cannot be written exactly",
                "Der Name in {path:?} lässt sich nicht genau schreiben",
                path = path
            ),
            say!(
                self.0,
                "Its characters are not in UTF-8. Rename or delete it with a program that sends \
                 names as the server has them, or ask whoever runs the server.",
                "Seine Zeichen sind nicht in UTF-8. Benennen oder löschen Sie, was ihn hat, mit \
                 einem Programm, das Namen so sendet, wie der Server sie hat, oder fragen Sie den \
                 Betreiber des Servers."
            ),
        )
    }

    /// The root, the login's own directory, or one above it.
    pub(crate) fn not_to_be_changed(self, path: &str) -> Problem {
        yours(
            say!(
                self.0,
                "{path:?} is the directory that the login opened, or one above it",
                "{path:?} ist das Verzeichnis der Anmeldung oder eines darüber",
                path = path
            ),
            say!(self.0, "Choose something inside it.", "Wählen Sie etwas darin aus."),
        )
    }

    /// A rename would replace something.
    pub(crate) fn name_taken(self, to: &str) -> Problem {
        at(
            Stage::Rename,
            Who::You,
            say!(
                self.0,
                "something has the name {to:?} already",
                "Den Namen {to:?} gibt es schon",
                to = to
            ),
            say!(
                self.0,
                "Choose another name, or delete what has it first. Nothing was renamed.",
                "Wählen Sie einen anderen Namen, oder löschen Sie erst, was ihn hat. Nichts wurde \
                 umbenannt."
            ),
        )
    }

    /// A directory cannot be in itself.
    pub(crate) fn moved_into_itself(self, from: &str, to: &str) -> Problem {
        at(
            Stage::Rename,
            Who::You,
            say!(
                self.0,
                "{to:?} is inside {from:?}, which cannot be moved into itself",
                "{to:?} liegt in {from:?}, und das lässt sich nicht in sich selbst verschieben",
                to = to,
                from = from
            ),
            say!(
                self.0,
                "Choose a directory outside of it.",
                "Wählen Sie ein Verzeichnis außerhalb."
            ),
        )
    }

    /// The server would take the name for another one.
    pub(crate) fn name_not_kept(self) -> Problem {
        yours(
            say!(
                self.0,
                "the server keeps no space at the end of a name: it would take it for another one",
                "Der Server behält kein Leerzeichen am Ende eines Namens: Er hielte ihn für einen \
                 anderen"
            ),
            say!(
                self.0,
                "Choose a name without a space at its end; ask whoever runs the server to change \
                 one that is there.",
                "Wählen Sie einen Namen ohne Leerzeichen am Ende; einen, der schon da ist, kann der \
                 Betreiber des Servers ändern."
            ),
        )
    }

    /// A directory that holds something was to be deleted as an empty one.
    pub(crate) fn not_empty(self, problem: Problem, path: &str) -> Problem {
        let message = say!(
            self.0,
            "the directory {path:?} is not empty",
            "Das Verzeichnis {path:?} ist nicht leer",
            path = path
        );
        let what = say!(
            self.0,
            "Delete it with everything in it, or delete what is in it first.",
            "Löschen Sie es mit allem, was darin ist, oder löschen Sie das zuerst."
        );
        let remedy = Some(Remedy { who: Who::You, what });
        Problem { cause: None, remedy, ..put_otherwise(problem, message) }
    }

    /// What was to be deleted with everything in it is no directory.
    pub(crate) fn not_a_directory(self, path: &RemotePath) -> Problem {
        at(
            Stage::Delete,
            Who::You,
            say!(
                self.0,
                "the server does not list \"{path}\" as a directory",
                "Der Server führt \"{path}\" nicht als Verzeichnis auf",
                path = path
            ),
            say!(
                self.0,
                "List the directory above again. A link is deleted like a file: what it leads to \
                 stays.",
                "Listen Sie das Verzeichnis darüber neu auf. Ein Link wird wie eine Datei gelöscht: \
                 Das, wohin er führt, bleibt."
            ),
        )
    }

    /// A directory holds more than may be deleted at once.
    pub(crate) fn too_much_to_delete(self, path: &RemotePath, max: u32) -> Problem {
        at(
            Stage::Delete,
            Who::You,
            say!(
                self.0,
                "there is more to delete than {max} entries, or than the listing of \"{path}\" \
                 tells",
                "Es ist mehr zu löschen als {max} Einträge, oder mehr, als die Liste von \"{path}\" \
                 sagt",
                max = max,
                path = path
            ),
            say!(
                self.0,
                "Delete the directories in it one by one, or ask whoever runs the portal to raise \
                 `max_deleted_entries`. Nothing was deleted.",
                "Löschen Sie die Verzeichnisse darin einzeln, oder bitten Sie den Betreiber des \
                 Portals, `max_deleted_entries` zu erhöhen. Nichts wurde gelöscht."
            ),
        )
    }

    /// A refusal on the way through a directory.
    pub(crate) fn stopped_at(self, problem: Problem, path: &RemotePath) -> Problem {
        let message = say!(
            self.0,
            "\"{path}\" was not deleted: {message}",
            "\"{path}\" wurde nicht gelöscht: {message}",
            path = path,
            message = problem.message
        );
        put_otherwise(problem, message)
    }

    // Uploads.

    /// The page has gone silent about an upload.
    pub(crate) fn page_stopped_sending(self, limit: Duration) -> Problem {
        yours(
            say!(
                self.0,
                "the page sent nothing for {limit}",
                "Die Seite hat {limit} lang nichts gesendet",
                limit = span(limit)
            ),
            say!(
                self.0,
                "Start the upload again; it was paused for too long, or the file cannot be read.",
                "Beginnen Sie den Upload noch einmal; er stand zu lange still, oder die Datei lässt \
                 sich nicht lesen."
            ),
        )
    }

    /// All of the memory that the uploads share is in use, and nobody gives any of it back.
    pub(crate) fn portal_has_no_room(self, limit: Duration) -> Problem {
        yours(
            say!(
                self.0,
                "the portal's memory for uploads was full for {limit}",
                "Der Speicher des Portals für Uploads war {limit} lang voll",
                limit = span(limit)
            ),
            say!(
                self.0,
                "Try again when fewer uploads are under way, or tell whoever runs the portal: its \
                 setting `window_budget` is too small for them.",
                "Versuchen Sie es noch einmal, wenn weniger Uploads unterwegs sind, oder sagen Sie \
                 dem Betreiber des Portals: Die Einstellung `window_budget` ist zu klein für sie."
            ),
        )
    }

    /// The page has not said the digest that it promised.
    pub(crate) fn page_says_no_digest(self, limit: Duration) -> Problem {
        yours(
            say!(
                self.0,
                "the page said no digest of the file for {limit}",
                "Die Seite hat {limit} lang keine Prüfsumme der Datei genannt",
                limit = span(limit)
            ),
            say!(
                self.0,
                "Start the upload again; the file cannot be read any more, or the page was asleep.",
                "Beginnen Sie den Upload noch einmal; die Datei lässt sich nicht mehr lesen, oder \
                 die Seite hat geschlafen."
            ),
        )
    }

    /// What the portal relayed is not what the page has.
    pub(crate) fn digests_differ(self, relayed: &FileDigest, of_page: &str) -> Problem {
        let message = say!(
            self.0,
            "what arrived ({relayed}) is not what the page read ({algorithm} {of_page})",
            "Was ankam ({relayed}), ist nicht, was die Seite gelesen hat ({algorithm} {of_page})",
            relayed = relayed,
            algorithm = relayed.algorithm(),
            of_page = of_page
        );
        let cause = say!(
            self.0,
            "The file changed while it was uploaded, or its bytes were damaged on the way.",
            "Die Datei hat sich beim Hochladen geändert, oder ihre Bytes wurden unterwegs \
             beschädigt."
        );
        let remedy = say!(
            self.0,
            "Upload the file again when nothing writes to it any more. Nothing was stored under \
             its name.",
            "Laden Sie die Datei noch einmal hoch, wenn nichts mehr in sie schreibt. Unter ihrem \
             Namen wurde nichts gespeichert."
        );
        Problem { cause: Some(cause), ..yours(message, remedy) }
    }

    /// A complete file could not take the place of the old one; both are there.
    pub(crate) fn not_replaced(
        self,
        problem: Problem,
        path: &RemotePath,
        new: &RemotePath,
        old: &RemotePath,
    ) -> Problem {
        let what = say!(
            self.0,
            "The new file is complete as \"{new}\", the old one is \"{old}\": give the new one the \
             name \"{path}\".",
            "Die neue Datei liegt vollständig als \"{new}\" da, die alte als \"{old}\": Geben Sie \
             der neuen den Namen \"{path}\".",
            new = new,
            old = old,
            path = path
        );
        Problem { remedy: Some(Remedy { who: Who::You, what }), ..problem }
    }

    // Sessions and their sockets.

    /// The portal makes no session.
    pub(crate) fn no_session(self, why: &NoSession) -> Problem {
        match why {
            NoSession::Full(max) => yours(
                say!(
                    self.0,
                    "the portal has as many sessions as it may have ({max})",
                    "Das Portal hat so viele Sitzungen, wie es haben darf ({max})",
                    max = max
                ),
                say!(
                    self.0,
                    "Try again in a few minutes.",
                    "Versuchen Sie es in einigen Minuten noch einmal."
                ),
            ),
            NoSession::NoRandomness(_) => yours(
                say!(
                    self.0,
                    "the portal has no random numbers",
                    "Das Portal hat keine Zufallszahlen"
                ),
                say!(
                    self.0,
                    "Tell whoever runs the portal.",
                    "Sagen Sie es dem Betreiber des Portals."
                ),
            ),
        }
    }

    /// Sockets that have not said hello are as many as may be.
    pub(crate) fn too_many_sockets(self) -> Problem {
        yours(
            say!(
                self.0,
                "the portal has too many sockets that wait to begin",
                "Beim Portal warten zu viele Verbindungen darauf, zu beginnen"
            ),
            say!(self.0, "Try again in a minute.", "Versuchen Sie es in einer Minute noch einmal."),
        )
    }

    /// What asks for a WebSocket asks for none.
    pub(crate) fn no_web_socket(self, error: handshake::HandshakeError) -> Problem {
        yours(
            say!(
                self.0,
                "no WebSocket was opened: {refusal}",
                "Es wurde kein WebSocket geöffnet: {refusal}",
                refusal = error
            ),
            say!(
                self.0,
                "A proxy in front of the portal has to pass WebSockets on.",
                "Ein Proxy vor dem Portal muss WebSockets durchlassen."
            ),
        )
    }

    /// The page comes from an address that is not the portal's.
    pub(crate) fn other_origin(self, origin: &str) -> Problem {
        yours(
            say!(
                self.0,
                "the page was opened at {origin:?}, which is not an address of this portal",
                "Die Seite wurde unter {origin:?} geöffnet, das ist keine Adresse dieses Portals",
                origin = origin
            ),
            say!(
                self.0,
                "Open the portal at its own address; whoever runs it can add this one to `origins`.",
                "Öffnen Sie das Portal unter seiner eigenen Adresse; sein Betreiber kann diese in \
                 `origins` aufnehmen."
            ),
        )
    }

    /// The session is over.
    pub(crate) fn over(self, why: EndReason) -> Problem {
        let remedy = match why {
            EndReason::Shutdown => say!(
                self.0,
                "Connect again in a minute.",
                "Verbinden Sie sich in einer Minute neu."
            ),
            EndReason::Closed
            | EndReason::ProtocolViolation
            | EndReason::Stalled
            | EndReason::NothingToResume
            | EndReason::Absent(_)
            | EndReason::Lifetime(_) => self.connect_again(),
        };
        let message = match why {
            EndReason::Closed | EndReason::ProtocolViolation | EndReason::Stalled => {
                say!(self.0, "the page has ended the session", "Die Seite hat die Sitzung beendet")
            }
            EndReason::NothingToResume => say!(
                self.0,
                "the page went away without a connection to come back to",
                "Die Seite ist ohne eine Verbindung fortgegangen, zu der sie zurückkommen könnte"
            ),
            EndReason::Absent(limit) => say!(
                self.0,
                "the page was away for {limit}",
                "Die Seite war {limit} lang fort",
                limit = span(limit)
            ),
            EndReason::Lifetime(limit) => say!(
                self.0,
                "the session reached its longest life of {limit}",
                "Die Sitzung hat ihre längste Dauer von {limit} erreicht",
                limit = span(limit)
            ),
            EndReason::Shutdown => {
                say!(self.0, "the portal is shutting down", "Das Portal wird heruntergefahren")
            }
        };
        yours(message, remedy)
    }

    fn connect_again(self) -> String {
        say!(self.0, "Connect again.", "Verbinden Sie sich neu.")
    }

    /// The page takes nothing in.
    pub(crate) fn page_is_deaf(self, limit: Duration) -> Problem {
        let message = say!(
            self.0,
            "the page has heard nothing for {limit}",
            "Die Seite hat {limit} lang nichts mehr aufgenommen",
            limit = span(limit)
        );
        yours(message, self.connect_again())
    }

    /// A socket that does not begin.
    pub(crate) fn no_hello(self, limit: Duration) -> Problem {
        let message = say!(
            self.0,
            "the page said no `hello` within {limit}",
            "Die Seite hat sich nicht innerhalb von {limit} mit `hello` gemeldet",
            limit = span(limit)
        );
        yours(message, self.reload())
    }

    /// The session is not this page's.
    pub(crate) fn not_your_session(self) -> Problem {
        let message = say!(
            self.0,
            "the session is not known, has expired, or its secret does not fit",
            "Die Sitzung ist unbekannt oder abgelaufen, oder ihr Geheimnis passt nicht"
        );
        yours(message, self.reload())
    }

    fn reload(self) -> String {
        say!(self.0, "Reload the page.", "Laden Sie die Seite neu.")
    }

    /// The page broke the protocol. What a page does that is only used too hard is told in words.
    pub(crate) fn misconduct(self, misconduct: &ProtocolViolation) -> Problem {
        let message = match misconduct {
            ProtocolViolation::TooManyUploads(max) => say!(
                self.0,
                "more than {max} uploads are open",
                "Mehr als {max} Uploads sind offen",
                max = max
            ),
            ProtocolViolation::TooManyRequests => say!(
                self.0,
                "too many requests wait for their answers",
                "Zu viele Anfragen warten auf ihre Antworten"
            ),
            ProtocolViolation::OutboxFull(_) => say!(
                self.0,
                "the page does not hear the answers to what it asks",
                "Die Seite nimmt die Antworten auf ihre Anfragen nicht auf"
            ),
            detail => say!(
                self.0,
                "the page broke the protocol: {detail}",
                "Die Seite hat das Protokoll verletzt: {detail}",
                detail = detail
            ),
        };
        let remedy = say!(
            self.0,
            "Reload the page. If it happens again, tell whoever runs the portal.",
            "Laden Sie die Seite neu. Geschieht es wieder, sagen Sie es dem Betreiber des Portals."
        );
        yours(message, remedy)
    }
}

impl Refusal {
    /// What it says in a language; `Display` is the English, which the session log has.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::NotAHost(host) => say!(
                language,
                "`{host}` is not a host name",
                "`{host}` ist kein Hostname",
                host = host
            ),
            Self::PortZero => say!(
                language,
                "port 0 cannot be connected to",
                "Mit Port 0 kann man sich nicht verbinden"
            ),
            Self::NotFound { host, .. } => say!(
                language,
                "no address was found for `{host}`",
                "Für `{host}` wurde keine Adresse gefunden",
                host = host
            ),
            Self::NoAnswer { host, limit } => say!(
                language,
                "the name service gave no answer for `{host}` within {limit}",
                "Der Namensdienst hat zu `{host}` nicht innerhalb von {limit} geantwortet",
                host = host,
                limit = span(*limit)
            ),
            Self::NotAllowed { host, address, scope } => say!(
                language,
                "`{host}` is at {address}, which is {scope}",
                "`{host}` hat die Adresse {address}, und das ist {scope}",
                host = host,
                address = address,
                scope = scope.text(language)
            ),
        }
    }
}

impl Scope {
    /// What an address of it is, in a language; `Display` is the English.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match self {
            Self::Public => say!(language, "a public address", "eine öffentliche Adresse"),
            Self::ThisNetwork => {
                say!(language, "the address of no machine", "die Adresse keines Rechners")
            }
            Self::Loopback => {
                say!(language, "the portal's own machine", "der Rechner des Portals selbst")
            }
            Self::Private => say!(language, "a private network", "ein privates Netz"),
            Self::LinkLocal => {
                say!(
                    language,
                    "a link-local address",
                    "eine Adresse nur dieser Leitung (link-local)"
                )
            }
            Self::SharedAddressSpace => say!(
                language,
                "an address behind a carrier's NAT",
                "eine Adresse hinter dem NAT eines Netzanbieters"
            ),
            Self::Multicast => say!(
                language,
                "a multicast or broadcast address",
                "eine Multicast- oder Broadcast-Adresse"
            ),
            Self::Metadata => {
                say!(language, "a cloud's metadata service", "der Metadatendienst einer Cloud")
            }
            Self::Nat64(_) => {
                say!(language, "an IPv4 address behind NAT64", "eine IPv4-Adresse hinter NAT64")
            }
            Self::Transition => say!(
                language,
                "an IPv4 address inside an IPv6 one",
                "eine IPv4-Adresse in einer IPv6-Adresse"
            ),
            Self::Reserved => say!(language, "a reserved address", "eine reservierte Adresse"),
        }
    }
}

#[cfg(test)]
mod tests;
