//! A server that is fed with datagrams, and asked what it does.

use std::net::SocketAddr;

use netcode::packet::MAX_SEALED_BYTES;
use netcode::platform::random::SysRng;
use netcode::server::{Config, DisconnectReason, Ignored, Outcome, Server};
use netcode::{Transmit, UserData};
use serde_json::{Value, json};

use super::fields::{Fields, decimal, hex, id, text};
use super::stateless::malformed_name;

pub(crate) struct LiveServer {
    core: Server,
    /// Of the client in each slot.
    user_data: Vec<UserData>,
    waiting: Vec<(SocketAddr, Vec<u8>)>,
    sent: Vec<Value>,
    clients: Vec<Value>,
    received: Vec<Value>,
    ignored: Vec<&'static str>,
}

impl LiveServer {
    pub(crate) fn new(asked: &Fields) -> Self {
        let core = Server::new(Config {
            protocol_id: asked.wide("protocol_id"),
            private_key: asked.key("private_key"),
            public_addresses: [Some(asked.address("address")), None],
            max_token_lifetime: asked.int("max_token_lifetime") as u32,
        });
        let mut server = Self {
            core,
            user_data: Vec::new(),
            waiting: Vec::new(),
            sent: Vec::new(),
            clients: Vec::new(),
            received: Vec::new(),
            ignored: Vec::new(),
        };
        server.core.advance(asked.float("time"));
        server.start(asked);
        server
    }

    pub(crate) fn answer(&mut self, op: &str, asked: &Fields) -> Value {
        match op {
            "server_feed" => {
                self.waiting.push((asked.address("from"), asked.bytes("data")));
                return json!({});
            }
            "server_update" => self.update(asked.float("time"), asked.int("unix") as u64),
            "server_send" => self.send(asked.int("slot") as usize, &asked.bytes("data"), asked.int_or("count", 1)),
            "server_disconnect" => self.disconnect(asked.int("slot") as usize, DisconnectReason::ServerDisconnect),
            "server_restart" => self.start(asked),
            "server_stop" => self.stop(),
            _ => return json!({ "unsupported": true }),
        }
        self.reply()
    }

    /// Everything that has happened since the last reply.
    pub(crate) fn reply(&mut self) -> Value {
        json!({
            "connected": self.core.connected_clients(),
            "sent": std::mem::take(&mut self.sent),
            "clients": std::mem::take(&mut self.clients),
            "received": std::mem::take(&mut self.received),
            "ignored": std::mem::take(&mut self.ignored),
        })
    }

    fn start(&mut self, asked: &Fields) {
        self.stop();
        let slots = asked.int("max_clients") as usize;
        self.user_data = vec![[0; 256]; slots];
        self.core.start(slots, asked.int("unix") as u64, &mut SysRng).expect("1 to 256 slots");
    }

    fn stop(&mut self) {
        for slot in 0..self.core.max_clients() {
            self.disconnect(slot, DisconnectReason::ServerDisconnect);
        }
        self.core.stop();
    }

    fn update(&mut self, time: f64, unix: u64) {
        self.core.advance(time);
        self.core.set_wall_clock(unix);
        for (from, data) in std::mem::take(&mut self.waiting) {
            self.process(from, data);
        }
        let (mut buffer, mut next) = ([0; MAX_SEALED_BYTES], 0);
        while let Some((slot, transmit)) = self.core.next_keep_alive(next, &mut buffer) {
            self.hand_over(transmit, &buffer);
            next = slot + 1;
        }
        let mut next = 0;
        while let Some(slot) = self.core.next_timed_out(next) {
            self.disconnect(slot, DisconnectReason::TimedOut);
            next = slot + 1;
        }
    }

    fn process(&mut self, from: SocketAddr, mut data: Vec<u8>) {
        let mut out = [0; MAX_SEALED_BYTES];
        match self.core.handle(from, &mut data, &mut out) {
            Outcome::Payload { slot, sequence, data } => {
                self.received.push(json!({ "slot": slot, "sequence": decimal(sequence), "data": hex(data) }));
            }
            Outcome::KeptAlive { .. } => {}
            Outcome::Reply { bytes, .. } => self.sent.push(json!({ "to": text(&from), "data": hex(&out[..bytes]) })),
            Outcome::Connected { slot, user_data, keep_alive, .. } => {
                self.user_data[slot] = *user_data;
                self.sent.push(json!({ "to": text(&from), "data": hex(&out[..keep_alive]) }));
                self.tell(slot, true);
            }
            Outcome::Left { slot } => self.disconnect(slot, DisconnectReason::ClientDisconnect),
            Outcome::Ignored(reason) => self.ignored.push(reason_name(reason)),
        }
    }

    fn send(&mut self, slot: usize, data: &[u8], count: i64) {
        let mut buffer = [0; MAX_SEALED_BYTES];
        for number in 0..count {
            let keep_alive = self.core.keep_alive_before_payload(slot, &mut buffer);
            let is_last = number + 1 == count;
            if let Some(transmit) = keep_alive.filter(|_| is_last) {
                self.hand_over(transmit, &buffer);
            }
            if let Some(transmit) = self.core.send(slot, data, &mut buffer).ok().filter(|_| is_last) {
                self.hand_over(transmit, &buffer);
            }
        }
    }

    fn disconnect(&mut self, slot: usize, reason: DisconnectReason) {
        let Some(leaving) = self.core.begin_leave(slot, reason) else { return };
        self.tell(slot, false);
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some(transmit) = self.core.poll_farewell(leaving, &mut buffer) {
            self.hand_over(transmit, &buffer);
        }
        self.core.finish_leave(leaving);
    }

    fn tell(&mut self, slot: usize, connected: bool) {
        self.clients.push(json!({
            "slot": slot,
            "connected": connected,
            "client_id": id(self.core.client_id(slot).unwrap_or(0)),
            "reason": self.core.disconnect_reason(slot) as u8,
            "user_data": hex(&self.user_data[slot]),
        }));
    }

    fn hand_over(&mut self, transmit: Transmit, buffer: &[u8]) {
        self.sent.push(json!({ "to": text(&transmit.to), "data": hex(&buffer[..transmit.bytes]) }));
    }
}

fn reason_name(reason: Ignored) -> &'static str {
    match reason {
        Ignored::NotRunning => "not_running",
        Ignored::Malformed(malformed) => malformed_name(malformed),
        Ignored::UnknownSource => "unknown_source",
        Ignored::Unexpected(_) => "unexpected",
        Ignored::Replayed => "replayed",
        Ignored::Forged => "forged",
        Ignored::ProtocolId => "protocol_id",
        Ignored::TokenExpired => "token_expired",
        Ignored::TokenPredatesStart => "token_predates_start",
        Ignored::TokenUsed => "token_used",
        Ignored::TokenMalformed => "token_malformed",
        Ignored::NotForThisServer => "not_for_this_server",
        Ignored::AddressConnected => "address_connected",
        Ignored::ClientIdConnected => "client_id_connected",
        Ignored::HistoryFull => "history_full",
        Ignored::MappingsFull => "mappings_full",
        Ignored::OtherChallenge => "other_challenge",
    }
}
