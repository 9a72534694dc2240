//! Our C API in conversation with published peers, over UDP on loopback: see README.md.

mod documented;
mod implementation;
mod matrix;
mod netcode_rs;
mod official;
mod ours;
mod payloads;
mod random;
mod relay;
mod renetcode;
mod scenarios;
mod setting;
mod world;

use implementation::{Family, loopback_socket};
use netcode::ffi::global::{netcode_init, netcode_term};
use netcode::ffi::types::NETCODE_OK;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// With this set to 1, a host without IPv6 is a failure.
const REQUIRE_IPV6: &str = "INTEROP_REQUIRE_IPV6";

const USAGE: &str = "usage: netcode-interop [--write] [--only TEXT]";

const HEADING: &str = "\
# Who talks to whom

Written by `make interop INTEROP=--write`; README.md says what the columns are. A number stands for what is documented
below the table.

";

fn main() -> ExitCode {
    let (mut write, mut only) = (false, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.len()) {
            ("--write", _) => write = true,
            ("--only", 1..) => only = arguments.next().unwrap_or_default(),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    let has_ipv6 = loopback_socket(Family::V6).is_ok();
    if !has_ipv6 {
        eprintln!("SKIPPED: all cells with IPv6, as this host has none on its loopback interface");
        if std::env::var_os(REQUIRE_IPV6).is_some_and(|value| value == "1") {
            eprintln!("{REQUIRE_IPV6} is set, so that is a failure");
            return ExitCode::FAILURE;
        }
    }
    let start = Instant::now();
    assert_eq!(netcode_init(), NETCODE_OK);
    let rows = matrix::run(matrix::settings(), has_ipv6, &only);
    netcode_term();

    let table = matrix::markdown(&rows);
    println!("{table}");
    let wrong = matrix::wrong(&rows);
    for line in &wrong {
        println!("WRONG: {line}");
    }
    println!("{} rows in {:.1} s, {} cells not as documented", rows.len(), start.elapsed().as_secs_f64(), wrong.len());
    if !wrong.is_empty() {
        return ExitCode::FAILURE;
    }
    if !(has_ipv6 && only.is_empty()) {
        println!("RESULTS.md is left as it is, and not compared: not all cells were tried");
        return ExitCode::SUCCESS;
    }
    keep_results(&format!("{HEADING}{table}"), write)
}

/// Writes RESULTS.md, or sees to it that it is what would be written.
fn keep_results(text: &str, write: bool) -> ExitCode {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    let result = if write { std::fs::write(&path, text).map(|()| true) } else { is_in(&path, text) };
    match result {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => eprintln!("RESULTS.md is not what came out: make interop INTEROP=--write"),
        Err(error) => eprintln!("{}: {error}", path.display()),
    }
    ExitCode::FAILURE
}

/// Whatever the line ends, which some systems change in text files.
fn is_in(path: &Path, text: &str) -> std::io::Result<bool> {
    Ok(std::fs::read_to_string(path)?.lines().eq(text.lines()))
}
