//! Writes the conformance vectors: `conformance-generate DIRECTORY`, or with `--check` says whether those in the
//! directory are the ones that would be written.

use std::path::Path;
use std::process::ExitCode;

use netcode_conformance::vectors;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (check, directory) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [directory] => (false, Path::new(directory)),
        ["--check", directory] => (true, Path::new(directory)),
        _ => {
            eprintln!("usage: conformance-generate [--check] DIRECTORY");
            return ExitCode::FAILURE;
        }
    };
    let mut differing = 0;
    for category in vectors::all() {
        let (path, text) = (directory.join(format!("{}.json", category.name)), category.text());
        if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        differing += 1;
        if check {
            eprintln!("{} is not what the generator makes", path.display());
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        } else {
            let (cases, steps) = category.size();
            println!("{}: {cases} vectors, {steps} steps", path.display());
        }
    }
    if check && differing > 0 {
        eprintln!("make conformance-update writes the files anew");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
