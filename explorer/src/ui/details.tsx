// Views of one thing each.
import { type Hex, isAddress, isHash } from "viem";
import { JOB_MANAGER, type JobEvent, toJobEvent } from "../execution";
import type { JobInfo } from "../follower";
import { count, dateTime, ether, plural, short } from "../format";
import { type RawBlock, type RawLog, type RawTransaction, logsBetween, quantity } from "../rpc";
import { BLOCK_STATES, type Challenge, challengeKey, toSettlementEvent } from "../settlement";
import { settlementAbi } from "../abi.gen";
import { ChallengeLeft, ClaimStatus } from "./overview";
import { Badge, Bytes, Countdown, Detail, Empty, Fields, Full, Hash, Section, gasShare, useFetched, useFollower } from "./parts";
import { JobBadge, blockState, describe, kindInWords } from "./words";

/** Most transactions and logs of a block that are shown. */
const MAX_SHOWN = 100;

interface Receipt {
  logs: RawLog[];
}

const Transactions = ({ block }: { block: RawBlock }) => {
  const transactions = block.transactions.slice(0, MAX_SHOWN) as RawTransaction[];
  const more = block.transactions.length - transactions.length;
  return (
    <Section id="transactions" title="Transactions" note={count(block.transactions.length)}>
      {transactions.length === 0 ? <Empty>None.</Empty> : (
        <ul class="rows" aria-label="Transactions">
          {transactions.map(({ hash, from, to, value }) => (
            <li key={hash}>
              <div class="row transaction-row">
                <Hash value={hash} digits={6} />
                <span class="note"><Hash value={from} /> → {to ? <Hash value={to} /> : "new contract"}</span>
                <span class="end">{ether(BigInt(value))}</span>
              </div>
            </li>
          ))}
        </ul>
      )}
      {more > 0 && <p class="empty">and {count(more)} more</p>}
    </Section>
  );
};

