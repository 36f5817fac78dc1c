//! The command `ferryport`: runs the portal (`serve`), runs the portal and an FTPS server to try it
//! with (`demo`), checks a running portal (`health`), lets it read its configuration again (`reload`),
//! prints, checks and makes its configuration (`config`), manages what it keeps (`keys`, `preset`), or
//! examines an FTPS server (`doctor`).

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::{ArgMatches, parser::ValueSource};
use ferryport::{
    command_line,
    commands::{
        self,
        check::{self, verdict::State},
        config::{self, Tried},
        doctor, init,
        reload::{self, ReloadError},
    },
    descriptors, health,
    passed_sockets::{PassedAddresses, PassedSockets},
    sealed_store::SealedStoreError,
    serve::{self, ListenError, Stopped},
    settings::{
        AuditTarget, DESCRIPTIONS, LogFormat, PublicUrl, Settings, SettingsErrors, Sources,
    },
    signals::Signals,
};
use tracing_subscriber::EnvFilter;

/// The exit code for a configuration that cannot be used: `EX_CONFIG` of sysexits(3).
const BAD_CONFIGURATION: u8 = 78;

/// The exit code of `check` and `doctor` for a command line that cannot be used: `EX_USAGE` of sysexits(3).
const BAD_USAGE: u8 = 64;

/// Where Debian's package has the systemd unit.
const PACKAGED_UNIT: &str = "/usr/lib/systemd/system/ferryport.service";

/// The exit code for an error that another start may not meet: `EX_TEMPFAIL` of sysexits(3).
const TEMPORARY_FAILURE: u8 = 75;

fn main() -> ExitCode {
    let matches = match command_line::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() && has_exit_codes_of_its_own() => {
            // Nothing can be done where even this cannot be printed.
            let _printed = error.print();
            return ExitCode::from(BAD_USAGE);
        }
        Err(error) => error.exit(),
    };
    if let Some(("check", matches)) = matches.subcommand() {
        return check(matches);
    }
    if let Some(("doctor", matches)) = matches.subcommand() {
        return doctor::run(matches);
    }
    match run(&matches) {
        Ok(Stopped::Drained) => ExitCode::SUCCESS,
        Ok(Stopped::AtOnce) => ExitCode::FAILURE,
        Err(error) => {
            match error.downcast_ref::<SettingsErrors>() {
                Some(errors) => eprint!("{}", errors.report()),
                None => eprintln!("error: {error:#}"),
            }
            exit_code(&error)
        }
    }
}

/// Whether the command uses the exit code 2, which is clap's, for something else.
fn has_exit_codes_of_its_own() -> bool {
    matches!(std::env::args().nth(1).as_deref(), Some("check" | "doctor"))
}

/// Returns the exit code for an error.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    if let Some(errors) = error.downcast_ref::<SettingsErrors>() {
        return ExitCode::from(match errors.is_temporary() {
            true => TEMPORARY_FAILURE,
            false => BAD_CONFIGURATION,
        });
    }
    match error.downcast_ref() {
        Some(ReloadError::Refused(_)) => return ExitCode::from(BAD_CONFIGURATION),
        Some(ReloadError::Later(_)) => return ExitCode::from(TEMPORARY_FAILURE),
        Some(ReloadError::NoSocket | ReloadError::NoAnswer { .. }) | None => {}
    }
    if let Some(error) = error.downcast_ref::<SealedStoreError>() {
        return ExitCode::from(match error.is_temporary() {
            true => TEMPORARY_FAILURE,
            false => BAD_CONFIGURATION,
        });
    }
    match error.downcast_ref::<ListenError>() {
        Some(error) if error.is_temporary() => ExitCode::from(TEMPORARY_FAILURE),
        Some(_) => ExitCode::from(BAD_CONFIGURATION),
        None => ExitCode::FAILURE,
    }
}

