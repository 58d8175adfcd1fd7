//! A worker process, as the node has it.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt, unix::process::ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use ivm_engine::{BrokenRun, Call, Report};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
        sockopt::{Timeout, set_socket_timeout},
    },
};

use crate::{
    WorkerCommand,
    area::{Area, MAX_PROGRAM_SIZE_BYTES, Region},
    wire::{Answer, Greeting, MAX_ANSWER_SIZE_BYTES, MAX_INLINE_INPUT_SIZE_BYTES, Path, Request},
};

/// Longest that a process may take to confine itself and greet.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Longest that a process whose socket has closed may take to be gone, before it is killed.
const END_LIMIT: Duration = Duration::from_secs(1);

/// Shortest timeout that a socket can have.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// What processes are called in listings.
const NAME: &str = "ivm-worker";

/// A confined process that waits for a request. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    child: Child,
    socket: OwnedFd,
    area: Area,
    /// Number of the last request.
    sequence: u64,
    /// The socket's timeout now.
    timeout: Duration,
    has_recompiler: bool,
    answer: Box<[u8]>,
}

/// Why a worker gave no report.
pub(crate) enum CallError {
    /// It was gone before it had the request, which has nothing to do with it.
    Gone,
    /// The run broke.
    Broken(BrokenRun),
}

/// Why nothing was received.
enum ReceiveError {
    Closed,
    TimedOut,
    TooLarge(usize),
    System(Errno),
}

impl WorkerProcess {
    /// Starts a process and waits until it is confined. It is killed when the calling *thread* ends.
    pub(crate) fn start(command: &WorkerCommand) -> Result<Self, String> {
        let (child, socket, area) =
            spawn(command).map_err(|error| format!("{}: {error}", command.program.display()))?;
        let answer = vec![0; MAX_ANSWER_SIZE_BYTES].into_boxed_slice();
        let (sequence, timeout) = (0, Duration::ZERO);
        let mut worker = Self { child, socket, area, sequence, timeout, has_recompiler: false, answer };
        let size = match worker.receive(START_LIMIT) {
            Ok(size) => size,
            Err(error) => return Err(format!("it did not greet: {}", worker.broken(error, START_LIMIT))),
        };
        match Greeting::decode(&worker.answer[..size]) {
            Ok(Greeting::Hello { has_recompiler }) => {
                worker.has_recompiler = has_recompiler;
                Ok(worker)
            }
            Ok(Greeting::Refusal(reason)) => Err(format!("it could not confine itself: {reason}")),
            Err(malformed) => Err(format!("its greeting was refused: {}", malformed.0)),
        }
    }

    pub(crate) const fn has_recompiler(&self) -> bool {
        self.has_recompiler
    }

    /// Makes a run. After an error the worker is dead.
    pub(crate) fn run(&mut self, call: &Call<'_>, path: Path, limit: Duration) -> Result<Report, CallError> {
        let Ok(input_size) = u32::try_from(call.input_image.len()) else {
            return Err(self.refuse("an input over 4 GiB cannot be sent".into()));
        };
        let is_inline = call.input_image.len() <= MAX_INLINE_INPUT_SIZE_BYTES;
        if !is_inline {
            self.share(Region::Input, call.input_image)?;
        }
        let result = self.run_shared(call, path, input_size, limit);
        if !is_inline && result.is_ok() {
            self.unshare(Region::Input, call.input_image.len())?;
        }
        result
    }

    fn run_shared(
        &mut self,
        call: &Call<'_>,
        path: Path,
        input_size: u32,
        limit: Duration,
    ) -> Result<Report, CallError> {
        let Call { key, max_cycles, reach, .. } = *call;
        let inline =
            if call.input_image.len() <= MAX_INLINE_INPUT_SIZE_BYTES { call.input_image } else { &[] };
        for _ in 0..2 {
            self.sequence += 1;
            let run = Request::Run { sequence: self.sequence, path, reach, key, max_cycles, input_size };
            match self.exchange(&run, inline, max_cycles, limit)? {
                Answer::Report(report) => return Ok(report),
                Answer::ProgramUnknown => self.load(call, limit)?,
                Answer::Loaded => {
                    return Err(self.refuse("it loaded a program instead of running one".into()));
                }
            }
        }
        Err(self.refuse("it does not know a program that it was given".into()))
    }

