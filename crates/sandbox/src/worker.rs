//! What a worker process does: confine itself, greet, then answer requests until its node is gone.
//!
//! Standard input is the socket, standard output the shared area, standard error goes nowhere.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    process::ExitCode,
};

use ivm_engine::Program;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::{
    area::{self, Region},
    confine,
    engine::{Engine, NativeEngine, RunRefused},
    wire::{
        Answer, Greeting, MAX_ANSWER_SIZE_BYTES, MAX_INLINE_INPUT_SIZE_BYTES, MAX_REQUEST_SIZE_BYTES, Request,
    },
};

/// A buffer larger than this is given back after the run that needed it.
const MAX_KEPT_BUFFER_SIZE_BYTES: usize = 1024 * 1024;

/// What a worker that panicked exits with.
const PANIC_EXIT_CODE: i32 = 101;

/// Runs a worker of the node with this process id, until the node is gone.
pub fn worker_main(node_process_id: u32) -> ExitCode {
    serve(node_process_id, NativeEngine::new)
}

/// [`worker_main`] with an engine of one's own, which is made before the process confines itself.
pub fn serve<E: Engine>(node_process_id: u32, make_engine: impl FnOnce() -> io::Result<E>) -> ExitCode {
    let (input, output) = (io::stdin(), io::stdout());
    // A panic is a bug of the engine: there is nobody to tell, and nothing to unwind for.
    std::panic::set_hook(Box::new(|_| std::process::exit(PANIC_EXIT_CODE)));
    let confined = confine::bind_to_node(node_process_id).and_then(|()| {
        let engine = make_engine().map_err(|error| format!("making the engine: {error}"))?;
        confine::lock_down()?;
        Ok(engine)
    });
    let ended = match confined {
        Ok(engine) => Worker::new(engine, input.as_fd(), output.as_fd()).work(),
        Err(reason) => {
            eprintln!("error: {reason}");
            // It may not have been started by a node.
            let _ = send(input.as_fd(), &Greeting::Refusal(reason).encode(), SendFlags::NOSIGNAL);
            return ExitCode::FAILURE;
        }
    };
    // The node sees what matters, that the socket is closed.
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Worker<'a, E> {
    engine: E,
    socket: BorrowedFd<'a>,
    area: BorrowedFd<'a>,
    /// What was read from the area.
    buffer: Vec<u8>,
    answer: Vec<u8>,
}

impl<'a, E: Engine> Worker<'a, E> {
    fn new(engine: E, socket: BorrowedFd<'a>, area: BorrowedFd<'a>) -> Self {
        Self { engine, socket, area, buffer: Vec::new(), answer: Vec::with_capacity(MAX_ANSWER_SIZE_BYTES) }
    }

    /// Answers until the node closes the socket.
    fn work(mut self) -> io::Result<()> {
        let greeting = Greeting::Hello { has_recompiler: self.engine.has_recompiler() };
        send(self.socket, &greeting.encode(), SendFlags::NOSIGNAL)?;
        let mut message = vec![0; MAX_REQUEST_SIZE_BYTES];
        loop {
            let (_, size) = recv(self.socket, &mut message[..], RecvFlags::empty())?;
            if size == 0 {
                return Ok(());
            }
            let (sequence, answer) = self.answer(&message[..size])?;
            answer.encode(sequence, &mut self.answer);
            send(self.socket, &self.answer, SendFlags::NOSIGNAL)?;
            if self.buffer.capacity() > MAX_KEPT_BUFFER_SIZE_BYTES {
                self.buffer = Vec::new();
            }
        }
    }

    fn answer(&mut self, message: &[u8]) -> io::Result<(u64, Answer)> {
        let refused = |problem: &'static str| io::Error::new(io::ErrorKind::InvalidData, problem);
        let (request, inline) = Request::decode(message).map_err(|malformed| refused(malformed.0))?;
        match request {
            Request::Load { sequence, key, program_size } => {
                area::read(self.area, Region::Program, program_size as usize, &mut self.buffer)?;
                let program = Program::from_bytes(&self.buffer).map_err(|error| refused(error.problem))?;
                self.engine.load(key, program);
                Ok((sequence, Answer::Loaded))
            }
            Request::Run { sequence, path, reach, key, max_cycles, input_size } => {
                let size = input_size as usize;
                let input = if size <= MAX_INLINE_INPUT_SIZE_BYTES {
                    inline.get(..size).ok_or_else(|| refused("an input cut short"))?
                } else {
                    area::read(self.area, Region::Input, size, &mut self.buffer)?;
                    &self.buffer
                };
                match self.engine.run(path, reach, key, input, max_cycles) {
                    Ok(report) => Ok((sequence, Answer::Report(report))),
                    Err(RunRefused::ProgramUnknown) => Ok((sequence, Answer::ProgramUnknown)),
                    Err(error @ (RunRefused::InputDoesNotFit | RunRefused::Space(_))) => {
                        Err(io::Error::other(error.to_string()))
                    }
                }
            }
        }
    }
}