fn run(matches: &ArgMatches) -> anyhow::Result<Stopped> {
    if let Some(("health", matches)) = matches.subcommand() {
        health::check(&settings(matches)?)?;
        return Ok(Stopped::Drained);
    }
    if let Some(("config", matches)) = matches.subcommand() {
        configure(matches)?;
        return Ok(Stopped::Drained);
    }
    if let Some(("reload", matches)) = matches.subcommand() {
        print!("{}", reload::reload(&settings(matches)?)?);
        return Ok(Stopped::Drained);
    }
    // Before there is a second thread: it changes the environment.
    let passed = match matches.subcommand_name() {
        Some("serve") => PassedSockets::take()
            .context("a socket that the supervisor has passed cannot be used")?,
        _ => PassedSockets::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = match matches.subcommand() {
        Some(("serve", matches)) => runtime.block_on(serve(matches, passed)),
        Some(("keys", matches)) => runtime.block_on(run_keys(matches)),
        Some(("preset", matches)) => runtime.block_on(run_preset(matches)),
        Some(("drop", matches)) => runtime.block_on(run_drop(matches)),
        #[cfg(feature = "demo")]
        Some(("demo", matches)) => runtime.block_on(demo(settings(matches)?)),
        // clap requires one of the subcommands above.
        _ => Ok(Stopped::Drained),
    };
    // A lookup that blocks a thread cannot be aborted, and is not waited for.
    runtime.shutdown_background();
    ended
}

async fn run_keys(matches: &ArgMatches) -> anyhow::Result<Stopped> {
    match matches.subcommand() {
        Some(("new", matches)) => {
            let id = matches.get_one::<String>("id").map(String::as_str);
            println!("{}", *commands::keys::new(id)?);
        }
        Some(("list", matches)) => print!("{}", commands::keys::list(&settings(matches)?).await?),
        Some(("rotate", matches)) => {
            print!("{}", commands::keys::rotate(&settings(matches)?).await?);
        }
        // clap requires one of the subcommands above.
        _ => {}
    }
    Ok(Stopped::Drained)
}

async fn run_preset(matches: &ArgMatches) -> anyhow::Result<Stopped> {
    if let Some(("set-password", matches)) = matches.subcommand()
        && let Some(name) = matches.get_one::<String>("name")
    {
        print!("{}", commands::preset::set_password(&settings(matches)?, name).await?);
    }
    Ok(Stopped::Drained)
}

async fn run_drop(matches: &ArgMatches) -> anyhow::Result<Stopped> {
    print!("{}", commands::drop::arguments::run(matches, settings).await?);
    Ok(Stopped::Drained)
}

/// Runs a subcommand of `config`.
fn configure(matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("print", matches)) => {
            let (sources, errors) = sources(matches);
            let which = match matches.get_flag("given") {
                true => config::Which::Given,
                false => config::Which::All,
            };
            print!("{}", config::print(&sources, which));
            errors.into_result()?;
        }
        Some(("check", matches)) => check_configuration(matches)?,
        Some(("init", matches)) => make_configuration(matches)?,
        // clap requires one of the subcommands above.
        _ => {}
    }
    Ok(())
}

/// Runs `check`.
fn check(matches: &ArgMatches) -> ExitCode {
    let Some(url) = matches.get_one::<PublicUrl>("url").cloned() else {
        return ExitCode::from(BAD_USAGE);
    };
    let options = check::Options { url, idle: matches.get_one::<Duration>("idle").copied() };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let report = runtime.block_on(check::check(&options));
    runtime.shutdown_background();
    match serde_json::to_string_pretty(&report) {
        Ok(json) if matches.get_flag("json") => println!("{json}"),
        Ok(_) | Err(_) => print!("{report}"),
    }
    match report.state() {
        State::Ok => ExitCode::SUCCESS,
        State::Warning => ExitCode::from(1),
        State::Problem => ExitCode::from(2),
    }
}

fn check_configuration(matches: &ArgMatches) -> anyhow::Result<()> {
    let settings = settings(matches)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let checked = runtime.block_on(config::check(&settings));
    let tried = match (&checked, matches.get_flag("online")) {
        (Ok(()), true) => runtime.block_on(config::try_servers(&settings))?,
        (Ok(()), false) | (Err(_), _) => Vec::new(),
    };
    runtime.shutdown_background();
    checked?;
    println!("the configuration can be used; presets: {}", settings.presets.len());
    let mut failed = 0;
    for (preset, outcome) in tried {
        match outcome {
            Tried::Works(how) => println!("preset `{preset}`: works: {how}"),
            Tried::Fails(why) => {
                failed += 1;
                println!("preset `{preset}`: fails: {why}");
            }
        }
    }
    anyhow::ensure!(failed == 0, "the servers of {failed} presets cannot be used");
    Ok(())
}

