/** Commands and statements that wait for another person: made, joined, withdrawn. The edge only keeps them. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import * as v from "valibot";
import type { ProposalRecord } from "../../migrations/schema.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import type { ProposalRow } from "../../protocol/contracts/proposals.ts";
import { digest as digestSchema } from "../../protocol/fields.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { MAX_APPROVALS, MAX_PROPOSAL_SECONDS } from "../../protocol/limits.ts";
import { assertedSchema, proposalCodec, type Asserted } from "../../protocol/messages.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import type { TrustRefusal } from "../../protocol/trust/refusals.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import { statementCodec } from "../../protocol/trust/statements.ts";
import type { Operator } from "../access/operator.ts";
import { findProposal, listProposals, removeProposal, replaceApprovals, saveProposal } from "../db/proposals.ts";
import { commandProblem, problem, trustProblem } from "../http/problems.ts";
import { judgeStatement } from "../judge-statement.ts";
import type { Call, Handler } from "../mount.ts";
import {
  judgeCommandTouch,
  judgeStatementTouches,
  personOf,
  readCommandProposal,
  readStatementProposal,
} from "../proposals.ts";

/** A list that people read; beyond it somebody is playing. */
const MAX_OPEN_PROPOSALS = 100;

export const proposals: Handler<"proposals"> = async ({ authority, deps }) => {
  const now = edgeSeconds();
  const rows = await listProposals(deps.db, authority.workspace, now);
  return { body: { proposals: rows.filter((row) => isShown(row, authority, now)).map(describe), now } };
};

/** A command to those who see one of its hosts; a statement while it still fits the log. */
function isShown({ kind, body }: ProposalRecord, { trust, person }: Operator, now: number): boolean {
  if (kind === "command") {
    const { targets } = proposalCodec.decode(fromBase64url(body)); // our own row
    return targets.some(({ host }) => hasPermission(trust, person, { permission: "metadata.read", host, now }));
  }
  const { prev, revoked } = statementCodec.decode(fromBase64url(body));
  return prev.hash === trust.head.hash && revoked === trust.head.revoked;
}

function describe(row: ProposalRecord): ProposalRow {
  const { kind, digest, body, madeBy: by, madeAt, expires } = row;
  const knew = knewOf(row);
  return {
    kind,
    digest,
    body,
    approvals: approvalsOf(row),
    ...(knew.length === 0 ? {} : { knew }),
    by,
    madeAt,
    expires,
  };
}

const approvalsOf = ({ approvals }: Pick<ProposalRecord, "approvals">): Asserted[] =>
  v.parse(v.array(assertedSchema), JSON.parse(approvals)); // our own row
const knewOf = ({ knew }: Pick<ProposalRecord, "knew">): string[] => v.parse(v.array(digestSchema), JSON.parse(knew));

/** What the ledger says of it, beside its name. */
type Facts = Pick<LedgerDraft, "target" | "detail">;

interface Judged {
  readonly digest: string;
  readonly facts: Facts;
  readonly expires: number;
}

type AnyCall = Call<"propose"> | Call<"joinProposal">;

/** The bytes, with every touch that is to be kept; the last is new. */
interface Waiting {
  readonly kind: ProposalRecord["kind"];
  readonly body: string;
  readonly knew: string[];
  readonly approvals: readonly [...Asserted[], Asserted];
}

export const propose: Handler<"propose"> = async (call) => {
  const { authority, body, deps } = call;
  const { workspace, person } = authority;
  const knew = body.knew ?? [];
  const { digest, facts, expires } = await judge(call, { ...body, knew, approvals: [body.approval] });
  const now = edgeSeconds();
  if ((await listProposals(deps.db, workspace, now)).length >= MAX_OPEN_PROPOSALS) throw problem("proposals_many");
  await record(call, "proposal.made", { digest, facts });
  const approvals = JSON.stringify([body.approval]);
  const rest = { approvals, knew: JSON.stringify(knew), madeBy: person, madeAt: now, expires };
  await saveProposal(deps.db, { workspace, digest, kind: body.kind, body: body.body, ...rest }, now);
  return { body: { digest } };
};

export const joinProposal: Handler<"joinProposal"> = async (call) => {
  const { authority, body, deps, params } = call;
  const row = await requireOpen(authority, params["digest"], call);
  const held = approvalsOf(row);
  if (held.some((approval) => personOf(approval, authority.trust) === authority.person))
    throw problem("proposal_joined");
  if (held.length >= MAX_APPROVALS) throw problem("proposals_many");
  const { digest, facts } = await judge(call, { ...row, knew: knewOf(row), approvals: [...held, body.approval] });
  await record(call, "proposal.approved", { digest, facts });
  if (!(await replaceApprovals(deps.db, row, JSON.stringify([...held, body.approval]))))
    throw problem("proposal_raced");
  return { body: { ok: true } };
};

