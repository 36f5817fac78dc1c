//! What commands, replies and decisions mean, for somebody who has never read an RFC: one line each,
//! in English here and in German beside it in `sentences`.
//!
//! Many codes mean one thing in the RFC and another after a certain command, so a reply is
//! explained together with the command that it answers, where that is known; a [`LogExplainer`] keeps
//! track of that. The words of the server stay the truth: an explanation stands beside them.
//!
//! The codes are those of RFC 959, 2228, 2428, 3659 and 4217, and of the drafts that servers
//! follow. A code that none of them has is explained by its first two digits (RFC 959 §4.2.1).

use std::{
    collections::{HashMap, VecDeque},
    sync::LazyLock,
};

use crate::{
    digest::Verified,
    language::Language,
    profile::Fallback,
    reply::{Code, Severity},
    stage::Stage,
    tls::TlsFacts,
    transcript::{Connection, Event, EventKind, Status},
};

mod sentences;

use sentences::SENTENCES;

/// The most commands that a narrator remembers while their replies have not come.
const MAX_OUTSTANDING: usize = 64;

/// One of the explanations, the same in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Explanation(u16);

impl Explanation {
    /// All of them, each at the place of its number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(SENTENCES.len()).map(Self)
    }

    /// That of a sentence of this module.
    fn of(english: &'static str) -> Option<Self> {
        static NUMBERS: LazyLock<HashMap<&str, u16>> = LazyLock::new(|| {
            SENTENCES.iter().zip(0..).map(|((english, _), number)| (*english, number)).collect()
        });
        NUMBERS.get(english).copied().map(Self)
    }

    /// Its place in the list, the same in every language. It is another one in another version of
    /// this crate.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its text: one or two sentences.
    #[must_use]
    pub fn text(self, language: Language) -> &'static str {
        let (english, german) = SENTENCES.get(usize::from(self.0)).copied().unwrap_or_default();
        match language {
            Language::English => english,
            Language::German => german,
        }
    }
}

/// What a command does. Takes its verb or its whole line, in either case; `None` where the command
/// is not known here.
#[must_use]
pub fn command(line: &str) -> Option<&'static str> {
    let (verb, argument) = words(line);
    Some(match (verb.as_str(), argument.as_str()) {
        ("AUTH", "SSL") => "Asks the server to start TLS, by the name that older servers know.",
        ("AUTH", _) => "Asks the server to start TLS, so that all that follows is encrypted.",
        ("USER", _) => "Says who logs in.",
        ("PASS", _) => "Proves it with the password, which is never shown.",
        ("ACCT", _) => "Says which account is to be used.",
        ("PBSZ", _) => "A formality before PROT: with TLS the size is always 0.",
        ("PROT", "C") => "Sends files without encryption from here on.",
        ("PROT", _) => "Asks for encryption on every data connection, so that files are safe too.",
        ("CCC", _) => "Ends the encryption of the control connection.",
        ("FEAT", _) => "Asks what the server can do beyond the basics.",
        ("OPTS", "UTF8") => "Says whether file names are in UTF-8, which can write every script.",
        ("OPTS", "HASH") => "Chooses which checksum HASH makes.",
        ("OPTS", _) => "Chooses how another command behaves.",
        ("TYPE", "A") => "Transfers text and may change the ends of its lines.",
        ("TYPE", _) => "Transfers files byte for byte, unchanged.",
        ("MODE" | "STRU", _) => "Says how the bytes of a file are arranged on their way.",
        ("PWD" | "XPWD", _) => "Asks which directory this is.",
        ("CWD" | "XCWD", _) => "Changes into a directory.",
        ("CDUP" | "XCUP", _) => "Changes into the directory above.",
        ("MKD" | "XMKD", _) => "Makes a directory.",
        ("RMD" | "XRMD", _) => "Removes a directory that is empty.",
        ("EPSV", _) => "Asks the server for a port to send data to.",
        ("PASV", _) => "Asks the server for an address and a port to send data to.",
        ("PORT" | "EPRT", _) => "Asks the server to connect to us for the data.",
        ("REST", _) => "Says at which byte the next transfer starts, to go on with half a file.",
        ("STOR", _) => "Uploads a file.",
        ("STOU", _) => "Uploads a file under a name that the server makes up.",
        ("APPE", _) => "Uploads the rest of a file to its end.",
        ("ALLO", _) => "Asks the server to keep room for a file.",
        ("RETR", _) => "Downloads a file.",
        ("SIZE", _) => "Asks how many bytes a file has.",
        ("RNFR", _) => "Says which file is to get another name.",
        ("RNTO", _) => "Says what its new name is.",
        ("DELE", _) => "Deletes a file.",
        ("MFMT", _) => "Gives a file its date of modification, in UTC.",
        ("MFF", _) => "Sets facts of a file, such as its date.",
        ("MDTM", _) => {
            "Asks when a file was modified, in UTC, or says it where a time stands first."
        }
        ("HASH", _) => "Asks for a checksum of a file, to compare it with what was sent.",
        ("XCRC" | "XMD5" | "XSHA" | "XSHA1" | "XSHA256" | "XSHA512", _) => {
            "Asks for a checksum of a file, to compare it with what was sent."
        }
        ("MLST", _) => "Asks for the facts of one file or directory.",
        ("MLSD", _) => "Lists a directory in a form that every program reads alike.",
        ("LIST", _) => "Lists a directory in a form for people.",
        ("NLST", _) => "Lists the names in a directory.",
        ("AVBL", _) => "Asks how many bytes may still be stored.",
        ("SITE", "CHMOD") => "Changes who may read and write a file.",
        ("SITE", "UTIME") => "Gives a file its date of modification.",
        ("SITE", _) => "A command that only this kind of server has.",
        ("ABOR", _) => "Stops the transfer that is under way.",
        ("STAT", _) => "Asks how the session stands, or for a listing without a data connection.",
        ("SYST", _) => "Asks which operating system the server has.",
        ("HELP", _) => "Asks which commands there are.",
        ("HOST", _) => "Says which of the server's sites is meant.",
        ("LANG", _) => "Chooses the language of the replies.",
        ("CLNT", _) => "Says which program this is.",
        ("CSID", _) => "Says which program this is, and asks the same of the server.",
        ("REIN", _) => "Starts the session over without closing the connection.",
        ("NOOP", _) => "Does nothing but ask for an answer.",
        ("QUIT", _) => "Ends the session.",
        _ => return None,
    })
}

