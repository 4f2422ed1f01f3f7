/** Commands of signed-in people: handed in, asked after, and what was signed. Judging them: worker/commands/. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { logFault } from "../../durable-objects/log.ts";
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { isAcceptablePoint } from "../../protocol/ed25519.ts";
import { approvalCodec, type Submission } from "../../protocol/messages.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import type { Operator } from "../access/operator.ts";
import { requireCommandPlace } from "../commands/place.ts";
import { submitCommand, type Submitter } from "../commands/submit.ts";
import type { Deps } from "../deps.ts";
import { problem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";

export const command: Handler<"command"> = async (call) => {
  const { authority, body, deps } = call;
  const { submission, statuses } = await submitCommand(submitterOf(authority), fromBase64url(body.submission), call);
  try {
    await succeed(submission, authority, deps);
  } catch (error) {
    // The command was taken: no other problem may say that nothing was done.
    logFault("succeed", error);
    throw problem("command_uncertain");
  }
  return { body: { statuses } };
};

function submitterOf({ workspace, trust, person, session }: Operator): Submitter {
  return { workspace, trust, actor: { kind: "person", id: person }, name: session, session };
}

/** The touch of an accepted command may name the key by which this session signs from now on. */
async function succeed({ approvals }: Submission, { workspace, session }: Operator, deps: Deps): Promise<void> {
  const [last] = approvals;
  const approval = last === undefined ? undefined : approvalCodec.decode(fromBase64url(last.body)); // verified before
  const next = approval?.kind === "intent" ? approval.nextSessionKey : undefined;
  if (next === undefined || next.session !== session || !isAcceptablePoint(fromBase64url(next.key))) return;
  await deps.sessions(workspace).succeed({ session, key: next.key });
}

export const commandStatus: Handler<"commandStatus"> = async ({ authority, params, deps }) => {
  const { workspace, host, intent } = await requireCommandPlace(authority.trust, params, deps);
  requireOn(authority, host, "metadata.read");
  const status = await deps.host(workspace, host).status({ workspace, host }, intent);
  if (status === undefined) throw problem("command_unknown");
  return { body: status };
};

/** Who read what somebody signed is in the ledger before they have it. */
export const commandEvidence: Handler<"commandEvidence"> = async ({ authority, arrival, params, deps }) => {
  const { workspace, host, intent } = await requireCommandPlace(authority.trust, params, deps);
  requireOn(authority, host, "ledger.read");
  const submission = await deps.host(workspace, host).submission({ workspace, host }, intent);
  if (submission === undefined) throw problem("command_unknown");
  await deps.ledger(workspace)({
    actor: { kind: "person", id: authority.person },
    action: "evidence.read",
    target: host,
    detail: { intent, session: authority.session },
    ...(arrival.sourceIp === undefined ? {} : { sourceIp: arrival.sourceIp }),
  });
  return { body: { submission: toBase64url(utf8(submission)) } };
};

function requireOn({ trust, person }: Operator, host: string, permission: "metadata.read" | "ledger.read"): void {
  if (!hasPermission(trust, person, { permission, host, now: edgeSeconds() })) throw problem("forbidden", permission);
}
