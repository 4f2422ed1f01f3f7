/** The messages that came with the second version of the product: the source of messages-2.json. */
import * as messages from "../../protocol/messages.ts";
import { revokedDigest } from "../../protocol/trust/state.ts";
import * as statements from "../../protocol/trust/statements.ts";
import * as tunnel from "../../protocol/tunnel.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { NOW, type Fields } from "../fixtures/workspace.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

const v = 1;
const workspace = nonceOf("workspace");
const host = "h-0123456789abcdefghij";
const revocation = nonceOf("revocation");
const revoked = revokedDigest([revocation]);
const trustHead = { n: 2, hash: nonceOf("head"), revoked };
const signature = `${"B".repeat(85)}A`;
const assertion = {
  credentialId: nonceOf("id"),
  clientData: nonceOf("cd"),
  authenticatorData: nonceOf("ad"),
  signature: nonceOf("sig"),
};
const asserted = { body: nonceOf("body"), assertion };
const actor = { automationKey: "k-pipeline" };
const approval = { v, workspace, subject: nonceOf("subject"), decision: "approve" };
const chain = { v, workspace, prev: { n: 2, hash: nonceOf("head") }, revoked, at: NOW };

const statement = (kind: string, body: Fields): Sample => ({
  note: `Trust log: ${kind}. ${kind.endsWith(".revoke") ? "Outside the chain; `prev` is the head that its author knew." : "In the chain."}`,
  kind: "statement",
  codec: statements.statementCodec,
  value: { ...chain, kind, body },
});
const ask = (kind: "proposal" | "session-end" | "edge-action", note: string): Sample => ({
  note,
  kind: "approval",
  codec: messages.approvalCodec,
  value: { ...approval, kind, at: NOW },
});

