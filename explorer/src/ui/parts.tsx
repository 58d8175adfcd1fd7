// The parts that views are made of. Text from a chain only ever becomes text.
import type { ComponentChildren, JSX } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { createContext } from "preact";
import type { Follower } from "../follower";
import { bytes, count, duration, plural, short } from "../format";

export const FollowerContext = createContext<Follower | null>(null);

export function useFollower(): Follower {
  const follower = useContext(FollowerContext);
  if (!follower) throw new Error("a view outside the page");
  return follower;
}

export type Tone = "plain" | "good" | "wait" | "bad";

export const Badge = ({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>{children}</span>
);

/** A hash or an address, shortened. */
export const Hash = ({ value, digits = 4 }: { value: string; digits?: number }) => (
  <span class="mono" title={value}>{short(value, digits)}</span>
);

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

/** A list whose rows stay where they are while somebody points at them or is in them, so that they can be clicked. */
export function Rows(props: {
  label: string;
  rows: JSX.Element[];
  /** For how many rows there is room from the start. */
  least: number;
  class?: string;
  /** What is said when there are none. */
  children?: ComponentChildren;
}) {
  const [held, setHeld] = useState(false);
  const shown = useRef(props.rows);
  if (!held) shown.current = props.rows;
  return (
    <div
      class={`rows-box ${held ? "held" : ""}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={(event) => setHeld(event.currentTarget.contains(document.activeElement))}
      onFocusIn={() => setHeld(true)}
      onFocusOut={(event) => setHeld(event.currentTarget.contains(event.relatedTarget as Node | null))}
    >
      <div class={`room ${props.class ?? ""}`} style={{ "--least": String(props.least) }}>
        {shown.current.length > 0
          ? <ul class="rows" aria-label={props.label}>{shown.current}</ul>
          : <Empty>{props.children}</Empty>}
      </div>
      <span class="held-note" aria-hidden="true">paused</span>
    </div>
  );
}

/** Most rows of a list in a detail view. */
export const MAX_SHOWN = 100;

/** Names and values of a detail view. */
/** A hash in full, as part of a detail view. */
export const Full = ({ value }: { value: string }) => <span class="mono full">{value}</span>;

/** Bytes that somebody chose: as text where they are text, and as hex. */
export function Bytes({ value }: { value: `0x${string}` }) {
  const { hex, text, size } = bytes(value);
  return (
    <div class="bytes">
      {text !== null && <pre class="text">{text}</pre>}
      <span class="mono full">{hex}</span>
      <span class="note">{plural(size, "byte")}</span>
    </div>
  );
}

/** What is left until a settlement block: in blocks, in seconds, and drawn. */
export function Countdown({ from, until }: { from: number; until: number }) {
  const { settlement } = useFollower();
  if (!settlement) return null;
  const left = Math.max(0, until - settlement.head + 1);
  const seconds = settlement.secondsUntil(until + 1);
  const part = Math.min(1, left / Math.max(1, until - from + 1));
  return (
    <span class="countdown">
      <span class="bar" aria-hidden="true"><span style={{ width: `${(part * 100).toFixed(1)}%` }} /></span>
      <span class="countdown-text">
        {left === 0 ? "deadline passed" : `${plural(left, "block")} left`}
        {left > 0 && seconds !== null && <span class="note"> · {duration(seconds)}</span>}
      </span>
    </span>
  );
}

/** Something that a detail view asks the node for, again and again. */
export type Fetched<T> = { state: "loading" } | { state: "failed"; error: string } | { state: "there"; value: T };

/** Asks when `key` changes, and then every `everyMs`. */
export function useFetched<T>(key: string, ask: () => Promise<T>, everyMs = 2_000): Fetched<T> {
  const [fetched, setFetched] = useState<{ key: string; is: Fetched<T> }>({ key, is: { state: "loading" } });
  // The question of the newest drawing: what it asks about may have changed.
  const question = useRef(ask);
  question.current = ask;
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      try {
        const value = await question.current();
        if (!over) setFetched({ key, is: { state: "there", value } });
      } catch (error) {
        // What was there stays: the page says above that the node is gone.
        const failed: Fetched<T> = { state: "failed", error: error instanceof Error ? error.message : String(error) };
        if (!over) setFetched((was) => (was.key === key && was.is.state === "there" ? was : { key, is: failed }));
      }
      if (!over) timer = setTimeout(look, everyMs);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [key]);
  return fetched.key === key ? fetched.is : { state: "loading" };
}

/** A page of its own about one thing. */
export function Detail<T>(props: {
  kind: string;
  title: ComponentChildren;
  fetched: Fetched<T | null>;
  missing: string;
  children: (value: T) => ComponentChildren;
}) {
  const { fetched } = props;
  return (
    <article class="detail">
      <p class="back"><a href="#/">← Overview</a></p>
      <h1 tabIndex={-1}><span class="kind">{props.kind}</span> {props.title}</h1>
      {fetched.state === "loading" && <div class="card skeleton" aria-label="Loading" />}
      {fetched.state === "failed" && <div class="card"><Empty>The node did not answer: {fetched.error.slice(0, 200)}</Empty></div>}
      {fetched.state === "there" && fetched.value === null && <div class="card"><Empty>{props.missing}</Empty></div>}
      {fetched.state === "there" && fetched.value !== null && props.children(fetched.value)}
    </article>
  );
}

export const gasShare = (used: number, limit: number): string =>
  `${count(used)} (${limit > 0 ? ((100 * used) / limit).toFixed(1) : "0"}%)`;

/** The width of an element, as it changes. */
export function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
