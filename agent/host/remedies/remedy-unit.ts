/**
 * The gateway's service, confined by drop-ins. A directive that a system ignores, or that keeps the service from starting, is found
 * by starting it: a unit that does not come up is taken back at once.
 */
import { marked } from "./marked.ts";
import { blocked, nothing, type Remedy, type Setting } from "./remedy.ts";

/**
 * Node compiles as it runs, so memory that is both written and run stays allowed. Not RestrictSUIDSGID: systemd takes openat2() away
 * with it, by which OpenClaw takes its lock, and then the gateway does not start.
 */
export const confinement = [
  "NoNewPrivileges=yes",
  "CapabilityBoundingSet=",
  "AmbientCapabilities=",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "ProtectSystem=strict",
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectControlGroups=yes",
  "ProtectClock=yes",
  "ProtectHostname=yes",
  "ProtectProc=invisible",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "LockPersonality=yes",
  "RemoveIPC=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged @resources",
  "SystemCallErrorNumber=EPERM",
  "UMask=0077",
] as const;
export const limits = [
  "MemoryHigh=75%",
  "MemoryMax=85%",
  "TasksMax=512",
  "CPUQuota=90%",
  "LimitCORE=0",
  "OOMScoreAdjust=500",
] as const;

/** The gateway's own home stays writable, all other homes are out of sight. */
function homeLines({ survey }: Setting): readonly string[] {
  const { home } = survey.gateway;
  if (home === undefined) return [];
  const isHome = home.startsWith("/home/") || home.startsWith("/root");
  return [...(isHome ? ["ProtectHome=tmpfs", `BindPaths=${home}`] : ["ProtectHome=yes"]), `ReadWritePaths=${home}`];
}

const dropIn =
  (name: string, lines: (setting: Setting) => readonly string[]): Remedy =>
  (setting) => {
    const { check, survey } = setting;
    const { unit, uid } = survey.gateway;
    if (uid === undefined) return blocked("gateway_not_found", "No gateway was found on this machine.");
    if (unit === undefined)
      return blocked(
        "gateway_not_a_service",
        "The gateway is not a service of the system. Move it to a user and a service of its own first.",
      );
    const text = marked(check, ["[Service]", ...lines(setting)].join("\n"));
    return {
      ...nothing,
      desired: [{ kind: "file", path: `/etc/systemd/system/${unit}.d/zz-clawhold-${name}.conf`, text, mode: 0o644 }],
      effects: [{ name: "service", of: unit }],
      proofs: [
        { kind: "service", unit },
        { kind: "gateway", port: survey.gateway.port },
      ],
      proof: "The gateway starts again, confined, and answers on its port.",
    };
  };

export const unitRemedies = {
  "usr.setuid-reach": dropIn("privileges", () => ["NoNewPrivileges=yes"]),
  "unit.score": dropIn("score", (setting) => [...confinement, ...homeLines(setting)]),
  "unit.probes": dropIn("confined", (setting) => [...confinement, ...homeLines(setting)]),
  "unit.resources": dropIn("limits", () => limits),
} as const satisfies Readonly<Record<string, Remedy>>;
