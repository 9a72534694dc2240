//! The server's side of connections (standard, "Server-Side Connection Process").
//!
//! A [`Server`] holds no socket and reads no clock. While it is running its user
//! - [advances](Server::advance) it to the current time, and sets its wall clock,
//! - hands it every datagram that came in ([`Server::handle`]) and acts on the [`Outcome`],
//! - sends the keep-alives that are due ([`Server::next_keep_alive`]), and
//! - sees off the clients that have fallen silent ([`Server::next_timed_out`]).
//!
//! A client leaves in steps, so that the application can be told while the client's data is still
//! there: [`Server::begin_leave`], then [`Server::poll_farewell`] until it gives nothing more, then
//! [`Server::finish_leave`].

mod history;
mod mappings;
mod seed;
mod slots;

use std::fmt;
use std::net::SocketAddr;

use allocator_api2::alloc::{Allocator, Global};
use rand::TryCryptoRng;

pub use history::MAX_HISTORY;
pub use mappings::MAX_MAPPINGS;

use crate::address::same;
use crate::crypto::Key;
use crate::packet::{Buffer, Challenge, Header, KeepAlive, Kind, Malformed, Packet, Protocol, Request};
use crate::replay::ReplayWindow;
use crate::token::{ChallengeToken, InvalidPrivateToken, PrivateToken};
use crate::{MAX_CLIENTS, SendError, Transmit, UserData};
use history::{History, Standing};
use mappings::{Mapping, Mappings};
use seed::Seed;
use slots::{Link, Occupant, Slots};

/// Packets before a client has a slot are numbered in the top half of the range, which per-client
/// numbers never reach.
const GLOBAL_SEQUENCE_BASE: u64 = 1 << 63;

/// How many random bits give the start of the global sequence its place in the top half.
const GLOBAL_SEQUENCE_BITS: u32 = 62;

/// What a server must know of itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// The game or application; clients with another are ignored.
    pub protocol_id: u64,
    /// The key that servers share with the backend.
    pub private_key: Key,
    /// How connect tokens name this server.
    pub public_addresses: [Option<SocketAddr>; 2],
    /// The longest time, in seconds, for which the backend's tokens can be used. For that long after
    /// a start, tokens that could have been used before it are refused.
    pub max_token_lifetime: u32,
}

/// Why a client was disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DisconnectReason {
    /// It was not.
    None = 0,
    /// Nothing was heard of it for too long.
    TimedOut = 1,
    /// It left.
    ClientDisconnect = 2,
    /// It was sent away.
    ServerDisconnect = 3,
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<'d> {
    /// Data for the application.
    Payload {
        /// The slot of the client that sent it.
        slot: usize,
        /// The client's number of the packet.
        sequence: u64,
        /// The data, decrypted in place.
        data: &'d [u8],
    },
    /// A sign of life.
    KeptAlive {
        /// The client's slot.
        slot: usize,
    },
    /// An answer waits in the buffer, for the address from which the datagram came.
    Reply {
        /// A challenge, or that the server is full.
        kind: Kind,
        /// The size of the answer.
        bytes: usize,
    },
    /// A handshake is complete, and a client has a slot. It is to be told so at once.
    Connected {
        /// The client's slot.
        slot: usize,
        /// The client's id.
        client_id: u64,
        /// The application data in the client's token. The server does not keep it.
        user_data: &'d UserData,
        /// The size of the packet in the buffer that tells the client.
        keep_alive: usize,
    },
    /// A client says that it leaves: [`Server::begin_leave`] with
    /// [`DisconnectReason::ClientDisconnect`] is next.
    Left {
        /// The client's slot.
        slot: usize,
    },
    /// Nothing has changed.
    Ignored(Ignored),
}

/// Why a datagram was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The server is not running.
    NotRunning,
    /// It is no packet.
    Malformed(Malformed),
    /// It comes from a source without a connection, and is no request.
    UnknownSource,
    /// A packet of this type is not expected from its source now.
    Unexpected(Kind),
    /// It was received before, or is too old to tell.
    Replayed,
    /// It is not authentic.
    Forged,
    /// A request for another game.
    ProtocolId,
    /// A request with a token that has expired.
    TokenExpired,
    /// A request with a token that could have been used before the server's start.
    TokenPredatesStart,
    /// A request with a token that has been used, or shown from another address.
    TokenUsed,
    /// A request with a token whose private part makes no sense.
    TokenMalformed,
    /// A request with a token for other servers.
    NotForThisServer,
    /// There is a client at this address already.
    AddressConnected,
    /// There is a client with this id already.
    ClientIdConnected,
    /// No more tokens can be remembered.
    HistoryFull,
    /// No more handshakes can be under way.
    MappingsFull,
    /// An answer to a challenge that was another token's, or another server's.
    OtherChallenge,
}

