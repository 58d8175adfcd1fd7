// Values, as people read them.
import { type Hex, formatEther, hexToBytes } from "viem";

const integers = new Intl.NumberFormat("en");

export const count = (value: number | bigint): string => integers.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** The first and last digits of a hash. */
export const short = (hex: string, digits = 4): string =>
  hex.length <= 2 * digits + 3 ? hex : `${hex.slice(0, 2 + digits)}…${hex.slice(-digits)}`;

/** Wei as ether, with at most four decimals; what is less than that says so. */
export function ether(wei: bigint): string {
  const [whole = "0", fraction = ""] = formatEther(wei).split(".");
  const decimals = fraction.slice(0, 4).replace(/0+$/, "");
  if (wei > 0n && whole === "0" && decimals === "") return "<0.0001 ETH";
  return `${count(BigInt(whole))}${decimals && `.${decimals}`} ETH`;
}

/** Where a slashed bond goes. */
export function sharesOf(slash: { challengerWei: bigint; proverWei: bigint; burnedWei: bigint }): string {
  const shares: [bigint, string][] = [
    [slash.challengerWei, "to the challenger"], [slash.proverWei, "to the prover"], [slash.burnedWei, "burned"],
  ];
  return shares.filter(([wei]) => wei > 0n).map(([wei, what]) => `${ether(wei)} ${what}`).join(", ");
}

export const clock = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "–" : date.toLocaleTimeString("en-GB");
};

export const dateTime = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "–";
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
};

export function duration(seconds: number): string {
  if (seconds < 1) return "<1 s";
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Most bytes of a value that are shown. */
const SHOWN_BYTES = 512;

/** Bytes as hex, cut where they are long, and as text where they are that. */
export function bytes(value: Hex): { hex: string; text: string | null; size: number } {
  const size = (value.length - 2) / 2;
  const hex = size > SHOWN_BYTES ? `${value.slice(0, 2 + 2 * SHOWN_BYTES)}…` : value;
  return { hex, size, text: size > 0 && size <= SHOWN_BYTES ? textOf(value) : null };
}

function textOf(value: Hex): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(hexToBytes(value));
    return /^[\P{C}\n\t]*$/u.test(text) ? text : null;
  } catch {
    return null;
  }
}
