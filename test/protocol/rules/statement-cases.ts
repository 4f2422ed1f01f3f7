/** Verdicts on every kind of chain statement in a workspace of several administrators with a rule for two. */
import { GRANT_SECONDS } from "../../../protocol/limits.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { BodyOf, SignedStatement } from "../../../protocol/trust/statements.ts";
import { createCredential, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { said as of, say, saying, START, type Said, type Saying, type Team } from "../../fixtures/team.ts";
import { hostBodyOf, NOW, SIGNER_RP_ID } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { sharedTeam } from "./team-commands.ts";

export type Who = "ada" | "bea" | "cyd" | "pup" | "lab" | "otto" | "vera" | "nora";
type By = Who | `${Who}:daily` | SoftwareCredential;

export function passkeyOf({ people, more }: Team, by: By): SoftwareCredential {
  if (typeof by !== "string") return by;
  const [name, where] = by.split(":") as [Who, string?];
  const member = { ...people, ...more }[name];
  return where === undefined ? member.passkey : member.daily;
}

export interface Attempt extends Omit<Saying, "by"> {
  readonly by: readonly By[];
  readonly state?: TrustState;
}

/** What one says, and who approves it; the state follows from the team when absent. */
type Make = (team: Team) => Promise<readonly [Said, Attempt]> | readonly [Said, Attempt];

/** Applied by whoever must be strict: edge and browser. */
async function verdict(modules: Modules, make: Make): Promise<string> {
  const team = await sharedTeam();
  const [said, { by, state = team.state, ...how }] = await make(team);
  const passkeys = by.map((one) => passkeyOf(team, one));
  const signed: SignedStatement = await say(state, said, { ...how, by: passkeys });
  const result = await modules.apply.applyStatement(state, signed);
  return result.ok ? "ok" : result.code;
}

/** A state after more was said by Ada and Bea. */
export async function after(team: Team, ...said: readonly (readonly [Said, number?])[]): Promise<TrustState> {
  let { state } = team;
  const by = [team.people.ada.passkey, team.more.bea.passkey];
  for (const [one, at = NOW] of said) {
    // A revocation is one person's.
    state = await saying(state, one, { by: one.kind.endsWith(".revoke") ? by.slice(0, 1) : by, at });
  }
  return state;
}

export const two = { by: ["ada", "bea"] } as const;
export const one = { by: ["ada"] } as const;

const newcomer = { id: "p-new", name: nonceOf("new"), roles: ["viewer"] };
const coming = (members: Partial<BodyOf<"person.add">> = {}): Said => of("person.add", { ...newcomer, ...members });
const role = (members: Partial<BodyOf<"role.define">> = {}): Said =>
  of("role.define", {
    id: "night-watch",
    permissions: ["metadata.read"],
    hosts: ["all"],
    sessionSeconds: 600,
    ...members,
  });
const roles = (person: string, held: readonly string[], until?: number): Said =>
  of("role.assign", { person, roles: [...held], ...(until === undefined ? {} : { until }) });
const exception = (members: Partial<BodyOf<"policy.set">> = {}, people: readonly string[] = ["p-ada"]): Said =>
  of("policy.set", {
    id: "phone",
    operations: ["exec.allow-once@1"],
    hosts: ["all"],
    people: 1,
    execOnceFrom: { class: "daily", people: [...people] },
    ...members,
  });
const policy = (members: Partial<BodyOf<"policy.set">> = {}): Said =>
  of("policy.set", { id: "two", operations: ["host.drill@1"], hosts: ["all"], people: 2, ...members });

/** [name, expected, make] */
export type Row = readonly [string, string, Make];

const people: readonly Row[] = [
  ["person.add by two", "ok", () => [coming(), two]],
  ["person.add by three", "ok", () => [coming(), { by: ["ada", "bea", "cyd"] }]],
  ["person.add by one", "people", () => [coming(), one]],
  ["person.add by the same twice", "people", () => [coming(), { by: ["ada", "ada"] }]],
  [
    "person.add by two passkeys of one",
    "people",
    async (t) => {
      const second = await createCredential({ rpId: SIGNER_RP_ID });
      const state = await saying(t.state, of("credential.add", { person: "p-ada", ...second.pinned }), {
        by: [t.people.ada.passkey],
      });
      return [coming(), { by: ["ada", second], state }];
    },
  ],
  ["person.add with somebody whom she added within a day", "people", () => [coming(), { by: ["ada", "pup"] }]],
  ["person.add with somebody whom another added within a day", "ok", () => [coming(), { by: ["bea", "pup"] }]],
  [
    "person.add with somebody whom she added a day ago",
    "ok",
    () => [coming(), { by: ["ada", "pup"], at: NOW - 3_600 + 86_400 }],
  ],
  [
    "person.add with somebody whom she added a second less than a day ago",
    "people",
    () => [coming(), { by: ["ada", "pup"], at: NOW - 3_600 + 86_399 }],
  ],
  [
    "person.add with somebody whom two have just added",
    "ok",
    async (t) => {
      const passkey = await createCredential({ rpId: SIGNER_RP_ID });
      const body = { id: "p-dan", name: nonceOf("dan"), roles: ["admin"], credentials: [passkey.pinned] };
      return [coming(), { by: ["ada", passkey], state: await after(t, [of("person.add", body)]) }];
    },
  ],
  ["person.add, the second on a page of the edge", "origin", () => [coming(), { by: ["ada", "bea:daily"] }]],
  ["person.add, the second an operator", "role", () => [coming(), { by: ["ada", "otto"] }]],
  ["person.add, the second without a role", "role", () => [coming(), { by: ["ada", "nora"] }]],
  ["person.add, the first an operator", "role", () => [coming(), { by: ["otto", "ada", "bea"] }]],
  ["person.add until the last second that may be", "ok", () => [coming({ until: NOW + GRANT_SECONDS }), two]],
  ["person.add until a second later", "term", () => [coming({ until: NOW + GRANT_SECONDS + 1 }), two]],
  ["person.add until the next second", "ok", () => [coming({ until: NOW + 1 }), two]],
  ["person.add until now", "term", () => [coming({ until: NOW }), two]],
  [
    "person.add with a passkey that somebody has",
    "exists",
    (t) => [coming({ credentials: [t.people.otto.passkey.pinned] }), two],
  ],
  [
    "person.add with a passkey for a name that is not listed",
    "unknown",
    async () => [coming({ credentials: [(await createCredential({ rpId: "unlisted.example" })).pinned] }), two],
  ],
  [
    "person.add of somebody revoked",
    "exists",
    async (t) => {
      const state = await after(t, [of("person.revoke", { person: "p-otto" })]);
      return [coming({ id: "p-otto" }), { ...two, state }];
    },
  ],
  ["earlier than the statement before", "time", () => [coming(), { ...two, at: NOW - 61 }]],
  ["in the same second as the statement before", "ok", () => [coming(), { ...two, at: NOW - 60 }]],
  [
    "credential.add for oneself, without any power",
    "ok",
    async () => [of("credential.add", { person: "p-vera", ...(await createCredential()).pinned }), { by: ["vera"] }],
  ],
  [
    "credential.add for another, by one",
    "people",
    async () => [of("credential.add", { person: "p-vera", ...(await createCredential()).pinned }), one],
  ],
  [
    "credential.add for another, by two",
    "ok",
    async () => [of("credential.add", { person: "p-vera", ...(await createCredential()).pinned }), two],
  ],
  [
    "credential.add for another, without any power",
    "role",
    async () => [of("credential.add", { person: "p-otto", ...(await createCredential()).pinned }), { by: ["vera"] }],
  ],
  [
    "credential.add for oneself, on a page of the edge",
    "origin",
    async () => [
      of("credential.add", { person: "p-vera", ...(await createCredential()).pinned }),
      { by: ["vera:daily"] },
    ],
  ],
  [
    "credential.add of a revoked one",
    "exists",
    async (t) => {
      const { pinned } = t.people.otto.passkey;
      const state = await after(t, [of("credential.revoke", { credential: pinned.credentialId })]);
      return [of("credential.add", { person: "p-otto", ...pinned }), { ...two, state }];
    },
  ],
  [
    "credential.add for somebody revoked",
    "unknown",
    async (t) => {
      const state = await after(t, [of("person.revoke", { person: "p-otto" })]);
      return [of("credential.add", { person: "p-otto", ...(await createCredential()).pinned }), { ...two, state }];
    },
  ],
];

const power: readonly Row[] = [
  ["role.define by two", "ok", () => [role(), two]],
  ["role.define by one", "people", () => [role(), one]],
  ["role.define by hosts' labels", "ok", () => [role({ hosts: [], labels: ["prod-*"] }), two]],
  ["role.define with a star inside a label", "malformed", () => [role({ hosts: [], labels: ["prod-*-1"] }), two]],
  ["role.define without a label", "malformed", () => [role({ labels: [] }), two]],
  ["role.define of longer sessions than any", "malformed", () => [role({ sessionSeconds: 43_201 }), two]],
  ["role.define with a permission that is none", "malformed", () => [role({ permissions: ["root" as never] }), two]],
  [
    "role.define that takes the administrators' power",
    "last_admin",
    () => [role({ id: "admin", permissions: ["metadata.read"] }), two],
  ],
  ["role.assign, the same again, by one", "ok", () => [roles("p-otto", ["operator"]), one]],
  ["role.assign, fewer, by one", "ok", () => [roles("p-otto", []), one]],
  ["role.assign, more, by one", "people", () => [roles("p-otto", ["operator", "viewer"]), one]],
  ["role.assign, others, by one", "people", () => [roles("p-otto", ["viewer"]), one]],
  ["role.assign, more, by two", "ok", () => [roles("p-otto", ["operator", "viewer"]), two]],
  [
    "role.assign to somebody revoked",
    "unknown",
    async (t) => [
      roles("p-otto", ["operator"]),
      { ...two, state: await after(t, [of("person.revoke", { person: "p-otto" })]) },
    ],
  ],
  [
    "role.assign after role.revoke is no renewal",
    "people",
    async (t) => [
      roles("p-otto", ["operator"]),
      { ...one, state: await after(t, [of("role.revoke", { grant: t.state.people.get("p-otto")?.grant ?? "" })]) },
    ],
  ],
  [
    "role.assign until the last second that may be",
    "ok",
    () => [roles("p-otto", ["operator"], NOW + GRANT_SECONDS), one],
  ],
  ["role.assign until a second later", "term", () => [roles("p-otto", ["operator"], NOW + GRANT_SECONDS + 1), one]],
  ["role.assign until now", "term", () => [roles("p-otto", ["operator"], NOW), one]],
  [
    "by an administrator in the last second of the role",
    "ok",
    () => [roles("p-otto", []), { by: ["bea"], at: START + GRANT_SECONDS }],
  ],
  [
    "by an administrator a second after the end of the role",
    "role",
    () => [roles("p-otto", []), { by: ["bea"], at: START + GRANT_SECONDS + 1 }],
  ],
  [
    "by the last administrators, a second after the end of their roles",
    "ok",
    async (t) => {
      const state = await after(
        t,
        [of("person.revoke", { person: "p-ada" })],
        [of("person.revoke", { person: "p-pup" })],
      );
      return [roles("p-otto", []), { by: ["bea"], at: START + GRANT_SECONDS + 1, state }];
    },
  ],
  [
    "by one whose role has ended, while another's has not",
    "role",
    async (t) => {
      const state = await after(t, [of("person.revoke", { person: "p-ada" })]);
      return [roles("p-otto", []), { by: ["bea"], at: START + GRANT_SECONDS + 1, state }];
    },
  ],
  [
    "by one whose role ended long before the others', dated after the end of them all",
    "role",
    async (t) => [roles("p-otto", []), { by: ["cyd"], at: START + 2 * GRANT_SECONDS, state: await leftAlone(t) }],
  ],
  [
    "by one of as many whose roles end last as the strictest rule asks for",
    "ok",
    async (t) => [roles("p-otto", []), { by: ["bea"], at: START + 2 * GRANT_SECONDS, state: await leftAlone(t) }],
  ],
  ["host.admit by one", "ok", async () => [of("host.admit", await hostBodyOf("third")), one]],
  ["host.admit by an operator", "role", async () => [of("host.admit", await hostBodyOf("third")), { by: ["otto"] }]],
  ["host.remove by one", "ok", (t) => [of("host.remove", { host: t.lab.host }), one]],
  ["host.remove by an operator", "role", (t) => [of("host.remove", { host: t.lab.host }), { by: ["otto"] }]],
  ["policy.set, a new one, by one", "ok", () => [policy({ id: "more" }), one]],
  ["policy.set, the same, by one", "ok", () => [policy(), one]],
  ["policy.set, more people, by one", "ok", () => [policy({ people: 3 }), one]],
  ["policy.set, more people than administer", "too_few_admins", () => [policy({ people: 5 }), one]],
  ["policy.set, as many people as administer", "ok", () => [policy({ people: 4 }), one]],
  ["policy.set, more people than anybody could need", "malformed", () => [policy({ people: 9 }), two]],
  ["policy.set, an exception, by one", "people", () => [exception(), one]],
  ["policy.set, an exception, by two", "ok", () => [exception(), two]],
  ["policy.set, an exception for nobody known", "unknown", () => [exception({}, ["p-nobody"]), two]],
  [
    "policy.set, an exception for another operation",
    "malformed",
    () => [exception({ operations: ["exec.allow-always@1"] }), two],
  ],
  ["policy.set, an exception for all operations", "malformed", () => [exception({ operations: ["all"] }), two]],
  ["policy.set, an exception in a rule for two", "malformed", () => [exception({ people: 2 }), two]],
  ["policy.set, fewer people, by one", "people", () => [policy({ people: 1 }), one]],
  ["policy.set, fewer people, by two", "ok", () => [policy({ people: 1 }), two]],
  ["policy.set, more operations, by one", "ok", () => [policy({ operations: ["host.drill@1", "host.check@1"] }), one]],
  ["policy.set, all operations, by one", "ok", () => [policy({ operations: ["all"] }), one]],
  ["policy.set, other operations, by one", "people", () => [policy({ operations: ["host.check@1"] }), one]],
  ["policy.set, fewer hosts, by one", "people", (t) => [policy({ hosts: [t.host] }), one]],
  [
    "policy.set, hosts by label instead of all, by one",
    "people",
    () => [policy({ hosts: [], labels: ["prod-*"] }), one],
  ],
  ["policy.set, a label beside all hosts, by one", "ok", () => [policy({ labels: ["prod-*"] }), one]],
  ...labelled("another label beside, by one", "ok", { hosts: [], labels: ["lab-*", "prod-*"] }),
  ...labelled("all hosts, by one", "ok", { hosts: ["all"] }),
  ...labelled("no label, by one", "people", { hosts: ["h-elsewhere"] }),
  ...labelled("one label of two, by one", "people", { hosts: [], labels: ["lab-*"] }),
  ...labelled('the label "all", by one', "people", { hosts: [], labels: ["all"] }),
  [
    "largest rule counts for what loosens",
    "people",
    async (t) => [
      coming(),
      { ...two, state: await after(t, [policy({ id: "more", people: 3, operations: ["host.check@1"] })]) },
    ],
  ],
  [
    "role.assign that leaves fewer administrators than the rules ask for",
    "too_few_admins",
    async (t) => [roles("p-bea", []), { by: ["ada"], state: await after(t, [policy({ people: 4 })]) }],
  ],
];

/** A rule for hosts by two labels, changed by one person. */
function labelled(name: string, expected: string, members: Partial<BodyOf<"policy.set">>): readonly Row[] {
  const before = policy({ id: "labels", hosts: [], labels: ["lab-*", "prod-*"] });
  return [
    [
      `policy.set, hosts by labels: ${name}`,
      expected,
      async (t) => [policy({ id: "labels", ...members }), { ...one, state: await after(t, [before]) }],
    ],
  ];
}

/** Whose role never ends has left; Cyd's ends tomorrow, Bea's weeks later and the newcomer's last of all. */
function leftAlone(team: Team): Promise<TrustState> {
  return after(team, [roles("p-cyd", ["admin"], NOW + 86_400)], [of("person.revoke", { person: "p-ada" })]);
}

export const statementCases: readonly RuleCase[] = rowsAsCases([...people, ...power]);

export function rowsAsCases(rows: readonly Row[]): readonly RuleCase[] {
  return rows.map(([name, expected, make]) => ({
    name: `team: ${name}`,
    expected,
    run: (modules) => verdict(modules, make),
  }));
}
