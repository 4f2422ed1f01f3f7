/** Verdicts on commands and requests that a machine signs with an automation key. */
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { addSwiftOperation, draftCommand, sealCommand, SWIFT_OPERATION } from "../../fixtures/command.ts";
import { nonceOf, signed } from "../../fixtures/keys.ts";
import { saying, type Team } from "../../fixtures/team.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { sha256Of } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { AutomationKey } from "../../../protocol/trust/statements.ts";
import type { Modules, RuleCase } from "./cases.ts";
import {
  draftOfMachine,
  edgeWord,
  hostWord,
  proposalTouch,
  sealOfMachine,
  sharedTeam,
  type AutomationDraft,
} from "./team-commands.ts";

type Change = (draft: AutomationDraft, team: Team) => void | Promise<void>;

/** As if the key had been granted otherwise. */
function granted(draft: AutomationDraft, { state, automation }: Team, members: Partial<AutomationKey>): void {
  const key = state.automationKeys.get(automation.id);
  if (key === undefined) throw new TypeError("no key");
  draft.view = { ...draft.view, trust: { ...state, automationKeys: new Map([[key.id, { ...key, ...members }]]) } };
}

function ruled(draft: AutomationDraft, { state }: Team, members: object): void {
  const policy = { id: "two", operations: ["gateway.restart@1"], hosts: ["all"], people: 2, ...members };
  draft.view = { ...draft.view, trust: { ...state, policies: new Map([["two", policy]]) } };
}

/** A drill in place of the restart, for one person. */
function drill(draft: AutomationDraft, team: Team, scenario: string): void {
  Object.assign(draft.intent, { operation: "host.drill@1", args: { scenario } });
  draft.target["expect"] = {};
  ruled(draft, team, { people: 1 });
}

/** What a person's command carries, to be smuggled in. */
async function personal(team: Team) {
  const draft = draftCommand(team);
  draft.successor = { passkey: team.people.ada.passkey, knobs: {}, body: { v: 1 } };
  draft.proposal = {
    body: { v: 1, workspace: team.workspace, exp: NOW + 60, id: nonceOf("p") },
    approvals: [proposalTouch(team, team.people.ada)],
  };
  return (await sealCommand(team, draft)).submission;
}

