//! Block production by hand, on a development chain.

use std::sync::Arc;

use alloy_primitives::U64;
use async_trait::async_trait;

use crate::api::Api;
use crate::error::{INTERNAL_ERROR, RpcResult, SERVER_ERROR};
use crate::methods::{MethodTable, RegisterError};

/// What a development node lets clients do to its chain. Only given where there is no one to cheat.
#[async_trait]
pub trait DevControl: Send + Sync + 'static {
    /// Makes and commits a block now, with this timestamp where one is given.
    async fn mine(&self, timestamp: Option<u64>) -> Result<(), DevError>;

    /// Moves the clock of later blocks forward; gives by how many seconds it is ahead in all.
    async fn increase_time(&self, seconds: u64) -> Result<u64, DevError>;
}

/// Why a development method fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DevError {
    /// The timestamp is before the head's.
    #[error("timestamp {got} is lower than the head's, {head}")]
    TimestampTooLow {
        /// Timestamp asked for.
        got: u64,
        /// The head's.
        head: u64,
    },
    /// The clock cannot go so far.
    #[error("time overflows: {got} more seconds")]
    TimeOverflow {
        /// Seconds asked for.
        got: u64,
    },
    /// The node failed.
    #[error("internal error: {0}")]
    Internal(String),
}

impl DevError {
    pub(crate) const fn code(&self) -> i32 {
        match self {
            Self::TimestampTooLow { .. } | Self::TimeOverflow { .. } => SERVER_ERROR,
            Self::Internal(_) => INTERNAL_ERROR,
        }
    }
}

pub(crate) fn register(table: &mut MethodTable, dev: &Arc<dyn DevControl>) -> Result<(), RegisterError> {
    let control = Arc::clone(dev);
    table.asynchronous("evm_mine", move |_: Arc<Api>, (timestamp,): (Option<U64>,)| {
        let control = Arc::clone(&control);
        async move {
            control.mine(timestamp.map(|seconds| seconds.to())).await?;
            RpcResult::Ok("0x0")
        }
    })?;
    let control = Arc::clone(dev);
    table.asynchronous("evm_increaseTime", move |_: Arc<Api>, (seconds,): (U64,)| {
        let control = Arc::clone(&control);
        async move { RpcResult::Ok(U64::from(control.increase_time(seconds.to()).await?)) }
    })
}
