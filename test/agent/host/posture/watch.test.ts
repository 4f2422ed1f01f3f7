import { mkdtempSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { figuresOf } from "../../../../agent/host/posture/figures.ts";
import { openPostureStore } from "../../../../agent/host/posture/store.ts";
import {
  followFigures,
  scanByChild,
  startPostureWatch,
  type PostureWatch,
} from "../../../../agent/host/posture/watch.ts";
import type { Report } from "../../../../protocol/posture/report.ts";
import type { ScanLane } from "../../../../protocol/posture/words.ts";

const directory = () => mkdtempSync(join(tmpdir(), "posture-watch-"));
const waiver = { check: "ssh.crypto" as const, author: "p-1", at: 1, until: 99, reason: "old client" };
const report: Report = {
  v: 1,
  at: 1_800_000_000,
  lane: "fast",
  privileged: true,
  agentVersion: "0.1.0",
  advisories: { count: 0 },
  score: 71,
  grade: "C",
  findings: [
    { check: "ssh.crypto", rev: 1, state: "fail", shortfalls: ["arcfour"], evidence: [], waiver },
    { check: "gw.auth.mode", rev: 1, state: "not_applicable", shortfalls: [], evidence: [] },
  ],
};

let watch: PostureWatch | undefined;
afterEach(() => watch?.stop());

describe("what leaves a host in the open", () => {
  it("is states and ids alone", () => {
    expect(figuresOf(report)).toEqual({
      at: report.at,
      score: 71,
      grade: "C",
      privileged: true,
      pass: [],
      fail: ["ssh.crypto"],
      notApplicable: ["gw.auth.mode"],
      error: [],
      unverified: [],
      waived: ["ssh.crypto"],
      waivedUntil: 99,
    });
    expect(JSON.stringify(figuresOf(report))).not.toContain("arcfour");
  });
});

describe("looking at a host", () => {
  it("goes on by itself: what is quick first, everything later, and a scan that fails ends nothing", async () => {
    const store = openPostureStore(directory());
    const lanes: ScanLane[] = [];
    const logged: string[] = [];
    let now = 1_800_000_000;
    await new Promise<void>((resolve) => {
      watch = startPostureWatch({
        store,
        scan: (lane) => {
          lanes.push(lane);
          if (lanes.length === 2) return Promise.reject(new Error("no"));
          if (lanes.length === 4) now += 86_400;
          store.saveReport({ ...report, score: lanes.length });
          return Promise.resolve();
        },
        log: (code) => logged.push(code),
        onChange: () => {
          if (lanes.length === 5) resolve();
        },
        now: () => now,
        lookMilliseconds: 1,
        firstLookMilliseconds: 1,
      });
    });
    expect(lanes).toEqual(["fast", "fast", "fast", "fast", "slow"]);
    expect(logged).toEqual(["posture_scan_failed"]);
    expect(watch?.figures()?.score).toBe(5);
  });
  it("shows what was found before, until it has looked", () => {
    const store = openPostureStore(directory());
    store.saveReport(report);
    const never = () => Promise.reject(new Error("not asked"));
    watch = startPostureWatch({ store, scan: never, log: () => undefined, onChange: () => undefined, now: () => 0 });
    expect(watch.figures()?.score).toBe(71);
  });
  it("waits for a look that is asked for", async () => {
    const store = openPostureStore(directory());
    const scan = () => Promise.resolve(store.saveReport(report));
    watch = startPostureWatch({ store, scan, log: () => undefined, onChange: () => undefined, now: () => 1e9 });
    await watch.refresh();
    expect(watch.figures()?.grade).toBe("C");
  });
});

describe("the program that looks", () => {
  it("is started with its lane, and a failure of it is one of the scan", async () => {
    const [file, ...script] = [process.execPath, "-e"];
    const print = (code: string) => [file, ...script, code, "x"];
    await expect(
      scanByChild(print('process.exit(process.argv.includes("fast") ? 0 : 1)'))("fast"),
    ).resolves.toBeUndefined();
    await expect(scanByChild(print("process.exit(3)"))("fast")).rejects.toThrow();
    await expect(scanByChild(["/nowhere/posture"])("fast")).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("what another program left", () => {
  const path = join(directory(), "posture.json");
  it("is read when it changed, and nothing else is a figure", () => {
    const figures = followFigures(path);
    expect(figures()).toBeUndefined();
    writeFileSync(path, JSON.stringify(figuresOf(report)));
    utimesSync(path, 1, 1);
    expect(figures()).toEqual(figuresOf(report));
    writeFileSync(path, JSON.stringify({ ...figuresOf(report), excerpt: "PermitRootLogin yes" }));
    utimesSync(path, 2, 2);
    expect(figures()).toBeUndefined();
    writeFileSync(path, "{");
    utimesSync(path, 3, 3);
    expect(figures()).toBeUndefined();
  });
});
