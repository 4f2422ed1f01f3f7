/** Finer points of the verdict on an envelope that only a host can judge: every field of a comparison, every limit. */
import type { HostView } from "../../../protocol/verify.ts";
import { CRITICAL_OPERATION, type CommandDraft } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { fingerprintOf, NOW, type World } from "../../fixtures/workspace.ts";

export type Change = (draft: CommandDraft, world: World) => void;

const view =
  (facts: Partial<HostView>): Change =>
  (draft) => {
    draft.view = facts;
  };

function update(draft: CommandDraft): void {
  draft.intent["operation"] = "agent.update@1";
  draft.intent["args"] = { version: "1.2.3", sha256: "a".repeat(64) };
  draft.target["expect"] = {};
}

/** [name, expected at the host, change] */
export const hostPoints: readonly (readonly [string, string, Change])[] = [
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
    "an update of the agent on one host",
    "verified",
    (d) => {
      update(d);
    },
  ],
  [
    "an update of the agent on several hosts at once",
    "operation",
    (d) => {
      update(d);
      d.intent["targets"] = [d.target, { ...d.target, host: "z-last" }];
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
