// A fork, drawn: what left the chain, greyed, and what came in its place.
import type { Fork } from "../forks";
import { count, ether, plural, sharesOf, short } from "../format";
import { Hash, useFollower, useWidth } from "./parts";

const BOX_WIDTH = 76;
const BOX_HEIGHT = 42;
const NARROW_BOX_WIDTH = 62;
const TOP = 26;
const LOWER = 104;
const HEIGHT = 172;

/** What a verdict says of a false claim. */
function reasonOf(state: string | undefined): string {
  if (state === "refuted") return "A proof shows another outcome than the one it claims.";
  if (state === "lapsed") return "Nobody could prove the outcome it claims.";
  return "One of its claims is false.";
}

export function ForkCard({ fork }: { fork: Fork }) {
  const follower = useFollower();
  const { settlement } = follower;
  if (!settlement) return null;
  const verdict = settlement.verdict(fork.claimId);
  const challenge = settlement.challenges().find(({ claimId }) => claimId === fork.claimId);
  const invalidated = settlement.invalidation(fork.hash);
  const slash = settlement.events.find(
    (event) => event.eventName === "ProposerSlashed" && event.transactionHash === invalidated?.transactionHash,
  );
  return (
    <section class="card fork" aria-label={`Fork at block ${fork.number}`}>
      <header class="card-head">
        <h2>Block {count(fork.number)} held a false claim and left the chain</h2>
        <span class="note"><a href={`#/settlement/${fork.block}`}>settlement block {count(fork.block)}</a></span>
      </header>
      <div class="fork-body"><p class="fork-text">
        {reasonOf(verdict?.state)}{" "}
        {challenge && <>The claim was about <a href={`#/claim/${fork.hash}/${challenge.jobId}`}>job <Hash value={challenge.jobId} /></a>. </>}
        {plural(fork.depth, "block")} left with it.
        {slash?.eventName === "ProposerSlashed" && (
          <> Its proposer <Hash value={slash.args.proposer} /> lost <strong>{ether(slash.args.bondWei)}</strong>: {sharesOf(slash.args)}.</>
        )}
      </p>
      <Drawing fork={fork} reason={verdict?.state === "lapsed" ? "not proven" : "refuted"} /></div>
    </section>
  );
}

interface Box {
  x: number;
  y: number;
  number: number;
  hash: string | null;
  tone: string;
}

function Drawing({ fork, reason }: { fork: Fork; reason: string }) {
  const { execution } = useFollower();
  const [element, width] = useWidth();
  const narrow = width < 560;
  const boxWidth = narrow ? NARROW_BOX_WIDTH : BOX_WIDTH;
  // Parent, first of each branch, and its newest; the gap between the latter two stands for what is not drawn.
  const first = narrow ? boxWidth + 28 : boxWidth + 72;
  const last = Math.max(first + boxWidth + 40, width - boxWidth - 11);
  const kept = execution.latest >= fork.number && fork.replacement;
  const at = (number: number) => execution.blocks.find((block) => block.number === number)?.hash ?? null;
  const boxes: Box[] = [
    { x: 1, y: TOP, number: fork.number - 1, hash: at(fork.number - 1), tone: "kept" },
    { x: first, y: LOWER, number: fork.number, hash: fork.hash, tone: "lie" },
  ];
  if (fork.depth > 1) boxes.push({ x: last, y: LOWER, number: fork.tip.number, hash: fork.tip.hash, tone: "gone" });
  if (kept && fork.replacement) {
    boxes.push({ x: first, y: TOP, number: fork.number, hash: fork.replacement.hash, tone: "kept" });
    const { latest } = execution;
    if (latest > fork.number) boxes.push({ x: last, y: TOP, number: latest, hash: at(latest), tone: "kept" });
  }
  const middle = (y: number) => y + BOX_HEIGHT / 2;
  const turn = boxWidth + (first - boxWidth) / 2;
  const between = (hidden: number) => (hidden > 0 ? `+${count(hidden)}` : "");
  const gap = (first + boxWidth + last) / 2;
  const label =
    `Block ${fork.number} and ${plural(fork.depth - 1, "block")} after it left the chain, which went on from block ${fork.number - 1}`;
  return (
    <div ref={element} class="drawing">
      {width > 0 && (
        <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label}>
          <text class="lane-label" x={first} y={14}>The chain now</text>
          <text class="lane-label" x={narrow ? 1 : first} y={LOWER + BOX_HEIGHT + 20}>Left the chain: {plural(fork.depth, "block")}, {reason}</text>
          <path
            class="edge gone"
            d={`M${boxWidth + 1} ${middle(TOP)}H${turn - 8}q8 0 8 8V${middle(LOWER) - 8}q0 8 8 8H${first}`}
          />
          {kept && <path class="edge" d={`M${boxWidth + 1} ${middle(TOP)}H${first}`} />}
          {fork.depth > 1 && <path class="edge gone" d={`M${first + boxWidth} ${middle(LOWER)}H${last}`} />}
          {fork.depth > 2 && <Gap x={gap} y={middle(LOWER)} text={between(fork.depth - 2)} />}
          {kept && execution.latest > fork.number && <path class="edge" d={`M${first + boxWidth} ${middle(TOP)}H${last}`} />}
          {kept && execution.latest > fork.number + 1 && (
            <Gap x={gap} y={middle(TOP)} text={between(execution.latest - fork.number - 1)} />
          )}
          {boxes.map((box) => <BlockBox key={`${box.tone}${box.number}${box.y}`} box={box} width={boxWidth} />)}
        </svg>
      )}
    </div>
  );
}

const Gap = ({ x, y, text }: { x: number; y: number; text: string }) => (
  <g>
    <rect class="gap" x={x - 4 * text.length - 4} y={y - 9} width={8 * text.length + 8} height={18} />
    <text class="gap-text" x={x} y={y + 4} text-anchor="middle">{text}</text>
  </g>
);

const BlockBox = ({ box, width }: { box: Box; width: number }) => (
  <a href={`#/block/${box.hash ?? box.number}`} aria-label={`Block ${box.number}`}>
    <g class={`block-box ${box.tone}`}>
      <rect x={box.x} y={box.y} width={width} height={BOX_HEIGHT} rx={6} />
      <text class="number" x={box.x + width / 2} y={box.y + (box.hash ? 18 : 26)} text-anchor="middle">{count(box.number)}</text>
      {box.hash && <text class="hash" x={box.x + width / 2} y={box.y + 33} text-anchor="middle">{short(box.hash, 2)}</text>}
      {box.tone === "lie" && (
        <g class="cross">
          <circle cx={box.x + width - 2} cy={box.y + 2} r={8} />
          <path d={`M${box.x + width - 5} ${box.y - 1}l6 6m0-6l-6 6`} />
        </g>
      )}
    </g>
  </a>
);
