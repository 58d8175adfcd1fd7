//! The settlement chain that is part of this process.

use std::sync::Arc;

use alloy_consensus::{Header, TxEnvelope, TxReceipt};
use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{Address, Bytes, TxHash, TxKind, U256};
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use async_trait::async_trait;
use ivm_chain::{CallRequest, Chain, ChainError, ExecutionResult, LogQuery, LogRange, halt_message};
use ivm_contracts::Settlement;
use parking_lot::Mutex;
use revm::inspector::NoOpInspector;
use tokio::sync::broadcast::error::RecvError;

use crate::chain::{SettlementChain, SettlementReceipt, Terms, decode_return, read_fork_choice};
use crate::error::SettlementError;
use crate::events::{self, SettlementLog};
use crate::fork_choice::ForkChoice;
use crate::genesis::SETTLEMENT_ADDRESS;

/// The settlement chain of this process. Clones share one.
#[derive(Clone, Debug)]
pub struct EmbeddedSettlement {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    chain: Chain,
    /// The execution chain as of a settlement block.
    fork_choice: Mutex<Option<(u64, ForkChoice)>>,
    /// Held while a nonce is chosen and used.
    sending: Mutex<()>,
}

impl EmbeddedSettlement {
    /// The settlement contract on this chain, which was made by a [`SettlementGenesis`](crate::SettlementGenesis).
    pub fn new(chain: Chain) -> Self {
        Self { inner: Arc::new(Inner { chain, fork_choice: Mutex::default(), sending: Mutex::default() }) }
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.inner.chain
    }

    /// Calls the contract after a block.
    ///
    /// # Errors
    /// [`SettlementError::Reverted`] when it refuses.
    pub fn call_at(&self, block: BlockId, calldata: Bytes) -> Result<Bytes, SettlementError> {
        self.call_as(Address::ZERO, block, calldata)
    }

    /// Calls the contract after a block, as an account would.
    ///
    /// # Errors
    /// [`SettlementError::Reverted`] when it refuses.
    pub fn call_as(&self, from: Address, block: BlockId, calldata: Bytes) -> Result<Bytes, SettlementError> {
        let transaction = TransactionRequest {
            from: Some(from),
            to: Some(TxKind::Call(SETTLEMENT_ADDRESS)),
            input: calldata.into(),
            ..TransactionRequest::default()
        };
        let request = CallRequest { transaction, block, ..CallRequest::default() };
        match self.inner.chain.call(request, NoOpInspector)? {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(SettlementError::reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(SettlementError::Unreachable(halt_message(&reason))),
        }
    }

    /// Reads from the contract after a block.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub fn read_at<C: SolCall>(&self, block: BlockId, call: C) -> Result<C::Return, SettlementError> {
        decode_return::<C>(&self.call_at(block, call.abi_encode().into())?)
    }

