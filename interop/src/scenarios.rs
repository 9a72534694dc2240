//! What is tried: the columns of the matrix.

use crate::implementation::{State, loopback_socket, unix_time};
use crate::payloads;
use crate::relay::Relay;
use crate::setting::{EXPIRE_SECONDS, Setting, user_data};
use crate::world::{CONNECT_SECONDS, World};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Returns what went otherwise than it should.
pub(crate) type Trial = fn(&Setting) -> Result<(), String>;

pub(crate) struct Scenario {
    pub(crate) title: &'static str,
    pub(crate) trial: Trial,
    /// Takes seconds, and hardly any of a processor's time.
    pub(crate) is_slow: bool,
}

pub(crate) const TOKEN_AS_ISSUED: &str = "token as issued";
pub(crate) const PAYLOADS: &str = "payloads";
pub(crate) const SERVER_FULL: &str = "server full";

pub(crate) const ALL: [Scenario; 12] = [
    quick(TOKEN_AS_ISSUED, token_as_issued),
    quick("connect", connect),
    quick(PAYLOADS, carry_payloads),
    quick("keep-alive", keep_alive),
    Scenario { title: "real time", trial: real_time, is_slow: true },
    quick("client leaves", client_leaves),
    quick("sent away", sent_away),
    quick(SERVER_FULL, server_full),
    quick("wrong key", wrong_key),
    quick("expired", expired),
    quick("first dead", first_dead),
    quick("relay", relay),
];

const fn quick(title: &'static str, trial: Trial) -> Scenario {
    Scenario { title, trial, is_slow: false }
}

const CLIENT_ID: u64 = 0x0102_0304_0506_0708;
const OTHER_CLIENT_ID: u64 = 77;
/// Enough for a disconnect packet, and far less than a timeout.
const DISCONNECT_SECONDS: f64 = 0.5;
const IDLE_SECONDS: f64 = 3.0;
const SHORT_TIMEOUT_SECONDS: i32 = 1;
/// Enough for a short timeout.
const TIME_OUT_SECONDS: f64 = 2.5;

/// The client takes the very bytes that the issuer made.
fn token_as_issued(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let token = setting.token_as_issued(&world.wish(CLIENT_ID))?;
    let client = world.add(&token)?;
    world.connected(client, CLIENT_ID)
}

/// The server knows the client's id and user data.
fn connect(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    world.connect(&world.wish(CLIENT_ID))?;
    if world.server.clients() != [CLIENT_ID] {
        return Err(format!("the server has the clients {:x?}", world.server.clients()));
    }
    match world.server.user_data(CLIENT_ID) {
        Some(other) if other != user_data(CLIENT_ID) => Err("the server has other user data".to_string()),
        _ => Ok(()),
    }
}

fn carry_payloads(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let client = world.connect(&world.wish(CLIENT_ID))?;
    payloads::exchange(&mut world, client, CLIENT_ID)
}

/// Idle for longer than the timeout, the connection stays. Without a server that runs, it does not.
fn keep_alive(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let mut wish = world.wish(CLIENT_ID);
    wish.timeout_seconds = SHORT_TIMEOUT_SECONDS;
    let client = world.connect(&wish)?;
    stays_while_idle(&mut world, client)?;
    world.server_runs = false;
    if !world.until(TIME_OUT_SECONDS, |world| world.state(client) == State::TimedOut) {
        return Err(format!("the client does not time out: {:?}", world.state(client)));
    }
    world.server_runs = true;
    if !world.until(TIME_OUT_SECONDS, |world| world.server.clients().is_empty()) {
        return Err("the server does not time the client out".to_string());
    }
    Ok(())
}

/// The same at the speed at which time does pass.
fn real_time(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let mut wish = world.wish(CLIENT_ID);
    wish.timeout_seconds = SHORT_TIMEOUT_SECONDS;
    let client = world.connect(&wish)?;
    world.in_real_time();
    stays_while_idle(&mut world, client)
}

fn stays_while_idle(world: &mut World, client: usize) -> Result<(), String> {
    if world.until(IDLE_SECONDS, |world| !world.is_connected(client, CLIENT_ID)) {
        return Err(format!("the connection is lost while idle: {:?}", world.state(client)));
    }
    Ok(())
}