/// What a reply means, by its code and the command that it answers: its verb or its whole line, in
/// either case.
#[must_use]
pub fn reply(code: Code, answers: Option<&str>) -> &'static str {
    let (verb, argument) = answers.map(words).unwrap_or_default();
    let text = after(code.value(), &verb, &argument).or_else(|| by_code(code.value()));
    text.unwrap_or_else(|| by_digits(code))
}

/// The first two words in upper case; all other words, the password among them, are left out.
fn words(line: &str) -> (String, String) {
    let mut words = line.split_whitespace().map(str::to_ascii_uppercase);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// What a code means after certain commands.
fn after(code: u16, verb: &str, argument: &str) -> Option<&'static str> {
    match verb {
        "AUTH" => after_auth(code),
        "USER" | "PASS" | "ACCT" => after_login(code, verb),
        "PBSZ" | "PROT" | "TYPE" | "OPTS" | "FEAT" | "NOOP" => after_set_up(code, verb, argument),
        "EPSV" | "PASV" => after_passive(code, verb),
        "STOR" | "APPE" | "STOU" => after_upload(code),
        "LIST" | "MLSD" | "NLST" => after_listing(code),
        "HASH" | "XCRC" | "XMD5" | "XSHA" | "XSHA1" | "XSHA256" | "XSHA512" => after_digest(code),
        _ => after_others(code, verb),
    }
}

fn after_auth(code: u16) -> Option<&'static str> {
    Some(match code {
        234 => "The server agrees: TLS starts now.",
        334 => "The server agrees to start TLS, with a code that is meant for something else.",
        431 => "The server has TLS and cannot start it now: its certificate may be missing.",
        500 | 502 => "The server does not know how to start TLS: it may only work unencrypted.",
        504 | 530 => "The server does not start TLS by that name.",
        534 => "The server's policy does not allow TLS here.",
        _ => return None,
    })
}

fn after_login(code: u16, verb: &str) -> Option<&'static str> {
    Some(match (code, verb) {
        (230, "USER") => "Logged in. The server asks for no password.",
        (232, _) => "Logged in: the TLS certificate was proof enough.",
        (331, _) => "The server knows what to do with that user name and asks for the password.",
        (421, _) => "The server ends the session: it may be full.",
        (530, "USER") => "The server lets this user not in.",
        (530, _) => "The server does not let the user in: the name or the password is wrong.",
        (500, _) => "The server stumbled over the login.",
        (503, _) => "The server expects the user name first.",
        _ => return None,
    })
}

fn after_set_up(code: u16, verb: &str, argument: &str) -> Option<&'static str> {
    Some(match (code, verb, argument) {
        (200, "PBSZ", _) => "Done: PROT may follow.",
        (200, "PROT", "C") => "Files are not encrypted from here on.",
        (200, "PROT", _) => "Every data connection is encrypted from here on.",
        (503, "PROT", _) => "The server wants PBSZ before PROT.",
        (200, "TYPE", _) => "Files are transferred byte for byte from here on.",
        (200, "OPTS", "UTF8") => "The server takes file names like that from here on.",
        (202, "OPTS", "UTF8") => "File names are UTF-8 anyway.",
        (400.., "OPTS", "UTF8") => "The server does not switch. It may take UTF-8 all the same.",
        (200, "OPTS", _) => "It is as chosen.",
        (211, "FEAT", _) => "This is what the server can do.",
        (500..600, "FEAT", _) => "The server does not say what it can do.",
        (200, "NOOP", _) => "The server is there.",
        _ => return None,
    })
}

fn after_passive(code: u16, verb: &str) -> Option<&'static str> {
    Some(match (code, verb) {
        (425, _) => "The server has no port to offer for the data.",
        (500..=502, "EPSV") => "The server does not know EPSV. PASV is the older way.",
        (500..=502, _) => "The server does not offer passive data connections.",
        (522, _) => "The server does not offer a data connection for this version of IP.",
        _ => return None,
    })
}

