//! What this library does otherwise than the C library, on purpose: each difference here was a weakness there.

mod common;

use std::collections::HashMap;

use netcode::client::{self, Outcome, RECENT_TOKENS, State};
use netcode::packet::{Kind, MAX_SEALED_BYTES};
use netcode::server::{Ignored, Server};
use netcode::token::ConnectToken;
use netcode::{Key, MAC_BYTES};

use common::datagram::{self, Contents};
use common::guest::{Guest, Reaction, deliver, open_server};
use common::link::{Conditions, Sent};
use common::random::SeededRng;
use common::tokens::{PROTOCOL_ID, TokenSpec};
use common::world::{EPOCH, MAX_TOKEN_LIFETIME, Pair, World, client_address, config, server_address};

// A challenge is answered by the holder of the very token for which it was made.

#[test]
fn the_challenge_of_another_token_is_not_accepted() {
    let same = |spec| spec;
    let another_id = |spec: TokenSpec| TokenSpec { client_id: spec.client_id + 1, ..spec };
    let other_data = |spec: TokenSpec| TokenSpec { user_data: [0xdd; 256], ..spec };
    let one_other_byte = |mut spec: TokenSpec| {
        spec.user_data[255] ^= 1;
        spec
    };
    let changes: [fn(TokenSpec) -> TokenSpec; 3] = [another_id, other_data, one_other_byte];
    for change in changes {
        let mut server = open_server(4);
        let victim = Guest::numbered_with(2, same);
        let mut thief = Guest::numbered_with(3, |_| change(TokenSpec::new(1002, &[server_address(0)])));
        let (_, stolen) = victim.open(&victim.ask(&mut server).challenge());
        let Contents::Challenge(number, token) = stolen else { panic!("{stolen:?}") };
        let own_challenge = thief.ask(&mut server).challenge();

        let answer = thief.seal(&Contents::Response(number, token));
        assert_eq!(thief.hand(&mut server, &answer), Reaction::Ignored(Ignored::OtherChallenge));
        assert_eq!(server.connected_clients(), 0);
        let answer = thief.answer(&own_challenge);
        assert!(thief.hand(&mut server, &answer).is_connected(), "its own is as good as before");
    }
}

#[test]
fn a_challenge_with_another_number_is_not_accepted() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    guest.ask(&mut server).challenge();
    let (_, contents) = guest.open(&guest.ask(&mut server).challenge());
    let Contents::Challenge(1, token) = contents else { panic!("{contents:?}") };
    for number in [0, 2, u64::MAX] {
        let answer = guest.seal(&Contents::Response(number, token.clone()));
        assert_eq!(guest.hand(&mut server, &answer), Reaction::Ignored(Ignored::OtherChallenge));
    }
}

// Whoever shows a known token elsewhere costs no decryption.

#[test]
fn a_known_token_from_elsewhere_is_refused_without_looking_at_it() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    guest.ask(&mut server).challenge();
    // Only the tag is the genuine one. Whether it fits shows in the reason: if it had been decrypted
    // it would be a forgery.
    let mut garbled = guest.token.private_data;
    garbled[..1024 - MAC_BYTES].fill(0xee);
    let forgery = datagram::request_with(&guest.token, &garbled);
    assert_eq!(deliver(&mut server, client_address(2), &forgery), Reaction::Ignored(Ignored::TokenUsed));
    // From where the token was shown it is a forgery, and does the token no harm.
    assert_eq!(guest.hand(&mut server, &forgery), Reaction::Ignored(Ignored::Forged));
    guest.join(&mut server);
    assert_eq!(deliver(&mut server, client_address(2), &forgery), Reaction::Ignored(Ignored::TokenUsed));
}

#[test]
fn a_forged_tag_does_not_make_a_token_known() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    let mut garbled = guest.token.private_data;
    garbled[0] ^= 1;
    let forgery = datagram::request_with(&guest.token, &garbled);
    assert_eq!(deliver(&mut server, client_address(2), &forgery), Reaction::Ignored(Ignored::Forged));
    guest.join(&mut server);
}

// No key ever seals two packets under one number.

/// What was sealed under which key with which number.
#[derive(Default)]
struct Nonces {
    keys: Vec<Key>,
    sealed: HashMap<(usize, u64), Vec<u8>>,
}

