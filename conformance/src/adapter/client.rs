//! A client that is fed with datagrams, and asked what it does.

use std::net::SocketAddr;

use netcode::client::{Client, Ignored, Outcome, Transition};
use netcode::packet::MAX_SEALED_BYTES;
use netcode::token::ConnectToken;
use serde_json::{Value, json};

use super::fields::{Fields, decimal, hex, text};
use super::stateless::malformed_name;

pub(crate) struct LiveClient {
    core: Client,
    waiting: Vec<(SocketAddr, Vec<u8>)>,
    sent: Vec<Value>,
    states: Vec<Value>,
    received: Vec<Value>,
    ignored: Vec<&'static str>,
}

impl LiveClient {
    pub(crate) fn new(asked: &Fields) -> Self {
        let mut core = Client::new();
        core.advance(asked.float("time"));
        Self {
            core,
            waiting: Vec::new(),
            sent: Vec::new(),
            states: Vec::new(),
            received: Vec::new(),
            ignored: Vec::new(),
        }
    }

    pub(crate) fn answer(&mut self, op: &str, asked: &Fields) -> Value {
        match op {
            "client_connect" => self.connect(asked),
            "client_feed" => {
                self.waiting.push((asked.address("from"), asked.bytes("data")));
                return json!({});
            }
            "client_update" => self.update(asked.float("time")),
            "client_send" => self.send(&asked.bytes("data"), asked.int_or("count", 1)),
            "client_disconnect" => self.disconnect(),
            _ => return json!({ "unsupported": true }),
        }
        self.reply()
    }

    /// Everything that has happened since the last reply.
    pub(crate) fn reply(&mut self) -> Value {
        json!({
            "state": self.core.state() as i8,
            "client_index": self.core.client_index(),
            "max_clients": self.core.max_clients(),
            "sequence": decimal(self.core.next_packet_sequence()),
            "server": self.core.server_address().map_or("".into(), |address| text(&address)),
            "sent": std::mem::take(&mut self.sent),
            "states": std::mem::take(&mut self.states),
            "received": std::mem::take(&mut self.received),
            "ignored": std::mem::take(&mut self.ignored),
        })
    }

    fn connect(&mut self, asked: &Fields) {
        self.disconnect();
        let transition = match ConnectToken::read(&asked.array("token")) {
            Ok(token) => self.core.connect(token),
            Err(_) => self.core.refuse_token(),
        };
        self.note(transition);
    }

    fn update(&mut self, time: f64) {
        self.core.advance(time);
        for (from, mut data) in std::mem::take(&mut self.waiting) {
            let transition = match self.core.handle(from, &mut data) {
                Outcome::Payload { sequence, data } => {
                    self.received.push(json!({ "sequence": decimal(sequence), "data": hex(data) }));
                    None
                }
                Outcome::Transition(transition) => Some(transition),
                Outcome::Noted(_) => None,
                Outcome::Ignored(reason) => {
                    self.ignored.push(reason_name(reason));
                    None
                }
            };
            if let Some(transition) = transition {
                self.note(transition);
            }
        }
        self.transmit();
        self.step();
    }

    fn send(&mut self, data: &[u8], count: i64) {
        let mut buffer = [0; MAX_SEALED_BYTES];
        let mut last = None;
        for _ in 0..count {
            last = self.core.send(data, &mut buffer).ok();
        }
        if let Some(transmit) = last {
            self.sent.push(json!({ "to": text(&transmit.to), "data": hex(&buffer[..transmit.bytes]) }));
        }
    }

    fn disconnect(&mut self) {
        self.core.disconnect();
        if self.core.is_leaving() {
            while self.transmit() {}
            self.step();
        }
    }

    fn transmit(&mut self) -> bool {
        let mut buffer = [0; MAX_SEALED_BYTES];
        let Some(transmit) = self.core.poll_transmit(&mut buffer) else { return false };
        self.sent.push(json!({ "to": text(&transmit.to), "data": hex(&buffer[..transmit.bytes]) }));
        true
    }

    fn step(&mut self) {
        if let Some(transition) = self.core.poll_transition() {
            self.note(transition);
        }
    }

    fn note(&mut self, transition: Transition) {
        self.states.push(json!({
            "previous": transition.previous as i8,
            "current": transition.current as i8,
            "client_index": self.core.client_index(),
            "max_clients": self.core.max_clients(),
        }));
        self.core.settle();
    }
}

fn reason_name(reason: Ignored) -> &'static str {
    match reason {
        Ignored::NotConnecting => "not_connecting",
        Ignored::OtherSource => "other_source",
        Ignored::Malformed(malformed) => malformed_name(malformed),
        Ignored::Replayed => "replayed",
        Ignored::Forged => "forged",
        Ignored::Unexpected(_) => "unexpected",
    }
}
