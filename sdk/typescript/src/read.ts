import { AnswerReader } from "./rpc.js";
import type {
  CycleFeeHistory,
  JobEstimate,
  JobInfo,
  JobKind,
  JobOutcome,
  JobState,
  OutcomeStatus,
  ProgramInfo,
  ProofInfo,
  ProofState,
  SettlementInfo,
  SubmittedJob,
  SubmittedProgram,
} from "./types.js";

const jobKinds = ["onchain", "sync", "offchain", "offchainOrdered"] as const satisfies readonly JobKind[];
const jobStates = [
  "pending",
  "executing",
  "executed",
  "noOutcome",
  "delivered",
  "callbackFailed",
  "cancelled",
  "expired",
  "refused",
] as const satisfies readonly JobState[];
const outcomeStatuses = ["success", "panicked"] as const satisfies readonly OutcomeStatus[];
const proofStates = ["queued", "proving", "ready", "failed"] as const satisfies readonly ProofState[];

function outcomeOf(fields: AnswerReader): JobOutcome {
  return { status: fields.text("status", outcomeStatuses), data: fields.hex("data"), hash: fields.hex("hash") };
}

/** A job, as `ivm_getJob` and the stream of a job's changes tell it. */
export function readJob(answer: unknown): JobInfo {
  const fields = new AnswerReader("ivm_getJob", answer);
  return {
    jobId: fields.hex("jobId"),
    kind: fields.text("kind", jobKinds),
    nonce: fields.bigint("nonce"),
    consumer: fields.hex("consumer"),
    programId: fields.hex("programId"),
    onchainInputHash: fields.hex("onchainInputHash"),
    offchainInputHash: fields.hex("offchainInputHash"),
    inputCommitment: fields.hex("inputCommitment"),
    maxCycles: fields.bigint("maxCycles"),
    callbackGasLimit: fields.bigint("callbackGasLimit"),
    deadlineBlock: fields.bigint("deadlineBlock"),
    cyclePriceWei: fields.optional("cyclePriceWei", fields.bigint),
    requestedBlock: fields.optional("requestedBlock", fields.bigint),
    state: fields.text("state", jobStates),
    resultBlock: fields.optional("resultBlock", fields.bigint),
    resultTransaction: fields.optional("resultTransaction", fields.hex),
    outcome: fields.optional("outcome", (field) => outcomeOf(fields.object(field))),
    cycles: fields.optional("cycles", fields.bigint),
    noOutcomeReason: fields.optional("noOutcomeReason", (field) => fields.text(field)),
  };
}

/** What `ivm_submitJob` answers. */
export function readSubmittedJob(answer: unknown): SubmittedJob {
  const fields = new AnswerReader("ivm_submitJob", answer);
  return { jobId: fields.hex("jobId"), state: fields.text("state", jobStates) };
}

function programOf(fields: AnswerReader): SubmittedProgram {
  return {
    programId: fields.hex("programId"),
    elfHash: fields.hex("elfHash"),
    elfSizeBytes: fields.number("elfSizeBytes"),
    instructions: fields.number("instructions"),
    registered: fields.boolean("registered"),
  };
}

/** What `ivm_submitProgram` answers. */
export function readSubmittedProgram(answer: unknown): SubmittedProgram {
  return programOf(new AnswerReader("ivm_submitProgram", answer));
}

/** What `ivm_getProgram` answers when there is one. */
export function readProgram(answer: unknown): ProgramInfo {
  const fields = new AnswerReader("ivm_getProgram", answer);
  return { ...programOf(fields), registeredBlock: fields.optional("registeredBlock", fields.bigint) };
}

/** What `ivm_getProof` answers. */
export function readProof(answer: unknown): ProofInfo {
  const fields = new AnswerReader("ivm_getProof", answer);
  return {
    state: fields.text("state", proofStates),
    proof: fields.optional("proof", fields.hex),
    proofSizeBytes: fields.optional("proofSizeBytes", fields.number),
    proveMs: fields.optional("proveMs", fields.number),
    error: fields.optional("error", (field) => fields.text(field)),
  };
}

/** What `ivm_settlementInfo` answers. */
export function readSettlement(answer: unknown): SettlementInfo {
  const fields = new AnswerReader("ivm_settlementInfo", answer);
  return {
    chainId: fields.number("chainId"),
    contract: fields.hex("contract"),
    rpcPort: fields.optional("rpcPort", fields.number),
    headBlock: fields.bigint("headBlock"),
    validating: fields.boolean("validating"),
    refused: fields.list("refused").map((entry) => {
      const block = new AnswerReader("ivm_settlementInfo (refused)", entry);
      return {
        blockHash: block.hex("blockHash"),
        number: block.bigint("number"),
        reason: block.text("reason"),
        ordered: block.boolean("ordered"),
      };
    }),
  };
}

/** What `ivm_estimateJob` answers. */
export function readEstimate(answer: unknown): JobEstimate {
  const fields = new AnswerReader("ivm_estimateJob", answer);
  return {
    cycles: fields.bigint("cycles"),
    maxCycles: fields.bigint("maxCycles"),
    outcome: outcomeOf(fields.object("outcome")),
    cyclePriceWei: fields.bigint("cyclePriceWei"),
    feeWei: fields.bigint("feeWei"),
    syncGas: fields.optional("syncGas", fields.bigint),
  };
}

/** What `ivm_feeHistory` answers. */
export function readFeeHistory(answer: unknown): CycleFeeHistory {
  const fields = new AnswerReader("ivm_feeHistory", answer);
  return {
    oldestBlock: fields.bigint("oldestBlock"),
    cyclePriceWei: fields.bigints("cyclePriceWei"),
    cyclesUsed: fields.bigints("cyclesUsed"),
    cyclesUsedRatio: fields.numbers("cyclesUsedRatio"),
  };
}
