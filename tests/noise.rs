//! Whatever arrives, and in whatever order things happen: nothing panics, and nothing is taken for what it is not.

mod common;

use netcode::client::{self, Client, Outcome, State};
use netcode::packet::{Kind, REQUEST_BYTES};
use netcode::server::{DisconnectReason, Server};
use netcode::{MAX_DATAGRAM_BYTES, VERSION_INFO};
use proptest::prelude::*;

use common::datagram::{self, Contents};
use common::guest::{Guest, Reaction, deliver, open_server};
use common::link::Conditions;
use common::tokens::PROTOCOL_ID;
use common::world::{MAX_TOKEN_LIFETIME, World, client_address, server_address};

/// Where a source stands with a server.
#[derive(Clone, Copy, Debug)]
enum Relation {
    Stranger,
    Challenged,
    Connected,
}

/// A server, and a guest who stands with it like this.
fn acquainted(relation: Relation) -> (Server, Guest) {
    let (mut server, mut guest) = (open_server(4), Guest::numbered(1));
    match relation {
        Relation::Stranger => {}
        Relation::Challenged => {
            guest.ask(&mut server).challenge();
        }
        Relation::Connected => {
            guest.join(&mut server);
        }
    }
    (server, guest)
}

/// A client in this state.
fn client_in(state: State, guest: &Guest) -> Client {
    let mut client = Client::new();
    if state == State::Disconnected {
        return client;
    }
    let _ = client.connect(guest.token.clone());
    for (reached, kind) in [(State::SendingConnectionResponse, Kind::Challenge), (State::Connected, Kind::KeepAlive)] {
        if state >= reached {
            let mut packet = datagram::seal(&Contents::example(kind), 0, PROTOCOL_ID, &guest.token.server_to_client);
            let _ = client.handle(server_address(0), &mut packet);
        }
    }
    client.settle();
    assert_eq!(client.state(), state);
    client
}

fn relations() -> impl Strategy<Value = Relation> {
    prop_oneof![Just(Relation::Stranger), Just(Relation::Challenged), Just(Relation::Connected)]
}

fn states() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Disconnected),
        Just(State::SendingConnectionRequest),
        Just(State::SendingConnectionResponse),
        Just(State::Connected),
    ]
}

fn bytes(size: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), size)
}

/// Datagrams that nobody has sealed, some of which look as if.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let prefix = (1..=8u8, 1..=6u8).prop_map(|(bytes, kind)| bytes << 4 | kind);
    let looks_sealed = (prefix, bytes(17..400)).prop_map(|(prefix, rest)| [&[prefix], &rest[..]].concat());
    let after_protocol = REQUEST_BYTES - 1 - VERSION_INFO.len() - 8;
    let looks_like_a_request =
        bytes(after_protocol).prop_map(|rest| [&[0][..], VERSION_INFO, &PROTOCOL_ID.to_le_bytes(), &rest].concat());
    prop_oneof![bytes(0..2 * MAX_DATAGRAM_BYTES), looks_sealed, looks_like_a_request]
}

/// What may be sealed, by an authentic peer that does not keep to the protocol.
fn madness() -> impl Strategy<Value = (u8, u64, Vec<u8>)> {
    let size = prop_oneof![0..20usize, Just(8), Just(308), 0..1300usize];
    (any::<u8>(), any::<u64>(), size.prop_flat_map(bytes))
}

proptest! {
    #[test]
    fn a_server_ignores_noise(relation in relations(), noise in noise()) {
        let (mut server, guest) = acquainted(relation);
        let reaction = guest.hand(&mut server, &noise);
        prop_assert!(matches!(reaction, Reaction::Ignored(_)), "{:?}", reaction);
    }

    #[test]
    fn a_client_ignores_noise(state in states(), mut noise in noise()) {
        let mut client = client_in(state, &Guest::numbered(1));
        let outcome = client.handle(server_address(0), &mut noise);
        prop_assert!(matches!(outcome, Outcome::Ignored(_)), "{:?}", outcome);
        client.settle();
        prop_assert_eq!(client.state(), state);
        prop_assert_eq!(client.poll_transition(), None);
    }

    #[test]
    fn a_server_survives_a_mad_client(relation in relations(), said in prop::collection::vec(madness(), 1..8)) {
        let (mut server, guest) = acquainted(relation);
        for (prefix, sequence, contents) in said {
            let key = &guest.token.client_to_server;
            let datagram = datagram::seal_anything(prefix, sequence, &contents, PROTOCOL_ID, key);
            match guest.hand(&mut server, &datagram) {
                Reaction::Payload { data, .. } => prop_assert_eq!(data, contents),
                Reaction::Connected { .. } | Reaction::Reply { .. } => prop_assert!(false, "it had no challenge"),
                Reaction::KeptAlive { .. } | Reaction::Left { .. } | Reaction::Ignored(_) => {}
            }
        }
    }

    #[test]
    fn a_client_survives_a_mad_server(state in states(), said in prop::collection::vec(madness(), 1..8)) {
        let guest = Guest::numbered(1);
        let mut client = client_in(state, &guest);
        for (prefix, sequence, contents) in said {
            let key = &guest.token.server_to_client;
            let mut datagram = datagram::seal_anything(prefix, sequence, &contents, PROTOCOL_ID, key);
            if let Outcome::Payload { data, .. } = client.handle(server_address(0), &mut datagram) {
                prop_assert_eq!(data, contents);
            }
            let _ = client.poll_transition();
        }
    }

    #[test]
    fn the_cipher_alone_seals_what_the_library_seals(sequence in any::<u64>(), data in bytes(1..=1200)) {
        let key = Guest::numbered(1).token.client_to_server;
        let sealed = datagram::seal(&Contents::Payload(data.clone()), sequence, PROTOCOL_ID, &key);
        prop_assert_eq!(datagram::seal_anything(sealed[0], sequence, &data, PROTOCOL_ID, &key), sealed);
    }
}

