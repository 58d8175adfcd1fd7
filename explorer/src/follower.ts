// Keeps looking at a node, and tells the page when there is something new.
import type { Hex } from "viem";
import { Execution } from "./execution";
import { Rpc } from "../../web/src/rpc";
import { AnotherChain, Settlement } from "./settlement";

/** How long between two looks: while the page is seen, while it is not, and the longest when nobody answers. */
const LOOK_MS = 600;
const HIDDEN_LOOK_MS = 5_000;
const MAX_RETRY_MS = 4_000;

/** Whether a chain can be read. */
export type Status = "connecting" | "live" | "unreachable";

/** A block that the node refuses to follow. */
export interface RefusedBlock {
  blockHash: Hex;
  number: Hex;
  reason: string;
  ordered: boolean;
}

interface SettlementInfo {
  chainId: Hex;
  contract: Hex;
  rpcPort: Hex | null;
  validating: boolean;
  refused: RefusedBlock[];
}

interface NodeInfo {
  clientVersion: string;
  chainId: Hex;
  genesisHash: Hex;
}

/** A job, as `ivm_getJob` tells. */
export interface JobInfo {
  jobId: Hex;
  consumer: Hex;
  programId: Hex;
  onchainInputHash: Hex;
  offchainInputHash: Hex;
  inputCommitment: Hex;
  maxCycles: Hex;
  callbackGasLimit: Hex;
  deadlineBlock: Hex;
  /** Null for one that was signed and is in no block yet. */
  requestedBlock: Hex | null;
  kind: "onchain" | "sync" | "offchain" | "offchainOrdered";
  state: string;
  resultBlock: Hex | null;
  resultTransaction: Hex | null;
  outcome: { status: string; data: Hex; hash: Hex } | null;
  cycles: Hex | null;
  noOutcomeReason: string | null;
}

/** Most open jobs that are asked about each time. */
const MAX_OPEN_JOBS = 12;

export class Follower {
  status: Status = "connecting";
  /** What the node answered in place of what was asked, when it did. */
  problem: string | null = null;
  node: NodeInfo | null = null;
  info: SettlementInfo | null = null;
  execution = new Execution();
  /** Null where the node settles nowhere. */
  settlement: Settlement | null = null;
  settlementStatus: Status = "connecting";
  settlementRpc: Rpc | null = null;
  /** States of jobs that no log tells: those that run, and those that ended without an outcome. */
  openJobs = new Map<Hex, string>();
  readonly rpc: Rpc;
  #failures = 0;
  #wake: () => void = () => {};

  constructor(url: string, readonly changed: () => void) {
    this.rpc = new Rpc(url);
  }

  /** Looks for ever. */
  async run(): Promise<never> {
    document.addEventListener("visibilitychange", () => this.#wake());
    for (;;) {
      try {
        await this.#look();
        this.status = "live";
        this.problem = null;
        this.#failures = 0;
      } catch (error) {
        this.#failures += 1;
        this.problem = isAnswer(error) ? error.message.split("\n", 1)[0]?.slice(0, 200) ?? null : null;
        // One failure may be a hiccup of the network.
        if (this.#failures > 1 || this.status !== "live") this.status = "unreachable";
        console.debug("the node does not answer", error);
      }
      this.changed();
      await this.#pause();
    }
  }

  /** Whether there is a settlement chain; before the node said so, there is room for one. */
  get settles(): boolean {
    return this.settlement !== null || this.node === null;
  }

  #pause(): Promise<void> {
    const retry = Math.min(LOOK_MS * 2 ** Math.min(this.#failures, 8), MAX_RETRY_MS);
    const pause = document.hidden ? HIDDEN_LOOK_MS : this.#failures > 1 ? retry : LOOK_MS;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #look(): Promise<void> {
    const [node, info] = await Promise.all([
      this.rpc.request<NodeInfo>("ivm_nodeInfo"),
      // A node that settles nowhere says so by an error.
      this.rpc.request<SettlementInfo>("ivm_settlementInfo").catch(answeredOnly),
    ]);
    if (this.node && this.node.genesisHash !== node.genesisHash) this.#restart();
    this.node = node;
    this.#settle(info);
    await Promise.all([this.execution.update(this.rpc), this.#lookAtSettlement()]);
    await Promise.all([this.#lookAtJobs(), this.#lookAtClaims()]);
  }

  /** Another chain answers at the same address, as after a restart in memory: what was seen is not true of it. */
  #restart(): void {
    this.execution = new Execution();
    this.settlement = null;
    this.settlementRpc = null;
    this.settlementStatus = "connecting";
  }

  /** Takes note of where the chain is settled. */
  #settle(info: SettlementInfo | null): void {
    const port = info?.rpcPort && Number(info.rpcPort);
    // The policy that the page was served with lets it talk to the port of then.
    if (port && this.info?.rpcPort && Number(this.info.rpcPort) !== port) location.reload();
    this.info = info;
    if (!info || !port) return;
    const url = new URL(this.rpc.url);
    url.port = String(port);
    if (this.settlementRpc?.url !== url.href) this.settlementRpc = new Rpc(url.href);
    this.settlement ??= new Settlement(info.contract);
  }

  async #lookAtSettlement(): Promise<void> {
    const { settlement, settlementRpc } = this;
    if (!settlement || !settlementRpc) return;
    try {
      await settlement.update(settlementRpc);
      this.settlementStatus = "live";
    } catch (error) {
      if (error instanceof AnotherChain) return this.#restart();
      this.settlementStatus = "unreachable";
      console.debug("the settlement chain does not answer", error);
    }
  }

  /** Until when the newest claims can be challenged depends on when their blocks were proposed. */
  async #lookAtClaims(): Promise<void> {
    const { settlement, settlementRpc, execution } = this;
    if (!settlement || !settlementRpc || this.settlementStatus !== "live") return;
    const open = execution.claims().slice(0, MAX_OPEN_JOBS).filter(({ block }) => block > execution.finalized);
    await settlement.learn(settlementRpc, open.map(({ blockHash }) => blockHash));
  }

  async #lookAtJobs(): Promise<void> {
    const open = this.execution.jobs().filter(({ state }) => state === "pending").slice(0, MAX_OPEN_JOBS);
    const ask = ({ id }: { id: Hex }) => this.rpc.request<JobInfo | null>("ivm_getJob", id).catch(answeredOnly);
    const states = await Promise.all(open.map(ask));
    this.openJobs = new Map(open.map(({ id }, index) => [id, states[index]?.state ?? "pending"]));
  }
}

/** Whether a node answered, if only with an error. */
const isAnswer = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && typeof error.code === "number";

/** Nothing for an error that a node answered with; passes on that it did not answer. */
function answeredOnly(error: unknown): null {
  if (isAnswer(error)) return null;
  throw error;
}