    /// The execution chain as the contract has it at the head. The first time it is read from the contract, then followed by
    /// its events.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub fn fork_choice_at_head(&self) -> Result<ForkChoice, SettlementError> {
        let head = self.inner.chain.head().block.number();
        let mut kept = self.inner.fork_choice.lock();
        let (as_of, mut choice) = match kept.take() {
            Some(known) => known,
            None => (head, self.read_fork_choice(head)?),
        };
        if as_of < head {
            for log in self.logs_in(as_of + 1, head)? {
                choice.apply(&log.event)?;
            }
            choice.forget_below(choice.finalized().number);
        }
        // Another thread may have come further meanwhile, with the head it saw.
        *kept = Some((as_of.max(head), choice.clone()));
        Ok(choice)
    }

    fn read_fork_choice(&self, block: u64) -> Result<ForkChoice, SettlementError> {
        let id = BlockId::number(block);
        let finalized = self.read_at(id, Settlement::finalizedNumberCall {})?;
        let tip = self.read_at(id, Settlement::tipCall {})?.number;
        let hashes =
            (finalized..=tip).map(|number| self.read_at(id, Settlement::canonicalHashCall { number }));
        read_fork_choice(finalized, tip, hashes.collect::<Result<_, _>>()?)
    }

    /// The transaction that proposes a block, for the front of the next settlement block: at its base fee, without a tip.
    ///
    /// # Errors
    /// When the key does not sign, or the state cannot be read.
    pub fn propose_transaction(
        &self,
        signer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, SettlementError> {
        let chain = &self.inner.chain;
        let nonce = chain.state_at(BlockId::latest())?.nonce(signer.address()).map_err(ChainError::from)?;
        Terms { nonce, ..self.terms() }.propose(signer, header)
    }

    fn terms(&self) -> Terms {
        let chain = &self.inner.chain;
        Terms {
            chain_id: chain.config().chain_id,
            contract: SETTLEMENT_ADDRESS,
            nonce: 0,
            base_fee_wei: chain.next_base_fee().into(),
            tip_wei: Terms::tip(),
            gas_limit: 0,
        }
    }

    fn logs_in(&self, from: u64, to: u64) -> Result<Vec<SettlementLog>, SettlementError> {
        let range = LogRange::Numbers { from, to };
        let query = LogQuery { range, filter: Filter::new().address(SETTLEMENT_ADDRESS) };
        let logs = self.inner.chain.logs(&query)?.into_iter().filter_map(|mined| {
            Some(SettlementLog {
                block_number: mined.block_number,
                transaction_hash: mined.transaction_hash,
                log_index: mined.log_index,
                event: events::decode(&mined.log)?,
            })
        });
        Ok(logs.collect())
    }

    fn send_now(
        &self,
        signer: &PrivateKeySigner,
        value: U256,
        calldata: Bytes,
    ) -> Result<TxHash, SettlementError> {
        let chain = &self.inner.chain;
        let from = signer.address();
        let transaction = TransactionRequest {
            from: Some(from),
            to: Some(TxKind::Call(SETTLEMENT_ADDRESS)),
            value: Some(value),
            input: calldata.clone().into(),
            ..TransactionRequest::default()
        };
        let request = CallRequest { transaction, block: BlockId::latest(), ..CallRequest::default() };
        let estimate = chain.estimate_gas(request, NoOpInspector)?;
        let gas_limit = Terms::gas_limit(estimate, chain.config().block_gas_limit);
        let _guard = self.inner.sending.lock();
        let nonce = match chain.pool().next_nonce(from) {
            Some(nonce) => nonce,
            None => chain.state_at(BlockId::latest())?.nonce(from).map_err(ChainError::from)?,
        };
        let signed = Terms { nonce, gas_limit, ..self.terms() }.sign(signer, value, calldata)?;
        Ok(chain.submit_transaction(&signed.encoded_2718())?)
    }

    fn receipt_of(&self, hash: TxHash) -> Result<Option<SettlementReceipt>, SettlementError> {
        let chain = &self.inner.chain;
        let Some(mined) = chain.transaction(hash)? else { return Ok(None) };
        let receipts = chain.receipts(mined.block_hash)?.unwrap_or_default();
        let index = usize::try_from(mined.index).unwrap_or(usize::MAX);
        let before = index.checked_sub(1).and_then(|before| receipts.get(before));
        let before = before.map_or(0, TxReceipt::cumulative_gas_used);
        Ok(receipts.get(index).map(|receipt| SettlementReceipt {
            transaction_hash: hash,
            block_number: mined.block_number,
            succeeded: receipt.status(),
            gas_used: receipt.cumulative_gas_used().saturating_sub(before),
        }))
    }
}

#[async_trait]
impl SettlementChain for EmbeddedSettlement {
    fn contract(&self) -> Address {
        SETTLEMENT_ADDRESS
    }

    fn chain_id(&self) -> u64 {
        self.inner.chain.config().chain_id
    }

    async fn block_number(&self) -> Result<u64, SettlementError> {
        Ok(self.inner.chain.head().block.number())
    }

    async fn call(&self, calldata: Bytes) -> Result<Bytes, SettlementError> {
        self.call_at(BlockId::latest(), calldata)
    }

    async fn call_after(&self, block: u64, calldata: Bytes) -> Result<Bytes, SettlementError> {
        self.call_at(BlockId::number(block), calldata)
    }

    async fn logs(&self, from: u64, to: u64) -> Result<Vec<SettlementLog>, SettlementError> {
        self.logs_in(from, to)
    }

    async fn send(
        &self,
        signer: &PrivateKeySigner,
        value: U256,
        calldata: Bytes,
    ) -> Result<TxHash, SettlementError> {
        self.send_now(signer, value, calldata)
    }

    async fn propose_transaction(
        &self,
        signer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, SettlementError> {
        self.propose_transaction(signer, header)
    }

    async fn receipt(&self, hash: TxHash) -> Result<Option<SettlementReceipt>, SettlementError> {
        self.receipt_of(hash)
    }

    async fn has_pending(&self, account: Address) -> Result<bool, SettlementError> {
        Ok(self.inner.chain.pool().next_nonce(account).is_some())
    }

    async fn wait_for_block(&self, number: u64) -> Result<u64, SettlementError> {
        let mut events = self.inner.chain.subscribe();
        loop {
            let head = self.inner.chain.head().block.number();
            if head >= number {
                return Ok(head);
            }
            if let Err(RecvError::Closed) = events.recv().await {
                return Err(SettlementError::Unreachable("the chain is closed".into()));
            }
        }
    }
}
