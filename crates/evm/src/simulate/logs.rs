//! The logs of simulated calls, and transfers of ether among them as logs.

use alloy_primitives::{Address, B256, Bytes, Log, U256, address, b256};
use revm::Inspector;
use revm::context_interface::ContextTr;
use revm::interpreter::{CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome};

/// Emitter of the logs that show transfers.
const TRANSFER_EMITTER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// Topic of `Transfer(address,address,uint256)`.
const TRANSFER_TOPIC: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// A log and its number in the block. Logs that were reverted have numbers too, as geth counts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedLog {
    /// The log.
    pub log: Log,
    /// Its number in the block, from 0.
    pub index: u64,
}

/// Collects logs and, where asked to, transfers of ether as logs.
#[derive(Clone, Debug, Default)]
pub struct TransferLogs {
    with_transfers: bool,
    next_index: u64,
    /// Logs of the calls under way, the outermost first.
    frames: Vec<Vec<IndexedLog>>,
    finished: Vec<IndexedLog>,
}

impl TransferLogs {
    /// Collects logs alone.
    pub fn logs_only() -> Self {
        Self::default()
    }

    /// Collects transfers as well.
    pub fn with_transfers() -> Self {
        Self { with_transfers: true, ..Self::default() }
    }

    pub(crate) fn start_block(&mut self) {
        self.next_index = 0;
    }

    pub(crate) fn start_call(&mut self) {
        self.frames.clear();
        self.finished.clear();
    }

    /// The logs of the call that ended.
    pub(crate) fn end_call(&mut self, succeeded: bool) -> Vec<IndexedLog> {
        let logs = std::mem::take(&mut self.finished);
        if succeeded { logs } else { Vec::new() }
    }

    fn push(&mut self, log: Log) {
        let index = self.next_index;
        self.next_index += 1;
        let frame = self.frames.last_mut().unwrap_or(&mut self.finished);
        frame.push(IndexedLog { log, index });
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if !self.with_transfers || value.is_zero() {
            return;
        }
        let topics = vec![TRANSFER_TOPIC, from.into_word(), to.into_word()];
        let data = Bytes::from(value.to_be_bytes::<32>());
        self.push(Log::new_unchecked(TRANSFER_EMITTER, topics, data));
    }

    fn leave(&mut self, succeeded: bool) {
        let Some(frame) = self.frames.pop() else { return };
        if succeeded {
            self.frames.last_mut().unwrap_or(&mut self.finished).extend(frame);
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for TransferLogs {
    fn log(&mut self, _: &mut CTX, log: Log) {
        self.push(log);
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.frames.push(Vec::new());
        if let Some(value) = inputs.transfer_value() {
            let to = match inputs.scheme {
                CallScheme::CallCode => inputs.bytecode_address,
                _ => inputs.transfer_to(),
            };
            self.transfer(inputs.transfer_from(), to, value);
        }
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.leave(outcome.result.result.is_ok());
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        use revm::context_interface::JournalTr;
        self.frames.push(Vec::new());
        if let Ok(creator) = context.journal_mut().load_account(inputs.caller()) {
            let created = inputs.created_address(creator.data.info.nonce);
            self.transfer(inputs.caller(), created, inputs.value());
        }
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.leave(outcome.result.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