/** A block of the execution chain, by its height or its hash: blocks that left the chain have only the latter. */
export function BlockView({ at }: { at: string }) {
  const follower = useFollower();
  const { rpc, settlement, settlementRpc, info } = follower;
  const fetched = useFetched(`block ${at} ${settlement?.contract ?? ""}`, async () => {
    const isNumber = /^\d{1,15}$/.test(at);
    if (!isNumber && !isHash(at)) return null;
    const block = await rpc.request<RawBlock | null>(
      isNumber ? "eth_getBlockByNumber" : "eth_getBlockByHash", isNumber ? quantity(Number(at)) : at, true,
    );
    if (!block) return null;
    const [receipts, canonical, settled] = await Promise.all([
      rpc.request<Receipt[] | null>("eth_getBlockReceipts", block.hash).catch(() => null),
      rpc.request<RawBlock | null>("eth_getBlockByNumber", block.number, false),
      settlement && settlementRpc ? settlementRpc.read(settlementAbi, settlement.contract, "blockInfo", [block.hash]) : null,
    ]);
    const logs = (receipts ?? []).flatMap((receipt) => receipt.logs);
    const events = logs.filter(({ address }) => address === JOB_MANAGER).map(toJobEvent);
    const claims = events.filter((event) => event?.eventName === "ClaimPosted");
    return { block, claims, settled, isCanonical: canonical?.hash === block.hash };
  });
  const title = fetched.state === "there" && fetched.value ? count(Number(fetched.value.block.number)) : isHash(at) ? short(at) : at.slice(0, 16);
  return (
    <Detail kind="Execution block" title={title} fetched={fetched} missing="The node knows no such block.">
      {({ block, claims, settled, isCanonical }) => {
        const number = Number(block.number);
        const refusal = info?.refused.find(({ blockHash }) => blockHash === block.hash);
        const invalidated = settlement?.invalidation(block.hash) ?? null;
        const state = blockState(follower, number);
        return (
          <>
            {refusal && <p class="alarm" role="alert"><strong>This node refuses the block:</strong> {refusal.reason}</p>}
            {!isCanonical && (
              <p class="alarm" role="status">
                <strong>{invalidated ? "This block held a false claim." : "This block left the chain."}</strong>{" "}
                {invalidated
                  ? <>It left the chain in <a href={`#/settlement/${invalidated.block}`}>settlement block {count(invalidated.block)}</a>.</>
                  : "It was built on one that left."}{" "}
                <a href={`#/block/${number}`}>See what the chain has at this height.</a>
              </p>
            )}
            <section class="card">
              <Fields fields={[
                ["State", isCanonical ? <Badge tone={state.tone}>{state.name}</Badge> : <Badge tone="bad">Left the chain</Badge>],
                ["Hash", <Full value={block.hash} />],
                ["Parent", <a href={`#/block/${block.parentHash}`}><Full value={block.parentHash} /></a>],
                ["Time", dateTime(Number(block.timestamp))],
                ["Proposer", <Full value={block.miner} />],
                ["Gas used", gasShare(Number(block.gasUsed), Number(block.gasLimit))],
                ["Size", plural(Number(block.size), "byte")],
                ["State root", <Full value={block.stateRoot} />],
                ...(settled && settled.proposedAtBlock > 0n
                  ? [
                      ["Ordered in", <a href={`#/settlement/${settled.proposedAtBlock}`}>settlement block {count(settled.proposedAtBlock)}</a>],
                      ["On settlement", <span class="capital">{BLOCK_STATES[settled.state] ?? "unknown"}</span>],
                    ] as [string, preact.ComponentChildren][]
                  : []),
              ]} />
            </section>
            <Section id="block-claims" title="Claims" note={count(claims.length)}>
              {claims.length === 0 ? <Empty>This block claims nothing.</Empty> : (
                <ul class="rows" aria-label="Claims of this block">
                  {claims.slice(0, MAX_SHOWN).map((event) => event?.eventName === "ClaimPosted" && (
                    <li key={event.logIndex}>
                      <a class="row claim-row" href={`#/claim/${block.hash}/${event.args.jobId}`}>
                        <span class="note">job <Hash value={event.args.jobId} /></span>
                        <span><span class="note wide">outcome </span><Hash value={event.args.outcomeHash} digits={4} /></span>
                        <span class="note cycles">{count(event.args.cycles)} cycles</span>
                        <ClaimStatus claim={{ block: number, blockHash: block.hash, jobId: event.args.jobId, abandoned: !isCanonical }} />
                      </a>
                    </li>
                  ))}
                </ul>
              )}
            </Section>
            <Transactions block={block} />
          </>
        );
      }}
    </Detail>
  );
}

/** A block of the settlement chain. */
export function SettlementBlockView({ at }: { at: string }) {
  const { settlement, settlementRpc } = useFollower();
  const fetched = useFetched(`settlement ${at} ${settlement?.contract ?? ""}`, async () => {
    if (!settlement || !settlementRpc || !/^\d{1,15}$/.test(at)) return null;
    const number = Number(at);
    const [block, logs] = await Promise.all([
      settlementRpc.request<RawBlock | null>("eth_getBlockByNumber", quantity(number), true),
      logsBetween(settlementRpc, settlement.contract, number, number).catch(() => []),
    ]);
    return block && { block, events: logs.map(toSettlementEvent).filter((event) => event !== null) };
  });
  return (
    <Detail kind="Settlement block" title={/^\d{1,15}$/.test(at) ? count(Number(at)) : "?"} fetched={fetched} missing="The settlement chain has no such block.">
      {({ block, events }) => (
        <>
          <section class="card">
            <Fields fields={[
              ["Hash", <Full value={block.hash} />],
              ["Parent", <a href={`#/settlement/${Number(block.number) - 1}`}><Full value={block.parentHash} /></a>],
              ["Time", dateTime(Number(block.timestamp))],
              ["Gas used", gasShare(Number(block.gasUsed), Number(block.gasLimit))],
            ]} />
          </section>
          <Section id="settlement-events" title="What happened" note={count(events.length)}>
            {events.length === 0 ? <Empty>Nothing.</Empty> : (
              <ul class="rows" aria-label="Events of this block">
                {events.slice(0, MAX_SHOWN).map((event) => {
                  const { tone, title, text, href } = eventInWords(event);
                  const content = (
                    <>
                      <i class={`mark ${tone}`} aria-hidden="true" />
                      <span class="event-text"><span class="strong">{title}</span> <span class="note">{text}</span></span>
                    </>
                  );
                  return (
                    <li key={event.logIndex}>
                      {href ? <a class="row event-row" href={href}>{content}</a> : <div class="row event-row">{content}</div>}
                    </li>
                  );
                })}
              </ul>
            )}
          </Section>
          <Transactions block={block} />
        </>
      )}
    </Detail>
  );
}

