//! Whom a server lets in: what it makes of connection requests and of the responses to its challenges, and for how long
//! it remembers tokens and handshakes.

mod common;

use netcode::packet::{Kind, MAX_SEALED_BYTES, Malformed, REQUEST_BYTES};
use netcode::server::{DisconnectReason, Ignored, MAX_HISTORY, MAX_MAPPINGS, Server};
use netcode::{Key, MAX_CLIENTS};

use common::datagram;
use common::guest::{Guest, Reaction, open_server};
use common::random::SeededRng;
use common::tokens::{PROTOCOL_ID, TokenSpec, senseless_private_part};
use common::world::{EPOCH, MAX_TOKEN_LIFETIME, client_address, config, just_after, just_before, server_address};

const USED: Reaction = Reaction::Ignored(Ignored::TokenUsed);
const UNKNOWN: Reaction = Reaction::Ignored(Ignored::UnknownSource);

/// Lets the client in a slot leave by itself.
fn leave(server: &mut Server, slot: usize) {
    let leaving = server.begin_leave(slot, DisconnectReason::ClientDisconnect).unwrap();
    assert!(server.finish_leave(leaving));
}

// What is wrong with a request.

#[test]
fn a_good_request_is_answered_with_a_challenge() {
    assert!(Guest::numbered(1).ask(&mut open_server(4)).is_reply(Kind::Challenge));
}

#[test]
fn a_request_has_its_size_and_version() {
    let (mut server, guest) = (open_server(4), Guest::numbered(1));
    let malformed = |how| Reaction::Ignored(Ignored::Malformed(how));
    let request = guest.request();
    assert_eq!(request.len(), REQUEST_BYTES);
    for size in [1, 17, 18, REQUEST_BYTES - 1] {
        assert_eq!(guest.hand(&mut server, &request[..size]), malformed(Malformed::Size));
    }
    let longer = [&request[..], &[0]].concat();
    assert_eq!(guest.hand(&mut server, &longer), malformed(Malformed::Size));
    for byte in 1..14 {
        let mut other_version = request.clone();
        other_version[byte] ^= 1;
        assert_eq!(guest.hand(&mut server, &other_version), malformed(Malformed::Version));
    }
    assert!(guest.ask(&mut server).is_reply(Kind::Challenge), "nothing of this counts against it");
}

#[test]
fn a_request_for_another_game_is_ignored() {
    let guest = Guest::numbered_with(1, |spec| TokenSpec { protocol_id: PROTOCOL_ID + 1, ..spec });
    assert_eq!(guest.ask(&mut open_server(4)), Reaction::Ignored(Ignored::ProtocolId));
}

#[test]
fn a_token_is_good_up_to_the_second_in_which_it_expires() {
    let (mut server, guest) = (open_server(4), Guest::numbered_with(1, |spec| spec.expiring_in(10)));
    server.set_wall_clock(EPOCH + 9);
    assert!(guest.ask(&mut server).is_reply(Kind::Challenge));
    for unix in [EPOCH + 10, EPOCH + 11, u64::MAX] {
        server.set_wall_clock(unix);
        assert_eq!(guest.ask(&mut server), Reaction::Ignored(Ignored::TokenExpired));
    }
}

#[test]
fn a_token_that_expires_so_soon_that_it_could_predate_the_start_is_ignored() {
    let mut server = Server::new(config(server_address(0)));
    server.start(4, EPOCH, &mut SeededRng::new(1)).unwrap();
    let lifetime = MAX_TOKEN_LIFETIME as i32;
    let too_short = Guest::numbered_with(1, |spec| spec.expiring_in(lifetime - 1));
    assert_eq!(too_short.ask(&mut server), Reaction::Ignored(Ignored::TokenPredatesStart));
    let just_issued = Guest::numbered_with(2, |spec| spec.expiring_in(lifetime));
    assert!(just_issued.ask(&mut server).is_reply(Kind::Challenge));
    let for_ever = Guest::numbered_with(3, |spec| spec.expiring_in(-1));
    assert!(for_ever.ask(&mut server).is_reply(Kind::Challenge));
}

#[test]
fn a_token_that_was_used_before_a_restart_is_ignored_after_it() {
    let mut server = open_server(4);
    let mut guest = Guest::numbered(1);
    guest.join(&mut server);
    server.start(4, EPOCH + 1, &mut SeededRng::new(2)).unwrap();
    assert_eq!(guest.ask(&mut server), Reaction::Ignored(Ignored::TokenPredatesStart));
}