fn after_upload(code: u16) -> Option<&'static str> {
    Some(match code {
        125 | 150 => "The server is ready: the bytes of the file may come.",
        226 | 250 => "The server has taken the file to its end.",
        425 => "The server did not get the data connection, or did not accept its TLS session.",
        426 => "The data connection broke: the file may not be whole.",
        450 => "The server cannot write the file now: something may be using it.",
        451 => "The server could not store the file, or does not let it go on where it stopped.",
        452 => "The server's disk is full.",
        521 | 522 => "The server did not accept the TLS of the data connection.",
        532 => "The server wants an account before it stores files.",
        550 => "The server does not let the file be stored there.",
        551 => "The server does not store a file of that kind.",
        552 => "The file is greater than the space that is left for it.",
        553 => "The server does not let a file of that name be stored there.",
        _ => return None,
    })
}

fn after_listing(code: u16) -> Option<&'static str> {
    Some(match code {
        125 | 150 => "The server is ready: the listing comes.",
        226 | 250 => "The listing is complete.",
        425 => "The server did not get the data connection, or did not accept its TLS session.",
        426 => "The data connection broke: the listing may not be whole.",
        450 | 550 => "There is no such directory, nothing in it, or it may not be listed.",
        521 | 522 => "The server did not accept the TLS of the data connection.",
        _ => return None,
    })
}

fn after_digest(code: u16) -> Option<&'static str> {
    Some(match code {
        213 | 220 | 250 => "The checksum of the file, as the server has it.",
        450 => "The server cannot make the checksum now: something may be using the file.",
        500 | 502 | 504 => "The server does not make that checksum.",
        550 => "There is no such file, or it may not be read.",
        552 | 556 => "The server does not make a checksum of that part of the file.",
        _ => return None,
    })
}

fn after_others(code: u16, verb: &str) -> Option<&'static str> {
    Some(match (code, verb) {
        (213, "SIZE") => "The size of the file in bytes.",
        (213, "MDTM") => "The date of the file, year first, in UTC.",
        (213 | 253, "MFMT" | "MFF") => "The file has its date.",
        (213, "AVBL") => "The bytes that may still be stored.",
        (550, "SIZE" | "MDTM" | "MLST" | "AVBL") => {
            "There is no such file, or it may not be asked for."
        }
        (250, "MLST") => "The facts of the file or directory.",
        (550, "MFMT" | "MFF" | "SITE") => "The server does not let it be changed.",
        (250 | 200, "CWD" | "CDUP") => "This is the directory from here on.",
        (550, "CWD" | "CDUP") => "There is no such directory, or it may not be entered.",
        (250 | 257, "MKD") => "The directory is made.",
        (521 | 550, "MKD") => "The directory was not made: it may be there, or may not be made.",
        (250, "RMD") => "The directory is removed.",
        (550, "RMD") => "The directory was not removed: it may hold something, or not be there.",
        (250, "DELE") => "The file is deleted.",
        (450 | 550, "DELE") => "The file was not deleted: it may not be there, or not be yours.",
        (257, "PWD") => "This is the directory.",
        (350, "REST") => "The next transfer starts there.",
        (500..=504 | 554, "REST") => "The server does not let a transfer start in the middle.",
        (350, "RNFR") => "The file is there: now its new name.",
        (450 | 550, "RNFR") => "There is no such file, or it may not be renamed.",
        (250, "RNTO") => "The file has its new name.",
        (550 | 553, "RNTO") => "The file was not renamed: the name may be taken or not allowed.",
        (503, "RNTO") => "The server does not know which file is meant.",
        (200 | 250, "SITE") => "It is changed.",
        (500..=504, "SITE") => "This server does not have that command.",
        (221, "QUIT") => "The server ends the session, as asked.",
        _ => return None,
    })
}

