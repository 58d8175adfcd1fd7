import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  hashTypedData,
  http,
  keccak256,
  numberToHex,
  parseEther,
  zeroHash,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { multicall3Bytecode } from "../node_modules/viem/_esm/constants/contracts.js";
import { chainId, compiled, keys, rpc, rpcUrl, stranger } from "./setup.mjs";
import { encodedReceipt, provenAccount, provenSlot, rootOfList } from "./tries.mjs";
import { chain, client, deploy, mined, walletOf } from "./viem-setup.mjs";

const wallet = walletOf(keys.viem);
const { account } = wallet;
const batching = createPublicClient({ chain, transport: http(rpcUrl, { batch: true }) });
const { abi, bytecode } = compiled("Counter");
let address;

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

test("calls in one call (Multicall3)", async () => {
  const multicall = await deploy(wallet, { abi: [], bytecode: multicall3Bytecode });
  const call = (functionName, ...args) => ({ address, abi, functionName, args });
  const results = await client.multicall({
    multicallAddress: multicall.address,
    contracts: [call("value"), call("LIMIT"), call("increase", 2000n), call("refuse")],
  });
  const value = await client.readContract(call("value"));
  assert.deepEqual(results.slice(0, 2).map(({ result }) => result), [value, 1000n]);
  assert.deepEqual(results.map(({ status }) => status), ["success", "success", "failure", "failure"]);
  assert.match(results[2].error.message, /TooMuch/);
  // The same without a deployment: the bytecode is run as a creation.
  const [without] = await client.multicall({ deployless: true, contracts: [call("value")] });
  assert.equal(without.result, value);
  // And by itself, for calls that are made at once.
  const aggregating = createPublicClient({
    chain: { ...chain, contracts: { multicall3: { address: multicall.address } } },
    transport: http(),
    batch: { multicall: true },
  });
  const both = await Promise.all([aggregating.readContract(call("value")), aggregating.readContract(call("LIMIT"))]);
  assert.deepEqual(both, [value, 1000n]);
});

test("proofs hold against the header's state root", async () => {
  const { blockNumber } = await mined(await wallet.sendTransaction({ to: stranger(), value: 1n }));
  for (const number of [blockNumber, blockNumber - 1n]) {
    const { stateRoot } = await client.getBlock({ blockNumber: number });
    const slots = [zeroHash, numberToHex(1, { size: 32 })];
    const proof = await client.getProof({ address, storageKeys: slots, blockNumber: number });
    const proven = await provenAccount(stateRoot, proof);
    const { nonce, balance, storageHash, codeHash } = proof;
    assert.deepEqual(proven, { nonce, balance, storageHash, codeHash });
    assert.equal(codeHash, keccak256(await client.getCode({ address })));
    const value = await client.readContract({ address, abi, functionName: "value", blockNumber: number });
    assert.deepEqual(await Promise.all(proof.storageProof.map((slot) => provenSlot(storageHash, slot))), [value, 0n]);

    const mine = await client.getProof({ address: account.address, storageKeys: [], blockNumber: number });
    const balanceThen = await client.getBalance({ address: account.address, blockNumber: number });
    assert.equal((await provenAccount(stateRoot, mine)).balance, balanceThen);
    const absent = await client.getProof({ address: stranger(), storageKeys: [zeroHash], blockNumber: number });
    assert.equal(await provenAccount(stateRoot, absent), null);
    assert.equal(absent.storageProof[0].value, 0n);
    // The check itself is able to fail.
    await assert.rejects(provenAccount(zeroHash, proof));
  }
});

test("transactions and receipts of a block hash to its roots", async () => {
  const to = stranger();
  const nonce = await client.getTransactionCount({ address: account.address });
  const sent = [0, 1, 2].map((ahead) =>
    wallet.writeContract({ address, abi, functionName: "increase", args: [1n], nonce: nonce + ahead, gas: 100_000n }),
  );
  const hashes = [...(await Promise.all(sent)), await wallet.sendTransaction({ to, value: 1n, nonce: nonce + 3 })];
  const receipts = await Promise.all(hashes.map(mined));
  for (const number of new Set(receipts.map(({ blockNumber }) => blockNumber))) {
    const block = await client.getBlock({ blockNumber: number });
    const raw = await Promise.all(block.transactions.map((hash) => client.getRawTransaction({ hash })));
    assert.deepEqual(raw.map((transaction) => keccak256(transaction)), block.transactions);
    assert.equal(await rootOfList(raw), block.transactionsRoot);
    const inBlock = await rpc("eth_getBlockReceipts", numberToHex(number));
    assert.equal(await rootOfList(inBlock.map(encodedReceipt)), block.receiptsRoot);
    for (const receipt of inBlock) {
      assert.deepEqual(receipt, await rpc("eth_getTransactionReceipt", receipt.transactionHash));
    }
    assert.equal(await client.getBlockTransactionCount({ blockNumber: number }), raw.length);
    assert.deepEqual(await client.getBlock({ blockHash: block.hash }), block);
  }
});

