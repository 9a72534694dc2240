//! The workloads, the same for every implementation and transport.

use crate::implementation::{Client, EXPIRE_SECONDS, Implementation, PROTOCOL_ID, Server, Transport};
use crate::measure::{Prepared, Rounds};
use crate::network::{Network, SERVER};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Instant, SystemTime};

/// 60 ticks a second.
const TICK: f64 = 1.0 / 60.0;
/// Longer than the interval between packets while connecting, so that every tick makes a step.
const CONNECTING_TICK: f64 = 0.125;
/// An eighth of the above.
const IDLE_TICK: f64 = CONNECTING_TICK / IDLE_TICKS as f64;
const IDLE_TICKS: u64 = 8;
/// Attempts to see something through, within a tick or over several.
const PATIENCE: usize = 1000;
/// Packets that arrive between two updates of a flooded server; they must fit into a socket's buffer.
const FLOOD_BATCH: usize = 64;
const FLOOD_PACKETS: usize = 1024;
const SLOTS: usize = 64;

/// Where packets go.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Medium {
    Memory,
    Sockets,
}

impl Medium {
    fn transport(self, clients: usize) -> Transport {
        match self {
            Self::Memory => Transport::Memory(Network::new(clients)),
            Self::Sockets => Transport::Sockets,
        }
    }
}

/// What to measure.
#[derive(Clone, Copy)]
pub(crate) enum Workload {
    Token,
    Handshake { clients: usize },
    Payload { bytes: usize, clients: usize },
    Garbage,
    Requests,
    Idle { clients: usize },
}

impl Workload {
    pub(crate) const ALL: [Self; 11] = [
        Self::Token,
        Self::Handshake { clients: SLOTS },
        Self::Payload { bytes: 16, clients: 1 },
        Self::Payload { bytes: 100, clients: 1 },
        Self::Payload { bytes: 1200, clients: 1 },
        Self::Payload { bytes: 16, clients: SLOTS },
        Self::Payload { bytes: 100, clients: SLOTS },
        Self::Payload { bytes: 1200, clients: SLOTS },
        Self::Garbage,
        Self::Requests,
        Self::Idle { clients: SLOTS },
    ];

    pub(crate) fn title(self) -> String {
        match self {
            Self::Token => "connect token".to_string(),
            Self::Handshake { clients } => format!("handshake, {clients} clients"),
            Self::Payload { bytes, clients: 1 } => format!("payload of {bytes}, 1 client"),
            Self::Payload { bytes, clients } => format!("payload of {bytes}, {clients} clients"),
            Self::Garbage => "flood: garbage".to_string(),
            Self::Requests => "flood: forged requests".to_string(),
            Self::Idle { clients } => format!("idle server, {clients} clients"),
        }
    }

    /// What the time is per.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Handshake { .. } => "client",
            Self::Payload { .. } | Self::Garbage | Self::Requests => "packet",
            Self::Idle { .. } => "tick",
        }
    }

    pub(crate) fn prepare<'a>(
        self,
        implementation: &'a dyn Implementation,
        medium: Medium,
    ) -> Result<Prepared<'a>, String> {
        let (rounds, operations) = match self {
            Self::Token => (token(implementation), 1),
            Self::Handshake { clients } => (handshake(implementation, medium, clients), clients),
            Self::Payload { bytes, clients } => (payload(implementation, medium, bytes, clients)?, 2 * clients),
            Self::Garbage => (flood(implementation, medium, garbage())?, FLOOD_BATCH),
            Self::Requests => (flood(implementation, medium, requests())?, FLOOD_BATCH),
            Self::Idle { clients } => (idle(implementation, medium, clients)?, IDLE_TICKS as usize),
        };
        Ok(Prepared { rounds, operations: operations as u64 })
    }
}

fn no_payload(payload: &[u8]) {
    panic!("a payload of {} bytes that nobody sent", payload.len());
}

/// A server and its clients, and their clock.
struct Session<'a> {
    server: Box<dyn Server + 'a>,
    clients: Vec<Box<dyn Client + 'a>>,
    time: f64,
}

