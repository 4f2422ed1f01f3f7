/** Probes that write a line in somebody's log, or take a moment: once a day, and whenever a person asks. */
import { dirname } from "node:path";
import { GatewayError } from "../../../gateway/faults.ts";
import type { Collector, Setting } from "../../collector.ts";
import type { Fact } from "../../fact.ts";
import { unknown } from "../../fact.ts";
import type { FactName, FactSet } from "../../facts.ts";
import type { Machine } from "../../machine.ts";
import type { GatewayFacts, GatewayRow, SettingsRow } from "../gateway.ts";
import { askGateway, type Ask } from "./ask.ts";
import { guess, hookWithoutToken, withoutSecret } from "./refusals.ts";
import { factOf, type Look } from "./rows.ts";

const gives = [
  "gateway.refusals",
  "gateway.guessing",
  "gateway.hooks",
  "gateway.writable",
  "gateway.native",
] as const satisfies readonly FactName[];

export function slowCollector(ask: Ask = askGateway): Collector {
  return {
    name: "gateway.probes",
    lane: "slow",
    gives,
    after: ["gateway.found", "gateway.settings"],
    collect: (setting) => collect(setting, ask),
  };
}

async function collect({ machine, soFar, kept }: Setting, ask: Ask): Promise<FactSet> {
  const found = soFar["gateway.found"];
  if (found?.kind !== "known") {
    const { why, source } = found ?? { why: "failed" as const, source: "gateway.found" };
    return Object.fromEntries(gives.map((name) => [name, unknown(why, source)]));
  }
  const settings = soFar["gateway.settings"];
  const scene = { machine, ask, rows: found.value, settings: settings?.kind === "known" ? settings.value : [] };
  // One after the other: what is timed must not wait behind what is not.
  const refusals = await refusalsFact(scene);
  const guessing = await guessingFact(scene);
  const [hooks, writable] = await Promise.all([hooksFact(scene), writableFact(scene)]);
  return {
    "gateway.refusals": refusals,
    "gateway.guessing": guessing,
    "gateway.hooks": hooks,
    "gateway.writable": writable,
    "gateway.native": kept?.["gateway.native"] ?? unknown("not_run", DEEP),
  };
}

/** Only a person starts it: see native.ts. */
const DEEP = "openclaw security audit, in a deep look alone: sudo clawhold audit --deep";

interface Scene {
  readonly machine: Machine;
  readonly ask: Ask;
  readonly rows: readonly GatewayRow[];
  readonly settings: readonly SettingsRow[];
}

type GatewayFact<N extends keyof GatewayFacts> = Fact<GatewayFacts[N]>;

function down({ gateway, port }: GatewayRow): { readonly gap: { why: "gateway_down"; source: string } } {
  return { gap: { why: "gateway_down", source: `nobody listens on port ${String(port)} (${gateway})` } };
}

async function refusalsFact({ machine, ask, rows }: Scene): Promise<GatewayFact<"gateway.refusals">> {
  const looks: Look<GatewayFacts["gateway.refusals"][number]>[] = [];
  for (const row of rows) {
    if (!row.isListening) looks.push(down(row));
    else looks.push({ row: { gateway: row.gateway, ...(await withoutSecret(machine, row.port, ask)) } });
  }
  const seen = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "probed",
    source: "connect and POST /tools/invoke on loopback, without a secret",
    at: machine.now(),
    excerpt: seen.map(({ socket, http }) => `WebSocket: ${socket}, HTTP: ${http}`).join("; "),
  });
}

/** Mistakes that are left to the owner of a machine whose gateway counts loopback, too. */
const LEFT_TO_OWNER = 4;

