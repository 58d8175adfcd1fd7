// Transactions, events and batches as ethers makes them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  Contract,
  ContractFactory,
  Interface,
  JsonRpcProvider,
  NonceManager,
  Transaction,
  TypedDataEncoder,
  Wallet,
  WebSocketProvider,
  isError,
  keccak256,
  parseEther,
  parseUnits,
  toBeHex,
  verifyTypedData,
} from "ethers";
import { chainId, compiled, keys, post, rpcUrl, stranger, until, wsUrl } from "./setup.mjs";

// cacheTimeout: a wallet that sends twice within 250 ms must not be told its old nonce.
const provider = new JsonRpcProvider(rpcUrl, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 });
const wallet = new Wallet(keys.ethersMore, provider);
let counter;

async function deploy(name, ...args) {
  const { abi, bytecode } = compiled(name);
  const contract = await new ContractFactory(abi, bytecode, wallet).deploy(...args);
  return contract.waitForDeployment();
}

before(async () => {
  counter = await deploy("Counter", 0n);
});

after(() => provider.destroy());

test("transactions of types 0, 1, 2 and 4", async () => {
  const { gasPrice } = await provider.getFeeData();
  const slots = [{ address: counter.target, storageKeys: [toBeHex(0, 32)] }];
  const owner = Wallet.createRandom(provider);
  const authorization = await owner.authorize({ address: counter.target, nonce: 0, chainId });
  const kinds = [
    { type: 0, gasPrice },
    { type: 1, gasPrice, accessList: slots },
    { type: 2, accessList: slots },
    { type: 4, authorizationList: [authorization] },
  ];
  const data = counter.interface.encodeFunctionData("increase", [1n]);
  for (const kind of kinds) {
    const sent = await wallet.sendTransaction({ to: counter.target, data, ...kind });
    const receipt = await sent.wait();
    assert.deepEqual([receipt.status, receipt.type], [1, kind.type]);
    const found = await provider.getTransaction(sent.hash);
    assert.equal(found.type, kind.type);
    // ethers encodes what the node says, signature included, and finds the same hash.
    assert.equal(Transaction.from(found).hash, sent.hash);
    const raw = await provider.send("eth_getRawTransactionByHash", [sent.hash]);
    assert.equal(keccak256(raw), sent.hash);
    assert.equal(Transaction.from(raw).from, wallet.address);
    assert.deepEqual(found.accessList ?? [], kind.accessList ?? []);
  }
  assert.equal(await provider.getCode(owner.address), `0xef0100${counter.target.slice(2).toLowerCase()}`);
  const delegated = new Contract(owner.address, counter.interface, wallet);
  await (await delegated.increase(6n)).wait();
  assert.equal(await delegated.value(), 6n);
});

test("a deployment is where its sender and nonce put it", async () => {
  const { abi, bytecode } = compiled("Counter");
  const factory = new ContractFactory(abi, bytecode, wallet);
  const contract = await factory.deploy(3n);
  const receipt = await contract.deploymentTransaction().wait();
  assert.equal(receipt.contractAddress, contract.target);
  assert.equal(receipt.to, null);
  assert.equal(await contract.value(), 3n);
  // In the block before, it is not there.
  assert.equal(await provider.getCode(contract.target, receipt.blockNumber - 1), "0x");
});

test("nonces that a manager counts", async () => {
  const manager = new NonceManager(wallet);
  const to = stranger();
  const sent = await Promise.all([1n, 2n, 3n].map((value) => manager.sendTransaction({ to, value })));
  const receipts = await Promise.all(sent.map((transaction) => transaction.wait(2)));
  assert.ok(receipts.every(({ status }) => status === 1));
  assert.equal(await provider.getBalance(to), 6n);
  assert.equal(await provider.getTransactionCount(wallet.address), sent[2].nonce + 1);
});

