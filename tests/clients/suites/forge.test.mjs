import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { chainId, compiled, keys, post, rpc, rpcUrl, run, start } from "./setup.mjs";

const key = ["--private-key", keys.forge];
const cast = (...args) => run("cast", ...args);
const deployScript = ["script", "script/Deploy.s.sol:Deploy", "--broadcast", ...key];
const COMPLETE = /ONCHAIN EXECUTION COMPLETE & SUCCESSFUL/;

const nonceOf = async (address) => Number(await rpc("eth_getTransactionCount", address, "latest"));

/** The counter that Deploy.s.sol said it deployed. */
const deployedBy = (printed) => printed.match(/contract Counter (0x[0-9a-fA-F]{40})/)[1];

/** A proxy of the node that refuses transactions after the first `limit`, until told to relent. */
async function refusing(limit) {
  let left = limit;
  let onRefusal;
  const refused = new Promise((resolve) => (onRefusal = resolve));
  const answer = async (request) => {
    if (request.method !== "eth_sendRawTransaction" || (left -= 1) >= 0) return post(request);
    onRefusal();
    return { jsonrpc: "2.0", id: request.id, error: { code: -32000, message: "refused by the test" } };
  };
  const server = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const answers = Array.isArray(body) ? await Promise.all(body.map(answer)) : await answer(body);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answers));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const relent = () => (left = Infinity);
  const end = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, refused, relent, end };
}

// One account: what is sent is sent one after the other.
test("forge", async (t) => {
  const sender = await cast("wallet", "address", ...key);
  let counter;

  await t.test("forge create", async () => {
    const args = ["create", "src/Counter.sol:Counter", "--broadcast", "--rpc-url", rpcUrl, ...key];
    const printed = await run("forge", ...args, "--json", "--constructor-args", "7");
    counter = JSON.parse(printed.slice(printed.indexOf("{"))).deployedTo;
    assert.match(counter, /^0x[0-9a-fA-F]{40}$/);
    assert.equal(await cast("call", counter, "value()(uint256)"), "7");
  });

  await t.test("forge create --legacy", async () => {
    const args = ["create", "src/Token.sol:Token", "--broadcast", "--legacy", "--rpc-url", rpcUrl, ...key];
    const printed = await run("forge", ...args, "--json");
    const { deployedTo, transactionHash } = JSON.parse(printed.slice(printed.indexOf("{")));
    assert.equal((await rpc("eth_getTransactionByHash", transactionHash)).type, "0x0");
    assert.equal(await cast("call", deployedTo, "symbol()(string)"), '"TKN"');
  });

  await t.test("forge script: simulated only", async () => {
    const nonce = await nonceOf(sender);
    const printed = await run("forge", ...deployScript.filter((arg) => arg !== "--broadcast"), "--rpc-url", rpcUrl);
    assert.match(printed, /SIMULATION COMPLETE/);
    assert.equal(await nonceOf(sender), nonce);
  });

  for (const how of [[], ["--slow"], ["--legacy"]]) {
    await t.test(`forge script --broadcast ${how.join(" ")}`, async () => {
      const printed = await run("forge", ...deployScript, "--rpc-url", rpcUrl, ...how);
      assert.match(printed, COMPLETE);
      assert.equal(await cast("call", deployedBy(printed), "value()(uint256)"), "18");
    });
  }

  await t.test("forge script --resume sends what was not sent", async (subtest) => {
    const nonce = await nonceOf(sender);
    const refuser = await refusing(2);
    subtest.after(refuser.end);
    const args = [...deployScript, "--slow", "--rpc-url", refuser.url];
    const interrupted = start("forge", ...args);
    const ended = once(interrupted, "exit");
    await Promise.race([refuser.refused, ended]);
    interrupted.kill("SIGKILL");
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    assert.equal(await nonceOf(sender), nonce + 2);
    refuser.relent();
    const printed = await run("forge", ...args, "--resume");
    assert.match(printed, COMPLETE);
    // Were the whole script sent again, it would be two more.
    assert.equal(await nonceOf(sender), nonce + 3);
    const [deployed] = (await cast("compute-address", sender, "--nonce", `${nonce}`)).match(/0x[0-9a-fA-F]{40}/);
    assert.equal(await cast("call", deployed, "value()(uint256)"), "18");
  });

  await t.test("forge test --fork-url", async () => {
    const receipt = JSON.parse(await cast("send", counter, "increase(uint256)", "9", ...key, "--json"));
    const env = {
      CHAIN_ID: `${chainId}`,
      COUNTER: counter,
      INCREASED: receipt.transactionHash,
      INCREASED_AT: `${Number(receipt.blockNumber)}`,
      INCREASED_BY: "9",
      INCREASED_IN: receipt.blockHash,
      NODE_URL: rpcUrl,
      SENDER: sender,
    };
    const printed = await run("forge", "test", "--fork-url", rpcUrl, "--match-contract", "ForkTest", { env });
    assert.match(printed, /5 tests passed, 0 failed, 0 skipped/);
    // Nothing of it happened on the node.
    assert.equal(await cast("call", counter, "value()(uint256)"), "16");
  });

  await t.test("forge inspect agrees with what is on chain", async () => {
    const inspected = await run("forge", "inspect", "src/Counter.sol:Counter", "deployedBytecode");
    assert.equal(await cast("code", counter), inspected);
    assert.equal(compiled("Counter").abi.find(({ name }) => name === "increase").type, "function");
  });
});
