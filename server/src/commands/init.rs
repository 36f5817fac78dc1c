//! `ferryport config init`: asks what a portal needs, and writes its configuration and its systemd unit.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
};

use crate::settings::{
    AcmeDomain, DESCRIPTIONS, Description, EmailAddress, PresetError, PublicUrl, SettingValue,
    Settings, SettingsErrors, Sources, toml_string,
};

/// The unit, for the portal and the configuration in their usual places.
const UNIT: &str = include_str!("../../../contrib/systemd/ferryport.service");

/// The portal's program in [`UNIT`].
const UNIT_PROGRAM: &str = "/usr/bin/ferryport";

/// The configuration in [`UNIT`].
const UNIT_CONFIG: &str = "/etc/ferryport/ferryport.toml";

/// An example of a preset, as a comment.
const EXAMPLE_PRESET: &str = r#"
# [[preset]]
# name = "acme"
# title = "ACME intake"
# host = "ftp.acme.example"
# folder = "incoming"
"#;

/// The files that are written.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The configuration.
    pub config: PathBuf,
    /// The systemd unit; `None` for none.
    pub unit: Option<PathBuf>,
    /// The portal's program, which the unit starts.
    pub program: PathBuf,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A file exists.
    #[error("{} exists already, and is not overwritten: name another file, or remove it", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answers ended, or cannot be read.
    #[error("the answers ended early: {0}")]
    Ended(io::Error),
    /// The answers do not fit together.
    #[error(transparent)]
    Settings(#[from] SettingsErrors),
}

/// Asks the questions, and writes the files. Neither exists before, but a configuration may that sets
/// nothing, as the packages bring it.
///
/// # Errors
/// [`InitError`]; no file of it is overwritten.
pub fn init(
    targets: &Targets,
    answers: impl BufRead,
    questions: impl Write,
) -> Result<(), InitError> {
    let unit = targets.unit.iter().filter(|path| path.exists());
    let config = Some(&targets.config).filter(|path| path.exists() && !has_only_comments(path));
    if let Some(path) = config.into_iter().chain(unit).next() {
        return Err(InitError::Exists(path.clone()));
    }
    let text = Interview { answers, questions }.configuration().map_err(InitError::Ended)?;
    let mut sources = Sources::default();
    sources.file(&text, DESCRIPTIONS)?;
    Settings::from_sources(&sources)?;
    match targets.config.exists() {
        // Written in place: its owner and its mode stay.
        true => fs::write(&targets.config, &text)
            .map_err(|source| InitError::Write { path: targets.config.clone(), source })?,
        false => create(&targets.config, &text)?,
    }
    match &targets.unit {
        Some(unit) => create(unit, &unit_for(targets)),
        None => Ok(()),
    }
}

/// Returns whether a configuration sets nothing. One that cannot be read may set something.
fn has_only_comments(path: &Path) -> bool {
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#');
    fs::read_to_string(path).is_ok_and(|text| text.lines().all(|line| is_comment(line.trim())))
}

fn unit_for(targets: &Targets) -> String {
    UNIT.replace(UNIT_PROGRAM, &targets.program.display().to_string())
        .replace(UNIT_CONFIG, &targets.config.display().to_string())
}

fn create(path: &Path, text: &str) -> Result<(), InitError> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Write { path: path.to_owned(), source },
    })
}

/// The questions and their answers, one a line.
struct Interview<R, W> {
    answers: R,
    questions: W,
}

/// Where the directory of the unit's `StateDirectory` has the certificate of an authority.
const ACME_DIR: &str = "/var/lib/ferryport/acme";

/// How browsers reach the portal.
enum Https {
    /// With a certificate that the portal gets for a domain.
    Acme(AcmeDomain),
    Certificate,
    Proxy,
}

