//! The recorded sessions, as each of their ends saw them; and one with long sequence numbers.
//!
//! All clients and servers of a session were updated at the same times, clients before servers. Payloads were sent
//! after the update.

use std::collections::HashSet;

use serde_json::Value;

use super::Case;
use super::live::*;
use super::recorded::{array, as_decimal, as_id, bytes, list, load, number, text};
use crate::json::Json;
use crate::object;
use crate::wire::{self, KEEP_ALIVE, PAYLOAD, Session};

const SERVER_NAME: &str = "server";
const FILLER: &[u8] = &[0xff];
const SEND_INTERVAL: f64 = 0.1;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for file in ["handshake", "sequence"] {
        for session in load(file) {
            let recorded = Recorded::new(&session);
            for client in list(&session, "clients") {
                cases.push(recorded.client_case(client).recorded());
            }
            cases.push(recorded.server_case().recorded());
        }
    }
    cases
}

struct Recorded<'v> {
    session: &'v Value,
    events: &'v [Value],
    /// Packets are left out, and have to be made up for.
    has_gaps: bool,
}

impl<'v> Recorded<'v> {
    fn new(session: &'v Value) -> Self {
        Self { session, events: list(session, "events"), has_gaps: text(session, "name") == "boundaries" }
    }

    fn id(&self, end: &str) -> String {
        format!("recorded-{}-{end}", text(self.session, "name").replace('_', "-"))
    }

    fn keys(&self, client: &Value) -> Session {
        Session {
            protocol_id: number(self.session, "protocol_id"),
            client_to_server: array(client, "client_to_server_key"),
            server_to_client: array(client, "server_to_client_key"),
        }
    }

