//! What a server makes of datagrams that are neither requests nor responses.

use super::Case;
use super::live::*;
use super::packets::{WRONG_SEQUENCE_BYTES, contents, with_sequence_bytes};
use crate::wire::{DENIED, DISCONNECT, KEEP_ALIVE, PAYLOAD, RESPONSE, packet_with_prefix};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut connected = |id: &str, note: &str, play: &dyn Fn(&mut ServerCase, Guest)| {
        let mut server = ServerCase::new(id, note);
        let guest = Guest::new(id);
        server.joins(0.0, &guest, 0);
        play(&mut server, guest);
        cases.push(server.case);
    };
    let hello = |server: &mut ServerCase, guest: &Guest, sequence| {
        let seen = Seen::nothing().received_from(0, sequence, b"hello");
        server.update(0.0, vec![guest.says(PAYLOAD, sequence, b"hello")], seen);
    };

    connected("payloads", "of 1 to 1200 bytes", &|server, guest| {
        for (sequence, size) in [1usize, 2, 600, 1199, 1200].into_iter().enumerate() {
            let (data, sequence) = (vec![size as u8; size], sequence as u64);
            let seen = Seen::nothing().received_from(0, sequence, &data);
            server.update(0.0, vec![guest.says(PAYLOAD, sequence, &data)], seen);
        }
    });
    connected("keep-alive", "needs no answer", &|server, guest| {
        server.update(0.0, vec![guest.keeps_alive(2)], Seen::nothing());
    });
    connected("disconnect", "needs no answer; the rest of them comes from an unknown source", &|server, guest| {
        let left = Seen::nothing().client(guest.event(0, false, CLIENT_LEFT)).ignored("unknown_source");
        server.update(0.0, vec![guest.says(DISCONNECT, 2, &[]), guest.says(DISCONNECT, 3, &[])], left);
    });
    connected("too-small", "18 bytes is the smallest packet", &|server, guest| {
        let packet = guest.session().client_seals(DISCONNECT, 2, &[]);
        for size in [0, 1, 17] {
            server.ignores(datagram(CLIENT, &packet[..size]), "too_small");
        }
        hello(server, &guest, 2);
    });
    connected("types-that-do-not-exist", "7 to 15", &|server, guest| {
        let key = guest.session().client_to_server;
        for kind in 7..16 {
            let data = packet_with_prefix(PROTOCOL_ID, &key, 0x10 | kind, 2, &contents(PAYLOAD));
            server.ignores(datagram(CLIENT, &data), "type");
        }
        hello(server, &guest, 2);
    });
    connected("type-0-with-sequence-bytes", "only a prefix of 0 is a request", &|server, guest| {
        let key = guest.session().client_to_server;
        let data = packet_with_prefix(PROTOCOL_ID, &key, 0x10, 2, &contents(PAYLOAD));
        server.ignores(datagram(CLIENT, &data), "type|unexpected");
    });
    connected("types-for-clients", "denied and challenge, and no response any more", &|server, guest| {
        for kind in [DENIED, crate::wire::CHALLENGE, RESPONSE] {
            server.ignores(guest.says(kind, 2, &contents(kind)), "unexpected");
        }
        hello(server, &guest, 2);
    });
    connected("sequence-bytes", "1 to 8; the number can still be used", &|server, guest| {
        for bytes in WRONG_SEQUENCE_BYTES {
            let data = with_sequence_bytes(&guest.session().client_to_server, bytes, b"hello");
            server.ignores(datagram(CLIENT, &data), "sequence_bytes");
            hello(server, &guest, bytes.into());
        }
    });
    connected("no-room-for-the-tag", "", &|server, _guest| {
        let data = [&[0x80 | DISCONNECT][..], &[0; 23]].concat();
        server.ignores(datagram(CLIENT, &data), "too_small");
    });
    connected("sizes", "authentic, but of another size than its type", &|server, guest| {
        // Each with a number of its own: whoever looks at the size after decrypting has received that number.
        let kinds = [(KEEP_ALIVE, [7, 9]), (DISCONNECT, [1, 8]), (PAYLOAD, [0, 1201])];
        let packets = kinds.into_iter().flat_map(|(kind, sizes)| sizes.map(|size| (kind, size)));
        for (sequence, (kind, size)) in (2..).zip(packets) {
            server.ignores(guest.says(kind, sequence, &vec![1; size]), "size");
        }
        hello(server, &guest, 8);
    });
    connected("size-and-replayed", "a number that was there before, in a packet of another size", &|server, guest| {
        hello(server, &guest, 2);
        for (kind, size) in [(KEEP_ALIVE, 7), (DISCONNECT, 1), (PAYLOAD, 1201)] {
            server.ignores(guest.says(kind, 2, &vec![1; size]), "size|replayed");
        }
    });
    connected("largest-packet", "1225 bytes: 1200 of payload behind 8 of sequence", &|server, guest| {
        let (data, sequence) = ([7; 1200], 1 << 63);
        let seen = Seen::nothing().received_from(0, sequence, &data);
        server.update(0.0, vec![guest.says(PAYLOAD, sequence, &data)], seen);
    });
    connected("forged", "changed on the way, or of another key; its number can still be used", &|server, guest| {
        let packet = guest.session().client_seals(PAYLOAD, 300, b"hello");
        for byte in [1, 5, packet.len() - 1] {
            let mut changed = packet.clone();
            changed[byte] ^= 4;
            server.ignores(datagram(CLIENT, &changed), "forged");
        }
        let back = guest.session().server_seals(PAYLOAD, 300, b"hello");
        server.ignores(datagram(CLIENT, &back), "forged");
        hello(server, &guest, 2);
        hello(server, &guest, 300);
    });
    connected("replayed", "also when it was changed: nothing is decrypted that was there before", &|server, guest| {
        hello(server, &guest, 2);
        server.ignores(guest.says(PAYLOAD, 2, b"hello"), "replayed");
        server.ignores(guest.keeps_alive(2), "replayed");
        server.ignores(guest.says(DISCONNECT, 2, &[]), "replayed");
        let mut changed = guest.session().client_seals(PAYLOAD, 2, b"hello");
        changed[4] ^= 1;
        server.ignores(datagram(CLIENT, &changed), "replayed");
    });
    connected("from-elsewhere", "a copy from another address is not from the client", &|server, guest| {
        let packet = guest.session().client_seals(PAYLOAD, 2, b"hello");
        server.ignores(datagram(STRANGER, &packet), "unknown_source");
        server.ignores(datagram("10.0.1.1:50001", &packet), "unknown_source");
        hello(server, &guest, 2);
    });
    connected("longer-than-any-packet", "1300 bytes are read, and are no packet", &|server, guest| {
        let data = guest.session().client_seals(PAYLOAD, 2, &[7; 1282]);
        server.ignores(datagram(CLIENT, &data), "size");
    });
    connected("keys-of-their-own", "no client can speak for another", &|server, guest| {
        let other = Guest::at("10.0.1.2:50000", "the other client");
        server.joins(0.0, &other, 1);
        let packet = other.session().client_seals(PAYLOAD, 2, b"hello");
        server.ignores(datagram(&guest.address, &packet), "forged");
        let seen = Seen::nothing().received_from(1, 2, b"hello");
        server.update(0.0, vec![datagram(&other.address, &packet)], seen);
        hello(server, &guest, 2);
    });
    cases
}
