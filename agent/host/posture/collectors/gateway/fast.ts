/** What can be said of every gateway within a minute: who listens, what is written, what it made of it, what it answers on. */
import { createHash } from "node:crypto";
import type { ListeningSocket } from "../../../gateway/listening.ts";
import { advisoriesIn, affecting, type KnownAdvisories } from "../../advisories/known.ts";
import type { Advisory } from "../../advisories/format.ts";
import type { Collector, Setting } from "../../collector.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { FactName, FactSet } from "../../facts.ts";
import type { Machine } from "../../machine.ts";
import type {
  AppliedRow,
  GatewayFacts,
  GatewayRow,
  ListenerRow,
  ReachRow,
  SettingsRow,
  VersionRow,
} from "../gateway.ts";
import { readTable } from "../asked-once.ts";
import { askApplied, askGateway, type Ask } from "./ask.ts";
import { findGateways, socketsOf, type FoundGateway } from "./find.ts";
import { factOf, type Gap, type Look } from "./rows.ts";
import { projectSettings } from "./settings.ts";
import { strengthOf } from "./secret.ts";
import { listeningSockets, ownAddresses } from "./sockets.ts";
import { versionsOf } from "./kept-versions.ts";
import { installedVersion } from "./version.ts";

/** A port of this machine answers at once unless a rule drops the packet. */
const REACH_MILLISECONDS = 400;
const TABLES = "/proc/net/tcp, /proc/net/tcp6";
const MDNS_PORT = "14E9";
/** Half a year: in that time this gateway had hundreds of faults published. */
const OLD_SECONDS = 183 * 86_400;

const gives = [
  "gateway.found",
  "gateway.listeners",
  "gateway.settings",
  "gateway.applied",
  "gateway.version",
  "gateway.reached",
  "gateway.mdns",
  "gateway.versions",
  "advisories.known",
] as const satisfies readonly FactName[];

export function fastCollector(ask: Ask = askGateway): Collector {
  return { name: "gateway", lane: "fast", gives, collect: (setting) => collect(setting, ask) };
}

interface Scene extends Setting {
  readonly at: number;
  readonly sockets: readonly ListeningSocket[];
  readonly gateways: readonly FoundGateway[];
  /** Gateways that are not looked into; whatever is said of the others is not said of them. */
  readonly beyond: readonly { readonly gap: Gap }[];
}

function beyondGap(pid: number): { readonly gap: Gap } {
  return { gap: { why: "contained", source: `a gateway in a container (process ${String(pid)})` } };
}

async function collect(setting: Setting, ask: Ask): Promise<FactSet> {
  const { machine, directory } = setting;
  const at = machine.now();
  const sockets = await listeningSockets(machine);
  const advisories = await advisoriesIn(directory, machine);
  const catalogue = { "advisories.known": knownAdvisories(advisories.summary, at) };
  if (sockets === undefined) return { ...unknownAll("failed", TABLES), ...catalogue };
  const { gateways, contained, unseen, isComplete } = await findGateways(machine, sockets);
  // A user who may not look into others' homes cannot say that there is none.
  if (gateways.length === 0 && !isComplete && !machine.isRoot)
    return { ...unknownAll("not_root", "homes of other users"), ...catalogue };
  const beyond = [...contained.map((pid) => beyondGap(pid)), ...(unseen > 0 ? [unseenGap(unseen)] : [])];
  const scene = { ...setting, at, sockets, gateways, beyond };
  const [applied, reached, mdns] = await Promise.all([appliedFact(scene, ask), reachedFact(scene), mdnsFact(scene)]);
  return {
    ...catalogue,
    "gateway.found": foundFact(scene),
    "gateway.listeners": listenersFact(scene),
    "gateway.settings": settingsFact(scene),
    "gateway.applied": applied,
    "gateway.version": await versionFact(scene, advisories.list, applied),
    "gateway.reached": reached,
    "gateway.mdns": mdns,
    "gateway.versions": await versionsOf(scene, applied),
  };
}

function unknownAll(why: "failed" | "not_root", source: string): FactSet {
  return Object.fromEntries(gives.map((name) => [name, unknown(why, source)]));
}

function knownAdvisories(summary: KnownAdvisories, at: number): Fact<KnownAdvisories> {
  const excerpt = `${String(summary.count)} advisories, the newest of ${summary.asOf}, ${summary.source}`;
  const fact = known(summary, {
    level: "effective",
    source: summary.source,
    at,
    raw: JSON.stringify(summary),
    excerpt,
  });
  const isOld = at - Date.parse(summary.asOf) / 1_000 > OLD_SECONDS;
  return isOld ? { ...fact, gap: { why: "list_old", source: `advisories until ${summary.asOf}` } } : fact;
}

