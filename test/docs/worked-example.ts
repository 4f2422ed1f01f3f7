/**
 * One real command with real bytes, the same in every run: every key is made from a published name and the clock
 * stands still. docs/PROTOCOL.md prints it; a test recomputes it. Nothing here may be used outside documents.
 */
import { concatBytes, fromBase64url, toBase64url, toHex, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { commit, entryCodec, entryDigest, type LedgerEntry } from "../../protocol/ledger.ts";
import { envelopeCodec, ZERO_DIGEST, type Asserted, type Receipt, type Session } from "../../protocol/messages.ts";
import { builtInRoles } from "../../protocol/roles.ts";
import { digestBytes, digestOf, sha256Of, type MessageKind, type Signer } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import { NO_REVOCATIONS, type TrustState } from "../../protocol/trust/state.ts";
import { verifyEnvelope, type HostView } from "../../protocol/verify.ts";
import { hostIdOf, hostWords } from "../../protocol/words.ts";
import { assertion, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, rawSigner, seedOf, signerOf } from "../fixtures/keys.ts";

const ORIGIN = "http://clawhold.localhost:4470";
const RP_ID = "clawhold.localhost";
/** Seconds; the moment the host answers `prepare`. */
const NOW = 1_800_000_000;
const OPERATION = "gateway.restart@1";
const BOOT_BEFORE = "0d6f2a51-boot-before";
const BOOT_AFTER = "7be19c04-boot-after";
const FINGERPRINT = toHex(sha256Of(seedOf("client certificate")));

/** An Ed25519 passkey: the kind whose signatures are the same in every run. */
async function passkeyOf(name: string): Promise<SoftwareCredential> {
  const signer = await rawSigner(seedOf(name));
  const id = sha256Of(seedOf(`${name} id`)).slice(0, 16);
  const { publicKey } = signer;
  return {
    id,
    pinned: { credentialId: toBase64url(id), publicKey, alg: "Ed25519", rpId: RP_ID, backupEligible: false },
    cose: new Uint8Array(),
    sign: (message) => signer.signBytes(message),
  };
}

async function touched(passkey: SoftwareCredential, kind: "session" | "approval", value: unknown): Promise<Asserted> {
  const body = encodeCanonical(value);
  const made = await assertion(passkey, digestBytes(kind, body), { origin: ORIGIN });
  return { body: toBase64url(body), assertion: made };
}

interface Message {
  readonly text: string;
  readonly digest: string;
  /** base64url of the body, as the wire carries it. */
  readonly body: string;
  readonly signature: string;
}

async function message(signer: Signer, kind: MessageKind, value: unknown): Promise<Message> {
  const bytes = encodeCanonical(value);
  const signature = await signer.sign(kind, bytes);
  return { text: utf8Text(bytes), digest: digestOf(kind, bytes), body: toBase64url(bytes), signature };
}

interface Keys {
  readonly setup: Signer;
  readonly session: Signer;
  readonly host: Signer;
  readonly dispatch: Signer;
  readonly ledger: Signer;
  readonly cosign: Signer;
  readonly passkey: SoftwareCredential;
}

async function makeKeys(): Promise<Keys> {
  return {
    setup: await signerOf("setup"),
    session: await signerOf("session"),
    host: await signerOf("host"),
    dispatch: await signerOf("dispatch"),
    ledger: await signerOf("ledger"),
    cosign: await signerOf("cosign"),
    passkey: await passkeyOf("passkey"),
  };
}

interface Trust {
  readonly state: TrustState;
  readonly root: Message;
  readonly admit: { readonly text: string; readonly digest: string };
}

/** The root and one admitted host, through the code that hosts run. */
async function makeTrust(keys: Keys): Promise<Trust> {
  const root = await message(keys.setup, "root", {
    v: 1,
    setupKey: keys.setup.publicKey,
    person: { id: "p-ada", name: commit({ field: "name", salt: nonceOf("name"), value: "Ada" }) },
    credentials: [keys.passkey.pinned],
    origins: [{ origin: ORIGIN, rpId: RP_ID, class: "signer" }],
    roles: builtInRoles,
    dispatchKey: keys.dispatch.publicKey,
    ledgerKey: keys.ledger.publicKey,
    policies: [],
    at: NOW - 400,
  });
  const trustHead = { n: 0, hash: root.digest, revoked: NO_REVOCATIONS };
  const session = await touched(keys.passkey, "session", sessionOf(keys, root.digest, { trustHead, iat: NOW - 400 }));
  const first = await applyRoot(
    { root: root.body, setupSignature: root.signature, session },
    { setupKey: keys.setup.publicKey },
  );
  if (!first.ok) throw new Error(`root refused: ${first.code}`);
  const host = hostIdOf(keys.host.publicKey);
  const bytes = encodeCanonical({
    v: 1,
    workspace: root.digest,
    prev: { n: 0, hash: root.digest },
    revoked: NO_REVOCATIONS,
    at: NOW - 380,
    kind: "host.admit",
    body: {
      host,
      hostKey: keys.host.publicKey,
      cosignKey: keys.cosign.publicKey,
      label: "vps-1",
      colocated: false,
    },
  });
  const digest = digestOf("statement", bytes);
  const approval = await touched(keys.passkey, "approval", {
    v: 1,
    workspace: root.digest,
    kind: "statement",
    subject: digest,
    decision: "approve",
    at: NOW - 380,
  });
  const next = await applyStatement(first.state, { statement: toBase64url(bytes), approvals: [approval] });
  if (!next.ok) throw new Error(`statement refused: ${next.code}`);
  return { state: next.state, root, admit: { text: utf8Text(bytes), digest } };
}

function sessionOf(
  keys: Keys,
  workspace: string,
  { trustHead, iat }: { readonly trustHead: Session["trustHead"]; readonly iat: number },
): Session {
  const sessionKey = keys.session.publicKey;
  const nonce = nonceOf(`sign-in ${iat}`);
  return { v: 1, workspace, sessionKey, origin: ORIGIN, nonce, trustHead, iat, exp: iat + 7_200 };
}

export interface WorkedExample {
  readonly workspace: string;
  readonly host: string;
  readonly words: string;
  readonly trust: Trust;
  readonly session: Asserted;
  readonly sessionDigest: string;
  readonly prepare: Message;
  readonly prepared: Message;
  readonly intent: Message;
  readonly approval: Asserted;
  readonly dispatch: Message;
  readonly envelopeBytes: Uint8Array;
  readonly receipt: Message;
  readonly ledger: readonly { readonly text: string; readonly hash: string }[];
  readonly bent: readonly Bend[];
}

export interface Bend {
  readonly what: string;
  readonly code: string;
}

export async function workedExample(): Promise<WorkedExample> {
  const keys = await makeKeys();
  const trust = await makeTrust(keys);
  const { state } = trust;
  const { workspace, head: trustHead } = state;
  const host = hostIdOf(keys.host.publicKey);
  const session = await touched(keys.passkey, "session", sessionOf(keys, workspace, { trustHead, iat: NOW - 300 }));
  const sessionDigest = digestOf("session", fromBase64url(session.body));
  const actor = { session: sessionDigest };
  const prepare = await message(keys.session, "prepare", {
    v: 1,
    workspace,
    host,
    actor,
    operation: OPERATION,
    jti: nonceOf("prepare"),
  });
  const prepared = await message(keys.host, "prepared", {
    v: 1,
    workspace,
    host,
    prepare: prepare.digest,
    challenge: nonceOf("challenge"),
    hostBoot: nonceOf("host boot"),
    now: NOW,
    trustHead,
    facts: { gatewayBoot: BOOT_BEFORE, activeSessions: 2 },
  });
  const target = {
    host,
    challenge: nonceOf("challenge"),
    iat: NOW + 2,
    expect: { gatewayBoot: BOOT_BEFORE },
    sealed: [],
  };
  const intent = await message(keys.session, "intent", {
    v: 1,
    workspace,
    actor,
    operation: OPERATION,
    args: {},
    targets: [target],
    trustHead,
    ttl: 120,
    id: nonceOf("intent"),
  });
  const approval = await touched(keys.passkey, "approval", {
    v: 1,
    workspace,
    kind: "intent",
    subject: intent.digest,
    decision: "approve",
    after: 4,
  });
  const dispatch = await message(keys.dispatch, "dispatch", {
    v: 1,
    workspace,
    host,
    intent: intent.digest,
    tunnel: nonceOf("tunnel"),
    certFingerprint: FINGERPRINT,
  });
  const envelope = {
    intent: intent.body,
    sessionSignature: intent.signature,
    session,
    approvals: [approval],
    sealed: [],
    dispatch: { body: dispatch.body, signature: dispatch.signature },
  };
  const envelopeBytes = envelopeCodec.encode(envelope);
  const view: HostView = {
    host,
    tunnel: nonceOf("tunnel"),
    certFingerprint: FINGERPRINT,
    trust: state,
    now: NOW + 8,
    known: () => undefined,
    isSessionEnded: () => false,
    automationRuns: () => 0,
    challenge: (challenge) =>
      challenge === nonceOf("challenge") ? { actor: sessionDigest, operation: OPERATION } : undefined,
    denies: () => false,
  };
  const receiptBody: Receipt = {
    v: 1,
    workspace,
    host,
    intent: intent.digest,
    verdict: "executed",
    number: 1,
    previous: ZERO_DIGEST,
    started: NOW + 8,
    ended: NOW + 14,
    observed: { gatewayBootBefore: BOOT_BEFORE, gatewayBootAfter: BOOT_AFTER },
    trustHead,
  };
  const receipt = await message(keys.host, "receipt", receiptBody);
  return {
    workspace,
    host,
    words: hostWords({ hostKey: keys.host.publicKey, workspace }).join(" "),
    trust,
    session,
    sessionDigest,
    prepare,
    prepared,
    intent,
    approval,
    dispatch,
    envelopeBytes,
    receipt,
    ledger: ledgerOf({ workspace, host, intent: intent.digest, receipt: receipt.digest }),
    bent: await bend(envelopeBytes, view),
  };
}

interface Subject {
  readonly workspace: string;
  readonly host: string;
  readonly intent: string;
  readonly receipt: string;
}

/** Two entries as the ledger writes them, as if they were its first. */
function ledgerOf({ workspace, host, intent, receipt }: Subject): WorkedExample["ledger"] {
  const source = commit({ field: "source", salt: nonceOf("source"), value: "127.0.0.1" });
  const drafts: readonly Omit<LedgerEntry, "v" | "workspace" | "index" | "previous">[] = [
    {
      at: (NOW + 7) * 1_000,
      actor: { kind: "person", id: "p-ada" },
      action: "command.accepted",
      target: host,
      source,
      detail: { operation: OPERATION, intent },
    },
    {
      at: (NOW + 14) * 1_000,
      actor: { kind: "host", id: host },
      action: "command.receipt",
      target: host,
      detail: { operation: OPERATION, intent, verdict: "executed", receipt },
    },
  ];
  const written: { readonly text: string; readonly hash: string }[] = [];
  for (const [i, draft] of drafts.entries()) {
    const previous = written[i - 1]?.hash ?? ZERO_DIGEST;
    const bytes = entryCodec.encode({ v: 1, workspace, index: i + 1, previous, ...draft });
    written.push({ text: utf8Text(bytes), hash: entryDigest(bytes) });
  }
  return written;
}

/** What the host answers to the honest envelope and to a few bent ones; the attacks are in test/protocol. */
async function bend(envelope: Uint8Array, view: HostView): Promise<readonly Bend[]> {
  const verdict = async (bytes: Uint8Array, change: Partial<HostView> = {}): Promise<string> => {
    const result = await verifyEnvelope(bytes, { ...view, ...change });
    return result.kind === "refused" ? result.code : result.kind;
  };
  const spaced = concatBytes(envelope.slice(0, 1), Uint8Array.of(0x20), envelope.slice(1));
  return [
    { what: "the envelope as it is", code: await verdict(envelope) },
    { what: "one space added after the first brace", code: await verdict(spaced) },
    { what: "delivered again after it ran", code: await verdict(envelope, { known: (intent) => intent }) },
    { what: "delivered on another tunnel", code: await verdict(envelope, { tunnel: nonceOf("other tunnel") }) },
    { what: "the challenge is spent", code: await verdict(envelope, { challenge: () => undefined }) },
    { what: "the deny list names the operation", code: await verdict(envelope, { denies: () => true }) },
    { what: "delivered 70 seconds after the touch", code: await verdict(envelope, { now: NOW + 76 }) },
    { what: "delivered to another host", code: await verdict(envelope, { host: "h-elsewhere" }) },
  ];
}
