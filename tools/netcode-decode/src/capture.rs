//! UDP datagrams out of capture files.

use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice, UdpSlice};
use pcap_parser::pcapng::Block;
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};

/// How much of a file is in memory at a time; no block may be larger.
const BUFFER_BYTES: usize = 1 << 20;

const UDP_HEADER_BYTES: usize = 8;
const NANOSECONDS: u128 = 1_000_000_000;
/// Of a pcapng interface that does not say otherwise: microseconds.
const DEFAULT_RESOLUTION: u64 = 1_000_000;

/// One datagram.
pub(crate) struct Datagram {
    /// The number of its frame in the capture, or of its line.
    pub(crate) number: usize,
    /// When it was captured, since 1970.
    pub(crate) at: Option<Duration>,
    /// From where to where.
    pub(crate) path: Option<(SocketAddr, SocketAddr)>,
    /// What there is of it.
    pub(crate) data: Vec<u8>,
    /// How long it was on the wire.
    pub(crate) bytes: usize,
}

/// Why reading ended early.
#[derive(Debug)]
pub(crate) enum Error {
    Input(io::Error),
    Output(io::Error),
    Content(String),
}

/// Gets the datagrams.
pub(crate) type Take<'t> = dyn FnMut(Datagram) -> io::Result<()> + 't;

/// What the frames of an interface are like.
struct Interface {
    link: Linktype,
    ticks_per_second: u64,
    offset_seconds: i64,
}

/// Reads a pcap or pcapng file and returns how many of its frames are something else than UDP datagrams.
pub(crate) fn read(input: impl Read + Send, take: &mut Take<'_>) -> Result<u64, Error> {
    let mut input = input;
    let header = file_header(&mut input).map_err(Error::Input)?;
    let mut reader = create_reader(BUFFER_BYTES, header.chain(input)).map_err(|error| content(&error))?;
    let mut interfaces: Vec<Interface> = Vec::new();
    let (mut number, mut skipped) = (0, 0);
    // Where a block did not fit: if it still does not once there was more to read, the file ends in the middle of it.
    let mut short_at = None;
    loop {
        let (consumed, block) = match reader.next() {
            Ok(found) => found,
            Err(PcapError::Eof) => return Ok(skipped),
            Err(PcapError::Incomplete(_)) => {
                let there = (reader.consumed(), reader.data().len());
                if short_at.replace(there) == Some(there) {
                    return Err(Error::Content(format!("the file ends in the middle of what follows frame {number}")));
                }
                reader.refill().map_err(|error| content(&error))?;
                continue;
            }
            Err(error) => return Err(content(&error)),
        };
        let frame = match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let ticks_per_second =
                    if header.is_nanosecond_precision() { NANOSECONDS as u64 } else { DEFAULT_RESOLUTION };
                interfaces = vec![Interface { link: header.network, ticks_per_second, offset_seconds: 0 }];
                None
            }
            PcapBlockOwned::Legacy(block) => interfaces.first().map(|interface| {
                let ticks = u64::from(block.ts_sec) * interface.ticks_per_second + u64::from(block.ts_usec);
                (interface, block.data, Some(ticks))
            }),
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                interfaces.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(block)) => {
                interfaces.push(Interface {
                    link: block.linktype,
                    ticks_per_second: block.ts_resolution().unwrap_or(DEFAULT_RESOLUTION),
                    offset_seconds: block.ts_offset(),
                });
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                let interface = interfaces.get(block.if_id as usize);
                let interface = interface.ok_or_else(|| Error::Content("a packet of an unknown interface".into()))?;
                let ticks = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                Some((interface, captured(block.data, block.caplen), Some(ticks)))
            }
            PcapBlockOwned::NG(Block::SimplePacket(block)) => {
                interfaces.first().map(|interface| (interface, captured(block.data, block.origlen), None))
            }
            PcapBlockOwned::NG(_) => None,
        };
        if let Some((interface, data, ticks)) = frame {
            number += 1;
            match datagram(interface.link, data) {
                Some((path, udp)) => {
                    let bytes = usize::from(udp.length()).saturating_sub(UDP_HEADER_BYTES);
                    let at = ticks.and_then(|ticks| interface.time(ticks));
                    take(Datagram { number, at, path: Some(path), data: udp.payload().to_vec(), bytes })
                        .map_err(Error::Output)?;
                }
                None => skipped += 1,
            }
        }
        reader.consume(consumed);
    }
}

