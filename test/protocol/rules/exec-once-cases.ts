/** Verdicts on a command allowed once where the edge serves the page: named people, named hosts, one operation. */
import type { Policy } from "../../../protocol/trust/statements.ts";
import { honestCommand } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { sharedWorld } from "./envelope-cases.ts";

const ONCE = "exec.allow-once@1";

/** Ada answers on her phone, in a workspace with this policy. */
async function answered(modules: Modules, operation: string, change: Partial<Policy>): Promise<string> {
  const world = await sharedWorld();
  const execOnceFrom = { class: "daily" as const, people: ["p-ada"] };
  const policy: Policy = { id: "phone", operations: [ONCE], hosts: ["all"], people: 1, execOnceFrom, ...change };
  const { bytes, view } = await honestCommand(world, (draft) => {
    Object.assign(draft.intent, { operation, args: { subject: "q-0123456789abcdef" } });
    draft.target["expect"] = { subject: nonceOf("the command as shown") };
    for (const approval of draft.approvals) approval.passkey = world.people.ada.daily;
    draft.view = { trust: { ...world.state, policies: new Map([[policy.id, policy]]) } };
  });
  const verdict = await modules.verify.verifyEnvelope(bytes, view);
  return verdict.kind === "refused" ? verdict.code : verdict.kind;
}

const points: readonly (readonly [string, string, string, Partial<Policy>])[] = [
  ["by somebody whom a rule names", "verified", ONCE, {}],
  ["by somebody else", "class_origin", ONCE, { execOnceFrom: { class: "daily", people: ["p-otto"] } }],
  ["under a rule that names nobody", "class_origin", ONCE, { execOnceFrom: undefined }],
  ["on another host", "class_origin", ONCE, { hosts: ["h-elsewhere"] }],
  ["for always", "class_origin", "exec.allow-always@1", {}],
];

export const execOnceCases: readonly RuleCase[] = points.map(([name, expected, operation, change]) => ({
  name: `allowed once: ${name}`,
  expected,
  run: (modules) => answered(modules, operation, change),
}));
