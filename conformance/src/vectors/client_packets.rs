//! What a client makes of datagrams, in each of its states.

use super::Case;
use super::live::*;
use super::packets::{WRONG_SEQUENCE_BYTES, contents, with_sequence_bytes};
use crate::wire::{CHALLENGE, DENIED, DISCONNECT, KEEP_ALIVE, PAYLOAD, RESPONSE, keep_alive, packet_with_prefix};

/// While it is connected nothing is due at this time.
const NOW: f64 = 0.0625;

fn hello(client: &mut ClientCase, sequence: u64) {
    let packet = client.server_says(PAYLOAD, sequence, b"hello");
    client.update(NOW, vec![packet], Seen::nothing().received(sequence, b"hello"));
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut connected = |id: &str, note: &str, play: &dyn Fn(&mut ClientCase)| {
        let mut client = ClientCase::new(id, note).connected();
        play(&mut client);
        cases.push(client.case);
    };

    connected("payloads", "of 1 to 1200 bytes", &|client| {
        for (sequence, size) in [1usize, 2, 600, 1199, 1200].into_iter().enumerate() {
            let (data, sequence) = (vec![size as u8; size], sequence as u64 + 1);
            let packet = client.server_says(PAYLOAD, sequence, &data);
            client.update(NOW, vec![packet], Seen::nothing().received(sequence, &data));
        }
    });
    connected("keep-alive-of-another-slot", "the slot is that of the keep-alive that connected", &|client| {
        let other = client.server_says(KEEP_ALIVE, 1, &keep_alive(5, 9));
        client.update(NOW, vec![other], Seen::nothing());
        hello(client, 2);
    });
    connected("too-small", "18 bytes is the smallest packet", &|client| {
        let packet = client.token.session.server_seals(DISCONNECT, 1, &[]);
        for size in [0, 1, 17] {
            client.ignores(NOW, datagram(SERVER, &packet[..size]), "too_small");
        }
        hello(client, 1);
    });
    connected("types-that-do-not-exist", "7 to 15", &|client| {
        for kind in 7..16 {
            let key = client.token.session.server_to_client;
            let data = packet_with_prefix(PROTOCOL_ID, &key, 0x10 | kind, 1, &contents(PAYLOAD));
            client.ignores(NOW, datagram(SERVER, &data), "type");
        }
        hello(client, 1);
    });
    connected("types-for-servers", "requests and responses", &|client| {
        client.ignores(NOW, datagram(SERVER, &client.token.request()), "type|unexpected");
        let response = client.server_says(RESPONSE, 1, &contents(RESPONSE));
        client.ignores(NOW, response, "unexpected");
        hello(client, 1);
    });
    connected("types-of-the-handshake", "denied and challenge come too late", &|client| {
        for kind in [DENIED, CHALLENGE] {
            let packet = client.server_says(kind, 1 << 63, &contents(kind));
            client.ignores(NOW, packet, "unexpected");
        }
        hello(client, 1);
    });
    connected("no-room-for-the-tag", "", &|client| {
        let data = [&[0x80 | DISCONNECT][..], &[0; 23]].concat();
        client.ignores(NOW, datagram(SERVER, &data), "too_small");
    });
    connected("sizes", "authentic, but of another size than its type", &|client| {
        // Each with a number of its own: whoever looks at the size after decrypting has received that number.
        let kinds = [(KEEP_ALIVE, [7, 9]), (DISCONNECT, [1, 8]), (PAYLOAD, [0, 1201])];
        let packets = kinds.into_iter().flat_map(|(kind, sizes)| sizes.map(|size| (kind, size)));
        for (sequence, (kind, size)) in (1..).zip(packets) {
            let packet = client.server_says(kind, sequence, &vec![1; size]);
            client.ignores(NOW, packet, "size");
        }
        hello(client, 7);
    });
    connected("size-and-replayed", "a number that was there before, in a packet of another size", &|client| {
        hello(client, 1);
        for (kind, size) in [(KEEP_ALIVE, 7), (DISCONNECT, 1), (PAYLOAD, 1201)] {
            let packet = client.server_says(kind, 1, &vec![1; size]);
            client.ignores(NOW, packet, "size|replayed");
        }
    });
    connected("largest-packet", "1225 bytes: 1200 of payload behind 8 of sequence", &|client| {
        let (data, sequence) = ([7; 1200], 1 << 63);
        let packet = client.server_says(PAYLOAD, sequence, &data);
        client.update(NOW, vec![packet], Seen::nothing().received(sequence, &data));
    });
    connected("forged", "changed on the way, or of another key; its number can still be used", &|client| {
        let packet = client.token.session.server_seals(PAYLOAD, 300, b"hello");
        for byte in [1, 5, packet.len() - 1] {
            let mut changed = packet.clone();
            changed[byte] ^= 4;
            client.ignores(NOW, datagram(SERVER, &changed), "forged");
        }
        let own = client.token.session.client_seals(PAYLOAD, 300, b"hello");
        client.ignores(NOW, datagram(SERVER, &own), "forged");
        hello(client, 1);
        hello(client, 300);
    });
    connected("replayed", "the keep-alive that connected counts, too", &|client| {
        hello(client, 1);
        for (kind, sequence) in [(PAYLOAD, 1), (KEEP_ALIVE, 1), (DISCONNECT, 1), (PAYLOAD, 0), (DISCONNECT, 0)] {
            let packet = client.server_says(kind, sequence, &contents(kind));
            client.ignores(NOW, packet, "replayed");
        }
    });
    connected("replayed-and-forged", "nothing is decrypted whose number was there before", &|client| {
        hello(client, 1);
        let mut changed = client.token.session.server_seals(PAYLOAD, 1, b"hello");
        changed[4] ^= 1;
        client.ignores(NOW, datagram(SERVER, &changed), "replayed");
    });
    connected("from-elsewhere", "a copy from another address does not count as received", &|client| {
        let packet = client.token.session.server_seals(PAYLOAD, 1, b"hello");
        for source in [STRANGER, "10.0.0.1:40001"] {
            client.ignores(NOW, datagram(source, &packet), "other_source");
        }
        hello(client, 1);
    });
    connected("disconnect", "whatever comes after it is ignored", &|client| {
        hello(client, 1);
        let farewell = client.server_says(DISCONNECT, 2, &[]);
        client.update(NOW, vec![farewell], Seen::nothing().state(change(3, 0, 0, 0)));
        let late = datagram(SERVER, &client.token.session.server_seals(DISCONNECT, 3, &[]));
        client.ignores(NOW, late, "not_connecting");
    });
    cases.push(sequence_bytes());
    cases.extend(before_connected());
    cases
}