impl Nonces {
    fn of<'t>(tokens: impl IntoIterator<Item = &'t ConnectToken>) -> Self {
        let keys =
            tokens.into_iter().flat_map(|token| [token.client_to_server.clone(), token.server_to_client.clone()]);
        Self { keys: keys.collect(), sealed: HashMap::new() }
    }

    /// Takes note of a datagram.
    #[track_caller]
    fn note(&mut self, data: &[u8]) {
        let opened = |key| datagram::open(data, PROTOCOL_ID, key);
        let (key, sequence) = (self.keys.iter().enumerate())
            .find_map(|(number, key)| Some((number, opened(key)?.0)))
            .expect("sealed under one of the keys");
        let before = self.sealed.insert((key, sequence), data.to_vec());
        assert!(before.is_none(), "number {sequence} a second time: {:?}", datagram::kind(data));
    }

    /// Takes note of everything that was sent over a link.
    #[track_caller]
    fn note_all(&mut self, record: &[Sent]) {
        for sent in record.iter().filter(|sent| sent.kind() != Kind::Request) {
            self.note(&sent.data);
        }
    }

    /// The numbers that servers gave to packets that belong to no connection.
    fn global(&self) -> Vec<u64> {
        let mut numbers: Vec<_> = self.sealed.keys().map(|&(_, sequence)| sequence).filter(|&n| n >= 1 << 63).collect();
        numbers.sort();
        numbers
    }
}

