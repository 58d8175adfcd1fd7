import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAbiParameters, encodePacked, keccak256, recoverTypedDataAddress, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import {
  computeJobId,
  EMPTY_HASH,
  hashJobRequest,
  type JobRequest,
  jobIdOfRequest,
  jobManagerAddress,
  jobNonce,
  jobRequestTypedData,
  jobSubmission,
  splitJobNonce,
} from "../src/index.js";
import { fakeClient, hashOf, keys, repositoryFile } from "./setup.js";

/** The requests and digests that Rust's client is held to as well. */
const vectors = JSON.parse(repositoryFile("sdk/typescript/test/vectors/job-requests.json")) as {
  requests: { chainId: number; request: Record<string, string | boolean>; digest: string; jobId: string }[];
};

function requestOf(json: Record<string, string | boolean>): JobRequest {
  const quantities = ["nonce", "maxCycles", "callbackGasLimit", "deadlineBlock", "maxFeeWei"];
  const entries = Object.entries(json).map(([key, value]) => [key, quantities.includes(key) ? BigInt(value) : value]);
  return Object.fromEntries(entries) as JobRequest;
}

const sample = requestOf(vectors.requests[0]?.request ?? {});

test("digests and job ids are those of the vectors", () => {
  assert.ok(vectors.requests.length >= 3);
  for (const { chainId, request: json, digest, jobId } of vectors.requests) {
    const request = requestOf(json);
    assert.equal(hashJobRequest({ chainId, request }), digest);
    assert.equal(jobIdOfRequest({ chainId, request }), jobId);
  }
});

test("a digest is what EIP-712 says, by hand", () => {
  const type =
    "JobRequest(address consumer,uint64 nonce,bool ordered,bytes32 programId,bytes onchainInput,bytes32 offchainInputHash," +
    "uint64 maxCycles,uint64 callbackGasLimit,uint64 deadlineBlock,address feePayer,uint256 maxFeeWei)";
  const word = [
    "bytes32",
    "address",
    "uint64",
    "bool",
    "bytes32",
    "bytes32",
    "bytes32",
    "uint64",
    "uint64",
    "uint64",
    "address",
    "uint256",
  ];
  const { consumer, nonce, ordered, programId, onchainInput, offchainInputHash, ...rest } = sample;
  const { maxCycles, callbackGasLimit, deadlineBlock, feePayer, maxFeeWei } = rest;
  const struct = keccak256(
    encodeAbiParameters(
      word.map((name) => ({ type: name })),
      [
        keccak256(toHex(type)),
        consumer,
        nonce,
        ordered,
        programId,
        keccak256(onchainInput),
        offchainInputHash,
        maxCycles,
        callbackGasLimit,
        deadlineBlock,
        feePayer,
        maxFeeWei,
      ],
    ),
  );
  const domainType = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
  const domain = keccak256(
    encodeAbiParameters(
      ["bytes32", "bytes32", "bytes32", "uint256", "address"].map((name) => ({ type: name })),
      [keccak256(toHex(domainType)), keccak256(toHex("InfinityVM")), keccak256(toHex("1")), 4956n, jobManagerAddress],
    ),
  );
  const digest = keccak256(encodePacked(["bytes2", "bytes32", "bytes32"], ["0x1901", domain, struct]));
  assert.equal(hashJobRequest({ chainId: 4956, request: sample }), digest);
});

test("every field, the chain and the manager change the digest", () => {
  const digest = hashJobRequest({ chainId: 4956, request: sample });
  const others: JobRequest[] = Object.entries(sample).map(([field, value]) => {
    const other =
      typeof value === "bigint"
        ? value + 1n
        : typeof value === "boolean"
          ? !value
          : value === "0x"
            ? "0x00"
            : `${value.slice(0, -1)}${value.endsWith("1") ? "2" : "1"}`;
    return { ...sample, [field]: other };
  });
  assert.equal(others.length, 11);
  const digests = [
    ...others.map((request) => hashJobRequest({ chainId: 4956, request })),
    hashJobRequest({ chainId: 4957, request: sample }),
    hashJobRequest({ chainId: 4956, jobManager: "0x4956000000000000000000000000000000000009", request: sample }),
  ];
  assert.equal(new Set([digest, ...digests]).size, 14);
});

