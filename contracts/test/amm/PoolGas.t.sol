// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { PoolFixture } from "./base/PoolFixture.sol";

/// @dev Gas of whole transactions, the 21,000 and the calldata included: each call runs as one, in steady state. What the
/// executor takes, and the job manager's claim, are not in it: both are stood in for.
/// forge-config: default.isolate = true
contract PoolGasTest is PoolFixture {
    bytes private proof;
    uint32 private period;

    function setUp() public {
        _start();
        proof = vm.parseJsonBytes(vm.readFile("test/vectors/amm-fee.json"), ".proof");
        EXECUTOR.forceOutput(abi.encode(uint256(2000)));
        _addLiquidity(BOB, 1_000_000 ether, 1_000_000 ether);
        _nextBlock(1);
        period = _periodNow();
        _swap(ALICE, token0, 1000 ether);
        _swap(ALICE, token1, 1000 ether);
        _nextBlock(1);
    }

    function test_swap() public {
        _swap(ALICE, token0, 1 ether);
        _snapshot("swap");
    }

    function test_swapWithProof() public {
        vm.prank(ALICE);
        pool.swapWithProof(_order(token0, 1 ether, ALICE), period, proof);
        _snapshot("swap with a proof of 1,773 bytes, without what the job takes");
    }

    function test_firstSwapOfAPeriod() public {
        _nextBlock(PERIOD);
        _swap(ALICE, token0, 1 ether);
        _snapshot("swap, the first of a period");
    }

    function test_firstSwapOfATrader() public {
        _fund(address(0xCAB01), pool);
        _swap(address(0xCAB01), token0, 1 ether);
        _snapshot("swap, the first of a trader");
    }

    function test_liquidity() public {
        _addLiquidity(BOB, 1000 ether, 1000 ether);
        _snapshot("add liquidity");
        vm.prank(BOB);
        pool.removeLiquidity(1000 ether, 0, 0, BOB, NEVER);
        _snapshot("remove liquidity");
    }

    function _snapshot(string memory name) private {
        vm.snapshotValue(name, vm.lastCallGas().gasTotalUsed);
    }
}