/// What a code means whatever it answers.
fn by_code(code: u16) -> Option<&'static str> {
    Some(match code {
        // RFC 959 §4.2.2
        110 => "A mark in the file where the transfer could start again.",
        120 => "The server will be ready in some minutes.",
        125 => "The data connection is there already: the transfer starts.",
        150 => "The server is about to open the data connection.",
        200 => "Done.",
        202 => "The server has no need of that command here.",
        211 => "How the server stands, or what it can do.",
        212 => "How the directory stands.",
        213 => "How the file stands: its size, its date, or what else was asked for.",
        214 => "Help, for people.",
        215 => "The kind of system that the server is.",
        220 => "The server greets and is ready.",
        221 => "The server ends the session.",
        225 => "The data connection is open, and nothing is under way on it.",
        226 => "The transfer is complete.",
        227 => "The server listens for data at that address and port.",
        230 => "Logged in.",
        250 => "Done: the server did it to the file or directory.",
        257 => "The path of the directory.",
        331 => "The user name is right, the password is needed.",
        332 => "The server wants an account besides user name and password.",
        350 => "The server waits for the command that belongs to this one.",
        421 => "The server ends the session. Its own words say why.",
        425 => "The data connection could not be opened.",
        426 => "The data connection broke, and the transfer with it.",
        450 => "It cannot be done to the file now: something may be using it.",
        451 => "The server met a fault of its own.",
        452 => "The server's disk is full.",
        500 => "The server does not know the command.",
        501 => "The server does not understand what stands behind the command.",
        502 => "The server does not have that command.",
        503 => "The server expected another command first.",
        504 => "The server has the command, but not with that behind it.",
        530 => "Nobody is logged in, or the login is refused.",
        532 => "The server wants an account before it stores files.",
        550 => "It cannot be done: there is no such file or directory, or it is not permitted.",
        551 => "It cannot be done to a file of that kind.",
        552 => "There is not enough space left for it.",
        553 => "The name is not allowed.",
        // RFC 1639
        228 => "The server listens for data at that long address.",
        // RFC 2228 §5.1, RFC 4217
        232 => "Logged in: the security exchange was proof enough.",
        234 => "The server agrees to the security that was asked for.",
        235 => "The security exchange goes well; more may follow.",
        334 => "The server agrees to the security that was asked for and waits for more.",
        335 => "The server waits for the next part of the security exchange.",
        336 => "The user name is right. The server asks for proof.",
        431 => "The server cannot offer security now: its certificate may be missing.",
        521 => "A data connection cannot be opened with this protection.",
        522 => "The TLS of the data connection was not accepted.",
        533 => "The server's policy does not allow that protection for commands.",
        534 => "The server's policy does not allow it.",
        535 => "The security check failed.",
        536 => "The server does not have that level of protection.",
        537 => "The server does not have that level of protection for commands.",
        // RFC 2428 §3
        229 => "The server listens for data at that port.",
        // RFC 3659 §5.4, draft-somers-ftp-mfxx, draft-bryan-ftpext-hash, and what servers add
        253 => "The facts of the file are changed.",
        430 => "The user name or the password is wrong.",
        434 => "The site that is meant is not there.",
        531 => "The login is refused: the server may want a client certificate.",
        554 => "A transfer cannot start there.",
        555 => "It cannot be done in this type of transfer.",
        556 => "It cannot be done with that part of the file.",
        _ => return None,
    })
}

/// What the first two digits mean (RFC 959 §4.2.1).
fn by_digits(code: Code) -> &'static str {
    /// The sentence on each topic after the one on the outcome.
    macro_rules! about {
        ($outcome:literal) => {
            match code.value() / 10 % 10 {
                0 => concat!($outcome, ". It is about the command itself."),
                1 => concat!($outcome, ". It is about information."),
                2 => concat!($outcome, ". It is about the connections."),
                3 => concat!($outcome, ". It is about the login."),
                5 => concat!($outcome, ". It is about files and directories."),
                _ => concat!($outcome, ". The code is this server's own."),
            }
        };
    }
    match code.severity() {
        Severity::Preliminary => about!("It has begun, and another reply follows"),
        Severity::Completion => about!("Done"),
        Severity::Intermediate => about!("So far it is right, and the server waits for more"),
        Severity::TransientFailure => about!("Not now: it may work later"),
        Severity::PermanentFailure => about!("No: it will not work like that"),
    }
}

