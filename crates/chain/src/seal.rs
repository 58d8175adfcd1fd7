//! Sealing a block that was executed: its changes go into its parent's state, whose new root ends its header.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_primitives::Address;
use ivm_evm::ExecutedBlock;
use ivm_state::{StateUpdate, StateView};
use revm::database::BundleState;

use crate::block::SealedBlock;
use crate::build::BuiltBlock;
use crate::error::ChainError;
use crate::header;

/// What executing a block gave: all but the root of the state that it leads to.
#[derive(Debug)]
pub(crate) struct Executed {
    /// The header, its results still empty.
    pub(crate) header: Header,
    /// Whether the header holds a hash of requests (EIP-7685).
    pub(crate) has_requests: bool,
    pub(crate) executed: ExecutedBlock,
}

/// A header with its results, and what goes with it.
pub(crate) struct Sealed {
    pub(crate) header: Header,
    pub(crate) receipts: Vec<ReceiptEnvelope>,
    pub(crate) update: StateUpdate,
    /// Accounts whose nonce, balance or code may have changed.
    pub(crate) touched: Vec<Address>,
}

impl Executed {
    /// Puts the changes into the parent's state.
    pub(crate) fn seal(self, parent: &StateView) -> Result<Sealed, ChainError> {
        let Self { mut header, has_requests, executed } = self;
        let update = parent.prepare(&executed.changes)?;
        header::set_results(&mut header, &executed, update.root(), has_requests);
        let touched: BTreeSet<_> = executed.changes.state.keys().copied().collect();
        let touched = touched.into_iter().collect();
        Ok(Sealed { header, receipts: executed.receipts, update, touched })
    }
}

/// A block that was executed and agrees with its header, as far as is known before the root of its state is.
#[derive(Debug)]
pub(crate) struct Unsealed {
    /// The block, as its proposer has it.
    pub(crate) block: SealedBlock,
    pub(crate) executed: Executed,
}

impl Unsealed {
    /// Every change of state.
    pub(crate) fn changes(&self) -> &Arc<BundleState> {
        &self.executed.executed.changes
    }

    /// Puts the changes into the parent's state, and compares the whole header.
    ///
    /// # Errors
    /// [`ChainError::InvalidBlock`] names the field that differs.
    pub(crate) fn seal(self, parent: &StateView) -> Result<BuiltBlock, ChainError> {
        let Self { block, executed } = self;
        let Sealed { header, receipts, update, touched } = executed.seal(parent)?;
        header::check_equal(block.header(), &header)?;
        Ok(BuiltBlock::new(block, receipts, update, touched))
    }
}
