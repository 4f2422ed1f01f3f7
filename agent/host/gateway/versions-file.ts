/**
 * The versions of a gateway's configuration that this host keeps: a list of who wrote what when, and the whole
 * configuration of each in a file of its own. Both hold secrets of the gateway and stay in the agent's directory, mode
 * 0600. A version's content is written before the list names it, so a crash leaves the list as it was or as it is.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { count, digest, seconds } from "../../../protocol/fields.ts";
import { MAX_PATHS } from "./config-edit.ts";
import { MAX_CONFIGURATION_CHARACTERS } from "./configuration.ts";
import { readKept, writeKept } from "./kept-file.ts";

/** A year of a change a week; the oldest goes first. */
export const MAX_VERSIONS = 50;
/** Whoever changed the configuration without us. */
export const OUTSIDE = "outside";
const MAX_LIST_BYTES = 1_048_576;
/** Two forms of one configuration, escaped as JSON. */
const MAX_CONTENT_BYTES = 4 * MAX_CONFIGURATION_CHARACTERS;

const number = v.pipe(count, v.minValue(1));

const versionSchema = v.strictObject({
  version: number,
  at: seconds,
  /** Random id of whoever wrote it, or `outside`. */
  author: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  intent: v.optional(digest),
  note: v.optional(v.pipe(v.string(), v.maxLength(200))),
  /** Digest of the gateway's own name for it, as intents pin it. */
  hash: digest,
  /** Where it differs from the version before. */
  paths: v.pipe(v.array(v.pipe(v.string(), v.maxLength(200))), v.maxLength(MAX_PATHS)),
});
export type KeptVersion = v.InferOutput<typeof versionSchema>;
export type NewVersion = Omit<KeptVersion, "version">;

const listSchema = v.strictObject({
  v: v.literal(1),
  next: number,
  /** Oldest first. */
  versions: v.pipe(v.array(versionSchema), v.maxLength(MAX_VERSIONS)),
});
type List = v.InferOutput<typeof listSchema>;

/** What the gateway asks of everybody before a command, beside its configuration. */
const execDefaults = v.strictObject({
  security: v.optional(v.string()),
  ask: v.optional(v.string()),
  askFallback: v.optional(v.string()),
});
export type ExecDefaults = v.InferOutput<typeof execDefaults>;

const contentSchema = v.strictObject({
  v: v.literal(1),
  /** As the gateway shows it, with its placeholder for secrets. */
  tree: v.looseObject({}),
  /** The file itself, where this agent may read it: with secrets. */
  text: v.optional(v.pipe(v.string(), v.maxLength(MAX_CONFIGURATION_CHARACTERS))),
  /** Kept where an operation was about to change them. */
  exec: v.optional(execDefaults),
});
export type VersionContent = Omit<v.InferOutput<typeof contentSchema>, "v">;

export class ConfigVersions {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Newest first. @throws {KeptFileError} */
  list(): readonly KeptVersion[] {
    return this.#read().versions.toReversed();
  }

  newest(): KeptVersion | undefined {
    return this.#read().versions.at(-1);
  }

  find(version: number): KeptVersion | undefined {
    return this.#read().versions.find((one) => one.version === version);
  }

  /** The configuration of one version. @throws {KeptFileError} */
  content(version: number): VersionContent | undefined {
    return readKept(this.#contentPath(version), contentSchema, MAX_CONTENT_BYTES);
  }

  /** Keeps one more and lets go of the oldest beyond the limit. @throws {KeptFileError} and what the disk says */
  keep(entry: NewVersion, content: VersionContent): KeptVersion {
    const { next, versions } = this.#read();
    const kept = { version: next, ...entry };
    writeKept(this.#contentPath(next), { v: 1, ...content });
    const all = [...versions, kept].slice(-MAX_VERSIONS);
    writeKept(this.#listPath, { v: 1, next: next + 1, versions: all } satisfies List);
    this.#removeOthers(all);
    return kept;
  }

  /** Says more about a version that is kept. @throws {KeptFileError} and what the disk says */
  amend(version: number, content: VersionContent): void {
    writeKept(this.#contentPath(version), { v: 1, ...content });
  }

  #read(): List {
    return readKept(this.#listPath, listSchema, MAX_LIST_BYTES) ?? { v: 1, next: 1, versions: [] };
  }

  get #listPath(): string {
    return join(this.#directory, "config-versions.json");
  }

  #contentPath(version: number): string {
    return join(this.#directory, `config-version-${String(version)}.json`);
  }

  /** Also what a crash left between content and list. */
  #removeOthers(versions: readonly KeptVersion[]): void {
    const known = new Set(versions.map(({ version }) => `config-version-${String(version)}.json`));
    for (const name of readdirSync(this.#directory)) {
      if (/^config-version-\d+\.json$/.test(name) && !known.has(name)) rmSync(join(this.#directory, name));
    }
  }
}
