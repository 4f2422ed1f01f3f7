/** Releases that are newer than what runs: made and signed here, handed out by the edge of the lab, and known to its hosts. */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Closers } from "../../agent/edge/closers.ts";
import { buildRelease } from "../../agent/install/build-release.ts";
import { makeReleaseKey, signRelease } from "../../agent/install/sign-release.ts";
import { dist, type RunningEdge } from "../net/product.ts";
import { restartEdge } from "./edge.ts";
import type { Machine } from "./machine.ts";

export class Releases {
  readonly #edge: RunningEdge;
  readonly #machine: Machine;
  readonly #closers: Closers;

  private constructor(edge: RunningEdge, machine: Machine, closers: Closers) {
    this.#edge = edge;
    this.#machine = machine;
    this.#closers = closers;
  }

  /** Pins their key on an installed host by hand, as a bundle with a key in it has it done. */
  static async pinned(edge: RunningEdge, machine: Machine, closers: Closers): Promise<Releases> {
    const [secret, key] = ["release-secret", "release-key.json"].map((name) => path.join(machine.directory, name));
    makeReleaseKey(secret ?? "", key ?? "");
    await machine.write("/var/lib/clawhold/host/warden/release-key.json", readFileSync(key ?? ""), "0600");
    return new Releases(edge, machine, closers);
  }

  /** Starts the edge again with this release to hand out; `agent`: in the place of the agent's program. Resolves to its SHA-256. */
  async handOut(version: string, agent?: string): Promise<string> {
    const next = path.join(this.#machine.directory, `dist-${version}`);
    cpSync(dist, next, { recursive: true });
    if (agent !== undefined) writeFileSync(path.join(next, "agent.cjs"), agent);
    const release = path.join(next, "install");
    buildRelease({ dist: next, version, out: release });
    signRelease(release, path.join(this.#machine.directory, "release-secret"));
    // The edge itself runs as before: only what it hands out is newer.
    cpSync(path.join(dist, "agent.cjs"), path.join(next, "agent.cjs"));
    await restartEdge(this.#edge, path.join(next, "clawhold.mjs"), this.#closers);
    return createHash("sha256")
      .update(readFileSync(path.join(release, "clawhold.tar.gz")))
      .digest("hex");
  }
}
