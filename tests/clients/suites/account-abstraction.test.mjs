// ERC-4337: the entry point of version 0.8 as published on npm, its sample accounts, and this suite as the bundler.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { encodeFunctionData, parseEther, parseEventLogs, zeroAddress } from "viem";
import { getUserOperationHash, getUserOperationTypedData, toPackedUserOperation } from "viem/account-abstraction";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { chainId, compiled, keys, rpc, stranger } from "./setup.mjs";
import { at, client, deploy, mined, walletOf } from "./viem-setup.mjs";

const require = createRequire(import.meta.url);
const published = (name) => require(`@account-abstraction/contracts/artifacts/${name}.json`);

const bundler = walletOf(keys.accountAbstraction);
const owner = privateKeyToAccount(generatePrivateKey());
const { abi: accountAbi } = published("SimpleAccount");
let entryPoint, factory, counter, sender;

before(async () => {
  entryPoint = await deploy(bundler, published("EntryPoint"));
  factory = await deploy(bundler, published("SimpleAccountFactory"), entryPoint.address);
  counter = await deploy(bundler, compiled("Counter"), 0n);
  sender = await factory.read("getAddress", owner.address, 0n);
});

const execute = (to, value, data) =>
  encodeFunctionData({ abi: accountAbi, functionName: "execute", args: [to, value, data] });
const increase = (by) => encodeFunctionData({ abi: counter.abi, functionName: "increase", args: [by] });

/** A user operation of the account, signed by `signer`, with room in every limit. */
async function operation(fields, signer = owner) {
  const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas();
  const userOperation = {
    sender,
    nonce: await entryPoint.read("getNonce", sender, 0n),
    callGasLimit: 200_000n,
    verificationGasLimit: 500_000n,
    preVerificationGas: 60_000n,
    maxFeePerGas,
    maxPriorityFeePerGas,
    signature: "0x",
    ...fields,
  };
  const about = { chainId, entryPointAddress: entryPoint.address, userOperation };
  const signature = await signer.signTypedData(getUserOperationTypedData(about));
  const hash = getUserOperationHash({ ...about, entryPointVersion: "0.8" });
  return { packed: toPackedUserOperation({ ...userOperation, signature }), hash };
}

/** Has the entry point handle them; gives its events. */
async function handle(...operations) {
  const receipt = await entryPoint.send("handleOps", operations.map(({ packed }) => packed), bundler.account.address);
  const events = parseEventLogs({ abi: [...entryPoint.abi, ...counter.abi], logs: receipt.logs });
  return (name) => events.filter(({ eventName }) => eventName === name).map(({ args }) => args);
}

async function assertFailedOp(operations, index, reason, error = "FailedOp") {
  await assert.rejects(handle(...operations), (thrown) => {
    const { data } = thrown.walk((cause) => cause.data?.errorName);
    assert.equal(data.errorName, error);
    assert.equal(data.args[0], index);
    assert.match(data.args[1], reason);
    return true;
  });
}

