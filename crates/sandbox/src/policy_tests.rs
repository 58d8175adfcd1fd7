//! The policy over a runner whose every answer is written down before.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use ivm_engine::{Program, RunEnd, State, testing};

use super::*;

type Answer = Result<Report, BrokenRun>;

#[derive(Debug)]
struct Mock {
    answers: Mutex<VecDeque<Answer>>,
    paths: Mutex<Vec<Path>>,
    has_recompiler: bool,
}

impl Runner for Mock {
    fn has_recompiler(&self) -> bool {
        self.has_recompiler
    }

    fn run(&self, path: Path, _: &Call<'_>) -> Answer {
        self.paths.lock().push(path);
        self.answers.lock().pop_front().expect("no more runs than answers")
    }
}

const NO_SAMPLES: Checks = Checks { first_run_max_cycles: 100, one_in: 0 };
const CRASH: BrokenRun = BrokenRun::Killed { signal: 11 };
const OUTSIDE: BrokenRun = BrokenRun::Killed { signal: 9 };

use Path::{Interpreter as I, Recompiler as R};

fn report(cycles: u64) -> Report {
    let state = State { registers: [0; 32], pc: 0, cycles, public_values: [0; 32] };
    Report { end: RunEnd::Terminated { exit_code: 1 }, state, outcome_bytes: None }
}

fn policy(checks: Checks, answers: impl IntoIterator<Item = Answer>) -> Policy<Mock> {
    let answers = Mutex::new(answers.into_iter().collect());
    Policy::new(Mock { answers, paths: Mutex::default(), has_recompiler: true }, checks)
}

/// Executes once, and says on which paths.
fn execute(policy: &Policy<Mock>) -> (Result<Report, ExecutorError>, Vec<Path>) {
    execute_program(policy, 1)
}

fn execute_program(policy: &Policy<Mock>, index: u8) -> (Result<Report, ExecutorError>, Vec<Path>) {
    let program = Program::from_elf(&testing::elf(&[testing::terminate(0)])).unwrap();
    let key = ProgramKey([index; 32]);
    policy.runner.paths.lock().clear();
    let result = policy.execute(&Call {
        key,
        program: &program,
        input_image: &[],
        max_cycles: 1000,
        reach: ivm_engine::Reach::Whole,
    });
    (result, policy.runner.paths.lock().clone())
}

const DISAGREE: ExecutorError = ExecutorError::PathsDisagree { key: ProgramKey([1; 32]) };

#[test]
fn the_first_run_is_checked_and_later_ones_are_not() {
    let policy = policy(NO_SAMPLES, [10, 10, 20].map(|cycles| Ok(report(cycles))));
    assert_eq!(execute(&policy), (Ok(report(10)), vec![R, I]));
    assert_eq!(execute(&policy), (Ok(report(20)), vec![R]));
}

#[test]
fn the_first_run_short_enough_is_the_one_checked() {
    let policy = policy(NO_SAMPLES, [101, 100, 100, 7].map(|cycles| Ok(report(cycles))));
    assert_eq!(execute(&policy).1, [R]);
    assert_eq!(execute(&policy).1, [R, I]);
    assert_eq!(execute(&policy).1, [R]);
}

#[test]
fn one_in_so_many_runs_is_checked() {
    let checks = Checks { first_run_max_cycles: 0, one_in: 4 };
    let policy = policy(checks, (0..2000).map(|_| Ok(report(5))));
    let checked = (0..1000).filter(|_| execute(&policy).1 == [R, I]).count();
    assert!((150..350).contains(&checked), "{checked} of 1000");
}

#[test]
fn a_disagreement_suspends_the_program_and_no_other() {
    let policy = policy(NO_SAMPLES, [10, 11, 10, 10].map(|cycles| Ok(report(cycles))));
    assert_eq!(execute(&policy), (Err(DISAGREE), vec![R, I]));
    assert_eq!(execute(&policy), (Err(DISAGREE), vec![]));
    assert_eq!(execute_program(&policy, 2), (Ok(report(10)), vec![R, I]));
}

#[test]
fn any_difference_is_a_disagreement() {
    let mut others = [report(10), report(10), report(10), report(10), report(10)];
    others[0].state.registers[31] = 1;
    others[1].state.pc = 4;
    others[2].state.public_values[31] = 1;
    others[3].end = RunEnd::Terminated { exit_code: 2 };
    others[4].outcome_bytes = Some(Vec::new());
    for other in others {
        let policy = policy(NO_SAMPLES, [Ok(report(10)), Ok(other.clone())]);
        assert_eq!(execute(&policy).0, Err(DISAGREE), "{other:?}");
    }
}

