import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, isError, parseEther } from "ethers";
import { chainId, compiled, keys, rpcUrl, stranger, until, wsUrl } from "./setup.mjs";

// cacheTimeout: a wallet that sends twice within 250 ms must not be told its old nonce.
const provider = new JsonRpcProvider(rpcUrl, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 });
const wallet = new Wallet(keys.ethers, provider);
const { abi, bytecode } = compiled("Counter");
let contract;

before(async () => {
  const deployed = await new ContractFactory(abi, bytecode, wallet).deploy(10n);
  await deployed.waitForDeployment();
  contract = new Contract(await deployed.getAddress(), abi, wallet);
});

after(() => provider.destroy());

test("network, block, balance, fees", async () => {
  assert.equal((await provider.getNetwork()).chainId, BigInt(chainId));
  assert.ok((await provider.getBalance(wallet.address)) > parseEther("1"));
  const fees = await provider.getFeeData();
  assert.ok(fees.gasPrice > 0n && fees.maxFeePerGas > 0n);
  const block = await provider.getBlock("latest", true);
  assert.equal(block.hash, (await provider.getBlock(block.number)).hash);
});

test("a transfer and its receipt", async () => {
  const to = stranger();
  const receipt = await (await wallet.sendTransaction({ to, value: 12_345n })).wait();
  assert.equal(receipt.status, 1);
  assert.equal(receipt.gasUsed, 21_000n);
  assert.equal(await provider.getBalance(to), 12_345n);
  assert.equal((await provider.getTransaction(receipt.hash)).blockNumber, receipt.blockNumber);
});

test("transactions sent at once take nonces from the pool", async () => {
  const to = stranger();
  const sent = [];
  for (let value = 1n; value <= 3n; value += 1n) sent.push(await wallet.sendTransaction({ to, value }));
  await Promise.all(sent.map((transaction) => transaction.wait()));
  assert.equal(await provider.getBalance(to), 6n);
});

test("read, write, logs, storage", async () => {
  const before = await contract.value();
  const receipt = await (await contract.increase(5n)).wait();
  assert.equal(await contract.value(), before + 5n);
  const [event] = await contract.queryFilter("Increased", receipt.blockNumber, receipt.blockNumber);
  assert.equal(event.args.value, before + 5n);
  assert.equal(event.transactionHash, receipt.hash);
  assert.equal(BigInt(await provider.getStorage(contract.target, 0)), before + 5n);
  assert.equal(await contract.value({ blockTag: receipt.blockNumber - 1 }), before);
});

test("reverts are decoded", async () => {
  const reverted = async (call) => {
    const error = await call.catch((e) => e);
    assert.ok(isError(error, "CALL_EXCEPTION"), `${error}`);
    return error;
  };
  const tooMuch = await reverted(contract.increase.staticCall(2000n));
  assert.deepEqual([tooMuch.revert.name, ...tooMuch.revert.args], ["TooMuch", 2000n, 1000n]);
  assert.equal((await reverted(contract.refuse())).reason, "refused");
  assert.match((await reverted(contract.divide(0n))).reason, /Panic/);
  // Estimating gas finds out before anything is sent.
  const { data } = await reverted(contract.increase(2000n));
  assert.equal(contract.interface.parseError(data).name, "TooMuch");
});

test("a reverting transaction is mined and says so", async () => {
  const sent = await contract.increase(2000n, { gasLimit: 100_000n });
  const error = await sent.wait().catch((e) => e);
  assert.ok(isError(error, "CALL_EXCEPTION"), `${error}`);
  assert.equal(error.receipt.status, 0);
});

test("bad transactions are recognised", async () => {
  const used = wallet.sendTransaction({ to: stranger(), value: 1n, nonce: 0, gasLimit: 21_000n });
  await assert.rejects(used, { code: "NONCE_EXPIRED" });
  const poor = new Wallet(`0x${"43".repeat(32)}`, provider);
  const unfunded = poor.sendTransaction({ to: stranger(), value: 1n, gasLimit: 21_000n });
  await assert.rejects(unfunded, { code: "INSUFFICIENT_FUNDS" });
});

test("blocks and events are watched over WebSocket", async () => {
  const socket = new WebSocketProvider(wsUrl);
  const blocks = [];
  const logs = [];
  await socket.on("block", (number) => blocks.push(number));
  await new Contract(contract.target, abi, socket).on("Increased", (_by, _value, { log }) => logs.push(log));
  // It does not say from when on it listens.
  const hashes = [];
  await until("an event and blocks", async () => {
    hashes.push((await (await contract.increase(1n)).wait()).hash);
    return logs.length > 0 && blocks.length >= 3;
  });
  assert.ok(hashes.includes(logs[0].transactionHash));
  assert.equal(logs[0].removed, false);
  assert.deepEqual(blocks, blocks.map((_, index) => blocks[0] + index));
  await socket.destroy();
});
