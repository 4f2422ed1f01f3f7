/** sshd as a remedy needs to know it: its version, ports, files, and who could sign in with a key when nothing else is left. */
import { accountsOf } from "./survey-gateway.ts";
import { outputOf, type Hands } from "./hands.ts";
import type { Disk } from "./disk.ts";

export const MAIN_FILE = "/etc/ssh/sshd_config";
export const DROP_IN_DIRECTORY = "/etc/ssh/sshd_config.d";

export interface KeyHolder {
  readonly user: string;
  readonly canBecomeRoot: boolean;
}

export interface Line {
  readonly file: string;
  readonly number: number;
  readonly text: string;
}

export interface SshSurvey {
  /** e.g. 9.2; 0 when it does not say. */
  readonly version: number;
  readonly ports: readonly number[];
  /** Settings without any condition, as `sshd -T` prints them, lists joined by a blank. */
  readonly settings: ReadonlyMap<string, string>;
  /** Users with a key in a file that sshd would accept. */
  readonly holders: readonly KeyHolder[];
  /** sshd reads the directory of drop-ins. */
  readonly hasInclude: boolean;
  /** What is read before our drop-ins would be. */
  readonly earlier: readonly Line[];
  /** All `Match` lines, which our drop-ins overrule. */
  readonly matches: readonly Line[];
  /** Lines that name a port or an address to listen on, outside of our files. */
  readonly listenLines: readonly Line[];
}

export async function surveySsh(hands: Hands): Promise<SshSurvey> {
  const { disk } = hands;
  const settings = settingsOf(await outputOf(hands, ["sshd", "-T"]));
  const ran = await hands.run(["sshd", "-V"]);
  const said = ran.kind === "ran" ? `${ran.stderr}${ran.stdout}` : "";
  const lines = linesRead(disk);
  return {
    version: Number(/OpenSSH_(\d+\.\d+)/.exec(said)?.[1] ?? "0"),
    ports: (settings.get("port") ?? "22").split(" ").map(Number),
    settings,
    holders: await holdersOf(hands, settings.get("authorizedkeysfile") ?? ".ssh/authorized_keys"),
    hasInclude: lines.hasInclude,
    earlier: lines.earlier,
    matches: lines.all.filter(({ text }) => /^match\s/i.test(text)),
    listenLines: lines.all.filter(({ text }) => /^(?:port|listenaddress)[\s=]/i.test(text)),
  };
}

export function settingsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const cut = line.indexOf(" ");
    if (cut < 0) continue;
    const [key, value] = [line.slice(0, cut), line.slice(cut + 1)];
    const before = found.get(key);
    found.set(key, before === undefined ? value : `${before} ${value}`);
  }
  return found;
}

interface LinesRead {
  readonly all: readonly Line[];
  readonly earlier: readonly Line[];
  readonly hasInclude: boolean;
}

const isOurs = (name: string): boolean => name.startsWith("00-clawhold-");
const INCLUDE = /^include\s+(?:\/etc\/ssh\/)?sshd_config\.d\/\*\.conf\s*$/i;

/** Every line in the order in which sshd reads it, our own files left out. */
function linesRead(disk: Disk): LinesRead {
  const [all, earlier]: [Line[], Line[]] = [[], []];
  let hasInclude = false;
  for (const line of linesOf(disk, MAIN_FILE)) {
    if (!hasInclude && INCLUDE.test(line.text)) {
      hasInclude = true;
      for (const name of disk.names(DROP_IN_DIRECTORY).filter((one) => one.endsWith(".conf") && !isOurs(one))) {
        const within = linesOf(disk, `${DROP_IN_DIRECTORY}/${name}`);
        all.push(...within);
        if (name < "00-clawhold-") earlier.push(...within);
      }
      continue;
    }
    all.push(line);
    if (!hasInclude) earlier.push(line);
  }
  return { all, earlier, hasInclude };
}

function linesOf(disk: Disk, file: string): readonly Line[] {
  return (disk.text(file) ?? "")
    .split("\n")
    .map((text, index) => ({ file, number: index + 1, text: text.trim() }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
}

async function holdersOf(hands: Hands, pattern: string): Promise<readonly KeyHolder[]> {
  const found: KeyHolder[] = [];
  for (const { name, uid, home } of accountsOf(hands.disk.text("/etc/passwd") ?? "")) {
    const files = pattern.split(" ").filter((file) => file !== "none" && file !== "");
    if (!files.some((file) => isKeyFile(hands.disk, placeOf(file, { name, home }), { uid, home }))) continue;
    found.push({ user: name, canBecomeRoot: uid === 0 || (await isSudoer(hands, name)) });
  }
  return found;
}

function placeOf(pattern: string, { name, home }: { name: string; home: string }): string {
  const path = pattern.replaceAll("%h", home).replaceAll("%u", name);
  return path.startsWith("/") ? path : `${home}/${path}`;
}

const KEY_TYPE = /ssh-ed25519|ecdsa-sha2-|ssh-rsa|sk-ssh-|sk-ecdsa-/;

/** As sshd's StrictModes sees it: its owner's or root's, and nobody else could have written it. */
function isKeyFile(disk: Disk, path: string, { uid, home }: { uid: number; home: string }): boolean {
  const file = disk.state(path);
  if (file.kind !== "file" || (file.uid !== uid && file.uid !== 0) || (file.mode & 0o022) !== 0) return false;
  for (const above of [home, path.slice(0, path.lastIndexOf("/"))]) {
    const directory = disk.state(above);
    if (directory.kind !== "directory" || (directory.uid !== uid && directory.uid !== 0)) return false;
    if ((directory.mode & 0o022) !== 0) return false;
  }
  // Line by line: its owner may be hostile, and one expression over all of it could take hours.
  const lines = (disk.text(path) ?? "").split("\n");
  return lines.some((line) => !line.startsWith("#") && KEY_TYPE.test(line));
}

async function isSudoer(hands: Hands, user: string): Promise<boolean> {
  return /\((?:ALL|root)[^)]*\)(?:\s+NOPASSWD:)?\s+ALL/.test(await outputOf(hands, ["sudo", "-n", "-l", "-U", user]));
}