test("fees: history, estimates, base fee of the next block", async () => {
  const { number } = await client.getBlock();
  const history = await client.getFeeHistory({ blockCount: 5, blockNumber: number, rewardPercentiles: [0, 50, 100] });
  assert.equal(history.oldestBlock, number - 4n);
  for (const [index, ratio] of history.gasUsedRatio.entries()) {
    const block = await client.getBlock({ blockNumber: history.oldestBlock + BigInt(index) });
    assert.equal(history.baseFeePerGas[index], block.baseFeePerGas);
    assert.equal(ratio, Number(block.gasUsed) / Number(block.gasLimit));
    assert.equal(history.reward[index].length, 3);
  }
  await rpc("evm_mine");
  const following = await client.getBlock({ blockNumber: number + 1n });
  assert.equal(history.baseFeePerGas.at(-1), following.baseFeePerGas);
  assert.ok((await client.estimateMaxPriorityFeePerGas()) >= 0n);
  assert.ok((await client.getGasPrice()) >= history.baseFeePerGas.at(-1));
  assert.equal(await client.getBlobBaseFee(), 1n);
});

test("EIP-712: a signature that a contract checks", async () => {
  const orders = await deploy(wallet, compiled("Orders"));
  const { address: verifyingContract } = orders;
  const message = { items: [{ token: address, amount: 5n }, { token: address, amount: 6n }], note: "ß", deadline: 7n };
  const domain = { name: "Orders", version: "1", chainId, verifyingContract };
  const typed = {
    domain,
    types: {
      Item: [
        { name: "token", type: "address" },
        { name: "amount", type: "uint256" },
      ],
      Order: [
        { name: "items", type: "Item[]" },
        { name: "note", type: "string" },
        { name: "deadline", type: "uint64" },
      ],
    },
    primaryType: "Order",
    message,
  };
  const signature = await wallet.signTypedData(typed);
  assert.equal(await orders.read("signer", message, signature), account.address);
  assert.notEqual(await orders.read("signer", { ...message, deadline: 8n }, signature), account.address);
  assert.equal(await client.verifyTypedData({ ...typed, address: account.address, signature }), true);
  const hash = hashTypedData(typed);
  assert.equal(await client.verifyHash({ address: account.address, hash, signature }), true);
  // EIP-5267: the contract says under which domain.
  const said = await client.getEip712Domain({ address: verifyingContract });
  assert.deepEqual(said.domain, { ...domain, salt: zeroHash });
});

test("calls with another state, another block, other code", async () => {
  const data = "0x3fa4f245"; // value()
  const read = async (overrides) => BigInt((await client.call({ to: address, data, ...overrides })).data);
  const slot = (value) => [{ slot: zeroHash, value: numberToHex(value, { size: 32 }) }];
  assert.equal(await read({ stateOverride: [{ address, stateDiff: slot(77) }] }), 77n);
  const otherSlot = [{ slot: numberToHex(1, { size: 32 }), value: numberToHex(1, { size: 32 }) }];
  assert.equal(await read({ stateOverride: [{ address, stateDiff: otherSlot }] }), await read({}));
  assert.equal(await read({ stateOverride: [{ address, state: otherSlot }] }), 0n);
  assert.equal(BigInt(await rpc("eth_call", { to: address, data }, "latest", { [address]: { state: {} } })), 0n);
  // TIMESTAMP, returned.
  const clock = { stateOverride: [{ address, code: "0x425f5260205ff3" }], blockOverrides: { time: 123n } };
  assert.equal(await read(clock), 123n);
  const rich = { account: stranger(), to: stranger(), value: parseEther("1000") };
  await assert.rejects(client.call(rich), /insufficient|exceeds/i);
  const funded = [{ address: rich.account, balance: parseEther("1001") }];
  await client.call({ ...rich, stateOverride: funded });
  assert.equal(await client.estimateGas({ ...rich, stateOverride: funded }), 21_000n);
});

test("what is not there", async () => {
  assert.equal(await client.getCode({ address: stranger() }), undefined);
  assert.equal(await client.getBalance({ address: stranger() }), 0n);
  await assert.rejects(client.getBlock({ blockNumber: 1n << 40n }), { name: "BlockNotFoundError" });
  await assert.rejects(client.getBlock({ blockHash: zeroHash }), { name: "BlockNotFoundError" });
  await assert.rejects(client.getTransaction({ hash: zeroHash }), { name: "TransactionNotFoundError" });
  await assert.rejects(client.getTransactionReceipt({ hash: zeroHash }), { name: "TransactionReceiptNotFoundError" });
  const nothing = client.readContract({ address: stranger(), abi, functionName: "value" });
  await assert.rejects(nothing, { name: "ContractFunctionExecutionError", message: /returned no data/ });
  await assert.rejects(client.getBalance({ address: stranger(), blockNumber: 1n << 40n }), /not found/);
});