impl<R: BufRead, W: Write> Interview<R, W> {
    /// Asks all questions. Returns the configuration file.
    fn configuration(&mut self) -> io::Result<String> {
        let mut given: Vec<(&str, String)> = Vec::new();
        let url = self.ask(
            "The address of the page, as users type it (https://upload.example.com)",
            None,
            |text| PublicUrl::parse(text).map(|_| text.to_owned()),
        )?;
        given.push(("public_url", toml_string(&url)));
        let https = self.ask(
            "Who serves HTTPS: the portal with a certificate that it gets from Let's Encrypt (`acme`), \
             the portal with a `certificate` that you have, or a `proxy` in front of it?",
            Some("acme"),
            |text| match text {
                "acme" => acme_domain(&url).map(Https::Acme),
                "certificate" => Ok(Https::Certificate),
                "proxy" => Ok(Https::Proxy),
                _ => Err("answer `acme`, `certificate` or `proxy`".to_owned()),
            },
        )?;
        match https {
            Https::Acme(domain) => given.extend(self.acme(&domain)?),
            Https::Certificate => {
                let file = self.ask("The PEM file of the certificate and its chain", None, path)?;
                let key = self.ask("The PEM file of its private key", None, path)?;
                given.push(("listen", toml_string("0.0.0.0:443")));
                given.push(("tls_certificate_file", toml_string(&file)));
                given.push(("tls_key_file", toml_string(&key)));
            }
            Https::Proxy => {
                let networks = self.ask(
                    "The addresses from which the proxy connects, separated by commas",
                    Some("127.0.0.1"),
                    |text| Vec::<ipnet::IpNet>::parse(text).map(|_| text.to_owned()),
                )?;
                let networks: Vec<String> =
                    networks.split(',').map(|one| toml_string(one.trim())).collect();
                given.push(("trusted_proxies", format!("[{}]", networks.join(", "))));
            }
        }
        let presets = self.presets()?;
        Ok(written(&given, &presets))
    }

    /// Asks about the certificate from an authority. Returns its settings.
    fn acme(&mut self, domain: &AcmeDomain) -> io::Result<Vec<(&'static str, String)>> {
        let email = self.ask(
            "Your e-mail address, for the authority (it may write if something is wrong), or nothing",
            Some(""),
            |text| match text {
                "" => Ok(String::new()),
                _ => EmailAddress::parse(text).map(|email| email.as_str().to_owned()),
            },
        )?;
        let redirects = self.ask(
            "Shall port 80 redirect browsers to HTTPS: `yes` or `no`?",
            Some("yes"),
            |text| match text {
                "yes" => Ok(true),
                "no" => Ok(false),
                _ => Err("answer `yes` or `no`".to_owned()),
            },
        )?;
        let mut given = vec![
            ("listen", toml_string("0.0.0.0:443")),
            ("acme_domains", format!("[{}]", toml_string(domain.as_str()))),
            ("acme_dir", toml_string(ACME_DIR)),
        ];
        if !email.is_empty() {
            given.push(("acme_email", toml_string(&email)));
        }
        if redirects {
            given.push(("http_listen", toml_string("0.0.0.0:80")));
        }
        Ok(given)
    }

    /// Asks for the servers that the portal offers. Returns their tables.
    fn presets(&mut self) -> io::Result<String> {
        let mut presets = String::new();
        let mut question = "The FTPS server that the portal offers (ftp.example.org), or nothing if \
                            users type the server themselves";
        loop {
            let host = self.ask(question, Some(""), |text| match text {
                "" => Ok(String::new()),
                _ => preset_value("host", text),
            })?;
            if host.is_empty() {
                return Ok(presets);
            }
            let name = self.ask(
                "A short name for it, of small letters, digits and hyphens",
                None,
                |text| preset_value("name", text),
            )?;
            let title = self
                .ask("The title that users see", Some(&name), |text| preset_value("title", text))?;
            let encryption = self.ask(
                "Its encryption: `explicit` (port 21) or `implicit` (port 990)",
                Some("explicit"),
                |text| preset_value("encryption", text),
            )?;
            presets.push_str("\n[[preset]]\n");
            for (key, value) in
                [("name", name), ("title", title), ("host", host), ("encryption", encryption)]
            {
                presets.push_str(&format!("{key} = {}\n", toml_string(&value)));
            }
            question = "A further server, or nothing";
        }
    }

