/** What somebody changed at Cloudflare is named, and put back; what is not ours is left alone. */
import { afterEach, beforeEach, describe, it, expect } from "vitest";
import type { FakeState, Json } from "../../fixtures/cloudflare/state.ts";
import { AGENTS, DASHBOARD, Rig } from "./rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  rig.fake.state.plan = "pro";
  await rig.deploy();
});
afterEach(() => {
  rig.remove();
  expect(rig.fake.strange).toEqual([]);
});

type Drift = readonly [what: string, change: (state: FakeState) => void, named: string];

function edit(map: Map<string, Json>, change: (value: Json) => Json): void {
  for (const [id, value] of map) map.set(id, change(value));
}
function editScript(state: FakeState, change: object): void {
  const before = state.scripts.get("clawhold");
  if (before !== undefined) state.scripts.set("clawhold", { ...before, ...change });
}
function editRules(state: FakeState, change: (rules: readonly Json[]) => readonly Json[]): void {
  for (const [id, ruleset] of state.rulesets) state.rulesets.set(id, { ...ruleset, rules: change(ruleset.rules) });
}

const drifts: readonly Drift[] = [
  ["a name was taken away", ({ domains }) => domains.clear(), `name ${DASHBOARD}`],
  ["certificates are no longer asked for", (state) => void (state.associated = []), AGENTS],
  [
    "Access lets everybody of another domain in",
    ({ policies }) => edit(policies, (one) => ({ ...one, include: [{ email_domain: { domain: "evil.example" } }] })),
    "who may pass",
  ],
  ["Access guards another name", ({ apps }) => edit(apps, (one) => ({ ...one, domain: "x.example.com" })), "domain"],
  ["Access has no policies", ({ apps }) => edit(apps, (one) => ({ ...one, policies: [] })), "policies"],
  ["the application is gone", ({ apps }) => apps.clear(), "Access application"],
  ["the Worker answers at workers.dev", (state) => editScript(state, { workersDev: true }), "workers.dev"],
  ["previews answer", (state) => editScript(state, { previews: true }), "workers.dev"],
  [
    "the Worker has a binding more",
    (state) =>
      editScript(state, {
        bindings: [
          ...(state.scripts.get("clawhold")?.bindings ?? []),
          { name: "SIGNER_ORIGIN", type: "plain_text", text: "x" },
        ],
      }),
    "binding SIGNER_ORIGIN, which is not ours",
  ],
  [
    "Access was taken out of the Worker's bindings",
    (state) =>
      editScript(state, {
        bindings: (state.scripts.get("clawhold")?.bindings ?? []).filter(({ name }) => name !== "ACCESS_AUDIENCE"),
      }),
    "binding ACCESS_AUDIENCE",
  ],
  [
    "other code was uploaded",
    (state) =>
      editScript(state, {
        tags: (state.scripts.get("clawhold")?.tags ?? []).filter((tag) => !tag.includes("content")),
      }),
    "code",
  ],
  [
    "a rule was switched off",
    (state) => editRules(state, (rules) => rules.map((one) => ({ ...one, enabled: false }))),
    "enabled",
  ],
  [
    "a rule blocks no more",
    (state) => editRules(state, (rules) => rules.map((one) => ({ ...one, expression: "(false)" }))),
    "expression",
  ],
  ["rules were removed", (state) => editRules(state, () => []), "rule tls"],
  ["TLS 1.3 was switched off", ({ settings }) => void settings.set("tls_1_3", "off"), "tls_1_3"],
];

describe("drift", () => {
  for (const [what, change, named] of drifts) {
    it(`puts it back when ${what}`, async () => {
      const good = rig.fake.state.shape();
      change(rig.fake.state);
      expect(rig.fake.state.shape()).not.toBe(good);
      const plan = await rig.deploy(["--plan"]);
      expect(plan.out).toContain(named);
      expect(plan.writes).toEqual([]);
      const ran = await rig.deploy();
      expect(ran.err).toBe("");
      expect(ran.writes.length).toBeGreaterThan(0);
    });
  }

  it("leaves a key that waits for a change where its owner put it, and nothing else under that name", async () => {
    const bindings = rig.fake.state.scripts.get("clawhold")?.bindings ?? [];
    const wait = (binding: Json) =>
      editScript(rig.fake.state, { bindings: [...bindings, { name: "DISPATCH_KEY_NEXT", ...binding }] });
    wait({ type: "secret_text" });
    expect((await rig.deploy()).writes).toEqual([]);
    wait({ type: "plain_text", text: "x" });
    expect((await rig.deploy(["--plan"])).out).toContain("binding DISPATCH_KEY_NEXT, which is not ours");
  });

  it("removes a rule of an older version of ours, and no rule of others", async () => {
    editRules(rig.fake.state, (rules) => [
      ...rules,
      { ...rules[0], id: "1".repeat(32), ref: String(rules[0]?.["ref"]).replace(/[a-z]+$/, "older") },
      { ...rules[0], id: "2".repeat(32), ref: "theirs" },
    ]);
    // Both lists have one of each; the plan's room for rate limits is two.
    for (const [id, ruleset] of rig.fake.state.rulesets)
      if (ruleset.phase === "http_ratelimit")
        rig.fake.state.rulesets.set(id, { ...ruleset, rules: ruleset.rules.slice(0, 2) });
    await rig.deploy();
    const refs = [...rig.fake.state.rulesets.values()].flatMap(({ rules }) => rules.map(({ ref }) => String(ref)));
    expect(refs.filter((ref) => ref.endsWith("older"))).toEqual([]);
    expect(refs).toContain("theirs");
  });

  it("asks for a new secret when the service token's file is lost", async () => {
    const before = [...rig.fake.state.tokenSecrets.values()];
    const { rmSync } = await import("node:fs");
    rmSync(`${rig.folder}/.clawhold-deploy`, { recursive: true });
    const { out } = await rig.deploy();
    expect(out).toContain("a new secret, because");
    expect([...rig.fake.state.tokenSecrets.values()]).not.toEqual(before);
    expect((await rig.deploy()).writes).toEqual([]);
  });
});
