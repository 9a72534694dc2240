//! What a server makes of connection requests. Each flaw is shown alone, together with the next one in the order of
//! the standard, and on a server that is full, which answers a request only if nothing else is wrong with it.

use super::Case;
use super::live::*;
use crate::json::Json;
use crate::wire::{NEVER, Token};

/// What can be wrong with a request, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Flaw {
    Size,
    Version,
    ProtocolId,
    Expired,
    PredatesStart,
    Forged,
    Malformed,
    NotForThisServer,
    AddressConnected,
    ClientIdConnected,
    TokenUsed,
    Full,
}

use Flaw::*;

const ORDER: [Flaw; 12] = [
    Size,
    Version,
    ProtocolId,
    Expired,
    PredatesStart,
    Forged,
    Malformed,
    NotForThisServer,
    AddressConnected,
    ClientIdConnected,
    TokenUsed,
    Full,
];

impl Flaw {
    fn name(self) -> &'static str {
        match self {
            Size => "size",
            Version => "version",
            ProtocolId => "protocol_id",
            Expired => "token_expired",
            PredatesStart => "token_predates_start",
            Forged => "forged",
            Malformed => "token_malformed",
            NotForThisServer => "not_for_this_server",
            AddressConnected => "address_connected",
            ClientIdConnected => "client_id_connected",
            TokenUsed => "token_used",
            Full => "full",
        }
    }

    /// An implementation may notice cheap things before it decrypts: the outcome is the same.
    fn may_be_noticed_early(self) -> bool {
        matches!(self, AddressConnected | TokenUsed)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = ORDER.iter().map(|flaw| flawed(&[*flaw])).collect();
    for pair in ORDER.windows(2) {
        // Nothing can be read from a private part that does not decrypt, and no servers from one that makes no sense.
        if ![[Forged, Malformed], [Malformed, NotForThisServer]].contains(&[pair[0], pair[1]]) {
            cases.push(flawed(pair));
        }
    }
    // The last pair has been shown.
    cases.extend(ORDER[..10].iter().map(|flaw| flawed(&[*flaw, Full])));
    cases.extend(more());
    cases
}

fn flawed(flaws: &[Flaw]) -> Case {
    let has = |flaw| flaws.contains(&flaw);
    let names: Vec<_> = flaws.iter().map(|flaw| flaw.name()).collect();
    let id = names.join("-and-").replace('_', "-");
    let lifetime = if has(PredatesStart) { LONGEST_LIFETIME } else { 30 };
    let slots = if has(Full) { 1 } else { SLOTS };
    let mut server = ServerCase::with(&id, "", slots, lifetime);

    let guest = Guest::new(&id).with(|token| change_token(token, flaws));
    let mut occupant = Guest::at("10.0.1.2:50000", "the client who is there");
    if has(AddressConnected) {
        occupant.address = CLIENT.into();
    }
    if has(ClientIdConnected) {
        occupant.token.client_id = guest.token.client_id;
    }
    if has(TokenUsed) && has(ClientIdConnected) {
        occupant.token = guest.token.clone();
    } else if has(TokenUsed) {
        server.challenges(0.0, &guest.from(STRANGER));
    }
    if has(AddressConnected) || has(ClientIdConnected) || has(Full) {
        server.joins(0.0, &occupant, 0);
    }

    let data = request(&guest.token, flaws);
    if flaws == [Full] {
        server.update(0.0, vec![datagram(CLIENT, &data)], Seen::nothing().sent(guest.denied()));
        return server.case;
    }
    let mut reasons = vec![flaws[0].name()];
    if flaws[0] >= Forged {
        reasons.extend(flaws[1..].iter().filter(|flaw| flaw.may_be_noticed_early()).map(|flaw| flaw.name()));
    }
    server.ignores(datagram(CLIENT, &data), &reasons.join("|"));
    server.case
}

