import assert from "node:assert/strict";
import { test } from "node:test";
import { chainId, keys, rpcUrl, run, stranger } from "./setup.mjs";

const key = ["--private-key", keys.cast];
const cast = (...args) => run("cast", ...args);
const json = async (...args) => JSON.parse(await cast(...args, "--json"));

// One account: what is sent is sent one after the other.
test("cast and forge", async (t) => {
  const sender = await cast("wallet", "address", ...key);
  let contract;

  await t.test("cast chain-id, block-number, gas-price, client, block", async () => {
    assert.equal(Number(await cast("chain-id")), chainId);
    assert.ok(Number(await cast("block-number")) >= 0);
    assert.ok(BigInt(await cast("gas-price")) > 0n);
    assert.match(await cast("client"), /^infinityvm\/v/);
    const block = await json("block", "latest");
    assert.equal((await json("block", block.hash)).number, block.number);
    assert.match(await cast("rpc", "eth_getBlockByNumber", "0x0", "false"), /"parentHash":"0x0+"/);
  });

  await t.test("cast send, balance, nonce, receipt, tx", async () => {
    const to = stranger();
    const nonce = Number(await cast("nonce", sender));
    const receipt = await json("send", to, "--value", "12345", ...key);
    assert.equal(receipt.status, "0x1");
    assert.equal(await cast("balance", to), "12345");
    assert.equal(Number(await cast("nonce", sender)), nonce + 1);
    assert.equal((await json("receipt", receipt.transactionHash)).blockHash, receipt.blockHash);
    assert.equal((await json("tx", receipt.transactionHash)).hash, receipt.transactionHash);
    assert.match(await cast("tx", receipt.transactionHash, "--raw"), /^0x02/);
  });

  await t.test("forge create", async () => {
    const args = ["create", "src/Counter.sol:Counter", "--broadcast", "--rpc-url", rpcUrl, ...key];
    const printed = await run("forge", ...args, "--json", "--constructor-args", "7");
    contract = JSON.parse(printed.slice(printed.indexOf("{"))).deployedTo;
    assert.match(contract, /^0x[0-9a-fA-F]{40}$/);
  });

  await t.test("cast call, send, logs, storage, code, estimate, proof", async () => {
    assert.equal(await cast("call", contract, "value()(uint256)"), "7");
    const receipt = await json("send", contract, "increase(uint256)", "5", ...key);
    assert.equal(await cast("call", contract, "value()(uint256)"), "12");
    const before = (Number(receipt.blockNumber) - 1).toString();
    assert.equal(await cast("call", contract, "value()(uint256)", "--block", before), "7");
    const logs = await json("logs", "--from-block", "0", "--address", contract, "Increased(address indexed,uint256)");
    assert.equal(logs.length, 1);
    assert.equal(BigInt(logs[0].data), 12n);
    assert.equal(BigInt(await cast("storage", contract, "0")), 12n);
    assert.ok((await cast("code", contract)).length > 100);
    assert.ok(Number(await cast("estimate", contract, "increase(uint256)", "1", "--from", sender)) > 21_000);
    assert.equal(BigInt((await json("proof", contract, "0")).storageProof[0].value), 12n);
    assert.equal(await cast("call", contract, "value()(uint256)", "--override-state-diff", `${contract}:0:99`), "99");
  });

  await t.test("cast access-list, rpc debug_traceTransaction", async () => {
    const listed = await json("access-list", contract, "increase(uint256)", "1", "--from", sender);
    assert.equal(listed.accessList[0].address.toLowerCase(), contract.toLowerCase());
    const { transactionHash } = await json("send", contract, "increase(uint256)", "1", ...key);
    const traced = await cast("rpc", "debug_traceTransaction", transactionHash, '{"tracer":"callTracer"}');
    assert.equal(JSON.parse(traced).to.toLowerCase(), contract.toLowerCase());
  });

  await t.test("cast shows reverts", async () => {
    await assert.rejects(cast("call", contract, "refuse()"), { stderr: /refused/ });
    await assert.rejects(cast("send", contract, "increase(uint256)", "2000", ...key), { stderr: /revert/ });
    const wrong = cast("send", stranger(), "--value", "1", "--nonce", "0", "--gas-limit", "21000", ...key);
    await assert.rejects(wrong, { stderr: /nonce too low/ });
  });

  await t.test("forge script --broadcast", async () => {
    const args = ["script", "script/Deploy.s.sol:Deploy", "--broadcast", "--rpc-url", rpcUrl, ...key];
    const printed = await run("forge", ...args);
    assert.match(printed, /ONCHAIN EXECUTION COMPLETE & SUCCESSFUL/);
    const [, deployed] = printed.match(/contract Counter (0x[0-9a-fA-F]{40})/);
    assert.equal(await cast("call", deployed, "value()(uint256)"), "18");
  });
});
