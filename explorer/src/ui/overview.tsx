// The first view: both chains, what is asked of them, and what is disputed.
import type { ComponentChildren } from "preact";
import { clock, count, duration, ether, plural } from "../format";
import type { Claim } from "../execution";
import { type Challenge, challengeKey } from "../settlement";
import { ForkCard } from "./fork";
import { Card } from "../../../web/src/parts";
import { Badge, Countdown, Hash, Rows, useFollower } from "./parts";
import { Strip } from "./strip";
import { ChallengeBadge, JobBadge, blockState, describe } from "./words";

const BLOCK_ROWS = 8;
const JOB_ROWS = 8;
const EVENT_ROWS = 12;
const CHALLENGE_ROWS = 10;

export function Overview() {
  const { settlement, settles } = useFollower();
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <Stats />
      <Card id="chains" title="Chains"><Strip /></Card>
      {settlement?.forks.map((fork) => <ForkCard key={fork.hash} fork={fork} />)}
      <div class="columns">
        <Jobs />
        <Claims />
      </div>
      {settles && (
        <div class="columns">
          <Challenges />
          <Events />
        </div>
      )}
      <div class="columns">
        <ExecutionBlocks />
        {settles && <SettlementBlocks />}
      </div>
      {settles && <Bonds />}
    </>
  );
}

function Stat({ name, value, note }: { name: string; value: ComponentChildren; note: ComponentChildren }) {
  return (
    <div class="stat">
      <dt>{name}</dt>
      <dd><span class="value">{value}</span><span class="note">{note}</span></dd>
    </div>
  );
}

function Stats() {
  const { execution, settlement, settles } = useFollower();
  const there = execution.blocks.length > 0;
  const height = (value: number) => (there ? count(value) : "–");
  const behind = (value: number) => (there ? (value < execution.latest ? `${count(execution.latest - value)} behind` : "at the head") : "");
  const open = settlement?.challenges().filter(({ state }) => state === "open").length ?? 0;
  return (
    <dl class="stats">
      <Stat name="Latest" value={height(execution.latest)} note="execution" />
      <Stat name="Safe" value={height(execution.safe)} note={behind(execution.safe)} />
      <Stat name="Finalized" value={height(execution.finalized)} note={behind(execution.finalized)} />
      {settles && (
        <>
          <Stat
            name="Settlement"
            value={settlement?.head ? count(settlement.head) : "–"}
            note={settlement?.blockSeconds ? `a block every ${settlement.blockSeconds.toFixed(1)} s` : ""}
          />
          <Stat
            name="Open challenges"
            value={settlement?.parameters ? count(open) : "–"}
            note={settlement?.parameters ? `${count(settlement.parameters.challengePeriodBlocks)}-block period` : ""}
          />
          <Stat name="Burned" value={settlement?.parameters ? ether(settlement.burnedWei).replace(" ETH", "") : "–"} note="ETH of bonds" />
        </>
      )}
    </dl>
  );
}

function ExecutionBlocks() {
  const follower = useFollower();
  const { execution } = follower;
  const rows = execution.blocks.slice(-BLOCK_ROWS).reverse().map((block) => {
    const { name, tone } = blockState(follower, block.number);
    return (
      <li key={block.hash}>
        <a class="row block-row" href={`#/block/${block.hash}`}>
          <span class="strong">{count(block.number)}</span>
          <Hash value={block.hash} />
          <span class="note">{plural(block.transactions, "tx", "txs")}</span>
          <span class="note time">{clock(block.timestamp)}</span>
          <Badge tone={tone}>{name}</Badge>
        </a>
      </li>
    );
  });
  return (
    <Card id="execution-blocks" title="Execution blocks">
      <Rows label="Newest execution blocks" rows={rows} least={BLOCK_ROWS} class="fixed" />
    </Card>
  );
}

