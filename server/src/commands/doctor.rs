//! `ferryport doctor HOST`: examines an FTPS server, and says what works, what does not, and who can
//! change it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use ftps::{Credentials, Fingerprint, Password, Username};
use mask::MaskOptions;
use percent_encoding::percent_decode_str;
use protocol::{
    Encryption,
    doctor::{CheckState, DoctorCheck, DoctorReport, DoctorVerdict},
};

use super::password::{first_line, read_password};
use crate::{
    doctor::{Doctor, Examination, TestUpload, html, masked, words},
    lookup::LookupSlot,
    outbound::Outbound,
    policy::Policy,
    settings::{Settings, Sources},
    texts::Language,
};

/// The exit code for a command line that cannot be used: `EX_USAGE` of sysexits(3).
const BAD_USAGE: u8 = 64;

/// The largest file with a password, in bytes.
const MAX_PASSWORD_FILE: u64 = 4096;

/// The width of the column with the titles.
const TITLE_WIDTH: usize = 26;

/// The command line.
#[must_use]
pub fn command() -> Command {
    let text =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("doctor")
        .about("Examine an FTPS server: name, ports, TLS, certificate, login, data connections")
        .after_help(
            "Without --user, everything before the login is examined. The password is read from the \
             terminal or from standard input, unless there is --password-file; it is tried once.\n\n\
             Exit codes: 0 the server works, 1 it works, but there are remarks, 2 it does not work, \
             64 the command line cannot be used.",
        )
        .arg(
            Arg::new("host")
                .value_name("HOST")
                .required(true)
                .help("A host name, an address, or ftps://USER@HOST:PORT/FOLDER"),
        )
        .arg(
            text("port", "PORT")
                .value_parser(value_parser!(u16).range(1..))
                .help("The port of the control connection [default: 21, with implicit TLS 990]"),
        )
        .arg(
            text("encryption", "WHEN")
                .value_parser(PossibleValuesParser::new(["automatic", "explicit", "implicit"]))
                .default_value("automatic")
                .help("When TLS starts"),
        )
        .arg(text("user", "NAME").help("The username; without it there is no login"))
        .arg(
            text("password-file", "FILE")
                .value_parser(value_parser!(PathBuf))
                .help("A file with the password in its first line"),
        )
        .arg(text("folder", "FOLDER").help(
            "The folder to list and to write to [default: the folder where the login starts]",
        ))
        .arg(flag("write").help("Also upload, resume, rename and delete a small test file"))
        .arg(
            text("trust", "SHA256")
                .value_parser(|text: &str| text.parse::<Fingerprint>())
                .help("Trust the certificate with this fingerprint, whoever has issued it"),
        )
        .arg(
            text("allow-network", "CIDR")
                .action(ArgAction::Append)
                .help("A network that is not public and may be connected to: \"10.1.0.0/16:*\""),
        )
        .arg(flag("json").help("Print the report as JSON"))
        .arg(
            text("html", "FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Also write the report as one HTML file"),
        )
        .arg(
            text("mask", "KINDS")
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(["hosts", "users", "paths"]))
                .help("Hide names in all that is printed and written: \"hosts,users,paths\""),
        )
        .arg(
            text("language", "LANGUAGE")
                .default_value("en")
                .help("The language of the report: en, de, es or fr"),
        )
}

/// Runs the command. Returns its exit code.
#[must_use]
pub fn run(matches: &ArgMatches) -> ExitCode {
    match try_run(matches) {
        Ok(verdict) => ExitCode::from(match verdict {
            DoctorVerdict::Works => 0,
            DoctorVerdict::Remarks => 1,
            DoctorVerdict::Fails => 2,
        }),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(BAD_USAGE)
        }
    }
}

