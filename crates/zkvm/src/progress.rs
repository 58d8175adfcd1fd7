//! How far a proof has come, and when it will be there.

use std::{thread, time::Duration};

/// Core seconds that a segment costs whatever it holds: its lookup tables.
const CORE_SECONDS_PER_SEGMENT: f64 = 7.0;

/// Core seconds that a million instructions cost on top.
const CORE_SECONDS_PER_MILLION_INSTRUCTIONS: f64 = 60.0;

/// Core seconds that a step of an aggregation costs.
const CORE_SECONDS_PER_AGGREGATION: f64 = 35.0;

/// What a prover does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProveProgress {
    /// The run was cut into segments; nothing is proven yet.
    Planned {
        /// Segments to prove.
        segments: usize,
        /// Steps that aggregate them; none for a proof by segments.
        aggregations: usize,
        /// Instructions in all.
        instructions: u64,
    },
    /// A segment's proof is about to be computed.
    SegmentStarted {
        /// Its index, from 0.
        index: usize,
    },
    /// A step of the aggregation is about to be computed. Steps come between segments and behind them.
    AggregationStarted {
        /// Its index, from 0.
        index: usize,
    },
    /// The proof is there.
    Finished,
}

/// When a proof will be there: from its size at first, then from the work done.
#[derive(Clone, Debug, Default)]
pub struct ProveEstimate {
    /// Core seconds that a segment is thought to cost.
    segment_cost: f64,
    segments: usize,
    aggregations: usize,
    started_segments: usize,
    started_aggregations: usize,
    started: Duration,
    expected_end: Duration,
    is_finished: bool,
}

impl ProveEstimate {
    /// Takes what the prover reported, `elapsed` after some fixed time.
    pub fn update(&mut self, event: ProveProgress, elapsed: Duration) {
        match event {
            ProveProgress::Planned { segments, aggregations, instructions } => {
                let instructions = instructions as f64 / 1e6 / segments.max(1) as f64;
                self.segment_cost =
                    CORE_SECONDS_PER_SEGMENT + CORE_SECONDS_PER_MILLION_INSTRUCTIONS * instructions;
                (self.segments, self.aggregations, self.started) = (segments, aggregations, elapsed);
                let cores = thread::available_parallelism().map_or(1, usize::from) as f64;
                let work = self.cost(segments, aggregations) / cores;
                self.expected_end = elapsed.saturating_add(Duration::from_secs_f64(work));
            }
            ProveProgress::SegmentStarted { index } => {
                self.started_segments = index + 1;
                self.correct(self.segment_cost, elapsed);
            }
            ProveProgress::AggregationStarted { index } => {
                self.started_aggregations = index + 1;
                self.correct(CORE_SECONDS_PER_AGGREGATION, elapsed);
            }
            ProveProgress::Finished => {
                self.is_finished = true;
                self.expected_end = elapsed;
            }
        }
    }

    /// Scales the expectation by how long the steps before this one, which costs so much itself, took.
    fn correct(&mut self, step_cost: f64, elapsed: Duration) {
        let all = self.cost(self.segments, self.aggregations);
        let done = self.cost(self.started_segments, self.started_aggregations) - step_cost;
        // Nothing is done before the second step.
        if self.started_segments + self.started_aggregations > 1 && done > 0.0 {
            let factor = (all / done).max(1.0);
            self.expected_end = self.started + elapsed.saturating_sub(self.started).mul_f64(factor);
        }
    }

    fn cost(&self, segments: usize, aggregations: usize) -> f64 {
        self.segment_cost * segments as f64 + CORE_SECONDS_PER_AGGREGATION * aggregations as f64
    }

    /// Share of the work that is done: between 0 and 1, and 1 only at the end.
    pub fn fraction(&self, elapsed: Duration) -> f64 {
        if self.is_finished {
            1.0
        } else if self.segments == 0 {
            0.0
        } else {
            (elapsed.as_secs_f64() / self.expected_end.as_secs_f64()).min(0.99)
        }
    }

    /// Time left, or nothing when it takes longer than was thought.
    pub fn left(&self, elapsed: Duration) -> Option<Duration> {
        self.expected_end.checked_sub(elapsed)
    }

    /// The step under way and the time left, in words.
    pub fn message(&self, elapsed: Duration) -> String {
        if self.segments == 0 {
            return "planning".into();
        }
        let (segments, aggregations) = (self.segments, self.aggregations);
        if self.is_finished {
            return format!("{segments} of {segments} segments proven");
        }
        let left = match self.left(elapsed) {
            Some(left) => format!("about {} s left", left.as_secs() + 1),
            None => format!("{} s so far, more than estimated", elapsed.as_secs()),
        };
        let step = match self.started_aggregations {
            0 => format!("segment {} of {segments}", self.started_segments.max(1)),
            step => format!(
                "segment {} of {segments}, aggregation {step} of {aggregations}",
                self.started_segments
            ),
        };
        format!("{step}, {left}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn planned(segments: usize, aggregations: usize) -> ProveProgress {
        ProveProgress::Planned { segments, aggregations, instructions: 1_000_000 * segments as u64 }
    }

    #[test]
    fn segments_proven_correct_the_estimate() {
        let mut estimate = ProveEstimate::default();
        assert_eq!(estimate.message(seconds(0)), "planning");
        estimate.update(planned(4, 0), seconds(2));
        estimate.update(ProveProgress::SegmentStarted { index: 0 }, seconds(2));
        assert!(estimate.message(seconds(2)).starts_with("segment 1 of 4, about "));
        estimate.update(ProveProgress::SegmentStarted { index: 1 }, seconds(12));
        assert_eq!(estimate.message(seconds(12)), "segment 2 of 4, about 31 s left");
        assert!((estimate.fraction(seconds(21)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn aggregations_take_their_time_too() {
        let mut estimate = ProveEstimate::default();
        estimate.update(planned(1, 4), seconds(0));
        estimate.update(ProveProgress::SegmentStarted { index: 0 }, seconds(0));
        estimate.update(ProveProgress::AggregationStarted { index: 0 }, seconds(10));
        let message = estimate.message(seconds(10));
        assert!(message.starts_with("segment 1 of 1, aggregation 1 of 4, about "), "{message}");
        assert!(estimate.left(seconds(10)).is_some_and(|left| left > seconds(10)));
    }

    #[test]
    fn is_done_only_at_the_end() {
        let mut estimate = ProveEstimate::default();
        estimate.update(planned(1, 0), seconds(0));
        assert!(estimate.fraction(seconds(1_000_000)) < 1.0);
        assert_eq!(estimate.left(seconds(1_000_000)), None);
        assert_eq!(
            estimate.message(seconds(1_000_000)),
            "segment 1 of 1, 1000000 s so far, more than estimated"
        );
        estimate.update(ProveProgress::Finished, seconds(9));
        assert_eq!(estimate.fraction(seconds(9)), 1.0);
    }
}
