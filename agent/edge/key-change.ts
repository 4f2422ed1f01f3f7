/**
 * A further signing seed beside the one in force, and the end of the one before. A seed that waits signs nothing until the
 * trust log names its public key; the seed that is named is never removed, so nothing here can lock a host out. Seeds are
 * made and kept here; only public keys leave.
 */
import { randomBytes } from "node:crypto";
import { fromBase64url } from "../../protocol/bytes.ts";
import { EdgeError } from "../shared/edge-error.ts";
import { signerOf } from "../shared/signer.ts";
import type { EdgeLog } from "./edge-log.ts";
import { deriveSettingsKey, readKeys, SEED_BYTES, writeKeys, type EdgeKeys } from "./keys.ts";

export const keyJobs = ["dispatch", "ledger"] as const;
export type KeyJob = (typeof keyJobs)[number];

/** base64url public keys, as the trust log names them. */
export type NamedKeys = Readonly<Record<KeyJob, string>>;

const SEEDS = {
  dispatch: { present: "dispatchSeed", next: "nextDispatchSeed" },
  ledger: { present: "ledgerSeed", next: "nextLedgerSeed" },
} as const satisfies Record<KeyJob, { readonly present: keyof EdgeKeys; readonly next: keyof EdgeKeys }>;

/** `directory`: the directory `keys`, whose lock the caller holds. Gives the public key of the new seed. */
export function addNextSeed(directory: string, job: KeyJob): string {
  const keys = readKeys(directory);
  if (keys === undefined)
    throw new EdgeError(
      "keys_damaged",
      "This data directory has no keys yet, so there is none to change. Start the edge once: clawhold up",
    );
  const waiting = keys[SEEDS[job].next];
  // Perhaps the log names it already: put in its place, another would lock every host out.
  if (waiting !== undefined)
    throw new EdgeError(
      "key_waiting",
      `A ${job} key waits already: ${publicKeyOf(waiting)}. Change to it in the dashboard, under Keys of the edge. If that is done, start clawhold up again: it removes the key before, and then another can be made.`,
    );
  const seed = randomBytes(SEED_BYTES).toString("base64url");
  writeKeys(directory, { ...keys, [SEEDS[job].next]: seed });
  return publicKeyOf(seed);
}

/** True while a change is under way, so that it is worth asking what the log names. */
export function hasNextSeed(keys: EdgeKeys): boolean {
  return keyJobs.some((job) => keys[SEEDS[job].next] !== undefined);
}

/** Where the log names the seed that waited, it takes the place of the one before, which is forgotten. */
export function dropFormerSeeds(directory: string, named: NamedKeys): readonly KeyJob[] {
  const keys = readKeys(directory);
  if (keys === undefined) return [];
  const changed = keyJobs.filter((job) => {
    const next = keys[SEEDS[job].next];
    return next !== undefined && publicKeyOf(next) === named[job];
  });
  if (changed.length === 0) return [];
  // It was derived from the ledger's first seed, and has to outlive it: what it sealed is still sealed.
  const settled: Record<string, unknown> = { ...keys, settingsKey: deriveSettingsKey(keys) };
  for (const job of changed) {
    settled[SEEDS[job].present] = keys[SEEDS[job].next];
    delete settled[SEEDS[job].next];
  }
  writeKeys(directory, settled as unknown as EdgeKeys); // the same members, of which none is missing
  return changed;
}

/** At a start, after the Worker answers. What it cannot learn it leaves as it is: two seeds do no harm. */
export async function settleKeys(
  directory: string,
  { named, log }: { readonly named: () => Promise<NamedKeys | undefined>; readonly log: EdgeLog },
): Promise<void> {
  let names: NamedKeys | undefined;
  try {
    names = await named();
  } catch (error) {
    return log({ level: "warn", code: "keys_unsettled", detail: String(error) });
  }
  if (names === undefined) return;
  for (const job of dropFormerSeeds(directory, names))
    log({ level: "info", code: "key_changed", detail: `the ${job} key before is removed from the data directory` });
}

function publicKeyOf(seed: string): string {
  return signerOf(fromBase64url(seed)).publicKey;
}