/// # Errors
/// When the command line, or a file that it names, cannot be used.
fn try_run(matches: &ArgMatches) -> anyhow::Result<DoctorVerdict> {
    let examination = examination(matches)?;
    let (language, is_json) = (examination.language, matches.get_flag("json"));
    let doctor = doctor(matches)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut masks = masked::masks(&examination, mask_options(matches));
    let mut tell = |check: &DoctorCheck| {
        if !is_json {
            show(&lines_of(&masks.check(check), language));
        }
    };
    let report = runtime.block_on(doctor.examine(&examination, &mut tell));
    // A lookup that blocks a thread cannot be aborted, and is not waited for.
    runtime.shutdown_background();
    let report = masks.report(&report);
    match is_json {
        true => show(&(serde_json::to_string_pretty(&report)? + "\n")),
        false => show(&format!("\n{}\n", report.summary)),
    }
    if let Some(path) = matches.get_one::<PathBuf>("html") {
        write_html(&report, language, path)?;
    }
    Ok(report.verdict)
}

/// Prints a text. Nobody may want to read it to its end.
fn show(text: &str) {
    let mut stdout = std::io::stdout();
    let _closed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn mask_options(matches: &ArgMatches) -> MaskOptions {
    let kinds: Vec<&String> = matches.get_many("mask").into_iter().flatten().collect();
    let has = |kind: &str| kinds.iter().any(|one| *one == kind);
    MaskOptions { hosts: has("hosts"), users: has("users"), paths: has("paths") }
}

fn write_html(report: &DoctorReport, language: Language, path: &Path) -> anyhow::Result<()> {
    let page = html::page(report, language)?;
    fs::write(path, page).with_context(|| format!("{} cannot be written", path.display()))
}

/// Creates the doctor: with the system's authorities, and the rules of the policy for public servers
/// and these networks.
fn doctor(matches: &ArgMatches) -> anyhow::Result<Doctor> {
    let mut sources = Sources::default();
    if let Some(networks) = matches.get_many::<String>("allow-network") {
        let networks: Vec<_> = networks.map(String::as_str).collect();
        sources.flag("allow_network", networks.join(","));
    }
    let settings = Settings::from_sources(&sources)?;
    let roots = Outbound::load(&settings)?.roots(None);
    Ok(Doctor::new(Policy::new(&settings), roots, LookupSlot::default()))
}

fn examination(matches: &ArgMatches) -> anyhow::Result<Examination> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let address = ServerAddress::parse(text("host").unwrap_or_default())?;
    let tag = text("language").unwrap_or_default();
    let Some(language) = Language::of_tag(tag) else {
        let known: Vec<_> = Language::all().map(Language::tag).collect();
        bail!("there is no language `{tag}`; there are: {}", known.join(", "));
    };
    let encryption = match text("encryption") {
        Some("explicit") => Some(Encryption::Explicit),
        Some("implicit") => Some(Encryption::Implicit),
        _ => None,
    };
    let default_port = encryption.unwrap_or(Encryption::Explicit).default_port();
    let port = matches.get_one::<u16>("port").copied().or(address.port).unwrap_or(default_port);
    let username = text("user").map(ToOwned::to_owned).or(address.username);
    let credentials = match username {
        Some(username) => Some(credentials(username, matches.get_one::<PathBuf>("password-file"))?),
        None if matches.contains_id("password-file") => bail!("--password-file needs --user"),
        None => None,
    };
    let test_upload = match matches.get_flag("write") {
        true if credentials.is_none() => bail!("--write needs --user"),
        true => TestUpload::Made,
        false => TestUpload::NotMade,
    };
    Ok(Examination {
        host: address.host,
        port,
        encryption,
        credentials,
        folder: text("folder").map(ToOwned::to_owned).or(address.folder),
        test_upload,
        trusted_certificate: matches.get_one::<Fingerprint>("trust").copied(),
        language,
    })
}

fn credentials(username: String, file: Option<&PathBuf>) -> anyhow::Result<Credentials> {
    let password = match file {
        Some(path) => {
            use std::io::Read as _;
            let read = || {
                let mut text = zeroize::Zeroizing::new(String::new());
                fs::File::open(path)?.take(MAX_PASSWORD_FILE).read_to_string(&mut text)?;
                std::io::Result::Ok(text)
            };
            let text = read().with_context(|| format!("{} cannot be read", path.display()))?;
            first_line(&text)
        }
        None => read_password(&format!("Password of {username}: "))?,
    };
    Ok(Credentials {
        username: Username::new(username).context("the username cannot be sent")?,
        password: Password::new(password.as_str()).context("the password cannot be sent")?,
    })
}

