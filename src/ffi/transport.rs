//! How an object sends and receives: sockets, a network simulator, or functions of its user.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::net::SocketAddr;

use super::arguments::Addresses;
use super::log::{self, log};
use super::object::Call;
use super::simulator::netcode_network_simulator_t;
use super::types::{ReceivePacketOverride, SendPacketOverride, netcode_address_t};
use crate::address::text;
use crate::packet::MAX_DATAGRAM_BYTES;
use crate::platform::socket::{OpenError, UdpSocket};

pub(super) enum Transport {
    Sockets(Sockets),
    Simulator(SimulatorEndpoint),
    Overrides(Overrides),
}

/// One socket for each family that the object's addresses have.
#[derive(Default)]
pub(super) struct Sockets {
    pub(super) v4: Option<UdpSocket>,
    pub(super) v6: Option<UdpSocket>,
}

pub(super) struct SimulatorEndpoint {
    pub(super) simulator: *mut netcode_network_simulator_t,
    pub(super) address: SocketAddr,
}

impl SimulatorEndpoint {
    fn enter(&self) -> Option<Call<netcode_network_simulator_t>> {
        // SAFETY: the config's user vouches that the simulator outlives the object.
        unsafe { Call::enter(self.simulator) }
    }
}

pub(super) struct Overrides {
    pub(super) context: *mut c_void,
    pub(super) send: SendPacketOverride,
    pub(super) receive: ReceivePacketOverride,
}

impl Transport {
    /// Sends a datagram, or loses it: UDP promises nothing. An override may hand it straight to its peer,
    /// which decrypts it in place, though C sees it as const.
    pub(super) fn send(&self, to: &SocketAddr, datagram: &mut [u8]) {
        match self {
            Self::Sockets(sockets) => {
                if let Some(Err(error)) = sockets.for_peer(to).map(|socket| socket.send(to, datagram)) {
                    log!(log::ERROR, "error: failed to send to {}: {error}", text(to));
                }
            }
            Self::Simulator(endpoint) => {
                if let Some(simulator) = endpoint.enter() {
                    simulator.send(endpoint.address, *to, datagram);
                }
            }
            Self::Overrides(overrides) => {
                let mut address = netcode_address_t::NONE;
                // SAFETY: the address is ours; the config's user vouches for the function.
                unsafe {
                    netcode_address_t::store(&mut address, Some(to));
                    let data = datagram.as_mut_ptr().cast_const();
                    (overrides.send)(overrides.context, &mut address, data, datagram.len() as c_int);
                }
            }
        }
    }

    /// The port of the socket of this family; 0 without sockets.
    pub(super) fn port(&self, family_of: &SocketAddr) -> u16 {
        match self {
            Self::Sockets(sockets) => sockets.for_peer(family_of).map_or(0, UdpSocket::port),
            _ => 0,
        }
    }
}

impl Sockets {
    /// The socket of a peer's family.
    pub(super) fn for_peer(&self, peer: &SocketAddr) -> Option<&UdpSocket> {
        match peer {
            SocketAddr::V4(_) => self.v4.as_ref(),
            SocketAddr::V6(_) => self.v6.as_ref(),
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &UdpSocket> {
        self.v4.iter().chain(&self.v6)
    }

    fn add(&mut self, socket: UdpSocket, address: &SocketAddr) {
        match address {
            SocketAddr::V4(_) => self.v4 = Some(socket),
            SocketAddr::V6(_) => self.v6 = Some(socket),
        }
    }
}

/// What a config says about sending and receiving.
pub(super) struct TransportConfig {
    pub(super) simulator: *mut netcode_network_simulator_t,
    pub(super) override_send_and_receive: c_int,
    pub(super) context: *mut c_void,
    pub(super) send: Option<SendPacketOverride>,
    pub(super) receive: Option<ReceivePacketOverride>,
}

/// Why an object has no way to send and receive.
pub(super) enum OpenFailure {
    /// The config asks for overrides, but does not give both.
    MissingOverride,
    /// The socket for this address could not be created.
    Create(SocketAddr),
    /// The socket for this address could not be bound.
    Bind(SocketAddr),
}

impl Transport {
    /// What the config asks for: the simulator, the overrides, or sockets that are bound to what
    /// `local` makes of the addresses.
    pub(super) fn open(
        config: &TransportConfig,
        addresses: &Addresses,
        local: impl Fn(&SocketAddr) -> SocketAddr,
    ) -> Result<Self, OpenFailure> {
        let overrides = match (config.override_send_and_receive, config.send, config.receive) {
            (0, ..) => None,
            (_, Some(send), Some(receive)) => Some(Overrides { context: config.context, send, receive }),
            _ => {
                log!(log::ERROR, "error: override_send_and_receive needs both overrides");
                return Err(OpenFailure::MissingOverride);
            }
        };
        if !config.simulator.is_null() {
            let endpoint = SimulatorEndpoint { simulator: config.simulator, address: addresses.first };
            return Ok(Self::Simulator(endpoint));
        }
        if let Some(overrides) = overrides {
            return Ok(Self::Overrides(overrides));
        }
        let mut sockets = Sockets::default();
        for address in addresses.iter() {
            if sockets.for_peer(address).is_some() {
                continue; // one for each family
            }
            let socket = UdpSocket::open(&local(address)).map_err(|error| {
                log!(log::ERROR, "error: the socket for {} {error}", text(address));
                match error {
                    OpenError::Create(_) => OpenFailure::Create(*address),
                    OpenError::Bind(_) => OpenFailure::Bind(*address),
                }
            })?;
            sockets.add(socket, address);
        }
        Ok(Self::Sockets(sockets))
    }
}

/// Lends room for a datagram: the object's own, or, while that is lent already, some of the stack.
pub(super) fn with_room<T, const N: usize>(own: &RefCell<[u8; N]>, act: impl FnOnce(&mut [u8; N]) -> T) -> T {
    match own.try_borrow_mut() {
        Ok(mut own) => act(&mut own),
        Err(_) => act(&mut [0; N]),
    }
}

/// Hands what the user's function has to `process`, until it has nothing left or `process` says that
/// it has had enough.
pub(super) fn drain_overrides(
    overrides: &Overrides,
    room: &mut [u8; MAX_DATAGRAM_BYTES],
    mut process: impl FnMut(SocketAddr, &mut [u8]) -> bool,
) {
    loop {
        let mut from = netcode_address_t::NONE;
        // SAFETY: the config's user vouches for the function, which is told how large the buffer is.
        let bytes = unsafe {
            (overrides.receive)(overrides.context, &mut from, room.as_mut_ptr(), MAX_DATAGRAM_BYTES as c_int)
        };
        let Some(bytes) = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0) else { return };
        let Some(from) = from.to_socket_addr() else { continue };
        if !process(from, &mut room[..bytes.min(MAX_DATAGRAM_BYTES)]) {
            return;
        }
    }
}

/// Hands up to `budget` packets that have arrived in the simulator to `process`.
pub(super) fn drain_simulator(
    endpoint: &SimulatorEndpoint,
    budget: usize,
    mut process: impl FnMut(SocketAddr, &mut [u8]) -> bool,
) {
    for _ in 0..budget {
        let packet = endpoint.enter().and_then(|simulator| simulator.receive(endpoint.address));
        let Some(mut packet) = packet else { return };
        if packet.data.len() <= MAX_DATAGRAM_BYTES && !process(packet.from, &mut packet.data) {
            return;
        }
    }
}
