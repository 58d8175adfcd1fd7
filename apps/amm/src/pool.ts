// What the page shows of a pool and an account, read in one go.
import type { Hex } from "viem";
import { poolAbi, tokenAbi } from "./abi.gen";
import { type History, longestHistory } from "./history";
import type { Rpc } from "../../../web/src/rpc";

/** Most characters of a token's symbol that are shown: it is a stranger's text. */
const MAX_SYMBOL = 12;

export interface Token {
  address: Hex;
  symbol: string;
  decimals: number;
}

export interface Tier {
  minVolume: bigint;
  feeMillionths: number;
}

/** What never changes of a pool. */
export interface Pool {
  address: Hex;
  chainId: number;
  tokens: [Token, Token];
  tiers: readonly Tier[];
}

/** What does. */
export interface State {
  block: number;
  timestamp: number;
  reserves: readonly [bigint, bigint];
  shares: bigint;
}

/** What the pool and the tokens know of an account. */
export interface Holdings {
  balances: readonly [bigint, bigint];
  allowances: readonly [bigint, bigint];
  shares: bigint;
  volume: bigint;
  /** Fee of a swap without a proof. */
  fee: number;
}

async function readToken(rpc: Rpc, address: Hex): Promise<Token> {
  const [symbol, decimals] = await Promise.all([
    rpc.read(tokenAbi, address, "symbol", []),
    rpc.read(tokenAbi, address, "decimals", []),
  ]);
  return { address, symbol: symbol.slice(0, MAX_SYMBOL), decimals };
}

export async function readPool(rpc: Rpc, address: Hex): Promise<Pool> {
  const [chainId, token0, token1, tiers] = await Promise.all([
    rpc.request<Hex>("eth_chainId"),
    rpc.read(poolAbi, address, "TOKEN0", []),
    rpc.read(poolAbi, address, "TOKEN1", []),
    rpc.read(poolAbi, address, "tiers", []),
  ]);
  const tokens = await Promise.all([readToken(rpc, token0), readToken(rpc, token1)]);
  // Two tokens of one symbol would be told apart by nothing.
  if (tokens[0].symbol === tokens[1].symbol) tokens.forEach((token, index) => (token.symbol += ` ${index}`));
  return { address, chainId: Number(chainId), tokens, tiers };
}

export async function readState(rpc: Rpc, pool: Pool): Promise<State> {
  const [block, reserves, shares] = await Promise.all([
    rpc.request<{ number: Hex; timestamp: Hex }>("eth_getBlockByNumber", "latest", false),
    rpc.read(poolAbi, pool.address, "reserves", []),
    rpc.read(poolAbi, pool.address, "totalSupply", []),
  ]);
  return { block: Number(block.number), timestamp: Number(block.timestamp), reserves, shares };
}

export async function readHoldings(rpc: Rpc, pool: Pool, account: Hex): Promise<Holdings> {
  const { address, tokens: [{ address: token0 }, { address: token1 }] } = pool;
  const [balance0, balance1, allowance0, allowance1, shares, trader, fee] = await Promise.all([
    rpc.read(tokenAbi, token0, "balanceOf", [account]),
    rpc.read(tokenAbi, token1, "balanceOf", [account]),
    rpc.read(tokenAbi, token0, "allowance", [account, address]),
    rpc.read(tokenAbi, token1, "allowance", [account, address]),
    rpc.read(poolAbi, address, "balanceOf", [account]),
    rpc.read(poolAbi, address, "traderOf", [account]),
    rpc.read(poolAbi, address, "feeOf", [account]),
  ]);
  return { balances: [balance0, balance1], allowances: [allowance0, allowance1], shares, volume: trader.volume, fee };
}

/** The last tier that a volume reaches. */
export function tierOf(pool: Pool, volume: bigint): number {
  return pool.tiers.reduce((reached, tier, index) => (tier.minVolume <= volume ? index : reached), 0);
}

export const readHistory = (rpc: Rpc, pool: Pool, trader: Hex): Promise<History | null> =>
  longestHistory(rpc, pool.address, trader);

/** What comes out of a swap, as the pool computes it. */
export function amountOut(state: State, zeroIn: boolean, amountIn: bigint, feeMillionths: number): bigint {
  const [reserveIn, reserveOut] = zeroIn ? state.reserves : [state.reserves[1], state.reserves[0]];
  const afterFee = amountIn * BigInt(1_000_000 - feeMillionths);
  const denominator = reserveIn * 1_000_000n + afterFee;
  return denominator === 0n ? 0n : (afterFee * reserveOut) / denominator;
}
