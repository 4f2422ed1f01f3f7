/** The systemd units of an update, as text. Reads nothing and writes nothing. */
import { unprivileged } from "../../host/units/hardening.ts";
import { UNITS, USERS, type HostLayout } from "../../host/units/layout.ts";
import type { UnitFile } from "../../host/units/unit-files.ts";
import { DEAD_MAN_SECONDS, UPDATE_UNITS, updatePlaces, WELL_SECONDS } from "./places.ts";

const UNIT_MODE = 0o644;

export function updateUnitFiles(layout: HostLayout): readonly UnitFile[] {
  const texts = {
    [UPDATE_UNITS.fetch]: fetch(layout),
    [UPDATE_UNITS.update]: update(layout),
    [UPDATE_UNITS.guard]: guard(layout),
  };
  return Object.entries(texts).map(([name, content]) => ({
    path: `${layout.units}/${name}`,
    content: `# Written by clawhold at its installation; changes belong into a drop-in.\n${content}`,
    mode: UNIT_MODE,
  }));
}

function step({ node, current }: HostLayout, word: string): string {
  return `${node} --no-warnings ${current}/clawhold.cjs host update-step ${word}`;
}

function fetch(layout: HostLayout): string {
  const { wardenState, gatewayState, readerState, postureState, gatewaySocket, readerSocket, wardenSocket } = layout;
  return `[Unit]
Description=Clawhold: fetches the release that a verified command names

[Service]
Type=oneshot
ExecStart=${step(layout, "fetch")}
TimeoutStartSec=180
${unprivileged({
  node: layout.node,
  user: USERS.link,
  families: "AF_UNIX AF_INET AF_INET6",
  writable: layout.linkState,
  hidden: [wardenState, gatewayState, readerState, postureState, gatewaySocket, readerSocket, wardenSocket],
  memory: "256M",
})}
`;
}

/** Root, with all its powers: it replaces programs of root's, and starts services. What it replaces them by was verified. */
function update(layout: HostLayout): string {
  return `[Unit]
Description=Clawhold: changes the agent's version, or goes back
ConditionPathExists=${updatePlaces(layout).archive}

[Service]
Type=oneshot
ExecStart=${step(layout, "carry-out")}
TimeoutStartSec=${String(DEAD_MAN_SECONDS * 2)}
UMask=0022
PrivateTmp=yes
`;
}

/** From the version before: the new one may be what does not start. */
function guard(layout: HostLayout): string {
  const { node, previous } = layout;
  return `[Unit]
Description=Clawhold: settles a change of version that a restart cut off
ConditionPathExists=${updatePlaces(layout).pending}
After=${UNITS.link}

[Service]
Type=oneshot
ExecStart=${node} --no-warnings ${previous}/clawhold.cjs host update-step settle
TimeoutStartSec=${String(WELL_SECONDS * 2)}
UMask=0022

[Install]
WantedBy=multi-user.target
`;
}
