// Following the settlement chain, which never reorganises: order of blocks, bonds, challenges, verdicts.
import { type Hex, decodeEventLog, toEventSelector, zeroAddress } from "viem";
import { settlementAbi } from "./abi.gen";
import { type Fork, findFork } from "./forks";
import type { Rpc } from "../../web/src/rpc";
import { type Block, type RawLog, blockAt, blocksBetween, logsBetween } from "./blocks";

/** How many of the newest blocks are held. */
const WINDOW = 96;
/** How far back disputes are looked for. */
const BACKFILL_BLOCKS = 50_000;
const MAX_LOG_BLOCKS = 10_000;
/** Most events and proposals that are held. */
const MAX_EVENTS = 400;
const MAX_PROPOSALS = 2_000;
/** Most forks that are held. */
const MAX_FORKS = 6;
/** Most proposers and challengers whose money is asked for. */
const MAX_ACCOUNTS = 16;

const decode = (log: RawLog) => decodeEventLog({ abi: settlementAbi, topics: log.topics, data: log.data });

/** A log of the settlement contract, and where it is. */
export type SettlementEvent = { block: number; logIndex: number; transactionHash: Hex } & ReturnType<typeof decode>;

/** Reads a log; null for one of another event. */
export function toSettlementEvent(log: RawLog): SettlementEvent | null {
  try {
    const { blockNumber, logIndex, transactionHash } = log;
    return { block: Number(blockNumber), logIndex: Number(logIndex), transactionHash, ...decode(log) };
  } catch {
    return null;
  }
}

export const KINDS = ["refute", "demand"] as const;
export const CLAIM_STATES = ["unknown", "challenged", "confirmed", "refuted", "lapsed"] as const;
const CHALLENGE_STATES = ["none", "open", "won", "lost", "expired", "moot"] as const;
export const PROPOSER_STATES = ["none", "allowed", "active", "exiting", "jailed"] as const;
export const BLOCK_STATES = ["unknown", "proposed", "final", "dropped"] as const;

/** What was decided about a claim. */
export interface Verdict {
  claimId: Hex;
  blockHash: Hex;
  prover: Hex;
  state: (typeof CLAIM_STATES)[number];
  provenOutcomeHash: Hex;
  block: number;
}

/** A challenge, open or closed. */
export interface Challenge {
  claimId: Hex;
  blockHash: Hex;
  challenger: Hex;
  kind: (typeof KINDS)[number];
  openedBlock: number;
  deadlineBlock: number;
  jobId: Hex;
  programId: Hex;
  inputCommitment: Hex;
  maxCycles: bigint;
  outcomeHash: Hex;
  state: (typeof CHALLENGE_STATES)[number];
  /** Whether the contract has paid what is due. */
  closedBlock: number | null;
  challengerWei: bigint | null;
  verdict: Verdict | null;
}

/** A block that was proposed, and in which settlement block. */
export interface Proposal {
  number: number;
  hash: Hex;
  proposer: Hex;
  block: number;
  logIndex: number;
}

export interface Account {
  address: Hex;
  role: "proposer" | "challenger" | "prover";
  state: (typeof PROPOSER_STATES)[number] | null;
  bondWei: bigint;
  balanceWei: bigint;
}

export interface Parameters {
  challengePeriodBlocks: number;
  proverPeriodBlocks: number;
  /** What a challenge of each kind costs. */
  bondWei: { refute: bigint; demand: bigint };
}

const selector = (name: string) => toEventSelector(settlementAbi.find((entry) => entry.name === name) as never);
export const PROPOSED = selector("BlockProposed");
const FINALIZED = selector("BlockFinalized");
/** All events but those that every block has. */
const NOTABLE: Hex[] = settlementAbi
  .filter(({ type }) => type === "event")
  .map((event) => toEventSelector(event as never))
  .filter((topic) => topic !== PROPOSED && topic !== FINALIZED);

/** What was followed is gone: a settlement chain does not go back. */
export class AnotherChain extends Error {}

export class Settlement {
  blocks: Block[] = [];
  head = 0;
  parameters: Parameters | null = null;
  /** By hash, oldest first. */
  proposals = new Map<Hex, Proposal>();
  /** Oldest first. */
  events: SettlementEvent[] = [];
  /** Newest first. */
  forks: Fork[] = [];
  accounts: Account[] = [];
  burnedWei = 0n;
  /** Measured, in seconds; null until enough is known. */
  blockSeconds: number | null = null;
  #nextLogs: number | null = null;
  #arrivals: { at: number; head: number }[] = [];
  #round = 0;

  constructor(readonly contract: Hex) {}

