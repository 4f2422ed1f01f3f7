/**
 * Commands. The edge checks all that it can; `command.accepted` is written before the intent gets its place in each
 * host's sequence. The edge adds nothing to the command and the hosts repeat every check.
 */
import * as v from "valibot";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { fromBase64url, toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { digest as digestSchema, id } from "../../protocol/fields.ts";
import { findHost } from "../../durable-objects/db/host-rows.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { MAX_ENVELOPE_BYTES } from "../../protocol/limits.ts";
import { actorName, submissionCodec, type Intent, type Submission } from "../../protocol/messages.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import { verifySubmission } from "../../protocol/verify.ts";
import type { Operator } from "../access/operator.ts";
import type { Deps } from "../deps.ts";
import { commandProblem, problem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";

/** What the dispatch adds to a submission: two nonces, two digests, ids and a signature, in base64url. */
const DISPATCH_BYTES = 1_024;

interface Accepted {
  readonly intent: Intent;
  readonly digest: string;
}

export const command: Handler<"command"> = async (call) => {
  const { authority, body, deps } = call;
  const bytes = fromBase64url(body.submission);
  const { intent, digest } = await judge(call, bytes);
  const { workspace } = authority;
  // The host's object writes the entry before anything is delivered, and finishes even if this request dies now.
  const submitted = { intent: digest, submission: utf8Text(bytes), entry: acceptedEntry(call, { intent, digest }) };
  const statuses = await Promise.all(
    intent.targets.map(({ host }) => deps.host(workspace, host).submit({ workspace, host }, submitted)),
  );
  const known = statuses.filter((status) => status !== undefined);
  if (known.length < statuses.length) throw problem("ledger_unavailable");
  return { body: { statuses: known } };
};

/** @throws {ProblemError} after recording the refusal. */
async function judge(call: Call<"command">, bytes: Uint8Array): Promise<Accepted> {
  const { authority } = call;
  if (bytes.length > MAX_ENVELOPE_BYTES - DISPATCH_BYTES) return refuse(call, "size");
  const submission = decodeSubmission(bytes);
  if (submission === undefined) return refuse(call, "malformed");
  const verdict = await verifySubmission(submission, {
    trust: authority.trust,
    now: edgeSeconds(),
    // Its session was found open when this request was authenticated.
    isSessionEnded: () => false,
  });
  if (verdict.kind === "refused") return refuse(call, verdict.code, verdict.digest);
  const { intent, digest } = verdict;
  // One signed-in page cannot hand in another session's command.
  if (actorName(intent.actor) !== authority.session) return refuse(call, "session_key", digest);
  if (intent.targets.some(({ host }) => !authority.trust.hosts.has(host))) return refuse(call, "target", digest);
  return { intent, digest };
}

async function refuse(
  { authority, arrival, deps, later }: Call<"command">,
  code: RefusalCode,
  intent?: string,
): Promise<never> {
  const { sourceIp } = arrival;
  later(deps.countRefusal(authority.workspace, { code, session: authority.session }));
  await deps.ledger(authority.workspace)({
    actor: { kind: "person", id: authority.person },
    action: "command.refused",
    detail: { code, session: authority.session, ...(intent === undefined ? {} : { intent }) },
    ...(intent === undefined ? {} : { subject: `${intent}:${code}` }),
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  throw commandProblem(code);
}

function acceptedEntry({ authority, arrival }: Call<"command">, { intent, digest }: Accepted): LedgerDraft {
  const { sourceIp } = arrival;
  const [target, ...others] = intent.targets;
  return {
    actor: { kind: "person", id: authority.person },
    action: "command.accepted",
    ...(target === undefined || others.length > 0 ? {} : { target: target.host }),
    detail: { operation: intent.operation, intent: digest, session: authority.session },
    subject: digest,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  };
}

function decodeSubmission(bytes: Uint8Array): Submission | undefined {
  try {
    return submissionCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

export const commandStatus: Handler<"commandStatus"> = async ({ authority, params, deps }) => {
  const { workspace, host, intent } = await requireCommandPlace(authority, params, deps);
  requireOn(authority, host, "metadata.read");
  const status = await deps.host(workspace, host).status({ workspace, host }, intent);
  if (status === undefined) throw problem("command_unknown");
  return { body: status };
};

export const commandEvidence: Handler<"commandEvidence"> = async ({ authority, params, deps }) => {
  const { workspace, host, intent } = await requireCommandPlace(authority, params, deps);
  requireOn(authority, host, "ledger.read");
  const submission = await deps.host(workspace, host).submission({ workspace, host }, intent);
  if (submission === undefined) throw problem("command_unknown");
  return { body: { submission: toBase64url(utf8(submission)) } };
};

interface CommandPlace {
  readonly workspace: string;
  readonly host: string;
  readonly intent: string;
}

async function requireCommandPlace(
  { workspace, trust }: Operator,
  params: Readonly<Record<string, string>>,
  deps: Deps,
): Promise<CommandPlace> {
  const { intent, host } = params;
  if (!v.is(digestSchema, intent)) throw problem("command_unknown");
  if (!v.is(id, host)) throw problem("host_unknown");
  // An admitted host is no made-up name; only of another one the database knows whether it ever joined.
  if (!trust.hosts.has(host) && (await findHost(deps.db, workspace, host)) === undefined) throw problem("host_unknown");
  return { workspace, host, intent };
}

function requireOn({ trust, person }: Operator, host: string, permission: "metadata.read" | "ledger.read"): void {
  if (!hasPermission(trust, person, { permission, host, now: edgeSeconds() })) throw problem("forbidden", permission);
}