/// Has a server answer requests, with challenges and then with denials.
fn answers(server: &mut Server, guest: &Guest) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    for full in [false, true] {
        if full {
            assert!(server.connect_loopback(0, 7));
        }
        for _ in 0..5 {
            match guest.ask(server) {
                Reaction::Reply { kind, data } => {
                    assert_eq!(kind == Kind::Denied, full);
                    answers.push(data);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    answers
}

#[test]
fn two_servers_of_one_token_number_their_answers_differently() {
    let mut random = SeededRng::new(1);
    let addresses = [server_address(0), server_address(1)];
    let token = TokenSpec::new(1, &addresses).issue(EPOCH, &mut random);
    let guest = Guest::new(client_address(0), token.clone());
    let mut nonces = Nonces::of([&token]);
    for address in addresses {
        let mut server = Server::new(config(address));
        server.start(1, EPOCH - u64::from(MAX_TOKEN_LIFETIME), &mut random).unwrap();
        server.set_wall_clock(EPOCH);
        for answer in answers(&mut server, &guest) {
            nonces.note(&answer);
        }
    }
    assert_eq!(nonces.global().len(), 20);
}

#[test]
fn a_server_that_is_started_again_numbers_its_answers_differently() {
    let mut random = SeededRng::new(1);
    let mut server = Server::new(config(server_address(0)));
    let guest = Guest::numbered(1);
    let mut nonces = Nonces::of([&guest.token]);
    for _ in 0..20 {
        // In the second in which the token was made, or it would be refused.
        server.start(1, EPOCH, &mut random).unwrap();
        for answer in answers(&mut server, &guest) {
            nonces.note(&answer);
        }
    }
    let numbers = nonces.global();
    assert_eq!(numbers.len(), 200);
    // Spread over the top half of the range, without a chance that they run over its end.
    assert!(numbers[199] - numbers[0] > 1 << 61);
    assert!(numbers[199] < u64::MAX - (1 << 61));
}

#[test]
fn answers_of_one_start_are_numbered_one_after_the_other() {
    let mut server = open_server(1);
    let guest = Guest::numbered(1);
    let numbers: Vec<_> = answers(&mut server, &guest).iter().map(|answer| guest.open(answer).0).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

#[test]
fn whatever_happens_on_a_server_no_number_is_used_twice_under_a_key() {
    let mut world = World::new(21);
    let server = world.add_server(8);
    world.link.conditions = Conditions { latency: 0.02, jitter: 0.05, loss: 0.2, duplicates: 0.2 };
    let mut tokens = Vec::new();
    for _ in 0..12 {
        world.add_client();
    }
    for round in 0..6 {
        for client in 0..12 {
            if world.clients[client].state() <= State::Disconnected {
                world.connect(client, &[server]);
                tokens.push(world.clients[client].token().clone());
            }
        }
        for _ in 0..32 {
            world.tick();
            for client in 0..12 {
                let _ = world.client_sends(client, &[round; 20]);
                let _ = world.server_sends(server, client, &[round; 30]);
            }
        }
        world.server_expels(server, usize::from(round));
        world.client_leaves(usize::from(round) + 3);
    }
    let kinds = [Kind::Challenge, Kind::Denied, Kind::KeepAlive, Kind::Payload, Kind::Disconnect];
    for kind in kinds {
        assert!(!world.link.sent_by(server_address(server), kind).is_empty(), "no {kind}");
    }
    let mut nonces = Nonces::of(&tokens);
    nonces.note_all(&world.link.record);
    assert!(nonces.sealed.len() > 2500, "{} packets", nonces.sealed.len());
}

#[test]
fn a_client_that_shows_its_token_again_goes_on_counting() {
    let mut pair = Pair::connecting(|spec| spec);
    pair.link.lose_all(Kind::Response);
    pair.run_until(|world| world.clients[0].state() == State::ConnectionResponseTimedOut);
    assert_eq!(pair.client().core.next_packet_sequence(), 0);

    pair.link.clear();
    let token = pair.client().token().clone();
    pair.client().connect(token.clone());
    // One request and a response every 7 ticks for five seconds, and the request that is to come.
    let sequence = pair.client().core.next_packet_sequence();
    assert!((45..50).contains(&sequence), "{sequence}");
    pair.run_until(|world| world.clients[0].state() == State::Connected);
    for _ in 0..200 {
        pair.client_sends(0, b"hello").unwrap();
        pair.server_sends(0, 0, b"hello").unwrap();
        pair.tick();
    }
    let mut nonces = Nonces::of([&token]);
    nonces.note_all(&pair.link.record);
    assert_eq!(pair.server().payloads.len(), 200);
}

#[test]
fn the_count_of_a_token_survives_every_end_of_its_connection() {
    let endings: [fn(&mut Pair); 4] = [
        |pair| pair.client_leaves(0),
        |pair| {
            pair.server_expels(0, 0);
            pair.tick();
        },
        |pair| {
            let _ = pair.client().core.refuse_token();
            pair.client().core.settle();
        },
        |pair| {
            pair.client_leaves(0);
            let core = &mut pair.client().core;
            core.connect_loopback(0, 1);
            core.take_loopback_sequence();
            let _ = core.disconnect_loopback();
            core.settle();
        },
    ];
    for ending in endings {
        let mut pair = Pair::connected();
        for _ in 0..10 {
            pair.client_sends(0, b"hello").unwrap();
        }
        let token = pair.client().token().clone();
        ending(&mut pair);
        assert_eq!(pair.client().core.next_packet_sequence(), 0, "until it connects again");
        let sealed: Vec<_> = pair.link.record.iter().filter(|sent| sent.from == client_address(0)).cloned().collect();
        pair.client().connect(token.clone());
        assert_eq!(pair.client().core.next_packet_sequence(), sealed.len() as u64);
        pair.run_for(0.5);
        pair.client_leaves(0);
        let mut nonces = Nonces::of([&token]);
        nonces.note_all(&pair.link.record);
    }
}

#[test]
fn a_client_that_goes_back_to_an_earlier_token_goes_on_counting_there() {
    let mut pair = Pair::connected();
    let mut counts = Vec::new();
    for number in 0..RECENT_TOKENS {
        if number > 0 {
            let spec = pair.spec(0, &[0]);
            pair.connect_with(0, &spec);
            assert_eq!(pair.client().core.next_packet_sequence(), 0, "a new token starts anew");
            pair.run_for(0.5);
        }
        pair.client_sends(0, b"hello").unwrap();
        let token = pair.client().token().clone();
        pair.client_leaves(0);
        let sealed = pair.link.record.iter().filter(|sent| sent.from == client_address(0)).count();
        counts.push((token, sealed as u64));
        pair.link.record.clear();
    }
    for (token, count) in counts {
        pair.client().connect(token);
        assert_eq!(pair.client().core.next_packet_sequence(), count);
    }
}

#[test]
fn a_client_that_shows_its_token_again_while_connected_goes_on_counting() {
    let mut pair = Pair::connected();
    let sequence = pair.client().core.next_packet_sequence();
    let token = pair.client().token().clone();
    pair.client().connect(token);
    assert_eq!(pair.client().core.next_packet_sequence(), sequence);
}

#[test]
fn a_new_token_is_counted_from_zero() {
    let mut pair = Pair::connected();
    pair.client_leaves(0);
    pair.connect(0, &[0]);
    assert_eq!(pair.client().core.next_packet_sequence(), 0);
}

// Nobody but the peer moves the replay window.

#[test]
fn a_forged_packet_does_not_move_the_window_of_a_server() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    let slot = guest.join(&mut server);
    let forged = Reaction::Ignored(Ignored::Forged);
    for kind in [Kind::KeepAlive, Kind::Payload, Kind::Disconnect] {
        for sequence in [2, 1_000_000, u64::MAX] {
            let mut packet = guest.seal_as(&Contents::example(kind), sequence);
            *packet.last_mut().unwrap() ^= 1;
            assert_eq!(guest.hand(&mut server, &packet), forged);
        }
    }
    let payload = guest.seal_as(&Contents::Payload(vec![7]), 2);
    assert_eq!(guest.hand(&mut server, &payload), Reaction::Payload { slot, sequence: 2, data: vec![7] });
    assert_eq!(guest.hand(&mut server, &payload), Reaction::Ignored(Ignored::Replayed));
}

#[test]
fn a_forged_packet_does_not_move_the_window_of_a_client() {
    let mut pair = Pair::connected();
    let key = pair.client().token().server_to_client.clone();
    let next = pair.server().core.next_packet_sequence(0).unwrap();
    for sequence in [next, 1_000_000, u64::MAX] {
        let mut packet = datagram::seal(&Contents::example(Kind::Payload), sequence, PROTOCOL_ID, &key);
        *packet.last_mut().unwrap() ^= 1;
        let outcome = pair.client().core.handle(server_address(0), &mut packet);
        assert_eq!(outcome, Outcome::Ignored(client::Ignored::Forged));
    }
    pair.server_sends(0, 0, b"genuine").unwrap();
    pair.tick();
    assert_eq!(pair.client().payloads, [(next, b"genuine".to_vec())]);
}

#[test]
fn a_copy_from_elsewhere_does_not_count_as_received() {
    let mut pair = Pair::connected();
    // An eavesdropper sends everything on before it arrives, from its own address.
    pair.client_sends(0, b"to the server").unwrap();
    pair.server_sends(0, 0, b"to the client").unwrap();
    let sent = pair.link.record[pair.link.record.len() - 2..].to_vec();
    for sent in sent {
        let mut data = sent.data.clone();
        if sent.to == server_address(0) {
            let reaction = deliver(&mut pair.server().core, client_address(7), &data);
            assert_eq!(reaction, Reaction::Ignored(Ignored::UnknownSource));
        } else {
            let outcome = pair.client().core.handle(server_address(7), &mut data);
            assert_eq!(outcome, Outcome::Ignored(client::Ignored::OtherSource));
        }
    }
    pair.tick();
    assert_eq!(pair.client().payloads.last().unwrap().1, b"to the client");
    assert_eq!(pair.server().payloads.last().unwrap().2, b"to the server");
}

#[test]
fn a_packet_of_one_client_does_not_count_for_another() {
    let mut server = open_server(4);
    let (mut first, mut second) = (Guest::numbered(1), Guest::numbered(2));
    let (slot, _) = (first.join(&mut server), second.join(&mut server));
    let payload = first.payload(b"from the first");
    assert_eq!(second.hand(&mut server, &payload), Reaction::Ignored(Ignored::Forged));
    let expected = Reaction::Payload { slot, sequence: 1, data: b"from the first".to_vec() };
    assert_eq!(first.hand(&mut server, &payload), expected);
}

// Other corrections that a client shows.

#[test]
fn the_first_response_goes_out_in_the_update_in_which_the_challenge_arrives() {
    let mut pair = Pair::new(1);
    pair.update_at(1.0);
    pair.connect(0, &[0]);
    pair.update_at(2.0);
    // The request has just been sent: by the timer alone, nothing would be due for a while.
    pair.update_at(2.0);
    assert_eq!(pair.link.times_of(client_address(0), Kind::Response), [2.0]);
}

#[test]
fn a_client_that_is_sent_away_does_not_try_the_next_server() {
    let mut world = World::new(1);
    for _ in 0..2 {
        world.add_server(1);
    }
    let client = world.add_client();
    world.connect(client, &[0, 1]);
    world.run_until(|world| world.clients[client].state() == State::Connected);
    world.server_expels(0, 0);
    world.run_for(1.0);
    assert_eq!(world.clients[client].state(), State::Disconnected);
    assert_eq!(world.clients[client].core.server_number(), None);
    assert!(world.clients[client].core.poll_transmit(&mut [0; MAX_SEALED_BYTES]).is_none());
}
