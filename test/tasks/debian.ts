/** Programs of Debian's that tests use: found, or installed when we are root, or asked for in one sentence. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

interface Wanted {
  /** Debian's package name. */
  readonly name: string;
  /** Its program. */
  readonly path: string;
}

export const CHROMIUM: Wanted = { name: "chromium", path: "/usr/bin/chromium" };
/** Runs a program with another clock. */
export const FAKETIME: Wanted = { name: "faketime", path: "/usr/bin/faketime" };

/** Undefined when the program is there; otherwise why not, with what to type. */
export function ensure({ name, path }: Wanted): string | undefined {
  if (existsSync(path)) return undefined;
  if (!existsSync("/usr/bin/apt-get")) return `no ${name} at ${path}, and this is not Debian`;
  if (process.getuid?.() !== 0) return `no ${name}. Type: sudo apt-get install ${name}`;
  console.log(`Installing ${name} from Debian, which the tests need.`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", name],
  ]) {
    spawnSync("/usr/bin/apt-get", args, { stdio: ["ignore", "ignore", "inherit"], env });
  }
  return existsSync(path) ? undefined : `apt-get could not install ${name}; its reason is above`;
}
