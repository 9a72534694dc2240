//! Writes the recording that the tests of the dissector and of netcode-decode read:
//! `cargo run -p netcode-decode --example record -- tools/testdata`. It comes out the same each time.

mod capture;
mod session;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: record DIRECTORY");
        return ExitCode::FAILURE;
    };
    for (name, contents) in session::record().files() {
        let path = directory.join(name);
        if let Err(error) = std::fs::write(&path, &contents) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{}: {} bytes", path.display(), contents.len());
    }
    ExitCode::SUCCESS
}
