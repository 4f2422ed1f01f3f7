/** Which remedy mends which check. What the gateway's own configuration mends is done by its own operations: the plan says so. */
import type { OperationName } from "../../../protocol/operations.ts";
import { checkIds, checks, type CheckId } from "../../../protocol/posture.ts";
import { blocked, type Remedy } from "./remedy.ts";
import { banRemedies } from "./remedy-bans.ts";
import { firewallRemedies } from "./remedy-firewall.ts";
import { move } from "./move/remedy-move.ts";
import { networkRemedies } from "./remedy-network.ts";
import { sshRemedies } from "./remedy-ssh.ts";
import { systemRemedies } from "./remedy-system.ts";
import { unitRemedies } from "./remedy-unit.ts";
import { segmentation } from "./remedy-zones.ts";

const byOperation =
  (operation: OperationName): Remedy =>
  () =>
    blocked(
      "by_operation",
      `Mended by the operation ${operation}, which writes a version of the configuration that can be rolled back.`,
    );

const change = byOperation("config.set@1");
const lockdown = byOperation("gateway.lockdown@1");

export const remedies: Readonly<Partial<Record<CheckId, Remedy>>> = {
  ...sshRemedies,
  ...firewallRemedies,
  ...networkRemedies,
  "net.segmentation": segmentation,
  ...banRemedies,
  ...systemRemedies,
  ...unitRemedies,
  "usr.dedicated": move,
  "gw.bind.loopback": change,
  "gw.auth.mode": byOperation("gateway-token.rotate@1"),
  "gw.auth.ratelimit": change,
  "gw.controlui.origins": change,
  "gw.pairing.manual": lockdown,
  "gw.channels.closed": lockdown,
  "gw.exec.asks": lockdown,
  "gw.mdns.off": change,
};

/** Every check with a fix has a remedy; a test holds this. */
export const withoutRemedy: readonly CheckId[] = checkIds.filter(
  (id) => checks[id].fix !== "none" && remedies[id] === undefined,
);

/** What `standard` mends, in the order in which it is done: SSH's settings, then its port, then the firewall around both. */
export const profileChecks = [
  "ssh.password-auth",
  "ssh.kbdint",
  "ssh.root-login",
  "ssh.auth.limits",
  "ssh.crypto",
  "ssh.forwarding",
  "ssh.allowlist",
  "ssh.hostkeys",
  "ssh.port.nonstandard",
  "fw.default-deny",
  "gw.port.external",
  "fw.metadata.blocked",
  "fw.egress.gateway",
  "net.segmentation",
  "net.sysctl",
  "ban.sshd.live",
  "ban.escalation",
  "ban.whitelist",
  "ban.http",
  "usr.no-sudo",
  "usr.empty-pw",
  "gw.state.perms",
  "unit.resources",
  "unit.probes",
  "log.auditable",
  "log.retention",
  "patch.auto",
] as const satisfies readonly CheckId[];
