// Who trades, and what they traded.
import { useState } from "preact/hooks";
import { wordsOf } from "./errors";
import type { Follower } from "./follower";
import { count, percent, short, withSymbol } from "./format";
import { Card, Fields } from "../../../web/src/parts";
import { type Pool, tierOf } from "./pool";
import { nodeSigner, walletSigner } from "./signer";
import { type Wallet, wallets } from "./wallets";

export function Account({ follower, pool }: { follower: Follower; pool: Pool }) {
  const { signer, holdings, history } = follower;
  if (!signer) return <Connect follower={follower} pool={pool} />;
  const volume = holdings && history ? holdings.volume - history.volumeThen : null;
  const proven = volume === null ? null : pool.tiers[tierOf(pool, volume)];
  return (
    <Card
      id="account" title="You"
      note={<button type="button" class="link" onClick={() => follower.use(null)}>Disconnect</button>}
    >
      <Fields
        fields={[
          ["Account", <><span class="mono" title={signer.address}>{short(signer.address)}</span> <span class="note">{signer.name}</span></>],
          ["Volume, ever", holdings ? withSymbol(holdings.volume, pool.tokens[0]) : "–"],
          ["Volume that counts", volume === null ? "–" : withSymbol(volume, pool.tokens[0])],
          ["Since", history ? `the end of block ${count(history.blockNumber)}` : "–"],
          ["Fee without a proof", holdings ? percent(holdings.fee) : "–"],
          ["Fee with your proof", proven ? <strong>{percent(proven.feeMillionths)}</strong> : "–"],
        ]}
      />
      {holdings && history && proven && proven.feeMillionths < holdings.fee && (
        <button type="button" class="wide" disabled={follower.busy} onClick={() => void follower.refresh(history)}>
          Have it for swaps without a proof
        </button>
      )}
      {holdings && !history && <p class="note">Nobody swapped in this window yet: there is no past to prove.</p>}
    </Card>
  );
}

/** Uses a wallet's account, and the one that it moves to after that. What was said last stays, unless that fails. */
async function connect(follower: Follower, pool: Pool, wallet: Wallet): Promise<void> {
  const moved = (to: string | null) => {
    follower.use(null);
    if (to === null) follower.say({ kind: "wait", text: "The wallet was disconnected." });
    else void connect(follower, pool, wallet);
  };
  try {
    follower.use(await walletSigner(wallet, follower.rpc, pool.chainId, moved));
  } catch (error) {
    follower.say({ kind: "bad", text: wordsOf(error) });
  }
}

function Connect({ follower, pool }: { follower: Follower; pool: Pool }) {
  const [which, setWhich] = useState(0);
  const found = wallets();
  const account = follower.nodeAccounts[which];
  return (
    <Card id="account" title="You">
      <div class="connect">
        {found.map((wallet, index) => (
          <button key={index} type="button" class="primary" onClick={() => { follower.say(null); void connect(follower, pool, wallet); }}>
            Connect {wallet.name ?? "wallet"}
          </button>
        ))}
        {found.length === 0 && <button type="button" class="primary" disabled>No wallet in this browser</button>}
        {account && (
          <div class="dev">
            <label class="grow">
              <span class="label">or a key of this development chain, known to everyone</span>
              <select value={which} onChange={(event) => setWhich(Number(event.currentTarget.value))}>
                {follower.nodeAccounts.map((address, index) => <option key={address} value={index}>{index}: {short(address)}</option>)}
              </select>
            </label>
            <button type="button" onClick={() => follower.use(nodeSigner(follower.rpc, account))}>Use</button>
          </div>
        )}
      </div>
    </Card>
  );
}
