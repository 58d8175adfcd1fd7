// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISyncJobs } from "../../src/interfaces/ISyncJobs.sol";
import { Predeploys } from "../../src/Predeploys.sol";

/// @dev Stands where the node runs programs, and does what the input says: its programs are scripts of one step.
contract MockExecutor {
    enum Step {
        Succeed,
        Panic,
        HaveNoOutcome,
        RunOutOfGas,
        AnswerNothing
    }

    /// @dev The input of every program here.
    struct Script {
        Step step;
        uint64 cycles;
        bytes output;
    }

    error CalledBy(address got, address expected);
    error ElfUnknown(bytes32 got);

    fallback(bytes calldata question) external returns (bytes memory answer) {
        require(msg.sender == Predeploys.JOB_MANAGER, CalledBy(msg.sender, Predeploys.JOB_MANAGER));
        (bytes32 programId, bytes32 elfHash, uint64 maxCycles, bytes memory input) =
            abi.decode(question, (bytes32, bytes32, uint64, bytes));
        require(elfHash == keccak256("elf"), ElfUnknown(elfHash));
        Script memory script = abi.decode(input, (Script));
        if (script.step == Step.RunOutOfGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (script.step == Step.AnswerNothing) return "";
        if (script.step == Step.HaveNoOutcome) {
            ISyncJobs.NoOutcomeReason reason = abi.decode(script.output, (ISyncJobs.NoOutcomeReason));
            revert ISyncJobs.NoOutcome(programId, reason);
        }
        if (script.cycles > maxCycles) {
            revert ISyncJobs.NoOutcome(programId, ISyncJobs.NoOutcomeReason.OutOfCycles);
        }
        return abi.encode(uint8(script.step), script.cycles, script.output);
    }
}
