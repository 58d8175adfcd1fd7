// What went wrong, in words: reverts of the contracts by their errors, everything else as it says itself.
import { BaseError, type Hex, decodeErrorResult, hexToString, isHex } from "viem";
import { jobManagerAbi, poolAbi, tokenAbi } from "./abi.gen";

const MAX_LENGTH = 300;

/** What a wallet says when its owner does not want to (EIP-1193). */
const USER_REFUSED = 4001;

/** Data of a revert, wherever in the chain of causes it is. */
function revertData(error: unknown): Hex | null {
  for (let cause = error, depth = 0; cause && depth < 10; cause = (cause as { cause?: unknown }).cause, depth += 1) {
    const { data } = cause as { data?: unknown };
    const found = typeof data === "object" && data !== null ? (data as { data?: unknown }).data : data;
    if (isHex(found) && found.length >= 10) return found;
  }
  return null;
}

function named(data: Hex): string | null {
  try {
    const { errorName, args } = decodeErrorResult({ abi: [...poolAbi, ...jobManagerAbi, ...tokenAbi], data });
    if (errorName === "FeeProofRejected") return `The proof was refused: ${hexToString(args[0]).slice(0, MAX_LENGTH)}`;
    const values = ((args ?? []) as readonly unknown[]).map(String).join(", ");
    return `Refused: ${errorName}(${values})`.slice(0, MAX_LENGTH);
  } catch {
    return null;
  }
}

export function wordsOf(error: unknown): string {
  const data = revertData(error);
  const known = data && named(data);
  if (known) return known;
  // Wallets throw errors, or things that look like them.
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === USER_REFUSED) return "You refused it in the wallet.";
  // What the node said, where it was the node.
  const said = error instanceof BaseError ? error.details || error.shortMessage : message;
  return (typeof said === "string" && said ? said : "It failed, and nobody said why.").slice(0, MAX_LENGTH);
}
