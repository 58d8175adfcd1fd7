import { BaseError, type Hash, type Hex, type TransactionReceipt } from "viem";
import type { JobInfo, JobState } from "./types.js";

/** What a node answers when an `ivm_*` method fails. Each code has a class of its own; an unknown one has this. */
export class IvmError extends BaseError {
  override name = "IvmError";
  /** JSON-RPC error code. */
  readonly code: number;
  /** What the error carries beside its message, if anything. */
  readonly data: unknown;

  constructor(method: string, { code, message, data, cause }: RpcFailure) {
    super(`${method}: ${message}`, { ...(cause && { cause }), details: `code ${code}` });
    this.code = code;
    this.data = data;
  }
}

/** A JSON-RPC error as it came. */
export type RpcFailure = { code: number; message: string; data?: unknown; cause?: Error };

/** -32020: the ELF is not a program; the message says why. */
export class InvalidProgramError extends IvmError {
  static readonly code = -32020;
  override name = "InvalidProgramError";
}

/** -32021: the ELF is too large. */
export class ProgramTooLargeError extends IvmError {
  static readonly code = -32021;
  override name = "ProgramTooLargeError";
}

/** -32022: the payload is too large. */
export class PayloadTooLargeError extends IvmError {
  static readonly code = -32022;
  override name = "PayloadTooLargeError";
}

/** -32023: the node holds no such program. */
export class UnknownProgramError extends IvmError {
  static readonly code = -32023;
  override name = "UnknownProgramError";
}

/** -32024: there is no such job. */
export class UnknownJobError extends IvmError {
  static readonly code = -32024;
  override name = "UnknownJobError";
}

/** -32025: the job cannot be proven, or not yet. */
export class NotProvableError extends IvmError {
  static readonly code = -32025;
  override name = "NotProvableError";
}

/** -32026: the node is busy; try again later. */
export class NodeBusyError extends IvmError {
  static readonly code = -32026;
  override name = "NodeBusyError";
}

/** -32027: this node does not do that. */
export class UnavailableError extends IvmError {
  static readonly code = -32027;
  override name = "UnavailableError";
}

/** -32028: the signed header is not one of an active proposer. */
export class InvalidSignedHeaderError extends IvmError {
  static readonly code = -32028;
  override name = "InvalidSignedHeaderError";
}

/** -32029: the job manager would not take the request. */
export class RequestRefusedError extends IvmError {
  static readonly code = -32029;
  override name = "RequestRefusedError";

  /** What is wrong with the request, by the name that `IOffchainJobs.RequestFault` has for it. */
  get fault(): string | undefined {
    return /request refused: (\w+)/.exec(this.shortMessage)?.[1];
  }
}

/** -32030: too many calls in too short a time. */
export class RateLimitedError extends IvmError {
  static readonly code = -32030;
  override name = "RateLimitedError";
}

/** -32031: the offchain input is not the one that the request names. */
export class OtherInputError extends IvmError {
  static readonly code = -32031;
  override name = "OtherInputError";
}

/** -32032: a run to estimate has no outcome: it trapped, or ran out of cycles. */
export class RunWithoutOutcomeError extends IvmError {
  static readonly code = -32032;
  override name = "RunWithoutOutcomeError";
}

const byCode = new Map(
  [
    InvalidProgramError,
    ProgramTooLargeError,
    PayloadTooLargeError,
    UnknownProgramError,
    UnknownJobError,
    NotProvableError,
    NodeBusyError,
    UnavailableError,
    InvalidSignedHeaderError,
    RequestRefusedError,
    RateLimitedError,
    OtherInputError,
    RunWithoutOutcomeError,
  ].map((type) => [type.code as number, type] as const),
);

/** The codes that a node's own errors have. */
const OWN_CODES = { highest: -32020, lowest: -32099 };

/**
 * The node's own error inside what viem throws, as its class; anything else as it is.
 *
 * viem knows none of these codes, so it wraps the JSON-RPC error in one of its own. Its classes are not asked for: an
 * app may have another copy of viem than this package.
 */
export function toIvmError(method: string, thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof Error && !isOwnCode((error as FoundError).code)) error = error.cause;
  if (!(error instanceof Error)) return thrown;
  const { code, data, details, message } = error as FoundError;
  const type = byCode.get(code) ?? IvmError;
  return new type(method, { code, message: details ?? message, data, cause: thrown as Error });
}

type FoundError = Error & { code: number; data?: unknown; details?: string };

function isOwnCode(code: unknown): boolean {
  return typeof code === "number" && code <= OWN_CODES.highest && code >= OWN_CODES.lowest;
}

/** A node answered with something that the protocol does not allow. */
export class InvalidAnswerError extends BaseError {
  override name = "InvalidAnswerError";

  constructor(method: string, problem: string) {
    super(`${method}: the node's answer is not valid: ${problem}`);
  }
}

/** The program panicked: its outcome is a message and not an output. */
export class JobPanickedError extends BaseError {
  override name = "JobPanickedError";
  /** The panic message as the program gave it. */
  readonly data: Hex;
  /** The panic message as text. */
  readonly panicMessage: string;

  constructor(data: Hex, panicMessage: string) {
    super(`the program panicked: ${panicMessage}`);
    this.data = data;
    this.panicMessage = panicMessage;
  }
}

/** The job has no outcome to decode yet. */
export class NoOutcomeError extends BaseError {
  override name = "NoOutcomeError";

  constructor(jobId: Hash, state: JobState) {
    super(`job ${jobId} has no outcome: its state is ${state}`);
  }
}

/** The job ended in a way that leaves nothing to wait for: cancelled, expired, refused, or run without an outcome. */
export class JobEndedError extends BaseError {
  override name = "JobEndedError";
  /** The job as the node last told it. */
  readonly job: JobInfo;

  constructor(job: JobInfo) {
    const reason = job.noOutcomeReason === null ? "" : `: ${job.noOutcomeReason}`;
    super(`job ${job.jobId} ended without a result: ${job.state}${reason}`);
    this.job = job;
  }
}

/** What was waited for did not come in time. */
export class WaitTimeoutError extends BaseError {
  override name = "WaitTimeoutError";

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not come within ${timeoutMs} ms`);
  }
}

/** A transaction that was to ask for a job asked for none. */
export class NoJobRequestedError extends BaseError {
  override name = "NoJobRequestedError";
  /** Its receipt. */
  readonly receipt: TransactionReceipt;

  constructor(receipt: TransactionReceipt) {
    const what = receipt.status === "reverted" ? "reverted" : "left no JobRequested log";
    super(`transaction ${receipt.transactionHash} ${what}`);
    this.receipt = receipt;
  }
}
