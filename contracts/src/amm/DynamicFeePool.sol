// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { IDynamicFeePool } from "./IDynamicFeePool.sol";
import { TieredFees } from "./TieredFees.sol";

/// @title A constant-product pool with fees by proven volume; see `IDynamicFeePool`
/// @dev Tokens that take a fee of a transfer, or change balances by themselves, are refused when it shows. What is sent to
/// the pool past its functions is nobody's, and part of no reserve.
contract DynamicFeePool is TieredFees, ERC20, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Shares of the first liquidity that nobody can give back. They make it dear to have one share be worth much.
    uint256 public constant LOCKED_SHARES = 1000;

    /// @notice Who holds them.
    address public constant LOCK = address(0xdead);

    /// @notice The token that volume is counted in.
    IERC20 public immutable TOKEN0;

    /// @notice The other token.
    IERC20 public immutable TOKEN1;

    /// @dev One slot.
    struct State {
        uint112 reserve0;
        uint112 reserve1;
        uint32 anchoredPeriod;
    }

    State private _state;

    modifier before(uint64 deadline) {
        require(block.timestamp <= deadline, DeadlinePassed(block.timestamp, deadline));
        _;
    }

    constructor(Configuration memory configuration) TieredFees(configuration) ERC20("Dynamic-fee pool share", "POOL") {
        bool differ = address(configuration.token0) != address(configuration.token1);
        require(differ, ConfigurationInvalid("both tokens are the same"));
        TOKEN0 = configuration.token0;
        TOKEN1 = configuration.token1;
    }

    /// @inheritdoc IDynamicFeePool
    function swap(Swap calldata order) external nonReentrant before(order.deadline) returns (uint256 amountOut) {
        return _swap(order, feeOf(msg.sender));
    }

    /// @inheritdoc IDynamicFeePool
    function swapWithProof(Swap calldata order, uint32 period, bytes calldata proof)
        external
        nonReentrant
        before(order.deadline)
        returns (uint256 amountOut)
    {
        return _swap(order, _provenFee(msg.sender, period, proof));
    }

    /// @inheritdoc IDynamicFeePool
    function addLiquidity(uint256 maxAmount0, uint256 maxAmount1, uint256 minShares, address recipient, uint64 deadline)
        external
        nonReentrant
        before(deadline)
        returns (uint256 amount0, uint256 amount1, uint256 shares)
    {
        State memory state = _state;
        uint256 supply = totalSupply();
        if (supply == 0) {
            (amount0, amount1) = (maxAmount0, maxAmount1);
            uint256 allShares = Math.sqrt(_fitting(amount0) * _fitting(amount1));
            require(allShares > LOCKED_SHARES, AmountTooLow(allShares, LOCKED_SHARES + 1));
            shares = allShares - LOCKED_SHARES;
            _mint(LOCK, LOCKED_SHARES);
        } else {
            // Reserves are never zero while there are shares, as the locked ones always are.
            shares = Math.min(
                Math.mulDiv(maxAmount0, supply, state.reserve0), Math.mulDiv(maxAmount1, supply, state.reserve1)
            );
            amount0 = Math.mulDiv(shares, state.reserve0, supply, Math.Rounding.Ceil);
            amount1 = Math.mulDiv(shares, state.reserve1, supply, Math.Rounding.Ceil);
        }
        require(shares > 0, AmountZero());
        require(shares >= minShares, AmountTooLow(shares, minShares));
        _mint(recipient, shares);
        _setReserves(state, state.reserve0 + amount0, state.reserve1 + amount1);
        emit LiquidityAdded(msg.sender, recipient, amount0, amount1, shares);
        _pull(TOKEN0, amount0, state.reserve0);
        _pull(TOKEN1, amount1, state.reserve1);
    }

    /// @inheritdoc IDynamicFeePool
    function removeLiquidity(uint256 shares, uint256 minAmount0, uint256 minAmount1, address recipient, uint64 deadline)
        external
        nonReentrant
        before(deadline)
        returns (uint256 amount0, uint256 amount1)
    {
        State memory state = _state;
        uint256 supply = totalSupply();
        _burn(msg.sender, shares);
        amount0 = Math.mulDiv(shares, state.reserve0, supply);
        amount1 = Math.mulDiv(shares, state.reserve1, supply);
        require(amount0 >= minAmount0, AmountTooLow(amount0, minAmount0));
        require(amount1 >= minAmount1, AmountTooLow(amount1, minAmount1));
        _setReserves(state, state.reserve0 - amount0, state.reserve1 - amount1);
        emit LiquidityRemoved(msg.sender, recipient, amount0, amount1, shares);
        TOKEN0.safeTransfer(recipient, amount0);
        TOKEN1.safeTransfer(recipient, amount1);
    }

    /// @inheritdoc IDynamicFeePool
    function reserves() external view returns (uint256 reserve0, uint256 reserve1) {
        return (_state.reserve0, _state.reserve1);
    }

    /// @inheritdoc IDynamicFeePool
    function latestPeriod() external view returns (uint32) {
        return _state.anchoredPeriod;
    }

    /// @inheritdoc IDynamicFeePool
    function quote(IERC20 tokenIn, uint256 amountIn, uint24 feeMillionths) external view returns (uint256 amountOut) {
        State memory state = _state;
        (uint256 reserveIn, uint256 reserveOut) =
            _isToken0(tokenIn) ? (state.reserve0, state.reserve1) : (state.reserve1, state.reserve0);
        return _amountOut(reserveIn, reserveOut, amountIn, feeMillionths);
    }

    function _swap(Swap calldata order, uint24 feeMillionths) private returns (uint256 amountOut) {
        State memory state = _state;
        uint32 period = _currentPeriod();
        if (period != state.anchoredPeriod) {
            state.anchoredPeriod = period;
            _anchor(period);
        }
        uint256 amountIn = order.amountIn;
        bool zeroIn = _isToken0(order.tokenIn);
        if (zeroIn) {
            amountOut = _amountOut(state.reserve0, state.reserve1, amountIn, feeMillionths);
            _setReserves(state, state.reserve0 + amountIn, state.reserve1 - amountOut);
            _addVolume(msg.sender, amountIn);
        } else {
            amountOut = _amountOut(state.reserve1, state.reserve0, amountIn, feeMillionths);
            _setReserves(state, state.reserve0 - amountOut, state.reserve1 + amountIn);
            _addVolume(msg.sender, amountOut);
        }
        require(amountOut > 0, AmountZero());
        require(amountOut >= order.minAmountOut, AmountTooLow(amountOut, order.minAmountOut));
        emit Swapped(msg.sender, order.recipient, order.tokenIn, amountIn, amountOut, feeMillionths);
        _pull(order.tokenIn, amountIn, zeroIn ? state.reserve0 : state.reserve1);
        (zeroIn ? TOKEN1 : TOKEN0).safeTransfer(order.recipient, amountOut);
    }

    /// @dev What leaves for what comes, so that the product of the reserves does not fall; rounded in the pool's favour.
    function _amountOut(uint256 reserveIn, uint256 reserveOut, uint256 amountIn, uint24 feeMillionths)
        private
        pure
        returns (uint256)
    {
        _fitting(reserveIn + _fitting(amountIn));
        uint256 afterFee = amountIn * (MILLION - feeMillionths);
        uint256 denominator = reserveIn * MILLION + afterFee;
        return denominator == 0 ? 0 : afterFee * reserveOut / denominator;
    }

    function _setReserves(State memory state, uint256 reserve0, uint256 reserve1) private {
        state.reserve0 = uint112(_fitting(reserve0));
        state.reserve1 = uint112(_fitting(reserve1));
        _state = state;
    }

    /// @dev Takes tokens from the caller; the pool must then hold what its reserve says.
    function _pull(IERC20 token, uint256 amount, uint256 reserve) private {
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        require(held >= reserve, TokenShortfall(token, held, reserve));
    }

    function _isToken0(IERC20 token) private view returns (bool) {
        if (address(token) == address(TOKEN0)) return true;
        require(address(token) == address(TOKEN1), UnknownToken(token));
        return false;
    }

    function _fitting(uint256 amount) private pure returns (uint256) {
        require(amount <= type(uint112).max, ReserveTooLarge(amount, type(uint112).max));
        return amount;
    }
}
