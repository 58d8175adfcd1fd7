//! The settlement chain's verifier of proofs: a contract that is part of the node.
//!
//! It answers to `IProofVerifier.verify`. Proofs are too large for calldata, so `proof` only names payloads by their
//! keccak256: `abi.encode(onchainInputHash, offchainInputHash, verifyingProgramHash, proofHash)`. The answer is `true` when
//! the payloads show that the program, started with the inputs, ends with the outcome, and `false` when they do not,
//! whatever bytes they are. A payload that this node does not hold is neither: see [`NativeFault::Unavailable`].
//!
//! Gas is charged before the work, by the sizes of the payloads; see [`verification_gas`].

use std::fmt::Debug;
use std::num::NonZeroUsize;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, address, keccak256};
use alloy_sol_types::{SolCall, SolError, SolValue, sol};
use ivm_chain::{NativeCall, NativeContract, NativeFault, NativeReturn};
use ivm_contracts::IProofVerifier::verifyCall;
use ivm_da::PayloadStore;
use ivm_primitives::{JobInput, input_commitment};
use ivm_verifier::{Proof, VerifyingProgram};
use lru::LruCache;
use parking_lot::Mutex;

/// Where the verifier is called.
pub const PROOF_VERIFIER_ADDRESS: Address = address!("0x0000000000000000000000000000000000004956");

/// Gas of a call that does not decode.
pub const MALFORMED_CALL_GAS: u64 = 3_000;
/// Gas of every other call. A proof of one segment, or an aggregated one, takes 15 ms at least, however small.
pub const VERIFY_BASE_GAS: u64 = 1_500_000;
/// Gas of a byte of the proof. Segments take 28 ms for each MB.
pub const PROOF_BYTE_GAS: u64 = 2;
/// Gas of a byte of an input: a Merkle root is computed over it, which takes 50 ms for each MB.
pub const INPUT_BYTE_GAS: u64 = 5;
/// Gas of a byte of the program: two roots are computed over it, one for its id.
pub const PROGRAM_BYTE_GAS: u64 = 10;

/// Bytes of a proof's locator: four hashes.
pub const LOCATOR_SIZE_BYTES: usize = 4 * 32;

/// Verdicts that are kept, so that building, checking and executing a block again verify a proof once.
const KEPT_VERDICTS: NonZeroUsize = NonZeroUsize::new(1024).expect("is not zero");
/// Sizes of payloads that are kept, so that a call that cannot pay for one does not have it read again.
const KEPT_SIZES: NonZeroUsize = NonZeroUsize::new(16 * 1024).expect("is not zero");

sol! {
    /// Why a call is refused, beside what it asks about being wrong.
    #[derive(Debug, PartialEq, Eq)]
    error CallMalformed();

    /// The proof is not four hashes.
    #[derive(Debug, PartialEq, Eq)]
    error LocatorMalformed(uint256 gotBytes, uint256 expectedBytes);
}

/// Where the verifier finds payloads.
pub trait Payloads: Debug + Send + Sync {
    /// The payload with this keccak256; `None` when it is not held. What is given has that hash.
    ///
    /// # Errors
    /// A text for people, when it cannot be read.
    fn get(&self, hash: B256) -> Result<Option<Bytes>, String>;
}

impl Payloads for PayloadStore {
    fn get(&self, hash: B256) -> Result<Option<Bytes>, String> {
        Self::get(self, hash).map_err(|error| error.to_string())
    }
}

/// Which payloads prove a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofLocator {
    /// keccak256 of the onchain input.
    pub onchain_input_hash: B256,
    /// keccak256 of the offchain input.
    pub offchain_input_hash: B256,
    /// keccak256 of [`VerifyingProgram::to_bytes`].
    pub verifying_program_hash: B256,
    /// keccak256 of the proof.
    pub proof_hash: B256,
}

impl ProofLocator {
    /// As `prove` takes it.
    pub fn to_bytes(self) -> Bytes {
        let hashes =
            [self.onchain_input_hash, self.offchain_input_hash, self.verifying_program_hash, self.proof_hash];
        hashes.abi_encode().into()
    }

    /// Reads what [`ProofLocator::to_bytes`] gave; `None` when the bytes are not four words.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != LOCATOR_SIZE_BYTES {
            return None;
        }
        let word = |index: usize| B256::from_slice(&bytes[32 * index..32 * (index + 1)]);
        Some(Self {
            onchain_input_hash: word(0),
            offchain_input_hash: word(1),
            verifying_program_hash: word(2),
            proof_hash: word(3),
        })
    }
}

/// Sizes of a proof's payloads, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PayloadSizes {
    /// The verifying program.
    pub program: u64,
    /// Both inputs.
    pub inputs: u64,
    /// The proof.
    pub proof: u64,
}

/// What verifying a proof costs.
pub const fn verification_gas(sizes: PayloadSizes) -> u64 {
    VERIFY_BASE_GAS
        .saturating_add(sizes.program.saturating_mul(PROGRAM_BYTE_GAS))
        .saturating_add(sizes.inputs.saturating_mul(INPUT_BYTE_GAS))
        .saturating_add(sizes.proof.saturating_mul(PROOF_BYTE_GAS))
}

/// What a call came to. It is a function of what was asked, since payloads are named by their content.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    valid: bool,
    gas: u64,
}

