//! All vectors, by category.

use std::fmt::Write as _;

use crate::json::Json;

mod addresses;
mod challenge_tokens;
mod client_packets;
mod connect_tokens;
mod handshakes;
mod live;
mod packets;
mod recorded;
mod replay;
mod requests;
mod responses;
mod server_packets;
mod simulator;
mod traces_client;
mod traces_server;

/// A file of vectors.
pub struct Category {
    /// The name of the file, without its ending.
    pub name: &'static str,
    note: &'static str,
    cases: Vec<Case>,
}

/// One vector: steps that are taken one after another, on a fresh implementation.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) note: String,
    pub(crate) recorded: bool,
    pub(crate) steps: Vec<Json>,
}

impl Case {
    pub(crate) fn new(id: impl Into<String>, note: impl Into<String>) -> Self {
        Self { id: id.into(), note: note.into(), recorded: false, steps: Vec::new() }
    }

    pub(crate) fn recorded(self) -> Self {
        Self { recorded: true, ..self }
    }

    /// The case with one more step: what is asked, and what is to be answered.
    pub(crate) fn step(mut self, asked: Json, expect: Json) -> Self {
        self.push(asked, expect);
        self
    }

    pub(crate) fn push(&mut self, asked: Json, expect: Json) {
        self.steps.push(asked.with("expect", expect));
    }
}

/// Everything there is.
pub fn all() -> Vec<Category> {
    let category = |name, note, cases| Category { name, note, cases };
    let mut all = vec![
        category("addresses", "Text forms of addresses: read, and written again.", addresses::cases()),
        category("connect-tokens", "Connect tokens, and their private parts.", connect_tokens::cases()),
        category("challenge-tokens", "Challenge tokens.", challenge_tokens::cases()),
        category("packets", "Each packet type, sealed and opened; and what is no packet.", packets::packets()),
        category("sequences", "Sequence numbers in packets.", packets::sequences()),
        category("replay", "Replay windows, alone and in connections.", replay::cases()),
        category("requests", "What a server makes of connection requests.", requests::cases()),
        category("responses", "What a server makes of the answers to its challenges.", responses::cases()),
        category("server-packets", "What a server makes of all other datagrams.", server_packets::cases()),
        category("client-packets", "What a client makes of datagrams.", client_packets::cases()),
        category("handshakes", "Complete sessions, datagram by datagram.", handshakes::cases()),
        category("traces-client", "The states of a client over time.", traces_client::cases()),
        category("traces-server", "The slots of a server over time.", traces_server::cases()),
        category("simulator", "What the network simulator delivers.", simulator::cases()),
    ];
    for category in &mut all {
        for case in &mut category.cases {
            case.id = format!("{}/{}", category.name, case.id);
        }
    }
    all
}

impl Category {
    /// The file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let (name, note) = (Json::from(self.name), Json::from(self.note));
        let _ = write!(text, "{{\"format\": 1, \"category\": {name}, \"note\": {note}, \"cases\": [");
        for (number, case) in self.cases.iter().enumerate() {
            let (id, note) = (Json::from(case.id.as_str()), Json::from(case.note.as_str()));
            let source = if case.recorded { "recorded" } else { "generated" };
            let comma = if number > 0 { "," } else { "" };
            let _ = write!(text, "{comma}\n{{\"id\": {id}, \"source\": \"{source}\", \"note\": {note}, \"steps\": [");
            for (number, step) in case.steps.iter().enumerate() {
                let _ = write!(text, "{}\n  {step}", if number > 0 { "," } else { "" });
            }
            text += "]}";
        }
        text += "]}\n";
        text
    }

    /// How many vectors there are, and how many steps they have.
    pub fn size(&self) -> (usize, usize) {
        (self.cases.len(), self.cases.iter().map(|case| case.steps.len()).sum())
    }
}
