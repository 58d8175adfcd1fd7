// What the tests share: clients without a node, and clients of the node at IVM_RPC_URL.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Abi, createClient, createWalletClient, custom, type Hex, http, publicActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { infinityvmActions, ivmDev } from "../src/index.js";

/** The repository, from where this file is compiled to. */
const repository = new URL("../../../../", import.meta.url);

/** A JSON-RPC error as a transport gives it. */
export class RpcFault extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Answers of a node that is none: for each method what it gives, from its parameters. */
export type Answers = Record<string, (params: unknown[]) => unknown>;

/** A client whose node gives these answers. */
export function fakeClient(answers: Answers) {
  const request = async ({ method, params }: { method: string; params?: unknown[] }) => {
    const answer = answers[method];
    if (!answer) throw new RpcFault(-32601, `the method ${method} does not exist/is not available`);
    return answer(params ?? []);
  };
  const transport = custom({ request } as never, { retryCount: 0 });
  return createClient({ chain: ivmDev, transport, pollingInterval: 1 }).extend(infinityvmActions());
}

export const zeroHash = `0x${"00".repeat(32)}` as const;
export const hashOf = (byte: string) => `0x${byte.repeat(32)}` as const;

/** A job as a node tells it, with these fields instead of the usual ones. */
export function jobJson(fields: Record<string, unknown> = {}) {
  return {
    jobId: hashOf("11"),
    kind: "onchain",
    nonce: "0x0",
    consumer: `0x${"22".repeat(20)}`,
    programId: hashOf("33"),
    onchainInputHash: hashOf("44"),
    offchainInputHash: hashOf("55"),
    inputCommitment: hashOf("66"),
    maxCycles: "0xf4240",
    callbackGasLimit: "0x186a0",
    deadlineBlock: "0x12c",
    cyclePriceWei: "0xf4240",
    requestedBlock: "0x5",
    state: "pending",
    resultBlock: null,
    resultTransaction: null,
    outcome: null,
    cycles: null,
    noOutcomeReason: null,
    ...fields,
  };
}

/** What is different in a job whose result is in a block. */
export const delivered = (block: number) => ({
  state: "delivered",
  resultBlock: `0x${block.toString(16)}`,
  resultTransaction: hashOf("77"),
  outcome: { status: "success", data: `0x${"00".repeat(31)}2a`, hash: hashOf("88") },
  cycles: "0x3e8",
});

/** Keys of accounts that a development chain funds, one for each file of tests. */
export const keys = {
  onchain: "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  offchain: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  readme: "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
} as const satisfies Record<string, Hex>;

/** Where the node is, or the one whose first proposer lies. */
export function rpcUrl(variable: "IVM_RPC_URL" | "IVM_LIAR_RPC_URL" = "IVM_RPC_URL"): string {
  const url = process.env[variable];
  if (!url) throw new Error(`${variable} is not set; test/run sets it`);
  return url;
}

/** A client of the node with the key. */
export function nodeClient(key: Hex, url = rpcUrl()) {
  const account = privateKeyToAccount(key);
  return createWalletClient({ account, chain: ivmDev, transport: http(url, { timeout: 60_000 }), pollingInterval: 50 })
    .extend(publicActions)
    .extend(infinityvmActions());
}

/** A contract of contracts/artifacts. */
export function artifact(contract: string): { abi: Abi; bytecode: Hex } {
  return JSON.parse(readFileSync(new URL(`contracts/artifacts/${contract}.json`, repository), "utf8"));
}

/** The ELF of a bundled program. */
export function programElf(name: string): Uint8Array {
  return readFileSync(new URL(`programs/elf/${name}.elf`, repository));
}

/** Where a file or a folder of the repository is. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(path, repository));
}

/** A file of the repository. */
export function repositoryFile(path: string): string {
  return readFileSync(new URL(path, repository), "utf8");
}
