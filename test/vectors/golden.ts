/** One of each message, with fixed content: the source of messages.json, and the parser that each must pass. */
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { Codec } from "../../protocol/fields.ts";
import { toHex } from "../../protocol/bytes.ts";
import { joinFileCodec } from "../../protocol/join-file.ts";
import { entryCodec } from "../../protocol/ledger.ts";
import * as messages from "../../protocol/messages.ts";
import { digestOf, type MessageKind } from "../../protocol/signing.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import * as statements from "../../protocol/trust/statements.ts";
import * as tunnel from "../../protocol/tunnel.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { fingerprintOf, NOW, type Fields } from "../fixtures/workspace.ts";

export interface Golden {
  readonly name: string;
  /** What it is and who signs it. */
  readonly note: string;
  /** Absent for wrappers that are never signed or named by a digest. */
  readonly kind?: MessageKind;
  /** The canonical text, for readers. */
  readonly text: string;
  /** The same bytes in hex. */
  readonly hex: string;
  /** base64url of SHA-256 over PAE(type of kind, bytes). */
  readonly digest?: string;
}

export interface Sample {
  readonly note: string;
  readonly kind?: MessageKind;
  readonly codec?: Codec<unknown>;
  readonly value: Fields;
}

const v = 1;
const workspace = nonceOf("workspace");
const host = "h-0123456789abcdefghij";
const trustHead = { n: 2, hash: nonceOf("head"), revoked: NO_REVOCATIONS };
const signature = `${"B".repeat(85)}A`;
const signed = { body: nonceOf("body"), signature };
const assertion = {
  credentialId: nonceOf("id"),
  clientData: nonceOf("cd"),
  authenticatorData: nonceOf("ad"),
  signature: nonceOf("sig"),
};
const asserted = { body: nonceOf("body"), assertion };
const submission = {
  intent: nonceOf("intent"),
  sessionSignature: signature,
  session: asserted,
  approvals: [asserted],
  sealed: [],
};
const credential = {
  credentialId: nonceOf("id"),
  publicKey: nonceOf("key"),
  alg: "Ed25519",
  rpId: "clawhold.localhost",
  backupEligible: true,
};
const actor = { session: nonceOf("session") };
const chain = { v, workspace, prev: { n: 2, hash: nonceOf("head") }, revoked: NO_REVOCATIONS, at: NOW };
const statement = (kind: string, body: Fields): Sample => ({
  note: `Trust log: ${kind}. Approved by an administrator's touch over an approval that names its digest.`,
  kind: "statement",
  codec: statements.statementCodec,
  value: { ...chain, kind, body },
});
const approval = { v, workspace, subject: nonceOf("subject"), decision: "approve" };

