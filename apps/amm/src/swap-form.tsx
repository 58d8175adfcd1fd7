// A swap: what goes in, what would come out with the proof and without.
import { useState } from "preact/hooks";
import type { Follower } from "./follower";
import { amount, parseAmount, percent, withSymbol } from "./format";
import { Card, Fields } from "../../../web/src/parts";
import { type Pool, amountOut, tierOf } from "./pool";

export function SwapForm({ follower, pool }: { follower: Follower; pool: Pool }) {
  const { state, holdings, history, signer, busy, notice } = follower;
  const [zeroIn, setZeroIn] = useState(true);
  const [text, setText] = useState("");
  const [prove, setProve] = useState(true);
  const [tokenIn, tokenOut] = zeroIn ? pool.tokens : [pool.tokens[1], pool.tokens[0]];
  const held = holdings?.balances[zeroIn ? 0 : 1] ?? null;
  const given = text === "" ? 0n : parseAmount(text, tokenIn);

  const plainFee = holdings?.fee ?? pool.tiers[0]?.feeMillionths ?? 0;
  const provenFee = holdings && history
    ? pool.tiers[tierOf(pool, holdings.volume - history.volumeThen)]?.feeMillionths ?? plainFee
    : plainFee;
  const proof = prove && history && provenFee < plainFee ? history : null;
  const outAt = (fee: number): bigint | null => (state && given ? amountOut(state, zeroIn, given, fee) : null);
  const [plainOut, provenOut] = [outAt(plainFee), outAt(provenFee)];
  const expected = proof ? provenOut : plainOut;

  const fault = given === null
    ? "This is no amount of this token."
    : signer && held !== null && given > held ? `You have ${withSymbol(held, tokenIn)}.` : null;
  const ready = signer && given && expected && !fault && !busy;
  return (
    <Card id="swap" title="Swap">
      <form
        class="swap"
        onSubmit={(event) => {
          event.preventDefault();
          if (!ready) return;
          // What was refused can be tried again, and what was typed meanwhile stays.
          const clear = (done: boolean) => done && setText((now) => (now === text ? "" : now));
          void follower.swap(zeroIn, given, expected, proof).then(clear);
        }}
      >
        <div class="field">
          <label for="amount" class="label">You give</label>
          <div class="amount-box">
            <input
              id="amount" type="text" inputmode="decimal" autocomplete="off" placeholder="0" value={text}
              aria-invalid={fault !== null} aria-describedby="amount-note"
              onInput={(event) => setText(event.currentTarget.value)}
            />
            <span class="symbol">{tokenIn.symbol}</span>
          </div>
          <span id="amount-note" class={fault ? "bad" : "note"}>
            {fault ?? (held === null ? " " : `You have ${withSymbol(held, tokenIn)}.`)}
          </span>
        </div>
        <button
          type="button" class="turn" onClick={() => { setZeroIn(!zeroIn); setText(""); }}
          aria-label={`Swap ${tokenOut.symbol} for ${tokenIn.symbol} instead`}
        >
          ⇅
        </button>
        <div class="field">
          <span class="label">You get</span>
          <output class="amount-box" for="amount">
            <span class="out">{expected ? amount(expected, tokenOut) : "0"}</span>
            <span class="symbol">{tokenOut.symbol}</span>
          </output>
        </div>
        <label class="check">
          <input type="checkbox" checked={prove} onChange={(event) => setProve(event.currentTarget.checked)} />
          <span>Prove my volume, where that lowers the fee</span>
        </label>
        <Fields
          fields={[
            ["Fee of this swap", <strong>{percent(proof ? provenFee : plainFee)}</strong>],
            ["The proof gains you", proof && provenOut && plainOut ? withSymbol(provenOut - plainOut, tokenOut) : "–"],
            ["Size of the proof", proof ? `${(proof.proof.length - 2) / 2} bytes` : "–"],
          ]}
        />
        <button type="submit" class="primary wide" disabled={!ready}>
          {!signer ? "Connect an account to swap" : busy ? "Swapping …" : "Swap"}
        </button>
      </form>
      <p class={`notice ${notice?.kind ?? "none"}`} role="status">{notice?.text ?? ""}</p>
    </Card>
  );
}
