import { describe, expect, it } from "vitest";
import { statementPermissions } from "../../../protocol/trust/approvals.ts";
import { NO_REVOCATIONS } from "../../../protocol/trust/state.ts";
import type { Statement, StatementKind } from "../../../protocol/trust/statements.ts";
import { coverageOf } from "../../../web/statement/coverage.tsx";
import { labelIn, type Ground } from "../../../web/statement/ground.ts";
import { tell } from "../../../web/statement/wording.ts";
import { endWords, scopeWords } from "../../../web/statement/words.ts";
import { host, NOW } from "../fixtures/hosts.ts";
import { trustView } from "../fixtures/trust-log.ts";

const view = trustView({ rules: true, keys: true, revoked: true });
const ground: Ground = {
  view,
  me: "p-7f3a91c0",
  now: NOW,
  nameOf: (person) => view.names.get(person) ?? person,
  nameOfCommitment: (commitment) => (commitment === "mira" ? "Mira" : undefined),
  labelOf: (id) => view.state.hosts.get(id)?.label ?? id,
};
const passkey = {
  credentialId: "q83vEjRWeJAq83vE",
  publicKey: "MFkw",
  alg: "ES256",
  rpId: "clawhold.localhost",
  backupEligible: true,
};

/** One of each kind: a new kind does not compile without. */
const bodies: Readonly<Record<StatementKind, object>> = {
  "person.add": { id: "p-mira", name: "mira", roles: ["operator"], credentials: [passkey] },
  "credential.add": { person: "p-22d81e55", ...passkey },
  "role.define": { id: "customer-a", permissions: ["metadata.read"], hosts: ["all"], sessionSeconds: 3_600 },
  "role.assign": { person: "p-90b1c7aa", roles: ["operator"] },
  "host.admit": { host: "h-new", hostKey: "k", cosignKey: "c", label: "vps-13", colocated: false },
  "host.remove": { host: "h-vps-3" },
  "automation-key.add": {
    id: "k-1",
    publicKey: "k",
    label: "ci",
    operations: [{ operation: "host.drill@1", limits: [{ argument: "scenario", values: ["lost-device"] }] }],
    hosts: ["h-vps-1"],
    rate: { commands: 1, seconds: 60 },
    until: NOW,
  },
  "origin.add": { origin: "https://new.example", rpId: "new.example", class: "daily" },
  "dispatch-key.rotate": { key: "k" },
  "ledger-key.rotate": { key: "k" },
  "root.rotate": { dispatchKey: "d", ledgerKey: "l" },
  "policy.set": { id: "prod-two", operations: ["all"], hosts: ["all"], people: 2 },
  "fork.resolve": { keep: "k", drop: "d" },
  "person.revoke": { person: "p-22d81e55" },
  "credential.revoke": { credential: "zX1cV3bN5mQwE7rT" },
  "role.revoke": { grant: "grantp-90b1c7aa".padEnd(43, "A") },
  "automation-key.revoke": { automationKey: "k-8a41f0c2d9e1b7a3c5d4" },
  "origin.revoke": { origin: "https://hold.example.net" },
};

function statementOf(kind: StatementKind, body: object = bodies[kind]): Statement {
  const prev = { n: 41, hash: "h" };
  return { v: 1, workspace: "w", prev, revoked: NO_REVOCATIONS, at: NOW, kind, body } as unknown as Statement;
}

