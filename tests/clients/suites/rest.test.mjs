// REST: its OpenAPI document by a validator that knows nothing of this server, and what needs no account.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { chainId, rpc, rpcUrl } from "./setup.mjs";

const at = (path) => new URL(path, rpcUrl);

/** Status, and the code of the error. */
const refusal = async (path, options) => {
  const response = await fetch(at(path), options);
  assert.equal(response.headers.get("content-type"), "application/json");
  return [response.status, (await response.json()).error.code];
};

test("the document is OpenAPI 3.1", async () => {
  const document = await (await fetch(at("/v1/openapi.json"))).json();
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document);
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.equal(validator.version, "3.1");
  const resolved = JSON.stringify(validator.resolveRefs());
  assert.ok(!resolved.includes("$ref"), "every reference leads somewhere");
  // It is a check that can fail.
  document.paths["/v1/jobs"].post.responses = "none";
  assert.equal((await new Validator().validate(document)).valid, false);
});

test("payloads are kept, by either interface, for both", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const put = await fetch(at("/v1/payloads"), { method: "PUT", body: bytes });
  assert.equal(put.status, 201);
  const { hash } = await put.json();
  const hex = `0x${Buffer.from(bytes).toString("hex")}`;
  assert.equal(hash, await rpc("web3_sha3", hex));
  assert.equal(put.headers.get("location"), `/v1/payloads/${hash}`);
  const got = await fetch(at(`/v1/payloads/${hash}`));
  assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
  assert.match(got.headers.get("cache-control"), /immutable/);
  assert.equal(await rpc("ivm_getPayload", hash), hex);
  const again = await fetch(at(`/v1/payloads/${hash}`), { headers: { "if-none-match": got.headers.get("etag") } });
  assert.equal(again.status, 304);
});

test("what is wrong is said with a status and JSON-RPC's code", async () => {
  const nobody = `0x${"00".repeat(32)}`;
  assert.deepEqual(await refusal("/v1/none"), [404, -32601]);
  assert.deepEqual(await refusal("/v1/jobs"), [405, -32601]);
  assert.deepEqual(await refusal(`/v1/jobs/${nobody}`), [404, -32024]);
  assert.deepEqual(await refusal(`/v1/jobs/${nobody}/events`), [404, -32024]);
  assert.deepEqual(await refusal(`/v1/payloads/${nobody}`), [404, -32033]);
  const body = JSON.stringify({ chainId });
  assert.deepEqual(await refusal("/v1/jobs", { method: "POST", body }), [415, -32600]);
  const headers = { "content-type": "application/json" };
  assert.deepEqual(await refusal("/v1/jobs", { method: "POST", headers, body }), [400, -32602]);
});
