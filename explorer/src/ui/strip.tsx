// Both chains at a glance: one cell for each of the newest blocks.
import { useFollower, useWidth } from "./parts";

const CELL = 9;
const STEP = 12;
const LANE_HEIGHT = 30;

/** Settlement events that mark their block. */
const MARKS: Record<string, string> = {
  ClaimChallenged: "wait",
  ClaimDecided: "bad",
  BlockInvalidated: "bad",
  ProposerSlashed: "bad",
};

export function Strip() {
  const { execution, settlement, settles } = useFollower();
  const [box, width] = useWidth();
  const cells = Math.max(1, Math.floor((width + STEP - CELL) / STEP));
  const disputed = new Set((settlement?.challenges() ?? []).filter(({ state }) => state === "open").map((one) => one.blockHash));
  const claimed = new Set(execution.claims().map(({ blockHash }) => blockHash));
  const marks = new Map<number, string>();
  for (const { block, eventName } of settlement?.events ?? []) {
    const mark = MARKS[eventName];
    if (mark && marks.get(block) !== "bad") marks.set(block, mark);
  }
  const lanes = [
    {
      name: "Execution",
      cells: execution.blocks.slice(-cells).map(({ number, hash }) => ({
        key: hash,
        class: disputed.has(hash) ? "wait" : number <= execution.finalized ? "final" : number <= execution.safe ? "safe" : "new",
        dot: claimed.has(hash),
      })),
    },
    {
      name: "Settlement",
      cells: (settlement?.blocks ?? []).slice(-cells).map(({ number, hash }) => ({
        key: hash,
        class: marks.get(number) ?? "final",
        dot: false,
      })),
    },
  ].slice(0, settles ? 2 : 1);
  return (
    <div class="strip">
      {lanes.map((lane, index) => (
        <div key={lane.name}>
          <p class="lane-name">{lane.name}</p>
          <div ref={index === 0 ? box : null} class="lane">
            <svg width="100%" height={LANE_HEIGHT / 2} role="img" aria-label={`Newest blocks of the ${lane.name.toLowerCase()} chain`}>
              {lane.cells.map((cell, place) => {
                const x = place * STEP;
                return (
                  <g key={cell.key}>
                    <rect class={`cell ${cell.class}`} x={x} y={2} width={CELL} height={CELL + 2} rx={2} />
                    {cell.dot && <circle class={`dot ${cell.class}`} cx={x + CELL / 2} cy={7.5} r={1.8} />}
                  </g>
                );
              })}
            </svg>
          </div>
        </div>
      ))}
      <ul class="legend">
        <li><i class="cell-key new" />Latest</li>
        <li><i class="cell-key safe" />Safe</li>
        <li><i class="cell-key final" />Final</li>
        <li><i class="cell-key dot-key" />Has claims</li>
        <li><i class="cell-key wait" />Challenged</li>
        <li><i class="cell-key bad" />Verdict</li>
      </ul>
    </div>
  );
}
