//! `ProFTPD` with `mod_tls`, and a user in a file of its own.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
};

use protocol::Encryption;

use super::{
    ClientCertificate, Dates, Deleting, Digests, Existing, Modes, Names, Options, Renaming,
    Restart, Server, UploadOnly,
    installation::{installation, program},
    site::{CommandLine, DAEMON, Login, Site},
};

pub(super) const LOGIN: Login = Login { username: "ferry", password: "Fähre-26-proftpd" };

/// crypt(3) of the password.
const PASSWORD_HASH: &str = "$6$BLlSZyPNrjXM7l71$1nayE4u7dOMwdbvTmpJXMgk1M1JQlOgvkXhPrs4RvizDTxMnXqebKmKSzcbZiPrY.cPBfrPJsbSg9rk5DD9hQ1";

pub(super) fn command_line(site: &Site<'_>) -> CommandLine {
    let program = program("usr/sbin/proftpd");
    let folder = site.folder.display();
    let users = site.folder.join("users");
    let user = format!(
        "{}:{PASSWORD_HASH}:{DAEMON}:{DAEMON}::{}:/bin/false\n",
        LOGIN.username,
        site.root.display()
    );
    fs::write(&users, user).expect("the folder is ours");
    fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    // `EnableDiags` adds lines to the log; the reuse of sessions stays required.
    let tls_options = match site.options.encryption {
        Encryption::Explicit => "EnableDiags",
        Encryption::Implicit => "EnableDiags UseImplicitSSL",
    };
    let allow_overwrite = match site.options.existing {
        Existing::Replaced => "on",
        Existing::Kept => "off",
    };
    let clients = match site.options.client_certificate {
        ClientCertificate::Ignored => String::new(),
        ClientCertificate::Required => {
            format!("TLSVerifyClient on\nTLSCACertificateFile {}\n", site.clients.display())
        }
    };
    let configuration = format!(
        "ModulePath {modules}
LoadModule mod_tls.c
LoadModule mod_site_misc.c

ServerName Debian
ServerType standalone
DefaultServer on
DefaultAddress {address}
SocketBindTight on
UseIPv6 off
UseReverseDNS off
Port {control}
PassivePorts {passive_first} {passive_last}
User nobody
Group nogroup
MaxInstances 30
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
WtmpLog off
SystemLog {folder}/system.log
TransferLog none

AuthOrder mod_auth_file.c
AuthUserFile {users}
RequireValidShell off
DefaultRoot ~
Umask 022 022
AllowOverwrite {allow_overwrite}
ShowSymlinks on
ListOptions \"-l\"
DenyFilter \\*.*/
DelayEngine off

TLSEngine on
TLSRequired on
TLSLog {folder}/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSRSACertificateFile {pem}
TLSRSACertificateKeyFile {pem}
TLSOptions {tls_options}
{clients}{extras}{upload_only}",
        upload_only = upload_only(site),
        extras = extras(site.options),
        modules = installation().join("usr/lib/proftpd").display(),
        address = site.address(),
        control = site.ports.control(),
        passive_first = site.ports.passive().start(),
        passive_last = site.ports.passive().end(),
        users = users.display(),
        pem = site.pem.display(),
    );
    let file = site.folder.join("proftpd.conf");
    fs::write(&file, configuration).expect("the folder is ours");
    CommandLine { program, arguments: vec!["--nodaemon".into(), "--config".into(), file.into()] }
}

/// Creates the directory that shows nothing, and returns its configuration.
fn upload_only(site: &Site<'_>) -> String {
    if site.options.upload_only == UploadOnly::None {
        return String::new();
    }
    let folder = site.root.join(Server::UPLOAD_ONLY);
    fs::create_dir(&folder).expect("the folder is ours");
    chown(&folder, Some(DAEMON), Some(DAEMON)).expect("root may change the owner");
    format!(
        "<Directory \"{}\">
<Limit READ DIRS>
DenyAll
</Limit>
<Limit CWD XCWD CDUP XCUP>
AllowAll
</Limit>
</Directory>
",
        folder.display()
    )
}

/// What an option adds to Debian's configuration.
fn extras(options: Options) -> String {
    let mut extras = String::new();
    if options.restart == Restart::Allowed {
        extras.push_str("AllowStoreRestart on\n");
    }
    if options.renaming == Renaming::Forbidden {
        extras.push_str("<Limit RNFR RNTO>\nDenyAll\n</Limit>\n");
    }
    if options.deleting == Deleting::Forbidden {
        extras.push_str("<Limit DELE>\nDenyAll\n</Limit>\n");
    }
    if options.names == Names::WithoutPart {
        extras.push_str("PathDenyFilter \\.part\n");
    }
    if options.modes == Modes::ByFacts {
        extras.push_str("<Limit SITE_CHMOD>\nDenyAll\n</Limit>\n");
    }
    if options.dates == Dates::Refused {
        extras.push_str("<Limit MFMT>\nDenyAll\n</Limit>\n");
    }
    if let Some(max) = options.max_sessions {
        extras.push_str(&format!("MaxClientsPerHost {max}\n"));
    }
    if options.digests != Digests::None {
        // By default it answers with the digest of the received bytes, not of the file on the disk.
        extras.push_str("LoadModule mod_digest.c\nDigestOptions NoTransferCache\n");
    }
    extras.push_str(match options.digests {
        Digests::None => "",
        Digests::All => "DigestAlgorithms all\n",
        Digests::Refused => "DigestAlgorithms all\n<Limit HASH>\nDenyAll\n</Limit>\n",
        Digests::Crc => "DigestAlgorithms crc32\n",
    });
    extras
}
