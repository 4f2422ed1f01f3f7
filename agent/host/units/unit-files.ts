/**
 * The systemd units of an installed host, as text. Reads nothing and writes nothing. Each says in its first lines what it is,
 * for whoever finds it on a machine.
 */
import { privileged, unprivileged } from "./hardening.ts";
import { SOCKET_NAMES, UNITS, USERS, type HostLayout, type UnitName } from "./layout.ts";

export interface UnitFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

const UNIT_MODE = 0o644;
/** As agent/cli/up/agent-process.ts, which says why. */
const NODE_FLAGS = "--no-warnings --expose-gc --no-opt --no-maglev --max-semi-space-size=1";
/** What starts each minute says so to nobody; what it says itself stays. */
const QUIET = "SyslogLevel=notice\nLogLevelMax=notice";
const PROXY = "/usr/lib/systemd/systemd-socket-proxyd";

export function unitFiles(layout: HostLayout): readonly UnitFile[] {
  return Object.entries(texts(layout)).map(([name, content]) => ({
    path: `${layout.units}/${name}`,
    content: `# Written by clawhold at its installation; changes belong into a drop-in.\n${content}`,
    mode: UNIT_MODE,
  }));
}

function texts(layout: HostLayout): Readonly<Record<UnitName, string>> {
  return {
    [UNITS.link]: link(layout),
    [UNITS.warden]: warden(layout),
    [UNITS.reader]: reader(layout),
    [UNITS.gateway]: gateway(layout),
    ...sockets(layout),
    [UNITS.posture]: posture(layout, "fast"),
    [UNITS.postureTimer]: timer("Clawhold posture, each minute", "OnBootSec=30s\nOnUnitActiveSec=50s\nAccuracySec=1s"),
    [UNITS.postureSlow]: posture(layout, "slow"),
    [UNITS.postureSlowTimer]: timer(
      "Clawhold posture, each day",
      "OnBootSec=10min\nOnUnitActiveSec=1d\nRandomizedDelaySec=30min",
    ),
    [UNITS.fix]: fix(layout),
  };
}

function sockets(layout: HostLayout) {
  return {
    [UNITS.wardenSocket]: socket({
      description: "Clawhold warden, for the link",
      path: layout.wardenSocket,
      name: SOCKET_NAMES.link,
      service: UNITS.warden,
      owner: [USERS.warden, USERS.link, "0660"],
    }),
    [UNITS.doorSocket]: socket({
      description: "Clawhold warden, for this machine's commands",
      path: layout.doorSocket,
      name: SOCKET_NAMES.door,
      service: UNITS.warden,
      owner: [USERS.warden, USERS.warden, "0600"],
    }),
    [UNITS.readerSocket]: socket({
      description: "Clawhold reader, for the warden's questions",
      path: layout.readerSocket,
      name: SOCKET_NAMES.readings,
      service: UNITS.reader,
      owner: [USERS.warden, USERS.warden, "0600"],
    }),
    [UNITS.telemetrySocket]: socket({
      description: "Clawhold reader, for the link's figures",
      path: layout.telemetrySocket,
      name: SOCKET_NAMES.telemetry,
      service: UNITS.reader,
      owner: [USERS.reader, USERS.link, "0660"],
    }),
    [UNITS.gatewaySocket]: socket({
      description: "The gateway, for the Clawhold warden",
      path: layout.gatewaySocket,
      name: "gateway",
      service: UNITS.gateway,
      owner: [USERS.warden, USERS.warden, "0600"],
    }),
  };
}

function command(layout: HostLayout, verb: string): string {
  return `${layout.node} ${NODE_FLAGS} ${layout.agent} host ${verb}`;
}

/**
 * The only one that dials out; not where the host was reset. It can execute nothing, and sees neither the host's keys nor the
 * gateway's door.
 */
function link(layout: HostLayout): string {
  const { wardenState, gatewayState, readerState, postureState, gatewaySocket, readerSocket } = layout;
  const loopback = layout.colocated ? "" : "\nIPAddressDeny=127.0.0.0/8 ::1/128\nIPAddressAllow=127.0.0.53/32";
  return `[Unit]
Description=Clawhold link: dials the edge, holds no authority
After=network-online.target ${UNITS.wardenSocket} ${UNITS.telemetrySocket}
Wants=network-online.target ${UNITS.wardenSocket} ${UNITS.telemetrySocket}
ConditionPathExists=${layout.hostFile}
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart=${command(layout, "link")}
Restart=always
RestartSec=5
${unprivileged({
  node: layout.node,
  user: USERS.link,
  families: "AF_UNIX AF_INET AF_INET6",
  writable: layout.linkState,
  hidden: [wardenState, gatewayState, readerState, postureState, gatewaySocket, readerSocket],
  memory: "256M",
})}${loopback}

[Install]
WantedBy=multi-user.target
`;
}

