//! The place of a server: its folder, ports, login and command line.

use std::{
    ffi::OsString,
    fs,
    net::Ipv4Addr,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use super::{Options, Server};
use crate::{delayed_link::Place, ports::PortBlock, process::Process};

/// The user and group `daemon`, which the sessions run as. vsftpd requires a user whose home exists.
pub(super) const DAEMON: u32 = 1;

/// The folder, the ports and the options of a server.
pub(super) struct Site<'a> {
    pub(super) options: Options,
    /// For configuration and logs; only root may write it.
    pub(super) folder: &'a Path,
    /// The directory that the login opens.
    pub(super) root: &'a Path,
    /// Certificate and key.
    pub(super) pem: &'a Path,
    /// The certificate of the authority that its clients are to be from.
    pub(super) clients: &'a Path,
    pub(super) ports: &'a PortBlock,
}

impl Site<'_> {
    /// Returns the address to listen at.
    pub(super) fn address(&self) -> Ipv4Addr {
        self.options.place.address()
    }
}

/// The login of the one user.
pub(super) struct Login {
    pub(super) username: &'static str,
    pub(super) password: &'static str,
}

/// The command line of a server.
pub(super) struct CommandLine {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl CommandLine {
    /// Starts the server.
    pub(super) fn start(
        &self,
        environment: &[(&'static str, OsString)],
        output: PathBuf,
    ) -> Process {
        let environment = environment.iter().map(|(name, value)| (*name, value.clone()));
        Process::start(&self.program, &self.arguments, environment, output)
    }

    /// Returns the command line that runs a program as `daemon`.
    pub(super) fn as_daemon(program: impl Into<OsString>, arguments: Vec<OsString>) -> Self {
        let setpriv = [
            format!("--reuid={DAEMON}").into(),
            format!("--regid={DAEMON}").into(),
            "--clear-groups".into(),
            program.into(),
        ];
        let arguments = setpriv.into_iter().chain(arguments).collect();
        Self { program: Path::new("/usr/bin/setpriv").to_owned(), arguments }
    }

    /// Returns the command line that runs the program in a place.
    pub(super) fn in_place(self, place: Place) -> Self {
        match place {
            Place::Loopback => self,
            Place::Far { namespace, .. } => {
                let (program, arguments) = namespace.enter(&self.program, self.arguments);
                Self { program, arguments }
            }
        }
    }
}

/// Writes OpenSSL's configuration, the one way to limit the TLS version of all servers.
pub(super) fn openssl_configuration(site: &Site<'_>) -> PathBuf {
    let path = site.folder.join("openssl.cnf");
    let text = format!(
        "openssl_conf = init\n\
         [init]\nssl_conf = ssl\n\
         [ssl]\nsystem_default = tls\n\
         [tls]\nMinProtocol = TLSv1.2\nMaxProtocol = {}\n",
        site.options.tls_max.openssl_name()
    );
    fs::write(&path, text).expect("the folder is ours");
    path
}

/// Creates the directory of the login, with a subdirectory that it may not write.
pub(super) fn make_root(root: &Path) {
    fs::create_dir(root).expect("the folder is ours");
    let read_only = root.join(Server::READ_ONLY);
    fs::create_dir(&read_only).expect("the folder is ours");
    for path in [root, read_only.as_path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    }
    chown(root, Some(DAEMON), Some(DAEMON)).expect("root may change the owner");
}
