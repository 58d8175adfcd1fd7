//! What the node tells of its settlement over JSON-RPC: proposals, signed headers, refusals.

use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes};
use ivm_rpc::{IvmError, ProposalInfo, ProposalStatus, RefusedBlock, SettlementInfo, SignedHeaderInfo};

use ivm_settlement::{FollowMode, SETTLEMENT_ADDRESS, SignedHeader};

use crate::{NodeError, node::Shared};

/// Heights beyond the tip at which headers are taken note of.
const MAX_HEIGHT_AHEAD: u64 = 64;

/// A block that was ordered, and what the node makes of it.
pub(crate) fn proposal(shared: &Shared, block_hash: B256) -> Result<Option<ProposalInfo>, NodeError> {
    let (header, signature) = match shared.settlement.payload(block_hash)? {
        Some(payload) => {
            let (header, encoded) = payload.header().map_err(malformed(block_hash))?;
            ((header, encoded), payload.signature)
        }
        // Payloads of final blocks are forgotten; the chain has the block.
        None => match shared.chain.header(block_hash.into())? {
            Some(header) if header.number > 0 => {
                let encoded = Bytes::from(alloy_rlp::encode(&header));
                ((header, encoded), Bytes::new())
            }
            _ => return Ok(None),
        },
    };
    let (header, encoded) = header;
    let is_followed = shared.chain.block_hash(header.number.into())? == Some(block_hash);
    let refusal = shared.refusals.lock().get(block_hash).cloned();
    let status = match (&refusal, is_followed) {
        (_, true) => ProposalStatus::Followed,
        (Some(_), false) => ProposalStatus::Refused,
        (None, false) => ProposalStatus::NotFollowed,
    };
    let receipts = match is_followed {
        true => shared.chain.receipts(block_hash)?,
        false => refusal.as_ref().and_then(|refusal| refusal.receipts.clone()),
    };
    Ok(Some(ProposalInfo {
        block_hash,
        header: encoded,
        signature,
        receipts: receipts
            .map(|receipts| receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect()),
        status,
        refusal: refusal.map(|refusal| refusal.reason),
    }))
}

/// Headers signed for a height: the one that is ordered, and those heard of beside it.
pub(crate) fn signed_headers(shared: &Shared, number: u64) -> Result<Vec<SignedHeaderInfo>, NodeError> {
    let mut headers = Vec::new();
    let tip = shared.settlement.tip()?;
    if number <= tip.number {
        let hash = shared.settlement.canonical_hash(number)?;
        if let Some(payload) = shared.settlement.payload(hash)? {
            let (_, header) = payload.header().map_err(malformed(hash))?;
            headers.push(SignedHeaderInfo { header, signature: payload.signature });
        }
    }
    for (header, signature) in shared.signed_headers.lock().at(number) {
        let header = alloy_rlp::encode(header).into();
        headers.push(SignedHeaderInfo { header, signature: signature.clone() });
    }
    Ok(headers)
}

/// Takes note of a header that a bonded proposer signed; others are of no use.
pub(crate) fn take_signed_header(shared: &Shared, info: SignedHeaderInfo) -> Result<B256, IvmError> {
    let invalid = |reason: String| IvmError::InvalidHeader { reason };
    let internal = |error: NodeError| IvmError::Internal(error.to_string());
    let signed = SignedHeader::from_bytes(&info.header, &info.signature)
        .map_err(|error| invalid(error.to_string()))?;
    let header = signed.header().clone();
    let limit = shared.settlement.tip().map_err(internal)?.number.saturating_add(MAX_HEIGHT_AHEAD);
    if header.number > limit {
        return Err(invalid(format!("block {}, expected at most {limit}", header.number)));
    }
    let hash = header.hash_slow();
    let signer = signed.signer(shared.settlement.domain()).map_err(|error| invalid(error.to_string()))?;
    if !shared.settlement.is_active(signer).map_err(internal)? {
        return Err(invalid(format!("signed by {signer}, who is no active proposer")));
    }
    if !shared.signed_headers.lock().add(header, info.signature) {
        return Err(IvmError::Busy { what: "signed headers of one height", limit: 16 });
    }
    Ok(hash)
}

fn malformed(block_hash: B256) -> impl Fn(alloy_rlp::Error) -> NodeError {
    move |reason| NodeError::PayloadMalformed { block_hash, reason }
}

/// Where the chain is settled, and what the node refuses.
pub(crate) fn info(shared: &Shared, rpc_port: u16) -> SettlementInfo {
    let refused = shared.refusals.lock();
    SettlementInfo {
        chain_id: shared.settlement.chain.config().chain_id,
        contract: SETTLEMENT_ADDRESS,
        rpc_port: Some(rpc_port.into()),
        head_block: shared.settlement.chain.head().block.number(),
        validating: shared.follow_mode == FollowMode::Validating,
        refused: refused
            .iter()
            .map(|refusal| RefusedBlock {
                block_hash: refusal.block_hash,
                number: refusal.number,
                reason: refusal.reason.clone(),
                ordered: refusal.ordered,
            })
            .collect(),
    }
}
