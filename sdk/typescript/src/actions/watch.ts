import type { Hash } from "viem";
import { readJob } from "../read.js";
import type { AnyClient } from "../rpc.js";
import { serverSentEvents } from "../sse.js";
import type { JobInfo } from "../types.js";
import { sleep } from "../wait.js";
import { fingerprint, getJob, isOver } from "./jobs.js";

export type WatchJobParameters = {
  jobId: Hash;
  /** Is told the job as it is, then whenever it is not as before. */
  onJob: (job: JobInfo) => void;
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
 * Tells a job's changes until it is over (delivered, its callback failed, cancelled, expired, refused) or the function
 * returned is called.
 *
 * It listens to the node's server-sent events, and asks again and again where there are none. A result that a reorg
 * takes away after the job was over is not told: `waitForJob` waits until that cannot happen.
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
  #told = "";
  #isOver = false;

  constructor(client: AnyClient, parameters: WatchJobParameters, signal: AbortSignal) {
    this.#client = client;
    this.#parameters = parameters;
    this.#signal = signal;
    this.#streamUrl = parameters.poll ? undefined : streamUrl(client, parameters);
  }

  /** Tells changes until the job is over. A stream that ends early is opened again, one that never was is not. */
  async run(): Promise<void> {
    let streams = this.#streamUrl !== undefined;
    while (!this.#isOver) {
      if (streams) streams = await this.#guarded(() => this.#follow(this.#streamUrl as string), true);
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
        if (this.#isOver) break;
      }
      return true;
    } finally {
      silence.stop();
    }
  }

  async #ask(): Promise<void> {
    const job = await getJob(this.#client, { jobId: this.#parameters.jobId });
    this.#signal.throwIfAborted();
    if (job !== null) this.#tell(job);
  }

  #tell(job: JobInfo): void {
    this.#isOver = isOver(job);
    const change = fingerprint(job);
    if (change === this.#told) return;
    this.#told = change;
    this.#parameters.onJob(job);
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
