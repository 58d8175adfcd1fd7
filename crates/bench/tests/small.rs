//! The measurements run, on as little as they can be run on. What they measure is not looked at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ivm_bench::chain::{BlockSet, measure_import, measure_opening, measure_producing, measure_reorg};

#[test]
fn blocks_of_mixed_work_are_full_and_imported() {
    let set = BlockSet::build(1).unwrap();
    assert_eq!(set.blocks.len(), 3);
    let full = set.blocks[2].header();
    assert!(full.gas_used > full.gas_limit * 9 / 10, "{} of {}", full.gas_used, full.gas_limit);
    let report = measure_import(&set).unwrap();
    assert_eq!(report.transactions, set.transactions());
    assert!(report.import_mgas_per_second > 0.0 && report.bare_revm_mgas_per_second > 0.0);
}

#[test]
fn full_blocks_are_built_and_committed() {
    let report = measure_producing(1).unwrap();
    assert_eq!(report.transactions_per_block, 1428);
}

#[test]
fn the_head_moves_between_branches() {
    let report = measure_reorg(2, 100).unwrap();
    assert_eq!(report.blocks, 2);
}

#[test]
fn a_chain_with_accounts_is_opened() {
    assert_eq!(measure_opening(1_000).unwrap().accounts, 1_000);
}
