/**
 * Records the second file of vectors from the tables of rules: each case is run against modules that note what they are
 * given instead of judging it. What must come out is the case's own word, never a verifier's.
 */
import { utf8Text } from "../../protocol/bytes.ts";
import type { SignedSessionEnd } from "../../protocol/messages.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedStatement } from "../../protocol/trust/statements.ts";
import type { HostView } from "../../protocol/verify.ts";
import { CHALLENGE } from "../fixtures/command.ts";
import { accusedCases } from "../protocol/rules/accused-cases.ts";
import { automationCases } from "../protocol/rules/automation-cases.ts";
import { product, type Modules, type RuleCase } from "../protocol/rules/cases.ts";
import { forkCases } from "../protocol/rules/fork-cases.ts";
import { sharedCouncil } from "../protocol/rules/fork-scenes.ts";
import { keyStatementCases } from "../protocol/rules/key-statement-cases.ts";
import { proposalCases } from "../protocol/rules/proposal-cases.ts";
import { revocationCases } from "../protocol/rules/revocation-cases.ts";
import { sessionEndCases } from "../protocol/rules/session-end-cases.ts";
import { statementCases } from "../protocol/rules/statement-cases.ts";
import { sharedTeam } from "../protocol/rules/team-commands.ts";
import type { CourseVector, EndVector, StatementVector, TeamEnvelope, TeamVectors } from "./team-verdicts.ts";

/** Operations that tests add to the table are not in a recorded file's reach. */
const FOREIGN = "test.";

type Noted<T> = (one: RuleCase, noted: T) => void;

async function envelopes(state: TrustState): Promise<readonly TeamEnvelope[]> {
  const found: TeamEnvelope[] = [];
  const note: Noted<{ readonly bytes: Uint8Array; readonly view: HostView }> = (
    { name, expected },
    { bytes, view },
  ) => {
    const envelope = utf8Text(bytes);
    const isPlain = view.trust === state && !view.isSessionEnded("", "") && view.known("", undefined) === undefined;
    if (!isPlain || utf8OfIntent(envelope).includes(FOREIGN)) return;
    const challenge = view.challenge(CHALLENGE);
    found.push({
      name,
      envelope,
      host: view.host,
      now: view.now,
      ...(challenge === undefined ? {} : { challenge }),
      denied: view.denies("host.check@1"),
      runs: view.automationRuns("k-pipeline", 60),
      expected,
    });
  };
  for (const one of [...proposalCases, ...automationCases].filter(({ name }) => name.includes(" at a host: "))) {
    const verifyEnvelope = async (bytes: Uint8Array, view: HostView) => {
      note(one, { bytes, view });
      return product.verify.verifyEnvelope(bytes, view);
    };
    const word = await one.run({ ...product, verify: { ...product.verify, verifyEnvelope } } as Modules);
    if (word !== one.expected) throw new Error(`the product fails "${one.name}"`);
  }
  return found;
}

function utf8OfIntent(envelope: string): string {
  const { intent } = JSON.parse(envelope) as { readonly intent?: string };
  return atob((intent ?? "").replaceAll("-", "+").replaceAll("_", "/"));
}

/** Statements that follow the team's log as it is. */
async function statements(state: TrustState): Promise<readonly StatementVector[]> {
  const found = new Map<string, { strictly?: string; asHost?: string; signed: SignedStatement }>();
  for (const one of [...statementCases, ...keyStatementCases, ...revocationCases]) {
    const noting =
      (how: "strictly" | "asHost") =>
      async (before: TrustState, signed: SignedStatement): ReturnType<typeof product.apply.applyStatement> => {
        const name = one.name.replace(/^revoking, [a-z ]+: /, "revoking: ");
        if (before === state) found.set(name, { ...found.get(name), signed, [how]: one.expected });
        return how === "strictly"
          ? product.apply.applyStatement(before, signed)
          : product.fork.applyOrFork(before, signed);
      };
    await one.run({
      ...product,
      apply: { ...product.apply, applyStatement: noting("strictly") },
      fork: { ...product.fork, applyOrFork: noting("asHost") },
    });
  }
  return [...found].flatMap(([name, { signed, strictly, asHost }]) =>
    strictly === undefined ? [] : [{ name, signed, strictly, asHost: asHost ?? strictly }],
  );
}

async function courses(): Promise<readonly CourseVector[]> {
  const found: CourseVector[] = [];
  for (const one of [...forkCases, ...accusedCases]) {
    const heard: SignedStatement[] = [];
    const applyOrFork = (state: TrustState, signed: SignedStatement) => {
      heard.push(signed);
      return product.fork.applyOrFork(state, signed);
    };
    await one.run({ ...product, fork: { ...product.fork, applyOrFork } });
    const { name, expected } = one;
    if (expected !== "the same") found.push({ name, heard, expected });
  }
  return found;
}

async function ends(): Promise<readonly EndVector[]> {
  const found: EndVector[] = [];
  for (const one of sessionEndCases) {
    const { name, expected } = one;
    const verifySessionEnd = (end: SignedSessionEnd, view: Pick<HostView, "trust" | "now">) => {
      found.push({ name, end, now: view.now, expected: expected.replace(/ until .*/, "") });
      return product.sessionEnd.verifySessionEnd(end, view);
    };
    await one.run({ ...product, sessionEnd: { ...product.sessionEnd, verifySessionEnd } });
  }
  return found;
}

export async function teamVectors(): Promise<TeamVectors> {
  const { root, setupKey, statements: said, state } = await sharedTeam();
  const council = await sharedCouncil();
  return {
    source: "Made by generate.ts from the tables of rules; verdicts are the tables', written before any verifier ran.",
    team: { root, setupKey, statements: said },
    council: { root: council.root, setupKey: council.setupKey, statements: council.statements },
    statements: await statements(state),
    courses: await courses(),
    envelopes: await envelopes(state),
    ends: await ends(),
  };
}
