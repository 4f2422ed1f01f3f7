/**
 * The systemd unit of a self-hosted edge, as text. Whatever the edge does not need is taken from it; what it needs and
 * scanners would rather not see is said beside it. Reads nothing and writes nothing.
 */
import { dirname } from "node:path";
import type { TlsFiles } from "../../edge/bind/dashboard-certificate.ts";
import { DRAIN_SECONDS } from "../../edge/drain.ts";

export const SERVICE_NAME = "clawhold-edge";
export const SERVICE_DATA = `/var/lib/${SERVICE_NAME}`;
export const SERVICE_PATH = `/etc/systemd/system/${SERVICE_NAME}.service`;

/** Enough for 10,000 hosts: six a host, and a thousand. */
const OPEN_FILES = 65_536;
/** The drain, the runtime's own end, and as much again for a slow disk. */
const STOP_SECONDS = DRAIN_SECONDS * 3;
/** Three words are sent in this time. */
const WATCHDOG_SECONDS = 60;
/** Below these a port is the kernel's to give. */
const FIRST_FREE_PORT = 1_024;
/** Names of what systemd hands over. */
const CERTIFICATE_ID = "tls-cert";
const KEY_ID = "tls-key";
/** Directories that a service is kept out of: a program that lies there is shown to it alone. */
const HIDDEN = ["/home/", "/root/", "/run/user/"];

export interface UnitInput {
  readonly node: string;
  readonly entry: string;
  /** After `up`, without what `tlsFiles` stands for. */
  readonly argv: readonly string[];
  /** Whole paths. Root's key stays root's: systemd reads both at the start, and shows the service copies. */
  readonly tlsFiles?: TlsFiles | undefined;
  /** Those that it listens on. */
  readonly ports: readonly number[];
}

export function serviceUnit({ node, entry, argv, tlsFiles, ports }: UnitInput): string {
  const words = [node, "--no-warnings", entry, "up", "--data", SERVICE_DATA, "--no-link", ...argv].map(quoted);
  const command = tlsFiles === undefined ? words : [...words, ...tlsWords];
  const capability = ports.some((port) => port > 0 && port < FIRST_FREE_PORT) ? "CAP_NET_BIND_SERVICE" : "";
  return `[Unit]
Description=Clawhold edge
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${command.join(" ")}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
TimeoutStopSec=${STOP_SECONDS}
WatchdogSec=${WATCHDOG_SECONDS}
LimitNOFILE=${OPEN_FILES}
KillMode=mixed

DynamicUser=yes
StateDirectory=${SERVICE_NAME}
StateDirectoryMode=0700
UMask=0077
${credentialLines(tlsFiles)}
${sandbox(capability, homeLines(node, entry))}

[Install]
WantedBy=multi-user.target
`;
}

/** Not quoted: systemd puts the place of its copies for %d. */
const tlsWords = [`--tls-cert %d/${CERTIFICATE_ID}`, `--tls-key %d/${KEY_ID}`];

/**
 * systemd.exec(5), "LoadCredential=": the manager reads the files, so they may be closed to everybody but root and lie
 * where the service sees nothing. Copies are made when the service starts, and stay as they are until it ends.
 */
function credentialLines(files: TlsFiles | undefined): string {
  if (files === undefined) return "";
  const loads = [
    [CERTIFICATE_ID, files.certificate],
    [KEY_ID, files.key],
  ] as const;
  return loads.map(([id, path]) => `LoadCredential=${id}:${unquotedPath(path)}\n`).join("");
}

/** The rest of the line is the path, whatever is in it; only its end, and a line's, would be read otherwise. */
function unquotedPath(path: string): string {
  if (/\p{Cc}|[\s\\]$/u.test(path)) throw new TypeError("this path cannot be written into a unit");
  return path.replaceAll("%", "%%");
}

/** Measured: `systemd-analyze security` gives the whole unit 1.3. */
function sandbox(capability: string, homes: string): string {
  return `CapabilityBoundingSet=${capability}
AmbientCapabilities=${capability}
NoNewPrivileges=yes
PrivateUsers=${capability === "" ? "yes" : "no"}
ProtectSystem=strict
${homes}
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
KeyringMode=private
# Netlink is how the addresses of an interface are read.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute: the Worker's JavaScript is compiled while it runs.`;
}

function homeLines(...programs: readonly string[]): string {
  const roots = new Set(programs.filter(isHidden).map((path) => dirname(dirname(path))));
  if (roots.size === 0) return "ProtectHome=yes";
  return ["ProtectHome=tmpfs", ...[...roots].map((root) => `BindReadOnlyPaths=${quoted(root)}`)].join("\n");
}

function isHidden(path: string): boolean {
  return HIDDEN.some((directory) => path.startsWith(directory));
}

/** systemd.service(5), "Command lines": quotes, and two characters that it would replace. */
function quoted(word: string): string {
  if (/\p{Cc}/u.test(word)) throw new TypeError("a control character cannot be written into a unit");
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9/_.,:=@%$+-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
