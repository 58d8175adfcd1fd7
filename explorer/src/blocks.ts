// Blocks, transactions and logs, as nodes give them.
import type { Hex } from "viem";
import type { Rpc } from "../../web/src/rpc";

/** A log, as JSON-RPC gives it. */
export interface RawLog {
  address: Hex;
  topics: [Hex, ...Hex[]];
  data: Hex;
  blockHash: Hex;
  blockNumber: Hex;
  transactionHash: Hex;
  transactionIndex: Hex;
  logIndex: Hex;
}

/** A block, as JSON-RPC gives it; transactions by hash or whole. */
export interface RawBlock {
  number: Hex;
  hash: Hex;
  parentHash: Hex;
  timestamp: Hex;
  gasUsed: Hex;
  gasLimit: Hex;
  miner: Hex;
  stateRoot: Hex;
  receiptsRoot: Hex;
  size: Hex;
  transactions: (Hex | RawTransaction)[];
}

export interface Receipt {
  logs: RawLog[];
}

export interface RawTransaction {
  hash: Hex;
  from: Hex;
  to: Hex | null;
  value: Hex;
  transactionIndex: Hex;
}

/** A block, as lists show it. */
export interface Block {
  number: number;
  hash: Hex;
  parentHash: Hex;
  timestamp: number;
  gasUsed: number;
  gasLimit: number;
  transactions: number;
}

export const toBlock = (raw: RawBlock): Block => ({
  number: Number(raw.number),
  hash: raw.hash,
  parentHash: raw.parentHash,
  timestamp: Number(raw.timestamp),
  gasUsed: Number(raw.gasUsed),
  gasLimit: Number(raw.gasLimit),
  transactions: raw.transactions.length,
});

export const quantity = (value: number): Hex => `0x${value.toString(16)}`;

/** The block at a height or tag, or null. */
export const blockAt = async (rpc: Rpc, at: number | "latest" | "safe" | "finalized"): Promise<Block | null> => {
  const raw = await rpc.request<RawBlock | null>(
    "eth_getBlockByNumber", typeof at === "number" ? quantity(at) : at, false,
  );
  return raw && toBlock(raw);
};

/** Blocks `from` to `to`, both included; ends before the first that is missing. */
export async function blocksBetween(rpc: Rpc, from: number, to: number): Promise<Block[]> {
  const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  const blocks = await Promise.all(numbers.map((number) => blockAt(rpc, number)));
  const missing = blocks.indexOf(null);
  return (missing < 0 ? blocks : blocks.slice(0, missing)) as Block[];
}

type Topic = Hex | readonly Hex[] | null;

/** Logs of a contract in blocks `from` to `to`. */
export const logsBetween = (rpc: Rpc, address: Hex, from: number, to: number, topics: Topic[] = []) =>
  rpc.request<RawLog[]>("eth_getLogs", { address, fromBlock: quantity(from), toBlock: quantity(to), topics });
