/** What an automation key may ask: the trust log, a challenge, its own commands. Its grant is judged again by every host. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { actorName } from "../../protocol/messages.ts";
import { coversHost } from "../../protocol/trust/state.ts";
import type { AutomationHolder } from "../access/automation.ts";
import { requireCommandPlace } from "../commands/place.ts";
import { askHost } from "../commands/prepare.ts";
import { refuseCommand, submitCommand, type Handing, type Submitter } from "../commands/submit.ts";
import { commandProblem, problem } from "../http/problems.ts";
import { readCount } from "../http/query.ts";
import type { Handler } from "../mount.ts";

export const automationTrust: Handler<"automationTrust"> = async ({ authority, arrival, deps }) => {
  const { workspace, trust } = authority;
  const { page } = await deps.trust.page(workspace, readCount(arrival.query, "after"));
  return { body: { page, head: trust.head, now: edgeSeconds() } };
};

export const automationPrepare: Handler<"automationPrepare"> = async (call) => {
  const { authority, params, body } = call;
  const asking = { trust: authority.trust, host: params["host"], signed: body.prepare, actor: nameOf(authority) };
  return { body: { prepared: await askHost(asking, call) } };
};

export const automationCommand: Handler<"automationCommand"> = async (call) => {
  const { authority, body } = call;
  const bytes = fromBase64url(body.submission);
  await requireRate(authority, call);
  const { statuses } = await submitCommand(submitterOf(authority), bytes, call);
  return { body: { statuses } };
};

export const automationStatus: Handler<"automationStatus"> = async ({ authority, params, deps }) => {
  const { trust, key } = authority;
  const { workspace, host, intent } = await requireCommandPlace(trust, params, deps);
  if (!coversHost(trust, key, host)) throw commandProblem("automation_limit");
  const status = await deps.host(workspace, host).status({ workspace, host }, intent);
  if (status === undefined) throw problem("command_unknown");
  return { body: status };
};

function nameOf({ key }: AutomationHolder): string {
  return actorName({ automationKey: key.id });
}

function submitterOf(holder: AutomationHolder): Submitter {
  const { workspace, trust, key } = holder;
  return { workspace, trust, actor: { kind: "automation", id: key.id }, name: nameOf(holder) };
}

/**
 * Hosts count exactly, each for itself. Here only the flood is stopped: as many as all hosts of a gesture may take, and
 * as many again, because handing a command in twice is no second command.
 */
async function requireRate(holder: AutomationHolder, handing: Handing): Promise<void> {
  const { id, rate } = holder.key;
  const allowance = { attempts: 2 * rate.commands * Math.max(1, holder.trust.hosts.size), seconds: rate.seconds };
  if (handing.deps.attempts.take(`automation commands ${id}`, allowance, edgeSeconds())) return;
  await refuseCommand(submitterOf(holder), { code: "automation_rate" }, handing);
}
