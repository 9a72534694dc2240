//! Clients and servers one at a time, fed by hand: what they take from whom, in which state.

mod common;

use std::net::SocketAddr;

use netcode::client::{self, Client, Outcome, State};
use netcode::packet::{Kind, MAX_SEALED_BYTES, Malformed};
use netcode::server::{Config, DisconnectReason, Ignored, Server, StartError};
use netcode::{DISCONNECT_PACKETS, MAX_CLIENTS, SendError};

use common::datagram::{self, Contents};
use common::guest::{Guest, Reaction, deliver, open_server};
use common::random::{Dry, DryingRng, SeededRng};
use common::tokens::{PROTOCOL_ID, TokenSpec};
use common::world::{EPOCH, MAX_TOKEN_LIFETIME, Pair, client_address, config, server_address};

/// All types of packets that are sealed.
const SEALED: [Kind; 6] =
    [Kind::Denied, Kind::Challenge, Kind::Response, Kind::KeepAlive, Kind::Payload, Kind::Disconnect];

/// The disconnect packets of one farewell.
const FAREWELL: usize = DISCONNECT_PACKETS as usize;

/// A client in this state, and a guest with its token.
fn client_in(state: State) -> (Client, Guest) {
    let token = TokenSpec::new(1, &[server_address(0)]).issue(EPOCH, &mut SeededRng::new(1));
    let guest = Guest::new(client_address(0), token.clone());
    let mut client = Client::new();
    if state >= State::SendingConnectionRequest {
        let _ = client.connect(token);
    }
    for (reached, kind) in [(State::SendingConnectionResponse, Kind::Challenge), (State::Connected, Kind::KeepAlive)] {
        if state >= reached {
            let _ = client.handle(server_address(0), &mut from_server(&guest, kind, 0));
        }
    }
    client.settle();
    assert_eq!(client.state(), state);
    (client, guest)
}

/// Why a client ignores a datagram from its server; `None` if it does not.
fn refusal(client: &mut Client, mut datagram: Vec<u8>) -> Option<client::Ignored> {
    match client.handle(server_address(0), &mut datagram) {
        Outcome::Ignored(reason) => Some(reason),
        _ => None,
    }
}

/// A packet from the server for the holder of this token.
fn from_server(guest: &Guest, kind: Kind, sequence: u64) -> Vec<u8> {
    datagram::seal(&Contents::example(kind), sequence, PROTOCOL_ID, &guest.token.server_to_client)
}

#[test]
fn a_client_takes_only_what_its_state_expects() {
    use State::{Connected, Disconnected, SendingConnectionRequest, SendingConnectionResponse};
    let expected_by = |state, kind| match state {
        SendingConnectionRequest => matches!(kind, Kind::Denied | Kind::Challenge),
        SendingConnectionResponse => matches!(kind, Kind::Denied | Kind::KeepAlive),
        _ => matches!(kind, Kind::KeepAlive | Kind::Payload | Kind::Disconnect),
    };
    for kind in SEALED {
        for state in [SendingConnectionRequest, SendingConnectionResponse, Connected] {
            let (mut client, guest) = client_in(state);
            let refusal = refusal(&mut client, from_server(&guest, kind, 100));
            let expected = (!expected_by(state, kind)).then_some(client::Ignored::Unexpected(kind));
            assert_eq!(refusal, expected, "{kind} in {state}");
            if refusal.is_some() {
                client.settle();
                assert_eq!(client.state(), state);
                assert_eq!(client.poll_transition(), None);
            }
        }
        let (mut client, guest) = client_in(Disconnected);
        assert_eq!(refusal(&mut client, from_server(&guest, kind, 100)), Some(client::Ignored::NotConnecting));
    }
}

#[test]
fn a_client_ignores_requests_and_noise() {
    for state in [State::SendingConnectionRequest, State::SendingConnectionResponse, State::Connected] {
        let (mut client, guest) = client_in(state);
        let malformed = |how| Some(client::Ignored::Malformed(how));
        assert_eq!(refusal(&mut client, guest.request()), malformed(Malformed::Type));
        assert_eq!(refusal(&mut client, Vec::new()), malformed(Malformed::TooSmall));
    }
}

