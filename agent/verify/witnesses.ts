/** Which hosts have seen the log of a file: cosignatures, verified, of checkpoints that were found to be of the same past. */
import { cosignedBy, witnessStanding, type Cosigned, type OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import type { WitnessStanding } from "../../protocol/checkpoint.ts";
import { WITNESS_SILENT_SECONDS } from "../../protocol/limits.ts";
import type { Room } from "./room.ts";

/** One cosignature, and how much of the log it stands for. */
export interface SeenCosignature extends Cosigned {
  /** Up to this entry: none that happened after the cosignature is covered. */
  readonly covers: number;
}

export interface SeenBy extends WitnessStanding {
  /** By host, what it cosigned last: size, and when by its own clock. */
  readonly cosigned: readonly SeenCosignature[];
  /** Admitted, but beside the edge: they do not count. */
  readonly besideEdge: readonly string[];
}

/** Of every admitted host that cosigned it. */
export async function cosignaturesOf(checkpoint: OpenedCheckpoint, { trust }: Room): Promise<readonly Cosigned[]> {
  const cosigned: Cosigned[] = [];
  for (const { host, cosignKey } of trust.hosts.values()) {
    const at = await cosignedBy(checkpoint, { host, cosignKey });
    if (at !== undefined) cosigned.push({ host, size: checkpoint.size, at });
  }
  return cosigned;
}

/** `now`: the newest entry's time, seconds. */
export function seenBy(cosigned: readonly SeenCosignature[], { trust }: Room, now: number): SeenBy {
  const hosts = [...trust.hosts.values()].map(({ host, colocated }) => ({ id: host, colocated }));
  const covered = cosigned.map(({ host, at, covers }) => ({ host, at, size: covers }));
  return {
    ...witnessStanding(hosts, covered, { now, silentSeconds: WITNESS_SILENT_SECONDS }),
    cosigned: widestOfEach(cosigned),
    besideEdge: hosts.filter(({ colocated }) => colocated).map(({ id }) => id),
  };
}

function widestOfEach(cosigned: readonly SeenCosignature[]): readonly SeenCosignature[] {
  const widest = new Map<string, SeenCosignature>();
  for (const one of cosigned) {
    const held = widest.get(one.host);
    if (held === undefined || held.covers < one.covers || (held.covers === one.covers && held.size < one.size))
      widest.set(one.host, one);
  }
  return [...widest.values()];
}
