import type { Hash } from "viem";
import { getBlockNumber } from "viem/actions";
import { readJob } from "../read.js";
import type { AnyClient } from "../rpc.js";
import { serverSentEvents } from "../sse.js";
import type { JobInfo } from "../types.js";
import { sleep } from "../wait.js";
import { boundOf, fingerprint, getJob, isCertain, isIncluded, isOver, type JobCertainty } from "./jobs.js";

export type WatchJobParameters = {
  jobId: Hash;
  /** Is told the job as it is, then whenever it is not as before. */
  onJob: (job: JobInfo) => void;
  /**
   * Is told that the node does not know the job any more: a reorg took away the block that asked for it. Watching goes on,
   * as the request may come into another block.
   */
  onGone?: (() => void) | undefined;
  /**
   * How sure the job's end has to be for watching to end; `included` when not given. With `safe` or `finalized` a result
   * that a reorg takes away is told to be gone, and what follows it too.
   */
  until?: Exclude<JobCertainty, "executed"> | undefined;
  /** Is told what went wrong; watching goes on. */
  onError?: ((error: unknown) => void) | undefined;
  /** Is told that the job is over, and watching with it. */
  onEnd?: (() => void) | undefined;
  /** Where the node's REST interface is; the client's own address when not given and that is HTTP. */
  restUrl?: string | undefined;
  /** Asks again and again, without the node's stream of changes. */
  poll?: boolean | undefined;
  /** Milliseconds between questions; the client's `pollingInterval` when not given. */
  pollingIntervalMs?: number | undefined;
};

/** Milliseconds of silence after which a stream counts as broken. */
const STREAM_SILENCE_MS = 60_000;

/**
 * Tells a job's changes until it is over (delivered, its callback failed, cancelled, expired, refused) and that is as sure
 * as wanted, or the function returned is called.
 *
 * It listens to the node's server-sent events, and asks again and again where there are none. Every change is told, also
 * one to a state that was before: when a reorg takes a result away, `onJob` is told a job without it.
 */
export function watchJob(client: AnyClient, parameters: WatchJobParameters): () => void {
  const controller = new AbortController();
  const watch = new JobWatch(client, parameters, controller.signal);
  watch.run().then(
    () => parameters.onEnd?.(),
    (error) => {
      if (!controller.signal.aborted) parameters.onError?.(error);
    },
  );
  return () => controller.abort();
}

class JobWatch {
  readonly #client: AnyClient;
  readonly #parameters: WatchJobParameters;
  readonly #signal: AbortSignal;
  readonly #streamUrl: string | undefined;
  readonly #until: JobCertainty;
  /** The job as it was told last; empty when it is not known, or not any more. */
  #told = "";
  /** Whether the job is over, reorgs left aside. */
  #isOverForNow = false;
  /** A block that is not before the one that ended a job without a result. */
  #endedBy: bigint | null = null;
  #isOver = false;

  constructor(client: AnyClient, parameters: WatchJobParameters, signal: AbortSignal) {
    this.#client = client;
    this.#parameters = parameters;
    this.#signal = signal;
    this.#until = parameters.until ?? "included";
    this.#streamUrl = parameters.poll ? undefined : streamUrl(client, parameters);
  }

  /**
   * Tells changes until the job is over. A stream that ends early is opened again, one that never was is not. While a job
   * is over and not yet sure to be, there is nothing to stream.
   */
  async run(): Promise<void> {
    let streams = this.#streamUrl !== undefined;
    while (!this.#isOver) {
      if (streams && !this.#isOverForNow) streams = await this.#guarded(() => this.#follow(this.#streamUrl as string), true);
      if (!this.#isOver) await this.#guarded(() => this.#ask(), undefined);
      if (!this.#isOver) await sleep(this.#parameters.pollingIntervalMs ?? this.#client.pollingInterval, this.#signal);
    }
  }

  async #guarded<value>(work: () => Promise<value>, otherwise: value): Promise<value> {
    try {
      return await work();
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#parameters.onError?.(error);
      return otherwise;
    }
  }

  /** Tells what the stream says until it ends; gives whether the node has such streams. */
  async #follow(url: string): Promise<boolean> {
    const silence = new SilenceTimer(this.#signal);
    try {
      const response = await fetch(url, { headers: { accept: "text/event-stream" }, signal: silence.signal });
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
      if (!response.ok || !isStream || response.body === null) {
        await response.body?.cancel();
        return false;
      }
      for await (const { event, data } of serverSentEvents(silence.watch(chunksOf(response.body)))) {
        if (event === "state") this.#tell(readJob(JSON.parse(data)));
        if (this.#isOverForNow) break;
      }
      return true;
    } finally {
      silence.stop();
    }
  }

  async #ask(): Promise<void> {
    // The tag before the job: a result at or below it that is still there afterwards is one that the tag covers.
    const bound = this.#isOverForNow ? await boundOf(this.#client, this.#until) : null;
    const job = await getJob(this.#client, { jobId: this.#parameters.jobId });
    const head = job !== null && this.#needsHead(job) ? await getBlockNumber(this.#client, { cacheTime: 0 }) : null;
    this.#signal.throwIfAborted();
    if (job === null) return this.#tellGone();
    this.#tell(job);
    this.#endedBy ??= head;
    this.#isOver = this.#isOver || this.#isSure(job, bound);
  }

  /** Whether the job has ended without a result, in a block that is not known and not after the head. */
  #needsHead(job: JobInfo): boolean {
    return this.#until !== "included" && this.#endedBy === null && isOver(job) && !isIncluded(job);
  }

  /** Whether the end of the job is as sure as wanted, when blocks up to `bound` are. */
  #isSure(job: JobInfo, bound: bigint | null): boolean {
    if (!isOver(job)) return false;
    if (isIncluded(job)) return isCertain(job, this.#until, bound);
    // What was refused was never in a block.
    return job.state === "refused" || (bound !== null && this.#endedBy !== null && this.#endedBy <= bound);
  }

  #tell(job: JobInfo): void {
    const change = fingerprint(job);
    const changed = change !== this.#told;
    this.#told = change;
    this.#isOverForNow = isOver(job);
    if (changed) this.#endedBy = null;
    this.#isOver = this.#until === "included" && this.#isOverForNow;
    if (changed) this.#parameters.onJob(job);
  }

  #tellGone(): void {
    if (this.#told === "") return;
    this.#told = "";
    this.#isOverForNow = false;
    this.#endedBy = null;
    this.#parameters.onGone?.();
  }
}

/** A signal that is given when nothing came for too long, or when another is. */
class SilenceTimer {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #abort = () => this.#controller.abort(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    outer.addEventListener("abort", this.#abort, { once: true });
    this.#restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#restart();
      yield chunk;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }

  #restart(): void {
    clearTimeout(this.#timer);
    const silent = new Error(`the stream was silent for ${STREAM_SILENCE_MS} ms`);
    this.#timer = setTimeout(() => this.#controller.abort(silent), STREAM_SILENCE_MS);
  }
}

/** The chunks of a body; not all browsers can iterate over one. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function streamUrl(client: AnyClient, { restUrl, jobId }: WatchJobParameters): string | undefined {
  const own: unknown = client.transport["url"];
  const base = restUrl ?? (typeof own === "string" ? own : undefined);
  if (base === undefined || !/^https?:/.test(base)) return undefined;
  return new URL(`v1/jobs/${jobId}/events`, base.endsWith("/") ? base : `${base}/`).href;
}
