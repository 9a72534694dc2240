//! What a server makes of the answers to its challenges.

use super::Case;
use super::live::*;
use crate::object;
use crate::wire::{DISCONNECT, RESPONSE};

const SECOND: &str = "10.0.1.2:50000";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |id: &str, note: &str, play: &dyn Fn(&mut ServerCase, Guest)| {
        let mut server = ServerCase::new(id, note);
        play(&mut server, Guest::new(id));
        cases.push(server.case);
    };

    case("good", "the client has the lowest free slot, and is told so at once", &|server, guest| {
        server.joins(0.0, &guest, 0);
    });
    case("number-does-not-matter", "responses are not under replay protection", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        let welcome = Seen::nothing().sent(guest.hears_keep_alive(0, 0, SLOTS)).client(guest.came(0));
        server.update(0.0, vec![guest.answers(challenge, u64::MAX)], welcome);
    });
    case("an-earlier-challenge", "each challenge that was made for the token will do", &|server, guest| {
        let first = server.challenges(0.0, &guest);
        server.challenges(0.0, &guest);
        server.accepts(0.0, &guest, first, 0);
    });
    case("unknown-source", "no request has come from there", &|server, guest| {
        server.ignores(guest.says(RESPONSE, 1, &super::packets::contents(RESPONSE)), "unknown_source");
        let challenge = server.challenges(0.0, &guest);
        let elsewhere = guest.from(STRANGER);
        server.ignores(elsewhere.answers(challenge, 1), "unknown_source");
    });
    case("forged", "not encrypted with the token's key", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        server.ignores(guest.answers_with(challenge, 1, "flip_datagram_byte", 40), "forged");
        let mut other = guest.clone();
        other.token.session.client_to_server[0] ^= 1;
        server.ignores(other.answers(challenge, 1), "forged");
        server.accepts(0.0, &guest, challenge, 0);
    });
    case("challenge-token-changed", "authentic packet, other challenge token", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        for byte in [0, 150, 299] {
            server.ignores(guest.answers_with(challenge, 1, "flip_challenge_byte", byte), "other_challenge");
        }
        server.accepts(0.0, &guest, challenge, 0);
    });
    case("challenge-number-changed", "the challenge token opens under its own number only", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        server.ignores(guest.answers_with(challenge, 1, "add_to_challenge_sequence", 1), "other_challenge");
        server.accepts(0.0, &guest, challenge, 0);
    });
    case("challenge-of-another-token", "id and user data must be the token's whose keys are used", &|server, guest| {
        let other = Guest::at(SECOND, "another token");
        let same_id = Guest::at(STRANGER, "the same id").with(|token| token.client_id = guest.token.client_id);
        let own = server.challenges(0.0, &guest);
        let others = server.challenges(0.0, &other);
        let same_ids = server.challenges(0.0, &same_id);
        server.ignores(guest.answers(others, 1), "other_challenge");
        server.ignores(guest.answers(same_ids, 1), "other_challenge");
        server.accepts(0.0, &guest, own, 0);
        server.accepts(0.0, &other, others, 1);
    });
    case("challenge-of-an-earlier-start", "each start has a challenge key of its own", &|server, guest| {
        let earlier = server.challenges(0.0, &guest);
        server.restart(Seen::nothing());
        server.ignores(guest.answers(earlier, 1), "unknown_source");
        let now = server.challenges(0.0, &guest);
        server.ignores(guest.answers(earlier, 1), "other_challenge");
        server.accepts(0.0, &guest, now, 0);
    });
    case("connected-source", "a client that is connected has nothing to answer", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        server.accepts(0.0, &guest, challenge, 0);
        server.ignores(guest.answers(challenge, 2), "unexpected");
    });
    case("connected-id", "of two handshakes for one id the first to answer wins", &|server, guest| {
        let twin = Guest::at(SECOND, "twin").with(|token| token.client_id = guest.token.client_id);
        let first = server.challenges(0.0, &guest);
        let second = server.challenges(0.0, &twin);
        server.accepts(0.0, &twin, second, 0);
        server.ignores(guest.answers(first, 1), "client_id_connected");
    });
    case("other-types-from-a-mapped-source", "before it is connected a source can only answer", &|server, guest| {
        let challenge = server.challenges(0.0, &guest);
        for kind in [1, 2, 4, 5, DISCONNECT] {
            server.ignores(guest.says(kind, 1, &super::packets::contents(kind)), "unexpected");
        }
        server.accepts(0.0, &guest, challenge, 0);
    });
    case("keys-of-the-latest-token", "a source that shows another token goes on with that one", &|server, guest| {
        let other = Guest::new("the other token");
        let first = server.challenges(0.0, &guest);
        let second = server.challenges(0.0, &other);
        server.ignores(guest.answers(first, 1), "forged");
        server.accepts(0.0, &other, second, 0);
    });
    cases.push(full());
    cases.push(full_and_connected_id());
    cases
}

fn full() -> Case {
    let mut server = ServerCase::with("full", "denied, also in the second stage", 1, 30);
    let (guest, quicker) = (Guest::new("the slower"), Guest::at(SECOND, "the quicker"));
    let challenge = server.challenges(0.0, &guest);
    server.joins(0.0, &quicker, 0);
    server.update(0.0, vec![guest.answers(challenge, 1)], Seen::nothing().sent(guest.denied()));
    let seen = ServerCase::farewell(&quicker, 1).into_iter().fold(Seen::nothing(), Seen::sent);
    let seen = seen.client(quicker.event(0, false, SENT_AWAY));
    server.ask(object! { "op": "server_disconnect", "slot": 0 }, seen);
    server.accepts(0.0, &guest, challenge, 0);
    server.case
}

fn full_and_connected_id() -> Case {
    let mut server = ServerCase::with("full-and-connected-id", "a full server is silent about what it ignores", 1, 30);
    let guest = Guest::new("the one");
    let twin = Guest::at(SECOND, "the same").with(|token| token.client_id = guest.token.client_id);
    let first = server.challenges(0.0, &guest);
    server.joins(0.0, &twin, 0);
    server.ignores(guest.answers(first, 1), "client_id_connected");
    server.case
}
