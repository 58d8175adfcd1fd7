// Views of one block each.
import type { ComponentChildren } from "preact";
import { isHash } from "viem";
import { settlementAbi } from "../abi.gen";
import { JOB_MANAGER, toJobEvent } from "../execution";
import { count, dateTime, ether, plural, short } from "../format";
import { type RawBlock, type RawTransaction, type Receipt, logsBetween, quantity } from "../blocks";
import { BLOCK_STATES, toSettlementEvent } from "../settlement";
import { ClaimStatus } from "./overview";
import { Card, Fields } from "../../../web/src/parts";
import { Badge, Detail, Empty, Full, Hash, MAX_SHOWN, gasShare, useFetched, useFollower } from "./parts";
import { blockState, describe } from "./words";

const Transactions = ({ block }: { block: RawBlock }) => {
  const transactions = block.transactions.slice(0, MAX_SHOWN) as RawTransaction[];
  const more = block.transactions.length - transactions.length;
  return (
    <Card id="transactions" title="Transactions" note={count(block.transactions.length)}>
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
    </Card>
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
                    ] as [string, ComponentChildren][]
                  : []),
              ]} />
            </section>
            <Card id="block-claims" title="Claims" note={count(claims.length)}>
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
            </Card>
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
          <Card id="settlement-events" title="What happened" note={count(events.length)}>
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
          </Card>
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
