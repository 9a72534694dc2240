//! The adapter by which the checker runs our Rust core: a line of JSON in, a line of JSON out. See `README.md`.

use std::io::{BufRead, Write};

use serde_json::{Map, Value, json};

mod client;
mod fields;
mod server;
mod stateless;

use client::LiveClient;
use fields::Fields;
use server::LiveServer;

/// What exists during a vector.
#[derive(Default)]
struct World {
    client: Option<LiveClient>,
    server: Option<LiveServer>,
}

fn main() {
    let mut world = World::default();
    let (stdin, mut stdout) = (std::io::stdin(), std::io::stdout().lock());
    for line in stdin.lock().lines() {
        let Ok(line) = line else { return };
        let reply = match serde_json::from_str::<Value>(&line) {
            Ok(Value::Object(asked)) => world.answer(&Fields(asked)),
            _ => json!({ "error": "not an object" }),
        };
        if writeln!(stdout, "{reply}").and_then(|()| stdout.flush()).is_err() {
            return; // nobody is there any more
        }
    }
}

impl World {
    fn answer(&mut self, asked: &Fields) -> Value {
        let op = asked.text("op");
        match op {
            "hello" => json!({ "name": "netcode, Rust core", "reasons": true }),
            "reset" => {
                *self = Self::default();
                Value::Object(Map::new())
            }
            "client_create" => {
                let client = self.client.insert(LiveClient::new(asked));
                client.reply()
            }
            "server_start" => {
                let server = self.server.insert(LiveServer::new(asked));
                server.reply()
            }
            _ if op.starts_with("client_") => match &mut self.client {
                Some(client) => client.answer(op, asked),
                None => json!({ "error": "no client" }),
            },
            _ if op.starts_with("server_") => match &mut self.server {
                Some(server) => server.answer(op, asked),
                None => json!({ "error": "no server" }),
            },
            _ => stateless::answer(op, asked),
        }
    }
}
