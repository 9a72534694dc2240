//! Clients and servers over a simulated link: how connections begin, live and end, and what clocks do to them.

mod common;

use netcode::client::{self, Client, Outcome, State};
use netcode::packet::{KeepAlive, Kind, MAX_SEALED_BYTES};
use netcode::server::{DisconnectReason, Ignored};
use netcode::{DISCONNECT_PACKETS, MAX_CLIENTS, MAX_PAYLOAD_BYTES, SendError};

use common::datagram::{self, Contents};
use common::link::{Conditions, Sent};
use common::random::SeededRng;
use common::tokens::{PROTOCOL_ID, TokenSpec};
use common::world::{EPOCH, Event, Pair, TICK, World, client_address, just_after, just_before, server_address};

/// The disconnect packets of one farewell.
const FAREWELL: usize = DISCONNECT_PACKETS as usize;

// The handshake.

#[test]
fn a_handshake_takes_three_updates_and_answers_the_challenge_in_the_one_in_which_it_arrives() {
    let mut pair = Pair::connecting(|spec| spec);
    pair.tick();
    assert_eq!(pair.client().state(), State::SendingConnectionRequest);
    pair.tick();
    assert_eq!(pair.client().state(), State::SendingConnectionResponse);
    assert_eq!(pair.server().core.connected_clients(), 1);
    pair.tick();
    assert_eq!(pair.client().state(), State::Connected);

    let sent: Vec<_> = pair.link.record.iter().map(|sent| (sent.at, sent.kind())).collect();
    let expected =
        [(TICK, Kind::Request), (TICK, Kind::Challenge), (2.0 * TICK, Kind::Response), (2.0 * TICK, Kind::KeepAlive)];
    assert_eq!(sent, expected);
    assert_eq!(
        pair.client().transitions,
        [
            (State::Disconnected, State::SendingConnectionRequest),
            (State::SendingConnectionRequest, State::SendingConnectionResponse),
            (State::SendingConnectionResponse, State::Connected),
        ]
    );
}

#[test]
fn both_sides_agree_about_who_is_where() {
    let mut world = World::new(3);
    let server = world.add_server(5);
    for slot in 0..3 {
        let client = world.add_client();
        world.join(client, server);
        let host = &world.clients[client];
        assert_eq!((host.core.client_index(), host.core.max_clients()), (slot as u32, 5));
        assert_eq!(host.core.server_address(), Some(server_address(server)));
        assert_eq!(host.core.server_number(), Some((0, 1)));

        let core = &world.servers[server].core;
        assert_eq!(core.client_address(slot), Some(client_address(client)));
        assert_eq!(core.client_id(slot), Some(1000 + client as u64));
        assert_eq!(core.disconnect_reason(slot), DisconnectReason::None);
        assert!(core.is_connected(slot) && !core.is_loopback(slot) && !core.is_connected(slot + 1));
        assert_eq!((core.connected_clients(), core.max_clients()), (slot + 1, 5));
        let (client_id, user_data) = (1000 + client as u64, vec![(1000 + client) as u8; 256]);
        assert_eq!(world.servers[server].events[slot], Event::Connected { slot, client_id, user_data });
    }
}

#[test]
fn a_request_goes_out_in_the_first_update_and_then_after_more_than_a_tenth_of_a_second() {
    let mut pair = Pair::new(1);
    pair.update_at(1.0);
    pair.server().awake = false;
    pair.connect(0, &[0]);
    for time in [1.0, 1.05, 1.1, just_after(1.1), 1.15, 1.2, 1.25] {
        pair.update_at(time);
    }
    let address = pair.client().address;
    assert_eq!(pair.link.times_of(address, Kind::Request), [1.0, just_after(1.1), 1.25]);
    assert_eq!(pair.client().core.next_packet_sequence(), 3, "requests count, although they carry no number");
}

