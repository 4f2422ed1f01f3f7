/**
 * Reads what the edge keeps of a proposed command: decodes exactly the bytes that were signed, verifies each touch over
 * them, and judges what is missing. The edge may have made any of it up; what does not verify is not shown as approved.
 */
import { MalformedError } from "../../protocol/canonical.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import type { ProposalRow } from "../../protocol/contracts/proposals.ts";
import { approvalCodec, proposalCodec, type Approval, type Asserted, type Proposal } from "../../protocol/messages.ts";
import { isOperationName, operations } from "../../protocol/operations.ts";
import { NEWCOMER_SECONDS } from "../../protocol/limits.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import { countPeople, hasPermission } from "../../protocol/trust/state.ts";
import type { Trouble } from "../state/backend.ts";
import type { Args } from "../state/orders.ts";
import type { ProposalApproval, ProposalFacts, Standing, WaitingCommand } from "../state/proposals.ts";
import { namedHost } from "./commands.ts";
import { bytesOf } from "./http.ts";
import { scalarsOf } from "./intents.ts";
import { obstacleFor, peopleFor, type Asker, type Judging } from "./plan.ts";
import { TroubleError } from "./trouble.ts";

/** What was read, with the touches that count. */
export interface ReadProposal {
  readonly proposal: Proposal;
  readonly digest: string;
  readonly approvals: readonly Asserted[];
  readonly view: WaitingCommand;
}

/** Undefined for bytes that are no proposal of this workspace: there is nothing in them that could be shown. */
export async function readProposal(
  row: ProposalRow,
  judging: Judging,
  asker: Asker,
): Promise<ReadProposal | undefined> {
  const proposal = decode(row.body);
  if (proposal?.workspace !== judging.state.workspace) return undefined;
  const facts = await factsOf(bytesOf(row.body), judging);
  const touches = await Promise.all(
    row.approvals.map(async (asserted) => {
      const approval = await checkTouch(asserted, { subject: facts.digest, judging, asker });
      return { asserted, approval };
    }),
  );
  const counted = touches.flatMap(({ asserted, approval }) => (approval === undefined ? [] : [{ asserted, approval }]));
  const approvals = counted.map(({ approval }) => approval);
  const { state, now } = judging;
  const mine = row.by === asker.person;
  const view: WaitingCommand = {
    facts,
    approvals,
    people: peopleOf(judging, facts),
    by: { person: row.by, name: asker.nameOf(row.by) },
    madeAt: row.madeAt,
    mine,
    mayWithdraw: mine || hasPermission(state, asker.person, { permission: "workspace.administer", now }),
    standing: standingOf(judging, { facts, approvals }, asker),
  };
  return { proposal, digest: facts.digest, approvals: counted.map(({ asserted }) => asserted), view };
}

function decode(body: string): Proposal | undefined {
  try {
    const proposal = proposalCodec.decode(bytesOf(body));
    return isOperationName(proposal.operation) ? proposal : undefined;
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TroubleError) return undefined; // the caller leaves it out
    throw error;
  }
}

/** Everything here is read back from the bytes. @throws {MalformedError} */
export async function factsOf(bytes: Uint8Array, { state }: Pick<Judging, "state">): Promise<ProposalFacts> {
  const proposal = proposalCodec.decode(bytes);
  if (!isOperationName(proposal.operation)) throw new MalformedError("unknown operation");
  return {
    operation: proposal.operation,
    class: operations[proposal.operation].class,
    args: proposal.args as Args,
    targets: await Promise.all(
      proposal.targets.map(async ({ host, expect }) => ({
        host: await namedHost({ state }, host),
        expect: scalarsOf(expect),
      })),
    ),
    workspace: proposal.workspace,
    endsAt: proposal.exp,
    exact: utf8Text(bytes),
    digest: digestOf("proposal", bytes),
  };
}

function peopleOf({ state }: Judging, { operation, targets }: ProposalFacts): number {
  return peopleFor(state, { operation, hostIds: targets.map(({ host }) => host.id) });
}

interface Touched {
  readonly subject: string;
  readonly judging: Judging;
  readonly asker: Asker;
}

async function checkTouch(
  asserted: Asserted,
  { subject, judging: { state }, asker: { nameOf } }: Touched,
): Promise<ProposalApproval | undefined> {
  const approval = readApproval(asserted);
  if (approval?.kind !== "proposal" || approval.workspace !== state.workspace || approval.subject !== subject)
    return undefined;
  const verdict = await verifyTouch(state, asserted, "approval");
  const person = state.credentials.get(asserted.assertion.credentialId)?.person;
  if (!verdict.ok || person === undefined) return undefined;
  return { person, name: nameOf(person), at: approval.at, originClass: verdict.origin.class };
}

