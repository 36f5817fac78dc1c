//! The command line of `ferryport drop`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{Form, LinkForm, NewDropOptions, Password, Which};
use crate::settings::Settings;

/// Options with a text, each with what stands for it and a help.
const TEXTS: [(&str, &str, &str); 10] = [
    ("note", "TEXT", "A note for guests"),
    (
        "folder",
        "TEMPLATE",
        "The folder of each arrival, below that of the preset; values: {date} {time} \
        {drop} {arrival} {name} {email} {field:KEY} [default: {date} {name}-{arrival}]",
    ),
    ("max-files", "N", "The most files"),
    ("max-bytes", "SIZE", "The most bytes of all files: 5GiB"),
    ("max-file-bytes", "SIZE", "The most bytes of a file: 1GiB"),
    ("max-arrivals", "N", "The most arrivals: 1 for a link that one guest uses"),
    ("types", "LIST", "The only endings of names: pdf,jpg"),
    ("ask", "LIST", "What guests are asked: name=required,email,order:\"Order number\"=required"),
    ("starts", "TIME", "When it begins: 2h, 2026-12-01 [default: now]"),
    ("expires", "TIME", "When it ends: 14d after its begin, 2026-12-31 [default: 14d]"),
];

/// Returns the command; `with_settings` adds the flags of the configuration.
pub fn command(with_settings: impl Fn(Command) -> Command) -> Command {
    let id = || Arg::new("id").value_name("ID").required(true).help("The id of the drop");
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let text = |name: &'static str| Arg::new(name).long(name);
    let json = || flag("json", "Print JSON");
    let qr = || flag("qr", "Print a QR code of the link too");
    let create = Command::new("create")
        .about("Make a drop, and print its link")
        .arg(
            text("preset")
                .value_name("NAME")
                .required(true)
                .help("The preset whose server gets the files"),
        )
        .arg(text("title").value_name("TEXT").required(true).help("The title that guests see"))
        .args(TEXTS.map(|(name, value, help)| text(name).value_name(value).help(help)))
        .arg(
            flag("password-prompt", "Type a password that guests need")
                .conflicts_with("password-file"),
        )
        .arg(
            text("password-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The file with a password that guests need, in its only line"),
        )
        .arg(qr().conflicts_with("json"))
        .arg(json());
    let list = Command::new("list")
        .about("Show the drops that take files")
        .arg(flag("all", "Also those that were withdrawn or have expired"))
        .arg(json());
    let arrivals = Command::new("arrivals")
        .about("Show what has arrived through a drop")
        .arg(id())
        .arg(flag("csv", "Print CSV").conflicts_with("json"))
        .arg(json());
    let extend = Command::new("extend")
        .about("Set when a drop ends")
        .arg(id())
        .arg(text("expires").value_name("TIME").required(true).help("30d from now, or 2026-12-31"));
    Command::new("drop")
        .about("Manage drops: links that anybody can upload to")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_settings(create))
        .subcommand(with_settings(list))
        .subcommand(with_settings(Command::new("show").about("Show a drop").arg(id())))
        .subcommand(with_settings(extend))
        .subcommand(with_settings(arrivals))
        .subcommand(with_settings(
            Command::new("link").about("Print the link of a drop again").arg(id()).arg(qr()),
        ))
        .subcommand(with_settings(
            Command::new("revoke")
                .about("Withdraw a drop: its link opens nothing, and uploads under way end")
                .arg(id()),
        ))
}

/// Runs a subcommand. Returns what it prints.
///
/// # Errors
/// When it cannot do what it says.
pub async fn run<E: Into<anyhow::Error>>(
    matches: &ArgMatches,
    settings: impl Fn(&ArgMatches) -> Result<Settings, E>,
) -> anyhow::Result<String> {
    // clap requires a subcommand.
    let Some((name, matches)) = matches.subcommand() else { return Ok(String::new()) };
    let settings = settings(matches).map_err(Into::into)?;
    let is_set = |flag: &str| matches.try_get_one::<bool>(flag).ok().flatten() == Some(&true);
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let id = text("id").unwrap_or_default();
    let form = match (is_set("json"), is_set("csv")) {
        (true, _) => Form::Json,
        (false, true) => Form::Csv,
        (false, false) => Form::Text,
    };
    let link = LinkForm { is_json: is_set("json"), has_qr: is_set("qr") };
    match name {
        "create" => {
            let file = matches.get_one::<PathBuf>("password-file").cloned();
            let password = match (is_set("password-prompt"), file) {
                (true, _) => Password::Typed,
                (false, Some(file)) => Password::File(file),
                (false, None) => Password::None,
            };
            let options = NewDropOptions {
                preset: text("preset").unwrap_or_default(),
                title: text("title").unwrap_or_default(),
                note: text("note"),
                folder: text("folder"),
                max_files: text("max-files"),
                max_bytes: text("max-bytes"),
                max_file_bytes: text("max-file-bytes"),
                max_arrivals: text("max-arrivals"),
                types: text("types"),
                ask: text("ask"),
                starts: text("starts"),
                expires: text("expires"),
                password,
            };
            super::create(&settings, &options, link).await
        }
        "list" => {
            let which = if is_set("all") { Which::All } else { Which::Current };
            super::list(&settings, which, form).await
        }
        "show" => super::show(&settings, &id).await,
        "extend" => super::extend(&settings, &id, &text("expires").unwrap_or_default()).await,
        "arrivals" => super::arrivals(&settings, &id, form).await,
        "link" => super::link_of(&settings, &id, link).await,
        "revoke" => super::revoke(&settings, &id).await,
        _ => Ok(String::new()),
    }
}
