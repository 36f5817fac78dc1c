//! Explains commands.

use super::Explanation;

/// Explains a command, given its verb or its whole line in upper or lower case; `None` for an
/// unknown command.
#[must_use]
pub fn command(line: &str) -> Option<Explanation> {
    let (verb, argument) = words(line);
    Some(match (verb.as_str(), argument.as_str()) {
        ("AUTH", "SSL") => Explanation::CommandAuthSsl,
        ("AUTH", _) => Explanation::CommandAuth,
        ("USER", _) => Explanation::CommandUser,
        ("PASS", _) => Explanation::CommandPass,
        ("ACCT", _) => Explanation::CommandAcct,
        ("PBSZ", _) => Explanation::CommandPbsz,
        ("PROT", "C") => Explanation::CommandProtClear,
        ("PROT", _) => Explanation::CommandProt,
        ("CCC", _) => Explanation::CommandCcc,
        ("FEAT", _) => Explanation::CommandFeat,
        ("OPTS", "UTF8") => Explanation::CommandOptsUtf8,
        ("OPTS", "HASH") => Explanation::CommandOptsHash,
        ("OPTS", _) => Explanation::CommandOpts,
        ("TYPE", "A") => Explanation::CommandTypeText,
        ("TYPE", _) => Explanation::CommandType,
        ("MODE" | "STRU", _) => Explanation::CommandMode,
        ("PWD" | "XPWD", _) => Explanation::CommandPwd,
        ("CWD" | "XCWD", _) => Explanation::CommandCwd,
        ("CDUP" | "XCUP", _) => Explanation::CommandCdup,
        ("MKD" | "XMKD", _) => Explanation::CommandMkd,
        ("RMD" | "XRMD", _) => Explanation::CommandRmd,
        ("EPSV", _) => Explanation::CommandEpsv,
        ("PASV", _) => Explanation::CommandPasv,
        ("PORT" | "EPRT", _) => Explanation::CommandPort,
        ("REST", _) => Explanation::CommandRest,
        ("STOR", _) => Explanation::CommandStor,
        ("STOU", _) => Explanation::CommandStou,
        ("APPE", _) => Explanation::CommandAppe,
        ("ALLO", _) => Explanation::CommandAllo,
        ("RETR", _) => Explanation::CommandRetr,
        ("SIZE", _) => Explanation::CommandSize,
        ("RNFR", _) => Explanation::CommandRnfr,
        ("RNTO", _) => Explanation::CommandRnto,
        ("DELE", _) => Explanation::CommandDele,
        ("MFMT", _) => Explanation::CommandMfmt,
        ("MFF", _) => Explanation::CommandMff,
        ("MDTM", _) => Explanation::CommandMdtm,
        ("HASH", _) => Explanation::CommandHash,
        ("XCRC" | "XMD5" | "XSHA" | "XSHA1" | "XSHA256" | "XSHA512", _) => Explanation::CommandHash,
        ("MLST", _) => Explanation::CommandMlst,
        ("MLSD", _) => Explanation::CommandMlsd,
        ("LIST", _) => Explanation::CommandList,
        ("NLST", _) => Explanation::CommandNlst,
        ("AVBL", _) => Explanation::CommandAvbl,
        ("SITE", "CHMOD") => Explanation::CommandSiteChmod,
        ("SITE", "UTIME") => Explanation::CommandSiteUtime,
        ("SITE", "NAMEFMT") => Explanation::CommandSiteNamefmt,
        ("SITE", _) => Explanation::CommandSite,
        ("ABOR", _) => Explanation::CommandAbor,
        ("STAT", _) => Explanation::CommandStat,
        ("SYST", _) => Explanation::CommandSyst,
        ("HELP", _) => Explanation::CommandHelp,
        ("HOST", _) => Explanation::CommandHost,
        ("LANG", _) => Explanation::CommandLang,
        ("CLNT", _) => Explanation::CommandClnt,
        ("CSID", _) => Explanation::CommandCsid,
        ("REIN", _) => Explanation::CommandRein,
        ("NOOP", _) => Explanation::CommandNoop,
        ("QUIT", _) => Explanation::CommandQuit,
        _ => return None,
    })
}

/// The first two words in upper case; all other words, the password among them, are left out.
pub(super) fn words(line: &str) -> (String, String) {
    let mut words = line.split_whitespace().map(str::to_ascii_uppercase);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::samples::with_all_commands;

    #[test]
    fn every_command_has_an_explanation() {
        with_all_commands(|sent| {
            let explained = command(sent.line().as_str());
            assert!(explained.is_some(), "{sent:?}");
            assert_eq!(command(&sent.verb().to_lowercase()), explained, "{sent:?}");
        });
        assert_eq!(command("FROB x"), None);
        assert_eq!(command(""), None);
    }
}
