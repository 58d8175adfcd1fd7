// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Test } from "./base/Test.sol";
import { Commitments } from "../src/Commitments.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { JobManager } from "../src/JobManager.sol";
import { Limits } from "../src/Limits.sol";
import { Predeploys } from "../src/Predeploys.sol";

/// @dev Holds Solidity to the vectors that `crates/contracts` holds Rust to.
contract VectorsTest is Test {
    string private vectors;

    function setUp() public {
        vectors = vm.readFile("test/vectors/commitments.json");
    }

    function test_jobId() public {
        vm.chainId(vm.parseJsonUint(vectors, ".chainId"));
        bytes32 jobId = Commitments.jobId(
            Predeploys.JOB_MANAGER,
            vm.parseJsonAddress(vectors, ".consumer"),
            uint64(vm.parseJsonUint(vectors, ".nonce"))
        );
        vm.assertEq(jobId, vm.parseJsonBytes32(vectors, ".jobId"));
    }

    function test_inputCommitment() public view {
        bytes32 commitment = Commitments.input(
            keccak256(vm.parseJsonBytes(vectors, ".onchainInput")),
            keccak256(vm.parseJsonBytes(vectors, ".offchainInput"))
        );
        vm.assertEq(commitment, vm.parseJsonBytes32(vectors, ".inputCommitment"));
    }

    function test_outcomeHash() public view {
        vm.assertEq(
            this.outcome(Commitments.SUCCESS, vm.parseJsonBytes(vectors, ".output")),
            vm.parseJsonBytes32(vectors, ".successHash")
        );
        vm.assertEq(
            this.outcome(Commitments.PANICKED, vm.parseJsonBytes(vectors, ".panicMessage")),
            vm.parseJsonBytes32(vectors, ".panicHash")
        );
    }

    function test_claimPostedTopic() public view {
        vm.assertEq(IJobManager.ClaimPosted.selector, vm.parseJsonBytes32(vectors, ".claimPostedTopic"));
    }

    function test_parameterWords() public {
        string memory word = vm.readFile("test/vectors/parameters.json");
        vm.etch(Predeploys.JOB_MANAGER, type(JobManager).runtimeCode);
        vm.store(Predeploys.JOB_MANAGER, 0, vm.parseJsonBytes32(word, ".termsWord"));
        vm.store(Predeploys.JOB_MANAGER, bytes32(uint256(1)), vm.parseJsonBytes32(word, ".proverShareWord"));
        IJobManager.Parameters memory parameters = IJobManager(Predeploys.JOB_MANAGER).parameters();
        vm.assertEq(parameters.minCyclePriceWei, vm.parseJsonUint(word, ".minCyclePriceWei"));
        vm.assertEq(parameters.callbackGasPriceWei, vm.parseJsonUint(word, ".callbackGasPriceWei"));
        vm.assertEq(parameters.maxDeadlineBlocks, vm.parseJsonUint(word, ".maxDeadlineBlocks"));
        vm.assertEq(parameters.retainedBps, vm.parseJsonUint(word, ".retainedBps"));
        vm.assertEq(parameters.targetCyclesPerBlock, vm.parseJsonUint(word, ".targetCyclesPerBlock"));
        vm.assertEq(parameters.maxSyncCyclesPerBlock, vm.parseJsonUint(word, ".maxSyncCyclesPerBlock"));
        vm.assertEq(parameters.proverShareBps, vm.parseJsonUint(word, ".proverShareBps"));
        vm.assertEq(parameters.proverAccount, vm.parseJsonAddress(word, ".proverAccount"));
    }

    function test_limits() public view {
        string memory limits = vm.readFile("test/vectors/limits.json");
        vm.assertEq(Limits.MAX_ELF_SIZE_BYTES, vm.parseJsonUint(limits, ".maxElfSizeBytes"));
        vm.assertEq(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES, vm.parseJsonUint(limits, ".maxOnchainInputSizeBytes"));
        vm.assertEq(Limits.MAX_OUTPUT_SIZE_BYTES, vm.parseJsonUint(limits, ".maxOutputSizeBytes"));
        vm.assertEq(Limits.MAX_PANIC_MESSAGE_SIZE_BYTES, vm.parseJsonUint(limits, ".maxPanicMessageSizeBytes"));
        vm.assertEq(Limits.MAX_CYCLES_PER_JOB, vm.parseJsonUint(limits, ".maxCyclesPerJob"));
        vm.assertEq(Limits.MAX_CALLBACK_GAS, vm.parseJsonUint(limits, ".maxCallbackGas"));
    }

    function test_emptyHash() public pure {
        vm.assertEq(Commitments.EMPTY_HASH, keccak256(""));
    }

    /// @dev `Commitments.outcome` takes calldata.
    function outcome(uint8 status, bytes calldata output) external pure returns (bytes32) {
        return Commitments.outcome(status, output);
    }
}