#[test]
fn a_token_of_another_backend_is_ignored() {
    let token =
        TokenSpec::new(1, &[server_address(0)]).issue_under(&Key::new([0xbb; 32]), EPOCH, &mut SeededRng::new(1));
    let guest = Guest::new(client_address(1), token);
    assert_eq!(guest.ask(&mut open_server(4)), Reaction::Ignored(Ignored::Forged));
}

#[test]
fn nobody_can_prolong_a_token_or_change_anything_else_about_it() {
    let (mut server, guest) = (open_server(4), Guest::numbered(1));
    for bit in 0..u64::BITS {
        let mut prolonged = guest.clone();
        prolonged.token.seal.expire_timestamp |= 1 << bit;
        let is_prolonged = prolonged.token.seal.expire_timestamp > guest.token.seal.expire_timestamp;
        if is_prolonged {
            assert_eq!(prolonged.ask(&mut server), Reaction::Ignored(Ignored::Forged), "bit {bit}");
        }
    }
    const NONCE: usize = 30;
    for byte in NONCE..REQUEST_BYTES {
        let mut changed = guest.request();
        changed[byte] ^= 1 << (byte % 8);
        assert_eq!(guest.hand(&mut server, &changed), Reaction::Ignored(Ignored::Forged), "byte {byte}");
    }
}

#[test]
fn an_authentic_token_that_makes_no_sense_is_ignored() {
    let mut guest = Guest::numbered(1);
    guest.token.private_data = senseless_private_part(&guest.token.seal);
    assert_eq!(guest.ask(&mut open_server(4)), Reaction::Ignored(Ignored::TokenMalformed));
}

#[test]
fn a_request_that_is_ignored_leaves_no_trace() {
    let elsewhere = [server_address(5)];
    let mut server = open_server(4);
    let stray = Guest::numbered_with(1, |spec| TokenSpec { servers: elsewhere.to_vec(), ..spec });
    // Had it been remembered, it would be refused from another source for that.
    for number in 1..4 {
        let stray = stray.at(client_address(number));
        assert_eq!(stray.ask(&mut server), Reaction::Ignored(Ignored::NotForThisServer));
    }
}

// Tokens are pending, and then consumed.

#[test]
fn a_token_can_be_shown_again_from_where_it_was_shown_first() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    let challenges: Vec<_> = (0..10).map(|_| guest.ask(&mut server).challenge()).collect();
    // A challenge that was asked for again does not make the first one worthless.
    let answer = guest.answer(&challenges[0]);
    assert!(guest.hand(&mut server, &answer).is_connected());
}

#[test]
fn a_token_can_be_shown_from_one_source_only() {
    let mut server = open_server(4);
    let guest = Guest::numbered(1);
    guest.ask(&mut server).challenge();
    let mut other_port = guest.address;
    other_port.set_port(guest.address.port() + 1);
    for address in [other_port, client_address(2), client_address(3)] {
        assert_eq!(guest.at(address).ask(&mut server), USED);
    }
    assert!(guest.ask(&mut server).is_reply(Kind::Challenge));
}

#[test]
fn a_token_that_has_connected_a_client_admits_nobody_any_more() {
    let mut server = open_server(4);
    let mut guest = Guest::numbered(1);
    let slot = guest.join(&mut server);
    assert!(matches!(guest.ask(&mut server), Reaction::Ignored(_)));
    assert_eq!(guest.at(client_address(2)).ask(&mut server), USED);

    leave(&mut server, slot);
    for second in 0..30 {
        server.advance(second as f64);
        server.set_wall_clock(EPOCH + second);
        assert_eq!(guest.ask(&mut server), USED, "after {second} s");
        assert_eq!(guest.at(client_address(2)).ask(&mut server), USED, "after {second} s");
    }
    server.set_wall_clock(EPOCH + 30);
    assert_eq!(guest.ask(&mut server), Reaction::Ignored(Ignored::TokenExpired));
    assert_eq!(server.connected_clients(), 0);
}

#[test]
fn a_token_that_was_denied_is_good_when_there_is_room() {
    let mut server = open_server(1);
    let mut occupant = Guest::numbered(1);
    let slot = occupant.join(&mut server);
    let mut guest = Guest::numbered(2);
    assert!(guest.ask(&mut server).is_reply(Kind::Denied));
    assert_eq!(guest.at(client_address(3)).ask(&mut server), USED, "it is this source's already");
    leave(&mut server, slot);
    assert_eq!(guest.join(&mut server), 0);
}

#[test]
fn two_tokens_of_one_client_are_two_tokens() {
    let mut server = open_server(4);
    let mut first = Guest::numbered(1);
    let mut second = Guest::numbered_with(2, |spec| TokenSpec { client_id: 1001, ..spec });
    let slot = first.join(&mut server);
    leave(&mut server, slot);
    second.join(&mut server);
}