fn change_token(token: &mut Token, flaws: &[Flaw]) {
    if flaws.contains(&ProtocolId) {
        token.session.protocol_id ^= 1;
    }
    if flaws.contains(&PredatesStart) {
        token.expire = SOON;
    }
    if flaws.contains(&Expired) {
        token.expire = LONG_AGO;
    }
    if flaws.contains(&NotForThisServer) {
        (token.public, token.internal) = (vec![address("10.0.0.2:40000")], vec![address("10.0.0.2:40000")]);
    }
}

fn request(token: &Token, flaws: &[Flaw]) -> Vec<u8> {
    const NO_SERVERS: [u8; 4] = [0; 4];
    let mut private = token.private();
    if flaws.contains(&Malformed) {
        let mut plain = token.private_plain();
        plain[12..16].copy_from_slice(&NO_SERVERS);
        private = token.seal_private(&plain);
    }
    if flaws.contains(&Forged) {
        private[100] ^= 1;
    }
    let mut request = token.request_with(&private);
    if flaws.contains(&Version) {
        request[9] = b'9';
    }
    if flaws.contains(&Size) {
        request.pop();
    }
    request
}

fn more() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |id: &str, note: &str, play: &dyn Fn(&mut ServerCase, Guest)| {
        let mut server = ServerCase::new(id, note);
        play(&mut server, Guest::new(id));
        cases.push(server.case);
    };

    case("good", "", &|server, guest| {
        server.challenges(0.0, &guest);
    });
    case("asked-again", "the same source may ask again; each challenge has its own number", &|server, guest| {
        for _ in 0..3 {
            server.challenges(0.0, &guest);
        }
    });
    case("used-from-another-source", "a pending token is its first source's", &|server, guest| {
        server.challenges(0.0, &guest);
        server.ignores(guest.from(STRANGER).asks(), "token_used");
        server.ignores(guest.from("10.0.1.1:50001").asks(), "token_used");
        server.challenges(0.0, &guest);
    });
    case("ignored-leaves-no-trace", "a token that was not accepted belongs to nobody", &|server, guest| {
        let elsewhere = guest.clone().with(|token| token.internal = vec![address("10.0.0.2:40000")]);
        for source in [STRANGER, CLIENT] {
            server.ignores(elsewhere.from(source).asks(), "not_for_this_server");
        }
        let mut forged = guest.token.request();
        forged[60] ^= 1;
        server.ignores(datagram(STRANGER, &forged), "forged");
        server.challenges(0.0, &guest);
    });
    case("internal-address-counts", "the private part says who may accept a token", &|server, guest| {
        let inside = guest.clone().with(|token| token.public = vec![address("203.0.113.1:1")]);
        server.challenges(0.0, &inside);
    });
    case("one-of-several-addresses", "", &|server, guest| {
        let several = ["10.0.0.2:40000", "[::1]:40000", SERVER].map(address).to_vec();
        server.challenges(0.0, &guest.with(|token| token.internal = several));
    });
    case("same-address-other-port", "address and port", &|server, guest| {
        let other_port = guest.with(|token| token.internal = vec![address("10.0.0.1:40001")]);
        server.ignores(other_port.asks(), "not_for_this_server");
    });
    case("expiry-is-authenticated", "nobody can prolong a token", &|server, guest| {
        let mut prolonged = guest.with(|token| token.expire = LONG_AGO);
        let private = prolonged.token.private();
        prolonged.token.expire = NEVER;
        server.ignores(datagram(CLIENT, &prolonged.token.request_with(&private)), "forged");
    });
    case("consumed-is-consumed", "also from its own source, and after the client has left", &|server, guest| {
        server.joins(0.0, &guest, 0);
        server.ignores(guest.asks(), "address_connected|client_id_connected|token_used");
        server.ignores(guest.from(STRANGER).asks(), "client_id_connected|token_used");
        let left = Seen::nothing().client(guest.event(0, false, CLIENT_LEFT));
        server.update(0.0, vec![guest.says(crate::wire::DISCONNECT, 2, &[])], left);
        server.ignores(guest.asks(), "token_used");
        server.ignores(guest.from(STRANGER).asks(), "token_used");
    });
    case(
        "other-version-sizes",
        "whatever its size, a datagram that begins with 0 is a request or nothing",
        &|server, guest| {
            let request = guest.token.request();
            for size in [1, 17, 18, 1077] {
                server.ignores(datagram(CLIENT, &request[..size]), "size");
            }
            server.ignores(datagram(CLIENT, &[&request[..], &[0; 222]].concat()), "size");
        },
    );
    cases.push(denied_and_then_not());
    cases.extend(history_full());
    cases.extend(mappings_full());
    cases
}

