// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { DynamicFeePool } from "../../src/amm/DynamicFeePool.sol";
import { IDynamicFeePool } from "../../src/amm/IDynamicFeePool.sol";
import { ExampleToken } from "../../src/examples/ExampleToken.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";
import { Fixture } from "../base/Fixture.sol";
import { MockFeeExecutor } from "./base/MockFeeExecutor.sol";

/// @dev The pool with the job manager itself; programs are stood in for.
/// forge-config: default.isolate = true
contract PoolJobsTest is Fixture {
    MockFeeExecutor private constant EXECUTOR = MockFeeExecutor(address(0x4957));
    uint256 private constant START = 1_800_000_000;
    bytes private constant NO_VOLUME_THEN = hex"00000000000000000000000000000000";
    uint64 private constant POOL_CALLBACK_GAS = 100_000;

    DynamicFeePool private pool;
    ExampleToken private token0;
    ExampleToken private token1;
    uint32 private period;

    function setUp() public override {
        super.setUp();
        vm.etch(address(EXECUTOR), type(MockFeeExecutor).runtimeCode);
        vm.warp(START);
        token0 = new ExampleToken();
        token1 = new ExampleToken();
        IDynamicFeePool.Tier[3] memory tiers;
        tiers[0] = IDynamicFeePool.Tier(1000 ether, 2000);
        tiers[1] = IDynamicFeePool.Tier(10_000 ether, 1000);
        tiers[2] = IDynamicFeePool.Tier(100_000 ether, 500);
        pool = new DynamicFeePool(
            IDynamicFeePool.Configuration(token0, token1, PROGRAM_ID, 1 hours, 30 days, 3000, tiers)
        );
        token0.approve(address(pool), type(uint256).max);
        token1.approve(address(pool), type(uint256).max);
        pool.addLiquidity(1_000_000 ether, 1_000_000 ether, 1, address(this), type(uint64).max);
        period = uint32(START / 1 hours);
        pool.swap(_order(5000 ether));
        EXECUTOR.record(pool.anchorOf(period), address(pool), bytes32(0), 0);
    }

    function test_swapWithProof() public {
        uint256 expected = pool.quote(token0, 1 ether, 2000);
        uint256 got = pool.swapWithProof(_order(1 ether), period, NO_VOLUME_THEN);
        vm.assertEq(got, expected);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.FeeProofRejected.selector, "malformed proof"));
        pool.swapWithProof(_order(1 ether), period, "");
    }

    function test_gasOfASwapWithProof() public {
        bytes memory proof = vm.parseJsonBytes(vm.readFile("test/vectors/amm-fee.json"), ".proof");
        EXECUTOR.forceOutput(abi.encode(uint256(2000)));
        pool.swapWithProof(_order(1 ether), period, proof);
        pool.swapWithProof(_order(1 ether), period, proof);
        vm.snapshotValue("swap with a proof of 1,773 bytes, without the run", vm.lastCallGas().gasTotalUsed);
    }

    function test_refresh() public {
        bytes memory input = pool.feeInput(address(this), period, NO_VOLUME_THEN);
        IJobManager.Job memory job = _job(address(pool), 0, input);
        job.maxCycles = 50_000;
        job.callbackGasLimit = POOL_CALLBACK_GAS;
        job.deadlineBlock = uint64(block.number) + 300;
        uint256 feeWei = MANAGER.quote(50_000, POOL_CALLBACK_GAS);
        bytes32 jobId = pool.refreshTier{ value: feeWei }(period, NO_VOLUME_THEN, 50_000);
        _submit(_result(job, 0, 30_000, abi.encode(uint256(2000))));
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Delivered);
        vm.assertEq(pool.feeOf(address(this)), 2000);
        vm.assertEq(MANAGER.balanceOf(address(pool)), 20_000 * uint256(CYCLE_PRICE_WEI));
    }

    function _order(uint256 amount) private view returns (IDynamicFeePool.Swap memory) {
        return IDynamicFeePool.Swap(token0, amount, 1, address(this), type(uint64).max);
    }
}
