// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A pool of two tokens whose fee falls with what a trader traded (LP 9.2)
/// @notice The product of both reserves never falls by a swap. Fees stay in the pool: they belong to the holders of its
/// shares. Of a trader the pool stores how much they ever traded, in one word. How much of it was before some time, the
/// trader proves out of the chain's own past, and the program `amm-fee` checks it: either within the swap, or ahead of it.
interface IDynamicFeePool {
    /// @notice What a volume within the window earns.
    /// @param minVolume Least volume, in units of `token0`.
    /// @param feeMillionths Fee, in millionths of what goes in.
    struct Tier {
        uint128 minVolume;
        uint24 feeMillionths;
    }

    /// @notice What a pool is made with; none of it can be changed.
    /// @param token0 The token that volume is counted in.
    /// @param token1 The other one.
    /// @param feeProgramId The program `amm-fee`.
    /// @param anchorPeriodSeconds Length of the periods at whose start the pool anchors the past.
    /// @param windowSeconds How long a swap counts.
    /// @param baseFeeMillionths Fee of who proves nothing.
    /// @param tiers What volumes earn: volumes rise from one to the next, fees fall.
    struct Configuration {
        IERC20 token0;
        IERC20 token1;
        bytes32 feeProgramId;
        uint32 anchorPeriodSeconds;
        uint32 windowSeconds;
        uint24 baseFeeMillionths;
        Tier[3] tiers;
    }

    /// @notice What the pool knows of a trader: one word of storage, the volume in its low 128 bits.
    /// @param volume Sum of all swaps, in units of `token0`, whichever way they went; it stays at its greatest value.
    /// @param tierFeeMillionths Fee that a refresh gave.
    /// @param tierUntil Last second in which it holds.
    struct Trader {
        uint128 volume;
        uint24 tierFeeMillionths;
        uint64 tierUntil;
    }

    /// @param tokenIn What goes in; the other token comes out.
    /// @param amountIn How much of it, the fee included.
    /// @param minAmountOut Least that must come out.
    /// @param recipient Who gets what comes out.
    /// @param deadline Last second in which the swap may be made.
    struct Swap {
        IERC20 tokenIn;
        uint256 amountIn;
        uint256 minAmountOut;
        address recipient;
        uint64 deadline;
    }

    /// @notice The first swap of a period: the past up to this block can be proven by its hash.
    event Anchored(uint32 indexed period, uint256 blockNumber, bytes32 blockHash);

    /// @notice A swap was made.
    event Swapped(
        address indexed trader,
        address indexed recipient,
        IERC20 tokenIn,
        uint256 amountIn,
        uint256 amountOut,
        uint24 feeMillionths
    );

    /// @notice Reserves grew.
    event LiquidityAdded(
        address indexed provider, address indexed recipient, uint256 amount0, uint256 amount1, uint256 shares
    );

    /// @notice Reserves shrank.
    event LiquidityRemoved(
        address indexed provider, address indexed recipient, uint256 amount0, uint256 amount1, uint256 shares
    );

    /// @notice A trader asked for a tier.
    event TierRequested(bytes32 indexed jobId, address indexed trader, uint32 period);

    /// @notice A trader swaps at this fee until then, without a proof.
    event TierRefreshed(bytes32 indexed jobId, address indexed trader, uint24 feeMillionths, uint64 until);

    /// @notice A trader asked for a tier and got none; the one that they had stays.
    event TierNotRefreshed(bytes32 indexed jobId, address indexed trader, bytes reason);

    /// @notice A pool cannot be made with this.
    error ConfigurationInvalid(string what);

    /// @notice The deadline has passed.
    error DeadlinePassed(uint256 timestamp, uint64 deadline);

    /// @notice The pool does not trade this token.
    error UnknownToken(IERC20 token);

    /// @notice What is given or would come out is nothing.
    error AmountZero();

    /// @notice Less would come out than was asked for.
    error AmountTooLow(uint256 got, uint256 expected);

    /// @notice The reserve would not fit.
    error ReserveTooLarge(uint256 got, uint256 limit);

    /// @notice The pool holds less of a token than it must: the token takes a fee, or changes balances by itself.
    error TokenShortfall(IERC20 token, uint256 got, uint256 expected);

    /// @notice The period has no anchor: nobody swapped in it.
    error UnknownAnchor(uint32 period);

    /// @notice The period started before the window; the oldest that will do is `oldest`.
    error AnchorTooOld(uint32 got, uint32 oldest);

    /// @notice The program refused the proof.
    error FeeProofRejected(bytes message);

    /// @notice The program's answer is no fee of this pool.
    error FeeOutOfBounds(uint256 got, uint24 least, uint24 most);

    /// @notice Swaps at the fee of the trader's tier, or the base fee.
    function swap(Swap calldata order) external returns (uint256 amountOut);

    /// @notice Swaps at the fee that a proof of the trader's past gives.
    /// @param order What to swap.
    /// @param period The trader's swaps from its start on count. It must be anchored and within the window.
    /// @param proof What the program reads: header of the anchored block, proofs of this pool and of the trader's word.
    function swapWithProof(Swap calldata order, uint32 period, bytes calldata proof)
        external
        returns (uint256 amountOut);

    /// @notice Asks for the caller's tier, for swaps to come. The value sent pays for the job; what the job does not use
    /// stays in the pool's account with the job manager and pays for later ones.
    /// @param period As in `swapWithProof`. The tier ends when the period's start leaves the window.
    /// @param proof As in `swapWithProof`.
    /// @param maxCycles Most cycles to pay for.
    function refreshTier(uint32 period, bytes calldata proof, uint64 maxCycles) external payable returns (bytes32 jobId);

    /// @notice Adds both tokens in the proportion of the reserves, as much as both limits allow.
    /// @param maxAmount0 Most of `token0` to give.
    /// @param maxAmount1 Most of `token1` to give.
    /// @param minShares Least shares to get.
    /// @param recipient Who gets them.
    /// @param deadline Last second in which this may be done.
    function addLiquidity(uint256 maxAmount0, uint256 maxAmount1, uint256 minShares, address recipient, uint64 deadline)
        external
        returns (uint256 amount0, uint256 amount1, uint256 shares);

    /// @notice Gives shares back for their part of the reserves.
    function removeLiquidity(uint256 shares, uint256 minAmount0, uint256 minAmount1, address recipient, uint64 deadline)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice What is in the pool.
    function reserves() external view returns (uint256 reserve0, uint256 reserve1);

    /// @notice What the pool knows of a trader.
    function traderOf(address trader) external view returns (Trader memory);

    /// @notice The fee of a trader's swap without a proof, now.
    function feeOf(address trader) external view returns (uint24 feeMillionths);

    /// @notice What comes out of a swap at some fee, now.
    function quote(IERC20 tokenIn, uint256 amountIn, uint24 feeMillionths) external view returns (uint256 amountOut);

    /// @notice Hash of the block before the first swap of a period; zero when there was none.
    function anchorOf(uint32 period) external view returns (bytes32 blockHash);

    /// @notice The period that was anchored last.
    function latestPeriod() external view returns (uint32);

    /// @notice The oldest period that lies within the window, anchored or not.
    function oldestPeriod() external view returns (uint32);

    /// @notice The base, for no volume, and the tiers.
    function tiers() external view returns (Tier[4] memory);

    /// @notice The program's input for a trader and a proof: to see what it would cost, or say.
    function feeInput(address trader, uint32 period, bytes calldata proof) external view returns (bytes memory);
}
