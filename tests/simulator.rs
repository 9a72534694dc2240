//! The network simulator repeats the recorded runs, delivery for delivery.

mod common;

use std::net::SocketAddr;

use netcode::address;
use netcode::simulator::{Settings, Simulator};

use common::vectors::{Entry, Vectors};

/// A packet that was picked up: in which tick, by whom, and its number.
type Delivery = (u64, char, u64);

fn settings(entry: &Entry<'_>) -> Settings {
    Settings {
        latency_milliseconds: entry.single("latency_milliseconds"),
        jitter_milliseconds: entry.single("jitter_milliseconds"),
        packet_loss_percent: entry.single("packet_loss_percent"),
        duplicate_packet_percent: entry.single("duplicate_packet_percent"),
    }
}

/// Both ends of the network, by the names that the recording gives them.
fn endpoints() -> [(char, SocketAddr); 2] {
    [('A', address::parse("127.0.0.1:1").unwrap()), ('B', address::parse("[::1]:2").unwrap())]
}

/// Packet number n: from whom, to whom, and what.
fn packet(number: u64) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let [(_, a), (_, b)] = endpoints();
    let (from, to) = if number % 3 == 0 { (b, a) } else { (a, b) };
    let mut data = vec![0; 2 + number as usize % 7];
    data[..2].copy_from_slice(&(number as u16).to_le_bytes());
    (from, to, data)
}

/// Goes through a recorded run with this network.
fn run(entry: &Entry<'_>, network: &mut Simulator) -> Vec<Delivery> {
    let settings = settings(entry);
    let tick_seconds = entry.exact("tick_seconds");
    let mut sent = 0;
    let mut deliveries = Vec::new();
    for tick in 1..=entry.number("ticks") {
        network.update(tick as f64 * tick_seconds);
        for (name, address) in endpoints() {
            while let Some(arrival) = network.receive(address) {
                let number = u64::from(u16::from_le_bytes([arrival.data[0], arrival.data[1]]));
                assert_eq!((arrival.from, arrival.to, arrival.data.to_vec()), packet(number));
                deliveries.push((tick, name, number));
            }
        }
        if sent < entry.number("sends") {
            for _ in 0..entry.number("sends_per_tick") {
                let (from, to, data) = packet(sent);
                network.send(&settings, from, to, &data);
                sent += 1;
            }
        }
    }
    deliveries
}

fn recorded_deliveries(entry: &Entry<'_>) -> Vec<Delivery> {
    let delivery = |delivery: &serde_json::Value| {
        let number = |index: usize| delivery[index].as_u64().unwrap();
        (number(0), delivery[1].as_str().unwrap().chars().next().unwrap(), number(2))
    };
    entry.list("deliveries").iter().map(delivery).collect()
}

#[test]
fn recorded_runs_repeat() {
    let vectors = Vectors::load("simulator");
    let entries = vectors.entries();
    assert!(!entries.is_empty());
    for entry in entries {
        println!("{}", entry.text("name"));
        assert_eq!(run(&entry, &mut Simulator::new()), recorded_deliveries(&entry));
    }
}

#[test]
fn a_reset_forgets_everything_but_the_time() {
    let vectors = Vectors::load("simulator");
    let mut network = Simulator::new();
    for entry in vectors.entries() {
        println!("{}", entry.text("name"));
        // The clock starts where it starts for a new network, so that what is sent before the first
        // update is due at the same time.
        network.reset();
        network.update(0.0);
        assert_eq!(run(&entry, &mut network), recorded_deliveries(&entry));
    }
}