/// Why a server did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError<E> {
    /// A server has 1 to [`MAX_CLIENTS`] slots.
    MaxClients,
    /// Memory ran out.
    OutOfMemory,
    /// The source of random bytes failed.
    Random(E),
}

/// A client on its way out. It stays valid to hold, and does nothing once the client is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the client keeps its slot until finish_leave"]
pub struct Leaving {
    slot: usize,
    generation: u64,
}

impl Leaving {
    /// The slot that the client has until it has left.
    pub fn slot(&self) -> usize {
        self.slot
    }
}

/// A dedicated server for up to [`MAX_CLIENTS`] clients. All its memory comes from `A`.
pub struct Server<A: Allocator + Clone = Global> {
    config: Config,
    protocol: Protocol,
    allocator: A,
    now: f64,
    unix: u64,
    /// How many clients there have been, over all starts.
    generation: u64,
    running: Option<Running<A>>,
}

/// Everything that begins anew with each start.
struct Running<A: Allocator> {
    /// The application is stopping the server: nobody comes in any more.
    closing: bool,
    challenge_key: Key,
    challenge_sequence: u64,
    global_sequence: u64,
    /// Tokens that expire before this could have been used before the start.
    min_expire: u64,
    seed: Seed,
    history: History<A>,
    mappings: Mappings<A>,
    slots: Slots<A>,
}

impl Server {
    /// A stopped server with memory from the global allocator.
    pub fn new(config: Config) -> Self {
        Self::new_in(config, Global)
    }
}

impl<A: Allocator + Clone> Server<A> {
    /// A stopped server with memory from this allocator.
    pub fn new_in(config: Config, allocator: A) -> Self {
        Self {
            protocol: Protocol::new(config.protocol_id),
            config,
            allocator,
            now: 0.0,
            unix: 0,
            generation: 0,
            running: None,
        }
    }

    /// Starts with this many slots and new secrets, forgetting everything about an earlier start.
    /// `unix` is the wall clock in Unix seconds.
    pub fn start<R: TryCryptoRng>(
        &mut self,
        max_clients: usize,
        unix: u64,
        random: &mut R,
    ) -> Result<(), StartError<R::Error>> {
        self.stop();
        self.unix = unix;
        if !(1..=MAX_CLIENTS).contains(&max_clients) {
            return Err(StartError::MaxClients);
        }
        let seed = Seed::generate(random).map_err(StartError::Random)?;
        let offset = random.try_next_u64().map_err(StartError::Random)? >> (u64::BITS - GLOBAL_SEQUENCE_BITS);
        self.running = Some(Running {
            closing: false,
            challenge_key: Key::generate(random).map_err(StartError::Random)?,
            challenge_sequence: 0,
            global_sequence: GLOBAL_SEQUENCE_BASE + offset,
            min_expire: unix.saturating_add(self.config.max_token_lifetime.into()),
            seed,
            history: History::new_in(self.allocator.clone()),
            mappings: Mappings::new_in(self.allocator.clone()),
            slots: Slots::new_in(max_clients, self.allocator.clone()).map_err(|_| StartError::OutOfMemory)?,
        });
        Ok(())
    }

    /// Lets nobody in any more, until the next start. What disconnects the clients before a [`stop`](Self::stop)
    /// may run code of the application, and each client that came in meanwhile would vanish without a word.
    pub fn close(&mut self) {
        if let Some(running) = &mut self.running {
            running.closing = true;
        }
    }

    /// Forgets clients, handshakes, tokens and keys without a word to anybody. Disconnect the
    /// clients first to take leave.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Sets the wall clock, in Unix seconds, by which connect tokens expire.
    pub fn set_wall_clock(&mut self, unix: u64) {
        self.unix = unix;
    }