/// Something that happens in a world.
#[derive(Clone, Debug)]
enum Happening {
    Connects { client: usize, servers: Vec<usize>, timeout_seconds: i32 },
    ConnectsAgain { client: usize },
    Leaves { client: usize },
    CannotReadToken { client: usize },
    ClientSends { client: usize, bytes: usize },
    ServerSends { server: usize, slot: usize, bytes: usize },
    Expels { server: usize, slot: usize },
    Restarts { server: usize, slots: usize },
    Stops { server: usize },
    Seats { server: usize, slot: usize },
    FallsAsleep { client: usize },
    WakesUp { client: usize },
    NetworkChanges(Conditions),
    TimePasses { ticks: u8 },
    TimeIs(f64),
    WallClockMoves { seconds: i64 },
}

const CLIENTS: usize = 5;
const SERVERS: usize = 2;

/// Where all nonces are recorded, nothing happens that makes the protocol repeat one: tokens name one
/// server, servers know when they started, and wall clocks go right (see docs/limits.md).
const AUDITED: bool = cfg!(feature = "nonce-audit");

fn happenings() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let (client, server, slot) = (0..CLIENTS, 0..SERVERS, 0..4usize);
    let servers = prop::collection::vec(server.clone(), 1..4);
    let chance = || prop_oneof![Just(0.0), 0.0..0.7f64];
    let size = || prop_oneof![0..20usize, 0..1300usize];
    let time = prop_oneof![-10.0..1000.0f64, any::<f64>()];
    prop_oneof![
        4 => (client.clone(), servers, -1..4i32)
            .prop_map(|(client, servers, timeout_seconds)| Connects { client, servers, timeout_seconds }),
        1 => client.clone().prop_map(|client| ConnectsAgain { client }),
        1 => client.clone().prop_map(|client| Leaves { client }),
        1 => client.clone().prop_map(|client| CannotReadToken { client }),
        3 => (client.clone(), size()).prop_map(|(client, bytes)| ClientSends { client, bytes }),
        3 => (server.clone(), slot.clone(), size())
            .prop_map(|(server, slot, bytes)| ServerSends { server, slot, bytes }),
        1 => (server.clone(), slot.clone()).prop_map(|(server, slot)| Expels { server, slot }),
        1 => (server.clone(), slot.clone()).prop_map(|(server, slots)| Restarts { server, slots }),
        1 => server.clone().prop_map(|server| Stops { server }),
        1 => (server, slot).prop_map(|(server, slot)| Seats { server, slot }),
        1 => client.clone().prop_map(|client| FallsAsleep { client }),
        1 => client.prop_map(|client| WakesUp { client }),
        1 => (chance(), chance(), chance(), chance()).prop_map(|(latency, jitter, loss, duplicates)| {
            NetworkChanges(Conditions { latency, jitter, loss, duplicates })
        }),
        10 => any::<u8>().prop_map(|ticks| TimePasses { ticks }),
        1 => time.prop_map(TimeIs),
        1 => (-100..100i64).prop_map(|seconds| WallClockMoves { seconds }),
    ]
}

