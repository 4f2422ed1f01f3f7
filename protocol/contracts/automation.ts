/** What an automation key may ask: its own signature stands for cookie, session and touch. */
import * as v from "valibot";
import { seconds, someBytes, trustHead } from "../fields.ts";
import { signedSchema } from "../messages.ts";
import { trustPageSchema } from "../trust/statements.ts";
import { commandStatusSchema } from "./command-status.ts";
import type { Endpoint } from "./endpoint.ts";

const BY_GRANT = { needed: false, why: "an administrator granted the key in the trust log" } as const;

export const automationEndpoints = {
  automationTrust: {
    method: "GET",
    path: "/api/automation/trust",
    access: "automation",
    touch: BY_GRANT,
    response: v.strictObject({ page: trustPageSchema, head: trustHead, now: seconds }),
  },
  automationPrepare: {
    method: "POST",
    path: "/api/automation/hosts/:host/prepare",
    access: "automation",
    touch: BY_GRANT,
    request: v.strictObject({ prepare: signedSchema }),
    response: v.strictObject({ prepared: signedSchema }),
  },
  automationCommand: {
    method: "POST",
    path: "/api/automation/commands",
    access: "automation",
    touch: BY_GRANT,
    request: v.strictObject({ submission: someBytes(65_536) }),
    response: v.strictObject({ statuses: v.array(commandStatusSchema) }),
  },
  automationStatus: {
    method: "GET",
    path: "/api/automation/commands/:intent/:host",
    access: "automation",
    touch: BY_GRANT,
    response: commandStatusSchema,
  },
} as const satisfies Record<string, Endpoint>;
