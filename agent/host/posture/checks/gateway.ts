/** How each check of this area is judged. */
import type { gatewayChecks } from "../../../../protocol/posture/gateway.ts";
import type { SettingsRow } from "../collectors/gateway.ts";
import type { FactReader } from "../facts.ts";
import { against, clause, type Judgement } from "../judge.ts";
import { gatewayShut } from "./network/outside.ts";
import { noGateway, of } from "./gateway/rows.ts";
import {
  bindHolds,
  channelsHold,
  execHolds,
  hooksHold,
  mdnsHolds,
  originsHold,
  pairingHolds,
  proxyAuthHolds,
  rateHolds,
  settingsHold,
  tailscaleHolds,
  written,
  type Rule,
} from "./gateway/settings.ts";

/** 32 random hexadecimal digits, or 22 random letters and digits. */
const MIN_SECRET_BITS = 125;
/** Slower than a person types; the gateway's own first pause is 250 ms. */
const MIN_PAUSE_MILLISECONDS = 150;

const both = (rule: Rule): Judgement => ({ exempt: noGateway, clauses: settingsHold(rule) });

function secretShortfalls({ settings: { authMode }, secret }: SettingsRow): readonly string[] {
  if (authMode === "none" || authMode === "trusted-proxy") return [];
  // What it is can be seen by the gateway alone; that it refuses is probed all the same.
  if (secret.source === "reference") return [];
  if (secret.source === "absent") return [`gateway.auth.mode is ${authMode} and no ${authMode} is set`];
  return secret.bits < MIN_SECRET_BITS
    ? [
        `the gateway's ${authMode} is weak: ${String(secret.characters)} characters, worth about ${String(secret.bits)} bits`,
      ]
    : [];
}

function hasNoHooks(reader: FactReader): string | undefined {
  const settings = reader.get("gateway.settings");
  return settings.kind === "known" &&
    settings.gap === undefined &&
    settings.value.every(({ settings: { hooks } }) => !hooks.isEnabled)
    ? "hooks_off"
    : undefined;
}

function hasNoTailscale(reader: FactReader): string | undefined {
  const [status, settings] = [reader.get("gateway.tailscale"), reader.get("gateway.settings")];
  const isAbsent = status.kind === "unknown" && status.why === "missing_tool";
  const isOff = settings.kind === "known" && settings.value.every(({ settings: one }) => one.tailscale === "off");
  return isAbsent && isOff ? "tailscale_absent" : undefined;
}

/** Whether a stranger's packet to this port ends in the packet filter; where that is not known it does not. */
function isFiltered(reader: FactReader, address: string, port: number): boolean {
  const inbound = reader.get("fw.inbound");
  const family = address.includes(":") ? 6 : 4;
  return (
    inbound.kind === "known" &&
    inbound.gap === undefined &&
    !inbound.value.openings.some(
      (one) => one.protocol === "tcp" && one.family === family && one.from <= port && port <= one.to,
    )
  );
}

/** A caller through a proxy on this machine comes from loopback, and is never locked out where loopback is exempt. */
function proxiedGuesses(reader: FactReader): readonly string[] {
  const [doors, settings] = [reader.get("gateway.doors"), reader.get("gateway.settings")];
  if (doors.kind !== "known" || settings.kind !== "known") return [];
  const isPassedOn = doors.value.doors.some(({ leadsTo }) => leadsTo !== undefined);
  return settings.value
    .filter(({ settings: { rateLimit } }) => isPassedOn && rateLimit.exemptsLoopback)
    .map(({ gateway }) =>
      of(
        gateway,
        reader,
        "gateway.auth.rateLimit.exemptLoopback is on, and callers through a proxy come from loopback",
      ),
    );
}

