/** From what is wanted to the plan that a person signs, and the work behind it. Both are made anew before anything is done. */
import { utf8 } from "../../../protocol/bytes.ts";
import { planSchema, type Plan, type PlanStep } from "../../../protocol/posture/plan.ts";
import { fixRisks, type FixRisk } from "../../../protocol/posture/words.ts";
import { checks as catalogue, type CheckId } from "../../../protocol/posture.ts";
import { digestOf } from "../../../protocol/signing.ts";
import * as v from "valibot";
import type { Wanted } from "../posture/door.ts";
import { differenceOf, type Difference } from "./difference.ts";
import { sorted } from "./effects.ts";
import type { Proof } from "./proofs.ts";
import { blocked, type Part, type Setting, type Stage, type Waiting } from "./remedy.ts";
import type { Survey } from "./survey.ts";
import { profileChecks, remedies } from "./table.ts";

/** Taken back after so long unless it is proven. */
export const DEAD_MAN_SECONDS = 60;
const MAX_NOTES = 12;
const MAX_TEXT = 300;

export interface Work {
  readonly plan: Plan;
  /** What a signature pins: everything that is done, without the notes about the moment. */
  readonly subject: string;
  readonly packages: readonly string[];
  readonly opening: Stage;
  /** What is taken away once somebody signed in over the new way. */
  readonly closing: Stage;
  readonly proofs: readonly Proof[];
  readonly closingProofs: readonly Proof[];
  readonly waitsFor: Waiting | undefined;
  /** Taken back after so long unless it is proven. */
  readonly deadManSeconds: number;
}

export function workFor(wanted: Wanted, survey: Survey): Work {
  const parts =
    wanted.kind === "check"
      ? [partOf(wanted.check, { options: wanted.options, survey, isProfile: false })]
      : partsOf(wanted.profile, survey);
  return compose(parts, { survey, isProfile: wanted.kind === "profile" });
}

interface Named extends Part {
  readonly check: CheckId;
}

function partOf(check: CheckId, setting: Omit<Setting, "check">): Named {
  const { survey } = setting;
  const part = remedies[check]?.({ check, ...setting }) ?? blocked("no_remedy");
  const needsSystemd = catalogue[check].fix === "lockout" && !survey.hasSystemd;
  return { check, ...(needsSystemd ? blocked("no_systemd", NO_SYSTEMD) : part) };
}

const NO_SYSTEMD =
  "This can lock you out, and without systemd nothing would take it back while you are out. Nothing is changed.";

function partsOf(
  { movePort, options }: Extract<Wanted, { kind: "profile" }>["profile"],
  survey: Survey,
): readonly Named[] {
  const chosen = profileChecks.filter((check) => movePort || check !== "ssh.port.nonstandard");
  const { sshPort, ...rest } = options;
  const all = movePort ? { ...rest, sshPort: sshPort ?? ("random" as const) } : rest;
  return chosen.map((check) => partOf(check, { options: all, survey, isProfile: true }));
}

interface Compared {
  readonly part: Named;
  readonly opening: Difference;
  readonly closing: Difference;
  /** Why it is not done. */
  readonly why: string | undefined;
  readonly notes: readonly string[];
}

interface Composing {
  readonly survey: Survey;
  readonly isProfile: boolean;
}

function compose(parts: readonly Named[], { survey, isProfile }: Composing): Work {
  const compared = parts.map((part) => compareParts(part, survey));
  const changing = compared.filter(
    ({ why, opening, closing }) => why === undefined && opening.steps.length + closing.steps.length > 0,
  );
  const opening = together(changing.map((one) => one.opening));
  const closing = together(changing.map((one) => one.closing));
  const packages = [...new Set(changing.flatMap(({ part }) => part.packages ?? []))];
  const waits = changing.flatMap(({ part }) => part.waitsFor ?? []);
  const seconds = Math.max(DEAD_MAN_SECONDS, ...changing.map(({ part }) => part.deadManSeconds ?? 0));
  const plan = planOf({
    seconds,
    compared,
    changing,
    isProfile,
    steps: [...packageSteps(packages), ...opening.steps, ...closing.steps],
  });
  return {
    plan,
    subject: subjectOf(plan),
    packages,
    opening,
    closing,
    proofs: merged(changing.flatMap(({ part }) => part.proofs)),
    closingProofs: merged(changing.flatMap(({ part }) => part.closingProofs ?? [])),
    deadManSeconds: seconds,
    waitsFor: waits.length === 0 ? undefined : Object.assign({}, ...waits),
  };
}

