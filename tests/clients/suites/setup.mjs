// What every suite needs: where the node is, a funded account of its own, the contract, the command-line tools.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const rpcUrl = process.env.IVM_RPC_URL;
if (!rpcUrl) throw new Error("IVM_RPC_URL is not set; ./run sets it");
export const wsUrl = rpcUrl.replace(/^http/, "ws");
export const chainId = Number(process.env.IVM_CHAIN_ID ?? 4956);

// The first accounts of "test test … junk", which a development chain funds. One each, for suites run side by side.
export const keys = {
  viem: "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  ethers: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  foundry: "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
};

/** A fresh address. */
export const stranger = () => `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(20))).toString("hex")}`;

export const project = join(root, "project");

/** The compiled counter. */
export function counter() {
  const path = join(project, "out/Counter.sol/Counter.json");
  if (!existsSync(path)) throw new Error(`${path} is missing; ./run builds it`);
  const { abi, bytecode } = JSON.parse(readFileSync(path, "utf8"));
  return { abi, bytecode: bytecode.object };
}

const tools = {
  cast: join(root, "node_modules/@foundry-rs/cast-linux-amd64/bin/cast"),
  forge: join(root, "../../contracts/node_modules/@foundry-rs/forge-linux-amd64/bin/forge"),
};

/** Runs cast or forge against the node; gives what it prints. Rejects with what it says on failure. */
export async function run(tool, ...args) {
  const env = { ...process.env, ETH_RPC_URL: rpcUrl, FOUNDRY_DISABLE_NIGHTLY_WARNING: "1", NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(tools[tool], args, { cwd: project, env, timeout: 120_000 });
  return stdout.trim();
}