function SettlementBlocks() {
  const { settlement } = useFollower();
  const ordered = new Map<number, number>();
  for (const { block, number } of settlement?.proposals.values() ?? []) ordered.set(block, number);
  const rows = (settlement?.blocks ?? []).slice(-BLOCK_ROWS).reverse().map((block) => (
    <li key={block.hash}>
      <a class="row block-row" href={`#/settlement/${block.number}`}>
        <span class="strong">{count(block.number)}</span>
        <Hash value={block.hash} />
        <span class="note">{plural(block.transactions, "tx", "txs")}</span>
        <span class="note time">{clock(block.timestamp)}</span>
        <span class="note end">{ordered.has(block.number) ? `orders ${count(ordered.get(block.number) ?? 0)}` : "orders none"}</span>
      </a>
    </li>
  ));
  return (
    <Card id="settlement-blocks" title="Settlement blocks">
      <Rows label="Newest settlement blocks" rows={rows} least={BLOCK_ROWS} class="fixed" />
    </Card>
  );
}

function Jobs() {
  const { execution, openJobs } = useFollower();
  const rows = execution.jobs().slice(0, JOB_ROWS).map((job) => (
    <li key={job.id}>
      <a class="row job-row" href={`#/job/${job.id}`}>
        <Hash value={job.id} digits={5} />
        <span class="note">
          {job.requestedBlock === null ? "" : `asked in ${count(job.requestedBlock)}`}
        </span>
        <span class="note program">{job.programId && <>program <Hash value={job.programId} digits={3} /></>}</span>
        <JobBadge state={job.state === "pending" ? (openJobs.get(job.id) ?? "pending") : job.state} />
      </a>
    </li>
  ));
  return (
    <Card id="jobs" title="Jobs">
      <Rows label="Newest jobs" rows={rows} least={4}>
        {execution.blocks.length > 0 && <>No job yet. A contract asks for one with <code>requestJob</code>.</>}
      </Rows>
    </Card>
  );
}

/** What can become of a claim, or has. */
export function ClaimStatus({ claim }: { claim: Pick<Claim, "block" | "blockHash" | "jobId" | "abandoned"> }) {
  const follower = useFollower();
  const { execution, settlement } = follower;
  if (!settlement) return <Badge>Posted</Badge>;
  const mine = settlement.challenges().filter((one) => one.blockHash === claim.blockHash && one.jobId === claim.jobId);
  const verdict = mine.find((one) => one.verdict)?.verdict;
  if (verdict?.state === "refuted") return <Badge tone="bad">Refuted</Badge>;
  if (verdict?.state === "lapsed") return <Badge tone="bad">Not proven</Badge>;
  if (claim.abandoned) return <Badge>Left the chain</Badge>;
  if (verdict?.state === "confirmed") return <Badge tone="good">Proven</Badge>;
  if (mine.some(({ state }) => state === "open")) return <Badge tone="wait">Challenged</Badge>;
  if (claim.block <= execution.finalized) return <Badge tone="good">Final</Badge>;
  const proposal = settlement.proposals.get(claim.blockHash);
  if (!proposal || !settlement.parameters) return <Badge>Posted</Badge>;
  const until = proposal.block + settlement.parameters.challengePeriodBlocks;
  if (settlement.head >= until) return <Badge>Undisputed</Badge>;
  const seconds = settlement.secondsUntil(until);
  return (
    <span class="note end">
      open for {count(until - settlement.head)}{seconds === null ? " blocks" : ` · ${duration(seconds)}`}
    </span>
  );
}

