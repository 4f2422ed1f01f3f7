/** How each check of this area is judged. */
import type { networkChecks } from "../../../../protocol/posture/network.ts";
import { against, clause, extra, type Judgement } from "../judge.ts";
import { isSshAbsent, noBanService, noHttpServer, noMetadata, noVpn, oneNetwork } from "./network/exempt.ts";
import { canaryHolds, escalationHolds, httpBansHold, serviceHolds, whitelistHolds } from "./network/bans.ts";
import {
  bootHolds,
  deniesByDefault,
  egressHolds,
  liveHolds,
  metadataHolds,
  nothingPasses,
  ownedHolds,
} from "./network/firewall.ts";
import { adminOnVpn, namedListeners } from "./network/listeners.ts";
import { droppedOutside, namedOutside } from "./network/outside.ts";
import { forwardingOf } from "../collectors/network/firewall.ts";
import { noGateway } from "./gateway/rows.ts";

export const networkJudgements = {
  "net.listeners": {
    clauses: [
      clause("net.sockets", ({ listeners, doors }, reader) => namedListeners(listeners, doors, reader)),
      against("net.outside", namedOutside),
    ],
  },
  "net.forwarded-ports": {
    clauses: [
      clause("fw.forwarded", (rows) =>
        rows.filter(({ answer, isApproved }) => answer === "open" && !isApproved).map(forwardingOf),
      ),
    ],
  },
  "fw.default-deny": {
    clauses: [
      clause("fw.inbound", ({ openings }) => deniesByDefault(openings)),
      against("net.outside", droppedOutside),
    ],
  },
  "fw.drift": { clauses: [clause("fw.live", liveHolds)] },
  "fw.boot-persistent": { clauses: [clause("fw.boot", bootHolds)] },
  "fw.rules.owned": { clauses: [clause("fw.inbound", ({ openings }) => ownedHolds(openings))] },
  "fw.egress.gateway": { exempt: noGateway, clauses: [clause("net.egress", egressHolds)] },
  "fw.metadata.blocked": {
    exempt: noMetadata,
    clauses: [clause("net.metadata", ({ probes }) => metadataHolds(probes))],
  },
  "ban.sshd.live": {
    exempt: isSshAbsent,
    clauses: [clause("ban.service", serviceHolds), clause("ban.canary", canaryHolds)],
  },
  "ban.escalation": { exempt: noBanService, clauses: [clause("ban.service", escalationHolds)] },
  "ban.whitelist": {
    exempt: noBanService,
    clauses: [clause("ban.service", whitelistHolds), extra("ban.guests", () => [])],
  },
  "ban.http": { exempt: noHttpServer, clauses: [clause("ban.service", httpBansHold)] },
  "net.vpn.bind": {
    exempt: noVpn,
    clauses: [clause("net.sockets", ({ listeners }, reader) => adminOnVpn(listeners, reader))],
  },
  "net.segmentation": { exempt: oneNetwork, clauses: [clause("net.passes", nothingPasses)] },
  "net.sysctl": {
    clauses: [
      clause("net.kernel", (wrong) => wrong.map(({ name, value, right }) => `${name} is ${value}, not ${right}`)),
    ],
  },
} as const satisfies Record<keyof typeof networkChecks, Judgement>;