#[test]
fn a_response_is_repeated_until_it_is_answered() {
    let mut pair = Pair::connecting(|spec| spec);
    pair.link.lose_all(Kind::Response);
    pair.run_for(1.0);
    let address = pair.client().address;
    let times = pair.link.times_of(address, Kind::Response);
    assert!(times.len() >= 9, "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 7.0 * TICK), "7 ticks are more than 0.1 s: {times:?}");
    assert_eq!(pair.client().state(), State::SendingConnectionResponse);

    pair.link.clear();
    pair.run_for(0.25);
    assert_eq!(pair.client().state(), State::Connected);
}

#[test]
fn a_lost_request_or_challenge_is_made_up_for() {
    for kind in [Kind::Request, Kind::Challenge] {
        let mut pair = Pair::connecting(|spec| spec);
        let mut lost = 0;
        pair.link.place(move |sent| {
            let loses = sent.kind() == kind && lost < 3;
            lost += usize::from(loses);
            !loses
        });
        pair.run_for(0.5);
        assert_eq!(pair.client().state(), State::Connected, "three times no {kind}");
    }
}

#[test]
fn handshakes_succeed_over_a_bad_link() {
    let mut world = World::new(8);
    let server = world.add_server(64);
    world.link.conditions = Conditions { latency: 0.05, jitter: 0.2, loss: 0.3, duplicates: 0.3 };
    for _ in 0..64 {
        let client = world.add_client();
        world.connect(client, &[server]);
    }
    world.run_until(|world| world.clients.iter().all(|client| client.state() == State::Connected));
    assert!(world.now < 5.0, "within the timeout");
    let mut slots: Vec<_> = world.clients.iter().map(|client| client.core.client_index()).collect();
    slots.sort();
    assert_eq!(slots, (0..64).collect::<Vec<_>>());
}

#[test]
fn replies_to_a_request_are_smaller_than_it() {
    let mut pair = Pair::connected();
    pair.run_for(1.0);
    let request = pair.link.sent_by(client_address(0), Kind::Request)[0].data.len();
    for sent in pair.link.record.iter().filter(|sent| sent.from == server_address(0)) {
        assert!(sent.data.len() < request / 3);
    }
}

// Time runs out while connecting.

#[test]
fn a_request_times_out_when_more_than_the_timeout_has_passed() {
    let mut pair = Pair::new(1);
    pair.update_at(1.0);
    pair.server().awake = false;
    pair.connect(0, &[0]);
    pair.update_at(6.0);
    assert_eq!(pair.client().state(), State::SendingConnectionRequest);
    pair.update_at(just_after(6.0));
    assert_eq!(pair.client().state(), State::ConnectionRequestTimedOut);
}

#[test]
fn a_response_times_out_when_more_than_the_timeout_has_passed_since_the_challenge() {
    let mut pair = Pair::new(1);
    pair.update_at(1.0);
    pair.connect(0, &[0]);
    pair.link.lose_all(Kind::Response);
    pair.update_at(2.0);
    pair.update_at(3.0);
    assert_eq!(pair.client().state(), State::SendingConnectionResponse);
    pair.update_at(8.0);
    assert_eq!(pair.client().state(), State::SendingConnectionResponse);
    pair.update_at(just_after(8.0));
    assert_eq!(pair.client().state(), State::ConnectionResponseTimedOut);
}

#[test]
fn a_token_expires_when_its_lifetime_has_passed_since_the_client_began_to_connect() {
    for lost in [Kind::Request, Kind::Response] {
        let mut pair = Pair::new(1);
        pair.update_at(1.0);
        let spec = pair.spec(0, &[0]).expiring_in(10).timing_out_after(20);
        pair.connect_with(0, &spec);
        pair.link.lose_all(lost);
        for time in [2.0, 3.0, just_before(11.0)] {
            pair.update_at(time);
            assert!(pair.client().state() > State::Disconnected);
        }
        pair.update_at(11.0);
        assert_eq!(pair.client().state(), State::ConnectTokenExpired);
    }
}

#[test]
fn an_expired_token_is_not_tried_on_the_next_server() {
    let mut world = World::new(1);
    for _ in 0..2 {
        world.add_server(1);
        world.servers.last_mut().unwrap().awake = false;
    }
    let client = world.add_client();
    let spec = world.spec(client, &[0, 1]).expiring_in(5);
    world.connect_with(client, &spec);
    // Both the token's lifetime and the timeout are over.
    world.update_at(5.5);
    assert_eq!(world.clients[client].states(), [State::SendingConnectionRequest, State::ConnectTokenExpired]);
}

#[test]
fn a_connection_outlives_its_token() {
    let mut pair = Pair::connected_with(|spec| spec.expiring_in(2));
    pair.run_for(60.0);
    assert_eq!(pair.client().state(), State::Connected);
    assert_eq!(pair.server().core.connected_clients(), 1);
}

#[test]
fn without_a_timeout_nothing_times_out() {
    for timeout in [0, -1, i32::MIN] {
        let patient = |spec: TokenSpec| spec.timing_out_after(timeout).expiring_in(-1);
        let mut pair = Pair::new(1);
        pair.server().awake = false;
        let spec = patient(pair.spec(0, &[0]));
        pair.connect_with(0, &spec);
        pair.update_at(1e9);
        assert_eq!(pair.client().state(), State::SendingConnectionRequest);

        let mut pair = Pair::connected_at_with(1.0, patient);
        pair.client().awake = false;
        pair.update_at(1e9);
        assert_eq!(pair.server().core.connected_clients(), 1);
        pair.client().awake = true;
        pair.server().awake = false;
        pair.link.receive(client_address(0));
        pair.update_at(1e9);
        assert_eq!(pair.client().state(), State::Connected);
    }
}

#[test]
fn the_client_goes_by_the_public_timeout_and_the_server_by_the_private_one() {
    let mut pair = Pair::new(1);
    let spec = pair.spec(0, &[0]).timing_out_after(8);
    let mut token = pair.issue(&spec);
    token.timeout_seconds = 3;
    pair.client().connect(token);
    for _ in 0..3 {
        pair.update_at(1.0);
    }
    pair.link.place(|_| false);
    pair.update_at(just_after(4.0));
    assert_eq!(pair.client().state(), State::ConnectionTimedOut);
    pair.update_at(just_before(9.0));
    assert_eq!(pair.server().core.connected_clients(), 1);
    pair.update_at(9.0);
    assert_eq!(pair.server().core.connected_clients(), 0);
}

// Time runs out when connected.

#[test]
fn a_silent_server_is_given_up_when_more_than_the_timeout_has_passed() {
    let mut pair = Pair::connected_at(1.0);
    pair.server().awake = false;
    pair.update_at(6.0);
    assert_eq!(pair.client().state(), State::Connected);
    pair.update_at(just_after(6.0));
    assert_eq!(pair.client().state(), State::ConnectionTimedOut);
    assert!(pair.link.sent_by(client_address(0), Kind::Disconnect).is_empty(), "nobody would hear it");
}

#[test]
fn a_silent_client_is_given_up_when_the_timeout_has_passed() {
    let mut pair = Pair::connected_at(1.0);
    pair.client().awake = false;
    pair.update_at(just_before(6.0));
    assert_eq!(pair.server().core.connected_clients(), 1);
    pair.update_at(6.0);
    assert_eq!(pair.server().core.connected_clients(), 0);
    assert_eq!(pair.server().core.disconnect_reason(0), DisconnectReason::TimedOut);
    let gone = Event::Disconnected { slot: 0, client_id: 1000, reason: DisconnectReason::TimedOut };
    assert_eq!(pair.server().events.last(), Some(&gone));
    assert!(pair.link.sent_by(server_address(0), Kind::Disconnect).is_empty(), "nobody would hear it");
}

#[test]
fn all_clients_that_fell_silent_are_given_up_in_one_update() {
    let mut world = World::new(1);
    let server = world.add_server(8);
    for _ in 0..8 {
        let client = world.add_client();
        world.connect(client, &[server]);
    }
    world.run_for(0.5);
    for client in [1, 2, 5, 7] {
        world.clients[client].awake = false;
    }
    world.run_until(|world| world.servers[server].core.connected_clients() < 8);
    let connected: Vec<_> = (0..8).filter(|&slot| world.servers[server].core.is_connected(slot)).collect();
    assert_eq!(connected, [0, 3, 4, 6]);
}

#[test]
fn clients_time_out_by_their_own_timeouts_whenever_they_came() {
    let mut world = World::new(1);
    let server = world.add_server(8);
    // When each comes, and its timeout: the later, the sooner it is given up.
    let clients = [(0.0, 60), (1.0, -1), (2.0, 30), (3.0, 7), (5.0, 1)];
    for (came, timeout) in clients {
        let client = world.add_client();
        world.run_until(|world| world.now >= came);
        let spec = world.spec(client, &[server]).timing_out_after(timeout);
        world.connect_with(client, &spec);
        world.run_until(|world| world.servers[server].core.is_connected(client));
        world.clients[client].awake = false;
    }
    let mut left = Vec::new();
    world.run_until(|world| {
        let core = &world.servers[server].core;
        let gone = (0..clients.len()).filter(|&slot| !core.is_connected(slot)).filter(|slot| !left.contains(slot));
        for slot in gone.collect::<Vec<_>>() {
            let (came, timeout) = clients[slot];
            let lasted = world.now - came;
            assert!((f64::from(timeout)..f64::from(timeout) + 0.1).contains(&lasted), "{timeout}: {lasted}");
            left.push(slot);
        }
        left.len() == 4
    });
    assert_eq!(left, [4, 3, 2, 0]);
}

#[test]
fn every_client_is_kept_alive_whenever_it_came() {
    let mut world = World::new(1);
    let server = world.add_server(16);
    for _ in 0..16 {
        let client = world.add_client();
        world.join(client, server);
        world.tick();
    }
    world.run_for(2.0);
    for client in 0..16 {
        let to_it = |sent: &&Sent| sent.to == client_address(client) && sent.kind() == Kind::KeepAlive;
        let times: Vec<_> = world.link.record.iter().filter(to_it).map(|sent| sent.at).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 7.0 * TICK), "client {client}: {times:?}");
        assert!(world.now - times[times.len() - 1] < 7.0 * TICK, "client {client}: {times:?}");
    }
}