// What is remembered of tokens.

/// Fills a server's history with tokens that expire at this time, all shown from one source.
fn fill_history(server: &mut Server, expire_timestamp: u64) -> Vec<Guest> {
    let mut random = SeededRng::new(99);
    let guests: Vec<_> = (0..MAX_HISTORY)
        .map(|number| {
            let seconds = (expire_timestamp - EPOCH) as i32;
            let spec = TokenSpec::new(number as u64, &[server_address(0)]).expiring_in(seconds);
            Guest::new(client_address(0), spec.issue(EPOCH, &mut random))
        })
        .collect();
    for guest in &guests {
        guest.ask(server).challenge();
    }
    guests
}

#[test]
fn a_token_is_never_forgotten_for_another() {
    const { assert!(MAX_HISTORY == 8 * 256) };
    let mut server = open_server(4);
    let guests = fill_history(&mut server, EPOCH + 30);
    let late = Guest::numbered_with(1, |spec| spec.expiring_in(60));
    for second in [0, 1, 29] {
        server.set_wall_clock(EPOCH + second);
        assert_eq!(late.ask(&mut server), Reaction::Ignored(Ignored::HistoryFull));
    }
    for guest in guests.iter().step_by(100) {
        assert_eq!(guest.at(client_address(1)).ask(&mut server), USED);
        assert!(guest.ask(&mut server).is_reply(Kind::Challenge), "there is room for what is remembered");
    }
    server.set_wall_clock(EPOCH + 30);
    assert!(late.ask(&mut server).is_reply(Kind::Challenge));
}

#[test]
fn a_forgotten_token_stays_unusable_when_the_wall_clock_is_set_back() {
    let mut server = open_server(4);
    let mut used = Guest::numbered_with(7, |spec| spec.expiring_in(20));
    let slot = used.join(&mut server);
    leave(&mut server, slot);
    let mut more = fill_history_but_one(&mut server);
    // All have expired, and make room for another.
    server.set_wall_clock(EPOCH + 40);
    more.push(Guest::numbered_with(8, |spec| spec.expiring_in(60)));
    assert!(more[more.len() - 1].ask(&mut server).is_reply(Kind::Challenge));

    server.set_wall_clock(EPOCH);
    for address in [used.address, client_address(9)] {
        assert_eq!(used.at(address).ask(&mut server), Reaction::Ignored(Ignored::TokenExpired));
    }
    assert_eq!(server.connected_clients(), 0);
}

/// As [`fill_history`], with room for one of another guest.
fn fill_history_but_one(server: &mut Server) -> Vec<Guest> {
    let mut random = SeededRng::new(98);
    let guests: Vec<_> = (1..MAX_HISTORY)
        .map(|number| {
            let spec = TokenSpec::new(number as u64, &[server_address(0)]);
            Guest::new(client_address(0), spec.issue(EPOCH, &mut random))
        })
        .collect();
    for guest in &guests {
        guest.ask(server).challenge();
    }
    guests
}

#[test]
fn a_consumed_token_stays_consumed_when_the_wall_clock_is_set_back_and_on() {
    let mut server = open_server(4);
    let mut guest = Guest::numbered(1);
    let slot = guest.join(&mut server);
    leave(&mut server, slot);
    for unix in [EPOCH - 1000, EPOCH + 29, EPOCH + 3000, EPOCH, EPOCH + 29] {
        server.set_wall_clock(unix);
        let expected = if unix < EPOCH + 30 { USED } else { Reaction::Ignored(Ignored::TokenExpired) };
        assert_eq!(guest.ask(&mut server), expected);
    }
}

// Handshakes under way.

/// Has a guest ask at one time and answer at another.
fn answering_after(timeout_seconds: i32, asked: f64, answered: f64) -> Reaction {
    let mut server = open_server(4);
    let mut guest = Guest::numbered_with(1, |spec| spec.timing_out_after(timeout_seconds));
    server.advance(asked);
    let challenge = guest.ask(&mut server).challenge();
    server.advance(answered);
    let answer = guest.answer(&challenge);
    guest.hand(&mut server, &answer)
}

#[test]
fn a_challenge_can_be_answered_until_the_timeout_has_passed() {
    assert!(answering_after(5, 1.0, 1.0).is_connected());
    assert!(answering_after(5, 1.0, 6.0).is_connected());
    assert_eq!(answering_after(5, 1.0, just_after(6.0)), UNKNOWN);
    assert_eq!(answering_after(5, 1.0, 1e9), UNKNOWN);
}

