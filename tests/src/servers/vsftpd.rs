//! vsftpd, with its anonymous user: the one kind of login that needs nothing in /etc/pam.d.
//!
//! A password that is not on the list of `secure_email_list_enable` is refused like any
//! wrong password. vsftpd does not let the anonymous user write to its root directory, but it does
//! when all of vsftpd runs as that user; the login then sees the whole file system, as local users
//! do by default.

use std::{fs, os::unix::fs::chown};

use protocol::Encryption;

use super::{
    ClientCertificate, Dates, Names, Renaming,
    installation::program,
    site::{CommandLine, DAEMON, Login, Site},
};

pub(super) const LOGIN: Login = Login { username: "anonymous", password: "Fähre-26-vsftpd" };

pub(super) fn command_line(site: &Site<'_>) -> CommandLine {
    let vsftpd = program("usr/sbin/vsftpd");
    let log = site.folder.join("vsftpd.log");
    fs::write(&log, "").expect("the folder is ours");
    let empty = site.folder.join("empty");
    fs::create_dir(&empty).expect("the folder is ours");
    let passwords = site.folder.join("passwords");
    fs::write(&passwords, format!("{}\n", LOGIN.password)).expect("the folder is ours");
    let implicit = match site.options.encryption {
        Encryption::Explicit => "NO",
        Encryption::Implicit => "YES",
    };
    let clients = match site.options.client_certificate {
        ClientCertificate::Ignored => String::new(),
        ClientCertificate::Required => format!(
            "require_cert=YES\nvalidate_cert=YES\nca_certs_file={}\n",
            site.clients.display()
        ),
    };
    let may_rename = match site.options.renaming {
        Renaming::Allowed => "YES",
        Renaming::Forbidden => "NO",
    };
    let may_date = match site.options.dates {
        Dates::Set => "YES",
        Dates::Refused => "NO",
    };
    let denied_names = match site.options.names {
        Names::Any => "",
        Names::WithoutPart => "deny_file={*.part,*.part.*}\n",
    };
    let max_sessions = site.options.max_sessions;
    let max_sessions = max_sessions.map_or_else(String::new, |max| format!("max_per_ip={max}\n"));
    let configuration = format!(
        "listen=YES
listen_address={address}
listen_port={control}
run_as_launching_user=YES
background=NO
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
secure_chroot_dir={empty}
pasv_min_port={passive_first}
pasv_max_port={passive_last}

anonymous_enable=YES
local_enable=NO
ftp_username=daemon
anon_root={root}
secure_email_list_enable=YES
email_password_file={passwords}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable={may_rename}
anon_world_readable_only=NO
anon_umask=022
mdtm_write={may_date}

ssl_enable=YES
implicit_ssl={implicit}
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
rsa_cert_file={pem}
rsa_private_key_file={pem}

xferlog_enable=YES
log_ftp_protocol=YES
debug_ssl=YES
vsftpd_log_file={log}
{clients}{denied_names}{max_sessions}",
        address = site.address(),
        control = site.ports.control(),
        empty = empty.display(),
        passive_first = site.ports.passive().start(),
        passive_last = site.ports.passive().end(),
        root = site.root.display(),
        passwords = passwords.display(),
        pem = site.pem.display(),
        log = log.display(),
    );
    let file = site.folder.join("vsftpd.conf");
    fs::write(&file, configuration).expect("the folder is ours");
    for path in [site.pem, &log, &file] {
        chown(path, Some(DAEMON), Some(DAEMON)).expect("root may change the owner");
    }
    CommandLine::as_daemon(vsftpd, vec![file.into()])
}
