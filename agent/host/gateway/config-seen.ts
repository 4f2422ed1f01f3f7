/**
 * Everything that is known of a gateway's configuration before it is changed: how the gateway shows it, the file itself
 * where this agent may read it and it is the same one, and the process that runs with it.
 */
import { REDACTED, type Tree } from "./config-edit.ts";
import { parseConfigText, readConfigFile } from "./config-file.ts";
import { readSnapshot, type ConfigSnapshot } from "./config-snapshot.ts";
import { differences } from "./config-edit.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import type { GatewayTools } from "./operations/implementation.ts";
import { findGateway } from "./supervision.ts";
import { isFields } from "./wire.ts";
import type { VersionContent } from "./versions-file.ts";

/** How a reference to a secret is spelt. */
const REFERENCE = new Set(["source", "provider", "id"]);

export interface SeenConfig {
  readonly snapshot: ConfigSnapshot;
  readonly bootId: string | undefined;
  readonly version: string | undefined;
  /** Only when it says what the gateway shows: there may be another gateway's file in its place. */
  readonly file: { readonly path: string; readonly text: string; readonly tree: Tree } | undefined;
  readonly process: GatewayProcess | undefined;
}

/** @throws {GatewayError} */
export async function seeConfiguration(tools: GatewayTools): Promise<SeenConfig> {
  const connection = await tools.open("operator.admin");
  try {
    const snapshot = await readSnapshot(connection);
    const file = await ownFile(tools.place?.configPath, snapshot);
    const { bootId, version } = connection.hello;
    return { snapshot, bootId, version, file, process: await findGateway(tools) };
  } finally {
    connection.close();
  }
}

async function ownFile(path: string | undefined, { tree: shown }: ConfigSnapshot): Promise<SeenConfig["file"]> {
  const text = path === undefined ? undefined : await readConfigFile(path);
  if (path === undefined || text === undefined) return undefined;
  const tree = parseConfigText(text);
  return isFields(tree) && fits(tree, shown) ? { path, text, tree } : undefined;
}

/** Whether what is there is what was wanted, as far as the gateway shows it. */
export function fits(wanted: Tree, shown: Tree): boolean {
  if (shown === REDACTED) return isSecret(wanted);
  if (Array.isArray(wanted) && Array.isArray(shown))
    return wanted.length === shown.length && wanted.every((item, at) => fits(item, shown[at]));
  if (isFields(wanted) && isFields(shown)) {
    const names = Object.keys(wanted);
    return names.length === Object.keys(shown).length && names.every((name) => fits(wanted[name], shown[name]));
  }
  return wanted === shown;
}

/** One value, or the words by which the gateway finds one elsewhere: a placeholder for more would hide a branch. */
function isSecret(wanted: Tree): boolean {
  if (!isFields(wanted)) return ["string", "number", "boolean"].includes(typeof wanted);
  const isNamed = ["source", "id"].every((name) => Object.hasOwn(wanted, name));
  return isNamed && Object.entries(wanted).every(([name, word]) => REFERENCE.has(name) && typeof word === "string");
}

/** The tree to compare and to change: the file's own where it is known, since then also secrets can be told apart. */
export function treeOf({ file, snapshot }: SeenConfig): Tree {
  return file?.tree ?? snapshot.tree;
}

export function contentOf({ file, snapshot }: SeenConfig): VersionContent {
  return { tree: snapshot.tree, ...(file === undefined ? {} : { text: file.text }) };
}

/** The gateway's own stamp (which version wrote the file) is nobody's change. */
export function changedPaths(before: Tree, after: Tree): readonly string[] {
  return differences(before, after)
    .map(({ path }) => path)
    .filter((path) => path !== "meta" && !path.startsWith("meta."));
}
