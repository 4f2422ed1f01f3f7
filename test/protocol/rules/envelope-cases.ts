/** Verdicts on whole envelopes: each rule alone, then its finer points (every field of a comparison, every limit). */
import type { HostView } from "../../../protocol/verify.ts";
import {
  addCriticalOperation,
  CRITICAL_OPERATION,
  GATEWAY_BOOT,
  honestCommand,
  type CommandDraft,
} from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { fingerprintOf, makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { once, type Modules, type RuleCase } from "./cases.ts";
import { envelopeRules, ruleName, type EnvelopeRule } from "./envelope-rules.ts";

export const sharedWorld = once(() => makeWorld());

type Change = (draft: CommandDraft, world: World) => void;

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

const view =
  (facts: Partial<HostView>): Change =>
  (draft) => {
    draft.view = facts;
  };

/** Finer points: [name, expected at the host, change]. */
const hostPoints: readonly (readonly [string, string, Change])[] = [
  ["honest", "verified", () => undefined],
  ["known to the journal", "known", view({ known: (intent) => intent })],
  [
    "known to the journal, though not for this host",
    "known",
    (d) => {
      d.target["host"] = "h-elsewhere";
      d.view = { known: (intent) => intent };
    },
  ],
  [
    "known to the journal, though malformed",
    "malformed",
    (d) => {
      d.envelope["foreign"] = 1;
      d.view = { known: (intent) => intent };
    },
  ],
  [
    "an envelope of exactly 64 KB is only malformed",
    "malformed",
    (d) => {
      d.rewrite = (b) => new Uint8Array([...b, ...new Uint8Array(65_536 - b.length)]);
    },
  ],
  [
    "an envelope of 64 KB and a byte",
    "size",
    (d) => {
      d.rewrite = (b) => new Uint8Array([...b, ...new Uint8Array(65_537 - b.length)]);
    },
  ],
  [
    "white space after the envelope",
    "malformed",
    (d) => {
      d.rewrite = (b) => new Uint8Array([...b, 0x20]);
    },
  ],
  [
    "intent not canonical",
    "malformed",
    (d) => {
      d.intentBytes = new TextEncoder().encode("{ }");
    },
  ],
  [
    "no target",
    "malformed",
    (d) => {
      d.intent["targets"] = [];
    },
  ],
  [
    "this host twice",
    "malformed",
    (d) => {
      d.intent["targets"] = [d.target, d.target];
    },
  ],
  [
    "targets out of order",
    "malformed",
    (d) => {
      d.intent["targets"] = [d.target, { ...d.target, host: "h-" }];
    },
  ],
  [
    "this host among others",
    "verified",
    (d) => {
      d.intent["targets"] = [{ ...d.target, host: "a-first" }, d.target, { ...d.target, host: "z-last" }];
    },
  ],
  [
    "dispatch for another workspace",
    "dispatch",
    (d) => {
      d.dispatch.body["workspace"] = nonceOf("other");
    },
  ],
  [
    "dispatch for another host",
    "dispatch",
    (d) => {
      d.dispatch.body["host"] = "h-elsewhere";
    },
  ],
  [
    "dispatch of another intent",
    "dispatch",
    (d) => {
      d.dispatch.body["intent"] = nonceOf("other");
    },
  ],
  [
    "dispatch for another tunnel",
    "dispatch",
    (d) => {
      d.dispatch.body["tunnel"] = nonceOf("other");
    },
  ],
  [
    "dispatch for another certificate",
    "dispatch",
    (d) => {
      d.dispatch.body["certFingerprint"] = fingerprintOf("other");
    },
  ],
  [
    "dispatch malformed",
    "dispatch",
    (d) => {
      d.dispatch.body["foreign"] = 1;
    },
  ],
  [
    "challenge of another session",
    "challenge",
    (d) => {
      d.challenge = { actor: nonceOf("other") };
    },
  ],
  [
    "challenge for another operation",
    "challenge",
    (d) => {
      d.challenge = { operation: "host.check@1" };
    },
  ],
  [
    "challenge never minted",
    "challenge",
    (d) => {
      d.target["challenge"] = nonceOf("other");
    },
  ],
  [
    "trust head of another branch",
    "trust_behind",
    (d, w) => {
      d.intent["trustHead"] = { ...w.state.head, hash: nonceOf("other") };
    },
  ],
  [
    "trust head with other revocations",
    "trust_behind",
    (d, w) => {
      d.intent["trustHead"] = { ...w.state.head, revoked: nonceOf("other") };
    },
  ],
  [
    "trust head older than ours",
    "trust_behind",
    (d, w) => {
      d.intent["trustHead"] = { ...w.state.head, n: w.state.head.n - 1 };
    },
  ],
  [
    "expired approval",
    "clock",
    (d) => {
      d.target["iat"] = NOW - 100;
    },
  ],
  ["an approval 60 seconds old", "verified", view({ now: NOW - 2 + 60 })],
  ["an approval 61 seconds old", "clock", view({ now: NOW - 2 + 61 })],
  ["an approval 2 seconds ahead", "verified", view({ now: NOW - 4 })],
  ["an approval 3 seconds ahead", "clock", view({ now: NOW - 5 })],
  [
    "the last second of ttl",
    "verified",
    (d) => {
      d.intent["ttl"] = 10;
      d.view = { now: NOW + 5 };
    },
  ],
  [
    "a second after ttl",
    "clock",
    (d) => {
      d.intent["ttl"] = 10;
      d.view = { now: NOW + 6 };
    },
  ],
  [
    "ttl at its limit",
    "verified",
    (d) => {
      d.intent["ttl"] = 300;
    },
  ],
  [
    "ttl over its limit",
    "malformed",
    (d) => {
      d.intent["ttl"] = 301;
    },
  ],
  [
    "ttl of nothing",
    "malformed",
    (d) => {
      d.intent["ttl"] = 0;
    },
  ],
  [
    "a critical operation approved on the signer",
    "verified",
    (d) => {
      d.intent["operation"] = CRITICAL_OPERATION;
    },
  ],
  [
    "a daily operation approved on a page of the edge",
    "verified",
    (d, w) => {
      d.approvals.forEach((a) => {
        a.passkey = w.people.ada.daily;
      });
    },
  ],
];

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
  { name: "expect: as pinned", expected: "act", run: (m) => expectVerdict(m, GATEWAY_BOOT) },
  { name: "expect: the gateway restarted since", expected: "expect", run: (m) => expectVerdict(m, "boot-0002") },
  { name: "expect: the gateway is gone", expected: "expect", run: (m) => expectVerdict(m, undefined) },
  {
    name: "expect: nothing pinned",
    expected: "act",
    run: (m) =>
      expectVerdict(m, "boot-0002", (d) => {
        d.intent["operation"] = "host.check@1";
        d.target["expect"] = {};
      }),
  },
];

async function expectVerdict(modules: Modules, gatewayBoot: string | undefined, change?: Change): Promise<string> {
  const command = await honestCommand(await sharedWorld(), change);
  const result = await modules.verify.verifyEnvelope(command.bytes, command.view);
  if (result.kind !== "verified") return result.kind;
  return modules.verify.judgeExpect(result.command, gatewayBoot === undefined ? {} : { gatewayBoot }) ?? "act";
}
