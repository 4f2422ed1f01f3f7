/**
 * What an installation made on this machine, written down before each thing is made: after a crash anywhere, a removal still
 * knows it all, and knows of a user that was here before that it is not ours.
 */
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { hostLayout, type HostLayout } from "../host/units/layout.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { systemCode } from "../shared/edge-error.ts";
import { InstallError } from "./install-error.ts";

const manifestSchema = v.strictObject({
  v: v.literal(1),
  users: v.array(v.string()),
  /** Outside the directory that this file is in. What was there before is not ours, and is not in it. */
  directories: v.array(v.string()),
  /** Files outside our own directories, absolute. */
  files: v.array(v.string()),
  /** For whom the units were written. */
  place: v.optional(
    v.strictObject({
      node: v.string(),
      gatewayPort: v.number(),
      gatewayHome: v.string(),
    }),
  ),
  /** Names what runs: release, units and Node. Absent until it was started. */
  started: v.optional(v.string()),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;

const EMPTY: Manifest = { v: 1, users: [], directories: [], files: [] };

interface Thing {
  readonly user?: string;
  readonly directory?: string;
  readonly file?: string;
  readonly started?: string | undefined;
  readonly place?: Place;
}

export type Place = NonNullable<Manifest["place"]>;

/** The layout of the host that is installed here. */
export function installedLayout(root?: string): HostLayout {
  const base = root === undefined ? {} : { root };
  return hostLayout({ ...base, ...readManifest(hostLayout(base))?.place });
}

export function manifestPath({ data }: HostLayout): string {
  return `${data}/installed.json`;
}

/** Undefined where nothing was installed. */
export function readManifest(layout: HostLayout): Manifest | undefined {
  const path = manifestPath(layout);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const read = v.safeParse(manifestSchema, parseJson(text));
  if (read.success) return read.output;
  throw new InstallError("release_damaged", `${path} is not what this program wrote. Restore it from a backup.`);
}

/** Notes a thing that is about to be made, or what was started. */
export function note(layout: HostLayout, thing: Thing): void {
  const known = readManifest(layout) ?? EMPTY;
  const { started } = "started" in thing ? thing : known;
  const place = thing.place ?? known.place;
  mkdirSync(layout.data, { recursive: true });
  chmodSync(layout.data, 0o711);
  const next: Manifest = {
    v: 1,
    users: withOne(known.users, thing.user),
    directories: withOne(known.directories, thing.directory),
    files: withOne(known.files, thing.file),
    ...(place === undefined ? {} : { place }),
    ...(started === undefined ? {} : { started }),
  };
  writeFileAtomically(manifestPath(layout), `${JSON.stringify(next)}\n`);
}

function withOne(list: readonly string[], one: string | undefined): string[] {
  return one === undefined || list.includes(one) ? [...list] : [...list, one];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
