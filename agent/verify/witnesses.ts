/** Which hosts have seen the log of a file: cosignatures, verified, of checkpoints that were found to be of the same past. */
import { cosignedBy, witnessStanding, type Cosigned, type OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import type { WitnessStanding } from "../../protocol/checkpoint.ts";
import { WITNESS_SILENT_SECONDS } from "../../protocol/limits.ts";
import type { Room } from "./room.ts";

export interface SeenBy extends WitnessStanding {
  /** By host, what it cosigned last: size, and when by its own clock. */
  readonly cosigned: readonly Cosigned[];
  /** Admitted, but beside the edge: they do not count. */
  readonly besideEdge: readonly string[];
}

export async function seenBy(checkpoints: readonly OpenedCheckpoint[], { trust }: Room, now: number): Promise<SeenBy> {
  const cosigned: Cosigned[] = [];
  for (const checkpoint of checkpoints)
    for (const { host, cosignKey } of trust.hosts.values()) {
      const at = await cosignedBy(checkpoint, { host, cosignKey });
      if (at !== undefined) cosigned.push({ host, size: checkpoint.size, at });
    }
  const hosts = [...trust.hosts.values()].map(({ host, colocated }) => ({ id: host, colocated }));
  return {
    ...witnessStanding(hosts, cosigned, { now, silentSeconds: WITNESS_SILENT_SECONDS }),
    cosigned: newestOfEach(cosigned),
    besideEdge: hosts.filter(({ colocated }) => colocated).map(({ id }) => id),
  };
}

function newestOfEach(cosigned: readonly Cosigned[]): readonly Cosigned[] {
  const newest = new Map<string, Cosigned>();
  for (const one of cosigned) if ((newest.get(one.host)?.size ?? -1) < one.size) newest.set(one.host, one);
  return [...newest.values()];
}
