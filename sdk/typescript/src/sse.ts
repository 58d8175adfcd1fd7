/** An event of a stream of server-sent events. */
export type ServerSentEvent = { event: string; data: string };

/** Longest line and longest event, in characters: a job with the largest output is 130,000. */
const MAX_EVENT_LENGTH = 1 << 20;

/**
 * The events of a stream, by the rules of the HTML standard: lines end with any of its three ends, comments are passed
 * over, an event that the end of the stream cut off is dropped.
 *
 * @throws {RangeError} when an event is longer than a mebibyte: nothing without bound is kept.
 */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A return at the end may be half of a line's end.
    const complete = rest.endsWith("\r") ? rest.length - 1 : rest.length;
    const lines = rest.slice(0, complete).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? "") + rest.slice(complete);
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { event: event || "message", data: data.join("\n") };
        event = "";
        data = [];
        length = 0;
        continue;
      }
      const { field, value } = fieldOf(line);
      if (field === "event") event = value;
      if (field === "data") data.push(value);
      length += line.length;
      if (length > MAX_EVENT_LENGTH) throw tooLong();
    }
    if (rest.length > MAX_EVENT_LENGTH) throw tooLong();
  }
}

function fieldOf(line: string): { field: string; value: string } {
  const colon = line.indexOf(":");
  if (colon < 0) return { field: line, value: "" };
  return { field: line.slice(0, colon), value: line.slice(colon + 1).replace(/^ /, "") };
}

const tooLong = () => new RangeError(`a server-sent event is over ${MAX_EVENT_LENGTH} characters`);
