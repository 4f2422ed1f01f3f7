/**
 * The one table of what a host can do. An operation has one class, never by argument: where arguments would
 * change the class there are two operations. A new row fails to compile until the host implements it.
 */
import * as v from "valibot";
import type { Expect } from "./messages.ts";
import type { Permission } from "./roles.ts";

/** `daily`: worst case is downtime, or it only tightens. `critical`: everything that could run code or loosen. */
export type OperationClass = "daily" | "critical";

export interface Operation {
  readonly class: OperationClass;
  readonly permission: Permission;
  readonly args: v.GenericSchema;
  /** Stopping something bad must never wait for a second person. */
  readonly alwaysOnePerson?: true;
  /** Which facts an intent must pin; the host refuses an intent without them. */
  readonly expects: readonly (keyof Expect)[];
  /** One plain sentence of what will happen. `host` is the label a person gave. */
  readonly effect: (host: string) => string;
  /** The verb on the button and in the activity log: "Restart the gateway on …", "Restarted …". */
  readonly verb: string;
  readonly past: string;
}

const noArguments = v.strictObject({});

export const operations = {
  "gateway.restart@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    expects: ["gatewayBoot"],
    effect: (host) =>
      `The gateway on ${host} stops and starts again. Active sessions are cut off, usually for 5 to 15 seconds. Nothing is deleted.`,
    verb: "Restart the gateway",
    past: "restarted the gateway",
  },
  "host.check@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    expects: [],
    effect: (host) => `Nothing changes on ${host}. It proves that a signed command reaches it and comes back.`,
    verb: "Check the command path",
    past: "checked the command path",
  },
  /** The critical path can be practised before it is needed: the signer, the second person, the automation key. */
  "host.drill@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ scenario: v.picklist(["lost-device", "edge-taken-over", "second-person"]) }),
    expects: [],
    effect: (host) =>
      `Nothing changes on ${host}. It rehearses a critical command: approved in the signer, by as many people as your rules ask for.`,
    verb: "Rehearse a critical command",
    past: "rehearsed a critical command",
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
