//! Looking into sealed datagrams, and making them, with nothing but the keys.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use netcode::packet::{Header, KeepAlive, Kind, MAX_SEALED_BYTES, Packet, Protocol, Request};
use netcode::token::{CHALLENGE_TOKEN_BYTES, ConnectToken, PRIVATE_TOKEN_BYTES};
use netcode::{Key, MAX_DATAGRAM_BYTES, VERSION_INFO};

/// The contents of a sealed packet, copied out of the datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Denied,
    Challenge(u64, Box<[u8; CHALLENGE_TOKEN_BYTES]>),
    Response(u64, Box<[u8; CHALLENGE_TOKEN_BYTES]>),
    KeepAlive(KeepAlive),
    Payload(Vec<u8>),
    Disconnect,
}

impl Contents {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Denied => Kind::Denied,
            Self::Challenge(..) => Kind::Challenge,
            Self::Response(..) => Kind::Response,
            Self::KeepAlive(_) => Kind::KeepAlive,
            Self::Payload(_) => Kind::Payload,
            Self::Disconnect => Kind::Disconnect,
        }
    }

    /// A packet of this type with some contents.
    pub(crate) fn example(kind: Kind) -> Self {
        match kind {
            Kind::Request => panic!("a request is not sealed"),
            Kind::Denied => Self::Denied,
            Kind::Challenge => Self::Challenge(7, Box::new([0x11; CHALLENGE_TOKEN_BYTES])),
            Kind::Response => Self::Response(7, Box::new([0x11; CHALLENGE_TOKEN_BYTES])),
            Kind::KeepAlive => Self::KeepAlive(KeepAlive { client_index: 3, max_clients: 8 }),
            Kind::Payload => Self::Payload(b"example".to_vec()),
            Kind::Disconnect => Self::Disconnect,
        }
    }
}

impl From<Packet<'_>> for Contents {
    fn from(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Denied => Self::Denied,
            Packet::Challenge(challenge) => Self::Challenge(challenge.sequence, Box::new(*challenge.token)),
            Packet::Response(challenge) => Self::Response(challenge.sequence, Box::new(*challenge.token)),
            Packet::KeepAlive(keep_alive) => Self::KeepAlive(keep_alive),
            Packet::Payload(payload) => Self::Payload(payload.data().to_vec()),
            Packet::Disconnect => Self::Disconnect,
        }
    }
}

/// Seals a packet.
pub(crate) fn seal(contents: &Contents, sequence: u64, protocol_id: u64, key: &Key) -> Vec<u8> {
    let sequence_bytes = 8 - (sequence | 1).leading_zeros() as u8 / 8;
    let text = match contents {
        Contents::Denied | Contents::Disconnect => Vec::new(),
        Contents::Challenge(number, token) | Contents::Response(number, token) => {
            [&number.to_le_bytes()[..], &token[..]].concat()
        }
        Contents::KeepAlive(KeepAlive { client_index, max_clients }) => {
            [client_index.to_le_bytes(), max_clients.to_le_bytes()].concat()
        }
        Contents::Payload(data) => data.clone(),
    };
    seal_anything(sequence_bytes << 4 | contents.kind() as u8, sequence, &text, protocol_id, key)
}

/// Seals anything at all behind any prefix, with the cipher alone: the peer is authentic, but mad.
pub(crate) fn seal_anything(prefix: u8, sequence: u64, contents: &[u8], protocol_id: u64, key: &Key) -> Vec<u8> {
    let sequence_bytes = usize::from(prefix >> 4).min(8);
    let mut datagram = vec![prefix];
    datagram.extend(&sequence.to_le_bytes()[..sequence_bytes]);
    let header_bytes = datagram.len();
    datagram.extend(contents);

    let mut nonce = [0; 12];
    nonce[4..4 + sequence_bytes].copy_from_slice(&sequence.to_le_bytes()[..sequence_bytes]);
    let associated = [&VERSION_INFO[..], &protocol_id.to_le_bytes(), &[prefix]].concat();
    let cipher = ChaCha20Poly1305::new(key.as_bytes().into());
    let text = InOutBuf::from(&mut datagram[header_bytes..]);
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &associated, text).expect("short enough");
    datagram.extend(tag);
    datagram
}

/// Opens a sealed packet; `None` if this key did not seal it.
pub(crate) fn open(datagram: &[u8], protocol_id: u64, key: &Key) -> Option<(u64, Contents)> {
    assert!(datagram.len() <= MAX_DATAGRAM_BYTES);
    let mut copy = datagram.to_vec();
    let header = Header::read(&copy).ok()?;
    let packet = header.open(&mut copy, &Protocol::new(protocol_id), key).ok()?;
    Some((header.sequence, packet.into()))
}

/// The connection request that shows a token.
pub(crate) fn request(token: &ConnectToken) -> Vec<u8> {
    request_with(token, &token.private_data)
}

/// A connection request with another private part.
pub(crate) fn request_with(token: &ConnectToken, private_data: &[u8; PRIVATE_TOKEN_BYTES]) -> Vec<u8> {
    let mut buffer = [0; MAX_SEALED_BYTES];
    let bytes = Request::write(&token.seal, private_data, &mut buffer);
    buffer[..bytes].to_vec()
}

/// What a datagram says that it is.
pub(crate) fn kind(datagram: &[u8]) -> Kind {
    match Header::read(datagram) {
        Ok(header) => header.kind,
        Err(_) => Kind::Request,
    }
}