/** Parses what the hostile gateway says; has its own device key and nothing else worth stealing. */
function reader(layout: HostLayout): string {
  const { wardenState, gatewayState, linkState, postureState, gatewaySocket, wardenSocket } = layout;
  return `[Unit]
Description=Clawhold reader: the gateway's figures
After=${UNITS.readerSocket} ${UNITS.telemetrySocket}
Requires=${UNITS.readerSocket} ${UNITS.telemetrySocket}
StartLimitIntervalSec=0

[Service]
Type=simple
Sockets=${UNITS.readerSocket} ${UNITS.telemetrySocket}
Environment=OPENCLAW_GATEWAY_PORT=${String(layout.gatewayPort)}
ExecStart=${command(layout, "reader")}
${QUIET}
Restart=on-failure
RestartSec=5
${unprivileged({
  node: layout.node,
  user: USERS.reader,
  families: "AF_UNIX AF_INET AF_INET6",
  writable: layout.readerState,
  hidden: [wardenState, gatewayState, linkState, postureState, gatewaySocket, wardenSocket],
  memory: "256M",
})}
IPAddressDeny=any
IPAddressAllow=localhost
`;
}

/**
 * Ends when nothing is under way; the next word on its sockets starts it again. One that cannot start (a host that was reset) is
 * not started without end: what it says is in the journal, and its socket stays.
 */
function warden(layout: HostLayout): string {
  return `[Unit]
Description=Clawhold warden: verifies and executes, without a network
After=${UNITS.wardenSocket} ${UNITS.doorSocket}
Requires=${UNITS.wardenSocket} ${UNITS.doorSocket}
StartLimitIntervalSec=0

[Service]
Type=simple
Sockets=${UNITS.wardenSocket} ${UNITS.doorSocket}
Environment=OPENCLAW_HOME=${layout.gatewayHome}
ExecStart=${command(layout, "warden")}
Restart=on-abnormal
RestartSec=2
TimeoutStopSec=120
RuntimeDirectory=clawhold-warden
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
${privileged(layout.node, [layout.state, layout.gatewayHome])}
`;
}

/** Bytes from the root-only socket to the gateway's port on loopback, and nowhere else. */
function gateway(layout: HostLayout): string {
  return `[Unit]
Description=The gateway's loopback port, as a socket for the Clawhold warden
After=${UNITS.gatewaySocket}
Requires=${UNITS.gatewaySocket}

[Service]
Type=simple
Sockets=${UNITS.gatewaySocket}
ExecStart=${PROXY} --connections-max=16 --exit-idle-time=60s 127.0.0.1:${String(layout.gatewayPort)}
${QUIET}
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
IPAddressDeny=any
IPAddressAllow=localhost
SocketBindDeny=any
TasksMax=16
MemoryMax=64M
`;
}

/** Where `ip` names the network of the stranger who is played at SSH: seen by this service alone, and gone with it. */
const NAMESPACES = "TemporaryFileSystem=/run/netns:mode=0755\n";

/** Looks at the whole machine and changes nothing but its own reports. */
function posture(
  { node, posture: program, postureState, postureFigures, run }: HostLayout,
  lane: "fast" | "slow",
): string {
  return `[Unit]
Description=Clawhold posture: looks at this machine (${lane} lane)

[Service]
Type=oneshot
ExecStart=${node} --no-warnings ${program} scan --lane ${lane} --directory ${postureState} --figures ${postureFigures}
StandardOutput=null
${QUIET}
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=${lane === "fast" ? "45" : "600"}
NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelModules=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077
ReadWritePaths=-${postureState} -${run}
${lane === "slow" ? NAMESPACES : ""}MemoryMax=512M
`;
}

/** One order that the warden verified and wrote down; root on the host's own network, for as long as it takes. */
function fix({ node, posture: program, postureState }: HostLayout): string {
  return `[Unit]
Description=Clawhold: carries out the verified order %i

[Service]
Type=oneshot
ExecStart=${node} --no-warnings ${program} order --directory ${postureState}
StandardInput=file:${postureState}/orders/%i.json
StandardOutput=truncate:${postureState}/orders/%i.answer
TimeoutStartSec=600
UMask=0077
`;
}

interface SocketText {
  readonly description: string;
  readonly path: string;
  readonly name: string;
  readonly service: UnitName;
  /** User, group, mode. */
  readonly owner: readonly [string, string, string];
}

/** A service that cannot start must not take its socket with it: who comes next would find the door gone for good. */
function socket({ description, path, name, service, owner: [user, group, mode] }: SocketText): string {
  return `[Unit]
Description=${description}

[Socket]
ListenStream=${path}
FileDescriptorName=${name}
Service=${service}
SocketUser=${user}
SocketGroup=${group}
SocketMode=${mode}
DirectoryMode=0755
Backlog=16
TriggerLimitIntervalSec=1min
TriggerLimitBurst=120
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;
}

function timer(description: string, when: string): string {
  return `[Unit]
Description=${description}

[Timer]
${when}
Persistent=yes

[Install]
WantedBy=timers.target
`;
}
