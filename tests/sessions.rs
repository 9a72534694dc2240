//! Recorded sessions, replayed: by a client, by a server, and datagram by datagram.

mod common;

use std::net::SocketAddr;

use netcode::client::{Client, Outcome, State};
use netcode::packet::{KeepAlive, Kind, MAX_SEALED_BYTES};
use netcode::server::{Config, DisconnectReason, Server};
use netcode::token::{CHALLENGE_TOKEN_BYTES, ConnectToken};
use netcode::{Key, Transmit};

use common::datagram::{self, Contents};
use common::guest::{Guest, Reaction, deliver};
use common::random::SeededRng;
use common::vectors::{Entry, Vectors};
use common::world::EPOCH;

const SERVER: &str = "server";

/// Data with which the packets are filled that the recording leaves out.
const FILLER: &[u8] = &[0xff];

/// A recorded session.
struct Session<'a> {
    entry: Entry<'a>,
    events: Vec<Entry<'a>>,
}

/// Something that an endpoint did or saw.
#[derive(Debug, PartialEq)]
enum Step {
    Sent { time: f64, kind: Kind, data: Vec<u8> },
    State { time: f64, previous: i32, current: i32, client_index: u64, max_clients: u64 },
    Occupancy { time: f64, slot: u64, connected: u64, client_id: u64, reason: u64, user_data: Vec<u8> },
    Received { time: f64, slot: u64, sequence: u64, data: Vec<u8> },
}

impl<'a> Session<'a> {
    fn new(entry: Entry<'a>) -> Self {
        Self { entry, events: entry.entries("events") }
    }

    fn protocol_id(&self) -> u64 {
        self.entry.number("protocol_id")
    }

    fn clients(&self) -> Vec<RecordedClient<'a>> {
        self.entry.entries("clients").into_iter().map(RecordedClient).collect()
    }

    fn client(&self, name: &str) -> RecordedClient<'a> {
        *self.clients().iter().find(|client| client.name() == name).expect("a client of this name")
    }

    /// Whether the recording leaves out packets, and what was done with them.
    fn has_gaps(&self) -> bool {
        self.entry.text("name") == "boundaries"
    }

    /// Whether the recording tells when the programs took payloads out.
    fn tells_of_payloads(&self) -> bool {
        !self.has_gaps() && self.entry.text("name") != "sizes"
    }

    fn datagrams(&self) -> impl Iterator<Item = RecordedDatagram<'a>> {
        self.events.iter().filter_map(RecordedDatagram::new)
    }

    /// What an endpoint did and saw.
    fn steps_of(&self, who: &str) -> Vec<Step> {
        self.events.iter().filter(|event| actor(event) == who).filter_map(step).collect()
    }

    /// When anything happened, from the first to the last time that this endpoint did something.
    fn times_of(&self, who: &str) -> Vec<f64> {
        let mut times: Vec<_> = self.events.iter().map(|event| event.exact("time")).collect();
        times.dedup();
        let own: Vec<_> =
            self.events.iter().filter(|event| actor(event) == who).map(|event| event.exact("time")).collect();
        times.retain(|time| (own[0]..=own[own.len() - 1]).contains(time));
        times
    }
}

/// Whose doing an event is.
fn actor<'a>(event: &Entry<'a>) -> &'a str {
    match event.text("kind") {
        "datagram" => event.text("from"),
        "server_client" => SERVER,
        _ => event.text("who"),
    }
}

fn step(event: &Entry<'_>) -> Option<Step> {
    let time = event.exact("time");
    Some(match event.text("kind") {
        "datagram" => Step::Sent { time, kind: kind_of(event), data: event.bytes("data") },
        "client_state" => Step::State {
            time,
            previous: event.signed("previous"),
            current: event.signed("current"),
            client_index: event.number("client_index"),
            max_clients: event.number("max_clients"),
        },
        "server_client" => Step::Occupancy {
            time,
            slot: event.number("slot"),
            connected: event.number("connected"),
            client_id: event.number("client_id"),
            reason: event.number("reason"),
            user_data: event.bytes("user_data"),
        },
        "received" => Step::Received {
            time,
            slot: if event.has("slot") { event.number("slot") } else { 0 },
            sequence: event.number("sequence"),
            data: event.bytes("data"),
        },
        other => panic!("an event of kind {other:?}"),
    })
}

