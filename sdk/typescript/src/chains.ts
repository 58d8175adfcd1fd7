import type { Chain } from "viem";
import { jobManagerAddress, programRegistryAddress } from "./abi.gen.js";

/** The contracts that genesis places on every InfinityVM chain, as a chain definition names them. */
export const infinityvmContracts = {
  jobManager: { address: jobManagerAddress },
  programRegistry: { address: programRegistryAddress },
} as const;

/** The chain of `ivm dev`, at its default address. */
export const ivmDev = {
  id: 4956,
  name: "InfinityVM development",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: ["http://127.0.0.1:8545"], webSocket: ["ws://127.0.0.1:8545"] } },
  blockExplorers: { default: { name: "Explorer", url: "http://127.0.0.1:8545/explorer" } },
  contracts: infinityvmContracts,
  blockTime: 200,
  testnet: true,
} as const satisfies Chain;
