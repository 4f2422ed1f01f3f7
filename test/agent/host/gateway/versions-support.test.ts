import { describe, expect, it } from "vitest";
import { monthsBefore, releaseOf, supportOf } from "../../../../agent/host/gateway/versions-support.ts";

describe("supportOf", () => {
  it.each(["2026.9.6", "2026.9.0", "2026.9.6-2", "2026.9.33"])("knows %s", (version) =>
    expect(supportOf(version)).toBe("known"),
  );

  it.each(["2026.10.0", "2027.1.0", "2026.9.7-beta.1", "2026.10.1-3", "9.9.9", "next", "2026.9", ""])(
    "takes %s for one that nobody tried yet",
    (version) => expect(supportOf(version)).toBe("newer"),
  );

  it.each(["2026.8.4", "2026.7.32", "2026.7.1-2", "2026.6.9", "2026.5.40", "2025.12.1", "2026.7.33", "2026.7.35-1"])(
    "takes %s for an old one",
    (version) => expect(supportOf(version)).toBe("older"),
  );

  it("reads a suffix of digits as a hot fix, and any other as never released", () => {
    expect(releaseOf("2026.7.1-2")).toMatchObject({ patch: 1, fix: 2, isPrerelease: false });
    expect(releaseOf("2026.7.1-beta.2")).toMatchObject({ fix: 0, isPrerelease: true });
  });

  it("counts months over the year's end", () => {
    expect(monthsBefore({ year: 2025, month: 12, patch: 1, fix: 0, isPrerelease: false })).toBe(9);
  });
});