test("user operations of an account that the first of them deploys", async (t) => {
  const deployment = () => ({
    factory: factory.address,
    factoryData: encodeFunctionData({ abi: factory.abi, functionName: "createAccount", args: [owner.address, 0n] }),
    verificationGasLimit: 1_000_000n,
  });

  await t.test("an account that cannot pay is refused", async () => {
    await assertFailedOp([await operation({ ...deployment(), callData: "0x" })], 0n, /^AA21/);
  });

  await t.test("the first operation deploys the account and calls from it", async () => {
    await mined(await bundler.sendTransaction({ to: sender, value: parseEther("1") }));
    assert.equal(await client.getCode({ address: sender }), undefined);
    const first = await operation({ ...deployment(), callData: execute(counter.address, 0n, increase(7n)) });
    assert.equal(await entryPoint.read("getUserOpHash", first.packed), first.hash);

    const events = await handle(first);
    assert.deepEqual(events("AccountDeployed"), [
      { userOpHash: first.hash, sender, factory: factory.address, paymaster: zeroAddress },
    ]);
    assert.deepEqual(events("Increased"), [{ by: sender, value: 7n }]);
    const [done] = events("UserOperationEvent");
    assert.deepEqual([done.userOpHash, done.success, done.nonce], [first.hash, true, 0n]);
    assert.ok(done.actualGasCost > 0n);
    assert.equal(await at(bundler, accountAbi, sender).read("owner"), owner.address);
  });

  await t.test("operations are handled together, each nonce once", async () => {
    const before = await client.getBalance({ address: sender });
    const to = stranger();
    const pay = await operation({ callData: execute(to, 5n, "0x") });
    const nonce = (await entryPoint.read("getNonce", sender, 0n)) + 1n;
    const call = await operation({ nonce, callData: execute(counter.address, 0n, increase(1n)) });
    const events = await handle(pay, call);
    assert.deepEqual(
      events("UserOperationEvent").map(({ userOpHash, success }) => [userOpHash, success]),
      [[pay.hash, true], [call.hash, true]],
    );
    assert.equal(await client.getBalance({ address: to }), 5n);
    assert.equal(await counter.read("value"), 8n);
    assert.ok((await client.getBalance({ address: sender })) < before - 5n);
    await assertFailedOp([pay], 0n, /^AA25/);
  });

  await t.test("a call that reverts is paid for all the same", async () => {
    const events = await handle(await operation({ callData: execute(counter.address, 0n, increase(2000n)) }));
    const [{ success }] = events("UserOperationEvent");
    assert.equal(success, false);
    const [{ revertReason }] = events("UserOperationRevertReason");
    // TooMuch(2000, 1000)
    assert.match(revertReason, /^0x[0-9a-f]{8}0{61}7d00{61}3e8$/);
    assert.equal(await counter.read("value"), 8n);
  });

  await t.test("a wrong signature and too little gas are refused, with the operation's place", async () => {
    const good = await operation({ callData: execute(counter.address, 0n, increase(1n)) });
    const nonce = (await entryPoint.read("getNonce", sender, 0n)) + 1n;
    const forged = await operation({ nonce, callData: "0x" }, privateKeyToAccount(generatePrivateKey()));
    await assertFailedOp([good, forged], 1n, /^AA24/);
    const starved = await operation({ callData: "0x", verificationGasLimit: 100n });
    await assertFailedOp([starved], 0n, /^AA23/, "FailedOpWithRevert");
  });

  await t.test("handleOps is simulated on a state that is made up", async () => {
    // What bundlers do: an account without ether, given some for this call alone.
    const poor = privateKeyToAccount(generatePrivateKey());
    const address = await factory.read("getAddress", poor.address, 1n);
    const factoryData = encodeFunctionData({
      abi: factory.abi,
      functionName: "createAccount",
      args: [poor.address, 1n],
    });
    const fields = { ...deployment(), sender: address, nonce: 0n, factoryData, callData: "0x" };
    const { packed } = await operation(fields, poor);
    const request = {
      from: bundler.account.address,
      to: entryPoint.address,
      data: encodeFunctionData({ abi: entryPoint.abi, functionName: "handleOps", args: [[packed], owner.address] }),
    };
    await assert.rejects(rpc("eth_call", request, "latest"), { code: 3 });
    assert.equal(await rpc("eth_call", request, "latest", { [address]: { balance: "0xde0b6b3a7640000" } }), "0x");
  });
});

test("an externally owned account becomes a smart account (EIP-7702) and back", async () => {
  const implementation = await deploy(bundler, published("Simple7702Account"));
  const wallet = walletOf(generatePrivateKey());
  const { address } = wallet.account;
  await mined(await bundler.sendTransaction({ to: address, value: parseEther("1") }));

  const authorization = await wallet.signAuthorization({
    contractAddress: implementation.address,
    executor: "self",
  });
  const to = stranger();
  const data = encodeFunctionData({
    abi: implementation.abi,
    functionName: "executeBatch",
    args: [
      [
        { target: counter.address, value: 0n, data: increase(1n) },
        { target: to, value: 3n, data: "0x" },
      ],
    ],
  });
  const receipt = await mined(await wallet.sendTransaction({ to: address, data, authorizationList: [authorization] }));
  assert.equal(receipt.status, "success");
  assert.equal(receipt.type, "eip7702");
  const [{ args }] = parseEventLogs({ abi: counter.abi, logs: receipt.logs });
  assert.equal(args.by, address);
  assert.equal(await client.getBalance({ address: to }), 3n);

  const account = at(bundler, implementation.abi, address);
  assert.equal(await client.getCode({ address }), `0xef0100${implementation.address.slice(2).toLowerCase()}`);
  // ERC-1271: the account says which signatures are its own.
  const message = "hello";
  const signature = await wallet.signMessage({ message });
  assert.equal(await client.verifyMessage({ address, message, signature }), true);
  await assert.rejects(account.send("executeBatch", []), /not from self or EntryPoint/);

  const reset = await wallet.signAuthorization({ contractAddress: zeroAddress, executor: "self" });
  await mined(await wallet.sendTransaction({ to: address, authorizationList: [reset] }));
  assert.equal(await client.getCode({ address }), undefined);
});
