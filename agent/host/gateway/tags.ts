/**
 * This host's own short names for the things of its gateway: what they are called may be a secret or a message, so the
 * edge sees a keyed hash. The key is made once for each gateway and never leaves its directory; without it nobody can try
 * out names.
 */
import { createHmac, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { HostError } from "../host-error.ts";
import { readPrivateFile } from "../private-file.ts";

/** What a tag begins with, so that a reader knows what kind of thing it names. */
export const tagPrefixes = {
  session: "s",
  agent: "a",
  job: "j",
  device: "d",
  "device-request": "dr",
  channel: "c",
  sender: "se",
  "sender-request": "cr",
  plugin: "p",
  skill: "sk",
  mcp: "m",
  model: "mo",
  question: "q",
} as const;
export type TagKind = keyof typeof tagPrefixes;

export interface Tags {
  /** `name`: the gateway's own id of the thing. */
  tag(kind: TagKind, name: string): string;
}

const KEY_BYTES = 32;
const FILE = "tags.key";
/** 64 bits: nobody has so many things that two of a kind meet. */
const TAG_CHARACTERS = 16;

/** Opens the key, or makes it. @throws {HostError} when other users could have read it, or it is damaged */
export function openTags(directory: string): Tags {
  const key = readKey(directory);
  return {
    tag(kind, name) {
      const mac = createHmac("sha256", key).update(`${kind}\0${name}`, "utf8").digest("hex");
      return `${tagPrefixes[kind]}-${mac.slice(0, TAG_CHARACTERS)}`;
    },
  };
}

function readKey(directory: string): Buffer {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, FILE);
  const stored = readPrivateFile(path);
  if (stored === undefined) {
    const key = randomBytes(KEY_BYTES);
    writeFileAtomically(path, key.toString("base64url"));
    return key;
  }
  const key = Buffer.from(stored.trim(), "base64url");
  if (key.length === KEY_BYTES) return key;
  throw new HostError(
    "state_damaged",
    `${path} does not hold a key of this program. Delete it; the next start makes a new one, and everything of the gateway gets other short names.`,
  );
}
