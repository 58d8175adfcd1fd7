// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { MockExecutor } from "./base/MockExecutor.sol";
import { Vm } from "./base/Test.sol";
import { OpenConsumer } from "./consumers/OpenConsumer.sol";
import { Commitments } from "../src/Commitments.sol";
import { Limits } from "../src/Limits.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { InstantSquareRoot } from "../src/examples/InstantSquareRoot.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { ISyncJobs } from "../src/interfaces/ISyncJobs.sol";
import { JobKinds } from "../src/jobs/JobKinds.sol";

/// @dev Runs programs from inner frames, some of which revert, and from its callback.
contract Caller is OpenConsumer {
    bytes32 private constant PROGRAM_ID = keccak256("program");

    uint256 public runs;

    error Unwanted(bytes output);

    function run(bytes calldata input, uint64 maxCycles) public returns (ISyncJobs.Outcome memory outcome) {
        ++runs;
        return _execute(PROGRAM_ID, input, maxCycles);
    }

    function runThenRevert(bytes calldata input, uint64 maxCycles) external {
        revert Unwanted(run(input, maxCycles).output);
    }

    /// @dev One run here, one in a frame that reverts, one in a frame of another call, one here.
    function runNested(bytes calldata input, uint64 maxCycles) external {
        run(input, maxCycles);
        (bool ok, bytes memory why) = address(this).call(abi.encodeCall(this.runThenRevert, (input, maxCycles)));
        require(!ok && bytes4(why) == Unwanted.selector, Unwanted(why));
        this.run(input, maxCycles);
        run(input, maxCycles);
    }

    function _onResult(bytes32, bytes calldata output) internal override {
        this.run(output, 1000);
    }
}

