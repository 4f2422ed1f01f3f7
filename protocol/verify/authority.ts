/** Whether those who signed may: class and origin, role and scope, number of people, or the limits of a grant. Layer 5. */
import type { Intent } from "../messages.ts";
import type { Operation } from "../operations.ts";
import {
  countPeople,
  coversHost,
  hasPermission,
  mayExecOnceFromDaily,
  peopleNeeded,
  type TrustState,
} from "../trust/state.ts";
import type { AutomationKey } from "../trust/statements.ts";
import type { Touch } from "./approvals.ts";
import type { SessionAuthor } from "./author.ts";
import { Refused } from "./refused.ts";

/** One command on one host. */
export interface Case {
  readonly intent: Intent;
  readonly operation: Operation;
  readonly host: string;
  readonly trust: TrustState;
  /** Seconds, of whoever judges. */
  readonly now: number;
}

export function judgePeople(
  { intent, operation, host, trust, now }: Case,
  author: SessionAuthor,
  touches: readonly Touch[],
): void {
  const isTooFar = ({ person, origin }: Touch): boolean =>
    origin.class !== "signer" && !(operation.mayBeDaily === true && mayExecOnceFromDaily(trust, person, host));
  if (operation.class === "critical" && touches.some(isTooFar)) throw new Refused("class_origin");
  const { permission } = operation;
  for (const { person } of touches) {
    if (!hasPermission(trust, person, { permission, now })) throw new Refused("role");
    if (!hasPermission(trust, person, { permission, host, now })) throw new Refused("host_scope");
  }
  // The person whose session carries the command is the person of the last touch.
  if (touches.at(-1)?.person !== author.person) throw new Refused("people");
  const needed = operation.alwaysOnePerson === true ? 1 : peopleNeeded(trust, intent.operation, host);
  const people = touches.map(({ person }) => person);
  if (countPeople(trust, people, now) < needed) throw new Refused("people");
}

/** An automation key never counts as a person: a rule for two refuses it. */
export function judgeGrant({ intent, operation, host, trust }: Case, key: AutomationKey): void {
  const granted = key.operations.find((one) => one.operation === intent.operation);
  if (granted === undefined || !coversHost(trust, key, host)) throw new Refused("automation_limit");
  const within = granted.limits.every(({ argument, values }) =>
    values.some((value) => value === intent.args[argument]),
  );
  if (!within) throw new Refused("automation_limit");
  if (operation.alwaysOnePerson !== true && peopleNeeded(trust, intent.operation, host) > 1)
    throw new Refused("people");
}
