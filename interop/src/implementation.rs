//! What the cells ask of an implementation of the protocol.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
pub(crate) const TOKEN_BYTES: usize = 2048;

pub(crate) type Key = [u8; 32];
pub(crate) type UserData = [u8; 256];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) fn loopback(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::LOCALHOST.into(),
            Self::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }

    /// The loopback address with a port that the system chooses.
    pub(crate) fn any_port(self) -> SocketAddr {
        SocketAddr::new(self.loopback(), 0)
    }
}

/// How the bytes of a token are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The 2048 bytes of the standard.
    Standard,
    /// The client id before them, and no padding behind them.
    PrefixedByClientId,
}

/// How the addresses of tokens are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ipv6Words {
    /// Eight little-endian words, as the standard has it.
    LittleEndian,
    /// Sixteen bytes in network order.
    NetworkOrder,
}

pub(crate) struct TokenRequest {
    pub(crate) client_id: u64,
    pub(crate) key: Key,
    pub(crate) user_data: UserData,
    /// What the client connects to, and what the server must find itself among.
    pub(crate) public: Vec<SocketAddr>,
    pub(crate) internal: Vec<SocketAddr>,
    pub(crate) expire_seconds: u32,
    pub(crate) timeout_seconds: i32,
}

pub(crate) struct ServerSetup {
    pub(crate) family: Family,
    pub(crate) key: Key,
    /// The slots, where their number can be chosen.
    pub(crate) slots: usize,
    /// The longest lifetime of the tokens that will be used.
    pub(crate) token_lifetime: u32,
}

/// An implementation of the protocol. All of them take the time as an argument, so it can pass faster than it does.
pub(crate) trait Implementation: Sync {
    fn name(&self) -> &'static str;

    fn layout(&self) -> Layout {
        Layout::Standard
    }

    fn ipv6_words(&self) -> Ipv6Words {
        Ipv6Words::LittleEndian
    }

    /// How many clients it takes to fill a server that is to have one slot.
    fn fewest_slots(&self) -> usize {
        1
    }

    /// Makes a token, in the implementation's own layout.
    fn token(&self, request: &TokenRequest) -> Result<Vec<u8>, String>;

    /// Starts a server at time 0.
    fn server(&self, setup: &ServerSetup) -> Result<Box<dyn Server>, String>;

    /// Creates a client and has it connect, at time 0, or says why it refuses the token.
    fn client(&self, family: Family, token: &[u8]) -> Result<Box<dyn Client>, String>;
}

pub(crate) trait Server {
    fn address(&self) -> SocketAddr;

    /// The ids of the connected clients.
    fn clients(&self) -> Vec<u64>;

    /// What came with the client's token; `None` if the API does not tell.
    fn user_data(&self, client_id: u64) -> Option<UserData>;

    /// Receives, sends and lets time pass.
    fn update(&mut self, time: f64);

    fn send(&mut self, client_id: u64, payload: &[u8]);

    /// Takes what has been received, in the order in which it came.
    fn received(&mut self) -> Vec<Vec<u8>>;

    fn disconnect(&mut self, client_id: u64);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Connected,
    Disconnected,
    Denied,
    /// No server answered.
    RequestTimedOut,
    ResponseTimedOut,
    TimedOut,
    TokenExpired,
    InvalidToken,
}

impl State {
    /// Whether nothing more will come of the client.
    pub(crate) fn is_end(self) -> bool {
        !matches!(self, Self::Connecting | Self::Connected)
    }
}

pub(crate) trait Client {
    fn state(&self) -> State;

    /// The server that it is connecting or connected to; `None` if there is none or the API does not tell.
    fn target(&self) -> Option<SocketAddr>;

    /// Receives, sends and lets time pass.
    fn update(&mut self, time: f64);

    fn send(&mut self, payload: &[u8]);

    /// Takes what has been received, in the order in which it came.
    fn received(&mut self) -> Vec<Vec<u8>>;

    fn disconnect(&mut self);
}

/// Seconds on the wall clock, which tokens are measured by.
pub(crate) fn unix_time() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock past 1970")
}

/// A socket on the loopback address, that never blocks.
pub(crate) fn loopback_socket(family: Family) -> Result<UdpSocket, String> {
    let socket = UdpSocket::bind(family.any_port()).map_err(|error| error.to_string())?;
    socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(socket)
}

/// Sends, if it stays on this host: a misread address must not.
pub(crate) fn send_on_loopback(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    if to.ip().is_loopback() {
        // What cannot be sent is lost, as anything may be on UDP.
        let _ = socket.send_to(datagram, to);
    }
}
