/** The order of releases, by hand: each line is a pair that semantic versioning, or sorting by letters, gets wrong at least once. */
import { describe, expect, it } from "vitest";
import {
  compareReleases,
  isAffected,
  isReleaseVersion,
} from "../../../../../agent/host/posture/advisories/versions.ts";

describe("the order of the gateway's releases", () => {
  it.each([
    ["2026.7.1", "2026.7.1-2"], // a correction comes after: semver says before
    ["2026.7.1-1", "2026.7.1-2"],
    ["2026.7.1-2", "2026.7.1-10"],
    ["2026.7.1-beta.2", "2026.7.1"],
    ["2026.7.1-beta.2", "2026.7.1-1"],
    ["2026.7.1-beta.2", "2026.7.1-beta.10"],
    ["2026.7.1-alpha.9", "2026.7.1-beta.1"],
    ["2026.7.1-beta.9", "2026.7.1-rc.1"],
    ["2026.2.9", "2026.2.12"], // letters say after
    ["2026.2.2-3", "2026.2.3"],
    ["2026.1.14-1", "2026.1.20"],
    ["2.0.0-beta3", "2026.1.1"], // the days before dates
    ["2.0.0-beta3", "2.0.0-beta5"],
    ["2.0.0-beta5", "2.0.0"],
    ["2026.6.9", "2026.6.33"], // extended-stable
    ["2026.6.35", "2026.7.1"],
    ["2026.9.6", "2026.10.1"],
  ])("%s comes before %s", (older, newer) => {
    expect(compareReleases(older, newer)).toBeLessThan(0);
    expect(compareReleases(newer, older)).toBeGreaterThan(0);
    expect(compareReleases(older, older)).toBe(0);
  });
  it.each(["", "latest", "2026.9", "2026.9.6.1", "2026.9.6-", "2026.9.6-custom", "2026.9.x", "١.2.3"])(
    "%j is no release that it can place",
    (text) => {
      expect(isReleaseVersion(text)).toBe(false);
      expect(compareReleases(text, "2026.9.6")).toBeUndefined();
    },
  );
});

describe("whether a fault is in a version", () => {
  it.each([
    // version, introduced, fixed, affected
    ["2026.3.10", "0", "2026.3.11", true],
    ["2026.3.11", "0", "2026.3.11", false],
    ["2026.3.11-1", "0", "2026.3.11", false], // the trap: as semver it would be older than the fix
    ["2026.3.11-beta.1", "0", "2026.3.11", true],
    ["2026.1.14", "2026.1.14-1", "2026.2.2", false], // came with the correction
    ["2026.1.14-1", "2026.1.14-1", "2026.2.2", true],
    ["2026.1.14-2", "2026.1.14-1", "2026.2.2", true],
    ["2026.2.2-3", "2026.1.14-1", "2026.2.2", false],
    ["2026.5.13", "2026.5.14-beta.1", "2026.5.27", false],
    ["2026.5.14-beta.1", "2026.5.14-beta.1", "2026.5.27", true],
    ["2026.5.14", "2026.5.14-beta.1", "2026.5.27", true],
    ["2.0.0-beta2", "2.0.0-beta3", "2026.2.14", false],
    ["2.0.0-beta3", "2.0.0-beta3", "2026.2.14", true],
    ["2026.2.13", "2.0.0-beta3", "2026.2.14", true],
    ["2026.9.6", "0", "2026.6.9", false],
    ["2026.6.33", "0", "2026.6.9", false],
    ["2026.6.33", "0", "2026.7.2", true],
  ] as const)("%s, introduced in %s and fixed in %s: %s", (...[version, introduced, fixed, affected]) => {
    expect(isAffected(version, { introduced, fixed })).toBe(affected);
  });
  it("is assumed of a version that cannot be placed", () => {
    expect(isAffected("main-build", { introduced: "0", fixed: "2026.6.9" })).toBe(true);
  });
});
