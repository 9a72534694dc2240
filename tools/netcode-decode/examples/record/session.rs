//! A session between our own clients and server, in virtual time and with repeatable randomness: each type of
//! packet, and what is wrong with packets. What is expected of a reader is written down as it happens.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use netcode::client::{self, Client, State};
use netcode::packet::{Buffer, Header, Kind, MAX_SEALED_BYTES, Malformed, REQUEST_BYTES};
use netcode::server::{self, DisconnectReason, Server};
use netcode::token::{CONNECT_TOKEN_BYTES, ConnectToken, TokenRequest};
use netcode::{Key, USER_DATA_BYTES};
use rand::{TryCryptoRng, TryRng};
use serde_json::{Value, json};

use crate::capture::{self, Datagram};

const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
const PRIVATE_KEY: [u8; 32] = *b"this key is for a recording only";
const SEED: u64 = 1;
/// The server's start, in Unix seconds. Clients come a minute later: it refuses tokens that could be older.
const START: u64 = 1_800_000_000;
const UP_BEFORE: f64 = 60.0;
/// A little longer than the 0.1 seconds after which clients and server send again.
const TICK: f64 = 0.125;
const BETWEEN_DATAGRAMS: Duration = Duration::from_micros(250);
const EXPIRE_SECONDS: i32 = 30;
const TIMEOUT_SECONDS: i32 = 5;

/// Where a request has the time at which its token expires.
const EXPIRE_TIMESTAMP: std::ops::Range<usize> = 22..30;

/// What a client says in the recording.
pub(crate) const HELLO: &[u8] = b"hello from the client";

/// A recording and what a reader has to make of it.
pub(crate) struct Recording {
    pub(crate) datagrams: Vec<Datagram>,
    /// One for each datagram, in the same order.
    pub(crate) expected: Vec<Value>,
    tokens: Vec<(&'static str, [u8; CONNECT_TOKEN_BYTES])>,
}

/// The whole session.
pub(crate) fn record() -> Recording {
    let mut scene = Scene::new();
    scene.connection_over_ipv4();
    scene.denied();
    scene.malformed();
    scene.leave_over_ipv4();
    scene.sent_away_over_ipv6();
    scene.expired();
    scene.other_protocols();
    scene.recording
}

impl Recording {
    /// Files by name. One token is in binary and one in hex, as a reader takes both.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![("session.pcap".to_string(), capture::pcap(&self.datagrams))];
        let lines: Vec<String> = self.expected.iter().map(|frame| format!("  {frame}")).collect();
        files.push(("session.json".to_string(), format!("[\n{}\n]\n", lines.join(",\n")).into_bytes()));
        files.push(("private-key.hex".to_string(), format!("{}\n", hex(&PRIVATE_KEY)).into_bytes()));
        for (name, token) in &self.tokens {
            let contents =
                if name.ends_with(".hex") { format!("{}\n", hex(token)).into_bytes() } else { token.to_vec() };
            files.push((name.to_string(), contents));
        }
        files
    }
}

/// A server with a single slot, and what has been recorded so far.
struct Scene {
    now: f64,
    random: SplitMix64,
    server: Server,
    first: Guest,
    recording: Recording,
}

struct Guest {
    client: Client,
    address: SocketAddr,
}

/// What a datagram is to a reader, beyond what its header says.
#[derive(Default)]
struct Note {
    /// The request or response that it answers, by frame number.
    answers: Option<usize>,
    /// The first request of which it is a copy, by frame number.
    repeats: Option<usize>,
    /// The bytes of a payload.
    payload: Option<Vec<u8>>,
    /// Slot and number of slots in a keep-alive.
    keep_alive: Option<(u32, u32)>,
    /// No key opens it.
    forged: bool,
    /// It came before.
    replay: bool,
    /// A request with a token that has expired by then.
    expired: bool,
    /// More sequence bytes than its number takes.
    padded: bool,
    /// Nothing tells that it could be of this protocol.
    foreign: bool,
}

impl Scene {
    fn new() -> Self {
        let mut random = SplitMix64(SEED);
        let mut server = Server::new(server::Config {
            protocol_id: PROTOCOL_ID,
            private_key: Key::new(PRIVATE_KEY),
            public_addresses: [Some(server_v4()), Some(server_v6())],
            max_token_lifetime: EXPIRE_SECONDS as u32,
        });
        server.start(1, START, &mut random).expect("one slot");
        let first = Guest::at("10.0.0.1:50000");
        let recording = Recording { datagrams: Vec::new(), expected: Vec::new(), tokens: Vec::new() };
        Self { now: UP_BEFORE, random, server, first, recording }
    }

