// Views of one job, claim or challenge each.
import type { ComponentChildren } from "preact";
import { type Hex, isAddress, isHash } from "viem";
import { JOB_MANAGER, type JobEvent, toJobEvent } from "../execution";
import type { JobInfo } from "../follower";
import { count, ether } from "../format";
import { type RawBlock, type Receipt, logsBetween } from "../blocks";
import { type Challenge, challengeKey } from "../settlement";
import { ChallengeLeft, ClaimStatus } from "./overview";
import { Card, Fields } from "../../../web/src/parts";
import { Bytes, Countdown, Detail, Empty, Full, Hash, MAX_SHOWN, useFetched, useFollower } from "./parts";
import { JobBadge, kindInWords } from "./words";

/** The logs of a job, oldest first. */
async function eventsOf(rpc: ReturnType<typeof useFollower>["rpc"], job: JobInfo, latest: number): Promise<JobEvent[]> {
  // One that was signed is in no block yet.
  if (job.requestedBlock === null) return [];
  const from = Number(job.requestedBlock);
  const logs = await logsBetween(rpc, JOB_MANAGER, from, Math.min(latest, from + 9_999), [null, job.jobId]);
  return logs.map(toJobEvent).filter((event) => event !== null);
}

const STEPS: Partial<Record<JobEvent["eventName"], string>> = {
  JobRequested: "Requested",
  JobExecuted: "Run inside the transaction that asked",
  ClaimPosted: "Outcome claimed",
  JobDelivered: "Delivered to its consumer",
  ConsumerWithoutCode: "Its consumer has no code",
  ResultSkipped: "Result passed over",
  JobCancelled: "Cancelled",
  JobExpired: "Expired",
};

const ASKED_FOR: Record<JobInfo["kind"], string> = {
  onchain: "by a transaction",
  sync: "inside a transaction, which has its outcome",
  offchain: "by a signature",
  offchainOrdered: "by a signature, in order",
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
        const executed = events.find((event) => event.eventName === "JobExecuted");
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
                ["Asked for", ASKED_FOR[job.kind] ?? job.kind],
                ["Program", <Full value={job.programId} />],
                ["Consumer", <Full value={job.consumer} />],
                ["Cycles", `${job.cycles ? count(Number(job.cycles)) : "–"} of at most ${count(Number(job.maxCycles))}`],
                ["Callback gas", count(Number(job.callbackGasLimit))],
                ["Deadline", `execution block ${count(Number(job.deadlineBlock))}`],
                ["Input commitment", <Full value={job.inputCommitment} />],
              ]} />
            </section>
            <Card id="job-steps" title="Steps">
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
            </Card>
            {requested?.eventName === "JobRequested" && (
              <Card id="job-input" title="Onchain input"><Bytes value={requested.args.onchainInput} /></Card>
            )}
            {executed?.eventName === "JobExecuted" && (
              <Card id="job-input" title="Onchain input"><Bytes value={executed.args.input} /></Card>
            )}
            <Card id="job-outcome" title="Outcome" note={job.outcome && <span class="capital">{job.outcome.status}</span>}>
              {job.outcome ? <Bytes value={job.outcome.data} /> : <Empty>There is none yet.</Empty>}
            </Card>
            {claims.length > 0 && disputes.length > 0 && <Disputes challenges={disputes} />}
          </>
        );
      }}
    </Detail>
  );
}

const Disputes = ({ challenges }: { challenges: Challenge[] }) => (
  <Card id="disputes" title="Challenges" note={count(challenges.length)}>
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
  </Card>
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
                ...(verdict?.state === "refuted" ? [["Proven outcome", <Full value={verdict.provenOutcomeHash} />] as [string, ComponentChildren]] : []),
                ...(verdict ? [["Verdict", <a href={`#/settlement/${verdict.block}`}>settlement block {count(verdict.block)}</a>] as [string, ComponentChildren]] : []),
                ...(!verdict && isCanonical && proposal && period
                  ? [["Challenge period", <Countdown from={proposal.block} until={proposal.block + period} />] as [string, ComponentChildren]]
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
              ...(challenge.verdict?.state === "refuted" ? [["Proven outcome", <Full value={challenge.verdict.provenOutcomeHash} />] as [string, ComponentChildren]] : []),
              ["Challenger", <Full value={challenge.challenger} />],
              ["Opened in", <a href={`#/settlement/${challenge.openedBlock}`}>settlement block {count(challenge.openedBlock)}</a>],
              ["Deadline", `settlement block ${count(challenge.deadlineBlock)}`],
              ...(challenge.verdict ? [["Verdict", <a href={`#/settlement/${challenge.verdict.block}`}><span class="capital">{challenge.verdict.state}</span>, settlement block {count(challenge.verdict.block)}</a>] as [string, ComponentChildren]] : []),
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