    fn client(&self, name: &str) -> &'v Value {
        list(self.session, "clients").iter().find(|client| text(client, "name") == name).expect("a client")
    }

    fn datagrams(&self) -> impl Iterator<Item = &'v Value> {
        self.events.iter().filter(|event| text(event, "kind") == "datagram")
    }

    /// All times at which anything happened, from the first to the last doing of this end.
    fn times(&self, who: &str) -> Vec<f64> {
        let mut times: Vec<f64> = self.events.iter().map(time).collect();
        times.dedup();
        let own: Vec<_> = self.events.iter().filter(|event| actor(event) == who).map(time).collect();
        times.retain(|time| (own[0]..=own[own.len() - 1]).contains(time));
        times
    }

    fn events_of(&self, kind: &str, who: &str, now: f64) -> Vec<&'v Value> {
        let is_it = |event: &&Value| text(event, "kind") == kind && actor(event) == who && time(event) == now;
        self.events.iter().filter(is_it).collect()
    }

    fn client_case(&self, client: &Value) -> Case {
        let (name, keys) = (text(client, "name"), self.keys(client));
        let server = text(self.session, "server_address");
        let create = object! { "op": "client_create", "address": text(client, "address"), "time": 0.0 };
        let connect = object! { "op": "client_connect", "token": bytes(client, "token") };
        let mut case = Case::new(self.id(name), text(self.session, "note"))
            .step(create, object! { "state": 0 })
            .step(connect, object! { "state": 1, "states": vec![change(0, 1, 0, 0)] });
        let mut inbox = self.datagrams().filter(|datagram| text(datagram, "to") == name).peekable();
        let (mut next_sequence, mut last_send) = (0, 0.0);
        let mut state = 1;
        let end = End {
            key: keys.client_to_server,
            to: server,
            send: object! { "op": "client_send" },
            keep_alive: wire::keep_alive(0, 0),
        };
        for now in self.times(name) {
            let own = self.events_of("datagram", name, now);
            let (payloads, rest): (Vec<&Value>, Vec<_>) =
                own.iter().partition(|event| text(event, "type") == "payload");
            let (farewells, automatic): (Vec<&Value>, Vec<_>) =
                rest.iter().partition(|event| text(event, "type") == "disconnect");
            let mut seen = Seen::nothing();
            if let Some(filled) = self.fill(&payloads, &mut next_sequence, now - last_send, &end) {
                case.push(filled.step, client_expectation(state, Seen::nothing().sent(filled.last)));
                seen = filled.keep_alive.into_iter().fold(seen, Seen::sent);
            }
            let mut arrived = Vec::new();
            while let Some(datagram) = inbox.next_if(|datagram| time(datagram) < now) {
                arrived.push(datagram);
            }
            let changes = self.events_of("client_state", name, now);
            for event in changes.iter().filter(|_| farewells.is_empty()) {
                seen = seen.state(state_change(event));
                state = event["current"].as_i64().expect("a state");
            }
            for event in &automatic {
                seen = seen.sent(sent(server, &bytes(event, "data")));
                (next_sequence, last_send) = (next_sequence + 1, now);
            }
            for datagram in arrived.iter().filter(|datagram| text(datagram, "type") == "payload") {
                seen = seen.received(number(datagram, "sequence"), &bytes(datagram, "plain"));
            }
            let deliver: Vec<_> = arrived.iter().map(|event| datagram(server, &bytes(event, "data"))).collect();
            case.push(update("client_update", now, deliver), client_expectation(state, seen));
            for event in payloads {
                let step = object! { "op": "client_send", "data": bytes(event, "plain") };
                let seen = Seen::nothing().sent(sent(server, &bytes(event, "data")));
                case.push(step, client_expectation(state, seen));
                (next_sequence, last_send) = (number(event, "sequence") + 1, now);
            }
            if !farewells.is_empty() {
                let seen = farewells
                    .iter()
                    .fold(Seen::nothing(), |seen, event| seen.sent(sent(server, &bytes(event, "data"))));
                let seen = changes.iter().fold(seen, |seen, event| seen.state(state_change(event)));
                state = 0;
                case.push(object! { "op": "client_disconnect" }, client_expectation(state, seen));
            }
        }
        case
    }

    fn server_case(&self) -> Case {
        let slots = number(self.session, "max_clients") as i64;
        let start = object! {
            "op": "server_start",
            "address": text(self.session, "server_address"),
            "protocol_id": as_id(self.session, "protocol_id"),
            "private_key": bytes(self.session, "private_key"),
            "max_clients": slots,
            "max_token_lifetime": 30,
            "time": 0.0,
            "unix": UNIX,
        };
        let mut case =
            Case::new(self.id(SERVER_NAME), text(self.session, "note")).step(start, object! { "connected": 0 });
        let mut inbox: Vec<_> = self.datagrams().filter(|datagram| text(datagram, "to") == SERVER_NAME).collect();
        let (mut challenged, mut confirmed, mut connected) = (Vec::new(), HashSet::new(), 0);
        let (mut next_sequence, mut last_send) = (0, 0.0);
        let first = &list(self.session, "clients")[0];
        let end = End {
            key: self.keys(first).server_to_client,
            to: text(first, "address"),
            send: object! { "op": "server_send", "slot": 0 },
            keep_alive: wire::keep_alive(0, slots as u32),
        };
        for now in self.times(SERVER_NAME) {
            let own = self.events_of("datagram", SERVER_NAME, now);
            let is_due = |event: &&Value| time(event) < now || time(event) == now && text(event, "type") != "payload";
            let (arrived, later): (Vec<_>, Vec<_>) = inbox.into_iter().partition(is_due);
            inbox = later;
            let mut seen = Seen::nothing();
            let payloads: Vec<_> = own.iter().copied().filter(|event| text(event, "type") == "payload").collect();
            if let Some(filled) = self.fill(&payloads, &mut next_sequence, now - last_send, &end) {
                case.push(filled.step, server_expectation(connected, Seen::nothing().sent(filled.last)));
                seen = filled.keep_alive.into_iter().fold(seen, Seen::sent);
            }
            let mut farewells_heard = 0;
            for event in &arrived {
                match text(event, "type") {
                    "keep_alive" | "payload" => {
                        confirmed.insert(text(event, "from"));
                    }
                    "disconnect" => farewells_heard += 1,
                    _ => {}
                }
                if text(event, "type") == "payload" {
                    seen = seen.received_from(0, number(event, "sequence"), &bytes(event, "plain"));
                }
            }
            for _ in 1..farewells_heard {
                seen = seen.ignored("unknown_source");
            }
            let sends_away = own.iter().any(|event| text(event, "type") == "disconnect");
            let deliver: Vec<Json> = arrived.iter().map(|event| self.delivery(event, &challenged)).collect();
            let callbacks = self.events_of("server_client", SERVER_NAME, now);
            for event in callbacks.iter().filter(|_| !sends_away) {
                seen = seen.client(occupancy(event));
                connected += if number(event, "connected") == 1 { 1 } else { -1 };
            }
            // What is sent after the update: payloads, each with the keep-alive before it while its client is not
            // confirmed; and farewells.
            let (mut later, mut prefix): (Vec<(Json, Seen)>, Option<Json>) = (Vec::new(), None);
            let mut farewells = Seen::nothing();
            for (at, event) in own.iter().enumerate() {
                let to = text(event, "to");
                let next = own.get(at + 1);
                let before_payload = next.is_some_and(|next| text(next, "type") == "payload" && text(next, "to") == to)
                    && !confirmed.contains(to);
                let expected = self.expected(event, &mut challenged);
                match text(event, "type") {
                    "payload" => {
                        let step = object! { "op": "server_send", "slot": 0, "data": bytes(event, "plain") };
                        let seen = prefix.take().into_iter().fold(Seen::nothing(), Seen::sent).sent(expected);
                        later.push((step, seen));
                    }
                    "disconnect" => farewells = farewells.sent(expected),
                    "keep_alive" if before_payload => prefix = Some(expected),
                    _ => seen = seen.sent(expected),
                }
                if event["sequence"].as_str().is_some() && !["challenge", "denied"].contains(&text(event, "type")) {
                    (next_sequence, last_send) = (number(event, "sequence") + 1, now);
                }
            }
            case.push(update("server_update", now, deliver).with("unix", UNIX), server_expectation(connected, seen));
            for (step, seen) in later {
                case.push(step, server_expectation(connected, seen));
            }
            if sends_away {
                let seen = callbacks.iter().fold(farewells, |seen, event| seen.client(occupancy(event)));
                connected -= 1;
                case.push(object! { "op": "server_disconnect", "slot": 0 }, server_expectation(connected, seen));
            }
        }
        case
    }

    /// A datagram for the server: as recorded, but for the answers to its challenges.
    fn delivery(&self, event: &Value, challenged: &[&str]) -> Json {
        let from = text(event, "from");
        let client = self.client(from);
        if text(event, "type") != "response" {
            return datagram(text(client, "address"), &bytes(event, "data"));
        }
        let challenge = challenged.iter().position(|name| *name == from).expect("challenged before") as i64;
        object! {
            "from": text(client, "address"),
            "answer": object! {
                "challenge": challenge,
                "sequence": as_decimal(event, "sequence"),
                "protocol_id": as_id(self.session, "protocol_id"),
                "client_to_server_key": bytes(client, "client_to_server_key"),
            },
        }
    }

    /// A datagram of the server's: as recorded, but for those with its secret numbers and contents.
    fn expected(&self, event: &'v Value, challenged: &mut Vec<&'v str>) -> Json {
        let to = text(event, "to");
        let client = self.client(to);
        let kind = match text(event, "type") {
            "challenge" => wire::CHALLENGE,
            "denied" => wire::DENIED,
            _ => return sent(text(client, "address"), &bytes(event, "data")),
        };
        let expected = object! {
            "to": text(client, "address"),
            "type": i64::from(kind),
            "sequence": "global",
            "protocol_id": as_id(self.session, "protocol_id"),
            "server_to_client_key": bytes(client, "server_to_client_key"),
        };
        if kind == wire::DENIED {
            return expected;
        }
        challenged.push(to);
        expected.with("challenge_sequence", decimal(challenged.len() as u64 - 1))
    }

    /// Sends what a recording leaves out before these payloads. If so much time has passed that the update sends a
    /// keep-alive, it has the last number of those.
    fn fill(&self, payloads: &[&Value], next: &mut u64, since_last_send: f64, end: &End<'_>) -> Option<Filled> {
        let first = payloads.first().filter(|_| self.has_gaps).map(|event| number(event, "sequence"))?;
        let protocol_id = number(self.session, "protocol_id");
        let seal = |kind, number, plain: &[u8]| sent(end.to, &wire::packet(protocol_id, &end.key, kind, number, plain));
        let is_quiet = since_last_send > SEND_INTERVAL;
        let count = first - *next - u64::from(is_quiet);
        *next = first;
        Some(Filled {
            step: end.send.clone().with("data", FILLER).with("count", count as i64),
            last: seal(PAYLOAD, first - 1 - u64::from(is_quiet), FILLER),
            keep_alive: is_quiet.then(|| seal(KEEP_ALIVE, first - 1, &end.keep_alive)),
        })
    }
}