function eventInWords(event: NonNullable<ReturnType<typeof toSettlementEvent>>): ReturnType<typeof describe> {
  const { eventName, args } = event;
  if (eventName === "BlockProposed") {
    return { tone: "plain", title: `Block ${count(args.number)} proposed`, text: `by ${short(args.proposer)}`, href: `#/block/${args.hash}` };
  }
  if (eventName === "BlockFinalized") {
    return { tone: "good", title: `Block ${count(args.number)} is final`, text: "", href: `#/block/${args.hash}` };
  }
  return describe(event);
}

/** The logs of a job, oldest first. */
async function eventsOf(rpc: ReturnType<typeof useFollower>["rpc"], job: JobInfo, latest: number): Promise<JobEvent[]> {
  const from = Number(job.requestedBlock);
  const logs = await logsBetween(rpc, JOB_MANAGER, from, Math.min(latest, from + 9_999), [null, job.jobId]);
  return logs.map(toJobEvent).filter((event) => event !== null);
}

const STEPS: Partial<Record<JobEvent["eventName"], string>> = {
  JobRequested: "Requested",
  ClaimPosted: "Outcome claimed",
  JobDelivered: "Delivered to its consumer",
  ConsumerWithoutCode: "Its consumer has no code",
  ResultSkipped: "Result passed over",
  JobCancelled: "Cancelled",
  JobExpired: "Expired",
};

export function JobView({ id }: { id: string }) {
  const { rpc, execution, settlement } = useFollower();
  const fetched = useFetched(`job ${id}`, async () => {
    if (!isHash(id)) return null;
    const job = await rpc.request<JobInfo | null>("ivm_getJob", id);
    return job && { job, events: await eventsOf(rpc, job, execution.latest) };
  }, 1_000);
  return (
    <Detail kind="Job" title={<Hash value={id.slice(0, 66)} />} fetched={fetched} missing="The chain has no such job.">
      {({ job, events }) => {
        const claims = events.filter((event) => event.eventName === "ClaimPosted");
        const requested = events.find((event) => event.eventName === "JobRequested");
        const disputes = settlement?.challenges().filter(({ jobId }) => jobId === job.jobId) ?? [];
        const isLie = ({ verdict }: Challenge) => verdict !== null && verdict.state !== "confirmed";
        const lie = disputes.find(isLie);
        return (
          <>
            {lie && (
              <p class="alarm" role="status">
                <strong>A <a href={`#/claim/${lie.blockHash}/${job.jobId}`}>claim about this job</a> was false.</strong>{" "}
                The chain went back to before it; below is what it has now.
              </p>
            )}
            <section class="card">
              <Fields fields={[
                ["State", <JobBadge state={job.state} />],
                ...(job.noOutcomeReason ? [["Why", job.noOutcomeReason.slice(0, 500)] as [string, string]] : []),
                ["Job", <Full value={job.jobId} />],
                ["Program", <Full value={job.programId} />],
                ["Consumer", <Full value={job.consumer} />],
                ["Cycles", `${job.cycles ? count(Number(job.cycles)) : "–"} of at most ${count(Number(job.maxCycles))}`],
                ["Callback gas", count(Number(job.callbackGasLimit))],
                ["Deadline", `execution block ${count(Number(job.deadlineBlock))}`],
                ["Input commitment", <Full value={job.inputCommitment} />],
              ]} />
            </section>
            <Section id="job-steps" title="Steps">
              <ol class="rows" aria-label="Steps of this job">
                {events.slice(0, MAX_SHOWN).map((event) => (
                  <li key={event.block * 1e6 + event.logIndex}>
                    <a
                      class="row event-row"
                      href={event.eventName === "ClaimPosted" ? `#/claim/${event.blockHash}/${job.jobId}` : `#/block/${event.blockHash}`}
                    >
                      <i class={`mark ${event.eventName === "JobDelivered" ? (event.args.callbackOk ? "good" : "bad") : "plain"}`} aria-hidden="true" />
                      <span class="event-text">
                        <span class="strong">{STEPS[event.eventName] ?? event.eventName}</span>{" "}
                        {event.eventName === "JobDelivered" && !event.args.callbackOk && <span class="note">its callback failed</span>}
                      </span>
                      <span class="note">block {count(event.block)}</span>
                    </a>
                  </li>
                ))}
              </ol>
            </Section>
            {requested?.eventName === "JobRequested" && (
              <Section id="job-input" title="Onchain input"><Bytes value={requested.args.onchainInput} /></Section>
            )}
            <Section id="job-outcome" title="Outcome" note={job.outcome && <span class="capital">{job.outcome.status}</span>}>
              {job.outcome ? <Bytes value={job.outcome.data} /> : <Empty>There is none yet.</Empty>}
            </Section>
            {claims.length > 0 && disputes.length > 0 && <Disputes challenges={disputes} />}
          </>
        );
      }}
    </Detail>
  );
}

