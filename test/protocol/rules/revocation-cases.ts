/** Verdicts on revocations and on what is said beside them, by whoever must be strict and by whoever witnesses. */
import { revokedDigest, type TrustState } from "../../../protocol/trust/state.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { createCredential, originFor } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { said as of, say, saying, type Said, type Saying, type Team } from "../../fixtures/team.ts";
import { DAILY_RP_ID, NOW, SIGNER_RP_ID } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { after, passkeyOf, type Who } from "./statement-cases.ts";
import { sharedTeam } from "./team-commands.ts";

interface Heard {
  readonly state: TrustState;
  readonly signed: SignedStatement;
}

type Make = (team: Team) => Promise<Heard>;

function by(team: Team, ...who: readonly Who[]): Saying {
  return { by: who.map((one) => passkeyOf(team, one)) };
}

/** Said to the team as it stands. */
const plain =
  (said: Said | ((team: Team) => Said), ...who: readonly Who[]): Make =>
  async (team) => {
    const what = typeof said === "function" ? said(team) : said;
    return { state: team.state, signed: await say(team.state, what, by(team, ...who)) };
  };

const person = (name: Who): Said => of("person.revoke", { person: `p-${name}` });
const coming: Said = of("person.add", { id: "p-new", name: nonceOf("new"), roles: ["viewer"] });

/** Somebody's statement after Ada has revoked something, knowing it or (`knew: []`) saying that they did not. */
const behind =
  (
    revocation: Said | ((team: Team) => Said),
    said: Said,
    how: { readonly who: readonly Who[]; readonly knows: boolean },
  ): Make =>
  async (team) => {
    const what = typeof revocation === "function" ? revocation(team) : revocation;
    const state = await after(team, [what]);
    const view = how.knows ? state : team.state;
    return { state, signed: await say(view, said, by(team, ...how.who)) };
  };

const grantOf = (name: Who) => (team: Team) =>
  of("role.revoke", { grant: team.state.people.get(`p-${name}`)?.grant ?? "" });
const knowing = (...who: readonly Who[]) => ({ who, knows: true });
const unaware = (...who: readonly Who[]) => ({ who, knows: false });

/** [name, what a strict reader answers, what a witness answers, what is heard] */
type Row = readonly [string, string, string, Make];

