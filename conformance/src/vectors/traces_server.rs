//! The slots of a server over virtual time.

use super::Case;
use super::live::*;
use crate::object;
use crate::wire::{DISCONNECT, PAYLOAD};

const TICK: f64 = 0.0625;
const SECOND: &str = "10.0.1.2:50000";
const THIRD: &str = "10.0.1.3:50000";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |id: &str, note: &str, play: &dyn Fn(&mut ServerCase, Guest)| {
        let mut server = ServerCase::new(id, note);
        play(&mut server, Guest::new(id));
        cases.push(server.case);
    };
    let keep_alive =
        |guest: &Guest, sequence, slot| Seen::nothing().sent(guest.hears_keep_alive(sequence, slot, SLOTS));

    case("keep-alives", "when 0.1 s have passed, and not before", &|server, guest| {
        server.joins(0.0, &guest, 0);
        server.update(TICK, Vec::new(), Seen::nothing());
        server.update(0.1, Vec::new(), keep_alive(&guest, 1, 0));
        server.update(0.1, Vec::new(), Seen::nothing());
        server.update(0.1875, Vec::new(), Seen::nothing());
        server.update(0.25, Vec::new(), keep_alive(&guest, 2, 0));
        let sends = Seen::nothing().sent(guest.hears_keep_alive(3, 0, SLOTS)).sent(guest.hears(PAYLOAD, 4, b"x"));
        server.ask(object! { "op": "server_send", "slot": 0, "data": &b"x"[..] }, sends);
        server.update(0.3125, Vec::new(), Seen::nothing());
        server.update(0.375, Vec::new(), keep_alive(&guest, 5, 0));
    });
    case(
        "times-out",
        "when the timeout has passed since the last sign of life; the keep-alive comes first",
        &|server, guest| {
            server.joins(0.0, &guest, 0);
            server.update(1.0, vec![guest.keeps_alive(2)], keep_alive(&guest, 1, 0));
            let seen = keep_alive(&guest, 2, 0).received_from(0, 3, b"x");
            server.update(2.0, vec![guest.says(PAYLOAD, 3, b"x")], seen);
            server.update(6.9375, Vec::new(), keep_alive(&guest, 3, 0));
            server.update(7.0, Vec::new(), Seen::nothing().client(guest.event(0, false, TIMED_OUT)));
            server.ignores_at(7.0, guest.keeps_alive(4), "unknown_source");
        },
    );
    case("timeout-comes-last", "after what came in, and after the keep-alives", &|server, guest| {
        server.joins(0.0, &guest, 0);
        server.update(5.0, vec![guest.keeps_alive(2)], keep_alive(&guest, 1, 0));
        server.update(10.0, Vec::new(), keep_alive(&guest, 2, 0).client(guest.event(0, false, TIMED_OUT)));
    });
    case("timers-begin-when-connected", "not when the client was challenged", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        server.accepts(4.0, &guest, challenge, 0);
        server.update(4.0 + TICK, Vec::new(), Seen::nothing());
        server.update(4.125, Vec::new(), keep_alive(&guest, 1, 0));
        server.update(8.9375, Vec::new(), keep_alive(&guest, 2, 0));
        server.update(9.0, Vec::new(), Seen::nothing().client(guest.event(0, false, TIMED_OUT)));
    });
    case("sends-payloads", "of 1 and of 1200 bytes, at once", &|server, guest| {
        server.joins(0.0, &guest, 0);
        server.update(0.0, vec![guest.keeps_alive(2)], Seen::nothing());
        for (sequence, data) in [(1, vec![1]), (2, vec![2; 1200])] {
            let seen = Seen::nothing().sent(guest.hears(PAYLOAD, sequence, &data));
            server.ask(object! { "op": "server_send", "slot": 0, "data": data }, seen);
        }
    });
    for timeout in [0, -1] {
        let id = if timeout == 0 { "timeout-zero" } else { "timeout-negative" };
        case(id, "a client that never times out", &move |server, guest| {
            let guest = guest.with(|token| token.timeout = timeout);
            server.joins(0.0, &guest, 0);
            server.update(1e6, Vec::new(), keep_alive(&guest, 1, 0));
            server.update(1e9, Vec::new(), keep_alive(&guest, 2, 0));
        });
    }
    case("sent-away", "told ten times; the slot is free at once", &|server, guest| {
        server.joins(0.0, &guest, 0);
        let seen = ServerCase::farewell(&guest, 1).into_iter().fold(Seen::nothing(), Seen::sent);
        let seen = seen.client(guest.event(0, false, SENT_AWAY));
        server.ask(object! { "op": "server_disconnect", "slot": 0 }, seen);
        server.ask(object! { "op": "server_disconnect", "slot": 0 }, Seen::nothing());
        server.ignores(guest.keeps_alive(2), "unknown_source");
        server.joins(0.0, &Guest::at(SECOND, "the next"), 0);
    });
    case("leaves", "without an answer", &|server, guest| {
        server.joins(0.0, &guest, 0);
        let seen = Seen::nothing().client(guest.event(0, false, CLIENT_LEFT));
        server.update(0.0, vec![guest.says(DISCONNECT, 2, &[])], seen);
    });
    case("not-confirmed-yet", "a keep-alive before each payload until the client is heard of", &|server, guest| {
        server.joins(0.0, &guest, 0);
        for (number, sequence) in [(0u8, 1), (1, 3)] {
            let seen = keep_alive(&guest, sequence, 0).sent(guest.hears(PAYLOAD, sequence + 1, &[number]));
            server.ask(object! { "op": "server_send", "slot": 0, "data": vec![number] }, seen);
        }
        server.update(0.0, vec![guest.keeps_alive(2)], Seen::nothing());
        let seen = Seen::nothing().sent(guest.hears(PAYLOAD, 5, b"confirmed"));
        server.ask(object! { "op": "server_send", "slot": 0, "data": &b"confirmed"[..] }, seen);
    });
    case("confirmed-by-a-payload", "", &|server, guest| {
        server.joins(0.0, &guest, 0);
        let seen = Seen::nothing().received_from(0, 2, b"hello");
        server.update(0.0, vec![guest.says(PAYLOAD, 2, b"hello")], seen);
        let seen = Seen::nothing().sent(guest.hears(PAYLOAD, 1, b"hello"));
        server.ask(object! { "op": "server_send", "slot": 0, "data": &b"hello"[..] }, seen);
    });
    case("lowest-free-slot", "", &|server, guest| {
        let (second, third) = (Guest::at(SECOND, "second"), Guest::at(THIRD, "third"));
        server.joins(0.0, &guest, 0);
        server.joins(0.0, &second, 1);
        let left = Seen::nothing().client(guest.event(0, false, CLIENT_LEFT));
        server.update(0.0, vec![guest.says(DISCONNECT, 2, &[])], left);
        server.joins(0.0, &third, 0);
        let again = Guest::new("again").with(|token| token.client_id = guest.token.client_id);
        server.joins(0.0, &again, 2);
    });
    case("start-again", "everybody is sent away, and nothing is remembered", &|server, guest| {
        let second = Guest::at(SECOND, "second");
        server.joins(0.0, &guest, 0);
        server.joins(0.0, &second, 1);
        let mut seen = Seen::nothing();
        for (slot, guest) in [(0, &guest), (1, &second)] {
            seen = ServerCase::farewell(guest, 1).into_iter().fold(seen, Seen::sent);
            seen = seen.client(guest.event(slot, false, SENT_AWAY));
        }
        server.restart(seen);
        server.ignores(guest.keeps_alive(2), "unknown_source");
        server.ignores(Guest::new("soon").with(|token| token.expire = LONG_AGO).asks(), "token_expired");
        server.joins(0.0, &Guest::at(THIRD, "third"), 0);
    });
    case("stopped", "answers nobody", &|server, guest| {
        server.joins(0.0, &guest, 0);
        let seen = ServerCase::farewell(&guest, 1).into_iter().fold(Seen::nothing(), Seen::sent);
        server.ask(object! { "op": "server_stop" }, seen.client(guest.event(0, false, SENT_AWAY)));
        server.ignores(Guest::at(SECOND, "late").asks(), "not_running");
        server.ignores(guest.keeps_alive(2), "not_running");
    });
    cases.extend(handshakes_in_time());
    cases
}

