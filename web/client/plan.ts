/**
 * Whether an order can be made by this person, on this page, and by how many people: judged before anything is signed,
 * by the same verified state and the same tables that every host goes by. The hosts judge all of it again.
 */
import { operations, type Operation, type OperationName } from "../../protocol/operations.ts";
import {
  countPeople,
  hasPermission,
  mayExecOnceFromDaily,
  peopleNeeded,
  type TrustState,
} from "../../protocol/trust/state.ts";
import type { OriginClass, Trouble } from "../state/backend.ts";
import type { Order, Plan } from "../state/orders.ts";
import type { CommandDeps } from "./asking.ts";

export interface Judging {
  readonly state: TrustState;
  /** Seconds, edge time. */
  readonly now: number;
  /** The class of the page on which the touch would be made. */
  readonly originClass: OriginClass;
}

export function planOf(
  deps: Pick<CommandDeps, "trust" | "keys" | "now">,
  order: Order,
  originClass: OriginClass,
): Plan {
  const [state, session] = [deps.trust.state.value, deps.keys.session.value];
  if (state === undefined || session === undefined) return { kind: "not-now", trouble: NOT_READY };
  return judgeOrder({ state, now: deps.now(), originClass }, order, {
    person: session.person,
    nameOf: (id) => deps.trust.nameOf(id) ?? id,
  });
}

export interface Asker {
  readonly person: string;
  readonly nameOf: (person: string) => string;
}

export function judgeOrder(judging: Judging, order: Order, { person, nameOf }: Asker): Plan {
  const trouble = obstacleFor(judging, order, person);
  if (trouble !== undefined) return { kind: "not-now", trouble };
  if (isSealed(order) && order.hostIds.length > 1) return { kind: "not-now", trouble: SEALED_FOR_ONE };
  if (isForOne(order) && order.hostIds.length > 1) return { kind: "not-now", trouble: ONE_FIRST };
  const { state, now } = judging;
  const people = peopleFor(state, order);
  if (people === 1) return { kind: "alone" };
  if (isSealed(order)) return { kind: "not-now", trouble: SEALED_ALONE };
  const others = [...state.people.keys()].filter(
    (id) => id !== person && mayOn(judging, order, id) && countPeople(state, [person, id], now) > 1,
  );
  if (others.length + 1 < people) return { kind: "not-now", trouble: tooFew(people, others.map(nameOf)) };
  return { kind: "together", people, others: others.map(nameOf) };
}

/** The strictest rule of any of its hosts holds for the whole: it is one command. */
export function peopleFor(state: TrustState, { operation, hostIds }: Pick<Order, "operation" | "hostIds">): number {
  const row: Operation = operations[operation];
  if (row.alwaysOnePerson === true) return 1;
  return Math.max(1, ...hostIds.map((host) => peopleNeeded(state, operation, host)));
}

/** Why this person's touch on this page would be refused; undefined when it would count. */
export function obstacleFor(
  { state, now, originClass }: Judging,
  { operation, hostIds }: Pick<Order, "operation" | "hostIds">,
  person: string,
): Trouble | undefined {
  if (state.frozen !== undefined) return FROZEN;
  const row: Operation = operations[operation];
  // The host's own rule: a policy may let this person, on each of these hosts, approve it here.
  const isExcepted = row.mayBeDaily === true && hostIds.every((host) => mayExecOnceFromDaily(state, person, host));
  if (row.class === "critical" && originClass !== "signer" && !isExcepted) return CRITICAL_HERE;
  const { permission } = operations[operation];
  if (!hasPermission(state, person, { permission, now })) return NO_ROLE;
  const outside = hostIds.filter((host) => !hasPermission(state, person, { permission, host, now }));
  if (outside.length > 0) return notCovered(outside.map((host) => state.hosts.get(host)?.label ?? host));
  return undefined;
}

function isSealed({ operation }: Pick<Order, "operation">): boolean {
  const { sealed }: Operation = operations[operation];
  return sealed !== undefined;
}

function isForOne({ operation }: Pick<Order, "operation">): boolean {
  const { oneHost }: Operation = operations[operation];
  return oneHost === true;
}

function mayOn({ state, now }: Judging, { operation, hostIds }: Order, person: string): boolean {
  const { permission }: { readonly permission: (typeof operations)[OperationName]["permission"] } =
    operations[operation];
  return hostIds.every((host) => hasPermission(state, person, { permission, host, now }));
}

const NOT_READY: Trouble = {
  code: "not_ready",
  what: "This page has not verified yet who may do what.",
  next: "Wait a moment, then press again.",
};

const FROZEN: Trouble = {
  code: "trust_frozen",
  what: "There are two histories of who may do what, and every host that saw both obeys neither.",
  next: "Open the People page in the signer and resolve the fork; revoking still works.",
};

export const CRITICAL_HERE: Trouble = {
  code: "class_origin",
  what: "This command is critical, and this page comes from the edge, so every host would refuse it.",
  next: "Type clawhold ui on your own machine, and give the command in the dashboard that it opens.",
};

const NO_ROLE: Trouble = {
  code: "role",
  what: "Your role does not allow this, so every host would refuse it.",
  next: "Ask an administrator for a role that does.",
};

const SEALED_FOR_ONE: Trouble = {
  code: "sealed",
  what: "What is sealed goes to one host at a time.",
  why: "Each host has a key of its own for it.",
  next: "Give the command on the page of each host.",
};

const ONE_FIRST: Trouble = {
  code: "operation",
  what: "This is done on one host at a time, and every host refuses it in a command for several.",
  next: "Do it on one. Ten minutes after it is back, the Fleet page updates the others in one touch.",
};

const SEALED_ALONE: Trouble = {
  code: "people",
  what: "A rule asks for several people, and what is sealed for a host can be approved only by whoever typed it.",
  why: "Nobody else could read what they approve.",
  next: "Do it on the machine itself, or ask an administrator to change the rule.",
};

function notCovered(labels: readonly string[]): Trouble {
  return {
    code: "host_scope",
    what: `Your role does not cover ${labels.join(", ")}.`,
    why: "A host obeys only whom its own list of keys allows.",
    next: "Leave them out, or ask an administrator for a role that covers them.",
  };
}

function tooFew(people: number, others: readonly string[]): Trouble {
  const beside = others.length === 0 ? "nobody else" : `only ${others.join(", ")}`;
  return {
    code: "people",
    what: `A rule asks for ${people} people, and beside you ${beside} could approve this now.`,
    why: "Others have no role that covers it, or were added by you alone within a day.",
    next: "Ask an administrator to add somebody or to give a role, then propose it.",
  };
}
