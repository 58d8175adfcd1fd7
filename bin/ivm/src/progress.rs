//! How far a proof has come: a bar with the time left on a terminal, plain lines elsewhere. Both go to stderr.

use std::{
    io::{IsTerminal, stderr},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use ivm_zkvm::ProveProgress;

/// How often the bar moves between events, which are many seconds apart.
const TICK: Duration = Duration::from_millis(200);

/// Steps of the bar.
const BAR_STEPS: u64 = 1_000;

/// Core seconds that a segment costs whatever it holds: its lookup tables.
const CORE_SECONDS_PER_SEGMENT: f64 = 11.0;

/// Core seconds that a million instructions cost on top.
const CORE_SECONDS_PER_MILLION_INSTRUCTIONS: f64 = 60.0;

/// Shows a proof's progress from a thread of its own, as the prover keeps its caller's busy.
pub(crate) struct ProofProgress {
    events: Sender<ProveProgress>,
    painter: JoinHandle<()>,
}

impl ProofProgress {
    /// Starts showing.
    pub(crate) fn start() -> Self {
        let (events, received) = channel();
        let painter =
            thread::spawn(
                move || {
                    if stderr().is_terminal() { paint_bar(&received) } else { print_lines(&received) }
                },
            );
        Self { events, painter }
    }

    /// Takes what the prover reports.
    pub(crate) fn report(&self, event: ProveProgress) {
        // The painter outlives the sender; were it gone, there would be nobody to tell.
        let _ = self.events.send(event);
    }

    /// Stops showing, and leaves the terminal clean.
    pub(crate) fn finish(self) {
        drop(self.events);
        // A painter that panicked has said so; the proof is there all the same.
        let _ = self.painter.join();
    }
}

fn paint_bar(events: &Receiver<ProveProgress>) {
    let bar = ProgressBar::new(BAR_STEPS);
    if let Ok(style) = ProgressStyle::with_template("proving       [{bar:32}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let (start, mut estimate) = (Instant::now(), Estimate::default());
    loop {
        match events.recv_timeout(TICK) {
            Ok(event) => estimate.update(event, start.elapsed()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let elapsed = start.elapsed();
        bar.set_position((estimate.fraction(elapsed) * BAR_STEPS as f64) as u64);
        bar.set_message(estimate.message(elapsed));
    }
    bar.finish_and_clear();
}

fn print_lines(events: &Receiver<ProveProgress>) {
    let (start, mut estimate) = (Instant::now(), Estimate::default());
    for event in events {
        estimate.update(event, start.elapsed());
        match event {
            ProveProgress::Planned { segments, instructions } => {
                eprintln!("proving       {instructions} instructions, segments to prove: {segments}");
            }
            _ => eprintln!("proving       {}", estimate.message(start.elapsed())),
        }
    }
}

/// When a proof will be there: from its size at first, then from the segments proven.
#[derive(Debug, Default)]
struct Estimate {
    segments: usize,
    proven: usize,
    segments_since: Duration,
    expected_end: Duration,
}

impl Estimate {
    fn update(&mut self, event: ProveProgress, elapsed: Duration) {
        match event {
            ProveProgress::Planned { segments, instructions } => {
                let cores = thread::available_parallelism().map_or(1, usize::from) as f64;
                let work = CORE_SECONDS_PER_SEGMENT * segments as f64
                    + CORE_SECONDS_PER_MILLION_INSTRUCTIONS * instructions as f64 / 1e6;
                self.segments = segments;
                self.segments_since = elapsed;
                self.expected_end = elapsed + Duration::from_secs_f64(work / cores);
            }
            ProveProgress::SegmentStarted { index } => {
                self.proven = index;
                if let Ok(proven @ 1..) = u32::try_from(index) {
                    let per_segment = (elapsed - self.segments_since) / proven;
                    self.expected_end =
                        self.segments_since + per_segment * u32::try_from(self.segments).unwrap_or(u32::MAX);
                }
            }
            ProveProgress::Finished => {
                self.proven = self.segments;
                self.expected_end = elapsed;
            }
        }
    }

    /// Between 0 and 1, and 1 only at the end.
    fn fraction(&self, elapsed: Duration) -> f64 {
        if self.segments == 0 {
            0.0
        } else if self.proven == self.segments {
            1.0
        } else {
            (elapsed.as_secs_f64() / self.expected_end.as_secs_f64()).min(0.99)
        }
    }

    fn message(&self, elapsed: Duration) -> String {
        if self.segments == 0 {
            return "planning".into();
        }
        if self.proven == self.segments {
            return format!("{} of {} segments proven", self.proven, self.segments);
        }
        let left = match self.expected_end.checked_sub(elapsed) {
            Some(left) => format!("about {} s left", left.as_secs() + 1),
            None => format!("{} s so far, more than estimated", elapsed.as_secs()),
        };
        format!("segment {} of {}, {left}", self.proven + 1, self.segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn segments_proven_correct_the_estimate() {
        let mut estimate = Estimate::default();
        assert_eq!(estimate.message(seconds(0)), "planning");
        estimate.update(ProveProgress::Planned { segments: 4, instructions: 4_000_000 }, seconds(2));
        estimate.update(ProveProgress::SegmentStarted { index: 0 }, seconds(2));
        assert!(estimate.message(seconds(2)).starts_with("segment 1 of 4, about "));
        estimate.update(ProveProgress::SegmentStarted { index: 1 }, seconds(12));
        assert_eq!(estimate.message(seconds(12)), "segment 2 of 4, about 31 s left");
        assert!((estimate.fraction(seconds(21)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn is_done_only_at_the_end() {
        let mut estimate = Estimate::default();
        estimate.update(ProveProgress::Planned { segments: 1, instructions: 1 }, seconds(0));
        assert!(estimate.fraction(seconds(1_000_000)) < 1.0);
        assert_eq!(
            estimate.message(seconds(1_000_000)),
            "segment 1 of 1, 1000000 s so far, more than estimated"
        );
        estimate.update(ProveProgress::Finished, seconds(9));
        assert_eq!(estimate.fraction(seconds(9)), 1.0);
    }
}
