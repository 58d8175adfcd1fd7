import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAbiParameters, stringToHex } from "viem";
import {
  decodeOutcome,
  InvalidAnswerError,
  IvmError,
  type JobInfo,
  JobEndedError,
  JobPanickedError,
  NodeBusyError,
  NoOutcomeError,
  OtherInputError,
  RateLimitedError,
  RequestRefusedError,
  RunWithoutOutcomeError,
  UnknownJobError,
  WaitTimeoutError,
} from "../src/index.js";
import { delivered, fakeClient, hashOf, jobJson, RpcFault } from "./setup.js";

const jobId = hashOf("11");

/** A node that answers with these, one after the other, and then with the last again and again. */
function answersOf(jobs: (Record<string, unknown> | null)[], blocks: Record<string, number[]> = {}) {
  const next = <value>(list: value[]) => (list.length > 1 ? list.shift() : list[0]) as value;
  return fakeClient({
    ivm_getJob: () => next(jobs),
    eth_getBlockByNumber: ([tag]) => ({
      number: `0x${next(blocks[tag as string] ?? []).toString(16)}`,
      transactions: [],
    }),
  });
}

test("a job's fields have their types", async () => {
  const job = await answersOf([jobJson(delivered(9))]).getJob({ jobId });
  assert.equal(job?.maxCycles, 1_000_000n);
  assert.equal(job?.requestedBlock, 5n);
  assert.equal(job?.resultBlock, 9n);
  assert.equal(job?.noOutcomeReason, null);
  assert.equal(await answersOf([null]).getJob({ jobId }), null);
});

test("an answer that the protocol does not allow is refused", async () => {
  for (const wrong of [
    { maxCycles: 5 },
    { maxCycles: "0x" },
    { state: "done" },
    { kind: "other" },
    { outcome: "0x" },
    { jobId: null },
  ]) {
    await assert.rejects(answersOf([jobJson(wrong)]).getJob({ jobId }), InvalidAnswerError, JSON.stringify(wrong));
  }
  const list = fakeClient({ ivm_getJob: () => [] });
  await assert.rejects(list.getJob({ jobId }), InvalidAnswerError);
});

test("a result is waited for, and its changes told once each", async () => {
  const states: string[] = [];
  const client = answersOf([null, jobJson(), jobJson(), jobJson({ state: "executing" }), jobJson(delivered(9))]);
  const job = await client.waitForJob({ jobId, onChange: ({ state }) => states.push(state) });
  assert.equal(job.state, "delivered");
  assert.deepEqual(states, ["pending", "executing", "delivered"]);
});

test("a result that a reorg removed is waited for again", async () => {
  const seen: (bigint | null | "gone")[] = [];
  const client = answersOf([jobJson(delivered(9)), null, jobJson(), jobJson(delivered(12)), jobJson(delivered(12))], {
    finalized: [5, 8, 9, 11, 12],
  });
  const job = await client.waitForJob({
    jobId,
    until: "finalized",
    onChange: ({ resultBlock }) => seen.push(resultBlock),
    onGone: () => seen.push("gone"),
  });
  assert.equal(job.resultBlock, 12n);
  assert.deepEqual(seen, [9n, "gone", null, 12n]);
});

test("a result above the tag is not sure yet", async () => {
  const client = answersOf([jobJson(delivered(9))], { safe: [8] });
  await assert.rejects(client.waitForJob({ jobId, until: "safe", timeoutMs: 30 }), WaitTimeoutError);
  const soon = answersOf([jobJson(delivered(9))], { safe: [8, 8, 9] });
  assert.equal((await soon.waitForJob({ jobId, until: "safe" })).resultBlock, 9n);
});

test("executed is enough where it is asked for", async () => {
  const executed = { ...delivered(9), state: "executed", resultBlock: null, resultTransaction: null };
  const client = answersOf([jobJson(), jobJson(executed)]);
  assert.equal((await client.waitForJob({ jobId, until: "executed" })).state, "executed");
});

test("a job that ends without a result is not waited for", async () => {
  for (const state of ["noOutcome", "cancelled", "expired", "refused"]) {
    const client = answersOf([jobJson({ state, noOutcomeReason: "BadSignature" })]);
    await assert.rejects(client.waitForJob({ jobId }), (error: unknown) => {
      assert.ok(error instanceof JobEndedError);
      assert.equal(error.job.state, state);
      assert.match(error.message, /BadSignature/);
      return true;
    });
  }
});

