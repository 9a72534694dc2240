//! Clocks and sleep.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the first call in this process, on a clock that never goes back.
pub fn monotonic() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let now = Instant::now();
    now.saturating_duration_since(*START.get_or_init(|| now)).as_secs_f64()
}

/// Seconds since 1970 on the wall clock; 0 while it is set to a time before.
pub fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Sleeps for this many seconds; not at all if that is no sensible length of time.
pub fn sleep(seconds: f64) {
    if let Ok(duration) = Duration::try_from_secs_f64(seconds) {
        std::thread::sleep(duration);
    }
}
