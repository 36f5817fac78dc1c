//! The files of the packages that are made from the portal's own definitions: manual pages, completions,
//! and a configuration in which each setting is a comment.
//!
//! They are made here and not by the portal, so that the portal does not grow by what makes them.

use std::{fs, io, path::Path, process};

use clap::Command;
use clap_complete::{Shell, generate_to};
use ferryport::{command_line, commands::init::commented_configuration, settings::DESCRIPTIONS};

/// The folder of the manual pages.
pub const MANUAL: &str = "man";

/// The folder of the completions.
pub const COMPLETIONS: &str = "completions";

/// The configuration.
pub const CONFIGURATION: &str = "ferryport.toml";

/// The command that explains all settings; the pages of the others refer to its page.
const EXPLAINS_SETTINGS: &str = "serve";

/// Writes the files into a folder, which is created.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    let (manual, completions) = (folder.join(MANUAL), folder.join(COMPLETIONS));
    for folder in [&manual, &completions] {
        fs::create_dir_all(folder)?;
    }
    clap_mangen::generate_to(documented(command_line::command()), &manual)?;
    compress(&manual)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command_line::command(), "ferryport", &completions)?;
    }
    fs::write(folder.join(CONFIGURATION), commented_configuration())
}

/// Compresses all manual pages, as distributions have them.
fn compress(folder: &Path) -> io::Result<()> {
    let status = process::Command::new("gzip")
        .args(["--no-name", "--best", "--force", "--recursive"])
        .arg(folder)
        .status()?;
    status.success().then_some(()).ok_or_else(|| io::Error::other(format!("gzip: {status}")))
}

/// Returns the command with the settings explained on one page only.
fn documented(command: Command) -> Command {
    let command = command.after_help(
        "Settings are explained in ferryport-serve(1), and the exit codes in operating.md.",
    );
    command.mut_subcommands(|subcommand| match subcommand.get_name() {
        EXPLAINS_SETTINGS => subcommand,
        _ => without_settings(subcommand),
    })
}

/// Hides the flags of settings.
fn without_settings(command: Command) -> Command {
    let has_settings = command.get_arguments().any(|flag| is_setting(flag.get_id().as_str()));
    let command = command.mut_args(|flag| {
        let is_hidden = is_setting(flag.get_id().as_str());
        flag.hide(is_hidden)
    });
    let command = command.mut_subcommands(without_settings);
    match has_settings {
        true => command.after_help("The flags of settings are those of ferryport-serve(1)."),
        false => command,
    }
}

fn is_setting(name: &str) -> bool {
    DESCRIPTIONS.iter().any(|setting| setting.name == name)
}
