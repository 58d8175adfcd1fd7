//! The sandbox with real worker processes, good ones and ones that go wrong in every way.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ivm_engine::{
    BrokenRun, Call, Executor, ExecutorError, InProcess, Program, ProgramKey, Reach, Report, RunEnd,
    testing::{self, addi, alu, b_type, jal, li, load, s_type, terminate},
};
use ivm_sandbox::{Checks, Deadline, Sandbox, SandboxConfig, WorkerCommand, measure_call_overhead};

const WORKER: &str = env!("CARGO_BIN_EXE_ivm-worker");
const FAULTY_WORKER: &str = env!("CARGO_BIN_EXE_ivm-faulty-worker");

/// One test at a time: some count this process's children and descriptors.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config(worker: &str, workers: usize) -> SandboxConfig {
    let command = WorkerCommand { program: worker.into(), arguments: Vec::new() };
    let floor = Duration::from_secs(10);
    let deadline = Deadline { floor, per_million_cycles: Duration::ZERO };
    SandboxConfig { deadline, ..SandboxConfig::new(command, workers) }
}

fn program(words: &[u32]) -> Program {
    Program::from_elf(&testing::elf(words)).unwrap()
}

fn call<'a>(program: &'a Program, input_image: &'a [u8]) -> Call<'a> {
    let mut key = [0; 32];
    for (index, word) in program.words.iter().enumerate() {
        key[index % 32] ^=
            word.to_le_bytes().iter().fold(index as u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
    }
    Call { key: ProgramKey(key), program, input_image, max_cycles: 100_000_000, reach: Reach::Whole }
}

/// Workers of this process, running or dead and not waited for.
fn children() -> Vec<i32> {
    let is_child = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()?;
        (parent == std::process::id()).then_some(pid)
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(is_child).collect()
}

/// A worker that died would have been replaced, and its run made good, without a trace in the report.
fn assert_all_live(workers: &[i32]) {
    let now = children();
    assert!(
        !workers.is_empty() && workers.iter().all(|pid| now.contains(pid)),
        "of {workers:?}, some died: {now:?}"
    );
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // It may be gone by now.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// Leaves `keccak`-free outcome bytes: five bytes of the program's own text.
fn with_outcome() -> Program {
    let [upper, lower] = li(11, testing::TEXT_ADDRESS);
    program(&[upper, lower, addi(12, 0, 5), terminate(0)])
}

fn endless() -> Program {
    program(&[jal(0, 0)])
}

#[test]
fn reports_are_those_of_the_interpreter() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 2)).unwrap();
    let first = children();
    let large: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 251) as u8 + 1).collect();
    // The sum of the words of an input, whose number is in its first word.
    let sum = |input_address: u32| {
        let [upper, lower] = li(5, input_address);
        [upper, lower]
            .into_iter()
            .chain([
                load(2, 6, 5, 0),
                addi(5, 5, 4),
                load(2, 7, 5, 0),
                alu(0, 0, 10, 10, 7),
                addi(6, 6, -1),
                b_type(1, 0, 6, -16),
                terminate(9),
            ])
            .collect::<Vec<_>>()
    };
    let input_address = program(&sum(0)).input_address;
    let summing = program(&sum(input_address));
    let counted = |words: u32| [&words.to_le_bytes()[..], &large[..4 * words as usize]].concat();
    let (short, long) = (counted(1000), counted(700_000));
    let faulting = program(&[load(2, 5, 0, 1), terminate(0)]);
    let (outcome, endless) = (with_outcome(), endless());
    for (program, input) in [
        (&outcome, &[][..]),
        (&faulting, &[]),
        (&summing, &short[..]),
        (&summing, &long),
        (&summing, &short),
        (&endless, &[1, 2, 3]),
        (&outcome, &large),
    ] {
        for reach in [Reach::Whole, Reach::Low] {
            let call = Call { max_cycles: 5_000_000, reach, ..call(program, input) };
            assert_eq!(sandbox.execute(&call), InProcess.execute(&call));
        }
        assert!(sandbox.execute(&call(program, input)).is_ok());
    }
    assert_all_live(&first);
    let oversized = vec![0; 1 << 27];
    let refused = sandbox.execute(&call(&outcome, &oversized));
    assert_eq!(refused, InProcess.execute(&call(&outcome, &oversized)));
    assert!(matches!(refused, Err(ExecutorError::InputDoesNotFit(_))));
    let long_for_low = Call { reach: Reach::Low, ..call(&outcome, &oversized[..3_500_000]) };
    assert_eq!(sandbox.execute(&long_for_low), InProcess.execute(&long_for_low));
    assert!(matches!(sandbox.execute(&long_for_low), Err(ExecutorError::InputDoesNotFit(_))));
}

