/**
 * Each check that applies to a server of the lab is driven pass -> fail -> pass by changing the server. A check that cannot
 * fail where it must, or pass with the evidence that it asks for, is found here.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { checkIds, checks, type CheckId } from "../../protocol/posture.ts";
import type { Report } from "../../protocol/posture/report.ts";
import { checkAreas, isAtLeast, type CheckArea } from "../../protocol/posture/words.ts";
import { areas } from "./drives/areas.ts";
import type { Drive, Site } from "./drives/drive.ts";
import { defaultRelease, Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { findingOf, Scanner } from "./scan.ts";

/** How many must reach the evidence that they need, of those in the catalogue. Only ever raised. */
const MUST_REACH = 2;

const reached = new Set<CheckId>();

/** One area's machine, and the newest report of it. */
class Stand {
  readonly site: Site;
  readonly #scanner: Scanner;
  #report: Report | undefined;

  private constructor(site: Site, scanner: Scanner) {
    this.site = site;
    this.#scanner = scanner;
  }

  static async open(area: CheckArea, closers: Closers): Promise<Stand> {
    const network = new Network();
    closers.push(() => network.close());
    const machine = await Machine.started({ network, ...areas[area].plan });
    closers.push(() => machine.remove());
    const site = { network, machine, attacker: new Outside(network, "attacker"), admin: new Outside(network, "admin") };
    await areas[area].prepare?.(site);
    return new Stand(site, await Scanner.on(machine));
  }

  async passes(drive: Drive): Promise<void> {
    // What the drive before left may be right already, and its scan is as good as another.
    if (!this.#hasPassed(drive.check)) {
      await drive.mend(this.site);
      await this.#scan(drive);
    }
    const finding = findingOf(this.#newest(), drive.check);
    expect(finding, JSON.stringify(finding)).toMatchObject({ check: drive.check, state: "pass" });
    expect(isAtLeast(finding.level ?? "declared", checks[drive.check].requires)).toBe(true);
  }

  async fails(drive: Drive): Promise<void> {
    await drive.fail(this.site);
    const finding = findingOf(await this.#scan(drive), drive.check);
    expect(finding, JSON.stringify(finding)).toMatchObject({ check: drive.check, state: "fail" });
    if (drive.says !== undefined) expect(finding.shortfalls.join("\n")).toMatch(drive.says);
  }

  async #scan({ lane = "fast" }: Drive): Promise<Report> {
    this.#report = await this.#scanner.scan(lane);
    return this.#report;
  }

  #hasPassed(check: CheckId): boolean {
    return this.#report?.findings.some((finding) => finding.check === check && finding.state === "pass") ?? false;
  }

  #newest(): Report {
    if (this.#report === undefined) throw new TypeError("nothing was scanned");
    return this.#report;
  }
}

for (const area of checkAreas.filter((one) => areas[one].drives.length > 0)) {
  describe(area, () => {
    const closers: Closers = [];
    let stand: Stand;
    beforeAll(async () => {
      stand = await Stand.open(area, closers);
    });
    afterAll(() => closeAll(closers));

    it.each(areas[area].drives)("$check passes, fails and passes again", async (drive) => {
      await stand.passes(drive);
      await stand.fails(drive);
      await stand.passes(drive);
      reached.add(drive.check);
    });
  });
}

it("each check of the catalogue is driven, or is said why not", () => {
  for (const area of checkAreas) {
    const { drives, undriven } = areas[area];
    const told = [...drives.map(({ check }) => check), ...Object.keys(undriven)].toSorted();
    expect.soft(told, area).toEqual(checkIds.filter((check) => checks[check].area === area).toSorted());
  }
});

it("as many checks as promised reach the evidence that they need", () => {
  const missing = checkIds.filter((check) => !reached.has(check));
  console.log(
    `Debian ${defaultRelease()}: ${String(reached.size)} of ${String(checkIds.length)} checks reached the evidence that they need, ` +
      `driven by changing the host. Not driven: ${missing.join(", ") || "none"}.`,
  );
  expect(reached.size).toBeGreaterThanOrEqual(MUST_REACH);
});
