//! Building a block.

use std::sync::Arc;

use alloy_consensus::proofs::calculate_transaction_root;
use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, ReceiptEnvelope, Transaction, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B64, B256, Bytes, TxHash};
use ivm_evm::{BlockExecution, BodyInput, InvalidTransaction, TransactionError};
use ivm_state::StateUpdate;

use crate::block::{CommittedBlock, Content, SealedBlock, recover};
use crate::chain::{Chain, Tip};
use crate::config::{MAX_BLOCK_SIZE_BYTES, MAX_EXTRA_DATA_SIZE_BYTES};
use crate::error::{BlockError, ChainError};
use crate::header::{self, BodyFacts, Chosen};
use crate::pipeline;
use crate::seal::{Executed, Sealed, Unsealed};

/// Bytes of a block kept for its header and the list headers of its RLP.
const BLOCK_OVERHEAD_BYTES: usize = 2048;
/// Bytes a transaction's encoding takes beside itself: the header of an RLP string.
const TRANSACTION_OVERHEAD_BYTES: usize = 9;
/// No transaction uses less gas.
const MIN_TRANSACTION_GAS: u64 = 21_000;

/// What a block is built from.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Transactions that come first, in this order, before any of the pool: results, program registrations. One that
    /// cannot be executed is left out ([`BuiltBlock::rejected_leading`]).
    pub leading_transactions: Vec<TxEnvelope>,
    /// Most gas of those, as it was used by those before and may be by the next: from the first that may use more, all are
    /// left out ([`BuiltBlock::leading_left_out`]). The block's own limit without it.
    pub max_leading_gas: Option<u64>,
    /// Seconds since 1970; the parent's timestamp is taken when it is later.
    pub timestamp: u64,
    /// Who gets the tips: the proposer.
    pub beneficiary: Address,
    /// What `PREVRANDAO` gives.
    pub prev_randao: B256,
    /// What EIP-4788's contract is told.
    pub parent_beacon_block_root: B256,
    /// At most 32 bytes of the proposer's choice.
    pub extra_data: Bytes,
}

/// A transaction left out of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedTransaction {
    /// Its hash.
    pub hash: TxHash,
    /// Why.
    pub reason: String,
}

/// A block built and executed, not yet committed: look at its receipts, then pass it to [`Chain::commit`] or drop it.
#[derive(Debug)]
pub struct BuiltBlock {
    pub(crate) committed: CommittedBlock,
    pub(crate) update: StateUpdate,
    /// Accounts whose nonce, balance or code may have changed.
    pub(crate) touched: Vec<Address>,
    rejected_leading: Vec<RejectedTransaction>,
    leading_left_out: usize,
    dropped_from_pool: Vec<RejectedTransaction>,
}

impl BuiltBlock {
    pub(crate) fn new(
        block: SealedBlock,
        receipts: Vec<ReceiptEnvelope>,
        update: StateUpdate,
        touched: Vec<Address>,
    ) -> Self {
        Self {
            committed: CommittedBlock { block, receipts: Arc::new(receipts) },
            update,
            touched,
            rejected_leading: Vec::new(),
            leading_left_out: 0,
            dropped_from_pool: Vec::new(),
        }
    }

    /// The block.
    pub fn block(&self) -> &SealedBlock {
        &self.committed.block
    }

    /// Its receipts, one per transaction.
    pub fn receipts(&self) -> &[ReceiptEnvelope] {
        &self.committed.receipts
    }

    /// The block with its receipts.
    pub fn committed(&self) -> &CommittedBlock {
        &self.committed
    }

    /// How many leading transactions, the last of them, were left for another block: they may use too much gas.
    pub fn leading_left_out(&self) -> usize {
        self.leading_left_out
    }

    /// Leading transactions that cannot be executed.
    pub fn rejected_leading(&self) -> &[RejectedTransaction] {
        &self.rejected_leading
    }

    /// Transactions that proved invalid, or need data that this node lacks, and left the pool.
    pub fn dropped_from_pool(&self) -> &[RejectedTransaction] {
        &self.dropped_from_pool
    }
}

/// A block while transactions are added.
struct Assembly<'a> {
    tip: Tip,
    takes_blobs: bool,
    header: Header,
    execution: BlockExecution<'a>,
    transactions: Vec<Recovered<TxEnvelope>>,
    size_bytes: usize,
    max_size_bytes: usize,
    blob_gas: u64,
    max_blob_gas: u64,
}

/// Why a transaction is not in the block.
enum Refusal {
    /// The block has no room for it.
    NoRoom(String),
    /// It is not valid at this point.
    Invalid(InvalidTransaction),
    /// This node lacks data that executing it needs.
    Unavailable(String),
    /// This chain takes no transactions of its kind.
    Kind,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRoom(reason) => f.write_str(reason),
            Self::Invalid(reason) => reason.fmt(f),
            Self::Unavailable(lacking) => write!(f, "data is not available: {lacking}"),
            Self::Kind => f.write_str("blob transactions are not supported"),
        }
    }
}