/// The server in the argument `HOST`.
#[derive(Debug, PartialEq, Eq)]
struct ServerAddress {
    host: String,
    port: Option<u16>,
    username: Option<String>,
    folder: Option<String>,
}

impl ServerAddress {
    /// Parses a host, or an address with a scheme: `ftps://USER@HOST:PORT/FOLDER`.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            let host = text.trim_matches(['[', ']']).to_owned();
            return Ok(Self { host, port: None, username: None, folder: None });
        };
        if !matches!(scheme.to_ascii_lowercase().as_str(), "ftp" | "ftps" | "ftpes") {
            bail!("`{scheme}` is not the scheme of an FTPS server: use ftps://HOST");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (username, place) = match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                bail!("the address holds a password: give it in a file, with --password-file");
            }
            Some((user, place)) => (Some(decoded(user)?), place),
            None => (None, authority),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed.split_once(']').context("a bracket is missing")?;
                (host, rest.strip_prefix(':'))
            }
            None => match place.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = port.map(|port| port.parse().with_context(|| format!("`{port}` is no port")));
        let folder = (!path.is_empty()).then(|| decoded(path)).transpose()?;
        // In an address of FTP, `//` begins an absolute path (RFC 1738 §3.2.2).
        Ok(Self { host: host.to_owned(), port: port.transpose()?, username, folder })
    }
}

fn decoded(text: &str) -> anyhow::Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.with_context(|| format!("`{text}` is not UTF-8"))?.into_owned())
}

/// Returns a check as lines for the terminal.
fn lines_of(check: &DoctorCheck, language: Language) -> String {
    let state = words::state_name(language, check.state);
    let mut text = format!("{state:<11} {:<TITLE_WIDTH$} {}\n", check.title, check.says);
    if let Some(remedy) = &check.remedy {
        text.push_str(&format!("    {} {}\n", words::who(language, remedy), remedy.what));
    }
    if check.state != CheckState::Skipped {
        for line in &check.evidence {
            text.push_str(&format!("    | {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ServerAddress {
        ServerAddress::parse(text).unwrap()
    }

    fn address(
        host: &str,
        port: Option<u16>,
        username: Option<&str>,
        folder: Option<&str>,
    ) -> ServerAddress {
        let (username, folder) = (username.map(str::to_owned), folder.map(str::to_owned));
        ServerAddress { host: host.to_owned(), port, username, folder }
    }

    #[test]
    fn host_may_be_an_address_with_user_port_and_folder() {
        for (text, expected) in [
            ("ftp.example.org", address("ftp.example.org", None, None, None)),
            ("2001:db8::1", address("2001:db8::1", None, None, None)),
            ("ftps://ftp.example.org", address("ftp.example.org", None, None, None)),
            (
                "ftps://ada@ftp.example.org:2121/in/%C3%BC",
                address("ftp.example.org", Some(2121), Some("ada"), Some("in/ü")),
            ),
            ("FTPS://[2001:db8::1]:990/", address("2001:db8::1", Some(990), None, None)),
            ("ftps://a%40b@h//srv", address("h", None, Some("a@b"), Some("/srv"))),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn address_with_a_password_or_of_another_protocol_is_refused() {
        for text in [
            "ftps://ada:sesame@h",
            "https://h",
            "sftp://h",
            "ftps://h:port",
            "ftps://h:70000",
            "ftps://[::1",
            "ftps://%ff@h",
        ] {
            let error = ServerAddress::parse(text).unwrap_err().to_string();
            assert!(!error.contains("sesame"), "{error}");
        }
    }

    #[test]
    fn command_line_is_well_formed() {
        command().debug_assert();
    }
}
