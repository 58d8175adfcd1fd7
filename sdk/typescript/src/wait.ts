import { WaitTimeoutError } from "./errors.js";

/** How long something is waited for, and how often it is asked for. */
export type WaitOptions = {
  /** Milliseconds until a `WaitTimeoutError`; `Infinity` for never. */
  timeoutMs?: number | undefined;
  /** Milliseconds between questions; the client's `pollingInterval` when not given. */
  pollingIntervalMs?: number | undefined;
  /** Stops waiting, with the signal's reason. */
  signal?: AbortSignal | undefined;
};

/** Longest that a timer takes, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Asks until there is an answer other than `null`. */
export async function poll<value>(
  what: string,
  options: WaitOptions & { timeoutMs: number; pollingIntervalMs: number },
  ask: () => Promise<value | null>,
): Promise<value> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== null) return answer;
    const left = deadline - performance.now();
    if (left <= 0) throw new WaitTimeoutError(what, options.timeoutMs);
    await sleep(Math.min(options.pollingIntervalMs, left), options.signal);
  }
}

/** Waits; rejects with the signal's reason when that comes first. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      },
      Math.min(milliseconds, MAX_TIMER_MS),
    );
    signal?.addEventListener("abort", stop, { once: true });
  });
}
