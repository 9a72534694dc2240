//! A server, its clients and their time.

use crate::implementation::{Client, Server, ServerSetup, State};
use crate::relay::Relay;
use crate::setting::{EXPIRE_SECONDS, PRIVATE_KEY, Setting, TIMEOUT_SECONDS, TokenWish};
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

/// Time passes in steps of this many seconds, for all in the same thread.
const STEP_SECONDS: f64 = 0.02;
/// What a step takes at least in real time, so that sockets have time to deliver, and other threads to run.
const PACE: Duration = Duration::from_micros(400);
/// Enough for a client to connect, or to give up on two addresses.
pub(crate) const CONNECT_SECONDS: f64 = 2.0 * TIMEOUT_SECONDS as f64 + 2.0;

pub(crate) struct World<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) server: Box<dyn Server>,
    pub(crate) clients: Vec<Box<dyn Client>>,
    pub(crate) relay: Option<Relay>,
    pub(crate) server_runs: bool,
    pace: Duration,
    time: f64,
    /// When each client was created; its own time begins there.
    born: Vec<f64>,
    /// Where each client went first.
    targets: Vec<Option<SocketAddr>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(setting: &'a Setting) -> Result<Self, String> {
        Self::with(setting, setting.server.fewest_slots(), EXPIRE_SECONDS)
    }

    pub(crate) fn with(setting: &'a Setting, slots: usize, token_lifetime: u32) -> Result<Self, String> {
        let setup = ServerSetup { family: setting.family(), key: PRIVATE_KEY, slots, token_lifetime };
        Ok(Self {
            setting,
            server: setting.server.server(&setup)?,
            clients: Vec::new(),
            relay: None,
            server_runs: true,
            pace: PACE,
            time: 0.0,
            born: Vec::new(),
            targets: Vec::new(),
        })
    }

    /// A token wish for this server.
    pub(crate) fn wish(&self, client_id: u64) -> TokenWish {
        TokenWish::new(client_id, self.server.address())
    }

    pub(crate) fn step(&mut self) {
        self.time += STEP_SECONDS;
        for (client, born) in self.clients.iter_mut().zip(&self.born) {
            client.update(self.time - born);
        }
        if let Some(relay) = &mut self.relay {
            relay.pump();
        }
        if self.server_runs {
            self.server.update(self.time);
        }
        sleep(self.pace);
    }

    /// From now on time passes as fast as it does, or slower where the machine is busy.
    pub(crate) fn in_real_time(&mut self) {
        self.pace = Duration::from_secs_f64(STEP_SECONDS);
    }

    /// Lets time pass until the condition holds, but not longer than that. Returns whether it held.
    pub(crate) fn until(&mut self, seconds: f64, mut condition: impl FnMut(&mut Self) -> bool) -> bool {
        let deadline = self.time + seconds;
        while !condition(self) {
            if self.time >= deadline {
                return false;
            }
            self.step();
        }
        true
    }

    /// Adds a client that connects with this token.
    pub(crate) fn add(&mut self, token: &[u8]) -> Result<usize, String> {
        let client = self.setting.client.client(self.setting.family(), token);
        self.clients.push(client.map_err(|error| format!("the client refuses the token: {error}"))?);
        self.born.push(self.time);
        self.step();
        self.targets.push(self.clients[self.clients.len() - 1].target());
        Ok(self.clients.len() - 1)
    }

    /// Adds a client, and waits until both sides say that it is connected.
    pub(crate) fn connect(&mut self, wish: &TokenWish) -> Result<usize, String> {
        let client = self.add(&self.setting.token(wish)?)?;
        self.connected(client, wish.client_id)?;
        Ok(client)
    }

    pub(crate) fn connected(&mut self, client: usize, client_id: u64) -> Result<(), String> {
        self.until(CONNECT_SECONDS, |world| world.is_connected(client, client_id) || world.state(client).is_end());
        if self.is_connected(client, client_id) {
            return Ok(());
        }
        let state = self.state(client);
        match self.targets[client] {
            Some(target) if !target.ip().is_loopback() => Err(format!("the client goes to {}: {state:?}", target.ip())),
            _ => Err(format!("not connected: {state:?}")),
        }
    }

    pub(crate) fn is_connected(&self, client: usize, client_id: u64) -> bool {
        self.state(client) == State::Connected && self.server.clients().contains(&client_id)
    }

    pub(crate) fn state(&self, client: usize) -> State {
        self.clients[client].state()
    }

    /// Waits for the end of a client that must not connect, which is to be this one.
    pub(crate) fn refused(&mut self, client: usize, end: State) -> Result<(), String> {
        let mut connected = false;
        self.until(CONNECT_SECONDS, |world| {
            connected |= world.state(client) == State::Connected;
            connected || world.state(client).is_end()
        });
        match self.state(client) {
            _ if connected => Err("connected, not refused".to_string()),
            state if state == end => Ok(()),
            state => Err(format!("refused, but not as {end:?}: {state:?}")),
        }
    }
}
