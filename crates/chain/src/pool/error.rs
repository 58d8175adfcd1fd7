//! Why the pool refuses a transaction, in geth's words where geth has them.

use alloy_primitives::{Address, U256};

/// Why a transaction is not taken into the pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The bytes are not a transaction.
    #[error("transaction does not decode: {reason}")]
    Malformed {
        /// What is wrong with them.
        reason: String,
    },
    /// The signature names no sender, or has a high `s`.
    #[error("invalid sender: transaction signature is not valid")]
    InvalidSignature,
    /// The encoding is too long.
    #[error("oversized data: transaction size {got}, limit {limit}")]
    Oversized {
        /// Its length.
        got: usize,
        /// Most that is allowed.
        limit: usize,
    },
    /// Blob transactions are not taken: this chain has no blob space.
    #[error("transaction type not supported: blob transactions (EIP-4844), this chain carries no blobs")]
    BlobTransaction,
    /// A blob transaction without its blobs.
    #[error("missing sidecar in blob transaction")]
    MissingBlobs,
    /// A blob transaction has no blobs, or too many.
    #[error("blob transaction with {got} blobs, limit {limit}")]
    BlobCount {
        /// Its blobs.
        got: u64,
        /// Most that are allowed.
        limit: u64,
    },
    /// Blobs are not those that the transaction names.
    #[error("invalid blobs: {reason}")]
    InvalidBlobs {
        /// What is wrong with them.
        reason: String,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {got} want {expected}")]
    WrongChainId {
        /// Chain id signed for.
        got: u64,
        /// Chain id of this chain.
        expected: u64,
    },
    /// Not replay-protected (before EIP-155).
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    NotReplayProtected,
    /// The tip is over the fee cap.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap {
        /// Tip per gas.
        tip: u128,
        /// Fee cap per gas.
        fee: u128,
    },
    /// The tip is under the node's minimum.
    #[error("transaction underpriced: gas tip cap {got}, minimum needed {minimum}")]
    Underpriced {
        /// Tip per gas.
        got: u128,
        /// Least this node takes.
        minimum: u128,
    },
    /// The gas limit is over a block's.
    #[error("exceeds block gas limit")]
    GasLimitTooHigh {
        /// Gas limit of the transaction.
        got: u64,
        /// Gas limit of a block.
        limit: u64,
    },
    /// The gas limit does not pay for the transaction itself.
    #[error("intrinsic gas too low: gas {got}, minimum needed {needed}")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        got: u64,
        /// Least gas it needs.
        needed: u64,
    },
    /// The gas limit is under the floor for its calldata (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {got}, minimum needed {needed}")]
    FloorDataGas {
        /// Gas limit of the transaction.
        got: u64,
        /// Least gas it needs.
        needed: u64,
    },
    /// The init code of a creation is too long (EIP-3860).
    #[error("max initcode size exceeded: code size {got}, limit {limit}")]
    InitCodeTooLarge {
        /// Its length.
        got: usize,
        /// Most that is allowed.
        limit: usize,
    },
    /// A set-code transaction without authorizations (EIP-7702).
    #[error("set code transaction with no authorizations")]
    NoAuthorizations,
    /// The nonce is used.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// Nonce of the transaction.
        got: u64,
        /// Next nonce of its sender.
        next: u64,
    },
    /// The nonce cannot be followed by another (EIP-2681).
    #[error("nonce has max value: {got}")]
    NonceMax {
        /// Nonce of the transaction.
        got: u64,
    },
    /// The sender has code that is not a delegation (EIP-3607).
    #[error("sender not an eoa: address {sender}")]
    SenderHasCode {
        /// The sender.
        sender: Address,
    },
    /// The balance does not cover the transaction.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}",
        .cost.saturating_sub(*.balance)
    )]
    InsufficientFunds {
        /// The sender's balance.
        balance: U256,
        /// The most the transaction can cost.
        cost: U256,
    },
    /// The balance does not cover the transaction beside the sender's others in the pool.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, \
         overshot {}", .queued.saturating_add(*.cost).saturating_sub(*.balance)
    )]
    Overdrawn {
        /// The sender's balance.
        balance: U256,
        /// Cost of its other transactions in the pool.
        queued: U256,
        /// Cost of this one.
        cost: U256,
    },
    /// The pool holds this transaction.
    #[error("already known")]
    AlreadyKnown,
    /// The pool holds a transaction with this nonce that pays about as much.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced {
        /// Fee cap of the new transaction.
        fee: u128,
        /// Tip of the new transaction.
        tip: u128,
        /// Least fee cap of a replacement.
        needed_fee: u128,
        /// Least tip of a replacement.
        needed_tip: u128,
    },
    /// The sender has too many transactions in the pool.
    #[error("account limit exceeded: {limit} transactions of {sender} in the pool")]
    SenderLimit {
        /// The sender.
        sender: Address,
        /// Most that are held for one sender.
        limit: usize,
    },
    /// The pool is full and the transaction pays no more than its cheapest.
    #[error("txpool is full: {limit} transactions, and this one pays no more than the cheapest")]
    Full {
        /// Most transactions the pool holds.
        limit: usize,
    },
    /// The state could not be read.
    #[error("state is not readable: {reason}")]
    State {
        /// Why.
        reason: String,
    },
}
