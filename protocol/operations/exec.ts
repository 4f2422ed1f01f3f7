/**
 * The gateway's own questions before it runs a command for an agent. `subject` in the arguments: the host's short name
 * for the question; in what is expected: the digest of everything that was shown of it.
 */
import * as v from "valibot";
import { noArguments, one, type Operation } from "./operation.ts";

export const execOperations = {
  "exec.deny@1": {
    class: "daily",
    permission: "gateway.operate",
    args: one,
    alwaysOnePerson: true,
    expects: [],
  },
  "exec.allow-once@1": {
    class: "critical",
    permission: "gateway.configure",
    args: one,
    mayBeDaily: true,
    expects: ["subject"],
  },
  "exec.allow-always@1": {
    class: "critical",
    permission: "gateway.configure",
    args: one,
    expects: ["subject"],
  },
  /** Whether Clawhold answers at all: with an approver connected the gateway waits where it used to refuse at once. */
  "exec.watch-on@1": {
    class: "critical",
    permission: "gateway.configure",
    args: noArguments,
    expects: [],
  },
  "exec.watch-off@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    alwaysOnePerson: true,
    expects: [],
  },
  /** What is asked before it is run, for every agent. */
  "exec.policy@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({
      security: v.picklist(["deny", "allowlist", "full"]),
      ask: v.picklist(["off", "on-miss", "always"]),
      fallback: v.picklist(["deny", "allowlist", "full"]),
    }),
    expects: ["subject"],
  },
} as const satisfies Record<string, Operation>;
