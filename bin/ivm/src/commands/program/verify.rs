//! `ivm program verify`.

use std::{path::PathBuf, time::Instant};

use alloy_primitives::B256;
use clap::Args;
use eyre::{Result, WrapErr};
use ivm_zkvm::{MAX_PROOF_SIZE_BYTES, OpenVm, Proof, VerifyError, Zkvm};
use serde::Serialize;

use super::{
    outcome::OutcomeArgs,
    source::{InputArgs, ProgramArgs, read_bounded},
};

/// Check that a proof shows an outcome of a program on an input.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    program: ProgramArgs,

    /// The proof
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    outcome: OutcomeArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct VerifyJson {
    program_id: B256,
    input_commitment: B256,
    outcome_hash: B256,
    proof_kind: String,
    proof_verified: bool,
    verify_seconds: f64,
}

impl VerifyArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        let outcome_hash = self.outcome.hash()?;
        let input = self.input.load()?;
        let bytes =
            read_bounded(&self.proof, MAX_PROOF_SIZE_BYTES, |got| VerifyError::TooLarge { got }.into())?;
        let proof = Proof::from_bytes(bytes.into());
        let zkvm = OpenVm::new();
        let program = self.program.admit(&zkvm)?;
        let start = Instant::now();
        zkvm.verify(&program, &input, outcome_hash, &proof).wrap_err("not verified")?;
        let time = start.elapsed();
        let kind = ivm_verifier::codec::kind(proof.bytes())?;
        if self.json {
            let json = VerifyJson {
                program_id: program.id(),
                input_commitment: input.commitment(),
                outcome_hash,
                proof_kind: kind.to_string(),
                proof_verified: true,
                verify_seconds: time.as_secs_f64(),
            };
            println!("{}", serde_json::to_string_pretty(&json)?);
        } else {
            println!("verified      program {} on input {}", program.id(), input.commitment());
            println!("              has outcome {outcome_hash}");
            println!("proof         {kind}");
            println!("time          {time:.1?}");
        }
        Ok(())
    }
}
