/**
 * Judges the second file of recorded vectors: a team's trust log, statements and revocations about it, whole courses that
 * freeze and thaw, commands of two people and of machines, ends of sessions; and the outside vectors of RFC 8032 and
 * 8785. Platform free, like verdicts.ts.
 */
import { fromHex, toHex, utf8, utf8Text } from "../../protocol/bytes.ts";
import type { SignedSessionEnd } from "../../protocol/messages.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedRoot, SignedStatement } from "../../protocol/trust/statements.ts";
import type { ChallengeRecord, HostView } from "../../protocol/verify.ts";
import { CERT_FINGERPRINT, CHALLENGE, TUNNEL } from "../fixtures/command.ts";
import { product } from "../protocol/rules/cases.ts";
import type { Verdicts } from "./verdicts.ts";

/** From the root on; every statement is accepted. */
export interface RecordedLog {
  readonly root: SignedRoot;
  readonly setupKey: string;
  readonly statements: readonly SignedStatement[];
}

/** One more statement after the team's log: what a strict reader answers, and what a host answers. */
export interface StatementVector {
  readonly name: string;
  readonly signed: SignedStatement;
  readonly strictly: string;
  readonly asHost: string;
}

/** What a host heard after the council's log, in order; the answer to the last and whether it is frozen then. */
export interface CourseVector {
  readonly name: string;
  readonly heard: readonly SignedStatement[];
  readonly expected: string;
}

export interface TeamEnvelope {
  readonly name: string;
  readonly envelope: string;
  readonly host: string;
  readonly now: number;
  readonly challenge?: ChallengeRecord;
  readonly denied: boolean;
  readonly runs: number;
  readonly expected: string;
}

export interface EndVector {
  readonly name: string;
  readonly end: SignedSessionEnd;
  readonly now: number;
  readonly expected: string;
}

export interface TeamVectors {
  readonly source: string;
  readonly team: RecordedLog;
  readonly council: RecordedLog;
  readonly statements: readonly StatementVector[];
  readonly courses: readonly CourseVector[];
  readonly envelopes: readonly TeamEnvelope[];
  readonly ends: readonly EndVector[];
}

async function replay({ root, setupKey, statements }: RecordedLog): Promise<TrustState> {
  let result = await product.apply.applyRoot(root, { setupKey });
  for (const signed of statements) {
    if (!result.ok) break;
    result = await product.apply.applyStatement(result.state, signed);
  }
  if (!result.ok) throw new Error(`recorded log refused: ${result.code}`);
  return result.state;
}

const stateWord = ({ frozen }: TrustState): string => (frozen === undefined ? "" : `, ${frozen.reason}`);

async function statementWords(state: TrustState, { signed }: StatementVector): Promise<readonly [string, string]> {
  const strict = await product.apply.applyStatement(state, signed);
  const host = await product.fork.applyOrFork(state, signed);
  const word = (result: typeof strict): string => (result.ok ? `ok${stateWord(result.state)}` : result.code);
  return [word(strict), word(host)];
}

async function courseWord(start: TrustState, { heard }: CourseVector): Promise<string> {
  let state = start;
  let answer = "nothing";
  for (const signed of heard) {
    const result = await product.fork.applyOrFork(state, signed);
    answer = result.ok ? `ok ${result.state.head.n - start.head.n}` : result.code;
    if (result.ok) ({ state } = result);
  }
  const { frozen } = state;
  return frozen === undefined ? answer : `${answer}, ${frozen.reason} at ${frozen.place - start.head.n}`;
}

function viewOf(trust: TrustState, vector: TeamEnvelope): HostView {
  return {
    host: vector.host,
    tunnel: TUNNEL,
    certFingerprint: CERT_FINGERPRINT,
    trust,
    now: vector.now,
    known: () => undefined,
    isSessionEnded: () => false,
    automationRuns: () => vector.runs,
    challenge: (challenge) => (challenge === CHALLENGE ? vector.challenge : undefined),
    denies: () => vector.denied,
  };
}

