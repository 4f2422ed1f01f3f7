/** A collector looks at one part of a machine and gives facts. It judges nothing, and never rejects for what it finds. */
import type { ScanLane } from "../../../protocol/posture/words.ts";
import type { FactName, FactSet } from "./facts.ts";
import type { Machine } from "./machine.ts";

export interface Setting {
  readonly machine: Machine;
  /** Facts that earlier collectors gave, for one that needs them (`after`). */
  readonly soFar: FactSet;
  /** What an earlier scan saw: for one that need not look again where nothing moved. */
  readonly kept?: FactSet;
  /** Somebody waits for it: no walk over all files. */
  readonly isBrief?: boolean;
  /** State directory of posture (baselines); undefined without an installation. */
  readonly directory: string | undefined;
}

export interface Collector {
  readonly name: string;
  readonly lane: ScanLane;
  readonly gives: readonly FactName[];
  /** Names of facts that must have been tried before. */
  readonly after?: readonly FactName[];
  collect(setting: Setting): Promise<FactSet>;
}