fn client_leaves(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let client = world.connect(&world.wish(CLIENT_ID))?;
    world.clients[client].disconnect();
    if world.state(client) != State::Disconnected {
        return Err(format!("the client is not disconnected: {:?}", world.state(client)));
    }
    if !world.until(DISCONNECT_SECONDS, |world| world.server.clients().is_empty()) {
        return Err("the server keeps the client".to_string());
    }
    Ok(())
}

fn sent_away(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let client = world.connect(&world.wish(CLIENT_ID))?;
    world.server.disconnect(CLIENT_ID);
    if !world.server.clients().is_empty() {
        return Err("the server keeps the client".to_string());
    }
    if !world.until(DISCONNECT_SECONDS, |world| world.state(client) == State::Disconnected) {
        return Err(format!("the client stays: {:?}", world.state(client)));
    }
    Ok(())
}

fn server_full(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let slots = setting.server.fewest_slots();
    for client_id in 1..=slots as u64 {
        world.connect(&world.wish(client_id))?;
    }
    let one_more = world.add(&setting.token(&world.wish(CLIENT_ID))?)?;
    world.refused(one_more, State::Denied)?;
    match world.server.clients().len() {
        count if count == slots => Ok(()),
        count => Err(format!("{count} of {slots} clients are left")),
    }
}

/// A token sealed with another key is ignored, and a good one then is not.
fn wrong_key(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let mut wish = world.wish(OTHER_CLIENT_ID);
    wish.key[0] ^= 1;
    let client = world.add(&setting.token(&wish)?)?;
    world.refused(client, State::RequestTimedOut)?;
    world.connect(&world.wish(CLIENT_ID)).map(drop)
}

/// A token that expired on its way to the client is ignored, and a good one then is not.
fn expired(setting: &Setting) -> Result<(), String> {
    const LIFETIME: u32 = 1;
    /// The clock counts whole seconds.
    const LONGEST_WAIT: Duration = Duration::from_secs(LIFETIME as u64 + 2);
    let mut world = World::with(setting, setting.server.fewest_slots(), LIFETIME)?;
    let mut wish = world.wish(OTHER_CLIENT_ID);
    wish.expire_seconds = LIFETIME;
    let token = setting.token(&wish)?;
    let (start, expiry) = (Instant::now(), unix_time().as_secs() + u64::from(LIFETIME) + 1);
    while unix_time().as_secs() < expiry {
        if start.elapsed() > LONGEST_WAIT {
            return Err("the wall clock stands".to_string());
        }
        sleep(Duration::from_millis(10));
    }
    // Some count seconds of their own.
    world.until(f64::from(LIFETIME) + 1.0, |_| false);
    let client = world.add(&token)?;
    world.refused(client, State::TokenExpired)?;
    world.connect(&world.wish(CLIENT_ID)).map(drop)
}

/// The first address belongs to a socket that nobody reads from.
fn first_dead(setting: &Setting) -> Result<(), String> {
    let mut world = World::new(setting)?;
    let socket = loopback_socket(setting.family())?;
    let dead = socket.local_addr().map_err(|error| error.to_string())?;
    let mut wish = world.wish(CLIENT_ID);
    wish.route.insert(0, (dead, dead));
    wish.timeout_seconds = SHORT_TIMEOUT_SECONDS;
    let client = world.connect(&wish)?;
    if socket.recv_from(&mut [0; 1500]).is_err() {
        return Err("the client did not try the first address".to_string());
    }
    match world.clients[client].target() {
        Some(target) if target != world.server.address() => Err(format!("connected to {target}")),
        _ => Ok(()),
    }
}

fn relay(setting: &Setting) -> Result<(), String> {
    const SEED: u64 = 1;
    let mut world = World::new(setting)?;
    let server = world.server.address();
    let relay = Relay::new(setting.family(), server, SEED)?;
    let mut wish = world.wish(CLIENT_ID);
    wish.route = vec![(relay.address()?, server)];
    world.relay = Some(relay);
    let client = world.connect(&wish)?;
    payloads::exchange_by_relay(&mut world, client, CLIENT_ID)?;
    if !world.is_connected(client, CLIENT_ID) {
        return Err(format!("the connection is lost: {:?}", world.state(client)));
    }
    match world.relay.as_ref().and_then(Relay::omission) {
        Some(what) => Err(format!("the relay has not {what} anything")),
        None => Ok(()),
    }
}

const _: () = assert!(EXPIRE_SECONDS as f64 > CONNECT_SECONDS);
