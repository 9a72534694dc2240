//! Damage to byte strings, as the input wants it.

use crate::input::Input;

/// Longer than any datagram that a server or client looks at.
const LONGEST: usize = 1400;

/// Most changes to a byte string at a time.
const MOST_CHANGES: usize = 4;

/// Changes bytes, or how many there are. It may happen that nothing changes.
pub(crate) fn mutate(input: &mut Input<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..=input.below(MOST_CHANGES) {
        let choice = input.below(6);
        let at = position(input, bytes.len());
        match choice {
            0 => change(bytes, at, |byte, by| byte ^ 1 << (by % 8), input.u8()),
            1 => change(bytes, at, |_, by| by, input.u8()),
            2 => bytes.truncate(at),
            3 => {
                let more = input.below(64);
                bytes.extend_from_slice(input.bytes(more));
            }
            4 => bytes.resize(at.max(bytes.len()) + input.below(64), 0),
            _ => {
                let from = position(input, bytes.len());
                if let Some(&other) = bytes.get(from) {
                    change(bytes, at, |_, by| by, other);
                }
            }
        }
        bytes.truncate(LONGEST);
    }
}

/// A place, near either end more often than not: that is where headers and tags are.
fn position(input: &mut Input<'_>, len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    let at = usize::from(input.u16());
    match at % 4 {
        0 => (at / 4) % len.min(32),
        1 => len - 1 - (at / 4) % len.min(32),
        _ => at / 4 % len,
    }
}

fn change(bytes: &mut [u8], at: usize, how: impl FnOnce(u8, u8) -> u8, by: u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = how(*byte, by);
    }
}
