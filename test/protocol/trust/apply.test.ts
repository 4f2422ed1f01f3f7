import { describe, expect, it } from "vitest";
import { applyRoot, applyStatement } from "../../../protocol/trust/apply.ts";
import { trustRefusals } from "../../../protocol/trust/refusals.ts";
import { hasPermission, rolesOf, sessionLimit } from "../../../protocol/trust/state.ts";
import { applied, makeRoot, makeWorld, NOW, stated } from "../../fixtures/workspace.ts";
import { itJudges } from "../rules/describe.ts";
import { forkCases } from "../rules/fork-cases.ts";
import { keyStatementCases } from "../rules/key-statement-cases.ts";
import { revocationCases } from "../rules/revocation-cases.ts";
import { statementCases } from "../rules/statement-cases.ts";
import { trustCases } from "../rules/trust-cases.ts";

describe("the trust log", () => {
  itJudges(trustCases);

  it("has a case for every refusal", () => {
    const all = [...trustCases, ...statementCases, ...keyStatementCases, ...revocationCases, ...forkCases];
    const reached = new Set(all.map((one) => one.expected.replace(/, .*/, "")));
    expect(trustRefusals.filter((code) => !reached.has(code))).toEqual([]);
  });
});

describe("states", () => {
  it("a root cannot be applied without a pin: that would be trust on first use", async () => {
    const { signed } = await makeRoot();
    await expect(applyRoot(signed, {})).rejects.toThrow(TypeError);
  });

  it("moves the head by one, to the statement's digest, and leaves the old state as it was", async () => {
    const world = await makeWorld();
    const before = structuredClone(world.state);
    const kick = await stated(
      { state: world.state, by: world.people.ada.passkey },
      { kind: "host.remove", body: { host: world.host } },
    );
    const next = await applied(world.state, kick);
    expect(world.state).toEqual(before);
    expect(next.head.n).toBe(before.head.n + 1);
    expect(next.head.hash).not.toBe(before.head.hash);
    expect(next.hosts.size).toBe(0);
    expect(next.removedHosts).toEqual(new Set([world.host]));
  });

  it("one place in the chain is taken once: the second statement with the same predecessor is dead", async () => {
    const { state, people, host } = await makeWorld();
    const by = people.ada.passkey;
    const first = await stated({ state, by }, { kind: "host.remove", body: { host } });
    const second = await stated({ state, by }, { kind: "role.assign", body: { person: "p-otto", roles: [] } });
    const next = await applied(state, first);
    expect(await applyStatement(next, second)).toEqual({ ok: false, code: "place" });
    expect(await applyStatement(next, first)).toEqual({ ok: false, code: "place" });
  });

  it("replays to the same state from the root", async () => {
    const world = await makeWorld();
    const first = await applyRoot(world.root, { workspace: world.workspace });
    if (!first.ok) throw new Error(first.code);
    let { state } = first;
    for (const statement of world.statements) state = await applied(state, statement);
    expect(state).toEqual(world.state);
  });

  it("unites a person's roles and takes the shortest session", async () => {
    const { state, people } = await makeWorld();
    const both = await stated(
      { state, by: people.ada.passkey },
      { kind: "role.assign", body: { person: "p-otto", roles: ["elsewhere", "admin"] } },
    );
    const next = await applied(state, both);
    expect(rolesOf(next, "p-otto", NOW).map(({ id }) => id)).toEqual(["elsewhere", "admin"]);
    expect(sessionLimit(next, "p-otto", NOW)).toBe(7_200);
    expect(hasPermission(next, "p-otto", { permission: "workspace.administer", now: NOW })).toBe(true);
    expect(sessionLimit(next, "p-nobody", NOW)).toBe(0);
    expect(hasPermission(next, "p-nobody", { permission: "metadata.read", now: NOW })).toBe(false);
  });

  it("a role covers the hosts it names and no other", async () => {
    const { state, host } = await makeWorld();
    const permission = "gateway.operate";
    expect(hasPermission(state, "p-scot", { permission, now: NOW })).toBe(true);
    expect(hasPermission(state, "p-scot", { permission, host: "h-elsewhere", now: NOW })).toBe(true);
    expect(hasPermission(state, "p-scot", { permission, host, now: NOW })).toBe(false);
    expect(hasPermission(state, "p-otto", { permission, host, now: NOW })).toBe(true);
  });
});
