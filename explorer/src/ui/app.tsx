// The frame: header, banners, and the view that the address names.
import { useEffect, useRef, useState } from "preact/hooks";
import { isHash } from "viem";
import type { Follower } from "../follower";
import { count, short } from "../format";
import { Brand, ThemeButton } from "../../../web/src/parts";
import { BlockView, SettlementBlockView } from "./block-views";
import { ChallengeView, ClaimView, JobView } from "./job-views";
import { Overview } from "./overview";
import { FollowerContext } from "./parts";

/** Most refused blocks that the banner names. */
const MAX_REFUSED = 3;

function useRoute(): string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const moved = () => setRoute(read());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return route;
}

export function App({ follower }: { follower: Follower }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const path = route.join("/");
  const first = useRef(true);
  useEffect(() => {
    const [view, one = ""] = route;
    document.title = view ? `${view} ${short(one.slice(0, 80))} · InfinityVM explorer` : "InfinityVM explorer";
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    main.current?.querySelector("h1")?.focus({ preventScroll: true });
  }, [path]);
  return (
    <FollowerContext.Provider value={follower}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to content</a>
      <Header follower={follower} />
      <Banners follower={follower} />
      <main ref={main} tabIndex={-1} class={follower.status === "unreachable" ? "stale" : ""}><View route={route} /></main>
      <footer class="foot">
        {follower.node?.clientVersion.slice(0, 60) ?? ""}
      </footer>
    </FollowerContext.Provider>
  );
}

function View({ route: [view, ...rest] }: { route: string[] }) {
  const [one = "", two = "", three = ""] = rest;
  switch (view) {
    case undefined: return <Overview />;
    case "block": return <BlockView at={one} />;
    case "settlement": return <SettlementBlockView at={one} />;
    case "job": return <JobView id={one} />;
    case "claim": return <ClaimView block={one} job={two} />;
    case "challenge": return <ChallengeView claim={one} challenger={two} kind={three} />;
    default: return <p class="empty">There is no such page. <a href="#/">Overview</a></p>;
  }
}

const STATUS = { connecting: "Connecting", live: "Live", unreachable: "No answer" };

function Header({ follower }: { follower: Follower }) {
  return (
    <header class="top">
      <Brand href="#/" label="InfinityVM explorer: overview" />
      <span class="chain-id note">{follower.node ? `chain ${Number(follower.node.chainId)}` : ""}</span>
      <Search follower={follower} />
      <span class={`status ${follower.status}`} role="status"><i aria-hidden="true" /><span>{STATUS[follower.status]}</span></span>
      <ThemeButton />
    </header>
  );
}

/** Finds a block by its height, and blocks and jobs by their hashes. */
async function find({ rpc, settlementRpc }: Follower, text: string): Promise<string | null> {
  const there = (answer: unknown) => answer !== null;
  if (/^\d{1,15}$/.test(text)) return `#/block/${text}`;
  if (!isHash(text)) return null;
  const [job, block, receipt, settlementBlock] = await Promise.all([
    rpc.request("ivm_getJob", text).catch(() => null),
    rpc.request("eth_getBlockByHash", text, false),
    rpc.request<{ blockHash: string } | null>("eth_getTransactionReceipt", text),
    settlementRpc?.request<{ number: string } | null>("eth_getBlockByHash", text, false).catch(() => null) ?? null,
  ]);
  if (there(job)) return `#/job/${text}`;
  if (there(block)) return `#/block/${text}`;
  if (receipt) return `#/block/${receipt.blockHash}`;
  return settlementBlock ? `#/settlement/${Number(settlementBlock.number)}` : null;
}

function Search({ follower }: { follower: Follower }) {
  const [nothing, setNothing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? "";
    if (text === "") return;
    const found = await find(follower, text).catch(() => null);
    setNothing(found === null);
    if (found === null || !input.current) return;
    input.current.value = "";
    location.hash = found;
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <input
        ref={input} type="search" placeholder="Block, job or transaction" aria-label="Block number, or hash of a block, job or transaction"
        autocomplete="off" spellcheck={false} maxLength={80} aria-invalid={nothing} onInput={() => setNothing(false)}
      />
      {nothing && <span class="nothing" role="alert">Nothing found</span>}
    </form>
  );
}

function Banners({ follower }: { follower: Follower }) {
  const refused = follower.info?.refused ?? [];
  return (
    <div class="banners">
      {follower.status === "unreachable" && (
        <p class="banner bad" role="alert">
          <strong>{follower.problem ? "The node answers with an error." : "The node does not answer."}</strong>{" "}
          {follower.problem} {follower.node ? "What you see is from before." : ""} Trying again…
        </p>
      )}
      {follower.status === "live" && follower.settlementStatus === "unreachable" && (
        <p class="banner wait" role="alert">
          <strong>The settlement chain does not answer</strong> at port {Number(follower.info?.rpcPort)}. Trying again…
        </p>
      )}
      {refused.length > 0 && (
        <div class="banner bad" role="alert">
          <strong>
            {refused.length === 1 ? "This node refuses a block" : `This node refuses ${count(refused.length)} blocks`}
          </strong>
          <ul>
            {refused.slice(-MAX_REFUSED).reverse().map(({ blockHash, number, reason, ordered }) => (
              <li key={blockHash}>
                <a href={`#/block/${blockHash}`}>Block {count(Number(number))} <span class="mono">{short(blockHash)}</span></a>
                {ordered ? ", ordered all the same: " : ", kept from being ordered: "}
                <span class="reason">{reason.slice(0, 300)}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