const Disputes = ({ challenges }: { challenges: Challenge[] }) => (
  <Section id="disputes" title="Challenges" note={count(challenges.length)}>
    <ul class="rows" aria-label="Challenges">
      {challenges.slice(0, MAX_SHOWN).map((challenge) => (
        <li key={challengeKey(challenge)}>
          <a class="row challenge-row" href={`#/challenge/${challenge.claimId}/${challenge.challenger}/${challenge.kind}`}>
            <span class="strong kind-name">{challenge.kind}</span>
            <span class="note by">by <Hash value={challenge.challenger} /></span>
            <span class="end-group"><ChallengeLeft challenge={challenge} /></span>
          </a>
        </li>
      ))}
    </ul>
  </Section>
);

/** A claim: what a block says that a job yields. */
export function ClaimView({ block: blockHash, job: jobId }: { block: string; job: string }) {
  const { rpc, settlement } = useFollower();
  const fetched = useFetched(`claim ${blockHash} ${jobId}`, async () => {
    if (!isHash(blockHash) || !isHash(jobId)) return null;
    const block = await rpc.request<RawBlock | null>("eth_getBlockByHash", blockHash, false);
    if (!block) return null;
    const [receipts, canonical] = await Promise.all([
      rpc.request<Receipt[] | null>("eth_getBlockReceipts", blockHash).catch(() => null),
      rpc.request<RawBlock | null>("eth_getBlockByNumber", block.number, false),
    ]);
    const events = (receipts ?? []).flatMap(({ logs }) => logs).filter(({ address }) => address === JOB_MANAGER).map(toJobEvent);
    const claim = events.find((event) => event?.eventName === "ClaimPosted" && event.args.jobId === jobId);
    if (claim?.eventName !== "ClaimPosted") return null;
    return { block, claim, isCanonical: canonical?.hash === blockHash };
  });
  return (
    <Detail kind="Claim" title={<>about job <Hash value={jobId.slice(0, 66)} /></>} fetched={fetched} missing="That block has no such claim, or the node has forgotten it.">
      {({ block, claim, isCanonical }) => {
        const number = Number(block.number);
        const { args } = claim;
        const disputes = settlement?.challenges().filter((one) => one.blockHash === blockHash && one.jobId === jobId) ?? [];
        const verdict = disputes.find((one) => one.verdict)?.verdict ?? null;
        const proposal = settlement?.proposals.get(block.hash);
        const period = settlement?.parameters?.challengePeriodBlocks;
        return (
          <>
            {verdict && verdict.state !== "confirmed" && (
              <p class="alarm" role="status">
                <strong>This claim is false.</strong>{" "}
                {verdict.state === "refuted" ? "A proof shows another outcome." : "Nobody proved it in time."}
              </p>
            )}
            <section class="card">
              <Fields fields={[
                ["State", <ClaimStatus claim={{ block: number, blockHash: block.hash, jobId: args.jobId, abandoned: !isCanonical }} />],
                ["Job", <a href={`#/job/${args.jobId}`}><Full value={args.jobId} /></a>],
                ["Block", <a href={`#/block/${block.hash}`}>execution block {count(number)}</a>],
                ["Claimed outcome", <Full value={args.outcomeHash} />],
                ...(verdict?.state === "refuted" ? [["Proven outcome", <Full value={verdict.provenOutcomeHash} />] as [string, preact.ComponentChildren]] : []),
                ...(verdict ? [["Verdict", <a href={`#/settlement/${verdict.block}`}>settlement block {count(verdict.block)}</a>] as [string, preact.ComponentChildren]] : []),
                ...(!verdict && isCanonical && proposal && period
                  ? [["Challenge period", <Countdown from={proposal.block} until={proposal.block + period} />] as [string, preact.ComponentChildren]]
                  : []),
                ["Program", <Full value={args.programId} />],
                ["Input commitment", <Full value={args.inputCommitment} />],
                ["Cycles", `${count(args.cycles)} of at most ${count(args.maxCycles)}`],
              ]} />
            </section>
            {disputes.length > 0 && <Disputes challenges={disputes} />}
          </>
        );
      }}
    </Detail>
  );
}

