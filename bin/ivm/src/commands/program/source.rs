//! Where programs and inputs come from.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use alloy_primitives::{B256, Bytes, hex};
use clap::Args;
use eyre::{Result, WrapErr, bail, eyre};
use ivm_primitives::{
    InputError, JobInput,
    limits::{
        MAX_CYCLES_PER_JOB, MAX_ELF_SIZE_BYTES, MAX_OFFCHAIN_INPUT_SIZE_BYTES, MAX_ONCHAIN_INPUT_SIZE_BYTES,
    },
};
use ivm_zkvm::{AdmitError, AdmittedProgram, OpenVm, Zkvm};

use crate::bundled;

/// Which program.
#[derive(Debug, Args)]
pub(crate) struct ProgramArgs {
    /// An ELF file, or the name of a bundled program: echo, square-root, volatility, workloads, amm-fee,
    /// ledger
    #[arg(value_name = "ELF|NAME")]
    pub(crate) program: String,

    /// Refuse the program when its id is another
    #[arg(long, value_name = "ID")]
    expect_id: Option<B256>,
}

impl ProgramArgs {
    /// The bytes of the ELF file.
    pub(crate) fn elf(&self) -> Result<Cow<'static, [u8]>> {
        if let Some(bundled) = bundled::find(&self.program) {
            return Ok(Cow::Borrowed(bundled.elf));
        }
        let path = Path::new(&self.program);
        if !path.exists() {
            let names = bundled::ALL.map(|bundled| bundled.name).join(", ");
            bail!("{} is neither a file nor a bundled program; bundled are: {names}", self.program);
        }
        let elf = read_bounded(path, MAX_ELF_SIZE_BYTES, |got| AdmitError::TooLarge { got }.into())?;
        Ok(Cow::Owned(elf))
    }

    /// The bytes of the ELF file, admitted here first when an id is expected.
    pub(crate) fn checked_elf(&self) -> Result<Cow<'static, [u8]>> {
        if self.expect_id.is_some() {
            self.admit(&OpenVm::new())?;
        }
        self.elf()
    }

    /// Admits the program, and checks that it is the one expected.
    pub(crate) fn admit(&self, zkvm: &impl Zkvm) -> Result<AdmittedProgram> {
        let program =
            zkvm.admit(&self.elf()?).wrap_err_with(|| format!("{} is not admitted", self.program))?;
        match self.expect_id {
            Some(expected) if expected != program.id() => {
                Err(AdmitError::WrongId { got: program.id(), expected })
                    .wrap_err_with(|| format!("{} is not admitted", self.program))
            }
            _ => Ok(program),
        }
    }
}

/// A job's inputs.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Bytes that the request carries: hex, or @FILE for a file's bytes
    #[arg(long, value_name = "HEX|@FILE", default_value = "")]
    onchain_input: BytesArg,

    /// Bytes that DA holds: hex, or @FILE for a file's bytes
    #[arg(long, value_name = "HEX|@FILE", default_value = "")]
    offchain_input: BytesArg,
}

impl InputArgs {
    /// Both inputs, within their limits.
    pub(crate) fn load(&self) -> Result<JobInput> {
        let onchain = self
            .onchain_input
            .load(MAX_ONCHAIN_INPUT_SIZE_BYTES, |got| InputError::OnchainTooLarge { got }.into())?;
        let offchain = self
            .offchain_input
            .load(MAX_OFFCHAIN_INPUT_SIZE_BYTES, |got| InputError::OffchainTooLarge { got }.into())?;
        Ok(JobInput::new(onchain, offchain)?)
    }
}

/// How long a run may take.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Instructions the run may execute
    #[arg(long, value_name = "N", default_value_t = MAX_CYCLES_PER_JOB, value_parser = parse_max_cycles)]
    pub(crate) max_cycles: u64,
}

fn parse_max_cycles(text: &str) -> Result<u64, String> {
    let expected = format!("expected 1 to {MAX_CYCLES_PER_JOB}");
    match text.replace('_', "").parse() {
        Ok(cycles) if (1..=MAX_CYCLES_PER_JOB).contains(&cycles) => Ok(cycles),
        Ok(cycles) => Err(format!("max_cycles is {cycles}, {expected}")),
        Err(error) => Err(format!("max_cycles is not a number ({error}), {expected}")),
    }
}

/// Bytes given as hex, or as `@FILE`.
#[derive(Clone, Debug)]
pub(crate) enum BytesArg {
    /// The bytes themselves.
    Given(Bytes),
    /// The file that holds them.
    File(PathBuf),
}

impl FromStr for BytesArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some(path) => Ok(Self::File(path.into())),
            None => hex::decode(text)
                .map(|bytes| Self::Given(bytes.into()))
                .map_err(|error| format!("not hex ({error}); give hex digits, or @FILE for a file's bytes")),
        }
    }
}

impl BytesArg {
    /// The bytes; `too_large` makes the error for a file over `limit`.
    pub(crate) fn load(&self, limit: usize, too_large: impl Fn(usize) -> eyre::Report) -> Result<Bytes> {
        match self {
            Self::Given(bytes) if bytes.len() > limit => Err(too_large(bytes.len())),
            Self::Given(bytes) => Ok(bytes.clone()),
            Self::File(path) => Ok(read_bounded(path, limit, too_large)?.into()),
        }
    }
}

/// Reads a file whose size is checked first, so that a huge one costs nothing.
pub(crate) fn read_bounded(
    path: &Path,
    limit: usize,
    too_large: impl Fn(usize) -> eyre::Report,
) -> Result<Vec<u8>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let metadata = fs::metadata(path).wrap_err_with(cannot_read)?;
    if !metadata.is_file() {
        return Err(eyre!("it is not a file")).wrap_err_with(cannot_read);
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(too_large(size)).wrap_err_with(cannot_read);
    }
    fs::read(path).wrap_err_with(cannot_read)
}