  /** Reads what is new. Rejects when the node cannot be reached. */
  async update(rpc: Rpc): Promise<void> {
    const latest = await blockAt(rpc, "latest");
    if (!latest) throw new Error("the settlement chain has no block");
    await this.#readBlocks(rpc, latest);
    const fresh = await this.#readLogs(rpc, latest.number);
    this.head = latest.number;
    this.#measure();
    if (this.#round++ % 5 === 0 || fresh) await this.#readMoney(rpc);
    await this.#findForks(rpc);
  }

  async #readBlocks(rpc: Rpc, latest: Block): Promise<void> {
    const known = this.blocks.at(-1);
    const tip = known?.number ?? -1;
    if (known?.hash === latest.hash) return;
    if (tip >= latest.number) throw new AnotherChain();
    const oldest = Math.max(tip + 1, latest.number - WINDOW + 1);
    const fresh = [...(await blocksBetween(rpc, oldest, latest.number - 1)), latest];
    if (known && oldest === tip + 1 && fresh[0]?.parentHash !== known.hash) throw new AnotherChain();
    this.blocks = [...(oldest > tip + 1 ? [] : this.blocks), ...fresh].slice(-WINDOW);
  }

  /** True when something happened beside the ordinary. */
  async #readLogs(rpc: Rpc, head: number): Promise<boolean> {
    const before = this.events.length;
    const next = this.#nextLogs;
    let logs: RawLog[] = [];
    if (next === null || head - next > MAX_LOG_BLOCKS) {
      const oldest = Math.max(0, head - BACKFILL_BLOCKS + 1, next ?? 0);
      for (let from = oldest; from <= head; from += MAX_LOG_BLOCKS) {
        const to = Math.min(head, from + MAX_LOG_BLOCKS - 1);
        logs.push(...(await logsBetween(rpc, this.contract, from, to, [NOTABLE])));
      }
      const recent = Math.max(0, head - WINDOW + 1);
      logs.push(...(await logsBetween(rpc, this.contract, recent, head, [[PROPOSED, FINALIZED]])));
    } else if (next <= head) {
      logs = await logsBetween(rpc, this.contract, next, head);
    }
    for (const event of logs.map(toSettlementEvent)) {
      if (event) this.#take(event);
    }
    this.events.splice(0, this.events.length - MAX_EVENTS);
    for (const hash of [...this.proposals.keys()].slice(0, Math.max(0, this.proposals.size - MAX_PROPOSALS))) {
      this.proposals.delete(hash);
    }
    this.#nextLogs = head + 1;
    return this.events.length !== before;
  }

  #take(event: SettlementEvent): void {
    if (event.eventName === "BlockProposed") {
      const { number, hash, proposer } = event.args;
      const { block, logIndex } = event;
      this.proposals.set(hash, { number: Number(number), hash, proposer, block, logIndex });
    } else if (event.eventName !== "BlockFinalized") {
      this.events.push(event);
    }
  }

  /** Seconds a block takes, by the page's own clock. */
  #measure(): void {
    const at = performance.now() / 1000;
    this.#arrivals = [...this.#arrivals.filter((arrival) => at - arrival.at < 60), { at, head: this.head }];
    const first = this.#arrivals[0];
    if (!first || at - first.at < 3) return;
    this.blockSeconds = this.head > first.head ? (at - first.at) / (this.head - first.head) : null;
  }

  /** Seconds until a block, if blocks come as they did; null when none do. */
  secondsUntil(block: number): number | null {
    return this.blockSeconds === null ? null : Math.max(0, block - this.head) * this.blockSeconds;
  }

  async #readMoney(rpc: Rpc): Promise<void> {
    const read = { abi: settlementAbi, contract: this.contract };
    const [parameters, proposers, burnedWei] = await Promise.all([
      rpc.read(read.abi, read.contract, "parameters", []),
      rpc.read(read.abi, read.contract, "proposers", []),
      rpc.read(read.abi, read.contract, "burnedWei", []),
    ]);
    this.parameters = {
      challengePeriodBlocks: Number(parameters.challengePeriodBlocks),
      proverPeriodBlocks: Number(parameters.proverPeriodBlocks),
      bondWei: { refute: parameters.refuteBondWei, demand: parameters.demandBondWei },
    };
    this.burnedWei = burnedWei;
    const listed = proposers.slice(0, MAX_ACCOUNTS);
    const challengers = [...new Set(this.challenges().map(({ challenger }) => challenger))]
      .filter((address) => !listed.includes(address))
      .slice(0, MAX_ACCOUNTS);
    const provers = this.#provers()
      .filter((address) => !listed.includes(address) && !challengers.includes(address))
      .slice(0, MAX_ACCOUNTS);
    const balance = (address: Hex) => rpc.read(read.abi, read.contract, "balanceOf", [address]);
    this.accounts = await Promise.all([
      ...listed.map(async (address): Promise<Account> => {
        const [info, balanceWei] = await Promise.all([
          rpc.read(read.abi, read.contract, "proposerInfo", [address]), balance(address),
        ]);
        const state = PROPOSER_STATES[info.state] ?? "none";
        return { address, role: "proposer", state, bondWei: info.bondWei, balanceWei };
      }),
      ...challengers.map(async (address): Promise<Account> => ({
        address, role: "challenger", state: null, bondWei: this.#openBonds(address), balanceWei: await balance(address),
      })),
      ...provers.map(async (address): Promise<Account> => ({
        address, role: "prover", state: null, bondWei: 0n, balanceWei: await balance(address),
      })),
    ]);
  }

  /** Who sent a proof that decided a claim. */
  #provers(): Hex[] {
    const decided = this.events.map((event) => (event.eventName === "ClaimDecided" ? event.args.prover : zeroAddress));
    return [...new Set(decided)].filter((address) => address !== zeroAddress).reverse();
  }

  /** What a challenger has at stake in challenges that are not paid out. */
  #openBonds(challenger: Hex): bigint {
    const open = this.challenges().filter((one) => one.challenger === challenger && one.closedBlock === null);
    return open.reduce((sum, { kind }) => sum + (this.parameters?.bondWei[kind] ?? 0n), 0n);
  }

  /** Asks when blocks were proposed that were before the page looked. */
  async learn(rpc: Rpc, hashes: Hex[]): Promise<void> {
    const missing = hashes.filter((hash) => !this.proposals.has(hash)).slice(0, MAX_ACCOUNTS);
    await Promise.all(missing.map(async (hash) => {
      const info = await rpc.read(settlementAbi, this.contract, "blockInfo", [hash]);
      if (info.proposedAtBlock === 0n) return;
      const { proposer } = info;
      const proposal = { number: Number(info.number), hash, proposer, block: Number(info.proposedAtBlock), logIndex: 0 };
      this.proposals = new Map([[hash, proposal], ...this.proposals]);
    }));
  }

  async #findForks(rpc: Rpc): Promise<void> {
    const invalidations = this.events.filter((event) => event.eventName === "BlockInvalidated").slice(-MAX_FORKS);
    const known = new Map(this.forks.map((fork) => [fork.hash, fork]));
    const forks = invalidations.map(async (event) => {
      const fork = known.get(event.args.hash);
      return fork?.replacement ? fork : findFork(rpc, this.contract, event, this.head);
    });
    this.forks = (await Promise.all(forks)).reverse();
  }

  /** What was decided about a claim, or null. */
  verdict(claimId: Hex): Verdict | null {
    const event = this.events.findLast((event) => event.eventName === "ClaimDecided" && event.args.claimId === claimId);
    if (event?.eventName !== "ClaimDecided") return null;
    return { ...event.args, state: CLAIM_STATES[event.args.state] ?? "unknown", block: event.block };
  }

  /** Challenges, newest first. */
  challenges(): Challenge[] {
    const challenges = new Map<string, Challenge>();
    for (const event of this.events) {
      if (event.eventName === "ClaimChallenged") {
        const { kind, deadlineBlock, transactionIndex, logIndex, ...rest } = event.args;
        const challenge: Challenge = {
          ...rest,
          kind: KINDS[kind] ?? "refute",
          openedBlock: event.block,
          deadlineBlock: Number(deadlineBlock),
          state: "open",
          closedBlock: null,
          challengerWei: null,
          verdict: this.verdict(rest.claimId),
        };
        challenges.set(challengeKey(challenge), { ...challenge, state: this.#outcome(challenge) });
      } else if (event.eventName === "ChallengeClosed") {
        const { claimId, challenger, kind, state, challengerWei } = event.args;
        const challenge = challenges.get(challengeKey({ claimId, challenger, kind: KINDS[kind] ?? "refute" }));
        if (!challenge) continue;
        Object.assign(challenge, { state: CHALLENGE_STATES[state] ?? "none", closedBlock: event.block, challengerWei });
      }
    }
    return [...challenges.values()].reverse();
  }

  /** How a challenge ends that the contract has not closed yet. */
  #outcome({ verdict, blockHash }: Challenge): Challenge["state"] {
    if (verdict) return verdict.state === "confirmed" ? "lost" : "won";
    return this.invalidation(blockHash) ? "moot" : "open";
  }

  /** The event by which a block left the chain, or null: by its own fault. */
  invalidation(hash: Hex) {
    const event = this.events.find((event) => event.eventName === "BlockInvalidated" && event.args.hash === hash);
    return event?.eventName === "BlockInvalidated" ? event : null;
  }
}

/** What tells challenges apart. */
export const challengeKey = ({ claimId, challenger, kind }: Pick<Challenge, "claimId" | "challenger" | "kind">) =>
  `${claimId}/${challenger.toLowerCase()}/${kind}`;