fn kind_of(event: &Entry<'_>) -> Kind {
    match event.text("type") {
        "request" => Kind::Request,
        "denied" => Kind::Denied,
        "challenge" => Kind::Challenge,
        "response" => Kind::Response,
        "keep_alive" => Kind::KeepAlive,
        "payload" => Kind::Payload,
        "disconnect" => Kind::Disconnect,
        other => panic!("a packet of type {other:?}"),
    }
}

#[derive(Clone, Copy)]
struct RecordedClient<'a>(Entry<'a>);

impl<'a> RecordedClient<'a> {
    fn name(&self) -> &'a str {
        self.0.text("name")
    }

    fn address(&self) -> SocketAddr {
        self.0.address("address")
    }

    fn token(&self) -> ConnectToken {
        ConnectToken::read(&self.0.array("token")).expect("a token that can be read")
    }
}

#[derive(Clone)]
struct RecordedDatagram<'a> {
    time: f64,
    from: &'a str,
    to: &'a str,
    kind: Kind,
    data: Vec<u8>,
    event: Entry<'a>,
}

impl<'a> RecordedDatagram<'a> {
    fn new(event: &Entry<'a>) -> Option<Self> {
        (event.text("kind") == "datagram").then(|| Self {
            time: event.exact("time"),
            from: event.text("from"),
            to: event.text("to"),
            kind: kind_of(event),
            data: event.bytes("data"),
            event: *event,
        })
    }

    /// A payload is sent by the program after its update, everything else within it.
    fn is_payload(&self) -> bool {
        self.kind == Kind::Payload
    }

    /// The decrypted contents, as the recording has them.
    fn contents(&self) -> Contents {
        let plain = self.event.bytes("plain");
        let number = |at: usize| u64::from_le_bytes(plain[at..at + 8].try_into().unwrap());
        let half = |at: usize| u32::from_le_bytes(plain[at..at + 4].try_into().unwrap());
        let token = || -> Box<[u8; CHALLENGE_TOKEN_BYTES]> { Box::new(plain[8..].try_into().unwrap()) };
        match self.kind {
            Kind::Request => panic!("a request is not sealed"),
            Kind::Denied => Contents::Denied,
            Kind::Challenge => Contents::Challenge(number(0), token()),
            Kind::Response => Contents::Response(number(0), token()),
            Kind::KeepAlive => Contents::KeepAlive(KeepAlive { client_index: half(0), max_clients: half(4) }),
            Kind::Payload => Contents::Payload(plain),
            Kind::Disconnect => Contents::Disconnect,
        }
    }
}

fn for_each_session(check: impl Fn(&Session<'_>)) {
    for file in ["handshake", "sequence"] {
        let vectors = Vectors::load(file);
        let entries = vectors.entries();
        assert!(!entries.is_empty());
        for entry in entries {
            println!("{}", entry.text("name"));
            check(&Session::new(entry));
        }
    }
}

/// A client that repeats what a recorded one did.
struct ClientReplay<'s> {
    session: &'s Session<'s>,
    recorded: RecordedClient<'s>,
    core: Client,
    now: f64,
    steps: Vec<Step>,
}

impl<'s> ClientReplay<'s> {
    fn new(session: &'s Session<'s>, recorded: RecordedClient<'s>) -> Self {
        let mut core = Client::new();
        let _ = core.connect(recorded.token());
        core.settle();
        Self { session, recorded, core, now: 0.0, steps: Vec::new() }
    }

