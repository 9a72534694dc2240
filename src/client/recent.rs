//! Where the sequence numbers of recent tokens stopped.

use std::fmt;

use super::RECENT_TOKENS;
use crate::crypto::Fingerprint;

/// The tokens that a client has shown last, the latest first. Showing one again must not seal other
/// packets under the same key and number.
#[derive(Debug, Default)]
pub(super) struct RecentTokens([Option<Recent>; RECENT_TOKENS]);

struct Recent {
    key: Fingerprint,
    sequence: u64,
}

impl RecentTokens {
    /// The token with this key is shown: the sequence number to go on with.
    pub(super) fn take_up(&mut self, key: Fingerprint) -> u64 {
        let known = self.0.iter().position(|recent| recent.as_ref().is_some_and(|recent| recent.key == key));
        // A new one takes the place of the oldest.
        let place = known.unwrap_or(RECENT_TOKENS - 1);
        self.0[..=place].rotate_right(1);
        if known.is_none() {
            self.0[0] = Some(Recent { key, sequence: 0 });
        }
        self.0[0].as_ref().map_or(0, |recent| recent.sequence)
    }

    /// The token taken up last is done with for now; this would have been its next number.
    pub(super) fn leave_off(&mut self, sequence: u64) {
        if let Some(latest) = &mut self.0[0] {
            latest.sequence = sequence;
        }
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
