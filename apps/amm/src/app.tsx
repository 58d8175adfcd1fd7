// The page: a pool, what an account traded there and pays, and a swap.
import { useState } from "preact/hooks";
import { isAddress } from "viem";
import type { Follower } from "./follower";
import { amount, count, percent, price, short, withSymbol } from "./format";
import { tierOf } from "./pool";
import { Account } from "./account";
import { Card, Fields } from "./parts";
import { SwapForm } from "./swap-form";
import { useThemeToggle } from "./theme";

const STATUS = { connecting: "Connecting", live: "Live", unreachable: "No answer" };

export function App({ follower }: { follower: Follower }) {
  const { pool, signer } = follower;
  return (
    <>
      <Header follower={follower} />
      <main class={follower.status === "unreachable" ? "stale" : ""}>
        <h1>Dynamic-fee pool</h1>
        <p class="lead">
          The more you traded in the past month, the less a swap costs. The chain's own history proves it; a program
          checks the proof within the swap.
        </p>
        {pool ? (
          <div class="columns">
            <div>
              {!signer && <Account follower={follower} pool={pool} />}
              <SwapForm follower={follower} pool={pool} />
            </div>
            <div>
              {signer && <Account follower={follower} pool={pool} />}
              <Tiers follower={follower} />
              <PoolCard follower={follower} />
            </div>
          </div>
        ) : (
          <Chooser follower={follower} />
        )}
      </main>
    </>
  );
}

function Header({ follower }: { follower: Follower }) {
  const [theme, toggle] = useThemeToggle();
  const { pool, status } = follower;
  return (
    <header class="top">
      <a class="brand" href="/explorer" aria-label="InfinityVM explorer">
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <path d="M16 16c-2.6-3.8-4.7-5.4-7.3-5.4a5.4 5.4 0 0 0 0 10.8c2.6 0 4.7-1.6 7.3-5.4 2.6-3.8 4.7-5.4 7.3-5.4a5.4 5.4 0 0 1 0 10.8c-2.6 0-4.7-1.6-7.3-5.4Z" />
        </svg>
        <span>InfinityVM</span>
      </a>
      <span class="note">{pool ? `chain ${pool.chainId}` : ""}</span>
      <span class={`status ${status}`}><i aria-hidden="true" />{STATUS[status]}</span>
      <button type="button" class="theme" onClick={toggle} aria-label={theme === "dark" ? "Light colours" : "Dark colours"}>
        <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
          <circle class="ring" cx="10" cy="10" r="7" />
          <path class="half" d="M10 3a7 7 0 0 1 0 14Z" />
        </svg>
      </button>
    </header>
  );
}

function Chooser({ follower }: { follower: Follower }) {
  const [text, setText] = useState("");
  const address = text.trim();
  const good = isAddress(address, { strict: false });
  return (
    <Card id="chooser" title="Which pool?">
      <form class="chooser" onSubmit={(event) => { event.preventDefault(); if (good) location.hash = address; }}>
        <label class="grow">
          <span class="label">Address of a pool on this chain</span>
          <input
            type="text" class="mono" autocomplete="off" spellcheck={false} placeholder="0x…" value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={!good}>Open</button>
      </form>
      {follower.poolFault !== null && <p class="bad">There is no such pool here: {follower.poolFault}</p>}
      <p class="note">
        <code>ivm demo amm --rpc URL</code> makes one on a development chain, and prints its address.
      </p>
    </Card>
  );
}

function Tiers({ follower: { pool, holdings, history } }: { follower: Follower }) {
  if (!pool) return null;
  const reached = holdings && history ? tierOf(pool, holdings.volume - history.volumeThen) : null;
  return (
    <Card id="tiers" title="Fees" note="by volume in the window">
      <table>
        <thead>
          <tr><th scope="col">From</th><th scope="col" class="number">Fee</th></tr>
        </thead>
        <tbody>
          {pool.tiers.map((tier, index) => (
            <tr key={index} class={index === reached ? "reached" : ""} aria-current={index === reached}>
              <td>{withSymbol(tier.minVolume, pool.tokens[0])}</td>
              <td class="number">{percent(tier.feeMillionths)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function PoolCard({ follower: { pool, state, holdings } }: { follower: Follower }) {
  if (!pool) return null;
  const [token0, token1] = pool.tokens;
  const share = state && holdings && state.shares > 0n ? Number((holdings.shares * 1_000_000n) / state.shares) : 0;
  return (
    <Card id="pool" title="Pool" note={state ? `block ${count(state.block)}` : ""}>
      <Fields
        fields={[
          ["Address", <span class="mono" title={pool.address}>{short(pool.address)}</span>],
          [token0.symbol, state ? amount(state.reserves[0], token0) : "–"],
          [token1.symbol, state ? amount(state.reserves[1], token1) : "–"],
          ["Price", state ? `${price(state.reserves, pool.tokens)} ${token0.symbol} a ${token1.symbol}` : "–"],
          ["Your share", holdings ? percent(share) : "–"],
        ]}
      />
    </Card>
  );
}
