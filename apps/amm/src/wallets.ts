// Wallets in the browser: those that announce themselves (EIP-6963), or else the one that is just there (EIP-1193).

export interface Provider {
  request(request: { method: string; params?: unknown }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): unknown;
  removeListener?(event: string, listener: (value: unknown) => void): unknown;
}

export interface Wallet {
  /** What it calls itself; null for one that did not say. */
  name: string | null;
  provider: Provider;
}

/** Most wallets that are listed: any extension can announce as many as it likes. */
const MAX_WALLETS = 8;
const MAX_NAME_LENGTH = 40;

const announced = new Map<string, Wallet>();

/** What an announcement says, when it is one. Its icon is not shown: the page loads no images but its own. */
function walletOf(detail: unknown): [string, Wallet] | null {
  if (typeof detail !== "object" || detail === null) return null;
  const { info, provider } = detail as { info?: { uuid?: unknown; name?: unknown }; provider?: Provider };
  if (typeof info?.uuid !== "string" || typeof info.name !== "string" || typeof provider?.request !== "function") return null;
  return [info.uuid, { name: info.name.trim().slice(0, MAX_NAME_LENGTH) || null, provider }];
}

/** Asks wallets to announce themselves, now and later; `changed` is called when one did. */
export function findWallets(changed: () => void): void {
  addEventListener("eip6963:announceProvider", (event) => {
    const found = walletOf((event as CustomEvent<unknown>).detail);
    if (!found || announced.has(found[0]) || announced.size >= MAX_WALLETS) return;
    announced.set(...found);
    changed();
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
}

/** The wallets that there are. One that announces itself is often the one that is just there, too. */
export function wallets(): Wallet[] {
  if (announced.size > 0) return [...announced.values()];
  const { ethereum } = window as { ethereum?: Provider };
  return ethereum ? [{ name: null, provider: ethereum }] : [];
}