impl<'a> Assembly<'a> {
    /// Starts the block with this header on its parent's state.
    fn start(
        chain: &'a Chain,
        tip: Tip,
        header: Header,
        ommers: &'a [Header],
        withdrawals: Option<&'a Withdrawals>,
    ) -> Result<Self, ChainError> {
        let config = chain.config();
        let database = pipeline::database(&tip);
        let withdrawals = withdrawals.map(|withdrawals| withdrawals.as_slice());
        let body = BodyInput { ommers, withdrawals };
        let execution = BlockExecution::start(&header, body, &config.rules, config.chain_id, database)?;
        let max_size_bytes = header::ethereum_place(&config.rules, &tip.block)
            .map_or(MAX_BLOCK_SIZE_BYTES, |place| place.max_size_bytes(header.timestamp));
        let blobs = config.rules.blob_params(header.timestamp);
        Ok(Self {
            tip,
            takes_blobs: config.rules.schedule().is_some(),
            header,
            execution,
            transactions: Vec::new(),
            size_bytes: BLOCK_OVERHEAD_BYTES,
            max_size_bytes,
            blob_gas: 0,
            max_blob_gas: blobs.map_or(0, |blobs| blobs.max_blob_gas_per_block()),
        })
    }

    fn gas_left(&self) -> u64 {
        self.header.gas_limit.saturating_sub(self.execution.gas_used())
    }

    fn add(&mut self, transaction: &Recovered<TxEnvelope>) -> Result<Result<(), Refusal>, ChainError> {
        if transaction.is_eip4844() && !self.takes_blobs {
            return Ok(Err(Refusal::Kind));
        }
        let size = self.size_bytes + transaction.inner().encode_2718_len() + TRANSACTION_OVERHEAD_BYTES;
        let limit = self.max_size_bytes;
        if size > limit {
            return Ok(Err(Refusal::NoRoom(format!("block would be {size} bytes, the limit is {limit}"))));
        }
        let blob_gas = self.blob_gas.saturating_add(transaction.blob_gas_used().unwrap_or_default());
        let limit = self.max_blob_gas;
        if blob_gas > limit {
            let reason = format!("block would hold {blob_gas} gas of blobs, the limit is {limit}");
            return Ok(Err(Refusal::NoRoom(reason)));
        }
        match self.execution.execute(transaction) {
            Ok(()) => {
                self.blob_gas = blob_gas;
                if self.execution.receipts_hold_state_roots() {
                    let update = self.tip.state.prepare(&self.execution.changes())?;
                    self.execution.set_post_state(update.root());
                }
                self.transactions.push(transaction.clone());
                self.size_bytes = size;
                Ok(Ok(()))
            }
            Err(error @ TransactionError::DoesNotFit { .. }) => Ok(Err(Refusal::NoRoom(error.to_string()))),
            Err(TransactionError::Invalid(reason)) => Ok(Err(Refusal::Invalid(reason))),
            Err(TransactionError::Unavailable(lacking)) => Ok(Err(Refusal::Unavailable(lacking))),
            Err(TransactionError::Execution(error)) => Err(error.into()),
        }
    }
}

impl Assembly<'_> {
    /// Ends the block's execution, after which its transactions stay what they are.
    fn finish(self) -> Result<(Vec<Recovered<TxEnvelope>>, Executed), ChainError> {
        let Self { header, execution, transactions, .. } = self;
        let has_requests = execution.has_requests();
        Ok((transactions, Executed { header, has_requests, executed: execution.finish()? }))
    }
}

