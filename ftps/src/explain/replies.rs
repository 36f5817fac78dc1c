//! Explains replies, by their codes and the commands that they answer.
//!
//! The codes are those of RFC 959, 2228, 2428, 3659 and 4217, and of the drafts that servers follow.
//! Any other code is explained by its first two digits (RFC 959 §4.2.1).

use super::{Explanation, commands::words};
use crate::reply::{Code, Severity};

/// Explains a reply by its code and the command that it answers, given by its verb or its whole line
/// in upper or lower case.
#[must_use]
pub fn reply(code: Code, answers: Option<&str>) -> Explanation {
    let (verb, argument) = answers.map(words).unwrap_or_default();
    let known = after(code.value(), &verb, &argument).or_else(|| by_code(code.value()));
    known.unwrap_or_else(|| by_digits(code))
}

/// Explains a code after certain commands.
fn after(code: u16, verb: &str, argument: &str) -> Option<Explanation> {
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

fn after_auth(code: u16) -> Option<Explanation> {
    Some(match code {
        234 => Explanation::ReplyAuth234,
        334 => Explanation::ReplyAuth334,
        431 => Explanation::ReplyAuth431,
        500 | 502 => Explanation::ReplyAuth500,
        504 | 530 => Explanation::ReplyAuth504,
        534 => Explanation::ReplyAuth534,
        _ => return None,
    })
}

fn after_login(code: u16, verb: &str) -> Option<Explanation> {
    Some(match (code, verb) {
        (230, "USER") => Explanation::ReplyLogin230,
        (232, _) => Explanation::ReplyLogin232,
        (331, _) => Explanation::ReplyLogin331,
        (421, _) => Explanation::ReplyLogin421,
        (530, "USER") => Explanation::ReplyLogin530User,
        (530, _) => Explanation::ReplyLogin530,
        (500, _) => Explanation::ReplyLogin500,
        (503, _) => Explanation::ReplyLogin503,
        _ => return None,
    })
}

fn after_set_up(code: u16, verb: &str, argument: &str) -> Option<Explanation> {
    Some(match (code, verb, argument) {
        (200, "PBSZ", _) => Explanation::ReplyPbsz200,
        (200, "PROT", "C") => Explanation::ReplyProt200Clear,
        (200, "PROT", _) => Explanation::ReplyProt200,
        (503, "PROT", _) => Explanation::ReplyProt503,
        (200, "TYPE", _) => Explanation::ReplyType200,
        (200, "OPTS", "UTF8") => Explanation::ReplyOptsUtf8200,
        (202, "OPTS", "UTF8") => Explanation::ReplyOptsUtf8202,
        (400.., "OPTS", "UTF8") => Explanation::ReplyOptsUtf8Refused,
        (200, "OPTS", _) => Explanation::ReplyOpts200,
        (211, "FEAT", _) => Explanation::ReplyFeat211,
        (500..600, "FEAT", _) => Explanation::ReplyFeatRefused,
        (200, "NOOP", _) => Explanation::ReplyNoop200,
        _ => return None,
    })
}

fn after_passive(code: u16, verb: &str) -> Option<Explanation> {
    Some(match (code, verb) {
        (425, _) => Explanation::ReplyPassive425,
        (500..=502, "EPSV") => Explanation::ReplyEpsv500,
        (500..=502, _) => Explanation::ReplyPassive500,
        (522, _) => Explanation::ReplyPassive522,
        _ => return None,
    })
}

fn after_upload(code: u16) -> Option<Explanation> {
    Some(match code {
        125 | 150 => Explanation::ReplyUpload125,
        226 | 250 => Explanation::ReplyUpload226,
        425 => Explanation::ReplyUpload425,
        426 => Explanation::ReplyUpload426,
        450 => Explanation::ReplyUpload450,
        451 => Explanation::ReplyUpload451,
        452 => Explanation::ReplyUpload452,
        521 | 522 => Explanation::ReplyUpload521,
        532 => Explanation::ReplyUpload532,
        550 => Explanation::ReplyUpload550,
        551 => Explanation::ReplyUpload551,
        552 => Explanation::ReplyUpload552,
        553 => Explanation::ReplyUpload553,
        _ => return None,
    })
}

fn after_listing(code: u16) -> Option<Explanation> {
    Some(match code {
        125 | 150 => Explanation::ReplyListing125,
        226 | 250 => Explanation::ReplyListing226,
        425 => Explanation::ReplyListing425,
        426 => Explanation::ReplyListing426,
        450 | 550 => Explanation::ReplyListing450,
        521 | 522 => Explanation::ReplyListing521,
        _ => return None,
    })
}

fn after_digest(code: u16) -> Option<Explanation> {
    Some(match code {
        213 | 220 | 250 => Explanation::ReplyDigest213,
        450 => Explanation::ReplyDigest450,
        500 | 502 | 504 => Explanation::ReplyDigest500,
        550 => Explanation::ReplyDigest550,
        552 | 556 => Explanation::ReplyDigest552,
        _ => return None,
    })
}

fn after_others(code: u16, verb: &str) -> Option<Explanation> {
    Some(match (code, verb) {
        (213, "SIZE") => Explanation::ReplySize213,
        (213, "MDTM") => Explanation::ReplyMdtm213,
        (213 | 253, "MFMT" | "MFF") => Explanation::ReplyMfmt213,
        (213, "AVBL") => Explanation::ReplyAvbl213,
        (550, "SIZE" | "MDTM" | "MLST" | "AVBL") => Explanation::ReplyFacts550,
        (250, "MLST") => Explanation::ReplyMlst250,
        (550, "MFMT" | "MFF" | "SITE") => Explanation::ReplyChange550,
        (250 | 200, "CWD" | "CDUP") => Explanation::ReplyCwd250,
        (550, "CWD" | "CDUP") => Explanation::ReplyCwd550,
        (250 | 257, "MKD") => Explanation::ReplyMkd250,
        (521 | 550, "MKD") => Explanation::ReplyMkd521,
        (250, "RMD") => Explanation::ReplyRmd250,
        (550, "RMD") => Explanation::ReplyRmd550,
        (250, "DELE") => Explanation::ReplyDele250,
        (450 | 550, "DELE") => Explanation::ReplyDele450,
        (257, "PWD") => Explanation::ReplyPwd257,
        (350, "REST") => Explanation::ReplyRest350,
        (500..=504 | 554, "REST") => Explanation::ReplyRest500,
        (350, "RNFR") => Explanation::ReplyRnfr350,
        (450 | 550, "RNFR") => Explanation::ReplyRnfr450,
        (250, "RNTO") => Explanation::ReplyRnto250,
        (550 | 553, "RNTO") => Explanation::ReplyRnto550,
        (503, "RNTO") => Explanation::ReplyRnto503,
        (200 | 250, "SITE") => Explanation::ReplySite200,
        (500..=504, "SITE") => Explanation::ReplySite500,
        (221, "QUIT") => Explanation::ReplyQuit221,
        _ => return None,
    })
}

/// Explains a code after any command.
pub(super) fn by_code(code: u16) -> Option<Explanation> {
    Some(match code {
        // RFC 959 §4.2.2
        110 => Explanation::ReplyAny110,
        120 => Explanation::ReplyAny120,
        125 => Explanation::ReplyAny125,
        150 => Explanation::ReplyAny150,
        200 => Explanation::ReplyAny200,
        202 => Explanation::ReplyAny202,
        211 => Explanation::ReplyAny211,
        212 => Explanation::ReplyAny212,
        213 => Explanation::ReplyAny213,
        214 => Explanation::ReplyAny214,
        215 => Explanation::ReplyAny215,
        220 => Explanation::ReplyAny220,
        221 => Explanation::ReplyAny221,
        225 => Explanation::ReplyAny225,
        226 => Explanation::ReplyAny226,
        227 => Explanation::ReplyAny227,
        230 => Explanation::ReplyAny230,
        250 => Explanation::ReplyAny250,
        257 => Explanation::ReplyAny257,
        331 => Explanation::ReplyAny331,
        332 => Explanation::ReplyAny332,
        350 => Explanation::ReplyAny350,
        421 => Explanation::ReplyAny421,
        425 => Explanation::ReplyAny425,
        426 => Explanation::ReplyAny426,
        450 => Explanation::ReplyAny450,
        451 => Explanation::ReplyAny451,
        452 => Explanation::ReplyAny452,
        500 => Explanation::ReplyAny500,
        501 => Explanation::ReplyAny501,
        502 => Explanation::ReplyAny502,
        503 => Explanation::ReplyAny503,
        504 => Explanation::ReplyAny504,
        530 => Explanation::ReplyAny530,
        532 => Explanation::ReplyAny532,
        550 => Explanation::ReplyAny550,
        551 => Explanation::ReplyAny551,
        552 => Explanation::ReplyAny552,
        553 => Explanation::ReplyAny553,
        // RFC 1639
        228 => Explanation::ReplyAny228,
        // RFC 2228 §5.1, RFC 4217
        232 => Explanation::ReplyAny232,
        234 => Explanation::ReplyAny234,
        235 => Explanation::ReplyAny235,
        334 => Explanation::ReplyAny334,
        335 => Explanation::ReplyAny335,
        336 => Explanation::ReplyAny336,
        431 => Explanation::ReplyAny431,
        521 => Explanation::ReplyAny521,
        522 => Explanation::ReplyAny522,
        533 => Explanation::ReplyAny533,
        534 => Explanation::ReplyAny534,
        535 => Explanation::ReplyAny535,
        536 => Explanation::ReplyAny536,
        537 => Explanation::ReplyAny537,
        // RFC 2428 §3
        229 => Explanation::ReplyAny229,
        // RFC 3659 §5.4, draft-somers-ftp-mfxx, draft-bryan-ftpext-hash, and what servers add
        253 => Explanation::ReplyAny253,
        430 => Explanation::ReplyAny430,
        434 => Explanation::ReplyAny434,
        531 => Explanation::ReplyAny531,
        554 => Explanation::ReplyAny554,
        555 => Explanation::ReplyAny555,
        556 => Explanation::ReplyAny556,
        _ => return None,
    })
}

/// Explains a code by its first two digits (RFC 959 §4.2.1).
fn by_digits(code: Code) -> Explanation {
    match (code.severity(), code.value() / 10 % 10) {
        (Severity::Preliminary, 0) => Explanation::ReplyClassStartedCommand,
        (Severity::Preliminary, 1) => Explanation::ReplyClassStartedInformation,
        (Severity::Preliminary, 2) => Explanation::ReplyClassStartedConnections,
        (Severity::Preliminary, 3) => Explanation::ReplyClassStartedLogin,
        (Severity::Preliminary, 5) => Explanation::ReplyClassStartedFiles,
        (Severity::Preliminary, _) => Explanation::ReplyClassStartedOther,
        (Severity::Completion, 0) => Explanation::ReplyClassDoneCommand,
        (Severity::Completion, 1) => Explanation::ReplyClassDoneInformation,
        (Severity::Completion, 2) => Explanation::ReplyClassDoneConnections,
        (Severity::Completion, 3) => Explanation::ReplyClassDoneLogin,
        (Severity::Completion, 5) => Explanation::ReplyClassDoneFiles,
        (Severity::Completion, _) => Explanation::ReplyClassDoneOther,
        (Severity::Intermediate, 0) => Explanation::ReplyClassMoreCommand,
        (Severity::Intermediate, 1) => Explanation::ReplyClassMoreInformation,
        (Severity::Intermediate, 2) => Explanation::ReplyClassMoreConnections,
        (Severity::Intermediate, 3) => Explanation::ReplyClassMoreLogin,
        (Severity::Intermediate, 5) => Explanation::ReplyClassMoreFiles,
        (Severity::Intermediate, _) => Explanation::ReplyClassMoreOther,
        (Severity::TransientFailure, 0) => Explanation::ReplyClassLaterCommand,
        (Severity::TransientFailure, 1) => Explanation::ReplyClassLaterInformation,
        (Severity::TransientFailure, 2) => Explanation::ReplyClassLaterConnections,
        (Severity::TransientFailure, 3) => Explanation::ReplyClassLaterLogin,
        (Severity::TransientFailure, 5) => Explanation::ReplyClassLaterFiles,
        (Severity::TransientFailure, _) => Explanation::ReplyClassLaterOther,
        (Severity::PermanentFailure, 0) => Explanation::ReplyClassNoCommand,
        (Severity::PermanentFailure, 1) => Explanation::ReplyClassNoInformation,
        (Severity::PermanentFailure, 2) => Explanation::ReplyClassNoConnections,
        (Severity::PermanentFailure, 3) => Explanation::ReplyClassNoLogin,
        (Severity::PermanentFailure, 5) => Explanation::ReplyClassNoFiles,
        (Severity::PermanentFailure, _) => Explanation::ReplyClassNoOther,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::samples::with_all_commands;

    #[test]
    fn every_code_has_an_explanation_after_every_command() {
        for code in (100..600).filter_map(Code::new) {
            assert!(reply(code, None).code().starts_with("explanation.reply."), "{code}");
            with_all_commands(|sent| {
                let explained = reply(code, Some(sent.verb()));
                assert!(explained.code().starts_with("explanation.reply."), "{code} {sent:?}");
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

    fn explained(code: u16, answers: &str) -> Explanation {
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
        let told = |code| reply(Code::new(code).unwrap(), None);
        assert_eq!(told(255), Explanation::ReplyClassDoneFiles);
        assert_eq!(told(439), Explanation::ReplyClassLaterLogin);
        assert_eq!(told(590), Explanation::ReplyClassNoOther);
    }
}