    /// Sets the time, in seconds. A time that is not finite is ignored; after a step backwards the
    /// timers go on from the new time.
    pub fn advance(&mut self, now: f64) {
        if !now.is_finite() {
            return;
        }
        if let Some(running) = &mut self.running {
            if now < self.now {
                running.mappings.clamp_times(now);
                running.slots.clamp_times(now);
            }
            running.mappings.sweep_at_times(now);
        }
        self.now = now;
    }

    /// Takes a datagram that came in, decrypts it in place, and leaves any answer in `out`.
    pub fn handle<'d>(&mut self, source: SocketAddr, datagram: &'d mut [u8], out: &mut Buffer) -> Outcome<'d> {
        let outcome = if Request::is_claimed_by(datagram) {
            self.handle_request(source, datagram, out)
        } else {
            self.handle_sealed(source, datagram, out)
        };
        outcome.unwrap_or_else(Outcome::Ignored)
    }

    /// The first client from slot `from` on to whom nothing was sent for a while, and the packet for
    /// it. Ask again from the slot after it.
    pub fn next_keep_alive(&mut self, from: usize, out: &mut Buffer) -> Option<(usize, Transmit)> {
        let (protocol, now) = (&self.protocol, self.now);
        let slots = &mut self.running.as_mut()?.slots;
        let slot = slots.next_quiet(from, now)?;
        let keep_alive = KeepAlive { client_index: slot as u32, max_clients: slots.len() as u32 };
        let transmit = slots.get_mut(slot)?.seal_keep_alive(keep_alive, protocol, now, out)?;
        Some((slot, transmit))
    }

    /// The first client from slot `from` on that has not been heard of for its timeout:
    /// [`begin_leave`](Self::begin_leave) with [`DisconnectReason::TimedOut`] is next.
    pub fn next_timed_out(&mut self, from: usize) -> Option<usize> {
        self.running.as_mut()?.slots.next_timed_out(from, self.now)
    }

    /// The keep-alive that goes before a payload to a client that may not know yet that it is
    /// connected.
    pub fn keep_alive_before_payload(&mut self, slot: usize, out: &mut Buffer) -> Option<Transmit> {
        let slots = &mut self.running.as_mut()?.slots;
        let keep_alive = KeepAlive { client_index: slot as u32, max_clients: slots.len() as u32 };
        let occupant = slots.get_mut(slot)?;
        if occupant.link.as_ref()?.confirmed {
            return None;
        }
        occupant.seal_keep_alive(keep_alive, &self.protocol, self.now, out)
    }

    /// Seals a payload for a client. Send [`keep_alive_before_payload`] first.
    ///
    /// [`keep_alive_before_payload`]: Self::keep_alive_before_payload
    pub fn send(&mut self, slot: usize, payload: &[u8], out: &mut Buffer) -> Result<Transmit, SendError> {
        let running = self.running.as_mut().ok_or(SendError::NotConnected)?;
        let occupant = running.slots.get_mut(slot).ok_or(SendError::NotConnected)?;
        occupant.seal_payload(payload, &self.protocol, self.now, out)
    }

    /// Marks a client as leaving. `None` if there is none in the slot, or it is leaving already.
    pub fn begin_leave(&mut self, slot: usize, reason: DisconnectReason) -> Option<Leaving> {
        let slots = &mut self.running.as_mut()?.slots;
        let occupant = slots.get_mut(slot).filter(|occupant| !occupant.is_leaving())?;
        occupant.leave(reason);
        let generation = occupant.generation;
        slots.set_reason(slot, reason);
        Some(Leaving { slot, generation })
    }

    /// The client in a slot, if it is leaving.
    pub fn leaving(&self, slot: usize) -> Option<Leaving> {
        let occupant = self.running.as_ref()?.slots.get(slot)?;
        occupant.is_leaving().then_some(Leaving { slot, generation: occupant.generation })
    }

    /// The next of the packets that tell a client that it has been sent away. None are for a client
    /// that left by itself or fell silent.
    pub fn poll_farewell(&mut self, leaving: Leaving, out: &mut Buffer) -> Option<Transmit> {
        let occupant = self.running.as_mut()?.slots.get_mut(leaving.slot)?;
        if occupant.generation != leaving.generation {
            return None;
        }
        occupant.seal_farewell(&self.protocol, self.now, out)
    }

    /// Frees the slot and wipes the keys of a leaving client. False if that has been done before.
    pub fn finish_leave(&mut self, leaving: Leaving) -> bool {
        let Some(running) = &mut self.running else { return false };
        let generation = running.slots.get(leaving.slot).map(|occupant| occupant.generation);
        if generation != Some(leaving.generation) {
            return false;
        }
        running.slots.remove(&running.seed, leaving.slot);
        true
    }

    /// Puts a client of this process into a free slot. It needs no packets and never times out.
    pub fn connect_loopback(&mut self, slot: usize, client_id: u64) -> bool {
        let Some(running) = &mut self.running else { return false };
        if running.closing || slot >= running.slots.len() || running.slots.get(slot).is_some() {
            return false;
        }
        self.generation += 1;
        let occupant = Occupant { client_id, generation: self.generation, sequence: 0, farewells: None, link: None };
        running.slots.install(&running.seed, slot, occupant);
        true
    }

    /// The number of the next payload to a client of this process, counted on.
    pub fn take_loopback_sequence(&mut self, slot: usize) -> Option<u64> {
        let occupant = self.running.as_mut()?.slots.get_mut(slot)?;
        if occupant.link.is_some() {
            return None;
        }
        occupant.sequence += 1;
        Some(occupant.sequence - 1)
    }

    /// Whether the server has been started and not stopped.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// How many slots there are.
    pub fn max_clients(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.slots.len())
    }

    /// How many clients are connected, those that are leaving included.
    pub fn connected_clients(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.slots.connected())
    }

    /// Whether there is a client in this slot. A leaving client is there until it has left.
    pub fn is_connected(&self, slot: usize) -> bool {
        self.occupant(slot).is_some()
    }

    /// Whether the client in this slot is in this process.
    pub fn is_loopback(&self, slot: usize) -> bool {
        self.occupant(slot).is_some_and(|occupant| occupant.link.is_none())
    }

    /// The id of the client in this slot.
    pub fn client_id(&self, slot: usize) -> Option<u64> {
        Some(self.occupant(slot)?.client_id)
    }

    /// Where the client in this slot is.
    pub fn client_address(&self, slot: usize) -> Option<SocketAddr> {
        Some(self.occupant(slot)?.link.as_ref()?.address)
    }

    /// The number of the next packet to the client in this slot.
    pub fn next_packet_sequence(&self, slot: usize) -> Option<u64> {
        Some(self.occupant(slot)?.sequence)
    }

    /// A number that tells the client in this slot from all others there were or will be.
    pub fn client_number(&self, slot: usize) -> Option<u64> {
        Some(self.occupant(slot)?.generation)
    }

    /// Why the last client of this slot was disconnected.
    pub fn disconnect_reason(&self, slot: usize) -> DisconnectReason {
        self.running.as_ref().map_or(DisconnectReason::None, |running| running.slots.reason(slot))
    }

    fn occupant(&self, slot: usize) -> Option<&Occupant> {
        self.running.as_ref()?.slots.get(slot)
    }

    /// A connection request. Whatever costs little comes before whatever costs much.
    fn handle_request<'d>(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        out: &mut Buffer,
    ) -> Result<Outcome<'d>, Ignored> {
        let running = self.running.as_mut().filter(|running| !running.closing).ok_or(Ignored::NotRunning)?;
        let request = Request::read(datagram).map_err(Ignored::Malformed)?;
        if request.seal.protocol_id != self.config.protocol_id {
            return Err(Ignored::ProtocolId);
        }
        let expire_timestamp = request.seal.expire_timestamp;
        if expire_timestamp <= self.unix || running.history.may_have_forgotten(expire_timestamp) {
            return Err(Ignored::TokenExpired);
        }
        if expire_timestamp < running.min_expire {
            return Err(Ignored::TokenPredatesStart);
        }
        let mac = PrivateToken::mac(request.private_data);
        let standing = running.history.standing(&running.seed, &mac, &source);
        if standing == Standing::Refused {
            return Err(Ignored::TokenUsed);
        }
        let hash = running.seed.of_source(&source);
        if running.slots.find_source(hash, &source).is_some() {
            return Err(Ignored::AddressConnected);
        }
        let again = match standing {
            Standing::Pending if !running.slots.is_full() => {
                running.mappings.brought_by(hash, &source, &request, self.now)
            }
            _ => None,
        };
        if let Some(mapping) = again {
            if running.slots.has_client_id(&running.seed, mapping.client_id) {
                return Err(Ignored::ClientIdConnected);
            }
            mapping.renew(self.now);
            return running.challenge(&self.protocol, hash, &source, self.now, out);
        }
        let token =
            PrivateToken::open(request.private_data, &request.seal, &self.config.private_key).map_err(|invalid| {
                match invalid {
                    InvalidPrivateToken::Forged => Ignored::Forged,
                    InvalidPrivateToken::Malformed => Ignored::TokenMalformed,
                }
            })?;
        let mut public_addresses = self.config.public_addresses.iter().flatten();
        if !public_addresses.any(|public| token.servers.as_slice().iter().any(|server| same(server, public))) {
            return Err(Ignored::NotForThisServer);
        }
        if running.slots.has_client_id(&running.seed, token.client_id) {
            return Err(Ignored::ClientIdConnected);
        }
        if standing == Standing::Unknown {
            running
                .history
                .add(&running.seed, &mac, source, expire_timestamp, self.unix)
                .map_err(|_| Ignored::HistoryFull)?;
        }
        if running.slots.is_full() {
            return Ok(running.deny(&self.protocol, &token.server_to_client, out));
        }
        let remote = running.slots.remote();
        running
            .mappings
            .add(&running.seed, source, &token, &request, self.now, remote)
            .map_err(|_| Ignored::MappingsFull)?;
        running.challenge(&self.protocol, hash, &source, self.now, out)
    }

    /// Any other packet: from a connected client, or the answer to a challenge.
    fn handle_sealed<'d>(
        &mut self,
        source: SocketAddr,
        datagram: &'d mut [u8],
        out: &mut Buffer,
    ) -> Result<Outcome<'d>, Ignored> {
        let running = self.running.as_mut().ok_or(Ignored::NotRunning)?;
        let header = Header::read(datagram).map_err(Ignored::Malformed)?;
        let hash = running.seed.of_source(&source);
        if let Some((slot, link)) = running.slots.find_source(hash, &source) {
            return link.receive(slot, header, datagram, &self.protocol, self.now);
        }
        let mapping = running.mappings.find(hash, &source, self.now).ok_or(Ignored::UnknownSource)?;
        if header.kind != Kind::Response {
            return Err(Ignored::Unexpected(header.kind));
        }
        if running.closing {
            return Err(Ignored::NotRunning);
        }
        let packet = header.open(datagram, &self.protocol, &mapping.client_to_server).map_err(|_| Ignored::Forged)?;
        let Packet::Response(response) = packet else {
            return Err(Ignored::Unexpected(header.kind));
        };
        let challenge = running.proven_by(response, mapping)?;
        if running.slots.has_client_id(&running.seed, challenge.client_id) {
            return Err(Ignored::ClientIdConnected);
        }
        let Some(slot) = running.slots.first_free() else {
            let key = mapping.server_to_client.clone();
            return Ok(running.deny(&self.protocol, &key, out));
        };
        self.generation += 1;
        let keep_alive = running
            .install(&self.protocol, slot, hash, source, self.generation, self.now, out)
            .ok_or(Ignored::UnknownSource)?;
        Ok(Outcome::Connected { slot, client_id: challenge.client_id, user_data: challenge.user_data, keep_alive })
    }
}