export const withdrawProposal: Handler<"withdrawProposal"> = async (call) => {
  const { authority, arrival, deps, params } = call;
  const { workspace, person, trust, session } = authority;
  const { digest, madeBy } = await requireOpen(authority, params["digest"], call);
  const wanted = { permission: "workspace.administer", now: edgeSeconds() } as const;
  if (madeBy !== person && !hasPermission(trust, person, wanted)) throw problem("forbidden", "not its maker");
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "proposal.withdrawn",
    detail: { proposal: digest, session },
    subject: digest,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  await removeProposal(deps.db, workspace, digest);
  return { body: { ok: true } };
};

async function requireOpen(
  { workspace }: Operator,
  digest: string | undefined,
  { deps }: Pick<AnyCall, "deps">,
): Promise<ProposalRecord> {
  const row = v.is(digestSchema, digest) ? await findProposal(deps.db, workspace, digest) : undefined;
  if (row === undefined || row.expires <= edgeSeconds()) throw problem("proposal_unknown");
  return row;
}

/** @throws {ProblemError} after recording the refusal */
async function judge(call: AnyCall, waiting: Waiting): Promise<Judged> {
  const { authority } = call;
  const newest = waiting.approvals.at(-1);
  // One page cannot bring another person's touch.
  if (newest === undefined || personOf(newest, authority.trust) !== authority.person)
    return refuse(call, "command", "people");
  return waiting.kind === "command" ? judgeCommand(call, waiting, newest) : judgeStated(call, waiting);
}

async function judgeCommand(call: AnyCall, { body }: Waiting, newest: Asserted): Promise<Judged> {
  const view = { trust: call.authority.trust, now: edgeSeconds() };
  const read = readCommandProposal(fromBase64url(body), view);
  if (typeof read === "string") return refuse(call, "command", read);
  const fault = await judgeCommandTouch(read, newest, view);
  if (fault !== undefined) return refuse(call, "command", fault);
  const { proposal, digest } = read;
  const [target, ...others] = proposal.targets;
  const only = target === undefined || others.length > 0 ? {} : { target: target.host };
  return { digest, facts: { ...only, detail: { operation: proposal.operation } }, expires: proposal.exp };
}

async function judgeStated(call: AnyCall, { body, knew, approvals }: Waiting): Promise<Judged> {
  const { trust } = call.authority;
  const read = readStatementProposal(fromBase64url(body));
  if (typeof read === "string") return refuse(call, "statement", read);
  const { statement, digest } = read;
  const signed = { statement: body, approvals: [...approvals], ...(knew.length === 0 ? {} : { knew }) };
  const verdict = await judgeStatementTouches(signed, { trust, now: edgeSeconds() });
  if (verdict !== "more" && verdict !== "enough") return refuse(call, "statement", verdict);
  if (verdict === "enough" && approvals.length === 1) throw problem("proposal_needless");
  const fault = await judgeStatement({ statement, digest, before: trust, after: trust }, call.deps);
  if (fault !== undefined) return refuse(call, "statement", fault);
  const facts = { detail: { statementKind: statement.kind } };
  return { digest, facts, expires: statement.at + MAX_PROPOSAL_SECONDS };
}

async function refuse(
  { authority, arrival, deps }: AnyCall,
  kind: ProposalRecord["kind"],
  code: RefusalCode | TrustRefusal,
): Promise<never> {
  const { sourceIp } = arrival;
  await deps.ledger(authority.workspace)({
    actor: { kind: "person", id: authority.person },
    action: kind === "command" ? "command.refused" : "trust.refused",
    detail: { code, session: authority.session },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  throw kind === "command" ? commandProblem(code as RefusalCode) : trustProblem(code as TrustRefusal);
}

async function record(
  { authority, arrival, deps }: AnyCall,
  action: "proposal.made" | "proposal.approved",
  { digest, facts }: Pick<Judged, "digest" | "facts">,
): Promise<void> {
  const { workspace, person, session } = authority;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action,
    ...facts,
    detail: { ...facts.detail, proposal: digest, session },
    subject: action === "proposal.made" ? digest : `${digest}:${person}`,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
}