contract SyncTest is Fixture {
    uint64 private constant CYCLES = 1000;

    Caller private caller;

    function setUp() public override {
        super.setUp();
        vm.etch(Predeploys.EXECUTOR, type(MockExecutor).runtimeCode);
        caller = new Caller();
    }

    function test_outcomeIsReturnedAndClaimed() public {
        bytes memory input = _script(MockExecutor.Step.Succeed, CYCLES, "output");
        uint64 nonce = JobKinds.syncNonce(FIRST_BLOCK, 0);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit ISyncJobs.JobExecuted(
            _jobId(address(caller), nonce), address(caller), PROGRAM_ID, nonce, 5000, 0, input, "output"
        );
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.ClaimPosted(
            _jobId(address(caller), nonce),
            PROGRAM_ID,
            Commitments.input(keccak256(input), Commitments.EMPTY_HASH),
            5000,
            _outcomeHash(0, "output"),
            CYCLES
        );
        ISyncJobs.Outcome memory outcome = caller.run(input, 5000);
        vm.assertEq(outcome.status, 0);
        vm.assertEq(outcome.output, "output");

        IJobManager.Load memory load = MANAGER.load();
        vm.assertEq(load.postedCycles, CYCLES);
        vm.assertEq(load.syncCycles, CYCLES);
        vm.assertEq(load.syncCount, 1);
    }

    function test_panicIsAnOutcome() public {
        ISyncJobs.Outcome memory outcome = caller.run(_script(MockExecutor.Step.Panic, CYCLES, "message"), 5000);
        vm.assertEq(outcome.status, 1);
        vm.assertEq(outcome.output, "message");
    }

    function test_nothingIsPaidButGas() public {
        caller.run(_script(MockExecutor.Step.Succeed, CYCLES, "output"), 5000);
        vm.assertEq(MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER), 0);
    }

    function test_runsWithoutOutcomeRevertWithTheReason() public {
        for (uint8 reason; reason <= uint8(type(ISyncJobs.NoOutcomeReason).max); ++reason) {
            bytes memory input = _script(MockExecutor.Step.HaveNoOutcome, 0, abi.encode(reason));
            vm.expectRevert(abi.encodeWithSelector(ISyncJobs.NoOutcome.selector, PROGRAM_ID, reason));
            caller.run(input, 5000);
        }
        vm.expectRevert(
            abi.encodeWithSelector(ISyncJobs.NoOutcome.selector, PROGRAM_ID, ISyncJobs.NoOutcomeReason.OutOfCycles)
        );
        caller.run(_script(MockExecutor.Step.Succeed, 5001, ""), 5000);
        vm.assertEq(MANAGER.load().syncCount, 0);
    }

    function test_gasThatDoesNotSufficeIsNamed() public {
        bytes memory input = _script(MockExecutor.Step.RunOutOfGas, 0, "");
        (bool ok, bytes memory why) = address(caller).call{ gas: 2_000_000 }(abi.encodeCall(caller.run, (input, 5000)));
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == ISyncJobs.ExecutionOutOfGas.selector);
    }

    function test_missingExecutorIsNamed() public {
        vm.etch(Predeploys.EXECUTOR, "");
        bytes memory missing = abi.encodeWithSelector(ISyncJobs.ExecutorMissing.selector, Predeploys.EXECUTOR);
        vm.expectRevert(missing);
        caller.run(_script(MockExecutor.Step.Succeed, 1, ""), 5000);
    }

    function test_nobodyElseReachesTheExecutor() public {
        bytes memory question =
            abi.encode(PROGRAM_ID, ELF_HASH, uint64(5000), _script(MockExecutor.Step.Succeed, 1, ""));
        (bool ok, bytes memory why) = Predeploys.EXECUTOR.call(question);
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == MockExecutor.CalledBy.selector);
    }

    function test_refusesWhatNoJobMayAsk() public {
        bytes32 unknown = keccak256("unknown");
        vm.expectRevert(abi.encodeWithSelector(IJobManager.UnknownProgram.selector, unknown));
        MANAGER.execute(unknown, "", 1);
        vm.expectRevert(abi.encodeWithSelector(IJobManager.MaxCyclesZero.selector));
        MANAGER.execute(PROGRAM_ID, "", 0);
        bytes memory input = new bytes(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobManager.InputTooLarge.selector, input.length, Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES
            )
        );
        MANAGER.execute(PROGRAM_ID, input, 1);
        uint64 tooHigh = Limits.MAX_CYCLES_PER_JOB + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IJobManager.MaxCyclesTooHigh.selector, tooHigh, Limits.MAX_CYCLES_PER_JOB)
        );
        MANAGER.execute(PROGRAM_ID, "", tooHigh);
    }

    function test_blockHasABudgetOfCycles() public {
        bytes memory half = _script(MockExecutor.Step.Succeed, MAX_SYNC_CYCLES / 2, "");
        uint64 tooMany = MAX_SYNC_CYCLES + 1;
        vm.expectRevert(abi.encodeWithSelector(ISyncJobs.SyncBudgetExceeded.selector, tooMany, MAX_SYNC_CYCLES));
        caller.run(half, tooMany);

        // What is used counts, not what is asked for.
        caller.run(half, MAX_SYNC_CYCLES);
        uint64 left = MAX_SYNC_CYCLES / 2;
        vm.expectRevert(abi.encodeWithSelector(ISyncJobs.SyncBudgetExceeded.selector, left + 1, left));
        caller.run(half, left + 1);
        caller.run(half, left);
        vm.expectRevert(abi.encodeWithSelector(ISyncJobs.SyncBudgetExceeded.selector, 1, 0));
        caller.run(half, 1);

        vm.roll(FIRST_BLOCK + 1);
        caller.run(half, MAX_SYNC_CYCLES);
        vm.assertEq(MANAGER.load().syncCount, 1);
    }

    function test_chainWithoutABudgetRunsNothing() public {
        _setParameters(TARGET_CYCLES, 0);
        vm.expectRevert(abi.encodeWithSelector(ISyncJobs.SyncBudgetExceeded.selector, 1, 0));
        caller.run(_script(MockExecutor.Step.Succeed, 1, ""), 1);
    }

    function test_nestedAndRepeatedRunsClaimEachOnceAndRevertedFramesNothing() public {
        bytes memory input = _script(MockExecutor.Step.Succeed, CYCLES, "output");
        vm.recordLogs();
        caller.runNested(input, 5000);
        // Forge records the logs of reverted frames as well: the number of that run is the next one's again.
        bytes32[] memory claims = _claims();
        uint8[4] memory numbers = [0, 1, 1, 2];
        vm.assertEq(claims.length, numbers.length);
        for (uint256 i; i < numbers.length; ++i) {
            vm.assertEq(claims[i], _jobId(address(caller), JobKinds.syncNonce(FIRST_BLOCK, numbers[i])));
        }
        IJobManager.Load memory load = MANAGER.load();
        vm.assertEq(load.syncCount, 3);
        vm.assertEq(load.syncCycles, 3 * CYCLES);
        vm.assertEq(caller.runs(), 3);
    }

    function test_callbackMayRunJobs() public {
        bytes memory inner = _script(MockExecutor.Step.Succeed, 7, "inner");
        caller.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        IJobManager.Job memory job = _job(address(caller), 0, "input");
        vm.recordLogs();
        _submit(_result(job, 0, CYCLES, inner));
        vm.assertEq(_claims().length, 2);
        vm.assertEq(caller.runs(), 1);
        // Neither of the two counts overwrites the other.
        IJobManager.Load memory load = MANAGER.load();
        vm.assertEq(load.postedCycles, CYCLES + 7);
        vm.assertEq(load.syncCycles, 7);
    }

    function test_staticCallsRunNothing() public view {
        bytes memory input = _script(MockExecutor.Step.Succeed, CYCLES, "output");
        (bool ok,) =
            address(MANAGER).staticcall{ gas: 500_000 }(abi.encodeCall(MANAGER.execute, (PROGRAM_ID, input, 5000)));
        vm.assertFalse(ok);
    }

    function test_exampleTellsPanicsFromRoots() public {
        InstantSquareRoot roots = new InstantSquareRoot();
        // The mock decodes a script where the program would find a number: neither is one here.
        vm.expectRevert();
        roots.computeSquareRoot(PROGRAM_ID, 17, 5000);
        vm.etch(Predeploys.EXECUTOR, type(AlwaysFour).runtimeCode);
        vm.assertEq(roots.computeSquareRoot(PROGRAM_ID, 17, 5000), 4);
        roots.computeRepeatedly(PROGRAM_ID, 17, 5000, 3);
        vm.assertEq(roots.latestRoot(), 4);
        vm.assertEq(MANAGER.load().syncCount, 4);
        vm.etch(Predeploys.EXECUTOR, type(AlwaysPanics).runtimeCode);
        vm.expectRevert(abi.encodeWithSelector(InstantSquareRoot.ProgramPanicked.selector, bytes("no number")));
        roots.computeSquareRoot(PROGRAM_ID, 17, 5000);
    }

    function testFuzz_anySequenceOfRunsCountsWhatItUsed(uint16[8] calldata cycles, bytes calldata output) public {
        uint64 used;
        for (uint256 i; i < cycles.length; ++i) {
            ISyncJobs.Outcome memory outcome =
                caller.run(_script(MockExecutor.Step.Succeed, cycles[i], output), MAX_SYNC_CYCLES - used);
            used += cycles[i];
            vm.assertEq(outcome.output, output);
            vm.assertEq(MANAGER.load().syncCycles, used);
            vm.assertEq(MANAGER.load().syncCount, i + 1);
        }
    }

    function _script(MockExecutor.Step step, uint64 cycles, bytes memory output) private pure returns (bytes memory) {
        return abi.encode(MockExecutor.Script({ step: step, cycles: cycles, output: output }));
    }

    /// @dev Ids of the jobs claimed since logs are recorded.
    function _claims() private returns (bytes32[] memory jobIds) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        jobIds = new bytes32[](logs.length);
        uint256 count;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IJobManager.ClaimPosted.selector) jobIds[count++] = logs[i].topics[1];
        }
        assembly ("memory-safe") {
            mstore(jobIds, count)
        }
    }
}

contract AlwaysFour {
    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(uint8(0), uint64(100), abi.encode(uint256(4)));
    }
}

contract AlwaysPanics {
    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(uint8(1), uint64(100), bytes("no number"));
    }
}
