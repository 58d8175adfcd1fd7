// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OffchainFixture } from "./base/OffchainFixture.sol";
import { RecordingConsumer } from "./consumers/RecordingConsumer.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";
import { LoadWord, MAX_CYCLE_PRICE_WEI } from "../src/jobs/LoadWord.sol";
import { Terms } from "../src/jobs/Terms.sol";

/// @dev The price of a cycle, over blocks and by the rule alone.
contract PriceTest is OffchainFixture {
    /// @dev What one entry of `_postTwiceTheTarget` claims is twice this.
    uint64 private constant TARGET = CYCLES / 2;

    uint64 private posted;

    function setUp() public override {
        super.setUp();
        _setParameters(TARGET, MAX_SYNC_CYCLES);
    }

    function test_startsAtItsFloor() public view {
        vm.assertEq(MANAGER.cyclePriceWei(), CYCLE_PRICE_WEI);
        vm.assertEq(MANAGER.load().blockNumber, block.number);
    }

    function test_risesByAnEighthAtMostAndOnlyFromTheNextBlock() public {
        _postTwiceTheTarget();
        _postTwiceTheTarget();
        vm.assertEq(MANAGER.cyclePriceWei(), CYCLE_PRICE_WEI);
        vm.assertEq(MANAGER.load().postedCycles, 4 * TARGET);
        vm.roll(FIRST_BLOCK + 1);
        vm.assertEq(MANAGER.cyclePriceWei(), CYCLE_PRICE_WEI * 9 / 8);
        vm.assertEq(MANAGER.load().postedCycles, 0);
    }

    function test_fallsBackToItsFloorOverEmptyBlocks() public {
        for (uint64 i; i < 20; ++i) {
            vm.roll(FIRST_BLOCK + i);
            _postTwiceTheTarget();
        }
        uint64 last = FIRST_BLOCK + 19;
        vm.roll(last + 1);
        uint256 priceWei = MANAGER.cyclePriceWei();
        vm.assertTrue(priceWei > 9 * CYCLE_PRICE_WEI);
        for (uint64 i = 2; i < 40; ++i) {
            vm.roll(last + i);
            uint256 nextWei = MANAGER.cyclePriceWei();
            uint256 decayedWei = priceWei - priceWei / 8;
            vm.assertEq(nextWei, decayedWei < CYCLE_PRICE_WEI ? CYCLE_PRICE_WEI : decayedWei);
            priceWei = nextWei;
        }
        vm.assertEq(priceWei, CYCLE_PRICE_WEI);
    }

    function test_jobKeepsThePriceItWasAskedAt() public {
        RecordingConsumer consumer = new RecordingConsumer();
        consumer.request{ value: FEE_WEI }(PROGRAM_ID, "cheap", MAX_CYCLES);
        _postTwiceTheTarget();
        vm.roll(FIRST_BLOCK + 1);
        uint64 raisedWei = MANAGER.cyclePriceWei();
        uint256 raisedFeeWei = MANAGER.quote(MAX_CYCLES, CALLBACK_GAS_LIMIT);
        vm.assertEq(raisedFeeWei - FEE_WEI, uint256(raisedWei - CYCLE_PRICE_WEI) * MAX_CYCLES);
        consumer.request{ value: raisedFeeWei }(PROGRAM_ID, "dear", MAX_CYCLES);

        IJobManager.Job memory dear = _job(address(consumer), 1, "dear");
        dear.cyclePriceWei = raisedWei;
        dear.deadlineBlock += 1;
        uint256 proposerWei = MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER);
        _submit(_result(_job(address(consumer), 0, "cheap"), 0, CYCLES, "output"));
        _submit(_result(dear, 0, CYCLES, "output"));
        uint256 unusedWei = uint256(MAX_CYCLES - CYCLES) * (CYCLE_PRICE_WEI + raisedWei);
        vm.assertEq(MANAGER.balanceOf(address(consumer)), unusedWei);
        uint256 earnedWei = MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER) - proposerWei;
        vm.assertEq(earnedWei, FEE_WEI + raisedFeeWei - unusedWei);
    }

    function test_resultIsPaidAtThePriceThatWasCommittedTo() public {
        RecordingConsumer consumer = new RecordingConsumer();
        bytes32 jobId = consumer.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        IJobManager.Job memory job = _job(address(consumer), 0, "input");
        job.cyclePriceWei += 1;
        _submit(_result(job, 0, CYCLES, "output"));
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Pending);
    }

    function test_jobsAreFreeOnlyWhenGenesisSaysSo() public {
        vm.store(address(MANAGER), 0, bytes32(uint256(1000) << 128 | uint256(TARGET_CYCLES) << 176));
        bytes32 programId = keccak256("free");
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(programId, ELF_HASH, 1);
        vm.assertEq(MANAGER.quote(MAX_CYCLES, CALLBACK_GAS_LIMIT), 0);
        MANAGER.requestJob(programId, "", 0, MAX_CYCLES, CALLBACK_GAS_LIMIT, DEADLINE_BLOCK);
    }

    function testFuzz_priceStaysInItsBounds(uint256 word, uint64 floorWei, uint40 target, uint40 later) public pure {
        floorWei = uint64(floorWei % (MAX_CYCLE_PRICE_WEI + 1));
        target = target == 0 ? 1 : target;
        LoadWord load = _bounded(word);
        uint256 number = uint256(load.blockNumber()) + later;
        uint256 priceWei = load.priceAsOf(_terms(floorWei, target), number);
        vm.assertLe(floorWei, priceWei);
        vm.assertLe(priceWei, MAX_CYCLE_PRICE_WEI);
        vm.assertEq(load.asOf(_terms(floorWei, target), number).cyclePriceWei(), priceWei);
    }

    function testFuzz_priceMovesByAnEighthAtMostPerBlock(uint256 word, uint40 target) public pure {
        target = target == 0 ? 1 : target;
        LoadWord load = _bounded(word);
        uint256 beforeWei = load.cyclePriceWei();
        uint256 afterWei = load.priceAsOf(_terms(0, target), uint256(load.blockNumber()) + 1);
        if (load.postedCycles() > target) {
            vm.assertTrue(afterWei > beforeWei || afterWei == MAX_CYCLE_PRICE_WEI);
            vm.assertLe(afterWei, beforeWei + beforeWei / 8 + 1);
        } else {
            vm.assertLe(afterWei, beforeWei);
            vm.assertLe(beforeWei - beforeWei / 8, afterWei);
        }
    }

    function testFuzz_moreCyclesNeverMakeTheNextBlockCheaper(uint256 word, uint40 target, uint40 more) public pure {
        target = target == 0 ? 1 : target;
        // Of the cycles, so few that more of them fit.
        LoadWord load = _bounded(word & ~(uint256(type(uint24).max) << 144));
        uint256 number = uint256(load.blockNumber()) + 1;
        uint64 lessWei = load.priceAsOf(_terms(0, target), number);
        vm.assertLe(lessWei, load.withClaims(more).priceAsOf(_terms(0, target), number));
    }

    function testFuzz_lookingInBetweenChangesNothing(uint256 word, uint64 floorWei, uint8 first, uint8 second)
        public
        pure
    {
        // Of the block's number, so little that later ones fit.
        LoadWord load = _bounded(word & ~(uint256(1) << 103));
        Terms terms = _terms(uint64(floorWei % MAX_CYCLE_PRICE_WEI), TARGET);
        uint256 start = uint256(load.blockNumber()) + first % 32;
        uint256 end = start + second % 32;
        vm.assertEq(load.asOf(terms, start).priceAsOf(terms, end), load.priceAsOf(terms, end));
    }

    function testFuzz_countingKeepsFieldsApart(uint256 word, uint40 cycles) public pure {
        LoadWord load =
            _bounded(word & ~(uint256(type(uint24).max) << 144 | uint256(type(uint24).max) << 208 | 1 << 255));
        LoadWord after_ = load.withRun(cycles);
        vm.assertEq(after_.cyclePriceWei(), load.cyclePriceWei());
        vm.assertEq(after_.blockNumber(), load.blockNumber());
        vm.assertEq(after_.postedCycles(), uint256(load.postedCycles()) + cycles);
        vm.assertEq(after_.syncCycles(), uint256(load.syncCycles()) + cycles);
        vm.assertEq(after_.syncCount(), uint256(load.syncCount()) + 1);
        vm.assertEq(load.withClaims(cycles).postedCycles(), after_.postedCycles());
        vm.assertEq(load.withClaims(cycles).syncCount(), load.syncCount());
    }

    function _postTwiceTheTarget() private {
        _land(_entry(_freshRequest(), "output"));
    }

    function _freshRequest() private returns (IOffchainJobs.JobRequest memory request) {
        request = _request(posted++);
        request.deadlineBlock = uint64(block.number);
    }

    function _terms(uint64 floorWei, uint64 target) private pure returns (Terms) {
        return Terms.wrap(uint256(floorWei) | uint256(target) << 176);
    }

    /// @dev A load with a price that can be: stored prices are never above the ceiling.
    function _bounded(uint256 word) private pure returns (LoadWord) {
        uint256 priceWei = uint64(word) % (MAX_CYCLE_PRICE_WEI + 1);
        return LoadWord.wrap(word - uint64(word) + priceWei);
    }
}