#[test]
fn a_leaving_client_listens_no_more() {
    let (mut client, guest) = client_in(State::Connected);
    client.disconnect();
    assert!(client.is_leaving());
    let payload = from_server(&guest, Kind::Payload, 100);
    assert_eq!(refusal(&mut client, payload), Some(client::Ignored::NotConnecting));
    // Leaving again does not make it say more farewells.
    let mut buffer = [0; MAX_SEALED_BYTES];
    client.poll_transmit(&mut buffer);
    client.disconnect();
    let farewells = std::iter::from_fn(|| client.poll_transmit(&mut buffer)).count();
    assert_eq!(farewells, FAREWELL - 1);
    assert_eq!(client.poll_transition().unwrap().current, State::Disconnected);
    assert!(!client.is_leaving());
}

#[test]
fn a_denial_loses_to_the_acceptance_that_came_after_it() {
    let (mut client, guest) = client_in(State::SendingConnectionResponse);
    assert_eq!(
        client.handle(server_address(0), &mut from_server(&guest, Kind::Denied, 1 << 63)),
        Outcome::Noted(Kind::Denied)
    );
    let _ = client.handle(server_address(0), &mut from_server(&guest, Kind::KeepAlive, 100));
    assert_eq!(client.poll_transition(), None);
    assert_eq!(client.state(), State::Connected);
}

#[test]
fn a_token_that_cannot_be_read_is_an_error_state_each_time() {
    let (mut client, _) = client_in(State::Connected);
    for previous in [State::Connected, State::InvalidConnectToken] {
        let transition = client.refuse_token();
        assert_eq!((transition.previous, transition.current), (previous, State::InvalidConnectToken));
    }
    client.settle();
    assert_eq!(client.state(), State::InvalidConnectToken);
    assert_eq!(client.server_address(), None);
}

#[test]
fn a_change_of_state_takes_effect_after_it_was_announced() {
    let (mut client, guest) = client_in(State::SendingConnectionResponse);
    let mut keep_alive = from_server(&guest, Kind::KeepAlive, 100);
    let outcome = client.handle(server_address(0), &mut keep_alive);
    let Outcome::Transition(transition) = outcome else { panic!("{outcome:?}") };
    assert_eq!(transition.current, State::Connected);
    assert_eq!(client.state(), State::SendingConnectionResponse);
    assert_eq!((client.client_index(), client.max_clients()), (3, 8), "what comes with it is there already");
    client.settle();
    assert_eq!(client.state(), State::Connected);
}

#[test]
fn a_server_takes_only_what_the_source_may_say() {
    for kind in SEALED {
        let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
        let packet = guest.seal_as(&Contents::example(kind), 100);
        assert_eq!(guest.hand(&mut server, &packet), Reaction::Ignored(Ignored::UnknownSource), "{kind}");

        let challenge = guest.ask(&mut server).challenge();
        let expected = if kind == Kind::Response { Ignored::OtherChallenge } else { Ignored::Unexpected(kind) };
        assert_eq!(guest.hand(&mut server, &packet), Reaction::Ignored(expected), "{kind}");

        let answer = guest.answer(&challenge);
        let slot = guest.hand(&mut server, &answer).slot();
        let expected = match kind {
            Kind::KeepAlive => Reaction::KeptAlive { slot },
            Kind::Payload => Reaction::Payload { slot, sequence: 100, data: b"example".to_vec() },
            Kind::Disconnect => Reaction::Left { slot },
            _ => Reaction::Ignored(Ignored::Unexpected(kind)),
        };
        assert_eq!(guest.hand(&mut server, &packet), expected, "{kind}");
    }
}

#[test]
fn a_server_that_is_not_running_ignores_everything() {
    let mut server = Server::new(config(server_address(0)));
    let mut guest = Guest::numbered(1);
    for datagram in [guest.request(), guest.keep_alive(), Vec::new()] {
        assert_eq!(guest.hand(&mut server, &datagram), Reaction::Ignored(Ignored::NotRunning));
    }
    assert!(!server.is_running());
    assert_eq!((server.max_clients(), server.connected_clients()), (0, 0));
    assert_eq!((server.client_id(0), server.client_address(0), server.next_packet_sequence(0)), (None, None, None));
    assert_eq!(server.disconnect_reason(0), DisconnectReason::None);
    assert_eq!(server.begin_leave(0, DisconnectReason::ServerDisconnect), None);
    assert_eq!(server.next_timed_out(0), None);
    assert!(server.next_keep_alive(0, &mut [0; MAX_SEALED_BYTES]).is_none());
    assert!(!server.connect_loopback(0, 1));
}