test("waiting stops when told to", async () => {
  const controller = new AbortController();
  const waiting = answersOf([jobJson()]).waitForJob({ jobId, signal: controller.signal, timeoutMs: Infinity });
  setTimeout(() => controller.abort(new Error("enough")), 5);
  await assert.rejects(waiting, /enough/);
});

test("each of the node's errors has its class", async () => {
  const failing = (code: number) =>
    fakeClient({
      ivm_getJob: () => {
        throw new RpcFault(code, "why it failed", { limit: 7 });
      },
    }).getJob({ jobId });
  for (const [code, type] of [
    [-32024, UnknownJobError],
    [-32026, NodeBusyError],
    [-32030, RateLimitedError],
    [-32031, OtherInputError],
    [-32032, RunWithoutOutcomeError],
    [-32090, IvmError],
  ] as const) {
    await assert.rejects(failing(code), (error: unknown) => {
      assert.ok(error instanceof IvmError && error instanceof type);
      assert.equal(error.code, code);
      assert.match(error.message, /ivm_getJob: why it failed/);
      assert.deepEqual(error.data, { limit: 7 });
      return true;
    });
  }
  await assert.rejects(failing(-32601), (error: unknown) => !(error instanceof IvmError));
});

test("a request that is refused says by which fault", async () => {
  const client = fakeClient({
    ivm_submitJob: () => {
      throw new RpcFault(-32029, "request refused: BadSignature: the consumer does not take it");
    },
  });
  const [consumer, hash] = [`0x${"22".repeat(20)}`, hashOf("33")] as const;
  const request = {
    consumer,
    nonce: 1n,
    ordered: false,
    programId: hash,
    onchainInput: "0x",
    offchainInputHash: hash,
    maxCycles: 1n,
    callbackGasLimit: 1n,
    deadlineBlock: 1n,
    feePayer: consumer,
    maxFeeWei: 1n,
  } as const;
  await assert.rejects(client.submitJob({ request, signature: "0x" }), (error: unknown) => {
    return error instanceof RequestRefusedError && error.fault === "BadSignature";
  });
});

test("an output is decoded as its type says", async () => {
  const job = (await answersOf([jobJson(delivered(9))]).getJob({ jobId })) as JobInfo;
  const mean: bigint = decodeOutcome(job, "uint256");
  assert.equal(mean, 42n);
  const data = encodeAbiParameters([{ type: "uint256" }, { type: "string" }], [5n, "five"]);
  const pair: readonly [bigint, string] = decodeOutcome(
    { status: "success", data, hash: hashOf("00") },
    "uint256, string",
  );
  assert.deepEqual(pair, [5n, "five"]);
  const parts = [
    { name: "count", type: "uint256" },
    { name: "name", type: "string" },
  ] as const;
  const types = [{ type: "tuple", components: parts }] as const;
  const tuple = encodeAbiParameters(types, [{ count: 5n, name: "five" }]);
  const struct: { count: bigint; name: string } = decodeOutcome(
    { status: "success", data: tuple, hash: hashOf("00") },
    types,
  );
  assert.deepEqual(struct, { count: 5n, name: "five" });
  const named: { count: bigint; name: string } = decodeOutcome(
    { status: "success", data: tuple, hash: hashOf("00") },
    "(uint256 count, string name)",
  );
  assert.deepEqual(named, struct);
  assert.throws(() => decodeOutcome(job, "string"));
});

test("a panic is an error with its message, and no outcome is none", async () => {
  const data = stringToHex("no numbers given");
  const panicked = { status: "panicked", data, hash: hashOf("00") } as const;
  assert.throws(
    () => decodeOutcome(panicked, "uint256"),
    (error: unknown) =>
      error instanceof JobPanickedError && error.panicMessage === "no numbers given" && error.data === data,
  );
  const job = (await answersOf([jobJson()]).getJob({ jobId })) as JobInfo;
  assert.throws(() => decodeOutcome(job, "uint256"), NoOutcomeError);
});
