/**
 * The gateway gets a user and a service of its own. Its state is copied, not carried off: the former directory stays where it is, closed to
 * all but root, so that the way back is to open it again, byte for byte, on whatever disk it is. Who may run is decided by one
 * file: the former service does not start while the new service's file is there, and the new one cannot without it.
 */
import { UNITS } from "../../units/layout.ts";
import { marked } from "../marked.ts";
import { nothing, type Deed, type Desired, type Remedy } from "../remedy.ts";
import { confinement, limits } from "../remedy-unit.ts";
import { ENVIRONMENT_FILE, OWN_UNIT, OWN_UNIT_FILE, OWN_USER, stateIn } from "./carried.ts";
import type { Movable } from "./survey-move.ts";

const LARGE_BYTES = 1024 ** 3;
/** To stop, to copy, and to see the other one answer after a cold start. */
const DEAD_MAN_SECONDS = { usual: 300, large: 540 } as const;
const WANTS = `/etc/systemd/system/multi-user.target.wants/${OWN_UNIT}`;
export const WARDEN_DROP_IN = `/etc/systemd/system/${UNITS.warden}.d/zz-clawhold-gateway-home.conf`;
const MAX_NAMED = 8;

export const move: Remedy = ({ check, survey }) => {
  const { move: found } = survey;
  if (found === undefined || found.kind === "hindered")
    return {
      ...nothing,
      proof: "Nothing is changed.",
      blocked: found?.why.code ?? "by_operation",
      notes: found === undefined ? [] : [found.why.note],
    };
  if (found.kind === "own")
    return {
      ...nothing,
      proof: "Nothing is changed.",
      notes: [`The gateway runs as ${found.user}, a user of its own.`],
    };
  const { carried, isNewUser, bytes } = found;
  const { former, from, port } = carried;
  return {
    ...nothing,
    desired: desiredOf(found, check),
    deeds: isNewUser ? [userMade(carried.home)] : [],
    effects: [
      { name: "units", of: "" },
      { name: "gateway-move", of: JSON.stringify(carried) },
    ],
    proofs: [
      { kind: "gateway-as", port, user: OWN_USER },
      { kind: "closed-to", user: former.user, path: from },
      { kind: "closed-to", user: former.user, path: stateIn(carried.home) },
      { kind: "enabled", unit: OWN_UNIT },
    ],
    deadManSeconds: bytes > LARGE_BYTES ? DEAD_MAN_SECONDS.large : DEAD_MAN_SECONDS.usual,
    proof: `The gateway answers on loopback as ${OWN_USER}, and ${former.user} can read neither the old state nor the new one.`,
    notes: notesOf(found),
  };
};

function notesOf({ carried, environment, keeps, bytes }: Movable): readonly string[] {
  const { former, from, home } = carried;
  const more = environment.length - MAX_NAMED;
  return [
    `The gateway is away while it stops, ${String(Math.ceil(bytes / 1024 ** 2))} MiB are copied, and it starts: conversations that run end.`,
    `${from} stays as it is, closed to all but root, for the way back. It holds the same secrets: delete it once you will not go back.`,
    "Taken back later, what the gateway wrote since then does not come along: it is kept beside, for root alone.",
    ...(environment.length === 0
      ? []
      : [
          `Carried over into ${ENVIRONMENT_FILE}, which root alone reads: ${environment.slice(0, MAX_NAMED).join(", ")}${more > 0 ? ` and ${String(more)} more` : ""}.`,
        ]),
    ...(former.uid === 0
      ? []
      : [`${former.user} could read its keys until now: rotate the gateway's token and the providers' keys.`]),
    `Agents lose what they used of the files of ${former.user} outside of ${from}. Their home is now ${home}.`,
    ...keeps,
    "Rules of the firewall for the gateway's user name the former one: fix those checks again afterwards.",
  ];
}

function userMade(home: string): Deed {
  const databases = ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"];
  const places = ["--home-dir", home, "--no-create-home", "--shell", "/usr/sbin/nologin"];
  return {
    argv: ["useradd", "--system", "--user-group", ...places, OWN_USER],
    why: "a user for the gateway alone: no shell, no password, no groups",
    // With its directory for drop-ins: a fix that confines the new service further must be taken back before this one.
    touches: [...databases.flatMap((name) => [`/etc/${name}`, `/etc/${name}-`]), `${OWN_UNIT_FILE}.d`],
    undo: ["userdel", OWN_USER],
  };
}

function desiredOf(found: Movable, check: string): readonly Desired[] {
  const { carried, hasWarden } = found;
  const { former, home, hadHome } = carried;
  const mode = 0o644;
  const other = `ConditionPathExists=|!${OWN_UNIT_FILE}`;
  const lines = former.kind === "user" ? [other, `ConditionUser=|!${former.user}`] : [other];
  const moved = ["[Unit]", "# The gateway was moved to a user of its own.", ...lines].join("\n");
  const manager = former.kind === "user" ? "user" : "system";
  return [
    {
      kind: "file",
      path: `/etc/systemd/${manager}/${former.unit}.d/zz-clawhold-moved.conf`,
      text: marked(check, moved),
      mode,
    },
    ...(hasWarden
      ? [{ kind: "file", path: WARDEN_DROP_IN, text: marked(check, wardenText(home)), mode } as const]
      : []),
    ...(hadHome ? [{ kind: "mode", path: home, mode: 0o700 } as const] : []),
    { kind: "file", path: OWN_UNIT_FILE, text: marked(check, unitText(found)), mode },
    { kind: "link", path: WANTS, target: OWN_UNIT_FILE },
  ];
}

const wardenText = (home: string): string =>
  ["[Service]", `Environment=OPENCLAW_HOME=${home}`, `ReadWritePaths=-${home}`].join("\n");

/** Under its former path the state is seen as well: files of the gateway name each other by it. */
function unitText({ carried, command, veil }: Movable): string {
  const { from, home, hasEnvironment } = carried;
  const own = `${home}/`.startsWith("/home/") ? [`BindPaths=${home}`] : [];
  return [
    "[Unit]",
    "Description=OpenClaw gateway, as a user of its own",
    "After=network-online.target clawhold-recover.service",
    "Wants=network-online.target",
    "StartLimitIntervalSec=0",
    "[Service]",
    "Type=simple",
    `User=${OWN_USER}`,
    `Group=${OWN_USER}`,
    `WorkingDirectory=${home}`,
    `Environment=OPENCLAW_STATE_DIR=${stateIn(home)}`,
    ...(hasEnvironment ? [`EnvironmentFile=${ENVIRONMENT_FILE}`] : []),
    `ExecStart=${command.join(" ")}`,
    "Restart=always",
    "RestartSec=2",
    "RestartPreventExitStatus=78",
    "SuccessExitStatus=0 143",
    "TimeoutStopSec=90",
    ...confinement,
    ...limits,
    "ProtectHome=tmpfs",
    ...(veil === undefined ? [] : [`TemporaryFileSystem=${veil}:ro`]),
    ...own,
    `BindPaths=${stateIn(home)}:${from}`,
    `ReadWritePaths=${home} ${from}`,
    "[Install]",
    "WantedBy=multi-user.target",
  ].join("\n");
}