const revocations: readonly Row[] = [
  ["person.revoke by one administrator", "ok", "ok", plain(person("otto"), "bea")],
  ["person.revoke of oneself", "ok", "ok", plain(person("bea"), "bea")],
  ["person.revoke by an operator", "role", "role", plain(person("vera"), "otto")],
  ["person.revoke by two", "approval", "approval", plain(person("otto"), "ada", "bea")],
  ["person.revoke of nobody", "unknown", "unknown", plain(of("person.revoke", { person: "p-nobody" }), "ada")],
  ["credential.revoke", "ok", "ok", plain((t) => credential(t, "otto"), "ada")],
  ["credential.revoke of one's own, without any power", "ok", "ok", plain((t) => credential(t, "vera"), "vera")],
  ["credential.revoke of another's, without any power", "role", "role", plain((t) => credential(t, "otto"), "vera")],
  [
    "credential.revoke of none",
    "unknown",
    "unknown",
    plain(of("credential.revoke", { credential: nonceOf("x") }), "ada"),
  ],
  ["role.revoke", "ok", "ok", plain(grantOf("otto"), "ada")],
  [
    "role.revoke of a grant that nobody holds",
    "unknown",
    "unknown",
    plain(of("role.revoke", { grant: nonceOf("x") }), "ada"),
  ],
  ["automation-key.revoke", "ok", "ok", plain((t) => machine(t.automation.id), "ada")],
  ["automation-key.revoke of none", "unknown", "unknown", plain(machine("k-none"), "ada")],
  ["origin.revoke", "ok", "ok", plain(of("origin.revoke", { origin: originFor(DAILY_RP_ID) }), "ada")],
  ["origin.revoke of none", "unknown", "unknown", plain(of("origin.revoke", { origin: "https://x.example" }), "ada")],
  [
    "a revocation on a page of the edge",
    "origin",
    "origin",
    async (t) => ({ state: t.state, signed: await say(t.state, person("otto"), { by: [t.people.ada.daily] }) }),
  ],
  [
    "the same revocation again",
    "exists",
    "exists",
    async (t) => {
      const signed = await say(t.state, person("otto"), by(t, "ada"));
      const result = await saying(t.state, person("otto"), by(t, "ada"));
      return { state: result, signed };
    },
  ],
  [
    "a revocation at a head that nobody knows",
    "place",
    "place",
    async (t) => {
      const prev = { n: t.state.head.n, hash: nonceOf("another head") };
      return { state: t.state, signed: await say(t.state, person("otto"), { ...by(t, "ada"), statement: { prev } }) };
    },
  ],
  [
    "a revocation at a head to come",
    "place",
    "place",
    async (t) => {
      const prev = { n: t.state.head.n + 1, hash: t.state.head.hash };
      return { state: t.state, signed: await say(t.state, person("otto"), { ...by(t, "ada"), statement: { prev } }) };
    },
  ],
  [
    "a revocation of somebody at a head before they came",
    "unknown",
    "unknown",
    async (t) => ({ state: t.state, signed: await say(atRoot(t), person("otto"), by(t, "ada")) }),
  ],
  [
    "a revocation by somebody at a head before they came",
    "assertion",
    "assertion",
    async (t) => ({ state: t.state, signed: await say(atRoot(t), person("ada"), by(t, "bea")) }),
  ],
  [
    "a revocation of another workspace",
    "workspace",
    "workspace",
    async (t) => {
      const statement = { workspace: nonceOf("other") };
      return { state: t.state, signed: await say(t.state, person("otto"), { ...by(t, "ada"), statement }) };
    },
  ],
  [
    "a revocation by somebody revoked, at the head before",
    "ok",
    "ok",
    async (t) => {
      const signed = await say(t.state, person("otto"), by(t, "bea"));
      return { state: await after(t, [person("bea")]), signed };
    },
  ],
  [
    "a revocation by somebody whom the chain knows revoked",
    "revoked",
    "ok",
    async (t) => {
      const signed = await say(t.state, person("otto"), by(t, "bea"));
      const state = await saying(await after(t, [person("bea")]), coming, by(t, "ada", "cyd"));
      return { state, signed };
    },
  ],
];

