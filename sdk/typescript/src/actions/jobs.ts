import {
  type Abi,
  type Account,
  type Chain,
  type Client,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type Hash,
  isAddressEqual,
  parseEventLogs,
  type TransactionReceipt,
  type Transport,
  type WriteContractParameters,
} from "viem";
import { getBlock, waitForTransactionReceipt, writeContract } from "viem/actions";
import { jobManagerAbi, jobManagerAddress } from "../abi.gen.js";
import { JobEndedError, NoJobRequestedError } from "../errors.js";
import { readJob } from "../read.js";
import { type AnyClient, call } from "../rpc.js";
import type { JobInfo, JobState } from "../types.js";
import { poll, type WaitOptions } from "../wait.js";

export type GetJobParameters = { jobId: Hash };

/** A job, or `null` when the node knows none with this id. */
export async function getJob(client: AnyClient, { jobId }: GetJobParameters): Promise<JobInfo | null> {
  const answer = await call(client, "ivm_getJob", [jobId]);
  return answer === null ? null : readJob(answer);
}

/**
 * How sure a result has to be: `executed`, the node has run the job; `included`, a block carries the result; `safe` and
 * `finalized`, that block has the tag of this name.
 */
export type JobCertainty = "executed" | "included" | "safe" | "finalized";

export type WaitForJobParameters = WaitOptions & {
  jobId: Hash;
  /** How sure the result has to be; `included` when not given. */
  until?: JobCertainty | undefined;
  /** Is told the job whenever it is not as before: also when a reorg took its result away. */
  onChange?: ((job: JobInfo) => void) | undefined;
  /** Is told that the node does not know the job any more: a reorg took away the block that asked for it. */
  onGone?: (() => void) | undefined;
};

/** Milliseconds that a result is waited for when the caller does not say. */
const DEFAULT_TIMEOUT_MS = { executed: 60_000, included: 60_000, safe: 120_000, finalized: 900_000 };

/** States of a job whose result is in a block. */
const included: readonly JobState[] = ["delivered", "callbackFailed"];

/** States of a job that will have no result. */
const ended: readonly JobState[] = ["noOutcome", "cancelled", "expired", "refused"];

/**
 * A job, once its result is as sure as wanted.
 *
 * It survives reorgs: a job or a result that a reorg removed is waited for again. A callback that failed is a result
 * too, as the outcome is recorded: see the job's `state`.
 *
 * @throws {@link JobEndedError} as soon as the job has ended without a result; `WaitTimeoutError`.
 */
export async function waitForJob(client: AnyClient, parameters: WaitForJobParameters): Promise<JobInfo> {
  const { jobId, until = "included", onChange, onGone } = parameters;
  const options = {
    timeoutMs: parameters.timeoutMs ?? DEFAULT_TIMEOUT_MS[until],
    pollingIntervalMs: parameters.pollingIntervalMs ?? client.pollingInterval,
    signal: parameters.signal,
  };
  let told = "";
  return poll(`job ${jobId} ${until}`, options, async () => {
    // The tag before the job: a result at or below it that is still there afterwards is one that the tag covers.
    const bound = await boundOf(client, until);
    const job = await getJob(client, { jobId });
    const change = job === null ? "" : fingerprint(job);
    const changed = change !== told;
    told = change;
    if (job === null) {
      if (changed) onGone?.();
      return null;
    }
    if (changed) onChange?.(job);
    if (ended.includes(job.state)) throw new JobEndedError(job);
    return isCertain(job, until, bound) ? job : null;
  });
}

/** Whether the result is as sure as wanted, when results up to block `bound` are. */
export function isCertain(job: JobInfo, until: JobCertainty, bound: bigint | null): boolean {
  if (until === "executed") return job.outcome !== null;
  if (!isIncluded(job) || job.resultBlock === null) return false;
  return until === "included" || (bound !== null && job.resultBlock <= bound);
}

/** Number of the block with the tag; `null` when the node has marked none, or it takes none to know. */
export async function boundOf(client: AnyClient, until: JobCertainty): Promise<bigint | null> {
  if (until !== "safe" && until !== "finalized") return null;
  const block = await getBlock(client, { blockTag: until });
  return block.number;
}

/** What changes when a job does. */
export function fingerprint(job: JobInfo): string {
  return [
    job.state,
    job.requestedBlock,
    job.resultBlock,
    job.resultTransaction,
    job.outcome?.hash,
    job.noOutcomeReason,
  ].join();
}

/** Whether the job's result is in a block. */
export function isIncluded({ state }: JobInfo): boolean {
  return included.includes(state);
}

/** Whether nothing becomes of a job any more, reorgs left aside. */
export function isOver(job: JobInfo): boolean {
  return isIncluded(job) || (ended.includes(job.state) && job.state !== "noOutcome");
}

/** A job that a transaction asked for. */
export type RequestedJob = {
  jobId: Hash;
  receipt: TransactionReceipt;
  /** All jobs that the transaction asked for, in their order; `jobId` is the first. */
  jobIds: Hash[];
};

/** Errors that the job manager gives a consumer, and the consumer its caller. */
const jobManagerErrors = jobManagerAbi.filter((entry) => entry.type === "error");

/**
 * Calls a contract function that asks for a job, waits for the transaction, and gives the job's id.
 *
 * The parameters are those of viem's `writeContract`. Reverts with errors of the job manager are told by their names too.
 *
 * @throws `NoJobRequestedError` when the transaction reverted in its block or asked for none; else as `writeContract`.
 */
export async function requestJob<
  chain extends Chain | undefined,
  account extends Account | undefined,
  const abi extends Abi | readonly unknown[],
  functionName extends ContractFunctionName<abi, "nonpayable" | "payable">,
  args extends ContractFunctionArgs<abi, "nonpayable" | "payable", functionName>,
  chainOverride extends Chain | undefined = undefined,
>(
  client: Client<Transport, chain, account>,
  parameters: WriteContractParameters<abi, functionName, args, chain, account, chainOverride>,
): Promise<RequestedJob> {
  const abi = [...(parameters.abi as Abi), ...jobManagerErrors];
  const hash = await writeContract(client, { ...parameters, abi } as never);
  const receipt = await waitForTransactionReceipt(client, { hash });
  const jobIds = jobIdsIn(receipt);
  const jobId = jobIds[0];
  if (jobId === undefined) throw new NoJobRequestedError(receipt);
  return { jobId, receipt, jobIds };
}

/** The ids of the jobs that a transaction asked for, in their order. */
export function jobIdsIn(receipt: TransactionReceipt): Hash[] {
  const logs = receipt.logs.filter(({ address }) => isAddressEqual(address, jobManagerAddress));
  return parseEventLogs({ abi: jobManagerAbi, eventName: "JobRequested", logs }).map(({ args }) => args.jobId);
}
