// Values, as people read and write them.
import { formatUnits, parseUnits } from "viem";
import type { Token } from "./pool";

const integers = new Intl.NumberFormat("en");

export const count = (value: number | bigint): string => integers.format(value);

export const short = (hex: string): string => `${hex.slice(0, 6)}…${hex.slice(-4)}`;

/** Fewest digits that show an amount: six decimals of what is small, two of what is not. */
export function amount(value: bigint, token: Token): string {
  const [whole = "0", fraction = ""] = formatUnits(value, token.decimals).split(".");
  const decimals = fraction.slice(0, whole.length > 3 ? 2 : 6).replace(/0+$/, "");
  if (value > 0n && whole === "0" && decimals === "") return "<0.000001";
  return `${count(BigInt(whole))}${decimals && `.${decimals}`}`;
}

export const withSymbol = (value: bigint, token: Token): string => `${amount(value, token)} ${token.symbol}`;

/** A fee in millionths, as a percentage. */
export const percent = (feeMillionths: number): string => `${(feeMillionths / 10_000).toFixed(4).replace(/0{1,2}$/, "")} %`;

/** What was typed as an amount of a token; null when it is none. */
export function parseAmount(text: string, token: Token): bigint | null {
  const plain = text.trim().replaceAll(",", "");
  if (!/^\d{1,30}(\.\d*)?$/.test(plain)) return null;
  const [, fraction = ""] = plain.split(".");
  return fraction.length > token.decimals ? null : parseUnits(plain, token.decimals);
}

/** The price of the second token in the first, to two decimals. */
export function price(reserves: readonly [bigint, bigint], tokens: readonly [Token, Token]): string {
  if (reserves[1] === 0n) return "–";
  const hundredths =
    (reserves[0] * 100n * 10n ** BigInt(tokens[1].decimals)) / (reserves[1] * 10n ** BigInt(tokens[0].decimals));
  return `${count(hundredths / 100n)}.${String(hundredths % 100n).padStart(2, "0")}`;
}
