// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Test } from "./Test.sol";
import { Commitments } from "../../src/Commitments.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";
import { JobManager } from "../../src/JobManager.sol";
import { Predeploys } from "../../src/Predeploys.sol";
import { ProgramRegistry } from "../../src/ProgramRegistry.sol";

/// @dev The figures that tests use, and the jobs and results made of them.
abstract contract Jobs is Test {
    JobManager internal constant MANAGER = JobManager(Predeploys.JOB_MANAGER);
    ProgramRegistry internal constant REGISTRY = ProgramRegistry(Predeploys.PROGRAM_REGISTRY);

    address internal constant PROPOSER = address(0xB10C);
    address internal constant PROVER = address(0x9806E);
    bytes32 internal constant PROGRAM_ID = keccak256("program");
    bytes32 internal constant ELF_HASH = keccak256("elf");

    uint64 internal constant CYCLE_PRICE_WEI = 1_000_000;
    uint64 internal constant CALLBACK_GAS_PRICE_WEI = 1 gwei;
    uint64 internal constant MAX_DEADLINE_BLOCKS = 1000;
    uint16 internal constant RETAINED_BPS = 500;
    uint64 internal constant TARGET_CYCLES = 100_000_000;
    uint64 internal constant MAX_SYNC_CYCLES = 20_000_000;
    uint16 internal constant PROVER_SHARE_BPS = 1000;

    uint64 internal constant MAX_CYCLES = 1_000_000;
    uint64 internal constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 internal constant FIRST_BLOCK = 100;
    uint64 internal constant DEADLINE_BLOCK = FIRST_BLOCK + 50;
    uint256 internal constant FEE_WEI =
        uint256(MAX_CYCLES) * CYCLE_PRICE_WEI + uint256(CALLBACK_GAS_LIMIT) * CALLBACK_GAS_PRICE_WEI;

    /// @dev The job that a consumer's request with the fixture's figures makes.
    function _job(address consumer, uint64 nonce, bytes memory onchainInput)
        internal
        pure
        returns (IJobManager.Job memory)
    {
        return IJobManager.Job({
            consumer: consumer,
            nonce: nonce,
            programId: PROGRAM_ID,
            onchainInputHash: keccak256(onchainInput),
            offchainInputHash: Commitments.EMPTY_HASH,
            maxCycles: MAX_CYCLES,
            callbackGasLimit: CALLBACK_GAS_LIMIT,
            deadlineBlock: DEADLINE_BLOCK,
            cyclePriceWei: CYCLE_PRICE_WEI
        });
    }

    function _result(IJobManager.Job memory job, uint8 status, uint64 cycles, bytes memory output)
        internal
        pure
        returns (IJobManager.JobResult memory)
    {
        return IJobManager.JobResult({ job: job, status: status, cycles: cycles, output: output });
    }

    /// @dev Posts one outcome as the proposer.
    function _submit(IJobManager.JobResult memory result) internal {
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](1);
        results[0] = result;
        _submit(results);
    }

    function _submit(IJobManager.JobResult[] memory results) internal {
        vm.prank(PROPOSER);
        MANAGER.submitResults(results);
    }

    /// @dev The prover's part of the price of so many cycles.
    function _proverWei(uint256 cycles) internal pure returns (uint256) {
        return cycles * CYCLE_PRICE_WEI * PROVER_SHARE_BPS / 10_000;
    }

    function _jobId(address consumer, uint64 nonce) internal view returns (bytes32) {
        return Commitments.jobId(Predeploys.JOB_MANAGER, consumer, nonce);
    }

    function _outcomeHash(uint8 status, bytes memory output) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(status, output));
    }
}
