import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type JobInfo, watchJob } from "../src/index.js";
import { serverSentEvents } from "../src/sse.js";
import { delivered, fakeClient, hashOf, jobJson } from "./setup.js";

const jobId = hashOf("11");

async function* bytes(...chunks: string[]) {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk);
}

async function eventsOf(...chunks: string[]) {
  const events = [];
  for await (const event of serverSentEvents(bytes(...chunks))) events.push(event);
  return events;
}

test("events are read however they are cut and whatever ends their lines", async () => {
  const text = ": hello\n\nevent: state\ndata: one\ndata:  two\n\ndata: é\r\n\r\nevent: x\rdata\r\r";
  const expected = [
    { event: "state", data: "one\n two" },
    { event: "message", data: "é" },
    { event: "x", data: "" },
  ];
  assert.deepEqual(await eventsOf(text, "\n"), expected);
  assert.deepEqual(await eventsOf(...text, "\n"), expected);
});

test("an event that is cut off is dropped, and one without end is refused", async () => {
  assert.deepEqual(await eventsOf("data: one\n\ndata: tw"), [{ event: "message", data: "one" }]);
  await assert.rejects(eventsOf(`data: ${"x".repeat(1 << 20)}`), RangeError);
  await assert.rejects(
    eventsOf(...("data: xxxxxxxxxxxxxxxxxxx\n".repeat(1 << 16).match(/[^]{4096}/g) as string[])),
    RangeError,
  );
});

/** A node's REST interface that answers each request for a stream with the next of these. */
async function withStreams(
  answers: ((response: ServerResponse) => void)[],
  use: (url: string, paths: string[]) => Promise<void>,
) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    const answer = answers[Math.min(paths.length, answers.length) - 1];
    answer?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const stream =
  (jobs: Record<string, unknown>[], end = true) =>
  (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const job of jobs) response.write(`event: state\ndata: ${JSON.stringify(job)}\n\n`);
    if (end) response.end();
  };

/** States told until watching ends. */
function watched(client: ReturnType<typeof fakeClient>, restUrl: string) {
  const states: string[] = [];
  const errors: unknown[] = [];
  const onJob = ({ state }: JobInfo) => states.push(state);
  const ended = new Promise<void>((resolve) => {
    watchJob(client, { jobId, restUrl, onJob, onError: (error) => errors.push(error), onEnd: resolve });
  });
  return ended.then(() => ({ states, errors }));
}

test("changes come from the stream, and the job is not asked for", async () => {
  const jobs = [jobJson(), jobJson({ state: "executing" }), jobJson(delivered(9))];
  await withStreams([stream(jobs, false)], async (url, paths) => {
    assert.deepEqual(await watched(fakeClient({}), url), { states: ["pending", "executing", "delivered"], errors: [] });
    assert.deepEqual(paths, [`/v1/jobs/${jobId}/events`]);
  });
});

test("a stream that ends early is opened again", async () => {
  const client = fakeClient({ ivm_getJob: () => jobJson({ state: "executing" }) });
  await withStreams([stream([jobJson()]), stream([jobJson(delivered(9))])], async (url, paths) => {
    assert.deepEqual(await watched(client, url), { states: ["pending", "executing", "delivered"], errors: [] });
    assert.equal(paths.length, 2);
  });
});

test("a node without streams is asked again and again", async () => {
  const jobs = [null, jobJson(), jobJson({ state: "expired" })];
  const client = fakeClient({ ivm_getJob: () => jobs.shift() });
  await withStreams(
    [(response) => response.writeHead(405).end("Used HTTP Method is not allowed")],
    async (url, paths) => {
      assert.deepEqual(await watched(client, url), { states: ["pending", "expired"], errors: [] });
      assert.equal(paths.length, 1);
    },
  );
});

test("garbage in the stream is told as an error, and watching goes on", async () => {
  const garbage = (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end("event: state\ndata: {\n\n");
  };
  const client = fakeClient({ ivm_getJob: () => jobJson() });
  await withStreams([garbage, stream([jobJson(delivered(9))])], async (url) => {
    const { states, errors } = await watched(client, url);
    assert.deepEqual(states, ["pending", "delivered"]);
    assert.equal(errors.length, 1);
  });
});

