//! What a call costs beside the run itself.

use std::time::{Duration, Instant};

use ivm_engine::{
    Call, Executor, ExecutorError, Program, ProgramKey, Reach,
    decode::{Instruction, decode},
    elf::Segment,
};
use ivm_primitives::{input::input_address, limits::STACK_TOP_ADDRESS};

/// Calls made before those that are measured.
const WARM_UP_CALLS: usize = 200;

/// `terminate 0`.
const TERMINATE: u32 = 0x0000_000b;

/// Time of a call of the smallest program, one instruction long, with an empty input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOverhead {
    /// Half of the calls took at most this.
    pub p50: Duration,
    /// 99 of 100 calls took at most this.
    pub p99: Duration,
}

/// Measures `calls` calls, at least one, of the smallest program.
///
/// # Errors
/// The executor's, for any of them.
pub fn measure_call_overhead(executor: &dyn Executor, calls: usize) -> Result<CallOverhead, ExecutorError> {
    let program = smallest_program();
    let call = Call {
        key: ProgramKey(*b"ivm: the smallest program, yes!!"),
        program: &program,
        input_image: &[],
        max_cycles: 1,
        reach: Reach::Whole,
    };
    for _ in 0..WARM_UP_CALLS {
        executor.execute(&call)?;
    }
    let mut times = Vec::with_capacity(calls.max(1));
    for _ in 0..calls.max(1) {
        let started = Instant::now();
        executor.execute(&call)?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let percentile = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    Ok(CallOverhead { p50: percentile(50), p99: percentile(99) })
}

fn smallest_program() -> Program {
    let address = STACK_TOP_ADDRESS;
    let instructions: Vec<Instruction> = decode(TERMINATE).into_iter().collect();
    Program {
        pc_base: address,
        pc_start: address,
        words: vec![TERMINATE],
        instructions,
        segments: vec![Segment { address, bytes: TERMINATE.to_le_bytes().to_vec() }],
        input_address: input_address(address + 4),
    }
}
