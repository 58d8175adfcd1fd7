import assert from "node:assert/strict";
import { test } from "node:test";
import { chainId, compiled, keys, rpc, run, start, stranger, until, wsUrl } from "./setup.mjs";

const key = ["--private-key", keys.cast];
const cast = (...args) => run("cast", ...args);
const json = async (...args) => JSON.parse(await cast(...args, "--json"));
const INCREASED = "Increased(address indexed,uint256)";
const word = (number) => `0x${BigInt(number).toString(16).padStart(64, "0")}`;

/** An estimate suffices, and is at most 1.5 % over what is used: it is for a block that is not there yet. */
const enough = (estimated, used) =>
  assert.ok(estimated >= BigInt(used) && (estimated - BigInt(used)) * 1000n <= BigInt(used) * 15n, `${estimated} for ${used}`);

// One account: what is sent is sent one after the other.
test("cast", async (t) => {
  const sender = await cast("wallet", "address", ...key);
  const { bytecode } = compiled("Counter");
  const increase = (by, ...args) => json("send", contract, "increase(uint256)", `${by}`, ...key, ...args);
  const value = (...args) => cast("call", contract, "value()(uint256)", ...args);
  let contract;

  await t.test("chain-id, block-number, gas-price, base-fee, client", async () => {
    assert.equal(Number(await cast("chain-id")), chainId);
    assert.ok(Number(await cast("block-number")) >= 0);
    assert.ok(BigInt(await cast("gas-price")) > 0n);
    assert.equal(Number(await cast("base-fee", "0")), 1_000_000_000);
    assert.match(await cast("client"), /^infinityvm\/v/);
    assert.ok(Number(await cast("block-number", "--rpc-url", wsUrl)) >= 0);
  });

  await t.test("block: by number, hash and tag; whole, a field, encoded", async () => {
    const block = await json("block", "latest");
    assert.equal((await json("block", block.hash)).number, block.number);
    assert.equal(await cast("block", block.hash, "--field", "stateRoot"), block.stateRoot);
    for (const tag of ["earliest", "safe", "finalized", "pending"]) {
      assert.match(await cast("block", tag, "--field", "number"), /^\d+$/);
    }
    // What is hashed gives the hash: no field of the header is missing.
    assert.equal(await cast("keccak", await cast("block", block.hash, "--raw")), block.hash);
    assert.match(await cast("rpc", "eth_getBlockByNumber", "0x0", "false"), /"parentHash":"0x0+"/);
    await assert.rejects(cast("block", "0xffffffffff"), { stderr: /not found/ });
  });

  await t.test("age and find-block agree", async () => {
    await rpc("evm_increaseTime", "0x64");
    await rpc("evm_mine");
    const number = Number(await cast("block-number"));
    const timestamp = await cast("block", `${number}`, "--field", "timestamp");
    assert.equal(Date.parse(await cast("age", `${number}`)) / 1000, Number(timestamp));
    const found = await cast("find-block", timestamp);
    assert.equal(await cast("block", found, "--field", "timestamp"), timestamp);
  });

  await t.test("send, balance, nonce, receipt, tx", async () => {
    const to = stranger();
    const nonce = Number(await cast("nonce", sender));
    const receipt = await json("send", to, "--value", "12345", ...key);
    const hash = receipt.transactionHash;
    const before = `${Number(receipt.blockNumber) - 1}`;
    assert.equal(receipt.status, "0x1");
    assert.equal(await cast("balance", to), "12345");
    assert.equal(await cast("balance", to, "--ether"), "0.000000000000012345");
    assert.equal(await cast("balance", to, "--block", before), "0");
    assert.equal(Number(await cast("nonce", sender)), nonce + 1);
    assert.equal(Number(await cast("nonce", sender, "--block", before)), nonce);
    assert.equal((await json("receipt", hash)).blockHash, receipt.blockHash);
    assert.equal(await cast("receipt", hash, "gasUsed"), "21000");
    assert.equal((await json("receipt", hash, "--confirmations", "3")).status, "0x1");
    assert.equal((await json("tx", hash)).hash, hash);
    assert.equal(await cast("tx", hash, "nonce"), `${nonce}`);
    assert.equal(await cast("keccak", await cast("tx", hash, "--raw")), hash);
  });

  await t.test("send --create, and the whole of a contract", async () => {
    const creation = ["--create", bytecode, "constructor(uint256)", "7"];
    const estimated = BigInt(await cast("estimate", "--from", sender, ...creation));
    const receipt = await json("send", ...key, ...creation);
    enough(estimated, receipt.gasUsed);
    contract = receipt.contractAddress;
    const code = await cast("code", contract);
    assert.equal(await cast("codesize", contract), `${code.length / 2 - 1}`);
    assert.equal(await cast("codehash", contract), await cast("keccak", code));
    assert.equal(await cast("call", ...creation), code);
    assert.equal(await value(), "7");
  });

  await t.test("call: now, before, with other state", async () => {
    const receipt = await increase(5);
    assert.equal(await value(), "12");
    assert.equal(await value("--block", `${Number(receipt.blockNumber) - 1}`), "7");
    assert.equal(await value("--override-state-diff", `${contract}:0:99`), "99");
    assert.equal(await value("--override-state", `${contract}:0:98`), "98");
    const PUSH_97_RETURN = "0x60615f5260205ff3";
    assert.equal(await value("--override-code", `${contract}:${PUSH_97_RETURN}`), "97");
    const poor = ["call", "--from", stranger(), contract, "--value", "1"];
    await assert.rejects(cast(...poor), { stderr: /insufficient funds/ });
    const NUMBER_RETURN = "0x435f5260205ff3";
    assert.equal(await value("--override-code", `${contract}:${NUMBER_RETURN}`, "--block.number", "96"), "96");
  });

  await t.test("storage, storage-root, proof", async () => {
    assert.equal(BigInt(await cast("storage", contract, "0")), 12n);
    assert.equal(BigInt(await cast("storage", contract, "1")), 0n);
    const proof = await json("proof", contract, "0");
    assert.equal(BigInt(proof.storageProof[0].value), 12n);
    assert.equal(await cast("storage-root", contract), proof.storageHash);
    assert.equal(await cast("codehash", contract), proof.codeHash);
    assert.equal(await cast("implementation", contract), `0x${"0".repeat(40)}`);
  });

  await t.test("logs: by event, topics, address, block", async () => {
    const { blockNumber, blockHash, transactionHash } = await increase(1);
    const at = `${Number(blockNumber)}`;
    const all = await json("logs", "--from-block", "0", "--address", contract, INCREASED);
    assert.deepEqual(all.map(({ data }) => BigInt(data)), [12n, 13n]);
    const here = await json("logs", "--from-block", at, "--to-block", at, "--address", contract, INCREASED, sender);
    assert.deepEqual(here.map((log) => log.transactionHash), [transactionHash]);
    const byTopics = [await cast("sig-event", INCREASED), word(sender)];
    assert.equal((await json("logs", "--from-block", at, "--address", contract, ...byTopics)).length, 1);
    const others = [byTopics[0], word(stranger())];
    assert.deepEqual(await json("logs", "--from-block", "0", "--address", contract, ...others), []);
    const inBlock = await rpc("eth_getLogs", { blockHash, address: contract });
    assert.deepEqual(inBlock.map((log) => log.transactionHash), [transactionHash]);
  });

  await t.test("logs --subscribe", async (subtest) => {
    const listening = start("cast", "logs", "--subscribe", "--rpc-url", wsUrl, "--address", contract, INCREASED);
    subtest.after(() => listening.kill());
    let heard = "";
    listening.stdout.on("data", (chunk) => (heard += chunk));
    // It does not say when it listens.
    await until("a log that was subscribed to", async () => {
      const { transactionHash } = await increase(1);
      return until("the log", () => heard.includes(transactionHash), 1).catch(() => false);
    });
  });

  await t.test("estimate and access-list agree with what is used", async () => {
    const call = [contract, "increase(uint256)", "1"];
    const estimated = BigInt(await cast("estimate", ...call, "--from", sender));
    enough(estimated, (await increase(1)).gasUsed);
    const listed = await json("access-list", ...call, "--from", sender);
    assert.equal(listed.accessList[0].address.toLowerCase(), contract.toLowerCase());
    assert.deepEqual(listed.accessList[0].storageKeys, [word(0)]);
    const receipt = await increase(1, "--access-list", JSON.stringify(listed.accessList));
    assert.equal(receipt.gasUsed, listed.gasUsed);
    assert.equal((await rpc("eth_getTransactionByHash", receipt.transactionHash)).accessList.length, 1);
  });

  await t.test("send --legacy, --auth; mktx and publish", async () => {
    const legacy = await increase(1, "--legacy");
    assert.equal(legacy.type, "0x0");
    const account = (await json("wallet", "new"))[0];
    const auth = await cast("wallet", "sign-auth", contract, "--private-key", account.private_key, "--nonce", "0");
    const delegated = await json("send", account.address, "increase(uint256)", "4", "--auth", auth, ...key);
    assert.deepEqual([delegated.type, delegated.status], ["0x4", "0x1"]);
    assert.equal(await cast("code", account.address), `0xef0100${contract.slice(2).toLowerCase()}`);
    assert.equal(await cast("call", account.address, "value()(uint256)"), "4");

    const raw = await cast("mktx", contract, "increase(uint256)", "1", ...key);
    const hash = await cast("publish", raw, "--async");
    assert.equal(hash, await cast("keccak", raw));
    assert.equal((await json("receipt", hash)).status, "0x1");
    await assert.rejects(cast("publish", raw), { stderr: /already known|nonce too low/ });
  });

  await t.test("run and call --trace execute what the node executed", async () => {
    const { transactionHash, gasUsed } = await increase(1);
    // For a chain that it does not know, cast takes the rules to be Cancun's, without EIP-7623's floor.
    const rules = ["--evm-version", "prague"];
    for (const how of [[], ["--quick"]]) {
      const printed = await cast("run", transactionHash, ...rules, ...how);
      assert.match(printed, /emit Increased\(by: 0x[0-9a-fA-F]{40}, value: \d+\)/);
      assert.match(printed, new RegExp(`Gas used: ${Number(gasUsed)}$`));
    }
    const reverting = ["increase(uint256)", "2000", "--gas-limit", "100000"];
    const failed = await json("receipt", await cast("send", contract, ...reverting, "--async", ...key));
    assert.equal(failed.status, "0x0");
    const printed = await cast("run", failed.transactionHash, ...rules);
    assert.match(printed, new RegExp(`\\[Revert\\].*Gas used: ${Number(failed.gasUsed)}$`, "s"));
    assert.match(await cast("call", contract, "increase(uint256)", "1", "--trace"), /emit Increased/);
  });

  await t.test("rpc debug_traceTransaction", async () => {
    const { transactionHash } = await increase(1);
    const traced = await cast("rpc", "debug_traceTransaction", transactionHash, '{"tracer":"callTracer"}');
    const { to, gas, gasUsed } = JSON.parse(traced);
    assert.equal(to.toLowerCase(), contract.toLowerCase());
    // The gas of the whole transaction, what it costs to begin with included.
    assert.equal(gas, (await rpc("eth_getTransactionByHash", transactionHash)).gas);
    assert.equal(gasUsed, (await rpc("eth_getTransactionReceipt", transactionHash)).gasUsed);
  });

  await t.test("tx-pool: what waits for an earlier nonce", async () => {
    const nonce = Number(await cast("nonce", sender));
    const waits = ["--nonce", `${nonce + 1}`, "--gas-limit", "21000"];
    const later = await cast("send", stranger(), "--value", "1", ...waits, "--async", ...key);
    const { queued } = JSON.parse(await cast("tx-pool", "content-from", "--from", sender));
    assert.deepEqual(Object.keys(queued), [`${nonce + 1}`]);
    const status = JSON.parse(await cast("tx-pool", "status"));
    assert.ok(Number(status.queued) >= 1);
    assert.match(await cast("tx-pool", "inspect"), /1 wei \+ 21000 gas/);
    assert.equal(Number(await cast("nonce", sender, "--block", "pending")), nonce);
    await json("send", stranger(), "--value", "1", "--nonce", `${nonce}`, ...key);
    assert.equal((await json("receipt", later)).status, "0x1");
  });

  await t.test("reverts and refusals are shown", async () => {
    await assert.rejects(cast("call", contract, "refuse()"), { stderr: /refused/ });
    await assert.rejects(increase(2000), { stderr: /revert/ });
    const wrong = cast("send", stranger(), "--value", "1", "--nonce", "0", "--gas-limit", "21000", ...key);
    await assert.rejects(wrong, { stderr: /nonce too low/ });
    await assert.rejects(cast("rpc", "eth_noSuchMethod"), { stderr: /-32601/ });
  });
});
