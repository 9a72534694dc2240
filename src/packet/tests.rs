use proptest::prelude::*;

use super::*;
use crate::MAX_DATAGRAM_BYTES;

/// A packet that owns its contents.
#[derive(Clone, Debug)]
enum Owned {
    Denied,
    Challenge(u64, [u8; CHALLENGE_TOKEN_BYTES]),
    Response(u64, [u8; CHALLENGE_TOKEN_BYTES]),
    KeepAlive(KeepAlive),
    Payload(Vec<u8>),
    Disconnect,
}

impl Owned {
    fn packet(&mut self) -> Packet<'_> {
        match self {
            Self::Denied => Packet::Denied,
            Self::Challenge(sequence, token) => Packet::Challenge(Challenge { sequence: *sequence, token }),
            Self::Response(sequence, token) => Packet::Response(Challenge { sequence: *sequence, token }),
            Self::KeepAlive(keep_alive) => Packet::KeepAlive(*keep_alive),
            Self::Payload(data) => Packet::Payload(Payload::new(data).unwrap()),
            Self::Disconnect => Packet::Disconnect,
        }
    }

    /// What is sealed in the packet, by the text of the standard.
    fn contents(&self) -> Vec<u8> {
        match self {
            Self::Denied | Self::Disconnect => Vec::new(),
            Self::Challenge(sequence, token) | Self::Response(sequence, token) => {
                [&sequence.to_le_bytes()[..], token].concat()
            }
            Self::KeepAlive(KeepAlive { client_index, max_clients }) => {
                [client_index.to_le_bytes(), max_clients.to_le_bytes()].concat()
            }
            Self::Payload(data) => data.clone(),
        }
    }

    fn write(&mut self, sequence: u64, protocol: &Protocol, key: &Key) -> Vec<u8> {
        let mut buffer = [0; MAX_SEALED_BYTES];
        let bytes = self.packet().write(sequence, protocol, key, &mut buffer);
        buffer[..bytes].to_vec()
    }
}

/// One of each type.
fn examples() -> [Owned; 6] {
    let token = std::array::from_fn(|byte| byte as u8);
    [
        Owned::Denied,
        Owned::Challenge(0x0102_0304_0506_0708, token),
        Owned::Response(0x0102_0304_0506_0708, token),
        Owned::KeepAlive(KeepAlive { client_index: 0x0102_0304, max_clients: 0x0506_0708 }),
        Owned::Payload(b"some data".to_vec()),
        Owned::Disconnect,
    ]
}

fn packets() -> impl Strategy<Value = Owned> {
    let bytes = |count| prop::collection::vec(any::<u8>(), count);
    let token = move || (any::<u64>(), bytes(CHALLENGE_TOKEN_BYTES..=CHALLENGE_TOKEN_BYTES));
    prop_oneof![
        Just(Owned::Denied),
        token().prop_map(|(sequence, token)| Owned::Challenge(sequence, token.try_into().unwrap())),
        token().prop_map(|(sequence, token)| Owned::Response(sequence, token.try_into().unwrap())),
        (any::<u32>(), any::<u32>())
            .prop_map(|(client_index, max_clients)| Owned::KeepAlive(KeepAlive { client_index, max_clients })),
        bytes(1..=MAX_PAYLOAD_BYTES).prop_map(Owned::Payload),
        Just(Owned::Disconnect),
    ]
}

/// Sequence numbers, those next to a change of size more often than by chance.
fn sequences() -> impl Strategy<Value = u64> {
    let bits = 0..u64::BITS;
    prop_oneof![
        any::<u64>(),
        bits.clone().prop_map(|bits| 1 << bits),
        bits.clone().prop_map(|bits| (1 << bits) - 1),
        bits.prop_map(|bits| u64::MAX >> bits),
    ]
}

fn keys() -> impl Strategy<Value = Key> {
    any::<[u8; 32]>().prop_map(Key::new)
}

fn key() -> Key {
    Key::new([0x4b; 32])
}

fn protocol() -> Protocol {
    Protocol::new(0x1122_3344_5566_7788)
}

