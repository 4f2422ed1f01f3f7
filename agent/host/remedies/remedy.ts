/**
 * What a remedy is: from what the machine is like, the things that should be there. It changes nothing itself; the difference to
 * what is there becomes the plan, and the transaction carries it out.
 */
import type { CheckId } from "../../../protocol/posture.ts";
import type { FixOptions } from "../../../protocol/posture/options.ts";
import type { FixRisk } from "../../../protocol/posture/words.ts";
import type { Effect } from "./effects.ts";
import type { Proof } from "./proofs.ts";
import type { Survey } from "./survey.ts";

/** A file of ours (marked, and known again), a link, or rights that are taken away from something that is there. */
export type Desired =
  | { readonly kind: "file"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "absent"; readonly path: string }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number };

/** A change that a program of the system makes by its own command, because the file is its own. */
export interface Deed {
  readonly argv: readonly string[];
  readonly why: string;
  /** What it may change. */
  readonly touches: readonly string[];
  /** The way back when somebody else changed those files since; without it such a rollback is refused. */
  readonly undo?: readonly string[];
}

export interface Stage {
  readonly desired: readonly Desired[];
  readonly deeds: readonly Deed[];
  readonly effects: readonly Effect[];
}

export interface Waiting {
  readonly port?: number;
  readonly from?: readonly string[];
}

/** One remedy's part of a transaction. */
export interface Part extends Stage {
  /** Packages to install before anything is changed. */
  readonly packages?: readonly string[];
  /** What is taken away only once the new way in was used by a person. */
  readonly closing?: Stage;
  readonly closingProofs?: readonly Proof[];
  /** The sign-in that proves it: on this port, from one of these networks. Absent: what answers here is proof enough. */
  readonly waitsFor?: Waiting;
  readonly proofs: readonly Proof[];
  /** Where what was chosen risks more than the check's own fix does. */
  readonly risk?: FixRisk;
  /** Where the usual minute is too short to prove it: taken back after so long. */
  readonly deadManSeconds?: number;
  /** How it is proven, in plain words. */
  readonly proof: string;
  readonly notes?: readonly string[];
  /** Why it cannot be done here. */
  readonly blocked?: string;
}

export interface Setting {
  readonly check: CheckId;
  readonly survey: Survey;
  readonly options: FixOptions;
  /** Other remedies are part of the same transaction. */
  readonly isProfile: boolean;
}

export type Remedy = (setting: Setting) => Part;

export const nothing = { desired: [], deeds: [], effects: [], proofs: [] } as const satisfies Stage &
  Pick<Part, "proofs">;

export function blocked(code: string, ...notes: readonly string[]): Part {
  return { ...nothing, proof: "Nothing is changed.", blocked: code, notes };
}
