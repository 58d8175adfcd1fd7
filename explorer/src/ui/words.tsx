// What states and events are called, and how they look.
import type { ComponentChildren } from "preact";
import type { Follower } from "../follower";
import { ether, sharesOf, short } from "../format";
import { CLAIM_STATES, type Challenge, KINDS, type SettlementEvent } from "../settlement";
import { Badge, type Tone } from "./parts";

const JOB_STATES: Record<string, [string, Tone]> = {
  pending: ["Pending", "wait"],
  executing: ["Running", "wait"],
  executed: ["Executed", "wait"],
  claimed: ["Claimed", "wait"],
  noOutcome: ["No outcome", "bad"],
  delivered: ["Delivered", "good"],
  callbackFailed: ["Callback failed", "bad"],
  cancelled: ["Cancelled", "plain"],
  expired: ["Expired", "bad"],
  refused: ["Given up", "bad"],
};

export function JobBadge({ state }: { state: string }) {
  const [name, tone] = JOB_STATES[state] ?? [state, "plain" as const];
  return <Badge tone={tone}>{name}</Badge>;
}

const CHALLENGES: Record<Challenge["state"], [string, Tone]> = {
  none: ["Unknown", "plain"],
  open: ["Open", "wait"],
  won: ["Won", "good"],
  lost: ["Lost", "plain"],
  expired: ["Expired", "plain"],
  moot: ["Moot", "plain"],
};

export function ChallengeBadge({ challenge, overdue }: { challenge: Challenge; overdue: boolean }) {
  if (challenge.state === "open" && overdue) return <Badge tone="wait">Overdue</Badge>;
  const [name, tone] = CHALLENGES[challenge.state];
  return <Badge tone={tone}>{name}</Badge>;
}

/** How far a block of the execution chain is from being final. */
export function blockState(follower: Follower, number: number): { name: string; tone: Tone } {
  const { finalized, safe } = follower.execution;
  if (number <= finalized) return { name: "Final", tone: "good" };
  if (number <= safe) return { name: "Safe", tone: "plain" };
  return { name: "Latest", tone: "plain" };
}

export const kindInWords = (kind: Challenge["kind"]): string =>
  kind === "refute" ? "the challenger must prove another outcome" : "someone must prove the claim";

/** An event of the settlement contract in words. */
export function describe(event: SettlementEvent): { tone: Tone; title: string; text: ComponentChildren; href?: string } {
  const { eventName, args } = event;
  switch (eventName) {
    case "ClaimChallenged": {
      const kind = KINDS[args.kind] ?? "refute";
      return {
        tone: "wait",
        title: kind === "refute" ? "Claim challenged" : "Proof demanded",
        text: `Job ${short(args.jobId)}, by ${short(args.challenger)}: ${kindInWords(kind)} by block ${args.deadlineBlock}`,
        href: `#/challenge/${args.claimId}/${args.challenger}/${kind}`,
      };
    }
    case "ClaimDecided": {
      const state = CLAIM_STATES[args.state];
      const texts: Record<string, [Tone, string, string]> = {
        confirmed: ["good", "Claim confirmed", "A proof shows that it is true"],
        refuted: ["bad", "Claim refuted", `A proof shows another outcome, ${short(args.provenOutcomeHash)}`],
        lapsed: ["bad", "Claim lapsed", "Nobody proved it in time: it counts as false"],
      };
      const [tone, title, text] = texts[state ?? ""] ?? ["plain" as const, "Claim decided", ""];
      return { tone, title, text, href: `#/block/${args.blockHash}` };
    }
    case "BlockInvalidated":
      return {
        tone: "bad",
        title: `Block ${args.number} left the chain`,
        text: "with all that was built on it",
        href: `#/block/${args.hash}`,
      };
    case "ProposerSlashed":
      return {
        tone: "bad",
        title: "Proposer slashed",
        text: `${short(args.proposer)} loses ${ether(args.bondWei)}: ${sharesOf(args)}`,
      };
    case "EquivocationReported":
      return {
        tone: "bad",
        title: "Two blocks signed for one height",
        text: `${short(args.proposer)} at height ${args.number}, reported by ${short(args.reporter)}`,
      };
    case "ChallengeClosed": {
      const kind = KINDS[args.kind] ?? "refute";
      return {
        tone: "plain",
        title: "Challenge closed",
        text: `${short(args.challenger)} is credited ${ether(args.challengerWei)}`,
        href: `#/challenge/${args.claimId}/${args.challenger}/${kind}`,
      };
    }
    case "ProposerAllowed":
      return { tone: "plain", title: "Proposer allowed", text: short(args.proposer) };
    case "ProposerDisallowed":
      return { tone: "plain", title: "Proposer disallowed", text: short(args.proposer) };
    case "ProposerBonded":
      return { tone: "plain", title: "Proposer bonded", text: `${short(args.proposer)} stakes ${ether(args.bondWei)}` };
    case "ProposerExited":
      return { tone: "plain", title: "Proposer left", text: `${short(args.proposer)} takes ${ether(args.bondWei)}` };
    case "ExitRequested":
      return { tone: "plain", title: "Exit requested", text: `${short(args.proposer)}, from block ${args.exitableAtBlock}` };
    case "Withdrawn":
      return { tone: "plain", title: "Withdrawn", text: `${short(args.account)} takes ${ether(args.amountWei)}` };
    case "Burned":
      return { tone: "plain", title: "Burned", text: ether(args.amountWei) };
    default:
      return { tone: "plain", title: eventName, text: "" };
  }
}