#[test]
fn any_packet_of_a_connection_is_a_sign_of_life() {
    let mut pair = Pair::connected_at(1.0);
    // Only payloads get through, one every two seconds each way.
    pair.link.place(|sent| sent.kind() == Kind::Payload);
    let mut time = 1.0;
    while time < 21.0 {
        time += 2.0;
        pair.client_sends(0, b"still here").unwrap();
        pair.server_sends(0, 0, b"so am I").unwrap();
        pair.update_at(time);
    }
    assert_eq!(pair.client().state(), State::Connected);
    assert_eq!(pair.server().core.connected_clients(), 1);
}

#[test]
fn a_replayed_packet_is_no_sign_of_life() {
    let mut pair = Pair::connected();
    pair.run_for(1.0);
    let heard = pair.link.record.clone();
    let began = pair.now;
    // Both lose their connection, but hear again what they have heard before.
    pair.link.place(|_| false);
    while pair.now < began + 6.0 {
        for sent in &heard {
            pair.link.carry(sent.clone());
        }
        pair.run_for(0.5);
    }
    assert_eq!(pair.client().state(), State::ConnectionTimedOut);
    assert_eq!(pair.server().core.disconnect_reason(0), DisconnectReason::TimedOut);
    assert!(pair.client().ignored.contains(&client::Ignored::Replayed));
    assert!(pair.server().ignored.contains(&Ignored::Replayed));
}

// Keep-alives.

#[test]
fn a_client_sends_a_keep_alive_when_it_has_been_quiet_for_more_than_a_tenth_of_a_second() {
    let mut pair = Pair::connected_at(1.0);
    pair.update_at(1.1);
    assert!(pair.link.sent_by(client_address(0), Kind::KeepAlive).is_empty());
    pair.update_at(just_after(1.1));
    assert_eq!(pair.link.times_of(client_address(0), Kind::KeepAlive), [just_after(1.1)]);

    pair.update_at(1.15);
    pair.client_sends(0, b"busy").unwrap();
    pair.update_at(1.25);
    assert_eq!(pair.link.times_of(client_address(0), Kind::KeepAlive).len(), 1, "a payload does as well");
    pair.update_at(just_after(1.25));
    assert_eq!(pair.link.times_of(client_address(0), Kind::KeepAlive).len(), 2);
}

#[test]
fn a_server_sends_a_keep_alive_when_it_has_been_quiet_for_a_tenth_of_a_second() {
    let mut pair = Pair::connected_at(1.0);
    // The first one, at 1.0, has told the client that it is connected.
    pair.update_at(just_before(1.1));
    assert_eq!(pair.link.times_of(server_address(0), Kind::KeepAlive), [1.0]);
    pair.update_at(1.1);
    assert_eq!(pair.link.times_of(server_address(0), Kind::KeepAlive), [1.0, 1.1]);

    // The client has to be confirmed, else a keep-alive goes before the payload.
    pair.update_at(1.15);
    pair.server_sends(0, 0, b"busy").unwrap();
    pair.update_at(1.2);
    assert_eq!(pair.link.times_of(server_address(0), Kind::KeepAlive).len(), 2, "a payload does as well");
    pair.update_at(1.25);
    assert_eq!(pair.link.times_of(server_address(0), Kind::KeepAlive).len(), 3);
}

#[test]
fn keep_alives_say_who_is_where_from_the_server_and_nothing_from_the_client() {
    let mut world = World::new(1);
    let server = world.add_server(7);
    for _ in 0..3 {
        let client = world.add_client();
        world.join(client, server);
    }
    world.run_for(1.0);
    for host in &world.clients {
        let told = KeepAlive { client_index: host.core.client_index(), max_clients: 7 };
        let keep_alives = world.link.record.iter().filter(|sent| sent.kind() == Kind::KeepAlive);
        for sent in keep_alives {
            let (key, expected) = match (sent.from, sent.to) {
                (_, to) if to == host.address => (&host.token().server_to_client, told),
                (from, _) if from == host.address => (&host.token().client_to_server, KeepAlive::default()),
                _ => continue,
            };
            let (_, contents) = datagram::open(&sent.data, PROTOCOL_ID, key).unwrap();
            assert_eq!(contents, Contents::KeepAlive(expected));
        }
    }
}

#[test]
fn an_idle_connection_lasts_for_ten_minutes() {
    let mut pair = Pair::connected();
    let already = pair.link.record.len();
    pair.run_for(600.0);
    assert_eq!(pair.client().states().last(), Some(&State::Connected));
    assert_eq!(pair.server().events.len(), 1, "the client has come, and nothing else happened");
    assert!(pair.client().ignored.is_empty() && pair.server().ignored.is_empty());
    let sent = &pair.link.record[already..];
    assert!(sent.iter().all(|sent| sent.kind() == Kind::KeepAlive));
    // One every 7 ticks, on each side.
    let expected = 2.0 * 600.0 / (7.0 * TICK);
    assert!((sent.len() as f64 - expected).abs() < 4.0, "{} of {expected}", sent.len());
}

// A client that the server does not yet know to know.

#[test]
fn until_a_client_is_confirmed_a_keep_alive_goes_before_each_payload() {
    let mut pair = Pair::connected_at(1.0);
    let already = pair.link.record.len();
    pair.server_sends(0, 0, b"one").unwrap();
    pair.server_sends(0, 0, b"two").unwrap();
    let kinds: Vec<_> = pair.link.record[already..].iter().map(|sent| sent.kind()).collect();
    assert_eq!(kinds, [Kind::KeepAlive, Kind::Payload, Kind::KeepAlive, Kind::Payload]);

    pair.client_sends(0, b"I know").unwrap();
    pair.update_at(1.0);
    let already = pair.link.record.len();
    pair.server_sends(0, 0, b"three").unwrap();
    let kinds: Vec<_> = pair.link.record[already..].iter().map(|sent| sent.kind()).collect();
    assert_eq!(kinds, [Kind::Payload]);
}

