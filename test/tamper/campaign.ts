/** Runs tampers against the verifier of `clawhold verify`, and says which check found each. */
import { verifyChunks } from "../../agent/verify/read.ts";
import type { Finding } from "../../agent/verify/report.ts";
import { fileOf, type LogTown } from "../fixtures/log-file.ts";
import type { Tamper } from "./tamper.ts";

export interface Outcome {
  readonly name: string;
  readonly power: string;
  readonly by: string;
  /** Codes of every finding; of those that say somebody has to answer for it first. */
  readonly found: readonly Finding["code"][];
  readonly isDetected: boolean;
}

/** Only these stand between this tamper and its reader. */
export function aloneOf({ found }: Outcome): Finding["code"] | undefined {
  const [one, ...others] = found;
  return others.length === 0 ? one : undefined;
}

export async function tried(tamper: Tamper, town: LogTown): Promise<Outcome> {
  const { lines, kept, trust } = await tamper.make(town);
  const { workspace } = town.world;
  const { report } = await verifyChunks([fileOf(lines)], {
    workspace,
    ...(kept === undefined ? {} : { kept }),
    ...(trust === undefined ? {} : { trust }),
  });
  const codes = (weight: Finding["weight"]): Finding["code"][] => [
    ...new Set(report.findings.filter((one) => one.weight === weight).map(({ code }) => code)),
  ];
  const wrong = codes("wrong");
  // What is signed by all keys of the edge only the hosts can tell apart: then it says that they did not. And what a file
  // keeps back of the trust log is said, though an honest log can look so.
  const said = codes("open").filter(
    (code) => code === "unwitnessed" || code === "trust_short" || code === "cosigned_early",
  );
  const found = wrong.length > 0 ? wrong : said;
  return { name: tamper.name, power: tamper.power, by: tamper.by, found, isDetected: found.length > 0 };
}

export function tableOf(outcomes: readonly Outcome[]): string {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  const detected = outcomes.filter(({ isDetected }) => isDetected).length;
  return [
    ...outcomes.map(
      ({ name, power, found }) => `${name.padEnd(width)}  ${power.padEnd(14)}  ${found.join(", ") || "NOT DETECTED"}`,
    ),
    `${detected} of ${outcomes.length} detected`,
  ].join("\n");
}