fn denied_and_then_not() -> Case {
    let note = "a token that was denied stays its source's, and is good when there is room";
    let mut server = ServerCase::with("denied-and-then-not", note, 1, 30);
    let (occupant, guest) = (Guest::at("10.0.1.2:50000", "the first"), Guest::new("the second"));
    server.joins(0.0, &occupant, 0);
    for _ in 0..2 {
        server.update(0.0, vec![guest.asks()], Seen::nothing().sent(guest.denied()));
    }
    server.ignores(guest.from(STRANGER).asks(), "token_used");
    let left = Seen::nothing().client(occupant.event(0, false, CLIENT_LEFT));
    let farewell: Json = occupant.says(crate::wire::DISCONNECT, 2, &[]);
    server.update(0.0, vec![farewell], left);
    server.joins(0.0, &guest, 0);
    server.case
}

/// How many tokens and handshakes a server remembers, whatever the number of its slots; and how many come at a time.
const HISTORY: i64 = 2048;
const MAPPINGS: i64 = 1024;
const AT_A_TIME: i64 = 256;

fn history_full() -> [Case; 2] {
    let full = |id: &str, note: &str, play: &dyn Fn(&mut ServerCase, &Crowd, Guest)| {
        let mut server = ServerCase::with(id, note, 1, 30);
        let crowd = Crowd::at("10.0.2.1:20000", "history", 0);
        for first in (0..HISTORY).step_by(AT_A_TIME as usize) {
            server.challenges_crowd(0.0, &crowd, first, AT_A_TIME);
        }
        play(&mut server, &crowd, Guest::new("one token more"));
        server.case
    };
    let alone = full("history-full", "a token more is refused, and none is forgotten", &|server, crowd, guest| {
        server.ignores(guest.asks(), "history_full");
        server.ignores(crowd.guest(HISTORY).asks(), "history_full");
        server.ignores(crowd.guest(0).from(STRANGER).asks(), "token_used");
        server.joins(0.0, &crowd.guest(0), 0);
    });
    let and_full = full("history-full-and-full", "ignored, not denied", &|server, crowd, guest| {
        server.joins(0.0, &crowd.guest(0), 0);
        server.ignores(guest.asks(), "history_full");
    });
    [alone, and_full]
}

fn mappings_full() -> [Case; 2] {
    let full = |id: &str, note: &str, play: &dyn Fn(&mut ServerCase, &Crowd, Guest)| {
        let mut server = ServerCase::with(id, note, 1, 30);
        let crowd = Crowd::at("10.0.2.1:20000", "mappings", 1);
        for first in (0..MAPPINGS).step_by(AT_A_TIME as usize) {
            server.challenges_crowd(0.0, &crowd, first, AT_A_TIME);
        }
        play(&mut server, &crowd, Guest::new("one source more"));
        server.case
    };
    let note = "one source more is refused, and none is forgotten; yet the token is that source's";
    let alone = full("mappings-full", note, &|server, crowd, guest| {
        server.ignores(guest.asks(), "mappings_full");
        server.ignores(guest.from(STRANGER).asks(), "token_used");
        for known in [0, MAPPINGS - 1] {
            server.challenges(0.0, &crowd.guest(known));
        }
        server.ignores(guest.asks(), "mappings_full");
        // All have run out.
        server.joins(5.0625, &guest, 0);
    });
    let and_full = full("full-and-mappings-full", "denied: that needs no mapping", &|server, crowd, guest| {
        server.joins(0.0, &crowd.guest(0), 0);
        server.update(0.0, vec![guest.asks()], Seen::nothing().sent(guest.denied()));
    });
    [alone, and_full]
}
