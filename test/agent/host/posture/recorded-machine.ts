/** A machine that answers what was recorded of real ones (Debian 12 and 13). A fake: it runs nothing. */
import type { FileText, Machine, Ran } from "../../../../agent/host/posture/machine.ts";

export interface Recorded {
  readonly isRoot?: boolean;
  /** Answers by command line; a function sees the whole of it. Others are missing programs. */
  readonly programs?: Readonly<Record<string, string | Ran | ((argv: readonly string[]) => Ran | string)>>;
  /** Text by path, mode 0644 and root's, unless said. */
  readonly files?: Readonly<
    Record<string, string | { readonly text: string; readonly uid?: number; readonly mode?: number }>
  >;
  readonly links?: Readonly<Record<string, string>>;
  readonly tcp?: Machine["tcp"];
  readonly http?: Machine["http"];
}

export const NOW = 1_795_222_800;

export function ran(stdout: string, exit = 0, stderr = ""): Ran {
  return { kind: "ran", exit, stdout, stderr };
}

export function recordedMachine({
  isRoot = true,
  programs = {},
  files = {},
  links = {},
  tcp,
  http,
}: Recorded): Machine {
  const paths = [...Object.keys(files), ...Object.keys(links)];
  const fileAt = (path: string): { text: string; uid: number; mode: number } | undefined => {
    const found = files[path];
    if (found === undefined) return undefined;
    return typeof found === "string" ? { text: found, uid: 0, mode: 0o644 } : { uid: 0, mode: 0o644, ...found };
  };
  const read = (path: string): FileText => {
    const found = fileAt(path);
    return found === undefined ? { kind: "absent" } : { kind: "text", ...found };
  };
  return {
    isRoot,
    uid: isRoot ? 0 : 1_000,
    now: () => NOW,
    environment: {},
    homeDirectory: "/root",
    self: ["node", "posture.cjs"],
    run(argv) {
      const line = argv.join(" ");
      // The longest that begins it.
      const key = Object.keys(programs)
        .filter((one) => line === one || line.startsWith(`${one} `))
        .toSorted((one, other) => other.length - one.length)[0];
      const answer = key === undefined ? undefined : programs[key];
      const given = typeof answer === "function" ? answer(argv) : answer;
      if (given === undefined) return Promise.resolve({ kind: "missing" });
      return Promise.resolve(typeof given === "string" ? ran(given) : given);
    },
    read: (path) => Promise.resolve(read(path)),
    look(path) {
      const found = fileAt(path);
      const isDirectory = paths.some((one) => one.startsWith(`${path}/`));
      if (found === undefined && !isDirectory && links[path] === undefined) return Promise.resolve(undefined);
      const kind = found !== undefined ? "file" : isDirectory ? "directory" : "link";
      const mode = found?.mode ?? 0o755;
      const size = found?.text.length ?? 0;
      return Promise.resolve({ kind, uid: found?.uid ?? 0, gid: 0, mode, size, modified: NOW, device: 1, inode: 1 });
    },
    list(path) {
      const below = paths
        .filter((one) => one.startsWith(`${path}/`))
        .map((one) => one.slice(path.length + 1).split("/")[0] ?? "");
      return Promise.resolve(below.length === 0 ? undefined : [...new Set(below)]);
    },
    linkTarget: (path) => Promise.resolve(links[path]),
    tcp: tcp ?? (() => Promise.resolve({ outcome: "closed" })),
    http: http ?? (() => Promise.resolve({ outcome: "closed" })),
  };
}
