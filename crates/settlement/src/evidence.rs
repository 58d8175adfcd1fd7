//! Claims of a block, and what shows one to the settlement contract: its header and a proof of the receipt.

use alloy_consensus::proofs::calculate_receipt_root;
use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue};
use alloy_trie::proof::ProofRetainer;
use alloy_trie::root::adjust_index_for_rlp;
use alloy_trie::{HashBuilder, Nibbles};
use ivm_contracts::{ISettlement, JobManager};

/// A proposer's statement that a job has an outcome: a log of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The block.
    pub block_hash: B256,
    /// Position of its transaction in the block, from 0.
    pub transaction_index: u64,
    /// Position of its log in the transaction's receipt, from 0.
    pub log_index: u64,
    /// The job.
    pub job_id: B256,
    /// The program.
    pub program_id: B256,
    /// Commitment to both inputs.
    pub input_commitment: B256,
    /// Most cycles the run may take.
    pub max_cycles: u64,
    /// Hash of the outcome.
    pub outcome_hash: B256,
    /// Cycles that the run is said to have taken.
    pub cycles: u64,
}

/// The id of a claim, as the contract computes it.
pub fn claim_id(key: &ISettlement::ClaimKey) -> B256 {
    keccak256(key.abi_encode())
}

/// The id of a challenge, as the contract computes it.
pub fn challenge_id(claim_id: B256, challenger: Address, kind: ivm_contracts::ChallengeKind) -> B256 {
    keccak256((claim_id, challenger, U256::from(kind as u8)).abi_encode())
}

impl Claim {
    /// Its id on the settlement chain.
    pub fn id(&self) -> B256 {
        claim_id(&self.key())
    }

    /// Its place, as the contract takes it.
    pub fn key(&self) -> ISettlement::ClaimKey {
        ISettlement::ClaimKey {
            blockHash: self.block_hash,
            transactionIndex: U256::from(self.transaction_index),
            logIndex: U256::from(self.log_index),
            statementHash: keccak256(self.statement().abi_encode()),
        }
    }

    /// What a proof judges of it.
    pub fn statement(&self) -> ISettlement::Statement {
        ISettlement::Statement {
            programId: self.program_id,
            inputCommitment: self.input_commitment,
            outcomeHash: self.outcome_hash,
        }
    }
}

/// Why a claim cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The receipts are not those of the block.
    #[error("receipts have root {got}, the header of block {block_hash} says {expected}")]
    OtherReceipts {
        /// The block.
        block_hash: B256,
        /// Root of the receipts given.
        got: B256,
        /// Root in the header.
        expected: B256,
    },
    /// The block has no such transaction.
    #[error("block {block_hash} has {count} receipts, there is no number {index}")]
    NoSuchReceipt {
        /// The block.
        block_hash: B256,
        /// Position asked for.
        index: u64,
        /// How many there are.
        count: usize,
    },
}

/// A block's header and its receipts, which belong together.
#[derive(Clone, Debug)]
pub struct ReceiptedBlock {
    header: Header,
    hash: B256,
    receipts: Vec<ReceiptEnvelope>,
}

impl ReceiptedBlock {
    /// Joins them.
    ///
    /// # Errors
    /// [`EvidenceError::OtherReceipts`] when the header is not theirs.
    pub fn new(header: Header, receipts: Vec<ReceiptEnvelope>) -> Result<Self, EvidenceError> {
        let block_hash = header.hash_slow();
        let (got, expected) = (calculate_receipt_root(&receipts), header.receipts_root);
        if got != expected {
            return Err(EvidenceError::OtherReceipts { block_hash, got, expected });
        }
        Ok(Self { header, hash: block_hash, receipts })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Hash of the block.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The receipts, in order.
    pub fn receipts(&self) -> &[ReceiptEnvelope] {
        &self.receipts
    }

    /// Its claims, in order: the `ClaimPosted` logs of the job manager. What the contract does not read as a claim is not
    /// among them.
    pub fn claims(&self, job_manager: Address) -> Vec<Claim> {
        let mut claims = Vec::new();
        for (transaction_index, receipt) in (0..).zip(&self.receipts) {
            for (log_index, log) in (0..).zip(receipt.logs()) {
                if log.address != job_manager {
                    continue;
                }
                let Ok(posted) = JobManager::ClaimPosted::decode_log_validate(log) else { continue };
                claims.push(Claim {
                    block_hash: self.hash,
                    transaction_index,
                    log_index,
                    job_id: posted.jobId,
                    program_id: posted.programId,
                    input_commitment: posted.inputCommitment,
                    max_cycles: posted.maxCycles,
                    outcome_hash: posted.outcomeHash,
                    cycles: posted.cycles,
                });
            }
        }
        claims
    }

    /// What shows a log of the block to the contract.
    ///
    /// # Errors
    /// [`EvidenceError::NoSuchReceipt`].
    pub fn evidence(
        &self,
        transaction_index: u64,
        log_index: u64,
    ) -> Result<ISettlement::ClaimEvidence, EvidenceError> {
        Ok(ISettlement::ClaimEvidence {
            header: alloy_rlp::encode(&self.header).into(),
            transactionIndex: U256::from(transaction_index),
            receiptProof: self.receipt_proof(transaction_index)?,
            logIndex: U256::from(log_index),
        })
    }

    /// Nodes of the receipts trie from the root to a receipt.
    fn receipt_proof(&self, transaction_index: u64) -> Result<Vec<Bytes>, EvidenceError> {
        let count = self.receipts.len();
        let wanted = usize::try_from(transaction_index)
            .ok()
            .filter(|index| *index < count)
            .ok_or(EvidenceError::NoSuchReceipt { block_hash: self.hash, index: transaction_index, count })?;
        let target = receipt_key(wanted);
        let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
        for position in 0..count {
            let index = adjust_index_for_rlp(position, count);
            builder.add_leaf(receipt_key(index), &self.receipts[index].encoded_2718());
        }
        builder.root();
        let nodes = builder.take_proof_nodes().matching_nodes_sorted(&target);
        Ok(nodes.into_iter().map(|(_, node)| node).collect())
    }
}

/// The key of a receipt in the trie: the RLP of its position.
pub(crate) fn receipt_key(index: usize) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode_fixed_size(&index))
}
