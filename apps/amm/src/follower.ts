// Follows a pool and an account, and does what the account's owner asks for.
import { type Hex, encodeFunctionData, numberToHex } from "viem";
import { jobManagerAbi, poolAbi, tokenAbi } from "./abi.gen";
import { wordsOf } from "./errors";
import type { History } from "./history";
import { type Holdings, type Pool, type State, readHistory, readHoldings, readPool, readState } from "./pool";
import { Rpc } from "../../../web/src/rpc";
import { type Call, type Signer, nodeAccounts } from "./signer";

const LOOK_MS = 1_000;
const HIDDEN_MS = 5_000;
/** The history stays the same until the window's oldest period moves on; it is looked for anew this often. */
const HISTORY_MS = 60_000;
const RECEIPT_TRIES = 60;
/** Share of what is expected, in 1/10,000, that a swap must give. */
const LEAST_BPS = 9_950n;
const DEADLINE_SECONDS = 600;
const JOB_MANAGER: Hex = "0x4956000000000000000000000000000000000001";
/** Cycles that a refresh pays for; a run takes about 30,000, and what it does not take pays for later ones. */
const REFRESH_CYCLES = 100_000n;
/** The pool's, fixed in the contract. */
const CALLBACK_GAS = 100_000n;

export type Status = "connecting" | "live" | "unreachable";

export interface Notice {
  kind: "wait" | "good" | "bad";
  text: string;
}

export class Follower {
  readonly rpc: Rpc;
  status: Status = "connecting";
  pool: Pool | null = null;
  /** Why there is no pool at the address. */
  poolFault: string | null = null;
  state: State | null = null;
  /** Accounts that the node signs for: a development chain's. */
  nodeAccounts: Hex[] = [];
  signer: Signer | null = null;
  holdings: Holdings | null = null;
  history: History | null = null;
  notice: Notice | null = null;
  busy = false;
  #address: Hex | null = null;
  #historyAt = 0;

  constructor(url: string, readonly draw: () => void) {
    this.rpc = new Rpc(url);
  }

  /** Shows the pool at another address, or none. */
  open(address: Hex | null): void {
    this.#address = address;
    this.pool = this.state = this.holdings = this.history = this.poolFault = null;
    this.#historyAt = 0;
    void this.#look().then(this.draw);
    this.draw();
  }

  use(signer: Signer | null): void {
    this.signer?.release?.();
    this.signer = signer;
    this.holdings = this.history = null;
    this.#historyAt = 0;
    void this.#look().then(this.draw);
    this.draw();
  }

  say(notice: Notice | null): void {
    this.notice = notice;
    this.draw();
  }

  async run(): Promise<never> {
    for (;;) {
      await this.#look();
      this.draw();
      await new Promise((resolve) => setTimeout(resolve, document.hidden ? HIDDEN_MS : LOOK_MS));
    }
  }

