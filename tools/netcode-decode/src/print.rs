//! Reports as text or JSON, one a line.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use netcode::token::{PrivateToken, TokenSeal};
use serde_json::{Map, Value, json};

use crate::capture::Datagram;
use crate::decode::{Contents, Report, Verdict};
use crate::hex;
use crate::keys::Direction;

/// How much of a payload is shown, in bytes.
const SHOWN_BYTES: usize = 16;

/// Writes reports.
pub(crate) struct Printer<W> {
    out: W,
    json: bool,
    full: bool,
    /// When the first datagram came: text has times since then.
    start: Option<Duration>,
}

impl<W: Write> Printer<W> {
    pub(crate) fn new(out: W, json: bool, full: bool) -> Self {
        Self { out, json, full, start: None }
    }

    pub(crate) fn print(&mut self, datagram: &Datagram, report: &Report) -> io::Result<()> {
        self.start = self.start.or(datagram.at);
        let line = if self.json { object(datagram, report).to_string() } else { self.text(datagram, report) };
        writeln!(self.out, "{line}")
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn text(&self, datagram: &Datagram, report: &Report) -> String {
        let mut line = format!("{:>5}", datagram.number);
        if let (Some(at), Some(start)) = (datagram.at, self.start) {
            let _ = write!(line, " {:>11.6}", at.as_secs_f64() - start.as_secs_f64());
        }
        if let Some((from, to)) = datagram.path {
            let _ = write!(line, "  {from} > {to}");
        }
        let kind = report.kind.map_or("?".to_string(), |kind| kind.to_string());
        let _ = write!(line, "  {} bytes  {kind}", datagram.bytes);
        if let Some(sequence) = report.sequence {
            let _ = write!(line, " {sequence}");
        }
        let _ = write!(line, "  {}", report.verdict.name());
        if let Verdict::Malformed(malformed) = report.verdict {
            let _ = write!(line, ": {malformed}");
        }
        if let Some(session) = &report.session {
            let _ = write!(line, "  [{session}]");
        }
        line.push_str(&self.contents(&report.contents));
        line
    }

    fn contents(&self, contents: &Contents) -> String {
        match contents {
            Contents::Nothing => String::new(),
            Contents::Request { seal, private } => {
                let client = private.as_ref().map(|token| format!(", client id {:016x}", token.client_id));
                let expiry = expiry(seal.expire_timestamp);
                format!("  protocol id {:016x}, expires {expiry}{}", seal.protocol_id, client.unwrap_or_default())
            }
            Contents::Challenge { sequence } => format!("  challenge {sequence}"),
            Contents::KeepAlive(keep_alive) => {
                format!("  client index {}, max clients {}", keep_alive.client_index, keep_alive.max_clients)
            }
            Contents::Payload(data) => {
                let shown = if self.full { data.len() } else { data.len().min(SHOWN_BYTES) };
                let more = if shown < data.len() { "..." } else { "" };
                format!("  payload of {}: {}{more}", data.len(), hex::text(&data[..shown]))
            }
        }
    }
}

fn expiry(timestamp: u64) -> String {
    if timestamp == u64::MAX { "never".to_string() } else { timestamp.to_string() }
}

fn object(datagram: &Datagram, report: &Report) -> Value {
    let malformed = match report.verdict {
        Verdict::Malformed(malformed) => Some(malformed.to_string()),
        _ => None,
    };
    let direction = report.direction.map(|direction| match direction {
        Direction::ToServer => "to server",
        Direction::ToClient => "to client",
    });
    let time = datagram.at.map(|at| format!("{}.{:09}", at.as_secs(), at.subsec_nanos()));
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            object.insert(name.to_string(), value);
        }
    };
    put("number", json!(datagram.number));
    put("time", json!(time));
    put("from", json!(datagram.path.map(|(from, _)| from.to_string())));
    put("to", json!(datagram.path.map(|(_, to)| to.to_string())));
    put("bytes", json!(datagram.bytes));
    put("kind", json!(report.kind.map(|kind| kind.to_string())));
    put("sequence", json!(report.sequence));
    put("verdict", json!(report.verdict.name()));
    put("malformed", json!(malformed));
    put("session", json!(report.session));
    put("direction", json!(direction));
    match &report.contents {
        Contents::Nothing => {}
        Contents::Request { seal, private } => put("request", request(seal, private.as_deref())),
        Contents::Challenge { sequence } => put("challenge_sequence", json!(sequence)),
        Contents::KeepAlive(keep_alive) => {
            put("client_index", json!(keep_alive.client_index));
            put("max_clients", json!(keep_alive.max_clients));
        }
        Contents::Payload(data) => put("payload", json!(hex::text(data))),
    }
    Value::Object(object)
}

/// Everything but the keys, which are not for logs.
fn request(seal: &TokenSeal, private: Option<&PrivateToken>) -> Value {
    let mut request = json!({
        "protocol_id": format!("{:016x}", seal.protocol_id),
        "expire_timestamp": seal.expire_timestamp,
        "nonce": hex::text(&seal.nonce),
    });
    if let Some(token) = private {
        let servers: Vec<String> = token.servers.as_slice().iter().map(|server| server.to_string()).collect();
        request["client_id"] = json!(format!("{:016x}", token.client_id));
        request["timeout_seconds"] = json!(token.timeout_seconds);
        request["servers"] = json!(servers);
        request["user_data"] = json!(hex::text(&token.user_data));
    }
    request
}