function unseenGap(unseen: number): { readonly gap: Gap } {
  return { gap: { why: "not_visible", source: `${String(unseen)} more gateways than are looked at` } };
}

function foundFact({ gateways, sockets, at, beyond }: Scene): GatewayFact<"gateway.found"> {
  const looks = gateways.map(({ name, user, process, ...one }): Look<GatewayRow> => {
    const isListening = sockets.some(({ port }) => port === one.port);
    return {
      row: {
        gateway: name,
        user: user.name,
        uid: process?.uid ?? one.ownerUid ?? user.uid,
        gid: user.gid,
        home: user.home,
        directory: one.directory,
        configurationPath: one.configurationPath,
        configuration: one.configuration,
        port: one.port,
        isListening,
        ...(process === undefined ? {} : { pid: process.pid }),
      },
    };
  });
  const excerpt = gateways.map(({ name, port }) => `${name}: port ${String(port)}`).join("; ");
  return factOf([...looks, ...beyond], {
    level: "runtime",
    source: "/proc, homes of users",
    at,
    excerpt: excerpt || "none",
  });
}

type GatewayFact<N extends keyof GatewayFacts> = Fact<GatewayFacts[N]>;

function listenersFact({ gateways, sockets, at, beyond }: Scene): GatewayFact<"gateway.listeners"> {
  const looks = gateways.map((gateway): Look<ListenerRow> => {
    const own = ownSockets(gateway, sockets);
    if (own.length === 0)
      return {
        gap: { why: "gateway_down", source: `nobody listens on port ${String(gateway.port)} (${gateway.name})` },
      };
    return {
      rows: own.map(({ address, port, loopback }) => ({ gateway: gateway.name, address, port, loopback })),
    };
  });
  const rows = looks.flatMap((look) => ("rows" in look ? look.rows : []));
  const excerpt = rows.map(({ address, port }) => `${address} port ${String(port)}`).join(", ");
  return factOf([...looks, ...beyond], { level: "runtime", source: TABLES, at, excerpt });
}

/** On its port, and whatever else its process listens on where that can be seen. */
function ownSockets({ port, process }: FoundGateway, sockets: readonly ListeningSocket[]): readonly ListeningSocket[] {
  const held = process?.inodes === undefined ? [] : socketsOf(process, sockets);
  return sockets.filter((socket) => socket.port === port || held.includes(socket));
}

