/** What is told of a host's posture, and what is not. */
import { describe, expect, it } from "vitest";
import {
  newsOf,
  nothingKept,
  WAIVER_NOTICE_SECONDS,
  type KeptPosture,
} from "../../../durable-objects/host/posture-alarms.ts";
import type { CheckId } from "../../../protocol/posture.ts";
import { checkNames } from "../../../protocol/posture/ids.ts";
import type { PostureFigures } from "../../../protocol/telemetry.ts";

const NOW = 1_800_000_000;
const when = { at: NOW, room: 24 };

type Lists = Partial<Pick<PostureFigures, "pass" | "fail" | "notApplicable" | "error" | "unverified" | "waived">>;
const found = (lists: Lists, waivedUntil?: number): PostureFigures => ({
  at: NOW,
  score: 50,
  grade: "C",
  privileged: true,
  pass: [],
  fail: [],
  notApplicable: [],
  error: [],
  unverified: [],
  waived: [],
  ...lists,
  ...(waivedUntil === undefined ? {} : { waivedUntil }),
});

/** Each look after the other; what the last one told. */
function after(...looks: readonly Lists[]): { began: readonly CheckId[]; over: readonly CheckId[]; kept: KeptPosture } {
  let news = newsOf(nothingKept, found({}), when);
  for (const look of looks) news = newsOf(news.kept, found(look), when);
  return news;
}

const SSH = "ssh.password-auth";
const WALL = "fw.default-deny";

describe("a check that fails", () => {
  it("is told when it passed before", () => {
    expect(after({ pass: [SSH, WALL] }, { fail: [SSH], pass: [WALL] }).began).toEqual([SSH]);
  });
  it("is no news when it failed from the first look on", () => {
    expect(after({ fail: [SSH] }).began).toEqual([]);
    expect(after({ fail: [SSH] }, { fail: [SSH] }).began).toEqual([]);
  });
  it("is told once", () => {
    expect(after({ pass: [SSH] }, { fail: [SSH] }, { fail: [SSH] }).began).toEqual([]);
  });
  it("is told though in between nobody could see it", () => {
    expect(after({ pass: [SSH] }, { unverified: [SSH] }, { error: [SSH] }, {}, { fail: [SSH] }).began).toEqual([SSH]);
  });
  it("is told when it did not apply before", () => {
    expect(after({ notApplicable: [SSH] }, { fail: [SSH] }).began).toEqual([SSH]);
  });
  it("is not told while it is accepted, and is told when that has ended", () => {
    const accepted = after({ pass: [SSH] }, { fail: [SSH], waived: [SSH] });
    expect(accepted.began).toEqual([]);
    expect(newsOf(accepted.kept, found({ fail: [SSH] }), when).began).toEqual([SSH]);
  });
});

describe("what was told is over", () => {
  it("when it passes again, and can be told anew", () => {
    const mended = after({ pass: [SSH] }, { fail: [SSH] }, { pass: [SSH] });
    expect(mended.over).toEqual([SSH]);
    expect(newsOf(mended.kept, found({ fail: [SSH] }), when).began).toEqual([SSH]);
  });
  it("when it is accepted", () => {
    expect(after({ pass: [SSH] }, { fail: [SSH] }, { fail: [SSH], waived: [SSH] }).over).toEqual([SSH]);
  });
  it("not when nobody can see it any more", () => {
    expect(after({ pass: [SSH] }, { fail: [SSH] }, { unverified: [SSH] }).over).toEqual([]);
  });
});

describe("a host that changes everything at once", () => {
  const all = after({ pass: [...checkNames] }).kept;
  const broken = newsOf(all, found({ fail: [...checkNames] }), { at: NOW, room: 5 });

  it("is told of as far as there is room, the gravest first", () => {
    expect(broken.began).toHaveLength(5);
    expect(broken.began).toContain("gw.auth.mode");
    expect(broken.began).not.toContain("patch.auto");
  });
  it("and of the rest when there is room again", () => {
    const later = newsOf(broken.kept, found({ fail: [...checkNames] }), { at: NOW, room: 200 });
    expect(new Set([...broken.began, ...later.began])).toEqual(new Set(checkNames));
    expect(newsOf(broken.kept, found({ fail: [...checkNames] }), { at: NOW, room: 0 }).began).toEqual([]);
  });
  it("also of what is over", () => {
    const none = newsOf(broken.kept, found({ pass: [...checkNames] }), { at: NOW, room: 2 });
    expect(none.over).toHaveLength(2);
    expect(newsOf(none.kept, found({ pass: [...checkNames] }), when).over).toHaveLength(3);
  });
});

describe("an acceptance", () => {
  const soon = found({ fail: [SSH], waived: [SSH] }, NOW + WAIVER_NOTICE_SECONDS - 1);
  it("is told of within a week of its end, once", () => {
    const told = newsOf(nothingKept, soon, when);
    expect(told.waiver).toBe(NOW + WAIVER_NOTICE_SECONDS - 1);
    expect(newsOf(told.kept, soon, when).waiver).toBeUndefined();
  });
  it("is not told of before", () => {
    expect(newsOf(nothingKept, found({ waived: [SSH] }, NOW + WAIVER_NOTICE_SECONDS), when).waiver).toBeUndefined();
  });
  it("is taken back when none ends soon any more", () => {
    const told = newsOf(nothingKept, soon, when);
    expect(newsOf(told.kept, found({ fail: [SSH] }), when).waiver).toBe(false);
  });
  it("waits where there is no room", () => {
    const full = newsOf(nothingKept, soon, { at: NOW, room: 0 });
    expect(full.waiver).toBeUndefined();
    expect(newsOf(full.kept, soon, when).waiver).toBe(NOW + WAIVER_NOTICE_SECONDS - 1);
  });
});