    fn run(mut self) -> Vec<Step> {
        let session = self.session;
        let name = self.recorded.name();
        let mut inbox = session.datagrams().filter(|datagram| datagram.to == name).peekable();
        for now in session.times_of(name) {
            self.now = now;
            let own: Vec<_> =
                session.datagrams().filter(|datagram| datagram.from == name && datagram.time == now).collect();
            self.fill_up_to(&own);
            let mut arrived = Vec::new();
            while let Some(datagram) = inbox.next_if(|datagram| datagram.time < now) {
                arrived.push(datagram.data);
            }
            self.update(arrived);
            for payload in own.iter().filter(|datagram| datagram.is_payload()) {
                self.send(&payload.event.bytes("plain"));
            }
            if own.iter().any(|datagram| datagram.kind == Kind::Disconnect) {
                self.core.disconnect();
                while self.transmit() {}
                self.step();
            }
        }
        self.steps
    }

    fn update(&mut self, arrived: Vec<Vec<u8>>) {
        let server = self.session.entry.address("server_address");
        let mut received = Vec::new();
        self.core.advance(self.now);
        for mut data in arrived {
            match self.core.handle(server, &mut data) {
                Outcome::Payload { sequence, data } => {
                    received.push(Step::Received { time: self.now, slot: 0, sequence, data: data.to_vec() });
                }
                Outcome::Transition(transition) => self.note(transition.previous, transition.current),
                Outcome::Noted(_) => {}
                Outcome::Ignored(reason) => panic!("ignored: {reason}"),
            }
        }
        self.transmit();
        self.step();
        // The program takes them out when the update is over.
        if self.session.tells_of_payloads() {
            self.steps.append(&mut received);
        }
    }

    fn step(&mut self) {
        if let Some(transition) = self.core.poll_transition() {
            self.note(transition.previous, transition.current);
        }
    }

    fn note(&mut self, previous: State, current: State) {
        self.steps.push(Step::State {
            time: self.now,
            previous: previous as i32,
            current: current as i32,
            client_index: self.core.client_index().into(),
            max_clients: self.core.max_clients().into(),
        });
        self.core.settle();
    }

    fn transmit(&mut self) -> bool {
        let mut buffer = [0; MAX_SEALED_BYTES];
        let Some(transmit) = self.core.poll_transmit(&mut buffer) else { return false };
        self.record(transmit, &buffer);
        true
    }

    fn send(&mut self, payload: &[u8]) {
        let mut buffer = [0; MAX_SEALED_BYTES];
        let transmit = self.core.send(payload, &mut buffer).expect("connected");
        self.record(transmit, &buffer);
    }

    fn record(&mut self, Transmit { to, bytes, kind }: Transmit, buffer: &[u8]) {
        assert_eq!(to, self.session.entry.address("server_address"));
        self.steps.push(Step::Sent { time: self.now, kind, data: buffer[..bytes].to_vec() });
    }

    /// Sends what the recording leaves out before these datagrams.
    fn fill_up_to(&mut self, own: &[RecordedDatagram<'_>]) {
        if !self.session.has_gaps() {
            return;
        }
        if let Some(first) = own.iter().find(|datagram| datagram.is_payload()) {
            self.core.advance(self.now);
            while self.core.next_packet_sequence() < first.event.number("sequence") {
                self.core.send(FILLER, &mut [0; MAX_SEALED_BYTES]).expect("connected");
            }
        }
    }
}

/// A server that repeats what the recorded one did, as far as it can: it draws a challenge key and
/// a first global sequence number of its own, so that challenges, the responses to them, and
/// denials have other bytes.
struct ServerReplay<'s> {
    session: &'s Session<'s>,
    core: Server,
    now: f64,
    steps: Vec<Step>,
    /// What the recorded responses must be replaced by.
    answers: Vec<(SocketAddr, Vec<u8>)>,
    user_data: Vec<u8>,
}

