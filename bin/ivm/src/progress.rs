//! How far a proof has come: a bar with the time left on a terminal, plain lines elsewhere. Both go to stderr.

use std::{
    io::{IsTerminal, stderr},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use ivm_zkvm::{ProveEstimate, ProveProgress};

/// How often the bar moves between events, which are many seconds apart.
const TICK: Duration = Duration::from_millis(200);

/// Steps of the bar.
const BAR_STEPS: u64 = 1_000;

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
    let (start, mut estimate) = (Instant::now(), ProveEstimate::default());
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
    let (start, mut estimate) = (Instant::now(), ProveEstimate::default());
    for event in events {
        estimate.update(event, start.elapsed());
        match event {
            ProveProgress::Planned { segments, instructions, .. } => {
                eprintln!("proving       {instructions} instructions, segments to prove: {segments}");
            }
            _ => eprintln!("proving       {}", estimate.message(start.elapsed())),
        }
    }
}
