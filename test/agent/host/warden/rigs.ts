/** Rigs of one test file: welcomed when they are opened, and after each test without a fault and closed. */
import { afterEach, expect } from "vitest";
import { Rig, type RigOptions } from "./rig.ts";

interface Rigs {
  readonly rig: (options?: RigOptions) => Promise<Rig>;
  /** By the next process over the same files. */
  readonly replace: (next: Rig) => void;
}

export function useRigs(): Rigs {
  const rigs: Rig[] = [];
  afterEach(async () => {
    for (const made of rigs.splice(0)) {
      expect(made.faults).toEqual([]);
      await made.close();
    }
  });
  return {
    rig: async (options = {}) => {
      const made = await Rig.open(options);
      rigs.push(made);
      await made.welcome();
      return made;
    },
    replace: (next) => void rigs.splice(0, 1, next),
  };
}
