//! From TLS to a session that transfers bytes: `USER`, `PASS`, `PBSZ`, `PROT`, `FEAT`, `OPTS`,
//! `TYPE`, `PWD`, in this order.

use crate::{
    command::Command,
    control::Control,
    credentials::Credentials,
    error::{Error, Stage},
    features::Features,
    path::RemotePath,
    reply::{Code, Reply, Severity},
    transcript::Status,
};

/// `USER`, and `PASS` if the server asks for it (RFC 959 §5.4).
pub(super) async fn log_in(control: &mut Control, who: &Credentials) -> Result<(), Error> {
    control.transcript().control(Stage::Login);
    let user = Command::User(&who.username);
    let reply = control.exchange(user, Stage::Login).await?;
    if reply.code().severity() == Severity::Completion {
        control.transcript().control(Status::NoPasswordNeeded);
        return Ok(());
    }
    if reply.code() != Code::PASSWORD_NEEDED {
        return control.expect(reply, Severity::Completion, user, Stage::Login).map(drop);
    }
    control.complete(Command::Pass(&who.password), Stage::Login).await?;
    Ok(())
}

/// `PBSZ 0` and `PROT P` (RFC 4217 §8, §9). Both have to succeed: there is no data in the clear.
pub(super) async fn protect(control: &mut Control) -> Result<(), Error> {
    control.transcript().control(Stage::Protect);
    control.complete(Command::Pbsz0, Stage::Protect).await?;
    control.complete(Command::ProtP, Stage::Protect).await?;
    Ok(())
}

/// What the server can do, UTF-8, bytes as they are, and where we are.
pub(super) async fn set_up(control: &mut Control) -> Result<(Features, Option<RemotePath>), Error> {
    control.transcript().control(Stage::Setup);
    let features = features(control).await?;
    if features.utf8() {
        ask_for_utf8(control).await?;
    }
    // Sent once: nothing here ever changes the type, and SIZE needs it (RFC 3659 §4).
    control.complete(Command::TypeI, Stage::Setup).await?;
    let directory = working_directory(control).await?;
    control
        .transcript()
        .control(Status::LoggedIn { directory: directory.as_ref().map(ToString::to_string) });
    Ok((features, directory))
}

/// Asked after the login: some servers hide what they can do before.
async fn features(control: &mut Control) -> Result<Features, Error> {
    let reply = control.exchange(Command::Feat, Stage::Setup).await?;
    let features = Features::from_reply(&reply);
    if features == Features::default() {
        control.transcript().control(Status::NoFeatures);
    }
    Ok(features)
}

/// A server that lists UTF8 may use it without being asked, and refuse to be asked (RFC 2640).
async fn ask_for_utf8(control: &mut Control) -> Result<(), Error> {
    let reply = control.exchange(Command::OptsUtf8On, Stage::Setup).await?;
    if reply.code().is_refusal() {
        control.transcript().control(Status::Utf8Refused);
    }
    Ok(())
}

/// `None` where the server does not say, or not in words that can be understood.
async fn working_directory(control: &mut Control) -> Result<Option<RemotePath>, Error> {
    let reply = control.exchange(Command::Pwd, Stage::Setup).await?;
    Ok(quoted_path(&reply))
}

/// The path between the quotes of a 257 reply; a quote within it is doubled (RFC 959 Appendix II).
fn quoted_path(reply: &Reply) -> Option<RemotePath> {
    if reply.code().severity() != Severity::Completion {
        return None;
    }
    let text = reply.raw_text();
    let open = text.iter().position(|&byte| byte == b'"')?;
    let mut path = Vec::new();
    let mut rest = text.get(open + 1..)?.iter().peekable();
    while let Some(&byte) = rest.next() {
        if byte == b'"' && rest.next_if_eq(&&b'"').is_none() {
            return RemotePath::new(path).ok();
        }
        path.push(byte);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::decoder::{Decoded, ReplyDecoder, ReplyLimits};

    fn path(line: &str) -> Option<String> {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(line.as_bytes());
        decoder.push(b"\r\n");
        while let Some(decoded) = decoder.decode().unwrap() {
            if let Decoded::Reply(reply) = decoded {
                return quoted_path(&reply).map(|path| path.to_string());
            }
        }
        None
    }

    #[test]
    fn directory_stands_between_quotes() {
        assert_eq!(path("257 \"/a b\" is cwd").as_deref(), Some("/a b"));
        assert_eq!(path("257 \"/a\"\"b\" is cwd").as_deref(), Some("/a\"b"));
        assert_eq!(path("257 \"/a\"\"\"").as_deref(), Some("/a\""));
    }

    #[test]
    fn directory_without_its_quotes_is_not_known() {
        for line in ["257 /a", "257 \"/a", "257 \"\"", "550 \"/a\""] {
            assert_eq!(path(line), None, "{line}");
        }
    }
}
