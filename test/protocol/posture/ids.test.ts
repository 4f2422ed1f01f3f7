import { describe, expect, it } from "vitest";
import * as v from "valibot";
import { checkIds } from "../../../protocol/posture.ts";
import { checkNames } from "../../../protocol/posture/ids.ts";
import { postureSchema, type PostureFigures } from "../../../protocol/telemetry.ts";

describe("the ids of all checks", () => {
  it("are those of the catalogue, in its order", () => {
    expect(checkNames).toEqual(checkIds);
  });
});

describe("what a host says of its posture", () => {
  const honest: PostureFigures = {
    at: 1_800_000_000,
    score: 40,
    grade: "D",
    privileged: true,
    pass: ["ssh.crypto"],
    fail: ["gw.auth.mode"],
    notApplicable: [],
    error: [],
    unverified: [],
    waived: [],
  };
  it("is taken", () => {
    expect(v.safeParse(postureSchema, honest).success).toBe(true);
  });
  it.each([
    ["a check that there is not", { fail: ["gw.made.up"] }],
    ["a text in place of a check", { fail: ["<img src=x>"] }],
    ["a check twice", { fail: ["gw.auth.mode", "gw.auth.mode"] }],
    ["a score beyond the scale", { score: 101 }],
    ["a grade that there is not", { grade: "A+" }],
    ["a field more", { excerpt: "PermitRootLogin yes" }],
    ["evidence", { evidence: [] }],
  ])("is refused with %s", (_what, change) => {
    expect(v.safeParse(postureSchema, { ...honest, ...change }).success).toBe(false);
  });
});
