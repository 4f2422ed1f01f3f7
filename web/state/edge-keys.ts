/**
 * The keys of the edge, as a page shows them: what the verified log names, beside what the edge says that it holds. Which
 * key is new and which was in force before, the log says and never the edge.
 */
import type { ReadonlySignal } from "@preact/signals";
import { dispatchKeysEver, ledgerKeysEver } from "../../protocol/audit/once-known.ts";
import type { EdgeKeys } from "../../protocol/contracts/edge-keys.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Loadable } from "./backend.ts";

export interface EdgeKeyDesk {
  /** For administrators; everybody else reads the log alone. */
  readonly held: ReadonlySignal<Loadable<EdgeKeys>>;
  load(): Promise<void>;
}

export type KeyJob = keyof EdgeKeys;

export interface KeyStanding {
  readonly named: string;
  /** The edge can sign with it; undefined while nobody can say. */
  readonly isHeld: boolean | undefined;
  /** Held, and never in force: a change can lead to it. */
  readonly waiting: string | undefined;
  /** Held, and in force earlier: somebody may have had reason to replace it, so nothing leads back. */
  readonly former: string | undefined;
}

export function keyStanding(state: TrustState, held: EdgeKeys | undefined, job: KeyJob): KeyStanding {
  const [named = "", ...before] = job === "dispatch" ? dispatchKeysEver(state) : ledgerKeysEver(state);
  const others = (held?.[job] ?? []).filter((key) => key !== named);
  return {
    named,
    isHeld: held?.[job].includes(named),
    waiting: others.find((key) => !before.includes(key)),
    former: others.find((key) => before.includes(key)),
  };
}