#[test]
fn what_is_out_of_reach_faults_in_a_worker_too() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let first = children();
    let [upper, lower] = li(5, Reach::Low.size_bytes() as u32);
    let program = program(&[upper, lower, s_type(2, 5, 5, 0), terminate(0)]);
    for (reach, faults) in [(Reach::Whole, false), (Reach::Low, true), (Reach::Whole, false)] {
        let call = Call { reach, ..call(&program, &[]) };
        let report = sandbox.execute(&call).unwrap();
        assert_eq!(matches!(report.end, RunEnd::Faulted(_)), faults);
        assert_eq!(Ok(report), InProcess.execute(&call));
    }
    assert_all_live(&first);
}

#[test]
fn the_largest_program_is_compiled_within_a_workers_memory() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let before = children();
    // Checked accesses and divisions are what becomes the most code.
    let body = [s_type(2, 7, 5, 0), load(0, 8, 5, 1), alu(6, 1, 9, 8, 7), b_type(1, 9, 8, 8)];
    let instructions = ivm_primitives::limits::MAX_ELF_SIZE_BYTES / 4 - 100;
    let [upper, lower] = li(5, 0x0200_0000);
    let words = [upper, lower].into_iter().chain(body.into_iter().cycle()).take(instructions);
    let program = program(&words.chain([terminate(3)]).collect::<Vec<_>>());
    let call = call(&program, &[]);
    let started = Instant::now();
    assert_eq!(sandbox.execute(&call), InProcess.execute(&call));
    eprintln!("first call of {instructions} instructions: {:?}", started.elapsed());
    assert_all_live(&before);
}

/// What breaks a run on both paths of a worker that obeys `fault`.
fn broken_by(sandbox: &Sandbox, fault: u8) -> BrokenRun {
    let program = program(&[addi(5, 0, i32::from(fault)), terminate(0)]);
    match sandbox.execute(&call(&program, &[b"FAULTS", &[fault][..]].concat())) {
        Err(ExecutorError::Broken(broken)) => broken,
        other => panic!("{}: {other:?}", char::from(fault)),
    }
}

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
const SIGSYS: i32 = 31;

#[test]
fn files_sockets_processes_threads_and_signals_are_out_of_reach() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(FAULTY_WORKER, 1)).unwrap();
    for fault in *b"onuxtk" {
        let broken = broken_by(&sandbox, fault);
        assert_eq!(broken, BrokenRun::Killed { signal: SIGSYS }, "{}", char::from(fault));
    }
}

#[test]
fn whatever_breaks_a_worker_breaks_one_run_and_no_more() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(FAULTY_WORKER, 1)).unwrap();
    let fine = with_outcome();
    for fault in *b"sepm" {
        let expected = match fault {
            b's' => BrokenRun::Killed { signal: SIGSEGV },
            b'e' => BrokenRun::Exited { code: 7 },
            b'p' => BrokenRun::Exited { code: 101 },
            _ => BrokenRun::Killed { signal: SIGABRT },
        };
        assert_eq!(broken_by(&sandbox, fault), expected, "{}", char::from(fault));
        assert_eq!(sandbox.execute(&call(&fine, &[])), InProcess.execute(&call(&fine, &[])));
    }
    for fault in *b"gbd" {
        let broken = broken_by(&sandbox, fault);
        assert!(matches!(broken, BrokenRun::Garbled(_)), "{}: {broken:?}", char::from(fault));
        assert_eq!(sandbox.execute(&call(&fine, &[])), InProcess.execute(&call(&fine, &[])));
    }
}

#[test]
fn a_run_that_never_ends_is_ended() {
    let _alone = alone();
    let mut config = config(FAULTY_WORKER, 1);
    let limit = Duration::from_secs(1);
    config.deadline.floor = limit;
    let sandbox = Sandbox::start(config).unwrap();
    assert_eq!(broken_by(&sandbox, b'l'), BrokenRun::TimedOut { limit });
    let fine = with_outcome();
    assert_eq!(sandbox.execute(&call(&fine, &[])), InProcess.execute(&call(&fine, &[])));
}

