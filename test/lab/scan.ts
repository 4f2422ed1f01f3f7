/** Our own scan, run on a server of the lab as the timer runs it there: the built program, by the machine's Node, as root. */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import * as v from "valibot";
import { postureBundle } from "../../agent/agent-bundle.ts";
import type { CheckId } from "../../protocol/posture.ts";
import { reportSchema, type Finding, type Report } from "../../protocol/posture/report.ts";
import type { ScanLane } from "../../protocol/posture/words.ts";
import { labDirectory } from "./leftovers.ts";
import type { Machine } from "./machine.ts";

export const HOME = "/opt/lab-scanner";
/** Where an installed host keeps baselines, waivers and the facts of its last slow scan. */
export const POSTURE_DIRECTORY = "/var/lib/clawhold/host/posture";
export const NODE = "/usr/local/bin/node";

export class Scanner {
  readonly #machine: Machine;

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Puts the program on a running machine: as it is in the working tree now. */
  static async on(machine: Machine): Promise<Scanner> {
    const directory = await mkdtemp(path.join(labDirectory, "posture-"));
    try {
      await build({ ...postureBundle(directory), logLevel: "silent" });
      writeFileSync(path.join(directory, "version"), "0.0.0\n");
      await machine.copyIn(directory, HOME);
      // As installed: a probe runs it as another user.
      await machine.must(["/usr/bin/chmod", "0755", HOME]);
    } finally {
      await rm(directory, { recursive: true });
    }
    return new Scanner(machine);
  }

  async scan(lane: ScanLane = "fast"): Promise<Report> {
    const output = await this.run("scan", "--lane", lane, "--directory", POSTURE_DIRECTORY);
    return v.parse(reportSchema, JSON.parse(output));
  }

  /** Any verb of the program; resolves to what it printed. */
  run(...words: readonly string[]): Promise<string> {
    return this.#machine.must([NODE, path.join(HOME, "posture.cjs"), ...words]);
  }

  async finding(check: CheckId, lane: ScanLane = "fast"): Promise<Finding> {
    return findingOf(await this.scan(lane), check);
  }
}

export function findingOf(report: Report, check: CheckId): Finding {
  const found = report.findings.find((finding) => finding.check === check);
  if (found === undefined) throw new TypeError(`no finding of ${check}`);
  return found;
}
