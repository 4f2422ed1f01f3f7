/** Verdicts on commands of two people and on commands signed by a successor key. */
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf } from "../../../protocol/signing.ts";
import type { Person } from "../../../protocol/trust/state.ts";
import {
  addSwiftOperation,
  draftCommand,
  sealCommand,
  SWIFT_OPERATION,
  type CommandDraft,
  type TouchDraft,
} from "../../fixtures/command.ts";
import { nonceOf, signerOf } from "../../fixtures/keys.ts";
import { saying, START, type Team } from "../../fixtures/team.ts";
import { NOW } from "../../fixtures/workspace.ts";
import type { RuleCase } from "./cases.ts";
import { firstOf, proposalOf, proposalRules, proposer } from "./proposal-rules.ts";
import {
  draftForTwo,
  draftWithSuccessor,
  edgeWord,
  hostWord,
  proposalTouch,
  sharedTeam,
  twoEdgeVerdict,
  twoHostVerdict,
  type TeamChange,
} from "./team-commands.ts";

/** [name, expected at the host, change, expected at the edge when that differs] */
type Point = readonly [string, string, TeamChange, string?];

const body =
  (members: object): TeamChange =>
  (draft) => {
    Object.assign(proposalOf(draft).body, members);
  };

const target = ({ host }: Team) => ({ host, expect: {} });

/** As if the rule said something else. */
function rule(members: object, then: TeamChange = () => undefined): TeamChange {
  return (draft, team) => {
    const policy = { id: "two", operations: ["host.drill@1"], hosts: ["all"], people: 2, ...members };
    draft.view = { ...draft.view, trust: { ...team.state, policies: new Map([["two", policy]]) } };
    then(draft, team);
  };
}

/** Nobody proposes. */
const alone: TeamChange = (draft) => void delete draft.proposal;

const points: readonly Point[] = [
  ["honest", "verified", () => undefined],
  ["by three", "verified", (d, t) => void proposalOf(d).approvals.push(proposalTouch(t, t.more.cyd))],
  ["nothing proposed", "people", (d) => void delete d.proposal],
  ["named, not carried", "proposal", (d) => nameless(d, nonceOf("proposal"))],
  ["carried, not named", "proposal", (d) => void (d.intent["proposal"] = undefined)],
  ["another operation proposed", "proposal", body({ operation: "host.check@1", args: {} })],
  ["another argument proposed", "proposal", body({ args: { scenario: "edge-taken-over" } })],
  ["no argument proposed", "proposal", body({ args: {} })],
  ["another host proposed", "proposal", body({ targets: [{ host: "h-elsewhere", expect: {} }] })],
  [
    "one host more proposed",
    "proposal",
    (d, t) => body({ targets: [target(t), { host: "z-last", expect: {} }] })(d, t),
  ],
  [
    "something else expected when it was proposed",
    "proposal",
    (d, t) => body({ targets: [{ host: t.host, expect: { gatewayBoot: "boot-0001" } }] })(d, t),
  ],
  [
    "a list for the proposal's expectations",
    "proposal",
    (d, t) => body({ targets: [{ host: t.host, expect: [] }] })(d, t),
  ],
  ["proposal not canonical", "proposal", (d) => void (proposalOf(d).bytes = new TextEncoder().encode("{ }"))],
  ["nobody approved the proposal", "malformed", (d) => void (proposalOf(d).approvals = []), "people"],
  ["in its last second", "verified", body({ exp: NOW })],
  ["a second past its end", "proposal_expired", body({ exp: NOW - 1 }), "accepted"],
  ["waiting as long as may be, by a clock five minutes ahead", "verified", body({ exp: NOW + 86_400 + 300 })],
  ["waiting longer than may be", "proposal_expired", body({ exp: NOW + 86_400 + 301 }), "accepted"],
  [
    "the first person approved the intent instead",
    "approval_subject",
    (d) => {
      const { at: _, ...rest } = proposer(d).body;
      proposer(d).body = { ...rest, kind: "intent", after: 1 };
    },
  ],
  ["the first person approved a statement", "approval_subject", (d) => void (proposer(d).body["kind"] = "statement")],
  [
    "the first person approved for another workspace",
    "approval_subject",
    (d) => void (proposer(d).body["workspace"] = nonceOf("other")),
  ],
  [
    "the last person approved the proposal only",
    "approval_subject",
    (d) => {
      const touch = firstOf(d.approvals);
      const { after: _, ...rest } = touch.body;
      touch.body = { ...rest, kind: "proposal", at: NOW };
    },
  ],
  [
    "both approved the proposal, nobody the intent",
    "approval_missing",
    (d, t) => {
      d.approvals = [];
      proposalOf(d).approvals.push(proposalTouch(t, t.people.ada));
    },
  ],
  ["approved by the other person's session", "people", (d, t) => void (d.session.passkey = t.more.cyd.passkey)],
  [
    "the first person again, with another passkey",
    "class_origin",
    (d, t) => void (proposer(d).passkey = t.people.ada.daily),
  ],
  ["the same approval twice", "people", (d, t) => twice(d, proposalTouch(t, t.people.ada))],
  ["somebody without a role beside two who may", "role", (d, t) => second(d, t, "nora")],
  ["an operator beside two who may", "role", (d, t) => second(d, t, "otto")],
  [
    "somebody added within a day by the other alone",
    "people",
    (d, t) => void (proposer(d).passkey = t.more.pup.passkey),
  ],
  ["somebody added within a day, beside one who did not add", "verified", byBeaAndNewcomer],
  [
    "two whom the same one alone added within a day",
    "people",
    (d, t) => {
      byBeaAndNewcomer(d, t);
      came(d, t, { id: "p-bea", addedAt: NOW - 7_200 });
    },
  ],
  [
    "somebody added by one whom a third alone added, all within a day",
    "people",
    (d, t) => {
      proposer(d).passkey = t.more.pup.passkey;
      came(d, t, { id: "p-bea", addedAt: NOW - 7_200 });
      came(d, t, { id: "p-pup", addedBy: ["p-bea"] });
    },
  ],
  [
    "two whom two added together within a day",
    "verified",
    (d, t) => {
      byBeaAndNewcomer(d, t);
      came(d, t, { id: "p-bea", addedAt: NOW - 7_200, addedBy: ["p-ada", "p-cyd"] });
      came(d, t, { id: "p-pup", addedBy: ["p-ada", "p-cyd"] });
    },
  ],
  [
    "somebody added a day ago",
    "verified",
    (d, t) => {
      proposer(d).passkey = t.more.pup.passkey;
      came(d, t, { id: "p-pup", addedAt: NOW - 86_400 });
    },
  ],
  [
    "somebody added a second less than a day ago",
    "people",
    (d, t) => {
      proposer(d).passkey = t.more.pup.passkey;
      came(d, t, { id: "p-pup", addedAt: NOW - 86_399 });
    },
  ],
  ["a stranger's passkey", "approval.credential", (d) => void (proposer(d).knobs = { credentialId: nonceOf("x") })],
  ["a rule for nobody", "verified", rule({ people: 1 }, alone)],
  ["a rule for three", "people", rule({ people: 3 })],
  [
    "a rule for three, and three",
    "verified",
    rule({ people: 3 }, (d, t) => void proposalOf(d).approvals.push(proposalTouch(t, t.more.cyd))),
  ],
  ["a rule for all operations", "people", rule({ operations: ["all"] }, alone)],
  ["a rule for another operation", "verified", rule({ operations: ["host.check@1"] }, alone)],
  ["a rule for this host", "people", (d, t) => rule({ hosts: [t.host] }, alone)(d, t)],
  ["a rule for another host", "verified", (d, t) => rule({ hosts: [t.lab.host] }, alone)(d, t)],
  ["a rule for this host's label", "people", rule({ hosts: [], labels: ["prod-1"] }, alone)],
  ["a rule for labels that begin so", "people", rule({ hosts: [], labels: ["prod-*"] }, alone)],
  ["a rule for a label that this host's begins with", "verified", rule({ hosts: [], labels: ["prod-"] }, alone)],
];

