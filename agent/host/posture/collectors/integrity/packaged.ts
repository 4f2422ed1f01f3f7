/**
 * Files that changed and are what the Debian package that they came with says: an update that installed itself, and no drift. The
 * record is the machine's own, so an intruder who rewrites it too is not found by this; programs that give rights get no such
 * leniency.
 */
import type { Machine } from "../../machine.ts";

const RECORDS = "/var/lib/dpkg/info";
const MILLISECONDS = 8_000;
const PACKAGE = /^[a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?$/;
const MAX_PACKAGES = 40;
const MAX_RECORD_BYTES = 4 << 20;

/** Of these paths. Empty also where there is no dpkg. */
export async function packaged(machine: Machine, paths: readonly string[]): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  // Before /usr was merged, its record has the other name.
  const names = paths.flatMap((path) => (path.startsWith("/usr/lib/") ? [path, path.slice("/usr".length)] : [path]));
  const search = await machine.run(["dpkg-query", "--search", "--", ...names], { milliseconds: MILLISECONDS });
  if (search.kind !== "ran") return new Set();
  const packages = ownersIn(search.stdout).slice(0, MAX_PACKAGES);
  const recorded = await recordsOf(machine, packages);
  const sums = await machine.run(["md5sum", "--binary", "--zero", "--", ...paths], { milliseconds: MILLISECONDS });
  if (sums.kind !== "ran") return new Set();
  const now = sums.stdout.split("\0").flatMap((entry) => {
    const found = /^([0-9a-f]{32}) [ *]([\s\S]+)$/.exec(entry);
    return found === null ? [] : [{ sum: found[1] ?? "", path: found[2] ?? "" }];
  });
  const isRecorded = (path: string, sum: string): boolean => recorded.has(`${sum} ${path}`);
  return new Set(
    now
      .filter(
        ({ path, sum }) =>
          isRecorded(path, sum) || (path.startsWith("/usr/lib/") && isRecorded(path.slice("/usr".length), sum)),
      )
      .map(({ path }) => path),
  );
}

/** Of `openssh-server: /lib/systemd/system/ssh.service`. */
export function ownersIn(text: string): readonly string[] {
  const found = text.split("\n").flatMap((line) => {
    const cut = line.indexOf(": /");
    return cut < 0 ? [] : line.slice(0, cut).split(", ");
  });
  return [...new Set(found)].filter((name) => PACKAGE.test(name));
}

/** `<md5> <path>` of every file of these packages, settings too. */
async function recordsOf(machine: Machine, packages: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const name of packages) {
    const record = await machine.read(`${RECORDS}/${name}.md5sums`, MAX_RECORD_BYTES);
    if (record.kind === "text")
      for (const [, sum = "", path = ""] of record.text.matchAll(/^([0-9a-f]{32}) {2}(.+)$/gm))
        found.add(`${sum} /${path}`);
  }
  if (packages.length === 0) return found;
  const settings = await machine.run(["dpkg-query", "--show", "--showformat=${Conffiles}\\n", "--", ...packages]);
  if (settings.kind === "ran")
    for (const [, path = "", sum = ""] of settings.stdout.matchAll(/^ (\/.+) ([0-9a-f]{32})(?: obsolete)?$/gm))
      found.add(`${sum} ${path}`);
  return found;
}