    /// A request that nobody answers, the handshake, payloads both ways, a replay and keep-alives.
    fn connection_over_ipv4(&mut self) {
        let token = self.token("client-1.token", 0xc11e_0001, server_v4(), EXPIRE_SECONDS, 0);
        let mut guest = std::mem::replace(&mut self.first, Guest::at("10.0.0.1:50000"));
        guest.connect(token, self.now);
        self.turn(&mut guest, Some(Kind::Request));
        self.turn(&mut guest, None);
        assert_eq!(guest.client.state(), State::Connected);

        let mut buffer = [0; MAX_SEALED_BYTES];
        let sent = guest.client.send(HELLO, &mut buffer).expect("connected");
        let payload = buffer[..sent.bytes].to_vec();
        self.note(guest.address, sent.to, &payload, Note { payload: Some(HELLO.to_vec()), ..Note::default() });
        self.server_receives(&mut guest, 0, payload.clone());
        let again = Note { payload: Some(HELLO.to_vec()), replay: true, ..Note::default() };
        self.note(guest.address, sent.to, &payload, again);

        let large: Vec<u8> = (0..netcode::MAX_PAYLOAD_BYTES).map(|i| i as u8).collect();
        let sent = self.server.send(0, &large, &mut buffer).expect("connected");
        let payload = Note { payload: Some(large), ..Note::default() };
        self.note(server_v4(), sent.to, &buffer[..sent.bytes], payload);
        for _ in 0..2 {
            self.turn(&mut guest, None);
        }
        self.first = guest;
    }

    /// The only slot is taken.
    fn denied(&mut self) {
        let token = self.token("client-2.token", 0xc11e_0002, server_v6(), EXPIRE_SECONDS, 0);
        let mut guest = Guest::at("[2001:db8::1]:50001");
        guest.connect(token, self.now);
        self.turn(&mut guest, None);
        let transition = guest.client.poll_transition().expect("there is no other server");
        assert_eq!(transition.current, State::ConnectionDenied);
    }

    /// One datagram for each thing that can be wrong, between two ends that are known to speak the protocol.
    fn malformed(&mut self) {
        let keep_alive_prefix = 0x14;
        let mut sealed = vec![0x5a; 1 + 1 + 8 + 16];
        sealed[0] = keep_alive_prefix;
        let with_prefix = |prefix: u8| [&[prefix], &sealed[1..]].concat();
        self.wrong(&sealed[..17], Malformed::TooSmall);
        self.wrong(&with_prefix(0x17), Malformed::Type);
        self.wrong(&with_prefix(0x10), Malformed::Type);
        self.wrong(&with_prefix(0x04), Malformed::SequenceBytes);
        self.wrong(&with_prefix(0x94), Malformed::SequenceBytes);
        self.wrong(&[&[0x86], &sealed[1..20]].concat(), Malformed::TooSmall);
        self.wrong(&[&sealed[..], &[0]].concat(), Malformed::Size);
        self.wrong(&with_prefix(0x11), Malformed::Size);
        self.wrong(&[&[0x15], &sealed[1..18]].concat(), Malformed::Size);
        self.wrong(&[&[0x15, 0][..], &[0; netcode::MAX_PAYLOAD_BYTES + 1 + 16]].concat(), Malformed::Size);

        let request = self.recording.datagrams[0].data.clone();
        self.wrong(&request[..REQUEST_BYTES - 1], Malformed::Size);
        let mut other_version = request.clone();
        other_version[12] = b'1';
        self.wrong(&other_version, Malformed::Version);

        // Well formed, but the token was not sealed for this time of expiry.
        let mut later = request;
        later[EXPIRE_TIMESTAMP.start] += 1;
        let note = Note { forged: true, repeats: Some(1), ..Note::default() };
        self.note(self.first.address, server_v4(), &later, note);
        // Well formed, but not sealed with any key.
        self.note(self.first.address, server_v4(), &sealed, Note { forged: true, ..Note::default() });
        let padded = [&[0x26, 200, 0], &sealed[..16]].concat();
        self.note(self.first.address, server_v4(), &padded, Note { forged: true, padded: true, ..Note::default() });
    }

    /// The first client leaves.
    fn leave_over_ipv4(&mut self) {
        let mut guest = std::mem::replace(&mut self.first, Guest::at("10.0.0.1:50000"));
        guest.client.disconnect();
        self.turn(&mut guest, None);
        assert_eq!(self.server.connected_clients(), 0);
    }

