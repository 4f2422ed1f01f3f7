/** Doors of this machine behind which the gateway or its files stand. Doors that were looked at and are the same are not knocked at again. */
import type { Collector, Setting } from "../../collector.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { FactSet } from "../../facts.ts";
import type { Machine } from "../../machine.ts";
import type { GatewayFacts, GatewayRow } from "../gateway.ts";
import { carriersOf, tailscaleDoorsIn } from "./carriers.ts";
import { behindPort, lookAtDoor, MAX_DOORS, openDoors, type Door } from "./doors.ts";
import { proxyNames } from "./names.ts";
import { peopleOf } from "./people.ts";
import { listeningSockets } from "./sockets.ts";

export function doorsCollector(): Collector {
  return {
    name: "gateway.doors",
    lane: "fast",
    gives: ["gateway.doors", "gateway.carriers", "gateway.tailscale"],
    after: ["gateway.found"],
    collect,
  };
}

async function collect(setting: Setting): Promise<FactSet> {
  const { machine, soFar } = setting;
  const found = soFar["gateway.found"];
  const gateways = found?.kind === "known" ? found.value : [];
  const [doors, carriers, tailscale] = await Promise.all([
    doorsFact(setting, gateways),
    carriersFact(machine, gateways),
    tailscaleFact(machine, gateways),
  ]);
  return { "gateway.doors": doors, "gateway.carriers": carriers, "gateway.tailscale": tailscale };
}

async function doorsFact(
  { machine, kept }: Setting,
  gateways: readonly GatewayRow[],
): Promise<Fact<GatewayFacts["gateway.doors"]>> {
  const sockets = await listeningSockets(machine);
  if (sockets === undefined) return unknown("failed", "/proc/net/tcp");
  const open = openDoors(sockets);
  const ports = gateways.map(({ port }) => port);
  const inodes = [
    ...open.map(({ inode }) => inode),
    ...gateways.map(({ pid, port }) => `${String(port)}/${String(pid)}`),
  ].toSorted();
  const before = kept?.["gateway.doors"];
  if (before?.kind === "known" && isSame(before.value.inodes, inodes)) return before;
  const behind = (await Promise.all(ports.map((port) => behindPort(machine, port)))).filter((one) => one !== undefined);
  const names = await proxyNames(machine);
  const asked = open.slice(0, MAX_DOORS);
  const doors = await Promise.all(asked.map((socket) => lookAtDoor({ machine, socket, behind, names })));
  const unseen = open.length - asked.length;
  const value = { doors, inodes };
  const fact = known(value, {
    level: "probed",
    source: "GET of /readyz, /, /.env, /.git/config and the gateway's configuration, without a secret",
    at: machine.now(),
    raw: JSON.stringify(value),
    excerpt: doors.map(doorText).join("; ") || "no web server listens beyond loopback",
  });
  const gap = {
    why: "not_visible",
    source: `${String(unseen)} more open ports, beyond the first ${String(MAX_DOORS)}`,
  } as const;
  return unseen > 0 ? { ...fact, gap } : fact;
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((one, index) => one === right[index]);
}

function doorText({ address, port, scheme, leadsTo, exposes }: Door): string {
  const what = leadsTo === undefined ? (scheme ?? "not HTTP") : `leads to port ${String(leadsTo)}`;
  return `${address} port ${String(port)}: ${[what, ...exposes].join(", ")}`;
}

async function carriersFact(
  machine: Machine,
  gateways: readonly GatewayRow[],
): Promise<Fact<GatewayFacts["gateway.carriers"]>> {
  const ports = gateways.map(({ port }) => port);
  const carriers = ports.length === 0 ? [] : await carriersOf(machine, ports, await peopleOf(machine));
  return known(carriers, {
    level: "runtime",
    source: "/proc, settings of tunnels",
    at: machine.now(),
    raw: JSON.stringify(carriers),
    excerpt:
      carriers.map(({ program, port }) => `${program} to port ${String(port)}`).join("; ") || "no tunnel program runs",
  });
}

const STATUS = ["tailscale", "serve", "status", "--json"] as const;

async function tailscaleFact(
  machine: Machine,
  gateways: readonly GatewayRow[],
): Promise<Fact<GatewayFacts["gateway.tailscale"]>> {
  const source = STATUS.join(" ");
  const ran = await machine.run(STATUS, { milliseconds: 3_000 });
  if (ran.kind === "missing") return unknown("missing_tool", source);
  if (ran.kind !== "ran") return unknown("timeout", source);
  // It says so where its daemon does not run, or does not speak to this user.
  if (ran.exit !== 0) return unknown(machine.isRoot ? "failed" : "not_root", source);
  const value = tailscaleDoorsIn(
    ran.stdout,
    gateways.map(({ port }) => port),
  );
  const excerpt = `served: ${value.served.join(", ") || "none"}; funnelled: ${value.funnelled.join(", ") || "none"}`;
  return known(value, { level: "effective", source, at: machine.now(), raw: ran.stdout, excerpt, exit: ran.exit });
}