impl<'s> ServerReplay<'s> {
    fn new(session: &'s Session<'s>) -> Self {
        let entry = session.entry;
        let mut core = Server::new(Config {
            protocol_id: session.protocol_id(),
            private_key: Key::new(entry.array("private_key")),
            public_addresses: [Some(entry.address("server_address")), None],
            max_token_lifetime: 30,
        });
        core.start(entry.number("max_clients") as usize, EPOCH, &mut SeededRng::new(1)).unwrap();
        Self { session, core, now: 0.0, steps: Vec::new(), answers: Vec::new(), user_data: Vec::new() }
    }

    fn run(mut self) -> Vec<Step> {
        let session = self.session;
        let mut inbox: Vec<_> = session.datagrams().filter(|datagram| datagram.to == SERVER).collect();
        for now in session.times_of(SERVER) {
            self.now = now;
            let own: Vec<_> =
                session.datagrams().filter(|datagram| datagram.from == SERVER && datagram.time == now).collect();
            self.fill_up_to(&own);
            let is_due =
                |datagram: &RecordedDatagram<'_>| datagram.time < now || datagram.time == now && !datagram.is_payload();
            let (arrived, later) = inbox.into_iter().partition(is_due);
            inbox = later;
            self.update(arrived);
            for payload in own.iter().filter(|datagram| datagram.is_payload()) {
                self.send(0, &payload.event.bytes("plain"));
            }
            if own.iter().any(|datagram| datagram.kind == Kind::Disconnect) {
                self.disconnect(0, DisconnectReason::ServerDisconnect);
            }
        }
        self.steps
    }

    fn update(&mut self, arrived: Vec<RecordedDatagram<'s>>) {
        self.core.advance(self.now);
        let mut received = Vec::new();
        for datagram in arrived {
            let from = self.session.client(datagram.from);
            let data = match datagram.kind {
                Kind::Response => self.answers.iter().find(|(to, _)| *to == from.address()).unwrap().1.clone(),
                _ => datagram.data,
            };
            match deliver(&mut self.core, from.address(), &data) {
                Reaction::Payload { slot, sequence, data } => {
                    received.push(Step::Received { time: self.now, slot: slot as u64, sequence, data });
                }
                Reaction::KeptAlive { slot } => assert_eq!(slot, 0),
                Reaction::Reply { kind, data } => self.reply(from, kind, data),
                Reaction::Connected { slot, user_data, keep_alive, .. } => {
                    self.user_data = user_data;
                    self.record(Kind::KeepAlive, keep_alive);
                    self.note(slot, true);
                }
                Reaction::Left { slot } => self.disconnect(slot, DisconnectReason::ClientDisconnect),
                // Nine of the ten disconnect packets find nobody any more.
                Reaction::Ignored(_) if datagram.kind == Kind::Disconnect => {}
                Reaction::Ignored(reason) => panic!("ignored a {}: {reason}", datagram.kind),
            }
        }
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some((_, transmit)) = self.core.next_keep_alive(0, &mut buffer) {
            self.record(transmit.kind, buffer[..transmit.bytes].to_vec());
        }
        while let Some(slot) = self.core.next_timed_out(0) {
            self.disconnect(slot, DisconnectReason::TimedOut);
        }
        if self.session.tells_of_payloads() {
            self.steps.append(&mut received);
        }
    }

    /// Keeps the client's answer to a challenge for later, sealed as the recorded response was.
    fn reply(&mut self, client: RecordedClient<'s>, kind: Kind, data: Vec<u8>) {
        let mut guest = Guest::new(client.address(), client.token());
        let (sequence, _) = guest.open(&data);
        assert!(sequence >= 1 << 63, "{sequence} is not in the top half");
        if kind == Kind::Challenge {
            guest.sequence = 1;
            self.answers.push((client.address(), guest.answer(&data)));
        }
        self.record(kind, data);
    }

    fn send(&mut self, slot: usize, payload: &[u8]) {
        let mut buffer = [0; MAX_SEALED_BYTES];
        if let Some(transmit) = self.core.keep_alive_before_payload(slot, &mut buffer) {
            self.record(transmit.kind, buffer[..transmit.bytes].to_vec());
        }
        let transmit = self.core.send(slot, payload, &mut buffer).expect("connected");
        self.record(transmit.kind, buffer[..transmit.bytes].to_vec());
    }

