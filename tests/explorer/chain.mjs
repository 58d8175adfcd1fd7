// What the suites do to a chain: ask for jobs, and dispute what a proposer says of them.
import { readFileSync } from "node:fs";
import { MerklePatriciaTrie, createMerkleProof } from "@ethereumjs/mpt";
import {
  concatHex, createPublicClient, createWalletClient, decodeEventLog, defineChain, hexToBytes, http, keccak256, numberToHex,
  toEventSelector, toHex, toRlp,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";

const artifact = (name) =>
  JSON.parse(readFileSync(new URL(`../../contracts/artifacts/${name}.json`, import.meta.url), "utf8"));

const settlementAbi = artifact("Settlement").abi;
const jobManagerAbi = artifact("JobManager").abi;
const claimPosted = toEventSelector(jobManagerAbi.find(({ name }) => name === "ClaimPosted"));
const jobManager = "0x4956000000000000000000000000000000000001";

// Two of the accounts that a development chain funds: who asks for jobs, and who disputes them.
const requester = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const challenger = privateKeyToAccount("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");

/** Waits for what `condition` gives to be truthy, and gives it. Rejects after `seconds`. */
export async function until(what, condition, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A reader and a signer of the chain behind `url`. */
async function connect(url, account) {
  const transport = http(url);
  const id = await createPublicClient({ transport }).getChainId();
  const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
  const chain = defineChain({ id, name: `chain ${id}`, nativeCurrency, rpcUrls: { default: { http: [url] } } });
  const options = { chain, transport, pollingInterval: 50, cacheTime: 0 };
  return { reader: createPublicClient(options), signer: createWalletClient({ ...options, account }) };
}

/** Both chains of a node. */
export class Chains {
  static async of(url) {
    const execution = await connect(url, requester);
    const info = await execution.reader.request({ method: "ivm_settlementInfo" });
    const settlementUrl = new URL(url);
    settlementUrl.port = String(Number(info.rpcPort));
    const settlement = await connect(settlementUrl.href, challenger);
    return Object.assign(new Chains(), { execution, settlement, contract: info.contract });
  }

  info() {
    return this.execution.reader.request({ method: "ivm_settlementInfo" });
  }

  job(id) {
    return this.execution.reader.request({ method: "ivm_getJob", params: [id] });
  }

  /** Deploys the contract that asks the program `echo`, which says what it is told. */
  async deployEcho() {
    const elf = toHex(readFileSync(new URL("../../programs/elf/echo.elf", import.meta.url)));
    const { programId } = await this.execution.reader.request({ method: "ivm_submitProgram", params: [elf] });
    await until("registration of the program", async () => {
      const program = await this.execution.reader.request({ method: "ivm_getProgram", params: [programId] });
      return program?.registered;
    });
    const { abi, bytecode } = artifact("EchoConsumer");
    const hash = await this.execution.signer.deployContract({ abi, bytecode });
    const { contractAddress } = await this.execution.reader.waitForTransactionReceipt({ hash });
    return { address: contractAddress, abi, programId };
  }

  /** Asks for a job; gives its id. */
  async requestEcho(echo, message, maxCycles = 100_000n) {
    const fee = await this.execution.reader.readContract({
      address: jobManager, abi: jobManagerAbi, functionName: "quote", args: [maxCycles, 100_000n],
    });
    const { address, abi, programId } = echo;
    const args = [programId, toHex(message), maxCycles];
    const call = { address, abi, functionName: "requestEcho", args, value: fee };
    const hash = await this.execution.signer.writeContract(call);
    const { logs } = await this.execution.reader.waitForTransactionReceipt({ hash });
    const requested = logs.find((log) => log.address === jobManager && log.topics.length === 4);
    return requested.topics[1];
  }

  /** Waits until the chain has a result of the job; gives the job. */
  result(id) {
    return until(`result of job ${id}`, async () => {
      const job = await this.job(id);
      return job.resultBlock && job;
    });
  }

  /** Demands a proof of what the chain says of the job. Gives what it takes to end the dispute. */
  async demand(job) {
    const evidence = await this.#evidence(job);
    const { demandBondWei } = await this.#read("parameters");
    const { logs } = await this.#write("challenge", [evidence.claim, 1], demandBondWei);
    const event = logs
      .map((log) => decodeEventLog({ abi: settlementAbi, ...log }))
      .find(({ eventName }) => eventName === "ClaimChallenged");
    const { transactionIndex, logIndex } = evidence.claim;
    const { programId, inputCommitment, outcomeHash } = event.args;
    const statementHash = keccak256(concatHex([programId, inputCommitment, outcomeHash]));
    return { ...event.args, key: { blockHash: evidence.blockHash, transactionIndex, logIndex, statementHash } };
  }

  /** Closes a demand that nobody met, if no challenger of the node's did. */
  async expire({ claimId, key, deadlineBlock }) {
    const id = await this.#read("challengeId", [claimId, challenger.address, 1]);
    const isOpen = async () => (await this.#read("challengeInfo", [id])).state === 1;
    await until("deadline", async () => (await this.settlement.reader.getBlockNumber()) > deadlineBlock);
    if (!(await isOpen())) return;
    await this.#write("expire", [key, challenger.address, 1]).catch(async (error) => {
      if (await isOpen()) throw error;
    });
  }

  /** Shows a claim by its receipt: a proof against the header's root. */
  async #evidence({ jobId, resultBlock, resultTransaction }) {
    const request = (method, ...params) => this.execution.reader.request({ method, params });
    const [header, receipts, receipt, block] = await Promise.all([
      request("debug_getRawHeader", resultBlock),
      request("debug_getRawReceipts", resultBlock),
      request("eth_getTransactionReceipt", resultTransaction),
      request("eth_getHeaderByNumber", resultBlock),
    ]);
    const trie = new MerklePatriciaTrie();
    const key = (index) => toRlp(index === 0 ? "0x" : numberToHex(index), "bytes");
    for (const [index, encoded] of receipts.entries()) await trie.put(key(index), hexToBytes(encoded));
    if (toHex(trie.root()) !== block.receiptsRoot) throw new Error("the receipts are not those of the header");
    const transactionIndex = Number(receipt.transactionIndex);
    const nodes = await createMerkleProof(trie, key(transactionIndex));
    const logIndex = receipt.logs.findIndex(
      ({ topics }) => topics[0] === claimPosted && topics[1] === jobId,
    );
    const receiptProof = nodes.map((node) => toHex(node));
    const claim = { header, transactionIndex: BigInt(transactionIndex), receiptProof, logIndex: BigInt(logIndex) };
    return { claim, blockHash: block.hash };
  }

  #read(functionName, args = []) {
    return this.settlement.reader.readContract({ address: this.contract, abi: settlementAbi, functionName, args });
  }

  async #write(functionName, args, value = 0n) {
    const call = { address: this.contract, abi: settlementAbi, functionName, args, value };
    const hash = await this.settlement.signer.writeContract(call);
    const receipt = await this.settlement.reader.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`${functionName} failed`);
    return receipt;
  }
}
