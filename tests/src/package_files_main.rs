//! Writes manual pages, completions and the configuration of the packages into a folder.
//!
//! `cargo xtask dist` builds this and runs it.

use std::path::PathBuf;

use clap::Parser;
use ferryport_tests::package_files;

/// Writes the files of the packages that are made from the portal's definitions.
#[derive(Parser)]
struct Arguments {
    /// The folder, which is created.
    folder: PathBuf,
}

fn main() -> std::io::Result<()> {
    package_files::write(&Arguments::parse().folder)
}
