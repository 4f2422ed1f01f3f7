import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { sampleSchema, samplesSchema, type Sample } from "../../protocol/history.ts";
import { MAX_SAMPLES } from "../../protocol/limits.ts";
import { withForeignMember, withSmuggledText } from "../fixtures/foreign.ts";

const share = { tag: "mo-0123456789abcdef", tokens: 10, costMicros: 20 };
const sample: Sample = {
  at: 1_750_000_000,
  state: "running",
  boot: "0123456789abcdef",
  sessions: 2,
  rssBytes: 1_000,
  loopMs: 3,
  jobs: { ok: 1, failed: 0 },
  usage: { day: "2026-11-20", tokens: 10, costMicros: 20, models: [share], agents: [share] },
};

describe("a sample for the curves", () => {
  it("is accepted whole and at its smallest", () => {
    expect(v.is(sampleSchema, sample)).toBe(true);
    expect(v.is(sampleSchema, { at: 1, state: "running" })).toBe(true);
  });

  it("has no room for an unknown field, wherever it stands", () => {
    const bent = withForeignMember(sample);
    expect(bent).toHaveLength(5);
    expect(bent.filter((one) => v.is(sampleSchema, one))).toEqual([]);
  });

  it("has no field that carries a sentence", () => {
    const bent = withSmuggledText(sample);
    expect(bent).toHaveLength(17);
    expect(bent.filter((one) => v.is(sampleSchema, one))).toEqual([]);
  });

  it("comes with no more than a day of others", () => {
    const many = Array.from({ length: MAX_SAMPLES + 1 }, () => sample);
    expect(v.is(samplesSchema, many.slice(1))).toBe(true);
    expect(v.is(samplesSchema, many)).toBe(false);
    expect(v.is(samplesSchema, [])).toBe(false);
  });
});
