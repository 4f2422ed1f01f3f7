/** Alerts: listed for whoever may see their host, acknowledged, resolved, and where they are sent. */
import * as v from "valibot";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { parseTarget } from "../../durable-objects/outbound/target.ts";
import type { StepResult } from "../../durable-objects/alerts.ts";
import type { AlertChange } from "../../protocol/contracts/alerts.ts";
import { id } from "../../protocol/fields.ts";
import type { Permission } from "../../protocol/roles.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import { requireEdgeAction } from "../access/edge-action.ts";
import type { Operator } from "../access/operator.ts";
import { problem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";

export const alerts: Handler<"alerts"> = async ({ authority, deps }) => {
  const rows = await deps.alerts(authority.workspace).list(authority.workspace);
  const visible = rows.filter(({ host }) => mayOn(authority, host, "metadata.read"));
  return { body: { alerts: visible, now: edgeSeconds() } };
};

export const alertAcknowledge: Handler<"alertAcknowledge"> = (call) =>
  step(call, (step) => call.deps.alerts(call.authority.workspace).acknowledge(call.authority.workspace, step));

export const alertResolve: Handler<"alertResolve"> = (call) =>
  step(call, (step) => call.deps.alerts(call.authority.workspace).resolve(call.authority.workspace, step));

interface PersonStep {
  readonly alert: string;
  readonly person: string;
  readonly sourceIp?: string;
}

async function step(
  { authority, params, arrival, deps }: Call<"alertAcknowledge"> | Call<"alertResolve">,
  take: (step: PersonStep) => Promise<StepResult>,
): Promise<{ readonly body: { readonly ok: true } }> {
  const alert = params["alert"];
  if (!v.is(id, alert)) throw problem("alert_unknown");
  const { workspace, person } = authority;
  const about = await deps.alerts(workspace).about(workspace, alert);
  // Whoever may not see an alert learns nothing from asking for it.
  if (about === undefined || !mayOn(authority, about.host, "metadata.read")) throw problem("alert_unknown");
  if (!mayOn(authority, about.host, "alert.acknowledge")) throw problem("forbidden", "alert.acknowledge");
  const { sourceIp } = arrival;
  const result = await take({ alert, person, ...(sourceIp === undefined ? {} : { sourceIp }) });
  if (result === "unknown") throw problem("alert_unknown");
  if (result === "ledger_unavailable") throw problem("ledger_unavailable");
  return { body: { ok: true } };
}

/** An alert about no host is for everybody who may do such a thing anywhere. */
function mayOn({ trust, person }: Operator, host: string | undefined, permission: Permission): boolean {
  return hasPermission(trust, person, { permission, ...(host === undefined ? {} : { host }), now: edgeSeconds() });
}

/** Rates of hosts that one may not see are left out; the sum of all is a number without a name. */
export const refusalRates: Handler<"refusalRates"> = async ({ authority, deps }) => {
  const rates = await deps.alerts(authority.workspace).rates(authority.workspace);
  const visible = rates.rates.filter(({ by, name }) => by !== "host" || mayOn(authority, name, "metadata.read"));
  return { body: { ...rates, rates: visible } };
};

export const alertSettings: Handler<"alertSettings"> = async ({ authority, deps }) => ({
  body: await deps.alerts(authority.workspace).settings(authority.workspace),
});

export const alertSettingsChange: Handler<"alertSettingsChange"> = async ({ authority, body, arrival, deps }) => {
  const rule = { endpoint: "alertSettingsChange", permission: "workspace.administer" } as const;
  requireSafe(body.change);
  await requireEdgeAction(authority, body, { rule, deps, arrival });
  const { workspace, person, session } = authority;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "setting.changed",
    detail: { setting: body.change.setting, session },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  return { body: await deps.alerts(workspace).change(workspace, body.change) };
};

/** Before the touch is judged and spent: a mistake in an address should not cost a second one. */
function requireSafe(change: AlertChange): void {
  const hasAddress = change.setting === "alertWebhook" || change.setting === "alertNtfy";
  if (hasAddress && parseTarget(change.url) === undefined) throw problem("alert_target");
}

export const alertTest: Handler<"alertTest"> = async ({ authority, deps }) => {
  const { workspace } = authority;
  const { webhook, ntfy } = await deps.alerts(workspace).settings(workspace);
  if (webhook === undefined && ntfy === undefined) throw problem("alert_nowhere");
  return { body: await deps.alerts(workspace).sendTest(workspace) };
};
