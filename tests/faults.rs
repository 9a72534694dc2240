//! Clocks that are set back: while a server runs, no token that it has seen becomes good again.

mod common;

use netcode::packet::MAX_SEALED_BYTES;
use netcode::server::{DisconnectReason, Ignored, Server};

use common::guest::{Guest, Reaction, open_server};
use common::random::SeededRng;
use common::tokens::TokenSpec;
use common::world::{EPOCH, MAX_TOKEN_LIFETIME, client_address, server_address};

const LIFETIME: u64 = MAX_TOKEN_LIFETIME as u64;
const HOUR: u64 = 3600;
const PREDATES: Reaction = Reaction::Ignored(Ignored::TokenPredatesStart);
const USED: Reaction = Reaction::Ignored(Ignored::TokenUsed);

/// A guest with a token that is issued at this time, and lives as long as tokens may.
fn guest_at(number: usize, unix: u64) -> Guest {
    let spec = TokenSpec::new(1000 + number as u64, &[server_address(0)]).expiring_in(LIFETIME as i32);
    Guest::new(client_address(number), spec.issue(unix, &mut SeededRng::new(number as u64)))
}

fn leave(server: &mut Server, slot: usize) {
    let leaving = server.begin_leave(slot, DisconnectReason::ServerDisconnect).expect("somebody is there");
    while server.poll_farewell(leaving, &mut [0; MAX_SEALED_BYTES]).is_some() {}
    assert!(server.finish_leave(leaving));
}

fn start(server: &mut Server, unix: u64) {
    server.start(4, unix, &mut SeededRng::new(unix)).expect("slots in range");
}

/// A server that is started again knows nothing of the tokens of an earlier start. It goes by its clock: what expires
/// too soon could have been used before. A clock that is set back meanwhile weakens that, by as much as it was set
/// back, and no further.
#[test]
fn after_a_restart_tokens_are_refused_by_the_new_clock() {
    for back in [0, 1, 2, 29, 30, 31, HOUR] {
        let mut server = open_server(4);
        let mut used = guest_at(1, EPOCH - LIFETIME + 1);
        let slot = used.join(&mut server);
        leave(&mut server, slot);
        // It was issued so long before the start, by the clock that the server now has.
        let issued_before = (LIFETIME - 1).saturating_sub(back);
        start(&mut server, EPOCH - back);
        let refused = used.ask(&mut server) == PREDATES;
        assert_eq!(refused, issued_before > 0, "set back by {back} s");
        // And once refused or admitted by another source, nothing changes that.
        assert!(matches!(used.at(client_address(3)).ask(&mut server), PREDATES | USED));
    }
}

#[test]
fn a_clock_that_is_not_set_back_costs_no_token() {
    let mut server = open_server(4);
    for second in 0..3 * LIFETIME {
        // A token of the second of the start itself is good: the backend knows no finer time.
        let unix = EPOCH + second;
        start(&mut server, unix);
        assert!(!guest_at(1, unix - 1).ask(&mut server).is_connected());
        let slot = guest_at(2 + second as usize, unix).join(&mut server);
        leave(&mut server, slot);
    }
}

#[test]
fn a_used_token_stays_used_while_the_clock_moves_at_random() {
    let mut random = SeededRng::new(5);
    let mut server = open_server(8);
    let mut used: Vec<Guest> = Vec::new();
    let (mut unix, mut shown) = (EPOCH, 0);
    for round in 0..2000 {
        unix = match random.below(8) {
            0 => unix - random.below(5000) as u64,
            1 => unix + random.below(5000) as u64,
            2 => EPOCH,
            _ => unix + 1,
        };
        server.set_wall_clock(unix);
        let mut guest = guest_at(10 + round, unix);
        if let Reaction::Reply { data, .. } = guest.ask(&mut server) {
            let answer = guest.answer(&data);
            let slot = guest.hand(&mut server, &answer).slot();
            leave(&mut server, slot);
            used.push(guest);
        }
        for guest in used.iter().rev().take(20).chain(used.iter().step_by(37)) {
            shown += 1;
            match guest.ask(&mut server) {
                USED | PREDATES | Reaction::Ignored(Ignored::TokenExpired) => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
    }
    assert!(used.len() > 50 && shown > 10_000, "{} tokens used, shown again {shown} times", used.len());
    println!("{} tokens used, shown again {shown} times", used.len());
}