impl<A: Allocator + Clone> Running<A> {
    /// Asks a source that has a mapping to prove its address.
    fn challenge<'d>(
        &mut self,
        protocol: &Protocol,
        hash: u64,
        source: &SocketAddr,
        now: f64,
        out: &mut Buffer,
    ) -> Result<Outcome<'d>, Ignored> {
        let mapping = self.mappings.find(hash, source, now).ok_or(Ignored::UnknownSource)?;
        let challenge = ChallengeToken { client_id: mapping.client_id, user_data: &mapping.user_data };
        let mut sealed = challenge.seal(self.challenge_sequence, &self.challenge_key);
        let packet = Packet::Challenge(Challenge { sequence: self.challenge_sequence, token: &mut sealed });
        let bytes = packet.write(self.global_sequence, protocol, &mapping.server_to_client, out);
        self.challenge_sequence += 1;
        self.global_sequence += 1;
        Ok(Outcome::Reply { kind: Kind::Challenge, bytes })
    }

    /// Tells the owner of a good token that there is no room.
    fn deny<'d>(&mut self, protocol: &Protocol, key: &Key, out: &mut Buffer) -> Outcome<'d> {
        let bytes = Packet::Denied.write(self.global_sequence, protocol, key, out);
        self.global_sequence += 1;
        Outcome::Reply { kind: Kind::Denied, bytes }
    }

    /// Opens the challenge that a response brings back. It must be the one made for the very token
    /// whose keys the sender holds.
    fn proven_by<'d>(&self, response: Challenge<'d>, mapping: &Mapping) -> Result<ChallengeToken<'d>, Ignored> {
        let challenge = ChallengeToken::open(response.token, response.sequence, &self.challenge_key)
            .ok_or(Ignored::OtherChallenge)?;
        if challenge.client_id != mapping.client_id || *challenge.user_data != mapping.user_data {
            return Err(Ignored::OtherChallenge);
        }
        Ok(challenge)
    }

    /// Turns the mapping of a source into a connected client, and leaves the keep-alive that tells
    /// it so in `out`.
    #[allow(clippy::too_many_arguments)]
    fn install(
        &mut self,
        protocol: &Protocol,
        slot: usize,
        hash: u64,
        source: SocketAddr,
        generation: u64,
        now: f64,
        out: &mut Buffer,
    ) -> Option<usize> {
        let mapping = self.mappings.take(hash, &source)?;
        self.history.consume(&self.seed, &mapping.mac());
        let mut occupant = Occupant {
            client_id: mapping.client_id,
            generation,
            sequence: 0,
            farewells: None,
            link: Some(Link {
                address: source,
                client_to_server: mapping.client_to_server.clone(),
                server_to_client: mapping.server_to_client.clone(),
                timeout_seconds: mapping.timeout_seconds,
                last_send: now,
                last_receive: now,
                confirmed: false,
                replay: ReplayWindow::default(),
            }),
        };
        let keep_alive = KeepAlive { client_index: slot as u32, max_clients: self.slots.len() as u32 };
        let transmit = occupant.seal_keep_alive(keep_alive, protocol, now, out)?;
        self.slots.install(&self.seed, slot, occupant);
        Some(transmit.bytes)
    }
}

