/** What the warden's order becomes at the door, in the list of waivers, and in a receipt. The door is labelled: it mends nothing. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { beforeEach, describe, expect, it } from "vitest";
import { postureControl, type PostureControlDeps } from "../../../../agent/host/posture/control.ts";
import type { PostureOrder } from "../../../../agent/host/posture/control-interface.ts";
import { PostureDoorError, postureDoor, type Order } from "../../../../agent/host/posture/door.ts";
import { openPostureStore, type PostureStore } from "../../../../agent/host/posture/store.ts";
import { MAX_WAIVER_SECONDS } from "../../../../agent/host/posture/waivers.ts";
import type { Finding, Report } from "../../../../protocol/posture/report.ts";
import { checkNames } from "../../../../protocol/posture/ids.ts";
import { reads } from "../../../../protocol/reads.ts";

const NOW = 1_800_000_000;
const SUBJECT = "s".repeat(42) + "A";
const plan = { v: 1, checks: ["ssh.crypto"], risk: "lockout", steps: [], proof: "it is tried", notes: [] };
const fix = {
  fix: "fix-0123456789abcdef",
  checks: ["ssh.crypto"],
  state: "applied",
  at: NOW,
  author: "p-1",
  plan: SUBJECT,
  drifted: [],
};

let store: PostureStore;
let carried: Order[];
let looks: number;
let answer: unknown;

beforeEach(() => {
  store = openPostureStore(mkdtempSync(join(tmpdir(), "posture-control-")));
  carried = [];
  looks = 0;
  answer = { kind: "fix", fix };
});

function control() {
  const deps: PostureControlDeps = {
    store,
    door: postureDoor((order) => {
      carried.push(order);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    }),
    refresh: () => {
      looks += 1;
      return Promise.resolve();
    },
    now: () => NOW,
  };
  return postureControl(deps);
}

const order = (operation: PostureOrder["operation"], more: Partial<PostureOrder> = {}): PostureOrder => ({
  operation,
  args: {},
  content: undefined,
  author: "p-1",
  expect: { subject: SUBJECT },
  lookOutside: () => Promise.resolve({ kind: "refused", code: "look_silent" }),
  ...more,
});

describe("a fix", () => {
  it("goes to the door with the plan that was signed and who signed it, then the host is looked at again", async () => {
    const done = await control().perform(order("posture.fix@1", { args: { check: "ssh.crypto" } }));
    expect(carried).toEqual([
      {
        verb: "apply",
        wanted: { kind: "check", check: "ssh.crypto", options: {} },
        subject: SUBJECT,
        author: "p-1",
      },
    ]);
    expect(done).toEqual({ verdict: "executed", observed: { made: fix.fix } });
    expect(looks).toBe(1);
  });
  it("takes its choices from what was sealed", async () => {
    const content = { sshPort: "random" };
    await control().perform(order("posture.fix-with@1", { args: { check: "ssh.port.nonstandard" }, content }));
    expect(carried[0]).toMatchObject({ wanted: { options: content } });
    const profile = { profile: "standard", movePort: true, options: {} };
    await control().perform(order("profile.apply@1", { content: profile }));
    expect(carried[1]).toMatchObject({ wanted: { kind: "profile", profile } });
  });
  it("never moves the gateway: that has an operation of its own", async () => {
    for (const operation of ["posture.fix@1", "posture.fix-with@1"] as const) {
      const done = await control().perform(order(operation, { args: { check: "usr.dedicated" }, content: {} }));
      expect(done).toEqual({ verdict: "failed", observed: { reason: "by_operation" } });
    }
    expect(carried).toEqual([]);
    await control().perform(order("gateway.isolate@1", { args: {} }));
    expect(carried).toMatchObject([{ verb: "apply", wanted: { check: "usr.dedicated", options: {} } }]);
  });
  it("is never sent without a plan", async () => {
    await expect(
      control().perform(order("posture.fix@1", { args: { check: "ssh.crypto" }, expect: {} })),
    ).rejects.toThrow(TypeError);
    expect(carried).toEqual([]);
  });
  it.each([
    ["another plan", { kind: "refused", code: "changed", sentence: "x" }, ["failed", "changed"]],
    ["nothing to do", { kind: "unchanged" }, ["executed", "fix_unchanged"]],
    ["one that waits for its proof", { kind: "fix", fix: { ...fix, state: "armed" } }, ["executed", "fix_armed"]],
    [
      "one that failed",
      { kind: "fix", fix: { ...fix, state: "failed", reason: "probe_failed" } },
      ["failed", "probe_failed"],
    ],
    [
      "one that was taken back by itself",
      { kind: "fix", fix: { ...fix, state: "undone", reason: "not_proven" } },
      ["failed", "not_proven"],
    ],
    ["an answer to something else", { kind: "plan", plan, subject: SUBJECT }, ["failed", "outcome_unknown"]],
    ["no answer of ours", { kind: "root shell" }, ["failed", "outcome_unknown"]],
    ["nobody", new PostureDoorError("unanswered"), ["failed", "outcome_unknown"]],
  ])("with %s says so", async (_what, given, [verdict, reason]) => {
    answer = given;
    const done = await control().perform(order("posture.fix@1", { args: { check: "ssh.crypto" } }));
    expect(done).toMatchObject({ verdict, observed: { reason } });
  });
  it("is taken back by its name", async () => {
    answer = { kind: "fix", fix: { ...fix, state: "undone" } };
    const done = await control().perform(order("posture.rollback@1", { args: { fix: fix.fix } }));
    expect(carried).toEqual([{ verb: "rollback", fix: fix.fix, author: "p-1" }]);
    expect(done.verdict).toBe("executed");
  });
});

describe("an acceptance", () => {
  const waive = (until: number) =>
    control().perform(
      order("posture.waive@1", { args: { check: "ssh.crypto", until }, content: { reason: "old client" } }),
    );

  it("is kept with who, why and until when, and one for each check", async () => {
    await waive(NOW + 60);
    await waive(NOW + MAX_WAIVER_SECONDS);
    expect(store.waivers()).toEqual([
      { check: "ssh.crypto", author: "p-1", at: NOW, until: NOW + MAX_WAIVER_SECONDS, reason: "old client" },
    ]);
    expect(looks).toBe(2);
  });
  it.each([
    ["longer than half a year", NOW + MAX_WAIVER_SECONDS + 1, "until_late"],
    ["ended already", NOW, "until_past"],
  ])("that is %s is refused", async (_what, until, reason) => {
    expect(await waive(until)).toEqual({ verdict: "failed", observed: { reason } });
    expect(store.waivers()).toEqual([]);
  });
  it("is taken back, and says when there is none", async () => {
    await waive(NOW + 60);
    const unwaive = order("posture.unwaive@1", { args: { check: "ssh.crypto" }, expect: {} });
    expect((await control().perform(unwaive)).verdict).toBe("executed");
    expect(store.waivers()).toEqual([]);
    expect(await control().perform(unwaive)).toEqual({ verdict: "failed", observed: { reason: "gone" } });
  });
});

describe("a reading", () => {
  const report = (excerpt: string): Report => ({
    v: 1,
    at: NOW,
    lane: "fast",
    privileged: false,
    agentVersion: "0.1.0",
    advisories: { count: 0 },
    score: 10,
    grade: "F",
    findings: checkNames.map((check, i): Finding => ({
      check,
      rev: 1,
      state: i === 0 ? "fail" : "pass",
      shortfalls: [],
      evidence: Array.from({ length: 8 }, () => ({ level: "declared", source: "x", at: NOW, excerpt })),
    })),
  });

  it("gives the report; what would not fit loses the evidence of what is in order alone", async () => {
    store.saveReport(report("short"));
    expect(await control().read("posture.report@1", {})).toMatchObject({ isCut: false });
    store.saveReport(report("long".repeat(150)));
    const given = v.parse(reads["posture.report@1"].result, await control().read("posture.report@1", {}));
    expect(given.isCut).toBe(true);
    expect(given.report.findings[0]?.evidence).toHaveLength(8);
    expect(given.report.findings[1]?.evidence).toEqual([]);
    expect(JSON.stringify(given).length).toBeLessThan(280_000);
  });
  it("says that the first look is under way", async () => {
    await expect(Promise.resolve().then(() => control().read("posture.report@1", {}))).rejects.toMatchObject({
      code: "busy",
    });
  });
  it("gives a plan with its digest, or why there is none", async () => {
    answer = { kind: "plan", plan, subject: SUBJECT };
    const read = reads["posture.plan@1"];
    expect(v.parse(read.result, await control().read("posture.plan@1", { check: "ssh.crypto" }))).toMatchObject({
      kind: "plan",
      subject: SUBJECT,
    });
    answer = { kind: "refused", code: "not_root", sentence: "Only root may." };
    expect(v.parse(read.result, await control().read("posture.plan@1", { check: "ssh.crypto" }))).toEqual({
      at: NOW,
      kind: "refused",
      code: "not_root",
    });
  });
  it("names nothing of the machine in its question", () => {
    const { args } = reads["posture.plan@1"];
    expect(v.safeParse(args, { check: "ssh.port.nonstandard", choices: { sshPort: "random" } }).success).toBe(true);
    for (const choices of [{ sshPort: 40_000 }, { sshUsers: ["deploy"] }, { admins: ["203.0.113.7"] }])
      expect(v.safeParse(args, { check: "ssh.port.nonstandard", choices }).success).toBe(false);
  });
});
