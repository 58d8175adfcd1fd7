// Who signs: a wallet in the browser (EIP-1193), or a development node with keys that everyone knows.
import { type Hex, isAddress, numberToHex } from "viem";
import type { Rpc } from "./rpc";

/** A transaction that calls a contract. */
export interface Call {
  to: Hex;
  data: Hex;
  /** Wei that go with it. */
  value?: Hex;
}

export interface Signer {
  address: Hex;
  name: string;
  send(call: Call): Promise<Hex>;
}

interface Provider {
  request(request: { method: string; params?: unknown }): Promise<unknown>;
}

const provider = (): Provider | null => (window as { ethereum?: Provider }).ethereum ?? null;

export const hasWallet = (): boolean => provider() !== null;

/** What a wallet says of a chain that it does not know (EIP-3085). */
const UNKNOWN_CHAIN = 4902;

/** Has the wallet use this chain, and know of it first. */
async function switchChain(wallet: Provider, chainId: number, url: string): Promise<void> {
  const id = numberToHex(chainId);
  if ((await wallet.request({ method: "eth_chainId" })) === id) return;
  const change = () => wallet.request({ method: "wallet_switchEthereumChain", params: [{ chainId: id }] });
  try {
    await change();
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNKNOWN_CHAIN) throw error;
    const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
    const chain = { chainId: id, chainName: `InfinityVM ${chainId}`, nativeCurrency, rpcUrls: [url] };
    await wallet.request({ method: "wallet_addEthereumChain", params: [chain] });
    await change();
  }
}

/** The account that the browser's wallet gives, on this chain. */
export async function walletSigner(rpc: Rpc, chainId: number): Promise<Signer> {
  const wallet = provider();
  if (!wallet) throw new Error("there is no wallet in this browser");
  const accounts = await wallet.request({ method: "eth_requestAccounts" });
  const address: unknown = Array.isArray(accounts) ? accounts[0] : null;
  if (typeof address !== "string" || !isAddress(address, { strict: false })) throw new Error("the wallet gave no account");
  await switchChain(wallet, chainId, rpc.url);
  return {
    address,
    name: "wallet",
    send: async (call) => {
      // The wallet may have been moved to another chain, where the same address is something else.
      await switchChain(wallet, chainId, rpc.url);
      const params = [{ from: address, chainId: numberToHex(chainId), ...call }];
      return (await wallet.request({ method: "eth_sendTransaction", params })) as Hex;
    },
  };
}

/** Accounts whose keys the node itself has: those of a development chain, known to everyone. */
export const nodeAccounts = (rpc: Rpc): Promise<Hex[]> => rpc.request<Hex[]>("eth_accounts").catch(() => []);

export const nodeSigner = (rpc: Rpc, address: Hex): Signer => ({
  address,
  name: "development key",
  send: (call) => rpc.request<Hex>("eth_sendTransaction", { from: address, ...call }),
});
