/**
 * How everybody else raises an alert or counts a refusal. Neither ever fails its caller: what is being told of has
 * happened already, and must not happen differently because nobody could be told.
 */
import type { Alerts } from "./alerts.ts";
import type { NewAlert } from "./alerts/alert-table.ts";
import type { Refusal } from "./alerts/refusal-counts.ts";
import type { Env } from "./env.ts";
import { logFault } from "./log.ts";

export type AlertsEnv = Pick<Env, "ALERTS">;

export function alertsOf(env: AlertsEnv, workspace: string): DurableObjectStub<Alerts> {
  return env.ALERTS.getByName(workspace);
}

/** What an object of one workspace tells of. None of it ever fails. */
export interface Alarms {
  raise(alert: NewAlert): Promise<void>;
  /** For what lasts and is said again and again: raised unless it is. */
  keep(alert: NewAlert): Promise<void>;
  settle(reason: Pick<NewAlert, "kind" | "subject">): Promise<void>;
  count(refusal: Refusal): Promise<void>;
  /** A host came: its certificate may be near its end, or new. */
  look(): Promise<void>;
}

/** One call that is never answered must not be the last that is made. */
export const ALARM_TURN_SECONDS = 30;

/**
 * What one object tells arrives in the order in which it was told: an end that overtook its beginning would find nothing to
 * end, and leave an alert that nobody takes back.
 */
export function alarmsOf(env: AlertsEnv, workspace: () => string): Alarms {
  let turn: Promise<void> = Promise.resolve();
  const next = (tell: (workspace: string) => Promise<void>): Promise<void> => {
    const told = turn.then(() => inNameOf(workspace, tell));
    turn = forATime(told);
    return told;
  };
  return {
    raise: (alert) => next((name) => raiseAlert(env, name, alert)),
    keep: (alert) => next((name) => keepAlert(env, name, alert)),
    settle: (reason) => next((name) => settleAlert(env, name, reason)),
    count: (refusal) => inNameOf(workspace, (name) => countRefusal(env, name, refusal)),
    look: () => inNameOf(workspace, (name) => lookForEndings(env, name)),
  };
}

async function inNameOf(workspace: () => string, tell: (workspace: string) => Promise<void>): Promise<void> {
  let name: string;
  try {
    name = workspace();
  } catch (error) {
    logFault("alert_of_nobody", error);
    return;
  }
  await tell(name);
}

async function forATime(work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ALARM_TURN_SECONDS * 1_000);
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** Once for each (kind, subject) until it is resolved; again meanwhile: counted, and nobody is told twice. */
export async function raiseAlert(env: AlertsEnv, workspace: string, alert: NewAlert): Promise<void> {
  try {
    await alertsOf(env, workspace).raise(workspace, alert);
  } catch (error) {
    logFault("alert_not_raised", error, { kind: alert.kind });
  }
}

/** What is still so, as its own source says again: resolving it by hand lasts until then. */
export async function keepAlert(env: AlertsEnv, workspace: string, alert: NewAlert): Promise<void> {
  try {
    await alertsOf(env, workspace).keep(workspace, alert);
  } catch (error) {
    logFault("alert_not_raised", error, { kind: alert.kind });
  }
}

export async function countRefusal(env: AlertsEnv, workspace: string, refusal: Refusal): Promise<void> {
  try {
    await alertsOf(env, workspace).countRefusal(workspace, refusal);
  } catch (error) {
    logFault("refusal_not_counted", error, { code: refusal.code });
  }
}

/** The reason of an alert is gone, and the edge has seen it for itself. */
export async function settleAlert(
  env: AlertsEnv,
  workspace: string,
  reason: Pick<NewAlert, "kind" | "subject">,
): Promise<void> {
  try {
    await alertsOf(env, workspace).settle(workspace, reason);
  } catch (error) {
    logFault("alert_not_settled", error, { kind: reason.kind });
  }
}

async function lookForEndings(env: AlertsEnv, workspace: string): Promise<void> {
  try {
    await alertsOf(env, workspace).look(workspace);
  } catch (error) {
    logFault("alerts_look", error);
  }
}
