//! Protection against packets that are sent again (standard, "Replay Protection").

/// Packets older than the most recent one by this many are refused.
const WINDOW: u64 = 256;

const WORD_BITS: u64 = u64::BITS as u64;

/// Remembers which of the last 256 sequence numbers have been received.
///
/// A bit for each number of the window, at the number modulo the window's size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayWindow {
    most_recent: u64,
    received: [u64; (WINDOW / WORD_BITS) as usize],
}

impl ReplayWindow {
    /// Whether a packet with this sequence number was received before, or is too old to tell.
    pub fn already_received(&self, sequence: u64) -> bool {
        if sequence > self.most_recent {
            return false;
        }
        if self.most_recent - sequence >= WINDOW {
            return true;
        }
        let (word, bit) = position(sequence);
        self.received[word] & bit != 0
    }

    /// Marks a sequence number as received. Call this only for a packet that has proven authentic
    /// and that [`already_received`](Self::already_received) let through: otherwise anybody could
    /// move the window.
    #[inline]
    pub fn advance(&mut self, sequence: u64) {
        if sequence > self.most_recent {
            self.forget_between(self.most_recent, sequence);
            self.most_recent = sequence;
        }
        let (word, bit) = position(sequence);
        self.received[word] |= bit;
    }

    /// Clears the bits of the numbers after `old` up to `new`: they stood for older numbers.
    fn forget_between(&mut self, old: u64, new: u64) {
        if new - old >= WINDOW {
            self.received = Default::default();
            return;
        }
        for sequence in old + 1..=new {
            let (word, bit) = position(sequence);
            self.received[word] &= !bit;
        }
    }
}

fn position(sequence: u64) -> (usize, u64) {
    let index = sequence % WINDOW;
    ((index / WORD_BITS) as usize, 1 << (index % WORD_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule as the protocol's text has it: one value for each place of the window.
    struct Model {
        most_recent: u64,
        slots: [Option<u64>; WINDOW as usize],
    }

    impl Model {
        fn accept(&mut self, sequence: u64) -> bool {
            let too_old = self.most_recent >= WINDOW && sequence <= self.most_recent - WINDOW;
            let slot = &mut self.slots[(sequence % WINDOW) as usize];
            if too_old || slot.is_some_and(|held| held >= sequence) {
                return false;
            }
            *slot = Some(sequence);
            self.most_recent = self.most_recent.max(sequence);
            true
        }
    }

    fn accept(window: &mut ReplayWindow, sequence: u64) -> bool {
        let fresh = !window.already_received(sequence);
        if fresh {
            window.advance(sequence);
        }
        fresh
    }

    fn near_the_edges() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..1000u64,
            (0..1000u64).prop_map(|back| u64::MAX - back),
            (0..1000u64).prop_map(|step| (1 << 63) + step),
            any::<u64>(),
        ]
    }

    proptest! {
        #[test]
        fn behaves_as_the_model(sequences in prop::collection::vec(near_the_edges(), 0..400)) {
            let mut model = Model { most_recent: 0, slots: [None; WINDOW as usize] };
            let mut window = ReplayWindow::default();
            for sequence in sequences {
                prop_assert_eq!(accept(&mut window, sequence), model.accept(sequence), "{}", sequence);
            }
        }

        #[test]
        fn behaves_as_the_model_in_a_stream(
            start in near_the_edges(),
            steps in prop::collection::vec((0..4u64, 0..300u64), 0..600),
        ) {
            let mut model = Model { most_recent: 0, slots: [None; WINDOW as usize] };
            let mut window = ReplayWindow::default();
            let mut head = start;
            for (forward, back) in steps {
                head = head.saturating_add(forward);
                let sequence = head.saturating_sub(back);
                prop_assert_eq!(accept(&mut window, sequence), model.accept(sequence), "{}", sequence);
            }
        }
    }

    #[test]
    fn every_sequence_is_accepted_once() {
        let mut window = ReplayWindow::default();
        for sequence in 0..2 * WINDOW {
            assert!(accept(&mut window, sequence));
            assert!(!accept(&mut window, sequence));
        }
    }

    #[test]
    fn the_last_sequence_of_all_is_accepted_once() {
        let mut window = ReplayWindow::default();
        assert!(accept(&mut window, u64::MAX));
        assert!(!accept(&mut window, u64::MAX));
        assert!(accept(&mut window, u64::MAX - 255));
        assert!(!accept(&mut window, u64::MAX - 256));
    }

    #[test]
    fn looking_does_not_move_the_window() {
        let mut window = ReplayWindow::default();
        accept(&mut window, 5);
        let before = window.clone();
        assert!(!window.already_received(1_000_000));
        assert!(window.already_received(5));
        assert_eq!(window, before);
    }
}
