//! The states of a client over virtual time. Times are binary fractions where they need not be on a boundary.

use super::Case;
use super::live::*;
use super::packets::contents;
use crate::object;
use crate::wire::{DENIED, DISCONNECT, KEEP_ALIVE, PAYLOAD, Token};

const TICK: f64 = 0.0625;
const SECOND: &str = "10.0.0.2:40000";
const THIRD: &str = "[2001:db8::3]:40000";

fn to(previous: i32, current: i32) -> Seen {
    Seen::nothing().state(change(previous, current, 0, 0))
}

fn several(token: &mut Token) {
    token.public = [SERVER, SECOND, THIRD].map(address).to_vec();
    token.internal = token.public.clone();
}

/// Lets time pass, once a second, up to a time at which nothing has happened yet.
fn waits_until(client: &mut ClientCase, from: f64, until: f64) {
    let mut now = from + 1.0;
    while now < until {
        client.waits(now);
        now += 1.0;
    }
    client.waits(until);
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |id: &str, note: &str, change: fn(&mut Token), play: &dyn Fn(&mut ClientCase)| {
        let mut client = ClientCase::with(id, note, change);
        play(&mut client);
        cases.push(client.case);
    };
    let same: fn(&mut Token) = |_| {};

    case("connects", "1, 2, 3; the first packet of each stage goes out at once", same, &|client| {
        client.waits(0.0);
        let challenge = client.challenge(1 << 63);
        client.update(TICK, vec![challenge], to(1, 2));
        let welcome = client.welcome(0);
        client.update(2.0 * TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        client.sends_payload(2.0 * TICK, b"hello");
        let packet = client.server_says(PAYLOAD, 1, b"hello, too");
        client.update(3.0 * TICK, vec![packet], Seen::nothing().received(1, b"hello, too"));
    });
    case("sends-ten-times-a-second", "when more than 0.1 s have passed, in every state", same, &|client| {
        for now in [0.0, 0.0, 0.0625, 0.1, 0.10000000000000002, 0.2, 0.25, 0.3125, 0.375] {
            client.waits(now);
        }
        let challenge = client.challenge(1 << 63);
        client.update(0.375, vec![challenge], to(1, 2));
        for now in [0.4375, 0.475, 0.5, 0.5625, 0.625] {
            client.waits(now);
        }
        let welcome = client.welcome(0);
        client.update(0.625, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        for now in [0.6875, 0.75, 0.8125] {
            client.waits(now);
        }
        client.sends_payload(0.8125, b"a payload will do for a keep-alive");
        for now in [0.875, 0.9375] {
            client.waits(now);
        }
    });
    case("request-times-out", "after more than the timeout, and not yet after it", same, &|client| {
        client.waits(0.0);
        waits_until(client, 0.0, 5.0);
        client.update(5.0 + TICK, Vec::new(), to(1, -2));
        client.waits(6.0);
    });
    case("response-times-out", "the challenge was a sign of life", same, &|client| {
        client.waits(0.0);
        let challenge = client.challenge(1 << 63);
        client.update(3.0, vec![challenge], to(1, 2));
        waits_until(client, 3.0, 8.0);
        client.update(8.0 + TICK, Vec::new(), to(2, -3));
    });
    case("connection-times-out", "payloads and keep-alives are signs of life", same, &|client| {
        client.waits(0.0);
        let challenge = client.challenge(1 << 63);
        client.update(0.0, vec![challenge], to(1, 2));
        let welcome = client.welcome(0);
        client.update(1.0, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        let again = client.welcome(1);
        client.update(4.0, vec![again], Seen::nothing());
        let packet = client.server_says(PAYLOAD, 2, b"still here");
        client.update(8.0, vec![packet], Seen::nothing().received(2, b"still here"));
        waits_until(client, 8.0, 13.0);
        client.update(13.0 + TICK, Vec::new(), to(3, -4));
    });
    case("silent-once-connected", "the keep-alive that connected was a sign of life", same, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(4.0, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        waits_until(client, 4.0, 9.0);
        client.update(9.0 + TICK, Vec::new(), to(3, -4));
    });
    case("timeout-zero", "never times out", |token| token.timeout = 0, &|client| {
        client.waits(0.0);
        client.waits(1e6);
        client.waits(1e9);
    });
    case("timeout-negative", "never times out, in no state", |token| token.timeout = -1, &|client| {
        client.challenged();
        client.waits(1e6);
        let welcome = client.welcome(0);
        client.update(2e6, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        client.waits(1e9);
    });
    case(
        "token-expires",
        "when its lifetime has passed since the client began to connect",
        |token| {
            token.expire = token.create + 2;
        },
        &|client| {
            client.waits(0.0);
            client.waits(1.9375);
            client.update(2.0, Vec::new(), to(1, -6));
        },
    );
    case(
        "token-expires-before-timeout",
        "expiry is looked at first",
        |token| {
            token.expire = token.create + 5;
        },
        &|client| {
            client.waits(0.0);
            client.update(6.0, Vec::new(), to(1, -6));
        },
    );
    case(
        "token-expires-before-denial",
        "both are due: expiry is looked at first",
        |token| {
            several(token);
            token.expire = token.create + 4;
        },
        &|client| {
            client.waits(0.0);
            let denied = client.server_says(DENIED, 1 << 63, &[]);
            client.update(4.0, vec![denied], to(1, -6));
        },
    );
    case("denied-before-timeout", "both are due: a denial is looked at first", same, &|client| {
        client.waits(0.0);
        let denied = client.server_says(DENIED, 1 << 63, &[]);
        client.update(6.0, vec![denied], to(1, -1));
    });
    case("sent-away-before-timeout", "both are due: the farewell is looked at first", same, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        let farewell = client.server_says(DISCONNECT, 1, &[]);
        client.update(6.0, vec![farewell], to(3, 0));
    });
    case("token-does-not-expire-when-connected", "", |token| token.expire = token.create + 2, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(1.0, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        client.waits(4.0);
    });
    case("denied-at-request", "", same, &|client| {
        client.waits(0.0);
        let denied = client.server_says(DENIED, 1 << 63, &[]);
        client.update(TICK, vec![denied], to(1, -1));
    });
    case("denied-at-response", "", same, &|client| {
        client.challenged();
        let denied = client.server_says(DENIED, (1 << 63) + 1, &[]);
        client.update(TICK, vec![denied], to(2, -1));
    });
    case("denied-with-other-servers", "the next one may have room", several, &|client| {
        client.waits(0.0);
        for (now, previous) in [(TICK, 1), (2.0 * TICK, 1)] {
            let denied = client.server_says(DENIED, 1 << 63, &[]);
            client.update(now, vec![denied], to(previous, 1));
            client.waits(now);
        }
        let denied = client.server_says(DENIED, 1 << 63, &[]);
        client.update(3.0 * TICK, vec![denied], to(1, -1));
    });
    case("next-server-after-timeout", "with timers and replay window of its own, counting on", several, &|client| {
        client.waits(0.0);
        client.update(5.0 + TICK, Vec::new(), to(1, 1));
        client.waits(5.0 + TICK);
        let challenge = client.challenge(1 << 63);
        client.update(6.0, vec![challenge], to(1, 2));
        client.update(11.0 + TICK, Vec::new(), to(2, 1));
        client.waits(12.0);
        let challenge = client.challenge(1 << 63);
        client.update(12.0, vec![challenge], to(1, 2));
        let welcome = client.welcome(0);
        client.update(12.0 + TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        let packet = client.server_says(PAYLOAD, 1, b"the third server");
        client.update(12.0 + TICK, vec![packet], Seen::nothing().received(1, b"the third server"));
    });
    case("next-server-has-a-window-of-its-own", "the numbers of the first can come again", several, &|client| {
        client.waits(0.0);
        for sequence in [0, 1] {
            let early = client.server_says(PAYLOAD, sequence, b"too early");
            client.ignores(0.0, early, "unexpected");
        }
        let denied = client.server_says(DENIED, 1 << 63, &[]);
        client.update(TICK, vec![denied], to(1, 1));
        client.waits(TICK);
        let challenge = client.challenge(1 << 63);
        client.update(TICK, vec![challenge], to(1, 2));
        let welcome = client.welcome(0);
        client.update(2.0 * TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        let packet = client.server_says(PAYLOAD, 1, b"the second server");
        client.update(2.0 * TICK, vec![packet], Seen::nothing().received(1, b"the second server"));
    });
    case("last-server-times-out", "the error is what happened at the last one", several, &|client| {
        client.waits(0.0);
        client.update(6.0, Vec::new(), to(1, 1));
        client.update(12.0, Vec::new(), to(1, 1));
        client.waits(12.0);
        let challenge = client.challenge(1 << 63);
        client.update(12.0, vec![challenge], to(1, 2));
        client.update(18.0, Vec::new(), to(2, -3));
    });
    case(
        "lifetime-begins-anew-with-each-server",
        "",
        |token| {
            several(token);
            token.expire = token.create + 8;
        },
        &|client| {
            client.waits(0.0);
            client.update(6.0, Vec::new(), to(1, 1));
            client.waits(11.0);
            client.update(12.0, Vec::new(), to(1, 1));
            client.waits(16.0);
            let challenge = client.challenge(1 << 63);
            client.update(16.0, vec![challenge], to(1, 2));
            client.waits(19.9375);
            client.update(20.0, Vec::new(), to(2, -6));
        },
    );
    case("sends-payloads", "of 1 and of 1200 bytes, at once", same, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        client.sends_payload(TICK, &[1]);
        client.sends_payload(TICK, &[2; 1200]);
    });
    case("sent-away", "the other servers are not tried", several, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        let farewell = client.server_says(DISCONNECT, 1, &[]);
        client.update(2.0 * TICK, vec![farewell], to(3, 0));
        client.waits(10.0);
    });
    case("leaves", "saying so ten times", same, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        client.leaves();
        client.expect(object! { "op": "client_disconnect" }, Seen::nothing());
        client.waits(1.0);
    });
    case("leaves-while-connecting", "also while it is asking and answering", same, &|client| {
        client.waits(0.0);
        client.leaves();
        client.connects_counting_from(11);
        client.waits(TICK);
        let challenge = client.challenge(1 << 63);
        client.update(TICK, vec![challenge], to(1, 2));
        client.leaves();
    });
    case("same-token-again", "goes on counting: no number is used twice under a key", same, &|client| {
        client.challenged();
        let welcome = client.welcome(0);
        client.update(TICK, vec![welcome], Seen::nothing().state(change(2, 3, 2, SLOTS.into())));
        client.sends_payload(TICK, b"one");
        let next = client.sequence;
        client.leaves();
        client.connects_counting_from(next + FAREWELLS);
        client.waits(1.0);
        let challenge = client.challenge(1 << 63);
        client.update(1.0, vec![challenge], to(1, 2));
    });
    case("timers-begin-at-the-last-update", "there is no time argument to connecting", same, &|client| {
        client.waits(0.0);
        client.update(6.0, Vec::new(), to(1, -2));
        client.waits(100.0);
        client.connects_counting_from(2);
        client.update(105.0 + TICK, Vec::new(), to(1, -2));
    });
    case("error-states-do-nothing", "and are left by connecting again", same, &|client| {
        client.waits(0.0);
        let denied = client.server_says(DENIED, 1 << 63, &[]);
        client.update(0.0, vec![denied], to(1, -1));
        client.waits(1.0);
        for kind in [DENIED, KEEP_ALIVE, PAYLOAD, DISCONNECT] {
            let packet = client.server_says(kind, kind.into(), &contents(kind));
            client.ignores(1.0, packet, "not_connecting");
        }
        let challenge = client.challenge(1 << 63);
        client.ignores(1.0, challenge, "not_connecting");
        client.expect(object! { "op": "client_disconnect" }, Seen::nothing());
        client.connects_counting_from(1);
        client.waits(2.0);
    });
    cases.push(unreadable_twice());
    cases
}

fn unreadable_twice() -> Case {
    let refused = |previous| object! { "state": -5, "server": "", "states": vec![change(previous, -5, 0, 0)] };
    let connect = || object! { "op": "client_connect", "token": vec![0u8; 2048] };
    Case::new("unreadable-token-twice", "the state is set each time")
        .step(object! { "op": "client_create", "address": CLIENT, "time": 0.0 }, object! { "state": 0 })
        .step(connect(), refused(0))
        .step(connect(), refused(-5))
        .step(object! { "op": "client_update", "time": 1.0 }, object! { "state": -5 })
}
