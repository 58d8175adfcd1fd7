//! Executing the blocks of a file, ahead of whoever seals and writes them.

use std::sync::mpsc::{Receiver, SyncSender};

use super::error::ImportFileError;
use super::import::{Arrival, Batch, Kind, Place};
use crate::pipeline::{Ahead, Stopped};
use crate::seal::Unsealed;

/// A block on its way from execution into the chain.
pub(super) struct ExecutedArrival {
    pub(super) place: Place,
    pub(super) size_bytes: u64,
    /// `None` when the chain has the block.
    pub(super) block: Option<Box<Unsealed>>,
    /// Whether those after it were read later.
    pub(super) ends_batch: bool,
}

/// Executes blocks up to the first that cannot be, or until nobody takes them any more.
pub(super) fn execute_ahead(
    mut ahead: Ahead<'_>,
    batches: Receiver<Batch>,
    executed: SyncSender<Result<ExecutedArrival, ImportFileError>>,
) {
    for batch in batches {
        let mut arrivals = batch.into_iter().peekable();
        while let Some(arrival) = arrivals.next() {
            let ends_batch = arrivals.peek().is_none();
            let Ok(outcome) = arrive(&mut ahead, arrival, ends_batch) else { return };
            let failed = outcome.is_err();
            if executed.send(outcome).is_err() || failed {
                return;
            }
        }
    }
}

/// Takes the next block of the file.
fn arrive(
    ahead: &mut Ahead<'_>,
    arrival: Result<Arrival, ImportFileError>,
    ends_batch: bool,
) -> Result<Result<ExecutedArrival, ImportFileError>, Stopped> {
    let Arrival { place, size_bytes, kind } = match arrival {
        Ok(arrival) => arrival,
        Err(error) => return Ok(Err(error)),
    };
    let Place { number, hash, offset } = place;
    let executed = |block| Ok(ExecutedArrival { place, size_bytes, block, ends_batch });
    let block = match kind {
        Kind::Known => return Ok(executed(None)),
        Kind::Other { expected } => {
            return Ok(Err(ImportFileError::OtherBranch { number, got: hash, expected, offset }));
        }
        Kind::New(block) => block,
    };
    // It was new when it was read; the file may hold it twice.
    if number <= ahead.number() {
        match ahead.blocks()?.canonical_hash(number) {
            Ok(present) if present == Some(hash) => return Ok(executed(None)),
            Ok(_) => {}
            Err(error) => return Ok(Err(place.failed(error))),
        }
    }
    let outcome = ahead.execute(*block)?;
    Ok(outcome.map_err(|error| place.failed(error)).and_then(|block| executed(Some(Box::new(block)))))
}
