// What every suite needs: where the node is, a funded account of its own, the contract, the command-line tools.
import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const rpcUrl = process.env.IVM_RPC_URL;
if (!rpcUrl) throw new Error("IVM_RPC_URL is not set; ./run sets it");
export const wsUrl = rpcUrl.replace(/^http/, "ws");
export const chainId = Number(process.env.IVM_CHAIN_ID ?? 4956);

// The accounts of "test test … junk", which a development chain funds. One each, for suites run side by side.
export const keys = {
  viem: "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  ethers: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  cast: "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  forge: "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
  viemMore: "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
  ethersMore: "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
  hardhat: "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
  openzeppelin: "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
  uniswap: "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
  accountAbstraction: "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
};

/** A fresh address. */
export const stranger = () => `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(20))).toString("hex")}`;

export const project = join(root, "project");

/** A contract of project/src, or one that it imports, as forge compiled it. */
export function compiled(contract) {
  const path = join(project, `out/${contract}.sol/${contract}.json`);
  if (!existsSync(path)) throw new Error(`${path} is missing; ./run builds it`);
  const { abi, bytecode } = JSON.parse(readFileSync(path, "utf8"));
  return { abi, bytecode: bytecode.object };
}

/** Waits for what `condition` gives to be truthy, and gives it. Rejects after `seconds`. */
export async function until(what, condition, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the node answers to one request, or to several in a batch. */
export async function post(body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(rpcUrl, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

/** The result of one call by name. Rejects with the node's error. */
export async function rpc(method, ...params) {
  const { result, error } = await post({ jsonrpc: "2.0", id: 1, method, params });
  if (error) throw Object.assign(new Error(error.message), error);
  return result;
}

const tools = {
  cast: join(root, "node_modules/@foundry-rs/cast-linux-amd64/bin/cast"),
  forge: join(root, "../../contracts/node_modules/@foundry-rs/forge-linux-amd64/bin/forge"),
  hardhat: join(root, "node_modules/.bin/hardhat"),
};

/**
 * Runs one of the tools against the node; gives what it prints. Rejects with what it says on failure. The last argument
 * may be `{ env }`: variables besides.
 */
export async function run(tool, ...args) {
  const more = typeof args.at(-1) === "object" ? args.pop().env : {};
  const { stdout } = await promisify(execFile)(tools[tool], args, { ...toolOptions(more), timeout: 120_000 });
  return stdout.trim();
}

/** Starts one of the tools against the node and lets it run. */
export const start = (tool, ...args) => spawn(tools[tool], args, toolOptions({}));

const toolOptions = (more) => ({
  cwd: project,
  env: { ...process.env, ETH_RPC_URL: rpcUrl, FOUNDRY_DISABLE_NIGHTLY_WARNING: "1", NO_COLOR: "1", ...more },
});
