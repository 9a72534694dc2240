//! The bodies of the fuzz targets, as functions of a byte string.
//!
//! libFuzzer calls them from `fuzz_targets/`, and `tests/seeds.rs` calls them with every committed
//! seed on any toolchain. They panic where the library breaks a promise.

#[cfg(not(fuzzing))]
compile_error!("without --cfg fuzzing inputs would not begin anew: run cargo in fuzz/, or make fuzz-seeds");

mod address;
mod api;
mod common;
mod input;
mod mutate;
mod packet_client;
mod packet_server;
mod random;
mod reference;
pub mod seeds;
mod tokens;

/// A target: its name, which is that of its seeds' directory, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 7] = [
    ("packet_server", packet_server),
    ("packet_client", packet_client),
    ("token_public", token_public),
    ("token_private", token_private),
    ("challenge", challenge),
    ("address", address),
    ("api", api),
];

/// Datagrams against a server of the core, some from people who hold keys.
pub fn packet_server(data: &[u8]) {
    begin();
    packet_server::run(data);
}

/// Datagrams against a client of the core, some from its server.
pub fn packet_client(data: &[u8]) {
    begin();
    packet_client::run(data);
}

/// Connect tokens as clients read them.
pub fn token_public(data: &[u8]) {
    begin();
    tokens::public(data);
}

/// The private part of connect tokens, as servers read it.
pub fn token_private(data: &[u8]) {
    begin();
    tokens::private(data);
}

/// Challenge tokens.
pub fn challenge(data: &[u8]) {
    begin();
    tokens::challenge(data);
}

/// Text of addresses.
pub fn address(data: &[u8]) {
    begin();
    address::run(data);
}

/// Programs of calls of the C API.
pub fn api(data: &[u8]) {
    begin();
    api::run(data);
}

/// Each input begins anew: the same random bytes, and no nonce seen.
fn begin() {
    random::restart();
    #[cfg(fuzzing)]
    netcode::fuzzing::forget_nonces();
}
