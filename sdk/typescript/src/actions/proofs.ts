import type { Hash } from "viem";
import { readProof, readSettlement } from "../read.js";
import { type AnyClient, call } from "../rpc.js";
import type { ProofInfo, SettlementInfo } from "../types.js";
import { poll, type WaitOptions } from "../wait.js";

export type GetJobProofParameters = { jobId: Hash };

/** How far the proof of a job's outcome has come. The first call starts proving; ask again. */
export async function getJobProof(client: AnyClient, { jobId }: GetJobProofParameters): Promise<ProofInfo> {
  return readProof(await call(client, "ivm_getProof", [jobId]));
}

export type WaitForJobProofParameters = WaitOptions & { jobId: Hash };

/** Milliseconds that a proof is waited for when the caller does not say: proving is long work. */
const DEFAULT_TIMEOUT_MS = 900_000;

/** The proof of a job's outcome, once it is ready or has failed. Starts proving. */
export async function waitForJobProof(client: AnyClient, parameters: WaitForJobProofParameters): Promise<ProofInfo> {
  const { jobId, timeoutMs = DEFAULT_TIMEOUT_MS, pollingIntervalMs = client.pollingInterval, signal } = parameters;
  return poll(`proof of job ${jobId}`, { timeoutMs, pollingIntervalMs, signal }, async () => {
    const proof = await getJobProof(client, { jobId });
    return proof.state === "ready" || proof.state === "failed" ? proof : null;
  });
}

/** Where the chain is settled, and what the node refuses. */
export async function getSettlementInfo(client: AnyClient): Promise<SettlementInfo> {
  return readSettlement(await call(client, "ivm_settlementInfo", []));
}
