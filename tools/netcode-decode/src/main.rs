//! Reads recorded packets and says what each is, what is wrong with it and, with the keys, what is in it.

mod arguments;
mod capture;
mod decode;
mod hex;
mod keys;
mod print;

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Asked};
use capture::Datagram;
use decode::Decoder;
use print::Printer;

fn main() -> ExitCode {
    let arguments = match Arguments::parse() {
        Ok(Asked::ToDecode(arguments)) => arguments,
        Ok(Asked::ForHelp) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("netcode-decode: {error}");
            eprintln!("Try 'netcode-decode --help'.");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("netcode-decode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let mut decoder = Decoder::new(arguments.keyring);
    let mut printer = Printer::new(io::stdout().lock(), arguments.json, arguments.full);
    let port = arguments.port;
    let wanted = |datagram: &Datagram| match (port, datagram.path) {
        (Some(port), Some((from, to))) => from.port() == port || to.port() == port,
        _ => true,
    };
    let mut take = |datagram: Datagram| match wanted(&datagram) {
        // A reader that has seen enough, such as `head`, ends the work and not more.
        true => printer.print(&datagram, &decoder.decode(&datagram)),
        false => Ok(()),
    };
    let name = arguments.input.display().to_string();
    let input = open(&arguments.input).map_err(|error| format!("{name}: {error}"))?;
    let result = if arguments.hex { read_hex(input, &mut take) } else { capture::read(input, &mut take) };
    let flushed = printer.finish();
    match result.and_then(|skipped| flushed.map(|()| skipped).map_err(capture::Error::Output)) {
        Ok(skipped) if skipped > 0 => {
            eprintln!("netcode-decode: {name}: frames left out, since they are not UDP datagrams: {skipped}");
            Ok(())
        }
        Err(capture::Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    if path == Path::new("-") { Ok(Box::new(io::stdin())) } else { Ok(Box::new(File::open(path)?)) }
}

/// One datagram a line; empty lines and those that begin with `#` are left out.
fn read_hex(input: impl Read, take: &mut capture::Take<'_>) -> Result<u64, capture::Error> {
    for (index, line) in BufReader::new(input).lines().enumerate() {
        let line = line.map_err(capture::Error::Input)?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let data = hex::bytes(line).ok_or_else(|| capture::Error::Content(format!("line {number} is not hex")))?;
        take(Datagram { number, at: None, path: None, bytes: data.len(), data }).map_err(capture::Error::Output)?;
    }
    Ok(0)
}
