//! Little-endian reading and writing of fixed layouts.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Address types on the wire. Everything else is invalid.
const ADDRESS_IPV4: u8 = 1;
const ADDRESS_IPV6: u8 = 2;

/// Takes fields off the front of a byte string.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|bytes| bytes[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(|bytes| i32::from_le_bytes(*bytes))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    pub(crate) fn address(&mut self) -> Option<SocketAddr> {
        match self.u8()? {
            ADDRESS_IPV4 => {
                let ip = Ipv4Addr::from(*self.array::<4>()?);
                Some(SocketAddrV4::new(ip, self.u16()?).into())
            }
            ADDRESS_IPV6 => {
                // Eight words, each little-endian: not the network order of the address's bytes.
                let mut words = [0; 8];
                for word in &mut words {
                    *word = self.u16()?;
                }
                let ip = Ipv6Addr::from(words);
                Some(SocketAddrV6::new(ip, self.u16()?, 0, 0).into())
            }
            _ => None,
        }
    }
}

/// Puts fields one after another into a buffer that is known to be large enough for its layout.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    /// How many bytes have been written.
    pub(crate) fn written(&self) -> usize {
        self.at
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.buffer[self.at..][..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Has a field of fixed size written by somebody else.
    pub(crate) fn with<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N])) {
        if let Some(field) = self.buffer[self.at..].first_chunk_mut() {
            write(field);
        }
        self.at += N;
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn address(&mut self, address: &SocketAddr) {
        match address {
            SocketAddr::V4(v4) => {
                self.u8(ADDRESS_IPV4);
                self.bytes(&v4.ip().octets());
            }
            SocketAddr::V6(v6) => {
                self.u8(ADDRESS_IPV6);
                for word in v6.ip().segments() {
                    self.u16(word);
                }
            }
        }
        self.u16(address.port());
    }
}
