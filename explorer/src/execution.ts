// Following the execution chain: its newest blocks, and what its job manager logs. It can reorganise.
import { type Hex, decodeEventLog } from "viem";
import { jobManagerAbi } from "./abi.gen";
import type { Rpc } from "../../web/src/rpc";
import { type Block, type RawLog, blockAt, blocksBetween, logsBetween } from "./blocks";

export const JOB_MANAGER: Hex = "0x4956000000000000000000000000000000000001";

/** How many of the newest blocks are held. */
const WINDOW = 96;
/** Most logs that are held. */
const MAX_EVENTS = 2_000;
/** How far back jobs are looked for, and how many are enough. */
const BACKFILL_BLOCKS = 20_000;
const BACKFILL_JOBS = 40;
const MAX_LOG_BLOCKS = 10_000;
/** Most claims of abandoned blocks that are held. */
const MAX_ABANDONED = 100;

/** A log of the job manager, and where it is. */
export type JobEvent = {
  block: number;
  blockHash: Hex;
  transactionHash: Hex;
  transactionIndex: number;
  logIndex: number;
} & ReturnType<typeof decode>;

/** A job, as its logs tell. */
export interface JobSummary {
  id: Hex;
  consumer: Hex | null;
  programId: Hex | null;
  requestedBlock: number | null;
  deadlineBlock: number | null;
  state: "pending" | "claimed" | "delivered" | "callbackFailed" | "cancelled" | "expired";
}

/** A claim: what a proposer says that a job yields. */
export interface Claim {
  jobId: Hex;
  programId: Hex;
  block: number;
  blockHash: Hex;
  outcomeHash: Hex;
  cycles: bigint;
  abandoned: boolean;
}

const decode = (log: RawLog) => decodeEventLog({ abi: jobManagerAbi, topics: log.topics, data: log.data });

/** Reads a log; null for one of another event. */
export function toJobEvent(log: RawLog): JobEvent | null {
  try {
    return {
      block: Number(log.blockNumber),
      blockHash: log.blockHash,
      transactionHash: log.transactionHash,
      transactionIndex: Number(log.transactionIndex),
      logIndex: Number(log.logIndex),
      ...decode(log),
    };
  } catch {
    return null;
  }
}

const toJobEvents = (logs: RawLog[]): JobEvent[] => logs.map(toJobEvent).filter((event) => event !== null);

export class Execution {
  /** The newest blocks, oldest first, each the parent of the next. */
  blocks: Block[] = [];
  latest = 0;
  safe = 0;
  finalized = 0;
  /** Logs of those blocks and of earlier ones, oldest first. */
  events: JobEvent[] = [];
  /** Claims of blocks that left the chain while the page looked on. */
  abandonedClaims: Claim[] = [];
  #nextLogs: number | null = null;

  /** Reads what is new. Rejects when the node cannot be reached. */
  async update(rpc: Rpc): Promise<void> {
    const [latest, safe, finalized] = await Promise.all([
      blockAt(rpc, "latest"), blockAt(rpc, "safe"), blockAt(rpc, "finalized"),
    ]);
    if (!latest) throw new Error("the node has no block");
    this.latest = latest.number;
    this.safe = safe?.number ?? 0;
    this.finalized = finalized?.number ?? 0;
    if (await this.#follow(rpc, latest)) await this.#readLogs(rpc);
  }

  /** Moves to a head. False when the chain moved meanwhile. */
  async #follow(rpc: Rpc, latest: Block): Promise<boolean> {
    const tip = this.blocks.at(-1);
    if (tip?.hash === latest.hash) return true;
    const oldest = Math.max(0, latest.number - WINDOW + 1);
    if (tip && tip.number < latest.number && tip.number >= oldest) {
      const fresh = [...(await blocksBetween(rpc, tip.number + 1, latest.number - 1)), latest];
      if (isChain([tip, ...fresh])) {
        this.blocks = [...this.blocks, ...fresh].slice(-WINDOW);
        return true;
      }
    }
    const fresh = [...(await blocksBetween(rpc, oldest, latest.number - 1)), latest];
    if (!isChain(fresh)) return false;
    // The page may also have slept for longer than the window reaches: what it knew can still be true.
    const known = this.blocks.filter(({ number }) => number <= latest.number);
    const now = await Promise.all(known.map(({ number }) => blockAt(rpc, number)));
    const common = known.findLast(({ hash }, index) => now[index]?.hash === hash);
    this.#abandonAfter(common?.number ?? null);
    this.blocks = fresh;
    return true;
  }