    /// Asks until there is an answer that parses.
    fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> io::Result<T> {
        loop {
            let shown = default.filter(|text| !text.is_empty());
            let shown = shown.map_or_else(String::new, |text| format!(" [{text}]"));
            write!(self.questions, "{question}{shown}: ")?;
            self.questions.flush()?;
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let answer = match line.trim() {
                "" => default.unwrap_or_default(),
                answer => answer,
            };
            match parse(answer) {
                Ok(value) => return Ok(value),
                Err(reason) => writeln!(self.questions, "  {answer:?}: {reason}")?,
            }
        }
    }
}

/// Returns the domain of the page, for which an authority issues a certificate.
fn acme_domain(url: &str) -> Result<AcmeDomain, String> {
    let (_, authority) = url.split_once("://").unwrap_or_default();
    let host = authority.split('/').next().unwrap_or_default();
    let domain = match host.strip_suffix(":443").unwrap_or(host) {
        host if url.starts_with("https://") => AcmeDomain::parse(host),
        _ => Err("the address does not begin with `https://`".to_owned()),
    };
    domain.map_err(|reason| format!("Let's Encrypt cannot be asked for this page: {reason}"))
}

fn path(text: &str) -> Result<String, String> {
    let is_path = text.starts_with('/');
    is_path.then(|| text.to_owned()).ok_or_else(|| "an absolute path is needed".to_owned())
}

/// Returns a configuration in which each setting is a comment, for the packages.
#[must_use]
pub fn commented_configuration() -> String {
    written(&[], EXAMPLE_PRESET)
}

/// Checks a value of a preset.
fn preset_value(key: &str, text: &str) -> Result<String, String> {
    PresetError::of_value(key, text).map_or_else(|| Ok(text.to_owned()), Err)
}

/// Returns the configuration file: what was given, and every other setting as a comment.
fn written(given: &[(&str, String)], presets: &str) -> String {
    let mut text = "# The settings of the portal. Those behind a # have the value that is shown.\n\
                    # `ferryport config check` checks this file.\n"
        .to_owned();
    for setting in DESCRIPTIONS {
        let value = given.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| value);
        text.push_str(&row(setting, value.map(String::as_str)));
    }
    text.push_str(
        "\n# The servers that the portal offers: docs/operating.md describes all keys.\n",
    );
    text.push_str(presets);
    text
}

