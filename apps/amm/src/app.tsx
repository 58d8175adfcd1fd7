// The page: a pool, what an account traded there and pays, and a swap.
import { useState } from "preact/hooks";
import { isAddress } from "viem";
import type { Follower } from "./follower";
import { amount, count, percent, price, short, withSymbol } from "./format";
import { tierOf } from "./pool";
import { Account } from "./account";
import { Brand, Card, Fields, ThemeButton } from "../../../web/src/parts";
import { SwapForm } from "./swap-form";

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
  const { pool, status } = follower;
  return (
    <header class="top">
      <Brand href="/explorer" label="InfinityVM explorer" />
      <span class="note">{pool ? `chain ${pool.chainId}` : ""}</span>
      <span class={`status ${status}`}><i aria-hidden="true" />{STATUS[status]}</span>
      <ThemeButton />
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