  /** Forgets what was logged after a block, or all of it, but for claims. */
  #abandonAfter(number: number | null): void {
    const gone = number === null ? this.events : this.events.filter((event) => event.block > number);
    const claims = gone.map(toClaim).filter((claim) => claim !== null);
    this.abandonedClaims.push(...claims.map((claim) => ({ ...claim, abandoned: true })));
    this.abandonedClaims.splice(0, this.abandonedClaims.length - MAX_ABANDONED);
    this.events = number === null ? [] : this.events.filter((event) => event.block <= number);
    this.#nextLogs = number === null ? null : Math.min(this.#nextLogs ?? number + 1, number + 1);
  }

  async #readLogs(rpc: Rpc): Promise<void> {
    const head = this.blocks.at(-1)?.number ?? 0;
    if (this.#nextLogs === null || head - this.#nextLogs > MAX_LOG_BLOCKS) {
      this.events = await this.#backfill(rpc, head);
    } else if (this.#nextLogs <= head) {
      this.events.push(...toJobEvents(await logsBetween(rpc, JOB_MANAGER, this.#nextLogs, head)));
    }
    this.#nextLogs = head + 1;
    this.#dropStrangers();
    this.events.splice(0, this.events.length - MAX_EVENTS);
  }

  /** The chain may have moved between reading blocks and logs: the latter are read again from there. */
  #dropStrangers(): void {
    const hashes = new Map(this.blocks.map(({ number, hash }) => [number, hash]));
    const stranger = this.events.find(({ block, blockHash }) => (hashes.get(block) ?? blockHash) !== blockHash);
    if (!stranger) return;
    this.events = this.events.filter(({ block }) => block < stranger.block);
    this.#nextLogs = stranger.block;
  }

  /** The newest jobs, by looking back in steps that grow. */
  async #backfill(rpc: Rpc, head: number): Promise<JobEvent[]> {
    let events: JobEvent[] = [];
    let to = head;
    for (let step = 50; to >= 0 && head - to < BACKFILL_BLOCKS; step = Math.min(step * 4, MAX_LOG_BLOCKS)) {
      const from = Math.max(0, to - step + 1);
      events = [...toJobEvents(await logsBetween(rpc, JOB_MANAGER, from, to)), ...events];
      if (events.filter(({ eventName }) => eventName === "ClaimPosted").length >= BACKFILL_JOBS) break;
      to = from - 1;
    }
    return events;
  }

  /** Jobs, newest first. */
  jobs(): JobSummary[] {
    return jobsOf(this.events);
  }

  /** Claims, newest first; those of abandoned blocks too. */
  claims(): Claim[] {
    const claims = this.events.map(toClaim).filter((claim) => claim !== null);
    const key = ({ blockHash, jobId }: Claim) => blockHash + jobId;
    // Where a fork goes further back than the window, claims from before it are forgotten too, and found again.
    const canonical = new Set(claims.map(key));
    const abandoned = this.abandonedClaims.filter((claim) => !canonical.has(key(claim)));
    return [...abandoned, ...claims].sort((a, b) => b.block - a.block);
  }
}

const isChain = (blocks: Block[]): boolean =>
  blocks.every((block, index) => index === 0 || block.parentHash === blocks[index - 1]?.hash);

function toClaim(event: JobEvent): Claim | null {
  if (event.eventName !== "ClaimPosted") return null;
  const { jobId, programId, outcomeHash, cycles } = event.args;
  const { block, blockHash } = event;
  return { jobId, programId, block, blockHash, outcomeHash, cycles, abandoned: false };
}

/** Jobs that these logs are about, newest first. */
export function jobsOf(events: JobEvent[]): JobSummary[] {
  const jobs = new Map<Hex, JobSummary>();
  const job = (id: Hex): JobSummary => {
    const known = jobs.get(id);
    if (known) return known;
    const added: JobSummary = {
      id, consumer: null, programId: null, requestedBlock: null, deadlineBlock: null, state: "pending",
    };
    jobs.set(id, added);
    return added;
  };
  for (const { block, eventName, args } of events) {
    switch (eventName) {
      case "JobRequested": {
        const { jobId, consumer, programId, deadlineBlock } = args;
        Object.assign(job(jobId), { consumer, programId, requestedBlock: block, deadlineBlock: Number(deadlineBlock) });
        break;
      }
      case "JobExecuted": {
        // Asked for, run and delivered in one transaction; its claim follows.
        const { jobId, consumer, programId } = args;
        Object.assign(job(jobId), { consumer, programId, requestedBlock: block, state: "delivered" });
        break;
      }
      case "ClaimPosted": {
        const claimed = job(args.jobId);
        claimed.programId = args.programId;
        if (claimed.state !== "delivered") claimed.state = "claimed";
        break;
      }
      case "JobDelivered":
        job(args.jobId).state = args.callbackOk ? "delivered" : "callbackFailed";
        break;
      case "JobCancelled":
        job(args.jobId).state = "cancelled";
        break;
      case "JobExpired":
        job(args.jobId).state = "expired";
        break;
      default:
    }
  }
  return [...jobs.values()].reverse();
}