describe("the words of a statement", () => {
  for (const kind of Object.keys(statementPermissions) as StatementKind[]) {
    it(`says what ${kind} does, in whole words`, () => {
      const { question, sentence, effect, done, facts } = tell(statementOf(kind), ground);
      expect(question).toMatch(/^[A-Z].*\?$/);
      expect(sentence).toMatch(/^\S.*\.$/);
      expect(effect.length).toBeGreaterThan(5);
      expect(done.length).toBeGreaterThan(5);
      expect(facts.length).toBeGreaterThan(0);
      const all = [question, sentence, effect, done, ...facts.flat()].join(" ");
      expect(all).not.toMatch(/undefined|null|NaN|\[object|!|please|oops/i);
    });
  }

  it("names whom it is about", () => {
    expect(tell(statementOf("person.add"), ground).question).toBe("Add Mira?");
    expect(tell(statementOf("person.revoke"), ground).question).toBe("Revoke ops-2?");
    expect(tell(statementOf("role.revoke"), ground).question).toBe("Take all roles from ops-4?");
    expect(tell(statementOf("credential.revoke"), ground).sentence).toContain("ops-4 keeps 0 passkeys");
    expect(tell(statementOf("automation-key.revoke"), ground).question).toBe("Revoke the key deploy-bot?");
  });

  it("tells a renewal from a change, and the end of a rule from a rule", () => {
    expect(tell(statementOf("role.assign"), ground).question).toBe("Renew the roles of ops-4?");
    const change = statementOf("role.assign", { person: "p-90b1c7aa", roles: ["viewer"] });
    expect(tell(change, ground).question).toBe("Change the roles of ops-4?");
    const end = statementOf("policy.set", { ...bodies["policy.set"], people: 1 });
    expect(tell(end, ground).question).toBe("End the rule prod-two?");
    expect(tell(statementOf("policy.set"), ground).question).toBe("Change the rule prod-two?");
  });

  it("shows the six words of somebody new beside the passkey that is signed", () => {
    const words = new Map(tell(statementOf("person.add"), ground).facts).get("Six words");
    expect(words?.split(" ")).toHaveLength(6);
    const other = { ...bodies["person.add"], credentials: [{ ...passkey, publicKey: "MFkx" }] };
    expect(new Map(tell(statementOf("person.add", other), ground).facts).get("Six words")).not.toBe(words);
  });

  it("shows the six words of an automation key, which whoever approves second compares as well", () => {
    const granted = statementOf("automation-key.add");
    const words = new Map(tell(granted, ground).facts).get("Six words");
    expect(words?.split(" ")).toHaveLength(6);
    const other = { ...bodies["automation-key.add"], publicKey: "A".repeat(43) };
    expect(new Map(tell(statementOf("automation-key.add", other), ground).facts).get("Six words")).not.toBe(words);
  });

  it("says that administering knows no hosts, whatever the scope of a role", () => {
    const role = { ...bodies["role.define"], permissions: ["workspace.administer" as const], hosts: ["h-vps-1"] };
    const everywhere = (hosts: string[]) =>
      new Map(tell(statementOf("role.define", { ...role, hosts }), ground).facts).get("Everywhere");
    expect(everywhere(["h-vps-1"])).toContain("whole workspace");
    expect(everywhere(["all"])).toBeUndefined();
  });
});

describe("words for scopes and ends", () => {
  it("tells hosts apart that joined under one label", () => {
    expect(labelIn(view, "h-vps-1")).toBe("vps-1");
    const { state } = view;
    const first = state.hosts.get("h-vps-1");
    if (first === undefined) throw new TypeError("no vps-1");
    const hosts = new Map(state.hosts).set("h-twin", { ...first, host: "h-twin" });
    expect(labelIn({ ...view, state: { ...state, hosts } }, "h-vps-1")).toBe("vps-1 (h-vps-1)");
    expect(labelIn(view, "h-gone")).toBe("h-gone");
  });

  it("says where", () => {
    expect(scopeWords({ hosts: ["all"] }, ground.labelOf)).toBe("all hosts");
    expect(scopeWords({ hosts: [] }, ground.labelOf)).toBe("no host");
    const mixed = { hosts: ["h-vps-1"], labels: ["prod-*", "db"] };
    expect(scopeWords(mixed, ground.labelOf)).toBe("vps-1, hosts named prod-* and the host named db");
  });

  it("says when", () => {
    expect(endWords(undefined, NOW, "never")).toBe("never ends");
    expect(endWords(NOW + 100, NOW, "soon")).toBe("ends today");
    expect(endWords(NOW + 86_400, NOW, "soon")).toBe("ends in 1 day");
    expect(endWords(NOW - 1, NOW, "over")).toContain("nothing any more");
  });
});

describe("coverage", () => {
  it("counts only hosts that confirmed, and names the others", () => {
    const told = host("a", { view: { trustBehind: false } });
    const behind = host("b", { view: { trustBehind: true } });
    const silent = host("c"); // says nothing about it: not told
    const waiting = host("d", { view: { admission: "waiting" } });
    const { told: count, all, missing } = coverageOf([told, behind, silent, waiting]);
    expect([count, all, missing.map(({ label }) => label)]).toEqual([1, 3, ["b", "c"]]);
  });
});
