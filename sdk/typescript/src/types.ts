import type { Address, Hash, Hex } from "viem";

/** How a job was asked for. */
export type JobKind = "onchain" | "sync" | "offchain" | "offchainOrdered";

/**
 * How far a job has come. `executed` is not in a block yet; `noOutcome` will expire; `refused` was asked for off chain
 * and will be in no block.
 */
export type JobState =
  | "pending"
  | "executing"
  | "executed"
  | "noOutcome"
  | "delivered"
  | "callbackFailed"
  | "cancelled"
  | "expired"
  | "refused";

/** How a program ended. */
export type OutcomeStatus = "success" | "panicked";

/** What a run gave. */
export type JobOutcome = {
  status: OutcomeStatus;
  /** The output, or the panic message. */
  data: Hex;
  /** `keccak256(status ‖ data)`: what a claim carries. */
  hash: Hash;
};

/** A job: what was asked, and how far it has come. */
export type JobInfo = {
  jobId: Hash;
  kind: JobKind;
  /** All 64 bits of it, the kind included. */
  nonce: bigint;
  consumer: Address;
  programId: Hash;
  onchainInputHash: Hash;
  offchainInputHash: Hash;
  inputCommitment: Hash;
  maxCycles: bigint;
  callbackGasLimit: bigint;
  /** Last block that may carry its result. */
  deadlineBlock: bigint;
  /** Price of one cycle that is charged, in wei; `null` for one that was asked for off chain and is in no block yet. */
  cyclePriceWei: bigint | null;
  /** Block that asked; `null` for one that was asked for off chain and is in no block yet. */
  requestedBlock: bigint | null;
  state: JobState;
  resultBlock: bigint | null;
  resultTransaction: Hash | null;
  /** From `executed` on. */
  outcome: JobOutcome | null;
  /** That it used. */
  cycles: bigint | null;
  /** Why there is no outcome, or what the job waits for. */
  noOutcomeReason: string | null;
};

/** A program that a node admitted. */
export type SubmittedProgram = {
  /** The zkVM's commitment to the program. */
  programId: Hash;
  elfHash: Hash;
  elfSizeBytes: number;
  /** Of its code. */
  instructions: number;
  /** Whether jobs may name it. */
  registered: boolean;
};

/** A program that a node holds. */
export type ProgramInfo = SubmittedProgram & { registeredBlock: bigint | null };

/** How far a proof has come. */
export type ProofState = "queued" | "proving" | "ready" | "failed";

/** A proof of a job's outcome, or how far it has come. */
export type ProofInfo = {
  state: ProofState;
  /** When it is ready. */
  proof: Hex | null;
  proofSizeBytes: number | null;
  proveMs: number | null;
  /** When it failed. */
  error: string | null;
};

/** A block that a node found wrong. */
export type RefusedBlock = {
  blockHash: Hash;
  number: bigint;
  reason: string;
  /** Whether it was ordered all the same. */
  ordered: boolean;
};

/** Where a chain is settled, and what the node refuses. */
export type SettlementInfo = {
  /** The settlement chain. */
  chainId: number;
  /** The contract on it. */
  contract: Address;
  /** Port of the same host at which the node serves the settlement chain's JSON-RPC. */
  rpcPort: number | null;
  /** Its newest block. */
  headBlock: bigint;
  /** Whether the node checks claims before it follows a block. */
  validating: boolean;
  refused: RefusedBlock[];
};

/** What a job would cost, from running it. */
export type JobEstimate = {
  /** That the run used. */
  cycles: bigint;
  /** What to ask for: a tenth more, for inputs that differ a little. */
  maxCycles: bigint;
  outcome: JobOutcome;
  /** Price of one cycle in the next block, in wei. */
  cyclePriceWei: bigint;
  /** Fee that is escrowed for `maxCycles` and the callback, in wei. */
  feeWei: bigint;
  /**
   * Gas of the run inside a transaction, beside that of `JobManager.execute` itself; `null` when it has no outcome there: it
   * has an offchain input, or needs more memory than a run inside a transaction has.
   */
  syncGas: bigint | null;
};

/** Prices and load of a range of blocks. */
export type CycleFeeHistory = {
  oldestBlock: bigint;
  /** Price of one cycle in each block, in wei, and in the one after the range. */
  cyclePriceWei: bigint[];
  /** Cycles posted in each block. */
  cyclesUsed: bigint[];
  /** The same as a part of what a block is meant to have. */
  cyclesUsedRatio: number[];
};

/** What a consumer's signer signs to ask for a job off chain. */
export type JobRequest = {
  /** Contract that is called back, and whose `isValidSignature` judges the signature. */
  consumer: Address;
  /** The number, below 2^62: the next of the consumer's sequence when ordered, else any that was not used. */
  nonce: bigint;
  /** Whether results come strictly in the order of their numbers. */
  ordered: boolean;
  programId: Hash;
  onchainInput: Hex;
  /** keccak256 of the offchain input; that of no bytes for none. */
  offchainInputHash: Hash;
  maxCycles: bigint;
  callbackGasLimit: bigint;
  /** Last block that may carry the request and its result. */
  deadlineBlock: bigint;
  /** The consumer, or an account that allowed the consumer to spend. */
  feePayer: Address;
  /** Most that may be charged, in wei. */
  maxFeeWei: bigint;
};

/** A request with the signature that its consumer is to accept. */
export type SignedJobRequest = { request: JobRequest; signature: Hex };

/** A job that a node took. */
export type SubmittedJob = { jobId: Hash; state: JobState };