    /// With a token that never expires; a response is lost, and the server says goodbye.
    fn sent_away_over_ipv6(&mut self) {
        let token = self.token("client-3.token.hex", 0xc11e_0003, server_v6(), -1, 0);
        let mut guest = Guest::at("[2001:db8::1]:50002");
        guest.connect(token, self.now);
        self.turn(&mut guest, Some(Kind::Response));
        self.turn(&mut guest, None);
        assert_eq!(guest.client.state(), State::Connected);
        self.turn(&mut guest, None);
        let leaving = self.server.begin_leave(0, DisconnectReason::ServerDisconnect).expect("connected");
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some(sent) = self.server.poll_farewell(leaving, &mut buffer) {
            self.note(server_v6(), sent.to, &buffer[..sent.bytes], Note::default());
        }
        assert!(self.server.finish_leave(leaving));
    }

    /// The server does not answer to a token that has expired.
    fn expired(&mut self) {
        let token = self.token("client-4.token", 0xc11e_0004, server_v4(), EXPIRE_SECONDS, 3600);
        let mut guest = Guest::at("10.0.0.1:50003");
        guest.connect(token, self.now);
        self.turn(&mut guest, None);
    }

    /// What only looks like it, between strangers.
    fn other_protocols(&mut self) {
        let sealed = [&[0x16, 0][..], &[0x5a; 16]].concat();
        let foreign = || Note { foreign: true, forged: true, ..Note::default() };
        self.note(address("10.0.0.7:60000"), address("10.0.0.8:60001"), &sealed, foreign());
        self.note(address("10.0.0.7:60002"), address("10.0.0.8:60003"), b"something else altogether", foreign());
    }

    /// A moment later: the client sends what it has to, then the server. Of the client's packets, those of one type may
    /// be lost.
    fn turn(&mut self, guest: &mut Guest, lost: Option<Kind>) {
        self.now += TICK;
        guest.client.advance(self.now);
        self.server.advance(self.now);
        self.server.set_wall_clock(START + self.now as u64);
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some(sent) = guest.client.poll_transmit(&mut buffer) {
            let datagram = buffer[..sent.bytes].to_vec();
            let frame = self.client_sent(guest.address, &sent, &datagram);
            if lost != Some(sent.kind) {
                self.server_receives(guest, frame, datagram);
            }
        }
        let mut slot = 0;
        while let Some((found, sent)) = self.server.next_keep_alive(slot, &mut buffer) {
            slot = found + 1;
            let note = Note { keep_alive: Some((found as u32, 1)), ..Note::default() };
            self.note(server_of(sent.to), sent.to, &buffer[..sent.bytes], note);
        }
    }

    fn client_sent(&mut self, from: SocketAddr, sent: &netcode::Transmit, datagram: &[u8]) -> usize {
        let mut note = Note::default();
        if sent.kind == Kind::Request {
            let same = |earlier: &Datagram| earlier.data == datagram;
            note.repeats = self.recording.datagrams.iter().position(same).map(|index| index + 1);
            let expire = u64::from_le_bytes(datagram[EXPIRE_TIMESTAMP].try_into().expect("eight bytes"));
            note.expired = expire <= START + self.now as u64;
        }
        if sent.kind == Kind::KeepAlive {
            note.keep_alive = Some((0, 0));
        }
        let frame = self.note(from, sent.to, datagram, note);
        let kind = Value::from(sent.kind.to_string());
        assert_eq!(self.recording.expected[frame - 1]["kind"], kind, "a datagram that is not what was sent");
        frame
    }

    fn server_receives(&mut self, guest: &mut Guest, frame: usize, mut datagram: Vec<u8>) {
        let mut out = [0; MAX_SEALED_BYTES];
        let mut note = Note { answers: Some(frame), ..Note::default() };
        let bytes = match self.server.handle(guest.address, &mut datagram, &mut out) {
            server::Outcome::Reply { bytes, .. } => bytes,
            server::Outcome::Connected { keep_alive, slot, .. } => {
                note.keep_alive = Some((slot as u32, 1));
                keep_alive
            }
            server::Outcome::Left { slot } => {
                let leaving = self.server.begin_leave(slot, DisconnectReason::ClientDisconnect).expect("it was here");
                assert!(self.server.finish_leave(leaving));
                return;
            }
            _ => return,
        };
        self.note(server_of(guest.address), guest.address, &out[..bytes], note);
        self.client_receives(guest, &mut out, bytes);
    }

