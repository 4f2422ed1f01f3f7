import { describe, expect, it } from "vitest";
import { wrongWith } from "../../../../web/pages/host/agent-form.tsx";
import { policyWish } from "../../../../web/pages/host/channels-tab.tsx";
import { valueOf } from "../../../../web/pages/host/config-edit.tsx";
import { grantFor } from "../../../../web/pages/host/desk.ts";
import { joined } from "../../../../web/pages/host/log-tab.tsx";
import { grantOf } from "../../../../web/pages/host/use-asking.ts";

describe("a value of the configuration", () => {
  it("is what its type says", () => {
    expect(valueOf('say "hi"', "string")).toEqual({ value: '"say \\"hi\\""' });
    expect(valueOf(" 12 ", "number")).toEqual({ value: "12" });
    expect(valueOf("[1, 2]", undefined)).toEqual({ value: "[1,2]" });
  });

  it.each([
    ["", "number", "Write a value"],
    ["twelve", "number", "no JSON"],
    ['"12"', "integer", "a number"],
    ["1", "boolean", "true or false"],
  ] as const)("refuses %j for %s", (typed, type, word) => {
    expect(valueOf(typed, type)).toContain(word);
  });
});

describe("an agent that somebody typed", () => {
  const files = [{ name: "AGENTS.md", content: "x" }];
  it("has a name and files of their own names", () => {
    expect(wrongWith({ name: "main-2", files })).toBeUndefined();
    expect(wrongWith({ name: "Main", files })).toContain("small letters");
    expect(wrongWith({ name: "main", files: [{ name: "../x", content: "" }] })).toContain("each file");
    expect(wrongWith({ name: "main", files: [...files, ...files] })).toContain("same name");
  });
});

describe("a channel's policy", () => {
  const channel = { tag: "c-0123456789abcdef", subject: "d", direct: "pairing" } as const;
  it("is daily when it tightens, and critical with what was seen when it does not", () => {
    expect(policyWish(channel, "disabled")).toEqual({
      operation: "channel.tighten@1",
      args: { subject: channel.tag, policy: "disabled" },
    });
    expect(policyWish(channel, "open")).toMatchObject({ operation: "channel.loosen@1", expect: { subject: "d" } });
    expect(policyWish({ tag: channel.tag, subject: "d" }, "disabled").operation).toBe("channel.loosen@1");
  });
});

describe("a grant", () => {
  const asked = { operation: "content.read@1", args: { kinds: ["logs"], seconds: 900 } } as const;
  it("begins with its receipt and ends by itself", () => {
    const grant = grantOf(asked, 1_000);
    if (grant === undefined) throw new TypeError("no grant");
    expect(grantFor([grant], { kind: "logs" }, 1_899)).toBe(grant);
    expect(grantFor([grant], { kind: "logs" }, 1_900)).toBeUndefined();
    expect(grantFor([grant], { kind: "config" }, 1_000)).toBeUndefined();
  });

  it("of one session opens no other", () => {
    const grant = grantOf({ ...asked, args: { kinds: ["transcripts"], seconds: 60, session: "s-1" } }, 0);
    if (grant === undefined) throw new TypeError("no grant");
    expect(grantFor([grant], { kind: "transcripts", session: "s-1" }, 1)).toBe(grant);
    expect(grantFor([grant], { kind: "transcripts", session: "s-2" }, 1)).toBeUndefined();
    expect(grantFor([grant], { kind: "transcripts" }, 1)).toBeUndefined();
  });

  it("comes of nothing else", () => {
    expect(grantOf({ operation: "host.check@1", args: { kinds: ["logs"], seconds: 900 } }, 0)).toBeUndefined();
  });
});

describe("a log that is followed", () => {
  const start = { lines: [], cursor: undefined, readAt: undefined, wasReset: false, trouble: undefined };
  const answer = (text: string, isReset = false) => ({ at: 1, cursor: 5, isReset, lines: [{ text }] });
  it("joins what is new, and says when it was turned over", () => {
    const first = joined(start, answer("a", true), 1);
    expect(first.wasReset).toBe(false);
    const second = joined(first, answer("b"), 2);
    expect(second.lines.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(joined(second, answer("c", true), 3).wasReset).toBe(true);
  });

  it("keeps the newest lines only", () => {
    const many = { at: 1, cursor: 5, isReset: false, lines: Array.from({ length: 1_000 }, () => ({ text: "x" })) };
    let followed = joined(start, answer("first"), 1);
    for (let look = 0; look < 6; look += 1) followed = joined(followed, many, look);
    expect(followed.lines).toHaveLength(5_000);
    expect(followed.lines.some(({ text }) => text === "first")).toBe(false);
  });
});
