//! Bounds that consensus depends on. Changing one is a protocol change.

/// Size of a program's address space, in bytes; pointers have 27 bits in the circuit. It holds, from address 0 up: the
/// stack, the program's segments, the input image, the heap.
pub const ADDRESS_SPACE_SIZE_BYTES: usize = 1 << 27;

/// Where the stack starts; it grows down to address 0. Segments start here or above.
pub const STACK_TOP_ADDRESS: u32 = 0x0010_0000;

/// First address that no segment of a program reaches.
pub const PROGRAM_END_LIMIT_ADDRESS: u32 = 0x0100_0000;

/// Largest ELF file a node admits, in bytes.
pub const MAX_ELF_SIZE_BYTES: usize = 4 * 1024 * 1024;

/// Largest onchain input of a job, in bytes. It travels in transaction calldata and in the request's log.
pub const MAX_ONCHAIN_INPUT_SIZE_BYTES: usize = 120 * 1024;

/// Largest offchain input of a job, in bytes. Verification recomputes a Merkle root over it (about 50 ms per MB).
pub const MAX_OFFCHAIN_INPUT_SIZE_BYTES: usize = 10 * 1024 * 1024;

/// Largest output of a successful run, in bytes. It travels in the calldata of the result.
pub const MAX_OUTPUT_SIZE_BYTES: usize = 64 * 1024;

/// Largest panic message that is committed to, in bytes; a longer one is cut at this length.
pub const MAX_PANIC_MESSAGE_SIZE_BYTES: usize = 1024;

/// Most cycles (executed instructions) a job may ask for.
pub const MAX_CYCLES_PER_JOB: u64 = 1_000_000_000;

/// Most gas a job may ask for its callback.
pub const MAX_CALLBACK_GAS: u64 = 5_000_000;