test("a replaced transaction is reported as replaced", async () => {
  const nonce = await provider.getTransactionCount(wallet.address);
  const to = stranger();
  const fees = (gwei) => ({ maxFeePerGas: parseUnits(gwei, "gwei"), maxPriorityFeePerGas: parseUnits(gwei, "gwei") });
  // The nonce before is missing, so that nothing is mined in between.
  const later = { to, nonce: nonce + 1, gasLimit: 21_000n };
  const first = await wallet.sendTransaction({ ...later, value: 1n, ...fees("2") });
  const cheap = wallet.sendTransaction({ ...later, value: 2n, ...fees("2.1") });
  await assert.rejects(cheap, { code: "REPLACEMENT_UNDERPRICED" });
  const waiting = first.wait().catch((error) => error);
  const second = await wallet.sendTransaction({ ...later, value: 3n, ...fees("3") });
  await wallet.sendTransaction({ to: stranger(), nonce, ...fees("3") });
  const error = await waiting;
  assert.ok(isError(error, "TRANSACTION_REPLACED"), `${error}`);
  assert.deepEqual([error.reason, error.replacement.hash, error.receipt.status], ["replaced", second.hash, 1]);
  assert.equal(await provider.getBalance(to), 3n);
});

test("EIP-712: a signature that a contract checks", async () => {
  const orders = await deploy("Orders");
  const domain = { name: "Orders", version: "1", chainId, verifyingContract: orders.target };
  const types = {
    Order: [
      { name: "items", type: "Item[]" },
      { name: "note", type: "string" },
      { name: "deadline", type: "uint64" },
    ],
    Item: [
      { name: "token", type: "address" },
      { name: "amount", type: "uint256" },
    ],
  };
  const order = { items: [{ token: orders.target, amount: 1n }], note: "a note", deadline: 2n };
  const signature = await wallet.signTypedData(domain, types, order);
  assert.equal(await orders.signer(order, signature), wallet.address);
  assert.equal(verifyTypedData(domain, types, order, signature), wallet.address);
  const { name, version, chainId: id, verifyingContract } = await orders.eip712Domain();
  const said = TypedDataEncoder.hashDomain({ name, version, chainId: id, verifyingContract });
  assert.equal(said, TypedDataEncoder.hashDomain(domain));
});

test("events: ranges, topics, several at once", async () => {
  const token = await deploy("Token");
  const [one, other] = [stranger(), stranger()];
  const receipts = [];
  for (const [to, amount] of [[one, 1n], [other, 2n], [one, 3n]]) {
    receipts.push(await (await token.transfer(to, amount)).wait());
  }
  const [from, last] = [receipts[0].blockNumber, receipts[2].blockNumber];
  const amounts = async (filter, ...range) => (await token.queryFilter(filter, ...range)).map(({ args }) => args[2]);
  assert.deepEqual(await amounts("Transfer", from, last), [1n, 2n, 3n]);
  assert.deepEqual(await amounts(token.filters.Transfer(null, one), from), [1n, 3n]);
  assert.deepEqual(await amounts(token.filters.Transfer(null, [one, other]), from), [1n, 2n, 3n]);
  assert.deepEqual(await amounts(token.filters.Transfer(one), from), []);
  assert.deepEqual(await amounts("Transfer", from, receipts[1].blockNumber), [1n, 2n]);
  assert.deepEqual(await amounts("Approval", from), []);
  const ofBoth = await provider.getLogs({ address: [token.target, counter.target], fromBlock: from, toBlock: last });
  assert.equal(ofBoth.length, 3);
  const here = await provider.getLogs({ blockHash: receipts[0].blockHash, address: token.target });
  assert.deepEqual(here.map(({ transactionHash }) => transactionHash), [receipts[0].hash]);
  const backwards = provider.getLogs({ fromBlock: last, toBlock: from - 1 });
  await assert.rejects(backwards, ({ error }) => /invalid block range/.test(error.message));
});

test("events are polled", async () => {
  const heard = [];
  const hashes = [];
  await counter.on("Increased", (_by, _value, { log }) => heard.push(log.transactionHash));
  await until("an event", async () => {
    hashes.push((await (await counter.increase(1n)).wait()).hash);
    return heard.length > 0;
  });
  assert.ok(hashes.includes(heard[0]));
  await counter.removeAllListeners();
});

