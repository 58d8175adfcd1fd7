import { type BlockTag, type Hash, type Hex, numberToHex } from "viem";
import { readContract } from "viem/actions";
import { jobManagerAbi, jobManagerAddress } from "../abi.gen.js";
import { readEstimate, readFeeHistory } from "../read.js";
import { type AnyClient, call } from "../rpc.js";
import type { CycleFeeHistory, JobEstimate } from "../types.js";

export type QuoteJobParameters = {
  /** Most cycles that the run may take. */
  maxCycles: bigint;
  /** Gas of the callback. */
  callbackGasLimit: bigint;
};

/** The fee that a job asked for in a transaction escrows now, in wei. */
export function quoteJob(client: AnyClient, { maxCycles, callbackGasLimit }: QuoteJobParameters): Promise<bigint> {
  const quote = { address: jobManagerAddress, abi: jobManagerAbi, functionName: "quote" } as const;
  return readContract(client, { ...quote, args: [maxCycles, callbackGasLimit] });
}

export type EstimateJobParameters = {
  programId: Hash;
  onchainInput?: Hex | undefined;
  /** The offchain input itself; the node need not hold it. */
  offchainInput?: Hex | undefined;
  /** Most cycles that the run may take; as many as the node allows when not given. */
  maxCycles?: bigint | undefined;
  /** Gas of the callback, which the fee pays for. */
  callbackGasLimit?: bigint | undefined;
};

/** Runs a job without asking for it: its cycles, its outcome, and what it would cost now. */
export async function estimateJob(client: AnyClient, parameters: EstimateJobParameters): Promise<JobEstimate> {
  const { programId, onchainInput, offchainInput, maxCycles, callbackGasLimit } = parameters;
  const job = {
    programId,
    ...(onchainInput !== undefined && { onchainInput }),
    ...(offchainInput !== undefined && { offchainInput }),
    ...(maxCycles !== undefined && { maxCycles: numberToHex(maxCycles) }),
    ...(callbackGasLimit !== undefined && { callbackGasLimit: numberToHex(callbackGasLimit) }),
  };
  return readEstimate(await call(client, "ivm_estimateJob", [job]));
}

export type GetCycleFeeHistoryParameters = {
  /** How many blocks. */
  blockCount: number;
  /** The last of them; the head when not given. */
  newestBlock?: bigint | BlockTag | undefined;
};

/** Prices of cycles and load of a range of blocks, in the manner of `eth_feeHistory`. */
export async function getCycleFeeHistory(
  client: AnyClient,
  { blockCount, newestBlock = "latest" }: GetCycleFeeHistoryParameters,
): Promise<CycleFeeHistory> {
  const newest = typeof newestBlock === "bigint" ? numberToHex(newestBlock) : newestBlock;
  return readFeeHistory(await call(client, "ivm_feeHistory", [numberToHex(blockCount), newest]));
}