fn row(setting: &Description, value: Option<&str>) -> String {
    let help = setting.help.iter().map(|line| format!("# {}\n", line.trim()));
    let help: String = help.collect();
    match value {
        Some(value) => format!("\n{help}{} = {value}\n", setting.name),
        None => format!("\n{help}# {} = {}\n", setting.name, setting.default),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn targets(folder: &Path) -> Targets {
        Targets {
            config: folder.join("ferryport.toml"),
            unit: Some(folder.join("ferryport.service")),
            program: "/usr/local/bin/ferryport".into(),
        }
    }

    fn run(folder: &Path, answers: &str) -> (Result<(), InitError>, String) {
        let mut questions = Vec::new();
        let done = init(&targets(folder), answers.as_bytes(), &mut questions);
        (done, String::from_utf8(questions).unwrap())
    }

    fn settings(file: &Path) -> Settings {
        let mut sources = Sources::default();
        sources.file_at(file, DESCRIPTIONS).unwrap();
        Settings::from_sources(&sources).unwrap()
    }

    #[test]
    fn answers_become_a_configuration_and_a_unit() {
        let folder = tempfile::tempdir().unwrap();
        let answers = "https://up.example.com/in\nproxy\n10.0.0.1, 10.0.0.2\nftp.acme.example\n\
                       acme\nACME \"intake\"\nimplicit\n\n";
        run(folder.path(), answers).0.unwrap();
        let Targets { config, unit, .. } = targets(folder.path());
        let settings = settings(&config);
        assert_eq!(settings.public_url.unwrap().page(), "https://up.example.com/in/");
        assert_eq!(settings.trusted_proxies.len(), 2);
        let preset = &settings.presets[0];
        assert_eq!((preset.title.as_str(), preset.port), ("ACME \"intake\"", 990));
        let unit = fs::read_to_string(unit.unwrap()).unwrap();
        let start =
            format!("ExecStart=/usr/local/bin/ferryport serve --config {}", config.display());
        assert!(unit.contains(&start), "{unit}");
        assert!(!unit.contains(UNIT_PROGRAM) && !unit.contains(UNIT_CONFIG), "{unit}");
    }

    #[test]
    fn certificate_from_an_authority_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "https://up.example.com\n\nit@example.com\n\n\n").0.unwrap();
        let settings = settings(&targets(folder.path()).config);
        let domains: Vec<_> = settings.acme_domains.iter().map(AcmeDomain::as_str).collect();
        assert_eq!(domains, ["up.example.com"]);
        assert_eq!(settings.acme_email.unwrap().as_str(), "it@example.com");
        assert_eq!(settings.acme_dir, Some(ACME_DIR.into()));
        assert_eq!((settings.listen.port(), settings.http_listen.unwrap().port()), (443, 80));
    }

    #[test]
    fn authority_is_not_asked_for_what_it_does_not_issue() {
        let folder = tempfile::tempdir().unwrap();
        for url in ["https://192.0.2.1", "https://up.example.com:8443", "http://up.example.com"] {
            let (done, questions) = run(folder.path(), &format!("{url}\nacme\n"));
            assert!(matches!(done, Err(InitError::Ended(_))), "{url}: {done:?}");
            assert!(questions.contains("cannot be asked for this page"), "{url}: {questions}");
        }
    }

    #[test]
    fn configuration_of_the_package_is_overwritten_as_long_as_it_sets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = targets(folder.path()).config;
        fs::write(&config, commented_configuration()).unwrap();
        run(folder.path(), "https://up.example.com\n\n\n\n\n").0.unwrap();
        assert!(settings(&config).public_url.is_some());
        let unit = targets(folder.path()).unit.unwrap();
        fs::remove_file(unit).unwrap();
        let (done, _) = run(folder.path(), "https://up.example.com\n\n\n\n\n");
        assert!(matches!(done, Err(InitError::Exists(path)) if path == config));
    }

    #[test]
    fn answer_that_does_not_parse_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let answers = "up.example.com\nhttps://up.example.com\nnginx\ncertificate\nc.pem\n/c.pem\n\
                       /k.pem\n\n";
        let (done, questions) = run(folder.path(), answers);
        done.unwrap();
        for refused in ["\"up.example.com\": it starts with", "\"nginx\": answer", "\"c.pem\": an"]
        {
            assert!(questions.contains(refused), "{questions}");
        }
        let settings = settings(&targets(folder.path()).config);
        assert_eq!(settings.tls_certificate_file, Some("/c.pem".into()));
        assert!(settings.presets.is_empty());
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_written_if_the_answers_end() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(run(folder.path(), "https://a.example\n").0, Err(InitError::Ended(_))));
        let Targets { config, unit, .. } = targets(folder.path());
        assert!(!config.exists());
        fs::write(unit.as_ref().unwrap(), "mine").unwrap();
        let (done, questions) = run(folder.path(), "https://a.example\n\n\n\n");
        assert!(matches!(done, Err(InitError::Exists(path)) if Some(&path) == unit.as_ref()));
        assert_eq!(questions, "", "nothing is asked in vain");
        assert!(!config.exists());
    }
}