export const samples: Readonly<Record<string, Sample>> = {
  session: {
    note: "Certifies a session key. Its digest is the challenge of the sign-in assertion.",
    kind: "session",
    codec: messages.sessionCodec,
    value: {
      v,
      workspace,
      sessionKey: nonceOf("key"),
      origin: "http://clawhold.localhost:8443",
      nonce: nonceOf("n"),
      trustHead,
      iat: NOW,
      exp: NOW + 3_600,
    },
  },
  request: {
    note: "An API request. Signed by the session key.",
    kind: "request",
    codec: messages.requestCodec,
    value: { v, method: "POST", path: "/api/commands", body: nonceOf("body"), iat: NOW, jti: nonceOf("jti") },
  },
  prepare: {
    note: "Asks a host for a challenge. Signed by the session key.",
    kind: "prepare",
    codec: messages.prepareCodec,
    value: { v, workspace, host, actor, operation: "gateway.restart@1", jti: nonceOf("jti") },
  },
  prepared: {
    note: "The host's challenge and facts. Signed by the host key.",
    kind: "prepared",
    codec: messages.preparedCodec,
    value: {
      v,
      workspace,
      host,
      prepare: nonceOf("prepare"),
      challenge: nonceOf("c"),
      hostBoot: nonceOf("boot"),
      now: NOW,
      trustHead,
      facts: { gatewayBoot: "boot-0001", activeSessions: 2 },
    },
  },
  intent: {
    note: "The exact bytes of one command. Signed by the session key; named by the approval and by the dispatch.",
    kind: "intent",
    codec: messages.intentCodec,
    value: {
      v,
      workspace,
      actor,
      operation: "gateway.restart@1",
      args: {},
      trustHead,
      ttl: 120,
      id: nonceOf("intent"),
      targets: [{ host, challenge: nonceOf("c"), iat: NOW, expect: { gatewayBoot: "boot-0001" }, sealed: [] }],
    },
  },
  "approval of an intent": {
    note: "Its digest is the challenge of the step-up assertion. `after`: seconds from building the intent to the press.",
    kind: "approval",
    codec: messages.approvalCodec,
    value: { ...approval, kind: "intent", after: 3 },
  },
  "approval of a statement": {
    note: "Its digest is the challenge of the assertion. `at` is shown and never judged.",
    kind: "approval",
    codec: messages.approvalCodec,
    value: { ...approval, kind: "statement", at: NOW },
  },
  dispatch: {
    note: "Which tunnel the edge hands an intent to. Signed by the dispatch key.",
    kind: "dispatch",
    codec: messages.dispatchCodec,
    value: {
      v,
      workspace,
      host,
      intent: nonceOf("intent"),
      tunnel: nonceOf("tunnel"),
      certFingerprint: fingerprintOf("certificate"),
    },
  },
  "receipt of an execution": {
    note: "What became of an intent. Signed by the host key; `previous` chains a host's receipts.",
    kind: "receipt",
    codec: messages.receiptCodec,
    value: {
      v,
      workspace,
      host,
      intent: nonceOf("intent"),
      verdict: "executed",
      number: 2,
      previous: nonceOf("previous"),
      started: NOW,
      ended: NOW + 6,
      observed: { gatewayBootBefore: "boot-0001", gatewayBootAfter: "boot-0002" },
      trustHead,
    },
  },
  "receipt of a refusal": {
    note: "The first receipt of a host: `previous` is 32 zero bytes.",
    kind: "receipt",
    codec: messages.receiptCodec,
    value: {
      v,
      workspace,
      host,
      intent: nonceOf("intent"),
      verdict: "refused",
      code: "approval.user_verification",
      number: 1,
      previous: messages.ZERO_DIGEST,
      started: NOW,
      ended: NOW,
      observed: {},
      trustHead,
    },
  },
  root: {
    note: "Statement 0. Its digest is the workspace id. Signed by the setup key and by the first sign-in.",
    kind: "root",
    codec: statements.rootCodec,
    value: {
      v,
      setupKey: nonceOf("setup"),
      person: { id: "p-ada", name: nonceOf("name") },
      credentials: [credential],
      origins: [{ origin: "http://clawhold.localhost:8443", rpId: "clawhold.localhost", class: "signer" }],
      roles: [{ id: "admin", permissions: ["workspace.administer"], hosts: ["all"], sessionSeconds: 7_200 }],
      dispatchKey: nonceOf("dispatch"),
      ledgerKey: nonceOf("ledger"),
      policies: [],
      at: NOW,
    },
  },
  "person.add": statement("person.add", { id: "p-otto", name: nonceOf("name"), roles: ["operator"] }),
  "credential.add": statement("credential.add", { person: "p-otto", ...credential }),
  "role.assign": statement("role.assign", { person: "p-otto", roles: ["viewer"] }),
  "host.admit": statement("host.admit", {
    host,
    hostKey: nonceOf("hk"),
    cosignKey: nonceOf("ck"),
    label: "vps-3 (Köln)",
    colocated: false,
  }),
  "host.remove": statement("host.remove", { host }),
  join: {
    note: "Asks for a place in quarantine and a client certificate. Signed by the host key.",
    kind: "join",
    codec: tunnel.joinCodec,
    value: {
      v,
      workspace,
      hostKey: nonceOf("hk"),
      cosignKey: nonceOf("ck"),
      label: "vps-3",
      colocated: false,
      csr: nonceOf("csr"),
      nonce: nonceOf("n"),
    },
  },
  hello: {
    note: "The host's first word on a tunnel. Signed by the host key over the edge's nonce.",
    kind: "hello",
    codec: tunnel.helloCodec,
    value: {
      v,
      workspace,
      host,
      hostBoot: nonceOf("boot"),
      trustHead,
      lastReceipt: 2,
      lastAck: 1,
      nonce: nonceOf("n"),
      edgeNonce: nonceOf("en"),
      tunnel: nonceOf("tunnel"),
    },
  },
  welcome: {
    note: "The edge proves itself. Signed by the dispatch key over both nonces, the tunnel and the certificate.",
    kind: "welcome",
    codec: tunnel.welcomeCodec,
    value: {
      v,
      workspace,
      host,
      tunnel: nonceOf("tunnel"),
      certFingerprint: fingerprintOf("certificate"),
      hostNonce: nonceOf("n"),
      edgeNonce: nonceOf("en"),
    },
  },
  "trust-ack": {
    note: "The host holds this trust head. Signed by the host key.",
    kind: "trust-ack",
    codec: tunnel.trustAckCodec,
    value: { v, workspace, host, trustHead },
  },
  "ledger-entry": {
    note: "One line of the audit log. Named by its digest; `previous` chains the log.",
    kind: "ledger-entry",
    codec: entryCodec,
    value: {
      v,
      workspace,
      index: 1,
      at: NOW * 1_000,
      actor: { kind: "person", id: "p-ada" },
      action: "command.accepted",
      target: host,
      source: nonceOf("source"),
      detail: { operation: "gateway.restart@1", intent: nonceOf("intent") },
      previous: messages.ZERO_DIGEST,
    },
  },
  commitment: {
    note: "A personal value that an entry commits to by this digest. Value and salt are kept where they can be erased.",
    kind: "commitment",
    value: { field: "source", salt: nonceOf("salt"), value: "192.0.2.7" },
  },
  "host-words": {
    note: "The six words are the first 66 bits of this digest.",
    kind: "host-words",
    value: { hostKey: nonceOf("hk"), workspace },
  },
  "host id": {
    note: "A host's id is made of the letters and digits of this digest.",
    kind: "host-words",
    value: { hostKey: nonceOf("hk") },
  },
  revocations: {
    note: "The revocations held; this version has none.",
    kind: "revocations",
    value: { digests: [] },
  },
  asserted: { note: "A body and the touch over it.", codec: messages.assertedCodec, value: asserted },
  submission: { note: "What a page submits.", codec: messages.submissionCodec, value: submission },
  envelope: {
    note: "What a host receives: a submission and the edge's dispatch.",
    codec: messages.envelopeCodec,
    value: { ...submission, dispatch: signed },
  },
  "signed statement": {
    note: "A statement and the touches that approve it.",
    codec: statements.signedStatementCodec,
    value: { statement: nonceOf("statement"), approvals: [asserted] },
  },
  "signed root": {
    note: "The root with its two signatures.",
    codec: statements.signedRootCodec,
    value: { root: nonceOf("root"), setupSignature: signature, session: asserted },
  },
  "trust page": {
    note: "A trust log in transit.",
    codec: statements.trustPageCodec,
    value: {
      root: { root: nonceOf("root"), setupSignature: signature, session: asserted },
      statements: [{ statement: nonceOf("statement"), approvals: [asserted] }],
    },
  },
  "join file": {
    note: "What a host needs to join; travels by stdin or a file.",
    codec: joinFileCodec,
    value: { v, edge: "wss://127.0.0.1:8444", workspace, token: nonceOf("token"), edgeCa: fingerprintOf("ca") },
  },
  "join request": {
    note: "A join, its signature, and the single-use token.",
    codec: tunnel.joinRequestCodec,
    value: { token: nonceOf("token"), join: nonceOf("join"), signature },
  },
  "join answer": {
    note: "The host's id and its client certificate.",
    codec: tunnel.joinAnswerCodec,
    value: { host, certificate: nonceOf("certificate") },
  },
};

export function goldenMessages(): readonly Golden[] {
  return goldenOf(samples);
}

export function goldenOf(named: Readonly<Record<string, Sample>>): readonly Golden[] {
  return Object.entries(named).map(([name, { note, kind, value }]) => {
    const bytes = encodeCanonical(value);
    return {
      name,
      note,
      ...(kind === undefined ? {} : { kind }),
      text: new TextDecoder().decode(bytes),
      hex: toHex(bytes),
      ...(kind === undefined ? {} : { digest: digestOf(kind, bytes) }),
    };
  });
}
