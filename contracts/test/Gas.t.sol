// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { SquareRootConsumer } from "../src/examples/SquareRootConsumer.sol";
import { VolatilityOracle } from "../src/examples/VolatilityOracle.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { SimpleConsumer } from "./consumers/SimpleConsumer.sol";

/// @dev Gas of whole transactions, the 21,000 and the calldata included: each call runs as one, in steady state.
/// forge-config: default.isolate = true
contract GasTest is Fixture {
    uint256 private constant BATCH = 8;
    uint256 private constant REQUEST_GAS_GOAL = 63_000;
    uint256 private constant RESULT_GAS_GOAL = 40_000;

    SimpleConsumer private consumer;

    function setUp() public override {
        super.setUp();
        consumer = new SimpleConsumer(PROGRAM_ID);
        MANAGER.deposit{ value: 1000 ether }(address(consumer));
        MANAGER.deposit{ value: 1 ether }(PROPOSER);
        _request();
        _submit(_batch(0, 1));
    }

    function test_requestStaysWithinGoal() public {
        _request();
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("request", used);
        vm.assertLe(used, REQUEST_GAS_GOAL);
    }

    /// @dev For comparison: the caller names the program, the number and the cycles.
    function test_requestOfAnExampleApp() public {
        SquareRootConsumer app = new SquareRootConsumer();
        MANAGER.deposit{ value: 1 ether }(address(app));
        app.requestSquareRoot(PROGRAM_ID, 9, MAX_CYCLES);
        app.requestSquareRoot(PROGRAM_ID, 9, MAX_CYCLES);
        vm.snapshotValue("request, by SquareRootConsumer", vm.lastCallGas().gasTotalUsed);
    }

    /// @dev For comparison: a large input, the 5,104 prices of the demo.
    function test_requestWithALargeInput() public {
        VolatilityOracle oracle = new VolatilityOracle();
        MANAGER.deposit{ value: 1 ether }(address(oracle));
        bytes memory prices = new bytes(4 * 5104);
        for (uint256 i; i < prices.length; ++i) {
            // One byte of four is zero in a price from 655.36 up to 167,772.15.
            if (i % 4 != 0) prices[i] = 0x01;
        }
        oracle.requestVolatility(PROGRAM_ID, prices, MAX_CYCLES);
        vm.snapshotValue("request, by VolatilityOracle with 5,104 prices", vm.lastCallGas().gasTotalUsed);
    }

    /// @dev Once per program: the manager has not heard of it yet.
    function test_firstRequestOfAProgram() public {
        bytes32 programId = keccak256("new program");
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(programId, ELF_HASH, 1);
        SimpleConsumer first = new SimpleConsumer(programId);
        MANAGER.deposit{ value: 1 ether }(address(first));
        first.request();
        vm.snapshotValue("request, the first of its program", vm.lastCallGas().gasTotalUsed);
    }

    function test_resultStaysWithinGoalInBatchOf8() public {
        for (uint256 i; i < BATCH; ++i) {
            _request();
        }
        IJobManager.JobResult[] memory results = _batch(1, BATCH);
        _submit(results);
        uint256 used = vm.lastCallGas().gasTotalUsed / BATCH;
        vm.snapshotValue("result, each in a batch of 8", used);
        vm.assertLe(used, RESULT_GAS_GOAL);
        vm.assertEq(consumer.latest(), 3);
    }

    function _request() private {
        consumer.request();
    }

    function _batch(uint64 firstNonce, uint256 count) private view returns (IJobManager.JobResult[] memory results) {
        results = new IJobManager.JobResult[](count);
        for (uint64 i; i < count; ++i) {
            IJobManager.Job memory job = _job(address(consumer), firstNonce + i, hex"09");
            results[i] = _result(job, 0, MAX_CYCLES / 2, abi.encode(uint256(3)));
        }
    }
}
