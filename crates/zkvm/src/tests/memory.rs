//! Our memory root and execution commitment against OpenVM's own functions.

use alloy_primitives::B256;
use ivm_primitives::JobInput;
use openvm_circuit::{
    arch::{
        MemoryConfig, SystemConfig, hasher::poseidon2::vm_poseidon2_hasher,
        instructions::riscv::RV32_MEMORY_AS,
    },
    system::{
        memory::{merkle::MerkleTree, online::AddressMap},
        program::trace::compute_exe_commit_from_mem_config,
    },
};
use openvm_sdk::F;
use openvm_stark_backend::p3_field::PrimeField32;
use openvm_stark_sdk::config::baby_bear_poseidon2::Digest;
use proptest::prelude::*;

use super::{admit, bundled, zkvm};
use crate::peer::with_memory;
use crate::{Zkvm, config::vm_config};
use ivm_engine::testing::terminate;
use ivm_verifier::memory_root;

fn memory_config() -> MemoryConfig {
    let config = vm_config();
    let system: &SystemConfig = config.as_ref();
    system.memory_config.clone()
}

fn reference_root(regions: &[(u32, &[u8])], config: &MemoryConfig) -> Digest {
    let mut memory = AddressMap::new(config.addr_spaces.clone());
    let sparse = regions
        .iter()
        .flat_map(|&(address, bytes)| (address..).zip(bytes).map(|(at, &byte)| ((RV32_MEMORY_AS, at), byte)))
        .collect();
    memory.set_from_sparse(&sparse);
    MerkleTree::<F, 8>::from_memory(&memory, &config.memory_dimensions(), &vm_poseidon2_hasher()).root()
}

fn to_b256(digest: &Digest) -> B256 {
    B256::from_slice(&digest.map(|element| element.as_canonical_u32().to_be_bytes()).concat())
}

#[track_caller]
fn assert_same_root(regions: &[(u32, &[u8])]) {
    let config = memory_config();
    assert_eq!(memory_root(regions), reference_root(regions, &config));
}

#[test]
fn roots_by_hand() {
    assert_same_root(&[]);
    assert_same_root(&[(0, &[0; 100])]);
    assert_same_root(&[(0, &[1])]);
    assert_same_root(&[(7, &[1, 2])]);
    // Two regions in one chunk, given in the wrong order.
    assert_same_root(&[(12, &[3, 4, 5, 6]), (8, &[1, 2])]);
    // Enough for several lanes and tasks, ragged.
    let bytes: Vec<u8> = (0..30_001_u32).map(|index| ((index * index) >> 3) as u8).collect();
    assert_same_root(&[(0x1003, &bytes)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn roots_of_random_regions(
        parts in prop::collection::vec(
            (0_u32..40, prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..200)),
            0..5,
        ),
    ) {
        let mut regions = Vec::new();
        let mut address = 0;
        for (gap, bytes) in &parts {
            address += gap;
            regions.push((address, bytes.as_slice()));
            address += bytes.len() as u32;
        }
        let config = memory_config();
        prop_assert_eq!(memory_root(&regions), reference_root(&regions, &config));
    }
}

#[test]
fn the_commitment_is_openvms() {
    let config = memory_config();
    let mut programs = vec![admit(&[terminate(0)])];
    programs.extend(
        ["echo", "volatility"].iter().filter_map(|name| bundled(name)).map(|elf| zkvm().admit(&elf).unwrap()),
    );
    let input = JobInput::new(b"some input".into(), vec![0xab; 5000].into()).unwrap();
    for program in programs {
        let code = program.code_commitment();
        let theirs = |exe: &_| to_b256(&compute_exe_commit_from_mem_config(code, exe, &config));
        assert_eq!(program.id(), theirs(&with_memory(&program, &[0xff; 8])), "an image that no input has");
        assert_eq!(
            program.verifying().execution_commitment(&input),
            theirs(&with_memory(&program, &input.memory_image()))
        );
    }
}

#[test]
fn no_input_has_the_commitment_of_the_program_alone() {
    let admitted = admit(&[terminate(0)]);
    let program = admitted.verifying();
    let commit = |input: JobInput| program.execution_commitment(&input);
    // Trailing zeros of an input change its lengths, so they change the root.
    let (empty, zero) = (commit(JobInput::default()), commit(JobInput::onchain_only(vec![0]).unwrap()));
    assert_ne!(empty, zero);
    assert!(![empty, zero].contains(&program.id()));
}