impl<'a> Session<'a> {
    /// Starts a server and, when the stopwatch says so, connects clients to it.
    fn connect(
        implementation: &'a dyn Implementation,
        transport: &Transport,
        slots: usize,
        clients: usize,
        stopwatch: impl FnOnce(&mut dyn FnMut() -> Result<(), String>) -> Result<(), String>,
    ) -> Result<Self, String> {
        let server = implementation.server(transport, slots)?;
        let mut backend = implementation.backend(server.address());
        let tokens: Vec<_> = (0..clients).map(|index| backend(1000 + index as u64)).collect();
        let mut session = Session { server, clients: Vec::new(), time: 0.0 };
        stopwatch(&mut || {
            for (index, token) in tokens.iter().enumerate() {
                session.clients.push(implementation.client(transport, index, token)?);
            }
            session.finish_connecting()
        })?;
        Ok(session)
    }

    fn ready(
        implementation: &'a dyn Implementation,
        transport: &Transport,
        slots: usize,
        clients: usize,
    ) -> Result<Self, String> {
        Self::connect(implementation, transport, slots, clients, |connect| connect())
    }

    fn finish_connecting(&mut self) -> Result<(), String> {
        for _ in 0..PATIENCE {
            self.time += CONNECTING_TICK;
            self.clients.iter_mut().for_each(|client| client.update(self.time, &mut no_payload));
            self.server.update(self.time, &mut no_payload);
            let all = self.clients.iter().all(|client| client.connected());
            if all && self.server.connected() == self.clients.len() {
                return Ok(());
            }
        }
        Err(format!("only {} of {} clients connected", self.server.connected(), self.clients.len()))
    }

    /// Sends a payload each way between the server and every client, and checks what arrives.
    fn exchange(&mut self, up: &[u8], down: &[u8]) -> Result<(), String> {
        self.clients.iter_mut().for_each(|client| client.send(up));
        self.server.send_to_all(down);
        let mut arrived = 0;
        let mut wrong = 0;
        for _ in 0..PATIENCE {
            self.server.update(self.time, &mut |payload| if payload == up { arrived += 1 } else { wrong += 1 });
            for client in &mut self.clients {
                client.update(self.time, &mut |payload| if payload == down { arrived += 1 } else { wrong += 1 });
            }
            if wrong > 0 {
                return Err("a payload arrived with wrong contents".to_string());
            }
            if arrived == 2 * self.clients.len() {
                return Ok(());
            }
        }
        if arrived == 0 {
            return Err(format!("its payloads of {} bytes do not arrive", up.len()));
        }
        Err(format!("only {arrived} of {} payloads arrived", 2 * self.clients.len()))
    }
}

fn token(implementation: &dyn Implementation) -> Rounds<'_> {
    let mut backend = implementation.backend(SERVER);
    let mut client_id = 0;
    Box::new(move |rounds, watch| {
        watch.time(|| {
            for _ in 0..rounds {
                client_id += 1;
                black_box(backend(client_id));
            }
        });
        Ok(())
    })
}

/// From the bytes of a connect token to a connected client: creating the client counts, too.
fn handshake(implementation: &dyn Implementation, medium: Medium, clients: usize) -> Rounds<'_> {
    Box::new(move |rounds, watch| {
        for _ in 0..rounds {
            let transport = medium.transport(clients);
            Session::connect(implementation, &transport, clients, clients, |connect| watch.time(connect))?;
        }
        Ok(())
    })
}

/// One payload per client and tick each way: sealed, carried, opened and checked.
fn payload(
    implementation: &dyn Implementation,
    medium: Medium,
    bytes: usize,
    clients: usize,
) -> Result<Rounds<'_>, String> {
    let mut session = Session::ready(implementation, &medium.transport(clients), clients, clients)?;
    let mut up: Vec<u8> = (0..bytes).map(|index| index as u8).collect();
    let mut down: Vec<u8> = up.iter().map(|byte| !byte).collect();
    let mut tick = 0u64;
    Ok(Box::new(move |rounds, watch| {
        watch.time(|| {
            for _ in 0..rounds {
                tick += 1;
                session.time += TICK;
                up[..8].copy_from_slice(&tick.to_le_bytes());
                down[..8].copy_from_slice(&(!tick).to_le_bytes());
                session.exchange(&up, &down)?;
            }
            Ok(())
        })
    }))
}

