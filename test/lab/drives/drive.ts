/**
 * How a check is driven pass -> fail -> pass by changing the *host*: what nobody can drive, nobody knows to work. One file
 * for each area of the catalogue; test/lab/checks.test.ts drives them all, each area on a machine of its own.
 */
import type { CheckId } from "../../../protocol/posture.ts";
import type { ScanLane } from "../../../protocol/posture/words.ts";
import type { Machine, MachinePlan } from "../machine.ts";
import type { Network } from "../network.ts";
import type { Outside } from "../outside.ts";

export interface Site {
  readonly network: Network;
  /** Running, as root. */
  readonly machine: Machine;
  readonly attacker: Outside;
  /** At the address that is allow-listed where a list is asked for. */
  readonly admin: Outside;
}

export interface Drive {
  readonly check: CheckId;
  /** Needed to see it: `fast` unless said. */
  readonly lane?: ScanLane;
  /** Brings the host to where the check passes, from whatever `fail` and other drives left. Idempotent. */
  mend(site: Site): Promise<unknown>;
  /** Brings it to where the check must fail, in the way that an attacker or an accident would. */
  fail(site: Site): Promise<unknown>;
  /** Something of a shortfall that must be said then. */
  readonly says?: RegExp;
}

export interface Area {
  /** What its machine needs beyond a rented server, e.g. the directories of the gateway. */
  readonly plan?: Pick<MachinePlan, "shown" | "diskMegabytes">;
  /** Once, on the running machine, before the first drive. */
  prepare?(site: Site): Promise<unknown>;
  readonly drives: readonly Drive[];
  /** Checks of this area that cannot be driven in the lab, and why, in a sentence. */
  readonly undriven: Partial<Readonly<Record<CheckId, string>>>;
}
