/**
 * The configuration as the gateway shows it: its names for what is written and for what runs, and the tree with a
 * placeholder for every secret. The gateway is hostile: what is deeper, larger or of another shape than a configuration
 * is no configuration.
 */
import type { GatewayConnection } from "./client.ts";
import { configDigest } from "./config-digest.ts";
import { MAX_CONFIGURATION_CHARACTERS } from "./configuration.ts";
import { GatewayError } from "./faults.ts";
import { field, isFields } from "./wire.ts";
import type { Fields } from "./wire.ts";

const HASH = /^[0-9A-Za-z:_-]{8,120}$/;
/** The schema of today is 14 deep. */
const MAX_DEPTH = 64;
const MAX_NODES = 100_000;

export interface ConfigSnapshot {
  /** The gateway's name for the file: what a change has to name as its base. */
  readonly baseHash: string;
  /** Digest of its name for what the file says, and of what runs. */
  readonly written: string;
  readonly applied: string;
  readonly isValid: boolean;
  /** As in the file, with a placeholder for every secret. Empty where the file does not parse. */
  readonly tree: Fields;
}

/** The tree alone, which versions show that have no names for it. Empty where the file does not parse. */
export async function readTree(connection: GatewayConnection): Promise<Fields> {
  return treeIn(await connection.call("config.get", {}));
}

function treeIn(answer: unknown): Fields {
  const tree = field(answer, "parsed");
  const shown: Fields = isFields(tree) ? tree : {};
  if (!isBounded(shown)) throw new GatewayError("hostile", "CONFIG_SIZE");
  return shown;
}

/** @throws {GatewayError} `hostile` for an answer that is none */
export async function readSnapshot(connection: GatewayConnection): Promise<ConfigSnapshot> {
  const answer = await connection.call("config.get", {});
  const shown = treeIn(answer);
  return {
    baseHash: hashOf(answer, "hash"),
    written: configDigest(hashOf(answer, "configRevisionHash")),
    applied: configDigest(hashOf(answer, "appliedConfigHash")),
    isValid: field(answer, "valid") === true && isFields(field(answer, "parsed")),
    tree: shown,
  };
}

function hashOf(answer: unknown, name: string): string {
  const hash = field(answer, name);
  if (typeof hash !== "string" || !HASH.test(hash)) throw new GatewayError("hostile", "CONFIG_HASH");
  return hash;
}

/** Breadth first: a tree that is too deep must not exhaust our own stack. */
export function isBounded(tree: unknown): boolean {
  let level: readonly unknown[] = [tree];
  let nodes = 0;
  let characters = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return false;
    nodes += level.length;
    for (const item of level) characters += typeof item === "string" ? item.length : 0;
    if (nodes > MAX_NODES || characters > MAX_CONFIGURATION_CHARACTERS) return false;
    level = level.flatMap((item) => (Array.isArray(item) ? item : isFields(item) ? Object.values(item) : []));
  }
  return true;
}
