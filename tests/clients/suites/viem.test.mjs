import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseEther,
  webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { chainId, compiled, keys, rpcUrl, stranger, wsUrl } from "./setup.mjs";

const chain = defineChain({
  id: chainId,
  name: "InfinityVM",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl] } },
});
const account = privateKeyToAccount(keys.viem);
const client = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
const batching = createPublicClient({ chain, transport: http(rpcUrl, { batch: true }) });
const wallet = createWalletClient({ account, chain, transport: http() });
const { abi, bytecode } = compiled("Counter");
let address;

const mined = async (hash) => client.waitForTransactionReceipt({ hash, timeout: 20_000 });

before(async () => {
  const receipt = await mined(await wallet.deployContract({ abi, bytecode, args: [10n] }));
  assert.equal(receipt.status, "success");
  address = receipt.contractAddress;
});

test("chain id, block, balance, fees", async () => {
  assert.equal(await client.getChainId(), chainId);
  const block = await client.getBlock({ includeTransactions: true });
  assert.ok(block.number > 0n);
  assert.ok((await client.getBalance({ address: account.address })) > parseEther("1"));
  const fees = await client.estimateFeesPerGas();
  assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas);
  const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
  assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1);
});

test("a transfer and its receipt", async () => {
  const to = stranger();
  const hash = await wallet.sendTransaction({ to, value: 12_345n });
  const receipt = await mined(hash);
  assert.equal(receipt.gasUsed, 21_000n);
  assert.equal(await client.getBalance({ address: to }), 12_345n);
  const transaction = await client.getTransaction({ hash });
  assert.equal(transaction.blockHash, receipt.blockHash);
  assert.equal(transaction.type, "eip1559");
});

test("read, write, logs, storage, proof", async () => {
  assert.ok((await client.getCode({ address })).length > 2);
  const { request } = await client.simulateContract({ address, abi, functionName: "increase", args: [5n], account });
  const receipt = await mined(await wallet.writeContract(request));
  assert.equal(await client.readContract({ address, abi, functionName: "value" }), 15n);
  const { blockNumber } = receipt;
  const events = await client.getContractEvents({ address, abi, fromBlock: blockNumber, toBlock: blockNumber });
  assert.deepEqual(events[0].args, { by: account.address, value: 15n });
  assert.equal(BigInt(await client.getStorageAt({ address, slot: "0x0" })), 15n);
  const proof = await client.getProof({ address, storageKeys: [`0x${"0".repeat(64)}`] });
  assert.equal(proof.storageProof[0].value, 15n);
  const before = await client.readContract({ address, abi, functionName: "value", blockNumber: blockNumber - 1n });
  assert.equal(before, 10n);
});

test("calls in a batch", async () => {
  const [id, block, price] = await Promise.all([
    batching.getChainId(),
    batching.getBlockNumber(),
    batching.getGasPrice(),
  ]);
  assert.equal(id, chainId);
  assert.ok(block > 0n && price > 0n);
});

test("reverts are decoded", async () => {
  const reverted = async (functionName, args) => {
    const error = await client.simulateContract({ address, abi, functionName, args, account }).catch((e) => e);
    assert.ok(error instanceof BaseError, `${error}`);
    return error.walk((e) => e instanceof ContractFunctionRevertedError);
  };
  const tooMuch = await reverted("increase", [2000n]);
  assert.equal(tooMuch.data.errorName, "TooMuch");
  assert.deepEqual(tooMuch.data.args, [2000n, 1000n]);
  assert.equal((await reverted("refuse", [])).reason, "refused");
  assert.match((await reverted("divide", [0n])).message, /[Dd]ivi/);
});

test("bad transactions are recognised", async () => {
  const used = wallet.sendTransaction({ to: stranger(), value: 1n, nonce: 0, gas: 21_000n });
  await assert.rejects(used, { name: "TransactionExecutionError", message: /nonce.*lower|nonce too low/i });
  const poor = createWalletClient({ account: privateKeyToAccount(`0x${"42".repeat(32)}`), chain, transport: http() });
  const unfunded = poor.sendTransaction({ to: stranger(), value: 1n });
  await assert.rejects(unfunded, { message: /exceeds the balance|insufficient funds/i });
});

test("filters are polled", async () => {
  const filter = await client.createContractEventFilter({ address, abi, eventName: "Increased" });
  await mined(await wallet.writeContract({ address, abi, functionName: "increase", args: [1n] }));
  const changes = await client.getFilterChanges({ filter });
  assert.equal(changes.length, 1);
  assert.equal(await client.uninstallFilter({ filter }), true);
});

test("blocks, events and pending transactions are watched over WebSocket", async () => {
  const socket = createPublicClient({ chain, transport: webSocket(wsUrl) });
  const seen = { blocks: [], logs: [], pending: [] };
  const failed = [];
  const onError = (error) => failed.push(error);
  const stop = [
    socket.watchBlocks({ onBlock: (block) => seen.blocks.push(block.number), onError }),
    socket.watchContractEvent({ address, abi, onLogs: (logs) => seen.logs.push(...logs), onError }),
    socket.watchPendingTransactions({ onTransactions: (hashes) => seen.pending.push(...hashes), onError }),
  ];
  await socket.getBlockNumber();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const hash = await wallet.writeContract({ address, abi, functionName: "increase", args: [2n] });
  await mined(hash);
  for (let tries = 0; tries < 100 && (seen.blocks.length < 3 || seen.logs.length === 0); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const unwatch of stop) unwatch();
  assert.deepEqual(failed, []);
  assert.ok(seen.blocks.length >= 3, `${seen.blocks}`);
  assert.equal(seen.logs[0].transactionHash, hash);
  assert.equal(seen.logs[0].removed, false);
  assert.ok(seen.pending.includes(hash));
  (await socket.transport.getRpcClient()).close();
});

