/**
 * The table of what this host can do. Every row takes a command that went through verification and acts through
 * interfaces handed in; there is no shell, and nothing here opens a connection.
 */
import * as v from "valibot";
import { digest, gatewayBootId } from "../../../protocol/fields.ts";
import type { Expect, Intent, Observed } from "../../../protocol/messages.ts";
import { operations, type OperationName } from "../../../protocol/operations.ts";
import type { Command, Verified } from "../../../protocol/verify.ts";
import type { GatewayControl, GatewayOperationName } from "../gateway/control-interface.ts";
import {
  isPostureOperation,
  type LookOutcome,
  type PostureControl,
  type PostureOperationName,
} from "../posture/control-interface.ts";
import type { ReadGrants } from "./grants.ts";
import type { Lookout } from "./lookout.ts";
import { updateFirst, updateRest, type UpdatingDeps } from "./updating.ts";

export interface ExecutorDeps extends UpdatingDeps {
  /** Undefined on a host without a gateway. */
  readonly gateway: GatewayControl | undefined;
  /** Undefined where nobody looks at the machine. */
  readonly posture?: PostureControl | undefined;
  /** Who may read content now. */
  readonly grants: ReadGrants;
  /** The way to ask the edge for a look from outside; undefined where there is no tunnel to ask over. */
  readonly lookout?: Pick<Lookout, "ask"> | undefined;
}

export interface Outcome {
  readonly verdict: "executed" | "failed";
  readonly observed: Observed;
  /** Why it failed, for the host's own log: a code, never text of the gateway. */
  readonly reason?: string;
}

export interface Implementation {
  /** The facts that an intent of this operation may pin, seen now. */
  observe(command: Command, deps: ExecutorDeps): Promise<Expect>;
  /** Acts. `content`: the opened sealed arguments. Rejects only for a programmer's mistake. */
  run(command: Verified<Command>, deps: ExecutorDeps, content: unknown): Promise<Outcome>;
}

type OwnName = Exclude<OperationName, GatewayOperationName | PostureOperationName>;

const own = {
  "gateway.restart@1": {
    observe: (_command, deps) => observeGateway(deps),
    run: (_command, deps) => restartGateway(deps),
  },
  "host.check@1": {
    observe: () => Promise.resolve({}),
    run: () => Promise.resolve({ verdict: "executed", observed: {} }),
  },
  "host.drill@1": {
    observe: () => Promise.resolve({}),
    run: () => Promise.resolve({ verdict: "executed", observed: {} }),
  },
  "content.read@1": {
    observe: () => Promise.resolve({}),
    run: ({ intent }, { grants }) => Promise.resolve(grantReading(intent, grants)),
  },
  "agent.update@1": {
    observe: () => Promise.resolve({}),
    run: async (command, deps) => begun(await updateFirst(command, deps)),
  },
  "agent.update-rest@1": {
    observe: () => Promise.resolve({}),
    run: async (command, deps) => begun(await updateRest(command, deps)),
  },
} as const satisfies Record<OwnName, Implementation>;

export function implementationOf(operation: OperationName): Implementation {
  if (isPostureOperation(operation)) return ofPosture(operation);
  return isOwn(operation) ? own[operation] : ofGateway(operation);
}

function isOwn(operation: OperationName): operation is OwnName {
  return Object.hasOwn(own, operation);
}

/** What acts on the gateway is done on the other side of the interface; a host without one says so. */
function ofGateway(operation: GatewayOperationName): Implementation {
  return {
    observe: async ({ intent }, { gateway }) => (await gateway?.observe(operation, intent.args)) ?? {},
    async run({ intent, digest, author, target }, { gateway }, content) {
      if (gateway === undefined) return { verdict: "failed", observed: {}, reason: "no_gateway" };
      const order = { operation, args: intent.args, content, intent: digest, author: author.id, expect: target.expect };
      const { verdict, observed } = await gateway.perform(order);
      return observed.reason === undefined ? { verdict, observed } : { verdict, observed, reason: observed.reason };
    },
  };
}

/**
 * What acts on the machine. The plan that an intent pins is compared by whoever applies it, in one go with applying it: a look
 * before would cost as much as the act, and prove nothing about the moment of it.
 */
function ofPosture(operation: PostureOperationName): Implementation {
  return {
    observe: ({ target }) => Promise.resolve(target.expect),
    async run({ intent, digest, author, target }, { posture, lookout }, content) {
      if (posture === undefined) return failed("unsupported");
      const lookOutside = (ports: readonly number[]): Promise<LookOutcome> =>
        lookout?.ask({ intent: digest, ports }) ?? Promise.resolve({ kind: "refused", code: "look_silent" });
      const order = { operation, args: intent.args, content, author: author.id, expect: target.expect, lookOutside };
      const { verdict, observed } = await posture.perform(order);
      return observed.reason === undefined ? { verdict, observed } : { verdict, observed, reason: observed.reason };
    },
  };
}

/** For the session that signed, and for it alone; a machine's key has none. */
function grantReading({ actor, args }: Intent, grants: ReadGrants): Outcome {
  const { kinds, seconds, session: only } = v.parse(operations["content.read@1"].args, args);
  if (!("session" in actor)) return failed("session_needed");
  return grants.grant({ session: actor.session, kinds, seconds, only })
    ? { verdict: "executed", observed: {} }
    : failed("grants_full");
}

function begun(refusal: string | undefined): Outcome {
  return refusal === undefined ? { verdict: "executed", observed: {} } : failed(refusal);
}

function failed(reason: string): Outcome {
  return { verdict: "failed", observed: { reason }, reason };
}

/** Names the configuration that runs now. */
export async function observeConfiguration({ gateway }: Pick<ExecutorDeps, "gateway">): Promise<Expect> {
  const configHash = await gateway?.configHash();
  return v.is(digest, configHash) ? { configHash } : {};
}

export async function observeGateway({ gateway }: Pick<ExecutorDeps, "gateway">): Promise<Expect> {
  const boot = boundedBoot(await gateway?.bootId());
  return boot === undefined ? {} : { gatewayBoot: boot };
}

async function restartGateway(deps: ExecutorDeps): Promise<Outcome> {
  if (deps.gateway === undefined) return { verdict: "failed", observed: {}, reason: "no_gateway" };
  try {
    const outcome = await deps.gateway.restart();
    const observed = observedBoots(outcome.before, outcome.after);
    if (observed.gatewayBootAfter === undefined) return { verdict: "failed", observed, reason: "no_new_boot" };
    return { verdict: "executed", observed };
  } catch (error) {
    const { gatewayBoot } = await observeGateway(deps);
    return { verdict: "failed", observed: observedBoots(undefined, gatewayBoot), reason: codeOf(error) };
  }
}

export function observedBoots(before: string | undefined, after: string | undefined): Observed {
  const gatewayBootBefore = boundedBoot(before);
  const gatewayBootAfter = boundedBoot(after);
  return {
    ...(gatewayBootBefore === undefined ? {} : { gatewayBootBefore }),
    ...(gatewayBootAfter === undefined ? {} : { gatewayBootAfter }),
  };
}

/** A boot id is the gateway's claim: what does not fit the field is no claim at all. */
function boundedBoot(boot: string | undefined): string | undefined {
  return v.is(gatewayBootId, boot) ? boot : undefined;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Za-z0-9_.-]{1,48}$/.test(code) ? code : "unknown";
}
