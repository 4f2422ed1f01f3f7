/**
 * The part of a move that files do not say: one service ends, its state is copied and closed, the other begins; and the same
 * backwards. Each way can be begun again from wherever a killed run left it.
 */
import { renameSync } from "node:fs";
import { gatewayProcesses } from "../../gateway/gateway-process.ts";
import { systemCode } from "../../../shared/edge-error.ts";
import { UNITS } from "../../units/layout.ts";
import { DiskError } from "../disk.ts";
import { must, says, type Hands } from "../hands.ts";
import { accountsOf } from "../survey-gateway.ts";
import { carriedIn, ENVIRONMENT_FILE, OWN_UNIT, OWN_USER, stateIn, type Carried, type Former } from "./carried.ts";
import { copyState } from "./copy-state.ts";
import { environmentOf, environmentText } from "./environment.ts";
import { controlOf } from "./former-service.ts";

/** Longer than a conversation that is cut off needs; one that drains for minutes is not moved now. */
const STOP_MILLISECONDS = 100_000;
/** Where little is copied the dead man's timer is shorter, and ends us first. */
const COPY_MILLISECONDS = 300_000;
const REFRESH_SECONDS = 20;
const CLOSED = { uid: 0, gid: 0, mode: 0 } as const;
const PRIVATE = { uid: 0, gid: 0, mode: 0o700 } as const;

export interface Undoing {
  readonly direction: "back" | "boot";
  /** It was proven and stood for a while: what the gateway wrote since is kept. */
  readonly isProven: boolean;
}

interface Effected {
  readonly name: string;
  readonly of: string;
}

export function isMove({ effects }: { readonly effects: readonly Pick<Effected, "name">[] }): boolean {
  return effects.some(({ name }) => name === "gateway-move");
}

export class MoveError extends Error {
  override readonly name = "MoveError";
}

export async function moveForward(hands: Hands, text: string): Promise<void> {
  const carried = carriedIn(text);
  const { former, from, directory, home } = carried;
  await writeEnvironment(hands, carried);
  if (former.kind === "user") await must(hands, controlOf(former, "daemon-reload"));
  await must(hands, controlOf(former, "stop", "--", former.unit), { milliseconds: STOP_MILLISECONDS });
  await requireSilence(carried.port);
  const account = accountsOf(hands.disk.text("/etc/passwd") ?? "").find(({ name }) => name === OWN_USER);
  if (account === undefined) throw new MoveError("there is no user openclaw");
  const { uid, gid } = account;
  if (!carried.hadHome) hands.disk.makeDirectory(home, { uid, gid, mode: 0o700 });
  const to = stateIn(home);
  await must(hands, ["runuser", "-u", OWN_USER, "--", "mkdir", "--mode=0700", "--", to]);
  const reader = { uid: former.uid, gid: former.gid };
  await copyState({ from, to, reader, writer: { uid, gid }, milliseconds: COPY_MILLISECONDS });
  hands.disk.giveDirectory(from, directory, CLOSED);
  await must(hands, ["systemctl", "start", "--", OWN_UNIT]);
}

/** Read from the process that still runs: afterwards nobody knows it. */
async function writeEnvironment({ disk }: Hands, { port, former, hasEnvironment }: Carried): Promise<void> {
  if (!hasEnvironment) return;
  const process = (await gatewayProcesses(port, undefined)).find(({ uid }) => uid === former.uid);
  if (process === undefined) throw new MoveError("the gateway ended meanwhile");
  disk.putFile(ENVIRONMENT_FILE, environmentText(environmentOf(disk, process.pid)), { uid: 0, gid: 0, mode: 0o600 });
}

async function requireSilence(port: number): Promise<void> {
  if ((await gatewayProcesses(port, undefined)).length > 0)
    throw new MoveError(`something still listens on port ${String(port)} after the former service was stopped`);
}

/** Before its user and its unit's file go. */
export async function haltMoved(hands: Hands): Promise<void> {
  // It may be unknown to systemd by now; what counts is that it does not run.
  await hands.run(["systemctl", "stop", "--", OWN_UNIT], { milliseconds: STOP_MILLISECONDS });
  if (await says(hands, ["systemctl", "is-active", "-q", OWN_UNIT])) throw new MoveError(`${OWN_UNIT} does not stop`);
}

