// What geth answers where clients read the words and codes of errors. Needs no account.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rpc, stranger } from "./setup.mjs";

const from = stranger();

/** The call fails with this code and message. */
const fails = (call, code, message) =>
  assert.rejects(call, (error) => {
    assert.match(error.message, message);
    assert.equal(error.code, code, error.message);
    return true;
  });

test("fees below the base fee", async () => {
  const tooLow = /^(err|failed with \d+ gas): max fee per gas less than block base fee: address 0x[0-9a-fA-F]{40}, maxFeePerGas: 1, baseFee: \d+/;
  // One that could pay: an estimate looks at that first.
  const [payer] = await rpc("eth_accounts");
  for (const fees of [{ gasPrice: "0x1" }, { maxFeePerGas: "0x1" }]) {
    for (const method of ["eth_call", "eth_estimateGas"]) {
      await fails(rpc(method, { from: payer, to: from, ...fees }, "latest"), -32000, tooLow);
    }
  }
  const tipOver = { from, to: from, maxFeePerGas: "0x1", maxPriorityFeePerGas: "0x2" };
  await fails(rpc("eth_call", tipOver, "latest"), -32000, /^err: max priority fee per gas higher than max fee per gas: address/);
});

test("calls that cannot run", async () => {
  await fails(rpc("eth_call", { from, to: from, gas: "0x100" }, "latest"), -32000, /^err: intrinsic gas too low: have 256, want 21000 \(supplied gas 256\)$/);
  for (const method of ["eth_call", "eth_estimateGas"]) {
    await fails(rpc(method, { from, data: "0xfe" }, "latest"), -32000, /^invalid opcode: INVALID$/);
    await fails(rpc(method, { from, data: "0x50" }, "latest"), -32000, /^stack underflow \(0 <=> 1\)$/);
  }
});

test("log queries that end before they begin", async () => {
  const backwards = { fromBlock: "0x2", toBlock: "0x1" };
  await assert.rejects(rpc("eth_getLogs", backwards), /invalid block range params/);
  await assert.rejects(rpc("eth_newFilter", backwards), /invalid block range params/);
});