/// The verifier.
#[derive(Debug)]
pub struct ProofVerifier {
    payloads: Arc<dyn Payloads>,
    verdicts: Mutex<LruCache<B256, Verdict>>,
    sizes: Mutex<LruCache<B256, u64>>,
}

impl ProofVerifier {
    /// A verifier over these payloads.
    pub fn new(payloads: Arc<dyn Payloads>) -> Self {
        Self {
            payloads,
            verdicts: Mutex::new(LruCache::new(KEPT_VERDICTS)),
            sizes: Mutex::new(LruCache::new(KEPT_SIZES)),
        }
    }

    fn judge(
        &self,
        call: &verifyCall,
        locator: ProofLocator,
        gas_limit: u64,
    ) -> Result<Verdict, NativeFault> {
        let inputs = input_commitment(locator.onchain_input_hash, locator.offchain_input_hash);
        if inputs != call.inputCommitment {
            return Ok(Verdict { valid: false, gas: VERIFY_BASE_GAS });
        }
        let gas = self.gas(locator, gas_limit)?;
        let program = self.load(locator.verifying_program_hash)?;
        let onchain = self.load(locator.onchain_input_hash)?;
        let offchain = self.load(locator.offchain_input_hash)?;
        let proof = self.load(locator.proof_hash)?;
        Ok(Verdict { valid: is_valid(call, &program, onchain, offchain, proof), gas })
    }

    /// What it costs. Stops at the payload that makes it more than the limit.
    fn gas(&self, locator: ProofLocator, gas_limit: u64) -> Result<u64, NativeFault> {
        let mut sizes = PayloadSizes::default();
        let mut add = |field: fn(&mut PayloadSizes) -> &mut u64, hash| {
            let size = self.size(hash)?;
            let total = field(&mut sizes);
            *total = total.saturating_add(size);
            match verification_gas(sizes) {
                gas if gas > gas_limit => Err(NativeFault::OutOfGas),
                gas => Ok(gas),
            }
        };
        add(|sizes| &mut sizes.program, locator.verifying_program_hash)?;
        add(|sizes| &mut sizes.inputs, locator.onchain_input_hash)?;
        add(|sizes| &mut sizes.inputs, locator.offchain_input_hash)?;
        add(|sizes| &mut sizes.proof, locator.proof_hash)
    }

    fn size(&self, hash: B256) -> Result<u64, NativeFault> {
        if let Some(size) = self.sizes.lock().get(&hash) {
            return Ok(*size);
        }
        let size = self.load(hash)?.len() as u64;
        self.sizes.lock().put(hash, size);
        Ok(size)
    }

    fn load(&self, hash: B256) -> Result<Bytes, NativeFault> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        match self.payloads.get(hash) {
            Ok(Some(payload)) => Ok(payload),
            Ok(None) => Err(NativeFault::Unavailable(format!("payload {hash} is not held"))),
            Err(reason) => Err(NativeFault::Unavailable(format!("payload {hash}: {reason}"))),
        }
    }
}

/// Whether the payloads show what the call asks about.
fn is_valid(call: &verifyCall, program: &[u8], onchain: Bytes, offchain: Bytes, proof: Bytes) -> bool {
    let Ok(program) = VerifyingProgram::from_bytes(program) else { return false };
    let Ok(input) = JobInput::new(onchain, offchain) else { return false };
    if program.id() != call.programId {
        return false;
    }
    match ivm_verifier::verify(&program, &input, call.outcomeHash, &Proof::from_bytes(proof)) {
        Ok(()) => true,
        Err(reason) => {
            tracing::debug!(program = %call.programId, %reason, "a proof does not show what it was sent for");
            false
        }
    }
}

impl NativeContract for ProofVerifier {
    fn address(&self) -> Address {
        PROOF_VERIFIER_ADDRESS
    }

    fn name(&self) -> &'static str {
        "PROOF_VERIFIER"
    }

    fn call(
        &self,
        &NativeCall { input, gas_limit, .. }: &NativeCall<'_>,
    ) -> Result<NativeReturn, NativeFault> {
        if gas_limit < MALFORMED_CALL_GAS {
            return Err(NativeFault::OutOfGas);
        }
        let refused =
            |error: Vec<u8>| NativeFault::Reverted { gas_used: MALFORMED_CALL_GAS, output: error.into() };
        let call =
            verifyCall::abi_decode_validate(input).map_err(|_| refused(CallMalformed {}.abi_encode()))?;
        let locator = ProofLocator::from_bytes(&call.proof).ok_or_else(|| {
            let (got, expected) = (call.proof.len(), LOCATOR_SIZE_BYTES);
            refused(
                LocatorMalformed {
                    gotBytes: got.try_into().unwrap_or_default(),
                    expectedBytes: expected.try_into().unwrap_or_default(),
                }
                .abi_encode(),
            )
        })?;
        if gas_limit < VERIFY_BASE_GAS {
            return Err(NativeFault::OutOfGas);
        }
        let question = keccak256(input);
        let known = self.verdicts.lock().get(&question).copied();
        let verdict = match known {
            Some(verdict) => verdict,
            None => {
                let verdict = self.judge(&call, locator, gas_limit)?;
                self.verdicts.lock().put(question, verdict);
                verdict
            }
        };
        if verdict.gas > gas_limit {
            return Err(NativeFault::OutOfGas);
        }
        Ok(NativeReturn {
            gas_used: verdict.gas,
            output: verifyCall::abi_encode_returns(&verdict.valid).into(),
        })
    }
}
