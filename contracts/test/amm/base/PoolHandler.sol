// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { PoolFixture } from "./PoolFixture.sol";

/// @dev Trades, provides and lies as forge chooses, and keeps account of its own of who traded how much, and when.
contract PoolHandler is PoolFixture {
    uint256 private constant MAX_AMOUNT = 50_000 ether;

    struct Trade {
        address trader;
        uint256 timestamp;
        uint256 amount0;
    }

    address[3] private _traders = [ALICE, BOB, address(0xCAB01)];
    uint32[] private _periods;
    bytes32[] private _jobs;
    Trade[] private _trades;

    /// @dev What must not happen, in words; empty as long as it did not.
    string public fault;

    /// @dev How often which kind of swap was made: an invariant over nothing says nothing.
    uint256 public plainSwaps;
    uint256 public discountedSwaps;
    uint256 public refusedLies;

    constructor() {
        _start();
        _fund(_traders[2], pool);
        _addLiquidity(BOB, 1_000_000 ether, 3_000_000 ether);
        _block(1);
    }

    function swap(uint256 who, bool zeroIn, uint256 amount) external {
        address trader = _trader(who);
        uint256 expected = pool.feeOf(trader);
        if (expected < _earned(_volumeSince(trader, _now() - WINDOW))) {
            fault = "a tier gives more than the window's volume";
        }
        vm.recordLogs();
        if (!_trade(trader, zeroIn, amount, new bytes(0), 0)) return;
        uint256 fee = _chargedFee(trader);
        if (fee != expected) fault = "a plain swap is not at the trader's fee";
        if (fee < BASE_FEE) ++discountedSwaps;
        else ++plainSwaps;
    }

    function swapWithProof(uint256 who, bool zeroIn, uint256 amount, uint256 which) external {
        if (_periods.length == 0) return;
        (address trader, uint32 period) = (_trader(who), _period(which));
        if (period < pool.oldestPeriod()) return;
        uint256 volume = _volumeSince(trader, uint256(period) * PERIOD);
        uint256 inWindow = _volumeSince(trader, _now() - WINDOW);
        vm.recordLogs();
        uint256 least = pool.quote(zeroIn ? token0 : token1, amount % MAX_AMOUNT, BASE_FEE);
        if (!_trade(trader, zeroIn, amount, _honest(trader, volume), period)) {
            if (least > 0) fault = "an honest proof was refused";
            return;
        }
        uint256 fee = _chargedFee(trader);
        if (fee != _earned(volume)) fault = "a proven swap is not at the fee of the volume since";
        if (fee < _earned(inWindow)) fault = "a discount without the volume";
        if (fee < BASE_FEE) ++discountedSwaps;
    }

    /// @dev A past with less volume than there was, or of another period, or too old.
    function lie(uint256 who, uint256 amount, uint256 which, uint128 claimed) external {
        if (_periods.length == 0) return;
        (address trader, uint32 period) = (_trader(who), _period(which));
        uint256 volumeThen = pool.traderOf(trader).volume - _volumeSince(trader, uint256(period) * PERIOD);
        if (claimed == volumeThen && period >= pool.oldestPeriod()) return;
        // Forge picks the very number of an account's past rarely, and no past at all often: the lie that pays.
        if (_trade(trader, true, amount, abi.encodePacked(claimed), period)) fault = "a lie passed";
        else ++refusedLies;
    }

    function refresh(uint256 who, uint256 which, bool lies) external {
        if (_periods.length == 0) return;
        (address trader, uint32 period) = (_trader(who), _period(which));
        if (period < pool.oldestPeriod()) return;
        bytes memory proof =
            lies ? abi.encodePacked(uint128(1)) : _honest(trader, _volumeSince(trader, uint256(period) * PERIOD));
        vm.prank(trader);
        _jobs.push(pool.refreshTier(period, proof, 1000));
    }

    function deliver(uint256 which) external {
        if (_jobs.length == 0) return;
        uint256 index = which % _jobs.length;
        JOBS.deliver(_jobs[index]);
        _jobs[index] = _jobs[_jobs.length - 1];
        _jobs.pop();
    }

    function addLiquidity(uint256 who, uint256 amount0, uint256 amount1) external {
        (uint256 reserve0, uint256 reserve1, uint256 supply) = _state();
        vm.prank(_trader(who));
        try pool.addLiquidity(amount0 % MAX_AMOUNT, amount1 % MAX_AMOUNT, 0, _trader(who), NEVER) returns (
            uint256 took0, uint256 took1, uint256
        ) {
            if (took0 > amount0 % MAX_AMOUNT || took1 > amount1 % MAX_AMOUNT) fault = "more was taken than allowed";
        } catch {
            return;
        }
        _checkShares(reserve0, reserve1, supply);
    }

    function removeLiquidity(uint256 who, uint256 shares) external {
        (uint256 reserve0, uint256 reserve1, uint256 supply) = _state();
        address provider = _trader(who);
        // Not all at once, so that there stays something to trade with.
        shares %= pool.balanceOf(provider) / 4 + 1;
        vm.prank(provider);
        pool.removeLiquidity(shares, 0, 0, provider, NEVER);
        _checkShares(reserve0, reserve1, supply);
    }

    function pass(uint256 secondsLater, bool long) external {
        _block(long ? secondsLater % (12 days) : secondsLater % (2 hours));
    }

    function isSolvent() external view returns (bool) {
        (uint256 reserve0, uint256 reserve1,) = _state();
        return token0.balanceOf(address(pool)) >= reserve0 && token1.balanceOf(address(pool)) >= reserve1
            && reserve0 > 0 && reserve1 > 0;
    }

    function feesAreWithinBounds() external view returns (bool) {
        for (uint256 i; i < _traders.length; ++i) {
            uint256 fee = pool.feeOf(_traders[i]);
            if (fee < _earned(_volumeSince(_traders[i], _now() - WINDOW)) || fee > BASE_FEE) return false;
        }
        return true;
    }

    /// @dev A swap, without a proof when there is none; false when it was refused.
    function _trade(address trader, bool zeroIn, uint256 amount, bytes memory proof, uint32 period)
        private
        returns (bool)
    {
        amount %= MAX_AMOUNT;
        (uint256 before0, uint256 before1,) = _state();
        IERC20 tokenIn = zeroIn ? token0 : token1;
        vm.prank(trader);
        (bool ok,) = address(pool)
            .call(
                proof.length == 0
                    ? abi.encodeCall(pool.swap, (_order(tokenIn, amount, trader)))
                    : abi.encodeCall(pool.swapWithProof, (_order(tokenIn, amount, trader), period, proof))
            );
        if (!ok) return false;
        (uint256 after0, uint256 after1,) = _state();
        if (after0 * after1 < before0 * before1) fault = "the product fell";
        _trades.push(Trade(trader, _now(), zeroIn ? after0 - before0 : before0 - after0));
        uint32 current = _periodNow();
        if (_periods.length == 0 || _periods[_periods.length - 1] != current) {
            _periods.push(current);
            if (pool.anchorOf(current) != hashOf[block.number - 1]) fault = "another block was anchored";
        }
        return true;
    }

    /// @dev Shares never come to stand for less of either reserve.
    function _checkShares(uint256 reserve0, uint256 reserve1, uint256 supply) private {
        (uint256 after0, uint256 after1, uint256 supplyAfter) = _state();
        if (after0 * supply < reserve0 * supplyAfter || after1 * supply < reserve1 * supplyAfter) {
            fault = "a share is worth less";
        }
    }

    function _honest(address trader, uint256 volumeSince) private view returns (bytes memory) {
        return abi.encodePacked(uint128(pool.traderOf(trader).volume - volumeSince));
    }

    function _volumeSince(address trader, uint256 timestamp) private view returns (uint256 volume) {
        for (uint256 i; i < _trades.length; ++i) {
            if (_trades[i].trader == trader && _trades[i].timestamp >= timestamp) volume += _trades[i].amount0;
        }
    }

    function _earned(uint256 volume) private pure returns (uint256 fee) {
        fee = BASE_FEE;
        for (uint256 i; i < 3; ++i) {
            if (volume >= _tiers()[i].minVolume) fee = _tiers()[i].feeMillionths;
        }
    }

    function _state() private view returns (uint256 reserve0, uint256 reserve1, uint256 supply) {
        (reserve0, reserve1) = pool.reserves();
        supply = pool.totalSupply();
    }

    function _block(uint256 secondsLater) private {
        address[] memory traders = new address[](_traders.length);
        for (uint256 i; i < traders.length; ++i) {
            traders[i] = _traders[i];
        }
        _nextBlock(secondsLater, traders);
    }

    function _trader(uint256 which) private view returns (address) {
        return _traders[which % _traders.length];
    }

    function _period(uint256 which) private view returns (uint32) {
        return _periods[which % _periods.length];
    }
}
