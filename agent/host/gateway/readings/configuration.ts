/** The configuration: its versions and what drifted, its values without secrets, and what the gateway takes where. */
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import { changedPaths } from "../config-seen.ts";
import { differences, REDACTED, type Difference } from "../config-edit.ts";
import { readConfigFile, parseConfigText } from "../config-file.ts";
import { readSnapshot } from "../config-snapshot.ts";
import { execDifferences, readExecDefaults, readExecRules } from "../exec-defaults.ts";
import { GatewayError } from "../faults.ts";
import { planLockdown } from "../lockdown.ts";
import { ReadingError } from "../reading-error.ts";
import { ConfigVersions } from "../versions-file.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { holdsSecret, leavesOf, visibleSecrets } from "./config-leaves.ts";
import { knownSecrets } from "./redaction.ts";
import { present, text, texts } from "./shown.ts";

type Schema = ReadResult<"content.config-schema@1">;
type Drift = ReadResult<"gateway.config@1">["drift"];

const MAX_VERSIONS = 50;
const MAX_DRIFT = 100;
const MAX_VALUES = 1_000;
const MAX_CHANGES = 64;
const MAX_PATH_CHARACTERS = 200;
const MAX_VALUE_CHARACTERS = 16_384;
const MAX_CHANGE_CHARACTERS = 4_096;
const reloads = ["hot", "restart", "none"] as const;

export async function readConfigState({ acting, deps, now }: Asking): Promise<ReadResult<"gateway.config@1">> {
  const snapshot = await readSnapshot(await acting.connection());
  const versions = new ConfigVersions(deps.directory);
  const list = versions.list().slice(0, MAX_VERSIONS);
  const newest = list[0] === undefined ? undefined : versions.content(list[0].version);
  return {
    at: now,
    valid: snapshot.isValid,
    isApplied: snapshot.written === snapshot.applied,
    hash: snapshot.applied,
    versions: list,
    drift: newest === undefined ? [] : driftOf(newest.tree, snapshot.tree),
  };
}

/** What the gateway itself stamps on its file is nobody's change. */
export function driftOf(before: unknown, now: unknown): Drift {
  const changed = new Set(changedPaths(before, now));
  return differences(before, now)
    .filter(({ path }) => changed.has(path))
    .slice(0, MAX_DRIFT)
    .map(({ path, from, to }) => ({ path: path.slice(0, MAX_PATH_CHARACTERS), how: howOf(from, to) }));
}

function howOf(from: unknown, to: unknown): Drift[number]["how"] {
  if (from === undefined) return "added";
  return to === undefined ? "removed" : "changed";
}

export async function readConfigValues({ acting, now }: Asking): Promise<ReadResult<"content.config@1">> {
  const { tree, applied } = await readSnapshot(await acting.connection());
  const values = leavesOf(tree, MAX_VALUES).map(({ path, value, isSecret }) => ({
    path: path.join(".").slice(0, MAX_PATH_CHARACTERS),
    value: isSecret ? "" : printed(value, MAX_VALUE_CHARACTERS),
    isSecret,
  }));
  return { at: now, hash: applied, values };
}

function printed(value: unknown, characters: number): string {
  return (JSON.stringify(value) ?? "").slice(0, characters);
}

export async function readConfigVersion(
  { acting, deps, now, wide }: Asking,
  args: ReadArgs<"content.config-version@1">,
): Promise<ReadResult<"content.config-version@1">> {
  const versions = new ConfigVersions(deps.directory);
  const content = versions.find(args.version) === undefined ? undefined : versions.content(args.version);
  if (content === undefined) throw new ReadingError("not_found");
  const { tree } = await readSnapshot(await acting.connection());
  const changed = new Set(changedPaths(tree, content.tree));
  const { exec } = content;
  // A rollback writes these too; first in the list, so that nothing pushes them off its end.
  const rules = exec === undefined ? [] : execDifferences(await readExecDefaults(await wide.connection()), exec);
  const all = [...rules, ...differences(tree, content.tree).filter(({ path }) => changed.has(path))];
  return { at: now, changes: all.slice(0, MAX_CHANGES).map(changeOf) };
}