/// For how long a challenge can be answered.
fn handshakes_in_time() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |id: &str, note: &str, timeout: i32, play: &dyn Fn(&mut ServerCase, &Guest)| {
        let mut server = ServerCase::new(id, note);
        play(&mut server, &Guest::new(id).with(|token| token.timeout = timeout));
        cases.push(server.case);
    };
    case("answers-in-time", "until the timeout has passed", 5, &|server, guest| {
        let challenge = server.challenges(1.0, guest);
        server.accepts(6.0, guest, challenge, 0);
    });
    case("answers-too-late", "more than the timeout; the token can be shown again from there", 5, &|server, guest| {
        let challenge = server.challenges(1.0, guest);
        server.ignores_at(6.0 + TICK, guest.answers(challenge, 1), "unknown_source");
        server.ignores_at(6.0 + TICK, guest.from(STRANGER).asks(), "token_used");
        server.joins(20.0, guest, 0);
    });
    case("asking-again-gives-time", "the mapping is renewed", 5, &|server, guest| {
        server.challenges(1.0, guest);
        let challenge = server.challenges(5.0, guest);
        server.accepts(10.0, guest, challenge, 0);
    });
    case("handshake-without-timeout", "can be answered for ever", -1, &|server, guest| {
        let challenge = server.challenges(1.0, guest);
        server.accepts(1e9, guest, challenge, 0);
    });
    case("handshake-with-timeout-zero", "can be answered at the same time only", 0, &|server, guest| {
        let challenge = server.challenges(1.0, guest);
        server.ignores_at(1.0 + TICK, guest.answers(challenge, 1), "unknown_source");
        let challenge = server.challenges(2.0, guest);
        server.accepts(2.0, guest, challenge, 0);
    });
    cases
}