#[test]
fn a_keep_alive_confirms_a_client_as_well() {
    let mut pair = Pair::connected_at(1.0);
    let mut buffer = [0; MAX_SEALED_BYTES];
    assert!(pair.server().core.keep_alive_before_payload(0, &mut buffer).is_some());
    pair.update_at(1.5);
    assert!(pair.server().core.keep_alive_before_payload(0, &mut buffer).is_none());
}

#[test]
fn a_payload_reaches_a_client_that_has_missed_that_it_is_connected() {
    let mut pair = Pair::connecting(|spec| spec);
    pair.tick();
    pair.link.lose_all(Kind::KeepAlive);
    pair.tick();
    pair.tick();
    assert_eq!(pair.server().core.connected_clients(), 1);
    assert_eq!(pair.client().state(), State::SendingConnectionResponse);

    pair.link.clear();
    pair.server_sends(0, 0, b"welcome").unwrap();
    pair.tick();
    assert_eq!(pair.client().state(), State::Connected);
    assert_eq!(pair.client().payloads, [(2, b"welcome".to_vec())]);
}

#[test]
fn a_payload_that_comes_before_the_client_is_connected_is_dropped() {
    let mut pair = Pair::connecting(|spec| spec);
    pair.tick();
    pair.link.lose_all(Kind::KeepAlive);
    pair.tick();
    pair.server_sends(0, 0, b"too early").unwrap();
    pair.tick();
    assert_eq!(pair.client().state(), State::SendingConnectionResponse);
    assert!(pair.client().payloads.is_empty());
    assert_eq!(pair.client().ignored, [client::Ignored::Unexpected(Kind::Payload)]);
}

// Payloads.

#[test]
fn payloads_of_every_size_arrive_both_ways() {
    let mut pair = Pair::connected();
    let mut random = SeededRng::new(4);
    let payloads: Vec<_> = (1..=MAX_PAYLOAD_BYTES).map(|size| random.bytes(size)).collect();
    for payload in &payloads {
        pair.client_sends(0, payload).unwrap();
        pair.server_sends(0, 0, payload).unwrap();
    }
    pair.tick();
    let received: Vec<_> = pair.server().payloads.iter().map(|(slot, _, data)| (*slot, data.clone())).collect();
    let expected: Vec<_> = payloads.iter().map(|payload| (0, payload.clone())).collect();
    assert!(received == expected);
    let received: Vec<_> = pair.client().payloads.iter().map(|(_, data)| data.clone()).collect();
    assert!(received == payloads);
}

#[test]
fn a_payload_of_another_size_is_not_sent_and_uses_up_no_number() {
    let mut pair = Pair::connected();
    let numbers = (pair.client().core.next_packet_sequence(), pair.server().core.next_packet_sequence(0));
    let already = pair.link.record.len();
    for size in [0, MAX_PAYLOAD_BYTES + 1, 2 * MAX_PAYLOAD_BYTES] {
        assert_eq!(pair.client_sends(0, &vec![0; size]), Err(SendError::PayloadSize));
        assert_eq!(pair.server_sends(0, 0, &vec![0; size]), Err(SendError::PayloadSize));
    }
    assert_eq!(pair.link.record.len(), already);
    let numbers_after = (pair.client().core.next_packet_sequence(), pair.server().core.next_packet_sequence(0));
    assert_eq!(numbers_after, numbers);
}

#[test]
fn payloads_can_only_be_sent_over_a_connection() {
    let mut pair = Pair::connecting(|spec| spec);
    for _ in 0..2 {
        assert_eq!(pair.client_sends(0, b"hello?"), Err(SendError::NotConnected));
        assert_eq!(pair.server_sends(0, 0, b"hello?"), Err(SendError::NotConnected));
        pair.tick();
    }
    pair.tick();
    assert_eq!(pair.client_sends(0, b"hello"), Ok(()));
    assert_eq!(pair.server_sends(0, 0, b"hello"), Ok(()));
    for slot in [1, 4, MAX_CLIENTS, usize::MAX] {
        assert_eq!(pair.server_sends(0, slot, b"hello?"), Err(SendError::NotConnected));
    }
    pair.client_leaves(0);
    pair.tick();
    assert_eq!(pair.client_sends(0, b"hello?"), Err(SendError::NotConnected));
    assert_eq!(pair.server_sends(0, 0, b"hello?"), Err(SendError::NotConnected));
}

#[test]
fn the_next_sequence_number_is_that_of_the_next_packet() {
    let mut pair = Pair::connected();
    for _ in 0..300 {
        let from_client = pair.client().core.next_packet_sequence();
        let from_server = pair.server().core.next_packet_sequence(0).unwrap();
        pair.client_sends(0, b"x").unwrap();
        pair.server_sends(0, 0, b"x").unwrap();
        pair.tick();
        assert_eq!(pair.server().payloads.last().unwrap().1, from_client);
        assert_eq!(pair.client().payloads.last().unwrap().0, from_server);
    }
}

#[test]
fn over_a_lossy_link_each_of_ten_thousand_payloads_arrives_at_most_once_and_unharmed() {
    const PAYLOADS: usize = 10_000;
    let payload = |way: u64, number: usize| {
        let mut random = SeededRng::new(way << 32 | number as u64);
        let size = 4 + random.below(100);
        [&(number as u32).to_le_bytes()[..], &random.bytes(size)].concat()
    };
    let number_of = |data: &[u8]| u32::from_le_bytes(data[..4].try_into().unwrap()) as usize;

    let mut pair = Pair::connected();
    pair.link.conditions = Conditions { latency: 0.03, jitter: 0.1, loss: 0.1, duplicates: 0.1 };
    let mut sent = 0;
    while sent < PAYLOADS {
        for _ in 0..10 {
            pair.client_sends(0, &payload(0, sent)).unwrap();
            pair.server_sends(0, 0, &payload(1, sent)).unwrap();
            sent += 1;
        }
        pair.tick();
    }
    pair.run_for(1.0);

    let to_server: Vec<_> = pair.server().payloads.iter().map(|(_, _, data)| data.clone()).collect();
    let to_client: Vec<_> = pair.client().payloads.iter().map(|(_, data)| data.clone()).collect();
    for (way, received) in [(0, to_server), (1, to_client)] {
        let mut numbers: Vec<_> = received.iter().map(|data| number_of(data)).collect();
        assert!(numbers.windows(2).any(|pair| pair[0] > pair[1]), "some overtook others");
        for data in &received {
            assert_eq!(*data, payload(way, number_of(data)));
        }
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), received.len(), "none came twice");
        // Whatever the link has not lost arrives: none is so late that it has left the window.
        assert!((8_800..9_200).contains(&numbers.len()), "{} arrived", numbers.len());
    }
    assert_eq!(pair.client().state(), State::Connected);
}

