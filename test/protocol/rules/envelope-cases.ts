/** Verdicts on whole envelopes: each rule alone, then its finer points (every field of a comparison, every limit). */
import type { Expect } from "../../../protocol/messages.ts";
import { addCriticalOperation, GATEWAY_BOOT, honestCommand, type CommandDraft } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { makeWorld, NOW } from "../../fixtures/workspace.ts";
import { once, type Modules, type RuleCase } from "./cases.ts";
import { envelopeRules, ruleName, type EnvelopeRule } from "./envelope-rules.ts";
import { hostPoints, type Change } from "./host-points.ts";

export const sharedWorld = once(() => makeWorld());

/** The host's verdict in one word: `verified`, `known` or the code. */
export async function hostVerdict(modules: Modules, change: Change): Promise<string> {
  addCriticalOperation(modules.operations.operations);
  const command = await honestCommand(await sharedWorld(), change);
  const result = await modules.verify.verifyEnvelope(command.bytes, command.view);
  return result.kind === "refused" ? result.code : result.kind;
}

/** The edge's verdict on the same command without its dispatch. */
export async function edgeVerdict(modules: Modules, change: Change): Promise<string> {
  addCriticalOperation(modules.operations.operations);
  const { submission, view } = await honestCommand(await sharedWorld(), change);
  const result = await modules.verify.verifySubmission(submission, view);
  return result.kind === "refused" ? result.code : result.kind;
}

function ruleCases(rule: EnvelopeRule): readonly RuleCase[] {
  return [
    { name: `host: ${ruleName(rule)}`, expected: rule.code, run: (m) => hostVerdict(m, rule.break) },
    {
      name: `edge: ${ruleName(rule)}`,
      expected: rule.edge ? rule.code : "accepted",
      run: (m) => edgeVerdict(m, rule.break),
    },
  ];
}

function touchOf(draft: CommandDraft): CommandDraft["session"] {
  const [approval] = draft.approvals;
  if (approval === undefined) throw new TypeError("no approval");
  return approval;
}

/** Finer points that edge and host share: [name, expected, change]. */
const sharedPoints: readonly (readonly [string, string, Change])[] = [
  [
    "arguments as an empty list",
    "malformed",
    (d) => {
      d.intent["args"] = [];
    },
  ],
  [
    "an empty list in place of what to expect",
    "malformed",
    (d) => {
      d.intent["operation"] = "host.check@1";
      d.target["expect"] = [];
    },
  ],
  [
    "argument named like an object's own machinery",
    "malformed",
    (d) => {
      d.intent["args"] = { constructor: "x" };
    },
  ],
  [
    "session not yet begun",
    "session_lifetime",
    (d) => {
      Object.assign(d.session.body, { iat: NOW + 301, exp: NOW + 600 });
    },
  ],
  [
    "session ends before it begins",
    "session_lifetime",
    (d) => {
      Object.assign(d.session.body, { iat: NOW, exp: NOW });
    },
  ],
  [
    "session longer than its role's",
    "session_lifetime",
    (d) => {
      Object.assign(d.session.body, { iat: NOW - 1, exp: NOW + 7_200 });
    },
  ],
  [
    "session of somebody without a role",
    "session_lifetime",
    (d, w) => {
      d.session.passkey = w.people.nora.passkey;
    },
  ],
  [
    "session made on a page of the edge, said to be made on the signer",
    "session.origin",
    (d, w) => {
      d.session.passkey = w.people.ada.daily;
    },
  ],
  [
    "session certified by another key's touch",
    "session.signature",
    (d, w) => {
      const { credentialId } = w.people.ada.passkey.pinned;
      d.session = { ...d.session, passkey: w.people.otto.passkey, knobs: { credentialId } };
    },
  ],
  [
    "a statement's approval used for a command",
    "approval_subject",
    (d) => {
      const { body } = touchOf(d);
      delete body["after"];
      Object.assign(body, { kind: "statement", at: NOW });
    },
  ],
  [
    "an approval of another workspace",
    "approval_subject",
    (d) => {
      touchOf(d).body["workspace"] = nonceOf("other");
    },
  ],
  [
    "the touch of another person than the session's",
    "people",
    (d, w) => {
      d.session.passkey = w.people.otto.passkey;
    },
  ],
];

