//! Commands and replies that the tests of this module's parts explain.

use crate::{
    Algorithm, Password, RemotePath, Timestamp, Username,
    command::Command,
    reply::decoder::{Decoded, ReplyDecoder, ReplyLimits},
    transcript::{Connection, Event},
};

/// Runs a check on one command of each kind. A new kind does not compile until it is here.
pub(super) fn with_all_commands(check: impl Fn(&Command<'_>)) {
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
            Command::SiteUtime(..) => Some(Command::SiteNamefmt1),
            Command::SiteNamefmt1 => Some(Command::OptsHash(Algorithm::Sha1)),
            Command::OptsHash(_) => Some(Command::Hash(p)),
            Command::Hash(_) => Some(Command::XDigest("XSHA1", p, None)),
            Command::XDigest(..) => Some(Command::Mdtm(p)),
            Command::Mdtm(_) => Some(Command::Mlst(p)),
            Command::Mlst(_) => Some(Command::Avbl(p)),
            Command::Avbl(_) => Some(Command::SiteChmod(0, p)),
            Command::SiteChmod(..) => Some(Command::MffMode(0, p)),
            Command::MffMode(..) => Some(Command::Mlsd),
            Command::Mlsd => Some(Command::List),
            Command::List => Some(Command::Nlst),
            Command::Nlst => Some(Command::Noop),
            Command::Noop => Some(Command::Quit),
            Command::Quit => None,
        };
    }
}

pub(super) fn events(bytes: &[u8]) -> Vec<Event> {
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

pub(super) fn sent(command: Command<'_>) -> Event {
    Event { session: Some(1), connection: Connection::Control, kind: command.line().into() }
}
