// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { RecordingConsumer } from "./consumers/RecordingConsumer.sol";
import { Fixture } from "./base/Fixture.sol";
import { Commitments } from "../src/Commitments.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { Limits } from "../src/Limits.sol";
import { Predeploys } from "../src/Predeploys.sol";

contract RequestsTest is Fixture {
    RecordingConsumer private consumer;

    function setUp() public override {
        super.setUp();
        consumer = new RecordingConsumer();
    }

    function test_requestEscrowsTheFeeAndTellsEverything() public {
        MANAGER.deposit{ value: FEE_WEI + 5 }(address(consumer));
        bytes32 expectedId = _jobId(address(consumer), 0);

        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobRequested(
            expectedId,
            address(consumer),
            PROGRAM_ID,
            0,
            Commitments.EMPTY_HASH,
            MAX_CYCLES,
            CALLBACK_GAS_LIMIT,
            DEADLINE_BLOCK,
            CYCLE_PRICE_WEI,
            "input"
        );
        bytes32 jobId = consumer.request(PROGRAM_ID, "input", MAX_CYCLES);

        vm.assertEq(jobId, expectedId);
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Pending);
        vm.assertEq(MANAGER.balanceOf(address(consumer)), 5);
        vm.assertEq(MANAGER.nonceOf(address(consumer)), 1);
    }

    function test_valueSentPays() public {
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.Deposited(address(consumer), address(consumer), FEE_WEI + 3);
        consumer.request{ value: FEE_WEI + 3 }(PROGRAM_ID, "input", MAX_CYCLES);
        vm.assertEq(MANAGER.balanceOf(address(consumer)), 3);
    }

    function test_eachJobHasItsOwnId() public {
        bytes32 first = consumer.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        bytes32 second = consumer.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        vm.assertTrue(first != second);
        vm.chainId(2);
        vm.assertTrue(_jobId(address(consumer), 0) != first);
    }

    function test_parametersAndQuote() public view {
        IJobManager.Parameters memory parameters = MANAGER.parameters();
        vm.assertEq(parameters.minCyclePriceWei, CYCLE_PRICE_WEI);
        vm.assertEq(parameters.callbackGasPriceWei, CALLBACK_GAS_PRICE_WEI);
        vm.assertEq(parameters.maxDeadlineBlocks, MAX_DEADLINE_BLOCKS);
        vm.assertEq(parameters.retainedBps, RETAINED_BPS);
        vm.assertEq(parameters.targetCyclesPerBlock, TARGET_CYCLES);
        vm.assertEq(parameters.maxSyncCyclesPerBlock, MAX_SYNC_CYCLES);
        vm.assertEq(parameters.proverShareBps, PROVER_SHARE_BPS);
        vm.assertEq(parameters.proverAccount, PROVER);
        vm.assertEq(MANAGER.quote(MAX_CYCLES, CALLBACK_GAS_LIMIT), FEE_WEI);
    }

    function test_refusesUnknownProgram() public {
        bytes32 unknown = keccak256("unknown");
        vm.expectRevert(abi.encodeWithSelector(IJobManager.UnknownProgram.selector, unknown));
        MANAGER.requestJob(unknown, "", 0, 1, 0, DEADLINE_BLOCK);
    }

    function test_refusesAProgramUntilItIsRegistered() public {
        bytes32 late = keccak256("late");
        vm.expectRevert(abi.encodeWithSelector(IJobManager.UnknownProgram.selector, late));
        MANAGER.requestJob(late, "", 0, 1, 0, DEADLINE_BLOCK);
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(late, ELF_HASH, 1);
        MANAGER.requestJob{ value: 1 ether }(late, "", 0, 1, 0, DEADLINE_BLOCK);
        MANAGER.requestJob(late, "", 0, 1, 0, DEADLINE_BLOCK);
    }

    function test_refusesCyclesOutOfRange() public {
        vm.expectRevert(abi.encodeWithSelector(IJobManager.MaxCyclesZero.selector));
        MANAGER.requestJob(PROGRAM_ID, "", 0, 0, 0, DEADLINE_BLOCK);

        uint64 tooHigh = Limits.MAX_CYCLES_PER_JOB + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IJobManager.MaxCyclesTooHigh.selector, tooHigh, Limits.MAX_CYCLES_PER_JOB)
        );
        MANAGER.requestJob(PROGRAM_ID, "", 0, tooHigh, 0, DEADLINE_BLOCK);
    }

    function test_refusesTooMuchCallbackGas() public {
        uint64 tooHigh = Limits.MAX_CALLBACK_GAS + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IJobManager.CallbackGasTooHigh.selector, tooHigh, Limits.MAX_CALLBACK_GAS)
        );
        MANAGER.requestJob(PROGRAM_ID, "", 0, 1, tooHigh, DEADLINE_BLOCK);
    }

    function test_acceptsTheLargestJobAndRefusesALargerInput() public {
        bytes memory input = new bytes(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES);
        MANAGER.requestJob{ value: 1 ether }(
            PROGRAM_ID, input, 0, Limits.MAX_CYCLES_PER_JOB, Limits.MAX_CALLBACK_GAS, FIRST_BLOCK + MAX_DEADLINE_BLOCKS
        );

        input = new bytes(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobManager.InputTooLarge.selector, input.length, Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES
            )
        );
        MANAGER.requestJob(PROGRAM_ID, input, 0, 1, 0, DEADLINE_BLOCK);
    }

    function test_refusesDeadlinesOutOfRange() public {
        vm.expectRevert(abi.encodeWithSelector(IJobManager.DeadlineTooSoon.selector, FIRST_BLOCK, FIRST_BLOCK));
        MANAGER.requestJob(PROGRAM_ID, "", 0, 1, 0, FIRST_BLOCK);

        uint64 latest = FIRST_BLOCK + MAX_DEADLINE_BLOCKS;
        vm.expectRevert(abi.encodeWithSelector(IJobManager.DeadlineTooFar.selector, latest + 1, latest));
        MANAGER.requestJob(PROGRAM_ID, "", 0, 1, 0, latest + 1);
    }

    function test_refusesAFeeThatIsNotThere() public {
        vm.expectRevert(abi.encodeWithSelector(IJobManager.InsufficientFunds.selector, FEE_WEI - 1, FEE_WEI));
        consumer.request{ value: FEE_WEI - 1 }(PROGRAM_ID, "", MAX_CYCLES);
    }

    function testFuzz_requestTakesExactlyTheQuote(uint64 maxCycles, uint64 callbackGas, uint64 deadline, bytes32 hash)
        public
    {
        maxCycles = 1 + maxCycles % Limits.MAX_CYCLES_PER_JOB;
        callbackGas = callbackGas % (Limits.MAX_CALLBACK_GAS + 1);
        deadline = FIRST_BLOCK + 1 + deadline % MAX_DEADLINE_BLOCKS;
        uint256 feeWei = MANAGER.quote(maxCycles, callbackGas);
        MANAGER.requestJob{ value: feeWei + 1 }(PROGRAM_ID, "x", hash, maxCycles, callbackGas, deadline);
        vm.assertEq(MANAGER.balanceOf(address(this)), 1);
    }
}