#[test]
fn what_is_tampered_with_is_lost_and_harms_nothing_else() {
    let mut pair = Pair::connecting(|spec| spec);
    let mut random = SeededRng::new(9);
    pair.link.place(move |sent| {
        if random.below(3) == 0 {
            let bit = random.below(sent.data.len() * 8);
            sent.data[bit / 8] ^= 1 << (bit % 8);
        }
        true
    });
    pair.run_for(2.0);
    assert_eq!(pair.client().state(), State::Connected);
    for number in 0..1000u32 {
        pair.client_sends(0, &number.to_le_bytes()).unwrap();
        pair.server_sends(0, 0, &number.to_le_bytes()).unwrap();
        pair.tick();
    }
    pair.tick();
    let to_server: Vec<_> = pair.server().payloads.iter().map(|(_, _, data)| data.clone()).collect();
    let to_client: Vec<_> = pair.client().payloads.iter().map(|(_, data)| data.clone()).collect();
    for received in [to_server, to_client] {
        assert!((500..800).contains(&received.len()), "{} arrived", received.len());
        let numbers: Vec<_> = received.iter().map(|data| u32::from_le_bytes(data[..].try_into().unwrap())).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.iter().all(|&number| number < 1000));
    }
    assert!(pair.client().ignored.contains(&client::Ignored::Forged));
    assert!(pair.server().ignored.contains(&Ignored::Forged));
    assert_eq!(pair.client().states().last(), Some(&State::Connected));
}

#[test]
fn a_full_server_keeps_its_clients_apart() {
    let mut world = World::new(2);
    let server = world.add_server(MAX_CLIENTS);
    for _ in 0..MAX_CLIENTS {
        let client = world.add_client();
        world.connect(client, &[server]);
    }
    world.run_for(0.5);
    for client in 0..MAX_CLIENTS {
        assert_eq!(world.clients[client].state(), State::Connected);
        world.client_sends(client, &(client as u32).to_le_bytes()).unwrap();
        let slot = world.clients[client].core.client_index() as usize;
        world.server_sends(server, slot, &(client as u32).to_le_bytes()).unwrap();
    }
    world.tick();
    for (client, host) in world.clients.iter().enumerate() {
        let payloads: Vec<_> = host.payloads.iter().map(|(_, data)| data.clone()).collect();
        assert_eq!(payloads, [(client as u32).to_le_bytes()]);
    }
    assert_eq!(world.servers[server].payloads.len(), MAX_CLIENTS);
    for (slot, _, data) in &world.servers[server].payloads {
        let client = u32::from_le_bytes(data[..].try_into().unwrap()) as usize;
        assert_eq!(world.clients[client].core.client_index() as usize, *slot);
        assert_eq!(world.servers[server].core.client_id(*slot), Some(1000 + client as u64));
    }
}

// Leaving.

#[test]
fn a_client_that_leaves_says_so_ten_times() {
    let mut pair = Pair::connected();
    let first = pair.client().core.next_packet_sequence();
    let key = pair.client().token().client_to_server.clone();
    pair.client_leaves(0);
    assert_eq!(pair.client().states().last(), Some(&State::Disconnected));
    let farewell = pair.link.sent_by(client_address(0), Kind::Disconnect);
    let numbers: Vec<_> =
        farewell.iter().map(|sent| datagram::open(&sent.data, PROTOCOL_ID, &key).unwrap().0).collect();
    assert_eq!(numbers, (first..first + 10).collect::<Vec<_>>());

    pair.tick();
    let gone = Event::Disconnected { slot: 0, client_id: 1000, reason: DisconnectReason::ClientDisconnect };
    assert_eq!(pair.server().events.last(), Some(&gone));
    assert_eq!(pair.server().core.disconnect_reason(0), DisconnectReason::ClientDisconnect);
    assert!(pair.link.sent_by(server_address(0), Kind::Disconnect).is_empty(), "it knows that it has left");
    assert_eq!(pair.server().ignored.len(), FAREWELL - 1, "it left only once");
}

#[test]
fn a_server_that_sends_a_client_away_says_so_ten_times() {
    let mut pair = Pair::connected();
    pair.server_expels(0, 0);
    assert_eq!(pair.link.sent_by(server_address(0), Kind::Disconnect).len(), FAREWELL);
    let gone = Event::Disconnected { slot: 0, client_id: 1000, reason: DisconnectReason::ServerDisconnect };
    assert_eq!(pair.server().events.last(), Some(&gone));
    assert!(!pair.server().core.is_connected(0));

    pair.tick();
    assert_eq!(pair.client().states().last(), Some(&State::Disconnected));
    assert!(pair.link.sent_by(client_address(0), Kind::Disconnect).is_empty(), "it knows that it was sent away");
    pair.run_for(10.0);
    assert_eq!(pair.client().states().last(), Some(&State::Disconnected));
}

#[test]
fn one_of_ten_farewells_is_enough() {
    for survivor in 0..FAREWELL {
        for client_leaves in [true, false] {
            let mut pair = Pair::connected();
            let mut seen = 0;
            pair.link.place(move |sent| {
                let is_farewell = sent.kind() == Kind::Disconnect;
                seen += usize::from(is_farewell);
                !is_farewell || seen - 1 == survivor
            });
            if client_leaves {
                pair.client_leaves(0);
            } else {
                pair.server_expels(0, 0);
            }
            pair.tick();
            assert_eq!(pair.client().state(), State::Disconnected);
            assert_eq!(pair.server().core.connected_clients(), 0);
        }
    }
}

#[test]
fn whoever_hears_no_farewell_finds_out_in_time() {
    let mut pair = Pair::connected();
    pair.link.lose_all(Kind::Disconnect);
    pair.client_leaves(0);
    pair.run_for(6.0);
    assert_eq!(pair.server().core.disconnect_reason(0), DisconnectReason::TimedOut);

    let mut pair = Pair::connected();
    pair.link.lose_all(Kind::Disconnect);
    pair.server_expels(0, 0);
    pair.run_for(6.0);
    assert_eq!(pair.client().state(), State::ConnectionTimedOut);
}