/** Accepted by both, in the edge's and the host's word. */
const acceptedPoints: readonly (readonly [string, Change])[] = [
  [
    "honest operator",
    (d, w) => {
      d.session.passkey = w.people.otto.passkey;
      d.approvals = [{ ...touchOf(d), passkey: w.people.otto.passkey }];
    },
  ],
  [
    "operation without pinned facts",
    (d) => {
      d.intent["operation"] = "host.check@1";
      d.target["expect"] = {};
    },
  ],
  [
    "clock of the edge five minutes ahead",
    (d) => {
      Object.assign(d.session.body, { iat: NOW + 300, exp: NOW + 600 });
    },
  ],
  [
    "session in its last tolerated second",
    (d) => {
      Object.assign(d.session.body, { iat: NOW - 4_000, exp: NOW - 300 });
    },
  ],
  [
    "session exactly as long as its role's",
    (d) => {
      Object.assign(d.session.body, { iat: NOW - 1, exp: NOW + 7_199 });
    },
  ],
];

export const envelopeCases: readonly RuleCase[] = [
  ...envelopeRules.flatMap(ruleCases),
  ...hostPoints.map(([name, expected, change]): RuleCase => ({
    name: `host: ${name}`,
    expected,
    run: (m) => hostVerdict(m, change),
  })),
  ...sharedPoints.flatMap(([name, expected, change]): readonly RuleCase[] => [
    { name: `host: ${name}`, expected, run: (m) => hostVerdict(m, change) },
    { name: `edge: ${name}`, expected, run: (m) => edgeVerdict(m, change) },
  ]),
  ...acceptedPoints.flatMap(([name, change]): readonly RuleCase[] => [
    { name: `host: ${name}`, expected: "verified", run: (m) => hostVerdict(m, change) },
    { name: `edge: ${name}`, expected: "accepted", run: (m) => edgeVerdict(m, change) },
  ]),
  { name: "edge: honest", expected: "accepted", run: (m) => edgeVerdict(m, () => undefined) },
  { name: "expect: as pinned", expected: "act", run: (m) => expectVerdict(m, { gatewayBoot: GATEWAY_BOOT }) },
  {
    name: "expect: the gateway restarted since",
    expected: "expect",
    run: (m) => expectVerdict(m, { gatewayBoot: "boot-0002" }),
  },
  {
    name: "expect: another configuration",
    expected: "expect",
    run: (m) => expectVerdict(m, { ...pinned, configHash: nonceOf("later") }, pinning),
  },
  {
    name: "expect: another subject",
    expected: "expect",
    run: (m) => expectVerdict(m, { ...pinned, subject: nonceOf("later") }, pinning),
  },
  { name: "expect: all as pinned", expected: "act", run: (m) => expectVerdict(m, pinned, pinning) },
  { name: "expect: the gateway is gone", expected: "expect", run: (m) => expectVerdict(m, {}) },
  {
    name: "expect: nothing pinned",
    expected: "act",
    run: (m) =>
      expectVerdict(m, { gatewayBoot: "boot-0002" }, (d) => {
        d.intent["operation"] = "host.check@1";
        d.target["expect"] = {};
      }),
  },
];

const pinned = { gatewayBoot: GATEWAY_BOOT, configHash: nonceOf("configuration"), subject: nonceOf("subject") };
function pinning(draft: CommandDraft): void {
  draft.target["expect"] = pinned;
}

async function expectVerdict(modules: Modules, observed: Expect, change?: Change): Promise<string> {
  const command = await honestCommand(await sharedWorld(), change);
  const result = await modules.verify.verifyEnvelope(command.bytes, command.view);
  if (result.kind !== "verified") return result.kind;
  return modules.verify.judgeExpect(result.command, observed) ?? "act";
}