async function guessingFact({ machine, ask, rows, settings }: Scene): Promise<GatewayFact<"gateway.guessing">> {
  const looks: Look<GatewayFacts["gateway.guessing"][number]>[] = [];
  for (const row of rows) {
    const written = settings.find(({ gateway }) => gateway === row.gateway)?.settings;
    if (!row.isListening) looks.push(down(row));
    else if (written === undefined)
      looks.push({
        gap: { why: machine.isRoot ? "failed" : "not_root", source: `rateLimit of ${row.configurationPath}` },
      });
    else {
      const { exemptsLoopback, maxAttempts } = written.rateLimit;
      const room = exemptsLoopback ? Number.POSITIVE_INFINITY : maxAttempts - LEFT_TO_OWNER;
      const kind = written.authMode === "password" ? "password" : "token";
      looks.push(await guessLook(row, { ask, room, kind }));
    }
  }
  const seen = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "probed",
    source: "connect on loopback with wrong secrets, two at most",
    at: machine.now(),
    excerpt: seen.map(({ answered }) => `refused after ${answered.map(String).join(" ms, ")} ms`).join("; "),
  });
}

async function guessLook(
  { gateway, port }: GatewayRow,
  { ask, room, kind }: { readonly ask: Ask; readonly room: number; readonly kind: "token" | "password" },
): Promise<Look<GatewayFacts["gateway.guessing"][number]>> {
  const source = `wrong secrets on port ${String(port)}`;
  try {
    const guessing = await guess({ port, kind, room }, ask);
    if (guessing === undefined)
      return { gap: { why: "not_run", source: `${source}: too few mistakes are left to its owner` } };
    return { row: { gateway, ...guessing } };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { gap: { why: "failed", source: `${source}: ${error.code}` } };
  }
}

async function hooksFact({ machine, rows, settings }: Scene): Promise<GatewayFact<"gateway.hooks">> {
  const looks = await Promise.all(
    rows.map(async (row): Promise<Look<GatewayFacts["gateway.hooks"][number]>> => {
      const hooks = settings.find(({ gateway }) => gateway === row.gateway)?.settings.hooks;
      if (hooks === undefined) return { gap: { why: "not_root", source: row.configurationPath } };
      if (!hooks.isEnabled) return { rows: [] };
      if (!row.isListening) return down(row);
      return { row: { gateway: row.gateway, verdict: await hookWithoutToken(machine, row.port, hooks.path) } };
    }),
  );
  const seen = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "probed",
    source: "POST to the wake hook on loopback, without its token",
    at: machine.now(),
    excerpt: seen.map(({ verdict }) => verdict).join("; ") || "no hooks are switched on",
  });
}

/**
 * Tried as the gateway's own user and through its own process, whose unit may see a file read-only that is not so elsewhere, or
 * the other way round: its file, and the directory in which another could be put in its place.
 */
async function writableFact({ machine, rows }: Scene): Promise<GatewayFact<"gateway.writable">> {
  const looks = await Promise.all(
    rows.map(async (row): Promise<Look<GatewayFacts["gateway.writable"][number]>> => {
      const { gateway, configurationPath: path, uid, gid, pid } = row;
      if (!machine.isRoot && machine.uid !== uid) return { gap: { why: "not_root", source: path } };
      if (pid === undefined) return down(row);
      const how: string[] = [];
      for (const [what, target] of [
        ["file", path],
        ["directory", dirname(path)],
      ] as const) {
        const as = machine.isRoot ? { as: { uid, gid } } : {};
        const ran = await machine.run([...machine.self, "try", "write", `/proc/${String(pid)}/root${target}`], as);
        const outcome = ran.kind === "ran" ? /^\{"outcome":"(yes|no|unseen)"\}\s*$/.exec(ran.stdout)?.[1] : undefined;
        if (outcome === undefined)
          return { gap: { why: ran.kind === "missing" ? "missing_tool" : "failed", source: `try write ${target}` } };
        if (outcome === "unseen") return { gap: { why: "not_visible", source: `try write ${target}` } };
        if (outcome === "yes") how.push(what);
      }
      return { row: { gateway, path, how } };
    }),
  );
  const seen = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "probed",
    source: "access for writing, tried as the gateway's user",
    at: machine.now(),
    excerpt: seen
      .map(({ path, how }) => `${path}: ${how.length === 0 ? "refused" : `writable (${how.join(", ")})`}`)
      .join("; "),
  });
}