#[test]
fn a_client_can_leave_while_it_is_connecting() {
    for ticks in 0..3 {
        let mut pair = Pair::connecting(|spec| spec);
        pair.link.lose_all(Kind::Response);
        for _ in 0..ticks {
            pair.tick();
        }
        assert!(pair.client().state() > State::Disconnected);
        pair.client_leaves(0);
        assert_eq!(pair.client().state(), State::Disconnected);
        assert_eq!(pair.link.sent_by(client_address(0), Kind::Disconnect).len(), FAREWELL);
        let sent = pair.link.record.len();
        pair.run_for(1.0);
        assert_eq!(pair.client().state(), State::Disconnected);
        assert!(pair.link.record[sent..].iter().all(|sent| sent.from != client_address(0)), "silent from then on");
    }
}

#[test]
fn a_client_that_is_not_connected_has_nothing_to_leave() {
    let mut pair = Pair::new(1);
    pair.client_leaves(0);
    assert!(pair.client().transitions.is_empty());
    let refusal = pair.client().core.refuse_token();
    pair.client().core.settle();
    assert_eq!(refusal.current, State::InvalidConnectToken);
    pair.client_leaves(0);
    assert_eq!(pair.client().state(), State::InvalidConnectToken, "an error stays");
    assert!(pair.link.record.is_empty());
}

#[test]
fn a_client_has_forgotten_the_connection_when_it_hears_that_it_is_over() {
    let endings: [fn(&mut Pair); 4] = [
        |pair| pair.client_leaves(0),
        |pair| {
            pair.server_expels(0, 0);
            pair.tick();
        },
        |pair| {
            pair.server().awake = false;
            pair.run_for(6.0);
        },
        |pair| {
            let _ = pair.client().core.refuse_token();
        },
    ];
    for ending in endings {
        let mut pair = Pair::connected();
        assert!(pair.client().core.next_packet_sequence() > 0 && pair.client().core.max_clients() > 0);
        ending(&mut pair);
        let core = &mut pair.client().core;
        assert_eq!((core.client_index(), core.max_clients(), core.next_packet_sequence()), (0, 0, 0));
        assert_eq!((core.server_address(), core.server_number()), (None, None));
        assert!(core.poll_transmit(&mut [0; MAX_SEALED_BYTES]).is_none());
        assert_eq!(core.poll_transition(), None);
    }
}

#[test]
fn a_leaving_client_is_there_until_it_has_left() {
    let mut pair = Pair::connected();
    let core = &mut pair.server().core;
    let leaving = core.begin_leave(0, DisconnectReason::ServerDisconnect).unwrap();
    assert_eq!(leaving.slot(), 0);
    assert!(core.is_connected(0));
    assert_eq!(core.connected_clients(), 1);
    assert_eq!(core.client_id(0), Some(1000));
    assert_eq!(core.client_address(0), Some(client_address(0)));
    assert_eq!(core.disconnect_reason(0), DisconnectReason::ServerDisconnect);
    assert_eq!(core.leaving(0), Some(leaving));

    // It leaves once, for the reason given first, and is neither kept alive nor timed out.
    assert_eq!(core.begin_leave(0, DisconnectReason::TimedOut), None);
    assert_eq!(core.disconnect_reason(0), DisconnectReason::ServerDisconnect);
    core.advance(1000.0);
    let mut buffer = [0; MAX_SEALED_BYTES];
    assert!(core.next_keep_alive(0, &mut buffer).is_none());
    assert_eq!(core.next_timed_out(0), None);
    // A last word is still possible.
    assert!(core.send(0, b"goodbye", &mut buffer).is_ok());

    for _ in 0..FAREWELL {
        assert_eq!(core.poll_farewell(leaving, &mut buffer).unwrap().kind, Kind::Disconnect);
    }
    assert_eq!(core.poll_farewell(leaving, &mut buffer), None);
    assert!(core.finish_leave(leaving));
    assert!(!core.finish_leave(leaving));
    assert_eq!((core.is_connected(0), core.client_id(0), core.client_address(0)), (false, None, None));
    assert_eq!((core.leaving(0), core.next_packet_sequence(0)), (None, None));
    assert_eq!(core.disconnect_reason(0), DisconnectReason::ServerDisconnect);
}

#[test]
fn a_departure_does_not_concern_the_next_client_of_the_slot() {
    let mut pair = Pair::connected();
    let departure = pair.server().core.begin_leave(0, DisconnectReason::ServerDisconnect).unwrap();
    assert!(pair.server().core.finish_leave(departure));
    let other = pair.add_client();
    pair.join(other, 0);
    assert_eq!(pair.server().core.client_id(0), Some(1001));
    assert_eq!(pair.server().core.disconnect_reason(0), DisconnectReason::None);

    assert_eq!(pair.server().core.poll_farewell(departure, &mut [0; MAX_SEALED_BYTES]), None);
    assert!(!pair.server().core.finish_leave(departure));
    assert!(pair.server().core.is_connected(0));
}

// Coming again, and no room.

#[test]
fn a_client_that_has_left_can_come_again_with_a_new_token() {
    let mut pair = Pair::new(1);
    for _ in 0..20 {
        pair.join(0, 0);
        pair.client_leaves(0);
        pair.tick();
        pair.join(0, 0);
        pair.server_expels(0, 0);
        pair.tick();
        assert_eq!(pair.client().state(), State::Disconnected);
    }
    assert_eq!(pair.server().events.len(), 80);
}

#[test]
fn a_client_that_crashed_can_come_again_when_the_server_has_given_it_up() {
    let mut pair = Pair::connected();
    let now = pair.now;
    pair.client().core = Client::new();
    pair.client().core.advance(now);
    let spec = pair.spec(0, &[0]).timing_out_after(10);
    pair.connect_with(0, &spec);
    pair.run_for(4.5);
    assert_eq!(pair.client().state(), State::SendingConnectionRequest);
    assert!(pair.server().ignored.contains(&Ignored::AddressConnected));
    // The server has not heard anything of the old connection for five seconds then.
    pair.run_for(1.0);
    assert_eq!(pair.client().state(), State::Connected);
}

#[test]
fn the_lowest_free_slot_is_given_away() {
    let mut world = World::new(1);
    let server = world.add_server(4);
    for _ in 0..4 {
        let client = world.add_client();
        world.join(client, server);
    }
    for slot in [2, 1, 3] {
        world.server_expels(server, slot);
    }
    world.tick();
    for (client, slot) in [(3, 1), (1, 2), (2, 3)] {
        world.join(client, server);
        assert_eq!(world.clients[client].core.client_index(), slot);
    }
}

