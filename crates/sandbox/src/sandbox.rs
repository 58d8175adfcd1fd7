//! The executor that a node uses.

use ivm_engine::{Call, Executor, ExecutorError, InputDoesNotFit, Report};
use thiserror::Error;

use crate::{SandboxConfig, policy::Policy, pool::Pool};

/// Why no sandbox can be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no confined worker can be started: {reason}")]
pub struct StartError {
    /// What failed.
    pub reason: String,
}

/// Confined worker processes, and the policy over them. Dropping it ends them.
#[derive(Debug)]
pub struct Sandbox {
    policy: Policy<Pool>,
}

impl Sandbox {
    /// Starts one worker, to see that it can be confined on this system; others are started as they are needed.
    ///
    /// # Errors
    /// [`StartError`], when the executable is not there or the system does not confine it. There is no half confinement.
    pub fn start(config: SandboxConfig) -> Result<Self, StartError> {
        let checks = config.checks;
        let pool = Pool::start(config).map_err(|reason| StartError { reason })?;
        Ok(Self { policy: Policy::new(pool, checks) })
    }
}

impl Executor for Sandbox {
    fn execute(&self, call: &Call<'_>) -> Result<Report, ExecutorError> {
        if !fits(call) {
            return Err(InputDoesNotFit { size_bytes: call.input_image.len() }.into());
        }
        self.policy.execute(call)
    }
}

/// Whether a run could start: what [`ivm_engine::State::start`] refuses is refused here, without a worker.
fn fits(&Call { program, input_image, reach, .. }: &Call<'_>) -> bool {
    let input = (program.input_address, input_image.len());
    let segments = program.segments.iter().map(|segment| (segment.address, segment.bytes.len()));
    segments.chain([input]).all(|(address, size)| {
        (address as usize).checked_add(size).is_some_and(|end| end <= reach.size_bytes())
    })
}