export async function judgeTeamVectors(vectors: TeamVectors): Promise<Verdicts> {
  const verdicts: Verdicts = {};
  const team = await replay(vectors.team);
  const council = await replay(vectors.council);
  for (const one of vectors.statements) {
    const [strictly, asHost] = await statementWords(team, one);
    verdicts[`statement, strictly: ${one.name}`] = strictly;
    verdicts[`statement, as a host: ${one.name}`] = asHost;
  }
  for (const one of vectors.courses) verdicts[`course: ${one.name}`] = await courseWord(council, one);
  for (const one of vectors.envelopes) {
    const result = await product.verify.verifyEnvelope(utf8(one.envelope), viewOf(team, one));
    verdicts[`team envelope: ${one.name}`] = result.kind === "refused" ? result.code : result.kind;
  }
  for (const { name, end, now } of vectors.ends) {
    const result = await product.sessionEnd.verifySessionEnd(end, { trust: team, now });
    verdicts[`session end: ${name}`] = result.kind === "accepted" ? `by ${result.by}` : result.code;
  }
  return verdicts;
}

export function expectedTeamVerdicts(vectors: TeamVectors): Verdicts {
  const expected: Verdicts = {};
  for (const one of vectors.statements) {
    expected[`statement, strictly: ${one.name}`] = one.strictly;
    expected[`statement, as a host: ${one.name}`] = one.asHost;
  }
  for (const one of vectors.courses) expected[`course: ${one.name}`] = one.expected;
  for (const one of vectors.envelopes) expected[`team envelope: ${one.name}`] = one.expected;
  for (const one of vectors.ends) expected[`session end: ${one.name}`] = one.expected;
  return expected;
}

// ---- from outside ----

export interface OutsideVectors {
  readonly rfc8032: {
    readonly tests: readonly {
      readonly name: string;
      readonly publicKey: string;
      readonly message: string;
      readonly signature: string;
    }[];
  };
  readonly rfc8785: {
    readonly numbers: readonly (readonly [string, string])[];
    readonly notNumbers: readonly string[];
    readonly sample: { readonly input: string; readonly hex: string };
  };
}

/** The signatures of RFC 8032, whole and with a bit changed, and the encodings of RFC 8785. */
export async function judgeOutside({ rfc8032, rfc8785 }: OutsideVectors): Promise<Verdicts> {
  const verdicts: Verdicts = {};
  for (const { name, ...hex } of rfc8032.tests) {
    const [publicKey, message, signature] = [hex.publicKey, hex.message, hex.signature].map(fromHex) as [
      Uint8Array<ArrayBuffer>,
      Uint8Array<ArrayBuffer>,
      Uint8Array<ArrayBuffer>,
    ];
    verdicts[`RFC 8032 ${name}`] = String(await product.ed25519.verifyEd25519({ publicKey, message, signature }));
    const bent = new Uint8Array(signature);
    bent[40] = (bent[40] ?? 0) ^ 1;
    verdicts[`RFC 8032 ${name}, bent`] = String(
      await product.ed25519.verifyEd25519({ publicKey, message, signature: bent }),
    );
  }
  for (const [bits, text] of rfc8785.numbers)
    verdicts[`RFC 8785 ${bits} is ${text}`] = String(numberText(bits) === text);
  for (const bits of rfc8785.notNumbers) verdicts[`RFC 8785 ${bits}`] = numberText(bits);
  const { input, hex } = rfc8785.sample;
  const written = toHex(product.canonical.encodeCanonical(JSON.parse(input) as object));
  verdicts["RFC 8785 sample"] = String(written === hex);
  return verdicts;
}

function numberText(bits: string): string {
  const value = new DataView(fromHex(bits).buffer).getFloat64(0);
  try {
    return utf8Text(product.canonical.encodeCanonical(value));
  } catch {
    return "refused"; // what JSON cannot hold
  }
}

export function expectedOutside({ rfc8032, rfc8785 }: OutsideVectors): Verdicts {
  return Object.fromEntries([
    ...rfc8032.tests.flatMap(({ name }) => [
      [`RFC 8032 ${name}`, "true"],
      [`RFC 8032 ${name}, bent`, "false"],
    ]),
    ...rfc8785.numbers.map(([bits, text]) => [`RFC 8785 ${bits} is ${text}`, "true"]),
    ...rfc8785.notNumbers.map((bits) => [`RFC 8785 ${bits}`, "refused"]),
    ["RFC 8785 sample", "true"],
  ]) as Verdicts;
}
