//! Writing capture files: just what a recording takes.

use std::net::SocketAddr;
use std::time::Duration;

use etherparse::PacketBuilder;

const LINKTYPE_ETHERNET: u16 = 1;
const SNAPSHOT_BYTES: u32 = 65_535;
const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const HOPS: u8 = 64;

/// A datagram on its way.
pub(crate) struct Datagram {
    pub(crate) at: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) data: Vec<u8>,
}

/// A classic capture file, with microseconds.
pub(crate) fn pcap(datagrams: &[Datagram]) -> Vec<u8> {
    const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
    const VERSION: [u16; 2] = [2, 4];
    let mut file = MAGIC_MICROSECONDS.to_le_bytes().to_vec();
    file.extend(VERSION.iter().flat_map(|number| number.to_le_bytes()));
    for number in [0, 0, SNAPSHOT_BYTES, LINKTYPE_ETHERNET.into()] {
        file.extend(number.to_le_bytes());
    }
    for datagram in datagrams {
        let frame = ethernet_frame(datagram);
        let bytes = frame.len() as u32;
        for number in [datagram.at.as_secs() as u32, datagram.at.subsec_micros(), bytes, bytes] {
            file.extend(number.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// The same as pcapng, with its default resolution of microseconds.
#[allow(dead_code, reason = "for tests, which share this file")]
pub(crate) fn pcapng(datagrams: &[Datagram]) -> Vec<u8> {
    const SECTION_HEADER: u32 = 0x0a0d_0d0a;
    const INTERFACE_DESCRIPTION: u32 = 1;
    const ENHANCED_PACKET: u32 = 6;
    const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
    const UNKNOWN_LENGTH: u64 = u64::MAX;

    let mut section = BYTE_ORDER_MAGIC.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend(UNKNOWN_LENGTH.to_le_bytes());
    let mut interface = u32::from(LINKTYPE_ETHERNET).to_le_bytes().to_vec();
    interface.extend(SNAPSHOT_BYTES.to_le_bytes());

    let mut file = block(SECTION_HEADER, &section);
    file.extend(block(INTERFACE_DESCRIPTION, &interface));
    for datagram in datagrams {
        let frame = ethernet_frame(datagram);
        let microseconds = datagram.at.as_micros() as u64;
        let bytes = frame.len() as u32;
        let mut packet = Vec::new();
        for number in [0, (microseconds >> 32) as u32, microseconds as u32, bytes, bytes] {
            packet.extend(number.to_le_bytes());
        }
        packet.extend(frame);
        file.extend(block(ENHANCED_PACKET, &packet));
    }
    file
}

/// A pcapng block: its type, its length at both ends, and a body that is padded to whole words.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = (padded + 3 * size_of::<u32>()) as u32;
    let mut block = kind.to_le_bytes().to_vec();
    block.extend(length.to_le_bytes());
    block.extend(body);
    block.resize(block.len() + padded - body.len(), 0);
    block.extend(length.to_le_bytes());
    block
}

fn ethernet_frame(datagram: &Datagram) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC);
    let ip = match (datagram.from, datagram.to) {
        (SocketAddr::V4(from), SocketAddr::V4(to)) => ethernet.ipv4(from.ip().octets(), to.ip().octets(), HOPS),
        (SocketAddr::V6(from), SocketAddr::V6(to)) => ethernet.ipv6(from.ip().octets(), to.ip().octets(), HOPS),
        _ => panic!("{} and {} are of different families", datagram.from, datagram.to),
    };
    let mut frame = Vec::new();
    ip.udp(datagram.from.port(), datagram.to.port()).write(&mut frame, &datagram.data).expect("a vector takes all");
    frame
}