/// What a decision of the engine means, or why it is worth knowing.
#[must_use]
pub fn status(status: &Status) -> &'static str {
    match status {
        Status::Connecting { .. } => {
            "The portal opens the control connection: commands and replies go over it."
        }
        Status::ConnectingData { .. } => {
            "Each listing and each file has a data connection of its own, beside the control connection."
        }
        Status::ThroughProxy { .. } => {
            "Whoever runs the portal set a proxy between it and all servers. It sees only encrypted bytes."
        }
        Status::Probing { .. } => {
            "A server for implicit TLS waits silently until TLS begins; one for explicit TLS speaks first."
        }
        Status::TryingAuthSsl => "Older servers know the same encryption under its older name.",
        Status::BannerLimitsTls { .. } => {
            "TLS 1.2 is safe too, and with it the data connections of this server work."
        }
        Status::AlpnRefused => {
            "ALPN names the protocol when TLS starts. Leaving it out weakens nothing."
        }
        Status::Reconnecting => "Nobody is logged in yet, so nothing is lost.",
        Status::NoPasswordNeeded => {
            "The user name alone lets in: the server may be open to everybody."
        }
        Status::NoFeatures => {
            "Without that list the portal tries what it needs and sees whether it works."
        }
        Status::Utf8Refused => {
            "Most servers that do not switch use UTF-8 anyway. Names with accents show whether it is so."
        }
        Status::LoggedIn { .. } => {
            "The server knows who you are, and this is the directory where you start."
        }
        Status::EpsvRefused => {
            "EPSV and PASV both ask for a port for the data. PASV is older and does the same here."
        }
        Status::EpsvUnreachable { .. } => {
            "A firewall may know only the older command, and open a port only for that."
        }
        Status::PassiveAddressIgnored { .. } => {
            "A server behind a router often names an address that only its own network knows."
        }
        Status::OtherCodeEndsReply => {
            "A reply of several lines should begin and end with one code. It is read all the same."
        }
        Status::UnexpectedReply => "It is left out, so that no command gets the answer to another.",
        Status::MisplacedReply => {
            "Which reply belongs to which command is not certain any more, so the session ends."
        }
        Status::NoCloseNotify => {
            "TLS has a farewell that shows that nothing was cut off. Many servers leave it out."
        }
        Status::Transferred { .. } => {
            "So much went over the data connection. The server's reply says whether it is stored."
        }
        Status::Listed { .. } => "So many files and directories were read from the listing.",
        Status::ListingCutOff { .. } => {
            "The portal reads listings up to a limit, so that none takes all its memory."
        }
        Status::ServerClock { .. } => {
            "A simple listing does not name its time zone. A single file's date, asked for in UTC, told it."
        }
        Status::ServerClockUndetermined => {
            "A simple listing does not name its time zone, so its times may be hours off."
        }
        Status::DirectoryExists { .. } => "Somebody made it before: that is just as good.",
        Status::Aborted => {
            "The data connection was closed before the file was whole, because we wanted it."
        }
        Status::Suspended { .. } => {
            "The upload can go on later where it stopped, without sending these bytes again."
        }
        Status::Resynchronising => {
            "A harmless command shows whether the next reply is the one that belongs to it."
        }
        Status::FallingBack(Fallback::Tls12) => {
            "Some servers resume a TLS 1.3 session once only, or not at all. TLS 1.2 is safe too."
        }
        Status::FallingBack(Fallback::WithoutAlpn) => {
            "ALPN names the protocol on each new connection. Leaving it out weakens nothing."
        }
        Status::FallingBack(Fallback::NewConnection) => "Uploads go on from what the server holds.",
        Status::FallingBack(Fallback::WithoutPipelining) => {
            "Commands sent together save time. One by one is slower and safe."
        }
        Status::Rotating { .. } => {
            "Some firewalls end a session after many commands. A fresh one is cheaper than a break."
        }
        Status::TryingAgain { .. } => {
            "The wait becomes longer each time, so that a server in trouble can recover."
        }
        Status::WaitingForSession => "Servers let each user in only so many times at once.",
        Status::SessionsLimited { .. } => {
            "More sessions would be faster, but this server does not want them."
        }
        Status::Resuming { .. } => "Only what is missing is sent.",
        Status::StartingOver { .. } => {
            "Half of one file and half of another would be worse than a second try."
        }
        Status::TailVerified { .. } => {
            "The upload goes on only because the end of what is there was compared."
        }
        Status::ReplyLost { .. } => {
            "The connection broke between the last byte and the reply. The size tells how it ended."
        }
        Status::AlreadyComplete { .. } => {
            "Nothing has to be sent again; it is only checked and named."
        }
        Status::AdoptingFile { .. } => {
            "You chose to go on with the file that is there. It gets its name back when it is whole."
        }
        Status::AdoptedFileKept { .. } => {
            "Nothing of somebody else's file is removed. You can look at it under that name."
        }
        Status::TemporaryNameLocked { .. } => {
            "A server may notice late that a connection is gone, and keeps its file until then."
        }
        Status::RenameReplyLost { .. } => {
            "The connection broke after the server had renamed the file."
        }
        Status::RestartRefused => "APPE appends to what is there, which comes to the same.",
        Status::AppendRefused => "What was sent before has to be sent again.",
        Status::RenameForbidden => {
            "Elsewhere a file gets its name only when it is whole. Here others can see half of it."
        }
        Status::WritingInPlace { .. } => {
            "If this upload breaks off, the old file is gone and the new one is not whole yet."
        }
        Status::MovedAside { .. } => {
            "It is removed once the new file has its name, so that there is one at any time."
        }
        Status::DateRefused => "The content is not touched by that.",
        Status::DigestRefused => {
            "An equal size makes it likely, not certain, that every byte is right."
        }
        Status::Checked(Verified::Digest(_)) => {
            "Both sides made a checksum of the whole file by themselves, and they are equal."
        }
        Status::Checked(Verified::Size { .. }) => {
            "No byte is missing: the server says how long the file is."
        }
        Status::Checked(Verified::ReplyOnly) => {
            "There is nothing else to compare with on this server."
        }
    }
}

