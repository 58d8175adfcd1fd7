// A pool with liquidity, on the chain of a node, and its page.
import { readFileSync } from "node:fs";
import { createPublicClient, encodeDeployData, encodeFunctionData, http, parseEther, toHex } from "viem";
import { until } from "./chain.mjs";

const artifact = (name) =>
  JSON.parse(readFileSync(new URL(`../../contracts/artifacts/${name}.json`, import.meta.url), "utf8"));
const token = artifact("ExampleToken");
const pool = artifact("DynamicFeePool");
const never = 2n ** 64n - 1n;

/** Where the pool's page is: at the node, or where `node web/serve.mjs apps/amm` serves it. */
export function poolPageUrl(node, address = "") {
  const elsewhere = process.env.IVM_AMM_PAGE;
  return `${elsewhere ? `${elsewhere}?rpc=${node.url}` : `${node.url}/amm`}${address && `#${address}`}`;
}

/**
 * A wallet as browsers have them, whose keys are the node's. It starts on another chain, and has to be told of this one. With a
 * `name` it announces itself (EIP-6963), after something that is no announcement; else it is `window.ethereum`.
 *
 * `window.walletRefuses` names methods that its owner refuses, `window.walletStays` keeps it on its chain, whatever it says,
 * `window.walletMoves` names the account that it moves to after the next transaction, and `window.moveWallet` moves it.
 */
export function walletScript({ url, account, name }) {
  let chainId = "0x1";
  let known = false;
  let listeners = [];
  window.walletAsked = [];
  window.walletRefuses = [];
  window.moveWallet = (to) => {
    account = to;
    for (const listener of listeners) listener(to ? [to] : []);
  };
  const provider = {
    on: (event, listener) => event === "accountsChanged" && listeners.push(listener),
    removeListener: (_, listener) => (listeners = listeners.filter((each) => each !== listener)),
    async request({ method, params = [] }) {
      window.walletAsked.push(method);
      // As some wallets do: no instance of Error.
      if (window.walletRefuses.includes(method)) throw { code: 4001, message: "User rejected the request." };
      if (method === "eth_requestAccounts" || method === "eth_accounts") return account ? [account] : [];
      if (method === "eth_chainId") return chainId;
      if (method === "wallet_addEthereumChain") return (known = true), null;
      if (method === "wallet_switchEthereumChain") {
        if (window.walletStays) return null;
        if (!known) throw Object.assign(new Error("unknown chain"), { code: 4902 });
        return (chainId = params[0].chainId), null;
      }
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      const { result, error } = await answer.json();
      if (error) throw Object.assign(new Error(error.message), error);
      if (method === "eth_sendTransaction" && window.walletMoves) window.moveWallet(window.walletMoves);
      return result;
    },
  };
  if (!name) {
    window.ethereum = provider;
    return;
  }
  const announce = (detail) => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  addEventListener("eip6963:requestProvider", () => {
    for (const nothing of [null, 7, {}, { info: { uuid: "1", name: "No wallet" } }, { info: {}, provider }]) announce(nothing);
    const icon = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";
    const info = Object.freeze({ uuid: "350670db-19fa-4704-a166-e52e178b59d2", name, icon, rdns: "org.example.wallet" });
    announce(Object.freeze({ info, provider }));
    announce(Object.freeze({ info, provider }));
  });
}

/** Makes a pool, and gives three accounts tokens for it: the node has their keys. */
export async function makePool(node) {
  const client = createPublicClient({ transport: http(node.url), pollingInterval: 50, cacheTime: 0 });
  const request = (method, ...params) => client.request({ method, params });
  const accounts = await request("eth_accounts");
  const send = async (from, to, data) => {
    const hash = await request("eth_sendTransaction", { from, ...(to && { to }), data });
    const receipt = await client.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`transaction ${hash} failed`);
    return receipt;
  };
  const call = (from, to, abi, functionName, args) => send(from, to, encodeFunctionData({ abi, functionName, args }));
  const create = async (code) => (await send(accounts[0], null, code)).contractAddress;

  const elf = toHex(readFileSync(new URL("../../programs/elf/amm-fee.elf", import.meta.url)));
  const { programId } = await request("ivm_submitProgram", elf);
  await until("registration of the program", async () => (await request("ivm_getProgram", programId))?.registered);
  const tokens = [await create(token.bytecode), await create(token.bytecode)];
  const configuration = {
    token0: tokens[0], token1: tokens[1], feeProgramId: programId, anchorPeriodSeconds: 3600, windowSeconds: 30 * 24 * 3600,
    baseFeeMillionths: 3000,
    tiers: [[100_000n, 2000], [1_000_000n, 1000], [10_000_000n, 500]].map(([volume, feeMillionths]) => ({
      minVolume: volume * 10n ** 18n, feeMillionths,
    })),
  };
  const address = await create(encodeDeployData({ abi: pool.abi, bytecode: pool.bytecode, args: [configuration] }));
  for (const each of tokens) {
    await call(accounts[0], each, token.abi, "approve", [address, 2n ** 256n - 1n]);
    for (const to of accounts.slice(1, 4)) await call(accounts[0], each, token.abi, "transfer", [to, parseEther("1000000")]);
  }
  const amounts = [parseEther("100000000"), parseEther("100000")];
  await call(accounts[0], address, pool.abi, "addLiquidity", [...amounts, 1n, accounts[0], never]);
  const feeOf = (trader) =>
    client.readContract({ address, abi: pool.abi, functionName: "feeOf", args: [trader] });
  return { address, accounts, feeOf };
}
