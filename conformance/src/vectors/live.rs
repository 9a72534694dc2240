//! Steps with a running client or server, and what is expected of them.

use std::net::SocketAddr;

use super::Case;
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::wire::{self, CHALLENGE, DISCONNECT, KEEP_ALIVE, Key, PAYLOAD, RESPONSE, Session, Token};

pub(super) const SERVER: &str = "10.0.0.1:40000";
pub(super) const CLIENT: &str = "10.0.1.1:50000";
pub(super) const STRANGER: &str = "10.0.9.9:50000";
pub(super) const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
pub(super) const SLOTS: u32 = 4;

/// The wall clock of servers, where it can be set.
pub(super) const UNIX: i64 = 1_800_000_000;

/// The longest that a server can be told tokens live: whatever the year of a test is, tokens that expire in
/// [`SOON`] could predate the server's start.
pub(super) const LONGEST_LIFETIME: i64 = i32::MAX as i64;
pub(super) const LONG_AGO: u64 = 1_500_000_000;
pub(super) const SOON: u64 = 3_000_000_000;

/// How many packets say that somebody leaves.
pub(super) const FAREWELLS: u64 = 10;

const SEND_INTERVAL: f64 = 0.1;

pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(super) fn private_key() -> Key {
    Random::named("the private key").array()
}

/// A number of 64 bits, as text.
pub(super) fn decimal(number: u64) -> Json {
    number.to_string().into()
}

/// An id, as text.
pub(super) fn id(number: u64) -> Json {
    format!("0x{number:016x}").into()
}

/// A datagram for the implementation.
pub(super) fn datagram(from: &str, data: &[u8]) -> Json {
    object! { "from": from, "data": data }
}

/// A datagram that the implementation is to send.
pub(super) fn sent(to: &str, data: &[u8]) -> Json {
    object! { "to": to, "data": data }
}

/// A change of the client's state.
pub(super) fn change(previous: i32, current: i32, client_index: i64, max_clients: i64) -> Json {
    object! { "previous": previous, "current": current, "client_index": client_index, "max_clients": max_clients }
}

/// What a step is to bring about. What is not named is not to happen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(pub(super) Vec<(&'static str, Json)>);

impl Seen {
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// A datagram is ignored for this reason, or one of several: `a|b`.
    pub(super) fn ignored(self, reason: &str) -> Self {
        self.and("ignored", reason.into())
    }

    pub(super) fn sent(self, datagram: Json) -> Self {
        self.and("sent", datagram)
    }

    /// A server's client connects or leaves.
    pub(super) fn client(self, event: Json) -> Self {
        self.and("clients", event)
    }

    /// A client's state is set.
    pub(super) fn state(self, change: Json) -> Self {
        self.and("states", change)
    }

    pub(super) fn received(self, sequence: u64, data: &[u8]) -> Self {
        self.and("received", object! { "sequence": decimal(sequence), "data": data })
    }

    pub(super) fn received_from(self, slot: i64, sequence: u64, data: &[u8]) -> Self {
        self.and("received", object! { "slot": slot, "sequence": decimal(sequence), "data": data })
    }

    fn and(mut self, list: &'static str, item: Json) -> Self {
        match self.0.iter_mut().find(|(name, _)| *name == list) {
            Some((_, Json::List(items))) => items.push(item),
            _ => self.0.push((list, Json::List(vec![item]))),
        }
        self
    }

    fn list(&self, list: &str) -> &[Json] {
        match self.0.iter().find(|(name, _)| *name == list) {
            Some((_, Json::List(items))) => items,
            _ => &[],
        }
    }

    /// The state that the client has in the end, if it changes before it sends (`received`) or after.
    fn last_state(&self) -> Option<i64> {
        match self.list("states").last()? {
            Json::Object(fields) => fields.iter().find(|(name, _)| *name == "current").map(|(_, value)| match value {
                Json::Int(state) => *state,
                other => panic!("{other} is no state"),
            }),
            other => panic!("{other} is no change"),
        }
    }
}

/// Somebody with a token, at an address: the other side of a server.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub(super) address: String,
    pub(super) token: Token,
}

