// Against a node whose first proposer lies about the first job, and which takes blocks for right until a challenge shows
// otherwise: what a client is told from the false result through the reorg to the true one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAbiParameters, type Hash, type Hex, keccak256, parseEther, stringToHex } from "viem";
import {
  decodeOutcome,
  type JobInfo,
  jobManagerAbi,
  jobManagerAddress,
  type WatchJobParameters,
  WaitTimeoutError,
} from "../src/index.js";
import { artifact, keys, nodeClient, programElf, rpcUrl } from "./setup.js";

const client = nodeClient(keys.onchain, rpcUrl("IVM_LIAR_RPC_URL"));
const MAX_CYCLES = 1_000_000n;
const CALLBACK_GAS = 100_000n;
/** A proof is waited for, and then the challenge period. */
const timeoutMs = 500_000;

const truth = stringToHex("the truth");
/** What the liar claims: the last bit of the output is another. */
const lie = `0x${(BigInt(truth) ^ 1n).toString(16)}` as const;

async function deploy(contract: string, args: unknown[] = []) {
  const hash = await client.deployContract({ ...artifact(contract), args });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  assert.ok(contractAddress);
  return contractAddress;
}

async function requestEcho(consumer: Hex, programId: Hash, message: Hex) {
  const value = await client.quoteJob({ maxCycles: MAX_CYCLES, callbackGasLimit: CALLBACK_GAS });
  const call = { address: consumer, abi: artifact("EchoConsumer").abi, functionName: "requestEcho" } as const;
  return client.requestJob({ ...call, args: [programId, message, MAX_CYCLES], value });
}

/** What was told: a job, or that it is gone. */
type Told = JobInfo | "gone";

/** Watches a job to its end. */
function watched(parameters: Pick<WatchJobParameters, "jobId" | "until" | "poll">): Promise<Told[]> {
  const told: Told[] = [];
  return new Promise((resolve, reject) => {
    client.watchJob({
      ...parameters,
      onJob: (job) => told.push(job),
      onGone: () => told.push("gone"),
      onError: reject,
      onEnd: () => resolve(told),
    });
  });
}

/** Waits for a job; gives what was told on the way too. */
async function waitedFor(jobId: Hash, until: "safe" | "finalized") {
  const told: Told[] = [];
  const onChange = (job: JobInfo) => told.push(job);
  const job = await client.waitForJob({ jobId, until, timeoutMs, onChange, onGone: () => told.push("gone") });
  return { job, told };
}

/** The results among what was told, one for each block that carried one. */
function results(told: Told[]): JobInfo[] {
  return told.filter((each) => each !== "gone").filter(({ resultBlock }) => resultBlock !== null);
}

/**
 * Fails unless the first result and then the second was told, with nothing but states without a result between them. The
 * node may post the second in the turn in which it takes the first back: then there is nothing between.
 */
function assertTakenBack(told: Told[], what: string) {
  const states = told.map((each) => (each === "gone" ? each : `${each.state} ${each.resultBlock ?? ""}`.trim()));
  const story = `${what}: ${states.join(", ")}`;
  const [first, second, ...more] = results(told);
  assert.ok(first && second && more.length === 0, story);
  const between = told.slice(told.indexOf(first) + 1, told.indexOf(second));
  const isWithoutResult = (each: Told) => each === "gone" || each.outcome === null || each.state === "executed";
  assert.ok(between.every(isWithoutResult), story);
  assert.equal(told.at(-1), second, story);
}

test("a false result is told, then taken back, then the true one is as sure as it was waited for", async () => {
  const { programId: echo } = await client.submitProgram({ elf: programElf("echo") });
  const { programId: squareRoot } = await client.submitProgram({ elf: programElf("square-root") });
  const consumer = await deploy("EchoConsumer");
  const prices = await deploy("OffchainPriceConsumer", [client.account.address]);
  const deposit = { address: jobManagerAddress, abi: jobManagerAbi, functionName: "deposit", args: [prices] } as const;
  await client.waitForTransactionReceipt({ hash: await client.writeContract({ ...deposit, value: parseEther("1") }) });

  const { jobId } = await requestEcho(consumer, echo, truth);
  const told = {
    included: watched({ jobId }),
    streamed: watched({ jobId, until: "finalized" }),
    polled: watched({ jobId, until: "finalized", poll: true }),
    safe: waitedFor(jobId, "safe"),
    finalized: waitedFor(jobId, "finalized"),
  };
  const first = await client.waitForJob({ jobId });
  assert.equal(first.outcome?.data, lie);
  const latest = { address: consumer, abi: artifact("EchoConsumer").abi, functionName: "latestOutputHash" } as const;
  assert.equal(await client.readContract(latest), keccak256(lie));
  for (const until of ["safe", "finalized"] as const) {
    await assert.rejects(client.waitForJob({ jobId, until, timeoutMs: 200 }), WaitTimeoutError);
  }

  // On top of the lie: their blocks go with it, requests and all.
  const inTransaction = await requestEcho(consumer, echo, "0x01");
  const number = encodeAbiParameters([{ type: "uint256" }], [144n]);
  const job = { consumer: prices, programId: squareRoot, onchainInput: number, callbackGasLimit: CALLBACK_GAS };
  const signed = await client.requestOffchainJob(job);
  const onTop = {
    inTransaction: watched({ jobId: inTransaction.jobId, until: "finalized" }),
    inTransactionPolled: watched({ jobId: inTransaction.jobId, until: "finalized", poll: true }),
    signed: watched({ jobId: signed.jobId, until: "safe" }),
    signedSure: waitedFor(signed.jobId, "finalized"),
  };
  const signedFirst = await client.waitForJob({ jobId: signed.jobId });
  assert.ok((signedFirst.resultBlock as bigint) > (first.resultBlock as bigint));
  const fromLie = await client.getBlock({ blockNumber: first.resultBlock as bigint });

  const { job: safe, told: safeTold } = await told.safe;
  assert.equal(safe.outcome?.data, truth);
  assert.equal(await client.readContract(latest), keccak256("0x01"));
  const { job: final, told: finalTold } = await told.finalized;
  assert.equal(final.outcome?.data, truth);
  const again = await client.getBlock({ blockNumber: first.resultBlock as bigint });
  assert.notEqual(again.hash, fromLie.hash);

  assert.equal(results(await told.included).at(-1)?.outcome?.data, lie, "watching for inclusion ends with the lie");
  for (const [what, each] of Object.entries({
    streamed: await told.streamed,
    polled: await told.polled,
    safe: safeTold,
    finalized: finalTold,
  })) {
    assertTakenBack(each, what);
    assert.deepEqual(results(each).map(({ outcome }) => outcome?.data), [lie, truth], what);
  }

  for (const [what, each] of Object.entries(onTop)) {
    const story = await each;
    const list = Array.isArray(story) ? story : story.told;
    assertTakenBack(list, what);
  }
  const root = await client.waitForJob({ jobId: signed.jobId, until: "finalized", timeoutMs });
  assert.equal(decodeOutcome(root, "uint256"), 12n);
  const finalized = await client.getBlock({ blockTag: "finalized" });
  assert.ok(finalized.number >= (root.resultBlock as bigint));
});
