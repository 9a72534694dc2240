//! Replay windows: by themselves, and in connections, where every implementation has them.

use super::Case;
use super::live::{ClientCase, Guest, Seen, ServerCase};
use crate::object;
use crate::random::Random;
use crate::wire::{KEEP_ALIVE, PAYLOAD, keep_alive};

const WINDOW: u64 = 256;
const EMPTY: u64 = u64::MAX;

/// The rule as the protocol's text has it: one value for each place of the window.
struct Model {
    most_recent: u64,
    places: [u64; WINDOW as usize],
}

impl Model {
    fn accepts(&mut self, sequence: u64) -> bool {
        let too_old = self.most_recent >= WINDOW && sequence <= self.most_recent - WINDOW;
        let place = &mut self.places[(sequence % WINDOW) as usize];
        if too_old || (*place != EMPTY && *place >= sequence) {
            return false;
        }
        *place = sequence;
        self.most_recent = self.most_recent.max(sequence);
        true
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random::named("replay");
    let mut head = 1000;
    let wander = std::iter::repeat_with(|| {
        head += random.next() % 40;
        (head + random.next() % 20).saturating_sub(random.next() % 300)
    });
    let runs: [(&str, &str, Vec<u64>); 9] = [
        ("in-order", "each once", (0..300).collect()),
        ("twice", "each twice", (0..300).flat_map(|n| [n, n]).collect()),
        ("backwards", "those that are left of the window are old", (0..520).rev().collect()),
        ("oldest-in-window", "most recent - 255 is in the window, - 256 is not", vec![1000, 745, 744, 745, 1000]),
        ("window-not-full-yet", "nothing is too old before number 256", vec![255, 0, 256, 0, 1, 257, 1, 2]),
        ("jump", "a jump forgets what was before", vec![0, 1, 2, 1_000_000, 3, 999_745, 999_744, 1_000_000, 999_999]),
        ("same-place", "numbers that share a place of the window", vec![5, 261, 5, 517, 261, 517, 773]),
        (
            "largest-numbers",
            "no sum overflows",
            vec![u64::MAX - 300, u64::MAX - 1, u64::MAX - 256, u64::MAX - 257, u64::MAX - 300, u64::MAX - 1],
        ),
        ("wandering", "drawn at random", wander.take(2000).collect()),
    ];
    let mut cases = Vec::new();
    for (name, note, sequences) in &runs {
        let mut model = Model { most_recent: 0, places: [EMPTY; WINDOW as usize] };
        let accepted: String = sequences.iter().map(|n| if model.accepts(*n) { '1' } else { '0' }).collect();
        let text = sequences.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let step = object! { "op": "replay_window", "sequences": text };
        cases.push(Case::new(format!("window-{name}"), *note).step(step, object! { "accepted": accepted }));
    }
    for (name, note, sequences) in runs.iter().filter(|(name, ..)| !["wandering", "in-order"].contains(name)) {
        cases.push(on_a_server(name, note, sequences));
        cases.push(on_a_client(name, note, sequences));
    }
    cases
}

/// Payloads with these numbers reach a server, 64 in an update.
fn on_a_server(name: &str, note: &str, sequences: &[u64]) -> Case {
    let mut server = ServerCase::new(&format!("server-{name}"), note);
    let guest = Guest::new("replay");
    server.joins(0.0, &guest, 0);
    let mut model = Model { most_recent: 0, places: [EMPTY; WINDOW as usize] };
    for part in sequences.chunks(64) {
        let payloads = part.iter().map(|n| guest.says(PAYLOAD, *n, &n.to_le_bytes())).collect();
        let seen = part.iter().fold(Seen::nothing(), |seen, n| match model.accepts(*n) {
            true => seen.received_from(0, *n, &n.to_le_bytes()),
            false => seen.ignored("replayed"),
        });
        server.update(0.0, payloads, seen);
    }
    server.case
}

/// The same the other way. The keep-alive that connects has a number of the window, too.
fn on_a_client(name: &str, note: &str, sequences: &[u64]) -> Case {
    let mut client = ClientCase::new(&format!("client-{name}"), note);
    client.challenged();
    let mut model = Model { most_recent: 0, places: [EMPTY; WINDOW as usize] };
    let welcome = client.server_says(KEEP_ALIVE, sequences[0], &keep_alive(2, super::live::SLOTS));
    model.accepts(sequences[0]);
    let connected = super::live::change(2, 3, 2, super::live::SLOTS.into());
    client.update(0.0625, vec![welcome], Seen::nothing().state(connected));
    for part in sequences.chunks(64) {
        let payloads = part.iter().map(|n| client.server_says(PAYLOAD, *n, &n.to_le_bytes())).collect();
        let seen = part.iter().fold(Seen::nothing(), |seen, n| match model.accepts(*n) {
            true => seen.received(*n, &n.to_le_bytes()),
            false => seen.ignored("replayed"),
        });
        client.update(0.0625, payloads, seen);
    }
    client.case
}
