//! Measures netcode, by its C API, and published peers, by their own, on the same workloads.

mod c_library;
mod implementation;
mod machine;
mod measure;
mod netcode_official;
mod netcode_rs;
mod network;
mod renetcode;
mod report;
mod sodium;
mod svg;
mod workloads;

use crate::c_library::CLibrary;
use crate::implementation::Implementation;
use crate::measure::{Effort, Figures, take_turns};
use crate::report::{Row, Table};
use crate::workloads::{Medium, Workload};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: netcode-bench [--lib FILE] [--other FILE] [--quick] [--out DIRECTORY] [--name NAME]
  --lib FILE       our library; dist/lib/libnetcode.so unless given
  --other FILE     another library with the API of netcode.h, to be measured as well
  --quick          a short run, less precise
  --out DIRECTORY  write NAME.md and NAME.svg there
  --name NAME      results unless given";

const SODIUM_SIZES: [usize; 3] = [16, 100, 1200];

struct Options {
    library: PathBuf,
    other: Option<PathBuf>,
    effort: Effort,
    out: Option<PathBuf>,
    name: String,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            library: "dist/lib/libnetcode.so".into(),
            other: None,
            effort: Effort { reps: 21, rep: Duration::from_millis(40) },
            out: None,
            name: "results".to_string(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| USAGE.to_string());
            match argument.as_str() {
                "--lib" => options.library = value()?.into(),
                "--other" => options.other = Some(value()?.into()),
                "--quick" => options.effort = Effort { reps: 5, rep: Duration::from_millis(5) },
                "--out" => options.out = Some(value()?.into()),
                "--name" => options.name = value()?,
                _ => return Err(USAGE.to_string()),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let ours =
        CLibrary::load("ours", &options.library).map_err(|error| format!("{error}\nIs it built? See make lib."))?;
    let mut implementations: Vec<Box<dyn Implementation>> = vec![Box::new(ours)];
    if let Some(path) = &options.other {
        match CLibrary::load("other library", path) {
            Ok(other) => implementations.push(Box::new(other)),
            Err(error) => eprintln!("{error}; going on without it"),
        }
    }
    implementations.push(Box::new(crate::netcode_official::NetcodeOfficial));
    implementations.push(Box::new(crate::netcode_rs::NetcodeRs));
    implementations.push(Box::new(crate::renetcode::Renetcode));
    let names: Vec<String> = implementations.iter().map(|implementation| implementation.name().to_string()).collect();

    let tables = [
        measure("In memory", Medium::Memory, &Workload::ALL, &implementations, options.effort),
        measure("UDP on loopback", Medium::Sockets, &Workload::ALL[1..], &implementations, options.effort),
    ];
    let sealing = sodium::measure(&SODIUM_SIZES, options.effort);
    let payloads = SODIUM_SIZES.map(|size| our_payload(&tables[0], size));

    let mut results = String::new();
    for table in &tables {
        let _ = writeln!(results, "{}", table.markdown(&names));
    }
    results.push_str(&report::sodium(&SODIUM_SIZES, &sealing, &payloads));
    println!("{results}");

    if let Some(directory) = &options.out {
        write(directory, &format!("{}.svg", options.name), &svg::chart(&tables, &names))?;
        write(directory, &format!("{}.md", options.name), &document(options, &results))?;
    }
    Ok(())
}

fn measure(
    title: &'static str,
    medium: Medium,
    workloads: &[Workload],
    implementations: &[Box<dyn Implementation>],
    effort: Effort,
) -> Table {
    let row = |workload: &Workload| {
        eprintln!("{title}: {}", workload.title());
        let contestants = implementations.iter().map(|one| workload.prepare(one.as_ref(), medium)).collect();
        let cells = take_turns(contestants, effort);
        Row { title: workload.title(), operation: workload.operation(), cells }
    };
    Table { title, rows: workloads.iter().map(row).collect() }
}

/// Our figures of the payload workload with one client.
fn our_payload(table: &Table, bytes: usize) -> Option<Figures> {
    let title = Workload::Payload { bytes, clients: 1 }.title();
    let row = table.rows.iter().find(|row| row.title == title)?;
    row.cells[0].as_ref().ok().copied()
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), String> {
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(directory.join(name), text))
        .map_err(|error| format!("cannot write {name}: {error}"))
}

fn document(options: &Options, results: &str) -> String {
    let mut text = String::from("# Benchmark results\n\n");
    for (name, value) in machine::facts() {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let Effort { reps, rep } = options.effort;
    let _ = write!(
        text,
        "- {reps} reps of about {} ms of CPU time each, in turns, rep by rep\n\n\
         ![Ratios of the medians]({}.svg)\n\n{EXPLANATION}\n{results}",
        rep.as_millis(),
        options.name
    );
    text
}

const EXPLANATION: &str = "\
Each field has the median and, in brackets, the minimum of the reps, in nanoseconds of CPU time of the
process per operation (user and system, as getrusage counts it, read from the clock of process CPU time
for its resolution); then, in bold, the ratio of the medians, ours being 1. More than 1 is slower than
ours.

Ours is measured through `netcode.h`, from the shared library that `make lib` leaves; the peers are
crates, through their Rust APIs. The figures of the peers depend much on how their ciphers are compiled;
ours was not built with the flags above, but as `make lib` does. To repeat:

    make lib
    cargo run --release -p netcode-bench -- --out docs/benchmarks

With `RUSTFLAGS=\"-C target-cpu=native\"` and `--name results-native` the peers get all that
this CPU can do. `--other FILE` measures another library that has the API of `netcode.h`, `--quick`
makes a short run.

What is measured:

- connect token: making one, in its 2,048 bytes.
- handshake: from the bytes of a token to a connected client; creating the client counts, and ticks of
  0.125 s let each make a step. Both sides together.
- payload: one packet per client and tick each way, 60 ticks a second, contents checked. Both sides
  together: sealing, carrying, opening, and the updates of client and server.
- flood: updates of a server with one client, with 64 packets from unknown sources before each. Garbage
  is random bytes, three of four with the first byte of a payload, keep-alive or response packet; forged
  requests have 1,078 bytes, of which all but the encrypted part are right. Sending them does not count.
- idle: an update of the server alone, 64 times a second, with no packets but the keep-alive packets that
  it and its clients send. How often that is, is up to each implementation.

In memory, packets go through the same queues for all, and time is virtual. On loopback each
implementation uses its own sockets.
";