    fn disconnect(&mut self, slot: usize, reason: DisconnectReason) {
        let leaving = self.core.begin_leave(slot, reason).expect("a client in this slot");
        self.note(slot, false);
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some(transmit) = self.core.poll_farewell(leaving, &mut buffer) {
            self.record(transmit.kind, buffer[..transmit.bytes].to_vec());
        }
        assert!(self.core.finish_leave(leaving));
    }

    fn note(&mut self, slot: usize, connected: bool) {
        self.steps.push(Step::Occupancy {
            time: self.now,
            slot: slot as u64,
            connected: connected.into(),
            client_id: self.core.client_id(slot).expect("the data is still there"),
            reason: self.core.disconnect_reason(slot) as u64,
            user_data: self.user_data.clone(),
        });
    }

    fn record(&mut self, kind: Kind, data: Vec<u8>) {
        self.steps.push(Step::Sent { time: self.now, kind, data });
    }

    fn fill_up_to(&mut self, own: &[RecordedDatagram<'_>]) {
        if !self.session.has_gaps() {
            return;
        }
        if let Some(first) = own.iter().find(|datagram| datagram.is_payload()) {
            self.core.advance(self.now);
            while self.core.next_packet_sequence(0) < Some(first.event.number("sequence")) {
                self.core.send(0, FILLER, &mut [0; MAX_SEALED_BYTES]).expect("connected");
            }
        }
    }
}

/// Without the bytes that are the server's own secret.
fn without_secrets(steps: Vec<Step>) -> Vec<Step> {
    let conceal = |step| match step {
        Step::Sent { time, kind: kind @ (Kind::Challenge | Kind::Denied), data } => {
            Step::Sent { time, kind, data: vec![0; data.len()] }
        }
        other => other,
    };
    steps.into_iter().map(conceal).collect()
}

#[track_caller]
fn assert_same(ours: &[Step], recorded: &[Step]) {
    for (number, (ours, recorded)) in ours.iter().zip(recorded).enumerate() {
        assert_eq!(ours, recorded, "step {number}");
    }
    assert_eq!(ours.len(), recorded.len());
}

#[test]
fn a_client_repeats_every_recorded_session_byte_for_byte() {
    for_each_session(|session| {
        for client in session.clients() {
            let recorded = session.steps_of(client.name());
            assert_same(&ClientReplay::new(session, client).run(), &recorded);
        }
    });
}

#[test]
fn a_server_repeats_every_recorded_session_byte_for_byte_except_for_its_secrets() {
    for_each_session(|session| {
        let recorded = without_secrets(session.steps_of(SERVER));
        assert_same(&without_secrets(ServerReplay::new(session).run()), &recorded);
    });
}

#[test]
fn every_recorded_request_shows_the_token_of_its_client() {
    for_each_session(|session| {
        for datagram in session.datagrams().filter(|datagram| datagram.kind == Kind::Request) {
            assert_eq!(datagram::request(&session.client(datagram.from).token()), datagram.data);
        }
    });
}

#[test]
fn every_recorded_datagram_opens_to_its_contents_and_is_sealed_to_the_same_bytes() {
    for_each_session(|session| {
        for datagram in session.datagrams().filter(|datagram| datagram.kind != Kind::Request) {
            let key = match datagram.from {
                SERVER => session.client(datagram.to).token().server_to_client,
                client => session.client(client).token().client_to_server,
            };
            let (sequence, contents) = datagram::open(&datagram.data, session.protocol_id(), &key).unwrap();
            assert_eq!(sequence, datagram.event.number("sequence"));
            assert_eq!(contents, datagram.contents());
            assert_eq!(contents.kind(), datagram.kind);
            assert_eq!(datagram::seal(&contents, sequence, session.protocol_id(), &key), datagram.data);
        }
    });
}
