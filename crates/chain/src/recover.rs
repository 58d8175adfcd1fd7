//! Who signed a block's transactions: the part of an import that needs no state, so that it can run ahead.

use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_consensus::{Block, Header, Transaction, TxEnvelope};
use alloy_eips::eip4895::Withdrawals;
use alloy_hardforks::EthereumHardfork as Fork;
use alloy_rlp::Encodable;
use ivm_evm::Rules;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::block::{Content, SealedBlock};
use crate::error::BlockError;
use crate::header::BodyFacts;

/// Fewer signatures than this are not shared out: one takes some 40 µs.
const MIN_SIGNATURES: usize = 16;

/// A block whose senders have been recovered, or of which it is known that one cannot be.
#[derive(Debug)]
pub(crate) struct RecoveredBlock {
    pub(crate) header: Header,
    pub(crate) ommers: Vec<Header>,
    pub(crate) withdrawals: Option<Withdrawals>,
    pub(crate) facts: BodyFacts,
    /// Length of its RLP.
    pub(crate) size_bytes: usize,
    transactions: Result<Vec<Recovered<TxEnvelope>>, BlockError>,
}

impl RecoveredBlock {
    /// Recovers the senders of a block's transactions.
    pub(crate) fn new(block: Block<TxEnvelope>, rules: &Rules) -> Self {
        let size_bytes = block.length();
        let facts = Self::body_facts(&block);
        let Block { header, body } = block;
        let signatures = Signatures::at(rules, header.number);
        let recovered: Vec<_> = body
            .transactions
            .into_par_iter()
            .with_min_len(MIN_SIGNATURES)
            .enumerate()
            .map(|(index, transaction)| {
                let hash = *transaction.tx_hash();
                signatures.recover(transaction).map_err(|error| BlockError::Transaction {
                    index,
                    hash,
                    reason: error.to_string(),
                })
            })
            .collect();
        // Of several that cannot be recovered, the first counts.
        let transactions = recovered.into_iter().collect();
        let (ommers, withdrawals) = (body.ommers, body.withdrawals);
        Self { header, ommers, withdrawals, facts, size_bytes, transactions }
    }

    /// A block whose senders were recovered when it was stored.
    pub(crate) fn stored(block: &SealedBlock) -> Self {
        let transactions = block.transactions();
        let plain = transactions.iter().map(|transaction| transaction.inner());
        Self {
            header: block.header().clone(),
            ommers: block.ommers().to_vec(),
            withdrawals: block.withdrawals().cloned(),
            facts: BodyFacts::new(plain, block.ommers(), block.withdrawals()),
            size_bytes: block.size_bytes(),
            transactions: Ok(transactions.to_vec()),
        }
    }

    /// What is under the header.
    ///
    /// # Errors
    /// When a sender cannot be recovered.
    pub(crate) fn into_content(self) -> Result<Content, BlockError> {
        Ok(Content { transactions: self.transactions?, ommers: self.ommers, withdrawals: self.withdrawals })
    }
}

/// Which signatures a block takes.
#[derive(Clone, Copy, Debug)]
struct Signatures {
    /// Those with a high `s` as well: before Homestead (EIP-2).
    high_s: bool,
    /// Those that name a chain: from Spurious Dragon on (EIP-155).
    with_chain_id: bool,
}

impl Signatures {
    fn at(rules: &Rules, number: u64) -> Self {
        match rules.schedule() {
            None => Self { high_s: false, with_chain_id: true },
            Some(schedule) => Self {
                high_s: !schedule.is_active_at_block(Fork::Homestead, number),
                with_chain_id: schedule.is_active_at_block(Fork::SpuriousDragon, number),
            },
        }
    }

    fn recover(self, transaction: TxEnvelope) -> Result<Recovered<TxEnvelope>, SenderError> {
        if transaction.is_legacy() && transaction.chain_id().is_some() && !self.with_chain_id {
            return Err(SenderError::NamesChain);
        }
        if let TxEnvelope::Eip4844(blobs) = &transaction
            && blobs.tx().sidecar().is_some()
        {
            return Err(SenderError::HasSidecar);
        }
        let sender = match self.high_s {
            true => transaction.recover_signer_unchecked(),
            false => transaction.recover_signer(),
        };
        let sender = sender.map_err(|_| SenderError::InvalidSignature)?;
        Ok(Recovered::new_unchecked(transaction, sender))
    }
}

/// Why the sender of a transaction in a block is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    /// Before EIP-155 no signature names a chain.
    #[error("the signature names a chain, which is not valid before EIP-155")]
    NamesChain,
    /// Blobs are not part of a block.
    #[error("a blob transaction in a block has no sidecar")]
    HasSidecar,
    /// No key makes this signature, or it is the other of the two that a key makes (EIP-2).
    #[error("invalid signature")]
    InvalidSignature,
}

/// Recovers the sender of a transaction in a block with this number.
///
/// # Errors
/// [`SenderError`].
pub fn recover_sender(
    transaction: TxEnvelope,
    rules: &Rules,
    block_number: u64,
) -> Result<Recovered<TxEnvelope>, SenderError> {
    Signatures::at(rules, block_number).recover(transaction)
}