/** [name, expected at the host, change, expected at the edge when that differs] */
const points: readonly (readonly [string, string, Change, string?])[] = [
  ["honest", "verified", () => undefined],
  ["a key that nobody granted", "automation_key", (d) => void (d.intent["actor"] = { automationKey: "k-unknown" })],
  ["signed by another key", "automation_key", (d, t) => void (d.signer = t.keys.stranger)],
  ["signed by a person's session key", "automation_key", (d, t) => void (d.signer = t.keys.session)],
  ["in its last second", "verified", (d, t) => granted(d, t, { until: NOW })],
  ["a second past its end", "automation_key", (d, t) => granted(d, t, { until: NOW - 1 })],
  [
    "a session smuggled in",
    "approval_extra",
    async (d, t) => void (d.envelope = { session: (await personal(t)).session }),
  ],
  [
    "a successor smuggled in",
    "approval_extra",
    async (d, t) => void (d.envelope = { successor: (await personal(t)).successor }),
  ],
  [
    "an approval smuggled in",
    "approval_extra",
    async (d, t) => void (d.envelope = { approvals: (await personal(t)).approvals }),
  ],
  [
    "a proposal smuggled in",
    "approval_extra",
    async (d, t) => void (d.envelope = { proposal: (await personal(t)).proposal }),
  ],
  ["a proposal named", "approval_extra", (d) => void (d.intent["proposal"] = nonceOf("proposal"))],
  [
    "an operation that is not granted",
    "automation_limit",
    (d) => void Object.assign(d.intent, { operation: "host.check@1" }),
  ],
  ["an operation that does not exist", "operation", (d) => void (d.intent["operation"] = "gateway.unknown@1")],
  [
    "arguments that the operation does not take",
    "malformed",
    (d) => void (d.intent["args"] = { scenario: "lost-device" }),
  ],
  [
    "content that only a page can have sealed",
    "sealed",
    (d) => {
      Object.assign(d.intent, { operation: "agent.create@1", args: {} });
      const digest = toBase64url(sha256Of(utf8("ciphertext")));
      Object.assign(d.target, { expect: {}, sealed: [{ path: "content", digest }] });
      d.envelope = { sealed: [toBase64url(utf8("ciphertext"))] };
    },
  ],
  ["a fact not pinned", "expect", (d) => void (d.target["expect"] = {})],
  ["the first argument within its limits", "verified", (d, t) => drill(d, t, "lost-device")],
  ["the last argument within its limits", "verified", (d, t) => drill(d, t, "edge-taken-over")],
  ["an argument beyond its limits", "automation_limit", (d, t) => drill(d, t, "second-person")],
  [
    "one limit of two not held",
    "automation_limit",
    (d, t) => {
      drill(d, t, "lost-device");
      const limits = [
        { argument: "scenario", values: ["lost-device"] },
        { argument: "absent", values: [true] },
      ];
      const operations = [{ operation: "host.drill@1", limits }];
      const trust = d.view.trust;
      granted(d, t, { operations });
      d.view = { ...d.view, trust: { ...d.view.trust, policies: trust?.policies } as TrustState };
    },
  ],
  ["another host", "automation_limit", (d, t) => granted(d, t, { hosts: [t.lab.host] })],
  ["every host", "verified", (d, t) => granted(d, t, { hosts: ["all"] })],
  ["hosts by their label", "verified", (d, t) => granted(d, t, { hosts: [], labels: ["lab-*", "prod-*"] })],
  ["hosts by another label", "automation_limit", (d, t) => granted(d, t, { hosts: [], labels: ["lab-*"] })],
  ["a rule for two", "people", (d, t) => ruled(d, t, {})],
  ["a rule for two on all operations", "people", (d, t) => ruled(d, t, { operations: ["all"] })],
  ["a rule for two elsewhere", "verified", (d, t) => ruled(d, t, { hosts: [t.lab.host] })],
  ["a rule for two on an operation that never waits", "verified", swift],
  ["one command less than its rate", "verified", (d) => void (d.view = { automationRuns: () => 1 })],
  ["as many commands as its rate", "automation_rate", (d) => void (d.view = { automationRuns: () => 2 }), "accepted"],
  [
    "the rate of this key over its own time",
    "automation_rate",
    (d, t) => void (d.view = { automationRuns: (id, seconds) => (id === t.automation.id && seconds === 60 ? 2 : 0) }),
    "accepted",
  ],
  ["on the machine's deny list", "local_policy", (d) => void (d.view = { denies: () => true }), "accepted"],
  ["signed 60 seconds ago", "verified", (d) => void (d.target["iat"] = NOW - 60)],
  ["signed 61 seconds ago", "clock", (d) => void (d.target["iat"] = NOW - 61), "accepted"],
  ["challenge of another key", "challenge", (d) => challenged(d, "key:k-other"), "accepted"],
  ["challenge of a session of that name", "challenge", (d, t) => challenged(d, t.automation.id), "accepted"],
  [
    "frozen trust",
    "trust_frozen",
    (d, { state }) => {
      const frozen = { reason: "fork", place: 1, mine: nonceOf("m"), other: nonceOf("o") } as const;
      d.view = { trust: { ...state, frozen } };
    },
  ],
  [
    "revoked",
    "automation_key",
    async (d, t) => {
      const said = { kind: "automation-key.revoke", body: { automationKey: t.automation.id } } as const;
      const trust = await saying(t.state, said, { by: [t.people.ada.passkey] });
      d.view = { trust };
      d.intent["trustHead"] = trust.head;
    },
  ],
];

function challenged(draft: AutomationDraft, actor: string): void {
  draft.view = { ...draft.view, challenge: () => ({ actor, operation: "gateway.restart@1" }) };
}

async function verdict(
  word: typeof hostWord,
  { modules, change }: { readonly modules: Modules; readonly change: Change },
) {
  addSwiftOperation(modules.operations.operations);
  const team = await sharedTeam();
  const draft = draftOfMachine(team);
  await change(draft, team);
  return word(modules, await sealOfMachine(team, draft));
}