/** Names a proposal and carries none. */
function nameless(draft: CommandDraft, proposal: string): void {
  delete draft.proposal;
  draft.intent["proposal"] = proposal;
}

function twice(draft: CommandDraft, touch: TouchDraft): void {
  proposalOf(draft).approvals = [touch, touch];
}

function second(draft: CommandDraft, { people }: Team, name: "nora" | "otto"): void {
  proposalOf(draft).approvals.push({ ...proposer(draft), passkey: people[name].passkey });
}

function byBeaAndNewcomer(draft: CommandDraft, { more }: Team): void {
  draft.session.passkey = more.bea.passkey;
  firstOf(draft.approvals).passkey = more.bea.passkey;
  proposer(draft).passkey = more.pup.passkey;
}

/** As if somebody had come at another time, or by others. */
function came(
  draft: CommandDraft,
  { state }: Team,
  { id, ...how }: { readonly id: string } & Partial<Pick<Person, "addedAt" | "addedBy">>,
): void {
  const { trust = state } = draft.view;
  const person = trust.people.get(id);
  if (person === undefined) throw new TypeError("nobody of that name");
  draft.view = { ...draft.view, trust: { ...trust, people: new Map(trust.people).set(id, { ...person, ...how }) } };
}

/** Of the successor's touch. [name, expected, change] */
type Successor = Awaited<ReturnType<typeof draftWithSuccessor>>;
const successors: readonly (readonly [string, string, (draft: Successor, team: Team) => void | Promise<void>])[] = [
  ["honest", "verified", () => undefined],
  ["named on a page of the edge", "session_key", (d, t) => void (d.successor.passkey = t.people.ada.daily)],
  ["another key signs", "session_key", (d, t) => void (d.sessionSigner = t.keys.stranger)],
  ["the session's first key signs", "session_key", (d, t) => void (d.sessionSigner = t.keys.session)],
  ["named by another person", "session_key", (d, t) => void (d.successor.passkey = t.more.bea.passkey)],
  ["named by nobody known", "session_key", (d) => void (d.successor.knobs = { credentialId: nonceOf("x") })],
  ["named without user verification", "session_key", (d) => void (d.successor.knobs = { flags: 0x01 })],
  ["malformed", "session_key", (d) => void (d.successor.body["foreign"] = 1)],
  ["for another workspace", "session_key", (d) => void (d.successor.body["workspace"] = nonceOf("other"))],
  ["for another session", "session_key", (d) => next(d, { session: nonceOf("another session") })],
  ["names no key", "session_key", (d) => void delete d.successor.body["nextSessionKey"]],
  [
    "named in a proposal",
    "session_key",
    (d) => {
      const { after: _, nextSessionKey: _next, ...rest } = d.successor.body;
      d.successor.body = { ...rest, kind: "proposal", at: NOW };
    },
  ],
  [
    "of a session that has ended",
    "session_lifetime",
    async (d) => {
      Object.assign(d.session.body, { iat: NOW - 4_000, exp: NOW - 301 });
      next(d, {
        session: digestOf("session", encodeCanonical(d.session.body)),
        key: (await signerOf("next session key")).publicKey,
      });
    },
  ],
];

