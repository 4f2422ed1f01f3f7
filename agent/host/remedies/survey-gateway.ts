/** The gateway of this machine as far as a remedy needs it: whose it is, where it listens, which unit keeps it. */
import { DEFAULT_GATEWAY_PORT } from "../gateway/discover.ts";
import { gatewayProcesses } from "../gateway/gateway-process.ts";
import { outputOf, type Hands } from "./hands.ts";

export interface GatewayPlace {
  readonly port: number;
  /** Who runs it; where it is down, the owner of the state directory that was found. */
  readonly uid: number | undefined;
  readonly user: string | undefined;
  readonly home: string | undefined;
  /** A unit of the system whose main process it is. */
  readonly unit: string | undefined;
}

/** Where an installation puts it. */
const OWN_USER = "openclaw";
const MAX_USER_UID = 60_000;

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export async function lookForGateway(hands: Hands): Promise<GatewayPlace> {
  const accounts = accountsOf(hands.disk.text("/etc/passwd") ?? "");
  const process = (await gatewayProcesses(DEFAULT_GATEWAY_PORT, undefined))[0];
  const account =
    process === undefined
      ? (accounts.find(({ name }) => name === OWN_USER) ?? accounts.find(({ home }) => isStateAt(hands, home)))
      : accounts.find(({ uid }) => uid === process.uid);
  return {
    port: DEFAULT_GATEWAY_PORT,
    uid: process?.uid ?? account?.uid,
    user: account?.name,
    home: account?.home,
    unit: process === undefined ? undefined : await unitOf(hands, process.pid),
  };
}

function isStateAt(hands: Hands, home: string): boolean {
  return hands.disk.state(`${home}/.openclaw`).kind === "directory";
}

export function accountsOf(passwd: string): readonly Account[] {
  return passwd.split("\n").flatMap((line) => {
    const [name = "", , uid = "", gid = "", , home = "", shell = ""] = line.split(":");
    return /^\d+$/.test(uid) && home.startsWith("/") && Number(uid) < MAX_USER_UID
      ? [{ name, uid: Number(uid), gid: Number(gid), home, shell }]
      : [];
  });
}

/** Not one that merely contains it: a task of cron's listens on the port, and cron would be confined and started anew. */
export async function unitOf(hands: Hands, pid: number): Promise<string | undefined> {
  const of = (name: string): string => hands.disk.text(`/proc/${String(pid)}/${name}`) ?? "";
  const group = of("cgroup");
  const unit = /\/system\.slice\/(?:[^/\n]+\/)*([A-Za-z0-9:_.@\\-]+\.service)/.exec(group)?.[1];
  if (unit === undefined) return undefined;
  const shown = await outputOf(hands, ["systemctl", "show", "--property=FragmentPath,MainPID", "--", unit]);
  const main = /^MainPID=([1-9]\d*)$/m.exec(shown)?.[1];
  // A unit may start the gateway through one wrapper.
  const isMain = main === String(pid) || (main !== undefined && main === /^PPid:\t(\d+)$/m.exec(of("status"))?.[1]);
  return isMain && /^FragmentPath=\/./m.test(shown) ? unit : undefined;
}