function swift(draft: AutomationDraft, team: Team): void {
  draft.intent["operation"] = SWIFT_OPERATION;
  draft.target["expect"] = {};
  granted(draft, team, { operations: [{ operation: SWIFT_OPERATION, limits: [] }] });
  const { trust = team.state } = draft.view;
  const two = { id: "two", operations: ["all"], hosts: ["all"], people: 2 };
  draft.view = { ...draft.view, trust: { ...trust, policies: new Map([["two", two]]) } };
}

/** A person's command that pretends to be, or not to be, a machine's. */
const crossed: readonly RuleCase[] = [
  {
    name: "machine at a host: a person's command without its session",
    expected: "session_malformed",
    run: async (modules) => {
      const team = await sharedTeam();
      const draft = draftCommand(team);
      draft.envelope = { session: undefined };
      return hostWord(modules, await sealCommand(team, draft));
    },
  },
];

interface Asking {
  body: Record<string, unknown>;
  session?: boolean;
  trust?: TrustState;
  stranger?: boolean;
  host?: string;
}

async function askVerdict(modules: Modules, change: (asking: Asking, team: Team) => void): Promise<string> {
  const team = await sharedTeam();
  const { workspace, host, state, automation, keys } = team;
  const actor = { automationKey: automation.id };
  const asking: Asking = {
    body: { v: 1, workspace, host, actor, operation: "gateway.restart@1", jti: nonceOf("ask") },
  };
  change(asking, team);
  const by = asking.stranger === true ? keys.stranger : automation.signer;
  const request = { signed: await signed(by, "prepare", encodeCanonical(asking.body)) };
  const session = asking.session === true ? (await personal(team)).session : undefined;
  const view = { trust: asking.trust ?? state, now: NOW, host: asking.host ?? host, isSessionEnded: () => false };
  const result = await modules.verify.verifyPrepare({ ...request, session }, view);
  return result.kind === "accepted" ? `accepted ${result.author.kind} ${result.author.id}` : result.code;
}

const asked: readonly (readonly [string, string, (asking: Asking, team: Team) => void])[] = [
  ["honest", "accepted automation k-pipeline", () => undefined],
  ["an operation that is not granted", "automation_limit", (a) => void (a.body["operation"] = "host.check@1")],
  ["an operation that does not exist", "operation", (a) => void (a.body["operation"] = "gateway.unknown@1")],
  [
    "a host that is not granted",
    "automation_limit",
    (a, { lab }) => {
      a.body["host"] = lab.host;
      a.host = lab.host;
    },
  ],
  [
    "a host that the trust log does not know, by label",
    "automation_limit",
    (a, { state, automation }) => {
      const key = state.automationKeys.get(automation.id);
      if (key === undefined) throw new TypeError("no key");
      const keys = new Map([[key.id, { ...key, hosts: [], labels: ["lab-*"] }]]);
      Object.assign(a, { trust: { ...state, automationKeys: keys }, host: "h-unknown" });
      a.body["host"] = "h-unknown";
    },
  ],
  ["by another key", "automation_key", (a) => void (a.stranger = true)],
  ["with a session", "approval_extra", (a) => void (a.session = true)],
  [
    "frozen trust",
    "trust_frozen",
    (a, { state }) => {
      a.trust = { ...state, frozen: { reason: "fork", place: 1, mine: nonceOf("m"), other: nonceOf("o") } };
    },
  ],
];

export const automationCases: readonly RuleCase[] = [
  ...points.flatMap(([name, expected, change, atEdge]): readonly RuleCase[] => [
    { name: `machine at a host: ${name}`, expected, run: (modules) => verdict(hostWord, { modules, change }) },
    {
      name: `machine at the edge: ${name}`,
      expected: atEdge ?? (expected === "verified" ? "accepted" : expected),
      run: (modules) => verdict(edgeWord, { modules, change }),
    },
  ]),
  ...crossed,
  ...asked.map(([name, expected, change]): RuleCase => ({
    name: `machine asks: ${name}`,
    expected,
    run: (modules) => askVerdict(modules, change),
  })),
];