#[test]
fn a_source_and_an_id_are_connected_once() {
    let mut server = open_server(4);
    let mut first = Guest::numbered(1);
    first.join(&mut server);

    let at_the_same_address = Guest::new(first.address, Guest::numbered(2).token);
    assert_eq!(at_the_same_address.ask(&mut server), Reaction::Ignored(Ignored::AddressConnected));
    let same_id = TokenSpec::new(1001, &[server_address(0)]).issue(EPOCH, &mut SeededRng::new(50));
    let elsewhere = Guest::new(client_address(3), same_id);
    assert_eq!(elsewhere.ask(&mut server), Reaction::Ignored(Ignored::ClientIdConnected));
}

#[test]
fn of_two_handshakes_for_one_id_the_first_to_answer_wins() {
    let mut server = open_server(4);
    let (mut first, mut second) = (Guest::numbered(1), Guest::numbered(2));
    second.token = TokenSpec::new(1001, &[server_address(0)]).issue(EPOCH, &mut SeededRng::new(50));
    let challenge = first.ask(&mut server).challenge();
    let other_challenge = second.ask(&mut server).challenge();
    let (answer, other_answer) = (first.answer(&challenge), second.answer(&other_challenge));
    assert!(second.hand(&mut server, &other_answer).is_connected());
    assert_eq!(first.hand(&mut server, &answer), Reaction::Ignored(Ignored::ClientIdConnected));
    assert_eq!(first.ask(&mut server), Reaction::Ignored(Ignored::ClientIdConnected), "nor is it challenged again");
}

#[test]
fn a_server_answers_to_either_of_its_addresses_and_to_no_other() {
    let [v4, v6, other] = ["10.0.0.1:40000", "[2001:db8::1]:40001", "10.0.0.1:40001"].map(|text| text.parse().unwrap());
    let mut both = config(v4);
    both.public_addresses[1] = Some(v6);
    let mut random = SeededRng::new(1);
    let mut ask = |public_addresses, named: &[SocketAddr]| {
        let mut server = Server::new(Config { public_addresses, ..both.clone() });
        server.start(1, EPOCH - 30, &mut random).unwrap();
        server.set_wall_clock(EPOCH);
        let token = TokenSpec::new(1, named).issue(EPOCH, &mut random);
        Guest::new(client_address(0), token).ask(&mut server)
    };
    for public in [[Some(v4), Some(v6)], [Some(v6), Some(v4)]] {
        assert!(ask(public, &[v4]).is_reply(Kind::Challenge));
        assert!(ask(public, &[v6]).is_reply(Kind::Challenge));
        assert!(ask(public, &[other, other, v6]).is_reply(Kind::Challenge), "wherever in the list");
        assert_eq!(ask(public, &[other]), Reaction::Ignored(Ignored::NotForThisServer));
    }
    assert_eq!(ask([Some(v4), None], &[v6]), Reaction::Ignored(Ignored::NotForThisServer));
    assert_eq!(ask([None, None], &[v4]), Reaction::Ignored(Ignored::NotForThisServer));
}

// Starting and stopping.

#[test]
fn a_server_has_1_to_256_slots() {
    let mut server = Server::new(config(server_address(0)));
    for slots in [0, MAX_CLIENTS + 1, usize::MAX] {
        assert_eq!(server.start(slots, EPOCH, &mut SeededRng::new(1)), Err(StartError::MaxClients));
        assert!(!server.is_running());
    }
    for slots in [1, MAX_CLIENTS] {
        server.start(slots, EPOCH, &mut SeededRng::new(1)).unwrap();
        assert_eq!((server.is_running(), server.max_clients()), (true, slots));
    }
}

#[test]
fn a_server_does_not_start_without_randomness() {
    let mut server = Server::new(config(server_address(0)));
    // A hash seed, a first sequence number and a key.
    for draws in 0..3 {
        assert_eq!(server.start(1, EPOCH, &mut DryingRng::after(draws)), Err(StartError::Random(Dry)));
        assert!(!server.is_running());
    }
    assert_eq!(server.start(1, EPOCH, &mut DryingRng::after(3)), Ok(()));
}

