/**
 * Judges recorded vectors: signatures at the edge of Ed25519, assertions, a trust log and envelopes, each with the
 * verdict that every runtime must give. Platform free, so that one function runs in Node, workerd and browsers.
 */
import type { AssertionContext } from "../../protocol/assertion.ts";
import { fromBase64url, fromHex, utf8 } from "../../protocol/bytes.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedRoot, SignedStatement } from "../../protocol/trust/statements.ts";
import type { ChallengeRecord, HostView } from "../../protocol/verify.ts";
import { addCriticalOperation, CERT_FINGERPRINT, CHALLENGE, TUNNEL } from "../fixtures/command.ts";
import { assertionVerdict } from "../protocol/rules/assertion-cases.ts";
import { product } from "../protocol/rules/cases.ts";

/** Hex throughout. */
export interface SignatureVector {
  readonly name: string;
  readonly publicKey: string;
  readonly signature: string;
  readonly message: string;
  readonly expected: string;
}

/** The context of an assertion with its challenge in base64url. */
export interface AssertionVector {
  readonly name: string;
  readonly context: Omit<AssertionContext, "challenge"> & { readonly challenge: string };
  readonly expected: string;
}

export interface EnvelopeVector {
  readonly name: string;
  /** Canonical JSON, or what pretends to be. */
  readonly envelope: string;
  readonly now: number;
  /** The live challenge; absent when there is none. The first vectors call its actor `session`. */
  readonly challenge?: ChallengeRecord | { readonly session: string; readonly operation: string };
  readonly denied: boolean;
  readonly expected: string;
}

export interface Vectors {
  readonly source: string;
  readonly host: string;
  readonly setupKey: string;
  readonly root: SignedRoot;
  readonly statements: readonly SignedStatement[];
  readonly signatures: readonly SignatureVector[];
  readonly assertions: readonly AssertionVector[];
  readonly envelopes: readonly EnvelopeVector[];
}

export type Verdicts = Record<string, string>;

export async function judgeVectors(vectors: Vectors): Promise<Verdicts> {
  addCriticalOperation();
  const verdicts: Verdicts = {};
  for (const { name, publicKey, signature, message } of vectors.signatures) {
    const input = { publicKey: fromHex(publicKey), signature: fromHex(signature), message: fromHex(message) };
    verdicts[`signature: ${name}`] = (await product.ed25519.verifyEd25519(input)) ? "ok" : "refused";
  }
  for (const { name, context } of vectors.assertions) {
    const challenge = fromBase64url(context.challenge);
    verdicts[`assertion: ${name}`] = await assertionVerdict(product, { ...context, challenge });
  }
  const trust = await replay(vectors, verdicts);
  if (trust === undefined) return verdicts;
  for (const vector of vectors.envelopes) {
    const result = await product.verify.verifyEnvelope(utf8(vector.envelope), viewOf(vectors.host, vector, trust));
    verdicts[`envelope: ${vector.name}`] = result.kind === "refused" ? result.code : result.kind;
  }
  return verdicts;
}

/**
 * Recorded verdicts that a later rule comes before. The bytes stay, and so does the refusal; only the rule that is named
 * has changed, with the reason.
 */
const SUPERSEDED: Verdicts = {
  // Two approvals of the intent itself: since proposals there is exactly one, so that is what is named first.
  "envelope: people": "approval_extra",
};

/** What the vectors say must come out. */
export function expectedVerdicts(vectors: Vectors): Verdicts {
  const expected: Verdicts = {};
  for (const one of vectors.signatures) expected[`signature: ${one.name}`] = one.expected;
  for (const one of vectors.assertions) expected[`assertion: ${one.name}`] = one.expected;
  expected["trust: root"] = "ok";
  vectors.statements.forEach((_, i) => {
    expected[`trust: statement ${i + 1}`] = "ok";
  });
  for (const one of vectors.envelopes) expected[`envelope: ${one.name}`] = one.expected;
  const superseded = Object.entries(SUPERSEDED).filter(([name]) => name in expected);
  return { ...expected, ...Object.fromEntries(superseded) };
}

async function replay(vectors: Vectors, verdicts: Verdicts): Promise<TrustState | undefined> {
  let result = await product.apply.applyRoot(vectors.root, { setupKey: vectors.setupKey });
  verdicts["trust: root"] = result.ok ? "ok" : result.code;
  for (const [i, statement] of vectors.statements.entries()) {
    if (!result.ok) return undefined;
    result = await product.apply.applyStatement(result.state, statement);
    verdicts[`trust: statement ${i + 1}`] = result.ok ? "ok" : result.code;
  }
  return result.ok ? result.state : undefined;
}

function recordOf({ challenge }: EnvelopeVector): ChallengeRecord | undefined {
  if (challenge === undefined || "actor" in challenge) return challenge;
  return { actor: challenge.session, operation: challenge.operation };
}

function viewOf(host: string, vector: EnvelopeVector, trust: TrustState): HostView {
  return {
    host,
    tunnel: TUNNEL,
    certFingerprint: CERT_FINGERPRINT,
    trust,
    now: vector.now,
    known: () => undefined,
    isSessionEnded: () => false,
    automationRuns: () => 0,
    challenge: (challenge) => (challenge === CHALLENGE ? recordOf(vector) : undefined),
    denies: () => vector.denied,
  };
}
