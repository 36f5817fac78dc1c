//! Replies of servers as their sources and manuals word them, and the cause of each.

use super::{Cause, samples};
use crate::stage::Stage;

/// A reply of a server to a command.
struct Row {
    server: &'static str,
    stage: Stage,
    verb: &'static str,
    reply: &'static str,
    cause: Cause,
}

const fn at(
    stage: Stage,
    verb: &'static str,
    server: &'static str,
    reply: &'static str,
    cause: Cause,
) -> Row {
    Row { server, stage, verb, reply, cause }
}

const fn stor(server: &'static str, reply: &'static str, cause: Cause) -> Row {
    at(Stage::Transfer, "STOR", server, reply, cause)
}

const fn end(server: &'static str, reply: &'static str, cause: Cause) -> Row {
    at(Stage::Verify, "STOR", server, reply, cause)
}

const fn pass(server: &'static str, reply: &'static str, cause: Cause) -> Row {
    at(Stage::Login, "PASS", server, reply, cause)
}

const ROWS: &[Row] = &[
    stor("vsftpd", "553 Could not create file.", Cause::NotPermitted),
    stor("vsftpd", "550 Permission denied.", Cause::NotPermitted),
    end("vsftpd", "451 Failure writing to local file.", Cause::DiskFull),
    end("vsftpd", "426 Failure reading network stream.", Cause::EndRefused),
    pass("vsftpd", "530 Login incorrect.", Cause::WrongCredentials),
    pass("vsftpd", "500 OOPS: cannot change directory:/home/ada", Cause::HomeUnavailable),
    stor("ProFTPD", "550 a.exe: Forbidden filename", Cause::NameNotAllowed),
    stor("ProFTPD", "550 a: Permission denied", Cause::NotPermitted),
    stor("ProFTPD", "550 a: Overwrite permission denied", Cause::OverwriteNotPermitted),
    stor("ProFTPD", "550 a: Not a regular file", Cause::NotPermitted),
    stor("ProFTPD", "451 a: Append/Restart not permitted, try again", Cause::ResumeNotPermitted),
    stor("ProFTPD", "552 STOR denied: quota exceeded: used 9.00 of 9.00 Mb", Cause::QuotaExceeded),
    end("ProFTPD", "552 Transfer aborted. Disk quota exceeded", Cause::QuotaExceeded),
    end("ProFTPD", "452 Transfer aborted. No space left on device", Cause::DiskFull),
    end("ProFTPD, mod_clamav", "550 Virus Detected and Removed: Eicar", Cause::ContentRejected),
    stor("Pure-FTPd", "553 Can't open that file: Permission denied", Cause::NotPermitted),
    stor("Pure-FTPd", "553 Prohibited file name: .htaccess", Cause::NameNotAllowed),
    end("Pure-FTPd", "552 Quota exceeded: [a] won't be saved", Cause::QuotaExceeded),
    stor("Pure-FTPd", "552 Disk full - please upload later", Cause::DiskFull),
    end("Pure-FTPd", "451 Error during write to file", Cause::DiskFull),
    stor("IIS", "550 Access is denied.", Cause::NotPermitted),
    end("IIS", "550 There is not enough space on the disk.", Cause::DiskFull),
    stor("IIS", "550 The system cannot find the path specified.", Cause::NoSuchFile),
    pass("IIS", "530 User cannot log in, home directory inaccessible.", Cause::HomeUnavailable),
    pass("IIS", "530 User cannot log in.", Cause::WrongCredentials),
    stor("FileZilla Server", "550 Permission denied", Cause::NotPermitted),
    stor("FileZilla Server", "550 Filename invalid", Cause::NameNotAllowed),
    pass("FileZilla Server", "530 Login incorrect.", Cause::WrongCredentials),
    stor("wu-ftpd", "553 a: Permission denied on server. (Upload dirs)", Cause::NotPermitted),
    stor("wu-ftpd", "553 a: Permission denied on server. (Filename (deny))", Cause::NameNotAllowed),
    end("wu-ftpd", "452 Error writing file: No space left on device.", Cause::DiskFull),
    stor("Serv-U", "553 /a: Permission denied.", Cause::NotPermitted),
    end(
        "Serv-U",
        "552 Requested file action aborted, storage allocation exceeded.",
        Cause::QuotaExceeded,
    ),
    stor(
        "Titan",
        "552 Requested file action aborted. Exceeded storage allocation.",
        Cause::QuotaExceeded,
    ),
    stor("CrushFTP", "550 Upload denied, quota exceeded.", Cause::QuotaExceeded),
    stor(
        "SFTPGo",
        "552 Could not access file: denying write due to space limit",
        Cause::QuotaExceeded,
    ),
    stor("SFTPGo", "553 Could not access file: filename not allowed", Cause::NameNotAllowed),
    stor("SFTPGo", "550 Could not access file: permission denied", Cause::NotPermitted),
    end("pyftpdlib", "426 No space left on device; transfer aborted.", Cause::DiskFull),
    stor("pyftpdlib", "550 Not enough privileges.", Cause::NotPermitted),
    stor("Apache FtpServer", "551 /a: Error on output file.", Cause::ServerFault),
    stor("Apache FtpServer", "553 /a: No permission.", Cause::NotPermitted),
    stor(
        "z/OS",
        "501 Invalid data set name \"a b\".  Use MVS Dsname conventions.",
        Cause::NameNotUnderstood,
    ),
    end("z/OS", "451 Transfer aborted due to file error.", Cause::ServerFault),
    stor("IBM i", "550 Not authorized to object.", Cause::NotPermitted),
    stor("VMS", "553 Insufficient privilege or object protection violation", Cause::NotPermitted),
    stor("Synology", "552 Insufficient quota", Cause::QuotaExceeded),
    stor(
        "glFTPd",
        "553 This file looks like a dupe: file already exists",
        Cause::OverwriteNotPermitted,
    ),
    end("a gateway with a scanner", "451 Virus found", Cause::ContentRejected),
    end("a gateway with a scanner", "550 File is infected: Eicar", Cause::ContentRejected),
    stor("RFC 959", "332 Need account for storing files.", Cause::AccountNeeded),
    stor("RFC 959", "532 Need account for storing files.", Cause::AccountNeeded),
    stor("RFC 959", "552 Exceeded storage allocation", Cause::QuotaExceeded),
    stor("RFC 959", "553 File name not allowed", Cause::NameNotAllowed),
    stor("RFC 959", "452 Insufficient storage space in system", Cause::DiskFull),
    stor("RFC 959", "450 File unavailable (e.g., file busy)", Cause::Busy),
    at(
        Stage::MakeDirectory,
        "MKD",
        "Pure-FTPd",
        "550 Can't create directory: Permission denied",
        Cause::NotPermitted,
    ),
    at(Stage::Login, "USER", "RaidenFTPD", "530 Your FTP client is banned.", Cause::ClientRefused),
];

#[test]
fn replies_of_servers_have_their_cause() {
    let mut wrong = Vec::new();
    for Row { server, stage, verb, reply, cause } in ROWS {
        let (found, _) = samples::refused(*stage, verb, reply);
        if found != *cause {
            wrong.push(format!("{server}: {reply}: {found:?}, and not {cause:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The client stops using a server that ends the session because of the client.
#[test]
fn end_of_the_session_names_a_banned_client() {
    let ended = |reply| samples::ended(Stage::Protect, reply);
    assert_eq!(ended("421 Your client is not allowed here"), Cause::ClientRefused);
    assert_eq!(ended("421 You are banned"), Cause::AddressBanned);
}
