//! Process CPU time, and taking turns.

use std::time::Duration;

/// CPU time of the process so far, user and system. It is what getrusage reports, in nanoseconds
/// rather than microseconds.
pub(crate) fn cpu_time() -> Duration {
    // SAFETY: a timespec of zeros is valid.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a timespec.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "no clock of process CPU time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Adds up the CPU time of pieces of work, less what reading the clock takes.
pub(crate) struct Stopwatch {
    total: Duration,
    overhead: Duration,
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        let overhead = (0..32).map(|_| cpu_time()).collect::<Vec<_>>();
        let overhead = overhead.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or_default();
        Self { total: Duration::ZERO, overhead }
    }

    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = cpu_time();
        let result = work();
        self.total += (cpu_time() - start).saturating_sub(self.overhead);
        result
    }
}

/// Does so many rounds of a workload, with the stopwatch running where it counts.
pub(crate) type Rounds<'a> = Box<dyn FnMut(u64, &mut Stopwatch) -> Result<(), String> + 'a>;

/// A workload made ready for one implementation.
pub(crate) struct Prepared<'a> {
    pub(crate) rounds: Rounds<'a>,
    /// Operations in a round.
    pub(crate) operations: u64,
}

impl Prepared<'_> {
    fn run(&mut self, rounds: u64) -> Result<Duration, String> {
        let mut watch = Stopwatch::new();
        (self.rounds)(rounds, &mut watch)?;
        Ok(watch.total)
    }
}

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) reps: usize,
    /// CPU time of a rep, about.
    pub(crate) rep: Duration,
}

/// CPU time per operation, in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) minimum: f64,
    pub(crate) median: f64,
}

/// Figures, or why there are none.
pub(crate) type Cell = Result<Figures, String>;

/// Finds how many rounds make a rep, which warms up as well.
fn calibrate(prepared: &mut Prepared<'_>, effort: Effort) -> Result<u64, String> {
    let mut rounds = 1;
    loop {
        let time = prepared.run(rounds)?.max(Duration::from_nanos(100));
        if time * 4 >= effort.rep {
            let exact = rounds as f64 * effort.rep.as_secs_f64() / time.as_secs_f64();
            return Ok((exact.round() as u64).max(1));
        }
        rounds *= 2;
    }
}

/// Measures a workload on several implementations, which take turns rep by rep.
pub(crate) fn take_turns(contestants: Vec<Result<Prepared<'_>, String>>, effort: Effort) -> Vec<Cell> {
    struct Turn<'a> {
        prepared: Prepared<'a>,
        rounds: u64,
        times: Vec<f64>,
    }

    let mut turns: Vec<Result<Turn<'_>, String>> = contestants
        .into_iter()
        .map(|contestant| {
            let mut prepared = contestant?;
            let rounds = calibrate(&mut prepared, effort)?;
            Ok(Turn { prepared, rounds, times: Vec::new() })
        })
        .collect();
    let count = turns.len();
    for rep in 0..effort.reps {
        for position in 0..count {
            let contestant = &mut turns[(rep + position) % count];
            let Ok(turn) = contestant else { continue };
            match turn.prepared.run(turn.rounds) {
                Ok(time) => {
                    let operations = turn.rounds * turn.prepared.operations;
                    turn.times.push(time.as_nanos() as f64 / operations as f64);
                }
                Err(error) => *contestant = Err(error),
            }
        }
    }
    turns.into_iter().map(|turn| turn.map(|turn| figures(turn.times))).collect()
}

fn figures(mut times: Vec<f64>) -> Figures {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median = if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2.0 };
    Figures { minimum: times[0], median }
}