#[test]
fn a_crash_is_made_good_by_the_interpreter_where_the_program_stays() {
    for broken in [
        CRASH,
        BrokenRun::Exited { code: 101 },
        BrokenRun::TimedOut { limit: Duration::from_secs(1) },
        BrokenRun::Garbled("noise".into()),
    ] {
        let policy =
            policy(NO_SAMPLES, [Err(broken), Ok(report(10)), Ok(report(11)), Ok(report(3)), Ok(report(3))]);
        assert_eq!(execute(&policy), (Ok(report(10)), vec![R, I]));
        assert_eq!(execute(&policy), (Ok(report(11)), vec![I]));
        assert_eq!(execute_program(&policy, 2).1, [R, I], "another program is not held liable");
    }
}

#[test]
fn a_run_that_breaks_on_both_paths_has_no_report() {
    let policy = policy(NO_SAMPLES, [Err(CRASH), Err(BrokenRun::Exited { code: 1 })]);
    assert_eq!(execute(&policy), (Err(ExecutorError::Broken(BrokenRun::Exited { code: 1 })), vec![R, I]));
}

#[test]
fn a_kill_from_outside_is_not_the_programs_fault() {
    let policy =
        policy(NO_SAMPLES, [Err(OUTSIDE), Err(OUTSIDE), Ok(report(1)), Ok(report(1)), Ok(report(2))]);
    assert_eq!(execute(&policy), (Ok(report(1)), vec![R, R, R, I]));
    assert_eq!(execute(&policy).1, [R], "it is not quarantined");
}

#[test]
fn kills_from_outside_end_some_time() {
    let policy = policy(NO_SAMPLES, (0..8).map(|_| Err(OUTSIDE)));
    assert_eq!(execute(&policy), (Err(ExecutorError::Broken(OUTSIDE)), vec![R, R, R, R, I, I, I, I]));
}

#[test]
fn without_a_worker_nothing_is_tried_and_nobody_blamed() {
    let none = BrokenRun::NotStarted("no executable".into());
    let policy = policy(NO_SAMPLES, [Err(none.clone()), Ok(report(1)), Ok(report(1))]);
    assert_eq!(execute(&policy), (Err(ExecutorError::Broken(none)), vec![R]));
    assert_eq!(execute(&policy).1, [R, I]);
}

#[test]
fn a_check_that_breaks_is_made_up_for_by_the_next_run() {
    let policy = policy(NO_SAMPLES, [Ok(report(1)), Err(CRASH), Ok(report(2)), Ok(report(2)), Ok(report(3))]);
    assert_eq!(execute(&policy), (Ok(report(1)), vec![R, I]));
    assert_eq!(execute(&policy), (Ok(report(2)), vec![R, I]));
    assert_eq!(execute(&policy).1, [R]);
}

#[test]
fn without_a_recompiler_the_interpreter_runs_all_and_a_break_is_tried_once_more() {
    let mut policy = policy(NO_SAMPLES, [Ok(report(1)), Err(CRASH), Ok(report(2)), Err(CRASH), Err(CRASH)]);
    policy.runner.has_recompiler = false;
    assert_eq!(execute(&policy), (Ok(report(1)), vec![I]));
    assert_eq!(execute(&policy), (Ok(report(2)), vec![I, I]));
    assert_eq!(execute(&policy), (Err(ExecutorError::Broken(CRASH)), vec![I, I]));
}

#[test]
fn the_difference_is_told() {
    let (mut recompiler, interpreter) = (report(10), report(11));
    recompiler.state.registers[10] = 7;
    let text = Difference { recompiler: &recompiler, interpreter: &interpreter }.to_string();
    for part in ["10 cycles", "11 cycles", "x10: 0x7 and 0x0", "outcome bytes: equal"] {
        assert!(text.contains(part), "{text}");
    }
}

/// Collects what is logged.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disagreement_is_shouted_once_and_a_break_is_an_error_too() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let policy = policy(NO_SAMPLES, [Ok(report(10)), Ok(report(11)), Err(CRASH), Ok(report(1))]);
        for program in [1, 1, 2] {
            // What comes out is tested above.
            let _ = execute_program(&policy, program);
        }
    });
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    let shouts: Vec<&str> = text.lines().filter(|line| line.contains("PATHS DISAGREE")).collect();
    assert!(shouts.len() == 1 && shouts[0].contains("ERROR") && shouts[0].contains("10 cycles"), "{text}");
    let breaks = text.lines().filter(|line| line.contains("ERROR") && line.contains("killed by signal 11"));
    assert_eq!(breaks.count(), 1, "{text}");
}