#[test]
fn what_the_recompiler_breaks_the_interpreter_makes_good() {
    let _alone = alone();
    let mut config = config(FAULTY_WORKER, 2);
    config.deadline.floor = Duration::from_secs(2);
    let sandbox = Sandbox::start(config).unwrap();
    for fault in *b"sepmgbdlox" {
        let program = program(&[addi(5, 0, i32::from(fault)), terminate(0)]);
        let input = [b"FAULT", &[fault][..]].concat();
        let call = call(&program, &input);
        assert_eq!(sandbox.execute(&call), InProcess.execute(&call), "{}", char::from(fault));
        // The program stays with the interpreter: its fault would cost another worker.
        let before = children();
        assert_eq!(sandbox.execute(&call), InProcess.execute(&call));
        assert_eq!(children(), before, "no worker died");
    }
}

#[test]
fn a_wrong_report_suspends_its_program() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(FAULTY_WORKER, 1)).unwrap();
    let (lied_about, fine) = (program(&[terminate(0)]), with_outcome());
    let wrong = call(&lied_about, b"FAULTw");
    let suspended = Err(ExecutorError::PathsDisagree { key: wrong.key });
    assert_eq!(sandbox.execute(&wrong), suspended);
    assert_eq!(sandbox.execute(&call(&lied_about, b"another input")), suspended);
    assert_eq!(sandbox.execute(&call(&fine, &[])), InProcess.execute(&call(&fine, &[])));
}

#[test]
fn runs_are_sampled_after_the_first() {
    let _alone = alone();
    let checks = Checks { first_run_max_cycles: 1_000_000, one_in: 3 };
    let sandbox = Sandbox::start(SandboxConfig { checks, ..config(FAULTY_WORKER, 1) }).unwrap();
    let program = program(&[terminate(0)]);
    assert!(sandbox.execute(&call(&program, b"honest")).is_ok());
    // The chance that none of 200 is among one in three is nothing.
    let results = (0..200).map(|_| sandbox.execute(&call(&program, b"FAULTw"))).collect::<Vec<_>>();
    assert!(results.iter().any(Result::is_err));
    assert!(results.last().unwrap().is_err());
}

#[test]
fn the_worker_of_a_node_obeys_no_such_input() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let program = with_outcome();
    for fault in *b"wsplmgbdeonuxtk" {
        for word in [&b"FAULT"[..], b"FAULTS"] {
            let input = [word, &[fault]].concat();
            assert_eq!(sandbox.execute(&call(&program, &input)), InProcess.execute(&call(&program, &input)));
        }
    }
}

#[test]
fn generated_code_and_the_interpreter_have_workers_of_their_own() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let recompiler = children();
    let program = with_outcome();
    assert!(sandbox.execute(&call(&program, &[])).is_ok());
    let both = children();
    assert_eq!((recompiler.len(), both.len()), (1, 2), "the check was made by another process");
    for _ in 0..100 {
        assert!(sandbox.execute(&call(&program, &[])).is_ok());
    }
    assert_eq!(children(), both);
}

/// Stores a word in each page from an address on, and leaves the sum of what was there before in `a0`.
fn marking(from: u32, pages: u32) -> Program {
    let ([a, b], [c, d], [e, f]) = (li(5, from), li(6, pages), li(7, 4096));
    program(&[
        a,
        b,
        c,
        d,
        e,
        f,
        load(2, 8, 5, 0),
        alu(0, 0, 10, 10, 8),
        s_type(2, 7, 5, 0),
        alu(0, 0, 5, 5, 7),
        addi(6, 6, -1),
        b_type(1, 0, 6, -20),
        terminate(1),
    ])
}

#[test]
fn no_byte_of_a_run_reaches_the_next() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let (writer, reader) = (marking(0x0100_0000, 20_000), marking(0x0100_0000, 28_000));
    for program in [&writer, &writer, &reader] {
        let report = sandbox.execute(&call(program, &[])).unwrap();
        assert_eq!(report.end, RunEnd::Terminated { exit_code: 1 });
        assert_eq!(report.state.registers[10], 0, "it found zeros alone");
    }
}

#[test]
fn workers_killed_between_runs_are_replaced() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 2)).unwrap();
    let program = with_outcome();
    for _ in 0..5 {
        let before = children();
        before.iter().for_each(|pid| kill(*pid));
        assert!(!before.is_empty());
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(sandbox.execute(&call(&program, &[])), InProcess.execute(&call(&program, &[])));
        assert!(children().iter().any(|pid| !before.contains(pid)), "{before:?}");
    }
}

