/**
 * What is taken from each of our services, in the words of systemd.exec(5). The user, the private network and the list of
 * address families hold everywhere. Directives that need the kernel's BPF (IPAddressDeny=, SocketBindDeny=) are silently
 * nothing where systemd was built or started without it, so each of them stands beside something that does hold.
 */

/** For every service of ours, root's or not. */
const EVERYBODY = `NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateIPC=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
UMask=0077
LimitCORE=0`;

/** For those that are not root. */
const NO_ROOT = `PrivateUsers=yes
ProtectHome=yes
ProtectProc=invisible
CapabilityBoundingSet=
AmbientCapabilities=
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @setuid @keyring`;

/**
 * Nothing on the machine can be executed but Node and what it is linked with. systemd reads a missing path without the dash
 * as a reason not to start at all.
 */
function onlyNode(node: string, ...others: readonly string[]): string {
  const programs = [node, ...others.map((path) => `-${path}`)].join(" ");
  return `NoExecPaths=/
ExecPaths=${programs} -/lib -/lib64 -/usr/lib -/usr/lib64`;
}

export interface Hardened {
  readonly node: string;
  readonly user: string;
  /** Of the kernel's address families. */
  readonly families: string;
  /** The only place that it may write to. */
  readonly writable: string;
  /** What it must not even see. */
  readonly hidden: readonly string[];
  readonly memory: string;
}

/** A service with a user of its own. */
export function unprivileged({ node, user, families, writable, hidden, memory }: Hardened): string {
  return `User=${user}
Group=${user}
${EVERYBODY}
${NO_ROOT}
${onlyNode(node)}
RestrictAddressFamilies=${families}
ReadWritePaths=${writable}
InaccessiblePaths=${hidden.map((path) => `-${path}`).join(" ")}
SocketBindDeny=any
TasksMax=32
MemoryMax=${memory}`;
}

/**
 * The warden: root, because it edits another user's files and ends another user's process, and of root's powers only those.
 * It has a network of its own with nothing in it, and executes the service manager's client and what locks its state.
 */
export function privileged(node: string, writable: readonly string[]): string {
  return `${EVERYBODY}
${onlyNode(node, "/usr/bin/systemctl", "/usr/bin/flock", "/usr/bin/tailscale")}
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any
SocketBindDeny=any
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_KILL CAP_SYS_PTRACE
AmbientCapabilities=
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @setuid @keyring
SystemCallFilter=@chown
ReadWritePaths=${writable.map((path) => `-${path}`).join(" ")}
TasksMax=64
MemoryMax=512M`;
}
