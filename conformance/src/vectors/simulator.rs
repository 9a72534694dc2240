//! What the network simulator delivers: recorded runs, and more by the rule of its draws.

use super::{Case, recorded};
use crate::object;

/// Settings of a run: see `simulate` in the description of the checker's protocol.
struct Run {
    latency: f32,
    jitter: f32,
    loss: f32,
    duplicates: f32,
    tick: f64,
    ticks: i64,
    sends: i64,
    per_tick: i64,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = recorded::simulator();
    let calm =
        Run { latency: 0.0, jitter: 0.0, loss: 0.0, duplicates: 0.0, tick: 0.125, ticks: 40, sends: 40, per_tick: 4 };
    let runs = [
        ("half-lost", Run { loss: 50.0, ..calm }),
        ("all-lost", Run { loss: 100.0, ..calm }),
        ("all-doubled", Run { duplicates: 100.0, ..calm }),
        ("half-a-tick", Run { latency: 62.5, ..calm }),
        ("exactly-a-tick", Run { latency: 125.0, ..calm }),
        ("storm", Run { latency: 100.0, jitter: 400.0, loss: 30.0, duplicates: 30.0, sends: 120, ..calm }),
    ];
    for (name, run) in runs {
        let step = object! {
            "op": "simulate",
            "latency_milliseconds": f64::from(run.latency),
            "jitter_milliseconds": f64::from(run.jitter),
            "packet_loss_percent": f64::from(run.loss),
            "duplicate_packet_percent": f64::from(run.duplicates),
            "tick_seconds": run.tick,
            "ticks": run.ticks,
            "sends": run.sends,
            "sends_per_tick": run.per_tick,
        };
        cases.push(Case::new(name, "").step(step, object! { "deliveries": deliveries(&run).join(" ") }));
    }
    cases
}

/// xorshift64*.
struct Draws(u64);

impl Draws {
    fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let top = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        low + top as f32 / 16_777_216.0 * (high - low)
    }
}

fn deliveries(run: &Run) -> Vec<String> {
    let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
    let mut under_way: Vec<Option<(f64, char, i64)>> = Vec::new();
    let (mut delivered, mut number) = (Vec::new(), 0);
    for tick in 1..=run.ticks {
        let now = tick as f64 * run.tick;
        let mut arrived = Vec::new();
        for place in &mut under_way {
            arrived.extend(place.take_if(|(due, ..)| *due <= now));
        }
        for receiver in ['A', 'B'] {
            let mine = arrived.iter().filter(|(_, to, _)| *to == receiver);
            delivered.extend(mine.map(|(_, to, number)| format!("{tick}{to}{number}")));
        }
        for _ in 0..run.per_tick {
            if number == run.sends {
                break;
            }
            let to = if number % 3 == 0 { 'A' } else { 'B' };
            send(run, &mut draws, &mut under_way, now, to, number);
            number += 1;
        }
    }
    delivered
}

fn send(run: &Run, draws: &mut Draws, under_way: &mut Vec<Option<(f64, char, i64)>>, now: f64, to: char, number: i64) {
    if draws.between(0.0, 100.0) <= run.loss {
        return;
    }
    let mut delay = run.latency / 1000.0;
    if run.jitter > 0.0 {
        delay += draws.between(-run.jitter, run.jitter) / 1000.0;
    }
    under_way.push(Some((now + f64::from(delay), to, number)));
    if draws.between(0.0, 100.0) <= run.duplicates {
        let later = delay + draws.between(0.0, 1.0);
        under_way.push(Some((now + f64::from(later), to, number)));
    }
}
