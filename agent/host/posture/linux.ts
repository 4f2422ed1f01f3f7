/**
 * The machine that this program runs on. Programs are found on a fixed path and must be on the list; a file that another user
 * could have put a link in place of is not followed, because this may run as root.
 */
import { MAX_OUTPUT_BYTES, runBounded } from "./bounded-run.ts";
import { linkTarget, list, look, readText } from "./linux-files.ts";
import { tryHttp, tryTcp } from "./linux-tries.ts";
import type { Machine, Ran, RunOptions } from "./machine.ts";

const RUN_MILLISECONDS = 10_000;
const ROOT = 0;

/** What collectors may run. Programs that look; none of them changes anything with the arguments that we give. */
const programs: ReadonlySet<string> = new Set([
  "apt-config",
  "apt-get",
  "dpkg-query",
  "fail2ban-client",
  "find",
  "findmnt",
  "getent",
  "id",
  "ip",
  "ip6tables-legacy-save",
  "ip6tables-nft-save",
  "iptables-legacy-save",
  "iptables-nft-save",
  "journalctl",
  "loginctl",
  "lsblk",
  "md5sum",
  "nft",
  "openclaw",
  "setpriv",
  "sha256sum",
  "ss",
  "ssh",
  "ssh-keygen",
  "sshd",
  "sudo",
  "sysctl",
  "systemctl",
  "systemd-analyze",
  "systemd-detect-virt",
  "systemd-run",
  "tailscale",
  "timedatectl",
  "ufw",
  "unshare",
  "wg",
]);

export interface LinuxOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly uid: number;
  /** argv that runs this program again. */
  readonly self: readonly string[];
}

export function linuxMachine({ environment, homeDirectory, uid, self }: LinuxOptions): Machine {
  return {
    isRoot: uid === ROOT,
    uid,
    now: () => Math.floor(Date.now() / 1_000),
    environment,
    homeDirectory,
    self,
    run: (argv, options = {}) => runListed(argv, options, self),
    read: readText,
    look,
    list,
    linkTarget,
    tcp: tryTcp,
    http: tryHttp,
  };
}

export class UnlistedProgramError extends Error {
  override readonly name = "UnlistedProgramError";
}

function runListed(argv: readonly string[], options: RunOptions, self: readonly string[]): Promise<Ran> {
  const [program, ...rest] = argv;
  const isSelf = self.length > 0 && self.every((word, index) => argv[index] === word);
  if (program === undefined || !(isSelf || programs.has(program)))
    throw new UnlistedProgramError(`no collector may run ${program ?? "nothing"}`);
  const { milliseconds = RUN_MILLISECONDS, maxBytes = MAX_OUTPUT_BYTES, input, as } = options;
  const words =
    as === undefined
      ? argv
      : [
          "setpriv",
          `--reuid=${String(as.uid)}`,
          `--regid=${String(as.gid)}`,
          "--clear-groups",
          "--no-new-privs",
          ...argv,
        ];
  return runBounded(as === undefined ? [program, ...rest] : words, {
    milliseconds,
    maxBytes,
    input,
    environment: { HOME: "/nonexistent" },
  });
}
