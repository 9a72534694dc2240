//! The command line.

use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser, ValueExt};
use netcode::token::{CONNECT_TOKEN_BYTES, ConnectToken};
use netcode::{KEY_BYTES, Key};

use crate::hex;
use crate::keys::Keyring;

pub(crate) const HELP: &str = "\
Says what recorded netcode packets are and, with the keys, what is in them.

Usage: netcode-decode [options] CAPTURE
       netcode-decode [options] --hex FILE

CAPTURE is a pcap or pcapng file, FILE has one datagram a line, in hex, as
'tshark -T fields -e udp.payload' prints it. Either may be '-', which is stdin.

  --token TOKEN       a connect token: opens the packets of its connection
  --private-key KEY   the key that backend and servers share: opens connection
                      requests, and so the packets of every connection whose
                      request is in the capture
  --port PORT         only datagrams from or to this UDP port
  --full              payloads as a whole, not only how they begin
  --json              one JSON object a line, payloads as a whole
  --help              this text

TOKEN and KEY are files, binary or hex, or the hex digits themselves (which
other users of the machine can see while this runs). Both options can be given
more than once.

The verdicts:
  genuine     a key opens it
  replay      a key opens it, but it came before, or is older than the last 256
  expired     a request with a token that has expired at the time of capture
  not opened  no key that is known opens it: it is forged, or of a connection
              whose keys are not known
  cut short   the capture does not have all of it
  malformed   no packet: what is wrong with it follows
";

/// What the user wants.
pub(crate) enum Asked {
    ToDecode(Arguments),
    ForHelp,
}

/// What to decode, and how.
pub(crate) struct Arguments {
    pub(crate) input: PathBuf,
    pub(crate) hex: bool,
    pub(crate) json: bool,
    pub(crate) full: bool,
    pub(crate) port: Option<u16>,
    pub(crate) keyring: Keyring,
}

impl Arguments {
    pub(crate) fn parse() -> Result<Asked, String> {
        let mut parser = Parser::from_env();
        let (mut input, mut hex, mut json, mut full, mut port) = (None, false, false, false, None);
        let mut keyring = Keyring::default();
        while let Some(argument) = parser.next().map_err(text)? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(Asked::ForHelp),
                Arg::Long("hex") => hex = true,
                Arg::Long("json") => json = true,
                Arg::Long("full") => full = true,
                Arg::Long("port") => port = Some(parser.value().and_then(|value| value.parse()).map_err(text)?),
                Arg::Long("token") => {
                    let (name, token) = token(&parser.value().and_then(|value| value.string()).map_err(text)?)?;
                    keyring.add_token(name, token);
                }
                Arg::Long("private-key") => {
                    let value = parser.value().and_then(|value| value.string()).map_err(text)?;
                    let (_, key) = secret::<KEY_BYTES>(&value, "a private key")?;
                    keyring.add_private_key(Key::new(key));
                }
                Arg::Value(value) if input.is_none() => input = Some(PathBuf::from(value)),
                Arg::Value(value) => return Err(format!("one input at a time: what about {value:?}?")),
                other => return Err(text(other.unexpected())),
            }
        }
        let input = input.ok_or("which capture?")?;
        Ok(Asked::ToDecode(Self { input, hex, json, full, port, keyring }))
    }
}

fn token(value: &str) -> Result<(String, ConnectToken), String> {
    let (name, bytes) = secret::<CONNECT_TOKEN_BYTES>(value, "a connect token")?;
    let token = ConnectToken::read(&bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok((name, token))
}

/// Something secret of a fixed size: hex digits, or a file of such or of bytes. Its name is for messages.
fn secret<const N: usize>(value: &str, what: &str) -> Result<(String, [u8; N]), String> {
    let digits = hex::bytes(value).and_then(|bytes| bytes.try_into().ok());
    if let Some(bytes) = digits {
        return Ok((what.to_string(), bytes));
    }
    // Somebody miscounted digits. They are not for the terminal, so they are not shown as a name.
    if value.len() >= N && value.chars().all(|c| c.is_ascii_hexdigit()) && !Path::new(value).exists() {
        return Err(format!("{what} has {} hex digits, or is in a file", 2 * N));
    }
    let contents = std::fs::read(value).map_err(|error| format!("{value}: {error}"))?;
    let from_text = || std::str::from_utf8(&contents).ok().and_then(hex::bytes).and_then(|bytes| bytes.try_into().ok());
    let bytes = contents.as_slice().try_into().ok().or_else(from_text);
    let bytes = bytes.ok_or_else(|| {
        format!("{value}: {what} has {N} bytes, or {} hex digits; this file has {} bytes", 2 * N, contents.len())
    })?;
    let name = Path::new(value).file_name().map(|name| name.to_string_lossy().into_owned());
    Ok((name.unwrap_or_else(|| value.to_string()), bytes))
}

fn text(error: lexopt::Error) -> String {
    error.to_string()
}