#[test]
fn with_a_timeout_of_zero_a_challenge_can_be_answered_at_the_same_time_only() {
    assert!(answering_after(0, 1.0, 1.0).is_connected());
    assert_eq!(answering_after(0, 1.0, just_after(1.0)), UNKNOWN);
}

#[test]
fn without_a_timeout_a_challenge_can_be_answered_for_ever() {
    assert!(answering_after(-1, 1.0, 1e9).is_connected());
    assert!(answering_after(i32::MIN, 1.0, 1e9).is_connected());
}

#[test]
fn asking_again_gives_the_full_time_again() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    for second in 0..4 {
        server.advance(4.0 * f64::from(second));
        guest.ask(&mut server).challenge();
    }
    let challenge = guest.ask(&mut server).challenge();
    let answer = guest.answer(&challenge);
    server.advance(17.0);
    assert!(guest.hand(&mut server, &answer).is_connected());
}

#[test]
fn trying_to_answer_does_not_give_more_time() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    let challenge = guest.ask(&mut server).challenge();
    let answer = guest.answer(&challenge);
    let mut garbled = answer.clone();
    garbled[200] ^= 1;
    for second in 1..=5 {
        server.advance(f64::from(second));
        assert_eq!(guest.hand(&mut server, &garbled), Reaction::Ignored(Ignored::Forged));
    }
    server.advance(just_after(5.0));
    assert_eq!(guest.hand(&mut server, &answer), UNKNOWN);
}

#[test]
fn a_handshake_that_was_too_slow_can_be_begun_again_with_the_same_token() {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    guest.ask(&mut server).challenge();
    server.advance(20.0);
    assert_eq!(guest.join(&mut server), 0);
}

#[test]
fn a_source_that_shows_another_token_goes_on_with_that_one() {
    let mut server = open_server(4);
    let mut first = Guest::numbered(1);
    let mut second = Guest::numbered(2).at(first.address);
    let challenge = first.ask(&mut server).challenge();
    let other_challenge = second.ask(&mut server).challenge();
    let answer = first.answer(&challenge);
    assert_eq!(first.hand(&mut server, &answer), Reaction::Ignored(Ignored::Forged), "another key by now");
    let answer = second.answer(&other_challenge);
    let reaction = second.hand(&mut server, &answer);
    assert!(matches!(reaction, Reaction::Connected { client_id: 1002, .. }), "{reaction:?}");
}

#[test]
fn a_response_connects_a_client_once() {
    let mut server = open_server(4);
    let mut guest = Guest::numbered(1);
    let challenge = guest.ask(&mut server).challenge();
    let answer = guest.answer(&challenge);
    let slot = guest.hand(&mut server, &answer).slot();
    let again = Reaction::Ignored(Ignored::Unexpected(Kind::Response));
    assert_eq!(guest.hand(&mut server, &answer), again);

    leave(&mut server, slot);
    for _ in 0..3 {
        assert_eq!(guest.hand(&mut server, &answer), UNKNOWN);
        assert_eq!(guest.ask(&mut server), USED);
    }
    assert_eq!(server.connected_clients(), 0);
}

#[test]
fn a_client_that_left_is_not_brought_back_by_what_it_sent() {
    let mut server = open_server(4);
    let mut guest = Guest::numbered(1);
    let request = guest.request();
    let challenge = guest.ask(&mut server).challenge();
    let mut said = vec![request, guest.answer(&challenge)];
    guest.hand(&mut server, &said[1]).slot();
    for _ in 0..5 {
        said.push(guest.keep_alive());
        said.push(guest.payload(b"something"));
    }
    for datagram in &said[2..] {
        guest.hand(&mut server, datagram);
    }
    leave(&mut server, 0);
    for datagram in &said {
        assert!(matches!(guest.hand(&mut server, datagram), Reaction::Ignored(_)));
    }
    assert_eq!(server.connected_clients(), 0);
}

// Room for handshakes.

/// Has guests of these numbers ask, who then have a handshake under way each.
fn begin(server: &mut Server, numbers: std::ops::Range<usize>) {
    for number in numbers {
        Guest::numbered(number).ask(server).challenge();
    }
}

#[test]
fn a_clock_that_is_set_back_gives_a_handshake_its_timeout_once_more_at_most() {
    let mut server = open_server(4);
    let [mut in_time, mut too_late] = [Guest::numbered(1), Guest::numbered(2)];
    server.advance(1000.0);
    let challenges = [in_time.ask(&mut server).challenge(), too_late.ask(&mut server).challenge()];
    let answers = [in_time.answer(&challenges[0]), too_late.answer(&challenges[1])];
    for time in [1004.0, 10.0, 15.0] {
        server.advance(time);
    }
    assert!(in_time.hand(&mut server, &answers[0]).is_connected());
    server.advance(just_after(15.0));
    assert_eq!(too_late.hand(&mut server, &answers[1]), UNKNOWN);
}

