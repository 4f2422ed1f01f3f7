/**
 * Every name that an installed host has on its machine: paths, users, units. One list, so that whoever installs, repairs,
 * removes or judges a host speaks of the same things. Pure: opens nothing.
 */

/** Of the operating system. All but root are system users without a shell and without a home of use. */
export const USERS = {
  /** Runs the gateway where it was moved to a user of its own; never by an installation alone. */
  gateway: "openclaw",
  link: "clawhold",
  reader: "clawhold-reader",
  warden: "root",
} as const;

export const UNITS = {
  link: "clawhold-link.service",
  warden: "clawhold-warden.service",
  wardenSocket: "clawhold-warden.socket",
  /** The commands of this machine (`clawhold trust import`, `trust reset`): root alone. */
  doorSocket: "clawhold-door.socket",
  reader: "clawhold-reader.service",
  /** Readings: the warden asks, root alone. */
  readerSocket: "clawhold-reader.socket",
  /** Telemetry: the link listens to it. */
  telemetrySocket: "clawhold-reader-link.socket",
  gateway: "clawhold-gateway.service",
  gatewaySocket: "clawhold-gateway.socket",
  posture: "clawhold-posture.service",
  postureTimer: "clawhold-posture.timer",
  postureSlow: "clawhold-posture-slow.service",
  postureSlowTimer: "clawhold-posture-slow.timer",
  /** One verified order, by its id. */
  fix: "clawhold-fix@.service",
} as const;
export type UnitName = (typeof UNITS)[keyof typeof UNITS];

/** What is enabled at an installation, and started; the others are started by these. */
export const ENABLED_UNITS = [
  UNITS.wardenSocket,
  UNITS.doorSocket,
  UNITS.readerSocket,
  UNITS.telemetrySocket,
  UNITS.gatewaySocket,
  UNITS.link,
  UNITS.postureTimer,
  UNITS.postureSlowTimer,
] as const satisfies readonly UnitName[];

/** How systemd names the sockets that it hands over (LISTEN_FDNAMES). */
export const SOCKET_NAMES = { link: "link", door: "door", readings: "readings", telemetry: "telemetry" } as const;
export type SocketName = (typeof SOCKET_NAMES)[keyof typeof SOCKET_NAMES];

/** The gateway's own default. */
const DEFAULT_GATEWAY_PORT = 18_789;

export interface LayoutOptions {
  /** Set before every path; for tests. */
  readonly root?: string;
  /** The Node that was found at the installation. */
  readonly node?: string;
  /** Where the gateway listens on loopback. */
  readonly gatewayPort?: number;
  /** Where the gateway keeps its configuration: the warden edits it there. */
  readonly gatewayHome?: string;
  /** True when the edge runs on this machine: then the link may reach loopback. */
  readonly colocated?: boolean;
}

export type HostLayout = ReturnType<typeof hostLayout>;

export function hostLayout(options: LayoutOptions = {}) {
  const at = (path: string): string => `${options.root ?? ""}${path}`;
  const state = at("/var/lib/clawhold/host");
  const run = at("/run/clawhold");
  return {
    node: options.node ?? "/usr/local/bin/node",
    gatewayPort: options.gatewayPort ?? DEFAULT_GATEWAY_PORT,
    gatewayHome: options.gatewayHome ?? "/home/openclaw",
    colocated: options.colocated ?? false,
    /** Releases side by side; `current` is the one in use, `previous` the way back. */
    programs: at("/opt/clawhold"),
    current: at("/opt/clawhold/current"),
    previous: at("/opt/clawhold/previous"),
    /** Within `current`. */
    agent: at("/opt/clawhold/current/agent.cjs"),
    posture: at("/opt/clawhold/current/posture.cjs"),
    launcher: at("/usr/local/bin/clawhold"),
    /** The deny list and local settings; never required. */
    settings: at("/etc/clawhold"),
    units: at("/etc/systemd/system"),
    /** What `clawhold host run` calls its data directory is this one's parent. */
    data: at("/var/lib/clawhold"),
    state,
    hostFile: `${state}/host.json`,
    doorSocket: `${state}/agent.sock`,
    wardenState: `${state}/warden`,
    linkState: `${state}/link`,
    readerState: `${state}/reader`,
    gatewayState: `${state}/gateway`,
    postureState: `${state}/posture`,
    /** What the link says about itself, for `clawhold status`. */
    linkStatus: `${state}/link/status.json`,
    run,
    /** What of the newest posture report leaves the host in the open: written by its scan, read by the link. */
    postureFigures: `${run}/posture.json`,
    wardenSocket: `${run}/warden.sock`,
    readerSocket: `${run}/reader.sock`,
    telemetrySocket: `${run}/reader-link.sock`,
    gatewaySocket: `${run}/gateway.sock`,
    /** Where a warden that ended itself left what the next one goes on with; gone at a reboot. */
    wardenRuntime: at("/run/clawhold-warden"),
  } as const;
}