fn let_happen(world: &mut World, happening: Happening) {
    match happening {
        Happening::Connects { client, mut servers, timeout_seconds } => {
            if AUDITED {
                servers.truncate(1);
            }
            let spec = world.spec(client, &servers).timing_out_after(timeout_seconds);
            world.connect_with(client, &spec);
        }
        Happening::ConnectsAgain { client } => {
            if world.clients[client].states().contains(&State::SendingConnectionRequest) {
                let token = world.clients[client].token().clone();
                world.clients[client].connect(token);
            }
        }
        Happening::Leaves { client } => world.client_leaves(client),
        Happening::CannotReadToken { client } => {
            let _: client::Transition = world.clients[client].core.refuse_token();
            world.clients[client].core.settle();
        }
        Happening::ClientSends { client, bytes } => {
            let _ = world.client_sends(client, &vec![client as u8; bytes]);
        }
        Happening::ServerSends { server, slot, bytes } => {
            let _ = world.server_sends(server, slot, &vec![0x80 | server as u8; bytes]);
        }
        Happening::Expels { server, slot } => world.server_expels(server, slot),
        Happening::Restarts { server, slots } => {
            // The rule for tokens from before the start counts whole seconds, so for the audit it takes one.
            let started =
                if AUDITED { world.unix() + 1 } else { world.unix().saturating_sub(MAX_TOKEN_LIFETIME.into()) };
            let World { servers, random, .. } = world;
            let result = servers[server].core.start(slots, started, random);
            assert_eq!(result.is_ok(), slots > 0);
        }
        Happening::Stops { server } => world.servers[server].core.stop(),
        Happening::Seats { server, slot } => {
            world.servers[server].core.connect_loopback(slot, 7);
        }
        Happening::FallsAsleep { client } => world.clients[client].awake = false,
        Happening::WakesUp { client } => world.clients[client].awake = true,
        Happening::NetworkChanges(conditions) => world.link.conditions = conditions,
        Happening::TimePasses { ticks } => (0..ticks).for_each(|_| world.tick()),
        Happening::TimeIs(time) => {
            let unix = world.unix();
            // Before time 0 the world's wall clock stands still.
            let time = if AUDITED { time.abs() } else { time };
            world.update_at(time);
            // It goes on from a time at which a tick still makes a difference.
            if time.is_nan() || time.abs() > 1e9 {
                world.update_at(0.0);
            }
            if AUDITED {
                // The wall clock of the world goes with its time, and would go back with it.
                world.epoch += unix.saturating_sub(world.unix());
            }
        }
        Happening::WallClockMoves { .. } if AUDITED => {}
        Happening::WallClockMoves { seconds } => world.epoch = world.epoch.saturating_add_signed(seconds),
    }
}

/// What is the case at all times.
fn check(world: &World) {
    for host in &world.servers {
        let core = &host.core;
        let slots = 0..core.max_clients();
        assert_eq!(core.connected_clients(), slots.clone().filter(|&slot| core.is_connected(slot)).count());
        let addresses: Vec<_> = slots.clone().filter_map(|slot| core.client_address(slot)).collect();
        assert!(addresses.iter().enumerate().all(|(index, address)| !addresses[..index].contains(address)));
        assert!(slots.clone().all(|slot| core.is_connected(slot) == core.client_id(slot).is_some()));
        assert!(slots.clone().all(|slot| core.leaving(slot).is_none()), "everybody who leaves has left");
        // Nobody is heard as another: clients send their own number.
        assert!(host.payloads.iter().all(|(_, _, data)| data.iter().all(|&byte| usize::from(byte) < CLIENTS)));
        assert!(
            slots.clone().all(|slot| core.disconnect_reason(slot) as u8 <= DisconnectReason::ServerDisconnect as u8)
        );
    }
    for host in &world.clients {
        let core = &host.core;
        assert_eq!(core.server_address().is_some(), host.state() > State::Disconnected);
        assert!(host.state() != State::Connected || core.client_index() < core.max_clients());
        assert!(host.payloads.iter().all(|(_, data)| data.iter().all(|&byte| byte & 0x80 != 0)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_order_of_events_breaks_anything(happenings in prop::collection::vec(happenings(), 1..60)) {
        let mut world = World::new(1);
        for _ in 0..SERVERS {
            world.add_server(3);
        }
        for _ in 0..CLIENTS {
            world.add_client();
        }
        for happening in happenings {
            let_happen(&mut world, happening);
            check(&world);
        }
        // Whatever has happened, a server that is started anew is as good as new.
        world.link.conditions = Conditions::default();
        world.link.clear();
        let_happen(&mut world, Happening::Restarts { server: 0, slots: CLIENTS });
        world.clients[0].awake = true;
        world.run_for(8.0);
        world.client_leaves(0);
        world.join(0, 0);
        world.client_sends(0, &[0]).unwrap();
        let heard = world.servers[0].payloads.len();
        world.tick();
        prop_assert_eq!(world.servers[0].payloads.len(), heard + 1);
    }
}

#[test]
fn a_datagram_of_any_size_is_survived() {
    for size in (0..4000).chain([65_507]) {
        for prefix in [0x00, 0x15, 0x85, 0xff] {
            let mut datagram = vec![prefix; size];
            for relation in [Relation::Stranger, Relation::Connected] {
                let (mut server, guest) = acquainted_once(relation);
                assert!(matches!(deliver(&mut server, guest, &datagram), Reaction::Ignored(_)));
            }
            let mut client = client_in(State::Connected, &Guest::numbered(1));
            assert!(matches!(client.handle(server_address(0), &mut datagram), Outcome::Ignored(_)));
        }
    }
}

fn acquainted_once(relation: Relation) -> (Server, std::net::SocketAddr) {
    let (server, _) = acquainted(relation);
    (server, client_address(1))
}
