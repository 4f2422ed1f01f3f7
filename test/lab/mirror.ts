/**
 * A Debian mirror inside of a server: the packages that a test names, fetched by this machine's apt as that server's would fetch them,
 * and served from a directory. So an installation is a real one, and no server of the lab needs the internet.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { labDirectory } from "./leftovers.ts";
import type { Machine } from "./machine.ts";
import { must } from "./process.ts";
import { rootFileSystem } from "./root-file-system.ts";

const APT = "/usr/bin/apt-get";
const DEB = "/usr/bin/dpkg-deb";
const INSIDE = "/opt/lab-mirror";

/** From now on the server's only source; its lists are empty until somebody updates them. */
export async function giveMirror(machine: Machine, packages: readonly string[]): Promise<void> {
  const directory = path.join(labDirectory, `mirror-${machine.release}`);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const there = readdirSync(directory);
  const missing = packages.filter((name) => !there.some((file) => file.startsWith(`${name}_`)));
  if (missing.length > 0) await download(machine, directory, missing);
  writeFileSync(path.join(directory, "Packages"), await indexOf(directory));
  await machine.copyIn(directory, INSIDE);
  await machine.must(["/usr/bin/chmod", "-R", "a+rX", INSIDE]);
  await machine.delete("/etc/apt/sources.list.d");
  await machine.write("/etc/apt/sources.list", `deb [trusted=yes] file:${INSIDE} ./\n`);
  await machine.must(["/usr/bin/find", "/var/lib/apt/lists", "-type", "f", "-delete"]);
}

/** By the lists that the root file system was made with. */
async function download(machine: Machine, directory: string, packages: readonly string[]): Promise<void> {
  const root = rootFileSystem(machine.release) ?? "";
  const options = {
    "Dir::Etc": path.join(root, "etc/apt"),
    "Dir::State": path.join(root, "var/lib/apt"),
    "Dir::State::status": path.join(root, "var/lib/dpkg/status"),
    "Dir::Cache": machine.directory,
    "APT::Sandbox::User": "root",
  };
  const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await must(["/usr/bin/env", "-C", directory, APT, "-q", ...words, "download", ...packages]);
}

/** A flat repository's index: what each package says of itself, and how to know its file again. */
async function indexOf(directory: string): Promise<string> {
  const debs = readdirSync(directory).filter((name) => name.endsWith(".deb"));
  const stanzas = debs.map(async (name) => {
    const file = path.join(directory, name);
    const said = await must([DEB, "--field", file]);
    const sum = createHash("sha256").update(readFileSync(file)).digest("hex");
    return `${said.trim()}\nFilename: ./${name}\nSize: ${String(statSync(file).size)}\nSHA256: ${sum}\n`;
  });
  return (await Promise.all(stanzas)).join("\n");
}
