/**
 * What every runtime must agree on: the recorded vectors, and the rule tables with keys and signatures that this
 * very runtime makes. Bundled for workerd and Chromium; Node runs it as it is.
 */
import { fromHex } from "../../protocol/bytes.ts";
import { verifyNatively } from "../../protocol/platform.ts";
import { accusedCases } from "../protocol/rules/accused-cases.ts";
import { assertionCases } from "../protocol/rules/assertion-cases.ts";
import { automationCases } from "../protocol/rules/automation-cases.ts";
import { product, type RuleCase } from "../protocol/rules/cases.ts";
import { envelopeCases } from "../protocol/rules/envelope-cases.ts";
import { forkCases } from "../protocol/rules/fork-cases.ts";
import { keyCases } from "../protocol/rules/key-cases.ts";
import { keyStatementCases } from "../protocol/rules/key-statement-cases.ts";
import { parserCases } from "../protocol/rules/parser-cases.ts";
import { prepareCases } from "../protocol/rules/prepare-cases.ts";
import { proposalCases } from "../protocol/rules/proposal-cases.ts";
import { readCases } from "../protocol/rules/read-cases.ts";
import { revocationCases } from "../protocol/rules/revocation-cases.ts";
import { sealedCases } from "../protocol/rules/sealed-cases.ts";
import { sessionEndCases } from "../protocol/rules/session-end-cases.ts";
import { statementCases } from "../protocol/rules/statement-cases.ts";
import { trustCases } from "../protocol/rules/trust-cases.ts";
import {
  expectedOutside,
  expectedTeamVerdicts,
  judgeOutside,
  judgeTeamVectors,
  type OutsideVectors,
  type TeamVectors,
} from "../vectors/team-verdicts.ts";
import { expectedVerdicts, judgeVectors, type Vectors, type Verdicts } from "../vectors/verdicts.ts";

/**
 * The platform's own verdicts where they differ from ours: what our filter is there for. Not the same everywhere,
 * which is the point.
 */
async function unfiltered(vectors: Vectors): Promise<readonly string[]> {
  const accepted: string[] = [];
  for (const { name, expected, ...hex } of vectors.signatures) {
    const input = {
      publicKey: fromHex(hex.publicKey),
      signature: fromHex(hex.signature),
      message: fromHex(hex.message),
    };
    // workerd throws at a signature of the wrong length; that is no acceptance.
    const verdict = await verifyNatively({ algorithm: "Ed25519", ...input }).catch(() => false);
    if (verdict !== (expected === "ok")) accepted.push(name);
  }
  return accepted;
}

const tables: Readonly<Record<string, readonly RuleCase[]>> = {
  envelope: envelopeCases,
  prepare: prepareCases,
  sealed: sealedCases,
  read: readCases,
  assertion: assertionCases,
  key: keyCases,
  trust: trustCases,
  statement: [...statementCases, ...keyStatementCases],
  revocation: revocationCases,
  history: [...forkCases, ...accusedCases],
  proposal: proposalCases,
  automation: automationCases,
  "session end": sessionEndCases,
  parser: parserCases,
};

const rows = Object.entries(tables).flatMap(([table, cases]) =>
  cases.map((one) => ({ key: `${table}: ${one.name}`, one })),
);

export interface Report {
  readonly verdicts: Verdicts;
  readonly unfiltered: readonly string[];
}

/** All that was recorded, by us and by others. */
export interface Recorded {
  readonly first: Vectors;
  readonly team: TeamVectors;
  readonly outside: OutsideVectors;
}

export async function report(recorded: Recorded): Promise<Report> {
  return { verdicts: await suite(recorded), unfiltered: await unfiltered(recorded.first) };
}

async function suite({ first, team, outside }: Recorded): Promise<Verdicts> {
  const verdicts: Record<string, string> = {
    ...(await judgeVectors(first)),
    ...(await judgeTeamVectors(team)),
    ...(await judgeOutside(outside)),
  };
  for (const { key, one } of rows) {
    // A crash is a verdict too: it must not hide the others.
    verdicts[key] = await one.run(product).catch((error: unknown) => `crash: ${String(error)}`);
  }
  return verdicts;
}

export function expectedSuite({ first, team, outside }: Recorded): Verdicts {
  const recorded = { ...expectedVerdicts(first), ...expectedTeamVerdicts(team), ...expectedOutside(outside) };
  return { ...recorded, ...Object.fromEntries(rows.map(({ key, one }) => [key, one.expected])) };
}
