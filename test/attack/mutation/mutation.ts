/**
 * The whole of the mutation: the campaign on as many processors as there are, every frame against the warden, and the
 * rules that both left out by construction. Says what it found; the suite decides.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Tally } from "./campaign.ts";
import { runFrames } from "./frames.ts";
import { reachAll } from "./reach.ts";
import type { Share, Sweep } from "./sweep.ts";

export interface MutationReport {
  readonly mutants: number;
  readonly signedAgain: number;
  /** Bytes of honest frames, each flipped once. */
  readonly swept: number;
  readonly executed: number;
  /** Hits of each rule by mutants, and by construction where those were too few. */
  readonly rules: Readonly<Record<string, number>>;
  readonly constructed: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** Frames at the warden cost more than the rules alone: one in twenty. */
const FRAME_SHARE = 20;

interface Work {
  readonly tally: Tally;
  readonly swept: Sweep;
}

function work(share: Share & { readonly mutants: number }): Promise<Work> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: share });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`mutation: a worker ended with ${String(code)}`)));
  });
}

function add(tallies: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const tally of tallies) for (const [rule, hits] of Object.entries(tally)) sum[rule] = (sum[rule] ?? 0) + hits;
  return sum;
}

export async function runMutation(mutants: number, seed: number): Promise<MutationReport> {
  const of = Math.min(availableParallelism(), 4);
  const shares = Array.from({ length: of }, (_, index) =>
    work({ index, of, seed: seed + index, mutants: Math.ceil(mutants / of) }),
  );
  const [works, frames] = await Promise.all([Promise.all(shares), runFrames(Math.ceil(mutants / FRAME_SHARE), seed)]);
  const tallies = works.map(({ tally }) => tally);
  const sweeps = works.map(({ swept }) => swept);
  const rules = add(tallies.map((tally) => tally.rules));
  const { constructed, short } = await reachAll(rules);
  const forged = [...tallies, ...sweeps].flatMap((part) => part.forged);
  const made = tallies.reduce((sum, tally) => sum + tally.mutants, 0);
  const signedAgain = tallies.reduce((sum, tally) => sum + tally.signedAgain, 0);
  return {
    mutants: made + frames.mutants,
    signedAgain,
    swept: sweeps.reduce((sum, { flipped }) => sum + flipped, 0),
    executed: forged.length + frames.executed,
    rules: add([rules, prefixed(frames.rules)]),
    constructed,
    failures: [
      ...forged.map((one) => `a mutant was obeyed: ${one}`),
      ...(frames.executed > 0 ? [`${String(frames.executed)} mutants ran at the warden (seed ${String(seed)})`] : []),
      ...short.map((rule) => `the rule ${rule} was reached too seldom`),
      ...(signedAgain * 2 < made ? [`only ${String(signedAgain)} of ${String(made)} mutants were signed again`] : []),
    ],
  };
}

/** What the warden did with a frame stands apart from the rules. */
function prefixed(rules: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(rules).map(([rule, hits]) => [`warden: ${rule}`, hits]));
}