/// The header of a file as a whole, and nothing behind it: the parser wants it in its first read, which from a pipe may
/// give less, and then reads once more before it gives anything.
fn file_header(input: &mut impl Read) -> io::Result<io::Cursor<Vec<u8>>> {
    const PCAP_BYTES: u64 = 24;
    const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
    const BIG_ENDIAN_MAGIC: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
    let mut header = Vec::new();
    input.take(PCAP_BYTES).read_to_end(&mut header)?;
    let word = |index: usize| header.get(4 * index..).and_then(|bytes| bytes.first_chunk().copied());
    if let (Some(SECTION_HEADER), Some(length), Some(magic)) = (word(0), word(1), word(2)) {
        let length = if magic == BIG_ENDIAN_MAGIC { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
        let rest = u64::from(length).min(BUFFER_BYTES as u64).saturating_sub(PCAP_BYTES);
        input.take(rest).read_to_end(&mut header)?;
    }
    Ok(io::Cursor::new(header))
}

/// The data without the padding behind it.
fn captured(data: &[u8], bytes: u32) -> &[u8] {
    data.get(..bytes as usize).unwrap_or(data)
}

impl Interface {
    fn time(&self, ticks: u64) -> Option<Duration> {
        let per_second = u128::from(self.ticks_per_second.max(1));
        let nanoseconds = u128::from(ticks) * NANOSECONDS / per_second;
        let seconds = i64::try_from(nanoseconds / NANOSECONDS).ok()?.checked_add(self.offset_seconds)?;
        Some(Duration::new(seconds.try_into().ok()?, (nanoseconds % NANOSECONDS) as u32))
    }
}

/// The UDP datagram in a frame, if there is one and it is not in fragments.
fn datagram(link: Linktype, frame: &[u8]) -> Option<((SocketAddr, SocketAddr), UdpSlice<'_>)> {
    const SLL_PROTOCOL: usize = 14;
    const SLL_BYTES: usize = 16;
    const SLL2_PROTOCOL: usize = 0;
    const SLL2_BYTES: usize = 20;
    const FAMILY_BYTES: usize = 4;

    let behind = |protocol_at: usize, header_bytes: usize| {
        let protocol = u16::from_be_bytes(*frame.get(protocol_at..)?.first_chunk()?);
        Some(LaxSlicedPacket::from_ether_type(EtherType(protocol), frame.get(header_bytes..)?))
    };
    let packet = match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(frame).ok()?,
        Linktype::LINUX_SLL => behind(SLL_PROTOCOL, SLL_BYTES)?,
        Linktype::LINUX_SLL2 => behind(SLL2_PROTOCOL, SLL2_BYTES)?,
        Linktype::NULL | Linktype::LOOP => LaxSlicedPacket::from_ip(frame.get(FAMILY_BYTES..)?).ok()?,
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => LaxSlicedPacket::from_ip(frame).ok()?,
        _ => return None,
    };
    let (from, to): (IpAddr, IpAddr) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        Some(LaxNetSlice::Ipv6(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return None,
    };
    match packet.transport {
        Some(TransportSlice::Udp(udp)) => {
            let path = (SocketAddr::new(from, udp.source_port()), SocketAddr::new(to, udp.destination_port()));
            Some((path, udp))
        }
        _ => None,
    }
}

fn content<I: fmt::Debug>(error: &PcapError<I>) -> Error {
    Error::Content(match error {
        PcapError::HeaderNotRecognized => "neither pcap nor pcapng (for hex, say --hex)".into(),
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => "the file ends too soon".into(),
        PcapError::BufferTooSmall => format!("a block of more than {BUFFER_BYTES} bytes"),
        PcapError::ReadError => "cannot be read".into(),
        PcapError::NomError(..) | PcapError::OwnedNomError(..) => "damaged: a block makes no sense".into(),
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => write!(f, "{error}"),
            Self::Output(error) => write!(f, "writing: {error}"),
            Self::Content(what) => f.write_str(what),
        }
    }
}