export const laterSamples: Readonly<Record<string, Sample>> = {
  proposal: {
    note: "What the people before the last one approve: an intent without what only the last one can know.",
    kind: "proposal",
    codec: messages.proposalCodec,
    value: {
      v,
      workspace,
      operation: "host.drill@1",
      args: { scenario: "second-person" },
      targets: [{ host, expect: {} }],
      exp: NOW + 86_400,
      id: nonceOf("proposal"),
    },
  },
  "intent of a proposal": {
    note: "The command that carries a proposal out.",
    kind: "intent",
    codec: messages.intentCodec,
    value: {
      v,
      workspace,
      actor: { session: nonceOf("session") },
      operation: "host.drill@1",
      args: { scenario: "second-person" },
      targets: [{ host, challenge: nonceOf("c"), iat: NOW, expect: {}, sealed: [] }],
      proposal: nonceOf("proposal"),
      trustHead,
      ttl: 120,
      id: nonceOf("intent"),
    },
  },
  "intent of an automation key": {
    note: "Signed by the automation key itself; nobody touches anything.",
    kind: "intent",
    codec: messages.intentCodec,
    value: {
      v,
      workspace,
      actor,
      operation: "host.check@1",
      args: {},
      targets: [{ host, challenge: nonceOf("c"), iat: NOW, expect: {}, sealed: [] }],
      trustHead,
      ttl: 120,
      id: nonceOf("intent"),
    },
  },
  "prepare of an automation key": {
    note: "Asks a host for a challenge. Signed by the automation key.",
    kind: "prepare",
    codec: messages.prepareCodec,
    value: { v, workspace, host, actor, operation: "host.check@1", jti: nonceOf("jti") },
  },
  "approval that names a successor": {
    note: "A step-up that also names the session's next key.",
    kind: "approval",
    codec: messages.approvalCodec,
    value: {
      ...approval,
      kind: "intent",
      after: 3,
      nextSessionKey: { session: nonceOf("session"), key: nonceOf("key") },
    },
  },
  "approval of a proposal": ask("proposal", "Of everybody but the last."),
  "approval of a session's end": ask("session-end", "Ends somebody else's session."),
  "approval of an edge action": ask("edge-action", "Hosts refuse it."),
  "session-end": {
    note: "Ends one session everywhere. Signed by that session's key, or approved by a person.",
    kind: "session-end",
    codec: messages.sessionEndCodec,
    value: { v, workspace, session: nonceOf("session"), person: "p-otto", at: NOW },
  },
  "edge-action": {
    note: "A write to the edge itself that a passkey approves.",
    kind: "edge-action",
    codec: messages.edgeActionCodec,
    value: {
      v,
      workspace,
      session: nonceOf("session"),
      endpoint: "alertSettings",
      change: nonceOf("change"),
      nonce: nonceOf("n"),
      at: NOW,
    },
  },
  "person.add with an end and passkeys": statement("person.add", {
    id: "p-otto",
    name: nonceOf("name"),
    roles: ["operator"],
    until: NOW + 86_400,
    credentials: [
      {
        credentialId: nonceOf("id"),
        publicKey: nonceOf("key"),
        alg: "Ed25519",
        rpId: "clawhold.localhost",
        backupEligible: true,
      },
    ],
  }),
  "role.define": statement("role.define", {
    id: "night-watch",
    permissions: ["metadata.read", "gateway.operate"],
    hosts: [],
    labels: ["prod-*"],
    sessionSeconds: 3_600,
  }),
  "automation-key.add": statement("automation-key.add", {
    id: "k-pipeline",
    publicKey: nonceOf("key"),
    label: "release pipeline",
    operations: [{ operation: "host.drill@1", limits: [{ argument: "scenario", values: ["lost-device"] }] }],
    hosts: [host],
    rate: { commands: 10, seconds: 3_600 },
    until: NOW + 86_400,
  }),
  "origin.add": statement("origin.add", {
    origin: "https://clawhold.example",
    rpId: "clawhold.example",
    class: "daily",
  }),
  "dispatch-key.rotate": statement("dispatch-key.rotate", { key: nonceOf("key") }),
  "ledger-key.rotate": statement("ledger-key.rotate", { key: nonceOf("key") }),
  "policy.set": statement("policy.set", { id: "two", operations: ["host.drill@1"], hosts: ["all"], people: 2 }),
  "fork.resolve": statement("fork.resolve", { keep: nonceOf("keep"), drop: nonceOf("drop") }),
  "root.rotate": statement("root.rotate", { dispatchKey: nonceOf("dispatch"), ledgerKey: nonceOf("ledger") }),
  "person.revoke": statement("person.revoke", { person: "p-otto" }),
  "credential.revoke": statement("credential.revoke", { credential: nonceOf("id") }),
  "role.revoke": statement("role.revoke", { grant: nonceOf("grant") }),
  "automation-key.revoke": statement("automation-key.revoke", { automationKey: "k-pipeline" }),
  "origin.revoke": statement("origin.revoke", { origin: "https://clawhold.example" }),
  "revocations held": {
    note: "The digest of this is `revoked`: the sorted digests of the revocations held.",
    kind: "revocations",
    value: { digests: [revocation] },
  },
  "trust-ack of a frozen host": {
    note: "The host holds two histories and obeys neither. Signed by the host key.",
    kind: "trust-ack",
    codec: tunnel.trustAckCodec,
    value: {
      v,
      workspace,
      host,
      trustHead,
      frozen: { reason: "fork", place: 3, mine: nonceOf("mine"), other: nonceOf("other") },
    },
  },
  farewell: {
    note: "The last word of a host key, when the host is reset. Signed by that key.",
    kind: "farewell",
    codec: tunnel.farewellCodec,
    value: { v, workspace, host, lastReceipt: { number: 2, digest: nonceOf("receipt") }, at: NOW },
  },
  "invitation-words": {
    note: "The six words of an invited person are the first 66 bits of this digest.",
    kind: "invitation-words",
    value: { credentialId: nonceOf("id"), publicKey: nonceOf("key"), name: nonceOf("name"), workspace },
  },
  "automation-key-words": {
    note: "The six words of an automation key are the first 66 bits of this digest.",
    kind: "automation-key-words",
    value: { publicKey: nonceOf("key"), workspace },
  },
  "submission of two people": {
    note: "What the last of two people submits.",
    codec: messages.submissionCodec,
    value: {
      intent: nonceOf("intent"),
      sessionSignature: signature,
      session: asserted,
      successor: asserted,
      approvals: [asserted],
      proposal: { body: nonceOf("proposal"), approvals: [asserted] },
      sealed: [],
    },
  },
  "submission of an automation key": {
    note: "No session and no approval.",
    codec: messages.submissionCodec,
    value: { intent: nonceOf("intent"), sessionSignature: signature, approvals: [], sealed: [] },
  },
  "signed session-end": {
    note: "A session's end with what makes it count.",
    codec: messages.signedSessionEndCodec,
    value: { body: nonceOf("end"), session: asserted, by: { kind: "person", approval: asserted } },
  },
  "signed statement that knew": {
    note: "`knew`: the revocations that its predecessor did not know. Not signed; `revoked` proves it.",
    codec: statements.signedStatementCodec,
    value: { statement: nonceOf("statement"), approvals: [asserted], knew: [revocation] },
  },
};

export function laterMessages(): readonly Golden[] {
  return goldenOf(laterSamples);
}
