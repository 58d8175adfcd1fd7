//! Early finality: a block all of whose claims are proven is final at once, without the challenge period (litepaper fig. 10).
//!
//! The contract takes blocks one after another, each shown by its header and all of its receipts. So the prover shows the
//! first open block when its claims are proven, or when it has none and a block after it has a proven one.

use std::collections::BTreeSet;

use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes};
use ivm_contracts::{ClaimState, Settlement};
use ivm_settlement::{BlockRef, ReceiptedBlock, SettlementChain};

use crate::error::AgentError;
use crate::source::ExecutionSource;

/// Most bytes of receipts that are shown to the contract: a transaction carries them all.
const MAX_RECEIPTS_SIZE_BYTES: usize = 96 * 1024;

/// Which blocks have proven claims, and which one is looked at.
#[derive(Debug, Default)]
pub(crate) struct Early {
    proven: BTreeSet<B256>,
    /// The first open block, as it was read; nothing where it cannot be shown to the contract.
    first: Option<(B256, Option<Shown>)>,
}

/// What the contract is shown.
#[derive(Clone, Debug)]
struct Shown {
    claims: Vec<B256>,
    call: Settlement::finalizeProvenCall,
}

impl Early {
    /// Takes note of a proven claim.
    pub(crate) fn note(&mut self, block_hash: B256) {
        self.proven.insert(block_hash);
    }

    /// The call that makes the first open block final, when there is reason to and the contract will do it.
    pub(crate) async fn call(
        &mut self,
        path: &[BlockRef],
        chain: &dyn SettlementChain,
        source: &dyn ExecutionSource,
        job_manager: Address,
    ) -> Result<Option<Settlement::finalizeProvenCall>, AgentError> {
        self.proven.retain(|hash| path.iter().any(|block| block.hash == *hash));
        let Some(first) = path.first().filter(|_| !self.proven.is_empty()) else { return Ok(None) };
        if self.first.as_ref().is_none_or(|(hash, _)| *hash != first.hash) {
            // One that the node cannot show now is asked for again.
            let Some(proposal) = source.proposal(first.hash).await? else { return Ok(None) };
            let Some(receipts) = proposal.receipts else { return Ok(None) };
            let block = ReceiptedBlock::new(proposal.header, receipts).ok();
            let block = block.filter(|block| block.hash() == first.hash);
            self.first = Some((first.hash, block.and_then(|block| shown(&block, job_manager))));
        }
        let Some((_, Some(Shown { claims, call }))) = &self.first else { return Ok(None) };
        for claim in claims {
            let info = chain.claim_info(*claim).await?;
            if ClaimState::from_byte(info.state) != Some(ClaimState::Confirmed) {
                return Ok(None);
            }
        }
        Ok(Some(call.clone()))
    }
}

/// What shows a block; `None` when it is too long for a transaction.
fn shown(block: &ReceiptedBlock, job_manager: Address) -> Option<Shown> {
    let receipts: Vec<Bytes> = block.receipts().iter().map(|receipt| receipt.encoded_2718().into()).collect();
    let size_bytes: usize = receipts.iter().map(|receipt| receipt.len()).sum();
    let claims = block.claims(job_manager).iter().map(|claim| claim.id()).collect();
    let header = alloy_rlp::encode(block.header()).into();
    (size_bytes <= MAX_RECEIPTS_SIZE_BYTES)
        .then_some(Shown { claims, call: Settlement::finalizeProvenCall { header, receipts } })
}