function Claims() {
  const { execution } = useFollower();
  const rows = execution.claims().slice(0, JOB_ROWS).map((claim) => (
    <li key={claim.blockHash + claim.jobId}>
      <a class={`row claim-row ${claim.abandoned ? "gone" : ""}`} href={`#/claim/${claim.blockHash}/${claim.jobId}`}>
        <span class="strong">{count(claim.block)}</span>
        <span><span class="note wide">outcome </span><Hash value={claim.outcomeHash} digits={4} /></span>
        <span class="note cycles">{count(claim.cycles)} cycles</span>
        <ClaimStatus claim={claim} />
      </a>
    </li>
  ));
  return (
    <Card id="claims" title="Claims">
      <Rows label="Newest claims" rows={rows} least={4}>
        {execution.blocks.length > 0 && "No claim yet. A proposer posts one for each outcome."}
      </Rows>
    </Card>
  );
}

export function ChallengeLeft({ challenge }: { challenge: Challenge }) {
  const { settlement } = useFollower();
  const overdue = settlement !== null && settlement.head > challenge.deadlineBlock;
  return (
    <>
      {challenge.state === "open" && !overdue && <Countdown from={challenge.openedBlock} until={challenge.deadlineBlock} />}
      <ChallengeBadge challenge={challenge} overdue={overdue} />
    </>
  );
}

function Challenges() {
  const { settlement } = useFollower();
  const ready = settlement !== null && settlement.head > 0;
  const rows = (settlement?.challenges() ?? []).slice(0, CHALLENGE_ROWS).map((challenge) => {
    const { claimId, challenger, kind, jobId } = challenge;
    return (
      <li key={challengeKey(challenge)}>
        <a class="row challenge-row" href={`#/challenge/${claimId}/${challenger}/${kind}`}>
          <span class="strong kind-name">{kind}</span>
          <span class="note">job <Hash value={jobId} digits={3} /></span>
          <span class="note by">by <Hash value={challenger} digits={3} /></span>
          <span class="end-group"><ChallengeLeft challenge={challenge} /></span>
        </a>
      </li>
    );
  });
  return (
    <Card id="challenges" title="Challenges">
      <Rows label="Newest challenges" rows={rows} least={4}>
        {ready && "No challenge. Anyone can dispute a claim until its challenge period is over."}
      </Rows>
    </Card>
  );
}

function Events() {
  const { settlement } = useFollower();
  const events = (settlement?.events ?? []).filter(({ eventName }) => eventName !== "ClaimChallenged" && eventName !== "Burned");
  const rows = events.slice(-EVENT_ROWS).reverse().map((event) => {
    const { tone, title, text } = describe(event);
    return (
      <li key={`${event.block}/${event.logIndex}`}>
        <a class="row event-row" href={`#/settlement/${event.block}`}>
          <i class={`mark ${tone}`} aria-hidden="true" />
          <span class="event-text"><span class="strong">{title}</span> <span class="note">{text}</span></span>
          <span class="note">{count(event.block)}</span>
        </a>
      </li>
    );
  });
  return (
    <Card id="verdicts" title="Verdicts and bonds">
      <Rows label="Newest verdicts and movements of bonds" rows={rows} least={4}>
        {settlement !== null && settlement.head > 0 && "No verdict and no slash so far."}
      </Rows>
    </Card>
  );
}

function Bonds() {
  const { settlement } = useFollower();
  const rows = (settlement?.accounts ?? []).map((account) => (
    <li key={account.address}>
      <div class="row bond-row">
        <Hash value={account.address} digits={6} />
        <span class="role">
          {account.role !== "proposer"
            ? <Badge>{account.role === "prover" ? "Prover" : "Challenger"}</Badge>
            : <Badge tone={account.state === "jailed" ? "bad" : account.state === "active" ? "good" : "plain"}>Proposer, {account.state}</Badge>}
        </span>
        <span class="amount"><span class="note">bond</span> {ether(account.bondWei)}</span>
        <span class="amount"><span class="note">to withdraw</span> {ether(account.balanceWei)}</span>
      </div>
    </li>
  ));
  return (
    <Card id="bonds" title="Bonds">
      <Rows label="Bonds and balances" rows={rows} least={2}>{settlement?.parameters && "Nobody has a bond."}</Rows>
    </Card>
  );
}
