//! Secure client/server connections over UDP for games: the NETCODE 1.02 protocol.
//!
//! A backend issues an encrypted [connect token](token), the client presents it to a dedicated
//! server, a challenge proves the client's address, and then both exchange encrypted, signed and
//! replay-protected packets of up to [`MAX_PAYLOAD_BYTES`].
//!
//! The crate has three layers, each knowing only those below it:
//!
//! - The **core** (this module and its siblings) is the protocol without sockets, clocks or
//!   globals. Time and randomness are arguments; datagrams go in as `&mut [u8]` with their source
//!   and come out in buffers that the caller lends. It contains no unsafe code.
//! - [`platform`] has the sockets, clocks and random bytes of the operating system.
//! - [`ffi`] is the C API of `netcode.h`.
//!
//! # A client and a server without a network
//!
//! ```
//! use netcode::client::{self, Client, State};
//! use netcode::packet::MAX_SEALED_BYTES;
//! use netcode::server::{self, Server};
//! use netcode::token::{ConnectToken, TokenRequest};
//! use netcode::Key;
//! use rand::rngs::SysRng;
//!
//! let (protocol_id, private_key) = (0x1122334455667788, Key::new([7; 32]));
//! let server_address = "127.0.0.1:40000".parse().unwrap();
//! let client_address = "127.0.0.1:50000".parse().unwrap();
//! let (mut now, unix) = (0.0, 1_800_000_000); // your clocks: seconds since anything, and Unix time
//!
//! // The backend makes a token, good for 30 seconds.
//! let request = TokenRequest {
//!     protocol_id,
//!     client_id: 42,
//!     expire_seconds: 30,
//!     timeout_seconds: 5,
//!     public_addresses: &[server_address],
//!     internal_addresses: &[server_address],
//!     user_data: &[0; 256],
//! };
//! let token = request.generate(&private_key, unix, &mut SysRng).unwrap();
//!
//! let mut server = Server::new(server::Config {
//!     protocol_id,
//!     private_key,
//!     public_addresses: [Some(server_address), None],
//!     max_token_lifetime: 30,
//! });
//! // Tokens that could predate the start are refused, so the server has been up for a minute.
//! server.start(16, unix - 60, &mut SysRng).unwrap();
//!
//! let mut client = Client::new();
//! client.connect(ConnectToken::read(&token).unwrap());
//! client.settle();
//!
//! let (mut to_server, mut to_client) = (Vec::<Vec<u8>>::new(), Vec::<Vec<u8>>::new());
//! let mut buffer = [0; MAX_SEALED_BYTES];
//! while client.state() != State::Connected {
//!     assert!(now < 1.0, "connected long before");
//!     now += 0.05;
//!
//!     client.advance(now);
//!     for mut datagram in to_client.drain(..) {
//!         let _: client::Outcome = client.handle(server_address, &mut datagram);
//!         client.settle(); // a state change takes effect once you have been told of it
//!     }
//!     while let Some(transmit) = client.poll_transmit(&mut buffer) {
//!         to_server.push(buffer[..transmit.bytes].to_vec());
//!     }
//!
//!     server.advance(now);
//!     server.set_wall_clock(unix);
//!     for mut datagram in to_server.drain(..) {
//!         match server.handle(client_address, &mut datagram, &mut buffer) {
//!             server::Outcome::Reply { bytes, .. } => to_client.push(buffer[..bytes].to_vec()),
//!             server::Outcome::Connected { keep_alive, slot, .. } => {
//!                 assert_eq!(server.client_id(slot), Some(42));
//!                 to_client.push(buffer[..keep_alive].to_vec());
//!             }
//!             _ => {}
//!         }
//!     }
//! }
//!
//! let transmit = client.send(b"hello", &mut buffer).unwrap();
//! match server.handle(client_address, &mut buffer[..transmit.bytes].to_vec(), &mut [0; MAX_SEALED_BYTES]) {
//!     server::Outcome::Payload { data, .. } => assert_eq!(data, b"hello"),
//!     other => panic!("{other:?}"),
//! }
//! ```

pub mod address;
pub mod client;
mod crypto;
pub mod packet;
mod replay;
pub mod server;
pub mod simulator;
pub mod token;
mod wire;

#[allow(unsafe_code)]
pub mod ffi;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[allow(unsafe_code)]
pub mod platform;

pub use crypto::{KEY_BYTES, Key, MAC_BYTES};
pub use packet::{MAX_DATAGRAM_BYTES, MAX_PAYLOAD_BYTES};
pub use replay::ReplayWindow;

/// Application data carried by a connect token, in bytes.
pub const USER_DATA_BYTES: usize = 256;

/// Application data carried by a connect token to the server, which hands it to the application.
pub type UserData = [u8; USER_DATA_BYTES];

/// Most clients that one server holds.
pub const MAX_CLIENTS: usize = 256;

/// Most server addresses in one connect token.
pub const MAX_SERVERS_PER_CONNECT: usize = 32;

/// The name of the protocol on the wire, with its terminating zero (standard, "Connect Token").
pub const VERSION_INFO: &[u8; 13] = b"NETCODE 1.02\0";

/// A client sends while connecting, and both sides send keep-alives, this often, in seconds.
pub const SEND_INTERVAL: f64 = 0.1;

/// How many disconnect packets announce that a side leaves: UDP may lose some.
pub const DISCONNECT_PACKETS: u8 = 10;

/// A sealed datagram that waits in the lent buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where it goes.
    pub to: std::net::SocketAddr,
    /// How many bytes of the buffer it takes, from the start.
    pub bytes: usize,
    /// What it is.
    pub kind: packet::Kind,
}

/// Why a payload was not sent. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// There is no connected peer.
    NotConnected,
    /// A payload has 1 to [`MAX_PAYLOAD_BYTES`] bytes.
    PayloadSize,
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotConnected => f.write_str("not connected"),
            Self::PayloadSize => write!(f, "a payload has 1 to {MAX_PAYLOAD_BYTES} bytes"),
        }
    }
}

impl std::error::Error for SendError {}
