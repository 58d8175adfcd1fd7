//! The VM the chain's programs run on. Changing anything here changes every program id, and the verifying keys that
//! `ivm-verifier` holds; what only concerns the prover says so.

use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;
pub use ivm_verifier::VM_CONFIG_ID;
use openvm_circuit::arch::{SystemConfig, instructions::riscv::RV32_MEMORY_AS};
use openvm_sdk::config::{AggregationConfig, AggregationSystemParams};
use openvm_sdk_config::SdkVmConfig;
use openvm_stark_backend::SystemParams;
use openvm_stark_sdk::config::app_params_with_100_bits_security;

/// Log of the stacked trace height: at OpenVM's default of 24 a program commitment takes minutes, at 20 a second.
const LOG_STACKED_HEIGHT: usize = 20;

/// Memory one segment may need while it is proven, in bytes; longer runs are cut into more segments. Concerns the
/// prover alone.
pub const SEGMENT_MEMORY_SIZE_BYTES: usize = 3 << 29;

/// RV32IM with Keccak and SHA-2, and **no hint instruction**: OpenVM's `io` circuit extension, which has them, is left
/// out. Reveal and terminate need none of it.
pub fn vm_config() -> SdkVmConfig {
    let mut config = SdkVmConfig::builder()
        .system(Default::default())
        .rv32i(Default::default())
        .rv32m(Default::default())
        .keccak(Default::default())
        .sha2(Default::default())
        .build()
        .optimize();
    let system: &mut SystemConfig = config.as_mut();
    // The prover copies and hashes the whole space for each segment: 2^27 bytes take a quarter of OpenVM's 2^29.
    system.memory_config.pointer_max_bits = ADDRESS_SPACE_SIZE_BYTES.ilog2() as usize;
    system.memory_config.addr_spaces[RV32_MEMORY_AS as usize].num_cells = ADDRESS_SPACE_SIZE_BYTES;
    config
}

/// The proof system's parameters: 100 bits of proven security.
pub fn system_params() -> SystemParams {
    app_params_with_100_bits_security(LOG_STACKED_HEIGHT)
}

/// The parameters of the circuits that aggregate segments: 100 bits of proven security, each.
pub fn aggregation_config() -> AggregationConfig {
    AggregationConfig { params: AggregationSystemParams::default() }
}
