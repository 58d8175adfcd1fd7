export * from "./abi.gen.js";
export * from "./actions/fees.js";
export {
  type GetJobParameters,
  getJob,
  type JobCertainty,
  jobIdsIn,
  type RequestedJob,
  requestJob,
  type WaitForJobParameters,
  waitForJob,
} from "./actions/jobs.js";
export * from "./actions/offchain.js";
export * from "./actions/programs.js";
export * from "./actions/proofs.js";
export * from "./actions/watch.js";
export * from "./chains.js";
export * from "./decorator.js";
export {
  InvalidAnswerError,
  InvalidProgramError,
  InvalidSignedHeaderError,
  IvmError,
  JobEndedError,
  JobPanickedError,
  NodeBusyError,
  NoJobRequestedError,
  NoOutcomeError,
  NotProvableError,
  OtherInputError,
  PayloadTooLargeError,
  ProgramTooLargeError,
  RateLimitedError,
  RequestRefusedError,
  RunWithoutOutcomeError,
  UnavailableError,
  UnknownJobError,
  UnknownProgramError,
  WaitTimeoutError,
} from "./errors.js";
export { type Decodable, decodeOutcome, type OutcomeValue, type ParsedOutcomeValue } from "./outcome.js";
export * from "./request.js";
export type { AnyClient } from "./rpc.js";
export * from "./types.js";
export type { WaitOptions } from "./wait.js";
