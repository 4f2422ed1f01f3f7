/** The hands of the machine that this program runs on. */
import { networkInterfaces } from "node:os";
import { Disk } from "./disk.ts";
import { runListed, type Hands } from "./hands.ts";

const ROOT = 0;

export function linuxHands({ uid, self }: { readonly uid: number; readonly self: readonly string[] }): Hands {
  return {
    isRoot: uid === ROOT,
    now: () => Math.floor(Date.now() / 1_000),
    self,
    disk: new Disk(),
    run: runListed,
    addresses: ownAddresses,
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