function changeOf({ path, from, to }: Difference): ReadResult<"content.config-version@1">["changes"][number] {
  const segments = path.split(".");
  const isSecret = holdsSecret(segments, from) || holdsSecret(segments, to);
  const shown = (value: unknown): string | undefined =>
    value === undefined || isSecret ? undefined : printed(value, MAX_CHANGE_CHARACTERS);
  return { path: path.slice(0, MAX_PATH_CHARACTERS), isSecret, ...present({ from: shown(from), to: shown(to) }) };
}

export async function readConfigSchema(
  { ask, now }: Asking,
  args: ReadArgs<"content.config-schema@1">,
): Promise<Schema> {
  const found = await lookUp(ask, args.path ?? ".");
  const schema = field(found, "schema");
  const hint = field(found, "hint");
  const children = field(found, "children");
  const kind = field(found, "reloadKind");
  return {
    at: now,
    choices: choicesOf(schema),
    reload: reloads.find((known) => known === kind) ?? "unknown",
    isSecret: field(hint, "sensitive") === true,
    children: (Array.isArray(children) ? children : []).slice(0, 200).flatMap((child: unknown) => childOf(child) ?? []),
    ...present({
      type: typeOf(schema),
      title: text(field(hint, "label"), 200) ?? text(field(schema, "title"), 200),
      help: text(field(hint, "help"), 1_000) ?? text(field(schema, "description"), 1_000),
    }),
  };
}

async function lookUp(ask: Asking["ask"], path: string): Promise<unknown> {
  try {
    return await ask("config.schema.lookup", { path });
  } catch (error) {
    // A path that it does not know is a refusal like any other.
    if (error instanceof GatewayError && error.fault === "refused") throw new ReadingError("not_found");
    throw error;
  }
}

/** A choice between texts is written as a list, or as alternatives of one text each. */
function choicesOf(schema: unknown): string[] {
  const listed = texts(field(schema, "enum"), 200, 64);
  return listed.length > 0
    ? listed
    : texts(
        alternatives(schema).map((one) => field(one, "const")),
        200,
        64,
      );
}

function typeOf(schema: unknown): string | undefined {
  const direct = text(field(schema, "type"), 32);
  if (direct !== undefined) return direct;
  const kinds = new Set(alternatives(schema).flatMap((one) => text(field(one, "type"), 32) ?? []));
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

function alternatives(schema: unknown): readonly unknown[] {
  const any = field(schema, "anyOf") ?? field(schema, "oneOf");
  return Array.isArray(any) ? any.slice(0, 64) : [];
}

function childOf(child: unknown): Schema["children"][number] | undefined {
  const name = text(field(child, "key"), 100);
  if (name === undefined) return undefined;
  const title = text(field(field(child, "hint"), "label"), 200);
  return { name, ...present({ type: text(field(child, "type"), 32), title }) };
}

/** What a lockdown would change, by the very plan that the operation follows. */
export async function readLockdown({ wide, now }: Asking): Promise<ReadResult<"gateway.lockdown@1">> {
  const connection = await wide.connection();
  const { tree } = await readSnapshot(connection);
  const { subject, changes } = planLockdown(tree, await readExecRules(connection));
  return { at: now, subject, changes: [...changes] };
}

/**
 * Values that no text of this gateway may show: what stands unhidden in the configuration, what the file says where the
 * gateway shows a placeholder (where this agent may read it), and the shared secret.
 */
export async function secretsOf({ acting, deps }: Asking): Promise<readonly string[]> {
  const { tree } = await readSnapshot(await acting.connection());
  const { credential } = await deps.target();
  const path = deps.place?.configPath;
  const file = path === undefined ? undefined : await readConfigFile(path);
  const behind = file === undefined ? [] : differences(tree, parseConfigText(file));
  const hidden = behind.flatMap(({ from, to }) => (from === REDACTED && typeof to === "string" ? [to] : []));
  return knownSecrets([...visibleSecrets(tree), ...hidden, ...(credential === undefined ? [] : [credential.reveal()])]);
}
