//! A worker whose recompiler does what the input tells it to: every way in which a worker can go wrong, for tests.
//!
//! An input `FAULT` and a byte is obeyed on the recompiler; `FAULTS` and a byte on the interpreter too. Others run.

use std::{
    io,
    os::fd::AsFd,
    process::{Command, ExitCode},
};

use ivm_engine::{Program, ProgramKey, Reach, Report};
use ivm_sandbox::{Engine, NativeEngine, Path, RunRefused, serve};
use rustix::net::{SendFlags, send};

struct Faulty(NativeEngine);

impl Engine for Faulty {
    fn has_recompiler(&self) -> bool {
        true
    }

    fn load(&mut self, key: ProgramKey, program: Program) {
        self.0.load(key, program);
    }

    fn run(
        &mut self,
        path: Path,
        reach: Reach,
        key: ProgramKey,
        input_image: &[u8],
        max_cycles: u64,
    ) -> Result<Report, RunRefused> {
        let mut report = self.0.run(path, reach, key, input_image, max_cycles)?;
        match (path, input_image) {
            (Path::Recompiler, [b'F', b'A', b'U', b'L', b'T', fault])
            | (_, [b'F', b'A', b'U', b'L', b'T', b'S', fault]) => misbehave(*fault, &mut report),
            _ => {}
        }
        Ok(report)
    }
}

fn answer(bytes: &[u8]) {
    let sent = send(io::stdin().as_fd(), bytes, SendFlags::empty());
    assert!(sent.is_ok());
}

fn misbehave(fault: u8, report: &mut Report) {
    let refused = "the confinement lets this happen";
    match fault {
        b'w' => report.state.registers[5] ^= 1,
        b's' => crash(),
        b'p' => panic!("as told"),
        b'l' => loop {
            std::hint::spin_loop();
        },
        b'm' => eat_memory(),
        b'g' => answer(&[0xa5; 300]),
        b'b' => answer(&vec![0; 200_000]),
        b'd' => {
            // The sequence number of a first run after loading, the tag of a report, and no more.
            answer(&[3, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
            std::process::exit(0);
        }
        b'e' => std::process::exit(7),
        b'o' => assert!(std::fs::File::open("/etc/hostname").is_err(), "{refused}"),
        b'n' => assert!(std::net::TcpListener::bind("127.0.0.1:0").is_err(), "{refused}"),
        b'u' => assert!(std::os::unix::net::UnixStream::pair().is_err(), "{refused}"),
        b'x' => assert!(Command::new("/bin/true").spawn().is_err(), "{refused}"),
        b't' => assert!(std::thread::Builder::new().spawn(|| {}).is_err(), "{refused}"),
        b'k' => {
            let node = rustix::process::getppid();
            assert!(node.is_some_and(|node| rustix::process::test_kill_process(node).is_err()), "{refused}");
        }
        _ => panic!("an unknown fault"),
    }
}

#[allow(unsafe_code)]
fn crash() {
    // SAFETY: it is not sound, and is not meant to be: the process must die of it, in a test.
    unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
}

fn eat_memory() {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 1 << 20]);
        std::hint::black_box(&eaten);
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).and_then(|argument| argument.parse().ok()) {
        Some(node_process_id) => serve(node_process_id, || NativeEngine::new().map(Faulty)),
        None => ExitCode::FAILURE,
    }
}