test("WebSocket: blocks, events, pending transactions, and silence when they are not wanted", async () => {
  const socket = new WebSocketProvider(wsUrl);
  const heard = { blocks: [], events: [], pending: [] };
  const listening = new Contract(counter.target, counter.interface, socket);
  await socket.on("block", (number) => heard.blocks.push(number));
  await socket.on("pending", (hash) => heard.pending.push(hash));
  await listening.on("Increased", (_by, _value, { log }) => heard.events.push(log.transactionHash));
  await until("block, event and pending transaction", async () => {
    const { hash, blockNumber } = await (await counter.increase(1n)).wait();
    const all = () =>
      heard.blocks.includes(blockNumber) && heard.events.includes(hash) && heard.pending.includes(hash);
    return until("all of it", all, 1).catch(() => false);
  });
  await listening.off("Increased");
  const before = heard.events.length;
  const { blockNumber } = await (await counter.increase(1n)).wait();
  await until("the block of an event not heard", () => heard.blocks.includes(blockNumber));
  assert.equal(heard.events.length, before);
  // Calls share the connection; many at once are told apart.
  const balances = await Promise.all(Array.from({ length: 50 }, () => socket.getBalance(stranger())));
  assert.ok(balances.every((balance) => balance === 0n));
  await socket.destroy();
});

test("reverts carry their data, however they come about", async () => {
  const { data } = await counter.increase.staticCall(2000n).catch((error) => error);
  const errors = new Interface(["error TooMuch(uint256 got, uint256 limit)"]);
  assert.deepEqual(errors.parseError(data).args.toArray(), [2000n, 1000n]);
  const call = { to: counter.target, data: counter.interface.encodeFunctionData("increase", [2000n]) };
  for (const method of ["eth_call", "eth_estimateGas"]) {
    const { error } = await post({ jsonrpc: "2.0", id: 1, method, params: [call] });
    assert.deepEqual([error.code, error.data], [3, data]);
    assert.match(error.message, /^execution reverted/);
  }
  await assert.rejects(counter.refuse.staticCall(), { reason: "refused" });
});

test("batches: in order, with errors of their own", async () => {
  // What ethers sends at once goes in one request.
  const numbers = await Promise.all([provider.getBlockNumber(), provider.getBalance(stranger()), counter.value()]);
  assert.equal(numbers[1], 0n);
  const request = (id, method, params = []) => ({ jsonrpc: "2.0", id, method, params });
  const answers = await post([
    request(1, "eth_chainId"),
    request("two", "eth_getBalance", ["0x12", "latest"]),
    request(3, "eth_noSuchMethod"),
    request(4, "net_version"),
  ]);
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  assert.equal(byId.get(1).result, toBeHex(chainId));
  assert.equal(byId.get("two").error.code, -32602);
  assert.equal(byId.get(3).error.code, -32601);
  assert.equal(byId.get(4).result, `${chainId}`);
  assert.equal((await post([])).error.code, -32600);
  assert.equal((await post({ id: 1 })).error.code, -32600);
});

test("accounts that the node lists, it signs for", async () => {
  const signer = await provider.getSigner(wallet.address);
  const receipt = await (await signer.sendTransaction({ to: stranger(), value: 1n })).wait();
  assert.deepEqual([receipt.status, receipt.from], [1, wallet.address]);
});

test("the gas price suggested covers the head's base fee and the tip suggested, while base fees fall", async () => {
  // Fills two thirds of a block, which raises the base fee of the next.
  const LOOP_FOR_EVER = "0x5b5f56";
  for (let block = 0; block < 3; block += 1) {
    const sent = await wallet.sendTransaction({ data: LOOP_FOR_EVER, gasLimit: 20_000_000n });
    await assert.rejects(sent.wait(), { code: "CALL_EXCEPTION" });
  }
  for (let fallen = 0; fallen < 3; fallen += 1) {
    // All of one head: asked again when a block comes in between.
    const { price, tip, baseFee } = await until("answers of one head", async () => {
      const before = await provider.send("eth_getBlockByNumber", ["latest", false]);
      const asked = await provider.send("eth_gasPrice", []);
      const suggested = await provider.send("eth_maxPriorityFeePerGas", []);
      const after = await provider.send("eth_getBlockByNumber", ["latest", false]);
      if (before.hash !== after.hash) return null;
      return { price: BigInt(asked), tip: BigInt(suggested), baseFee: BigInt(before.baseFeePerGas) };
    });
    assert.ok(price >= baseFee + tip, `gas price ${price}, base fee ${baseFee}, tip ${tip}`);
    await provider.send("evm_mine", []);
  }
});

test("a sender without ether is told so", async () => {
  const poor = Wallet.createRandom(provider);
  const refused = { code: "INSUFFICIENT_FUNDS" };
  await assert.rejects(counter.connect(poor).increase(1n), refused);
  await assert.rejects(poor.sendTransaction({ to: stranger(), value: parseEther("1") }), refused);
});