fn make_configuration(matches: &ArgMatches) -> anyhow::Result<()> {
    let file = |name| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
    let is_chosen = matches.value_source("unit") == Some(ValueSource::CommandLine);
    // The package has brought the unit, which one in /etc would hide for ever.
    let has_unit = !is_chosen && Path::new(PACKAGED_UNIT).exists();
    let unit = Some(file("unit")).filter(|path| !path.as_os_str().is_empty() && !has_unit);
    let targets = init::Targets { config: file("config"), unit, program: std::env::current_exe()? };
    init::init(&targets, std::io::stdin().lock(), std::io::stderr().lock())?;
    println!("wrote {}", targets.config.display());
    if let Some(unit) = targets.unit {
        println!("wrote {}", unit.display());
        println!("start it: systemctl daemon-reload && systemctl enable --now ferryport");
    } else if has_unit {
        println!("start it: systemctl enable --now ferryport");
    }
    Ok(())
}

fn settings(matches: &ArgMatches) -> Result<Settings, SettingsErrors> {
    settings_at(matches, PassedAddresses::default())
}

/// Returns the settings of a portal with these sockets.
fn settings_at(matches: &ArgMatches, passed: PassedAddresses) -> Result<Settings, SettingsErrors> {
    let (mut sources, mut errors) = sources(matches);
    passed.fix(&mut sources);
    let settings = errors.collect_all(Settings::from_sources(&sources));
    match settings {
        Some(settings) if errors.is_empty() => Ok(settings),
        Some(_) | None => Err(errors),
    }
}

/// Returns the texts of all settings, with what is wrong with their sources.
fn sources(matches: &ArgMatches) -> (Sources, SettingsErrors) {
    let mut sources = Sources::default();
    let mut errors = SettingsErrors::default();
    if let Ok(Some(path)) = matches.try_get_one::<PathBuf>("config") {
        errors.collect_all(sources.file_at(path, DESCRIPTIONS));
    }
    errors.collect_all(sources.environment(DESCRIPTIONS, |name| std::env::var_os(name)));
    for setting in DESCRIPTIONS {
        if let Some(texts) = matches.get_many::<String>(setting.name) {
            let texts: Vec<&str> = texts.map(String::as_str).collect();
            sources.flag(setting.name, texts.join(","));
        }
    }
    (sources, errors)
}

async fn serve(matches: &ArgMatches, passed: PassedSockets) -> anyhow::Result<Stopped> {
    let addresses = passed.addresses()?;
    let settings = settings_at(matches, addresses)?;
    start_tracing(settings.log_format);
    let audit_is_on_stdout = settings.audit == Some(AuditTarget::Stdout);
    descriptors::raise_limit(&settings);
    let portal = serve::listen(settings, passed).await?;
    let mut lines = format!("listening on {}\n", portal.url());
    if let Some(address) = portal.admin_address() {
        lines.push_str(&format!("admin listener on http://{address}\n"));
    }
    match audit_is_on_stdout {
        true => eprint!("{lines}"),
        false => print!("{lines}"),
    }
    let matches = matches.clone();
    let read = Arc::new(move || settings_at(&matches, addresses));
    Ok(portal.run(Signals::listen()?, read).await)
}

/// Runs the portal and an FTPS server on loopback, which the portal offers as its only preset.
#[cfg(feature = "demo")]
async fn demo(mut settings: Settings) -> anyhow::Result<Stopped> {
    use ferryport::demo::{DemoServer, USERNAME};

    start_tracing(settings.log_format);
    descriptors::raise_limit(&settings);
    let server = DemoServer::start()?;
    settings.presets = vec![server.preset()?];
    // Its server ends with it, and no upload can go on.
    settings.drain_timeout = Duration::ZERO;
    let fixed = settings.clone();
    let portal = serve::listen(settings, PassedSockets::default()).await?;
    server.add_profile(portal.profiles());
    println!("Ferryport is ready. Open {} and press Connect.\n", portal.url());
    println!("The server that it offers, for other programs:\n");
    println!("  Host        {}", server.address().ip());
    println!("  Port        {}", server.address().port());
    println!("  Encryption  Explicit TLS");
    println!("  Username    {USERNAME}");
    println!("  Password    {}\n", server.password());
    println!("Its certificate's SHA-256 fingerprint is");
    println!("  {}", server.certificate_sha256());
    println!("Uploads are stored in {}", server.folder().display());
    println!("and deleted when you press Ctrl-C.");
    // Its preset is in no file.
    Ok(portal.run(Signals::listen()?, Arc::new(move || Ok(fixed.clone()))).await)
}

/// Starts the log on standard error, at the level of `RUST_LOG`.
fn start_tracing(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,libunftp=off,unftp_sbe_fs=off"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