impl Guest {
    /// The first guest of a vector.
    pub(super) fn new(name: &str) -> Self {
        Self::at(CLIENT, name)
    }

    pub(super) fn at(address: &'static str, name: &str) -> Self {
        let token = Token::draw(&mut Random::named(name), private_key(), PROTOCOL_ID, &[self::address(SERVER)]);
        Self { address: address.into(), token }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Token)) -> Self {
        change(&mut self.token);
        self
    }

    /// The same token from elsewhere.
    pub(super) fn from(&self, address: &'static str) -> Self {
        Self { address: address.into(), token: self.token.clone() }
    }

    pub(super) fn session(&self) -> Session {
        self.token.session
    }

    pub(super) fn asks(&self) -> Json {
        datagram(&self.address, &self.token.request())
    }

    pub(super) fn says(&self, kind: u8, sequence: u64, plain: &[u8]) -> Json {
        datagram(&self.address, &self.session().client_seals(kind, sequence, plain))
    }

    pub(super) fn keeps_alive(&self, sequence: u64) -> Json {
        self.says(KEEP_ALIVE, sequence, &wire::keep_alive(0, 0))
    }

    /// The response to a challenge that the server has sent in this vector, counted from 0. The checker makes it,
    /// since only the server knows what it will send.
    pub(super) fn answers(&self, challenge: i64, sequence: u64) -> Json {
        object! { "from": &self.address[..], "answer": self.answer(challenge, sequence) }
    }

    /// As [`answers`](Self::answers), with something else about it.
    pub(super) fn answers_with(&self, challenge: i64, sequence: u64, name: &'static str, value: i64) -> Json {
        self.answers_spoiled(challenge, sequence, &[(name, value)])
    }

    pub(super) fn answers_spoiled(&self, challenge: i64, sequence: u64, spoiled: &[(&'static str, i64)]) -> Json {
        let answer = self.answer(challenge, sequence);
        let answer = spoiled.iter().fold(answer, |answer, &(name, value)| answer.with(name, value));
        object! { "from": &self.address[..], "answer": answer }
    }

    fn answer(&self, challenge: i64, sequence: u64) -> Json {
        object! {
            "challenge": challenge,
            "sequence": decimal(sequence),
            "protocol_id": id(self.session().protocol_id),
            "client_to_server_key": self.session().client_to_server,
        }
    }

    /// A challenge for this guest: encrypted with its key, contents known to the server alone.
    pub(super) fn challenge(&self, number: u64) -> Json {
        self.global(CHALLENGE).with("challenge_sequence", decimal(number))
    }

    pub(super) fn denied(&self) -> Json {
        self.global(wire::DENIED)
    }

    fn global(&self, kind: u8) -> Json {
        object! {
            "to": &self.address[..],
            "type": i64::from(kind),
            "sequence": "global",
            "protocol_id": id(self.session().protocol_id),
            "server_to_client_key": self.session().server_to_client,
        }
    }

    /// A packet that the server is to send to this guest.
    pub(super) fn hears(&self, kind: u8, sequence: u64, plain: &[u8]) -> Json {
        sent(&self.address, &self.session().server_seals(kind, sequence, plain))
    }

    pub(super) fn hears_keep_alive(&self, sequence: u64, slot: u32, slots: u32) -> Json {
        self.hears(KEEP_ALIVE, sequence, &wire::keep_alive(slot, slots))
    }

    /// The connect or disconnect callback for this guest.
    pub(super) fn event(&self, slot: i64, connected: bool, reason: i64) -> Json {
        object! {
            "slot": slot,
            "connected": connected,
            "client_id": id(self.token.client_id),
            "reason": reason,
            "user_data": &self.token.user_data[..],
        }
    }

    pub(super) fn came(&self, slot: i64) -> Json {
        self.event(slot, true, 0)
    }
}

/// Many guests, whose tokens differ in the client id alone.
pub(super) struct Crowd {
    base: Guest,
    /// What lies between the ports of one and the next: 0 if all are at one address.
    port_step: u16,
}

impl Crowd {
    pub(super) fn at(address: &'static str, name: &str, port_step: u16) -> Self {
        Self { base: Guest::at(address, name), port_step }
    }

    pub(super) fn guest(&self, number: i64) -> Guest {
        let mut guest = self.base.clone();
        guest.token.client_id = guest.token.client_id.wrapping_add(number as u64);
        let mut address = address(&guest.address);
        address.set_port(address.port() + number as u16 * self.port_step);
        Guest { address: address.to_string(), ..guest }
    }

    fn asks(&self, first: i64, count: i64) -> Json {
        let token = &self.base.token;
        let requests = object! {
            "first": first,
            "count": count,
            "port_step": i64::from(self.port_step),
            "protocol_id": id(token.session.protocol_id),
            "expire_timestamp": decimal(token.expire),
            "private_key": token.private_key,
            "nonce": token.nonce,
            "plain": token.private_plain(),
        };
        object! { "from": self.guest(first).address, "requests": requests }
    }
}

pub(super) const TIMED_OUT: i64 = 1;
pub(super) const CLIENT_LEFT: i64 = 2;
pub(super) const SENT_AWAY: i64 = 3;

/// A vector about a server.
pub(super) struct ServerCase {
    pub(super) case: Case,
    slots: u32,
    connected: i64,
    challenges: i64,
    challenge_sequence: u64,
}

impl ServerCase {
    pub(super) fn new(id: &str, note: &str) -> Self {
        Self::with(id, note, SLOTS, 30)
    }

    pub(super) fn with(id: &str, note: &str, slots: u32, lifetime: i64) -> Self {
        let start = object! {
            "op": "server_start",
            "address": SERVER,
            "protocol_id": self::id(PROTOCOL_ID),
            "private_key": private_key(),
            "max_clients": i64::from(slots),
            "max_token_lifetime": lifetime,
            "time": 0.0,
            "unix": UNIX,
        };
        let case = Case::new(id, note).step(start, object! { "connected": 0 });
        Self { case, slots, connected: 0, challenges: 0, challenge_sequence: 0 }
    }

    /// Delivers datagrams and updates.
    pub(super) fn update(&mut self, time: f64, deliver: Vec<Json>, seen: Seen) {
        let mut step = object! { "op": "server_update", "time": time, "unix": UNIX };
        if !deliver.is_empty() {
            step.set("deliver", deliver);
        }
        self.expect(step, seen);
    }

    pub(super) fn ask(&mut self, step: Json, seen: Seen) {
        self.expect(step, seen);
    }

    /// One datagram at time 0 that is ignored.
    pub(super) fn ignores(&mut self, datagram: Json, reason: &str) {
        self.ignores_at(0.0, datagram, reason);
    }

    pub(super) fn ignores_at(&mut self, time: f64, datagram: Json, reason: &str) {
        self.update(time, vec![datagram], Seen::nothing().ignored(reason));
    }

    /// A guest asks, and is challenged.
    pub(super) fn challenges(&mut self, time: f64, guest: &Guest) -> i64 {
        let seen = Seen::nothing().sent(guest.challenge(self.challenge_sequence));
        self.update(time, vec![guest.asks()], seen);
        self.challenge_sequence += 1;
        self.challenges += 1;
        self.challenges - 1
    }

    /// Each of a crowd asks, and is challenged. The checker makes the requests: see `requests` in README.md.
    pub(super) fn challenges_crowd(&mut self, time: f64, crowd: &Crowd, first: i64, count: i64) {
        let challenges = (crowd.guest(first).challenge(self.challenge_sequence))
            .with("count", count)
            .with("port_step", i64::from(crowd.port_step));
        self.update(time, vec![crowd.asks(first, count)], Seen::nothing().sent(challenges));
        self.challenge_sequence += count as u64;
        self.challenges += 1; // only the last can be answered
    }

    /// A guest answers, and is connected.
    pub(super) fn accepts(&mut self, time: f64, guest: &Guest, challenge: i64, slot: u32) {
        let welcome = guest.hears_keep_alive(0, slot, self.slots);
        let seen = Seen::nothing().sent(welcome).client(guest.came(slot.into()));
        self.update(time, vec![guest.answers(challenge, 1)], seen);
    }

    /// Both.
    pub(super) fn joins(&mut self, time: f64, guest: &Guest, slot: u32) {
        let challenge = self.challenges(time, guest);
        self.accepts(time, guest, challenge, slot);
    }

    /// A new start: what was is forgotten, and the challenges are counted anew.
    pub(super) fn restart(&mut self, seen: Seen) {
        self.challenge_sequence = 0;
        let slots = i64::from(self.slots);
        self.expect(object! { "op": "server_restart", "max_clients": slots, "unix": UNIX }, seen);
    }

    pub(super) fn farewell(guest: &Guest, first: u64) -> Vec<Json> {
        (first..first + FAREWELLS).map(|sequence| guest.hears(DISCONNECT, sequence, &[])).collect()
    }

    fn expect(&mut self, step: Json, seen: Seen) {
        for event in seen.list("clients") {
            let came = matches!(event, Json::Object(fields) if fields.contains(&("connected", Json::Bool(true))));
            self.connected += if came { 1 } else { -1 };
        }
        let mut fields = vec![("connected", Json::from(self.connected))];
        fields.extend(seen.0);
        self.case.push(step, Json::Object(fields));
    }
}

/// A vector about a client, with the rule by which it sends. What changes its state is said by the vector.
pub(super) struct ClientCase {
    pub(super) case: Case,
    pub(super) token: Token,
    server: usize,
    state: i64,
    slot: (i64, i64),
    pub(super) sequence: u64,
    last_send: f64,
    challenge: Vec<u8>,
}

/// What is in the challenges of a vector: 8 bytes of number, 300 of what the client cannot read.
fn challenge_contents(token: &Token) -> Vec<u8> {
    let mut random = Random::named("challenge");
    let number = 7u64;
    let sealed = wire::challenge_token(&random.array(), number, token.client_id, &token.user_data);
    [&number.to_le_bytes()[..], &sealed].concat()
}

impl ClientCase {
    pub(super) fn new(id: &str, note: &str) -> Self {
        Self::with(id, note, |_| {})
    }

    pub(super) fn with(id: &str, note: &str, change: impl FnOnce(&mut Token)) -> Self {
        let mut token = Token::draw(&mut Random::named(id), private_key(), PROTOCOL_ID, &[address(SERVER)]);
        change(&mut token);
        let create = object! { "op": "client_create", "address": CLIENT, "time": 0.0 };
        let case = Case::new(id, note).step(create, object! { "state": 0 });
        let challenge = challenge_contents(&token);
        let mut client = Self {
            case,
            token,
            server: 0,
            state: 0,
            slot: (0, 0),
            sequence: 0,
            last_send: f64::NEG_INFINITY,
            challenge,
        };
        client.connects();
        client
    }

    /// Shows the token.
    pub(super) fn connects(&mut self) {
        self.connects_counting_from(0);
    }

    pub(super) fn connects_counting_from(&mut self, sequence: u64) {
        let step = object! { "op": "client_connect", "token": self.token.bytes() };
        let seen = Seen::nothing().state(change(self.state as i32, 1, 0, 0));
        (self.server, self.sequence, self.last_send) = (0, sequence, f64::NEG_INFINITY);
        self.settle(&seen);
        self.expect(step, seen);
    }

    /// The server that is being spoken to.
    pub(super) fn server_address(&self) -> String {
        self.token.public[self.server].to_string()
    }

    pub(super) fn server_says(&self, kind: u8, sequence: u64, plain: &[u8]) -> Json {
        datagram(&self.server_address(), &self.token.session.server_seals(kind, sequence, plain))
    }

    pub(super) fn challenge(&self, sequence: u64) -> Json {
        self.server_says(CHALLENGE, sequence, &self.challenge)
    }

    pub(super) fn welcome(&self, sequence: u64) -> Json {
        self.server_says(KEEP_ALIVE, sequence, &wire::keep_alive(2, SLOTS))
    }

    /// Delivers datagrams and updates: changes that a packet brings about come before the client sends, all others
    /// after it.
    pub(super) fn update(&mut self, time: f64, deliver: Vec<Json>, mut seen: Seen) {
        let mut step = object! { "op": "client_update", "time": time };
        if !deliver.is_empty() {
            step.set("deliver", deliver);
        }
        if let Some(state @ (2 | 3)) = seen.last_state() {
            self.settle(&seen);
            self.slot = if state == 3 { (2, SLOTS.into()) } else { (0, 0) };
            if state == 2 {
                self.last_send = f64::NEG_INFINITY;
            }
        }
        if let Some(datagram) = self.sends(time) {
            seen = seen.sent(datagram);
        }
        self.settle(&seen);
        self.expect(step, seen);
    }

    /// Updates without anything but what the client sends by itself.
    pub(super) fn waits(&mut self, time: f64) {
        self.update(time, Vec::new(), Seen::nothing());
    }

    /// Becomes connected, at times 0.0 and 0.0625.
    pub(super) fn connected(mut self) -> Self {
        self.challenged();
        let welcome = self.welcome(0);
        self.update(0.0625, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        self
    }

    /// Gets a challenge, at time 0.0.
    pub(super) fn challenged(&mut self) {
        self.waits(0.0);
        let challenge = self.challenge(1 << 63);
        self.update(0.0, vec![challenge], Seen::nothing().state(change(1, 2, 0, 0)));
    }

    pub(super) fn sends_payload(&mut self, time: f64, data: &[u8]) {
        let packet = self.seal(PAYLOAD, data);
        self.last_send = time;
        self.expect(object! { "op": "client_send", "data": data }, Seen::nothing().sent(packet));
    }

    /// Leaves by itself.
    pub(super) fn leaves(&mut self) {
        let mut seen = Seen::nothing();
        for _ in 0..FAREWELLS {
            let packet = self.seal(DISCONNECT, &[]);
            seen = seen.sent(packet);
        }
        seen = seen.state(change(self.state as i32, 0, 0, 0));
        self.settle(&seen);
        self.expect(object! { "op": "client_disconnect" }, seen);
    }

    /// One datagram that is ignored, while nothing else is due.
    pub(super) fn ignores(&mut self, time: f64, datagram: Json, reason: &str) {
        self.update(time, vec![datagram], Seen::nothing().ignored(reason));
    }

    fn sends(&mut self, time: f64) -> Option<Json> {
        let due = (1..=3).contains(&self.state) && self.last_send + SEND_INTERVAL < time;
        if !due {
            return None;
        }
        self.last_send = time;
        Some(match self.state {
            1 => {
                self.sequence += 1;
                sent(&self.server_address(), &self.token.request())
            }
            2 => self.seal(RESPONSE, &self.challenge.clone()),
            _ => self.seal(KEEP_ALIVE, &wire::keep_alive(0, 0)),
        })
    }

    fn seal(&mut self, kind: u8, plain: &[u8]) -> Json {
        self.sequence += 1;
        sent(&self.server_address(), &self.token.session.client_seals(kind, self.sequence - 1, plain))
    }

    fn settle(&mut self, seen: &Seen) {
        match seen.last_state() {
            Some(state) if state == self.state && state != 1 => {}
            Some(1) if self.state > 0 => {
                (self.server, self.last_send) = (self.server + 1, f64::NEG_INFINITY);
                self.state = 1;
            }
            Some(state) => {
                if state <= 0 {
                    (self.sequence, self.slot) = (0, (0, 0));
                }
                self.state = state;
            }
            None => {}
        }
    }

    pub(super) fn expect(&mut self, step: Json, seen: Seen) {
        let server = if self.state > 0 { self.server_address() } else { String::new() };
        let mut fields = vec![
            ("state", self.state.into()),
            ("client_index", self.slot.0.into()),
            ("max_clients", self.slot.1.into()),
            ("sequence", decimal(self.sequence)),
            ("server", server.into()),
        ];
        fields.extend(seen.0);
        self.case.push(step, Json::Object(fields));
    }
}
