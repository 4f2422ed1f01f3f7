/**
 * The six layers of a host, one by one: for each, attacks by somebody who holds valid material for the other five. The
 * agent as it ships must refuse them all by the named rule; an agent built without exactly that layer's check must run
 * every one of them, otherwise the attack would prove nothing about the layer.
 */
import { randomUUID } from "node:crypto";
import path from "node:path";
import { buildAgent, type Cut } from "./agent-build.ts";
import { attempt, isAsNamed, twiceAtMost, type Result, type Wanted } from "./attack.ts";
import type { Layer, LayerAttack, Stand } from "./layer-table.ts";
import { Scene } from "./scene.ts";

export interface LayerReport {
  readonly layer: string;
  readonly attacks: number;
  readonly executed: number;
  /** How many of the attacks run when this layer's check is cut out of the agent. */
  readonly executedWithoutLayer: number;
  /** What the shipped agent answered. */
  readonly results: readonly Result[];
  /** Attacks that did not run without the layer: they prove nothing about it. */
  readonly idle: readonly string[];
  /** Attacks that ran without the layer at the second try only. */
  readonly late: readonly Result[];
}

export interface LayerOptions extends Stand {
  /** Where builds may be put. */
  readonly directory: string;
}

export async function proveAll(table: readonly Layer[], options: LayerOptions): Promise<readonly LayerReport[]> {
  const reports: LayerReport[] = [];
  for (const layer of table) reports.push(await runLayer(layer, options));
  return reports;
}

async function runLayer({ layer, cuts, attacks }: Layer, options: LayerOptions): Promise<LayerReport> {
  const shipped = await runAll({ layer, attacks, isWanted: isAsNamed }, options);
  const without = { ...options, program: await build(options, cuts) };
  const cut = await runAll({ layer: `${layer}, without it`, attacks, isWanted: ran }, without);
  const late = cut.filter(({ firstTry }) => firstTry !== undefined);
  const idle = cut.filter((result) => !ran(result)).map((result) => `${result.name}: ${result.outcome}`);
  const executed = shipped.reduce((sum, result) => sum + result.executed, 0);
  const executedWithoutLayer = cut.length - idle.length;
  return { layer, attacks: attacks.length, executed, executedWithoutLayer, results: shipped, idle, late };
}

/** What is wanted of an agent without the layer. */
function ran({ executed }: Result): boolean {
  return executed > 0;
}

function build({ directory }: LayerOptions, cuts: readonly Cut[]): Promise<string> {
  return buildAgent(path.join(directory, randomUUID()), cuts);
}

interface Round {
  readonly layer: string;
  readonly attacks: readonly LayerAttack[];
  readonly isWanted: Wanted;
}

async function runAll({ layer, attacks, isWanted }: Round, stand: Stand): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { alone } of attacks)
    if (alone !== undefined) results.push({ ...(await twiceAtMost(() => alone(stand), isWanted)), class: layer });
  const shared = attacks.filter(({ run }) => run !== undefined);
  if (shared.length === 0) return results;
  const scene = await Scene.open(stand);
  try {
    for (const { name, rule, run } of shared) {
      if (run === undefined) continue;
      const result = await attempt({ class: layer, name, rule, run }, scene, { isWanted });
      results.push(result);
      // On an agent without the layer the attack ran and spent the challenge.
      if (result.executed > 0) scene.letGoAll();
    }
  } finally {
    await scene.close();
  }
  return results;
}

export function isProven(report: LayerReport): boolean {
  return report.idle.length === 0 && report.results.every(isAsNamed);
}