/// Updates of a server while nothing but keep-alive packets goes either way.
fn idle(implementation: &dyn Implementation, medium: Medium, clients: usize) -> Result<Rounds<'_>, String> {
    let mut session = Session::ready(implementation, &medium.transport(clients), clients, clients)?;
    Ok(Box::new(move |rounds, watch| {
        for _ in 0..rounds {
            watch.time(|| {
                for _ in 0..IDLE_TICKS {
                    session.time += IDLE_TICK;
                    session.server.update(session.time, &mut no_payload);
                }
            });
            session.clients.iter_mut().for_each(|client| client.update(session.time, &mut no_payload));
        }
        if session.server.connected() != clients {
            return Err("clients were lost".to_string());
        }
        Ok(())
    }))
}

/// Updates of a server with one client, with a batch of unwanted packets before each.
fn flood(implementation: &dyn Implementation, medium: Medium, mut packets: Vec<Vec<u8>>) -> Result<Rounds<'_>, String> {
    let transport = medium.transport(1);
    let mut session = Session::ready(implementation, &transport, SLOTS, 1)?;
    let target = session.server.address();
    let sources = match medium {
        Medium::Memory => Vec::new(),
        Medium::Sockets => (0..FLOOD_BATCH)
            .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?,
    };
    let mut next = 0;
    // Real time, as forged requests carry real times.
    let (start, first) = (Instant::now(), session.time);
    Ok(Box::new(move |rounds, watch| {
        for _ in 0..rounds {
            session.time = first + start.elapsed().as_secs_f64();
            session.clients[0].update(session.time, &mut no_payload);
            for _ in 0..FLOOD_BATCH {
                let packet = &mut packets[next];
                refresh(packet);
                match &transport {
                    Transport::Memory(network) => network.send(flood_address(next), target, packet),
                    Transport::Sockets => {
                        let source = &sources[next % FLOOD_BATCH];
                        source.send_to(packet, target).map_err(|error| error.to_string())?;
                    }
                }
                next = (next + 1) % FLOOD_PACKETS;
            }
            watch.time(|| {
                session.server.update(session.time, &mut no_payload);
                while let Transport::Memory(network) = &transport {
                    if !network.server_has_mail() {
                        break;
                    }
                    session.server.update(session.time, &mut no_payload);
                }
            });
        }
        // The server is well, and has taken what came before this.
        session.exchange(b"still there?", b"still here.")
    }))
}

/// An address that no client has.
fn flood_address(index: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 1, (index >> 8) as u8, index as u8), 9000))
}

/// Pseudo-random numbers that are the same in each run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// A prefix byte with a sequence number of one byte.
fn prefix(packet_type: u8) -> u8 {
    1 << 4 | packet_type
}

/// Random bytes of 20 to 1200 bytes, or the size that fits; of each four packets, three begin as a
/// payload, a keep-alive and a response would, and the fourth as no packet does.
fn garbage() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(1);
    (0..FLOOD_PACKETS)
        .map(|index| {
            let size = 20 + (numbers.next() % 1181) as usize;
            let (first, size) = match index % 4 {
                0 => (prefix(5), size),
                1 => (prefix(4), 1 + 1 + 8 + 16),
                2 => (prefix(3), 1 + 1 + 308 + 16),
                _ => (0xff, size),
            };
            let mut packet = numbers.bytes(size);
            packet[0] = first;
            packet
        })
        .collect()
}

const REQUEST_BYTES: usize = 1078;
const REQUEST_VERSION: &[u8; 13] = b"NETCODE 1.02\0";
/// Where the time is at which a request's token expires.
const REQUEST_EXPIRES: std::ops::Range<usize> = 22..30;

/// Connection requests that are right in all that can be known without the private key.
fn requests() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(2);
    (0..FLOOD_PACKETS)
        .map(|_| {
            let mut packet = numbers.bytes(REQUEST_BYTES);
            packet[0] = 0;
            packet[1..14].copy_from_slice(REQUEST_VERSION);
            packet[14..22].copy_from_slice(&PROTOCOL_ID.to_le_bytes());
            packet
        })
        .collect()
}

/// Has a request's token expire when one made now would.
fn refresh(packet: &mut [u8]) {
    if packet.len() == REQUEST_BYTES && packet[0] == 0 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock past 1970");
        let expires = now.as_secs() + u64::from(EXPIRE_SECONDS);
        packet[REQUEST_EXPIRES].copy_from_slice(&expires.to_le_bytes());
    }
}
