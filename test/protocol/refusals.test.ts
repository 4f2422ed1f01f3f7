import { describe, expect, it } from "vitest";
import { explainRefusal, refusalCodes } from "../../protocol/refusals.ts";

describe("refusals", () => {
  it("have distinct codes that fit the wire", () => {
    expect(new Set(refusalCodes).size).toBe(refusalCodes.length);
    expect(refusalCodes.filter((code) => !/^[a-z][a-z_.]{1,40}$/.test(code))).toEqual([]);
  });

  it.each(refusalCodes)("%s says what happened and what to do next", (code) => {
    const { what, next } = explainRefusal(code);
    expect(what).toMatch(/^[A-Za-z].{10,}[^.]$/);
    expect(next).toMatch(/^[A-Z].{10,}\.$/);
    expect(`${what} ${next}`).not.toMatch(/!|please|oops|sorry/i);
  });

  it("tell a sign-in from an approval", () => {
    expect(explainRefusal("session.signature").what).toContain("At sign-in");
    expect(explainRefusal("approval.signature").what).toContain("At the approval");
    expect(explainRefusal("session.signature").next).not.toBe(explainRefusal("approval.signature").next);
  });
});