    fn client_receives(&mut self, guest: &mut Guest, buffer: &mut Buffer, bytes: usize) {
        let outcome = guest.client.handle(server_of(guest.address), &mut buffer[..bytes]);
        assert!(!matches!(outcome, client::Outcome::Ignored(_)), "{outcome:?}");
        guest.client.settle();
    }

    fn wrong(&mut self, datagram: &[u8], what: Malformed) {
        let frame = self.note(self.first.address, server_v4(), datagram, Note::default());
        let read = self.recording.expected[frame - 1]["malformed"].clone();
        assert_eq!(read, what.to_string(), "the library finds something else wrong with it");
    }

    /// Records a datagram and what is expected of its reader, and returns its frame number.
    fn note(&mut self, from: SocketAddr, to: SocketAddr, datagram: &[u8], note: Note) -> usize {
        let frame = self.recording.datagrams.len() + 1;
        let (kind, sequence, malformed) = describe(datagram);
        let all = [
            ("frame", json!(frame)),
            ("from", json!(from.to_string())),
            ("to", json!(to.to_string())),
            ("bytes", json!(datagram.len())),
            ("kind", json!(kind)),
            ("sequence", json!(sequence)),
            ("malformed", json!(malformed)),
            ("answers", json!(note.answers)),
            ("repeats", json!(note.repeats)),
            ("payload", json!(note.payload.map(|payload| hex(&payload)))),
            ("keep_alive", json!(note.keep_alive)),
            ("forged", json!(note.forged)),
            ("replay", json!(note.replay)),
            ("expired", json!(note.expired)),
            ("padded", json!(note.padded)),
            ("foreign", json!(note.foreign)),
        ];
        let absent = |value: &Value| value.is_null() || *value == json!(false);
        let expected =
            all.into_iter().filter(|(_, value)| !absent(value)).map(|(name, value)| (name.to_string(), value));
        self.recording.expected.push(Value::Object(expected.collect()));
        let at = Duration::from_secs(START) + Duration::from_secs_f64(self.now) + BETWEEN_DATAGRAMS * frame as u32;
        self.recording.datagrams.push(Datagram { at, from, to, data: datagram.to_vec() });
        frame
    }

    /// A token that was made `age` seconds ago.
    fn token(
        &mut self,
        name: &'static str,
        client_id: u64,
        server: SocketAddr,
        expire_seconds: i32,
        age: u64,
    ) -> ConnectToken {
        let mut user_data = [0; USER_DATA_BYTES];
        user_data[..name.len()].copy_from_slice(name.as_bytes());
        let request = TokenRequest {
            protocol_id: PROTOCOL_ID,
            client_id,
            expire_seconds,
            timeout_seconds: TIMEOUT_SECONDS,
            public_addresses: &[server],
            internal_addresses: &[server],
            user_data: &user_data,
        };
        let unix = START + self.now as u64 - age;
        let token = request.generate(&Key::new(PRIVATE_KEY), unix, &mut self.random).expect("one server");
        self.recording.tokens.push((name, token));
        ConnectToken::read(&token).expect("just made")
    }
}

impl Guest {
    fn at(text: &str) -> Self {
        Self { client: Client::new(), address: address(text) }
    }

    fn connect(&mut self, token: ConnectToken, now: f64) {
        self.client.advance(now);
        let _ = self.client.connect(token);
    }
}

/// Type, sequence number, and what is wrong, as the library reads them.
fn describe(datagram: &[u8]) -> (Option<String>, Option<u64>, Option<String>) {
    if netcode::packet::Request::is_claimed_by(datagram) {
        let wrong = netcode::packet::Request::read(datagram).err();
        return (Some(Kind::Request.to_string()), None, wrong.map(|wrong| wrong.to_string()));
    }
    match Header::read(datagram) {
        Ok(header) => (Some(header.kind.to_string()), Some(header.sequence), None),
        Err(wrong) => (None, None, Some(wrong.to_string())),
    }
}

fn server_v4() -> SocketAddr {
    address("10.0.0.2:40000")
}

fn server_v6() -> SocketAddr {
    address("[2001:db8::2]:40000")
}

fn server_of(client: SocketAddr) -> SocketAddr {
    if client.is_ipv4() { server_v4() } else { server_v6() }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same numbers on every run. A recording needs no secrets.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl TryRng for SplitMix64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.next() as u8);
        Ok(())
    }
}

impl TryCryptoRng for SplitMix64 {}
