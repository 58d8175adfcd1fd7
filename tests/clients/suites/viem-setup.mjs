// What the suites that use viem share.
import { createPublicClient, createWalletClient, defineChain, getAddress, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { chainId, rpcUrl } from "./setup.mjs";

export const chain = defineChain({
  id: chainId,
  name: "InfinityVM",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl] } },
});

// cacheTime: a block that was just mined must not be hidden behind the number of an older one.
export const client = createPublicClient({ chain, transport: http(), pollingInterval: 100, cacheTime: 0 });

export const walletOf = (key) => createWalletClient({ account: privateKeyToAccount(key), chain, transport: http() });

export const mined = (hash) => client.waitForTransactionReceipt({ hash, timeout: 20_000 });

/** Deploys a contract that was compiled; gives its address and functions to read it, send to it and hear from it. */
export async function deploy(wallet, { abi, bytecode }, ...args) {
  const receipt = await mined(await wallet.deployContract({ abi, bytecode, args }));
  if (receipt.status !== "success") throw new Error(`deployment failed: ${receipt.transactionHash}`);
  return at(wallet, abi, getAddress(receipt.contractAddress));
}

/** The contract at an address: `read` calls, `send` simulates, sends and waits, `events` are those of a receipt. */
export const at = (wallet, abi, address) => ({
  abi,
  address,
  read: (functionName, ...args) => client.readContract({ address, abi, functionName, args }),
  send: async (functionName, ...args) => sendFrom(wallet, { abi, address, functionName, args }),
  sendAs: async (other, functionName, ...args) => sendFrom(other, { abi, address, functionName, args }),
});

async function sendFrom(wallet, call) {
  const { request } = await client.simulateContract({ ...call, account: wallet.account });
  const receipt = await mined(await wallet.writeContract(request));
  if (receipt.status !== "success") throw new Error(`${call.functionName} failed: ${receipt.transactionHash}`);
  return receipt;
}
