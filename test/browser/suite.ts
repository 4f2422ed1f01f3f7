/**
 * What every runtime must agree on: the recorded vectors, and the rule tables with keys and signatures that this
 * very runtime makes. Bundled for workerd and Chromium; Node runs it as it is.
 */
import { assertionCases } from "../protocol/rules/assertion-cases.ts";
import { product, type RuleCase } from "../protocol/rules/cases.ts";
import { envelopeCases } from "../protocol/rules/envelope-cases.ts";
import { parserCases } from "../protocol/rules/parser-cases.ts";
import { prepareCases } from "../protocol/rules/prepare-cases.ts";
import { trustCases } from "../protocol/rules/trust-cases.ts";
import { expectedVerdicts, judgeVectors, type Vectors, type Verdicts } from "../vectors/verdicts.ts";

const tables: Readonly<Record<string, readonly RuleCase[]>> = {
  envelope: envelopeCases,
  prepare: prepareCases,
  assertion: assertionCases,
  trust: trustCases,
  parser: parserCases,
};

const rows = Object.entries(tables).flatMap(([table, cases]) =>
  cases.map((one) => ({ key: `${table}: ${one.name}`, one })),
);

export async function suite(vectors: Vectors): Promise<Verdicts> {
  const verdicts = await judgeVectors(vectors);
  for (const { key, one } of rows) {
    // A crash is a verdict too: it must not hide the others.
    verdicts[key] = await one.run(product).catch((error: unknown) => `crash: ${String(error)}`);
  }
  return verdicts;
}

export function expectedSuite(vectors: Vectors): Verdicts {
  return { ...expectedVerdicts(vectors), ...Object.fromEntries(rows.map(({ key, one }) => [key, one.expected])) };
}
