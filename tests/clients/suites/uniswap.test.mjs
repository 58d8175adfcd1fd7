// A pair of Uniswap V2, as published on npm: compiled with solc 0.5.16, from 2020.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import {
  Contract,
  ContractFactory,
  JsonRpcProvider,
  Wallet,
  ZeroAddress,
  getCreate2Address,
  keccak256,
  solidityPacked,
} from "ethers";
import { compiled, keys, rpcUrl, stranger } from "./setup.mjs";

const require = createRequire(import.meta.url);
const published = (name) => {
  const { abi, evm } = require(`@uniswap/v2-core/build/${name}.json`);
  return { abi, bytecode: `0x${evm.bytecode.object}` };
};

// cacheTimeout: a wallet that sends twice within 250 ms must not be told its old nonce.
const provider = new JsonRpcProvider(rpcUrl, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 });
const wallet = new Wallet(keys.uniswap, provider);
const MINIMUM_LIQUIDITY = 1000n;
let factory, pair, token0, token1;

async function deploy({ abi, bytecode }, ...args) {
  const contract = await new ContractFactory(abi, bytecode, wallet).deploy(...args);
  return contract.waitForDeployment();
}

/**
 * Simulates, sends and waits; gives the events that this contract understands, by name. As routers do, it sends with
 * gas to spare: a pair writes two slots more when a second has passed since the block that gas was estimated in.
 */
async function send(contract, method, ...args) {
  await contract[method].staticCall(...args);
  const receipt = await (await contract[method](...args, { gasLimit: 5_000_000n })).wait();
  const parsed = receipt.logs.map((log) => (log.address === contract.target ? contract.interface.parseLog(log) : null));
  return Object.fromEntries(parsed.filter(Boolean).map(({ name, args: values }) => [name, values.toArray()]));
}

const reserves = async () => (await pair.getReserves()).toArray().slice(0, 2);

/** What comes out for what goes in, after the fee of 0.3 %. */
const amountOut = (amountIn, reserveIn, reserveOut) =>
  (amountIn * 997n * reserveOut) / (reserveIn * 1000n + amountIn * 997n);

before(async () => {
  factory = await deploy(published("UniswapV2Factory"), wallet.address);
  const tokens = [await deploy(compiled("Token")), await deploy(compiled("Token"))];
  const { PairCreated } = await send(factory, "createPair", tokens[0].target, tokens[1].target);
  pair = new Contract(PairCreated[2], published("UniswapV2Pair").abi, wallet);
  const first = await pair.token0();
  [token0, token1] = tokens[0].target === first ? tokens : tokens.toReversed();
});

after(() => provider.destroy());

test("the factory makes one pair for two tokens, where CREATE2 puts it", async () => {
  const salt = keccak256(solidityPacked(["address", "address"], [token0.target, token1.target]));
  const code = keccak256(published("UniswapV2Pair").bytecode);
  assert.equal(pair.target, getCreate2Address(factory.target, salt, code));
  assert.equal(await factory.getPair(token1.target, token0.target), pair.target);
  await assert.rejects(send(factory, "createPair", token0.target, token1.target), { reason: "UniswapV2: PAIR_EXISTS" });
});

test("liquidity, swaps, skim and sync, in this order", async (t) => {
  await t.test("liquidity is added", async () => {
    await send(token0, "transfer", pair.target, 40_000n);
    await send(token1, "transfer", pair.target, 10_000n);
    const { Mint, Sync } = await send(pair, "mint", wallet.address);
    assert.deepEqual(Mint, [wallet.address, 40_000n, 10_000n]);
    assert.deepEqual(Sync, [40_000n, 10_000n]);
    assert.equal(await pair.totalSupply(), 20_000n);
    assert.equal(await pair.balanceOf(wallet.address), 20_000n - MINIMUM_LIQUIDITY);
    assert.equal(await pair.balanceOf(ZeroAddress), MINIMUM_LIQUIDITY);
  });

  await t.test("a swap gives what the formula says, and not a wei more", async () => {
    const [before0, before1] = await reserves();
    const to = stranger();
    const out = amountOut(5_000n, before0, before1);
    await send(token0, "transfer", pair.target, 5_000n);
    await assert.rejects(send(pair, "swap", 0n, out + 1n, to, "0x"), { reason: "UniswapV2: K" });
    const { Swap } = await send(pair, "swap", 0n, out, to, "0x");
    assert.deepEqual(Swap.slice(0, 5), [wallet.address, 5_000n, 0n, 0n, out]);
    assert.equal(await token1.balanceOf(to), out);
    const [after0, after1] = await reserves();
    assert.deepEqual([after0, after1], [before0 + 5_000n, before1 - out]);
    assert.ok(after0 * after1 >= before0 * before1);
  });

  await t.test("prices add up with time", async () => {
    const before = [await pair.price0CumulativeLast(), (await pair.getReserves())[2]];
    await provider.send("evm_increaseTime", ["0xe10"]);
    await provider.send("evm_mine", []);
    const [reserve0, reserve1] = await reserves();
    await send(pair, "sync");
    const seconds = (await pair.getReserves())[2] - before[1];
    assert.ok(seconds >= 3600n);
    assert.equal((await pair.price0CumulativeLast()) - before[0], ((reserve1 << 112n) / reserve0) * seconds);
  });

  await t.test("skim gives away what is over, sync keeps it", async () => {
    const [before0, before1] = await reserves();
    const to = stranger();
    await send(token0, "transfer", pair.target, 7n);
    await send(pair, "skim", to);
    assert.equal(await token0.balanceOf(to), 7n);
    await send(token1, "transfer", pair.target, 9n);
    assert.deepEqual((await send(pair, "sync")).Sync, [before0, before1 + 9n]);
  });

  await t.test("liquidity is taken out", async () => {
    const liquidity = await pair.balanceOf(wallet.address);
    const [before0, before1] = await reserves();
    const supply = await pair.totalSupply();
    await send(pair, "transfer", pair.target, liquidity);
    const to = stranger();
    const { Burn } = await send(pair, "burn", to);
    const expected = [(before0 * liquidity) / supply, (before1 * liquidity) / supply];
    assert.deepEqual(Burn.slice(1, 3), expected);
    assert.deepEqual([await token0.balanceOf(to), await token1.balanceOf(to)], expected);
  });
});
