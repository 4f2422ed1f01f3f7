/** A machine in a directory: real files below a root of its own, and users and services as lists in memory. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { hostLayout, type HostLayout } from "../../../agent/host/units/layout.ts";
import { installHost, readRelease, type Installed } from "../../../agent/install/install.ts";
import type { System } from "../../../agent/install/system.ts";
import { uninstallHost } from "../../../agent/install/uninstall.ts";

export const WORKSPACE = "w".repeat(43);

export class Rig {
  readonly root: string;
  readonly layout: HostLayout;
  readonly users = new Set<string>();
  readonly enabled = new Set<string>();
  readonly ran: string[] = [];
  joins = 0;
  /** Fails the so-manieth program, or step of joining, from now on; none when it is negative. */
  failAfter = -1;
  readonly system: System;

  constructor() {
    this.root = mkdtempSync(path.join(tmpdir(), "clawhold-install-"));
    this.layout = hostLayout({ root: this.root, node: "/usr/bin/node" });
    const { units, launcher, programs, data } = this.layout;
    for (const directory of [units, ...[launcher, programs, data].map((one) => path.dirname(one))])
      mkdirSync(directory, { recursive: true });
    this.system = {
      run: (argv) => Promise.resolve(this.#run(argv)),
      userOf: (name) => Promise.resolve(this.#user(name)),
    };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Whoever runs the tests owns everything here. */
  #user(name: string): { readonly uid: number; readonly gid: number } | undefined {
    const { uid, gid } = statSync(this.root);
    return name === "root" || this.users.has(name) ? { uid, gid } : undefined;
  }

  #run(argv: readonly string[]): { readonly code: number; readonly out: string } {
    this.#maybeFail();
    this.ran.push(argv.join(" "));
    const [program, verb] = argv;
    const units = argv.slice(2).filter((word) => !word.startsWith("--"));
    if (program === "useradd") this.users.add(argv.at(-1) ?? "");
    if (program === "userdel") this.users.delete(argv.at(-1) ?? "");
    if (verb === "enable") for (const unit of units) this.enabled.add(unit);
    if (verb === "disable") for (const unit of units) this.enabled.delete(unit);
    if (verb === "is-enabled" || verb === "is-active")
      return { code: units.every((unit) => this.enabled.has(unit)) ? 0 : 1, out: "" };
    return { code: 0, out: "" };
  }

  #maybeFail(): void {
    if (this.failAfter === 0) throw new Error("cut off");
    this.failAfter -= 1;
  }

  /** What the archive brings as the key that signs releases. */
  releaseKey: string | undefined;

  release(version: string, content = version): string {
    const from = path.join(this.root, `release-${version}`);
    mkdirSync(from, { recursive: true });
    for (const name of ["agent.cjs", "posture.cjs", "clawhold.cjs"]) writeFileSync(path.join(from, name), content);
    const launcher = readFileSync(path.resolve(import.meta.dirname, "../../../agent/install/launcher.sh"));
    writeFileSync(path.join(from, "launcher"), launcher);
    writeFileSync(path.join(from, "version"), `${version}\n`);
    if (this.releaseKey !== undefined) writeFileSync(path.join(from, "release-key.json"), this.releaseKey);
    return from;
  }

  install(
    version = "1.0.0",
    more: { readonly sum?: string; readonly isDryRun?: boolean; readonly workspace?: string } = {},
  ) {
    const { sum = "a".repeat(64), isDryRun = false, workspace = WORKSPACE } = more;
    return installHost({
      layout: this.layout,
      system: this.system,
      release: readRelease(this.release(version), sum, "/usr/bin/node"),
      workspace,
      isDryRun,
      join: () => Promise.resolve(this.#join(workspace)),
      say: () => this.#maybeFail(),
    }) satisfies Promise<Installed>;
  }

  #join(workspace: string): void {
    this.joins += 1;
    mkdirSync(this.layout.linkState, { recursive: true });
    writeFileSync(`${this.layout.linkState}/tls.json`, "{}");
    writeFileSync(this.layout.hostFile, JSON.stringify({ workspace }));
  }

  uninstall(rollBack: () => Promise<void> = () => Promise.resolve()): Promise<{ readonly isTold: boolean }> {
    return uninstallHost({
      layout: this.layout,
      system: this.system,
      rollBack,
      sayFarewell: () => Promise.resolve(true),
      say: () => this.#maybeFail(),
    });
  }

  /** Everything but the releases that a person would have brought: name, mode, content. The same below any root. */
  tree(): readonly string[] {
    const all = readdirSync(this.root, { recursive: true, withFileTypes: true });
    const described = all.map((entry) => {
      const full = path.join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) return `${full} -> ${readlinkSync(full)}`;
      const { mode } = statSync(full);
      return `${full} ${mode.toString(8)} ${entry.isFile() ? readFileSync(full, "utf8") : ""}`;
    });
    return described
      .map((line) => line.replaceAll(this.root, "").replace(/"started":"[0-9a-f]+"/, "started"))
      .filter((line) => !line.startsWith("/release-"))
      .toSorted();
  }
}
