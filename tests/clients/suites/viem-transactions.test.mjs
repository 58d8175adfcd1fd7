// Transactions of every type, what the pool says of them, and all ways to hear of them, with viem.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { before, test } from "node:test";
import {
  createPublicClient,
  custom,
  encodeFunctionData,
  http,
  numberToHex,
  parseEther,
  parseGwei,
  webSocket,
  zeroAddress,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { compiled, keys, rpc, stranger, until, wsUrl } from "./setup.mjs";
import { at, chain, client, deploy, mined, walletOf } from "./viem-setup.mjs";

const wallet = walletOf(keys.viemMore);
const me = wallet.account.address;
const { abi } = compiled("Counter");
const increaseBy = (by) => encodeFunctionData({ abi, functionName: "increase", args: [by] });
const nonceNow = () => client.getTransactionCount({ address: me });
let counter;

before(async () => {
  counter = await deploy(wallet, compiled("Counter"), 0n);
});

/** A fresh account that can pay for what it sends. */
async function funded() {
  const other = walletOf(generatePrivateKey());
  await mined(await wallet.sendTransaction({ to: other.account.address, value: parseEther("1") }));
  return other;
}

test("legacy, access list and fee market transactions", async () => {
  const accessList = [{ address: counter.address, storageKeys: [numberToHex(0, { size: 32 })] }];
  const gasPrice = await client.getGasPrice();
  const kinds = [
    { type: "legacy", gasPrice },
    { type: "eip2930", gasPrice, accessList },
    { type: "eip1559", accessList },
  ];
  for (const kind of kinds) {
    const hash = await wallet.sendTransaction({ to: counter.address, data: increaseBy(1n), ...kind });
    const receipt = await mined(hash);
    assert.deepEqual([receipt.status, receipt.type], ["success", kind.type]);
    const transaction = await client.getTransaction({ hash });
    assert.equal(transaction.type, kind.type);
    assert.equal(transaction.from, me.toLowerCase());
    assert.equal(transaction.chainId, chain.id);
    if (kind.accessList) {
      assert.deepEqual(transaction.accessList, [{ ...accessList[0], address: counter.address.toLowerCase() }]);
    }
    const { baseFeePerGas } = await client.getBlock({ blockNumber: receipt.blockNumber });
    const paid = kind.gasPrice ?? min(transaction.maxFeePerGas, baseFeePerGas + transaction.maxPriorityFeePerGas);
    assert.equal(receipt.effectiveGasPrice, paid);
    assert.ok((await client.getTransactionConfirmations({ hash })) > 0n);
    assert.deepEqual(
      await client.getTransaction({ blockNumber: receipt.blockNumber, index: receipt.transactionIndex }),
      transaction,
    );
  }
});

const min = (a, b) => (a < b ? a : b);

test("a transaction is sent and waited for in one request (EIP-7966)", async () => {
  const to = stranger();
  const receipt = await wallet.sendTransactionSync({ to, value: 7n });
  assert.equal(receipt.status, "success");
  assert.equal(await client.getBalance({ address: to }), 7n);
});

test("an access list is made for a call", async () => {
  const call = { to: counter.address, data: increaseBy(1n), account: me };
  const { accessList, gasUsed } = await client.createAccessList(call);
  assert.deepEqual(accessList, [
    { address: counter.address.toLowerCase(), storageKeys: [numberToHex(0, { size: 32 })] },
  ]);
  assert.ok(gasUsed > 21_000n);
});

test("EIP-7702: accounts with code", async (t) => {
  const delegate = async (signer, to, executor) => signer.signAuthorization({ contractAddress: to, executor });

  await t.test("another pays, and calls the account", async () => {
    const owner = walletOf(generatePrivateKey());
    const { address } = owner.account;
    const authorization = await delegate(owner, counter.address);
    const data = increaseBy(4n);
    const authorizationList = [authorization];
    const receipt = await mined(await wallet.sendTransaction({ to: address, data, authorizationList }));
    assert.equal(receipt.status, "success");
    // The storage, the log and the nonce are the account's.
    assert.equal(await at(wallet, abi, address).read("value"), 4n);
    assert.equal(receipt.logs[0].address, address.toLowerCase());
    assert.equal(await client.getTransactionCount({ address }), 1);
    assert.equal((await client.getDelegation({ address })).toLowerCase(), counter.address.toLowerCase());
    const [listed] = (await client.getTransaction({ hash: receipt.transactionHash })).authorizationList;
    assert.deepEqual([listed.address.toLowerCase(), listed.nonce], [counter.address.toLowerCase(), 0]);
  });

  await t.test("an account with code sends, and takes the code away", async () => {
    const owner = await funded();
    const { address } = owner.account;
    const own = await delegate(owner, counter.address, "self");
    await mined(await owner.sendTransaction({ to: address, data: increaseBy(1n), authorizationList: [own] }));
    assert.equal(await client.getTransactionCount({ address }), 2);
    const to = stranger();
    await mined(await owner.sendTransaction({ to, value: 5n }));
    assert.equal(await client.getBalance({ address: to }), 5n);
    const none = await delegate(owner, zeroAddress, "self");
    await mined(await owner.sendTransaction({ to, authorizationList: [none] }));
    assert.equal(await client.getCode({ address }), undefined);
  });

  await t.test("an authorization that does not hold is passed over", async () => {
    const owner = privateKeyToAccount(generatePrivateKey());
    const wrongNonce = await owner.signAuthorization({ address: counter.address, chainId: chain.id, nonce: 7 });
    const wrongChain = await owner.signAuthorization({ address: counter.address, chainId: chain.id + 1, nonce: 0 });
    const authorizationList = [wrongNonce, wrongChain];
    const receipt = await mined(await wallet.sendTransaction({ to: owner.address, authorizationList }));
    assert.equal(receipt.status, "success");
    assert.equal(await client.getCode({ address: owner.address }), undefined);
  });
});

test("a transaction is replaced by one that pays more", async () => {
  const nonce = await nonceNow();
  const to = stranger();
  // The nonce before is missing, so that nothing is mined in between.
  const later = { to, nonce: nonce + 1, gas: 21_000n };
  const fees = (gwei) => ({ maxFeePerGas: parseGwei(gwei), maxPriorityFeePerGas: parseGwei(gwei) });
  const first = await wallet.sendTransaction({ ...later, value: 1n, ...fees("2") });
  assert.equal((await client.getTransaction({ hash: first })).blockNumber, null);
  await assert.rejects(wallet.sendTransaction({ ...later, value: 2n, ...fees("2.1") }), /underpriced/);
  // Who waits for the first must have seen it, to know what would replace it.
  let seen = false;
  const watch = async ({ method, params }) => {
    const result = await rpc(method, ...(params ?? []));
    seen ||= method === "eth_getTransactionByHash" && params[0] === first && result !== null;
    return result;
  };
  const watching = createPublicClient({ chain, transport: custom({ request: watch }), pollingInterval: 100 });
  const replacements = [];
  const onReplaced = ({ reason, transaction }) => replacements.push([reason, transaction.hash]);
  const waiting = watching.waitForTransactionReceipt({ hash: first, onReplaced, timeout: 20_000 });
  await until("the first is seen", () => seen);
  const second = await wallet.sendTransaction({ ...later, value: 3n, ...fees("3") });
  await mined(await wallet.sendTransaction({ to: stranger(), nonce, ...fees("3") }));
  assert.equal((await waiting).transactionHash, second);
  assert.deepEqual(replacements, [["replaced", second]]);
  assert.equal(await client.getBalance({ address: to }), 3n);
  await assert.rejects(client.getTransaction({ hash: first }), { name: "TransactionNotFoundError" });
});

test("what the pool does not take, in geth's words", async () => {
  const nonce = await nonceNow();
  const sign = (fields, signer = wallet.account) =>
    signer.signTransaction({
      type: "eip1559",
      chainId: chain.id,
      to: stranger(),
      nonce,
      gas: 21_000n,
      maxFeePerGas: parseGwei("5"),
      maxPriorityFeePerGas: parseGwei("1"),
      ...fields,
    });
  const poor = privateKeyToAccount(generatePrivateKey());
  const blob = { type: "eip4844", maxFeePerBlobGas: 1n, blobVersionedHashes: [`0x01${"00".repeat(31)}`] };
  const unprotected = { type: "legacy", chainId: undefined, gasPrice: parseGwei("5"), maxFeePerGas: undefined };
  const refusals = [
    [await sign({ nonce: 0 }), 1, /^nonce too low: next nonce \d+, tx nonce 0$/],
    [await sign({ gas: 20_000n }), 800, /^intrinsic gas too low: gas 20000, minimum needed 21000$/],
    [await sign({ data: `0x${"ff".repeat(1000)}`, gas: 40_000n }), -32000, /^insufficient gas for floor data gas cost/],
    [await sign({ gas: 1_000_000_000n }), 803, /^exceeds block gas limit/],
    [await sign({ value: parseEther("1000000") }), 809, /^insufficient funds for gas \* price \+ value/],
    [await sign({ nonce: 0 }, poor), 809, /^insufficient funds for gas \* price \+ value/],
    [await sign({ chainId: 1 }), -32000, /invalid chain id for signer: have 1 want 4956/],
    [await sign({ ...unprotected, maxPriorityFeePerGas: undefined }), -32000, /^only replay-protected/],
    [await sign({ to: null, data: `0x${"00".repeat(49_153)}`, gas: 3_000_000n }), -32000, /^max initcode size exceeded/],
    [await sign(blob), -32000, /^transaction type not supported/],
    ["0x02c0", -32000, /./],
  ];
  for (const [raw, code, message] of refusals) {
    await assert.rejects(rpc("eth_sendRawTransaction", raw), (error) => {
      assert.match(error.message, message);
      assert.equal(error.code, code, error.message);
      return true;
    });
  }
  const good = await sign({});
  const hash = await rpc("eth_sendRawTransaction", good);
  await assert.rejects(rpc("eth_sendRawTransaction", good), /^Error: (already known|nonce too low)/);
  assert.equal((await mined(hash)).status, "success");
});

test("filters of logs, blocks and pending transactions", async () => {
  const events = await client.createContractEventFilter({ abi, address: counter.address, eventName: "Increased" });
  const blocks = await client.createBlockFilter();
  const pending = await client.createPendingTransactionFilter();
  const receipts = [await counter.send("increase", 1n), await counter.send("increase", 2n)];
  const hashes = receipts.map(({ transactionHash }) => transactionHash);
  const hashesOf = (logs) => logs.map(({ transactionHash }) => transactionHash);
  assert.deepEqual(hashesOf(await client.getFilterChanges({ filter: events })), hashes);
  assert.deepEqual(await client.getFilterChanges({ filter: events }), []);
  // All of them again, and no others: the filter begins where it was made.
  const since = { abi, address: counter.address, fromBlock: receipts[0].blockNumber };
  const logs = await client.createContractEventFilter({ ...since, eventName: "Increased" });
  assert.deepEqual(hashesOf(await client.getFilterLogs({ filter: logs })), hashes);
  const seen = await client.getFilterChanges({ filter: blocks });
  assert.ok(receipts.every(({ blockHash }) => seen.includes(blockHash)));
  const waited = await client.getFilterChanges({ filter: pending });
  assert.ok(hashes.every((hash) => waited.includes(hash)));
  for (const filter of [events, blocks, pending, logs]) {
    assert.equal(await client.uninstallFilter({ filter }), true);
    assert.equal(await client.uninstallFilter({ filter }), false);
  }
  await assert.rejects(client.getFilterChanges({ filter: events }), /filter not found/);
});

for (const [how, transport] of [["polling", http()], ["WebSocket", webSocket(wsUrl, { reconnect: false })]]) {
  test(`blocks, events and pending transactions are watched by ${how}`, async (t) => {
    const watching = createPublicClient({ chain, transport, pollingInterval: 100 });
    const heard = { blocks: [], logs: [], pending: [] };
    const failed = [];
    const onError = (error) => failed.push(error);
    const { address } = counter;
    const stop = [
      watching.watchBlocks({ onBlock: ({ number }) => heard.blocks.push(number), emitMissed: true, onError }),
      watching.watchContractEvent({ address, abi, onLogs: (logs) => heard.logs.push(...logs), onError }),
      watching.watchPendingTransactions({ onTransactions: (hashes) => heard.pending.push(...hashes), onError }),
    ];
    t.after(async () => {
      if (how === "WebSocket") (await watching.transport.getRpcClient()).close();
    });
    // They do not say from when on they watch.
    await until("block, event and pending transaction", async () => {
      const { transactionHash, blockNumber } = await counter.send("increase", 1n);
      const all = () =>
        heard.blocks.includes(blockNumber) &&
        heard.logs.some((log) => log.transactionHash === transactionHash && log.removed === false) &&
        heard.pending.includes(transactionHash);
      return until("all of it", all, 1).catch(() => false);
    });
    for (const unwatch of stop) unwatch();
    assert.deepEqual(failed, []);
  });
}

test("WebSocket: subscriptions, unsubscribing, calls in between", async (t) => {
  const socket = createPublicClient({ chain, transport: webSocket(wsUrl, { reconnect: false }) });
  t.after(async () => (await socket.transport.getRpcClient()).close());
  const heard = { newHeads: [], logs: [], newPendingTransactions: [] };
  const subscribe = (...params) =>
    socket.transport.subscribe({ params, onData: ({ result }) => heard[params[0]].push(result) });
  const heads = await subscribe("newHeads");
  const byMe = [null, `0x${"0".repeat(24)}${me.slice(2)}`];
  const logs = await subscribe("logs", { address: counter.address, topics: byMe });
  await subscribe("newPendingTransactions");

  const { transactionHash, blockHash } = await counter.send("increase", 3n);
  await until("head, log and pending transaction", () => {
    const { newHeads, logs: found, newPendingTransactions } = heard;
    return newHeads.some(({ hash }) => hash === blockHash) && found.length > 0 && newPendingTransactions.length > 0;
  });
  const [log] = heard.logs;
  assert.deepEqual([log.transactionHash, log.blockHash, log.removed], [transactionHash, blockHash, false]);
  assert.ok(heard.newPendingTransactions.includes(transactionHash));
  // Heads come in order, each once, and are headers of blocks that are there.
  const numbers = heard.newHeads.map(({ number }) => Number(number));
  assert.deepEqual(numbers, numbers.map((_, index) => numbers[0] + index));
  const { parentHash, stateRoot } = await socket.getBlock({ blockHash });
  const head = heard.newHeads.find(({ hash }) => hash === blockHash);
  assert.deepEqual([head.parentHash, head.stateRoot], [parentHash, stateRoot]);

  // After unsubscribing from logs, heads still come, and no logs.
  await logs.unsubscribe();
  const later = await counter.send("increase", 4n);
  await until("a head after it", () => heard.newHeads.some(({ hash }) => hash === later.blockHash));
  assert.equal(heard.logs.length, 1);
  assert.equal((await heads.unsubscribe()).result, true);
  const again = socket.request({ method: "eth_unsubscribe", params: [heads.subscriptionId] }, { retryCount: 0 });
  await assert.rejects(again, { details: "subscription not found" });
});

test("WebSocket: a connection that breaks is made again, and its subscriptions with it", async (t) => {
  const pairs = new Set();
  const proxy = createServer((down) => {
    const up = connect({ host: new URL(wsUrl).hostname, port: Number(new URL(wsUrl).port) });
    pairs.add(down);
    for (const [one, other] of [[down, up], [up, down]]) {
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const transport = webSocket(`ws://127.0.0.1:${proxy.address().port}`, { reconnect: { delay: 100, attempts: 50 } });
  const socket = createPublicClient({ chain, transport });
  t.after(async () => {
    (await socket.transport.getRpcClient()).close();
    proxy.close();
    for (const pair of pairs) pair.destroy();
  });

  const heads = [];
  await socket.transport.subscribe({ params: ["newHeads"], onData: ({ result }) => result && heads.push(result) });
  await until("a head", () => heads.length > 0);
  for (const pair of pairs) pair.destroy();
  await until("another connection", () => pairs.size > 1);
  const { blockHash } = await counter.send("increase", 1n);
  await until("the head of a block made since", () => heads.some(({ hash }) => hash === blockHash));
  assert.ok((await socket.getBlockNumber()) > 0n);
});