test("a nonce has its kind in the two top bits", () => {
  assert.equal(jobNonce("onchain", 7n), 7n);
  assert.equal(jobNonce("sync", 7n), (1n << 62n) | 7n);
  assert.equal(jobNonce("offchain", 0n), 1n << 63n);
  assert.equal(jobNonce("offchainOrdered", (1n << 62n) - 1n), (1n << 64n) - 1n);
  for (const kind of ["onchain", "sync", "offchain", "offchainOrdered"] as const) {
    assert.deepEqual(splitJobNonce(jobNonce(kind, 12345n)), { kind, number: 12345n });
  }
  assert.throws(() => jobNonce("offchain", 1n << 62n), RangeError);
  assert.throws(() => jobNonce("offchain", -1n), RangeError);
  assert.throws(() => splitJobNonce(1n << 64n), RangeError);
  assert.throws(() => splitJobNonce(-1n), RangeError);
});

test("a job id is the hash of where it counts, who asked, and the nonce", () => {
  const consumer = "0x2222222222222222222222222222222222222222";
  const words = [4956n, BigInt(jobManagerAddress), BigInt(consumer), 9n].map((word) =>
    toHex(word, { size: 32 }).slice(2),
  );
  assert.equal(computeJobId({ chainId: 4956, consumer, nonce: 9n }), keccak256(`0x${words.join("")}`));
});

test("a signed request has the signer's signature, and goes as JSON with quantities in hex", async () => {
  const account = privateKeyToAccount(keys.offchain);
  const client = fakeClient({});
  const signed = await client.signJobRequest({ request: sample, account });
  const data = jobRequestTypedData({ chainId: 4956, request: sample });
  assert.equal(await recoverTypedDataAddress({ ...data, signature: signed.signature }), account.address);
  const { request, signature, ...rest } = jobSubmission(signed);
  assert.equal(signature, signed.signature);
  assert.deepEqual(rest, {});
  assert.deepEqual(Object.keys(request), Object.keys(sample));
  assert.equal(request.nonce, toHex(sample.nonce));
  assert.equal(request.maxFeeWei, toHex(sample.maxFeeWei));
  assert.equal(request.ordered, sample.ordered);
  await assert.rejects(client.signJobRequest({ request: sample }), TypeError);
});

test("what a request leaves out is filled in", async () => {
  const asked: string[] = [];
  const client = fakeClient({
    eth_blockNumber: () => "0x64",
    eth_call: ([call]) => {
      const { data } = call as { data: string };
      asked.push(data.slice(0, 10));
      return toHex(data.length > 100 ? 1000n : 17n, { size: 32 });
    },
    ivm_estimateJob: ([job]) => {
      assert.deepEqual(job, {
        programId: hashOf("33"),
        onchainInput: "0x",
        offchainInput: "0x0102",
        callbackGasLimit: "0x186a0",
      });
      return {
        cycles: "0x64",
        maxCycles: "0x7d",
        outcome: { status: "success", data: "0x", hash: hashOf("00") },
        cyclePriceWei: "0x1",
        feeWei: "0x1",
        syncGas: "0x1",
      };
    },
  });
  const consumer = "0x2222222222222222222222222222222222222222";
  const given = { consumer, programId: hashOf("33"), callbackGasLimit: 100_000n, offchainInput: "0x0102" } as const;
  assert.deepEqual(await client.prepareJobRequest({ ...given, ordered: true }), {
    consumer,
    nonce: 17n,
    ordered: true,
    programId: hashOf("33"),
    onchainInput: "0x",
    offchainInputHash: keccak256("0x0102"),
    maxCycles: 125n,
    callbackGasLimit: 100_000n,
    deadlineBlock: 400n,
    feePayer: consumer,
    maxFeeWei: 2000n,
  });
  assert.equal(asked.length, 2);
  const unordered = { ...given, offchainInput: undefined, maxCycles: 5n, maxFeeWei: 6n, deadlineBlock: 7n };
  const [one, other] = await Promise.all([client.prepareJobRequest(unordered), client.prepareJobRequest(unordered)]);
  assert.equal(one.offchainInputHash, EMPTY_HASH);
  assert.notEqual(one.nonce, other.nonce);
  assert.ok(one.nonce < 1n << 62n && other.nonce < 1n << 62n);
  assert.equal(asked.length, 2, "nothing is asked for that was given");
});
