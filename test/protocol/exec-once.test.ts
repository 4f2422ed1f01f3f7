/** The one exception from "critical only in the signer": named people, named hosts, one operation. */
import { describe, expect, it } from "vitest";
import type { Policy } from "../../protocol/trust/statements.ts";
import { verifyEnvelope, verifySubmission } from "../../protocol/verify.ts";
import { honestCommand, type CommandDraft } from "../fixtures/command.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { makeWorld, type World } from "../fixtures/workspace.ts";
import { once } from "./rules/cases.ts";

const shared = once(makeWorld);

const phone = (members: Partial<Policy> = {}): Policy => ({
  id: "phone",
  operations: ["exec.allow-once@1"],
  hosts: ["all"],
  people: 1,
  execOnceFrom: { class: "daily", people: ["p-ada"] },
  ...members,
});

/** Ada answers from the page that the edge serves, in a workspace with these policies. */
async function answered(
  policies: readonly Policy[],
  operation: string,
  change: (draft: CommandDraft, world: World) => void = () => undefined,
): Promise<string> {
  const world = await shared();
  const state = { ...world.state, policies: new Map(policies.map((policy) => [policy.id, policy])) };
  const { bytes, submission, view } = await honestCommand(world, (draft) => {
    draft.intent["operation"] = operation;
    draft.intent["args"] = { subject: "q-0123456789abcdef" };
    draft.target["expect"] = { subject: nonceOf("the command as shown") };
    const [approval] = draft.approvals;
    if (approval !== undefined) approval.passkey = world.people.ada.daily;
    draft.view = { trust: state };
    change(draft, world);
  });
  const host = await verifyEnvelope(bytes, view);
  const edge = await verifySubmission(submission, view);
  const word = host.kind === "refused" ? host.code : host.kind;
  expect(edge.kind === "refused" ? edge.code : "verified").toBe(word);
  return word;
}

describe("allowing a command once where the edge serves the page", () => {
  it("is refused without a rule that names it", async () => {
    expect(await answered([], "exec.allow-once@1")).toBe("class_origin");
  });

  it("is taken from somebody whom a rule names", async () => {
    expect(await answered([phone()], "exec.allow-once@1")).toBe("verified");
  });

  const narrower: readonly (readonly [string, Partial<Policy>])[] = [
    ["somebody else", { execOnceFrom: { class: "daily", people: ["p-otto"] } }],
    ["another host", { hosts: ["h-elsewhere"] }],
  ];
  it.each(narrower)("is refused when the rule names %s", async (_, members) => {
    expect(await answered([phone(members)], "exec.allow-once@1")).toBe("class_origin");
  });

  it.each(["exec.allow-always@1", "config.rollback@1", "exec.policy@1"])("excepts no other: %s", async (operation) => {
    const args: Record<string, unknown> = {
      "config.rollback@1": { version: 1 },
      "exec.policy@1": { security: "full", ask: "off", fallback: "deny" },
    };
    const code = await answered([phone()], operation, (draft) => {
      draft.intent["args"] = args[operation] ?? draft.intent["args"];
      if (operation === "config.rollback@1") draft.target["expect"] = { configHash: nonceOf("config") };
    });
    expect(code).toBe("class_origin");
  });

  it("does not lend the right itself", async () => {
    const code = await answered(
      [phone({ execOnceFrom: { class: "daily", people: ["p-otto"] } })],
      "exec.allow-once@1",
      (draft, { people, keys, workspace, state }) => {
        draft.session.passkey = people.otto.passkey;
        draft.session.body["sessionKey"] = keys.session.publicKey;
        draft.session.body["workspace"] = workspace;
        draft.session.body["trustHead"] = state.head;
        const [approval] = draft.approvals;
        if (approval !== undefined) approval.passkey = people.otto.daily;
      },
    );
    expect(code).toBe("role");
  });
});