/// Any bytes, often with a prefix that could be a packet's.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let prefix = prop_oneof![any::<u8>(), (1..=8u8, 0..=6u8).prop_map(|(bytes, kind)| bytes << 4 | kind)];
    let rest =
        prop_oneof![0..60usize, 0..MAX_DATAGRAM_BYTES].prop_flat_map(|size| prop::collection::vec(any::<u8>(), size));
    prop_oneof![1 => Just(Vec::new()), 50 => (prefix, rest).prop_map(|(prefix, rest)| [&[prefix], &rest[..]].concat())]
}

/// What a reader with the right key makes of a datagram, if it is a packet.
fn is_accepted(datagram: &[u8]) -> bool {
    let mut copy = datagram.to_vec();
    Header::read(&copy).is_ok_and(|header| header.open(&mut copy, &protocol(), &key()).is_ok())
}

/// Why a reader with the right key refuses a datagram.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Malformed(Malformed),
    Forged,
}

#[track_caller]
fn refusal(datagram: &[u8]) -> Refusal {
    let mut copy = datagram.to_vec();
    match Header::read(&copy) {
        Err(malformed) => Refusal::Malformed(malformed),
        Ok(header) => match header.open(&mut copy, &protocol(), &key()) {
            Err(Forged) => Refusal::Forged,
            Ok(packet) => panic!("accepted as {packet:?}"),
        },
    }
}

/// The rules for the size of contents, in the words of the standard ("Reading Encrypted Packets").
fn expected_contents(kind: u8) -> std::ops::RangeInclusive<usize> {
    match kind {
        2 | 3 => 308..=308,
        4 => 8..=8,
        5 => 1..=1200,
        _ => 0..=0,
    }
}