#[test]
fn a_full_server_denies_a_request() {
    let mut world = World::new(1);
    let server = world.add_server(1);
    let (first, second) = (world.add_client(), world.add_client());
    world.join(first, server);
    world.connect(second, &[server]);
    world.run_for(0.25);
    assert_eq!(world.clients[second].states(), [State::SendingConnectionRequest, State::ConnectionDenied]);
    assert_eq!(world.link.sent_by(server_address(server), Kind::Denied).len(), 1);

    world.client_leaves(first);
    world.join(second, server);
    assert_eq!(world.servers[server].core.client_id(0), Some(1001));
}

#[test]
fn a_server_that_has_become_full_denies_a_response() {
    let mut world = World::new(1);
    let server = world.add_server(1);
    let (first, second) = (world.add_client(), world.add_client());
    world.connect(first, &[server]);
    world.connect(second, &[server]);
    world.run_for(0.25);
    assert_eq!(world.clients[first].state(), State::Connected);
    let expected = [State::SendingConnectionRequest, State::SendingConnectionResponse, State::ConnectionDenied];
    assert_eq!(world.clients[second].states(), expected);
}

#[test]
fn a_denial_that_the_server_has_not_sealed_is_ignored() {
    let mut pair = Pair::connecting(|spec| spec);
    let stranger = TokenSpec::new(1, &[server_address(0)]).issue(EPOCH, &mut SeededRng::new(77));
    let mut denial = datagram::seal(&Contents::Denied, 1 << 63, PROTOCOL_ID, &stranger.server_to_client);
    let outcome = pair.client().core.handle(server_address(0), &mut denial);
    assert_eq!(outcome, Outcome::Ignored(client::Ignored::Forged));
    assert_eq!(pair.client().core.poll_transition(), None);
}

// The next server.

#[test]
fn a_client_tries_the_servers_of_its_token_in_turn() {
    let mut world = World::new(1);
    for _ in 0..3 {
        world.add_server(1);
    }
    world.servers[0].awake = false;
    let (occupant, client) = (world.add_client(), world.add_client());
    world.join(occupant, 1);
    let began = world.now;
    world.connect(client, &[0, 1, 2]);
    world.run_until(|world| world.clients[client].state() == State::Connected);
    assert!(world.now - began < 5.25);

    let requesting = State::SendingConnectionRequest;
    assert_eq!(
        world.clients[client].transitions,
        [
            (State::Disconnected, requesting),
            (requesting, requesting), // silence
            (requesting, requesting), // no room
            (requesting, State::SendingConnectionResponse),
            (State::SendingConnectionResponse, State::Connected),
        ]
    );
    assert_eq!(world.clients[client].core.server_number(), Some((2, 3)));
    assert_eq!(world.clients[client].core.server_address(), Some(server_address(2)));
    assert_eq!(world.servers[2].core.client_id(0), Some(1001));
}

#[test]
fn a_client_moves_on_from_a_server_that_does_not_answer_its_response_or_denies_it() {
    for denied in [false, true] {
        let mut world = World::new(1);
        world.add_server(1);
        world.add_server(1);
        let (occupant, client) = (world.add_client(), world.add_client());
        world.connect(client, &[0, 1]);
        world.link.place(move |sent| sent.kind() != Kind::Response || sent.to != server_address(0));
        world.run_for(0.25);
        assert_eq!(world.clients[client].state(), State::SendingConnectionResponse);
        if denied {
            world.link.clear();
            world.clients[client].awake = false;
            world.join(occupant, 0);
            world.clients[client].awake = true;
        }
        world.run_until(|world| world.clients[client].state() == State::Connected);
        let transition = (State::SendingConnectionResponse, State::SendingConnectionRequest);
        assert_eq!(world.clients[client].transitions[2], transition);
        assert_eq!(world.clients[client].core.server_number(), Some((1, 2)));
    }
}

#[test]
fn every_server_has_the_full_timeout_and_the_full_lifetime_of_the_token() {
    let mut world = World::new(1);
    for _ in 0..3 {
        world.add_server(1);
        world.servers.last_mut().unwrap().awake = false;
    }
    let client = world.add_client();
    let spec = world.spec(client, &[0, 1, 2]).expiring_in(12).timing_out_after(10);
    world.update_at(1.0);
    world.connect_with(client, &spec);
    for (server, start) in [1.0, 12.0, 23.0].into_iter().enumerate() {
        // Each is tried from one second after the timeout of the one before.
        world.update_at(start);
        world.update_at(start + 10.0);
        assert_eq!(world.clients[client].core.server_number(), Some((server, 3)));
    }
    world.update_at(34.0);
    assert_eq!(world.clients[client].state(), State::ConnectionRequestTimedOut);
}

#[test]
fn the_sequence_goes_on_with_the_next_server() {
    let mut world = World::new(1);
    for _ in 0..2 {
        world.add_server(1);
    }
    world.servers[0].awake = false;
    let client = world.add_client();
    world.connect(client, &[0, 1]);
    world.run_until(|world| world.clients[client].core.server_number() == Some((1, 2)));
    let sequence = world.clients[client].core.next_packet_sequence();
    assert!(sequence > 40);
    world.tick();
    assert_eq!(world.clients[client].core.next_packet_sequence(), sequence + 1);
}

#[test]
fn the_numbers_of_one_server_do_not_count_against_the_next() {
    let mut world = World::new(1);
    for _ in 0..2 {
        world.add_server(1);
    }
    world.servers[0].awake = false;
    let client = world.add_client();
    let spec = world.spec(client, &[0, 1]);
    let token = world.issue(&spec);
    world.clients[client].connect(token.clone());
    // The first server has gone mad: it is far ahead, and out of turn.
    let mut keep_alive =
        datagram::seal(&Contents::example(Kind::KeepAlive), 1_000_000, PROTOCOL_ID, &token.server_to_client);
    let outcome = world.clients[client].core.handle(server_address(0), &mut keep_alive);
    assert_eq!(outcome, Outcome::Ignored(client::Ignored::Unexpected(Kind::KeepAlive)));
    world.run_until(|world| world.clients[client].state() == State::Connected);
    assert!(world.clients[client].ignored.is_empty());
}

