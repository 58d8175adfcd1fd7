// Against a node: programs, payloads, jobs asked for in transactions, and how sure their results become.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { bytesToHex, type Hash, keccak256, stringToHex } from "viem";
import {
  computeJobId,
  decodeOutcome,
  InvalidProgramError,
  JobEndedError,
  jobManagerAbi,
  jobManagerAddress,
  JobPanickedError,
  jobNonce,
  NoJobRequestedError,
  programRegistryAbi,
  programRegistryAddress,
  UnknownJobError,
} from "../src/index.js";
import { artifact, hashOf, keys, nodeClient, programElf } from "./setup.js";

const client = nodeClient(keys.onchain);
const MAX_CYCLES = 1_000_000n;
const CALLBACK_GAS = 100_000n;
const echoAbi = [
  {
    type: "function",
    name: "requestEcho",
    stateMutability: "payable",
    inputs: [
      { name: "programId", type: "bytes32" },
      { name: "message", type: "bytes" },
      { name: "maxCycles", type: "uint64" },
    ],
    outputs: [{ name: "jobId", type: "bytes32" }],
  },
  {
    type: "function",
    name: "latestOutputHash",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "bytes32" }],
  },
] as const;

let echo: Hash;
let consumer: `0x${string}`;

async function deploy(contract: string) {
  const hash = await client.deployContract({ ...artifact(contract), args: [] });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  assert.ok(contractAddress);
  return contractAddress;
}

/** Asks for an echo; gives the job. */
async function requestEcho(message: `0x${string}`, maxCycles = MAX_CYCLES) {
  const value = await client.quoteJob({ maxCycles, callbackGasLimit: CALLBACK_GAS });
  return client.requestJob({
    address: consumer,
    abi: echoAbi,
    functionName: "requestEcho",
    args: [echo, message, maxCycles],
    value,
  });
}

before(async () => {
  const program = await client.submitProgram({ elf: programElf("echo") });
  assert.equal(program.registered, true);
  echo = program.programId;
  consumer = await deploy("EchoConsumer");
});

test("a program is known by its id, here and on chain", async () => {
  const elf = programElf("echo");
  const program = await client.getProgram({ programId: echo });
  assert.equal(program?.elfHash, keccak256(elf));
  assert.equal(program?.elfSizeBytes, elf.length);
  assert.ok(program?.registeredBlock !== null);
  const registry = { address: programRegistryAddress, abi: programRegistryAbi, functionName: "elfHash" } as const;
  assert.equal(await client.readContract({ ...registry, args: [echo] }), keccak256(elf));
  assert.equal(await client.getProgram({ programId: hashOf("00") }), null);
  await assert.rejects(client.submitProgram({ elf: "0x00" }), InvalidProgramError);
});

test("a payload is kept under its hash", async () => {
  const payload = crypto.getRandomValues(new Uint8Array(1000));
  const hash = await client.submitPayload({ payload });
  assert.equal(hash, keccak256(payload));
  assert.equal(await client.getPayload({ hash }), bytesToHex(payload));
  assert.equal(await client.getPayload({ hash: hashOf("01") }), null);
});

test("a job is asked for, and its result waited for until it is final", async () => {
  const message = stringToHex("hello");
  const { jobId, jobIds, receipt } = await requestEcho(message);
  assert.deepEqual(jobIds, [jobId]);
  const states: string[] = [];
  const job = await client.waitForJob({ jobId, onChange: ({ state }) => states.push(state) });
  assert.equal(states.at(-1), "delivered");
  assert.equal(job.kind, "onchain");
  assert.equal(job.requestedBlock, receipt.blockNumber);
  assert.equal(job.jobId, computeJobId({ chainId: 4956, consumer, nonce: jobNonce("onchain", 0n) }));
  assert.equal(job.outcome?.data, message);
  assert.equal(job.outcome?.hash, keccak256(`0x00${message.slice(2)}`));
  assert.ok(job.cycles !== null && job.cycles > 0n && job.cycles <= MAX_CYCLES);
  const latest = await client.readContract({ address: consumer, abi: echoAbi, functionName: "latestOutputHash" });
  assert.equal(latest, keccak256(message));

  const result = job.resultBlock as bigint;
  for (const until of ["safe", "finalized"] as const) {
    const sure = await client.waitForJob({ jobId, until });
    assert.equal(sure.resultBlock, result);
    assert.ok((await client.getBlock({ blockTag: until })).number >= result);
  }
});

test("changes are told until the job is over, with and without streams", async () => {
  for (const poll of [false, true]) {
    const { jobId } = await requestEcho("0x00");
    const states: string[] = [];
    await new Promise<void>((resolve, reject) => {
      client.watchJob({ jobId, poll, onJob: ({ state }) => states.push(state), onError: reject, onEnd: resolve });
    });
    assert.equal(states.at(-1), "delivered");
    assert.equal(new Set(states).size, states.length);
  }
});

test("a panic is told as such", async () => {
  const { jobId } = await requestEcho(stringToHex("panic:no luck"));
  const job = await client.waitForJob({ jobId });
  assert.equal(job.outcome?.status, "panicked");
  assert.throws(
    () => decodeOutcome(job, "uint256"),
    (error: unknown) => error instanceof JobPanickedError && error.panicMessage === "no luck",
  );
});

test("a job that runs out of cycles is not waited for", async () => {
  const { jobId } = await requestEcho("0x00", 10n);
  await assert.rejects(client.waitForJob({ jobId }), (error: unknown) => {
    assert.ok(error instanceof JobEndedError);
    assert.equal(error.job.state, "noOutcome");
    assert.ok(error.job.noOutcomeReason);
    return true;
  });
});

test("why the job manager refuses is told by name", async () => {
  const call = { address: consumer, abi: echoAbi, functionName: "requestEcho" } as const;
  const unknown = client.requestJob({ ...call, args: [hashOf("01"), "0x", MAX_CYCLES] });
  await assert.rejects(unknown, /UnknownProgram\(bytes32 programId\)/);
  const unpaid = client.requestJob({ ...call, args: [echo, "0x", 100n * MAX_CYCLES] });
  await assert.rejects(unpaid, /InsufficientFunds\(uint256 got, uint256 expected\)/);
});

test("a transaction that asks for nothing is an error", async () => {
  const deposit = client.requestJob({
    address: jobManagerAddress,
    abi: jobManagerAbi,
    functionName: "deposit",
    args: [consumer],
    value: 1n,
  });
  await assert.rejects(deposit, NoJobRequestedError);
});

test("a job that is not there is null, and cannot be proven", async () => {
  assert.equal(await client.getJob({ jobId: hashOf("01") }), null);
  await assert.rejects(client.getJobProof({ jobId: hashOf("01") }), UnknownJobError);
});

test("the node tells where the chain is settled", async () => {
  const settlement = await client.getSettlementInfo();
  assert.equal(settlement.validating, true);
  assert.deepEqual(settlement.refused, []);
  assert.ok(settlement.headBlock > 0n && settlement.rpcPort !== null);
});
