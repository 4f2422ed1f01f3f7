/**
 * How a check is driven pass -> fail -> pass by changing the *host*: what nobody can drive, nobody knows to work. One file
 * for each area of the catalogue; test/lab/checks.test.ts drives them all on one server, with a gateway on it, so each leaves
 * behind what it found.
 *
 * A fast drive has its scans for itself. The slow ones of an area share theirs, because each takes seconds: all mended, all
 * failed, all mended. So one that shares says by `says` which shortfall is its own.
 */
import type { CheckId } from "../../../protocol/posture.ts";
import type { ScanLane } from "../../../protocol/posture/words.ts";
import type { Machine } from "../machine.ts";
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
  readonly mend: (site: Site) => Promise<unknown>;
  /** Brings it to where the check must fail, in the way that an attacker or an accident would. */
  readonly fail: (site: Site) => Promise<unknown>;
  /** Something of a shortfall that must be said then. */
  readonly says?: RegExp;
  /** A slow one that cannot share its scans with the others of its area. */
  readonly alone?: true;
  /** A fast one that shares them all the same, because what follows a change takes long. */
  readonly together?: true;
}

export interface Area {
  /** Once, on the running server, before the area's first drive. The gateway of `startGateway` runs as user "openclaw". */
  readonly prepare?: (site: Site) => Promise<unknown>;
  readonly drives: readonly Drive[];
  /** After each round of `mend` or `fail`, e.g. to start again what reads its settings once. */
  readonly settle?: (site: Site) => Promise<unknown>;
  /** After its last drive: what it put on the server that the next area does not expect. */
  readonly leave?: (site: Site) => Promise<unknown>;
  /** Checks of this area that cannot be driven in the lab, and why, in a sentence. */
  readonly undriven: Partial<Readonly<Record<CheckId, string>>>;
}
