// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { Test, Vm } from "../../base/Test.sol";
import { DynamicFeePool } from "../../../src/amm/DynamicFeePool.sol";
import { IDynamicFeePool } from "../../../src/amm/IDynamicFeePool.sol";
import { ExampleToken } from "../../../src/examples/ExampleToken.sol";
import { Predeploys } from "../../../src/Predeploys.sol";
import { FeeJobs } from "./FeeJobs.sol";
import { MockFeeExecutor } from "./MockFeeExecutor.sol";

/// @dev Cheatcodes that only these tests use.
interface ChainVm {
    function getBlockTimestamp() external view returns (uint256);
    function load(address target, bytes32 slot) external view returns (bytes32);
}

/// @dev A pool of two tokens on a chain whose past can be looked up.
abstract contract PoolFixture is Test {
    FeeJobs internal constant JOBS = FeeJobs(Predeploys.JOB_MANAGER);
    MockFeeExecutor internal constant EXECUTOR = MockFeeExecutor(address(0x4957));
    ChainVm internal constant CHAIN = ChainVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    bytes32 internal constant PROGRAM_ID = keccak256("amm-fee");
    uint32 internal constant PERIOD = 1 hours;
    uint32 internal constant WINDOW = 30 days;
    uint24 internal constant BASE_FEE = 3000;
    uint64 internal constant NEVER = type(uint64).max;
    /// @dev The first second of a period.
    uint256 internal constant START = 500_000 * uint256(PERIOD);

    /// @dev Where the pool's layout has the mapping of traders.
    uint256 internal constant TRADERS_SLOT = 1;

    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);

    DynamicFeePool internal pool;
    IERC20 internal token0;
    IERC20 internal token1;

    /// @dev Hashes of the blocks that ended.
    mapping(uint256 blockNumber => bytes32) internal hashOf;

    function _start() internal {
        vm.etch(address(JOBS), type(FeeJobs).runtimeCode);
        vm.etch(address(EXECUTOR), type(MockFeeExecutor).runtimeCode);
        vm.roll(1000);
        vm.warp(START);
        token0 = new ExampleToken();
        token1 = new ExampleToken();
        pool = _newPool(token0, token1);
        _fund(ALICE, pool);
        _fund(BOB, pool);
    }

    function _tiers() internal pure returns (IDynamicFeePool.Tier[3] memory earned) {
        earned[0] = IDynamicFeePool.Tier(1000 ether, 2000);
        earned[1] = IDynamicFeePool.Tier(10_000 ether, 1000);
        earned[2] = IDynamicFeePool.Tier(100_000 ether, 500);
    }

    function _configuration() internal view returns (IDynamicFeePool.Configuration memory) {
        return IDynamicFeePool.Configuration({
            token0: token0,
            token1: token1,
            feeProgramId: PROGRAM_ID,
            anchorPeriodSeconds: PERIOD,
            windowSeconds: WINDOW,
            baseFeeMillionths: BASE_FEE,
            tiers: _tiers()
        });
    }

    function _newPool(IERC20 first, IERC20 second) internal returns (DynamicFeePool) {
        IDynamicFeePool.Configuration memory configuration = _configuration();
        (configuration.token0, configuration.token1) = (first, second);
        return new DynamicFeePool(configuration);
    }

    /// @dev Gives an account of both tokens, which the pool may take.
    function _fund(address account, DynamicFeePool spender) internal {
        for (uint256 i; i < 2; ++i) {
            IERC20 token = i == 0 ? spender.TOKEN0() : spender.TOKEN1();
            require(token.transfer(account, 10_000_000 ether));
            vm.prank(account);
            token.approve(address(spender), type(uint256).max);
        }
    }

    function _addLiquidity(address provider, uint256 amount0, uint256 amount1) internal returns (uint256 shares) {
        vm.prank(provider);
        (,, shares) = pool.addLiquidity(amount0, amount1, 0, provider, NEVER);
    }

    function _order(IERC20 tokenIn, uint256 amountIn, address recipient)
        internal
        pure
        returns (IDynamicFeePool.Swap memory)
    {
        return IDynamicFeePool.Swap(tokenIn, amountIn, 0, recipient, NEVER);
    }

    function _swap(address trader, IERC20 tokenIn, uint256 amountIn) internal returns (uint256) {
        vm.prank(trader);
        return pool.swap(_order(tokenIn, amountIn, trader));
    }

    /// @dev The next block, some time later. What the pool stores of these traders is on record as of this block's end.
    function _nextBlock(uint256 secondsLater, address[] memory traders) internal {
        uint256 number = vm.getBlockNumber();
        vm.roll(number + 1);
        vm.warp(_now() + secondsLater);
        bytes32 blockHash = blockhash(number);
        require(blockHash != 0, "forge has no hash of the block");
        hashOf[number] = blockHash;
        for (uint256 i; i < traders.length; ++i) {
            bytes32 slot = _slotOf(traders[i]);
            EXECUTOR.record(blockHash, address(pool), slot, uint256(CHAIN.load(address(pool), slot)));
        }
    }

    function _nextBlock(uint256 secondsLater) internal {
        address[] memory traders = new address[](2);
        (traders[0], traders[1]) = (ALICE, BOB);
        _nextBlock(secondsLater, traders);
    }

    /// @dev Slot of a trader's word; a test compares it with what the pool tells the program.
    function _slotOf(address trader) internal pure returns (bytes32) {
        return keccak256(abi.encode(trader, TRADERS_SLOT));
    }

    /// @dev The fee in the pool's only `Swapped` log since logs are recorded; zero when the swap was expected to fail.
    function _chargedFee(address trader) internal returns (uint256 fee) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IDynamicFeePool.Swapped.selector) continue;
            require(fee == 0 && logs[i].topics[1] == bytes32(uint256(uint160(trader))), "not this trader's swap");
            (,,, fee) = abi.decode(logs[i].data, (address, uint256, uint256, uint24));
        }
    }

    /// @dev The time, where the optimiser cannot take it for what it was.
    function _now() internal view returns (uint256) {
        return CHAIN.getBlockTimestamp();
    }

    function _periodNow() internal view returns (uint32) {
        return uint32(_now() / PERIOD);
    }
}
