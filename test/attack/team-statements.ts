/**
 * Single statements to a host of a team: rotations, grants and revocations by people who may not, by too few of them, or
 * on pages of the edge.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedStatement, StatementKind } from "../../protocol/trust/statements.ts";
import { FLAGS, originFor, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { said, say, type Said, type Saying } from "../fixtures/team.ts";
import { hostBodyOf, SIGNER_RP_ID } from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import { DRILL } from "./scene.ts";
import { advance, trustFate } from "./stages.ts";
import { teamOf, type Team } from "./team-town.ts";
import { wallNow } from "./town.ts";

type Who = (team: Team) => readonly SoftwareCredential[];

/** A statement of today by these people about `state`. */
export function tell(state: TrustState, one: Said, how: Saying): Promise<SignedStatement> {
  return say(state, one as Said<StatementKind>, { at: wallNow(), ...how });
}

interface Row {
  readonly name: string;
  readonly rule: string;
  readonly said: (team: Team) => Said | Promise<Said>;
  readonly by: Who;
  readonly how?: (team: Team) => Partial<Saying>;
}

/** Delivered by a malicious edge to the running host; afterwards the honest people must still be able to command. */
function statement(kind: string, { name, rule, said: make, by, how = () => ({}) }: Row): Attack {
  return {
    class: kind,
    name,
    rule,
    async run(scene) {
      // A refused statement costs the edge its tunnel, and the agent dials later each time: a fresh one dials at once.
      await advance(scene, "joined");
      const team = teamOf(scene);
      const mark = scene.happenings.mark;
      const one = await tell(team.world.state, await make(team), { by: by(team), ...how(team) });
      scene.tunnel.send({ kind: "trust", page: { statements: [one] } });
      return trustFate(scene, mark);
    },
  };
}

const mallorysKey = async (): Promise<string> => (await signerOf("mallory")).publicKey;
export const rotation = async (): Promise<Said> => said("dispatch-key.rotate", { key: await mallorysKey() });
const takeover = async (): Promise<Said> => {
  const key = await mallorysKey();
  return said("root.rotate", { dispatchKey: key, ledgerKey: key });
};

const ada: Who = ({ actors }) => [actors.ada.passkey];
const adaAndPup: Who = ({ actors }) => [actors.ada.passkey, actors.pup.passkey];
const adaTwice: Who = ({ actors, second }) => [actors.ada.passkey, second];
const adaRepeated: Who = ({ actors }) => [actors.ada.passkey, actors.ada.passkey];
const daily: Who = ({ actors }) => [actors.ada.daily];
const dailies: Who = ({ actors }) => [actors.ada.daily, actors.bea.daily];
const otto: Who = ({ actors }) => [actors.otto.passkey];
const eve: Who = ({ actors }) => [actors.eve.passkey];
const mallory: Who = ({ mallory: one }) => [one.passkey];
const claiming = (): Partial<Saying> => ({ knobs: { origin: originFor(SIGNER_RP_ID), rpId: SIGNER_RP_ID } });

const rotations: readonly Row[] = [
  { name: "by the attacker", rule: "trust.assertion", said: rotation, by: mallory },
  { name: "by an operator", rule: "trust.role", said: rotation, by: otto },
  { name: "on a page of the edge", rule: "trust.origin", said: rotation, by: daily },
  {
    name: "with a daily passkey that claims the signer's origin",
    rule: "trust.assertion",
    said: rotation,
    by: daily,
    how: claiming,
  },
  { name: "by a revoked administrator", rule: "trust.assertion", said: rotation, by: eve },
  { name: "of the root, by one of two people", rule: "trust.people", said: takeover, by: ada },
  { name: "of the root, by one person twice", rule: "trust.people", said: takeover, by: adaRepeated },
  { name: "of the root, by one person's two passkeys", rule: "trust.people", said: takeover, by: adaTwice },
  { name: "of the root, by somebody and their newcomer", rule: "trust.people", said: takeover, by: adaAndPup },
  { name: "of the root, on pages of the edge", rule: "trust.origin", said: takeover, by: dailies },
  {
    name: "of the root, by an administrator and an operator",
    rule: "trust.role",
    said: takeover,
    by: ({ actors }) => [actors.ada.passkey, actors.otto.passkey],
  },
  {
    name: "to a low-order key",
    rule: "trust.key",
    said: () => said("dispatch-key.rotate", { key: toBase64url(new Uint8Array(32)) }),
    by: ada,
  },
];