/// Who fills a gap, and how.
struct End<'e> {
    key: wire::Key,
    to: &'e str,
    send: Json,
    keep_alive: Vec<u8>,
}

/// The step that fills a gap, the last datagram of it, and the keep-alive of the update after it.
struct Filled {
    step: Json,
    last: Json,
    keep_alive: Option<Json>,
}

fn actor(event: &Value) -> &str {
    match text(event, "kind") {
        "datagram" => text(event, "from"),
        "server_client" => SERVER_NAME,
        _ => text(event, "who"),
    }
}

fn time(event: &Value) -> f64 {
    event["time"].as_f64().expect("a time")
}

fn update(op: &str, now: f64, deliver: Vec<Json>) -> Json {
    let mut step = object! { "op": op, "time": now };
    if !deliver.is_empty() {
        step.set("deliver", deliver);
    }
    step
}

fn state_change(event: &Value) -> Json {
    let small = |key: &str| event[key].as_i64().expect("a number");
    change(small("previous") as i32, small("current") as i32, small("client_index"), small("max_clients"))
}

fn occupancy(event: &Value) -> Json {
    object! {
        "slot": number(event, "slot") as i64,
        "connected": number(event, "connected") == 1,
        "client_id": as_id(event, "client_id"),
        "reason": number(event, "reason") as i64,
        "user_data": bytes(event, "user_data"),
    }
}

fn client_expectation(state: i64, seen: Seen) -> Json {
    Json::Object([vec![("state", state.into())], seen.0].concat())
}

fn server_expectation(connected: i64, seen: Seen) -> Json {
    Json::Object([vec![("connected", connected.into())], seen.0].concat())
}