/// What a stage is for; `None` where its commands say so.
#[must_use]
pub fn stage(stage: Stage) -> Option<&'static str> {
    Some(match stage {
        Stage::Greeting => "The server speaks first and says who it is.",
        Stage::Auth => "Nothing secret is said before the connection is encrypted.",
        Stage::Tls => "Both sides agree on keys that nobody between them knows.",
        Stage::Certificate => {
            "The certificate shows that this is the server that was meant, and nobody in between."
        }
        Stage::Login => "User name and password go over the encrypted connection.",
        Stage::Protect => "From here on files and listings are encrypted too.",
        Stage::Setup => "The portal asks what the server can do, and where it is.",
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

/// What it means that a connection is encrypted like that.
#[must_use]
pub fn tls(connection: Connection, facts: &TlsFacts) -> &'static str {
    match (connection, facts.resumed) {
        (Connection::Control, _) => {
            "The control connection is encrypted: nobody on the way can read or change commands and replies."
        }
        (Connection::Data(_), true) => {
            "The data connection is encrypted and resumes the TLS session of an earlier one: it belongs to the same login."
        }
        (Connection::Data(_), false) => {
            "The data connection is encrypted with a TLS session of its own, and shows the same certificate."
        }
    }
}

/// What the certificate is good for.
const CERTIFICATE: &str = "This is who the server says it is, and it was accepted: vouched for, pinned, or trusted by you.";

/// Explains a transcript event by event, and knows which command each reply answers.
///
/// One narrator for one session's transcript, in the order of its events.
#[derive(Clone, Debug, Default)]
pub struct LogExplainer {
    /// The commands whose last reply has not come, by their explained words.
    outstanding: VecDeque<String>,
    /// The code of a reply that is not complete yet.
    partial: Option<Code>,
}

impl LogExplainer {
    /// A narrator who has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the event means; `None` where it speaks for itself, and for all lines of a reply but
    /// the last.
    pub fn explain(&mut self, event: &Event) -> Option<Explanation> {
        let text = match &event.kind {
            EventKind::Command(line) => self.take_command(line.as_str()),
            EventKind::Response(line) => self.take_line(line.as_bytes()),
            EventKind::Stage(Stage::Connect) => {
                // Another connection: what the last one was asked is not answered any more.
                *self = Self::new();
                None
            }
            _ => of_ours(event),
        };
        text.and_then(Explanation::of)
    }

    fn take_command(&mut self, line: &str) -> Option<&'static str> {
        let (verb, argument) = words(line);
        // Of what a person typed, nothing is kept.
        let is_ours = ["AUTH", "OPTS", "PROT", "SITE", "TYPE"].contains(&verb.as_str());
        let argument = if is_ours { argument.as_str() } else { "" };
        self.outstanding.push_back(format!("{verb} {argument}"));
        if self.outstanding.len() > MAX_OUTSTANDING {
            self.outstanding.pop_front();
        }
        command(line)
    }

    fn take_line(&mut self, line: &[u8]) -> Option<&'static str> {
        let code = Code::at_start_of(line);
        let is_last = !matches!(line.get(3), Some(b'-'));
        let code = match (self.partial, code) {
            (None, Some(code)) if is_last => code,
            (Some(partial), Some(code)) if is_last && partial == code => code,
            (None, started) => {
                self.partial = started;
                return None;
            }
            (Some(_), _) => return None,
        };
        self.partial = None;
        let answers = match code.severity() {
            Severity::Preliminary => self.outstanding.front().cloned(),
            _ => self.outstanding.pop_front(),
        };
        Some(reply(code, answers.as_deref()))
    }
}

/// What an event means that is neither a command nor a reply.
fn of_ours(event: &Event) -> Option<&'static str> {
    match &event.kind {
        EventKind::Stage(of) => stage(*of),
        EventKind::Status(of) => Some(status(of)),
        EventKind::Tls(facts) => Some(tls(event.connection, facts)),
        EventKind::Certificate(_) => Some(CERTIFICATE),
        // An error says what it is and what to do in its diagnosis.
        EventKind::Error(_) | EventKind::Command(_) | EventKind::Response(_) => None,
    }
}

