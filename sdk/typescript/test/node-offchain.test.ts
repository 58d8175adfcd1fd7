// Against a node: jobs asked for by signature, estimates and the price of cycles.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { encodeAbiParameters, type Hash, type Hex, keccak256, parseEther } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import {
  decodeOutcome,
  hashJobRequest,
  jobIdOfRequest,
  jobManagerAbi,
  jobManagerAddress,
  jobSubmission,
  OtherInputError,
  RequestRefusedError,
} from "../src/index.js";
import { artifact, hashOf, keys, nodeClient, programElf, rpcUrl } from "./setup.js";

const client = nodeClient(keys.offchain);
const CALLBACK_GAS = 100_000n;
const number = (value: bigint) => encodeAbiParameters([{ type: "uint256" }], [value]);

let programId: Hash;
let consumer: `0x${string}`;

before(async () => {
  programId = (await client.submitProgram({ elf: programElf("square-root") })).programId;
  const deployment = await client.deployContract({
    ...artifact("OffchainPriceConsumer"),
    args: [client.account.address],
  });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash: deployment });
  assert.ok(contractAddress);
  consumer = contractAddress;
  const hash = await client.writeContract({
    address: jobManagerAddress,
    abi: jobManagerAbi,
    functionName: "deposit",
    args: [consumer],
    value: parseEther("1"),
  });
  await client.waitForTransactionReceipt({ hash });
});

function request(onchainInput: Hex, rest: { ordered?: boolean; nonce?: bigint; maxFeeWei?: bigint } = {}) {
  return client.prepareJobRequest({ consumer, programId, onchainInput, callbackGasLimit: CALLBACK_GAS, ...rest });
}

test("a job is asked for by signature, and its result is in a block", async () => {
  const submitted = await client.requestOffchainJob({
    consumer,
    programId,
    onchainInput: number(144n),
    callbackGasLimit: CALLBACK_GAS,
  });
  assert.equal(submitted.jobId, jobIdOfRequest({ chainId: 4956, request: submitted.request }));
  const job = await client.waitForJob({ jobId: submitted.jobId, until: "safe" });
  assert.equal(job.kind, "offchain");
  assert.equal(job.state, "delivered");
  assert.equal(job.requestedBlock, job.resultBlock);
  assert.equal(decodeOutcome(job, "uint256"), 12n);
  const latest = {
    address: consumer,
    abi: artifact("OffchainPriceConsumer").abi,
    functionName: "latestPrice",
  } as const;
  assert.equal(await client.readContract(latest), 12n);
});

test("the digest is what the job manager computes", async () => {
  const whole = await request(number(1n), { ordered: true });
  const view = { address: jobManagerAddress, abi: artifact("JobManager").abi } as const;
  assert.equal(
    await client.readContract({ ...view, functionName: "hashRequest", args: [whole] }),
    hashJobRequest({ chainId: 4956, request: whole }),
  );
});

test("ordered jobs come in the order of their numbers, whatever the order they were sent in", async () => {
  const first = await request(number(4n), { ordered: true });
  const second = await request(number(9n), { ordered: true, nonce: first.nonce + 1n });
  const ids: Hash[] = [];
  for (const each of [second, first])
    ids.push((await client.submitJob(await client.signJobRequest({ request: each }))).jobId);
  const [later, earlier] = await Promise.all(ids.map((jobId) => client.waitForJob({ jobId })));
  assert.equal(earlier?.kind, "offchainOrdered");
  assert.ok((earlier?.resultBlock as bigint) <= (later?.resultBlock as bigint));
  assert.equal(decodeOutcome(later as never, "uint256"), 3n);
});

test("REST takes the same submission and tells the same job", async () => {
  const signed = await client.signJobRequest({ request: await request(number(25n)) });
  const response = await fetch(new URL("/v1/jobs", rpcUrl()), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(jobSubmission(signed)),
  });
  assert.ok(response.ok, await response.clone().text());
  const { jobId } = (await response.json()) as { jobId: Hash };
  assert.equal(jobId, jobIdOfRequest({ chainId: 4956, request: signed.request }));
  await client.waitForJob({ jobId });
  const job = (await (await fetch(new URL(`/v1/jobs/${jobId}`, rpcUrl()))).json()) as { state: string };
  assert.equal(job.state, "delivered");
  const events = await fetch(new URL(`/v1/jobs/${jobId}/events`, rpcUrl()));
  assert.match(events.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.match(await events.text(), /^event: ?state$/m);
});

test("a stream tells a job's changes", async () => {
  const signed = await client.signJobRequest({ request: await request(number(36n)) });
  const { jobId } = await client.submitJob(signed);
  const states: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.watchJob({ jobId, onJob: ({ state }) => states.push(state), onError: reject, onEnd: resolve });
  });
  assert.equal(states.at(-1), "delivered");
});

test("what is wrong with a request is told before any work", async () => {
  const stranger = privateKeyToAccount(generatePrivateKey());
  const good = await request(number(1n));
  const signed = await client.signJobRequest({ request: good });
  const resigned = (change: object) => client.signJobRequest({ request: { ...good, ...change } });
  const refused = {
    BadSignature: { ...signed, request: { ...good, maxCycles: good.maxCycles + 1n } },
    FeeOverMax: await resigned({ maxFeeWei: 1n }),
    DeadlinePassed: await resigned({ deadlineBlock: 1n }),
    UnknownProgram: await resigned({ programId: hashOf("01") }),
    AllowanceTooLow: await resigned({ feePayer: stranger.address }),
  };
  for (const [fault, submission] of Object.entries(refused)) {
    await assert.rejects(client.submitJob(submission), (error: unknown) => {
      assert.ok(error instanceof RequestRefusedError, String(error));
      assert.equal(error.fault, fault);
      return true;
    });
  }
  const other = await client.signJobRequest({ request: good, account: stranger });
  await assert.rejects(client.submitJob(other), RequestRefusedError);
  await assert.rejects(client.submitJob({ ...signed, offchainInput: "0x01" }), OtherInputError);
});

test("an estimate is what the job then takes", async () => {
  const estimate = await client.estimateJob({ programId, onchainInput: number(49n), callbackGasLimit: CALLBACK_GAS });
  assert.equal(decodeOutcome(estimate.outcome, "uint256"), 7n);
  assert.ok(
    estimate.cycles > 0n && estimate.maxCycles >= estimate.cycles && estimate.feeWei > 0n && estimate.syncGas! > 0n,
  );
  const { jobId } = await client.submitJob(await client.signJobRequest({ request: await request(number(49n)) }));
  assert.equal((await client.waitForJob({ jobId })).cycles, estimate.cycles);
});

test("the price of cycles has a history", async () => {
  const history = await client.getCycleFeeHistory({ blockCount: 4 });
  assert.equal(history.cyclesUsed.length, 4);
  assert.equal(history.cyclesUsedRatio.length, 4);
  assert.equal(history.cyclePriceWei.length, 5);
  assert.ok(history.cyclePriceWei.every((price) => price > 0n));
});

test("an offchain input goes with the request", async () => {
  const payload = keccak256("0x01");
  const echo = (await client.submitProgram({ elf: programElf("echo") })).programId;
  const offchain = { consumer, programId: echo, callbackGasLimit: CALLBACK_GAS, offchainInput: payload };
  const { jobId } = await client.requestOffchainJob(offchain);
  assert.equal((await client.waitForJob({ jobId })).outcome?.data, payload);
});
