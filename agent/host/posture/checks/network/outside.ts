/**
 * What a look from outside can say against this host. A port that answered there is open, whatever was read here; one that did not
 * answer proves nothing, because the edge may lie or may be shut out where others are not. It speaks of the packet filter as it was
 * then: once the rules are others, it says nothing any more, and the page asks for another look.
 */
import type { OutsideLook } from "../../../../../protocol/posture/outside.ts";
import type { FactReader } from "../../facts.ts";
import { isNamed } from "./listeners.ts";

/** The gateway's own default. */
const GATEWAY_PORT = 18_789;

/** Counts for whatever address: who passes this port on to here opened it, also a router. */
export function gatewayShut(look: OutsideLook, reader: FactReader): readonly string[] {
  const gateways = reader.get("gateway.found");
  const ports = gateways.kind === "known" ? gateways.value.map(({ port }) => port) : [GATEWAY_PORT];
  return openPorts(look, reader)
    .filter((port) => ports.includes(port))
    .map((port) => `${placeOf(look, port)} answered from outside, and the gateway's port should not`);
}

/** Only where the address is this machine's own: behind a router the ports are the router's. */
export function namedOutside(look: OutsideLook, reader: FactReader): readonly string[] {
  const { doors } = socketsOf(reader);
  return ownPorts(look, reader)
    .filter((port) => !isNamed({ protocol: "tcp", port, program: undefined, pid: undefined }, doors, reader))
    .map((port) => `${placeOf(look, port)} answered from outside, and nobody named it`);
}

/** What the rules read here drop, and what answers all the same: then they were read wrongly, or they are not in force. */
export function droppedOutside(look: OutsideLook, reader: FactReader): readonly string[] {
  const inbound = reader.get("fw.inbound");
  if (inbound.kind !== "known" || inbound.gap !== undefined) return [];
  const family = look.address.includes(":") ? 6 : 4;
  const isLetIn = (port: number): boolean =>
    inbound.value.openings.some(
      (one) => one.protocol === "tcp" && one.family === family && one.from <= port && port <= one.to,
    );
  return ownPorts(look, reader)
    .filter((port) => !isLetIn(port))
    .map((port) => `${placeOf(look, port)} answered from outside, though the rules read here let nobody in`);
}

function openPorts({ ports, rules }: OutsideLook, reader: FactReader): readonly number[] {
  const live = reader.get("fw.live");
  if ((live.kind === "known" ? live.value.digest : undefined) !== rules) return [];
  return ports.filter(({ state }) => state === "open").map(({ port }) => port);
}

function ownPorts(look: OutsideLook, reader: FactReader): readonly number[] {
  const interfaces = reader.get("net.interfaces");
  const isOwn =
    interfaces.kind === "known" &&
    interfaces.value.some(({ addresses }) => addresses.some(({ address }) => address === look.address));
  return isOwn ? openPorts(look, reader) : [];
}

function socketsOf(reader: FactReader): { readonly doors: Parameters<typeof isNamed>[1] } {
  const sockets = reader.get("net.sockets");
  return sockets.kind === "known" ? sockets.value : { doors: [] };
}

function placeOf({ address }: OutsideLook, port: number): string {
  return `${address} port ${String(port)}`;
}
