//! What a server makes of the answers to its challenges. Each flaw is shown alone, together with the next one in the
//! order of the protocol, and on a server that is full, which answers only if nothing else is wrong.

use super::Case;
use super::live::*;
use crate::object;
use crate::wire::{DISCONNECT, RESPONSE};

const SECOND: &str = "10.0.1.2:50000";

/// What can be wrong with a response, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    UnknownSource,
    Forged,
    TokenChanged,
    NumberChanged,
    AnotherToken,
    ConnectedSource,
    ConnectedId,
    Full,
}

use Flaw::*;

const ORDER: [Flaw; 8] =
    [UnknownSource, Forged, TokenChanged, NumberChanged, AnotherToken, ConnectedSource, ConnectedId, Full];

impl Flaw {
    fn name(self) -> &'static str {
        match self {
            UnknownSource => "unknown-source",
            Forged => "forged",
            TokenChanged => "challenge-token-changed",
            NumberChanged => "challenge-number-changed",
            AnotherToken => "challenge-of-another-token",
            ConnectedSource => "connected-source",
            ConnectedId => "connected-id",
            Full => "full",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            UnknownSource => "unknown_source",
            Forged => "forged",
            TokenChanged | NumberChanged | AnotherToken => "other_challenge",
            ConnectedSource => "unexpected",
            ConnectedId => "client_id_connected",
            Full => panic!("is no reason to be silent"),
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = alone();
    for pair in ORDER.windows(2) {
        // Whoever is connected has its own id.
        let pair = if pair == [ConnectedSource, ConnectedId] { &[AnotherToken, ConnectedId] } else { pair };
        cases.push(flawed(pair));
    }
    // The last pair has been shown.
    cases.extend(ORDER[..6].iter().map(|flaw| flawed(&[*flaw, Full])));
    cases.push(full());
    cases
}

/// Two things are wrong with a response.
fn flawed(flaws: &[Flaw]) -> Case {
    let has = |flaw| flaws.contains(&flaw);
    let names: Vec<_> = flaws.iter().map(|flaw| flaw.name()).collect();
    let id = names.join("-and-");
    let note = if has(Full) { "a full server is silent about what it ignores" } else { "" };
    let mut server = ServerCase::with(&id, note, if has(Full) { 1 } else { SLOTS }, 30);

    let guest = Guest::new(&id);
    let other = Guest::at(SECOND, "the other one");
    let other = other.with(|token| {
        if has(ConnectedId) {
            token.client_id = guest.token.client_id
        }
    });
    let own = server.challenges(0.0, &guest);
    let others = server.challenges(0.0, &other);
    if has(ConnectedSource) {
        server.accepts(0.0, &guest, own, 0);
    } else if has(ConnectedId) || has(Full) {
        server.accepts(0.0, &other, others, 0);
    }

    let mut spoiled = Vec::new();
    if has(Forged) {
        spoiled.push(("flip_datagram_byte", 40));
    }
    if has(TokenChanged) {
        spoiled.push(("flip_challenge_byte", 150));
    }
    if has(NumberChanged) {
        spoiled.push(("add_to_challenge_sequence", 7));
    }
    let sender = if has(UnknownSource) { guest.from(STRANGER) } else { guest };
    let answer = sender.answers_spoiled(if has(AnotherToken) { others } else { own }, 2, &spoiled);
    // The source is known before anything is decrypted.
    let early = if has(ConnectedSource) && flaws[0] != ConnectedSource { "|unexpected" } else { "" };
    server.ignores(answer, &format!("{}{early}", flaws[0].reason()));
    server.case
}

fn alone() -> Vec<Case> {
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
    case("challenge-of-another-id", "the same user data do not make it the same token", &|server, guest| {
        let data = guest.token.user_data.clone();
        let other = Guest::at(SECOND, "another id").with(|token| token.user_data = data);
        let own = server.challenges(0.0, &guest);
        let others = server.challenges(0.0, &other);
        server.ignores(guest.answers(others, 1), "other_challenge");
        server.ignores(other.answers(own, 1), "other_challenge");
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