proptest! {
    #[test]
    fn every_packet_is_read_as_it_was_written(
        mut owned in packets(),
        sequence in sequences(),
        protocol_id in any::<u64>(),
        key in keys(),
    ) {
        let protocol = Protocol::new(protocol_id);
        let mut datagram = owned.write(sequence, &protocol, &key);
        let header = Header::read(&datagram).unwrap();
        prop_assert_eq!((header.kind, header.sequence), (owned.packet().kind(), sequence));
        prop_assert_eq!(datagram.len(), header.bytes + owned.contents().len() + MAC_BYTES);
        prop_assert_eq!(header.open(&mut datagram, &protocol, &key), Ok(owned.packet()));
    }

    /// With the cipher alone: nonce, associated data and layout are the standard's.
    #[test]
    fn what_is_sealed_is_what_the_standard_says(
        mut owned in packets(),
        sequence in sequences(),
        protocol_id in any::<u64>(),
    ) {
        let mut datagram = owned.write(sequence, &Protocol::new(protocol_id), &key());
        let sequence_bytes = usize::from(datagram[0] >> 4);
        prop_assert_eq!(datagram[0] & 0xf, owned.packet().kind() as u8);
        prop_assert_eq!(&datagram[1..=sequence_bytes], &sequence.to_le_bytes()[..sequence_bytes]);
        let associated = [&b"NETCODE 1.02\0"[..], &protocol_id.to_le_bytes(), &datagram[..1]].concat();
        let sealed = &mut datagram[1 + sequence_bytes..];
        prop_assert_eq!(crypto::open(&key(), sequence, &associated, sealed).unwrap(), owned.contents());
    }

    #[test]
    fn a_packet_opens_for_its_own_reader_only(
        mut owned in packets(),
        sequence in sequences(),
        protocol_id in any::<u64>(),
        ids in any::<(u64, u64)>(),
        key in keys(),
        other_key in keys(),
    ) {
        prop_assume!(protocol_id != ids.0 && key != other_key);
        let datagram = owned.write(sequence, &Protocol::new(protocol_id), &key);
        let header = Header::read(&datagram).unwrap();
        let other_number = Header { sequence: sequence ^ (ids.1 | 1), ..header };
        for (header, protocol_id, key) in
            [(header, ids.0, &key), (header, protocol_id, &other_key), (other_number, protocol_id, &key)]
        {
            prop_assert!(header.open(&mut datagram.clone(), &Protocol::new(protocol_id), key).is_err());
        }
    }

    #[test]
    fn any_flipped_bits_are_noticed(
        mut owned in packets(),
        sequence in sequences(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
    ) {
        let original = owned.write(sequence, &protocol(), &key());
        let mut changed = original.clone();
        for flip in flips {
            let bit = flip.index(changed.len() * 8);
            changed[bit / 8] ^= 1 << (bit % 8);
        }
        prop_assert_eq!(is_accepted(&changed), changed == original);
    }

    #[test]
    fn no_bytes_are_too_much(datagram in noise()) {
        prop_assert!(!is_accepted(&datagram));
        let _ = Request::read(&datagram);
        let _ = Request::is_claimed_by(&datagram);
    }

    #[test]
    fn no_header_opens_what_it_was_not_read_from(
        mut owned in packets(),
        sequence in sequences(),
        mut datagram in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let header = Header::read(&owned.write(sequence, &protocol(), &key())).unwrap();
        prop_assert_eq!(header.open(&mut datagram, &protocol(), &key()), Err(Forged));
    }

    #[test]
    fn every_request_is_read_as_it_was_written(
        protocol_id in any::<u64>(),
        expire_timestamp in any::<u64>(),
        nonce in any::<[u8; TOKEN_NONCE_BYTES]>(),
        private_data in prop::collection::vec(any::<u8>(), PRIVATE_TOKEN_BYTES),
    ) {
        let seal = TokenSeal { protocol_id, expire_timestamp, nonce };
        let private_data: [u8; PRIVATE_TOKEN_BYTES] = private_data.try_into().unwrap();
        let mut buffer = [0; MAX_SEALED_BYTES];
        prop_assert_eq!(Request::write(&seal, &private_data, &mut buffer), REQUEST_BYTES);
        let datagram = &mut buffer[..REQUEST_BYTES];
        let expected = [
            &[0][..],
            VERSION_INFO,
            &protocol_id.to_le_bytes(),
            &expire_timestamp.to_le_bytes(),
            &nonce,
            &private_data,
        ]
        .concat();
        prop_assert_eq!(&*datagram, &expected);
        prop_assert!(Request::is_claimed_by(datagram));
        let request = Request::read(datagram).unwrap();
        prop_assert_eq!(request.seal, seal);
        prop_assert_eq!(*request.private_data, private_data);
    }
}

#[test]
fn sequence_numbers_are_written_without_leading_zeros() {
    let boundaries = (1..8).flat_map(|bytes| [((1 << (8 * bytes)) - 1, bytes), (1 << (8 * bytes), bytes + 1)]);
    for (sequence, expected) in boundaries.chain([(0, 1), (1, 1), (u64::MAX, 8)]) {
        for mut owned in examples() {
            let datagram = owned.write(sequence, &protocol(), &key());
            assert_eq!(usize::from(datagram[0] >> 4), expected, "{sequence}");
            let header = Header::read(&datagram).unwrap();
            assert_eq!((header.sequence, header.bytes), (sequence, 1 + expected));
            assert!(is_accepted(&datagram));
        }
    }
}

#[test]
fn a_sequence_number_is_read_from_its_own_bytes_only() {
    for bytes in 1..=8u8 {
        // All ones behind it, which do not belong to it.
        let mut datagram = vec![0xff; 1 + usize::from(bytes) + 8 + MAC_BYTES];
        datagram[0] = bytes << 4 | Kind::KeepAlive as u8;
        datagram[1..=usize::from(bytes)].fill(0);
        datagram[usize::from(bytes)] = 1;
        assert_eq!(Header::read(&datagram).unwrap().sequence, 1 << (8 * (bytes - 1)), "{bytes} bytes");
    }
}

#[test]
fn every_prefix_is_judged_at_every_size_as_the_standard_says() {
    for prefix in 0..=u8::MAX {
        let (kind, sequence_bytes) = (prefix & 0xf, usize::from(prefix >> 4));
        for size in 0..=MAX_DATAGRAM_BYTES {
            let mut datagram = vec![0; size];
            if let Some(first) = datagram.first_mut() {
                *first = prefix;
            }
            let expected = if size < 18 {
                Err(Malformed::TooSmall)
            } else if !(1..=6).contains(&kind) {
                Err(Malformed::Type)
            } else if !(1..=8).contains(&sequence_bytes) {
                Err(Malformed::SequenceBytes)
            } else if size < 1 + sequence_bytes + 16 {
                Err(Malformed::TooSmall)
            } else if !expected_contents(kind).contains(&(size - 1 - sequence_bytes - 16)) {
                Err(Malformed::Size)
            } else {
                Ok(kind)
            };
            let judged = Header::read(&datagram).map(|header| header.kind as u8);
            assert_eq!(judged, expected, "prefix {prefix:#04x}, {size} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for mut owned in examples() {
        for sequence in [0, 300, u64::MAX] {
            let datagram = owned.write(sequence, &protocol(), &key());
            for bit in 0..datagram.len() * 8 {
                let mut changed = datagram.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let refusal = refusal(&changed);
                // Only the prefix can make it anything but a forgery.
                assert!(refusal == Refusal::Forged || bit < 8, "bit {bit}: {refusal:?}");
            }
        }
    }
}

#[test]
fn no_packet_can_be_passed_off_as_one_of_another_type() {
    for mut owned in examples() {
        let datagram = owned.write(7, &protocol(), &key());
        for prefix in (0..=u8::MAX).filter(|&prefix| prefix != datagram[0]) {
            let mut changed = datagram.clone();
            changed[0] = prefix;
            assert!(!is_accepted(&changed), "{} as {prefix:#04x}", owned.packet().kind());
        }
    }
}

#[test]
fn every_truncation_and_every_extension_is_noticed() {
    for mut owned in examples() {
        let datagram = owned.write(0x0102_0304, &protocol(), &key());
        for size in (0..=MAX_DATAGRAM_BYTES).filter(|&size| size != datagram.len()) {
            let mut changed = datagram.clone();
            changed.resize(size, 0);
            let refusal = refusal(&changed);
            // The size of a payload is free, so that only its tag can tell.
            let could_be = matches!(owned, Owned::Payload(_)) && (1 + 4 + 1 + 16..=1 + 4 + 1200 + 16).contains(&size);
            assert_eq!(refusal == Refusal::Forged, could_be, "{size} bytes: {refusal:?}");
        }
    }
}

#[test]
fn a_payload_has_1_to_1200_bytes() {
    let data = [0; MAX_PAYLOAD_BYTES + 1];
    for size in 0..=data.len() {
        let payload = Payload::new(&data[..size]);
        assert_eq!(payload.is_some(), (1..=1200).contains(&size), "{size} bytes");
        assert!(payload.is_none_or(|payload| payload.data().len() == size));
    }
}

#[test]
fn the_largest_packet_fills_the_buffer() {
    let mut owned = Owned::Payload(vec![0x55; MAX_PAYLOAD_BYTES]);
    assert_eq!(owned.write(u64::MAX, &protocol(), &key()).len(), MAX_SEALED_BYTES);
    const { assert!(MAX_SEALED_BYTES <= MAX_DATAGRAM_BYTES && REQUEST_BYTES <= MAX_SEALED_BYTES) };
}

#[test]
fn sizes_are_the_standards() {
    let size = |mut owned: Owned| owned.write(0, &protocol(), &key()).len();
    assert_eq!(examples().map(size), [18, 326, 326, 26, 18 + 9, 18]);
    assert_eq!(REQUEST_BYTES, 1078);
}

#[test]
fn a_request_has_one_size_and_one_version() {
    let seal = TokenSeal { protocol_id: 1, expire_timestamp: 2, nonce: [3; TOKEN_NONCE_BYTES] };
    let mut buffer = [0; MAX_SEALED_BYTES];
    let bytes = Request::write(&seal, &[4; PRIVATE_TOKEN_BYTES], &mut buffer);
    for size in (0..=MAX_SEALED_BYTES).filter(|&size| size != bytes) {
        assert_eq!(Request::read(&buffer[..size]).unwrap_err(), Malformed::Size, "{size} bytes");
    }
    for bit in 8..8 * (1 + VERSION_INFO.len()) {
        let mut changed = buffer;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Request::read(&changed[..bytes]).unwrap_err(), Malformed::Version, "bit {bit}");
    }
    for prefix in 1..=u8::MAX {
        buffer[0] = prefix;
        assert!(!Request::is_claimed_by(&buffer[..bytes]), "prefix {prefix:#04x}");
    }
    assert!(!Request::is_claimed_by(&[]));
}
