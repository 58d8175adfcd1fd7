// Who signs: a wallet in the browser (EIP-1193), or a development node with keys that everyone knows.
import { type Hex, isAddress, numberToHex } from "viem";
import type { Rpc } from "../../../web/src/rpc";
import type { Provider, Wallet } from "./wallets";

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
  /** Lets go of what it listens to. */
  release?(): void;
}

/** What a wallet says of a chain that it does not know (EIP-3085). */
const UNKNOWN_CHAIN = 4902;

/** Has the wallet use this chain, and know of it first. */
async function switchChain(wallet: Provider, chainId: number, url: string): Promise<void> {
  const id = numberToHex(chainId);
  const current = async () => Number(await wallet.request({ method: "eth_chainId" }));
  if ((await current()) === chainId) return;
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
  const now = await current();
  if (now !== chainId) throw new Error(`The wallet is on chain ${now}, expected ${chainId}.`);
}

/** The first of the accounts that a wallet names: the one that it uses. */
function firstAccount(accounts: unknown): Hex | null {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : null;
  return typeof first === "string" && isAddress(first, { strict: false }) ? (first as Hex) : null;
}

/** The account that a wallet gives, on this chain. `moved` is told when the wallet uses another, or none. */
export async function walletSigner(
  { provider: wallet, name }: Wallet,
  rpc: Rpc,
  chainId: number,
  moved: (to: Hex | null) => void,
): Promise<Signer> {
  const address = firstAccount(await wallet.request({ method: "eth_requestAccounts" }));
  if (!address) throw new Error("The wallet gave no account.");
  await switchChain(wallet, chainId, rpc.url);
  const isOurs = (account: Hex | null) => account?.toLowerCase() === address.toLowerCase();
  const listener = (accounts: unknown) => {
    const account = firstAccount(accounts);
    if (!isOurs(account)) moved(account);
  };
  wallet.on?.("accountsChanged", listener);
  return {
    address,
    name: name ?? "wallet",
    release: () => wallet.removeListener?.("accountsChanged", listener),
    send: async (call) => {
      // The wallet may have been moved to another account, whose owner did not ask for this.
      const account = firstAccount(await wallet.request({ method: "eth_accounts" }));
      if (!isOurs(account)) throw new Error(`The wallet uses ${account ?? "no account"} now, not ${address}: nothing was sent.`);
      // Or to another chain, where the same address is something else.
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
