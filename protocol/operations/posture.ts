/**
 * How hard a host is to break into: mending what a check found, taking it back, accepting a risk for a while. Daily is only what
 * tightens and undoes itself when it would lock somebody out; `subject` in what an intent expects is the digest of the plan as it
 * was shown, so a host does exactly that or nothing.
 */
import * as v from "valibot";
import { seconds, tag } from "../fields.ts";
import { checkNames } from "../posture/ids.ts";
import { fixOptionsSchema, profileOptionsSchema } from "../posture/options.ts";
import type { Operation } from "./operation.ts";

const check = v.picklist(checkNames);

/** In a person's own words; the edge does not read it. */
export const waiverReason = v.strictObject({
  reason: v.pipe(v.string(), v.minLength(3), v.maxLength(300), v.regex(/^\S(.*\S)?$/su)),
});

export const postureOperations = {
  /** With what the host chooses by itself. */
  "posture.fix@1": {
    class: "daily",
    permission: "gateway.operate",
    args: v.strictObject({ check }),
    expects: ["subject"],
  },
  /** With what a person chose: who may sign in, from where, on which port. */
  "posture.fix-with@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ check }),
    sealed: fixOptionsSchema,
    expects: ["subject"],
  },
  /** Everything of a profile in one transaction, with one way back. */
  "profile.apply@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({}),
    sealed: profileOptionsSchema,
    expects: ["subject"],
  },
  /** The gateway gets a user and a service of its own. By nothing else: no fix and no profile does it. */
  "gateway.isolate@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({}),
    expects: ["subject"],
  },
  /** `fix`: the host's own name of a transaction that it keeps. */
  "posture.rollback@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ fix: tag }),
    expects: [],
  },
  /** `until`: at most 180 days from now, by the host's clock. */
  "posture.waive@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ check, until: seconds }),
    sealed: waiverReason,
    expects: [],
  },
  /**
   * Lets the edge knock at this host's own address: nothing on the host changes. Who may choose what a host is is its owner here; a
   * command rather than a question, so that it is in the log, with who asked, before the edge knocks.
   */
  "posture.look@1": {
    class: "daily",
    permission: "gateway.configure",
    args: v.strictObject({}),
    oneHost: true,
    expects: [],
  },
  "posture.unwaive@1": {
    class: "daily",
    permission: "gateway.operate",
    args: v.strictObject({ check }),
    alwaysOnePerson: true,
    expects: [],
  },
} as const satisfies Record<string, Operation>;