test("watching stops when told to, without an error", async () => {
  await withStreams([stream([jobJson()], false)], async (url) => {
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      const stop = watchJob(fakeClient({}), {
        jobId,
        restUrl: url,
        onJob: ({ state }) => {
          told.push(state);
          stop();
          setTimeout(resolve, 20);
        },
        onError: (error) => told.push(String(error)),
        onEnd: () => told.push("end"),
      });
    });
    assert.deepEqual(told, ["pending"]);
  });
});

/** What is told until watching ends, a block's number with each result. */
function toldUntil(client: ReturnType<typeof fakeClient>, until: "safe" | "finalized", restUrl?: string) {
  const told: string[] = [];
  return new Promise<string[]>((resolve, reject) => {
    watchJob(client, {
      jobId,
      until,
      restUrl,
      onJob: ({ state, resultBlock }) => told.push(`${state} ${resultBlock ?? ""}`.trim()),
      onGone: () => told.push("gone"),
      onError: reject,
      onEnd: () => resolve(told),
    });
  });
}

/** A node that answers with these, one after the other, and then with the last again and again. */
function answersOf(jobs: (Record<string, unknown> | null)[], blocks: Record<string, number[]>) {
  const next = <value>(list: value[]) => (list.length > 1 ? list.shift() : list[0]) as value;
  const hex = (list: number[] | undefined) => `0x${next(list ?? []).toString(16)}`;
  return fakeClient({
    ivm_getJob: () => next(jobs),
    eth_blockNumber: () => hex(blocks["latest"]),
    eth_getBlockByNumber: ([tag]) => ({ number: hex(blocks[tag as string]), transactions: [] }),
  });
}

test("a result that a reorg takes away is told to be gone, and watching goes on until the next is sure", async () => {
  const jobs = [jobJson(), jobJson(delivered(9)), jobJson(delivered(9)), jobJson(), jobJson(delivered(11))];
  const client = answersOf(jobs, { finalized: [8, 8, 10, 10, 11] });
  assert.deepEqual(await toldUntil(client, "finalized"), ["pending", "delivered 9", "pending", "delivered 11"]);
});

test("a job whose request a reorg takes away is told to be gone", async () => {
  const jobs = [jobJson(delivered(9)), null, null, jobJson(), jobJson(delivered(12))];
  const client = answersOf(jobs, { safe: [8, 12] });
  assert.deepEqual(await toldUntil(client, "safe"), ["delivered 9", "gone", "pending", "delivered 12"]);
});

test("another result in the same state is told", async () => {
  const other = { ...delivered(9), outcome: { status: "success", data: "0x2b", hash: hashOf("99") } };
  const client = answersOf([jobJson(delivered(9)), jobJson(other)], { safe: [8, 8, 8, 9] });
  assert.deepEqual(await toldUntil(client, "safe"), ["delivered 9", "delivered 9"]);
});

test("a job that ended without a result is watched until that is sure", async () => {
  const jobs = [jobJson({ state: "expired" }), jobJson(), jobJson({ state: "expired" })];
  const client = answersOf(jobs, { latest: [20, 22], finalized: [19, 19, 21, 22] });
  assert.deepEqual(await toldUntil(client, "finalized"), ["expired", "pending", "expired"]);
  const refused = answersOf([jobJson({ state: "refused" })], { latest: [20], finalized: [0] });
  assert.deepEqual(await toldUntil(refused, "finalized"), ["refused"], "it was never in a block");
});

test("a stream is opened again when its last state was not the last", async () => {
  const jobs = [jobJson(delivered(9)), jobJson()];
  const client = answersOf(jobs, { safe: [8, 8, 12] });
  await withStreams([stream([jobJson(delivered(9))]), stream([jobJson(), jobJson(delivered(12))])], async (url, paths) => {
    jobs.push(jobJson(delivered(12)));
    assert.deepEqual(await toldUntil(client, "safe", url), ["delivered 9", "pending", "delivered 12"]);
    assert.equal(paths.length, 2);
  });
});