function compareParts(part: Named, { disk }: Survey): Compared {
  const opening = differenceOf(part, disk);
  const closing = differenceOf(part.closing ?? empty, disk);
  const refused = part.blocked === undefined ? (opening.refused ?? closing.refused) : undefined;
  const notes = [...(part.notes ?? []), ...(refused === undefined ? [] : [refused.note])];
  return { part, opening, closing, why: part.blocked ?? refused?.code, notes };
}

interface Planning {
  readonly seconds: number;
  readonly compared: readonly Compared[];
  readonly changing: readonly Compared[];
  readonly isProfile: boolean;
  readonly steps: readonly PlanStep[];
}

function planOf({ seconds, compared, changing, isProfile, steps }: Planning): Plan {
  const involved = changing.length > 0 && isProfile ? changing : compared;
  const why = isProfile ? undefined : compared[0]?.why;
  const left = isProfile ? compared.filter((one) => one.why !== undefined) : [];
  const risk = highest(involved.map(({ part }) => part.risk ?? catalogue[part.check].fix));
  const notes = [
    ...changing.flatMap((one) => one.notes),
    ...left.map((one) => `Left out: ${one.part.check} (${String(one.why)}). ${one.notes.join(" ")}`),
    ...(isProfile ? [] : compared.filter((one) => !changing.includes(one)).flatMap((one) => one.notes)),
  ];
  const proof = [...new Set(changing.map(({ part }) => part.proof))].join(" ");
  return v.parse(planSchema, {
    v: 1,
    checks: involved.map(({ part }) => part.check),
    risk,
    steps: why === undefined ? steps : [],
    proof: cut(proof === "" ? "Nothing is changed." : proof),
    ...((risk === "lockout" || seconds > DEAD_MAN_SECONDS) && why === undefined && steps.length > 0
      ? { deadManSeconds: seconds }
      : {}),
    notes: notes.slice(0, MAX_NOTES).map(cut),
    ...(why === undefined ? {} : { blocked: why }),
  });
}

const empty: Stage = { desired: [], deeds: [], effects: [] };

function together(differences: readonly Difference[]): Difference {
  return {
    steps: differences.flatMap(({ steps }) => steps).filter(isFirst),
    desired: differences.flatMap(({ desired }) => desired).filter(isFirst),
    deeds: differences.flatMap(({ deeds }) => deeds).filter(isFirst),
    effects: sorted(differences.flatMap(({ effects }) => effects)),
    refused: undefined,
  };
}

/** sshd is asked once for each user and address, whatever many remedies want of it. */
function merged(proofs: readonly Proof[]): readonly Proof[] {
  const asked = new Map<string, Extract<Proof, { kind: "sshd-says" }>>();
  for (const proof of proofs) {
    if (proof.kind !== "sshd-says") continue;
    const name = `${proof.user} ${proof.from}`;
    asked.set(name, { ...proof, settings: { ...asked.get(name)?.settings, ...proof.settings } });
  }
  return [...asked.values(), ...proofs.filter(({ kind }) => kind !== "sshd-says").filter(isFirst)];
}

/** Remedies of one profile may want the same thing, e.g. one reload. */
function isFirst(one: unknown, index: number, all: readonly unknown[]): boolean {
  const text = JSON.stringify(one);
  return all.findIndex((other) => JSON.stringify(other) === text) === index;
}

function packageSteps(packages: readonly string[]): readonly PlanStep[] {
  return packages.map((name) => ({
    kind: "command" as const,
    argv: [...INSTALL, name],
    why: "the package is missing; taking the fix back does not remove it",
  }));
}

export const INSTALL = ["apt-get", "install", "-y", "--no-install-recommends"] as const;

function highest(risks: readonly FixRisk[]): FixRisk {
  return fixRisks.findLast((risk) => risks.includes(risk)) ?? "none";
}

function subjectOf({ checks, risk, steps, deadManSeconds, blocked: why }: Plan): string {
  return digestOf("subject", utf8(JSON.stringify(["posture", checks, risk, steps, deadManSeconds ?? 0, why ?? ""])));
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}\u2026`;
}