#[test]
fn a_start_draws_all_its_secrets_anew() {
    let mut server = Server::new(config(server_address(0)));
    let mut random = SeededRng::new(1);
    for starts in 1..=3 {
        server.start(4, EPOCH, &mut random).unwrap();
        assert_eq!(random.drawn(), starts * (16 + 8 + 32));
    }
}

#[test]
fn a_restarted_server_knows_nobody() {
    let mut pair = Pair::connected();
    let unix = pair.unix() - u64::from(MAX_TOKEN_LIFETIME);
    pair.server().core.start(4, unix, &mut SeededRng::new(2)).unwrap();
    assert_eq!(pair.server().core.connected_clients(), 0);
    pair.run_for(6.0);
    assert_eq!(pair.client().state(), State::ConnectionTimedOut);
    assert!(pair.server().ignored.iter().all(|&reason| reason == Ignored::UnknownSource));
    pair.join(0, 0);
}

#[test]
fn a_departure_does_not_outlive_a_restart() {
    let mut pair = Pair::connected();
    let core = &mut pair.server().core;
    let departure = core.begin_leave(0, DisconnectReason::ServerDisconnect).unwrap();
    core.stop();
    let mut buffer = [0; MAX_SEALED_BYTES];
    assert!(!core.finish_leave(departure));
    assert_eq!(core.poll_farewell(departure, &mut buffer), None);

    core.start(4, EPOCH - 30, &mut SeededRng::new(2)).unwrap();
    core.set_wall_clock(EPOCH);
    assert_eq!(Guest::numbered(5).join(core), 0);
    assert!(!core.finish_leave(departure));
    assert_eq!(core.poll_farewell(departure, &mut buffer), None);
    assert!(core.is_connected(0) && core.leaving(0).is_none());
}

#[test]
fn a_challenge_of_an_earlier_start_is_not_accepted() {
    let mut server = open_server(4);
    let mut guest = Guest::numbered(1);
    let challenge = guest.ask(&mut server).challenge();
    server.start(4, EPOCH - 30, &mut SeededRng::new(2)).unwrap();
    server.set_wall_clock(EPOCH);
    let answer = guest.answer(&challenge);
    assert_eq!(guest.hand(&mut server, &answer), Reaction::Ignored(Ignored::UnknownSource));
    guest.ask(&mut server).challenge();
    assert_eq!(guest.hand(&mut server, &answer), Reaction::Ignored(Ignored::OtherChallenge));
}

// Clients of the same process.

#[test]
fn a_client_of_the_same_process_needs_no_packets() {
    let mut client = Client::new();
    client.connect_loopback(3, 16);
    assert_eq!(client.state(), State::Connected);
    assert!(client.is_loopback());
    assert_eq!((client.client_index(), client.max_clients()), (3, 16));
    assert_eq!([client.take_loopback_sequence(), client.take_loopback_sequence()], [Some(0), Some(1)]);
    assert_eq!(client.next_packet_sequence(), 2);

    client.advance(1e6);
    let mut buffer = [0; MAX_SEALED_BYTES];
    assert_eq!(client.poll_transmit(&mut buffer), None);
    assert_eq!(client.poll_transition(), None);
    assert_eq!(client.send(b"hello", &mut buffer), Err(SendError::NotConnected));
    assert_eq!(client.handle(server_address(0), &mut [0; 100]), Outcome::Ignored(client::Ignored::NotConnecting));

    let transition = client.disconnect_loopback().unwrap();
    assert_eq!((transition.previous, transition.current), (State::Connected, State::Disconnected));
    client.settle();
    assert!(!client.is_loopback());
    assert_eq!((client.client_index(), client.max_clients(), client.next_packet_sequence()), (0, 0, 0));
    assert_eq!((client.disconnect_loopback(), client.take_loopback_sequence()), (None, None));
}

#[test]
fn a_client_over_the_network_is_not_one_of_the_same_process() {
    let (mut client, _) = client_in(State::Connected);
    assert!(!client.is_loopback());
    assert_eq!((client.take_loopback_sequence(), client.disconnect_loopback()), (None, None));
    assert_eq!(client.state(), State::Connected);
}