impl Chain {
    /// Builds the block after the head: the leading transactions first, then the pool's by effective tip, each sender's in
    /// order of nonce, until the gas or the size limit. Nothing is committed; a transaction of the pool that proves
    /// invalid, or needs data that this node lacks, leaves the pool.
    ///
    /// # Errors
    /// When `extra_data` is too long or the node fails. No transaction makes it fail.
    pub fn build_block(&self, request: BuildRequest) -> Result<BuiltBlock, ChainError> {
        if request.extra_data.len() > MAX_EXTRA_DATA_SIZE_BYTES {
            return Err(extra_data_too_long(request.extra_data.len()).into());
        }
        let tip = self.tip();
        let parent = &tip.block;
        let place = header::ethereum_place(&self.config().rules, parent);
        // Ethereum's blocks are a second apart at least.
        let earliest = parent.header().timestamp.saturating_add(u64::from(place.is_some()));
        let chosen = Chosen {
            timestamp: request.timestamp.max(earliest),
            beneficiary: request.beneficiary,
            prev_randao: request.prev_randao,
            parent_beacon_block_root: request.parent_beacon_block_root,
            extra_data: request.extra_data,
            gas_limit: place.map_or_else(Default::default, |place| place.unchanged_gas_limit()),
            nonce: B64::ZERO,
        };
        let withdrawals =
            place.is_none_or(|place| place.has_withdrawals(chosen.timestamp)).then(Withdrawals::default);
        let header = header::next_header(self.config(), parent, chosen, &BodyFacts::empty());
        let mut assembly = Assembly::start(self, tip, header, &[], withdrawals.as_ref())?;

        let mut rejected_leading = Vec::new();
        let mut leading_left_out = 0;
        let max_leading_gas = request.max_leading_gas.unwrap_or(u64::MAX);
        let mut leading = request.leading_transactions.into_iter();
        let block_gas = assembly.gas_left();
        while let Some(transaction) = leading.next() {
            let used = block_gas - assembly.gas_left();
            if used.saturating_add(transaction.gas_limit()) > max_leading_gas {
                leading_left_out = 1 + leading.len();
                break;
            }
            let hash = *transaction.tx_hash();
            let reason = match recover(transaction) {
                None => Some("invalid signature".to_owned()),
                Some(transaction) => assembly.add(&transaction)?.err().map(|refusal| refusal.to_string()),
            };
            rejected_leading.extend(reason.map(|reason| RejectedTransaction { hash, reason }));
        }
        let dropped_from_pool = self.add_from_pool(&mut assembly)?;
        let tip = assembly.tip.clone();
        let (transactions, mut executed) = assembly.finish()?;
        let plain: Vec<_> = transactions.iter().map(|transaction| transaction.inner()).collect();
        executed.header.transactions_root = calculate_transaction_root(&plain);
        let Sealed { header, receipts, update, touched } = executed.seal(&tip.state)?;
        let content = Content { transactions, ommers: Vec::new(), withdrawals };
        let block = SealedBlock::new(header, content, Some(&tip.block));
        let mut built = BuiltBlock::new(block, receipts, update, touched);
        built.rejected_leading = rejected_leading;
        built.leading_left_out = leading_left_out;
        built.dropped_from_pool = dropped_from_pool;
        Ok(built)
    }

    fn add_from_pool(&self, assembly: &mut Assembly<'_>) -> Result<Vec<RejectedTransaction>, ChainError> {
        let mut dropped = Vec::new();
        let mut best = self.pool().lock().best(assembly.header.base_fee_per_gas.unwrap_or_default());
        while assembly.gas_left() >= MIN_TRANSACTION_GAS {
            let Some((pooled, rest)) = best.next() else { break };
            if pooled.transaction().gas_limit() > assembly.gas_left() {
                continue;
            }
            match assembly.add(pooled.transaction())? {
                Ok(()) => best.keep(rest),
                // A leading transaction of the same sender took the nonce.
                Err(Refusal::Invalid(InvalidTransaction::NonceTooLow { .. })) => best.keep(rest),
                Err(Refusal::Invalid(InvalidTransaction::NonceTooHigh { .. }) | Refusal::NoRoom(_)) => {}
                Err(refusal) => {
                    let reason = refusal.to_string();
                    tracing::debug!(hash = %pooled.hash(), reason, "transaction leaves the pool");
                    dropped.push(RejectedTransaction { hash: pooled.hash(), reason });
                }
            }
        }
        let pool = self.pool();
        let mut pool = pool.lock();
        for transaction in &dropped {
            pool.remove_hash(transaction.hash);
        }
        Ok(dropped)
    }

    /// Executes the block of another proposer on its parent's state. `expected` is its header without results.
    pub(crate) fn rebuild(
        &self,
        tip: Tip,
        got: Header,
        expected: Header,
        content: Content,
    ) -> Result<Unsealed, ChainError> {
        let parent = tip.block.clone();
        let Content { transactions, ommers, withdrawals } = content;
        let mut assembly = Assembly::start(self, tip, expected, &ommers, withdrawals.as_ref())?;
        for (index, transaction) in transactions.iter().enumerate() {
            assembly.add(transaction)?.map_err(|refusal| {
                let hash = *transaction.inner().tx_hash();
                match refusal {
                    Refusal::Unavailable(lacking) => ChainError::Unavailable { index, hash, lacking },
                    refusal => BlockError::Transaction { index, hash, reason: refusal.to_string() }.into(),
                }
            })?;
        }
        let (transactions, executed) = assembly.finish()?;
        header::check_gas_used(&got, &executed.executed)?;
        let content = Content { transactions, ommers, withdrawals };
        Ok(Unsealed { block: SealedBlock::new(got, content, Some(&parent)), executed })
    }
}

pub(crate) fn extra_data_too_long(length: usize) -> BlockError {
    BlockError::Field {
        field: "extraData",
        got: format!("{length} bytes"),
        expected: format!("at most {MAX_EXTRA_DATA_SIZE_BYTES} bytes"),
    }
}