    fn load(&mut self, call: &Call<'_>, limit: Duration) -> Result<(), CallError> {
        let bytes = call.program.to_bytes();
        if bytes.len() > MAX_PROGRAM_SIZE_BYTES {
            let size = bytes.len();
            return Err(
                self.refuse(format!("a program of {size} bytes, the limit is {MAX_PROGRAM_SIZE_BYTES}"))
            );
        }
        self.share(Region::Program, &bytes)?;
        self.sequence += 1;
        let program_size = bytes.len() as u32;
        let load = Request::Load { sequence: self.sequence, key: call.key, program_size };
        match self.exchange(&load, &[], 0, limit)? {
            Answer::Loaded => self.unshare(Region::Program, bytes.len()),
            Answer::Report(_) | Answer::ProgramUnknown => {
                Err(self.refuse("it did not load a program that it was given".into()))
            }
        }
    }

    /// Sends a request and reads its answer.
    fn exchange(
        &mut self,
        request: &Request,
        inline: &[u8],
        max_cycles: u64,
        limit: Duration,
    ) -> Result<Answer, CallError> {
        let message = [&request.encode()[..], inline].concat();
        // A worker that waits for requests has room for one, so sending never blocks.
        match send(&self.socket, &message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(_) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(CallError::Gone),
            Err(error) => return Err(self.refuse(format!("it takes no requests: {error}"))),
        }
        let size = match self.receive(limit) {
            Ok(size) => size,
            Err(error) => return Err(CallError::Broken(self.broken(error, limit))),
        };
        Answer::decode(&self.answer[..size], self.sequence, max_cycles)
            .map_err(|malformed| self.refuse(malformed.0.into()))
    }

    /// Receives one message into `self.answer`.
    fn receive(&mut self, limit: Duration) -> Result<usize, ReceiveError> {
        let started = Instant::now();
        let mut left = limit;
        loop {
            // Most runs have the same limit, so that this call is seldom made. None at all would be no limit.
            let timeout = left.max(MIN_TIMEOUT);
            if self.timeout != timeout {
                set_socket_timeout(&self.socket, Timeout::Recv, Some(timeout))
                    .map_err(ReceiveError::System)?;
                self.timeout = timeout;
            }
            match recv(&self.socket, &mut self.answer[..], RecvFlags::TRUNC) {
                Ok((_, 0)) | Err(Errno::CONNRESET) => return Err(ReceiveError::Closed),
                Ok((_, size)) if size > MAX_ANSWER_SIZE_BYTES => return Err(ReceiveError::TooLarge(size)),
                Ok((_, size)) => return Ok(size),
                Err(Errno::AGAIN) => return Err(ReceiveError::TimedOut),
                Err(Errno::INTR) => {
                    left = limit.saturating_sub(started.elapsed());
                    if left.is_zero() {
                        return Err(ReceiveError::TimedOut);
                    }
                }
                Err(error) => return Err(ReceiveError::System(error)),
            }
        }
    }

    /// Ends the process, and says what became of it.
    fn broken(&mut self, error: ReceiveError, limit: Duration) -> BrokenRun {
        match error {
            ReceiveError::Closed => match self.wait_for_end() {
                Some(status) => match (status.signal(), status.code()) {
                    (Some(signal), _) => BrokenRun::Killed { signal },
                    (None, code) => BrokenRun::Exited { code: code.unwrap_or_default() },
                },
                None => BrokenRun::Garbled("it closed its socket and lived on".into()),
            },
            ReceiveError::TimedOut => {
                self.kill();
                BrokenRun::TimedOut { limit }
            }
            ReceiveError::TooLarge(size) => {
                self.kill();
                BrokenRun::Garbled(format!("{size} bytes, the limit is {MAX_ANSWER_SIZE_BYTES}"))
            }
            ReceiveError::System(error) => {
                self.kill();
                BrokenRun::Garbled(error.to_string())
            }
        }
    }

    fn refuse(&mut self, problem: String) -> CallError {
        self.kill();
        CallError::Broken(BrokenRun::Garbled(problem))
    }

    fn share(&mut self, region: Region, bytes: &[u8]) -> Result<(), CallError> {
        self.area.write(region, bytes).map_err(|error| self.refuse(format!("the shared area: {error}")))
    }

    fn unshare(&mut self, region: Region, size: usize) -> Result<(), CallError> {
        self.area.clear(region, size).map_err(|error| self.refuse(format!("the shared area: {error}")))
    }

    /// Waits for a process that has closed its socket, which it does only by ending; `None` when it has to be killed.
    fn wait_for_end(&mut self) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < END_LIMIT {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => break,
            }
        }
        self.kill();
        None
    }

    fn kill(&mut self) {
        // Both fail only for a process that was waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(command: &WorkerCommand) -> io::Result<(Child, OwnedFd, Area)> {
    let (socket, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let area = Area::new()?;
    let child = Command::new(&command.program)
        .arg0(NAME)
        .args(&command.arguments)
        .arg(std::process::id().to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::from(area.share()?))
        .stderr(Stdio::null())
        .spawn()?;
    Ok((child, socket, area))
}
