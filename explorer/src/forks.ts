// A fork, as the settlement chain tells it: which blocks left the execution chain, and what came in their place.
import { type Hex, pad } from "viem";
import { PROPOSED, type Proposal, type SettlementEvent, toSettlementEvent } from "./settlement";
import type { Rpc } from "../../web/src/rpc";
import { logsBetween, quantity } from "./blocks";

/** How many settlement blocks around an invalidation are looked at: for the last block before, the first after. */
const AROUND_BLOCKS = 64;
/** How far before it the block was proposed, at most; nodes do not answer about more at once. */
const BEFORE_BLOCKS = 9_999;

type Invalidated = Extract<SettlementEvent, { eventName: "BlockInvalidated" }>;

/** Blocks that left the chain. */
export interface Fork {
  /** The block that was wrong. */
  number: number;
  hash: Hex;
  claimId: Hex;
  /** Settlement block in which it was proposed; null when that is too long ago. */
  proposal: Proposal | null;
  /** The newest block that was built on it. */
  tip: { number: number; hash: Hex };
  /** How many blocks left. */
  depth: number;
  /** What was proposed in its place; null when nothing was yet. */
  replacement: Proposal | null;
  /** Settlement block of the verdict. */
  block: number;
}

/** Looks up what the invalidation of a block did, when the settlement chain is at `head`. */
export async function findFork(rpc: Rpc, contract: Hex, event: Invalidated, head: number): Promise<Fork> {
  const { hash, claimId } = event.args;
  const number = Number(event.args.number);
  const proposedIn = (blocks: number, topics: Parameters<typeof logsBetween>[4]) =>
    logsBetween(rpc, contract, Math.max(0, event.block - blocks), event.block, topics);
  const [before, around, replaced] = await Promise.all([
    proposedIn(BEFORE_BLOCKS, [PROPOSED, null, hash]),
    proposedIn(AROUND_BLOCKS, [PROPOSED]),
    logsBetween(rpc, contract, event.block, Math.min(head, event.block + AROUND_BLOCKS), [PROPOSED, height(number)]),
  ]);
  const isEarlier = ({ block, logIndex }: Proposal) =>
    block < event.block || (block === event.block && logIndex < event.logIndex);
  const proposal = before.map(toProposal).find((found) => found !== null) ?? null;
  const lastOf = (logs: typeof around) => logs.map(toProposal).filter((found) => found !== null).findLast(isEarlier);
  const last = lastOf(around) ?? lastOf(await proposedIn(BEFORE_BLOCKS, [PROPOSED]));
  const replacement = replaced
    .map(toProposal)
    .find((found): found is Proposal => found !== null && !isEarlier(found) && found.hash !== hash);
  const tip = last && last.number >= number ? { number: last.number, hash: last.hash } : { number, hash };
  return {
    number, hash, claimId, proposal, tip, depth: tip.number - number + 1, replacement: replacement ?? null,
    block: event.block,
  };
}

const height = (number: number): Hex => pad(quantity(number), { size: 32 });

function toProposal(log: Parameters<typeof toSettlementEvent>[0]): Proposal | null {
  const event = toSettlementEvent(log);
  if (event?.eventName !== "BlockProposed") return null;
  const { number, hash, proposer } = event.args;
  return { number: Number(number), hash, proposer, block: event.block, logIndex: event.logIndex };
}
