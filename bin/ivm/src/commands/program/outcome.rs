//! How outcomes are shown, and how one is named on the command line.

use alloy_primitives::{B256, Bytes};
use clap::Args;
use eyre::{Result, eyre};
use ivm_primitives::{Outcome, limits::MAX_OUTPUT_SIZE_BYTES};
use ivm_zkvm::Execution;
use serde::Serialize;

use super::source::BytesArg;

/// An outcome as JSON; `message` is there for a panic, as text.
#[derive(Debug, Serialize)]
pub(crate) struct OutcomeJson {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    outcome_hash: B256,
    cycles: u64,
}

impl From<&Execution> for OutcomeJson {
    fn from(execution: &Execution) -> Self {
        let (status, output, message) = match &execution.outcome {
            Outcome::Success(output) => ("success", Some(output.clone()), None),
            Outcome::Panicked(message) => ("panicked", None, Some(text(message))),
        };
        Self { status, output, message, outcome_hash: execution.outcome.hash(), cycles: execution.cycles }
    }
}

/// Prints an outcome for people.
pub(crate) fn print(execution: &Execution) {
    match &execution.outcome {
        Outcome::Success(output) => {
            println!("outcome       success, {} bytes", output.len());
            println!("output        {output}");
        }
        Outcome::Panicked(message) => println!("outcome       panicked: {}", text(message)),
    }
    println!("outcome hash  {}", execution.outcome.hash());
    println!("cycles        {}", execution.cycles);
}

fn text(message: &Bytes) -> String {
    String::from_utf8_lossy(message).into_owned()
}

/// The outcome a proof is asked about, in one of three ways.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct OutcomeArgs {
    /// Hash of the outcome
    #[arg(long, value_name = "HASH")]
    outcome_hash: Option<B256>,

    /// The outcome is success with this output: hex, or @FILE for a file's bytes
    #[arg(long, value_name = "HEX|@FILE")]
    success: Option<BytesArg>,

    /// The outcome is a panic with this message
    #[arg(long, value_name = "TEXT")]
    panicked: Option<String>,
}

impl OutcomeArgs {
    /// The outcome's hash.
    pub(crate) fn hash(&self) -> Result<B256> {
        match (self.outcome_hash, &self.success, &self.panicked) {
            (Some(hash), ..) => Ok(hash),
            (_, Some(output), _) => {
                let too_large =
                    |got| eyre!("output is {got} bytes, the limit is {MAX_OUTPUT_SIZE_BYTES}: no run has it");
                Ok(Outcome::Success(output.load(MAX_OUTPUT_SIZE_BYTES, too_large)?).hash())
            }
            (_, _, Some(message)) => Ok(Outcome::Panicked(message.clone().into_bytes().into()).hash()),
            _ => Err(eyre!("no outcome given; give --outcome-hash, --success or --panicked")),
        }
    }
}
