/**
 * What is mutated: one honest frame of each kind that an edge can send, with the whole message opened inside it, how
 * its attacker signs again, and what a host would make of the result. Nothing here knows how a mutant was bent.
 */
import { fromBase64url, toBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { assertedCodec, intentCodec, type Asserted } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { applyRoot } from "../../../protocol/trust/apply.ts";
import { applyOrFork } from "../../../protocol/trust/fork.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import {
  isRevocation,
  statementCodec,
  type SignedStatement,
  type TrustPage,
} from "../../../protocol/trust/statements.ts";
import { inwardFrames, type InwardFrame } from "../../../protocol/tunnel.ts";
import { verifyEnvelope, verifyPrepare, type ChallengeRecord, type HostView } from "../../../protocol/verify.ts";
import { verifySessionEnd } from "../../../protocol/verify/session-end.ts";
import type { Team } from "../../fixtures/team.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { opened, type Json, type Random } from "../../protocol/campaign.ts";

/** The rule that refused, and whether anything came of it that nobody approved. */
export interface Verdict {
  readonly rule: string;
  readonly forged: boolean;
}

export interface Subject {
  readonly name: string;
  /** The honest frame, opened. */
  readonly tree: Json;
  readonly text: string;
  /** Other honest frames of the kind, opened: their parts are material. */
  readonly donors: readonly Json[];
  /** Signs again what the attacker can. @throws when nobody could write the result */
  sign(tree: Json, random: Random): Promise<Json>;
  judge(text: string, random: Random): Promise<Verdict>;
}

export interface Ground {
  readonly team: Team;
  readonly state: TrustState;
  /** Names of everything that honest people said: digests of intents, statements and ends. */
  readonly honest: ReadonlySet<string>;
  readonly view: HostView;
}

export function openedFrame(frame: InwardFrame): { readonly tree: Json; readonly text: string } {
  const text = inwardFrames.encode(frame);
  return { tree: opened(JSON.parse(text) as Json), text };
}

/** The verdict on what honest people really said. */
export const HONEST = "honest after all";

const held = (rule: string): Verdict => ({ rule, forged: false });

/** A frame as a host takes it: parsed, then handed to whoever judges its kind. */
export async function judgeFrame(text: string, ground: Ground, random: Random): Promise<Verdict> {
  let frame: InwardFrame;
  try {
    frame = inwardFrames.decode(text);
  } catch (error) {
    if (error instanceof MalformedError) return held("frame");
    throw error;
  }
  switch (frame.kind) {
    case "deliver":
      return judgeDelivery(fromBase64url(frame.envelope), ground, random);
    case "trust":
      return judgePage(frame.page, ground);
    case "session-end": {
      const verdict = await verifySessionEnd(frame.end, { trust: ground.state, now: NOW });
      if (verdict.kind === "refused") return held(verdict.code);
      return accepted(ground, digestOf("session-end", fromBase64url(frame.end.body)));
    }
    case "prepare":
      return judgePrepare(frame, ground);
    default:
      return held("another frame"); // carries nothing that could be obeyed; the real agent judges its order
  }
}

function accepted({ honest }: Ground, digest: string): Verdict {
  return honest.has(digest) ? held(HONEST) : { rule: "accepted", forged: true };
}

async function judgeDelivery(bytes: Uint8Array, ground: Ground, random: Random): Promise<Verdict> {
  const view = random(2) === 0 ? ground.view : { ...ground.view, challenge: () => asked(bytes) };
  const verdict = await verifyEnvelope(bytes, view);
  if (verdict.kind === "refused") return held(verdict.code);
  if (verdict.kind === "known") return held("known");
  return accepted(ground, verdict.command.digest);
}

/** As if the attacker had got a challenge for whatever the intent says: no host gives more. */
function asked(bytes: Uint8Array): ChallengeRecord | undefined {
  try {
    const { intent } = JSON.parse(utf8Text(bytes)) as { readonly intent: string };
    const { actor, operation } = intentCodec.decode(fromBase64url(intent));
    return { actor: "session" in actor ? actor.session : `key:${actor.automationKey}`, operation };
  } catch {
    return undefined; // no intent, no challenge
  }
}

async function judgePage({ root, statements }: TrustPage, ground: Ground): Promise<Verdict> {
  if (root !== undefined) {
    const result = await applyRoot(root, { setupKey: ground.team.setupKey });
    if (!result.ok) return held(`trust.${result.code}`);
    if (result.state.workspace !== ground.team.workspace) return { rule: "accepted", forged: true };
  }
  let { state } = ground;
  for (const one of statements) {
    const result = await applyOrFork(state, one);
    if (!result.ok) return held(`trust.${result.code}`);
    ({ state } = result);
    if (!ground.honest.has(digestOf("statement", fromBase64url(one.statement))) && !isOwn(one, ground.team))
      return { rule: "accepted", forged: true };
  }
  return held(HONEST);
}

/** Everybody may add and revoke passkeys of their own: whoever stole one is that person as far as that goes. */
function isOwn({ statement, approvals }: SignedStatement, { state }: Team): boolean {
  const said = statementCodec.decode(fromBase64url(statement));
  const by = approvals.map(({ assertion }) => state.credentials.get(assertion.credentialId)?.person);
  if (said.kind === "credential.add") return by.every((person) => person === said.body.person);
  if (!isRevocation(said) || said.kind !== "credential.revoke") return false;
  return by.every((person) => person === state.credentials.get(said.body.credential)?.person);
}

async function judgePrepare(frame: Extract<InwardFrame, { kind: "prepare" }>, ground: Ground): Promise<Verdict> {
  const { state: trust, team } = ground;
  let session: Asserted | undefined;
  try {
    session = frame.session === undefined ? undefined : assertedCodec.decode(fromBase64url(frame.session));
  } catch (error) {
    if (error instanceof MalformedError) return held("session_malformed");
    throw error;
  }
  const view = { trust, host: team.host, now: NOW, isSessionEnded: () => false };
  const verdict = await verifyPrepare({ signed: frame.prepare, session }, view);
  if (verdict.kind === "refused") return held(verdict.code);
  return accepted(ground, digestOf("prepare", fromBase64url(frame.prepare.body)));
}

/** Signed by those who may: whatever is accepted is theirs to say, and what is refused reaches the later rules. */
export function byThoseWhoMay(subject: Subject, sign: Subject["sign"]): Subject {
  return {
    ...subject,
    name: `${subject.name}, signed by those who may`,
    sign,
    async judge(text, random) {
      const { rule, forged } = await subject.judge(text, random);
      return forged ? held("theirs to say") : { rule, forged };
    },
  };
}

export function wrapPage(statement: SignedStatement): InwardFrame {
  return { kind: "trust", page: { statements: [statement] } };
}

export function wrapPrepare(prepare: { body: string; signature: string }, session: Asserted): InwardFrame {
  return { kind: "prepare", prepare, session: toBase64url(assertedCodec.encode(session)) };
}