function readApproval({ body }: Asserted): Approval | undefined {
  try {
    return approvalCodec.decode(bytesOf(body));
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TroubleError) return undefined; // no approval
    throw error;
  }
}

interface Judged {
  readonly facts: ProposalFacts;
  readonly approvals: readonly ProposalApproval[];
}

/** The rules of the hosts, in the order in which a person can do something about them. */
function standingOf(judging: Judging, { facts, approvals }: Judged, { person, nameOf }: Asker): Standing {
  const { state, now } = judging;
  if (now > facts.endsAt) return { kind: "over", trouble: EXPIRED };
  const gone = facts.targets.filter(({ host }) => !state.hosts.has(host.id)).map(({ host }) => host.label);
  if (gone.length > 0) return { kind: "over", trouble: hostsGone(gone) };
  const lost = approvals.find((approval) => obstacleOf(judging, facts, approval) !== undefined);
  if (lost !== undefined) return { kind: "over", trouble: lostApprover(lost.name) };
  if (approvals.length === 0) return { kind: "over", trouble: UNSIGNED };
  const before = approvals.map((approval) => approval.person);
  const people = peopleOf(judging, facts);
  const counted = countPeople(state, before, now);
  if (before.includes(person)) return { kind: "waits", missing: Math.max(1, people - counted) };
  const obstacle = obstacleOf(judging, facts, { person, originClass: judging.originClass });
  if (obstacle !== undefined) return { kind: "not-you", trouble: obstacle };
  const withMe = countPeople(state, [...before, person], now);
  if (withMe >= people) return { kind: "carry-out" };
  if (withMe > counted) return { kind: "join", missing: people - withMe };
  return { kind: "not-you", trouble: newcomer(judging, { person, before, nameOf }) };
}

function obstacleOf(
  judging: Judging,
  { operation, targets }: ProposalFacts,
  { person, originClass }: Pick<ProposalApproval, "person" | "originClass">,
): Trouble | undefined {
  const hostIds = targets.map(({ host }) => host.id);
  return obstacleFor({ ...judging, originClass }, { operation, hostIds }, person);
}

interface Newcomer {
  readonly person: string;
  readonly before: readonly string[];
  readonly nameOf: Asker["nameOf"];
}

/** Whoever somebody alone added within a day is one person with them, and with others whom they added. */
function newcomer({ state, now }: Judging, { person, before, nameOf }: Newcomer): Trouble {
  const came = (id: string): number => state.people.get(id)?.addedAt ?? 0;
  const by = (id: string): readonly string[] => state.people.get(id)?.addedBy ?? [];
  const adder = by(person).find((id) => before.includes(id));
  const added = before.filter((id) => by(id).includes(person));
  const names = (added.length === 0 ? before : added).map(nameOf).join(", ");
  const since =
    adder === undefined ? Math.max(0, ...before.map(came), added.length === 0 ? came(person) : 0) : came(person);
  const hours = Math.max(1, Math.ceil((since + NEWCOMER_SECONDS - now) / 3_600));
  const one = "so the two of you count as one person.";
  const sibling = `The same person alone added you and ${names} less than a day ago, ${one}`;
  const child = added.length === 0 ? sibling : `You alone added ${names} less than a day ago, ${one}`;
  return {
    code: "people",
    what: adder === undefined ? child : `${nameOf(adder)} alone added you less than a day ago, ${one}`,
    why: "Otherwise one person could invent the second.",
    next: `Somebody else can approve it now, or you in ${hours} h, if it still waits then.`,
  };
}

const EXPIRED: Trouble = {
  code: "proposal_expired",
  what: "It has waited too long for the next person.",
  next: "Propose it again; a proposal waits at most 24 hours.",
};

const UNSIGNED: Trouble = {
  code: "approval_missing",
  what: "No approval of it verifies, so nobody is known to have proposed it.",
  why: "The passkey may have been revoked since, or the control plane made it up.",
  next: "Propose it again.",
};

function hostsGone(labels: readonly string[]): Trouble {
  return {
    code: "target",
    what: `${labels.join(", ")} is no longer a host of this workspace.`,
    why: "A proposal is carried out on exactly its hosts, or not at all.",
    next: "Propose it again without it.",
  };
}

function lostApprover(name: string): Trouble {
  return {
    code: "role",
    what: `${name} approved it and may not any more, or did so on a page where that does not count.`,
    next: "Propose it again.",
  };
}