impl Event {
    /// What the event means, for somebody who has never read an RFC; `None` where it speaks for
    /// itself. A reply is explained without the command that it answers, which a single event does
    /// not know: a [`LogExplainer`] does.
    #[must_use]
    pub fn explanation(&self) -> Option<Explanation> {
        let text = match &self.kind {
            EventKind::Command(line) => command(line.as_str()),
            EventKind::Response(line) => {
                let is_last = !matches!(line.as_bytes().get(3), Some(b'-'));
                let code = Code::at_start_of(line.as_bytes()).filter(|_| is_last)?;
                Some(reply(code, None))
            }
            _ => of_ours(self),
        };
        text.and_then(Explanation::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Algorithm, Password, RemotePath, Timestamp, Username,
        command::Command,
        reply::decoder::{Decoded, ReplyDecoder, ReplyLimits},
    };

    /// The most characters of an explanation.
    const MOST: usize = 160;

    /// Runs a check on one command of each kind. A new kind does not compile until it is here.
    fn with_all_commands(check: impl Fn(&Command<'_>)) {
        let path = RemotePath::try_from("/a").unwrap();
        let (name, password) = (Username::new("a").unwrap(), Password::new("b").unwrap());
        let time = Timestamp::from_unix_millis(0).unwrap();
        let p = &path;
        let mut command = Some(Command::AuthTls);
        while let Some(current) = command {
            check(&current);
            command = match current {
                Command::AuthTls => Some(Command::AuthSsl),
                Command::AuthSsl => Some(Command::User(&name)),
                Command::User(_) => Some(Command::Pass(&password)),
                Command::Pass(_) => Some(Command::Pbsz0),
                Command::Pbsz0 => Some(Command::ProtP),
                Command::ProtP => Some(Command::Feat),
                Command::Feat => Some(Command::OptsUtf8On),
                Command::OptsUtf8On => Some(Command::OptsUtf8Off),
                Command::OptsUtf8Off => Some(Command::TypeI),
                Command::TypeI => Some(Command::Pwd),
                Command::Pwd => Some(Command::Cwd(p)),
                Command::Cwd(_) => Some(Command::Mkd(p)),
                Command::Mkd(_) => Some(Command::Rmd(p)),
                Command::Rmd(_) => Some(Command::Epsv),
                Command::Epsv => Some(Command::Pasv),
                Command::Pasv => Some(Command::Rest(1)),
                Command::Rest(_) => Some(Command::Stor(p)),
                Command::Stor(_) => Some(Command::Appe(p)),
                Command::Appe(_) => Some(Command::Size(p)),
                Command::Size(_) => Some(Command::Rnfr(p)),
                Command::Rnfr(_) => Some(Command::Rnto(p)),
                Command::Rnto(_) => Some(Command::Dele(p)),
                Command::Dele(_) => Some(Command::Mfmt(time, p)),
                Command::Mfmt(..) => Some(Command::MdtmSet(time, p)),
                Command::MdtmSet(..) => Some(Command::SiteUtime(time, p)),
                Command::SiteUtime(..) => Some(Command::OptsHash(Algorithm::Sha1)),
                Command::OptsHash(_) => Some(Command::Hash(p)),
                Command::Hash(_) => Some(Command::XDigest("XSHA1", p, None)),
                Command::XDigest(..) => Some(Command::Mdtm(p)),
                Command::Mdtm(_) => Some(Command::Mlst(p)),
                Command::Mlst(_) => Some(Command::Avbl(p)),
                Command::Avbl(_) => Some(Command::SiteChmod(0, p)),
                Command::SiteChmod(..) => Some(Command::Mlsd(None)),
                Command::Mlsd(_) => Some(Command::List),
                Command::List => Some(Command::Noop),
                Command::Noop => Some(Command::Quit),
                Command::Quit => None,
            };
        }
    }

    fn is_a_line(text: &str) -> bool {
        (1..=MOST).contains(&text.chars().count())
            && text.ends_with('.')
            && text.starts_with(char::is_uppercase)
    }

    #[test]
    fn every_command_has_an_explanation() {
        with_all_commands(|sent| {
            let text = command(sent.line().as_str()).unwrap_or_else(|| panic!("{sent:?}"));
            assert_eq!(command(&sent.verb().to_lowercase()), Some(text), "{sent:?}");
            assert!(is_a_line(text), "{text}");
        });
        assert_eq!(command("FROB x"), None);
        assert_eq!(command(""), None);
    }

    #[test]
    fn every_code_has_an_explanation_after_every_command() {
        for code in (100..600).filter_map(Code::new) {
            let text = reply(code, None);
            assert!(is_a_line(text), "{code}: {text}");
            with_all_commands(|sent| {
                let text = reply(code, Some(sent.verb()));
                assert!(is_a_line(text), "{code} after {}: {text}", sent.verb());
            });
        }
    }

    #[test]
    fn every_code_of_the_rfcs_has_an_explanation_of_its_own() {
        let of_rfc_959 = [
            110, 120, 125, 150, 200, 202, 211, 212, 213, 214, 215, 220, 221, 225, 226, 227, 230,
            250, 257, 331, 332, 350, 421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 530,
            532, 550, 551, 552, 553,
        ];
        let of_others = [
            228, 229, 232, 234, 235, 334, 335, 336, 431, 521, 522, 533, 534, 535, 536, 537, 554,
            555,
        ];
        for code in of_rfc_959.into_iter().chain(of_others) {
            assert!(by_code(code).is_some(), "{code}");
        }
    }

    /// The sentences that stand in this file, before its tests.
    fn sentences_of_the_source() -> Vec<&'static str> {
        let (source, _tests) = include_str!("explain.rs").split_once("#[cfg(test)]").unwrap();
        let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        let literals = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
        literals
            .filter(|text| text.ends_with('.') && text.starts_with(char::is_uppercase))
            .collect()
    }

    #[test]
    fn every_sentence_is_in_the_list_once_and_no_other_one_is() {
        let by_digits = (100..600).filter_map(Code::new).map(by_digits);
        let mut used: Vec<_> = sentences_of_the_source().into_iter().chain(by_digits).collect();
        let mut listed: Vec<_> = SENTENCES.iter().map(|(english, _)| *english).collect();
        used.sort_unstable();
        used.dedup();
        listed.sort_unstable();
        assert_eq!(used, listed);
        for code in (100..600).filter_map(Code::new) {
            with_all_commands(|sent| {
                let text = reply(code, Some(sent.verb()));
                assert!(Explanation::of(text).is_some(), "{text}");
            });
        }
    }

    #[test]
    fn every_sentence_is_there_in_german_too() {
        let mut texts = Vec::new();
        for explanation in Explanation::all() {
            let english = explanation.text(Language::English);
            let german = explanation.text(Language::German);
            assert!(is_a_line(english) && is_a_line(german), "{english} {german}");
            assert_ne!(english, german);
            assert_eq!(Explanation::of(english), Some(explanation));
            texts.push(german);
        }
        assert_eq!(texts.len(), SENTENCES.len());
    }

    #[test]
    fn encryption_of_both_connections_is_explained() {
        let facts = |resumed| TlsFacts {
            version: crate::TlsVersion::Tls13,
            cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(),
            resumed,
        };
        let told = |connection, resumed| {
            let event = Event { session: Some(1), connection, kind: facts(resumed).into() };
            LogExplainer::new().explain(&event).unwrap().text(Language::English)
        };
        assert!(
            told(Connection::Control, false).starts_with("The control connection is encrypted")
        );
        assert!(told(Connection::Data(1), true).contains("resumes the TLS session"));
        assert!(told(Connection::Data(1), false).contains("of its own"));
        let fallback = Event {
            session: None,
            connection: Connection::Control,
            kind: Status::FallingBack(Fallback::Tls12).into(),
        };
        assert!(fallback.explanation().unwrap().text(Language::German).contains("TLS 1.2"));
    }

    fn explained(code: u16, answers: &str) -> &'static str {
        reply(Code::new(code).unwrap(), Some(answers))
    }

