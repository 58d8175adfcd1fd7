import {
  type Address,
  encodeAbiParameters,
  type Hash,
  type Hex,
  hashTypedData,
  keccak256,
  numberToHex,
  type TypedDataDomain,
} from "viem";
import { jobManagerAddress } from "./abi.gen.js";
import type { JobKind, JobRequest, SignedJobRequest } from "./types.js";

/** The EIP-712 type of a request. */
export const jobRequestTypes = {
  JobRequest: [
    { name: "consumer", type: "address" },
    { name: "nonce", type: "uint64" },
    { name: "ordered", type: "bool" },
    { name: "programId", type: "bytes32" },
    { name: "onchainInput", type: "bytes" },
    { name: "offchainInputHash", type: "bytes32" },
    { name: "maxCycles", type: "uint64" },
    { name: "callbackGasLimit", type: "uint64" },
    { name: "deadlineBlock", type: "uint64" },
    { name: "feePayer", type: "address" },
    { name: "maxFeeWei", type: "uint256" },
  ],
} as const;

/** keccak256 of no bytes: the offchain input hash of a job without offchain input. */
export const EMPTY_HASH = keccak256("0x");

/** Bits of a job's nonce below its kind. */
const NUMBER_BITS = 62n;

/** First number that a request cannot have. */
export const NUMBER_LIMIT = 1n << NUMBER_BITS;

const kinds = ["onchain", "sync", "offchain", "offchainOrdered"] as const satisfies readonly JobKind[];

/** Where a request counts: a chain, and the job manager on it. */
export type RequestDomain = { chainId: number; jobManager?: Address };

/** The EIP-712 domain of requests. A signature counts on this chain and with this job manager only. */
export function jobRequestDomain({ chainId, jobManager = jobManagerAddress }: RequestDomain) {
  return {
    name: "InfinityVM",
    version: "1",
    chainId,
    verifyingContract: jobManager,
  } as const satisfies TypedDataDomain;
}

/** A request as typed data, for any signer: a wallet, a server's key, a signing service. */
export function jobRequestTypedData(parameters: RequestDomain & { request: JobRequest }) {
  return {
    domain: jobRequestDomain(parameters),
    types: jobRequestTypes,
    primaryType: "JobRequest",
    message: parameters.request,
  } as const;
}

/** The digest that is signed, as `JobManager.hashRequest` computes it. */
export function hashJobRequest(parameters: RequestDomain & { request: JobRequest }): Hash {
  return hashTypedData(jobRequestTypedData(parameters));
}

/** A job's nonce: its kind in the two top bits, its number below. */
export function jobNonce(kind: JobKind, number: bigint): bigint {
  if (number < 0n || number >= NUMBER_LIMIT) {
    throw new RangeError(`a job's number is ${number}, expected one from 0 to below 2^${NUMBER_BITS}`);
  }
  return (BigInt(kinds.indexOf(kind)) << NUMBER_BITS) | number;
}

/** The kind and the number of a job's nonce. */
export function splitJobNonce(nonce: bigint): { kind: JobKind; number: bigint } {
  const kind = kinds[Number(nonce >> NUMBER_BITS)];
  if (nonce < 0n || kind === undefined) throw new RangeError(`a job's nonce is ${nonce}, expected 64 bits`);
  return { kind, number: nonce & (NUMBER_LIMIT - 1n) };
}

/** The id of a job. `nonce` has all 64 bits: {@link jobNonce} makes it of a kind and a number. */
export function computeJobId(parameters: RequestDomain & { consumer: Address; nonce: bigint }): Hash {
  const { chainId, jobManager = jobManagerAddress, consumer, nonce } = parameters;
  const types = [{ type: "uint256" }, { type: "address" }, { type: "address" }, { type: "uint64" }] as const;
  return keccak256(encodeAbiParameters(types, [BigInt(chainId), jobManager, consumer, nonce]));
}

/** The id that the job of a request will have, known before anybody is asked. */
export function jobIdOfRequest(parameters: RequestDomain & { request: JobRequest }): Hash {
  const { request, ...domain } = parameters;
  const nonce = jobNonce(request.ordered ? "offchainOrdered" : "offchain", request.nonce);
  return computeJobId({ ...domain, consumer: request.consumer, nonce });
}

/** A signed request as JSON has it: the body of `ivm_submitJob` and of `POST /v1/jobs`. */
export function jobSubmission({ request, signature, offchainInput }: SignedJobRequest & { offchainInput?: Hex }) {
  return {
    request: {
      ...request,
      nonce: numberToHex(request.nonce),
      maxCycles: numberToHex(request.maxCycles),
      callbackGasLimit: numberToHex(request.callbackGasLimit),
      deadlineBlock: numberToHex(request.deadlineBlock),
      maxFeeWei: numberToHex(request.maxFeeWei),
    },
    signature,
    ...(offchainInput !== undefined && { offchainInput }),
  };
}