/// A payload without sequence bytes could be number 0, so the keep-alive that connects is another.
fn sequence_bytes() -> Case {
    let mut client = ClientCase::new("sequence-bytes", "1 to 8; the number can still be used");
    client.challenged();
    let welcome = client.welcome(1);
    client.update(NOW, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
    for bytes in WRONG_SEQUENCE_BYTES {
        let data = with_sequence_bytes(&client.token.session.server_to_client, bytes, b"hello");
        client.ignores(NOW, datagram(SERVER, &data), "sequence_bytes");
        hello(&mut client, bytes.into());
    }
    client.case
}

fn before_connected() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut requesting = ClientCase::new("while-requesting", "only a challenge or a denial is expected");
    requesting.waits(0.0);
    for kind in [KEEP_ALIVE, PAYLOAD, DISCONNECT, RESPONSE] {
        let packet = requesting.server_says(kind, kind.into(), &contents(kind));
        requesting.ignores(0.0, packet, "unexpected");
    }
    let elsewhere = datagram(STRANGER, &requesting.token.session.server_seals(DENIED, 1 << 63, &[]));
    requesting.ignores(0.0, elsewhere, "other_source");
    let mut forged = requesting.token.session.server_seals(DENIED, 1 << 63, &[]);
    forged[20] ^= 1;
    requesting.ignores(0.0, datagram(SERVER, &forged), "forged");
    let challenge = requesting.challenge(1 << 63);
    requesting.update(0.0, vec![challenge], Seen::nothing().state(change(1, 2, 0, 0)));
    cases.push(requesting.case);

    let mut responding = ClientCase::new("while-responding", "only a keep-alive or a denial is expected");
    responding.challenged();
    let challenge = responding.challenge((1 << 63) + 1);
    responding.ignores(0.0, challenge, "unexpected");
    for kind in [PAYLOAD, DISCONNECT] {
        let packet = responding.server_says(kind, kind.into(), &contents(kind));
        responding.ignores(0.0, packet, "unexpected");
    }
    let welcome = responding.welcome(0);
    responding.update(NOW, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
    cases.push(responding.case);

    // Challenges and denials have numbers of their own, which say nothing about the window.
    let mut again = ClientCase::new("challenge-of-any-number", "challenges are not under replay protection");
    again.waits(0.0);
    let challenge = again.challenge(3);
    again.update(0.0, vec![challenge], Seen::nothing().state(change(1, 2, 0, 0)));
    let welcome = again.welcome(0);
    again.update(NOW, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
    cases.push(again.case);

    let mut denied = ClientCase::new("denied-of-any-number", "denials are not under replay protection");
    denied.waits(0.0);
    let payload = denied.server_says(PAYLOAD, 300, &contents(PAYLOAD));
    denied.ignores(0.0, payload, "unexpected");
    let packet = denied.server_says(DENIED, 300, &[]);
    denied.update(0.0, vec![packet], Seen::nothing().state(change(1, -1, 0, 0)));
    cases.push(denied.case);

    let note = "an authentic packet that comes too early has used its number up";
    let mut early = ClientCase::new("unexpected-and-yet-received", note);
    early.waits(0.0);
    let payload = early.server_says(PAYLOAD, 7, &contents(PAYLOAD));
    early.ignores(0.0, payload, "unexpected");
    let challenge = early.challenge(1 << 63);
    early.update(0.0, vec![challenge], Seen::nothing().state(change(1, 2, 0, 0)));
    let farewell = early.server_says(DISCONNECT, 9, &[]);
    early.ignores(0.0, farewell, "unexpected");
    let welcome = early.welcome(7);
    early.ignores(0.0, welcome, "replayed");
    let welcome = early.welcome(8);
    early.update(NOW, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
    let payload = early.server_says(PAYLOAD, 9, b"hello");
    early.ignores(NOW, payload, "replayed");
    cases.push(early.case);
    cases
}