const beside: readonly Row[] = [
  ["a statement that knew the revocation", "ok", "ok", behind(person("otto"), coming, knowing("ada", "bea"))],
  ["a statement that did not", "revocations", "ok", behind(person("otto"), coming, unaware("ada", "bea"))],
  ["of somebody revoked, who knew it", "assertion", "assertion", behind(person("bea"), coming, knowing("ada", "bea"))],
  [
    "of somebody revoked, who did not",
    "revocations",
    "ok, frozen",
    behind(person("bea"), coming, unaware("cyd", "bea")),
  ],
  ["of somebody whose role was revoked", "role", "role", behind(grantOf("bea"), coming, knowing("ada", "bea"))],
  [
    "of somebody whose role was revoked, who did not know",
    "revocations",
    "ok, frozen",
    behind(grantOf("bea"), coming, unaware("cyd", "bea")),
  ],
  [
    "with a passkey that was revoked",
    "assertion",
    "assertion",
    behind((t) => credential(t, "bea"), coming, knowing("ada", "bea")),
  ],
  [
    "with a passkey that was revoked, who did not know",
    "revocations",
    "ok, frozen",
    behind((t) => credential(t, "bea"), coming, unaware("cyd", "bea")),
  ],
  [
    "on a page that was revoked",
    "assertion",
    "assertion",
    behind(of("origin.revoke", { origin: originFor(SIGNER_RP_ID) }), coming, knowing("ada", "bea")),
  ],
  [
    "on a page that was revoked, who did not know",
    "revocations",
    "ok, frozen",
    behind(of("origin.revoke", { origin: originFor(SIGNER_RP_ID) }), coming, unaware("cyd", "bea")),
  ],
  [
    "a statement that says it knew a revocation that nobody holds",
    "revocations",
    "revocations",
    async (t) => ({
      state: t.state,
      signed: await say(t.state, coming, {
        ...by(t, "ada", "bea"),
        knew: [nonceOf("x")],
        statement: { revoked: revokedDigest([nonceOf("x")]) },
      }),
    }),
  ],
  [
    "a statement whose list of what it knew was taken away",
    "revocations",
    "revocations",
    async (t) => {
      const state = await after(t, [person("otto")]);
      const { knew: _, ...signed } = await say(state, coming, by(t, "ada", "bea"));
      return { state, signed };
    },
  ],
  [
    "a statement while frozen",
    "frozen",
    "ok, frozen",
    async (t) => {
      const state = await frozen(t);
      return { state, signed: await say(state, coming, by(t, "ada", "cyd")) };
    },
  ],
  [
    "a revocation while frozen",
    "ok, frozen",
    "ok, frozen",
    async (t) => {
      const state = await frozen(t);
      return { state, signed: await say(state, person("otto"), by(t, "ada")) };
    },
  ],
  ["a resolution by two who may", "ok", "ok", (t) => resolution(t, ["ada", "cyd"])],
  ["a resolution by one", "people", "people", (t) => resolution(t, ["ada"])],
  ["a resolution of something else", "fork", "ok, frozen", (t) => resolution(t, ["ada", "cyd"], nonceOf("another"))],
  [
    "a resolution by one who may and somebody whom the accused added",
    "assertion",
    "ok, frozen",
    async (t) => {
      const dan = await createCredential({ rpId: SIGNER_RP_ID });
      const body = { id: "p-dan", name: nonceOf("dan"), roles: ["admin"], credentials: [dan.pinned] };
      const state = await frozen(t, of("person.add", body));
      const said = of("fork.resolve", { keep: state.frozen?.mine ?? "" });
      return { state, signed: await say(state, said, { by: [t.people.ada.passkey, dan] }) };
    },
  ],
  ["a resolution by one who may and the accused", "assertion", "assertion", (t) => resolution(t, ["ada", "bea"])],
];

function credential({ people, more }: Team, name: Who): Said {
  const { pinned } = { ...people, ...more }[name].passkey;
  return of("credential.revoke", { credential: pinned.credentialId });
}

function machine(automationKey: string): Said {
  return of("automation-key.revoke", { automationKey });
}

/** The team as it was when there was only Ada. */
function atRoot({ state }: Team): TrustState {
  let { chain } = state;
  while (chain.previous !== undefined) chain = chain.previous;
  return { ...state, chain };
}

/** Bea and Cyd said something after Ada had revoked Bea, without knowing. */
async function frozen(team: Team, what: Said = of("role.define", night)): Promise<TrustState> {
  const { applyAsWitness } = await import("../../../protocol/trust/apply.ts");
  const signed = await say(team.state, what, by(team, "cyd", "bea"));
  const result = await applyAsWitness(await after(team, [person("bea")]), signed);
  if (!result.ok || result.state.frozen === undefined) throw new Error("not frozen");
  return result.state;
}
const night = { id: "night-watch", permissions: [], hosts: ["all"], sessionSeconds: 600 };

async function resolution(team: Team, who: readonly Who[], keep?: string): Promise<Heard> {
  const state = await frozen(team);
  const said = of("fork.resolve", { keep: keep ?? state.frozen?.mine ?? "" });
  return { state, signed: await say(state, said, { ...by(team, ...who), at: NOW }) };
}

async function verdict(modules: Modules, make: Make, how: "applyStatement" | "applyOrFork"): Promise<string> {
  const { state, signed } = await make(await sharedTeam());
  const apply = how === "applyOrFork" ? modules.fork.applyOrFork : modules.apply.applyStatement;
  const result = await apply(state, signed);
  if (!result.ok) return result.code;
  return result.state.frozen === undefined ? "ok" : "ok, frozen";
}

export const revocationCases: readonly RuleCase[] = [...revocations, ...beside].flatMap(
  ([name, strict, witness, make]): readonly RuleCase[] => [
    { name: `revoking, strictly: ${name}`, expected: strict, run: (m) => verdict(m, make, "applyStatement") },
    { name: `revoking, as a host: ${name}`, expected: witness, run: (m) => verdict(m, make, "applyOrFork") },
  ],
);
