//! Results as types.

use alloy_primitives::Bytes;
use alloy_sol_types::SolValue;
use ivm_rpc_types::{JobInfo, JobOutcome, JobOutcomeStatus};

use crate::ClientError;

/// What came of a job, as the program's types.
pub trait JobResult {
    /// The program's output.
    ///
    /// # Errors
    /// [`ClientError::NoOutcome`] when there is none yet; [`ClientError::Panicked`] when the program panicked.
    fn output(&self) -> Result<&Bytes, ClientError>;

    /// The program's output as what it wrote with `abi_output(&value)`.
    ///
    /// # Errors
    /// As [`JobResult::output`]; [`ClientError::Abi`] when the output is of another type.
    fn decode<T>(&self) -> Result<T, ClientError>
    where
        T: SolValue + From<<T::SolType as alloy_sol_types::SolType>::RustType>,
    {
        Ok(T::abi_decode_validate(self.output()?)?)
    }
}

impl JobResult for JobInfo {
    fn output(&self) -> Result<&Bytes, ClientError> {
        let no_outcome = || ClientError::NoOutcome { job_id: self.job_id, state: self.state };
        self.outcome.as_ref().ok_or_else(no_outcome)?.output()
    }
}

impl JobResult for JobOutcome {
    fn output(&self) -> Result<&Bytes, ClientError> {
        match self.status {
            JobOutcomeStatus::Success => Ok(&self.data),
            JobOutcomeStatus::Panicked => {
                Err(ClientError::Panicked { message: String::from_utf8_lossy(&self.data).into_owned() })
            }
        }
    }
}