#[test]
fn a_server_gives_clients_of_its_process_the_slots_that_they_ask_for() {
    let mut server = open_server(3);
    let mut remote = Guest::numbered(1);
    assert!(server.connect_loopback(0, 7));
    assert!(server.connect_loopback(2, 7), "their ids are not compared with others");
    assert_eq!(remote.join(&mut server), 1);
    for slot in [0, 1, 2, 3, usize::MAX] {
        assert!(!server.connect_loopback(slot, 8), "slot {slot} is taken, or not there");
    }
    assert_eq!(server.connected_clients(), 3);
    assert_eq!((server.is_loopback(0), server.is_loopback(1)), (true, false));
    assert_eq!((server.client_id(0), server.client_address(0)), (Some(7), None));
    assert!(Guest::numbered(2).ask(&mut server).is_reply(Kind::Denied), "the server is full");
}

#[test]
fn a_closing_server_keeps_its_clients_and_lets_nobody_in() {
    let mut server = open_server(3);
    let (mut inside, mut outside, late) = (Guest::numbered(1), Guest::numbered(2), Guest::numbered(3));
    assert_eq!(inside.join(&mut server), 0);
    let challenge = outside.ask(&mut server).challenge();
    let answer = outside.answer(&challenge);
    server.close();
    assert_eq!(outside.hand(&mut server, &answer), Reaction::Ignored(Ignored::NotRunning));
    assert_eq!(late.ask(&mut server), Reaction::Ignored(Ignored::NotRunning));
    assert!(!server.connect_loopback(1, 7));
    assert_eq!(server.connected_clients(), 1);

    server.start(3, EPOCH, &mut SeededRng::new(2)).unwrap();
    assert!(server.connect_loopback(1, 7));
}

#[test]
fn a_server_keeps_clients_of_its_process_without_packets() {
    let mut server = open_server(2);
    assert!(server.connect_loopback(0, 7));
    let mut buffer = [0; MAX_SEALED_BYTES];
    server.advance(1e6);
    assert_eq!(server.next_timed_out(0), None);
    assert!(server.next_keep_alive(0, &mut buffer).is_none());
    assert!(server.keep_alive_before_payload(0, &mut buffer).is_none());
    assert_eq!(server.send(0, b"hello", &mut buffer), Err(SendError::NotConnected));
    assert_eq!([server.take_loopback_sequence(0), server.take_loopback_sequence(0)], [Some(0), Some(1)]);
    assert_eq!(server.next_packet_sequence(0), Some(2));
    assert_eq!((server.take_loopback_sequence(1), server.take_loopback_sequence(2)), (None, None));

    let leaving = server.begin_leave(0, DisconnectReason::ServerDisconnect).unwrap();
    assert_eq!(server.poll_farewell(leaving, &mut buffer), None, "nobody is told over the network");
    assert!(server.finish_leave(leaving));
    assert_eq!(server.disconnect_reason(0), DisconnectReason::ServerDisconnect);
    assert_eq!(server.connected_clients(), 0);
}

#[test]
fn the_id_of_a_client_of_the_same_process_is_refused_to_others() {
    let mut server = open_server(4);
    assert!(server.connect_loopback(0, 1001));
    assert_eq!(Guest::numbered(1).ask(&mut server), Reaction::Ignored(Ignored::ClientIdConnected));
    let leaving = server.begin_leave(0, DisconnectReason::ServerDisconnect).unwrap();
    server.finish_leave(leaving);
    assert!(Guest::numbered(1).ask(&mut server).is_reply(Kind::Challenge));
}

#[test]
fn a_slot_that_timed_out_before_does_not_time_out_a_client_of_the_same_process() {
    let mut server = open_server(1);
    Guest::numbered(1).join(&mut server);
    server.advance(5.0);
    assert_eq!(server.next_timed_out(0), Some(0));
    let leaving = server.begin_leave(0, DisconnectReason::TimedOut).unwrap();
    server.finish_leave(leaving);
    assert!(server.connect_loopback(0, 7));
    server.advance(100.0);
    assert_eq!(server.next_timed_out(0), None);
    assert_eq!(server.disconnect_reason(0), DisconnectReason::None);
    let foreign = deliver(&mut server, client_address(1), &Guest::numbered(1).keep_alive());
    assert_eq!(foreign, Reaction::Ignored(Ignored::UnknownSource), "the address of the one before is free");
}
