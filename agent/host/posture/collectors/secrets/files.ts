/** A gateway's own files: whose they are and who else may read or write them. Whoever reads the state directory is the gateway. */
import { basename, dirname, join } from "node:path";
import type { Collector, Setting } from "../../collector.ts";
import { unknown, type Fact } from "../../fact.ts";
import type { FileFacts, Machine } from "../../machine.ts";
import type { GatewayRow } from "../gateway.ts";
import type { SecretFacts } from "../secrets.ts";
import { factOf, type Look } from "../gateway/rows.ts";

/** `read`, `write`: others can. `owner`: belongs to neither the gateway's user nor root. `link`: leads elsewhere. */
export interface LooseFile {
  readonly path: string;
  /** Octal, as `stat` says it. */
  readonly mode: string;
  readonly why: "read" | "write" | "owner" | "link";
}

const MAX_LOOSE = 12;
const MAX_LOOKED = 400;
const MAX_DEPTH = 3;
const ROOT = 0;
/** Holding secrets or conversations, below the state directory. */
const INSIDE = ["state", "agents", "credentials", "secrets", "identity", "devices", "cron", "logs", ".env"] as const;
const CONFIGURATION = /^openclaw\.json(?:\.bak(?:\.\d+)?|\.last-good)?$/;

export const filesCollector: Collector = {
  name: "secrets.files",
  lane: "fast",
  gives: ["secrets.files"],
  after: ["gateway.found"],
  collect: async ({ machine, soFar }: Setting) => ({
    "secrets.files": await filesFact(machine, soFar["gateway.found"]),
  }),
};

async function filesFact(
  machine: Machine,
  found: Fact<readonly GatewayRow[]> | undefined,
): Promise<Fact<SecretFacts["secrets.files"]>> {
  if (found?.kind !== "known") return unknown(found?.why ?? "failed", "state directories of gateways");
  const looks = await Promise.all(
    found.value.map(async (row): Promise<Look<SecretFacts["secrets.files"][number]>> => {
      const paths = await pathsOf(machine, row);
      const facts = await Promise.all(paths.map(async (path) => ({ path, facts: await machine.look(path) })));
      const seen = facts.flatMap(({ path, facts: one }) => (one === undefined ? [] : [{ path, facts: one }]));
      if (seen.length === 0)
        return { gap: { why: machine.isRoot ? "not_visible" : "not_root", source: row.directory } };
      const loose = looseOf(seen, row);
      // What is inside is closed to us: that its door is closed to others does not tell whose the files are.
      const isBlind = !machine.isRoot && machine.uid !== row.uid;
      if (isBlind && loose.length === 0) return { gap: { why: "not_root", source: row.directory } };
      return { row: { gateway: row.gateway, looked: seen.length, loose } };
    }),
  );
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "runtime",
    source: found.value.map(({ directory }) => directory).join(", "),
    at: machine.now(),
    excerpt: rows
      .flatMap(({ gateway, looked, loose }) => [
        `${gateway}: ${String(looked)} files`,
        ...loose.map(({ path, mode, why }) => `${path} ${mode} (${why})`),
      ])
      .join("; "),
  });
}

/** Wide before deep, and so many at most: whoever owns the directory can make it as large as he likes. */
async function pathsOf(machine: Machine, { directory, configurationPath }: GatewayRow): Promise<readonly string[]> {
  const names = (await machine.list(directory)) ?? [];
  const first = names
    .filter((name) => CONFIGURATION.test(name) || INSIDE.some((one) => one === name))
    .map((name) => join(directory, name));
  const paths = new Set([directory, configurationPath, dirname(configurationPath), ...first]);
  let level = first.filter((path) => !CONFIGURATION.test(basename(path)));
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0 && paths.size < MAX_LOOKED; depth += 1) {
    const next: string[] = [];
    for (const path of level) {
      if (paths.size >= MAX_LOOKED) break;
      if ((await machine.look(path))?.kind !== "directory") continue;
      const inside = ((await machine.list(path)) ?? [])
        .slice(0, MAX_LOOKED - paths.size)
        .map((name) => join(path, name));
      for (const one of inside) paths.add(one);
      next.push(...inside);
    }
    level = next;
  }
  return [...paths];
}

interface SeenFile {
  readonly path: string;
  readonly facts: FileFacts;
}

/** A file inside a directory that others may not enter is closed to them whatever its own mode says. */
function looseOf(seen: readonly SeenFile[], { directory, uid, configurationPath }: GatewayRow): readonly LooseFile[] {
  const closed = new Set(
    seen.filter(({ facts }) => facts.kind === "directory" && (facts.mode & 0o011) === 0).map(({ path }) => path),
  );
  const isClosed = (path: string): boolean => {
    for (let above = dirname(path); above.length > 1; above = dirname(above)) if (closed.has(above)) return true;
    return false;
  };
  return seen
    .flatMap(({ path, facts }): readonly LooseFile[] => {
      const mode = facts.mode.toString(8).padStart(4, "0");
      const isOwn = path === directory || path.startsWith(`${directory}/`) || path === configurationPath;
      if (facts.kind === "socket" || !isOwn) return [];
      if (facts.kind === "link")
        return path === directory || path === configurationPath ? [{ path, mode, why: "link" }] : [];
      if (facts.uid !== uid && facts.uid !== ROOT) return [{ path, mode, why: "owner" }];
      if (isClosed(path)) return [];
      if ((facts.mode & 0o022) !== 0) return [{ path, mode, why: "write" }];
      return (facts.mode & 0o055) === 0 ? [] : [{ path, mode, why: "read" }];
    })
    .slice(0, MAX_LOOSE);
}