function settingsFact({ gateways, at, machine, beyond }: Scene): GatewayFact<"gateway.settings"> {
  const looks = gateways.map((gateway): Look<SettingsRow> => {
    const { name, tree, text, configuration, configurationPath: path, secret } = gateway;
    const settings = projectSettings(tree);
    if (settings !== undefined && text !== undefined) {
      const strength =
        secret.credential === undefined ? { characters: 0, bits: 0 } : strengthOf(secret.credential.reveal());
      return {
        row: { gateway: name, path, digest: digestOf(text), settings, secret: { source: secret.source, ...strength } },
      };
    }
    // Where another user's process keeps it is not shown to us.
    const isHidden = !machine.isRoot && gateway.process !== undefined && gateway.process.environment === undefined;
    if (configuration === "unreadable" || (configuration === "absent" && isHidden))
      return { gap: { why: machine.isRoot ? "failed" : "not_root", source: path } };
    return { gap: { why: configuration === "absent" ? "not_run" : "malformed", source: path } };
  });
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  const excerpt = rows.map(({ settings: { bind, authMode } }) => `bind ${bind}, auth ${authMode}`).join("; ");
  const source = rows.map(({ path }) => path).join(", ");
  return factOf([...looks, ...beyond], { level: "declared", source, at, excerpt });
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

async function appliedFact(scene: Scene, ask: Ask): Promise<GatewayFact<"gateway.applied">> {
  const { gateways, sockets, kept, at, beyond } = scene;
  const before = kept?.["gateway.applied"];
  const rows = before?.kind === "known" && before.gap === undefined ? before.value : [];
  const looks = await Promise.all(
    gateways.map(async (gateway): Promise<Look<AppliedRow> & { readonly isKept?: true }> => {
      const digest = gateway.text === undefined ? "" : digestOf(gateway.text);
      const pid = gateway.process?.pid ?? 0;
      const same = rows.find((row) => row.gateway === gateway.name && row.digest === digest && row.pid === pid);
      // Asked again only when its file or its process is another: each asking is a line in the gateway's log.
      if (same !== undefined && pid !== 0 && same.applied.isCurrent) return { row: same, isKept: true };
      const answer = await askApplied(gateway, sockets, ask);
      if ("why" in answer) return { gap: answer };
      return { row: { gateway: gateway.name, digest, pid, applied: answer.applied } };
    }),
  );
  if (before !== undefined && beyond.length === 0 && looks.length > 0 && looks.every(({ isKept }) => isKept === true))
    return before;
  const ports = gateways.map(({ port }) => String(port)).join(", ");
  const seen = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  const excerpt = seen
    .map(({ applied: { settings } }) => `bind ${settings.bind}, auth ${settings.authMode}`)
    .join("; ");
  return factOf([...looks, ...beyond], { level: "effective", source: `config.get of 127.0.0.1:${ports}`, at, excerpt });
}

async function versionFact(
  { machine, gateways, at, beyond }: Scene,
  list: readonly Advisory[],
  applied: Fact<readonly AppliedRow[]>,
): Promise<GatewayFact<"gateway.version">> {
  const looks = await Promise.all(
    gateways.map(async (gateway): Promise<Look<VersionRow>> => {
      const runs = applied.kind === "known" ? applied.value.find((row) => row.gateway === gateway.name) : undefined;
      const said = runs?.applied.version;
      const installed =
        (await installedVersion(machine, gateway)) ?? (said === undefined ? undefined : { version: said, path: "" });
      if (installed === undefined)
        return { gap: { why: machine.isRoot ? "not_visible" : "not_root", source: "openclaw/package.json" } };
      return { row: { gateway: gateway.name, ...installed, affecting: affecting(installed.version, list) } };
    }),
  );
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  const excerpt = rows.map(({ version }) => `openclaw ${version}`).join("; ");
  const source = rows.map(({ path }) => path).join(", ");
  return factOf([...looks, ...beyond], { level: "effective", source, at, excerpt });
}

async function reachedFact({ machine, gateways, sockets, at, beyond }: Scene): Promise<GatewayFact<"gateway.reached">> {
  const addresses = await ownAddresses(machine);
  const running = gateways.filter(({ port }) => sockets.some((socket) => socket.port === port));
  const looks = await Promise.all(
    running.flatMap(({ name, port }) =>
      addresses.map(async (address): Promise<Look<ReachRow>> => {
        const { outcome } = await machine.tcp(address, port, { milliseconds: REACH_MILLISECONDS });
        return { row: { gateway: name, address, port, outcome } };
      }),
    ),
  );
  const down = gateways
    .filter((gateway) => !running.includes(gateway))
    .map(({ name, port }): Look<ReachRow> => ({
      gap: { why: "gateway_down", source: `nobody listens on port ${String(port)} (${name})` },
    }));
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  const excerpt = rows.map(({ address, port, outcome }) => `${address} port ${String(port)}: ${outcome}`).join(", ");
  return factOf([...looks, ...down, ...beyond], {
    level: "probed",
    source: "TCP connections to this machine's own addresses",
    at,
    excerpt: excerpt || "this machine has no address but loopback",
  });
}

async function mdnsFact({ machine, gateways, at, beyond }: Scene): Promise<GatewayFact<"gateway.mdns">> {
  const inodes = await mdnsSockets(machine);
  const looks = gateways.map(({ name, process }): Look<GatewayFacts["gateway.mdns"][number]> => {
    if (process === undefined) return { gap: { why: "gateway_down", source: `no process of the gateway of ${name}` } };
    const own = process.inodes;
    if (own === undefined) return { gap: { why: "not_root", source: `/proc/${String(process.pid)}/fd` } };
    return { row: { gateway: name, sockets: inodes.filter((inode) => own.has(inode)).length } };
  });
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  const excerpt = rows.map(({ gateway, sockets }) => `${gateway}: ${String(sockets)} sockets on UDP 5353`).join("; ");
  return factOf([...looks, ...beyond], { level: "runtime", source: "/proc/net/udp, /proc/net/udp6", at, excerpt });
}

async function mdnsSockets(machine: Machine): Promise<readonly string[]> {
  const tables = await Promise.all(["/proc/net/udp", "/proc/net/udp6"].map((path) => readTable(machine, path)));
  return tables.flatMap((table) =>
    (table.kind === "text" ? table.text.split("\n").slice(1) : []).flatMap((line) => {
      const columns = line.trim().split(/\s+/);
      return columns[1]?.endsWith(`:${MDNS_PORT}`) === true ? [columns[9] ?? ""] : [];
    }),
  );
}
