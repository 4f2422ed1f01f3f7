/** Where a check of the network does not apply. Only what was seen exempts: what could not be seen does not. */
import { hasPenalties } from "../../collectors/network.ts";
import type { FactReader } from "../../facts.ts";
import { isPublic } from "./listeners.ts";

export function isSshAbsent(reader: FactReader): string | undefined {
  const daemon = reader.get("ssh.daemon");
  if (daemon.kind !== "known") return undefined;
  if (daemon.value.state === "absent") return "sshd_absent";
  return daemon.value.state === "stopped" ? "sshd_stopped" : undefined;
}

/** That nobody shuts anybody out is said once, by ban.sshd.live. */
export function noBanService(reader: FactReader): string | undefined {
  const service = reader.get("ban.service");
  return service.kind === "known" && service.value.state === "absent" ? "no_ban_service" : undefined;
}

export function sshHasPenalties(reader: FactReader): boolean {
  const effective = reader.get("ssh.effective");
  return effective.kind === "known" && hasPenalties(effective.value.answers[0]?.settings["persourcepenalties"]);
}

export function noVpn(reader: FactReader): string | undefined {
  const found = reader.get("net.interfaces");
  if (found.kind !== "known") return undefined;
  return found.value.some(({ isVpn, isUp, addresses }) => isVpn && isUp && addresses.length > 0) ? undefined : "no_vpn";
}

export function oneNetwork(reader: FactReader): string | undefined {
  const passes = reader.get("net.passes");
  return passes.kind === "known" && passes.value.networks.length < 2 ? "one_network" : undefined;
}

export function noHttpServer(reader: FactReader): string | undefined {
  const sockets = reader.get("net.sockets");
  if (sockets.kind !== "known") return undefined;
  const serves = sockets.value.listeners.some(
    (one) => one.protocol === "tcp" && (one.port === 80 || one.port === 443) && isPublic(one, reader),
  );
  return serves ? undefined : "no_web_server";
}

/** Neither an answer at that address, nor a machine of a cloud that is known to have one. */
export function noMetadata(reader: FactReader): string | undefined {
  const metadata = reader.get("net.metadata");
  if (metadata.kind !== "known") return undefined;
  if (metadata.value.probes.length === 0) return "no_gateway";
  return !metadata.value.isThere && metadata.value.cloud === "" ? "no_metadata_service" : undefined;
}
