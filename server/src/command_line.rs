//! The command line of `ferryport`: its subcommands and flags. Manual pages and completions are made of
//! it too.

use std::{path::PathBuf, time::Duration};

use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use crate::{
    commands::{self, doctor},
    settings::{DESCRIPTIONS, PublicUrl, SettingValue, heading_before},
};

/// Returns the command `ferryport` with all of its subcommands.
#[must_use]
pub fn command() -> Command {
    let serve =
        Command::new("serve").about("Run the portal").arg(config_flag()).args(setting_flags());
    let health = Command::new("health")
        .about("Check whether a running portal serves; takes the portal's settings")
        .arg(config_flag())
        .args(setting_flags());
    let reload = Command::new("reload")
        .about("Ask a running portal to read its configuration again")
        .arg(config_flag())
        .args(setting_flags());
    let command = Command::new("ferryport")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Upload files to any FTPS server from a browser")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve)
        .subcommand(health)
        .subcommand(reload)
        .subcommand(check_command())
        .subcommand(doctor::command())
        .subcommand(config_command())
        .subcommand(keys())
        .subcommand(preset())
        .subcommand(commands::drop::arguments::command(|command| {
            command.arg(config_flag()).args(setting_flags().map(|flag| flag.hide(true)))
        }));
    if cfg!(feature = "demo") {
        command.subcommand(
            Command::new("demo")
                .about("Run the portal and an FTPS server with a temporary folder, to try it")
                .args(setting_flags()),
        )
    } else {
        command
    }
}

fn config_command() -> Command {
    let print = Command::new("print")
        .about("Print every setting with the place that it is from; secrets are masked")
        .arg(flag("given", "Only the settings that are not the default"));
    let check = Command::new("check")
        .about("Check the settings and the files that they name")
        .arg(flag("online", "Also connect to the server of each preset, up to TLS"));
    let file = |name: &'static str, default: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .value_parser(value_parser!(PathBuf))
            .default_value(default)
    };
    let init = Command::new("init")
        .about("Ask what a portal needs, and write its configuration and its systemd unit")
        .arg(file("config", "/etc/ferryport/ferryport.toml").help("The configuration to write"))
        .arg(
            file("unit", "/etc/systemd/system/ferryport.service")
                .help("The systemd unit to write; an empty text for none"),
        );
    Command::new("config")
        .about("Print, check or make the configuration")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(print.arg(config_flag()).args(setting_flags()))
        .subcommand(check.arg(config_flag()).args(setting_flags()))
        .subcommand(init)
}

fn check_command() -> Command {
    let url = Arg::new("url")
        .value_name("URL")
        .required(true)
        .value_parser(PublicUrl::parse)
        .help("The address of the page, as users type it");
    let idle = Arg::new("idle")
        .long("idle")
        .value_name("DURATION")
        .value_parser(<Duration as SettingValue>::parse)
        .help("Also check for so long whether an idle WebSocket stays open: \"90 s\"");
    Command::new("check")
        .about("Check a portal from outside: TLS, WebSocket, Origin, client address, proxy")
        .after_help(
            "Exit codes: 0 nothing is wrong, 1 the portal works, but not as it should, 2 the portal \
             does not work, 64 the command line cannot be used.",
        )
        .arg(url)
        .arg(idle)
        .arg(flag("json", "Print the verdicts as JSON"))
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// `ferryport keys`.
fn keys() -> Command {
    let with_settings = |command: Command| {
        command.arg(config_flag()).args(setting_flags().map(|flag| flag.hide(true)))
    };
    Command::new("keys")
        .about("Manage the keys that seal what is secret in the store")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("new")
                .about("Print the line of a new key for the file of `keyring_file`")
                .arg(Arg::new("id").long("id").value_name("ID").help("Its id [default: the date]")),
        )
        .subcommand(with_settings(
            Command::new("list").about("Show each key, and how many secrets it has sealed"),
        ))
        .subcommand(with_settings(
            Command::new("rotate")
                .about("Seal all secrets with the first key, and say which keys can be removed"),
        ))
}

/// `ferryport preset`.
fn preset() -> Command {
    let set_password = Command::new("set-password")
        .about(
            "Store the password of a preset with `password_store`; it is typed, or standard input",
        )
        .arg(Arg::new("name").value_name("NAME").required(true).help("The preset"))
        .arg(config_flag())
        .args(setting_flags().map(|flag| flag.hide(true)));
    Command::new("preset")
        .about("Manage the passwords of presets that are in the store")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(set_password)
}

fn config_flag() -> Arg {
    Arg::new("config")
        .long("config")
        .env("FERRYPORT_CONFIG")
        .value_name("FILE")
        .value_hint(ValueHint::FilePath)
        .value_parser(value_parser!(PathBuf))
        .help("The TOML file with the settings")
}

/// Returns a flag for each setting, in groups. The help text also shows the variable and the default.
fn setting_flags() -> impl Iterator<Item = Arg> {
    let mut heading = None;
    DESCRIPTIONS.iter().map(move |setting| {
        heading = heading_before(setting.name).or(heading);
        let help: Vec<&str> = setting.help.iter().map(|line| line.trim()).collect();
        let action = if setting.repeatable { ArgAction::Append } else { ArgAction::Set };
        Arg::new(setting.name)
            .long(setting.flag())
            .help_heading(heading)
            .value_name(setting.notation)
            .action(action)
            .help(format!(
                "{} [env: {}] [default: {}]",
                help.join(" "),
                setting.variable(),
                setting.default
            ))
    })
}