export const gatewayJudgements = {
  "gw.bind.loopback": {
    exempt: noGateway,
    clauses: [
      clause("gateway.listeners", (rows, reader) =>
        rows
          .filter(({ loopback }) => !loopback)
          .map(({ gateway, address, port }) =>
            of(gateway, reader, `the gateway listens on ${address} port ${String(port)}`),
          ),
      ),
      written(bindHolds),
    ],
  },
  "gw.port.external": {
    exempt: noGateway,
    clauses: [
      clause("gateway.reached", (rows, reader) =>
        rows
          // This machine's own connection comes from within: what a stranger's would meet is the packet filter's to say.
          .filter(({ outcome, address, port }) => outcome === "open" && !isFiltered(reader, address, port))
          .map(({ gateway, address, port }) => of(gateway, reader, `${address} port ${String(port)} answers`)),
      ),
      against("net.outside", gatewayShut),
    ],
  },
  "gw.proxy.public": {
    exempt: noGateway,
    clauses: [
      // Behind a door is recognised what answers now: a gateway that is down has none.
      clause("gateway.listeners", () => []),
      clause("gateway.doors", ({ doors }) =>
        doors
          .filter(({ leadsTo }) => leadsTo !== undefined)
          .map(
            ({ address, port, name }) =>
              `${address} port ${String(port)}${name === undefined ? "" : ` (${name})`} passes on to the gateway without asking who comes`,
          ),
      ),
      clause("gateway.carriers", (carriers) =>
        carriers.map(
          ({ program, port, source }) =>
            `${program} (${source}) carries connections from outside to port ${String(port)}`,
        ),
      ),
    ],
  },
  "gw.auth.mode": {
    exempt: noGateway,
    clauses: [
      ...settingsHold(proxyAuthHolds),
      clause("gateway.settings", (rows, reader) =>
        rows.flatMap((row) => secretShortfalls(row).map((sentence) => of(row.gateway, reader, sentence))),
      ),
      clause("gateway.refusals", (rows, reader) =>
        rows.flatMap(({ gateway, socket, http }) => [
          ...(socket === "let_in" ? [of(gateway, reader, "a WebSocket without a secret was let in")] : []),
          ...(http === "let_in" ? [of(gateway, reader, "an HTTP request without a secret was let in")] : []),
          ...(socket === "unclear" && http === "unclear"
            ? [of(gateway, reader, "the gateway was not seen to refuse a caller without a secret")]
            : []),
        ]),
      ),
    ],
  },
  "gw.auth.ratelimit": {
    exempt: noGateway,
    clauses: [
      ...settingsHold(rateHolds),
      clause("gateway.guessing", (rows, reader) => [
        ...rows.flatMap(({ gateway, answered, isRefused, isLocked }) => {
          if (!isRefused) return [of(gateway, reader, "a wrong secret was let in")];
          const isSlowed = isLocked || answered.every((milliseconds) => milliseconds >= MIN_PAUSE_MILLISECONDS);
          return isSlowed
            ? []
            : [of(gateway, reader, `a wrong secret was answered after ${String(Math.min(...answered))} ms`)];
        }),
        ...proxiedGuesses(reader),
      ]),
    ],
  },
  "gw.controlui.origins": both(originsHold),
  "gw.pairing.manual": both(pairingHolds),
  "gw.channels.closed": both(channelsHold),
  "gw.exec.asks": {
    exempt: noGateway,
    clauses: [
      // The gateway's own list may be tighter than its configuration, and the stricter of the two counts.
      clause("gateway.applied", (rows, reader) =>
        rows.flatMap(({ gateway, applied: { settings, execIsTight } }) =>
          execIsTight ? [] : execHolds(settings).map((sentence) => of(gateway, reader, sentence)),
        ),
      ),
    ],
  },
  "gw.version.advisories": {
    exempt: noGateway,
    clauses: [
      clause("gateway.version", (rows, reader) => rows.flatMap((row) => advisoryShortfalls(row, reader))),
      clause("advisories.known", ({ refused, source }) =>
        refused === undefined || refused === "older"
          ? []
          : [`the list of advisories in the posture directory is refused (${refused}); ${source} counts`],
      ),
    ],
  },
  "gw.rootdir.exposed": {
    clauses: [
      clause("gateway.doors", ({ doors }) =>
        doors.flatMap(({ address, port, exposes }) =>
          exposes.map((what) => `the web server on ${address} port ${String(port)} hands out ${what}`),
        ),
      ),
    ],
  },
  "gw.mdns.off": {
    exempt: noGateway,
    clauses: [
      written(mdnsHolds),
      clause("gateway.mdns", (rows, reader) =>
        rows
          .filter(({ sockets }) => sockets > 0)
          .map(({ gateway }) => of(gateway, reader, "the gateway holds the port of multicast DNS (UDP 5353)")),
      ),
    ],
  },
  "gw.tailscale.mode": {
    exempt: (reader) => noGateway(reader) ?? hasNoTailscale(reader),
    clauses: [
      written(tailscaleHolds),
      clause("gateway.tailscale", ({ funnelled }) =>
        funnelled.map((port) => `tailscale funnel shows the gateway to the internet on port ${String(port)}`),
      ),
    ],
  },
  "gw.hooks.signed": {
    exempt: (reader) => noGateway(reader) ?? hasNoHooks(reader),
    clauses: [
      written(hooksHold),
      clause("gateway.hooks", (rows, reader) =>
        rows
          .filter(({ verdict }) => verdict !== "refused")
          .map(({ gateway, verdict }) =>
            of(
              gateway,
              reader,
              verdict === "let_in"
                ? "a web hook took a call without its token"
                : "the web hook was not seen to refuse a call without its token",
            ),
          ),
      ),
    ],
  },
  "gw.plugins.pinned": {
    exempt: noGateway,
    clauses: [
      clause("gateway.applied", (rows, reader) =>
        rows.flatMap(({ gateway, applied: { plugins, settings } }) =>
          plugins
            .filter(({ isOn }) => isOn)
            .flatMap(({ id, isPinned }) => [
              ...(settings.plugins.allow?.includes(id) === true
                ? []
                : [`plugin ${id} is on, and plugins.allow does not name it`]),
              ...(isPinned ? [] : [`plugin ${id} was installed without an exact version`]),
            ])
            .map((sentence) => of(gateway, reader, sentence)),
        ),
      ),
      clause("gateway.settings", (rows, reader) =>
        rows.flatMap(({ gateway, settings: { plugins } }) =>
          plugins.floating.map((id) => of(gateway, reader, `plugins.installs.${id} names no exact version`)),
        ),
      ),
    ],
  },
  "gw.audit.native": {
    exempt: noGateway,
    clauses: [
      clause("gateway.native", (rows, reader) =>
        rows.flatMap(({ gateway, critical, suppressed }) => [
          ...critical.map((id) => of(gateway, reader, `openclaw security audit: ${id} (critical)`)),
          ...(suppressed > 0
            ? [
                of(
                  gateway,
                  reader,
                  `security.audit.suppressions hides ${String(suppressed)} findings of the gateway's own audit`,
                ),
              ]
            : []),
        ]),
      ),
    ],
  },
} as const satisfies Record<keyof typeof gatewayChecks, Judgement>;

const NAMED = 4;

function advisoryShortfalls(
  {
    gateway,
    version,
    affecting,
  }: {
    readonly gateway: string;
    readonly version: string;
    readonly affecting: readonly {
      readonly id: string;
      readonly severity: string;
      readonly title: string;
      readonly fixed: string;
    }[];
  },
  reader: FactReader,
): readonly string[] {
  if (affecting.length === 0) return [];
  const order = ["critical", "high", "medium", "low"];
  const worst = affecting.toSorted((left, right) => order.indexOf(left.severity) - order.indexOf(right.severity));
  const named = worst
    .slice(0, NAMED)
    .map(({ id, severity, title, fixed }) =>
      of(gateway, reader, `${version} has ${id} (${severity}): ${title}; fixed in ${fixed}`),
    );
  const more = affecting.length - named.length;
  return more > 0 ? [...named, of(gateway, reader, `and ${String(more)} more published faults`)] : named;
}
