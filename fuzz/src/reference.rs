//! The protocol's rules once more, written from its text and not from the library: what the targets
//! hold the library to.

use std::collections::BTreeSet;

/// The prefix of a sealed packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) kind: u8,
    pub(crate) sequence: u64,
}

pub(crate) const DENIED: u8 = 1;
pub(crate) const CHALLENGE: u8 = 2;
pub(crate) const RESPONSE: u8 = 3;
pub(crate) const KEEP_ALIVE: u8 = 4;
pub(crate) const PAYLOAD: u8 = 5;
pub(crate) const DISCONNECT: u8 = 6;

const MAC_BYTES: usize = 16;

/// Reads the prefix of a sealed packet, if its size is right for its type.
pub(crate) fn header(datagram: &[u8]) -> Option<Header> {
    let prefix = *datagram.first()?;
    let (kind, count) = (prefix % 16, usize::from(prefix / 16));
    if count == 0 || count > 8 {
        return None;
    }
    let contents = datagram.len().checked_sub(1 + count + MAC_BYTES)?;
    let good = match kind {
        DENIED | DISCONNECT => contents == 0,
        CHALLENGE | RESPONSE => contents == 308,
        KEEP_ALIVE => contents == 8,
        PAYLOAD => contents > 0 && contents <= 1200,
        _ => false,
    };
    let sequence = datagram[1..=count].iter().rev().fold(0, |sequence, &byte| sequence << 8 | u64::from(byte));
    good.then_some(Header { kind, sequence })
}

/// Replay protection, remembering every number.
#[derive(Debug, Default)]
pub(crate) struct Window(BTreeSet<u64>);

impl Window {
    /// Whether a number may still come.
    pub(crate) fn admits(&self, sequence: u64) -> bool {
        let newest = self.0.last().copied().unwrap_or(0);
        let too_old = newest >= 256 && sequence <= newest - 256;
        !too_old && !self.0.contains(&sequence)
    }

    /// Notes a number of an authentic packet.
    pub(crate) fn note(&mut self, sequence: u64) {
        self.0.insert(sequence);
    }
}

/// An address as the C API reads it, by way of what the standard library can read.
pub(crate) fn address(text: &str) -> Option<std::net::SocketAddr> {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

    if text.contains('%') {
        return None; // the standard library knows scopes
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some((ip, 0).into());
    }
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return Some((ip, 0).into());
    }
    if let Some(ip) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return Some((ip.parse::<Ipv6Addr>().ok()?, 0).into());
    }
    // What is left has a port, for which the standard library takes any number of leading zeros.
    let (_, port) = text.rsplit_once(':')?;
    if port.len() > 5 {
        return None;
    }
    text.parse::<SocketAddr>().ok()
}