  async #look(): Promise<void> {
    const { signer, rpc } = this;
    const address = this.#address;
    try {
      await rpc.request("eth_chainId");
      this.status = "live";
      if (!this.pool && address) await this.#read(address);
      const { pool } = this;
      if (!pool) return;
      const [state, holdings] = await Promise.all([
        readState(rpc, pool),
        signer && readHoldings(rpc, pool, signer.address),
      ]);
      if (this.pool !== pool || this.signer !== signer) return;
      [this.state, this.holdings, this.status] = [state, holdings, "live"];
      if (signer && Date.now() - this.#historyAt > HISTORY_MS) {
        const history = await readHistory(rpc, pool, signer.address);
        if (this.pool !== pool || this.signer !== signer) return;
        this.history = history;
        // Before the first swap there is none: look again soon.
        this.#historyAt = history ? Date.now() : 0;
      }
    } catch {
      this.status = "unreachable";
    }
  }

  /** Reads what never changes. Tried again with each look, as a node may come to have what it has not. */
  async #read(address: Hex): Promise<void> {
    try {
      const [pool, accounts] = await Promise.all([readPool(this.rpc, address), nodeAccounts(this.rpc)]);
      if (this.#address === address) [this.pool, this.nodeAccounts, this.poolFault] = [pool, accounts, null];
    } catch (error) {
      if (this.#address === address) this.poolFault = wordsOf(error);
    }
  }

  /** Swaps, with the proof when `history` is given; asks the token for its leave first where it must. */
  swap(zeroIn: boolean, amountIn: bigint, expected: bigint, history: History | null): Promise<boolean> {
    return this.#act(async (pool, signer, holdings, state) => {
      const tokenIn = pool.tokens[zeroIn ? 0 : 1];
      if (holdings.allowances[zeroIn ? 0 : 1] < amountIn) {
        this.say({ kind: "wait", text: `Allowing the pool to take ${tokenIn.symbol} …` });
        const args = [pool.address, amountIn] as const;
        const data = encodeFunctionData({ abi: tokenAbi, functionName: "approve", args });
        await this.#send(signer, { to: tokenIn.address, data });
      }
      this.say({ kind: "wait", text: "Swapping …" });
      const order = {
        tokenIn: tokenIn.address,
        amountIn,
        minAmountOut: (expected * LEAST_BPS) / 10_000n,
        recipient: signer.address,
        deadline: BigInt(state.timestamp + DEADLINE_SECONDS),
      };
      const data = history
        ? encodeFunctionData({ abi: poolAbi, functionName: "swapWithProof", args: [order, history.period, history.proof] })
        : encodeFunctionData({ abi: poolAbi, functionName: "swap", args: [order] });
      const { gasUsed, blockNumber } = await this.#send(signer, { to: pool.address, data });
      const how = history ? "with the proof" : "without a proof";
      return `Swapped ${how} in block ${Number(blockNumber)}, ${Number(gasUsed)} gas.`;
    });
  }

  /** Has the fee found ahead, by an ordinary job, for swaps without a proof. */
  refresh(history: History): Promise<boolean> {
    return this.#act(async (pool, signer) => {
      this.say({ kind: "wait", text: "Asking for your fee …" });
      const fee = await this.rpc.read(jobManagerAbi, JOB_MANAGER, "quote", [REFRESH_CYCLES, CALLBACK_GAS]);
      const args = [history.period, history.proof, REFRESH_CYCLES] as const;
      const data = encodeFunctionData({ abi: poolAbi, functionName: "refreshTier", args });
      const { blockNumber } = await this.#send(signer, { to: pool.address, data, value: numberToHex(fee) });
      return `Asked in block ${Number(blockNumber)}; your fee without a proof changes with the job's result.`;
    });
  }

  /** Does one thing at a time, says how it ended, and looks what it changed. Gives whether it was done. */
  async #act(
    act: (pool: Pool, signer: Signer, holdings: Holdings, state: State) => Promise<string>,
  ): Promise<boolean> {
    const { pool, signer, holdings, state } = this;
    if (!pool || !signer || !holdings || !state || this.busy) return false;
    this.busy = true;
    let done = false;
    try {
      this.say({ kind: "good", text: await act(pool, signer, holdings, state) });
      done = true;
    } catch (error) {
      this.say({ kind: "bad", text: wordsOf(error) });
    } finally {
      this.busy = false;
      await this.#look();
      this.draw();
    }
    return done;
  }

  /** Tries a call, which says why it would fail, then sends it and waits for its receipt. */
  async #send(signer: Signer, call: Call): Promise<{ gasUsed: Hex; blockNumber: Hex }> {
    await this.rpc.request("eth_call", { from: signer.address, ...call }, "latest");
    const hash = await signer.send(call);
    for (let tries = 0; tries < RECEIPT_TRIES; tries += 1) {
      type Receipt = { status: Hex; gasUsed: Hex; blockNumber: Hex };
      const receipt = await this.rpc.request<Receipt | null>("eth_getTransactionReceipt", hash);
      if (receipt && Number(receipt.status) === 1) return receipt;
      if (receipt) throw new Error(`transaction ${hash} failed in block ${Number(receipt.blockNumber)}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(`no block has transaction ${hash} yet`);
  }
}