async function puppet({ mallory: one }: Team): Promise<Said> {
  const body = { id: "p-new", name: nonceOf("new"), roles: ["admin"], credentials: [one.passkey.pinned] };
  return said("person.add", body);
}

async function machine(): Promise<Said> {
  return said("automation-key.add", {
    id: "k-new",
    publicKey: await mallorysKey(),
    label: "new",
    operations: [{ operation: DRILL, limits: [] }],
    hosts: ["all"],
    rate: { commands: 1_000, seconds: 1 },
    until: wallNow() + 86_400,
  });
}

/** Whatever gives power to somebody, approved by one of two people. */
const grants: readonly (readonly [name: string, make: Row["said"]])[] = [
  ["a new administrator", puppet],
  ["an automation key", machine],
  [
    "another person's passkey",
    ({ mallory: one }) => said("credential.add", { person: "p-bea", ...one.passkey.pinned }),
  ],
  [
    "more permissions for a role",
    () => said("role.define", { id: "viewer", permissions: ["gateway.configure"], hosts: ["all"], sessionSeconds: 60 }),
  ],
  ["a higher role", () => said("role.assign", { person: "p-vera", roles: ["admin"] })],
  [
    "a page of the edge's",
    () => said("origin.add", { origin: "https://new.example", rpId: "new.example", class: "daily" }),
  ],
  ["a weaker rule", () => said("policy.set", { id: "two", operations: [DRILL], hosts: ["all"], people: 1 })],
  [
    "a rule for fewer hosts",
    ({ lab }) => said("policy.set", { id: "two", operations: [DRILL], hosts: [lab.host], people: 2 }),
  ],
];

const power: readonly Row[] = [
  ...grants.map(([what, make]): Row => ({ name: `${what}, by one person`, rule: "trust.people", said: make, by: ada })),
  ...grants.map(([what, make]): Row => ({
    name: `${what}, by somebody and their newcomer`,
    rule: "trust.people",
    said: make,
    by: adaAndPup,
  })),
  ...grants.map(([what, make]): Row => ({
    name: `${what}, on pages of the edge`,
    rule: "trust.origin",
    said: make,
    by: dailies,
  })),
  {
    name: "an address of the edge declared a signer, by two people",
    rule: "trust.name_class",
    said: () => said("origin.add", { origin: "https://edge.example", rpId: "edge.example", class: "signer" }),
    by: ({ actors }) => [actors.ada.passkey, actors.bea.passkey],
  },
  {
    name: "a host admitted under the attacker's key, by an operator",
    rule: "trust.role",
    said: async () => said("host.admit", await hostBodyOf("mallory's host")),
    by: otto,
  },
];

export const revoke = (person: string): Said => said("person.revoke", { person });

const revocations: readonly Row[] = [
  { name: "by the attacker", rule: "trust.assertion", said: () => revoke("p-ada"), by: mallory },
  { name: "by an operator", rule: "trust.role", said: () => revoke("p-ada"), by: otto },
  { name: "on a page of the edge", rule: "trust.origin", said: () => revoke("p-otto"), by: daily },
  // Held, because a second history may have known it; it revokes nobody.
  { name: "by a revoked administrator", rule: "head_kept", said: () => revoke("p-ada"), by: eve },
  { name: "of somebody who does not exist", rule: "trust.unknown", said: () => revoke("p-nobody"), by: ada },
  {
    name: "naming a head that nobody has",
    rule: "trust.place",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ statement: { prev: { n: 3, hash: nonceOf("no head") } } }),
  },
  {
    name: "for another workspace",
    rule: "trust.workspace",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ statement: { workspace: nonceOf("elsewhere") } }),
  },
  {
    name: "without user verification",
    rule: "trust.assertion",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ knobs: { flags: FLAGS.UP } }),
  },
  {
    name: "with the approval of an intent",
    rule: "trust.malformed",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ approval: { kind: "intent" } }),
  },
  {
    name: "with the approval of an edge action",
    rule: "trust.approval",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ approval: { kind: "edge-action" } }),
  },
  {
    name: "of another's passkey by an operator",
    rule: "trust.role",
    said: ({ actors }) => said("credential.revoke", { credential: actors.ada.passkey.pinned.credentialId }),
    by: otto,
  },
];

export const statementAttacks: readonly Attack[] = [
  ...rotations.map((row) => statement("fake rotation", row)),
  ...power.map((row) => statement("power by too few", row)),
  ...revocations.map((row) => statement("fake revocation", row)),
];
