/**
 * Rules that random mutants reach too seldom, or never, reached by construction: the protocol's own table of cases, and
 * what only a running host can answer. A rule that nothing reaches is a hole in the proof.
 */
import { verifyEnvelope } from "../../../protocol/verify.ts";
import { MAX_ENVELOPE_BYTES } from "../../../protocol/limits.ts";
import { refusalCodes, type RefusalCode } from "../../../protocol/refusals.ts";
import { trustRefusals } from "../../../protocol/trust/refusals.ts";
import type { OutwardFrame } from "../../../protocol/tunnel.ts";
import { AppendError } from "../../../agent/host/warden/append-file.ts";
import { Rig } from "../../agent/host/warden/rig.ts";
import { honestCommand } from "../../fixtures/command.ts";
import { makeWorld } from "../../fixtures/workspace.ts";
import { accusedCases } from "../../protocol/rules/accused-cases.ts";
import { automationCases } from "../../protocol/rules/automation-cases.ts";
import { product, type RuleCase } from "../../protocol/rules/cases.ts";
import { envelopeCases } from "../../protocol/rules/envelope-cases.ts";
import { forkCases } from "../../protocol/rules/fork-cases.ts";
import { keyStatementCases } from "../../protocol/rules/key-statement-cases.ts";
import { prepareCases } from "../../protocol/rules/prepare-cases.ts";
import { proposalCases } from "../../protocol/rules/proposal-cases.ts";
import { revocationCases } from "../../protocol/rules/revocation-cases.ts";
import { sessionEndCases } from "../../protocol/rules/session-end-cases.ts";
import { statementCases } from "../../protocol/rules/statement-cases.ts";
import { trustCases } from "../../protocol/rules/trust-cases.ts";

/** Each rule must have been reached so often, or the run has failed. */
export const ENOUGH = 100;

export const allRules: readonly string[] = [...refusalCodes, ...trustRefusals.map((code) => `trust.${code}`)];

const commandCases = [...envelopeCases, ...proposalCases, ...automationCases, ...sessionEndCases, ...prepareCases];
const logCases = [
  ...trustCases,
  ...statementCases,
  ...keyStatementCases,
  ...revocationCases,
  ...forkCases,
  ...accusedCases,
];

/** The rule that a case ends in: fork cases say more behind a comma. */
function ruleOf({ expected }: RuleCase): string {
  return expected.split(",")[0] ?? "";
}

function casesFor(rule: string): readonly RuleCase[] {
  if (rule.startsWith("trust.")) return logCases.filter((one) => `trust.${ruleOf(one)}` === rule);
  return commandCases.filter((one) => ruleOf(one) === rule);
}

/** How often the rule was reached now. @throws {Error} when a case does not end where it must */
async function byCases(rule: string, wanted: number): Promise<number> {
  const cases = casesFor(rule);
  if (cases.length === 0) return 0;
  for (let i = 0; i < wanted; i += 1) {
    const one = cases[i % cases.length];
    const verdict = await one?.run(product);
    if (verdict !== one?.expected) throw new Error(`reach: "${String(one?.name)}" ended in ${String(verdict)}`);
  }
  return wanted;
}

async function bySize(wanted: number): Promise<number> {
  const { view } = await honestCommand(await makeWorld());
  for (let i = 1; i <= wanted; i += 1) {
    const verdict = await verifyEnvelope(new Uint8Array(MAX_ENVELOPE_BYTES + i), view);
    if (verdict.kind !== "refused" || verdict.code !== "size") throw new Error("reach: a giant was read");
  }
  return wanted;
}

/** A host whose disk is full, and one whose table of challenges is. */
async function byHost(rule: "journal" | "busy", wanted: number): Promise<number> {
  const full = (): never => {
    throw new AppendError("no space");
  };
  const rig = await Rig.open();
  try {
    await rig.welcome();
    if (rule === "journal") rig.context.journal.started = full;
    let reached = 0;
    while (reached < wanted) {
      if (rule === "journal") await rig.deliver((await rig.command()).bytes);
      else await rig.prepare();
      const code = rule === "journal" ? rig.lastReceipt().code : refusalOf(rig.sent.at(-1));
      if (code === rule) reached += 1;
    }
    return reached;
  } finally {
    await rig.close();
  }
}

function refusalOf(frame: OutwardFrame | undefined): string | undefined {
  return frame?.kind === "refused" ? frame.code : undefined;
}

function construct(rule: string, wanted: number): Promise<number> {
  const own: Partial<Record<RefusalCode, () => Promise<number>>> = {
    size: () => bySize(wanted),
    busy: () => byHost("busy", wanted),
    journal: () => byHost("journal", wanted),
  };
  return own[rule as RefusalCode]?.() ?? byCases(rule, wanted);
}

export interface Reach {
  /** Hits of each rule beyond those of the mutants. */
  readonly constructed: Readonly<Record<string, number>>;
  /** Rules that are still short. */
  readonly short: readonly string[];
}

export async function reachAll(hits: Readonly<Record<string, number>>): Promise<Reach> {
  const constructed: Record<string, number> = {};
  const short: string[] = [];
  for (const rule of allRules) {
    const missing = ENOUGH - (hits[rule] ?? 0);
    if (missing <= 0) continue;
    constructed[rule] = await construct(rule, missing);
    if (constructed[rule] < missing) short.push(rule);
  }
  return { constructed, short };
}
