//! Payloads in both directions, and what becomes of them.

use crate::random::Random;
use crate::world::World;
use std::collections::HashSet;

const COUNT: usize = 1000;
const MAX_PAYLOAD: usize = 1200;
/// Sent at once, in each direction. Small enough for any buffer.
const BATCH: usize = 8;
/// How long is waited for a batch until it counts as lost, and at the end for what may still come.
const BATCH_SECONDS: f64 = 0.2;
const LAST_SECONDS: f64 = 0.5;

const TO_SERVER: u64 = 1 << 32;
const TO_CLIENT: u64 = 2 << 32;

/// All sizes from half of the maximum on, and two of three below.
fn size(index: usize) -> usize {
    const DENSE_FROM: usize = COUNT - MAX_PAYLOAD / 2;
    if index < DENSE_FROM { 1 + index * 3 / 2 } else { MAX_PAYLOAD + 1 + index - COUNT }
}

fn content(direction: u64, index: usize, size: usize) -> Vec<u8> {
    Random(direction + index as u64).bytes(size)
}

/// Sends the payloads, a batch after the other, each of which must arrive as it was.
pub(crate) fn exchange(world: &mut World<'_>, client: usize, client_id: u64) -> Result<(), String> {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    for first in (0..COUNT).step_by(BATCH) {
        let known_lost = to_server.len() + to_client.len();
        for index in first..first + BATCH {
            let payload = content(TO_SERVER, index, size(index));
            world.clients[client].send(&payload);
            to_server.push(payload);
            let payload = content(TO_CLIENT, index, size(index));
            world.server.send(client_id, &payload);
            to_client.push(payload);
        }
        collect(world, client, BATCH_SECONDS, [&mut to_server, &mut to_client], known_lost)?;
    }
    collect(world, client, LAST_SECONDS, [&mut to_server, &mut to_client], 0)?;
    let findings: Vec<String> = [("server", to_server), ("client", to_client)]
        .into_iter()
        .filter(|(_, lost)| !lost.is_empty())
        .map(|(to, lost)| format!("lost on the way to the {to}: {}", describe(&lost)))
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(findings.join("; ")) }
}

/// Takes what arrives off the lists of what is on its way, until no more than that are left.
fn collect(
    world: &mut World<'_>,
    client: usize,
    seconds: f64,
    [to_server, to_client]: [&mut Vec<Vec<u8>>; 2],
    left: usize,
) -> Result<(), String> {
    let mut finding = Ok(());
    world.until(seconds, |world| {
        finding = take(world.server.received(), to_server, "server")
            .and_then(|()| take(world.clients[client].received(), to_client, "client"));
        finding.is_err() || to_server.len() + to_client.len() <= left
    });
    finding
}

fn take(received: Vec<Vec<u8>>, on_the_way: &mut Vec<Vec<u8>>, to: &str) -> Result<(), String> {
    for payload in received {
        let Some(index) = on_the_way.iter().position(|sent| *sent == payload) else {
            return Err(format!("the {to} has received {} bytes that were not sent, or twice", payload.len()));
        };
        on_the_way.remove(index);
    }
    Ok(())
}

/// The sizes of what was lost.
fn describe(lost: &[Vec<u8>]) -> String {
    let sizes: Vec<usize> = lost.iter().map(Vec::len).collect();
    let smallest = sizes.iter().copied().min().unwrap_or_default();
    let all_from_there_on = (0..COUNT).filter(|&index| size(index) >= smallest).count() == sizes.len();
    if all_from_there_on { format!("all of {smallest} bytes and more") } else { format!("sizes {sizes:?}") }
}

/// Larger ones may be lost for another reason than the relay.
const MAX_RELAYED: usize = 1100;
const INDEX_BYTES: usize = 4;
/// What the relay loses, and some more.
const MIN_ARRIVED: usize = COUNT * 80 / 100;
/// Enough for the longest delay of the relay.
const RELAY_SECONDS: f64 = 1.0;

/// Sends payloads by a relay: none may arrive twice or changed, and most must arrive.
pub(crate) fn exchange_by_relay(world: &mut World<'_>, client: usize, client_id: u64) -> Result<(), String> {
    let (mut at_server, mut at_client) = (HashSet::new(), HashSet::new());
    let mut collect = |world: &mut World<'_>| {
        check(world.server.received(), &mut at_server, TO_SERVER, "server")?;
        check(world.clients[client].received(), &mut at_client, TO_CLIENT, "client")
    };
    for index in 0..COUNT {
        world.clients[client].send(&relayed(TO_SERVER, index));
        world.server.send(client_id, &relayed(TO_CLIENT, index));
        if index % BATCH == 0 {
            world.step();
            collect(world)?;
        }
    }
    let mut finding = Ok(());
    world.until(RELAY_SECONDS, |world| {
        finding = collect(world);
        finding.is_err()
    });
    finding?;
    match [at_server.len(), at_client.len()] {
        [server, _] if server < MIN_ARRIVED => Err(format!("only {server} of {COUNT} payloads came to the server")),
        [_, client] if client < MIN_ARRIVED => Err(format!("only {client} of {COUNT} payloads came to the client")),
        _ => Ok(()),
    }
}

/// A payload that begins with its index.
fn relayed(direction: u64, index: usize) -> Vec<u8> {
    let mut payload = (index as u32).to_le_bytes().to_vec();
    payload.extend(content(direction, index, size(index).min(MAX_RELAYED)));
    payload
}

fn check(received: Vec<Vec<u8>>, arrived: &mut HashSet<usize>, direction: u64, to: &str) -> Result<(), String> {
    for payload in received {
        let index = payload.first_chunk::<INDEX_BYTES>().map(|bytes| u32::from_le_bytes(*bytes) as usize);
        match index {
            Some(index) if index < COUNT && payload == relayed(direction, index) => {
                if !arrived.insert(index) {
                    return Err(format!("a payload came to the {to} twice"));
                }
            }
            _ => return Err(format!("the {to} has received what was not sent")),
        }
    }
    Ok(())
}
