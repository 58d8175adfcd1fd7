// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "../Commitments.sol";
import { Limits } from "../Limits.sol";
import { Predeploys } from "../Predeploys.sol";
import { ISyncJobs } from "../interfaces/ISyncJobs.sol";
import { JobKinds } from "./JobKinds.sol";
import { JobStore } from "./JobStore.sol";
import { LoadWord } from "./LoadWord.sol";
import { Terms } from "./Terms.sol";

/// @dev Jobs that run inside the transaction. Nothing is locked: the executor calls nobody, and nothing is kept but the
/// load, which is read anew for every run.
abstract contract SyncJobs is JobStore {
    /// @inheritdoc ISyncJobs
    function execute(bytes32 programId, bytes calldata input, uint64 maxCycles)
        external
        returns (Outcome memory outcome)
    {
        require(
            input.length <= Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES,
            InputTooLarge(input.length, Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES)
        );
        require(maxCycles != 0, MaxCyclesZero());
        require(maxCycles <= Limits.MAX_CYCLES_PER_JOB, MaxCyclesTooHigh(maxCycles, Limits.MAX_CYCLES_PER_JOB));
        bytes32 elfHash = REGISTRY.elfHash(programId);
        require(elfHash != 0, UnknownProgram(programId));
        Terms terms = _terms;
        LoadWord load = _loadNow(terms);
        uint64 left = _syncCyclesLeft(terms, load);
        require(maxCycles <= left, SyncBudgetExceeded(maxCycles, left));

        uint64 cycles;
        (outcome.status, cycles, outcome.output) = _run(programId, elfHash, maxCycles, input);
        _load = load.withRun(cycles);
        _claim(programId, maxCycles, cycles, JobKinds.syncNonce(block.number, load.syncCount()), input, outcome);
    }

    function _claim(
        bytes32 programId,
        uint64 maxCycles,
        uint64 cycles,
        uint64 nonce,
        bytes calldata input,
        Outcome memory outcome
    ) private {
        bytes32 jobId = Commitments.jobId(address(this), msg.sender, nonce);
        emit JobExecuted(jobId, msg.sender, programId, nonce, maxCycles, outcome.status, input, outcome.output);
        emit ClaimPosted(
            jobId,
            programId,
            Commitments.input(keccak256(input), Commitments.EMPTY_HASH),
            maxCycles,
            Commitments.outcomeInMemory(outcome.status, outcome.output),
            cycles
        );
    }

    /// @dev Has the node run the program. It takes gas by the cycle, and says as it reverts why there is no outcome.
    function _run(bytes32 programId, bytes32 elfHash, uint64 maxCycles, bytes calldata input)
        private
        returns (uint8 status, uint64 cycles, bytes memory output)
    {
        (bool ok, bytes memory answer) = Predeploys.EXECUTOR.call(abi.encode(programId, elfHash, maxCycles, input));
        if (!ok) {
            require(answer.length != 0, ExecutionOutOfGas());
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        require(answer.length != 0, ExecutorMissing(Predeploys.EXECUTOR));
        return abi.decode(answer, (uint8, uint64, bytes));
    }

    /// @dev Cycles that the block's transactions may still run: none either when there is no number left for a run.
    function _syncCyclesLeft(Terms terms, LoadWord load) private pure returns (uint64) {
        uint64 budget = terms.maxSyncCyclesPerBlock();
        if (load.syncCycles() >= budget || load.syncCount() >> JobKinds.SYNC_INDEX_BITS != 0) return 0;
        return budget - load.syncCycles();
    }
}
