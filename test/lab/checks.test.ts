/**
 * Each check that applies to a server of the lab is driven pass -> fail -> pass by changing the server. A check that cannot
 * fail where it must, or pass with the evidence that it asks for, is found here.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { checkIds, checks, type CheckId } from "../../protocol/posture.ts";
import type { Report } from "../../protocol/posture/report.ts";
import { checkAreas, isAtLeast, type CheckArea, type CheckState, type ScanLane } from "../../protocol/posture/words.ts";
import { areas } from "./drives/areas.ts";
import type { Area, Drive, Site } from "./drives/drive.ts";
import { gatewayShown, startGateway } from "./gateway.ts";
import { defaultRelease, Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import type { Release } from "./root-file-system.ts";
import { findingOf, Scanner } from "./scan.ts";

/** How many were seen to reach the evidence that they need, of those in the catalogue. Only ever raised. */
const MUST_REACH = { bookworm: 60, trixie: 60 } as const satisfies Record<Release, number>;
const LOOKS = 3;
/** Five starts of a gateway, and as many scans of a whole disk, on a busy machine. */
const SHARED_MILLISECONDS = 900_000;
/** The others start a gateway or walk the disk for each change: minutes, so with CLAWHOLD_LAB_ALL=1. */
const QUICK: readonly CheckArea[] = ["ssh", "network", "secrets"];
const isAll = process.env["CLAWHOLD_LAB_ALL"] === "1";
const drivenAreas = checkAreas.filter((area) => areas[area].drives.length > 0 && (isAll || QUICK.includes(area)));

const closers: Closers = [];
const reached = new Set<CheckId>();
let site: Site;
let scanner: Scanner;
/** The newest scan: what the drive before left may be right already, and its scan is as good as another. */
let newest: Report | undefined;

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  const machine = await Machine.started({ network, shown: await gatewayShown() });
  closers.push(() => machine.remove());
  await startGateway(machine);
  site = { network, machine, attacker: new Outside(network, "attacker"), admin: new Outside(network, "admin") };
  scanner = await Scanner.on(machine);
});

afterAll(() => closeAll(closers));

for (const area of drivenAreas) {
  describe(area, () => {
    const { prepare, settle, leave, drives } = areas[area];
    const shared = drives.filter(
      ({ lane, alone, together }) => together === true || (lane === "slow" && alone !== true),
    );

    beforeAll(() => prepare?.(site));
    afterAll(() => leave?.(site));

    it.each(drives.filter((drive) => !shared.includes(drive)))("$check passes, fails and passes again", (drive) =>
      drivenTogether([drive], settle),
    );

    it.runIf(shared.length > 0)(
      `${shared.map(({ check }) => check).join(", ")} pass, fail and pass again`,
      () => drivenTogether(shared, settle),
      SHARED_MILLISECONDS,
    );
  });
}

async function drivenTogether(drives: readonly Drive[], settle: Area["settle"]): Promise<void> {
  const lane = drives.some((drive) => drive.lane === "slow") ? "slow" : "fast";
  const pass = async (): Promise<Report> => {
    const report = newest?.lane === lane && drives.every((drive) => hasPassed(newest, drive)) ? newest : await mend();
    for (const { check } of drives) expectState(report, check, "pass");
    return report;
  };
  const mend = async (): Promise<Report> => {
    for (const drive of drives) if (!hasPassed(newest, drive)) await drive.mend(site);
    await settle?.(site);
    return scanned(lane, drives);
  };

  newest = await pass();
  for (const drive of drives) await drive.fail(site);
  await settle?.(site);
  const broken = await scanned(lane, drives);
  newest = broken;
  for (const { check, says } of drives) {
    expectState(newest, check, "fail");
    if (says !== undefined) expect.soft(findingOf(newest, check).shortfalls.join("\n")).toMatch(says);
  }
  newest = await pass();
  for (const { check } of drives) {
    const { state, level = "declared" } = findingOf(newest, check);
    const hasFailed = findingOf(broken, check).state === "fail";
    const isReached = hasFailed && state === "pass" && isAtLeast(level, checks[check].requires);
    expect.soft(isReached, `${check}: ${level}`).toBe(true);
    if (isReached) reached.add(check);
  }
}

/** Again while something did not answer in time: a test machine under load is slow, and that is neither a pass nor a failure. */
async function scanned(lane: ScanLane, drives: readonly Drive[]): Promise<Report> {
  for (let look = 1; ; look += 1) {
    const report = await scanner.scan(lane);
    const late = drives.some(({ check }) => findingOf(report, check).reason === "timeout");
    if (!late || look === LOOKS) return report;
  }
}

function hasPassed(report: Report | undefined, { check }: Drive): boolean {
  return report !== undefined && findingOf(report, check).state === "pass";
}

/** Soft: the others are driven all the same. */
function expectState(report: Report, check: CheckId, state: CheckState): void {
  const finding = findingOf(report, check);
  expect.soft(finding, JSON.stringify(finding)).toMatchObject({ check, state });
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
      `driven by changing the host. Not driven${isAll ? "" : " without CLAWHOLD_LAB_ALL=1"}: ${missing.join(", ") || "none"}.`,
  );
  for (const area of checkAreas)
    for (const [check, why] of Object.entries(areas[area].undriven)) console.log(`${check} is driven nowhere: ${why}.`);
  const asked = drivenAreas.flatMap((area) => areas[area].drives.map(({ check }) => check));
  expect(asked.filter((check) => !reached.has(check))).toEqual([]);
  if (isAll) expect(reached.size).toBeGreaterThanOrEqual(MUST_REACH[defaultRelease()]);
});
