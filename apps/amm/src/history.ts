// What a trader traded within the window, and what shows it to the pool: see programs/amm-fee/src/input.rs.
import { type Hex, concat, keccak256, numberToHex, size, slice } from "viem";
import { poolAbi } from "./abi.gen";
import type { Rpc } from "../../../web/src/rpc";

/** Nodes that are shorter are part of their parent, which has them in itself. */
const HASHED_NODE_BYTES = 32;
const EMPTY_TRIE: Hex = "0x80";
const VOLUME_MASK = (1n << 128n) - 1n;

/** The past that a swap can be made with. */
export interface History {
  /** Swaps from this period's start on count. */
  period: number;
  blockNumber: number;
  /** The trader's volume at the end of that block. */
  volumeThen: bigint;
  /** What the pool wants to see. */
  proof: Hex;
}

interface Account {
  accountProof: Hex[];
  storageProof: { proof: Hex[]; value: Hex }[];
}

const sized = (bytes: Hex): Hex => concat([numberToHex(size(bytes), { size: 2 }), bytes]);

function nodes(proof: Hex[]): Hex {
  const kept = proof.filter((node, index) => node !== EMPTY_TRIE && (index === 0 || size(node) >= HASHED_NODE_BYTES));
  return concat([numberToHex(kept.length, { size: 1 }), ...kept.map(sized)]);
}

/** The periods within the window that have an anchor, oldest first. */
async function anchoredPeriods(rpc: Rpc, pool: Hex): Promise<number[]> {
  const [oldest, latest] = await Promise.all([
    rpc.read(poolAbi, pool, "oldestPeriod", []),
    rpc.read(poolAbi, pool, "latestPeriod", []),
  ]);
  const periods = Array.from({ length: Math.max(0, latest - oldest + 1) }, (_, index) => oldest + index);
  const anchors = await Promise.all(periods.map((period) => rpc.read(poolAbi, pool, "anchorOf", [period])));
  return periods.filter((_, index) => BigInt(anchors[index] ?? 0) !== 0n);
}

async function historySince(rpc: Rpc, pool: Hex, trader: Hex, period: number): Promise<History> {
  // The pool itself says which block and which slot it means.
  const input = await rpc.read(poolAbi, pool, "feeInput", [trader, period, "0x"]);
  const [blockHash, slot] = [slice(input, 0, 32), slice(input, 52, 84)];
  const block = await rpc.request<{ number: Hex } | null>("eth_getBlockByHash", blockHash, false);
  if (!block) throw new Error("the node has not the anchored block");
  const [header, account] = await Promise.all([
    rpc.request<Hex>("debug_getRawHeader", block.number),
    rpc.request<Account>("eth_getProof", pool, [slot], block.number),
  ]);
  if (keccak256(header) !== blockHash) throw new Error("the chain moved: the anchored block is another now");
  const stored = account.storageProof[0];
  if (!stored) throw new Error("the node gave no proof");
  return {
    period,
    blockNumber: Number(block.number),
    volumeThen: BigInt(stored.value) & VOLUME_MASK,
    proof: concat([sized(header), nodes(account.accountProof), nodes(stored.proof)]),
  };
}

/**
 * The history that counts most: from the oldest period within the window whose state the node still has; null when there
 * is none. Nodes forget old state, so from some period on they answer, and before it they do not.
 */
export async function longestHistory(rpc: Rpc, pool: Hex, trader: Hex): Promise<History | null> {
  const periods = await anchoredPeriods(rpc, pool);
  let [low, high] = [0, periods.length - 1];
  let found: History | null = null;
  while (low <= high) {
    // The oldest first, which mostly does; then by halves.
    const middle = low === 0 && found === null && high === periods.length - 1 ? 0 : (low + high) >> 1;
    try {
      found = await historySince(rpc, pool, trader, periods[middle] ?? 0);
      high = middle - 1;
    } catch {
      low = middle + 1;
    }
  }
  return found;
}
