//! A portal with a store, a keyring and a preset for drops.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    guest::{Guest, Link, Refused},
    portal::{Options, Portal},
    servers::Server,
};

/// The folder of the preset on the server.
pub const PRESET_FOLDER: &str = "incoming";

/// The configuration of a portal with drops, and its files.
pub struct DropSite {
    folder: TempDir,
    program: String,
}

impl DropSite {
    /// Writes the configuration: a store at this address, or in a SQLite file where there is none, and the
    /// preset `site`, with further lines.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn new(program: &str, server: &Server, store: Option<&str>, further: &str) -> Self {
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let site = Self { folder, program: program.to_owned() };
        let key =
            site.command(&["keys", "new", "--id", "first"]).output().expect("the portal runs");
        let mut options = fs::OpenOptions::new();
        let keyring =
            options.write(true).create(true).truncate(true).mode(0o600).open(site.keyring());
        keyring.expect("the folder is ours").write_all(&key.stdout).expect("the folder is ours");
        let sqlite = format!("sqlite:{}/ferryport.db", site.folder.path().display());
        let password = site.folder.path().join("password");
        fs::write(&password, server.password()).expect("the folder is ours");
        let text = format!(
            "store = \"{}\"\nkeyring_file = \"{}\"\npublic_url = \"https://up.example.com/in\"\n\
             audit = \"{}\"\ndrop_lease = \"3 s\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
             [[preset]]\nname = \"site\"\nhost = \"{}\"\nport = {}\nusername = \"{}\"\n\
             password_file = \"{}\"\nlogin = \"portal\"\npins = [\"{}\"]\nfolder = \"{PRESET_FOLDER}\"\n\
             drops = true\n{further}\n",
            store.unwrap_or(&sqlite),
            site.keyring().display(),
            site.audit().display(),
            server.address().ip(),
            server.port(),
            server.username(),
            password.display(),
            server.certificate_sha256(),
        );
        fs::write(site.config(), text).expect("the folder is ours");
        site
    }

    /// Adds lines before the first table of the configuration.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn with_settings(self, lines: &str) -> Self {
        let text = fs::read_to_string(self.config()).expect("the folder is ours");
        fs::write(self.config(), format!("{lines}\n{text}")).expect("the folder is ours");
        self
    }

    /// The folder with the configuration and the store.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Its audit.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn keyring(&self) -> PathBuf {
        self.folder.path().join("keyring")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("ferryport.toml")
    }

    /// Starts a portal.
    #[must_use]
    pub fn portal(&self) -> Portal {
        let config = self.config();
        let config = config.to_str().expect("a plain path");
        Portal::start(&self.program, Options::with(&["--config", config]))
    }

    /// Runs `ferryport drop` with these arguments.
    ///
    /// # Panics
    /// When the program cannot be run.
    #[must_use]
    pub fn drop(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&["drop"]);
        command.args(arguments).arg("--config").arg(self.config());
        command.output().expect("the portal runs")
    }

    /// Runs `ferryport drop`, and returns what it says.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = self.drop(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("a text")
    }

    /// Makes a drop, and returns its link.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn create(&self, options: &[&str]) -> Link {
        let always = ["create", "--preset", "site", "--title", "Tax papers 2026"];
        Link::parse(&self.told(&[&always, options].concat()))
    }

    /// Opens a link.
    ///
    /// # Errors
    /// When the portal refuses it.
    pub async fn open(&self, portal: &Portal, link: &Link) -> Result<Guest, Refused> {
        Guest::open(portal.acceptor(), link).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path());
        command
    }
}
