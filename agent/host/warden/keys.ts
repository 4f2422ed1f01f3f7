/**
 * The host's two signing keys: the host key (hello, prepared, receipts, trust-ack) and the cosignature key. Their seeds
 * lie in one file that only the warden's user can read. Nothing here hands out a seed.
 */
import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { fixedBytes } from "../../../protocol/fields.ts";
import type { NoteSigner } from "../../../protocol/note.ts";
import type { Signer } from "../../../protocol/signing.ts";
import { hostIdOf } from "../../../protocol/words.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { noteSignerOf, signerOf } from "../../shared/signer.ts";
import { HostError } from "../host-error.ts";
import { readPrivateFile } from "../private-file.ts";

export interface HostKeys {
  /** Follows from the host key. */
  readonly host: string;
  readonly hostKey: Signer;
  /** Cosigns checkpoints and nothing else. */
  readonly cosignKey: NoteSigner;
}

const SEED_BYTES = 32;
const keysSchema = v.strictObject({
  v: v.literal(1),
  hostSeed: fixedBytes(SEED_BYTES),
  cosignSeed: fixedBytes(SEED_BYTES),
});

/** The keys of this host; undefined before the first join. */
export function readHostKeys(path: string): HostKeys | undefined {
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  let stored: v.InferOutput<typeof keysSchema>;
  try {
    stored = v.parse(keysSchema, JSON.parse(text));
  } catch {
    // The cause is dropped: a parser's message may quote the seed it stumbled over.
    throw new HostError(
      "state_damaged",
      `${path} does not hold this host's keys any more. Restore it from a backup, or type clawhold trust reset and join this machine anew.`,
    );
  }
  return keysOf(stored.hostSeed, stored.cosignSeed);
}

/** Makes keys on first use. A key that exists is never replaced: its id is what people admitted. */
export function openHostKeys(path: string): HostKeys {
  const existing = readHostKeys(path);
  if (existing !== undefined) return existing;
  const hostSeed = toBase64url(randomBytes(SEED_BYTES));
  const cosignSeed = toBase64url(randomBytes(SEED_BYTES));
  writeFileAtomically(path, `${JSON.stringify({ v: 1, hostSeed, cosignSeed })}\n`);
  return keysOf(hostSeed, cosignSeed);
}

function keysOf(hostSeed: string, cosignSeed: string): HostKeys {
  const hostKey = signerOf(fromBase64url(hostSeed));
  return { host: hostIdOf(hostKey.publicKey), hostKey, cosignKey: noteSignerOf(fromBase64url(cosignSeed)) };
}
