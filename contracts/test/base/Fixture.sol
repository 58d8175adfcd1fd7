// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Jobs } from "./Jobs.sol";
import { Predeploys } from "../../src/Predeploys.sol";

/// @dev What forge built. Tests that held the code of the manager themselves would have it compiled once for each.
interface Built {
    function getDeployedCode(string calldata path) external view returns (bytes memory code);
}

/// @dev A chain as genesis leaves it, with one registered program and a proposer.
abstract contract Fixture is Jobs {
    Built internal constant BUILT = Built(address(vm));

    function setUp() public virtual {
        vm.etch(Predeploys.JOB_MANAGER, BUILT.getDeployedCode("JobManager.sol:JobManager"));
        vm.etch(Predeploys.PROGRAM_REGISTRY, BUILT.getDeployedCode("ProgramRegistry.sol:ProgramRegistry"));
        _setParameters(TARGET_CYCLES, MAX_SYNC_CYCLES);
        vm.coinbase(PROPOSER);
        vm.roll(FIRST_BLOCK);
        vm.deal(address(this), 1_000_000 ether);
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(PROGRAM_ID, ELF_HASH, 1);
    }

    /// @dev Writes the parameters as genesis does, but for these two those of the figures.
    function _setParameters(uint64 targetCycles, uint64 maxSyncCycles) internal {
        uint256 terms = uint256(CYCLE_PRICE_WEI) | uint256(CALLBACK_GAS_PRICE_WEI) << 64 | uint256(MAX_DEADLINE_BLOCKS)
            << 128 | uint256(RETAINED_BPS) << 160 | uint256(targetCycles) << 176 | uint256(maxSyncCycles) << 216;
        vm.store(Predeploys.JOB_MANAGER, bytes32(0), bytes32(terms));
        uint256 share = uint256(uint160(PROVER)) | uint256(PROVER_SHARE_BPS) << 160;
        vm.store(Predeploys.JOB_MANAGER, bytes32(uint256(1)), bytes32(share));
    }
}
