//! What proposers tell of runs inside their blocks' transactions, kept beside the settlement block: see
//! [`ivm_coprocessor::ToldRun`].

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use ivm_chain::{Chain, ExtraWrite};
use ivm_coprocessor::{MAX_TOLD_RUNS, ToldRun};
use ivm_primitives::OutcomeStatus;

use crate::NodeError;

#[derive(Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Entry {
    program_id: B256,
    input_hash: B256,
    status: u8,
    cycles: u64,
    output: Bytes,
}

/// Key of what is told of a block, in the settlement chain's private table.
fn key(block_hash: B256) -> Vec<u8> {
    [b"told/".as_slice(), block_hash.as_slice()].concat()
}

/// What keeps it; nothing to keep when nothing is told.
pub(crate) fn write(block_hash: B256, told: &[ToldRun]) -> Option<ExtraWrite> {
    let entries: Vec<Entry> = told
        .iter()
        .map(|run| Entry {
            program_id: run.program_id,
            input_hash: run.input_hash,
            status: run.status.as_byte(),
            cycles: run.cycles,
            output: run.output.clone(),
        })
        .collect();
    (!entries.is_empty())
        .then(|| ExtraWrite { key: key(block_hash), value: Some(alloy_rlp::encode(entries)) })
}

/// What forgets it.
pub(crate) fn forget(block_hash: B256) -> ExtraWrite {
    ExtraWrite { key: key(block_hash), value: None }
}

/// What is told of a block.
pub(crate) fn read(settlement: &Chain, block_hash: B256) -> Result<Vec<ToldRun>, NodeError> {
    let Some(bytes) = settlement.extra(&key(block_hash))? else { return Ok(Vec::new()) };
    let damaged =
        |reason: String| NodeError::Damaged { key: format!("told runs of block {block_hash}"), reason };
    let entries = Vec::<Entry>::decode(&mut bytes.as_slice()).map_err(|error| damaged(error.to_string()))?;
    if entries.len() > MAX_TOLD_RUNS {
        return Err(damaged(format!("{} runs, the limit is {MAX_TOLD_RUNS}", entries.len())));
    }
    let runs = entries.into_iter().map(|entry| {
        let status = OutcomeStatus::from_byte(entry.status)
            .ok_or_else(|| damaged(format!("status {}, expected 0 or 1", entry.status)))?;
        Ok(ToldRun {
            program_id: entry.program_id,
            input_hash: entry.input_hash,
            status,
            cycles: entry.cycles,
            output: entry.output,
        })
    });
    runs.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ivm_chain::{BuildRequest, ChainConfig, Storage};

    #[test]
    fn what_is_told_is_kept_and_forgotten() {
        let chain = Chain::open(ChainConfig::default(), Storage::Memory).unwrap();
        let run = ToldRun {
            program_id: B256::repeat_byte(1),
            input_hash: B256::repeat_byte(2),
            status: OutcomeStatus::Panicked,
            cycles: 7,
            output: Bytes::from_static(b"told"),
        };
        let hash = B256::repeat_byte(3);
        assert_eq!(write(hash, &[]), None);
        let commit =
            |writes| chain.commit(chain.build_block(BuildRequest::default()).unwrap(), writes).unwrap();
        commit(vec![
            write(hash, std::slice::from_ref(&run)).unwrap(),
            ExtraWrite { key: key(B256::ZERO), value: Some(vec![0xc1, 0xc0]) },
        ]);
        assert_eq!(read(&chain, hash).unwrap(), [run]);
        assert_eq!(read(&chain, B256::repeat_byte(4)).unwrap(), []);
        assert!(matches!(read(&chain, B256::ZERO), Err(NodeError::Damaged { .. })));
        commit(vec![forget(hash)]);
        assert_eq!(read(&chain, hash).unwrap(), []);
    }
}
