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
    if write && !(wrong.is_empty() && has_ipv6 && only.is_empty()) {
        eprintln!("RESULTS.md is not written, as not all cells are as documented");
    } else if write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
        if let Err(error) = std::fs::write(&path, format!("{HEADING}{table}")) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
