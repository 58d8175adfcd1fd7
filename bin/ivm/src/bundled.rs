//! The programs that ship inside the binary: committed ELFs, so that a first run needs no guest toolchain.
//!
//! `programs/programs.lock` says what they were built from and with; `ivm build programs --check` compares.

/// A program inside the binary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bundled {
    /// What commands call it.
    pub(crate) name: &'static str,
    /// Its ELF file.
    pub(crate) elf: &'static [u8],
}

/// Gives its inputs back.
pub(crate) const ECHO: Bundled =
    Bundled { name: "echo", elf: include_bytes!("../../../programs/elf/echo.elf") };

/// Integer square root.
pub(crate) const SQUARE_ROOT: Bundled =
    Bundled { name: "square-root", elf: include_bytes!("../../../programs/elf/square-root.elf") };

/// Realised volatility of a price series.
pub(crate) const VOLATILITY: Bundled =
    Bundled { name: "volatility", elf: include_bytes!("../../../programs/elf/volatility.elf") };

/// What the engine is measured with.
pub(crate) const WORKLOADS: Bundled =
    Bundled { name: "workloads", elf: include_bytes!("../../../programs/elf/workloads.elf") };

/// The fee of a trader of the dynamic-fee pool, by proven volume.
pub(crate) const AMM_FEE: Bundled =
    Bundled { name: "amm-fee", elf: include_bytes!("../../../programs/elf/amm-fee.elf") };

/// Moves a ledger that the chain knows by its hash alone.
pub(crate) const LEDGER: Bundled =
    Bundled { name: "ledger", elf: include_bytes!("../../../programs/elf/ledger.elf") };

/// All of them.
pub(crate) const ALL: [Bundled; 6] = [ECHO, SQUARE_ROOT, VOLATILITY, WORKLOADS, AMM_FEE, LEDGER];

/// The program of that name.
pub(crate) fn find(name: &str) -> Option<Bundled> {
    ALL.into_iter().find(|bundled| bundled.name == name)
}