function next(draft: Successor, members: object): void {
  Object.assign(draft.successor.body["nextSessionKey"] as object, members);
}

async function successorVerdict(
  word: typeof hostWord | typeof edgeWord,
  {
    modules,
    change,
  }: { readonly modules: Parameters<typeof hostWord>[0]; readonly change: (typeof successors)[number][2] },
): Promise<string> {
  const team = await sharedTeam();
  const draft = await draftWithSuccessor(team);
  await change(draft, team);
  return word(modules, await sealCommand(team, draft));
}

/** What a statement of the trust log, not a bent state, does to a proposal. */
const stated: readonly RuleCase[] = [
  {
    name: "proposal: whoever proposed was revoked since",
    expected: "approval.credential",
    run: async (modules) => {
      const team = await sharedTeam();
      const state = await saying(
        team.state,
        { kind: "person.revoke", body: { person: "p-bea" } },
        { by: [team.people.ada.passkey] },
      );
      const draft = draftForTwo(team);
      draft.view = { trust: state };
      draft.intent["trustHead"] = state.head;
      return hostWord(modules, await sealCommand(team, draft));
    },
  },
  {
    name: "proposal: the role of whoever proposed has ended",
    expected: "role",
    run: async (modules) => {
      const team = await sharedTeam();
      const draft = draftForTwo(team);
      const now = START + 90 * 86_400 + 1;
      Object.assign(draft.session.body, { iat: now - 60, exp: now + 600 });
      draft.target["iat"] = now - 5;
      proposalOf(draft).body["exp"] = now + 60;
      draft.view = { now };
      return hostWord(modules, await sealCommand(team, draft));
    },
  },
  {
    name: "proposal: an operation for one, with a proposal that nobody needed",
    expected: "verified",
    run: async (modules) => {
      const team = await sharedTeam();
      const draft = draftCommand(team);
      draft.proposal = {
        body: { v: 1, workspace: team.workspace, exp: NOW + 60, id: nonceOf("needless") },
        approvals: [proposalTouch(team, team.people.otto)],
      };
      return hostWord(modules, await sealCommand(team, draft));
    },
  },
  {
    name: "proposal: an operation that never waits for a second person, under a rule for two",
    expected: "verified",
    run: (modules) => {
      addSwiftOperation(modules.operations.operations);
      return twoHostVerdict(modules, (draft, team) => {
        rule({ operations: ["all"] }, alone)(draft, team);
        Object.assign(draft.intent, { operation: SWIFT_OPERATION, args: {} });
      });
    },
  },
  {
    name: "proposal: the journal knows it under another intent",
    expected: "known",
    run: (modules) =>
      twoHostVerdict(modules, (draft) => {
        draft.view = { known: (_intent, proposal) => proposal };
      }),
  },
];

const word = (verdict: string): string => (verdict === "verified" ? "accepted" : verdict);

export const proposalCases: readonly RuleCase[] = [
  ...proposalRules.flatMap((each): readonly RuleCase[] => [
    {
      name: `two at a host: ${each.code} (${each.place})`,
      expected: each.code,
      run: (m) => twoHostVerdict(m, each.break),
    },
    {
      name: `two at the edge: ${each.code} (${each.place})`,
      expected: each.edge ? each.code : "accepted",
      run: (m) => twoEdgeVerdict(m, each.break),
    },
  ]),
  ...points.flatMap(([name, expected, change, atEdge]): readonly RuleCase[] => [
    { name: `two at a host: ${name}`, expected, run: (m) => twoHostVerdict(m, change) },
    { name: `two at the edge: ${name}`, expected: atEdge ?? word(expected), run: (m) => twoEdgeVerdict(m, change) },
  ]),
  ...successors.flatMap(([name, expected, change]): readonly RuleCase[] => [
    {
      name: `successor at a host: ${name}`,
      expected,
      run: (modules) => successorVerdict(hostWord, { modules, change }),
    },
    {
      name: `successor at the edge: ${name}`,
      expected: word(expected),
      run: (modules) => successorVerdict(edgeWord, { modules, change }),
    },
  ]),
  ...stated,
];
