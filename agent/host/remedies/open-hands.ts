/** The hands of the machine that this program runs on. */
import { networkInterfaces } from "node:os";
import { Disk } from "./disk.ts";
import { runListed, type Hands } from "./hands.ts";
import { listRuleset } from "../posture/collectors/network/listing.ts";
import type { Machine } from "../posture/machine.ts";

const PATIENCE_MILLISECONDS = 15_000;

export function linuxHands(machine: Machine): Hands {
  return {
    isRoot: machine.isRoot,
    now: machine.now,
    self: machine.self,
    disk: new Disk(),
    run: runListed,
    addresses: ownAddresses,
    patienceMilliseconds: PATIENCE_MILLISECONDS,
    async rulesDigest() {
      const listed = await listRuleset(machine);
      return listed.kind === "listed" ? listed.digest : undefined;
    },
  };
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address, scopeid }) => !internal && (scopeid ?? 0) === 0 && !address.startsWith("fe80:"))
    .map(({ address }) => address)
    .filter((address) => !address.startsWith("192.0.2."))
    .toSorted();
}
