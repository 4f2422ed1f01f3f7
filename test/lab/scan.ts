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

const HOME = "/opt/lab-scanner";
const NODE = "/usr/local/bin/node";

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
    } finally {
      await rm(directory, { recursive: true });
    }
    return new Scanner(machine);
  }

  /** `more`: as typed after the lane. */
  async scan(lane: ScanLane = "fast", ...more: readonly string[]): Promise<Report> {
    const argv = [NODE, path.join(HOME, "posture.cjs"), "scan", "--lane", lane, ...more];
    return v.parse(reportSchema, JSON.parse(await this.#machine.must(argv)));
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
