import { type Account, type Address, bytesToHex, type Hash, type Hex, keccak256, parseAbi } from "viem";
import { parseAccount } from "viem/accounts";
import { getBlockNumber, getChainId, readContract, signTypedData } from "viem/actions";
import { jobManagerAddress } from "../abi.gen.js";
import { EMPTY_HASH, jobRequestTypedData, jobSubmission } from "../request.js";
import { readSubmittedJob } from "../read.js";
import { type AnyClient, call } from "../rpc.js";
import type { JobRequest, SignedJobRequest, SubmittedJob } from "../types.js";
import { estimateJob } from "./fees.js";

/** What preparing a request reads from the job manager. */
const requestViews = parseAbi([
  "struct JobRequest { address consumer; uint64 nonce; bool ordered; bytes32 programId; bytes onchainInput; bytes32 offchainInputHash; uint64 maxCycles; uint64 callbackGasLimit; uint64 deadlineBlock; address feePayer; uint256 maxFeeWei; }",
  "function orderedNonceOf(address consumer) view returns (uint64)",
  "function quoteRequest(JobRequest request, uint256 signatureSize) view returns (uint256)",
]);

/** Blocks until a request's deadline when the caller does not say. */
const DEFAULT_DEADLINE_BLOCKS = 300n;

/** Length of a plain ECDSA signature. */
const ECDSA_SIGNATURE_SIZE_BYTES = 65;

/** How many times the quoted fee a request may be charged when the caller does not say: the price moves with the load. */
const DEFAULT_FEE_MARGIN = 2n;

export type PrepareJobRequestParameters = {
  /** Contract that is called back. */
  consumer: Address;
  programId: Hash;
  /** Gas of the callback. */
  callbackGasLimit: bigint;
  onchainInput?: Hex | undefined;
  /** The offchain input, which {@link submitJob} is to be given too. */
  offchainInput?: Hex | undefined;
  /** In place of the offchain input, when the node holds it already: keccak256 of it. */
  offchainInputHash?: Hash | undefined;
  /** Whether results are to come strictly in the order of the requests' numbers. */
  ordered?: boolean | undefined;
  /**
   * The number. When not given: the consumer's next one of an ordered request, a random one of any other. Requests that
   * are ordered and prepared before the one before them is in a block need theirs given.
   */
  nonce?: bigint | undefined;
  /** Most cycles. When not given, the node runs the job to find out. */
  maxCycles?: bigint | undefined;
  /** Last block that may carry the request; 300 blocks from now when not given. */
  deadlineBlock?: bigint | undefined;
  /** Who pays: the consumer when not given, else an account that allowed it to the consumer. */
  feePayer?: Address | undefined;
  /** Most that may be charged; twice what it costs now when not given. */
  maxFeeWei?: bigint | undefined;
  /** Length of the signature in bytes, which the fee pays for; 65 when not given. */
  signatureSizeBytes?: number | undefined;
};

/** A whole request, with what was left out filled in: number, cycles, deadline and the most that may be charged. */
export async function prepareJobRequest(
  client: AnyClient,
  parameters: PrepareJobRequestParameters,
): Promise<JobRequest> {
  const { consumer, programId, callbackGasLimit, offchainInput } = parameters;
  const { ordered = false, onchainInput = "0x", feePayer = consumer } = parameters;
  const [nonce, maxCycles, deadlineBlock] = await Promise.all([
    parameters.nonce ?? (ordered ? orderedNonceOf(client, consumer) : randomNumber()),
    parameters.maxCycles ??
      estimateJob(client, { programId, onchainInput, offchainInput, callbackGasLimit }).then((job) => job.maxCycles),
    parameters.deadlineBlock ?? getBlockNumber(client).then((head) => head + DEFAULT_DEADLINE_BLOCKS),
  ]);
  const offchainInputHash =
    parameters.offchainInputHash ?? (offchainInput === undefined ? EMPTY_HASH : keccak256(offchainInput));
  const request = {
    consumer,
    nonce,
    ordered,
    programId,
    onchainInput,
    offchainInputHash,
    maxCycles,
    callbackGasLimit,
    deadlineBlock,
    feePayer,
    maxFeeWei: parameters.maxFeeWei ?? 0n,
  };
  if (parameters.maxFeeWei !== undefined) return request;
  const quote = await readContract(client, {
    address: jobManagerAddress,
    abi: requestViews,
    functionName: "quoteRequest",
    args: [request, BigInt(parameters.signatureSizeBytes ?? ECDSA_SIGNATURE_SIZE_BYTES)],
  });
  return { ...request, maxFeeWei: quote * DEFAULT_FEE_MARGIN };
}

function orderedNonceOf(client: AnyClient, consumer: Address): Promise<bigint> {
  const contract = { address: jobManagerAddress, abi: requestViews } as const;
  return readContract(client, { ...contract, functionName: "orderedNonceOf", args: [consumer] });
}

/** A number for an unordered request that nobody has used, for all practical purposes. */
function randomNumber(): bigint {
  return BigInt.asUintN(62, BigInt(bytesToHex(crypto.getRandomValues(new Uint8Array(8)))));
}

export type SignJobRequestParameters = {
  request: JobRequest;
  /** Who signs; the client's account when not given. */
  account?: Account | Address | undefined;
};

/** A request with the signature of an account, which its consumer is to accept (EIP-712). Nothing is sent. */
export async function signJobRequest(
  client: AnyClient,
  { request, account: accountOrAddress = client.account }: SignJobRequestParameters,
): Promise<SignedJobRequest> {
  if (accountOrAddress === undefined) {
    throw new TypeError("signJobRequest needs an account: give one to the client or to the call");
  }
  const chainId = client.chain?.id ?? (await getChainId(client));
  const account = parseAccount(accountOrAddress);
  return { request, signature: await signTypedData(client, { account, ...jobRequestTypedData({ chainId, request }) }) };
}

export type SubmitJobParameters = SignedJobRequest & {
  /** The offchain input, unless the node holds it already. */
  offchainInput?: Hex | undefined;
};

/**
 * Asks a node for a job off chain, with a signed request. The node checks it before any work; from then on `getJob`
 * knows the job. Result and request come in one transaction.
 */
export async function submitJob(client: AnyClient, parameters: SubmitJobParameters): Promise<SubmittedJob> {
  const { request, signature, offchainInput } = parameters;
  const submission = jobSubmission({ request, signature, ...(offchainInput !== undefined && { offchainInput }) });
  return readSubmittedJob(await call(client, "ivm_submitJob", [submission]));
}

export type RequestOffchainJobParameters = PrepareJobRequestParameters & Pick<SignJobRequestParameters, "account">;

/** Prepares a request, signs it and submits it: all of asking for a job off chain. */
export async function requestOffchainJob(
  client: AnyClient,
  parameters: RequestOffchainJobParameters,
): Promise<SubmittedJob & SignedJobRequest> {
  const { account, offchainInput } = parameters;
  const request = await prepareJobRequest(client, parameters);
  const signed = await signJobRequest(client, { request, account });
  return { ...signed, ...(await submitJob(client, { ...signed, offchainInput })) };
}
