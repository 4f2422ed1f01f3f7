/**
 * Who takes a change back when we cannot: a timer of systemd's, which outlives our crash, and for the restart that it does not
 * outlive a unit that runs before SSH and the network. Both start this same program with the name of the transaction.
 */
import { must, says, type Hands } from "./hands.ts";

const RECOVER = "clawhold-recover.service";
export const RECOVER_UNIT = `/etc/systemd/system/${RECOVER}`;
export const RECOVER_LINK = `/etc/systemd/system/multi-user.target.wants/${RECOVER}`;
/** So that a hanging rollback at the start does not hold up SSH for ever. */
const RECOVER_SECONDS = 60;

export type Alarm = "deadman" | "window";

const unitOf = (alarm: Alarm | "watch", fix: string): string => `clawhold-${alarm}-${fix}`;

export interface AlarmPlan {
  readonly alarm: Alarm;
  readonly fix: string;
  readonly seconds: number;
  readonly directory: string;
}

/** Fires on the second: without a stated accuracy systemd may take a minute more. */
export async function setAlarm(hands: Hands, { alarm, fix, seconds, directory }: AlarmPlan): Promise<void> {
  const when = [`--on-active=${String(seconds)}s`, "--timer-property=AccuracySec=1s", "--property=TimeoutStartSec=300"];
  const what = [...hands.self, "rollback", "--directory", directory, "--fix", fix, "--because", alarm];
  await must(hands, ["systemd-run", "--quiet", "--collect", `--unit=${unitOf(alarm, fix)}`, ...when, "--", ...what]);
}

export async function clearAlarm(hands: Hands, alarm: Alarm, fix: string): Promise<void> {
  const timer = `${unitOf(alarm, fix)}.timer`;
  if (await says(hands, ["systemctl", "is-active", "-q", timer])) await must(hands, ["systemctl", "stop", timer]);
}

/** Waits for the sign-in beside us: an order must not stay open for minutes. */
export async function startWatch(hands: Hands, fix: string, directory: string): Promise<void> {
  const what = [...hands.self, "watch", "--directory", directory, "--fix", fix];
  await must(hands, ["systemd-run", "--quiet", "--collect", `--unit=${unitOf("watch", fix)}`, "--", ...what]);
}

/** An installation brings the unit along; without one it is there for as long as something is armed. */
export function ensureRecovery({ disk, self }: Hands, directory: string): void {
  if (disk.state(RECOVER_UNIT).kind !== "absent") return;
  const root = { uid: 0, gid: 0 };
  const wants = RECOVER_LINK.slice(0, RECOVER_LINK.lastIndexOf("/"));
  if (disk.state(wants).kind === "absent") disk.makeDirectory(wants, { mode: 0o755, ...root });
  disk.putFile(RECOVER_UNIT, recoverUnit(self, directory), { mode: 0o644, ...root });
  disk.putLink(RECOVER_LINK, RECOVER_UNIT);
}

export function removeRecovery({ disk, self }: Hands, directory: string): void {
  if (disk.text(RECOVER_UNIT) !== recoverUnit(self, directory)) return;
  disk.remove(RECOVER_LINK);
  disk.remove(RECOVER_UNIT);
}

function recoverUnit(self: readonly string[], directory: string): string {
  return `[Unit]
Description=Clawhold: takes back changes of this machine that were not proven before it stopped
DefaultDependencies=no
RequiresMountsFor=${directory} /etc
After=local-fs.target
Before=network-pre.target ssh.service ssh.socket ufw.service nftables.service fail2ban.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionDirectoryNotEmpty=${directory}/armed

[Service]
Type=oneshot
ExecStart=${[...self, "recover", "--directory", directory].map(quoted).join(" ")}
TimeoutStartSec=${String(RECOVER_SECONDS)}
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/** One word of a unit's command line. */
function quoted(word: string): string {
  return `"${word.replaceAll("%", "%%").replaceAll("$", "$$$$").replaceAll(/["\\]/g, "\\$&")}"`;
}