/** @throws {MoveError} when all is done, if the former directory was gone: the copy is kept then */
export async function moveBack(hands: Hands, text: string, { direction, isProven }: Undoing): Promise<void> {
  const carried = carriedIn(text);
  const { former, from, home } = carried;
  const isOpen = openFormer(hands, carried);
  // Without it the copy may be all that is left of the state.
  await clearCopy(hands, carried, { isKept: isProven || !isOpen });
  hands.disk.remove(ENVIRONMENT_FILE);
  if (direction === "back") await startFormer(hands, former);
  else await startAtBoot(hands, former);
  if (direction === "back") await refreshWarden(hands);
  if (!isOpen)
    throw new MoveError(
      `${from} is gone, or another directory by now. Its copy is kept beside ${home}, for root alone.`,
    );
}

/** Before anybody takes a standing move back: without that directory the former service would begin with nothing. */
export function formerState({ disk }: Pick<Hands, "disk">, effects: readonly Effected[]): "there" | "gone" | undefined {
  const text = effects.find(({ name }) => name === "gateway-move")?.of;
  if (text === undefined) return undefined;
  const { from, directory } = carriedIn(text);
  const facts = disk.facts(from);
  return facts?.kind === "directory" && facts.inode === directory.inode ? "there" : "gone";
}

/** False where it is gone or another by now: who owns the directory above can put it aside. The gateway starts all the same. */
function openFormer({ disk }: Hands, { from, directory }: Carried): boolean {
  const { uid, gid, mode } = directory;
  try {
    disk.giveDirectory(from, directory, { uid, gid, mode });
    return true;
  } catch (error) {
    if (error instanceof DiskError || ["ENOENT", "ENOTDIR", "ELOOP"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}

async function clearCopy(
  hands: Hands,
  { home, hadHome }: Carried,
  { isKept }: { readonly isKept: boolean },
): Promise<void> {
  const copy = hadHome ? stateIn(home) : home;
  const facts = hands.disk.facts(copy);
  if (facts?.kind !== "directory") return;
  if (!isKept) {
    await must(hands, ["rm", "-rf", "--one-file-system", "--", hands.disk.at(copy)], {
      milliseconds: COPY_MILLISECONDS,
    });
    return;
  }
  const aside = `${home}.taken-back-${String(hands.now())}`;
  renameSync(hands.disk.at(copy), hands.disk.at(aside));
  hands.disk.giveDirectory(aside, facts, PRIVATE);
}

async function startFormer(hands: Hands, former: Former): Promise<void> {
  const { kind, unit, uid } = former;
  if (kind === "user") {
    // Who is signed out and has no linger has no manager any more.
    await must(hands, ["systemctl", "start", `user@${String(uid)}.service`]);
    await must(hands, controlOf(former, "daemon-reload"));
  }
  await hands.run(controlOf(former, "reset-failed", "--", unit));
  await must(hands, controlOf(former, "start", "--", unit));
}

/** The start was planned with the files of before: what it will not start by itself is asked for, and nobody is waited for. */
async function startAtBoot(hands: Hands, { kind, unit }: Former): Promise<void> {
  await hands.run(["systemctl", "stop", "--no-block", "--", OWN_UNIT]);
  // A user's own manager comes later, and reads its files then.
  if (kind === "system") await must(hands, ["systemctl", "start", "--no-block", "--", unit]);
}

/**
 * It takes the gateway's place from its unit, so it is ended, and starts again with the next word on its socket. Not at once: it
 * waits for our answer, and has a receipt to sign.
 */
export async function refreshWarden(hands: Hands): Promise<void> {
  if (hands.disk.state(`/etc/systemd/system/${UNITS.warden}`).kind !== "file") return;
  const later = ["--quiet", "--collect", `--on-active=${String(REFRESH_SECONDS)}s`, "--timer-property=AccuracySec=1s"];
  await hands.run(["systemd-run", ...later, "--", "systemctl", "stop", UNITS.warden]);
}
