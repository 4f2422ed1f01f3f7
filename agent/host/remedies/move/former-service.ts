/**
 * What runs the gateway now, and by which command. Only a service can be moved: what somebody started in a terminal has nobody who
 * would start it again on the way back. The process hides its arguments, so they are taken from its unit.
 */
import { realpathSync } from "node:fs";
import { systemCode } from "../../../shared/edge-error.ts";
import type { Disk } from "../disk.ts";
import { outputOf, type Hands } from "../hands.ts";
import { accountsOf, unitOf } from "../survey-gateway.ts";
import type { Former } from "./carried.ts";

export interface Hindrance {
  readonly code: string;
  readonly note: string;
}

const USER_UNIT = /\/user@(\d+)\.service\/(?:[^/\n]+\/)*([A-Za-z0-9:_.@\\-]+\.service)(?:\/|\n|$)/;
const CONTAINER = /(?:docker|containerd|libpod|podman|kubepods|lxc|machine-)[^\n]*/;

export async function formerOf(
  hands: Hands,
  { pid, uid }: { readonly pid: number; readonly uid: number },
): Promise<Former | Hindrance> {
  const { disk } = hands;
  const of = (name: string): string => disk.text(`/proc/${String(pid)}/${name}`) ?? "";
  const group = of("cgroup");
  const isForwarder = /^(?:docker-proxy|rootlessport|conmon|slirp4netns|pasta)/.test(of("comm"));
  // One number for each space of processes that it is in, from ours inwards.
  if (isForwarder || /^NSpid:\t\d+\t\d/m.test(of("status")) || CONTAINER.test(group))
    return hindrance(
      "gateway_in_container",
      "The gateway runs in a container, which has users of its own. Nothing is moved: set a user in the container's own settings.",
    );
  const account = accountsOf(disk.text("/etc/passwd") ?? "").find((one) => one.uid === uid);
  if (account === undefined) return hindrance("gateway_not_found", `The gateway's user ${String(uid)} has no account.`);
  const own = { user: account.name, uid, gid: account.gid };
  const unit = await unitOf(hands, pid);
  if (unit !== undefined) return { kind: "system", unit, ...own };
  const [, manager, named] = USER_UNIT.exec(group) ?? [];
  if (named === undefined || manager !== String(uid) || named === "init.scope")
    return hindrance(
      "gateway_by_hand",
      `The gateway was started by hand (in a terminal, tmux or a task), as ${own.user}. Make it a service first: openclaw gateway install`,
    );
  return { kind: "user", unit: named, ...own };
}

export function hindrance(code: string, note: string): Hindrance {
  return { code, note };
}

/** systemctl, speaking to the manager that keeps the service. As that user: root's own would start programs of his with root's rights. */
export function controlOf({ kind, user, uid }: Former, ...argv: readonly string[]): readonly string[] {
  if (kind === "system") return ["systemctl", ...argv];
  const place = `XDG_RUNTIME_DIR=/run/user/${String(uid)}`;
  return ["runuser", "-u", user, "--", "env", place, "systemctl", "--user", ...argv];
}

const PLAIN = /^[A-Za-z0-9@_+=:,./-]+$/;
const ENTRY = /\/(?:openclaw(?:\.mjs)?|(?:index|entry)\.m?js)$/;
/** What a flag of Node's may be: others load code, open a debugger, or read a file that is not root's. */
const FLAG =
  /^--(?:no-warnings|no-deprecation|enable-source-maps|(?:max-old-space|max-semi-space|stack)-size=\d+|disable-warning=\w+|dns-result-order=\w+|unhandled-rejections=[a-z-]+)$/;
const NODE = /\/node(?:js)?(?:-?\d+)?$/;
const SECRET = /^--(?:token|password|auth-token)(?:=|$)/;

/** argv for the new service: Node as it runs now, and the same program, by paths that only root can change. */
export async function commandOf(hands: Hands, former: Former, pid: number): Promise<readonly string[] | Hindrance> {
  const text = await outputOf(hands, controlOf(former, "show", "--property=ExecStart", "--", former.unit));
  const words = /argv\[\]=(.*?) ; ignore_errors=/.exec(text)?.[1]?.split(" ") ?? [];
  const at = words.findIndex((word) => ENTRY.test(word));
  const isPlain = at >= 0 && at <= 4 && words.every((word) => PLAIN.test(word));
  if (!isPlain || !words.slice(1, at).every((word) => FLAG.test(word)))
    return hindrance(
      "command_not_plain",
      `${former.unit} starts the gateway through another program. Let its ExecStart name node and openclaw themselves.`,
    );
  if (words.some((word) => SECRET.test(word)))
    return hindrance(
      "secret_in_command",
      `${former.unit} has a secret among its arguments, where everybody reads it. Put it into the configuration first.`,
    );
  const exe = hands.disk.state(`/proc/${String(pid)}/exe`);
  const node = exe.kind === "link" && NODE.test(exe.target) ? rootsOwn(hands.disk, exe.target) : undefined;
  const entry = rootsOwn(hands.disk, words[at] ?? "");
  if (node === undefined || entry === undefined)
    return hindrance(
      "program_of_user",
      "Node or OpenClaw is in a place that others than root can change or the new user cannot read. Install both for the whole machine first.",
    );
  return [node, ...words.slice(1, at), entry, ...words.slice(at + 1)];
}

/** The path without links, if everybody may read it and root alone can put something in its place. */
function rootsOwn(disk: Disk, path: string): string | undefined {
  let real: string;
  try {
    real = realpathSync(disk.at(path)).slice(disk.at("").length);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
  const names = real.split("/").filter(Boolean);
  const all = names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
  return all.every((one) => isRootsOwn(disk, one)) ? real : undefined;
}

const FOR_ALL = { file: 0o004, directory: 0o001 } as const;

function isRootsOwn(disk: Disk, path: string): boolean {
  const facts = disk.facts(path);
  if (facts === undefined || (facts.kind !== "file" && facts.kind !== "directory")) return false;
  return facts.uid === 0 && (facts.mode & 0o022) === 0 && (facts.mode & FOR_ALL[facts.kind]) !== 0;
}
