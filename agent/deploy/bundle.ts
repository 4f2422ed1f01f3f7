/**
 * What is uploaded: the Worker as it was built for the local edge too, the dashboard's files with the very headers that the
 * local front gives them, the database's migrations, and what wrangler.toml binds. Wrangler reads its own file. Sends nothing.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import * as v from "valibot";
import { SECURITY_HEADERS } from "../edge/headers.ts";
import { readReleaseFiles } from "../edge/release-files.ts";
import { readStaticFiles } from "../edge/static-files.ts";
import { systemCode } from "../shared/edge-error.ts";
import { DeployError } from "./deploy-error.ts";

export interface Asset {
  /** 32 hex digits. */
  readonly hash: string;
  readonly bytes: Uint8Array;
  readonly type: string;
}

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export interface Objects {
  readonly bindings: readonly { readonly name: string; readonly className: string }[];
  readonly migrations: readonly { readonly tag: string; readonly classes: readonly string[] }[];
}

export interface Bundle {
  readonly worker: Uint8Array;
  /** By path, `/index.html`. */
  readonly assets: ReadonlyMap<string, Asset>;
  /** Text of a `_headers` file. */
  readonly headers: string;
  readonly migrations: readonly Migration[];
  readonly objects: Objects;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

export interface BundlePlaces {
  /** Of the build. */
  readonly dist: string;
  readonly wranglerConfig: string;
}

/** Where nothing is uploaded. */
export const NO_BUNDLE: Bundle = {
  worker: new Uint8Array(),
  assets: new Map(),
  headers: "",
  migrations: [],
  objects: { bindings: [], migrations: [] },
  compatibilityDate: "",
  compatibilityFlags: [],
};

const migrationsSchema = v.array(
  v.strictObject({ name: v.pipe(v.string(), v.regex(/^\d{4}_[\w-]+\.sql$/)), sql: v.string() }),
);
const wranglerSchema = v.object({
  compatibility_date: v.pipe(v.string(), v.isoDate()),
  compatibility_flags: v.array(v.string()),
  durable_objects: v.object({ bindings: v.array(v.object({ name: v.string(), class_name: v.string() })) }),
  // Closed: a kind of migration that we would not send must not be left out in silence.
  migrations: v.array(v.strictObject({ tag: v.string(), new_sqlite_classes: v.array(v.string()) })),
});

/** @throws {DeployError} `bundle_unusable` */
export async function readBundle({ dist, wranglerConfig }: BundlePlaces): Promise<Bundle> {
  const { unstable_readConfig } = await import("wrangler");
  const read = v.safeParse(wranglerSchema, unstable_readConfig({ config: wranglerConfig }, { hideWarnings: true }));
  if (!read.success)
    throw unusable(`${wranglerConfig}: ${v.getDotPath(read.issues[0]) ?? "unknown"} is not as expected`);
  const migrations = v.safeParse(migrationsSchema, JSON.parse(readText(join(dist, "migrations.json"))));
  if (!migrations.success) throw unusable("migrations.json is not as expected");
  const { compatibility_date, compatibility_flags, durable_objects, migrations: steps } = read.output;
  const files = readStaticFiles(join(dist, "web"));
  const releases = readReleaseFiles(join(dist, "install"));
  return {
    worker: readFileSync(join(dist, "worker.js")),
    assets: new Map([
      ...[...files].map(([path, { bytes, headers }]) => [path, assetOf(path, bytes, headers["content-type"])] as const),
      ...[...releases].map(([path, bytes]) => [path, assetOf(path, bytes)] as const),
    ]),
    headers: headersText(
      [...files].map(([path, { headers }]) => ({ path, cache: headers["cache-control"] ?? "no-cache" })),
    ),
    migrations: migrations.output,
    objects: {
      bindings: durable_objects.bindings.map(({ name, class_name: className }) => ({ name, className })),
      migrations: steps.map(({ tag, new_sqlite_classes: classes }) => ({ tag, classes })),
    },
    compatibilityDate: compatibility_date,
    compatibilityFlags: compatibility_flags,
  };
}

/** The name's ending is in it, because the same bytes under another one are served as another type. */
function assetOf(path: string, bytes: Uint8Array, type = "application/octet-stream"): Asset {
  const hash = createHash("sha256").update(Buffer.from(bytes).toString("base64")).update(extname(path).slice(1));
  return { hash: hash.digest("hex").slice(0, 32), bytes, type };
}

/** Two years, as the Worker's own answers say it: for the name of the dashboard alone, never for the zone's other names. */
export const STRICT_TRANSPORT = "max-age=63072000";
/** Cloudflare reads so many rules of such a file. */
const MAX_HEADER_RULES = 100;

export function headersText(files: readonly { readonly path: string; readonly cache: string }[]): string {
  const all = Object.entries({ ...SECURITY_HEADERS, "strict-transport-security": STRICT_TRANSPORT });
  const rules = [
    ["/*", ...all.map(([name, value]) => `  ${name}: ${value}`)],
    ...files.map(({ path, cache }) => [path, `  cache-control: ${cache}`]),
  ];
  if (rules.length > MAX_HEADER_RULES) throw unusable(`the dashboard has more than ${MAX_HEADER_RULES - 1} files`);
  return `${rules.flat().join("\n")}\n`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unusable(`${path} cannot be read (${systemCode(error) ?? "unknown"})`);
  }
}

function unusable(why: string): DeployError {
  return new DeployError(
    "bundle_unusable",
    `What was built cannot be uploaded: ${why}. Build it again: node agent/build.mjs`,
  );
}