#[test]
fn a_run_whose_worker_is_killed_is_made_again() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let (endless, max_cycles) = (endless(), 200_000_000);
    let call = Call { max_cycles, ..call(&endless, &[]) };
    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| sandbox.execute(&call));
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(50));
            children().into_iter().for_each(kill);
        }
        run.join().unwrap()
    });
    let Report { end, state, .. } = result.unwrap();
    assert_eq!((end, state.cycles), (RunEnd::OutOfCycles, max_cycles));
}

#[test]
fn dropping_a_sandbox_leaves_no_process_and_no_descriptor() {
    let _alone = alone();
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let (program, before) = (with_outcome(), descriptors());
    for _ in 0..5 {
        let sandbox = Sandbox::start(config(FAULTY_WORKER, 3)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for input in [&b""[..], b"FAULTs", b"FAULTe", b""] {
                        assert!(sandbox.execute(&call(&program, input)).is_ok());
                    }
                });
            }
        });
        assert!((2..=6).contains(&children().len()));
        drop(sandbox);
        assert_eq!(children(), []);
        assert_eq!(descriptors(), before);
    }
}

#[test]
fn a_worker_holds_nothing_but_its_socket_and_its_area() {
    let _alone = alone();
    // Inherited by every process started from here on, as from a node that was started carelessly.
    let careless = fs::File::open("/proc/self/status").unwrap();
    rustix::io::fcntl_setfd(&careless, rustix::io::FdFlags::empty()).unwrap();
    let _sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let pid = children()[0];
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
    };
    assert_eq!(
        (field("Seccomp"), field("NoNewPrivs"), field("Threads")),
        ("2".into(), "1".into(), "1".into())
    );
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    for (name, most) in [
        ("Max data size", "536870912"),
        ("Max address space", "8589934592"),
        ("Max open files", "3"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max processes", "0"),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), [most, most], "{name}");
    }
    if !rustix::process::geteuid().is_root() {
        // What is not dumpable is root's alone to look into.
        return;
    }
    let mut links: Vec<_> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned())
        .collect();
    links.sort();
    assert!(links.len() == 3 && links[0] == "/dev/null", "{links:?}");
    assert!(links[1].starts_with("/memfd:ivm-worker-area") && links[2].starts_with("socket:"), "{links:?}");
    assert_eq!(fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
}

#[test]
fn runs_wait_for_a_worker_but_not_without_end() {
    let _alone = alone();
    let limits =
        SandboxConfig { max_waiting_runs: 1, max_wait: Duration::from_millis(50), ..config(WORKER, 1) };
    let sandbox = Sandbox::start(limits).unwrap();
    let (endless, fine) = (endless(), with_outcome());
    std::thread::scope(|scope| {
        let long = scope.spawn(|| {
            let max_cycles = 2_000_000_000;
            sandbox.execute(&Call { max_cycles, ..call(&endless, &[]) })
        });
        std::thread::sleep(Duration::from_millis(30));
        let busy = sandbox.execute(&call(&fine, &[]));
        assert_eq!(busy, Err(ExecutorError::Broken(BrokenRun::Busy { waiting: 0 })));
        assert_eq!(long.join().unwrap().unwrap().end, RunEnd::OutOfCycles);
    });
    assert!(sandbox.execute(&call(&fine, &[])).is_ok());
}

#[test]
fn a_worker_not_started_by_a_node_refuses() {
    let _alone = alone();
    for arguments in [&[][..], &["1"], &["no number"]] {
        let output = std::process::Command::new(WORKER).args(arguments).output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_executable_that_is_no_worker_is_an_error() {
    let _alone = alone();
    for worker in ["/nonexistent/worker", "/bin/true", "/bin/echo"] {
        let error = Sandbox::start(config(worker, 1)).unwrap_err().to_string();
        assert!(error.starts_with("no confined worker can be started: "), "{error}");
    }
    assert_eq!(children(), []);
}

#[test]
fn a_call_costs_little_beside_the_run() {
    let _alone = alone();
    let sandbox = Sandbox::start(config(WORKER, 1)).unwrap();
    let overhead = measure_call_overhead(&sandbox, 10_000).unwrap();
    eprintln!("call overhead: {overhead:?}");
    // The goal is 100 µs; other work on the machine must not fail this test.
    assert!(overhead.p50 < Duration::from_millis(2), "{overhead:?}");
}
