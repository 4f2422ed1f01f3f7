/** What a stage would change: the difference between what should be there and what is, as steps that a person can read. */
import { dirname } from "node:path";
import type { PlanStep } from "../../../protocol/posture/plan.ts";
import type { Disk, PathState } from "./disk.ts";
import { shown, sorted, type Effect } from "./effects.ts";
import { whose } from "./marked.ts";
import type { Deed, Desired, Stage } from "./remedy.ts";

export interface Difference {
  readonly steps: readonly PlanStep[];
  readonly desired: readonly Desired[];
  readonly deeds: readonly Deed[];
  readonly effects: readonly Effect[];
  /** A path that may not be changed, and why. */
  readonly refused: { readonly code: string; readonly note: string } | undefined;
}

type Verdict = PlanStep | "same" | { readonly code: string; readonly note: string };

const MAX_SHOWN = 8_000;

export function differenceOf({ desired, deeds, effects }: Stage, disk: Disk): Difference {
  const steps: PlanStep[] = [];
  const left: Desired[] = [];
  let refused: Difference["refused"];
  for (const one of desired) {
    const verdict = compare(one, disk);
    if (verdict === "same") continue;
    if ("code" in verdict) refused ??= verdict;
    else {
      steps.push(verdict);
      left.push(one);
    }
  }
  steps.push(...deeds.map(({ argv, why }) => ({ kind: "command" as const, argv: [...argv], why })));
  const isAny = steps.length > 0;
  const follow = isAny ? sorted(effects) : [];
  steps.push(
    ...follow
      .flatMap((effect) => shown(effect) ?? [])
      .map(({ argv, why }) => ({ kind: "command" as const, argv: [...argv], why })),
  );
  return { steps, desired: left, deeds, effects: follow, refused };
}

function compare(desired: Desired, disk: Disk): Verdict {
  const now = disk.state(desired.path);
  switch (desired.kind) {
    case "file":
      return compareFile(desired, now, disk);
    case "absent":
      return compareAbsent(desired.path, now, disk);
    case "link":
      return compareLink(desired, now);
    case "mode":
      return compareMode(desired, now);
  }
}

function compareFile({ path, text, mode }: Extract<Desired, { kind: "file" }>, now: PathState, disk: Disk): Verdict {
  const step = { kind: "file", path, mode, after: cut(text) } as const;
  if (now.kind === "absent") return step;
  if (now.kind !== "file") return { code: "path_in_use", note: `${path} is something else already.` };
  const before = disk.text(path) ?? "";
  if (before === text && now.mode === mode) return "same";
  return refusal(path, before) ?? { ...step, before: cut(before) };
}

function compareAbsent(path: string, now: PathState, disk: Disk): Verdict {
  if (now.kind === "absent") return "same";
  const before = disk.text(path) ?? "";
  return refusal(path, before) ?? { kind: "file", path, mode: now.kind === "file" ? now.mode : 0, before: cut(before) };
}

/** Never somebody else's file, and never one of ours that somebody changed. */
function refusal(path: string, text: string): { code: string; note: string } | undefined {
  const owner = whose(text);
  if (owner === "ours") return undefined;
  return owner === "edited"
    ? { code: "drifted", note: `${path} was made by Clawhold and then changed by hand. Remove it, or keep it.` }
    : { code: "foreign_file", note: `${path} is not of Clawhold and is left alone.` };
}

function compareLink({ path, target }: Extract<Desired, { kind: "link" }>, now: PathState): Verdict {
  if (now.kind === "link" && now.target === target) return "same";
  if (now.kind !== "absent") return { code: "path_in_use", note: `${path} is something else already.` };
  return { kind: "file", path, mode: 0o777, after: `a link to ${target}` };
}

/** Takes rights away, and never gives any. */
function compareMode({ path, mode }: Extract<Desired, { kind: "mode" }>, now: PathState): Verdict {
  if (now.kind !== "file" && now.kind !== "directory") return "same";
  const after = now.mode & mode;
  return after === now.mode ? "same" : { kind: "mode", path, before: octal(now.mode), after: octal(after) };
}

export const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

function cut(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1)}\u2026`;
}

/** Everything that carrying it out may change, directories that are missing first. */
export function touchedPaths(stages: readonly Stage[], disk: Disk): readonly string[] {
  const found = new Set<string>();
  for (const { desired, deeds } of stages) {
    for (const path of [...desired.map((one) => one.path), ...deeds.flatMap(({ touches }) => touches)]) {
      for (const missing of missingAbove(path, disk)) found.add(missing);
      found.add(path);
    }
  }
  return [...found];
}

export function missingAbove(path: string, disk: Disk): readonly string[] {
  const above = dirname(path);
  if (above === path || disk.state(above).kind !== "absent") return [];
  return [...missingAbove(above, disk), above];
}