#[test]
fn after_the_last_server_the_client_ends_for_what_happened_there() {
    let fates =
        [(Kind::Request, State::ConnectionRequestTimedOut), (Kind::Response, State::ConnectionResponseTimedOut)];
    for (lost, expected) in fates {
        let mut world = World::new(1);
        for _ in 0..2 {
            world.add_server(1);
        }
        let (occupant, client) = (world.add_client(), world.add_client());
        world.join(occupant, 0);
        world.connect(client, &[0, 1]);
        world.link.place(move |sent| sent.kind() != lost || sent.to != server_address(1));
        world.run_until(|world| world.clients[client].state() <= State::Disconnected);
        assert_eq!(world.clients[client].state(), expected);
    }
}

#[test]
fn all_32_servers_of_a_token_are_tried() {
    let mut world = World::new(1);
    for _ in 0..32 {
        world.add_server(1);
        world.servers.last_mut().unwrap().awake = false;
    }
    world.servers[31].awake = true;
    let client = world.add_client();
    let servers: Vec<_> = (0..32).collect();
    let spec = world.spec(client, &servers).timing_out_after(1).expiring_in(-1);
    world.connect_with(client, &spec);
    world.run_until(|world| world.clients[client].state() == State::Connected);
    assert_eq!(world.clients[client].core.server_number(), Some((31, 32)));
    for server in 0..32 {
        assert!(world.link.record.iter().any(|sent| sent.to == server_address(server)));
    }
}

#[test]
fn a_client_that_was_connected_does_not_try_another_server() {
    for sent_away in [true, false] {
        let mut world = World::new(1);
        for _ in 0..2 {
            world.add_server(1);
        }
        let client = world.add_client();
        world.connect(client, &[0, 1]);
        world.run_until(|world| world.clients[client].state() == State::Connected);
        let expected = if sent_away {
            world.server_expels(0, 0);
            State::Disconnected
        } else {
            world.servers[0].awake = false;
            State::ConnectionTimedOut
        };
        world.run_for(10.0);
        assert_eq!(world.clients[client].states().last(), Some(&expected));
        assert!(world.link.record.iter().all(|sent| sent.to != server_address(1)));
    }
}

// Clocks.

#[test]
fn a_time_that_is_no_number_changes_nothing() {
    for time in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut pair = Pair::connected_at(1.0);
        let mut buffer = [0; MAX_SEALED_BYTES];
        pair.client().core.advance(time);
        assert_eq!(pair.client().core.poll_transmit(&mut buffer), None);
        assert_eq!(pair.client().core.poll_transition(), None);
        pair.server().core.advance(time);
        assert!(pair.server().core.next_keep_alive(0, &mut buffer).is_none());
        assert_eq!(pair.server().core.next_timed_out(0), None);
        pair.run_for(1.0);
        assert_eq!(pair.client().state(), State::Connected);
        assert_eq!(pair.server().core.connected_clients(), 1);
    }
}

#[test]
fn a_handshake_begun_at_no_time_at_all_succeeds() {
    for time in [f64::NAN, f64::INFINITY] {
        let mut pair = Pair::new(1);
        pair.client().core.advance(time);
        pair.server().core.advance(time);
        pair.join(0, 0);
        assert!(pair.now < 1.0);
    }
}

#[test]
fn a_connection_survives_a_clock_that_is_set_back() {
    for earlier in [999.0, 500.0, 0.0, -1e12] {
        let mut pair = Pair::connected_at(1000.0);
        pair.update_at(1000.5);
        pair.update_at(earlier);
        // From here on time goes by as ever, and so do the keep-alives.
        let already = pair.link.record.len();
        for step in 1..=100 {
            pair.update_at(earlier + f64::from(step) * 0.125);
        }
        assert_eq!(pair.client().state(), State::Connected);
        assert_eq!(pair.server().core.connected_clients(), 1);
        let sent = &pair.link.record[already..];
        for address in [client_address(0), server_address(0)] {
            let keep_alives = sent.iter().filter(|sent| sent.from == address).count();
            assert!(keep_alives >= 99, "{keep_alives} after {earlier}");
        }
        // And so does the timeout.
        let end = pair.now;
        pair.link.place(|_| false);
        pair.link.receive(server_address(0));
        pair.link.receive(client_address(0));
        pair.update_at(end + 5.25);
        assert_eq!(pair.client().state(), State::ConnectionTimedOut);
        assert_eq!(pair.server().core.connected_clients(), 0);
    }
}

#[test]
fn a_handshake_survives_a_clock_that_is_set_back() {
    for lost in [Kind::Request, Kind::Challenge, Kind::Response, Kind::KeepAlive] {
        let mut pair = Pair::new(4);
        pair.update_at(1000.0);
        pair.connect(0, &[0]);
        pair.link.lose_all(lost);
        for time in [1000.0, 1000.25, 1000.5] {
            pair.update_at(time);
        }
        pair.link.clear();
        pair.update_at(10.0);
        for step in 1..=8 {
            pair.update_at(10.0 + f64::from(step) * 0.125);
        }
        assert_eq!(pair.client().state(), State::Connected, "without a {lost} before");
    }
}

#[test]
fn a_clock_that_is_set_back_delays_timeouts_at_most_by_their_length() {
    let mut pair = Pair::new(1);
    pair.update_at(1000.0);
    pair.server().awake = false;
    pair.connect(0, &[0]);
    pair.update_at(1004.0);
    pair.update_at(500.0);
    pair.update_at(505.0);
    assert_eq!(pair.client().state(), State::SendingConnectionRequest);
    pair.update_at(just_after(505.0));
    assert_eq!(pair.client().state(), State::ConnectionRequestTimedOut);
}

#[test]
fn a_clock_that_is_set_back_delays_the_expiry_of_a_token_at_most_by_its_lifetime() {
    let mut pair = Pair::new(1);
    pair.update_at(1000.0);
    pair.server().awake = false;
    let spec = pair.spec(0, &[0]).expiring_in(10).timing_out_after(-1);
    pair.connect_with(0, &spec);
    pair.update_at(1004.0);
    pair.update_at(500.0);
    pair.update_at(just_before(510.0));
    assert_eq!(pair.client().state(), State::SendingConnectionRequest);
    pair.update_at(510.0);
    assert_eq!(pair.client().state(), State::ConnectTokenExpired);
}

#[test]
fn a_time_beyond_all_bounds_ends_connections_and_breaks_nothing() {
    let mut pair = Pair::connected_at(1.0);
    pair.link.place(|_| false);
    pair.update_at(f64::MAX);
    assert_eq!(pair.client().state(), State::ConnectionTimedOut);
    assert_eq!(pair.server().core.connected_clients(), 0);
    pair.link.clear();
    pair.update_at(10.0);
    pair.join(0, 0);
}