#[test]
fn there_is_room_for_1024_handshakes_however_many_slots_there_are() {
    const FULL: Reaction = Reaction::Ignored(Ignored::MappingsFull);
    const { assert!(MAX_MAPPINGS == 1024) };
    for slots in [1, MAX_CLIENTS] {
        let mut server = open_server(slots);
        server.advance(1.0);
        begin(&mut server, 0..MAX_MAPPINGS);
        let mut late = Guest::numbered(MAX_MAPPINGS);
        assert_eq!(late.ask(&mut server), FULL);
        assert!(Guest::numbered(0).ask(&mut server).is_reply(Kind::Challenge), "who is in can ask again");
        // Guest 0 has asked again at 2.0; the others' time is up just after 6.0.
        server.advance(2.0);
        Guest::numbered(0).ask(&mut server).challenge();
        server.advance(6.0);
        assert_eq!(late.ask(&mut server), FULL);
        server.advance(just_after(6.0));
        assert_eq!(late.join(&mut server), 0);
    }
}

#[test]
fn connected_clients_take_room_for_handshakes() {
    let mut server = open_server(MAX_CLIENTS);
    let connected = MAX_CLIENTS - 1;
    for number in 0..connected {
        Guest::numbered(number).join(&mut server);
    }
    begin(&mut server, connected..MAX_MAPPINGS);
    let late = Guest::numbered(MAX_MAPPINGS);
    assert_eq!(late.ask(&mut server), Reaction::Ignored(Ignored::MappingsFull));
    leave(&mut server, 0);
    assert!(late.ask(&mut server).is_reply(Kind::Challenge));
}

/// They have no keys to remember.
#[test]
fn clients_of_the_same_process_take_no_room_for_handshakes() {
    let mut server = open_server(4);
    assert!(server.connect_loopback(0, 7));
    begin(&mut server, 0..MAX_MAPPINGS);
    assert_eq!(Guest::numbered(MAX_MAPPINGS).ask(&mut server), Reaction::Ignored(Ignored::MappingsFull));
}

#[test]
fn a_handshake_that_is_over_makes_room_for_another() {
    let mut server = open_server(4);
    begin(&mut server, 1..MAX_MAPPINGS);
    for number in 0..3 {
        let mut guest = Guest::numbered(2 * MAX_MAPPINGS + number);
        let slot = guest.join(&mut server);
        leave(&mut server, slot);
    }
}

// The answers.

#[test]
fn challenges_are_numbered_from_zero_and_denials_are_not_challenges() {
    let mut server = open_server(1);
    let mut guests = [Guest::numbered(1), Guest::numbered(2)];
    for number in 0..5 {
        let challenge = guests[0].ask(&mut server).challenge();
        let (_, contents) = guests[0].open(&challenge);
        assert!(matches!(contents, datagram::Contents::Challenge(sequence, _) if sequence == number));
    }
    guests[0].join(&mut server);
    let Reaction::Reply { kind: Kind::Denied, data } = guests[1].ask(&mut server) else { panic!("not denied") };
    let (sequence, contents) = guests[1].open(&data);
    assert_eq!(contents, datagram::Contents::Denied);
    assert!(sequence >= 1 << 63, "numbered as challenges are, where no client's packets are");
}

#[test]
fn who_is_let_in_is_told_so_at_once() {
    let mut server = open_server(9);
    let mut guest = Guest::numbered(1);
    let challenge = guest.ask(&mut server).challenge();
    let answer = guest.answer(&challenge);
    let Reaction::Connected { slot, client_id, user_data, keep_alive } = guest.hand(&mut server, &answer) else {
        panic!("not connected")
    };
    assert_eq!((slot, client_id, user_data), (0, 1001, vec![1001u64 as u8; 256]));
    let expected = netcode::packet::KeepAlive { client_index: 0, max_clients: 9 };
    assert_eq!(guest.open(&keep_alive), (0, datagram::Contents::KeepAlive(expected)));
    assert_eq!(server.next_packet_sequence(0), Some(1));
    assert!(server.next_keep_alive(0, &mut [0; MAX_SEALED_BYTES]).is_none());
    server.advance(just_before(0.1));
    assert!(server.next_keep_alive(0, &mut [0; MAX_SEALED_BYTES]).is_none());
    server.advance(0.1);
    assert!(server.next_keep_alive(0, &mut [0; MAX_SEALED_BYTES]).is_some());
}