export function ChallengeView({ claim, challenger, kind }: { claim: string; challenger: string; kind: string }) {
  const { settlement } = useFollower();
  const isKind = kind === "refute" || kind === "demand";
  const key = isAddress(challenger) && isKind ? challengeKey({ claimId: claim as Hex, challenger, kind }) : null;
  const challenge = settlement?.challenges().find((one) => challengeKey(one) === key) ?? null;
  const ready = settlement !== null && settlement.head > 0;
  return (
    <Detail
      kind="Challenge"
      title={isKind ? <span class="capital">{kind}</span> : "?"}
      fetched={ready ? { state: "there", value: challenge } : { state: "loading" }}
      missing="No such challenge within what the page looks back on."
    >
      {(challenge) => (
        <>
          <section class="card">
            <Fields fields={[
              ["State", <ChallengeLeft challenge={challenge} />],
              ["Means", <span class="sentence">{kindInWords(challenge.kind)}</span>],
              ["Claim", <a href={`#/claim/${challenge.blockHash}/${challenge.jobId}`}>about job <Hash value={challenge.jobId} digits={6} /></a>],
              ["Claimed outcome", <Full value={challenge.outcomeHash} />],
              ...(challenge.verdict?.state === "refuted" ? [["Proven outcome", <Full value={challenge.verdict.provenOutcomeHash} />] as [string, preact.ComponentChildren]] : []),
              ["Challenger", <Full value={challenge.challenger} />],
              ["Opened in", <a href={`#/settlement/${challenge.openedBlock}`}>settlement block {count(challenge.openedBlock)}</a>],
              ["Deadline", `settlement block ${count(challenge.deadlineBlock)}`],
              ...(challenge.verdict ? [["Verdict", <a href={`#/settlement/${challenge.verdict.block}`}><span class="capital">{challenge.verdict.state}</span>, settlement block {count(challenge.verdict.block)}</a>] as [string, preact.ComponentChildren]] : []),
              ...(challenge.challengerWei !== null ? [["Credited", ether(challenge.challengerWei)] as [string, string]] : []),
              ["Block", <a href={`#/block/${challenge.blockHash}`}><Full value={challenge.blockHash} /></a>],
              ["Program", <Full value={challenge.programId} />],
            ]} />
          </section>
        </>
      )}
    </Detail>
  );
}