impl Link {
    /// A packet from a connected client.
    fn receive<'d>(
        &mut self,
        slot: usize,
        header: Header,
        datagram: &'d mut [u8],
        protocol: &Protocol,
        now: f64,
    ) -> Result<Outcome<'d>, Ignored> {
        if !matches!(header.kind, Kind::KeepAlive | Kind::Payload | Kind::Disconnect) {
            return Err(Ignored::Unexpected(header.kind));
        }
        if self.replay.already_received(header.sequence) {
            return Err(Ignored::Replayed);
        }
        let packet = header.open(datagram, protocol, &self.client_to_server).map_err(|_| Ignored::Forged)?;
        self.replay.advance(header.sequence);
        let outcome = match packet {
            Packet::KeepAlive(_) => Outcome::KeptAlive { slot },
            Packet::Payload(payload) => Outcome::Payload { slot, sequence: header.sequence, data: payload.data() },
            _ => return Ok(Outcome::Left { slot }),
        };
        self.last_receive = now;
        self.confirmed = true;
        Ok(outcome)
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not disconnected",
            Self::TimedOut => "timed out",
            Self::ClientDisconnect => "left",
            Self::ServerDisconnect => "was disconnected",
        })
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRunning => "the server is not running",
            Self::Malformed(malformed) => return malformed.fmt(f),
            Self::UnknownSource => "from an unknown source",
            Self::Unexpected(kind) => return write!(f, "a {kind} packet is not expected now"),
            Self::Replayed => "already received",
            Self::Forged => "not authentic",
            Self::ProtocolId => "another protocol id",
            Self::TokenExpired => "the connect token has expired",
            Self::TokenPredatesStart => "the connect token could predate the server's start",
            Self::TokenUsed => "the connect token has been used",
            Self::TokenMalformed => "the connect token makes no sense",
            Self::NotForThisServer => "the connect token is for other servers",
            Self::AddressConnected => "a client with this address is connected",
            Self::ClientIdConnected => "a client with this id is connected",
            Self::HistoryFull => "no more connect tokens can be remembered",
            Self::MappingsFull => "no more handshakes can be under way",
            Self::OtherChallenge => "the answer to another challenge",
        })
    }
}

impl<E: fmt::Display> fmt::Display for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxClients => write!(f, "a server has 1 to {MAX_CLIENTS} slots"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::Random(error) => write!(f, "no random bytes: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for StartError<E> {}