    #[test]
    fn same_code_means_another_thing_after_another_command() {
        for code in [425, 522] {
            assert_ne!(explained(code, "EPSV"), explained(code, "STOR a"), "{code}");
        }
        for (one, other) in [("CWD", "STOR"), ("MKD", "SIZE"), ("RNFR", "RNTO"), ("DELE", "RMD")] {
            assert_ne!(explained(550, one), explained(550, other), "{one} {other}");
        }
        assert_eq!(explained(522, "epsv"), explained(522, "EPSV"));
    }

    #[test]
    fn unknown_code_is_explained_by_its_digits() {
        let text = |code| reply(Code::new(code).unwrap(), None);
        assert_eq!(text(255), "Done. It is about files and directories.");
        assert_eq!(text(439), "Not now: it may work later. It is about the login.");
        assert_eq!(text(590), "No: it will not work like that. The code is this server's own.");
    }

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(bytes);
        let mut events = Vec::new();
        while let Some(decoded) = decoder.decode().unwrap() {
            if let Decoded::ReplyLine(line) = decoded {
                events.push(Event {
                    session: Some(1),
                    connection: Connection::Control,
                    kind: line.into(),
                });
            }
        }
        events
    }

    fn sent(command: Command<'_>) -> Event {
        Event { session: Some(1), connection: Connection::Control, kind: command.line().into() }
    }

    #[test]
    fn narrator_knows_which_command_a_reply_answers() {
        let path = RemotePath::try_from("/a").unwrap();
        let mut narrator = LogExplainer::new();
        let mut story = vec![Event {
            session: Some(1),
            connection: Connection::Control,
            kind: Stage::Connect.into(),
        }];
        story.extend(events(b"220-Hello\r\n 331 is no end\r\n220 ready\r\n"));
        // Two at once, answered in order; one of them twice.
        story.push(sent(Command::Epsv));
        story.push(sent(Command::Stor(&path)));
        story.extend(events(b"522 no\r\n150 go\r\n522 no\r\n"));
        let told: Vec<_> = story.iter().map(|event| narrator.explain(event)).collect();
        let text = |at: usize| told[at].map(|told| told.text(Language::English));
        assert_eq!((text(0), text(1), text(2)), (None, None, None));
        assert_eq!(text(3), by_code(220));
        assert_eq!((text(4), text(5)), (command("EPSV"), command("STOR")));
        assert_eq!(text(6), Some(explained(522, "EPSV")));
        assert_eq!(text(7), Some(explained(150, "STOR")));
        assert_eq!(text(8), Some(explained(522, "STOR")));
    }

    #[test]
    fn narrator_keeps_no_secret_and_no_name() {
        let (name, password) = (Username::new("ada").unwrap(), Password::new("hunter2").unwrap());
        let mut narrator = LogExplainer::new();
        narrator.explain(&sent(Command::User(&name)));
        narrator.explain(&sent(Command::Pass(&password)));
        let debug = format!("{narrator:?}").to_lowercase();
        assert!(!debug.contains("ada") && !debug.contains("hunter2") && !debug.contains('*'));
    }

    #[test]
    fn event_explains_itself_without_its_context() {
        let told: Vec<_> = events(b"211-x\r\n SIZE\r\n211 End\r\n226 ok\r\n")
            .iter()
            .map(|event| event.explanation().map(|told| told.text(Language::English)))
            .collect();
        assert_eq!(told[..2], [None, None]);
        assert_eq!(told[2], by_code(211));
        assert_eq!(told[3], by_code(226));
        let feat = sent(Command::Feat).explanation();
        assert_eq!(feat, command("FEAT").and_then(Explanation::of));
        let of_stage = |stage: Stage| {
            let (session, connection) = (Some(1), Connection::Control);
            Event { session, connection, kind: stage.into() }.explanation()
        };
        assert!(of_stage(Stage::Login).is_some());
        assert_eq!(of_stage(Stage::Transfer), None);
    }
}
